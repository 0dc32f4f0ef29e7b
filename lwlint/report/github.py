"""The report for GitHub Actions: annotations (workflow commands on standard output), and a step summary.

GitHub shows the first ten errors, warnings and notices of a step each; the step summary holds them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lwlint.finding import BROKEN, Finding, Report
from lwlint.report.places import encodable, lines, one_line, ordered, region, said, spot
from lwlint.report.summary import summary
from lwlint.report.text import safe
from lwlint.rules import Rule

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}
_SUMMARY_LIMIT = 1024 * 1024  # bytes that GitHub takes for one step; a longer summary is not shown at all


def render(report: Report, rules: Sequence[Rule]) -> str:
    """Return one workflow command for every finding (an allowed one is a notice) and broken rule, then the summary line."""
    return encodable("".join(f"{line}\n" for line in _commands(report)))


def step_summary(report: Report, rules: Sequence[Rule]) -> str:
    """Return the text for the file that `GITHUB_STEP_SUMMARY` names: the report as Markdown, cut to what GitHub takes."""
    from lwlint.report.markdown import render as markdown

    text = markdown(report, rules)
    if len(text.encode("utf-8")) <= _SUMMARY_LIMIT:
        return text
    end = f"\nCut here, to the size that GitHub takes. In all: {one_line(summary(report))}\n"
    kept = text.encode("utf-8")[: _SUMMARY_LIMIT - len(end.encode("utf-8"))].decode("utf-8", "ignore")
    return kept[: kept.rindex("\n") + 1] + end


def _commands(report: Report) -> Iterator[str]:
    for finding in ordered(report):
        yield _annotation(finding, report)
    for verdict in sorted(report.verdicts, key=lambda v: v.code):
        if verdict.outcome == BROKEN:
            yield _command("error", {"title": f"{verdict.code} {verdict.rule}"}, f"broken: {one_line(verdict.because)}")
    yield _command("notice", {"title": "lwlint"}, one_line(summary(report)))


def _annotation(finding: Finding, report: Report) -> str:
    place = region(finding.span, report)
    where: dict[str, object] = {"file": "\n".join(map(safe, finding.span.path.split("\n")))}
    if place is not None:
        where.update(line=place.line, endLine=place.end_line)
        if place.line == place.end_line:  # GitHub takes columns only within one line
            where.update(col=place.column, endColumn=place.end_column)
    host = f" ({finding.host})" if finding.host else ""
    where["title"] = f"{finding.code} {finding.rule}{host}"
    related = [f"{spot(r.span, report)}: {one_line(r.message)}" for r in finding.related]
    text = "\n".join([said(finding), *related, *lines(finding.remedy)])
    return _command("notice" if finding.allowed is not None else _COMMANDS[finding.severity], where, text)


def _command(name: str, properties: dict[str, object], text: str) -> str:
    listed = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::{name} {listed}::{_data(text)}"


def _data(text: str) -> str:
    """Return `text` as the runner decodes it (actions/runner, `ActionCommand`): `%` first, as the others write one."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
