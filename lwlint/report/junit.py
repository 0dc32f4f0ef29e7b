"""The report as JUnit XML: a test case for every finding, and one for every rule without findings.

A finding that fails the run is a failure; one that is allowed, and a rule that was not evaluated, is skipped, with the
reason; a broken rule is an error. The names of test cases hold no line, so that a CI knows them again when lines move.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from lwlint import __version__
from lwlint.finding import BROKEN, NOT_EVALUATED, SEVERITIES, Finding, Report, Verdict
from lwlint.named import NamedTuple
from lwlint.report.places import lines, one_line, ordered, region, said, spot
from lwlint.report.summary import summary
from lwlint.report.xml import HEAD, element
from lwlint.rules import Rule


class _Case(NamedTuple):
    code: str
    outcome: str  # what the case is counted as: failures, errors, skipped, or nothing
    xml: str


def render(report: Report, rules: Sequence[Rule], *, fail_on: str = "warning") -> str:
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
