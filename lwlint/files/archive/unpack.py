"""Packed bytes -> the bytes that were packed, a piece at a time: xz, gzip, bzip2, zstd.

The decoders are those of the standard library, and for gzip isal where it is installed, which takes half the time. Each is asked for
one piece at a time, so that a bomb never lies in memory.

The blocks of an .xz archive are unpacked by two threads at a time: what comes out is what the reading as one stream brings. Nothing that
could be wrong is judged there: an index that lies, a block that is damaged, a dictionary that is too large lead back to the stream, which
is read from the start and says what there is to say. Nothing is handed out before so much is unpacked behind it that the stream, which
loses a piece where it meets damage, is sure to hand it out too.
"""

from __future__ import annotations

import importlib
import os
import re
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol, Union

XZ, GZIP, BZIP2, ZSTD = "xz", "gzip", "bzip2", "zstd"
HEAD = 512  # bytes that `of` wants to see

_MAGIC = (
    (XZ, re.compile(rb"\xfd7zXZ\0")),
    (GZIP, re.compile(rb"\x1f\x8b")),
    (BZIP2, re.compile(rb"BZh[1-9]")),
    (ZSTD, re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")),
)
# RFC 4880, 4.2 and 4.3: encrypted session keys, encrypted data, a marker, in both forms of the packet's tag
_REFUSED = (
    (re.compile(rb"-----BEGIN PGP"), "is encrypted with GnuPG (or signed in its format)"),
    (re.compile(rb"[\x84-\x86\x8c-\x8e\xa4-\xa6\xa8\xa9\xc1\xc3\xc9\xca\xd2\xd4]"), "is encrypted with GnuPG"),
    (re.compile(rb"Salted__"), "is encrypted with openssl"),
    (re.compile(rb"U2FsdGVkX1"), "is encrypted with openssl, in base64"),
    (re.compile(rb"age-encryption\.org/|-----BEGIN AGE"), "is encrypted with age"),
    (re.compile(rb"PK[\x03\x05]"), "is a zip archive"),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), "is a 7z archive"),
    (re.compile(rb"Rar!"), "is a rar archive"),
    (re.compile(rb"\x5d\0\0.{2}", re.DOTALL), "is an lzma archive of the kind before xz"),
    (re.compile(rb"07070[127]|\xc7\x71|\x71\xc7"), "is a cpio archive"),
    (re.compile(rb"\xed\xab\xee\xdb"), "is an rpm package"),
    (re.compile(rb"!<arch>"), "is a Debian package, or another ar archive"),
)
_NAME = re.compile(r"\.(tar(\.(xz|gz|bz2|zst))?|t[xgb]z|tbz2|tzst)(\.(gpg|asc|pgp|enc|age|openssl))?$")
_OTHER = re.compile(r"\.(zip|7z|rar)$", re.IGNORECASE)
_REPORT = re.compile(r"/(crm|hb)_report[^/]*$")  # a cluster's own report, which some versions of sos take as it is
# where a host's own tree of files begins; reports often lie in /var/tmp
HOST = re.compile(
    r"(?:^|/)(?=(?:bin|boot|dev|etc|lib|lib64|proc|run|sbin|sos_(?:commands|logs|reports|strings)|sys|usr|var(?!/tmp(?:/|$)))(?:/|$))"
)


def of(head: bytes) -> str | None:
    """Return the compression whose data begins with `head`; None for data that is not compressed, or not in a known way."""
    return next((name for name, magic in _MAGIC if magic.match(head)), None)


def refusal(head: bytes) -> str:
    """Return what data that begins with `head` is, and cannot be read; an empty string where nothing is known of it."""
    if len(head) >= 262 and head[257:262] == b"ustar":
        return ""
    return next((words for magic, words in _REFUSED if magic.match(head)), "")


def starts(name: str, data: bytes) -> bool:
    """Return whether `data` begins as data of the compression `name` does."""
    return any(known == name and magic.match(data) for known, magic in _MAGIC)


def is_inner(path: str) -> bool:
    """Return whether the member at `path` is an archive to be opened too: one beside the hosts' files, not one of a host's own."""
    return bool(_NAME.search(path)) and (not HOST.search(path) or bool(_REPORT.search(path)))


def is_inner_of_another_kind(path: str) -> str:
    """Return of which kind, by its name, the archive at `path` is, if it lies beside the hosts' files and cannot be opened; else empty."""
    found = _OTHER.search(path)
    return found[1].lower() if found is not None and not HOST.search(path) else ""


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


_MOST_MEMORY = 136 * 1024 * 1024  # for the dictionary of one archive: xz -9 asks for 64 MiB, zstd --long and --ultra for 128


class Bounds(NamedTuple):
    """When unpacked data is too much: `most` bytes, or `ratio` times the packed ones once there are `free` bytes."""

    most: int = 1 << 40
    ratio: int = 500
    free: int = 128 * 1024 * 1024


class _Codec(NamedTuple):
    """One way to unpack: `new` makes a decoder for one run of packed data."""

    new: Callable[[], Any]
    errors: Any


