"""The effective settings, each with the place that it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lwlint.config import position
from lwlint.report.places import encodable, one_line
from lwlint.secret import masked
from lwlint.settings import Key, Layer, Settings

_DEFAULTS: dict[Key, str] = {
    ("release",): "auto",
    ("select",): "all rules",
    ("paths", "include"): "all files that are lwlint's",
    ("paths", "gitignore"): "true",
}
_REPLACED = (("release",), ("select",), ("paths", "include"), ("paths", "gitignore"))  # of the last layer that has them


def render(settings: Settings) -> str:
    """Return one line for every value, `key: value  # path:line:column`; an index counts within its own file."""
    rows = [*_files(settings), *_values(settings)]
    width = min(60, max(len(left) for left, _ in rows))
    return encodable("".join(f"{left:{width}}  # {right}\n" for left, right in rows))


def _files(settings: Settings) -> Iterator[tuple[str, str]]:
    for layer in settings.layers:
        yield f"configuration: {one_line(layer.name)}", f"paths count from {one_line(layer.folder)}"
    if not settings.layers:
        yield "configuration: none", "no .lwlint.yaml, and no [tool.lwlint] in a pyproject.toml, from here upwards"


def _values(settings: Settings) -> Iterator[tuple[str, str]]:
    said: dict[Key, list[tuple[Key, Any, Layer]]] = {}
    for layer in settings.layers:
        fresh: dict[Key, list[tuple[Key, Any, Layer]]] = {}
        for key, value in _leaves(layer.plain, ()) if layer.plain else ():
            fresh.setdefault(_group(key), []).append((key, value, layer))
        for group, leaves in fresh.items():
            said[group] = leaves if group in _REPLACED or group[0] == "rules" else [*said.get(group, []), *leaves]
    for group, default in _DEFAULTS.items():
        if group not in said:
            yield f"{_dotted(group)}: {default}", "default"
    for group in sorted(said):
        for key, value, layer in said[group]:
            line, column = position(layer, key)
            yield f"{_dotted(key)}: {_shown(value)}", f"{one_line(layer.name)}:{line}:{column}"


def _leaves(value: Any, key: Key) -> Iterator[tuple[Key, Any]]:
    if isinstance(value, dict) and value:
        for name, below in value.items():
            yield from _leaves(below, (*key, name))
    elif isinstance(value, list) and value:
        for i, below in enumerate(value):
            yield from _leaves(below, (*key, i))
    else:
        yield key, value


def _group(key: Key) -> Key:
    """Return the part of the key that a later layer replaces as a whole, or adds to."""
    if key[0] == "rules":
        return key[:4] if key[2:3] == ("params",) else key[:3]
    return key[:2] if key[0] == "paths" else key[:1]


def _dotted(key: Key) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return one_line(text[1:] if text.startswith(".") else text)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return masked(one_line(str(value))) if value not in ({}, []) else "(empty)"
