"""What a tree holds that an audit can judge by: reports of sos, reports of a cluster, hosts' file systems; and in each the best evidence.

Sources: sos 3.0 to 4.12, plugins `pacemaker`, `cluster`, `systemd`, `rpm`, `dpkg`, `host`, `general`, and what changed between versions.

A report of SUSE's supportconfig is shown as one of sos: each part of `ha.txt` in the file that sos would have it in, what `systemd.txt` has
of services, the packages of `rpm.txt`, and the option files that its plugin for OpenStack collects. Blank lines stand for what else these
files hold, so that a line has the number that it has there.

Of its files only those that an audit wants are seen (`Selected`): nothing else is listed, opened or followed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from errno import ENAMETOOLONG
from itertools import islice
from typing import Optional, Union

from msgspec import Struct

from lwlint.core.catalogue import PROJECTS
from lwlint.core.facts import RELEASES, by_version, of_image
from lwlint.core.harmless import whole
from lwlint.core.secret import mask_secrets
from lwlint.core.source import Source, Span, Text
from lwlint.files.archive import DEEPEST_PATH, Wanted, follow
from lwlint.files.archive.unpack import HOST as HOST_TREE
from lwlint.files.tree import FILE, FOLDER, LINK, Overlay, Tree
from lwlint.inputs.pacemaker.crm import Part, is_crm_config, is_supportconfig, only, parts
from lwlint.inputs.pacemaker.pcs import is_pcs_config
from lwlint.inputs.pacemaker.status import is_status, is_xml

_PROJECTS = "|".join(PROJECTS)
_CONF = r"[^/]+\.(?:conf|ini)(?:\.d/[^/]+)?"
_SYSTEMD = r"(?:etc|run|lib|usr/lib|usr/local/lib)/systemd"
_MEMBER = re.compile(
    "|".join(
        (
            rf"{_SYSTEMD}/(?:system(?:\.control|\.attached)?|transient|generator(?:\.early|\.late)?)/.+",
            r"(?:etc|run|usr/share)/containers/systemd/.+",
            rf"{_SYSTEMD}/system\.conf(?:\.d/[^/]+\.conf)?",
            rf"{_SYSTEMD}/[^/]+\.service\.d/[^/]+\.conf",  # of which systemd reads none
            rf"etc/(?:{_PROJECTS})/(?:.+/)?{_CONF}",
            rf"etc/(?:{_PROJECTS})\.conf",
            r"etc/(?:sysconfig|default)/[^/]+|etc/init\.d/[^/]+|etc/environment",  # where units and scripts take their environment from
            rf"etc/(?:(?:openstack|{_PROJECTS})/)?[^/]*\.?env(?:ironment)?",
            r"etc/apt/sources\.list(?:\.d/[^/]+\.(?:list|sources))?",
            rf"etc/kolla/(?:.+/)?(?:{_CONF}|config\.json)",
            rf"usr/(?:local/)?(?:share|etc)/(?:{_PROJECTS})/(?:.+/)?{_CONF}",
            rf"var/lib/config-data/(?:puppet-generated/)?[^/]+/(?:etc|usr/share)/(?:{_PROJECTS})/(?:.+/)?{_CONF}",
            rf"var/lib/openstack/config/(?:.+/)?{_CONF}",
            r"var/lib/(?:tripleo-config|kolla)/(?:.+/)?[^/]*(?:container|docker|startup)[^/]*(?:/.+)?\.(?:json|yaml)",
            r"var/lib/pacemaker/cib/cib\.xml",
            r"etc/(?:hostname|machine-id|os-release|lsb-release|[a-z]+-release|rhosp-release|corosync/corosync\.conf)",
            r"usr/lib/os-release",
            r"etc/puppet/hieradata/.+\.(?:yaml|json)",
            r"usr/share/openstack-tripleo-heat-templates/.+\.(?:yaml|pp)",
            r"sos_commands/(?:pacemaker|cluster)/crm_report(?:[^/]*\.t[^/]+/[^/]+)?/[^/]+/(?:cib\.xml(?:\.live)?|crm_mon\.txt|corosync\.conf|RUNNING|STOPPED)",
            r"sos_commands/(?:pacemaker|cluster)/crm_report(?:[^/]*\.t[^/]+/[^/]+)?/crm_mon\.txt",  # where the links of its hosts lead
            r"sos_commands/(?:pacemaker|cluster)/(?:pcs_(?:config|status|cluster_cib)|crm_configure_show|crm_mon|crm_status|cibadmin)[^/]*",
            r"sos_commands/systemd/systemctl_(?:show|list-unit)[^/]*",
            r"sos_commands/(?:podman|docker)/(?:containers/)?(?:podman|docker)_(?:inspect|ps|container_inspect)[^/]*",
            r"sos_commands/(?:host|general|hostname)/hostname[^/]*",
            r"sos_commands/(?:date|general)/date[^/]*",
            r"sos_commands/rpm/[^/]*rpm[^/]*-qa[^/]*|sos_commands/rpm/package-data",
            r"sos_commands/dpkg/dpkg_-l|sos_commands/dpkg/dpkg-query[^/]*",
        )
    )
)
# of a report outside its host's tree, of `crm_report`'s own archive, and of supportconfig
_BESIDE = re.compile(
    r"(?:^|/)(?:version\.txt|(?:ha|basic-environment|systemd|rpm|plugin-[^/]*openstack[^/]*)\.txt|hostname|date|installed-(?:rpms|debs)|[^/]+/cib\.xml(?:\.live)?|[^/]+/crm_mon\.txt|[^/]+/corosync\.conf|cib\.xml)$"
)
_CONTAINERS = r"var(?:/lib(?:/(?:config-data|openstack|tripleo-config|kolla)(?:/.*)?|/pacemaker(?:/cib)?)?)?"
_BELOW = re.compile(
    "|".join(
        (
            r"etc(?:/(?:systemd|containers|puppet|corosync|sysconfig|default|init\.d|apt|openstack|kolla|" + _PROJECTS + r")(?:/.*)?)?",
            r"lib(?:/systemd(?:/.*)?)?|run(?:/(?:systemd|containers)(?:/.*)?)?",
            r"usr(?:/(?:lib|local|local/lib)(?:/systemd(?:/.*)?)?)?",
            r"usr/(?:local/)?(?:share|etc)(?:/(?:containers|openstack-tripleo-heat-templates|" + _PROJECTS + r")(?:/.*)?)?",
            _CONTAINERS,
            r"sos_commands(?:/(?:pacemaker|cluster|systemd|podman|docker|host|general|hostname|date|rpm|dpkg)(?:/.*)?)?",
        )
    )
)


class SosPaths:
    """The files that an audit wants, of reports and hosts at any depth of an archive or folder."""

    def member(self, path: str) -> bool:
        """Return whether the file or link at `path` is wanted."""
        top = HOST_TREE.search(path)
        if top is None:
            return _BESIDE.search(path) is not None
        return _MEMBER.fullmatch(path, top.end()) is not None

    def below(self, folder: str) -> bool:
        """Return whether anything below `folder` may be wanted."""
        top = HOST_TREE.search(folder)
        if top is None:
            return folder.count("/") < 8
        return _BELOW.fullmatch(folder, top.end()) is not None


WANTED = SosPaths()


class Selected:
    """The wanted files below the folder `base` of another tree; paths are those of that tree.

    Links are followed below `base` only: an absolute target is meant from the root of the host's tree that the link lies in.
    """

    def __init__(self, tree: Tree, base: str, wanted: Wanted) -> None:
        self._tree = tree
        self._base = "" if base in ("", ".") else base.rstrip("/") + "/"
        self._top = self._base.rstrip("/") or ("/" if self._base else ".")
        self._wanted = wanted
        self._folders: dict[str, str | None] = {}

    def _inside(self, path: str) -> str | None:
        if path in (".", "", self._base.rstrip("/")):
            return ""
        return path[len(self._base) :] if path.startswith(self._base) else None

    def _link(self, inside: str) -> str | None:
        path = self._base + inside
        return self._tree.target(path) if self._tree.kind(path) == LINK else None

    def _real(self, path: str, *, last: bool) -> str | None:
        """Return the path in the other tree that `path` leads to; None for one outside, and for links in a circle."""
        inside = self._inside(path)
        if not inside:
            return None if inside is None else self._top
        folder, slash, name = inside.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = follow(folder, self._link, last=True)
        real = self._folders[folder]
        if real is None:
            return None
        found: str | None = f"{real}{slash if real else ''}{name}"
        if last and self._link(found or "") is not None:
            found = follow(found or "", self._link, last=True)
        return None if found is None else (self._base + found).rstrip("/") or self._top

    def kind(self, path: str) -> str | None:
        """Return what `path` is, links not followed; None for what is not wanted."""
        inside = self._inside(path)
        real = self._real(path, last=False)
        if not inside:
            return self.real_kind(path)
        kind = None if real is None else self._tree.kind(real)
        if kind is None:
            return None
        wanted = kind != FOLDER and self._wanted.member(inside)
        return kind if wanted or (kind != FILE and self._wanted.below(inside)) else None

    def target(self, path: str) -> str:
        return self._tree.target(self._there(path, last=False))

    def real_kind(self, path: str) -> str | None:
        real = self._real(path, last=True)
        if real == self._top:
            return self._tree.real_kind(real)  # a link that the user named is followed
        return None if real is None else self._tree.kind(real)

    def size(self, path: str) -> int:
        return self._tree.size(self._there(path, last=True))

    def read(self, path: str, most: int = -1) -> bytes:
        return self._tree.read(self._there(path, last=True), most)

    def _there(self, path: str, *, last: bool) -> str:
        real = self._real(path, last=last)
        if real is None or self._tree.kind(real) is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        return real

    def names(self, path: str) -> list[str]:
        """Return the sorted names of what is wanted in the folder `path`. Raises OSError for one too deep to look into, too."""
        inside = self._inside(path)
        if inside is None:
            return []
        if inside.count("/") >= DEEPEST_PATH:
            raise OSError(ENAMETOOLONG, f"it lies in {DEEPEST_PATH} folders, and the limit is that", path)
        below, above = f"{inside}/" if inside else "", "" if path in (".", "") else path.rstrip("/") + "/"
        wanted = self._wanted
        return [
            name
            for name in self._tree.names(self._there(path, last=True))
            if wanted.member(below + name) or (wanted.below(below + name) and self.kind(above + name) is not None)
        ]


# name-version-release.arch, then a date or nothing; `rpm -qa` of sos prints `~~` or blanks between them
_RPM = re.compile(
    r"^(?P<name>[A-Za-z0-9][\w.+-]*)-(?:(?P<epoch>\d+):)?(?P<version>[^-\s~][^-\s]*)-(?P<release>[^-\s]+?)"
    r"\.(?P<arch>noarch|x86_64|i[3-6]86|ppc64le|ppc64|aarch64|s390x|\(none\))(?=[\s~]|$)",
    re.MULTILINE,
)
_DPKG = re.compile(
    r"^(?P<status>[a-z][a-zA-Z])[a-zA-Z]?[ \t]+(?P<name>[a-z0-9][a-z0-9.+-]*)(?::\w+)?[ \t]+(?:\d+:)?(?P<version>\d[^\s]*)", re.MULTILINE
)


class Package(Struct, frozen=True):
    """One installed package; `version` is without epoch and, for rpm, without the release, which is `release`."""

    name: Text
    version: Text
    release: str = ""


def read_packages(source: Source) -> Iterator[Package]:
    """Yield the packages of a list, whichever of the two programs wrote it; what is removed but for its configuration is left out."""
    if re.search(r"^(?:\|/ Err|ii[ \t])", source.text, re.MULTILINE):
        for match in _DPKG.finditer(source.text):
            if match["status"][1] == "i":
                yield Package(_text(source, match, "name"), _text(source, match, "version"))
        return
    for match in _RPM.finditer(source.text):
        yield Package(_text(source, match, "name"), _text(source, match, "version"), match["release"])


def _text(source: Source, match: re.Match[str], group: str) -> Text:
    return Text(match[group], Span(source.path, match.start(group), match.end(group)))


# the first release of RELEASES and its major version; the numbers go up by one with every release
_FIRST = {
    "nova": ("liberty", 12),
    "glance": ("liberty", 11),
    "cinder": ("liberty", 7),
    "keystone": ("liberty", 8),
    "neutron": ("liberty", 7),
    "heat": ("liberty", 5),
    "puppet-tripleo": ("newton", 5),
}
_PACKAGE = re.compile(
    r"(?:openstack-|python-|python2-|python3-)?(?P<project>nova|glance|cinder|keystone|neutron|heat|puppet-tripleo)(?:-common|-api)?"
)
_PLATFORM = re.compile(r"OpenStack Platform release (?P<number>[\d.]+)(?![\d.])[^\n]{0,200}?\((?P<name>[A-Za-z]+)\)")
# OpenStack-Ansible's `etc/openstack-release`, and the archive of packages that charms take theirs from
_DEPLOYED = re.compile(
    rf"DISTRIB_CODENAME=\"?(?P<codename>{'|'.join(RELEASES)})\b\"?|ubuntu-cloud\.archive\.canonical\.com\S*\s+(?:Suites:\s*)?\w+-(?:updates|proposed)/(?P<pocket>\w+)",
    re.IGNORECASE,
)
_CLOUD_ARCHIVE = "ubuntu-cloud.archive.canonical.com"
_ARCHIVE_LIST = re.compile(r"(?:^|/)etc/apt/sources\.list(?:\.d/[^/]+)?$")
_COMMENT = re.compile(r"^[ \t]*#.*", re.MULTILINE)
_DEPLOYED_VERSION = re.compile(r"DISTRIB_RELEASE=\"?(?P<major>\d+)\.")


class ReleaseHint(Struct, frozen=True):
    """A release that one line of a report speaks for; `release` is None where that is none that lwlint knows."""

    release: str | None
    because: str
    span: Span


def release_hints(sources: Iterable[Source]) -> list[ReleaseHint]:
    """Return what release files and package lists say, the surest first."""
    found = []
    for source in sources:
        platform = _PLATFORM.search(source.text)
        if platform:
            name = platform["name"].lower()
            because = f"`{platform.group()}`"
            found.append((0, ReleaseHint(name if name in RELEASES else None, because, Span(source.path, *platform.span()))))
            continue
        deployed = _read_deployment(source)
        if deployed is not None:
            found.append((0, deployed))
            continue
        for package in read_packages(source):
            fitting = _PACKAGE.fullmatch(package.name.value)
            major = re.match(r"\d+", package.version.value)
            if fitting and major:
                project = fitting["project"]
                because = f"the package {package.name.value} {package.version.value}"
                place = Span(source.path, package.name.span.start, package.version.span.end)
                rank = 1 + list(_FIRST).index(project)
                found.append((rank, ReleaseHint(_release(project, whole(major.group()) or 0), because, place)))
    return [hint for _, hint in sorted(found, key=lambda item: item[0])]


def _read_deployment(source: Source) -> ReleaseHint | None:
    """Return what OpenStack-Ansible's own file or a list of package archives says."""
    own = source.path.endswith("etc/openstack-release")
    if not own and _ARCHIVE_LIST.search(source.path) is None:
        return None
    text = _COMMENT.sub(lambda comment: " " * len(comment.group()), source.text)
    shown = _DEPLOYED.search(text)
    if shown is not None:
        name = (shown["codename"] or shown["pocket"]).lower()
        return ReleaseHint(name if name in RELEASES else None, f"`{' '.join(shown.group().split())}`", Span(source.path, *shown.span()))
    version = _DEPLOYED_VERSION.search(text) if own else None
    if version is None:
        return None
    return ReleaseHint(by_version(whole(version["major"]) or 0), f"`{version.group()}`", Span(source.path, *version.span()))


