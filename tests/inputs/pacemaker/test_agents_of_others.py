"""OCF agents of other providers: every type that the catalogue knows, under every provider."""

from __future__ import annotations

import pytest

from lwlint.core.catalogue import Catalogue
from lwlint.run import load_catalogue

CATALOGUE = load_catalogue()
FREE = ("fuel", "mirantis", "openstack", "site")
FIXED = ("heartbeat", "pacemaker", "linbit")
FUEL = {
    "ns_haproxy": "haproxy", "ns_IPaddr2": "vip", "mysql-wss": "galera", "rabbitmq-server": "rabbitmq",
    "rabbitmq-server-upstream": "rabbitmq",
    "rabbitmq-fuel": "rabbitmq", "ns_vrouter": "fuel_network", "ns_dns": "fuel_network", "ns_ntp": "fuel_network",
    "ns_conntrackd": "fuel_network", "neutron-ovs-agent": "neutron_ovs_agent", "neutron-dhcp-agent": "neutron_dhcp_agent",
    "neutron-l3-agent": "neutron_l3_agent", "neutron-metadata-agent": "neutron_metadata_agent", "heat-engine": "heat_engine",
    "aodh-evaluator": "aodh_evaluator", "ceilometer-agent-central": "ceilometer_agent_central",
    "ceilometer-alarm-evaluator": "ceilometer_alarm", "nova-compute": "nova_compute",
    "neutron-agent-ovs": "neutron_ovs_agent", "neutron-agent-metadata": "neutron_metadata_agent", "neutron-agent-l3": "neutron_l3_agent",
    "ocf-neutron-ovs-agent": "neutron_ovs_agent", "ocf-neutron-dhcp-agent": "neutron_dhcp_agent",
    "ocf-neutron-l3-agent": "neutron_l3_agent", "ocf-neutron-metadata-agent": "neutron_metadata_agent",
}  # fmt: skip
SUSE = {
    "openstack-neutron": "neutron_server", "openstack-neutron-l3-agent": "neutron_l3_agent",
    "openstack-neutron-ha-tool": "neutron_ha_tool", "openstack-designate-producer": "designate_producer",
    "openstack-neutron-frob": "openstack_other", "openstack-haproxy": "openstack_other",
}  # fmt: skip
HELPERS = (
    "ocf:pacemaker:ping", "ocf:pacemaker:SysInfo", "ocf:pacemaker:ClusterMon", "ocf:pacemaker:HealthCPU", "ocf:heartbeat:MailTo",
    "ocf:maas:dns", "ocf:heartbeat:storage-mon", "ocf:heartbeat:NodeUtilization", "ocf:heartbeat:AudibleAlarm",
    "ocf:pacemaker:SystemHealth",
)  # fmt: skip


def known(catalogue: Catalogue, agent: str, id: str = "x") -> str | None:
    found = catalogue.of_resource(agent, id)
    return found.name if found is not None else None


@pytest.mark.parametrize("provider", FREE)
def test_a_type_is_the_same_service_whoever_provides_it(provider: str) -> None:
    types = {type: entry.service.name for entry in CATALOGUE.entries for type in entry.types}
    for service in CATALOGUE.services:
        types.update((unit.removeprefix("openstack-"), service.name) for unit in service.units if "*" not in unit and "@" not in unit)
        types.update(
            (agent.rpartition(":")[2], service.name)
            for agent in service.agents
            if agent.startswith("ocf:") and agent.split(":")[1] != "pacemaker"
        )
    found = {type: known(CATALOGUE, f"ocf:{provider}:{type}") for type in types}
    assert found == types


@pytest.mark.parametrize(("type", "service"), FUEL.items())
def test_the_agents_of_fuel_are_known(type: str, service: str) -> None:
    assert known(CATALOGUE, f"ocf:fuel:{type}") == known(CATALOGUE, f"ocf:mirantis:{type}") == service


@pytest.mark.parametrize(("unit", "service"), SUSE.items())
def test_units_of_suse_are_those_of_others_with_a_prefix(unit: str, service: str) -> None:
    assert known(CATALOGUE, f"systemd:{unit}") == service


@pytest.mark.parametrize("agent", ["Filesystem", "VirtualDomain", "Delay", "nginx", "pgsql"])
def test_an_id_proves_nothing_against_an_agent_that_does_one_thing(agent: str) -> None:
    assert known(CATALOGUE, f"ocf:heartbeat:{agent}", "openstack-cinder-volume") is None


@pytest.mark.parametrize("provider", FIXED)
def test_what_clusterlabs_provides_is_what_its_agent_says_and_no_id_proves_more(provider: str) -> None:
    units = [unit for service in CATALOGUE.services if service.openstack for unit in service.units if "*" not in unit]
    assert [unit for unit in units if known(CATALOGUE, f"ocf:{provider}:{unit}", unit) is not None] == []


@pytest.mark.parametrize("agent", HELPERS)
def test_what_only_watches_makes_a_cluster_nobodys(agent: str) -> None:
    assert known(CATALOGUE, agent) == "cluster_helper"


@pytest.mark.parametrize("engine", ["docker", "podman"])
@pytest.mark.parametrize(
    ("image", "service"),
    [
        ("haproxy:2.4", "haproxy"),
        ("quay.io/x/centos-source-rabbitmq:train", "rabbitmq"),
        ("x/mariadb@sha256:00", "galera"),
        ("busybox", None),
    ],
)
def test_a_container_of_a_primitive_is_known_by_its_image(engine: str, image: str, service: str | None) -> None:
    found = CATALOGUE.of_resource(f"ocf:heartbeat:{engine}", "x", image=image)
    assert (found.name if found is not None else None) == service
