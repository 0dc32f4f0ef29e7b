"""Packed bytes -> the bytes that were packed, a piece at a time: xz, gzip, bzip2, zstd.

The decoders are those of the standard library, and for gzip isal where it is installed, which takes half the time. Each is asked for
one piece at a time, so that a bomb never lies in memory.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Union

from lwlint.named import NamedTuple
from lwlint.parse import archive_format as formats
from lwlint.parse.archive_stream import PIECE, Cursor, CursorStream, Damage, Stream

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
        import zlib

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
    """The decoder of the package zstandard (all that Python 3.9 can have), with the face that those of lzma and bz2 have.

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
        import zlib

        return _Codec(_Zlib, (zlib.error,))
    return _Codec(lambda: igzip.IgzipDecompressor(flag=igzip.DECOMP_GZIP), (igzip.IsalError, EOFError))


def _zstd() -> _Codec:
    zstd: Any = _first_of("compression.zstd", "backports.zstd", "zstandard")
    if zstd.__name__ == "zstandard":
        return _Codec(lambda: _Zstandard(zstd), zstd.ZstdError)
    window = {zstd.DecompressionParameter.window_log_max: 27}
    return _Codec(lambda: zstd.ZstdDecompressor(options=window), (zstd.ZstdError, EOFError))


_CODECS = {formats.XZ: _xz, formats.GZIP: _gzip, formats.BZIP2: _bzip2, formats.ZSTD: _zstd}


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
            found: bytes = self._decoded(data)
            if decoder.eof:
                self._pending = decoder.unused_data
                self._decoder = None
            if found:
                self.count += len(found)
                self._check()
                return found
        return b""

    def _decoded(self, data: bytes) -> bytes:
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
        if self._runs and not formats.starts(self._name, data):
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


def unpacked(source: Stream, bounds: Bounds) -> tuple[Union[Stream, None], str]:
    """Return the stream of what is packed in `source` (or `source` itself, if nothing is) and an empty string, or None and why not."""
    cursor = Cursor(source)
    head = cursor.peek(formats.HEAD)
    if not head:
        return None, "is empty"
    name = formats.of(head)
    if name is None:
        words = formats.refusal(head)
        return (None, f"{words}; it is not opened") if words else (CursorStream(cursor), "")
    try:
        return Unpacked(CursorStream(cursor), name, bounds), ""
    except ImportError:
        return None, f"is packed with {name}, which this Python cannot unpack; `pip install lwlint[archives]` brings what is missing"
