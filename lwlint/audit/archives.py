"""Archives and CIBs at URLs, read as streams through fsspec, which only such a target imports: nothing is stored on the way.

What may be opened is what the user named and nothing else: no URL in a URL (`simplecache::...` writes to the disk), no redirection.
"""

from __future__ import annotations

import importlib
import os
import posixpath
import re
import traceback
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType, TracebackType
from typing import Any, BinaryIO, NamedTuple, Union, cast

from lwlint.audit.report_files import WANTED
from lwlint.audit.report_layout import names
from lwlint.core.finding import ConfigurationError
from lwlint.core.secret import masked
from lwlint.files.archive import Archive, read_archive
from lwlint.files.archive import unpack as formats
from lwlint.files.archive.unpack import Readable
from lwlint.files.processes import Lost, Pool, cores, possible, room
from lwlint.files.tree import Boundary, Disk
from lwlint.inputs import pacemaker

_DEEPEST = 3  # folders below the one that was named
_OF_A_CASE = re.compile(r"sos[_-]?(?:report|collector)|(?:crm|hb)_report", re.IGNORECASE)
_MAY_BE_CIB = re.compile(r"cib|\.xml\.|^pe-", re.IGNORECASE)
_PACKED = MappingProxyType({formats.BZIP2: "bz2", formats.GZIP: "gzip"})
_OTHER = re.compile(r"\.(?:zip|7z|rar)$", re.IGNORECASE)  # not opened, and said so


def leads_out(path: str, boundary: Boundary | None) -> bool:
    """Return whether `path` is a link that leads out of the folder that was named; with no boundary none does."""
    return boundary is not None and os.path.islink(path) and not boundary.holds(path)


def loose(folder: str, reports: Collection[str], boundary: Boundary | None = None, depth: int = 0) -> Iterator[str]:
    """Yield the paths of archives and CIBs in the folder, or a few folders below it, and not in one of the `reports`.

    A link in the folder that leads to a folder elsewhere is yielded too. Of what leads out of the `boundary` nothing is opened.
    """
    if folder in reports:
        return
    for name in names(Disk(), folder):
        path = posixpath.normpath(posixpath.join(folder, name))
        if leads_out(path, boundary) and os.path.isfile(path):
            if formats.is_inner(name) or _OF_A_CASE.search(name) or _MAY_BE_CIB.search(name):
                yield path
        elif os.path.isfile(path):
            if formats.is_inner(name) or _is_either(path, name):
                yield path
        elif not os.path.isdir(path) or formats.HOST.search(name):
            continue
        elif os.path.islink(path):
            if not depth and not _is_within(path, folder) and not _is_within(folder, path):
                yield path
        elif depth < _DEEPEST:
            yield from loose(path, reports, boundary, depth + 1)


def _is_within(path: str, folder: str) -> bool:
    real = os.path.realpath(folder)
    return (os.path.realpath(path) + "/").startswith(real.rstrip("/") + "/")


def _is_either(path: str, name: str) -> bool:
    """Return whether a file is an archive or a CIB by what it begins with. What any archive may hold must be called a report, too."""
    try:
        with open(path, "rb") as file:
            head = file.read(formats.HEAD)
    except OSError:
        return _OF_A_CASE.search(name) is not None  # whoever reads it says so
    if starts_xml(head):
        return b"<cib" in head
    if head[257:262] == b"ustar":
        return True
    known = bool(formats.of(head) or formats.refusal(head))
    return known and bool(_OF_A_CASE.search(name) or _OTHER.search(name))


def packed_cib(path: str, most: int) -> bytes:
    """Return a CIB that lies packed at `path`, as Pacemaker keeps them (`pe-input-7.bz2`), `most` bytes of it; empty for anything else."""
    try:
        with open(path, "rb") as file:
            packing = formats.of(file.read(formats.HEAD))
        module = _PACKED.get(packing or "") if _MAY_BE_CIB.search(posixpath.basename(path)) else None
        if module is None:
            return b""
        with importlib.import_module(module).open(path, "rb") as unpacked:
            data: bytes = unpacked.read(formats.HEAD)
            return data + unpacked.read(most) if starts_xml(data) and b"<cib" in data else b""
    except (OSError, EOFError, ValueError, ImportError, zlib.error):
        return b""  # whoever opens it as an archive says what is wrong with it


