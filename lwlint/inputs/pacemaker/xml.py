"""Pacemaker CIBs: XML -> elements with the exact place of every tag and every attribute value; and where each element may stand.

Expat does all of the work: it never fetches anything, tells the byte at which each token starts, and is
asked to stop at the first document type declaration, so that no entity is ever declared, let alone
expanded. The `status` section is read through (a file cut off in it is still broken); of it only the attributes of nodes are kept.

What each element must have, in every schema of Pacemaker from 1.0 to 4.0, is a table of facts of its RELAX NG schemas, in a form of
lwlint's own: names, places and attributes, no values. So what it refuses Pacemaker refuses, and a few things that Pacemaker refuses it
lets pass (`refusal` asks the schemas themselves).
"""

from __future__ import annotations

import functools
import itertools
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn, Union

from lwlint.core.facts import Unreadable
from lwlint.core.finding import ConfigurationError
from lwlint.core.harmless import whole
from lwlint.core.kind import Piece
from lwlint.core.secret import is_secret
from lwlint.core.secret_names import AGENTS
from lwlint.core.source import Source, Span, Text

DEPTH = 256  # libxml2's own limit, so Pacemaker's
ELEMENTS = 400_000  # kept in memory; the largest CIBs that were met have a hundredth
_OF_STATUS = ("node_state", "transient_attributes")  # what is kept of the status, with all that is in it
_CHUNK = 1 << 20
_TOKEN = 8 << 20  # bytes of one tag or comment
_COMMENT = re.compile(rb"<!--(.*?)(-?-->)", re.DOTALL)
_ATTRIBUTE = re.compile(r"""[ \t\r\n]+([^\s=/>"']+)[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*)"|'([^']*)')""")


class Element:
    """One element. `start` is the offset of its `<`; `attributes` are in the order of the file."""

    __slots__ = ("attributes", "children", "source", "start", "tag")

    def __init__(self, tag: str, attributes: dict[str, str], start: int, source: Source) -> None:
        self.tag = tag
        self.attributes = attributes
        self.start = start
        self.source = source
        self.children: list[Element] = []

    def get(self, name: str) -> str | None:
        """Return the value of an attribute, or None."""
        return self.attributes.get(name)

    def text(self, name: str) -> Text | None:
        """Return the value of an attribute with its place (what stands between the quotes), or None."""
        value = self.attributes.get(name)
        if value is None:
            return None
        text, at = self.source.text, self.start + 1 + len(self.tag)
        while True:
            match = _ATTRIBUTE.match(text, at)
            if match is None:
                raise ValueError(f"attribute {name!r} of <{self.tag}> is not where expat saw it")
            at = match.end()
            if match.group(1) == name:
                start, end = match.span(2 if match.group(2) is not None else 3)
                return Text(value, self.source.span(start, end))

    def span(self, *names: str) -> Span:
        """Return the place of the first of the attributes `names` that is there, else of `<tag`."""
        for name in names:
            text = self.text(name)
            if text is not None:
                return text.span
        return self.source.span(self.start, self.start + 1 + len(self.tag))

    def all(self, *tags: str) -> Iterator[Element]:
        """Yield the children with one of `tags`, in the order of the file."""
        for child in self.children:
            if child.tag in tags:
                yield child

    def first(self, tag: str) -> Element | None:
        """Return the first child with `tag`, or None."""
        return next(self.all(tag), None)

    def walk(self) -> Iterator[Element]:
        """Yield this element and all below it, in the order of the file."""
        todo = [self]
        while todo:
            element = todo.pop()
            yield element
            todo.extend(reversed(element.children))


