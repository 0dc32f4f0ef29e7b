"""Archives that were cut short, changed, or made to do harm: what was read before counts, and the rest is told."""

from __future__ import annotations

import gzip
import io
import lzma
import random
import subprocess
import sys
from pathlib import Path

import pytest

from lwlint.files.archive import read_archive
from tests.files.archive_builder import (
    END,
    PACKERS,
    REPORT,
    TOP,
    Content,
    Everything,
    as_bytes,
    contents,
    header,
    member,
    only,
    pax,
    read,
    tar,
    troubles,
)
from tests.shared import HERE, shared

CUTS, FLIPS = 50, 200
MEMORY = 80 * 1024  # kilobytes


def report() -> dict[str, Content]:
    """Return files that pack neither very well nor not at all, half a megabyte of them in all."""
    dice = random.Random(3)
    words = [bytes(dice.choices(b"abcdefghij \n", k=9)) for _ in range(2000)]
    return {f"etc/folder-{i % 7}/file-{i}.conf": b"".join(dice.choices(words, k=1200)) for i in range(40)}


FILES = as_bytes(report(), TOP)
PACKED = tar(report(), top=TOP)


@pytest.mark.parametrize("packing", PACKERS)
def test_an_archive_cut_anywhere_gives_what_stands_before_the_cut(packing: str) -> None:
    data = PACKERS[packing](PACKED)
    dice = random.Random(packing)
    before = 0
    for cut in sorted(dice.randrange(len(data.rstrip(b"\0") if packing == "tar" else data)) for _ in range(CUTS)):
        archive = read(data[:cut])
        found = contents(archive)
        assert found.items() <= FILES.items()
        assert len(archive.troubles) == 1
        assert (archive.troubles[0].name, archive.whole) == ("a.tar", False)
        assert len(found) >= before
        before = len(found)
    # packed data comes in blocks of up to 900 kB, of which none can be had before all is there
    assert before > len(FILES) // 2 or packing == "tar.bz2"


@pytest.mark.parametrize("packing", PACKERS)
def test_a_changed_byte_anywhere_is_told_wherever_it_can_be_known(packing: str) -> None:
    data = PACKERS[packing](PACKED)
    dice = random.Random(packing)
    for _ in range(FLIPS):
        at = dice.randrange(len(data))
        changed = bytearray(data)
        changed[at] ^= 1 << dice.randrange(8)
        archive = read(bytes(changed))
        found = contents(archive)
        if packing != "tar":
            assert found == FILES or archive.troubles
        else:
            assert len(FILES.items() - found.items()) <= 1


def refixed(data: bytearray, at: int) -> None:
    """Make the checksum of the header at `at` right again."""
    data[at + 148 : at + 156] = b" " * 8
    data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + 512])


def test_headers_that_say_anything_with_a_right_checksum_raise_nothing() -> None:
    dice = random.Random(11)
    whole = (
        tar(REPORT, top=TOP)
        + pax(path=b"p" * 300, size=b"2")
        + member(b"x", b"yy")
        + member(b"L", b"n" * 300, b"L")
        + member(b"z", b"q")
        + END
    )
    heads = [at for at in range(0, len(whole), 512) if whole[at + 257 : at + 262] == b"ustar"]
    for _ in range(300):
        data = bytearray(whole)
        for at in dice.choices(heads, k=2):
            what, length = dice.choice(((0, 6), (124, 12), (156, 1), (157, 4), (345, 4), (dice.randrange(500), 8)))
            data[at + what : at + what + length] = bytes(dice.choices(b"\0\x80\xff/..a017xgLKS ", k=length))
            refixed(data, at)
        archive = read(bytes(data))
        assert not [path for path in contents(archive) if path.startswith(("/", "../")) or "/../" in path]


def test_a_damaged_header_costs_one_member() -> None:
    parts = [member(b"etc/%d" % i, b"x" * 600 * i) for i in range(5)]
    parts[2] = parts[2][:20] + b"!" + parts[2][21:]
    archive = read(b"".join(parts) + END)
    assert sorted(contents(archive)) == ["etc/0", "etc/1", "etc/3", "etc/4"]
    assert troubles(archive) == ["a.tar: has a damaged header (wrong checksum) at byte 2048; 2048 bytes were passed over"]


