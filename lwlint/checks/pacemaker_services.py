"""What a cluster runs that it should not: services by their kind or name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated

from msgspec import Meta, field

from lwlint.checks import pacemaker_constraints
from lwlint.checks.containers import resource_of, units
from lwlint.checks.pacemaker_constraints import untold
from lwlint.checks.parameters import KnownRelease, Project, ServiceKind, ServiceName, nothing_in
from lwlint.core.check import Check, Reads, Saw, Unknown, needs
from lwlint.core.config_reader import Document, Mismatch
from lwlint.core.facts import RELEASES, Facts, Release, Service
from lwlint.core.finding import EACH, Command, Problem, Related
from lwlint.core.shell import command
from lwlint.core.source import Text
from lwlint.inputs.containers.facts import HostContainer
from lwlint.inputs.oslo.facts import Option
from lwlint.inputs.pacemaker.facts import (
    BUNDLE,
    CONSTRAINTS,
    NODE_ATTRIBUTES,
    TEMPLATES,
    Cluster,
    Expression,
    Resource,
    RunsElsewhere,
    boolean,
)
from lwlint.inputs.pacemaker.model import MARKS, TELLING, TRIPLEO, Cib, cibs, is_by_pattern, only_remote
from lwlint.inputs.systemd.facts import LOADED

_STARTED = ("enabled", "enabled-runtime")
NO_CIB = "no CIB was given"
ON_REMOTES = "runs on remote nodes only, as Instance HA before queens has it; it is no controller's"
NOT_KNOWN = "See what it is: if it may run on several nodes at a time, let systemd have it; if it must run once, leave it."
NOT_OPENSTACK = "there is no OpenStack service in this CIB"


class Params(Document, frozen=True):
    """Which services may not be resources: all of these kinds, and those with these names.

    A service of one of the kinds `until_release` is one only after the last release in which Pacemaker may run it.
    `beside` says of a unit what is wrong with it if systemd starts such a service on a host of the cluster; empty: nothing is.
    """

    kinds: Annotated[tuple[ServiceKind, ...], Meta(description="the kinds of services that may not be resources")] = ()
    services: Annotated[tuple[ServiceName, ...], Meta(description="single services that may not be resources")] = ()
    until_release: Annotated[
        tuple[ServiceKind, ...],
        Meta(description="the kinds of services that may not be after the last release in which Pacemaker may run them"),
    ] = ()
    reason: Annotated[str, Meta(description="what the message says of them")] = (
        "is active/active; it must be managed by systemd, not by Pacemaker"
    )
    beside: Annotated[
        str,
        Meta(description="what the message says of a unit of such a service on a host of the cluster; empty: such units are not judged"),
    ] = ""
    reason_of_helpers: Annotated[str, Meta(description="what the message says of what systemd has no unit of; empty: `reason`")] = (
        ""  # for what systemd has no unit of; empty: the same
    )
    on_remotes: Annotated[
        tuple[ServiceName, ...], Meta(description="services of Instance HA that are told, too, where they run on remote nodes only")
    ] = ()

    def misfits(self) -> Iterator[Mismatch]:
        """Yield that nothing would be judged."""
        yield from nothing_in(self, "kinds", "services", "until_release")


def _run(facts: Facts, params: Params) -> Iterator[Saw]:
    if params.beside:
        yield from _beside(facts, params)
    for cib in cibs(facts):
        if not cib.openstack:
            yield Unknown(NOT_OPENSTACK, cib.cluster.span)
            continue
        yield from untold(cib, TEMPLATES)
        remote = only_remote(cib)
        for leaf in cib.leaves():
            service = cib.service(leaf)
            if service is None:
                continue
            if leaf.top in remote and (service.name in params.on_remotes or service.kind in params.kinds):
                yield _problem(
                    cib, leaf, _title(service, leaf), ON_REMOTES, (), "note", "Nothing need be done: it goes when Instance HA does."
                )
            elif service.kind in params.kinds and is_by_pattern(service) and cib.top(leaf).instances == 1:
                reason = "is not known, and runs once in the cluster; what is active/active must be managed by systemd, not by Pacemaker"
                yield _problem(cib, leaf, _title(service, leaf), reason, (), "note", NOT_KNOWN)
            elif service.kind in params.kinds or service.name in params.services:
                reason = params.reason if _runs(service) else params.reason_of_helpers or params.reason
                yield _problem(cib, leaf, _title(service, leaf), reason, pacemaker_constraints.leaving(cib, leaf))
            elif service.kind in params.until_release and _is_over(service, facts.release):
                last = service.under_pacemaker[-1]
                reason = f"is under Pacemaker in {facts.release.name}; it may be up to {last} only"
                yield _problem(cib, leaf, service.title, reason, pacemaker_constraints.leaving(cib, leaf), "warning")


def _beside(facts: Facts, params: Params) -> Iterator[Problem]:
    """Yield the units of such services that systemd starts beside Pacemaker, and containers of theirs that run without one."""
    hosts = {cib.cluster.host for cib in cibs(facts) if cib.openstack}
    told = set()
    for unit in units(facts):
        if unit.service is None or unit.service.name not in params.services or not hosts & {unit.host, ""}:
            continue
        started = unit.enabled in _STARTED or unit.active == "active"
        if unit.load_state == LOADED and started and resource_of(facts, unit) is None:
            state = unit.enabled if unit.enabled in _STARTED else unit.active
            message = f"{unit.name}: it is `{state}`, and {params.beside}"
            commands = (Command(command("systemctl", "disable", "--now", unit.name), EACH),)
            told.add((unit.host, unit.service.name))
            yield Problem(unit.span, message, f"unit {unit.name}", host=unit.host, commands=commands)
    for container in facts.of(HostContainer):
        service = container.service
        if service is None or service.name not in params.services or not container.running or not hosts & {container.host, ""}:
            continue
        if (container.host, service.name) not in told:
            message = f"container `{container.name}`: it is running, and {params.beside}"
            yield Problem(container.span, message, f"container {container.name}", host=container.host)


def _runs(service: Service) -> bool:
    """Whether the service can run without Pacemaker: not an ordering hub, a pause or a mount of the full architecture."""
    return bool(service.units or service.httpd or service.containers)


def _title(service: Service, leaf: Resource) -> str:
    """The title of the service; the name of its unit for one that the catalogue knows by a pattern only (`openstack-*`)."""
    unit = (leaf.agent or "").rpartition(":")[2]
    return unit if unit and is_by_pattern(service) else service.title


def _is_over(service: Service, release: Release) -> bool:
    """Whether the release is later than all in which Pacemaker may run the service; an unknown one is not."""
    if release.name is None or not service.under_pacemaker:
        return False
    return RELEASES.index(release.name) > max(RELEASES.index(name) for name in service.under_pacemaker)


def _problem(
    cib: Cib, leaf: Resource, title: str, reason: str, commands: tuple[Command, ...], severity: str | None = None, remedy: str | None = None
) -> Problem:
    top = cib.top(leaf)
    where = f" in `{top.name}`" if top.name != leaf.name else ""
    related = (Related(top.span, f"the {top.form} around it"),) if top.name != leaf.name else ()
    return Problem(
        span=leaf.span,
        message=f"resource `{leaf.name}`{where}: {title} {reason}",
        subject=f"resource {leaf.name}",
        related=related,
        severity=severity,
        host=leaf.host,
        commands=commands,
        remedy=remedy,
    )


class OptionParams(Document, frozen=True):
    """No resource of `service` may be there while `option` of `section` is set in the option files of `project`."""

    service: Annotated[ServiceName, Meta(description="the service that may not be a resource while the option is set")]
    project: Annotated[Project, Meta(description="the project whose option files are read")]
    section: Annotated[str, Meta(description="the section of the option")]
    option: Annotated[str, Meta(description="the option")]


def _run_despite(facts: Facts, params: OptionParams) -> Iterator[Saw]:
    wanted = (params.project, params.section, params.option)
    options = [o for o in facts.of(Option) if (o.project, o.section, o.option) == wanted and o.value and o.value != "<None>"]
    for cib in cibs(facts):
        for leaf in cib.running(params.service) if options else ():
            top = cib.top(leaf)
            option = options[0]
            setting = f"{params.section}.{params.option}"
            message = f"resource `{top.name}`: `{setting}` makes it active/active; it must then not be under Pacemaker"
            related = (Related(option.span, f"`{params.option}` is `{option.value}`"),)
            commands = pacemaker_constraints.handed_over(cib, leaf)
            yield Problem(top.span, message, f"resource {top.name}", related, host=top.host, commands=commands)


def _both(facts: Facts, params: OptionParams) -> str | None:
    if not facts.of(Cluster):
        return NO_CIB
    return None if any(o.project == params.project for o in facts.of(Option)) else f"no option file of {params.project} was given"


_STORES = frozenset(("rabbitmq", "galera"))  # one of several clusters that has both is judged for what all of them lack
_MAY_BE_CONTROLLERS = frozenset(("rabbitmq", "haproxy"))


class ServicesParams(Document, frozen=True):
    """The services that a cluster must run, by their names in the catalogue.

    `until` names the last release in which a service must be there; one of `only_marked` must be only where a node is marked for it.
    `last_bare` is the last release whose services run in the cluster itself, and not in bundles: it counts where nothing tells the release.
    `roles` names the node attribute that marks the nodes of a service: where nodes have such attributes, they tell what
    the cluster is meant to run.
    """

    services: Annotated[tuple[ServiceName, ...], Meta(description="the services that a cluster must run", min_length=1)]
    only_marked: Annotated[tuple[ServiceName, ...], Meta(description="those that must be there only where a node is marked for them")] = ()
    until: Annotated[Mapping[ServiceName, KnownRelease], Meta(description="the last release in which a service must be there")] = field(
        default_factory=dict
    )
    last_bare: Annotated[KnownRelease, Meta(description="the last release whose services run in the cluster without bundles")] = RELEASES[
        -1
    ]
    roles: Annotated[Mapping[ServiceName, str], Meta(description="the node attribute that marks the nodes of a service")] = field(
        default_factory=dict
    )


def _run_services(facts: Facts, params: ServicesParams) -> Iterator[Saw]:
    titles = {service.name: service.title for service in facts.services}
    openstack = {service.name for service in facts.services if service.openstack}
    elsewhere = facts.of(RunsElsewhere)
    for cib in cibs(facts):
        maybe = cib.services.keys() >= _MAY_BE_CONTROLLERS
        if not cib.openstack and not maybe:
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
            elif mark is not None:
                yield _missing(cib, name, title, mark)
            elif why is None:
                yield _judged_absent(cib, name, title, marks, elsewhere, openstack)
            elif why:
                yield Unknown(why, cib.cluster.span)


def _judged_absent(
    cib: Cib, name: str, title: str, marks: Mapping[str, Text], elsewhere: Sequence[RunsElsewhere], openstack: Collection[str]
) -> Saw:
    """Return what is to be said of a service that is not here and must be somewhere: absent here is not absent in the cloud.

    `openstack` are the names of the services of OpenStack itself: without one a cluster is part of a cloud only where another has some.
    """
    if marks:
        return Unknown(f"no node is marked to run {title}, so it may run in another cluster", cib.cluster.span)
    if cib.cluster.name == TRIPLEO:
        return _missing(cib, name, title, None)
    services = cib.services
    there = next((other for other in elsewhere if name in other.services), None)
    if not any(service.openstack for service in services.values()):
        stores = all(each in services for each in TELLING)  # a cluster of databases and messages
        if stores and there is None and any(not other.services.isdisjoint(openstack) for other in elsewhere):
            others = [other for other in elsewhere if _is_judged(other, openstack)]
            return (
                Unknown(f"`{others[0].name}` is judged for {title}", cib.cluster.span) if others else _missing(cib, name, title, None, None)
            )
        if stores:
            return Unknown(f"{title} may run in another cluster, for no OpenStack service runs in this one", cib.cluster.span)
        return _missing(cib, name, title, None, "note")
    if there is not None:
        return Unknown(f"{title} runs in another cluster, `{there.name}`", cib.cluster.span)
    whole = next((other for other in elsewhere if _is_judged(other, openstack) or other.services >= {*TELLING}), None)
    if whole is not None and not services.keys() >= _STORES:
        return Unknown(f"{title} may run in another cluster: `{whole.name}` is judged for it", cib.cluster.span)
    return _missing(cib, name, title, None, None if elsewhere else "note")  # of several clusters none runs it


def _is_judged(other: RunsElsewhere, openstack: Collection[str]) -> bool:
    """Whether another cluster has both stores and services of OpenStack, so that it is judged for what all lack."""
    return other.services >= _STORES and not other.services.isdisjoint(openstack)


def _why(cib: Cib, name: str, params: ServicesParams, release: Release) -> str | None:
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
    if any(each.attribute in MARKS for each in expressions):
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


def _missing(cib: Cib, name: str, title: str, mark: Text | None, severity: str | None = None) -> Problem:
    """Return the problem; a note where it is not even certain that this is a cluster of OpenStack's."""
    related = (Related(mark.span, f"a node is marked to run {title}"),) if mark is not None else ()
    where = ", here or in another cluster of the cloud" if severity is not None else ""
    return Problem(
        span=cib.cluster.resources or cib.cluster.span,
        message=f"cluster: {title} is not among its resources; it must be managed by Pacemaker{where}",
        severity=severity,
        subject=f"service {name}",
        related=related,
        host=cib.cluster.host,
    )


_READS = Reads(("cib",))
CHECKS = (
    Check("cluster-resource", _run, needs(Cluster, NO_CIB), Params, _READS),
    Check("active-active-service-under-pacemaker", _run_despite, _both, OptionParams, _READS),
    Check("core-service-missing", _run_services, needs(Cluster, NO_CIB), ServicesParams, _READS),
)
