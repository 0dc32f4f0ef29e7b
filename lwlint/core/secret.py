"""Secrets in what is shown: passwords of addresses, and values of keys that hold one.

All that is masked keeps its length, so that columns stay true. What a key holds is told by its name; a value that no name and no
address tells is not known as a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from lwlint.core.lazy import pattern

_KEYS = (
    "private|public_?private|encryption|auth|api|access|shared|hmac|crypto|signing|account|master"
    "|ssh|cookie|fernet|aes|cipher|license|store|fixed|heartbeat|tsig|ceph"
)
_WORDS = (
    r"(?:passw(?:or)?d|passwd|passphrase|(?<![A-Za-z])(?:pass|pwd|(?:root|bind|user)?pw|kek|psk)(?![A-Za-z])|requirepass|masterauth"
    r"|(?:sst|stats)_auth|snmp_community|secret|token|credential|erlang[_-]?cookie"
    rf"|(?:{_KEYS})[_-]?key)"
)
_NAME = rf"[\w:.-]{{0,100}}{_WORDS}[\w-]{{0,60}}"  # bounded, as lines may have a million characters
_SIGN = "(?:=|:(?!:))"  # of a value, not within the name of a Puppet variable
# all that the expressions find, but for addresses and lines of PEM, has one of these words in it, or the word `key` in one of these ways
_TELLING = ("pass", "pw", "kek", "psk", "auth", "secret", "token", "credential", "cookie", "community", "basic", "bearer", "mysql", "curl")
_KEYED = pattern(rf"(?:{_KEYS})[_-]?key|key\s*=|name=", re.IGNORECASE)
# a password in an address ends at its last `@`, or at the last one in front of the next host's user
_END = r"(?=[^@\s'\"`]{0,500}(?:,[^:/@\s'\",]{0,100}:|[\s'\"`]|$))"
_ADDRESS = pattern(rf"((?:://|,)[^:/@\s'\",]{{0,100}}:)([^\s'\"]{{1,500}}?)(@){_END}")
_ODD_ADDRESS = pattern(rf"(://[^:/@\s'\",]{{0,100}}:)(?!\*+@|\d+(?:[/\s'\",?]|$))((?:(?!://|[`\n]).){{1,200}}?)(@){_END}")
_LINE = pattern(rf"^([\s#;]*(?:export\s+)?{_NAME}\s*(?:=(?!>)|:(?![:>]))\s*|\s*key\s*=\s*)([^\s'\"{{\[%].*?)(\s*)$", re.IGNORECASE)
_STRING = pattern(rf"({_WORDS}[\w-]{{0,60}}[\"']?\s*(?:=>|{_SIGN})\s*([\"']))((?:\\.|''|(?!\2).)+)()", re.IGNORECASE)
_TITLE = pattern(rf"([\"'/]{_NAME}[\"']\s*:\s*value\s*=>\s*([\"']))((?:\\.|(?!\2).)+)()", re.IGNORECASE)
_WITHIN = pattern(rf"(([\"']){_NAME}\s*=\s*)((?:\\.|(?!\2).)+)()", re.IGNORECASE)
_NAMED = r"name=[\"'](?:[^\"']{0,100}(?:passw|passphrase|secret|token|key)[^\"']{0,100}|pwd|pass|community)[\"']"
_PAIR = pattern(rf"({_NAMED}[^<>]{{0,1000}}?value=([\"']))((?:(?!\2).)*)()", re.IGNORECASE)
_TURNED = pattern(rf"(value=([\"']))((?:(?!\2).)*)(?=[\"'][^<>]{{0,1000}}?{_NAMED})()", re.IGNORECASE)
_QUOTED = pattern(rf"(`{_NAME}\s*{_SIGN}\s*)([^`]+)", re.IGNORECASE)
_IS = pattern(rf"(`{_NAME}` (?:is|was|has|holds|names)\b[^`]{{0,40}}`)([^`]+)(`)", re.IGNORECASE)
_KEY = pattern(
    rf"((?:^|[\s{{,'\"<`?&;(=]){_NAME}['\"]?\s*(?:=>|{_SIGN})\s*['\"]?)(?!\*+`)([^\s'\"{{}}\[\],`][^'\"\n,}}]*)",
    re.IGNORECASE,
)
_ARGUMENT = pattern(
    rf"((?:^|\s)--?[\w-]{{0,60}}{_WORDS}[\w-]{{0,60}}[ \t]+)([^\s'\"`-][^\s`]*)"
    r"|(\bmysql\w*\s(?:[^|;\n]{0,200}\s)?-p)([^\s'\"`]+)"
    r"|(\bcurl\s(?:[^|;\n]{0,400}\s)?(?:-u|--user|--proxy-user)[ =]?[\"']?[^\s:\"'`]{1,100}:)([^\s'\"`]+)",
    re.IGNORECASE,
)
_SCHEME = pattern(r"(\b(?:Basic|Bearer)\s+)([\w.~+/=-]{8,})", re.IGNORECASE)
_BLOB = pattern(r"^(\s*)([A-Za-z0-9+/]{40,90}={0,2})(\s*)$")  # a line of a key in PEM
_SECRET_KEY = pattern(rf"{_NAME}|(?:.*[.:])?(?:key|community)", re.IGNORECASE)
_HEAD = pattern(rf"^\s*(?:- )?(?:[\"'][\w/]{{0,60}})?{_NAME}[\"']?\s*(?P<sign>[=:])\s*(?P<value>.*)$", re.IGNORECASE)
_MAPPING = pattern(r"^\s*(?:- )?[\w:.'\"-]+\s*:(?:\s|$)")
_OPEN = pattern(r"<[A-Za-z_][\w.:-]*(?:\s[^<>]*)?$")
_FAR = 60  # lines that are looked back at for what a line goes on with
_LEAST = 4  # characters of a secret that is looked for wherever it stands


def masked(line: str) -> str:
    """Return a line of input, or a message, with every secret as asterisks of the secret's own length, so that columns stay true."""
    small = line.lower()
    if "@" in small:
        line = _ODD_ADDRESS.sub(_stars, _ADDRESS.sub(_stars, line))
    if _is_telling(small):
        for needed, secret, hide in _HIDERS:  # most of which a line cannot meet, and which then are not compiled
            if any(part in small for part in needed):
                line = secret.sub(hide, line)
    return _BLOB.sub(_stars, line)


