"""The plan on a real cluster: its script moves three nodes to the lightweight architecture and back, and no API fails to answer.

Real are corosync, Pacemaker, systemd, ssh, HAProxy and the virtual IPs; stand-ins are the programs of OpenStack, Galera, RabbitMQ and
Redis. `python -m pytest -m cluster -s`, as root, prints the figures of docs/plan.md; `LWLINT_WHOLE_CLUSTER=1` takes all 51 resources.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import time
from collections.abc import Iterator

import pytest

from lwlint.audit.operate.simulation import read_cib
from tests.audit.operate.clusters import canonical
from tests.cluster.cloud import CORE, LEAVING, NODES, Cloud, full_ha
from tests.cluster.lab import asked, failures, lacking, probing, wait

pytestmark = pytest.mark.cluster
LWLINT = f"{sys.executable} -m lwlint"
FIRST, LAST = NODES[0], NODES[-1]
SECONDS = 1200.0  # that a script may take
AWAY = 40.0  # seconds after the death of a node in which requests may fail: its connections, and the virtual IPs that it had


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    missing = lacking()
    if missing:
        pytest.skip(f"NOT RUN ON A REAL CLUSTER: {'; '.join(missing)}")
    kept = None if os.environ.get("LWLINT_WHOLE_CLUSTER") else {*CORE, *LEAVING}
    made = Cloud(tmp_path_factory.mktemp("cluster"), full_ha(kept))
    with made.lab:
        begun = time.monotonic()
        made.up()
        tell(f"{len(NODES)} nodes, {len(made.primitives)} resources: up in {time.monotonic() - begun:.0f} s")
        yield made


def tell(line: str) -> None:
    print(f"\n{line}", end="", flush=True)


def findings(cloud: Cloud) -> dict[str, str]:
    """Return for each node on which an audit finds anything what it prints."""
    ran = {node: cloud.lab.run(node, f"cd /root && {LWLINT} audit --live --run --fail-on note", cloud.patience) for node in NODES}
    assert all("1 host, 1 cluster" in out for _, out in ran.values()), ran
    return {node: out for node, (code, out) in ran.items() if code != 0}


def script(cloud: Cloud, *arguments: str) -> None:
    """Have the controller make its plan, as the operator's guide says."""
    cloud.lab.asked(FIRST, f"cd /root && {LWLINT} plan --live --run --format sh {' '.join(arguments)} >plan.sh", cloud.patience)


def run(cloud: Cloud, what: str, argument: str = "") -> list[str]:
    """Run the script to its end while the APIs are asked; return what the probe says failed."""
    begun = time.monotonic()
    with probing(cloud.lab, cloud.targets) as said:
        code, out = cloud.lab.run(FIRST, f"cd /root && bash plan.sh {argument} 2>&1", SECONDS)
        seconds = time.monotonic() - begun
        assert code == 0, f"{out}\n{cloud.story()}"
        assert out.endswith("all is done\n")
    failed = failures(said)
    tell(f"{what}: {seconds:.0f} s, {len(failed)} of {asked(said)} requests failed")
    return failed


def test_the_script_moves_a_running_cloud_and_takes_everything_back(cloud: Cloud) -> None:
    before, processes, places, actions = canonical(read_cib(cloud.query())), cloud.processes(), cloud.places(), cloud.actions()
    assert {name for _, name in processes} >= {"haproxy", "galera", *cloud.apis}
    assert set(findings(cloud)) == set(NODES)  # an audit sees it
    assert len([each for each in places.values() for one in each if one.endswith("/32")]) == len(cloud.vips)
    script(cloud)
    dry = cloud.lab.asked(FIRST, "cd /root && bash plan.sh --dry-run 2>&1", SECONDS)
    assert dry.endswith("all is done\n")
    assert canonical(read_cib(cloud.query())) == before
    assert run(cloud, "full HA to lightweight") == []
    assert cloud.processes() == processes  # the core's and those that systemd has now: the same processes
    assert cloud.places() == places
    assert cloud.actions() == actions  # no agent did anything, and no cleanup was run or stopped
    primitives = set(cloud.cib_now().xpath("//primitive/@id"))
    assert primitives == cloud.core
    for node, unit, active, enabled, restart in cloud.states(cloud.leaving_units):
        assert (node, unit, active, enabled, restart) == (node, unit, "active", "enabled", "always")
    assert {enabled for _, _, _, enabled, _ in cloud.states(cloud.lab.once)} == {"enabled"}
    assert findings(cloud) == {}

    assert run(cloud, "and back (--undo)", "--undo") == []
    assert canonical(read_cib(cloud.query())) == before
    assert cloud.processes() == processes
    assert cloud.places() == places
    assert cloud.actions() == actions
    for node, unit, active, enabled, restart in cloud.states(cloud.leaving_units):
        assert (node, unit, active, enabled, restart) == (node, unit, "active", "disabled", "no")  # Pacemaker's alone again


