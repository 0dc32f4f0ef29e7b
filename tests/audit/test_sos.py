"""Of each report the best evidence is used, whichever version of sos wrote it, and what is missing is said."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from lwlint.audit.report_layout import (
    CIB,
    CLUSTER_STATUS,
    CONTAINERS,
    COROSYNC,
    OPTIONS,
    PACKAGES,
    RUNTIME_UNITS,
    UNIT_SETTINGS,
    UNIT_STATES,
    UNITS,
    WANTED,
    Selected,
    capture,
    captures,
)
from lwlint.files.archive import read_archive
from lwlint.files.discover import Discovery
from lwlint.files.tree import Disk, Memory
from lwlint.inputs import KINDS
from tests.files.archive_builder import PACKERS, TOP, tar
from tests.shared import shared

SYSTEMD = {"etc/systemd/system/a.service": "[Unit]\n", "usr/lib/systemd/system/b.service": "[Unit]\n"}
REPORTS: dict[str, dict[str, str]] = {
    "3.2": {
        "version.txt": "sosreport: 3.2\n",
        "sos_commands/cluster/crm_report/controller-0/cib.xml": "<cib/>",
        "sos_commands/cluster/crm_report/controller-0/corosync.conf": "x",
        "sos_commands/cluster/crm_mon_-1_-A_-n_-r_-t": "3 Nodes configured\n",
        "sos_commands/general/hostname": "controller-0\n",
        "sos_commands/general/date": "Thu Mar  3 04:05:06 UTC 2016\n",
        "sos_commands/rpm/sh_-c_rpm_--nodigest_-qa_--qf": "x",
        "sos_commands/systemd/systemctl_show_--all": "Version=219\n",
        "sos_commands/systemd/systemctl_list-unit-files": "b.service  enabled\n",
        "etc/nova/nova.conf": "[database]\n",
        "lib/systemd/system/b.service": "x",
    },
    "3.4": {
        "version.txt": "sosreport: 3.4\n",
        "sos_commands/pacemaker/pcs_config": "Cluster Name: x\n",
        "sos_commands/pacemaker/pcs_status": "Error: error running crm_mon, is pacemaker running?\n",
        "sos_commands/pacemaker/crm_report/controller-0/cib.xml": "",
        "var/lib/pacemaker/cib/cib.xml": "<cib/>",
        "sos_commands/systemd/systemctl_show_service_--all": "Type=simple\nId=b.service\n",
        "hostname": "controller-0.localdomain\n",
        "installed-rpms": "x",
        "etc/nova/nova.conf": "[database]\n",
        **SYSTEMD,
    },
    "3.9": {
        "version.txt": "sosreport: 3.9\n",
        "sos_commands/pacemaker/crm_report/controller-1/cib.xml": "<cib/>",
        "sos_commands/pacemaker/crm_report/controller-0/cib.xml": "<cib/>",
        "sos_commands/pacemaker/crm_report/controller-0/cib.xml.live": "<cib/>",
        "sos_commands/pacemaker/pcs_config": "x",
        "sos_commands/host/hostname": "controller-0\n",
        "sos_commands/podman/containers/podman_inspect_nova_api": "[]",
        "var/lib/config-data/puppet-generated/nova/etc/nova/nova.conf": "x",
        "var/lib/config-data/nova_libvirt/etc/nova/nova.conf": "x",
        "var/lib/config-data/swift/etc/swift/swift.conf": "x",
        "etc/nova/nova.conf": "x",
        "etc/cinder/cinder.conf": "x",
        "run/systemd/system/haproxy.service.d/50-pacemaker.conf": "x",
        **SYSTEMD,
    },
    "pcs only": {
        "version.txt": "sos report: 4.5.1\n",
        "sos_commands/pacemaker/pcs_config": "Cluster Name: x\n",
        "etc/hostname": "controller-2",
    },
}  # fmt: skip


def used(version: str, kind: str) -> list[tuple[str, bool]]:
    found = capture(Memory({TOP + path: text for path, text in REPORTS[version].items()}), TOP)
    return [(evidence.path[len(TOP) :], evidence.weaker) for evidence in found.of(kind)]


@pytest.mark.parametrize(
    ("version", "kind", "paths"),
    [
        ("3.2", CIB, [("sos_commands/cluster/crm_report/controller-0/cib.xml", False)]),
        ("3.2", CLUSTER_STATUS, [("sos_commands/cluster/crm_mon_-1_-A_-n_-r_-t", False)]),
        ("3.2", COROSYNC, [("sos_commands/cluster/crm_report/controller-0/corosync.conf", False)]),
        ("3.2", UNITS, [("lib/systemd/system", False)]),
        ("3.2", UNIT_SETTINGS, []),
        ("3.2", PACKAGES, [("sos_commands/rpm/sh_-c_rpm_--nodigest_-qa_--qf", False)]),
        ("3.4", CIB, [("var/lib/pacemaker/cib/cib.xml", False)]),
        ("3.4", UNIT_SETTINGS, [("sos_commands/systemd/systemctl_show_service_--all", False)]),
        ("3.4", RUNTIME_UNITS, []),
        ("3.4", OPTIONS, [("etc/nova", False)]),
        ("3.9", CIB, [("sos_commands/pacemaker/crm_report/controller-0/cib.xml.live", False)]),
        ("3.9", RUNTIME_UNITS, [("run/systemd/system", False)]),
        ("3.9", OPTIONS, [("var/lib/config-data/puppet-generated/nova/etc/nova", False), ("etc/cinder", True)]),
        ("3.9", CONTAINERS, [("sos_commands/podman/containers/podman_inspect_nova_api", False)]),
        ("pcs only", CIB, [("sos_commands/pacemaker/pcs_config", True)]),
    ],
)
def test_the_best_evidence_is_used(version: str, kind: str, paths: list[tuple[str, bool]]) -> None:
    assert used(version, kind) == paths


def test_the_complaint_of_a_command_is_no_evidence_and_is_said() -> None:
    found = capture(Memory({TOP + path: text for path, text in REPORTS["3.4"].items()}), TOP)
    (missing,) = (item.looked_for for item in found.missing if item.kind == CLUSTER_STATUS)
    assert missing[0] == "sos_commands/pacemaker/pcs_status, which says only `Error: error running crm_mon, is pacemaker running?`"
    offline = "System has not been booted with systemd as init system (PID 1). Can't operate.\nFailed to connect to bus: Host is down\n"
    show = "sos_commands/systemd/systemctl_show_service_--all"
    found = capture(Memory({TOP + show: offline}), TOP)
    (missing,) = (item.looked_for for item in found.missing if item.kind == UNIT_SETTINGS)
    assert missing[0].startswith(f"{show}, which says only `System has not been booted with systemd")


def test_what_is_missing_is_said_with_where_it_was_looked_for() -> None:
    found = capture(Memory({TOP + path: text for path, text in REPORTS["pcs only"].items()}), TOP)
    missing = {item.kind: item.looked_for for item in found.missing}
    assert missing[UNITS] == ("usr/lib/systemd/system", "lib/systemd/system")
    assert missing[UNIT_STATES] == ("sos_commands/systemd/systemctl_list-unit-files*",)
    assert missing[RUNTIME_UNITS] == ("run/systemd/system",)
    assert missing[COROSYNC][0] == "etc/corosync/corosync.conf"
    assert CONTAINERS not in missing  # nothing tells that there are any
    nothing = capture(Memory({TOP + "sos_commands/x": "x"}), TOP)
    assert {item.kind: item.looked_for for item in nothing.missing}[CIB][
        0
    ] == "sos_commands/pacemaker/crm_report/*/cib.xml.live" or nothing.host


@pytest.mark.parametrize(
    ("version", "host", "numbers", "captured"),
    [
        ("3.2", "controller-0", (3, 2), "2016-03-03 04:05:06"),
        ("3.4", "controller-0.localdomain", (3, 4), "2016-11-23"),
        ("3.9", "controller-0", (3, 9), "2016-11-23"),
        ("pcs only", "controller-2", (4, 5, 1), "2016-11-23"),
    ],
)
def test_a_report_tells_its_host_its_version_and_its_time(version: str, host: str, numbers: tuple[int, ...], captured: str) -> None:
    found = capture(Memory({TOP + path: text for path, text in REPORTS[version].items()}), TOP)
    assert (found.host, found.version, found.captured, found.form) == (host, numbers, captured, "sos")


@pytest.mark.parametrize(
    ("folder", "host", "captured"),
    [
        ("sosreport-overcloud-controller-0-20160303040506", "overcloud-controller-0", "2016-03-03 04:05:06"),
        ("sosreport-overcloud-controller-0.01234567-20160303040506", "overcloud-controller-0", "2016-03-03 04:05:06"),
        ("sosreport-controller-1-2026-11-23-zttkhuk", "controller-1", "2026-11-23"),
        ("sosreport-controller-1-case-2026-11-23-zttkhuk", "controller-1-case", "2026-11-23"),
    ],
)
def test_a_report_without_a_host_name_is_called_by_its_folder(folder: str, host: str, captured: str) -> None:
    found = capture(Memory({f"{folder}/sos_commands/x": "x"}), f"{folder}/")
    assert (found.host, found.captured) == (host, captured)


def test_reports_hosts_and_cluster_reports_are_found_at_any_depth() -> None:
    tree = Memory(
        {
            "case/a/sosreport-a/sos_commands/x": "x",
            "case/b/sosreport-b/sos_commands/x": "x",
            "case/b/sosreport-b/etc/sub/etc/x": "x",
            "crm_report-1/controller-0/cib.xml": "<cib/>",
            "crm_report-1/controller-1/cib.xml.live": "<cib/>",
            "crm_report-1/controller-1/cib.xml": "<cib/>",
            "root/etc/hostname": "here",
            "root/usr/lib/systemd/system/x.service": "x",
            "loose/nova.conf": "x",
            "part/etc/hostname": "there",
            "part/etc/nova/nova.conf": "x",
            "checkout/etc/nova/nova.conf": "x",
        }
    )
    found = captures(tree)
    assert [(c.root, c.form) for c in found] == [
        ("case/a/sosreport-a/", "sos"),
        ("case/b/sosreport-b/", "sos"),
        ("crm_report-1/", "crm_report"),
        ("part/", "host"),
        ("root/", "host"),
    ]
    assert [e.path for e in found[2].evidence] == ["crm_report-1/controller-0/cib.xml", "crm_report-1/controller-1/cib.xml.live"]
    assert [c.root for c in captures(tree, "root")] == ["root/"]


def test_the_real_report_has_what_an_audit_needs() -> None:
    path = shared("corpus/sos/light-controller-1.sos-4.12.tar.xz")
    archive = read_archive(lambda: path.open("rb"), "x.tar.xz", WANTED)
    (found,) = captures(archive.tree)
    top = "sosreport-controller-1-2026-11-23-zttkhuk/"
    assert (found.root, found.host, found.version, found.in_containers) == (top, "controller-1", (4, 12, 0), True)
    assert [(e.kind, e.path[len(top) :]) for e in found.evidence if e.kind not in (OPTIONS, UNITS)] == [
        (CIB, "sos_commands/pacemaker/crm_report/controller-1/cib.xml.live"),
        (CLUSTER_STATUS, "sos_commands/pacemaker/pcs_status_--full"),
        (COROSYNC, "etc/corosync/corosync.conf"),
        (RUNTIME_UNITS, "run/systemd/system"),
        (UNIT_SETTINGS, "sos_commands/systemd/systemctl_show_service_--all"),
        (UNIT_STATES, "sos_commands/systemd/systemctl_list-unit-files"),
    ]
    assert [m.kind for m in found.missing] == [CONTAINERS, PACKAGES, "release files"]


def test_an_archive_of_any_packing_gives_the_same_sources_as_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared("corpus/sos/light-controller-1.sos-4.12.tar.xz")
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path, filter="fully_trusted")
    monkeypatch.chdir(tmp_path)
    folder = Selected(Disk(), ".", WANTED)
    expected = Discovery(folder, KINDS).add(["."])
    import lzma

    plain = lzma.decompress(path.read_bytes())
    for packer in PACKERS.values():
        data = packer(plain)
        tree = read_archive(lambda data=data: io.BytesIO(data), "x", WANTED).tree  # type: ignore[misc]
        found = Discovery(tree, KINDS).add(["."])
        assert (found.sources, found.links, found.unreadable) == (expected.sources, expected.links, expected.unreadable)
        assert captures(tree) == captures(folder)


def test_only_what_is_wanted_is_listed_and_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("etc/nova/nova.conf", "etc/nova/policy.json", "var/log/messages", "proc/1/environ", "sos_commands/process/ps"):
        (tmp_path / TOP / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / TOP / name).write_text("x")
    os.symlink("/usr/lib", tmp_path / TOP / "lib")
    monkeypatch.chdir(tmp_path)
    assert Selected(Disk(), ".", WANTED).names(TOP[:-1]) == ["etc", "lib", "sos_commands", "var"]
    tree = Selected(Disk(), TOP, WANTED)
    assert tree.names(TOP + "etc/nova") == ["nova.conf"]
    assert [tree.kind(TOP + p) for p in ("proc", "proc/1/environ", "etc/nova/policy.json", "etc/nova")] == [None, None, None, "folder"]
    assert tree.names("/etc") == []


def test_reports_in_a_collectors_archive_are_each_found() -> None:
    inner = {
        f"c/sosreport-{n}.tar.xz": PACKERS["tar.xz"](
            tar({f"sosreport-{n}/sos_commands/host/hostname": n, f"sosreport-{n}/etc/nova/nova.conf": "x"})
        )
        for n in ("a", "b")
    }
    data = tar(inner)
    archive = read_archive(lambda: io.BytesIO(data), "c.tar", WANTED)
    assert [(c.root, c.host) for c in captures(archive.tree)] == [
        ("c/sosreport-a.tar.xz/sosreport-a/", "a"),
        ("c/sosreport-b.tar.xz/sosreport-b/", "b"),
    ]


def test_a_cluster_report_by_itself_is_read() -> None:
    data = PACKERS["tar.bz2"](tar({"crm_report-1/controller-0/cib.xml": "<cib/>", "crm_report-1/controller-0/journal.log": "x"}))
    archive = read_archive(lambda: io.BytesIO(data), "crm_report-1.tar.bz2", WANTED)
    assert [(c.form, [e.path for e in c.evidence]) for c in captures(archive.tree)] == [
        ("crm_report", ["crm_report-1/controller-0/cib.xml"])
    ]


def test_a_cluster_report_packed_in_a_report_is_read() -> None:
    packed = PACKERS["tar.bz2"](tar({"crm_report/controller-0/cib.xml": "<cib/>"}))
    place = TOP + "sos_commands/cluster/crm_report.tar.bz2"
    data = tar({place: packed, TOP + "etc/hostname": "controller-0"})
    archive = read_archive(lambda: io.BytesIO(data), "x.tar", WANTED)
    (found,) = captures(archive.tree)
    assert [e.path for e in found.of(CIB)] == [f"{place}/crm_report/controller-0/cib.xml"]
