"""Archives and CIBs at URLs, read as streams through fsspec, which only such a target imports: nothing is stored on the way.

What may be opened is what the user named and nothing else: no URL in a URL (`simplecache::...` writes to the disk), no redirection.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Union

from lwlint import kinds
from lwlint.assemble.sos_paths import WANTED
from lwlint.audit.reading import Unread
from lwlint.discover import limit_of
from lwlint.finding import ConfigurationError
from lwlint.parse.archive import Archive, read_archive
from lwlint.parse.archive_stream import Readable
from lwlint.secret import masked

_URL = re.compile(r"(?P<protocol>[A-Za-z][A-Za-z0-9+.-]*)://")
_QUERY = re.compile(r"(://[^\s'\"?#]*)[?#][^\s'\"]*")
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
    while (piece := file.read(1 << 20)) and sum(map(len, parts)) <= limit_of(kinds.CIB):
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
