"""Settings that a template gives to the nodes of a service, which may be another one, and sections that a template does not take in."""

from __future__ import annotations

import pytest

from lwlint.core.finding import Report
from lwlint.files.tree import Memory
from lwlint.run import Request, check
from tests.inputs.heat.heat_findings import every_rule, findings

HEAD = "heat_template_version: queens\n"
ROLE_DATA = "outputs:\n  role_data:\n    value:\n"
CINDER = f"""{HEAD}{ROLE_DATA}      service_name: cinder_api
      config_settings:
        cinder::database_connection: mysql://cinder@192.0.2.1/cinder
"""
GIVER = f"""{HEAD}{ROLE_DATA}      service_name: keystone
      service_config_settings:
        %s:
          cinder::db::database_max_retries: %s
"""
REGISTRY = """resource_registry:
  OS::TripleO::Services::CinderApi: cinder-api.yaml
  OS::TripleO::Services::Keystone: %s
"""
ROLES = "- name: Controller\n  ServicesDefault:\n    - OS::TripleO::Services::CinderApi\n- name: Auth\n  ServicesDefault:\n    - %s\n"
KEYSTONE = "OS::TripleO::Services::Keystone"
BASE = "overcloud-resource-registry-puppet.yaml"


def tree(service: str, value: int, target: str = "keystone.yaml", role: str = KEYSTONE) -> dict[str, str]:
    files = {"cinder-api.yaml": CINDER, "keystone.yaml": GIVER % (service, value), BASE: REGISTRY % target}
    return {**files, "roles_data.yaml": ROLES % role} if role else files


def judged(files: dict[str, str]) -> Report:
    return check(Request(tree=Memory(files)), [rule for rule in every_rule() if rule.code == "LW404"])


def verdict(files: dict[str, str]) -> str:
    (one,) = judged(files).verdicts
    return f"{one.outcome}: {one.because}"


def test_what_another_service_gives_to_the_nodes_of_the_connection_counts_in_whatever_role_it_is() -> None:
    assert findings(tree("cinder_api", -1), "LW404") == []
    assert verdict(tree("cinder_api", -1)).startswith("pass")


def test_it_beats_what_the_service_has_itself() -> None:
    files = tree("cinder_api", 10)
    files["cinder-api.yaml"] += "        cinder::db::database_max_retries: -1\n"
    (found,) = judged(files).findings
    assert "`cinder::db::database_max_retries` is `10`" in found.message


@pytest.mark.parametrize(
    ("service", "target", "role"),
    [
        ("nova_api", "keystone.yaml", KEYSTONE),  # the nodes of another service
        ("cinder_api", "OS::Heat::None", KEYSTONE),  # it is not deployed
        ("cinder_api", "keystone.yaml", "OS::TripleO::Services::Ntp"),  # no role has it
    ],
)
def test_what_does_not_reach_the_nodes_of_the_connection_does_not_count(service: str, target: str, role: str) -> None:
    (found,) = judged(tree(service, -1, target, role)).findings
    assert "is not set" in found.message


def test_a_template_that_gives_retries_to_another_service_alone_has_none_itself() -> None:
    text = CINDER + "      service_config_settings:\n        %s:\n          cinder::db::database_max_retries: -1\n"
    assert len(findings({"cinder-api.yaml": text % "nova_api"}, "LW404")) == 1
    assert findings({"cinder-api.yaml": text % "cinder_api"}, "LW404") == []


def test_whether_it_is_deployed_is_not_known_without_roles_or_a_registry() -> None:
    for files in (tree("cinder_api", -1, role=""), {"cinder-api.yaml": CINDER, "keystone.yaml": GIVER % ("cinder_api", -1)}):
        assert findings(files, "LW404") == []
        assert verdict(files).startswith("not evaluated")
        assert "nothing here shows" in verdict(files)


def test_an_environment_that_is_given_turns_the_giver_off() -> None:
    files = {**tree("cinder_api", -1), "off.yaml": f"resource_registry:\n  {KEYSTONE}: OS::Heat::None\n"}
    assert len(findings(files, "LW404", environments=["off.yaml"])) == 1
    files["off.yaml"] = "parameter_defaults:\n  AuthServices: [OS::TripleO::Services::Ntp]\n"
    assert len(findings(files, "LW404", environments=["off.yaml"])) == 1


def test_what_is_for_all_nodes_counts() -> None:
    files = tree("cinder_api", -1)
    files["keystone.yaml"] = (
        f"{HEAD}{ROLE_DATA}      service_name: keystone\n      global_config_settings:\n        cinder::db::database_max_retries: -1\n"
    )
    assert findings(files, "LW404") == []


def test_retries_that_are_given_are_not_of_a_wrong_class() -> None:
    files = tree("cinder_api", -1)
    files["keystone.yaml"] += (
        "      config_settings:\n        keystone::database_connection: mysql://keystone\n        keystone::db::database_max_retries: -1\n"
    )
    assert findings(files, "LW411") == []


