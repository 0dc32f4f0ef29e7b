"""One archive, read: a head that tells whose reports are in it, and its wanted members, packed. Both are kept under one key."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from hashlib import blake2b

from msgspec import Struct
from msgspec.structs import replace

from lwlint import __version__
from lwlint.audit.clusters import Identity, Seat, seats
from lwlint.audit.report_layout import Capture
from lwlint.audit.targets import Target, targets
from lwlint.core.facts import Unreadable
from lwlint.core.finding import ConfigurationError
from lwlint.core.secret import masked
from lwlint.files.archive.tree import Members
from lwlint.files.tree import Memory, Tree, walk
from lwlint.fleet.codec import packed, unpacked
from lwlint.fleet.sources import Listed

FORMAT = 2  # of what is kept; another number is another key
JUDGED, DAMAGED, FAILED = "judged", "damaged", "failed"
NOTHING = "nothing to judge in it"
_PASSING = re.compile(r"\bcannot be (?:read|looked at) \(|\bwas not read\b|\bmay not be read\b|\bwas not found\b|by a defect of lwlint")


_PASSED_OVER = re.compile(r"\bdamaged header\b")


class Head(Struct, frozen=True):
    """What is known of one archive: where it lies and, if it was read, whose reports are in it and what was wrong.

    `key` is what its reading is kept under, empty if it is not kept. `because` says why it failed; empty if it did not.
    """

    url: str
    folder: str
    size: int
    key: str = ""
    kind: str = ""
    path: str = ""
    captures: tuple[Capture, ...] = ()
    identities: tuple[Identity, ...] = ()
    troubles: tuple[Unreadable, ...] = ()
    members: int = 0
    kept: int = 0
    because: str = ""
    defect: str = ""

    @property
    def state(self) -> str:
        """JUDGED, DAMAGED (what was read still counts) or FAILED."""
        if self.because:
            return FAILED
        return DAMAGED if any(map(_is_damage, self.troubles)) else JUDGED

    @property
    def why(self) -> str:
        """Why the archive is damaged, or failed; empty if neither."""
        return self.because or next((told(one) for one in self.troubles if _is_damage(one)), "")

    def slim(self) -> Head:
        """Return the head without what only judging needs: a run holds those of all its archives."""
        return replace(self, captures=tuple(replace(one, evidence=(), missing=()) for one in self.captures))

    def target(self, tree: Tree) -> Target:
        """Return the target that the archive is to an audit, with what was read of it in `tree`."""
        return Target(self.path, self.kind, tree, self.captures, self.troubles, self.defect)

    def seats(self) -> list[Seat]:
        """Return the reports in the archive, with the cluster that each is of, and nothing of what they hold."""
        target = self.target(Memory({}))
        return [Seat(target, capture, identity) for capture, identity in zip(self.captures, self.identities)]


def _is_damage(trouble: Unreadable) -> bool:
    """Return whether something of an archive is lost: it ends there, or what a damaged header tells of was passed over."""
    return trouble.fatal or bool(_PASSED_OVER.search(trouble.message))


def told(trouble: Unreadable) -> str:
    """Return what was wrong, with its place in the archive."""
    return ": ".join(masked(part) for part in (trouble.span.path, trouble.message) if part)


def key_of(one: Listed) -> str:
    """Return what an archive's reading is kept under, which is another one whenever its bytes or lwlint are."""
    return blake2b(repr((FORMAT, __version__, one.url, one.token)).encode("utf-8", "surrogateescape"), digest_size=20).hexdigest()


def failed(one: Listed, because: str, defect: str = "") -> Head:
    """Return the head of an archive that was not read."""
    return Head(one.shown, one.folder, one.size, because=because, defect=defect)


def read(one: Listed) -> tuple[Head, bytes]:
    """Return what an audit of this archive alone reads: the head, and the packed members; a head without a key is not to be kept."""
    try:
        (target,) = targets([one.url], [])
    except ConfigurationError as error:
        return failed(one, re.sub(r"^`[^`]*`: ", "", str(error))), b""
    except ValueError:
        return failed(one, "is a folder; fleets are of archives"), b""
    words = [told(trouble) for trouble in target.troubles]
    passing = target.trace or any(_PASSING.search(word) for word in words)
    because = "" if target.captures else "; ".join([NOTHING, *words[:1]])
    entries = list(_entries(target.tree)) if target.captures else []
    body = packed(entries)
    key = key_of(one)
    if passing:  # what was read counts, and the next run reads it anew: this key is not the one that it looks for
        key = f"{key}-{blake2b(body, digest_size=6).hexdigest()}" if target.captures else ""
    head = Head(
        url=one.shown,
        folder=one.folder,
        size=one.size or _size(one.url),
        key=key,
        kind=target.kind,
        path=target.path,
        captures=target.captures,
        identities=tuple(seat.identity for seat in seats([target])),
        troubles=target.troubles,
        members=len(entries),
        kept=sum(len(data) for _, _, data in entries),
        because=because,
        defect=target.trace,
    )
    return head, body


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


Entry = tuple[bytes, bool, bytes]
"""A member: its path, whether it is a link, and its bytes or the link's target."""


def _entries(tree: Tree) -> Iterator[Entry]:
    if isinstance(tree, Members):
        for path, node in tree.entries():
            link = isinstance(node, str)
            yield _bytes(path), link, _bytes(node)
    else:  # a CIB by itself
        for path in walk(tree, "", lambda path, error: None):
            yield _bytes(path), False, tree.read(path)


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


MOST = 1 << 16  # bytes in front of a reading that hold most heads whole


def tree_of(body: bytes) -> Members:
    """Return the members of an archive as they were when it was read. Raises ValueError for bytes that hold none."""
    tree = Members()
    for path, link, data in unpacked(body, list[Entry]):
        name = posixpath.normpath(path.decode("utf-8", "surrogateescape"))
        if link:
            tree.add_link(name, data.decode("utf-8", "surrogateescape"))
        else:
            tree.add(name, data)
    return tree