class _Refused(Exception):
    """The reader will not go on; `offset` is in bytes of what expat was given."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class _Builder:
    """Expat's events -> the tree of elements, with `start` still in bytes."""

    def __init__(self, source: Source, data: bytes) -> None:
        from xml.parsers import expat

        self.source = source
        self.data = data
        self.top: list[Element] = []
        self.made: list[Element] = []
        self.open: list[Element] = []
        self.skipping = 0
        self.keeping = 0  # elements that are open below `status` and kept
        # the text is decoded already: whatever the declaration says, these bytes are UTF-8
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = False
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.StartDoctypeDeclHandler = self.refuse_doctype

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        at = self.parser.CurrentByteIndex
        if len(self.open) >= DEPTH:
            raise _Refused(f"elements are nested more than {DEPTH} deep", at)
        if self.open and tag == "status" and self.open[-1].tag == "cib":
            self.skipping = 1
            self.parser.StartElementHandler = self.start_skipped
            self.parser.EndElementHandler = self.end_skipped
        self.keep(tag, attributes, at)

    def keep(self, tag: str, attributes: dict[str, str], at: int) -> None:
        if len(self.made) >= ELEMENTS:
            raise _Refused(f"there are more than {ELEMENTS} elements", at)
        element = Element(tag, attributes, at, self.source)
        self.made.append(element)
        (self.open[-1].children if self.open else self.top).append(element)
        self.open.append(element)

    def end(self, _: str) -> None:
        self.open.pop()

    def start_skipped(self, tag: str, attributes: dict[str, str]) -> None:
        if self.keeping == self.skipping - 1 and (self.keeping > 1 or tag == _OF_STATUS[self.keeping]):
            self.keep(tag, attributes, self.parser.CurrentByteIndex)
            self.keeping += 1
        self.skipping += 1
        if self.skipping > DEPTH:
            raise _Refused(f"elements are nested more than {DEPTH} deep", self.parser.CurrentByteIndex)

    def end_skipped(self, _: str) -> None:
        self.skipping -= 1
        if self.skipping and self.keeping == self.skipping:
            self.keeping -= 1
            self.open.pop()
        if not self.skipping:
            self.parser.StartElementHandler = self.start
            self.parser.EndElementHandler = self.end
            self.open.pop()

    def refuse_doctype(self, *_: Any) -> NoReturn:
        # expat tells of it when it has read on to its `[` or `>`
        at = self.data.rfind(b"<!DOCTYPE", 0, self.parser.CurrentByteIndex + 1)
        raise _Refused("it has a document type declaration, which no CIB has; entities are not expanded", max(at, 0))

    def feed(self) -> None:
        for at in range(0, len(self.data), _CHUNK):
            self.parser.Parse(self.data[at : at + _CHUNK], False)
            if at + _CHUNK - self.parser.CurrentByteIndex > _TOKEN:
                raise _Refused(f"one tag of more than {_TOKEN >> 20} MB", self.parser.CurrentByteIndex)
        self.parser.Parse(b"", True)


def read_cib(source: Source) -> Union[Element, Unreadable]:
    """Return the `cib` element of `source` (or a bare `configuration`), or what is wrong with the file and where.

    `cib` may be the root or lie in other elements, as in the answers of `cibadmin` and in message logs.
    """
    root = read_xml(source)
    return root if isinstance(root, Unreadable) else _cib_of(source, root)


def read_xml(source: Source) -> Union[Element, Unreadable]:
    """Return the root element of any XML, or what is wrong with it and where.

    Of the `status` of a `cib` only the attributes of nodes are kept.
    """
    from xml.parsers import expat

    text = source.text
    skipped = len(text) - len(text.lstrip("\ufeff \t\r\n"))
    data = text[skipped:].encode("utf-8", "surrogatepass")
    if b"<!--" in data:  # Pacemaker reads on where a comment has `--` in it, unless it ends with `--->`; expat refuses both
        data = _COMMENT.sub(lambda match: b"<!--" + match[1].replace(b"-", b"=") + match[2], data)
    if not data:
        return _unreadable(source, 0, "is empty")
    builder = _Builder(source, data)
    try:
        builder.feed()
    except _Refused as refused:
        return _unreadable(source, _characters(data, refused.offset) + skipped, str(refused))
    except expat.ExpatError:
        at = _characters(data, max(builder.parser.ErrorByteIndex, 0)) + skipped
        return _unreadable(source, at, _complaint(builder))
    finally:
        # expat holds the handlers, which hold expat: let go of what was built at once
        builder.parser.StartElementHandler = builder.parser.EndElementHandler = builder.parser.StartDoctypeDeclHandler = None
    _to_characters(builder.made, data, skipped)
    return builder.top[0]


