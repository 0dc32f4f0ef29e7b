"""The progress of an audit: on a terminal while archives are read, gone when they are; nothing in a pipe."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lwlint.cli.audit import Progress
from tests.audit.audit_cluster import write
from tests.files.archive_builder import END, PACKERS, header
from tests.shared import HERE


class Terminal(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


def long(folder: Path, runs: int = 10) -> str:
    """Write an archive that takes a tenth of a second and more for each of its `runs`, and return its path."""
    run, pack = random.Random(2).randbytes(900_000), PACKERS["tar.bz2"]
    path = folder / "long.tar.bz2"
    path.write_bytes(pack(header(b"report/var/log/messages", runs * 900_000)) + pack(run) * runs + pack(END))
    return str(path)


def on_a_terminal(arguments: Sequence[str], term: str = "xterm") -> tuple[int, str]:
    """Run an audit whose standard error is a terminal; return its exit code and what it wrote there."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "lwlint", "audit", *arguments]
    with subprocess.Popen(command, cwd=HERE, stdout=subprocess.DEVNULL, stderr=slave, env={**os.environ, "TERM": term}) as process:
        os.close(slave)
        written = b""
        with contextlib.suppress(OSError):  # what Linux says at the end of a terminal
            while piece := os.read(master, 4096):
                written += piece
        os.close(master)
    return process.returncode, written.decode()


def screen(written: str) -> list[str]:
    """Return what a terminal shows in the end: it knows line breaks, going up, and clearing what is below."""
    rows, row = [""], 0
    for part in re.split(r"(\x1b\[\d*[A-Z]|\r|\n)", written):
        if part == "\n":
            row += 1
            rows += [""] * (row + 1 - len(rows))
        elif part.endswith("A") and part.startswith("\x1b"):
            row -= int(part[2:-1])
            assert row >= 0
        elif part == "\x1b[J":
            rows = [*rows[:row], ""]
        elif part != "\r":
            rows[row] += part
    return [text for text in rows if text]


def test_a_terminal_shows_bytes_files_and_the_time_left_and_is_clean_in_the_end(tmp_path: Path) -> None:
    for jobs in ("-j1", "-j2"):
        code, written = on_a_terminal([jobs, *write(tmp_path, "lightweight"), long(tmp_path, 40)])
        assert code == 2  # the long archive holds nothing to judge
        assert re.search(r"long\.tar\.bz2: \d+(\.\d)? of 36 MB, \d+ %, 1 file", written)
        assert re.search(r"\d of 4 archives, \d+(\.\d)? of 36 MB, [\d,]+ file", written)
        assert re.search(r" files?, \d+ s left", written)
        assert [line for line in screen(written) if "of 4 archives" in line or "%" in line] == []
        assert any(line.startswith("lwlint: `") for line in screen(written))


def test_a_pipe_and_a_dumb_terminal_get_no_progress(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lwlint", "audit", "-j1", long(tmp_path)]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert done.stderr.startswith("lwlint: `")
    assert "\x1b" not in done.stderr + done.stdout
    assert on_a_terminal(["-j1", long(tmp_path)], "dumb")[1].replace("\r\n", "\n") == done.stderr


def test_lines_are_as_long_as_the_terminal_is_wide_and_the_time_is_of_all_archives() -> None:
    now = [0.0]
    progress = Progress(Terminal(), clock=lambda: now[0])
    for name in ("a" * 200, "b\x1b[31m"):
        progress.tell(f"case/{name}.tar", 0, 100_000_000, 0)
    now[0] = 10.0
    progress.tell(f"case/{'a' * 200}.tar", 50_000_000, 100_000_000, 12_345)
    progress.tell("case/b\x1b[31m.tar", 100, 100_000_000, 1)
    assert progress.lines(80) == [
        "a" * 43 + "...: 50 of 100 MB, 50 %, 12,345 files",
        "b?[31m.tar: 0.0 of 100 MB, 0 %, 1 file",
        "0 of 2 archives, 50 of 200 MB, 12,346 files, 30 s left",
    ]
    assert {len(line) for line in progress.lines(20)} == {20}
    now[0] = 100.0
    progress.tell("case/b\x1b[31m.tar", 100_000_000, 100_000_000, 9)
    assert progress.lines(80)[-1] == "1 of 2 archives, 150 of 200 MB, 12,354 files, 33 s left"
    progress.tell("case/b\x1b[31m.tar", 100_000_000, 100_000_000, 0)
    assert progress.lines(80)[-1] == "1 of 2 archives, 150 of 200 MB, 12,354 files, 33 s left"
