"""Findings with the edits that fix them, for those who review a change: GitHub's suggestions, Gerrit's robot comments.

What is written is the body of a request that the user sends (`gh api`, `curl`); lwlint sends nothing.
GitHub: "Create a review for a pull request" of its REST API. Gerrit: `ReviewInput` of "Set Review", with
`RobotCommentInput` and `FixSuggestionInfo`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from lwlint.core.finding import Finding, Replace, Report
from lwlint.core.harmless import counted, is_harmless
from lwlint.core.secret import masked
from lwlint.core.source import Source
from lwlint.policy.redaction import Redaction
from lwlint.policy.rules import Rule
from lwlint.report.ci import prose
from lwlint.report.fixes import as_json, certain, one_line, ordered, region, said
from lwlint.run.edits import applied

_LONGEST = 30  # lines that one suggestion may take the place of


def render_github(report: Report, rules: Sequence[Rule]) -> str:
    """Return the body of a review: a comment for each finding, with a suggestion where a fix is certain and its lines are together."""
    redaction = Redaction(report.sources)
    comments = []
    for found in ordered(report):
        if found.allowed is not None or region(found.span, report) is None:
            continue
        place, suggestion = _suggestion(found, report, redaction)
        body = f"**{found.severity} {found.code}** {prose(said(found))}\n\n" + "\n".join(prose(each) for each in found.remedy.splitlines())
        comments.append({"path": found.span.path, **place, "side": "RIGHT", "body": body + suggestion})
    return as_json({"event": "COMMENT", "body": _head(len(comments)), "comments": comments})


def _head(count: int) -> str:
    return f"lwlint: {counted(count, 'finding')}" if count else "lwlint found nothing"


def _suggestion(found: Finding, report: Report, redaction: Redaction) -> tuple[dict[str, int], str]:
    """Return the lines that a comment stands at, and the suggestion that takes their place; empty where there is none."""
    where = region(found.span, report)
    assert where is not None
    plain = {"line": where.line}
    edits = certain(found, report)
    source = report.sources.get(found.span.path)
    if not edits or source is None or any(edit.span.path != source.path for edit in edits):
        return plain, ""
    first, last, text = _lines(source, edits)
    if last - first >= _LONGEST or not _is_fit(source, first, last, text, redaction):
        return plain, ""
    fence = "```" if "```" not in text else "````"
    place = {"line": last} if first == last else {"start_line": first, "line": last}
    return place, f"\n\n{fence}suggestion\n{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{fence}"


def _lines(source: Source, edits: Sequence[Replace]) -> tuple[int, int, str]:
    """Return the first and last line (from 1) that the edits touch, and the text of these lines when they are made."""
    starts = source.line_starts()
    first = min(source.position(edit.span.start).line for edit in edits)
    last = max(source.position(max(edit.span.end - 1, edit.span.start)).line for edit in edits)
    if starts[last - 1] >= len(source.text) and last > first:  # behind the last line break there is no line to comment on
        last -= 1
    begin = starts[first - 1]
    end = starts[last] if last < len(starts) else len(source.text)
    behind = len(source.text) - end
    after = applied(source.text, tuple(sorted(edits, key=lambda edit: edit.span)))
    return first, last, after[begin : len(after) - behind].replace("\r\n", "\n")


def _is_fit(source: Source, first: int, last: int, text: str, redaction: Redaction) -> bool:
    """Return whether the lines, as they are and as they will be, may be shown: no secret, and nothing that steers."""
    starts = source.line_starts()
    begin, end = starts[first - 1], starts[last] if last < len(starts) else len(source.text)
    return (
        redaction.text(source)[begin:end] == source.text[begin:end]
        and masked(text) == text
        and all(is_harmless(line) for line in text.split("\n"))
    )


def render_gerrit(report: Report, rules: Sequence[Rule]) -> str:
    """Return the body of a review with a robot comment for each finding, and its fix as a suggestion where one is certain."""
    comments: dict[str, list[dict[str, Any]]] = {}
    run = hashlib.sha256("\0".join(found.fingerprint for found in ordered(report)).encode()).hexdigest()[:12]
    for found in ordered(report):
        if found.allowed is not None:
            continue
        place = region(found.span, report)
        comment: dict[str, Any] = {"robot_id": "lwlint", "robot_run_id": run, "path": found.span.path}
        if place is not None:
            comment["line"] = place.end_line
            if (place.line, place.column) != (place.end_line, place.end_column):
                comment["range"] = _range(*place)
        comment["message"] = f"{found.severity} {found.code} {one_line(found.rule)}: {said(found)}\n\n{found.remedy.strip()}"
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
        if source is None or place is None or masked(edit.text) != edit.text or not is_harmless(edit.text.replace("\n", "")):
            return []
        made.append({"path": edit.span.path, "range": _range(*place), "replacement": edit.text})
    return made
