"""The values of YAML nodes, as PyYAML's safe loader builds them when Heat reads a file."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from lwlint.parse.heat_nodes import DEPTH_LIMIT, TAG, Mapping, Node, Refused, Scalar, Sequence, effective, tag_of, usual

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
        return yaml.constructor.SafeConstructor().construct_document(_Foreign().node(node))
    except yaml.MarkedYAMLError as error:
        raise Refused(str(error.problem), node.start) from None
    except _FAILURES as error:
        raise Refused(str(error), node.start) from None


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
