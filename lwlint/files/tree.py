"""File trees that lwlint reads from: the disk, as it is or as a process remembers it, or files held in memory (examples, archives)."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from errno import EINVAL, EPERM
from typing import Protocol, TypeVar, Union

from msgspec import Struct

from lwlint.core.lazy import pattern

CONFIGURATION = 1_000_000  # bytes of a configuration, a rule or a `.gitignore`
BASELINE = 64_000_000  # bytes
_NO_END = (1 << 63) - 1  # bytes, more than a file has
_PIECE = 4_096  # bytes, at least, that a file is asked for at once
_HOST = pattern(r"^(?P<root>(?:.*?/)??)(?:etc|(?:usr/(?:local/)?)?lib/systemd|run/systemd)(?:/|$)")


class Boundary:
    """The folders that what is read lies in, by their real paths."""

    def __init__(self, roots: Iterable[str]) -> None:
        self.roots = tuple(dict.fromkeys(os.path.realpath(root) for root in roots))
        self._folders: dict[str, tuple[str, bool]] = {}
        self._real_paths: dict[str, str] = {}
        self._named: dict[str, bool] = {}

    def holds(self, path: str) -> bool:
        """Return whether `path`, all links followed, lies in one of the folders."""
        folder, _, name = path.rpartition("/")
        if not folder or name in ("", ".", ".."):
            folder, name = os.path.split(os.path.abspath(path))
        real, covered = self._folder(folder)
        real = os.path.join(real, name)
        if os.path.islink(real):
            return self._covers(os.path.realpath(real))
        return covered or self._covers(real)

    def holds_what_is_in(self, folder: str) -> bool:
        """Return whether `folder` itself, all links followed, lies in one of the folders; asked of the disk once."""
        return self._folder(folder)[1]

    def _folder(self, folder: str) -> tuple[str, bool]:
        if folder not in self._folders:
            real = self._real(os.path.abspath(folder))
            self._folders[folder] = real, self._covers(real)
        return self._folders[folder]

    def _real(self, folder: str) -> str:
        """Return the real path of `folder`, an absolute one; of a folder that others lie in the disk is asked once."""
        below: list[str] = []  # what is not known yet, the innermost first; a path may have more parts than Python calls within each other
        above, name = os.path.split(folder)
        while name:
            below.append(name)
            if above in self._real_paths:
                break
            folder = above
            above, name = os.path.split(folder)
        real = self._real_paths[above] if name else os.path.realpath(folder)
        for name in reversed(below):
            self._real_paths[above] = real
            above = os.path.join(above, name)
            here = os.path.join(real, name)
            real = os.path.realpath(here) if os.path.islink(here) else here
        return real

    def names(self, path: str) -> bool:
        """Return whether `path` lies in one of the folders as it is written, whatever its links lead to."""
        folder, name = os.path.split(path)
        if folder not in self._named:
            self._named[folder] = self._covers(os.path.abspath(folder or "."))
        if self._named[folder] and name not in ("", ".", ".."):
            return True
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
        shown = os.path.relpath(own).replace(os.sep, "/") + "/"
        host = _HOST.match(shown) if "etc/" in shown or "systemd/" in shown else None
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


_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # none on Windows
_IS_LINK = (errno.ELOOP, errno.EMLINK)  # what Linux and macOS answer then, and FreeBSD


def read_regular(path: str, most: int = -1, also: int = 0) -> bytes:
    """Return the bytes of the regular file at `path`, only the first `most` of them if it is not negative.

    A device, a pipe or a socket is never waited for. Raises OSError for all that is no regular file, and for a path that cannot be one.
    `also` are further flags of open(2).
    """
    try:
        handle = os.open(path, _READ | also)
    except ValueError:  # a NUL, or what no file system's encoding can say
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path) from None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            code = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
            raise OSError(code, os.strerror(code) if code == errno.EISDIR else "it is not a regular file", path)
        pieces, left = [], most if most >= 0 else _NO_END
        while piece := os.read(handle, min(left, max(found.st_size, _PIECE) + 1)):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)
    finally:
        os.close(handle)


def read_bounded(path: str, most: int, within: Boundary | None = None) -> bytes:
    """Return the bytes of a regular file that has no more than `most`, and lies `within` the boundary. Raises OSError."""
    if within is not None and not within.holds(path):
        raise OSError(errno.EPERM, "it leads out of the tree; `--trust` reads it all the same", path)
    data = read_regular(path, most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it has more than {most} bytes", path)
    return data


FILE, FOLDER, LINK, OTHER = "file", "folder", "link", "other"
OUTSIDE = "outside"  # there is something, and a link leads to it out of the tree


class Tree(Protocol):
    """A tree of files, by paths with `/`. A method raises OSError, as the disk does, for what is not there."""

    def kind(self, path: str) -> str | None:
        """Return what `path` is, links not followed: FILE, FOLDER, LINK, OTHER; None where there is nothing."""

    def target(self, path: str) -> str:
        """Return the text of the link at `path`."""

    def real_kind(self, path: str) -> str | None:
        """Return what `path` is, links followed; None for a link that leads nowhere, OUTSIDE for one that leads out of the tree."""

    def size(self, path: str) -> int:
        """Return the size of the file at `path` in bytes."""

    def read(self, path: str, most: int = -1) -> bytes:
        """Return the bytes of the file at `path`, links followed; only the first `most` of them if it is not negative."""

    def names(self, path: str) -> list[str]:
        """Return the sorted names in the folder `path`."""


def _kind(mode: int) -> str:
    if stat.S_ISREG(mode):
        return FILE
    if stat.S_ISDIR(mode):
        return FOLDER
    return LINK if stat.S_ISLNK(mode) else OTHER


class Disk:
    """The file system, seen from the current directory."""

    def kind(self, path: str) -> str | None:
        try:
            return _kind(self.status(path).st_mode)
        except (OSError, ValueError):  # nothing there, or in a folder that this user may not enter; or no name for a file
            return None

    def status(self, path: str) -> os.stat_result:
        """Return what the system says of `path` itself, links not followed."""
        return os.lstat(path)

    def real_kind(self, path: str) -> str | None:
        try:
            return _kind(os.stat(path).st_mode)
        except (OSError, ValueError):
            return None

    def target(self, path: str) -> str:
        return _ask(os.readlink, path)

    def size(self, path: str) -> int:
        return _ask(os.stat, path).st_size

    def read(self, path: str, most: int = -1) -> bytes:
        return read_regular(path, most)

    def names(self, path: str) -> list[str]:
        return sorted(_ask(os.listdir, path))

    def list_entries(self, path: str) -> list[tuple[str, str]]:
        """Return the sorted names in the folder `path`, each with what it is, as `kind` says: file systems tell that with the name.

        It is empty where it has to be asked for by itself.
        """
        with _ask(os.scandir, path) as entries:
            return sorted([(entry.name, _kind_of(entry)) for entry in entries])


def _kind_of(entry: os.DirEntry[str]) -> str:
    try:
        if entry.is_file(follow_symlinks=False):
            return FILE
        if entry.is_dir(follow_symlinks=False):
            return FOLDER
        return LINK if entry.is_symlink() else OTHER
    except OSError:  # what became of it is seen when it is asked for by itself
        return ""


T = TypeVar("T")


def _ask(ask: Callable[[str], T], path: str) -> T:
    """Return what the system says of `path`; raise OSError, too, for what cannot be the name of a file."""
    try:
        return ask(path)
    except ValueError:
        raise OSError(EINVAL, os.strerror(EINVAL), path) from None


class Confined(Disk):
    """The file system inside a boundary: what a link leads to outside of it is there, and is never opened."""

    def __init__(self, boundary: Boundary) -> None:
        self.boundary = boundary

    def kind(self, path: str) -> str | None:
        found = super().kind(path)
        return found if found is None or self.boundary.holds_what_is_in(os.path.dirname(path) or ".") or self._is_root(path) else OUTSIDE

    def real_kind(self, path: str) -> str | None:
        found = super().real_kind(path)
        return found if found is None or self.boundary.holds(path) else OUTSIDE

    def target(self, path: str) -> str:
        self._hold(os.path.dirname(path) or ".")
        return super().target(path)

    def size(self, path: str) -> int:
        self._hold(path)
        return super().size(path)

    def read(self, path: str, most: int = -1) -> bytes:
        if _NO_LINK and self.boundary.holds_what_is_in(os.path.dirname(path) or "."):
            try:
                return read_regular(path, most, _NO_LINK)  # so that there is no moment in which it may become a link
            except OSError as error:
                if error.errno not in _IS_LINK:
                    raise
        self._hold(path)
        return super().read(path, most)

    def names(self, path: str) -> list[str]:
        self._hold(path)
        return super().names(path)

    def list_entries(self, path: str) -> list[tuple[str, str]]:
        self._hold(path)
        return super().list_entries(path)

    def _is_root(self, path: str) -> bool:
        return os.path.realpath(path) in self.boundary.roots

    def _hold(self, path: str) -> None:
        if not self.boundary.holds(path):
            raise PermissionError(EPERM, "it leads out of the tree", path)


Content = Union[str, bytes, Mapping[str, str]]


class Memory:
    """Files held in memory: path -> text, bytes, or `{"link": target}`."""

    def __init__(self, files: Mapping[str, Content]) -> None:
        self._files = dict(files)
        self._folders: dict[str, set[str]] = {"": set()}
        for path in files:
            while path:
                parent, name = posixpath.split(path)
                self._folders.setdefault(parent, set()).add(name)
                path = parent

    def _follow(self, path: str) -> str | None:
        for _ in range(40):
            content = self._files.get(path)
            if not isinstance(content, Mapping):
                return path
            if content["link"].startswith("/"):
                return None
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), content["link"]))
        return None

    def kind(self, path: str) -> str | None:
        path = "" if path == "." else path
        if path in self._files:
            return LINK if isinstance(self._files[path], Mapping) else FILE
        return FOLDER if path in self._folders else None

    def real_kind(self, path: str) -> str | None:
        followed = self._follow(path)
        return None if followed is None else self.kind(followed)

    def target(self, path: str) -> str:
        content = self._files[path]
        assert isinstance(content, Mapping)
        return content["link"]

    def size(self, path: str) -> int:
        return len(self.read(path))

    def read(self, path: str, most: int = -1) -> bytes:
        followed = self._follow(path)
        content = self._files.get(followed) if followed is not None else None
        if content is None or isinstance(content, Mapping):
            raise FileNotFoundError(2, "No such file or directory", path)
        data = content.encode() if isinstance(content, str) else content
        return data if most < 0 else data[:most]

    def names(self, path: str) -> list[str]:
        return sorted(self._folders["" if path == "." else path])


class Overlay:
    """Another tree in which some files have other bytes, or are new."""

    def __init__(self, below: Tree, files: Mapping[str, bytes]) -> None:
        """`files` are the bytes by path, as the paths are shown: with `/`, without `.` parts."""
        self._below = below
        self._files = dict(files)
        self._added: dict[str, set[str]] = {}
        for path in files:
            while path and path not in ("/", ".", ".."):
                parent, name = posixpath.split(path)
                self._added.setdefault(parent or ".", set()).add(name)
                path = parent

    def _new(self, path: str, found: str | None) -> str | None:
        return found or (FILE if path in self._files else FOLDER if path in self._added else None)

    def kind(self, path: str) -> str | None:
        return self._new(path, self._below.kind(path))

    def real_kind(self, path: str) -> str | None:
        return self._new(path, self._below.real_kind(path))

    def target(self, path: str) -> str:
        return self._below.target(path)

    def size(self, path: str) -> int:
        return len(self._files[path]) if path in self._files else self._below.size(path)

    def read(self, path: str, most: int = -1) -> bytes:
        if path not in self._files:
            return self._below.read(path, most)
        return self._files[path] if most < 0 else self._files[path][:most]

    def names(self, path: str) -> list[str]:
        there = self._below.names(path) if self._below.kind(path) is not None else []
        return sorted({*there, *self._added.get(path, ())})


_GIT = ".git"  # git takes no such folder into a repository, so that nothing can be hidden in it
_NO_INPUT = frozenset((_GIT, ".hg", ".svn", ".tox", ".venv", "__pycache__", "node_modules"))


def walk(
    tree: Tree,
    path: str,
    failed: Callable[[str, OSError], None],
    passed: Callable[[str], None] = lambda path: None,
    enters: Callable[[str], bool] | None = None,
) -> Iterator[tuple[str, str]]:
    """Yield every path below the folder `path` that is no folder, sorted, with what it is; no links are followed but `path` itself.

    Folders that hold no input (`.git`, `__pycache__` and the like) are left out. `failed` is told of
    each folder that cannot be listed, `passed` of each that is left out by its name but for git's own.
    Of the folders below `path` only those are looked into that `enters` says, if it is given.
    """
    todo = [(path, FOLDER)]
    while todo:
        path, kind = todo.pop()
        if kind != FOLDER:
            yield path, kind
            continue
        prefix = "" if path in ("", ".") else path.rstrip("/") + "/"
        try:
            listed = _list(tree, path or ".", prefix)
        except OSError as error:
            failed(path, error)
            continue
        below = [(prefix + name, kind) for name, kind in reversed(listed) if name not in _NO_INPUT]
        todo.extend(below if enters is None else [(path, kind) for path, kind in below if kind != FOLDER or enters(path)])
        for name in _NO_INPUT.difference((_GIT,)).intersection(name for name, _ in listed):
            passed(prefix + name)


def _list(tree: Tree, folder: str, prefix: str) -> list[tuple[str, str]]:
    """Return the sorted names in a folder, each with what it is; of the disk that is asked at once."""
    return tree.list_entries(folder) if isinstance(tree, Disk) else [(name, tree.kind(prefix + name) or "") for name in tree.names(folder)]


_SETTLED = 3_000_000_000  # nanoseconds after which a file system tells a second change of a file from the first; FAT counts in 2 seconds


class Stamp(Struct, frozen=True):
    """What tells one state of a file from another without reading it."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int


