"""Commands that change a setting of a cluster for good, by where it is written.

`pcs` knows the first set of attributes of a resource, a node or the cluster, and each set of defaults by its id. What is written
elsewhere (in a further set, in one that several share, in a template's that goes before the resource's own) `cibadmin` changes in its
place. What is below the value then counts no more, or must not: a value that is only taken away gives way to the next one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lwlint.checks.pacemaker_constraints import ID, has_current_pcs, pcs, role_of
from lwlint.core.facts import Facts
from lwlint.core.finding import CLUSTER, Command
from lwlint.core.harmless import command
from lwlint.core.source import Span, Text
from lwlint.inputs.pacemaker.facts import (
    BOOTSTRAP,
    BUNDLE,
    CLONE,
    GROUP,
    OLD_DEFAULTS,
    PROMOTABLE,
    Attribute,
    AttributeSet,
    ClusterProperty,
    Node,
    Operation,
    Resource,
    boolean,
    score,
)
from lwlint.inputs.pacemaker.model import Cib, around

_SECTIONS = {"rsc_defaults": ("resource", "defaults"), "op_defaults": ("resource", "op", "defaults")}
# what `pcs resource update ID op` takes; it leaves nothing of the operation that it does not name
_OF_OPERATIONS = ("interval", "timeout", "on-fail", "start-delay", "record-pending", "OCF_CHECK_LEVEL", "enabled")


class Setting(NamedTuple):
    """A meta attribute, the value that it must have where it is set, and the verb of `pcs resource` that takes it away; empty for none."""

    name: str
    wanted: str
    verb: str = ""


class _Place(NamedTuple):
    """Where a value is written."""

    set: AttributeSet
    attribute: Attribute


class Sets:
    """The sets of attributes of one CIB, by what they are on and by what they set."""

    def __init__(self, sets: Iterable[AttributeSet]) -> None:
        self._by_holder: dict[str, list[AttributeSet]] = {}
        self._at: dict[Span, _Place] = {}
        self._shared: set[str] = set()
        ids: Counter[str] = Counter()
        for each in sets:
            self._by_holder.setdefault(each.holder, []).append(each)
            for attribute in each.attributes:
                self._at.setdefault(attribute.value.span, _Place(each, attribute))
                ids[attribute.id] += 1
            self._shared.update(each.shared)
        self._twice = {id for id, count in ids.items() if count > 1}

    def of(self, holder: str) -> Sequence[AttributeSet]:
        """Return the sets of a resource, a template, a node or a section, in their order."""
        return self._by_holder.get(holder, ())

    def at(self, value: Text) -> _Place | None:
        """Return where a value is written; None for what is in no set."""
        return self._at.get(value.span)

    def find_beside(self, holders: Iterable[str], names: Collection[str], place: _Place) -> Iterator[AttributeSet]:
        """Yield the sets of some holders that may give one of these attributes another value than the one at `place`, if it were gone."""
        for holder in holders:
            for each in self.of(holder):
                same = [attribute for attribute in each.attributes if attribute.name in names]
                if each.refers or each.shared or any(attribute is not place.attribute for attribute in same):
                    yield each

    def are_own(self, holders: Iterable[str], name: str) -> bool:
        """Return whether no other set takes over what these give to an attribute: Pacemaker refuses to have that taken away."""
        found = (attribute for holder in holders for each in self.of(holder) for attribute in each.attributes)
        return not any(attribute.name == name and attribute.id in self._shared for attribute in found)

    def change(self, place: _Place, value: str) -> Command:
        """Return what gives an attribute another value where it is written, whoever shares it; an empty one where its id does not do."""
        return (
            Command("", CLUSTER) if place.attribute.id in self._twice else change_attributes("nvpair", place.attribute.id, {"value": value})
        )


def change_attributes(tag: str, id: str, values: Mapping[str, str]) -> Command:
    """Return what changes attributes of an element that has an id, wherever it is in the CIB; an empty one for what is no id."""
    if not ID.fullmatch(id):
        return Command("", CLUSTER)
    words = "".join(f' {name}="{value}"' for name, value in values.items())
    return Command(command("cibadmin", "--modify", "--xml-text", f'<{tag} id="{id}"{words}/>'), CLUSTER)


def sets(facts: Facts, path: str) -> Sets:
    """Return the sets of the CIB at a path."""
    return facts.derived(_sets).get(path) or Sets(())


def _sets(facts: Facts) -> Mapping[str, Sets]:
    found: dict[str, list[AttributeSet]] = {}
    for each in facts.of(AttributeSet):
        found.setdefault(each.span.path, []).append(each)
    return {path: Sets(each) for path, each in found.items()}


def without_setting(cib: Cib, facts: Facts, setting: Setting, value: Text, resources: Sequence[Resource]) -> tuple[Command, ...]:
    """Return what ends a meta attribute that some resources have, each by itself, from what is around it, or by default."""
    known = sets(facts, cib.cluster.span.path)
    place = known.at(value)
    if place is None:
        return (Command("", CLUSTER),)
    if place.set.holder in ("rsc_defaults", "crm_config"):
        return (_without_default(cib, known, place, setting),)
    found = tuple(dict.fromkeys(_undone(cib, known, place, setting, value, resource) for resource in resources))
    in_place = known.change(place, setting.wanted)
    return (in_place,) if in_place in found else found


def with_setting(cib: Cib, facts: Facts, setting: Setting, value: Text | None, resource: Resource) -> tuple[Command, ...]:
    """Return what gives a meta attribute of a resource the value that it must have; `value` is the one that it has now."""
    known = sets(facts, cib.cluster.span.path)
    place = known.at(value) if value is not None else None
    if place is not None and place.set.holder == resource.name:
        return (known.change(place, setting.wanted),) if place.set.place else (_set_on(resource, setting.name, setting.wanted),)
    own = known.of(resource.name)
    if (value is not None and place is None) or any(each.refers or each.ruled or each.shared for each in own[:1]):
        return (Command("", CLUSTER),)
    return (_set_on(resource, setting.name, setting.wanted),)


def _without_default(cib: Cib, known: Sets, place: _Place, setting: Setting) -> Command:
    """Return what ends a default, or the property that old schemas have for it."""
    old = next((name for name in OLD_DEFAULTS if setting.name == "is-managed" and name in cib.properties), None)
    if place.set.holder == "crm_config":
        own = all(known.are_own(("crm_config",), name) for name in OLD_DEFAULTS)
        if own and place.set.place == 0 and not list(known.find_beside(("crm_config",), OLD_DEFAULTS, place)):
            return pcs("property", "unset", place.attribute.name)
        return known.change(place, setting.wanted)
    if len(known.of("rsc_defaults")) == 1 and old is None and known.are_own(("rsc_defaults",), setting.name):
        return _default(cib, "rsc_defaults", f"{setting.name}=")
    return _update(cib, known, place, setting.name, setting.wanted)


def _default(cib: Cib, section: str, pair: str) -> Command:
    """Return what changes a default where there is one set of them: `pcs` of Pacemaker 2.1 has the old form still, that of 3 refuses it."""
    return pcs(*_SECTIONS[section], *(["update"] if has_current_pcs(cib) else []), pair)


def _update(cib: Cib, known: Sets, place: _Place, name: str, value: str) -> Command:
    """Return what sets a default in the set in which it is written; `pcs` knows several sets since 0.10.7."""
    if not ID.fullmatch(place.set.name):
        return Command("", CLUSTER)
    if cib.cluster.pacemaker and not has_current_pcs(cib):
        return known.change(place, value)
    return pcs(*_SECTIONS[place.set.holder], "set", "update", place.set.name, "meta", f"{name}={value}")


def _undone(cib: Cib, known: Sets, place: _Place, setting: Setting, value: Text, resource: Resource) -> Command:
    """Return what ends the value where it is set, on the resource or around it; `enable` of a group leaves its members alone."""
    while resource.parent is not None and cib.resources[resource.parent].meta.get(setting.name) == value:
        resource = cib.resources[resource.parent]
    template = resource.template.value if resource.template is not None else ""
    if place.set.holder == template and _goes_first(known, resource, place.set):
        return _set_on(resource, setting.name, setting.wanted)
    if place.set.holder != resource.name or place.set.place:
        return known.change(place, setting.wanted)
    holders = [*around(cib, resource), *([template] if template else []), "rsc_defaults"]
    beneath = {each.holder for each in known.find_beside(holders, (setting.name,), place)}
    if setting.name == "is-managed" and any(name in cib.properties for name in OLD_DEFAULTS):
        beneath.add("crm_config")
    if not known.are_own((resource.name,), setting.name):
        return known.change(place, setting.wanted)
    if not setting.verb:
        return _set_on(resource, setting.name, setting.wanted if beneath else "")
    parent = cib.resources.get(resource.parent or "")
    named = resource if parent is not None and parent.form == GROUP else cib.top(resource)
    reached = set(_find_reached(cib, setting.verb, named))
    taken = {name for name in reached if _is_taken(known, name, setting.name, place)}
    if beneath - taken or not known.are_own(reached, setting.name):
        return _set_on(resource, setting.name, setting.wanted)
    return pcs("resource", setting.verb, named.name)


def _goes_first(known: Sets, resource: Resource, other: AttributeSet) -> bool:
    """Return whether the set into which `pcs` writes what is the resource's own goes before the set of its template."""
    own = known.of(resource.name)
    if not own:
        return score(other.score) <= 0
    if len(own) > 1 or own[0].refers or own[0].ruled or own[0].shared:  # nor does `pcs` change what a set takes over
        return False
    return score(own[0].score) >= score(other.score)


