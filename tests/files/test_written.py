"""Files are put on the disk wholly or not at all, whenever the process that does it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lwlint.files import atomic
from tests.shared import HERE

KILLED = """
import os, signal, sys, threading, time
sys.path.insert(0, sys.argv[1])
from lwlint.files import atomic
calls = [int(sys.argv[3])]

def killed(real):
    def call(*arguments, **named):
        calls[0] -= 1
        if calls[0] < 0:
            if other:
                signal.pthread_kill(other.ident, getattr(signal, sys.argv[4]))
            else:
                os.kill(os.getpid(), getattr(signal, sys.argv[4]))
        return real(*arguments, **named)
    return call

other = sys.argv[6:] and threading.Thread(target=time.sleep, args=(60,), daemon=True)
if other:
    other.start()
for name in ("open", "fdopen", "link", "replace", "rename", "mkdir", "close", "chmod"):
    setattr(os, name, killed(getattr(os, name)))
os.chdir(sys.argv[2])
if sys.argv[5] == "replace":
    atomic.replace("a.txt", b"new" * 100_000)
else:
    atomic.appear("folder", {"a": b"1" * 100_000, "b": b"2" * 100_000})
"""


def kill(folder: Path, calls: int, name: str, what: str, *other: str) -> int:
    """Write in a process that sends itself a signal before one more call of the system than `calls`; return its exit code.

    With an `other` argument it is another thread that takes the signal.
    """
    command = [sys.executable, "-c", KILLED, str(HERE), str(folder), str(calls), name, what, *other]
    return subprocess.run(command, check=False).returncode


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("before", [None, b"old"])
def test_a_file_is_the_old_one_or_the_new_one_when_a_signal_ends_the_process(before: bytes | None, tmp_path: Path) -> None:
    old = {} if before is None else {"a.txt": before}
    new = {"a.txt": b"new" * 100_000}
    seen = set()
    for calls in range(9):
        for path in tmp_path.iterdir():
            path.unlink()
        if before is not None:
            (tmp_path / "a.txt").write_bytes(before)
        code = kill(tmp_path, calls, "SIGTERM", "replace")
        seen.add(code)
        assert tree(tmp_path) in (old, new)
        assert code or tree(tmp_path) == new
    assert seen == {-signal.SIGTERM, 0}


def test_a_folder_appears_with_all_its_files_or_not_at_all_when_a_signal_ends_the_process(tmp_path: Path) -> None:
    seen = set()
    for calls in range(12):
        code = kill(tmp_path, calls, "SIGTERM", "appear")
        seen.add(code)
        found = tree(tmp_path)
        assert found in ({}, {"folder/a": b"1" * 100_000, "folder/b": b"2" * 100_000})
        assert sorted(path.name for path in tmp_path.iterdir()) == (["folder"] if found else [])
        if found:
            for path in (tmp_path / "folder").iterdir():
                path.unlink()
            (tmp_path / "folder").rmdir()
    assert seen == {-signal.SIGTERM, 0}


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="THIS PLATFORM HAS NO FILES WITHOUT A NAME: SIGKILL is not tested")
def test_before_it_has_a_name_a_file_leaves_nothing_of_a_process_that_is_killed(tmp_path: Path) -> None:
    for calls in range(3):  # open, fdopen, link
        assert kill(tmp_path, calls, "SIGKILL", "replace") == -signal.SIGKILL
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("nameless", [True, False])
def test_what_is_written_is_there_with_the_modes_of_other_files(nameless: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not nameless:
        monkeypatch.setattr(atomic, "_nameless", lambda folder, data: None)
    monkeypatch.chdir(tmp_path)
    before = os.umask(0o027)
    try:
        atomic.replace("new", b"1")
        (tmp_path / "old").write_bytes(b"2")
        (tmp_path / "old").chmod(0o751)
        atomic.replace("old", b"3", keep_owner=True)
        atomic.appear("a/b/c", {"x": b"4", "y": b""})
        with pytest.raises(OSError, match="not empty"):
            atomic.appear("a", {"x": b"5"})
        with pytest.raises(FileNotFoundError):
            atomic.replace("nowhere/new", b"6")
    finally:
        os.umask(before)
    assert tree(tmp_path) == {"new": b"1", "old": b"3", "a/b/c/x": b"4", "a/b/c/y": b""}
    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in ("new", "old", "a/b/c", "a/b/c/x")}
    assert modes == {"new": 0o640, "old": 0o751, "a/b/c": 0o750, "a/b/c/x": 0o640}


@pytest.mark.parametrize("what", ["replace", "appear"])
def test_a_signal_that_another_thread_takes_leaves_nothing_half_done_either(what: str, tmp_path: Path) -> None:
    seen = set()
    for calls in range(16):
        folder = tmp_path / str(calls)
        folder.mkdir()
        (folder / "a.txt").write_bytes(b"old")
        seen.add(kill(folder, calls, "SIGTERM", what, "thread"))
        left = {name.partition("/")[0] for name in tree(folder)}
        assert left in ({"a.txt"}, {"a.txt", "folder"}), f"{calls} calls"
        assert sorted(path.name for path in folder.iterdir()) == sorted(left), f"{calls} calls"
    assert seen == {-signal.SIGTERM, 0}


@pytest.mark.parametrize("there", [None, b"theirs"])
def test_what_somebody_else_has_written_meanwhile_is_not_written_over(
    there: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if there is not None:
        Path("a").write_bytes(there)
    with pytest.raises(OSError, match="changed since it was read"):
        atomic.edit("a", b"read", b"mine")
    assert Path("a").exists() == (there is not None)
    atomic.edit("a", there, b"mine")
    assert Path("a").read_bytes() == b"mine"
    with pytest.raises(OSError, match="changed since it was read"):
        atomic.edit("a", there, b"mine too")
