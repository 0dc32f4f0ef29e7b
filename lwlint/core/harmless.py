"""What others wrote, made harmless: text steers no terminal, CI log, spreadsheet or shell that it lands in, and a number is one."""

from __future__ import annotations

import re

from lwlint.core.lazy import pattern

_MARK = "\ufffd"
_OPENS = frozenset("-+~^ts")  # how what opens a group begins
# `##vso[` and `##[` of Azure, `##teamcity[`, `##[` of GitHub: commands wherever they stand in a line
_COMMAND = pattern(r"#(?=#[\w.-]*\[)")
_AT_START = pattern(r"^(\s*)(?=::)")  # of GitHub: a command where a line begins with it, blanks left aside
_AT_STARTS = pattern(r"^([^\S\n]*):(?=:)", re.MULTILINE)
# of Buildkite (`--- x` opens a group, `+++ x` and `~~~ x` too), Travis CI and GitLab: at the very beginning of a line
_GROUP = r"(?=(?:---|\+\+\+|~~~|\^\^\^) |travis_(?:fold|time):|section_(?:start|end):)"
_GROUP_AT_START = pattern("^" + _GROUP)
_GROUPS_AT_STARTS = pattern("^" + _GROUP + "(.)", re.MULTILINE)
_FORMULA = pattern(r"^(?=\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])|(?<=[;\t|])(?=[^\S\t]*[=+\-@\uff1d\uff0b\uff0d\uff20])")
# what is not printable: C1, blanks of other widths, marks that turn the direction of text, what takes no room
_UNSEEN = pattern(
    "[\x7f-\xa0\xad\u0600-\u0605\u061c\u06dd\u070f\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def count_of(number: int, noun: str) -> str:
    """Return `1 error`, `2 errors`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def safe(text: str) -> str:
    """Return `text`, a piece of a line, with tabs as blanks, and U+FFFD where it would steer a terminal or a CI runner."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else "    " if c == "\t" else _MARK for c in text)
    return _COMMAND.sub("#" + _MARK, text) if "##" in text else text


def line(text: str) -> str:
    """Return `text`, a whole line without its break, that is no command to a CI runner either."""
    text = _commanding(text)
    return _MARK + text if text[:1] in _OPENS and _GROUP_AT_START.match(text) else text


def _commanding(text: str) -> str:
    """Return `text`, a whole line or what follows the first character of one, with no command in it."""
    text = safe(text)
    return _AT_START.sub(lambda match: match.group() + _MARK, text) if "::" in text else text


def tame(text: str) -> str:
    """Return the lines of `text`, each as `line` has it."""
    return "\n".join(map(line, text.split("\n")))


def is_harmless(text: str) -> bool:
    """Return whether `text`, one line, is shown as it is behind the sign of a diff; a carriage return at its end is its break."""
    text = text.rstrip("\r\n").replace("\t", " ")
    return _commanding(text) == text


def escape_json(json: str) -> str:
    """Return the text of a JSON document that says the same in characters that can be seen, and is no command to a CI runner."""
    if not json.isascii() or "\x7f" in json:
        json = _UNSEEN.sub(_escape, json)
    return _COMMAND.sub(r"\\u0023", json) if "##" in json else json


def _escape(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def write_references(xml: str) -> str:
    """Return escaped text of XML or HTML with references in place of what cannot be seen, and of the beginning of a runner's command."""
    if not xml.isascii() or "\x7f" in xml:
        xml = _UNSEEN.sub(lambda match: f"&#{ord(match.group())};", xml)
    xml = _COMMAND.sub("&#35;", xml) if "##" in xml else xml
    xml = _GROUPS_AT_STARTS.sub(lambda match: f"&#{ord(match[1])};", xml)
    return _AT_STARTS.sub(r"\1&#58;", xml) if "::" in xml else xml


def cell(text: str) -> str:
    """Return a cell of a table that no spreadsheet takes for a formula, whatever it takes for the end of a cell."""
    return _FORMULA.sub("'", text)


_PLAIN = pattern(r"[A-Za-z0-9_@%+=:,./-]+")


def quote(word: str) -> str:
    """Return `word` so that a POSIX shell reads it as one word that means itself; it never holds a line break."""
    word = "".join(c if c.isprintable() else "?" for c in word)
    if _PLAIN.fullmatch(word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"


def command(*words: str) -> str:
    """Return a command line of words, each quoted where it needs it."""
    return " ".join(word if word.startswith("--") and _PLAIN.fullmatch(word) else quote(word) for word in words)


# `int` raises for `²`, which `str.isdigit` takes for a digit, and for more than 4300 digits
LARGEST = 10**30  # stands for all that is larger
_DIGITS = 30


def whole(text: str) -> int | None:
    """Return the whole number that `text` is, with one sign or none; None for all else. One with more digits than 30 is LARGEST."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits.isdecimal():
        return None
    digits = digits.lstrip("0") or "0"
    found = int(digits) if len(digits) <= _DIGITS else LARGEST
    return -found if text[0] == "-" else found
