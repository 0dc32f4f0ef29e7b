"""Settings that are there under a condition only: which are lost, which count, and for what. Heat was asked for each answer."""

from __future__ import annotations

from itertools import product

import pytest

from lwlint.core.finding import Report
from lwlint.files.tree import Memory
from lwlint.inputs.heat.conditions import always
from lwlint.run import Request, check
from tests.inputs.heat.heat_findings import every_rule

HEAD = "heat_template_version: wallaby\n"
DSN = "cinder::database_connection: mysql://cinder@192.0.2.1/cinder"
RETRIES = "cinder::db::database_max_retries"
FOREVER, TEN = f"{RETRIES}: -1", f"{RETRIES}: 10"
BASE = f"{HEAD}outputs:\n  role_data:\n    value:\n      service_name: cinder_base\n      config_settings: {{%s}}\n"
GET = "{get_attr: [Base, role_data, config_settings]}"


def judged(value: str, base: str = FOREVER, files: dict[str, str] | None = None, environments: tuple[str, ...] = ()) -> Report:
    user = f"{HEAD}resources:\n  Base: {{type: ./base.yaml}}\n%soutputs:\n  role_data:\n    value:\n      {value}\n"
    tree = {"cinder-api.yaml": user % "", "base.yaml": BASE % base, **(files or {})}
    return check(Request(tree=Memory(tree), environments=environments), [rule for rule in every_rule() if rule.code == "LW404"])


def told(value: str, base: str = FOREVER) -> str:
    """What the findings on the connection say of its retries; empty where there is none."""
    return "; ".join(found.message.partition(": ")[2].partition(" (")[0].partition("; ")[0] for found in judged(value, base).findings)


def merge(*items: str) -> str:
    return f"config_settings: {{map_merge: [{', '.join(items)}]}}"


def yaql(expression: str, first: str, second: str) -> str:
    return f"config_settings: {{yaql: {{expression: '{expression}', data: {{a: {first}, b: {second}}}}}}}"


def when(condition: str, first: str, second: str = "{}") -> str:
    return f"{{if: [{condition}, {first}, {second}]}}"


