"""The report as JSON; `docs/report.schema.json` is its schema."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from lwlint import __version__
from lwlint.finding import BROKEN, FAIL, NOT_EVALUATED, PASS, SEVERITIES, Finding, Report
from lwlint.report.summary import summary
from lwlint.source import Span


def render(report: Report) -> str:
    """Return the whole report as one JSON document with a final line break."""
    counts = Counter(f.severity for f in report.findings if f.allowed is None)
    return dump(
        {
            "version": __version__,
            "release": {"name": report.release, "because": report.release_because},
            "findings": [_finding(f, report) for f in report.findings],
            "verdicts": [{"rule": v.rule, "code": v.code, "outcome": v.outcome, "because": v.because} for v in report.verdicts],
            "skipped": [{"path": path, "because": because} for path, because in report.skipped],
            "summary": {
                "pass": report.count(PASS),
                "fail": report.count(FAIL),
                "not_evaluated": report.count(NOT_EVALUATED),
                "broken": report.count(BROKEN),
                "allowed": report.allowed,
                "findings": {severity: counts[severity] for severity in reversed(SEVERITIES)},
                "text": summary(report),
            },
        }
    )


def dump(plain: Any) -> str:
    """Return plain values as JSON text; a byte that is no UTF-8 stands as U+FFFD."""
    text = json.dumps(plain, indent=1, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "replace").decode("utf-8")


def place(span: Span, report: Report) -> dict[str, Any]:
    """Return a span as path, line, column, end_line and end_column (from 1, end excluded)."""
    source = report.sources.get(span.path)
    start, end = (source.position(span.start), source.position(span.end)) if source is not None else ((1, 1), (1, 1))
    return {"path": span.path, "line": start[0], "column": start[1], "end_line": end[0], "end_column": end[1]}


def _finding(finding: Finding, report: Report) -> dict[str, Any]:
    return {
        "code": finding.code,
        "rule": finding.rule,
        "severity": finding.severity,
        "clause": finding.clause,
        "message": finding.message,
        **place(finding.span, report),
        "host": finding.host,
        "subject": finding.subject,
        "allowed": finding.allowed,
        "related": [{**place(related.span, report), "message": related.message} for related in finding.related],
        "remedy": finding.remedy,
        "fingerprint": finding.fingerprint,
        "fix": _fix(finding, report),
        "commands": [{"on": on, "line": line} for line, on in finding.commands],
    }


def _fix(finding: Finding, report: Report) -> dict[str, Any] | None:
    if finding.fix is None:
        return None
    from lwlint.report.fixes import certain

    edits = [{**place(edit.span, report), "text": edit.text} for edit in certain(finding, report)]
    return {"description": finding.fix.what, "safe": finding.fix.safe, "edits": edits} if edits else None
