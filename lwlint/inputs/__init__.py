"""One package for each kind of input: text becomes an effective model, and the model becomes facts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from lwlint.core.finding import ConfigurationError
from lwlint.core.kind import ENTRY_POINTS, Kind, Kinds, load
from lwlint.inputs import containers, heat, oslo, pacemaker, puppet, systemd


def _are_announced() -> bool:
    """Return whether an installed package may bring kinds of input.

    `importlib.metadata`, which tells for certain, takes longer to import than all that a run on one file does before it reads.
    """
    group = f"[{ENTRY_POINTS}]".encode()
    for folder in sys.path:
        folder = folder or "."
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                try:
                    with open(f"{folder}/{name}/entry_points.txt", "rb", buffering=0) as file:
                        if group in file.read():
                            return True
                except OSError:
                    continue
    return False


def _of_packages() -> Iterator[Kind]:
    """Yield the kinds of input that installed packages bring; raises ConfigurationError for an entry point that gives none."""
    if not _are_announced():
        return
    from importlib.metadata import entry_points

    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        kind = load(point)
        if not isinstance(kind, Kind):
            raise ConfigurationError(f"`{point.name}`: entry point `{point.value}` is no `Kind`")
        yield kind


# in the order in which their facts are made: a kind may look at the facts of those before it
KINDS = Kinds((*heat.KINDS, *pacemaker.KINDS, *containers.KINDS, *systemd.KINDS, *oslo.KINDS, *puppet.KINDS, *_of_packages()))
