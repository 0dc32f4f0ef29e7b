"""What a shape of input is, and what writes one: files, many files, archives."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

UNIT = "openstack-nova-api.service"


class Shape(NamedTuple):
    """One shape of input: `make` writes it in a folder at a size (how many of what) and returns the arguments; `size` is the most."""

    name: str
    size: int
    make: Callable[[Path, int], list[str]]
    refused: bool = False  # whether lwlint is to refuse it, with exit code 2


def file(name: str, text: Callable[[int], str], *options: str) -> Callable[[Path, int], list[str]]:
    """Return what writes one file and checks its folder."""

    def make(folder: Path, size: int) -> list[str]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(size), "utf-8", errors="surrogateescape")
        return ["check", "--no-cache", *options, "."]

    return make


def each(text: str, size: int) -> str:
    """Return the text as many times; `@` in it is the number."""
    return "".join(text.replace("@", str(i)) for i in range(size))


def lines(head: str, line: str, end: str = "") -> Callable[[int], str]:
    """Return what makes a text of as many lines, `@` in each the number, between a head and an end."""
    return lambda size: head + each(line, size) + end


PRIMITIVE = '<primitive id="openstack-r@" class="systemd" type="openstack-nova-api"/>'
GALERA = '<primitive id="galera" class="ocf" provider="heartbeat" type="galera"/>'


def cib(resources: str, constraints: str = "", *, nodes: str = "", more: str = "") -> str:
    """Return a CIB of one node and more `nodes`; `more` stands behind the constraints."""
    return (
        f'<cib validate-with="pacemaker-3.0"><configuration><crm_config/><nodes><node id="1" uname="c0"/>{nodes}</nodes>'
        f"<resources>{resources}</resources><constraints>{constraints}</constraints>{more}</configuration><status/></cib>"
    )


def many(name: str, text: str, *options: str) -> Callable[[Path, int], list[str]]:
    """Return what writes as many files; `@` in their name and text is the number."""

    def make(folder: Path, size: int) -> list[str]:
        for i in range(size):
            path = folder / name.replace("@", str(i))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("@", str(i)), "utf-8")
        return ["check", "--no-cache", *options, "."]

    return make


Member = tuple[str, str, bool]  # of an archive: name, content or target, and whether it is a link


def archive(members: Callable[[int], Iterator[Member]]) -> Callable[[Path, int], list[str]]:
    """Return what writes an archive: name, content or target, and whether it is a link."""

    def make(folder: Path, size: int) -> list[str]:
        with tarfile.open(folder / "sosreport-c0-2020-01-01-abcdefg.tar.xz", "w:xz", preset=0) as archive:
            for name, text, link in members(size):
                member = tarfile.TarInfo(name)
                if link:
                    member.type, member.linkname = tarfile.SYMTYPE, text
                    archive.addfile(member)
                else:
                    data = text.encode()
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
        return ["audit", str(folder / "sosreport-c0-2020-01-01-abcdefg.tar.xz")]

    return make


TOP = "sosreport-c0-2020/"
REPORT: tuple[Member, ...] = (
    (f"{TOP}version.txt", "sosreport: 3.3\n", False),
    (f"{TOP}etc/hostname", "c0\n", False),
    (f"{TOP}sos_commands/general/hostname", "c0\n", False),
    (f"{TOP}usr/lib/systemd/system/{UNIT}", "[Service]\nExecStart=/x\n", False),
)


def report_with(name: str, text: Callable[[int], str]) -> Callable[[Path, int], list[str]]:
    """Return what writes a report with one more file, below its top folder."""

    def members(size: int) -> Iterator[Member]:
        yield from REPORT
        yield TOP + name, text(size), False

    return archive(members)
