"""Nodes of a YAML text by PyYAML's C composer, which makes them of lwlint's own classes: for half the price of reading events.

The composer is given only what it certainly reads as the events tell it: no tag, no depth. All other texts, and all that it
refuses, are left to the events (`heat_events`), as is what has a key that is no scalar, or an alias inside what it names.
"""

from __future__ import annotations

import _thread
import gc
from collections.abc import Callable
from functools import lru_cache
from itertools import chain
from typing import Any

from lwlint.inputs.heat.nodes import DEPTH_LIMIT, Document, Mapping, Scalar, Sequence, merged_wrongly, repeated

_LINE = 256  # a text that has a line break in each of its stretches of this length has no line of twice that
_BRACKETS = 2000  # in one text; with its lines they bound the levels, of which the composer takes 200 bytes of stack each
_CLASSES = {"ScalarNode": Scalar, "SequenceNode": Sequence, "MappingNode": Mapping}  # PyYAML's -> lwlint's
_NOTHING = "".format  # a function of C that takes all arguments and returns an empty text, which is the tag of what has none


def compose(text: str) -> Document | None:
    """Return the one document in `text`; None where only the events tell what it is.

    The composer looks up the classes of its nodes each time, so they are lwlint's while it runs: never when there are other threads,
    which may compose nodes of PyYAML's own.
    """
    made_by = _composer()
    if made_by is None or not _is_tame(text) or _thread._count() > 0:
        return None
    anchored = _anchored(text)
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
        return Document(None, ())
    if root.__class__ not in _CLASSES.values():  # a PyYAML that makes its nodes in another way
        return None
    del parents[None]
    collections: list[Mapping | Sequence] = list(parents)
    if anchored:
        from lwlint.inputs.heat.nodes import settled

        found = settled(text, root, parents, anchored)
        if found is None:
            return None
        collections = found
    mappings = _with_repeated_keys(collections, "<<" in text)
    if mappings is None or not (len(collections) < DEPTH_LIMIT - 1 or _is_flat(collections)):
        return None
    mappings.sort(key=lambda mapping: (mapping.end, -mapping.start))  # as they end
    return Document(root, tuple(chain.from_iterable(map(repeated, mappings))))


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
    """Return whether `text` can be given to the composer: no mark of the byte order, and a bound to its levels."""
    if text[:1] == "\ufeff" or text.count("[") + text.count("{") > _BRACKETS:
        return False
    return all(text.find("\n", at, at + _LINE) >= 0 for at in range(0, len(text) - _LINE + 1, _LINE))


def _anchored(text: str) -> dict[str, int] | None:
    """Return where anchors of `text` may stand, by name; None where there may be a tag, or two anchors of one name."""
    if "&" not in text and "!" not in text:
        return {}
    from lwlint.inputs.heat.nodes import anchors, may_begin

    return anchors(text) if next(may_begin(text, "!"), None) is None else None


def _with_repeated_keys(parents: list[Mapping | Sequence], merging: bool) -> list[Mapping] | None:
    """Return the mappings with equal keys; None where a key is no scalar, or a `<<`, if there is any, is given no mappings."""
    found = []
    mappings: list[Any] = [node for node in parents if node.__class__ is Mapping]
    for node in mappings:
        pairs = node.pairs
        if len(pairs) == 1:
            if pairs[0][0].__class__ is not Scalar:
                return None
        else:
            try:
                if len({key.value for key, _ in pairs}) != len(pairs):
                    found.append(node)
            except AttributeError:  # a key that is a collection
                return None
        if merging and merged_wrongly(node) is not None:
            return None
    return found


def _is_flat(parents: list[Mapping | Sequence]) -> bool:
    """Return whether the collections, which come in the order of the text, are not too deep, even with empty ones in them."""
    ends: list[int] = []
    for node in parents:
        start = node.start_mark.index
        while ends and ends[-1] <= start:
            ends.pop()
        ends.append(node.end_mark.index)
        if len(ends) >= DEPTH_LIMIT - 1:
            return False
    return True
