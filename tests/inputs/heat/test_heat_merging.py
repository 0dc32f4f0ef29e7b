"""Which of several settings counts, over merges, templates, environments and hieradata; and what only a deployment tells."""

from __future__ import annotations

import time

import pytest

from lwlint.files.tree import Memory
from lwlint.run import Request, check
from tests.inputs.heat.heat_findings import findings, rules, template

CONNECTION = "heat::database_connection: mysql://h"
RETRIES = "heat::db::database_max_retries"
BASE = "resources:\n  Base:\n    type: ./base.yaml\n"
MANIFEST = "class { '::keystone': database_connection => hiera('keystone_dsn') }\n"
CONTROLLER = """heat_template_version: 2016-04-08
resources:
  Config:
    type: OS::Heat::StructuredConfig
    properties:
      config:
        datafiles:
          services:
            mapped_data:
              keystone::db::database_max_retries: %s
"""


def test_a_template_of_another_place_is_not_evaluated() -> None:
    files = {"a.yaml": "resource_registry:\n  OS::TripleO::Services::MySQL: https://example.org/mysql.yaml\n"}
    files["a.yaml"] += "  OS::TripleO::Services::Pacemaker: pacemaker.yaml\n"
    report = check(
        Request(tree=Memory({**files, "pacemaker.yaml": "heat_template_version: pike\n"})), [r for r in rules() if r.code == "LW402"]
    )
    assert (report.findings, [v.outcome for v in report.verdicts]) == ((), ["not evaluated"])


def test_a_policy_that_only_a_deployment_tells_is_not_evaluated() -> None:
    for container in ("restart: {get_param: P}", "detach: {get_param: P}", "map_merge: [{get_attr: [Other, container]}, {net: host}]"):
        text = f"outputs:\n  role_data:\n    value:\n      docker_config: {{step_4: {{nova_api: {{{container}}}}}}}\n"
        report = check(Request(tree=Memory({"a.yaml": f"heat_template_version: pike\n{text}"})), [r for r in rules() if r.code == "LW406"])
        assert (report.findings, [v.outcome for v in report.verdicts]) == ((), ["not evaluated"])


@pytest.mark.parametrize(("values", "lines"), [((10, -1), []), ((-1, 10), ["LW404 a.yaml:7"])])
def test_the_last_item_of_a_merge_counts(values: tuple[int, int], lines: list[str]) -> None:
    first, last = values
    merge = f"map_merge:\n  - {CONNECTION}\n  - {RETRIES}: {first}\n  - {RETRIES}: {last}"
    assert findings({"a.yaml": template(merge)}, "LW404") == lines


def test_a_merged_setting_under_a_condition_replaces_no_other() -> None:
    merge = f"map_merge:\n  - {CONNECTION}\n  - {RETRIES}: 10\n  - if: [c, {{{RETRIES}: -1}}, {{}}]"
    assert findings({"a.yaml": template(merge)}, "LW404") == ["LW404 a.yaml:7"]


@pytest.mark.parametrize(
    ("base", "own", "base_is_last", "lines"),
    [(10, -1, False, []), (-1, 10, False, ["LW404 a.yaml:11"]), (10, -1, True, ["LW404 a.yaml:10"]), (-1, 10, True, [])],
)
def test_what_is_merged_after_the_base_template_replaces_its_settings(base: int, own: int, base_is_last: bool, lines: list[str]) -> None:
    taken = "  - get_attr: [Base, role_data, config_settings]\n"
    mine = f"  - {CONNECTION}\n    {RETRIES}: {own}\n"
    merge = "map_merge:\n" + (mine + taken if base_is_last else taken + mine)
    assert findings({"a.yaml": template(merge, BASE), "base.yaml": template(f"{RETRIES}: {base}")}, "LW404") == lines


def test_a_base_template_that_is_taken_in_twice_does_not_replace_itself() -> None:
    merge = f"map_merge:\n  - {CONNECTION}\n" + "  - get_attr: [Base, role_data, config_settings]\n" * 2
    assert findings({"a.yaml": template(merge, BASE), "base.yaml": template(f"{RETRIES}: 10")}, "LW404") == ["LW404 a.yaml:10"]


