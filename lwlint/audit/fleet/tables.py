"""The tables of a store: a row of each is a Struct, whose fields are the columns and whose descriptions are those of the columns.

They are Parquet, partitioned by run date: `findings/run_date=2030-01-31/RUN-00000.parquet`. The part's number goes with the run, and
what is in it follows from the run's clusters, so that two runs that do the same write the same files.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Annotated, Any, Optional, Union, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct
from msgspec.structs import astuple

from lwlint.audit.answer import NOT_APPLICABLE, ClusterAnswer, Found, HostAnswer, counts, verdict
from lwlint.audit.fleet.archives import Answer, Case, Cluster, Settings
from lwlint.core.finding import FAIL, NOT_EVALUATED, PASS

Run = Annotated[str, Meta(description="the run that the row is of; its figures are in `runs/RUN.json`")]
ClusterId = Annotated[str, Meta(description="the cluster, the same in every run")]
Total = Annotated[int, Meta(description="how many")]


class ArchiveRow(Struct, frozen=True):
    """One archive that a run was given. Each is in exactly one state."""

    run: Run
    archive: Annotated[str, Meta(description="its path or URL, without credentials")]
    state: Annotated[str, Meta(description="`judged`, `damaged` (what was read of it counts) or `failed` (nothing of it counts)")]
    why: Annotated[str, Meta(description="why it is damaged or failed; else empty")]
    bytes: Annotated[int, Meta(description="size of the archive")]
    members: Annotated[int, Meta(description="files and links that were kept of it")]
    kept_bytes: Annotated[int, Meta(description="their size")]
    reports: Annotated[int, Meta(description="reports of hosts in it")]


class ClusterRow(Struct, frozen=True):
    """One cluster, or (`clustered` false) the hosts in one folder that are of no cluster."""

    run: Run
    cluster: ClusterId
    name: Annotated[str, Meta(description="its name; empty for one without, and for hosts of none")]
    clustered: Annotated[bool, Meta(description="false for hosts that are of no cluster")]
    verdict: Annotated[str, Meta(description="what it comes to, in one line")]
    nodes: Annotated[tuple[str, ...], Meta(description="the nodes that it names")]
    absent: Annotated[tuple[str, ...], Meta(description="the nodes that have no report")]
    releases: Annotated[tuple[str, ...], Meta(description="the releases that its hosts are judged by")]
    captured: Annotated[str, Meta(description="when the newest of its reports was made, `YYYY-MM-DD[ HH:MM:SS]`; empty if unknown")]
    hosts: Annotated[int, Meta(description="hosts with a report that counts")]
    archives: Annotated[int, Meta(description="archives that they are in")]
    older: Annotated[int, Meta(description="older reports of the same hosts, which do not count")]
    errors: Annotated[int, Meta(description="findings that are errors and not allowed")]
    warnings: Annotated[int, Meta(description="findings that are warnings and not allowed")]
    notes: Annotated[int, Meta(description="findings that are notes and not allowed")]
    passed: Annotated[int, Meta(description="rules that passed, counted on each host")]
    failed: Annotated[int, Meta(description="rules that failed, counted on each host")]
    not_evaluated: Annotated[int, Meta(description="rules that could not be evaluated, counted on each host")]
    quorum: Annotated[Optional[bool], Meta(description="whether it had a quorum; null if no status shows it")]
    offline: Annotated[tuple[str, ...], Meta(description="nodes that were offline")]
    failed_actions: Annotated[Optional[int], Meta(description="failed actions of Pacemaker; null if no status shows them")]
    fencing: Annotated[Optional[bool], Meta(description="whether fencing is on; null without a CIB")]
    answer: Annotated[str, Meta(description="what its whole answer is kept under, below `answers/`")]


class HostRow(Struct, frozen=True):
    """One host with a report that counts."""

    run: Run
    cluster: ClusterId
    host: Annotated[str, Meta(description="its name")]
    archive: Annotated[str, Meta(description="the archive that its report is in")]
    report: Annotated[str, Meta(description="the report, as `lwlint audit` names it: `ARCHIVE!folder`")]
    captured: Annotated[str, Meta(description="when it was made, `YYYY-MM-DD[ HH:MM:SS]`; empty if unknown")]
    sos: Annotated[str, Meta(description="version of sos; empty if unknown")]
    release: Annotated[Optional[str], Meta(description="the release that it is judged by; null: any")]
    release_because: Annotated[str, Meta(description="the evidence for the release")]
    cib_of: Annotated[str, Meta(description="the host whose CIB is used, as this one has none; else empty")]
    stands_in: Annotated[str, Meta(description="what had to do for a CIB; else empty")]
    missing: Annotated[tuple[str, ...], Meta(description="kinds of evidence that its report lacks")]
    files: Annotated[int, Meta(description="files that were judged")]
    passed: Annotated[int, Meta(description="rules that passed")]
    failed: Annotated[int, Meta(description="rules that failed")]
    not_evaluated: Annotated[int, Meta(description="rules that could not be evaluated")]


class FindingRow(Struct, frozen=True):
    """One finding, on one host or on several of a cluster."""

    run: Run
    cluster: ClusterId
    finding: Annotated[str, Meta(description="by what it is known again in another run: cluster, rule, subject, message and hosts")]
    code: Annotated[str, Meta(description="code of the rule")]
    rule: Annotated[str, Meta(description="id of the rule")]
    severity: Annotated[str, Meta(description="`error`, `warning` or `note`")]
    clause: Annotated[str, Meta(description="the clause of the specification")]
    message: Annotated[str, Meta(description="what is wrong, secrets masked")]
    subject: Annotated[str, Meta(description="what it is about: a unit, a resource, an option file")]
    hosts: Annotated[tuple[str, ...], Meta(description="the hosts that it is the same on")]
    places: Annotated[tuple[str, ...], Meta(description="`HOST:PATH:LINE:COLUMN` of each place")]
    text: Annotated[str, Meta(description="the line at the first place, secrets masked")]
    commands: Annotated[tuple[str, ...], Meta(description="the commands that fix it, each as `WHERE: COMMAND`")]
    allowed: Annotated[Optional[str], Meta(description="the reason where it is allowed; null where it counts")]


class VerdictRow(Struct, frozen=True):
    """What one rule came to on one host; a rule that is not for such a host has no row."""

    run: Run
    cluster: ClusterId
    host: Annotated[str, Meta(description="the host")]
    code: Annotated[str, Meta(description="code of the rule")]
    rule: Annotated[str, Meta(description="id of the rule")]
    clause: Annotated[str, Meta(description="the clause of the specification")]
    outcome: Annotated[str, Meta(description="`pass`, `fail`, `not evaluated` or `broken`")]
    because: Annotated[str, Meta(description="why it was not evaluated; else empty")]
    noted: Annotated[bool, Meta(description="whether all that it found there are notes, which fail no clause")]


Row = Union[ArchiveRow, ClusterRow, HostRow, FindingRow, VerdictRow]
TABLES: Mapping[str, type[Row]] = {
    "archives": ArchiveRow,
    "clusters": ClusterRow,
    "hosts": HostRow,
    "findings": FindingRow,
    "verdicts": VerdictRow,
}


def columns(kind: type[Row]) -> Iterator[tuple[str, Any, bool, str]]:
    """Yield name, type, whether it may be null, and description of each column."""
    for name, hint in get_type_hints(kind, include_extras=True).items():
        own, meta = get_args(hint)[:2]
        optional = get_origin(own) is Union
        yield name, next(one for one in get_args(own) if one is not type(None)) if optional else own, optional, meta.description


def schema(kind: type[Row]) -> Any:
    """Return the Arrow schema of a table, each column with its description."""
    import pyarrow as pa

    types = {str: pa.string(), int: pa.int64(), bool: pa.bool_()}
    return pa.schema(
        [
            pa.field(name, types[own] if own in types else pa.list_(pa.string()), nullable, {"description": said})
            for name, own, nullable, said in columns(kind)
        ],
        {"description": (kind.__doc__ or "").strip()},
    )


def parquet(kind: type[Row], rows: Sequence[Row]) -> bytes:
    """Return the rows as a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    made = schema(kind)
    columns_ = zip(*map(astuple, rows)) if rows else ([] for _ in made)
    arrays = [_array(values, field.type) for values, field in zip(columns_, made)]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=made), sink, compression="zstd")
    return sink.getvalue()