def test_the_playbook_does_the_same(cloud: Cloud) -> None:
    if importlib.util.find_spec("ansible") is None:
        pytest.skip("NO PLAYBOOK IS RUN: Ansible is not installed (pip: ansible-core)")
    cloud.rests()
    before, processes, places, actions = canonical(read_cib(cloud.query())), cloud.processes(), cloud.places(), cloud.actions()
    cloud.lab.asked(FIRST, f"cd /root && {LWLINT} plan --live --run --format ansible >plan.yaml", cloud.patience)

    out = play(cloud, "--check")
    assert re.search(r"^TASK \[Simulate each step on a copy of the live CIB\] \*+\nok: ", out, re.M), out
    assert re.search(r"failed=0\b.* skipped=1\b", out), out
    assert canonical(read_cib(cloud.query())) == before

    assert played(cloud, "the playbook") == []
    assert (cloud.processes(), cloud.places(), cloud.actions()) == (processes, places, actions)
    assert set(cloud.cib_now().xpath("//primitive/@id")) == cloud.core
    assert findings(cloud) == {}
    assert re.search(r"changed=0\b.* failed=0\b.* skipped=0\b", play(cloud))  # once more: nothing is left to do

    assert played(cloud, "and back (lwlint_undo)", "--extra-vars lwlint_undo=true") == []
    assert canonical(read_cib(cloud.query())) == before
    assert (cloud.processes(), cloud.places(), cloud.actions()) == (processes, places, actions)


def played(cloud: Cloud, what: str, *options: str) -> list[str]:
    """Run the playbook while the APIs are asked; return what the probe says failed."""
    begun = time.monotonic()
    with probing(cloud.lab, cloud.targets) as said:
        out = play(cloud, *options)
        seconds = time.monotonic() - begun
    assert re.search(r"changed=1\b.* failed=0\b", out), out
    failed = failures(said)
    tell(f"{what}: {seconds:.0f} s, {len(failed)} of {asked(said)} requests failed")
    return failed


def play(cloud: Cloud, *options: str) -> str:
    """Run the playbook on the first node, and return what Ansible prints; it must end well."""
    state = "--extra-vars lwlint_state=/root/played"
    words = f"--connection local --inventory {FIRST}, --extra-vars ansible_become=false {state} {' '.join(options)}"
    return cloud.lab.asked(FIRST, f"cd /root && {sys.executable} -m ansible playbook {words} plan.yaml 2>&1", SECONDS)


def test_a_node_that_dies_in_the_middle_is_taken_along_when_it_is_back(cloud: Cloud) -> None:
    cloud.rests()
    cloud.lab.asked(FIRST, "rm -rf /root/lwlint-plan")
    script(cloud)
    steps = len(re.findall(r"^if ! is_done", cloud.lab.asked(FIRST, "cat /root/plan.sh"), re.M))
    processes = {key: one for key, one in cloud.processes().items() if key[0] != LAST}
    begun = time.monotonic()
    with probing(cloud.lab, cloud.targets) as said:
        runs = cloud.lab.start(FIRST, "cd /root && bash plan.sh 2>&1")
        wait(lambda: len(done(cloud)) >= steps // 2, SECONDS, "half of the steps")
        killed = time.time()
        cloud.lab.kill(LAST)
        out, _ = runs.communicate(timeout=SECONDS)
        assert runs.returncode != 0, out
        assert "STOPPED: " in out
        stopped = time.time() - killed
        half = len(done(cloud))
        assert half < steps
        cloud.lab.boot(LAST)
        cloud.joined()
        cloud.rests()
        code, out = cloud.lab.run(FIRST, "cd /root && bash plan.sh 2>&1", SECONDS)
        assert code == 0, f"{out}\n{cloud.story()}"
        cloud.rests()
    failed = failures(said)
    tell(
        f"a node killed after {half} of {steps} steps (the script stopped after {stopped:.0f} s), booted, and resumed: "
        f"{time.monotonic() - begun:.0f} s, {len(failed)} of {asked(said)} requests failed, near the death"
    )
    late = [line for line in failed if not killed - 6 < float(line.split()[1]) < killed + AWAY]
    assert late == []
    now = cloud.processes()
    moved = {"openstack-cinder-volume"}  # what runs once goes where there is a node
    assert {key: one for key, one in now.items() if key[0] != LAST and key[1] not in moved} == {
        key: one for key, one in processes.items() if key[1] not in moved
    }
    assert {name for node, name in now if node == LAST} >= {"haproxy", "galera", *cloud.apis}
    for node, unit, active, enabled, restart in cloud.states(cloud.leaving_units):
        assert (node, unit, active, enabled, restart) == (node, unit, "active", "enabled", "always")
    assert set(cloud.cib_now().xpath("//primitive/@id")) == cloud.core
    assert findings(cloud) == {}


def done(cloud: Cloud) -> list[str]:
    return cloud.lab.run(FIRST, "ls /root/lwlint-plan/*.done 2>/dev/null")[1].split()
