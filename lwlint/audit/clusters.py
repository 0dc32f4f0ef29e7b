"""Clusters of hosts: which hosts are of one, which report of a host counts where there are several, and what is read of each.

Read are the facts of each host, with what its cluster knows and what was wrong with its archive.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from lwlint.audit.report_layout import (
    CIB,
    CLUSTER_STATUS,
    CONTAINERS,
    COROSYNC,
    CRM_REPORT,
    HOST,
    OPTIONS,
    PACKAGES,
    RELEASE,
    RUNTIME_UNITS,
    SOS,
    Capture,
    image_hint,
    release_hints,
)
from lwlint.audit.targets import LONE_CIB, Target
from lwlint.core.catalogue import Catalogue
from lwlint.core.facts import Fact, Facts, NotCollected, Release, Unreadable
from lwlint.core.finding import CLUSTER, ConfigurationError
from lwlint.core.harmless import whole
from lwlint.core.source import Source, Span
from lwlint.files.archive.unpack import HOST as HOST_TREE
from lwlint.files.discover import Input, defect
from lwlint.files.tree import FILE, FOLDER, Tree
from lwlint.inputs import pacemaker
from lwlint.inputs.pacemaker.facts import Cluster, Node, revision
from lwlint.inputs.pacemaker.model import Cib, cibs
from lwlint.inputs.pacemaker.reader import cib_facts, pcs_config_facts
from lwlint.inputs.pacemaker.status import corosync
from lwlint.run import AUTO, Reading, Request, load_catalogue, read_facts

_DEFAULT_NAMES = ("debian", "tripleo_cluster", "hacluster")  # which tell no cluster from another
_TOPS = ("etc", "lib", "run", "sos_commands", "usr", "var")
_CIB = re.compile(r"(?:^|/)(?:cib\.xml(?:\.live)?|pcs_cluster_cib[^/]*|cibadmin[^/]*|pcs_config|crm_configure_show)$")
_STATUS = re.compile(r"(?:^|/)(?:sos_commands/(?:pacemaker|cluster)/(?:pcs_status|crm_mon|crm_status)[^/]*|crm_mon\.txt)$")
_OPTIONS = re.compile(r"(?:var/lib/config-data/(?:puppet-generated/)?[^/]+/)?etc/(?P<project>[^/]+)/")


class Identity(Struct, frozen=True):
    """By what a cluster is known: its name, its uuid (each empty where nothing tells it), and the names of its nodes.

    `remotes` are the nodes that run its resources and are no members: by pacemaker_remote, such as computes. `rings` are the addresses that
    corosync.conf has for the nodes: they tell clusters apart only where nothing names the nodes, for two clouds may have the same.
    `own` is the id that the cluster has for the host itself; empty where nothing tells it.
    """

    name: str = ""
    uuid: str = ""
    nodes: frozenset[str] = frozenset()
    remotes: frozenset[str] = frozenset()
    rings: frozenset[str] = frozenset()
    own: str = ""

    def spell(self, host: str) -> str:
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
    """One report of one host: where it lies and of which cluster it says that the host is; `revision` is that of its CIB, if it has one.

    `machine` is the id that systemd gave a host whose name is masked; empty where nothing tells it, and for all others.
    """

    target: Target
    capture: Capture
    identity: Identity
    revision: tuple[int, int] = (0, 0)
    machine: str = ""

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
        return self.target.path if self.capture.form == LONE_CIB else self.target.show(inside)


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
    return [
        Seat(target, capture, *_identity(target, capture), _machine(target, capture)) for target in targets for capture in target.captures
    ]


def _machine(target: Target, capture: Capture) -> str:
    if not _MASKED.fullmatch(_short(capture.host)):
        return ""
    printed = _read(target, f"{capture.root}sos_commands/host/hostnamectl_status")
    told = re.search(r"^\s*Machine ID:\s*(\S+)", printed, re.MULTILINE)
    return _read(target, f"{capture.root}etc/machine-id").strip() or (told[1] if told is not None else "")


def _identity(target: Target, capture: Capture) -> tuple[Identity, tuple[int, int]]:
    """Return the cluster that a report says that its host is of, and the revision of its CIB."""
    name, uuid = "", ""
    newest = (0, 0)
    listed: set[str] = set()
    named: set[str] = set()
    remotes: set[str] = set()
    host, own = _short(capture.host).lower(), ""
    for evidence in capture.of(COROSYNC):
        found = corosync(_read(target, evidence.path))
        own = next((id for node, id in found.ids.items() if _short(node).lower() == host), own)
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
                newest = max(newest, revision(fact))
            elif isinstance(fact, Node):
                (named if fact.type == "member" else remotes).add(_short(fact.name))
                own = fact.id if fact.id and _short(fact.name).lower() == host else own
    rings = {node for node in listed if _is_address(node)}
    return Identity(name, uuid, frozenset(named | (listed - rings)), frozenset(remotes), frozenset(rings), own), newest


def read_configuration(group: Group, catalogue: Catalogue) -> list[Fact]:
    """Return what the newest CIB of a cluster configures, a whole one if there is any; nothing where there is none."""
    newest_first = [sorted(each, key=lambda seat: seat.revision, reverse=True) for each in (group.seats, group.older)]
    having = [(evidence.weaker, seat, evidence) for each in newest_first for seat in each for evidence in seat.capture.of(CIB)]
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
    clouds: list[list[Seat]] = []
    for cloud in (cloud for group in together for cloud in _clouds(group)):
        parts = list(_separate_masked(cloud))
        for part in parts:
            if len(parts) > 1 and all(seat.identity == Identity() for seat in part):  # its name alone had put it there
                lone += part
            else:
                clouds.append(part)
    clusters = sorted((_group(cloud) for cloud in clouds), key=lambda g: (g.identity.name, sorted(g.identity.nodes)))
    return [*clusters, *map(_group, _separate_masked(lone))]


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
        return any(other.identity.spell(node) for other in self.members[number])

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
    return not (contradict or mine.nodes or mine.rings) and bool(theirs.spell(seat.node))


def _clouds(members: list[Seat]) -> Iterator[list[Seat]]:
    """Yield the members by their domains, if hosts of one name are of several: these are clouds whose clusters are called alike."""
    domains = {(seat.node, seat.domain) for seat in members if seat.domain}
    if len({node for node, _ in domains}) == len(domains):
        yield members
        return
    names = sorted({domain for _, domain in domains})
    for number, name in enumerate(names):
        yield [seat for seat in members if seat.domain == name or (not seat.domain and not number)]


_MASKED = re.compile(r"host\d+")  # what `sos clean` calls hosts, counted for each time that it runs


def _separate_masked(members: list[Seat]) -> Iterator[list[Seat]]:
    """Yield the members as one, but hosts that `sos clean` masked each by itself apart.

    Each of these is `host0` for itself and has names and addresses of its own for all others, so that two cannot be compared. Which are
    of one host tells the id of the machine, or else the one that its cluster has for it. Where neither is known each counts for a host,
    unless others are masked by the same map.
    """
    masked = {seat.node for seat in members if _MASKED.fullmatch(seat.node)}
    alone = len(masked) == 1
    ids: dict[str, dict[str, None]] = {}
    for seat in members:
        if seat.node in masked:
            ids.setdefault(seat.node, {})[_itself(seat, alone=alone)] = None
    apart = {node for node, found in ids.items() if len(found.keys() - {""}) > 1}
    parts: dict[str, list[Seat]] = {}
    for seat in members:
        parts.setdefault(_itself(seat, alone=alone) if seat.node in apart else "", []).append(seat)
    yield from parts.values()


def _itself(seat: Seat, *, alone: bool) -> str:
    """Return what tells a masked host from others of its name: where nothing does, its report, if hosts are masked each `alone`."""
    if seat.machine or seat.identity.own:
        return f"machine {seat.machine}" if seat.machine else f"node {seat.identity.own}"
    return f"report {seat.shown}" if alone else ""


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


def _no_better(below: str, *, there: bool) -> str:
    """Return why a CIB, or what stands in for one, does not count; `there` tells that another one does."""
    if below.endswith("crm_configure_show"):
        return "the print of `crm configure show`, but there is better evidence" if there else "no print of `crm configure show` is in it"
    if not below.endswith("pcs_config"):
        return "a CIB, but there is a better one" if there else "no CIB is in it"
    return "the print of `pcs config`, but there is a CIB" if there else "no print of `pcs config` is in it"


class Mounted:
    """The tree of one capture, whose paths begin with `label/` instead of the capture's own root.

    A CIB that is older or weaker than the one that counts is not there, nor are option files that no running service reads
    because its container has its own. The host's name is `label`, whatever its files say, so that two hosts never have one name.
    """

    def __init__(self, tree: Tree, capture: Capture, label: str) -> None:
        self._tree = tree
        self._root = capture.root
        self._label = label
        self._whole = capture.form in (SOS, HOST)
        self._cibs = {self.inside(evidence.path) for evidence in capture.of(CIB)}
        self._statuses = {self.inside(evidence.path) for evidence in capture.of(CLUSTER_STATUS)}
        self._options = tuple(self.inside(evidence.path) + "/" for evidence in capture.of(OPTIONS))
        self._projects = {folder.rstrip("/").rpartition("/")[2] for folder in self._options}
        self._hostname = f"{label}/etc/hostname"
        self.hidden: dict[str, str] = {}

    def inside(self, path: str) -> str:
        """Return a path of the capture's tree as it is below its root."""
        return path[len(self._root) :]

    def _real(self, path: str) -> str:
        if path != self._label and not path.startswith(self._label + "/"):
            raise FileNotFoundError(2, "No such file or directory", path)
        return (self._root + path[len(self._label) + 1 :]).rstrip("/") or ("/" if self._root else ".")

    def _is_own(self, below: str) -> bool:
        """Return whether a path below the root of a host is in one of its own places."""
        return below.partition("/")[0] in _TOPS and HOST_TREE.match(below) is not None

    def _refusal(self, path: str) -> str:
        """Return why the file at `path` is no evidence; empty if it is."""
        below = path[len(self._label) + 1 :]
        if _CIB.search(below) and below not in self._cibs:
            return _no_better(below, there=bool(self._cibs))
        if _STATUS.search(below) and below not in self._statuses:
            return "a status of the cluster, but there is a better one" if self._statuses else "no status of a cluster is in it"
        options = _OPTIONS.match(below)
        if options and options["project"] in self._projects and not below.startswith(self._options):
            return f"option files that no service reads: those of {options['project']}'s container count"
        return ""

    def kind(self, path: str) -> str | None:
        try:
            return self._tree.kind(self._real(path))
        except OSError:
            return None

    def real_kind(self, path: str) -> str | None:
        if path == self._hostname:
            return FILE
        try:
            return self._tree.real_kind(self._real(path))
        except OSError:
            return None

    def target(self, path: str) -> str:
        return self._tree.target(self._real(path))

    def size(self, path: str) -> int:
        return self._tree.size(self._real(path))

    def read(self, path: str, most: int = -1) -> bytes:
        if path == self._hostname:
            return self._label.encode()
        return self._tree.read(self._real(path), most)

    def names(self, path: str) -> list[str]:
        found = []
        for name in self._tree.names(self._real(path)):
            if self._whole and not self._is_own(f"{path}/{name}"[len(self._label) + 1 :]):
                continue  # other reports, and trees of other hosts, may lie in /tmp, /var/tmp, /home and so on
            refusal = self._refusal(f"{path}/{name}")
            if refusal and self.kind(f"{path}/{name}") != FOLDER:
                self.hidden[f"{path}/{name}"] = refusal
            else:
                found.append(name)
        return found


