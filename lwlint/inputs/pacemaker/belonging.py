"""Whose a virtual IP is, by what a CIB ties it to; and whether it can be up away from what it must run beside.

Each group, each constraint and each pair is looked at once, however many addresses it ties: what is found is passed on to those that
wait for it.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Sequence
from itertools import islice

from msgspec import Struct, field

from lwlint.core.facts import INFRASTRUCTURE, Service
from lwlint.inputs.pacemaker.facts import COLOCATION, GROUP, INFINITY, ORDER, PRIMITIVE, Resource
from lwlint.inputs.pacemaker.model import Cib, Colocations

MOST_TARGETS = 50  # resources of one service that are asked one by one; no cluster has so many
_MOST_AROUND = 100  # resources in one another; Pacemaker knows three


def owners(cib: Cib, each: str, to: str) -> dict[str, str]:
    """Return the resources of service `each` (virtual IPs) that belong to another resource than those of `to` (HAProxy), and to which.

    An address that is bound to another address is of the same owner.
    """
    addresses = cib.running(each)
    if not addresses:
        return {}
    there = {_namespace(leaf) for leaf in cib.running(to)}
    asked = [_Asked(cib, leaf, bool(there) and _namespace(leaf) not in there) for leaf in addresses]
    tied = _Tied(cib, to)
    return _Owners(cib, (each, to), [one for one in asked if one.apart or not tied.holds(one)]).found()


def around(cib: Cib, resource: Resource) -> list[str]:
    """Return the ids of the resource and of all around it, from the inside out."""
    found = [resource.name]
    while resource.parent is not None:
        resource = cib.resources[resource.parent]
        found.append(resource.name)
    return found


class _Asked:
    """One address. `apart` tells that no HAProxy is in its network namespace (`ns`, an attribute of Fuel's agents)."""

    def __init__(self, cib: Cib, leaf: Resource, apart: bool) -> None:
        self.name, self.apart = leaf.name, apart
        self.around = around(cib, leaf)
        parent = cib.resources.get(leaf.parent or "")
        self.group = parent.name if parent is not None and parent.form == GROUP else ""


class _Tied:
    """What is tied to a resource of one service: in a group with it, by a colocation of any strength, or by an order."""

    def __init__(self, cib: Cib, to: str) -> None:
        self._cib = cib
        self._running: set[str] = set()  # the resources that have one inside
        for leaf in cib.running(to):
            for name in around(cib, leaf):
                if name != leaf.name and cib.resources[name].form == PRIMITIVE:
                    break
                self._running.add(name)
        self._named: dict[tuple[str, str], set[str]] = {}  # by type and resource: those of them that constraints name with it
        self._groups: dict[str, list[str]] = {}
        for constraint in cib.constraints:
            if constraint.type in (COLOCATION, ORDER):
                names = {name for member in constraint.members for name in member.resources}
                running = names & self._running
                for name in names if running else ():
                    known = self._named.setdefault((constraint.type, name), set())
                    known.update(islice(running, max(0, _MOST_AROUND - len(known))))

    def holds(self, one: _Asked) -> bool:
        """Return whether an address is tied; an order counts only where it names the address itself."""
        named = [self._named.get((COLOCATION, name), ()) for name in one.around]
        if any(other not in one.around for others in (*named, self._named.get((ORDER, one.name), ())) for other in others):
            return True
        if one.group not in self._groups:
            members = self._cib.resources[one.group].children if one.group else ()
            self._groups[one.group] = list(islice((name for name in members if name in self._running), 2))
        return any(other != one.name for other in self._groups[one.group])


class _Members(Struct):
    """Resources in their order: the first that has an owner, with its place, and the places of all."""

    first: tuple[int, str] | None = None
    places: dict[str, int] = field(default_factory=dict)


class _Owners:
    """Passes owners on from address to address.

    As if in rounds: in each, those that have none are asked in their order, and go by what is known then.
    """

    def __init__(self, cib: Cib, services: Sequence[str], asked: Sequence[_Asked]) -> None:
        self._cib, self._services, self._asked = cib, services, asked
        self._owned: dict[str, str] = {}
        self._beside: dict[str, _Members] = {}  # by group
        self._inside: dict[str, _Members] = {}  # by what is bound to something
        self._bound: dict[str, dict[str, int]] = {}  # to what each resource is bound, and by which pair, counted
        self._known: dict[str, list[tuple[int, str]]] = {}  # of these, by pair, those that have an owner inside
        self._waiting: dict[str, list[int]] = {}  # the addresses in each resource
        self._grouped: dict[str, list[int]] = {}

    def found(self) -> dict[str, str]:
        """Return the owner of each address that has one."""
        self._bind()
        for number, one in enumerate(self._asked):
            for name in one.around:
                self._waiting.setdefault(name, []).append(number)
            if one.group:
                self._grouped.setdefault(one.group, []).append(number)
                if one.group not in self._beside:
                    self._beside[one.group] = self._members([self._cib.resources[n] for n in self._cib.resources[one.group].children])
        todo = [(0, number) for number in range(len(self._asked))]
        while todo:
            turn, number = heapq.heappop(todo)
            one = self._asked[number]
            owner = self._owner(one) if one.name not in self._owned else None
            if owner is not None:
                self._owned[one.name] = owner
                for other in self._told(one, owner):
                    heapq.heappush(todo, (turn if other > number else turn + 1, other))
        return self._owned

    def _bind(self) -> None:
        """Note the pairs that bind two resources; OVN's promoted copy follows its address, so that either end is bound to the other."""
        number = 0
        for constraint in self._cib.constraints:
            for pair in constraint.pairs if constraint.type == COLOCATION and constraint.active else ():
                if pair.score >= INFINITY and pair.first != pair.second:
                    for name, other in ((pair.first, pair.second), (pair.second, pair.first)):
                        self._bound.setdefault(name, {}).setdefault(other, number)
                    number += 1
        for name, bound in self._bound.items():
            self._inside[name] = self._members(self._cib.inside(name))
            if self._inside[name].first is not None:
                for other, number in bound.items():
                    self._known.setdefault(other, []).append((number, name))
        for known in self._known.values():
            known.sort()

    def _members(self, resources: Sequence[Resource]) -> _Members:
        strange = next(((i, each.top) for i, each in enumerate(resources) if self._is_owner(each)), None)
        return _Members(strange, {each.name: i for i, each in enumerate(resources)})

    def _is_owner(self, resource: Resource) -> bool:
        service = self._cib.service(resource)
        return service is None or not (service.name in self._services or _is_behind_or_beside(service))

    def _owner(self, one: _Asked) -> str | None:
        """Return what an address belongs to, as far as it is known: what is in its group goes before what it is bound to."""
        if one.apart:
            return "ns"
        beside = self._beside.get(one.group)
        if beside is not None and beside.first is not None:
            return beside.first[1]
        known = (next((each for each in self._known.get(name, ()) if each[1] not in one.around), None) for name in one.around)
        _, name = min((each for each in known if each is not None), default=(0, ""))
        first = self._inside[name].first if name else None
        return first[1] if first is not None else None

    def _told(self, one: _Asked, owner: str) -> list[int]:
        """Return the addresses that may have an owner now that this one has."""
        found: list[int] = []
        if one.group and self._is_first(self._beside[one.group], one.name, owner):
            found += self._grouped.pop(one.group)
        for name in one.around:
            if name in self._inside and self._is_first(self._inside[name], one.name, owner):
                for other, number in self._bound[name].items():
                    insort(self._known.setdefault(other, []), (number, name))
                    waiting = self._waiting.get(other, ())
                    found += [each for each in waiting if name not in self._asked[each].around]
                    self._waiting[other] = [each for each in waiting if name in self._asked[each].around]
        return found

    def _is_first(self, members: _Members, name: str, owner: str) -> bool:
        """Note an owner among the members; return whether there was none before."""
        place = members.places.get(name)
        if place is None:
            return False
        was, members.first = members.first, min(members.first or (place, owner), (place, owner))
        return was is None


def _namespace(leaf: Resource) -> str:
    value = leaf.attributes.get("ns")
    return value.value if value is not None else ""


def _is_behind_or_beside(service: Service) -> bool:
    """Whether a service owns no address: it stands behind HAProxy (OpenStack's APIs), or is of the cluster itself."""
    return service.kind == INFRASTRUCTURE or (service.openstack and service.is_active_active)


class Anchors:
    """What keeps addresses where others run: a resource that runs once in the cluster, and where each of the two runs if it does."""

    def __init__(self, cib: Cib, graph: Colocations) -> None:
        self._cib, self._graph = cib, graph
        self._held: dict[str, set[str]] = {}

    def never_apart(self, address: str, others: Sequence[Resource]) -> bool:
        """Return whether the address is never up away from one of `others` (HAProxy) that runs.

        So it is where they all run only where it runs, or where they and it run only where a third one does that runs once. Of more
        than `MOST_TARGETS` others it is not asked, and the answer is no.
        """
        return 0 < len(others) <= MOST_TARGETS and all(address in self._with(other.name) for other in others)

    def _with(self, name: str) -> set[str]:
        """Return what is held by one of the anchors of the resource, these too."""
        if name not in self._held:
            if len(self._held) >= MOST_TARGETS:
                return set()
            once = {each for each in (name, *self._graph.held(name)) if self._cib.top(self._cib.resources[each]).instances == 1}
            self._held[name] = once | self._graph.holding(once)
        return self._held[name]
