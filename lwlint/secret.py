"""Secrets in what is shown: passwords of addresses, and values of keys that hold one."""

from __future__ import annotations

import re

from lwlint.late import pattern

_WORDS = r"(?:passw(?:or)?d|passwd|secret|token|private[_-]?key|encryption[_-]?key|auth[_-]?key|credential)"
# a password in an address ends at its last `@`, or at the last one in front of the next host's user
_ADDRESS = pattern(r"((?:://|,)[^:/@\s'\",]*:)([^\s'\"]+?)(@)(?=[^@\s'\"`]*(?:,[^:/@\s'\",]*:|[\s'\"`]|$))")
_LINE = pattern(rf"^([\s#;]*[\w:.-]*{_WORDS}[\w-]*\s*[=:](?!>)\s*)([^\s'\"{{\[%].*?)(\s*)$", re.IGNORECASE)
_NAMED = r"name=[\"'][^\"']*(?:passw|secret|token|key)[^\"']*[\"']"
_PAIR = pattern(rf"({_NAMED}[^<>]*?value=[\"'])([^\"']*)", re.IGNORECASE)
_TURNED = pattern(rf"(value=[\"'])([^\"']*)(?=[\"'][^<>]*?{_NAMED})", re.IGNORECASE)
_QUOTED = pattern(rf"(`[\w:.-]*{_WORDS}[\w-]*\s*[=:]\s*)([^`]+)", re.IGNORECASE)
_KEY = pattern(
    rf"((?:^|[\s{{,'\"<`?&;(])[\w:.-]*{_WORDS}[\w-]*['\"]?\s*(?:=>|=|:)\s*['\"]?)(?!\*+`)([^\s'\"{{}}\[\],`][^'\"\n,}}]*)",
    re.IGNORECASE,
)


def masked(line: str) -> str:
    """Return a line of input, or a message, with every secret as asterisks of the secret's own length, so that columns stay true."""
    line = _ADDRESS.sub(_stars, line)
    line = _LINE.sub(_stars, line)
    for secret in (_PAIR, _TURNED, _QUOTED, _KEY):
        line = secret.sub(_stars, line)
    return line


def _stars(match: re.Match[str]) -> str:
    return match[1] + "*" * len(match[2]) + "".join(match.groups()[2:])
