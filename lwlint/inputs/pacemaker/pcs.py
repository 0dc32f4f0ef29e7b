"""`pcs config`, the text -> the elements of the CIB that it is of, with their places in the text.

Formats: pcs 0.9.115 to 0.9.152 (by their source, 0.9.143 and 0.9.152 in print), 0.9.158, 0.9.169, 0.10.8, 0.11.5 (each met in print)
and 0.12 (by its source). The text holds less than the CIB: what is missing in it is in `PcsConfig.untold`. A constraint's lifetime is
printed since 0.11.6 only; pcs itself cannot set one.

Constraints: to 0.11.5 by `pcs/constraint.py`, `pcs/cli/constraint*/console_report.py` (`start A then start B (kind:Mandatory) (id:x)`, ids
since 0.9.161 or so); since 0.11.6 by `pcs/cli/constraint/output/` (`start resource 'A' then start resource 'B' (id: x)`, options below it).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from lwlint.core.facts import Unreadable
from lwlint.core.source import Source, Span, Text
from lwlint.inputs.pacemaker.facts import (
    BUNDLE_META,
    CONSTRAINTS,
    LOCATION_SETS,
    MORE_SETS,
    NODE_ATTRIBUTES,
    RULED_DEFAULTS,
    SET_ORDER,
    TEMPLATES,
)
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
        found.setdefault(match["name"], _unescape(block.part(first, last), line[first - 1 : first]))
    return found


def only_pair(block: Block) -> tuple[str, Text] | None:
    """Return the one pair that a line holds, as pcs prints them since 0.10; None for a line that is none."""
    match = re.match(r"""(?P<name>"[^"]+"|'[^']+'|[^\s=:"']+)=(?P<value>.*)$""", block.value)
    if match is None:
        return None
    start, end = match.span("value")
    if _is_quoted(block.value[start:end]):
        return match["name"].strip("\"'"), _unescape(block.part(start + 1, end - 1), block.value[start])
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


def _unescape(text: Text, quote: str) -> Text:
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
_CONSTRAINT_TAGS = {"order": "rsc_order", "colocation": "rsc_colocation", "location": "rsc_location", "ticket": "rsc_ticket"}
_KINDS = {"Ordering": "order", "Order": "order", "Colocation": "colocation", "Location": "location", "Ticket": "ticket"}
HEADING = re.compile(rf"(?P<kind>{'|'.join(_KINDS)})(?P<set> Set)? Constraints:$")


class ConstraintReading:
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
            found = Written(_CONSTRAINT_TAGS[kind], self.source, block.words.span, texts)
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
        yield Written(_CONSTRAINT_TAGS[kind], self.source, block.words.span, texts).has(sets)

    def _new_sets(self, kind: str, block: Block) -> Iterator[Written]:
        head = _NEW_SET.match(block.value)
        if head is None:
            self.odd.append(block)
            return
        found = Written(_CONSTRAINT_TAGS[kind], self.source, block.words.span, {"id": block.group(head, "id") or self._words(block)})
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


_KNOWN = re.compile(
    r"(?P<name>Cluster Name|Corosync Nodes|Pacemaker Nodes|Resources|Stonith Devices|Fencing Levels|Alerts|Resources Defaults"
    r"|Operations Defaults|Cluster Properties|Node Attributes|Tags|Quorum)(?: \([\w ]+\))?:(?: (?P<rest>.*))?$"
)
_HEAD = re.compile(r"^(?:Cluster Name:|Resources:[ \t\r]*$)", re.MULTILINE)
_TARGET = re.compile(r"(?:Target(?: \((?P<kind>\w+)\))?|Node): (?P<target>\S+)$")  # `Node:` to 0.9.152
_LEVEL = re.compile(r"Level (?P<index>\d+)(?: -|:) (?P<devices>\S.*)$")
_PROPERTY = re.compile(r"(?P<name>[\w.-]+)(?:: ?|=)(?P<value>.*)$")
_NODE = re.compile(r"(?P<uname>\S+):(?= |$)")


class PcsConfig(Struct, frozen=True):
    """What a text of `pcs config` says: a `cib` element, what such a text cannot say of it, and the lines that are not known."""

    root: Element
    untold: frozenset[str]
    odd: tuple[Text, ...]


def is_pcs_config(text: str) -> bool:
    """Return whether a text may be what `pcs config` printed; where there is no cluster, it prints an error instead."""
    return _HEAD.search(text) is not None


