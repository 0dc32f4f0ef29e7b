"""The report as JUnit XML: a test case for every finding, and one for every rule without findings.

A finding that fails the run is a failure; one that is allowed, and a rule that was not evaluated, is skipped, with the
reason; a broken rule is an error. The names of test cases hold no line, so that a CI knows them again when lines move.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from lwlint import __version__
from lwlint.core.finding import BROKEN, NOT_EVALUATED, SEVERITIES, Finding, Report, Verdict
from lwlint.core.harmless import referenced
from lwlint.policy.rules import Rule
from lwlint.report.fixes import lines, one_line, ordered, region, said, spot
from lwlint.report.text import summary

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def element(name: str, attributes: Mapping[str, object], inside: str | Sequence[str] = "") -> str:
    """Return one element: around text, or around elements."""
    head = name + "".join(f' {key}="{_escaped(str(value))}"' for key, value in attributes.items())
    if isinstance(inside, str):
        return f"<{head}>{_escaped(inside, '&<>' + chr(13))}</{name}>" if inside else f"<{head}/>"
    return f"<{head}>\n" + "".join(f"{item}\n" for item in inside) + f"</{name}>"


def _escaped(text: str, these: str = "".join(_REFERENCES)) -> str:
    text = _FORBIDDEN.sub("\ufffd", text)
    return referenced("".join(_REFERENCES[c] if c in these else c for c in text))


_SEVERITIES = {"error": "error", "warning": "warning", "note": "info"}


def render_checkstyle(report: Report, rules: Sequence[Rule]) -> str:
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


class _Case(NamedTuple):
    code: str
    outcome: str  # what the case is counted as: failures, errors, skipped, or nothing
    xml: str


def render_junit(report: Report, rules: Sequence[Rule], *, fail_on: str = "warning") -> str:
    """Return one test suite; a finding below the severity `fail_on` is a case that passes, its message in `system-out`."""
    titles = {rule.code: rule.title for rule in rules}
    cases = sorted([*_findings(report, fail_on), *_verdicts(report, titles)], key=lambda case: case.code)
    outcomes = Counter(case.outcome for case in cases)
    counts: dict[str, object] = {"name": "lwlint", "tests": len(cases)}
    counts.update({key: outcomes[key] for key in ("failures", "errors", "skipped")})
    properties = {"version": __version__, "release": report.release or "", "summary": summary(report)}
    listed = [element("property", {"name": key, "value": value}) for key, value in properties.items()]
    suite = element("testsuite", {**counts, "time": "0"}, [element("properties", {}, listed), *(case.xml for case in cases)])
    return HEAD + element("testsuites", {**counts, "time": "0"}, [suite]) + "\n"


def _findings(report: Report, fail_on: str) -> Iterator[_Case]:
    seen: Counter[str] = Counter()
    for finding in ordered(report):
        name = f"{finding.code} {one_line(finding.span.path)}: {one_line(finding.subject or finding.message)}"
        seen[name] += 1
        if seen[name] > 1:
            name += f" ({seen[name]})"
        place = region(finding.span, report)
        attributes: dict[str, object] = {"classname": f"lwlint.{finding.rule}", "name": name, "file": finding.span.path}
        if place is not None:
            attributes["line"] = place.line
        outcome, inside = _outcome(finding, report, fail_on)
        yield _Case(finding.code, outcome, element("testcase", {**attributes, "time": "0"}, [inside]))


def _outcome(finding: Finding, report: Report, fail_on: str) -> tuple[str, str]:
    if finding.allowed is not None:
        return "skipped", element("skipped", {"message": said(finding)})
    if SEVERITIES.index(finding.severity) < SEVERITIES.index(fail_on):
        return "", element("system-out", {}, _explained(finding, report))
    attributes = {"type": finding.severity, "message": said(finding)}
    return "failures", element("failure", attributes, _explained(finding, report))


def _explained(finding: Finding, report: Report) -> str:
    host = f" (on {one_line(finding.host)})" if finding.host else ""
    first = f"{spot(finding.span, report)}{host}: {finding.severity}: {said(finding)}"
    related = [f"{spot(r.span, report)}: {one_line(r.message)}" for r in finding.related]
    return "\n".join([first, *related, *lines(finding.remedy)])


def _verdicts(report: Report, titles: dict[str, str]) -> Iterator[_Case]:
    found = {finding.code for finding in report.findings}
    for verdict in report.verdicts:
        if verdict.code not in found:
            title = one_line(titles.get(verdict.code, verdict.rule))
            attributes = {"classname": f"lwlint.{verdict.rule}", "name": f"{verdict.code} {title}", "time": "0"}
            outcome, inside = _judged(verdict)
            yield _Case(verdict.code, outcome, element("testcase", attributes, inside))


def _judged(verdict: Verdict) -> tuple[str, Sequence[str]]:
    if verdict.outcome == BROKEN:
        return "errors", [element("error", {"type": BROKEN, "message": one_line(verdict.because)})]
    if verdict.outcome == NOT_EVALUATED:
        return "skipped", [element("skipped", {"message": f"{NOT_EVALUATED}: {one_line(verdict.because)}"})]
    return "", ""
