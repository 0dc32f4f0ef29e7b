"""What a plan is made of: its steps, what becomes of each resource that leaves, and why there is no plan.

A step's edits of the CIB are data: each can be applied to a copy, told as a command of Pacemaker's own, and taken back.
"""

from __future__ import annotations

import copy
import re
import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Optional, Union

from msgspec import Struct
from msgspec.structs import replace

from lwlint.audit.operate.simulation import primitive_of
from lwlint.core.finding import Finding
from lwlint.core.harmless import count_of
from lwlint.inputs.pacemaker.facts import BOOTSTRAP, score

if TYPE_CHECKING:
    from lxml.etree import _Element as Element
else:
    Element = Any

CLUSTER, EACH = "cluster", "each"
ORPHANS = "stop-orphan-resources"
NONE, STARTS, MANUAL = "none", "starts", "manual"  # what a step does to what runs; one that stops or moves anything is refused
_NODE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")  # a name that ssh takes for a host, and for no option
PROPERTIES, DEFAULTS = "crm_config", "rsc_defaults"
_BOOTSTRAP = {PROPERTIES: BOOTSTRAP, DEFAULTS: "rsc_defaults-options"}
_SETS = {PROPERTIES: "cluster_property_set", DEFAULTS: "meta_attributes"}


class Refusal(Struct, frozen=True):
    """Why there is no plan, or none as yet: what it is about, and what to do first."""

    about: str
    because: str
    first: str


class Handed(Struct, frozen=True):
    """One primitive that leaves, and what becomes of it.

    `how` is `systemd` (its unit goes on by itself), `once` (a unit that runs at boot alone: enabled and nothing else), `stopped` (disabled
    by somebody: its unit is left alone), `down` (it runs nowhere: its unit is enabled and not started), `mount`, or `nothing` (a helper
    without a process). `unit` is its unit; `lines` are those of a unit that is to be written, for a mount.
    """

    name: str
    top: str
    project: str
    how: str
    unit: str = ""
    lines: tuple[str, ...] = ()


class Step(Struct, frozen=True):
    """One step. `where` is CLUSTER (once, on any node), EACH (one node after another) or a node; `effect` what it does to what runs.

    In the cluster, `untie` and `edits` are made to a copy of the CIB in this order, as one change; then the history of `forget` is cleaned,
    one after the other. On the nodes, `units` are taken over by systemd, `enabled` only enabled, `files` written (path and lines).
    `commands`, `checks` and `undo` say the same as a person would run it. `starts` is what the scheduler was seen to start,
    `disturbs` what it would stop, demote or move: a step that has any is no step to take.
    """

    id: str
    phase: str
    title: str
    where: str
    effect: str
    why: str
    subjects: tuple[str, ...] = ()
    untie: tuple[Edit, ...] = ()
    edits: tuple[Edit, ...] = ()
    forget: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()
    files: tuple[tuple[str, tuple[str, ...]], ...] = ()
    commands: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    disturbs: tuple[str, ...] = ()

    @property
    def node(self) -> str:
        """The one node whose findings this step fixes, whatever it is called; empty for a step in the cluster or on each node."""
        return self.where if self.effect == MANUAL else ""


class Plan(Struct, frozen=True):
    """The whole way: from the CIB `before` to `after` by the steps.

    `core` are the primitives that stay, `nodes` those that take part. `proved_on` says what the simulation began with, `pacemaker` whose
    scheduler was asked. `left` are findings that the rules have of the CIB at the end, `new` those of them that it did not have before.
    With a refusal nobody is to take any step.
    """

    source: str
    pacemaker: str
    proved_on: str
    nodes: tuple[str, ...]
    core: tuple[str, ...]
    handed: tuple[Handed, ...]
    steps: tuple[Step, ...]
    refusals: tuple[Refusal, ...]
    notes: tuple[str, ...]
    left: tuple[Finding, ...]
    new: tuple[Finding, ...]
    before: Any
    after: Any


def with_mends(plan: Plan, node: str, commands: Sequence[str], messages: Sequence[str], left: Sequence[str]) -> Plan:
    """Return the plan with a step in front in which these commands are run on a node; what is `left` is told in its notes."""
    notes = (*plan.notes, *(f"on {node}, before the first step, by hand: {message}" for message in left))
    if not commands:
        return replace(plan, notes=notes)
    refused = no_host(node)
    if refused is not None:
        return replace(plan, notes=notes, refusals=tuple(dict.fromkeys((*plan.refusals, refused))))
    why = "Retries and restarts come first. An option counts when its service has been restarted, one node after the other, when it suits."
    step = Step("", "fix first", f"{count_of(len(messages), 'finding')} on {node}", node, MANUAL, why, tuple(messages))
    first = sum(one.phase == "fix first" for one in plan.steps)
    steps = [*plan.steps[:first], replace(step, commands=tuple(commands)), *plan.steps[first:]]
    return replace(plan, notes=notes, steps=tuple(replace(one, id=f"{number:02}") for number, one in enumerate(steps, 1)))


def no_host(node: str) -> Refusal | None:
    """Return why a node cannot be told anything; None where its name is one of a host."""
    if _NODE.fullmatch(node):
        return None
    return Refusal(f"node {node}", "its name is not a host name, so that nothing can be run there", "look at where the CIB comes from")


