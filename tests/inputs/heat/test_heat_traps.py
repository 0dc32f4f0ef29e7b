"""The traps of tripleo-heat-templates: where a simple reading finds too much, or too little. Numbers are those of the list of traps.

docs/traps.md has them all: 11 is in test_heat_reader.py, 23 to 25 are in test_heat_container_traps.py, 28 and 30 are of other inputs.
"""

from __future__ import annotations

import random

from lwlint.inputs.heat.facts import ServiceMapping
from lwlint.inputs.heat.secrets import hidden_names
from tests.inputs.heat.heat_findings import facts, findings, of_tree, template
from tests.shared import shared

EMPTY = "heat_template_version: pike\n"
BASE = "overcloud-resource-registry-puppet.yaml"


def registry(**mapping: str) -> str:
    """An environment that maps aliases of services."""
    return "resource_registry:\n" + "".join(f"  OS::TripleO::Services::{alias}: {target}\n" for alias, target in mapping.items())


def test_01_a_path_with_pacemaker_in_it_is_no_proof() -> None:
    paths = [
        "puppet/services/pacemaker.yaml",
        "puppet/services/pacemaker_remote.yaml",
        "deployment/pacemaker/pacemaker-baremetal-puppet.yaml",
    ]
    paths += [
        "docker/services/pacemaker/clustercheck.yaml",
        "puppet/services/pacemaker/compute-instanceha.yaml",
        "extraconfig/tasks/pre_puppet_pacemaker.yaml",
    ]
    lines = "".join(f"  OS::TripleO::Services::NovaApi: {path}\n" for path in paths[-1:])
    assert findings({"env.yaml": "resource_registry:\n" + lines, **dict.fromkeys(paths, EMPTY)}, "LW401", "LW403") == []


def test_02_a_class_below_pacemaker_is_proof_whatever_the_path() -> None:
    service = template("a: b") + "      step_config: |\n        include ::tripleo::profile::pacemaker::nova::api\n"
    files = {"env.yaml": registry(NovaApi="custom/api.yaml"), "custom/api.yaml": service}
    assert findings(files, "LW401", "LW403") == ["LW401 env.yaml:2", "LW403 custom/api.yaml:1"]


def test_03_an_empty_step_config_does_not_hide_a_pacemaker_template() -> None:
    service = template("a: b") + "      step_config: ''\n"
    for path in ("puppet/services/pacemaker/sahara-engine.yaml", "deployment/ironic/ironic-api-pacemaker-puppet.yaml"):
        assert findings({path: service}, "LW403") == [f"LW403 {path}:1"]


def test_04_clustercheck_and_instance_ha_create_no_resource() -> None:
    for profile in ("clustercheck", "compute_instanceha"):
        service = template("a: b") + f"      step_config: |\n        include ::tripleo::profile::pacemaker::{profile}\n"
        assert findings({"env.yaml": registry(NovaCompute="x.yaml"), "x.yaml": service}, "LW401", "LW403") == []


def test_05_the_namespace_is_compared_in_any_case() -> None:
    files = {"env.yaml": "resource_registry:\n  OS::Tripleo::Services::ManilaShare: puppet/services/pacemaker/manila-share.yaml\n"}
    files["puppet/services/pacemaker/manila-share.yaml"] = EMPTY
    assert findings(files) == ["LW412 env.yaml:2"]


def test_06_aliases_of_aliases_are_followed_over_the_merged_registry() -> None:
    files = {
        BASE: registry(NeutronCorePluginPlumgrid="puppet/services/neutron-plugin-plumgrid.yaml", Timesync="OS::TripleO::Services::Chrony"),
        "env.yaml": registry(NeutronCorePlugin="OS::TripleO::Services::NeutronCorePluginPlumgrid"),
        "puppet/services/neutron-plugin-plumgrid.yaml": EMPTY,
    }
    mappings = [fact for fact in facts(files, "service_mapping") if isinstance(fact, ServiceMapping)]
    assert [(m.alias.split("::")[-1], m.final, m.chain) for m in mappings if m.chain] == [
        ("NeutronCorePlugin", "puppet/services/neutron-plugin-plumgrid.yaml", ("OS::TripleO::Services::NeutronCorePluginPlumgrid",))
    ]
    steps = registry(NovaApi="OS::TripleO::Services::A", A="OS::TripleO::Services::B", B="puppet/services/pacemaker/nova-api.yaml")
    assert findings({"env.yaml": steps, "puppet/services/pacemaker/nova-api.yaml": EMPTY}, "LW401") == ["LW401 env.yaml:2"]
    circle = {"env.yaml": registry(A="OS::TripleO::Services::B", B="OS::TripleO::Services::A")}
    assert len(facts(circle, "service_mapping")) == 2