def read_pcs_config(source: Source) -> PcsConfig | Unreadable:
    """Return what the text says; `Unreadable` for one that ends before the cluster properties, which every version prints last but one."""
    top = blocks(source)
    found = [(match["name"], block) for block in top if (match := _KNOWN.match(block.value))]
    sections = dict(reversed(found))
    if "Cluster Properties" not in sections:
        end = len(source.text)
        message = "`pcs config`: the text ends before the cluster properties, so that parts of it are missing; it is not judged"
        return Unreadable(source.path, source.span(max(0, end - 1), end), message, source.host)
    resources, constraints = Reading(source), ConstraintReading(source)
    cib = _Text(source, sections, resources)
    parts = [cib.properties(), cib.nodes(), cib.resources()]
    part = Written("constraints", source, top[0].words.span, {})
    for block in top:
        if HEADING.match(block.value):
            part.has(constraints.section(block))
    parts += [part, cib.defaults("Resources Defaults", "rsc_defaults"), cib.defaults("Operations Defaults", "op_defaults")]
    parts += [cib.tags(), cib.levels()]
    name = sections.get("Cluster Name", top[0])
    configuration = Written("configuration", source, name.words.span, {}).has(parts)
    root = Written("cib", source, name.words.span, {}).has([configuration])
    odd = sorted({block.words for block in (*resources.odd, *constraints.odd, *cib.odd)}, key=lambda text: text.span)
    return PcsConfig(root, frozenset(_find_untold(sections, parts, resources, constraints)), tuple(odd))


def _find_untold(sections: dict[str, Block], parts: Iterable[Element], resources: Reading, constraints: ConstraintReading) -> Iterator[str]:
    if "Node Attributes" not in sections:
        yield NODE_ATTRIBUTES
    by_tag = {part.tag: part for part in parts}
    old = constraints.nameless or not by_tag["constraints"].children  # a pcs that prints no ids leaves out what is set on a bundle
    if old and any(each.tag == "bundle" for each in by_tag["resources"].children):
        yield BUNDLE_META
    if resources.templates:
        yield TEMPLATES
    if constraints.sorted_sets:
        yield SET_ORDER
    if constraints.location_sets:
        yield LOCATION_SETS
    if resources.nested:
        yield MORE_SETS
    if any(block.first("rule") is not None for tag in ("rsc_defaults", "op_defaults") for block in by_tag[tag].children):
        yield RULED_DEFAULTS


