"""Hosts whose unit files were not collected: what `systemctl show` has in force is judged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lwlint.audit.answer import Audit, ClusterAnswer, HostAnswer, Outcome
from lwlint.policy.rules import load_clauses
from lwlint.report import audit
from tests.audit.audit_cluster import CIB, NODES, host, packed
from tests.audit.test_audit import answer, places
from tests.cli.test_commands import lines

Capsys = pytest.CaptureFixture[str]
SHOW = "sos_commands/systemd/systemctl_show_service_--all"
UNITS = """\
Id=openstack-nova-api.service
LoadState=loaded
ActiveState=active
FragmentPath=/usr/lib/systemd/system/openstack-nova-api.service
DropInPaths=/etc/systemd/system/openstack-nova-api.service.d/99-off.conf
UnitFileState=enabled
Type=notify
Restart=no

Id=openstack-heat-engine.service
LoadState=loaded
ActiveState=failed
UnitFileState=disabled
Restart=on-failure
RestartUSec=5s
StartLimitIntervalUSec=1min 30s
Requires=mariadb.service system.slice sysinit.target
NeedDaemonReload=yes

Id=openstack-glance-api.service
LoadState=masked
ActiveState=inactive
UnitFileState=masked

Id=haproxy.service
LoadState=loaded
ActiveState=active
UnitFileState=disabled
DropInPaths=/run/systemd/system/haproxy.service.d/50-pacemaker.conf
Restart=no

