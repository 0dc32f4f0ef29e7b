"""Suppressions: `# lwlint: allow RULE[, RULE] -- because ...` on a line, on the line above it, or for the block that begins there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lwlint.core import kinds
from lwlint.core.config_reader import near
from lwlint.core.facts import UnusedAllow
from lwlint.core.finding import NOT_EVALUATED, Finding, Verdict
from lwlint.core.lazy import pattern
from lwlint.core.secret import masked
from lwlint.core.source import Source, Span
from lwlint.policy.rules import Rule

_Piece = tuple[int, int]  # offsets of the first character and behind the last one


def block_end(source: Source, line: int) -> int:
    """Return the offset behind the longest block that begins on `line` (from 1), or behind the line where none is longer.

    A file that its reader refuses has no blocks. An element of XML goes on to the next one that is not in it.
    """
    starts = source.line_starts()
    first = starts[line - 1]
    behind = starts[line] if line < len(starts) else len(source.text) + 1
    return max((end for start, end in _pieces(source) if first <= start < behind), default=behind)


def comment_may_stand(source: Source, at: int) -> bool:
    """Return whether a `#` at the offset begins a comment of YAML, and is no part of a scalar."""
    from lwlint.inputs.heat import document, nodes

    read = document.read_file(source)
    if not isinstance(read, document.HeatFile):
        return True
    return not any(isinstance(n, nodes.Scalar) and n.start <= at < n.end for n in nodes.walk(read.root))


def _pieces(source: Source) -> Iterator[_Piece]:
    if source.kind == kinds.HEAT:
        return _of_yaml(source)
    if source.kind == kinds.CIB:
        return _of_xml(source)
    if source.kind == kinds.PUPPET:
        return _of_puppet(source)
    if source.kind in (kinds.OSLO, kinds.UNIT):
        return _of_sections(source)
    return iter(())


def _of_yaml(source: Source) -> Iterator[_Piece]:
    from lwlint.inputs.heat import document, nodes

    read = document.read_file(source)
    for node in nodes.walk(read.root) if isinstance(read, document.HeatFile) else ():
        if isinstance(node, nodes.Mapping):
            yield from ((key.start, value.end) for key, value in node.pairs if value.start >= key.end)  # else an alias
        elif isinstance(node, nodes.Sequence):
            yield from ((item.start, item.end) for item in node.items)


def _of_xml(source: Source) -> Iterator[_Piece]:
    from lwlint.inputs.pacemaker.xml import Element, read_cib

    read = read_cib(source)
    todo = [(read, len(source.text) + 1)] if isinstance(read, Element) else []
    while todo:
        element, end = todo.pop()
        yield element.start, end
        behind = [*(child.start for child in element.children[1:]), end]
        todo += zip(element.children, behind)


def _of_puppet(source: Source) -> Iterator[_Piece]:
    from lwlint.inputs.puppet import syntax, tree

    return ((node.start, node.end) for node in tree.walk(syntax.parse(source.text).statements))


def _of_sections(source: Source) -> Iterator[_Piece]:
    from lwlint.inputs.oslo import text as option_text
    from lwlint.inputs.systemd import text as unit_text

    if source.kind == kinds.OSLO:
        options = option_text.read(source)
        heads = [header.span.start for header in options.headers]
        yield from ((setting.key_start, setting.end) for setting in options.settings)
    else:
        settings = unit_text.read(source)
        heads = [section.span.start for section in settings.sections]
        yield from ((line.key.span.start, line.value.span.end) for line in settings.lines if isinstance(line, unit_text.Assignment))
    yield from zip(heads, [*heads[1:], len(source.text) + 1])


_COMMENT = pattern(r"([#;])[ \t]*lwlint:[ \t]*allow\b([^\r\n]*)")
_XML = pattern(r"(<!--)\s*lwlint:\s*allow\b(.*?)-->", re.DOTALL)
_REASON = pattern(r"(?<=[\s:])(?:--\s*(?:because\b:?)?|because\b:?)")  # XML has no `--` in a comment: there `because` is enough
_BEFORE_ALL = pattern(r"\ufeff?(?:[ \t]*(?:[#;][^\r\n]*)?[\r\n]|---[^\r\n]*|\s*<\?.*?\?>\s*|\s*<!--.*?-->\s*)*", re.DOTALL)
_INLINE = (kinds.HEAT, kinds.CIB, kinds.PUPPET)  # in the other kinds a comment after a value is part of the value


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
        expression = _XML if source.kind == kinds.CIB else _COMMENT
        for match in reversed(list(expression.finditer(source.text))):
            first, last = source.position(match.start()).line, source.position(match.end() - 1).line
            lead = source.text[source.line_starts()[first - 1] : match.start()].strip(
                "\ufeff" if source.kind == kinds.OSLO else "\ufeff \t"
            )
            rest = source.line(last)[source.position(match.end() - 1).column :].strip()
            if not _is_comment(source, match, lead):
                continue
            target = first if rest and not lead else last
            if not lead and not rest:
                taken.update(range(first, last + 1))
                while target in taken:
                    target += 1
            names, _, because = _REASON.sub("\0", match[2], count=1).partition("\0")
            named = tuple(name.strip() for name in names.strip().removesuffix(":").split(",") if name.strip())
            yield Allow(named, " ".join(because.split()), source.span(match.start(), match.end()), target, source.host)


def _is_comment(source: Source, match: re.Match[str], lead: str) -> bool:
    if source.kind == kinds.CIB:
        return True
    if match[1] == ";" and source.kind in _INLINE:
        return False
    if lead and (source.kind not in _INLINE or (source.kind == kinds.HEAT and not source.text[match.start() - 1].isspace())):
        return False
    return source.kind != kinds.HEAT or comment_may_stand(source, match.start())


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
    section = source.kind == kinds.UNIT and source.line(line).lstrip().startswith("[")
    return at < start and (at == 0 if section else first)


def _unused(allow: Allow, name: str, because: str) -> UnusedAllow:
    return UnusedAllow(name, allow.span, because, allow.host)
