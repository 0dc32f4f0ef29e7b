"""Numbers that Python does not read (`²`, `--1`, 5000 digits) end no run, wherever they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from lwlint.cli import main
from tests.audit.audit_cluster import host, unpack
from tests.audit.operate.clusters import address, cib, clone, service

LONG = "9" * 5000
NODE = "overcloud-controller-0"
CIB = cib([address("192.0.2.1"), clone(service("haproxy")), clone(service("openstack-nova-api"))], properties={"dc-version": "1.1.18-x"})
RULE = (
    '<rsc_location id="l" rsc="haproxy-clone"><rule id="r" score="-INFINITY">'
    '<date_expression id="d" operation="gt" start="2020-01-01T00:00:00+99:99"/></rule></rsc_location>'
)
FILES = {
    "the version of Pacemaker": ("cib.xml", CIB.replace("1.1.18-x", "1.1.13d37-x")),
    "a long version of Pacemaker": ("cib.xml", CIB.replace("1.1.18-x", f"1.1.{LONG}-x")),
    "an odd version of Pacemaker": ("cib.xml", CIB.replace("1.1.18-x", "1.1.1²-x")),
    "the schema": ("cib.xml", CIB.replace("pacemaker-2.3", f"pacemaker-3.{LONG}")),
    "the time of the CIB": ("cib.xml", CIB.replace("<cib ", f'<cib execution-date="{LONG}" ')),
    "the zone of a time": ("cib.xml", CIB.replace("<constraints>", f"<constraints>{RULE}")),
    "a version as crm prints it": (
        "crm_configure_show",
        f"node 1: one\nprimitive p systemd:haproxy op monitor interval=60s\nproperty x: \\\n\tdc-version=1.1.{LONG} \\\n\tcluster-name=x\n",
    ),
    "a folder of OpenStack-Ansible": (
        "etc/systemd/system/nova-api.service",
        f"[Service]\nExecStart=/openstack/venvs/nova-{LONG}.0.0/bin/nova-api\n",
    ),
    "a hexadecimal number": ("env.yaml", f"parameter_defaults:\n  ControllerCount: 0x{LONG}\n  ExtraConfig: {{nova::x: 0x{LONG}}}\n"),
    "retries with two signs": ("env.yaml", "parameter_defaults:\n  ExtraConfig:\n    nova::db::database_max_retries: --1\n"),
    "retries that are no digit": ("env.yaml", "parameter_defaults:\n  ExtraConfig:\n    nova::db::database_max_retries: ²\n"),
    "a score with two signs": (
        "site.pp",
        "pacemaker::constraint::colocation { 'y': source => 'haproxy-clone', target => 'ip-1', score => '++5' }\n"
        "pacemaker::constraint::colocation { 'z': source => 'haproxy-clone', target => 'ip-1', score => '²' }\n",
    ),
}
REPORTS = {
    "the name of a host": ("sos_commands/host/hostname", "1²\n"),
    "the version of a package": ("installed-rpms", f"openstack-nova-api-{LONG}.0.0-1.el7.noarch  Wed\n"),
    "the version of sos": ("version.txt", f"sosreport: {LONG}.1\n"),
}


@pytest.mark.parametrize("what", FILES)
def test_no_number_in_a_file_ends_the_run(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, text = FILES[what]
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    assert main(["check", "--no-cache", "--no-config", str(path)]) in (0, 1)
    said = capsys.readouterr()
    assert "defect" not in said.out + said.err


@pytest.mark.parametrize("what", REPORTS)
def test_no_number_in_a_report_ends_the_audit(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, text = REPORTS[what]
    assert main(["audit", unpack(tmp_path, host("full-pacemaker", NODE, {name: text}), NODE)]) in (0, 1)
    said = capsys.readouterr()
    assert "defect" not in said.out + said.err
