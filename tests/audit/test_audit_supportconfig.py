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


def conf(path: str, text: str) -> str:
    return f"\n#==[ Configuration File ]===========================#\n# {path}\n{text}\n\n"


def shown(unit: str, *lines: str) -> str:
    return part(f"/usr/bin/systemctl show '{unit}' | sort", "\n".join(sorted((f"Id={unit}", "LoadState=loaded", *lines))))


HIDDEN = "<<CENSORED BY SUPPORTCONFIG PLUGIN>>"
PLUGIN = (
    "\n#==[ Section Header ]===============================#\n# OpenStack config files\n\n"
    + conf("/etc/heat/heat.conf", f"[database]\nconnection = mysql+pymysql://heat:{HIDDEN}@192.0.2.9/heat\nmax_retries = -1")
    + conf("/etc/heat/heat.conf.d/100-heat.conf", "[database]\nmax_retries = 10")
    + conf("/etc/heat/../nova/nova.conf", "[database]\nmax_retries = 10")
    + "#==[ Configuration File ]===========================#\n# /etc/cinder/cinder.conf - File not found\n\n"
    + "\n#==[ Log File ]=====================================#\n# /etc/glance/glance-api.conf - Last 10000 Lines\n"
    + "[database]\nmax_retries = 10\n"
)
UNITS = (
    HEAD
    + part("/usr/bin/systemctl --failed", "0 loaded units listed.")
    + shown(
        "openstack-heat-engine.service",
        "ActiveState=active",
        "Restart=no",
        "UnitFileState=enabled",
        "ExecStart={ path=/usr/bin/heat-engine ; }",
    )
    + shown("openstack-heat-api.service", "ActiveState=active", "Restart=always", "StartLimitInterval=0", "UnitFileState=enabled")
    + part("/usr/bin/systemctl cat 'openstack-heat-api.service'", "[Service]\nRestart=no")
)
RPMS = HEAD + part("/bin/rpm -qa --last", "openstack-heat-9.0.8~dev4-3.12.1.noarch          Mon 26 Nov 2018 09:00:00 AM CET")
MORE = {"plugin-suse_openstack_cloud.txt": PLUGIN, "systemd.txt": UNITS, "rpm.txt": RPMS}
BELOW = "scc_one_181126_1000/"


def report(folder: Path, files: dict[str, str], name: str = BELOW[:-1]) -> str:
    path = folder / f"{name}.txz"
    path.write_bytes(PACKERS["tar.xz"](tar({**files}, top=f"{name}/")))
    return str(path)


@pytest.mark.parametrize("of_a_cluster", [True, False])
def test_option_files_units_and_packages_are_judged_too(of_a_cluster: bool, tmp_path: Path, capsys: Capsys) -> None:
    files = {**MORE, "basic-environment.txt": BASIC, **({"ha.txt": HA} if of_a_cluster else {})}
    plain = answer([report(tmp_path, files)], capsys, 1)
    (host,) = plain["clusters"][0]["hosts"]
    assert (host["name"], host["release"]["name"], host["captured"]) == ("one", "pike", "2018-11-26 10:00:00")
    found = {(f["code"], f["places"][0]["path"], f["places"][0]["line"]) for c in plain["clusters"] for f in c["findings"]}
    options = PLUGIN.split("\n").index("max_retries = 10") + 1
    units = UNITS.split("\n").index("Restart=no") + 1
    assert {one for one in found if one[0] in ("LW201", "LW301")} == {
        ("LW301", "etc/heat/heat.conf.d/100-heat.conf", options),
        ("LW201", "sos_commands/systemd/systemctl_show_service_--all", units),
    }


def test_of_two_reports_of_one_host_the_newer_counts(tmp_path: Path, capsys: Capsys) -> None:
    later = BASIC.replace("Nov 26 10:00:00", "Nov 27 08:00:00")
    newer = report(tmp_path, {"ha.txt": HA, "basic-environment.txt": later}, "scc_one_a")
    older = report(tmp_path, {"ha.txt": HA, "basic-environment.txt": BASIC}, "scc_one_b")
    (host,) = answer([older, newer], capsys, 1)["clusters"][0]["hosts"]
    assert (host["captured"], "scc_one_a" in host["target"]) == ("2018-11-27 08:00:00", True)


def test_option_files_that_lie_far_apart_take_no_memory(tmp_path: Path, capsys: Capsys) -> None:
    far = "\n" * 5_000_000 + "".join(conf(f"/etc/heat/heat.conf.d/{i}.conf", "[database]\nmax_retries = 10") for i in range(1000))
    plain = answer([report(tmp_path, {**MORE, "plugin-openstack.txt": far, "ha.txt": HA})], capsys, 1)
    found = {f["places"][0]["path"] for c in plain["clusters"] for f in c["findings"] if f["code"] == "LW301"}
    assert found == {"etc/heat/heat.conf.d/100-heat.conf"}
