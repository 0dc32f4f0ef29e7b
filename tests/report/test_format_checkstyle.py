"""Checkstyle: read by diff-quality, which shows the findings on changed lines."""

from __future__ import annotations

import xml.etree.ElementTree as Tree

import pytest

from lwlint.report.ci import render_checkstyle
from tests.report.report_sample import CLEAN, REPORT, RULES, TURNED, assert_golden


def test_the_report_is_as_before() -> None:
    assert_golden(render_checkstyle(REPORT, RULES), "report.checkstyle.xml")


def test_the_order_of_the_report_changes_nothing() -> None:
    assert render_checkstyle(TURNED, RULES[::-1]) == render_checkstyle(REPORT, RULES)


def test_diff_quality_reads_every_finding() -> None:
    reader = pytest.importorskip("diff_cover.violationsreporters.java_violations_reporter", reason="A CONSUMER IS MISSING: diff-cover")
    found = reader.CheckstyleXmlDriver().parse_reports([render_checkstyle(REPORT, RULES)])
    assert {path: [(v.line, v.message.partition(":")[0]) for v in violations] for path, violations in found.items()} == {
        "controller-0/etc/lost\ufffd\n.conf": [(1, "error")],
        "controller-0/var/lib/pacemaker/cib/cib.xml": [(2, "error"), (2, "error")],
        "env/größe, 100%: a|b.yaml": [(2, "warning"), (2, "error"), (4, "info"), (6, "info")],
        "etc/nova/nova.conf": [(1, "error")],
    }


def test_every_error_has_the_attributes_that_readers_ask_for() -> None:
    errors = Tree.fromstring(render_checkstyle(REPORT, RULES)).findall("file/error")
    assert {frozenset(error.keys()) for error in errors} == {
        frozenset({"line", "column", "severity", "message", "source"}),
        frozenset({"line", "severity", "message", "source"}),
    }
    assert errors[1].get("message") == "= over\ufffd[31m two lines, 100%: \ufffd and a lone ` tick"


def test_a_clean_run_has_no_file() -> None:
    assert Tree.fromstring(render_checkstyle(CLEAN, RULES)).findall("*") == []
