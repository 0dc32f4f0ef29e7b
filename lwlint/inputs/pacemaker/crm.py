"""What SUSE's tools print: `crm configure show` -> the elements of the CIB that it is of, and the parts of a supportconfig's `ha.txt`.

After crmsh 2 to 4 (`crmsh/cibconfig.py`, `crmsh/parse.py`): one entry on a line, which `\\` continues; `primitive ID CLASS:PROVIDER:TYPE`,
`params`, `meta`, `op`; `location`, `colocation SCORE: A B`, `order KIND: A B`. An agent without a class is of ocf:heartbeat.

After supportutils 3.0 to 3.2 (`bin/supportconfig`: `log_cmd`, `conf_files`): a line `#==[ Command ]====#` or
`#==[ Configuration File ]====#`, then `# COMMAND` or `# PATH`, then the text: what each command printed and each file held.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from lwlint.core.facts import Unreadable
from lwlint.core.source import Source, Span, Text
from lwlint.inputs.pacemaker.pcs import PcsConfig, Written
from lwlint.inputs.pacemaker.xml import read_xml

_ENTRY = re.compile(
    r"^(?P<what>node|primitive|rsc_template|group|clone|ms|master|bundle|location|colocation|collocation|order|property|rsc_defaults|op_defaults"
    r"|tag|fencing_topology|rsc_ticket|user|role|acl_target|alert|monitor|xml)\b",
    re.MULTILINE,
)
_IS_CONFIG = re.compile(r"^(?:primitive \S+ \S+|property (?:\$id=\S+ |\S+: )?(?:\\$|\S+=))", re.MULTILINE)
_TOKEN = re.compile(r'(?:[^\s"\\]|\\[^\n]|"(?:\\.|[^"\\])*")+')
_PAIR = re.compile(r"(?P<name>[$#]?[\w.-]+)=(?P<value>.*)$", re.DOTALL)
_NAMED = {"user": ("acls", "acl_target"), "acl_target": ("acls", "acl_target"), "role": ("acls", "acl_role"), "alert": ("alerts", "alert")}
_OF_BUNDLE = ("docker", "podman", "rkt", "network", "storage", "port-mapping", "storage-mapping", "primitive", "meta")
_WHERE = {  # the part of the CIB that an element lies in
    "node": "nodes", "tag": "tags", "template": "resources", "cluster_property_set": "crm_config", "fencing-level": "fencing-topology",
    "rsc_location": "constraints", "rsc_colocation": "constraints", "rsc_order": "constraints", "rsc_ticket": "constraints",
    "alert": "alerts", "acl_target": "acls", "acl_group": "acls", "acl_role": "acls", "acl_user": "acls",
}  # fmt: skip
_HOLDERS = ("primitive", "group", "clone", "master", "bundle")
_SCORE = re.compile(r"(?P<score>[+-]?(?:inf|INF|infinity|INFINITY|\d+)|[A-Za-z][\w-]*):(?P<node>\S*)$")
_IN_TURN = {"node": 0, "primitive": 0, "group": 1, "clone": 2, "ms": 2, "master": 2, "bundle": 2}  # what holds others stands in any order
_SET = "_rsc_set_"  # before a set of no more than two, to tell it from a constraint of two
_KINDS = ("Mandatory", "Optional", "Serialize")
_SECTIONS = {"params": "instance_attributes", "meta": "meta_attributes", "attributes": "instance_attributes", "utilization": "utilization"}
_DATES = {"in": "in_range", "in_range": "in_range", "spec": "date_spec", "date_spec": "date_spec"}
_BINARY = ("eq", "ne", "lt", "gt", "lte", "gte")


def is_crm_config(text: str) -> bool:
    """Return whether a text may be what `crm configure show` printed; where there is no cluster, it prints an error instead."""
    return _IS_CONFIG.search(text) is not None and "Cluster Name:" not in text


def read_crm_config(source: Source) -> PcsConfig | Unreadable:
    """Return what the text says; a line of no known form is told as odd, and what it says is left out."""
    reading = _Reading(source)
    entries = [match for match in _ENTRY.finditer(source.text) if not _continues(source.text, match.start())]
    ends = [*(match.start() for match in entries[1:]), len(source.text)]
    for match, end in sorted(zip(entries, ends), key=lambda entry: _IN_TURN.get(entry[0]["what"], 3)):
        reading.entry(match.start(), end)
    reading.odd.sort(key=lambda text: text.span)
    return PcsConfig(reading.root(), frozenset(), tuple(reading.odd))


def _continues(text: str, at: int) -> bool:
    return text[:at].rstrip("\r\n").endswith("\\") and text[:at].endswith("\n")


class _Reading:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.odd: list[Text] = []
        self.parts = {
            name: self._make_written(name, source.span(0, 0))
            for name in (
                "crm_config",
                "nodes",
                "resources",
                "constraints",
                "tags",
                "rsc_defaults",
                "op_defaults",
                "fencing-topology",
                "acls",
                "alerts",
            )
        }
        self.tops: dict[str, Written] = {}
        self.held: set[str] = set()

    def root(self) -> Written:
        """Return the `cib` element: what a group or a clone holds stands inside it."""
        for found in self.tops.values():
            if found.get("id") not in self.held:
                self.parts["resources"].has([found])
        place = self.source.span(0, min(1, len(self.source.text)))
        return self._make_written("cib", place).has([self._make_written("configuration", place).has(self.parts.values())])

    def entry(self, start: int, end: int) -> None:
        words = [Text(m.group(), Span(self.source.path, m.start(), m.end())) for m in _TOKEN.finditer(self.source.text, start, end)]
        words = [word for word in words if word.value != "\\"]
        what = words[0].value
        read = {
            "bundle": self._bundle, "fencing_topology": self._topology, "rsc_ticket": self._ticket, "monitor": self._monitor,
            "user": self._read_named, "role": self._read_named, "acl_target": self._read_named, "alert": self._read_named, "xml": self._xml,
            "node": self._node, "primitive": self._primitive, "rsc_template": self._primitive, "group": self._group, "clone": self._clone,
            "ms": self._clone, "master": self._clone, "location": self._location, "colocation": self._colocation,
            "collocation": self._colocation, "order": self._order, "property": self._property, "rsc_defaults": self._property,
            "op_defaults": self._property, "tag": self._tag,
        }.get(what)  # fmt: skip
        if len(words) < 2 or read is None or not read(words):
            self.odd.append(Text(self.source.text[start:end].split("\n")[0], Span(self.source.path, start, words[-1].span.end)))

    def _make_written(self, tag: str, place: Span, **texts: Text | None) -> Written:
        return Written(tag, self.source, place, {name.replace("_", "-"): text for name, text in texts.items()})

    def _pair(self, name: str, value: Text) -> Written:
        return Written("nvpair", self.source, value.span, {"name": Text(name, value.span), "value": value})

    def _pairs(self, words: Iterable[Text]) -> Iterator[tuple[str, Text]]:
        for word in words:
            match = _PAIR.match(word.value)
            if match is not None and not match["name"].startswith("$"):
                yield match["name"], _unquote(word, match.start("value"))

    def _sections(self, words: list[Text], found: Written) -> None:
        """Add what stands behind `params`, `meta`, `op` and so on to an element."""
        section, operations = "", self._make_written("operations", found.span())
        rest: list[Text] = []
        for word in [*words, None]:
            if word is None or word.value in (*_SECTIONS, "op", "operations", "docker", "podman", "rkt", "network", "storage"):
                self._section(section, rest, found, operations)
                section, rest = (word.value, []) if word is not None else ("", [])
            else:
                rest.append(word)
        if operations.children:
            found.has([operations])

    def _section(self, section: str, words: list[Text], found: Written, operations: Written) -> None:
        if section in _SECTIONS:
            found.has(
                [self._make_written(_SECTIONS[section], found.span()).has(self._pair(name, text) for name, text in self._pairs(words))]
            )
        elif section == "op" and words:
            texts: dict[str, Text | None] = dict(self._pairs(words[1:]))
            operations.has([Written("op", self.source, words[0].span, {**texts, "name": words[0]})])

    def _node(self, words: list[Text]) -> bool:
        rest = [word for word in words[1:] if not word.value.startswith("$id=")]
        number = rest.pop(0) if rest and rest[0].value.endswith(":") else None
        if not rest:
            return False
        name, _, kind = rest[0].value.partition(":")
        uname = Text(name, rest[0].span._replace(end=rest[0].span.start + len(name)))
        node = self._make_written("node", uname.span, uname=uname, id=Text(number.value[:-1], number.span) if number is not None else uname)
        if kind:
            node.texts["type"] = Text(kind, uname.span)
            node.attributes["type"] = kind
        self._sections(rest[1:], node)
        if not any(word.value in _SECTIONS for word in rest[1:]):
            pairs = [self._pair(name, text) for name, text in self._pairs(rest[1:])]
            node.has([self._make_written("instance_attributes", uname.span).has(pairs)] if pairs else [])
        self.parts["nodes"].has([node])
        return True

    def _primitive(self, words: list[Text]) -> bool:
        if len(words) < 3:
            return False
        name, agent = words[1], words[2]
        texts: dict[str, Text | None] = {"id": name}
        if agent.value.startswith("@"):
            texts["template"] = Text(agent.value[1:], agent.span)
        else:
            parts = agent.value.split(":")
            if parts[0] not in ("ocf", "lsb", "systemd", "service", "upstart", "stonith", "heartbeat", "nagios"):
                parts = ["ocf", *(parts if len(parts) > 1 else ["heartbeat", *parts])]
            elif parts[0] == "ocf" and len(parts) == 2:
                parts.insert(1, "heartbeat")
            values = dict(
                zip(
                    ("class", "provider", "type") if parts[0] == "ocf" else ("class", "type"),
                    (*parts[:2], ":".join(parts[2:])) if parts[0] == "ocf" else (parts[0], ":".join(parts[1:])),
                )
            )
            texts.update({key: Text(value, agent.span) for key, value in values.items()})
        tag = "template" if words[0].value == "rsc_template" else "primitive"
        found = Written(tag, self.source, name.span, texts)
        self._sections(words[3:], found)
        if tag == "template":
            self.parts["resources"].has([found])
        else:
            self.tops.setdefault(name.value, found)
        return True

    def _group(self, words: list[Text]) -> bool:
        names = [word for word in self._until_section(words[2:]) if "=" not in word.value]
        return self._holding("group", words, names)

    def _clone(self, words: list[Text]) -> bool:
        names = self._until_section(words[2:])[:1]
        return self._holding("clone" if words[0].value == "clone" else "master", words, names)

    def _until_section(self, words: list[Text]) -> list[Text]:
        found = []
        for word in words:
            if word.value in _SECTIONS or word.value == "description":
                break
            found.append(word)
        return found

    def _holding(self, tag: str, words: list[Text], names: list[Text]) -> bool:
        inner = [self.tops[name.value] for name in names if name.value in self.tops]
        if not names or len(inner) < len(names):
            return False
        found = Written(tag, self.source, words[1].span, {"id": words[1]}).has(inner)
        self._sections(words[2:], found)
        self.held |= {name.value for name in names}
        self.tops.setdefault(words[1].value, found)
        return True

    def _bundle(self, words: list[Text]) -> bool:
        found = Written("bundle", self.source, words[1].span, {"id": words[1]})
        parts: dict[str, Written] = {}
        at = 2
        while at < len(words):
            what = words[at].value
            if what not in _OF_BUNDLE:
                return False
            end = next((n for n in range(at + 1, len(words)) if words[n].value in _OF_BUNDLE), len(words))
            inside = words[at + 1 : end]
            at = end
            if what == "primitive":
                member = self.tops.get(inside[0].value) if len(inside) == 1 else None
                if member is None:
                    return False
                self.held.add(inside[0].value)
                found.has([member])
            elif what == "meta":
                pairs = [self._pair(name, text) for name, text in self._pairs(inside)]
                found.has([self._make_written("meta_attributes", found.span()).has(pairs)])
            else:
                element = Written(what, self.source, words[at - len(inside) - 1].span, dict(self._pairs(inside)))
                holder = {"port-mapping": "network", "storage-mapping": "storage"}.get(what)
                if holder is None:
                    parts[what] = element
                    found.has([element])
                elif holder in parts:
                    parts[holder].has([element])
                else:
                    return False
        self.tops.setdefault(words[1].value, found)
        return True

    def _topology(self, words: list[Text]) -> bool:
        """Read the levels of fencing: devices of one level are joined by commas, and those for no target are for each node."""
        levels: list[tuple[Text | None, Text]] = []
        target: Text | None = None
        for word in words[1:]:
            if word.value.endswith(":"):
                target = Text(word.value[:-1], word.span._replace(end=word.span.end - 1))
            elif word.value.startswith(("pattern:", "attr:")):
                return False
            else:
                levels.append((target, word))
        nodes = [node.text("uname") for node in self.parts["nodes"].children]
        counts: dict[str, int] = {}
        for whose, devices in levels:
            for node in [whose] if whose is not None else nodes:
                name = node.value if node is not None else ""
                counts[name] = counts.get(name, 0) + 1
                index = Text(str(counts[name]), devices.span)
                self.parts["fencing-topology"].has(
                    [self._make_written("fencing-level", devices.span, target=node, index=index, devices=devices)]
                )
        return bool(levels)

    def _ticket(self, words: list[Text]) -> bool:
        """Read what binds resources to a ticket; it binds none to another."""
        named = [word for word in words[3:] if not _PAIR.match(word.value)]
        if not named or not words[2].value.endswith(":"):
            return False
        ticket = Text(words[2].value[:-1], words[2].span)
        self.parts["constraints"].has([self._make_written("rsc_ticket", words[1].span, id=words[1], ticket=ticket)])
        return True

    def _monitor(self, words: list[Text]) -> bool:
        if len(words) != 3:
            return False
        name, role = _split(words[1])
        interval, _, timeout = words[2].value.partition(":")
        found = self.tops.get(name.value)
        if found is None or found.tag != "primitive":
            return False
        span = words[2].span
        texts = {"name": Text("monitor", words[0].span), "interval": Text(interval, span), "role": role}
        texts["timeout"] = Text(timeout, span) if timeout else None
        operation = Written("op", self.source, span, texts)
        there = found.first("operations")
        if isinstance(there, Written):
            there.has([operation])
        else:
            found.has([self._make_written("operations", found.span()).has([operation])])
        return True

    def _read_named(self, words: list[Text]) -> bool:
        """Read that there is an alert, or somebody with rights: nothing is judged by what it says."""
        part, tag = _NAMED[words[0].value]
        self.parts[part].has([self._make_written(tag, words[1].span, id=Text(words[1].value.rstrip(":"), words[1].span))])
        return True

    def _xml(self, words: list[Text]) -> bool:
        """Read an element that crmsh has no words for, printed as it is in the CIB."""
        start, end = words[1].span.start, words[-1].span.end
        inner = re.sub(r"\\(?=\r?\n)", " ", self.source.text[start:end])
        found = read_xml(Source(self.source.path, " " * start + inner, self.source.kind, self.source.host))
        if isinstance(found, Unreadable):
            return False
        name = found.get("id") or ""
        if found.tag in _HOLDERS and name:
            self.tops[name] = Written(
                found.tag, self.source, words[1].span, {key: Text(value, words[1].span) for key, value in found.attributes.items()}
            ).has(found.children)
            return True
        part = _WHERE.get(found.tag)
        if part is not None:
            self.parts[part].has([found])
        return part is not None

    def _property(self, words: list[Text]) -> bool:
        what = words[0].value
        section = {"property": "crm_config"}.get(what, what)
        tag = "cluster_property_set" if what == "property" else "meta_attributes"
        name = next((Text(word.value[:-1], word.span) for word in words[1:] if word.value.endswith(":") and "=" not in word.value), None)
        ruled = any(word.value == "rule" for word in words)
        pairs = [self._pair(key, text) for key, text in self._pairs(words[1:])]
        if not ruled:
            self.parts[section].has([self._make_written(tag, words[0].span, id=name).has(pairs)])
        return not ruled

    def _tag(self, words: list[Text]) -> bool:
        names = [Text(word.value.rstrip(":"), word.span) for word in words[1:] if word.value.rstrip(":")]
        refs = (self._make_written("obj_ref", text.span, id=text) for text in names[1:])
        self.parts["tags"].has([self._make_written("tag", names[0].span, id=names[0]).has(refs)])
        return True

    def _constraint(self, tag: str, name: Text, **texts: Text | None) -> Written:
        found = self._make_written(tag, name.span, id=name, **texts)
        self.parts["constraints"].has([found])
        return found

    def _location(self, words: list[Text]) -> bool:
        if len(words) < 4:
            return False
        name, resource, rest = words[1], words[2], words[3:]
        inside: list[Written] = []
        if resource.value in ("{", "(", "["):
            end = next((at for at, word in enumerate(rest) if word.value in ("}", ")", "]")), -1)
            if end < 1:
                return False
            inside = self._sets(rest[:end], "role")
            rest = rest[end + 1 :]
        options: dict[str, Text | None] = {}
        while rest and _PAIR.match(rest[0].value) and rest[0].value != "rule":
            options.update(self._pairs([rest.pop(0)]))
        match = _SCORE.match(rest[0].value) if rest else None
        options = {key: text for key, text in options.items() if key in ("role", "resource-discovery")}
        target = {"rsc-pattern": Text(resource.value[1:-1], resource.span)} if resource.value[:1] == "/" else {"rsc": resource}
        target = {} if inside else target
        if match is not None and (match["node"] or len(rest) == 2):
            node = _unquote(rest[0], match.start("node")) if match["node"] else rest[1]
            score = Text(_score(match["score"]), rest[0].span)
            found = Written("rsc_location", self.source, name.span, {"id": name, **target, "score": score, "node": node, **options})
            self.parts["constraints"].has([found.has(inside)])
            return True
        if not rest or rest[0].value != "rule":
            return False
        rules = self._rules(rest)
        if rules is None:
            return False
        self.parts["constraints"].has(
            [Written("rsc_location", self.source, name.span, {"id": name, **target, **options}).has([*inside, *rules])]
        )
        return True

    def _rules(self, words: list[Text]) -> list[Written] | None:
        """Return the rules of a location constraint; None where one is of a form that is not known."""
        parts: list[list[Text]] = []
        for word in words:
            if word.value == "rule":
                parts.append([])
            else:
                parts[-1].append(word)
        found = [self._rule(part) for part in parts]
        return None if None in found else [each for each in found if each is not None]

    def _rule(self, words: list[Text]) -> Written | None:
        words = [word for word in words if not word.value.startswith("$id")]
        role = next(
            (text for name, text in self._pairs(Text(w.value.lstrip("$"), w.span) for w in words if w.value.startswith("$role"))), None
        )
        words = [word for word in words if not word.value.startswith("$")]
        match = _SCORE.match(words[0].value) if words else None
        if not words or (match is not None and match["node"]):
            return None
        # a score of INFINITY is left out
        score = Text(_score(match["score"]) if match is not None else "INFINITY", words[0].span)
        numeric = re.fullmatch(r"[+-]?(?:INFINITY|\d+)", score.value) is not None
        expressions: list[Written] = []
        joined = "and"
        at = 1 if match is not None else 0
        while at < len(words):
            word = words[at].value
            if word in ("and", "or"):
                joined = word
                at += 1
            elif word in ("defined", "not_defined") and at + 1 < len(words):
                expressions.append(self._make_written("expression", words[at].span, operation=words[at], attribute=words[at + 1]))
                at += 2
            elif at + 2 < len(words) and words[at + 1].value.rpartition(":")[2] in _BINARY and word != "date":
                operation = Text(words[at + 1].value.rpartition(":")[2], words[at + 1].span)
                value = _unquote(words[at + 2], 0)
                expressions.append(self._make_written("expression", words[at].span, attribute=words[at], operation=operation, value=value))
                at += 3
            elif word == "date" and at + 2 < len(words) and words[at + 1].value in ("lt", "gt"):
                bound = {"end" if words[at + 1].value == "lt" else "start": _unquote(words[at + 2], 0)}
                expressions.append(self._make_written("date_expression", words[at].span, operation=words[at + 1], **bound))
                at += 3
            elif word == "date" and at + 2 < len(words) and words[at + 1].value in _DATES:
                end = next((n for n in range(at + 2, len(words)) if not _PAIR.match(words[n].value)), len(words))
                expressions.append(self._date(words[at], words[at + 1], dict(self._pairs(words[at + 2 : end]))))
                at = end
            else:
                return None
        head = {"score": score} if numeric else {"score_attribute": score}
        return self._make_written("rule", words[0].span, boolean_op=Text(joined, words[0].span), role=role, **head).has(expressions)

    def _date(self, place: Text, what: Text, texts: dict[str, Text]) -> Written:
        operation = Text(_DATES[what.value], what.span)
        bounds = {name: text for name, text in texts.items() if name in ("start", "end")}
        found = Written("date_expression", self.source, place.span, {"operation": operation, **bounds})
        rest = {name: text for name, text in texts.items() if name not in bounds}
        tag = "date_spec" if operation.value == "date_spec" else "duration"
        return found.has([Written(tag, self.source, what.span, dict(rest))] if rest else [])

    def _colocation(self, words: list[Text]) -> bool:
        match = _SCORE.match(words[2].value) if len(words) > 4 else None
        if match is None or match["node"]:
            return False
        score, rest = Text(_score(match["score"]), words[2].span), words[3:]
        named = [word for word in rest if not _PAIR.match(word.value)]
        if len(named) == 2 and not _is_sets(named):
            (first, role), (second, other) = (_split(word) for word in named)
            attribute = next((text for name, text in self._pairs(rest) if name == "node-attribute"), None)
            self._constraint(
                "rsc_colocation",
                words[1],
                score=score,
                rsc=first,
                rsc_role=role,
                with_rsc=second,
                with_rsc_role=other,
                node_attribute=attribute,
            )
            return True
        self._constraint("rsc_colocation", words[1], score=score).has(self._sets(named, "role"))
        return True

    def _order(self, words: list[Text]) -> bool:
        if len(words) < 4:
            return False
        texts: dict[str, Text | None] = {}
        rest = words[2:]
        head = rest[0].value
        if head.endswith(":") and head[:-1] in _KINDS:
            texts["kind"] = Text(head[:-1], rest.pop(0).span)
        elif _SCORE.match(head) and head.endswith(":"):
            texts["score"] = Text(_score(head[:-1]), rest.pop(0).span)
        named = [word for word in rest if not _PAIR.match(word.value)]
        texts.update((name, text) for name, text in self._pairs(rest) if name in ("symmetrical", "require-all"))
        if len(named) == 2 and not _is_sets(named):
            (first, action), (then, other) = (_split(word) for word in named)
            texts.update({"first": first, "then": then, "first-action": action, "then-action": other})
            self.parts["constraints"].has([Written("rsc_order", self.source, words[1].span, {"id": words[1], **texts})])
            return True
        found = Written("rsc_order", self.source, words[1].span, {"id": words[1], **texts})
        self.parts["constraints"].has([found.has(self._sets(named, "action"))])
        return bool(named)

    def _sets(self, words: list[Text], what: str) -> list[Written]:
        """Return the resource sets: `( A B )` has no sequence, a change of role or action begins another."""
        found: list[Written] = []
        inside, mark = "", None
        for word in words:
            value = word.value
            if value == _SET:
                continue
            if value in ("(", "["):
                inside = value
                found.append(self._set(word, "false"))
            elif value in (")", "]"):
                inside, mark = "", None
                found.append(self._set(word, None))
            else:
                name, role = _split(word)
                other = role.value if role is not None else None
                if not found or (not inside and other != mark and found[-1].children):
                    found.append(self._set(word, None))
                mark = other
                if role is not None:
                    found[-1].texts[what] = role
                    found[-1].attributes[what] = role.value
                found[-1].has([self._make_written("resource_ref", name.span, id=name)])
        return [each for each in found if each.children]

    def _set(self, word: Text, sequential: str | None) -> Written:
        return self._make_written("resource_set", word.span, sequential=Text(sequential, word.span) if sequential is not None else None)


def _split(word: Text) -> tuple[Text, Text | None]:
    """Return a resource's name and its role or action: `ms_drbd:Master`, `ms_drbd:promote`."""
    name, colon, rest = word.value.partition(":")
    start = word.span.start
    first = Text(name, word.span._replace(end=start + len(name)))
    return first, Text(rest, word.span._replace(start=start + len(name) + 1)) if colon and rest else None