def _complaint(builder: _Builder) -> str:
    from xml.parsers import expat

    code = builder.parser.ErrorCode
    cut_off = (
        expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
        expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
        expat.errors.codes[expat.errors.XML_ERROR_PARTIAL_CHAR],
    )
    if code in cut_off:
        if not builder.open:
            return "is no XML" if builder.parser.ErrorByteIndex == 0 and not builder.made else "XML is cut off: the file ends too early"
        return f"XML is cut off: the file ends inside `<{builder.open[-1].tag}>`"
    inside = f" inside `<{builder.open[-1].tag}>`" if builder.open else ""
    return f"XML is broken{inside}: {expat.ErrorString(code)}"


def _unreadable(source: Source, at: int, message: str) -> Unreadable:
    at = min(at, len(source.text))
    return Unreadable(source.path, source.span(at, min(at + 1, len(source.text))), message, source.host)


def _characters(data: bytes, offset: int) -> int:
    return len(data[:offset].decode("utf-8", "replace"))


def _to_characters(elements: list[Element], data: bytes, skipped: int) -> None:
    """Turn the start of each element (in document order) from bytes of `data` into characters of the source."""
    if data.isascii():
        if skipped:
            for element in elements:
                element.start += skipped
        return
    at_byte, at_character = 0, skipped
    for element in elements:
        at_character += len(data[at_byte : element.start].decode("utf-8", "surrogatepass"))
        at_byte = element.start
        element.start = at_character


def _cib_of(source: Source, root: Element) -> Union[Element, Unreadable]:
    for element in root.walk():
        if element.tag == "cib" and (element.first("configuration") is not None or element.first("status") is not None):
            if element.first("configuration") is None:
                return _unreadable(source, element.start, "`<cib>` has no `<configuration>`")
            return element
    if root.tag == "configuration":
        return root
    for element in root.walk():
        if element.tag == "cib":
            return _unreadable(source, element.start, "`<cib>` has no `<configuration>`")
    return _unreadable(source, root.start, f"there is no `<cib>` in it; the root is `<{root.tag}>`")


def read_blocks(source: Source) -> Iterator[Piece]:
    """Yield the elements of a CIB; each goes on to the next one that is not in it."""
    read = read_cib(source)
    todo = [(read, len(source.text) + 1)] if isinstance(read, Element) else []
    while todo:
        element, end = todo.pop()
        yield element.start, end
        behind = [*(child.start for child in element.children[1:]), end]
        todo += zip(element.children, behind)


_MOST = 4_000_000  # characters of a CIB that is taken apart once more


def read_secrets(source: Source, names: Collection[str]) -> Iterator[Piece]:
    """Yield the places of the values of attributes that are secrets."""
    root = read_xml(source) if len(source.text) < _MOST else None
    if isinstance(root, Element):
        yield from _in_cib(root)


def _in_cib(root: Element) -> Iterator[tuple[int, int]]:
    for element in root.walk():
        name = element.attributes.get("name")
        if name is not None and "value" in element.attributes and (name.lower().replace("-", "_") in AGENTS or is_secret(name)):
            value = element.text("value")
            if value is not None:
                yield value.span.start, value.span.end


VERSIONS = (
    *("1.0", "1.2", "1.3", "2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7", "2.8", "2.9", "2.10"),
    *("3.0", "3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7", "3.8", "3.9", "3.10", "4.0"),
)
_FEATURES_OF_3 = (3, 20)  # the feature set of Pacemaker 3.0
MOST = 100  # faults that are told of one CIB
_AT = {version: i for i, version in enumerate(VERSIONS)}
# before 1.0, of Pacemaker 1.1 only, or different in every version of Pacemaker
_OTHERS = ("pacemaker-0.6", "transitional-0.6", "pacemaker-0.7", "pacemaker-1.1", "pacemaker-next")

