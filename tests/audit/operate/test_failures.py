"""`lwlint what-if`: what failures come to, beside crm_simulate called by hand, and beside the rule that judges virtual IPs."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lwlint.audit.operate import failures
from lwlint.audit.operate.failures import BARRED, DEAD, Cluster, Failure, Result, study
from lwlint.audit.operate.simulation import Pacemaker, Refused, Stopped, read_cib, serialize
from lwlint.audit.targets import FOLDERS
from lwlint.checks.pacemaker_constraints import CHECKS, BoundParams, owners
from lwlint.checks.pacemaker_resources import CHECKS as STATE_CHECKS
from lwlint.checks.pacemaker_resources import StickyParams
from lwlint.cli import main
from lwlint.core.check import Unknown
from lwlint.core.facts import Facts
from lwlint.core.finding import ConfigurationError
from lwlint.core.source import Source
from lwlint.inputs.pacemaker.model import Colocations, cibs
from lwlint.inputs.pacemaker.reader import cib_facts
from lwlint.report.operate import render_testplan
from lwlint.run import load_catalogue
from tests.audit.operate.clusters import address, cib, clone, master, ocf, order, pacemaker_is_here, running, service, together
from tests.inputs.pacemaker.cib_shapes import tied
from tests.shared import HERE, shared

CATALOGUE = load_catalogue()
FACTOR = int(os.environ.get("LWLINT_GENERATED", "1"))  # the gate's number times this
VIP = "ip-192.0.2.1"
LIGHT = (address("192.0.2.1"), clone(service("haproxy")), service("openstack-cinder-volume"))
BOUND = (together(VIP, "haproxy-clone"), order(VIP, "haproxy-clone", "Optional"))


@pytest.fixture(scope="module", autouse=True)
def _pacemaker() -> None:
    pacemaker_is_here()


@pytest.fixture(scope="module")
def pacemaker() -> Iterator[Pacemaker]:
    with Pacemaker() as asked:
        yield asked


def facts_of(text: str) -> Facts:
    return Facts(cib_facts([Source("cib.xml", text, "cib")], CATALOGUE), services=CATALOGUE.services)


def cluster(text: str, pacemaker: Pacemaker) -> Cluster:
    return Cluster(text, facts_of(text), pacemaker)


def outcomes(result: Result) -> dict[str, str]:
    return {effect.thing: effect.outcome for effect in result.effects}


def where(asked: Cluster, thing: str) -> list[str]:
    return sorted(asked.where(asked._state).nodes.get(thing, ()))


def by_hand(document: Any, folder: Path, *events: str) -> tuple[dict[str, set[str]], int]:
    """Return where each primitive ends, and how many actions change anything, by crm_simulate called until nothing is left to do.

    It shows what was on a node that died and that nobody has fenced as if it were still there; it is down.
    """
    path, after = folder / "before.xml", folder / "after.xml"
    path.write_bytes(serialize(document))
    count, words = 0, list(events)
    for _ in range(9):
        command = ["crm_simulate", f"--xml-file={path}", "--simulate", "--output-as=xml", f"--save-output={after}", *words]
        answer = ET.fromstring(subprocess.run(command, capture_output=True, check=False, cwd=folder).stdout)
        transition = answer.find("transition")
        done = [one.get("op") for one in transition if one.tag == "rsc_action"] if transition is not None else []
        changed = sum(op in ("start", "stop", "promote", "demote", "migrate_to", "migrate_from") for op in done)
        count += changed
        words = []
        if not changed:
            break
        path.write_bytes(after.read_bytes())
    found: dict[str, set[str]] = {}
    status = answer.find("revised_cluster_status")
    assert status is not None
    online = {node.get("name") for node in status.iterfind("nodes/node") if node.get("online") == "true"}
    for one in status.iter("resource"):
        if one.get("active") == "true":
            there = {n.get("name") or "" for n in one.findall("node") if n.get("name") in online}
            found.setdefault(re.sub(r":\d+$", "", one.get("id") or ""), set()).update(there)
    return found, count


def compare(text: str, pacemaker: Pacemaker, folder: Path, most: int) -> int:
    """Compare the answers on failures of nodes and virtual IPs with those by hand, and return how many there were."""
    asked = cluster(text, pacemaker)
    failures = [one for one in asked.failures() if not one.thing or (one.what == DEAD and one.title in ("virtual IP", "haproxy"))][:most]
    for failure in failures:
        if failure.thing:
            history = asked._history(asked.document, failure.thing, failure.node)
            if history is None:
                assert "no recurring monitor" in asked.result(failure).trouble
                continue
            events = [f"--op-inject={history[0]}_monitor_{history[1]}@{history[2]}=7"]
        else:
            left = len([node for node in asked._state.online if node in asked.members]) - 1
            events = [f"--node-fail={failure.node}", *(["--quorum=0"] if asked.quorum(left) == "no" else [])]
        found, count = by_hand(asked.document, folder, *events)
        result = asked.result(failure)
        vips = {effect.thing: set(effect.after) for effect in result.effects if effect.title == "virtual IP"}
        assert {vip: found.get(vip, set()) for vip in vips} == vips, failure
        assert result.actions == count or any(effect.outcome == "down" for effect in result.effects), failure
    return len(failures)


@pytest.mark.parametrize("name", ["newton", "full-pacemaker"])
def test_the_answers_are_those_of_crm_simulate_called_by_hand(name: str, pacemaker: Pacemaker, tmp_path: Path) -> None:
    text = (HERE / "fixtures" / name / "var/lib/pacemaker/cib/cib.xml").read_text("utf-8")
    assert compare(text, pacemaker, tmp_path, 6) == 6


@pytest.mark.parametrize("release", ["1.1.24", "2.1.5"])
@pytest.mark.parametrize("name", ["unrunnable-2", "remote-recover-all", "bundle-order-startup"])
def test_the_answers_on_clusters_of_the_field_are_those_of_crm_simulate_called_by_hand(
    name: str, release: str, pacemaker: Pacemaker, tmp_path: Path
) -> None:
    assert compare(shared(f"corpus/cib/{release}/{name}.xml").read_text("utf-8"), pacemaker, tmp_path, 3)


def test_a_node_that_dies_takes_its_address_to_another_node_with_haproxy(pacemaker: Pacemaker) -> None:
    asked = cluster(cib(LIGHT, BOUND), pacemaker)
    (node,) = where(asked, VIP)
    result = asked.result(Failure("node", node))
    assert outcomes(result)[VIP] == "moves"
    assert (result.away, result.unserved, result.quorum) == ((), (), "yes")
    assert "off" in result.fencing


@pytest.mark.parametrize("feature_set", ["3.0.10", "3.0.13", "3.16.1"])
def test_what_cannot_run_moves_whatever_the_fail_count_is_called(feature_set: str, pacemaker: Pacemaker) -> None:
    text = cib(LIGHT, BOUND).replace('crm_feature_set="3.0.10"', f'crm_feature_set="{feature_set}"')
    asked = cluster(text, pacemaker)
    (node,) = where(asked, VIP)
    assert outcomes(asked.result(Failure(BARRED, node, VIP)))[VIP] == "moves"


@pytest.mark.parametrize("feature_set", ["3.0.10", "3.16.1"])
def test_the_first_failure_moves_what_may_fail_once_only(feature_set: str, pacemaker: Pacemaker) -> None:
    defaults = {"migration-threshold": "1", "resource-stickiness": "INFINITY"}
    text = cib(LIGHT, BOUND, defaults=defaults).replace('crm_feature_set="3.0.10"', f'crm_feature_set="{feature_set}"')
    asked = cluster(text, pacemaker)
    (node,) = where(asked, VIP)
    assert outcomes(asked.result(Failure(DEAD, node, VIP)))[VIP] == "moves"


def test_an_address_without_a_bond_stays_where_haproxy_is_gone(pacemaker: Pacemaker) -> None:
    asked = cluster(cib(LIGHT), pacemaker)
    (node,) = where(asked, VIP)
    result = asked.result(Failure(BARRED, node, "haproxy"))
    assert [(one.vip, one.node) for one in result.away] == [(VIP, node)]
    assert outcomes(result)[VIP] == "without HAProxy"


def test_an_address_waits_for_its_haproxy_at_most_for_the_timeouts_and_the_monitor(pacemaker: Pacemaker) -> None:
    asked = cluster(cib(LIGHT, BOUND), pacemaker)
    (node,) = where(asked, VIP)
    (effect,) = [one for one in asked.result(Failure(DEAD, node, "haproxy")).effects if one.thing == VIP]
    assert (effect.outcome, effect.silent, effect.detected) == ("waits", 40.0, 80.0)  # stop and start, 20 s each; monitor each 60 s


def test_timeouts_of_what_comes_first_count_for_what_comes_after(pacemaker: Pacemaker) -> None:
    slow = service("memcached").replace('<op id="memcached-monitor"', '<op id="memcached-start" name="start" interval="0" timeout="100s"/>'
                                        '<op id="memcached-monitor"')  # fmt: skip
    asked = cluster(cib((*LIGHT, clone(slow)), (*BOUND, order("memcached-clone", "openstack-cinder-volume")), nodes=("one",)), pacemaker)
    found = {one.thing: one.silent for one in asked.result(Failure(DEAD, "one", "memcached")).effects}
    # cinder-volume stops (20 s), memcached stops (20 s) and starts (100 s), cinder-volume starts (20 s)
    assert found == {"memcached": 140.0, "openstack-cinder-volume": 160.0}


def test_what_is_set_on_a_node_until_it_reboots_holds_where_nothing_runs_yet(pacemaker: Pacemaker) -> None:
    pair = '<instance_attributes id="s"><nvpair id="s-1" name="standby" value="on"/><nvpair id="s-2" name="shutdown" value="1"/>'
    told = f'<transient_attributes id="2">{pair}</instance_attributes></transient_attributes>'
    text = cib(LIGHT, BOUND).replace("<status/>", f'<status><node_state id="2" uname="two">{told}</node_state></status>')
    assert where(cluster(text, pacemaker), "haproxy") == ["one", "three"]
    assert where(cluster(text.replace('"on"', '"off"'), pacemaker), "haproxy") == ["one", "three", "two"]


def test_quorum_is_lost_with_the_second_of_three_nodes_and_not_known_of_two(pacemaker: Pacemaker) -> None:
    asked = cluster(cib(LIGHT, BOUND), pacemaker)
    second = [one for one in asked.failures() if one.what == "node"]
    result = asked.result(Failure("node", "one"), twice=second)
    assert [one.quorum for one in (result, *result.then)] == ["yes", "no", "no"]
    assert all(one.unserved == (VIP,) for one in result.then)  # without quorum all stops
    assert cluster(cib(LIGHT, BOUND, nodes=("one", "two")), pacemaker).quorum(1) == "not known"


def test_fencing_without_a_device_is_told(pacemaker: Pacemaker) -> None:
    asked = cluster(cib(LIGHT, BOUND, properties={"stonith-enabled": "true"}), pacemaker)
    assert asked.fencing() == "there is no device"
    assert "there is no device" in asked.result(Failure("node", "one")).fencing


@pytest.mark.parametrize(
    ("defaults", "properties", "loose"),
    [
        ({}, {}, True),
        ({"resource-stickiness": "0"}, {}, True),
        ({"resource-stickiness": "-1"}, {}, True),
        ({"resource-stickiness": "1"}, {}, False),
        ({}, {"default-resource-stickiness": "100"}, False),
    ],
)
def test_the_rule_of_stickiness_says_what_the_scheduler_does(
    defaults: dict[str, str], properties: dict[str, str], loose: bool, pacemaker: Pacemaker
) -> None:
    """LW116 finds the addresses of just the cluster in which a failure elsewhere moves one that is healthy."""
    addresses = [f"192.0.2.{n}" for n in (1, 2, 3)]
    bound = [one for ip in addresses for one in (together(f"ip-{ip}", "haproxy-clone"), order(f"ip-{ip}", "haproxy-clone", "Optional"))]
    resources = [*map(address, addresses), clone(service("haproxy")), clone(service("rabbitmq-server")), service("openstack-cinder-volume")]
    text = cib(resources, bound, defaults=defaults, properties=properties)
    (check,) = (one for one in STATE_CHECKS if one.name == "no-stickiness")
    assert bool(list(check.run(facts_of(text), StickyParams(service="vip")))) is loose
    asked = cluster(text, pacemaker)
    moved = {
        effect.thing
        for failure in asked.failures()
        for effect in asked.result(failure).effects
        if effect.title == "virtual IP"
        and effect.outcome == "moves"
        and effect.thing != failure.thing
        and failure.node not in effect.before
    }
    assert bool(moved) is loose


def test_what_nothing_watches_is_told_and_not_left_out(pacemaker: Pacemaker) -> None:
    blind = service("openstack-cinder-volume")
    text = re.sub(r"<operations>.*?</operations>", "", cib((*LIGHT[:2], blind), BOUND), flags=re.S)
    assert "monitor" not in text
    asked = cluster(text, pacemaker)
    found = [one for one in asked.failures() if one.thing == "openstack-cinder-volume"]
    assert [one.what for one in found] == [DEAD, BARRED]
    assert {asked.result(one).trouble for one in found} == {
        f"openstack-cinder-volume has no recurring monitor on {found[0].node}, so that nothing would see it fail"
    }
    assert asked.failures(["resource:openstack-cinder-volume"]) == found


@pytest.mark.parametrize(
    ("text", "said", "start"),
    [
        (cib(LIGHT[1:]), "", ""),  # no virtual IP at all
        (cib((address("192.0.2.1"), service("openstack-cinder-volume"))), "not known", ""),  # no HAProxy in the cluster
        (cib(LIGHT, (*BOUND, f'<rsc_ticket id="t" rsc="{VIP}" ticket="a"/>')), "", f"; no virtual IP is up in it: {VIP}"),
        (cib((*LIGHT, address("192.0.2.2")), (*BOUND, '<rsc_ticket id="t" rsc="ip-192.0.2.2" ticket="a"/>')), "yes",
         "; down in it: ip-192.0.2.2"),
        (cib(LIGHT, BOUND, properties={"stonith-enabled": "true"}), "", f"; no virtual IP is up in it: {VIP}"),  # no device: nothing starts
        (cib(LIGHT, BOUND), "yes", ""),
    ],
)  # fmt: skip
def test_an_address_that_is_not_up_is_not_said_to_be_with_haproxy(text: str, said: str, start: str, pacemaker: Pacemaker) -> None:
    asked = cluster(text, pacemaker)
    assert {asked.result(Failure("node", node)).with_haproxy for node in asked.members} == {said}
    assert asked.start.endswith(f"as the scheduler starts it{start}")


def test_the_address_of_another_service_need_not_be_with_haproxy(pacemaker: Pacemaker) -> None:
    """That of the OVN databases follows their promoted copy (LW103 lets it be)."""
    other = together("ip-192.0.2.2", "ovndb_servers-master").replace(" score", ' with-rsc-role="Master" score')
    text = cib((*LIGHT, address("192.0.2.2"), master(ocf("ovndb_servers", "ovndb-servers", "ovn"))), (*BOUND, other))
    asked = cluster(text, pacemaker)
    (node,) = where(asked, "ip-192.0.2.2")
    result = asked.result(Failure(BARRED, node, "haproxy"))
    assert (result.away, result.with_haproxy) == ((), "yes")
    assert "ip-192.0.2.2" not in outcomes(result)
    params = yaml.safe_load((HERE / "rules/pacemaker/vip-without-haproxy.yaml").read_text("utf-8"))["params"]
    assert BoundParams(**{name: tuple(value) if isinstance(value, list) else value for name, value in params.items()}) == failures.BOUND


ON_FAIL = 'name="monitor" interval="10" on-fail="{}"'
UNMANAGED = '<nvpair id="m" name="maintenance-mode" value="true"/>'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name="monitor" interval="10"', ON_FAIL.format("block")),
        ('name="monitor" interval="10"', ON_FAIL.format("ignore")),
        ('name="stonith-enabled" value="false"', 'name="stonith-enabled" value="true"'),  # without a device
        ('name="stonith-enabled" value="false"/>', f'name="stonith-enabled" value="false"/>{UNMANAGED}'),
        ('uname="{node}"/>', 'uname="{node}"><instance_attributes id="n"><nvpair id="n-1" name="maintenance" value="true"/>'
                             '</instance_attributes></node>'),
    ],
)  # fmt: skip
def test_what_has_failed_and_is_let_be_is_down(old: str, new: str, pacemaker: Pacemaker) -> None:
    text = running(cib(LIGHT, BOUND))
    (node,) = where(cluster(text, pacemaker), VIP)
    assert old.format(node=node) in text
    asked = cluster(text.replace(old.format(node=node), new.format(node=node)), pacemaker)
    for what in (DEAD, BARRED):
        result = asked.result(Failure(what, node, VIP))
        assert (result.unserved, result.with_haproxy, outcomes(result)[VIP]) == ((VIP,), "", "down")
    if "on-fail" not in new:
        result = asked.result(Failure(DEAD, node, "haproxy"), twice=[Failure("node", one) for one in asked.members if one != node])
        assert all([one.node for one in each.away] == [node] for each in (result, *result.then))


def test_a_dead_node_that_nobody_can_fence_serves_nothing(pacemaker: Pacemaker) -> None:
    text = running(cib(LIGHT, BOUND)).replace('name="stonith-enabled" value="false"', 'name="stonith-enabled" value="true"')
    asked = cluster(text, pacemaker)
    (node,) = where(asked, VIP)
    result = asked.result(Failure("node", node))
    assert result.unserved == (VIP,)  # Pacemaker still shows it as started there, unclean
    assert {VIP: "down", "haproxy": "fewer"}.items() <= outcomes(result).items()


def test_remote_and_guest_nodes_are_told_as_not_asked_about(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "cib.xml"
    guest = service("vm").replace(
        "<operations>", '<meta_attributes id="g"><nvpair id="g-1" name="remote-node" value="guest"/></meta_attributes><operations>'
    )
    path.write_text(cib((*LIGHT, ocf("compute-0", "remote", "pacemaker"), guest), BOUND))
    assert main(["what-if", str(path), "--fail", "node:one"]) == 0
    assert "Not asked: what the death of remote or guest nodes comes to (compute-0, guest)." in capsys.readouterr().out


def test_numbers_that_are_none_and_histories_without_a_name_end_no_answer(pacemaker: Pacemaker) -> None:
    text = cib((*LIGHT, master(ocf("redis", "redis")).replace('name="master-max" value="1"', 'name="master-max" value="\u00b2"')), BOUND)
    assert cluster(text, pacemaker).failures()
    made = cluster(text, pacemaker).document
    for history in list(made.iter("lrm_resource"))[:1]:
        del history.attrib["id"]
    for operation in list(made.iter("lrm_rsc_op"))[:2]:
        operation.set("call-id", "x")
        operation.set("last-rc-change", "now")
    again = cluster(serialize(made).decode(), pacemaker)
    assert [again.result(one).trouble for one in again.failures(["node:" + again.members[0]])] == [""]


def test_a_second_failure_begins_where_the_first_has_ended(pacemaker: Pacemaker) -> None:
    asked = cluster(cib(LIGHT, BOUND), pacemaker)
    first = Failure("node", asked.members[0])
    second = [one for one in asked.failures() if one.what != DEAD and one.node != first.node]
    made, events = asked._failing(first, asked.document, asked._state)
    settled = asked._ask.settle(made, *events)
    assert asked._ask.simulate(settled.cib).before.resources == settled.after.resources
    assert {one.failure for one in asked.result(first, twice=second).then} <= set(second)


def test_names_that_are_not_there_are_refused_with_near_ones(pacemaker: Pacemaker) -> None:
    asked = cluster(cib(LIGHT, BOUND), pacemaker)
    (other, *_) = sorted({"one", "two", "three"} - set(where(asked, "openstack-cinder-volume")))
    for word, said in (
        ("node:tree", "did you mean `three`?"),
        ("resource:haproxi", "did you mean `haproxy`?"),
        ("haproxy", "must be `all`, `node:NAME`"),
        (f"resource:openstack-cinder-volume@{other}", f"does not run on {other}"),
    ):
        with pytest.raises(ConfigurationError, match=re.escape(said)):
            asked.failures([word])


@pytest.mark.parametrize(("part", "count"), [(0, 8 * FACTOR), (1, 8 * FACTOR), pytest.param(2, 2000, marks=pytest.mark.night)])
def test_the_rule_of_virtual_ips_and_the_scheduler_agree_on_single_failures(part: int, count: int, pacemaker: Pacemaker) -> None:
    """Where a failure leaves an address without HAProxy while HAProxy runs elsewhere, LW103 finds it, or says whose it is."""
    (check,) = (one for one in CHECKS if one.name == "vip-without-haproxy")
    rng = random.Random(100 + part)
    seen = 0
    for _ in range(count):
        shape = tied(rng)
        text = shape.xml()
        facts = facts_of(text)
        (found,) = cibs(facts)
        graph = Colocations(found)
        if any(needed == name for name in found.resources for needed in graph.find_needed(name)):
            continue
        told = {
            one.subject.rpartition(" ")[2]
            for one in check.run(facts, BoundParams(each="vip", to="haproxy"))
            if not isinstance(one, Unknown)
        }
        try:
            asked = cluster(text, pacemaker)
        except (ConfigurationError, Refused):  # Pacemaker refuses some of these, or never comes to rest
            continue
        known = told | set(owners(found, "vip", "haproxy"))
        for node in asked.members:
            result = asked.result(Failure("node", node))
            up = any(effect.thing.startswith("haproxy") and effect.after for effect in result.effects) or result.away
            assert not up or {one.vip for one in result.away} <= known or not asked._haproxies, (shape, result.away, told)
            seen += 1
    assert seen


def test_the_command_tells_a_table_and_what_is_wrong(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "cib.xml"
    path.write_text(cib(LIGHT))
    assert main(["what-if", str(path), "--fail", "resource:haproxy"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"^haproxy found dead on \w+, \w+ +- +restarts +yes +yes +-$", text, re.M)
    assert f"{VIP} is on " in text
    assert main(["what-if", str(path), "--fail", "node:one", "--format", "json"]) == 0
    (study,) = json.loads(capsys.readouterr().out)["clusters"]
    assert [one["failure"]["node"] for one in study["results"]] == ["one"]
    assert main(["what-if", str(path), "--fail", "resource:haproxy", "--format", "html"]) == 0
    page = capsys.readouterr().out
    assert '<th scope="col">failure</th><th scope="col">virtual IP</th>' in page
    assert re.search(r"<td>haproxy found dead on \w+, \w+</td><td>-</td><td>restarts</td><td>yes</td>", page)
    assert "<h2>What is wrong</h2>" in page
    assert main(["what-if", str(path), "--fail", "node:one", "--format", "testplan"]) == 0
    assert "## 1. node one dies\n\n- do: on one: `echo b > /proc/sysrq-trigger`" in capsys.readouterr().out


def test_a_copy_of_a_bundle_is_failed_by_names_that_crm_resource_knows(pacemaker: Pacemaker, tmp_path: Path) -> None:
    source = next((HERE / "fixtures/sos/queens-docker").rglob("cib.xml"))
    text = source.read_text("utf-8")
    asked = cluster(text, pacemaker)
    path = tmp_path / "running.xml"
    path.write_bytes(serialize(asked.document))
    bundles = [one for one in asked.failures() if one.what == DEAD and one.thing.endswith("-bundle")]
    assert {one.thing for one in bundles} >= {"haproxy-bundle", "galera-bundle"}
    for one in bundles:
        resource, node = one.copy
        assert resource not in asked.things  # `crm_resource --fail` takes a primitive alone
        command = ["crm_resource", "--locate", "--resource", resource]
        said = subprocess.run(command, env={**os.environ, "CIB_file": str(path)}, capture_output=True, text=True, check=True).stdout
        assert re.search(rf"is running on: {node}\b", said), said
    plan = render_testplan([study(text, facts_of(text), pacemaker, ("resource:galera-bundle",))])
    does = r"is found dead on (\S+)\n\n- do: on any node: `([^`]+)` \(`crm_mon -1` shows [^)]+ on (\S+)\)"
    dead = re.findall(does, plan)
    assert sorted(node for node, _, _ in dead) == where(asked, "galera-bundle")
    assert all(re.fullmatch(r"crm_resource --fail --resource galera --node galera-bundle-\d", line) for _, line, _ in dead)
    assert all(one == other for one, _, other in dead)


def programs(folder: Path, script: str) -> tuple[str, ...]:
    """Put programs in front of Pacemaker's own, which do as the script says before they do what those do; return the folders."""
    for name in ("crm_simulate", "crm_verify", "cibadmin"):
        path = folder / name
        own = next(one for one in FOLDERS if os.access(f"{one}/{name}", os.X_OK))
        path.write_text(f'#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\nexec {own}/{name} "$@"\n')
        path.chmod(0o755)
    return (str(folder), *FOLDERS)


