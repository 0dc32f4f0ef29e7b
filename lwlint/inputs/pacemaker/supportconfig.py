"""`ha.txt` of SUSE's supportconfig, the text -> what each command printed and each file held, with their places.

After supportutils 3.0 to 3.2 (`bin/supportconfig`: `log_cmd`, `conf_files`): a line `#==[ Command ]====#` or
`#==[ Configuration File ]====#`, then `# COMMAND` or `# PATH`, then the text.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from msgspec import Struct

_BEGINS = re.compile(r"\A\s*(?:=+\s+Support Utilities - Supportconfig\b|#==\[ )")
_HEADING = re.compile(r"^#==\[ [^\]\n]+ \]=+#[ \t\r]*\n# (?P<what>[^\n]*?)[ \t\r]*\n", re.MULTILINE)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_NOT_THERE = re.compile(r" - (?:File not found|not found|empty)", re.IGNORECASE)


class Part(Struct, frozen=True):
    """What one command printed, or one file held: `what` is the command line without the folder of its program, or a path."""

    what: str
    start: int
    end: int


def is_supportconfig(head: str) -> bool:
    """Return whether a text that begins so is a file of supportconfig."""
    return _BEGINS.match(head) is not None


def parts(text: str) -> Iterator[Part]:
    """Yield the parts of a file of supportconfig that hold anything, in their order."""
    headings = list(_HEADING.finditer(text))
    for match, end in zip(headings, [*(each.start() for each in headings[1:]), len(text)]):
        what = match["what"]
        program, blank, rest = what.partition(" ")
        what = what if what.endswith(program) and not blank else posixpath.basename(program) + blank + rest
        if text[match.end() : end].strip() and not _NOT_THERE.search(what):
            yield Part(what, match.end(), end)


def only(text: str, part: Part) -> str:
    """Return a text of one part alone, behind as many lines as stand before it, so that each line keeps its number.

    An XML declaration must stand first, and goes.
    """
    inside = _DECLARATION.sub("", text[part.start : part.end]).rstrip()
    return "\n" * text.count("\n", 0, part.start) + inside + "\n"


def printed(text: str, *commands: str) -> str:
    """Return what the first of `commands` printed that is there, on its lines; the text itself where it is no file of supportconfig."""
    if not is_supportconfig(text):
        return text
    found = {part.what: part for part in reversed(list(parts(text)))}
    return next((only(text, found[command]) for command in commands if command in found), "")
