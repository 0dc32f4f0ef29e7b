"""systemd unit files and drop-ins -> located sections and assignments, by systemd's own grammar.

The grammar is that of systemd 252 (systemd.syntax(7), and what `systemd --test` does with the rest); it has not changed since 219 but for
`.include`, which went in 246.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from msgspec import Struct

from lwlint.core.kind import Piece
from lwlint.core.source import Source, Text

LONGEST_LINE = 1024 * 1024  # bytes; systemd refuses a file with a longer one, or a longer joined one
_BLANK = " \t\n\r"
_LINE = re.compile(r"([^\n\r\0]*)((?:\n\r?|\r\n?)\0?|\0|\Z)")
_WORD = re.compile(rf"[^{_BLANK}]+")
_UNSAFE = re.compile("[\x01-\x1f\x7f\"'\\\\]")
_NONCHARACTERS = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
_NOT_UTF8 = re.compile(f"[\ud800-\udfff\ufdd0-\ufdef{_NONCHARACTERS}]")


class Assignment(Struct, frozen=True):
    """One `key=value`, in the section `section` (empty: before any section header).

    `words` are the words of a value that goes on over several lines, each where it stands; empty for any other value.
    """

    section: str
    key: Text
    value: Text
    words: tuple[Text, ...] = ()


class Stray(Struct, frozen=True):
    """A line that assigns nothing, and why; `section` is the one it stands in."""

    section: str
    text: Text
    because: str


class UnitText(Struct, frozen=True):
    """One unit file or drop-in as systemd reads it, before it knows what the keys mean.

    `lines` holds assignments and strays in file order. `stop` is where systemd gives up the file, with the reason:
    what stands above it counts, what stands below is never read.
    """

    path: str
    empty: bool
    sections: tuple[Text, ...] = ()
    lines: tuple[Assignment | Stray, ...] = ()
    stop: Stray | None = None


class _Logical(Struct, frozen=True):
    """A line with its continuations joined; its part at offset `at[i]` of `text` stands at `starts[i]` of the source."""

    text: str
    at: tuple[int, ...]
    starts: tuple[int, ...]
    too_long: bool = False

    def offset(self, index: int) -> int:
        """Return the offset in the source of the character at `index`."""
        part = bisect_right(self.at, index) - 1
        return self.starts[part] + index - self.at[part]

    def piece(self, source: Source, start: int, end: int) -> Text:
        """Return the characters from `start` to `end` of the joined line, without the blanks around them, as Text."""
        word = self.text[start:end]
        start += len(word) - len(word.lstrip(_BLANK))
        word = word.strip(_BLANK)
        first = self.offset(start)
        return Text(word, source.span(first, self.offset(start + len(word) - 1) + 1 if word else first))


def read(source: Source) -> UnitText:
    """Return the sections and assignments of `source`; never raises, whatever the text is."""
    section = ""
    sections: list[Text] = []
    lines: list[Assignment | Stray] = []
    for logical in _logical_lines(source.text):
        line = logical.piece(source, 0, len(logical.text))
        reason = _refusal(line.value, logical.too_long)
        if reason:
            return UnitText(source.path, not source.text, tuple(sections), tuple(lines), Stray(section, line, reason))
        if line.value.startswith("["):
            section = line.value[1:-1]
            sections.append(Text(section, line.span))
        elif line.value:
            lines.append(_assignment(source, logical, line, section))
    return UnitText(source.path, not source.text, tuple(sections), tuple(lines))


def _assignment(source: Source, logical: _Logical, line: Text, section: str) -> Assignment | Stray:
    equals = logical.text.find("=")
    if equals < 0:
        return Stray(section, line, "it has no `=`")
    key = logical.piece(source, 0, equals)
    if not key.value:
        return Stray(section, line, "it has no key in front of `=`")
    words = [logical.piece(source, *word.span()) for word in _WORD.finditer(logical.text, equals + 1)] if len(logical.starts) > 1 else ()
    return Assignment(section, key, logical.piece(source, equals + 1, len(logical.text)), tuple(words))


def _refusal(line: str, too_long: bool) -> str:
    """Return why systemd stops reading at this line, or an empty string."""
    if too_long:
        return "line is longer than 1 MiB"
    if _NOT_UTF8.search(line):
        return "line is not UTF-8"
    if line.startswith("["):
        if not line.endswith("]") or len(line) < 2:
            return f"section header `{line}` does not end in `]`"
        if _UNSAFE.search(line[1:-1]):
            return f"section header `{line}` has a character that is not allowed in one"
    return ""


def _physical_lines(text: str) -> Iterator[tuple[str, int]]:
    """Yield each line with its offset; a NUL ends a line too, and `\\n\\r` is one line break."""
    bom_seen = False
    for match in _LINE.finditer(text):
        line, start = match.group(1), match.start()
        if start == len(text):
            return
        if not bom_seen and line.startswith("\ufeff"):
            bom_seen = True
            line, start = line[1:], start + 1
        yield line, start


def _logical_lines(text: str) -> Iterator[_Logical]:
    parts: list[str] = []
    starts: list[int] = []
    size = 0
    for line, start in _physical_lines(text):
        if line.lstrip(_BLANK)[:1] in ("#", ";") and text[start - 1 : start] != "\ufeff":
            continue
        continued = (len(line) - len(line.rstrip("\\"))) % 2 == 1
        parts.append(line[:-1] + " " if continued else line)
        starts.append(start)
        length = len(line.encode("utf-8", "surrogateescape"))
        size += length
        if length >= LONGEST_LINE or size > LONGEST_LINE:
            yield _joined([parts[0][:80]], starts[:1], too_long=True)
            return
        if not continued:
            yield _joined(parts, starts)
            parts, starts, size = [], [], 0
    if parts:
        yield _joined(parts, starts)


def _joined(parts: list[str], starts: list[int], *, too_long: bool = False) -> _Logical:
    at = accumulate((len(part) for part in parts[:-1]), initial=0)
    return _Logical("".join(parts), tuple(at), tuple(starts), too_long)


def read_blocks(source: Source) -> Iterator[Piece]:
    """Yield the assignments and the sections of a unit or drop-in."""
    settings = read(source)
    heads = [section.span.start for section in settings.sections]
    yield from ((line.key.span.start, line.value.span.end) for line in settings.lines if isinstance(line, Assignment))
    yield from zip(heads, [*heads[1:], len(source.text) + 1])
