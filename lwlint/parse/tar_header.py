"""One header of a tar archive, and the pax records that complete it: ustar, pax, GNU and the format of Unix V7.

Sources: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header Block"; GNU tar 1.34 manual, "Basic Tar Format".
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Union

from lwlint.named import NamedTuple

BLOCK = 512
EMPTY = bytes(BLOCK)
LARGEST = 1 << 42  # bytes; a member that says it has more is not believed

# type flags
HARD, SYMBOLIC, CHARACTER, DEVICE, FOLDER, FIFO = b"1", b"2", b"3", b"4", b"5", b"6"
PAX, PAX_SOLARIS, PAX_GLOBAL, LONG_NAME, LONG_LINK, SPARSE, VOLUME, CONTINUED = b"x", b"X", b"g", b"L", b"K", b"S", b"V", b"M"
WITHOUT_DATA = (HARD, SYMBOLIC, CHARACTER, DEVICE, FOLDER, FIFO)
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
            return f"has the size `{_shown(field)}`, which is no octal number"
    if not 0 <= size <= LARGEST:
        return f"has the size {size}; it must be from 0 to {LARGEST}"
    target = block[157:257].split(b"\0", 1)[0] if block[157] else b""
    return Header(name, block[156:157], size, target, block[156:157] == SPARSE and block[482] == 1)


def _shown(field: bytes) -> str:
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
        return f"has the size `{_shown(told[:40])}`; it must be a number from 0 to {LARGEST}"
    return int(told)


def is_sparse(records: Mapping[bytes, bytes]) -> bool:
    """Return whether the records say that the member's data is a map and pieces of it."""
    return any(keyword.startswith(b"GNU.sparse.") for keyword in records)