def test_templates_that_take_in_each_other_are_read_once() -> None:
    merge = f"map_merge:\n  - {CONNECTION}\n  - get_attr: [Base, role_data, config_settings]\n"
    files = {"a.yaml": template(merge, BASE.replace("base", "b")), "b.yaml": template(merge, BASE.replace("base", "a"))}
    assert findings(files, "LW404") == ["LW404 a.yaml:10", "LW404 b.yaml:10"]


@pytest.mark.parametrize(
    ("overrides", "lines"),
    [
        (["ExtraConfig: 10", "ExtraConfig: -1"], []),
        (["ExtraConfig: -1", "ExtraConfig: 10"], ["LW404 a.yaml:6"]),
        (["ControllerExtraConfig: -1", "ExtraConfig: 10"], []),
        (["ControllerExtraConfig: 10", "ExtraConfig: -1"], ["LW404 a.yaml:6"]),
        (["controllerExtraConfig: 10", "ControllerExtraConfig: -1"], []),
        (["NovaComputeExtraConfig: -1"], ["LW404 a.yaml:6"]),
    ],
)
def test_the_last_environment_counts_and_a_role_before_all_roles(overrides: list[str], lines: list[str]) -> None:
    files = {"a.yaml": template(CONNECTION)}
    names = []
    for number, override in enumerate(overrides):
        parameter, _, value = override.partition(": ")
        name = f"{9 - number}.yaml"  # the order of -e counts, not that of names
        files[name] = f"parameter_defaults:\n  {parameter}:\n    {RETRIES}: {value}\n"
        names.append(name)
    assert findings(files, "LW404", environments=tuple(names)) == lines


@pytest.mark.parametrize(("value", "lines"), [("-1", []), ("10", ["LW404 x.pp:1"]), ("{get_param: P}", ["LW404 x.pp:1"])])
def test_hieradata_of_the_nodes_sets_the_retries_of_a_manifest(value: str, lines: list[str]) -> None:
    assert findings({"x.pp": MANIFEST, "controller.yaml": CONTROLLER % value}, "LW404") == lines


def test_an_override_sets_the_retries_of_a_manifest_only_where_it_was_given() -> None:
    environment = "parameter_defaults:\n  ExtraConfig:\n    keystone::db::database_max_retries: -1\n"
    files = {"x.pp": MANIFEST, "env.yaml": environment}
    assert findings(files, "LW404", environments=("env.yaml",)) == []
    assert findings(files, "LW404") == ["LW404 x.pp:1"]


def test_the_settings_of_another_service_do_not_reach_a_manifest() -> None:
    files = {"x.pp": MANIFEST, "a.yaml": template("keystone::db::database_max_retries: -1")}
    assert findings(files, "LW404") == ["LW404 x.pp:1"]


def test_settings_that_are_merged_twice_by_an_alias_are_there() -> None:
    merged = "map_merge:\n  - &retries {'nova::database_max_retries': %s}\n  - {'nova::database_connection': mysql://nova}\n  - *retries"
    assert findings({"a.yaml": template(merged % -1)}, "LW404") == []
    assert findings({"a.yaml": template(merged % 5)}, "LW404") == ["LW404 a.yaml:8"]
    between = merged.replace("  - *retries", "  - {'nova::database_max_retries': 5}\n  - *retries")
    assert findings({"a.yaml": template(between % -1)}, "LW404") == []


@pytest.mark.parametrize(
    ("merged", "outcome"),
    [
        ("{get_param: More}", "not evaluated"),
        ("{get_param: [More, settings]}", "not evaluated"),
        ("{repeat: {template: {'X::database_max_retries': -1}, for_each: {X: [nova]}}}", "not evaluated"),
        ("{get_attr: [Elsewhere, value]}", "not evaluated"),
        ("{get_attr: [Base, role_data, config_settings]}", "not evaluated"),  # of a template that is not here
        ("{get_attr: [Alias, role_data, config_settings]}", "not evaluated"),
        ("{'nova::database_max_retries': -1}", "pass"),
        ("{'nova::database_max_retries': 5}", "fail"),
        ("{'nova::debug': true}", "fail"),
        ("null", "fail"),
    ],
)
def test_settings_that_are_not_told_may_be_the_retries(merged: str, outcome: str) -> None:
    resources = "resources:\n  Base: {type: ./gone.yaml}\n  Alias: {type: OS::TripleO::Services::Gone}\n"
    text = template(f"map_merge:\n  - {{'nova::database_connection': mysql://nova}}\n  - {merged}", resources)
    report = check(Request(tree=Memory({"a.yaml": text})), [rule for rule in rules() if rule.code == "LW404"])
    assert [verdict.outcome for verdict in report.verdicts] == [outcome]


