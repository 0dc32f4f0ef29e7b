"""What a change brought: the findings of the files as they are, less those that were there before it.

Both states are judged whole, since what one file says may be wrong because of any other; so this cannot differ from two runs.
What can be said of a file by itself is shared: a file that the change left alone is read once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from lwlint.core.finding import BROKEN, ConfigurationError, Finding, Report
from lwlint.core.lazy import pattern
from lwlint.core.source import Source
from lwlint.files import git
from lwlint.files.discover import normal
from lwlint.policy.rules import Rule
from lwlint.run import Request, check, outlines_of, settled

_LINE_BREAK = pattern(r"\r\n|\n|\r")
Identity = tuple[str, str, str, str, bool, int, int]


def check_changed(request: Request, rules: Sequence[Rule], change: git.Change) -> Report:
    """Return the report on the state after the `change`, with those findings only that the state before it did not have.

    A finding is an old one if its code, message, host and file are those of one before, it was allowed if it is now, and its line
    is that line, which the change left alone. Raises ConfigurationError for standard input, which has no state before.
    """
    if request.text is not None:
        raise ConfigurationError("`-`: standard input was not there before any change")
    before, after = git.trees(request.tree, change)
    request = replace(request, outlines=outlines_of(request))
    report = check(replace(request, tree=after), rules)
    if not report.findings:
        return report
    earlier = replace(
        request,
        tree=before,
        paths=tuple(path for path in request.paths if before.kind(normal(path)) is not None),
        environments=tuple(path for path in request.environments if before.kind(normal(path)) is not None),
    )
    old = check(earlier, rules) if earlier.paths or earlier.environments else Report((), ())
    return _less(report, old)


def _less(report: Report, old: Report) -> Report:
    lines = _Lines(old.sources, report.sources)
    known = Counter(lines.moved(finding) for finding in old.findings)
    new = []
    for finding in report.findings:
        identity = lines.here(finding)
        if known[identity] > 0:
            known[identity] -= 1
        else:
            new.append(finding)
    broken = {verdict.rule: verdict for verdict in old.verdicts if verdict.outcome == BROKEN}
    verdicts = tuple(broken.get(verdict.rule, verdict) for verdict in settled(report.verdicts, new))
    return replace(
        report, findings=tuple(new), verdicts=verdicts, tracebacks=report.tracebacks + old.tracebacks, unread=report.unread + old.unread
    )


class _Lines:
    """Where the lines of the files before a change stand after it."""

    def __init__(self, before: Mapping[str, Source], after: Mapping[str, Source]) -> None:
        self._before = before
        self._after = after
        self._kept: dict[str, dict[int, int]] = {}

    def here(self, finding: Finding) -> Identity:
        """Return what a finding after the change is known by."""
        line, column = self._place(self._after, finding)
        return (finding.code, finding.host, finding.span.path, finding.message, finding.allowed is not None, line, column)

    def moved(self, finding: Finding) -> Identity:
        """Return what a finding before the change would be known by after it; its line is 0 where the change touched it."""
        line, column = self._place(self._before, finding)
        path = finding.span.path
        return (finding.code, finding.host, path, finding.message, finding.allowed is not None, self._line(path, line), column)

    def _place(self, sources: Mapping[str, Source], finding: Finding) -> tuple[int, int]:
        source = sources.get(finding.span.path)
        return source.position(finding.span.start) if source is not None else (1, finding.span.start)

    def _line(self, path: str, line: int) -> int:
        before, after = self._before.get(path), self._after.get(path)
        if before is None or after is None or before.text == after.text:
            return line if before is not None and after is not None else 0
        if path not in self._kept:
            self._kept[path] = kept_lines(_LINE_BREAK.split(before.text), _LINE_BREAK.split(after.text))
        return self._kept[path].get(line, 0)


def kept_lines(before: Sequence[str], after: Sequence[str]) -> dict[int, int]:
    """Return the number (from 1) of each line that a change left alone, and its number after the change."""
    from difflib import SequenceMatcher

    least = min(len(before), len(after))
    head = next((i for i in range(least) if before[i] != after[i]), least)
    tail = next((i for i in range(least - head) if before[-1 - i] != after[-1 - i]), least - head)
    kept = {i + 1: i + 1 for i in range(head)}
    kept.update((len(before) - i, len(after) - i) for i in range(tail))
    middle = SequenceMatcher(None, before[head : len(before) - tail], after[head : len(after) - tail], autojunk=False)
    for old, new, size in middle.get_matching_blocks():
        kept.update((head + old + i + 1, head + new + i + 1) for i in range(size))
    return kept
