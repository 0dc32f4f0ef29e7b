"""What lies in a folder beside reports: archives of reports, whatever their names, and CIBs by themselves."""

from __future__ import annotations

import importlib
import os
import posixpath
import re
import zlib
from collections.abc import Collection, Iterator
from types import MappingProxyType

from lwlint.assemble.sos_search import names
from lwlint.parse import archive_format as formats
from lwlint.tree import Disk

_DEEPEST = 3  # folders below the one that was named
_OF_A_CASE = re.compile(r"sos[_-]?(?:report|collector)|(?:crm|hb)_report", re.IGNORECASE)
_MAY_BE_CIB = re.compile(r"cib|\.xml\.|^pe-", re.IGNORECASE)
_PACKED = MappingProxyType({formats.BZIP2: "bz2", formats.GZIP: "gzip"})
_OTHER = re.compile(r"\.(?:zip|7z|rar)$", re.IGNORECASE)  # not opened, and said so


def loose(folder: str, reports: Collection[str], depth: int = 0) -> Iterator[str]:
    """Yield the paths of archives and CIBs in the folder, or a few folders below it, and not in one of the `reports`.

    A link in the folder that leads to one elsewhere is yielded too.
    """
    if folder in reports:
        return
    for name in names(Disk(), folder):
        path = posixpath.normpath(posixpath.join(folder, name))
        if os.path.isfile(path):
            if formats.is_inner(name) or _is_either(path, name):
                yield path
        elif not os.path.isdir(path) or formats.HOST.search(name):
            continue
        elif os.path.islink(path):
            if not depth and not _is_within(path, folder) and not _is_within(folder, path):
                yield path
        elif depth < _DEEPEST:
            yield from loose(path, reports, depth + 1)


def _is_within(path: str, folder: str) -> bool:
    real = os.path.realpath(folder)
    return (os.path.realpath(path) + "/").startswith(real.rstrip("/") + "/")


def _is_either(path: str, name: str) -> bool:
    """Return whether a file is an archive or a CIB by what it begins with. What any archive may hold must be called a report, too."""
    try:
        with open(path, "rb") as file:
            head = file.read(formats.HEAD)
    except OSError:
        return _OF_A_CASE.search(name) is not None  # whoever reads it says so
    if starts_xml(head):
        return b"<cib" in head
    if head[257:262] == b"ustar":
        return True
    known = bool(formats.of(head) or formats.refusal(head))
    return known and bool(_OF_A_CASE.search(name) or _OTHER.search(name))


def packed_cib(path: str, most: int) -> bytes:
    """Return a CIB that lies packed at `path`, as Pacemaker keeps them (`pe-input-7.bz2`), `most` bytes of it; empty for anything else."""
    try:
        with open(path, "rb") as file:
            packing = formats.of(file.read(formats.HEAD))
        module = _PACKED.get(packing or "") if _MAY_BE_CIB.search(posixpath.basename(path)) else None
        if module is None:
            return b""
        with importlib.import_module(module).open(path, "rb") as unpacked:
            data: bytes = unpacked.read(formats.HEAD)
            return data + unpacked.read(most) if starts_xml(data) and b"<cib" in data else b""
    except (OSError, EOFError, ValueError, ImportError, zlib.error):
        return b""  # whoever opens it as an archive says what is wrong with it


def starts_xml(head: bytes) -> bool:
    """Return whether a file that begins so is XML, and no archive."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
