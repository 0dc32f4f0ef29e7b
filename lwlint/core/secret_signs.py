"""Signs that a line may hold a secret, looked for in C: a line without any is passed over, and most lines have none.

A sign is what must be in a line for `secret` to find anything in it, or for `secret_text` to begin something that goes on in the next
line. It may be in many lines more; it must not be missing in one. Whoever teaches `secret` another way in which a secret is written
teaches its sign here. Tests compare both with a look at each line.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

from lwlint.core import secret_commands as commands
from lwlint.core.lazy import linear, pattern

# All below is looked for in small letters and ASCII, with one line break in front of the text and one behind it.
_BLANK = r"[ \t\f\x0b\r\x1c-\x1f]"
_AROUND = r" \t\f\x0b\r\x1c-\x1f\[\](),\"'`"  # what is no part of a word of a command
_SAME = rf"[{_AROUND}]"
_EDGE = rf"[\n{_AROUND}]"
_BETWEEN = r"[^a-z0-9\s]*"  # two words of a name

# what `secret.is_secret` says of a name: these words anywhere in it make a secret, or may do so
_WORDS = ("cred", "kek", "pass", "psk", "pw", "secret", "token", "bearer", "cookie", "hmac", "jwt", "otp")
_ANYWHERE = "|".join(_WORDS)
# these do at its end only, but for digits and signs
_AT_END = (
    "keys?|community|(?:sst|stats|redis|rediscli|basic)-auth|adminemail|storepempath|cryptologin|multiconfig|flashblade-api"
    "|hash-(?:path-)?(?:prefix|suffix)|hexadecimal-kg|key-value|backendconfigs|masterauth|rhsmvars|sslcertificate|homedir|nameserver"
).replace("-", _BETWEEN)
_LAST_WORDS = (
    "key", "keys", "community", "auth", "adminemail", "storepempath", "cryptologin", "multiconfig", "api", "prefix", "suffix", "kg",
    "value", "backendconfigs", "rhsmvars", "sslcertificate", "homedir", "nameserver",
)  # fmt: skip
_NO_LETTERS = "".join(filter(lambda c: not c.isalpha(), map(chr, range(128))))
_NAME = rf"(?:(?:{_ANYWHERE})[\w-]*|(?:{_AT_END})[\d_-]*)"
_SIGN = r"[\"']?[ \t]*[=:]"

_OF_LINES = (
    "@",  # an address: with a password in front of its host, cut off before that, or with more in the next line
    r"://[\w.+-]*:[^\s\d$%{<*]",
    rf"://[^\n]*[,=]{_BLANK}*\n",
    r"\\\n",  # the line goes on: by a backslash, an arrow of Puppet, or an element of XML that has not ended
    rf"=>{_BLANK}*\n",
    "<[a-z_]",
    "-----begin",
    _NAME + r"[\"']?[ \t]*(?:=|:[^:])",  # a key and its value, which may be below it
    rf"name-*{_SIGN}[^\n]*value-*{_SIGN}",
    rf"value-*{_SIGN}[^\n]*name-*{_SIGN}",
    rf"(?:hiera(?:_array|_hash)?|lookup)\({_BLANK}*[\"'][\w:.-]*{_NAME}",
    rf"{_SAME}-(?:[^\s>]|>\S)",  # an option of a command
    r"\n-(?:[^\s>]|>\S)",
    ",[husdp]=",  # what Percona's tools take for an address
    rf"(?:basic|bearer){_BLANK}",
    "-setcookie",
    "(?:pwd|password)%3d",
    rf"(?:echo|printf){_BLANK}[^|\n]*\|[^|\n]*(?:-stdin|{_BLANK}-p|chpasswd|cryptsetup)",
)
_NOTHING_ELSE = pattern(r"[\w./-]*")  # of a word by itself nothing is told but whether it is a key in PEM
_OF_SENTENCES = rf"(?:(?:{_ANYWHERE})[^\s`]*|(?:{_AT_END})[^a-z\s`]*){_BLANK}*` (?:is|was|has|holds|names|becomes|beats)"


def may_name(name: str) -> bool:
    """Return whether a name has a word without which `is_secret` says that it holds no secret."""
    small = name.lower()
    if small.rstrip(_NO_LETTERS).endswith(_LAST_WORDS) or not small.isascii():
        return True
    return any([word in small for word in _WORDS])  # noqa: C419 - a list takes half as long as a generator


def may_hold(line: str) -> bool:
    """Return whether a line, or a message, has a sign. One of several lines, and one with a character of another script, always has."""
    if not line.isascii() or "\n" in line:
        return True
    if _NOTHING_ELSE.fullmatch(line):
        return False
    data = _prepared(line)
    return _of_lines().match(data) is not None or ("`" in line and _of_sentences().match(data) is not None)


def places(text: str) -> Iterator[int]:
    """Yield an offset in each line of a text that has a sign, but for those that are not in ASCII."""
    data = _prepared(text).replace(b"\r", b"\n")
    for sign in (_of_lines(), _of_sentences()) if "`" in text else (_of_lines(),):
        found = sign.match(data)
        while found is not None:
            last = found.end() - 1
            yield min(last - 1, len(text) - 1)
            found = sign.match(data, data.find(b"\n", last))


def _prepared(text: str) -> bytes:
    return b"\n%b\n" % text.encode("ascii", "replace").lower()


@functools.lru_cache(maxsize=1)
def _of_lines() -> Any:
    return _first_of("|".join((*_OF_LINES, *_of_programs())))


@functools.lru_cache(maxsize=1)
def _of_sentences() -> Any:
    return _first_of(_OF_SENTENCES)


def _first_of(expression: str) -> Any:
    """Return an expression whose match from a place on ends with the first sign: where it begins, which takes RE2 as long, is not asked."""
    return linear(f".*?(?:{expression})")


def _of_programs() -> Iterator[str]:
    """Yield the signs of programs that take a secret without an option that begins with a hyphen."""
    for name, told in commands.COMMANDS.items():
        head, star, tail = name.partition("*")
        whole = rf"[/=\n{_AROUND}]{re.escape(head)}" + (rf"\S*{re.escape(tail)}" if tail else "")
        words = [re.escape(word.lower()) + ("" if word.startswith("/") else _EDGE) for word in told if word and not word.startswith("-")]
        if commands.ITSELF in told:
            yield whole + ("" if star and not tail else _EDGE)
        elif words:
            yield whole + ("" if star and not tail else _SAME) + rf"(?:[^\n]*{_SAME})?(?:{'|'.join(words)})"
