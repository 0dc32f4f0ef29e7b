"""The nodes of a YAML document, with their spans, and the ways to walk them."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Union

from msgspec import Struct

TAG = "tag:yaml.org,2002:"
_RESOLVED = "yYnNtTfFoO+-.0123456789<=~!&*"  # with what a plain scalar begins that PyYAML may take for anything but a string
_WORDS = {
    written: value
    for word, value in (("yes", True), ("true", True), ("on", True), ("no", False), ("false", False), ("off", False), ("null", None))
    for written in (word, word.capitalize(), word.upper())
}


DEPTH_LIMIT = 200  # levels; the deepest file of tripleo-heat-templates has 24


class Scalar(Struct, eq=False, gc=False):
    """A scalar from `start`, behind its anchor and tag, to `end`; `tag` is empty where none is written, `plain` means without quotes."""

    tag: str
    value: str
    start: int
    end: int
    plain: bool  # so that it may be a number, a truth or null


class Sequence(Struct, eq=False, gc=False):  # no node is inside itself, so that there is no circle to be found
    """A list of nodes, from `start`, its anchor and tag included; it is given its items and its `end` when that is read."""

    tag: str
    items: list["Node"]
    start: int
    end: int


class Mapping(Struct, eq=False, gc=False):
    """A mapping as written: pairs in their order, duplicates and merge keys included. Its pairs and its end come as a sequence's do.

    It is `distinct` where it is known that no key is `<<`, and that none stands twice.
    """

    tag: str
    pairs: list[tuple[Scalar, "Node"]]
    start: int
    end: int
    distinct: bool = False

    def get(self, key: str) -> "Node | None":
        """Return the value that Heat sees under `key`: the last one written, else the one merged in."""
        for name, value in reversed(self.pairs):
            if name.value == key:
                return value
        if not self.distinct and any(is_merge(name) for name, _ in self.pairs):
            return next((value for name, value in effective(self) if name.value == key), None)
        return None


Node = Union[Scalar, Sequence, Mapping]


class Duplicate(Struct, frozen=True):
    """A key that stands twice in one mapping: PyYAML drops the first value in silence and keeps the last."""

    dropped: tuple[Scalar, Node]
    kept: tuple[Scalar, Node]
    mapping: Mapping


class Document(Struct, frozen=True):
    """One YAML document; `root` is None for an empty one. `mixed` tells whether a function of Heat's stands beside other keys in it."""

    root: Node | None
    duplicates: tuple[Duplicate, ...]
    mixed: bool


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
    for pair in mapping.pairs:
        name = (pair[0].value, tag_of(pair[0]))
        if name in last and name[1] != "merge":
            found.append(Duplicate(last[name], pair, mapping))
        last[name] = pair
    return found


_Pairs = list[tuple[Scalar, Node]]


def effective(mapping: Mapping, _inside: frozenset[int] = frozenset(), _known: dict[int, _Pairs] | None = None) -> _Pairs:
    """Return the pairs of `mapping` that Heat sees: `<<` merged in, of equal keys only the last. What is merged often is looked at once.

    They may be the very list of the mapping.
    """
    if mapping.distinct:
        return mapping.pairs
    seen: dict[str, tuple[Scalar, Node]] = {}
    own: list[tuple[Scalar, Node]] = []
    inside = _inside | {id(mapping)}
    merged: dict[int, _Pairs] = {} if _known is None else _known
    for key, value in mapping.pairs:
        if not is_merge(key):
            own.append((key, value))
            continue
        for one in reversed(value.items) if isinstance(value, Sequence) else (value,):
            if isinstance(one, Mapping) and id(one) not in inside:
                if id(one) not in merged:
                    merged[id(one)] = effective(one, inside, merged)
                seen.update((k.value, (k, v)) for k, v in merged[id(one)])
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


_DIGITS = 1000  # characters of a whole number, in whatever base
# what PyYAML's constructors raise, besides its own errors, for `!!bool a`, `!!timestamp a`, `!!int ''` and the like
_FAILURES = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError)


