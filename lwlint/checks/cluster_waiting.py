"""Constraints by which one resource cannot start, or run, while another one is down."""

from __future__ import annotations

from collections.abc import Iterator

from lwlint.facts.cib import Cib
from lwlint.facts.colocation import mandatory
from lwlint.facts.pacemaker import COLOCATION, ORDER, Constraint, Member

_STARTS = ("start", "promote")


def awaited(cib: Cib, constraint: Constraint) -> Iterator[tuple[str, str]]:
    """Yield each resource of a constraint that waits for another one, and that other one.

    After the scheduler of Pacemaker 2.1.5: an order of stops does not hold back a start, though it is symmetrical; optional and
    serialized orders make nothing wait for what does not start, and a finite score keeps nothing down.
    """
    if not constraint.active:
        return
    if constraint.type == COLOCATION:
        for pair in constraint.pairs:
            if mandatory(pair, cib):
                yield pair.first, pair.second
    elif constraint.type == ORDER and constraint.ordering == "Mandatory":
        for first, then in _in_turn(constraint):
            before = first.action or "start"
            after = then.action or before
            for late in then.resources if before in _STARTS else ():
                if after == "start" or (after == "promote" and cib.resources[late].promotable):
                    yield from ((late, early) for early in first.resources)


def _in_turn(constraint: Constraint) -> Iterator[tuple[Member, Member]]:
    """Yield the members of an order two by two: those of a set with those of later sets, in a sequential set each with all behind it."""
    ends = {member.position: member for member in constraint.members if member.set < 0}
    if "first" in ends and "then" in ends:
        yield ends["first"], ends["then"]
    members = [member for member in constraint.members if member.set >= 0]
    for at, first in enumerate(members):
        for then in members[at + 1 :]:
            if then.set > first.set or first.sequential:
                yield first, then
