"""GitLab's Code Quality report: in its shape, and with fingerprints that GitLab can tell findings by."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft7Validator
from msgspec.structs import replace

from lwlint.core.source import Source
from lwlint.report.ci import render_gitlab
from tests.report.report_sample import CLEAN, REPORT, RULES, TEMPLATE, TURNED, assert_golden

# what GitLab's parser asks of an issue (app/validators/json_schemas/codeclimate.json), and what its documentation adds:
# a relative path without `./`, a line, one of five severities, a name of the check
LINES = {"type": "object", "required": ["begin"], "properties": {"begin": {"type": "integer", "minimum": 1}}}
LOCATION = {
    "type": "object",
    "required": ["path", "lines"],
    "properties": {"path": {"type": "string", "pattern": r"^(?!\./|/)"}, "lines": LINES},
}
SHAPE = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": LOCATION,
            "other_locations": {"type": "array", "items": LOCATION},
        },
    },
}


def issues(text: str) -> list[dict[str, Any]]:
    read = json.loads(text)
    assert [error.message for error in Draft7Validator(SHAPE).iter_errors(read)] == []
    assert isinstance(read, list)
    return read


def test_the_report_is_as_before() -> None:
    assert_golden(render_gitlab(REPORT, RULES), "report.gitlab.json")


def test_the_order_of_the_report_changes_nothing() -> None:
    assert render_gitlab(TURNED, RULES[::-1]) == render_gitlab(REPORT, RULES)


def test_the_issues_have_gitlabs_shape_and_severities() -> None:
    assert [(i["check_name"], i["severity"], i["location"]["lines"]["begin"]) for i in issues(render_gitlab(REPORT, RULES))] == [
        ("LW901", "major", 1),
        ("LW101", "major", 2),
        ("LW101", "major", 2),
        ("LW105", "minor", 2),
        ("LW105", "major", 2),
        ("LW105", "info", 4),
        ("LW105", "info", 6),
        ("LW901", "major", 1),
    ]
    assert issues(render_gitlab(CLEAN, RULES)) == []


def test_no_two_issues_of_a_report_share_a_fingerprint() -> None:
    prints = [issue["fingerprint"] for issue in issues(render_gitlab(REPORT, RULES))]
    assert sorted(set(prints)) == sorted(prints)


def test_fingerprints_stay_when_lines_move() -> None:
    moved = Source(TEMPLATE.path, "# a comment\n" + TEMPLATE.text, "heat")
    after = render_gitlab(replace(REPORT, sources={**REPORT.sources, moved.path: moved}), RULES)
    assert [i["fingerprint"] for i in issues(after)] == [i["fingerprint"] for i in issues(render_gitlab(REPORT, RULES))]
    assert after != render_gitlab(REPORT, RULES)
