"""Who runs a unit, Pacemaker or systemd, as far as the facts of one run tell."""

from __future__ import annotations

from collections.abc import Iterator

from lwlint.facts import Facts
from lwlint.facts.pacemaker import Cluster, Resource
from lwlint.facts.service import ACTIVE_ACTIVE, ACTIVE_PASSIVE, CORE
from lwlint.facts.systemd import Unit

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


def units(facts: Facts) -> Iterator[Unit]:
    """Yield the units that can run: templates only where no instance of theirs is known."""
    instantiated = {(unit.fragment, unit.host) for unit in facts.of(Unit) if "@" in unit.name and not unit.template}
    for unit in facts.of(Unit):
        if not (unit.template and (unit.fragment, unit.host) in instantiated):
            yield unit
