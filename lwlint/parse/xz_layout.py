"""Where the blocks of an .xz file lie, by the index at its end: The .xz File Format, version 1.2.0.

An index is believed only where it is right in every detail that can be seen without unpacking: its checksums, its paddings, and that
the blocks it speaks of fill the file. Each block is then unpacked as a stream of its own, whose index is the block's own line.
"""

from __future__ import annotations

import os
import zlib

from lwlint.named import NamedTuple

MAGIC, _END = b"\xfd7zXZ\0", b"YZ"
_EDGE = 12  # bytes of the header and of the footer
_LONGEST = 1 << 20  # bytes of an index: some hundred thousand blocks
_LEAST = 5  # bytes of a block without its padding


class Block(NamedTuple):
    """One block: where it begins, how many bytes it has with and without padding, and how many were packed in it."""

    offset: int
    size: int
    unpadded: int
    unpacked: int


class Layout(NamedTuple):
    """The blocks of a file of one stream, and the flags of that stream; `size` is the file's."""

    flags: bytes
    blocks: tuple[Block, ...]
    size: int

    def before(self) -> bytes:
        """Return what stands before a block that is a stream by itself."""
        return MAGIC + self.flags + _checksum(self.flags)

    def behind(self, block: Block) -> bytes:
        """Return what stands behind a block that is a stream by itself: an index of this block, and the footer."""
        index = b"\0\x01" + _number(block.unpadded) + _number(block.unpacked)
        index += bytes(-len(index) % 4)
        index += _checksum(index)
        told = (len(index) // 4 - 1).to_bytes(4, "little") + self.flags
        return index + _checksum(told) + told + _END


def layout(handle: int) -> Layout | None:
    """Return where the blocks of the open file lie; None where it is not one stream of .xz with a proper index. Raises OSError."""
    size = os.fstat(handle).st_size
    head, tail = os.pread(handle, _EDGE, 0), os.pread(handle, _EDGE, max(0, size - _EDGE))
    flags = head[6:8]
    if size < 2 * _EDGE + 8 or head[:6] != MAGIC or tail[10:] != _END or tail[8:10] != flags:
        return None
    if _checksum(flags) != head[8:] or _checksum(tail[4:10]) != tail[:4]:
        return None
    length = (int.from_bytes(tail[4:8], "little") + 1) * 4
    if not 8 <= length <= min(_LONGEST, size - 2 * _EDGE):
        return None
    blocks = _blocks(os.pread(handle, length, size - _EDGE - length), size - _EDGE - length)
    return None if blocks is None else Layout(flags, blocks, size)


def _blocks(index: bytes, end: int) -> tuple[Block, ...] | None:
    """Return the blocks that an index speaks of, which fill the file up to `end`; None where it is wrong in any way."""
    body = index[:-4]
    if not body or body[0] or _checksum(body) != index[-4:]:
        return None
    numbers, rest = _numbers(body[1:])
    if not numbers or len(numbers) != 2 * numbers[0] + 1 or len(rest) > 3 or any(rest):
        return None
    blocks = []
    offset = _EDGE
    for unpadded, unpacked in zip(numbers[1::2], numbers[2::2]):
        if unpadded < _LEAST:
            return None
        blocks.append(Block(offset, unpadded + -unpadded % 4, unpadded, unpacked))
        offset += blocks[-1].size
    return tuple(blocks) if offset == end else None


def _numbers(data: bytes) -> tuple[list[int], bytes]:
    """Return the numbers at the beginning of `data`, as many as the first of them says in pairs, and what is left; none if not so many."""
    found: list[int] = []
    at = 0
    while not found or len(found) < 2 * found[0] + 1:
        value = 0
        for i in range(9):
            if at == len(data):
                return [], b""
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << (7 * i)
            if byte < 0x80:
                break
        else:
            return [], b""
        if not byte and i:
            return [], b""  # not in as few bytes as it takes
        found.append(value)
    return found, data[at:]


def _number(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "little")