_IN_IMAGES = ("kolla", "tripleo", "rhos", "podified")


def image_hint(source: Source) -> ReleaseHint | None:
    """Return the release that most images tell of which containers were started; None where none does."""
    found: dict[str, list[str]] = {}
    for image in re.findall(r"[\w./:@-]+", source.text):
        name = of_image(image) if "/" in image and any(word in image for word in _IN_IMAGES) else None
        if name is not None:
            found.setdefault(name, []).append(image)
    if not found:
        return None
    name, images = max(found.items(), key=lambda item: len(item[1]))
    at = source.text.index(images[0])
    return ReleaseHint(name, f"the container image `{images[0]}`", Span(source.path, at, at + len(images[0])))


def _release(project: str, major: int) -> str | None:
    first, number = _FIRST[project]
    return by_version(major, (first, number))


CIB, CLUSTER_STATUS, COROSYNC = "CIB", "cluster status", "corosync.conf"
UNITS, RUNTIME_UNITS, UNIT_SETTINGS, UNIT_STATES = "unit files", "runtime unit files", "unit settings in force", "unit file states"
OPTIONS, CONTAINERS, PACKAGES, RELEASE = "option files", "containers", "packages", "release files"
HIERADATA, TEMPLATES = "hieradata", "templates"  # of an undercloud; a host need not have them
_LONGEST = 100  # characters that are told of a complaint
_HA_TEXT, _HOST_TEXT, _UNITS_TEXT, _PACKAGES_TEXT = "ha.txt", "basic-environment.txt", "systemd.txt", "rpm.txt"  # of supportconfig
_PLUGIN_TEXT = re.compile(r"plugin-.*openstack.*\.txt")
_OPTION_FILE = re.compile(rf"/(?P<path>etc/(?:{_PROJECTS})/(?:.+/)?{_CONF})")
_SHOW_SERVICE = re.compile(r"systemctl show '[^' ]+\.service' \| sort")
_LONGEST_TEXT = 64_000_000  # bytes of one of them
_FARTHEST, _MOST_FILES = 64_000_000, 2000  # lines in front of all option files together, and how many these may then be
_DEEPEST_TEXT = 4  # folders below the one that was named
_CIB_PATH = re.compile(r"/var/lib/(?:pacemaker/cib|heartbeat/crm)/cib\.xml")
_UNAME = re.compile(r"Linux (?P<name>\S+) ")


