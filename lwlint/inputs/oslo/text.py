"""Reader of oslo.config option files: every header, key and value with its span.

The grammar is that of oslo.config's own reader (the same from 3.9 to 10.7): lines as Python's text
files have them (`\\n`, `\\r\\n` and `\\r` end one, a form feed does not), trailing white space of any kind
dropped, `#` and `;` a comment only in the first column, a line that begins with a blank or a tab the
continuation of the value above, the first of `=` and `:` the end of a key, one pair of quotes around
a value's first line taken off.

One line is read otherwise: one of nothing but asterisks is what a support report's scrubbing leaves of a line that held a
secret. oslo.config would refuse it, but never saw it; it is kept apart in `masked`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from msgspec import Struct

from lwlint.core.facts import Unreadable
from lwlint.core.kind import Piece
from lwlint.core.secret import is_secret, masked
from lwlint.core.secret_names import ADDRESSES, OPTIONS_HERE
from lwlint.core.source import Source, Span, Text

_LINE = re.compile(r"\n([^#;\n].*)")  # a line that is neither empty nor a comment, with the break in front of it
_MASK = "*********"
_USER = re.compile(r"[^:;/%@\s]*(?:[:;/]|%3[aA])")  # a user, and what is written between it and its password

NO_ASSIGNMENT = "no `=` or `:` in the line"
EMPTY_KEY = "no key before `=` or `:`"
CONTINUES_NOTHING = "the line is indented, but there is no value above that it could continue"
SECTION_NOT_CLOSED = "a section header must end with `]`"
SECTION_EMPTY = "the section has no name"
BEFORE_ANY_SECTION = "the key comes before any section"
BYTE_ORDER_MARK = "the file begins with a byte order mark, which oslo.config takes as part of the first line"


class Setting(NamedTuple):
    """One assignment, kept small, for a file may hold very many.

    `value` is what oslo.config sees: quotes of the first line off, lines joined by `\\n`. Its span reaches from the first to
    the last character of the value as written, quotes included; an empty value's span is empty and lies behind the `=`.
    `continued` are the lines that continue the value.
    """

    section: Text
    name: str
    text: str
    key_start: int
    start: int
    end: int
    continued: tuple[Text, ...] = ()

    @property
    def key(self) -> Text:
        """The key as written, and where it stands."""
        return Text(self.name, Span(self.section.span.path, self.key_start, self.key_start + len(self.name)))

    @property
    def value(self) -> Text:
        """The value, and where it stands."""
        return Text(self.text, Span(self.section.span.path, self.start, self.end))


class OptionText(Struct, frozen=True):
    """One option file as read. `headers` are the section names as written, with the span of `[name]`.

    `masked` are lines that a report's scrubbing took away. `refused` tells where and why oslo.config refuses the whole
    file; the rest is then what stands above.
    """

    path: str
    headers: tuple[Text, ...]
    settings: tuple[Setting, ...]
    refused: Unreadable | None = None
    masked: tuple[Span, ...] = ()


class _Refusal(Exception):
    def __init__(self, start: int, end: int, message: str) -> None:
        super().__init__(message)
        self.start, self.end = start, end


def read(source: Source) -> OptionText:
    """Return the headers and settings of `source`, in order."""
    reader = _Reader(source)
    refused = None
    try:
        reader.read_lines()
    except _Refusal as refusal:
        at_mark = refusal.start == 0 and source.text[:1] == "\ufeff"
        message = BYTE_ORDER_MARK if at_mark else str(refusal)
        refused = Unreadable(source.path, source.span(refusal.start, refusal.end), message, source.host)
    return OptionText(source.path, tuple(reader.headers), tuple(reader.settings), refused, tuple(reader.masked))


class _Reader:
    def __init__(self, source: Source) -> None:
        self._path = source.path
        text = source.text
        if "\r" in text:  # same length, so that offsets stay true; a blank at the end of a line means nothing
            text = text.replace("\r\n", " \n").replace("\r", "\n")
        self._text = "\n" + text
        self._section: Text | None = None
        self._open: tuple[str, str, int, int, int] | None = None  # an assignment that may be continued, as in Setting
        self._continued: list[Text] = []
        self.headers: list[Text] = []
        self.settings: list[Setting] = []
        self.masked: list[Span] = []

    def _span(self, start: int, end: int) -> Span:
        return Span(self._path, start, end)

    def read_lines(self) -> None:
        """Read every line; raise _Refusal where oslo.config does."""
        after = 0  # where the line behind the last one begins
        for match in _LINE.finditer(self._text):
            start = match.start()
            line = match.group(1).rstrip()
            if self._open is not None and (start != after or not line):
                self._close()
            after = match.end()
            if not line:
                continue
            if line[0] in " \t":
                self._continue(line, start)
                continue
            if self._open is not None:
                self._close()
            if line[0] == "[":
                self._header(line, start)
            elif line == _MASK:
                self.masked.append(self._span(start, start + len(line)))
            else:
                self._assignment(line, start)
        if self._open is not None:
            self._close()

    def _continue(self, line: str, start: int) -> None:
        stripped = line.lstrip()
        end = start + len(line)
        if self._open is None:
            raise _Refusal(end - len(stripped), end, CONTINUES_NOTHING)
        self._continued.append(Text(stripped, self._span(end - len(stripped), end)))

    def _header(self, line: str, start: int) -> None:
        end = start + len(line)
        if line[-1] != "]":
            raise _Refusal(start, end, SECTION_NOT_CLOSED)
        if len(line) <= 2:
            raise _Refusal(start, end, SECTION_EMPTY)
        self._section = Text(line[1:-1], self._span(start, end))
        self.headers.append(self._section)

    def _assignment(self, line: str, start: int) -> None:
        equal, colon = line.find("="), line.find(":")
        split = equal if colon < 0 or 0 <= equal < colon else colon
        if split < 0:
            raise _Refusal(start, start + len(line), NO_ASSIGNMENT)
        key = line[:split].strip()
        if not key:
            raise _Refusal(start, start + len(line), EMPTY_KEY)
        value = line[split + 1 :].strip()
        value_end = start + len(line) if value else start + split + 1
        value_start = value_end - len(value)
        if value and value[0] in "\"'" and value[0] == value[-1]:
            value = value[1:-1]
        self._open = key, value, start + line.find(key), value_start, value_end

    def _close(self) -> None:
        assert self._open is not None
        key, value, key_start, start, end = self._open
        if self._section is None:
            raise _Refusal(key_start, key_start + len(key), BEFORE_ANY_SECTION)
        continued = tuple(self._continued)
        if continued:
            start = start if start < end else continued[0].span.start
            end = continued[-1].span.end
            value = "\n".join((value, *(line.value for line in continued)))
            self._continued.clear()
        self.settings.append(Setting(self._section, key, value, key_start, start, end, continued))
        self._open = None


def read_blocks(source: Source) -> Iterator[Piece]:
    """Yield the settings and the sections of an option file."""
    options = read(source)
    heads = [header.span.start for header in options.headers]
    yield from ((setting.key_start, setting.end) for setting in options.settings)
    yield from zip(heads, [*heads[1:], len(source.text) + 1])


def read_secrets(source: Source, names: Collection[str]) -> Iterator[Piece]:
    """Yield the places of the values of options that are secrets, with the lines that they go on in, and of passwords in odd addresses."""
    for setting in read(source).settings:
        if setting.name in ADDRESSES and "@" in setting.text:
            yield from _in_address(source.text, setting)
        elif setting.name.lower().replace("-", "_") in OPTIONS_HERE or is_secret(setting.name):
            yield setting.start, setting.end


def _in_address(text: str, setting: Setting) -> Iterator[Piece]:
    """Yield what may be a password in an address over several lines, or in one that no line shows to be one (`nova:hunter2@db`)."""
    written = text[setting.start : setting.end]
    if "\n" not in written and masked(written) != written:
        return
    begin = written.find("://") + 3 if "://" in written else 0
    end = written.rfind("@")
    user = _USER.match(written, begin, max(end, begin))
    if user is not None and user.end() < end:
        yield setting.start + user.end(), setting.start + end
