"""Units whose files are not at hand, by what `systemctl show` said of them: the settings in force.

Names of the properties: systemd 208 to 252, whose `show` prints a property that ends in `USec` as a time span and others as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from lwlint.core.catalogue import Catalogue
from lwlint.core.facts import Fact
from lwlint.core.numbers import whole
from lwlint.core.source import Source, Span, Text
from lwlint.inputs.containers.facts import DOCKER, HostContainer
from lwlint.inputs.systemd.facts import BAD_SETTING, LOADED, MASKED, NOT_FOUND, PACEMAKER_DROP_IN, SECOND, Setting, ShownUnit, Unit
from lwlint.inputs.systemd.settings import INFINITY, time_span, type_of

_LIMIT = ("StartLimitIntervalUSec", "StartLimitIntervalSec", "StartLimitInterval")
_DEPENDENCIES = ("Requires", "Requisite", "BindsTo")
_TEN_SECONDS, _TENTH, _BURST = 10 * SECOND, SECOND // 10, 5  # systemd's own


def shown_unit(shown: ShownUnit, known: Collection[tuple[str, str]]) -> Iterator[Unit]:
    """Yield the unit of a service that `systemctl show` has, unless it is `known` (host, name) by a file, or Pacemaker runs it now.

    `Service.Restart` and `Service.TimeoutStartSec` are always set (`unknown` where they are not printed), others where they are not
    systemd's own defaults.
    """
    state = shown.value("LoadState")
    names = tuple(dict.fromkeys([shown.name, *shown.value("Names").split()]))
    if shown.listed or shown.service is None or type_of(shown.name) != "service" or state not in (LOADED, MASKED, BAD_SETTING):
        return
    if any((shown.host, name) in known for name in names) or PACEMAKER_DROP_IN in shown.value("DropInPaths"):
        return
    limit = next((name for name in _LIMIT if shown.value(name)), "")
    pause, interval = _usec(shown, "RestartUSec", _TENTH), _usec(shown, limit, _TEN_SECONDS)
    told = whole(shown.value("StartLimitBurst"))
    burst = told if told is not None else _BURST
    wanted = {
        "Service.RestartSec": "RestartUSec" if pause != _TENTH else "",
        "Unit.StartLimitIntervalSec": limit if interval != _TEN_SECONDS else "",
        "Unit.StartLimitBurst": "StartLimitBurst" if burst != _BURST else "",
    }
    settings = {key: _setting(key, shown.properties[name]) for key, name in wanted.items() if shown.value(name)}
    for key, name in (("Service.Restart", "Restart"), ("Service.TimeoutStartSec", "TimeoutStartUSec")):
        settings[key] = _setting(key, shown.properties.get(name) or Text("unknown", shown.span))
    yield Unit(
        name=shown.name,
        span=shown.span,
        host=shown.host,
        load_state=state,
        because="as `systemctl show` has it" if state == BAD_SETTING else "",
        settings=settings if state == LOADED else {},
        lists=dict(_lists(shown)) if state == LOADED else {},
        fragment=_place(shown, shown.value("FragmentPath")),
        drop_ins=tuple(_place(shown, path) for path in shown.value("DropInPaths").split()),
        names=names,
        enabled=shown.value("UnitFileState") or "unknown",
        active=shown.value("ActiveState"),
        type=shown.value("Type"),
        restart_usec=pause,
        start_limit_interval_usec=interval,
        start_limit_burst=burst,
        timeout_start_usec=_usec(shown, "TimeoutStartUSec", INFINITY) or None,
        shown=True,
        service=shown.service,
    )


def _setting(key: str, value: Text) -> Setting:
    return Setting(value.value, value.span, Text(key.rpartition(".")[2], value.span))


def _lists(shown: ShownUnit) -> Iterator[tuple[str, tuple[Setting, ...]]]:
    for name in _DEPENDENCIES:
        found = shown.properties.get(name)
        if found is not None and found.value:
            words = re.finditer(r"\S+", found.value)
            yield f"Unit.{name}", tuple(_setting(name, _word(found, word)) for word in words)


def _word(value: Text, match: re.Match[str]) -> Text:
    start = value.span.start + match.start()
    return Text(match[0], Span(value.span.path, start, start + len(match[0])))


def _usec(shown: ShownUnit, name: str, default: int) -> int | None:
    """Return a time in microseconds, None for never; `default` where it is not printed."""
    text = shown.value(name)
    if not text or (text.isdecimal() and not name.endswith("USec")):
        found = whole(text or str(default)) or 0
    else:
        span = time_span(text)
        found = default if span is None else span
    return None if found >= INFINITY else found


def _place(shown: ShownUnit, path: str) -> str:
    """Return where a file of a unit, which is not at hand, would be in the tree of its host; empty where nothing tells it."""
    at = shown.span.path.rfind("sos_commands/")
    return shown.span.path[:at] + path.lstrip("/") if at >= 0 and path else ""


def with_evidence(facts: Iterable[Fact], others: Iterable[Fact]) -> Iterator[Fact]:
    """Yield `facts`, of which the units of services have what `others` (shown units, containers) tell of them.

    A unit that runs a container with podman is active where that container runs, if systemd itself does not tell. Units whose files
    are not at hand (or their drop-ins alone) are those that `systemctl show` has.
    """
    facts = list(facts)
    known = {
        (fact.host, name) for fact in facts if isinstance(fact, Unit) and fact.load_state != NOT_FOUND for name in (fact.name, *fact.names)
    }
    others = list(others)
    units = [unit for other in others if isinstance(other, ShownUnit) for unit in shown_unit(other, known)]
    shown = {(unit.host, unit.name) for unit in units}
    facts = [*(fact for fact in facts if not isinstance(fact, Unit) or (fact.host, fact.name) not in shown), *units]
    told: dict[tuple[str, str], tuple[str, str]] = {}
    for other in others:
        if isinstance(other, ShownUnit):
            told[other.host, other.name] = other.value("ActiveState"), other.value("UnitFileState")
    for other in others:
        if isinstance(other, HostContainer) and other.running and other.engine != DOCKER:
            for name in (other.name, other.called):
                key = other.host, f"tripleo_{name}.service"
                active, state = told.get(key, ("", ""))
                told[key] = active or "active", state
    for fact in facts:
        if isinstance(fact, Unit) and fact.service is not None and (fact.host, fact.name) in told:
            active, state = told[fact.host, fact.name]
            # a link may not have been collected, but none is there that does not enable
            counts = fact.enabled == "unknown" or (fact.enabled == "disabled" and state.startswith("enabled"))
            yield replace(fact, active=active, enabled=state if state and counts else fact.enabled)
        else:
            yield fact


# what an audit asks of a unit; a service has some 270 properties
SHOWN = (
    "Id", "Names", "LoadState", "UnitFileState", "ActiveState", "SubState", "FragmentPath", "DropInPaths", "NeedDaemonReload",
    "Type", "Restart", "RestartUSec", "RestartPreventExitStatus", "TimeoutStartUSec", "RemainAfterExit", "ExecStart",
    "StartLimitInterval", "StartLimitIntervalSec", "StartLimitIntervalUSec", "StartLimitBurst",
    "Requires", "Requisite", "BindsTo", "PartOf", "After", "Before", "WantedBy", "RequiredBy", "BoundBy", "UpheldBy", "TriggeredBy",
)  # fmt: skip
_NAME = r"[^\s/]+\.(?:service|socket|timer|mount|automount|path|swap|slice|scope|target|device|snapshot)"
_UNIT_FILE = re.compile(rf"^(?P<name>{_NAME})[ \t]+(?P<state>[a-z-]+)(?:[ \t]+(?P<preset>[a-z-]+))?[ \t\r]*$", re.MULTILINE)
_UNIT = re.compile(
    rf"^(?:[ \t]*[^\w\s.-]?[ \t]+)?(?P<name>{_NAME})[ \t]+(?P<load>[a-z-]+)[ \t]+(?P<active>[a-z]+)[ \t]+(?P<sub>[a-z-]+)(?=[ \t\r\n]|$)",
    re.MULTILINE,
)
_BLOCK = re.compile(r"(?:[^\n]+\n?)+")


class ShownBlock(Struct, frozen=True):
    """One unit as `systemctl show` has it. `properties` holds those that were asked for, as far as they are printed."""

    name: Text
    properties: Mapping[str, Text]


class UnitFileState(Struct, frozen=True):
    """One line of `systemctl list-unit-files`: whether the unit is enabled, disabled, static, masked, ..."""

    name: Text
    state: Text
    preset: Text | None = None


class ListedUnit(Struct, frozen=True):
    """One line of `systemctl list-units`."""

    name: Text
    load: Text
    active: Text
    sub: Text


def shown_units(source: Source, properties: Iterable[str] = SHOWN) -> Iterator[ShownBlock]:
    """Yield the units of `systemctl show UNITS --all`; a block without `Id` (the manager's own, or one that was cut) is passed over."""
    wanted = re.compile(rf"^({'|'.join(sorted({*properties, 'Id'}))})=([^\r\n]*)", re.MULTILINE)
    for block in _BLOCK.finditer(source.text):
        found: dict[str, Text] = {}
        for match in wanted.finditer(source.text, block.start(), block.end()):
            found.setdefault(match.group(1), Text(match.group(2), Span(source.path, match.start(2), match.end(2))))
        if found.get("Id") and found["Id"].value:
            yield ShownBlock(found["Id"], found)


def unit_file_states(source: Source) -> Iterator[UnitFileState]:
    """Yield the lines of `systemctl list-unit-files`; its heading and its count are no lines of it."""
    for match in _UNIT_FILE.finditer(source.text):
        preset = None if match["preset"] is None else _text(source, match, "preset")
        yield UnitFileState(_text(source, match, "name"), _text(source, match, "state"), preset)


def listed_units(source: Source) -> Iterator[ListedUnit]:
    """Yield the lines of `systemctl list-units [--all]`; a mark in front of a failed or missing unit is left out."""
    for match in _UNIT.finditer(source.text):
        yield ListedUnit(*(_text(source, match, part) for part in ("name", "load", "active", "sub")))


def _text(source: Source, match: re.Match[str], group: str) -> Text:
    return Text(match[group], Span(source.path, match.start(group), match.end(group)))


_STATES = "systemctl_list-unit-files"
_LIST = "systemctl_list-unit"


def shown_facts(sources: Iterable[Source], catalogue: Catalogue) -> Iterator[ShownUnit]:
    """Yield every unit that is shown, and those that are only in the lists of units and of unit files, with what these tell.

    A unit that `systemctl show` has keeps its properties; the lists add those that it lacks.
    """
    every = list(sources)
    listed = _listed(source for source in every if _LIST in source.path)
    for source in every:
        if _LIST in source.path:
            continue
        for unit in shown_units(source):
            more = listed.pop((source.host, unit.name.value), {})
            properties = {**more, **{name: text for name, text in unit.properties.items() if text.value or name not in more}}
            yield ShownUnit(unit.name.value, unit.name.span, properties, source.host, catalogue.of_unit(unit.name.value))
    for (host, name), properties in listed.items():
        first = min(text.span for text in properties.values())
        yield ShownUnit(name, first, properties, host, catalogue.of_unit(name), listed=True)


def _listed(sources: Iterable[Source]) -> dict[tuple[str, str], dict[str, Text]]:
    """Return the properties of units in lists, by host and unit; the first list that tells of one counts."""
    found: dict[tuple[str, str], dict[str, Text]] = {}
    for source in sorted(sources, key=lambda source: source.path):
        if _STATES in source.path:
            for state in unit_file_states(source):
                found.setdefault((source.host, state.name.value), {}).setdefault("UnitFileState", state.state)
            continue
        for unit in listed_units(source):
            own = found.setdefault((source.host, unit.name.value), {})
            for name, text in (("LoadState", unit.load), ("ActiveState", unit.active), ("SubState", unit.sub)):
                own.setdefault(name, text)
    return found
