"""Archives for tests, made byte by byte: the same ones each time, and such as no archiver would write."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Union

import pytest

from lwlint.files.archive import Archive, Limits, read_archive

BLOCK = 512
END = bytes(2 * BLOCK)
Content = Union[bytes, str, Mapping[str, str]]

TOP = "sosreport-controller-0-2016-11-23-abcdefg/"
REPORT: dict[str, Content] = {
    "version.txt": "sosreport: 3.4\n",
    "etc/nova/nova.conf": "[database]\nmax_retries = 10\n" * 40,
    "etc/systemd/system/openstack-nova-api.service": {"link": "/dev/null"},
    "usr/lib/systemd/system/openstack-nova-api.service": "[Service]\nExecStart=/usr/bin/nova-api\n",
    "var/lib/pacemaker/cib/cib.xml": '<cib epoch="5"><configuration/></cib>\n',
    "var/log/messages": "much ado about nothing\n" * 3000,
    "empty": "",
    "lib": {"link": "usr/lib"},
    "nothing here/" + "long-" * 40 + "name": b"\x00\xff" * 700,
}


class Everything:
    """Wants every member."""

    def member(self, path: str) -> bool:
        return True

    def below(self, folder: str) -> bool:
        return True


@dataclass(frozen=True)
class Only:
    """Wants the members at these paths, and links in the place of folders."""

    paths: frozenset[str]

    def member(self, path: str) -> bool:
        return path in self.paths

    def below(self, folder: str) -> bool:
        return any(path.startswith(f"{folder}/" if folder else "") for path in self.paths)


def only(*paths: str) -> Only:
    return Only(frozenset(paths))


def header(name: bytes, size: int = 0, flag: bytes = b"0", target: bytes = b"", **fields: bytes) -> bytes:
    """Return a ustar header; `fields` set the bytes of other fields: `size_field`, `prefix`, `magic`, `checksum`."""
    block = bytearray(BLOCK)
    block[0 : len(name)] = name
    block[100:124] = b"0000644\x000000000\x000000000\x00"
    block[124:136] = fields.get("size_field", b"%011o\0" % size)
    block[136:148] = b"13015441270\0"
    block[148:156] = b" " * 8
    block[156:157] = flag
    block[157 : 157 + len(target)] = target
    block[257:265] = fields.get("magic", b"ustar\x0000")
    prefix = fields.get("prefix", b"")
    block[345 : 345 + len(prefix)] = prefix
    block[148:156] = fields.get("checksum", b"%06o\0 " % sum(block))
    return bytes(block)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def member(name: bytes, data: bytes = b"", flag: bytes = b"0", target: bytes = b"", **fields: bytes) -> bytes:
    """Return a header and the data behind it."""
    return header(name, len(data), flag, target, **fields) + padded(data)


def pax(**records: bytes) -> bytes:
    """Return a pax header for the member that follows."""
    return member(b"PaxHeaders/x", b"".join(record(key.encode(), value) for key, value in records.items()), b"x")


def record(key: bytes, value: bytes) -> bytes:
    length = len(key) + len(value) + 3
    while len(b"%d" % length) + len(key) + len(value) + 3 != length:
        length = len(b"%d" % length) + len(key) + len(value) + 3
    return b"%d %s=%s\n" % (length, key, value)


def tar(files: Mapping[str, Content], form: int = tarfile.GNU_FORMAT, top: str = "") -> bytes:
    """Return an archive of `files` as Python's own archiver writes it."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(top + path)
            if isinstance(content, Mapping):
                info.type, info.linkname = tarfile.SYMTYPE, content["link"]
                archive.addfile(info)
                continue
            data = content.encode() if isinstance(content, str) else content
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return sink.getvalue()


def _zstd(data: bytes) -> bytes:
    zstd = pytest.importorskip("backports.zstd", reason="THE PACKAGE backports.zstd IS MISSING: .tar.zst is not tested")
    packed: bytes = zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})
    return packed


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "tar": lambda data: data,
    "tar.xz": lambda data: lzma.compress(data, preset=1),
    "tar.gz": lambda data: gzip.compress(data, 6, mtime=0),
    "tar.bz2": bz2.compress,
    "tar.zst": _zstd,
}


def read(data: bytes, wanted: Everything | Only | None = None, **limits: object) -> Archive:
    """Return what lwlint reads of the archive `data`, which is called `a.tar`."""
    return read_archive(lambda: io.BytesIO(data), "a.tar", wanted or Everything(), limits=Limits(**limits))  # type: ignore[arg-type]


def contents(archive: Archive) -> dict[str, Content]:
    """Return every file and link of the tree by path."""
    found: dict[str, Content] = {}
    todo = [""]
    while todo:
        folder = todo.pop()
        for name in archive.tree.names(folder):
            path = f"{folder}/{name}".lstrip("/")
            kind = archive.tree.kind(path)
            if kind == "folder":
                todo.append(path)
            else:
                found[path] = {"link": archive.tree.target(path)} if kind == "link" else archive.tree.read(path)
    return found


def as_bytes(files: Mapping[str, Content], top: str = "") -> dict[str, Content]:
    return {top + path: content.encode() if isinstance(content, str) else content for path, content in files.items()}


def troubles(archive: Archive) -> list[str]:
    """Return the complaints, each as `path: message`."""
    return [f"{trouble.name}: {trouble.message}" for trouble in archive.troubles]
