"""JSON with the place of every value, for what `podman inspect` and the like print."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]
from typing import Union

from lwlint.record import dataclass
from lwlint.source import Source, Span, Text

_DEEPEST = 200
_BLANK = re.compile(r"[ \t\r\n]*")
_WORD = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null")


class NoJson(Exception):
    """The text is no JSON; `at` is the offset where it ends to be."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True)
class Value:
    """One value. Of an object `content` is a mapping, of an array a sequence, else the text (of a string) or word as it stands."""

    content: Union[Mapping[str, Value], Sequence[Value], str]
    span: Span
    is_string: bool = False

    def get(self, *keys: str) -> Value | None:
        """Return what stands under the `keys`, one inside the other; None where there is no such thing."""
        value: Value | None = self
        for key in keys:
            value = value.content.get(key) if value is not None and isinstance(value.content, Mapping) else None
        return value

    def text(self, *keys: str) -> Text | None:
        """Return the string, number or word under the `keys`; None where there is none, or `null`."""
        value = self.get(*keys)
        if value is None or not isinstance(value.content, str) or (value.content == "null" and not value.is_string):
            return None
        return Text(value.content, value.span)

    def items(self) -> Sequence[Value]:
        """Return the entries of an array; nothing of anything else."""
        return () if isinstance(self.content, (str, Mapping)) else self.content


def read(source: Source, start: int = 0) -> Value:
    """Return the one value in the text of `source` from the offset `start` on. Raises NoJson."""
    value, end = _Reader(source).value(start, 0)
    end = _skip(source.text, end)
    if end < len(source.text):
        raise NoJson("there is more behind its end", end)
    return value


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


class _Reader:
    def __init__(self, source: Source) -> None:
        self._text = source.text
        self._path = source.path

    def value(self, at: int, depth: int) -> tuple[Value, int]:
        """Return the value at `at` or behind blanks there, and where it ends."""
        at = _skip(self._text, at)
        first = self._text[at : at + 1]
        if depth > _DEEPEST:
            raise NoJson(f"it is more than {_DEEPEST} levels deep", at)
        if first == "{":
            return self._object(at, depth)
        if first == "[":
            return self._array(at, depth)
        if first == '"':
            text, end = self._string(at)
            return Value(text, Span(self._path, at + 1, end - 1), is_string=True), end
        word = _WORD.match(self._text, at)
        if word is None:
            raise NoJson("a value is missing", at)
        return Value(word.group(), Span(self._path, at, word.end())), word.end()

    def _string(self, at: int) -> tuple[str, int]:
        try:
            found: tuple[str, int] = scanstring(self._text, at + 1, False)
        except JSONDecodeError as error:
            raise NoJson("a string does not end", error.pos) from None
        return found

    def _object(self, at: int, depth: int) -> tuple[Value, int]:
        found: dict[str, Value] = {}
        start, at = at, _skip(self._text, at + 1)
        while self._text[at : at + 1] != "}":
            if self._text[at : at + 1] != '"':
                raise NoJson("a key is missing", at)
            key, end = self._string(at)
            end = _skip(self._text, end)
            if self._text[end : end + 1] != ":":
                raise NoJson("`:` is missing", end)
            found[key], end = self.value(end + 1, depth + 1)
            at = self._next(end, "}")
        return Value(found, Span(self._path, start, at + 1)), at + 1

    def _array(self, at: int, depth: int) -> tuple[Value, int]:
        found: list[Value] = []
        start, at = at, _skip(self._text, at + 1)
        while self._text[at : at + 1] != "]":
            value, end = self.value(at, depth + 1)
            found.append(value)
            at = self._next(end, "]")
        return Value(tuple(found), Span(self._path, start, at + 1)), at + 1

    def _next(self, at: int, closing: str) -> int:
        """Return where the next entry starts, or where `closing` stands."""
        at = _skip(self._text, at)
        sign = self._text[at : at + 1]
        if sign == ",":
            at = _skip(self._text, at + 1)
            if self._text[at : at + 1] != closing:
                return at
        elif sign == closing:
            return at
        raise NoJson(f"`,` or `{closing}` is missing" if sign != "," else "a value is missing", at)
