"""Who runs only where whom runs: the mandatory colocations of one CIB as a graph.

What binds was measured on the scheduler of Pacemaker 2.1.5, by banning the other resource from every set of
nodes and looking where the first one goes.
"""

from __future__ import annotations

from collections.abc import Iterator

from lwlint.facts.cib import Cib
from lwlint.facts.pacemaker import BUNDLE, CLONE, COLOCATION, GROUP, INFINITY, PROMOTABLE, Constraint, Pair, Resource, boolean

PROMOTED = ("master", "promoted")
_STARTED = (None, "started")
_MANY = (CLONE, PROMOTABLE, BUNDLE)


def role(written: str | None) -> str | None:
    """Return a role in lower case, None for one that every running resource has."""
    word = written.lower() if written is not None else None
    return None if word in _STARTED else word


class Colocations:
    """The mandatory colocations of one CIB."""

    def __init__(self, cib: Cib) -> None:
        self._cib = cib
        self._edges: dict[str, list[tuple[str, str | None]]] = {}
        for constraint in cib.constraints:
            if constraint.type == COLOCATION and constraint.active:
                for pair in constraint.pairs:
                    if mandatory(pair, cib) and by_node(constraint, pair, cib):
                        self._edges.setdefault(pair.first, []).append((pair.second, role(pair.second_role)))

    def needed(self, start: str) -> Iterator[tuple[Resource, str | None]]:
        """Yield each resource without which `start` runs nowhere, with the role that it must have."""
        todo = self._next(self._cib.resources[start], False)
        seen = set()
        while todo:
            name, wanted, whole = todo.pop()
            if (name, whole) in seen:
                continue
            seen.add((name, whole))
            resource = self._cib.resources[name]
            if whole:
                yield resource, wanted
            todo += self._next(resource, whole)

    def bound(self, start: str, target: str) -> bool:
        """Return whether `start` runs only where `target` runs. In a circle the scheduler keeps to direct bindings only."""
        if not any(resource.name == target for resource, _ in self.needed(start)):
            return False
        circle = any(resource.name == start for resource, _ in self.needed(target))
        return not circle or any(name == target for name, _, whole in self._next(self._cib.resources[start], False) if whole)

    def _next(self, resource: Resource, whole: bool) -> list[tuple[str, str | None, bool]]:
        """What `resource` needs: its own colocations, its group's, the member before it; a `whole` group its last member."""
        found = [(name, wanted, True) for name, wanted in self._edges.get(resource.name, ())]
        if resource.parent is not None:
            parent = self._cib.resources[resource.parent]
            found.append((parent.name, None, False))
            at = parent.children.index(resource.name)
            if parent.form == GROUP and at and _collocated(parent):
                found.append((parent.children[at - 1], None, True))
        if whole and resource.form == GROUP and resource.children:
            found.append((resource.children[-1], None, True))
        return found


def by_node(constraint: Constraint, pair: Pair, cib: Cib) -> bool:
    """Whether `pair` is bound node by node; with a resource of many copies the scheduler does not look at `node-attribute`."""
    return constraint.node_attribute in (None, "#uname") or cib.resources[pair.second].form in _MANY


def mandatory(pair: Pair, cib: Cib) -> bool:
    """Whether the scheduler holds `pair` to be mandatory; a role that one of the two never has can make it void."""
    return pair.score >= INFINITY and first_takes(pair, cib) and second_takes(pair, cib)


def first_takes(pair: Pair, cib: Cib) -> bool:
    """Whether the role in which the first is bound leaves the binding in force: beside one copy of the other only if it is none."""
    wanted = role(pair.first_role)
    return wanted is None or (cib.resources[pair.second].form in _MANY and wanted not in PROMOTED)


def second_takes(pair: Pair, cib: Cib) -> bool:
    """Whether the role of the second leaves the binding in force; the role of a plain clone is not looked at."""
    first, second = cib.resources[pair.first], cib.resources[pair.second]
    if role(pair.second_role) is None:
        return True
    return second.form in _MANY and not (first.form in _MANY and second.form == BUNDLE)


def _collocated(group: Resource) -> bool:
    value = group.meta.get("collocated")
    return value is None or boolean(value.value) is not False
