"""The archives of a fleet: what its targets come to, each archive once; what is read of each; and what is judged together.

A reading is a head that tells whose reports are in the archive, and its wanted members, packed. Both are kept under one key, which is
another one whenever the archive has changed.

A case is the reports of one cluster, wherever their archives lie, or all that lies in one folder. Its answer is exactly what `lwlint audit`
says of the same archives.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import hmac
import os
import posixpath
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from msgspec import Struct
from msgspec.msgpack import decode, encode
from msgspec.structs import replace

from lwlint import __version__
from lwlint.audit import audit_groups
from lwlint.audit.anonymous import Anonymous
from lwlint.audit.answer import ClusterAnswer, open_findings
from lwlint.audit.clusters import Group, Identity, Seat, groups, seats
from lwlint.audit.fleet.store import join_parts, open_url, pack, split_parts, unpack
from lwlint.audit.report_layout import Capture
from lwlint.audit.targets import Target, is_url, show_url, targets
from lwlint.core.facts import Unreadable
from lwlint.core.finding import BROKEN, NOT_EVALUATED, SEVERITIES, ConfigurationError
from lwlint.core.secret import mask_secrets
from lwlint.files.archive import Members
from lwlint.files.archive.unpack import is_inner
from lwlint.files.processes import temporary_folder
from lwlint.files.tree import Memory, Tree, walk
from lwlint.policy.rules import Rule
from lwlint.run import load_rules

_GLOB = re.compile(r"[*?\[]")
_OF_A_CASE = re.compile(r"(?:^|/)[^/]*(?:sos[_-]?(?:report|collector)|(?:crm|hb)_report)[^/]*$", re.IGNORECASE)
_NEVER = re.compile(r"\.(?:md5|sha\d*|sig|asc|txt|json|html|log)$", re.IGNORECASE)  # what lies beside an archive, and has its name
_TOKENS = ("ETag", "etag", "md5Hash", "content_md5", "generation", "version_id")
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")
_PIECE = 1 << 22
FORMAT = 2  # of what is kept; another number is another key
JUDGED, DAMAGED, FAILED = "judged", "damaged", "failed"
NOTHING = "nothing to judge in it"
_PASSING = re.compile(r"\bcannot be (?:read|looked at) \(|\bwas not read\b|\bmay not be read\b|\bwas not found\b|by a defect of lwlint")
_PASSED_OVER = re.compile(r"\bdamaged header\b")


class Listed(Struct, frozen=True):
    """One archive: its path or URL, its size in bytes (0: not known yet), and what changes when its bytes do (empty: not known yet)."""

    url: str
    size: int = 0
    token: str = ""

    @property
    def shown(self) -> str:
        """The archive as it may be shown: without what may be a credential."""
        return show_url(self.url) if is_url(self.url) else self.url

    @property
    def folder(self) -> str:
        """The folder that it lies in, as it may be shown."""
        return posixpath.dirname(self.shown)


def list_archives(targets: Sequence[str], lists: Iterable[str] = ()) -> list[Listed]:
    """Return the archives that the targets and the lines of lists name, each once, sorted by URL.

    A target is an archive, a folder, or a pattern, on this machine or at a URL. Of a folder, what is called as archives or reports are
    counts, at any depth. Raises ConfigurationError for a target that does not exist, for a folder or pattern with nothing in it, and
    where a listing ends in the midst of it: what was not listed would be missing in the answer. A file that a list names, or that goes
    while a folder is looked through, is an archive that fails.
    """
    found: dict[str, Listed] = {}
    named = set(targets)
    for target in (*targets, *lists):
        some = list(_remote(target) if is_url(target) else _local(target, known=target in named))
        if not some:
            raise ConfigurationError(f"`{show_url(target) if is_url(target) else target}`: there is no archive")
        for one in some:
            found.setdefault(one.url, one)
    return [found[url] for url in sorted(found)]


def lines(text: str) -> list[str]:
    """Return the targets in a list: one on each line; blank lines, and those that begin with `#`, are none."""
    return [line.strip() for line in text.split("\n") if line.strip() and not line.startswith("#")]


def _local(target: str, *, known: bool) -> Iterator[Listed]:
    """Yield what is at a path; `known` tells that it has to be there."""
    if os.path.isdir(target):
        for folder, folders, names in os.walk(target, onerror=_not_listed):
            folders.sort()
            paths = (posixpath.join(folder.replace(os.sep, "/"), name) for name in sorted(names) if _is_archive(name))
            yield from (_find(path) for path in paths if os.path.isfile(path) or not os.path.exists(path))
    elif os.path.exists(target) or not _GLOB.search(target):
        try:
            yield _on_disk(target) if known else _find(target)
        except OSError as error:
            raise ConfigurationError(f"`{target}`: cannot be looked at ({error.strerror})") from None
    else:
        _all_listed(target)
        yield from (_find(path) for path in sorted(glob.glob(target, recursive=True)) if os.path.isfile(path))


def _all_listed(pattern: str) -> None:
    """Raise ConfigurationError for a folder in which a pattern would look, and which cannot be listed: `glob` passes it over."""
    parts = pattern.split("/")
    first = next(i for i, part in enumerate(parts) if _GLOB.search(part))
    for end in range(first, len(parts) + (parts[-1] == "**")):
        above = "/".join(parts[:end]) or ("/" if pattern.startswith("/") else ".")
        for folder in glob.iglob(above, recursive=True) if _GLOB.search(above) else (above,):
            if os.path.isdir(folder):
                try:
                    os.scandir(folder).close()
                except OSError as error:
                    _not_listed(error)


def _not_listed(error: OSError) -> None:
    raise ConfigurationError(f"`{error.filename}`: cannot be listed ({error.strerror})") from None


def _find(path: str) -> Listed:
    """Return an archive that is there, or was a moment ago: then whoever reads it says what became of it."""
    try:
        return _on_disk(path)
    except OSError:
        return Listed(posixpath.normpath(path.replace(os.sep, "/")))


def _on_disk(path: str) -> Listed:
    told = os.stat(path)
    if not stat.S_ISREG(told.st_mode):
        raise OSError(errno.EINVAL, "is no regular file")
    return Listed(posixpath.normpath(path.replace(os.sep, "/")), told.st_size, f"{told.st_size}-{told.st_mtime_ns}-{told.st_ino}")


def _is_archive(path: str) -> bool:
    return bool(is_inner(path) or (_OF_A_CASE.search(path) and not _NEVER.search(path)))


def _remote(target: str) -> Iterator[Listed]:
    """Yield what is at a URL. One that names a single archive is not asked for here: whoever reads it does that."""
    pattern = _GLOB.search(target.partition("://")[2].partition("?")[0] if target.startswith("http") else target)
    if not pattern and not target.endswith("/") and _is_archive(target.partition("?")[0]):
        yield Listed(target)
        return
    files, path = open_url(target)
    try:
        with _strictly(files):
            infos: Mapping[str, Any] = files.glob(path, detail=True) if pattern else files.find(path, detail=True)
    except Exception as error:
        raise ConfigurationError(f"`{show_url(target)}`: cannot be listed ({type(error).__name__})") from None
    front = target[: -len(path)] if path and target.endswith(path) else None
    for name, info in infos.items():
        url = files.unstrip_protocol(name) if front is None else front + name
        if info.get("type") == "file" and (pattern or name == path or _is_archive(name)):
            yield Listed(url, int(info.get("size") or 0), token(info))


@contextlib.contextmanager
def _strictly(files: Any) -> Iterator[None]:
    """Let a file system that walks from folder to folder raise the OSError of one that it cannot list; by itself it leaves it out."""
    from fsspec.asyn import AsyncFileSystem

    later = isinstance(files, AsyncFileSystem)
    name = "_ls" if later else "ls"
    own, errors = getattr(files, name), list[OSError]()

    def ask(*arguments: Any, **more: Any) -> Any:
        with _note(errors):
            return own(*arguments, **more)

    async def ask_later(*arguments: Any, **more: Any) -> Any:
        with _note(errors):
            return await own(*arguments, **more)

    setattr(files, name, ask_later if later else ask)
    try:
        yield
    finally:
        delattr(files, name)
    if errors:
        raise errors[0]


@contextlib.contextmanager
def _note(errors: list[OSError]) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:  # it has gone, and what was in it too
        raise
    except OSError as error:
        errors.append(error)
        raise


def token(info: Mapping[str, Any]) -> str:
    """Return what changes when the bytes of a file do: its etag, else its size and time; empty where a file system tells neither."""
    tag = next((str(info[name]).strip('"') for name in _TOKENS if info.get(name)), "")
    time = "" if tag else next((str(info[name]) for name in _TIMES if info.get(name)), "")
    return f"{info.get('size') or 0}-{tag or time}" if tag or time else ""


def identify(one: Listed) -> Listed:
    """Return an archive with its size and its token, which is one of its content where the file system tells nothing. Raises OSError."""
    if one.token:
        return one
    if not is_url(one.url):
        try:
            return _on_disk(one.url)
        except OSError as error:
            raise OSError(error.errno, f"cannot be looked at ({error.strerror})") from None
    files, path = open_url(one.url)
    try:
        info = files.info(path)
        found = token(info) or _content(files, path)
    except Exception as error:
        raise OSError(5, f"cannot be looked at ({type(error).__name__})") from None
    return Listed(one.url, int(info.get("size") or 0), found)


def _content(files: Any, path: str) -> str:
    digest = blake2b(digest_size=20)
    with files.open(path, "rb", block_size=_PIECE) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


class Head(Struct, frozen=True):
    """What is known of one archive: where it lies and, if it was read, whose reports are in it and what was wrong.

    `key` is what its reading is kept under, empty if it is not kept. `because` says why it failed; empty if it did not.
    """

    url: str
    folder: str
    size: int
    key: str = ""
    kind: str = ""
    path: str = ""
    captures: tuple[Capture, ...] = ()
    identities: tuple[Identity, ...] = ()
    troubles: tuple[Unreadable, ...] = ()
    members: int = 0
    kept: int = 0
    because: str = ""
    defect: str = ""

    @property
    def state(self) -> str:
        """JUDGED, DAMAGED (what was read still counts) or FAILED."""
        if self.because:
            return FAILED
        return DAMAGED if any(map(_is_damage, self.troubles)) else JUDGED

    @property
    def why(self) -> str:
        """Why the archive is damaged, or failed; empty if neither."""
        return self.because or next((say_trouble(one) for one in self.troubles if _is_damage(one)), "")

    def slim(self) -> Head:
        """Return the head without what only judging needs: a run holds those of all its archives."""
        return replace(self, captures=tuple(replace(one, evidence=(), missing=()) for one in self.captures))

    def target(self, tree: Tree) -> Target:
        """Return the target that the archive is to an audit, with what was read of it in `tree`."""
        return Target(self.path, self.kind, tree, self.captures, self.troubles, self.defect)

    def seats(self) -> list[Seat]:
        """Return the reports in the archive, with the cluster that each is of, and nothing of what they hold."""
        target = self.target(Memory({}))
        return [Seat(target, capture, identity) for capture, identity in zip(self.captures, self.identities)]


def _is_damage(trouble: Unreadable) -> bool:
    """Return whether something of an archive is lost: it ends there, or what a damaged header tells of was passed over."""
    return trouble.fatal or bool(_PASSED_OVER.search(trouble.message))


def say_trouble(trouble: Unreadable) -> str:
    """Return what was wrong, with its place in the archive."""
    return ": ".join(mask_secrets(part) for part in (trouble.span.path, trouble.message) if part)


def key_of(one: Listed) -> str:
    """Return what an archive's reading is kept under, which is another one whenever its bytes or lwlint are."""
    return blake2b(repr((FORMAT, __version__, one.url, one.token)).encode("utf-8", "surrogateescape"), digest_size=20).hexdigest()


