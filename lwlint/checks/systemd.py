"""Restarts that come to an end: by the start limit, by exit statuses that are left out, by a pause without end.

systemd gives a unit up when it was started `StartLimitBurst` times within `StartLimitIntervalSec`; a service that fails at once is started
every `RestartSec`. Watched on systemd 252: with `RestartSec` x burst at least the interval the restarts go on for ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Literal, Optional

from msgspec import Meta

from lwlint.checks.managers import SYSTEMD, managers_of, resource_of, units
from lwlint.checks.parameters import Directive, ServiceKind, ServiceName, nothing_in
from lwlint.core.check import Check, Saw, Unknown, needs
from lwlint.core.config_reader import Document, Mismatch
from lwlint.core.facts import ACTIVE_ACTIVE, ACTIVE_PASSIVE, CORE, Facts, NotCollected
from lwlint.core.finding import Command, DropIn, Fix, Problem, Related
from lwlint.core.secret import command
from lwlint.core.source import Span
from lwlint.inputs.systemd.facts import LOADED, PACEMAKER_DROP_IN, DropInWithoutUnit, IgnoredLine, Setting, ShownUnit, Unit

Dependency = Literal[
    "Requires", "Requisite", "Wants", "BindsTo", "PartOf", "Upholds", "Conflicts", "Before", "After", "OnFailure", "OnSuccess",
    "PropagatesReloadTo", "PropagatesStopTo", "ReloadPropagatedFrom", "StopPropagatedFrom", "JoinsNamespaceOf",
]  # fmt: skip


class DependencyParams(Document, frozen=True):
    """`kinds` are the kinds of service that are judged, `keys` the settings of [Unit] that bind, `services` those (by their
    names in the catalogue) that must not be bound to, with `units` that the catalogue does not name."""

    kinds: Annotated[tuple[ServiceKind, ...], Meta(description="the kinds of services that are judged", min_length=1)]
    keys: Annotated[tuple[Dependency, ...], Meta(description="the settings of `[Unit]` that bind", min_length=1)]
    services: Annotated[tuple[ServiceName, ...], Meta(description="the services that must not be bound to")]
    units: Annotated[tuple[str, ...], Meta(description="units that must not be bound to and are not in the catalogue")] = ()

    def misfits(self) -> Iterator[Mismatch]:
        """Yield that nothing would be judged."""
        yield from nothing_in(self, "services", "units")


def _run_dependencies(facts: Facts, params: DependencyParams) -> Iterator[Saw]:
    titles = dict.fromkeys(params.units, "it")
    for service in facts.services:
        if service.name in params.services:
            titles.update(dict.fromkeys(service.units, service.title))
            titles.update(dict.fromkeys((f"tripleo_{container}" for container in service.containers), service.title))
    aliases = _aliases(facts, params)
    for unit in units(facts):
        if unit.service is None or unit.service.kind not in params.kinds or unit.service.name in params.services:
            continue
        for key in params.keys:
            for entry in unit.lists.get(f"Unit.{key}", ()):
                yield from _bound(unit, key, entry, {**titles, **aliases.get(unit.host, {})})


def _aliases(facts: Facts, params: DependencyParams) -> dict[str, dict[str, str]]:
    """Return the names of each host's units that must not be bound to, aliases of its own among them, with what they run."""
    found: dict[str, dict[str, str]] = {}
    for unit in facts.of(Unit):
        if unit.service is not None and unit.service.name in params.services:
            names = (name[: -len(".service")] for name in unit.names if name.endswith(".service"))
            found.setdefault(unit.host, {}).update(dict.fromkeys(names, unit.service.title))
    return found


def _bound(unit: Unit, key: str, entry: Setting, titles: dict[str, str]) -> Iterator[Problem]:
    for match in re.finditer(r"\S+", entry.value):
        word = match[0]
        name = word[: -len(".service")] if word.endswith(".service") else word
        title = titles.get(name) or titles.get(name.partition("@")[0])
        if title is not None:
            message = f"{unit.name}: `Unit.{key}` names `{word}`; the service must start and run without {title}"
            yield Problem(_place(entry, match), message, f"unit {unit.name} {key} {word}", host=unit.host)


def _place(entry: Setting, word: re.Match[str]) -> Span:
    """Return the span of one word of an entry; of the entry where specifiers (`%i`) or a link stand for the word."""
    if entry.span.end - entry.span.start != len(entry.value):
        return entry.span
    return Span(entry.span.path, entry.span.start + word.start(), entry.span.start + word.end())


DEPENDENCY = Check("dependency-on", _run_dependencies, needs(Unit, "no systemd unit was given"), DependencyParams)


NAME = "50-lwlint.conf"  # read before Pacemaker's `50-pacemaker.conf`, which so keeps the last word
_FOLDERS = ("etc/systemd/system/", "run/systemd/system/", "usr/lib/systemd/system/", "usr/local/lib/systemd/system/", "lib/systemd/system/")


