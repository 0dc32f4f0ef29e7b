"""An audit as JSON; `docs/audit.schema.json` is its schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lwlint import __version__
from lwlint.audit.answer import NOT_APPLICABLE, Audit, ClusterAnswer, Found, HostAnswer, Place
from lwlint.finding import FAIL, NOT_EVALUATED, PASS
from lwlint.report.audit_text import summary
from lwlint.report.json import dump
from lwlint.rules import Clause


def render(audit: Audit, clauses: Sequence[Clause]) -> str:
    """Return the whole answer as one JSON document with a final line break."""
    return dump(
        {
            "version": __version__,
            "targets": [
                {"path": t.path, "kind": t.kind, "reports": t.hosts, "troubles": list(t.troubles)} for t in audit.targets
            ],
            "clauses": [{"id": clause.id, "title": clause.title} for clause in clauses],
            "clusters": [_cluster(cluster) for cluster in audit.clusters],
            "summary": {
                "pass": audit.count(PASS),
                "fail": audit.count(FAIL),
                "not_evaluated": audit.count(NOT_EVALUATED),
                "text": summary(audit),
            },
        }
    )  # fmt: skip


def _cluster(cluster: ClusterAnswer) -> dict[str, Any]:
    return {
        "name": cluster.name,
        "clustered": cluster.clustered,
        "nodes": list(cluster.nodes),
        "without_report": list(cluster.absent),
        "hosts": [_host(host) for host in cluster.hosts],
        "older_reports": [
            {"host": name, "target": target, "captured": captured, "counting": counting}
            for name, target, captured, counting in cluster.older
        ],
        "findings": [_found(one) for one in cluster.found],
    }


def _host(host: HostAnswer) -> dict[str, Any]:
    return {
        "name": host.name,
        "target": host.target,
        "captured": host.captured,
        "sos": host.sos,
        "release": {"name": host.release, "because": host.release_because},
        "cib_of": host.cib_of,
        "stands_in": host.stands_in,
        "clauses": {
            clause: {"outcome": cell.outcome, "evaluated": cell.evaluated, "rules": cell.rules}
            for clause, cell in host.cells().items()
            if cell.outcome != NOT_APPLICABLE
        },
        "verdicts": [
            {"rule": one.rule, "code": one.code, "outcome": one.outcome, "because": one.because}
            for one in host.outcomes
            if one.outcome != NOT_APPLICABLE
        ],
        "evidence": [{"kind": kind, "path": path, "weaker": weaker} for kind, path, weaker in host.evidence],
        "missing": [{"kind": kind, "looked_for": list(paths)} for kind, paths in host.missing],
        "passed_over": [{"path": path, "because": because} for path, because in host.passed_over],
    }


def _found(found: Found) -> dict[str, Any]:
    return {
        "code": found.code,
        "rule": found.rule,
        "severity": found.severity,
        "clause": found.clause,
        "message": found.message,
        "subject": found.subject,
        "hosts": list(found.hosts),
        "places": [_place(place) for place in found.places],
        "related": [{**_place(place), "message": message} for place, message in found.related],
        "remedy": found.remedy,
        "allowed": found.allowed,
        "commands": [{"on": on, "line": line} for on, line in found.commands],
    }


def _place(place: Place) -> dict[str, Any]:
    return {"host": place.host, "path": place.path, "line": place.line, "column": place.column, "text": place.text}
