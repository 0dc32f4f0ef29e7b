"""What `systemctl` printed into a report: `show` of all units, `list-unit-files`, `list-units`; each value with its place.

Formats: systemd 208 to 252. `show` parts units by an empty line and prints only those that are loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from lwlint.record import dataclass
from lwlint.source import Source, Span, Text

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


@dataclass(frozen=True)
class ShownUnit:
    """One unit as `systemctl show` has it. `properties` holds those that were asked for, as far as they are printed."""

    name: Text
    properties: Mapping[str, Text]


@dataclass(frozen=True)
class UnitFileState:
    """One line of `systemctl list-unit-files`: whether the unit is enabled, disabled, static, masked, ..."""

    name: Text
    state: Text
    preset: Text | None = None


@dataclass(frozen=True)
class ListedUnit:
    """One line of `systemctl list-units`."""

    name: Text
    load: Text
    active: Text
    sub: Text


def shown_units(source: Source, properties: Iterable[str] = SHOWN) -> Iterator[ShownUnit]:
    """Yield the units of `systemctl show UNITS --all`; a block without `Id` (the manager's own, or one that was cut) is passed over."""
    wanted = re.compile(rf"^({'|'.join(sorted({*properties, 'Id'}))})=([^\r\n]*)", re.MULTILINE)
    for block in _BLOCK.finditer(source.text):
        found: dict[str, Text] = {}
        for match in wanted.finditer(source.text, block.start(), block.end()):
            found.setdefault(match.group(1), Text(match.group(2), Span(source.path, match.start(2), match.end(2))))
        if found.get("Id") and found["Id"].value:
            yield ShownUnit(found["Id"], found)


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
