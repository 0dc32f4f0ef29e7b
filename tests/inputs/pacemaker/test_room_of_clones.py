"""Clones of which no node takes a copy, as lwlint and the scheduler of Pacemaker see them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lwlint.core.source import Source
from lwlint.inputs.pacemaker.facts import Resource
from lwlint.inputs.pacemaker.reader import cib_facts
from lwlint.run import load_catalogue

CATALOGUE = load_catalogue()
DUMMY = '<primitive id="h" class="ocf" provider="pacemaker" type="Dummy"/>'
INNER = {
    "ocf": DUMMY,
    "systemd": '<primitive id="h" class="systemd" type="haproxy"/>',
    "group": f'<group id="g">{DUMMY}</group>',
    "mixed group": f'<group id="g">{DUMMY}<primitive id="i" class="lsb" type="x"/></group>',
}


def cib(inner: str, **meta: str) -> str:
    pairs = "".join(f'<nvpair id="n-{name}" name="{name.replace("_", "-")}" value="{value}"/>' for name, value in meta.items())
    states = "".join(f'<node_state id="{n}" uname="n{n}" in_ccm="true" crmd="online" join="member" expected="member"/>' for n in (1, 2))
    return (
        '<cib validate-with="pacemaker-3.2" crm_feature_set="3.13.0" admin_epoch="0" epoch="1" num_updates="0" have-quorum="1">'
        '<configuration><crm_config><cluster_property_set id="c"><nvpair id="c2" name="stonith-enabled" value="false"/>'
        '</cluster_property_set></crm_config><nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>'
        f'<resources><clone id="h-clone"><meta_attributes id="m">{pairs}</meta_attributes>{INNER[inner]}</clone></resources>'
        f"<constraints/></configuration><status>{states}</status></cib>"
    )


@pytest.mark.skipif(not shutil.which("crm_simulate"), reason="NOT COMPARED WITH PACEMAKER: crm_simulate is not installed")
@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("room", ["0", "-1", "junk", "", " 1", "+1", "1", "0.5", "2x"])
@pytest.mark.parametrize("unique", ["true", "false"])
@pytest.mark.parametrize("most", ["", "2", "0"])
def test_a_clone_without_room_on_a_node_runs_nowhere(inner: str, room: str, unique: str, most: str, tmp_path: Path) -> None:
    text = cib(inner, clone_node_max=room, globally_unique=unique, **({"clone_max": most} if most else {}))
    path = tmp_path / "cib.xml"
    path.write_text(text)
    done = subprocess.run(
        ["crm_simulate", "-S", "-x", str(path)], capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"}
    )
    runs = "started" in done.stdout.partition("Revised")[2].lower()
    facts = cib_facts([Source("cib.xml", text, "cib")], CATALOGUE)
    (clone,) = [each for each in facts if isinstance(each, Resource) and each.name == "h-clone"]
    assert (clone.instances != 0) == runs
