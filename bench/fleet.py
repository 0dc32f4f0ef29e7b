"""What a fleet costs, as ratios of one run: `python -m bench.fleet`; `--full` takes the sizes that docs/fleet.md plans by.

Archives are made here: small reports of three hosts to a cluster, larger ones with logs, and one of a size that no memory holds.
CPU is that of all processes of a run, those of workers and of the processes beside them included.
"""

from __future__ import annotations

import argparse
import ctypes
import io
import os
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.archives import build, pack
from bench.measure import HERE, row

OVERHEAD, FASTER, MEMORY, TABLES, STRAIGHT = 1.15, 1.8, 400, 1.0, 10  # x, x, MB, CPU seconds, percent
_SUBREAPER = 36  # prctl(2): what a child leaves behind is waited for here, so that its CPU time counts
_NODES = 3
_LWLINT = (sys.executable, "-m", "lwlint")


class Sizes(NamedTuple):
    """How much is made: clusters of small reports, larger archives and their megabytes unpacked, megabytes of the largest one."""

    clusters: int
    larger: int
    megabytes: int
    largest: int
    line: tuple[int, ...]


SMALL = Sizes(40, 8, 25, 300, (100, 300, 900))
FULL = Sizes(667, 200, 50, 2000, (100, 1000, 10_000))


class Taken(NamedTuple):
    """What a run took: CPU seconds of all its processes, seconds by the clock, MB of the largest worker with what works beside it."""

    cpu: float
    clock: float
    memory: float


