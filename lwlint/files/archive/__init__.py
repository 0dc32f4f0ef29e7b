"""Archives read as a stream: one pass, only wanted members kept, nothing written, the same memory whatever the size.

An archive in an archive becomes a folder of its own name. What is wrong on the way is told as `Unreadable`; what was read before
damage counts. A second pass is made only where a wanted link leads to a member that had gone by before the link was seen.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, Union

from msgspec import Struct

from lwlint.core.facts import Unreadable
from lwlint.core.source import Span
from lwlint.files.archive import unpack as formats
from lwlint.files.archive.tar import DEVICE, HARD, PIPE, Member, Tar
from lwlint.files.archive.unpack import HOST, Bounds, Damage, FileStream, Readable, Stream, in_blocks, open_packed
from lwlint.files.tree import FILE, FOLDER, LINK

_MOST_HOPS = 40  # as Linux allows


def root_of(path: str) -> str:
    """Return the part of `path` in front of a host's file system tree (with a final `/`, or empty); without one, the first folder."""
    top = HOST.search(path)
    if top is not None:
        return path[: top.end()]
    first, slash, _ = path.partition("/")
    return first + slash if slash else ""


def follow(path: str, link: Callable[[str], str | None], *, last: bool) -> str | None:
    """Return where `path` leads when links are followed, whether there is something or not; None for links in a circle.

    `link` returns the target of the link at a path without links in front of it, None where there is none. The `last` part of the
    path, too, is followed if it is a link. An absolute target is meant from the root of the host's tree that the link lies in.
    """
    todo = [part for part in reversed(path.split("/")) if part not in ("", ".")]
    done: list[str] = []
    hops = 0
    while todo:
        part = todo.pop()
        if part == "..":
            del done[-1:]
            continue
        done.append(part)
        target = link("/".join(done)) if todo or last else None
        if target is None:
            continue
        hops += 1
        if hops > _MOST_HOPS:
            return None
        if target.startswith("/"):
            target = root_of("/".join(done)) + posixpath.normpath(target).lstrip("/")
            done = []
        else:
            done.pop()
        todo += [part for part in reversed(target.split("/")) if part not in ("", ".")]
    return "/".join(done)


class _Link(str):
    """The target of a symbolic link."""


Node = Union[dict[str, "Node"], bytes, _Link]


class Members:
    """Files and links by path. Links are followed inside only: an absolute target is meant from the root of its own host's tree."""

    def __init__(self) -> None:
        self._top: dict[str, Node] = {}

    def add(self, path: str, content: bytes) -> int:
        """Put a file at `path`, in place of what is there, and return by how much the memory for contents grew."""
        return self._put(path, content)

    def add_link(self, path: str, target: str) -> int:
        """Put a symbolic link at `path`, in place of what is there, and return by how much the memory for contents grew."""
        return self._put(path, _Link(target))

    def _put(self, path: str, node: Node) -> int:
        *folders, name = [part for part in path.split("/") if part not in ("", ".")] or [""]
        if not name:
            return 0  # the tree itself
        inside = self._top
        for i, folder in enumerate(folders):
            below = inside.get(folder)
            if below is None:
                below = inside[folder] = {}
            if isinstance(below, _Link):
                return self._put_through("/".join(folders[: i + 1]), "/".join([*folders[i + 1 :], name]), node)
            if not isinstance(below, dict):
                return 0  # below a file: an archiver would not unpack it either
            inside = below
        before = inside.get(name)
        if isinstance(before, dict):
            return 0  # nor put anything in the place of a folder
        inside[name] = node
        return len(node) - (len(before) if isinstance(before, (bytes, str)) else 0)

    def _put_through(self, link: str, below: str, node: Node) -> int:
        """Put something below a link to a folder, which need not be there yet, as unpacking on a disk would."""
        real = self.real_path(link)
        return 0 if real is None or real == link else self._put(f"{real}/{below}".lstrip("/"), node)

    def entries(self) -> Iterator[tuple[str, bytes | str]]:
        """Yield each file with its bytes and each link with its target, which put into another tree make the same one."""
        todo: list[tuple[str, Node]] = list(self._top.items())
        while todo:
            path, node = todo.pop()
            if isinstance(node, dict):
                todo += [(f"{path}/{name}", below) for name, below in node.items()]
            else:
                yield path, node

    def at(self, path: str) -> bytes | None:
        """Return the file that stands at `path` itself; None where there is none."""
        found = self._find(path, last=False)
        return found if isinstance(found, bytes) else None

    def real_path(self, path: str) -> str | None:
        """Return where `path` leads when links are followed, whether there is something or not; None for links in a circle."""
        return follow(path, self._link, last=True)

    def _link(self, path: str) -> str | None:
        node = self._node(path)
        return node if isinstance(node, _Link) else None

    def _node(self, path: str) -> Node | None:
        node: Node | None = self._top
        for part in path.split("/") if path else ():
            node = node.get(part) if isinstance(node, dict) else None
        return node

    def _find(self, path: str, *, last: bool) -> Node | None:
        real = follow(path, self._link, last=last)
        return None if real is None else self._node(real)

    def kind(self, path: str) -> str | None:
        return _kind(self._find(path, last=False))

    def real_kind(self, path: str) -> str | None:
        return _kind(self._find(path, last=True))

    def target(self, path: str) -> str:
        found = self._find(path, last=False)
        if not isinstance(found, _Link):
            raise OSError(22, "Invalid argument", path)
        return str(found)

    def size(self, path: str) -> int:
        return len(self.read(path))

    def read(self, path: str, most: int = -1) -> bytes:
        found = self._find(path, last=True)
        if isinstance(found, dict):
            raise IsADirectoryError(21, "Is a directory", path)
        if not isinstance(found, bytes):
            raise FileNotFoundError(2, "No such file or directory", path)
        return found if most < 0 else found[:most]

    def names(self, path: str) -> list[str]:
        found = self._find(path, last=True)
        if not isinstance(found, dict):
            error = FileNotFoundError(2, "No such file or directory", path)
            raise error if found is None else NotADirectoryError(20, "Not a directory", path)
        return sorted(found)


