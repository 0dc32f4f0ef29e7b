"""Units as the running systemd had them, against their files and against the cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from lwlint.checks.containers import FOREVER, SYSTEMD, UNKNOWN, beside_by_design, managers_of, runs_container, units
from lwlint.checks.parameters import ServiceKind, ServiceName
from lwlint.core.check import Check, NoParams, Reads, Saw, Unknown
from lwlint.core.config_reader import Document
from lwlint.core.facts import Facts, Service
from lwlint.core.finding import Command, Problem, Related
from lwlint.core.harmless import command, whole
from lwlint.core.source import Span, Text
from lwlint.inputs.containers.facts import DOCKER, HostContainer
from lwlint.inputs.pacemaker.facts import Cluster, Resource
from lwlint.inputs.pacemaker.model import Cib, cibs
from lwlint.inputs.systemd.facts import LOADED, MASKED, NOT_FOUND, PACEMAKER_DROP_IN, ShownUnit, Unit

_RUNS = ("active", "activating", "reloading")
_NOT_AT_BOOT = ("disabled", "enabled-runtime", "linked", "linked-runtime")
_WANTS = ("Wants", "Requires", "Requisite", "BindsTo", "Upholds")
_WANTED_BY = ("WantedBy", "RequiredBy", "BoundBy", "UpheldBy", "TriggeredBy")
_PACEMAKER = ("pacemaker.service", "pacemaker_remote.service")


class Params(Document, frozen=True):
    """The `kinds` of services that are judged, those of the cluster and OpenStack's only, but those with the names `but`, and those that
    may miss a boot by the catalogue."""

    kinds: Annotated[tuple[ServiceKind, ...], Meta(description="the kinds of services that are judged", min_length=1)]
    but: Annotated[tuple[ServiceName, ...], Meta(description="services that are not judged, besides those that the catalogue excuses")] = ()


def _run(facts: Facts, params: Params) -> Iterator[Saw]:
    shown = {(unit.host, unit.name): unit for unit in facts.of(ShownUnit)}
    wanted = _wanted(facts)
    without_cib = set() if facts.of(Cluster) else _with_pacemaker(facts)
    for unit in _candidates(facts, params):
        told = shown.get((unit.host, unit.name))
        if told is not None and any(told.value(name) for name in _WANTED_BY):
            continue
        if any((unit.host, name) in wanted for name in (unit.name, *unit.names)) or _triggered(unit, shown, facts):
            continue
        manager = managers_of(facts, unit)
        if manager == UNKNOWN or unit.host in without_cib:
            yield Unknown(f"no CIB was given that shows whether Pacemaker runs {unit.name}", unit.span)
        elif manager == SYSTEMD:
            yield _problem(unit, told)


def _candidates(facts: Facts, params: Params) -> Iterator[Unit]:
    """Yield the units of services that run and whose own links start them no more, those without a file among what was given too."""
    found = list(units(facts))
    there = {(unit.host, name) for unit in found if unit.load_state != NOT_FOUND for name in (*unit.names, unit.name)}
    for shown in facts.of(ShownUnit):
        if (shown.host, shown.name) not in there and shown.service is not None and shown.value("LoadState") in ("", LOADED):
            state, kind = shown.value("UnitFileState") or "unknown", shown.value("Type")
            active = shown.value("ActiveState")
            unit = Unit(shown.name, shown.span, shown.host, enabled=state, names=(shown.name,), active=active, type=kind)
            found.append(replace(unit, service=shown.service))
    for unit in found:
        service = unit.service
        if service is None or service.kind not in params.kinds or service.name in params.but or unit.template or unit.type == "oneshot":
            continue
        if service.may_miss_boot:
            continue
        if unit.load_state == LOADED and unit.active in _RUNS and unit.enabled in (*_NOT_AT_BOOT, "static"):
            yield unit


def _wanted(facts: Facts) -> set[tuple[str, str]]:
    """Return the host and name of every unit that another one starts, unless that one is itself not started at boot."""
    found = set()
    for unit in facts.of(Unit):
        if unit.enabled not in _NOT_AT_BOOT:
            entries = [entry for key in _WANTS for entry in unit.lists.get(f"Unit.{key}", ())]
            found |= {(unit.host, word) for entry in entries for word in entry.value.split() if word != unit.name}
    return found


def _triggered(unit: Unit, shown: dict[tuple[str, str], ShownUnit], facts: Facts) -> bool:
    """Return whether a socket, timer or path of the unit's name is there, which may start it."""
    base = unit.name.rpartition(".")[0]
    names = [(unit.host, f"{base}.{kind}") for kind in ("socket", "timer", "path")]
    return any(name in shown or name in facts.derived(_names) for name in names)