class _Text:
    """The sections of one text, each as the part of the CIB that it is of."""

    def __init__(self, source: Source, sections: dict[str, Block], resources: Reading) -> None:
        self.source = source
        self.sections = sections
        self.reading = resources
        self.odd: list[Block] = []

    def _part(self, tag: str, *names: str) -> tuple[Written, list[Block]]:
        there = [self.sections[name] for name in names if name in self.sections]
        place = there[0].words.span if there else self.source.span(0, 0)
        return Written(tag, self.source, place, {}), there

    def properties(self) -> Written:
        """Return `crm_config`; the name of the cluster is the heading's, where no property has it."""
        part, there = self._part("crm_config", "Cluster Properties")
        found = Written("cluster_property_set", self.source, part.span(), {})
        for block in (child for heading in there for child in heading.below):
            match = _PROPERTY.match(block.value)
            if match is not None:
                found.has([self._pair(block.group(match, "name"), block.group(match, "value"))])
            else:
                self.odd.append(block)
        named = _KNOWN.match(self.sections["Cluster Name"].value) if "Cluster Name" in self.sections else None
        if named is not None and named["rest"] and not any(pair.get("name") == "cluster-name" for pair in found.children):
            value = self.sections["Cluster Name"].group(named, "rest")
            found.has([self._pair(Text("cluster-name", part.span()), value)])
        return part.has([found])

    def _pair(self, name: Text | None, value: Text | None) -> Written:
        place = value.span if value is not None else self.source.span(0, 0)
        return Written("nvpair", self.source, place, {"name": name, "value": value})

    def nodes(self) -> Written:
        """Return `nodes`: those of Pacemaker that are no remote ones, with their attributes where pcs prints them."""
        part, there = self._part("nodes", "Pacemaker Nodes")
        attributes: dict[str, dict[str, Text]] = {}
        for block in self.sections["Node Attributes"].below if "Node Attributes" in self.sections else ():
            match = _NODE.match(block.value)
            if match is not None:
                attributes[match["uname"]] = pairs(block, match.end())
        for line in (child for heading in there for child in heading.below):
            for match in re.finditer(r"(?P<uname>\S+)", line.value):
                node = Written("node", self.source, line.words.span, {"uname": line.group(match, "uname")})
                own = attributes.get(match["uname"], {})
                inner = Written("instance_attributes", self.source, node.span(), {})
                part.has([node.has([inner.has(self._pair(Text(name, text.span), text) for name, text in own.items())])])
        return part

    def resources(self) -> Written:
        """Return `resources`: fencing devices come last; one that lies in a clone stands among the resources too, and counts there."""
        part, there = self._part("resources", "Resources", "Stonith Devices")
        for block in there:
            seen = {element.get("id") for element in part.walk()}
            # the fencing levels may stand below the devices, without a heading of their own
            lines = [child for child in block.below if not _TARGET.match(child.value)]
            part.has(e for e in self.reading.resources(Block(block.words, block.indent, lines)) if e.get("id") not in seen)
        return part.has(Written("template", self.source, text.span, {"id": text}) for text in self.reading.templates.values())

    def defaults(self, heading: str, tag: str) -> Written:
        """Return `rsc_defaults` or `op_defaults`."""
        part, there = self._part(tag, heading)
        for block in there:
            part.has(self.reading.defaults(block))
        return part

    def tags(self) -> Written:
        """Return `tags`."""
        part, there = self._part("tags", "Tags")
        for block in (child for heading in there for child in heading.below if child.value != "No tags defined"):
            refs = (Written("obj_ref", self.source, child.words.span, {"id": child.words}) for child in block.below)
            part.has([Written("tag", self.source, block.words.span, {"id": block.words}).has(refs)])
        return part

    def levels(self) -> Written:
        """Return `fencing-topology`."""
        part, there = self._part("fencing-topology", "Fencing Levels")
        for block in (child for heading in there for child in heading.below):
            target = _TARGET.match(block.value)
            for child in block.below:
                level = _LEVEL.match(child.value)
                if target is None or level is None:
                    self.odd.append(child)
                    continue
                devices = child.group(level, "devices")
                listed = Text(re.sub(r"[ ,]+", ",", devices.value), devices.span) if devices is not None else None
                texts = {"target": block.group(target, "target"), "index": child.group(level, "index"), "devices": listed}
                part.has([Written("fencing-level", self.source, child.words.span, texts)])
        return part


_TAGS = {"Resource": "primitive", "Group": "group", "Clone": "clone", "Master": "master", "Bundle": "bundle"}
_RESOURCE_HEAD = re.compile(r"(?P<what>Resource|Group|Clone|Master|Bundle): (?P<id>\S+)(?: \((?P<pairs>.*)\))?$")
_SET = re.compile(r"(?P<label>Attributes|Meta Attributes|Meta Attrs|Utilization|Secret [\w ]+?)(?: \((?P<state>[\w ]+)\))?:")
_CONTAINER = re.compile(r"(?P<engine>Docker|Podman|Rkt):")
_OP_ID = re.compile(r"(?<![ \t])[ \t]*\((?P<id>[^()\s]+)\)$")
_OPERATION = re.compile(r"(?P<name>[\w-]+)(?=[ \t]|$)")
_NEW_OPERATION = re.compile(r"(?P<name>[\w-]+):(?: (?P<id>\S+))?$")
_PASSED_OVER = re.compile(r"(?:Description|Storage Mapping|Port Mapping|Utilization|Secret [\w ]+):")
_WITH_ID = re.compile(r"(?<![ \t])[ \t]*\(id: \S+\)$")
_TAG_OF = {"Attributes": "instance_attributes", "Meta Attributes": "meta_attributes", "Meta Attrs": "meta_attributes"}


