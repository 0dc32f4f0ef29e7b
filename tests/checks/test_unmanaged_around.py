"""What is unmanaged, or managed in what is not: LW110 tells where the scheduler starts nothing, and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import lwlint
from lwlint.core.source import Source
from lwlint.inputs.pacemaker.facts import Resource
from lwlint.inputs.pacemaker.reader import cib_facts
from lwlint.run import load_catalogue

pytestmark = pytest.mark.skipif(not shutil.which("crm_simulate"), reason="NOT COMPARED WITH PACEMAKER: crm_simulate is not installed")
RULE = '<rule id="{id}-rule" boolean-op="and" score="INFINITY"><rsc_expression id="{id}-e" class="{agent}"/></rule>'


def meta(id: str, name: str, value: str, agent: str = "") -> str:
    if not value:
        return ""
    rule = RULE.format(id=id, agent=agent) if agent else ""
    return f'<meta_attributes id="{id}">{rule}<nvpair id="{id}-pair" name="{name}" value="{value}"/></meta_attributes>'


def cib(form: str, inner: str, outer: str, default: str) -> str:
    haproxy = f'<primitive id="haproxy" class="systemd" type="haproxy">{inner}</primitive>'
    box = {
        "clone": f'<clone id="box">{outer}{haproxy}</clone>',
        "group": f'<group id="box">{outer}{haproxy}</group>',
        "group in clone": f'<clone id="box">{outer}<group id="lb">{haproxy}</group></clone>',
        "clone of a group": f'<clone id="box"><group id="lb">{outer}{haproxy}</group></clone>',
    }[form]
    named = '<nvpair id="c1" name="cluster-name" value="tripleo_cluster"/><nvpair id="c2" name="stonith-enabled" value="false"/>'
    return (
        '<cib validate-with="pacemaker-3.5" crm_feature_set="3.13.0" admin_epoch="0" epoch="1" num_updates="0" have-quorum="1">'
        f'<configuration><crm_config><cluster_property_set id="c">{named}</cluster_property_set></crm_config>'
        f'<nodes><node id="1" uname="one"/></nodes><resources>{box}</resources><constraints/>'
        f"<rsc_defaults>{default}</rsc_defaults></configuration>"
        '<status><node_state id="1" uname="one" in_ccm="true" crmd="online" join="member" expected="member"/></status></cib>'
    )


def starts(path: Path) -> bool:
    """Return whether the scheduler has HAProxy started; that it plans to says nothing (and is an error of the simulation)."""
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(["crm_simulate", "-S", "-x", str(path)], capture_output=True, text=True, check=False, env=environment)
    assert "Full List of Resources" in done.stdout
    return re.search(r"Resource action: haproxy(:0)? +start on one", done.stdout) is not None


def is_told(path: Path) -> bool:
    return any(one.code == "LW110" for one in lwlint.check([path]).findings)


@pytest.mark.parametrize("form", ["clone", "group", "group in clone", "clone of a group"])
@pytest.mark.parametrize(("name", "good", "bad"), [("is-managed", "true", "false"), ("maintenance", "false", "true")])
@pytest.mark.parametrize("where", ["gb-", "bg-", "gg-", "-b-", "g-b", "-gb", "ggb", "--b"])
def test_what_is_around_counts_too(where: str, name: str, good: str, bad: str, form: str, tmp_path: Path) -> None:
    value = {"g": good, "b": bad, "-": ""}
    inner, outer, default = (meta(id, name, value[word]) for id, word in zip(("inner", "outer", "default"), where))
    path = tmp_path / "cib.xml"
    path.write_text(cib(form, inner, outer, default))
    assert is_told(path) is not starts(path)


@pytest.mark.parametrize("agent", ["systemd", "ocf"])
@pytest.mark.parametrize("form", ["clone", "group", "group in clone", "clone of a group"])
def test_a_rule_on_agents_around_is_asked_of_what_is_inside(form: str, agent: str, tmp_path: Path) -> None:
    path = tmp_path / "cib.xml"
    path.write_text(cib(form, "", meta("outer", "is-managed", "false", agent), ""))
    assert is_told(path) is not starts(path)


def test_no_rule_on_agents_holds_for_parameters(tmp_path: Path) -> None:
    sets = f'<instance_attributes id="a">{RULE.format(id="a", agent="systemd")}<nvpair id="a1" name="x" value="1"/></instance_attributes>'
    text = cib("clone", sets, "", "")
    path = tmp_path / "cib.xml"
    path.write_text(text)
    asked = ["crm_resource", "-r", "haproxy", "-g", "x"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C", "CIB_file": str(path)})
    facts = cib_facts([Source("cib.xml", text, "cib")], load_catalogue())
    (leaf,) = [each for each in facts if isinstance(each, Resource) and each.name == "haproxy"]
    assert ("x" in leaf.attributes) == (done.stdout.strip() == "1")
