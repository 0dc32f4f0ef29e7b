"""The three trees of the corpus: every finding, by file and line."""

from __future__ import annotations

from functools import lru_cache

import pytest

from tests.inputs.heat.heat_findings import of_tree
from tests.shared import shared

PACEMAKER = "environments/puppet-pacemaker.yaml"
ALIASES = (*range(13, 15), *range(16, 29), *range(30, 35), 37, *range(40, 50), *range(51, 54), 55)
SERVICES = [
    "ceilometer-agent-central",
    "ceilometer-agent-notification",
    "ceilometer-api",
    "ceilometer-collector",
    "cinder-api",
    "cinder-scheduler",
    "core",
    "database/mongodb",
    "glance-api",
    "glance-registry",
    "gnocchi-api",
    "gnocchi-metricd",
    "gnocchi-statsd",
    "heat-api-cfn",
    "heat-api-cloudwatch",
    "heat-api",
    "heat-engine",
    "horizon",
    "keystone",
    "memcached",
    "neutron-dhcp",
    "neutron-l3",
    "neutron-metadata",
    "neutron-midonet",
    "neutron-ovs-agent",
    "neutron-plugin-ml2",
    "neutron-plugin-nuage",
    "neutron-plugin-opencontrail",
    "neutron-plugin-plumgrid",
    "neutron-server",
    "nova-api",
    "nova-conductor",
    "nova-consoleauth",
    "nova-scheduler",
    "nova-vncproxy",
    "sahara-api",
    "sahara-engine",
]
BEFORE = [
    "ceilometer-base:67",
    "cinder-base:45",
    "glance-api:70",
    "glance-registry:31",
    "gnocchi-base:50",
    "heat-engine:46",
    "ironic-base:45",
    "keystone:97",
    "neutron-plugin-plumgrid:85",
    "neutron-server:46",
    "nova-base:49",
    "nova-base:58",
    "sahara-engine:39",
]
NOT_TOLD = ["aodh-base:88", "barbican-api:139"]  # their attempts end whatever is set: a note each
PIKE = [
    "congress:90",
    "ec2-api:135",
    "glance-api:196",
    "gnocchi-base:88",
    "ironic-base:73",
    "ironic-inspector:112",
    "mistral-base:84",
    "neutron-plugin-plumgrid:106",
    "octavia-api:82",
    "panko-base:89",
    "tacker:90",
]


def services(code: str, places: list[str]) -> list[str]:
    paths = (place.partition(":") for place in places)
    return [f"{code} puppet/services/{name}.yaml:{line}" for name, _, line in paths]


@lru_cache(maxsize=3)
def found(tree: str) -> tuple[str, ...]:
    return tuple(of_tree(shared(f"corpus/tht/{tree}")))


def of(tree: str, code: str) -> list[str]:
    return [line for line in found(tree) if line.startswith(code)]


def test_before_the_change_35_active_active_aliases_lead_to_pacemaker_templates() -> None:
    assert of("newton-before", "LW401") == [f"LW401 {PACEMAKER}:{line}" for line in ALIASES]
    assert len(ALIASES) == 35


@pytest.mark.parametrize("tree", ["newton-after", "pike"])
def test_after_the_change_no_such_alias_is_left(tree: str) -> None:
    assert of(tree, "LW401") == []


@pytest.mark.parametrize("tree", ["newton-before", "newton-after"])
def test_37_pacemaker_templates_of_active_active_services_are_there_before_and_after(tree: str) -> None:
    assert of(tree, "LW403") == [f"LW403 puppet/services/pacemaker/{name}.yaml:1" for name in SERVICES]
    assert len(SERVICES) == 37


def test_in_pike_no_such_template_is_left() -> None:
    assert of("pike", "LW403") == []


def test_before_the_change_13_connections_have_no_unlimited_retries() -> None:
    assert of("newton-before", "LW404") == services("LW404", BEFORE)


def test_after_the_change_four_connections_have_none() -> None:
    assert of("newton-after", "LW404") == services(
        "LW404", ["glance-api:70", "gnocchi-base:50", "ironic-base:45", "neutron-plugin-plumgrid:85"]
    )


def test_in_pike_11_connections_have_none_and_two_services_know_no_end() -> None:
    assert of("pike", "LW404") == services("LW404", sorted([*PIKE, *NOT_TOLD]))


@pytest.mark.parametrize(
    ("tree", "places"),
    [("newton-before", ["nova-base:58"]), ("newton-after", ["nova-base:58"]), ("pike", ["nova-base:192"])],
)
def test_the_second_databases_of_nova_have_no_retries_of_their_own(tree: str, places: list[str]) -> None:
    assert of(tree, "LW405") == services("LW405", places)


