"""LW102: what is absent here is not absent in the cloud. LW101: what is not known is not passed."""

from __future__ import annotations

import pytest

from lwlint.checks.pacemaker_resources import CHECKS, ForbiddenParams, ServicesParams
from lwlint.core.check import Unknown
from lwlint.core.facts import Facts, Release
from lwlint.core.source import Source, Span
from lwlint.inputs.pacemaker.facts import RunsElsewhere
from lwlint.inputs.pacemaker.reader import cib_facts
from lwlint.run import load_catalogue

CATALOGUE = load_catalogue()
AGENTS = {
    "haproxy": 'class="systemd" type="haproxy"',
    "rabbitmq": 'class="ocf" provider="heartbeat" type="rabbitmq-cluster"',
    "galera": 'class="ocf" provider="heartbeat" type="galera"',
    "api": 'class="systemd" type="openstack-nova-api"',
    "stranger": 'class="ocf" provider="heartbeat" type="pgsql"',
}
(CHECK,) = (check for check in CHECKS if check.name == "core-service-missing")
PARAMS = ServicesParams(services=("redis",), roles={"redis": "redis-role"})
STORES = ("haproxy", "rabbitmq", "galera")
OPENSTACK = ("haproxy", "rabbitmq", "galera", "api")


def said(running: tuple[str, ...], name: str = "", mark: str = "", others: tuple[tuple[str, ...], ...] = ()) -> str:
    """Return `error`, `note` or why Redis is not judged, in a cluster without it; `others` are the other clusters of an audit."""
    attribute = f'<instance_attributes id="m"><nvpair id="m-1" name="{mark}" value="true"/></instance_attributes>' if mark else ""
    named = f'<cluster_property_set id="o"><nvpair id="o-n" name="cluster-name" value="{name}"/></cluster_property_set>' if name else ""
    resources = "".join(f'<primitive id="{one}" {AGENTS[one]}/>' for one in running)
    cib = (
        f'<cib validate-with="pacemaker-3.2"><configuration><crm_config>{named}</crm_config>'
        f'<nodes><node id="1" uname="a">{attribute}</node>'
        f"</nodes><resources>{resources}</resources></configuration></cib>"
    )
    elsewhere = [RunsElsewhere(f"cluster-{n}", Span("", 0, 0), frozenset(services)) for n, services in enumerate(others)]
    facts = Facts([*cib_facts([Source("cib.xml", cib, "cib")], CATALOGUE), *elsewhere], services=CATALOGUE.services)
    (saw,) = CHECK.run(facts, PARAMS)
    return saw.because if isinstance(saw, Unknown) else saw.severity or "error"


@pytest.mark.parametrize(
    ("running", "name", "mark", "others", "expected"),
    [
        (OPENSTACK, "tripleo_cluster", "", (), "error"),
        (OPENSTACK, "", "redis-role", (), "error"),
        (("rabbitmq",), "", "redis-role", (), "error"),
        (OPENSTACK, "", "", (), "note"),
        (OPENSTACK, "debian", "", (), "note"),
        (("api",), "", "", (), "note"),
        (("haproxy", "rabbitmq"), "", "", (), "note"),
        (OPENSTACK, "", "", (("api",),), "error"),
        (OPENSTACK, "", "", (("redis",),), "redis runs in another cluster, `cluster-0`"),
        (("api",), "", "", (("galera", "rabbitmq", "nova_api"),), "redis may run in another cluster: `cluster-0` is judged for it"),
        (("api",), "", "", (("galera", "rabbitmq", "haproxy"),), "redis may run in another cluster: `cluster-0` is judged for it"),
        (("api",), "", "", (("galera", "rabbitmq"),), "error"),
        (STORES, "", "", (("nova_api",),), "error"),
        (STORES, "", "", (("nova_api", "redis"),), "redis may run in another cluster, for no OpenStack service runs in this one"),
        (STORES, "", "", (("nova_api", "galera", "rabbitmq"),), "`cluster-0` is judged for redis"),
        (STORES, "", "", (("zabbix",),), "redis may run in another cluster, for no OpenStack service runs in this one"),
        (OPENSTACK, "", "galera-role", (), "no node is marked to run redis, so it may run in another cluster"),
        (("haproxy", "rabbitmq", "galera"), "", "", (), "redis may run in another cluster, for no OpenStack service runs in this one"),
        (("haproxy", "galera"), "", "", (), "there is no OpenStack service in this CIB"),
        (("haproxy", "stranger"), "debian", "", (), "there is no OpenStack service in this CIB"),
    ],
)  # fmt: skip
def test_a_service_that_is_not_here_is_an_error_only_where_something_tells_that_it_must_be(
    running: tuple[str, ...], name: str, mark: str, others: tuple[tuple[str, ...], ...], expected: str
) -> None:
    assert said(running, name, mark, others) == expected


