"""`[lwlint]` of a tox.ini or setup.cfg: its values, as the other forms of configuration have them, and where they stand.

Keys are those of `.lwlint.yaml`, with a dot for each step down (`paths.exclude`, `rules.LW203.severity`); lists have commas or lines. Each
exception and each override is a section of its own, `[lwlint:allow:NAME]` and `[lwlint:overrides:NAME]`, whose name is for people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lwlint.core.config_reader import Path, load, near
from lwlint.core.finding import ConfigurationError
from lwlint.core.lazy import pattern

SECTION = "lwlint"
_LISTS = ("allow", "overrides")
_HEADER = pattern(r"\[(?P<name>[^]\r\n]+)\]")
_KEY = pattern(r"(?P<key>[^\s=:#;\[][^=:\r\n]*?)[ \t]*[=:][ \t]*(?P<value>[^\r\n]*)")
_STRINGS = frozenset(
    ("extends", "select", "ignore", "rule_directories", "include", "exclude", "paths", "environments")
)  # keys whose value is a list
_WORDS = frozenset(("gitignore", "strict"))  # keys whose value is `true` or `false`
_NUMBERS = frozenset(("limit",))  # keys whose value is a whole number


class _Entry(NamedTuple):
    """One key of a section of lwlint's: where it leads, its value, and the places of the key and of each item of the value."""

    path: Path
    value: Any
    at: int
    items: tuple[int, ...]


def names_lwlint(text: str) -> bool:
    """Return whether the text may hold a section of lwlint's."""
    return re.search(r"^\[(?:tool:)?lwlint[]:]", text, re.MULTILINE) is not None


def table(text: str, path: str) -> Mapping[str, Any] | None:
    """Return the values of `[lwlint]`, or None if the file has no section of lwlint's.

    Raises ConfigurationError, with its place, for a section, a key or a line that cannot be read, and for what stands twice.
    """
    if not names_lwlint(text):
        return None
    plain: dict[str, Any] = {}
    for entry in _entries(text, path):
        _put(plain, entry, text, path)
    return plain


def place(text: str, key: Path) -> tuple[int, int]:
    """Return line and column, from 1, of the key or item of a list that `key` leads to below `[lwlint]`, or of what holds it."""
    best, length = 0, -1
    for entry in _entries(text, ""):
        for inside, at in _places(entry):
            if inside == key[: len(inside)] and len(inside) > length:
                best, length = at, len(inside)
    return text.count("\n", 0, best) + 1, best - text.rfind("\n", 0, best)


def _places(entry: _Entry) -> Iterator[tuple[Path, int]]:
    yield from ((entry.path[:n], entry.at) for n in range(1 if entry.path else 0, len(entry.path) + 1))
    yield from (((*entry.path, i), at) for i, at in enumerate(entry.items))


def _entries(text: str, path: str) -> Iterator[_Entry]:
    """Yield every section of lwlint's (with an empty mapping as its value, where it is an item of a list), and every key in them."""
    above: Path | None = None
    numbers = dict.fromkeys(_LISTS, 0)
    seen: dict[Path, int] = {}
    lines = list(re.finditer(r"[^\n]*\n|[^\n]+", text))
    i = 0
    while i < len(lines):
        line, start = lines[i].group().rstrip("\r\n"), lines[i].start()
        i += 1
        if not line.strip() or line.lstrip()[0] in "#;":
            continue
        header = _HEADER.match(line)
        if header:
            above = _section(header["name"], numbers, text, path, start + 1)
            if above is not None:
                if above == () and () in seen:
                    raise _complaint(path, text, start + 1, f"section `{header['name']}` stands twice")
                seen[above] = start + 1
                yield _Entry(above, {} if above else None, start + 1, ())
            continue
        if above is None:
            continue
        key = _KEY.match(line)
        if key is None or line[0].isspace():
            raise _complaint(path, text, start + len(line) - len(line.lstrip()), f"`{line.strip()}`: must be `key = value`")
        parts = [(start + key.start("value"), key["value"].rstrip())]
        while i < len(lines) and lines[i].group()[:1] in (" ", "\t"):
            more = lines[i].group().rstrip()
            if more.strip() and more.lstrip()[0] not in "#;":
                parts.append((lines[i].start() + len(more) - len(more.lstrip()), more.strip()))
            i += 1
        where: Path = (*above, *key["key"].split("."))
        if where in seen:
            raise _complaint(path, text, start, f"key `{key['key']}` stands twice")
        seen[where] = start
        yield _value(where, parts, start, text, path)


