"""Settings put to work: rules before a run, findings after it, exceptions with their last day."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lwlint.cli import main
from lwlint.core.finding import FAIL, NOT_EVALUATED, ConfigurationError, Report, Verdict
from lwlint.policy.rules import Rule
from lwlint.policy.settings import Settings, configure, layer, mark_allowed, merge, overridden
from lwlint.report.explain import render_settings
from lwlint.run import load_rules
from tests.report.report_sample import CIB, REPORT, RULES, TEMPLATE

TODAY = datetime.date(2026, 11, 23)
HEAD = "allow:\n"


def settings(text: str) -> Settings:
    return merge([layer(text, ".lwlint.yaml")])


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    return load_rules()


def test_a_rule_takes_its_severity_and_parameters_from_the_settings(rules: list[Rule]) -> None:
    old = next(rule for rule in rules if rule.code == "LW203")
    key, value = next(iter(old.params.items()))
    new = {
        r.code: r
        for r in configure(rules, settings(f"rules:\n  LW203: {{severity: error}}\n  {old.id}: {{params: {{{key}: {value!r}}}}}\n"))
    }
    assert new == {**{rule.code: rule for rule in rules}, "LW203": replace(old, severity="error")}


def test_the_command_line_selects_instead_and_ignores_besides(rules: list[Rule]) -> None:
    given = settings("select: [LW2, LW9]\nignore: [LW902]\n")
    assert {r.code[:3] for r in configure(rules, given)} == {"LW2", "LW9"}
    assert [r.code for r in configure(rules, given, select=["LW9"])] == ["LW901", "LW903"]
    assert {r.code[:3] for r in configure(rules, given, ignore=["LW901", "LW903"])} == {"LW2"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("select: [LW1O1]\n", ".lwlint.yaml:1:10: `LW1O1`: unknown rule; did you mean `LW"),
        ("rules:\n  LW9O1: {severity: note}\n", ".lwlint.yaml:2:3: `LW9O1`: unknown rule; did you mean `LW901`?"),
        ("rules:\n  LW203: {params: {nothing: 1}}\n", ".lwlint.yaml:2:20: `nothing`: unknown key"),
        (HEAD + "- {rule: LW, path: a, because: b}\n", ".lwlint.yaml:2:10: `LW`: unknown rule"),
        ("overrides:\n- {paths: [a], ignore: [LX]}\n", ".lwlint.yaml:2:25: `LX`: unknown rule"),
        (
            "overrides:\n- {paths: [a], severity: {unreadable-inputs: note}}\n",
            ".lwlint.yaml:2:27: `unreadable-inputs`: unknown rule; did you",
        ),
    ],
)
def test_the_name_of_no_rule_is_refused_with_its_place(rules: list[Rule], text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        configure(rules, settings(text))
    assert str(caught.value).startswith(said)


def test_overrides_change_the_findings_of_some_files() -> None:
    given = settings(
        "overrides:\n- {paths: ['*.yaml'], severity: {LW105: error}}\n"
        "- {paths: [env/], severity: {LW105: note}}\n- {paths: [/etc], ignore: [LW9]}\n"
    )
    found = overridden(REPORT.findings, given, RULES)
    assert [(f.code, f.severity) for f in found if f.span.path == TEMPLATE.path] == [("LW105", "note")] * 4
    assert [f.span.path for f in found if f.code == "LW901"] == ["controller-0/etc/lost\udcff\n.conf"]
    assert [f for f in found if f.span.path == CIB.path] == [f for f in REPORT.findings if f.span.path == CIB.path]


def outcome(text: str, report: Report = REPORT, *, folders: tuple[str, ...] = (".",), folder: str = ".") -> tuple[list[str], list[str]]:
    """The subjects of what is allowed, and what is said of entries without effect."""
    marked, unused = mark_allowed(
        replace(report, findings=tuple(replace(f, allowed=None) for f in report.findings)),
        merge([layer(text, ".lwlint.yaml", folder)]),
        TODAY,
        folders=folders,
    )
    said = []
    for fact in unused:
        line, column = marked.sources[fact.span.path].position(fact.span.start)
        said.append(f"{fact.span.path}:{line}:{column} {fact.name}: {fact.because}")
    return [f"{f.subject}: {f.allowed}" for f in marked.findings if f.allowed is not None], said


@pytest.mark.parametrize(
    ("entry", "subjects"),
    [
        ("rule: LW101, fact: resource x", ["resource x: b"]),
        ("rule: service-outside-the-core, fact: x", ["resource x: b"]),
        ("rule: LW105, fact: 'constraint *', path: env/", ["constraint c: b", "constraint d: b", "constraint d: b", "constraint e: b"]),
        ("rule: LW105, fact: d", ["constraint d: b", "constraint d: b"]),
        ("rule: LW101, path: 'controller-*/var'", ["resource növa-𝄞-api: b", "resource x: b"]),
        ("rule: LW101, fact: x, until: 2026-11-23", ["resource x: b"]),
    ],
)
def test_an_exception_allows_by_rule_and_fact_or_path(entry: str, subjects: list[str]) -> None:
    assert outcome(f"{HEAD}- {{{entry}, because: b}}\n") == (subjects, [])


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("rule: LW101, fact: y", "matches no finding; take it away"),
        ("rule: LW101, path: env/", "matches no finding; take it away"),
        ("rule: LW101, path: evn/", "no file was read that `evn/` matches; take it away"),
        ("rule: LW101, fact: x, until: 2026-11-22", "held until 2026-11-22"),
        ("rule: LW105, path: nowhere/, until: 2001-01-01", "held until 2001-01-01"),
    ],
)
def test_an_exception_without_effect_is_found_at_its_line(entry: str, said: str) -> None:
    assert outcome(f"{HEAD}- {{{entry}, because: b}}\n") == ([], [f".lwlint.yaml:2:3 {entry[6:11]}: {said}"])


def test_an_exception_is_not_blamed_for_what_the_run_did_not_look_at() -> None:
    blind = replace(REPORT, verdicts=(Verdict("service-outside-the-core", "LW101", NOT_EVALUATED, "no CIB"),))
    fact, path, far = (f"{HEAD}- {{rule: LW101, {e}, because: b}}\n" for e in ("fact: y", "path: env/", "path: far/"))
    assert [outcome(path, blind), outcome(path, replace(REPORT, verdicts=()))] == [([], [])] * 2
    assert [outcome(text, folders=folders) for text in (fact, far) for folders in ((), ("a",), ("a", "b/c"))] == [([], [])] * 6
    assert [outcome(text, folder="..") for text in (fact, far)] == [([], [])] * 2
    found = [
        outcome(fact, folders=folders, folder=folder)[1] != [] for folders, folder in ((("..",), "."), ((".",), "ci"), ((".",), "../x"))
    ]
    assert found == [True] * 3
    shared = layer(fact, "base.yaml", "../shared")
    for layers, blamed in (([shared], 1), ([shared, layer("", ".lwlint.yaml")], 0), ([layer(fact, "base.yaml", "ci"), layer("", "x")], 1)):
        assert len(mark_allowed(REPORT, merge(layers), TODAY, folders=(".",))[1]) == blamed


def test_a_reason_with_a_password_is_shown_without_it() -> None:
    text = f"{HEAD}- {{rule: LW101, fact: x, because: 'as mysql://u:s3cret@db says'}}\n"
    assert outcome(text) == (["resource x: as mysql://u:******@db says"], [])
    assert "s3cret" not in render_settings(settings(text))


def test_a_finding_that_is_allowed_already_keeps_its_reason() -> None:
    report = replace(REPORT, findings=tuple(replace(f, allowed="first") for f in REPORT.findings), verdicts=(Verdict("x", "LW101", FAIL),))
    marked, _ = mark_allowed(report, settings(f"{HEAD}- {{rule: LW101, fact: '*', because: second}}\n"), TODAY)
    assert {f.allowed for f in marked.findings} == {"first"}


@pytest.mark.parametrize("name", ["slow-disk.yml", "slow-disk.YAML", "more/slow-disk.Yml"])
def test_a_rule_by_another_extension_is_not_passed_over(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = tmp_path / "rules"
    (rules / "more").mkdir(parents=True)
    for known in ("slow-node", "slow-disk"):
        assert main(["new-rule", known, str(rules)]) == 0
    (rules / ".travis.yml").write_text("script: make\n")
    assert main(["test", str(rules)]) == 0
    (rules / "slow-disk.yaml").rename(rules / name)
    for command in (["test", str(rules)], ["rules", "--rules", str(rules)], ["check", "--rules", str(rules), str(rules)]):
        assert main(command) == 2
        assert capsys.readouterr().err == f"lwlint: `{rules}/{name}`: is not read; name it `slow-disk.yaml`\n"


def test_rules_in_a_folder_that_cannot_be_listed_are_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, folder in (("slow-node", tmp_path / "rules"), ("slow-disk", tmp_path / "rules/more")):
        folder.mkdir()
        assert main(["new-rule", name, str(folder)]) == 0
    real = os.scandir

    def refused(path: Any = ".") -> Any:
        if os.fspath(path).endswith("/more"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refused)
    for command in (["test", str(tmp_path / "rules")], ["rules", "--rules", str(tmp_path / "rules")]):
        assert main(command) == 2
        assert "rules/more`: cannot be listed (Permission denied)" in capsys.readouterr().err
