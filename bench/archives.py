"""What reading archives costs against the bare decompressors, and how much memory it takes: `python -m bench.archives`.

Builds one archive of invented logs and controllers' files in a temporary folder, packs it with the real programs, and reads it with
lwlint's reader, keeping what an audit would. The limits are those that lwlint sets itself.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.measure import HERE, PYTHON, medians, peak, row

PACKERS = {"xz": ("xz", "-2"), "gz": ("gzip", "-4"), "zst": ("zstd", "-q", "-3"), "bz2": ("bzip2", "-1")}
COPIES = {"zst": (4, 1)}  # of all members, for a program so fast that the start of Python counts; as the archive is, too
BLOCKS = ("xz", "-2", "-T2", "--block-size=8MiB")
LWLINT = (*PYTHON, "-m", "lwlint", "audit", "--format", "json")
LIMITS = {"xz": 1.15, "gz": 0.6, "zst": 1.3}
READ = (
    "import sys; sys.path.insert(0, sys.argv[1])\n"
    "from lwlint.audit.report_layout import WANTED\n"
    "from lwlint.files.archive import read_archive\n"
    "found = read_archive(lambda: open(sys.argv[2], 'rb', buffering=0), sys.argv[2], WANTED)\n"
    "assert found.whole and not found.troubles\n"
)
FOLDER = (
    "import os, sys; sys.path.insert(0, sys.argv[1]); os.chdir(sys.argv[2])\n"
    "from lwlint.audit.report_layout import captures\n"
    "from lwlint.audit.report_layout import WANTED, Selected\n"
    "from lwlint.files.discover import Discovery\n"
    "from lwlint.files.tree import Disk\n"
    "from lwlint.inputs import KINDS\n"
    "tree = Selected(Disk(), '.', WANTED)\n"
    "found = Discovery(tree, KINDS).add(['.'])\n"
    "assert len(found.sources) == 406 and len(captures(tree)) == 1, len(found.sources)\n"
)
TOP = "sosreport-controller-0-2016-11-23-abcdefg"


def log(size: int, dice: random.Random) -> bytes:
    """Return `size` bytes that pack about as well as a service's log does."""
    words = ("nova.compute.manager", "oslo_messaging._drivers", "neutron.agent.ovsdb", "keystone.token", "WARNING", "INFO", "DEBUG")
    lines = []
    left = size
    while left > 0:
        a = dice.getrandbits(128)
        line = (
            f"2016-11-23 {a % 24:02}:{a % 59:02}:{a % 58:02}.{a % 997:03} {a % 9973} {words[a % 7]} {words[a % 5]} "
            f"[req-{a:032x}] {words[a % 3]} took {a % 8191}\n"
        )
        lines.append(line)
        left -= len(line)
    return "".join(lines).encode()[:size]


def files(megabytes: int, members: int) -> Iterator[tuple[str, bytes]]:
    """Yield paths and contents: what an audit wants, among many more files that it does not."""
    dice = random.Random(4)
    for name in ("nova", "cinder", "heat", "neutron", "glance", "keystone"):
        options = "# what this option does, on a line or two\n#option = 10\n" * 60 + "option = 5\n"
        sections = (f"\n[section_{n}]\n\n{options}" for n in range(70))
        yield f"etc/{name}/{name}.conf", ("[database]\nmax_retries = -1\n" + "".join(sections)).encode()
    for number in range(400):
        yield f"usr/lib/systemd/system/thing-{number}.service", b"[Service]\nExecStart=/usr/bin/thing\nRestart=on-failure\n"
    small = members - 500
    for number in range(small):
        yield f"sys/class/net/{number // 100}/device-{number}", b"%d\n" % number
    for number in range(100):
        yield f"var/log/service-{number}/service.log", log(megabytes * 10_000 - small * 10, dice)


