"""`[tool.lwlint]` of a pyproject.toml: its values, and where they stand, which TOML's own reader does not tell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from lwlint.finding import ConfigurationError
from lwlint.read import Path

_TABLE = ("tool", "lwlint")
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_LINE = re.compile(rf"^[ \t]*(?:(?P<open>\[\[?)[ \t]*(?P<table>{_DOTTED})[ \t]*\]|(?P<key>{_DOTTED})[ \t]*=)", re.MULTILINE)


def table(text: str, path: str) -> Mapping[str, Any] | None:
    """Return the values of `[tool.lwlint]`, or None if the file has no such table.

    Raises ConfigurationError, with its place, for what is not TOML.
    """
    if "lwlint" not in text:
        return None
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10 and older
        import tomli as tomllib  # type: ignore[import-not-found,no-redef,unused-ignore]
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"^(.*) \(at line (\d+), column (\d+)\)$", str(error))
        place, said = (f"{path}:{match[2]}:{match[3]}", match[1]) if match else (path, str(error))
        raise ConfigurationError(f"{place}: {said}") from error
    for part in _TABLE:
        if not isinstance(found, dict) or part not in found:
            return None
        found = found[part]
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path}: `tool.lwlint`: must be a table")
    return found


def place(text: str, key: Path) -> tuple[int, int]:
    """Return line and column, from 1, of what `key` leads to below `[tool.lwlint]`, or of what holds it.

    It goes by lines: a value inside of another one (an inline table, an array) has the place of that one's key.
    """
    wanted = (*_TABLE, *key)
    best, length = 0, 0
    above: Path = ()
    arrays: Counter[Path] = Counter()
    for match in _LINE.finditer(text):
        if match["open"]:
            above = _parts(match["table"])
            if match["open"] == "[[":
                arrays[above] += 1
                above = (*above, arrays[above] - 1)
            elif above[:-1] and arrays[above[:-1]]:  # a table of the last element of an array
                above = (*above[:-1], arrays[above[:-1]] - 1, above[-1])
        here = above if match["open"] else (*above, *_parts(match["key"]))
        if here == wanted[: len(here)] and len(here) > length:
            best, length = match.start("table" if match["open"] else "key"), len(here)
    return text.count("\n", 0, best) + 1, best - text.rfind("\n", 0, best)


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))
