"""Units that run and that nothing starts at the next boot: neither systemd nor Pacemaker manages them."""

from __future__ import annotations

from collections.abc import Iterator

from lwlint.checks.check import Check, Saw, Unknown
from lwlint.facts import Facts
from lwlint.facts.pacemaker import Cluster
from lwlint.facts.systemctl import ShownUnit
from lwlint.facts.systemd import LOADED, NOT_FOUND, Unit
from lwlint.facts.unit_managers import SYSTEMD, UNKNOWN, managers_of, units
from lwlint.finding import Command, Problem, Related
from lwlint.record import dataclass, replace
from lwlint.shell import command

_RUNS = ("active", "activating", "reloading")
_NOT_AT_BOOT = ("disabled", "enabled-runtime", "linked", "linked-runtime")
_WANTS = ("Wants", "Requires", "Requisite", "BindsTo", "Upholds")
_WANTED_BY = ("WantedBy", "RequiredBy", "BoundBy", "UpheldBy", "TriggeredBy")
_PACEMAKER = ("pacemaker.service", "pacemaker_remote.service")


@dataclass(frozen=True)
class Params:
    """The `kinds` of services that are judged, those of the cluster and OpenStack's only, `but` those with these names."""

    kinds: tuple[str, ...]
    but: tuple[str, ...] = ()


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
            yield Unknown(f"no CIB was given that tells whether Pacemaker runs {unit.name}", unit.span)
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
    names = {f"{base}.{kind}" for kind in ("socket", "timer", "path")}
    return any((unit.host, name) in shown for name in names) or any(u.host == unit.host and u.name in names for u in facts.of(Unit))


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


CHECK = Check("unit-lost-at-boot", _run, _evidence, Params)
