"""An audit for a person and as JSON, and what is new and what is gone since an earlier one.

As text each cluster is a table of hosts and clauses, with what was found by clause, what was missing, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal, Optional, Union

from msgspec import Meta, field

from lwlint import __version__
from lwlint.audit.answer import (
    NOT_APPLICABLE,
    Audit,
    Cell,
    ClusterAnswer,
    Found,
    HostAnswer,
    Place,
    counts,
    in_order,
    mends,
    open_findings,
    reasons,
    together,
    verdict,
)
from lwlint.core.finding import CLUSTER, EACH, FAIL, NOT_EVALUATED, PASS, SEVERITIES
from lwlint.core.harmless import count_of
from lwlint.core.harmless import line as harmless
from lwlint.policy.rules import Clause
from lwlint.policy.settings import Severity
from lwlint.report.json import Judged, Output, ReleaseOutput, SkippedOutput, VerdictOutput, write

_WIDTH = 120  # of a table; more hosts go into further tables
_PLACES = 6  # places of findings that are no errors, unless all are wanted
_NAMED = 3  # hosts that are named where they are all
_CLUSTERS = 30  # lines of the overview: a screen, with what is said of the first cluster below it


def render_text(audit: Audit, clauses: Sequence[Clause], *, verbose: bool = False) -> str:
    """Return the answer as text with a final line break; `verbose` adds all places, the evidence, and what was passed over."""
    return "".join(harmless(line.rstrip()) + "\n" for line in _lines(audit, clauses, verbose))


def _lines(audit: Audit, clauses: Sequence[Clause], verbose: bool) -> Iterator[str]:
    titles = {clause.id: clause.title for clause in clauses}
    if len(audit.clusters) > 1:
        yield from _overview(audit, verbose)
    for cluster in audit.clusters:
        yield from _heading(cluster)
        yield from _table(cluster, titles)
        yield from _write_found_lines(cluster, titles, verbose)
        yield from _missing(cluster)
        yield from _commands(cluster, verbose)
        if verbose:
            yield from _evidence(cluster)
    yield from _remedies(audit)
    yield from _targets(audit)
    yield summary(audit)


def _heading(cluster: ClusterAnswer) -> Iterator[str]:
    hosts = count_of(len(cluster.hosts), "host")
    title = f"{cluster.title}: {hosts}"
    yield title
    yield "=" * len(title)
    yield from _first_screen(cluster)
    for host in cluster.hosts:
        told = [host.captured, f"sos {host.sos}" if host.sos else "", f"release {host.release}" if host.release else "release unknown"]
        yield f"  {host.name}: {host.target} ({', '.join(part for part in told if part)})"
        if host.release_because:
            yield f"    judged as {host.release or 'any release'}: {host.release_because}"
        yield from (f"    {remark}" for remark in host.remarks)
    for name, older, captured, counting in cluster.older:
        yield f"  {name}: {older} ({captured or 'of unknown time'}) is of the same host and does not count; {counting} does"
    if cluster.absent:
        yield f"  No report of: {', '.join(cluster.absent)}"
    yield ""


WORST = 3  # rules that are named at once


def worst(cluster: ClusterAnswer) -> list[tuple[str, Found]]:
    """Return the rules with the worst findings, each in a line with how many there are and on which hosts, and the first of them."""
    by_rule: dict[tuple[int, str, str], list[Found]] = {}
    for one in open_findings(cluster):
        if one.severity != SEVERITIES[0]:
            by_rule.setdefault((-SEVERITIES.index(one.severity), one.code, one.rule), []).append(one)
    lines = []
    for (_, code, rule), found in sorted(by_rule.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1])):
        names = list(dict.fromkeys(host for one in found for host in one.hosts))
        where = (
            "all hosts" if len(names) == len(cluster.hosts) > 1 else ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
        )
        lines.append((f"{code} {rule}: {count_of(len(found), found[0].severity)}{f' on {where}' if where else ''}", found[0]))
    return lines


def health(cluster: ClusterAnswer) -> str:
    """Return what a status and the CIB say of the cluster's health, in one line; empty where neither does."""
    told, parts = cluster.health, []
    if told.quorum is not None:
        parts.append("quorum" if told.quorum else "NO QUORUM")
        parts.append(f"offline: {', '.join(told.offline)}" if told.offline else "no node offline")
    if told.failed is not None:
        parts.append(count_of(told.failed, "failed action") if told.failed else "no failed action")
    if cluster.fencing is not None:
        parts.append("fencing on" if cluster.fencing else "FENCING OFF")
    return ", ".join(parts)


