"""Retries that a whole node has: by its manifests, by the hieradata of its role; and values that end, where they stand."""

from __future__ import annotations

from itertools import product

import pytest

from lwlint.files.tree import Memory
from lwlint.run import Request, check, load_rules
from tests.inputs.heat.heat_findings import every_rule, findings, template

# a connection, what sets its retries in hiera, and as the declaration of a manifest
SERVICES = {
    "keystone": ("keystone::database_connection", "keystone::database_max_retries", "class {{ '::keystone': database_max_retries => {} }}"),
    "glance": (
        "glance::api::database_connection",
        "glance::api::database_max_retries",
        "class {{ '::glance::api': database_max_retries => {} }}",
    ),
    "cinder": ("cinder::database_connection", "cinder::db::database_max_retries", "class {{ '::cinder::db': database_max_retries => {} }}"),
    "gnocchi": (
        "gnocchi::db::database_connection",
        "gnocchi::config::gnocchi_config/database/max_retries",
        "gnocchi_config {{ 'database/max_retries': value => {} }}",
    ),
    "neutron": (
        "neutron::server::database_connection",
        "neutron::config::server_config/database/max_retries",
        "neutron_config {{ 'database/max_retries': value => {} }}",
    ),
}
SOFTWARE = """heat_template_version: 2015-04-30
resources:
  C:
    type: OS::Heat::SoftwareConfig
    properties:
      group: puppet
      config: {get_file: %s}
"""
ROLE = """heat_template_version: 2015-10-15
resources:
  C:
    type: OS::Heat::StructuredConfig
    properties:
      config:
        hiera:
          datafiles:
            role:
              mapped_data:
                %s
"""


def connected(name: str, where: str) -> dict[str, str]:
    line = f"{SERVICES[name][0]}: mysql://x@192.0.2.1/x"
    return {"puppet/controller.yaml": ROLE % line} if where == "role" else {f"puppet/services/{name}.yaml": template(line)}


@pytest.mark.parametrize(("name", "where"), list(product(SERVICES, ("role", "service"))))
@pytest.mark.parametrize(
    ("manifest", "value", "lacking"),
    [("overcloud_controller", "-1", False), ("overcloud_controller", "undef", True), ("overcloud_compute", "-1", True), ("", "-1", True)],
)
def test_what_the_manifest_of_the_controllers_sets_counts_for_every_connection_there(
    name: str, where: str, manifest: str, value: str, lacking: bool
) -> None:
    files = connected(name, where)
    if manifest:
        files["puppet/config.yaml"] = SOFTWARE % f"{manifest}.pp"
        files[f"puppet/{manifest}.pp"] = f"if hiera('step') >= 3 {{\n  {SERVICES[name][2].format(value)}\n}}\n"
    assert bool(findings(files, "LW404")) == lacking


@pytest.mark.parametrize(("name", "where"), list(product(SERVICES, ("role", "service"))))
def test_of_two_ways_to_run_the_controllers_the_one_with_a_cluster_counts(name: str, where: str) -> None:
    good, declared = SERVICES[name][2].format("-1"), "pacemaker::resource::service { 'haproxy': clone_params => true }\n"
    files = {**connected(name, where), "puppet/a.yaml": SOFTWARE % "plain.pp", "puppet/b.yaml": SOFTWARE % "ha.pp"}
    assert findings({**files, "puppet/plain.pp": "include ::x\n", "puppet/ha.pp": declared + good}, "LW404") == []
    assert len(findings({**files, "puppet/plain.pp": good, "puppet/ha.pp": declared + "include ::x\n"}, "LW404")) == 1
    both = {"puppet/plain.pp": declared + "include ::x\n", "puppet/ha.pp": declared + good}
    assert len(findings({**files, **both}, "LW404")) == 1


def test_what_only_puppet_can_tell_of_a_manifest_is_not_evaluated() -> None:
    files = {**connected("keystone", "role"), "puppet/a.yaml": SOFTWARE % "a.pp", "puppet/a.pp": SERVICES["keystone"][2].format("$retries")}
    (verdict,) = check(Request(tree=Memory(files)), [rule for rule in every_rule() if rule.code == "LW404"]).verdicts
    assert (verdict.outcome, "only Puppet can tell" in verdict.because) == ("not evaluated", True)


