"""Constraints as `pcs config` prints them -> the elements of the CIB that they are of.

Sources: to 0.11.5 `pcs/constraint.py`, `pcs/cli/constraint*/console_report.py` (`start A then start B (kind:Mandatory) (id:x)`, ids since
0.9.161 or so); since 0.11.6 `pcs/cli/constraint/output/` (`start resource 'A' then start resource 'B' (id: x)`, options below it).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lwlint.core.source import Source, Text
from lwlint.inputs.pacemaker.pcs_lines import RULE, Block, Written, pairs, rule

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