_DANGLING = "link leads nowhere"
_MOST = 4_000_000  # bytes of a list of packages
# names that mean something else as the first part of a path, or as the place where a command is run
_NO_LABELS = ("etc", "usr", "run", "lib", "var", "sos_commands", CLUSTER)


class Host(Struct, frozen=True):
    """One host that counts. Paths of its sources begin with `label/`.

    `lent` is the host whose CIB is used, where this one's report has none; `passed_over` says why files that were there were not judged.
    """

    label: str
    seat: Seat
    request: Request
    reading: Reading
    lent: str = ""
    passed_over: Mapping[str, str] = field(default_factory=dict)

    @property
    def release(self) -> Release:
        """The release that the host is judged by."""
        return self.reading.facts.release


class HostCib(Struct, frozen=True):
    """The CIB of a cluster: its path, text and model, and the host whose facts it is among."""

    path: str
    text: str
    cib: Cib
    host: Host

    @property
    def facts(self) -> Facts:
        """The facts that it is among."""
        return self.host.reading.facts


def cib_of(hosts: Iterable[Host]) -> HostCib | None:
    """Return the newest CIB of the cluster that the hosts are of: one itself before what stands in for it; None where there is none."""
    having = [(cib, host) for host in hosts for cib in cibs(host.reading.facts)]
    if not having:
        return None
    cib, host = max(having, key=lambda one: (not one[0].cluster.weaker, revision(one[0].cluster)))
    path = cib.cluster.span.path
    return HostCib(path, host.reading.input.sources[path].text, cib, host)


