"""What a person sees first, on a terminal of 120 columns and 40 lines."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from lwlint.cli import main
from tests.report.report_sample import assert_golden
from tests.shared import HERE, shared

SOS = HERE / "fixtures/sos"
SCREEN = 40


def screen(text: str, name: str, *, last: bool = False) -> None:
    """Compare the first lines, or the last ones, with the golden screen."""
    lines = text.splitlines()
    shown = lines[-SCREEN:] if last else lines[:SCREEN]
    assert_golden("\n".join(shown) + "\n", f"screens/{name}.txt")


def said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 1
    return capsys.readouterr().out


def test_a_check_of_a_tree_ends_with_what_is_to_be_known(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(shared("corpus/tht/newton-before"))
    monkeypatch.setenv("COLUMNS", "120")
    text = said(["check", "--no-cache", "--no-config", "--limit", "50"], capsys)
    screen(text, "check-newton-before", last=True)
    ends = text.splitlines()[-2:]
    assert ends[0].split(",")[0].endswith(" errors")
    assert "not evaluated" in ends[1]


def test_an_audit_of_a_cluster_begins_with_its_verdict(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    text = said(["audit", "fixtures/sos/mitaka-full"], capsys)
    assert "NOT lightweight" in text.splitlines()[2]
    screen(text, "audit-mitaka-full")


def test_an_audit_of_three_archives_begins_with_an_overview(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("newton", "mitaka-full", "queens-docker"):
        with tarfile.open(f"{name}.tar.gz", "w:gz") as archive:
            archive.add(SOS / name, arcname=name)
    text = said(["audit", "newton.tar.gz", "mitaka-full.tar.gz", "queens-docker.tar.gz"], capsys)
    assert [line.split()[0] for line in text.splitlines()[1:4]] == ["full_cluster", "newton_cluster", "queens_cluster"]
    screen(text, "audit-three-archives")


def test_an_audit_of_forty_clusters_has_its_overview_on_one_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cib = (HERE / "fixtures/full-pacemaker/var/lib/pacemaker/cib/cib.xml").read_text("utf-8")
    assert 'value="tripleo_cluster"' in cib
    for i in range(40):
        text = cib.replace('value="tripleo_cluster"', f'value="cloud-{i:02}"').replace("overcloud-controller", f"cloud-{i:02}-controller")
        for _ in range(i % 5):  # not all alike
            at = text.index("<rsc_order ")
            text = text[:at] + text[text.index(">", at) + 1 :]
        Path(f"cloud-{i:02}.xml").write_text(text, "utf-8")
    text = said(["audit", *sorted(path.name for path in tmp_path.glob("*.xml"))], capsys)
    lines = text.splitlines()
    assert (lines[30].startswith("and 11 more (`-v`) "), lines[31]) == (True, "")
    screen(text, "audit-forty-clusters")
    every = said(["audit", "-v", *sorted(path.name for path in tmp_path.glob("*.xml"))], capsys).splitlines()
    assert len([line for line in every[1:41] if line.startswith("cloud-")]) == 40
