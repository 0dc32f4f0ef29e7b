"""Any number of processes, any state of the cache, and any order of the files give the same bytes."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lwlint.files import processes
from lwlint.files.processes import Lost, Pool, spread, workers
from tests.shared import HERE, shared


def lwlint(folder: Path, *arguments: str) -> tuple[int, bytes, bytes]:
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    done = subprocess.run([sys.executable, "-m", "lwlint", *arguments], cwd=folder, env=environment, capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.long
@pytest.mark.parametrize("tree", ["tht/pike", "tht/newton-before", "tht/newton-after", "units", "conf", "cib/lab"])
def test_the_answer_is_the_same_bytes(tree: str, tmp_path: Path) -> None:
    folder = shared(f"corpus/{tree}")
    names = sorted(path.name for path in folder.iterdir())
    ways = [("--no-cache", "-j", jobs) for jobs in ("0", "1", "2", "5")]
    ways += [("--cache-dir", str(tmp_path), "-j", jobs) for jobs in ("3", "1", "2")]
    answers = {lwlint(folder, "check", "--format", "json", "-v", *way, ".") for way in ways}
    assert len(answers) == 1
    assert next(iter(answers))[1]
    named = {lwlint(folder, "check", "--format", "json", *ways[3], *order) for order in (names, names[::-1])}
    assert [code for code, _, _ in named] in ([0], [1])


def test_what_is_spread_comes_back_in_order() -> None:
    items = list(range(23))
    for number in (1, 2, 3, 30):
        assert spread(lambda n: (n, "é" * n, os.getpid() == HERE_PID), items, number) == [
            (n, "é" * n, number == 1 or n % number == 0) for n in items
        ]


HERE_PID = os.getpid()


def fails_elsewhere(number: int) -> int:
    """Work that only the first process can do."""
    if os.getpid() != HERE_PID:
        raise KeyError(number)
    return -number


def ends_elsewhere(number: int) -> int:
    if os.getpid() != HERE_PID:
        os._exit(9)
    return -number


@pytest.mark.parametrize("work", [fails_elsewhere, ends_elsewhere])
def test_what_a_worker_leaves_is_done_here(work, capfd: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    assert spread(work, [1, 2, 3, 4, 5], 2) == [-1, -2, -3, -4, -5]


def test_an_error_of_the_work_itself_is_raised() -> None:
    def work(number: int) -> int:
        raise LookupError(str(number))

    with pytest.raises(LookupError):
        spread(work, [1, 2, 3], 2)


def test_what_no_process_can_be_started_for_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def fork() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    monkeypatch.setattr(os, "fork", fork)
    assert spread(lambda number: -number, [1, 2, 3, 4, 5], 3) == [-1, -2, -3, -4, -5]
    with Pool(lambda number, told: number, 2, 2) as pool:
        assert list(pool) == [Lost("no process could be started for it (Resource temporarily unavailable)")] * 2
    assert not before or len(os.listdir("/proc/self/fd")) == before


def test_an_interrupt_of_this_process_ends_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    here = os.getpid()
    forked: list[int] = []
    fork = os.fork

    def noted() -> int:
        forked.append(fork())
        return forked[-1]

    monkeypatch.setattr(os, "fork", noted)

    def work(number: int) -> int:
        if os.getpid() != here:
            time.sleep(60)
        raise KeyboardInterrupt

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        spread(work, [1, 2, 3], 3)
    assert time.monotonic() - begun < 30
    for process in forked:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_how_many_processes_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_idle", lambda: 4)
    assert [workers(0, items) for items in (0, 1, 299, 300, 500, 5000)] == [1, 1, 1, 2, 3, 4]
    assert [workers(jobs, 3) for jobs in (1, 2, 9)] == [1, 2, 3]
    monkeypatch.delattr(os, "fork")
    assert workers(8, 5000) == 1


def test_a_busy_machine_gets_no_more_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(4)), raising=False)
    found = []
    for load in (0.3, 1.9, 2.0, 7.9, 50.0):
        monkeypatch.setattr(os, "getloadavg", lambda load=load: (load, 0.0, 0.0))
        found.append(processes._idle())
    assert found == [4, 4, 3, 1, 1]


@pytest.mark.parametrize("number", ["-1", "x", "1.5", ""])
def test_what_is_no_number_of_processes_is_said(number: str, tmp_path: Path) -> None:
    code, _, said = lwlint(tmp_path, "check", f"--jobs={number}", ".")
    assert (code, said.decode().splitlines()[-1]) == (
        2,
        f"lwlint check: error: argument -j/--jobs: `{number}` is not a number of processes",
    )