# element -> (where it may stand, its attributes, what it needs). A word holds for the schemas behind its `@`: `@2.8` from 2.8 on,
# `@-3.10` up to 3.10, `@1.2-1.3` these. What is needed: alternatives, parted by `|`, of attributes and `<elements>`; `a/b` is one of two.
_SET = ("id id-ref score", "id | id-ref")
_BUNDLED = "image network options promoted-max@3.0 masters@-3.10 replicas replicas-per-host run-command"
_ACL = "attribute id ref tag xpath"
_DATE = "id hours minutes@3.9 seconds@3.9 monthdays months weekdays weeks weekyears years yearsdays"
_TERM = "<expression>/<date_expression>/<rule>/<rsc_expression>@3.4/<op_expression>@3.4"
_TABLE: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "configuration": ("cib", "", "<crm_config> <nodes> <resources> <constraints>"),
        "status": ("cib", "*", ""),
        "crm_config": ("configuration", "", ""),
        "rsc_defaults": ("configuration", "", ""),
        "op_defaults": ("configuration", "", ""),
        "nodes": ("configuration", "", ""),
        "resources": ("configuration", "", ""),
        "constraints": ("configuration", "", ""),
        "fencing-topology": ("configuration@1.2", "", ""),
        "acls": ("configuration@1.2", "", ""),
        "tags": ("configuration@1.3", "", ""),
        "alerts": ("configuration@2.5", "", ""),
        # sets of names and values, and the rules in them
        "cluster_property_set": ("crm_config", *_SET),
        "instance_attributes": (
            "primitive template@1.2 group clone master@-3.10 bundle@2.8 op node alert@2.5 recipient@2.5", *_SET,
        ),
        "meta_attributes": (
            "primitive template@1.2 group clone master@-3.10 bundle@2.8 op rsc_defaults op_defaults alert@2.5 recipient@2.5", *_SET,
        ),
        "utilization": ("primitive@1.2 template@1.2 node@1.2", *_SET),
        "nvpair": (
            "cluster_property_set instance_attributes meta_attributes utilization@1.2", "id id-ref@1.3 name value",
            "id name@-3.10 | id name value@4.0 | id-ref@1.3",
        ),
        "rule": (
            "cluster_property_set instance_attributes meta_attributes utilization@1.2 rsc_location lifetime@-3.10 rule",
            "id id-ref score score-attribute boolean-op role", f"id-ref | id@3.9 {_TERM} | id score/score-attribute {_TERM}",
        ),
        "expression": ("rule", "id attribute operation value type value-source@2.9", "id attribute operation"),
        "date_expression": ("rule", "id operation start end", "id operation start/end/<date_spec>"),
        "rsc_expression": ("rule@3.4", "id class provider type", "id"),
        "op_expression": ("rule@3.4", "id name interval", "id name"),
        "date_spec": ("date_expression", f"{_DATE} yeardays@3.9 moon@-3.10", "id"),
        "duration": ("date_expression", f"{_DATE} days@3.9 moon", "id"),
        "lifetime": ("rsc_location@-3.10 rsc_colocation@-3.10 rsc_order@-3.10", "", "<rule>"),
        # nodes and resources
        "node": ("nodes", "id uname type description score@1.2", "id uname type@-1.0 | id uname@1.2"),
        "primitive": (
            "resources group clone master@-3.10 bundle@2.8", "id class provider type template@1.2 description",
            "id class type | id template@1.2",
        ),
        "template": ("resources@1.2", "id class provider type description", "id class type"),
        "group": ("resources clone master@-3.10", "id description", "id <primitive>"),
        "clone": ("resources", "id description", "id <primitive>/<group>"),
        "master": ("resources@-3.10", "id description", "id <primitive>/<group>"),
        "operations": ("primitive template@1.2", "id id-ref", ""),
        "op": (
            "operations",
            "id name interval description enabled interval-origin on-fail record-pending requires@-2.10 role start-delay timeout",
            "id name interval",
        ),
        "bundle": ("resources@2.8", "id description", "id <docker>/<rkt>@2.10-3.10/<podman>@3.2"),
        "docker": ("bundle@2.8", _BUNDLED, "image"),
        "rkt": ("bundle@2.10-3.10", _BUNDLED, "image"),
        "podman": ("bundle@3.2", _BUNDLED, "image"),
        "network": ("bundle@2.8", "add-host@3.0 control-port host-interface host-netmask ip-range-start", ""),
        "port-mapping": ("network@2.8", "id port internal-port range", "id port/range"),
        "storage": ("bundle@2.8", "", ""),
        "storage-mapping": ("storage@2.8", "id source-dir source-dir-root target-dir options", "id source-dir/source-dir-root target-dir"),
        # constraints
        "rsc_location": (
            "constraints", "id rsc rsc-pattern@2.6 node score role@1.2 resource-discovery@2.2",
            "id rsc/rsc-pattern@2.6/<resource_set>@1.2 node score | id rsc/rsc-pattern@2.6/<resource_set>@1.2 <rule>",
        ),
        "rsc_colocation": (
            "constraints",
            "id rsc with-rsc rsc-role with-rsc-role node-attribute score score-attribute@-2.10 score-attribute-mangle@-2.10 influence@3.6",
            "id rsc with-rsc | id <resource_set>",
        ),
        "rsc_order": (
            "constraints", "id first then first-action then-action kind score symmetrical require-all@2.3",
            "id first then | id <resource_set>",
        ),
        "rsc_ticket": ("constraints@1.2", "id rsc rsc-role ticket loss-policy", "id ticket rsc/<resource_set>"),
        "resource_set": (
            "rsc_colocation rsc_order rsc_location@1.2 rsc_ticket@1.2",
            "id id-ref action role score sequential require-all@1.2 ordering@2.1 kind@3.0", "id <resource_ref> | id-ref",
        ),
        "resource_ref": ("resource_set", "id", "id"),
        # the rest
        "fencing-level": (
            "fencing-topology@1.2", "id target target-pattern target-attribute@2.4 target-value@2.4 index devices",
            "id index devices target/target-pattern | id index devices target-attribute@2.4 target-value@2.4",
        ),
        "acl_user": ("acls@1.2-1.3", "id", "id"),
        "acl_target": ("acls@2.0", "id name@3.8", "id"),
        "acl_group": ("acls@2.0", "id name@3.8", "id"),
        "acl_role": ("acls@1.2", "id description@2.0", "id"),
        "role": ("acl_target@2.0 acl_group@2.0", "id", "id"),
        "role_ref": ("acl_user@1.2-1.3", "id", "id"),
        "acl_permission": (
            "acl_role@2.0", "id kind xpath reference object-type attribute description", "id kind xpath/reference/object-type",
        ),
        "read": ("acl_role@1.2-1.3 acl_user@1.2-1.3", _ACL, "id ref/tag/xpath"),
        "write": ("acl_role@1.2-1.3 acl_user@1.2-1.3", _ACL, "id ref/tag/xpath"),
        "deny": ("acl_role@1.2-1.3 acl_user@1.2-1.3", _ACL, "id ref/tag/xpath"),
        "tag": ("tags@1.3", "id", "id <obj_ref>"),
        "obj_ref": ("tag@1.3", "id", "id"),
        "alert": ("alerts@2.5", "id path description", "id path"),
        "recipient": ("alert@2.5", "id value description", "id value"),
        "select": ("alert@2.10", "", ""),
        "select_attributes": ("select@2.10", "", ""),
        "select_fencing": ("select@2.10", "", ""),
        "select_nodes": ("select@2.10", "", ""),
        "select_resources": ("select@2.10", "", ""),
        "attribute": ("select_attributes@2.10", "id name", "id name"),
    }
)  # fmt: skip
_CIB = (
    "validate-with admin_epoch epoch num_updates crm_feature_set cib-last-written dc-uuid have-quorum no-quorum-panic "
    "remote-clear-port remote-tls-port execution-date@1.2 update-client@1.2 update-origin@1.2 update-user@1.2",
    "admin_epoch epoch num_updates <configuration>",
)


