"""Reports of SUSE's supportconfig: a folder, an archive, and `ha.txt` by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.audit.test_audit import answer
from tests.files.archive_builder import PACKERS, tar
from tests.inputs.pacemaker.test_supportconfig import HEAD, part

Capsys = pytest.CaptureFixture[str]
RESOURCES = """node 1: one
node 2: two
primitive haproxy systemd:haproxy op monitor interval=10s
primitive vip IPaddr2 params ip=192.0.2.10 op monitor interval=10s
primitive nova-api systemd:openstack-nova-api op monitor interval=10s
clone cl-haproxy haproxy
clone cl-nova-api nova-api
colocation c inf: vip cl-haproxy
order o Optional: vip cl-haproxy
property cib-bootstrap-options: cluster-name=suse dc-version=1.1.16-6.11.1
rsc_defaults rsc-options: resource-stickiness=1
"""
STATUS = """Stack: corosync
Current DC: one (version 1.1.16-6.11.1) - partition with quorum
2 nodes configured
4 resources configured

Online: [ one two ]

Full list of resources:

 Clone Set: cl-haproxy [haproxy]
     Started: [ one ]
     Stopped: [ two ]
 vip\t(ocf::heartbeat:IPaddr2):\tStarted two
"""
HA = HEAD + part("/usr/sbin/crm_mon -r -1", STATUS) + part("/usr/sbin/crm configure show", RESOURCES)
BASIC = HEAD + part("/bin/date", "Mon Nov 26 10:00:00 CET 2018") + part("/bin/uname -a", "Linux one 4.4.0-default #1 SMP x86_64 GNU/Linux")
FILES = {"ha.txt": HA, "basic-environment.txt": BASIC}
FOUND = [("LW101", "sos_commands/pacemaker/crm_configure_show"), ("LW507", "sos_commands/pacemaker/crm_mon_-r_-1")]


def errors(plain: Any) -> list[tuple[str, Any]]:
    (cluster,) = plain["clusters"]
    return [(f["code"], f["places"][0]) for f in cluster["findings"] if f["severity"] == "error"]


@pytest.mark.parametrize("packing", ["", "tar.gz", "tar.xz"])
def test_a_report_is_judged_as_one_of_sos(packing: str, tmp_path: Path, capsys: Capsys) -> None:
    path = tmp_path / "scc_one_181126_1000"
    if packing:
        path = tmp_path / f"scc_one_181126_1000.{packing}"
        path.write_bytes(PACKERS[packing](tar({**FILES}, top="scc_one_181126_1000/")))
    else:
        path.mkdir()
        for name, text in FILES.items():
            (path / name).write_text(text)
    plain = answer([str(path)], capsys, 1)
    (host,) = plain["clusters"][0]["hosts"]
    assert (host["name"], plain["clusters"][0]["name"]) == ("one", "suse")
    found = errors(plain)
    assert [(code, place["path"].rpartition("181126_1000/")[2]) for code, place in found] == FOUND
    lines = HA.split("\n")
    assert ["nova-api" in lines[place["line"] - 1] or "vip" in lines[place["line"] - 1] for _, place in found] == [True, True]


def test_the_file_of_the_cluster_is_judged_by_itself(tmp_path: Path, capsys: Capsys) -> None:
    path = tmp_path / "ha.txt"
    path.write_text(HA)
    assert [code for code, _ in errors(answer([str(path)], capsys, 1))] == ["LW101", "LW507"]


def test_a_cib_goes_before_the_print_of_crm(tmp_path: Path, capsys: Capsys) -> None:
    resources = '<resources><primitive id="x" class="systemd" type="x"/></resources>'
    cib = f"<configuration><crm_config/><nodes/>{resources}<constraints/></configuration><status/></cib>"
    cib = f'<cib validate-with="pacemaker-2.5" admin_epoch="0" epoch="1" num_updates="0">{cib}'
    long = part("/bin/ls -lR", "\n" * 9000 + "end")
    (tmp_path / "ha.txt").write_text(HA + long + part("/usr/sbin/cibadmin -Q", cib))
    plain = answer([str(tmp_path)], capsys, 0)
    assert errors(plain) == []
    (tmp_path / "ha.txt").write_text(HA + part("/usr/sbin/cibadmin -Q", "Signon to CIB failed: Transport endpoint is not connected"))
    assert [code for code, _ in errors(answer([str(tmp_path)], capsys, 1))] == ["LW101", "LW507"]


def test_a_report_without_a_cluster_is_nothing_to_judge(tmp_path: Path, capsys: Capsys) -> None:
    (tmp_path / "ha.txt").write_text(HEAD + part("/bin/rpm -V pacemaker", "package pacemaker is not installed"))
    assert answer([str(tmp_path)], capsys)["clusters"] == []
