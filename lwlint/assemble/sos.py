"""What a tree holds that an audit can judge by: reports of sos, reports of a cluster, hosts' file systems; and in each the best evidence.

Sources: sos 3.0 to 4.12, plugins `pacemaker`, `cluster`, `systemd`, `rpm`, `dpkg`, `host`, `general`, and what changed between versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Optional

from lwlint.assemble.option_layout import PROJECTS
from lwlint.assemble.sos_identity import captured, host, version
from lwlint.assemble.sos_search import (
    CIB,
    CLUSTER_STATUS,
    CONTAINERS,
    COROSYNC,
    HIERADATA,
    OPTIONS,
    PACKAGES,
    RELEASE,
    RUNTIME_UNITS,
    TEMPLATES,
    UNIT_SETTINGS,
    UNIT_STATES,
    UNITS,
    Evidence,
    Found,
    Missing,
    Search,
    names,
)
from lwlint.assemble.statuses import is_xml
from lwlint.parse.cluster_status import is_status
from lwlint.parse.pcs_config import is_pcs_config
from lwlint.record import dataclass
from lwlint.tree import FILE, FOLDER, Tree

SOS, CRM_REPORT, HOST = "sos", "crm_report", "host"
_GENERATED = "var/lib/config-data/puppet-generated"
_DEEPEST = 8
_LONGEST_CIB = 64_000_000  # bytes; more than any that is read


@dataclass(frozen=True)
class Capture:
    """One host, or one cluster's report, as it was at one time.

    `root` is the path in front of the host's `etc/` (ends with `/`, or is empty), `form` SOS, CRM_REPORT or HOST, `version` that of
    sos (empty: unknown), `captured` the time in a form that sorts (empty: unknown), `in_containers` whether its services run in containers.
    """

    root: str
    form: str
    host: str
    version: tuple[int, ...] = ()
    captured: str = ""
    in_containers: bool = False
    evidence: tuple[Evidence, ...] = ()
    missing: tuple[Missing, ...] = ()

    def of(self, kind: str) -> list[Evidence]:
        """Return the evidence of one kind."""
        return [evidence for evidence in self.evidence if evidence.kind == kind]


def captures(tree: Tree, top: str = "") -> list[Capture]:
    """Return every report and host at or below the folder `top`, sorted by path."""
    return sorted((capture(tree, root) for root in _roots(tree, top, 0)), key=lambda found: found.root)


def _roots(tree: Tree, folder: str, depth: int) -> Iterator[str]:
    inside = names(tree, folder or ".")
    below = f"{folder}/" if folder else ""
    form = _form(tree, below, inside)
    if form is not None:
        yield below
    if form in (None, CRM_REPORT) and depth < _DEEPEST:  # what lies beside the nodes of a cluster's report may be one of another kind
        for name in inside:
            if tree.kind(below + name) == FOLDER and not (form and _has_cib(tree, below + name)):
                yield from _roots(tree, below + name, depth + 1)


def _form(tree: Tree, root: str, inside: Sequence[str]) -> Optional[str]:
    there = set(inside)
    if "sos_commands" in there or ("version.txt" in there and "etc" in there):
        return SOS
    if "etc" in there and there & {"usr", "var", "run", "lib"}:
        return HOST
    return CRM_REPORT if any(_has_cib(tree, root + name) for name in inside) else None


def _has_cib(tree: Tree, folder: str) -> bool:
    """Return whether a folder is that of one node in a cluster's report."""
    return any(tree.real_kind(f"{folder}/{name}") == FILE for name in ("cib.xml", "cib.xml.live"))


def capture(tree: Tree, root: str) -> Capture:
    """Return what the folder `root` (with a final `/`, or empty) holds to judge by."""
    search = Search(tree, root)
    form = _form(tree, root, search.names("")) or HOST
    found = list(_cluster(search, form))
    if form != CRM_REPORT:
        found += [*_units(search), *_options(search), *_containers(search), *_system(search), *_undercloud(search)]
    return Capture(
        root,
        form,
        host(search),
        version(search),
        captured(search),
        search.in_containers,
        tuple(item for item in found if isinstance(item, Evidence)),
        tuple(item for item in found if isinstance(item, Missing)),
    )


