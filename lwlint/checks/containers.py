"""Containers of services that nothing brings back, and those that their engine gives up."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from operator import itemgetter
from typing import Annotated, TypeVar

from msgspec import Meta, Struct, field

from lwlint.checks.parameters import ServiceKind, ServiceName
from lwlint.core.catalogue import find_container
from lwlint.core.check import Check, Reads, Saw, Unknown
from lwlint.core.config_reader import Document
from lwlint.core.facts import Fact, Facts, Service
from lwlint.core.finding import Command, Problem, Related
from lwlint.core.harmless import command
from lwlint.core.lazy import pattern
from lwlint.core.source import Span, Text
from lwlint.inputs.containers.facts import CONFIGURATION, DOCKER, LIST, PODMAN, HostContainer
from lwlint.inputs.oslo.facts import Option
from lwlint.inputs.pacemaker.facts import BUNDLE, Cluster, Resource
from lwlint.inputs.pacemaker.model import Cib, cibs
from lwlint.inputs.systemd.facts import NOT_FOUND, ShownUnit, Unit
from lwlint.inputs.systemd.programs import STARTERS

P = TypeVar("P")
BY_SYSTEMD, BY_PACEMAKER, ENGINE, NOBODY, BY_UNKNOWN = "systemd", "pacemaker", "engine", "nobody", "unknown"
FOREVER = ("always", "unless-stopped", "on-failure")
_AGENTS = ("ocf:heartbeat:docker", "ocf:heartbeat:podman")
_OWN = "etc/systemd/system/"
_BETWEEN = pattern(r"[\s'\";]+")
_STARTS = ("start", "restart", "run")
_VERBS = (*_STARTS, "exec", "stop", "rm", "kill", "inspect", "healthcheck")
# what units of containers begin and end with, by their deployers, and how they are named
_WAYS = (
    ("edpm_", ".service", "edpm_{}.service"),
    ("kolla-", "-container.service", "kolla-{}-container.service"),
    ("tripleo_", ".service", "tripleo_{}.service"),
)
_AT_BOOT = "podman-restart.service"  # starts the containers whose policy is `always`


class Starter(Struct, frozen=True):
    """What brings a container back; `unit` is the unit that does where it is known, `because` says why nothing is known."""

    who: str
    unit: str = ""
    because: str = ""


class HostUnits(Struct):
    """The units of one host by all that tells of them: `names` with whether each is there, `starts` the unit that starts a container,
    `named` those that have the name of one's unit, by the ways of the deployers.

    `enabled` and `active` have the states of units as far as they are known, `spans` where each is told of. `containers` tells that
    units run containers there, as they do with podman.
    """

    names: dict[str, bool] = field(default_factory=dict)
    starts: dict[str, str] = field(default_factory=dict)
    named: dict[str, list[str]] = field(default_factory=dict)
    enabled: dict[str, str] = field(default_factory=dict)
    active: dict[str, Text] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    containers: bool = False
    whole: bool = False  # whether a unit of none of these names is not there


def units_of_hosts(facts: Facts) -> dict[str, HostUnits]:
    """Return what is known of the units of each host."""
    hosts: dict[str, HostUnits] = {}
    for unit in facts.of(Unit):
        host = hosts.setdefault(unit.host, HostUnits())
        for name in (*unit.names, unit.name):
            host.names[name] = host.names.get(name, False) or unit.load_state != NOT_FOUND
            host.enabled[name] = unit.enabled
            host.spans[name] = unit.span
            host.containers = host.containers or name.startswith(("tripleo_", "edpm_"))
        # deployers and administrators write to /etc: without it nothing tells that a unit is not there
        host.whole = host.whole or unit.enabled == "enabled" or any(_OWN in path for path in (unit.span.path, *unit.drop_ins))
        for container in _find_started(unit):
            host.starts.setdefault(container, unit.name)
    for shown in facts.of(ShownUnit):
        host = hosts.setdefault(shown.host, HostUnits())
        state = shown.value("UnitFileState")
        host.names[shown.name] = host.names.get(shown.name, False) or bool(state) or shown.value("LoadState") not in ("", NOT_FOUND)
        if "ActiveState" in shown.properties:
            host.active[shown.name] = shown.properties["ActiveState"]
        host.spans[shown.name] = shown.span
        if state:
            host.enabled[shown.name] = state
            host.whole = True
    for host in hosts.values():
        for name in (name for name, is_there in host.names.items() if is_there and name.endswith(".service")):
            of_unit = find_container(name)
            if of_unit is not None:
                host.named.setdefault(of_unit, []).append(name)
    return hosts


def name_unit(units: HostUnits | None, called: str = "NAME") -> str:
    """Return the name of the unit of a container, by whose units the host has: TripleO's where nothing tells of another deployer."""
    names = list(units.names) if units is not None else []
    there = [way for begin, end, way in _WAYS if any(name.startswith(begin) and name.endswith(end) for name in names)]
    of_tripleo = _WAYS[-1][2]
    return (of_tripleo if of_tripleo in there or not there else there[0]).format(called)


