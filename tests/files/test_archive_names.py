"""Names, sizes and links of an archive's members are judged, never obeyed."""

from __future__ import annotations

import tarfile

import pytest

from tests.files.archive_builder import END, TOP, Content, as_bytes, contents, member, only, pax, read, tar, troubles

FILE = member(b"etc/nova/nova.conf", b"[database]\n")
READ: dict[str, Content] = {"etc/nova/nova.conf": b"[database]\n"}


def test_long_names_are_read_as_gnu_pax_and_ustar_write_them() -> None:
    long = "/".join(["folder"] * 29) + "/file"
    for data in (
        member(b"././@LongLink", long.encode() + b"\0", b"L") + member(long.encode()[:100], b"x"),
        pax(path=long.encode()) + member(b"short", b"x"),
        pax(comment=b"two headers") + pax(path=long.encode()) + member(b"short", b"x"),
        member(long.encode()[112:], b"x", prefix=long.encode()[:111]),
    ):
        assert contents(read(data + END)) == {long: b"x"}


def test_a_pax_header_counts_for_one_member_and_a_global_one_for_all() -> None:
    data = pax(path=b"one") + member(b"x", b"1") + member(b"two", b"2") + END
    assert contents(read(data)) == {"one": b"1", "two": b"2"}
    everywhere = member(b"g", b"15 path=global\n", b"g") + member(b"x", b"1") + END
    assert contents(read(everywhere)) == {"global": b"1"}


def test_the_size_of_a_pax_header_and_of_256_as_base_is_believed_when_it_can_be_true() -> None:
    assert contents(read(pax(size=b"3") + member(b"a", b"abc", size_field=b"00000000000\0") + FILE + END)) == {"a": b"abc", **READ}
    assert contents(read(member(b"a", b"abc", size_field=b"\x80" + bytes(10) + b"\x03") + FILE + END)) == {"a": b"abc", **READ}


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (b"\xff" * 12, "has the size -1; it must be from 0 to 4398046511104"),
        (b"\x80" + b"\xff" * 11, "has the size 309485009821345068724781055; it must be from 0 to 4398046511104"),
        (b"-0000000001\0", "has the size -1; it must be from 0 to 4398046511104"),
        (b"0000000zzz \0", "has the size `0000000zzz`, which is not an octal number"),
    ],
)
def test_an_absurd_size_is_told_and_the_next_member_found(field: bytes, words: str) -> None:
    archive = read(FILE + member(b"bad", b"abc", size_field=field) + member(b"after", b"x") + END)
    assert contents(archive) == {**READ, "after": b"x"}
    assert troubles(archive) == [f"a.tar: {words} at byte 1024; 1024 bytes were passed over"]


def test_a_size_beyond_the_end_of_the_archive_ends_the_reading() -> None:
    archive = read(FILE + member(b"big", b"abc", size_field=b"77777777777\0") + END, only("etc/nova/nova.conf"))
    assert contents(archive) == READ
    assert troubles(archive) == ["a.tar: ends in the middle of `big`; it was cut short"]
    archive = read(FILE + member(b"big", b"abc", size_field=b"00003000000\0") + END)
    assert troubles(archive) == ["a.tar: ends in the middle of `big`; it was cut short"]


def test_a_pax_size_that_is_no_number_is_told_and_the_header_believed() -> None:
    archive = read(pax(size=b"-5") + member(b"a", b"abc") + FILE + END)
    assert contents(archive) == {"a": b"abc", **READ}
    assert troubles(archive) == ["a: has the size `-5`; it must be a number from 0 to 4398046511104"]


@pytest.mark.parametrize("records", [b"5 a=\n99 path=x\n", b"path=x\n", b"99999999999999999999 path=x\n", b"8 path\nx\n"])
def test_a_pax_header_that_is_none_is_told_and_left_out(records: bytes) -> None:
    archive = read(member(b"PaxHeaders/a", records, b"x") + FILE + END)
    assert contents(archive) == READ
    assert [t.name for t in archive.troubles] == ["PaxHeaders/a"]


def test_names_that_climb_out_are_told_and_left_out() -> None:
    names = (b"../../etc/passwd", b"a/../../etc/nova/nova.conf", b"/../x", b"..", b"a/..")
    archive = read(b"".join(member(name, b"evil") for name in names) + FILE + END)
    assert contents(archive) == READ
    assert troubles(archive) == [
        "etc/passwd: has the name `../../etc/passwd`, which climbs out with `..`; it is left out",
        "etc/nova/nova.conf: has the name `a/../../etc/nova/nova.conf`, which climbs out with `..`; it is left out",
        "x: has the name `/../x`, which climbs out with `..`; it is left out",
        "a.tar: has the name `..`, which climbs out with `..`; it is left out",
        "a.tar: has the name `a/..`, which climbs out with `..`; it is left out",
    ]


