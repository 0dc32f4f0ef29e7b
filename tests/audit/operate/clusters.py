"""Small clusters for the tests of the operator's tools: a CIB written by hand, and the same after a cold start by Pacemaker itself."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

NODES = ("one", "two", "three")


def pacemaker_is_here() -> None:
    """Skip the test, saying so, where Pacemaker's programs are not installed."""
    missing = [tool for tool in ("crm_simulate", "crm_diff", "crm_verify", "cibadmin") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"NOT COMPARED WITH PACEMAKER: {', '.join(missing)} not installed (Debian: pacemaker-cli-utils)")


def nvpairs(owner: str, tag: str, values: dict[str, str]) -> str:
    """Return an element `tag` of `owner` with these pairs; empty without any."""
    pairs = "".join(f'<nvpair id="{owner}-{tag}-{name}" name="{name}" value="{value}"/>' for name, value in values.items())
    return f'<{tag} id="{owner}-{tag}">{pairs}</{tag}>' if pairs else ""


def service(name: str, type: str = "", **meta: str) -> str:
    """Return a primitive that systemd's unit `type` (or `name`) is started by."""
    monitor = f'<operations><op id="{name}-monitor" name="monitor" interval="60"/></operations>'
    return f'<primitive id="{name}" class="systemd" type="{type or name}">{nvpairs(name, "meta_attributes", meta)}{monitor}</primitive>'


def clone(inner: str, name: str = "", **meta: str) -> str:
    """Return a clone of the primitive or group `inner`."""
    inner_id = inner.split('id="', 1)[1].split('"', 1)[0]
    name = name or f"{inner_id}-clone"
    return f'<clone id="{name}">{nvpairs(name, "meta_attributes", meta)}{inner}</clone>'


def address(ip: str) -> str:
    """Return a virtual IP."""
    return (
        f'<primitive id="ip-{ip}" class="ocf" provider="heartbeat" type="IPaddr2">{nvpairs(f"ip-{ip}", "instance_attributes", {"ip": ip})}'
        f'<operations><op id="ip-{ip}-monitor" name="monitor" interval="10"/></operations></primitive>'
    )


def order(first: str, then: str, kind: str = "Mandatory", **more: str) -> str:
    """Return an order of two resources."""
    words = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<rsc_order id="order-{first}-{then}" first="{first}" then="{then}" kind="{kind}"{words}/>'


def together(rsc: str, other: str, score: str = "INFINITY") -> str:
    """Return a colocation of a resource with another."""
    return f'<rsc_colocation id="colocation-{rsc}-{other}" rsc="{rsc}" with-rsc="{other}" score="{score}"/>'


def cib(
    resources: Sequence[str],
    constraints: Sequence[str] = (),
    *,
    nodes: Sequence[str] = NODES,
    properties: dict[str, str] | None = None,
    defaults: dict[str, str] | None = None,
    more: str = "",
) -> str:
    """Return a CIB without a status; fencing is off, and resource-stickiness INFINITY, unless these say otherwise."""
    found = {"stonith-enabled": "false", "cluster-name": "cloud", **(properties or {})}
    default = {"resource-stickiness": "INFINITY"} if defaults is None else defaults
    members = "".join(f'<node id="{number}" uname="{name}"/>' for number, name in enumerate(nodes, 1))
    return (
        '<cib crm_feature_set="3.0.10" validate-with="pacemaker-2.3" epoch="5" num_updates="0" admin_epoch="0" have-quorum="1">'
        f"<configuration><crm_config>{nvpairs('cib-bootstrap', 'cluster_property_set', found)}</crm_config><nodes>{members}</nodes>"
        f"<resources>{''.join(resources)}</resources><constraints>{''.join(constraints)}</constraints>"
        + (f"<rsc_defaults>{nvpairs('rsc', 'meta_attributes', default)}</rsc_defaults>" if default else "")
        + f"{more}</configuration><status/></cib>"
    )


def ocf(name: str, type: str, provider: str = "heartbeat", **attributes: str) -> str:
    """Return a primitive of an OCF agent."""
    values = nvpairs(name, "instance_attributes", attributes)
    monitors = "".join(
        f'<op id="{name}-monitor-{number}" name="monitor" interval="{10 + number}"{role}/>'
        for number, role in enumerate(("", ' role="Master"', ' role="Slave"') if type in ("galera", "redis") else ("",))
    )
    return f'<primitive id="{name}" class="ocf" provider="{provider}" type="{type}">{values}<operations>{monitors}</operations></primitive>'


def master(inner: str, most: int = 1) -> str:
    """Return a promotable clone, as TripleO names it."""
    inner_id = inner.split('id="', 1)[1].split('"', 1)[0]
    meta = nvpairs(f"{inner_id}-master", "meta_attributes", {"master-max": str(most), "interleave": "true"})
    return f'<master id="{inner_id}-master">{meta}{inner}</master>'


