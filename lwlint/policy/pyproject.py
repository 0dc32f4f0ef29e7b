"""`[tool.lwlint]` of a pyproject.toml: its values, and where they stand, which TOML's own reader does not tell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from lwlint.core.config_reader import Path
from lwlint.core.finding import ConfigurationError
from lwlint.core.lazy import pattern

_TABLE = ("tool", "lwlint")
_STRING = r"\"\"\"(?:[^\\]|\\.)*?\"{3,5}|'''.*?'{3,5}|\"(?:[^\"\\]|\\.)*\"|'[^']*'"
_BLANK = pattern(r"(?:[ \t\r\n,]|#[^\n]*)*")
_KEY = pattern(rf"(?:[\w-]+|{_STRING})(?:[ \t]*\.[ \t]*(?:[\w-]+|{_STRING}))*")
_PART = pattern(rf"[\w-]+|{_STRING}")
_SCALAR = pattern(rf"{_STRING}|[^,\]}}#\r\n]+", re.DOTALL)
_EQUALS = pattern(r"[ \t]*=[ \t]*")


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
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets in brackets without end
        raise ConfigurationError(f"{path}: is not TOML that can be read ({type(error).__name__})") from error
    for part in _TABLE:
        if not isinstance(found, dict) or part not in found:
            return None
        found = found[part]
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path}: `tool.lwlint`: must be a table")
    return found


def place(text: str, key: Path) -> tuple[int, int]:
    """Return line and column, from 1, of the key or item of an array that `key` leads to below `[tool.lwlint]`, or of what holds it."""
    wanted = (*_TABLE, *key)
    best, length = 0, 0
    for path, at in _places(text):
        if path == wanted[: len(path)] and len(path) > length:
            best, length = at, len(path)
    return text.count("\n", 0, best) + 1, best - text.rfind("\n", 0, best)


def _places(text: str) -> Iterator[tuple[Path, int]]:
    """Yield the place of every key and every item of an array, in the order of `text`, which TOML's own reader has taken."""
    above: Path = ()
    arrays: Counter[Path] = Counter()
    at = _end(_BLANK, text, 0)
    while at < len(text):
        opens = len(text[at : at + 2]) - len(text[at : at + 2].lstrip("["))
        start = _end(_BLANK, text, at + opens)
        end = _end(_KEY, text, start)
        parts = _parts(text[start:end])
        if opens:
            if opens == 2:  # one element more
                arrays[(*_with_elements(parts[:-1], arrays), parts[-1])] += 1
            above = _with_elements(parts, arrays)
            yield from ((_with_elements(parts[: n + 1], arrays), start) for n in range(len(parts)))
            end = text.index("]", end) + opens
        else:
            yield from (((*above, *parts[: n + 1]), start) for n in range(len(parts)))
            *found, (_, end) = _values(text, _end(_EQUALS, text, end), (*above, *parts))
            yield from found
        at = max(_end(_BLANK, text, end), at + 1)


def _with_elements(parts: Path, arrays: Counter[Path]) -> Path:
    """Return the way to a table, with the number of the last element behind the name of each array of tables."""
    found: Path = ()
    for part in parts:
        found = (*found, part)
        if arrays[found]:
            found = (*found, arrays[found] - 1)
    return found


def _values(text: str, at: int, path: Path) -> Iterator[tuple[Path, int]]:
    """Yield the places in the value at `at`, and last the place behind it."""
    if text[at : at + 1] not in ("[", "{"):
        yield path, _end(_SCALAR, text, at)
        return
    array, number = text[at] == "[", 0
    at = _end(_BLANK, text, at + 1)
    while at < len(text) and text[at] not in "]}":
        inside: Path = (*path, number)
        start = at
        if not array:
            end = _end(_KEY, text, at)
            inside, at = (*path, *_parts(text[at:end])), _end(_EQUALS, text, end)
        yield from ((inside[:n], start) for n in range(len(path) + 1, len(inside) + 1))
        *found, (_, end) = _values(text, at, inside)
        yield from found
        at, number = max(_end(_BLANK, text, end), at + 1), number + 1
    yield path, at + 1


def _end(expression: re.Pattern[str], text: str, at: int) -> int:
    match = expression.match(text, at)
    return match.end() if match else at


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))
