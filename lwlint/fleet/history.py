"""What a store tells: the runs that have ended, the rows of one, and what changed between two.

As text it is the changes for a person, a table as CSV or JSON, and figures for Prometheus.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

from msgspec import Struct, convert
from msgspec.json import encode

from lwlint.core.finding import FAIL, PASS, SEVERITIES, ConfigurationError
from lwlint.core.harmless import cell, counted, escaped
from lwlint.core.harmless import line as harmless
from lwlint.fleet.run import Ran, runs
from lwlint.fleet.store import Store
from lwlint.fleet.tables import TABLES, ClusterRow, FindingRow, Row, columns, schema

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
    for part in ran.parts:
        if part.startswith(f"{name}/"):
            data = store.read(part)
            if data is None:
                raise ConfigurationError(f"`{store.shown}`: `{part}` is not there, and the run has written it")
            try:
                found = pq.ParquetFile(io.BytesIO(data)).read(columns=columns)
            except (pa.ArrowException, OSError, ValueError) as error:
                raise ConfigurationError(f"`{store.shown}`: `{part}` is damaged ({type(error).__name__})") from None
            if absent := [field for field in columns or schema(TABLES[name]).names if field not in found.column_names]:
                said = f"lwlint {ran.version} has written it without the column `{absent[0]}`; judge anew for what this version asks for"
                raise ConfigurationError(f"`{store.shown}`: `{part}`: {said}")
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


def exported(store: Store, ran: Ran, name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table of a run, each with the run's date in front."""
    for batch in table(store, ran, name).to_batches():
        for row in batch.to_pylist():
            yield {"run_date": ran.run_date, **row}


def changed(old: Ran, ran: Ran, found: Sequence[Change]) -> Iterator[str]:
    """Yield the lines of what changed between two runs, the clusters that are worse first."""
    yield f"{ran.run} of {ran.run_date}, against {old.run} of {old.run_date}"
    for one in found:
        if one.state == SAME:
            continue
        name = f"{one.name or '(without a name)'} ({one.cluster})"
        if one.state in (NEW, GONE):
            said = "was not in the older run" if one.state == NEW else "is not in the newer run"
            yield f"{name}: {said}; {_counted(one.now if one.state == NEW else one.before)}"
            continue
        yield f"{name}: {one.state}: {_counted(one.now)}; before: {_counted(one.before)}; {len(one.new)} new, {len(one.gone)} gone"
        for word, some in (("new", one.new), ("gone", one.gone)):
            yield from (f"  {word}: {_said(each)}" for each in some[:_MOST])
            if len(some) > _MOST:
                yield f"  {word}: {len(some) - _MOST} more"
    states = [one.state for one in found]
    yield ", ".join(f"{states.count(state)} {state}" for state in ("worse", "better", "changed", NEW, GONE, SAME))


def _counted(counts: tuple[int, int, int]) -> str:
    return ", ".join(counted(number, noun) for number, noun in zip(counts, ("error", "warning", "note")))


def _said(one: FindingRow) -> str:
    return f"{one.severity} {one.code} {one.places[0] if one.places else ''}: {one.message}"


def render_changes(old: Ran, ran: Ran, found: Sequence[Change]) -> str:
    """Return the lines of `changed`, each with a line break."""
    return "".join(harmless(line.rstrip()) + "\n" for line in changed(old, ran, found))


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
        yield escaped(encode(row).decode()) + "\n"


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
