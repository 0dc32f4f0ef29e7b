"""Edits of a CIB as data: each can be applied to a copy, told as a command of Pacemaker's own, and taken back."""

from __future__ import annotations

import copy
import re
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Union

from msgspec import Struct

from lwlint.operate.simulation import primitive_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Element
else:
    Element = Any

PROPERTIES, DEFAULTS = "crm_config", "rsc_defaults"
_BOOTSTRAP = {PROPERTIES: "cib-bootstrap-options", DEFAULTS: "rsc_defaults-options"}
_SETS = {PROPERTIES: "cluster_property_set", DEFAULTS: "meta_attributes"}


class Delete(Struct, frozen=True):
    """An element of the configuration goes, with all below it; one that is not there is no error."""

    tag: str
    id: str

    def apply(self, cib: Element) -> None:
        """Take it out of `cib`."""
        for found in _found(cib, self.tag, self.id):
            _above(found).remove(found)

    def command(self) -> str:
        """Return the command that does it to the CIB in the file `$C`."""
        words = f"<{self.tag}/>" if not self.id else f'<{self.tag} id="{self.id}"/>'
        return f"CIB_file=$C cibadmin --delete --xml-text {shlex.quote(words)}"


class Create(Struct, frozen=True):
    """An element is added at the end of a section of the configuration (`resources`, `constraints`, `tags`; `configuration` itself)."""

    section: str
    xml: str

    def apply(self, cib: Element) -> None:
        """Add it to `cib`."""
        section(cib, "" if self.section == "configuration" else self.section).append(_element(self.xml))

    def command(self) -> str:
        """Return the command that does it to the CIB in the file `$C`."""
        return f"CIB_file=$C cibadmin --create --scope {self.section} --xml-text {shlex.quote(self.xml)}"

    @property
    def xpath(self) -> str:
        """Where the element is, once it is there."""
        made = _element(self.xml)
        return f"//{made.tag}" + (f"[@id='{made.get('id')}']" if made.get("id") else "")


class Replace(Struct, frozen=True):
    """An element of the configuration is put in the place of the one with its tag and id."""

    xml: str

    def apply(self, cib: Element) -> None:
        """Put it into `cib`."""
        made = _element(self.xml)
        for found in _found(cib, made.tag, made.get("id")):
            _above(found).replace(found, copy.deepcopy(made))

    def command(self) -> str:
        """Return the command that does it to the CIB in the file `$C`."""
        return f"CIB_file=$C cibadmin --replace --xml-text {shlex.quote(self.xml)}"


class Merge(Struct, frozen=True):
    """An element is added to the end of the one with the tag and id of `xml`, which holds it and nothing else."""

    xml: str

    def apply(self, cib: Element) -> None:
        """Add it to `cib`."""
        made = _element(self.xml)
        for found in _found(cib, made.tag, made.get("id")):
            found.extend(list(copy.deepcopy(made)))

    def command(self) -> str:
        """Return the command that does it to the CIB in the file `$C`."""
        return f"CIB_file=$C cibadmin --modify --allow-create --xml-text {shlex.quote(self.xml)}"


Edit = Union[Delete, Create, Replace, Merge]


def inverse(edit: Edit, cib: Element) -> tuple[Edit, ...]:
    """Return what takes the edit back, if it is made to `cib` as it is."""
    if isinstance(edit, Delete):
        return tuple(_restoring(found) for found in _found(cib, edit.tag, edit.id))
    if isinstance(edit, Create):
        made = _element(edit.xml)
        return (Delete(made.tag, made.get("id") or ""),)
    if isinstance(edit, Replace):
        made = _element(edit.xml)
        return tuple(Replace(one_line(found)) for found in _found(cib, made.tag, made.get("id")))
    return tuple(Delete(str(one.tag), one.get("id") or "") for one in _element(edit.xml))