def read_hosts(group: Group, release: str = AUTO, schemas: str = "") -> list[Host]:
    """Return the hosts of the group, read; `release` is the one to judge by, or AUTO; `schemas` a folder with Pacemaker's, or empty."""
    labels = list(_labels(group))
    hosts = [_read_host(seat, label, release, schemas) for seat, label in zip(group.seats, labels)]
    known = next((host.release for host in hosts if host.release.name is not None), None)
    if known is not None and group.clustered:
        like = Release(known.name, f"as the other hosts: {known.because}")
        hosts = [host if host.release.name is not None else _read_host(host.seat, host.label, AUTO, schemas, like) for host in hosts]
    return list(_with_cib(hosts, group, release, schemas)) if group.clustered else hosts


def _labels(group: Group) -> Iterator[str]:
    """Yield a name for each host that no other host has, fit for the first part of a path: its cluster's for it, else its own."""
    taken: set[str] = set()
    for seat in group.seats:
        known = group.identity.spell(seat.node) or seat.capture.host
        name = re.sub(r"[^\w.-]", "_", known).strip(".") or "host"
        name = f"host-{name}" if name in _NO_LABELS else name
        label, number = name, 1
        while label in taken:
            number += 1
            label = f"{name}({number})"
        taken.add(label)
        yield label


