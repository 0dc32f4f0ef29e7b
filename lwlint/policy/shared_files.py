"""Settings in files of other programs: `[tool.lwlint]` of a pyproject.toml, `[lwlint]` of a tox.ini or setup.cfg; and where they stand.

TOML's own reader does not tell the places. In the others keys are those of `.lwlint.yaml`, with a dot for each step down
(`paths.exclude`, `rules.LW203.severity`); lists have commas or lines. Each exception and each override is a section of its own,
`[lwlint:allow:NAME]` and `[lwlint:overrides:NAME]`, whose name is for people.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lwlint.core.config_reader import Path, load, near
from lwlint.core.finding import ConfigurationError
from lwlint.core.lazy import pattern

_TABLE = ("tool", "lwlint")
_STRING = r"\"\"\"(?:[^\\]|\\.)*?\"{3,5}|'''.*?'{3,5}|\"(?:[^\"\\]|\\.)*\"|'[^']*'"
_BLANK = pattern(r"(?:[ \t\r\n,]|#[^\n]*)*")
_KEY = pattern(rf"(?:[\w-]+|{_STRING})(?:[ \t]*\.[ \t]*(?:[\w-]+|{_STRING}))*")
_PART = pattern(rf"[\w-]+|{_STRING}")
_SCALAR = pattern(rf"{_STRING}|[^,\]}}#\r\n]+", re.DOTALL)
_EQUALS = pattern(r"[ \t]*=[ \t]*")
_PARTS = 200


def table(text: str, path: str) -> Mapping[str, Any] | None:
    """Return the settings of lwlint in the text of a file of other programs, or None if it has none.

    Raises ConfigurationError, with its place, for what cannot be read.
    """
    return _toml_table(text, path) if path.endswith(".toml") else _ini_table(text, path)


def place(text: str, path: str, key: Path) -> tuple[int, int]:
    """Return line and column, from 1, of the key or item that `key` leads to below lwlint's settings, or of what holds it."""
    return _toml_place(text, key) if path.endswith(".toml") else _ini_place(text, key)


def _toml_table(text: str, path: str) -> Mapping[str, Any] | None:
    """Return the values of `[tool.lwlint]`, or None if the file has no such table.

    Raises ConfigurationError, with its place, for what is not TOML.
    """
    if "lwlint" not in text.lower():
        return None
    _refuse_long_keys(text, path)
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10 and older
        import tomli as tomllib  # type: ignore[import-not-found,no-redef,unused-ignore]
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"^(.*) \(at line (\d+), column (\d+)\)$", str(error))
        where, said = (f"{path}:{match[2]}:{match[3]}", match[1]) if match else (path, str(error))
        raise ConfigurationError(f"{where}: {said}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets in brackets without end
        why = "is nested too deeply" if isinstance(error, RecursionError) else "holds a number that is too long"
        raise ConfigurationError(f"{path}: {why}") from error
    misnamed = next((name for name in found if name.lower() == SECTION and isinstance(found[name], dict)), None)
    above: Any = found
    below: Any = found
    for part in _TABLE:
        above, below = below, (below.get(part) if isinstance(below, dict) else None)
    if below is None and isinstance(above, dict):
        misnamed = misnamed or next((f"tool.{name}" for name in above if name.lower() == SECTION), None)
    if misnamed is not None:
        header = re.search(rf"(?im)^[ \t]*(?:\[[ \t]*)?{re.escape(misnamed)}\b", text)
        line = text.count("\n", 0, header.start()) + 1 if header else 1
        raise ConfigurationError(f"{path}:{line}:1: table `{misnamed}`: is not read; name it `tool.{SECTION}`")
    if below is None:
        return None
    found = below
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path}: `tool.lwlint`: must be a table")
    return found


def _refuse_long_keys(text: str, path: str) -> None:
    """Raise ConfigurationError for a key of very many parts, over which TOML's own reader takes time in proportion to their square."""
    for line in re.finditer(r"[^\n]+", text):
        if line.group().count(".") < _PARTS:
            continue
        for key in _KEY.finditer(text, line.start(), line.end()):
            if len(_parts(key.group())) > _PARTS:
                raise _complaint(path, text, key.start(), f"a key of more than {_PARTS} parts")


