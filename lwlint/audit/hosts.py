"""The hosts of one cluster, read: the facts of each, with what its cluster knows and what was wrong with its archive."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from lwlint.audit.clusters import Group, Seat
from lwlint.audit.report_files import image_hint, release_hints
from lwlint.audit.report_layout import (
    CIB,
    CLUSTER_STATUS,
    CONTAINERS,
    CRM_REPORT,
    HOST,
    OPTIONS,
    PACKAGES,
    RELEASE,
    RUNTIME_UNITS,
    SOS,
    Capture,
)
from lwlint.core.facts import Fact, Facts, NotCollected, Release, Unreadable
from lwlint.core.finding import ConfigurationError
from lwlint.core.source import Source, Span
from lwlint.files.archive.unpack import HOST as HOST_TREE
from lwlint.files.discover import Input, defect
from lwlint.files.tree import FILE, FOLDER, Tree
from lwlint.inputs.pacemaker.facts import Cluster
from lwlint.inputs.pacemaker.model import Cib, cibs
from lwlint.run import AUTO, Reading, Request, load_catalogue, read_facts

_TOPS = ("etc", "lib", "run", "sos_commands", "usr", "var")
_CIB = re.compile(r"(?:^|/)(?:cib\.xml(?:\.live)?|pcs_cluster_cib[^/]*|cibadmin[^/]*|pcs_config|crm_configure_show)$")
_STATUS = re.compile(r"(?:^|/)(?:sos_commands/(?:pacemaker|cluster)/(?:pcs_status|crm_mon|crm_status)[^/]*|crm_mon\.txt)$")
_OPTIONS = re.compile(r"(?:var/lib/config-data/(?:puppet-generated/)?[^/]+/)?etc/(?P<project>[^/]+)/")


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
_FOLDERS_OF_A_HOST = ("etc", "usr", "run", "lib", "var", "sos_commands")


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
    """Return the CIB of the cluster that the hosts are of: one itself before what stands in for it; None where there is none."""
    having = [(bool(cib.cluster.weaker), number, cib, host) for number, host in enumerate(hosts) for cib in cibs(host.reading.facts)]
    if not having:
        return None
    _, _, cib, host = min(having, key=lambda one: one[:2])
    path = cib.cluster.span.path
    return HostCib(path, host.reading.input.sources[path].text, cib, host)


def read_hosts(group: Group, release: str = AUTO, schemas: str = "") -> list[Host]:
    """Return the hosts of the group, read; `release` is the one to judge by, or AUTO; `schemas` a folder with Pacemaker's, or empty."""
    labels = list(_labels(group))
    hosts = [_read(seat, label, release, schemas) for seat, label in zip(group.seats, labels)]
    known = next((host.release for host in hosts if host.release.name is not None), None)
    if known is not None and group.clustered:
        like = Release(known.name, f"as the other hosts: {known.because}")
        hosts = [host if host.release.name is not None else _read(host.seat, host.label, AUTO, schemas, like) for host in hosts]
    return list(_with_cib(hosts, group, release, schemas)) if group.clustered else hosts


def _labels(group: Group) -> Iterator[str]:
    """Yield a name for each host that no other host has, fit for the first part of a path: its cluster's for it, else its own."""
    taken: set[str] = set()
    for seat in group.seats:
        known = group.identity.spelled(seat.node) or seat.capture.host
        name = re.sub(r"[^\w.-]", "_", known).strip(".") or "host"
        name = f"host-{name}" if name in _FOLDERS_OF_A_HOST else name
        label, number = name, 1
        while label in taken:
            number += 1
            label = f"{name}({number})"
        taken.add(label)
        yield label


def _read(seat: Seat, label: str, asked: str, schemas: str, known: Release | None = None) -> Host:
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
    facts += [NotCollected(folder, Span(f"{label}/{folder}", 0, 0), label) for folder in seat.capture.looked_for(RUNTIME_UNITS)]
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
        elif not _of_another(path, seat):
            place = seat.target.shown(path)
        else:
            continue
        yield replace(trouble, name=place, span=Span(place, 0, 0), host=label)


def _of_another(path: str, seat: Seat) -> bool:
    """Return whether a trouble at `path` is of another host's report in the same target only."""
    if any(other is not seat.capture and other.root and path.startswith(other.root) for other in seat.target.captures):
        return True
    return bool(path) and seat.target.is_archive and not seat.capture.root.startswith(path + "/") and len(seat.target.captures) > 1


def _with_cib(hosts: Sequence[Host], group: Group, release: str, schemas: str) -> Iterator[Host]:
    """Yield the hosts, those without a CIB with the one of another: it is the whole cluster's, and better than any text of it."""
    having = [host for host in hosts if host.reading.facts.of(Cluster)]
    if all(map(_is_weak, having)):
        having += _spare(group, release, schemas, {host.label for host in hosts})
    lender = min(having, key=_is_weak, default=None)
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
        host = _read(seat, f"{label}-cib" if label in taken else label, release, schemas)
        if host.reading.facts.of(Cluster):
            yield host


def _is_weak(host: Host) -> bool:
    """Return whether what a host tells of its cluster's configuration is no CIB, but something that stands in for one."""
    return all(cluster.weaker for cluster in host.reading.facts.of(Cluster))


def _of(facts: Iterable[Fact], paths: set[str]) -> Iterator[Fact]:
    yield from (fact for fact in facts if fact.span.path in paths)
