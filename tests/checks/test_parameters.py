"""A parameter that means nothing is refused with its place, wherever it is written."""

from __future__ import annotations

import copy
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union

import pytest
import yaml

from lwlint.checks import find, modules
from lwlint.checks.parameters import (
    FactMessage,
    FactPath,
    Places,
    ReleaseName,
    Shape,
    Word,
    attribute,
    compare,
    fact_classes,
    words_of,
)
from lwlint.cli import main
from lwlint.core.catalogue import known_clauses, known_projects, known_services
from lwlint.core.config_reader import Mismatch, build, fields_of
from lwlint.core.finding import ConfigurationError
from lwlint.policy.rules import Rule, load_clauses, load_rule, own_folder
from lwlint.policy.settings import configure, layer, merge
from lwlint.report.explain import parameters
from lwlint.run import load_catalogue, load_rules
from lwlint.run.examples import run_example
from tests.shared import HERE

RULES = load_rules()
Way = tuple[Union[str, int], ...]


def bent(word: str) -> str:
    """A word as it is misspelt: its middle letters change places, or a letter stands twice where that makes the same word."""
    half = len(word) // 2
    turned = word[: half - 1] + word[half] + word[half - 1] + word[half + 1 :]
    return turned if turned != word else word + word[-1]


class Slip:
    """One misspelling of a rule: where it is, what stands there, and whether a near word must be told."""

    def __init__(self, way: Way, value: Any, *, key: bool = False, near: bool = False) -> None:
        self.way, self.value, self.key, self.near = way, value, key, near

    def put(self, plain: Any) -> Any:
        """Return the document with the slip in it."""
        top = copy.deepcopy(plain)
        inner = top
        for step in self.way[:-1]:
            inner = inner[step]
        if self.key:
            changed = {(self.value if name == self.way[-1] else name): value for name, value in inner.items()}
            inner.clear()
            inner.update(changed)
        else:
            inner[self.way[-1]] = self.value
        return top


