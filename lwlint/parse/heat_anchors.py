"""Anchors and aliases of a YAML text, found in the text itself: all there are, and some that are a part of a string or a comment."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import chain

from lwlint.late import pattern
from lwlint.parse.heat_nodes import Mapping, Node, Place, Scalar, Sequence

PROPERTIES = pattern(r"(?:[&!]\S*(?:\s+(?:#.*)?|$))*")  # anchor and tag in front of a node
EXPANDED_LIMIT = 1_000_000  # nodes with every alias written out; the largest file of tripleo-heat-templates has 27,000
_NAME = pattern(r"[0-9A-Za-z_-]+")
_BEFORE = "\n\r\x85\u2028\u2029\ufeff-?:,[]{}\"'"  # behind what an anchor, an alias or a tag can begin, blanks left out
_DENSEST = 4  # the most events that a character can be: `?` in a list in flow style
_MOST = 500  # aliases that are followed one by one


def may_begin(text: str, mark: str) -> Iterator[int]:
    """Yield where a token may begin with `mark` (`&`, `*`, `!`) in `text`: everywhere but inside a plain scalar of one line."""
    at = text.find(mark)
    while at >= 0:
        head = text[text.rfind("\n", 0, at) + 1 : at]
        said = head.rstrip(" \t")
        if not said or said[-1] in _BEFORE or (said != head and _is_property(said)):
            yield at
        at = text.find(mark, at + 1)


def _is_property(said: str) -> bool:
    word = said.split()[-1]
    return word == "..." or any(mark in word for mark in "&*!")


def anchors(text: str) -> dict[str, int] | None:
    """Return where each anchor of `text` may stand; None where two have one name."""
    found: dict[str, int] = {}
    for name, at in _named(text, "&"):
        if name in found:
            return None
        found[name] = at
    return found


def _named(text: str, mark: str) -> Iterator[tuple[str, int]]:
    for at in may_begin(text, mark):
        name = _NAME.match(text, at + 1)
        if name is not None:
            yield name.group(), at


def settled(text: str, root: Node, parents: dict[Mapping | Sequence, object], anchored: dict[str, int]) -> list[Mapping | Sequence] | None:
    """Let anchored scalars begin behind their anchors, and return all collections from `root` on, in the order of the text.

    None where an alias may be of what it stands in, or all of them may be of too many nodes. `parents` are the collections with more in
    them than aliases, in the order of the text; `anchored` is what `anchors` returned.
    """
    inside = chain((root,), chain.from_iterable(map(_inside, parents)))
    more = {node: None for node in inside if node.__class__ is not Scalar and node not in parents}
    collections: list[Mapping | Sequence] = [*parents, *more]  # type: ignore[list-item]
    if more:
        collections.sort(key=lambda node: (node.start, -node.end))
    starts = [node.start for node in collections]
    for at in anchored.values():
        for node in (root,) if root.__class__ is Scalar else _inside(_around(collections, starts, at)):
            if node.__class__ is Scalar and node.start == at < node.end:  # an empty one may end where the anchor of the next begins
                node.start_mark = Place(PROPERTIES.match(text, at).end())  # type: ignore[union-attr]
    outermost = {node.start: node.end for node in reversed(collections)}
    return collections if _are_few(text, {name: (at, outermost.get(at, at)) for name, at in anchored.items()}) else None


def _around(parents: list[Mapping | Sequence], starts: list[int], at: int) -> Mapping | Sequence | None:
    """Return the innermost collection that a token at `at` stands in."""
    number = bisect_right(starts, at) - 1
    while number >= 0 and parents[number].end <= at:
        number -= 1
    return parents[number] if number >= 0 else None


def _inside(node: Mapping | Sequence | None) -> Iterable[Node]:
    if isinstance(node, Mapping):
        return chain.from_iterable(node.pairs)
    return node.items if node is not None else ()


def _are_few(text: str, spans: dict[str, tuple[int, int]]) -> bool:
    """Return whether `text` is certainly not of too many nodes with every alias written out, and none is of what it stands in."""
    size = len(text) * _DENSEST
    written: list[tuple[int, int]] = []  # where an alias stands, and how many nodes it is at the most
    for name, at in _named(text, "*"):
        start, end = spans.get(name, (at, at))
        if start < at < end or len(written) >= _MOST:
            return False
        many = (end - start + 1) * _DENSEST + sum(nodes for place, nodes in written if start < place < end)
        written.append((at, many))
        size += many
    return size < EXPANDED_LIMIT
