"""What is judged together, and what it comes to: the reports of one cluster, wherever their archives lie, or all that lies in one folder.

The answer is exactly what `lwlint audit` says of the same archives.
"""

from __future__ import annotations

import hmac
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b

from msgspec import Struct
from msgspec.msgpack import decode, encode
from msgspec.structs import replace

from lwlint import __version__
from lwlint.audit import audit_groups
from lwlint.audit.anonymous import Anonymous
from lwlint.audit.answer import ClusterAnswer
from lwlint.audit.clusters import Group, Identity, Seat, groups
from lwlint.audit.targets import Target
from lwlint.core.finding import BROKEN, NOT_EVALUATED, SEVERITIES
from lwlint.fleet.archives import FORMAT, Head
from lwlint.fleet.store import joined, packed, parted, unpacked
from lwlint.policy.rules import Rule
from lwlint.run import load_rules

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
    for folder, seats in sorted(lone.items()):
        yield folder, groups(sorted(seats, key=lambda seat: (seat.target.path, seat.capture.root)))


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
    found = [one.severity for cluster in answer.clusters for one in cluster.found if one.allowed is None]
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
    with tempfile.TemporaryDirectory() as top:
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


def kept(answer: Answer, counted: Count) -> bytes:
    """Return what is kept of an answer: the count in front, so that it can be read alone."""
    return joined(encode(counted), packed(answer))


def count_of(data: bytes) -> Count:
    """Return the count of an answer that was kept. Raises ValueError for bytes that hold none."""
    return decode(parted(data)[0], type=Count)


def answer_of(data: bytes) -> Answer:
    """Return an answer that was kept. Raises ValueError for bytes that hold none."""
    return unpacked(parted(data)[1], Answer)
