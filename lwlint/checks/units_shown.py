"""Units as the running systemd had them, against their files and against the cluster."""

from __future__ import annotations

from collections.abc import Iterator

from lwlint.checks.check import Check, NoParams, Saw, Unknown, needs
from lwlint.facts import Facts
from lwlint.facts.cib import cibs
from lwlint.facts.pacemaker import Resource
from lwlint.facts.service import ACTIVE_PASSIVE, CORE
from lwlint.facts.systemctl import ShownUnit
from lwlint.facts.systemd import LOADED, MASKED, PACEMAKER_DROP_IN, Unit
from lwlint.finding import Problem, Related
from lwlint.source import Span

_GIVEN = needs(ShownUnit, "no output of `systemctl show` was given")
_UNIT_CLASSES = ("systemd", "service", "lsb", "upstart")


def _units(facts: Facts) -> dict[tuple[str, str], Unit]:
    return {(unit.host, name): unit for unit in facts.of(Unit) for name in (*unit.names, unit.name)}


def _run_reloaded(facts: Facts, _: NoParams) -> Iterator[Saw]:
    units = _units(facts)
    for shown in facts.of(ShownUnit):
        unit = units.get((shown.host, shown.name))
        if shown.service is None or unit is None or shown.value("LoadState") not in (LOADED, MASKED):
            continue
        reload = shown.properties.get("NeedDaemonReload")
        if reload is not None and reload.value == "yes":
            message = f"{shown.name}: `NeedDaemonReload` is `yes`, so that systemd goes by older files than these; it must be `no`"
            yield Problem(reload.span, message, f"unit {shown.name}", host=shown.host)
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
        restart = unit.settings.get("Service.Restart")
        pairs.append(("Restart", restart.value if restart is not None else "no", restart.span if restart is not None else unit.span))
    for name, expected, place in pairs:
        found = shown.properties.get(name)
        if found is not None and found.value and found.value != expected:
            message = f"{shown.name}: `{name}` is `{found.value}` in systemd and `{expected}` by its files; it must be the same"
            yield Problem(found.span, message, f"unit {shown.name}", (Related(place, f"`{expected}`"),), host=shown.host)


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
        if service is None or active is None or active.value != "active" or service.kind not in (CORE, ACTIVE_PASSIVE):
            continue
        if shown.name.removesuffix(".service") not in service.units:  # a container's own unit may be a helper's
            continue
        own = [cib for cib in found if cib.cluster.host == shown.host] or found
        leaves = [leaf for cib in own for leaf in cib.running(service.name)]
        if leaves and not any(_runs_units(leaf) for leaf in leaves):
            yield _beside(shown, leaves[0], active.span)


def _runs_units(leaf: Resource) -> bool:
    return (leaf.agent or "").partition(":")[0] in _UNIT_CLASSES


def _beside(shown: ShownUnit, leaf: Resource, place: Span) -> Problem:
    how = f"`{leaf.agent}`" if leaf.agent else f"a {leaf.form}"
    message = f"{shown.name}: the unit is `active` in systemd, and the cluster runs the service as {how}; it must be `inactive`"
    return Problem(place, message, f"unit {shown.name}", (Related(leaf.span, f"the resource `{leaf.name}`"),), host=shown.host)


CHECKS = (Check("unit-shown-otherwise", _run_reloaded, _GIVEN), Check("unit-beside-the-cluster", _run_beside, _GIVEN))