class _Zlib:
    """zlib's gzip decoder, with the face that those of lzma and bz2 have."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(wbits=31)
        self._full = False
        self.unused_data = b""
        self.eof = False

    @property
    def needs_input(self) -> bool:
        return not (self._full or self.eof)

    def decompress(self, data: bytes, most: int) -> bytes:
        found = self._decoder.decompress(self._decoder.unconsumed_tail + data, most)
        self._full = len(found) == most or bool(self._decoder.unconsumed_tail)
        self.eof = self._decoder.eof
        self.unused_data = self._decoder.unused_data
        return found


class _Zstandard:
    """The decoder of the package zstandard (where it is installed and nothing newer is), with the face that those of lzma and bz2 have.

    It cannot be asked for so many bytes only, so it is fed little: no more than 32 MiB come out at a time, even of a bomb.
    """

    _FED = 1024

    def __init__(self, zstandard: Any) -> None:
        self._decoder = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        self._data = memoryview(b"")
        self.unused_data = b""
        self.eof = False

    @property
    def needs_input(self) -> bool:
        return not self._data

    def decompress(self, data: bytes, most: int) -> bytes:
        if data:
            self._data = memoryview(data)
        found: list[bytes] = []
        size = 0
        while self._data and not self.eof and size < most:
            found.append(self._decoder.decompress(self._data[: self._FED]))
            self._data = self._data[self._FED :]
            size += len(found[-1])
            self.eof = self._decoder.eof
        if self.eof:
            self.unused_data = self._decoder.unused_data + bytes(self._data)
        return b"".join(found)


def _first_of(*modules: str) -> Any:
    """Return the first of the modules that is there. Raises ImportError where none is."""
    for name in modules[:-1]:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return importlib.import_module(modules[-1])


def _xz() -> _Codec:
    import lzma

    return _Codec(lambda: lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_MOST_MEMORY), (lzma.LZMAError, EOFError))


def _bzip2() -> _Codec:
    import bz2

    return _Codec(bz2.BZ2Decompressor, (OSError, ValueError, EOFError))


def _gzip() -> _Codec:
    try:
        igzip: Any = importlib.import_module("isal.igzip_lib")
    except ImportError:
        return _Codec(_Zlib, (zlib.error,))
    return _Codec(lambda: igzip.IgzipDecompressor(flag=igzip.DECOMP_GZIP), (igzip.IsalError, EOFError))


def _zstd() -> _Codec:
    zstd: Any = _first_of("compression.zstd", "backports.zstd", "zstandard")
    if zstd.__name__ == "zstandard":
        return _Codec(lambda: _Zstandard(zstd), zstd.ZstdError)
    window = {zstd.DecompressionParameter.window_log_max: 27}
    return _Codec(lambda: zstd.ZstdDecompressor(options=window), (zstd.ZstdError, EOFError))


_CODECS = {XZ: _xz, GZIP: _gzip, BZIP2: _bzip2, ZSTD: _zstd}


class Unpacked:
    """The unpacked bytes of a stream of packed ones: several runs of packed data follow each other, with zeros between them."""

    def __init__(self, source: Stream, name: str, bounds: Bounds) -> None:
        self._source = source
        self._name = name
        self._codec = _CODECS[name]()
        self._bounds = bounds
        self._decoder: Any = None
        self._pending = b""
        self._runs = 0
        self._packed = 0
        self._dead = ""
        self.count = 0

    def read(self) -> bytes:
        if self._dead:
            raise Damage(self._dead)
        try:
            return self._read()
        except Damage as damage:
            self._dead = str(damage)
            raise

    def _read(self) -> bytes:
        while self._decoder is not None or self._next_run():
            decoder = self._decoder
            data = b""
            if decoder.needs_input:
                data, self._pending = self._pending or self._more(), b""
                if not data:
                    raise Damage(f"ends in the middle of its {self._name} data; it was cut short")
            found: bytes = self._decode(data)
            if decoder.eof:
                self._pending = decoder.unused_data
                self._decoder = None
            if found:
                self.count += len(found)
                self._check()
                return found
        return b""

    def _decode(self, data: bytes) -> bytes:
        try:
            found: bytes = self._decoder.decompress(data, PIECE)
        except self._codec.errors as error:
            reason = str(error).rstrip(".")
            if "emory" in reason:
                raise Damage(f"needs more than {_MOST_MEMORY >> 20} MiB of memory to be unpacked") from None
            raise Damage(f"has {self._name} data that is damaged ({reason})") from None
        return found

    def _more(self) -> bytes:
        data = self._source.read()
        self._packed += len(data)
        return data

    def _next_run(self) -> bool:
        """Make a decoder for the next run of packed data; return False at the end."""
        data = self._pending
        while True:
            data = data.lstrip(b"\0") if self._runs else data
            if len(data) >= 6:
                break
            more = self._more()
            if not more:
                break
            data += more
        self._pending = data
        if not data:
            return False
        if self._runs and not starts(self._name, data):
            raise Damage(f"has other data behind its {self._name} data; it is not read")
        self._runs += 1
        self._decoder = self._codec.new()
        return True

    def _check(self) -> None:
        bounds = self._bounds
        if self.count > bounds.most or self.count > max(bounds.free, bounds.ratio * self._packed):
            raise Damage(
                f"is a bomb: {self.count >> 20} MiB were unpacked from {max(self._packed >> 10, 1)} KiB; the rest of it is not read"
            )


def open_packed(source: Stream, bounds: Bounds) -> tuple[Union[Stream, None], str]:
    """Return the stream of what is packed in `source` (or `source` itself, if nothing is) and an empty string, or None and why not."""
    cursor = Cursor(source)
    head = cursor.peek(HEAD)
    if not head:
        return None, "is empty"
    name = of(head)
    if name is None:
        words = refusal(head)
        return (None, f"{words}; it is not opened") if words else (CursorStream(cursor), "")
    try:
        return Unpacked(CursorStream(cursor), name, bounds), ""
    except ImportError:
        return None, f"is packed with {name}, which this Python cannot unpack; `pip install 'lwlint[archives]'` brings what is missing"


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
        stream, _ = open_packed(FileStream(self._file, self._told), self._bounds)
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
