"""Suppressions: `# lwlint: allow RULE[, RULE] -- because ...` on a line, on the line above it, or for the block that begins there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lwlint.core.config_reader import near
from lwlint.core.facts import UnusedAllow
from lwlint.core.finding import NOT_EVALUATED, Finding, Verdict
from lwlint.core.kind import Comments, Piece
from lwlint.core.lazy import pattern
from lwlint.core.secret import masked
from lwlint.core.source import Source, Span
from lwlint.inputs import KINDS
from lwlint.policy.rules import Rule


def block_end(source: Source, line: int) -> int:
    """Return the offset behind the longest block that begins on `line` (from 1), or behind the line where none is longer.

    A file that its reader refuses has no blocks. An element of XML goes on to the next one that is not in it.
    """
    starts = source.line_starts()
    first = starts[line - 1]
    behind = starts[line] if line < len(starts) else len(source.text) + 1
    return max((end for start, end in _blocks(source) if first <= start < behind), default=behind)


def _blocks(source: Source) -> Iterator[Piece]:
    kind = KINDS.get(source.kind)
    return kind.blocks(source) if kind is not None else iter(())


_COMMENT = pattern(r"([#;])[ \t]*lwlint:[ \t]*allow\b([^\r\n]*)")
_XML = pattern(r"(<!--)\s*lwlint:\s*allow\b(.*?)-->", re.DOTALL)
_REASON = pattern(r"(?<=[\s:])(?:--\s*(?:because\b:?)?|because\b:?)")  # XML has no `--` in a comment: there `because` is enough
_BEFORE_ALL = pattern(r"\ufeff?(?:[ \t]*(?:[#;][^\r\n]*)?[\r\n]|---[^\r\n]*|\s*<\?.*?\?>\s*|\s*<!--.*?-->\s*)*", re.DOTALL)


class Allow(Struct, frozen=True):
    """One suppression: what it names, its reason (empty if none is given), and the line that it speaks of."""

    names: tuple[str, ...]
    because: str
    span: Span
    line: int
    host: str


def allows(sources: Iterable[Source]) -> Iterator[Allow]:
    """Yield the suppressions in those sources that are judged."""
    for source in sources:
        if not source.judged or "lwlint:" not in source.text:
            continue
        taken: set[int] = set()
        kind = KINDS.get(source.kind)
        comments = kind.comments if kind is not None else None
        if comments is None:
            continue
        expression = _XML if comments.marks == "<!--" else _COMMENT
        for match in reversed(list(expression.finditer(source.text))):
            first, last = source.position(match.start()).line, source.position(match.end() - 1).line
            before = source.text[source.line_starts()[first - 1] : match.start()]
            lead = before.strip("\ufeff \t" if comments.indented else "\ufeff")
            rest = source.line(last)[source.position(match.end() - 1).column :].strip()
            if not _is_comment(comments, source, match, lead):
                continue
            target = first if rest and not lead else last
            if not lead and not rest:
                taken.update(range(first, last + 1))
                while target in taken:
                    target += 1
            names, _, because = _REASON.sub("\0", match[2], count=1).partition("\0")
            named = tuple(name.strip() for name in names.strip().removesuffix(":").split(",") if name.strip())
            yield Allow(named, " ".join(because.split()), source.span(match.start(), match.end()), target, source.host)


def _is_comment(comments: Comments, source: Source, match: re.Match[str], lead: str) -> bool:
    if match[1] not in comments.marks or (lead and not comments.inline):
        return False
    return comments.stand is None or comments.stand(source, match.start())


def apply(
    findings: Sequence[Finding],
    sources: Mapping[str, Source],
    rules: Sequence[Rule],
    verdicts: Iterable[Verdict],
    every: Callable[[], Sequence[Rule]] = tuple,
) -> tuple[list[Finding], list[UnusedAllow]]:
    """Return the findings, the suppressed ones marked with their reason, and the suppressions without effect.

    `every` is asked for all rules that there are, where a suppression names none of `rules`, which run.
    """
    known = {name: rule.id for rule in rules for name in (rule.id, rule.code)}
    blind = {verdict.rule for verdict in verdicts if verdict.outcome == NOT_EVALUATED}
    result = list(findings)
    unused = []
    for allow in allows(sources.values()):
        if not allow.names:
            unused.append(_unused(allow, "", "names no rule; write `allow RULE -- because ...`"))
        for name in allow.names:
            if name not in known and name not in (there := {each for rule in every() for each in (rule.id, rule.code)}):
                unused.append(_unused(allow, name, f"unknown rule{near(name, {*known, *there})}"))
            elif not allow.because:
                unused.append(_unused(allow, name, "gives no reason; write `-- because ...` after it"))
            elif name in known and not _mark(result, allow, known[name], sources) and known[name] not in blind:
                unused.append(_unused(allow, name, "matches no finding; take it away"))
    return result, unused


def _mark(findings: list[Finding], allow: Allow, rule: str, sources: Mapping[str, Source]) -> bool:
    source = sources[allow.span.path]
    own = [(i, found) for i, found in enumerate(findings) if found.rule == rule and found.span.path == source.path]
    hits = [(i, found) for i, found in own if source.position(found.span.start).line == allow.line]
    if len(hits) < len(own) and allow.line <= len(source.line_starts()):
        hits = [(i, found) for i, found in own if _is_in_block(source, allow.line, found.span.start)]
    for i, found in hits:
        findings[i] = replace(found, allowed=masked(allow.because))
    return bool(hits)


def _is_in_block(source: Source, line: int, at: int) -> bool:
    """Return whether the offset `at` is on the line, or in the block that begins there.

    The beginning of the file, where what is found of it as a whole stands, is in its first block, and in every section of a
    unit: what is found there is a setting that is nowhere.
    """
    start = source.line_starts()[line - 1]
    if start <= at < block_end(source, line):
        return True
    before = _BEFORE_ALL.match(source.text)
    first = before is not None and start <= before.end()
    kind = KINDS.get(source.kind)
    section = kind is not None and bool(kind.whole) and source.line(line).lstrip().startswith(kind.whole)
    return at < start and (at == 0 if section else first)


def _unused(allow: Allow, name: str, because: str) -> UnusedAllow:
    return UnusedAllow(name, allow.span, because, allow.host)