MAY, NEVER, PARTLY = f"`{RETRIES}` may be `10`", f"`{RETRIES}` is not set", f"`{RETRIES}` is set under a condition only"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        # a later value under a condition counts where that holds
        (merge(f"{{{DSN}, {FOREVER}}}", when("c", f"{{{TEN}}}")), MAY),
        (merge(f"{{{DSN}, {TEN}}}", when("c", f"{{{FOREVER}}}")), f"`{RETRIES}` is `10`"),
        (merge(when("c", f"{{{TEN}}}"), f"{{{DSN}, {FOREVER}}}"), ""),
        # both outcomes together replace what is before them, and of one condition the later
        (merge(f"{{{DSN}, {TEN}}}", when("c", f"{{{FOREVER}}}", f"{{{FOREVER}}}")), ""),
        (merge(f"{{{DSN}, {FOREVER}}}", when("c", f"{{{TEN}}}"), when("c", f"{{{FOREVER}}}")), ""),
        (merge(f"{{{DSN}, {FOREVER}}}", when("c", f"{{{TEN}}}"), when("d", f"{{{FOREVER}}}")), MAY),
        # a choice that has nothing for a case is no setting there: what comes before it counts (wallaby)
        (merge(f"{{{DSN}, {FOREVER}}}", f"{{{RETRIES}: {{if: [c, -1]}}}}"), ""),
        (merge(f"{{{DSN}, {FOREVER}}}", f"{{{RETRIES}: {{if: [c, 10]}}}}"), MAY),
        (merge(f"{{{DSN}, {FOREVER}}}", f"{{{RETRIES}: {{if: [c, -1, null]}}}}"), f"`{RETRIES}` may be `null`"),
        (merge(f"{{{DSN}, {RETRIES}: {{if: [c, -1]}}}}"), PARTLY),
        (merge(f"{{{DSN}, {RETRIES}: {{if: [c, -1, {{if: [d, -1]}}]}}}}"), PARTLY),
        (merge(f"{{{DSN}, {RETRIES}: {{if: [c, -1, {{if: [{{not: c}}, -1]}}]}}}}"), ""),
        (merge(f"{{{RETRIES}: {{if: [c, -1]}}, cinder::database_connection: {{if: [c, mysql://cinder]}}}}"), ""),
        (f"config_settings: {{if: [c, {{{DSN}, {FOREVER}}}]}}", ""),
        # of what yaql merges the last counts by its expression, not by the order of its data
        (yaql("$.data.a.mergeWith($.data.b)", f"{{{DSN}, {TEN}}}", f"{{{FOREVER}}}"), ""),
        (yaql("$.data.b.mergeWith($.data.a)", f"{{{DSN}, {TEN}}}", f"{{{FOREVER}}}"), f"`{RETRIES}` is `10`"),
        (yaql("$.data.a + $.data.b", f"{{{DSN}, {FOREVER}}}", f"{{{TEN}}}"), f"`{RETRIES}` is `10`"),
        (yaql("$.data.a", f"{{{DSN}}}", f"{{{FOREVER}}}"), NEVER),
        # what is written out is known again, and what is its opposite
        (merge(when("{get_param: P}", f"{{{DSN}}}"), when("{get_param: P}", f"{{{FOREVER}}}")), ""),
        (merge(when("{get_param: P}", f"{{{DSN}}}"), when("{get_param: Q}", f"{{{FOREVER}}}")), PARTLY),
        (merge(when("c", f"{{{DSN}}}"), when("{not: c}", "{}", f"{{{FOREVER}}}")), ""),
        (merge(when("c", f"{{{DSN}}}"), when("{not: {not: c}}", f"{{{FOREVER}}}")), ""),
        (merge(when("c", f"{{{DSN}, {FOREVER}}}"), when("{not: c}", f"{{{TEN}}}")), ""),
        # an outcome within an outcome does not make both complete
        (merge(f"{{{DSN}}}", when("c", when("d", f"{{{FOREVER}}}"), f"{{{FOREVER}}}")), PARTLY),
        (merge(f"{{{DSN}}}", when("c", when("d", f"{{{FOREVER}}}", f"{{{FOREVER}}}"), f"{{{FOREVER}}}")), ""),
        # what is taken in under a condition
        (merge(f"{{{DSN}}}", when("c", GET)), PARTLY),
        (merge(f"{{{DSN}}}", when("c", GET, GET)), ""),
        (merge(f"{{{DSN}}}", when("c", GET), GET), ""),
    ],
)
def test_of_settings_under_conditions_those_count_that_may_be_there(value: str, message: str) -> None:
    assert told(value) == message


def test_what_is_taken_in_under_a_condition_replaces_only_there() -> None:
    assert told(merge(f"{{{DSN}, {FOREVER}}}", when("c", GET)), TEN) == MAY
    assert told(merge(f"{{{DSN}, {TEN}}}", when("c", GET))) == f"`{RETRIES}` is `10`"
    assert told(merge(f"{{{DSN}, {FOREVER}}}", GET), TEN) == f"`{RETRIES}` is `10`"
    assert told(merge("{}", when("c", GET)), f"{DSN}, {FOREVER}") == ""  # the connection is there under the same condition


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([f"{{config_settings: {{{DSN}, {FOREVER}}}}}", when("c", f"{{config_settings: {{{DSN}}}}}")], PARTLY),
        ([f"{{config_settings: {{{DSN}}}}}", when("c", f"{{config_settings: {{{FOREVER}}}}}")], PARTLY),
        ([f"{{config_settings: {{{DSN}, {FOREVER}}}}}", when("c", "{config_settings: {a::b: 1}}")], ""),
        ([f"{{config_settings: {{{DSN}}}}}", when("c", f"{{config_settings: {{{TEN}}}}}", "{config_settings: {a::b: 1}}")], ""),
        (["{get_attr: [Base, role_data]}", when("c", f"{{config_settings: {{{DSN}}}}}")], PARTLY),
        ([when("c", f"{{config_settings: {{{DSN}, {FOREVER}}}}}", f"{{config_settings: {{{DSN}, {TEN}}}}}")], MAY),
    ],
)
def test_a_section_under_a_condition_stands_instead_of_the_earlier_one_where_that_holds(items: list[str], message: str) -> None:
    assert told(f"map_merge: [{', '.join(items)}]") == message