def test_the_answers_are_the_same_however_many_are_asked_for_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = cib(LIGHT, BOUND)
    answers = []
    for at_once, late in ((1, ""), (6, ""), (6, "sleep 0.$(($$ % 4))"), (6, "sleep 0.$(($$ % 3))")):
        monkeypatch.setattr(failures, "cores", lambda many=at_once: many)
        told: list[tuple[int, int]] = []
        with Pacemaker(programs(tmp_path, late)) as asked:
            answers.append(study(text, facts_of(text), asked, tell=lambda *done, told=told: told.append(done)))
        assert told == [(n, len(told) - 1) for n in range(len(told))]
    assert answers.count(answers[0]) == len(answers)
    assert len(answers[0].results) > 6


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, ConfigurationError])
def test_whoever_ends_a_study_waits_for_no_program(trouble: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "cores", lambda: 3)
    text = cib(LIGHT, BOUND)
    folders = programs(tmp_path, 'case "$*" in *--node-fail=three*) exec sleep 300;; esac')

    def end(done: int, of: int) -> None:
        if done == 2:
            raise trouble

    start = time.monotonic()
    with Pacemaker(folders, seconds=300) as asked:
        with pytest.raises(trouble):
            study(text, facts_of(text), asked, ("node:one", "node:two", "node:three"), tell=end)
        with pytest.raises(Stopped):
            asked.simulate(read_cib(text))
    assert time.monotonic() - start < 100