def names(tree: Tree, folder: str) -> list[str]:
    """Return the sorted names in a folder; none where there is none, or where it cannot be listed."""
    try:
        return tree.names(folder) if tree.real_kind(folder) == FOLDER else []
    except OSError:
        return []


class Evidence(Struct, frozen=True):
    """A file or folder to judge by. `weaker` tells that something better was looked for and is not there."""

    kind: str
    path: str
    weaker: bool = False


class Missing(Struct, frozen=True):
    """Evidence that is not there, and where it was looked for, below the report's folder, the best place first."""

    kind: str
    looked_for: tuple[str, ...]


Found = Iterator[Union[Evidence, Missing]]


class Search:
    """Looks for files below one root. `in_containers` tells whether services run in containers there, by what their options lie in."""

    def __init__(self, tree: Tree, root: str) -> None:
        self._tree = tree
        self.root = root
        self.in_containers = bool(self.names("var/lib/config-data")) or bool(self.names("var/lib/openstack/config"))

    def names(self, folder: str) -> list[str]:
        """Return the sorted names in a folder; none where there is none."""
        return names(self._tree, f"{self.root}{folder}".rstrip("/") or ".")

    def matching(self, pattern: str) -> list[str]:
        """Return the files that have something in them and whose path fits `pattern`: parts with `*`, the first part without."""
        paths = [""]
        for part in pattern.split("/"):
            fits = re.compile(re.escape(part).replace(r"\*", ".*"))
            if "*" in part:
                paths = [f"{path}{name}/" for path in paths for name in self.names(path) if fits.fullmatch(name)]
            else:
                paths = [f"{path}{part}/" for path in paths]
        return [path[:-1] for path in paths if self.has(path[:-1])]

    def has(self, path: str) -> bool:
        """Return whether there is a file at `path` with something in it."""
        try:
            return self._tree.real_kind(self.root + path) == FILE and bool(self._tree.read(self.root + path, 1))
        except OSError:
            return False

    def read(self, path: str, most: int = 4096) -> str:
        """Return the beginning of a file, behind blank lines if it is of these alone; empty where there is none."""
        try:
            data = self._tree.read(self.root + path, most)
            if len(data) == most and data.isspace():  # a part of a supportconfig
                data = self._tree.read(self.root + path, _LONGEST_CIB).lstrip()[:most]
            return data.decode("utf-8", "replace")
        except OSError:
            return ""

    def some(self, kind: str, paths: Sequence[str]) -> Found:
        """Yield the first of the paths where there is a file."""
        yield from (Evidence(kind, self.root + path) for path in [path for path in paths if self.has(path)][:1])

    def best(self, kind: str, patterns: Sequence[str], weak: Sequence[str] = (), fits: Callable[[str], bool] = bool) -> Found:
        """Yield the first file that fits one of the patterns, the strong ones first, or what is missing.

        `fits` says by its beginning whether a file is what it is taken for.
        """
        for pattern in (*patterns, *weak):
            paths = [path for path in self.matching(pattern) if fits(self.read(path))]
            if paths:
                yield Evidence(kind, self.root + paths[0], pattern in weak)
                return
        patterns = (*patterns, *weak)
        unfit = list(dict.fromkeys(path for pattern in patterns for path in self.matching(pattern)))
        yield Missing(kind, (*map(self._complaint, unfit), *(pattern for pattern in patterns if pattern not in unfit)))

    def _complaint(self, path: str) -> str:
        """Return a path whose file is not what it is taken for, with its first line: what a command that failed had to say."""
        first = next((line.strip() for line in self.read(path).splitlines() if line.strip()), "")
        return f"{path}, which says only `{mask_secrets(first)[:_LONGEST]}`" if first else f"{path}, which is blank"

    def every(self, kind: str, patterns: Sequence[str]) -> Found:
        """Yield all files that fit a pattern, or what is missing."""
        paths = [path for pattern in patterns for path in self.matching(pattern)]
        yield from (Evidence(kind, self.root + path) for path in dict.fromkeys(paths))
        if not paths:
            yield Missing(kind, tuple(patterns))


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NAMED = re.compile(r"^(?:secured-)?sosreport-(?P<host>.+?)(?:[.-](?:\d{4}-\d{2}-\d{2}|\d{12,14}|\d{6,8})(?:-\w+)?|-[a-z]{7})*$")
_DATE = re.compile(
    rf"\b(?P<month>{'|'.join(_MONTHS)})\s+(?P<day>\d{{1,2}})\s+(?P<time>\d\d:\d\d:\d\d)(?: ?[AP]M)?\s+(?:\S+\s+)?(?P<year>\d{{4}})"
)
_DAY_FIRST = re.compile(rf"\b(?P<day>\d{{1,2}})\s+(?P<month>{'|'.join(_MONTHS)})\w*\s+(?P<year>\d{{4}})\s+(?P<time>\d\d:\d\d:\d\d)")


