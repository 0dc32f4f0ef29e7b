"""What `lwlint fix` did or would do, in lines and as a unified diff; and where the fix of a finding comes to stand."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from typing import TYPE_CHECKING

from lwlint.edits import NoPlace, edits
from lwlint.finding import Finding, Replace, Report
from lwlint.report.places import encodable, one_line, spot
from lwlint.source import Source

if TYPE_CHECKING:
    from lwlint.fix import Outcome

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def told(outcome: Outcome, *, done: bool) -> str:
    """Return what was fixed (or would be, if not `done`), what was not and why, and one line for it all."""
    lines = []
    for fixed in outcome.fixed:
        found = fixed.finding
        assert found.fix is not None
        lines.append(f"{one_line(found.span.path)}:{fixed.position.line}:{fixed.position.column} {found.code} {one_line(found.fix.what)}")
    for found, because in outcome.left:
        lines.append(f"{spot(found.span, outcome.report)} {found.code} not fixed: {one_line(because)}")
    lines.append(_summary(outcome, done))
    return encodable("".join(f"{line}\n" for line in lines))


def _summary(outcome: Outcome, done: bool) -> str:
    remaining = Counter(f.severity for f in outcome.report.findings if f.allowed is None)
    parts = [f"{len(outcome.fixed)} fixed in {len(outcome.files)} files" if done else f"{len(outcome.fixed)} would be fixed"]
    parts.append(f"{sum(remaining.values())} left")
    if outcome.unsafe:
        parts.append(f"{len(outcome.unsafe)} of them fixed by `--unsafe`")
    if outcome.left:
        parts.append(f"{len(outcome.left)} not fixable here")
    return ", ".join(parts)


def diff(outcome: Outcome) -> str:
    """Return the changes as a unified diff that `patch -p1` and `git apply` take."""
    pieces: list[str] = []
    for path, (before, after) in outcome.files.items():
        old = [] if before is None else _lines(before)
        new = _lines(after)
        name = one_line(path)
        pieces += difflib.unified_diff(old, new, "/dev/null" if before is None else f"a/{name}", f"b/{name}")
    return "".join(piece if piece.endswith("\n") else f"{piece}\n\\ No newline at end of file\n" for piece in pieces)


def _lines(data: bytes) -> list[str]:
    return _LINE.findall(data.decode("utf-8", "replace"))


def certain(finding: Finding, report: Report) -> tuple[Replace, ...]:
    """Return the edits of a finding's fix; none if it has no fix, is allowed, or its file does not have the place for one."""
    if finding.fix is None or finding.allowed is not None:
        return ()
    try:
        found = edits(finding.fix, report.sources)
    except NoPlace:
        return ()
    return found if all(_is_judged(report.sources.get(edit.span.path)) for edit in found) else ()


def _is_judged(source: Source | None) -> bool:
    return source is None or source.judged
