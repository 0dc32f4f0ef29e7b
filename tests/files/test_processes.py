"""Signals while a process may not be interrupted, or has something to take away: at every moment at which they can come."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from lwlint.core.finding import ConfigurationError
from lwlint.files import processes
from tests.shared import HERE

pytestmark = pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="THIS PLATFORM HAS NO SIGNALS OF THREADS")
KEPT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def elsewhere() -> Iterator[Callable[[int], None]]:
    """Yield what has a signal taken by another thread than the first one, and returns when it has been."""
    wanted, taken = os.pipe(), os.pipe()

    def take() -> None:
        while number := os.read(wanted[0], 1):
            signal.pthread_kill(threading.get_ident(), number[0])
            os.write(taken[1], number)

    def send(number: int) -> None:
        try:
            os.write(wanted[1], bytes([number]))  # behind which it may be raised already
        finally:
            os.read(taken[0], 1)
        signal.pthread_sigmask(signal.SIG_BLOCK, ())  # which looks for signals; Python may do so later, when another thread took one

    thread = threading.Thread(target=take)
    thread.start()
    yield send
    os.close(wanted[1])
    thread.join()
    for end in (wanted[0], *taken):
        os.close(end)


@pytest.fixture(autouse=True)
def _heeding() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt in this process."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(work: Callable[[], None], at: int, interrupt: Callable[[], None]) -> bool:
    """Do the work, with an interrupt at one of the moments at which Python looks for signals; return whether it has so many."""
    left = at

    def look(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal left
        if event in ("call", "c_return"):  # a function begins, or one of C has ended
            left -= 1
            if not left:
                sys.setprofile(None)
                interrupt()

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        work()
    finally:
        sys.setprofile(before)
    return left <= 0


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_an_interrupt_never_comes_in_the_block_that_is_not_to_be_disturbed_and_never_gets_lost(
    where: str, elsewhere: Callable[[int], None]
) -> None:
    send = elsewhere if where == "elsewhere" else signal.raise_signal
    said: list[str] = []

    def work() -> None:
        with processes.hold_signals():
            said.append("begins")
            for _ in range(3):
                os.getpid()
            said.append("ends")

    def state() -> Any:
        return [signal.getsignal(one) for one in KEPT], signal.pthread_sigmask(signal.SIG_BLOCK, ())

    before = state()
    at, known = 0, True
    while known:
        at += 1
        said.clear()
        came = False
        try:
            known = interrupted(work, at, lambda: send(signal.SIGINT))
        except KeyboardInterrupt:
            came = True
        assert came == known
        assert said in ([], ["begins", "ends"])
        assert state() == before
    assert at > 20


def test_a_handler_of_another_program_is_called_behind_the_block(elsewhere: Callable[[int], None]) -> None:
    said: list[Any] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: said.append(number))
    try:
        with processes.hold_signals():
            elsewhere(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)
            said.append("block")
        assert said == ["block", signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_thread_that_is_not_the_first_changes_no_handlers() -> None:
    said: list[Any] = []

    def work() -> None:
        with processes.hold_signals():
            said.append(signal.getsignal(signal.SIGINT))
        with processes.temporary_folder() as folder:
            said.append(os.path.isdir(folder))
        said.append(os.path.exists(folder))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert said == [signal.default_int_handler, True, False]


FORKS = """
import os, signal, sys, threading
from lwlint.files.processes import Pool

wanted, taken = os.pipe(), os.pipe()

def take():  # as a thread of a library may
    while os.read(wanted[0], 1):
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        os.write(taken[1], b"x")

def interrupt():
    try:
        os.write(wanted[1], b"x")
    finally:
        os.read(taken[0], 1)
    signal.pthread_sigmask(signal.SIG_BLOCK, ())  # which looks for signals

signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Thread(target=take, daemon=True).start()
os.register_at_fork(**{sys.argv[1]: interrupt})
try:
    with Pool(lambda number, told: number, 2, 2) as pool:
        print("it went on")
except KeyboardInterrupt:
    print("interrupted", signal.getsignal(signal.SIGINT) is signal.default_int_handler, signal.pthread_sigmask(signal.SIG_BLOCK, ()))
