"""The report as GitLab's Code Quality report (a subset of Code Climate's issues).

GitLab knows no suppressed finding: an allowed one is an `info` that gives the reason. It wants a line: a finding without
one stands on the first. A rule that was not evaluated has no place in a file, and so none in this format.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from lwlint.finding import Finding, Report
from lwlint.report.places import as_json, ordered, region, said
from lwlint.rules import Rule
from lwlint.source import Span

_SEVERITIES = {"error": "major", "warning": "minor", "note": "info"}


def render(report: Report, rules: Sequence[Rule]) -> str:
    """Return a JSON array with one issue for every finding.

    GitLab drops an issue whose fingerprint it has seen in the same report, and takes one with a new fingerprint for new:
    so each is the only one of its report, and none changes when lines move.
    """
    seen: Counter[tuple[str, str]] = Counter()
    issues = []
    for finding in ordered(report):
        same = (finding.span.path, finding.fingerprint)
        seen[same] += 1
        issues.append(_issue(finding, report, "\0".join((*same, str(seen[same])))))
    return as_json(issues)


def _issue(finding: Finding, report: Report, identity: str) -> dict[str, Any]:
    return {
        "type": "issue",
        "check_name": finding.code,
        "description": said(finding),
        "content": {"body": finding.remedy},
        "categories": ["Bug Risk"],
        "severity": "info" if finding.allowed is not None else _SEVERITIES[finding.severity],
        "fingerprint": hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:40],
        "location": _location(finding.span, report),
        "other_locations": [_location(related.span, report) for related in finding.related],
    }


def _location(span: Span, report: Report) -> dict[str, Any]:
    place = region(span, report)
    lines = {"begin": 1, "end": 1} if place is None else {"begin": place.line, "end": place.end_line}
    return {"path": span.path, "lines": lines}
