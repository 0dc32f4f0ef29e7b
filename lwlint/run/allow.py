"""Suppressions: `# lwlint: allow RULE[, RULE] -- because ...` on a line, on the line above it, or for the block that begins there."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

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
# what may be meant as one and is none: `lwlint: disable LW301`, `LWLINT: allow`, `lwlint allow LW301`, `noqa: LW301`
_OTHER = (
    r"lwlint\b(?P<colon>\s*:)?[ \t]*(?P<verb>[A-Za-z][\w-]*)(?P<rest>{rest})"
    r"|(?P<foreign>noqa|nolint|nosec)\b[ \t]*[:=]?[ \t]*(?P<names>LW\d{{3}}\b{rest})"
)
_OTHER_COMMENT = pattern(r"([#;])[ \t]*(?:" + _OTHER.format(rest=r"[^\r\n]*") + ")", re.IGNORECASE)
_OTHER_XML = pattern(r"(<!--)\s*(?:" + _OTHER.format(rest=r"(?:(?!-->).)*") + r")\s*-->", re.IGNORECASE | re.DOTALL)
_VERBS = frozenset(("disable", "ignore", "noqa", "nolint", "skip", "suppress", "off", "silence", "mute"))  # what other linters say
_OTHER_VERBS = ("accept", "enable", "except", "exclude", "permit")  # and what may begin a sentence, too
_NAME = pattern(r"\bLW\d{3}\b|(?<=\s)[a-z]+(?:-[a-z0-9]+)+", re.IGNORECASE)
_SIGNS = ("lwlint", "LW", "Lwlint")  # without one of them there is no such comment
_LONGEST = 60  # characters of a comment that a message quotes
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


def misspelt(sources: Iterable[Source], names: Callable[[], Collection[str]]) -> Iterator[UnusedAllow]:
    """Yield the comments that are meant as suppressions and are none: another verb than `allow`, no colon, the form of another linter.

    `names` is asked for the ids and codes of all rules. What is prose (`# lwlint: see the page of the rule`) is left alone.
    """
    for source in sources:
        kind = KINDS.get(source.kind)
        comments = kind.comments if kind is not None else None
        if not source.judged or comments is None or not any(word in source.text for word in _SIGNS):
            continue
        is_xml = comments.marks == "<!--"
        for match in (_OTHER_XML if is_xml else _OTHER_COMMENT).finditer(source.text):
            before = source.line(source.position(match.start()).line)[: source.position(match.start()).column - 1]
            lead = before.strip("\ufeff \t" if comments.indented else "\ufeff")
            named = _meant(match, names)
            if named is None or not _is_comment(comments, source, match, lead):
                continue
            written = " ".join(match.group().removeprefix("<!--").removesuffix("-->").lstrip("#; \t").split())
            rule = ", ".join(named) or "RULE"
            right = f"<!-- lwlint: allow {rule} because ... -->" if is_xml else f"{match[1]} lwlint: allow {rule} -- because ..."
            shown = masked(written if len(written) <= _LONGEST else f"{written[:_LONGEST]}...").replace("`", "'")
            said = f"suppresses nothing; write `{right}`"
            yield UnusedAllow(rule, source.span(match.start(), match.end()), said, source.host, shown)


def _meant(match: re.Match[str], names: Callable[[], Collection[str]]) -> list[str] | None:
    """Return the rules that a comment is meant to allow, as far as it names any; None if it is a right one, or just says something."""
    if match["foreign"]:
        return list(dict.fromkeys(name.upper() for name in _NAME.findall(match["names"])))
    verb, colon = match["verb"].lower(), match["colon"] is not None
    if colon and "lwlint:" in match.group() and re.match(r"allow\b", match["verb"]):
        return None
    there = {name.lower(): name for name in names()}
    head = _REASON.split(f" {match['rest']}", maxsplit=1)[0].replace("=", " ").replace(",", " ").replace(":", " ")
    named = [there[name.lower()] for name in _NAME.findall(head) if name.lower() in there]
    named = list(dict.fromkeys(([there[verb]] if verb in there else []) + named))
    plain = verb.partition("-")[0]
    if not colon:
        return named if named and (plain in _VERBS or plain == "allow") else None
    is_command = bool(named) or len(head.split()) <= 1
    if plain in _VERBS or (is_command and any(_is_near(plain, right) for right in ("allow", *_VERBS, *_OTHER_VERBS))):
        return named
    return named if verb in there and not head.strip() else None


def _is_near(word: str, right: str) -> bool:
    """Return whether a word is the right one, another form of it, or has a slip: a letter more, less, another, or in another place."""
    import difflib

    return len(word) > 3 and word[0] == right[0] and difflib.SequenceMatcher(None, word, right).ratio() >= _ALIKE


_ALIKE = 0.72  # `alow`, `allows`, `allowing`, `aloow`; not `always`, `already`, `also`


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
    unused += misspelt(sources.values(), lambda: {each for rule in every() for each in (rule.id, rule.code)} | set(known))
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
