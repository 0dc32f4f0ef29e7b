"""Clusters of shapes that nobody wrote down: what a cloud may have besides its services, in random company, always the same for a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from lwlint.audit.operate.plan import Settings
from tests.audit.operate.clusters import (
    BINDINGS,
    CHAIN,
    SERVICES,
    address,
    clone,
    full_ha,
    nvpairs,
    ocf,
    order,
    pacemaker_is_here,
    running,
    service,
    together,
)
from tests.audit.operate.test_plan import check, left, planned

COUNT = 40
GROUP = f'<group id="sahara">{service("openstack-sahara-api")}{service("openstack-sahara-engine")}</group>'
MIXED = f'<group id="mixed">{service("openstack-glance-api")}{ocf("mixed-dummy", "Dummy")}</group>'
FRONT = f'<group id="front">{address("203.0.113.9")}{service("openstack-nova-novncproxy")}</group>'
GUEST = (
    '<primitive id="guest" class="ocf" provider="heartbeat" type="VirtualDomain"><meta_attributes id="guest-m">'
    '<nvpair id="guest-m-1" name="remote-node" value="guest-node"/></meta_attributes><instance_attributes id="guest-i">'
    '<nvpair id="guest-i-1" name="config" value="/etc/guest.xml"/></instance_attributes></primitive>'
)
BUNDLE = (
    '<bundle id="ovn-dbs-bundle"><podman image="registry/ovn:1" network="host" replicas="1"/>'
    '<storage><storage-mapping id="m" source-dir="/var/log" target-dir="/var/log"/></storage></bundle>'
)


class Shape:
    """What a random cluster is made of; each feature adds to it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.resources: list[str] = []
        self.constraints: list[str] = []
        self.leave_out: list[str] = []
        self.properties: dict[str, str] = {}
        self.more = ""
        self.defaults: dict[str, str] | None = None
        self.edits: list[Callable[[str], str]] = []
        self.nodes = tuple(f"n{number}" for number in range(self.random.randint(1, 5)))
        chosen = self.random.sample(sorted(FEATURES), self.random.randint(2, 5))
        chosen.sort(key=lambda name: name != "half done")  # what is gone is named by nothing else
        self.names = chosen
        self.services = list(SERVICES)
        for name in chosen:
            FEATURES[name](self)

    def text(self) -> str:
        """Return the CIB, with the status of a cluster that runs it."""
        made = full_ha(
            self.resources,
            self.constraints,
            leave_out=self.leave_out,
            nodes=self.nodes,
            properties=self.properties,
            defaults=self.defaults,
            more=self.more,
        )
        for edit in self.edits:
            made = edit(made)
        return made

    def some(self) -> str:
        """Return one of the services that are there."""
        return self.random.choice(self.services)

    def meta(self, name: str, value: str) -> None:
        """Give one of the services a meta attribute, on its clone."""
        one = f"{self.some()}-clone"
        pair = nvpairs(f"{one}-{name}", "meta_attributes", {name: value})
        self.edits.append(lambda text: text.replace(f'<clone id="{one}">', f'<clone id="{one}">{pair}', 1))


def _half(shape: Shape) -> None:
    gone = shape.random.sample(SERVICES, 3)
    shape.services = [name for name in SERVICES if name not in gone]
    shape.leave_out += [clone(service(name)) for name in gone]
    shape.leave_out += [each for each in CHAIN if any(f'"{name}-clone"' in each for name in gone)]


def _ban(shape: Shape) -> None:
    node = shape.random.choice(shape.nodes)
    shape.constraints.append(f'<rsc_location id="cli-ban" rsc="{shape.some()}-clone" node="{node}" score="-INFINITY"/>')


def _prefer(shape: Shape) -> None:
    node = shape.random.choice(shape.nodes)
    shape.constraints.append(f'<rsc_location id="cli-prefer" rsc="ip-192.0.2.10" node="{node}" score="50"/>')


def _opt_in(shape: Shape) -> None:
    shape.properties["symmetric-cluster"] = "false"
    outer = [f"{name}-clone" for name in (*shape.services, "openstack-core", "delay", "neutron-netns-cleanup", "haproxy", "rabbitmq")]
    outer += ["galera-master", "redis-master", "openstack-cinder-volume", "ip-192.0.2.10", "ip-198.51.100.10"]
    shape.constraints += [
        f'<rsc_location id="on-{rsc}-{node}" rsc="{rsc}" node="{node}" score="0"/>' for rsc in outer for node in shape.nodes
    ]


def _ticket(shape: Shape) -> None:
    shape.constraints.append(f'<rsc_ticket id="ticket" rsc="{shape.some()}-clone" ticket="t1" loss-policy="stop"/>')


def _set(shape: Shape) -> None:
    one, two = shape.random.sample(shape.services, 2)
    core = shape.random.choice(("ip-192.0.2.10", "ip-198.51.100.10"))
    shape.constraints.append(
        f'<rsc_order id="order-set" kind="Optional"><resource_set id="s-1" sequential="false"><resource_ref id="{core}"/>'
        f'<resource_ref id="haproxy-clone"/></resource_set><resource_set id="s-2"><resource_ref id="{one}-clone"/>'
        f'<resource_ref id="{two}-clone"/></resource_set></rsc_order>'
    )


