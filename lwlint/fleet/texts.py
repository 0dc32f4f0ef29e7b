"""What a store tells as text: changes for a person, a table as CSV or JSON, figures for Prometheus."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec.json import encode

from lwlint.core.harmless import cell, counted, escaped
from lwlint.core.harmless import line as harmless
from lwlint.fleet.history import GONE, NEW, SAME, Change, Clause
from lwlint.fleet.run import Ran
from lwlint.fleet.tables import TABLES, ClusterRow, FindingRow, columns

_MOST = 20  # findings of one cluster


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
