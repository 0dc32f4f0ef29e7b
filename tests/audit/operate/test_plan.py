"""The plan from full HA to lightweight: it ends where the rules want it, and nothing that stays is touched on the way."""

from __future__ import annotations

import copy
import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lwlint.audit.operate.plan import Proof, Settings, judge_cib, last_first, make_plan, mount_unit, project_of
from lwlint.audit.operate.simulation import Pacemaker, read_cib, serialize
from lwlint.audit.operate.steps import (
    CLUSTER,
    DEFAULTS,
    PROPERTIES,
    Delete,
    Plan,
    Step,
    apply_edits,
    one_line,
    section,
    taking_back,
    value_of,
    without_history,
)
from lwlint.core.finding import ConfigurationError
from lwlint.run import load_rules
from tests.audit.operate.clusters import (
    BINDINGS,
    CHAIN,
    LEAVES,
    VIPS,
    address,
    canonical,
    clone,
    full_ha,
    master,
    nvpairs,
    ocf,
    order,
    pacemaker_is_here,
    running,
    service,
    together,
)
from tests.shared import HERE, shared

RULES = load_rules(examples=False)
PATH = "cib.xml"


@functools.cache
def planned(text: str, settings: Settings = Settings()) -> Plan:  # noqa: B008
    with Pacemaker() as pacemaker:
        return make_plan(text, PATH, RULES, pacemaker, settings)


@functools.cache
def up() -> str:
    return running(full_ha())


def left(plan: Plan) -> set[tuple[str, str]]:
    return {(finding.code, finding.subject.rpartition(" ")[2]) for finding in plan.left}


def states(plan: Plan) -> Iterator[tuple[Step, Any]]:
    """Yield each step in the cluster with the CIB that it leaves, its status that of the beginning."""
    now = plan.before
    for step in plan.steps:
        if step.where == CLUSTER:
            now = apply_edits(now, (*step.untie, *step.edits))
            yield step, now


def check(plan: Plan) -> None:
    """Assert what every plan must be: it ends lightweight, each step is valid and disturbs nothing, and each prefix can be taken back."""
    assert {code for code, _ in left(plan)} & {"LW101", "LW105"} == set()
    assert plan.new == ()
    assert [step.disturbs for step in plan.steps if step.disturbs] == []
    with Pacemaker() as pacemaker:
        before, now, undo = canonical(plan.before), plan.before, []
        for step, after in states(plan):
            assert pacemaker.refusal(after) == ""
            undo[:0] = taking_back(now, (*step.untie, *step.edits))
            assert canonical(apply_edits(after, undo)) == before, step.id
            now = after
    assert canonical(now) == canonical(plan.after)


def test_all_that_is_outside_the_core_leaves_and_the_core_stays() -> None:
    pacemaker_is_here()
    plan = planned(up())
    assert plan.refusals == ()
    assert sorted(one.name for one in plan.handed) == sorted(LEAVES)
    assert set(plan.core) == {"haproxy", "galera", "rabbitmq", "redis", "openstack-cinder-volume", *(f"ip-{ip}" for ip in VIPS)}
    assert left(plan) == set()
    assert {one.get("id") for one in plan.after.find("configuration/constraints")} == {
        each.split('id="')[1].split('"')[0] for each in BINDINGS
    }
    assert [step.starts for step in plan.steps if step.starts] == []
    check(plan)


