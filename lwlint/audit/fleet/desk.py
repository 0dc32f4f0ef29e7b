"""Work in a process beside a worker, so that it can be ended: what takes too long, asks for too much memory or crashes costs itself only.

The process is this module, run by `Desk`: orders come in by standard input, one after the other, and what they come to goes out. It is
kept for the next piece of work, as starting one takes as long as judging a small cluster. It ends with its worker, however that one
ends: it waits for the end of a pipe that nobody else holds.
"""

from __future__ import annotations

import _thread
import contextlib
import gc
import os
import select
import signal
import subprocess
import threading
import time
import traceback
from multiprocessing.spawn import get_executable
from typing import Union

from msgspec import Struct
from msgspec.msgpack import decode, encode
from msgspec.structs import replace

from lwlint.audit.fleet.archives import Case, Head, Listed, Settings, count, identify, judge, pack_answer, read, tree_of
from lwlint.audit.fleet.store import pack, split_parts, unpack
from lwlint.files.processes import MEMORY, end_with, limit_memory

LENGTH = 8  # bytes of the length in front of a message
_PIECES = 500  # of work, after which a process is exchanged for a new one, whose memory is not in pieces
LIFE = "LWLINT_FLEET_LIFE"  # the variable with the pipe that ends when the worker does
_NEW_OBJECTS = 50_000  # after which the collector of circles looks, as in the command
_MEMORY = "was not read: there was not enough memory for it"
_own = threading.local()


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
                [get_executable(), "-m", "lwlint.audit.fleet.desk"],
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


def desk(memory: int) -> Desk:
    """Return the desk of this thread."""
    found: Desk | None = getattr(_own, "desk", None)
    if found is None or found.memory != memory:
        if found is not None:
            found.close()
        found = _own.desk = Desk(memory)
    return found


class Look(Struct, frozen=True, tag=True):
    """Find out the size and the token of an archive."""

    archive: Listed


class Read(Struct, frozen=True, tag=True):
    """Read an archive."""

    archive: Listed


class Judge(Struct, frozen=True, tag=True):
    """Judge a case; `readings` are those of its archives."""

    case: Case
    settings: Settings
    readings: tuple[bytes, ...]


class Done(Struct, frozen=True):
    """What an order came to: one or two pieces; or why to nothing, with the traceback of a defect."""

    first: bytes = b""
    second: bytes = b""
    because: str = ""
    defect: str = ""


Order = Union[Look, Read, Judge]


def done(order: Order) -> Done:
    """Return what an order comes to."""
    try:
        if isinstance(order, Look):
            return Done(encode(identify(order.archive)))
        if isinstance(order, Read):
            head, body = read(order.archive)
            return Done(pack(head), body)
        parts = [split_parts(data) for data in order.readings]
        heads = [unpack(head, Head) for head, _ in parts]
        opened = [head.target(tree_of(body)) for head, (_, body) in zip(heads, parts)]
        if order.settings.salt:  # the folders that archives lie in may be called after a customer
            opened = [replace(one, path=order.settings.alias(head.url)) for one, head in zip(opened, heads)]
        answer = judge(order.case, opened, order.settings)
        return Done(pack_answer(answer, count(answer)))
    except MemoryError:
        return Done(because=_MEMORY)
    except ImportError as error:  # a library that is loaded at its first use asks for memory, too
        if "failed to map" in str(error) or "allocate" in str(error):
            return Done(because=_MEMORY)
        return Done(because=f"was not read, by a defect of lwlint: {error}", defect=traceback.format_exc())
    except OSError as error:
        return Done(because=error.strerror or type(error).__name__)
    except Exception as error:  # the others are judged all the same
        return Done(because=f"was not read, by a defect of lwlint: {type(error).__name__}", defect=traceback.format_exc())


def main() -> None:
    """Do what is ordered by standard input until nobody orders any more, and send what it came to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal it is meant for whoever runs the fleet, who ends this
    _thread.start_new_thread(end_with, (int(os.environ.pop(LIFE)),))
    sink = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no answer
    gc.freeze()  # what is imported stays
    gc.set_threshold(_NEW_OBJECTS, 10, 10)
    limit_memory(int(os.environ.get("LWLINT_FLEET_MEMORY", MEMORY)))
    while len(head := _exactly(LENGTH)) == LENGTH:
        order = decode(_exactly(int.from_bytes(head, "big")), type=Order)
        send(sink, encode(done(order)))


def _exactly(size: int) -> bytes:
    """Return so many bytes of standard input; fewer at its end."""
    data = bytearray()
    while len(data) < size and (piece := os.read(0, min(size - len(data), 1 << 20))):
        data += piece
    return bytes(data)


if __name__ == "__main__":
    main()
