"""Restarts that come to an end: by the start limit, by exit statuses that are left out, by a pause without end.

systemd gives a unit up when it was started `StartLimitBurst` times within `StartLimitIntervalSec`; a service that fails at once is started
every `RestartSec`. Watched on systemd 252: with `RestartSec` x burst at least the interval the restarts go on for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from lwlint.checks.check import Check, Saw, needs
from lwlint.checks.unit_fixes import drop_in
from lwlint.facts import Facts
from lwlint.facts.systemd import LOADED, IgnoredLine, Setting, Unit
from lwlint.facts.unit_managers import SYSTEMD, managers_of, units
from lwlint.finding import Problem, Related
from lwlint.record import dataclass

_LIMIT = ("Unit.StartLimitIntervalSec", "Unit.StartLimitBurst", "Service.RestartSec")
# under the name and in the section that every systemd knows: 219 of RHEL 7 does not read `StartLimitIntervalSec` in `[Unit]`
_NO_LIMIT: Mapping[str, str] = MappingProxyType({"Service.StartLimitInterval": "0"})
_FAILURES = ("1", "FAILURE")
_RESTARTS = ("always", "on-failure")


@dataclass(frozen=True)
class Params:
    """`kinds` are the kinds of service that are judged."""

    kinds: tuple[str, ...]


def _run(facts: Facts, params: Params) -> Iterator[Saw]:
    for unit in units(facts):
        if unit.service is None or unit.service.kind not in params.kinds or unit.load_state != LOADED or unit.type == "oneshot":
            continue
        restart = _restart(unit)
        if restart is None or managers_of(facts, unit) != SYSTEMD:
            continue
        yield from _left_out(unit)
        if not _ends(unit):
            continue
        yield _explicit(unit) or _misplaced(facts, unit) or _default(unit, restart)


def _restart(unit: Unit) -> Setting | None:
    restart = unit.settings.get("Service.Restart")
    return restart if restart is not None and restart.value in _RESTARTS else None


def _ends(unit: Unit) -> bool:
    """Return whether a service that fails at once runs into its start limit, or is never started again."""
    if unit.restart_usec is None:
        return True
    if unit.start_limit_interval_usec == 0 or unit.start_limit_burst == 0:
        return False
    interval = unit.start_limit_interval_usec
    return interval is None or unit.restart_usec * unit.start_limit_burst < interval


def _seconds(usec: int | None) -> str:
    return "infinity" if usec is None else f"{usec / 1e6:g}s"


def _limit(unit: Unit) -> str:
    return f"{unit.start_limit_burst} starts in {_seconds(unit.start_limit_interval_usec)}, one every {_seconds(unit.restart_usec)}"


def _explicit(unit: Unit) -> Problem | None:
    """Return the problem at the setting that bounds the restarts, if one is set."""
    at = [unit.settings[key] for key in _LIMIT if key in unit.settings]
    if not at:
        return None
    related = tuple(Related(setting.span, f"`{setting.key.value}={setting.value}`") for setting in at[1:])
    if unit.restart_usec is None and "Service.RestartSec" in unit.settings:
        pause = unit.settings["Service.RestartSec"]
        return Problem(
            pause.span,
            f"{unit.name}: `RestartSec` is `infinity`, so it is never restarted; it must be finite",
            _subject(unit),
            host=unit.host,
        )
    message = (
        f"{unit.name}: the restarts end at the start limit ({_limit(unit)}); `RestartSec` times the burst must be at least the interval"
    )
    action = unit.settings.get("Unit.StartLimitAction")
    if action is not None and action.value != "none":
        message += f", or `StartLimitAction` acts (`{action.value}`)"
    return Problem(at[0].span, message, _subject(unit), related, host=unit.host, fix=drop_in(unit, _NO_LIMIT))


def _subject(unit: Unit) -> str:
    return f"unit {unit.name} start limit"


def _misplaced(facts: Facts, unit: Unit) -> Problem | None:
    """Return the problem at a start limit that was written where systemd does not read it."""
    for line in facts.of(IgnoredLine):
        if line.name == "Service.StartLimitIntervalSec" and line.span.path in (unit.fragment, *unit.drop_ins):
            actual = f"{unit.name}: `StartLimitIntervalSec={line.value}` does nothing in `[Service]`, the limit is {_limit(unit)}"
            message = f"{actual}; it must be in `[Unit]`"
            fix = drop_in(unit, _NO_LIMIT) if line.value == "0" else None
            return Problem(line.span, message, _subject(unit), host=unit.host, fix=fix)
    return None


def _default(unit: Unit, restart: Setting) -> Problem:
    """Return a note for a unit that leaves systemd's own start limit as it is."""
    actual = f"{unit.name}: no start limit is set, so the restarts end after systemd's own ({_limit(unit)})"
    return Problem(restart.span, f"{actual}; `StartLimitIntervalSec` must be `0`", _subject(unit), (), "note", host=unit.host)


def _left_out(unit: Unit) -> Iterator[Problem]:
    keys = ["RestartPreventExitStatus"]
    restart = _restart(unit)
    forced = {word for entry in unit.lists.get("Service.RestartForceExitStatus", ()) for word in entry.value.split()}
    if restart is not None and restart.value == "on-failure" and forced.isdisjoint(_FAILURES):
        keys.append("SuccessExitStatus")
    for key in keys:
        for entry in unit.lists.get(f"Service.{key}", ()):
            words = entry.value.split()
            failures = [word for word in words if word in _FAILURES]
            if key == "SuccessExitStatus" and not failures:
                continue
            shown = failures[0] if failures else words[0]
            message = f"{unit.name}: it is not restarted after exit status `{shown}` (`{key}`); every failure must bring it back"
            yield Problem(entry.span, message, f"unit {unit.name} {key}", severity=None if failures else "note", host=unit.host)


CHECK = Check("restart-that-ends", _run, needs(Unit, "no systemd unit was given"), Params)
