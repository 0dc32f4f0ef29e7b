"""Which hosts are of one cluster, and which report of a host counts where there are several."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from lwlint.audit.report_layout import CIB, COROSYNC, CRM_REPORT, Capture
from lwlint.audit.targets import LONE_CIB, Target
from lwlint.core.catalogue import Catalogue
from lwlint.core.facts import Fact
from lwlint.core.numbers import whole
from lwlint.core.source import Source
from lwlint.inputs import pacemaker
from lwlint.inputs.pacemaker.facts import Cluster, Node
from lwlint.inputs.pacemaker.reader import cib_facts, pcs_config_facts
from lwlint.inputs.pacemaker.status import corosync

_DEFAULT_NAMES = ("debian", "tripleo_cluster", "hacluster")  # which tell no cluster from another


class Identity(Struct, frozen=True):
    """By what a cluster is known: its name, its uuid (each empty where nothing tells it), and the names of its nodes.

    `remotes` are the nodes that run its resources and are no members: by pacemaker_remote, such as computes. `rings` are the addresses that
    corosync.conf has for the nodes: they tell clusters apart only where nothing names the nodes, for two clouds may have the same.
    """

    name: str = ""
    uuid: str = ""
    nodes: frozenset[str] = frozenset()
    remotes: frozenset[str] = frozenset()
    rings: frozenset[str] = frozenset()

    def spelled(self, host: str) -> str:
        """Return a host's name as the cluster spells it, be it a remote node; empty for a host that is no node of it."""
        return next((node for node in sorted(self.nodes | self.remotes) if node.lower() == host.lower()), "")

    def is_same(self, other: Identity) -> bool:
        """Return whether both are one cluster: no contradiction in name or uuid, and a node in common (or one uuid)."""
        if self.uuid and other.uuid:
            return self.uuid == other.uuid
        if self.name and other.name and self.name != other.name:
            return False
        if self.nodes and other.nodes:
            return bool(_lower(self.nodes) & _lower(other.nodes))
        if self.rings and other.rings:
            return bool(self.rings & other.rings)
        return bool(self.name) and self.name == other.name and not (self.name in _DEFAULT_NAMES and (self.nodes or other.nodes))


class Seat(Struct, frozen=True):
    """One report of one host: where it lies and of which cluster it says that the host is."""

    target: Target
    capture: Capture
    identity: Identity

    @property
    def node(self) -> str:
        """The host's name without its domain; of a lone CIB, empty."""
        return "" if self.capture.form == LONE_CIB else _short(self.capture.host)

    @property
    def domain(self) -> str:
        """The host's domain; empty where its report does not tell it."""
        return "" if self.capture.form == LONE_CIB or self.node == self.capture.host else self.capture.host.partition(".")[2]

    @property
    def shown(self) -> str:
        """The report as it is named to the user."""
        inside = self.capture.root.rstrip("/")
        return self.target.path if self.capture.form == LONE_CIB else self.target.shown(inside)


class Group(Struct, frozen=True):
    """The hosts of one cluster, sorted by name; `older` are the reports of the same hosts that do not count.

    `identity` has all that any of them says of the cluster; it is empty for hosts of none.
    """

    identity: Identity
    seats: tuple[Seat, ...]
    older: tuple[Seat, ...] = ()

    @property
    def clustered(self) -> bool:
        """Whether these are the hosts of a cluster, and not those that are of none."""
        return self.identity != Identity()

    @property
    def absent(self) -> tuple[str, ...]:
        """The nodes of the cluster of which there is no report."""
        there = {seat.node.lower() for seat in self.seats}
        return tuple(sorted(node for node in self.identity.nodes if node.lower() not in there and not _is_address(node)))


def seats(targets: Iterable[Target]) -> list[Seat]:
    """Return every report in the targets, with the cluster that it is of."""
    return [Seat(target, capture, _identity(target, capture)) for target in targets for capture in target.captures]


