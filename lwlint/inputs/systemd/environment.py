"""The environment of a unit, and what systemd makes of `$VARIABLES` in its command lines.

Sources: systemd.exec(5), "Environment", and systemd.service(5), "Command lines": `${NAME}` is replaced inside a word, `$NAME` as a word
of its own is split at blanks; a variable that is not set is empty. What files set beats what `Environment=` sets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lwlint.inputs.systemd.programs import split

_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>.*)", re.DOTALL)
_BRACED = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>[A-Za-z_]\w*)\})")
_WORD = re.compile(r"\$([A-Za-z_]\w*)")


def assignments(value: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values of one `Environment=`."""
    for word in split(value):
        match = _ASSIGNMENT.fullmatch(word)
        if match:
            yield match["name"], match["value"]


def read_file(text: str) -> dict[str, str]:
    """Return the variables that an `EnvironmentFile=` sets: a line each, comments and lines without `=` left out, quotes taken off."""
    found: dict[str, str] = {}
    for line in re.sub(r"\\\r?\n", "", text).splitlines():
        match = _ASSIGNMENT.fullmatch(line.strip())
        if match and not line.lstrip().startswith(("#", ";")):
            found[match["name"]] = _unquoted(match["value"].strip())
    return found


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def names(words: list[str]) -> set[str]:
    """Return the variables that these words of a command line use."""
    found = set()
    for word in words:
        whole = _WORD.fullmatch(word)
        if whole:
            found.add(whole[1])
        found |= {match["name"] for match in _BRACED.finditer(word) if match["name"]}
    return found


def expanded(words: list[str], variables: Mapping[str, str]) -> list[str]:
    """Return the words of a command line with their variables replaced."""
    found: list[str] = []
    for word in words:
        whole = _WORD.fullmatch(word)
        if whole:
            found += split(variables.get(whole[1], ""))
        else:
            found.append(_BRACED.sub(lambda match: "$" if match["escaped"] else variables.get(match["name"], ""), word))
    return found