def make_failed_head(one: Listed, because: str, defect: str = "") -> Head:
    """Return the head of an archive that was not read."""
    return Head(one.shown, one.folder, one.size, because=because, defect=defect)


def read(one: Listed) -> tuple[Head, bytes]:
    """Return what an audit of this archive alone reads: the head, and the packed members; a head without a key is not to be kept."""
    try:
        (target,) = targets([one.url], [])
    except ConfigurationError as error:
        return make_failed_head(one, re.sub(r"^`[^`]*`: ", "", str(error))), b""
    except ValueError:
        return make_failed_head(one, "is a folder; fleets are of archives"), b""
    words = [say_trouble(trouble) for trouble in target.troubles]
    passing = target.trace or any(_PASSING.search(word) for word in words)
    because = "" if target.captures else "; ".join([NOTHING, *words[:1]])
    entries = list(_entries(target.tree)) if target.captures else []
    body = pack(entries)
    key = key_of(one)
    if passing:  # what was read counts, and the next run reads it anew: this key is not the one that it looks for
        key = f"{key}-{blake2b(body, digest_size=6).hexdigest()}" if target.captures else ""
    head = Head(
        url=one.shown,
        folder=one.folder,
        size=one.size or _size(one.url),
        key=key,
        kind=target.kind,
        path=target.path,
        captures=target.captures,
        identities=tuple(seat.identity for seat in seats([target])),
        troubles=target.troubles,
        members=len(entries),
        kept=sum(len(data) for _, _, data in entries),
        because=because,
        defect=target.trace,
    )
    return head, body


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