def test_each_service_leaves_with_its_constraints_in_one_change_and_is_then_taken_over() -> None:
    pacemaker_is_here()
    plan = planned(up())
    assert plan.steps[0].commands == ("pcs -f $C property set stop-orphan-resources=false",)
    assert plan.steps[-1].commands == ("pcs -f $C property set stop-orphan-resources=",)
    for step in plan.steps[1:-1]:
        after = plan.steps[int(step.id)]
        helpers = {"openstack-core", "delay"} >= set(step.forget)
        assert (step.phase, after.phase) != ("hand over", "take over") or not helpers
        assert step.phase == "take over" or helpers or after.phase == "take over"
    nova = next(step for step in plan.steps if step.title.startswith("nova"))
    assert nova.forget == ("openstack-nova-api", "openstack-nova-conductor")
    assert {edit.id for edit in nova.edits if isinstance(edit, Delete)} == {"openstack-nova-api-clone", "openstack-nova-conductor-clone"}
    assert "order-openstack-core-clone-openstack-nova-api-clone" in {edit.id for edit in nova.untie if isinstance(edit, Delete)}
    taken = plan.steps[int(nova.id)]
    assert taken.units == ("openstack-nova-api.service", "openstack-nova-conductor.service")
    assert taken.commands == (
        "rm -f /run/systemd/system/openstack-nova-api.service.d/50-pacemaker.conf",
        "rm -f /run/systemd/system/openstack-nova-conductor.service.d/50-pacemaker.conf",
        "systemctl daemon-reload",
        "systemctl enable openstack-nova-api.service openstack-nova-conductor.service",
        "systemctl start openstack-nova-api.service openstack-nova-conductor.service",
    )


def test_what_comes_back_does_not_run_where_it_must_not_in_between() -> None:
    pacemaker_is_here()
    where = '<rsc_location id="only" rsc="httpd-clone" node="two" score="-INFINITY"/>'
    plan = planned(running(full_ha(constraints=[where])))
    (step,) = [step for step in plan.steps if "httpd" in step.forget]
    (at,) = [number for number, line in enumerate(step.undo) if line == "crm_resource --wait"]
    first, then = "\n".join(step.undo[:at]), "\n".join(step.undo[at:])
    assert '<rsc_location id="only"' in first
    assert "<rsc_order" not in first
    assert '<rsc_order id="order-openstack-core-clone-httpd-clone"' in then
    between = apply_edits(plan.before, [edit for one in plan.steps for edit in one.untie])  # as the script pushes it first
    with Pacemaker() as pacemaker:
        found = pacemaker.settle(without_history(between, ["httpd"])).changes
    assert {action.node for action in found if action.resource == "httpd"} == {"one", "three"}