class Delete(Struct, frozen=True):
    """An element of the configuration goes, with all below it; one that is not there is no error."""

    tag: str
    id: str

    def apply(self, cib: Element) -> None:
        """Take it out of `cib`."""
        for found in _find(cib, self.tag, self.id):
            _above(found).remove(found)

    def command(self) -> str:
        """Return the command that does it to the CIB in the file `$C`."""
        words = f"<{self.tag}/>" if not self.id else f'<{self.tag} id="{self.id}"/>'
        return f"CIB_file=$C cibadmin --delete --xml-text {shlex.quote(words)}"


class Create(Struct, frozen=True):
    """An element is added to a section of the configuration (`resources`, `constraints`, `tags`; `configuration` itself).

    `position` is how many stand before it, None for all: of resources that are alike the scheduler places the first one first.
    """

    section: str
    xml: str
    position: Optional[int] = None

    def apply(self, cib: Element) -> None:
        """Add it to `cib`."""
        above = section(cib, "" if self.section == "configuration" else self.section)
        above.insert(len(above) if self.position is None else self.position, _element(self.xml))

    def command(self) -> str:
        """Return the command that does it to the CIB in the file `$C`."""
        if self.position is None:
            return f"CIB_file=$C cibadmin --create --scope {self.section} --xml-text {shlex.quote(self.xml)}"
        path = "/cib/configuration" + ("" if self.section == "configuration" else f"/{self.section}")
        change = f'<change operation="create" path="{path}" position="{self.position}">{self.xml}</change>'
        patch = f'<diff format="2">{change}</diff>'
        return f"CIB_file=$C cibadmin --patch --xml-text {shlex.quote(patch)}"

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
        for found in _find(cib, made.tag, made.get("id")):
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
        for found in _find(cib, made.tag, made.get("id")):
            found.extend(list(copy.deepcopy(made)))

    def command(self) -> str:
        """Return the command that does it to the CIB in the file `$C`."""
        return f"CIB_file=$C cibadmin --modify --allow-create --xml-text {shlex.quote(self.xml)}"


Edit = Union[Delete, Create, Replace, Merge]


def inverse(edit: Edit, cib: Element) -> tuple[Edit, ...]:
    """Return what takes the edit back, if it is made to `cib` as it is."""
    if isinstance(edit, Delete):
        return tuple(_restoring(found) for found in _find(cib, edit.tag, edit.id))
    if isinstance(edit, Create):
        made = _element(edit.xml)
        return (Delete(made.tag, made.get("id") or ""),)
    if isinstance(edit, Replace):
        made = _element(edit.xml)
        return tuple(Replace(one_line(found)) for found in _find(cib, made.tag, made.get("id")))
    return tuple(Delete(str(one.tag), one.get("id") or "") for one in _element(edit.xml))


def assign(cib: Element, section: str, name: str, value: str | None) -> tuple[Edit, ...]:
    """Return what gives a cluster property, or a default of resources, a value in `cib`; None takes it away, where it is set."""
    pairs = _pairs(cib, section, name)
    if value is None:
        return tuple(Delete("nvpair", pair.get("id") or "") for pair in pairs)
    if pairs:
        return (Replace(_pair(pairs[0].get("id") or "", name, value)),)
    found = cib.find(f"configuration/{section}")
    written = found.findall(_SETS[section]) if found is not None else []
    sets = [one for one in written if one.find("rule") is None and one.get("id-ref") is None]
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
        at = above.index(found)
        return Create(str(above.tag), one_line(found), at if at + 1 < len(above) else None)
    return Replace(one_line(above))


def value_of(cib: Element, section: str, name: str) -> str | None:
    """Return the value of a cluster property or default that no rule limits; None if it is not set."""
    pairs = _pairs(cib, section, name)
    return pairs[0].get("value") if pairs else None


def is_in_reach(cib: Element, section: str, name: str) -> bool:
    """Return whether `pcs` gives a property, or a default, a value where `assign` does: it knows one set, the first of the properties."""
    sets = cib.findall(f"configuration/{section}/{_SETS[section]}")
    if not sets:
        return True
    if any(one.find("rule") is not None or one.get("id-ref") is not None for one in sets[:1]) or (section == DEFAULTS and len(sets) > 1):
        return False
    return all(pair.getparent() is sets[0] for pair in _pairs(cib, section, name))


def _pairs(cib: Element, section: str, name: str) -> list[Element]:
    """Return what gives a property or a default that no rule limits, the one that counts first: by score, of equal ones the last set's."""
    sets = [one for one in cib.findall(f"configuration/{section}/{_SETS[section]}") if one.find("rule") is None]
    sets.reverse()
    sets.sort(key=lambda one: (section != PROPERTIES or one.get("id") != _BOOTSTRAP[PROPERTIES], -score(one.get("score"))))
    return [pair for one in sets for pair in one.findall("nvpair") if pair.get("name") == name]


def _find(cib: Element, tag: str, id: str | None) -> list[Element]:
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


def apply_edits(cib: Element, edits: Iterable[Edit]) -> Element:
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


def override(unit: str) -> str:
    """Return the drop-in that Pacemaker writes for a unit that it starts."""
    return f"/run/systemd/system/{unit}.d/50-pacemaker.conf"
