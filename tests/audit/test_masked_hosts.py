"""Reports that `sos clean` masked, each host by itself: every host is called `host0` in its own."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from lwlint.audit.clusters import groups, seats
from lwlint.audit.targets import targets


def report(folder: Path, own: int, *, shared: bool = False) -> str:
    """Write a report of the host with the id `own`; with `shared` all hosts are masked by one map."""
    called = [f"host{n - 1}" if shared else "host0" if n == own else f"controller-{n}" for n in (1, 2, 3)]
    nodes = "".join(f'<node id="{n}" uname="{name}"/>' for n, name in enumerate(called, 1))
    root = folder / f"sosreport-{own}"
    for path, text in (
        ("sos_commands/date", ""),
        ("hostname", f"{called[own - 1]}.localdomain\n"),
        ("etc/hostname", f"{called[own - 1]}.localdomain\n"),
        ("var/lib/pacemaker/cib/cib.xml", f"<cib><configuration><crm_config/><nodes>{nodes}</nodes><resources/></configuration></cib>"),
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return str(root)


def found(paths: list[str]) -> list[tuple[int, int]]:
    return [(len(group.seats), len(group.older)) for group in groups(seats(targets(paths, ())))]


def test_hosts_that_were_masked_each_by_itself_all_count(tmp_path: Path) -> None:
    assert found([report(tmp_path, own) for own in (1, 2, 3)]) == [(1, 0)] * 3


def test_hosts_that_were_masked_together_are_one_cluster(tmp_path: Path) -> None:
    assert found([report(tmp_path, own, shared=True) for own in (1, 2, 3)]) == [(3, 0)]


def test_an_older_report_of_a_masked_host_does_not_count(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    assert found([report(tmp_path / name, 1) for name in ("old", "new")]) == [(1, 1)]


def anonymous(folder: Path, name: str, *, called: str = "host0", machine: str = "", clustered: bool = True) -> str:
    """Write a report without any id that the cluster has for the host: all that it tells of the cluster is what `pcs config` prints."""
    root = folder / f"sosreport-{name}"
    files = {
        "sos_commands/date": "",
        "hostname": f"{called}.localdomain\n",
        "etc/hostname": f"{called}.localdomain\n",
        "etc/machine-id": f"{machine}\n" if machine and machine.islower() else "",
        "sos_commands/host/hostnamectl_status": f"  Static hostname: {called}\n       Machine ID: {machine.lower()}\n" if machine else "",
        "sos_commands/pacemaker/pcs_config": PCS if clustered else "",
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return str(root)


PCS = (
    "Cluster Name: cloud\nCorosync Nodes:\n host0 host1 host2\nPacemaker Nodes:\n host0 host1 host2\n\nResources:\n\nCluster Properties:\n"
)


@pytest.mark.parametrize("clustered", [True, False])
def test_masked_hosts_of_which_nothing_tells_who_they_are_all_count(clustered: bool, tmp_path: Path) -> None:
    assert found([anonymous(tmp_path, name, clustered=clustered) for name in "abc"]) == [(1, 0)] * 3


@pytest.mark.parametrize("clustered", [True, False])
def test_the_id_of_the_machine_tells_which_reports_are_of_one_masked_host(clustered: bool, tmp_path: Path) -> None:
    machines = {"a": "0a", "b": "0B", "c": "0c", "d": "0b"}  # `0B` is told by `hostnamectl` alone
    paths = [anonymous(tmp_path, name, machine=machine, clustered=clustered) for name, machine in machines.items()]
    assert sorted(found(paths)) == [(1, 0), (1, 0), (1, 1)]


def test_a_masked_host_outside_the_cluster_is_not_taken_for_a_node_of_it(tmp_path: Path) -> None:
    assert found([report(tmp_path, 1), anonymous(tmp_path, "compute", clustered=False)]) == [(1, 0), (1, 0)]


def test_hosts_that_were_masked_together_are_known_by_their_names(tmp_path: Path) -> None:
    paths = [anonymous(tmp_path, f"{name}-{n}", called=name) for name in ("host0", "host1", "host2") for n in (1, 2)]
    assert found(paths) == [(3, 3)]


def test_the_id_of_the_machine_is_kept_of_an_archive(tmp_path: Path) -> None:
    for name, machine in (("a", "0a"), ("b", "0b")):
        root = anonymous(tmp_path / name, name, machine=machine, clustered=False)
        with tarfile.open(tmp_path / f"sosreport-{name}.tar.xz", "w:xz") as archive:
            archive.add(root, f"sosreport-{name}")
    (answer,) = (groups(seats(targets([str(path) for path in sorted(tmp_path.glob("*.xz"))], ()))),)
    assert sorted(seat.machine for group in answer for seat in group.seats) == ["0a", "0b"]