Entry = tuple[bytes, bool, bytes]
"""A member: its path, whether it is a link, and its bytes or the link's target."""


def _entries(tree: Tree) -> Iterator[Entry]:
    if isinstance(tree, Members):
        for path, node in tree.entries():
            link = isinstance(node, str)
            yield _bytes(path), link, _bytes(node)
    else:  # a CIB by itself
        for path, _ in walk(tree, "", lambda path, error: None):
            yield _bytes(path), False, tree.read(path)


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


MOST = 1 << 16  # bytes in front of a reading that hold most heads whole


def tree_of(body: bytes) -> Members:
    """Return the members of an archive as they were when it was read. Raises ValueError for bytes that hold none."""
    tree = Members()
    for path, link, data in unpack(body, list[Entry]):
        name = posixpath.normpath(path.decode("utf-8", "surrogateescape"))
        if link:
            tree.add_link(name, data.decode("utf-8", "surrogateescape"))
        else:
            tree.add(name, data)
    return tree


CLUSTER, FOLDER = "cluster", "folder"


class RuleFile(Struct, frozen=True):
    """A file of a user's rules: the number of its folder, its path there, and its bytes."""

    folder: int
    path: str
    data: bytes


class Settings(Struct, frozen=True):
    """What an answer depends on besides what is judged. `salt` is what names are replaced by, empty where they stay."""

    release: str = "auto"
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    rules: tuple[RuleFile, ...] = ()
    schemas: str = ""
    together: str = CLUSTER
    salt: str = ""

    def alias(self, url: str) -> str:
        """Return what an archive is called in the tables."""
        return f"archive-{_digest(self.salt, url)}" if self.salt else url


