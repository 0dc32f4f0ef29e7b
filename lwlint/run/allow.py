"""Suppressions: `# lwlint: allow RULE[, RULE] -- because ...` on a line, on the line above it, or for the block that begins there."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache

from msgspec import Struct
from msgspec.structs import replace

from lwlint.core.config_reader import near
from lwlint.core.facts import UnusedAllow
from lwlint.core.finding import NOT_EVALUATED, Finding, Verdict
from lwlint.core.kind import Comments
from lwlint.core.lazy import pattern
from lwlint.core.secret import mask_secrets
from lwlint.core.source import Source, Span
from lwlint.inputs import KINDS
from lwlint.policy.rules import Rule

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
_MAY = "_may_allow"
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
        if not source.judged or not _may_have_one(source) or "lwlint:" not in source.text:
            continue
        kind = KINDS.get(source.kind)
        comments = kind.comments if kind is not None else None
        if comments is None:
            continue
        below: dict[int, int] = {}  # of lines that are such a comment alone: the line that it speaks of
        expression = _XML if comments.marks == "<!--" else _COMMENT
        for match in reversed(list(expression.finditer(source.text))):
            first, last = source.position(match.start()).line, source.position(match.end() - 1).line
            lead = _is_led(source, match.start(), first, "\ufeff \t" if comments.indented else "\ufeff")
            rest = _is_followed(source, match.end(), last)
            if not _is_comment(comments, source, match, lead):
                continue
            target = first if rest and not lead else last
            if not lead and not rest:
                target = below.get(last + 1, last + 1)
                below.update(dict.fromkeys(range(first, last + 1), target))
            names, _, because = _REASON.sub("\0", match[2], count=1).partition("\0")
            named = tuple(name.strip() for name in names.strip().removesuffix(":").split(",") if name.strip())
            yield Allow(named, " ".join(because.split()), source.span(match.start(), match.end()), target, source.host)


def find_misspelt(sources: Iterable[Source], names: Callable[[], Collection[str]]) -> Iterator[UnusedAllow]:
    """Yield the comments that are meant as suppressions and are none: another verb than `allow`, no colon, the form of another linter.

    `names` is asked for the ids and codes of all rules. What is prose (`# lwlint: see the page of the rule`) is left alone.
    """
    for source in sources:
        kind = KINDS.get(source.kind)
        comments = kind.comments if kind is not None else None
        if not source.judged or comments is None or not _may_have_one(source):
            continue
        is_xml = comments.marks == "<!--"
        for match in (_OTHER_XML if is_xml else _OTHER_COMMENT).finditer(source.text):
            first = source.position(match.start()).line
            lead = _is_led(source, match.start(), first, "\ufeff \t" if comments.indented else "\ufeff")
            named = _find_meant(match, names)
            if named is None or not _is_comment(comments, source, match, lead):
                continue
            written = " ".join(match.group().removeprefix("<!--").removesuffix("-->").lstrip("#; \t").split())
            rule = ", ".join(named) or "RULE"
            right = f"<!-- lwlint: allow {rule} because ... -->" if is_xml else f"{match[1]} lwlint: allow {rule} -- because ..."
            shown = mask_secrets(written if len(written) <= _LONGEST else f"{written[:_LONGEST]}...").replace("`", "'")
            said = f"suppresses nothing; write `{right}`"
            yield UnusedAllow(rule, source.span(match.start(), match.end()), said, source.host, shown)


def _may_have_one(source: Source) -> bool:
    """Return whether there may be a comment of lwlint's in a source; each is looked through once."""
    may: bool | None = source.__dict__.get(_MAY)
    if may is None:
        text = source.text
        may = source.__dict__[_MAY] = ("W" in text and "LW" in text) or "wlint" in text  # most have no `W`, which is found at once
    return may


def _find_meant(match: re.Match[str], names: Callable[[], Collection[str]]) -> list[str] | None:
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


def _is_led(source: Source, at: int, line: int, blanks: str) -> bool:
    """Return whether anything but `blanks` stands between the beginning of the line and the offset `at`."""
    start = source.line_starts()[line - 1]
    while at > start and source.text[at - 1] in blanks:
        at -= 1
    return at > start


def _is_followed(source: Source, at: int, line: int) -> bool:
    """Return whether anything but blanks stands between the offset `at` and the end of the line."""
    end = _end_of(source, line)
    while at < end and source.text[at].isspace():
        at += 1
    return at < end


def _end_of(source: Source, line: int) -> int:
    """Return the offset behind a line (from 1)."""
    starts = source.line_starts()
    return starts[line] if line < len(starts) else len(source.text)


