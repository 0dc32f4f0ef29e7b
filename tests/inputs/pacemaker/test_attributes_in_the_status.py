"""Attributes of nodes in the status of a CIB, which last until a node leaves the cluster, and what they come to for rules and the plan."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

import lwlint
from lwlint.core.facts import Facts
from lwlint.core.source import Source
from lwlint.inputs.pacemaker.facts import Node
from lwlint.inputs.pacemaker.model import cibs, places
from lwlint.inputs.pacemaker.reader import cib_facts
from lwlint.run import load_catalogue

NODES = ("c1", "c2", "c3")
FACTOR = int(os.environ.get("LWLINT_GENERATED", "1"))
Values = Mapping[str, Mapping[str, str]]
CORE = "".join(
    f'<clone id="{name}-clone"><primitive id="{name}" class="ocf" provider="heartbeat" type="{agent}">'
    f'<operations><op id="{name}-o" name="monitor" interval="10s"/></operations></primitive></clone>'
    for name, agent in (("rabbitmq", "rabbitmq-cluster"), ("galera", "galera"))
)
CORE += (
    '<clone id="haproxy-clone"><primitive id="haproxy" class="systemd" type="haproxy">'
    '<operations><op id="haproxy-o" name="monitor" interval="10s"/></operations></primitive></clone>'
)


def attributes(name: str, values: Mapping[str, str]) -> str:
    pairs = "".join(f'<nvpair id="{name}-{key}" name="{key}" value="{value}"/>' for key, value in values.items())
    return f'<instance_attributes id="{name}">{pairs}</instance_attributes>' if values else ""


def cluster(permanent: Values, transient: Values, constraints: str = "", *, by_id: bool = True) -> str:
    """Return a CIB as `cibadmin -Q` prints it; without `by_id` its states are found by the names of the nodes only."""
    nodes, states = "", ""
    for number, name in enumerate(NODES, 1):
        nodes += f'<node id="{number}" uname="{name}">{attributes(f"nodes-{number}", permanent.get(name, {}))}</node>'
        id_ = number if by_id else f"x{number}"
        told = attributes(f"status-{number}", transient[name]) if name in transient else ""
        states += (
            f'<node_state id="{id_}" uname="{name}" in_ccm="true" crmd="online" join="member" expected="member">\n'
            f'<lrm id="{id_}"><lrm_resources><lrm_resource id="x" type="Dummy" class="ocf" provider="heartbeat"/></lrm_resources></lrm>\n'
            f'<transient_attributes id="{id_}">{told}</transient_attributes></node_state>\n'
        )
    return (
        '<cib validate-with="pacemaker-3.2" epoch="1" num_updates="0" admin_epoch="0" have-quorum="1"><configuration><crm_config>'
        '<cluster_property_set id="o"><nvpair id="o-1" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>\n'
        f"<nodes>{nodes}</nodes>\n<resources>{CORE}</resources>\n<constraints>{constraints}</constraints></configuration>\n"
        f"<status>{states}</status></cib>\n"
    )


def read(xml: str) -> Facts:
    return Facts(cib_facts([Source("cib.xml", xml, "cib")], load_catalogue()))


def found(tmp_path: Path, xml: str, code: str) -> list[lwlint.Finding]:
    (tmp_path / "cib.xml").write_text(xml)
    return [finding for finding in lwlint.check([str(tmp_path / "cib.xml")]).findings if finding.code == code]


def shown(xml: str, folder: Path) -> dict[str, tuple[bool, bool]]:
    """Return of each node whether Pacemaker shows it in standby, and in maintenance."""
    file = folder / "cib.xml"
    file.write_text(xml)
    command = ["crm_simulate", "-x", str(file), "--output-as=xml"]
    said = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, check=False).stdout
    nodes = ElementTree.fromstring(said).iterfind(".//nodes/node")
    return {node.get("name", ""): (node.get("standby") == "true", node.get("maintenance") == "true") for node in nodes}


def test_standby_and_maintenance_are_what_the_scheduler_takes_them_for(tmp_path: Path) -> None:
    if shutil.which("crm_simulate") is None:
        pytest.skip("NOT COMPARED WITH PACEMAKER: crm_simulate is not installed (Debian: pacemaker-cli-utils)")
    rng = random.Random(20)
    words = ("on", "off", "true", "false", "1", "0", "YES", "", "nonsense", "True")

    def some() -> dict[str, dict[str, str]]:
        return {
            name: {key: rng.choice(words) for key in ("standby", "maintenance") if rng.random() < 0.6}
            for name in NODES
            if rng.random() < 0.7
        }

    seen = 0
    for _ in range(40 * FACTOR):
        xml = cluster(some(), some(), by_id=rng.random() < 0.8)
        ours = {node.name: (node.standby, node.maintenance) for node in read(xml).of(Node)}
        assert ours == shown(xml, tmp_path), xml
        seen += any(any(each) for each in ours.values())
    assert seen > 20


def test_standby_until_the_next_reboot_on_every_node_leaves_nothing_to_run(tmp_path: Path) -> None:
    xml = cluster({}, {name: {"standby": "on"} for name in NODES})
    (finding,) = found(tmp_path, xml, "LW111")
    assert finding.message.startswith("cluster: every node is in standby (`on`)")
    assert xml[: finding.span.end].endswith('<nvpair id="status-1-standby" name="standby" value="on')
    lines = [each.line for each in finding.commands]
    assert lines == [f"crm_attribute --name=standby --lifetime=reboot --delete --node={name}" for name in NODES]


def test_standby_that_is_lifted_until_the_next_reboot_is_no_standby(tmp_path: Path) -> None:
    permanent, transient = ({name: {"standby": word} for name in NODES} for word in ("on", "off"))
    assert len(found(tmp_path, cluster(permanent, {}), "LW111")) == 1
    assert found(tmp_path, cluster(permanent, transient), "LW111") == []


def test_what_is_set_both_ways_is_taken_away_both_ways(tmp_path: Path) -> None:
    both = {"c2": {"maintenance": "true"}}
    (finding,) = found(tmp_path, cluster(both, both), "LW110")
    assert finding.subject == "node c2"
    unset = "crm_attribute --name=maintenance --lifetime=reboot --delete --node=c2"
    assert [each.line for each in finding.commands] == [unset, "pcs node unmaintenance c2"]


RULE = (
    '<rsc_location id="l" rsc="haproxy-clone" resource-discovery="exclusive"><rule id="r" score="0">'
    '<expression id="e" attribute="frontend" operation="eq" value="yes"/></rule></rsc_location>'
)


def test_where_a_resource_may_run_is_known_where_the_status_tells_of_the_nodes() -> None:
    def doubtful(transient: Values, status: bool = True) -> tuple[set[str], set[str]]:
        xml = cluster({}, transient, RULE)
        (cib,) = cibs(read(xml if status else xml[: xml.index("<status>")] + "</cib>"))
        known = places(cib)
        return known.doubtful, set(known.barred.get("haproxy-clone", {}))

    assert doubtful({}, status=False) == ({"haproxy-clone"}, set())
    assert doubtful({"c2": {"frontend": "yes"}}) == (set(), {"c1", "c3"})
    assert doubtful({}) == (set(), set(NODES))


def test_only_the_attributes_of_nodes_are_kept_of_a_status() -> None:
    xml = cluster({}, {"c1": {"standby": "on"}})
    cut = Source("cib.xml", xml[: xml.index("</lrm_resources>")], "cib")
    (broken,) = cib_facts([cut], load_catalogue())
    assert "cut off" in str(getattr(broken, "message", ""))
    assert [node.transient is not None and set(node.transient) for node in read(xml).of(Node)] == [{"standby"}, set(), set()]