def value_of(scalar: Scalar) -> Any:
    """Return the value of a scalar as PyYAML's safe loader builds it; its text where that fails."""
    tag = tag_of(scalar)
    if tag == "str":
        return scalar.value
    found = usual(scalar)
    if found is not None:
        return found
    if tag == "int" and len(scalar.value) > _DIGITS:  # a number that Python refuses to write out
        return scalar.value
    import yaml

    try:
        return _constructor().construct_object(yaml.ScalarNode(TAG + tag, scalar.value))
    except (yaml.YAMLError, *_FAILURES):
        return scalar.value


def plain(node: Node | None) -> Any:
    """Return the values below `node` as PyYAML's safe loader builds them. Raises Refused where that fails."""
    import yaml

    if node is None:
        return None
    try:
        return _merging()().construct_document(_Foreign().node(node))
    except yaml.MarkedYAMLError as error:
        raise Refused(str(error.problem), node.start) from None
    except _FAILURES as error:
        raise Refused(str(error), node.start) from None


@lru_cache(maxsize=1)
def _merging() -> Any:
    """Return PyYAML's constructor as the releases of OpenStack have it, which is before 6.0.4: of a list that is merged the first counts.

    6.0.4 takes the last, and keys that are the same object in memory (letters are, words are not) for one.
    """
    import yaml

    class Merging(yaml.constructor.SafeConstructor):
        def flatten_mapping(self, node: Any) -> None:
            merged, own = [], []
            for key, value in node.value:
                if key.tag != "tag:yaml.org,2002:merge":
                    key.tag = "tag:yaml.org,2002:str" if key.tag == "tag:yaml.org,2002:value" else key.tag
                    own.append((key, value))
                    continue
                several = isinstance(value, yaml.SequenceNode)
                for one in reversed(value.value) if several else (value,):
                    if not isinstance(one, yaml.MappingNode):
                        wanted = "a mapping" if several else "a mapping or list of mappings"
                        problem = f"expected {wanted} for merging, but found {one.id}"
                        raise yaml.constructor.ConstructorError("while constructing a mapping", node.start_mark, problem, one.start_mark)
                    self.flatten_mapping(one)
                    merged += one.value
            node.value = merged + own

    return Merging


def same(one: Node, other: Node, depth: int = DEPTH_LIMIT) -> bool:
    """Return whether two nodes mean the same: equal values, whatever their style; lists in order, mappings not."""
    if one is other:
        return True
    if depth == 0 or one.__class__ is not other.__class__:
        return False
    if isinstance(one, Scalar) and isinstance(other, Scalar):
        return tag_of(one) == tag_of(other) and value_of(one) == value_of(other)
    if isinstance(one, Sequence) and isinstance(other, Sequence):
        return len(one.items) == len(other.items) and all(same(a, b, depth - 1) for a, b in zip(one.items, other.items))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        left = {key.value: value for key, value in effective(one)}
        right = {key.value: value for key, value in effective(other)}
        return left.keys() == right.keys() and all(same(value, right[key], depth - 1) for key, value in left.items())
    return False


@lru_cache(maxsize=1)
def _constructor() -> Any:
    import yaml

    return yaml.constructor.SafeConstructor()


class _Foreign:
    """Our nodes -> PyYAML's, each once, so that aliases and circles stay what they are."""

    def __init__(self) -> None:
        self._done: dict[int, Any] = {}

    def node(self, node: Node) -> Any:
        """Return the node of PyYAML that stands for `node`."""
        import yaml

        if id(node) in self._done:
            return self._done[id(node)]
        made: Any
        if isinstance(node, Scalar):
            tag = tag_of(node)
            made = yaml.ScalarNode(tag if ":" in tag else TAG + tag, node.value)
        elif isinstance(node, Sequence):
            made = yaml.SequenceNode(node.tag or TAG + "seq", [])
        else:
            made = yaml.MappingNode(node.tag or TAG + "map", [])
        self._done[id(node)] = made
        if isinstance(node, Sequence):
            made.value.extend(self.node(item) for item in node.items)
        elif isinstance(node, Mapping):
            made.value.extend((self.node(key), self.node(value)) for key, value in node.pairs)
        return made