class Reading:
    """Reads the resources of one text. `odd` collects the lines that it does not know, `templates` the names of templates.

    `nested` tells that settings stand on lines of their own: such a pcs (0.11 and later) prints the first set of attributes only.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.odd: list[Block] = []
        self.templates: dict[str, Text] = {}
        self.nested = False

    def resources(self, block: Block) -> Iterator[Written]:
        """Yield the resources in the lines below `block`."""
        for child in block.below:
            head = _RESOURCE_HEAD.match(child.value)
            if head is None:
                self.odd.append(child)
            else:
                yield self._resource(child, head)

    def _resource(self, block: Block, head: re.Match[str]) -> Written:
        texts: dict[str, Text | None] = {}
        if head["pairs"] is not None:
            start, end = head.span("pairs")
            texts.update(pairs(Block(block.part(start, end), block.indent)))
        texts["id"] = block.group(head, "id")
        if texts.get("template") is not None:
            template = texts["template"]
            self.templates.setdefault(template.value if template is not None else "", template or block.words)
        return Written(_TAGS[head["what"]], self.source, block.words.span, texts).has(self._inside(block))

    def _inside(self, block: Block) -> Iterator[Written]:
        for child in block.below:
            if _RESOURCE_HEAD.match(child.value):
                yield from self.resources(Block(block.words, block.indent, [child]))
            elif child.value.startswith("Operations:"):
                yield self._operations(child)
            elif _PASSED_OVER.match(child.value):
                continue
            elif _SET.match(child.value):
                self.nested |= bool(child.below)
                yield self.attributes(child)
            elif _CONTAINER.match(child.value):
                engine = child.value.partition(":")[0]
                yield Written(engine.lower(), self.source, child.words.span, pairs(child, len(engine) + 1))
            elif child.value.startswith("Network:"):
                yield Written("network", self.source, child.words.span, pairs(child, len("Network:")))
            else:
                self.odd.append(child)

    def attributes(self, block: Block) -> Written:
        """Return the set of attributes whose heading `block` is: its pairs stand on the heading's line, or one on each below it."""
        head = _SET.match(block.value)
        if head is None:
            self.odd.append(block)
            return Written("meta_attributes", self.source, block.words.span, {})
        found = Written(_TAG_OF.get(head["label"], "utilization"), self.source, block.words.span, {})
        if not block.below:
            return found.has(self._pair(name, text) for name, text in pairs(block, head.end()).items())
        for child in block.below:
            named = only_pair(child)
            if RULE.match(child.value):
                found.has([rule(self.source, child)])
            elif named is not None:
                name, text = named
                mark = _WITH_ID.search(text.value)
                if mark is not None:
                    text = Text(text.value[: mark.start()], text.span._replace(end=text.span.start + mark.start()))
                found.has([self._pair(name, text)])
            elif not _PASSED_OVER.match(child.value):
                self.odd.append(child)
        return found

    def _pair(self, name: str, value: Text) -> Written:
        return Written("nvpair", self.source, value.span, {"name": Text(name, value.span), "value": value})

    def _operations(self, block: Block) -> Written:
        found = Written("operations", self.source, block.words.span, {})
        start = len("Operations:") + len(block.value[len("Operations:") :]) - len(block.value[len("Operations:") :].lstrip())
        if start < len(block.value):
            found.has([self._old_operation(Block(block.part(start, len(block.value)), block.indent))])
        for child in block.below:
            new = _NEW_OPERATION.match(child.value)
            if new is None:
                found.has([self._old_operation(child)])
                continue
            texts: dict[str, Text | None] = {"name": child.group(new, "name"), "id": child.group(new, "id")}
            for line in child.below:  # one pair on each; since 0.11.6 several
                found_here = pairs(line)
                self.odd += [] if found_here else [line]
                texts.update({name: text for name, text in found_here.items() if name not in texts})
            found.has([Written("op", self.source, child.words.span, texts)])
        return found

    def _old_operation(self, block: Block) -> Written:
        """Return an operation on one line: `monitor interval=10 timeout=20 (id)`."""
        name, mark = _OPERATION.match(block.value), _OP_ID.search(block.value)
        if name is None:
            self.odd.append(block)
            return Written("op", self.source, block.words.span, {})
        end = mark.start() if mark is not None else len(block.value)
        texts: dict[str, Text | None] = dict(pairs(Block(block.part(0, end), block.indent), name.end()))
        texts["name"] = block.group(name, "name")
        texts["id"] = block.group(mark, "id") if mark is not None else None
        return Written("op", self.source, block.words.span, texts)

    def defaults(self, block: Block) -> Iterator[Written]:
        """Yield the sets below `Resources Defaults:`; before pcs 0.10.6 a default is a line `name: value`, with no set around it."""
        flat = Written("meta_attributes", self.source, block.words.span, {})
        for child in block.below:
            old = re.match(r"(?P<name>[\w-]+)[:=] ?(?P<value>.*)$", child.value)
            if _SET.match(child.value):
                yield self.attributes(child)
            elif child.value.startswith("No defaults set"):
                continue
            elif old is not None:
                flat.has([self._pair(old["name"], child.part(old.start("value"), old.end("value")))])
            else:
                self.odd.append(child)
        if flat.children:
            yield flat


