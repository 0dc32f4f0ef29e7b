"""Nodes of a YAML text by PyYAML's C composer, which makes them of lwlint's own classes: for half the price of reading events.

The composer is given only what it certainly reads as the events tell it, and gives back only what has nothing to tell of: no key
that stands twice, no tag, no depth. All other texts, and all that it refuses, are left to the events (`heat_yaml`).
"""

from __future__ import annotations

import _thread
import gc
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lwlint.parse.heat_anchors import anchors, may_begin, settle, with_those_of_aliases
from lwlint.parse.heat_nodes import Mapping, Node, Scalar, Sequence, merged_wrongly

_LINE = 256  # a text that has a line break in each of its stretches of this length has no line of twice that
_BRACKETS = 2000  # in one text; with its lines they bound the levels, of which the composer takes 200 bytes of stack each
_CLASSES = {"ScalarNode": Scalar, "SequenceNode": Sequence, "MappingNode": Mapping}  # PyYAML's -> lwlint's
_NOTHING = "".format  # a function of C that takes all arguments and returns an empty text, which is the tag of what has none


def compose(text: str, depth: int) -> list[Node] | None:
    """Return the root of the one document in `text`, no node for an empty one; None where only the events tell what it is.

    `depth` is how many levels there may be. The composer looks up the classes of its nodes each time, so they are lwlint's
    while it runs: never when there are other threads, which may compose nodes of PyYAML's own.
    """
    made_by = _composer()
    if made_by is None or not _is_tame(text) or _thread._count() > 0:
        return None
    anchored = anchors(text)
    if anchored is None:
        return None
    composer, names, errors = made_by
    parents: dict[Any, Any] = {}  # every collection that has anything but aliases in it, in the order of the text
    before = {name: names[name] for name in _CLASSES}
    names.update(_CLASSES)
    try:
        parser = composer(text)
        parser.descend_resolver = parents.setdefault
        root = parser.get_single_node()
    except errors:
        return None
    finally:
        names.update(before)
    if root is None:
        return []
    if root.__class__ not in _CLASSES.values():  # a PyYAML that makes its nodes in another way
        return None
    del parents[None]
    collections = with_those_of_aliases(root, parents) if anchored else list(parents)
    told = not _has_nothing_to_tell(collections, depth, "<<" in text) or (anchored and not settle(text, root, collections, anchored))
    return None if told else [root]


@lru_cache(maxsize=1)
def _composer() -> tuple[Callable[[str], Any], dict[str, Any], tuple[type[Exception], ...]] | None:
    """Return the parser, the names of its module, and what it raises; None where PyYAML has no C parser, or another one."""
    import yaml

    if not getattr(yaml, "__with_libyaml__", False):
        return None
    from yaml import _yaml

    names = vars(_yaml)
    if not _CLASSES.keys() <= names.keys() or not hasattr(_yaml.CParser, "get_single_node"):
        return None
    without_resolver = {"resolve": _NOTHING, "ascend_resolver": gc.isenabled}
    return type("Composer", (_yaml.CParser,), without_resolver), names, (yaml.YAMLError, UnicodeError)


def _is_tame(text: str) -> bool:
    """Return whether `text` can be given to the composer: no tag, no mark of the byte order, and a bound to its levels."""
    if text[:1] == "\ufeff" or text.count("[") + text.count("{") > _BRACKETS:
        return False
    if any(text.find("\n", at, at + _LINE) < 0 for at in range(0, len(text) - _LINE + 1, _LINE)):
        return False
    return next(may_begin(text, "!"), None) is None


def _has_nothing_to_tell(parents: list[Mapping | Sequence], depth: int, merging: bool) -> bool:
    """Return whether all keys are scalars that stand once, `<<` is given mappings, and there are less than `depth` levels."""
    for node in parents:
        if node.__class__ is not Mapping:
            continue
        pairs = node.pairs
        if len(pairs) == 1:
            if pairs[0][0].__class__ is not Scalar:
                return False
        else:
            try:
                if len({key.value for key, _ in pairs}) != len(pairs):
                    return False
            except AttributeError:  # a key that is a collection
                return False
        if merging and merged_wrongly(node) is not None:
            return False
    return len(parents) < depth - 1 or _is_flat(parents, depth - 1)


def _is_flat(parents: list[Mapping | Sequence], depth: int) -> bool:
    """Return whether less than `depth` of the collections, which come in the order of the text, stand in one another."""
    ends: list[int] = []
    for node in parents:
        start = node.start_mark.index
        while ends and ends[-1] <= start:
            ends.pop()
        ends.append(node.end_mark.index)
        if len(ends) >= depth:
            return False
    return True
