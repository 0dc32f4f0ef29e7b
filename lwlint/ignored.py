"""What git ignores, from the `.gitignore` files of the checkout in which a folder lies."""

from __future__ import annotations

import os
import posixpath

from lwlint.patterns import patterns, verdict


class Ignored:
    """The answers of one run. It reads `.gitignore` files as it meets their folders, each once."""

    def __init__(self) -> None:
        self._here = os.getcwd().replace(os.sep, "/")
        self._roots: dict[str, str | None] = {}
        self._lines: dict[str, tuple[str, ...]] = {}
        self._answers: dict[tuple[str, str, bool], str] = {}

    def refusal(self, path: str, given: str | None) -> str | None:
        """Return why the file is left out, as `by` has it; None if it is taken. One that was named itself (`given` is None) is."""
        found = self.by(path, given) if given is not None else ""
        return f"ignored by git ({found})" if found else None

    def by(self, path: str, given: str) -> str:
        """Return the `.gitignore` that ignores the file at `path` or one of its folders below `given`; empty if none does.

        `given` is the folder that the user named, which is read though git ignores it. The answer counts from the top of the checkout.
        """
        if given not in self._roots:
            self._roots[given] = _checkout(self._absolute(given))
        root = self._roots[given]
        if root is None:
            return ""
        first, parts = (self._absolute(each)[len(root) :].strip("/") for each in (given, path))
        steps = parts.split("/")
        for end in range(len(first.split("/")) + 1 if first else 1, len(steps) + 1):
            found = self._answer(root, "/".join(steps[:end]), folder=end < len(steps))
            if found:
                return found
        return ""

    def _absolute(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self._here, path.replace(os.sep, "/")))

    def _answer(self, root: str, path: str, *, folder: bool) -> str:
        """Return the `.gitignore` that ignores exactly this path; the deepest one that speaks of it counts."""
        key = (root, path, folder)
        if key not in self._answers:
            self._answers[key] = ""
            above = path
            while above:
                above = posixpath.dirname(above)
                said = verdict(patterns(*self._read(posixpath.join(root, above))), path[len(above) :].lstrip("/"), folder=folder)
                if said is not None:
                    self._answers[key] = posixpath.join(above, ".gitignore") if said else ""
                    break
        return self._answers[key]

    def _read(self, folder: str) -> tuple[str, ...]:
        if folder not in self._lines:
            try:
                with open(posixpath.join(folder, ".gitignore"), encoding="utf-8", errors="surrogateescape") as file:
                    self._lines[folder] = tuple(file.read().splitlines())
            except OSError:
                self._lines[folder] = ()
        return self._lines[folder]


def _checkout(folder: str) -> str | None:
    """Return the top of git's work tree around the folder, without a final `/`; None if there is none."""
    while not os.path.lexists(folder + "/.git"):
        above = posixpath.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder.rstrip("/")
