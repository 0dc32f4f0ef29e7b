"""Hosts of kolla-ansible: the option files of its containers are evidence, and an override is of the service that it is named after."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.audit.test_audit import answer
from tests.cli.test_commands import write

Capsys = pytest.CaptureFixture[str]
CONNECTION = "[database]\nconnection = mysql+pymysql://nova:x@192.0.2.5/nova\nmax_retries = {}\n"


@pytest.mark.parametrize(
    ("path", "kinds"),
    [("etc/kolla/nova-conductor/nova.conf", ["option files"]), ("etc/kolla/config/nova/nova.conf", []), ("etc/kolla/passwords.conf", [])],
)
def test_option_files_of_containers_are_evidence(path: str, kinds: list[str], tmp_path: Path, capsys: Capsys) -> None:
    write(tmp_path, {"etc/hostname": "one\n", "etc/os-release": "ID=ubuntu\n", path: CONNECTION.format(-1)})
    (host,) = answer(["--root", str(tmp_path)], capsys)["clusters"][0]["hosts"]
    assert [one["path"] for one in host["evidence"] if one["kind"] == "option files"] == ["etc/kolla"] * len(kinds)
    assert [one["kind"] for one in host["missing"] if one["kind"] == "option files"] == ["option files"] * (1 - len(kinds))


def test_an_override_is_of_the_service_that_it_is_named_after(tmp_path: Path, capsys: Capsys) -> None:
    write(tmp_path, {"etc/hostname": "one\n", "etc/kolla/config/nova/nova-conductor.conf": "[database]\nmax_retries = 10\n", "usr/x": ""})
    write(tmp_path, {"etc/kolla/nova-conductor/nova.conf": CONNECTION.format(-1)})
    (found,) = [f for f in answer(["--root", str(tmp_path)], capsys, 1)["clusters"][0]["findings"] if f["code"] == "LW301"]
    assert "nova-conductor exits" in found["message"]
    assert "nova-api" not in found["message"]
