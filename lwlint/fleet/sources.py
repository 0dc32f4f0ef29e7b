"""The archives of a fleet: what its targets come to, each archive once, with what tells whether it has changed."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import posixpath
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from msgspec import Struct

from lwlint.audit.archives import is_url, shown
from lwlint.core.finding import ConfigurationError
from lwlint.files.archive.unpack import is_inner

_GLOB = re.compile(r"[*?\[]")
_OF_A_CASE = re.compile(r"(?:^|/)[^/]*(?:sos[_-]?(?:report|collector)|(?:crm|hb)_report)[^/]*$", re.IGNORECASE)
_NEVER = re.compile(r"\.(?:md5|sha\d*|sig|asc|txt|json|html|log)$", re.IGNORECASE)  # what lies beside an archive, and has its name
_TOKENS = ("ETag", "etag", "md5Hash", "content_md5", "generation", "version_id")
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")
_PIECE = 1 << 22


class Listed(Struct, frozen=True):
    """One archive: its path or URL, its size in bytes (0: not known yet), and what changes when its bytes do (empty: not known yet)."""

    url: str
    size: int = 0
    token: str = ""

    @property
    def shown(self) -> str:
        """The archive as it may be shown: without what may be a credential."""
        return shown(self.url) if is_url(self.url) else self.url

    @property
    def folder(self) -> str:
        """The folder that it lies in, as it may be shown."""
        return posixpath.dirname(self.shown)


def listed(targets: Sequence[str], lists: Iterable[str] = ()) -> list[Listed]:
    """Return the archives that the targets and the lines of lists name, each once, sorted by URL.

    A target is an archive, a folder, or a pattern, on this machine or at a URL. Of a folder, what is called as archives or reports are
    counts, at any depth. Raises ConfigurationError for a target that does not exist, for a folder or pattern with nothing in it, and
    where a listing ends in the midst of it: what was not listed would be missing in the answer. A file that a list names, or that goes
    while a folder is looked through, is an archive that fails.
    """
    found: dict[str, Listed] = {}
    named = set(targets)
    for target in (*targets, *lists):
        some = list(_remote(target) if is_url(target) else _local(target, known=target in named))
        if not some:
            raise ConfigurationError(f"`{shown(target) if is_url(target) else target}`: no archive is there")
        for one in some:
            found.setdefault(one.url, one)
    return [found[url] for url in sorted(found)]


def lines(text: str) -> list[str]:
    """Return the targets in a list: one on each line; blank lines, and those that begin with `#`, are none."""
    return [line.strip() for line in text.split("\n") if line.strip() and not line.startswith("#")]


def _local(target: str, *, known: bool) -> Iterator[Listed]:
    """Yield what is at a path; `known` tells that it has to be there."""
    if os.path.isdir(target):
        for folder, folders, names in os.walk(target, onerror=_not_listed):
            folders.sort()
            paths = (posixpath.join(folder.replace(os.sep, "/"), name) for name in sorted(names) if _is_archive(name))
            yield from (_found(path) for path in paths if os.path.isfile(path) or not os.path.exists(path))
    elif os.path.exists(target) or not _GLOB.search(target):
        try:
            yield _on_disk(target) if known else _found(target)
        except OSError as error:
            raise ConfigurationError(f"`{target}`: cannot be looked at ({error.strerror})") from None
    else:
        yield from (_found(path) for path in sorted(glob.glob(target, recursive=True)) if os.path.isfile(path))


def _not_listed(error: OSError) -> None:
    raise ConfigurationError(f"`{error.filename}`: cannot be listed ({error.strerror})") from None


def _found(path: str) -> Listed:
    """Return an archive that is there, or was a moment ago: then whoever reads it says what became of it."""
    try:
        return _on_disk(path)
    except OSError:
        return Listed(posixpath.normpath(path.replace(os.sep, "/")))


def _on_disk(path: str) -> Listed:
    told = os.stat(path)
    if not stat.S_ISREG(told.st_mode):
        raise OSError(errno.EINVAL, "is no regular file")
    return Listed(posixpath.normpath(path.replace(os.sep, "/")), told.st_size, f"{told.st_size}-{told.st_mtime_ns}-{told.st_ino}")


def _is_archive(path: str) -> bool:
    return bool(is_inner(path) or (_OF_A_CASE.search(path) and not _NEVER.search(path)))


def _remote(target: str) -> Iterator[Listed]:
    """Yield what is at a URL. One that names a single archive is not asked for here: whoever reads it does that."""
    pattern = _GLOB.search(target.partition("://")[2].partition("?")[0] if target.startswith("http") else target)
    if not pattern and not target.endswith("/") and _is_archive(target.partition("?")[0]):
        yield Listed(target)
        return
    files, path = opened(target)
    try:
        with _strictly(files):
            infos: Mapping[str, Any] = files.glob(path, detail=True) if pattern else files.find(path, detail=True)
    except Exception as error:
        raise ConfigurationError(f"`{shown(target)}`: cannot be listed ({type(error).__name__})") from None
    front = target[: -len(path)] if path and target.endswith(path) else None
    for name, info in infos.items():
        url = files.unstrip_protocol(name) if front is None else front + name
        if info.get("type") == "file" and (pattern or name == path or _is_archive(name)):
            yield Listed(url, int(info.get("size") or 0), token(info))


@contextlib.contextmanager
def _strictly(files: Any) -> Iterator[None]:
    """Let a file system that walks from folder to folder raise the OSError of one that it cannot list; by itself it leaves it out."""
    from fsspec.asyn import AsyncFileSystem

    later = isinstance(files, AsyncFileSystem)
    name = "_ls" if later else "ls"
    own, errors = getattr(files, name), list[OSError]()

    def ask(*arguments: Any, **more: Any) -> Any:
        with _noted(errors):
            return own(*arguments, **more)

    async def ask_later(*arguments: Any, **more: Any) -> Any:
        with _noted(errors):
            return await own(*arguments, **more)

    setattr(files, name, ask_later if later else ask)
    try:
        yield
    finally:
        delattr(files, name)
    if errors:
        raise errors[0]


@contextlib.contextmanager
def _noted(errors: list[OSError]) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:  # it has gone, and what was in it too
        raise
    except OSError as error:
        errors.append(error)
        raise


def opened(url: str) -> tuple[Any, str]:
    """Return the file system of fsspec that a URL is in, and the path there. Raises ConfigurationError."""
    if "::" in url.partition("://")[0]:
        raise ConfigurationError(f"`{shown(url)}`: URLs within URLs are not opened")
    from fsspec.core import url_to_fs

    try:
        files, path = url_to_fs(url)
    except ImportError as error:
        because = " ".join(str(error).split())
        raise ConfigurationError(f"`{shown(url)}`: needs `pip install 'lwlint[fleet,remote]'` ({because})") from None
    except Exception as error:
        raise ConfigurationError(f"`{shown(url)}`: cannot be opened ({type(error).__name__})") from None
    return files, path


def token(info: Mapping[str, Any]) -> str:
    """Return what changes when the bytes of a file do: its etag, else its size and time; empty where a file system tells neither."""
    tag = next((str(info[name]).strip('"') for name in _TOKENS if info.get(name)), "")
    time = "" if tag else next((str(info[name]) for name in _TIMES if info.get(name)), "")
    return f"{info.get('size') or 0}-{tag or time}" if tag or time else ""


def known(one: Listed) -> Listed:
    """Return an archive with its size and its token, which is one of its content where the file system tells nothing. Raises OSError."""
    if one.token:
        return one
    if not is_url(one.url):
        try:
            return _on_disk(one.url)
        except OSError as error:
            raise OSError(error.errno, f"cannot be looked at ({error.strerror})") from None
    files, path = opened(one.url)
    try:
        info = files.info(path)
        found = token(info) or _content(files, path)
    except Exception as error:
        raise OSError(5, f"cannot be looked at ({type(error).__name__})") from None
    return Listed(one.url, int(info.get("size") or 0), found)


def _content(files: Any, path: str) -> str:
    digest = blake2b(digest_size=20)
    with files.open(path, "rb", block_size=_PIECE) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