def test_an_output_may_have_its_settings_from_a_value_of_the_template() -> None:
    common = f"{HEAD}resources:\n  V: {{type: OS::Heat::Value, properties: {{value: {{{DSN}}}}}}}\n"
    common += "outputs:\n  volume_settings: {value: {get_attr: [V, value]}}\n"
    report = judged(merge("{get_attr: [Common, volume_settings]}"), files={"common.yaml": common})
    assert report.findings == ()  # nobody takes it in
    user = f"{HEAD}resources:\n  Common: {{type: ./common.yaml}}\noutputs:\n  role_data:\n    value:\n"
    user += f"      {merge('{get_attr: [Common, volume_settings]}')}\n"
    (found,) = judged(merge("{}"), files={"common.yaml": common, "cinder-volume.yaml": user}).findings
    assert "is not set" in found.message


def test_map_replace_renames_keys_and_takes_no_number_for_a_text() -> None:
    mapping = f"{{{DSN}, {FOREVER}}}"
    assert told(f"config_settings: {{map_replace: [{mapping}, {{keys: {{'{RETRIES}': x::y}}}}]}}") == NEVER
    assert told(f"config_settings: {{map_replace: [{{{DSN}, x::y: -1}}, {{keys: {{'x::y': '{RETRIES}'}}}}]}}") == ""
    assert told(f"config_settings: {{map_replace: [{{{DSN}, {TEN}}}, {{values: {{'10': -1}}}}]}}") == f"`{RETRIES}` is `10`"
    assert told(f"config_settings: {{map_replace: [{{{DSN}, {RETRIES}: '10'}}, {{values: {{'10': -1}}}}]}}") == ""


@pytest.mark.parametrize(
    ("value", "outcome"),
    [(10, "not evaluated"), (-1, "pass"), ("{get_file: x}", "not evaluated"), ("{get_param: [P, q]}", "not evaluated")],
)
def test_an_override_leaves_what_sets_the_same_option_by_another_name(value: object, outcome: str) -> None:
    files = {"site.yaml": f"parameter_defaults:\n  ExtraConfig: {{{FOREVER}}}\n"}
    report = judged(f"config_settings: {{{DSN}, cinder::database_max_retries: {value}}}", "a::b: 1", files, ("site.yaml",))
    assert (report.verdicts[0].outcome, report.findings) == (outcome, ())


def test_whether_a_branch_is_always_taken_is_what_all_outcomes_say() -> None:
    branches = [frozenset(f"{name}={way}" for name, way in zip("abc", ways) if way) for ways in product(("1", "2", ""), repeat=3)]
    outcomes = [{f"{name}={way}" for name, way in zip("abc", ways)} for ways in product("12", repeat=3)]
    for found in (branches[i : i + 6 : step] for i in range(len(branches)) for step in (1, 2, 3)):
        assert always(found) == all(any(branch <= outcome for branch in found) for outcome in outcomes)
    for found in product(branches[::2], branches[1::2], branches[::5]):
        assert always(found) == all(any(branch <= outcome for branch in found) for outcome in outcomes)
    assert not always([])