def build(path: Path, megabytes: int, members: int) -> None:
    """Write the archive that is measured, unpacked, to `path`."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in files(megabytes, members):
            info = tarfile.TarInfo(f"{TOP}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def pack(plain: Path, packed: Path, packer: tuple[str, ...], copies: int) -> None:
    """Pack an archive of the members of `plain`, as often as `copies` says."""
    body = plain.read_bytes().rstrip(b"\0")
    body += bytes(-len(body) % 512)
    with open(packed, "wb") as sink, subprocess.Popen((*packer, "-c"), stdin=subprocess.PIPE, stdout=sink) as process:
        assert process.stdin is not None
        for _ in range(copies):
            process.stdin.write(body)
        process.stdin.write(bytes(1024))


def unpack(folder: Path, number: int) -> None:
    """Write an unpacked report of `number` files to `folder`."""
    for name, content in files(0, number):
        path = folder / TOP / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def main() -> None:
    """Measure and print; a limit that is not met is said, and is no failure of the run."""
    parser = argparse.ArgumentParser(prog="bench.archives", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=200, help="unpacked size of the archive that is built")
    parser.add_argument("--members", type=int, default=3000)
    parser.add_argument("--only", choices=sorted(PACKERS), action="append")
    parser.add_argument("--large", action="store_true", help="only the memory that an archive of 4 GB takes, in about a minute")
    arguments = parser.parse_args()
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < arguments.megabytes * 3_000_000:
        sys.exit("not enough room for temporary files")
    with tempfile.TemporaryDirectory() as folder:
        if arguments.large:
            large(Path(folder))
            return
        plain = Path(folder) / "report.tar"
        build(plain, arguments.megabytes, arguments.members)
        print(f"{plain.stat().st_size / 1e6:.0f} MB in {arguments.members} members")
        for suffix in arguments.only if arguments.only is not None else PACKERS:
            if shutil.which(PACKERS[suffix][0]) is None:
                print(f"`{PACKERS[suffix][0]}` IS MISSING: .tar.{suffix} is not measured")
                continue
            for copies in COPIES.get(suffix, (1,)):
                one(plain, suffix, copies, arguments.rounds)
        if arguments.only is None:
            blocks(plain, arguments.rounds)
            unpacked(Path(folder) / "unpacked", arguments.rounds)


def reading(plain: Path, suffix: str, copies: int, rounds: int) -> bool | None:
    """Measure the reading alone of one packing against its program; return whether the limit is met, None without the program."""
    packer = PACKERS[suffix]
    if shutil.which(packer[0]) is None:
        print(f"`{packer[0]}` IS MISSING: .tar.{suffix} is not measured")
        return None
    packed = plain.with_name(f"read.tar.{suffix}")
    pack(plain, packed, packer, copies)
    taken = medians({"bare": (packer[0], "-dc", str(packed)), "reading": (*PYTHON, "-c", READ, str(HERE), str(packed))}, rounds, HERE)
    packed.unlink()
    what = f".tar.{suffix} read, x the CPU of `{packer[0]} -dc`"
    return row(what, taken["reading"] / taken["bare"], LIMITS[suffix], "x")


def one(plain: Path, suffix: str, copies: int, rounds: int) -> None:
    """Measure the reading of one packing against its program, and the whole audit."""
    packer = PACKERS[suffix]
    packed = plain.with_name(f"report.tar.{suffix}")
    pack(plain, packed, packer, copies)
    reader = (*PYTHON, "-c", READ, str(HERE), str(packed))
    commands = {"bare": (packer[0], "-dc", str(packed)), "reading": reader, "audit": (*LWLINT, str(packed))}
    taken = medians(commands, rounds, HERE)
    name = f".tar.{suffix} ({packed.stat().st_size / 1e6:.0f} MB)"
    limit = LIMITS.get(suffix, 1.15)
    row(f"{name} read, x the CPU of `{packer[0]} -dc`", taken["reading"] / taken["bare"], limit, "x")
    row(f"{name} audited, x the CPU of `{packer[0]} -dc`", taken["audit"] / taken["bare"], limit, "x")
    row(f".tar.{suffix}, peak memory", peak((*LWLINT, str(packed)), HERE), 80, "MB")
    packed.unlink()


def blocks(plain: Path, rounds: int) -> None:
    """Measure an .xz of several blocks by the clock, against the program on one core, and its memory."""
    if shutil.which("xz") is None:
        print("`xz` IS MISSING: an .xz of several blocks is not measured")
        return
    packed = plain.with_name("blocks.tar.xz")
    pack(plain, packed, BLOCKS, 1)
    taken = medians({"bare": ("xz", "-T1", "-dc", str(packed)), "audit": (*LWLINT, str(packed))}, rounds, HERE, clock=True)
    row(".tar.xz of several blocks audited, x the time of `xz -T1 -dc`", taken["audit"] / taken["bare"], 1, "x")
    row(".tar.xz of several blocks audited, peak memory", peak((*LWLINT, str(packed)), HERE), 80, "MB")
    packed.unlink()


def unpacked(folder: Path, rounds: int) -> None:
    """Measure an unpacked report of 20,000 files."""
    unpack(folder, 20_000)
    commands = {"folder": (*PYTHON, "-c", FOLDER, str(HERE), str(folder)), "audit": (*LWLINT, str(folder))}
    taken = medians(commands, rounds, HERE)
    row("an unpacked report of 20,000 files found and read, CPU", taken["folder"], 1.0, "s")
    row("an unpacked report of 20,000 files audited, CPU", taken["audit"], 1.0, "s")


def large(folder: Path) -> None:
    """Measure the memory of a whole audit of an archive of 4 GB and 50,000 members; it is packed while it is made."""
    packed = folder / "large.tar.zst"
    sizes = 4_000_000_000 // 49_500
    noise = log(sizes, random.Random(1))
    with open(packed, "wb") as sink, subprocess.Popen(("zstd", "-q", "-1", "-c"), stdin=subprocess.PIPE, stdout=sink) as process:
        assert process.stdin is not None
        with tarfile.open(fileobj=process.stdin, mode="w|", format=tarfile.GNU_FORMAT) as tar:
            for name, content in (*files(0, 500), *((f"var/log/{i % 97}/{i}.log", noise) for i in range(49_500))):
                info = tarfile.TarInfo(f"{TOP}/{name}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    print(f"4 GB in 50,000 members, {packed.stat().st_size / 1e6:.0f} MB as .tar.zst")
    row(".tar.zst of 4 GB audited, peak memory", peak((*LWLINT, str(packed)), HERE), 80, "MB")
    copy = folder / "second.tar.zst"
    os.link(packed, copy)
    row("two of them with two workers, peak memory of a process", peak((*LWLINT, "-j", "2", str(packed), str(copy)), HERE), 80, "MB")


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
