"""The report as Markdown (GitHub's and GitLab's tables): for a merge request, an issue, a wiki."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence

from lwlint.finding import BROKEN, NOT_EVALUATED, Finding, Report
from lwlint.report.places import encodable, one_line, ordered, region, spot
from lwlint.report.summary import summary
from lwlint.rules import Rule

_MARKS = re.compile(r"[\\`*\[\]<>&|~#$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[-+=]|^\d+[.)]")
_PUNCTUATION = frozenset(string.punctuation)


def render(report: Report, rules: Sequence[Rule]) -> str:
    """Return the summary, the findings by file, the remedies, what is allowed, and what was not evaluated."""
    return encodable("\n".join(_lines(report, rules)) + "\n")


def _lines(report: Report, rules: Sequence[Rule]) -> Iterator[str]:
    found = [finding for finding in ordered(report) if finding.allowed is None]
    allowed = [finding for finding in ordered(report) if finding.allowed is not None]
    yield from ("# lwlint", "", prose(summary(report)))
    if report.release:
        because = f" ({prose(report.release_because)})" if report.release_because else ""
        yield from ("", f"Release: {prose(report.release)}{because}")
    if found:
        yield from ("", "## Findings", "", *_table(found, report))
        yield from ("", "## What to do", "", *_remedies(found, rules))
    if allowed:
        yield from ("", "## Allowed", "", *_table(allowed, report))
    for outcome, title in ((BROKEN, "Broken"), (NOT_EVALUATED, "Not evaluated")):
        verdicts = sorted((v for v in report.verdicts if v.outcome == outcome), key=lambda v: v.code)
        if verdicts:
            yield from ("", f"## {title}", "", *(f"- {v.code} {code(v.rule)}: {prose(v.because)}" for v in verdicts))


def _table(findings: Sequence[Finding], report: Report) -> Iterator[str]:
    hosts = any(finding.host for finding in findings)
    reasons = any(finding.allowed is not None for finding in findings)
    head = ["Place", *(["Host"] if hosts else []), "Severity", "Rule", "Message", *(["Because"] if reasons else [])]
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for finding in findings:
        place = region(finding.span, report)
        where = code(finding.span.path) + (f" {place.line}:{place.column}" if place is not None else "")
        related = "".join(f"<br>{code(spot(r.span, report))} {prose(r.message)}" for r in finding.related)
        cells = [where, *([prose(finding.host)] if hosts else []), finding.severity, f"{finding.code} {code(finding.rule)}"]
        cells += [prose(finding.message) + related, *([prose(finding.allowed or "")] if reasons else [])]
        yield f"| {' | '.join(cells)} |"


def _remedies(findings: Sequence[Finding], rules: Sequence[Rule]) -> Iterator[str]:
    titles = {rule.code: rule.title for rule in rules}
    told = dict.fromkeys((finding.code, finding.rule, finding.remedy) for finding in findings)
    for rule_code, rule, remedy in sorted(told):
        title = f" ({prose(titles[rule_code])})" if rule_code in titles else ""
        yield f"- {rule_code} {code(rule)}{title}: " + "<br>".join(prose(line) for line in remedy.strip().splitlines())


def prose(text: str) -> str:
    """Return a message, with its `quoted` parts as code and everything else as it stands."""
    parts = one_line(text).split("`")
    if len(parts) % 2 == 0:  # a backtick is left over: none of them is a quote
        parts = ["`".join(parts)]
    return "".join(code(part) if i % 2 else _plain(part) for i, part in enumerate(parts))


def code(text: str) -> str:
    """Return `text` as code that a table cell can hold."""
    text = one_line(text)
    if not text:
        return "&#96;&#96;"
    if "`" in text or "|" in text or text != text.strip():
        return f"<code>{''.join(f'&#{ord(c)};' if c in _PUNCTUATION or c == ' ' else c for c in text)}</code>"
    return f"`{text}`"


def _plain(text: str) -> str:
    return _MARKS.sub(lambda match: "".join(f"&#{ord(c)};" if c in _PUNCTUATION else c for c in match.group()), text)
