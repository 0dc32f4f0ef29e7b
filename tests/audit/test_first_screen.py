"""What an audit says first: a verdict for each cluster, how much, the worst, health; a ticket; what is new since another time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lwlint.cli import main
from lwlint.inputs.pacemaker.facts import Health
from lwlint.inputs.pacemaker.status import read_health
from tests.shared import HERE

SOS = HERE / "fixtures" / "sos"
DC = "Current DC: c0 (version 1.1.15-11.el7) - partition {} quorum\n3 nodes configured\n"


def said(arguments: list[str], capsys: pytest.CaptureFixture[str], code: int = 1) -> str:
    assert main(arguments) == code
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "health"),
    [
        (DC.format("with") + "Online: [ c0 c1 c2 ]\n", Health(True, (), 0)),
        (DC.format("WITHOUT") + "Online: [ c0 ]\nOFFLINE: [ c1 c2 ]\n", Health(False, ("c1", "c2"), 0)),
        (DC.format("with") + "Node c0: online\n\tx\t(systemd:x):\tStarted\nNode c1: OFFLINE\n", Health(True, ("c1",), 0)),
        (
            "Cluster Summary:\n  * Current DC: c0 (version 2.1.5) - partition with quorum\nNode List:\n  * Node c2 (3): UNCLEAN (offline)\n"
            "  * Online: [ c0 c1 ]\n\nFailed Resource Actions:\n  * x_monitor_0 on c0 'error' (1): call=5\n"
            "  * y_start_0 on c1 'error' (1): call=7\n\nDaemon",
            Health(True, ("c2",), 2),
        ),
        (
            DC.format("with") + "Online: [ c0 ]\n\nFailed Actions:\n* x_start_0 on c0 'unknown error' (1): call=3, status=Timed Out,\n"
            "    last-rc-change='Tue', exec=1ms\n\nPCSD",
            Health(True, (), 1),
        ),
        ("nothing of the kind\n", Health()),
    ],
)
def test_a_status_tells_quorum_nodes_and_failed_actions(text: str, health: Health) -> None:
    assert read_health(text) == health


def test_the_first_lines_of_a_cluster_are_its_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(["audit", str(SOS / "mitaka-full")], capsys).splitlines()
    assert lines[2] == "  NOT lightweight: 38 resources and 66 constraints too many; judged as mitaka"
    assert lines[3].split(",")[0].strip() == "111 errors"
    assert [line for line in lines[4:8] if line.startswith("  worst: LW105 constraint-outside-the-core: 66 errors on all hosts")]
    assert any(line.startswith("  health: ") for line in lines[:12])


def test_several_clusters_are_listed_worst_first(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(["audit", str(SOS / "newton"), str(SOS / "mitaka-full"), str(SOS / "mitaka-light")], capsys).splitlines()
    names = [line.split()[0] for line in lines[1:4]]
    assert lines[0].startswith("Clusters, worst first")
    assert names == ["full_cluster", "newton_cluster", "light_cluster"]


def test_a_ticket_has_ten_lines_at_most_for_each_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("newton", "mitaka-full", "queens-docker", "wallaby-podman", "mitaka-light"):
        assert main(["audit", str(SOS / name), "--format", "ticket"]) in (0, 1)
        lines = capsys.readouterr().out.splitlines()
        assert 2 <= len(lines) <= 10
        assert lines[0].startswith("Cluster ")


def test_a_line_of_a_ticket_shows_a_finding_of_the_severity_that_it_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    units = tmp_path / "usr/lib/systemd/system"
    units.mkdir(parents=True)
    for name in ("openstack-nova-conductor", "openstack-nova-novncproxy"):
        (units / f"{name}.service").write_text(f"[Service]\nExecStart=/usr/bin/{name[10:]}\nRestart=no\n", "utf-8")
    (units / "httpd.service").write_text("[Service]\nExecStart=/usr/sbin/httpd\nRestart=no\n", "utf-8")
    target = ["audit", "--root", str(tmp_path)]
    (cluster,) = json.loads(said([*target, "--format", "json"], capsys))["clusters"]
    severities = {f"{found['code']} {found['severity']} {found['message']}" for found in cluster["findings"]}
    lines = said([*target, "--format", "ticket"], capsys).splitlines()
    rows = [i for i, line in enumerate(lines) if line.startswith("- ")]
    assert len({lines[i].split()[4].rstrip("s") for i in rows if "LW201" in lines[i]}) == 2
    for i in rows:
        code, severity, message = lines[i].split()[1], lines[i].split()[4].rstrip("s"), lines[i + 1].split(": ", 1)[1]
        assert f"{code} {severity} {message}" in severities


def test_a_note_fails_no_clause(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(["audit", str(SOS / "mitaka-full"), "--format", "json"], capsys)
    for cluster in json.loads(text)["clusters"]:
        severe = {(found["clause"], host) for found in cluster["findings"] if found["severity"] != "note" for host in found["hosts"]}
        for host in cluster["hosts"]:
            failing = {clause for clause, cell in host["clauses"].items() if cell["outcome"] == "fail"}
            assert failing == {clause for clause, name in severe if name == host["name"]}


def test_what_is_new_gone_and_the_same_since_another_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = tmp_path / "old.json"
    old.write_text(said(["audit", str(SOS / "newton"), "--format", "json", "--ignore", "LW202"], capsys))
    text = said(["audit", str(SOS / "newton"), "--against", str(old), "--ignore", "LW506"], capsys)
    tail = text[text.index("newton_cluster: 1 new") :].splitlines()
    assert tail[0] == "newton_cluster: 1 new, 1 gone, 4 the same"
    assert tail[1].startswith("  new: error LW202 newton-controller-1:run/systemd")
    assert tail[2].startswith("  gone: error LW506 ")
    text = said(["audit", str(SOS / "mitaka-full"), "--against", str(old)], capsys)
    assert "newton_cluster: is not among what was given this time" in text


def test_clusters_of_one_name_are_not_taken_for_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other"
    shutil.copytree(SOS / "newton", other)
    for path in sorted(other.rglob("*"), key=lambda each: -len(each.parts)):
        if path.is_file() and not path.is_symlink():
            path.write_bytes(path.read_bytes().replace(b"newton-controller", b"second-controller").replace(b"192.0.2.", b"198.51.100."))
        if "newton-controller" in path.name:
            path.rename(path.with_name(path.name.replace("newton-controller", "second-controller")))
    both = [str(SOS / "newton"), str(other)]
    old = tmp_path / "old.json"
    old.write_text(said(["audit", *both, "--format", "json"], capsys))
    tail = said(["audit", *both, "--against", str(old)], capsys).splitlines()[-1]
    assert tail == "newton_cluster: 0 new, 0 gone, 12 the same"


@pytest.mark.parametrize("text", ["", "{}", "[1", '{"version": 1}'])
def test_what_is_no_earlier_answer_is_refused(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = tmp_path / "old.json"
    old.write_text(text)
    assert main(["audit", str(SOS / "newton"), "--against", str(old)]) == 2
    assert "is not the output of `lwlint audit --format json`" in capsys.readouterr().err


def test_names_are_replaced_in_the_first_lines_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert "newton" not in said(["audit", str(SOS / "newton"), "--format", "ticket", "--anonymize"], capsys).replace("judged as newton", "")
