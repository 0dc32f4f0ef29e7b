"""The page of an audit; text becomes safe where it enters it.

Elements of HTML: whatever is not `Html` already is escaped, as content and as attribute.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Union

from lwlint.core.harmless import safe

_VOID = frozenset(("meta", "input", "br", "hr"))
_CODE = re.compile(r"`([^`]+)`")


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Content = Union[str, Iterable[str]]
Value = Union[str, int, bool, None]


def element(name: str, /, *content: Content, **attributes: Value) -> Html:
    """Return an element. `class_` stands for `class` and `data_host` for `data-host`; of attributes, None and False are left out."""
    inside = "".join(f" {_name(key)}" + ("" if value is True else f'="{text(str(value))}"') for key, value in _drop_absent(attributes))
    if name in _VOID:
        return Html(f"<{name}{inside}>")
    return Html(f"<{name}{inside}>{join(*content)}</{name}>")


def _drop_absent(attributes: dict[str, Value]) -> Iterable[tuple[str, Value]]:
    return ((key, value) for key, value in attributes.items() if value is not None and value is not False)


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def join(*content: Content) -> Html:
    """Return the pieces together, escaped where they are not HTML."""
    return Html("".join(text(piece) for part in content for piece in ((part,) if isinstance(part, str) else part)))


def text(plain: str) -> Html:
    """Return a text as HTML: escaped, and U+FFFD for what steers a terminal or turns writing round.

    Its line breaks are references: printed into the log of a CI runner, a page has no line that begins as the text has it.
    """
    if isinstance(plain, Html):
        return plain
    return Html("&#10;".join(html.escape(safe(line), quote=True) for line in plain.split("\n")))


def prose(plain: str) -> Html:
    """Return a message as HTML, with what stands in backticks as code."""
    pieces = _CODE.split(plain)
    return join(*(element("code", piece) if i % 2 else piece for i, piece in enumerate(pieces)))


def grid(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Html:
    """Return a table of messages, in a frame that scrolls where it is wider than the page."""
    heads = element("thead", element("tr", (element("th", one, scope="col") for one in head)))
    body = element("tbody", (element("tr", (element("td", prose(cell)) for cell in row)) for row in rows))
    return element("div", element("table", heads, body), class_="frame", tabindex=0)