def _find_started(unit: Unit) -> Iterator[str]:
    """Yield the words of a unit's commands that may name the container which it starts, through a shell too; a health check starts none."""
    for key in ("Service.ExecStartPre", "Service.ExecStart"):
        for entry in unit.lists.get(key, ()):
            words = _BETWEEN.split(entry.value)
            programs = (at for at, word in enumerate(words) if posixpath.basename(word).startswith((DOCKER, PODMAN, *STARTERS)))
            for at in programs:
                verb = next((word for word in words[at + 1 :] if word in _VERBS), "")
                if verb in _STARTS or posixpath.basename(words[at]) in STARTERS:
                    yield from (word.partition("=")[2] if word.startswith("--name=") else word for word in words[at + 1 :])


def starter_of(container: HostContainer, units: HostUnits | None, found: list[Cib]) -> Starter:
    """Return who brings `container` back; `units` are those of its host, `found` the CIBs of its cluster."""
    if container.bundle or any(runs_container(cib, container) for cib in found):
        gone = container.bundle and found and not any(_has_bundle(cib, container.bundle) for cib in found)
        return Starter(NOBODY if gone else BY_PACEMAKER)
    policy = container.policy.value if container.policy is not None else None
    engine = container.engine or (PODMAN if units is not None and units.containers else "")
    unit = _unit(container, units)
    if unit:
        return Starter(BY_SYSTEMD, unit)
    if engine == DOCKER and policy in FOREVER:
        return Starter(ENGINE)
    if engine != DOCKER and policy == "always" and units is not None and units.enabled.get(_AT_BOOT) == "enabled":
        return Starter(ENGINE)
    if engine == DOCKER and container.evidence == LIST:
        return Starter(BY_UNKNOWN, because=f"nothing shows the restart policy of container {container.name}")
    if not engine and policy in FOREVER:
        return Starter(BY_UNKNOWN, because=f"nothing shows whether docker or podman runs container {container.name}")
    if (units is None or not units.whole) and engine != DOCKER:  # docker's daemon is who brings a container back
        return Starter(BY_UNKNOWN, because=f"the units of the host were not given, one of which may start container {container.name}")
    if container.unit and engine == PODMAN:
        return Starter(BY_UNKNOWN, because=f"`{container.unit}`, in which container {container.name} runs, was not given")
    return Starter(NOBODY)


def _unit(container: HostContainer, units: HostUnits | None) -> str:
    """Return the unit that starts a container: of several with its name, as after the move to another deployer, the one that is active."""
    if units is None:
        return ""
    named = [unit for name in dict.fromkeys((container.name, container.called)) for unit in units.named.get(name, ())]
    active = (unit for unit in named if unit in units.active and units.active[unit].value == "active")
    there = next(active, "") or next(iter(named), "") or (container.unit if units.names.get(container.unit) else "")
    return there or units.starts.get(container.name, "")


