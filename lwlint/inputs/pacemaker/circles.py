"""Mandatory colocations that looser ones turn into circles, and which of them the scheduler then breaks off.

After Pacemaker 2.1.5. To place a resource the scheduler first places what the resource is bound to or near to, and passes over what it is
placing already. So of a circle it breaks off the binding by which it comes back, and which one that is hangs on where it begins: from a
cold start it goes by priority, then by the order of the CIB.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TypeVar

from lwlint.core.source import Text
from lwlint.inputs.pacemaker.facts import GROUP, Resource, score

Step = tuple[str, bool]  # a resource's id, and whether it is needed as a whole (a group, with all of its members)
N = TypeVar("N", bound=Hashable)
_Names = Mapping[str, Sequence[str]]
_MOST = 100  # resources of one circle that are looked at for one binding; no cluster has so many


class Circles:
    """The circles of one CIB: `bindings` are mandatory, `loose` ones are not, `before` tells for each member of a group the one in front.

    `needed` is what each step needs by the bindings and the groups.
    """

    def __init__(
        self,
        resources: Mapping[str, Resource],
        bindings: _Names,
        loose: _Names,
        before: Mapping[str, str],
        needed: Mapping[Step, Sequence[Step]],
    ) -> None:
        self._resources, self._bindings, self._loose, self._before = resources, bindings, loose, before
        # a whole resource needs itself too, so that what leads to it leads to it however it is needed
        tight = {(name, whole): [*after, (name, False)] if whole else [*after] for (name, whole), after in needed.items()}
        self._tight = numbered(tight)
        self._all = numbered({step: [*after, *((name, True) for name in loose.get(step[0], ()))] for step, after in tight.items()})

    def part(self, name: str, needed: Step) -> bool:
        """Return whether the scheduler may break off that the resource `name` is where one is that it needs."""
        mine = (name, False)
        if self._all[mine] != self._all[needed] or self._tight[mine] == self._tight[needed]:
            return False
        if needed[0] == self._before.get(name):
            return name in self._overtaking
        return needed[0] in self._bindings.get(name, ()) and self._is_first(needed[0], name)

    @cached_property
    def _turns(self) -> dict[str, tuple[int, int]]:
        """When the scheduler comes to each resource: with the outermost one around it."""
        places = {name: number for number, name in enumerate(self._resources)}
        tops = ((name, self._resources[resource.top]) for name, resource in self._resources.items())
        return {name: (-_priority(top.meta.get("priority")), places[top.name]) for name, top in tops}

    @cached_property
    def _leading(self) -> dict[str, list[str]]:
        """What leads to each resource of its circle: what is bound to it or near to it, what lies in that, and the next of its group."""
        found: dict[str, list[str]] = {}
        for name, resource in self._resources.items():
            inner = (each for each in (resource.parent, self._before.get(name)) if each is not None)
            for other in (*self._bindings.get(name, ()), *self._loose.get(name, ()), *inner):
                if self._all[name, False] == self._all[other, False]:
                    found.setdefault(other, []).append(name)
        return found

    def _is_first(self, needed: str, name: str) -> bool:
        """Return whether the scheduler comes to what is needed before the resource: by something in front that leads there another way."""
        seen = {name}
        todo = [needed]
        while todo and len(seen) <= _MOST:
            each = todo.pop()
            if each not in seen:
                if self._turns[each] < self._turns[name]:
                    return True
                seen.add(each)
                todo += self._leading.get(each, ())
        return len(seen) > _MOST

    @cached_property
    def _overtaking(self) -> set[str]:
        """The members of groups that the scheduler may place before the one in front of them, and then without it.

        It does so where that one (or the group, if it is the first) is bound, or near, to something behind the group which leads to a
        later member by name. What stands before the group is placed before it, with all that it leads to.
        """
        found: set[str] = set()
        for group in self._resources.values():
            if group.form == GROUP and any(name in self._before for name in group.children[1:2]):
                found.update(group.children[at] for at in self._parted(group.name, group.children))
        return found

    def _parted(self, group: str, children: Sequence[str]) -> Iterable[int]:
        """Return the places of the members of a group that may come to stand apart from the one in front; all where too many lead there."""
        places = {group: 0, **{name: number for number, name in enumerate(children)}}  # what binds the group is of its first member
        behind: set[str] = set()
        found: set[int] = set()
        for last, name in reversed(list(enumerate(children))):
            todo = list(self._leading.get(name, ()))
            while todo and len(behind) <= _MOST:
                each = todo.pop()
                if places.get(each, last) < last:
                    found.add(places[each] + 1)
                elif each not in places and each not in behind and self._turns[each] > self._turns[group]:
                    behind.add(each)
                    todo += self._leading.get(each, ())
        return found if len(behind) <= _MOST else range(1, len(children))


def numbered(graph: Mapping[N, Collection[N]]) -> dict[N, int]:
    """Return a number for each node of a graph, the same for two that are reached from each other (after Tarjan, without recursion)."""
    order: dict[N, int] = {}
    low: dict[N, int] = {}
    found: dict[N, int] = {}
    open_: list[N] = []
    for start in graph:
        todo = [] if start in order else [(start, iter(graph[start]))]
        while todo:
            step, after = todo[-1]
            if step not in order:
                order[step] = low[step] = len(order)
                open_.append(step)
            new = next((each for each in after if each not in order or _lower(low, step, order[each], each in found)), None)
            if new is not None:
                todo.append((new, iter(graph.get(new, ()))))
                continue
            todo.pop()
            if todo:
                low[todo[-1][0]] = min(low[todo[-1][0]], low[step])
            while low[step] == order[step] and step not in found:
                found[open_.pop()] = order[step]
    return found


def _lower(low: dict[N, int], step: N, number: int, is_over: bool) -> bool:
    """Note that `step` leads to a step with this number, unless that one's circle is over; always False."""
    if not is_over:
        low[step] = min(low[step], number)
    return False


def _priority(value: Text | None) -> int:
    """Return the priority of a resource; the scheduler takes what is none for 0."""
    return score(value.value) if value is not None else 0