@pytest.mark.parametrize(
    ("tree", "places"), [("newton-before", []), ("newton-after", []), ("pike", ["docker/services/database/mongodb.yaml:109"])]
)
def test_one_container_of_pike_is_not_restarted(tree: str, places: list[str]) -> None:
    assert of(tree, "LW406") == [f"LW406 {place}" for place in places]


@pytest.mark.parametrize("tree", ["newton-before", "newton-after"])
def test_no_service_of_newton_is_mapped_to_a_template_that_does_not_exist(tree: str) -> None:
    assert of(tree, "LW409") == []


def test_five_services_of_pike_are_mapped_to_templates_that_do_not_exist() -> None:
    scenario = "LW409 ci/environments/scenario006-multinode-containers.yaml"
    assert of("pike", "LW409") == [
        *(f"{scenario}:{line}" for line in (4, 5, 6, 7)),
        "LW409 environments/storage/cinder-netapp-config.yaml:127",
    ]


@pytest.mark.parametrize("tree", ["newton-before", "newton-after"])
def test_duplicate_keys_of_newton_say_the_same_twice(tree: str) -> None:
    assert of(tree, "LW410") == [
        "LW410 puppet/controller.yaml:560",
        *services("LW410", ["keystone:123", *(f"nova-base:{line}" for line in (92, 93, 94, 95, 98, 99, 100, 101))]),
    ]


def test_duplicate_keys_of_pike_drop_five_settings_and_say_two_twice() -> None:
    assert of("pike", "LW410") == [
        "LW410 docker/services/pacemaker/haproxy.yaml:124",
        "LW410 docker/services/pacemaker/haproxy.yaml:207",
        "LW410 extraconfig/pre_network/config_then_reboot.yaml:45",
        *services("LW410", ["cinder-base:143", "keystone:305", "keystone:374", "keystone:375"]),
    ]


@pytest.mark.parametrize(("tree", "places"), [("newton-before", []), ("newton-after", ["glance-api:109", "glance-api:110"]), ("pike", [])])
def test_the_change_put_the_retries_of_glance_api_on_the_class_of_the_registry(tree: str, places: list[str]) -> None:
    assert of(tree, "LW411") == services("LW411", places)


@pytest.mark.parametrize("tree", ["newton-before", "newton-after"])
def test_one_active_passive_service_outside_the_spec_is_noted(tree: str) -> None:
    assert of(tree, "LW412") == ["LW412 environments/manila-generic-config.yaml:7"]


@pytest.mark.parametrize("tree", ["newton-before", "newton-after", "pike"])
def test_no_core_service_is_mapped_away_and_keepalived_is_off_and_all_can_be_read(tree: str) -> None:
    assert [line for line in found(tree) if line.startswith(("LW402", "LW413", "LW901"))] == []


@pytest.mark.parametrize(
    ("tree", "places"),
    [
        ("newton-before", ["neutron-ovs-agent:53", "neutron-server:45"]),
        ("newton-after", ["neutron-ovs-agent:53", "neutron-server:45"]),
        ("pike", []),
    ],
)
def test_a_get_attr_beside_other_keys_merges_nothing(tree: str, places: list[str]) -> None:
    assert of(tree, "LW415") == services("LW415", places)


@pytest.mark.parametrize(
    "path",
    [
        "puppet/services/glance-api.yaml",
        "puppet/services/heat-engine.yaml",
        "puppet/services/heat-base.yaml",
        "puppet/services/neutron-server.yaml",
        "puppet/services/nova-base.yaml",
        "puppet/services/gnocchi-base.yaml",
        "puppet/services/pacemaker/glance-registry.yaml",
        "environments/puppet-pacemaker.yaml",
        "environments/manila-generic-config.yaml",
    ],
)
@pytest.mark.parametrize("tree", ["newton-before", "newton-after"])
def test_one_file_alone_has_the_findings_that_it_has_in_its_tree(tree: str, path: str) -> None:
    assert of_tree(shared(f"corpus/tht/{tree}"), paths=(path,)) == [line for line in found(tree) if line.split()[1].startswith(path + ":")]


def test_environments_in_order_are_judged_by_their_merged_result() -> None:
    tree = shared("corpus/tht/pike")
    docker, ha = "environments/docker.yaml", "environments/docker-ha.yaml"
    right = of_tree(tree, environments=(docker, ha), paths=(docker,))
    wrong = of_tree(tree, environments=(ha, docker), paths=(docker,))
    assert [line for line in right if line.startswith("LW40")] == []
    assert [line for line in wrong if line.startswith("LW402")] == [f"LW402 {docker}:{line}" for line in (30, 31, 32, 33)]
