"""Values that `map_replace` puts in the place of words: those of a role's own parameters are known in a deployment only."""

from __future__ import annotations

import pytest

from lwlint.files.tree import Memory
from lwlint.inputs.heat.facts import HieraKey
from lwlint.run import Request, check
from tests.inputs.heat.heat_findings import facts, findings, rules, template

HEAD = """heat_template_version: queens
parameters:
  Retries: {type: number, default: -1}
resources:
  Values:
    type: OS::Heat::Value
    properties:
      type: json
      value:
        map_replace:
"""
PLAIN_TAIL = """outputs:
  role_data:
    value:
      config_settings:
        map_merge:
"""
TAIL = PLAIN_TAIL + "          - get_attr: [Values, value]\n"
OF_ROLE = """          - map_replace:
            - cinder::db::database_max_retries: %s
            - values: {get_param: [RoleParameters]}
"""
PLAIN = "          - cinder::db::database_max_retries: %s\n"
LAST = "          - values: {Retries: %s}\n"


@pytest.mark.parametrize(
    ("inner", "outer", "values"),
    [
        (PLAIN % "Retries", LAST % "{get_param: Retries}", ("-1",)),
        (PLAIN % "Retries", LAST % 10, ("10",)),
        (PLAIN % "-1", LAST % 10, ("-1",)),
        (OF_ROLE % "-1", LAST % 10, ("-1",)),
        (OF_ROLE % "Retries", LAST % "{get_param: Retries}", None),  # the role may have a value of its own
        (PLAIN % "Retries", "          - keys: {x: y}\n", ("Retries",)),
    ],
)
def test_a_word_stands_for_what_replaces_it(inner: str, outer: str, values: tuple[str, ...] | None) -> None:
    (key,) = [one for one in facts({"x.yaml": HEAD + inner + outer + TAIL}, "hiera_key") if isinstance(one, HieraKey)]
    assert (key.name, key.values) == ("cinder::db::database_max_retries", values)


def values_of(value: str, conditions: str = "") -> list[tuple[str, ...] | None]:
    """The values of the one setting of a template, under each of the conditions that it is written under."""
    head = "heat_template_version: queens\nparameters:\n  Retries: {type: string, default: old}\noutputs:\n  role_data:\n    value:\n"
    text = f"{head}      config_settings: {value}\n"
    return [one.values for one in facts({"x.yaml": text}, "hiera_key") if isinstance(one, HieraKey) and "::" in one.name]


REPLACED = "{map_replace: [{cinder::db::database_max_retries: %s}, {values: {old: -1, '5': 6}}]}"


@pytest.mark.parametrize(
    ("value", "values"),
    [
        ("{if: [one, old, 10]}", ("-1", "10")),
        ("{get_param: Retries}", ("-1",)),
        ("{list_join: ['', [o, ld]]}", ("-1",)),
        ("{if: [one, 5, 10]}", None),  # a number is none of the texts that are replaced, and a text of digits may be one
        ("{get_param: Nobody}", None),
    ],
)
def test_the_value_of_a_function_is_replaced_as_well(value: str, values: tuple[str, ...] | None) -> None:
    assert values_of(REPLACED % value) == [values]


@pytest.mark.parametrize(
    ("value", "values"),
    [
        ("{c::m: {if: [one, -1, {if: [one, 10, 5]}]}}", [("-1", "5")]),
        ("{c::m: {if: [one, -1, {if: [{not: one}, 10, 5]}]}}", [("-1", "10")]),
        ("{c::m: {if: [one, -1, {if: [two, 10, 5]}]}}", [("-1", "10", "5")]),
        ("{if: [one, {c::m: {if: [one, -1, 10]}}, {c::m: {if: [one, 10, -1]}}]}", [("-1",), ("-1",)]),
        ("{c::m: {if: [one, -1]}}", [("-1",)]),
        ("{c::m: {if: [one, -1, null]}}", [("-1", "null")]),
        ("{c::m: {if: [one, -1, {if: [two, 10]}]}}", [("-1",), ("10",)]),
        ("{if: [one, {c::m: {if: [one, -1]}}, {}]}", [("-1",)]),
    ],
)
def test_a_condition_within_itself_has_one_way(value: str, values: list[tuple[str, ...] | None]) -> None:
    assert values_of(value) == values


