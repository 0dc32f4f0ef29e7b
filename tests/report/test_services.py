"""`lwlint services`: what it says of a service in each architecture."""

from __future__ import annotations

import pytest

from lwlint.core.catalogue import Catalogue, load
from lwlint.report.explain import one_service, service_table
from tests.shared import HERE


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load((HERE / "rules/services.yaml").read_text("utf-8"), "rules/services.yaml")


def restarts(catalogue: Catalogue, name: str) -> list[str]:
    service = catalogue.by_name(name)
    assert service is not None
    return [line[52:] for line in one_service(service).splitlines() if line.startswith(("    everything", "    lightweight"))]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "haproxy",
            ["pcs resource restart haproxy-clone", "pcs resource restart haproxy-clone"] + ["pcs resource restart haproxy-bundle"] * 2,
        ),
        ("cinder_volume", ["pcs resource restart openstack-cinder-volume"] * 4),
        ("ovn_dbs", ["pcs resource restart ovndb_servers-master", *["pcs resource restart ovn-dbs-bundle"] * 2]),
        (
            "neutron_dhcp_agent",
            [
                "pcs resource restart neutron-dhcp-agent-clone",
                "systemctl restart neutron-dhcp-agent",
                "docker restart neutron_dhcp",
                "systemctl restart tripleo_neutron_dhcp",
            ],
        ),
        (
            "horizon",
            ["pcs resource restart httpd-clone", "systemctl restart httpd", "docker restart horizon", "systemctl restart tripleo_horizon"],
        ),
        (
            "manila_api",
            [
                "systemctl restart openstack-manila-api",
                "systemctl restart httpd (from pike)",
                "docker restart manila_api",
                "systemctl restart tripleo_manila_api",
            ],
        ),
        ("ntp", ["systemctl restart ntpd"] * 4),
    ],
)
def test_a_service_is_restarted_by_the_command_of_its_architecture(catalogue: Catalogue, name: str, expected: list[str]) -> None:
    assert restarts(catalogue, name) == expected


def test_one_service_is_shown_whole(catalogue: Catalogue) -> None:
    redis = catalogue.by_name("redis")
    assert redis is not None
    assert one_service(redis) == (
        "redis\n"
        "  core: Pacemaker must run it, liberty to hibiscus\n"
        "  redis_tls_proxy is a side-car that the container engine runs beside the bundle\n"
        "\n"
        "  restarted by (`pcs` once in the cluster, the others on each node)\n"
        "    everything under Pacemaker, liberty to mitaka   pcs resource restart redis-master\n"
        "    lightweight, on the host, newton to rocky       pcs resource restart redis-master\n"
        "    lightweight, docker, pike to train              pcs resource restart redis-bundle\n"
        "    lightweight, podman, stein to wallaby           pcs resource restart redis-bundle\n"
        "\n"
        "  units:          redis, redis-server, redis-server@\n"
        "  containers:     redis, redis_tls_proxy\n"
        "  aliases:        OS::TripleO::Services::Redis, OS::TripleO::Services::UndercloudRedis\n"
        "  resource ids:   redis-master, redis-bundle\n"
        "  agents:         ocf:heartbeat:redis\n"
        "  option files:   /etc/redis.conf\n"
        "  Puppet modules: redis\n"
    )


def test_the_table_has_one_line_for_each_service(catalogue: Catalogue) -> None:
    lines = service_table(catalogue.services).splitlines()
    assert [line.split("  ")[0] for line in lines] == ["service", *(s.title for s in catalogue.services)]
    assert lines[:3] == [
        "service                            kind            under Pacemaker      units",
        "haproxy                            core            liberty to hibiscus  haproxy",
        "virtual IP                         core            liberty to hibiscus",
    ]
