"""YAML 1.1 as Heat reads it: PyYAML's own parser, with the span of every node.

PyYAML's composer keeps no anchors, and brings the process down at some 40,000 levels. So a document that may have any of that is
built from the parser's events (`heat_events`); the composer reads the others, which is faster (`heat_composed`). Values are PyYAML's
to the letter: tags are resolved by its resolver and scalars built by its safe constructor, when someone asks for them.
"""

from __future__ import annotations

import gc

from lwlint.parse.heat_composed import compose
from lwlint.parse.heat_nodes import Document


def read(text: str) -> Document:
    """Return the one document in `text`. Raises Refused for what PyYAML's safe loader would refuse, and for what is nested too deep."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        composed = compose(text)
        if composed is not None:
            return composed
        from lwlint.parse.heat_events import by_events

        return by_events(text)
    finally:
        if collecting:
            gc.enable()
