"""The report as Checkstyle XML, as Jenkins, reviewdog, diff-quality and many others read it.

Checkstyle knows no suppressed finding: an allowed one is an `info` that gives the reason. Its readers want a line: a
finding without one stands on the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from lwlint import __version__
from lwlint.finding import Finding, Report
from lwlint.report.places import ordered, region, said
from lwlint.report.xml import HEAD, element
from lwlint.rules import Rule

_SEVERITIES = {"error": "error", "warning": "warning", "note": "info"}


def render(report: Report, rules: Sequence[Rule]) -> str:
    """Return one `file` element for every path with findings, and an `error` element for every finding."""
    files = [
        element("file", {"name": path}, [_error(finding, report) for finding in findings])
        for path, findings in groupby(ordered(report), key=lambda finding: finding.span.path)
    ]
    return HEAD + element("checkstyle", {"version": __version__}, files) + "\n"


def _error(finding: Finding, report: Report) -> str:
    place = region(finding.span, report)
    where: dict[str, object] = {"line": 1} if place is None else {"line": place.line, "column": place.column}
    return element(
        "error",
        {
            **where,
            "severity": "info" if finding.allowed is not None else _SEVERITIES[finding.severity],
            "message": said(finding),
            "source": f"lwlint.{finding.code}",
        },
    )