def starts_xml(head: bytes) -> bool:
    """Return whether a file that begins so is XML, and no archive."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


Told = Callable[[str, int, int, int], None]
"""Is told of a file, how many bytes of it were read, how many it has, and how many members were seen."""


class Unread(NamedTuple):
    """An archive of which nothing was read; `because` says why, as a predicate. `trace` is that of a defect of lwlint."""

    because: str
    trace: str = ""


def read_archives(paths: Sequence[str], told: Told, jobs: int | None = 1) -> Iterator[Union[Archive, Unread]]:
    """Yield what is in each archive, in the order of `paths`, or why it was not read.

    `jobs` is how many are read at a time, each in a process of its own; None: as many as there are cores, and memory is free for.
    One by itself is then read in this process.
    """
    sizes = [_size(path) for path in paths]
    for path, size in zip(paths, sizes):
        told(path, 0, size, 0)
    at_once = min(len(paths), cores(), room()) if jobs is None else min(len(paths), jobs)
    threads = cores() >= 2 * max(1, at_once)  # a core that nothing else is for
    if (jobs or at_once) < 2 or not paths or not possible():
        for path, size in zip(paths, sizes):
            yield _read(path, lambda read, seen, path=path, size=size: told(path, read, size, seen), threads)  # type: ignore[misc]
            told(path, size, size, 0)
        return

    order = sorted(range(len(paths)), key=lambda i: -sizes[i])  # the longest first, so that none is left alone at the end

    def tell(number: int, read: int, seen: int) -> None:
        told(paths[order[number]], read, sizes[order[number]], seen)

    done: dict[int, Union[Archive, Unread]] = {}
    with Pool(lambda number, tell_: _read(paths[order[number]], tell_, threads), len(paths), at_once, tell) as found:
        for i, one in zip(order, found):
            done[i] = Unread(f"was not read: {one.because}") if isinstance(one, Lost) else one
            told(paths[i], sizes[i], sizes[i], 0)
    yield from (done[i] for i in range(len(paths)))


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _read(path: str, told: Callable[[int, int], None], threads: bool) -> Union[Archive, Unread]:
    try:
        return read_archive(lambda: _opened(path), path, WANTED, told=told, threads=threads)
    except OSError as error:
        return Unread(f"file cannot be read ({error.strerror or error})")
    except MemoryError:
        return Unread("was not read: there was not enough memory for it")
    except Exception as error:  # the other archives are judged all the same
        return Unread(f"was not read, by a defect of lwlint: {type(error).__name__}: {error}", traceback.format_exc())


def _opened(path: str) -> BinaryIO:
    return cast("BinaryIO", open(path, "rb", buffering=0))


_URL = re.compile(r"(?P<protocol>[A-Za-z][A-Za-z0-9+.-]{0,40})://")
_QUERY = re.compile(r"(://[^\s'\"?#]{0,2000})[?#][^\s'\"]*")
_PIECE = 4 << 20  # bytes that are asked for at a time, where the protocol has no stream
_STREAMS = ("http", "https")


def is_url(target: str) -> bool:
    """Return whether a target is named by a URL, or by several in one."""
    return _URL.search(target.rpartition("::")[2]) is not None


def shown(url: str) -> str:
    """Return a URL without what may be a credential: the password, and all behind `?` or `#`."""
    plain, mark, _ = re.sub(r"#.*$", "", url, flags=re.DOTALL).partition("?")
    return masked(plain) + ("?***" if mark else "")


def read_url(url: str, told: Callable[[int, int, int], None]) -> Union[Archive, bytes, Unread]:
    """Return what is in the archive at `url`, the bytes of a CIB, or why there is neither.

    `told` is told how many bytes were read, how many there are (0: unknown), and how many members were seen. Raises
    ConfigurationError where what the URL needs is not installed.
    """
    size = 0
    try:
        with _open(url) as file:
            head = file.read(512)
            size = file.size
            if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
                return _all(file, head)
        return read_archive(lambda: _open(url), shown(url), WANTED, told=lambda read, seen: told(read, size, seen))
    except OSError as error:
        return Unread(error.strerror or str(error))


class _Remote(AbstractContextManager["Readable"]):
    """A file of fsspec: whatever its library raises is an OSError with words that may be shown."""

    def __init__(self, file: Any, url: str) -> None:
        self._file = file
        self._url = url
        self.size = int(getattr(file, "size", 0) or 0)

    def read(self, size: int = -1, /) -> bytes:
        try:
            data: bytes = self._file.read(size)
        except Exception as error:
            raise OSError(5, _because(error, self._url)) from None
        return data

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def __enter__(self) -> _Remote:
        return self


def _all(file: _Remote, head: bytes) -> bytes:
    parts = [head]
    while (piece := file.read(1 << 20)) and sum(map(len, parts)) <= pacemaker.CIB.limit:
        parts.append(piece)
    return b"".join(parts)


def _open(url: str) -> _Remote:
    match = _URL.match(url)
    if match is None or "::" in url.partition("://")[0]:
        raise ConfigurationError(f"`{shown(url)}`: URLs within URLs are not opened; name the one of the archive")
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise ConfigurationError(f"`{shown(url)}`: URLs need `pip install 'lwlint[remote]'`") from None
    protocol = match["protocol"].lower()
    streams = protocol in _STREAMS
    try:
        system, path = url_to_fs(url, **({"allow_redirects": False} if streams else {}))
        file = system.open(path, "rb", block_size=0 if streams else _PIECE)
    except ImportError as error:
        because = " ".join(str(error).split())
        raise ConfigurationError(f"`{shown(url)}`: `{protocol}` needs `pip install 'lwlint[remote]'` ({because})") from None
    except ValueError as error:
        if "rotocol not known" in str(error):
            raise ConfigurationError(f"`{shown(url)}`: unknown protocol `{protocol}`") from None
        raise OSError(5, _because(error, url)) from None
    except Exception as error:
        raise OSError(5, _because(error, url)) from None
    status = getattr(getattr(file, "r", None), "status", 0)
    if 300 <= status < 400:
        to = shown(str(file.r.headers.get("Location", "")))
        file.close()
        raise OSError(5, f"leads elsewhere ({status}, to `{to}`), and only what was named is opened")
    return _Remote(file, url)


def _because(error: Exception, url: str) -> str:
    """Return what went wrong, as a predicate; the words of a library are shown without the URL, which may hold a credential."""
    cause = error.__cause__ or error.__context__
    status = getattr(error, "status", getattr(cause, "status", 0))
    if isinstance(error, FileNotFoundError) and isinstance(cause, Exception) and status != 404:
        return _because(cause, url)  # fsspec takes whatever a server says for an absent file
    if isinstance(error, FileNotFoundError) or status == 404:
        return "was not found"
    if isinstance(error, IsADirectoryError):
        return "is a folder; name the archives in it"
    if isinstance(error, PermissionError) or status in (401, 403):
        return "may not be read (no permission)"
    words = masked(_QUERY.sub(r"\1?***", " ".join(str(error).replace(url, shown(url)).split())))[:300]
    return f"cannot be read ({type(error).__name__}{': ' if words else ''}{words})"
