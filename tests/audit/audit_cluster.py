"""Reports of three controllers for tests of `lwlint audit`, made from the trees in `fixtures/`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Union

from tests.files.archive_builder import PACKERS, Content, tar
from tests.shared import HERE

NODES = ("overcloud-controller-0", "overcloud-controller-1", "overcloud-controller-2")
CIB = "var/lib/pacemaker/cib/cib.xml"
Files = dict[str, Content]
Changes = Mapping[str, Union[Content, None]]


def files_of(base: Path) -> Files:
    """Return every file and link below a folder, sorted by path; links are not followed."""
    files: Files = {}
    for folder, folders, names in os.walk(base):
        for name in (*names, *(n for n in folders if os.path.islink(os.path.join(folder, n)))):
            path = Path(folder, name)
            files[path.relative_to(base).as_posix()] = {"link": os.readlink(path)} if path.is_symlink() else path.read_bytes()
    return dict(sorted(files.items()))


def host(fixture: str, node: str, changes: Changes | None = None, day: str = "2016-11-23") -> Files:
    """Return the files of one report: those of a fixture's host; `changes` puts other ones in their place (None: none)."""
    base = HERE / "fixtures" / fixture
    files = {path: content for path, content in files_of(base).items() if path.partition("/")[0] in ("etc", "usr", "run", "var")}
    year, month, date = day.split("-")
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    files["version.txt"] = "sosreport: 3.6\n"
    files["sos_commands/host/hostname"] = f"{node}\n"
    files["sos_commands/date/date"] = f"Wed {months[int(month) - 1]} {int(date)} 04:05:06 UTC {year}\n"
    for path, content in (changes or {}).items():
        if content is None:
            files.pop(path)
        else:
            files[path] = content
    return files


def top(node: str, day: str = "2016-11-23") -> str:
    """Return the one folder at the top of a report."""
    return f"sosreport-{node}-{day}-abcdefg/"


def packed(files: Files, node: str, packing: str = "tar.gz", day: str = "2016-11-23") -> bytes:
    return PACKERS[packing](tar(files, top=top(node, day)))


def write(folder: Path, fixture: str, changes: Mapping[str, Changes] | None = None, packing: str = "tar.gz") -> list[str]:
    """Write an archive for each controller to `folder`, and return their paths; `changes` are by node."""
    paths = []
    for node in NODES:
        path = folder / f"{top(node)[:-1]}.{packing}"
        path.write_bytes(packed(host(fixture, node, (changes or {}).get(node)), node, packing))
        paths.append(str(path))
    return paths


def unpack(folder: Path, files: Files, node: str) -> str:
    """Write a report as a folder, and return its path."""
    base = folder / top(node)
    for inside, content in files.items():
        path = base / inside
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Mapping):
            path.symlink_to(content["link"])
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(base)


def replaced(fixture: str, path: str, old: str, new: str) -> str:
    """Return the text of a fixture's file with `old` replaced."""
    text = (HERE / "fixtures" / fixture / path).read_text("utf-8")
    assert old in text
    return text.replace(old, new)
