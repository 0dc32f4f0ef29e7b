"""Which files a run takes: `paths` of the configuration, and what git ignores."""

from __future__ import annotations

import os
from collections.abc import Sequence

from lwlint.config import position
from lwlint.ignored import Ignored
from lwlint.patterns import covered, patterns, verdict
from lwlint.settings import Placed, Settings


def matches(lines: tuple[str, ...], path: str, folder: str) -> bool:
    """Return whether the patterns, which count from `folder`, cover `path` (from where lwlint runs)."""
    below = os.path.relpath(path, folder).replace(os.sep, "/")
    return not below.startswith("../") and covered(lines, below)


class Selection:
    """The choice of files by the settings of a configuration."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ignored = Ignored() if settings.gitignore else None

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
        return self._ignored.refusal(path, given) if self._ignored is not None else None


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
