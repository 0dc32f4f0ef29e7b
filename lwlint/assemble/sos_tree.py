"""A tree of files of which only what an audit wants is seen: nothing else is listed, opened or followed."""

from __future__ import annotations

from lwlint.parse.archive import Wanted
from lwlint.tree import FILE, FOLDER, Tree


class Selected:
    """The wanted files below the folder `base` of another tree; paths are those of that tree."""

    def __init__(self, tree: Tree, base: str, wanted: Wanted) -> None:
        self._tree = tree
        self._base = "" if base in ("", ".") else base.rstrip("/") + "/"
        self._wanted = wanted

    def _inside(self, path: str) -> str | None:
        if path in (".", "", self._base.rstrip("/")):
            return ""
        return path[len(self._base) :] if path.startswith(self._base) else None

    def kind(self, path: str) -> str | None:
        """Return what `path` is, links not followed; None for what is not wanted."""
        inside = self._inside(path)
        kind = None if inside is None else self._tree.kind(path)
        if not inside or kind is None:
            return kind
        wanted = kind != FOLDER and self._wanted.member(inside)
        return kind if wanted or (kind != FILE and self._wanted.below(inside)) else None

    def target(self, path: str) -> str:
        return self._tree.target(path)

    def real_kind(self, path: str) -> str | None:
        return self._tree.real_kind(path)

    def size(self, path: str) -> int:
        return self._tree.size(path)

    def read(self, path: str, most: int = -1) -> bytes:
        return self._tree.read(path, most)

    def names(self, path: str) -> list[str]:
        """Return the sorted names of what is wanted in the folder `path`."""
        inside = self._inside(path)
        if inside is None:
            return []
        below, above = f"{inside}/" if inside else "", "" if path in (".", "") else path.rstrip("/") + "/"
        wanted = self._wanted
        return [
            name
            for name in self._tree.names(path)
            if wanted.member(below + name) or (wanted.below(below + name) and self.kind(above + name) is not None)
        ]