def runs_container(cib: Cib, container: HostContainer) -> bool:
    """Return whether a resource runs this very container by its name."""
    return container.name in cib.list_given(_AGENTS, "name")


def _has_bundle(cib: Cib, name: str) -> bool:
    return name in cib.resources and cib.resources[name].form == BUNDLE


def cibs_of(facts: Facts, host: str) -> list[Cib]:
    """Return the CIBs that tell what the cluster of `host` runs: its own, else all that there are."""
    found = cibs(facts)
    return [cib for cib in found if cib.cluster.host == host] or found


PACEMAKER, SYSTEMD, UNKNOWN = "pacemaker", "systemd", "unknown"


def resource_of(facts: Facts, unit: Unit) -> Resource | None:
    """Return the cluster resource that runs `unit`, from a CIB of its host, or of no host in particular."""
    return facts.derived(_Running).of(unit)


class _Running:
    """The first resource of each host's CIB that runs a unit, by the unit's name, or a service, by its name; and of all of them."""

    def __init__(self, facts: Facts) -> None:
        self._hosts = {cluster.host for cluster in facts.of(Cluster)}
        self._units: dict[tuple[str | None, str], tuple[int, Resource]] = {}  # by host (None for all)
        self._services: dict[tuple[str | None, str], tuple[int, Resource]] = {}
        for found in enumerate(facts.of(Resource)):
            resource = found[1]
            for host in (None, resource.host):
                for unit in (resource.unit, f"{resource.unit}.service") if resource.unit else ():
                    self._units.setdefault((host, unit), found)
                if resource.service is not None:
                    self._services.setdefault((host, resource.service.name), found)

    def of(self, unit: Unit) -> Resource | None:
        """Return the first resource that runs a unit."""
        hosts = (unit.host, "") if unit.host in self._hosts else (None,)
        found = [self._units[host, name] for host in hosts for name in unit.names if (host, name) in self._units]
        service = unit.service
        if service is not None and service.may_be_clustered and not is_beside_by_design(unit.name.removesuffix(".service")):
            found += [self._services[host, service.name] for host in hosts if (host, service.name) in self._services]
        return min(found, key=itemgetter(0))[1] if found else None


def is_beside_by_design(name: str) -> bool:
    """Return whether a container of this name, or the unit of one, is a helper that runs beside a bundle (`redis_tls_proxy`)."""
    return name.endswith(("_tls_proxy", "_healthcheck"))


def managers_of(facts: Facts, unit: Unit) -> str:
    """Return `pacemaker`, `systemd` or `unknown`: by the CIB, else by Pacemaker's override, else by what the service is meant to be."""
    if resource_of(facts, unit) is not None:
        return PACEMAKER
    if facts.of(Cluster):
        return SYSTEMD
    if unit.override is not None:
        return PACEMAKER
    return SYSTEMD if unit.service is not None and unit.service.is_active_active else UNKNOWN


def strangers(facts: Facts) -> Iterator[tuple[str, Unit]]:
    """Yield the units that look like some service of OpenStack and are of none that is known, with the reason to give for each."""
    for unit in units(facts):
        if unit.service is None and unit.looks_like and unit.type != "oneshot":
            yield f"{unit.name} looks like a service of OpenStack, and which one is not known", unit


def lacking_units(facts: Facts, kinds: Collection[object]) -> str | None:
    """Return why nothing can be said of units of these kinds of service: none, nor one that looks like it, was given; else None."""
    found = facts.of(Unit)
    if not found:
        return "no systemd unit was given"
    fits = any(unit.looks_like or (unit.service is not None and unit.service.kind in kinds) for unit in found)
    return None if fits else "no systemd unit of a service that is known was given"


def units(facts: Facts) -> Iterator[Unit]:
    """Yield the units that can run: templates only where no instance of theirs is known."""
    instances = [unit for unit in facts.of(Unit) if "@" in unit.name and not unit.template]
    instantiated = {(unit.fragment, unit.host) for unit in instances}
    # an instance of a quadlet has a file of its own, most often a link to that of the template
    instantiated |= {(f"{unit.name.partition('@')[0]}@.service", unit.host) for unit in instances if unit.from_quadlet}
    for unit in facts.of(Unit):
        if not (unit.template and ((unit.fragment, unit.host) in instantiated or (unit.name, unit.host) in instantiated)):
            yield unit


