"""What a worker of Dask is given, a few pieces at a time, and what it gives back: little, as all that lasts is in the store."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Union

from msgspec import Struct
from msgspec.msgpack import decode, encode

from lwlint import __version__
from lwlint.fleet.archives import MOST, Head, Listed, failed, key_of
from lwlint.fleet.cases import Case, Count, Settings, answer_of, count_of
from lwlint.fleet.desk import Done, Ended, Judge, Look, Order, Read, desk
from lwlint.fleet.store import Refused, Store, head_of, joined, packed, parted, unpacked
from lwlint.fleet.tables import TABLES, ArchiveRow, Row, by_table, parquet, part, rows_of


class Bounds(Struct, frozen=True):
    """What one archive, or the judging of one case, may take: seconds by the clock, and bytes of memory."""

    seconds: float = 900.0
    memory: int = 1 << 30


class Terms(Struct, frozen=True):
    """What the works of a run have in common: the URL of the store, the bounds of each, and the settings."""

    store: str
    bounds: Bounds = Bounds()
    settings: Settings = Settings()


class ReadArchive(Struct, frozen=True, tag=True):
    """Read an archive, unless its reading is in the store."""

    archive: Listed


class JudgeCase(Struct, frozen=True, tag=True):
    """Judge a case, unless its answer is in the store."""

    case: Case


class WriteTables(Struct, frozen=True, tag=True):
    """Write a part of each table: the rows of these archives, and of these cases, which have been judged."""

    run: str
    date: str
    number: int
    archives: tuple[ArchiveRow, ...]
    cases: tuple[Case, ...]


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


BOX = 0.5  # seconds after which a worker begins no further piece of what it was given, so that others can have it


class Work:
    """Pieces of work as they are sent. Dask may print what it sends, so they tell nothing of themselves: a URL may hold a credential."""

    def __init__(self, terms: Terms, jobs: Sequence[Job]) -> None:
        self._data = encode((terms, jobs))

    def __repr__(self) -> str:
        return "<work of lwlint fleet>"

    @property
    def parts(self) -> tuple[Terms, list[Job]]:
        """What the pieces have in common, and what is to be done."""
        return decode(self._data, type=tuple[Terms, list[Job]])


def perform(work: Work) -> bytes:
    """Do pieces of work, in a worker, and return their results, in their order. What goes wrong is in a result; nothing is raised.

    Of small pieces many fit in the time that Dask takes to bring one; of large ones the first is done, and the others are sent anew.
    """
    terms, jobs = work.parts
    start = time.monotonic()
    results = []
    for job in jobs:
        results.append(_performed(terms, job))
        if time.monotonic() - start >= BOX:
            break
    return encode(results)


def _performed(terms: Terms, job: Job) -> Result:
    start = time.monotonic()
    try:
        store = _store(terms.store)
        if isinstance(job, ReadArchive):
            result = _read(store, terms.bounds, job.archive)
        elif isinstance(job, JudgeCase):
            result = _judge(store, terms, job.case)
        else:
            result = _write(store, terms.settings, job)
    except Refused as refused:
        result = {"refused": refused.strerror}
    except Exception as error:
        import traceback

        result = {"because": f"was not read, by a defect of lwlint: {type(error).__name__}", "defect": traceback.format_exc()}
    worker = f"{socket.gethostname()}:{os.getpid()}"
    return Result(**result, seconds=round(time.monotonic() - start, 3), worker=worker)  # type: ignore[arg-type]


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
            head = unpacked(head_of(data), Head)
        except ValueError:
            continue
        return head if head.key else None
    return None


def _whole(data: bytes) -> bool:
    try:
        parted(data)
    except ValueError:
        return False
    return True


def _judge(store: Store, terms: Terms, case: Case) -> dict[str, object]:
    name = answer(case.key(terms.settings))
    kept = store.read(name)
    if kept is not None and _whole(kept):
        return {"count": count_of(kept), "again": True}
    readings = [store.read(reading(one.key)) for one in case.archives]
    if None in readings:
        return {"because": "was not judged: what was read of it is not in the store any more"}
    if damaged := [one.key for one, data in zip(case.archives, readings) if not _whole(data)]:  # type: ignore[arg-type]
        for key in damaged:
            store.remove(reading(key))
        return {"because": "was not judged: what was read of it is damaged in the store; the next run reads it anew"}
    found = _asked(Judge(case, terms.settings, tuple(readings)), terms.bounds)  # type: ignore[arg-type]
    if found.because:
        return {"because": found.because.replace("was not read", "was not judged"), "defect": found.defect}
    store.write(name, found.first)
    return {"count": count_of(found.first)}


def _write(store: Store, settings: Settings, job: WriteTables) -> dict[str, object]:
    rows = by_table(_rows(store, settings, job))
    for table, some in rows.items():
        if some:
            store.write(f"staging/{job.run}/{part(table, job.date, job.run, job.number)}", parquet(TABLES[table], some))
    return {"rows": {table: len(some) for table, some in rows.items()}}


def _rows(store: Store, settings: Settings, job: WriteTables) -> Iterator[Row]:
    yield from job.archives
    for case in job.cases:
        kept = store.read(answer(case.key(settings)))
        if kept is None:
            raise Refused(5, f"{store.shown}: an answer that was written is not there any more")
        yield from rows_of(job.run, case, answer_of(kept), settings)