@pytest.mark.parametrize("name", ["keystone", "glance", "cinder"])
@pytest.mark.parametrize(("path", "value", "lacking"), [("controller", "-1", False), ("controller", "5", True), ("compute", "-1", True)])
def test_the_hieradata_of_the_role_counts_for_its_composable_services(name: str, path: str, value: str, lacking: bool) -> None:
    files = {**connected(name, "service"), f"puppet/{path}.yaml": ROLE % f"{SERVICES[name][1]}: {value}"}
    assert (f"LW404 puppet/services/{name}.yaml:6" in findings(files, "LW404")) == lacking


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize(("value", "ends"), [("-1", False), ("'-1'", False), ("5", True), ("0", True)])
@pytest.mark.parametrize("place", ["hieradata", "json", "ExtraConfig", "ControllerExtraConfig", "ComputeExtraConfig"])
def test_a_value_that_ends_is_told_where_it_stands(name: str, value: str, ends: bool, place: str) -> None:
    key = SERVICES[name][1]
    resource, slash, option = key.partition("/")
    line = f"{resource}: {{{option}: {{value: {value}}}}}" if slash else f"{key}: {value}"
    if place == "json":
        quoted = value.replace("'", '"')
        inner = f'{{"{option}": {{"value": {quoted}}}}}' if slash else quoted
        path, text = "hieradata/controller.json", f'{{\n\t"{resource}": {inner}\n}}\n'
    elif place == "hieradata":
        path, text = "hieradata/controller.yaml", f"{line}\n"
    else:
        path, text = "site.yaml", f"parameter_defaults:\n  {place}:\n    {line}\n"
    assert bool(findings({path: text}, "LW404")) == (ends and place != "ComputeExtraConfig")


@pytest.mark.parametrize(
    "key", ["barbican::db::database_max_retries", "mymodule::db::database_max_retries", "heat::db::database_db_max_retries"]
)
def test_nothing_is_asked_of_what_has_no_unlimited_value_or_is_none_of_openstack_s(key: str) -> None:
    assert findings({"hieradata/a.yaml": f"{key}: 5\n"}, "LW404") == []


@pytest.mark.parametrize(
    ("own", "role", "lines"), [("10", "-1", []), ("-1", "10", ["LW404 site.yaml:5"]), ("10", "10", ["LW404 site.yaml:5"])]
)
def test_in_one_environment_the_override_of_the_role_counts(own: str, role: str, lines: list[str]) -> None:
    key = "keystone::db::database_max_retries"
    text = f"parameter_defaults:\n  ExtraConfig:\n    {key}: {own}\n  ControllerExtraConfig:\n    {key}: {role}\n"
    assert findings({"site.yaml": text}, "LW404") == lines


# every form in which a manifest can give a parameter of a class, or an option of a `*_config` resource
FORMS = {
    "class": "class {{ '::keystone': database_max_retries => {} }}",
    "class without colons": "class {{ 'keystone': database_max_retries => {} }}",
    "class of the database": "class {{ '::keystone::db': database_max_retries => {} }}",
    "variable": "$r = {}\nclass {{ '::keystone': database_max_retries => $r }}",
    "variable of the top": "$r = {}\nclass {{ '::keystone': database_max_retries => $::r }}",
    "selector": "$r = $x ? {{ true => {0}, default => {0} }}\nclass {{ '::keystone': database_max_retries => $r }}",
    "splat": "$o = {{ 'database_max_retries' => {} }}\nclass {{ '::keystone': * => $o }}",
    "splat of a merge": "class {{ '::keystone': * => merge({{ 'x' => 1 }}, {{ 'database_max_retries' => {} }}) }}",
    "create_resources": "create_resources('class', {{ '::keystone' => {{ 'database_max_retries' => {} }} }})",
    "create_resources with defaults": "create_resources('class', {{ 'keystone' => {{}} }}, {{ 'database_max_retries' => {} }})",
    "ensure_resource": "ensure_resource('class', '::keystone', {{ 'database_max_retries' => {} }})",
    "ensure_resources": "ensure_resources('class', {{ 'keystone' => {{}} }}, {{ 'database_max_retries' => {} }})",
    "under a step": "if hiera('step') >= 3 {{ class {{ '::keystone': database_max_retries => {} }} }}",
    "both branches": (
        "if $x {{ class {{ 'keystone': database_max_retries => {0} }} }}\nelse {{ class {{ 'keystone': database_max_retries => {0} }} }}"
    ),
    "option": "keystone_config {{ 'database/max_retries': value => {} }}",
    "option in a list": "keystone_config {{ ['database/retry_interval', 'database/max_retries']: value => {} }}",
    "option of several": "keystone_config {{ 'database/connection_debug': value => 0; 'database/max_retries': value => {} }}",
    "option by default": "Keystone_config {{ value => {} }}\nkeystone_config {{ 'database/max_retries': }}",
    "option in a loop": "['max_retries'].each |$o| {{ keystone_config {{ \"database/${{o}}\": value => {} }} }}",
    "option by create_resources": "create_resources('keystone_config', {{ 'database/max_retries' => {{ 'value' => {} }} }})",
}