_IN_TREE = pattern(r"(etc|run|usr|lib)/.*")  # of a host's file system


def _read_otherwise(facts: Facts, name: str) -> Facts:
    """Return the facts of a run, of which the units are as the systemd that is called so has them."""

    def choose(fact: Fact) -> Fact:
        return next((unit for called, unit in fact.otherwise if called == name), fact) if isinstance(fact, Unit) else fact

    return Facts(map(choose, facts), release=facts.release, services=facts.services)


def judge_each_systemd(judge: Callable[[Facts, P], Iterator[Saw]]) -> Callable[[Facts, P], Iterator[Saw]]:
    """Return what judges units as `judge` does, but for what is judged otherwise by one of the versions of systemd that a host may have:
    that is unknown."""

    def judge_each(facts: Facts, params: P) -> Iterator[Saw]:
        names = dict.fromkeys(name for unit in facts.of(Unit) for name, _ in unit.otherwise)
        if not names:
            yield from judge(facts, params)
            return
        saws = {name: list(judge(_read_otherwise(facts, name), params)) for name in names}
        ours = list(judge(facts, params))
        keys = {name: {_identify(saw) for saw in found} for name, found in saws.items()}
        for saw in ours:
            other = next((name for name in names if isinstance(saw, Problem) and _identify(saw) not in keys[name]), None)
            yield saw if other is None or isinstance(saw, Unknown) else _depends(saw, other)
        known = {_identify(saw) for saw in ours}
        for name, found in saws.items():
            for saw in found:
                if _identify(saw) not in known:
                    known.add(_identify(saw))
                    yield saw if isinstance(saw, Unknown) else _depends(saw, name)

    return judge_each


def _identify(saw: Saw) -> tuple[object, ...]:
    if isinstance(saw, Unknown):
        return saw.because, saw.span
    return saw.host, _IN_TREE.sub("", saw.span.path), saw.subject or saw.message


def _depends(problem: Problem, systemd: str) -> Unknown:
    """Return that a problem is one for some of the versions only that the systemd of its host may have."""
    subject = (problem.subject or problem.message).removeprefix("unit ")
    return Unknown(f"{subject} is judged otherwise by {systemd}, and nothing tells which systemd the host has", problem.span)


_NOTHING = "nothing else that was given"  # of a host whose units were not
_NEVER_RUN = ("created", "configured", "initialized")  # words of docker and of podman
NO_CONTAINERS = "no service of the host runs in a container"
_NOT_GIVEN = "no output of `podman inspect` or `docker inspect` was given"


class Params(Document, frozen=True):
    """The `kinds` of services that are judged, but those with the names `but`, and those whose container may stop by the catalogue."""

    kinds: Annotated[tuple[ServiceKind, ...], Meta(description="the kinds of services that are judged", min_length=1)]
    but: Annotated[tuple[ServiceName, ...], Meta(description="services that are not judged, besides those that the catalogue excuses")] = ()


def find_judged(facts: Facts, params: Params) -> Iterator[HostContainer]:
    """Yield the containers that run a service for long: none that prepares something and ends, and no old one beside its successor."""
    running = {(c.host, c.called) for c in facts.of(HostContainer) if c.running}
    for container in facts.of(HostContainer):
        service = container.service
        if service is None or service.kind not in params.kinds or service.name in params.but or container.ends:
            continue
        if service.container_may_stop:
            continue
        if container.running is False and ((container.host, container.called) in running or container.status.lower() in _NEVER_RUN):
            continue
        yield container


