"""Fixes for systemd units: a drop-in of our own, never a change to a file that a package brought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

from lwlint.facts.systemd import Unit
from lwlint.finding import DropIn, Fix

NAME = "50-lwlint.conf"  # read before Pacemaker's `50-pacemaker.conf`, which so keeps the last word
_FOLDERS = ("etc/systemd/system/", "run/systemd/system/", "usr/lib/systemd/system/", "usr/local/lib/systemd/system/", "lib/systemd/system/")


def drop_in(unit: Unit, settings: Mapping[str, str]) -> Optional[Fix]:
    """Return the fix that gives the unit settings (`Section.Key`) in a drop-in of the same host; none for one outside any host's tree."""
    place = unit.fragment or unit.span.path
    root = next((place[: place.index(folder)] for folder in _FOLDERS if folder in place), None)
    if root is None or unit.loose or not settings:
        return None
    path = f"{root}etc/systemd/system/{unit.name}.d/{NAME}"
    said = ", ".join(f"`{name.rpartition('.')[2]}={value}`" for name, value in settings.items())
    return Fix(f"set {said} in a drop-in, then `systemctl daemon-reload`", (DropIn(path, tuple(settings.items())),))
