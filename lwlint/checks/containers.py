"""Containers of services that nothing brings back, and those that their engine gives up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated

from msgspec import Meta

from lwlint.checks import NO_CONTAINERS
from lwlint.checks.managers import BY_SYSTEMD, BY_UNKNOWN, ENGINE, NOBODY, HostUnits, beside_by_design, cibs_of, starter_of, units_of_hosts
from lwlint.checks.parameters import ServiceKind, ServiceName
from lwlint.core.check import Check, Saw, Unknown
from lwlint.core.config_reader import Document
from lwlint.core.facts import ACTIVE_PASSIVE, CORE, Facts, Service
from lwlint.core.finding import Command, Problem, Related
from lwlint.core.secret import command
from lwlint.inputs.containers.facts import CONFIGURATION, DOCKER, PODMAN, HostContainer
from lwlint.inputs.oslo.facts import Option
from lwlint.inputs.pacemaker.model import Cib
from lwlint.inputs.systemd.facts import Unit

_NOTHING = "nothing else that was given"  # of a host whose units were not
_NEVER_RUN = ("created", "configured", "initialized")  # words of docker and of podman
_NOT_GIVEN = "no output of `podman inspect` or `docker inspect` was given"


class Params(Document, frozen=True):
    """The `kinds` of services that are judged, but those with the names `but`, and those whose container may stop by the catalogue."""

    kinds: Annotated[tuple[ServiceKind, ...], Meta(description="the kinds of services that are judged", min_length=1)]
    but: Annotated[tuple[ServiceName, ...], Meta(description="services that are not judged, besides those that the catalogue excuses")] = ()


def judged(facts: Facts, params: Params) -> Iterator[HostContainer]:
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
    for container in judged(facts, params):
        found = cibs_of(facts, container.host)
        starter = starter_of(container, units.get(container.host), found)
        if starter.kind == ENGINE and container.engine == DOCKER and container.host in units:
            kept[container.host] += 1
        service = container.service
        if starter.kind == BY_UNKNOWN:
            yield Unknown(starter.because, container.span)
        elif starter.kind == BY_SYSTEMD:
            yield from _outside_its_unit(container, starter.unit, units[container.host])
        elif starter.kind == NOBODY and service is not None:
            if not container.bundle and _beside(container, service, found):
                continue  # LW501
            severity = None if service.openstack or service.kind in (CORE, ACTIVE_PASSIVE) else "warning"
            place = container.policy.span if container.policy is not None and container.engine == DOCKER else container.span
            own = units.get(container.host)
            message, remedy = _words(container, "neither a systemd unit nor the cluster" if own is not None and own.whole else _NOTHING)
            mend = tuple(_commands(container))
            subject = f"container {container.called}"
            yield Problem(place, message, subject, severity=severity, remedy=remedy, host=container.host, commands=mend)
    yield from _run_daemon(units, kept)


def _outside_its_unit(container: HostContainer, unit: str, units: HostUnits) -> Iterator[Problem]:
    """Yield a problem if a container runs though its unit does not: someone started it by hand, and systemd does not look after it."""
    active = units.active.get(unit)
    if container.running and unit.startswith("tripleo_") and active is not None and active.value in ("inactive", "failed"):
        actual = f"it runs outside its unit `{unit}`, which is `{active.value}`, so that systemd does not restart it"
        message = f"container `{container.name}`: {actual}; the unit must be `active`"
        related = (Related(active.span, f"the unit is `{active.value}`"),)
        mend = (Command(command("systemctl", "restart", unit)),)
        subject = f"container {container.called}"
        yield Problem(container.span, message, subject, related, "warning", _RESTART, container.host, commands=mend)


def _run_daemon(units: Mapping[str, HostUnits], kept: Mapping[str, int]) -> Iterator[Problem]:
    """Yield a problem for each host whose containers docker brings back, if nothing starts docker at boot; `kept` counts them."""
    for host, count in kept.items():
        if units[host].enabled.get(_DAEMON) == "disabled" and _DAEMON in units[host].spans:
            actual = f"its file is `disabled`, so that the containers of services that it restarts ({count}) stay down after a boot"
            span, mend = units[host].spans[_DAEMON], (Command(command("systemctl", "enable", _DAEMON)),)
            yield Problem(span, f"{_DAEMON}: {actual}; it must be `enabled`", f"unit {_DAEMON}", remedy=_ENABLE, host=host, commands=mend)


def _beside(container: HostContainer, service: Service, found: list[Cib]) -> bool:
    """Return whether a container is a second copy of what the cluster runs."""
    if service.kind not in (CORE, ACTIVE_PASSIVE) or beside_by_design(container.called):
        return False
    return any(cib.running(service.name) for cib in found)


def _commands(container: HostContainer) -> Iterator[Command]:
    """Yield what has a container brought back; none where the engine may be too old for it (podman 1.0 writes no units)."""
    if container.policy is None or container.bundle:
        return
    if container.engine == DOCKER:
        yield Command(command("docker", "update", "--restart=always", container.name))
    elif container.engine == PODMAN:
        unit = f"tripleo_{container.called}.service"
        made = command("podman", "generate", "systemd", "--restart-policy=always", container.name)
        yield Command(f"{made} > {command(f'/etc/systemd/system/{unit}')}")
        yield Command("systemctl daemon-reload")
        yield Command(command("systemctl", "enable", "--now", unit))


def _words(container: HostContainer, nobody: str) -> tuple[str, str]:
    """Return what is said of a container that nothing brings back, and what mends it; `nobody` is who might and does not."""
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
    return f"{head}{nobody} starts it{own}{state}; a unit `tripleo_NAME.service` must", _PODMAN


_DAEMON = "docker.service"
_ENABLE = f"Run `systemctl enable {_DAEMON}`."
_RESTART = "Run `systemctl restart tripleo_NAME.service`, and see why it ended with `journalctl -u tripleo_NAME.service`."
_DOCKER = (
    "Run `docker update --restart=always NAME`, and set `restart: always` in the template (`lwlint explain LW406`), for the next deployment"
    " makes the container anew."
)
_PODMAN = (
    "Set `restart: always` in the template (`lwlint explain LW406`) and deploy, which writes the unit. By hand:"
    " `podman generate systemd --restart-policy=always NAME > /etc/systemd/system/tripleo_NAME.service`, `systemctl daemon-reload`,"
    " `systemctl enable --now tripleo_NAME.service`."
)


def _run_given_up(facts: Facts, params: Params) -> Iterator[Saw]:
    units = units_of_hosts(facts)
    for container in judged(facts, params):
        policy = container.policy
        if container.engine != DOCKER or policy is None or policy.value != "on-failure" or not container.retries:
            continue
        if starter_of(container, units.get(container.host), cibs_of(facts, container.host)).kind == ENGINE:
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


CHECKS = (
    Check("container-not-started", _run_lost, _evidence, Params),
    Check("container-restart-that-ends", _run_given_up, _evidence_docker, Params),
)
