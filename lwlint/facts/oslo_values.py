"""What oslo.config makes of an option's text: numbers, switches, `$references`."""

from __future__ import annotations

import re
from collections.abc import Callable

from lwlint.facts.oslo import DEFAULT

Name = tuple[str, str]  # section, option

_TRUE, _FALSE = ("true", "1", "on", "yes"), ("false", "0", "off", "no")
_REFERENCE = re.compile(r"\$(?:(?P<escaped>\$)|(?P<named>[_a-z][._a-z0-9]*)|\{(?P<braced>[_a-z][._a-z0-9]*)\})", re.IGNORECASE)


class Unresolved(Exception):
    """A `$reference` leads to an option that is not known here; `reference` is its name."""

    def __init__(self, reference: str) -> None:
        super().__init__(reference)
        self.reference = reference


def integer(value: str) -> int | None:
    """Return `value` as IntOpt has it, None for an empty one; raise ValueError where the program would not start.

    The rules are those of Python 3's `int()`: `010`, `+5`, ` -1 ` are numbers, `0x10`, `-1.0`, `-1 # note` are not.
    """
    return int(value) if value.strip() else None


def boolean(value: str) -> bool:
    """Return `value` as BoolOpt has it; raise ValueError for anything but true/false, yes/no, on/off, 1/0."""
    word = value.lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"no boolean: {value!r}")


def normal(section: str) -> str:
    """Return a section's name as oslo.config compares it (`DEFAULT` counts only in this spelling)."""
    return section if section == DEFAULT else section.lower()


def split_name(name: str) -> Name:
    """Return `section/option` (`drivers:message_store:redis/uri`) as a pair, the section normalised."""
    section, _, option = name.rpartition("/")
    return normal(section), option


def substituted(value: str, section: str, lookup: Callable[[Name], str | None]) -> str:
    """Return `value` of an option in `section` with its `$references` replaced, `$$` and `\\$` being a plain `$`.

    `lookup` returns the text of a registered option, None for one that is not known; then Unresolved is raised
    (the real program fails, if no such option is registered).
    """

    def replace(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        reference = match["named"] or match["braced"]
        group, _, option = reference.partition(".")
        found = lookup((group, option)) if option else lookup((section, reference))
        if found is None:
            found = lookup((DEFAULT, reference))
        if found is None:
            raise Unresolved(reference)
        return found

    if "$" not in value:
        return value
    return _REFERENCE.sub(replace, value.replace("\\$", "$$"))