_PASSED_OVER = (
    *("primitive", "template", "group", "clone", "master", "bundle"),
    *("rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket"),
)


class Fault(NamedTuple):
    """What is wrong with one element: where, in one line, and without what differs between schemas."""

    span: Span
    message: str
    subject: str


class Shape(NamedTuple):
    """An element in one schema: the attributes and elements that it may have, and the alternatives of what it needs.

    Each alternative is a set of words, of which `<name>` is an element. The attribute `*` stands for any, with any elements.
    """

    attributes: frozenset[str]
    elements: frozenset[str]
    needs: tuple[frozenset[str], ...]


def unknown(root: Element) -> str | None:
    """Return why nothing is known of how a CIB fits its schema; None if it is judged by it, or is refused for the name.

    One that names none was compared with all of them by Pacemaker before 3.0, and always fitted one, at last `none`.
    """
    schema = root.get("validate-with")
    if schema is None:
        silent = root.tag == "cib" and _needs_schema(root) is None
        return "it names no schema, which Pacemaker 3 refuses, and nothing in it shows the version of Pacemaker" if silent else None
    return _unknown_schema(schema)


def _needs_schema(root: Element) -> bool | None:
    """Return whether a CIB is of Pacemaker 3 or later, which refuses one that names no schema; None where nothing tells the version."""
    feature_set = re.match(r"(\d{1,4})\.(\d{1,4})", root.get("crm_feature_set") or "")
    known = [] if feature_set is None else [(int(feature_set[1]), int(feature_set[2])) >= _FEATURES_OF_3]
    for element in root.walk():
        if element.tag == "nvpair" and element.get("name") == "dc-version":
            version = re.match(r"\d{1,4}(?=\.)", element.get("value") or "")
            known += [] if version is None else [int(version[0]) >= 3]
    return any(known) if known else None


