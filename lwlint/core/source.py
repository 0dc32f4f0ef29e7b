"""Where a thing was read: sources, spans, and text that knows its span."""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate, count
from operator import add
from typing import NamedTuple

from msgspec import Struct

from lwlint.core.lazy import pattern

_LINE_BREAK = pattern(r"\r\n|\n|\r")


class Span(NamedTuple):
    """A piece of one source.

    `path` is the source's path as shown to the user; `start` and `end` count characters of the
    decoded text (a byte order mark is one character), end excluded.
    """

    path: str
    start: int
    end: int


class Text(NamedTuple):
    """A scalar with the place it was read from."""

    value: str
    span: Span


class Position(NamedTuple):
    """A place as a person reads it: line and column, both from 1."""

    line: int
    column: int


class Source(Struct, frozen=True, dict=True):
    """One input file or archive member.

    `path` is relative to where lwlint runs, with `/`; `text` holds every character of the file,
    a byte order mark and carriage returns included. `root` is the part of the path in front of
    `etc/`, `usr/`, `run/`, `lib/` or `var/` when the file lies in a host's file system tree
    (ends with `/`, or is empty), and `host` the name of that host (empty where there is one only).
    A source that is not `judged` was read only because another one refers to it.
    """

    path: str
    text: str
    kind: str
    host: str = ""
    root: str = ""
    judged: bool = True

    def __repr__(self) -> str:
        return f"<Source {self.path!r}: {self.kind}, {len(self.text)} characters>"  # the text may hold secrets, and be long

    def span(self, start: int, end: int) -> Span:
        """Return the span of the characters from `start` to `end` (excluded) of this source."""
        return Span(self.path, start, end)

    def line_starts(self) -> list[int]:
        """Return the offset of the first character of each line; `\\n`, `\\r\\n` and `\\r` end lines."""
        starts = self.__dict__.get("_starts")
        if starts is None:
            if "\r" in self.text:
                starts = [0, *(m.end() for m in _LINE_BREAK.finditer(self.text))]
            else:  # each line with what is before it, and the breaks between
                lengths = map(len, self.text.split("\n")[:-1])
                starts = [0, *map(add, accumulate(lengths), count(1))]
            self.__dict__["_starts"] = starts
        return starts

    def position(self, offset: int) -> Position:
        """Return the line and column of `offset`; a byte order mark takes no column."""
        starts = self.line_starts()
        line = bisect_right(starts, offset)
        column = offset - starts[line - 1] + 1
        if line == 1 and column > 1 and self.text[:1] == "\ufeff":
            column -= 1
        return Position(line, column)

    def line(self, number: int) -> str:
        """Return the text of line `number` (from 1) without its line break."""
        starts = self.line_starts()
        end = starts[number] if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r\n").lstrip("\ufeff" if number == 1 else "")


def beginning(span: Span, sources: Mapping[str, Source]) -> Position:
    """Return where a span begins: the first character of a source that is not among the `sources`."""
    source = sources.get(span.path)
    return source.position(span.start) if source is not None else Position(1, 1)


class Link(Struct, frozen=True):
    """A symbolic link in a host's file system tree; `target` is as written in the link."""

    path: str
    target: str
    host: str = ""
    root: str = ""
