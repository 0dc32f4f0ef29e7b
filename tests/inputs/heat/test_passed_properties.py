"""What a template gives to the template of a resource, as properties, stands instead of the defaults of its parameters there."""

from __future__ import annotations

import pytest

from lwlint.inputs.heat.facts import Container, HieraKey
from tests.inputs.heat.heat_findings import facts, findings

CONNECTION = "nova::database_connection: mysql://nova"
RETRIES = "nova::database_max_retries: {get_param: Retries}"


def base(default: str = "-1", more: str = "") -> str:
    """A template whose retries are a parameter."""
    parameters = f"parameters:\n  Retries:\n    type: string\n{f'    default: {default}' if default else ''}\n"
    return f"heat_template_version: pike\n{parameters}{more}outputs:\n  role_data:\n    value:\n      config_settings:\n        {RETRIES}\n"


def user(properties: str, kind: str = "./base.yaml", parameters: str = "") -> str:
    """A template of a service with a connection that takes in the settings of a base template."""
    given = f"    properties: {properties}\n" if properties else ""
    head = f"heat_template_version: pike\n{parameters}resources:\n  Base:\n    type: {kind}\n{given}"
    taken = "        map_merge:\n"
    return (
        f"{head}outputs:\n  role_data:\n    value:\n      config_settings:\n{taken}"
        f"          - get_attr: [Base, role_data, config_settings]\n          - {CONNECTION}\n"
    )


def values(files: dict[str, str], environments: tuple[str, ...] = ()) -> list[tuple[str, ...] | None]:
    """The values that the retries of the base template can have."""
    found = [fact for fact in facts(files, "hiera_key", environments) if isinstance(fact, HieraKey)]
    return [one.values for one in found if one.name.endswith("max_retries")]


@pytest.mark.parametrize(
    ("default", "properties", "known"),
    [
        ("-1", "", ("-1",)),
        ("-1", "{Retries: 5}", ("5",)),
        ("5", "{Retries: -1}", ("-1",)),
        ("5", "{Retries: '-1', Other: 7}", ("-1",)),
        ("-1", "{Other: 5}", ("-1",)),
        ("-1", "{Retries: null}", ("-1",)),
        ("-1", "{Retries: {if: [many, 5, 6]}}", ("5", "6")),
        ("-1", "{Retries: {if: [many, 5]}}", ("5", "-1")),
        ("-1", "{Retries: {get_attr: [Other, value]}}", None),
        ("-1", "{get_param: Everything}", None),
        ("", "{Retries: -1}", ("-1",)),
        ("", "", None),
    ],
)
def test_a_property_is_the_parameter(default: str, properties: str, known: tuple[str, ...] | None) -> None:
    assert values({"base.yaml": base(default), "user.yaml": user(properties)}) == [known]


def test_the_rule_on_retries_sees_what_is_given() -> None:
    for default, properties, expected in (
        ("-1", "{Retries: 5}", ["LW404 user.yaml:12"]),
        ("5", "{Retries: -1}", []),
        ("-1", "{Retries: -1}", []),
        ("-1", "{Retries: {get_attr: [Other, value]}}", []),
    ):
        files = {"base.yaml": base(default), "user.yaml": user(properties)}
        assert findings(files, "LW404", paths=("user.yaml",)) == findings(files, "LW404") == expected


def test_a_parameter_is_handed_on_by_its_value() -> None:
    for name in ("Retries", "Mine"):
        given = f"{{Retries: {{get_param: {name}}}}}"
        declared = f"parameters:\n  {name}: {{type: string, default: 7}}\n"
        files = {"base.yaml": base(), "user.yaml": user(given, parameters=declared)}
        assert values(files) == [("7",)]
        environment = f"parameter_defaults: {{{name}: 8}}\n"
        assert values({**files, "e.yaml": environment}, ("e.yaml",)) == [("8",)]


def test_a_property_comes_before_the_environment() -> None:
    files = {"base.yaml": base(), "user.yaml": user("{Retries: 5}"), "e.yaml": "parameter_defaults: {Retries: 8}\n"}
    assert values(files, ("e.yaml",)) == [("5",)]


