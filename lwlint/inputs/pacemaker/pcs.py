"""`pcs config`, the text -> the elements of the CIB that it is of, with their places in the text.

Formats: pcs 0.9.115 to 0.9.152 (by their source, 0.9.143 and 0.9.152 in print), 0.9.158, 0.9.169, 0.10.8, 0.11.5 (each met in print)
and 0.12 (by its source). The text holds less than the CIB: what is missing in it is in `PcsConfig.untold`. A constraint's lifetime is
printed since 0.11.6 only; pcs itself cannot set one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from lwlint.core.facts import Unreadable
from lwlint.core.source import Source, Text
from lwlint.inputs.pacemaker import pcs_lines
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
from lwlint.inputs.pacemaker.pcs_lines import RULE, Block, Written, blocks, only_pair, pairs, rule
from lwlint.inputs.pacemaker.xml import Element

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
    resources, constraints = Reading(source), pcs_lines.Reading(source)
    cib = _Text(source, sections, resources)
    parts = [cib.properties(), cib.nodes(), cib.resources()]
    part = Written("constraints", source, top[0].words.span, {})
    for block in top:
        if pcs_lines.HEADING.match(block.value):
            part.has(constraints.section(block))
    parts += [part, cib.defaults("Resources Defaults", "rsc_defaults"), cib.defaults("Operations Defaults", "op_defaults")]
    parts += [cib.tags(), cib.levels()]
    name = sections.get("Cluster Name", top[0])
    configuration = Written("configuration", source, name.words.span, {}).has(parts)
    root = Written("cib", source, name.words.span, {}).has([configuration])
    odd = sorted({block.words for block in (*resources.odd, *constraints.odd, *cib.odd)}, key=lambda text: text.span)
    return PcsConfig(root, frozenset(_untold(sections, parts, resources, constraints)), tuple(odd))


def _untold(sections: dict[str, Block], parts: Iterable[Element], resources: Reading, constraints: pcs_lines.Reading) -> Iterator[str]:
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
