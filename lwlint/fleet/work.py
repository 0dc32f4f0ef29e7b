"""What a worker of Dask is given, one piece at a time, and what it gives back. All that lasts is in the store; what comes back is small."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Union

from msgspec import Struct
from msgspec.msgpack import decode, encode

from lwlint import __version__
from lwlint.fleet.bounded import Ended, desk
from lwlint.fleet.cases import Case, Settings
from lwlint.fleet.codec import joined, packed, parted, unpacked
from lwlint.fleet.desk import Done, Judge, Look, Order, Read
from lwlint.fleet.judging import Count, answer_of, count_of
from lwlint.fleet.reading import MOST, Head, failed, key_of
from lwlint.fleet.sources import Listed
from lwlint.fleet.store import Refused, Store
from lwlint.fleet.tables import TABLES, ArchiveRow, Row, by_table, parquet, part, rows_of


class Bounds(Struct, frozen=True):
    """What one archive, or the judging of one case, may take: seconds by the clock, and bytes of memory."""

    seconds: float = 900.0
    memory: int = 1 << 30


class ReadArchive(Struct, frozen=True, tag=True):
    """Read an archive, unless its reading is in the store."""

    archive: Listed


class JudgeCase(Struct, frozen=True, tag=True):
    """Judge a case, unless its answer is in the store."""

    case: Case
    settings: Settings


class WriteTables(Struct, frozen=True, tag=True):
    """Write a part of each table: the rows of these archives, and of these cases, which have been judged."""

    run: str
    date: str
    number: int
    archives: tuple[ArchiveRow, ...]
    cases: tuple[Case, ...]
    settings: Settings


Job = Union[ReadArchive, JudgeCase, WriteTables]


class Result(Struct, frozen=True):
    """What a piece of work came to: `head` of an archive, `count` of a case, rows by table; `because` where it came to nothing."""

    version: str = __version__
    head: bytes = b""
    count: Count | None = None
    rows: dict[str, int] = {}
    because: str = ""
    defect: str = ""
    refused: str = ""
    seconds: float = 0.0
    again: bool = False
    worker: str = ""


class Work:
    """A piece of work as it is sent. Dask may print what it sends, so it tells nothing of itself: a URL may hold a credential."""

    def __init__(self, store: str, bounds: Bounds, job: Job) -> None:
        self._data = encode((store, bounds, job))

    def __repr__(self) -> str:
        return "<work of lwlint fleet>"

    @property
    def parts(self) -> tuple[str, Bounds, Job]:
        """The store's URL, the bounds, and what is to be done."""
        return decode(self._data, type=tuple[str, Bounds, Job])


def perform(work: Work) -> bytes:
    """Do a piece of work, in a worker. What goes wrong is in the result; nothing is raised."""
    url, bounds, job = work.parts
    start = time.monotonic()
    try:
        store = _store(url)
        if isinstance(job, ReadArchive):
            result = _read(store, bounds, job.archive)
        elif isinstance(job, JudgeCase):
            result = _judge(store, bounds, job)
        else:
            result = _write(store, job)
    except Refused as refused:
        result = {"refused": refused.strerror}
    except Exception as error:
        import traceback

        result = {"because": f"was not read, by a defect of lwlint: {type(error).__name__}", "defect": traceback.format_exc()}
    worker = f"{socket.gethostname()}:{os.getpid()}"
    return encode(Result(**result, seconds=round(time.monotonic() - start, 3), worker=worker))  # type: ignore[arg-type]


@lru_cache(maxsize=2)
def _store(url: str) -> Store:
    return Store(url)


def _asked(order: Order, bounds: Bounds) -> Done:
    try:
        return decode(desk(bounds.memory).ask(encode(order), bounds.seconds), type=Done)
    except Ended as ended:
        return Done(because=str(ended))


def reading(key: str) -> str:
    """Return where a reading lies below the store."""
    return f"readings/{key[:2]}/{key}"


def answer(key: str) -> str:
    """Return where an answer lies below the store."""
    return f"answers/{key[:2]}/{key}"


def _read(store: Store, bounds: Bounds, one: Listed) -> dict[str, object]:
    if not one.token:
        looked = _asked(Look(one), bounds)
        if looked.because:
            return {"head": packed(failed(one, looked.because, looked.defect))}
        one = decode(looked.first, type=Listed)
    kept = _kept(store, reading(key_of(one)))
    if kept is not None:
        return {"head": packed(kept.slim()), "again": True}
    found = _asked(Read(one), bounds)
    if found.because:
        return {"head": packed(failed(one, found.because, found.defect))}
    head = unpacked(found.first, Head)
    if head.key:
        store.write(reading(head.key), joined(found.first, found.second))
    return {"head": packed(head.slim())}


def _kept(store: Store, name: str) -> Head | None:
    """Return the head of a reading that is kept; None where there is none, or one that is damaged."""
    for most in (MOST, None):
        data = store.read(name, most)
        if data is None:
            return None
        try:
            head = unpacked(parted(data)[0], Head)
        except ValueError:
            continue
        return head if head.key else None
    return None


def _judge(store: Store, bounds: Bounds, job: JudgeCase) -> dict[str, object]:
    name = answer(job.case.key(job.settings))
    kept = store.read(name)
    if kept is not None:
        return {"count": count_of(kept), "again": True}
    readings = [store.read(reading(one.key)) for one in job.case.archives]
    if None in readings:
        return {"because": "was not judged: what was read of it is not in the store any more"}
    found = _asked(Judge(job.case, job.settings, tuple(readings)), bounds)  # type: ignore[arg-type]
    if found.because:
        return {"because": found.because.replace("was not read", "was not judged"), "defect": found.defect}
    store.write(name, found.first)
    return {"count": count_of(found.first)}


def _write(store: Store, job: WriteTables) -> dict[str, object]:
    rows = by_table(_rows(store, job))
    for table, some in rows.items():
        if some:
            store.write(f"staging/{job.run}/{part(table, job.date, job.run, job.number)}", parquet(TABLES[table], some))
    return {"rows": {table: len(some) for table, some in rows.items()}}


def _rows(store: Store, job: WriteTables) -> Iterator[Row]:
    yield from job.archives
    for case in job.cases:
        kept = store.read(answer(case.key(job.settings)))
        if kept is None:
            raise Refused(5, f"{store.shown}: an answer that was written is not there any more")
        yield from rows_of(job.run, case, answer_of(kept), job.settings)
