"""What the programs of this machine say of it, for those who allow that they are run: the CIB in force, and units as systemd has them.

Two commands that only read, `cibadmin -Q` and `systemctl show`, each by its full path, without a shell, within a time and a size,
in an environment of their own. Their output stands where sos puts it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from lwlint.audit.report_layout import Missing

FOLDERS = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
SECONDS = 30.0
MOST = 64_000_000  # bytes of output
_SAID = 300  # characters of what a command says of its failure
_CIBADMIN = ("cibadmin", "-Q")
_SYSTEMCTL = ("systemctl", "show", "--all", "--no-pager", "--", "*.service")
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "/sos_commands/pacemaker/cibadmin_-Q": _CIBADMIN,
    "/sos_commands/systemd/systemctl_show_service_--all": _SYSTEMCTL,
}


class Asked(NamedTuple):
    """What the commands printed, by the path at which a report has it, and which of them did not do their work, and why."""

    files: dict[str, bytes]
    missing: tuple[Missing, ...]


def ask(folders: Sequence[str] = FOLDERS, seconds: float = SECONDS, most: int = MOST) -> Asked:
    """Run both commands, of the programs in `folders`, and return what they printed."""
    files: dict[str, bytes] = {}
    missing = []
    for path, command in COMMANDS.items():
        program = next((found for folder in folders if os.access(found := os.path.join(folder, command[0]), os.X_OK)), None)
        output, because = _output((program, *command[1:]), seconds, most) if program is not None else (b"", "")
        if because or not output:
            expected = (because or "a word of it",)
            looked_for = expected if program is not None else tuple(os.path.join(folder, command[0]) for folder in folders)
            missing.append(Missing(f"output of `{' '.join(command)}`", looked_for))
        else:
            files[path] = output
    return Asked(files, tuple(missing))


def _output(command: Sequence[str], seconds: float, most: int) -> tuple[bytes, str]:
    """Return what a command printed, and what was expected of it in vain; empty where it did its work."""
    import subprocess

    environment = {"PATH": ":".join(FOLDERS), "LC_ALL": "C", "SYSTEMD_COLORS": "0"}
    try:
        process = subprocess.Popen(  # nosec B603 -- two fixed commands, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        return b"", f"a program that can be run ({error.strerror})"
    because = "an end"
    try:
        output, said, because = _read(process.stdout.fileno(), process.stderr.fileno(), seconds, most)  # type: ignore[union-attr]
        if not because:
            because = _ended(lambda: process.wait(seconds), said)
        return (b"", because) if because else (output, "")
    finally:
        _end(process.pid, bool(because))
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _ended(wait: Callable[[], int], said: bytes) -> str:
    from subprocess import TimeoutExpired

    try:
        code = wait()
    except TimeoutExpired:
        return "an end, but it only closed its output"
    if not code:
        return ""
    words = " ".join(said.decode("utf-8", "replace").split())[:_SAID]
    return f"exit code 0, but it was {code}" + (f" ({words})" if words else "")


def _end(process: int, wanted: bool) -> None:
    """End a command that is still at work, and what it has started."""
    if wanted:
        import contextlib
        import signal

        with contextlib.suppress(OSError):
            os.killpg(process, signal.SIGKILL)


def _read(out: int, err: int, seconds: float, most: int) -> tuple[bytes, bytes, str]:
    """Return what comes through two pipes until both are closed, and why it was not read to the end; empty where it was."""
    import select
    import time

    until = time.monotonic() + seconds
    parts: dict[int, list[bytes]] = {out: [], err: []}
    size, open_ = 0, {out, err}
    while open_:
        ready = select.select(list(open_), [], [], max(0.0, until - time.monotonic()))[0]
        if not ready:
            return b"", b"", f"an end within {seconds:g} seconds"
        for pipe in ready:
            piece = os.read(pipe, 1 << 16)
            if not piece:
                open_.discard(pipe)
            elif pipe == out or sum(map(len, parts[err])) < _SAID:
                parts[pipe].append(piece)
            size += len(piece)
            if size > most:
                return b"", b"", f"no more than {most} bytes"
    return b"".join(parts[out]), b"".join(parts[err]), ""