def _is_telling(small: str) -> bool:
    if not small.isascii():
        return True  # `\u017f` is an `s` to an expression that ignores the case
    return any(word in small for word in _TELLING) or ("key" in small and _KEYED.search(small) is not None)


def is_secret(key: str) -> bool:
    """Return whether an option, a parameter or a variable of this name holds a secret: `password`, `nova::db::password`, `api_key`."""
    return _SECRET_KEY.fullmatch(key) is not None


def stars(value: str) -> str:
    """Return asterisks in the place of a value; what is empty, and a reference to another key, stays."""
    return value if value.startswith(("$", "%{", "<%")) else re.sub(r"[^\n]", "*", value)


def masked_lines(text: str) -> str:
    """Return a text of several lines with every secret as asterisks."""
    lines = text.split("\n")
    return "\n".join(masked_at(lambda number: lines[number - 1], number) for number in range(1, len(lines) + 1))


def masked_value(value: str) -> str:
    """Return a value, whose lines may be parts of one address, with every secret as asterisks."""
    if "\n" not in value:
        return masked(value)
    hidden = iter(masked(value.replace("\n", "")))
    return _only("".join(c if c == "\n" else next(hidden) for c in value), masked_lines(value))


def masked_at(line: Callable[[int], str], number: int) -> str:
    """Return line `number` (from 1) of a text as `masked` does, and with what only the lines around it tell to be a secret.

    These are further lines of an option, a block scalar, a command or an element. `line` returns a line of the text by its number,
    and raises IndexError behind the last.
    """
    text = line(number)
    if not text.strip():
        return text
    back = [line(n) for n in range(max(1, number - _FAR), number)]
    if _goes_on_secret(back, text):
        return _hidden(text)
    indent = len(text) - len(text.lstrip())
    before = _before(back, text)
    whole = before + text[indent:] + (_up_to_end(line, number) if _OPEN.search(before + text) else "")
    return text[:indent] + _only(masked(whole)[len(before) :], masked(text[indent:]))


