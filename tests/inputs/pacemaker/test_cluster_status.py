"""Where resources run: `pcs status` and `crm_mon`, as text and as XML, against each other and against the real `crm_mon`."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from lwlint.core.source import Source
from lwlint.inputs.pacemaker.facts import ClusterStatus, ResourceStatus
from lwlint.inputs.pacemaker.status import Shown, is_status, read_crm_mon, shown_in_xml, shown_resources, status_facts
from lwlint.inputs.pacemaker.xml import Element
from lwlint.run import load_catalogue
from tests.shared import HERE, shared

Where = set[tuple[str, str, str, bool]]
# in short a status shows the group that is cloned, and not what is in it; and it calls what failed in a clone stopped
GROUPS_IN_CLONES = ("migrate-stop-start-complex", "migrate-stop-complex", "not-reschedule-unneeded-monitor", "whitebox-ms-ordering")


def where(shown: Iterable[Shown]) -> Where:
    """Return what runs where; the role of a bundle is its container's in one print, and that of what is inside it in another."""
    return {(one.name.value, "Started" if one.bundle else one.role, node.value, one.failed) for one in shown for node in one.nodes}


def text(words: str) -> list[Shown]:
    return list(shown_resources(Source("pcs_status", words, "cluster status")))


def xml(words: str) -> list[Shown]:
    root = read_crm_mon(Source("crm_mon", words, "cluster status"))
    assert isinstance(root, Element)
    return list(shown_in_xml(root))


def lab(name: str) -> str:
    return shared(f"corpus/cib/lab/light-clone/{name}").read_text("utf-8")


def test_a_live_cluster_is_where_text_and_xml_say() -> None:
    assert where(text(lab("pcs_status_--full"))) == where(xml(lab("crm_mon.xml")))
    assert ("ip-203.0.113.100", "Started", "controller-2", False) in where(text(lab("pcs_status_--full")))
    assert len(where(xml(lab("crm_mon.xml")))) == 16


