"""What an undercloud deploys from, hieradata and templates, is judged in an audit as `lwlint check` does; without it nothing is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lwlint.cli import main
from tests.audit.audit_cluster import NODES, host, unpack
from tests.audit.test_audit import answer
from tests.shared import HERE

Capsys = pytest.CaptureFixture[str]
TEMPLATES = "usr/share/openstack-tripleo-heat-templates/"
HIERADATA = "etc/puppet/hieradata/"
CONNECTION = "nova::database_connection: mysql+pymysql://nova:secret@db/nova\n"


def undercloud(folder: Path, files: dict[str, str]) -> Path:
    for path, text in {"etc/hostname": "undercloud\n", **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    return folder


def heat(plain: Any) -> list[tuple[str, str, int]]:
    """Return code, path below the host and line of what the rules of templates found in an audit."""
    places = [(f["code"], p["path"], p["line"]) for c in plain["clusters"] for f in c["findings"] for p in f["places"]]
    return sorted(place for place in places if place[0].startswith("LW4"))


def outcomes(plain: Any) -> dict[str, str]:
    return {v["code"]: v["outcome"] for v in plain["clusters"][0]["hosts"][0]["verdicts"]}


def test_templates_and_hieradata_are_judged_as_check_judges_them(tmp_path: Path, capsys: Capsys) -> None:
    base = HERE / "fixtures/full-pacemaker/templates"
    files = {f"{TEMPLATES}{p.relative_to(base)}": p.read_text("utf-8") for p in base.rglob("*") if p.is_file()}
    root = undercloud(tmp_path, {**files, f"{HIERADATA}controller.yaml": CONNECTION})
    main(["check", str(root), "--format", "json"])
    checked = json.loads(capsys.readouterr().out)["findings"]
    plain = answer(["--root", str(root)], capsys, 1)
    expected = sorted((f["code"], f["path"].rpartition(f"{tmp_path.name}/")[2], f["line"]) for f in checked if f["code"].startswith("LW4"))
    assert (heat(plain), ("LW404", f"{HIERADATA}controller.yaml", 1) in expected) == (expected, True)
    assert {p["host"] for c in plain["clusters"] for f in c["findings"] for p in f["places"]} == {"undercloud"}
    assert [(e["kind"], e["path"]) for e in plain["clusters"][0]["hosts"][0]["evidence"]] == [
        ("hieradata", HIERADATA[:-1]),
        ("templates", TEMPLATES[:-1]),
    ]
    assert "secret" not in json.dumps(plain)


def test_a_host_that_has_neither_lacks_nothing(tmp_path: Path, capsys: Capsys) -> None:
    plain = answer([unpack(tmp_path, host("lightweight", NODES[0]), NODES[0])], capsys)
    assert [code for code in outcomes(plain) if code.startswith("LW4")] == []
    assert {m["kind"] for m in plain["clusters"][0]["hosts"][0]["missing"]} & {"hieradata", "templates"} == set()


@pytest.mark.parametrize(
    ("other", "expected", "outcome"),
    [
        ({"extraconfig.yaml": "nova::db::database_max_retries: -1\n"}, 0, "pass"),
        ({"extraconfig.yaml": "nova::db::database_max_retries: 5\n"}, 1, "fail"),
        ({"extraconfig.yaml": "keystone::db::database_max_retries: -1\n"}, 1, "fail"),
        ({"a.yaml": "nova::db::database_max_retries: 5\n", "b.yaml": "nova::db::database_max_retries: -1\n"}, 0, "not evaluated"),
    ],
)
def test_the_files_of_a_node_s_hieradata_count_together(
    other: dict[str, str], expected: int, outcome: str, tmp_path: Path, capsys: Capsys
) -> None:
    files = {f"{HIERADATA}{name}": text for name, text in {"service_configs.yaml": CONNECTION, **other}.items()}
    plain = answer(["--root", str(undercloud(tmp_path, files))], capsys)
    found = [place for place in heat(plain) if place[0] == "LW404"]
    assert (found, outcomes(plain)["LW404"]) == ([("LW404", f"{HIERADATA}service_configs.yaml", 1)] * expected, outcome)