def _run_lost(facts: Facts, params: Params) -> Iterator[Saw]:
    units = units_of_hosts(facts)
    kept: Counter[str] = Counter()
    for container in find_judged(facts, params):
        found = cibs_of(facts, container.host)
        starter = starter_of(container, units.get(container.host), found)
        if starter.who == ENGINE and container.engine == DOCKER and container.host in units:
            kept[container.host] += 1
        service = container.service
        if starter.who == BY_UNKNOWN:
            yield Unknown(starter.because, container.span)
        elif starter.who == BY_SYSTEMD:
            yield from _outside_its_unit(container, starter.unit, units[container.host])
        elif starter.who == NOBODY and service is not None:
            if not container.bundle and _is_second_copy(container, service, found):
                continue  # LW501
            severity = None if service.openstack or service.may_be_clustered else "warning"
            place = container.policy.span if container.policy is not None and container.engine == DOCKER else container.span
            own = units.get(container.host)
            nobody = "neither a systemd unit nor the cluster" if own is not None and own.whole else _NOTHING
            message, remedy = _words(container, nobody, name_unit(own))
            mend = tuple(_commands(container, name_unit(own, container.called)))
            subject = f"container {container.called}"
            yield Problem(place, message, subject, severity=severity, remedy=remedy, host=container.host, commands=mend)
    # one that has stopped may have prepared something, and ended as it should
    for one in (c for c in facts.of(HostContainer) if c.looks_like and c.running and not c.ends and not c.bundle):
        if starter_of(one, units.get(one.host), cibs_of(facts, one.host)).who == NOBODY:
            yield Unknown(f"container `{one.name}` looks like a service of OpenStack, and which one is not known", one.span)
    yield from _run_daemon(units, kept)


def _outside_its_unit(container: HostContainer, unit: str, units: HostUnits) -> Iterator[Problem]:
    """Yield a problem if a container runs though its unit does not: someone started it by hand, and systemd does not look after it."""
    active = units.active.get(unit)
    if container.running and find_container(unit) is not None and active is not None and active.value in ("inactive", "failed"):
        actual = f"it runs outside its unit `{unit}`, which is `{active.value}`, so that systemd does not restart it"
        message = f"container `{container.name}`: {actual}; the unit must be `active`"
        related = (Related(active.span, f"the unit is `{active.value}`"),)
        mend = (Command(command("systemctl", "restart", unit)),)
        subject = f"container {container.called}"
        remedy = _RESTART.format(unit.replace(container.called, "NAME", 1))
        yield Problem(container.span, message, subject, related, "warning", remedy, container.host, commands=mend)


def _run_daemon(units: Mapping[str, HostUnits], kept: Mapping[str, int]) -> Iterator[Problem]:
    """Yield a problem for each host whose containers docker brings back, if nothing starts docker at boot; `kept` counts them."""
    for host, count in kept.items():
        if units[host].enabled.get(_DAEMON) == "disabled" and _DAEMON in units[host].spans:
            actual = f"its file is `disabled`, so that the containers of services that it restarts ({count}) stay down after a boot"
            span, mend = units[host].spans[_DAEMON], (Command(command("systemctl", "enable", _DAEMON)),)
            yield Problem(span, f"{_DAEMON}: {actual}; it must be `enabled`", f"unit {_DAEMON}", remedy=_ENABLE, host=host, commands=mend)


def _is_second_copy(container: HostContainer, service: Service, found: list[Cib]) -> bool:
    """Return whether a container is a second copy of what the cluster runs."""
    if not service.may_be_clustered or is_beside_by_design(container.called):
        return False
    return any(cib.running(service.name) for cib in found)


def _commands(container: HostContainer, unit: str) -> Iterator[Command]:
    """Yield what has a container brought back, podman's by a unit called `unit`; none where the engine may be too old
    for it (podman 1.0 writes no units)."""
    if container.policy is None or container.bundle:
        return
    if container.engine == DOCKER:
        yield Command(command("docker", "update", "--restart=always", container.name))
    elif container.engine == PODMAN:
        made = command("podman", "generate", "systemd", "--restart-policy=always", container.name)
        yield Command(f"{made} > {command(f'/etc/systemd/system/{unit}')}")
        yield Command("systemctl daemon-reload")
        yield Command(command("systemctl", "enable", "--now", unit))