@pytest.mark.parametrize("at_once", [True, False])
def test_what_comes_back_comes_back_to_its_place_for_the_scheduler_goes_by_the_order_of_resources(at_once: bool, tmp_path: Path) -> None:
    pacemaker_is_here()
    if shutil.which("pcs") is None:
        pytest.skip("NOT COMPARED WITH PCS: it is not installed")
    vips = "".join(map(address, VIPS))
    front = full_ha(defaults={}, leave_out=[address(ip) for ip in VIPS])  # the addresses last: what is in front of them leaves
    plan = planned(running(front.replace("</resources>", f"{vips}</resources>")), Settings(at_once=at_once))
    assert plan.refusals == ()
    path = tmp_path / "cib.xml"
    path.write_bytes(serialize(plan.after))
    lines = [line for step in reversed(plan.steps) for line in step.undo if "$C" in line]
    script = "\n".join(("set -e", *lines))
    said = subprocess.run(["bash", "-c", script], env={**os.environ, "C": str(path)}, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    now = read_cib(path.read_text())
    for part in ("resources", "constraints"):
        assert [one.get("id") for one in section(now, part)] == [one.get("id") for one in section(plan.before, part)]
        assert one_line(section(now, part)) == one_line(section(plan.before, part))
    now.replace(now.find("status"), copy.deepcopy(plan.before.find("status")))
    with Pacemaker() as pacemaker:
        assert pacemaker.settle(now).changes == ()


@pytest.mark.parametrize("more", [{}, {"properties": {"stop-orphan-resources": "true"}}, {"defaults": {"resource-stickiness": "0"}}])
def test_pcs_takes_back_what_pcs_has_set(more: dict[str, dict[str, str]], tmp_path: Path) -> None:
    pacemaker_is_here()
    if shutil.which("pcs") is None:
        pytest.skip("NOT COMPARED WITH PCS: it is not installed")
    plan, path = planned(full_ha(**more), Settings(at_once=True)), tmp_path / "cib.xml"
    steps = [one for one in plan.steps if one.phase in ("prepare", "finish")]
    assert len(steps) == (3 if "defaults" in more else 2)
    for taken in range(1, len(steps) + 1):
        path.write_bytes(serialize(plan.before))
        lines = [line for one in steps[:taken] for line in one.commands] + [line for one in reversed(steps[:taken]) for line in one.undo]
        assert all(line.startswith("pcs ") for line in lines)
        script = "\n".join(("set -e", *lines))
        said = subprocess.run(["bash", "-c", script], env={**os.environ, "C": str(path)}, capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stderr
        now = read_cib(path.read_text())
        for part, name in ((PROPERTIES, "stop-orphan-resources"), (DEFAULTS, "resource-stickiness")):
            assert value_of(now, part, name) == value_of(plan.before, part, name), taken


def test_a_cluster_whose_start_waits_for_a_promotion_on_each_node_is_refused_with_what_does_not_start() -> None:
    pacemaker_is_here()
    two = [clone(service(f"openstack-ceilometer-{name}"), interleave="true") for name in ("central", "collector")]
    then = order("openstack-ceilometer-central-clone", "openstack-ceilometer-collector-clone")
    actions = {"first_action": "promote", "then_action": "start"}
    first = order("redis-master", "openstack-ceilometer-central-clone", **actions)
    (refusal,) = planned(full_ha(two, [first, then]), Settings(at_once=True)).refusals
    assert "it does not start openstack-ceilometer-central on " in refusal.because
    assert " promote)" in refusal.because
    assert "require-all=false" in refusal.first
    any_of_it = order("redis-master", "openstack-ceilometer-central-clone", **actions, require_all="false")
    assert planned(full_ha(two, [any_of_it, then]), Settings(at_once=True)).refusals == ()


def test_a_device_that_unfences_does_not_keep_a_cluster_without_status_from_its_plan() -> None:
    pacemaker_is_here()
    device = '<primitive id="scsi" class="stonith" type="fence_scsi">' + "".join((
        nvpairs("scsi", "instance_attributes", {"pcmk_host_list": "one two three"}),
        nvpairs("scsi", "meta_attributes", {"provides": "unfencing"}),
        "</primitive>",
    ))  # fmt: skip
    plan = planned(full_ha([device], properties={"stonith-enabled": "true"}), Settings(at_once=True))
    assert plan.refusals == ()
    assert "scsi" in plan.core
    assert plan.after.find("configuration/resources/primitive[@id='scsi']/meta_attributes/nvpair").get("value") == "unfencing"


def test_what_runs_at_boot_alone_is_enabled_and_neither_started_nor_stopped() -> None:
    pacemaker_is_here()
    for plan in (planned(up()), planned(up(), Settings(at_once=True))):
        lines = [line for step in plan.steps for line in (*step.commands, *step.undo) if "netns-cleanup.service" in line]
        assert lines
        assert {line.split()[1] for line in lines if line.startswith("systemctl")} == {"enable", "disable"}
        (step,) = (step for step in plan.steps if "neutron-netns-cleanup.service" in step.enabled)
        assert "neutron-netns-cleanup.service" not in step.units


def test_at_once_all_leave_in_one_change() -> None:
    pacemaker_is_here()
    plan = planned(up(), Settings(at_once=True))
    assert [step.phase for step in plan.steps] == ["prepare", "hand over", "take over", "finish"]
    assert set(plan.steps[1].forget) == set(LEAVES)
    check(plan)


def test_what_is_kept_stays_with_what_ties_it() -> None:
    pacemaker_is_here()
    plan = planned(up(), Settings(keep=("openstack-nova-api-clone", "openstack-nova-conductor")))
    assert not {"openstack-nova-api", "openstack-nova-conductor"} & {one.name for one in plan.handed}
    assert "colocation-openstack-nova-conductor-clone-openstack-nova-api-clone" in {
        one.get("id") for one in plan.after.find("configuration/constraints")
    }
    assert {subject for code, subject in left(plan) if code == "LW101"} == {"openstack-nova-api", "openstack-nova-conductor"}
    assert plan.new == ()
    with pytest.raises(ConfigurationError, match=r"`--keep openstack-nova-apis`: there is no such resource.*openstack-nova-api"):
        planned(up(), Settings(keep=("openstack-nova-apis",)))


def test_a_cluster_that_is_lightweight_needs_no_step() -> None:
    pacemaker_is_here()
    plan = planned(serialize(without_history(planned(up()).after, LEAVES)).decode())
    assert (plan.steps, plan.handed, plan.refusals) == ((), (), ())


# the guard


def test_the_guard_refuses_a_hub_that_is_disabled_first() -> None:
    pacemaker_is_here()
    plan = planned(up())
    bad = copy.deepcopy(plan.before)
    meta = '<meta_attributes id="m"><nvpair id="m-1" name="target-role" value="Stopped"/></meta_attributes>'
    bad.xpath("//clone[@id='openstack-core-clone']")[0].insert(0, read_cib(f"<cib>{meta}</cib>")[0])
    with Pacemaker() as pacemaker:
        _, disturbs = Proof(pacemaker, bad).take(Step("x", "", "", CLUSTER, "", ""))
    assert {"stop openstack-cinder-volume on " + pacemaker_node(plan, "openstack-cinder-volume")} <= set(disturbs)


def pacemaker_node(plan: Plan, resource: str) -> str:
    with Pacemaker() as pacemaker:
        return pacemaker.simulate(plan.before).before.nodes(resource)[0]


def test_the_guard_refuses_resources_taken_out_while_orphans_are_stopped() -> None:
    pacemaker_is_here()
    plan = planned(up(), Settings(at_once=True))
    step = plan.steps[1]
    with Pacemaker() as pacemaker:
        _, disturbs = Proof(pacemaker, plan.before).take(step)
        assert {f"stop openstack-nova-api on {node}" for node in ("one", "two", "three")} <= set(disturbs)
        proof = Proof(pacemaker, plan.before)
        assert proof.take(plan.steps[0]) == ((), ())
        assert proof.take(step) == ((), ())


def test_the_guard_tells_what_constraints_held_back_when_they_go_first() -> None:
    pacemaker_is_here()
    disabled = full_ha().replace(
        '<clone id="openstack-core-clone">',
        '<clone id="openstack-core-clone"><meta_attributes id="m"><nvpair id="m-1" name="target-role" value="Stopped"/></meta_attributes>',
    )
    plan = planned(running(disabled))
    constraints = tuple(
        Delete(each.tag, each.get("id"))
        for each in plan.before.find("configuration/constraints")
        if "openstack-core-clone" in str(each.attrib)
    )
    with Pacemaker() as pacemaker:
        starts, _ = Proof(pacemaker, plan.before).take(Step("x", "", "", CLUSTER, "", "", untie=constraints))
    assert {f"start openstack-nova-api on {node}" for node in ("one", "two", "three")} <= set(starts)
    assert {one.name: one.how for one in plan.handed}["openstack-nova-api"] == "down"
    assert [step.units for step in plan.steps if "openstack-nova-api.service" in step.units] == []
    check(plan)


def test_a_step_that_would_disturb_what_stays_refuses_the_plan() -> None:
    pacemaker_is_here()
    apart = '<rsc_location id="away" rsc="ip-192.0.2.10" node="one" score="-5"/>'
    base = running(full_ha(constraints=(apart,), leave_out=(BINDINGS[0],)))
    text = base.replace('value="INFINITY"/></meta_attributes></rsc_defaults>', 'value="0"/></meta_attributes></rsc_defaults>')
    plan = planned(text)
    assert all(not step.disturbs for step in plan.steps) or plan.refusals


# what a cluster may have besides


def stopped(name: str) -> Callable[[str], str]:
    meta = f'<meta_attributes id="{name}-m"><nvpair id="{name}-m-1" name="target-role" value="Stopped"/></meta_attributes>'
    return lambda text: text.replace(f'<clone id="{name}">', f'<clone id="{name}">{meta}')


def unmanaged(name: str) -> Callable[[str], str]:
    meta = f'<meta_attributes id="{name}-m"><nvpair id="{name}-m-1" name="is-managed" value="false"/></meta_attributes>'
    return lambda text: text.replace(f'<clone id="{name}">', f'<clone id="{name}">{meta}')


SET = (
    '<rsc_order id="order-set" kind="Optional"><resource_set id="s-0" sequential="false"><resource_ref id="ip-192.0.2.10"/>'
    '<resource_ref id="ip-198.51.100.10"/></resource_set><resource_set id="s-1"><resource_ref id="haproxy-clone"/></resource_set>'
    '<resource_set id="s-2"><resource_ref id="httpd-clone"/><resource_ref id="openstack-nova-api-clone"/></resource_set></rsc_order>'
)
GROUP = f'<group id="sahara">{service("openstack-sahara-api")}{service("openstack-sahara-engine")}</group>'
FRONT = f'<group id="front">{address("203.0.113.9")}{service("openstack-nova-novncproxy")}</group>'
FENCE = '<primitive id="fence-one" class="stonith" type="fence_ipmilan"/>'
TAG = (
    '<tags><tag id="apis"><obj_ref id="openstack-nova-api-clone"/><obj_ref id="neutron-server-clone"/></tag>'
    '<tag id="all"><obj_ref id="haproxy-clone"/><obj_ref id="httpd-clone"/></tag></tags>'
)
TEMPLATE = (
    '<template id="svc" class="systemd" type="openstack-nova-scheduler"/><clone id="openstack-nova-scheduler-clone">'
    '<primitive id="openstack-nova-scheduler" template="svc"/></clone>'
)
NOT_ITSELF = '<rsc_location id="l-fence" rsc="fence-one" node="one" score="-INFINITY"/>'
FS = clone(ocf("glance-fs", "Filesystem", device="192.0.2.1:/glance", directory="/var/lib/glance/images", fstype="nfs", options="rw"))
SHAPES: dict[str, tuple[Callable[[], str], set[str]]] = {
    "no stickiness": (lambda: full_ha(defaults={}), set()),
    "stickiness of old": (lambda: full_ha(defaults={}, properties={"default-resource-stickiness": "100"}), set()),
    "a group of services": (lambda: full_ha([GROUP]), set()),
    "a cloned group of services": (lambda: full_ha([clone(GROUP)]), set()),
    "a group with a virtual IP": (
        lambda: full_ha([FRONT], [together("front", "haproxy-clone"), order("front", "haproxy-clone", "Optional")]),
        {"LW103", "LW104"},
    ),
    "a set that mixes": (lambda: full_ha(constraints=[SET], leave_out=[each for each in BINDINGS if each.startswith("<rsc_order")]), set()),
    "one disabled": (lambda: stopped("httpd-clone")(full_ha()), set()),
    "the hub disabled": (lambda: stopped("openstack-core-clone")(full_ha()), set()),
    "one unmanaged": (lambda: unmanaged("neutron-server-clone")(full_ha()), set()),
    "bans": (
        lambda: full_ha(constraints=['<rsc_location id="cli-ban" rsc="httpd-clone" node="one" score="-INFINITY"/>']),
        set(),
    ),
    "a virtual IP unbound": (lambda: full_ha(leave_out=BINDINGS[:2]), set()),
    "virtual IPs unordered": (lambda: full_ha(leave_out=[each for each in BINDINGS if each.startswith("<rsc_order")]), set()),
    "one node": (lambda: full_ha(nodes=["one"]), set()),
    "two nodes": (lambda: full_ha(nodes=["one", "two"]), set()),
    "five nodes": (lambda: full_ha(nodes=["one", "two", "three", "four", "five"]), set()),
    "fencing": (lambda: full_ha([FENCE], [NOT_ITSELF], properties={"stonith-enabled": "true"}), set()),
    "orphans kept already": (lambda: full_ha(properties={"stop-orphan-resources": "false"}), set()),
    "orphans stopped in words": (lambda: full_ha(properties={"stop-orphan-resources": "true"}), set()),
    "half way": (lambda: full_ha(leave_out=[clone(service("httpd")), clone(service("memcached")), CHAIN[2], CHAIN[4], CHAIN[13]]), set()),
    "a tag": (lambda: full_ha(more=TAG, constraints=[order("haproxy-clone", "apis")]), set()),
    "a template": (lambda: full_ha([TEMPLATE]), set()),
    "a ticket": (
        lambda: full_ha(constraints=['<rsc_ticket id="t" rsc="httpd-clone" ticket="t1" loss-policy="stop"/>']),
        set(),
    ),
    "a file system of each node": (lambda: full_ha([FS]), set()),
    "a location rule": (
        lambda: full_ha(
            constraints=[
                '<rsc_location id="loc" rsc="httpd-clone"><rule id="loc-r" score="0"><expression id="loc-e" attribute="#uname" '
                'operation="defined"/></rule></rsc_location>'
            ]
        ),
        set(),
    ),
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_a_cluster_ends_lightweight_and_undisturbed(shape: str) -> None:
    pacemaker_is_here()
    make, allowed = SHAPES[shape]
    plan = planned(running(make()))
    assert plan.refusals == ()
    assert {code for code, _ in left(plan)} <= allowed
    check(plan)


def test_what_is_disabled_is_left_alone() -> None:
    pacemaker_is_here()
    plan = planned(running(stopped("httpd-clone")(full_ha())))
    assert {one.name: one.how for one in plan.handed}["httpd"] == "stopped"
    assert [line for step in plan.steps for line in step.commands if "httpd.service" in line] == []
    assert any("`httpd` is disabled" in note for note in plan.notes)


def test_an_address_of_the_ovn_databases_is_bound_to_their_promoted_copy() -> None:
    servers = master(ocf("ovndb_servers", "ovndb-servers", "ovn", master_ip="192.0.2.20"))
    plan = planned(running(full_ha([servers, address("192.0.2.20")])))
    check(plan)
    (step,) = [each for each in plan.steps if each.subjects == ("ip-192.0.2.20",)]
    (made,) = section(apply_edits(read_cib("<cib><configuration><constraints/></configuration></cib>"), step.edits), "constraints")
    ends = ("ip-192.0.2.20", "ovndb_servers-master", "Promoted", "INFINITY")
    assert (made.get("rsc"), made.get("with-rsc"), made.get("with-rsc-role"), made.get("score")) == ends


def test_a_file_system_becomes_a_mount_unit_that_is_written_whole() -> None:
    pacemaker_is_here()
    plan = planned(running(full_ha([FS])))
    (step,) = (step for step in plan.steps if step.files)
    path, lines = step.files[0]
    assert path == "/etc/systemd/system/var-lib-glance-images.mount"
    assert lines[3:7] == ("What=192.0.2.1:/glance", "Where=/var/lib/glance/images", "Type=nfs", "Options=rw,_netdev")
    assert not any(">>" in line for each in plan.steps for line in (*each.commands, *each.undo))
    assert "systemctl start" not in " ".join(step.commands)


def test_a_ban_and_a_mixed_set_are_told() -> None:
    pacemaker_is_here()
    bans = planned(running(SHAPES["bans"][0]()))
    assert any("`cli-ban`" in note and "`one`" in note for note in bans.notes)
    mixed = planned(running(SHAPES["a set that mixes"][0]()))
    kept = mixed.after.xpath("//rsc_order[@id='order-set']//resource_ref/@id")
    assert kept == ["ip-192.0.2.10", "ip-198.51.100.10", "haproxy-clone"]
    assert any("`order-set` ties what stays, too" in note for note in mixed.notes)


BUNDLE = '<bundle id="memcached-bundle"><podman image="registry/openstack-memcached:1" network="host" replicas="3"/></bundle>'
STANDBY = '<instance_attributes id="n"><nvpair id="n-1" name="standby" value="on"/></instance_attributes>'
IN_STANDBY = f'<node id="2" uname="two">{STANDBY}</node>'
UNTIL_REBOOT = (
    '<status><node_state id="2" uname="two"><transient_attributes id="2"><instance_attributes id="s">'
    '<nvpair id="s-1" name="standby" value="on"/></instance_attributes></transient_attributes></node_state></status>'
)
SCALE = clone(ocf("neutron-scale", "NeutronScale", "neutron"))
REFUSED: dict[str, tuple[Callable[[], str], str, str]] = {
    "maintenance": (lambda: full_ha(properties={"maintenance-mode": "true"}), "maintenance mode", "property set maintenance-mode=false"),
    "a node in standby": (lambda: full_ha().replace('<node id="2" uname="two"/>', IN_STANDBY), "standby", "pcs node unstandby two"),
    "a node in standby until it reboots": (
        lambda: full_ha().replace("<status/>", UNTIL_REBOOT),
        "standby",
        "crm_attribute --name=standby --lifetime=reboot --delete --node=two",
    ),
    "everything stopped": (lambda: full_ha(properties={"stop-all-resources": "true"}), "stop-all-resources", "stop-all-resources=false"),
    "an agent that systemd has no unit of": (lambda: full_ha([SCALE]), "NeutronScale", "--keep neutron-scale"),
    "a bundle": (lambda: full_ha([BUNDLE]).replace("pacemaker-2.3", "pacemaker-3.2"), "bundle", "--keep memcached-bundle"),
    "a CIB that Pacemaker refuses": (lambda: full_ha(constraints=[order("nothing", "httpd-clone")]), "refuses it", "crm_verify"),
}


@pytest.mark.parametrize("shape", REFUSED)
def test_what_cannot_be_planned_is_refused_with_the_reason_and_what_to_do_first(shape: str) -> None:
    pacemaker_is_here()
    make, because, first = REFUSED[shape]
    plan = planned(make())
    assert any(because in refusal.because and first in refusal.first for refusal in plan.refusals), plan.refusals


def test_a_node_that_is_away_refuses_the_plan() -> None:
    pacemaker_is_here()
    plan = planned(up().replace('uname="two" in_ccm="true" crmd="online"', 'uname="two" in_ccm="false" crmd="offline"'))
    assert ("node two", "it is not online, so systemd there could not be told") in {(r.about, r.because) for r in plan.refusals}


def test_what_is_no_cib_is_told() -> None:
    pacemaker_is_here()
    with pytest.raises(ConfigurationError, match=r"`cib.xml`: it is no XML"):
        planned("<cib")


CORPUS = ("2.1.5/unrunnable-2", "1.1.24/unrunnable-2", "2.1.5/complex_enforce_colo")


@pytest.mark.night
@pytest.mark.parametrize("name", [*CORPUS, "fixtures"])
def test_real_full_ha_ends_lightweight_or_is_refused_with_reasons(name: str) -> None:
    pacemaker_is_here()
    path = HERE / "fixtures/full-pacemaker/var/lib/pacemaker/cib/cib.xml" if name == "fixtures" else shared("corpus/cib") / f"{name}.xml"
    plan = planned(path.read_text("utf-8"))
    assert all(refusal.because and refusal.first for refusal in plan.refusals)
    if name.endswith("complex_enforce_colo"):
        assert {"neutron-scale", "horizon"} <= {refusal.about for refusal in plan.refusals}
    else:
        assert plan.refusals == ()
    check(plan)


# pieces


def test_those_that_wait_leave_first_and_circles_together() -> None:
    assert last_first({"a": {"b"}, "b": {"c"}, "c": set()}) == [("c",), ("b",), ("a",)]
    assert last_first({"a": {"b"}, "b": {"a", "c"}, "c": set(), "d": {"a"}}) == [("c",), ("a", "b"), ("d",)]


def test_a_mount_unit_has_the_name_that_systemd_gives_it() -> None:
    assert mount_unit("/var/lib/glance/images") == "var-lib-glance-images.mount"
    assert mount_unit("/srv/a-b/.c d/") == r"srv-a\x2db-.c\x20d.mount"


def test_a_resource_has_a_project() -> None:
    assert [project_of(name) for name in ("openstack-nova-api", "neutron-server", "httpd", "nova-api")] == [
        "nova",
        "neutron",
        "httpd",
        "nova",
    ]


def test_history_goes_with_every_instance() -> None:
    pacemaker_is_here()
    after = without_history(read_cib(up()), ["httpd"])
    assert [one.get("id") for one in after.iter("lrm_resource") if one.get("id").startswith("httpd")] == []
    assert len(list(read_cib(up()).iter("lrm_resource"))) - len(list(after.iter("lrm_resource"))) == 3


def test_the_plan_judges_by_the_rules() -> None:
    _, report = judge_cib(full_ha(), PATH, RULES)
    assert {finding.subject for finding in report.findings if finding.code == "LW101"} == {f"resource {name}" for name in LEAVES}


@pytest.mark.parametrize("status", [False, True])
@pytest.mark.parametrize("turned", [1, 2])
def test_an_address_is_left_alone_where_its_binding_stops_what_runs_with_a_status_or_without(turned: int, status: bool) -> None:
    """Nothing can stop in a CIB without a status, in which nothing runs: the binding is tried where everything does."""
    reversed = [together("haproxy-clone", f"ip-{ip}") for ip in VIPS[:turned]]
    kept = [each for each in BINDINGS if f"ip-{VIPS[1]}" in each] if turned == 1 else []
    text = full_ha([], [*reversed, *kept], leave_out=BINDINGS)
    plan = planned(running(text) if status else text, Settings(at_once=True))
    assert plan.refusals == ()
    assert not any(step.disturbs or step.title.endswith("runs where HAProxy runs") for step in plan.steps)
    assert sum(note.endswith("the plan leaves that to you") for note in plan.notes) == turned


def test_an_address_is_bound_with_a_rule_for_what_its_tie_alone_kept_on_its_nodes() -> None:
    marks = '<instance_attributes id="marks-{0}"><nvpair id="mark-{0}" name="haproxy-role" value="true"/></instance_attributes>'
    expression = '<expression id="kept-e" attribute="haproxy-role" operation="eq" value="true"/>'
    rule = f'<rule id="kept-r" score="0">{expression}</rule>'
    rule = f'<rsc_location id="kept" rsc="ip-{VIPS[0]}" resource-discovery="exclusive">{rule}</rsc_location>'
    text = full_ha([], [together("haproxy-clone", f"ip-{VIPS[0]}"), rule], leave_out=[*BINDINGS, *CHAIN, address(VIPS[1])])
    for number, name in ((1, "one"), (2, "two")):
        node = f'<node id="{number}" uname="{name}"/>'
        text = text.replace(node, f"{node[:-2]}>{marks.format(number)}</node>")
    plan = planned(running(text), Settings(at_once=True))
    assert plan.refusals == ()
    (bound,) = [step for step in plan.steps if step.title.endswith("runs where HAProxy runs")]
    assert bound.commands[0] == "pcs -f $C constraint location haproxy-clone rule resource-discovery=exclusive score=0 haproxy-role eq true"
    assert len(bound.edits) == len(bound.commands)
    assert plan.new == ()
