"""Paths -> sources: what to read, as what kind, decoded, with every refusal told."""

import os
import posixpath
import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Optional

from msgspec import Struct, field

from lwlint.core.config_reader import near
from lwlint.core.facts import Unreadable
from lwlint.core.finding import ConfigurationError
from lwlint.core.kind import LINK as LINK_ITSELF
from lwlint.core.kind import TEXT, UNREADABLE, Kind, Kinds, UnknownEncoding
from lwlint.core.lazy import pattern
from lwlint.core.source import Link, Source
from lwlint.files.tree import FILE, FOLDER, LINK, OUTSIDE, Disk, Tree, walk

_HEAD = 65536
_UNJUDGED = (TEXT,)
_MOST_TEXT = 1_000_000
_LONGEST_LINK = 4096
_NULL = "/dev/null"  # which reads as an empty file, and so does each link to it
_ROOT = pattern(
    r"^(?P<root>(?:.*?/)??)(?:etc/(?!.*/etc/systemd/)|usr/(?:lib|share|local)/|lib/systemd/|run/(?:systemd|containers)/|var/lib/|sos_commands/)"
)
_IN_ROOT = ("etc/", "usr/", "lib/systemd/", "run/", "var/lib/", "sos_commands/")  # of which each path that `_ROOT` matches has one
# a link of a unit, as a checkout on a file system without links writes it: a file that holds the path, and no line break
_LINK_AS_TEXT = pattern(r"((?:/|\.\.?/)[^\s=\[\]#;]+)")
_DUMP = pattern(r"(?:^|/)sos_commands/(?:pacemaker|cluster)/(?:pcs_cluster_cib|cibadmin)[^/]*$")

_SPECIAL = "is not a regular file (a pipe, socket or device); it is not opened"
_NO_FILE = {FOLDER: "is a folder, no file", None: "link leads nowhere"}

Refusal = Callable[[str, Optional[str]], Optional[str]]


class Input(Struct):
    """What was found at the paths of one run; filled by `Discovery`, read by everything after it."""

    sources: dict[str, Source] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)  # files that a defect of lwlint kept from being read
    traces: list[str] = field(default_factory=list)

    def sort(self) -> None:
        """Put all into the order of a walk, so that the order in which paths were given makes no difference."""
        self.sources = dict(sorted(self.sources.items(), key=_steps))
        self.links.sort(key=lambda link: link.path.split("/"))
        self.unreadable.sort(key=lambda one: one.name.split("/"))
        self.skipped.sort(key=_steps)

    def of(self, *kinds: str) -> list[Source]:
        """Return the sources of these kinds, in the order in which they were found."""
        return [source for source in self.sources.values() if source.kind in kinds]


class _Taken(Struct, frozen=True):
    """What became of the bytes of a file: a source or, without one, why it is of no kind."""

    data: bytes
    size: int
    source: Source | None
    why: str


def _steps(item: tuple[str, object]) -> list[str]:
    return item[0].split("/")


