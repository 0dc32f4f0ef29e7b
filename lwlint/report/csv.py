"""The report as CSV (RFC 4180, but lines end with a line feed): a header, then one line for every finding."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from lwlint.finding import Finding, Report
from lwlint.report.places import encodable, one_line, ordered, region, spot
from lwlint.rules import Rule

COLUMNS = (
    *("code", "rule", "severity", "clause", "path", "line", "column", "end_line", "end_column", "host"),
    *("subject", "message", "allowed", "related", "remedy", "fingerprint"),
)
_FORMULA = ("=", "+", "-", "@")


def render(report: Report, rules: Sequence[Rule]) -> str:
    """Return the findings; a cell that a spreadsheet would run as a formula begins with `'`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for finding in ordered(report):
        writer.writerow(_row(finding, report))
    return encodable(out.getvalue())


def _row(finding: Finding, report: Report) -> Iterator[str]:
    place = region(finding.span, report)
    related = "; ".join(f"{spot(r.span, report)} {one_line(r.message)}" for r in finding.related)
    yield from map(_cell, (finding.code, finding.rule, finding.severity, finding.clause, finding.span.path))
    yield from ("", "", "", "") if place is None else map(str, place)
    yield from map(_cell, (finding.host, finding.subject, finding.message, finding.allowed or "", related, finding.remedy))
    yield finding.fingerprint


def _cell(text: str) -> str:
    text = one_line(text)
    return f"'{text}" if text.startswith(_FORMULA) else text
