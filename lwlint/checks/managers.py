"""Who brings a container back after a failure and after the next boot: a systemd unit, Pacemaker, docker, or nobody.

Sources: docker-run(1) "Restart policies"; podman-run(1) (`--restart` ends with the next boot, but for podman-restart.service);
paunch and tripleo-ansible, which write `tripleo_NAME.service`; Pacemaker, which runs bundles with a policy of `no`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct, field

from lwlint.core.facts import ACTIVE_ACTIVE, ACTIVE_PASSIVE, CORE, Facts
from lwlint.core.lazy import pattern
from lwlint.core.source import Span, Text
from lwlint.inputs.containers.facts import DOCKER, LIST, PODMAN, HostContainer
from lwlint.inputs.pacemaker.facts import BUNDLE, Cluster, Resource
from lwlint.inputs.pacemaker.model import Cib, cibs
from lwlint.inputs.systemd.facts import NOT_FOUND, ShownUnit, Unit

BY_SYSTEMD, BY_PACEMAKER, ENGINE, NOBODY, BY_UNKNOWN = "systemd", "pacemaker", "engine", "nobody", "unknown"
FOREVER = ("always", "unless-stopped", "on-failure")
_AGENTS = ("ocf:heartbeat:docker", "ocf:heartbeat:podman")
_OWN = "etc/systemd/system/"
_BETWEEN = pattern(r"[\s'\";]+")
_STARTS = ("start", "restart", "run")
_VERBS = (*_STARTS, "exec", "stop", "rm", "kill", "inspect", "healthcheck")
_AT_BOOT = "podman-restart.service"  # starts the containers whose policy is `always`


class Starter(Struct, frozen=True):
    """What brings a container back; `unit` is the unit that does where it is known, `because` says why nothing is known."""

    kind: str
    unit: str = ""
    because: str = ""


class HostUnits(Struct):
    """The units of one host by all that tells of them: `names` with whether each is there, `starts` the unit that starts a container.

    `enabled` and `active` have the states of units as far as they are known, `spans` where each is told of. `containers` tells that
    units run containers there, as they do with podman.
    """

    names: dict[str, bool] = field(default_factory=dict)
    starts: dict[str, str] = field(default_factory=dict)
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
            host.containers = host.containers or name.startswith("tripleo_")
        # deployers and administrators write to /etc: without it nothing tells that a unit is not there
        host.whole = host.whole or unit.enabled == "enabled" or any(_OWN in path for path in (unit.span.path, *unit.drop_ins))
        for container in _started_by(unit):
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
    return hosts


def _started_by(unit: Unit) -> Iterator[str]:
    """Yield the words of a unit's commands that may name the container which it starts, through a shell too; a health check starts none."""
    for key in ("Service.ExecStartPre", "Service.ExecStart"):
        for entry in unit.lists.get(key, ()):
            words = _BETWEEN.split(entry.value)
            programs = (at for at, word in enumerate(words) if posixpath.basename(word).startswith((DOCKER, PODMAN)))
            for at in programs:
                verb = next((word for word in words[at + 1 :] if word in _VERBS), "")
                if verb in _STARTS:
                    yield from (word.partition("=")[2] if word.startswith("--name=") else word for word in words[at + 1 :])


def starter_of(container: HostContainer, units: HostUnits | None, found: list[Cib]) -> Starter:
    """Return who brings `container` back; `units` are those of its host, `found` the CIBs of its cluster."""
    if container.bundle or any(runs_container(cib.leaves(), container) for cib in found):
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
        return Starter(BY_UNKNOWN, because=f"nothing tells the restart policy of container {container.name}")
    if not engine and policy in FOREVER:
        return Starter(BY_UNKNOWN, because=f"nothing tells whether docker or podman runs container {container.name}")
    if (units is None or not units.whole) and engine != DOCKER:  # docker's daemon is who brings a container back
        return Starter(BY_UNKNOWN, because=f"the units of the host were not given, one of which may start container {container.name}")
    if container.unit and engine == PODMAN:
        return Starter(BY_UNKNOWN, because=f"`{container.unit}`, in which container {container.name} runs, was not given")
    return Starter(NOBODY)


def _unit(container: HostContainer, units: HostUnits | None) -> str:
    if units is None:
        return ""
    names = [f"tripleo_{name}.service" for name in dict.fromkeys((container.name, container.called)) if name]
    there = next((name for name in (*names, container.unit) if units.names.get(name)), "")
    return there or units.starts.get(container.name, "")


def runs_container(leaves: Iterable[Resource], container: HostContainer) -> bool:
    """Return whether one of the resources runs this very container by its name."""
    names = (leaf.attributes.get("name") for leaf in leaves if leaf.agent in _AGENTS)
    return any(name is not None and name.value == container.name for name in names)


def _has_bundle(cib: Cib, name: str) -> bool:
    return name in cib.resources and cib.resources[name].form == BUNDLE


def cibs_of(facts: Facts, host: str) -> list[Cib]:
    """Return the CIBs that tell what the cluster of `host` runs: its own, else all that there are."""
    found = cibs(facts)
    return [cib for cib in found if cib.cluster.host == host] or found


PACEMAKER, SYSTEMD, UNKNOWN = "pacemaker", "systemd", "unknown"
_UNIT_CLASSES = ("systemd", "service", "lsb", "upstart")


def resource_of(facts: Facts, unit: Unit) -> Resource | None:
    """Return the cluster resource that runs `unit`, from a CIB of its host, or of no host in particular."""
    hosts = {cluster.host for cluster in facts.of(Cluster)}
    for resource in facts.of(Resource):
        if unit.host in hosts and resource.host not in (unit.host, ""):
            continue
        kind, _, name = (resource.agent or "").partition(":")
        if kind in _UNIT_CLASSES and {name, f"{name}.service"} & set(unit.names):
            return resource
        if unit.service is None or unit.service.kind not in (CORE, ACTIVE_PASSIVE) or resource.service != unit.service:
            continue
        if not beside_by_design(unit.name.removesuffix(".service")):
            return resource
    return None


def beside_by_design(name: str) -> bool:
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
    return SYSTEMD if unit.service is not None and unit.service.kind == ACTIVE_ACTIVE else UNKNOWN


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
    instantiated = {(unit.fragment, unit.host) for unit in facts.of(Unit) if "@" in unit.name and not unit.template}
    for unit in facts.of(Unit):
        if not (unit.template and (unit.fragment, unit.host) in instantiated):
            yield unit
