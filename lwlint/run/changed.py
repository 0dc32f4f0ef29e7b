"""What a change brought: the findings of the files as they are, less those that were there before it.

Both states are judged whole, with the tree of templates that what was named is a part of, since what one file says may be wrong because of
any other; so this cannot differ from two runs. What can be said of a file by itself is shared: one that the change left alone is read once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from lwlint.core.finding import BROKEN, SEVERITIES, ConfigurationError, Finding, Removed, Report
from lwlint.core.lazy import pattern
from lwlint.core.observed import without_seen
from lwlint.core.source import Source, Span
from lwlint.files import git
from lwlint.files.discover import is_below, normal
from lwlint.files.tree import Overlay, Tree
from lwlint.inputs.heat import root_of_templates
from lwlint.policy.redaction import Redaction
from lwlint.policy.rules import Rule
from lwlint.run import Request, check, outlines_of, settle

if TYPE_CHECKING:
    from lwlint.policy.settings import Settings

_LINE_BREAK = pattern(r"\r\n|\n|\r")
Identity = tuple[str, str, str, str, bool, int, int]


class Policy(Struct, frozen=True):
    """What a state is judged by: rules, settings, what marks the findings of a baseline, environments (None: those of the request)."""

    rules: Sequence[Rule]
    settings: Settings | None = None
    marked: Callable[[Report], Report] = lambda report: report
    environments: tuple[str, ...] | None = None


def check_changed(
    request: Request, rules: Sequence[Rule], change: git.Change, earlier: Policy | None = None, now: Policy | None = None
) -> Report:
    """Return the report on the state after the `change`, with those findings only that the state before it did not have.

    A finding is an old one if its code, message, host and file are those of one before, it was allowed if it is now, and its line
    is that line, which the change left alone; one that has become severer is new. `earlier` and `now` are what the states are judged by
    where the change is one of the configuration too. Raises ConfigurationError for standard input, which has no state before.
    """
    if request.text is not None:
        raise ConfigurationError("`-`: standard input was not there before any change")
    before, after = git.trees(request.tree, change)
    request = replace(request, outlines=request.outlines or outlines_of(request))
    now = now or Policy(rules, request.settings)
    report = _part(request, after, now)
    if not report.findings:
        return report
    paths = tuple(path for path in request.paths if before.kind(normal(path)) is not None)
    wanted = request.environments if earlier is None or earlier.environments is None else earlier.environments
    environments = tuple(path for path in wanted if before.kind(normal(path)) is not None)
    there = replace(request, paths=paths, environments=environments)
    old = _part(there, before, earlier or now) if paths or environments else Report((), ())
    found = _less(report, old)
    return replace(found, removed=_find_removed(found, old, request, change, after, now)) if found.findings else found


def _part(request: Request, tree: Tree, policy: Policy) -> Report:
    """Return the report on what was named as it is in the `tree`, judged with the trees of templates that it is a part of."""
    roots = {root_of_templates(normal(path), tree) for path in (*request.paths, *request.environments)}
    whole = tuple(sorted(root for root in roots if root is not None and not any(_is_named(root, path) for path in request.paths)))
    asked = replace(request, paths=(*request.paths, *whole), tree=tree, settings=policy.settings)
    report = policy.marked(check(asked, policy.rules))
    return _narrow(report, (*request.paths, *request.environments)) if whole else report


def _narrow(report: Report, named: Sequence[str]) -> Report:
    """Return the report with the findings in what was named only; the rest of its sources is context."""

    def is_named(path: str) -> bool:
        return any(_is_named(path, one) for one in named)

    findings = tuple(finding for finding in report.findings if is_named(finding.span.path))
    sources = {path: source if is_named(path) else replace(source, judged=False) for path, source in report.sources.items()}
    skipped = tuple(item for item in report.skipped if is_named(item[0]))
    return replace(report, findings=findings, sources=sources, skipped=skipped, verdicts=tuple(settle(report.verdicts, findings)))


def _is_named(path: str, named: str) -> bool:
    return path == normal(named) or is_below(path, named)


def _less(report: Report, old: Report) -> Report:
    lines = _Lines(old.sources, report.sources)
    known = Counter((lines.move(finding), SEVERITIES.index(finding.severity)) for finding in old.findings)
    new = []
    for finding in report.findings:
        identity = lines.here(finding)
        least = SEVERITIES.index(finding.severity)
        rank = next((rank for rank in range(least, len(SEVERITIES)) if known[identity, rank] > 0), None)
        if rank is not None:
            known[identity, rank] -= 1
        else:
            new.append(finding)
    broken = {verdict.rule: verdict for verdict in old.verdicts if verdict.outcome == BROKEN}
    verdicts = tuple(broken.get(verdict.rule, verdict) for verdict in settle(report.verdicts, new))
    return replace(
        report, findings=tuple(new), verdicts=verdicts, tracebacks=report.tracebacks + old.tracebacks, unread=report.unread + old.unread
    )


_QUOTED = pattern(r"`([^`\s]{4,})`")
_PUT_BACK = 20  # lines that are tried


def _find_removed(
    report: Report, old: Report, request: Request, change: git.Change, after: Tree, now: Policy
) -> Mapping[tuple[str, Span], Removed]:
    """Return, for findings that were brought, the line that was taken away if they are gone once it is put back in the state `after` it.

    A line comes into question if it says what a message quotes, and nothing was written in its place. All of them are put back in memory,
    and what is then there is judged once more.
    """
    lost = {path: lines for path in change.before if (lines := list(_find_lost(path, old.sources, report.sources)))}
    found: dict[tuple[str, Span], tuple[str, int]] = {}
    for finding in report.findings:
        words = set(_QUOTED.findall(finding.message)) if finding.allowed is None else set()
        hits = [(path, number) for path, lines in lost.items() for number, text, _ in lines if any(_says(text, word) for word in words)]
        if hits and len(set(hits)) <= _PUT_BACK:
            found[finding.fingerprint, finding.span] = hits[0]
    if not found:
        return {}
    files = {}
    for path in {path for path, _ in found.values()}:
        own = old.sources[path]
        wanted = {number for place, number in found.values() if place == path}
        pieces, earlier = _with_breaks(report.sources[path].text), _with_breaks(own.text)
        for number, _, at in reversed([line for line in lost[path] if line[0] in wanted]):
            pieces.insert(at, earlier[number - 1])
        files[path] = "".join(pieces).encode("utf-8", "surrogateescape")
    again = _part(request, Overlay(after, files), now)
    still = Counter((finding.code, finding.subject, finding.span.path) for finding in again.findings if finding.allowed is None)
    redaction = Redaction(old.sources)
    return {
        (finding.fingerprint, finding.span): Removed(path, number, redaction.line(old.sources[path], number).strip())
        for finding in report.findings
        if (finding.fingerprint, finding.span) in found and not still[finding.code, finding.subject, finding.span.path]
        for path, number in (found[finding.fingerprint, finding.span],)
    }


def _says(text: str, word: str) -> bool:
    """Return whether a line has the word, as a whole: a key, a path, an alias."""
    return word in text and re.search(rf"(?<![\w:./-]){re.escape(word)}(?![\w/-]|::)", text) is not None


def _with_breaks(text: str) -> list[str]:
    return re.findall(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+", text)


def _find_lost(path: str, before: Mapping[str, Source], after: Mapping[str, Source]) -> Iterator[tuple[int, str, int]]:
    """Yield each line that was taken out of a file and for which none was written: its number, its text, how many lines are in front now.

    A line that is elsewhere in the file was moved, and is none.
    """
    if path not in before or path not in after or before[path].text == after[path].text:
        return
    old, new = _LINE_BREAK.split(before[path].text), _LINE_BREAK.split(after[path].text)
    kept = {0: 0, **kept_lines(old, new), len(old) + 1: len(new) + 1}
    there = {line.strip() for line in new}
    last = 0
    for number in sorted(kept):
        if number - last > 1 and kept[number] - kept[last] == 1:
            lost = range(last + 1, number)
            yield from ((i, old[i - 1], kept[last]) for i in lost if old[i - 1].strip() and old[i - 1].strip() not in there)
        last = number


def _identity(finding: Finding, line: int, column: int) -> Identity:
    return (finding.code, finding.host, finding.span.path, without_seen(finding.message), finding.allowed is not None, line, column)


class _Lines:
    """Where the lines of the files before a change stand after it."""

    def __init__(self, before: Mapping[str, Source], after: Mapping[str, Source]) -> None:
        self._before = before
        self._after = after
        self._kept: dict[str, dict[int, int]] = {}

    def here(self, finding: Finding) -> Identity:
        """Return what a finding after the change is known by."""
        return _identity(finding, *self._place(self._after, finding))

    def move(self, finding: Finding) -> Identity:
        """Return what a finding before the change would be known by after it; its line is 0 where the change touched it."""
        line, column = self._place(self._before, finding)
        return _identity(finding, self._line(finding.span.path, line), column)

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
