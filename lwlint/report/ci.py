"""The report for those who review a change, in the forms that services of CI, forges and editors take.

They are SARIF, CSV, annotations of GitHub's, GitLab's code quality, Markdown (for a merge request, an issue, a wiki), Checkstyle's XML,
JUnit's XML, and findings with the edits that fix them: GitHub's suggestions, Gerrit's robot comments. Of these last, what is written is
the body of a request that the user sends (`gh api`, `curl`); lwlint sends nothing. GitHub: "Create a review for a pull request" of its
REST API. Gerrit: `ReviewInput` of "Set Review", with `RobotCommentInput` and `FixSuggestionInfo`.

SARIF is 2.1.0 (OASIS standard, errata 01), as code scanning, editors and security tools read it. No piece of a source is quoted in it:
option files hold passwords, and a SARIF file is made to be sent elsewhere.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import string
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from lwlint import __version__
from lwlint.core.finding import BROKEN, NOT_EVALUATED, SEVERITIES, Finding, Replace, Report, Verdict
from lwlint.core.harmless import cell, count_of, is_harmless, safe, write_references
from lwlint.core.secret import mask_secrets
from lwlint.core.source import Source, Span
from lwlint.inputs import KINDS
from lwlint.policy.redaction import Redaction
from lwlint.policy.rules import Rule, own_folder
from lwlint.report.fixes import LISTED, as_json, certain, encodable, lines, one_line, order, region, say, spot, stream
from lwlint.report.text import summary
from lwlint.run.fix import apply_changes

COLUMNS = (
    *("code", "rule", "severity", "clause", "path", "line", "column", "end_line", "end_column", "host"),
    *("subject", "message", "allowed", "related", "remedy", "fingerprint"),
)
_LONGEST = 30  # lines that one suggestion may take the place of


def render_csv(report: Report, rules: Sequence[Rule]) -> str:
    """Return the findings; a cell that a spreadsheet would run as a formula begins with `'`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for finding in order(report):
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
    return cell(one_line(text))


_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}
_SUMMARY_LIMIT = 1024 * 1024  # bytes that GitHub takes for one step; a longer summary is not shown at all


def render_github(report: Report, rules: Sequence[Rule]) -> str:
    """Return one workflow command for every finding (an allowed one is a notice) and broken rule, then the summary line."""
    return encodable("".join(f"{line}\n" for line in _commands(report)))


def step_summary(report: Report, rules: Sequence[Rule]) -> str:
    """Return the text for the file that `GITHUB_STEP_SUMMARY` names: the report as Markdown, cut to what GitHub takes."""

    text = render_markdown(report, rules)
    if len(text.encode("utf-8")) <= _SUMMARY_LIMIT:
        return text
    end = f"\nCut here, to the size that GitHub takes. In all: {one_line(summary(report))}\n"
    kept = text.encode("utf-8")[: _SUMMARY_LIMIT - len(end.encode("utf-8"))].decode("utf-8", "ignore")
    return kept[: kept.rindex("\n") + 1] + end


def _commands(report: Report) -> Iterator[str]:
    for finding in order(report):
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
    text = "\n".join([say(finding), *related, *lines(finding.remedy)])
    return _command("notice" if finding.allowed is not None else _COMMANDS[finding.severity], where, text)


def _command(name: str, properties: dict[str, object], text: str) -> str:
    listed = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::{name} {listed}::{_data(text)}"


def _data(text: str) -> str:
    """Return `text` as the runner decodes it (actions/runner, `ActionCommand`): `%` first, as the others write one."""
    return "\n".join(map(safe, text.split("\n"))).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


_SEVERITIES = {"error": "major", "warning": "minor", "note": "info"}


def render_gitlab(report: Report, rules: Sequence[Rule]) -> str:
    """Return a JSON array with one issue for every finding.

    GitLab drops an issue whose fingerprint it has seen in the same report, and takes one with a new fingerprint for new:
    so each is the only one of its report, and none changes when lines move.
    """
    seen: Counter[tuple[str, str]] = Counter()
    issues = []
    for finding in order(report):
        same = (finding.span.path, finding.fingerprint)
        seen[same] += 1
        issues.append(_issue(finding, report, "\0".join((*same, str(seen[same])))))
    return as_json(issues)