def _kind(node: Node | None) -> str | None:
    if node is None:
        return None
    if isinstance(node, dict):
        return FOLDER
    return LINK if isinstance(node, _Link) else FILE


_LONGEST_PATH = 4096
DEEPEST_PATH = 128  # folders, one in the other
_SHORT = 128  # characters: too few for a path that is too deep
_ODD = re.compile(r"\0|\.\.|(?:^|/)\.?(?:/|$)")  # what may be in a name that needs a closer look: a step that is empty or `.`, for one
_EACH = 64  # bytes of memory for one path that is kept, beside its text
_SHOWN = 20  # complaints of one sort about one archive; the rest are counted
_REMEMBERED = 200_000  # members that were passed over, in case a link leads to one


class Wanted(Protocol):
    """Which members are worth keeping. Paths are those of the tree that comes out."""

    def member(self, path: str) -> bool:
        """Return whether the file or link at `path` is wanted."""

    def below(self, folder: str) -> bool:
        """Return whether anything below `folder` may be wanted; a link in the place of such a folder is kept."""


class Limits(NamedTuple):
    """What one archive may ask for: bytes of one wanted member, of all that is kept, archives in archives, unpacked data."""

    member: int = 32_000_000
    kept: int = 256_000_000
    nested: int = 3
    unpacked: Bounds = Bounds()


class Archive(Struct, frozen=True):
    """What was read of an archive: the wanted members, and what was wrong. `whole` tells that it was read to a proper end."""

    tree: Members
    troubles: tuple[Unreadable, ...]
    whole: bool
    members: int


def read_archive(
    opened: Callable[[], AbstractContextManager[Readable]],
    name: str,
    wanted: Wanted,
    *,
    told: Callable[[int, int], None] | None = None,
    limits: Limits | None = None,
    threads: bool = False,
) -> Archive:
    """Return the `wanted` members of the archive that `opened` opens, packed or not; `name` is what it is called in complaints.

    `told` is told how many bytes of the file and how many members have been read, now and then; `threads` may unpack what comes in
    blocks, which changes nothing but the time that it takes. Raises OSError where it cannot be opened.
    """
    reading = _Reading(name, wanted, limits or Limits(), frozenset())
    for again in (False, True):
        with opened() as file:
            whole = reading.whole(file, told, threads=threads)
        if again or not reading.lost:
            break
        reading = _Reading(name, wanted, limits or Limits(), frozenset(reading.lost))
    return Archive(reading.tree, reading.troubles(), whole, reading.count)