def slips(value: Any, hint: Any, way: Way, top: Any) -> Iterator[Slip]:
    """Every misspelling of a value and of the names in it, by the type of the parameter."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if hint == FactPath:
        yield Slip(way, bent(value), near=True)
    elif hint == FactMessage:
        if "{" in value:
            yield Slip(way, re.sub(r"\{([\w.]+)\}", lambda m: f"{{{bent(m[1])}}}", value), near=True)
        yield Slip(way, value + " {")
    elif origin is Annotated:
        yield from typed(value, inside[1:], way) or slips(value, inside[0], way, top)
    elif origin is Union:
        wanted = next(each for each in inside if each is not type(None))
        yield from slips(value, wanted, way, top)
    elif origin is Literal:
        yield Slip(way, bent(value), near=True)
    elif isinstance(value, list):
        yield Slip(way, {"a": "mapping"})
        for i, each in enumerate(value):
            yield from slips(each, inside[0], (*way, i), top)
    elif isinstance(value, dict) and origin is not None:
        yield Slip(way, ["a list"])
        for key, each in value.items():
            if inside[0] == FactPath:
                yield Slip((*way, key), bent(key), key=True, near=True)
                yield from wanted_slips(each, attribute(fact_classes()[top["each"]], key), key, (*way, key))
            else:
                keys = typed(key, typing.get_args(inside[0])[1:], (*way, key)) if typing.get_origin(inside[0]) is Annotated else []
                yield from (Slip(slip.way, slip.value, key=True, near=slip.near) for slip in keys)
                yield from slips(each, inside[1], (*way, key), top)
    elif isinstance(value, dict):
        fields = dict((fields_of(hint) or {}).values())
        top = value if "each" in value else top
        for key, each in value.items():
            yield Slip((*way, key), bent(key), key=True, near=True)
            yield from slips(each, fields[key], (*way, key), top)
    elif isinstance(value, bool):
        yield Slip(way, "maybe")
    elif isinstance(value, (int, float)):
        yield Slip(way, f"{value} or so")
    else:
        yield Slip(way, ["a list"])


def typed(value: str, notes: tuple[Any, ...], way: Way) -> list[Slip]:
    found = []
    for note in notes:
        if isinstance(note, Word):
            found.append(Slip(way, bent(value), near=True))
        elif isinstance(note, Places):
            if "{" in value:
                found.append(Slip(way, re.sub(r"\{(\w+)\}", lambda m: f"{{{bent(m[1])}}}", value), near=True))
            found.append(Slip(way, value + " {"))
        elif isinstance(note, Shape):
            other = {
                "regular expression": "(" + value,
                "option": value.replace("/", "."),
                "setting of systemd": bent(value),
                "hiera key": value.replace("::", ":"),
                "driver": bent(value),
            }
            near = note.what in ("setting of systemd", "command", "driver")
            found.append(Slip(way, other.get(note.what, value.replace("NAME", "NMAE")), near=near))
    return found


def wanted_slips(value: Any, hint: Any, key: str, way: Way) -> Iterator[Slip]:
    """Misspellings of what an attribute of a fact is compared with."""
    if isinstance(value, list):
        for i, each in enumerate(value):
            yield from wanted_slips(each, hint, key, (*way, i))
    elif isinstance(value, bool):
        yield Slip(way, "ture")
    elif words_of(hint) is not None or key == "service.name":
        yield Slip(way, bent(value), near=True)
    else:
        yield Slip(way, {"a": "mapping"})


def slips_of(rule: Rule) -> Iterator[tuple[Mapping[str, Any], Slip]]:
    path = next(Path(own_folder()).rglob(f"{rule.id}.yaml"))
    plain = yaml.safe_load(path.read_text("utf-8"))
    plain["clause"] = rule.clause
    yield plain, Slip(("clause",), bent(rule.clause), near=True)
    for slip in slips(plain.get("params") or {}, rule.bound.params, ("params",), plain):
        yield plain, slip


def position(text: str, slip: Slip) -> tuple[int, int]:
    """Line and column, from 1, of the slip."""
    node: Any = yaml.compose(text)
    for step in slip.way[:-1]:
        node = node.value[step] if isinstance(step, int) else next(value for key, value in node.value if key.value == step)
    last = slip.way[-1]
    if isinstance(last, int):
        node = node.value[last]
    else:
        key, value = next(pair for pair in node.value if pair[0].value == (slip.value if slip.key else last))
        node = key if slip.key else value
    return node.start_mark.line + 1, node.start_mark.column + 1


def refused(text: str, path: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_rule(text, path)
    return str(caught.value)


def refusal(text: str, path: str) -> str:
    """Return why a rule is refused; empty if it is not."""
    try:
        load_rule(text, path)
    except ConfigurationError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_every_misspelt_parameter_of_a_rule_is_refused_with_its_place(rule: Rule) -> None:
    for plain, slip in slips_of(rule):
        text = yaml.safe_dump(slip.put(plain), sort_keys=False, width=10_000, allow_unicode=True)
        said = refused(text, f"{rule.id}.yaml")
        place = re.match(rf"{rule.id}\.yaml:(\d+):(\d+): ", said)
        assert place is not None, (slip.way, slip.value, said)
        assert (int(place[1]), int(place[2])) == position(text, slip), (slip.way, slip.value, said)
        assert not slip.near or "did you mean" in said, (slip.way, slip.value, said)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.params], ids=[rule.id for rule in RULES if rule.params])
def test_a_configuration_that_misspells_a_parameter_is_refused_with_its_place(rule: Rule) -> None:
    for plain, slip in slips_of(rule):
        if slip.way[0] != "params":
            continue
        settings = {"rules": {rule.code: {"params": slip.put(plain)["params"]}}}
        text = yaml.safe_dump(settings, sort_keys=False, width=10_000, allow_unicode=True)
        with pytest.raises(ConfigurationError) as caught:
            configure(RULES, merge([layer(text, ".lwlint.yaml")]))
        said = str(caught.value)
        assert re.match(r"\.lwlint\.yaml:\d+:\d+: ", said), (slip.way, slip.value, said)
        assert not slip.near or "did you mean" in said, (slip.way, slip.value, said)


@pytest.mark.parametrize("name", ["https", "amqps", "etcd", "mssql", "postgresql+psycopg", "mongodb+srv", "etcd3+https", "x-own"])
def test_a_driver_that_is_only_like_a_known_one_is_taken(name: str) -> None:
    limits = f"[{{option: a/b, unlimited: negative, must_be: '`-1`', drivers: [{name}]}}]"
    text = f"rules: {{LW308: {{params: {{limits: {limits}}}}}}}"
    configure(RULES, merge([layer(text, ".lwlint.yaml")]))


@pytest.mark.parametrize(
    ("rule", "params", "said"),
    [
        (
            "LW201",
            "where: {service.kindd: active_active}",
            "3:22: `service.kindd`: unknown attribute of `service` of a unit; did you mean `service.kind`?",
        ),
        (
            "LW201",
            "where: {service.kind: active_activ}",
            "3:36: `active_activ`: `service.kind` is never that; did you mean `active_active`?",
        ),
        ("LW201", "where: {service.openstack: yes please}", "3:41: `yes please`: `service.openstack` is `true` or `false`"),
        ("LW201", "where: {settings: a}", "3:32: `a`: `settings` is neither text nor a switch, so that no value fits"),
        (
            "LW201",
            'must_be: {matches: "(always"}',
            "3:33: `(always`: is not a regular expression: missing ), unterminated subpattern at character 1",
        ),
        (
            "LW201",
            "must_be: {says: always}",
            "3:23: says nothing that must be; it has `one_of`, `matches`, `at_least`, `at_most` or `absent`",
        ),
        (
            "LW201",
            "setting: Service.StartLimitInterval",
            "3:23: `Service.StartLimitInterval`: is known by its name of today; did you mean `Unit.",
        ),
        ("LW102", "until: {redis: wallabi}", "3:29: `wallabi`: unknown release; did you mean `wallaby`?"),
        (
            "LW301",
            "limits: [{option: a/b, unlimited: negative, must_be: minus one}]",
            "3:67: `minus one`: must name the value that a fix sets",
        ),
        ("LW301", 'limits: [{option: a/b, unlimited: "-1", must_be: "`3`", value: "3"}]', "3:77: `3`: is not a value that never gives up"),
        ("LW404", "bounded: [barbicn]", "3:24: `barbicn`: unknown project; did you mean `barbican`?"),
        ("LW404", "no_unlimited_since: {ceilometr: queens}", "3:35: `ceilometr`: unknown project; did you mean `ceilometer`?"),
        ("LW404", "no_database: [nova-database_connection]", "3:28: `nova-database_connection`: must be a hiera key"),
        (
            "LW308",
            "limits: [{option: a/b, unlimited: negative, must_be: '`-1`', drivers: [pkia]}]",
            "3:85: `pkia`: unknown driver; did you mean `pika`?",
        ),
        (
            "LW308",
            "limits: [{option: a/b, unlimited: negative, must_be: '`-1`', drivers: [a b]}]",
            "3:85: `a b`: must be the scheme of a URL",
        ),
        ("LW421", "options: [max_retries]", "3:24: `max_retries`: must be `section/option`"),
        (
            "LW209",
            "not_keys: [Service.StartLimitIntervalSecs]",
            "3:25: `Service.StartLimitIntervalSecs`: unknown setting of systemd; did you",
        ),
        (
            "LW209",
            "not_keys: [Servce.StartLimitIntervalSec]",
            "3:25: `Servce.StartLimitIntervalSec`: unknown section; did you mean `Service`?",
        ),
        (
            "LW404",
            "pairs: [{connection: 'a::(b)', retries: ['\\2::c']}]",
            "3:55: `\\2::c`: does not fit `a::(b)`, which has 1 groups: invalid group",
        ),
        (
            "LW401",
            'expected: "it must be {servce}"',
            "3:24: `it must be {servce}`: unknown placeholder `{servce}`; did you mean `service`?",
        ),
        (
            "LW305",
            "presences: [{options: [a/b], message: m, value: '(mysql'}]",
            "3:62: `(mysql`: is not a regular expression: missing ), unterminated subpattern at character 1",
        ),
        (
            "LW305",
            "presences: [{options: [a/b], message: m, only_if: {a/c: '(mysql'}}]",
            "3:70: `(mysql`: is not a regular expression: missing ), unterminated subpattern at character 1",
        ),
        (
            "LW305",
            "presences: [{options: [a/b], message: m, value: '(?!mysql)'}]",
            "3:62: `(?!mysql)`: is not a regular expression that RE2 runs",
        ),
        ("LW201", "must_be: {at_least: 3}", "3:34: `Service.Restart` is never a number; it is one of `no`, `on-success`"),
        ("LW201", "must_be: {absent: true, one_of: [always]}", "3:46: what must be absent has no value: `absent` and `one_of` exclude"),
        (
            "LW201",
            "must_be: {one_of: [always], matches: on-.*}",
            "3:33: `always`: does not match `on-.*`, so that it is never right",
        ),
        (
            "LW201",
            "setting: Unit.StartLimitBurst, must_be: {at_least: 5, at_most: 3}",
            "3:77: `3`: is less than `at_least` (`5`), so that no value fits",
        ),
        (
            "LW201",
            "setting: Unit.StartLimitBurst, must_be: {at_least: .nan}",
            "3:65: `nan`: is no number that a value can be compared with",
        ),
        (
            "LW309",
            "types: [{type: integer, options: [a/b], at_least: 5, at_most: 3}]",
            "3:76: `3`: is less than `at_least` (`5`), so that no value fits",
        ),
        ("LW201", "where: {name: 'neutron-*'}", "3:28: `neutron-*`: `name` is compared as it is, and `*` and `?` stand for themselves"),
        (
            "LW201",
            "commands: ['systemctl restart {name}']",
            "3:25: `systemctl restart {name}`: unknown placeholder `{name}`; did you mean `NAME`?",
        ),
        (
            "LW410",
            "cases: [{says: '{name}'}, {where: {differs: true}, says: twice}]",
            "3:40: is never reached: every fact fits the case before it, which has no `where`",
        ),
    ],
)
def test_a_wrong_parameter_ends_with_its_place_and_exit_2(
    rule: str, params: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("nova.service").write_text("[Service]\nExecStart=/usr/bin/nova\n")
    Path(".lwlint.yaml").write_text(f"rules:\n  {rule}:\n    params: {{{params}}}\n")
    assert main(["check", "."]) == 2
    assert f".lwlint.yaml:{said}" in capsys.readouterr().err


def emptied(plain: Any, way: Way = ()) -> Iterator[Slip]:
    """Each list among the parameters, and each value that is looked for, as an empty list."""
    if isinstance(plain, list) or (way[-2:-1] == ("where",) and not isinstance(plain, dict)):
        yield Slip(way, [])
    inner = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    for step, each in inner:
        yield from emptied(each, (*way, step))


# what is judged still, by a list beside the empty one, but is in no example of the rule
_JUDGED_BY_OTHERS = {
    ("hard-dependency-on-database-or-broker", "params", "services"),  # `units`
    ("manifest-broker-retries-that-end", "params", "options"),  # `parameters`
}


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.params], ids=[rule.id for rule in RULES if rule.params])
def test_an_empty_list_with_which_a_rule_would_find_nothing_is_refused_with_its_place(rule: Rule) -> None:
    plain = yaml.safe_load(next(Path(own_folder()).rglob(f"{rule.id}.yaml")).read_text("utf-8"))
    for slip in emptied(plain["params"], ("params",)):
        text = yaml.safe_dump(slip.put(plain), sort_keys=False, width=10_000, allow_unicode=True)
        said = re.fullmatch(rf"{rule.id}\.yaml:(\d+):(\d+): .*\bnothing\b.*", refusal(text, f"{rule.id}.yaml"))
        if said is not None:
            assert (int(said[1]), int(said[2])) in [position(text, at) for at in (slip, Slip(slip.way[:-1], None))], (slip.way, said[0])
            continue
        changed = load_rule(text, f"{rule.id}.yaml")
        ran = [run_example(changed, example) for example in changed.examples if example.bad]
        assert [one.broken for one in ran if one.broken] == [], slip.way
        assert any(one.found for one in ran) or (rule.id, *slip.way) in _JUDGED_BY_OTHERS, slip.way


@pytest.mark.parametrize(
    ("rule", "params", "said"),
    [
        ("LW201", "where: {service.kind: []}", "3:36: a list with nothing in it: nothing would be judged"),
        ("LW203", "kinds: []", "3:21: a list with nothing in it: nothing would be judged"),
        ("LW204", "services: [], units: []", "3:24: nothing is in `services` or `units`: nothing would be judged"),
        ("LW201", "milder: [{where: {service.kind: []}, severity: note}]", "3:46: a list with nothing in it: nothing would be judged"),
        ("LW421", "one_of: []", "3:22: nothing is in `one_of`, and there is no `at_most`: no value would be right"),
        ("LW410", "cases: [{where: {differs: true}}]", "3:21: no case has anything in `says`: nothing would be told"),
        ("LW301", "limits: []", "3:22: a list with nothing in it: nothing would be judged"),
        ("LW101", "kinds: [], services: [], until_release: []", "3:21: nothing is in `kinds`, `services` or `until_release`: nothing"),
    ],
)
def test_a_configuration_whose_empty_list_silences_a_rule_ends_with_its_place_and_exit_2(
    rule: str, params: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    test_a_wrong_parameter_ends_with_its_place_and_exit_2(rule, params, said, tmp_path, monkeypatch, capsys)


def test_an_empty_list_that_excuses_nothing_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("nova.service").write_text("[Service]\nExecStart=/usr/bin/nova\n")
    Path(".lwlint.yaml").write_text("rules:\n  LW201:\n    params: {unless: {service.name: []}}\n")
    assert main(["check", "."]) == 0


@pytest.mark.parametrize(
    ("setting", "value", "bounds", "code"),
    [
        ("TimeoutStartSec", "2min", "at_least: 90", 0),
        ("TimeoutStartSec", "90", "at_least: 90", 0),
        ("TimeoutStartSec", "1min 29s", "at_least: 90", 1),
        ("TimeoutStartSec", "infinity", "at_least: 90", 0),
        ("TimeoutStartSec", "infinity", "at_most: 90", 1),
        ("RestartSec", "500ms", "at_most: 1", 0),
        ("RestartSec", "500ms", "at_least: 1", 1),
    ],
)
def test_bounds_of_a_time_span_are_seconds(
    setting: str, value: str, bounds: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("neutron-server.service").write_text(f"[Service]\nExecStart=/usr/bin/neutron-server\n{setting}={value}\n")
    params = f"{{setting: Service.{setting}, must_be: {{{bounds}}}, default: '0', stricter: [], outright: [], milder: [], because: {{}}}}"
    Path(".lwlint.yaml").write_text(f"rules:\n  LW201:\n    params: {params}\n")
    assert main(["check", "--select", "LW201", "--fail-on", "note", "neutron-server.service"]) == code, capsys.readouterr()


def test_globs_of_a_report_are_compared_in_any_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text("resource_registry:\n  a: b.yaml\n  a: c.yaml\n")
    for globs, code in (("[]", 1), ("['A']", 0), ("[a]", 0)):
        Path(".lwlint.yaml").write_text(f"rules:\n  LW410:\n    params: {{unless_like: {{name: {globs}}}}}\n")
        assert main(["check", "--select", "LW410", "a.yaml"]) == code, globs


def test_the_vocabularies_are_those_of_the_catalogue_and_of_the_clauses() -> None:
    assert sorted(known_services()) == sorted(service.name for service in load_catalogue().services)
    assert known_clauses() == tuple(clause.id for clause in load_clauses())
    assert known_projects() >= {"nova", "neutron", "zaqar"}


def test_a_rule_of_ones_own_with_any_connection_finds_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule = """\
id: our-connection
code: ACME101
title: t
severity: error
clause: retries-forever
why: w
remedy: r
check: retries-of-connection
params:
  pairs: [{connection: "acme::db::(database_connection|url)", retries: ["acme::db::database_max_retries"]}]