def assign(cib: Element, section: str, name: str, value: str | None) -> tuple[Edit, ...]:
    """Return what gives a cluster property, or a default of resources, a value in `cib`; None takes it away, where it is set."""
    pairs = _pairs(cib, section, name)
    if value is None:
        return tuple(Delete("nvpair", pair.get("id") or "") for pair in pairs)
    if pairs:
        return (Replace(_pair(pairs[0].get("id") or "", name, value)),)
    found = cib.find(f"configuration/{section}")
    sets = [one for one in found.findall(_SETS[section]) if one.find("rule") is None] if found is not None else []
    id = (sets[0].get("id") if sets else None) or _BOOTSTRAP[section]
    holding = f'<{_SETS[section]} id="{id}">{_pair(f"{id}-{name}", name, value)}</{_SETS[section]}>'
    if sets:
        return (Merge(holding),)
    return (Create(section, holding),) if found is not None else (Create("configuration", f"<{section}>{holding}</{section}>"),)


def _pair(id: str, name: str, value: str) -> str:
    from xml.sax.saxutils import quoteattr  # nosec B406: it writes, and reads nothing

    return f"<nvpair id={quoteattr(id)} name={quoteattr(name)} value={quoteattr(value)}/>"


def _restoring(found: Element) -> Edit:
    above = _above(found)
    if above.get("id") is None:
        return Create(str(above.tag), one_line(found))
    return Replace(one_line(above))


def value_of(cib: Element, section: str, name: str) -> str | None:
    """Return the value of a cluster property or default that no rule limits; None if it is not set."""
    pairs = _pairs(cib, section, name)
    return pairs[0].get("value") if pairs else None


def _pairs(cib: Element, section: str, name: str) -> list[Element]:
    sets = [one for one in cib.findall(f"configuration/{section}/{_SETS[section]}") if one.find("rule") is None]
    return [pair for one in sets for pair in one.findall("nvpair") if pair.get("name") == name]


def _found(cib: Element, tag: str, id: str | None) -> list[Element]:
    """Return the elements with this tag and id in the configuration; without an id, the sections of that name."""
    if not id:
        return list(section(cib).findall(tag))
    return [one for one in section(cib).iter(tag) if one.get("id") == id]


def section(cib: Element, name: str = "") -> Element:
    """Return a section of the configuration, or the configuration itself; raises KeyError where it is not there."""
    path = f"configuration/{name}".rstrip("/")
    found = cib.find(path)
    if found is None:
        raise KeyError(path)
    return found


def _above(element: Element) -> Element:
    above = element.getparent()
    assert above is not None, "no edit is of the root"
    return above


def _element(xml: str) -> Element:
    from lxml import etree

    made: Element = etree.fromstring(xml)
    return made


def one_line(element: Element) -> str:
    """Return an element as XML on one line, without the white space between its elements, and without comments."""
    from lxml import etree

    made = copy.deepcopy(element)
    etree.strip_tags(made, etree.Comment)
    text: str = etree.tostring(made, with_tail=False).decode("ascii")
    return re.sub(r">\s+<", "><", text).strip()


def applied(cib: Element, edits: Iterable[Edit]) -> Element:
    """Return a copy of `cib` with the edits made to it, in their order."""
    made = copy.deepcopy(cib)
    for edit in edits:
        edit.apply(made)
    return made


def taking_back(cib: Element, edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Return what takes the edits back, in the order in which it must be done, if they are made to `cib` one after another."""
    made = copy.deepcopy(cib)
    back: list[Edit] = []
    for edit in edits:
        back[:0] = inverse(edit, made)
        edit.apply(made)
    return tuple(back)


def without_history(cib: Element, primitives: Iterable[str]) -> Element:
    """Return a copy of `cib` with no history of these primitives, as `crm_resource --refresh` leaves it of what is not configured."""
    made = copy.deepcopy(cib)
    names = set(primitives)
    for history in made.findall("status/node_state/lrm/lrm_resources/lrm_resource"):
        if primitive_of(history.get("id", "")) in names:
            _above(history).remove(history)
    return made