def test_07_none_is_not_deployed_and_each_environment_is_judged_by_itself() -> None:
    files = {
        BASE: registry(NovaApi="puppet/services/nova-api.yaml"),
        "a.yaml": registry(NovaApi="puppet/services/pacemaker/nova-api.yaml"),
        "b.yaml": registry(NovaApi="OS::Heat::None"),
        "puppet/services/nova-api.yaml": EMPTY,
        "puppet/services/pacemaker/nova-api.yaml": EMPTY,
    }
    assert findings(files, "LW401") == ["LW401 a.yaml:2"]
    assert findings(files, "LW401", environments=("a.yaml", "b.yaml")) == []
    assert findings(files, "LW401", environments=("b.yaml", "a.yaml")) == ["LW401 a.yaml:2"]


def test_08_a_service_is_known_under_each_of_its_names() -> None:
    names = ("NeutronServer", "NeutronApi", "NovaVncproxy", "NovaVncProxy", "NovaPlacement", "PlacementApi")
    files = {"env.yaml": registry(**dict.fromkeys(names, "x-pacemaker.yaml")), "x-pacemaker.yaml": template("a: b")}
    files["x-pacemaker.yaml"] += "      step_config: include ::tripleo::profile::pacemaker::x\n"
    assert findings(files, "LW401") == [f"LW401 env.yaml:{line}" for line in range(2, 8)]
    core = {"env.yaml": registry(Core="multinode-core.yaml"), "multinode-core.yaml": EMPTY}
    assert findings(core) == []


def test_09_aliases_that_end_like_a_core_service_are_not_it() -> None:
    aliases = (
        "Logging::HAProxy",
        "HAProxyPublicTLS",
        "HAproxyEdge",
        "MySQLClient",
        "UndercloudRedis",
        "BlockStorageCinderVolume",
        "CinderBackendNVMeOF",
    )
    files = {
        BASE: registry(Pacemaker="puppet/services/pacemaker.yaml"),
        "env.yaml": registry(Pacemaker="puppet/services/pacemaker.yaml", **dict.fromkeys(aliases, "x.yaml")),
        "puppet/services/pacemaker.yaml": EMPTY,
        "x.yaml": EMPTY,
    }
    assert findings(files) == []


def test_10_absolute_targets_are_found_in_the_tree_and_missing_ones_told() -> None:
    installed = "/usr/share/openstack-tripleo-heat-templates/"
    files = {
        "tree/" + BASE: registry(NovaApi="puppet/services/nova-api.yaml", Keystone="puppet/services/keystone.yaml"),
        "tree/environments/a.yaml": registry(NovaApi=installed + "puppet/services/pacemaker/nova-api.yaml", Ec2Api="/home/stack/ec2.yaml"),
        "tree/puppet/services/nova-api.yaml": EMPTY,
        "tree/puppet/services/pacemaker/nova-api.yaml": EMPTY,
    }
    assert findings(files, "LW401", "LW409") == [
        "LW401 tree/environments/a.yaml:2",
        "LW409 tree/environments/a.yaml:2",
        "LW409 tree/environments/a.yaml:3",
        f"LW409 tree/{BASE}:3",
    ]


def test_12_the_retries_may_stand_in_the_base_template() -> None:
    tree = shared("corpus/tht/pike")
    paths = tuple(f"puppet/services/{name}.yaml" for name in ("heat-engine", "neutron-api", "sahara-base", "manila-base", "keystone"))
    assert [line for line in of_tree(tree, paths=paths) if line.startswith(("LW404", "LW411"))] == []


def test_13_settings_are_followed_over_two_hops_and_only_where_they_are_merged_in() -> None:
    hop = "resources:\n  KeystoneBase:\n    type: ../../puppet/services/keystone.yaml\n"
    puppet = "resources:\n  Database:\n    type: ./keystone-db.yaml\n"
    files = {
        "docker/services/keystone.yaml": template("map_merge:\n  - get_attr: [KeystoneBase, role_data, config_settings]\n  - a: b", hop),
        "puppet/services/keystone.yaml": template("get_attr: [Database, role_data, config_settings]", puppet),
        "puppet/services/keystone-db.yaml": template("keystone::database_connection: mysql://k\nkeystone::db::database_max_retries: -1"),
    }
    assert findings(files, "LW404") == []
    files["puppet/services/keystone-db.yaml"] = template("keystone::db::database_max_retries: -1")
    files["docker/services/keystone.yaml"] = template(
        "map_merge:\n  - get_attr: [KeystoneBase, role_data, config_settings]\n  - keystone::database_connection: mysql://k", hop
    )
    assert findings(files, "LW404") == []
    files["puppet/services/keystone.yaml"] = template("a: b", puppet)
    assert findings(files, "LW404") == ["LW404 docker/services/keystone.yaml:11"]


