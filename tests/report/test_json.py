"""What is printed as JSON: it fits its schema, which tells every key, and a name of any bytes is shown."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from lwlint.cli import main
from lwlint.core.source import Source
from lwlint.report.audit import AuditOutput
from lwlint.report.json import ReportOutput, render, schema_of
from tests.report.report_sample import REPORT
from tests.shared import HERE

REPORTS = Draft202012Validator(json.loads((HERE / "docs" / "report.schema.json").read_text("utf-8")))
AUDITS = Draft202012Validator(json.loads((HERE / "docs" / "audit.schema.json").read_text("utf-8")))


def printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    """Return the JSON that lwlint prints, which is laid out as `json.dumps` does it."""
    assert main([*arguments, "--format", "json"]) in (0, 1)
    text = capsys.readouterr().out
    plain = json.loads(text)
    assert text == json.dumps(plain, indent=1, ensure_ascii=False) + "\n"
    return plain


def complaints(schema: Draft202012Validator, plain: Any) -> list[str]:
    return [f"{list(error.absolute_path)}: {error.message}" for error in schema.iter_errors(plain)]


@pytest.mark.parametrize("folder", ["full-pacemaker", "lightweight", "newton", "containers", "sos/queens-docker"])
def test_a_report_fits_its_schema(folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(HERE)
    assert complaints(REPORTS, printed(["check", f"fixtures/{folder}"], capsys)) == []


@pytest.mark.parametrize("folder", ["mitaka-light", "newton", "wallaby-podman"])
def test_an_audit_fits_its_schema(folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(HERE)
    assert complaints(AUDITS, printed(["audit", f"fixtures/sos/{folder}"], capsys)) == []


@pytest.mark.parametrize(("kind", "schema"), [(ReportOutput, REPORTS), (AuditOutput, AUDITS)])
def test_a_schema_takes_no_key_that_it_does_not_tell_and_misses_each_that_it_does(kind: Any, schema: Draft202012Validator) -> None:
    told: Any = schema.schema
    assert told == json.loads(schema_of(kind, told["title"]))
    Draft202012Validator.check_schema(told)
    parts = [told, *told["$defs"].values()]
    assert [part for part in parts if part["additionalProperties"] is not False or part["required"] != list(part["properties"])] == []
    assert len(complaints(schema, {"more": 1})) == 1 + len(kind.__struct_fields__)


def test_a_path_of_bytes_that_are_no_utf_8_is_shown_with_a_question_mark_for_each() -> None:
    path = os.fsdecode(b"caf\xe9.service")
    finding = replace(REPORT.findings[0], span=REPORT.findings[0].span._replace(path=path), fix=None, allowed=None)
    text = render(replace(REPORT, findings=(finding,), sources={**REPORT.sources, path: Source(path, "a\n", "unit")}))
    assert json.loads(text)["findings"][0]["path"] == "caf?.service"
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"


def test_the_file_on_disk_with_such_a_name_ends_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "etc/systemd/system"
    folder.mkdir(parents=True)
    with open(os.path.join(os.fsencode(folder), b"openstack-nova-api\xe9.service"), "wb") as file:
        file.write(b"[Service]\nRestrat=always\n")
    (folder / "openstack-nova-api.service").write_text("[Service]\nExecStart=/usr/bin/nova-api\n")
    assert complaints(REPORTS, printed(["check", "."], capsys)) == []