Bytes = dict[tuple[str, int], tuple[Stamp, bytes]]


class Remembered(Confined):
    """The file system inside a boundary, in one run: each path is looked at once, and no file is read that is as it was in the last run.

    `bytes` is what this run has read and may be given to the next one.
    """

    def __init__(self, boundary: Boundary, before: Bytes) -> None:
        super().__init__(boundary)
        self._before = before
        self._kinds: dict[str, str | None] = {}
        self._real_kinds: dict[str, str | None] = {}
        self._stamps: dict[str, Stamp] = {}
        self._started = time.time_ns()
        self.bytes: Bytes = {}

    def kind(self, path: str) -> str | None:
        if path not in self._kinds:
            self._kinds[path] = super().kind(path)
        return self._kinds[path]

    def real_kind(self, path: str) -> str | None:
        if path not in self._real_kinds:
            itself = self.kind(path)
            self._real_kinds[path] = itself if itself in (FILE, FOLDER) else super().real_kind(path)
        return self._real_kinds[path]

    def size(self, path: str) -> int:
        return self._stamp(path).size if self.kind(path) == FILE else super().size(path)

    def read(self, path: str, most: int = -1) -> bytes:
        if self.kind(path) != FILE:
            return super().read(path, most)
        stamp = self._stamp(path)
        key = (path, most)
        known = self._before.get(key)
        if known is None or known[0] != stamp:
            known = stamp, super().read(path, most)
        if max(stamp.modified, stamp.changed) < self._started - _SETTLED:
            self.bytes[key] = known
        return known[1]

    def status(self, path: str) -> os.stat_result:
        found = super().status(path)
        self._stamps[path] = Stamp(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        return found

    def _stamp(self, path: str) -> Stamp:
        return self._stamps[path]
