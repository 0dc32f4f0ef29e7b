"""A tree of files of which only what an audit wants is seen: nothing else is listed, opened or followed."""

from __future__ import annotations

from errno import ENAMETOOLONG

from lwlint.parse.archive import DEEPEST_PATH, Wanted
from lwlint.parse.links import followed
from lwlint.tree import FILE, FOLDER, LINK, Tree


class Selected:
    """The wanted files below the folder `base` of another tree; paths are those of that tree.

    Links are followed below `base` only: an absolute target is meant from the root of the host's tree that the link lies in.
    """

    def __init__(self, tree: Tree, base: str, wanted: Wanted) -> None:
        self._tree = tree
        self._base = "" if base in ("", ".") else base.rstrip("/") + "/"
        self._top = self._base.rstrip("/") or ("/" if self._base else ".")
        self._wanted = wanted
        self._folders: dict[str, str | None] = {}

    def _inside(self, path: str) -> str | None:
        if path in (".", "", self._base.rstrip("/")):
            return ""
        return path[len(self._base) :] if path.startswith(self._base) else None

    def _link(self, inside: str) -> str | None:
        path = self._base + inside
        return self._tree.target(path) if self._tree.kind(path) == LINK else None

    def _real(self, path: str, *, last: bool) -> str | None:
        """Return the path in the other tree that `path` leads to; None for one outside, and for links in a circle."""
        inside = self._inside(path)
        if not inside:
            return None if inside is None else self._top
        folder, slash, name = inside.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = followed(folder, self._link, last=True)
        real = self._folders[folder]
        if real is None:
            return None
        found: str | None = f"{real}{slash if real else ''}{name}"
        if last and self._link(found or "") is not None:
            found = followed(found or "", self._link, last=True)
        return None if found is None else (self._base + found).rstrip("/") or self._top

    def kind(self, path: str) -> str | None:
        """Return what `path` is, links not followed; None for what is not wanted."""
        inside = self._inside(path)
        real = self._real(path, last=False)
        if not inside:
            return self.real_kind(path)
        kind = None if real is None else self._tree.kind(real)
        if kind is None:
            return None
        wanted = kind != FOLDER and self._wanted.member(inside)
        return kind if wanted or (kind != FILE and self._wanted.below(inside)) else None

    def target(self, path: str) -> str:
        return self._tree.target(self._there(path, last=False))

    def real_kind(self, path: str) -> str | None:
        real = self._real(path, last=True)
        if real == self._top:
            return self._tree.real_kind(real)  # a link that the user named is followed
        return None if real is None else self._tree.kind(real)

    def size(self, path: str) -> int:
        return self._tree.size(self._there(path, last=True))

    def read(self, path: str, most: int = -1) -> bytes:
        return self._tree.read(self._there(path, last=True), most)

    def _there(self, path: str, *, last: bool) -> str:
        real = self._real(path, last=last)
        if real is None or self._tree.kind(real) is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        return real

    def names(self, path: str) -> list[str]:
        """Return the sorted names of what is wanted in the folder `path`. Raises OSError for one too deep to look into, too."""
        inside = self._inside(path)
        if inside is None:
            return []
        if inside.count("/") >= DEEPEST_PATH:
            raise OSError(ENAMETOOLONG, f"it lies in {DEEPEST_PATH} folders, and the limit is that", path)
        below, above = f"{inside}/" if inside else "", "" if path in (".", "") else path.rstrip("/") + "/"
        wanted = self._wanted
        return [
            name
            for name in self._tree.names(self._there(path, last=True))
            if wanted.member(below + name) or (wanted.below(below + name) and self.kind(above + name) is not None)
        ]
