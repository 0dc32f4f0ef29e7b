"""Jinja in `.j2.yaml` files: masked by text of equal length, so that spans stay true."""

from __future__ import annotations

import re

from lwlint.late import pattern
from lwlint.named import NamedTuple

_TAG = pattern(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
_RAW = pattern(r"(\{%-?\s*raw\s*-?%\})(.*?)(\{%-?\s*endraw\s*-?%\})", re.DOTALL)
_VISIBLE = pattern(r"[^\r\n]")
FILLER = "x"  # what an expression becomes


class Masked(NamedTuple):
    """Text without Jinja; `statements` are the ranges of `{% %}`, `expressions` those of `{{ }}`."""

    text: str
    statements: tuple[tuple[int, int], ...]
    expressions: tuple[tuple[int, int], ...]

    def decided_between(self, start: int, end: int) -> bool:
        """Return whether a statement, which may leave out a part, stands between two places."""
        return any(start <= first < end for first, _ in self.statements)

    def is_generated(self, start: int, end: int) -> bool:
        """Return whether an expression writes a part of the text between two places."""
        return any(first < end and start < last for first, last in self.expressions)


def is_jinja(path: str) -> bool:
    """Return whether the file at `path` is rendered before Heat sees it: only the name tells."""
    return path.endswith((".j2.yaml", ".j2.yml", ".j2"))


def mask(text: str) -> Masked:
    """Return `text` with statements and comments blanked and expressions turned into letters, line breaks kept.

    What stands between `{% raw %}` and `{% endraw %}` is left alone.
    """
    statements: list[tuple[int, int]] = []
    expressions: list[tuple[int, int]] = []
    pieces: list[str] = []
    at = 0
    for raw in (*_RAW.finditer(text), None):
        end = raw.start() if raw is not None else len(text)
        for tag in _TAG.finditer(text, at, end):
            pieces.append(text[at : tag.start()])
            shown = text[tag.start() + 1] == "{"
            if text[tag.start() + 1] != "#":
                (expressions if shown else statements).append(tag.span())
            pieces.append(_VISIBLE.sub(FILLER if shown else " ", tag.group()))
            at = tag.end()
        pieces.append(text[at:end])
        at = end
        if raw is not None:
            pieces += (_VISIBLE.sub(" ", raw.group(1)), raw.group(2), _VISIBLE.sub(" ", raw.group(3)))
            at = raw.end()
    return Masked("".join(pieces), tuple(statements), tuple(expressions))