def drop_in(unit: Unit, settings: Mapping[str, str]) -> Optional[Fix]:
    """Return the fix that gives the unit settings (`Section.Key`) in a drop-in of the same host; none for one outside any host's tree."""
    place = unit.fragment or unit.span.path
    root = next((place[: place.index(folder)] for folder in _FOLDERS if folder in place), None)
    if root is None or unit.loose or not settings:
        return None
    path = f"{root}etc/systemd/system/{unit.name}.d/{_name(unit, settings)}"
    said = ", ".join(f"`{name.rpartition('.')[2]}={value}`" for name, value in settings.items())
    return Fix(f"set {said} in a drop-in, then `systemctl daemon-reload`", (DropIn(path, tuple(settings.items())),))


def _name(unit: Unit, settings: Mapping[str, str]) -> str:
    """Return a name that is read after every drop-in that sets one of the settings now: NAME, or one right behind the last of these."""
    wanted = {_stem(name) for name in settings}
    found = {setting.span.path.rpartition("/")[2] for name, setting in unit.settings.items() if _stem(name) in wanted}
    names = {path.rpartition("/")[2] for path in unit.drop_ins}
    found = names if unit.shown else found & names  # nobody knows what those set that are not at hand
    last = max((name for name in found if name not in (PACEMAKER_DROP_IN, NAME)), key=str.encode, default="")
    return f"{last.removesuffix('.conf')}.lwlint.conf" if last.encode() > NAME.encode() else NAME


def _stem(name: str) -> str:
    """Return a setting's name without its section, as it was spelled before systemd 230: `StartLimitInterval`."""
    return name.rpartition(".")[2].removesuffix("Sec")


class LineParams(Document, frozen=True):
    """`settings` are the keys whose loss matters, in any section and spelling; another line is a note. `not_keys` are left to other
    rules."""

    settings: Annotated[tuple[Directive, ...], Meta(description="the settings whose loss matters; another line is a note")]
    not_keys: Annotated[tuple[str, ...], Meta(description="settings (`Section.Key`, as written) that other rules judge")] = ()


def _run_lines(facts: Facts, params: LineParams) -> Iterator[Saw]:
    matter = {key.lower() for key in params.settings}
    for line in facts.of(IgnoredLine):
        if line.service is None or line.name in params.not_keys:
            continue
        key = line.name.rpartition(".")[2]
        shown = f"`{key}={line.value}`" if line.value or line.because.startswith("an empty") else f"`{key}`"
        message = f"{shown} does nothing: {line.because}"
        severity = None if key.lower().replace("_", "") in matter else "note"
        yield Problem(line.span, message, f"line {line.name}", severity=severity, host=line.host)


def _evidence(facts: Facts, _: LineParams) -> str | None:
    return None if any(not unit.shown for unit in facts.of(Unit)) else "no systemd unit was given"


LINE = Check("line-without-effect", _run_lines, _evidence, LineParams)


_RUNTIME = "run/systemd/system"


class OverrideParams(Document, frozen=True):
    """`that` picks the defect: an override `left` on a service that Pacemaker has no business with, or one that is `beaten`."""

    that: Annotated[
        Literal["left", "beaten"],
        Meta(description="the defect: an override `left` on a service that Pacemaker does not run, or one that is `beaten`"),
    ]


def _run_override(facts: Facts, params: OverrideParams) -> Iterator[Saw]:
    if params.that == "beaten":
        yield from _misplaced_override(facts)
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


def _misplaced_override(facts: Facts) -> Iterator[Problem]:
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


OVERRIDE = Check("pacemaker-override", _run_override, needs(Unit, "no systemd unit was given"), OverrideParams)


_LIMIT = ("Unit.StartLimitIntervalSec", "Unit.StartLimitBurst", "Service.RestartSec")
# under the name and in the section that every systemd knows: 219 of RHEL 7 does not read `StartLimitIntervalSec` in `[Unit]`
_NO_LIMIT: Mapping[str, str] = MappingProxyType({"Service.StartLimitInterval": "0"})
_FAILURES = ("1", "FAILURE")
_RESTARTS = ("always", "on-failure")


class StartLimitParams(Document, frozen=True):
    """`kinds` are the kinds of service that are judged."""

    kinds: Annotated[tuple[ServiceKind, ...], Meta(description="the kinds of services that are judged", min_length=1)]


def _run_start_limit(facts: Facts, params: StartLimitParams) -> Iterator[Saw]:
    for unit in units(facts):
        if unit.service is None or unit.service.kind not in params.kinds or unit.load_state != LOADED or unit.type == "oneshot":
            continue
        restart = _restart(unit)
        if restart is None or managers_of(facts, unit) != SYSTEMD:
            continue
        yield from _left_out(unit)
        if not _ends(unit):
            continue
        yield _explicit(unit) or _misplaced_limit(facts, unit) or _default(unit, restart)


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


def _misplaced_limit(facts: Facts, unit: Unit) -> Problem | None:
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


START_LIMIT = Check("restart-that-ends", _run_start_limit, needs(Unit, "no systemd unit was given"), StartLimitParams)