_RESOURCES = ("primitives", "groups", "clones", "bundles")
_CONSTRAINTS = ("location", "location_set", "colocation", "colocation_set", "order", "order_set")
_OTHERS = ("ticket", "ticket_set", "nvsets", "nodes", "tags", "meta_attributes", "instance_attributes")
_OPTIONS = ("score", "node", "resource_discovery", "kind", "symmetrical", "require_all")
_Json = Mapping[str, Any]


def read_pcs_json(source: Source) -> PcsConfig | Unreadable:
    """Return what the documents say; `Unreadable` for text that is no JSON, or that holds no resources."""
    try:
        documents = _documents(source.text)
    except (json.JSONDecodeError, RecursionError) as error:
        at = min(getattr(error, "pos", 0), max(0, len(source.text) - 1))
        return Unreadable(source.path, source.span(at, min(at + 1, len(source.text))), "is not JSON as pcs prints it", source.host)
    if not any("primitives" in each for each in documents):
        message = "holds no resources (`pcs resource config --output-format=json`), so that nothing is judged by it"
        return Unreadable(source.path, source.span(0, min(1, len(source.text))), message, source.host)
    reading = _Reading(source)
    try:
        for document in documents:
            reading.take(document)
        root = reading.root()
    except (KeyError, TypeError, AttributeError, ValueError):
        message = "is of no form of pcs that is known, so that it is not judged"
        return Unreadable(source.path, source.span(0, min(1, len(source.text))), message, source.host)
    untold = {NODE_ATTRIBUTES} if not any("nodes" in each for each in documents) else set()
    if not any("colocation" in each for each in documents):
        untold.add(CONSTRAINTS)
    return PcsConfig(root, frozenset(untold), tuple(reading.odd))


def _documents(text: str) -> list[_Json]:
    found: list[_Json] = []
    decoder, at = json.JSONDecoder(), 0
    text = text.lstrip("\ufeff")
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        document, at = decoder.raw_decode(text, at)
        if not isinstance(document, dict):
            raise json.JSONDecodeError("no object", text, 0)
        found.append(document)
    return found