def host(search: Search) -> str:
    """Return the host's name, as its report has it; else the name in the folder's name, or the folder's."""
    for path in ("sos_commands/host/hostname", "sos_commands/general/hostname", "hostname", "etc/hostname"):
        name = search.read(path, 256).strip()
        if name and not re.search(r"\s", name):
            return name
    folder = posixpath.basename(search.root.rstrip("/"))
    named = _NAMED.match(folder)
    return named["host"] if named else folder


def version(search: Search) -> tuple[int, ...]:
    """Return the version of sos; empty where nothing tells it."""
    found = re.search(r"sos ?report:?\s*(\d+(?:\.\d+)*)", search.read("version.txt"))
    return tuple(whole(each) or 0 for each in found.group(1).split(".")) if found else ()


def find_time(search: Search) -> str:
    """Return when the report was made, as `YYYY-MM-DD HH:MM:SS` or the day only; empty where nothing tells it."""
    for path in ("sos_commands/date/date", "sos_commands/general/date", "date"):
        text = search.read(path)
        found = _DATE.search(text) or _DAY_FIRST.search(text)
        if found:
            return f"{found['year']}-{_MONTHS.index(found['month']) + 1:02}-{int(found['day']):02} {found['time']}"
    folder = posixpath.basename(search.root.rstrip("/"))
    day = re.search(r"(?<!\d)(20\d\d)-?([01]\d)-?([0-3]\d)(?:([0-2]\d)([0-5]\d)([0-5]\d)?)?(?!\d)", folder)
    if not day:
        return ""
    time = f" {day[4]}:{day[5]}:{day[6] or '00'}" if day[4] else ""
    return f"{day[1]}-{day[2]}-{day[3]}{time}"