def _cluster(search: Search, form: str) -> Found:
    node = host(search).split(".")[0]
    if form == CRM_REPORT:
        for name in search.names(""):
            yield from search.some(CIB, (f"{name}/cib.xml.live", f"{name}/cib.xml"))
        yield from search.every(COROSYNC, ["*/corosync.conf"])
        return
    reports = [
        f"sos_commands/{plugin}/crm_report/{name}" for plugin in ("pacemaker", "cluster") for name in dict.fromkeys((node, "*")) if name
    ]
    cibs = [f"{report}/{name}" for report in reports for name in ("cib.xml.live", "cib.xml")]
    packed = [f"sos_commands/{plugin}/crm_report*/*/*/cib.xml*" for plugin in ("pacemaker", "cluster")]
    texts = [f"sos_commands/{plugin}/pcs_config" for plugin in ("pacemaker", "cluster")]
    dumps = ["sos_commands/pacemaker/pcs_cluster_cib", "sos_commands/pacemaker/cibadmin*"]
    yield from _cibs(search, [*cibs, *packed, *dumps, "var/lib/pacemaker/cib/cib.xml"], texts)
    status = [
        "sos_commands/pacemaker/pcs_status_--full",
        "sos_commands/pacemaker/pcs_status",
        "sos_commands/*/crm_mon*",
        "sos_commands/cluster/pcs_status*",
    ]
    xml = ["sos_commands/*/crm_mon*xml*", "sos_commands/*/crm_mon*"]
    found = list(search.best(CLUSTER_STATUS, xml, fits=is_xml))
    if not any(isinstance(item, Evidence) for item in found):
        found = list(search.best(CLUSTER_STATUS, status, fits=is_status))
    yield from found
    yield from search.best(COROSYNC, ["etc/corosync/corosync.conf", *(f"{report}/corosync.conf" for report in reports)])


def _cibs(search: Search, patterns: Sequence[str], texts: Sequence[str]) -> Found:
    """Yield the best CIB; where it is cut off, first the best of those that are whole, so that both are read and the damage is told."""
    found = list(search.best(CIB, patterns, texts, fits=_may_be_cib))
    first = found[0]
    if isinstance(first, Evidence) and not first.weaker and not _is_whole(search, first.path[len(search.root) :]):
        whole = (path for pattern in patterns for path in search.matching(pattern) if _is_whole(search, path))
        yield from (Evidence(CIB, search.root + path) for path in islice(whole, 1))
    yield from found


def _is_whole(search: Search, path: str) -> bool:
    """Return whether a CIB ends as one does."""
    text = search.read(path, _LONGEST_CIB).rstrip()
    return text.endswith(("</cib>", "-->")) or re.search(r"<cib\b[^>]*/>$", text) is not None


def _may_be_cib(text: str) -> bool:
    """Return whether a file that begins so tells of a cluster's configuration; a command that failed left its complaint there."""
    return "<" in text or is_pcs_config(text)


def _units(search: Search) -> Found:
    folders = [f"{top}/systemd/system" for top in ("etc", "usr/lib", "lib", "usr/local/lib")]
    there = [folder for folder in folders if search.names(folder)]
    for folder in there:
        if folder != "lib/systemd/system" or "usr/lib/systemd/system" not in there:
            yield Evidence(UNITS, search.root + folder)
    vendor = tuple(folder for folder in folders[1:3])
    if not any(folder in there for folder in vendor):
        yield Missing(UNITS, vendor)
    for pattern in ("etc/systemd/system.conf", *(f"{top}/systemd/system.conf.d/*.conf" for top in ("etc", "run", "usr/lib"))):
        yield from (Evidence(UNITS, search.root + path) for path in search.matching(pattern))
    yield from _folder(search, RUNTIME_UNITS, "run/systemd/system")
    shown = ["sos_commands/systemd/systemctl_show_*service_--all", "sos_commands/systemd/systemctl_show_*.service*"]
    listed = ["sos_commands/systemd/systemctl_list-units*"]
    yield from search.best(UNIT_SETTINGS, shown, listed, fits=lambda text: _shows_properties(text) or _lists_units(text))
    yield from search.best(UNIT_STATES, ["sos_commands/systemd/systemctl_list-unit-files*"], fits=_lists_unit_files)