def _read_host(seat: Seat, label: str, asked: str, schemas: str, known: Release | None = None) -> Host:
    tree = Mounted(seat.target.tree, seat.capture, label)
    hint = known or (_hint(seat) if asked == AUTO else None)
    request = Request(paths=(label,), release=hint.name or AUTO if hint is not None else asked, tree=tree, hosts=True, schemas=schemas)
    reading = _facts_of(request, label)
    release = hint if hint is not None and hint.name is not None else reading.facts.release
    sources = dict(reading.input.sources)
    facts = [fact for fact in reading.facts if not (isinstance(fact, Unreadable) and fact.message == _DANGLING)]
    for trouble in _troubles(seat, label):
        sources.setdefault(trouble.span.path, Source(trouble.span.path, "", "unreadable", label, f"{label}/"))
        facts.append(trouble)
    facts += [NotCollected(folder, Span(f"{label}/{folder}", 0, 0), label) for folder in seat.capture.list_missing(RUNTIME_UNITS)]
    found = replace(reading.input, sources=sources)
    dangling = [fact.name for fact in reading.input.unreadable if fact.message == _DANGLING]
    passed_over = {**tree.hidden, **dict.fromkeys(dangling, "a link to what was not collected")}
    return Host(label, seat, request, Reading(Facts(facts, release=release, services=reading.facts.services), found), "", passed_over)


def _facts_of(request: Request, label: str) -> Reading:
    """Return what was read of a host; of one over which all reading fails, by a defect of lwlint, just that."""
    try:
        return read_facts(request)
    except ConfigurationError:
        raise
    except Exception as error:
        import traceback

        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        trouble = Unreadable(label, Span(label, 0, 0), defect(error), label)
        source = Source(label, "", "unreadable", label, f"{label}/")
        found = Input(sources={label: source}, unreadable=[trouble], defects=[label], traces=[trace])
        return Reading(Facts([trouble], services=load_catalogue().services), found)


