"""Reports of SUSE's supportconfig, shown as a report of sos: each part of `ha.txt` in the file that sos would have it in.

Blank lines stand for what else `ha.txt` holds, so that a line has the number that it has there.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from lwlint.files.tree import FILE, FOLDER, Overlay, Tree
from lwlint.inputs.pacemaker.supportconfig import Part, is_supportconfig, only, parts

CLUSTER = "ha.txt"
_HOST = "basic-environment.txt"
_MOST = 64_000_000  # bytes of one file
_DEEPEST = 4
_CIB = re.compile(r"/var/lib/(?:pacemaker/cib|heartbeat/crm)/cib\.xml")
_UNAME = re.compile(r"Linux (?P<name>\S+) ")


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
    return {path: only(text, part).encode() for path, part in _named(text).items()} if is_supportconfig(text[:2000]) else {}


def _folders(tree: Tree, folder: str, depth: int) -> Iterator[str]:
    try:
        names = tree.names(folder or ".")
    except OSError:
        return
    below = f"{folder}/" if folder not in ("", ".") else ""
    if CLUSTER in names:
        yield folder
        return
    for name in names if depth < _DEEPEST else ():
        if tree.kind(below + name) == FOLDER:
            yield from _folders(tree, below + name, depth + 1)


def _files(tree: Tree, below: str) -> Mapping[str, bytes]:
    try:
        found = as_sos(tree.read(below + CLUSTER, _MOST))
        if found and tree.real_kind(below + _HOST) == FILE:
            found.update(_of_host(tree.read(below + _HOST, _MOST).decode("utf-8", "replace")))
    except OSError:
        return {}
    return found


def _named(text: str) -> dict[str, Part]:
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
        elif _CIB.fullmatch(part.what):
            path = "var/lib/pacemaker/cib/cib.xml"
        elif part.what == "/etc/corosync/corosync.conf":
            path = part.what[1:]
        else:
            continue
        found.setdefault(path, part)
    return found


def _of_host(text: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files that name the host and tell when the report was made."""
    for part in parts(text) if is_supportconfig(text[:2000]) else ():
        words = text[part.start : part.end].strip()
        named = _UNAME.match(words) if part.what == "uname -a" else None
        if named is not None:
            yield "hostname", named["name"].encode()
        elif part.what == "date":
            yield "date", words.encode()
        elif part.what == "/etc/os-release":
            yield posixpath.join("etc", "os-release"), only(text, part).encode()
