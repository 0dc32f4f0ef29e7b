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


Step = tuple[str, bool]  # a resource's id, and whether it is needed as a whole (a group, with all of its members)


class Colocations:
    """The mandatory colocations of one CIB."""

    def __init__(self, cib: Cib) -> None:
        self._cib = cib
        self._edges: dict[str, list[tuple[str, str | None]]] = {}
        self._before: dict[str, str] = {}
        for constraint in cib.constraints:
            if constraint.type == COLOCATION and constraint.active:
                for pair in constraint.pairs:
                    if mandatory(pair, cib) and by_node(constraint, pair, cib):
                        self._edges.setdefault(pair.first, []).append((pair.second, role(pair.second_role)))
        for group in cib.resources.values():
            if group.form == GROUP and _collocated(group):
                self._before.update(zip(group.children[1:], group.children))

    def needed(self, start: str) -> Iterator[str]:
        """Yield each resource without which `start` runs nowhere; itself too, if bindings go round in a circle."""
        todo = [step for step, _ in self._next((start, False))]
        seen = set()
        while todo:
            step = todo.pop()
            if step not in seen:
                seen.add(step)
                if step[1]:
                    yield step[0]
                todo += [after for after, _ in self._next(step)]

    def bound(self, targets: set[str]) -> set[str]:
        """Return what runs only where one of `targets` runs. In a circle the scheduler keeps to direct bindings only."""
        circle = {name for target in targets for name in self.needed(target)}
        direct = {name for name in circle if any(step[1] and step[0] in targets for step, _ in self._next((name, False)))}
        return self.leading_to(targets) - (circle - direct)

    def leading_to(self, targets: set[str], roles: tuple[str, ...] = ()) -> set[str]:
        """Return what runs only where one of `targets` runs, in one of `roles` if there are any."""
        backwards: dict[Step, list[Step]] = {}
        todo: list[Step] = []
        for name in self._cib.resources:
            for step in ((name, False), (name, True)):
                for after, wanted in self._next(step):
                    backwards.setdefault(after, []).append(step)
                    if after[1] and after[0] in targets and (not roles or wanted in roles):
                        todo.append(step)
        seen: set[Step] = set()
        while todo:
            step = todo.pop()
            if step not in seen:
                seen.add(step)
                todo += backwards.get(step, ())
        return {name for name, whole in seen if not whole}

    def _next(self, step: Step) -> list[tuple[Step, str | None]]:
        """What a resource needs: its own colocations, its group's, the member before it; a whole group its last member."""
        name, whole = step
        resource = self._cib.resources[name]
        found: list[tuple[Step, str | None]] = [((other, True), wanted) for other, wanted in self._edges.get(name, ())]
        if resource.parent is not None:
            found.append(((resource.parent, False), None))
        if name in self._before:
            found.append(((self._before[name], True), None))
        if whole and resource.form == GROUP and resource.children:
            found.append(((resource.children[-1], True), None))
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
