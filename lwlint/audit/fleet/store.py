"""Where a fleet's readings, answers and tables stay: any file system of fsspec. What is written appears whole or not at all.

A record is msgpack there, packed with zstd; one that is read in parts has a head, which can be read alone.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable
from typing import Any, TypeVar
from zlib import crc32

import msgspec
from msgspec import Struct
from msgspec.msgpack import decode, encode

from lwlint.audit.targets import is_url, show_url
from lwlint.core.finding import ConfigurationError

PATIENCE = 120.0  # seconds for which a store that refuses is asked again
_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)  # seconds between; then the last one
_WHOLE = frozenset(("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "memory"))  # a file is there when all of it is
_PLAIN, _ESCAPED = b"\0", b"\1"
_FIRST = 0xDC00  # of what stands in a text for a byte that is no UTF-8, as in the names of an archive's members
_STANDING = 0x10FC00  # for private use, at the very end of Unicode: such a character is in no configuration
_LENGTH = 8  # bytes of the length of a record
_HEAD = 4  # bytes of the length of a head
_SUM = 4  # bytes of a sum of both, by which it is known whether the store still has what was written
T = TypeVar("T")
Record = TypeVar("Record")


class Refused(OSError):
    """The store refused for as long as it was asked; the message says what, without its URL's credentials."""


class Store:
    """A folder at `url`. Each method asks again while the store refuses, for `patience` seconds, and then raises Refused."""

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        self.url = url
        self.shown = show_url(url) if is_url(url) else url
        self._patience = patience
        self._files, root = open_url(url if is_url(url) else os.path.abspath(url))
        self._root = root.rstrip("/")
        protocols = self._files.protocol
        self._whole = not _WHOLE.isdisjoint((protocols,) if isinstance(protocols, str) else protocols)

    def read(self, name: str, most: int | None = None) -> bytes | None:
        """Return the bytes of a file, `most` of them if that is given; None where there is none."""

        def ask() -> bytes | None:
            try:
                data: bytes = self._files.cat_file(self._path(name), end=most)
            except FileNotFoundError:
                return None
            return data

        return self._ask(ask, f"`{name}` cannot be read")

    def write(self, name: str, data: bytes) -> None:
        """Put a file there, in the place of what is there."""

        def ask() -> None:
            path = self._path(name)
            if self._whole:
                self._files.pipe_file(path, data)
                return
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            fresh = f"{path}.{uuid.uuid4().hex}"
            try:
                self._files.pipe_file(fresh, data)
                self._put(fresh, path)
            except BaseException:
                self._remove(fresh)
                raise

        self._ask(ask, f"`{name}` cannot be written")

    def move(self, name: str, to: str) -> None:
        """Give a file another name. Where it is not there any more but the other is, another run has done it."""

        def ask() -> None:
            old, new = self._path(name), self._path(to)
            try:
                if self._whole:
                    self._files.cp_file(old, new)
                    self._remove(old)
                else:
                    self._files.makedirs(new.rpartition("/")[0], exist_ok=True)
                    self._put(old, new)
            except FileNotFoundError:
                self._files.invalidate_cache()
                if not self._files.exists(new):
                    raise

        self._ask(ask, f"`{to}` cannot be written")

    def remove(self, name: str) -> None:
        """Take a file away, if it is there."""

        def ask() -> None:
            with contextlib.suppress(FileNotFoundError):
                self._files.rm_file(self._path(name))

        self._ask(ask, f"`{name}` cannot be removed")

    def names(self, folder: str) -> list[str]:
        """Return the sorted names of all files below a folder, as `read` takes them; none where it is not there."""

        def ask() -> list[str]:
            self._files.invalidate_cache()
            try:
                return sorted(path[len(self._root) + 1 :] for path in self._files.find(self._path(folder)))
            except FileNotFoundError:
                return []

        return self._ask(ask, f"`{folder}` cannot be listed")

    def _put(self, fresh: str, path: str) -> None:
        if "file" in self._files.protocol:
            os.replace(fresh, path)
        else:
            self._files.mv(fresh, path)

    def _remove(self, path: str) -> None:
        with contextlib.suppress(Exception):  # it is not there any more, or whoever comes next does not mind it
            self._files.rm_file(path)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _ask(self, ask: Callable[[], T], said: str) -> T:
        until = time.monotonic() + self._patience
        number = 0
        while True:
            try:
                return ask()
            except Exception as error:
                if time.monotonic() >= until:
                    raise Refused(5, f"{self.shown}: {said} ({_words(error)})") from None
            time.sleep(_PAUSES[min(number, len(_PAUSES) - 1)])
            number += 1