def _hint(seat: Seat) -> Release | None:
    """Return the release that the host's packages and release files speak for."""
    hints = release_hints(_texts(seat, RELEASE, PACKAGES))
    found = next((hint for hint in hints if hint.release is not None), None)
    if found is None:
        found = next((hint for source in _texts(seat, CONTAINERS) if (hint := image_hint(source)) is not None), None)
    return Release(found.release, found.because) if found is not None else None


def _texts(seat: Seat, *kinds: str) -> Iterator[Source]:
    for kind in kinds:
        for evidence in seat.capture.of(kind):
            try:
                text = seat.target.tree.read(evidence.path, _MOST).decode("utf-8", "replace")
            except OSError:
                continue
            yield Source(evidence.path, text, "packages")


def _troubles(seat: Seat, label: str) -> Iterator[Unreadable]:
    """Yield what was wrong with the archive: in this host's files, or in the whole of it."""
    root = seat.capture.root
    for trouble in seat.target.troubles:
        path = trouble.span.path
        if root and path.startswith(root):
            place = f"{label}/{path[len(root) :]}"
        elif not _of_another(trouble, seat):
            place = seat.target.show(path)
        else:
            continue
        yield replace(trouble, name=place, span=Span(place, 0, 0), host=label)


def _of_another(trouble: Unreadable, seat: Seat) -> bool:
    """Return whether a trouble is of another host's report in the same target only.

    A packed report that could not be opened is of no host that is known: it is told of all that lie beside it.
    """
    path, captures = trouble.span.path, seat.target.captures
    others = [other.root for other in captures if other is not seat.capture]
    if any(root and path.startswith(root) for root in others):
        return True
    if not path or not others or not seat.target.is_archive or seat.capture.root.startswith(path + "/"):
        return False
    return not trouble.fatal or any(root.startswith(path + "/") for root in others)


def _with_cib(hosts: Sequence[Host], group: Group, release: str, schemas: str) -> Iterator[Host]:
    """Yield the hosts, those without a CIB with the newest of the others: it is the whole cluster's, and better than any text of it."""
    having = [host for host in hosts if host.reading.facts.of(Cluster)]
    if all(map(_is_weak, having)):
        having += _spare(group, release, schemas, {host.label for host in hosts})
    lender = max(having, key=lambda host: (not _is_weak(host), max(map(revision, host.reading.facts.of(Cluster)))), default=None)
    for host in hosts:
        own = {cluster.span.path for cluster in host.reading.facts.of(Cluster)}
        if lender is None or (own and _is_weak(host) == _is_weak(lender)):
            yield host
            continue
        paths = {cluster.span.path for cluster in lender.reading.facts.of(Cluster)}
        kept = [fact for fact in host.reading.facts if fact.span.path not in own]
        facts = Facts([*kept, *_of(lender.reading.facts, paths)], release=host.release, services=host.reading.facts.services)
        sources = {**host.reading.input.sources, **{path: lender.reading.input.sources[path] for path in paths}}
        yield replace(host, reading=Reading(facts, replace(host.reading.input, sources=sources)), lent=lender.label)


def _spare(group: Group, release: str, schemas: str, taken: Collection[str]) -> Iterator[Host]:
    """Yield the newest of the reports that do not count, of those with a CIB: a cluster's own report, or an older one of a host."""
    having = [seat for seat in group.older if any(not one.weaker for one in seat.capture.of(CIB))]
    for seat in sorted(having, key=lambda seat: (seat.capture.captured, seat.shown))[-1:]:
        label = f"{seat.node}-{'crm_report' if seat.capture.form == CRM_REPORT else 'older'}"
        host = _read_host(seat, f"{label}-cib" if label in taken else label, release, schemas)
        if host.reading.facts.of(Cluster):
            yield host


def _is_weak(host: Host) -> bool:
    """Return whether what a host tells of its cluster's configuration is no CIB, but something that stands in for one."""
    return all(cluster.weaker for cluster in host.reading.facts.of(Cluster))


def _of(facts: Iterable[Fact], paths: set[str]) -> Iterator[Fact]:
    yield from (fact for fact in facts if fact.span.path in paths)
