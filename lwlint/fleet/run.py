"""One run over a fleet: archives are read, their clusters judged, and what comes of it is put into tables."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b

from msgspec import Struct
from msgspec.structs import replace

from lwlint import __version__
from lwlint.core.facts import Unreadable
from lwlint.core.finding import ConfigurationError
from lwlint.core.source import Span
from lwlint.fleet.archives import FAILED, Head, Listed, failed
from lwlint.fleet.cases import Case, Count, Settings, cases
from lwlint.fleet.store import Store, unpacked
from lwlint.fleet.tables import TABLES, ArchiveRow, part
from lwlint.fleet.work import Bounds, Engine, JudgeCase, ReadArchive, Result, Terms, WriteTables

_CASES, _ARCHIVES = 100, 2_000  # of one part of the tables


class Event(Struct, frozen=True):
    """One thing that came to its end, for the log: an archive that was read, a case that was judged, a part of the tables."""

    event: str
    name: str
    state: str = ""
    why: str = ""
    bytes: int = 0
    seconds: float = 0.0
    again: bool = False
    worker: str = ""


class Watch(Struct, frozen=True):
    """Who is told how a run goes: `stage` of a stage and how much of what there is in it, `event` of each end."""

    stage: Callable[[str, int, int], None] = lambda name, works, size: None
    event: Callable[[Event], None] = lambda event: None


class Ran(Struct, frozen=True):
    """What a run came to, and what is kept of it as `runs/RUN.json`. The archives of the three states are all that it was given."""

    run: str
    run_date: str
    finished: str
    version: str
    archives: int
    judged: int
    damaged: int
    failed: int
    bytes: int
    clusters: int
    hosts: int
    errors: int
    warnings: int
    notes: int
    not_evaluated: int
    broken: int
    rows: dict[str, int] = {}
    parts: tuple[str, ...] = ()


class Outcome(Struct, frozen=True):
    """A run that has ended: its figures, the archives that failed, and what a defect of lwlint kept from being read."""

    ran: Ran
    failed: tuple[tuple[str, str], ...]
    unread: tuple[str, ...]
    tracebacks: tuple[str, ...]
    files: int


def run(
    archives: Sequence[Listed],
    store: Store,
    engine: Engine,
    settings: Settings,
    bounds: Bounds,
    watch: Watch = Watch(),  # noqa: B008
    today: str = "",
) -> Outcome:
    """Read and judge the archives and write the tables of the run. What the store has already is not done again.

    Raises ConfigurationError and OSError where the workers, or the store, cannot be worked with.
    """
    finish(store)
    date = today or datetime.date.today().isoformat()
    terms = Terms(store.url, bounds, settings)
    heads = _read(archives, engine, terms, watch)
    found = cases([head for head in heads if not head.because], settings)
    counts, lost, defects = _judge(found, engine, terms, watch)
    judged = [case for number, case in enumerate(found) if number in counts]
    counting = {one.key for case in judged for one in case.archives}
    heads = [_with_loss(head, lost[head.key], head.key in counting) if head.key in lost else head for head in heads]
    name = _name(date, heads, judged, settings)
    rows, parts = _write(name, date, heads, judged, store, engine, terms, watch)
    states = Counter(head.state for head in heads)
    total = {field: sum(getattr(one, field) for one in counts.values()) for field in Count.__struct_fields__ if field not in _LISTS}
    files = total.pop("judged")
    ran = Ran(
        run=name,
        run_date=date,
        finished=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds"),
        version=__version__,
        archives=len(heads),
        judged=states["judged"],
        damaged=states["damaged"],
        failed=states["failed"],
        bytes=sum(head.size for head in heads),
        rows=rows,
        parts=parts,
        **total,
    )
    commit(store, ran)
    return Outcome(
        ran,
        tuple((head.url, head.why) for head in heads if head.state == FAILED),
        tuple(path for one in counts.values() for path in one.unread),
        (*(head.defect for head in heads if head.defect), *defects, *(text for one in counts.values() for text in one.tracebacks)),
        files,
    )


_LISTS = ("unread", "tracebacks")


def _with_loss(head: Head, because: str, counts: bool) -> Head:
    """Return the head of an archive of which a case was not judged; `counts` tells that another one was."""
    if counts:
        return replace(head, troubles=(Unreadable("", Span("", 0, 0), because), *head.troubles))
    return replace(head, because=because)


def _read(archives: Sequence[Listed], engine: Engine, terms: Terms, watch: Watch) -> list[Head]:
    """Return the heads of the archives, in their order; the largest are read first, so that none is left alone at the end."""
    heads: dict[int, Head] = {}
    watch.stage("read", len(archives), sum(one.size for one in archives))

    order = sorted(range(len(archives)), key=lambda i: -archives[i].size)

    def done(place: int, result: Result) -> None:
        number = order[place]
        head = unpacked(result.head, Head) if result.head else failed(archives[number], result.because, result.defect)
        heads[number] = head
        watch.event(Event("read", head.url, head.state, head.why, head.size, result.seconds, result.again, result.worker))

    engine.each(terms, (ReadArchive(archives[i]) for i in order), len(order), done)
    return [heads[i] for i in range(len(archives))]


def _judge(found: Sequence[Case], engine: Engine, terms: Terms, watch: Watch) -> tuple[dict[int, Count], dict[str, str], list[str]]:
    """Return the counts of the cases by their number, why archives of others were not judged, and the tracebacks of defects."""
    counts: dict[int, Count] = {}
    lost: dict[str, str] = {}
    defects: list[str] = []
    watch.stage("judge", len(found), 0)

    def done(number: int, result: Result) -> None:
        case = found[number]
        if result.count is not None:
            counts[number] = result.count
        else:
            because = result.because.replace("was not read", "was not judged")
            lost.update((one.key, because) for one in case.archives)
            defects.extend([result.defect] if result.defect else [])
        state = "judged" if result.count is not None else FAILED
        name = " ".join(cluster.id for cluster in case.clusters)
        watch.event(Event("judge", name, state, result.because, 0, result.seconds, result.again, result.worker))

    engine.each(terms, (JudgeCase(case) for case in found), len(found), done)
    return counts, lost, defects


def _name(date: str, heads: Sequence[Head], judged: Sequence[Case], settings: Settings) -> str:
    """Return what a run is called: two that come to the same on one day are called the same, and write the same tables."""
    said = [(head.url, head.key, head.state, head.why) for head in heads]
    keys = sorted(case.key(settings) for case in judged)
    digest = blake2b(repr((date, __version__, said, keys)).encode("utf-8", "surrogateescape"), digest_size=6)
    return f"r{digest.hexdigest()}"


def _write(
    name: str,
    date: str,
    heads: Sequence[Head],
    judged: Sequence[Case],
    store: Store,
    engine: Engine,
    terms: Terms,
    watch: Watch,
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Write the tables, where no reader sees them yet; return how many rows each has, and the parts."""
    rows: dict[str, int] = dict.fromkeys(TABLES, 0)
    parts: list[str] = []
    archives = [_archive(name, head, terms.settings) for head in heads]
    jobs = list(_jobs(name, date, archives, judged))
    watch.stage("write", len(jobs), 0)

    def done(number: int, result: Result) -> None:
        if result.because:
            raise OSError(5, f"{store.shown}: a part of the tables was not written: {result.because}")
        for table, count in result.rows.items():
            rows[table] += count
            if count:
                parts.append(part(table, date, name, number))
        watch.event(Event("write", str(number), "written", "", 0, result.seconds, False, result.worker))

    engine.each(terms, iter(jobs), len(jobs), done, most=1)
    return rows, tuple(sorted(parts))


