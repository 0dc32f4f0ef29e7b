"""`lwlint audit`: a report, however it comes, has one answer; and the answer is the one that the real report calls for."""

from __future__ import annotations

import io
import json
import lzma
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lwlint.cli import main
from tests.files.archive_builder import PACKERS
from tests.shared import HERE, shared

REPORT = "corpus/sos/light-controller-1.sos-4.12.tar.xz"
SCHEMA = json.loads((HERE / "docs/audit.schema.json").read_text("utf-8"))


def answer(arguments: Sequence[str], capsys: pytest.CaptureFixture[str], code: int | None = None) -> Any:
    """Return the JSON that `lwlint audit` prints, which fits its schema."""
    found = main(["audit", *arguments, "--format", "json"])
    plain = json.loads(capsys.readouterr().out)
    jsonschema.validate(plain, SCHEMA)
    assert code is None or found == code
    return plain


def places(plain: Any, severity: str = "error") -> list[str]:
    """Return the findings of one severity as `CODE host:path:line` of their first place."""
    return [
        f"{f['code']} {f['places'][0]['host']}:{f['places'][0]['path']}:{f['places'][0]['line']}"
        for cluster in plain["clusters"]
        for f in cluster["findings"]
        if f["severity"] == severity
    ]


def cells(plain: Any, host: int = 0) -> dict[str, str]:
    return {clause: cell["outcome"] for clause, cell in plain["clusters"][0]["hosts"][host]["clauses"].items()}


def test_the_real_report_is_judged_as_it_was_made(capsys: pytest.CaptureFixture[str]) -> None:
    plain = answer([str(shared(REPORT))], capsys, 1)
    etc, usr = "controller-1:etc/systemd/system/", "controller-1:usr/lib/systemd/system/"
    generated = "controller-1:var/lib/config-data/puppet-generated/"
    errors = places(plain)
    assert f"LW201 {etc}openstack-nova-conductor.service.d/10-restart.conf:2" in errors
    assert f"LW201 {usr}openstack-manila-share.service:1" in errors
    assert f"LW301 {generated}cinder/etc/cinder/cinder.conf:5" in errors
    assert f"LW301 {generated}heat/etc/heat/heat.conf:3" in errors
    assert f"LW206 {etc}openstack-nova-api.service:1" in places(plain, "warning")
    scheduler = [f["message"] for c in plain["clusters"] for f in c["findings"] if "openstack-nova-scheduler" in json.dumps(f)]
    assert scheduler == []
    (cluster,) = plain["clusters"]
    assert (cluster["name"], cluster["nodes"]) == ("tripleo_cluster", ["controller-0", "controller-1", "controller-2"])
    assert cluster["without_report"] == ["controller-0", "controller-2"]
    assert [(h["name"], h["sos"], h["captured"]) for h in cluster["hosts"]] == [("controller-1", "4.12.0", "2026-11-23")]
    assert {c: o for c, o in cells(plain).items() if o != "pass"} == {"systemd-restarts": "fail", "retries-forever": "fail"}
    assert [m["kind"] for m in cluster["hosts"][0]["missing"]] == ["containers", "packages", "release files"]


def test_a_report_in_any_packing_has_the_answer_of_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = lzma.decompress(shared(REPORT).read_bytes())
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        archive.extractall(tmp_path / "folder", filter="fully_trusted")
    (report,) = (tmp_path / "folder").iterdir()
    expected = answer([str(report)], capsys, 1)["clusters"]
    expected[0]["hosts"][0]["target"] = ""
    nested = PACKERS["tar.gz"](_tar({"case/" + report.name + ".tar.xz": PACKERS["tar.xz"](plain)}))
    for name, data in [*((name, pack(plain)) for name, pack in PACKERS.items()), ("nested.tar.gz", nested)]:
        path = tmp_path / f"report.{name}"
        path.write_bytes(data)
        found = answer([str(path)], capsys, 1)["clusters"]
        assert found[0]["hosts"][0]["target"].startswith(f"{path}!")
        found[0]["hosts"][0]["target"] = ""
        assert found == expected, name
    for folder in (report.parent, Path(f"{report}/")):
        found = answer([str(folder)], capsys, 1)["clusters"]
        found[0]["hosts"][0]["target"] = ""
        assert found == expected, folder


def _tar(files: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return sink.getvalue()


def test_the_text_names_hosts_clauses_places_and_remedies(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(shared(REPORT))]) == 1
    out = capsys.readouterr().out
    for line in (
        "Cluster tripleo_cluster: 1 host",
        "  No report of: controller-0, controller-2",
        "retries-forever                     fail",
        "vip-with-haproxy                    pass",
        "    error: cinder.conf: `database.max_retries` is `10`; it must be `-1` (seen: cinder-api, cinder-backup,"
        " cinder-scheduler and cinder-volume exit with status 1)",
        "      controller-1:var/lib/config-data/puppet-generated/cinder/etc/cinder/cinder.conf:5:13  max_retries=10",
        "What was missing",
        "What to do",
    ):
        assert line in out.splitlines()
    assert out.count("LW301 finite-database-retries: Set `max_retries = -1`") == 1


def test_rules_are_chosen_and_the_release_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    plain = answer([str(shared(REPORT)), "--select", "LW301", "--release", "wallaby"], capsys, 1)
    (host,) = plain["clusters"][0]["hosts"]
    assert ([v["code"] for v in host["verdicts"]], host["release"]) == (["LW301"], {"name": "wallaby", "because": "as given"})
    answer([str(shared(REPORT)), "--select", "LW302"], capsys, 0)
    assert main(["audit", str(shared(REPORT)), "--release", "walaby"]) == 2
    assert "did you mean `wallaby`" in capsys.readouterr().err


def test_the_output_folder_holds_every_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "answer"
    assert main(["audit", str(shared(REPORT)), "--output", str(folder)]) == 1
    assert capsys.readouterr().out.startswith("1 host, 1 cluster: ")
    assert sorted(path.name for path in folder.iterdir()) == ["audit.html", "audit.json", "audit.txt"]
    assert main(["audit", str(shared(REPORT))]) == 1
    assert (folder / "audit.txt").read_text("utf-8") == capsys.readouterr().out
    jsonschema.validate(json.loads((folder / "audit.json").read_text("utf-8")), SCHEMA)