def _names(facts: Facts) -> set[tuple[str, str]]:
    return {(unit.host, unit.name) for unit in facts.of(Unit)}


def _with_pacemaker(facts: Facts) -> set[str]:
    """Return the hosts that have Pacemaker, which may run any unit of theirs."""
    files = {unit.host for unit in facts.of(Unit) if unit.name in _PACEMAKER and unit.load_state == LOADED and unit.enabled != "disabled"}
    return files | {unit.host for unit in facts.of(ShownUnit) if unit.name in _PACEMAKER and unit.value("ActiveState") in _RUNS}


def _problem(unit: Unit, told: ShownUnit | None) -> Problem:
    state = told.properties.get("UnitFileState") if told is not None else None
    active = told.properties.get("ActiveState") if told is not None else None
    place = active.span if active is not None else unit.span
    related = (Related(state.span, f"its file is `{state.value}`"),) if state is not None else ()
    actual = f"the unit is `{unit.active}`, and its file is `{unit.enabled}`, so that it is gone after the next boot"
    message = f"{unit.name}: {actual}; it must be `enabled`"
    mend = (Command(command("systemctl", "enable", unit.name)),) if unit.enabled != "static" else ()
    return Problem(place, message, f"unit {unit.name}", related, host=unit.host, commands=mend)


def _evidence(facts: Facts, params: Params) -> str | None:
    if any(unit.active for unit in facts.of(Unit)) or any(unit.value("ActiveState") for unit in facts.of(ShownUnit)):
        return None
    return "no output of `systemctl show` or `systemctl list-units` was given"


_NO_STATES = "no output of `systemctl show` or `systemctl list-units` was given"
_RELOAD = Command("systemctl daemon-reload")
_DROP_INS = "DropInPaths"
_NOT_KNOWN = -1
_SECOND = 1_000_000
_TIMES = MappingProxyType(
    {"us": 1, "ms": 1000, "s": _SECOND, "min": 60 * _SECOND, "h": 3600 * _SECOND, "d": 86400 * _SECOND, "w": 604800 * _SECOND,
     "month": 2629800 * _SECOND, "y": 31557600 * _SECOND}
)  # fmt: skip
_UNIT_CLASSES = ("systemd", "service", "lsb", "upstart")


def _units(facts: Facts) -> dict[tuple[str, str], Unit]:
    return {(unit.host, name): unit for unit in facts.of(Unit) for name in (*unit.names, unit.name)}


def _run_reloaded(facts: Facts, _: NoParams) -> Iterator[Saw]:
    units = _units(facts)
    for shown in facts.of(ShownUnit):
        unit = units.get((shown.host, shown.name))
        if shown.listed or shown.service is None or unit is None or shown.value("LoadState") not in (LOADED, MASKED):
            continue
        reload = shown.properties.get("NeedDaemonReload")
        if reload is not None and reload.value == "yes":
            message = f"{shown.name}: `NeedDaemonReload` is `yes`, so that systemd goes by older files than these; it must be `no`"
            yield Problem(reload.span, message, f"unit {shown.name}", host=shown.host, commands=(_RELOAD,))
        else:
            yield from _differences(shown, unit)


def _differences(shown: ShownUnit, unit: Unit) -> Iterator[Saw]:
    if unit.load_state not in (LOADED, MASKED) or unit.override is not None or PACEMAKER_DROP_IN in shown.value("DropInPaths"):
        return  # Pacemaker writes and removes its override at any time, between two files of a report too
    lost = _not_collected(shown, unit)
    if lost:
        yield Unknown(f"`{lost}` of {shown.name} was not collected", shown.span)
        return
    pairs = [("LoadState", unit.load_state, unit.span)]
    if unit.load_state == LOADED == shown.value("LoadState"):
        pairs += _values(shown, unit)
    told = False
    for name, expected, place in pairs:
        found = shown.properties.get(name)
        if found is not None and found.value and found.value != expected:
            told = True
            yield _differs(
                shown, found, f"`{name}` is `{found.value}` in systemd and `{expected}` by its files; it must be the same", place
            )
    drop_ins = shown.properties.get(_DROP_INS)
    if drop_ins is not None and not told:
        for path, place in _unread(shown, unit):
            yield _differs(shown, drop_ins, f"systemd has not read `{path}`, which is not one of its `{_DROP_INS}`; it must be", place)


