"""An .xz archive of several blocks, unpacked by two threads: the same answer as the stream, damage and lies included."""

from __future__ import annotations

import io
import lzma
import random
import shutil
import subprocess
import threading
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from lwlint.files.archive import Archive, Limits, read_archive
from lwlint.files.archive.unpack import Bounds, FileStream, in_blocks, layout
from tests.files.archive_builder import END, TOP, Content, Everything, as_bytes, contents, member, only, tar
from tests.files.test_archive_damage import CUTS, FLIPS

BLOCK = 150_000  # more than a piece, so that a block has several


def files() -> dict[str, Content]:
    dice = random.Random(5)
    words = [dice.randbytes(9) for _ in range(3000)]
    return {f"etc/folder-{i % 7}/file-{i}.conf": b"".join(dice.choices(words, k=4000)) for i in range(30)}


FILES = files()
PLAIN = tar(FILES, top=TOP)


def number(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "little")


class Xz:
    """An .xz file in its parts, to be put together as it is or with lies."""

    def __init__(self, pieces: Iterable[bytes], check: int = lzma.CHECK_CRC64, preset: int = 0) -> None:
        self.blocks: list[bytes] = []
        self.lines: list[tuple[int, int]] = []
        self.flags = bytes([0, check])
        for piece in pieces:
            packed = lzma.compress(piece, check=check, preset=preset)
            length = (int.from_bytes(packed[-8:-4], "little") + 1) * 4
            end = len(packed) - 12 - length
            index = packed[end : end + length]
            unpadded, shift, at = 0, 0, 2
            while True:
                unpadded |= (index[at] & 0x7F) << shift
                if index[at] < 0x80:
                    break
                shift, at = shift + 7, at + 1
            self.blocks.append(packed[12:end])
            self.lines.append((unpadded, len(piece)))

    def index(self, lines: list[tuple[int, int]] | None = None, count: int | None = None) -> bytes:
        told = self.lines if lines is None else lines
        body = b"\0" + number(len(told) if count is None else count) + b"".join(number(a) + number(b) for a, b in told)
        body += bytes(-len(body) % 4)
        return body + checksum(body)

    def whole(self, index: bytes | None = None) -> bytes:
        index = self.index() if index is None else index
        told = (len(index) // 4 - 1).to_bytes(4, "little") + self.flags
        head = b"\xfd7zXZ\0" + self.flags + checksum(self.flags)
        return head + b"".join(self.blocks) + index + checksum(told) + told + b"YZ"


def cut_up(data: bytes, size: int = BLOCK) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


XZ = Xz(cut_up(PLAIN))


def opened(path: Path) -> BinaryIO:
    return cast("BinaryIO", open(path, "rb", buffering=0))


def both(path: Path, data: bytes, **limits: Bounds) -> tuple[Archive, bool]:
    """Return what is read of `data`, which is the same by threads and as a stream, and whether the threads had a part in it."""
    path.write_bytes(data)
    others = set(threading.enumerate())  # of other tests' libraries
    read = [
        read_archive(lambda: opened(path), "a.tar.xz", Everything(), limits=Limits(**limits), threads=threads)  # type: ignore[arg-type]
        for threads in (False, True)
    ]
    stream, threads = read
    assert (contents(threads), threads.troubles, threads.whole, threads.members) == (
        contents(stream),
        stream.troubles,
        stream.whole,
        stream.members,
    )
    with open(path, "rb", buffering=0) as file:
        blocks = in_blocks(file, None, limits.get("unpacked", Bounds()))
        if blocks is not None:
            blocks.close()
    assert set(threading.enumerate()) <= others
    return stream, blocks is not None


def test_blocks_give_what_the_stream_gives(tmp_path: Path) -> None:
    for check in (lzma.CHECK_NONE, lzma.CHECK_CRC32, lzma.CHECK_CRC64, lzma.CHECK_SHA256):
        for size in (1000, 128 * 1024, BLOCK, len(PLAIN) - 1):
            archive, by_threads = both(tmp_path / "a", Xz(cut_up(PLAIN, size), check).whole())
            assert (by_threads, archive.whole, archive.troubles) == (True, True, ())
            assert contents(archive) == as_bytes(FILES, TOP)


def test_bytes_come_as_they_are_and_progress_ends_at_the_size_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(XZ.whole())
    told: list[int] = []
    with open(path, "rb", buffering=0) as file:
        blocks = in_blocks(file, told.append, Bounds())
        assert blocks is not None
        assert b"".join(iter(blocks.read, b"")) == PLAIN
        assert blocks.read() == b""
        blocks.close()
    assert (told, told[-1]) == (sorted(told), path.stat().st_size)


@pytest.mark.parametrize("options", [("-T2", "--block-size=100KiB"), ("--block-size=100KiB",), ("-T2", "-1", "--block-size=1MiB")])
def test_what_xz_packs_is_read_by_threads(options: tuple[str, ...], tmp_path: Path) -> None:
    if shutil.which("xz") is None:
        pytest.skip("THE PROGRAM xz IS MISSING: blocks are only tested as built here")
    data = subprocess.run(["xz", "-c", *options], input=PLAIN, capture_output=True, check=True).stdout
    archive, by_threads = both(tmp_path / "a", data)
    assert (by_threads, archive.whole, archive.troubles) == (True, True, ())
    assert contents(archive) == as_bytes(FILES, TOP)


def test_what_pixz_packs_is_read_by_threads(tmp_path: Path) -> None:
    if shutil.which("pixz") is None:
        pytest.skip("THE PROGRAM pixz IS MISSING: its archives are not tested")
    (tmp_path / "a.tar").write_bytes(PLAIN)
    subprocess.run(["pixz", "-0", "-f", "0.1", str(tmp_path / "a.tar"), str(tmp_path / "a.tpxz")], check=True)
    archive, by_threads = both(tmp_path / "a", (tmp_path / "a.tpxz").read_bytes())
    assert (by_threads, archive.whole, archive.troubles) == (True, True, ())
    assert contents(archive) == as_bytes(FILES, TOP)


def test_cut_anywhere_it_gives_what_the_stream_gives(tmp_path: Path) -> None:
    data = XZ.whole()
    dice = random.Random(50)
    for _ in range(CUTS):
        archive, by_threads = both(tmp_path / "a", data[: dice.randrange(len(data))])
        assert (by_threads, len(archive.troubles)) == (False, 1)


@pytest.mark.long
def test_with_changed_bytes_anywhere_it_gives_what_the_stream_gives(tmp_path: Path) -> None:
    data = XZ.whole()
    dice = random.Random(200)
    threads = 0
    for turn in range(FLIPS):
        at = dice.randrange(len(data))
        if turn % 10 == 0:  # at the edge of a block too, where the stream loses what stands before it
            at = 12 + sum(len(block) for block in XZ.blocks[: 1 + turn // 10 % 9]) + dice.randrange(-20, 20)
        changed = bytearray(data)
        changed[at] ^= 1 << dice.randrange(8)
        archive, by_threads = both(tmp_path / "a", bytes(changed))
        assert archive.troubles
        assert contents(archive).items() <= as_bytes(FILES, TOP).items()
        threads += by_threads
    assert threads > FLIPS * 0.9


def test_an_index_that_lies_loses_nothing(tmp_path: Path) -> None:
    """Each of these indexes has right checksums, and its blocks fill the file (but for the last three)."""
    lines = XZ.lines
    (a, m), (b, n), *rest = lines

    def shorter() -> list[tuple[int, int]]:
        """The border of the first two blocks four bytes farther back."""
        return [(a - 4, m), (b + 4, n), *rest]

    lies: Mapping[str, tuple[list[tuple[int, int]], int | None]] = {
        "another size unpacked": ([(a, m - 1), (b, n + 1), *rest], None),
        "nothing unpacked": ([(a, 0), *lines[1:]], None),
        "two lines changed with each other": ([(b, n), (a, m), *rest], None),
        "another border": (shorter(), None),
        "two blocks in one": ([(a + -a % 4 + b, m + n), *rest], None),
        "fewer bytes of padding": ([(a + (-a % 4 or -1), m), *lines[1:]], None),
        "one block less": (lines[:-1], None),
        "one block more": ([*lines, lines[-1]], None),
        "another number of blocks": (lines, len(lines) + 1),
    }
    for lie, (told, count) in lies.items():
        archive, _ = both(tmp_path / "a", XZ.whole(XZ.index(told, count)))
        assert (lie, archive.whole, len(archive.troubles)) == (lie, False, 1)
        assert archive.troubles[0].message.startswith("has xz data that is damaged")
        # the stream loses the piece in which it meets the end, and no more
        assert (lie, len(FILES) - archive.members <= 4) == (lie, True)


def test_a_block_that_was_left_out_or_put_in_elsewhere_is_told(tmp_path: Path) -> None:
    for order in ([0, 2, 1], [0, 0, 1], [0, 2]):
        other = Xz([])
        other.flags = XZ.flags
        other.blocks = [XZ.blocks[i] for i in order]
        other.lines = [XZ.lines[i] for i in order]
        archive, by_threads = both(tmp_path / "a", other.whole())  # an honest .xz of another tar, which ends too early
        assert (by_threads, archive.whole) == (True, False)
        assert archive.troubles


def test_more_than_one_stream_and_data_behind_it_are_left_to_the_stream(tmp_path: Path) -> None:
    half = len(PLAIN) // 2 // 512 * 512
    two = Xz(cut_up(PLAIN[:half])).whole() + Xz(cut_up(PLAIN[half:])).whole()
    archive, by_threads = both(tmp_path / "a", two)
    assert (by_threads, archive.troubles, contents(archive)) == (False, (), as_bytes(FILES, TOP))
    for behind, words in ((bytes(8), []), (b"more", ["has other data behind its xz data; it is not read"])):
        archive, by_threads = both(tmp_path / "a", XZ.whole() + behind)
        assert (by_threads, [t.message for t in archive.troubles]) == (False, words)


def test_a_bomb_in_blocks_is_told_as_a_bomb(tmp_path: Path) -> None:
    run = bytes(4 << 20)
    data = Xz([member(b"etc/a", b"x"), *[run] * 60, END]).whole()
    archive, by_threads = both(tmp_path / "a", data)
    assert not by_threads
    assert [t.message[:15] for t in archive.troubles] == ["is a bomb: 128 "]


def test_a_dictionary_that_is_too_large_for_two_is_left_to_the_stream(tmp_path: Path) -> None:
    archive, _ = both(tmp_path / "a", Xz(cut_up(PLAIN), preset=9).whole())
    assert (archive.troubles, contents(archive)) == ((), as_bytes(FILES, TOP))
    mixed = Xz(cut_up(PLAIN)[:4])
    last = Xz(cut_up(PLAIN)[4:], preset=9)
    mixed.blocks += last.blocks
    mixed.lines += last.lines
    archive, by_threads = both(tmp_path / "a", mixed.whole())
    assert (by_threads, archive.troubles, contents(archive)) == (True, (), as_bytes(FILES, TOP))


def test_a_reader_that_stops_in_the_middle_leaves_no_thread(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(XZ.whole())
    others = set(threading.enumerate())
    for pieces in (0, 1, 5):
        with open(path, "rb", buffering=0) as file:
            blocks = in_blocks(file, None, Bounds())
            assert blocks is not None
            for _ in range(pieces):
                assert blocks.read()
            blocks.close()
        assert set(threading.enumerate()) <= others


def test_what_is_no_file_on_the_disk_is_read_as_a_stream() -> None:
    file = io.BytesIO(XZ.whole())
    assert in_blocks(file, None, Bounds()) is None
    assert FileStream(file).read() == XZ.whole()[: 128 * 1024]
    archive = read_archive(lambda: io.BytesIO(XZ.whole()), "a", only(TOP + "etc/folder-1/file-1.conf"), threads=True)
    assert (len(contents(archive)), archive.troubles) == (1, ())


def test_a_layout_is_that_of_the_builder_and_of_random_bytes_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a"
    dice = random.Random(7)
    for data in (XZ.whole(), b"", b"\xfd7zXZ\0", XZ.whole()[:30], bytes(100), *(dice.randbytes(200) for _ in range(20))):
        path.write_bytes(data)
        with open(path, "rb") as file:
            found = layout(file.fileno())
        assert (found is not None) == (data == XZ.whole())
        if found is not None:
            assert [(b.unpadded, b.unpacked) for b in found.blocks] == XZ.lines
            assert [data[b.offset : b.offset + b.size] for b in found.blocks] == XZ.blocks
            assert [lzma.decompress(found.before() + XZ.blocks[i] + found.behind(b)) for i, b in enumerate(found.blocks)] == cut_up(PLAIN)


def test_no_more_is_unpacked_ahead_than_there_is_room_for(tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(1 << 16)
    data = Xz([member(b"etc/a", b"x"), *[noise * 32] * 40, END]).whole()  # 2 MiB each, 80 MiB in all
    path = tmp_path / "a"
    path.write_bytes(data)
    with open(path, "rb", buffering=0) as file:
        blocks = in_blocks(file, None, Bounds())
        assert blocks is not None
        size = 0
        while piece := blocks.read():
            size += len(piece)
            assert blocks._waiting <= 26 << 20
        blocks.close()
    assert size == 40 * 32 * (1 << 16) + 1024 + len(END)