def _identity(target: Target, capture: Capture) -> Identity:
    name, uuid = "", ""
    listed: set[str] = set()
    named: set[str] = set()
    remotes: set[str] = set()
    for evidence in capture.of(COROSYNC):
        found = corosync(_read(target, evidence.path))
        name, uuid, listed = found.name, found.uuid, {_short(node) for node in found.nodes}
    for evidence in capture.of(CIB):
        source = Source(evidence.path, _read(target, evidence.path), pacemaker.CIB.name)
        read = pcs_config_facts if evidence.weaker else cib_facts
        try:
            facts = list(read([source], Catalogue(())))
        except Exception:  # it is read again with its host, and that is told
            facts = []
        for fact in facts:
            if isinstance(fact, Cluster):
                name = fact.name or name
            elif isinstance(fact, Node):
                (named if fact.type == "member" else remotes).add(_short(fact.name))
    rings = {node for node in listed if _is_address(node)}
    return Identity(name, uuid, frozenset(named | (listed - rings)), frozenset(remotes), frozenset(rings))


def configured(group: Group, catalogue: Catalogue) -> list[Fact]:
    """Return what one of the CIBs of a cluster configures, a whole one if there is any; nothing where there is none."""
    having = [(evidence.weaker, seat, evidence) for seat in (*group.seats, *group.older) for evidence in seat.capture.of(CIB)]
    for weaker, seat, evidence in sorted(having, key=lambda each: each[0]):
        source = Source(evidence.path, _read(seat.target, evidence.path), "cib")
        facts = list((pcs_config_facts if weaker else cib_facts)([source], catalogue))
        if any(isinstance(fact, Cluster) for fact in facts):
            return facts
    return []


def _read(target: Target, path: str) -> str:
    try:
        return target.tree.read(path, pacemaker.CIB.limit).decode("utf-8", "replace")
    except OSError:
        return ""


def _short(name: str) -> str:
    """Return the name of a host without its domain; an address stays whole."""
    return name if _is_address(name) else name.split(".")[0]


def _is_address(name: str) -> bool:
    return re.fullmatch(r"[\d.]+|[^:\n]*:.*", name) is not None


def _lower(names: Iterable[str]) -> set[str]:
    return {name.lower() for name in names}


def groups(found: Sequence[Seat]) -> list[Group]:
    """Return the clusters, sorted by name and nodes, and last the hosts that are of none."""
    known = _Together()
    for seat in sorted(found, key=lambda seat: not seat.identity.nodes):  # what has names first: they decide where addresses do not
        if seat.identity == Identity():
            continue
        fitting = [number for number in known.candidates(seat) if any(_is_one(seat, other) for other in known.members[number])]
        if len(fitting) > 1 and not seat.identity.nodes:
            fitting = [number for number in fitting if known.has(number, seat.node)] or fitting[:1]
        known.put(seat, fitting)
    lone: list[Seat] = []
    for seat in (one for one in found if one.identity == Identity()):
        homes = [number for number in known.homes(seat.node) if known.has(number, seat.node)]
        if len(homes) == 1:
            known.members[homes[0]].append(seat)
        else:
            lone.append(seat)
    together = list(known.members.values())
    clouds = [cloud for group in together for cloud in _clouds(group)]
    clusters = sorted((_group(cloud) for cloud in clouds), key=lambda g: (g.identity.name, sorted(g.identity.nodes)))
    return [*clusters, *([_group(lone)] if lone else [])]


_ANY = "*"  # no name of a cluster that pacemaker takes, and no uuid
Key = tuple[str, str, str, str]


