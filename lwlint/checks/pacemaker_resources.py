"""Resources: what a cluster runs that it should not, by the kind or name of services, and what of the core it does not keep running.

Of the core that is what is disabled, unmanaged, banned, not watched, or run too often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Annotated

from msgspec import Meta, field

from lwlint.checks import pacemaker_constraints
from lwlint.checks.containers import resource_of, units
from lwlint.checks.pacemaker_constraints import Astray, find_astray, find_untold, pcs, unread, without
from lwlint.checks.pacemaker_settings import Setting, operation_set, property_set, unset, with_setting, without_setting
from lwlint.checks.parameters import KnownRelease, Project, ServiceKind, ServiceName, nothing_in
from lwlint.core.catalogue import CONTAINER_AGENTS, project_like, project_of_image
from lwlint.core.check import Check, NoParams, Reads, Saw, Unknown, needs
from lwlint.core.config_reader import Document, Mismatch
from lwlint.core.facts import RELEASES, Facts, Release, Service
from lwlint.core.finding import EACH, Command, Problem, Related
from lwlint.core.harmless import command
from lwlint.core.source import Span, Text
from lwlint.inputs.containers.facts import HostContainer
from lwlint.inputs.oslo.facts import Option
from lwlint.inputs.pacemaker.facts import (
    BUNDLE,
    BUNDLE_META,
    CONSTRAINTS,
    INFINITY,
    LOCATION,
    LOCATION_SETS,
    MORE_SETS,
    NODE_ATTRIBUTES,
    OPERATIONS,
    PRIMITIVE,
    RULED_DEFAULTS,
    SETTINGS,
    TEMPLATES,
    TICKET,
    Cluster,
    Constraint,
    Expression,
    Member,
    Node,
    Operation,
    Resource,
    Rule,
    RunsElsewhere,
    boolean,
    score,
)
from lwlint.inputs.pacemaker.model import (
    MARKS,
    PROMOTED,
    TELLING,
    TRIPLEO,
    Cib,
    Colocations,
    Places,
    around,
    cibs,
    find_awaited,
    find_barred,
    only_remote,
    places,
    running_nodes,
)
from lwlint.inputs.pacemaker.resources import copies, milliseconds
from lwlint.inputs.systemd.facts import LOADED

_STARTED = ("enabled", "enabled-runtime")
NO_CIB = "no CIB was given"
ON_REMOTES = "runs on remote nodes only, as Instance HA before queens has it; it is no controller's"
NOT_KNOWN = "See what it is: if it may run on several nodes at a time, let systemd have it; if it must run once, leave it."
NOT_OPENSTACK = "there is no OpenStack service in this CIB"


class ForbiddenParams(Document, frozen=True):
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


def _run(facts: Facts, params: ForbiddenParams) -> Iterator[Saw]:
    if params.beside:
        yield from _judge_beside(facts, params)
    for cib in cibs(facts):
        if not cib.openstack:
            yield Unknown(NOT_OPENSTACK, cib.cluster.span)
            continue
        yield from find_untold(cib, TEMPLATES)
        remote = only_remote(cib)
        for leaf in cib.leaves():
            service = cib.service(leaf)
            if service is None:
                if params.kinds and _looks_like(cib, leaf):
                    yield Unknown(f"resource `{leaf.name}` looks like a service of OpenStack, and which one is not known", leaf.span)
                continue
            if leaf.top in remote and (service.name in params.on_remotes or service.kind in params.kinds):
                yield _forbidden(
                    cib, leaf, _title(service, leaf), ON_REMOTES, (), "note", "Nothing need be done: it goes when Instance HA does."
                )
            elif service.kind in params.kinds and service.is_by_pattern and cib.top(leaf).instances == 1:
                reason = "is not known, and runs once in the cluster; what is active/active must be managed by systemd, not by Pacemaker"
                yield _forbidden(cib, leaf, _title(service, leaf), reason, (), "note", NOT_KNOWN)
            elif service.kind in params.kinds or service.name in params.services:
                reason = params.reason if _runs(service) else params.reason_of_helpers or params.reason
                yield _forbidden(cib, leaf, _title(service, leaf), reason, pacemaker_constraints.leaving(cib, leaf))
            elif service.kind in params.until_release and _is_over(service, facts.release):
                last = service.under_pacemaker[-1]
                reason = f"is under Pacemaker in {facts.release.name}; it may be up to {last} only"
                yield _forbidden(cib, leaf, service.title, reason, pacemaker_constraints.leaving(cib, leaf), "warning")


def _looks_like(cib: Cib, leaf: Resource) -> str:
    """Return the project of OpenStack that a resource which is not known looks like one of, by its unit or image; empty for none."""
    container = cib.top(leaf).container
    image = container.image if container is not None else leaf.attributes.get("image") if leaf.agent in CONTAINER_AGENTS else None
    return project_like(leaf.unit) or (project_of_image(image.value) if image is not None else "")


def _judge_beside(facts: Facts, params: ForbiddenParams) -> Iterator[Problem]:
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
    return unit if unit and service.is_by_pattern else service.title


def _is_over(service: Service, release: Release) -> bool:
    """Whether the release is later than all in which Pacemaker may run the service; an unknown one is not."""
    if release.name is None or not service.under_pacemaker:
        return False
    return RELEASES.index(release.name) > max(RELEASES.index(name) for name in service.under_pacemaker)


def _forbidden(
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
            commands = pacemaker_constraints.hand_over(cib, leaf)
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
    outside = {service.name: service.outside for service in facts.services if service.outside}
    openstack = {service.name for service in facts.services if service.openstack}
    elsewhere = facts.of(RunsElsewhere)
    for cib in cibs(facts):
        maybe = cib.services.keys() >= _MAY_BE_CONTROLLERS
        if not cib.openstack and not maybe:
            yield Unknown("there is no OpenStack service in this CIB", cib.cluster.span)
            continue
        marks = _marking(cib)
        for name in params.services:
            if cib.running(name):
                continue
            mark = marks.get(params.roles.get(name, ""))
            title = titles.get(name, name)
            why = _why(cib, name, params, facts.release) if mark is None else None
            unknown = next(_find_untold(cib), None) if why is None else None
            if unknown is not None:
                yield unknown
            elif mark is not None and _may_be_outside(cib, outside.get(name, ()), params, facts.release):
                since = outside[name][0]
                yield Unknown(f"a node is marked for {title}, which may run on several nodes outside Pacemaker from {since} on", mark.span)
            elif mark is not None:
                yield _missing(cib, name, title, mark)
            elif why is None:
                yield _judge_absent(cib, name, title, marks, elsewhere, openstack)
            elif why:
                yield Unknown(why, cib.cluster.span)


def _judge_absent(
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


def _may_be_outside(cib: Cib, releases: Sequence[str], params: ServicesParams, release: Release) -> bool:
    """Return whether a service may have left the cluster in one of the `releases`; the marks of its nodes outlive its resource."""
    known = _at_most(cib, params, release)
    return bool(releases) and (known is None or known in releases)


def _at_most(cib: Cib, params: ServicesParams, release: Release) -> str | None:
    """Return the release, or where nothing tells it the last one that the cluster can be of; None where it may be any."""
    return release.name if release.name is not None or _has_bundles(cib) else params.last_bare


def _why(cib: Cib, name: str, params: ServicesParams, release: Release) -> str | None:
    """Return None if the service must be there, else why that is not known; empty if it need not be."""
    if name in params.only_marked:
        return ""
    last = params.until.get(name)
    if last is None:
        return None
    known = _at_most(cib, params, release)
    if known is None:
        return f"{name} is optional after {last}, and the release is not known"
    return None if RELEASES.index(known) <= RELEASES.index(last) else ""


def _find_untold(cib: Cib) -> Iterator[Unknown]:
    """Yield why it cannot be told that a service is not there, or need not be: resources or marks of nodes may be hidden."""
    yield from find_untold(cib, TEMPLATES, CONSTRAINTS)
    expressions = (each for c in cib.constraints for rule in c.rules for each in rule.expressions if isinstance(each, Expression))
    if any(each.attribute in MARKS for each in expressions):
        yield from find_untold(cib, NODE_ATTRIBUTES)


def _has_bundles(cib: Cib) -> bool:
    return any(resource.form == BUNDLE for resource in cib.resources.values())


def _marking(cib: Cib) -> dict[str, Text]:
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


_PORT = "3121"  # pacemaker_remote's, in a bundle and on a remote node, where nothing else is said
_HOST = ("host", "--net=host", "--network=host")


def _run_ports(facts: Facts, _: NoParams) -> Iterator[Saw]:
    for cib in cibs(facts):
        ports: dict[str, list[Resource]] = {}
        for bundle in cib.resources.values():
            port = _control_port(bundle)
            if port:
                ports.setdefault(port, []).append(bundle)
        found = places(cib) if ports else Places([])
        away = found.barred
        bundled = [bundle.name for each in ports.values() for bundle in each]
        certain = {name: {*away.get(name, ()), *found.perhaps.get(name, ())} for name in bundled}
        nodes = [node.name for node in found.nodes] or [""]  # where none is known, all may run on one
        for port, bundles in ports.items():
            together = {other.name: first for first, other in _meeting(bundles, nodes, certain)}
            for first, other in _meeting(bundles, nodes, away):
                if other.name not in together:
                    yield Unknown(f"`{other.name}` has the control port of `{first.name}`, {port}, and {_NOT_TOLD_WHERE}", other.span)
                    continue
                first = together[other.name]
                message = f"bundle `{other.name}`: its control port is {port}, as that of `{first.name}`; both cannot run on one node"
                yield _collision(other, f"{message}, and each must have one of its own", Related(first.span, "the other bundle"))
        remotes = [leaf for leaf in cib.leaves() if leaf.agent == "ocf:pacemaker:remote"]
        for port, bundles in ports.items():
            listening = [remote for remote in remotes if _remote_port(remote) == port]
            for bundle in bundles:
                there = next((remote for remote in listening if remote.name not in certain[bundle.name]), None)
                perhaps = next((remote for remote in listening if remote.name not in away.get(bundle.name, {})), None)
                if there is not None:
                    message = f"bundle `{bundle.name}`: its control port is {port}, on which pacemaker_remote listens on `{there.name}`"
                    yield _collision(bundle, f"{message}; it must have one of its own", Related(there.span, "the remote node"))
                elif perhaps is not None:
                    yield Unknown(f"`{bundle.name}` has the control port of `{perhaps.name}`, {port}, and {_NOT_TOLD_WHERE}", bundle.span)


_NOT_TOLD_WHERE = "whether both may run on one node hangs on node attributes, which are not told"


def _meeting(bundles: Sequence[Resource], nodes: Sequence[str], away: Mapping[str, Collection[str]]) -> Iterator[tuple[Resource, Resource]]:
    """Yield each bundle that may run on a node with one in front of it, after the last such one.

    `away` are the nodes from which each bundle is kept.
    """
    there: dict[str, tuple[int, Resource]] = {}
    for number, bundle in enumerate(bundles):
        own = [node for node in nodes if node not in away.get(bundle.name, ())]
        last = max((there[node] for node in own if node in there), key=itemgetter(0), default=None)
        if last is not None:
            yield last[1], bundle
        there.update(dict.fromkeys(own, (number, bundle)))


def _remote_port(remote: Resource) -> str:
    port = remote.attributes.get("port")
    return port.value if port is not None else _PORT


def _control_port(bundle: Resource) -> str:
    """Return the port by which Pacemaker reaches into a bundle; empty for one that holds no resource, or has a network of its own."""
    box = bundle.container
    if bundle.form != BUNDLE or box is None or not bundle.children or "ip-range-start" in box.network:
        return ""
    words = [text.value for name in ("network", "options") if (text := box.settings.get(name)) is not None]
    on_host = any(word in _HOST for value in words for word in value.split())
    given = box.network.get("control-port")
    return (given.value if given is not None else _PORT) if on_host else ""


def _collision(bundle: Resource, message: str, related: Related) -> Problem:
    box = bundle.container
    given = box.network.get("control-port") if box is not None else None
    span = given.span if given is not None else bundle.span
    return Problem(span, message, f"resource {bundle.name}", (related,), host=bundle.host)


class PlacementParams(Document, frozen=True):
    """Of the services of these kinds each must be kept on the nodes of its role, where the cluster keeps others so, `since` a release.

    That it is not is a defect only where a node that runs resources is not of its role.
    """

    kinds: Annotated[tuple[ServiceKind, ...], Meta(description="the kinds of services that are judged", min_length=1)]
    since: Annotated[KnownRelease, Meta(description="the first release of which it is asked; empty: of all")] = ""


def _run_anywhere(facts: Facts, params: PlacementParams) -> Iterator[Saw]:
    for cib in cibs(facts):
        unknown = next(chain(find_untold(cib, CONSTRAINTS, LOCATION_SETS, TEMPLATES), unread(cib)), None)
        if unknown is not None:
            yield unknown
            continue
        if facts.release.name is not None and params.since and not facts.release.at_least(params.since):
            continue
        for found in find_astray(cib, params.kinds):
            yield found if isinstance(found, Unknown) else _anywhere(cib, found)


def _anywhere(cib: Cib, found: Astray) -> Problem:
    top = found.top
    resource = cib.resources[top]
    message = f"resource `{top}`: it may run on `{found.node}`, which is not of its role (`{found.mark}`)"
    leaving = any((service := cib.service(leaf)) is not None and service.is_active_active for leaf in cib.inside(top))
    return Problem(
        span=resource.span,
        message=f"{message}, for no location constraint keeps it away; there must be one, as for `{found.beside}`",
        subject=f"resource {top}",
        related=(Related(cib.resources[found.beside].span, "is kept on its nodes"),),
        host=resource.host,
        commands=() if leaving else (found.command,),
    )


_UNPROMOTED = ("slave", "unpromoted")
_BANS = ("cli-ban-", "cli-standby-")  # what `pcs resource ban`, `move` and `crm resource move` leave behind


class Params(Document, frozen=True):
    """The services to look at: those of these kinds, and those with these names."""

    kinds: Annotated[tuple[ServiceKind, ...], Meta(description="the kinds of services whose resources are judged")] = ()
    services: Annotated[tuple[ServiceName, ...], Meta(description="single services whose resources are judged")] = ()

    def misfits(self) -> Iterator[Mismatch]:
        """Yield that nothing would be judged."""
        yield from nothing_in(self, "kinds", "services")


def _clusters(facts: Facts) -> Iterator[Cib]:
    return (cib for cib in cibs(facts) if cib.openstack)


def _leaves(cib: Cib, params: Params) -> Iterator[Resource]:
    for leaf in cib.leaves():
        service = cib.service(leaf)
        if service is not None and (service.kind in params.kinds or service.name in params.services):
            yield leaf


def _run_disabled(facts: Facts, params: Params) -> Iterator[Saw]:
    for cib in _clusters(facts):
        yield from find_untold(cib, SETTINGS, BUNDLE_META, MORE_SETS, TEMPLATES, RULED_DEFAULTS)
        found: dict[Text, list[Resource]] = {}
        for leaf in _leaves(cib, params):
            for resource in dict.fromkeys((leaf.name, leaf.top if cib.top(leaf).form == BUNDLE else leaf.name)):
                value = cib.resources[resource].meta.get("target-role")
                if value is not None and _keeps_down(value.value, leaf):
                    found.setdefault(value, []).append(cib.resources[resource])
        for awaited in _find_disabled(cib, list(_leaves(cib, params))):
            found.setdefault(awaited.meta["target-role"], [awaited])
        for value, resources in found.items():
            yield _set_to(cib, facts, _DISABLED, value, resources)
        tops = {leaf.top: cib.top(leaf) for leaf in _leaves(cib, params)}
        yield from (_without_copies(cib, facts, top) for top in tops.values() if top.instances == 0)
        stopped = cib.properties.get("stop-all-resources")
        if any(_leaves(cib, params)) and stopped is not None and boolean(stopped.value) is True:
            message = f"cluster: `stop-all-resources` is `{stopped.value}`, so nothing runs; it must be `false`"
            commands = (property_set(facts, stopped, "false"),)
            yield Problem(stopped.span, message, "property stop-all-resources", host=cib.cluster.host, commands=commands)


def _find_disabled(cib: Cib, leaves: Sequence[Resource]) -> Iterator[Resource]:
    """Yield what is stopped of all that some resources wait for; a group's value counts where no member has its own.

    What is outside the core is to leave the cluster with the constraints on it, unless it is in one group with what waits.
    """
    awaited = find_awaited(cib, [leaf.name for leaf in leaves])
    tops = {leaf.top for leaf in leaves}
    for resource in cib.resources.values():
        value = resource.meta.get("target-role") if resource.name in awaited and resource.form in (PRIMITIVE, BUNDLE) else None
        if value is not None and value.value.lower() == "stopped":
            service = cib.service(resource)
            if service is None or not service.is_active_active or resource.top in tops:
                yield resource


def _values_around(cib: Cib, leaf: Resource, name: str) -> Iterator[tuple[Text, Resource]]:
    """Yield the values of a meta attribute that a resource has, or what is around it, each once with the innermost that has it.

    The scheduler plans the start of what it manages in a group or clone that it does not manage, and starts nothing.
    """
    seen = set()
    for resource in (cib.resources[each] for each in around(cib, leaf)):
        found = resource.meta.get(name)
        if found is not None and found not in seen:
            seen.add(found)
            yield found, resource


def _without_copies(cib: Cib, facts: Facts, top: Resource) -> Problem:
    name = _counting(top)
    value = top.meta.get(name)
    shown = f"`{name}` is `{value.value}`" if value is not None else "it has no copy"
    message = f"resource `{top.name}`: {shown}, so nothing of it runs; it must be above 0, or not be set"
    related = (Related(top.span, "this resource"),)
    commands = tuple(_with_copies(cib, facts, top))
    return Problem(
        value.span if value is not None else top.span, message, f"resource {top.name}", related, host=top.host, commands=commands
    )


def _with_copies(cib: Cib, facts: Facts, top: Resource) -> Iterator[Command]:
    """Yield what gives a clone the copies that it must have: one of what is active/passive, else the default, one for each node."""
    once = any((service := cib.service(leaf)) is not None and service.is_active_passive for leaf in cib.inside(top.name))
    nodes = 1 if once else max(1, sum(node.type == "member" for node in running_nodes(cib)))
    for setting in (Setting("clone-max", str(nodes)), Setting("clone-node-max", "1")):
        value = top.meta.get(setting.name)
        if once and setting.name == "clone-max":
            yield from with_setting(cib, facts, setting, value, top)
        elif value is not None and not copies(value.value):
            yield from without_setting(cib, facts, setting, value, (top,))


def _counting(top: Resource) -> str:
    """Return which setting of a clone tells how many copies of it run: without room on a node for one there is none."""
    most = top.meta.get("clone-max")
    return "clone-node-max" if top.instances == 0 and (most is None or copies(most.value)) else "clone-max"


def _keeps_down(role: str, leaf: Resource) -> bool:
    return role.lower() == "stopped" or (leaf.promotable and role.lower() in ("slave", "unpromoted"))


def _run_unmanaged(facts: Facts, params: Params) -> Iterator[Saw]:
    for cib in _clusters(facts):
        yield from find_untold(cib, SETTINGS, BUNDLE_META, MORE_SETS, NODE_ATTRIBUTES, TEMPLATES, RULED_DEFAULTS)
        leaves = list(_leaves(cib, params))
        for setting in (_UNMANAGED, _MAINTAINED):
            found: dict[Text, list[Resource]] = {}
            for leaf in leaves:
                for value, resource in _values_around(cib, leaf, setting.name):
                    wrong = setting is _MAINTAINED
                    if value.value.lower() != "default" and (boolean(value.value) is True) is wrong:
                        found.setdefault(value, []).append(resource)
            for value, resources in found.items():
                yield _set_to(cib, facts, setting, value, resources)
        mode = cib.properties.get("maintenance-mode")
        if leaves and mode is not None and boolean(mode.value) is True:
            message = f"cluster: `maintenance-mode` is `{mode.value}`, so nothing is recovered; it must be `false`"
            ends = (property_set(facts, mode, "false"),)
            yield Problem(mode.span, message, "property maintenance-mode", host=cib.cluster.host, commands=ends)
        found_at = places(cib) if any(node.maintenance for node in cib.nodes) else Places([])
        for node in cib.nodes if leaves else ():
            there = node.attribute("maintenance")
            if node.maintenance and there is not None and not all(_is_kept_from(found_at, leaf.top, node) for leaf in leaves):
                message = f"node `{node.name}`: `maintenance` is `{there.value}`, so nothing is recovered there; it must be `false`"
                commands = tuple(unset(cib, facts, node, "maintenance"))
                yield Problem(there.span, message, f"node {node.name}", host=cib.cluster.host, commands=commands)


def _is_kept_from(found: Places, top: str, node: Node) -> bool:
    """Return whether a resource never runs on a node: on one that holds nothing of the core, nothing of it is left alone."""
    return node.name in found.barred.get(top, {}) or node.name in found.left_out.get(top, ())


_DISABLED = Setting("target-role", "Started", "enable")
_UNMANAGED = Setting("is-managed", "true", "manage")
_MAINTAINED = Setting("maintenance", "false")


def _set_to(cib: Cib, facts: Facts, setting: Setting, value: Text, resources: Sequence[Resource]) -> Problem:
    """Return the problem of a meta attribute that some resources have, each by itself, from what is around it, or by default."""
    tops = {resource.top: cib.top(resource) for resource in resources}
    shown = ", ".join(f"`{each}`" for each in tops)
    first = next(iter(tops.values()))
    related = tuple(Related(resource.span, "this resource") for resource in tops.values())
    message = f"resource {shown}: `{setting.name}` is `{value.value}`; it must be `{setting.wanted}`, or not be set"
    commands = without_setting(cib, facts, setting, value, resources)
    return Problem(value.span, message, f"resource {first.name}", related, host=first.host, commands=commands)


def _run_banned(facts: Facts, params: Params) -> Iterator[Saw]:
    for cib in _clusters(facts):
        yield from find_untold(cib, CONSTRAINTS, LOCATION_SETS)
        yield from unread(cib)
        core = {name for leaf in _leaves(cib, params) for name in (leaf.name, leaf.parent, leaf.top) if name is not None}
        for constraint in cib.constraints:
            members = constraint.members if constraint.name.startswith(_BANS) else ()
            bans = ((name, node) for member in members for node in _find_banned(constraint, member) for name in member.resources)
            banned = next(((name, node) for name, node in bans if name in core), None)
            if banned is not None:
                name, node = banned
                message = f"location `{constraint.name}`: bans `{name}` from `{node}`; a ban must be cleared when its reason is gone"
                commands = (without(constraint),)
                yield Problem(constraint.span, message, f"constraint {constraint.name}", host=constraint.host, commands=commands)
            elif constraint.type == TICKET and (held := sorted({name for each in constraint.members for name in each.resources} & core)):
                because = f"`{held[0]}` runs only while the cluster has the ticket of `{constraint.name}`, which the CIB does not tell"
                yield Unknown(because, constraint.span)
        yield from _nowhere(facts, cib, core)


def _nowhere(facts: Facts, cib: Cib, core: set[str]) -> Iterator[Saw]:
    """Yield what keeps the core, or a resource of it, from every node: a member of the cluster, or a remote node."""
    found = places(cib)
    everywhere = {node.name for node in found.nodes}
    standing_by = {node.name: node for node in found.nodes if node.standby}
    if core and everywhere and everywhere <= set(standing_by):
        yield _standby_everywhere(facts, cib, list(standing_by.values()))
        return
    for name in dict.fromkeys((*found.barred, *found.left_out)):
        bans, left_out = found.barred.get(name, {}), found.left_out.get(name, set())
        if name not in core or not everywhere or not everywhere <= {*bans, *standing_by, *left_out}:
            continue
        top = cib.resources[name]
        related = tuple(Related(constraint.span, f"bans it from `{node}`") for node, constraint in bans.items())
        related += tuple(Related(node.span, "is in standby") for node in standing_by.values() if node.name not in bans)
        message = f"resource `{name}`: it is banned from every node; there must be one where it may run"
        symmetric = cib.properties.get("symmetric-cluster")
        if symmetric is not None and left_out - {*bans, *standing_by}:
            message = (
                f"resource `{name}`: `symmetric-cluster` is `{symmetric.value}`, and no location constraint lets it run; there must be one"
            )
            related += (Related(symmetric.span, "this property"),)
        yield Problem(top.span, message, f"resource {name}", related, host=top.host)
    yield from _without_room(cib, core, found)
    for name in sorted(found.in_a_role & core):
        yield Unknown(f"`{name}` is kept from every node in a role, and what runs then is not known", cib.resources[name].span)
    for name in sorted(found.doubtful & core):
        because = f"`{name}` may run only where node attributes have it, and the CIB does not tell them"
        yield Unknown(because, cib.resources[name].span)


_BY_ROOM = ("utilization", "minimal", "balanced")  # the strategies by which the scheduler looks at the room of nodes


def _without_room(cib: Cib, core: set[str], found: Places) -> Iterator[Saw]:
    """Yield the resources of the core that take more room than any node has; what a node says nothing of it has none of."""
    strategy = cib.properties.get("placement-strategy")
    if strategy is None or strategy.value not in _BY_ROOM:
        return
    is_untold = bool(cib.cluster.weaker) or any(leaf.agent == _TELLS_ROOM for leaf in cib.leaves())
    graph = Colocations(cib)
    told: set[str] = set()
    asked = 0
    for leaf in cib.leaves():
        wanted = {name: value for name, value in leaf.utilization.items() if _amount(value) > 0}
        if leaf.name not in core or not wanted or not found.nodes or cib.top(leaf).form == BUNDLE:
            continue
        if is_untold:
            yield Unknown(f"`{leaf.name}` takes room of a node (`utilization`), and what the nodes have is not told", leaf.span)
            continue
        asked += 1
        if asked > _MOST_ASKED:
            yield Unknown(f"more than {_MOST_ASKED} resources take room of nodes, and no more are looked at", leaf.span)
            return
        beside = tuple(_find_beside(cib, graph, leaf)) if _fits(found, leaf) else ()
        if any(other.name in told or not _fits(found, other) for other in beside):
            continue  # it waits for one that has no room itself
        taken = _add_up(leaf, *beside)
        if not any(_has_room(node, taken) for node in found.nodes):
            told.add(leaf.name)
            shown = ", ".join(f"`{name}={taken[name] if beside else wanted[name].value}`" for name in taken)
            together = f"together with {', '.join(f'`{other.name}`' for other in beside[:_NAMED])} " if beside else ""
            message = f"resource `{leaf.name}`: {together}it takes {shown} of a node, and no node has that; under"
            message = f"{message} `placement-strategy={strategy.value}` it runs nowhere"
            related = (Related(next(iter(wanted.values())).span, "what it takes"), Related(strategy.span, "this property"))
            remedy = f"Give the nodes the room that they have, `pcs node utilization NODE {next(iter(taken))}=AMOUNT`, or let it take less."
            yield Problem(leaf.span, message, f"resource {leaf.name}", related, host=leaf.host, remedy=remedy)


def _fits(found: Places, leaf: Resource) -> bool:
    return any(_has_room(node, _add_up(leaf)) for node in found.nodes)


def _add_up(*leaves: Resource) -> Mapping[str, int]:
    taken: Counter[str] = Counter()
    for leaf in leaves:
        taken.update({name: _amount(value) for name, value in leaf.utilization.items() if _amount(value) > 0})
    return taken


def _find_beside(cib: Cib, graph: Colocations, leaf: Resource) -> Iterator[Resource]:
    """Yield what takes room of the node on which a resource runs, as it never runs without: by its group, and mandatory colocations."""
    held = {inner.name for name in graph.find_held(leaf.name) for inner in cib.inside(name)} - {leaf.name}
    for name in cib.resources if held else ():
        other = cib.resources[name]
        if name in held and cib.top(other).form != BUNDLE and any(_amount(value) > 0 for value in other.utilization.values()):
            yield other


_MOST_ASKED = 200  # resources of the core that take room; no cluster has so many
_TELLS_ROOM = "ocf:heartbeat:NodeUtilization"


def _has_room(node: Node, wanted: Mapping[str, int]) -> bool:
    own = {name: node.utilization.get(name) for name in wanted}
    return all((has := own[name]) is not None and (not has.value.isdecimal() or _amount(has) >= wanted[name]) for name in own)


def _amount(value: Text) -> int:
    return int(value.value[:_DIGITS]) if value.value.isdecimal() else 0


_DIGITS = 18  # more than any amount has


def _standby_everywhere(facts: Facts, cib: Cib, nodes: list[Node]) -> Problem:
    values = [(node.name, value) for node in nodes if (value := node.attribute("standby")) is not None]
    (_, first), *others = values
    message = f"cluster: every node is in standby (`{first.value}`), so nothing runs; there must be one where resources may run"
    related = tuple(Related(value.span, f"`{name}` too") for name, value in others)
    commands = tuple(each for node in nodes for each in unset(cib, facts, node, "standby"))
    return Problem(first.span, message, "cluster standby", related, host=cib.cluster.host, commands=commands)


def _find_banned(constraint: Constraint, member: Member) -> list[str]:
    """The nodes from which a location constraint keeps the resources of one of its members away for good."""
    if constraint.type != LOCATION or not constraint.active:
        return []
    if constraint.node is not None:
        return [constraint.node.value] if score(constraint.score_of(member)) <= -INFINITY else []
    return [node for rule in constraint.rules if score(rule.score) <= -INFINITY for node in _nodes_of(rule)]


def _nodes_of(rule: Rule) -> list[str]:
    """The nodes that a rule names, if nothing else in it but dates that hold keeps it from being in force."""
    nodes = []
    for expression in rule.expressions:
        if isinstance(expression, Rule):
            return []
        if expression.type == "expression" and expression.attribute == "#uname" and expression.operation == "eq":
            nodes.append(expression.value or "")
        elif not (_is_date(expression) and expression.holds):
            return []
    return nodes if rule.boolean_op == "or" or len(nodes) == 1 else []


def _is_date(expression: Expression) -> bool:
    return expression.type == "date_expression"


def _run_unwatched(facts: Facts, params: Params) -> Iterator[Saw]:
    for cib in _clusters(facts):
        yield from find_untold(cib, OPERATIONS, TEMPLATES)
        for leaf in _leaves(cib, params):
            if leaf.form != PRIMITIVE or leaf.agent is None or OPERATIONS in cib.cluster.untold:
                continue
            twice = _find_repeated(leaf)
            watching = [one for one in leaf.operations if _watches(one, leaf.promotable) and milliseconds(one.interval) not in twice]
            passed_over = [one for one in watching if (word := one.settings.get("on-fail")) is not None and _passes_over(word)]
            if not watching and twice:
                yield _same_interval(leaf, twice)
            elif not watching and (off := [one for one in leaf.operations if not one.enabled and _would_watch(one, leaf.promotable)]):
                yield _say_switched_off(cib, facts, leaf, off[0])
            elif not watching and leaf.promotable and any(one.watches and one.role is None for one in leaf.operations):
                seen = "its `monitor` has no `role`, and Pacemaker does not run such a one for a promoted copy, whose failure is not seen"
                message = f"resource `{leaf.name}`: {seen}; there must be one with `role=Master` (`Promoted`) too"
                yield Problem(leaf.span, message, f"resource {leaf.name}", host=leaf.host)
            elif not watching and (others := [one.role for one in leaf.operations if one.role is not None and one.watches]):
                roles = ", ".join(f"`{role}`" for role in dict.fromkeys(others))
                seen = f"its `monitor` is for the role {roles} only, in which nothing of it serves, so a failure is not seen"
                wanted = "with `role=Master` (`Promoted`)" if leaf.promotable else "without a role"
                message = f"resource `{leaf.name}`: {seen}; there must be one {wanted}"
                yield Problem(leaf.span, message, f"resource {leaf.name}", host=leaf.host)
            elif not watching:
                message = f"resource `{leaf.name}`: it has no recurring `monitor` operation, so a failure is not seen; there must be one"
                yield Problem(leaf.span, message, f"resource {leaf.name}", host=leaf.host)
            elif len(passed_over) == len(watching):
                word = passed_over[0].settings["on-fail"]
                seen = f"`on-fail` of its `monitor` is `{word.value}`, so a failure is seen but nothing recovers from it"
                message = f"resource `{leaf.name}`: {seen}"
                related = (Related(leaf.span, "this resource"),)
                message = f"{message}; it must be `restart`, or not be set"
                each = chain.from_iterable(operation_set(cib, facts, leaf, one, {"on-fail": "restart"}) for one in passed_over)
                commands = tuple(dict.fromkeys(each))
                yield Problem(word.span, message, f"resource {leaf.name}", related, host=leaf.host, commands=commands)


_ENABLE_IT = "Enable the operation that is there: `pcs resource op add` refuses a second one."


def _say_switched_off(cib: Cib, facts: Facts, leaf: Resource, monitor: Operation) -> Problem:
    value = monitor.settings["enabled"]
    on_fail = monitor.settings.get("on-fail")
    wanted = {"enabled": "true", **({"on-fail": "restart"} if on_fail is not None and _passes_over(on_fail) else {})}
    seen = f"its `monitor` is disabled (`enabled` is `{value.value}`), so a failure is not seen"
    return Problem(
        span=value.span,
        message=f"resource `{leaf.name}`: {seen}; it must be enabled",
        subject=f"resource {leaf.name}",
        related=(Related(leaf.span, "this resource"),),
        host=leaf.host,
        commands=operation_set(cib, facts, leaf, monitor, wanted),
        remedy=_ENABLE_IT,
    )


def _find_repeated(leaf: Resource) -> set[int | None]:
    """Return the intervals that several monitors have: of these the scheduler runs none, whatever role they are for, or disabled."""
    intervals = Counter(milliseconds(one.interval) for one in leaf.operations if one.name == "monitor" and one.recurring)
    return {interval for interval, count in intervals.items() if count > 1}


def _same_interval(leaf: Resource, twice: set[int | None]) -> Problem:
    found = [one for one in leaf.operations if one.name == "monitor" and milliseconds(one.interval) in twice]
    seen = f"{len(found)} of its `monitor` operations have one interval (`{found[-1].interval}`), and Pacemaker runs none of them"
    related = tuple(Related(one.span, "the same interval") for one in found[:-1])
    message = f"resource `{leaf.name}`: {seen}; each must have one of its own"
    return Problem(found[-1].span, message, f"resource {leaf.name}", related, host=leaf.host)


def _passes_over(on_fail: Text) -> bool:
    """Return whether a failure is ignored, or the resource is left as it is, or stopped, until somebody cleans up."""
    return on_fail.value.lower() in ("ignore", "block", "stop")


def _watches(operation: Operation, promotable: bool) -> bool:
    """Return whether an operation sees that a running copy fails: one for another role than it has is not run.

    Of a promotable resource the promoted copies are those that serve. A monitor for `Slave` leaves them unwatched, and so does one
    without a role; one for `Started` is run for no copy.
    """
    return operation.enabled and _would_watch(operation, promotable)


def _would_watch(operation: Operation, promotable: bool) -> bool:
    """Return whether an operation watches as far as it is not disabled."""
    role = operation.role.lower() if operation.role is not None else None
    return operation.name == "monitor" and operation.recurring and role in (PROMOTED if promotable else (None, "started"))


def _run_many(facts: Facts, params: Params) -> Iterator[Saw]:
    for cib in _clusters(facts):
        yield from find_untold(cib, SETTINGS)
        yield from _twins(cib, params)
        for leaf in _leaves(cib, params):
            top = cib.top(leaf)
            if top.instances == 1 or SETTINGS in cib.cluster.untold:
                continue
            how = "on every node" if top.instances is None else f"in {top.instances} copies"
            setting = top.container.settings.get("replicas") if top.container is not None else top.meta.get(_counting(top))
            related = (Related(top.span, f"the {top.form}"),) if setting is not None else ()
            yield Problem(
                span=setting.span if setting is not None else top.span,
                message=f"resource `{top.name}`: it runs {how}; it is active/passive and must run once in the cluster",
                subject=f"resource {top.name}",
                related=related,
                host=top.host,
                commands=tuple(_with_one_copy(cib, facts, top)),
            )


def _with_one_copy(cib: Cib, facts: Facts, top: Resource) -> Iterator[Command]:
    """Yield what leaves one copy of a clone or a bundle; nothing where it holds what is to run on every node, too."""
    services = [cib.service(leaf) for leaf in cib.inside(top.name)]
    if not all(service is not None and service.is_active_passive for service in services):
        return
    if top.form == BUNDLE:
        yield pcs("resource", "bundle", "update", top.name, "container", "replicas=1")
    else:
        yield from _with_copies(cib, facts, top)


def _twins(cib: Cib, params: Params) -> Iterator[Problem]:
    """Yield the resources that run the very unit that another one runs, unless one of the two is disabled."""
    first: dict[str, Resource] = {}
    for leaf in _leaves(cib, params):
        role = leaf.meta.get("target-role")
        if not leaf.unit or (role is not None and _keeps_down(role.value, leaf)):
            continue
        other = first.setdefault(leaf.unit, leaf)
        if other is not leaf:
            message = (
                f"resource `{leaf.name}`: it runs the same unit as `{other.name}`; it is active/passive and must run once in the cluster"
            )
            related = (Related(other.span, "the other resource"),)
            binds_others = any(len(each.members) > 2 for each in cib.binding((leaf.name, leaf.top)))
            commands = pacemaker_constraints.remove(cib, leaf) if not binds_others else ()
            remedy = f"Keep one of `{other.name}` and `{leaf.name}`, the one with the right constraints, and delete the other."
            yield Problem(leaf.span, message, f"resource {leaf.name}", related, host=leaf.host, commands=commands, remedy=remedy)


class StickyParams(Document, frozen=True):
    """Each resource of `service` must stay where it is, by a stickiness of its own or by default, where it may run on several nodes."""

    service: Annotated[ServiceName, Meta(description="the service whose resources must stay where they are")]


_STICKINESS, _OLD_STICKINESS = "resource-stickiness", "default-resource-stickiness"


def _run_sticky(facts: Facts, params: StickyParams) -> Iterator[Saw]:
    for cib in _clusters(facts):
        found = cib.running(params.service)
        if not found:
            continue
        unknown = next(find_untold(cib, SETTINGS, MORE_SETS, RULED_DEFAULTS, TEMPLATES, CONSTRAINTS), None)
        if unknown is not None:
            yield unknown
            continue
        nodes = [node.name for node in running_nodes(cib)]
        if not nodes:
            yield Unknown("no node is in the CIB, so whether a virtual IP could move is not known", cib.cluster.span)
            continue
        away = find_barred(cib)
        loose: dict[Text | None, list[Resource]] = {}
        for leaf in found:
            value = _stickiness(cib, leaf)
            movable = sum(node not in away.get(leaf.top, {}) for node in nodes) > 1
            if movable and (value is None or score(value.value) <= 0):
                loose.setdefault(value, []).append(leaf)
        for value, leaves in loose.items():
            yield _moves(value.span if value is not None else leaves[0].span, value.value if value is not None else "", leaves)


def _stickiness(cib: Cib, leaf: Resource) -> Text | None:
    """Return what keeps a resource where it is: its own value or the default, else the old property, which Pacemaker 2 knows no more."""
    own = leaf.meta.get(_STICKINESS)
    old = cib.properties.get(_OLD_STICKINESS)
    if own is not None or old is None or (cib.cluster.schema or "").startswith(_NO_OLD_PROPERTY):
        return own
    return Text(old.value, old.span)


_NO_OLD_PROPERTY = ("pacemaker-3", "pacemaker-4")  # schemas from which on the old property is nothing


def _moves(span: Span, value: str, leaves: Sequence[Resource]) -> Problem:
    names = ", ".join(f"`{leaf.name}`" for leaf in leaves[:_NAMED]) + (f" and {len(leaves) - _NAMED} more" if len(leaves) > _NAMED else "")
    actual = f"`{_STICKINESS}` is `{value}`" if value else f"`{_STICKINESS}` is not set (default `0`)"
    message = f"{'virtual IPs' if len(leaves) > 1 else 'virtual IP'} {names}: {actual}, so that a failure of another service may move"
    subject = f"resource {leaves[0].name}" if len(leaves) == 1 else f"cib {_STICKINESS}"
    related = tuple(Related(leaf.span, "a virtual IP") for leaf in leaves if leaf.span != span)
    return Problem(span, f"{message} {'them' if len(leaves) > 1 else 'it'}; it must be above 0", subject, related, host=leaves[0].host)


_NAMED = 3  # virtual IPs that a message names; more are counted


def _evidence_sticky(facts: Facts, params: StickyParams) -> str | None:
    missing = _evidence(facts, params)
    if missing is not None:
        return missing
    return None if any(cib.running(params.service) for cib in _clusters(facts)) else f"no {params.service} is in this CIB"


def _evidence(facts: Facts, _: Document) -> str | None:
    if not facts.of(Cluster):
        return "no CIB was given"
    return None if any(_clusters(facts)) else "there is no OpenStack service in this CIB"


_READS = Reads(("cib",))
_ANY_CIB = needs(Cluster, "no CIB was given")


CHECKS = (
    Check("cluster-resource", _run, needs(Cluster, NO_CIB), ForbiddenParams, _READS),
    Check("active-active-service-under-pacemaker", _run_despite, _both, OptionParams, _READS),
    Check("core-service-missing", _run_services, needs(Cluster, NO_CIB), ServicesParams, _READS),
    Check("control-ports-collide", _run_ports, _ANY_CIB, NoParams, _READS),
    Check("core-resource-anywhere", _run_anywhere, _ANY_CIB, PlacementParams, _READS),
    Check("core-resource-disabled", _run_disabled, _evidence, Params, _READS),
    Check("core-resource-unmanaged", _run_unmanaged, _evidence, Params, _READS),
    Check("core-resource-banned", _run_banned, _evidence, Params, _READS),
    Check("core-resource-unwatched", _run_unwatched, _evidence, Params, _READS),
    Check("active-passive-service-in-copies", _run_many, _evidence, Params, _READS),
    Check("no-stickiness", _run_sticky, _evidence_sticky, StickyParams, _READS),
)
