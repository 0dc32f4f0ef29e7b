"""The process that reads and judges for a worker: orders come in by standard input, one after the other, and what they come to goes out."""

from __future__ import annotations

import _thread
import gc
import os
import signal
import traceback
from typing import Union

from msgspec import Struct
from msgspec.msgpack import decode, encode
from msgspec.structs import replace

from lwlint.files.processes import MEMORY, end_with, limit_memory
from lwlint.fleet.bounded import LENGTH, LIFE, send
from lwlint.fleet.cases import Case, Settings
from lwlint.fleet.reading import Head
from lwlint.fleet.sources import Listed


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
_NEW_OBJECTS = 50_000  # after which the collector of circles looks, as in the command
_MEMORY = "was not read: there was not enough memory for it"


def done(order: Order) -> Done:
    """Return what an order comes to."""
    from lwlint.fleet.codec import packed, parted, unpacked
    from lwlint.fleet.judging import count, judge, kept
    from lwlint.fleet.reading import read, tree_of
    from lwlint.fleet.sources import known

    try:
        if isinstance(order, Look):
            return Done(encode(known(order.archive)))
        if isinstance(order, Read):
            head, body = read(order.archive)
            return Done(packed(head), body)
        parts = [parted(data) for data in order.readings]
        heads = [unpacked(head, Head) for head, _ in parts]
        opened = [head.target(tree_of(body)) for head, (_, body) in zip(heads, parts)]
        if order.settings.salt:  # the folders that archives lie in may be called after a customer
            opened = [replace(one, path=order.settings.alias(head.url)) for one, head in zip(opened, heads)]
        answer = judge(order.case, opened, order.settings)
        return Done(kept(answer, count(answer)))
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
    """Do what is ordered until nobody orders any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal it is meant for whoever runs the fleet, who ends this
    _thread.start_new_thread(end_with, (int(os.environ.pop(LIFE)),))
    sink = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no answer
    import lwlint.fleet.codec
    import lwlint.fleet.judging  # noqa: F401 -- before the memory is limited

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