Id=sshd.service
LoadState=loaded
Restart=no
"""


def report(folder: Path, changes: Mapping[str, Any]) -> str:
    files = {path: text for path, text in host("full-pacemaker", NODES[0]).items() if "/systemd/" not in path}
    path = folder / "sosreport.tar"
    path.write_bytes(packed({**files, CIB: LIGHT, **changes}, NODES[0], "tar"))
    return str(path)


LIGHT = (
    '<cib validate-with="pacemaker-2.5"><configuration><crm_config/><nodes/><resources>'
    '<clone id="haproxy-clone"><primitive id="haproxy" class="systemd" type="haproxy"/></clone>'
    "</resources><constraints/></configuration></cib>"
)
CODES = ("LW201", "LW203", "LW204", "LW205", "LW206", "LW207", "LW209", "LW210", "LW502")


def test_units_without_files_are_judged_by_what_systemd_has_in_force(tmp_path: Path, capsys: Capsys) -> None:
    plain = answer([report(tmp_path, {SHOW: UNITS})], capsys, 1)
    found = [
        place.replace(f"{NODES[0]}:{SHOW}:", "")
        for severity in ("error", "warning", "note")
        for place in places(plain, severity)
        if place.startswith(CODES)
    ]
    assert found == ["LW201 8", "LW204 17", "LW203 16", "LW206 20", "LW502 18", "LW201 14", "LW205 10"]
    outcomes = {one["code"]: (one["outcome"], one["because"]) for one in plain["clusters"][0]["hosts"][0]["verdicts"]}
    assert outcomes["LW209"] == ("not evaluated", "no systemd unit was given")
    assert outcomes["LW207"] == ("pass", "")
    assert any("/openstack-nova-api.service.d/99-off.lwlint.conf Service Restart always" in line for line in lines(plain, NODES[0]))


@pytest.mark.parametrize("wanted", ["multi-user.target", ""])
def test_a_generated_unit_is_none_that_could_be_enabled(wanted: str, tmp_path: Path, capsys: Capsys) -> None:
    """Of a quadlet whose file was not collected: `systemctl enable` refuses such a unit, and what wants it tells whether it is."""
    state = "LoadState=loaded\nActiveState=failed\nUnitFileState=generated\nType=notify\nRestart=always\n"
    shown = f"Id=edpm_heat_api.service\n{state}WantedBy={wanted}\n"
    plain = answer([report(tmp_path, {SHOW: shown})], capsys, None)
    assert [place for place in places(plain) if place.startswith("LW205")] == []
    outcomes = {one["code"]: one["outcome"] for one in plain["clusters"][0]["hosts"][0]["verdicts"]}
    assert outcomes["LW205"] == "pass"


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ("", True),  # systemd up to 253
        ("RestartSteps=0\nRestartMaxDelayUSec=infinity\n", True),
        ("RestartSteps=5\nRestartMaxDelayUSec=infinity\n", True),  # without the other, neither does anything
        ("RestartSteps=5\nRestartMaxDelayUSec=1min\n", False),
        ("RestartSteps=5\nRestartMaxDelayUSec=2s\n", True),
    ],
)
def test_pauses_that_grow_are_those_of_the_systemd_that_shows_them(steps: str, told: bool, tmp_path: Path, capsys: Capsys) -> None:
    start = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nType=simple\nRestart=always\nRestartUSec=100ms\n"
    limit = "StartLimitIntervalUSec=1min\nStartLimitBurst=10\n"
    plain = answer([report(tmp_path, {SHOW: f"Id=openstack-heat-engine.service\n{start}{limit}{steps}"})], capsys)
    assert [f["code"] for f in plain["clusters"][0]["findings"] if f["code"] == "LW203"] == (["LW203"] if told else [])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("PartOf=cloud.target mariadb.service", "LW204 `Unit.PartOf` names `mariadb.service`"),
        ("Conflicts=shutdown.target rabbitmq-server.service", "LW204 `Unit.Conflicts` names `rabbitmq-server.service`"),
        ("StopPropagatedFrom=galera.service", "LW204 `Unit.StopPropagatedFrom` names `galera.service`"),
        ("RestartPreventExitStatus=3 1 TERM", "LW203 it is not restarted after exit status `1` (`RestartPreventExitStatus`)"),
        ("RestartPreventExitStatus=KILL", "LW203 it is not restarted after signal `SIGKILL` (`RestartPreventExitStatus`)"),
        ("SuccessExitStatus=1", "LW203 it is not restarted after exit status `1` (`SuccessExitStatus`)"),
        ("SuccessExitStatus=1\nRestartForceExitStatus=1", ""),
        ("Conflicts=shutdown.target", ""),
        ("SuccessExitStatus=TERM", ""),
    ],
)
def test_what_binds_a_unit_and_what_keeps_it_down_is_shown_too(line: str, message: str, tmp_path: Path, capsys: Capsys) -> None:
    start = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nType=simple\nRestart=on-failure\nRestartUSec=1min\n"
    plain = answer([report(tmp_path, {SHOW: f"Id=openstack-glance-api.service\n{start}{line}\n"})], capsys)
    told = [f"{f['code']} {f['message'].partition(': ')[2]}" for f in plain["clusters"][0]["findings"] if f["code"] in ("LW203", "LW204")]
    assert [one[: len(message)] for one in told] == ([message] if message else [])


def test_a_unit_file_that_was_collected_counts_and_one_that_was_not_is_taken_from_what_is_shown(tmp_path: Path, capsys: Capsys) -> None:
    changes = {
        SHOW: UNITS,
        "etc/systemd/system/openstack-nova-api.service": "[Service]\nExecStart=/usr/bin/nova-api\nRestart=always\n",
        "etc/systemd/system/openstack-heat-engine.service.d/x.conf": "[Service]\nRestart=no\n",
    }
    plain = answer([report(tmp_path, changes)], capsys, 1)
    assert [place for place in places(plain) if place.startswith("LW201")] == []
    assert f"LW203 {NODES[0]}:{SHOW}:16" in places(plain, "warning")


def test_a_unit_is_enabled_where_systemd_says_so_though_no_link_was_collected(tmp_path: Path, capsys: Capsys) -> None:
    text = "[Service]\nExecStart=/usr/bin/x\nRestart=always\n[Install]\nWantedBy=multi-user.target\n"
    changes: dict[str, Any] = {
        SHOW: "Id=haproxy.service\nUnitFileState=enabled\n\nId=openstack-nova-api.service\nUnitFileState=disabled\n",
        "usr/lib/systemd/system/haproxy.service": text,
        "usr/lib/systemd/system/openstack-nova-api.service": text,
        "etc/systemd/system/multi-user.target.wants/openstack-nova-api.service": {
            "link": "/usr/lib/systemd/system/openstack-nova-api.service"
        },
    }
    plain = answer([report(tmp_path, changes)], capsys, 1)
    assert [(f["code"], f["subject"]) for c in plain["clusters"] for f in c["findings"] if f["code"] in ("LW205", "LW207")] == [
        ("LW207", "unit haproxy.service")
    ]


def test_a_cib_that_is_cut_off_is_told_and_the_next_best_counts(tmp_path: Path, capsys: Capsys) -> None:
    cut = f"sos_commands/pacemaker/crm_report/{NODES[0]}/cib.xml"
    plain = answer([report(tmp_path, {SHOW: UNITS, cut: LIGHT[:150]})], capsys, 1)
    (cluster,) = plain["clusters"]
    (one,) = cluster["hosts"]
    assert one["cib_of"] == ""
    assert [e["path"] for e in one["evidence"] if e["kind"] == "CIB"] == [CIB, cut]
    assert [f["places"][0]["path"] for f in cluster["findings"] if f["code"] == "LW901"] == [cut]
    assert {v["outcome"] for v in one["verdicts"] if v["code"] in ("LW103", "LW106")} == {"pass"}


def test_the_table_has_room_for_every_cell() -> None:
    clauses = load_clauses()
    outcomes = tuple(Outcome(f"r{n}", f"LW9{n:02}", clauses[0].id, "pass" if n else "not evaluated") for n in range(11))
    hosts = tuple(HostAnswer(name, name, outcomes=outcomes) for name in ("a", "b"))
    text = audit.render_text(Audit((), (ClusterAnswer("c", True, (), (), hosts, ()),)), clauses)
    (row,) = (line for line in text.splitlines() if line.startswith(clauses[0].id))
    assert row.split("  ")[-2:] == ["pass (10 of 11)", "pass (10 of 11)"]