SOS, CRM_REPORT, HOST = "sos", "crm_report", "host"
_GENERATED = "var/lib/config-data/puppet-generated"
_OPTIONS_OF_KOLLA = re.compile(r"^(?!config/).+/[^/]+\.(?:conf|ini)$")
_DEEPEST = 8
_LONGEST_CIB = 64_000_000  # bytes; more than any that is read


class Capture(Struct, frozen=True):
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

    def of(self, *kinds: str) -> list[Evidence]:
        """Return the evidence of these kinds."""
        return [evidence for evidence in self.evidence if evidence.kind in kinds]

    def list_missing(self, *kinds: str) -> list[str]:
        """Return where evidence of these kinds was looked for and is missing."""
        return [place for missing in self.missing if missing.kind in kinds for place in missing.looked_for]


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
            if tree.kind(below + name) == FOLDER and not (form and _is_node(tree, below + name)):
                yield from _roots(tree, below + name, depth + 1)


def _form(tree: Tree, root: str, inside: Sequence[str]) -> Optional[str]:
    there = set(inside)
    if "sos_commands" in there or ("version.txt" in there and "etc" in there):
        return SOS
    if "etc" in there and (there & {"usr", "var", "run", "lib"} or tree.real_kind(f"{root}etc/hostname") == FILE):
        return HOST
    return CRM_REPORT if any(_is_node(tree, root + name) for name in inside) else None


