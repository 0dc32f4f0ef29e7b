"""The wanted members of an archive, held in memory, as a tree of files."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from typing import Union

from lwlint.files.archive.unpack import HOST
from lwlint.files.tree import FILE, FOLDER, LINK

_MOST_HOPS = 40  # as Linux allows


def root_of(path: str) -> str:
    """Return the part of `path` in front of a host's file system tree (with a final `/`, or empty); without one, the first folder."""
    top = HOST.search(path)
    if top is not None:
        return path[: top.end()]
    first, slash, _ = path.partition("/")
    return first + slash if slash else ""


def followed(path: str, link: Callable[[str], str | None], *, last: bool) -> str | None:
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
        return followed(path, self._link, last=True)

    def _link(self, path: str) -> str | None:
        node = self._node(path)
        return node if isinstance(node, _Link) else None

    def _node(self, path: str) -> Node | None:
        node: Node | None = self._top
        for part in path.split("/") if path else ():
            node = node.get(part) if isinstance(node, dict) else None
        return node

    def _find(self, path: str, *, last: bool) -> Node | None:
        real = followed(path, self._link, last=last)
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
