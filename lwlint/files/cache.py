"""Bytes kept between runs, in one folder: what is there may be stale, damaged or gone at any time, and is never relied upon.

The folder is lwlint's own: of this user, 0700, no link. Where one is given that others may look into, a folder in it is made. An entry
is bound to its name; in the tree that is judged, whose author could have put entries there, it is also sealed with a key of this user.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from msgspec import Struct

from lwlint.core.lazy import pattern
from lwlint.core.source import Source
from lwlint.files.tree import checkout, read_regular

LIMIT = 64_000_000  # bytes in the folder; beyond that the oldest half goes
_MAGIC, _MAGIC_OF_OLD = b"lwlint cache 2\n", b"lwlint cache 1\n"
_SUFFIX = ".lwlint"
_OURS = pattern(r"[a-z]+(?:-[0-9a-f]+|[0-9][0-9a-f]*|(?<=[a-z][a-f]))\.lwlint(?:\.\d+\.tmp)?")
_INSIDE = ".lwlint-cache"
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
            folder, key = _place(self.folder)
            path = os.path.join(folder, name + _SUFFIX)
            return unseal(read_regular(path), name, key) if _is_own(os.lstat(path)) else None
        except OSError:
            return None

    def put(self, name: str, data: bytes) -> None:
        """Keep `data` under `name`, if the folder can be written."""
        if self.folder is None:
            return
        try:
            folder, key = _place(self.folder, make=True)
        except OSError:
            return
        path = os.path.join(folder, name + _SUFFIX)
        fresh = f"{path}.{os.getpid()}.tmp"
        try:
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:
            return
        try:
            with open(handle, "wb") as file:
                file.write(seal(data, name, key))
            os.replace(fresh, path)
            if path[-len(_SUFFIX) - 1] in _LOOKS:
                _prune(folder)
        except OSError:
            _remove(fresh)


def _place(folder: str, *, make: bool = False) -> tuple[str, bytes]:
    """Return the folder that entries lie in, and the key that they are sealed with; on demand it is made. Raises OSError for none."""
    folder = os.path.abspath(folder)
    try:
        status = os.lstat(folder)
    except FileNotFoundError:
        if not make:
            raise
        os.makedirs(os.path.dirname(folder), mode=0o700, exist_ok=True)
        with suppress(FileExistsError):
            os.mkdir(folder, 0o700)
        status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode) or (hasattr(os, "geteuid") and status.st_uid != os.geteuid()):
        raise PermissionError(folder)
    if status.st_mode & 0o077 and os.name == "posix":
        if os.path.basename(folder) == _INSIDE:
            raise PermissionError(folder)
        return _place(os.path.join(folder, _INSIDE), make=make)
    return folder, _key(folder, make=make)


def default_folder() -> str | None:
    """Return the folder in which lwlint keeps what makes the next run faster: where XDG has it; None without a home."""
    above = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(above):
        above = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(above, "lwlint") if os.path.isabs(above) else None


def _key(folder: str, *, make: bool) -> bytes:
    """Return the key of the entries in a folder: this user's for one in the checkout (or current folder), else none."""
    here = os.path.realpath(os.getcwd())
    top = checkout(here) or here
    if not (os.path.realpath(folder) + os.sep).startswith(top.rstrip(os.sep) + os.sep):
        return b""
    own = default_folder()
    if own is None or (os.path.realpath(own) + os.sep).startswith(top.rstrip(os.sep) + os.sep):
        raise PermissionError(folder)
    own, _ = _place(own, make=make)
    path = os.path.join(own, "key")
    if make:
        with suppress(FileExistsError), open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(os.urandom(32))
    key = read_regular(path)
    if len(key) != 32 or not _is_own(os.lstat(path)):
        raise PermissionError(path)
    return key


def _prune(folder: str) -> None:
    """Remove the oldest entries if all of them together have grown too large; what lwlint has not made is not touched."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if _OURS.fullmatch(entry.name):
                status = entry.stat(follow_symlinks=False)
                found.append((status.st_mtime_ns, status.st_size, entry.path))
    total = sum(size for _, size, _ in found)
    if total <= LIMIT:
        return
    for _, size, path in sorted(found):
        try:
            if os.path.islink(path) or read_regular(path, len(_MAGIC)) not in (_MAGIC, _MAGIC_OF_OLD):
                continue
        except OSError:
            continue
        _remove(path)
        total -= size
        if total <= LIMIT // 2:
            return


def hasher(key: bytes = b"") -> Any:
    """Return a blake2b of 16 bytes to be fed, keyed if there is a key: without all of `hashlib`, which loads OpenSSL and takes 2 ms."""
    return _blake2b()(digest_size=16, key=key)


@lru_cache(maxsize=1)
def _blake2b() -> Any:
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    return blake2b


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


_OWN = "_digest"


def digest_of(source: Source) -> bytes:
    """Return the digest of a source's text; it is kept with the source."""
    own: bytes | None = source.__dict__.get(_OWN)  # as `line_starts` is: once, whoever asks
    if own is None:
        own = source.__dict__[_OWN] = digest(source.text.encode("utf-8", "surrogatepass"))
    return own


def seal(data: bytes, name: str = "", key: bytes = b"") -> bytes:
    """Return `data` with a head by which `unseal` knows it again: under this name, and made by whoever has the key."""
    return _MAGIC + _seal(data, name, key) + data


def unseal(data: bytes, name: str = "", key: bytes = b"") -> bytes | None:
    """Return what was sealed under the name and with the key; None if `data` is anything else, or damaged."""
    head, seal, content = data[: len(_MAGIC)], data[len(_MAGIC) : len(_MAGIC) + 16], data[len(_MAGIC) + 16 :]
    return content if head == _MAGIC and seal == _seal(content, name, key) else None


def _seal(data: bytes, name: str, key: bytes) -> bytes:
    whole = hasher(key)
    whole.update(b"%d:%s" % (len(name), name.encode()))
    whole.update(data)
    found: bytes = whole.digest()
    return found


def describe_files(folders: Iterable[str], packages: Iterable[str] = ()) -> list[tuple[str, int, int, int]]:
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