def test_absolute_names_are_meant_inside_and_told_once() -> None:
    archive = read(member(b"/etc/nova/nova.conf", b"1") + member(b"//etc//heat/./heat.conf", b"2") + END)
    assert contents(archive) == {"etc/nova/nova.conf": b"1", "etc/heat/heat.conf": b"2"}
    assert troubles(archive) == ["a.tar: has members with absolute names; they are read as if they lay in it"]


def test_a_name_with_a_nul_is_told_and_left_out() -> None:
    archive = read(pax(path=b"etc/\0evil") + member(b"x", b"x") + FILE + END)
    assert (contents(archive), [t.message for t in archive.troubles]) == (READ, ["has a NUL in its name; it is left out"])


def test_a_name_that_is_no_utf_8_stays_itself() -> None:
    assert contents(read(member(b"caf\xe9", b"x") + END)) == {"caf\udce9": b"x"}


def test_ten_thousand_nested_folders_are_told_not_built() -> None:
    deep = b"d/" * 10_000
    data = pax(path=deep + b"nova.conf") + member(b"x", b"x") + pax(path=deep) + member(b"y", flag=b"5") + FILE + END
    archive = read(data)
    assert contents(archive) == READ
    words = "has a name of 20009 characters in 10000 folders; the limits are 4096 and 128"
    assert troubles(archive)[0] == f"{'d/' * 40}...: {words}"
    long = read(member(b"L", deep * 10 + b"\0", b"L") + member(b"etc/x", b"x") + FILE + END)
    assert contents(long) == {"etc/x": b"x", **READ}
    assert troubles(long) == ["L: has a name of 200001 bytes; the limit is 65536"]


def test_devices_anywhere_and_pipes_where_a_file_is_wanted_are_told() -> None:
    special = ((b"dev/sda", b"4"), (b"etc/tty", b"3"), (b"etc/pipe", b"6"), (b"tmp/pipe", b"6"), (b"dev/sdb", b"4"))
    data = b"".join(member(name, b"", flag) for name, flag in special)
    archive = read(data + FILE + END, only("etc/tty", "etc/pipe", "etc/nova/nova.conf"))
    assert contents(archive) == READ
    assert troubles(archive) == [
        "dev/sda: is a device; it is left out",
        "a.tar: has 2 more such members (is a device; it is left out)",
        "etc/pipe: is a pipe; it is left out",
    ]


def test_sparse_members_are_told_and_passed_over() -> None:
    old = bytearray(member(b"etc/old", b"data", b"S"))
    old[482] = 1
    old[148:156] = b" " * 8
    old[148:156] = b"%06o\0 " % sum(old[:512])
    extended = bytes(504) + b"\x01" + bytes(7) + bytes(512)
    new = pax(**{"GNU.sparse.major": b"1", "GNU.sparse.name": b"etc/new"}) + member(b"GNUSparseFile.1/new", b"data")
    archive = read(bytes(old[:512]) + extended + bytes(old[512:]) + new + FILE + END)
    assert contents(archive) == READ
    words = "is a sparse file of the archive, which lwlint does not read"
    assert troubles(archive) == [f"etc/old: {words}", f"etc/new: {words}"]


def test_of_equal_names_the_last_one_counts_and_this_is_told() -> None:
    archive = read(member(b"a", b"1") + member(b"a", b"2") + member(b"b", b"3") + member(b"b", b"3") + END)
    assert contents(archive) == {"a": b"2", "b": b"3"}
    assert troubles(archive) == ["a: is in the archive twice; the last one counts"]


def test_many_complaints_of_one_sort_are_cut_down_to_twenty_and_a_number() -> None:
    archive = read(b"".join(member(b"../%d" % i, b"") for i in range(1000)) + END)
    assert len(archive.troubles) == 21
    assert troubles(archive)[-1] == "a.tar: has 980 more such members (has a name that climbs out)"


def test_wanted_members_have_a_limit_each_and_together() -> None:
    archive = read(member(b"a", b"x" * 2000) + FILE + END, member=1000)
    assert contents(archive) == READ
    assert troubles(archive) == ["a: has 2000 bytes; the limit for a file in an archive is 1000"]
    many = read(b"".join(member(b"f%d" % i, b"x" * 900) for i in range(9)) + END, kept=3000)
    assert sorted(contents(many)) == ["f0", "f1", "f2"]
    assert troubles(many) == ["f3: has more than 3000 bytes of files to be judged; the rest, from this one on, is left out"]


