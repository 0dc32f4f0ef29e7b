"""XML as text: elements with their attributes, and nothing in them that XML 1.0 forbids."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def element(name: str, attributes: Mapping[str, object], inside: str | Sequence[str] = "") -> str:
    """Return one element: around text, or around elements."""
    head = name + "".join(f' {key}="{_escaped(str(value))}"' for key, value in attributes.items())
    if isinstance(inside, str):
        return f"<{head}>{_escaped(inside, '&<>' + chr(13))}</{name}>" if inside else f"<{head}/>"
    return f"<{head}>\n" + "".join(f"{item}\n" for item in inside) + f"</{name}>"


def _escaped(text: str, these: str = "".join(_REFERENCES)) -> str:
    text = _FORBIDDEN.sub("\ufffd", text)
    return "".join(_REFERENCES[c] if c in these else c for c in text)