HEAT_BASE = f"{HEAD}{ROLE_DATA}      service_name: heat_base\n      config_settings:\n        heat::db::database_max_retries: -1\n"
HEAT_DSN = "heat::database_connection: mysql://heat@192.0.2.1/heat"
HEAT_USER = f"{HEAD}resources:\n  Base: {{type: ./heat-base.yaml}}\n{ROLE_DATA}"


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (f"config_settings: {{map_merge: [{{get_attr: [Base, role_data, config_settings]}}, {{{HEAT_DSN}}}]}}", 0),
        (f"config_settings: {{{HEAT_DSN}}}\n      service_config_settings: {{get_attr: [Base, role_data, service_config_settings]}}", 1),
        # a merge is not deep: the second `config_settings` stands instead of the first
        (f"map_merge: [{{get_attr: [Base, role_data]}}, {{config_settings: {{{HEAT_DSN}}}}}]", 1),
        (
            "map_merge: [{get_attr: [Base, role_data]}, {service_name: heat_engine, config_settings: "
            f"{{map_merge: [{{get_attr: [Base, role_data, config_settings]}}, {{{HEAT_DSN}}}]}}}}]",
            0,
        ),
        (f"map_merge: [{{config_settings: {{heat::db::database_max_retries: -1}}}}, {{config_settings: {{{HEAT_DSN}}}}}]", 1),
    ],
)
def test_a_section_counts_as_it_is_taken_in(value: str, number: int) -> None:
    assert len(findings({"heat-base.yaml": HEAT_BASE, "heat-engine.yaml": f"{HEAT_USER}      {value}\n"}, "LW404")) == number


WITHOUT = f"{HEAD}{ROLE_DATA}      service_name: heat_base\n"
OWN = f"{{config_settings: {{{HEAT_DSN}}}}}"
WHOLE = "{get_attr: [Base, role_data]}"
RETRIED = "{config_settings: {heat::db::database_max_retries: -1}}"


@pytest.mark.parametrize(
    ("base", "items", "number"),
    [
        (HEAT_BASE.replace("-1", "10"), [OWN, WHOLE], 0),  # what stands before a whole is lost: no connection, nothing to ask
        (WITHOUT, [OWN, WHOLE], 1),  # this one has no section that could replace it
        (WITHOUT + "      config_settings: {}\n", [OWN, WHOLE], 0),
        (WITHOUT + f"      config_settings: {{{HEAT_DSN}}}\n", [RETRIED, WHOLE], 1),
        (WITHOUT + "      service_config_settings: {x: {a::b: 1}}\n", [OWN, WHOLE], 1),
        (WITHOUT + "      config_settings: {if: [c, {a::b: 1}, {}]}\n", [OWN, WHOLE], 0),
        (HEAT_BASE, [OWN, WHOLE, OWN], 1),
        (HEAT_BASE, [WHOLE, WHOLE, RETRIED, OWN], 1),
        (HEAT_BASE, ["{if: [c, {get_attr: [Base, role_data]}, {}]}", OWN], 1),
        (HEAT_BASE.replace("-1", "10"), [OWN, "{if: [c, {get_attr: [Base, role_data]}, {}]}"], 1),  # the other way it is not lost
    ],
)
def test_all_role_data_replace_the_sections_before_them(base: str, items: list[str], number: int) -> None:
    user = f"{HEAT_USER}      map_merge: [{', '.join(items)}]\n"
    assert len(findings({"heat-base.yaml": base, "heat-engine.yaml": user}, "LW404")) == number


def test_all_role_data_replace_what_was_taken_in_before() -> None:
    user = f"{HEAD}resources:\n  One: {{type: ./one.yaml}}\n  Two: {{type: ./two.yaml}}\n{ROLE_DATA}"
    one, two = WITHOUT + f"      config_settings: {{{HEAT_DSN}}}\n", HEAT_BASE.replace("-1", "10")
    both = "      map_merge: [{get_attr: [One, role_data]}, {get_attr: [Two, role_data]}]\n"
    again = "      map_merge: [{get_attr: [One, role_data]}, {get_attr: [Two, role_data]}, {get_attr: [One, role_data]}]\n"
    section = "{get_attr: [%s, role_data, config_settings]}"
    deep = f"      config_settings: {{map_merge: [{section % 'One'}, {section % 'Two'}]}}\n"
    for merge, message in ((both, "is not set"), (again, "is not set"), (deep, "is `10`")):
        (found,) = judged({"one.yaml": one, "two.yaml": two, "x.yaml": user + merge}).findings
        assert message in found.message


def test_what_a_template_takes_in_as_a_whole_by_another_replaces_too() -> None:
    middle = f"{HEAD}resources:\n  Low: {{type: ./heat-base.yaml}}\n{ROLE_DATA}      get_attr: [Low, role_data]\n"
    user = f"{HEAD}resources:\n  Base: {{type: ./middle.yaml}}\n{ROLE_DATA}      map_merge: [{OWN}, {WHOLE}]\n"
    assert findings({"heat-base.yaml": HEAT_BASE, "middle.yaml": middle, "x.yaml": user}, "LW404") == []
    assert len(findings({"heat-base.yaml": WITHOUT, "middle.yaml": middle, "x.yaml": user}, "LW404")) == 1