def test_the_search_for_the_next_header_takes_no_text_for_one() -> None:
    bait = (b"\0" * 257 + b"ustar\x0000").ljust(512, b"\0")
    archive = read(member(b"a", b"1") + bytes(511) + b"!" + bait * 3 + bytes(200_000 // 512 * 512) + member(b"b", b"2") + END)
    assert contents(archive) == {"a": b"1", "b": b"2"}


def test_a_file_that_cannot_be_read_is_told() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    assert troubles(read_archive(Broken, "a.tar", Everything())) == ["a.tar: cannot be read (Input/output error)"]


def test_an_archive_in_an_archive_that_has_hardly_begun_is_told() -> None:
    whole = tar({"b.tar": tar({"etc/a": "x"})})
    archive = read(whole[:600], only("etc/a"))
    assert troubles(archive) == ["b.tar: ends in the middle of a member", "a.tar: ends in the middle of `b.tar`; it was cut short"]


def test_a_packed_archive_whose_last_checksum_is_wrong_is_told() -> None:
    for packing, back in (("tar.gz", 5), ("tar.xz", 28), ("tar.zst", 2)):
        data = bytearray(PACKERS[packing](PACKED))
        data[-back] ^= 0xFF
        archive = read(bytes(data))
        found = contents(archive)
        assert found.items() <= FILES.items()
        assert len(found) > len(FILES) // 2  # but for the last piece that the decoder was asked for
        assert [(t.name, t.fatal) for t in archive.troubles] == [("a.tar", True)]


def test_a_real_report_cut_anywhere_gives_what_stands_before_the_cut() -> None:
    data = shared("corpus/sos/light-controller-1.sos-4.12.tar.xz").read_bytes()
    whole = contents(read(data))
    dice = random.Random(50)
    for _ in range(CUTS // 5):
        archive = read(data[: dice.randrange(len(data))])
        assert contents(archive).items() <= whole.items()
        assert len(archive.troubles) == 1


def bomb(packing: str, gigabytes: float = 1) -> bytes:
    """Return an archive of a file and of so many zeros after it, made of as many equal runs of packed data."""
    pack = PACKERS[packing]
    run = 16 * 1024 * 1024
    count = int(gigabytes * (1 << 30)) // run
    first = pack(member(b"etc/nova/nova.conf", b"[database]\n") + header(b"var/zeros", count * run))
    return first + pack(bytes(run)) * count + pack(END)


@pytest.mark.parametrize("packing", ["tar.xz", "tar.gz", "tar.zst", "tar.bz2"])
def test_a_bomb_is_told_and_not_read_to_its_end(packing: str) -> None:
    archive = read(bomb(packing), only("etc/nova/nova.conf"))
    assert contents(archive) == {"etc/nova/nova.conf": b"[database]\n"}
    assert [t.message.split(" MiB")[0] for t in archive.troubles] == ["is a bomb: 128"]


class Confs(Everything):
    """Wants option files."""

    def member(self, path: str) -> bool:
        return path.endswith(".conf")


def test_a_bomb_in_an_archive_leaves_the_rest_of_it_alone() -> None:
    data = tar({"bomb.tar.gz": bomb("tar.gz", 0.2), "etc/heat/heat.conf": "x"})
    archive = read(data, Confs())
    assert contents(archive) == {"bomb.tar.gz/etc/nova/nova.conf": b"[database]\n", "etc/heat/heat.conf": b"x"}
    assert [(t.name, t.message[:9]) for t in archive.troubles] == [("bomb.tar.gz", "is a bomb")]
    assert archive.whole


def test_well_packed_data_of_an_honest_size_is_no_bomb() -> None:
    zeros = member(b"var/log/lastlog", bytes(60 * 1024 * 1024))
    archive = read(lzma.compress(zeros + member(b"etc/a", b"x") + END, preset=0))
    assert (sorted(contents(archive)), troubles(archive)) == (
        ["etc/a"],
        ["var/log/lastlog: has 62914560 bytes; the limit for a file in an archive is 32000000"],
    )


def test_an_archive_that_asks_for_too_much_memory_is_refused() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 256 * 1024 * 1024}]
    packed = lzma.compress(member(b"a", b"x") + END, filters=filters)
    assert troubles(read(packed)) == ["a.tar: needs more than 136 MiB of memory to be unpacked"]


_FLAT = """
import sys
sys.path.insert(0, sys.argv[1])
from lwlint.files.archive import read_archive
from tests.files.archive_builder import header, END
from lwlint.audit.report_layout import WANTED

MANY, SIZE = 50_000, 80 * 1024
ZEROS = bytes(SIZE)

class Made:
    "The bytes of an archive of 50,000 members and 4 GB, made while they are read."
    def __init__(self):
        self.number = 0
    def __enter__(self):
        return self
    def __exit__(self, *error):
        pass
    def read(self, size=-1):
        self.number += 1
        if self.number > 2 * MANY:
            return END if self.number == 2 * MANY + 1 else b""
        if self.number % 2 == 0:
            return ZEROS
        name = b"report/etc/nova/nova.conf" if self.number == 1 else b"report/var/log/%d/%d" % (self.number % 97, self.number)
        return header(name, SIZE)

found = read_archive(Made, "a.tar", WANTED)
assert (found.members, found.whole, found.troubles) == (MANY, True, ()), found.troubles
assert found.tree.read("report/etc/nova/nova.conf") == ZEROS
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""


def test_memory_stays_flat_over_fifty_thousand_members_and_four_gigabytes() -> None:
    done = subprocess.run([sys.executable, "-c", _FLAT, str(HERE)], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert int(done.stdout) < MEMORY


_BOMB = """
import sys
sys.path.insert(0, sys.argv[1])
from lwlint.files.archive import read_archive
from lwlint.audit.report_layout import WANTED
found = read_archive(lambda: open(sys.argv[2], "rb"), "a.tar", WANTED)
assert [t.message[:9] for t in found.troubles] == ["is a bomb"], found.troubles
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""


@pytest.mark.parametrize("packing", ["tar.xz", "tar.gz", "tar.zst"])
def test_a_bomb_takes_no_memory(packing: str, tmp_path: Path) -> None:
    (tmp_path / "bomb").write_bytes(bomb(packing))
    done = subprocess.run([sys.executable, "-c", _BOMB, str(HERE), str(tmp_path / "bomb")], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert int(done.stdout) < MEMORY
    assert [path.name for path in tmp_path.iterdir()] == ["bomb"]


def test_gzip_of_nothing_is_no_archive() -> None:
    assert troubles(read(gzip.compress(b""))) == ["a.tar: ends without the empty blocks that end an archive; it may have been cut short"]