def _differs(shown: ShownUnit, found: Text, said: str, place: Span) -> Problem:
    related = (Related(place, "by its files"),)
    return Problem(found.span, f"{shown.name}: {said}", f"unit {shown.name}", related, host=shown.host, commands=(_RELOAD,))


def _values(shown: ShownUnit, unit: Unit) -> Iterator[tuple[str, str, Span]]:
    """Yield the properties whose value the files of a unit tell: name, value, where it is set. A time is as systemd shows it."""
    restart = unit.settings.get("Service.Restart")
    yield "Restart", restart.value if restart is not None else "no", restart.span if restart is not None else unit.span
    times = (
        ("Service.RestartSec", ("RestartUSec",), unit.restart_usec),
        (
            "Unit.StartLimitIntervalSec",
            ("StartLimitIntervalUSec", "StartLimitIntervalSec", "StartLimitInterval"),
            unit.start_limit_interval_usec,
        ),
    )
    for key, names, usec in times:
        setting, found = unit.settings.get(key), [name for name in names if shown.value(name)]
        if setting is not None and found and _usec(shown.value(found[0])) not in (usec, _NOT_KNOWN):
            yield found[0], setting.value, setting.span
    burst = unit.settings.get("Unit.StartLimitBurst")
    if burst is not None and shown.value("StartLimitBurst") != str(unit.start_limit_burst):
        yield "StartLimitBurst", burst.value, burst.span


def _usec(text: str) -> int | None:
    """Return a time span as `systemctl show` prints it in microseconds: `1min 30s`, `100ms`, `0`, or the bare number; None for never."""
    if text == "infinity" or text == str(2**64 - 1):
        return None
    told = whole(text)
    if told is not None:
        return told
    parts = [re.fullmatch(r"(\d+(?:\.\d+)?)(us|ms|s|min|h|d|w|month|y)", part) for part in text.split()]
    known = [round(float(part[1]) * _TIMES[part[2]]) for part in parts if part is not None]
    return sum(known) if known and len(known) == len(parts) else _NOT_KNOWN


def _unread(shown: ShownUnit, unit: Unit) -> Iterator[tuple[str, Span]]:
    """Yield the drop-ins of the unit's own folder that systemd does not have among those that it goes by."""
    paths = {path.rpartition("/")[2] for path in shown.value(_DROP_INS).split()}
    settings = {setting.span.path: setting.span for setting in unit.settings.values()}
    for path in unit.drop_ins:
        folder, _, name = path.rpartition("/")
        if path in settings and folder.endswith(f"/{shown.name}.d") and name not in paths:
            at = re.search(r"(?:etc|run|lib|usr/lib|usr/local/lib)/systemd/.*", path)
            yield f"/{at[0]}" if at else path, settings[path]


def _not_collected(shown: ShownUnit, unit: Unit) -> str:
    """Return a file that systemd goes by and that is not among those of the unit; empty if there is none."""
    ours = [path for path in (unit.fragment, *unit.drop_ins) if path]
    paths = [path for path in (shown.value("FragmentPath"), *shown.value("DropInPaths").split()) if path]
    if shown.value("LoadState") == MASKED or unit.load_state == MASKED:
        return ""
    return next((path for path in paths if not any(mine.endswith(_merged(path)) or mine.endswith(path) for mine in ours)), "")


def _merged(path: str) -> str:
    return "/usr" + path if path.startswith("/lib/") else path


def _run_beside(facts: Facts, _: NoParams) -> Iterator[Saw]:
    found = cibs(facts)
    for shown in facts.of(ShownUnit):
        service = shown.service
        active = shown.properties.get("ActiveState")
        if service is None or active is None or active.value != "active" or not service.may_be_clustered:
            continue
        name = shown.name.removesuffix(".service")
        leaves = list(_leaves(_of_host(found, shown.host), service))
        if name in service.units:
            if leaves and not any(_runs_units(leaf) for leaf in leaves):
                yield _beside(shown, leaves[0], active.span)
        elif name.startswith("tripleo_") and leaves and not beside_by_design(name) and not any(_runs(leaf, name) for leaf in leaves):
            yield _beside(shown, leaves[0], active.span)
    yield from _containers_beside(facts, found)
    if not any("ActiveState" in shown.properties for shown in facts.of(ShownUnit)):
        yield Unknown(_NO_STATES)