def judged(inside: str, kinds: tuple[str, ...] = ("active_active",), release: str | None = None) -> list[str]:
    """Return what is said of a cluster of OpenStack with one more resource that may not be there."""
    (check,) = (check for check in CHECKS if check.name == "cluster-resource")
    resources = "".join(f'<primitive id="{one}" {AGENTS[one]}/>' for one in STORES) + inside
    mark = '<instance_attributes id="m"><nvpair id="m-1" name="haproxy-role" value="true"/></instance_attributes>'
    nodes = f'<node id="1" uname="a">{mark}</node>'
    cib = f"<cib><configuration><crm_config/><nodes>{nodes}</nodes><resources>{resources}</resources><constraints/></configuration></cib>"
    facts = Facts([*cib_facts([Source("cib.xml", cib, "cib")], CATALOGUE)], services=CATALOGUE.services, release=Release(release))
    params = ForbiddenParams(kinds=kinds, services=() if kinds else ("keepalived",))
    return [saw.because if isinstance(saw, Unknown) else saw.message for saw in check.run(facts, params)]


@pytest.mark.parametrize(
    "resource",
    [
        '<primitive id="x" class="systemd" type="solum-api"/>',
        '<clone id="x-clone"><primitive id="x" class="systemd" type="adjutant-api.service"/></clone>',
        '<bundle id="x"><podman image="registry.example/rhosp-rhel9/openstack-nova-frob:17.1"/></bundle>',
        '<primitive id="x" class="ocf" provider="heartbeat" type="podman"><instance_attributes id="i">'
        '<nvpair id="i-1" name="image" value="quay.example/kolla/karbor-api:x"/></instance_attributes></primitive>',
    ],
)
def test_a_resource_of_a_project_that_is_not_known_is_not_passed(resource: str) -> None:
    assert judged(resource) == ["resource `x` looks like a service of OpenStack, and which one is not known"]
    assert judged(resource, kinds=()) == []


@pytest.mark.parametrize(
    "resource",
    [
        '<primitive id="x" class="systemd" type="shop"/>',
        '<primitive id="x" class="ocf" provider="heartbeat" type="openstack-info"/>',
        '<bundle id="x"><podman image="registry.example/rhosp-rhel9/openstack-frob:17.1"/></bundle>',
    ],
)
def test_a_resource_of_somebody_else_is_no_service_of_openstack(resource: str) -> None:
    assert judged(resource) == []


def test_a_mark_proves_nothing_of_what_may_have_left_the_cluster() -> None:
    marks = {"cinder_volume": "cinder-volume-role", "ovn_dbs": "ovn-dbs-role"}
    pairs = "".join(f'<nvpair id="{name}" name="{mark}" value="true"/>' for name, mark in marks.items())
    node = f'<node id="1" uname="a"><instance_attributes id="m">{pairs}</instance_attributes></node>'
    stores = "".join(f'<primitive id="{one}" {AGENTS[one]}/>' for one in STORES)
    bundle = '<bundle id="b"><podman image="x/openstack-redis:1"/></bundle>'
    params = ServicesParams(services=tuple(marks), roles=marks, last_bare="rocky")
    found = {}
    for release, more in (("rocky", ""), ("stein", ""), ("wallaby", ""), (None, ""), (None, bundle)):
        cib = (
            f"<cib><configuration><crm_config/><nodes>{node}</nodes><resources>{stores}{more}</resources>"
            f"<constraints/></configuration></cib>"
        )
        facts = Facts([*cib_facts([Source("cib.xml", cib, "cib")], CATALOGUE)], services=CATALOGUE.services, release=Release(release))
        found[release, bool(more)] = [saw.because if isinstance(saw, Unknown) else "missing" for saw in CHECK.run(facts, params)]
    volume = "a node is marked for openstack-cinder-volume, which may run on several nodes outside Pacemaker from stein on"
    ovn = "a node is marked for ovn-dbs, which may run on several nodes outside Pacemaker from wallaby on"
    assert found == {
        ("rocky", False): ["missing", "missing"],
        ("stein", False): [volume, "missing"],
        ("wallaby", False): [volume, ovn],
        (None, False): ["missing", "missing"],  # without bundles it is of rocky at most
        (None, True): [volume, ovn],
    }