def _shows_properties(text: str) -> bool:
    """Return whether text that begins so is of `systemctl show`; where systemd is not running, it is a complaint."""
    return re.search(r"^[A-Z]\w*=", text, re.M) is not None


def _lists_unit_files(text: str) -> bool:
    """Return whether text that begins so is of `systemctl list-unit-files`."""
    return re.search(r"^[^\s.]\S*\.[a-z]+[ \t]+[a-z-]+", text, re.M) is not None


def _lists_units(text: str) -> bool:
    """Return whether text that begins so is of `systemctl list-units`."""
    return re.search(r"^\W*\S+\.[a-z]+[ \t]+(?:loaded|not-found|masked|error|bad-setting)[ \t]", text, re.M) is not None


def _folder(search: Search, kind: str, folder: str) -> Found:
    yield Evidence(kind, search.root + folder) if search.names(folder) else Missing(kind, (folder,))


def _options(search: Search) -> Found:
    """Yield the folders of option files: for a service that has them for its container, those on the host are of no effect."""
    found: set[str] = set()
    for folder in (_GENERATED, "var/lib/config-data"):
        for name in search.names(folder):
            for project in search.names(f"{folder}/{name}/etc"):
                if project in PROJECTS and (folder == _GENERATED or project not in found):
                    found.add(project)
                    yield Evidence(OPTIONS, f"{search.root}{folder}/{name}/etc/{project}")
    for project in search.names("var/lib/openstack/config"):
        found.add(project)
        yield Evidence(OPTIONS, f"{search.root}var/lib/openstack/config/{project}")
    on_host = [project for project in PROJECTS if project not in found and search.names(f"etc/{project}")]
    for project in on_host:
        yield Evidence(OPTIONS, f"{search.root}etc/{project}", weaker=search.in_containers)
    if not found and not on_host:
        yield Missing(OPTIONS, (f"{_GENERATED}/*/etc/*", "etc/nova", "etc/cinder", "etc/heat"))


def _containers(search: Search) -> Found:
    inspect = [
        f"sos_commands/{engine}/{folder}{engine}_{verb}_*"
        for engine in ("podman", "docker")
        for folder in ("containers/", "")
        for verb in ("inspect", "container_inspect")
    ]
    printed = [item for item in search.every(CONTAINERS, inspect) if isinstance(item, Evidence)]
    found = [item for item in printed if not _complains(search.read(item.path[len(search.root) :], 80))]
    lists = [f"sos_commands/{engine}/{engine}_ps*" for engine in ("podman", "docker")]
    listed = [item for item in search.every(CONTAINERS, lists) if isinstance(item, Evidence)]
    found += [Evidence(CONTAINERS, item.path, weaker=True) for item in listed if "NAMES" in search.read(item.path[len(search.root) :])]
    start = [
        "var/lib/tripleo-config/*startup-config*/*.json",
        "var/lib/tripleo-config/*startup-config*/*/*.json",
        "var/lib/tripleo-config/*startup*.json",
    ]
    if not found:
        found = [Evidence(CONTAINERS, item.path, weaker=True) for item in search.every(CONTAINERS, start) if isinstance(item, Evidence)]
    yield from found
    if not found and search.in_containers:
        yield Missing(CONTAINERS, (*inspect, *lists, *start))


def _undercloud(search: Search) -> Found:
    """Yield the folders of what an undercloud deploys from; their absence is nothing that is missing."""
    for kind, folder in ((HIERADATA, "etc/puppet/hieradata"), (TEMPLATES, "usr/share/openstack-tripleo-heat-templates")):
        if search.names(folder):
            yield Evidence(kind, search.root + folder)


def _complains(text: str) -> bool:
    """Return whether all that a command printed is that there is no such container, or no docker; docker adds an empty list."""
    return text.lstrip("[] \t\r\n").startswith(("Error", "error", "Cannot"))


def _system(search: Search) -> Found:
    lists = ["sos_commands/rpm/*rpm*-qa*", "installed-rpms", "sos_commands/dpkg/dpkg_-l", "installed-debs"]
    yield from search.best(PACKAGES, lists)
    yield from search.every(RELEASE, ["etc/rhosp-release", "etc/os-release", "usr/lib/os-release", "etc/redhat-release", "etc/lsb-release"])
