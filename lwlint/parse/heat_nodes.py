"""The nodes of a YAML document, with their spans, and the ways to walk them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

from lwlint.named import NamedTuple

TAG = "tag:yaml.org,2002:"
_RESOLVED = "yYnNtTfFoO+-.0123456789<=~!&*"  # with what a plain scalar begins that PyYAML may take for anything but a string
_WORDS = {
    written: value
    for word, value in (("yes", True), ("true", True), ("on", True), ("no", False), ("false", False), ("off", False), ("null", None))
    for written in (word, word.capitalize(), word.upper())
}


DEPTH_LIMIT = 200  # levels; the deepest file of tripleo-heat-templates has 24


class Place:
    """An offset in a text, as PyYAML's marks have it."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class Scalar:
    """A scalar. Made as PyYAML's composer makes its nodes; `tag` is empty where none is written, `style` is the quote (empty for none)."""

    __slots__ = ("end_mark", "start_mark", "style", "tag", "value")

    def __init__(self, tag: str, value: str, start_mark: Place, end_mark: Place, style: str | None) -> None:
        self.tag = tag
        self.value = value
        self.start_mark = start_mark
        self.end_mark = end_mark
        self.style = style

    @property
    def plain(self) -> bool:
        """Whether no quotes keep it from being a number, a truth or null."""
        return self.style == ""

    @property
    def start(self) -> int:
        """Where it begins, behind its anchor and tag."""
        return self.start_mark.index

    @property
    def end(self) -> int:
        """Where it has ended."""
        return self.end_mark.index


class Sequence:
    """A list of nodes. Made as PyYAML's composer makes its nodes, which gives it its end when it has it."""

    __slots__ = ("end_mark", "items", "start_mark", "tag")
    end_mark: Place

    def __init__(self, tag: str, value: list[Node], start_mark: Place, end_mark: Place | None, style: object) -> None:
        self.tag = tag
        self.items = value
        self.start_mark = start_mark

    @property
    def start(self) -> int:
        """Where it begins, its anchor and tag included."""
        return self.start_mark.index

    @property
    def end(self) -> int:
        """Where it has ended."""
        return self.end_mark.index


class Mapping:
    """A mapping as written: pairs in their order, duplicates and merge keys included. Made as a sequence is."""

    __slots__ = ("end_mark", "pairs", "start_mark", "tag")
    end_mark: Place

    def __init__(self, tag: str, value: list[tuple[Scalar, Node]], start_mark: Place, end_mark: Place | None, style: object) -> None:
        self.tag = tag
        self.pairs = value
        self.start_mark = start_mark

    @property
    def start(self) -> int:
        """Where it begins, its anchor and tag included."""
        return self.start_mark.index

    @property
    def end(self) -> int:
        """Where it has ended."""
        return self.end_mark.index

    def get(self, key: str) -> Node | None:
        """Return the value that Heat sees under `key`: the last one written, else the one merged in."""
        for name, value in reversed(self.pairs):
            if name.value == key:
                return value
        if any(is_merge(name) for name, _ in self.pairs):
            return next((value for name, value in effective(self) if name.value == key), None)
        return None


Node = Union[Scalar, Sequence, Mapping]


class Duplicate(NamedTuple):
    """A key that stands twice in one mapping: PyYAML drops the first value in silence and keeps the last."""

    dropped: tuple[Scalar, Node]
    kept: tuple[Scalar, Node]
    mapping: Mapping


class Document(NamedTuple):
    """One YAML document; `root` is None for an empty one."""

    root: Node | None
    duplicates: tuple[Duplicate, ...]


class Refused(Exception):
    """PyYAML, as Heat uses it, does not read the text: what is wrong, and at which character."""

    def __init__(self, message: str, start: int) -> None:
        super().__init__(message)
        self.message = message
        self.start = start


def is_merge(key: Scalar) -> bool:
    """Return whether `key` is the merge key `<<`."""
    return key.value == "<<" and key.plain


def merged_wrongly(mapping: Mapping) -> Node | None:
    """Return what is given to a `<<` of `mapping` and is neither a mapping nor a list of mappings: PyYAML refuses it."""
    for key, value in mapping.pairs:
        if not is_merge(key) or isinstance(value, Mapping):
            continue
        if not (isinstance(value, Sequence) and all(isinstance(item, Mapping) for item in value.items)):
            return value
    return None


def repeated(mapping: Mapping) -> list[Duplicate]:
    """Return the keys that stand twice in `mapping`: equal ones of one type, but for `<<`."""
    found = []
    last: dict[tuple[str, str], tuple[Scalar, Node]] = {}
    for key, value in mapping.pairs:
        name = (key.value, tag_of(key))
        if name in last and name[1] != "merge":
            found.append(Duplicate(last[name], (key, value), mapping))
        last[name] = (key, value)
    return found


def effective(mapping: Mapping, _inside: frozenset[int] = frozenset()) -> list[tuple[Scalar, Node]]:
    """Return the pairs of `mapping` that Heat sees: `<<` merged in, of equal keys only the last."""
    names = {key.value for key, _ in mapping.pairs}
    if len(names) == len(mapping.pairs) and "<<" not in names:
        return list(mapping.pairs)
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
    if scalar.tag:
        return scalar.tag[len(TAG) :] if scalar.tag.startswith(TAG) else scalar.tag
    value = scalar.value
    if not scalar.plain or (value and value[0] not in _RESOLVED):
        return "str"
    if value[:1].isalpha():
        return "str" if value not in _WORDS else "null" if _WORDS[value] is None else "bool"
    if _is_whole(value):
        return "int"
    from yaml.resolver import Resolver

    table = Resolver.yaml_implicit_resolvers
    for tag, expression in table.get(value[:1], ()):
        if expression.match(value):
            return str(tag)[len(TAG) :]
    return "str"


def usual(scalar: Scalar) -> bool | int | None:
    """Return the value of a plain word or whole number without PyYAML, whose constructors take 8 ms to import; None for all else."""
    if scalar.tag or not scalar.plain:
        return None
    return int(scalar.value) if _is_whole(scalar.value) else _WORDS.get(scalar.value)


def _is_whole(value: str) -> bool:
    digits = value[1:] if value[:1] == "-" else value
    return digits.isascii() and digits.isdigit() and (digits[0] != "0" or digits == "0") and len(digits) < 19
