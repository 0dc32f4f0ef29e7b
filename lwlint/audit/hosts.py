"""The hosts of one cluster, read: the facts of each, with what its cluster knows and what was wrong with its archive."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from lwlint.assemble.sos import CRM_REPORT
from lwlint.assemble.sos_release import release_hints
from lwlint.assemble.sos_search import CIB, PACKAGES, RELEASE, RUNTIME_UNITS
from lwlint.audit.clusters import Group, Seat
from lwlint.audit.mounted import Mounted
from lwlint.audit.targets import ARCHIVE
from lwlint.facts import Fact, Facts
from lwlint.facts.input import NotCollected, Unreadable
from lwlint.facts.pacemaker import Cluster
from lwlint.facts.service import Release
from lwlint.record import dataclass, field, replace
from lwlint.run import AUTO, Reading, Request, read_facts
from lwlint.source import Source, Span

_DANGLING = "link leads nowhere"
_MOST = 4_000_000  # bytes of a list of packages
_FOLDERS_OF_A_HOST = ("etc", "usr", "run", "lib", "var", "sos_commands")


@dataclass(frozen=True)
class Host:
    """One host that counts. Paths of its sources begin with `label/`.

    `lent` is the host whose CIB is used, where this one's report has none; `passed_over` says why files that were there were not judged.
    """

    label: str
    seat: Seat
    request: Request = field(repr=False)
    reading: Reading = field(repr=False)
    lent: str = ""
    passed_over: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def release(self) -> Release:
        """The release that the host is judged by."""
        return self.reading.facts.release


def read_hosts(group: Group, release: str = AUTO) -> list[Host]:
    """Return the hosts of the group, read; `release` is the one to judge by, or AUTO."""
    labels = list(_labels(group))
    hosts = [_read(seat, label, release) for seat, label in zip(group.seats, labels)]
    known = next((host.release for host in hosts if host.release.name is not None), None)
    if known is not None and group.clustered:
        like = Release(known.name, f"as the other hosts: {known.because}")
        hosts = [host if host.release.name is not None else _read(host.seat, host.label, AUTO, like) for host in hosts]
    return list(_with_cib(hosts, group, release)) if group.clustered else hosts


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


def _read(seat: Seat, label: str, asked: str, known: Release | None = None) -> Host:
    tree = Mounted(seat.target.tree, seat.capture, label)
    hint = known or (_hint(seat) if asked == AUTO else None)
    request = Request(paths=(label,), release=hint.name or AUTO if hint is not None else asked, tree=tree, hosts=True)
    reading = read_facts(request)
    release = hint if hint is not None and hint.name is not None else reading.facts.release
    sources = dict(reading.input.sources)
    facts = [fact for fact in reading.facts if not (isinstance(fact, Unreadable) and fact.message == _DANGLING)]
    for trouble in _troubles(seat, label):
        sources.setdefault(trouble.span.path, Source(trouble.span.path, "", "unreadable", label, f"{label}/"))
        facts.append(trouble)
    gaps = [folder for missing in seat.capture.missing if missing.kind == RUNTIME_UNITS for folder in missing.looked_for]
    facts += [NotCollected(folder, Span(f"{label}/{folder}", 0, 0), label) for folder in gaps]
    found = replace(reading.input, sources=sources)
    dangling = [fact.name for fact in reading.input.unreadable if fact.message == _DANGLING]
    passed_over = {**tree.hidden, **dict.fromkeys(dangling, "a link to what was not collected")}
    return Host(label, seat, request, Reading(Facts(facts, release=release, services=reading.facts.services), found), "", passed_over)


def _hint(seat: Seat) -> Release | None:
    """Return the release that the host's packages and release files speak for."""
    sources = []
    for evidence in (*seat.capture.of(RELEASE), *seat.capture.of(PACKAGES)):
        try:
            text = seat.target.tree.read(evidence.path, _MOST).decode("utf-8", "replace")
        except OSError:
            continue
        sources.append(Source(evidence.path, text, "packages"))
    return next((Release(hint.release, hint.because) for hint in release_hints(sources) if hint.release is not None), None)


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
    return bool(path) and seat.target.kind == ARCHIVE and not seat.capture.root.startswith(path + "/") and len(seat.target.captures) > 1


def _with_cib(hosts: Sequence[Host], group: Group, release: str) -> Iterator[Host]:
    """Yield the hosts, those without a CIB with the one of another: it is the whole cluster's, and better than any text of it."""
    having = [host for host in hosts if host.reading.facts.of(Cluster)]
    if all(map(_is_weak, having)):
        having += _spare(group, release, {host.label for host in hosts})
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


def _spare(group: Group, release: str, taken: Collection[str]) -> Iterator[Host]:
    """Yield the newest of the reports that do not count, of those with a CIB: a cluster's own report, or an older one of a host."""
    having = [seat for seat in group.older if any(not one.weaker for one in seat.capture.of(CIB))]
    for seat in sorted(having, key=lambda seat: (seat.capture.captured, seat.shown))[-1:]:
        label = f"{seat.node}-{'crm_report' if seat.capture.form == CRM_REPORT else 'older'}"
        host = _read(seat, f"{label}-cib" if label in taken else label, release)
        if host.reading.facts.of(Cluster):
            yield host


def _is_weak(host: Host) -> bool:
    """Return whether what a host tells of its cluster's configuration is no CIB, but something that stands in for one."""
    return all(cluster.weaker for cluster in host.reading.facts.of(Cluster))


def _of(facts: Iterable[Fact], paths: set[str]) -> Iterator[Fact]:
    yield from (fact for fact in facts if fact.span.path in paths)