class _Reading:
    """One pass over one archive and those in it."""

    def __init__(self, name: str, wanted: Wanted, limits: Limits, also: frozenset[str]) -> None:
        self.tree = Members()
        self.lost: set[str] = set()
        self.count = 0
        self._name = name
        self._wanted = wanted
        self._limits = limits
        self._also = set(also)
        self._passed: set[int] = set()
        self._kept = 0
        self._full = False
        self._said: dict[tuple[str, str], list[tuple[str, str, bool]]] = {}
        self._more: dict[tuple[str, str], int] = {}
        self._folder, self._below = "", True

    def whole(self, file: Readable, told: Callable[[int, int], None] | None, *, threads: bool) -> bool:
        """Read the archive that the file is; return whether it came to a proper end."""
        tell = None if told is None else lambda read: told(read, self.count)
        blocks = in_blocks(file, tell, self._limits.unpacked) if threads else None
        if blocks is None:
            return self.archive(FileStream(file, tell), "", 0)
        try:
            return self._members(blocks, "", 0)
        finally:
            blocks.close()

    def troubles(self) -> tuple[Unreadable, ...]:
        """Return all that was wrong, in the order in which it was met, many of one sort cut down to some and their number."""
        found = []
        for (place, sort), said in self._said.items():
            found += [Unreadable(path, Span(path, 0, 0), message, fatal=fatal) for path, message, fatal in said]
            if self._more[place, sort]:
                found.append(Unreadable(place, Span(place, 0, 0), f"has {self._more[place, sort]} more such members ({sort})", fatal=False))
        return tuple(found)

    def _complain(self, place: str, path: str, message: str, *, fatal: bool = False, sort: str = "", most: int = _SHOWN) -> None:
        key = (place or self._name, sort or message)
        said = self._said.setdefault(key, [])
        self._more.setdefault(key, 0)
        if len(said) < most:
            said.append((path or self._name, message, fatal))
        else:
            self._more[key] += 1

    def archive(self, source: Stream, place: str, depth: int) -> bool:
        """Read one archive, whose members go below `place`; return whether it came to a proper end."""
        try:
            stream, refusal = open_packed(source, self._limits.unpacked)
        except Damage as damage:
            stream, refusal = None, str(damage)
        if stream is None:
            self._complain(place, place, refusal, fatal=True)
            return False
        return self._members(stream, place, depth)

    def _members(self, stream: Stream, place: str, depth: int) -> bool:
        def complain(name: str, message: str, fatal: bool) -> None:
            path = _normal(name) if name else ""
            self._complain(
                place, f"{place}/{path}".strip("/") if path else place, message, fatal=fatal, sort=message.split("`")[0].split("(")[0]
            )

        tar = Tar(stream, complain)
        for member in tar:
            self.count += 1
            self._take(tar, member, place, depth)
        return tar.whole

    def _take(self, tar: Tar, member: Member, place: str, depth: int) -> None:
        path = self._path(member, place)
        if path is None or member.type == FOLDER:
            return
        folder = path.rpartition("/")[0]
        if folder != self._folder:
            self._folder, self._below = folder, self._wanted.below(folder)
        if member.type in (DEVICE, PIPE):
            self._special(member, path, place)
            return
        wanted = (self._below and self._wanted.member(path)) or path in self._also
        if member.type == LINK:
            self._link(member, path, wanted)
        elif wanted:
            self._file(tar, member, path, place)
        elif member.type == FILE:
            if formats.is_inner(path) and path.count("/") - place.count("/") < 6:
                self._inner(tar, member, path, depth)
            elif kind := formats.is_inner_of_another_kind(path):
                self._complain(path, path, f"is a {kind} archive by its name; it is not opened", fatal=True)
            elif len(self._passed) < _REMEMBERED:
                self._passed.add(hash(path))

    def _special(self, member: Member, path: str, place: str) -> None:
        """Tell of a device anywhere, as no report holds one, and of a pipe where a file is wanted."""
        if member.type == DEVICE:
            self._complain(place, path, "is a device; it is left out", most=1)
        elif self._below and self._wanted.member(path):
            self._complain(place, path, "is a pipe; it is left out")

    def _path(self, member: Member, place: str) -> str | None:
        """Return where a member belongs in the tree; None, after a complaint, for one that belongs nowhere."""
        name = member.name
        if len(name) <= _SHORT and not _ODD.search(name):
            return f"{place}/{name}" if place else name
        if len(name) > _LONGEST_PATH or name.count("/") > DEEPEST_PATH:
            words = f"has a name of {len(name)} characters in {name.count('/')} folders; the limits are {_LONGEST_PATH} and {DEEPEST_PATH}"
            self._refuse(place, name[:80] + "...", words, "has a name too long")
            return None
        if "\0" in name:
            self._refuse(place, name.replace("\0", "\\0"), "has a NUL in its name; it is left out", "has a NUL in its name")
            return None
        if ".." in name and ".." in name.split("/"):
            self._refuse(place, name, f"has the name `{name}`, which climbs out with `..`; it is left out", "has a name that climbs out")
            return None
        if name.startswith("/"):
            message = "has members with absolute names; they are read as if they lay in it"
            if (place or self._name, message) not in self._said:
                self._complain(place, place, message)
        name = _normal(name)  # without a slash at its end too, as GNU tar and tarfile have the name of a link
        if not name:
            return None
        return f"{place}/{name}" if place else name

    def _refuse(self, place: str, name: str, message: str, sort: str) -> None:
        shown = posixpath.normpath("/" + name).lstrip("/")
        self._complain(place, f"{place}/{shown}".strip("/"), message, sort=sort)

    def _room(self, path: str, size: int, place: str) -> bool:
        """Return whether `size` more bytes may be kept; say so once where they may not."""
        self._kept += _EACH * (path.count("/") + 1) + len(path)
        if self._kept + size <= self._limits.kept:
            return True
        if not self._full:
            self._full = True
            message = f"has more than {self._limits.kept} bytes of files to be judged; the rest, from this one on, is left out"
            self._complain(place, path, message)
        return False

    def _link(self, member: Member, path: str, wanted: bool) -> None:
        if not wanted and not self._wanted.below(path):
            return
        if not self._room(path, len(member.target), ""):
            return
        self._kept += self.tree.add_link(path, member.target)
        if wanted:
            self._also_wanted(self._target(path, member.target))

    def _target(self, path: str, target: str) -> str:
        base = root_of(path) if target.startswith("/") else posixpath.dirname(path)
        found = posixpath.normpath(posixpath.join(base, target.lstrip("/")))
        return "" if found.startswith("..") else found

    def _also_wanted(self, path: str) -> None:
        """Want the file that a wanted link leads to: if it has gone by already, in a second pass."""
        if path and path not in self._also and not self._wanted.member(path):
            self._also.add(path)
            if hash(path) in self._passed:
                self.lost |= self._also

    def _file(self, tar: Tar, member: Member, path: str, place: str) -> None:
        if member.type == HARD:
            self._hard(member, path, place)
        elif member.sparse:
            self._complain(place, path, "is a sparse file of the archive, which lwlint does not read", sort="is a sparse")
        elif member.size > self._limits.member:
            message = f"has {member.size} bytes; the limit for a file in an archive is {self._limits.member}"
            self._complain(place, path, message, sort="has more bytes than a file in an archive may have")
        elif self._room(path, member.size, place):
            content = tar.content(member.size)
            if content is not None:
                self._keep(path, content, place)

    def _keep(self, path: str, content: bytes, place: str) -> None:
        before = self.tree.at(path)
        if before is not None and before != content:
            self._complain(place, path, "is in the archive twice; the last one counts", sort="stands twice")
        self._kept += self.tree.add(path, content)

    def _hard(self, member: Member, path: str, place: str) -> None:
        """Keep a hard link: what it names stands in the archive before it."""
        target = _normal(member.target)
        if ".." in target.split("/"):
            self._complain(place, path, f"is a hard link to `{member.target}`, which climbs out; it is left out", sort="is a hard link out")
            return
        target = f"{place}/{target}" if place else target
        content = self.tree.at(target)
        if content is not None:
            self._keep(path, content, place)
        elif self.tree.kind(target) == LINK:
            self.tree.add_link(path, self.tree.target(target))
        elif hash(target) in self._passed and target not in self._also:
            self._also.add(target)
            self.lost |= self._also
        else:
            self._complain(
                place, path, f"is a hard link to `{member.target}`, which is not there; it is left out", sort="is a hard link to"
            )

    def _inner(self, tar: Tar, member: Member, path: str, depth: int) -> None:
        if depth + 1 >= self._limits.nested:
            self._complain(path, path, f"is an archive in {depth + 1} archives; it is not opened")
            return
        self.archive(tar.stream(member.size), path, depth + 1)


def _normal(name: str) -> str:
    return posixpath.normpath("/" + name).lstrip("/") if ".." not in name.split("/") else name.lstrip("/")
