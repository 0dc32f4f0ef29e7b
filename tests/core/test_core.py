"""The parts that everything stands on: places in text, reading of YAML, suppressions, the engine's verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

import pytest

from lwlint.checks import modules
from lwlint.core.check import Check, NoParams, Unknown
from lwlint.core.config_reader import read
from lwlint.core.facts import Facts
from lwlint.core.finding import ConfigurationError, Finding, Problem, Report
from lwlint.core.source import Source
from lwlint.files.tree import Memory
from lwlint.policy.rules import Rule, choose, load_rule
from lwlint.policy.settings import layer, merge
from lwlint.run import Request, check, engine, load_rules


@pytest.mark.parametrize(
    ("text", "offset", "place"),
    [
        ("ab\ncd", 3, (2, 1)),
        ("ab\r\ncd", 4, (2, 1)),
        ("ab\rcd", 3, (2, 1)),
        ("\ufeffab", 1, (1, 1)),
        ("\ufeffab\ncd", 5, (2, 2)),
        ("é𝄞x", 2, (1, 3)),
        ("", 0, (1, 1)),
        ("ab\n", 3, (2, 1)),
        ("\n\nab\n\nc", 6, (5, 1)),
        ("\x0ba\u2028\x85b\n\x1cc", 7, (2, 2)),
    ],
)
def test_a_position_counts_characters_and_every_kind_of_line_end(text: str, offset: int, place: tuple[int, int]) -> None:
    assert Source("x", text, "oslo").position(offset) == place


def test_a_traceback_shows_no_text_of_a_source_a_configuration_or_a_report() -> None:
    settings = merge([layer("# hunter2\nselect: [LW1]\n", ".lwlint.yaml")])
    source = Source("etc/nova/nova.conf", "password = hunter2\n" * 1000, "oslo")
    problem = Finding("LW1", "a", "error", "c", source.span(0, 8), "hunter2", "r", "f")
    report = Report((problem,), (), {source.path: source})
    assert repr(source) == "<Source 'etc/nova/nova.conf': oslo, 19000 characters>"
    assert repr(settings.layers[0]) == "<Layer '.lwlint.yaml': 24 characters>"
    assert repr(report) == "<Report: 1 findings, 0 verdicts, 1 sources>"
    assert "hunter2" not in repr((source, settings, report))


@dataclass(frozen=True)
class Inner:
    count: int
    word: Optional[str] = None


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner
    many: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: a\ninner: {count: 1}\nmanny: [b]\n", "f.yaml:3:1: `manny`: unknown key; did you mean `many`?"),
        ("name: a\ninner: {count: one}\n", "f.yaml:2:16: `one`: must be a whole number"),
        ("name: no\ninner: {count: 1}\n", "f.yaml:1:7: `False`: must be text (quote it)"),
        ("inner: {count: 1}\n", "f.yaml:1:1: `name` is missing"),
        ("name: a\nname: b\n", "f.yaml:2:1: key `name` is set twice"),
        ("name: a\ninner: {count: 1}\nmany: [b, 2]\n", "f.yaml:3:11: `2`: must be text (quote it)"),
        ("name: [\n", "f.yaml:2:1: did not find expected node content"),
        ("", "f.yaml: empty: must be a mapping"),
    ],
)
def test_a_complaint_about_yaml_names_its_place(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(text, "f.yaml", Outer)
    assert str(caught.value) == said


RULE = """
id: some-rule
code: LX1
title: t
severity: error
clause: readable-input
why: w
remedy: r
check: cibs-differ
examples:
- {good: g, files: {}}
- {bad: b, files: {}, finds: [x]}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("code: LX1", "code: LX101", None),
        ("", "", "some-rule.yaml:3:7: `LX1`: must be letters and a number, as `LW101`"),
        ("check: cibs-differ", "check: cibs-differs", "unknown check; did you mean `cibs-differ`?"),
        ("id: some-rule", "id: other-rule", "`other-rule`: must be the name of its file, `some-rule`"),
        ("severity: error", "severity: fatal", "must be one of `error`, `warning`, `note`"),
        ("- {good: g, files: {}}\n", "", "a rule has at least one good example"),
        (", finds: [x]", "", "a bad example says what it `finds`"),
        ("remedy: r", "remedy: r\nparams: {a: 1}", "`a`: unknown key"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused(old: str, new: str, said: str | None) -> None:
    text = RULE.replace(old, new)
    if old != "":
        text = text.replace("LX1\n", "LX101\n")
    if said is None:
        assert load_rule(text, "some-rule.yaml").code == "LX101"
    else:
        with pytest.raises(ConfigurationError) as caught:
            load_rule(text, "some-rule.yaml")
        assert said in str(caught.value)


def test_a_rule_is_chosen_by_id_code_or_beginning_of_codes() -> None:
    rules = load_rules()
    by_code = [rule.code for rule in choose(rules, ["lw90", "LW101"], ["allow-without-effect"])]
    assert by_code == ["LW101", "LW901", "LW903"]


def _bound(check_: Check[NoParams]) -> Rule:
    rule = load_rule(RULE.replace("LX1\n", "LX101\n"), "some-rule.yaml")
    rule.__dict__["bound"] = check_
    return rule


def _raises(_: Facts, __: NoParams) -> Iterator[Problem]:
    raise ZeroDivisionError("no")


def _wonders(_: Facts, __: NoParams) -> Iterator[Unknown]:
    yield Unknown("it is dark")


def _passes(_: Facts, __: NoParams) -> Iterator[Problem]:
    yield from ()


def test_a_rule_that_raises_is_broken_and_the_rest_run() -> None:
    rules = [_bound(Check("c", run, lambda *_: None)) for run in (_raises, _wonders, _passes)]
    answer = engine.evaluate(Facts(), [*rules, _bound(Check("c", _passes, lambda *_: "no CIB was given"))], {"a": Source("a", "", "oslo")})
    assert [(v.outcome, v.because) for v in answer.verdicts] == [
        ("broken", "ZeroDivisionError: no"),
        ("not evaluated", "it is dark"),
        ("pass", ""),
        ("not evaluated", "no CIB was given"),
    ]
    assert ["ZeroDivisionError" in trace for trace in answer.tracebacks] == [True]


def _findings(text: str, path: str = "etc/keystone/keystone.conf") -> list[tuple[str, int, str | None]]:
    report = check(Request(tree=Memory({path: text})), load_rules(select=["LW301", "LW902"]))
    return [(f.code, report.sources[path].position(f.span.start).line, f.allowed) for f in report.findings]


def test_an_allow_above_a_line_suppresses_and_keeps_the_finding() -> None:
    text = "[database]\nconnection = mysql://k@db/k\n# lwlint: allow LW301 -- because the database is local\nmax_retries = 3\n"
    assert _findings(text) == [("LW301", 4, "the database is local")]


@pytest.mark.parametrize("comment", ["# lwlint: allow LW301", "# lwlint: allow LW31 -- because I can", "# lwlint: allow -- because I can"])
def test_an_allow_without_reason_or_rule_has_no_effect_and_is_found(comment: str) -> None:
    assert _findings(f"[database]\nconnection = mysql://k@db/k\n{comment}\nmax_retries = 3\n") == [
        ("LW902", 3, None),
        ("LW301", 4, None),
    ]


def test_an_allow_that_matches_nothing_is_found() -> None:
    text = "[database]\nconnection = mysql://k@db/k\n; lwlint: allow LW301 -- because it was so\nmax_retries = -1\n"
    assert _findings(text) == [("LW902", 3, None)]


def test_two_allows_above_one_line_both_count() -> None:
    allows = "# lwlint: allow LW301 -- because of a\n# lwlint: allow LW901 -- because of b\n"
    assert _findings(f"[database]\nconnection = mysql://k@db/k\n{allows}max_retries = 3\n")[-1] == ("LW301", 5, "of a")


def test_every_check_is_where_the_table_says() -> None:
    from lwlint import checks

    assert [name for name in modules() if checks.find(name).name != name] == []
