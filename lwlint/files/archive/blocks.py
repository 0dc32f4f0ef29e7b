"""The blocks of an .xz archive, unpacked by two threads at a time: what comes out is what the reading as one stream brings.

Nothing that could be wrong is judged here: an index that lies, a block that is damaged, a dictionary that is too large lead back to
the stream, which is read from the start and says what there is to say. Nothing is handed out before so much is unpacked behind it
that the stream, which loses a piece where it meets damage, is sure to hand it out too.
"""

from __future__ import annotations

import os
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from lwlint.files.archive.unpack import PIECE, Bounds, FileStream, Readable, Stream
from lwlint.files.archive.unpack import unpacked as unpacked_stream

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


_DECODERS = 2  # each has a dictionary in memory
_MEMORY = 10 * 1024 * 1024  # bytes that a decoder may take: that of `xz -6` takes 9 MiB, those above are left to the stream
_AHEAD = 24 * 1024 * 1024  # bytes that are unpacked before their turn: a block of `xz -6 -T2`
_QUEUED = 8 * PIECE  # bytes of the block whose turn it is


def in_blocks(file: Readable, told: Callable[[int], None] | None, bounds: Bounds) -> Blocks | None:
    """Return the unpacked bytes of `file` where that is an .xz of several blocks; None where it is to be read as a stream."""
    fileno = getattr(file, "fileno", None)
    if fileno is None or not hasattr(os, "pread"):
        return None
    try:
        handle: int = fileno()
        if os.pread(handle, len(MAGIC), 0) != MAGIC:
            return None
        found = layout(handle)
    except OSError:  # of what has no handle, or cannot be read: the stream says so
        return None
    if found is None or len(found.blocks) < 2 or _is_suspect(found, bounds):
        return None
    try:
        return Blocks(file, handle, found, told, bounds)
    except RuntimeError:  # no more threads to be had
        return None


def _is_suspect(found: Layout, bounds: Bounds) -> bool:
    """Return whether the stream might take it for a bomb: more in a block and those before it than the bytes before it allow for."""
    total = 0
    for block in found.blocks:
        total += block.unpacked
        if total > bounds.most or total > max(bounds.free, bounds.ratio * block.offset):
            return True
    return False


class _Queue:
    """What was unpacked of one block and not yet taken; `over` when nothing more comes, `failed` when that is for a reason."""

    def __init__(self) -> None:
        self.pieces: deque[bytes] = deque()
        self.bytes = 0
        self.over = self.failed = False


class Blocks:
    """A stream, to be closed, of the unpacked bytes of all blocks in their order."""

    def __init__(self, file: Readable, handle: int, found: Layout, told: Callable[[int], None] | None, bounds: Bounds) -> None:
        self._file, self._handle, self._layout, self._told, self._bounds = file, handle, found, told, bounds
        self._changed = threading.Condition()
        self._queues: dict[int, _Queue] = {}
        self._next = self._turn = 0  # the block that is begun next, and the one whose bytes are handed out
        self._packed = self._waiting = 0
        self._closed = False
        self._held: deque[bytes] = deque()
        self._behind = 0  # bytes that are held
        self._given = 0
        self._stream: Stream | None = None
        self._threads: list[threading.Thread] = []
        try:
            for _ in range(_DECODERS):
                thread = threading.Thread(target=self._decode, daemon=True)
                thread.start()
                self._threads.append(thread)
        except RuntimeError:
            self.close()
            raise

    def close(self) -> None:
        """End the threads; the file may be closed then."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def read(self) -> bytes:
        while self._stream is None:
            if self._held and (self._behind - len(self._held[0]) >= PIECE or self._turn == len(self._layout.blocks)):
                piece = self._held.popleft()
                self._behind -= len(piece)
                self._given += len(piece)
                return piece
            if self._turn == len(self._layout.blocks):
                return b""
            if self._take():
                self._stream = self._whole_stream()
        return self._stream.read()

    def _take(self) -> bool:
        """Take the next piece, or go on to the next block; return True where its block failed."""
        with self._changed:
            queue = self._queues.setdefault(self._turn, _Queue())
            while not (queue.pieces or queue.over):
                self._changed.wait()
            if queue.pieces:
                piece = queue.pieces.popleft()
                queue.bytes -= len(piece)
                self._waiting -= len(piece)
                self._held.append(piece)
                self._behind += len(piece)
            elif queue.failed:
                return True
            else:
                del self._queues[self._turn]
                self._turn += 1
            self._changed.notify_all()
            packed = self._packed if self._turn < len(self._layout.blocks) else self._layout.size
        if self._told is not None:
            self._told(packed)
        return False

    def _whole_stream(self) -> Stream:
        """Return the file read as one stream, behind what was handed out already. Raises Damage."""
        self.close()
        self._queues.clear()
        self._held.clear()
        stream, _ = unpacked_stream(FileStream(self._file, self._told), self._bounds)
        assert stream is not None  # it begins as .xz, and that there is something that unpacks it is known
        return _Rest(stream, self._given)

    def _decode(self) -> None:
        """Unpack one block after the other, as long as there are some."""
        import lzma

        while True:
            with self._changed:
                number = self._next
                if self._closed or number == len(self._layout.blocks):
                    return
                self._next += 1
                queue = self._queues.setdefault(number, _Queue())
            fine = False
            try:
                decoder = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_MEMORY)
                fine = self._unpack(number, queue, decoder)
            except (lzma.LZMAError, EOFError, OSError, MemoryError, ValueError):
                pass  # the stream tells it
            finally:
                with self._changed:
                    queue.over, queue.failed = True, not fine
                    self._changed.notify_all()
            if not fine:
                return

    def _unpack(self, number: int, queue: _Queue, decoder: object) -> bool:
        """Unpack a block into its queue; return whether all of it was as the index says, which the decoder compares."""
        for data in self._bytes(self._layout.blocks[number]):
            while True:
                found: bytes = decoder.decompress(data, PIECE)  # type: ignore[attr-defined]
                if found and not self._put(number, queue, found):
                    return False
                if decoder.eof or decoder.needs_input:  # type: ignore[attr-defined]
                    break
                data = b""
        return bool(decoder.eof) and not decoder.unused_data  # type: ignore[attr-defined]

    def _bytes(self, block: Block) -> Iterator[bytes]:
        yield self._layout.before()
        at, end = block.offset, block.offset + block.size
        while at < end:
            data = os.pread(self._handle, min(PIECE, end - at), at)
            if not data:
                raise EOFError
            at += len(data)
            with self._changed:
                self._packed += len(data)
            yield data
        yield self._layout.behind(block)

    def _put(self, number: int, queue: _Queue, piece: bytes) -> bool:
        """Add a piece when there is room for it; return False where nobody wants it any more."""
        with self._changed:
            while not self._closed and not (
                self._waiting < _AHEAD if number != self._turn else queue.bytes < _QUEUED or self._waiting < _AHEAD
            ):
                self._changed.wait()
            queue.pieces.append(piece)
            queue.bytes += len(piece)
            self._waiting += len(piece)
            self._changed.notify_all()
            return not self._closed


class _Rest:
    """A stream without its first `count` bytes."""

    def __init__(self, stream: Stream, count: int) -> None:
        self._stream = stream
        self._count = count

    def read(self) -> bytes:
        while True:
            piece = self._stream.read()
            if len(piece) > self._count:
                piece, self._count = piece[self._count :], 0
                return piece
            if not piece:
                return piece
            self._count -= len(piece)