@pytest.mark.parametrize(
    ("value", "branches"),
    [
        ("{c::m: {if: [one, -1]}}", [("one=1",)]),
        ("{c::m: {if: [{not: one}, -1]}}", [("one=2",)]),
        ("{c::m: {if: [one, -1, {if: [two, 10]}]}}", [("one=1",), ("one=2", "two=1")]),
        ("{c::m: {if: [one, -1, {if: [two, 10, 5]}]}}", [()]),
        ("{if: [one, {c::m: {if: [one, -1]}}, {}]}", [("one=1",)]),
    ],
)
def test_a_setting_is_there_only_where_a_choice_has_something_for_it(value: str, branches: list[tuple[str, ...]]) -> None:
    """Since wallaby Heat leaves out the key where there is nothing for a case."""
    files = {"x.yaml": f"heat_template_version: wallaby\n{PLAIN_TAIL}          - {value}\n"}
    assert [one.branch for one in facts(files, "hiera_key") if isinstance(one, HieraKey)] == branches


def test_very_many_choices_within_choices_are_one_value() -> None:
    """Each of a chain of choices has the one before it for both of its cases."""
    chain = "".join(f"  v{at}: &v{at} {{if: [c{at}, *v{at - 1}, *v{at - 1}]}}\n" for at in range(1, 13))
    text = f"heat_template_version: wallaby\nconditions:\n  v0: &v0 {{if: [c0, 1]}}\n{chain}{PLAIN_TAIL}          - {{c::m: *v12}}\n"
    found = [one.values for one in facts({"x.yaml": text}, "hiera_key") if isinstance(one, HieraKey)]
    assert found == [("1", "null")]


def test_what_str_replace_puts_in_is_not_looked_at_again() -> None:
    assert values_of("{c::m: {str_replace: {template: a-b-ab, params: {a: b, b: c, ab: d}}}}") == [("b-c-d",)]
    assert values_of("{c::m: {str_replace: {template: abcd, params: {ab: x, bcd: y}}}}") == [("ay",)]  # the longest first


def test_a_str_replace_with_very_many_names_is_not_evaluated() -> None:
    def replaced(number: int) -> str:
        names = ", ".join(f"P{at}: v" for at in range(number))
        return f"{{c::m: {{str_replace: {{template: P0, params: {{{names}}}}}}}}}"

    assert values_of(replaced(200)) == [("v",)]
    assert values_of(replaced(3_000)) == [None]


VALUE = """resources:
  Values:
    type: OS::Heat::Value
    properties: {type: json, value: {nova::database_connection: mysql, nova::database_max_retries: %s}}
"""


@pytest.mark.parametrize(
    ("value", "given", "lines"),
    [
        (-1, "{values: {Old: 10}}", []),
        ("Old", "{values: {Old: -1}}", []),
        ("Old", "{values: {Old: 10}}", ["LW404 x.yaml:5"]),
        (-1, "{keys: {nova::database_max_retries: nova::other}}", ["LW404 x.yaml:5"]),
        (-1, "{keys: {get_param: Names}}", []),  # which may be renamed is not known
        (10, "{get_param: Both}", ["LW404 x.yaml:5"]),  # a number is no word
    ],
)
def test_a_map_replace_around_a_value_of_the_template_replaces_in_it(value: object, given: str, lines: list[str]) -> None:
    settings = f"map_replace:\n  - get_attr: [Values, value]\n  - {given}\n"
    files = {"x.yaml": template(settings, VALUE % value)}
    assert findings(files, "LW404") == lines
    assert facts(files, "role_data")[0].open is ("get_param" in given)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("retries", "outcome"), [("Old", "not evaluated"), ("10", "not evaluated"), (None, "not evaluated")])
def test_what_is_replaced_in_the_settings_of_another_template_is_not_evaluated(retries: str | None, outcome: str) -> None:
    replaced = "map_replace: [{get_attr: [Base, role_data, config_settings]}, {values: {Old: -1}, keys: {nova::x: nova::y}}]"
    settings = f"map_merge:\n  - nova::database_connection: mysql\n  - {replaced}\n"
    base = template(f"nova::database_max_retries: {retries}" if retries else "nova::x: 1")
    files = {"x.yaml": template(settings, "resources:\n  Base: {type: ./base.yaml}\n"), "base.yaml": base}
    report = check(Request(tree=Memory(files)), [rule for rule in rules() if rule.code == "LW404"])
    assert [verdict.outcome for verdict in report.verdicts] == [outcome]
