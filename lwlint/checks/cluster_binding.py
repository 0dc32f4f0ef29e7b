"""Resources that must run where another one runs, and act in order with it: virtual IPs and HAProxy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lwlint.checks.check import Check, Saw, Unknown, needs
from lwlint.facts import Facts
from lwlint.facts.cib import Cib, cibs
from lwlint.facts.colocation import PROMOTED, Colocations, by_node, first_takes, second_takes
from lwlint.facts.pacemaker import COLOCATION, GROUP, INFINITY, ORDER, Cluster, Constraint, Pair, Resource, boolean, score
from lwlint.finding import Problem, Related


@dataclass(frozen=True)
class Params:
    """`each` resource of one service must be bound to a resource of the service `to`.

    One that is so bound to a service of `or_to`, or to a promoted resource of a service of `or_to_promoted`, is excused.
    """

    each: str
    to: str
    or_to: tuple[str, ...] = ()
    or_to_promoted: tuple[str, ...] = ()


def _run_colocated(facts: Facts, params: Params) -> Iterator[Saw]:
    for cib, target, resource, excused in _resources(facts, params):
        if isinstance(target, Unknown):
            yield target
        elif resource is not None and not excused and not _reaches(cib, resource, (params.to,)):
            reason, related = _why_not_bound(cib, resource, target)
            yield _problem(cib, resource, reason, related)


def _run_ordered(facts: Facts, params: Params) -> Iterator[Saw]:
    for cib, target, resource, excused in _resources(facts, params):
        if isinstance(target, Unknown):
            yield target
        elif resource is not None and not excused:
            known, related = _ordered(cib, resource, _targets(cib, params))
            if not known:
                reason = f"no order with `{target.name}`; there must be one, `{resource.name}` first (`kind=Optional` is enough)"
                if related:
                    reason = f"the order with `{target.name}` binds nothing (`kind=Serialize`, or over); there must be one"
                yield _problem(cib, resource, reason, related)


def _resources(facts: Facts, params: Params) -> Iterator[tuple[Cib, Resource | Unknown, Resource | None, bool]]:
    """Yield for each resource to judge its CIB, the outermost resource that it must be bound to, itself, and whether it is excused."""
    for cib in cibs(facts):
        found = cib.running(params.to)
        if not cib.only_controllers:
            yield cib, Unknown("there is no OpenStack service in this CIB", cib.cluster.span), None, False
            continue
        if not found:
            yield cib, Unknown(f"there is no {_title(facts, params.to)} in this CIB", cib.cluster.span), None, False
            continue
        for resource in cib.running(params.each):
            leaf = next((leaf for leaf in found if leaf.top == resource.top), found[0])
            top = cib.top(leaf)
            # a primitive in a group is what constraints name, not the group
            yield cib, leaf if top.form == GROUP else top, resource, _excused(cib, resource, params)


def _title(facts: Facts, name: str) -> str:
    return next((service.title for service in facts.services if service.name == name), name)


def _services(cib: Cib, resource: Resource) -> set[str]:
    """The names of the services that run wherever the resource runs."""
    if resource.form == GROUP:
        return set()
    return {service.name for leaf in cib.inside(resource.name) if (service := cib.service(leaf)) is not None}


def _reaches(cib: Cib, resource: Resource, services: tuple[str, ...]) -> bool:
    graph = Colocations(cib)
    found = [needed.name for needed, _ in graph.needed(resource.name) if not _services(cib, needed).isdisjoint(services)]
    return any(graph.bound(resource.name, name) for name in found)


def _excused(cib: Cib, resource: Resource, params: Params) -> bool:
    for needed, role in Colocations(cib).needed(resource.name):
        names = _services(cib, needed)
        if not names.isdisjoint(params.or_to) or (role in PROMOTED and not names.isdisjoint(params.or_to_promoted)):
            return True
    return False


def _why_not_bound(cib: Cib, resource: Resource, target: Resource) -> tuple[str, tuple[Related, ...]]:
    """Return what is wrong with the constraint that comes nearest, and where that constraint is."""
    ours, theirs = _around(cib, resource), _around(cib, target) | {leaf.name for leaf in cib.inside(target.name)}
    for constraint in cib.constraints:
        if constraint.type != COLOCATION or not any(m in theirs for member in constraint.members for m in member.resources):
            continue
        if not any(m in ours for member in constraint.members for m in member.resources):
            continue
        place = constraint.score_span or constraint.span
        return f"colocation `{constraint.name}` {_defect(cib, constraint, ours, theirs)}", (Related(place, "this colocation"),)
    if resource.parent is not None and resource.parent == target.parent:
        group = cib.resources[resource.parent]
        if group.children.index(resource.name) < group.children.index(target.name):
            return f"it comes before `{target.name}` in group `{group.name}`; it must come after it", (Related(group.span, "this group"),)
    return f"no mandatory colocation with `{target.name}`; there must be one with score `INFINITY`", ()


def _around(cib: Cib, resource: Resource) -> set[str]:
    """The resource and all around it."""
    found = {resource.name}
    while resource.parent is not None:
        resource = cib.resources[resource.parent]
        found.add(resource.name)
    return found


def _defect(cib: Cib, constraint: Constraint, ours: set[str], theirs: set[str]) -> str:
    if not constraint.active:
        return "is not in force, by its lifetime; it must hold at all times"
    pairs = [pair for pair in constraint.pairs if pair.first in ours and pair.second in theirs]
    for pair in pairs:
        return _pair_defect(cib, constraint, pair)
    for pair in constraint.pairs:
        if pair.first in theirs and pair.second in ours:
            return f"binds `{pair.first}` to `{pair.second}`; it must be the other way round"
    hidden = [member.name for member in constraint.members if member.hidden]
    if hidden:
        inner = cib.resources.get(hidden[0])
        around = f", which lies in `{inner.top}`" if inner is not None else ""
        return f"names `{hidden[0]}`{around}, and is ignored; it must name what is outermost"
    if not re.fullmatch(r"[+-]?(INFINITY|\d+)", constraint.score or "0"):
        return f"has score `{constraint.score}`, which is no score: Pacemaker refuses the CIB; it must be `INFINITY`"
    if score(constraint.score) == 0:
        return f"has {'no score' if constraint.score is None else 'score `0`'}; it must be `INFINITY`"
    return "binds the two in no sequence; they must be two sets, or one that is sequential with the other first"


def _pair_defect(cib: Cib, constraint: Constraint, pair: Pair) -> str:
    if pair.score <= -INFINITY:
        return f"keeps it away from `{pair.second}` (score `{constraint.score}`); it must bind it there with `INFINITY`"
    if pair.score < INFINITY:
        return f"has score `{pair.score}`; it must be `INFINITY`"
    if not first_takes(pair, cib):
        return f"holds only in role `{pair.first_role}`, which `{pair.first}` never has; it must be for any role"
    if not second_takes(pair, cib):
        return f"holds only with role `{pair.second_role}`, which `{pair.second}` never has; it must be for any role"
    if not by_node(constraint, pair, cib):
        return f"is by node attribute `{constraint.node_attribute}`; it must be by node"
    return f"goes round in a circle, in which `{pair.first}` is not bound to `{pair.second}`; one direction must go"


def _targets(cib: Cib, params: Params) -> set[str]:
    return {name for leaf in cib.running(params.to) for name in _around(cib, leaf)}


def _ordered(cib: Cib, resource: Resource, theirs: set[str]) -> tuple[bool, tuple[Related, ...]]:
    """Return whether the resource is ordered with one of `theirs`, and the orders of the two that are void."""
    ours = _around(cib, resource)
    common = ours & theirs
    for name in common:
        group = cib.resources[name]
        ordered = group.meta.get("ordered")
        if group.form == GROUP and (ordered is None or boolean(ordered.value) is not False):
            return True, ()
    void = []
    for constraint in cib.constraints:
        if constraint.type != ORDER:
            continue
        for pair in constraint.pairs:
            if (pair.first in ours and pair.second in theirs) or (pair.first in theirs and pair.second in ours):
                if constraint.active and constraint.ordering != "Serialize":
                    return True, ()
                void.append(Related(constraint.span, "this order"))
                break
    return False, tuple(void)


def _problem(cib: Cib, resource: Resource, reason: str, related: tuple[Related, ...]) -> Problem:
    return Problem(resource.span, f"virtual IP `{resource.name}`: {reason}", f"resource {resource.name}", related, host=cib.cluster.host)


_EVIDENCE = needs(Cluster, "no CIB was given")
CHECKS = (
    Check("cluster-colocated", _run_colocated, _EVIDENCE, Params),
    Check("cluster-ordered", _run_ordered, _EVIDENCE, Params),
)
