"""Work in a process beside a worker, so that it can be ended: what takes too long, asks for too much memory or crashes costs itself only.

The process is kept for the next piece of work, as starting one takes as long as judging a small cluster. It ends with its worker,
however that one ends: it waits for the end of a pipe that nobody else holds.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from multiprocessing.spawn import get_executable

LENGTH = 8  # bytes of the length in front of a message
_PIECES = 500  # of work, after which a process is exchanged for a new one, whose memory is not in pieces
LIFE = "LWLINT_FLEET_LIFE"  # the variable with the pipe that ends when the worker does


class Ended(Exception):
    """The work came to no end of its own; the message says why, as a predicate."""


class Desk:
    """One process that works, and may take so much `memory` in bytes; used by one thread."""

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self._process: subprocess.Popen[bytes] | None = None
        self._life = -1
        self._done = 0

    def ask(self, order: bytes, seconds: float) -> bytes:
        """Return what comes of an order within so many seconds. Raises Ended."""
        if self._process is None or self._process.poll() is not None or self._done >= _PIECES:
            self.close()
            self._start()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        self._done += 1
        until = time.monotonic() + seconds
        try:
            send(process.stdin.fileno(), order)
            return self._answer(process.stdout.fileno(), until, seconds)
        except (BrokenPipeError, EOFError):
            code = process.wait()
            self.close()
            raise Ended(_because(code)) from None
        except BaseException:
            self.close()
            raise

    def _answer(self, pipe: int, until: float, seconds: float) -> bytes:
        head = self._read(pipe, LENGTH, until, seconds)
        return self._read(pipe, int.from_bytes(head, "big"), until, seconds)

    def _read(self, pipe: int, size: int, until: float, seconds: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            if not select.select([pipe], [], [], max(0.0, until - time.monotonic()))[0]:
                raise Ended(f"took more than {seconds:g} seconds")
            piece = os.read(pipe, min(size - len(data), 1 << 20))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

    def _start(self) -> None:
        theirs, self._life = os.pipe()
        try:
            self._process = subprocess.Popen(  # nosec B603 -- this Python, and a module of lwlint
                [get_executable(), "-m", "lwlint.fleet.desk"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=(theirs,),
                env={**os.environ, LIFE: str(theirs), "LWLINT_FLEET_MEMORY": str(self.memory)},
                bufsize=0,
            )
        finally:
            os.close(theirs)
        self._done = 0

    def close(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if self._life >= 0:
            os.close(self._life)
            self._life = -1
        if process is not None:
            with contextlib.suppress(OSError):
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def _because(code: int) -> str:
    if code >= 0:
        return f"was not read: the process that did it ended with status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was not read: the process that did it was ended by {name}"


def send(pipe: int, data: bytes) -> None:
    for part in (len(data).to_bytes(LENGTH, "big"), data):
        view = memoryview(part)
        while view:
            view = view[os.write(pipe, view) :]


_own = threading.local()


def desk(memory: int) -> Desk:
    """Return the desk of this thread."""
    found: Desk | None = getattr(_own, "desk", None)
    if found is None or found.memory != memory:
        if found is not None:
            found.close()
        found = _own.desk = Desk(memory)
    return found
