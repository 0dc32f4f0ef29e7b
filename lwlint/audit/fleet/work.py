"""Work as Dask does it: what a worker is given, a few pieces at a time, what it gives back, and how works get to the workers there are.

What is given back is little, as all that lasts is in the store. Nothing is asked of Dask that a restart of its scheduler would lose: a work
that was under way then is sent anew, and finds in the store what was done of it. The scheduler holds a few small works, whatever the number
of archives.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import socket
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from itertools import count, islice
from types import TracebackType
from typing import Any, NamedTuple, Union

from msgspec import Struct
from msgspec.msgpack import decode, encode

from lwlint import __version__
from lwlint.audit.fleet.archives import MOST, Case, Count, Head, Listed, Settings, answer_of, count_of, key_of, make_failed_head
from lwlint.audit.fleet.desk import Done, Ended, Judge, Look, Order, Read, desk
from lwlint.audit.fleet.store import Refused, Store, head_of, join_parts, pack, split_parts, unpack
from lwlint.audit.fleet.tables import TABLES, ArchiveRow, Row, by_table, parquet, part, rows_of
from lwlint.core.config_reader import near
from lwlint.core.finding import ConfigurationError
from lwlint.files.processes import cores

LOCAL, GROUP = "local", "lwlint.fleet"
_AHEAD = 2  # works for each thread of a worker, so that none waits for the next
MOST_PIECES = 64  # pieces of one work: Dask takes for a work as long as a worker takes to read three small archives
_TRIES = 10  # of a work whose worker dies with it
_PATIENCE = 300.0  # seconds without a scheduler
_FIRST = 15.0  # seconds in which it has to be found at all
_FETCH = 2.0  # seconds in which a result is fetched; where its worker has just died, the work is sent anew and finds it in the store
_LOOK = 2.0  # seconds between two looks at how many workers there are
BOX = 0.5  # seconds after which a worker begins no further piece of what it was given, so that others can have it
# To look after itself Dask takes a tenth of a core with two workers, and with these a hundredth. Workers elsewhere are not set up here.
_QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.monitor-interval": "1s",
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.admin.system-monitor.gil.enabled": False,
}
_LOGGERS = ("distributed", "tornado", "asyncio")
_SCHEMES = ("tcp://", "tls://", "ucx://", "ws://", "wss://")
Key = int
Tell = Callable[[str], None]


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
        results.append(_perform(terms, job))
        if time.monotonic() - start >= BOX:
            break
    return encode(results)


def _perform(terms: Terms, job: Job) -> Result:
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


def _ask(order: Order, bounds: Bounds) -> Done:
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
        looked = _ask(Look(one), bounds)
        if looked.because:
            return {"head": pack(make_failed_head(one, looked.because, looked.defect))}
        one = decode(looked.first, type=Listed)
    kept = _read_kept(store, reading(key_of(one)))
    if kept is not None:
        return {"head": pack(kept.slim()), "again": True}
    found = _ask(Read(one), bounds)
    if found.because:
        return {"head": pack(make_failed_head(one, found.because, found.defect))}
    head = unpack(found.first, Head)
    if head.key:
        store.write(reading(head.key), join_parts(found.first, found.second))
    return {"head": pack(head.slim())}


def _read_kept(store: Store, name: str) -> Head | None:
    """Return the head of a reading that is kept; None where there is none, or one that is damaged."""
    for most in (MOST, None):
        data = store.read(name, most)
        if data is None:
            return None
        try:
            head = unpack(head_of(data), Head)
        except ValueError:
            continue
        return head if head.key else None
    return None


def _whole(data: bytes) -> bool:
    try:
        split_parts(data)
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
    found = _ask(Judge(case, terms.settings, tuple(readings)), terms.bounds)  # type: ignore[arg-type]
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


class _Piece(NamedTuple):
    """A job by its number, and how often workers died that it was given to."""

    number: Key
    job: Job
    tries: int = 0


class Engine:
    """A Dask cluster, as a context. `on` is LOCAL, `dask://HOST:PORT`, or what makes a cluster: an entry point, or `MODULE:NAME`."""

    def __init__(self, on: str = LOCAL, workers: int | None = None, tell: Tell = lambda line: None) -> None:
        self._on = on
        self._workers = workers
        self._tell = tell
        self._cluster: Any = None
        self._client: Any = None
        self._id, self._number = uuid.uuid4().hex, count()
        self._threads, self._looked = 1, 0.0

    def __enter__(self) -> Engine:
        _silence()
        address = self._address()
        try:
            self._client = _client(address)
        except (OSError, TimeoutError) as error:
            self._close()
            raise ConfigurationError(f"`--on {self._on}`: no scheduler of Dask answers there ({type(error).__name__})") from None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def _close(self) -> None:
        for one in (self._client, self._cluster):
            if one is not None:
                with contextlib.suppress(Exception):
                    one.close()

    @property
    def dashboard(self) -> str:
        """The address of Dask's dashboard; empty where bokeh is not installed, without which there is none."""
        if not find_spec("bokeh"):
            return ""
        with contextlib.suppress(Exception):
            return str(self._client.dashboard_link or "")
        return ""

    def _address(self) -> Any:
        """Return what a client connects to: an address, or a cluster that is made here."""
        if self._on.startswith("dask://"):
            return "tcp://" + self._on.removeprefix("dask://")
        if self._on.startswith(_SCHEMES):
            return self._on
        if self._on == LOCAL:
            import dask

            local = import_module("distributed").LocalCluster  # which also tells Dask what it may be told
            with dask.config.set(_QUIET):
                self._cluster = local(
                    n_workers=self._workers or cores(),
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address="127.0.0.1:0" if find_spec("bokeh") else None,
                    silence_logs=logging.CRITICAL,
                )
        else:
            self._cluster = self._make()
            if self._workers and hasattr(self._cluster, "scale"):
                self._cluster.scale(self._workers)
        return self._cluster

    def _make(self) -> Any:
        """Return the cluster of an entry point, or of `MODULE:NAME`: an object of Dask's, or what returns one."""
        points = {point.name: point for point in entry_points(group=GROUP)}
        try:
            if self._on in points:
                found = points[self._on].load()
            elif ":" in self._on and "/" not in self._on:
                module, _, name = self._on.partition(":")
                found = getattr(import_module(module), name)
            else:
                said = f"neither `local`, `dask://HOST:PORT`, `MODULE:NAME`, nor an entry point of `{GROUP}`"
                raise ConfigurationError(f"`--on {self._on}`: {said}{near(self._on, [LOCAL, *points])}")
            return found() if callable(found) else found
        except ConfigurationError:
            raise
        except Exception as error:
            raise ConfigurationError(f"`--on {self._on}`: makes no cluster ({type(error).__name__}: {error})") from None

    def each(self, terms: Terms, jobs: Iterator[Job], number: int, done: Callable[[Key, Result], None], most: int = MOST_PIECES) -> None:
        """Have each of so many jobs done, and `done` told what each came to, by its number, in the order in which they end.

        A work is of `most` jobs at most, and of fewer towards the end, so that no worker is left alone with many.
        Raises ConfigurationError, OSError.
        """
        left, again = enumerate(jobs), deque[_Piece]()
        ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        under_way: dict[str, tuple[Any, list[_Piece]]] = {}
        waiting = number
        while True:
            self._connect()
            while waiting and len(under_way) < self._window():
                pieces = _next(again, left, min(most, 1 + waiting // (2 * self._window())))
                waiting -= len(pieces)
                name = f"lwlint-{self._id}-{next(self._number)}"
                future = self._client.submit(perform, Work(terms, [piece.job for piece in pieces]), key=name, pure=False)
                under_way[name] = future, pieces
                future.add_done_callback(ended.put)
            if not under_way:
                return
            try:
                future = ended.get(timeout=0.5)
            except queue.Empty:
                lost = [name for name, (one, _) in under_way.items() if one.status in ("cancelled", "lost")]
                undone = [piece for name in lost for piece in under_way.pop(name)[1]]
            else:
                if future.key not in under_way:
                    continue
                _, pieces = under_way.pop(future.key)
                results = self._results(future, pieces)
                for piece, result in zip(pieces, results):
                    done(piece.number, result)
                undone = pieces[len(results) :]
                if future.status == "error":
                    undone = [piece._replace(tries=piece.tries + 1) for piece in undone]
            again.extend(undone)
            waiting += len(undone)

    def _results(self, future: Any, pieces: Sequence[_Piece]) -> list[Result]:
        """Return what the first of the pieces came to; the others have to be sent anew."""
        from distributed import KilledWorker

        if future.status == "error":
            error = future.exception(timeout=_FIRST)
            if isinstance(error, KilledWorker):
                dead = Result(because="was not read: the workers that it was given to died")
                return [dead] if len(pieces) == 1 and pieces[0].tries >= _TRIES else []
            said = f"{type(error).__name__}: {error}"[:300]
            raise ConfigurationError(f"`--on {self._on}`: the workers cannot work for lwlint ({said}); is `lwlint[fleet]` installed there?")
        if future.status != "finished":
            return []
        try:
            results = decode(future.result(timeout=_FETCH), type=list[Result])
        except Exception:  # its worker, or the scheduler, went before it was fetched
            return []
        for result in results:
            if result.version != __version__:
                raise ConfigurationError(f"`--on {self._on}`: a worker has lwlint {result.version}, and this is {__version__}")
            if result.refused:
                raise OSError(5, result.refused)
        return results

    def _connect(self) -> None:
        """Return when there is a scheduler; what was under way is lost if there was none for a while. Raises ConfigurationError."""
        until = time.monotonic() + _PATIENCE
        told = False
        while self._client.status != "running":
            if time.monotonic() > until:
                raise ConfigurationError(f"`--on {self._on}`: the scheduler of Dask has been gone for {_PATIENCE:g} seconds")
            if not told:
                told = True
                self._tell("the scheduler of Dask is gone; waiting for it")
            if self._client.status == "closed":
                with contextlib.suppress(OSError, TimeoutError):
                    self._client = _client(self._cluster or self._address())
            time.sleep(0.2)

    def _window(self) -> int:
        """Return how many works may be under way, by the number of workers that there are now."""
        now = time.monotonic()
        if now - self._looked > _LOOK:
            self._looked = now
            with contextlib.suppress(Exception):
                self._threads = max(1, sum(self._client.nthreads().values()))
        return self._threads * _AHEAD


def _silence() -> None:
    """Have Dask and what it stands on log nothing below CRITICAL: what a loss comes to is told in words of lwlint.

    Dask gives some of its loggers a level of their own while it is imported, so that comes first.
    """
    import_module("distributed")
    for name in [*_LOGGERS, *logging.Logger.manager.loggerDict]:
        if name.partition(".")[0] in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _client(address: Any) -> Any:
    return import_module("distributed").Client(address, timeout=_FIRST, set_as_default=False)


def _next(again: deque[_Piece], left: Iterator[tuple[Key, Job]], most: int) -> list[_Piece]:
    """Return what is sent next, those first that were sent before; what a worker may have died of is sent alone."""
    found: list[_Piece] = []
    while again and len(found) < most:
        if again[0].tries:
            return found or [again.popleft()]
        found.append(again.popleft())
    found += [_Piece(key, job) for key, job in islice(left, most - len(found))]
    return found