def with_form(form: str, value: str) -> dict[str, str]:
    manifest, name = f"{FORMS[form].format(value)}\n", "overcloud_controller.pp"
    return {**connected("keystone", "service"), "puppet/a.yaml": SOFTWARE % name, f"puppet/{name}": manifest}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_parameter_counts(form: str) -> None:
    assert findings(with_form(form, "-1"), "LW404") == []
    assert findings(with_form(form, "'-1'"), "LW404") == []


@pytest.mark.parametrize("form", FORMS)
def test_in_every_form_a_number_that_ends_is_told_at_the_number(form: str) -> None:
    found = findings(with_form(form, "7"), "LW404", "LW421")
    assert {line.partition(":")[0] for line in found} == {"LW421 puppet/overcloud_controller.pp"}


@pytest.mark.parametrize(
    "manifest",
    [
        "class { '::keystone': database_max_retries => undef }",
        "class { '::keystone': }",
        "include ::keystone",
        "if $x { class { 'keystone': database_max_retries => -1 } } else { class { 'keystone': } }",
        "keystone_config { 'database/max_retries': ensure => absent }",
        "keystone_config { 'DEFAULT/max_retries': value => -1 }",
        "class { '::glance::api': database_max_retries => -1 }",
        "class { '::keystone': database_min_pool_size => -1 }",
    ],
)
def test_what_does_not_set_the_retries_does_not_count(manifest: str) -> None:
    files = {**connected("keystone", "service"), "puppet/a.yaml": SOFTWARE % "c.pp", "puppet/c.pp": f"{manifest}\n"}
    assert findings(files, "LW404") == ["LW404 puppet/services/keystone.yaml:6"]


# every form in which the template of a role writes hieradata: up to ocata, and from pike on
WRITTEN = {
    "mapped_data": "hiera:\n          datafiles:\n            x:\n              mapped_data:\n                {}",
    "file": "datafiles:\n          x:\n            {}",
    "merge": "datafiles:\n          x:\n            map_merge:\n              - {{get_param: More}}\n              - {}",
}


@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize(("value", "lacking"), [("-1", False), ("5", True)])
def test_hieradata_that_a_role_writes_counts_in_every_form(form: str, value: str, lacking: bool) -> None:
    config = WRITTEN[form].format(f"keystone::database_max_retries: {value}")
    group = "hiera" if form != "mapped_data" else "os-apply-config"
    head = "heat_template_version: pike\nresources:\n  C:\n    type: OS::Heat::StructuredConfig\n    properties:\n"
    role = f"{head}      group: {group}\n      config:\n        {config}\n"
    files = {**connected("keystone", "service"), "puppet/controller-role.yaml": role}
    assert bool(findings(files, "LW404")) is lacking


@pytest.mark.parametrize("code", ["LW404", "LW405", "LW408", "LW423", "LW424", "LW425", "LW426", "LW427"])
def test_a_manifest_without_anything_of_the_kind_is_no_evidence(code: str) -> None:
    rules = [rule for rule in load_rules() if rule.code == code]
    (verdict,) = check(Request(tree=Memory({"a.pp": "file { '/a': ensure => present }\n"})), rules).verdicts
    assert verdict.outcome == "not evaluated"


@pytest.mark.parametrize("code", ["LW401", "LW402", "LW412", "LW413", "LW416"])
def test_a_registry_without_a_service_is_no_evidence(code: str) -> None:
    rules = [rule for rule in load_rules() if rule.code == code]
    text = "resource_registry:\n  OS::TripleO::Compute::Net::SoftwareConfig: nic.yaml\n"
    (verdict,) = check(Request(tree=Memory({"network.yaml": text})), rules).verdicts
    assert (verdict.outcome, verdict.because) == ("not evaluated", "no environment or registry maps a service")


CONDITIONAL = """heat_template_version: pike
outputs:
  role_data:
    value:
      service_name: nova_base
      config_settings:
        map_merge:
        - nova::database_connection: mysql+pymysql://nova@192.0.2.9/nova
        - if:
          - unlimited
          - nova::db::database_max_retries: %s
          - {}
"""


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("-1", "`nova::db::database_max_retries` is set under a condition only (default `10`); it must always be `-1`"),
        ("{get_attr: [X, y]}", "`nova::db::database_max_retries` is set under a condition only (default `10`); it must always be `-1`"),
        ("7", "`nova::db::database_max_retries` may be `7`; it must be `-1`"),
    ],
)
def test_retries_under_a_condition_are_not_said_to_be_absent(value: str, said: str) -> None:
    rules = [rule for rule in load_rules() if rule.code == "LW404"]
    files = {"deployment/nova/nova-base-puppet.yaml": CONDITIONAL % value}
    (finding,) = check(Request(tree=Memory(files)), rules).findings
    assert finding.message == f"`nova::database_connection`: {said}"