def _jobs(name: str, date: str, archives: Sequence[ArchiveRow], judged: Sequence[Case]) -> Iterator[WriteTables]:
    ordered = sorted(judged, key=lambda case: case.clusters[0].id)
    chunks = max((len(ordered) + _CASES - 1) // _CASES, (len(archives) + _ARCHIVES - 1) // _ARCHIVES)
    for i in range(chunks):
        some = tuple(ordered[i * _CASES : (i + 1) * _CASES])
        yield WriteTables(name, date, i, tuple(archives[i * _ARCHIVES : (i + 1) * _ARCHIVES]), some)


def _archive(name: str, head: Head, settings: Settings) -> ArchiveRow:
    why = re.split(r"[;:(`]", head.because)[0].strip() if settings.salt else head.why  # the rest may hold a name
    return ArchiveRow(
        name, settings.alias(head.url), head.state, why, head.size, head.members, head.kept, len(head.captures)
    )  # fmt: skip


def commit(store: Store, ran: Ran) -> None:
    """Make the tables of a run seen: its record first, so that whoever comes next can finish this, then each part."""
    from msgspec.json import encode as as_json

    store.write(f"runs/{ran.run}.json", as_json(ran) + b"\n")
    _publish(store, ran)


def _publish(store: Store, ran: Ran) -> None:
    for name in ran.parts:
        store.move(f"staging/{ran.run}/{name}", name)


def finish(store: Store) -> None:
    """Finish what a run that was killed while its tables were made seen has left."""
    left = {name.split("/")[1] for name in store.names("staging") if name.count("/") > 1}
    for ran in runs(store):
        if ran.run in left:
            _publish(store, ran)


def runs(store: Store) -> list[Ran]:
    """Return the runs of a store that have ended, the oldest first. Raises ConfigurationError for a record that is none."""
    from msgspec.json import decode

    found = []
    for name in store.names("runs"):
        data = store.read(name) if name.endswith(".json") else None
        if data is not None:
            try:
                found.append(decode(data, type=Ran))
            except ValueError as error:
                raise ConfigurationError(f"`{store.shown}`: `{name}` is not the record of a run ({error})") from None
    return sorted(found, key=lambda ran: (ran.run_date, ran.finished))
