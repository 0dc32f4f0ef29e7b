"""What changed in a git checkout, and the files as they were before: asked of the `git` program, which only reads.

No hook, filter, external diff or file system monitor of the repository's configuration is run, and the index is not refreshed.
"""

from __future__ import annotations

import os
import posixpath
import subprocess
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from lwlint.core.finding import ConfigurationError
from lwlint.files.tree import FILE, FOLDER, LINK, Tree

_SAFE = ("git", "--no-pager", "--literal-pathspecs", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
_KINDS = {b"100644": FILE, b"100755": FILE, b"120000": LINK}


class Blob(Struct, frozen=True):
    """A file as git has it: FILE or LINK, and its bytes."""

    kind: str
    data: bytes


class Change(Struct, frozen=True):
    """The files that differ between two states, by their paths as they are shown: None where there is no such file.

    `before` and `after` say what is to be taken instead of what lies on the disk.
    """

    before: Mapping[str, Blob | None]
    after: Mapping[str, Blob | None]


def since(revision: str) -> Change:
    """Return what differs between `revision` and the files on the disk, new ones that git does not ignore included.

    Raises ConfigurationError without git or a checkout, and for a revision that is none.
    """
    prefix = _prefix("--since")
    commit = _commit(_base(revision))
    entries = {path: old for path, (old, _) in _raw("diff-index", commit).items()}
    for path in _names("ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", _up(prefix)):
        entries.setdefault(path, None)
    return Change(_blobs(entries, prefix), {})


def staged() -> Change:
    """Return what differs between the last commit and the index; raises ConfigurationError as `since` does."""
    prefix = _prefix("--staged")
    before = {path: old for path, (old, _) in _raw("diff-index", "--cached", _last()).items()}
    after = {path: old for path, (old, _) in _raw("diff-files").items()}
    for path in _names("ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", _up(prefix)):
        after.setdefault(path, None)
        before.setdefault(path, None)
    return Change({**_blobs(after, prefix), **_blobs(before, prefix)}, _blobs(after, prefix))


def commit_of(paths: Sequence[str]) -> Change | None:
    """Return what the next commit is to bring, if it has all these files; None if it has not, and where there is no checkout."""
    try:
        prefix = _prefix("--hook")
    except ConfigurationError:
        return None
    names = {posixpath.relpath(path, prefix or ".") for path in _raw("diff-index", "--cached", _last())}
    return staged() if names.issuperset(map(posixpath.normpath, paths)) else None


def _up(prefix: str) -> str:
    return "../" * prefix.count("/") or "."


def _git(*arguments: str, text: bytes = b"", none: int = 0) -> bytes:
    """Return what git prints; `none` is the exit code by which a command says that there is nothing."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", "GIT_NO_LAZY_FETCH": "1"}
    try:
        done = subprocess.run((*_SAFE, *arguments), input=text, capture_output=True, env=environment, check=False)
    except OSError as error:
        raise ConfigurationError(f"`git` cannot be run ({error.strerror}); `--since` and `--staged` need it") from error
    if done.returncode not in (0, none):
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        raise ConfigurationError(f"`git {arguments[0]}`: {lines[-1]}")
    return done.stdout


def _prefix(option: str) -> str:
    """Return the path of the current directory in its checkout, with a final `/`; empty at the top."""
    try:
        return os.fsdecode(_git("rev-parse", "--show-prefix")).rstrip("\n")
    except ConfigurationError as error:
        if "not a git repository" in str(error):
            raise ConfigurationError(f"`{option}`: not in a git checkout") from None
        raise


def _commit(revision: str) -> str:
    try:
        return _git("rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}").decode("ascii").strip()
    except ConfigurationError:
        if ".." in revision:
            raise ConfigurationError(f"`{revision}`: is a range; name one revision, or `REV...` for where this branch left it") from None
        raise ConfigurationError(f"`{revision}`: no such revision in this git checkout{_shallow()}") from None


def _base(revision: str) -> str:
    """Return the revision to compare with: of `REV...` (and `REV...HEAD`) the one at which the branch that is checked out left REV."""
    other, dots, own = revision.partition("...")
    if not dots or own not in ("", "HEAD"):
        return revision
    try:
        return _git("merge-base", _commit(other or "HEAD"), _commit("HEAD")).decode("ascii").strip()
    except ConfigurationError as error:
        if str(error).startswith("`git merge-base`"):
            raise ConfigurationError(f"`{revision}`: `{other}` and `HEAD` have no commit in common{_shallow()}") from None
        raise


def _shallow() -> str:
    shallow = _git("rev-parse", "--is-shallow-repository").strip() == b"true"
    return "; its history is cut off (`git fetch --unshallow` gets the rest)" if shallow else ""


def _last() -> str:
    """Return the last commit or, before the first one, the empty tree."""
    if _git("rev-parse", "--verify", "--quiet", "HEAD", none=1):
        return _commit("HEAD")
    return _git("hash-object", "-t", "tree", "--stdin").decode("ascii").strip()


Entry = tuple[str, bytes]  # FILE or LINK, and the name of the blob


def _raw(*arguments: str) -> dict[str, tuple[Entry | None, Entry | None]]:
    """Return both sides of every file that differs, by its path from the top of the checkout."""
    found: dict[str, tuple[Entry | None, Entry | None]] = {}
    parts = _git(*_no_filters(), arguments[0], "--raw", "-z", "--no-renames", "--no-abbrev", "--ignore-submodules", *arguments[1:]).split(
        b"\0"
    )
    for head, path in zip(parts[::2], parts[1::2]):
        old_mode, new_mode, old, new, status = head.lstrip(b":").split(b" ")
        if not status.startswith(b"U"):  # not merged yet: what lies on the disk is all there is
            found[os.fsdecode(path)] = (_entry(old_mode, old), _entry(new_mode, new))
    return found


def _no_filters() -> Iterator[str]:
    """Yield the options without which git would run the programs that a configuration puts between files and blobs."""
    for name in _git("config", "--null", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process|required)$", none=1).split(b"\0"):
        if name:
            yield from ("-c", os.fsdecode(name) + ("=false" if name.endswith(b".required") else "="))


def _entry(mode: bytes, name: bytes) -> Entry | None:
    return (_KINDS[mode], name) if mode in _KINDS else None


def _names(*arguments: str) -> Iterator[str]:
    return (os.fsdecode(name) for name in _git(*arguments).split(b"\0") if name)


def _blobs(entries: Mapping[str, Entry | None], prefix: str) -> dict[str, Blob | None]:
    """Return the content of every entry, by its path from the current directory."""
    wanted = list(dict.fromkeys(entry[1] for entry in entries.values() if entry is not None))
    contents: dict[bytes, bytes] = {}
    answer = _git("cat-file", "--batch", text=b"\n".join(wanted) + b"\n") if wanted else b""
    at = 0
    for name in wanted:
        end = answer.index(b"\n", at)
        size = answer[at:end].split(b" ")[-1]
        if not size.isdigit():
            raise ConfigurationError(f"`git cat-file`: object {name.decode('ascii', 'replace')} is missing from the repository")
        contents[name] = answer[end + 1 : end + 1 + int(size)]
        at = end + 2 + int(size)
    shown = {path: posixpath.relpath(path, prefix) if prefix else path for path in entries}
    return {shown[path]: Blob(entry[0], contents[entry[1]]) if entry is not None else None for path, entry in entries.items()}


class Past:
    """A tree in which some files are as git has them, or are not there."""

    def __init__(self, below: Tree, files: Mapping[str, Blob | None]) -> None:
        self._below = below
        self._files = dict(files)
        self._inside: dict[str, set[str]] = {}
        for path, blob in files.items():
            while blob is not None and path not in ("", ".", "..") and not path.endswith("/.."):
                parent, name = posixpath.split(path)
                self._inside.setdefault(parent or ".", set()).add(name)
                path = parent

    def kind(self, path: str) -> str | None:
        path = _plain(path)
        if path in self._files:
            blob = self._files[path]
            return blob.kind if blob is not None else None
        found = self._below.kind(path)
        if path in self._inside:
            return FOLDER
        return None if found == FOLDER and path not in (".", "") and not self._left(path) else found

    def _left(self, path: str) -> bool:
        """Return whether anything is left in a folder of the disk: git knows no empty ones."""
        try:
            names = self._below.names(path)
        except OSError:
            return True
        return not names or any(self.kind(f"{path}/{name}") is not None for name in names)

    def target(self, path: str) -> str:
        blob = self._files.get(_plain(path))
        return os.fsdecode(blob.data) if blob is not None else self._below.target(path)

    def real_kind(self, path: str) -> str | None:
        real = self._real(path)
        return self.kind(real) if real is not None else None

    def _real(self, path: str) -> str | None:
        """Return where the links of the changed files lead from `path`; a link of the disk is followed by the disk."""
        for _ in range(40):
            path = _plain(path)
            blob = self._files.get(path)
            if blob is None and (path in self._files or self._below.kind(path) != LINK):
                return path
            if blob is not None and blob.kind != LINK:
                return path
            target = self.target(path)
            path = target if target.startswith("/") else posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        return None

    def size(self, path: str) -> int:
        real = self._real(path) or path
        blob = self._files.get(real)
        return len(blob.data) if blob is not None else self._below.size(real)

    def read(self, path: str, most: int = -1) -> bytes:
        real = self._real(path) or path
        if real in self._files:
            blob = self._files[real]
            if blob is None:
                raise FileNotFoundError(2, "No such file or directory", path)
            return blob.data if most < 0 else blob.data[:most]
        return self._below.read(real, most)

    def names(self, path: str) -> list[str]:
        path = _plain(path)
        there = self._below.names(path) if self._below.kind(path) == FOLDER else []
        inside = "" if path == "." else path + "/"
        return sorted({*(name for name in there if self.kind(inside + name) is not None), *self._inside.get(path, ())})


def _plain(path: str) -> str:
    """Return the path by which a file is known here; one that leads out of the current folder may lead back into it."""
    return posixpath.relpath(path) if path.startswith(("..", "/")) else path


def trees(below: Tree, change: Change) -> Sequence[Tree]:
    """Return the tree as it was before the change, and as it is after it."""
    return Past(below, change.before), Past(below, change.after) if change.after else below
