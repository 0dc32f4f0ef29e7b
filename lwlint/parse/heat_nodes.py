"""The nodes of a YAML document, with their spans, and the ways to walk them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

TAG = "tag:yaml.org,2002:"
_RESOLVED = "yYnNtTfFoO"  # the letters with which a plain scalar begins that PyYAML may take for anything but a string


class Scalar:
    """A scalar. `plain` tells that no quotes keep it from being a number, a truth or null."""

    __slots__ = ("end", "plain", "start", "tag", "value")

    def __init__(self, value: str, start: int, end: int, plain: bool, tag: str | None) -> None:
        self.value = value
        self.start = start
        self.end = end
        self.plain = plain
        self.tag = tag


class Sequence:
    """A list of nodes."""

    __slots__ = ("end", "items", "start", "tag")

    def __init__(self, start: int, tag: str | None) -> None:
        self.items: list[Node] = []
        self.start = start
        self.end = start
        self.tag = tag


class Mapping:
    """A mapping as written: pairs in their order, duplicates and merge keys included."""

    __slots__ = ("end", "pairs", "start", "tag")

    def __init__(self, start: int, tag: str | None) -> None:
        self.pairs: list[tuple[Scalar, Node]] = []
        self.start = start
        self.end = start
        self.tag = tag

    def get(self, key: str) -> Node | None:
        """Return the value that Heat sees under `key`: the last one written, else the one merged in."""
        for name, value in reversed(self.pairs):
            if name.value == key:
                return value
        if any(is_merge(name) for name, _ in self.pairs):
            return next((value for name, value in effective(self) if name.value == key), None)
        return None


Node = Union[Scalar, Sequence, Mapping]


def is_merge(key: Scalar) -> bool:
    """Return whether `key` is the merge key `<<`."""
    return key.value == "<<" and key.plain


def effective(mapping: Mapping, _inside: frozenset[int] = frozenset()) -> list[tuple[Scalar, Node]]:
    """Return the pairs of `mapping` that Heat sees: `<<` merged in, of equal keys only the last."""
    seen: dict[str, tuple[Scalar, Node]] = {}
    own: list[tuple[Scalar, Node]] = []
    inside = _inside | {id(mapping)}
    for key, value in mapping.pairs:
        if not is_merge(key):
            own.append((key, value))
            continue
        for one in reversed(value.items) if isinstance(value, Sequence) else (value,):
            if isinstance(one, Mapping) and id(one) not in inside:
                seen.update((k.value, (k, v)) for k, v in effective(one, inside))
    seen.update((key.value, (key, value)) for key, value in own)
    return list(seen.values())


def walk(node: Node | None) -> Iterator[Node]:
    """Yield `node` and every node below it, each once however many aliases lead to it, in the order of the text."""
    if node is None:
        return
    seen: set[int] = set()
    todo = [node]
    while todo:
        node = todo.pop()
        if node.__class__ is Scalar:
            yield node
            continue
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, Mapping):
            for key, value in reversed(node.pairs):
                todo.append(value)
                todo.append(key)
        elif isinstance(node, Sequence):
            todo.extend(reversed(node.items))


def tag_of(scalar: Scalar) -> str:
    """Return the tag of a scalar, without `tag:yaml.org,2002:`: `int`, `bool`, `null`, `str`, `timestamp`, ..."""
    if scalar.tag is not None:
        return scalar.tag[len(TAG) :] if scalar.tag.startswith(TAG) else scalar.tag
    if not scalar.plain or (scalar.value[:1].isalpha() and scalar.value[0] not in _RESOLVED):
        return "str"
    from yaml.resolver import Resolver

    table = Resolver.yaml_implicit_resolvers
    for tag, expression in table.get(scalar.value[:1], ()):
        if expression.match(scalar.value):
            return str(tag)[len(TAG) :]
    return "str"
