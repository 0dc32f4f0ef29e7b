"""What kolla starts a container by: `config.json` beside its option files, its command and where each file comes to lie.

Source: kolla's set_configs.py; `/etc/kolla/NAME/config.json` as kolla-ansible writes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from msgspec import Struct

from lwlint.inputs.systemd import programs


class KollaContainer(Struct, frozen=True):
    """The program of a container, its option files in the order of its command line, and where its files come to lie, by their names."""

    program: str
    arguments: tuple[str, ...]
    files: Mapping[str, str]


def read_container(text: str | None) -> KollaContainer | None:
    """Return what a `config.json` says; None if there is none, or it is not one. Paths are without their first `/`."""
    try:
        plain = json.loads(text) if text is not None else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(plain, dict):
        return None
    command = plain.get("command")
    started = programs.started(command) if isinstance(command, str) else None
    words = started.words if started is not None else ()
    arguments = tuple(words[i + 1].lstrip("/") for i, word in enumerate(words[:-1]) if word == "--config-file")
    entries = plain.get("config_files")
    files: dict[str, str] = {}
    for entry in entries if isinstance(entries, list) else ():
        source, dest = (entry.get("source"), entry.get("dest")) if isinstance(entry, dict) else (None, None)
        if isinstance(source, str) and isinstance(dest, str):
            files[source.rsplit("/", 1)[-1]] = dest.lstrip("/")
    return KollaContainer(started.names[0] if started is not None and started.names else "", arguments, files)