Place = tuple[int, int]
"""A report: the number of its archive in the case, and its own number in the archive."""


class Cluster(Struct, frozen=True):
    """The reports of one cluster, or of the hosts that are of none; `id` is the same in every run."""

    id: str
    identity: Identity
    seats: tuple[Place, ...]
    older: tuple[Place, ...] = ()

    def group(self, opened: Sequence[Target]) -> Group:
        """Return the group that an audit judges, of the case's archives, opened."""
        found = [[self._seat(opened, *place) for place in places] for places in (self.seats, self.older)]
        return Group(self.identity, tuple(found[0]), tuple(found[1]))

    def _seat(self, opened: Sequence[Target], archive: int, number: int) -> Seat:
        return Seat(opened[archive], opened[archive].captures[number], self.identity)


class Archive(Struct, frozen=True):
    """An archive that a case is of: what its reading is kept under, and the archive as it is shown."""

    key: str
    url: str


class Case(Struct, frozen=True):
    """What is judged together, in one piece of work."""

    archives: tuple[Archive, ...]
    clusters: tuple[Cluster, ...]

    def key(self, settings: Settings) -> str:
        """Return what the answer is kept under."""
        return blake2b(encode([FORMAT, __version__, settings, self], order="sorted"), digest_size=20).hexdigest()


def cases(heads: Sequence[Head], settings: Settings) -> list[Case]:
    """Return the cases that the archives come to, those of most reports first."""
    ids: set[str] = set()
    by_path = {head.path: head for head in heads}
    made = [_case(found, folder, by_path, settings, ids) for folder, found in _together(heads, settings.together)]
    return sorted(made, key=lambda case: -sum(len(cluster.seats) for cluster in case.clusters))


def _together(heads: Sequence[Head], together: str) -> Iterator[tuple[str, list[Group]]]:
    """Yield what is judged together, with the folder that tells it from another of the same name (empty: none does)."""
    if together == FOLDER:
        for folder, some in _by_folder(heads):
            yield folder, groups([seat for head in some for seat in head.seats()])
        return
    folders = {head.path: head.folder for head in heads}
    lone: dict[str, list[Seat]] = {}
    for group in groups([seat for head in heads for seat in head.seats()]):
        if group.clustered:
            yield "", [group]
        else:
            for seat in (*group.seats, *group.older):
                lone.setdefault(folders[seat.target.path], []).append(seat)
    for folder, apart in sorted(lone.items()):
        yield folder, groups(sorted(apart, key=lambda seat: (seat.target.path, seat.capture.root)))


def _by_folder(heads: Iterable[Head]) -> list[tuple[str, list[Head]]]:
    found: dict[str, list[Head]] = {}
    for head in heads:
        found.setdefault(head.folder, []).append(head)
    return sorted(found.items())


def _case(found: Sequence[Group], folder: str, by_path: Mapping[str, Head], settings: Settings, ids: set[str]) -> Case:
    seats = [seat for group in found for seat in (*group.seats, *group.older)]
    paths = sorted({seat.target.path for seat in seats})
    number = {path: i for i, path in enumerate(paths)}

    def places(some: Iterable[Seat]) -> tuple[Place, ...]:
        return tuple((number[s.target.path], s.target.captures.index(s.capture)) for s in some)

    archives = tuple(Archive(by_path[path].key, by_path[path].url) for path in paths)
    clusters = tuple(Cluster(_id(one, folder, settings, ids), one.identity, places(one.seats), places(one.older)) for one in found)
    return Case(archives, clusters)


