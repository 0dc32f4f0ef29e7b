"""A tar archive read once from its start: one member after the other, with what is wrong on the way.

Behaves as GNU tar 1.34 does: a damaged header is passed over to the next good one, an archive ends at an empty block.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Union

from lwlint.files.archive.unpack import Cursor, CursorStream, Damage, Stream
from lwlint.files.tree import FILE, FOLDER, LINK

BLOCK = 512
EMPTY = bytes(BLOCK)
LARGEST = 1 << 42  # bytes; a member that says it has more is not believed

# type flags
HARD_FLAG, SYMBOLIC, CHARACTER, DEVICE_FLAG, FOLDER_FLAG, FIFO = b"1", b"2", b"3", b"4", b"5", b"6"
PAX, PAX_SOLARIS, PAX_GLOBAL, LONG_NAME, LONG_LINK, SPARSE, VOLUME, CONTINUED = b"x", b"X", b"g", b"L", b"K", b"S", b"V", b"M"
WITHOUT_DATA = (HARD_FLAG, SYMBOLIC, CHARACTER, DEVICE_FLAG, FOLDER_FLAG, FIFO)
_KNOWN = b"\x0001234567xXgLKSVMDN"


class Header(NamedTuple):
    """A header as it stands: names are bytes, and not yet those that a pax record or a long name puts in their place."""

    name: bytes
    flag: bytes
    size: int
    target: bytes
    more_sparse: bool


def is_header(block: bytes) -> bool:
    """Return whether `block` is a whole header: its checksum is right, as a sum of bytes or (some old programs) of signed ones."""
    if len(block) != BLOCK:
        return False
    field = block[148:156]
    try:
        told = int(field.replace(b"\0", b" ").split(None, 1)[0], 8)
    except (ValueError, IndexError):
        return False
    # Adler's first half is 1 + the sum of the bytes, modulo 65521; of 512 bytes the sum is less than twice that
    spaced = (zlib.adler32(block) & 0xFFFF) - 1 - sum(field) + 8 * 32
    if (spaced - told) % 65521 == 0 and told <= 255 * BLOCK:
        return True
    return told == sum(byte - 256 if byte > 127 else byte for byte in block[:148] + block[156:]) + 8 * 32


def is_likely(block: bytes) -> bool:
    """Return whether `block`, met in the middle of other data, is a header; more is asked of it than a checksum."""
    return block[257:262] == b"ustar" and block[156] in _KNOWN and block[0] != 0 and is_header(block)


def decode(block: bytes) -> Union[Header, str]:
    """Return what the header says, or, as a predicate, why it cannot be believed."""
    name = block[:100].split(b"\0", 1)[0]
    if block[257:263] == b"ustar\0" and block[345]:
        name = block[345:500].split(b"\0", 1)[0] + b"/" + name
    field = block[124:136]
    if field[0] in (0x80, 0xFF):
        size = int.from_bytes(field, "big", signed=True) if field[0] == 0xFF else int.from_bytes(field[1:], "big")
    else:
        try:
            size = int(field.strip(b"\0 ") or b"0", 8)
        except ValueError:
            return f"has the size `{_show(field)}`, which is not an octal number"
    if not 0 <= size <= LARGEST:
        return f"has the size {size}; it must be from 0 to {LARGEST}"
    target = block[157:257].split(b"\0", 1)[0] if block[157] else b""
    return Header(name, block[156:157], size, target, block[156:157] == SPARSE and block[482] == 1)


def _show(field: bytes) -> str:
    return field.decode("ascii", "backslashreplace").rstrip("\0 ")


def text(name: bytes) -> str:
    """Return a name as text; bytes that are no UTF-8 are kept as the operating system's interface keeps them."""
    return name.decode("utf-8", "surrogateescape")


def pax_records(data: bytes) -> Union[dict[bytes, bytes], str]:
    """Return the records of a pax header by their keywords, or, as a predicate, what is wrong with them."""
    records: dict[bytes, bytes] = {}
    at = 0
    while at < len(data) and data[at]:
        blank = data.find(b" ", at, at + 12)
        length = data[at:blank]
        if blank < 0 or not length.isdigit():
            return "has a pax header with a record of no length"
        end = at + int(length)
        keyword, equals, value = data[blank + 1 : end - 1].partition(b"=")
        if not equals or data[end - 1 : end] != b"\n":
            return "has a pax header with a record of a wrong length"
        records[keyword] = value
        at = end
    return records


def pax_size(records: Mapping[bytes, bytes]) -> Union[int, str, None]:
    """Return the size that the records give, None where they give none, or, as a predicate, what is wrong with it."""
    told = records.get(b"size", b"")
    if not told:
        return None
    if not told.isdigit() or len(told) > 20 or int(told) > LARGEST:
        return f"has the size `{_show(told[:40])}`; it must be a number from 0 to {LARGEST}"
    return int(told)