def _set_on(resource: Resource, name: str, value: str) -> Command:
    """Return what sets a meta attribute in the first set of a resource, or takes it away there; `pcs resource meta` knows no bundle."""
    of_bundle = ("bundle", "update", resource.name, "meta")
    return pcs("resource", *(of_bundle if resource.form == BUNDLE else ("meta", resource.name)), f"{name}={value}")


def _find_reached(cib: Cib, verb: str, named: Resource) -> Iterator[str]:
    """Yield the resources that `pcs resource enable` or `manage` changes, of those around a resource and right in it."""
    yield named.name
    many = (CLONE, PROMOTABLE, BUNDLE)
    if verb == "manage" or named.form in many:
        yield from named.children
        yield from (name for child in named.children for name in cib.resources[child].children)
    above = [cib.resources[name] for name in around(cib, named)[1:]]
    yield from (each.name for each in above if verb == "manage" or each.form in many)


def _is_taken(known: Sets, holder: str, name: str, place: _Place) -> bool:
    """Return whether all that a resource has of an attribute is in its first set, from which `pcs` takes it."""
    found = list(known.find_beside((holder,), (name,), place))
    return all(each.place == 0 and not each.refers and not each.shared for each in found)


def property_set(facts: Facts, found: ClusterProperty, value: str) -> Command:
    """Return what gives a property that is set another value; `pcs` writes into the first set, which need not be the one that counts."""
    known = sets(facts, found.span.path)
    place = known.at(Text(found.value, found.span))
    first = next(iter(known.of("crm_config")), None)
    if place is not None and place.set is not first and (first is None or first.refers or first.ruled or first.name != BOOTSTRAP):
        return known.change(place, value)
    return pcs("property", "set", f"{found.name}={value}")