def _unknown_schema(schema: str) -> str | None:
    later = re.fullmatch(r"pacemaker-(\d+)\.(\d+)", schema or "")
    newer = later is not None and (whole(later[1]) or 0, whole(later[2]) or 0) > (4, 0)
    return f"lwlint does not know the schema `{schema}`" if schema in _OTHERS or newer else None


def faults(root: Element) -> tuple[Fault, ...]:
    """Return what Pacemaker refuses, or passes over, in the CIB (or bare `configuration`) `root`, in the order of the file.

    It is judged by the schema that it names. Pacemaker validates none that names `none` or, before 3.0, no schema: it passes over what it
    does not know, and over resources and constraints that lack what they need. So of these, and where the schema is not known, only that
    is told that is so by all schemas.
    """
    schema = root.get("validate-with") if root.tag == "cib" else None
    if schema is None:
        refused = root.tag == "cib" and _needs_schema(root) is True
        said = "`<cib>` has no `validate-with`, without which Pacemaker 3 and later refuse it"
        return (*([Fault(root.span(), said, "cib lacks validate-with")] if refused else ()), *_first(root, ""))
    if schema == "none" or _unknown_schema(schema) is not None:
        return _first(root, "")
    version = schema.removeprefix("pacemaker-")
    if schema != f"pacemaker-{version}" or version not in VERSIONS:
        from lwlint.core.config_reader import near

        said = f"`{schema}`: Pacemaker has no such schema{near(schema, [f'pacemaker-{one}' for one in VERSIONS])}"
        return (Fault(root.span("validate-with"), said, f"schema {schema}"), *_first(root, ""))
    return _first(root, version)


def _first(root: Element, version: str) -> tuple[Fault, ...]:
    """Return what is wrong, as much of it as anybody reads, and that there is more."""
    found = tuple(itertools.islice(_faults(root, version), MOST + 1))
    more = Fault(root.span(), f"more than {MOST} elements are wrong; the first {MOST} are told", "too many faults")
    return found if len(found) <= MOST else (*found[:MOST], more)


@functools.cache
def shapes(version: str) -> Mapping[str, Shape]:
    """Return every element of the schema `version` (one of VERSIONS) by name.

    Without a version, what some schema has; and of what is needed only that without which Pacemaker passes over an element.
    """
    below: dict[str, set[str]] = {}
    for name, (places, _, _) in _TABLE.items():
        for place in _words(places, version):
            below.setdefault(place, set()).add(name)
    known = {"cib", *(name for names in below.values() for name in names)}
    table: dict[str, tuple[str, str]] = {"cib": _CIB, **{name: row[1:] for name, row in _TABLE.items()}}
    return {
        name: Shape(
            frozenset(_words(may, version)),
            frozenset(below.get(name, ())),
            tuple(_alternatives(needs if version or name in _PASSED_OVER else "", version)),
        )
        for name, (may, needs) in table.items()
        if name in known
    }


