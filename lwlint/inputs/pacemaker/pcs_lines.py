"""Text that `pcs` prints: lines by their indent, `name=value` pairs, and elements of a CIB that stand in text.

Sources: pcs 0.9.158 to 0.12, `pcs/config.py`, `pcs/resource.py`, `pcs/cli/common/output.py`, `pcs/common/str_tools.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field

from lwlint.core.source import Source, Span, Text
from lwlint.inputs.pacemaker.xml import Element

_LINE = re.compile(r"^(?P<indent>[ \t]*)(?P<text>[^\s][^\r\n]*?)[ \t\r]*$", re.MULTILINE)
_NAME = r"[A-Za-z_#][^\s=\"']*"
_PAIR = re.compile(rf"(?P<name>{_NAME})=")
_NEXT = re.compile(rf"[ \t]+(?:{_NAME}=|\()|[ \t]*$")
_NESTED = 64  # blocks within blocks; pcs itself prints six


class Written(Element):
    """An element of a CIB whose attributes stand somewhere in a text; `end` is where its own words end."""

    __slots__ = ("end", "texts")

    def __init__(self, tag: str, source: Source, place: Span, texts: Mapping[str, Text | None]) -> None:
        self.texts = {name: text for name, text in texts.items() if text is not None}
        super().__init__(tag, {name: text.value for name, text in self.texts.items()}, place.start, source)
        self.end = place.end

    def text(self, name: str) -> Text | None:
        """Return the value of an attribute with its place in the text, or None."""
        return self.texts.get(name)

    def span(self, *names: str) -> Span:
        """Return the place of the first of the attributes `names` that is there, else of the element's own words."""
        found = (self.texts[name].span for name in names if name in self.texts)
        return next(found, Span(self.source.path, self.start, self.end))

    def has(self, children: Iterable[Element]) -> Written:
        """Return this element, with more children."""
        self.children.extend(children)
        return self


class Block(Struct):
    """A line, without the blanks around it, and the lines that are indented deeper below it."""

    words: Text
    indent: int
    below: list[Block] = field(default_factory=list)

    @property
    def value(self) -> str:
        """The line itself."""
        return self.words.value

    def part(self, start: int, end: int) -> Text:
        """Return a part of the line with its place."""
        at = self.words.span.start
        return Text(self.words.value[start:end], self.words.span._replace(start=at + start, end=at + end))

    def group(self, match: re.Match[str], name: str) -> Text | None:
        """Return what a group of a match in `value` holds, with its place; None for a group that took no part."""
        return None if match[name] is None else self.part(match.start(name), match.end(name))

    def walk(self) -> Iterator[Block]:
        """Yield the lines below this one, at any depth, in order."""
        for block in self.below:
            yield block
            yield from block.walk()


def blocks(source: Source) -> list[Block]:
    """Return the lines of a text that are not indented, each with those below it."""
    top = Block(Text("", Span(source.path, 0, 0)), -1)
    open_ = [top]
    for match in _LINE.finditer(source.text):
        words = Text(match["text"], Span(source.path, match.start("text"), match.end("text")))
        block = Block(words, len(match["indent"].expandtabs()))
        while open_[-1].indent >= block.indent or len(open_) > _NESTED:
            open_.pop()
        open_[-1].below.append(block)
        open_.append(block)
    return top.below


def pairs(block: Block, start: int = 0) -> dict[str, Text]:
    """Return the `name=value` pairs of a line from `start` on, as far as they go; quotes around a value with blanks are none of it.

    Before pcs 0.11 a value in quotes may hold quotes, and meta attributes have none around their blanks.
    """
    found: dict[str, Text] = {}
    at, line = start, block.value
    while True:
        match = _PAIR.match(line, _skip_blanks(line, at))
        if match is None:
            return found
        first, last, at = _value(line, match.end())
        found.setdefault(match["name"], _unescaped(block.part(first, last), line[first - 1 : first]))
    return found


def only_pair(block: Block) -> tuple[str, Text] | None:
    """Return the one pair that a line holds, as pcs prints them since 0.10; None for a line that is none."""
    match = re.match(r"""(?P<name>"[^"]+"|'[^']+'|[^\s=:"']+)=(?P<value>.*)$""", block.value)
    if match is None:
        return None
    start, end = match.span("value")
    if _is_quoted(block.value[start:end]):
        return match["name"].strip("\"'"), _unescaped(block.part(start + 1, end - 1), block.value[start])
    return match["name"].strip("\"'"), block.part(start, end)


def _skip_blanks(line: str, at: int) -> int:
    while at < len(line) and line[at] in " \t":
        at += 1
    return at


