"""`lwlint audit -j`: the answer of one process, however many read the archives; one that dies takes only its archive down."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lwlint.audit import targets
from lwlint.cli import main
from lwlint.files import processes
from lwlint.files.processes import Lost, Pool
from tests.audit.audit_cluster import NODES, host, packed, replaced, write
from tests.audit.test_audit import answer
from tests.files.archive_builder import END, PACKERS, header
from tests.shared import HERE

Capsys = pytest.CaptureFixture[str]

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="THIS PLATFORM HAS NO /proc: workers are not tested")


def endless(folder: Path) -> str:
    """Return an archive that is read for longer than a test takes to kill it: noise makes bzip2 slow."""
    pack = PACKERS["tar.bz2"]
    run = pack(random.Random(2).randbytes(900_000))
    path = folder / "endless.tar.bz2"
    path.write_bytes(pack(header(b"report/var/log/messages", 400 * 900_000)) + run * 400 + pack(END))
    return str(path)


def audit(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lwlint", "audit", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=HERE, stdout=pipe, stderr=pipe, text=True, start_new_session=True, preexec_fn=heed)


def heed() -> None:
    """Let Ctrl-C count where the tests themselves run in the background of a shell, which has such ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def children(process: int) -> list[int]:
    """Return the processes that a process forked; one that has ended has none."""
    try:
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()]
    except FileNotFoundError:
        return []


def readers(process: int, path: str) -> list[int]:
    """Return the children of a process that have `path` open."""
    found = []
    for child in children(process):
        with contextlib.suppress(FileNotFoundError):
            if any(os.path.realpath(end) == path for end in Path(f"/proc/{child}/fd").iterdir()):
                found.append(child)
    return found


