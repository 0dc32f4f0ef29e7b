"""What `pcs ... config --output-format=json` prints -> the elements of the CIB that it is of, with their places in the text.

Formats: pcs 0.11.3 to 0.12, `pcs/common/pacemaker/` (the transfer objects of resources, constraints, properties, nodes and tags).
A file may hold the documents of several commands, one after the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lwlint.core.facts import Unreadable
from lwlint.core.source import Source, Text
from lwlint.inputs.pacemaker.facts import CONSTRAINTS, NODE_ATTRIBUTES
from lwlint.inputs.pacemaker.pcs import PcsConfig
from lwlint.inputs.pacemaker.pcs_lines import Written

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
        return Unreadable(source.path, source.span(at, min(at + 1, len(source.text))), "is no JSON as pcs prints it", source.host)
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
