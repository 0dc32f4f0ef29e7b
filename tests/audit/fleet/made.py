"""Made-up fleets: small clusters of three hosts, built from a fixture, with planted faults, doubles, damaged archives and a bomb."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from lwlint.audit import audit
from lwlint.audit.answer import ClusterAnswer
from lwlint.audit.targets import targets
from lwlint.run import load_rules
from tests.audit.audit_cluster import CIB, NODES, host, top
from tests.files.archive_builder import header, tar

_KEPT = ("etc/nova/", "etc/cinder/", "etc/corosync/", CIB, "version.txt", "sos_commands/")
_UNITS = ("nova-api", "cinder-volume", "haproxy", "heat-engine")
DOUBLE, CUT, NO_CIB, BOMB = 3, 5, 7, 50  # clusters by their number, the first three by its last digit
RETRIES = "max_retries"


@lru_cache(maxsize=12)
def _files(node: str, day: str) -> Mapping[str, bytes]:
    files = host("newton", node, None, day)
    kept = {path: content for path, content in files.items() if path.startswith(_KEPT) or any(unit in path for unit in _UNITS)}
    return {path: text.encode() if isinstance(text, str) else text for path, text in kept.items() if isinstance(text, (str, bytes))}


def report(number: int, node: int, day: str = "2016-11-23") -> bytes:
    """Return the archive of one host of one cluster, each cluster with its own names and, one in three, a fault of its own."""
    files = dict(_files(NODES[node], day))
    if number % 10 == NO_CIB and node == 2:
        del files[CIB]
    old, new = b"overcloud-controller", b"c%03d-controller" % number
    files = {path: data.replace(old, new).replace(b"tripleo_cluster", b"cloud%03d" % number) for path, data in files.items()}
    if number % 3 == 0:
        path = next(path for path in files if path.endswith("cinder.conf"))
        files[path] = files[path].replace(b"max_retries", b"was_retries") + b"\n[database]\nmax_retries = %d\n" % (number % 7)
    data = tar(files, top=top(NODES[node].replace(old.decode(), new.decode()), day))
    return lzma.compress(data, preset=0) if number % 4 == 0 else gzip.compress(data, 1, mtime=0)


def bomb() -> bytes:
    return gzip.compress(header(b"var/log/messages", 200_000_000) + bytes(200_000_000), 6, mtime=0)


def archives(number: int) -> dict[str, bytes]:
    """Return the three archives of a cluster by name: one of them in another folder than the others."""
    suffix = "tar.xz" if number % 4 == 0 else "tar.gz"
    names = [f"case-{number:03}/sosreport-c{number:03}-controller-{node}.{suffix}" for node in range(3)]
    names[1] = names[1].replace(f"case-{number:03}", "elsewhere")
    found = {name: report(number, node) for node, name in enumerate(names)}
    if number % 10 == DOUBLE:
        found[names[2]] = report(number, 0, "2016-10-01")
    if number % 10 == CUT:
        found[names[2]] = found[names[2]][: len(found[names[2]]) * 2 // 3]
    if number == BOMB:
        found[names[2]] = bomb()
    return found


def fleet(folder: Path, clusters: range) -> dict[int, list[str]]:
    """Write the archives of these clusters, and return their paths by cluster."""
    paths: dict[int, list[str]] = {}
    for number in clusters:
        for name, data in archives(number).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            paths.setdefault(number, []).append(str(path))
    return paths


def audited(paths: Mapping[int, list[str]]) -> dict[str, ClusterAnswer]:
    """Return what an audit says of each cluster's archives, by its name."""
    rules = load_rules(examples=False)
    found: dict[str, ClusterAnswer] = {}
    for some in paths.values():
        (answer,) = audit(targets(some, []), rules).clusters
        assert answer.name not in found
        found[answer.name] = answer
    return found
