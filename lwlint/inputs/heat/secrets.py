"""The scalars of a Heat file that are secrets, by its structure: what is below a key that holds one, and what hidden parameters have."""

import re
from collections.abc import Collection, Iterator
from typing import Any

from lwlint.core.kind import Piece
from lwlint.core.lazy import pattern
from lwlint.core.secret import is_secret
from lwlint.core.source import Source
from lwlint.inputs.heat.document import HeatFile, Mapping, Node, Scalar, Sequence, read_file

_BROKEN = "_broken"
_GETS = ("get_param", "get_attr", "get_resource", "get_file", "Ref", "Fn::GetAtt")  # what refers to something is no secret
_DESCRIBING = ("type", "description", "label", "hidden", "tags", "constraints", "immutable")
_KEY = pattern(r"^([ \t]+)[\"']?([\w-]{1,200})[\"']?:(?:[ \t]*[\"']?(true|yes|on|1)\b)?", re.IGNORECASE | re.MULTILINE)
_FLOW = pattern(
    r"(?<![\w-])([\w-]{1,200})[\"']?:[ \t]{0,20}\{[^{}\n]{0,500}?\bhidden[\"']?:[ \t]{0,20}[\"']?(?:true|yes|on|1)\b", re.IGNORECASE
)


_HIDDEN = pattern(r"[Hh][Ii\u0130\u0131][Dd][Dd][Ee][Nn][\"']?:")  # what both have in them


def hidden_names(text: str) -> Iterator[str]:
    """Yield the keys below which, one step further in, a line says `hidden: true`."""
    above: dict[int, tuple[int, int, str]] = {}  # where a line begins that says so -> the key that it is below: indentation, place, name
    end = 0
    for at in _places_of_hidden(text):
        if at < end:
            continue
        start, end = _line_around(text, at)
        if text.find("{", start, end) >= 0:
            for flow in _FLOW.finditer(text, start, end):
                yield flow[1]
        key = _KEY.match(text, start)
        if key is not None and key[2] == "hidden" and key[3]:
            above[start] = _key_above(text, start, len(key[1]), above)
            if above[start][2]:
                yield above[start][2]


def _places_of_hidden(text: str) -> Iterator[int]:
    """Yield where `hidden:` stands in a text, in whatever letters and quotes; in ASCII that takes no expression."""
    if not text.isascii():
        yield from (match.start() for match in _HIDDEN.finditer(text))
        return
    small = text.lower()
    at = small.find("hidden")
    while at >= 0:
        if small.startswith((":", "':", '":'), at + 6):
            yield at
        at = small.find("hidden", at + 6)


def _line_around(text: str, at: int) -> tuple[int, int]:
    end = text.find("\n", at)
    return text.rfind("\n", 0, at) + 1, len(text) if end < 0 else end + 1


def _key_above(text: str, start: int, indent: int, known: dict[int, tuple[int, int, str]]) -> tuple[int, int, str]:
    """Return the nearest key above the line at `start` that is indented less: its indentation, its place, and its name.

    All are empty if there is none. No line is looked at twice: behind one whose own key above is `known` the search goes on at that.
    """
    while start > 0:
        start = text.rfind("\n", 0, start - 1) + 1
        key = _KEY.match(text, start)
        while key is not None and len(key[1]) >= indent and start in known:
            _, start, name = known[start]
            key = _KEY.match(text, start) if name else None
        if key is not None and len(key[1]) < indent:
            return len(key[1]), start, key[2]
    return 0, 0, ""


def is_broken(source: Source) -> bool:
    """Return whether the file has no structure to go by. It is kept with the source, whose document takes much more room."""
    if _BROKEN not in source.__dict__:
        _read_for_secrets(source)
    broken: bool = source.__dict__[_BROKEN]
    return broken


def _read_for_secrets(source: Source) -> HeatFile | None:
    read = read_file(source)
    file = read if isinstance(read, HeatFile) else None
    source.__dict__[_BROKEN] = file is None
    return file


