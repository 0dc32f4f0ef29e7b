"""Records as bytes and back: msgpack, packed with zstd."""

from __future__ import annotations

from typing import Any, TypeVar
from zlib import crc32

import msgspec
from msgspec import Struct
from msgspec.msgpack import decode, encode

_PLAIN, _ESCAPED = b"\0", b"\1"
_FIRST = 0xDC00  # of what stands in a text for a byte that is no UTF-8, as in the names of an archive's members
_STANDING = 0x10FC00  # for private use, at the very end of Unicode: such a character is in no configuration
_LENGTH = 8  # bytes of the length of a record
_HEAD = 4  # bytes of the length of a head
_SUM = 4  # bytes of a sum of both, by which it is known whether the store still has what was written
Record = TypeVar("Record")


def packed(record: Struct | dict[str, Any] | list[Any]) -> bytes:
    """Return a record as bytes."""
    import pyarrow

    try:
        mark, data = _PLAIN, encode(record)
    except UnicodeEncodeError:
        mark, data = _ESCAPED, encode(_mapped(msgspec.to_builtins(record, builtin_types=(bytes,)), _FIRST, _STANDING))
    body: bytes = pyarrow.compress(data, codec="zstd", asbytes=True)
    return mark + len(data).to_bytes(_LENGTH, "big") + body


def unpacked(data: bytes, kind: type[Record]) -> Record:
    """Return the record of this kind that the bytes hold. Raises ValueError for what holds none."""
    import pyarrow

    size = int.from_bytes(data[1 : 1 + _LENGTH], "big")
    try:
        plain = pyarrow.decompress(memoryview(data)[1 + _LENGTH :], size, codec="zstd", asbytes=True)
    except (OSError, pyarrow.ArrowException) as error:
        raise ValueError(f"is damaged ({type(error).__name__})") from None
    if data[:1] == _PLAIN:
        return decode(plain, type=kind)
    return msgspec.convert(_mapped(decode(plain), _STANDING, _FIRST), kind, builtin_types=(bytes,))


def joined(head: bytes, body: bytes) -> bytes:
    """Return a head, so that it can be read alone, and what is behind it, in one."""
    return len(head).to_bytes(_HEAD, "big") + crc32(body, crc32(head)).to_bytes(_SUM, "big") + head + body


def head_of(data: bytes) -> bytes:
    """Return the head. Raises ValueError where the data end before it does."""
    end = _HEAD + _SUM + int.from_bytes(data[:_HEAD], "big")
    if len(data) < max(end, _HEAD + _SUM + 1):
        raise ValueError("ends in its head")
    return data[_HEAD + _SUM : end]


def parted(data: bytes) -> tuple[bytes, bytes]:
    """Return the head and the body. Raises ValueError where they are not what was joined."""
    head = head_of(data)
    body = data[_HEAD + _SUM + len(head) :]
    if crc32(body, crc32(head)) != int.from_bytes(data[_HEAD : _HEAD + _SUM], "big"):
        raise ValueError("is damaged")
    return head, body


def _mapped(value: Any, first: int, to: int) -> Any:
    if isinstance(value, str):
        return value.translate(_Table(first, to))
    if isinstance(value, dict):
        return {_mapped(key, first, to): _mapped(one, first, to) for key, one in value.items()}
    return [_mapped(one, first, to) for one in value] if isinstance(value, (list, tuple)) else value


class _Table:
    """A table for `str.translate` that moves 1,024 characters."""

    def __init__(self, first: int, to: int) -> None:
        self._first = first
        self._to = to

    def __getitem__(self, number: int) -> int:
        if self._first <= number < self._first + 0x400:
            return self._to + number - self._first
        raise LookupError