def _is_node(tree: Tree, folder: str) -> bool:
    """Return whether a folder is that of one node in a cluster's report: it has a CIB, or the status by itself.

    What the nodes have in common lies beside their folders, and links lead there.
    """
    if any(tree.real_kind(f"{folder}/{name}") == FILE for name in _CIBS):
        return True
    return _has_status(tree, folder) and not any(
        tree.kind(f"{folder}/{name}") == FOLDER
        and (_has_status(tree, f"{folder}/{name}") or any(tree.real_kind(f"{folder}/{name}/{cib}") == FILE for cib in _CIBS))
        for name in names(tree, folder)
    )


_CIBS = ("cib.xml", "cib.xml.live")


def _has_status(tree: Tree, folder: str) -> bool:
    return tree.real_kind(f"{folder}/crm_mon.txt") == FILE


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
        find_time(search),
        search.in_containers,
        tuple(item for item in found if isinstance(item, Evidence)),
        tuple(item for item in found if isinstance(item, Missing)),
    )


def _cluster(search: Search, form: str) -> Found:
    node = host(search).split(".")[0]
    if form == CRM_REPORT:
        for name in search.names(""):
            yield from search.some(CIB, (f"{name}/cib.xml.live", f"{name}/cib.xml"))
        yield from search.every(CLUSTER_STATUS, ["*/crm_mon.txt"])
        yield from search.every(COROSYNC, ["*/corosync.conf"])
        return
    reports = [
        f"sos_commands/{plugin}/crm_report/{name}" for plugin in ("pacemaker", "cluster") for name in dict.fromkeys((node, "*")) if name
    ]
    cibs = [f"{report}/{name}" for report in reports for name in ("cib.xml.live", "cib.xml")]
    packed = [f"sos_commands/{plugin}/crm_report*/*/*/cib.xml*" for plugin in ("pacemaker", "cluster")]
    texts = [f"sos_commands/{plugin}/{name}" for name in ("pcs_config", "crm_configure_show") for plugin in ("pacemaker", "cluster")]
    dumps = ["sos_commands/pacemaker/pcs_cluster_cib", "sos_commands/pacemaker/cibadmin*"]
    yield from _cibs(search, [*cibs, *packed, *dumps, "var/lib/pacemaker/cib/cib.xml"], texts)
    status = [
        "sos_commands/pacemaker/pcs_status_--full",
        "sos_commands/pacemaker/pcs_status",
        "sos_commands/*/crm_mon*",
        "sos_commands/cluster/pcs_status*",
        "sos_commands/*/crm_status*",
        *(f"{report}/crm_mon.txt" for report in reports),
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
    return "<" in text or is_pcs_config(text) or is_crm_config(text)


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
    if any(_OPTIONS_OF_KOLLA.search(f"{name}/{file}") for name in search.names("etc/kolla") for file in search.names(f"etc/kolla/{name}")):
        found.add("kolla")
        yield Evidence(OPTIONS, f"{search.root}etc/kolla")
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
    yield from search.some(RELEASE, ["etc/openstack-release"])  # of a few deployments, as the rest: none is missed
    archives = ("etc/apt/sources.list", "etc/apt/sources.list.d/*.list", "etc/apt/sources.list.d/*.sources")
    for path in (found for pattern in archives for found in search.matching(pattern)):
        if _CLOUD_ARCHIVE in search.read(path, _LONGEST_CIB):
            yield Evidence(RELEASE, search.root + path)


def with_supportconfigs(tree: Tree, top: str) -> Tree:
    """Return the tree with the reports of supportconfig at or below `top` as sos has them; the same one where there is none."""
    found: dict[str, bytes] = {}
    for folder in _folders(tree, top, 0):
        below = f"{folder}/" if folder not in ("", ".") else ""
        found.update({below + path: data for path, data in _files(tree, below).items()})
    return Overlay(tree, found) if found else tree


def as_sos(data: bytes) -> dict[str, bytes]:
    """Return what one `ha.txt` holds of the cluster, by the paths that sos has; empty where it is none."""
    text = data.decode("utf-8", "replace")
    return {path: only(text, part).encode() for path, part in _index_parts(text).items()} if is_supportconfig(text[:2000]) else {}


def _folders(tree: Tree, folder: str, depth: int) -> Iterator[str]:
    try:
        names = tree.names(folder or ".")
    except OSError:
        return
    below = f"{folder}/" if folder not in ("", ".") else ""
    if _HA_TEXT in names or _HOST_TEXT in names:
        yield folder
        return
    for name in names if depth < _DEEPEST_TEXT else ():
        if tree.kind(below + name) == FOLDER:
            yield from _folders(tree, below + name, depth + 1)


def _files(tree: Tree, below: str) -> Mapping[str, bytes]:
    found = as_sos(_of_support(tree, below + _HA_TEXT).encode())
    found.update(_of_services(_of_support(tree, below + _UNITS_TEXT)))
    for name in tree.names(below.rstrip("/") or "."):
        if _PLUGIN_TEXT.fullmatch(name):
            found.update(_of_plugin(_of_support(tree, below + name)))
    if found:
        found.update(_of_packages(_of_support(tree, below + _PACKAGES_TEXT)))
        found.update(_of_host(_of_support(tree, below + _HOST_TEXT)))
    return found


def _of_support(tree: Tree, path: str) -> str:
    """Return the text of a file of supportconfig; empty for one that is not there, or is something else."""
    try:
        if tree.real_kind(path) != FILE:
            return ""
        text = tree.read(path, _LONGEST_TEXT).decode("utf-8", "replace")
    except OSError:
        return ""
    return text if is_supportconfig(text[:2000]) or _PLUGIN_TEXT.fullmatch(posixpath.basename(path)) else ""


def _of_services(text: str) -> Iterator[tuple[str, bytes]]:
    """Yield what `systemctl show` printed of the services, one after the other, as sos has it of all of them."""
    pieces, line, at = [], 0, 0
    for part in parts(text):
        if _SHOW_SERVICE.fullmatch(part.what):
            starts = line + text.count("\n", at, part.start)
            pieces.append("\n" * (starts - line) + text[part.start : part.end])
            line, at = starts + text.count("\n", part.start, part.end), part.end
    if pieces:
        yield "sos_commands/systemd/systemctl_show_service_--all", "".join(pieces).encode()


def _of_plugin(text: str) -> Iterator[tuple[str, bytes]]:
    """Yield the option files that a plugin collected, without their comments; none of them where their lines are too far apart."""
    found: dict[str, Part] = {}
    for part in parts(text):
        named = _OPTION_FILE.fullmatch(part.what)
        if named is not None and ".." not in part.what.split("/"):
            found.setdefault(posixpath.normpath(named["path"]), part)
    if found and max(part.start for part in found.values()) * len(found) > _FARTHEST:
        places = [text.count("\n", 0, part.start) for part in found.values()] if len(found) <= _MOST_FILES else [_FARTHEST]
        found = found if sum(places) <= _FARTHEST else {}
    yield from ((path, only(text, part).encode()) for path, part in found.items())


def _of_packages(text: str) -> Iterator[tuple[str, bytes]]:
    """Yield the list of packages that tells their architecture, as `rpm -qa` of sos does."""
    yield from (("installed-rpms", only(text, part).encode()) for part in parts(text) if part.what == "rpm -qa --last")


def _index_parts(text: str) -> dict[str, Part]:
    """Return the parts by the paths that sos has for them; of two with one path the first."""
    found: dict[str, Part] = {}
    for part in parts(text):
        words = part.what.split()
        if words[:2] == ["cibadmin", "-Q"]:
            path = "sos_commands/pacemaker/cibadmin_-Q"
        elif words[:3] == ["crm", "configure", "show"]:
            path = "sos_commands/pacemaker/crm_configure_show"
        elif words[0] == "crm_mon":
            path = "sos_commands/pacemaker/" + "_".join(words)
        elif _CIB_PATH.fullmatch(part.what):
            path = "var/lib/pacemaker/cib/cib.xml"
        elif part.what == "/etc/corosync/corosync.conf":
            path = part.what[1:]
        else:
            continue
        found.setdefault(path, part)
    return found


def _of_host(text: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files that name the host and tell when the report was made."""
    for part in parts(text):
        words = text[part.start : part.end].strip()
        named = _UNAME.match(words) if part.what == "uname -a" else None
        if named is not None:
            yield "hostname", named["name"].encode()
        elif posixpath.basename(part.what) == "date":
            yield "date", words.encode()
        elif part.what == "/etc/os-release":
            yield posixpath.join("etc", "os-release"), only(text, part).encode()
