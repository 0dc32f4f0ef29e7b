"""The disk as a process knows it that looks at one folder again and again: only what has changed is read anew."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from lwlint.files.tree import FILE, FOLDER, Boundary, Confined

_SETTLED = 3_000_000_000  # nanoseconds after which a file system tells a second change of a file from the first; FAT counts in 2 seconds


class Stamp(NamedTuple):
    """What tells one state of a file from another without reading it."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int


Bytes = dict[tuple[str, int], tuple[Stamp, bytes]]


class Remembered(Confined):
    """The file system inside a boundary, in one run: each path is looked at once, and no file is read that is as it was in the last run.

    `bytes` is what this run has read and may be given to the next one.
    """

    def __init__(self, boundary: Boundary, before: Bytes) -> None:
        super().__init__(boundary)
        self._before = before
        self._kinds: dict[str, str | None] = {}
        self._real_kinds: dict[str, str | None] = {}
        self._stamps: dict[str, Stamp] = {}
        self._started = time.time_ns()
        self.bytes: Bytes = {}

    def kind(self, path: str) -> str | None:
        if path not in self._kinds:
            self._kinds[path] = super().kind(path)
        return self._kinds[path]

    def real_kind(self, path: str) -> str | None:
        if path not in self._real_kinds:
            itself = self.kind(path)
            self._real_kinds[path] = itself if itself in (FILE, FOLDER) else super().real_kind(path)
        return self._real_kinds[path]

    def size(self, path: str) -> int:
        return self._stamp(path).size if self.kind(path) == FILE else super().size(path)

    def read(self, path: str, most: int = -1) -> bytes:
        if self.kind(path) != FILE:
            return super().read(path, most)
        stamp = self._stamp(path)
        key = (path, most)
        known = self._before.get(key)
        if known is None or known[0] != stamp:
            known = stamp, super().read(path, most)
        if max(stamp.modified, stamp.changed) < self._started - _SETTLED:
            self.bytes[key] = known
        return known[1]

    def status(self, path: str) -> os.stat_result:
        found = super().status(path)
        self._stamps[path] = Stamp(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        return found

    def _stamp(self, path: str) -> Stamp:
        return self._stamps[path]