def _id(group: Group, folder: str, settings: Settings, taken: set[str]) -> str:
    """Return what a cluster is known by from run to run: by its uuid, else by its name and its first node.

    Of two that are alike in that, their domains tell them apart, and at last their order.
    """
    one = group.identity
    known = [folder, one.uuid] if one.uuid else [folder, one.name, *sorted(one.nodes)[:1]]
    domains = sorted({seat.domain for seat in group.seats})
    for more in ([], domains, *([*domains, str(number)] for number in range(2, len(taken) + 3))):
        found = _digest(settings.salt, repr([*known, *more]))
        if found not in taken:
            break
    taken.add(found)
    return found


def _digest(salt: str, text: str) -> str:
    data = text.encode("utf-8", "surrogateescape")
    return hmac.new(salt.encode(), data, "sha256").hexdigest()[:16] if salt else blake2b(data, digest_size=8).hexdigest()


class Answer(Struct, frozen=True):
    """What the clusters of a case come to, in the order of the case, and what a defect of lwlint kept from being read."""

    clusters: tuple[ClusterAnswer, ...]
    tracebacks: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


class Count(Struct, frozen=True):
    """What a run has to know of an answer: how many findings of each severity are not allowed, and what became of the rules."""

    hosts: int = 0
    clusters: int = 0
    notes: int = 0
    warnings: int = 0
    errors: int = 0
    not_evaluated: int = 0
    broken: int = 0
    judged: int = 0
    unread: tuple[str, ...] = ()
    tracebacks: tuple[str, ...] = ()


def judge(case: Case, opened: Sequence[Target], settings: Settings) -> Answer:
    """Return what the rules say of the case, whose archives are `opened`; without names, if the settings have a salt."""
    rules = rules_of(settings.release, settings.select, settings.ignore, settings.rules)
    anonymous = Anonymous(rules) if settings.salt else None
    found = [cluster.group(opened) for cluster in case.clusters]
    audit = audit_groups(opened, found, rules, settings.release, anonymous, settings.schemas)
    clusters = audit.clusters
    if anonymous is not None:
        clusters = tuple(replace(one, name=f"cluster-{known.id}" if one.name else "") for known, one in zip(case.clusters, clusters))
    return Answer(clusters, audit.tracebacks, audit.unread)


def count(answer: Answer) -> Count:
    """Return what a run has to know of the answer."""
    found = [one.severity for cluster in answer.clusters for one in open_findings(cluster)]
    outcomes = [one.outcome for cluster in answer.clusters for host in cluster.hosts for one in host.outcomes]
    return Count(
        hosts=sum(len(cluster.hosts) for cluster in answer.clusters),
        clusters=sum(cluster.clustered for cluster in answer.clusters),
        notes=found.count(SEVERITIES[0]),
        warnings=found.count(SEVERITIES[1]),
        errors=found.count(SEVERITIES[2]),
        not_evaluated=outcomes.count(NOT_EVALUATED),
        broken=outcomes.count(BROKEN),
        judged=sum(host.judged for cluster in answer.clusters for host in cluster.hosts),
        unread=answer.unread,
        tracebacks=answer.tracebacks,
    )


@lru_cache(maxsize=4)
def rules_of(release: str, select: tuple[str, ...], ignore: tuple[str, ...], own: tuple[RuleFile, ...]) -> list[Rule]:
    """Return the rules that the settings choose; those of the user are in the settings themselves, as no worker has his folders."""
    with temporary_folder() as top:
        folders = []
        for file in own:
            folder = os.path.join(top, str(file.folder))
            path = os.path.join(folder, file.path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as out:
                out.write(file.data)
            if folder not in folders:
                folders.append(folder)
        return load_rules(folders, select, ignore, examples=False)


def pack_answer(answer: Answer, counted: Count) -> bytes:
    """Return what is kept of an answer: the count in front, so that it can be read alone."""
    return join_parts(encode(counted), pack(answer))


def count_of(data: bytes) -> Count:
    """Return the count of an answer that was kept. Raises ValueError for bytes that hold none."""
    return decode(split_parts(data)[0], type=Count)


def answer_of(data: bytes) -> Answer:
    """Return an answer that was kept. Raises ValueError for bytes that hold none."""
    return unpack(split_parts(data)[1], Answer)