class Discovery:
    """Reads sources from one tree, each once."""

    def __init__(
        self,
        tree: Tree,
        kinds: Kinds,
        kind: str | None = None,
        refusal: Refusal = lambda path, given: None,
        is_beyond: Callable[[str], bool] = lambda path: False,
        taken: dict[Hashable, Any] | None = None,
    ) -> None:
        """`kinds` are those that there are; `kind` is that of every file, where the user says so.

        `refusal` says why a path is left out though it is there (None: it is not), given the folder that the user named, if any.
        `is_beyond` tells of a path whether it lies, as it is written, outside of the tree: a file there is read as context from the
        disk, and never judged. `taken` is what became of the bytes of files in earlier runs with the same kinds, and takes what becomes
        of those of this one.
        """
        self._taken = taken
        self._tree = tree
        self._is_beyond = is_beyond
        self._kinds = kinds
        self._kind = kinds.get(kind) if kind is not None else None
        self._most = max((kind.limit for kind in kinds), default=0)
        self._refusal = refusal
        self._hosts: dict[str, str] = {}
        self._told: dict[str, Kind] = {}  # the kind of files that an option names, which says it
        self._missing: set[str] = set()
        self.looked_for: list[tuple[str, bool, str | None]] = []  # as context: paths, whether each was to be judged, and as what kind
        self.asked_for: dict[str, bool] = {}  # paths of which only it was asked whether there is such a file, and the answer
        self.found = Input()

    def add(self, paths: Sequence[str], *, met: bool = False) -> Input:
        """Read everything at `paths`, files and folders, and return what there is.

        With `met`, no file was named by the user: each is taken only if one that was met in a folder is.

        Raises ConfigurationError for a path that does not exist.
        """
        several = len(paths) > 1
        chosen: set[str] = set()
        for path in sorted(paths, key=_leads_up):
            shown, may_be_chosen = normal(path), several and _leads_up(path)
            if self._tree.kind(shown) is None:
                raise ConfigurationError(f"`{path}`: {self._why_absent(shown)}")
            if self._tree.real_kind(shown) != FOLDER:
                chosen.add(shown)
                self._choose(shown, None, named=not met)
                continue
            for below, kind in walk(self._tree, shown, self._tell_failure, self._tell_passed):
                if may_be_chosen and normal(os.path.relpath(below)) in chosen:
                    continue  # below the current folder, which is named too
                chosen.add(below)
                self._choose(below, shown, kind=kind)
        self.found.sort()
        return self.found

    def add_as(self, kind: Kind, paths: Sequence[str]) -> None:
        """Read the files at `paths`, which an option names that takes files of this kind alone, whatever they are called.

        Raises ConfigurationError for a path at which there is no file.
        """
        for path in paths:
            shown = normal(path)
            if self._tree.kind(shown) is None:
                raise ConfigurationError(f"`{path}`: {self._why_absent(shown)}")
            what = self._tree.real_kind(shown)
            if what not in (FILE, OUTSIDE):
                raise ConfigurationError(f"`{path}`: {_NO_FILE.get(what, _SPECIAL)}")
            self._told[shown] = kind
            self._choose(shown, None, named=True)

    def add_text(self, text: bytes, path: str) -> Input:
        """Take `text` as the content of the file `path`, which need not exist (standard input)."""
        self._take_bytes(normal(path), text, named=True, judged=True)
        return self.found

    def load(self, path: str, *, judged: bool = False, kind: str | None = None) -> Source | None:
        """Return the source at `path`, read as context if the run does not judge it; None if there is no file.

        `kind` is `TEXT` (of `lwlint.core.kind`) for a file that nothing judges, whatever it looks like.
        """
        path = normal(path)
        if path not in self.found.sources and path not in self._missing:
            self.looked_for.append((path, judged, kind))
            beyond = self._is_beyond(path)
            tree = Disk() if beyond else self._tree
            if kind in _UNJUDGED:
                if not beyond:
                    self._take_text(path)
            elif tree.real_kind(path) == FILE and not (beyond and judged):
                self._take(path, named=True, judged=judged, tree=tree)
            if path not in self.found.sources:
                self._missing.add(path)
        return self.found.sources.get(path)

    def exists(self, path: str) -> bool:
        """Return whether there is a file at `path`, of whatever kind."""
        path = normal(path)
        if path not in self.asked_for:
            self.asked_for[path] = path in self.found.sources or self._tree.real_kind(path) == FILE
        return self.asked_for[path]

    def _take_text(self, path: str) -> None:
        root = root_of(path)
        real = self._follow(self._tree, path, root)
        if real is None or self._tree.real_kind(real) != FILE:
            return
        try:
            if self._tree.size(real) <= _MOST_TEXT:
                text = self._tree.read(real, _MOST_TEXT).decode("utf-8", "replace")
                self.found.sources[path] = Source(path, text, TEXT, self._host(path, root), root, False)
        except OSError:
            return  # as if it were not there

    def mark(self) -> tuple[int, ...]:
        """Return how far the reading is, for `back`."""
        found = self.found
        return tuple(len(all_) for all_ in (found.sources, found.links, found.unreadable, found.skipped))

    def back(self, mark: tuple[int, ...]) -> None:
        """Forget what was loaded as context since `mark`."""
        found = self.found
        found.sources = dict(list(found.sources.items())[: mark[0]])
        for all_, length in zip((found.links, found.unreadable, found.skipped), mark[1:]):
            del all_[length:]  # type: ignore[attr-defined]
        self._missing.clear()
        self.looked_for.clear()
        self.asked_for.clear()

    def take_printed(self) -> Iterator[Source]:
        """Yield what commands printed into a report, and start configurations of containers, where such was met.

        It is input from then on; what its kind does not recognise, as the complaint of a command, stays among what is skipped.
        """
        for item in list(self.found.skipped):
            path, root = item[0], root_of(item[0])
            kind = self._kinds.find_printed(path)
            if kind is None:
                continue
            try:
                text = kind.decode(self._tree.read(path, kind.limit))
                recognised = kind.recognise(path, text, False)
            except OSError:
                continue  # it stays among what is skipped
            except Exception as error:  # whatever a reader of bytes raises is of this file alone
                self._refuse(path, defect(error))
                self.found.defects.append(path)
                continue
            self.found.skipped.remove(item)
            if recognised is not True:
                self.found.skipped.append((path, str(recognised or self._kinds.nothing)))
                continue
            source = Source(path, text, kind.name, self._host(path, root), root)
            self.found.sources[path] = source
            yield source

    def _why_absent(self, path: str) -> str:
        try:
            self._tree.size(path)
        except PermissionError as error:
            return f"cannot be looked at ({error.strerror})"
        except (OSError, KeyError):
            pass
        return f"no such file or folder{self._near(path)}"

    def _near(self, path: str) -> str:
        folder, name = posixpath.split(path)
        try:
            return near(name, self._tree.names(folder or "."))
        except (OSError, KeyError):
            return ""

    def _tell_failure(self, path: str, error: OSError) -> None:
        self._refuse(path, f"folder cannot be read ({error.strerror})")

    def _tell_passed(self, path: str) -> None:
        self.found.skipped.append((path, "a folder that holds no input, by its name; name it to have it read"))

    def _choose(self, path: str, given: str | None, *, named: bool = False, kind: str = "") -> None:
        why = self._refusal(path, given)
        if why is None:
            self._take(path, named=named, kind=kind)
        else:
            self.found.skipped.append((path, why))

    def _take(self, path: str, *, named: bool, judged: bool = True, tree: Tree | None = None, kind: str = "") -> None:
        if path in self.found.sources:
            return
        tree = tree or self._tree
        itself = kind or tree.kind(path)
        real: str | None = path
        try:
            if itself == LINK:
                root = root_of(path)
                if self._kinds.has_meaning(path) and not (named and root_is_loose(path, root)):
                    self._add_link(path, tree.target(path), root)
                    return
                real = self._follow(tree, path, root)
        except OSError as error:
            self._refuse(path, f"link cannot be read ({error.strerror})", judged=judged)
            return
        if not (named or self._kind or self._kinds.may_hold(path)):
            self.found.skipped.append((path, self._kinds.nothing))
            return
        if real == _NULL:
            self._take_bytes(path, b"", named=named, judged=judged)
            return
        what = FILE if itself == FILE else tree.real_kind(real) if real is not None else None
        if real is None or what != FILE:
            self._refuse_special(path, real, what, named, itself is None)
            return
        try:
            data = tree.read(real, self._most)
            size = len(data) if len(data) < self._most else tree.size(real)
            self._take_bytes(path, data, named=named, judged=judged, size=size)
        except OSError as error:
            gone = bool(kind) and tree.kind(path) is None  # what the folder said is of no use where it may not be entered
            self._refuse(path, self._why_absent(path) if gone else f"file cannot be read ({error.strerror})", judged=judged)
        except Exception as error:  # whatever a reader of bytes raises is of this file alone
            self._refuse(path, defect(error), judged=judged)
            self.found.defects.append(path)

    def _add_link(self, path: str, target: str, root: str) -> None:
        self.found.links.append(Link(path, target, self._host(path, root), root))
        self.found.sources[path] = Source(path, "", LINK_ITSELF, self._host(path, root), root)  # a finding may blame the link itself

    def _refuse_special(self, path: str, real: str | None, what: str | None, named: bool, hidden: bool) -> None:
        if hidden:
            self._refuse(path, self._why_absent(path))
        elif what == FOLDER:
            self.found.skipped.append((path, "a link to a folder, not followed"))
        elif what is None and real is not None and not named and root_is_loose(path, root_of(path)):
            self.found.skipped.append((path, "a link that leads nowhere"))
        elif what is None:
            self._refuse(path, "link leads nowhere")
        elif what == OUTSIDE:
            self._refuse(path, "link leads out of the tree, and is not followed; `--trust` follows it")
        elif named or self._kinds.may_hold(path):
            self._refuse(path, _SPECIAL)

    def _follow(self, tree: Tree, path: str, root: str) -> str | None:
        """Return the path that the link at `path` leads to, that of the null device as it is; an absolute target stays inside the host's
        tree `root`."""
        on_host = not root_is_loose(path, root)
        for _ in range(40):
            if tree.kind(path) != LINK:
                return path
            target = tree.target(path)
            inside = posixpath.dirname(path[len(root) :]) if on_host and path.startswith(root) else ""
            if posixpath.normpath(posixpath.join("/", inside, target)) == _NULL and (on_host or target.startswith("/")):
                return _NULL
            path = (
                root + target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            )
        return None

    def _take_bytes(self, path: str, data: bytes, *, named: bool, judged: bool, size: int = 0) -> None:
        if self._taken is None:
            self._take_new(path, data, named=named, judged=judged, size=size)
            return
        key = (path, named, judged, path in self._told)
        known: _Taken | None = self._taken.get(key)
        same = known is not None and known.data == data and known.size == size
        if known is not None and same and (known.source is None or known.source.host == self._host(path, known.source.root)):
            if known.source is not None:
                self.found.sources[path] = known.source
            else:
                self.found.skipped.append((path, known.why))
            return
        before = self.mark()
        self._take_new(path, data, named=named, judged=judged, size=size)
        if self.mark()[1:3] == before[1:3]:  # no link, and nothing that cannot be read
            source = self.found.sources.get(path)
            self._taken[key] = _Taken(data, size, source, self.found.skipped[-1][1] if source is None else "")

    def _take_new(self, path: str, data: bytes, *, named: bool, judged: bool, size: int) -> None:
        if "sos_commands/" in path and _DUMP.search(path) and not data.lstrip().startswith(b"<"):
            data = _without_warnings(data)
        head = data[:_HEAD].decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace")
        link = _LINK_AS_TEXT.fullmatch(head) if len(data) < _LONGEST_LINK and not self._kind else None
        if link is not None and self._kinds.has_meaning(path):
            root = root_of(path)
            if not root_is_loose(path, root):
                self._add_link(path, link[1], root)
                return
        told = self._told.get(path, self._kind if judged else None)
        kind, why = (told, "") if told is not None else self._kinds.of(path, head, named=named)
        if kind is None and len(data) > _HEAD:  # what tells may stand behind a long comment
            whole = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace")
            kind, why = self._kinds.of(path, whole, named=named)
        if kind is None:
            self.found.skipped.append((path, why))
            return
        if max(size, len(data)) > kind.limit:
            has = max(size, len(data)) if size or len(data) <= self._kinds.most else f"more than {self._kinds.most}"
            self._refuse(path, f"file has {has} bytes; the limit for its kind is {kind.limit}", judged=judged)
            return
        root = root_of(path) if kind.on_hosts else ""
        try:
            text = kind.decode(data)
        except UnicodeDecodeError as error:
            before = data[: error.start].decode("utf-8", "replace")
            text = before + data[error.start :].decode("latin-1")
            self._refuse(path, f"byte {data[error.start]:#04x} is no {_encoding(error)}", text, len(before), judged=judged)
            return
        except UnknownEncoding as error:
            self._refuse(path, f"{error}", judged=judged)
            return
        self.found.sources[path] = Source(path, text, kind.name, self._host(path, root), root, judged)

    def _refuse(self, path: str, message: str, text: str = "", at: int = 0, *, judged: bool = True) -> None:
        root = root_of(path)
        source = Source(path, text, UNREADABLE, self._host(path, root), root, judged)
        self.found.sources[path] = source
        self.found.unreadable.append(Unreadable(path, source.span(at, min(at + 1, len(text))), message, source.host))

    def _host(self, path: str, root: str) -> str:
        """Return the name of the host in whose tree `path` lies: what `etc/hostname` says, else the folder's; empty for a loose file."""
        if root_is_loose(path, root):
            return ""
        if root not in self._hosts:
            name = ""
            try:
                if self._tree.real_kind(root + "etc/hostname") == FILE:
                    name = self._tree.read(root + "etc/hostname", 256).decode("ascii", "replace").strip()
            except OSError:
                pass
            self._hosts[root] = name or posixpath.basename(root.rstrip("/")).strip(".")
        return self._hosts[root]


