"""Damaged and hostile archives of every packing, through the whole audit: no traceback, no write outside, little memory, and what was
found before the damage stays found."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.measure import PEAK
from tests.audit.audit_cluster import CIB, NODES, host, replaced, top
from tests.files.archive_builder import END, PACKERS, Content, header, member, pax, tar
from tests.shared import HERE

CUTS, FLIPS = 50, 200
MEMORY = 80 * 1024  # kilobytes
CONF = "etc/cinder/cinder.conf"
TOP = top(NODES[0])

AUDITS = """
import contextlib, io, json, sys
sys.path.insert(0, sys.argv[1])
from lwlint.cli import main
for path in sys.stdin.read().splitlines():
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = main(["audit", path, "--format", "json"])
    print(json.dumps([code, json.loads(out.getvalue() or "null"), err.getvalue()]))
"""


class Answer:
    """One audit: its exit code, the codes of its findings, what was wrong with the target, and what stood on standard error."""

    def __init__(self, code: int, plain: Any, err: str) -> None:
        self.code, self.plain, self.err = code, plain, err
        self.found = [f["code"] for cluster in plain["clusters"] for f in cluster["findings"]]
        self.troubles: list[str] = plain["targets"][0]["troubles"]
        assert "Traceback" not in err
        assert "defect" not in err
        assert code in (0, 1, 2)

    def said(self, words: str) -> bool:
        return any(words in trouble for trouble in self.troubles)


def audits(paths: Sequence[Path], folder: Path) -> list[Answer]:
    """Audit each path in one process that has no memory to spare; nothing may be left in `folder`, which is its only one."""
    folder.mkdir()
    told = folder.with_name(f"{folder.name}-kilobytes")
    done = subprocess.run(
        [*PEAK, str(told), sys.executable, "-c", AUDITS, str(HERE)],
        input="\n".join(map(str, paths)),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder), "HOME": str(folder), "XDG_CACHE_HOME": str(folder)},
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == len(paths)
    assert int(told.read_text("utf-8")) < MEMORY
    assert list(folder.iterdir()) == []
    return [Answer(*json.loads(line)) for line in lines]


def report(node: str = NODES[0], noise: int = 0) -> dict[str, Content]:
    """Return a report with one option that does not conform; what it takes to see that comes first, and noise in logs behind it."""
    files = host("lightweight", node, {CONF: replaced("lightweight", CONF, "\nmax_retries=-1", "\nmax_retries=5")})
    first = {path: files.pop(path) for path in ("version.txt", "sos_commands/host/hostname", CIB, CONF)}
    dice = random.Random(node)
    return {**first, **files, **{f"var/log/noise-{i}.log": dice.randbytes(100_000) for i in range(noise)}}


WHOLE = tar(report(noise=20), top=TOP)


def written(folder: Path, packing: str, plain: bytes, name: str = "report") -> Path:
    path = folder / f"{name}.{packing}"
    path.write_bytes(PACKERS[packing](plain))
    return path


@pytest.mark.parametrize("packing", PACKERS)
def test_an_audit_of_an_archive_cut_anywhere_finds_what_stands_before_the_cut(packing: str, tmp_path: Path) -> None:
    data = PACKERS[packing](WHOLE)
    dice = random.Random(packing)
    cuts = sorted(dice.randrange(len(data) - 1024) for _ in range(CUTS // len(PACKERS)))
    paths = []
    for cut in cuts:
        paths.append(tmp_path / f"{cut}.{packing}")
        paths[-1].write_bytes(data[:cut])
    for cut, answer in zip(cuts, audits(paths, tmp_path / "empty")):
        assert (answer.code, len(answer.troubles)) == (1 if answer.found else 2, 1)
        if cut > len(data) * 0.6:  # bzip2 has blocks of 900 kB, of which nothing can be had before all is there
            assert ("LW301" in answer.found, "LW901" in answer.found) == (True, True)


@pytest.mark.long
@pytest.mark.parametrize("packing", PACKERS)
def test_an_audit_of_an_archive_with_a_changed_byte_anywhere_finds_what_stands_before_it(packing: str, tmp_path: Path) -> None:
    data = PACKERS[packing](WHOLE)
    dice = random.Random(packing)
    flips = [dice.randrange(len(data)) for _ in range(FLIPS // len(PACKERS))]
    paths = []
    for i, at in enumerate(flips):
        changed = bytearray(data)
        changed[at] ^= 1 << dice.randrange(8)
        paths.append(tmp_path / f"{i}.{packing}")
        paths[-1].write_bytes(changed)
    answers = audits(paths, tmp_path / "empty")
    assert {answer.code for answer in answers} <= {1, 2}
    for at, answer in zip(flips, answers):
        if packing != "tar":
            assert answer.troubles
        if at > len(data) * 0.6:
            assert "LW301" in answer.found
            assert ("LW901" in answer.found) == bool(answer.troubles)


@pytest.mark.parametrize("packing", PACKERS)
def test_an_audit_of_hostile_archives_leaves_out_what_is_hostile_and_judges_the_rest(packing: str, tmp_path: Path) -> None:
    good = tar(report(), top=TOP).rstrip(b"\0")
    good += bytes(-len(good) % 512)
    names = (b"../../climbs/etc/nova/nova.conf", b"/../climbs", b"a/../../../climbs", b"..", TOP.encode() + b"etc/../../../climbs")
    climbs = b"".join(member(name, b"[database]\n") for name in names)
    ways_out = (b"/climbs", b"../../../../climbs")
    links = b"".join(header(TOP.encode() + b"etc/out-%d" % i, 0, b"2", target) for i, target in enumerate(ways_out))
    through = b"".join(member(TOP.encode() + b"etc/out-%d/nova.conf" % i, b"x") for i in range(2))
    circles = {
        "etc/nova/nova.conf": {"link": "nova-2.conf"},
        "etc/nova/nova-2.conf": {"link": "nova.conf"},
        "etc/heat": {"link": "../etc/heat"},
        "etc/systemd/system/multi-user.target.wants": {"link": "."},
        "var/lib/config-data": {"link": "../../var"},
        "usr/lib/systemd/system/x.service": {"link": "x.service"},
    }
    deep = member(b"deep.conf", b"x") + pax(path=b"d/" * 10_000 + b"nova.conf") + member(b"short", b"x")
    long = b"".join(member(b"L", TOP.encode() + b"d/" * depth + b"\0", b"L") + header(b"d/", 0, b"5") for depth in range(0, 2000, 40))
    again = tar({CONF: replaced("lightweight", CONF, "\nmax_retries=-1", "\nmax_retries=7")}, top=TOP)
    hostile = {
        "climbs": climbs + links + through + good + END,
        "circles": good + tar(circles, top=TOP),
        "deep": deep + long + good + END,
        "twice": good + again,
        "devices": header(b"dev/sda", 0, b"4") + header(TOP.encode() + b"etc/nova/nova.conf", 0, b"6") + good + END,
    }
    paths = [written(tmp_path, packing, plain, name) for name, plain in {"good": good + END, **hostile}.items()]
    before = sorted(path.name for path in tmp_path.iterdir())
    plain, *answers = audits(paths, tmp_path / "empty")
    assert (plain.code, plain.found, plain.troubles) == (1, ["LW301"], [])
    climbing, circling, nested, twice, devices = answers
    for answer in answers:
        assert answer.code == 1
        assert "LW301" in answer.found
        assert answer.plain["clusters"][0]["hosts"][0]["name"] == NODES[0]
    assert climbing.said("climbs out with `..`")
    assert not circling.said("damaged")
    assert nested.said("has a name of 20009 characters in 10000 folders; the limits are 4096 and 128")
    assert twice.said("is in the archive twice; the last one counts")
    assert "`7`" in json.dumps(twice.plain)
    assert devices.said("is a device; it is left out")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*before, "empty", "empty-kilobytes"])
    assert not list(tmp_path.parent.rglob("climbs"))


def bomb(path: Path, packing: str) -> None:
    """Write a report and, behind it, a file of 1 GB of zeros, in equal runs of packed data; not packed, it is a file with a hole."""
    pack, run, runs = PACKERS[packing], 1 << 24, 64
    good = tar(report(), top=TOP).rstrip(b"\0")
    first = good + bytes(-len(good) % 512) + header(TOP.encode() + b"var/log/zeros", run * runs)
    with open(path, "wb") as file:
        file.write(pack(first))
        if packing == "tar":
            file.truncate(len(first) + run * runs + len(END))
        else:
            file.write(pack(bytes(run)) * runs + pack(END))


def test_an_audit_of_a_bomb_takes_no_memory_and_finds_what_stands_before_it(tmp_path: Path) -> None:
    paths = [tmp_path / f"bomb.{packing}" for packing in PACKERS]
    for path, packing in zip(paths, PACKERS):
        bomb(path, packing)
    for packing, answer in zip(PACKERS, audits(paths, tmp_path / "empty")):
        assert (answer.code, "LW301" in answer.found) == (1, True)
        assert (answer.said("is a bomb: "), "LW901" in answer.found) == (packing != "tar", packing != "tar")


def test_a_bomb_takes_no_memory_in_a_worker_either(tmp_path: Path) -> None:
    paths = [tmp_path / f"bomb.{packing}" for packing in ("tar.xz", "tar.zst", "tar.gz")]
    for path in paths:
        bomb(path, path.name.removeprefix("bomb."))
    command = AUDITS.replace("path in sys.stdin.read().splitlines()", "paths in [sys.stdin.read().splitlines()]")
    command = command.replace('"audit", path,', '"audit", "-j2", *paths,')
    told = tmp_path / "kilobytes"
    measured = [*PEAK, str(told), sys.executable, "-c", command, str(HERE)]
    done = subprocess.run(measured, input="\n".join(map(str, paths)), capture_output=True, text=True, check=False)
    code, plain, err = json.loads(done.stdout)
    assert (code, err, done.stderr) == (1, "", "")
    assert [len(target["troubles"]) for target in plain["targets"]] == [1, 1, 1]
    assert int(told.read_text("utf-8")) < MEMORY


def nest(folder: Path, depth: int) -> Iterator[None]:
    """Make folders in each other, deeper than a path can name, and take them away again."""
    folder.mkdir()
    fd = os.open(folder, os.O_RDONLY)
    opened = 0
    try:
        for _ in range(depth):
            os.mkdir("d", dir_fd=fd)
            below = os.open("d", os.O_RDONLY, dir_fd=fd)
            os.close(fd)
            fd, opened = below, opened + 1
        yield
    finally:
        for _ in range(opened):
            above = os.open("..", os.O_RDONLY, dir_fd=fd)
            os.rmdir("d", dir_fd=above)
            os.close(fd)
            fd = above
        os.close(fd)


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is such a thing: a disk takes half a minute for ten thousand folders."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def test_folders_nested_ten_thousand_deep_take_nothing_down(quick: Path) -> None:
    report_ = quick / TOP
    for inside, content in report().items():
        path = report_ / inside
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict):
            path.symlink_to(content["link"])
        else:
            path.write_bytes(content if isinstance(content, bytes) else str(content).encode())
    nested = nest(report_ / "etc" / "systemd" / "system" / "deep", 10_000)
    next(nested)
    try:
        (answer,) = audits([report_], quick / "empty")
    finally:
        nested.close()  # type: ignore[attr-defined]
    assert (answer.code, sorted(answer.found)) == (1, ["LW301", "LW901"])
    messages = [f["message"] for f in answer.plain["clusters"][0]["findings"] if f["code"] == "LW901"]
    assert messages[0].endswith("folder cannot be read (it lies in 128 folders, and the limit is that)")