def is_sparse(records: Mapping[bytes, bytes]) -> bool:
    """Return whether the records say that the member's data is a map and pieces of it."""
    return any(keyword.startswith(b"GNU.sparse.") for keyword in records)


HARD, DEVICE, PIPE = "hard", "device", "pipe"  # and what is in any tree
_TYPES = {
    HARD_FLAG: HARD, SYMBOLIC: LINK, FOLDER_FLAG: FOLDER,
    CHARACTER: DEVICE, DEVICE_FLAG: DEVICE, FIFO: PIPE,
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
            if header.flag in (PAX, PAX_SOLARIS, PAX_GLOBAL):
                found = self._records(header)
                (self._globals if header.flag == PAX_GLOBAL else records).update(found)
            elif header.flag in (LONG_NAME, LONG_LINK):
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
            if not block or block == EMPTY:
                self._at_end(block)
                return None
            if len(block) < BLOCK:
                said = (
                    f"ends in the middle of a header, {len(block)} bytes after the last member"
                    if number
                    else "ends in the middle of its first header: it is not a tar archive, or only the very beginning of one"
                )
                self._complain("", said, True)
                return None
            header: Union[Header, str] = decode(block) if is_header(block) else "has a damaged header (wrong checksum)"
            if isinstance(header, Header):
                return header
            if not self._find_next(header, first=not number):
                return None

    def _at_end(self, block: bytes) -> None:
        self.whole = bool(block)
        if not block:
            self._complain("", "ends without the empty blocks that end an archive; it may have been cut short", False)

    def _find_next(self, because: str, *, first: bool) -> bool:
        """Move on to the next good header after a bad one; return False where there is none, near the `first` one or at all."""
        start = self._cursor.offset - BLOCK
        self._name = ""
        while True:
            piece = self._cursor.take(_SEARCHED)
            at = piece.find(b"ustar", 257)
            while at >= 0:
                block = at - 257
                if block % BLOCK == 0 and is_likely(piece[block : block + BLOCK]):
                    self._cursor.put_back(piece[block:])
                    self._complain("", f"{because} at byte {start}; {self._cursor.offset - start} bytes were passed over", False)
                    return True
                at = piece.find(b"ustar", at + 1)
            if len(piece) < _SEARCHED or first:
                self._complain("", "holds no tar archive" if first else f"{because} at byte {start}, and no good one after it", True)
                return False

    def _records(self, header: Header) -> dict[bytes, bytes]:
        found = pax_records(self._small(header, _LONGEST_PAX, "a pax header"))
        if isinstance(found, dict):
            return found
        self._complain(text(header.name), found, False)
        return {}

    def _long(self, header: Header) -> bytes:
        return self._small(header, _LONGEST_NAME, "a name").split(b"\0", 1)[0]

    def _small(self, header: Header, most: int, what: str) -> bytes:
        """Return the data of a header that only completes the next one; empty where it is too long to be one."""
        padded = header.size + -header.size % BLOCK
        self._end, self._name = self._cursor.offset + padded, text(header.name)
        if header.size > most:
            self._complain(self._name, f"has {what} of {header.size} bytes; the limit is {most}", False)
            self._pass(padded)
            return b""
        data = self._cursor.take(padded)
        if len(data) < padded:
            raise Damage(f"ends in the middle of {what}")
        return data[: header.size]

    def _member(self, header: Header, names: dict[bytes, bytes], records: dict[bytes, bytes]) -> Member | None:
        name = records.get(b"path") or names.get(LONG_NAME) or header.name
        size: Union[int, str, None] = header.size
        sparse = header.flag == SPARSE
        if records:
            told = pax_size(records)
            size = header.size if told is None else told
            if is_sparse(records):
                sparse, name = True, records.get(b"GNU.sparse.name", name)
        self._name = text(name)
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
        length = 0 if header.flag in WITHOUT_DATA else size
        self._end = self._cursor.offset + length + -length % BLOCK
        if header.flag in (VOLUME, CONTINUED):
            return None
        target = records.get(b"linkpath") or names.get(LONG_LINK) or header.target
        return Member(self._name, type_, length, text(target), sparse)

    def _pass(self, count: int) -> bool:
        """Move on by `count` bytes; return False, after a complaint, where the archive ends before."""
        if count <= 0 or self._cursor.skip(count) == count:
            return True
        # the padding of the last member is often left out by those who end archives without empty blocks
        self._complain("", f"ends in the middle of `{self._name}`; it was cut short", True)
        return False