VIPS = ("192.0.2.10", "198.51.100.10")
CORE = (
    *map(address, VIPS),
    clone(service("haproxy")),
    master(ocf("galera", "galera"), 3),
    clone(ocf("rabbitmq", "rabbitmq-cluster")),
    master(ocf("redis", "redis")),
    service("openstack-cinder-volume"),
)
BINDINGS = tuple(
    each
    for ip in VIPS
    for each in (together(f"ip-{ip}", "haproxy-clone"), order(f"ip-{ip}", "haproxy-clone", "Optional", first_action="start"))
)
SERVICES = ("httpd", "memcached", "openstack-cinder-api", "openstack-cinder-scheduler", "neutron-server", "openstack-nova-api",
            "openstack-nova-conductor")  # fmt: skip
CHAIN = (
    order("haproxy-clone", "openstack-core-clone"),
    order("rabbitmq-clone", "openstack-core-clone"),
    order("memcached-clone", "openstack-core-clone"),
    order("galera-master", "openstack-core-clone", first_action="promote", then_action="start"),
    order("openstack-core-clone", "httpd-clone"),
    order("openstack-core-clone", "openstack-cinder-api-clone"),
    order("openstack-cinder-api-clone", "openstack-cinder-scheduler-clone"),
    order("openstack-cinder-scheduler-clone", "openstack-cinder-volume"),
    order("neutron-netns-cleanup-clone", "neutron-server-clone"),
    order("openstack-core-clone", "neutron-server-clone"),
    order("openstack-core-clone", "openstack-nova-api-clone"),
    order("openstack-nova-api-clone", "openstack-nova-conductor-clone"),
    order("openstack-nova-conductor-clone", "delay-clone"),
    together("openstack-cinder-scheduler-clone", "openstack-cinder-api-clone"),
    together("openstack-cinder-volume", "openstack-cinder-scheduler-clone"),
    together("openstack-nova-conductor-clone", "openstack-nova-api-clone"),
)
HELPERS = (
    clone(ocf("openstack-core", "Dummy")),
    clone(ocf("delay", "Delay", startdelay="10")),
    clone(ocf("neutron-netns-cleanup", "NetnsCleanup", "neutron")),
)


def full_ha(
    resources: Sequence[str] = (),
    constraints: Sequence[str] = (),
    *,
    leave_out: Sequence[str] = (),
    nodes: Sequence[str] = NODES,
    properties: dict[str, str] | None = None,
    defaults: dict[str, str] | None = None,
    more: str = "",
) -> str:
    """Return a small full HA: the core of the spec, seven services, three helpers, and what ties them; without what is to `leave_out`."""
    every = [each for each in (*CORE, *HELPERS, *map(clone, map(service, SERVICES))) if each not in leave_out]
    tied = [each for each in (*BINDINGS, *CHAIN) if each not in leave_out]
    return cib([*every, *resources], [*tied, *constraints], nodes=nodes, properties=properties, defaults=defaults, more=more)


LEAVES = ("openstack-core", "delay", "neutron-netns-cleanup", *SERVICES)


def running(text: str) -> str:
    """Return the CIB with the status of a cluster in which everything runs that can, as a cold start leaves it."""
    from lwlint.audit.operate.simulation import Pacemaker, cold_start, read_cib, serialize
    from lwlint.inputs.pacemaker.model import cibs
    from lwlint.run import Request, read_facts

    with Pacemaker() as pacemaker:
        (known,) = cibs(read_facts(Request(text=text.encode(), text_path="cib.xml", paths=(), kind="cib")).facts)
        settled, _ = cold_start(pacemaker, read_cib(text), known)
        return serialize(settled.cib).decode()


FS = clone(ocf("glance-fs", "Filesystem", device="192.0.2.1:/glance", directory="/var/lib/glance/images", fstype="nfs", options="rw"))


def odd_full_ha() -> str:
    """Return full HA with a file system that each node mounts, without stickiness, a virtual IP unbound, and a set that mixes."""
    mixed = (
        '<rsc_order id="order-set" kind="Optional"><resource_set id="s-1"><resource_ref id="ip-192.0.2.10"/>'
        '<resource_ref id="haproxy-clone"/>'
        '</resource_set><resource_set id="s-2"><resource_ref id="openstack-nova-api-clone"/></resource_set></rsc_order>'
    )
    return full_ha([FS], [mixed], leave_out=BINDINGS[:1], defaults={})


def canonical(cib: Any) -> str:
    """Return the configuration as text in which equal ones are equal.

    Left out are versions, the status, the last refresh, comments, and the order of attributes, resources, constraints and tags.
    """
    from lxml import etree

    configuration = copy.deepcopy(cib.find("configuration"))
    etree.strip_tags(configuration, etree.Comment)
    for pair in list(configuration.iter("nvpair")):
        if pair.get("name") == "last-lrm-refresh":
            pair.getparent().remove(pair)
    for name in ("resources", "constraints", "tags"):
        for part in configuration.findall(name):
            part[:] = sorted(part, key=lambda one: one.get("id") or "")
    configuration[:] = sorted(configuration, key=lambda one: str(one.tag))
    return "\n".join(_lines(configuration, 0))


def _lines(element: Any, depth: int) -> Iterator[str]:
    words = "".join(f' {name}="{value}"' for name, value in sorted(element.attrib.items()))
    yield f"{' ' * depth}{element.tag}{words}{(element.text or '').strip()}"
    for child in element:
        yield from _lines(child, depth + 1)