@pytest.mark.parametrize("value", ["\"%{hiera('retries')}\"", "\"%{lookup('retries')}\"", "'%{::retries}'"])
def test_what_hiera_puts_in_is_not_evaluated(value: str) -> None:
    rules = [rule for rule in load_rules() if rule.code == "LW404"]
    files = {"site.yaml": f"parameter_defaults:\n  ExtraConfig:\n    nova::db::database_max_retries: {value}\n"}
    (verdict,) = check(Request(tree=Memory(files)), rules).verdicts
    assert (verdict.outcome, verdict.because.partition(": ")[2]) == (
        "not evaluated",
        "`nova::db::database_max_retries` has a value that is known only in a deployment",
    )


@pytest.mark.parametrize(("scheme", "found"), [("sqlite:////var/lib/nova/nova.db", False), ("mysql+pymysql://nova@192.0.2.9/nova", True)])
def test_a_database_that_is_a_file_needs_no_retries(scheme: str, found: bool) -> None:
    files = {"puppet/services/nova-base.yaml": template(f"nova::database_connection: {scheme}")}
    assert findings(files, "LW404") == (["LW404 puppet/services/nova-base.yaml:6"] if found else [])
    manifest = {"m.pp": f"class {{ 'nova::db': database_connection => '{scheme}' }}\n"}
    assert findings(manifest, "LW404") == (["LW404 m.pp:1"] if found else [])


NODE_DATA = """parameter_defaults:
  NodeDataLookup: %s
"""
NODE = "32e87b4c-c4a7-41be-865b-191684a6883b"
OTHER = "ab4114b1-9c9d-409a-befb-d88c151bf2c3"
RETRIES = "cinder::db::database_max_retries"


def of_nodes(data: str, *environments: str, retries: int = -1) -> list[str]:
    """What the rules on retries say of the data of single nodes, and of cinder's connection."""
    settings = f"cinder::database_connection: mysql://x\n{RETRIES}: {retries}"
    files = {"cinder-api.yaml": template(settings), "e.yaml": NODE_DATA % data, "f.yaml": "parameter_defaults: {Debug: true}\n"}
    found = check(Request(environments=environments, tree=Memory(files)), [rule for rule in every_rule() if rule.code == "LW404"])
    assert found.tracebacks == ()
    return [f"{one.severity} {one.span.path}:{found.sources[one.span.path].position(one.span.start).line}" for one in found.findings]


@pytest.mark.parametrize("environments", [(), ("e.yaml",), ("f.yaml", "e.yaml")])
def test_retries_of_a_single_node_that_end_are_told_where_they_stand(environments: tuple[str, ...]) -> None:
    data = f'{{{OTHER}: {{"{RETRIES}": -1}}, {NODE}: {{"{RETRIES}": 10}}}}'
    assert of_nodes(data, *environments) == ["warning e.yaml:2"]
    assert of_nodes(f"\n    {OTHER}: {{}}\n    {NODE}:\n      {RETRIES}: 10", *environments) == ["warning e.yaml:5"]
    assert of_nodes(f"|\n    {data.replace(OTHER, repr(OTHER)).replace(NODE, repr(NODE))}", *environments) == ["warning e.yaml:2"]


def test_retries_of_a_single_node_count_for_no_connection() -> None:
    assert of_nodes(f"{{{NODE}: {{{RETRIES}: -1}}}}", "e.yaml", retries=10) == ["error cinder-api.yaml:6"]
    assert of_nodes(f"{{{NODE}: {{{RETRIES}: -1}}}}", "e.yaml") == []
    assert of_nodes(f"{{{NODE}: {{{RETRIES}: 10}}}}", "f.yaml") == []  # it is not among those that were given


@pytest.mark.parametrize("data", ["[]", "text", "'{'", "{a: b}", "{a: [1]}", "null", "'{a: {b::c: [}'"])
def test_data_of_nodes_that_are_none_are_nothing(data: str) -> None:
    assert of_nodes(data) == []


def test_an_override_that_is_a_text_of_json_is_read() -> None:
    text = "parameter_defaults:\n  ControllerExtraConfig: '{\"cinder::db::database_max_retries\": 10}'\n"
    files = {
        "cinder-api.yaml": template("cinder::database_connection: mysql://x\ncinder::db::database_max_retries: -1"),
        "e.yaml": text,
    }
    assert findings(files, "LW404", environments=("e.yaml",)) == ["LW404 cinder-api.yaml:6"]
