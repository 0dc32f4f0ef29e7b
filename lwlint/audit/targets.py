"""What an audit is of: archives, folders, file systems and single CIBs, opened; and the hosts in each."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO, cast

from lwlint import kinds
from lwlint.assemble.sos import CRM_REPORT, Capture, capture, captures
from lwlint.assemble.sos_paths import WANTED
from lwlint.assemble.sos_search import CIB, COROSYNC, Evidence, names
from lwlint.assemble.sos_tree import Selected
from lwlint.discover import limit_of
from lwlint.facts.input import Unreadable
from lwlint.finding import ConfigurationError
from lwlint.parse.archive import read_archive
from lwlint.parse.archive_format import is_inner
from lwlint.source import Span
from lwlint.tree import Disk, Memory, Tree

ARCHIVE, FOLDER, ROOT, LONE_CIB = "archive", "folder", "root", "CIB"
Told = Callable[[str, int, int], None]  # a target, how many bytes of it were read, how many it has


@dataclass(frozen=True)
class Target:
    """One thing that the user named, with the hosts found in it, and what was wrong on the way.

    `path` is as the user named it. Paths of `tree`, `captures` and `troubles` are those inside an archive, or those on the disk.
    """

    path: str
    kind: str
    tree: Tree = field(repr=False)
    captures: tuple[Capture, ...] = ()
    troubles: tuple[Unreadable, ...] = ()

    def shown(self, inside: str) -> str:
        """Return how to show a path of the target's tree."""
        if self.kind == ARCHIVE:
            return f"{self.path}!{inside}" if inside else self.path
        return self.path if self.kind == LONE_CIB else inside or self.path


def targets(paths: Sequence[str], roots: Sequence[str], told: Told = lambda path, done, size: None) -> Iterator[Target]:
    """Yield what is at the `paths` (reports, archives, CIBs, folders of these), and the file systems at `roots`, each once.

    `told` is told of progress. Raises ConfigurationError for a path that does not exist.
    """
    for path in (*paths, *roots):
        if not os.path.exists(path):
            raise ConfigurationError(f"`{path}`: no such file or folder")
        if not (os.path.isdir(path) or os.path.isfile(path)):
            raise ConfigurationError(f"`{path}`: is no regular file (a pipe, socket or device); it is not opened")
    for root in dict.fromkeys(roots):
        yield _root(root)
    for path in dict.fromkeys(posixpath.normpath(path.replace(os.sep, "/")) for path in paths):
        if os.path.isdir(path):
            yield from _folder(path, told)
        else:
            yield _file(path, told)


def _root(path: str) -> Target:
    if not os.path.isdir(path):
        raise ConfigurationError(f"`{path}`: is no folder")
    tree = Selected(Disk(), path, WANTED)
    found = capture(tree, path.rstrip("/") + "/")
    return Target(path, ROOT, tree, (found,) if found.evidence else ())


def _folder(path: str, told: Told) -> Iterator[Target]:
    """Yield the reports in a folder, and the archives that lie in it where it is no report itself."""
    tree = Selected(Disk(), path, WANTED)
    found = captures(tree, "" if path == "." else path)
    inside = [] if any(posixpath.normpath(one.root or ".") == path for one in found) else names(Disk(), path)
    archives = [posixpath.join(path, name) for name in inside if is_inner(name) and os.path.isfile(os.path.join(path, name))]
    if found or not archives:
        yield Target(path, FOLDER, tree, tuple(_hosts(found)))
    for name in archives:
        yield _file(posixpath.normpath(name), told)


def _file(path: str, told: Told) -> Target:
    try:
        with open(path, "rb") as file:
            head = file.read(512)
            size = os.fstat(file.fileno()).st_size
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            return _cib(path)
        archive = read_archive(lambda: _opened(path), path, WANTED, told=lambda done: told(path, done, size))
    except OSError as error:
        trouble = Unreadable(path, Span(path, 0, 0), f"file cannot be read ({error.strerror})")
        return Target(path, ARCHIVE, Memory({}), (), (trouble,))
    troubles = tuple(replace(one, name="", span=Span("", 0, 0)) if one.span.path == path else one for one in archive.troubles)
    return Target(path, ARCHIVE, archive.tree, tuple(_hosts(captures(archive.tree))), troubles)


def _opened(path: str) -> BinaryIO:
    return cast("BinaryIO", open(path, "rb", buffering=0))


def _cib(path: str) -> Target:
    with open(path, "rb") as file:
        data = file.read(limit_of(kinds.CIB) + 1)
    name = posixpath.basename(path)
    found = Capture("", LONE_CIB, name, evidence=(Evidence(CIB, "cib.xml"),))
    return Target(path, LONE_CIB, Memory({"cib.xml": data}), (found,))


def _hosts(found: Sequence[Capture]) -> Iterator[Capture]:
    """Yield the captures, a cluster's own report as one for each node that it is of."""
    for one in found:
        if one.form != CRM_REPORT:
            yield one
            continue
        for evidence in one.of(CIB):
            root = posixpath.dirname(evidence.path) + "/"
            conf = [other for other in one.of(COROSYNC) if other.path.startswith(root)]
            yield replace(one, root=root, host=posixpath.basename(root[:-1]), evidence=(evidence, *conf), missing=())