def read_secrets(source: Source, names: Collection[str]) -> Iterator[Piece]:
    """Yield the places of the scalars that are secrets; `names` are the parameters that some template says are hidden."""
    file = _read_for_secrets(source)
    if file is not None:
        yield from _in_yaml(file, names)


def _in_yaml(file: HeatFile, names: Collection[str]) -> Iterator[tuple[int, int]]:
    """Yield the scalars of a document that are secrets: all below a key that holds one, and what hidden parameters have by default."""
    text, node = file.source.text, file.root
    todo: list[tuple[Any, bool]] = [(node, False)] if node is not None else []
    aliases = "&" in text and "*" in text  # else there is one way to each node
    seen: set[tuple[int, bool]] = set()
    while todo:
        node, secret = todo.pop()
        kind = node.__class__
        if kind is Scalar:
            if secret and node.value.strip() and not _is_no_value(node):
                yield _inside(node, text)
        elif not aliases or (id(node), secret) not in seen:
            if aliases:
                seen.add((id(node), secret))
            if kind is Sequence:
                todo += [(item, secret) for item in node.items if secret or item.__class__ is not Scalar]
            elif secret or not _are_nothing(node, names, todo):
                todo += _below(node, secret, names)


def _are_nothing(node: Mapping, names: Collection[str], todo: list[tuple[Node, bool]]) -> bool:
    """Return whether no key of a mapping says that anything is a secret; if so, what may do so below them is added to what is to do."""
    before, known = len(todo), _known_as_nothing
    content = iter(node.content)
    for key, value in zip(content, content):
        name = key.value
        if name in names or (name not in known and not _says_nothing(name)):
            del todo[before:]
            return False
        if value.__class__ is not Scalar and name not in _GETS:
            todo.append((value, False))
    return True


_MOST_KNOWN = 10_000
_known_as_nothing: set[str] = set()  # what `_says_nothing` said yes to: a set is asked in a third of the time


def _says_nothing(key: str) -> bool:
    """Return whether a key makes a secret neither of its own value nor of another entry's."""
    nothing = key not in ("hidden", "name") and (key in ("key", "community") or not is_secret(key))
    if nothing and len(_known_as_nothing) < _MOST_KNOWN:
        _known_as_nothing.add(key)
    return nothing


def _below(node: Mapping, secret: bool, names: Collection[str]) -> Iterator[tuple[Node, bool]]:
    """Yield the values of a mapping, and whether each is secret, but for scalars that are none. Its keys are scalars."""
    told: tuple[str, ...] = ()  # keys of which the other entries say that they hold one
    pairs = node.pairs
    for key, value in pairs:
        if key.value == "hidden" and isinstance(value, Scalar) and value.value.lower() in ("true", "yes", "on", "1"):
            told = (*told, "default")
        elif key.value == "name" and isinstance(value, Scalar) and is_secret(value.value):
            told = (*told, "value")
    for key, value in pairs:
        name = key.value
        if secret and name in _DESCRIBING:
            if name == "constraints":
                yield value, False
        elif secret or name in told or name in names or (is_secret(name) and name not in ("key", "community")):
            if name not in _GETS:
                yield value, True
        elif value.__class__ is not Scalar and name not in _GETS:
            yield value, False


def _is_no_value(node: Scalar) -> bool:
    return node.plain and node.value.lower() in ("true", "false", "null", "~", "yes", "no", "on", "off")


def _inside(node: Scalar, text: str) -> tuple[int, int]:
    """Return the place of a scalar without its quotes, or without the head of a block."""
    start, end = node.start, node.end
    if text[start : start + 1] in ("'", '"'):
        return start + 1, end - 1
    if text[start : start + 1] in ("|", ">"):
        line = text.find("\n", start, end)
        return (line if line >= 0 else end), end
    return start, end
