"""An audit as JSON, and what is new and what is gone since an earlier one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, Optional, Union

from msgspec import Meta, field

from lwlint import __version__
from lwlint.audit.answer import NOT_APPLICABLE, Audit, ClusterAnswer, Found, HostAnswer, Place
from lwlint.core.finding import FAIL, NOT_EVALUATED, PASS
from lwlint.core.harmless import line as harmless
from lwlint.policy.rules import Clause
from lwlint.policy.settings import Severity
from lwlint.report.audit import Count, open_findings, summary
from lwlint.report.json import Judged, Output, ReleaseOutput, SkippedOutput, VerdictOutput, written


def compared(audit: Audit, old: AuditOutput) -> Iterator[str]:
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
        yield f"{_shown(*key)}: {len(new)} new, {len(gone)} gone, {len(now) - len(new)} the same"
        yield from (f"  new: {one.severity} {one.code} {one.places[0].shown}: {one.message}" for one in new)
        yield from (f"  gone: {one.severity} {one.code} {one.message}" for one in gone)
    for key in dict.fromkeys((each.name, each.clustered) for each in old.clusters):
        if key not in keys:
            yield f"{_shown(*key)}: is not among what was given this time"


def _shown(name: str, clustered: bool) -> str:
    return name or ("(without a name)" if clustered else "hosts of no cluster")


def _identity(one: Union[Found, FoundOutput]) -> tuple[str, str, str, tuple[str, ...]]:
    """Return what a finding is known by at another time: its rule, subject, what is said, and the hosts."""
    return one.code, one.subject, one.message, tuple(sorted(one.hosts))


def render_compared(audit: Audit, old: AuditOutput) -> str:
    """Return the lines of `compared` with a final line break each."""
    return "".join(harmless(line.rstrip()) + "\n" for line in compared(audit, old))


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
    return written(
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
        findings=tuple(_found(one) for one in cluster.found),
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


def _found(found: Found) -> FoundOutput:
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