def _toml_place(text: str, key: Path) -> tuple[int, int]:
    """Return line and column, from 1, of the key or item of an array that `key` leads to below `[tool.lwlint]`, or of what holds it."""
    wanted = (*_TABLE, *key)
    best, length = 0, 0
    for path, at in _toml_places(text):
        if path == wanted[: len(path)] and len(path) > length:
            best, length = at, len(path)
    return text.count("\n", 0, best) + 1, best - text.rfind("\n", 0, best)


def _toml_places(text: str) -> Iterator[tuple[Path, int]]:
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


SECTION = "lwlint"
_LISTS = ("allow", "overrides")
_HEADER = pattern(r"\[(?P<name>[^]\r\n]+)\]")
_INI_KEY = pattern(r"(?P<key>[^\s=:#;\[][^=:\r\n]*?)[ \t]*[=:][ \t]*(?P<value>[^\r\n]*)")
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
    return re.search(r"^\ufeff?\[\s*(?:tool[.:])?lwlint\s*[]:]", text, re.MULTILINE | re.IGNORECASE) is not None


def _ini_table(text: str, path: str) -> Mapping[str, Any] | None:
    """Return the values of `[lwlint]`, or None if the file has no section of lwlint's.

    Raises ConfigurationError, with its place, for a section, a key or a line that cannot be read, and for what stands twice.
    """
    if not names_lwlint(text):
        return None
    plain: dict[str, Any] = {}
    for entry in _entries(text, path):
        _put(plain, entry, text, path)
    return plain


def _ini_place(text: str, key: Path) -> tuple[int, int]:
    """Return line and column, from 1, of the key or item of a list that `key` leads to below `[lwlint]`, or of what holds it."""
    best, length = 0, -1
    for entry in _entries(text, ""):
        for inside, at in _ini_places(entry):
            if inside == key[: len(inside)] and len(inside) > length:
                best, length = at, len(inside)
    return text.count("\n", 0, best) + 1, best - text.rfind("\n", 0, best)


def _ini_places(entry: _Entry) -> Iterator[tuple[Path, int]]:
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
        if not i and line.startswith("\ufeff"):
            line, start = line[1:], 1
        i += 1
        if not line.strip() or line.lstrip()[0] in "#;":
            continue
        header = _HEADER.match(line)
        if header:
            above = _section(header["name"], numbers, text, path, start + 1)
            if above is not None:
                if above == () and () in seen:
                    raise _complaint(path, text, start + 1, f"section `{header['name']}` appears twice")
                seen[above] = start + 1
                yield _Entry(above, {} if above else None, start + 1, ())
            continue
        if above is None:
            continue
        key = _INI_KEY.match(line)
        if key is None or line[0].isspace():
            raise _complaint(path, text, start + len(line) - len(line.lstrip()), f"`{line.strip()}`: must be `key = value`")
        parts = [(start + key.start("value"), key["value"].rstrip())]
        while i < len(lines) and lines[i].group()[:1] in (" ", "\t"):
            more = lines[i].group().rstrip()
            if more.strip() and more.lstrip()[0] not in "#;":
                parts.append((lines[i].start() + len(more) - len(more.lstrip()), more.strip()))
            i += 1
        if key["key"].count(".") > _PARTS:
            raise _complaint(path, text, start, f"a key of more than {_PARTS} parts")
        where: Path = (*above, *key["key"].split("."))
        if where in seen:
            raise _complaint(path, text, start, f"key `{key['key']}` is set twice")
        seen[where] = start
        yield _value(where, parts, start, text, path)


def _section(name: str, numbers: dict[str, int], text: str, path: str, at: int) -> Path | None:
    """Return where the keys of a section belong; None for one that is not lwlint's."""
    meant = re.fullmatch(r"\s*(?P<tool>tool[.:])?lwlint(?P<rest>\s*:.*?)?\s*", name, re.IGNORECASE)
    if meant is None:
        return None
    if meant["tool"] or not name.startswith(SECTION) or name[len(SECTION) :][:1] not in (":", ""):
        raise _complaint(path, text, at, f"section `{name}`: is not read; name it `{SECTION}{(meant['rest'] or '').strip()}`")
    rest = name.partition(":")[2]
    if not rest:
        if name != SECTION:
            raise _complaint(path, text, at, f"section `{name}`: is not read; name it `{SECTION}`")
        return ()
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