def _tag(shape: Shape) -> None:
    names = {f"{shape.some()}-clone", f"{shape.some()}-clone"}
    references = "".join(f'<obj_ref id="{name}"/>' for name in sorted(names))
    shape.more = f'<tags><tag id="some">{references}</tag><tag id="mixed-tag"><obj_ref id="haproxy-clone"/>{references}</tag></tags>'
    shape.constraints.append(order("haproxy-clone", "some", "Optional"))


def _template(shape: Shape) -> None:
    shape.resources.append(
        '<template id="svc" class="systemd" type="openstack-nova-scheduler"/><clone id="openstack-nova-scheduler-clone">'
        '<primitive id="openstack-nova-scheduler" template="svc"/></clone>'
    )


def _bound_to_service(shape: Shape) -> None:
    """A virtual IP that follows a service that leaves."""
    shape.resources.append(address("203.0.113.20"))
    shape.constraints += [together("ip-203.0.113.20", f"{shape.some()}-clone"), together("ip-203.0.113.20", "haproxy-clone")]


FEATURES: dict[str, Callable[[Shape], None]] = {
    "half done": _half,
    "a group": lambda shape: shape.resources.append(GROUP),
    "a cloned group": lambda shape: shape.resources.append(clone(GROUP)) if GROUP not in shape.resources else None,
    "a group that mixes": lambda shape: shape.resources.append(MIXED),
    "a group with an address": lambda shape: (
        shape.resources.append(FRONT), shape.constraints.append(together("front", "haproxy-clone")), None)[-1],
    "a template": _template,
    "a tag": _tag,
    "a ticket": _ticket,
    "a set": _set,
    "a ban": _ban,
    "a preference of the core": _prefer,
    "a guest node": lambda shape: shape.resources.append(GUEST),
    "a bundle": lambda shape: (
        shape.resources.append(BUNDLE), shape.edits.append(lambda text: text.replace("pacemaker-2.3", "pacemaker-3.2")), None)[-1],
    "disabled": lambda shape: shape.meta("target-role", "Stopped"),
    "unmanaged": lambda shape: shape.meta("is-managed", "false"),
    "in maintenance": lambda shape: shape.meta("maintenance", "true"),
    "the cluster in maintenance": lambda shape: shape.properties.update({"maintenance-mode": "true"}),
    "opt in": _opt_in,
    "no stickiness": lambda shape: setattr(shape, "defaults", {}),
    "unbound addresses": lambda shape: shape.leave_out.extend(BINDINGS[: shape.random.randint(1, 4)]),
    "an address that follows a service": _bound_to_service,
    "no quorum is ignored": lambda shape: shape.properties.update({"no-quorum-policy": "ignore"}),
    "batch and limits": lambda shape: shape.properties.update({"batch-limit": "1", "migration-limit": "1"}),
    "placement by load": lambda shape: shape.properties.update({"placement-strategy": "balanced"}),
}  # fmt: skip


def failed(text: str, seed: int) -> str:
    """Return the CIB in which, for every third seed, one service that leaves was found dead on a node, and was not recovered yet."""
    if seed % 3:
        return text
    from lxml import etree

    cib: Any = etree.fromstring(text.encode())
    histories = [one for one in cib.iter("lrm_resource") if one.get("id").partition(":")[0] in SERVICES]
    chosen = random.Random(seed).choice(histories) if histories else None
    if chosen is not None and len(chosen):
        last = chosen[-1]
        last.set("rc-code", "1")
        last.set("op-status", "4")
        last.set("transition-magic", "4:1;" + last.get("transition-magic", "0:0;x").partition(";")[2])
    return etree.tostring(cib).decode()


@pytest.mark.night
@pytest.mark.parametrize("seed", range(COUNT))
def test_a_cluster_of_any_shape_is_planned_or_refused_with_reasons(seed: int) -> None:
    pacemaker_is_here()
    shape = Shape(seed)
    text = failed(running(shape.text()), seed)
    plan = planned(text, Settings(at_once=seed % 2 == 0))
    said = f"{seed}: {', '.join(shape.names)}; {len(shape.nodes)} nodes"
    if plan.refusals:
        assert all(one.about and one.because and one.first for one in plan.refusals), said
        return
    assert {code for code, _ in left(plan)} & {"LW101", "LW105"} == set(), said
    check(plan)


def test_a_cluster_that_waits_for_what_is_in_maintenance_is_refused_with_what_holds_it_up() -> None:
    pacemaker_is_here()
    shape = Shape(0)
    assert {"in maintenance", "half done"} <= set(shape.names)
    (refusal,) = planned(running(shape.text()), Settings(at_once=True)).refusals
    assert refusal.because.startswith("what it is to do next cannot be carried out (Transition failed")
    assert "in maintenance" in refusal.first
