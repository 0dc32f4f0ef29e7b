"""Secrets in what is shown: passwords of addresses, and values of keys that hold one."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"((?:://|,)[^:/@\s'\",]*:)([^@\s'\"]+?)(@)")
_PAIR = re.compile(r"(name=[\"'][^\"']*(?:passw|secret|token|key)[^\"']*[\"'][^<>]*?value=[\"'])([^\"']*)", re.IGNORECASE)
_KEY = re.compile(
    r"((?:^|[\s{,'\"<])[\w:.-]*(?:passw(?:or)?d|passwd|secret|token|private[_-]?key|encryption[_-]?key|auth[_-]?key|credential)[\w-]*"
    r"['\"]?\s*(?:=>|=|:)\s*['\"]?)([^\s'\"{}\[\],][^'\"\n,}]*)",
    re.IGNORECASE,
)


def masked(line: str) -> str:
    """Return a line of input with every secret as asterisks of the secret's own length, so that columns stay true."""
    line = _ADDRESS.sub(lambda m: m.group(1) + "*" * len(m.group(2)) + m.group(3), line)
    line = _PAIR.sub(lambda m: m.group(1) + "*" * len(m.group(2)), line)
    return _KEY.sub(lambda m: m.group(1) + "*" * len(m.group(2)), line)
