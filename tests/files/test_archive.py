"""Archives are read as tar reads them, packed in any way, one in another, and never as their names or links would like it."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile

import pytest

from lwlint.files.archive import read_archive
from tests.files.archive_builder import END, PACKERS, REPORT, TOP, Everything, as_bytes, contents, member, only, read, tar, troubles

FILE = member(b"etc/nova/nova.conf", b"[database]\n")
READ = {"etc/nova/nova.conf": b"[database]\n"}


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], ids=["ustar", "gnu", "pax"])
def test_an_archive_of_any_packing_gives_its_members(packing: str, form: int) -> None:
    files = REPORT if form != tarfile.USTAR_FORMAT else {path: c for path, c in REPORT.items() if len(path) < 200}
    archive = read(PACKERS[packing](tar(files, form, TOP)))
    assert contents(archive) == as_bytes(files, TOP)
    assert (troubles(archive), archive.whole, archive.members) == ([], True, len(files))


def test_only_wanted_members_are_kept() -> None:
    archive = read(tar(REPORT, top=TOP), only(TOP + "etc/nova/nova.conf"))
    assert contents(archive) == {TOP + "etc/nova/nova.conf": as_bytes(REPORT)["etc/nova/nova.conf"]}
    assert archive.members == len(REPORT)


def test_packed_data_in_several_runs_is_one_archive() -> None:
    data = tar(REPORT)
    for packed in (
        lzma.compress(data[:700]) + lzma.compress(data[700:]),
        lzma.compress(data[:700]) + bytes(8) + lzma.compress(data[700:]) + bytes(4),
        gzip.compress(data[:513]) + gzip.compress(b"") + gzip.compress(data[513:]),
        PACKERS["tar.bz2"](data[:1]) + PACKERS["tar.bz2"](data[1:]),
        PACKERS["tar.zst"](data[:1]) + b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip" + PACKERS["tar.zst"](data[1:]),
    ):
        archive = read(packed)
        assert contents(archive) == as_bytes(REPORT)
        assert troubles(archive) == []


@pytest.mark.parametrize("packing", ["tar.xz", "tar.gz", "tar.bz2", "tar.zst"])
def test_data_behind_packed_data_is_told_and_changes_nothing(packing: str) -> None:
    archive = read(PACKERS[packing](tar(REPORT)) + b"trailing junk")
    assert contents(archive) == as_bytes(REPORT)
    assert troubles(archive) == [f"a.tar: has other data behind its {packing_name(packing)} data; it is not read"]


def packing_name(suffix: str) -> str:
    return {"tar.xz": "xz", "tar.gz": "gzip", "tar.bz2": "bzip2", "tar.zst": "zstd"}[suffix]


def test_an_archive_without_empty_blocks_at_its_end_is_read_and_said_to_be_open() -> None:
    archive = read(FILE)
    assert contents(archive) == READ
    assert troubles(archive) == ["a.tar: ends without the empty blocks that end an archive; it may have been cut short"]


def test_one_empty_block_ends_an_archive_as_it_does_for_tar() -> None:
    archive = read(FILE + END[:512] + member(b"more", b"x") + END)
    assert contents(archive) == READ
    assert (troubles(archive), archive.whole) == ([], True)


def test_archives_in_archives_become_folders_three_archives_deep() -> None:
    inner = PACKERS["tar.xz"](tar(REPORT, top=TOP))
    collector = PACKERS["tar.gz"](tar({"sos-collector/sosreport-a.tar.xz": inner, "sos-collector/sosreport-a.tar.xz.md5": "0"}))
    case = tar({"0001/0010-collector.tar.gz": collector, "notes.txt": "x"})
    place = "0001/0010-collector.tar.gz/sos-collector/sosreport-a.tar.xz/"
    archive = read(case, only(place + TOP + "etc/nova/nova.conf"))
    assert contents(archive) == {place + TOP + "etc/nova/nova.conf": as_bytes(REPORT)["etc/nova/nova.conf"]}
    assert (troubles(archive), archive.whole) == ([], True)
    deeper = read(tar({"bundle.tar": case}), only("nothing"))
    place = "bundle.tar/0001/0010-collector.tar.gz/sos-collector/sosreport-a.tar.xz"
    assert troubles(deeper) == [f"{place}: is an archive in 3 archives; it is not opened"]


def test_an_archive_of_a_hosts_own_is_no_report() -> None:
    data = tar({TOP + "var/backups/old.tar.gz": PACKERS["tar.gz"](tar(REPORT)), "broken.tar.gz": b"\x1f\x8bxx"}, top="")
    archive = read(data, only("nothing"))
    assert [t.name for t in archive.troubles] == ["broken.tar.gz"]


def test_an_archive_in_an_archive_that_is_damaged_leaves_the_others_alone() -> None:
    good, bad = PACKERS["tar.xz"](FILE + END), PACKERS["tar.gz"](FILE + END)
    archive = read(tar({"a.tar.gz": bad[:-30], "b.tar.xz": good}), only("b.tar.xz/etc/nova/nova.conf"))
    assert contents(archive) == {"b.tar.xz/etc/nova/nova.conf": b"[database]\n"}
    assert [t.name for t in archive.troubles] == ["a.tar.gz"]
    assert archive.whole


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"\x8c\x0d\x04\x09\x03\x02", "is encrypted with GnuPG; it is not opened"),
        (b"\x85\x02\x0c\x03", "is encrypted with GnuPG; it is not opened"),
        (b"-----BEGIN PGP MESSAGE-----\n", "is encrypted with GnuPG (or signed in its format); it is not opened"),
        (b"Salted__12345678", "is encrypted with openssl; it is not opened"),
        (b"U2FsdGVkX1+abc", "is encrypted with openssl, in base64; it is not opened"),
        (b"PK\x03\x04", "is a zip archive; it is not opened"),
        (b"7z\xbc\xaf\x27\x1c", "is a 7z archive; it is not opened"),
        (b"", "is empty"),
        (b"just some text\n" * 100, "holds no tar archive"),
    ],
)
def test_what_is_no_archive_is_refused_in_words(head: bytes, words: str) -> None:
    data = head + bytes(range(256)) * 4 if head else b""
    archive = read(data)
    assert (troubles(archive), archive.whole, contents(archive)) == ([f"a.tar: {words}"], False, {})
    inside = read(tar({"case/sosreport-b.tar.xz.gpg": data, "etc/nova/nova.conf": "x"}), only("etc/nova/nova.conf"))
    assert (troubles(inside), inside.whole) == ([f"case/sosreport-b.tar.xz.gpg: {words}"], True)


def test_an_empty_archive_holds_nothing_and_is_whole() -> None:
    archive = read(bytes(10240))
    assert (contents(archive), troubles(archive), archive.whole) == ({}, [], True)


def test_progress_is_told_in_bytes_of_the_file_and_members() -> None:
    data = tar(REPORT) + bytes(1 << 20)
    told: list[tuple[int, int]] = []
    read_archive(lambda: io.BytesIO(data), "a.tar", Everything(), told=lambda read, seen: told.append((read, seen)))
    assert told == sorted(told)
    assert (told[0], told[-1]) == ((128 * 1024, 0), (len(data), len(REPORT)))


def test_a_packing_that_nothing_can_unpack_is_refused_with_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from lwlint.files.archive import unpack

    def none(*_: str) -> object:
        raise ImportError

    monkeypatch.setattr(unpack, "_first_of", none)
    assert troubles(read(b"\x28\xb5\x2f\xfd" + bytes(100))) == [
        "a.tar: is packed with zstd, which this Python cannot unpack; `pip install 'lwlint[archives]'` brings what is missing"
    ]


def test_gzip_and_zstd_are_unpacked_alike_by_every_library(monkeypatch: pytest.MonkeyPatch) -> None:
    from lwlint.files.archive import unpack

    zlib_error = __import__("zlib").error
    monkeypatch.setitem(unpack._CODECS, "gzip", lambda: unpack._Codec(unpack._Zlib, zlib_error))
    packed = gzip.compress(tar(REPORT)[:9000]) + gzip.compress(tar(REPORT)[9000:])
    assert contents(read(packed)) == as_bytes(REPORT)
    assert [t.message for t in read(packed[:-9]).troubles] == ["ends in the middle of its gzip data; it was cut short"]
    zstandard = pytest.importorskip("zstandard")
    codec = unpack._Codec(lambda: unpack._Zstandard(zstandard), zstandard.ZstdError)
    monkeypatch.setitem(unpack._CODECS, "zstd", lambda: codec)
    packed = PACKERS["tar.zst"](tar(REPORT)[:9000]) + PACKERS["tar.zst"](tar(REPORT)[9000:])
    assert contents(read(packed)) == as_bytes(REPORT)
    assert [t.message.split(" (")[0] for t in read(packed[:-9]).troubles] == ["ends in the middle of its zstd data; it was cut short"]
