"""Option sets as checks look at them: the files of one program, and the options that are effective in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from msgspec import Struct

from lwlint.core.facts import LAST_OF_TRIPLEO, LATER, RELEASES, Facts, Release
from lwlint.core.lazy import pattern
from lwlint.core.source import Span, Text

FILE, ENVIRONMENT = "file", "environment"
DEFAULT = "DEFAULT"


class Option(Struct, frozen=True):
    """One effective option of an option set.

    `section` is normalised as oslo.config compares it: lower case, and `DEFAULT` only where it is spelled so.
    `value` is the winning text as oslo.config sees it, `span` its place (the key's, if the value is empty).
    `beaten` are the values that it overrides, last first; `values` is what a multi-valued option would hold;
    `continued` are the indented lines that the value goes on in. `sets` names the `OptionFiles` in which exactly this
    is effective, `origin` tells whether a file or the environment (of the unit `file`) sets it;
    `written` is the section as it is spelled there.
    """

    kind: ClassVar[str] = "option"
    name: str
    section: str
    option: str
    value: str
    span: Span
    key: Span
    file: str
    project: str = ""
    sets: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    beaten: tuple[Text, ...] = ()
    values: tuple[str, ...] = ()
    continued: tuple[Text, ...] = ()
    origin: str = FILE
    written: str = ""
    host: str = ""


class OptionFiles(Struct, frozen=True):
    """The files that one program (or several, with the same ones) reads, in load order: an option set.

    `name` is unique in the run. `complete` tells that every layer could be seen; it is false where a distribution's
    own file below `/usr/share` may lie underneath. `partial` marks a file that a program reads on top of others which
    are not known. `read` is false for files that none of the given units reads. `refused` is the first
    file that oslo.config refuses: the program does not start, and the set has no options. `missing` are files
    that a unit names and that were not given. `untold` is why its files and environment are not known for certain, or empty. `known`
    tells that its program is one whose options are known, or that its files have a section that tells.
    """

    kind: ClassVar[str] = "option_files"
    name: str
    span: Span
    project: str
    program: str
    files: tuple[str, ...]
    services: tuple[str, ...] = ()
    complete: bool = True
    partial: bool = False
    read: bool = True
    refused: str | None = None
    missing: tuple[str, ...] = ()
    host: str = ""
    untold: str = ""
    known: bool = True


Name = tuple[str, str]  # section, option

_TRUE, _FALSE = ("true", "1", "on", "yes"), ("false", "0", "off", "no")
_REFERENCE = pattern(r"\$(?:(?P<escaped>\$)|(?P<named>[_a-z][._a-z0-9]*)|\{(?P<braced>[_a-z][._a-z0-9]*)\})", re.IGNORECASE)


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


def substitute(value: str, section: str, lookup: Callable[[Name], str | None]) -> str:
    """Return `value` of an option in `section` with its `$references` replaced, `$$` and `\\$` being a plain `$`.

    `lookup` returns the text of a registered option, None for one that is not known; then Unresolved is raised
    (the real program fails, if no such option is registered).
    """

    def replace(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        reference = match["named"] or match["braced"]
        group, _, option = reference.partition(".")
        if option and group == DEFAULT:
            raise Unresolved(reference)  # the options of no group are in no group that a reference could name
        found = lookup((group, option)) if option else lookup((section, reference))
        if found is None:
            found = lookup((DEFAULT, reference))
        if found is None:
            raise Unresolved(reference)
        return found

    if "$" not in value:
        return value
    return _REFERENCE.sub(replace, value.replace("\\$", "$$"))


class OptionSet(Struct, frozen=True):
    """One option set: its files, and its effective options by section and name."""

    files: OptionFiles
    options: Mapping[Name, Option]

    def choose(self, names: Iterable[Name]) -> Option | None:
        """Return the option that wins among the `names` of one option: the current one first, then old ones as declared.

        Within a file the earlier name wins, whatever the order of the lines; a later file beats an earlier one
        even with an old name. Old names are not looked up in the environment.
        """
        found: Option | None = None
        best = -1
        for i, name in enumerate(names):
            option = self.options.get(name)
            if option is None or (i > 0 and option.origin == ENVIRONMENT):
                continue
            layer = self._layer(option)
            if layer > best:
                found, best = option, layer
        return found

    @property
    def elsewhere(self) -> str:
        """The group that names where the program takes options from that its files lack (`config_source`); empty for none.

        What is at its URI is not known here. It is read from rocky on, and never beats a file or the environment.
        """
        named = self.options.get((DEFAULT, "config_source"))
        for group in named.value.split(",") if named is not None else ():
            driver = self.options.get((normal(group.strip()), "driver"))
            if driver is not None and driver.value.strip():
                return group.strip()
        return ""

    def _layer(self, option: Option) -> int:
        files = self.files.files
        return len(files) if option.origin == ENVIRONMENT else len(files) - 1 - files[::-1].index(option.file)


def option_sets(facts: Facts) -> list[OptionSet]:
    """Return all option sets, in the order of their files."""
    members: dict[str, dict[Name, Option]] = {}
    for option in facts.of(Option):
        for name in option.sets:
            members.setdefault(name, {})[(option.section, option.option)] = option
    return [OptionSet(files, members.get(files.name, {})) for files in facts.of(OptionFiles)]


def needs_option_files(facts: Facts, _: object) -> str | None:
    """Return what is missing for a check of options: a file that an OpenStack program reads; None if there is one."""
    files = facts.of(OptionFiles)
    if not files:
        return "no oslo.config option file was given"
    return None if any(each.known or each.refused is not None for each in files) else "no option file of a program that is known was given"


def applies(release: Release, since: str | None, until: str | None) -> bool:
    """Return whether `release` may lie between `since` and `until` (both included); one that is not known may be any."""
    if release.name is None:
        return True
    number = RELEASES.index(release.name)
    if since is not None and number < (RELEASES.index(LAST_OF_TRIPLEO) + 1 if since == LATER else RELEASES.index(since)):
        return False
    return until is None or until == LATER or number <= RELEASES.index(until)
