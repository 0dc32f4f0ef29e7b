"""Several environments as tripleoclient and Heat merge them: what a parameter is in the end, and which overrides are left.

Each case was compared with heatclient's `deep_update` and Heat's `merge_environments`, as some thousand generated ones were.
"""

from __future__ import annotations

import sys

import pytest

from lwlint.core.facts import Fact
from lwlint.core.source import Source
from lwlint.files.tree import Memory
from lwlint.inputs.heat.document import HeatFile, read_file
from lwlint.inputs.heat.facts import Environment, HieraKey
from lwlint.inputs.heat.outline import Parameters
from lwlint.run import Request, check, read_facts
from tests.inputs.heat.heat_findings import every_rule, lines

PARAMETER = "heat_template_version: queens\nparameters:\n  Retries: {type: string, default: 9}\n"
SERVICE = PARAMETER + (
    "outputs:\n  role_data:\n    value:\n      config_settings:\n        nova::database_connection: mysql://nova\n"
    "        nova::database_max_retries: {get_param: Retries}\n"
)
ROOT = PARAMETER + (
    "resources:\n  Config:\n    type: OS::Heat::StructuredConfig\n    properties:\n      config:\n        datafiles:\n          all:\n"
    "            mapped_data:\n              nova::database_max_retries: {get_param: Retries}\n"
)


def read(template: str, environments: tuple[str, ...], release: str, kind: str = "hiera_key") -> list[Fact]:
    """The facts of one kind of a template under environments."""
    files = {"template.yaml": template, **{f"e{number}.yaml": text for number, text in enumerate(environments)}}
    names = tuple(f"e{number}.yaml" for number in range(len(environments)))
    found = read_facts(Request(environments=names, release=release, tree=Memory(files)))
    return [fact for fact in found.facts if fact.kind == kind]


def retries(template: str, environments: tuple[str, ...], release: str) -> list[tuple[str, ...] | None]:
    """The values that the retries of a template can have."""
    found = (fact for fact in read(template, environments, release) if isinstance(fact, HieraKey) and not fact.overrides)
    return [fact.values for fact in found if fact.name.endswith("max_retries")]


def overrides(environments: tuple[str, ...], release: str) -> dict[tuple[str, str], tuple[str, ...] | None]:
    """The overrides that count, by parameter and key: the last of each."""
    found = (fact for fact in read(PARAMETER, environments, release) if isinstance(fact, HieraKey) and fact.overrides)
    return {(fact.place, fact.name): fact.values for fact in found if fact.in_force}


DEFAULTS, OWN = "parameter_defaults: {Retries: 5}\n", "parameters: {Retries: 7}\n"
NULL = "parameter_defaults: {Retries: null}\n"


@pytest.mark.parametrize(
    ("environments", "of_service", "of_root"),
    [
        ((DEFAULTS,), "5", "5"),
        ((OWN,), "9", "7"),  # a nested template is given what is passed to it, and the defaults
        ((OWN, DEFAULTS), "5", "7"),
        ((DEFAULTS, OWN), "5", "7"),
        ((DEFAULTS, "parameter_defaults: {Retries: 6}\n"), "6", "6"),
        ((NULL,), "9", "9"),
        (("base: &b {Retries: 4}\nparameter_defaults:\n  <<: *b\n",), "4", "4"),
    ],
)
def test_a_parameter_of_the_root_is_no_parameter_of_a_service(environments: tuple[str, ...], of_service: str, of_root: str) -> None:
    for release in ("queens", "wallaby"):
        assert retries(SERVICE, environments, release) == [(of_service,)]
        assert retries(ROOT, environments, release) == [(of_root,)]


def test_null_takes_a_value_away_where_the_client_merges_and_changes_nothing_where_heat_does() -> None:
    assert retries(SERVICE, (DEFAULTS, NULL), "victoria") == [("9",)]
    assert retries(SERVICE, (DEFAULTS, NULL), "wallaby") == [("5",)]