def test_hard_links_are_the_files_that_they_name() -> None:
    data = member(b"etc/nova/nova.conf", b"[database]\n") + member(b"etc/copy", b"", b"1", b"etc/nova/nova.conf") + END
    assert contents(read(data)) == {**READ, "etc/copy": b"[database]\n"}
    bad = member(b"a", b"", b"1", b"../../etc/shadow") + member(b"b", b"", b"1", b"nowhere") + FILE + END
    assert contents(read(bad)) == READ
    assert troubles(read(bad)) == [
        "a: is a hard link to `../../etc/shadow`, which climbs out; it is left out",
        "b: is a hard link to `nowhere`, which is not there; it is left out",
    ]


def test_a_link_to_a_member_that_nobody_wanted_brings_it_in() -> None:
    for link in (member(b"etc/x", b"", b"1", b"opt/x"), member(b"etc/x", b"", b"2", b"../opt/x"), member(b"etc/x", b"", b"2", b"/opt/x")):
        for data in (member(b"opt/x", b"content") + link, link + member(b"opt/x", b"content")):
            if data.startswith(b"etc/x") and link[156:157] == b"1":
                continue  # no archiver writes a hard link before its file
            archive = read(data + END, only("etc/x"))
            assert archive.tree.read("etc/x") == b"content"
            assert troubles(archive) == []


def test_links_are_followed_inside_the_report_and_in_no_circle() -> None:
    files: dict[str, Content] = {
        "lib": {"link": "usr/lib"},
        "usr/lib/a.service": "a",
        "etc/b.service": {"link": "/usr/lib/a.service"},
        "etc/out": {"link": "../../../../../../etc/shadow"},
        "etc/mask": {"link": "/dev/null"},
        "etc/one": {"link": "two"},
        "etc/two": {"link": "one"},
        "etc/self": {"link": "self/self"},
        "etc/folder": {"link": "/usr"},
    }
    archive = read(tar(files, top=TOP))
    tree = archive.tree
    assert contents(archive) == as_bytes(files, TOP)
    assert [tree.read(TOP + p) for p in ("lib/a.service", "etc/b.service", "etc/folder/lib/a.service")] == [b"a"] * 3
    assert [tree.real_kind(TOP + p) for p in ("etc/out", "etc/mask", "etc/one", "etc/self", "etc/folder")] == [
        None,
        None,
        None,
        None,
        "folder",
    ]
    assert tree.kind(TOP + "etc/one") == "link"
    with pytest.raises(FileNotFoundError):
        tree.read(TOP + "etc/one")
    with pytest.raises(IsADirectoryError):
        tree.read(TOP + "etc")
    with pytest.raises(NotADirectoryError):
        tree.names(TOP + "usr/lib/a.service")


def test_members_below_a_link_go_where_it_leads_and_stay_inside() -> None:
    data = tar({"lib": {"link": "usr/lib"}, "lib/x": "1", "up": {"link": "../.."}, "up/y": "2", "ring": {"link": "ring"}, "ring/z": "3"})
    archive = read(data)
    assert contents(archive) == {
        "lib": {"link": "usr/lib"},
        "usr/lib/x": b"1",
        "up": {"link": "../.."},
        "y": b"2",
        "ring": {"link": "ring"},
    }


def test_a_member_in_the_place_of_a_folder_or_below_a_file_is_not_unpacked() -> None:
    archive = read(member(b"a/b", b"1") + member(b"a", b"2") + member(b"a/b/c", b"3") + member(b"a", b"", b"2", b"x") + END)
    assert contents(archive) == {"a/b": b"1"}


def test_a_folder_may_be_written_as_a_file_whose_name_ends_in_a_slash() -> None:
    assert contents(read(member(b"etc/", b"", b"\0") + FILE + END)) == READ


def test_old_headers_without_magic_are_read() -> None:
    assert contents(read(member(b"etc/old", b"x", b"\0", magic=bytes(8)) + END)) == {"etc/old": b"x"}


def test_a_checksum_of_signed_bytes_counts() -> None:
    block = bytearray(member(b"caf\xe9", b"x"))
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(b - 256 if b > 127 else b for b in block[:512])
    assert contents(read(bytes(block) + END)) == {"caf\udce9": b"x"}


def test_volume_labels_are_no_members() -> None:
    assert contents(read(member(b"My label", b"", b"V") + FILE + END)) == READ


def test_types_that_nobody_knows_are_files() -> None:
    assert contents(read(member(b"x", b"1", b"7") + member(b"y", b"2", b"Q") + END)) == {"x": b"1", "y": b"2"}
    assert tarfile.REGTYPE == b"0"