def test_a_program_that_fails_costs_only_the_answer_that_it_was_asked_for(tmp_path: Path) -> None:
    text = cib(LIGHT, BOUND)
    folders = programs(tmp_path, 'case "$*" in *--node-fail=two*) kill -SEGV $$;; esac')
    with Pacemaker(folders) as asked:
        one, two, three = study(text, facts_of(text), asked, ("node:one", "node:two", "node:three")).results
    assert (one.trouble, three.trouble) == ("", "")
    assert one.effects
    assert two.trouble == "Pacemaker refuses it: `crm_simulate` was ended by signal 11"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ('case "$*" in *--node-fail=two*) exec sleep 60;; esac', "`crm_simulate`: did not end within 5 seconds"),
        ('case "$*" in *--node-fail=two*) rm "$0";; esac', "`crm_simulate`: cannot be run"),
    ],
)
def test_a_program_that_hangs_or_goes_away_ends_the_study(
    script: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "cores", lambda: 1)
    text = cib(LIGHT, BOUND)
    with Pacemaker(programs(tmp_path, script), seconds=5) as asked, pytest.raises(ConfigurationError, match=expected):
        study(text, facts_of(text), asked, ("node:two", "node:three"))


def test_without_a_cib_nobody_can_say(pacemaker: Pacemaker) -> None:
    with pytest.raises(ConfigurationError, match="no CIB was given"):
        Cluster("", Facts(services=CATALOGUE.services), pacemaker)
