"""CSV: read back by the csv module, one line a finding, harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lwlint.report.ci import COLUMNS, render_csv
from tests.report.report_sample import CLEAN, REPORT, RULES, TEMPLATE, TURNED, assert_golden, finding, span


def test_the_report_is_as_before() -> None:
    assert_golden(render_csv(REPORT, RULES), "report.csv")


def test_the_order_of_the_report_changes_nothing() -> None:
    assert render_csv(TURNED, RULES[::-1]) == render_csv(REPORT, RULES)


def test_every_finding_is_a_line_with_its_place() -> None:
    rows = list(csv.DictReader(io.StringIO(render_csv(REPORT, RULES))))
    assert [(r["code"], r["line"], r["end_column"], r["host"], bool(r["allowed"])) for r in rows] == [
        ("LW901", "", "", "controller-0", False),
        ("LW101", "2", "18", "controller-0", False),
        ("LW101", "2", "27", "controller-0", False),
        ("LW105", "2", "16", "", False),
        ("LW105", "2", "19", "", False),
        ("LW105", "4", "6", "", True),
        ("LW105", "6", "4", "", False),
        ("LW901", "1", "1", "", False),
    ]
    assert len(render_csv(REPORT, RULES).splitlines()) == 1 + len(rows)


def test_a_clean_run_is_the_header() -> None:
    assert render_csv(CLEAN, RULES) == ",".join(COLUMNS) + "\n"


@given(st.text())
def test_no_text_is_more_than_one_cell_or_a_formula(text: str) -> None:
    one = finding("LW101", span(TEMPLATE, "OS"), text, subject=text, host=text)
    rows = list(csv.reader(io.StringIO(render_csv(replace(CLEAN, findings=(one,)), ()))))
    assert [len(row) for row in rows] == [len(COLUMNS)] * 2
    assert [cell for cell in rows[1] if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