def _section(name: str, numbers: dict[str, int], text: str, path: str, at: int) -> Path | None:
    """Return where the keys of a section belong; None for one that is not lwlint's."""
    first, _, rest = name.partition(":")
    if first == "tool" and rest.partition(":")[0] == SECTION:
        raise _complaint(path, text, at, f"section `{name}`: is not read; name it `{SECTION}`")
    if first != SECTION:
        return None
    if not rest:
        return () if name == SECTION else None
    kind = rest.partition(":")[0]
    if kind not in _LISTS:
        raise _complaint(
            path, text, at, f"section `{name}`: unknown section{near(f'{SECTION}:{kind}', [f'{SECTION}:{one}' for one in _LISTS])}"
        )
    numbers[kind] += 1
    return (kind, numbers[kind] - 1)


def _value(where: Path, parts: list[tuple[int, str]], start: int, text: str, path: str) -> _Entry:
    name = str(where[-1])
    if name in _STRINGS and "params" not in where:
        found = [(at + match.start(), match.group().rstrip()) for at, part in parts for match in re.finditer(r"[^,\s][^,]*", part)]
        return _Entry(where, [word for _, word in found], start, tuple(at for at, _ in found))
    written = "\n".join(part for _, part in parts).strip()
    if name in _WORDS and written in ("true", "false"):
        return _Entry(where, written == "true", start, ())
    if name in _NUMBERS and re.fullmatch(r"-?\d{1,9}", written, re.ASCII):
        return _Entry(where, int(written), start, ())
    if "params" in where:
        try:
            return _Entry(where, load(written, path), start, ())
        except ConfigurationError as error:
            said = re.sub(r"^.*?:\d+:\d+: ", "", str(error))
            raise _complaint(path, text, parts[0][0], f"`{written}`: {said}") from None
    return _Entry(where, " ".join(written.split("\n")), start, ())


def _put(plain: dict[str, Any], entry: _Entry, text: str, path: str) -> None:
    """Put the value of an entry into its place below `plain`."""
    if not entry.path:
        return
    into: Any = plain
    for i, step in enumerate(entry.path[:-1]):
        fresh: Any = [] if step in _LISTS and i == 0 else {}
        into = into[int(step)] if isinstance(into, list) else into.setdefault(step, fresh)
        if not isinstance(into, (dict, list)):
            raise _complaint(path, text, entry.at, f"`{'.'.join(map(str, entry.path[: i + 1]))}`: has a value already")
    last = entry.path[-1]
    if isinstance(into, list) and isinstance(last, int):
        into.append(entry.value)
    elif isinstance(into, list) or (isinstance(into.get(last), dict) and into[last]):
        named = f"[{SECTION}:{entry.path[0]}:NAME]"
        raise _complaint(path, text, entry.at, f"`{entry.path[0]}`: each is a section of its own, `{named}`")
    elif entry.path in (("allow",), ("overrides",)):
        raise _complaint(path, text, entry.at, f"`{last}`: each is a section of its own, `[{SECTION}:{last}:NAME]`")
    else:
        into[last] = entry.value


def _complaint(path: str, text: str, at: int, said: str) -> ConfigurationError:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return ConfigurationError(f"{path}:{line}:{column}: {said}")