def lacking(cluster: ClusterAnswer) -> str:
    """Return in one line which kinds of evidence were not found, and on which hosts; empty where there is all."""
    without: dict[str, list[str]] = {}
    for host in cluster.hosts:
        for kind, _ in host.missing:
            without.setdefault(kind, []).append(host.name)
    everywhere = len(cluster.hosts)
    told = (f"{kind} ({'all hosts' if len(names) == everywhere > 1 else ', '.join(names[:_NAMED])})" for kind, names in without.items())
    return ", ".join(told)


def _first_screen(cluster: ClusterAnswer) -> Iterator[str]:
    """Yield what a reader wants to know first: the verdict, how much there is, the worst of it, health, and what is missing."""
    yield f"  {verdict(cluster)}"
    errors, warnings, notes = counts(cluster)
    yield f"  {count_of(errors, 'error')}, {count_of(warnings, 'warning')}, {count_of(notes, 'note')}"
    yield from (f"  worst: {line}" for line, _ in worst(cluster)[:WORST])
    if health(cluster):
        yield f"  health: {health(cluster)}"
    if lacking(cluster):
        yield f"  missing: {lacking(cluster)}"
    yield ""


def worst_first(clusters: Iterable[ClusterAnswer]) -> list[ClusterAnswer]:
    """Return clusters by how many errors they have, then warnings, then notes."""
    return sorted(clusters, key=lambda cluster: [-number for number in counts(cluster)])


def _overview(audit: Audit, verbose: bool) -> Iterator[str]:
    """Yield a line for each cluster, worst first; as many as fit a screen, unless all are wanted."""
    rows = worst_first(audit.clusters)
    names = [cluster.name or ("(without a name)" if cluster.clustered else "(in no cluster)") for cluster in rows]
    width = max(map(len, names)) + 2
    yield f"{'Clusters, worst first'.ljust(max(width, 23))}hosts  errors  warnings  notes"
    shown = rows if verbose or len(rows) <= _CLUSTERS else rows[: _CLUSTERS - 1]
    for name, cluster in zip(names, shown):
        errors, warnings, notes = counts(cluster)
        yield f"{name.ljust(max(width, 23))}{len(cluster.hosts):5}{errors:8}{warnings:10}{notes:7}  {verdict(cluster)}"
    rest = rows[len(shown) :]
    if rest:
        errors, warnings, notes = (sum(numbers) for numbers in zip(*map(counts, rest)))
        name = f"and {len(rest)} more (`-v`)"
        yield f"{name.ljust(max(width, 23))}{sum(len(one.hosts) for one in rest):5}{errors:8}{warnings:10}{notes:7}"
    yield ""


def render_ticket(audit: Audit) -> str:
    """Return at most ten lines for each cluster, for a customer's case: what it comes to, the worst with a place, what to do."""
    return "".join(harmless(line.rstrip()) + "\n" for cluster in audit.clusters for line in _ticket(cluster))


def _ticket(cluster: ClusterAnswer) -> Iterator[str]:
    hosts = ", ".join(host.name for host in cluster.hosts[:_NAMED]) + (", ..." if len(cluster.hosts) > _NAMED else "")
    yield f"{f'Cluster {cluster.name}' if cluster.name else 'Hosts'} ({hosts}): {verdict(cluster)}"
    errors, warnings, notes = counts(cluster)
    yield f"{count_of(errors, 'error')}, {count_of(warnings, 'warning')}, {count_of(notes, 'note')}"
    if health(cluster):
        yield f"Health: {health(cluster)}"
    shown = worst(cluster)[:WORST]
    for line, first in shown:
        yield f"- {line}"
        yield f"  {first.places[0].shown}: {first.message}"
    if shown:
        yield "Each in full, with what to do: `lwlint audit` on the same reports; `lwlint explain CODE`"