def until(wanted: str, seconds: float = 20) -> Iterator[None]:
    """Yield until the caller has seen what it waits for; fail after some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.01)
    raise AssertionError(f"waited in vain for {wanted}")


def reader(process: int, path: str) -> int:
    for _ in until("a worker that reads the archive"):
        if found := readers(process, path):
            return found[0]
    raise AssertionError


def gone(process: int) -> bool:
    """Whether a process has ended; one that nobody asked after yet (a zombie) has."""
    try:
        return Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("form", ["text", "json", "html"])
def test_the_answer_is_the_same_with_any_number_of_workers_and_in_any_order(form: str, tmp_path: Path, capsys: Capsys) -> None:
    conf = "etc/cinder/cinder.conf"
    changes = {NODES[1]: {conf: replaced("lightweight", conf, "\nmax_retries=-1", "\nmax_retries=5")}}
    paths = write(tmp_path, "lightweight", changes)
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(Path(paths[0]).read_bytes()[:9000])
    again = tmp_path / "again.tar"  # of the same host and the same day as another
    again.write_bytes(packed(host("lightweight", NODES[2], {conf: None}), NODES[2], "tar"))
    paths += [str(cut), str(again), str(HERE / "fixtures/newton"), str(HERE / "fixtures/lightweight")]
    dice = random.Random(form)
    answers = set()
    for jobs in ([], ["-j1"], ["-j", "2"], ["-j7"]):
        for _ in range(2):
            dice.shuffle(paths)
            code = main(["audit", *jobs, *paths, "--format", form, "-v"])
            answers.add((code, *capsys.readouterr()))
    assert len(answers) == 1
    assert "Traceback" not in next(iter(answers))[2]


def test_a_worker_that_is_killed_takes_only_its_archive_down(tmp_path: Path, capsys: Capsys) -> None:
    paths = write(tmp_path, "full-pacemaker")
    main(["audit", *paths, "--format", "json"])
    alone = json.loads(capsys.readouterr().out)
    bad = endless(tmp_path)
    process = audit("-j2", bad, *paths, "--format", "json")
    os.kill(reader(process.pid, bad), signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    found = json.loads(out)
    assert found["clusters"] == alone["clusters"]
    because = "was not read: the process that read it was ended by SIGKILL, as the kernel does when memory is short"
    assert [t["troubles"] for t in found["targets"] if t["path"] == bad] == [[f"{bad}: {because}"]]
    assert f"lwlint: `{bad}`: nothing to judge in it: {bad}: {because}" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_an_audit_that_is_ended_ends_its_workers(number: signal.Signals, tmp_path: Path) -> None:
    bad = endless(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    process = audit("-j2", bad, *write(tmp_path, "lightweight"), "--output", str(tmp_path / "answer"))
    worker = reader(process.pid, bad)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    for _ in until("the end of the worker", 5):
        if gone(worker):
            break
    assert "Traceback" not in err
    assert process.returncode == (2 if number == signal.SIGINT else -number)
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("sosreport-")) == before


def test_ctrl_c_of_a_terminal_which_goes_to_the_workers_too_leaves_one_line(tmp_path: Path) -> None:
    bad = endless(tmp_path)
    process = audit("-j2", bad, *write(tmp_path, "lightweight"))
    reader(process.pid, bad)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (2, "", "lwlint: interrupted\n")


@pytest.fixture
def heeding() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt in this process."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeding")
def test_ctrl_c_in_the_moment_of_a_fork_waits_until_the_worker_is_known(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    fork, before = os.fork, children(os.getpid())
    held = []

    def interrupted() -> int:
        held.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)  # which no other thread may take, as one of pytest-xdist's would
        process = fork()
        if not process:
            os.kill(os.getpid(), signal.SIGINT)  # before the child has said what it does about it
        return process

    monkeypatch.setattr(os, "fork", interrupted)
    with pytest.raises(KeyboardInterrupt), Pool(lambda number, told: number, 2, 2):
        raise AssertionError("it was to be interrupted")
    assert len(held) == 1
    assert held[0] >= {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()).isdisjoint(held[0])
    assert children(os.getpid()) == before
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("heeding")
def test_a_worker_heeds_the_signals_that_its_parent_heeds_in_its_own_way() -> None:
    def work(number: int, told: processes.Told) -> tuple[set[int], set[signal.Handlers]]:
        handlers = {signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
        return signal.pthread_sigmask(signal.SIG_BLOCK, ()), handlers  # type: ignore[return-value]

    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    for mask in (before, before | {signal.SIGHUP}):
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        try:
            with Pool(work, 1, 1) as pool:
                assert list(pool) == [(mask, {signal.SIG_DFL})]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.usefixtures("heeding")
def test_ctrl_c_that_came_just_before_signals_were_to_wait_leaves_none_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    before, own = signal.pthread_sigmask(signal.SIG_BLOCK, ()), signal.pthread_sigmask

    def late(how: int, mask: set[int]) -> set[signal.Signals]:
        found = own(how, mask)  # type: ignore[arg-type]
        if mask and how == signal.SIG_BLOCK:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(signal, "pthread_sigmask", late)
    with pytest.raises(KeyboardInterrupt), processes.hold_signals():
        raise AssertionError("it was to be interrupted")
    assert own(signal.SIG_BLOCK, ()) == before


def test_a_worker_that_asks_for_too_much_memory_says_so() -> None:
    def work(number: int, told: processes.Told) -> int:
        told(number, 7)
        try:
            return len(bytearray((3 if number == 1 else 0) << 30))
        except MemoryError:
            return -1

    told: list[tuple[int, int, int]] = []
    with Pool(work, 3, 2, lambda *one: told.append(one)) as pool:
        assert list(pool) == [0, -1, 0]
    assert set(told) <= {(0, 0, 7), (1, 1, 7), (2, 2, 7)}


def test_results_of_any_size_come_in_their_order_and_a_death_in_the_middle_is_told() -> None:
    def work(number: int, told: processes.Told) -> bytes:
        if number == 2:
            os.kill(os.getpid(), signal.SIGUSR1)
        if number == 3:
            os._exit(3)
        return bytes([number]) * (number * 1_000_000)

    before = children(os.getpid())  # a server that another module's tests share
    with Pool(work, 5, 3) as pool:
        found = list(pool)
    assert found[:2] == [b"", b"\1" * 1_000_000]
    assert found[2:4] == [
        Lost("the process that read it was ended by SIGUSR1"),
        Lost("the process that read it ended with exit code 3"),
    ]
    assert found[4] == b"\4" * 4_000_000
    assert children(os.getpid()) == before


def test_results_that_nobody_waits_for_any_more_end_the_work() -> None:
    def work(number: int, told: processes.Told) -> int:
        time.sleep(60 * number)
        return number

    before = children(os.getpid())
    with Pool(work, 3, 2) as pool:
        assert next(iter(pool)) == 0
        assert len(children(os.getpid())) == len(before) + 1
    assert children(os.getpid()) == before


def test_a_defect_of_the_reader_costs_one_archive_and_ends_with_2(tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = write(tmp_path, "full-pacemaker")

    def broken(opened: object, path: str, *arguments: object, **named: object) -> object:
        raise IndexError("made for a test")

    expected = answer(paths[1:], capsys, 1)["clusters"]
    kept = targets.read_archive
    monkeypatch.setattr(targets, "read_archive", lambda o, p, *a, **n: (broken if p == paths[0] else kept)(o, p, *a, **n))
    for jobs in ("-j1", "-j2"):
        code = main(["--debug", "audit", jobs, *paths, "--format", "json"])
        out, err = capsys.readouterr()
        plain = json.loads(out)
        assert (code, plain["clusters"]) == (2, expected)
        assert plain["targets"][0]["troubles"] == [f"{paths[0]}: was not read, by a defect of lwlint: IndexError: made for a test"]
        assert "in broken" in err


@pytest.mark.parametrize("jobs", ["0", "-3"])
def test_a_number_of_workers_that_is_none_is_refused(jobs: str, tmp_path: Path, capsys: Capsys) -> None:
    assert main(["audit", f"-j{jobs}", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"lwlint: `-j {jobs}`: must be 1 or more\n"