class _Reading:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.odd: list[Text] = []
        names = ("crm_config", "nodes", "resources", "constraints", "tags")
        self.parts = {name: Written(name, source, source.span(0, 0), {}) for name in names}
        self.tops: dict[str, Written] = {}
        self.held: set[str] = set()

    def root(self) -> Written:
        """Return the `cib` element."""
        self.parts["resources"].has([found for name, found in self.tops.items() if name not in self.held])
        place = self.source.span(0, min(1, len(self.source.text)))
        return Written("cib", self.source, place, {}).has([Written("configuration", self.source, place, {}).has(self.parts.values())])

    def text(self, value: object) -> Text | None:
        """Return a value as the CIB has it, at the first place where it stands."""
        if value is None:
            return None
        words = str(value).lower() if isinstance(value, bool) else str(value)
        at = self.source.text.find(json.dumps(words))
        return Text(words, self.source.span(at + 1, at + len(json.dumps(words)) - 1) if at >= 0 else self.source.span(0, 0))

    def element(self, tag: str, values: Mapping[str, object]) -> Written:
        """Return an element with the attributes that have values; their names are pcs's, with `-` in place of `_`."""
        texts = {name.replace("_", "-"): self.text(value) for name, value in values.items()}
        first = next((text.span for text in texts.values() if text is not None), self.source.span(0, 0))
        return Written(tag, self.source, first, texts)

    def take(self, document: _Json) -> None:
        """Add what one document says; a part that is of no use here is told."""
        for name in document:
            if name not in (*_RESOURCES, *_CONSTRAINTS, *_OTHERS) and (key := self.text(name)) is not None:
                self.odd.append(key)
        for each in document.get("primitives", ()):
            self.primitive(each)
        for each in document.get("groups", ()):
            self.holding("group", each, each["member_ids"])
        for each in document.get("clones", ()):
            self.holding("clone", each, [each["member_id"]])
        for each in document.get("bundles", ()):
            self.bundle(each)
        self.parts["crm_config"].has(self.sets("cluster_property_set", document.get("nvsets", ())))
        for each in document.get("nodes", ()):
            node = self.element("node", {name: each.get(name) for name in ("id", "uname", "type")})
            self.parts["nodes"].has([node.has(self.sets("instance_attributes", each["instance_attributes"]))])
        for each in document.get("tags", ()):
            refs = (self.element("obj_ref", {"id": name}) for name in each["idref_list"])
            self.parts["tags"].has([self.element("tag", {"id": each["id"]}).has(refs)])
        self.constraints(document)

    def sets(self, tag: str, sets: Iterable[_Json]) -> Iterator[Written]:
        """Yield sets of name and value."""
        for each in sets:
            found = self.element(tag, {"id": each["id"], **each.get("options", {})})
            if each.get("rule"):
                found.has([self.rule(each["rule"])])
            yield found.has(
                Written("nvpair", self.source, text.span, {"name": Text(pair["name"], text.span), "value": text})
                for pair in each["nvpairs"]
                if (text := self.text(pair["value"])) is not None
            )

    def rule(self, each: _Json) -> Written:
        """Return a rule, or an expression in one."""
        found = self.element(str(each["type"]).lower(), {"id": each["id"], **each["options"]})
        for name in ("date_spec", "duration"):
            if each.get(name):
                found.has([self.element(name, {"id": each[name]["id"], **each[name]["options"]})])
        return found.has(self.rule(inner) for inner in each.get("expressions", ()))

    def _attributes(self, found: Written, each: _Json) -> Written:
        for name in ("instance_attributes", "meta_attributes", "utilization"):
            found.has(self.sets(name, each.get(name, ())))
        return found

    def primitive(self, each: _Json) -> None:
        agent = each["agent_name"]
        values = {"id": each["id"], "class": agent["standard"], "provider": agent.get("provider"), "type": agent["type"]}
        found = self._attributes(self.element("primitive", values), each)
        operations = Written("operations", self.source, found.span(), {})
        for operation in each.get("operations", ()):
            plain = {name: value for name, value in operation.items() if not isinstance(value, list)}
            operations.has([self._attributes(self.element("op", plain), operation)])
        self.tops[each["id"]] = found.has([operations] if operations.children else [])

    def holding(self, tag: str, each: _Json, members: list[str]) -> None:
        found = self._attributes(self.element(tag, {"id": each["id"]}), each)
        self.held.update(members)
        self.tops[each["id"]] = found.has(self.tops[name] for name in members)

    def bundle(self, each: _Json) -> None:
        found = self._attributes(self.element("bundle", {"id": each["id"]}), each)
        if each.get("container_type"):
            found.has([self.element(str(each["container_type"]).lower(), each.get("container_options") or {})])
        network = self.element("network", each.get("network") or {})
        for mapping in each.get("port_mappings", ()):
            network.has([self.element("port-mapping", {"port": mapping.get("port"), **mapping})])
        if each.get("network") or network.children:
            found.has([network])
        if each.get("storage_mappings"):
            mappings = (self.element("storage-mapping", mapping) for mapping in each["storage_mappings"])
            found.has([Written("storage", self.source, found.span(), {}).has(mappings)])
        member = each.get("member_id")
        if member:
            self.held.add(member)
            found.has([self.tops[member]])
        self.tops[each["id"]] = found

    def constraints(self, document: _Json) -> None:
        """Add the constraints; those on tickets bind no resource to another."""
        for kind in _CONSTRAINTS:
            tag = "rsc_" + kind.removesuffix("_set")
            for each in document.get(kind, ()):
                own = each["attributes"]
                values: dict[str, object] = {"id": own["constraint_id"]}
                values.update(
                    (name, own.get(name)) for name in ("score", "node", "resource_discovery", "kind", "symmetrical", "require_all")
                )
                values.update((_NAMES[name], each[name]) for name in each if name in _NAMES)
                found = self.element(tag, values)
                found.has(self.rule(rule) for rule in own.get("rules", ()))
                if own.get("lifetime"):
                    found.has([Written("lifetime", self.source, found.span(), {}).has(self.rule(rule) for rule in own["lifetime"])])
                self.parts["constraints"].has([found.has(self._set(one) for one in each.get("resource_sets", ()))])

    def _set(self, each: _Json) -> Written:
        values = {name: each.get(name) for name in ("sequential", "require_all", "ordering", "action", "role", "score", "kind")}
        refs = (self.element("resource_ref", {"id": name}) for name in each["resources_ids"])
        return self.element("resource_set", {"id": each["set_id"], **values}).has(refs)


_NAMES = {
    "resource_id": "rsc", "resource_pattern": "rsc_pattern", "with_resource_id": "with_rsc", "node_attribute": "node_attribute",
    "resource_role": "rsc_role", "with_resource_role": "with_rsc_role", "role": "role", "first_resource_id": "first",
    "then_resource_id": "then", "first_action": "first_action", "then_action": "then_action",
}  # fmt: skip