def _encoding(error: UnicodeDecodeError) -> str:
    return "UTF-8" if error.encoding == "utf-8" else f"`{error.encoding}`"


def defect(error: BaseException) -> str:
    """Return what is said of a file over which a reader raised `error`: a type, and nothing of what is in the file."""
    return f"cannot be read, by a defect of lwlint ({type(error).__name__})"


def _without_warnings(data: bytes) -> bytes:
    """Return what a command printed with blanks in place of what it says in front of the CIB, so that every place stays."""
    start = data.find(b"<cib", 0, _HEAD)
    return re.sub(rb"[^\n]", b" ", data[:start]) + data[start:] if start > 0 else data


def normal(path: str) -> str:
    """Return `path` as it is shown: with `/`, without `.` and doubled parts."""
    return posixpath.normpath(path.replace(os.sep, "/")) if path else "."


def _leads_up(path: str) -> bool:
    """Return whether a path begins above the current folder."""
    return normal(path).split("/", 1)[0] == ".."


def is_below(path: str, folder: str) -> bool:
    """Return whether `path`, as it is shown, lies in the folder, at any depth."""
    folder = normal(folder)
    return not path.startswith("../") if folder == "." else path.startswith(folder.rstrip("/") + "/")


def root_of(path: str) -> str:
    """Return the part of `path` in front of a host's file system tree, or else the folder of the file, with a final `/`."""
    root = _host_of(path)
    if root is not None:
        return root
    folder = posixpath.dirname(path)
    above, _, name = folder.rpartition("/")
    parent = above if name.endswith(".d") and name != ".d" else folder  # a drop-in folder belongs with the file beside it
    return parent + "/" if parent else ""


def root_is_loose(path: str, root: str) -> bool:
    """Return whether the file lies in no host's tree, so that only its own folder is known."""
    return _host_of(path) != root


def _host_of(path: str) -> str | None:
    """Return the part of `path` in front of a host's file system tree; None where it is in none."""
    for part in _IN_ROOT:
        if part in path:
            match = _ROOT.match(path)
            return match.group("root") if match is not None else None
    return None
