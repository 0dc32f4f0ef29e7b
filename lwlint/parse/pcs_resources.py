"""Resources, fencing devices and defaults as `pcs config` prints them -> the elements of the CIB that they are of.

Sources: pcs 0.9.158 and 0.9.169, `pcs/resource.py` (`print_node`, `resource_node_lines`); 0.11 and later, `pcs/cli/resource/output.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lwlint.parse.pcs_lines import Block, Written, only_pair, pairs
from lwlint.parse.pcs_rules import RULE, rule
from lwlint.source import Source, Text

_TAGS = {"Resource": "primitive", "Group": "group", "Clone": "clone", "Master": "master", "Bundle": "bundle"}
_HEAD = re.compile(r"(?P<what>Resource|Group|Clone|Master|Bundle): (?P<id>\S+)(?: \((?P<pairs>.*)\))?$")
_SET = re.compile(r"(?P<label>Attributes|Meta Attributes|Meta Attrs|Utilization|Secret [\w ]+?)(?: \((?P<state>[\w ]+)\))?:")
_CONTAINER = re.compile(r"(?P<engine>Docker|Podman|Rkt):")
_OP_ID = re.compile(r"[ \t]*\((?P<id>[^()\s]+)\)$")
_OPERATION = re.compile(r"(?P<name>[\w-]+)(?=[ \t]|$)")
_NEW_OPERATION = re.compile(r"(?P<name>[\w-]+):(?: (?P<id>\S+))?$")
_PASSED_OVER = re.compile(r"(?:Description|Storage Mapping|Port Mapping|Utilization|Secret [\w ]+):")
_WITH_ID = re.compile(r"[ \t]*\(id: \S+\)$")
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
            head = _HEAD.match(child.value)
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
            if _HEAD.match(child.value):
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