def test_14_the_retries_must_be_of_the_class_that_configures_the_service() -> None:
    assert findings({"a.yaml": template("glance::api::database_connection: x\nglance::registry::db::database_max_retries: -1")}) == [
        "LW404 a.yaml:6",
        "LW411 a.yaml:7",
    ]
    assert findings({"a.yaml": template("ironic::inspector::db::database_connection: x\nironic::db::database_max_retries: -1")}) == [
        "LW404 a.yaml:6",
        "LW411 a.yaml:7",
    ]
    for module, key in (
        ("neutron", "neutron::server::database_connection"),
        ("manila", "manila::sql_connection"),
        ("nova", "nova::database_connection"),
    ):
        assert findings({"a.yaml": template(f"{key}: x\n{module}::db::database_max_retries: -1")}) == []


def test_15_what_only_creates_a_database_is_no_connection() -> None:
    keys = "".join(
        f"nova::db::mysql{kind}::{key}: x\n" for kind in ("", "_api") for key in ("host", "user", "password", "dbname", "allowed_hosts")
    )
    assert findings({"a.yaml": template(keys)}) == []


def test_16_a_connection_is_one_however_it_is_spelled() -> None:
    config = """sahara_dsn: &dsn {list_join: ['', ['mysql://', {get_param: P}]]}
sahara::database_connection: *dsn
panko::db::database_connection: {make_url: {scheme: mysql, query: {if: [a, {b: c}, {}]}}}
gnocchi::db::database_connection: {get_param: Dsn}"""
    assert findings({"a.yaml": template(config)}, "LW404") == ["LW404 a.yaml:7", "LW404 a.yaml:8", "LW404 a.yaml:9"]
    inside = "map_merge:\n  - if:\n      - c\n      - panko::db::database_connection: mysql://z\n      - {}"
    assert findings({"a.yaml": template(inside)}, "LW404") == ["LW404 a.yaml:9"]


def test_17_other_connections_are_no_databases() -> None:
    keys = "collectd::plugin::virt::connection tripleo::profile::base::metrics::collectd::sensubility::connection neutron::designate::url"
    keys += " ceilometer::dispatcher::gnocchi::url aodh::coordination_url nova::ovsdb_connection neutron::agents::dhcp::ovsdb_connection"
    assert findings({"a.yaml": template("".join(f"{key}: qemu:///system\n" for key in keys.split()))}) == []


def test_18_other_retries_are_not_those_of_a_database() -> None:
    keys = (
        "octavia::controller::connection_max_retries ironic::inspector::ironic::max_retries nova::ironic::common::api_max_retries retries"
    )
    keys += " heat::engine::client_retry_limit neutron::agents::l2gw::max_connection_retries tripleo::mysql::wsrep_retry_autocommit"
    config = "heat::database_connection: x\nheat::db::database_max_retries: -1\n"
    assert findings({"a.yaml": template(config + "".join(f"{key}: 3\n" for key in keys.split()))}) == []


def test_19_every_form_of_a_value_is_understood() -> None:
    good = [
        "-1",
        "'-1'",
        "{get_param: Unlimited}",
        "{list_join: ['', ['-', '1']]}",
        "{if: [c, -1, '-1']}",
        "{str_replace: {template: -N, params: {N: 1}}}",
    ]
    bad = ["0", "10", "''", "null", "{get_param: Ten}", "{if: [c, -1, 10]}", "-2"]
    parameters = "parameters:\n  Unlimited: {type: number, default: -1}\n  Ten: {type: string, default: '10'}\n"
    for value in (*good, *bad):
        files = {"a.yaml": template(f"keystone::database_connection: x\nkeystone::database_max_retries: {value}", parameters)}
        assert (value, findings(files, "LW404")) == (value, [] if value in good else ["LW404 a.yaml:9"])
    config = "nova::database_connection: x\nnova::config::nova_config:\n  database/max_retries:\n    value: -1"
    assert findings({"a.yaml": template(config)}, "LW404") == []