def _is_comment(comments: Comments, source: Source, match: re.Match[str], lead: bool) -> bool:
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
    marks = _Marks(findings, sources)
    there = cache(lambda: {*known, *(each for rule in every() for each in (rule.id, rule.code))})
    unused = []
    telling = [source for source in sources.values() if _may_have_one(source)]
    for allow in allows(telling):
        if not allow.names:
            unused.append(_make_unused(allow, "", "names no rule; write `allow RULE -- because ...`"))
        for name in allow.names:
            if name not in known and name not in there():
                unused.append(_make_unused(allow, name, f"unknown rule{near(name, there())}"))
            elif not allow.because:
                unused.append(_make_unused(allow, name, "gives no reason; write `-- because ...` after it"))
            elif name in known and not marks.add(allow, known[name]) and known[name] not in blind:
                unused.append(_make_unused(allow, name, "matches no finding; take it away"))
    unused += find_misspelt(telling, there)
    return marks.make(), unused


class _Marks:
    """Finds the findings that each suppression is for; each source is read once, and each finding marked once."""

    def __init__(self, findings: Sequence[Finding], sources: Mapping[str, Source]) -> None:
        self._findings = findings
        self._sources = sources
        self._places: dict[tuple[str, str], list[tuple[int, int]]] | None = None  # by path and rule: offsets, and which finding is there
        self._blocks: dict[str, _Blocks] = {}
        self._taken: dict[tuple[str, str], list[tuple[int, int, Allow]]] = {}  # which of the places, from and to, in the order of `add`

    def add(self, allow: Allow, rule: str) -> bool:
        """Take note of a suppression of a rule; return whether it is for any finding."""
        if self._places is None:
            self._places = {}
            for i, found in enumerate(self._findings):
                self._places.setdefault((found.span.path, found.rule), []).append((found.span.start, i))
            for places in self._places.values():
                places.sort()
        key = (allow.span.path, rule)
        places = self._places.get(key, [])
        ranges = [(first, last) for first, last in self._ranges(allow, places) if first < last]
        if ranges:
            self._taken.setdefault(key, []).extend((first, last, allow) for first, last in ranges)
        return bool(ranges)

    def _ranges(self, allow: Allow, places: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Yield which of the places, sorted, are on the line that a suppression speaks of, or in the block that begins there.

        The beginning of the file, where what is found of it as a whole stands, is in its first block, and in every section of a
        unit: what is found there is a setting that is nowhere.
        """
        source = self._sources[allow.span.path]
        starts = source.line_starts()
        if not places or allow.line > len(starts):
            return
        start = starts[allow.line - 1]
        behind = starts[allow.line] if allow.line < len(starts) else len(source.text) + 1
        first, last = _index(places, start), _index(places, behind)
        if last - first == len(places):
            yield first, last
            return
        if source.path not in self._blocks:
            self._blocks[source.path] = _Blocks(source)
        blocks = self._blocks[source.path]
        yield first, _index(places, blocks.ends.get(allow.line, behind))
        kind = KINDS.get(source.kind)
        whole = kind.whole if kind is not None else ""
        if whole and source.text.startswith(whole, _first_of(source, start, behind)):
            yield 0, min(_index(places, 1), first)
        elif start <= blocks.before:
            yield 0, first

    def make(self) -> list[Finding]:
        """Return the findings, those that are suppressed marked with the reason of the last suppression that is for them."""
        result = list(self._findings)
        for key, ranges in self._taken.items():
            places = (self._places or {})[key]
            free = list(range(len(places) + 1))  # for each place the next one that is not marked yet
            for first, last, allow in reversed(ranges):
                because = mask_secrets(allow.because)
                at = _free(free, first)
                while at < last:
                    i = places[at][1]
                    result[i] = replace(result[i], allowed=because)
                    free[at] = at + 1
                    at = _free(free, at)
        return result


def _free(free: list[int], at: int) -> int:
    """Return the next place from `at` on that is not marked, and remember it for those on the way."""
    way = []
    while free[at] != at:
        way.append(at)
        at = free[at]
    for each in way:
        free[each] = at
    return at


def _index(places: Sequence[tuple[int, int]], offset: int) -> int:
    return bisect_left(places, (offset, -1))


def _first_of(source: Source, start: int, behind: int) -> int:
    """Return the offset of the first character of a line that is no blank."""
    while start < min(behind, len(source.text)) and (source.text[start].isspace() or (not start and source.text[0] == "\ufeff")):
        start += 1
    return start


class _Blocks:
    """The blocks of one source. `ends` are the offsets behind the longest one that begins on a line, by the line (from 1).

    A file that its reader refuses has no blocks. An element of XML goes on to the next one that is not in it. `before` is the offset
    behind all that stands in front of the first block.
    """

    def __init__(self, source: Source) -> None:
        self.ends: dict[int, int] = {}
        kind = KINDS.get(source.kind)
        for start, end in kind.blocks(source) if kind is not None else ():
            line = source.position(start).line
            self.ends[line] = max(end, self.ends.get(line, 0))
        found = _BEFORE_ALL.match(source.text)
        self.before = found.end() if found is not None else -1


def _make_unused(allow: Allow, name: str, because: str) -> UnusedAllow:
    return UnusedAllow(name, allow.span, because, allow.host)
