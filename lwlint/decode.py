"""Bytes -> text, as the real program of each kind decodes them."""

from __future__ import annotations

import re

from lwlint import kinds


def decode(data: bytes, kind: str) -> str:
    """Return the text of `data` as the real program of `kind` decodes it.

    Raises UnicodeDecodeError where that program fails, LookupError for an encoding that nobody knows.
    """
    if kind == kinds.CIB:
        return _decode_xml(data)
    if kind == kinds.UNIT:
        return data.decode("utf-8", "surrogateescape")  # systemd drops single lines, not the file
    return data.decode("utf-8")


def _decode_xml(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "\ufeff" + data.decode("utf-16")
    declared = re.match(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)", data)
    name = declared.group(1).decode("ascii") if declared else "utf-8"
    if name.lower() in ("utf-16", "utf16", "ucs-2"):
        name = "utf-8"  # libxml2 goes by the bytes when the declaration cannot be true
    try:
        return data.decode(name)
    except LookupError:
        raise LookupError(f"encoding `{name}` of the XML declaration is not known") from None
