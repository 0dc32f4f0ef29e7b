"""A tree of files of which only what an audit wants is seen: nothing else is listed, opened or followed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from errno import ENAMETOOLONG

from msgspec import Struct

from lwlint.core.catalogue import PROJECTS
from lwlint.core.facts import RELEASES, by_version, of_image
from lwlint.core.numbers import whole
from lwlint.core.source import Source, Span, Text
from lwlint.files.archive import DEEPEST_PATH, Wanted
from lwlint.files.archive.tree import followed
from lwlint.files.archive.unpack import HOST
from lwlint.files.tree import FILE, FOLDER, LINK, Tree

_PROJECTS = "|".join(PROJECTS)
_CONF = r"[^/]+\.(?:conf|ini)(?:\.d/[^/]+)?"
_SYSTEMD = r"(?:etc|run|lib|usr/lib|usr/local/lib)/systemd"
_MEMBER = re.compile(
    "|".join(
        (
            rf"{_SYSTEMD}/(?:system(?:\.control|\.attached)?|transient|generator(?:\.early|\.late)?)/.+",
            r"(?:etc|run|usr/share)/containers/systemd/.+",
            rf"{_SYSTEMD}/system\.conf(?:\.d/[^/]+\.conf)?",
            rf"etc/(?:{_PROJECTS})/(?:.+/)?{_CONF}",
            rf"etc/(?:{_PROJECTS})\.conf",
            rf"etc/(?:sysconfig|default)/(?:openstack-|{_PROJECTS})[^/]*",
            rf"etc/kolla/(?:.+/)?(?:{_CONF}|config\.json)",
            rf"usr/(?:local/)?(?:share|etc)/(?:{_PROJECTS})/(?:.+/)?{_CONF}",
            rf"var/lib/config-data/(?:puppet-generated/)?[^/]+/(?:etc|usr/share)/(?:{_PROJECTS})/(?:.+/)?{_CONF}",
            rf"var/lib/openstack/config/(?:.+/)?{_CONF}",
            r"var/lib/(?:tripleo-config|kolla)/(?:.+/)?[^/]*(?:container|docker|startup)[^/]*(?:/.+)?\.(?:json|yaml)",
            r"var/lib/pacemaker/cib/cib\.xml",
            r"etc/(?:hostname|os-release|lsb-release|[a-z]+-release|rhosp-release|corosync/corosync\.conf)",
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
    r"(?:^|/)(?:version\.txt|ha\.txt|basic-environment\.txt|hostname|date|installed-(?:rpms|debs)|[^/]+/cib\.xml(?:\.live)?|[^/]+/crm_mon\.txt|[^/]+/corosync\.conf|cib\.xml)$"
)
_CONTAINERS = r"var(?:/lib(?:/(?:config-data|openstack|tripleo-config|kolla)(?:/.*)?|/pacemaker(?:/cib)?)?)?"
_BELOW = re.compile(
    "|".join(
        (
            r"etc(?:/(?:systemd|containers|puppet|corosync|sysconfig|default|kolla|" + _PROJECTS + r")(?:/.*)?)?",
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
        top = HOST.search(path)
        if top is None:
            return _BESIDE.search(path) is not None
        return _MEMBER.fullmatch(path, top.end()) is not None

    def below(self, folder: str) -> bool:
        """Return whether anything below `folder` may be wanted."""
        top = HOST.search(folder)
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
            self._folders[folder] = followed(folder, self._link, last=True)
        real = self._folders[folder]
        if real is None:
            return None
        found: str | None = f"{real}{slash if real else ''}{name}"
        if last and self._link(found or "") is not None:
            found = followed(found or "", self._link, last=True)
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


def installed(source: Source) -> Iterator[Package]:
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
    rf"DISTRIB_CODENAME=\"?(?P<codename>{'|'.join(RELEASES)})\b\"?|ubuntu-cloud\.archive\.canonical\.com\S*\s+\w+-(?:updates|proposed)/(?P<pocket>\w+)",
    re.IGNORECASE,
)
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
        deployed = _deployed(source)
        if deployed is not None:
            found.append((0, deployed))
            continue
        for package in installed(source):
            fitting = _PACKAGE.fullmatch(package.name.value)
            major = re.match(r"\d+", package.version.value)
            if fitting and major:
                project = fitting["project"]
                because = f"the package {package.name.value} {package.version.value}"
                place = Span(source.path, package.name.span.start, package.version.span.end)
                rank = 1 + list(_FIRST).index(project)
                found.append((rank, ReleaseHint(_release(project, whole(major.group()) or 0), because, place)))
    return [hint for _, hint in sorted(found, key=lambda item: item[0])]


def _deployed(source: Source) -> ReleaseHint | None:
    """Return what OpenStack-Ansible's own file or a list of package archives says."""
    own = source.path.endswith("etc/openstack-release")
    if not own and not source.path.endswith("cloud-archive.list"):
        return None
    shown = _DEPLOYED.search(source.text)
    if shown is not None:
        name = (shown["codename"] or shown["pocket"]).lower()
        return ReleaseHint(name if name in RELEASES else None, f"`{shown.group()}`", Span(source.path, *shown.span()))
    version = _DEPLOYED_VERSION.search(source.text) if own else None
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
