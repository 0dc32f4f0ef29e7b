"""What is suggested, when it is taken, mends the file: applied as GitHub and Gerrit apply it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from lwlint.core.finding import Report
from lwlint.files.tree import Memory
from lwlint.report.ci import render_gerrit, render_github_review
from lwlint.run import Request, check, load_rules

RULES = load_rules(examples=False)
NOVA = "[DEFAULT]\ndebug = true\n[database]\nconnection = mysql://nova:pa55word@10.0.0.1/nova\n{}[keystone_authtoken]\nuser = nova\n"
FILES = {
    "changed": {"etc/nova/nova.conf": NOVA.format("max_retries = 10\n")},
    "windows": {"etc/nova/nova.conf": NOVA.format("max_retries = 10\n").replace("\n", "\r\n")},
    "no end": {"nova.conf": "[database]\nconnection = mysql://x/nova\nmax_retries = 10"},
    "wide": {"nova.conf": "[database]\nconnection = mysql://x/nova\n# \U0001f600\nmax_retries = 10 \n"},
}


def report_on(files: dict[str, str]) -> Report:
    return check(Request(tree=Memory(files), release="train"), RULES)


def github(files: dict[str, str], body: dict[str, Any]) -> dict[str, str]:
    """Return the files with all suggestions taken, from the last line up, as GitHub takes the place of whole lines."""
    after = dict(files)
    for comment in sorted(body["comments"], key=lambda each: -each["line"]):
        found = re.search(r"\n(`{3,})suggestion\n(.*?)\1$", comment["body"], re.DOTALL)
        if found:
            lines = re.split(r"(?<=\n)", after[comment["path"]])
            first = comment.get("start_line", comment["line"])
            lines[first - 1 : comment["line"]] = [found[2]]
            after[comment["path"]] = "".join(lines)
    return after


def gerrit(files: dict[str, str], body: dict[str, Any]) -> dict[str, str]:
    after = dict(files)
    edits = [
        each
        for comments in body["robot_comments"].values()
        for comment in comments
        for fix in comment.get("fix_suggestions", ())
        for each in fix["replacements"]
    ]
    for edit in sorted(edits, key=lambda each: (-each["range"]["start_line"], -each["range"]["start_character"])):
        starts = [0, *(found.end() for found in re.finditer("\r\n|\n", after[edit["path"]]))]
        place = edit["range"]
        start = starts[place["start_line"] - 1] + place["start_character"]
        end = starts[place["end_line"] - 1] + place["end_character"]
        after[edit["path"]] = after[edit["path"]][:start] + edit["replacement"] + after[edit["path"]][end:]
    return after


@pytest.mark.parametrize("name", FILES)
def test_suggestions_that_are_taken_mend_the_file(name: str) -> None:
    files = FILES[name]
    report = report_on(files)
    assert [found.code for found in report.findings] == ["LW301"]
    body = json.loads(render_github_review(report, RULES))
    assert [(each["path"], each["side"]) for each in body["comments"]] == [(*files, "RIGHT")]
    for after in (github(files, body), gerrit(files, json.loads(render_gerrit(report, RULES)))):
        assert after != files
        assert report_on(after).findings == ()


def test_a_line_with_a_secret_is_not_quoted() -> None:
    files = {"etc/nova/nova.conf": NOVA.format("").replace("nova\n[keystone", "nova?max_retries=3\n[keystone")}
    report = report_on(files)
    for text in (render_github_review(report, RULES), render_gerrit(report, RULES)):
        assert "pa55word" not in text


def test_nothing_found_is_said() -> None:
    report = report_on({"nova.conf": "[database]\nconnection = mysql://x/nova\nmax_retries = -1\n"})
    assert json.loads(render_github_review(report, RULES)) == {"event": "COMMENT", "body": "lwlint found nothing", "comments": []}
    assert json.loads(render_gerrit(report, RULES))["robot_comments"] == {}