def _hidden(text: str) -> str:
    indent = len(text) - len(text.lstrip())
    return text[:indent] + "*" * len(text[indent:].rstrip()) + text[len(text.rstrip()) :]


def _only(one: str, other: str) -> str:
    """Return the text with what either of them masks."""
    return "".join("*" if "*" in (a, b) else a for a, b in zip(one, other))


def _goes_on_secret(back: Iterable[str], text: str) -> bool:
    """Return whether a line indented below a secret's key is part of its value."""
    indent = len(text) - len(text.lstrip())
    for above in reversed(list(back)):
        here = len(above) - len(above.lstrip())
        if not above.strip() or here >= indent:
            continue
        head = _HEAD.match(above)
        if head and not head["value"].startswith(("{", "[", "%")):
            return head["sign"] == "=" or bool(head["value"]) or _MAPPING.match(text) is None
        indent = here
        if not here:
            return False
    return False


def _before(back: list[str], text: str) -> str:
    """Return what a line goes on with, as one line: an element that is open, a command, an address over several lines."""
    element = _OPEN.search("\n".join(back))
    if element:
        return element[0].replace("\n", " ") + " "
    before = ""
    for above in reversed(back):
        if above.endswith("\\"):
            before = above[:-1] + before
        elif text[:1].isspace() and above.rstrip().endswith((",", "=")):
            before = above.strip() + before
            text = above
        else:
            break
    return before


def _up_to_end(line: Callable[[int], str], number: int) -> str:
    found = ""
    for further in range(number + 1, number + _FAR):
        try:
            found += " " + line(further)
        except IndexError:
            break
        if ">" in found:
            break
    return found


def secrets(text: str) -> set[str]:
    """Return the secrets in a text, those of some length, to be found again where nothing tells them to be ones."""
    found = set()
    for line in text.splitlines():
        hidden = masked(line)
        if hidden != line:
            for run in re.finditer(r"\*{4,}", hidden):
                found.add(line[run.start() : run.end()])
    return {one for one in found if len(one) >= _LEAST and one.strip("*")}


def without(text: str, known: Iterable[str]) -> str:
    """Return `text` masked line by line, and with each of the `known` secrets as asterisks."""
    text = "\n".join(masked(line) for line in text.split("\n"))
    for one in sorted(known, key=lambda secret: (-len(secret), secret)):
        text = text.replace(one, "*" * len(one))
    return text


def _stars(match: re.Match[str]) -> str:
    return match[1] + "*" * len(match[2]) + "".join(match.groups()[2:])


def _quoted_stars(match: re.Match[str]) -> str:
    return _stars_of(match[1], match[3])


def _argument_stars(match: re.Match[str]) -> str:
    return _stars_of(match[1] or match[3] or match[5], match[2] or match[4] or match[6])


def _stars_of(front: str, secret: str) -> str:
    return front + "*" * len(secret)


_Hide = Callable[["re.Match[str]"], str]
_HIDERS: tuple[tuple[tuple[str, ...], re.Pattern[str], _Hide], ...] = (  # without one of these parts, in small letters, nothing is met
    (('"', "'"), _STRING, _quoted_stars),
    (("value",), _TITLE, _quoted_stars),
    (("=",), _WITHIN, _quoted_stars),
    (("name=",), _PAIR, _quoted_stars),
    (("name=",), _TURNED, _quoted_stars),
    (("=", ":"), _LINE, _stars),
    (("`",), _QUOTED, _stars),
    (("`",), _IS, _stars),
    (("=", ":"), _KEY, _stars),
    (("basic", "bearer"), _SCHEME, _stars),
    (("-",), _ARGUMENT, _argument_stars),
)


_PLAIN = pattern(r"[A-Za-z0-9_@%+=:,./-]+")


def quoted(word: str) -> str:
    """Return `word` so that a POSIX shell reads it as one word that means itself; it never holds a line break."""
    word = "".join(c if c.isprintable() else "?" for c in word)
    if _PLAIN.fullmatch(word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"


def command(*words: str) -> str:
    """Return a command line of words, each quoted where it needs it."""
    return " ".join(word if word.startswith("--") and _PLAIN.fullmatch(word) else quoted(word) for word in words)