def _array(values: Sequence[Any], kind: Any) -> Any:
    import pyarrow as pa

    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        return pa.array([_cell(value) for value in values], kind)


def _cell(value: Any) -> Any:
    """Return a value as Parquet takes it: text is UTF-8, and a byte of a name that is none is shown as one that is not known."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return [_cell(one) for one in value] if isinstance(value, tuple) else value


def rows_of(run: str, case: Case, answer: Answer, settings: Settings) -> Iterator[Row]:
    """Yield the rows of a case, which has been judged."""
    key = case.key(settings)
    for known, cluster in zip(case.clusters, answer.clusters):
        archives = [settings.alias(case.archives[archive].url) for archive, _ in known.seats]
        yield _cluster(run, known, cluster, len(set(archives)), key)
        for host, archive in zip(cluster.hosts, archives):
            yield _host(run, known.id, host, archive)
            for one in host.outcomes:
                if one.outcome != NOT_APPLICABLE:
                    yield VerdictRow(
                        run, known.id, host.name, one.code, one.rule, one.clause, one.outcome, one.because, one.noted
                    )  # fmt: skip
        yield from (_finding(run, known.id, one) for one in cluster.found)


def _cluster(run: str, known: Cluster, cluster: ClusterAnswer, archives: int, key: str) -> ClusterRow:
    errors, warnings, notes = counts(cluster)
    outcomes = [one.outcome for host in cluster.hosts for one in host.outcomes]
    return ClusterRow(
        run=run,
        cluster=known.id,
        name=cluster.name,
        clustered=cluster.clustered,
        verdict=verdict(cluster),
        nodes=cluster.nodes,
        absent=cluster.absent,
        releases=tuple(sorted({host.release for host in cluster.hosts if host.release is not None})),
        captured=max((host.captured for host in cluster.hosts), default=""),
        hosts=len(cluster.hosts),
        archives=archives,
        older=len(cluster.older),
        errors=errors,
        warnings=warnings,
        notes=notes,
        passed=outcomes.count(PASS),
        failed=outcomes.count(FAIL),
        not_evaluated=outcomes.count(NOT_EVALUATED),
        quorum=cluster.health.quorum,
        offline=cluster.health.offline,
        failed_actions=cluster.health.failed,
        fencing=cluster.fencing,
        answer=key,
    )


def _host(run: str, cluster: str, host: HostAnswer, archive: str) -> HostRow:
    outcomes = [one.outcome for one in host.outcomes]
    return HostRow(
        run=run,
        cluster=cluster,
        host=host.name,
        archive=archive,
        report=host.target,
        captured=host.captured,
        sos=host.sos,
        release=host.release,
        release_because=host.release_because,
        cib_of=host.cib_of,
        stands_in=host.stands_in,
        missing=tuple(kind for kind, _ in host.missing),
        files=host.judged,
        passed=outcomes.count(PASS),
        failed=outcomes.count(FAIL),
        not_evaluated=outcomes.count(NOT_EVALUATED),
    )


def _finding(run: str, cluster: str, found: Found) -> FindingRow:
    known = repr((cluster, found.code, found.subject, found.message, tuple(sorted(found.hosts)), found.allowed is None))
    return FindingRow(
        run=run,
        cluster=cluster,
        finding=blake2b(known.encode("utf-8", "surrogateescape"), digest_size=10).hexdigest(),
        code=found.code,
        rule=found.rule,
        severity=found.severity,
        clause=found.clause,
        message=found.message,
        subject=found.subject,
        hosts=found.hosts,
        places=tuple(place.shown for place in found.places),
        text=found.places[0].text if found.places else "",
        commands=tuple(f"{on}: {line}" for on, line in found.commands),
        allowed=found.allowed,
    )


def part(table: str, date: str, run: str, number: int) -> str:
    """Return the path of a part of a table, below the store."""
    return f"{table}/run_date={date}/{run}-{number:05}.parquet"


def by_table(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return the rows by the table that they are of; every table is there."""
    names = {kind: name for name, kind in TABLES.items()}
    found: dict[str, list[Row]] = {name: [] for name in TABLES}
    for row in rows:
        found[names[type(row)]].append(row)
    return found
