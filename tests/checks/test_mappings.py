"""Aliases of core services that lead away from Pacemaker: told where Pacemaker is on, and not evaluated where nothing tells that."""

from __future__ import annotations

from pathlib import Path

import pytest

import lwlint

AWAY = "  OS::TripleO::Services::HAproxy: ../puppet/services/haproxy.yaml\n"
ON = "  OS::TripleO::Services::Pacemaker: ../puppet/services/pacemaker.yaml\n"
OFF = "  OS::TripleO::Services::Pacemaker: OS::Heat::None\n"
BASE = f"resource_registry:\n{OFF}  OS::TripleO::Services::HAproxy: puppet/services/haproxy.yaml\n"


@pytest.mark.parametrize(
    ("mappings", "base", "outcome"),
    [
        (AWAY, "", "not evaluated"),
        ("  OS::TripleO::Services::MySQL: ../docker/services/database/mysql.yaml\n", "", "not evaluated"),
        (AWAY + ON, "", "fail"),
        (AWAY + OFF, "", "pass"),
        (AWAY, BASE, "pass"),
        ("  OS::TripleO::Services::HAproxy: ../puppet/services/pacemaker/haproxy.yaml\n", "", "pass"),
        ("  OS::TripleO::Services::HAproxy: OS::Heat::None\n", "", "pass"),
    ],
)
def test_a_core_service_off_pacemaker_is_judged_where_it_is_told_whether_pacemaker_is_on(
    mappings: str, base: str, outcome: str, tmp_path: Path
) -> None:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments/own.yaml").write_text("resource_registry:\n" + mappings)
    if base:
        (tmp_path / "overcloud-resource-registry-puppet.yaml").write_text(base)
        (tmp_path / "puppet/services").mkdir(parents=True)
        (tmp_path / "puppet/services/haproxy.yaml").write_text("heat_template_version: newton\n")
    (verdict,) = lwlint.check([tmp_path], select=["LW402"]).verdicts
    assert verdict.outcome == outcome
