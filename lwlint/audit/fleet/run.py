"""One run over a fleet, and what the runs of a store tell.

Archives are read, their clusters judged, and what comes of it is put into tables. Of the runs that have ended a store tells the rows, and
what changed between two: as text for a person, a table as CSV or JSON, and figures for Prometheus.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, TypeVar, cast

from msgspec import Struct, convert
from msgspec.json import encode
from msgspec.structs import replace

from lwlint import __version__
from lwlint.audit.fleet.archives import FAILED, Case, Count, Head, Listed, Settings, cases, make_failed_head
from lwlint.audit.fleet.store import Store, unpack
from lwlint.audit.fleet.tables import TABLES, ArchiveRow, ClusterRow, FindingRow, Row, columns, part, schema
from lwlint.audit.fleet.work import Bounds, Engine, JudgeCase, ReadArchive, Result, Terms, WriteTables
from lwlint.core.facts import Unreadable
from lwlint.core.finding import FAIL, PASS, SEVERITIES, ConfigurationError
from lwlint.core.harmless import cell, count_of, escape_json
from lwlint.core.harmless import line as harmless
from lwlint.core.source import Span

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
        head = unpack(result.head, Head) if result.head else make_failed_head(archives[number], result.because, result.defect)
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


T = TypeVar("T", bound=Struct)
NEW, GONE, WORSE, BETTER, CHANGED, SAME = "new", "gone", "worse", "better", "changed", "the same"
_MOST = 20  # findings of one cluster


def latest(store: Store, since: str = "") -> Ran:
    """Return the last run of all, or the last of the day `since` or before it. Raises ConfigurationError where there is none."""
    found = [ran for ran in runs(store) if not since or ran.run_date <= since]
    if not found:
        said = f"no run of {since} or before it has ended in it" if since else "no run has ended in it"
        raise ConfigurationError(f"`{store.shown}`: {said}")
    return found[-1]


def table(store: Store, ran: Ran, name: str, columns: Sequence[str] | None = None) -> Any:
    """Return a table of a run as one of Arrow's, all of its columns or some."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    parts = []
    for file in ran.parts:
        if file.startswith(f"{name}/"):
            data = store.read(file)
            if data is None:
                raise ConfigurationError(f"`{store.shown}`: `{file}` is not there, and the run has written it")
            try:
                found = pq.ParquetFile(io.BytesIO(data)).read(columns=columns)
            except (pa.ArrowException, OSError, ValueError) as error:
                raise ConfigurationError(f"`{store.shown}`: `{file}` is damaged ({type(error).__name__})") from None
            if absent := [field for field in columns or schema(TABLES[name]).names if field not in found.column_names]:
                said = f"lwlint {ran.version} has written it without the column `{absent[0]}`; judge anew for what this version asks for"
                raise ConfigurationError(f"`{store.shown}`: `{file}`: {said}")
            parts.append(found)
    empty = schema(TABLES[name]).empty_table()
    return pa.concat_tables(parts) if parts else empty.select(columns) if columns else empty


def rows(store: Store, ran: Ran, kind: type[T]) -> list[T]:
    """Return the rows of a run that are of this kind, in the order of the tables."""
    name = next(name for name, one in TABLES.items() if one is cast("type[Row]", kind))
    return convert(table(store, ran, name).to_pylist(), list[kind])  # type: ignore[valid-type]


class Clause(Struct, frozen=True):
    """Of how many clusters of one release a clause was evaluated, and in how many of them it fails."""

    clause: str
    release: str
    evaluated: int
    failing: int