def _words(error: Exception) -> str:
    """Return what went wrong without what may be a credential: the class, and the system's word for it."""
    return error.strerror if isinstance(error, OSError) and error.strerror and not error.filename2 else type(error).__name__


def open_url(url: str) -> tuple[Any, str]:
    """Return the file system of fsspec that a URL is in, and the path there. Raises ConfigurationError."""
    if "::" in url.partition("://")[0]:
        raise ConfigurationError(f"`{show_url(url)}`: URLs within URLs are not opened")
    from fsspec.core import url_to_fs

    try:
        files, path = url_to_fs(url)
    except ImportError as error:
        because = " ".join(str(error).split())
        raise ConfigurationError(f"`{show_url(url)}`: needs `pip install 'lwlint[fleet,remote]'` ({because})") from None
    except Exception as error:
        raise ConfigurationError(f"`{show_url(url)}`: cannot be opened ({type(error).__name__})") from None
    return files, path


def usable(url: str) -> Store:
    """Return the store at `url`, which can be written. Raises ConfigurationError."""
    store = Store(url, patience=3.0)
    try:
        store.write("lwlint-fleet", b"1\n")
    except Refused as refused:
        raise ConfigurationError(f"`{store.shown}`: cannot be written ({refused.strerror})") from None
    return Store(url)


def there(url: str) -> Store:
    """Return the store at `url`, in which a run has ended. Raises ConfigurationError."""
    store = Store(url, patience=10.0)
    try:
        found: Any = store.read("lwlint-fleet")
    except Refused as refused:
        raise ConfigurationError(f"`{store.shown}`: cannot be read ({refused.strerror})") from None
    if found is None:
        raise ConfigurationError(f"`{store.shown}`: is not a store of `lwlint fleet run`")
    return store


def pack(record: Struct | dict[str, Any] | list[Any]) -> bytes:
    """Return a record as bytes."""
    import pyarrow

    try:
        mark, data = _PLAIN, encode(record)
    except UnicodeEncodeError:
        mark, data = _ESCAPED, encode(_map_text(msgspec.to_builtins(record, builtin_types=(bytes,)), _FIRST, _STANDING))
    body: bytes = pyarrow.compress(data, codec="zstd", asbytes=True)
    return mark + len(data).to_bytes(_LENGTH, "big") + body


def unpack(data: bytes, kind: type[Record]) -> Record:
    """Return the record of this kind that the bytes hold. Raises ValueError for what holds none."""
    import pyarrow

    size = int.from_bytes(data[1 : 1 + _LENGTH], "big")
    try:
        plain = pyarrow.decompress(memoryview(data)[1 + _LENGTH :], size, codec="zstd", asbytes=True)
    except (OSError, pyarrow.ArrowException) as error:
        raise ValueError(f"is damaged ({type(error).__name__})") from None
    if data[:1] == _PLAIN:
        return decode(plain, type=kind)
    return msgspec.convert(_map_text(decode(plain), _STANDING, _FIRST), kind, builtin_types=(bytes,))


def join_parts(head: bytes, body: bytes) -> bytes:
    """Return a head, so that it can be read alone, and what is behind it, in one."""
    return len(head).to_bytes(_HEAD, "big") + crc32(body, crc32(head)).to_bytes(_SUM, "big") + head + body


def head_of(data: bytes) -> bytes:
    """Return the head. Raises ValueError where the data end before it does."""
    end = _HEAD + _SUM + int.from_bytes(data[:_HEAD], "big")
    if len(data) < max(end, _HEAD + _SUM + 1):
        raise ValueError("ends in its head")
    return data[_HEAD + _SUM : end]


def split_parts(data: bytes) -> tuple[bytes, bytes]:
    """Return the head and the body. Raises ValueError where they are not what was joined."""
    head = head_of(data)
    body = data[_HEAD + _SUM + len(head) :]
    if crc32(body, crc32(head)) != int.from_bytes(data[_HEAD : _HEAD + _SUM], "big"):
        raise ValueError("is damaged")
    return head, body


def _map_text(value: Any, first: int, to: int) -> Any:
    if isinstance(value, str):
        return value.translate(_Table(first, to))
    if isinstance(value, dict):
        return {_map_text(key, first, to): _map_text(one, first, to) for key, one in value.items()}
    return [_map_text(one, first, to) for one in value] if isinstance(value, (list, tuple)) else value


class _Table:
    """A table for `str.translate` that moves 1,024 characters."""

    def __init__(self, first: int, to: int) -> None:
        self._first = first
        self._to = to

    def __getitem__(self, number: int) -> int:
        if self._first <= number < self._first + 0x400:
            return self._to + number - self._first
        raise LookupError
