"""Where reading ends: the tree that was named, and regular files of a bounded size in it.

Whoever wrote a checked tree must not choose what else is read by a link, a device or a pipe. Every file that lwlint opens is opened by
`read_regular`, and every path that a tree or a configuration leads to is held against a `Boundary`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable

from lwlint.core.lazy import pattern

CONFIGURATION = 1_000_000  # bytes of a configuration, a rule or a `.gitignore`
BASELINE = 64_000_000  # bytes
_HOST = pattern(r"^(?P<root>(?:.*?/)??)(?:etc|(?:usr/(?:local/)?)?lib/systemd|run/systemd)(?:/|$)")


class Boundary:
    """The folders that what is read lies in, by their real paths."""

    def __init__(self, roots: Iterable[str]) -> None:
        self.roots = tuple(dict.fromkeys(os.path.realpath(root) for root in roots))
        self._folders: dict[str, str] = {}

    def holds(self, path: str) -> bool:
        """Return whether `path`, all links followed, lies in one of the folders."""
        folder, name = os.path.split(os.path.abspath(path))
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        real = os.path.join(self._folders[folder], name)
        return self._covers(os.path.realpath(real) if os.path.islink(real) else real)

    def names(self, path: str) -> bool:
        """Return whether `path` lies in one of the folders as it is written, whatever its links lead to."""
        folder = os.path.abspath(path)
        return self._covers(folder) or any(os.path.realpath(above) in self.roots for above in _above(folder))

    def _covers(self, real: str) -> bool:
        return any(real == root or real.startswith(root.rstrip(os.sep) + os.sep) for root in self.roots)


def _above(path: str) -> Iterable[str]:
    while path != os.path.dirname(path):
        yield path
        path = os.path.dirname(path)


def around(paths: Iterable[str]) -> Boundary:
    """Return the boundary of a run on `paths`: for each the git checkout that it lies in or, without one, the folder that was named.

    A file by itself belongs to the current folder if it lies in it, else to its own folder. What lies in the file system of a host
    (`etc/`, `usr/lib/systemd/`) belongs to all of that host.
    """
    roots: list[str] = []
    for path in paths:
        here, is_folder = os.path.abspath(path), os.path.isdir(path)
        own = here if is_folder and not os.path.islink(here) else os.path.dirname(here)
        top = checkout(own)
        if top is not None:
            roots.append(top)
            continue
        current = os.getcwd()
        inside = (own + os.sep).startswith(current.rstrip(os.sep) + os.sep)
        roots.append(here if is_folder else current if inside else own)
        host = _HOST.match(os.path.relpath(own).replace(os.sep, "/") + "/")
        if host is not None:
            roots.append(os.path.abspath(host["root"] or "."))
    return Boundary(roots)


def checkout(folder: str) -> str | None:
    """Return the top of git's work tree around `folder`, links followed; None if there is none.

    The home of a user is not counted as one, nor is `/`: what is unpacked somewhere in it belongs to others.
    """
    folder = os.path.realpath(folder)
    home = os.path.realpath(os.path.expanduser("~"))
    while folder not in (home, os.path.dirname(folder)):
        if os.path.lexists(os.path.join(folder, ".git")):
            return folder
        folder = os.path.dirname(folder)
    return None


def read_regular(path: str, most: int = -1) -> bytes:
    """Return the bytes of the regular file at `path`, only the first `most` of them if it is not negative.

    A device, a pipe or a socket is never waited for. Raises OSError for all that is no regular file, and for a path that cannot be one.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
    except ValueError:  # a NUL, or what no file system's encoding can say
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path) from None
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", path)
        return file.read(most)


def read_bounded(path: str, most: int, within: Boundary | None = None) -> bytes:
    """Return the bytes of a regular file that has no more than `most`, and lies `within` the boundary. Raises OSError."""
    if within is not None and not within.holds(path):
        raise OSError(errno.EPERM, "it leads out of the tree; `--trust` reads it all the same", path)
    data = read_regular(path, most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it has more than {most} bytes", path)
    return data
