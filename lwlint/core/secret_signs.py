"""Signs that a line may hold a secret, looked for in C: a line without any is passed over, and most lines have none.

A sign is what must be in a line for `secret` to find anything in it, or to begin something that goes on in the next
line. It may be in many lines more; it must not be missing in one. Whoever teaches `secret` another way in which a secret is written
teaches its sign here. Tests compare both with a look at each line.

RE2 takes as long to start as to read a megabyte. A process that looks at little, as a hook does, goes by words instead
(`may_have`): these are in each line that has a sign, and in some more. Tests compare that with the expressions.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from lwlint.core import secret_names as commands
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
    r"[\w/]=--?[a-z]",  # one right behind the name of a setting
    ",[husdp]=",  # what Percona's tools take for an address
    rf"(?:basic|bearer){_BLANK}",
    "-setcookie",
    rf"\n(?:{_BLANK}|[#;])*(?:export |set )?[\w.-]*{_NAME}(?:{_BLANK}|[,;])",  # the sign was forgotten
    "(?:pwd|password)%3d",
    rf"(?:echo|printf){_BLANK}[^|\n]*\|[^|\n]*(?:-stdin|{_BLANK}-p|chpasswd|cryptsetup)",
)
_NOTHING_ELSE = pattern(r"[\w./-]*")  # of a word by itself nothing is told but whether it is a key in PEM
_OF_SENTENCES = rf"(?:(?:{_ANYWHERE})[^\s`]*|(?:{_AT_END})[^a-z\s`]*){_BLANK}*` (?:is|was|has|holds|names|becomes|beats)"


# What is in a line that has one of the signs above, but for names, commands and options.
_PLAIN = ("@", "://", "\\", "=>", "<", "-----begin", ",h=", ",u=", ",s=", ",d=", ",p=", "-setcookie", "%3d")
_BLANKS = tuple(" \t\f\x0b\r\x1c\x1d\x1e\x1f")
_OPTION = pattern(rf"-(?<![^{_AROUND}]-)[^ \t\f\r\n]|=--?[a-z]")
_NO_SIGN = ",;\uff1a\uff1d"  # what stands behind a name where no sign does, or one that is taken for it
_VERBS = (" is", " was", " has", " holds", " names", " becomes", " beats")
_SHORT = 200  # characters of a line of which it is kept whether it has a sign: values and messages are often the same
_LITTLE = 32_768  # characters that a process looks at before it asks RE2


class _Looked:
    characters = 0


def _is_little(text: str) -> bool:
    """Return whether the process has looked at little yet, with this text."""
    _Looked.characters += len(text)
    return _Looked.characters <= _LITTLE


def may_name(name: str) -> bool:
    """Return whether a name has a word without which `is_secret` says that it holds no secret."""
    small = name.lower()
    if small.rstrip(_NO_LETTERS).endswith(_LAST_WORDS) or not small.isascii():
        return True
    return any([word in small for word in _WORDS])  # noqa: C419 - a list takes half as long as a generator


def may_hold(line: str) -> bool:
    """Return whether a line, or a message, has a sign. One of several lines, and one with a character of another script, always has."""
    return _again(line) if len(line) <= _SHORT else _may_hold(line)


@functools.lru_cache(maxsize=2048)
def _again(line: str) -> bool:
    return _may_hold(line)


def _may_hold(line: str) -> bool:
    if not line.isascii() or "\n" in line:
        return True
    if _NOTHING_ELSE.fullmatch(line):
        return False
    if _is_little(line):
        return may_have(line.lower())
    data = _prepare(line)
    return _of_lines().match(data) is not None or ("`" in line and _of_sentences().match(data) is not None)


def places(text: str) -> Iterator[int]:
    """Yield an offset in each line of a text that has a sign, but for those that are not in ASCII; of little text, in some lines more."""
    if _is_little(text):
        at = 0
        for line in _in_ascii(text).decode("ascii").replace("\r", "\n").split("\n"):
            if may_have(line):
                yield at
            at += len(line) + 1
        return
    data = _prepare(text).replace(b"\r", b"\n")
    for sign in (_of_lines(), _of_sentences()) if "`" in text else (_of_lines(),):
        found = sign.match(data)
        while found is not None:
            last = found.end() - 1
            yield min(last - 1, len(text) - 1)
            found = sign.match(data, data.find(b"\n", last))


def may_have(line: str) -> bool:
    """Return whether a line, in ASCII and small letters, has what is in each line that has a sign."""
    if any([sign in line for sign in _PLAIN]):  # noqa: C419
        return True
    if ":" in line or "=" in line:  # each of these may end a name
        for name in line.replace("=", ":").split(":")[:-1]:
            if name and may_name(name):
                return True
    if "-" in line and _OPTION.search(line):
        return True
    if may_name(first_name(line)):
        return True
    if ("hiera" in line or "lookup(" in line) and any([word in line for word in (*_WORDS, *_LAST_WORDS)]):  # noqa: C419
        return True
    if any(after.startswith(_BLANKS) for word in ("basic", "bearer") if word in line for after in line.split(word)[1:]):
        return True
    if ("value" in line and "name" in line) or ("|" in line and ("echo" in line or "printf" in line)):
        return True
    if "`" in line:
        pieces = line.split("`")
        if any(after.startswith(_VERBS) and may_name(before) for before, after in pairwise(pieces)):
            return True
    return any(program in line and any([word in line for word in words]) for program, words in _programs())  # noqa: C419


def first_name(line: str) -> str:
    """Return the word that a line begins with, behind `#`, `export` and `set`: the name of a value whose sign was forgotten."""
    rest = line.lstrip()
    while rest.startswith(("#", ";")):
        rest = rest[1:].lstrip()
    words = rest.removeprefix("export ").removeprefix("set ").split(None, 1)
    name = words[0] if words else ""
    for sign in _NO_SIGN:
        name = name.partition(sign)[0]
    return name


@functools.lru_cache(maxsize=1)
def _programs() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the beginnings of the programs that take a secret without an option, each with words of which one is in the line too."""
    found = []
    for name, told in commands.COMMANDS.items():
        words = tuple(word.lower() for word in told if word and not word.startswith("-"))
        if commands.ITSELF in told or words:
            found.append((name.partition("*")[0], ("",) if commands.ITSELF in told else words))
    return tuple(found)


def _prepare(text: str) -> bytes:
    return b"\n%b\n" % _in_ascii(text)


def _in_ascii(text: str) -> bytes:
    return text.encode("ascii", "replace").lower()


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