def _words(text: str, version: str) -> Iterator[str]:
    for word in text.split():
        name, _, span = word.partition("@")
        first, _, last = span.partition("-")
        if not span or not version or _AT.get(first, 0) <= _AT[version] <= _AT.get(last, len(VERSIONS)):
            yield name


def _alternatives(needs: str, version: str) -> Iterator[frozenset[str]]:
    """Yield each set of words that is enough; of two of which one holds the other, the smaller."""
    found: set[frozenset[str]] = set()
    for alternative in needs.split("|"):
        sets = {frozenset[str]()}
        for word in alternative.split():
            sets = {one | {choice} for one in sets for choice in _words(word.replace("/", " "), version)}
        found |= sets
    yield from _smallest(found)


def _smallest(sets: set[frozenset[str]]) -> tuple[frozenset[str], ...]:
    return tuple(sorted((one for one in sets if not any(other < one for other in sets)), key=sorted))


def _faults(root: Element, version: str) -> Iterator[Fault]:
    table = shapes(version)
    todo = [root]
    while todo:
        element = todo.pop()
        shape = table[element.tag]
        if "*" in shape.attributes:
            continue
        tags = {child.tag for child in element.children}
        yield from _find_own_faults(element, shape, tags, version)
        if tags <= shape.elements:
            todo.extend(reversed(element.children))
            continue
        for child in element.children:
            if child.tag not in shape.elements:
                yield _say_misplaced(child, element, version)
        todo.extend(child for child in reversed(element.children) if child.tag in shape.elements)


def _find_own_faults(element: Element, shape: Shape, tags: set[str], version: str) -> Iterator[Fault]:
    """Yield what is wrong with an element itself: attributes that there are not, and what it needs and has not."""
    for name in element.attributes if version and not element.attributes.keys() <= shape.attributes else ():
        if name not in shape.attributes and not name.startswith("xmlns:"):
            what = f"{name_element(element)} has the attribute `{name}`"
            said = f"{what}, which pacemaker-{version} does not have there{_near(name, shape.attributes)}"
            yield Fault(_place_of(element, name), said, f"{subject(element)} has {name}")
    if version in _SINCE_4:
        yield from _gone_in_4(element, version)
    has = {*element.attributes, *(f"<{tag}>" for tag in tags)}
    if any(words <= has for words in shape.needs):
        return
    nearest = min(shape.needs, key=lambda words: (-len(words & has), len(words - has), sorted(words)))
    lacks = sorted(nearest - has)
    if tags <= shape.elements or not all(word.startswith("<") for word in lacks):  # else what is in its place is told
        words = " and no ".join(f"`{word}`" for word in lacks)
        yield Fault(element.span(), f"{name_element(element)} has no {words}", f"{subject(element)} lacks {' and '.join(lacks)}")


_SINCE_4 = frozenset(VERSIONS[_AT["4.0"] :])
# what values the schemas of Pacemaker 3 have no more
_GONE = MappingProxyType(
    {
        ("primitive", "class"): ("upstart", "nagios"),
        ("template", "class"): ("upstart", "nagios"),
        ("node", "type"): ("ping",),
    }
)


def _gone_in_4(element: Element, version: str) -> Iterator[Fault]:
    """Yield what an element has that Pacemaker 3 took away, and that is no name: values, and all rules of a constraint but the first."""
    for name in element.attributes if (element.tag, "class") in _GONE or element.tag == "node" else ():
        value = element.get(name)
        if value in _GONE.get((element.tag, name), ()):
            said = f"{name_element(element)} has `{name}` `{value}`, which pacemaker-{version} does not have; pacemaker-3.10 and before do"
            yield Fault(element.span(name), said, f"{subject(element)} has {name} {value}")
    if element.tag == "rsc_location":
        for rule in list(element.all("rule"))[1:]:
            said = f"{name_element(element)} has a second rule, {name_element(rule)}; pacemaker-{version} has one in each constraint"
            yield Fault(rule.span(), said, f"{subject(rule)} in {subject(element)}")


