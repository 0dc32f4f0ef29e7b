"""A plan for a CIB whose names are commands: its script and its playbook run nothing of them, on no node."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lwlint.audit.operate.plan import Settings, make_plan
from lwlint.audit.operate.simulation import Pacemaker
from lwlint.audit.operate.steps import Plan, with_mends
from lwlint.core.finding import ConfigurationError
from lwlint.report.plan import render_ansible, render_json, render_sh, render_text
from lwlint.run import load_rules
from tests.audit.operate.clusters import FS, NODES, address, cib, clone, ocf, order, pacemaker_is_here, service
from tests.audit.operate.test_plan_script import Cluster, running

RULES = load_rules(examples=False)
HOSTILE_UNITS = (
    "openstack-nova-api$(touch${IFS}ran)",
    "openstack-nova-api`touch ran`",
    "openstack-nova-api;touch ran;",
    "openstack-nova-api'$(touch ran)'",
    "openstack-nova-api&#10;touch ran",
)
HOSTILE_NODES = ("-oProxyCommand=touch ran", "one;touch ran", "@UNITS@ x", "../../one", "{{ lookup('pipe', 'touch ran') }}", "a&#10;b", "")
RUNS = """#!/bin/sh
case "$2" in
*is-enabled* | "systemctl disable"*) PATH=@HERE@/node:$PATH sh -c "$2" ;;
esac
"""
SYSTEMCTL = """#!/bin/sh
echo "$*" >>@HERE@/told
[ "$1" != is-enabled ]
"""


def small(unit: str = "openstack-nova-api", nodes: tuple[str, ...] = NODES) -> str:
    """Return a CIB of a virtual IP, HAProxy and a service that `unit` stands behind."""
    resources = [address("192.0.2.1"), clone(service("haproxy")), clone(service("openstack-nova-api", unit))]
    return cib(resources, [order("haproxy-clone", "openstack-nova-api-clone")], nodes=nodes)


def made(text: str, path: str = "cib.xml") -> Plan:
    pacemaker_is_here()
    with Pacemaker() as pacemaker:
        return make_plan(text, path, RULES, pacemaker, Settings(at_once=True))


@pytest.mark.parametrize("unit", HOSTILE_UNITS)
def test_what_is_no_name_of_a_unit_is_refused(tmp_path: Path, unit: str) -> None:
    plan = made(small(unit))
    (refusal,) = plan.refusals
    assert refusal.about == "openstack-nova-api"
    assert "is no name of a unit" in refusal.because
    ran = subprocess.run(["bash", "-c", render_sh(plan)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, list(tmp_path.iterdir())) == (1, [])


@pytest.mark.parametrize("node", HOSTILE_NODES)
def test_what_is_no_name_of_a_host_is_refused(tmp_path: Path, node: str) -> None:
    plan = made(small(nodes=("one", node)))
    assert f"node {node.replace('&#10;', chr(10))}" in [refusal.about for refusal in plan.refusals]
    ran = subprocess.run(["bash", "-c", render_sh(plan)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, list(tmp_path.iterdir())) == (1, [])
    assert render_ansible(plan).endswith("[]\n")


@pytest.mark.parametrize("host", HOSTILE_NODES)
def test_a_host_whose_name_is_an_option_is_told_nothing(host: str) -> None:
    plan = with_mends(made(small()), host, ("crudini --set /etc/x/y.conf a b c",), ("a finding",), ())
    assert [refusal.about for refusal in plan.refusals] == [f"node {host}"]


@pytest.mark.parametrize("node", ["each", "cluster"])
def test_a_node_with_a_name_of_the_plan_is_one_node(node: str) -> None:
    plan = with_mends(made(small(nodes=(node, "two"))), node, ("crudini --set /etc/x/y.conf a b c",), ("a finding",), ())
    script = render_sh(plan)
    assert f"  each 01 'crudini --set /etc/x/y.conf a b c' {node}" in script.splitlines()
    assert "edit_01" not in script
    assert f"   on {node}; effect: manual" in render_text(plan).splitlines()


def test_the_name_of_a_file_is_not_filled_in() -> None:
    plan = made(small(), "@UNITS@ @NODES@.xml")
    assert render_sh(plan).splitlines()[1].endswith(" for '@UNITS@ @NODES@.xml'.")


@pytest.mark.parametrize("node", ["all", "ungrouped", "localhost"])
def test_a_playbook_is_for_one_host(node: str) -> None:
    plan = made(small(nodes=(node, "two")))
    with pytest.raises(ConfigurationError, match="no name of one host"):
        render_ansible(plan)


def test_a_unit_with_a_backslash_reaches_the_nodes_as_it_is(tmp_path: Path) -> None:
    """The name of a mount unit has one for each dash of its folder."""
    pacemaker_is_here()
    text = running(small().replace("</resources>", FS.replace("/var/lib/glance/images", "/srv/glance-images") + "</resources>"))
    cluster = Cluster(tmp_path, text)
    (tmp_path / "node").mkdir()
    cluster.program(tmp_path / "on", RUNS)
    cluster.program(tmp_path / "node" / "systemctl", SYSTEMCTL)
    script = render_sh(made(text))
    for arguments in ((), ("--undo",)):
        ran = cluster.run(script, *arguments)
        assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout + ran.stderr
    told = cluster.lines("told")
    assert "is-enabled --quiet srv-glance\\x2dimages.mount" in told
    assert "disable srv-glance\\x2dimages.mount" in told


@pytest.mark.parametrize("values", [{"options": "username=glance,password=hunter2"}, {"device": "https://glance:hunter2@192.0.2.1/x"}])
def test_a_password_of_a_mount_is_in_no_script_and_in_no_unit(values: dict[str, str]) -> None:
    given = {"device": "//192.0.2.1/glance", "directory": "/var/lib/glance", "fstype": "cifs", "options": "rw", **values}
    plan = made(small().replace("</resources>", clone(ocf("glance-fs", "Filesystem", **given)) + "</resources>"))
    assert [refusal.about for refusal in plan.refusals] == ["glance-fs"]
    for render in (render_sh, render_ansible, render_text, render_json):
        assert "hunter2" not in render(plan)