try:
    print(os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    print("no worker is left")
"""


@pytest.mark.parametrize("moment", ["before", "after_in_parent"])
def test_ctrl_c_that_another_thread_takes_in_the_moment_of_a_fork_is_raised_behind_it(moment: str) -> None:
    run = subprocess.run([sys.executable, "-c", FORKS, moment], cwd=HERE, capture_output=True, text=True, check=False, timeout=100)
    assert (run.stdout, run.stderr) == ("interrupted True set()\nno worker is left\n", "")


ENDED = """
import os, signal, sys, tempfile
from lwlint.files import processes
from lwlint.audit.operate.simulation import Pacemaker

number, tempfile.tempdir = getattr(signal, sys.argv[1]), sys.argv[3]
Pacemaker.__enter__.__globals__["_PROGRAMS"] = ()
Pacemaker._look = lambda self: None

def folder():
    with processes.temporary_folder() as folder:
        open(os.path.join(folder, "file"), "w").close()
        os.mkdir(os.path.join(folder, "below"))

def pacemaker():
    with Pacemaker():
        os.getpid()

def ended(work, at):
    left = at
    def look(frame, event, argument):
        nonlocal left
        if event in ("call", "c_return"):  # a function begins, or one of C has ended: then Python looks for signals
            left -= 1
            if not left:
                sys.setprofile(None)
                signal.raise_signal(number)
    sys.setprofile(look)
    try:
        work()
        sys.setprofile(None)
    except KeyboardInterrupt:
        sys.setprofile(None)
        processes.take_away_folders()  # as the command does
        return 2
    return 0 if left > 0 else 99

work = globals()[sys.argv[2]]
for one in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(one, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
work()  # which imports what it needs
at, code = 0, -1
while code:
    at += 1
    process = os.fork()
    if not process:
        code = 98
        try:
            code = ended(work, at)
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    left = os.listdir(tempfile.tempdir)
    if left or code not in (0, 2 if number == signal.SIGINT else -number):
        sys.exit(f"at {at}: {code}, {left}")
print(at)
"""


@pytest.mark.parametrize(
    ("work", "name"), [("folder", "SIGINT"), ("folder", "SIGTERM"), ("folder", "SIGHUP"), ("pacemaker", "SIGINT"), ("pacemaker", "SIGTERM")]
)
def test_a_temporary_folder_goes_whenever_a_signal_ends_the_process(work: str, name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", ENDED, name, work, str(tmp_path)]
    run = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert (run.stderr, run.returncode) == ("", 0)
    assert int(run.stdout) > 100  # moments, and a run without a signal


def test_handlers_are_as_before_when_the_folder_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = [signal.getsignal(one) for one in KEPT]
    with processes.temporary_folder():
        assert [signal.getsignal(one) for one in KEPT] != before
    assert [signal.getsignal(one) for one in KEPT] == before
    with pytest.raises(ValueError, match="of the block"), processes.temporary_folder():
        raise ValueError("of the block")
    assert [signal.getsignal(one) for one in KEPT] == before
    said: list[int] = []
    own = signal.signal(signal.SIGTERM, lambda number, frame: said.append(number))
    try:
        with processes.temporary_folder():
            signal.raise_signal(signal.SIGTERM)
            assert said == [signal.SIGTERM]
        assert said == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, own)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_for_a_temporary_folder_is_told_as_such(tmp_path: Path) -> None:
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", *words], cwd=tmp_path, check=True)
    (tmp_path / "a.yaml").write_text("heat_template_version: pike\n")
    (tmp_path / "tmp").mkdir()

    def run(most: int) -> str:
        """Return what is said where a file may have so many bytes."""
        command = [sys.executable, "-m", "lwlint", "check", "--no-cache", "--since", "HEAD"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TMPDIR": str(tmp_path / "tmp")}
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert list((tmp_path / "tmp").iterdir()) == []
        return done.stderr

    assert re.fullmatch(
        rf"lwlint: `{tmp_path}/tmp/lwlint-\w+`: cannot be written \(File too large\); `TMPDIR` says where temporary folders are made\n",
        run(10),
    )
    assert run(0).startswith("lwlint: no temporary folder can be made (No usable temporary directory found in ")


def test_where_no_temporary_folder_can_be_made_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/dev/null/none")
    before = [signal.getsignal(one) for one in KEPT]
    said = r"^no temporary folder can be made \(Not a directory\); `TMPDIR` says where$"
    with pytest.raises(ConfigurationError, match=said), processes.temporary_folder():
        raise AssertionError("there is none")
    assert [signal.getsignal(one) for one in KEPT] == before