def _is_sets(words: Iterable[Text]) -> bool:
    return any(word.value in ("(", ")", "[", "]", _SET) for word in words)


def _score(word: str) -> str:
    sign = word[0] if word[:1] in "+-" else ""
    return f"{sign}INFINITY" if word.lstrip("+-").lower() in ("inf", "infinity") else word


def _unquote(word: Text, start: int) -> Text:
    value = word.value[start:]
    place = word.span._replace(start=word.span.start + start)
    if len(value) > 1 and value[0] == value[-1] == '"':
        return Text(value[1:-1].replace('\\"', '"'), place._replace(start=place.start + 1, end=place.end - 1))
    return Text(value, place)


_BEGINS = re.compile(r"\A\s*(?:=+\s+Support Utilities - Supportconfig\b|#==\[ )")
_HEADING = re.compile(r"^#==\[ [^\]\n]+ \]=+#[ \t\r]*\n# (?P<what>[^\n]*?)[ \t\r]*\n", re.MULTILINE)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_NOT_THERE = re.compile(r" - (?:File not found|not found|empty)", re.IGNORECASE)


class Part(Struct, frozen=True):
    """What one command printed, or one file held: `what` is the command line without the folder of its program, or a path."""

    what: str
    start: int
    end: int


def is_supportconfig(head: str) -> bool:
    """Return whether a text that begins so is a file of supportconfig."""
    return _BEGINS.match(head) is not None


def parts(text: str) -> Iterator[Part]:
    """Yield the parts of a file of supportconfig that hold anything, in their order."""
    headings = list(_HEADING.finditer(text))
    for match, end in zip(headings, [*(each.start() for each in headings[1:]), len(text)]):
        what = match["what"]
        program, blank, rest = what.partition(" ")
        what = what if what.endswith(program) and not blank else posixpath.basename(program) + blank + rest
        if text[match.end() : end].strip() and not _NOT_THERE.search(what):
            yield Part(what, match.end(), end)


def only(text: str, part: Part) -> str:
    """Return a text of one part alone, behind as many lines as stand before it, so that each line keeps its number.

    An XML declaration must stand first, and goes.
    """
    inside = _DECLARATION.sub("", text[part.start : part.end]).rstrip()
    return "\n" * text.count("\n", 0, part.start) + inside + "\n"


def find_printed(text: str, *commands: str) -> str:
    """Return what the first of `commands` printed that is there, on its lines; the text itself where it is no file of supportconfig."""
    if not is_supportconfig(text):
        return text
    found = {part.what: part for part in reversed(list(parts(text)))}
    return next((only(text, found[command]) for command in commands if command in found), "")