def _words(container: HostContainer, nobody: str, unit: str) -> tuple[str, str]:
    """Return what is said of a container that nothing brings back, and what fixes it; `nobody` is who might and does not, `unit` what the
    units of containers are called there."""
    head = f"container `{container.name}`: "
    if container.bundle:
        message = (
            f"it is a replica of a bundle `{container.bundle}` that the cluster does not have, so that nothing restarts it; it must be gone"
        )
        return head + message, f"Run `{container.engine} rm -f NAME`, once the service runs elsewhere."
    policy = container.policy.value if container.policy is not None else ""
    state = f", and it is not running (`{container.status}`)" if container.running is False else ""
    if container.engine == DOCKER:
        actual = f"its restart policy is `{policy or 'no'}`, and {nobody} starts it{state}"
        return f"{head}{actual}; the policy must be `always` or `unless-stopped`", _DOCKER
    own = f" (podman's own policy `{policy}` ends with the next boot)" if policy not in ("", "no") and container.engine == PODMAN else ""
    return f"{head}{nobody} starts it{own}{state}; a unit `{unit}` must", (
        _PODMAN if unit.startswith("tripleo_") else _PODMAN_ELSEWHERE
    ).replace("UNIT", unit)


_DAEMON = "docker.service"
_ENABLE = f"Run `systemctl enable {_DAEMON}`."
_RESTART = "Run `systemctl restart {0}`, and see why it ended with `journalctl -u {0}`."
_DOCKER = (
    "Run `docker update --restart=always NAME`, and set `restart: always` in the template (`lwlint explain LW406`), for the next deployment"
    " makes the container anew."
)
_BY_HAND = (
    "`podman generate systemd --restart-policy=always NAME > /etc/systemd/system/UNIT`, `systemctl daemon-reload`,"
    " `systemctl enable --now UNIT`."
)
_PODMAN = f"Set `restart: always` in the template (`lwlint explain LW406`) and deploy, which writes the unit. By hand: {_BY_HAND}"
_PODMAN_ELSEWHERE = f"Deploy it anew, with a restart policy of `always` or `unless-stopped`, which writes the unit. By hand: {_BY_HAND}"


def _run_given_up(facts: Facts, params: Params) -> Iterator[Saw]:
    units = units_of_hosts(facts)
    for container in find_judged(facts, params):
        policy = container.policy
        if container.engine != DOCKER or policy is None or policy.value != "on-failure" or not container.retries:
            continue
        if starter_of(container, units.get(container.host), cibs_of(facts, container.host)).who == ENGINE:
            actual = f"its restart policy is `on-failure:{container.retries}`, which ends after {container.retries} restarts"
            message = f"container `{container.name}`: {actual}; it must be `always` or `unless-stopped`"
            mend = (Command(command("docker", "update", "--restart=always", container.name)),)
            yield Problem(policy.span, message, f"container {container.called}", host=container.host, commands=mend)


def _evidence(facts: Facts, params: Params) -> str | None:
    if facts.of(HostContainer):
        return None
    options = any("/config-data/" in option.span.path for option in facts.of(Option))
    return _NOT_GIVEN if options or any(unit.name.startswith("tripleo_") for unit in facts.of(Unit)) else NO_CONTAINERS


def _evidence_docker(facts: Facts, params: Params) -> str | None:
    if any(c.engine == DOCKER and c.policy is not None for c in facts.of(HostContainer)):
        return None
    if facts.of(HostContainer) and all(c.engine == PODMAN or c.evidence == CONFIGURATION for c in facts.of(HostContainer)):
        return NO_CONTAINERS  # docker's, that is
    return _evidence(facts, params) or _NOT_GIVEN


_READS = Reads(of="audit", not_of_hosts=(NO_CONTAINERS,))
CHECKS = (
    Check("container-not-brought-back", _run_lost, _evidence, Params, _READS),
    Check("container-restart-that-gives-up", _run_given_up, _evidence_docker, Params, _READS),
)
