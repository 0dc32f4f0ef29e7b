"""What changed in a git checkout, and the files as they were before: asked of the `git` program, which only reads.

Revisions are looked up in the repository. All else is asked in a git directory of our own, which has the repository's objects and index and
none of its configuration: so there is no filter, hook, diff, file system monitor, helper or alias to run, whatever its name.
"""

from __future__ import annotations

import os
import posixpath
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from msgspec import Struct

from lwlint.core.finding import ConfigurationError
from lwlint.files.processes import temporary_folder, unwritable
from lwlint.files.tree import CONFIGURATION, FILE, FOLDER, LINK, Tree, read_bounded

_SAFE = ("git", "--no-pager", "--literal-pathspecs", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
_KINDS = {b"100644": FILE, b"100755": FILE, b"120000": LINK}
_LONGEST = 120  # seconds that git may take for one answer: a pipe in the place of a file it would wait for without end
_NO_PROGRAMS = {  # no transport, so no helper and no missing object fetched; nothing asked; no lock taken
    **{"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
    **{"GIT_SSH_COMMAND": "false", "GIT_SSH": "false", "GIT_ASKPASS": "false", "SSH_ASKPASS": "false", "GIT_PROXY_COMMAND": "false"},
}
_NO_CONFIGURATION = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_ATTR_NOSYSTEM": "1"}
_KEPT = ("PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH", "GIT_EXEC_PATH", "GIT_ALTERNATE_OBJECT_DIRECTORIES")
_HARMLESS = (
    r"^(core\.(autocrlf|eol|filemode|symlinks|ignorecase|precomposeunicode|sparsecheckout|sparsecheckoutcone)|extensions\.objectformat)$"
)


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
    with _apart(prefix) as git:
        entries = {path: old for path, (old, _) in git.raw("diff-index", commit).items()}
        for path in git.new():
            entries.setdefault(path, None)
        return Change(git.blobs(entries), {})


def read_staged() -> Change:
    """Return what differs between the last commit and the index; raises ConfigurationError as `since` does."""
    prefix = _prefix("--staged")
    last = _last()
    with _apart(prefix) as git:
        before = {path: old for path, (old, _) in git.raw("diff-index", "--cached", last or git.empty()).items()}
        after = {path: old for path, (old, _) in git.raw("diff-files").items()}
        for path in git.new():
            after.setdefault(path, None)
            before.setdefault(path, None)
        return Change({**git.blobs(after), **git.blobs(before)}, git.blobs(after))


def commit_of(paths: Sequence[str]) -> Change | None:
    """Return what the next commit is to bring, if it has all these files; None if it has not, and where there is no checkout."""
    try:
        prefix = _prefix("--hook")
    except ConfigurationError:
        return None
    last = _last()
    with _apart(prefix) as git:
        changed = git.raw("diff-index", "--cached", last or git.empty())
    names = {posixpath.relpath(path, prefix or ".") for path in changed}
    return read_staged() if names.issuperset(map(posixpath.normpath, paths)) else None


def read_origin(folder: str) -> tuple[str, str] | None:
    """Return the address of `origin` and the commit checked out, of the checkout of lwlint whose top is `folder`; None if it is none.

    A commit that no branch or tag of `origin` has, as far as this checkout knows, is None too: nobody else could fetch it.
    """
    environment = {**{name: value for name, value in os.environ.items() if name not in ("GIT_DIR", "GIT_WORK_TREE")}, **_NO_PROGRAMS}

    def ask(*arguments: str) -> bytes:
        return _run((*_SAFE, "-C", folder, *arguments), environment)

    try:
        if ask("rev-parse", "--show-prefix").strip() or not ask("ls-files", "--", "lwlint/__init__.py"):
            return None
        url = os.fsdecode(ask("remote", "get-url", "origin")).strip()
        commit = ask("rev-parse", "--verify", "HEAD").decode("ascii").strip()
        known = ask("for-each-ref", "--contains", commit, "refs/remotes/origin")
    except ConfigurationError:
        return None
    return (url, commit) if url and known.strip() else None


def list_tracked(top: str) -> frozenset[str]:
    """Return the files that git knows in the checkout with this top, by their paths from there; none where git cannot tell."""
    try:
        with _apart("", top) as git:
            return git.list_tracked()
    except (ConfigurationError, OSError):
        return frozenset()


def _run(command: Sequence[str], environment: Mapping[str, str], text: bytes = b"", none: int = 0, folder: str | None = None) -> bytes:
    """Return what git prints, run in the `folder` (None: the current one).

    `none` is the exit code by which a command says that there is nothing.
    """
    try:
        done = subprocess.run(  # nosec B603 -- no shell; nothing of the repository is run
            command, input=text, capture_output=True, env=environment, check=False, timeout=_LONGEST, cwd=folder
        )
    except subprocess.TimeoutExpired:
        raise ConfigurationError(f"`git {command[len(_SAFE)]}`: has not ended after {_LONGEST} seconds") from None
    except OSError as error:
        raise ConfigurationError(f"`git` cannot be run ({error.strerror}); `--since` and `--staged` need it") from error
    if done.returncode not in (0, none):
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        why = next((line for line in lines if line.startswith("fatal: ")), lines[-1])
        trusts = next((f"; `{line.strip()}` has git read it" for line in lines if "safe.directory" in line and why is not line), "")
        raise ConfigurationError(f"`git {command[len(_SAFE)]}`: {why}{trusts}")
    return done.stdout


_READ_FIRST = ("HEAD", "config", "config.worktree", "commondir", "packed-refs")  # git waits for a pipe in the place of one


def _git(*arguments: str, none: int = 0, folder: str | None = None) -> bytes:
    """Return what git says of the repository itself: of its revisions, paths and settings, for which nothing is run."""
    environment = {**os.environ, **_NO_PROGRAMS}
    top = _top(folder or os.getcwd())
    if top is not None:
        for name in _READ_FIRST:
            if os.path.lexists(path := os.path.join(top, ".git", name)) and not os.path.isfile(path):
                raise ConfigurationError(f"`git`: its `{name}` is not a regular file")
        if not {"GIT_DIR", "GIT_WORK_TREE"}.intersection(environment):
            environment["GIT_WORK_TREE"] = top  # whatever `core.worktree` says
    return _run((*_SAFE, *arguments), environment, none=none, folder=folder)


def _top(folder: str) -> str | None:
    while not os.path.lexists(os.path.join(folder, ".git")):
        if folder == os.path.dirname(folder):
            return None
        folder = os.path.dirname(folder)
    return folder


def _prefix(option: str) -> str:
    """Return the path of the current directory in its checkout, with a final `/`; empty at the top."""
    try:
        inside, _, prefix = os.fsdecode(_git("rev-parse", "--is-inside-work-tree", "--show-prefix")).partition("\n")
        if inside == "true":
            return prefix.rstrip("\n")
        raise ConfigurationError("not a git repository")  # but one without files, or with its files elsewhere (`GIT_WORK_TREE`)
    except ConfigurationError as error:
        if "not a git repository" in str(error):
            raise ConfigurationError(f"`{option}`: not in a git checkout") from None
        raise


def _commit(revision: str) -> str:
    try:
        found = _git("rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}").decode("ascii").strip()
        if found.isalnum():  # `^REV` is what is not in REV
            return found
        raise ConfigurationError(f"`git rev-parse`: {found}")
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
    """Return the last commit; empty before the first one."""
    return _commit("HEAD") if _git("rev-parse", "--verify", "--quiet", "HEAD", none=1) else ""


Entry = tuple[str, bytes]  # FILE or LINK, and the name of the blob


@contextmanager
def _apart(prefix: str, around: str = "") -> Iterator[_Apart]:
    """Make a git directory of our own for the checkout around a folder (else the current one), and take it away again."""
    said = _git("rev-parse", *(word for name in _PLACES for word in ("--git-path", name)), folder=around or None).split(b"\n")
    places = {name: os.path.abspath(os.path.join(around, os.fsdecode(path))) for name, path in zip(_PLACES, said)}
    if os.path.lexists(places["index"]) and not os.path.isfile(places["index"]):
        raise ConfigurationError("`git`: its index is not a regular file")
    of_index = os.path.dirname(places["sharedindex"])
    shared = [name for name in os.listdir(of_index) if name.startswith("sharedindex.")] if os.path.isdir(of_index) else []
    ours = {
        "HEAD": b"ref: refs/heads/none\n",
        "config": _configuration(around or None),
        "info/exclude": b"".join(_read_bounded(path) + b"\n" for path in (*_excludes(), places["info/exclude"])),
        "info/sparse-checkout": _read_bounded(places["info/sparse-checkout"]),
    }
    with temporary_folder() as folder:
        try:
            for name in ("refs", "info"):
                os.mkdir(os.path.join(folder, name))
            for name, data in ours.items():
                _put(folder, name, data)
            for name in shared:
                if os.path.isfile(os.path.join(of_index, name)):
                    os.symlink(os.path.join(of_index, name), os.path.join(folder, name))
        except OSError as error:
            raise unwritable(folder, error.strerror) from None
        yield _Apart(folder, prefix, places, around)


_PLACES = ("objects", "index", "info/exclude", "info/sparse-checkout", "sharedindex")


def _put(folder: str, name: str, data: bytes) -> None:
    with open(os.path.join(folder, name), "xb") as file:
        file.write(data)


def _read_bounded(path: str) -> bytes:
    try:
        return read_bounded(path, CONFIGURATION)
    except OSError:
        return b""


def _configuration(folder: str | None) -> bytes:
    """Return a configuration with those settings of the repository by which files are compared, and which name nothing."""
    found = {"core.bare": "false"}
    for entry in _git("config", "--null", "--get-regexp", _HARMLESS, none=1, folder=folder).split(b"\0"):
        name, _, value = entry.decode("ascii", "replace").partition("\n")
        if re.fullmatch(r"[\w-]{1,20}", value):
            found[name] = value
    version = 1 if "extensions.objectformat" in found else 0
    lines = [f"[core]\nrepositoryformatversion = {version}\n"]
    lines += [f"[{name.partition('.')[0]}]\n{name.partition('.')[2]} = {value}\n" for name, value in found.items()]
    return "".join(lines).encode("ascii")


def _excludes() -> Iterator[str]:
    """Yield the file in which this user has git ignore files everywhere."""
    own = os.fsdecode(_git("config", "--global", "--null", "--path", "--get", "core.excludesfile", none=1)).rstrip("\0")
    above = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    yield own or os.path.join(above, "git", "ignore")


class _Apart:
    """A git directory of our own: the repository's objects and index, and the files of the checkout."""

    def __init__(self, folder: str, prefix: str, places: Mapping[str, str], around: str) -> None:
        self._prefix = prefix
        self._around = around or None
        self._up = "../" * prefix.count("/") or "."
        top = os.path.abspath(os.path.join(around, self._up))
        self._environment = {
            **{name: value for name, value in os.environ.items() if name in _KEPT},
            **_NO_PROGRAMS,
            **_NO_CONFIGURATION,
            **{"HOME": folder, "XDG_CONFIG_HOME": folder, "GIT_DIR": folder, "GIT_WORK_TREE": top},
            **{"GIT_INDEX_FILE": places["index"], "GIT_OBJECT_DIRECTORY": places["objects"]},
        }

    def _git(self, *arguments: str, text: bytes = b"") -> bytes:
        return _run((*_SAFE, *arguments), self._environment, text, folder=self._around)

    def empty(self) -> str:
        """Return the name of the empty tree."""
        return self._git("hash-object", "-t", "tree", "--stdin").decode("ascii").strip()

    def new(self) -> Iterator[str]:
        """Yield the files that git neither knows nor ignores, by their paths from the top of the checkout."""
        names = self._git("ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", self._up)
        return (os.fsdecode(name) for name in names.split(b"\0") if name)

    def list_tracked(self) -> frozenset[str]:
        """Return the files that git knows, by their paths from the top of the checkout."""
        names = self._git("ls-files", "--cached", "--full-name", "-z", "--", self._up)
        return frozenset(os.fsdecode(name) for name in names.split(b"\0") if name)

    def raw(self, *arguments: str) -> dict[str, tuple[Entry | None, Entry | None]]:
        """Return both sides of every file that differs, by its path from the top of the checkout."""
        found: dict[str, tuple[Entry | None, Entry | None]] = {}
        parts = self._git(arguments[0], "--raw", "-z", "--no-renames", "--no-abbrev", "--ignore-submodules", *arguments[1:]).split(b"\0")
        for head, path in zip(parts[::2], parts[1::2]):
            old_mode, new_mode, old, new, status = head.lstrip(b":").split(b" ")
            if not status.startswith(b"U"):  # not merged yet: what lies on the disk is all there is
                found[os.fsdecode(path)] = (_entry(old_mode, old), _entry(new_mode, new))
        return found

    def blobs(self, entries: Mapping[str, Entry | None]) -> dict[str, Blob | None]:
        """Return the content of every entry, by its path from the current directory."""
        wanted = list(dict.fromkeys(entry[1] for entry in entries.values() if entry is not None))
        contents: dict[bytes, bytes] = {}
        answer = self._git("cat-file", "--batch", text=b"\n".join(wanted) + b"\n") if wanted else b""
        at = 0
        for name in wanted:
            end = answer.index(b"\n", at)
            size = answer[at:end].split(b" ")[-1]
            if not size.isdigit():
                raise ConfigurationError(f"`git cat-file`: object {name.decode('ascii', 'replace')} is missing from the repository")
            contents[name] = answer[end + 1 : end + 1 + int(size)]
            at = end + 2 + int(size)
        shown = {path: posixpath.relpath(path, self._prefix) if self._prefix else path for path in entries}
        return {shown[path]: Blob(entry[0], contents[entry[1]]) if entry is not None else None for path, entry in entries.items()}


def _entry(mode: bytes, name: bytes) -> Entry | None:
    return (_KINDS[mode], name) if mode in _KINDS else None


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
        return None if found == FOLDER and path not in (".", "") and not self._has_left(path) else found

    def _has_left(self, path: str) -> bool:
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
