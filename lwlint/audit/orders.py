"""The orders of a cluster's CIB as steps between its outermost resources: what a picture of them is drawn from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, islice

from lwlint.facts import Facts
from lwlint.facts.cib import Cib, cibs
from lwlint.facts.pacemaker import ORDER, Constraint, Member
from lwlint.record import dataclass
from lwlint.secret import masked

_MOST = 2000  # steps; sets of resources multiply


@dataclass(frozen=True)
class Managed:
    """An outermost resource of the CIB; `kind` is its service's in the catalogue, empty where that does not know it."""

    name: str
    kind: str = ""
    title: str = ""


@dataclass(frozen=True)
class Step:
    """`first` comes before `then`, because of the order `constraint`; `kind` is Mandatory, Optional or Serialize."""

    constraint: str
    first: str
    then: str
    kind: str


@dataclass(frozen=True)
class Ordering:
    """What a CIB has to order: its resources, and the steps between them; both empty without a CIB."""

    resources: tuple[Managed, ...] = ()
    steps: tuple[Step, ...] = ()


def ordering(facts: Facts) -> Ordering:
    """Return the orders of the first CIB among the facts; one whose lifetime is over orders nothing."""
    found = cibs(facts)
    if not found:
        return Ordering()
    cib = found[0]
    steps = (step for constraint in cib.constraints if constraint.type == ORDER and constraint.active for step in _steps(cib, constraint))
    return Ordering(tuple(_managed(cib)), tuple(dict.fromkeys(islice(steps, _MOST))))


def _managed(cib: Cib) -> Iterator[Managed]:
    for resource in cib.resources.values():
        if resource.parent is None:
            service = next((s for leaf in (*cib.inside(resource.name), resource) if (s := cib.service(leaf)) is not None), None)
            kind, title = (service.kind, service.title) if service is not None else ("", "")
            yield Managed(masked(resource.name), kind, title)


def _steps(cib: Cib, constraint: Constraint) -> Iterator[Step]:
    blocks = list(_blocks(constraint.members))
    for members in blocks:
        if members[0].set >= 0 and members[0].sequential:
            for one, other in zip(members, members[1:]):
                yield from _between(cib, constraint, (one,), (other,))
    for before, after in zip(blocks, blocks[1:]):
        last = before[-1:] if before[0].set >= 0 and before[0].sequential else before
        first = after[:1] if after[0].set >= 0 and after[0].sequential else after
        yield from _between(cib, constraint, last, first)


def _blocks(members: Sequence[Member]) -> Iterator[tuple[Member, ...]]:
    """Yield what is ordered one after the other: the two ends of a plain order, or the sets of resources."""
    for _, block in groupby(members, key=lambda m: m.position if m.set < 0 else m.set):
        yield tuple(block)


def _between(cib: Cib, constraint: Constraint, before: Sequence[Member], after: Sequence[Member]) -> Iterator[Step]:
    for first in _tops(cib, before):
        for then in _tops(cib, after):
            if first != then:
                yield Step(masked(constraint.name), masked(first), masked(then), constraint.ordering or "Mandatory")


def _tops(cib: Cib, members: Sequence[Member]) -> list[str]:
    names = (cib.top(cib.resources[id]).name for member in members for id in member.resources if id in cib.resources)
    return list(dict.fromkeys(names))
