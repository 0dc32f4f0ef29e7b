"""Bytes, a piece at a time: of a file, or of a member of an archive.

A stream's `read` returns the next piece, an empty one at the end, and raises `Damage` where no more can be had. Nothing here holds
more than a few pieces.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

PIECE = 128 * 1024  # the decompressors are slower when they are fed more, or much less, at a time


class Damage(Exception):
    """No more bytes can be had; the message says why, as a predicate (`ends in ...`)."""


class Stream(Protocol):
    """Something to read from."""

    def read(self) -> bytes:
        """Return the next bytes, some at least; an empty piece at the end. Raises Damage."""


class Readable(Protocol):
    """A binary file, as far as it is needed here."""

    def read(self, size: int = -1, /) -> bytes: ...


class FileStream:
    """The bytes of a file. `told` is told how many have been read, after each piece."""

    def __init__(self, file: Readable, told: Callable[[int], None] | None = None) -> None:
        self._file = file
        self._told = told
        self.count = 0

    def read(self) -> bytes:
        try:
            data = self._file.read(PIECE)
        except OSError as error:
            raise Damage(f"cannot be read ({error.strerror or error})") from None
        self.count += len(data)
        if self._told is not None:
            self._told(self.count)
        return data


class Cursor:
    """A stream read by numbers of bytes. `offset` is how many have been read or skipped."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._piece = b""
        self._at = 0
        self.offset = 0

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes, fewer only at the end."""
        end = self._at + count
        if end <= len(self._piece):
            data = self._piece[self._at : end]
            self._at = end
            self.offset += count
            return data
        parts = [self._piece[self._at :]]
        missing = count - len(parts[0])
        self._piece, self._at = b"", 0
        while missing > 0:
            piece = self._stream.read()
            if not piece:
                break
            parts.append(piece[:missing])
            if len(piece) > missing:
                self._piece, self._at = piece, missing
            missing -= len(parts[-1])
        data = b"".join(parts)
        self.offset += len(data)
        return data

    def peek(self, count: int) -> bytes:
        """Return the next `count` bytes without moving on."""
        data = self.take(count)
        self.put_back(data)
        return data

    def put_back(self, data: bytes) -> None:
        """Make `data`, which was just read, the next to be read."""
        self._piece, self._at = data + self._piece[self._at :], 0
        self.offset -= len(data)

    def some(self, most: int) -> bytes:
        """Return the next bytes, one piece at the most and `most` at the most; an empty piece at the end."""
        if self._at == len(self._piece):
            self._piece, self._at = self._stream.read(), 0
        return self.take(min(most, len(self._piece) - self._at))

    def skip(self, count: int) -> int:
        """Move on by `count` bytes and return how many there were."""
        left = count - (len(self._piece) - self._at)
        if left <= 0:
            self._at += count
            self.offset += count
            return count
        self._piece, self._at = b"", 0
        self.offset += count - left
        while left > 0:
            piece = self._stream.read()
            if not piece:
                return count - left
            if len(piece) > left:
                self._piece, self._at = piece, left
            step = min(left, len(piece))
            self.offset += step
            left -= step
        return count


class CursorStream:
    """What is left at a cursor, as a stream."""

    def __init__(self, cursor: Cursor, count: int | None = None) -> None:
        self._cursor = cursor
        self._left = count

    def read(self) -> bytes:
        data = self._cursor.some(PIECE if self._left is None else min(self._left, PIECE)) if self._left != 0 else b""
        if self._left is not None:
            if not data and self._left:
                raise Damage("ends in the middle of a member")
            self._left -= len(data)
        return data
