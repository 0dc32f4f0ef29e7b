"""Which files a run takes: `paths` of the configuration, and what git ignores."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence

from lwlint.config import position
from lwlint.patterns import covered, patterns, verdict
from lwlint.settings import Placed, Settings


def matches(lines: tuple[str, ...], path: str, folder: str) -> bool:
    """Return whether the patterns, which count from `folder`, cover `path` (from where lwlint runs)."""
    below = os.path.relpath(path, folder).replace(os.sep, "/")
    return not below.startswith("../") and covered(lines, below)


class Selection:
    """The choice of files. It reads `.gitignore` files as it meets their folders, each once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._root, self._prefix = _work_tree() if settings.gitignore else (None, "")
        self._ignores: dict[str, tuple[str, ...]] = {}
        self._answers: dict[tuple[str, ...], str] = {}

    def refusal(self, path: str, given: str | None = None) -> str | None:
        """Return why the file at `path` is left out, or None if it is taken.

        `given` is the folder that the user named and below which the file was found (None for a file that was named
        itself). What was named is read even if git ignores it, but not against `paths.exclude`.
        """
        entry = covering(self._settings.exclude, path)
        if entry is not None:
            line, column = position(entry.layer, entry.key)
            return f"excluded by `{entry.value}` ({entry.layer.name}:{line}:{column})"
        if given is None:
            return None
        if self._settings.include and covering(self._settings.include, path) is None:
            return "matches nothing of `paths.include`"
        found = self._ignored(path, given) if self._root is not None else ""
        return f"ignored by git ({found})" if found else None

    def _ignored(self, path: str, given: str) -> str:
        """Return the `.gitignore` that ignores the file, or one of its folders below `given`; else an empty string."""
        parts = self._inside(path).split("/")
        first = self._inside(given)
        skipped = 0 if first == "." else len(first.split("/"))
        if parts[0] == "..":
            return ""
        for end in range(skipped + 1, len(parts) + 1):
            found = self._answer(tuple(parts[:end]), folder=end < len(parts))
            if found:
                return found
        return ""

    def _inside(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self._prefix, path.replace(os.sep, "/")))

    def _answer(self, parts: tuple[str, ...], *, folder: bool) -> str:
        """Return the `.gitignore` that ignores exactly this path; the deepest one that speaks of it counts."""
        key = (*parts, "") if folder else parts
        if key not in self._answers:
            self._answers[key] = ""
            for depth in range(len(parts) - 1, -1, -1):
                above = "/".join(parts[:depth])
                said = verdict(patterns(*self._lines(above)), "/".join(parts[depth:]), folder=folder)
                if said is not None:
                    self._answers[key] = posixpath.join(above, ".gitignore") if said else ""
                    break
        return self._answers[key]

    def _lines(self, folder: str) -> tuple[str, ...]:
        if folder not in self._ignores:
            try:
                with open(os.path.join(self._root or "", folder, ".gitignore"), encoding="utf-8", errors="surrogateescape") as file:
                    self._ignores[folder] = tuple(file.read().splitlines())
            except OSError:
                self._ignores[folder] = ()
        return self._ignores[folder]


def covering(entries: Sequence[Placed], path: str) -> Placed | None:
    """Return the pattern that covers `path` or one of its folders: the last that speaks of it, as in one file of git's."""
    if not entries:
        return None
    below = {folder: _below(path, folder) for folder in {entry.layer.folder for entry in entries}}
    longest = max(len(parts) for parts in below.values())
    entry: Placed
    for dropped in range(longest - 1, -1, -1):
        for entry in reversed(entries):
            parts = below[entry.layer.folder]
            end = len(parts) - dropped
            said = verdict(patterns(entry.value), "/".join(parts[:end]), folder=dropped > 0) if end > 0 else None
            if said:
                return entry
            if said is not None:
                break
    return None


def _below(path: str, folder: str) -> list[str]:
    """Return the steps that lead from `folder` to `path`; none if it lies elsewhere."""
    steps = os.path.relpath(path, folder).replace(os.sep, "/").split("/")
    return [] if steps[0] == ".." else steps


def _work_tree() -> tuple[str | None, str]:
    """Return the top of git's work tree around the current folder (None if there is none), and the way from it to here."""
    here = folder = os.getcwd()
    while not os.path.exists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return None, ""
        folder = above
    return folder, os.path.relpath(here, folder).replace(os.sep, "/")
