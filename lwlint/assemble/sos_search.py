"""The search for evidence in one report or host: what was found, and what was looked for in vain."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Union

from lwlint.record import dataclass
from lwlint.secret import masked
from lwlint.tree import FILE, FOLDER, Tree

CIB, CLUSTER_STATUS, COROSYNC = "CIB", "cluster status", "corosync.conf"
UNITS, RUNTIME_UNITS, UNIT_SETTINGS, UNIT_STATES = "unit files", "runtime unit files", "unit settings in force", "unit file states"
OPTIONS, CONTAINERS, PACKAGES, RELEASE = "option files", "containers", "packages", "release files"
HIERADATA, TEMPLATES = "hieradata", "templates"  # of an undercloud; a host need not have them

_LONGEST = 100  # characters that are told of a complaint


def names(tree: Tree, folder: str) -> list[str]:
    """Return the sorted names in a folder; none where there is none, or where it cannot be listed."""
    try:
        return tree.names(folder) if tree.real_kind(folder) == FOLDER else []
    except OSError:
        return []


@dataclass(frozen=True)
class Evidence:
    """A file or folder to judge by. `weaker` tells that something better was looked for and is not there."""

    kind: str
    path: str
    weaker: bool = False


@dataclass(frozen=True)
class Missing:
    """Evidence that is not there, and where it was looked for, below the report's folder, the best place first."""

    kind: str
    looked_for: tuple[str, ...]


Found = Iterator[Union[Evidence, Missing]]


class Search:
    """Looks for files below one root. `in_containers` tells whether services run in containers there, by what their options lie in."""

    def __init__(self, tree: Tree, root: str) -> None:
        self._tree = tree
        self.root = root
        self.in_containers = bool(self.names("var/lib/config-data")) or bool(self.names("var/lib/openstack/config"))

    def names(self, folder: str) -> list[str]:
        """Return the sorted names in a folder; none where there is none."""
        return names(self._tree, f"{self.root}{folder}".rstrip("/") or ".")

    def matching(self, pattern: str) -> list[str]:
        """Return the files that have something in them and whose path fits `pattern`: parts with `*`, the first part without."""
        paths = [""]
        for part in pattern.split("/"):
            fits = re.compile(re.escape(part).replace(r"\*", ".*"))
            if "*" in part:
                paths = [f"{path}{name}/" for path in paths for name in self.names(path) if fits.fullmatch(name)]
            else:
                paths = [f"{path}{part}/" for path in paths]
        return [path[:-1] for path in paths if self.has(path[:-1])]

    def has(self, path: str) -> bool:
        """Return whether there is a file at `path` with something in it."""
        try:
            return self._tree.real_kind(self.root + path) == FILE and bool(self._tree.read(self.root + path, 1))
        except OSError:
            return False

    def read(self, path: str, most: int = 4096) -> str:
        """Return the beginning of a file; empty where there is none."""
        try:
            return self._tree.read(self.root + path, most).decode("utf-8", "replace")
        except OSError:
            return ""

    def some(self, kind: str, paths: Sequence[str]) -> Found:
        """Yield the first of the paths where there is a file."""
        yield from (Evidence(kind, self.root + path) for path in [path for path in paths if self.has(path)][:1])

    def best(self, kind: str, patterns: Sequence[str], weak: Sequence[str] = (), fits: Callable[[str], bool] = bool) -> Found:
        """Yield the first file that fits one of the patterns, the strong ones first, or what is missing.

        `fits` says by its beginning whether a file is what it is taken for.
        """
        for pattern in (*patterns, *weak):
            paths = [path for path in self.matching(pattern) if fits(self.read(path))]
            if paths:
                yield Evidence(kind, self.root + paths[0], pattern in weak)
                return
        patterns = (*patterns, *weak)
        unfit = list(dict.fromkeys(path for pattern in patterns for path in self.matching(pattern)))
        yield Missing(kind, (*map(self._complaint, unfit), *(pattern for pattern in patterns if pattern not in unfit)))

    def _complaint(self, path: str) -> str:
        """Return a path whose file is not what it is taken for, with its first line: what a command that failed had to say."""
        first = next((line.strip() for line in self.read(path).splitlines() if line.strip()), "")
        return f"{path}, which says only `{masked(first)[:_LONGEST]}`" if first else f"{path}, which is blank"

    def every(self, kind: str, patterns: Sequence[str]) -> Found:
        """Yield all files that fit a pattern, or what is missing."""
        paths = [path for pattern in patterns for path in self.matching(pattern)]
        yield from (Evidence(kind, self.root + path) for path in dict.fromkeys(paths))
        if not paths:
            yield Missing(kind, tuple(patterns))