def test_a_number_that_is_merged_with_another_is_not_known() -> None:
    merging = "parameter_merge_strategies: {Retries: merge}\n" + DEFAULTS
    assert retries(SERVICE, (merging, DEFAULTS), "wallaby") == [None]
    assert retries(SERVICE, (merging,), "wallaby") == [("5",)]
    assert retries(SERVICE, (merging, DEFAULTS), "victoria") == [("5",)]


def extra(section: str = "parameter_defaults", name: str = "ControllerExtraConfig", **settings: int) -> str:
    """An environment with overrides."""
    inside = ", ".join(f"a::{key}: {value}" for key, value in settings.items())
    return f"{section}:\n  {name}: {{{inside}}}\n"


def test_overrides_of_several_environments_are_merged_by_the_client_and_replaced_by_heat() -> None:
    both = extra(b=1, c=2), extra(c=3)
    place = "ControllerExtraConfig"
    assert overrides(both, "victoria") == {(place, "a::b"): ("1",), (place, "a::c"): ("3",)}
    assert overrides(both, "wallaby") == {(place, "a::c"): ("3",)}
    assert overrides((extra(b=1), extra()), "wallaby") == {}
    assert overrides((extra(b=1), extra(), extra(c=2)), "victoria") == {(place, "a::b"): ("1",), (place, "a::c"): ("2",)}
    null = "parameter_defaults: {ControllerExtraConfig: null}\n"
    assert overrides((extra(b=1), null), "victoria") == overrides((extra(b=1), null), "wallaby") == {(place, "a::b"): ("1",)}


def test_a_strategy_has_heat_merge_overrides() -> None:
    place = "ControllerExtraConfig"
    for strategies in ("{ControllerExtraConfig: merge}", "{default: merge}", "{ControllerExtraConfig: deep_merge}"):
        first = f"parameter_merge_strategies: {strategies}\n" + extra(b=1)
        assert overrides((first, extra(c=2)), "wallaby") == {(place, "a::b"): ("1",), (place, "a::c"): ("2",)}
    other = "parameter_merge_strategies: {ExtraConfig: merge}\n" + extra(b=1)
    assert overrides((other, extra(c=2)), "wallaby") == {(place, "a::c"): ("2",)}


def test_overrides_among_the_parameters_stand_instead_of_all_among_the_defaults() -> None:
    own = extra("parameters", b=1)
    for release in ("mitaka", "wallaby"):
        for environments in ((own, extra(c=2)), (extra(c=2), own)):
            assert overrides(environments, release) == {("ControllerExtraConfig", "a::b"): ("1",)}


def test_an_environment_that_is_given_twice_counts_where_it_stands_last() -> None:
    files = {"a.yaml": extra(b=1), "b.yaml": extra(b=2), "template.yaml": PARAMETER}
    for order, value in ((("a.yaml", "b.yaml"), "2"), (("a.yaml", "b.yaml", "a.yaml"), "1")):
        found = read_facts(Request(environments=order, release="wallaby", tree=Memory(files))).facts.of(HieraKey)
        assert [fact.values for fact in found if fact.in_force] == [(value,)]


def test_retries_that_a_later_environment_replaces_are_no_retries() -> None:
    environments = (
        "parameter_defaults: {ExtraConfig: {'nova::database_max_retries': -1}}\n",
        "parameter_defaults: {ExtraConfig: {'nova::debug': true}}\n",
    )
    service = SERVICE.replace("        nova::database_max_retries: {get_param: Retries}\n", "")
    files = {"template.yaml": service, "a.yaml": environments[0], "b.yaml": environments[1]}
    for release, expected in (("victoria", []), ("wallaby", ["LW404 template.yaml:8"])):
        request = Request(environments=("a.yaml", "b.yaml"), release=release, tree=Memory(files))
        assert lines(check(request, [rule for rule in every_rule() if rule.code == "LW404"])) == expected


