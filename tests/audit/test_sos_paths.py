"""What an audit reads of a report, and what it leaves alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lwlint.audit.report_layout import WANTED, Search, Selected, capture
from lwlint.files.tree import Disk, Memory
from tests.files.archive_builder import TOP


@pytest.mark.parametrize(
    "path",
    [
        "version.txt",
        "hostname",
        "etc/nova/nova.conf",
        "etc/neutron/plugins/ml2/ml2_conf.ini",
        "etc/systemd/system/multi-user.target.wants/a.service",
        "run/systemd/system/haproxy.service.d/50-pacemaker.conf",
        "lib/systemd/system/a.service",
        "usr/lib/systemd/system/a.service",
        "var/lib/config-data/puppet-generated/nova_libvirt/etc/nova/nova.conf",
        "var/lib/openstack/config/nova/01-nova.conf",
        "var/lib/pacemaker/cib/cib.xml",
        "sos_commands/pacemaker/crm_report/controller-0/cib.xml.live",
        "sos_commands/cluster/crm_report/controller-0/cib.xml",
        "sos_commands/systemd/systemctl_show_service_--all",
        "sos_commands/docker/docker_inspect_nova_api",
        "sos_commands/rpm/sh_-c_rpm_--nodigest_-qa_--qf_.NAME._sort_-V",
        "crm_report-Wed/controller-0/cib.xml",
        "etc/puppet/hieradata/service_configs.json",
        "etc/apt/sources.list.d/cloudarchive-zed.list",
        "etc/sysconfig/cloud",
        "etc/default/openstack",
        "etc/init.d/nova-api",
        "etc/environment",
        "etc/openstack/nova.env",
        "etc/heat/environment",
    ],
)
def test_what_an_audit_reads_is_wanted_at_any_depth(path: str) -> None:
    for top in ("", TOP, f"case/01/sosreport-a.tar.xz/{TOP}", f"home/me/{TOP}", f"var/tmp/{TOP}"):
        folders = [(top + path)[:i] for i, sign in enumerate(top + path) if sign == "/"]
        assert (WANTED.member(top + path), [f for f in folders if not WANTED.below(f)]) == (True, [])


def test_every_file_that_is_looked_for_in_a_report_is_read_from_an_archive_too(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_for: list[str] = []

    def find(search: Search, pattern: str) -> list[str]:
        looked_for.append(pattern)
        return []

    monkeypatch.setattr(Search, "matching", find)
    capture(Memory({f"{TOP}etc/hostname": b"one"}), TOP)
    assert len(looked_for) > 60
    inner = "crm_report*/*/*/cib.xml*"  # in an archive that the report holds
    paths = [path.replace(inner, "crm_report.tar.gz/top/one/cib.xml") for path in looked_for]
    paths = [path.replace("ds/*/", "ds/cluster/").replace("*", "x") for path in paths]
    assert [path for path in paths if not WANTED.member(TOP + path)] == []


@pytest.mark.parametrize(
    "path",
    [
        "etc/nova/policy.json",
        "etc/passwd",
        "var/log/nova/nova-api.log",
        "var/lib/nova/instances/1/etc/nova/nova.conf",
        "var/lib/docker/overlay2/1/diff/etc/nova/nova.conf",
        "sos_commands/pacemaker/crm_report/controller-0/pengine/pe-input-1.bz2",
        "sos_commands/systemd/journalctl_--list-boots",
        "proc/1/root/etc/nova/nova.conf",
        "sys/etc/nova/nova.conf",
    ],
)
def test_what_an_audit_does_not_read_is_not_wanted(path: str) -> None:
    assert [WANTED.member(top + path) for top in ("", TOP, f"x.tar.xz/{TOP}")] == [False] * 3


def test_links_of_an_unpacked_report_are_followed_in_it_and_not_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = tmp_path / TOP
    for name in ("etc/nova", "etc/systemd/system", "usr/lib/systemd/system", "opt"):
        (top / name).mkdir(parents=True)
    (top / "usr/lib/systemd/system/a.service").write_text("inside")
    (tmp_path / "secret.conf").write_text("outside")
    links = {
        "lib": "/usr/lib",
        "etc/systemd/system/b.service": "/usr/lib/systemd/system/a.service",
        "etc/nova/nova.conf": str(tmp_path / "secret.conf"),
        "etc/nova/up.conf": "../../../secret.conf",
        "etc/nova/ring.conf": "ring.conf",
        "run": "/run",
    }
    for name, target in links.items():
        os.symlink(target, top / name)
    monkeypatch.chdir(tmp_path)
    for base, prefix in ((".", TOP), (TOP, TOP), (str(top), f"{top}/")):
        tree = Selected(Disk(), base, WANTED)
        assert tree.names(prefix + "lib/systemd/system") == ["a.service"]
        assert [tree.read(prefix + p) for p in ("lib/systemd/system/a.service", "etc/systemd/system/b.service")] == [b"inside"] * 2
        assert [tree.kind(prefix + p) for p in ("etc/nova/nova.conf", "lib", "run")] == ["link"] * 3
        outside = ["etc/nova/nova.conf", "etc/nova/ring.conf", "run", "run/systemd"]
        assert [tree.real_kind(prefix + p) for p in outside] == [None] * 4
        assert tree.target(prefix + "lib") == "/usr/lib"
        with pytest.raises(FileNotFoundError):
            tree.read(prefix + "etc/nova/nova.conf")
    assert Selected(Disk(), TOP, WANTED).real_kind(TOP + "etc/nova/up.conf") is None
    assert Selected(Disk(), TOP, WANTED).real_kind(str(tmp_path / "secret.conf")) is None