def main() -> int:
    """Measure and print; return 1 if a limit is not met."""
    parser = argparse.ArgumentParser(prog="bench.fleet", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the sizes that the documentation plans by, which take an hour")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    sizes = FULL if options.full else SMALL
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    print(f"load of this machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top)
        met = [
            *overhead(folder, sizes, options.rounds),
            *throughput(folder, sizes, options.rounds),
            memory(folder, sizes),
            *tables(folder),
            straight(folder, sizes),
        ]
    return 0 if all(met) else 1


def report(number: int, node: int) -> bytes:
    """Return the archive of one small host, with the files of a fixture and names of its own."""
    base = HERE / "fixtures" / "newton"
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz", compresslevel=1) as archive:
        for path in sorted(base.rglob("*")):
            if path.is_file() and not path.is_symlink():
                _add(archive, number, node, path.relative_to(base).as_posix(), path.read_bytes())
        _add(archive, number, node, "version.txt", b"sosreport: 3.6\n")
        _add(archive, number, node, "sos_commands/host/hostname", b"overcloud-controller-%d\n" % node)
    return sink.getvalue()


def tiny(number: int, node: int) -> bytes:
    """Return an archive with nothing but a name and a CIB."""
    sink = io.BytesIO()
    nodes = "".join(f'<node id="{i}" uname="c{number}-controller-{i}"/>' for i in range(_NODES))
    cib = (
        f'<cib crm_feature_set="3.0.10"><configuration><crm_config/><nodes>{nodes}</nodes><resources/><constraints/></configuration></cib>'
    )
    with tarfile.open(fileobj=sink, mode="w") as archive:
        _add(archive, number, node, "sos_commands/host/hostname", b"overcloud-controller-%d\n" % node)
        _add(archive, number, node, "var/lib/pacemaker/cib/cib.xml", cib.encode())
    return sink.getvalue()


def _add(archive: tarfile.TarFile, number: int, node: int, path: str, data: bytes) -> None:
    data = data.replace(b"overcloud-controller", b"c%d-controller" % number).replace(b"tripleo_cluster", b"cloud%d" % number)
    info = tarfile.TarInfo(f"sosreport-c{number}-controller-{node}-2016-11-23-abcdefg/{path}")
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def clusters(folder: Path, count: int, make: Callable[[int, int], bytes]) -> Path:
    folder.mkdir()
    for number in range(count):
        for node in range(_NODES):
            (folder / f"sosreport-c{number}-controller-{node}.tar.gz").write_bytes(make(number, node))
    return folder


def taken(command: Sequence[str]) -> Taken:
    """Run a command, and return what it took with all that it started."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=HERE)
    peaks: dict[str, float] = {}
    ended = threading.Event()
    watching = threading.Thread(target=_watch, args=(process.pid, peaks, ended))
    watching.start()
    said = process.communicate()[1]
    clock = time.monotonic() - start
    ended.set()
    watching.join()
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(command)}: exit code {process.returncode}: {said.decode(errors='replace')[-300:]}")
    while True:  # what was left behind ends soon, as its worker is gone
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            break
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Taken(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, clock, max(peaks.values(), default=0.0))


def _watch(top: int, peaks: dict[str, float], ended: threading.Event) -> None:
    """Note the most memory that each worker takes together with the process beside it: a parent and its `lwlint.audit.fleet.desk`."""
    while not ended.wait(0.1):
        for name in os.listdir("/proc"):
            try:
                if name.isdigit() and b"lwlint.audit.fleet.desk" in Path("/proc", name, "cmdline").read_bytes():
                    parent = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()[1]
                    peaks[parent] = max(peaks.get(parent, 0.0), _resident(name) + _resident(parent))
            except OSError:
                continue


def _resident(process: str) -> float:
    return int(Path("/proc", process, "statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def fleet(source: Path, store: Path, workers: int) -> tuple[str, ...]:
    return (*_LWLINT, "fleet", "run", str(source), "--into", str(store), "--workers", str(workers))


def overhead(folder: Path, sizes: Sizes, rounds: int) -> list[bool]:
    """Measure the CPU of a fleet against that of an audit of the same archives."""
    source = clusters(folder / "small", sizes.clusters, report)
    audits, fleets = [], []
    for number in range(rounds):
        audits.append(taken((*_LWLINT, "audit", "-j", "2", "--format", "json", str(source))).cpu)
        fleets.append(taken(fleet(source, folder / f"store-small-{number}", 2)).cpu)
    alone = taken(fleet(clusters(folder / "one", 1, tiny), folder / "store-one", 2)).cpu
    audit, found = statistics.median(audits), statistics.median(fleets)
    each = sizes.clusters * _NODES
    print(f"{each} small archives: audit {audit:.1f}, fleet {found:.1f} CPU seconds, of which {alone:.1f} are starting and ending it")
    row("CPU of a fleet x that of `audit -j 2`, all of it", found / audit, OVERHEAD, "x")
    return [row("the same without starting and ending it", (found - alone) / audit, OVERHEAD, "x")]


def throughput(folder: Path, sizes: Sizes, rounds: int) -> list[bool]:
    """Measure how much faster two workers are than one, by the clock, with compressed archives."""
    plain, source = folder / "plain.tar", folder / "larger"
    source.mkdir()
    build(plain, sizes.megabytes, 1000)
    pack(plain, source / "sosreport-0.tar.xz", ("xz", "-1"), 1)
    plain.unlink()
    data = (source / "sosreport-0.tar.xz").read_bytes()
    for number in range(1, sizes.larger):
        (source / f"sosreport-{number}.tar.xz").write_bytes(data)
    ones, twos = [], []
    empty = clusters(folder / "start", 1, tiny)
    starts = [taken(fleet(empty, folder / f"store-start-{workers}", workers)).clock for workers in (1, 2)]
    for number in range(rounds):
        ones.append(taken(fleet(source, folder / f"store-1-{number}", 1)).clock - starts[0])
        twos.append(taken(fleet(source, folder / f"store-2-{number}", 2)).clock - starts[1])
    first, second = statistics.median(ones), statistics.median(twos)
    print(f"{sizes.larger} archives of {sizes.megabytes} MB: {first:.1f} s with one worker, {second:.1f} s with two, starting left out")
    return [row("throughput of two workers x that of one", first / second, FASTER, "x", at_least=True)]


def memory(folder: Path, sizes: Sizes) -> bool:
    """Measure the memory of the larger of two workers, with the process beside it, with four of the largest archives."""
    plain, source = folder / "plain.tar", folder / "largest"
    source.mkdir()
    build(plain, 100, 3000)
    pack(plain, source / "sosreport-0.tar.gz", ("gzip", "-1"), max(1, sizes.largest // 100))
    plain.unlink()
    for number in range(1, 4):
        os.link(source / "sosreport-0.tar.gz", source / f"sosreport-{number}.tar.gz")
    found = taken(fleet(source, folder / "store-largest", 2)).memory
    return row(f"memory of a worker with four archives of {sizes.largest} MB", found, MEMORY, "MB")


def tables(folder: Path) -> list[bool]:
    """Measure 100,000 findings: writing them as Parquet, and asking DuckDB for the clusters with the most errors."""
    import duckdb

    from lwlint.audit.fleet.tables import FindingRow, parquet

    rows = [
        FindingRow(
            run="r",
            cluster=f"{number % 3000:016x}",
            finding=f"{number:020x}",
            code=f"LW{number % 60 + 100}",
            rule=f"rule-{number % 60}",
            severity=("error", "warning", "note")[number % 3],
            clause=f"clause-{number % 15}",
            message=f"service-{number % 400}.service: `Restart` is `no`; it must be `always`",
            subject=f"service-{number % 400}.service",
            hosts=tuple(f"c{number % 3000}-controller-{i}" for i in range(3)),
            places=tuple(f"c{number % 3000}-controller-{i}:etc/x.conf:{number % 100}:1" for i in range(3)),
            text="Restart=no",
            commands=("each host: systemctl daemon-reload",),
            allowed=None,
        )
        for number in range(100_000)
    ]
    start = time.process_time()
    data = parquet(FindingRow, rows)
    wrote = time.process_time() - start
    path = folder / "findings.parquet"
    path.write_bytes(data)
    start = time.process_time()
    asked = (
        "SELECT cluster, count(*) AS n, count(DISTINCT message) FROM read_parquet(?) WHERE severity = 'error' GROUP BY 1 ORDER BY n DESC"
    )
    found = duckdb.execute(asked, [str(path)]).fetchall()
    read = time.process_time() - start
    assert len(found) == 1000
    print(f"100,000 findings are {len(data) / 1e6:.1f} MB of Parquet")
    return [
        row("writing 100,000 findings, CPU seconds", wrote, TABLES, "s"),
        row("DuckDB asking them, CPU seconds", read, TABLES, "s"),
    ]


def straight(folder: Path, sizes: Sizes) -> bool:
    """Measure whether an archive costs the same however many there are: how far the middle is off the line through the ends."""
    points = []
    for count in sizes.line:
        source = clusters(folder / f"line-{count}", (count + _NODES - 1) // _NODES, tiny)
        points.append((count, taken(fleet(source, folder / f"store-line-{count}", 2)).cpu))
    (first, low), (middle, between), (last, high) = points
    each = (high - low) / (last - first)
    expected = low + each * (middle - first)
    print(f"{', '.join(f'{count} archives: {cpu:.1f}' for count, cpu in points)} CPU seconds; {each * 1000:.1f} ms for each")
    return row("off a straight line, percent", abs(between - expected) / expected * 100, STRAIGHT, "%")


if __name__ == "__main__":
    sys.exit(main())