def _say_misplaced(element: Element, above: Element, version: str) -> Fault:
    tag = element.tag
    where = f"{name_element(element)} is in `<{above.tag}>`"
    schema = f"pacemaker-{version}" if version else "no schema of Pacemaker"
    places = sorted(name for name, shape in shapes(version).items() if tag in shape.elements)
    others = [one for one in VERSIONS if any(tag in shape.elements for shape in shapes(one).values())]
    if places:
        why = f"it must be in {_either(places)}"
    elif others:
        why = f"{schema} does not have it; pacemaker-{others[0]} to pacemaker-{others[-1]} do"
    else:
        has = "has" if not version else "does not have"
        why = f"{schema} {has} it{_near(tag, shapes(version)[above.tag].elements, '<', '>')}"
    return Fault(element.span(), f"{where}; {why}", f"{subject(element)} in {above.tag}")


def _either(names: Sequence[str]) -> str:
    quoted = [f"`<{name}>`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _near(word: str, words: Iterable[str], before: str = "", after: str = "") -> str:
    """Return the near match among `words`, as `lwlint.read.near` has it, with something around each."""
    from lwlint.core.config_reader import near

    return near(f"{before}{word}{after}", [f"{before}{one}{after}" for one in sorted(words)])


def name_element(element: Element) -> str:
    """Return how an element is called in messages."""
    name = element.get("id")
    return f"`<{element.tag}>`" if name is None else f'`<{element.tag} id="{name}">`'


def subject(element: Element) -> str:
    """Return what a finding of an element is about, for its fingerprint."""
    return f"{element.tag} {element.get('id') or ''}".rstrip()


def _place_of(element: Element, attribute: str) -> Span:
    """Return the place of the name of an attribute."""
    value = element.text(attribute)
    if value is None:
        return element.span()
    end = element.source.text.rindex("=", element.start, value.span.start)
    start = element.source.text.rindex(attribute, element.start, end)
    return element.source.span(start, start + len(attribute))


_SCHEMA = re.compile(r"pacemaker-[\w.]+")
_XML = "{http://www.w3.org/XML/1998/namespace}"


def has_schema(schema: str | None, folder: str) -> bool:
    """Return whether the folder has the schema that a CIB names in `validate-with`."""
    return _SCHEMA.fullmatch(schema or "") is not None and os.path.isfile(os.path.join(folder, f"{schema}.rng"))


def refusal(root: Element, schema: str, folder: str) -> Fault | None:
    """Return what the schema, which `folder` has, refuses in the `cib` element `root`: the innermost element; None if the CIB fits.

    Raises ConfigurationError for a schema that cannot be read, and without lxml.
    """
    validator = _validator(os.path.join(folder, f"{schema}.rng"))
    made, document = _document(root)
    if validator.validate(document):
        return None
    blamed, said = root, ""
    depth = -1
    for entry in validator.error_log:
        found = document.getroottree().xpath(entry.path) if entry.path else []
        if found and found[0] in made and entry.path.count("/") > depth:
            blamed, said, depth = made[found[0]], entry.message, entry.path.count("/")
    said = said or "does not fit"
    return Fault(blamed.span(), f"{name_element(blamed)}: {schema} refuses it ({said[:1].lower()}{said[1:]})", f"{subject(blamed)} refused")


def _document(root: Element) -> tuple[dict[Any, Element], Any]:
    """Return the element and those below it as a document of lxml's, and what each of its elements was made of."""
    from lxml import etree

    top = etree.Element(root.tag.replace(":", "_"))
    made = {top: root}
    todo = [(root, top)]
    while todo:
        element, copy = todo.pop()
        for name, value in element.attributes.items():
            if not name.startswith("xmlns:"):
                copy.set(name.replace("xml:", _XML) if name.startswith("xml:") else name.replace(":", "_"), value)
        for child in element.children:
            if child.tag == "status" and element is root:
                continue
            below = etree.SubElement(copy, child.tag.replace(":", "_"))
            made[below] = child
            todo.append((child, below))
    return made, top


@functools.cache
def _validator(path: str) -> Any:
    try:
        from lxml import etree
    except ModuleNotFoundError:
        raise ConfigurationError("`--schemas`: validation needs lxml; install `lwlint[schema]`") from None
    try:
        return etree.RelaxNG(etree.parse(path))
    except (etree.LxmlError, OSError) as error:
        raise ConfigurationError(f"`{path}`: cannot be read as a RELAX NG schema ({error})") from error
