"""The command lines of systemd services: which programs an `Exec...=` line runs, and when systemd refuses it.

Sources: systemd.service(5), "Command lines"; systemd 252 in test mode.
"""

from __future__ import annotations

import re

from lwlint.parse.unit_values import first_word
from lwlint.record import dataclass

_BLANK = " \t\n\r"


@dataclass(frozen=True)
class Commands:
    """The commands of one `Exec...=` line. `fatal` tells why systemd refuses the whole unit for it."""

    programs: tuple[str, ...] = ()
    fatal: str = ""
    ignored: str = ""


def commands(text: str) -> Commands:
    """Return the programs that one `ExecStart=` (or relative) runs, parted by ` ; `."""
    programs: list[str] = []
    at = 0
    while 0 <= at < len(text):
        found = first_word(text, at)
        if found is None:
            return Commands(tuple(programs), ignored="a quote is not closed")
        word, at = found
        if word == ";" or at < 0:
            continue
        marks = re.match(r"[-@:+!]*", word)
        prefix = marks[0] if marks else ""
        program, ignorable = word[len(prefix) :], "-" in prefix
        why = _program_refused(program)
        end = _arguments(text, at)
        if not why and end is None:
            why = "a quote is not closed"
        if why:
            return Commands(tuple(programs), ignored=why) if ignorable else Commands(tuple(programs), fatal=why)
        programs.append(program)
        at = end if end is not None else -1
    return Commands(tuple(programs))


def _arguments(text: str, at: int) -> int | None:
    """Return the offset behind the arguments that start at `at`; None if a quote is not closed."""
    while at < len(text):
        if text[at] == ";" and (at + 1 == len(text) or text[at + 1] in _BLANK):
            return at + 1
        found = first_word(text, at)
        if found is None:
            return None
        at = found[1] if found[1] >= 0 else len(text)
    return at


def _program_refused(program: str) -> str:
    if not program:
        return "it names no program"
    if re.search("[\x00-\x1f\x7f\"'\\\\]", program):
        return f"`{program}` has a character that no program may have"
    if program.endswith("/"):
        return f"`{program}` is a folder"
    if not program.startswith("/") and ("/" in program or program in (".", "..")):
        return f"`{program}` is neither an absolute path nor a plain name"
    return ""
