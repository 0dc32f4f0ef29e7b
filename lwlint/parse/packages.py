"""Lists of installed packages, as `rpm -qa` and `dpkg -l` print them into a report."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lwlint.record import dataclass
from lwlint.source import Source, Span, Text

# name-version-release.arch, then a date or nothing; `rpm -qa` of sos prints `~~` or blanks between them
_RPM = re.compile(
    r"^(?P<name>[A-Za-z0-9][\w.+-]*)-(?:(?P<epoch>\d+):)?(?P<version>[^-\s~][^-\s]*)-(?P<release>[^-\s]+?)"
    r"\.(?P<arch>noarch|x86_64|i[3-6]86|ppc64le|ppc64|aarch64|s390x|\(none\))(?=[\s~]|$)",
    re.MULTILINE,
)
_DPKG = re.compile(
    r"^(?P<status>[a-z][a-zA-Z])[a-zA-Z]?[ \t]+(?P<name>[a-z0-9][a-z0-9.+-]*)(?::\w+)?[ \t]+(?:\d+:)?(?P<version>\d[^\s]*)", re.MULTILINE
)


@dataclass(frozen=True)
class Package:
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