def _of_host(found: list[Cib], host: str) -> list[Cib]:
    return [cib for cib in found if cib.cluster.host == host] or found


def _leaves(found: list[Cib], service: Service) -> Iterator[Resource]:
    return (leaf for cib in found for leaf in cib.running(service.name))


def _containers_beside(facts: Facts, found: list[Cib]) -> Iterator[Saw]:
    """Yield the containers that run a service of the cluster's, and that are none of the cluster's own."""
    units = {(unit.host, unit.name) for unit in facts.of(Unit) if unit.load_state == LOADED}
    for container in facts.of(HostContainer):
        service = container.service
        if service is None or not service.may_be_clustered or container.bundle or container.ends:
            continue
        own = [] if beside_by_design(container.called) else _of_host(found, container.host)
        leaf = next(_leaves(own, service), None)
        policy = container.policy.value if container.policy is not None and container.engine == DOCKER else ""
        by_name = any(runs_container(cib, container) for cib in own)
        if leaf is None or by_name or not (container.running or policy in FOREVER):
            continue
        how = f"`{leaf.agent}`" if leaf.agent else f"a {leaf.form}"
        does = "it is running" if container.running else f"docker starts it by its policy `{policy}`"
        message = f"container `{container.name}`: {does}, and the cluster runs the service as {how}; it must not be there"
        related = (Related(leaf.span, f"the resource `{leaf.name}`"),)
        subject = f"container {container.called}"
        unit = f"tripleo_{container.called}.service"
        mend = _stopped(container, leaf, unit if (container.host, unit) in units else "")
        yield Problem(container.span, message, subject, related, remedy=_REMOVE, host=container.host, commands=mend)


def _stopped(container: HostContainer, leaf: Resource, unit: str) -> tuple[Command, ...]:
    """Return what keeps a container down; nothing for one of podman's that no `unit` starts, as it has to be removed."""
    if container.engine != DOCKER:
        return (Command(command("systemctl", "disable", "--now", unit)), _cleanup(leaf)) if unit else ()
    never = Command(command("docker", "update", "--restart=no", container.name))
    return (never, Command(command("docker", "stop", container.name)), _cleanup(leaf))


def _cleanup(leaf: Resource) -> Command:
    """Return what has Pacemaker try again: run on the host after what stood in its way is gone, not once in the cluster before."""
    return Command(command("pcs", "resource", "cleanup", leaf.name))


def _runs_units(leaf: Resource) -> bool:
    return (leaf.agent or "").partition(":")[0] in _UNIT_CLASSES


def _runs(leaf: Resource, unit: str) -> bool:
    return _runs_units(leaf) and (leaf.agent or "").partition(":")[2].removesuffix(".service") == unit


def _beside(shown: ShownUnit, leaf: Resource, place: Span) -> Problem:
    how = f"`{leaf.agent}`" if leaf.agent else f"a {leaf.form}"
    message = f"{shown.name}: the unit is `active` in systemd, and the cluster runs the service as {how}; it must be `inactive`"
    related = (Related(leaf.span, f"the resource `{leaf.name}`"),)
    mend = (Command(command("systemctl", "disable", "--now", shown.name)), _cleanup(leaf))
    return Problem(place, message, f"unit {shown.name}", related, host=shown.host, commands=mend)


_REMOVE = (
    "Where there is a unit of it, run `systemctl disable --now tripleo_NAME.service`; then `podman rm -f NAME` (with docker"
    " `docker rm -f NAME`) and `pcs resource cleanup ID`."
)


def _evidence_beside(facts: Facts, _: NoParams) -> str | None:
    if any("ActiveState" in shown.properties for shown in facts.of(ShownUnit)) or facts.of(HostContainer):
        return None
    return _NO_STATES


def _evidence_reloaded(facts: Facts, _: NoParams) -> str | None:
    return None if any(not shown.listed for shown in facts.of(ShownUnit)) else "no output of `systemctl show` was given"


_READS = Reads(("systemctl", "container"), of="audit")
CHECKS = (
    Check("service-lost-at-boot", _run, _evidence, Params, _READS),
    Check("unit-not-reloaded", _run_reloaded, _evidence_reloaded, NoParams, _READS),
    Check("service-beside-the-cluster", _run_beside, _evidence_beside, NoParams, _READS),
)
