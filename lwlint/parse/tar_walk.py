"""A tar archive read once from its start: one member after the other, with what is wrong on the way.

Behaves as GNU tar 1.34 does: a damaged header is passed over to the next good one, an archive ends at an empty block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Union

from lwlint.named import NamedTuple
from lwlint.parse import tar_header as headers
from lwlint.parse.archive_stream import Cursor, CursorStream, Damage, Stream
from lwlint.parse.tar_header import BLOCK, Header

FILE, FOLDER, LINK, HARD, DEVICE, PIPE = "file", "folder", "link", "hard", "device", "pipe"
_TYPES = {
    headers.HARD: HARD, headers.SYMBOLIC: LINK, headers.FOLDER: FOLDER,
    headers.CHARACTER: DEVICE, headers.DEVICE: DEVICE, headers.FIFO: PIPE,
}  # fmt: skip
_LONGEST_NAME = 64 * 1024
_LONGEST_PAX = 1024 * 1024
_SEARCHED = 256 * BLOCK


class Member(NamedTuple):
    """One member. `name` and `target` are as written; `sparse` tells that the data is not the content of the file."""

    name: str
    type: str
    size: int
    target: str
    sparse: bool = False


Complain = Callable[[str, str, bool], None]
"""Is told the name of a member (empty: the archive), what is wrong as a predicate, and whether the reading ends there."""


class Tar:
    """The members of a stream, each to be looked at before the next is asked for."""

    def __init__(self, stream: Stream, complain: Complain) -> None:
        self._cursor = Cursor(stream)
        self._complain = complain
        self._end = 0
        self._name = ""
        self._globals: dict[bytes, bytes] = {}
        self.whole = False
        self._over = False

    def __iter__(self) -> Iterator[Member]:
        """Yield each member; ends, after a word to `complain`, where no more can be read."""
        try:
            yield from self._members()
            while not self._over and self._cursor.some(1 << 30):
                pass  # the checksum of packed data stands at its end
        except Damage as damage:
            self._break(damage)

    def _break(self, damage: Damage) -> None:
        self.whole, self._over = False, True
        self._complain("", f"{damage}{f' (in `{self._name}`)' if self._cursor.offset < self._end else ''}", True)

    def content(self, size: int) -> bytes | None:
        """Return the bytes of the present member, which has `size` of them; None, after a complaint, where they are not all there."""
        try:
            data = self._cursor.take(size)
        except Damage as damage:
            self._break(damage)
            return None
        if len(data) == size:
            return data
        self._over = True
        self._complain("", f"ends in the middle of `{self._name}`; it was cut short", True)
        return None

    def stream(self, size: int) -> CursorStream:
        """Return the bytes of the present member, which has `size` of them, as a stream."""
        return CursorStream(self._cursor, size)

    def _members(self) -> Iterator[Member]:
        records: dict[bytes, bytes] = {}
        names: dict[bytes, bytes] = {}
        number = 0
        while True:
            header = self._header(number)
            number += 1
            if header is None:
                return
            if header.flag in (headers.PAX, headers.PAX_SOLARIS, headers.PAX_GLOBAL):
                found = self._records(header)
                (self._globals if header.flag == headers.PAX_GLOBAL else records).update(found)
            elif header.flag in (headers.LONG_NAME, headers.LONG_LINK):
                names[header.flag] = self._long(header)
            else:
                member = self._member(header, names, {**self._globals, **records} if self._globals else records)
                if member is not None:
                    yield member
                records, names = {}, {}
                if self._over or not self._pass(self._end - self._cursor.offset):
                    return

    def _header(self, number: int) -> Header | None:
        """Return the next header that can be believed; None at the end of the archive."""
        while True:
            block = self._cursor.take(BLOCK)
            if not block or block == headers.EMPTY:
                self._at_end(block)
                return None
            if len(block) < BLOCK:
                where = (
                    f"{len(block)} bytes after the last member" if number else "its first: it is no tar archive, or next to nothing of one"
                )
                self._complain("", f"ends in the middle of a header, {where}", True)
                return None
            header: Union[Header, str] = headers.decode(block) if headers.is_header(block) else "has a damaged header (wrong checksum)"
            if isinstance(header, Header):
                return header
            if not self._found_next(header, first=not number):
                return None

    def _at_end(self, block: bytes) -> None:
        self.whole = bool(block)
        if not block:
            self._complain("", "ends without the empty blocks that end an archive; it may have been cut short", False)

    def _found_next(self, because: str, *, first: bool) -> bool:
        """Move on to the next good header after a bad one; return False where there is none, near the `first` one or at all."""
        start = self._cursor.offset - BLOCK
        self._name = ""
        while True:
            piece = self._cursor.take(_SEARCHED)
            at = piece.find(b"ustar", 257)
            while at >= 0:
                block = at - 257
                if block % BLOCK == 0 and headers.is_likely(piece[block : block + BLOCK]):
                    self._cursor.put_back(piece[block:])
                    self._complain("", f"{because} at byte {start}; {self._cursor.offset - start} bytes were passed over", False)
                    return True
                at = piece.find(b"ustar", at + 1)
            if len(piece) < _SEARCHED or first:
                self._complain("", "holds no tar archive" if first else f"{because} at byte {start}, and no good one after it", True)
                return False

    def _records(self, header: Header) -> dict[bytes, bytes]:
        found = headers.pax_records(self._small(header, _LONGEST_PAX, "a pax header"))
        if isinstance(found, dict):
            return found
        self._complain(headers.text(header.name), found, False)
        return {}

    def _long(self, header: Header) -> bytes:
        return self._small(header, _LONGEST_NAME, "a name").split(b"\0", 1)[0]

    def _small(self, header: Header, most: int, what: str) -> bytes:
        """Return the data of a header that only completes the next one; empty where it is too long to be one."""
        padded = header.size + -header.size % BLOCK
        self._end, self._name = self._cursor.offset + padded, headers.text(header.name)
        if header.size > most:
            self._complain(self._name, f"has {what} of {header.size} bytes; the limit is {most}", False)
            self._pass(padded)
            return b""
        data = self._cursor.take(padded)
        if len(data) < padded:
            raise Damage(f"ends in the middle of {what}")
        return data[: header.size]

    def _member(self, header: Header, names: dict[bytes, bytes], records: dict[bytes, bytes]) -> Member | None:
        name = records.get(b"path") or names.get(headers.LONG_NAME) or header.name
        size: Union[int, str, None] = header.size
        sparse = header.flag == headers.SPARSE
        if records:
            told = headers.pax_size(records)
            size = header.size if told is None else told
            if headers.is_sparse(records):
                sparse, name = True, records.get(b"GNU.sparse.name", name)
        self._name = headers.text(name)
        if not isinstance(size, int):
            self._complain(self._name, f"{size}", False)
            size = header.size
        more = header.more_sparse
        while more:
            block = self._cursor.take(BLOCK)
            more = len(block) == BLOCK and block[504] == 1
        type_ = _TYPES.get(header.flag, FILE)
        if name.endswith(b"/") and type_ == FILE:
            type_ = FOLDER
        length = 0 if header.flag in headers.WITHOUT_DATA else size
        self._end = self._cursor.offset + length + -length % BLOCK
        if header.flag in (headers.VOLUME, headers.CONTINUED):
            return None
        target = records.get(b"linkpath") or names.get(headers.LONG_LINK) or header.target
        return Member(self._name, type_, length, headers.text(target), sparse)

    def _pass(self, count: int) -> bool:
        """Move on by `count` bytes; return False, after a complaint, where the archive ends before."""
        if count <= 0 or self._cursor.skip(count) == count:
            return True
        # the padding of the last member is often left out by those who end archives without empty blocks
        self._complain("", f"ends in the middle of `{self._name}`; it was cut short", True)
        return False
