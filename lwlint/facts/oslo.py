"""Facts about oslo.config options: the option sets that programs read, and what is effective in each."""

from __future__ import annotations

from typing import ClassVar

from lwlint.record import dataclass
from lwlint.source import Span, Text

FILE, ENVIRONMENT = "file", "environment"
DEFAULT = "DEFAULT"


@dataclass(frozen=True)
class Option:
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


@dataclass(frozen=True)
class OptionFiles:
    """The files that one program (or several, with the same ones) reads, in load order: an option set.

    `name` is unique in the run. `complete` tells that every layer could be seen; it is false where a distribution's
    own file below `/usr/share` may lie underneath. `partial` marks a file that a program reads on top of others which
    are not known. `read` is false for files that none of the given units reads. `refused` is the first
    file that oslo.config refuses: the program does not start, and the set has no options. `missing` are files
    that a unit names and that were not given.
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
