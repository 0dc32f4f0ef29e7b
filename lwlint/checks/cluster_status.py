"""Where resources run, by the status of the cluster: a virtual IP beside its HAProxy."""

from __future__ import annotations

from collections.abc import Iterator

from lwlint.checks.check import Check, Saw, Unknown, needs
from lwlint.checks.cluster_binding import Params, excused
from lwlint.facts import Facts
from lwlint.facts.cib import Cib, cibs
from lwlint.facts.colocation import Colocations
from lwlint.facts.pacemaker import CONSTRAINTS
from lwlint.facts.status import ClusterStatus, ResourceStatus
from lwlint.finding import Problem, Related


def _run(facts: Facts, params: Params) -> Iterator[Saw]:
    for status in facts.of(ClusterStatus):
        shown = [one for one in facts.of(ResourceStatus) if one.span.path == status.span.path]
        yield from _judged(facts, params, status, shown)


def _judged(facts: Facts, params: Params, status: ClusterStatus, shown: list[ResourceStatus]) -> Iterator[Saw]:
    known = cibs(facts)
    if not (any(cib.only_controllers for cib in known) if known else _controllers(shown)):
        yield Unknown("there is no OpenStack service in this cluster", status.span)
        return
    title = next((service.title for service in facts.services if service.name == params.to), params.to)
    targets = [one for one in shown if _is(one, params.to, known)]
    if not targets:
        yield Unknown(f"`{status.name}` shows no {title}", status.span)
        return
    runs = {node.value for one in targets if one.runs for node in one.nodes}
    elsewhere = {name for cib in known for name in excused(cib, Colocations(cib), params)}
    for one in shown:
        if not _is(one, params.each, known) or not one.nodes or elsewhere & {one.name, one.top}:
            continue
        if not one.settled or any(not other.settled for other in targets):
            yield Unknown(f"`{status.name}` shows `{one.name}` or {title} on the move", one.span)
            continue
        away = [node.value for node in one.nodes if node.value not in runs]
        if away and _may_follow(one, params, known, shown):
            yield Unknown(f"`{one.name}` may follow another service, and no CIB tells that it does not", one.span)
            continue
        for node in away:
            yield _problem(one, node, title, [other for other in targets if node in {n.value for n in other.nodes}])


def _controllers(shown: list[ResourceStatus]) -> bool:
    """Return whether these are the resources of OpenStack controllers, by the services that are known of them."""
    services = {one.service.name: one.service for one in shown if one.service is not None}
    return (
        any(service.openstack for service in services.values()) or sum(name in services for name in ("rabbitmq", "galera", "haproxy")) > 1
    )


def _may_follow(one: ResourceStatus, params: Params, known: list[Cib], shown: list[ResourceStatus]) -> bool:
    """Return whether the resource may be bound to another service by a constraint that is not known."""
    if known and not any(CONSTRAINTS in cib.cluster.untold for cib in known):
        return False
    others = (*params.or_to, *params.or_to_promoted)
    return any(other.service is not None and other.service.name in others for other in shown if other is not one)


def _is(one: ResourceStatus, service: str, known: list[Cib]) -> bool:
    """Return whether a resource runs a service: the CIB knows what lies in a clone of a group, of which a status shows the group only."""
    if one.service is not None:
        return one.service.name == service
    for cib in known:
        for name in (one.name, one.top):
            if name in cib.resources:
                return any(leaf in cib.running(service) for leaf in cib.inside(name))
    return False


def _problem(one: ResourceStatus, node: str, title: str, there: list[ResourceStatus]) -> Problem:
    state = f"{title} has failed there" if there else f"no {title} runs there"
    related = tuple(Related(other.span, f"{title}, as the cluster shows it") for other in there[:1])
    message = f"virtual IP `{one.name}`: it is on `{node}`, and {state}; a virtual IP must be where {title} runs"
    return Problem(one.span, message, f"resource {one.name}", related, host=one.host)


CHECK = Check("cluster-status-beside", _run, needs(ClusterStatus, "no status of the cluster was given"), Params)
