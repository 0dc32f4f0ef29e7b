"""Bytes kept between runs, in one folder: what is there may be stale, damaged or gone at any time, and is never relied upon."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec, source_hash
from typing import Any

from msgspec import Struct

LIMIT = 64_000_000  # bytes in the folder; beyond that the oldest half goes
_MAGIC = b"lwlint cache 1\n"
_SUFFIX = ".lwlint"
_LOOKS = "0"  # names end in a hash; a look at the whole folder after one in sixteen is enough, and it may hold ten thousands


class Cache(Struct, frozen=True):
    """A folder of entries by name. Without a `folder` nothing is kept, and nothing is ever written.

    Several runs may use one folder at once: an entry is there wholly or not at all.
    """

    folder: str | None = None

    def get(self, name: str) -> bytes | None:
        """Return what was put under `name`; None if there is nothing, or if it is not what was put."""
        if self.folder is None:
            return None
        try:
            with open(os.path.join(self.folder, name + _SUFFIX), "rb") as file:
                return unsealed(file.read()) if _is_own(os.fstat(file.fileno())) else None
        except OSError:
            return None

    def put(self, name: str, data: bytes) -> None:
        """Keep `data` under `name`, if the folder can be written."""
        if self.folder is None:
            return
        path = os.path.join(self.folder, name + _SUFFIX)
        fresh = f"{path}.{os.getpid()}.tmp"
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(sealed(data))
            os.replace(fresh, path)
            if path[-len(_SUFFIX) - 1] in _LOOKS:
                self._prune()
        except OSError:
            _remove(fresh)

    def _prune(self) -> None:
        """Remove the oldest entries if all of them together have grown too large; other files are not touched."""
        assert self.folder is not None
        found = []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if _SUFFIX in entry.name:
                    status = entry.stat(follow_symlinks=False)
                    found.append((status.st_mtime_ns, status.st_size, entry.path))
        total = sum(size for _, size, _ in found)
        if total <= LIMIT:
            return
        for _, size, path in sorted(found):
            _remove(path)
            total -= size
            if total <= LIMIT // 2:
                return


def hasher() -> Any:
    """Return a blake2b of 16 bytes to be fed: without the rest of `hashlib`, which loads OpenSSL and takes 2 ms."""
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    return blake2b(digest_size=16)


def sha256(data: bytes) -> str:
    """Return the SHA-256 of `data` in hexadecimal, as `hasher` without OpenSSL."""
    for module in ("_sha256", "_sha2", "hashlib"):  # up to Python 3.11, since 3.12, and where there is neither
        with suppress(ImportError):
            return str(import_module(module).sha256(data).hexdigest())
    raise ImportError("hashlib")


def digest(data: bytes) -> bytes:
    """Return 16 bytes that no other data has."""
    whole = hasher()
    whole.update(data)
    found: bytes = whole.digest()
    return found


def sealed(data: bytes) -> bytes:
    """Return `data` with a head by which `unsealed` knows it again."""
    return _MAGIC + source_hash(data) + data


def unsealed(data: bytes) -> bytes | None:
    """Return what was sealed; None if `data` is anything else, or damaged."""
    head, digest, content = data[: len(_MAGIC)], data[len(_MAGIC) : len(_MAGIC) + 8], data[len(_MAGIC) + 8 :]
    return content if head == _MAGIC and digest == source_hash(content) else None


def described(folders: Iterable[str], packages: Iterable[str] = ()) -> list[tuple[str, int, int, int]]:
    """Return name, size and times of every file in `folders` and in the folders of `packages`: what is made by them is theirs only.

    It is so little that a run can ask for it before it imports what is there. The time of modification alone may be that of a
    package's build, the same for every version; that of the last change is when the file came to lie here.
    """
    found = []
    specs = [find_spec(name) for name in packages]
    for folder in (*folders, *(place for spec in specs for place in (spec.submodule_search_locations if spec is not None else None) or ())):
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                status = entry.stat()
                if not stat.S_ISDIR(status.st_mode):
                    found.append((entry.path, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return sorted(found)


def _is_own(status: os.stat_result) -> bool:
    """Return whether nobody but this user can have written a file: `marshal` is not made to read what others wrote."""
    return not hasattr(os, "geteuid") or (status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)
