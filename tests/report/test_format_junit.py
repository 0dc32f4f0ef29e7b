"""JUnit: read by junitparser, with every outcome where a CI looks for it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lwlint.core.source import Source
from lwlint.report.ci import render_junit
from tests.report.report_sample import CLEAN, REPORT, RULES, TEMPLATE, TURNED, assert_golden

parser = pytest.importorskip("junitparser", reason="A CONSUMER IS MISSING: junitparser")


def cases(text: str) -> list[tuple[str, str]]:
    """The outcome and the name of every test case, as junitparser reads them."""
    words = {parser.Failure: "failure", parser.Error: "error", parser.Skipped: "skipped"}
    read = parser.JUnitXml.fromstring(text.encode("utf-8"))
    return [("".join(words[type(r)] for r in case.result) or "pass", case.name) for suite in read for case in suite]


def test_the_report_is_as_before() -> None:
    assert_golden(render_junit(REPORT, RULES), "report.junit.xml")


def test_the_order_of_the_report_changes_nothing() -> None:
    assert render_junit(TURNED, RULES[::-1]) == render_junit(REPORT, RULES)


def test_junitparser_reads_a_case_for_every_finding_and_every_rule_without() -> None:
    path = "env/größe, 100%: a|b.yaml"
    cib = "controller-0/var/lib/pacemaker/cib/cib.xml"
    assert cases(render_junit(REPORT, RULES)) == [
        ("failure", f"LW101 {cib}: resource x"),
        ("failure", f"LW101 {cib}: resource növa-𝄞-api"),
        ("failure", f"LW105 {path}: constraint d"),
        ("failure", f"LW105 {path}: constraint d (2)"),
        ("skipped", f"LW105 {path}: constraint c"),
        ("pass", f"LW105 {path}: constraint e"),
        ("pass", "LW203 Title of `restart-that-gives-up`"),
        ("skipped", "LW301 Title of `finite-database-retries`"),
        ("error", "LW404 Title of `broken-rule`"),
        ("failure", "LW901 controller-0/etc/lost\ufffd .conf: lost: cannot be read"),
        ("failure", "LW901 etc/nova/nova.conf: nova.conf: is empty"),
    ]


def test_the_counts_are_those_that_junitparser_counts() -> None:
    read = parser.JUnitXml.fromstring(render_junit(REPORT, RULES).encode("utf-8"))
    told = (read.tests, read.failures, read.errors, read.skipped)
    read.update_statistics()
    assert told == (read.tests, read.failures, read.errors, read.skipped) == (11, 6, 1, 2)


def test_the_severity_that_fails_the_run_is_the_one_that_fails_a_case() -> None:
    failures = [
        sum(outcome == "failure" for outcome, _ in cases(render_junit(REPORT, RULES, fail_on=s))) for s in ("note", "warning", "error")
    ]
    assert failures == [7, 6, 5]


def test_names_of_cases_stay_when_lines_move() -> None:
    moved = Source(TEMPLATE.path, "# a comment\n" + TEMPLATE.text, "heat")
    assert cases(render_junit(replace(REPORT, sources={**REPORT.sources, moved.path: moved}), RULES)) == cases(render_junit(REPORT, RULES))


def test_a_clean_run_passes_every_case() -> None:
    assert cases(render_junit(CLEAN, RULES)) == [("pass", "LW101 Title of `service-outside-the-core`")]
