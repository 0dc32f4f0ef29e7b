"""Attributes of nodes in the status of a CIB, which last until a node leaves the cluster, and what they come to for rules and the plan."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

import lwlint
from lwlint.core.facts import Facts
from lwlint.core.source import Source
from lwlint.inputs.pacemaker.facts import Node
from lwlint.inputs.pacemaker.model import cibs, places, running_nodes
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


REMOTE, GUEST = 'class="ocf" provider="pacemaker" type="remote"', 'class="ocf" provider="heartbeat" type="VirtualDomain"'
REMOTES = {
    "remote-0": f'<primitive id="remote-0" {REMOTE}/>',
    "guest-0": f'<primitive id="vm" {GUEST}><meta_attributes id="vm-m"><nvpair id="vm-m-1" name="remote-node" value="guest-0"/>'
               '</meta_attributes></primitive>',
}  # fmt: skip


def with_remotes(transient: Values, listed: Values, spelled: Callable[[str], str] = str) -> str:
    """Return a CIB with a remote node and a guest node, both up; `listed` are those in `<nodes>`, with their permanent attributes."""
    nodes = "".join(
        f'<node id="{name}" uname="{name}" type="remote">{attributes(f"nodes-{name}", values)}</node>' for name, values in listed.items()
    )
    states = "".join(
        f'<node_state remote_node="true" id="{spelled(name)}" uname="{spelled(name)}">'
        f'<transient_attributes id="{name}">{attributes(f"status-{name}", values)}</transient_attributes></node_state>\n'
        for name, values in transient.items()
    )
    xml = cluster({}, {})
    for old, new in (("</nodes>", nodes), ("</resources>", "".join(REMOTES.values())), ("</status>", states)):
        xml = xml.replace(old, new + old)
    up = "".join(started(name, kind) for name, kind in (("remote-0", REMOTE), ("vm", GUEST), ("guest-0", REMOTE)))
    return xml.replace("</lrm_resources>", f"{up}</lrm_resources>", 1)


def started(name: str, kind: str) -> str:
    """Return the history of a resource that has been started."""
    key = "1:0:0:00000000-0000-0000-0000-000000000000"
    words = f'operation="start" operation_key="{name}_start_0" transition-key="{key}" transition-magic="0:0;{key}" call-id="3" rc-code="0"'
    return f'<lrm_resource id="{name}" {kind}><lrm_rsc_op id="{name}_last_0" {words} op-status="0" interval="0"/></lrm_resource>'


def test_attributes_of_remote_nodes_count_listed_or_not(tmp_path: Path) -> None:
    if shutil.which("crm_simulate") is None:
        pytest.skip("NOT COMPARED WITH PACEMAKER: crm_simulate is not installed (Debian: pacemaker-cli-utils)")
    rng = random.Random(21)
    words = ("on", "off", "true", "false", "nonsense")

    def some(often: float) -> dict[str, dict[str, str]]:
        keys = ("standby", "maintenance")
        return {name: {key: rng.choice(words) for key in keys if rng.random() < 0.6} for name in REMOTES if rng.random() < often}

    seen = 0
    for _ in range(30 * FACTOR):
        transient = {**{name: {} for name in REMOTES}, **some(0.7)}  # without a state in the status they are not up
        xml = with_remotes(transient, some(0.3), rng.choice((str, str, str.upper)))
        (cib,) = cibs(read(xml))
        ours = {node.name: (node.standby, node.maintenance) for node in running_nodes(cib)}
        assert ours == shown(xml, tmp_path), xml
        seen += any(any(each) for each in ours.values())
    assert seen > 10


def test_a_remote_node_that_is_not_listed_may_run_what_its_attribute_in_the_status_lets_it() -> None:
    resources = "".join(REMOTES.values())
    xml = with_remotes({"remote-0": {"frontend": "yes"}}, {}).replace("</constraints>", f"{RULE}</constraints>")
    assert resources in xml
    (cib,) = cibs(read(xml))
    assert set(places(cib).barred["haproxy-clone"]) == set(NODES)
    assert places(cib).doubtful == set()
    (untold,) = cibs(read(xml.replace('name="frontend"', 'name="backend"')))
    assert places(untold).doubtful == {"haproxy-clone"}  # of the guest nothing is told


def test_maintenance_of_a_remote_node_that_is_not_listed_is_told(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, with_remotes({"remote-0": {"maintenance": "true"}}, {}), "LW110")
    assert finding.message.startswith("node `remote-0`: `maintenance` is `true`")


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