def _table(cluster: ClusterAnswer, titles: Mapping[str, str]) -> Iterator[str]:
    columns = [host.cells() for host in cluster.hosts]
    rows = [clause for clause in titles if any(c.get(clause, Cell(NOT_APPLICABLE)).outcome != NOT_APPLICABLE for c in columns)]
    first = max([len(clause) for clause in rows], default=0) + 2
    cells = [[_cell(column.get(clause, Cell(NOT_APPLICABLE))) for clause in rows] for column in columns]
    widths = [max(len(host.name), 13, *map(len, column)) + 2 for host, column in zip(cluster.hosts, cells)]
    for start, end in _blocks(widths, _WIDTH - first):
        yield " " * first + "".join(host.name.ljust(width) for host, width in zip(cluster.hosts[start:end], widths[start:end]))
        for row, clause in enumerate(rows):
            yield clause.ljust(first) + "".join(column[row].ljust(width) for column, width in zip(cells[start:end], widths[start:end]))
        yield ""


def _blocks(widths: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """Yield from where to where hosts stand in one table."""
    start = taken = 0
    for i, width in enumerate(widths):
        if i > start and taken + width > room:
            yield start, i
            start, taken = i, 0
        taken += width
    if widths:
        yield start, len(widths)


def _cell(cell: Cell) -> str:
    if cell.outcome == PASS:
        told = [*([f"{cell.evaluated} of {cell.rules}"] if cell.evaluated < cell.rules else []), *(["notes"] if cell.noted else [])]
        return f"pass ({', '.join(told)})" if told else "pass"
    return "-" if cell.outcome == NOT_APPLICABLE else cell.outcome


def _write_found_lines(cluster: ClusterAnswer, titles: Mapping[str, str], verbose: bool) -> Iterator[str]:
    for clause, title in titles.items():
        found = [one for one in cluster.found if one.clause == clause and (verbose or one.allowed is None)]
        if found:
            yield f"{clause}: {title}"
        for code, rule in sorted({(one.code, one.rule) for one in found}):
            yield f"  {code} {rule}"
            for group in alike(one for one in found if one.code == code):
                yield from _group(group, len(cluster.hosts), verbose)
        if found:
            yield ""


def alike(found: Iterable[Found]) -> list[list[Found]]:
    """Return the findings of one rule, those together that say the same of several things: `a.service: ...`, `b.service: ...`."""
    groups: dict[tuple[object, ...], list[Found]] = {}
    for one in found:
        groups.setdefault((one.severity, one.message.partition(": ")[2], one.hosts, one.allowed), []).append(one)
    return list(groups.values())


def say_group(group: Sequence[Found]) -> str:
    """Return what a group of `alike` says: the message of its first, with how many more there are."""
    name, colon, rest = group[0].message.partition(": ")
    return f"{name}{f' and {len(group) - 1} more' if len(group) > 1 else ''}{colon}{rest}"


def _group(group: Sequence[Found], hosts: int, verbose: bool) -> Iterator[str]:
    first = group[0]
    allowed = f" (allowed: {first.allowed})" if first.allowed is not None else ""
    yield f"    {first.severity}: {say_group(group)}{allowed}"
    if len(first.hosts) > 1:
        yield f"      on {'all hosts' if len(first.hosts) == hosts > _NAMED else ', '.join(first.hosts)}"
    lines = [f"{place.shown}  {place.text}".rstrip() for one in group for place in one.places]
    yield from _some(lines, verbose or first.severity == "error")  # each of them is to be fixed
    yield from _some([f"{place.shown} {message}" for one in group for place, message in one.related], verbose)


def _some(lines: Sequence[str], verbose: bool) -> Iterator[str]:
    shown = lines if verbose else lines[:_PLACES]
    yield from (f"      {line}" for line in shown)
    if len(shown) < len(lines):
        yield f"      and {len(lines) - len(shown)} more (`-v` shows them)"


def _missing(cluster: ClusterAnswer) -> Iterator[str]:
    by_what: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for host in cluster.hosts:
        for kind, looked_for in host.missing:
            alike = tuple(path.replace(f"/{host.name.split('.')[0]}/", "/HOST/") for path in looked_for)
            by_what.setdefault((kind, alike), []).append(host.name)
    unevaluated = reasons(cluster.hosts)
    if by_what or unevaluated:
        yield "What was missing"
    for (kind, looked_for), names in by_what.items():
        rest = len(looked_for) - 3
        more = f" and {count_of(rest, 'more place')}" if rest > 0 else ""
        yield f"  {kind} ({', '.join(names)}): looked for {', '.join(looked_for[:3])}{more}"
    for because, rules in unevaluated.items():
        names = list(dict.fromkeys(name for found in rules.values() for name in found))
        yield f"  not evaluated ({', '.join(names)}): {', '.join(code for code, _ in rules)}: {because}"
    if by_what or unevaluated:
        yield ""


def _commands(cluster: ClusterAnswer, verbose: bool) -> Iterator[str]:
    """Yield what to run; what fixes a note only if all is wanted, for a note may be as it should be."""
    told, held = mends(cluster, notes=verbose)
    if told or held:
        yield "Commands that fix it (read them first; an option takes effect when its service is restarted)"
        for places, lines in together(in_order(mend for _, mend in told)):
            yield f"  {where(places)}"
            yield from (f"    {line}" for line in lines)
        if held:
            yield f"  {not_started(held)}"
        yield ""


def not_started(hosts: Sequence[str]) -> str:
    """Return why nothing is started on some hosts."""
    return f"left out: what starts services on {', '.join(hosts)}, until the retries there are corrected by hand; no command does that"


def where(places: Sequence[str]) -> str:
    """Return where commands are run, for a person."""
    told = {CLUSTER: "once, on any node of the cluster", EACH: "on each node that is to run the service"}
    return told.get(places[0], f"on {', '.join(places)}")


def _evidence(cluster: ClusterAnswer) -> Iterator[str]:
    yield "What was used"
    for host in cluster.hosts:
        yield from (f"  {host.name}:{path}: {kind}{', weaker evidence' if weaker else ''}" for kind, path, weaker in host.evidence)
        yield from (f"  {path}: passed over: {because}" for path, because in host.passed_over)
        yield from _outcomes(host)
    yield ""


def _outcomes(host: HostAnswer) -> Iterator[str]:
    for one in host.outcomes:
        if one.outcome != NOT_APPLICABLE:
            yield f"  {host.name}: {one.code} {one.rule}: {one.outcome}" + (f" ({one.because})" if one.because else "")


def _remedies(audit: Audit) -> Iterator[str]:
    said = {(f.code, f.rule, f.remedy): None for cluster in audit.clusters for f in cluster.found if f.allowed is None}
    if said:
        yield "What to do"
    for code, rule, remedy in sorted(said):
        first, *rest = remedy.splitlines() or [""]
        yield f"  {code} {rule}: {first}"
        yield from (f"    {line}" for line in rest)
    if said:
        yield ""


def _targets(audit: Audit) -> Iterator[str]:
    """Yield what was wrong with targets that no host is in, which therefore stands in no table."""
    for target in audit.targets:
        if not target.hosts:
            yield f"{target.path}: nothing to judge in it"
            yield from (f"  {trouble}" for trouble in target.troubles)


def summary(audit: Audit) -> str:
    """Return the last line: how many hosts and clusters, and what the rules came to, counted on each host."""
    hosts = sum(len(cluster.hosts) for cluster in audit.clusters)
    clusters = sum(cluster.clustered for cluster in audit.clusters)
    allowed = sum(one.allowed is not None for cluster in audit.clusters for one in cluster.found)
    counts = f"{audit.count(PASS)} pass, {audit.count(FAIL)} fail, {audit.count(NOT_EVALUATED)} not evaluated, {allowed} allowed"
    said = f"{count_of(hosts, 'host')}, {count_of(clusters, 'cluster')}"
    files = sum(len(host.passed_over) for cluster in audit.clusters for host in cluster.hosts)
    left = f", {count_of(files, 'file')} left out" if files else ""
    return f"{said}: {counts} (rules, counted on each host){left}"


Count = Annotated[int, Meta(ge=0)]


def compare(audit: Audit, old: AuditOutput) -> Iterator[str]:
    """Yield what is new and what is gone since an earlier answer (`lwlint audit --format json`), and how many are the same.

    Clusters of one name are taken together: the names of the hosts tell their findings apart.
    """
    keys = dict.fromkeys((cluster.name, cluster.clustered) for cluster in audit.clusters)
    for key in keys:
        now = {_identity(one): one for each in audit.clusters if (each.name, each.clustered) == key for one in open_findings(each)}
        earlier = (one for each in old.clusters if (each.name, each.clustered) == key for one in each.findings)
        before = {_identity(one): one for one in earlier if one.allowed is None}
        new = [one for identity, one in now.items() if identity not in before]
        gone = [one for identity, one in before.items() if identity not in now]
        yield f"{_name_group(*key)}: {len(new)} new, {len(gone)} gone, {len(now) - len(new)} the same"
        yield from (f"  new: {one.severity} {one.code} {one.places[0].shown}: {one.message}" for one in new)
        yield from (f"  gone: {one.severity} {one.code} {one.message}" for one in gone)
    for key in dict.fromkeys((each.name, each.clustered) for each in old.clusters):
        if key not in keys:
            yield f"{_name_group(*key)}: is not among what was given this time"


def _name_group(name: str, clustered: bool) -> str:
    return name or ("(without a name)" if clustered else "hosts of no cluster")


def _identity(one: Union[Found, FoundOutput]) -> tuple[str, str, str, tuple[str, ...]]:
    """Return what a finding is known by at another time: its rule, subject, what is said, and the hosts."""
    return one.code, one.subject, one.message, tuple(sorted(one.hosts))


def render_compared(audit: Audit, old: AuditOutput) -> str:
    """Return the lines of `compare` with a final line break each."""
    return "".join(harmless(line.rstrip()) + "\n" for line in compare(audit, old))


class TargetOutput(Output, frozen=True):
    """What was given to the audit."""

    path: str
    kind: Literal["archive", "folder", "root", "CIB"]
    reports: Annotated[int, Meta(ge=0, description="hosts found in it; 0: nothing to judge, and the audit ends with 2")]
    troubles: tuple[str, ...]


class ClauseOutput(Output, frozen=True):
    """A clause of the specification."""

    id: str
    title: str


class CellOutput(Output, frozen=True):
    """What the rules of a clause came to on a host, and how many of them were evaluated."""

    outcome: Judged
    evaluated: Count
    rules: Count


class EvidenceOutput(Output, frozen=True):
    """A file that was used."""

    kind: str
    path: str
    weaker: bool


class MissingOutput(Output, frozen=True):
    """A kind of evidence that was not found, and where it was looked for."""

    kind: str
    looked_for: tuple[str, ...]


class HostOutput(Output, frozen=True):
    """A host, its evidence, and what each clause and rule came to."""

    name: str
    target: Annotated[str, Meta(description="the report, as ARCHIVE!folder or a path")]
    captured: Annotated[str, Meta(description="`YYYY-MM-DD[ HH:MM:SS]`; empty if unknown")]
    sos: Annotated[str, Meta(description="version of sos; empty if it is none")]
    release: ReleaseOutput
    cib_of: Annotated[str, Meta(description="the host whose CIB is used as this one holds none; else empty")]
    stands_in: Annotated[
        str,
        Meta(
            description="what had to do for a CIB, and is weaker evidence (`pcs config`); empty where there is a CIB, or nothing",
        ),
    ]
    clauses: dict[str, CellOutput]
    verdicts: tuple[VerdictOutput, ...]
    evidence: tuple[EvidenceOutput, ...]
    missing: tuple[MissingOutput, ...]
    passed_over: tuple[SkippedOutput, ...]


class OlderOutput(Output, frozen=True):
    """An older report of a host, which does not count."""

    host: str
    target: str
    captured: str
    counting: Annotated[str, Meta(description="the newer report of the same host, which counts")]


class LineOutput(Output, frozen=True):
    """A line of evidence."""

    host: Annotated[str, Meta(description="the host; empty for the archive itself and for a CIB that was given alone")]
    path: Annotated[str, Meta(description="below the report's folder, or as the user named it where `host` is empty")]
    line: Count
    column: Count
    text: Annotated[str, Meta(description="the line, secrets masked")]


class RelatedLineOutput(LineOutput, frozen=True):
    """Another line that explains the finding."""

    message: str


class MendOutput(Output, frozen=True):
    """A command line that fixes a finding."""

    on: Annotated[
        str, Meta(description="`cluster`: once, on any node; `each host`: on every one that is to run the service; else the host")
    ]
    line: Annotated[str, Meta(description="one line for a POSIX shell")]


class FoundOutput(Output, frozen=True):
    """One finding, on one host or on several."""

    code: str
    rule: str
    severity: Severity
    clause: str
    message: str
    subject: str
    hosts: Annotated[tuple[str, ...], Meta(description="all hosts that it is the same on")]
    places: Annotated[tuple[LineOutput, ...], Meta(min_length=1)]
    related: tuple[RelatedLineOutput, ...]
    remedy: str
    allowed: Annotated[Optional[str], Meta(description="the reason, when the finding is suppressed")]
    commands: Annotated[
        tuple[MendOutput, ...], Meta(description="the commands that fix just this, in order; empty if a person has to judge")
    ]


class ClusterOutput(Output, frozen=True):
    """A cluster, its hosts, and what was found on them."""

    name: Annotated[str, Meta(description="empty for a cluster without a name, and for hosts of none")]
    clustered: Annotated[bool, Meta(description="false for the hosts that are of no cluster")]
    nodes: tuple[str, ...]
    without_report: Annotated[tuple[str, ...], Meta(description="nodes of which nothing was given")]
    hosts: tuple[HostOutput, ...]
    older_reports: tuple[OlderOutput, ...]
    findings: tuple[FoundOutput, ...]


class TotalOutput(Output, frozen=True):
    """How many rules came to what, counted on each host, and the last line of the text."""

    passed: Count = field(name="pass")
    fail: Count
    not_evaluated: Count
    text: str


class AuditOutput(Output, frozen=True):
    """What `lwlint audit --format json` prints."""

    version: str
    targets: tuple[TargetOutput, ...]
    clauses: tuple[ClauseOutput, ...]
    clusters: tuple[ClusterOutput, ...]
    summary: TotalOutput


def render_json(audit: Audit, clauses: Sequence[Clause]) -> str:
    """Return the whole answer as one JSON document with a final line break."""
    return write(
        AuditOutput(
            version=__version__,
            targets=tuple(TargetOutput(t.path, t.kind, t.hosts, t.troubles) for t in audit.targets),  # type: ignore[arg-type]
            clauses=tuple(ClauseOutput(clause.id, clause.title) for clause in clauses),
            clusters=tuple(_cluster(cluster) for cluster in audit.clusters),
            summary=TotalOutput(
                passed=audit.count(PASS),
                fail=audit.count(FAIL),
                not_evaluated=audit.count(NOT_EVALUATED),
                text=summary(audit),
            ),
        )
    )


def _cluster(cluster: ClusterAnswer) -> ClusterOutput:
    return ClusterOutput(
        name=cluster.name,
        clustered=cluster.clustered,
        nodes=cluster.nodes,
        without_report=cluster.absent,
        hosts=tuple(_host(host) for host in cluster.hosts),
        older_reports=tuple(OlderOutput(*one) for one in cluster.older),
        findings=tuple(_make_found(one) for one in cluster.found),
    )


def _host(host: HostAnswer) -> HostOutput:
    cells = {clause: cell for clause, cell in host.cells().items() if cell.outcome != NOT_APPLICABLE}
    applicable = [one for one in host.outcomes if one.outcome != NOT_APPLICABLE]
    return HostOutput(
        name=host.name,
        target=host.target,
        captured=host.captured,
        sos=host.sos,
        release=ReleaseOutput(host.release, host.release_because),
        cib_of=host.cib_of,
        stands_in=host.stands_in,
        clauses={clause: CellOutput(cell.outcome, cell.evaluated, cell.rules) for clause, cell in cells.items()},  # type: ignore[arg-type]
        verdicts=tuple(VerdictOutput(one.rule, one.code, one.outcome, one.because) for one in applicable),  # type: ignore[arg-type]
        evidence=tuple(EvidenceOutput(kind, path, weaker) for kind, path, weaker in host.evidence),
        missing=tuple(MissingOutput(kind, paths) for kind, paths in host.missing),
        passed_over=tuple(SkippedOutput(path, because) for path, because in host.passed_over),
    )


def _make_found(found: Found) -> FoundOutput:
    return FoundOutput(
        code=found.code,
        rule=found.rule,
        severity=found.severity,  # type: ignore[arg-type]
        clause=found.clause,
        message=found.message,
        subject=found.subject,
        hosts=found.hosts,
        places=tuple(LineOutput(*_line(place)) for place in found.places),
        related=tuple(RelatedLineOutput(*_line(place), message) for place, message in found.related),
        remedy=found.remedy,
        allowed=found.allowed,
        commands=tuple(MendOutput(on, line) for on, line in found.commands),
    )


def _line(place: Place) -> tuple[str, str, int, int, str]:
    return place.host, place.path, place.line, place.column, place.text
