"""Where the status of a cluster is found in a report: by crmsh and by `crm report` too, where there is no `crm_mon`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lwlint.cli import main

CIB = """<cib validate-with="pacemaker-3.2" epoch="1"><configuration>
<nodes><node id="1" uname="a"/><node id="2" uname="b"/></nodes>
<resources><clone id="ha-clone"><primitive id="ha" class="systemd" type="haproxy"/></clone>
<primitive id="api" class="systemd" type="openstack-nova-api"/><primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr2"/>
</resources></configuration></cib>"""
STATUS = """Stack: corosync
2 nodes configured

Online: [ a b ]

Full list of resources:

 Clone Set: ha-clone [ha]
     Started: [ a ]
     Stopped: [ b ]
 ip\t(ocf::heartbeat:IPaddr2):\tStarted {node}
"""
SOS = "sosreport-a-2023-03-01-abcdefg"
IN_REPORT = {"etc/hostname": "a\n", "version.txt": "sosreport: 4.0\n", "sos_commands/pacemaker/crm_report/a/cib.xml": CIB}
AWAY = [("LW507", "resource ip")]


def audited(folder: Path, files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    """Return the findings of LW507 of a report that holds these files."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    main(["audit", "--format", "json", "--select", "LW507", str(folder)])
    report = json.loads(capsys.readouterr().out)
    return [(found["code"], found["subject"]) for cluster in report["clusters"] for found in cluster["findings"]]


@pytest.mark.parametrize("node", ["a", "b"])
@pytest.mark.parametrize("path", ["crm_status", "crm_report/a/crm_mon.txt", "crm_mon_-1_-A_-n_-r_-t", "pcs_status"])
def test_a_status_is_read_wherever_sos_put_it(path: str, node: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {**IN_REPORT, f"sos_commands/pacemaker/{path}": STATUS.format(node=node)}
    found = audited(tmp_path, {f"{SOS}/{inside}": text for inside, text in files.items()}, capsys)
    assert found == (AWAY if node == "b" else [])


def test_the_status_of_crm_mon_counts_before_that_of_crmsh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = {"crm_mon_-1_-A_-n_-r_-t": STATUS.format(node="a"), "crm_status": STATUS.format(node="b")}
    files = {**IN_REPORT, **{f"sos_commands/pacemaker/{name}": text for name, text in both.items()}}
    assert audited(tmp_path, {f"{SOS}/{inside}": text for inside, text in files.items()}, capsys) == []


@pytest.mark.parametrize("text", [STATUS.format(node="b"), "Stack: corosync\n"])
def test_the_status_in_the_report_of_crmsh_is_read_where_it_is_one(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {f"crm_report/{node}/{name}": inside for node in "ab" for name, inside in (("cib.xml", CIB), ("crm_mon.txt", text))}
    assert audited(tmp_path, files, capsys) == (AWAY if "Online" in text else [])


@pytest.mark.parametrize(("beside", "found"), [("", AWAY), (" booth\t(ocf::pacemaker:booth-site):\tStarted b\n", [])])
def test_an_address_in_a_group_with_something_else_is_not_haproxys(
    beside: str, found: list[tuple[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api = " api\t(systemd:openstack-nova-api):\tStarted a\n"
    group = f" Resource Group: g\n    ip\t(ocf::heartbeat:IPaddr2):\tStarted b\n{beside and '   ' + beside}{api}"
    text = (
        STATUS.format(node="b")
        .replace("ha-clone [ha]", "haproxy-clone [haproxy]")
        .replace(" ip\t(ocf::heartbeat:IPaddr2):\tStarted b\n", group)
    )
    files = {"etc/hostname": "a\n", "version.txt": "sosreport: 4.0\n", "sos_commands/pacemaker/pcs_status": text}
    assert audited(tmp_path, {f"{SOS}/{inside}": each for inside, each in files.items()}, capsys) == found
