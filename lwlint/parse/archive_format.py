"""What an archive is, by its first bytes, as its name may say anything."""

from __future__ import annotations

import re

XZ, GZIP, BZIP2, ZSTD = "xz", "gzip", "bzip2", "zstd"
HEAD = 512  # bytes that `of` wants to see

_MAGIC = (
    (XZ, re.compile(rb"\xfd7zXZ\0")),
    (GZIP, re.compile(rb"\x1f\x8b")),
    (BZIP2, re.compile(rb"BZh[1-9]")),
    (ZSTD, re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")),
)
# RFC 4880, 4.2 and 4.3: encrypted session keys, encrypted data, a marker, in both forms of the packet's tag
_REFUSED = (
    (re.compile(rb"-----BEGIN PGP"), "is encrypted with GnuPG (or signed in its format)"),
    (re.compile(rb"[\x84-\x86\x8c-\x8e\xa4-\xa6\xa8\xa9\xc1\xc3\xc9\xca\xd2\xd4]"), "is encrypted with GnuPG"),
    (re.compile(rb"Salted__"), "is encrypted with openssl"),
    (re.compile(rb"U2FsdGVkX1"), "is encrypted with openssl, in base64"),
    (re.compile(rb"age-encryption\.org/|-----BEGIN AGE"), "is encrypted with age"),
    (re.compile(rb"PK[\x03\x05]"), "is a zip archive"),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), "is a 7z archive"),
    (re.compile(rb"Rar!"), "is a rar archive"),
    (re.compile(rb"\x5d\0\0.{2}", re.DOTALL), "is an lzma archive of the kind before xz"),
    (re.compile(rb"07070[127]|\xc7\x71|\x71\xc7"), "is a cpio archive"),
    (re.compile(rb"\xed\xab\xee\xdb"), "is an rpm package"),
    (re.compile(rb"!<arch>"), "is a Debian package, or another ar archive"),
)
_NAME = re.compile(r"\.(tar(\.(xz|gz|bz2|zst))?|t[xgb]z|tbz2|tzst)(\.(gpg|asc|pgp|enc|age|openssl))?$")
_REPORT = re.compile(r"/(crm|hb)_report[^/]*$")  # a cluster's own report, which some versions of sos take as it is
# where a host's own tree of files begins; reports often lie in /var/tmp
HOST = re.compile(
    r"(?:^|/)(?=(?:bin|boot|dev|etc|lib|lib64|proc|run|sbin|sos_(?:commands|logs|reports|strings)|sys|usr|var(?!/tmp(?:/|$)))(?:/|$))"
)


def of(head: bytes) -> str | None:
    """Return the compression whose data begins with `head`; None for data that is not compressed, or not in a known way."""
    return next((name for name, magic in _MAGIC if magic.match(head)), None)


def refusal(head: bytes) -> str:
    """Return what data that begins with `head` is, and cannot be read; an empty string where nothing is known of it."""
    if len(head) >= 262 and head[257:262] == b"ustar":
        return ""
    return next((words for magic, words in _REFUSED if magic.match(head)), "")


def starts(name: str, data: bytes) -> bool:
    """Return whether `data` begins as data of the compression `name` does."""
    return any(known == name and magic.match(data) for known, magic in _MAGIC)


def is_inner(path: str) -> bool:
    """Return whether the member at `path` is an archive to be opened too: one beside the hosts' files, not one of a host's own."""
    return bool(_NAME.search(path)) and (not HOST.search(path) or bool(_REPORT.search(path)))