def clauses(store: Store, ran: Ran, clusters: Sequence[ClusterRow]) -> list[Clause]:
    """Return what became of each clause in each release; a note fails no clause."""
    import pyarrow.compute as pc

    found = table(store, ran, "verdicts", ("cluster", "clause", "outcome", "noted"))
    found = found.filter(pc.is_in(found["outcome"], value_set=pc.cast([PASS, FAIL], "string")))
    failing = pc.and_(pc.equal(found["outcome"], FAIL), pc.invert(found["noted"]))
    found = found.append_column("failing", failing).group_by(["cluster", "clause"]).aggregate([("failing", "any")])
    releases = {one.cluster: release_of(one) for one in clusters}
    counts: dict[tuple[str, str], list[int]] = {}
    for cluster, clause, fails in zip(*(found[name].to_pylist() for name in ("cluster", "clause", "failing_any"))):
        each = counts.setdefault((clause, releases[cluster]), [0, 0])
        each[0] += 1
        each[1] += fails
    return [Clause(clause, release, *each) for (clause, release), each in sorted(counts.items())]


def release_of(cluster: ClusterRow) -> str:
    """Return the release that a cluster counts for: those of its hosts, or that none is known."""
    return ", ".join(cluster.releases) or "unknown"


class Change(Struct, frozen=True):
    """What became of one cluster between two runs, with the findings that count and are only in the one or the other."""

    cluster: str
    name: str
    state: str
    before: tuple[int, int, int]
    now: tuple[int, int, int]
    new: tuple[FindingRow, ...] = ()
    gone: tuple[FindingRow, ...] = ()


def changes(store: Store, old: Ran, ran: Ran) -> list[Change]:
    """Return what changed in each cluster, those that are worse first: with more errors, or with as many and more warnings."""
    before, now = ({one.cluster: one for one in rows(store, each, ClusterRow)} for each in (old, ran))
    was, has = (_by_cluster(rows(store, each, FindingRow)) for each in (old, ran))
    found = [_change(before.get(cluster), now.get(cluster), was.get(cluster, {}), has.get(cluster, {})) for cluster in {**before, **now}]
    order = (WORSE, NEW, CHANGED, BETTER, GONE, SAME)
    return sorted(found, key=lambda one: (order.index(one.state), one.before[0] - one.now[0], one.name, one.cluster))


def _by_cluster(found: Sequence[FindingRow]) -> dict[str, dict[str, FindingRow]]:
    made: dict[str, dict[str, FindingRow]] = {}
    for one in found:
        if one.allowed is None:
            made.setdefault(one.cluster, {})[one.finding] = one
    return made


def _change(before: ClusterRow | None, now: ClusterRow | None, was: Mapping[str, FindingRow], has: Mapping[str, FindingRow]) -> Change:
    one = now or before
    assert one is not None
    new = tuple(found for key, found in has.items() if key not in was) if before is not None else ()
    gone = tuple(found for key, found in was.items() if key not in has) if now is not None else ()
    counts = _counts(before), _counts(now)
    if now is None or before is None:
        state = GONE if now is None else NEW
    else:
        state = WORSE if counts[1] > counts[0] else BETTER if counts[1] < counts[0] else CHANGED if new or gone else SAME
    return Change(one.cluster, one.name, state, *counts, _severest(new), _severest(gone))


def _counts(one: ClusterRow | None) -> tuple[int, int, int]:
    return (one.errors, one.warnings, one.notes) if one is not None else (0, 0, 0)


def _severest(found: Sequence[FindingRow]) -> tuple[FindingRow, ...]:
    return tuple(sorted(found, key=lambda one: (-SEVERITIES.index(one.severity), one.code, one.message)))