def test_what_is_told_counts_whatever_else_is_merged() -> None:
    both = "map_merge:\n  - {'nova::database_connection': mysql://nova, 'nova::database_max_retries': %s}\n  - {get_param: More}"
    assert findings({"a.yaml": template(both % -1)}, "LW404") == []
    assert findings({"a.yaml": template(both % 5)}, "LW404") == ["LW404 a.yaml:7"]


def test_a_concatenated_list_is_merged_as_its_parts_are() -> None:
    listed = "map_merge:\n  list_concat:\n    - [{'nova::database_connection': mysql://nova}]\n    - [{'nova::database_max_retries': %s}]"
    assert findings({"a.yaml": template(listed % -1)}, "LW404") == []
    assert findings({"a.yaml": template(listed % 5)}, "LW404") == ["LW404 a.yaml:8"]


def test_a_base_template_that_is_taken_in_again_under_a_condition_replaces_itself() -> None:
    base = f"map_merge:\n  - {RETRIES}: 10\n  - {RETRIES}: %s"
    taken = "{get_attr: [Base, role_data, config_settings]}"
    merge = f"map_merge:\n  - {CONNECTION}\n  - {taken}\n  - if: [one, {taken}, {{}}]\n"
    for value, lines in ((-1, []), (10, ["LW404 a.yaml:10"])):
        assert findings({"a.yaml": template(merge, BASE), "base.yaml": template(base % value)}, "LW404") == lines


def test_a_choice_within_the_other_case_of_the_same_choice_is_never_taken() -> None:
    inner = f"{{if: [{{not: one}}, {{{CONNECTION}}}, {{{RETRIES}: -1}}]}}"
    assert findings({"a.yaml": template(f"if: [one, {inner}, {{heat::debug: true}}]")}, "LW404") == []
    assert findings({"a.yaml": template(f"if: [two, {inner}, {{heat::debug: true}}]")}, "LW404") == ["LW404 a.yaml:6"]


TAKEN = "{get_attr: [Base, role_data, config_settings]}"


@pytest.mark.parametrize(
    ("merge", "base", "lines"),
    [
        # the base template's retries are there in the other case only
        (f"if: [one, {TAKEN}, {{{CONNECTION}, {RETRIES}: -1}}]", f"{RETRIES}: 10", []),
        (f"if: [one, {TAKEN}, {{{CONNECTION}, {RETRIES}: 10}}]", f"{RETRIES}: -1", ["LW404 a.yaml:9"]),
        # where the connection is there, the retries beside it replace those of the base template, or not
        (f"map_merge: [{TAKEN}, {{if: [one, {{{CONNECTION}, {RETRIES}: -1}}, {{}}]}}]", f"{RETRIES}: 10", []),
        (f"map_merge: [{{if: [one, {{{CONNECTION}, {RETRIES}: -1}}, {{}}]}}, {TAKEN}]", f"{RETRIES}: 10", ["LW404 a.yaml:9"]),
        (f"map_merge: [{TAKEN}, {{if: [one, {{{CONNECTION}}}, {{}}]}}, {{if: [two, {{{RETRIES}: -1}}, {{}}]}}]", f"{RETRIES}: -1", []),
        # in either case
        (f"map_merge: [{{{CONNECTION}}}, {{if: [one, {TAKEN}, {{{RETRIES}: -1}}]}}]", f"{RETRIES}: -1", []),
        (f"map_merge: [{{{CONNECTION}}}, {{if: [one, {TAKEN}, {{}}]}}]", f"{RETRIES}: -1", ["LW404 a.yaml:9"]),
    ],
)
def test_retries_count_where_they_are_merged_with_the_connection(merge: str, base: str, lines: list[str]) -> None:
    assert findings({"a.yaml": template(merge, BASE), "base.yaml": template(base)}, "LW404") == lines


def test_very_many_retries_under_conditions_are_compared_in_bounded_work() -> None:
    choices = "".join(f"  - if: [c{number}, {{{RETRIES}: -1}}, {{}}]\n" for number in range(400))
    start = time.process_time()
    assert findings({"a.yaml": template(f"map_merge:\n  - {CONNECTION}\n{choices}")}, "LW404") == ["LW404 a.yaml:7"]
    assert time.process_time() - start < 10
