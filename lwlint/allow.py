"""Suppressions: `# lwlint: allow RULE[, RULE] -- because ...` on a line, or on the line above it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lwlint.facts.input import UnusedAllow
from lwlint.finding import NOT_EVALUATED, Finding, Verdict
from lwlint.late import pattern
from lwlint.read import near
from lwlint.record import dataclass, replace
from lwlint.rules import Rule
from lwlint.source import Source, Span

_COMMENT = pattern(
    r"(?P<opens>#|;|<!--)[ \t]*lwlint:[ \t]*allow\b[ \t]*(?P<names>[^\n]*?)(?:[ \t]+--[ \t]*(?P<because>[^\n]*?))?[ \t]*(?:-->)?[ \t]*\r?$",
    re.MULTILINE,
)
_INLINE = ("heat", "cib", "puppet")  # in the other kinds a comment after a value is part of the value


@dataclass(frozen=True)
class Allow:
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
        for match in reversed(list(_COMMENT.finditer(source.text))):
            line = source.position(match.start()).line
            alone = not source.text[source.line_starts()[line - 1] : match.start()].strip("\ufeff \t")
            if not alone and source.kind not in _INLINE:
                continue
            target = line
            if alone:
                taken.add(line)
                while target in taken:
                    target += 1
            names = tuple(name.strip() for name in match.group("names").split(",") if name.strip())
            because = re.sub(r"^because\b:?\s*", "", match.group("because") or "").strip()
            yield Allow(names, because, source.span(match.start(), match.end()), target, source.host)


def apply(
    findings: Sequence[Finding], sources: Mapping[str, Source], rules: Sequence[Rule], verdicts: Iterable[Verdict]
) -> tuple[list[Finding], list[UnusedAllow]]:
    """Return the findings, the suppressed ones marked with their reason, and the suppressions without effect."""
    known = {name: rule.id for rule in rules for name in (rule.id, rule.code)}
    blind = {verdict.rule for verdict in verdicts if verdict.outcome == NOT_EVALUATED}
    result = list(findings)
    unused = []
    for allow in allows(sources.values()):
        if not allow.names:
            unused.append(_unused(allow, "", "names no rule; write `allow RULE -- because ...`"))
        for name in allow.names:
            if name not in known:
                unused.append(_unused(allow, name, f"unknown rule{near(name, known)}"))
            elif not allow.because:
                unused.append(_unused(allow, name, "gives no reason; write `-- because ...` after it"))
            elif not _mark(result, allow, known[name], sources) and known[name] not in blind:
                unused.append(_unused(allow, name, "matches no finding; take it away"))
    return result, unused


def _mark(findings: list[Finding], allow: Allow, rule: str, sources: Mapping[str, Source]) -> bool:
    hit = False
    for i, found in enumerate(findings):
        if found.rule == rule and found.span.path == allow.span.path:
            line = sources[found.span.path].position(found.span.start).line
            if line == allow.line:
                findings[i] = replace(found, allowed=allow.because)
                hit = True
    return hit


def _unused(allow: Allow, name: str, because: str) -> UnusedAllow:
    return UnusedAllow(name, allow.span, because, allow.host)
