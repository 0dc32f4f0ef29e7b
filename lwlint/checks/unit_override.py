"""Pacemaker's own drop-in, `50-pacemaker.conf`, which takes the restart of a unit away while Pacemaker runs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from lwlint.checks.check import Check, Saw, Unknown, needs
from lwlint.facts import Facts
from lwlint.facts.input import NotCollected
from lwlint.facts.service import ACTIVE_ACTIVE, ACTIVE_PASSIVE, CORE
from lwlint.facts.systemctl import ShownUnit
from lwlint.facts.systemd import PACEMAKER_DROP_IN, DropInWithoutUnit, Unit
from lwlint.facts.unit_managers import resource_of, units
from lwlint.finding import Command, Problem, Related
from lwlint.record import dataclass
from lwlint.shell import command
from lwlint.source import Span

_RUNTIME = "run/systemd/system"


@dataclass(frozen=True)
class Params:
    """`that` picks the defect: an override `left` on a service that Pacemaker has no business with, or one that is `beaten`."""

    that: Literal["left", "beaten"]


def _run(facts: Facts, params: Params) -> Iterator[Saw]:
    if params.that == "beaten":
        yield from _misplaced(facts)
    unseen = {gap.host for gap in facts.of(NotCollected) if gap.name == _RUNTIME}
    shown = {(one.host, one.name): one for one in facts.of(ShownUnit) if one.host in unseen and one.value("Id")}
    if unseen - {host for host, _ in shown} or (unseen and params.that == "beaten"):
        yield Unknown(f"`{_RUNTIME}`, where Pacemaker puts its override, was not collected")
    for unit in units(facts):
        as_shown = shown.get((unit.host, unit.name))
        if params.that == "left" and as_shown is not None and _is_foreign(facts, unit):
            yield from _left_as_shown(unit, as_shown)
        if unit.service is None or not any(path.endswith("/" + PACEMAKER_DROP_IN) for path in unit.drop_ins):
            continue
        if params.that == "left" and unit.override is not None and _is_foreign(facts, unit):
            yield _left(unit)
        if params.that == "beaten" and unit.override is None:
            yield from _beaten(unit)


def _is_foreign(facts: Facts, unit: Unit) -> bool:
    """Return whether Pacemaker should not run the unit and, as far as a CIB tells, does not."""
    service = unit.service
    if service is None or resource_of(facts, unit) is not None:
        return False
    if service.kind == ACTIVE_PASSIVE:
        return facts.release.name is not None and facts.release.name not in service.under_pacemaker
    return service.kind == ACTIVE_ACTIVE


def _left(unit: Unit) -> Problem:
    restart = unit.settings.get("Service.Restart") or unit.pending["Service.Restart"]
    message = f"{unit.name}: Pacemaker's override `{PACEMAKER_DROP_IN}` sets `Service.Restart` to `no`; the drop-in must not be there"
    related = tuple(Related(beaten.span, f"`{beaten.key.value}={beaten.value}` is overridden") for beaten in restart.beaten)
    return Problem(restart.span, message, f"unit {unit.name}", related, host=unit.host, commands=tuple(_gone(unit.drop_ins)))


def _left_as_shown(unit: Unit, shown: ShownUnit) -> Iterator[Problem]:
    """Yield an override whose file was not collected, and that `systemctl show` names among the drop-ins."""
    paths = [path for path in shown.value("DropInPaths").split() if path.endswith("/" + PACEMAKER_DROP_IN)]
    if paths and shown.value("Restart") == "no":
        actual = f"{unit.name}: Pacemaker's override `{PACEMAKER_DROP_IN}` is in force, and `Restart` is `no`"
        related = (Related(shown.properties["Restart"].span, "`Restart=no`"),)
        commands = tuple(_gone(paths))
        span = shown.properties["DropInPaths"].span
        yield Problem(span, f"{actual}; the drop-in must not be there", f"unit {unit.name}", related, host=unit.host, commands=commands)


def _gone(paths: Iterable[str]) -> Iterator[Command]:
    for path in paths:
        at = path.rfind("run/systemd/")
        if path.endswith("/" + PACEMAKER_DROP_IN) and at >= 0:
            yield Command(command("rm", "/" + path[at:]))
    yield Command("systemctl daemon-reload")


def _beaten(unit: Unit) -> Iterator[Problem]:
    restart = unit.settings.get("Service.Restart")
    if restart is None or restart.value == "no" or unit.type == "oneshot":
        return
    ours = next((b for b in restart.beaten if b.span.path.endswith("/" + PACEMAKER_DROP_IN)), None)
    related = () if ours is None else (Related(ours.span, f"Pacemaker's `Restart={ours.value}`"),)
    actual = f"{unit.name}: `Service.Restart` is `{restart.value}` in spite of Pacemaker's override"
    message = f"{actual}; it must be `no` while Pacemaker runs the service"
    yield Problem(restart.span, message, f"unit {unit.name}", related, host=unit.host)


def _misplaced(facts: Facts) -> Iterator[Problem]:
    by_name = {(unit.host, name): unit for unit in facts.of(Unit) for name in unit.names}
    for lost in facts.of(DropInWithoutUnit):
        unit = by_name.get((lost.host, lost.intended))
        restart = unit.settings.get("Service.Restart") if unit is not None else None
        if lost.service is None or lost.service.kind not in (CORE, ACTIVE_PASSIVE) or restart is None or restart.value == "no":
            continue
        message = (
            f"{lost.intended}: `Service.Restart` is `{restart.value}`, for systemd reads no drop-in in `{lost.name}`;"
            " it must be `no` while Pacemaker runs the service"
        )
        related = (Related(Span(lost.span.path, 0, 0), "Pacemaker's override, written to the wrong folder"),)
        yield Problem(restart.span, message, f"unit {lost.intended}", related, host=lost.host)


CHECK = Check("pacemaker-override", _run, needs(Unit, "no systemd unit was given"), Params)
