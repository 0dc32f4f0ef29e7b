"""Units whose files are not at hand, by what `systemctl show` said of them: the settings in force.

Names of the properties: systemd 208 to 252, whose `show` prints a property that ends in `USec` as a time span and others as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from lwlint.facts.systemctl import ShownUnit
from lwlint.facts.systemd import BAD_SETTING, LOADED, MASKED, PACEMAKER_DROP_IN, SECOND, Setting, Unit
from lwlint.parse.unit_names import type_of
from lwlint.parse.unit_values import INFINITY, time_span
from lwlint.source import Span, Text

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
    burst = int(shown.value("StartLimitBurst")) if shown.value("StartLimitBurst").isdecimal() else _BURST
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
        found = int(text) if text else default
    else:
        span = time_span(text)
        found = default if span is None else span
    return None if found >= INFINITY else found


def _place(shown: ShownUnit, path: str) -> str:
    """Return where a file of a unit, which is not at hand, would be in the tree of its host; empty where nothing tells it."""
    at = shown.span.path.rfind("sos_commands/")
    return shown.span.path[:at] + path.lstrip("/") if at >= 0 and path else ""