@pytest.mark.parametrize("setting", [FOREVER, TEN, "nova::a: 1"])
def test_what_an_expression_leaves_of_its_data_is_not_evaluated(setting: str) -> None:
    """Which may take away settings, or give them other values."""
    report = judged(yaql("dict($.data.a.items().where($[1] != 1)) + $.data.b", f"{{{setting}}}", f"{{{DSN}}}"))
    (verdict,) = report.verdicts
    assert (report.findings, verdict.outcome) == ((), "not evaluated")


def test_the_items_of_a_list_are_merged_by_a_reduction() -> None:
    """As `services.yaml` of TripleO does it."""
    for first, second, said in ((TEN, FOREVER, ""), (FOREVER, TEN, f"`{RETRIES}` is `10`")):
        for expression in ("$.data.where($ != null).reduce($1.mergeWith($2), {})", "$.data.reduce($1.mergeWith($2), dict())"):
            value = f"config_settings: {{yaql: {{expression: '{expression}', data: [{{{DSN}, {first}}}, {{{second}}}]}}}}"
            assert told(value) == said, value


DEFINED = """parameters:
  Tls: {type: boolean, default: true}
  Kind: {type: string, default: a, constraints: [{allowed_values: [a, b, c]}]}
  Free: {type: string, default: ''}
conditions:
  tls: {equals: [{get_param: Tls}, true]}
  no_tls: {not: tls}
  plain: {equals: [{get_param: Tls}, false]}
  of_a: {equals: [{get_param: Kind}, a]}
  of_b: {equals: [b, {get_param: Kind}]}
  of_c: {equals: [{get_param: Kind}, c]}
  of_d: {equals: [{get_param: Kind}, d]}
  of_other: {not: {or: [of_a, of_b]}}
  both: {and: [tls, of_a]}
  first: {equals: [{get_param: Free}, x]}
  second: {equals: [{get_param: Free}, y]}
  never: {and: [first, second]}
  round: {not: about}
  about: {not: round}
"""


