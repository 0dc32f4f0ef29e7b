"""Heat's intrinsic functions, as far as what comes out of them can be known without a deployment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Mapping as Lookup
from itertools import product
from typing import Optional

from lwlint.named import NamedTuple
from lwlint.parse.heat_nodes import Mapping, Node, Scalar, Sequence, effective, tag_of
from lwlint.parse.heat_values import value_of

Values = Optional[tuple[str, ...]]
NULL = "null"
_MOST = 16  # alternatives of one value that are followed
_DEPTH = 20


class Branch(NamedTuple):
    """A part of a mapping, and the conditions under which it is one: `name=1` where it holds, `name=2` where not."""

    node: Mapping
    branch: tuple[str, ...]


class Reference(NamedTuple):
    """A `get_attr` met on the way: the resource and the rest of its path."""

    resource: str
    path: tuple[str, ...]
    branch: tuple[str, ...]


def call(node: Node) -> tuple[str, Node] | None:
    """Return the function and its argument if `node` is a call (a mapping of one key), else None."""
    if isinstance(node, Mapping) and len(node.pairs) == 1:
        key, argument = node.pairs[0]
        return key.value, argument
    return None


def get_attr(node: Node) -> tuple[str, ...] | None:
    """Return the words of a `get_attr` call, resource first; words that are computed become empty."""
    found = call(node)
    if found is None or found[0] != "get_attr" or not isinstance(found[1], Sequence):
        return None
    return tuple(item.value if isinstance(item, Scalar) else "" for item in found[1].items)


def parts(node: Node, branch: tuple[str, ...] = (), depth: int = _DEPTH) -> Iterator[Branch | Reference]:
    """Yield the literal mappings that a mapping is put together from, and the attributes that are merged in.

    Goes through `map_merge`, `if`, `map_replace`, `yaql` (its data) and lists of these.
    """
    if depth == 0:
        return
    if isinstance(node, Sequence):
        for item in node.items:
            yield from parts(item, branch, depth - 1)
    elif isinstance(node, Mapping):
        found = call(node)
        words = get_attr(node)
        if words:
            yield Reference(words[0], words[1:], branch)
        elif found is None or not isinstance(found[1], (Sequence, Mapping)):
            yield Branch(node, branch)
        else:
            yield from _of_call(found[0], found[1], node, branch, depth)


def _of_call(name: str, argument: Node, node: Mapping, branch: tuple[str, ...], depth: int) -> Iterator[Branch | Reference]:
    items = argument.items if isinstance(argument, Sequence) else []
    if name == "if" and len(items) >= 2:
        condition = _condition(items[0])
        for number, item in enumerate(items[1:3], 1):
            yield from parts(item, (*branch, f"{condition}={number}"), depth - 1)
    elif name == "map_merge":
        yield from parts(argument, branch, depth - 1)
    elif name == "map_replace" and items:
        yield from parts(items[0], branch, depth - 1)
    elif name == "yaql" and isinstance(argument, Mapping):
        data = argument.get("data")
        if data is not None:
            for value in _values(data):
                yield from parts(value, branch, depth - 1)
    elif name not in ("get_param", "get_attr", "list_join", "str_replace", "list_concat"):
        yield Branch(node, branch)


def _values(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, Mapping):
        for _, value in effective(node):
            yield value


def _condition(node: Node) -> str:
    return node.value if isinstance(node, Scalar) else f"@{node.start}"


class Scope(NamedTuple):
    """What a value can refer to: the values of parameters, and of the inputs of a deployment."""

    parameters: Callable[[str], Values]
    inputs: Lookup[str, Node]


def possible(node: Node, scope: Scope, depth: int = _DEPTH) -> Values:
    """Return every value that `node` can have, as text (`null` for none); None where only a deployment tells."""
    if depth == 0:
        return None
    if isinstance(node, Scalar):
        return (literal(node),)
    found = call(node)
    if found is None:
        return None
    name, argument = found
    if name == "get_param":
        return scope.parameters(argument.value) if isinstance(argument, Scalar) else None
    if name == "get_input" and isinstance(argument, Scalar) and argument.value in scope.inputs:
        return possible(scope.inputs[argument.value], scope, depth - 1)
    if isinstance(argument, Mapping):
        return _replaced(argument, scope, depth) if name == "str_replace" else None
    if isinstance(argument, Scalar):
        return None
    if name == "if":
        return _either(argument.items[1:3], scope, depth)
    if name == "list_join" and len(argument.items) == 2:
        return _joined(argument, scope, depth)
    return None


def literal(scalar: Scalar) -> str:
    """Return the value of a scalar as Puppet gets to see it: `-1` for -1 and `'-1'`, `true` for yes."""
    tag = tag_of(scalar)
    if tag == "null":
        return NULL
    value = value_of(scalar) if tag in ("int", "bool") else scalar.value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _either(items: list[Node], scope: Scope, depth: int) -> Values:
    found: list[str] = []
    for item in items:
        values = possible(item, scope, depth - 1)
        if values is None:
            return None
        found += values
    if len(items) < 2:
        found.append(NULL)
    return tuple(dict.fromkeys(found))


def _joined(argument: Sequence, scope: Scope, depth: int) -> Values:
    glue, items = argument.items
    if not isinstance(glue, Scalar) or not isinstance(items, Sequence):
        return None
    return _combined([possible(item, scope, depth - 1) for item in items.items], glue.value.join)


def _replaced(argument: Mapping, scope: Scope, depth: int) -> Values:
    template, replacements = argument.get("template"), argument.get("params")
    if not isinstance(template, Scalar) or not isinstance(replacements, Mapping):
        return None
    names = [key.value for key, _ in effective(replacements)]

    def put(values: tuple[str, ...]) -> str:
        text = template.value
        for name, value in sorted(zip(names, values), key=lambda pair: -len(pair[0])):
            text = text.replace(name, value)
        return text

    return _combined([possible(value, scope, depth - 1) for _, value in effective(replacements)], put)


def _combined(each: list[Values], make: Callable[[tuple[str, ...]], str]) -> Values:
    known = [values for values in each if values is not None]
    number = 1
    for values in known:
        number *= len(values)
    if len(known) != len(each) or number > _MOST:
        return None
    return tuple(dict.fromkeys(make(combination) for combination in product(*known)))