def test_19_an_input_of_a_deployment_and_an_override_are_understood() -> None:
    light = """heat_template_version: 2016-04-08
parameters:
  ControllerLightNovaDbMaxRetries: {type: number, default: -1}
resources:
  Config:
    type: OS::Heat::StructuredConfig
    properties:
      config:
        hieradata:
          datafiles:
            light:
              mapped_data:
                nova::database_connection: {get_input: dsn}
                nova::database_max_retries: {get_input: nova_retries}
  Deployment:
    type: OS::Heat::StructuredDeployment
    properties:
      input_values:
        nova_retries: {get_param: ControllerLightNovaDbMaxRetries}
"""
    assert findings({"a.yaml": light}, "LW404") == []
    finite = "parameter_defaults:\n  ControllerLightNovaDbMaxRetries: 10\n"
    assert findings({"a.yaml": light, "env.yaml": finite}, "LW404", environments=("env.yaml",)) == ["LW404 a.yaml:13"]
    service = template("keystone::database_connection: x")
    for role, lines in (("ExtraConfig", []), ("ControllerExtraConfig", []), ("ComputeExtraConfig", ["LW404 a.yaml:6"])):
        override = f"parameter_defaults:\n  {role}:\n    keystone::db::database_max_retries: -1\n"
        assert findings({"a.yaml": service, "env.yaml": override}, "LW404", environments=("env.yaml",)) == lines


def test_20_what_another_service_on_the_node_sets_does_not_count() -> None:
    files = {"a.yaml": template("keystone::database_connection: x"), "b.yaml": template("keystone::db::database_max_retries: -1")}
    assert findings(files, "LW404") == ["LW404 a.yaml:6"]


def test_21_a_key_is_told_once_where_it_stands_not_once_for_each_user() -> None:
    base = "resources:\n  NovaBase:\n    type: ./nova-base.yaml\n"
    user = template("get_attr: [NovaBase, role_data, config_settings]", base)
    files = {"nova-base.yaml": template("nova::database_connection: x"), "nova-compute.yaml": user, "nova-libvirt.yaml": user}
    assert findings(files, "LW404") == ["LW404 nova-base.yaml:6"]


def test_22_zero_is_finite_for_a_database() -> None:
    assert findings({"a.yaml": template("heat::database_connection: x\nheat::db::database_max_retries: 0")}) == ["LW404 a.yaml:6"]


def test_26_a_sample_generator_that_repeats_registries_is_no_environment() -> None:
    entry = "OS::TripleO::Services::NovaApi: ../puppet/services/pacemaker/nova-api.yaml"
    text = f"environments:\n  -\n    name: ha\n    resource_registry:\n      {entry}\n"
    files = {"sample-env-generator/ha.yaml": text, "puppet/services/pacemaker/nova-api.yaml": EMPTY}
    assert findings(files, "LW401", "LW409") == []


def test_27_the_order_of_environments_decides_about_manila() -> None:
    away, on = (
        registry(ManilaShare="puppet/services/manila-share.yaml"),
        registry(ManilaShare="puppet/services/pacemaker/manila-share.yaml"),
    )
    files = {
        "away.yaml": away,
        "on.yaml": on,
        "puppet/services/manila-share.yaml": EMPTY,
        "puppet/services/pacemaker/manila-share.yaml": EMPTY,
    }
    assert findings(files, environments=("away.yaml", "on.yaml")) == ["LW412 on.yaml:2"]
    assert findings(files, environments=("on.yaml", "away.yaml")) == []


def test_29_a_comment_maps_nothing() -> None:
    files = {
        "env.yaml": registry(NovaApi="OS::Heat::None") + "  # OS::TripleO::Services::NovaApi: puppet/services/pacemaker/nova-api.yaml\n"
    }
    assert findings(files) == []


def named_hidden(text: str) -> set[str]:
    """What `hidden_names` is to yield of a text in block style, one line after the other."""
    above: list[tuple[int, str]] = []
    found = set()
    for line in text.split("\n"):
        key, colon, value = line.strip().partition(":")
        indent = len(line) - len(line.lstrip())
        if colon and indent:
            above = [entry for entry in above if entry[0] < indent]
            if key == "hidden" and value.strip() == "true" and above:
                found.add(above[-1][1])
            above.append((indent, key))
    return found


def test_the_parameter_that_is_hidden_is_the_nearest_key_further_out() -> None:
    chance = random.Random(2)
    for _ in range(3_000):
        keys = [chance.choice(("a", "b", "c", "hidden")) for _ in range(chance.randint(1, 12))]
        text = "\n".join(f"{' ' * chance.randint(0, 4)}{key}: {chance.choice(('true', 'false', ''))}" for key in keys)
        assert set(hidden_names(text)) == named_hidden(text), text
    assert set(hidden_names("p: {hidden: true}\nq: {type: string, 'hidden': yes}\n")) == {"p", "q"}