examples:
- good: with retries
  files: {"puppet/services/acme.yaml": "%s          acme::db::database_max_retries: -1\\n"}
- bad: without
  files: {"puppet/services/acme.yaml": "%s"}
  finds: ["puppet/services/acme.yaml:6:11 `acme::db::url`: `acme::db::database_max_retries` is not set (default `10`); it must be `-1`"]
"""
    head = r"heat_template_version: pike\noutputs:\n  role_data:\n    value:\n      config_settings:\n"
    template = head + r"          acme::db::url: mysql://db/acme\n"
    (tmp_path / "our-connection.yaml").write_text(rule % (template, template))
    assert main(["test", str(tmp_path)]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(modules()))
def test_every_parameter_of_a_check_says_what_it_is(name: str) -> None:
    assert [p.name for p in parameters(find(name).params) if not p.meaning or not p.type] == []


def test_explain_shows_the_parameters_of_a_rule_and_so_does_its_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "LW102", "--params"]) == 0
    shown = capsys.readouterr().out
    assert "  until (mapping: service to release; default none)\n      the last release in which a service must be there\n" in shown
    assert '   "cinder_volume": "rocky"\n' in shown
    page = (HERE / "docs/rules/core-service-missing.md").read_text("utf-8")
    assert "| `until` | mapping: service to release | none | the last release in which a service must be there |" in page


def test_parameters_of_another_package_may_be_a_dataclass_and_are_as_strict() -> None:
    @dataclass(frozen=True)
    class Theirs:
        release: ReleaseName
        names: tuple[str, ...] = ()

    assert build({"release": "pike", "names": ["a"]}, Theirs) == Theirs("pike", ("a",))
    with pytest.raises(Mismatch, match="`nmaes`: unknown key; did you mean `names`"):
        build({"release": "pike", "nmaes": ["a"]}, Theirs)
    with pytest.raises(Mismatch, match="`release` is missing"):
        build({}, Theirs)
    assert [str(wrong) for wrong in compare(build({"release": "piek"}, Theirs), Theirs)] == [
        "`piek`: unknown release; did you mean `pike`?"
    ]
