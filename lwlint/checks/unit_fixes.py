"""Fixes for systemd units: a drop-in of our own, never a change to a file that a package brought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

from lwlint.facts.systemd import PACEMAKER_DROP_IN, Unit
from lwlint.finding import DropIn, Fix

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