class _Together:
    """Hosts put together, and by what they are found: of ten thousand a host is compared only with those that it may belong to.

    `members` are by a number that grows, so that their order is the one in which they were put together.
    """

    def __init__(self) -> None:
        self.members: dict[int, list[Seat]] = {}
        self._by: dict[Key, dict[int, None]] = {}
        self._keys: dict[int, set[Key]] = {}
        self._next = 0

    def candidates(self, seat: Seat) -> list[int]:
        """Return the numbers of all that the host may belong to, in their order; `_is_one` is false for every other."""
        one = seat.identity
        values = [("node", node) for node in _lower(one.nodes)] + [("ring", ring) for ring in one.rings] + [("host", seat.node.lower())]
        values += [("nameless" if one.nodes else "named", one.name)] if one.name else []  # two that have nodes go by these
        names = (one.name, "") if one.name else (_ANY,)
        uuids = (one.uuid, "") if one.uuid else (_ANY,)
        keys = [(kind, value, name, uuid) for kind, value in values for name in names for uuid in uuids]
        keys += [("uuid", one.uuid, _ANY, _ANY)] if one.uuid else []
        return sorted({number for key in keys for number in self._by.get(key, ())})

    def homes(self, node: str) -> list[int]:
        """Return the numbers of those that have a host of this name as a node."""
        return sorted(self._by.get(("host", node.lower(), _ANY, _ANY), ()))

    def has(self, number: int, node: str) -> bool:
        """Return whether one of its hosts knows a host of this name as a node of its cluster."""
        return any(other.identity.spelled(node) for other in self.members[number])

    def put(self, seat: Seat, fitting: Sequence[int]) -> None:
        """Put the host together with all those that it fits."""
        number, self._next = self._next, self._next + 1
        self.members[number] = [*(one for old in fitting for one in self.members.pop(old)), seat]
        keys = {key for old in fitting for key in self._keys.pop(old)}
        for key in keys:
            for old in fitting:
                self._by[key].pop(old, None)
        self._keys[number] = keys | set(_keys_of(seat.identity))
        for key in self._keys[number]:
            self._by.setdefault(key, {})[number] = None


def _keys_of(one: Identity) -> Iterator[Key]:
    """Yield all by which a host of this identity is found."""
    values = [("node", node) for node in _lower(one.nodes)] + [("ring", ring) for ring in one.rings]
    values += [("host", node) for node in _lower(one.nodes | one.remotes)]
    values += [("named", one.name), *([] if one.nodes else [("nameless", one.name)])] if one.name else []
    for kind, value in values:
        for name in (one.name, _ANY):
            for uuid in (one.uuid, _ANY):
                yield kind, value, name, uuid
    if one.uuid:
        yield "uuid", one.uuid, _ANY, _ANY


def _is_one(seat: Seat, other: Seat) -> bool:
    """Return whether two hosts are of one cluster; one that tells no node of its cluster is of that which has it as a node."""
    mine, theirs = seat.identity, other.identity
    if mine.is_same(theirs):
        return True
    contradict = bool((mine.uuid and theirs.uuid) or (mine.name and theirs.name and mine.name != theirs.name))
    return not (contradict or mine.nodes or mine.rings) and bool(theirs.spelled(seat.node))


def _clouds(members: list[Seat]) -> Iterator[list[Seat]]:
    """Yield the members by their domains, if hosts of one name are of several: these are clouds whose clusters are called alike."""
    domains = {(seat.node, seat.domain) for seat in members if seat.domain}
    if len({node for node, _ in domains}) == len(domains):
        yield members
        return
    names = sorted({domain for _, domain in domains})
    for number, name in enumerate(names):
        yield [seat for seat in members if seat.domain == name or (not seat.domain and not number)]


def _group(members: Sequence[Seat]) -> Group:
    counting, older = [], []
    for same in _by_node(members):
        # a cluster's own report has nothing but the CIB; stable: of two of one time, the last by path
        ordered = sorted(same, key=lambda seat: (seat.capture.form != CRM_REPORT, seat.capture.captured))
        counting.append(ordered[-1])
        older += ordered[:-1]
    name = next((seat.identity.name for seat in members if seat.identity.name), "")
    uuid = next((seat.identity.uuid for seat in members if seat.identity.uuid), "")
    every = frozenset(node for seat in members for node in seat.identity.nodes)
    nodes = every or frozenset(node for seat in members for node in seat.identity.rings)  # corosync.conf may have no names
    order = sorted(counting, key=lambda seat: (_natural(seat.capture.host), seat.shown))
    remotes = frozenset(node for seat in members for node in seat.identity.remotes)
    return Group(Identity(name, uuid, nodes, remotes), tuple(order), tuple(older))


def _by_node(members: Iterable[Seat]) -> Iterator[list[Seat]]:
    same: dict[tuple[str, object], list[Seat]] = {}
    for seat in members:
        alone = None if seat.node else seat.shown
        same.setdefault((seat.node.lower(), alone), []).append(seat)
    yield from same.values()


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a key by which `compute-10` comes after `compute-9`."""
    return [(-1, part) if (found := whole(part)) is None else (found, "") for part in re.split(r"(\d+)", name)]
