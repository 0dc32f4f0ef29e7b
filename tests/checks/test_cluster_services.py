"""LW102: what is absent here is not absent in the cloud."""

from __future__ import annotations

import pytest

from lwlint.checks.pacemaker_resources import CHECKS, ServicesParams
from lwlint.core.check import Unknown
from lwlint.core.facts import Facts
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