_OF_NODES = (1, 1, 15)  # the first Pacemaker whose `pcs` has `pcs node`; the one before has no word for maintenance


def unset(cib: Cib, facts: Facts, node: Node, attribute: str) -> Iterator[Command]:
    """Yield what ends `standby` or `maintenance` of a node, where it is set: in the status, which `pcs node` leaves alone, for good."""
    value = (node.transient or {}).get(attribute)
    if value is not None and boolean(value.value) is True and not node.name.startswith("-"):
        words = ("crm_attribute", f"--name={attribute}", "--lifetime=reboot", "--delete", f"--node={node.name}")
        yield Command(command(*words), CLUSTER)
    value = node.attributes.get(attribute)
    if value is not None and boolean(value.value) is True:
        known = sets(facts, node.span.path)
        place = known.at(value)
        first = place is not None and place.set.place == 0 and place.set.holder == node.id and known.are_own((node.id,), attribute)
        if place is None or (first and not list(known.find_beside((node.id,), (attribute,), place))):
            version = cib.cluster.pacemaker
            if len(version) < 3 or version >= _OF_NODES:
                yield pcs("node", f"un{attribute}", node.name)
            elif attribute == "standby":
                yield pcs("cluster", "unstandby", node.name)
            elif not node.name.startswith("-"):
                yield Command(command("crm_attribute", f"--name={attribute}", "--delete", f"--node={node.name}"), CLUSTER)
        else:
            yield known.change(place, "false")


def operation_set(cib: Cib, facts: Facts, leaf: Resource, one: Operation, values: Mapping[str, str]) -> tuple[Command, ...]:
    """Return what sets attributes of an operation, or the defaults from which it has them. `pcs` knows the first of a name and a role."""
    known = sets(facts, leaf.span.path)
    places = {name: known.at(one.settings[name]) if name in one.settings else None for name in values}
    found = [_in_set(cib, known, place, name, values[name]) for name, place in places.items() if place is not None]
    here = {name: values[name] for name, place in places.items() if place is None}
    own = next((each for each in leaf.operations if each.holder == leaf.name and _key(each) == _key(one)), None)
    if here and own is one and leaf.template is None and one.settings.keys() <= {*_OF_OPERATIONS}:
        words = [f"{key}={text.value}" for key, text in one.settings.items() if key not in here and known.at(text) is None]
        words += [f"role={role_of(cib, one.role)}"] if one.role is not None else []
        words += [f"{name}={value}" for name, value in here.items()]
        found.append(pcs("resource", "update", leaf.name, "op", one.name, *words))
    elif here:
        found.append(change_attributes("op", one.id, here))
    return tuple(found)


def _in_set(cib: Cib, known: Sets, place: _Place, name: str, value: str) -> Command:
    """Return what changes an attribute of an operation that a set gives: one of its own, or of the defaults."""
    if place.set.holder != "op_defaults":
        return known.change(place, value)
    only = len(known.of("op_defaults")) == 1
    return _default(cib, "op_defaults", f"{name}={value}") if only else _update(cib, known, place, name, value)


def _key(one: Operation) -> tuple[str, str | None]:
    return one.name, one.role.lower() if one.role is not None else None
