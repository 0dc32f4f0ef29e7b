"""The release of a host by its release files and installed packages.

Version numbers are those of the projects' own release notes (major versions by release); package names are RDO's and Debian's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from lwlint.facts.service import RELEASES
from lwlint.parse.packages import installed
from lwlint.record import dataclass
from lwlint.source import Source, Span

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
_PLATFORM = re.compile(r"OpenStack Platform release (?P<number>[\d.]+)[^\n]*?\((?P<name>[A-Za-z]+)\)")


@dataclass(frozen=True)
class ReleaseHint:
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
        for package in installed(source):
            fitting = _PACKAGE.fullmatch(package.name.value)
            major = re.match(r"\d+", package.version.value)
            if fitting and major:
                project = fitting["project"]
                because = f"the package {package.name.value} {package.version.value}"
                place = Span(source.path, package.name.span.start, package.version.span.end)
                rank = 1 + list(_FIRST).index(project)
                found.append((rank, ReleaseHint(_release(project, int(major.group())), because, place)))
    return [hint for _, hint in sorted(found, key=lambda item: item[0])]


def _release(project: str, major: int) -> str | None:
    first, number = _FIRST[project]
    index = RELEASES.index(first) + major - number
    return RELEASES[index] if RELEASES.index(first) <= index < len(RELEASES) else None
