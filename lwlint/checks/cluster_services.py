"""What a cluster must run and does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lwlint.checks.check import Check, Saw, Unknown, needs
from lwlint.checks.untold import untold
from lwlint.facts import Facts
from lwlint.facts.cib import Cib, cibs
from lwlint.facts.pacemaker import BUNDLE, CONSTRAINTS, NODE_ATTRIBUTES, TEMPLATES, Cluster, Expression, boolean
from lwlint.facts.service import RELEASES, Release
from lwlint.finding import Problem, Related
from lwlint.record import dataclass, field
from lwlint.source import Text


@dataclass(frozen=True)
class Params:
    """The services that a cluster must run, by their names in the catalogue.

    `until` names the last release in which a service must be there; one of `only_marked` must be only where a node is marked for it.
    `last_bare` is the last release whose services run in the cluster itself, and not in bundles: it counts where nothing tells the release.
    `roles` names the node attribute that marks the nodes of a service: where nodes have such attributes, they tell what
    the cluster is meant to run.
    """

    services: tuple[str, ...]
    only_marked: tuple[str, ...] = ()
    until: Mapping[str, str] = field(default_factory=dict)
    last_bare: str = RELEASES[-1]
    roles: Mapping[str, str] = field(default_factory=dict)


def _run(facts: Facts, params: Params) -> Iterator[Saw]:
    titles = {service.name: service.title for service in facts.services}
    for cib in cibs(facts):
        if not cib.openstack:
            yield Unknown("there is no OpenStack service in this CIB", cib.cluster.span)
            continue
        marks = _marks(cib)
        for name in params.services:
            if cib.running(name):
                continue
            mark = marks.get(params.roles.get(name, ""))
            title = titles.get(name, name)
            why = _why(cib, name, params, facts.release) if mark is None else None
            unknown = next(_untold(cib), None) if why is None else None
            if unknown is not None:
                yield unknown
                continue
            if mark is not None or (why is None and not marks):
                yield _problem(cib, name, title, mark)
            elif why is None:
                yield Unknown(f"no node is marked to run {title}, so it may run in another cluster", cib.cluster.span)
            elif why:
                yield Unknown(why, cib.cluster.span)


def _why(cib: Cib, name: str, params: Params, release: Release) -> str | None:
    """Return None if the service must be there, else why that is not known; empty if it need not be."""
    if name in params.only_marked:
        return ""
    last = params.until.get(name)
    if last is None:
        return None
    known = release.name if release.name is not None or _bundled(cib) else params.last_bare
    if known is None:
        return f"{name} is optional after {last}, and the release is not known"
    return None if RELEASES.index(known) <= RELEASES.index(last) else ""


def _untold(cib: Cib) -> Iterator[Unknown]:
    """Yield why it cannot be told that a service is not there, or need not be: resources or marks of nodes may be hidden."""
    yield from untold(cib, TEMPLATES, CONSTRAINTS)
    expressions = (each for c in cib.constraints for rule in c.rules for each in rule.expressions if isinstance(each, Expression))
    if any((each.attribute or "").endswith("-role") for each in expressions):
        yield from untold(cib, NODE_ATTRIBUTES)


def _bundled(cib: Cib) -> bool:
    return any(resource.form == BUNDLE for resource in cib.resources.values())


def _marks(cib: Cib) -> dict[str, Text]:
    """Return the attributes that mark nodes for a service (`haproxy-role`), each where it stands first."""
    found: dict[str, Text] = {}
    for node in cib.nodes:
        for name, value in node.attributes.items():
            if name.endswith("-role") and boolean(value.value):
                found.setdefault(name, value)
    return found


def _problem(cib: Cib, name: str, title: str, mark: Text | None) -> Problem:
    related = (Related(mark.span, f"a node is marked to run {title}"),) if mark is not None else ()
    return Problem(
        span=cib.cluster.resources or cib.cluster.span,
        message=f"cluster: {title} is not among its resources; it must be managed by Pacemaker",
        subject=f"service {name}",
        related=related,
        host=cib.cluster.host,
    )


CHECK = Check("cluster-service", _run, needs(Cluster, "no CIB was given"), Params)