def _issue(finding: Finding, report: Report, identity: str) -> dict[str, Any]:
    return {
        "type": "issue",
        "check_name": finding.code,
        "description": say(finding),
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


_MARKS = re.compile(r"(?<!\w)@(?=\w)|[\\`*\[\]<>&|~#$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[-+=]|^\d+[.)]")
_PUNCTUATION = frozenset(string.punctuation)


def render_markdown(report: Report, rules: Sequence[Rule]) -> str:
    """Return the summary, the findings by file, the remedies, what is allowed, and what was not evaluated."""
    return encodable("\n".join(_lines(report, rules)) + "\n")


def _lines(report: Report, rules: Sequence[Rule]) -> Iterator[str]:
    found = [finding for finding in order(report) if finding.allowed is None]
    allowed = [finding for finding in order(report) if finding.allowed is not None]
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


_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def element(name: str, attributes: Mapping[str, object], inside: str | Sequence[str] = "") -> str:
    """Return one element: around text, or around elements."""
    head = name + "".join(f' {key}="{_escape(str(value))}"' for key, value in attributes.items())
    if isinstance(inside, str):
        return f"<{head}>{_escape(inside, '&<>' + chr(13))}</{name}>" if inside else f"<{head}/>"
    return f"<{head}>\n" + "".join(f"{item}\n" for item in inside) + f"</{name}>"


def _escape(text: str, these: str = "".join(_REFERENCES)) -> str:
    text = _FORBIDDEN.sub("\ufffd", text)
    return write_references("".join(_REFERENCES[c] if c in these else c for c in text))


_XML_SEVERITIES = {"error": "error", "warning": "warning", "note": "info"}


def render_checkstyle(report: Report, rules: Sequence[Rule]) -> str:
    """Return one `file` element for every path with findings, and an `error` element for every finding."""
    files = [
        element("file", {"name": path}, [_error(finding, report) for finding in findings])
        for path, findings in groupby(order(report), key=lambda finding: finding.span.path)
    ]
    return HEAD + element("checkstyle", {"version": __version__}, files) + "\n"


def _error(finding: Finding, report: Report) -> str:
    place = region(finding.span, report)
    where: dict[str, object] = {"line": 1} if place is None else {"line": place.line, "column": place.column}
    return element(
        "error",
        {
            **where,
            "severity": "info" if finding.allowed is not None else _XML_SEVERITIES[finding.severity],
            "message": say(finding),
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
    for finding in order(report):
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
        return "skipped", element("skipped", {"message": say(finding)})
    if SEVERITIES.index(finding.severity) < SEVERITIES.index(fail_on):
        return "", element("system-out", {}, _explain(finding, report))
    attributes = {"type": finding.severity, "message": say(finding)}
    return "failures", element("failure", attributes, _explain(finding, report))


def _explain(finding: Finding, report: Report) -> str:
    host = f" (on {one_line(finding.host)})" if finding.host else ""
    first = f"{spot(finding.span, report)}{host}: {finding.severity}: {say(finding)}"
    related = [f"{spot(r.span, report)}: {one_line(r.message)}" for r in finding.related]
    return "\n".join([first, *related, *lines(finding.remedy)])


def _verdicts(report: Report, titles: dict[str, str]) -> Iterator[_Case]:
    found = {finding.code for finding in report.findings}
    for verdict in report.verdicts:
        if verdict.code not in found:
            title = one_line(titles.get(verdict.code, verdict.rule))
            attributes = {"classname": f"lwlint.{verdict.rule}", "name": f"{verdict.code} {title}", "time": "0"}
            outcome, inside = _describe_verdict(verdict)
            yield _Case(verdict.code, outcome, element("testcase", attributes, inside))


def _describe_verdict(verdict: Verdict) -> tuple[str, Sequence[str]]:
    if verdict.outcome == BROKEN:
        return "errors", [element("error", {"type": BROKEN, "message": one_line(verdict.because)})]
    if verdict.outcome == NOT_EVALUATED:
        return "skipped", [element("skipped", {"message": f"{NOT_EVALUATED}: {one_line(verdict.because)}"})]
    return "", ""


def render_github_review(report: Report, rules: Sequence[Rule]) -> str:
    """Return GitHub's body of a review: a comment for each finding, with a suggestion where a fix is certain and its lines are together."""
    redaction = Redaction(report.sources)
    comments = []
    for found in order(report):
        if found.allowed is not None or region(found.span, report) is None:
            continue
        place, suggestion = _suggestion(found, report, redaction)
        body = f"**{found.severity} {found.code}** {prose(say(found))}\n\n" + "\n".join(prose(each) for each in found.remedy.splitlines())
        comments.append({"path": found.span.path, **place, "side": "RIGHT", "body": body + suggestion})
    return as_json({"event": "COMMENT", "body": _head(len(comments)), "comments": comments})


def _head(count: int) -> str:
    return f"lwlint: {count_of(count, 'finding')}" if count else "lwlint found nothing"


def _suggestion(found: Finding, report: Report, redaction: Redaction) -> tuple[dict[str, int], str]:
    """Return the lines that a comment stands at, and the suggestion that takes their place; empty where there is none."""
    where = region(found.span, report)
    assert where is not None
    plain = {"line": where.line}
    edits = certain(found, report)
    source = report.sources.get(found.span.path)
    if not edits or source is None or any(edit.span.path != source.path for edit in edits):
        return plain, ""
    first, last, text = _find_replaced_lines(source, edits)
    if last - first >= _LONGEST or not _is_fit(source, first, last, text, redaction):
        return plain, ""
    fence = "```" if "```" not in text else "````"
    place = {"line": last} if first == last else {"start_line": first, "line": last}
    return place, f"\n\n{fence}suggestion\n{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{fence}"


def _find_replaced_lines(source: Source, edits: Sequence[Replace]) -> tuple[int, int, str]:
    """Return the first and last line (from 1) that the edits touch, and the text of these lines when they are made."""
    starts = source.line_starts()
    first = min(source.position(edit.span.start).line for edit in edits)
    last = max(source.position(max(edit.span.end - 1, edit.span.start)).line for edit in edits)
    if starts[last - 1] >= len(source.text) and last > first:  # behind the last line break there is no line to comment on
        last -= 1
    begin = starts[first - 1]
    end = starts[last] if last < len(starts) else len(source.text)
    behind = len(source.text) - end
    after = apply_changes(source.text, tuple(sorted(edits, key=lambda edit: edit.span)))
    return first, last, after[begin : len(after) - behind].replace("\r\n", "\n")


def _is_fit(source: Source, first: int, last: int, text: str, redaction: Redaction) -> bool:
    """Return whether the lines, as they are and as they will be, may be shown: no secret, and nothing that steers."""
    starts = source.line_starts()
    begin, end = starts[first - 1], starts[last] if last < len(starts) else len(source.text)
    return (
        redaction.text(source)[begin:end] == source.text[begin:end]
        and mask_secrets(text) == text
        and all(is_harmless(line) for line in text.split("\n"))
    )


def render_gerrit(report: Report, rules: Sequence[Rule]) -> str:
    """Return the body of a review with a robot comment for each finding, and its fix as a suggestion where one is certain."""
    comments: dict[str, list[dict[str, Any]]] = {}
    run = hashlib.sha256("\0".join(found.fingerprint for found in order(report)).encode()).hexdigest()[:12]
    for found in order(report):
        if found.allowed is not None:
            continue
        place = region(found.span, report)
        comment: dict[str, Any] = {"robot_id": "lwlint", "robot_run_id": run, "path": found.span.path}
        if place is not None:
            comment["line"] = place.end_line
            if (place.line, place.column) != (place.end_line, place.end_column):
                comment["range"] = _range(*place)
        comment["message"] = f"{found.severity} {found.code} {one_line(found.rule)}: {say(found)}\n\n{found.remedy.strip()}"
        replacements = _replacements(found, report)
        if found.fix is not None and replacements:
            comment["fix_suggestions"] = [{"description": one_line(found.fix.what), "replacements": replacements}]
        comments.setdefault(found.span.path, []).append(comment)
    total = sum(map(len, comments.values()))
    return as_json({"message": _head(total), "tag": "autogenerated:lwlint", "robot_comments": comments})


def _range(line: int, column: int, end_line: int, end_column: int) -> dict[str, int]:
    return {"start_line": line, "start_character": column - 1, "end_line": end_line, "end_character": end_column - 1}


def _replacements(found: Finding, report: Report) -> list[dict[str, Any]]:
    """Return the edits of a fix as Gerrit takes them; none where a file of them is new, or shows a secret."""
    made = []
    for edit in certain(found, report):
        source, place = report.sources.get(edit.span.path), region(edit.span, report)
        if source is None or place is None or mask_secrets(edit.text) != edit.text or not is_harmless(edit.text.replace("\n", "")):
            return []
        made.append({"path": edit.span.path, "range": _range(*place), "replacement": edit.text})
    return made


SITE = "https://lwlint.readthedocs.io/en/latest/"  # the documentation, as `site_url` in mkdocs.yml
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_NOTICES = {
    "not-evaluated": ("note", "The rule, or part of it, was not evaluated: what it needs was not given or not readable"),
    "broken": ("error", "The rule is broken, which is a defect of lwlint or of the rule"),
}


def render_sarif(report: Report, rules: Sequence[Rule], *, exit_code: int | None = None) -> str:
    """Return a SARIF log with one run; `exit_code` is that of the process, where it is known.

    A result names its rule by the code; lines and columns count from 1 in characters, end columns are excluded.
    """
    return "".join(sarif_pieces(report, rules, exit_code=exit_code))


def sarif_pieces(report: Report, rules: Sequence[Rule], *, exit_code: int | None = None) -> Iterator[str]:
    """Yield the log result by result."""
    ranked = sorted(rules, key=lambda rule: rule.code)
    index = {rule.code: i for i, rule in enumerate(ranked)}
    sources = [report.sources[path] for path in sorted(report.sources)]
    files = {source.path: i for i, source in enumerate(sources)}
    run = {
        "tool": {"driver": _driver(ranked)},
        "invocations": [_invocation(report, index, exit_code)],
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder in which lwlint ran"}}},
        "artifacts": [_artifact(source) for source in sources],
        "results": LISTED,
        "properties": {
            "summary": summary(report),
            "release": report.release or "",
            "releaseBecause": report.release_because,
            "skipped": len(report.skipped),
        },
    }
    results = (_result(finding, report, index, files) for finding in order(report))
    return stream({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, results)


def _driver(rules: Sequence[Rule]) -> dict[str, Any]:
    own = {path.stem for path in Path(str(own_folder())).rglob("*.yaml")}
    return {
        "name": "lwlint",
        "semanticVersion": __version__,
        "version": __version__,
        "rules": [_rule(rule, own) for rule in rules],
        "notifications": [
            {"id": name, "shortDescription": {"text": text}, "defaultConfiguration": {"level": level}}
            for name, (level, text) in _NOTICES.items()
        ],
    }


def _rule(rule: Rule, own: Collection[str]) -> dict[str, Any]:
    why, remedy = rule.why.strip(), rule.remedy.strip()
    return {
        "id": rule.code,
        "name": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": why},
        **({"helpUri": f"{SITE}rules/{rule.id}/"} if rule.id in own else {}),
        "help": {
            "text": f"{why}\n\nRemedy: {remedy}\n\nClause: {rule.clause}",
            "markdown": f"{why}\n\n**Remedy.** {remedy}\n\nClause `{rule.clause}`",
        },
        "defaultConfiguration": {"level": rule.severity},
        "properties": {
            "tags": [rule.clause],
            "problem.severity": "recommendation" if rule.severity == "note" else rule.severity,
        },
    }


def _invocation(report: Report, index: Mapping[str, int], exit_code: int | None) -> dict[str, Any]:
    notices = sorted(_notices(report), key=lambda notice: notice[0].code)
    return {
        "executionSuccessful": not report.count(BROKEN),
        **({} if exit_code is None else {"exitCode": exit_code}),
        "toolExecutionNotifications": [
            {
                "descriptor": {"id": name, "index": list(_NOTICES).index(name)},
                "associatedRule": {"id": verdict.code, **_index(index, verdict.code)},
                "level": _NOTICES[name][0],
                "message": {"text": f"{verdict.rule}: {verdict.because}"},
            }
            for verdict, name in notices
        ],
    }


def _notices(report: Report) -> Iterator[tuple[Verdict, str]]:
    for verdict in report.verdicts:
        if verdict.outcome == BROKEN:
            yield verdict, "broken"
        elif verdict.outcome == NOT_EVALUATED or verdict.because:
            yield verdict, "not-evaluated"


def _artifact(source: Source) -> dict[str, Any]:
    kind = KINDS.get(source.kind)
    return {
        "location": _uri(source.path),
        **({"roles": ["analysisTarget"]} if source.judged else {}),
        **({"sourceLanguage": kind.language} if kind is not None and kind.language else {}),
        **({"properties": {"host": source.host}} if source.host else {}),
    }


def _result(finding: Finding, report: Report, index: Mapping[str, int], files: Mapping[str, int]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        **{"ruleIndex" if key == "index" else key: i for key, i in _index(index, finding.code).items()},
        "level": finding.severity,
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": _physical(finding.span, report, files), **_logical(finding)}],
        "partialFingerprints": {"lwlint/v1": finding.fingerprint},
        "suppressions": [],
        "properties": {"clause": finding.clause, "remedy": finding.remedy, "subject": finding.subject, "host": finding.host},
    }
    if finding.related:
        result["relatedLocations"] = [
            {"id": i, "message": {"text": related.message}, "physicalLocation": _physical(related.span, report, files)}
            for i, related in enumerate(finding.related, 1)
        ]
    if finding.allowed is not None:
        kind = "external" if finding.elsewhere else "inSource"
        result["suppressions"] = [{"kind": kind, "status": "accepted", "justification": finding.allowed}]
    fix = _fix(finding, report, files) if finding.fix is not None else None
    return result if fix is None else {**result, "fixes": [fix]}


def _fix(finding: Finding, report: Report, files: Mapping[str, int]) -> dict[str, Any] | None:
    """Return the fix of a finding; None for one that makes a new file, which SARIF has no words for."""
    changes: dict[str, list[dict[str, Any]]] = {}
    for edit in certain(finding, report):
        physical = _physical(edit.span, report, files)
        if "region" not in physical:
            return None
        replacement = {"deletedRegion": physical["region"], "insertedContent": {"text": edit.text}}
        changes.setdefault(edit.span.path, []).append(replacement)
    if finding.fix is None or not changes:
        return None
    text = finding.fix.what + ("" if finding.fix.safe else " (unsafe)")
    places = {path: _physical(Span(path, 0, 0), report, files)["artifactLocation"] for path in changes}
    located = [{"artifactLocation": places[path], "replacements": found} for path, found in changes.items()]
    return {"description": {"text": text}, "artifactChanges": located}


def _index(index: Mapping[str, int], code: str) -> dict[str, int]:
    return {"index": index[code]} if code in index else {}


def _physical(span: Span, report: Report, files: Mapping[str, int]) -> dict[str, Any]:
    place = region(span, report)
    location = {**_uri(span.path), **_index(files, span.path)}
    if place is None:
        return {"artifactLocation": location}
    keys = ("startLine", "startColumn", "endLine", "endColumn")
    return {"artifactLocation": location, "region": dict(zip(keys, place))}


def _logical(finding: Finding) -> dict[str, Any]:
    if not finding.subject:
        return {}
    full = f"{finding.host}/{finding.subject}" if finding.host else finding.subject
    return {"logicalLocations": [{"name": finding.subject, "fullyQualifiedName": full}]}


def _uri(path: str) -> dict[str, str]:
    """Return the path as a URI reference; bytes of its name that are not UTF-8 are kept as they are on disk."""
    try:
        name = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        name = encodable(path).encode("utf-8")
    return {"uri": quote(name)} if path.startswith("/") else {"uri": quote(name), "uriBaseId": _ROOT}