def export(store: Store, ran: Ran, name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table of a run, each with the run's date in front."""
    for batch in table(store, ran, name).to_batches():
        for row in batch.to_pylist():
            yield {"run_date": ran.run_date, **row}


def list_changes(old: Ran, ran: Ran, found: Sequence[Change]) -> Iterator[str]:
    """Yield the lines of what changed between two runs, the clusters that are worse first."""
    yield f"{ran.run} of {ran.run_date}, against {old.run} of {old.run_date}"
    for one in found:
        if one.state == SAME:
            continue
        name = f"{one.name or '(without a name)'} ({one.cluster})"
        if one.state in (NEW, GONE):
            said = "was not in the older run" if one.state == NEW else "is not in the newer run"
            yield f"{name}: {said}; {_count(one.now if one.state == NEW else one.before)}"
            continue
        yield f"{name}: {one.state}: {_count(one.now)}; before: {_count(one.before)}; {len(one.new)} new, {len(one.gone)} gone"
        for word, some in (("new", one.new), ("gone", one.gone)):
            yield from (f"  {word}: {_say(each)}" for each in some[:_MOST])
            if len(some) > _MOST:
                yield f"  {word}: {len(some) - _MOST} more"
    states = [one.state for one in found]
    yield ", ".join(f"{states.count(state)} {state}" for state in ("worse", "better", "changed", NEW, GONE, SAME))


def _count(counts: tuple[int, int, int]) -> str:
    return ", ".join(count_of(number, noun) for number, noun in zip(counts, ("error", "warning", "note")))


def _say(one: FindingRow) -> str:
    return f"{one.severity} {one.code} {one.places[0] if one.places else ''}: {one.message}"


def render_changes(old: Ran, ran: Ran, found: Sequence[Change]) -> str:
    """Return the lines of `list_changes`, each with a line break."""
    return "".join(harmless(line.rstrip()) + "\n" for line in list_changes(old, ran, found))


def render_csv(name: str, rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield a table as CSV, line by line: what is a list has its parts behind `; `, and nothing is a formula to a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["run_date", *(column for column, *_ in columns(TABLES[name]))])
    for row in rows:
        writer.writerow([_cell(value) for value in row.values()])
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    yield out.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        value = "; ".join(value)
    return "" if value is None else cell(harmless(" ".join(str(value).split())))


def render_json(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield a table as lines of JSON, one for each row."""
    for row in rows:
        yield escape_json(encode(row).decode()) + "\n"


_FIGURES = (
    ("archives", "Archives of the last run, by state.", "state", ("judged", "damaged", "failed")),
    ("findings", "Findings of the last run that count, by severity.", "severity", ("errors", "warnings", "notes")),
)


def render_prometheus(ran: Ran, clusters: Sequence[ClusterRow], clauses: Sequence[Clause]) -> Iterator[str]:
    """Yield the figures of a run in the text format of Prometheus."""
    yield from _metric("run_info", "The last run.", [({"run": ran.run, "run_date": ran.run_date, "version": ran.version}, 1)])
    for name in ("clusters", "hosts", "bytes", "not_evaluated", "broken"):
        yield from _metric(name, f"Total of the last run: {name.replace('_', ' ')}.", [({}, getattr(ran, name))])
    for name, said, label, fields in _FIGURES:
        yield from _metric(
            name, said, [({label: field.removesuffix("s") if name == "findings" else field}, getattr(ran, field)) for field in fields]
        )
    each = [
        ({"cluster": one.cluster, "name": one.name, "severity": field.removesuffix("s")}, getattr(one, field))
        for one in clusters
        for field in ("errors", "warnings", "notes")
    ]
    yield from _metric("cluster_findings", "Findings of each cluster that count.", each)
    yield from _metric(
        "clause_clusters_failing",
        "Clusters in which a clause fails.",
        [({"clause": one.clause, "release": one.release}, one.failing) for one in clauses],
    )
    yield from _metric(
        "clause_clusters_evaluated",
        "Clusters in which a clause was evaluated.",
        [({"clause": one.clause, "release": one.release}, one.evaluated) for one in clauses],
    )


def _metric(name: str, said: str, values: Iterable[tuple[dict[str, str], int]]) -> Iterator[str]:
    yield f"# HELP lwlint_fleet_{name} {said}\n# TYPE lwlint_fleet_{name} gauge\n"
    for labels, value in values:
        inside = ",".join(f'{key}="{_label(text)}"' for key, text in labels.items())
        yield f"lwlint_fleet_{name}{f'{{{inside}}}' if inside else ''} {value}\n"


def _label(text: str) -> str:
    return re.sub(r'[\\"\n]', lambda m: {"\n": r"\n"}.get(m[0], "\\" + m[0]), harmless(text))
