"""Constraints as `pcs config` prints them -> the elements of the CIB that they are of.

Sources: to 0.11.5 `pcs/constraint.py`, `pcs/cli/constraint*/console_report.py` (`start A then start B (kind:Mandatory) (id:x)`, ids since
0.9.161 or so); since 0.11.6 `pcs/cli/constraint/output/` (`start resource 'A' then start resource 'B' (id: x)`, options below it).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct, field

from lwlint.core.source import Source, Span, Text
from lwlint.inputs.pacemaker.xml import Element

_LINE = re.compile(r"^(?P<indent>[ \t]*)(?P<text>[^\s](?:[^\r\n]*[^ \t\r\n])?)[ \t\r]*$", re.MULTILINE)
_NAME = r"[A-Za-z_#][^\s=\"']*"
_PAIR = re.compile(rf"(?P<name>{_NAME})=")
_NEXT = re.compile(rf"(?<![ \t])(?:[ \t]+(?:{_NAME}=|\()|[ \t]*$)")
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


_MARK = re.compile(r"\((?P<name>[\w -]+?)(?P<sign>[:=]) ?(?P<value>[^()]*)\)")
_BARE = re.compile(r"\((?P<value>[^():=]+)\)")  # `(INFINITY)`, `(Optional)`, as pcs to 0.9.121 or so writes them
_NEW_ID = r"(?: \(id: (?P<id>\S+)\))?$"
_ACTION = r"start|stop|promote|demote"
_OLD_ORDER = re.compile(
    rf"(?:(?P<first_action>{_ACTION}) )?(?P<first>\S+) then (?:(?P<then_action>{_ACTION}) )?(?P<then>\S+)(?P<marks>(?: \(.*\))*)$"
)
_NEW_ORDER = re.compile(
    rf"(?:(?P<first_action>\w+) )?resource '(?P<first>[^']+)' then (?:(?P<then_action>\w+) )?resource '(?P<then>[^']+)'{_NEW_ID}"
)
_OLD_COLOCATION = re.compile(r"(?P<rsc>\S+) with (?P<with_rsc>\S+)(?P<marks>(?: \([^()]*\))*)$")
_NEW_COLOCATION = re.compile(
    rf"(?:(?P<rsc_role>\w+) )?resource '(?P<rsc>[^']+)' with (?:(?P<with_rsc_role>\w+) )?resource '(?P<with_rsc>[^']+)'{_NEW_ID}"
)
_OLD_TICKET = re.compile(r"(?:(?P<rsc_role>\w+) )?(?P<rsc>[^\s=]+)(?= \S+=)(?P<pairs>(?: [\w-]+=\S+)*)(?P<marks>(?: \([^()]*\))*)$")
_NEW_TICKET = re.compile(rf"(?:(?P<rsc_role>\w+) )?resource '(?P<rsc>[^']+)' depends on ticket '(?P<ticket>[^']+)'{_NEW_ID}")
_NEW_LOCATION = re.compile(
    r"(?:(?P<role>\w+) )?resource(?: (?P<pattern>pattern))? '(?P<rsc>[^']+)'"
    rf"(?: (?P<way>prefers|avoids) node '(?P<node>[^']+)' with score (?P<score>\S+))?{_NEW_ID}"
)
_OLD_LOCATION = re.compile(r"Resource(?P<pattern> pattern)?:(?: (?P<rsc>.+))?$")
_OLD_NODE = re.compile(r"(?:(?:Enabled|Disabled) on: |Node: )(?P<node>\S+)(?P<marks>(?: \([^()]*\))*)$")
_OLD_RULED = re.compile(r"Constraint(?: \(expired\))?: (?P<id>\S+)(?P<marks>(?: \([^()]*\))*)$")
_SET_ID = re.compile(r"\(id:(?P<id>[^()\s]+)\)")
_NEW_SET = re.compile(r"(?:Set Constraint|Resource Set):(?: (?P<id>\S+))?$")
_QUOTED = re.compile(r"'(?P<id>[^']+)'")
_TAGS = {"order": "rsc_order", "colocation": "rsc_colocation", "location": "rsc_location", "ticket": "rsc_ticket"}
_KINDS = {"Ordering": "order", "Order": "order", "Colocation": "colocation", "Location": "location", "Ticket": "ticket"}
HEADING = re.compile(rf"(?P<kind>{'|'.join(_KINDS)})(?P<set> Set)? Constraints:$")


class Reading:
    """Reads the constraints of one text. `odd` collects the lines that it does not know, `nameless` those of constraints without an id.

    `sorted_sets` tells of a resource set whose members stand in the order of their names: pcs 0.11.6 to 0.12.1, at least, sorts them;
    `location_sets` of a location constraint on a set, whose members are printed since 0.11.6 only.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.odd: list[Block] = []
        self.nameless: list[Block] = []
        self.sorted_sets = self.location_sets = False

    def section(self, block: Block) -> Iterator[Written]:
        """Yield the constraints below a heading (`Location Constraints:`)."""
        heading = HEADING.match(block.value)
        if heading is None:
            return
        kind = _KINDS[heading["kind"]]
        for child in block.below:
            if child.value == "Resource Sets:":
                for line in child.below:
                    yield from self._old_sets(kind, line)
            elif heading["set"] is not None:
                yield from self._new_sets(kind, child)
            elif kind == "location":
                yield from self._location(child)
            else:
                yield from self._of(kind, child)

    def _of(self, kind: str, block: Block) -> Iterator[Written]:
        forms: dict[str, tuple[Callable[[str], re.Match[str] | None], ...]] = {
            "order": (_NEW_ORDER.match, _OLD_ORDER.match),
            "colocation": (_NEW_COLOCATION.match, _OLD_COLOCATION.match),
            "ticket": (_NEW_TICKET.match, _OLD_TICKET.match),
        }
        for form in forms[kind]:
            match = form(block.value)
            if match is None:
                continue
            texts = {name.replace("_", "-"): block.group(match, name) for name in match.groupdict() if name not in ("marks", "pairs")}
            if "marks" in match.groupdict():
                if kind == "colocation" and "(score:" not in block.value:  # to 0.9.121 or so it is left out where it is INFINITY
                    texts["score"] = Text("INFINITY", block.words.span)
                    texts.update({name: text for name, text in self._marks(block, match).items() if name == "score"})
                texts.update({name: text for name, text in self._marks(block, match).items() if texts.get(name) is None})
            if "pairs" in match.groupdict():
                texts.update(pairs(block, match.start("pairs")))
            texts["id"] = texts.get("id") or self._words(block)
            found = Written(_TAGS[kind], self.source, block.words.span, texts)
            yield self._with_options(found, block)
            return
        self.odd.append(block)

    def _words(self, block: Block) -> Text:
        """Return what a constraint without an id is known by: its line, up to the first parenthesis."""
        self.nameless.append(block)
        return block.part(0, len(block.value.partition(" (")[0]))

    def _marks(self, block: Block, match: re.Match[str]) -> dict[str, Text | None]:
        """Return what stands in parentheses behind a constraint: `(score:INFINITY)`, `(Options: require-all=false)`, `(id:x)`."""
        found: dict[str, Text | None] = {}
        start, end = match.span("marks")
        for bare in _BARE.finditer(block.value, start, end):
            word = bare["value"]
            if re.fullmatch(r"[+-]?(?:INFINITY|\d+)", word):
                found["score"] = block.group(bare, "value")
            elif word in ("Mandatory", "Optional", "Serialize"):
                found["kind"] = block.group(bare, "value")
            elif word != "non-symmetrical" and block not in self.odd:
                self.odd.append(block)
        for mark in _MARK.finditer(block.value, start, end):
            if mark["name"] == "Options":
                found.update(pairs(Block(block.part(mark.start("value"), mark.end("value")), 0)))
            elif mark["value"]:
                found[mark["name"]] = block.group(mark, "value")
        if "(non-symmetrical)" in block.value[start:end]:
            at = block.value.index("(non-symmetrical)", start)
            found["symmetrical"] = Text("false", block.part(at + 1, at + 16).span)
        return found

    def _with_options(self, found: Written, block: Block) -> Written:
        """Return the constraint with what stands below it since pcs 0.11.6: options, rules and its lifetime."""
        for child in block.below:
            if child.value == "Rules:":
                found.has(self._rules(child))
            elif child.value == "Lifetime:":
                found.has([Written("lifetime", self.source, child.words.span, {}).has(self._rules(child))])
            elif options := pairs(child):
                for name, text in options.items():
                    found.texts.setdefault(name, text)
                    found.attributes.setdefault(name, text.value)
            else:
                self.odd.append(child)
        return found

    def _rules(self, block: Block) -> Iterator[Written]:
        for child in block.below:
            if RULE.match(child.value):
                yield rule(self.source, child)
            else:
                self.odd.append(child)

    def _location(self, block: Block) -> Iterator[Written]:
        new, old = _NEW_LOCATION.match(block.value), _OLD_LOCATION.match(block.value)
        if new is not None:
            yield self._new_location(block, new)
        elif old is not None:
            self.location_sets |= old["rsc"] is None
            resource = {"rsc" if old["pattern"] is None else "rsc-pattern": block.group(old, "rsc")}
            for child in block.below:
                yield from self._old_location(child, resource)
        else:
            self.odd.append(block)

    def _new_location(self, block: Block, match: re.Match[str]) -> Written:
        texts = {name: block.group(match, name) for name in ("role", "node", "id")}
        texts["rsc" if match["pattern"] is None else "rsc-pattern"] = block.group(match, "rsc")
        score = block.group(match, "score")
        texts["score"] = Text(f"-{score.value}", score.span) if score is not None and match["way"] == "avoids" else score
        texts["id"] = texts["id"] or self._words(block)
        return self._with_options(Written("rsc_location", self.source, block.words.span, texts), block)

    def _old_location(self, block: Block, resource: dict[str, Text | None]) -> Iterator[Written]:
        if block.value in ("Enabled on:", "Disabled on:"):
            for child in block.below:
                yield from self._old_location(child, resource)
            return
        node, ruled = _OLD_NODE.match(block.value), _OLD_RULED.match(block.value)
        match = node or ruled
        if match is None:
            self.odd.append(block)
            return
        name = "node" if node is not None else "id"
        texts = {**resource, **self._marks(block, match), name: block.group(match, name)}
        if node is not None and "score" not in texts and (whole := re.match(r"Enabled|Disabled", block.value)) is not None:
            texts["score"] = Text("INFINITY" if whole.group() == "Enabled" else "-INFINITY", block.words.span)
        texts["id"] = texts.get("id") or self._words(block)
        found = Written("rsc_location", self.source, block.words.span, texts)
        yield found.has(self._rules(block)) if ruled is not None else found

    def _old_sets(self, kind: str, block: Block) -> Iterator[Written]:
        """Yield the constraint on a line `set A B role=Master (id:x) set C (id:y) setoptions score=INFINITY (id:z)`."""
        words = [(match.group(), match.start(), match.end()) for match in re.finditer(r"\S+", block.value)]
        texts: dict[str, Text | None] = {}
        sets: list[Written] = []
        in_set = False
        for word, start, end in words:
            text = block.part(start, end)
            mark, pair = _SET_ID.fullmatch(word), re.fullmatch(r"(?P<name>[\w-]+)=(?P<value>.*)", word)
            last = sets[-1] if in_set else None
            if word in ("set", "setoptions"):
                in_set = word == "set"
                sets += [Written("resource_set", self.source, text.span, {})] if in_set else []
            elif mark is not None and last is not None:
                _put(last, "id", block.part(start + mark.start("id"), start + mark.end("id")))
                in_set = False
            elif mark is not None:
                texts["id"] = block.part(start + mark.start("id"), start + mark.end("id"))
            elif pair is not None:
                value = block.part(start + pair.start("value"), end)
                if last is not None:
                    _put(last, pair["name"], value)
                else:
                    texts[pair["name"]] = value
            elif last is not None:
                last.has([Written("resource_ref", self.source, text.span, {"id": text})])
        if not sets:
            self.odd.append(block)
            return
        texts["id"] = texts.get("id") or self._words(block)
        yield Written(_TAGS[kind], self.source, block.words.span, texts).has(sets)

    def _new_sets(self, kind: str, block: Block) -> Iterator[Written]:
        head = _NEW_SET.match(block.value)
        if head is None:
            self.odd.append(block)
            return
        found = Written(_TAGS[kind], self.source, block.words.span, {"id": block.group(head, "id") or self._words(block)})
        options = Block(block.words, block.indent, [child for child in block.below if not _NEW_SET.match(child.value)])
        self._with_options(found, options)
        for child in block.below:
            inner = _NEW_SET.match(child.value)
            if inner is not None:
                found.has([self._new_set(child, child.group(inner, "id"))])
        yield found

    def _new_set(self, block: Block, name: Text | None) -> Written:
        found = Written("resource_set", self.source, block.words.span, {"id": name})
        for child in block.below:
            if child.value.startswith("Resources:"):
                texts = [child.group(match, "id") for match in _QUOTED.finditer(child.value)]
                found.has(Written("resource_ref", self.source, text.span, {"id": text}) for text in texts if text is not None)
                ids = [ref.get("id") or "" for ref in found.all("resource_ref")]
                self.sorted_sets |= len(ids) > 1 and ids == sorted(ids)
            else:
                for option, text in pairs(child).items():
                    _put(found, option, text)
        return found


def _put(element: Written, name: str, text: Text) -> None:
    element.texts[name] = text
    element.attributes[name] = text.value
