"""Whose a virtual IP is: HAProxy's, or that of another resource which the CIB ties it to.

An address in a group with a resource, or bound to it without reserve (either way round), is that resource's: to tie it to HAProxy
would stop RabbitMQ, PostgreSQL or booth where HAProxy can run nowhere, as `crm_simulate` of Pacemaker 2.1.5 shows.
"""

from __future__ import annotations

from collections.abc import Iterator

from lwlint.core.facts import ACTIVE_ACTIVE, INFRASTRUCTURE, Service
from lwlint.inputs.pacemaker.facts import COLOCATION, GROUP, INFINITY, ORDER, Constraint, Pair, Resource
from lwlint.inputs.pacemaker.model import Cib, Colocations


def owners(cib: Cib, each: str, to: str) -> dict[str, str]:
    """Return the resources of service `each` (virtual IPs) that belong to another resource than those of `to` (HAProxy), and to which."""
    found: dict[str, str] = {}
    asked = [_Asked(cib, leaf, each, to) for leaf in cib.running(each)]
    asked = [one for one in asked if not one.is_theirs()]
    more = True
    while more:  # an address bound to another address is of the same owner
        before = len(found)
        for one in asked:
            owner = next(one.owners(found), None) if one.leaf.name not in found else None
            if owner is not None:
                found[one.leaf.name] = owner
        more = len(found) > before
    return found


class _Asked:
    """One virtual IP, and what the CIB ties it to."""

    def __init__(self, cib: Cib, leaf: Resource, each: str, to: str) -> None:
        self.cib, self.leaf, self.each, self.to = cib, leaf, each, to
        self.around = {leaf.name}
        parent = leaf.parent
        while parent is not None:
            self.around.add(parent)
            parent = cib.resources[parent].parent

    def is_theirs(self) -> bool:
        """Whether it is tied to HAProxy: in a group with it, by a colocation of any strength, or by an order."""
        if self._apart_by_namespace():
            return False
        named = {name for constraint in self.cib.constraints for name in self._named_with(constraint)}
        named |= {other.name for other in self._beside()}
        return any(self._runs(leaf) == self.to for name in named for leaf in self.cib.inside(name))

    def owners(self, known: dict[str, str]) -> Iterator[str]:
        """Yield what it belongs to; `known` are the addresses whose owners are known."""
        if self._apart_by_namespace():
            yield "ns"
        for other in self._beside():
            yield from self._owner(other, known)
        for pair in self._pairs():
            for leaf in self.cib.inside(pair.second if pair.first in self.around else pair.first):
                yield from self._owner(leaf, known)

    def _owner(self, leaf: Resource, known: dict[str, str]) -> Iterator[str]:
        service = self.cib.service(leaf)
        if leaf.name in known:
            yield known[leaf.name]
        elif service is None or not (service.name in (self.each, self.to) or _is_behind_or_beside(service)):
            yield leaf.top

    def _beside(self) -> list[Resource]:
        """The other members of its group."""
        parent = self.cib.resources.get(self.leaf.parent or "")
        if parent is None or parent.form != GROUP:
            return []
        return [self.cib.resources[name] for name in parent.children if name != self.leaf.name]

    def _pairs(self) -> Iterator[Pair]:
        """Yield the pairs that bind it to another resource, or another resource to it; OVN's promoted copy follows its address."""
        for constraint in self.cib.constraints:
            if constraint.type == COLOCATION and constraint.active:
                for pair in constraint.pairs:
                    if pair.score >= INFINITY and (pair.first in self.around) != (pair.second in self.around):
                        yield pair

    def _named_with(self, constraint: Constraint) -> Iterator[str]:
        """Yield what a colocation or an order names beside it; an order counts only where it names the address itself."""
        names = [name for member in constraint.members for name in member.resources]
        ours = self.around if constraint.type == COLOCATION else {self.leaf.name}
        if constraint.type in (COLOCATION, ORDER) and not ours.isdisjoint(names):
            yield from (name for name in names if name not in self.around)

    def _apart_by_namespace(self) -> bool:
        """Whether every HAProxy runs in another network namespace (`ns`, an attribute of Fuel's agents), where the address is not seen."""
        there = [_namespace(leaf) for leaf in self.cib.running(self.to)]
        return bool(there) and _namespace(self.leaf) not in there

    def _runs(self, leaf: Resource) -> str:
        service = self.cib.service(leaf)
        return service.name if service is not None else ""


def _namespace(leaf: Resource) -> str:
    value = leaf.attributes.get("ns")
    return value.value if value is not None else ""


def _is_behind_or_beside(service: Service) -> bool:
    """Whether a service owns no address: it stands behind HAProxy (OpenStack's APIs), or is of the cluster itself."""
    return service.kind == INFRASTRUCTURE or (service.openstack and service.kind == ACTIVE_ACTIVE)


def never_apart(cib: Cib, graph: Colocations, address: str, others: list[Resource]) -> bool:
    """Whether the address is never up away from one of `others` (HAProxy) that runs.

    So it is where they all run only where it runs, or where they and it run only where a third one does that runs once.
    """
    ours = _anchors(cib, graph, address)
    return bool(others) and all(ours & _anchors(cib, graph, other.name) for other in others)


def _anchors(cib: Cib, graph: Colocations, name: str) -> set[str]:
    """Return what runs once in the cluster, and where the resource runs if it does."""
    return {each for each in (name, *graph.needed(name)) if cib.top(cib.resources[each]).instances == 1}