def _value(line: str, at: int) -> tuple[int, int, int]:
    """Return where a value begins and ends, and where the next thing may begin."""
    quote = line[at : at + 1]
    if quote in ('"', "'") and quote:
        end = line.find(quote, at + 1)
        while end >= 0 and not (line[end - 1] != "\\" and _NEXT.match(line, end + 1)):
            end = line.find(quote, end + 1)
        if end >= 0 and _is_quoted(line[at : end + 1]):
            return at + 1, end, end + 1
    after = _NEXT.search(line, at)
    end = after.start() if after is not None else len(line)
    return at, end, end


def _is_quoted(value: str) -> bool:
    """Return whether pcs put the quotes around the value, which it does for blanks and `=` in it."""
    return len(value) > 1 and value[0] in "\"'" and value[-1] == value[0] and any(sign in value for sign in " =")


def _unescaped(text: Text, quote: str) -> Text:
    return Text(text.value.replace('\\"', '"'), text.span) if quote == '"' and '\\"' in text.value else text


RULE = re.compile(r"Rule(?: \((?:expired|not yet in effect)\))?:")
_ID = re.compile(r"\(id: ?(?P<id>[^()\s]+)\)$")
_UNARY = re.compile(r"(?P<operation>defined|not_defined) (?P<attribute>\S+)$")
_DATE = re.compile(
    r"date (?:(?P<operation>gt|lt) (?P<moment>\S+(?: \d\S*)?)"  # crm_resource writes a blank between day and hour
    r"|(?P<range>in_range)(?: (?P<start>(?!to\b|duration\b)\S+(?: \d\d?:\S*)?))?(?: to)?(?: (?P<end>(?!duration\b)\S+(?: \d\d?:\S*)?))?"
    r"(?: duration)?)$"
)
_BINARY = re.compile(
    r"(?P<attribute>\S+) (?P<operation>eq|ne|lt|gt|lte|gte)(?: (?P<type>string|integer|number|version))? (?P<value>\"[^\"]*\"|.+)$"
)
_OF_OBJECT = re.compile(r"(?P<what>resource|op) (?P<rest>.+)$")


def rule(source: Source, block: Block) -> Written:
    """Return the rule whose line `block` is (`Rule: score=0 (id:x)`), with what is below it."""
    head = RULE.match(block.value)
    found: dict[str, Text | None] = dict(pairs(block, head.end() if head is not None else 0))
    found["id"] = _id(block)
    return Written("rule", source, block.words.span, found).has(_inside(source, block))


def _inside(source: Source, block: Block) -> Iterator[Written]:
    for child in block.below:
        if RULE.match(child.value):
            yield rule(source, child)
        elif child.value.startswith("Expression:"):
            yield _expression(source, child)


def _id(block: Block) -> Text | None:
    match = _ID.search(block.value)
    return block.group(match, "id") if match is not None else None


def _expression(source: Source, block: Block) -> Written:
    marked = _ID.search(block.value)
    words = block.value[len("Expression:") : marked.start() if marked is not None else None]
    start = len("Expression:") + len(words) - len(words.lstrip())
    inner = Block(block.part(start, start + len(words.strip())), block.indent)
    known: dict[str, Text | None] = {"id": _id(block)}
    if any(child.value.startswith("Date Spec:") for child in block.below):
        known["operation"] = Text("date_spec", block.words.span)
        return Written("date_expression", source, block.words.span, known)
    date = _DATE.match(inner.value)
    if date is not None:
        return _date(source, block, inner, date, known)
    unary = _UNARY.match(inner.value)
    if unary is not None:
        known.update({name: inner.group(unary, name) for name in ("operation", "attribute")})
        return Written("expression", source, block.words.span, known)
    binary = _BINARY.match(inner.value)
    if binary is not None:
        known.update({name: inner.group(binary, name) for name in ("attribute", "operation", "type", "value")})
        value = known["value"]
        if value is not None and value.value[:1] == value.value[-1:] == '"':
            known["value"] = inner.part(binary.start("value") + 1, binary.end("value") - 1)
        return Written("expression", source, block.words.span, known)
    # an expression on a resource's agent or an operation: what it comes to is not known here, so it does not hold
    tag = "op_expression" if _OF_OBJECT.match(inner.value) and inner.value.startswith("op ") else "rsc_expression"
    return Written(tag, source, block.words.span, known)


def _date(source: Source, block: Block, inner: Block, date: re.Match[str], known: dict[str, Text | None]) -> Written:
    if date["range"] is None:
        known["operation"] = inner.group(date, "operation")
        known["start" if date["operation"] == "gt" else "end"] = inner.group(date, "moment")
    else:
        known.update({"operation": inner.group(date, "range"), "start": inner.group(date, "start"), "end": inner.group(date, "end")})
    found = Written("date_expression", source, block.words.span, known)
    spans = [child for child in block.below if child.value.startswith("Duration:")]
    return found.has(Written("duration", source, child.words.span, pairs(child, len("Duration:"))) for child in spans)