def test_values_go_through_several_hands() -> None:
    middle = (
        base()
        .replace(RETRIES, "a::b: {get_attr: [Deep, role_data, config_settings]}")
        .replace("outputs:", "resources:\n  Deep:\n    type: deep/base.yaml\n    properties: {Retries: {get_param: Retries}}\noutputs:")
    )
    files = {"deep/base.yaml": base("3"), "middle.yaml": middle, "user.yaml": user("{Retries: 5}", "middle.yaml")}
    assert values(files) == [("5",)]
    assert values({**files, "user.yaml": user("")}) == [("-1",)]  # nobody gives the one in the middle anything


def test_of_several_users_each_counts() -> None:
    files = {"base.yaml": base(), "user.yaml": user("{Retries: 5}"), "other.yaml": user("")}
    assert [set(found or ()) for found in values(files)] == [{"5", "-1"}]
    assert values({**files, "other.yaml": user("{Retries: 5}")}) == [("5",)]
    assert values({**files, "other.yaml": user("{Retries: {get_attr: [A, b]}}")}) == [None]


def test_the_default_counts_where_the_template_is_a_service_itself() -> None:
    files = {"base.yaml": base(), "user.yaml": user("{Retries: 5}")}
    services = "resource_registry:\n  OS::TripleO::Services::NovaBase: base.yaml\n  OS::TripleO::Services::NovaApi: user.yaml\n"
    assert [set(found or ()) for found in values({**files, "e.yaml": services})] == [{"5", "-1"}]
    assert values({**files, "e.yaml": "resource_registry:\n  OS::TripleO::NovaBase: base.yaml\n"}) == [("5",)]


def test_a_type_by_an_alias_is_given_properties_too() -> None:
    registry = "resource_registry:\n  OS::TripleO::NovaBase: base.yaml\n"
    files = {"base.yaml": base(), "user.yaml": user("{Retries: 5}", "OS::TripleO::NovaBase"), "e.yaml": registry}
    assert values(files, ("e.yaml",)) == [("5",)]


@pytest.mark.parametrize(
    "resource",
    [
        "{type: OS::Heat::ResourceGroup, properties: {count: 3, resource_def: {type: base.yaml, properties: {Retries: 5}}}}",
        "{type: OS::Heat::AutoScalingGroup, properties: {resource: {type: base.yaml, properties: {Retries: 5}}}}",
        "{type: OS::Heat::ResourceChain, properties: {resources: [base.yaml], resource_properties: {Retries: 5}}}",
    ],
)
def test_groups_and_chains_give_properties_too(resource: str) -> None:
    maker = f"heat_template_version: pike\nresources:\n  Group: {resource}\n"
    assert values({"base.yaml": base(), "maker.yaml": maker}) == [("5",)]


def test_the_policy_of_a_container_is_given_as_well() -> None:
    container = (
        "heat_template_version: pike\nparameters:\n  Policy: {type: string, default: always}\noutputs:\n  role_data:\n    value:\n"
        "      docker_config:\n        step_4:\n          nova_api:\n            image: x\n            restart: {get_param: Policy}\n"
    )
    for policy, expected in (("always", []), ("'no'", ["LW406 base.yaml:11"]), ("unless-stopped", [])):
        files = {"base.yaml": container, "user.yaml": user(f"{{Policy: {policy}}}")}
        assert findings(files, "LW406") == expected
        told = [fact.policies for fact in facts(files, "container") if isinstance(fact, Container)]
        assert told == [(policy.strip("'"),)]


def test_templates_that_have_each_other_end() -> None:
    one = base().replace("outputs:", "resources:\n  Other: {type: two.yaml, properties: {Retries: {get_param: Retries}}}\noutputs:")
    two = base("4").replace("outputs:", "resources:\n  Other: {type: one.yaml, properties: {Retries: {get_param: Retries}}}\noutputs:")
    assert len(values({"one.yaml": one, "two.yaml": two})) == 2


@pytest.mark.parametrize(("properties", "known"), [("", ("-1",)), ("{Conf: {get_param: Conf}}", ("-1",)), ("{Conf: {retries: 5}}", None)])
def test_a_mapping_that_is_given_stands_instead_of_the_default(properties: str, known: tuple[str, ...] | None) -> None:
    below = base(more="  Conf:\n    type: json\n    default: {retries: -1}\n").replace("get_param: Retries", "get_param: [Conf, retries]")
    declared = "parameters:\n  Conf: {type: json}\n"
    assert values({"base.yaml": below, "user.yaml": user(properties, parameters=declared)}) == [known]