@pytest.mark.parametrize(
    ("items", "given", "message"),
    [
        # what conditions are defined as tells which of them hold at once
        ([when("tls", f"{{{DSN}}}"), when("no_tls", "{}", f"{{{FOREVER}}}")], "", ""),
        ([f"{{{DSN}}}", when("tls", f"{{{FOREVER}}}"), when("plain", f"{{{FOREVER}}}")], "", ""),
        ([f"{{{DSN}}}", when("{get_param: Tls}", f"{{{FOREVER}}}"), when("no_tls", f"{{{FOREVER}}}")], "", ""),
        ([f"{{{DSN}}}", when("tls", f"{{{FOREVER}}}"), when("of_a", f"{{{FOREVER}}}")], "", PARTLY),
        ([when("both", f"{{{DSN}}}"), when("tls", f"{{{FOREVER}}}")], "", ""),
        ([when("tls", f"{{{DSN}}}"), when("both", f"{{{FOREVER}}}")], "", PARTLY),
        ([when("{or: [tls, of_a]}", f"{{{DSN}}}"), when("tls", f"{{{FOREVER}}}"), when("of_a", f"{{{FOREVER}}}")], "", ""),
        ([when("tls", f"{{{DSN}}}"), when("{or: [tls, of_a]}", f"{{{FOREVER}}}")], "", ""),
        ([f"{{{DSN}, {FOREVER}}}", when("{and: [tls, no_tls]}", f"{{{TEN}}}")], "", ""),
        # a parameter has one value at a time, and none that it is not allowed to have
        ([when("first", f"{{{DSN}, {FOREVER}}}"), when("{and: [first, second]}", f"{{{TEN}}}")], "", ""),
        ([f"{{{DSN}}}", *(when(f"of_{one}", f"{{{FOREVER}}}") for one in "abc")], "", ""),
        ([f"{{{DSN}}}", when("of_a", f"{{{FOREVER}}}"), when("of_b", f"{{{FOREVER}}}")], "", PARTLY),
        ([when("of_c", f"{{{DSN}}}"), when("of_other", f"{{{FOREVER}}}")], "", ""),
        ([f"{{{DSN}, {FOREVER}}}", when("of_d", f"{{{TEN}}}")], "", ""),
        ([f"{{{DSN}, {FOREVER}}}", when("never", f"{{{TEN}}}")], "", ""),
        ([f"{{{DSN}, {FOREVER}}}", when("round", f"{{{TEN}}}")], "", MAY),
        ([f"{{{DSN}, {FOREVER}}}", when("true", f"{{{TEN}}}")], "", f"`{RETRIES}` is `10`"),
        # what the user gives decides them; a default does not, as other environments may give another value
        ([f"{{{DSN}}}", when("tls", f"{{{FOREVER}}}")], "", PARTLY),
        ([f"{{{DSN}}}", when("tls", f"{{{FOREVER}}}")], "Tls: true", ""),
        ([f"{{{DSN}}}", when("tls", f"{{{FOREVER}}}")], "Tls: 'yes'", ""),
        ([f"{{{DSN}}}", when("tls", f"{{{FOREVER}}}")], "Tls: false", NEVER),
        ([f"{{{DSN}}}", when("tls", f"{{{FOREVER}}}")], "Kind: b", PARTLY),
        ([f"{{{DSN}, {FOREVER}}}", when("of_a", f"{{{TEN}}}")], "Kind: b", ""),
        ([f"{{{DSN}, {RETRIES}: {{if: [first, 10, -1]}}}}"], "Free: y", ""),
        ([f"{{{DSN}, {RETRIES}: {{if: [first, 10, -1]}}}}"], "Free: x", f"`{RETRIES}` is `10`"),
    ],
)
def test_conditions_are_what_the_template_defines_them_as(items: list[str], given: str, message: str) -> None:
    files = {"given.yaml": f"parameter_defaults: {{{given}}}\n"} if given else {}
    template = f"{HEAD}{DEFINED}outputs:\n  role_data:\n    value:\n      {merge(*items)}\n"
    request = Request(tree=Memory({"cinder-api.yaml": template, **files}), environments=tuple(files))
    found = check(request, [rule for rule in every_rule() if rule.code == "LW404"]).findings
    told = {one.message.partition(": ")[2].partition(" (")[0].partition("; ")[0] for one in found}
    assert told == ({message} if message else set())


def test_a_container_has_a_policy_by_what_conditions_are_defined_as() -> None:
    pieces = [
        "{image: x, net: host}",
        when("tls", "{restart: always}"),
        when("no_tls", "{restart: always}"),
        when("never", "{restart: 'no'}"),
    ]
    value = f"docker_config: {{step_4: {{api: {{map_merge: [{', '.join(pieces)}]}}}}}}"
    template = f"{HEAD}{DEFINED}outputs:\n  role_data:\n    value:\n      {value}\n"
    rules = [rule for rule in every_rule() if rule.code == "LW406"]
    assert check(Request(tree=Memory({"x.yaml": template})), rules).findings == ()
    assert len(check(Request(tree=Memory({"x.yaml": template.replace("[no_tls,", "[both,")})), rules).findings) == 1


def test_conditions_of_very_many_others_are_compared_in_bounded_work() -> None:
    """Without a bound it would take as many steps as there are ways to choose one of three for each of sixty clauses."""
    several = {f"o{i}": f"{{or: [a{i % 40}, a{(i * 7 + 3) % 40}, a{(i * 11 + 5) % 40}]}}" for i in range(60)}
    defined = "".join(f"  {name}: {value}\n" for name, value in {**several, "all": f"{{and: [{', '.join(several)}]}}"}.items())
    items = [when("all", f"{{{DSN}}}"), *(when(name, f"{{{FOREVER}}}") for name in several)]
    template = f"{HEAD}conditions:\n{defined}outputs:\n  role_data:\n    value:\n      {merge(*items)}\n"
    report = check(Request(tree=Memory({"cinder-api.yaml": template})), [rule for rule in every_rule() if rule.code == "LW404"])
    assert report.tracebacks == ()