def crm_mon(path: Path, *options: str) -> str:
    done = subprocess.run(["crm_mon", "--xml-file", str(path), *options], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout


@pytest.mark.parametrize("options", [("-1", "--inactive"), ("-1", "--inactive", "--show-detail"), ("-1", "-n")])
def test_the_texts_of_the_real_program_say_what_its_xml_says(options: tuple[str, ...]) -> None:
    if shutil.which("crm_mon") is None:
        pytest.skip("there is no `crm_mon` on this machine: install the package pacemaker-cli-utils")
    differing, compared = [], 0
    for path in sorted(shared("corpus/cib/2.1.5").glob("*.xml"))[3::12]:
        if path.stem in GROUPS_IN_CLONES:
            continue
        exact, mine = where(xml(crm_mon(path, "--output-as=xml", "--inactive"))), where(text(crm_mon(path, *options)))
        compared += len(exact)
        if {one for one in exact if not is_guest(one[2])} != {one for one in mine if not is_guest(one[2])}:
            differing.append((path.name, exact ^ mine))
    assert (differing, compared > 80) == ([], True)


@pytest.mark.parametrize("tree", ["containers", "newton"])
def test_the_xml_by_node_says_what_the_xml_by_resource_says(tree: str, tmp_path: Path) -> None:
    if shutil.which("crm_simulate") is None or shutil.which("crm_mon") is None:
        pytest.skip("there is no `crm_simulate` on this machine: install the package pacemaker-cli-utils")
    path = HERE / f"fixtures/{tree}/var/lib/pacemaker/cib/cib.xml"
    names = [name for number in range(3) for name in ("--node-up", f"overcloud-controller-{number}")]
    for step in range(4):  # what starts first, what follows it, what is in a bundle, and who is promoted
        done = tmp_path / f"{step}.xml"
        words = ["crm_simulate", "--xml-file", str(path), *(names if not step else []), "--simulate", "--save-output", str(done)]
        subprocess.run(words, capture_output=True, timeout=60, check=False)
        path = done
    flat, by_node = (xml(crm_mon(path, "--output-as=xml", *options)) for options in (("--inactive",), ("-n",)))
    assert where(flat) == where(by_node)
    assert len(where(flat)) > 15
    assert {one.name.value for one in by_node if one.bundle} == {one.name.value for one in flat if one.bundle}
    assert ("haproxy-bundle" in {one.name.value for one in by_node}) is (tree == "containers")


def is_guest(node: str) -> bool:
    return "-bundle-" in node


OLD = """Cluster name: tripleo_cluster
Stack: corosync
Current DC: overcloud-controller-1 (version 1.1.16-12.el7_4.8-94ff4df) - partition with quorum
Last updated: Thu Nov 23 04:05:06 2017

12 nodes configured
37 resources configured

Online: [ overcloud-controller-0 overcloud-controller-1 overcloud-controller-2 ]
GuestOnline: [ galera-bundle-0@overcloud-controller-0 galera-bundle-1@overcloud-controller-1 ]

Full list of resources:

 Docker container set: galera-bundle [192.168.24.1:8787/rhosp12/openstack-mariadb:latest]
   galera-bundle-0\t(ocf::heartbeat:galera):\tMaster overcloud-controller-0
   galera-bundle-1\t(ocf::heartbeat:galera):\tFAILED Master overcloud-controller-1 (blocked)
   galera-bundle-2\t(ocf::heartbeat:galera):\tStopped
 ip-192.168.24.9\t(ocf::heartbeat:IPaddr2):\tStarted overcloud-controller-0
 ip-10.0.0.5\t(ocf::heartbeat:IPaddr2):\tStopped (disabled)
 Docker container set: haproxy-bundle [192.168.24.1:8787/rhosp12/openstack-haproxy:latest]
   haproxy-bundle-docker-0\t(ocf::heartbeat:docker):\tStarted overcloud-controller-0
   haproxy-bundle-docker-1\t(ocf::heartbeat:docker):\tStarted overcloud-controller-1 (Monitoring)
 Master/Slave Set: redis-master [redis]
     Masters: [ overcloud-controller-2 ]
     Slaves: [ overcloud-controller-0 overcloud-controller-1 ]
 Clone Set: httpd-clone [httpd]
     Stopped: [ overcloud-controller-0 ]
 Resource Group: pair
     first\t(ocf::pacemaker:Dummy):\tStarting overcloud-controller-1
     second\t(lsb:second):\t ORPHANED Started overcloud-controller-1
 Docker container: openstack-cinder-volume [192.168.24.1:8787/rhosp12/openstack-cinder-volume:latest]
   openstack-cinder-volume-docker-0\t(ocf::heartbeat:docker):\tStarted (blocked) [ overcloud-controller-0 overcloud-controller-2 ]

Failed Actions:
* galera_promote_0 on galera-bundle-1 'unknown error' (1): call=9, status=complete, exitreason='x',

Daemon Status:
  corosync: active/enabled
"""


def test_an_old_status_with_bundles_is_read() -> None:
    short = {name: name.replace("overcloud-controller-", "") for name in (f"overcloud-controller-{i}" for i in range(3))}
    assert sorted((o.name.value, o.role, *(short[n.value] for n in o.nodes), *(["failed"] if o.failed else [])) for o in text(OLD)) == [
        ("first", "Starting", "1"),
        ("galera-bundle", "Promoted", "0"),
        ("galera-bundle", "Promoted", "1", "failed"),
        ("galera-bundle", "Stopped"),
        ("haproxy-bundle", "Started", "0"),
        ("haproxy-bundle", "Started", "1"),
        ("httpd", "Stopped"),
        ("ip-10.0.0.5", "Stopped"),
        ("ip-192.168.24.9", "Started", "0"),
        ("openstack-cinder-volume", "Started", "0", "2"),
        ("redis", "Promoted", "2"),
        ("redis", "Unpromoted", "0", "1"),
        ("second", "Started", "1"),
    ]


def test_every_name_and_node_is_where_it_stands() -> None:
    for words in (OLD, lab("pcs_status_--full")):
        for one in text(words):
            assert words[one.name.span.start : one.name.span.end].startswith(one.name.value) or one.top != one.name.value
            assert [words[node.span.start : node.span.end] for node in one.nodes] == [node.value for node in one.nodes]


def facts(words: str, path: str = "pcs_status") -> list[Any]:
    return list(status_facts([Source(path, words, "cluster status")], load_catalogue()))


def test_services_are_known_by_agent_image_and_id() -> None:
    services = {fact.name: fact.service.name for fact in facts(OLD) if isinstance(fact, ResourceStatus) and fact.service is not None}
    assert services == {
        "galera-bundle": "galera",
        "ip-192.168.24.9": "vip",
        "ip-10.0.0.5": "vip",
        "haproxy-bundle": "haproxy",
        "redis": "redis",
        "openstack-cinder-volume": "cinder_volume",
        "httpd": "apache",
    }


@pytest.mark.parametrize("words", ["", "Error: cluster is not currently running on this node\n", "<html/>", "<crm_mon", "Full list\n* a"])
def test_what_is_no_status_gives_none(words: str) -> None:
    assert [fact for fact in facts(words) if isinstance(fact, ClusterStatus)] == []
    assert is_status(words) is False
