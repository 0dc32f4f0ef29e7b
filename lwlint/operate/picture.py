"""The orders and colocations of a cluster as a graph: what there is, what the specification takes away, and what it leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from lwlint.audit.answer import GOING, ClusterAnswer
from lwlint.audit.commands import Managed, Step
from lwlint.core.secret import masked
from lwlint.inputs.pacemaker.facts import COLOCATION
from lwlint.inputs.pacemaker.model import Cib


class Tie(Struct, frozen=True):
    """`first` runs where `second` runs, because of a colocation with this score; both are outermost resources."""

    constraint: str
    first: str
    second: str
    score: int


class Picture(Struct, frozen=True):
    """A cluster to draw. `leaving` are the resources, and `gone` the constraints, that the specification has no place for.

    `said` are what was found, by the id of the resource or constraint.
    """

    name: str
    resources: tuple[Managed, ...]
    steps: tuple[Step, ...]
    ties: tuple[Tie, ...]
    leaving: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    said: tuple[tuple[str, str], ...] = ()

    @property
    def after(self) -> Picture:
        """What the specification leaves of it."""
        kept = {one.name for one in self.resources} - self.leaving
        return replace(
            self,
            resources=tuple(one for one in self.resources if one.name in kept),
            steps=tuple(one for one in self.steps if one.constraint not in self.gone and {one.first, one.then} <= kept),
            ties=tuple(one for one in self.ties if one.constraint not in self.gone and {one.first, one.second} <= kept),
            leaving=frozenset(),
            gone=frozenset(),
            said=(),
        )


def picture(cluster: ClusterAnswer, cib: Cib) -> Picture:
    """Return the graph of a CIB, with what the audit found of its resources and constraints."""
    tops = {masked(name): masked(cib.top(resource).name) for name, resource in cib.resources.items()}
    found = [(one, *one.subject.partition(" ")[::2]) for one in cluster.found if one.allowed is None and one.severity != "note"]
    said = [(tops.get(id, id), f"{one.code}: {one.message}") for one, noun, id in found if noun in GOING.values()]
    ordering = cluster.ordering
    return Picture(
        cluster.name,
        ordering.resources,
        ordering.steps,
        tuple(dict.fromkeys(_ties(cib))),
        frozenset(tops[name] for name in cluster.gone.resources if name in tops),
        cluster.gone.constraints,
        tuple(dict.fromkeys(said)),
    )


def _ties(cib: Cib) -> Iterator[Tie]:
    for constraint in cib.constraints:
        if constraint.type == COLOCATION and constraint.active:
            for pair in constraint.pairs:
                first, second = (cib.top(cib.resources[id]).name for id in (pair.first, pair.second))
                if first != second:
                    yield Tie(masked(constraint.name), masked(first), masked(second), pair.score)


def bound(ties: Iterable[Tie]) -> dict[frozenset[str], list[Tie]]:
    """Return the ties between each two resources."""
    found: dict[frozenset[str], list[Tie]] = {}
    for tie in ties:
        found.setdefault(frozenset((tie.first, tie.second)), []).append(tie)
    return found