def test_settings_of_another_section_stay_where_one_is_replaced() -> None:
    value = "map_merge: [{get_attr: [Base, role_data]}, {service_config_settings: {x: {a::b: 1}}}]"
    base = HEAT_BASE + f"        {HEAT_DSN}\n"
    assert findings({"heat-base.yaml": base, "heat-engine.yaml": f"{HEAT_USER}      {value}\n"}, "LW404") == []
    assert len(findings({"heat-base.yaml": base.replace("-1", "10"), "heat-engine.yaml": f"{HEAT_USER}      {value}\n"}, "LW404")) == 1


def test_settings_that_are_taken_in_for_the_nodes_of_another_service_are_not_its_own() -> None:
    base = f"{HEAD}{ROLE_DATA}      service_name: heat_base\n      config_settings:\n        heat::db::database_max_retries: -1\n"
    user = f"""{HEAD}resources:
  Base: {{type: ./heat-base.yaml}}
{ROLE_DATA}      service_name: %s
      config_settings:
        heat::database_connection: mysql://heat@192.0.2.1/heat
      service_config_settings:
        heat_engine: {{get_attr: [Base, role_data, config_settings]}}
"""
    assert findings({"heat-base.yaml": base, "x.yaml": user % "heat_engine"}, "LW404") == []
    assert len(findings({"heat-base.yaml": base, "x.yaml": user % "heat_api"}, "LW404")) == 1


def test_the_name_of_a_service_is_followed_to_the_template_that_has_it() -> None:
    user = f"""{HEAD}resources:
  Base: {{type: ./plain.yaml}}
{ROLE_DATA}      service_name: {{get_attr: [Base, role_data, service_name]}}
      config_settings: {{get_attr: [Base, role_data, config_settings]}}
"""
    files = {**tree("cinder_api", -1), "plain.yaml": CINDER, "cinder-api.yaml": user}
    assert findings(files, "LW404") == []


OUTPUT = """heat_template_version: queens
outputs:
  volume_settings:
    value: &settings
      %s
"""
TAKES = """heat_template_version: queens
resources:
  Common: {type: ./common.yaml}
outputs:
  role_data:
    value:
      service_name: cinder_volume
      config_settings:
        map_merge:
"""
GET = "          - get_attr: [Common, %s]\n"
CONNECTION = "          - cinder::database_connection: mysql://cinder@192.0.2.1/cinder\n"
RETRIES = "          - cinder::db::database_max_retries: %s\n"


@pytest.mark.parametrize(
    ("setting", "merge", "number"),
    [
        ("cinder::db::database_max_retries: -1", GET % "volume_settings" + CONNECTION, 0),
        ("cinder::db::database_max_retries: 10", GET % "volume_settings" + CONNECTION, 1),
        ("cinder::db::database_max_retries: -1", GET % "api_settings" + CONNECTION, 1),  # another output
        ("cinder::db::database_max_retries: 10", GET % "volume_settings" + CONNECTION + RETRIES % "-1", 0),  # beaten
        ("cinder::db::database_max_retries: 10", CONNECTION + RETRIES % "-1" + GET % "volume_settings", 1),
        ("cinder::database_connection: mysql://x@y/z", GET % "volume_settings", 1),
        ("cinder::database_connection: mysql://x@y/z", GET % "api_settings", 0),  # nobody takes it in
    ],
)
def test_an_output_with_a_name_of_its_own_counts_for_those_that_take_it_in(setting: str, merge: str, number: int) -> None:
    assert len(findings({"common.yaml": OUTPUT % setting, "cinder-volume.yaml": TAKES + merge}, "LW404")) == number


def test_settings_that_an_output_shares_with_the_service_are_the_services() -> None:
    lines = "cinder::database_connection: mysql://x@y/z\n      cinder::db::database_max_retries: %s"
    text = OUTPUT % lines + "  role_data:\n    value:\n      config_settings: *settings\n"
    assert findings({"x.yaml": text % -1}, "LW404") == []
    assert len(findings({"x.yaml": text % 10}, "LW404")) == 1


def test_retries_that_are_given_beside_the_connection_count_though_the_service_is_not_here() -> None:
    giver = (
        f"{HEAD}{ROLE_DATA}      service_name: nova_api\n      service_config_settings:\n        nova_conductor:\n%s        placement:\n%s"
    )
    connection, retries = "          nova::database_connection: mysql://nova\n", "          nova::db::database_max_retries: %s\n"
    for to_conductor, to_placement, expected in (
        (connection + retries % -1, "          a::b: 1\n", []),
        (connection + retries % 5, "          a::b: 1\n", ["LW404 a.yaml:8"]),
        (connection, retries % -1, ["LW404 a.yaml:8"]),  # which is for other nodes
        (connection, "          a::b: 1\n", ["LW404 a.yaml:8"]),
    ):
        assert findings({"a.yaml": giver % (to_conductor, to_placement)}, "LW404") == expected
