"""Retries that a whole node has: by its manifests, by the hieradata of its role; and values that end, where they stand."""

from __future__ import annotations

from itertools import product

import pytest

from lwlint.files.tree import Memory
from lwlint.run import Request, check
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
