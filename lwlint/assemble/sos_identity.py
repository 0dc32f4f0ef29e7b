"""Whose report it is, which sos made it, and when."""

from __future__ import annotations

import posixpath
import re

from lwlint.assemble.sos_search import Search

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
    return tuple(map(int, found.group(1).split("."))) if found else ()


def captured(search: Search) -> str:
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