def test_an_alias_that_is_mapped_to_null_is_mapped_to_nothing() -> None:
    for written in ("null", "~", ""):
        environment = f"resource_registry:\n  OS::TripleO::Services::Pacemaker: {written}\n"
        found = read(PARAMETER, (environment,), "queens", "environment")
        assert [fact.pacemaker for fact in found if isinstance(fact, Environment)] == [False]


BELOW = (
    "heat_template_version: queens\nparameters:\n  Conf:\n    type: json\n"
    "    default: {db: {retries: -1, none: null, all: {}}, list: [7]}\n"
    "outputs:\n  role_data:\n    value:\n      config_settings:\n        nova::database_max_retries: {get_param: [PATH]}\n"
)
DB = "{Conf: {db: {retries: 5}}}"


@pytest.mark.parametrize(
    ("path", "environments", "release", "values"),
    [
        ("Conf, db, retries", (), "queens", ("-1",)),
        ("Conf, db, none", (), "queens", ("null",)),
        # of what a mapping does not have, Heat makes an empty text
        ("Conf, db, other", (), "queens", ("",)),
        ("Conf, other, retries", (), "queens", ("",)),
        ("Conf, db, retries, more", (), "queens", ("",)),
        ("Conf, db, all", (), "queens", None),
        ("Conf, list, 0", (), "queens", None),
        ("Conf", (), "queens", None),
        ("Conf, {get_param: Key}", (), "queens", None),
        ("RoleParameters, retries", (), "queens", None),
        # a mapping that is given stands instead of the default
        ("Conf, db, retries", (DB,), "queens", ("5",)),
        ("Conf, db, none", (DB,), "queens", ("",)),
        ("Conf, db, retries", ("{Conf: {other: 1}}",), "queens", ("",)),
        ("Conf, db, retries", ('{Conf: \'{"db": {"retries": 5}}\'}',), "queens", None),
        # the client merges mappings, and Heat does so by a strategy only
        ("Conf, db, retries", (DB, "{Conf: {other: 1}}"), "queens", ("5",)),
        ("Conf, db, retries", (DB, "{Conf: {db: {retries: 6}}}"), "queens", ("6",)),
        ("Conf, db, retries", (DB, "{Conf: {other: 1}}"), "wallaby", ("",)),
        ("Conf, other", (DB, "{Conf: {other: 1}}"), "wallaby", ("1",)),
        ("Conf, db, retries", (DB, "{Conf: null}"), "queens", ("-1",)),
        ("Conf, db, retries", (DB, "{Conf: null}"), "wallaby", ("5",)),
    ],
)
def test_a_value_below_a_parameter_is_that_of_the_merged_mapping(
    path: str, environments: tuple[str, ...], release: str, values: tuple[str, ...] | None
) -> None:
    template = BELOW.replace("PATH", path).replace("queens", release)
    found = read(template, tuple(f"parameter_defaults: {one}\n" for one in environments), release)
    assert [one.values for one in found if isinstance(one, HieraKey)] == [values]


def test_the_work_on_parameters_grows_with_their_number() -> None:
    """What is counted are calls, of C too: a look at all others for each parameter would make four times as many of twice as many."""

    def count(number: int, by_heat: bool) -> int:
        text = "parameter_defaults:\n" + "".join(f"  P{i}: 1\n  M{i}: {{a: {i}}}\n" for i in range(number))
        files = [file for name in ("a.yaml", "b.yaml") if isinstance(file := read_file(Source(name, text, "heat")), HeatFile)]
        calls = 0

        def look(frame: object, event: str, argument: object) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        before = sys.getprofile()
        sys.setprofile(look)
        try:
            found = Parameters(files, by_heat=by_heat)
        finally:
            sys.setprofile(before)
        assert f"M{number - 1}" in found.given
        return calls

    for by_heat in (False, True):
        assert count(400, by_heat) < 2.2 * count(200, by_heat)
