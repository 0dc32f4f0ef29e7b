"""The clusters in `fixtures/sos/`: what was planted is found, each at its place, and nothing else; whatever they are packed in.

The tables of `fixtures/sos/README.md` say what was planted and argue each row by its clause. The golden answers are made anew by
`LWLINT_WRITE_GOLDEN=1 python -m pytest tests/audit/test_sos_fixtures.py`, and read (`git diff tests/golden`) before they are kept.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lwlint.cli import main
from lwlint.policy.rules import load_clauses
from tests.audit.audit_cluster import Files, files_of
from tests.files.archive_builder import PACKERS, tar
from tests.report.html_sample import bare
from tests.report.report_sample import assert_golden, without_passes
from tests.shared import HERE

FOLDER = "fixtures/sos"
README = (HERE / FOLDER / "README.md").read_text("utf-8")
CLUSTERS = ("mitaka-full", "mitaka-light", "newton", "queens-docker", "wallaby-podman")
FULL_CIB = "sos_commands/cluster/crm_report/full-controller-0.localdomain/cib.xml"
# what stays of the 51 resources of the full architecture
STAYS = {"haproxy-clone", "rabbitmq-clone", "galera-master", "redis-master", "openstack-cinder-volume", "vsm-p", "vsm-s"}

# what cannot be judged: sos takes `run/` from 3.6, and runs `systemctl show` for units from 3.4 on; mitaka-full has no list of units either
NOT_EVALUATED = {
    "mitaka-full": {"LW202", "LW211", "LW501", "LW502", "LW506", "LW507", "LW510"},
    "mitaka-light": {"LW202", "LW211", "LW502"},
}


class Defect(NamedTuple):
    """One row of a table: a planted defect, or `times` alike in one file."""

    code: str
    times: int
    clause: str
    hosts: str
    place: str
    word: str


def planted(cluster: str) -> list[Defect]:
    section = README.split(f"\n## {cluster}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (LW\d+)(?: × (\d+))? \| ([\w-]+) \| ([\d ]+) \| `([^`]+)` \| `?([^|`]+)`? \| \S.*\|$", section, re.M)
    assert len(rows) == section.count("\n| LW")
    return [Defect(code, int(times or 1), clause, hosts, place, word.strip()) for code, times, clause, hosts, place, word in rows]


@pytest.fixture
def audited(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return what `lwlint audit` prints."""
    monkeypatch.chdir(HERE)

    def run(*arguments: str) -> str:
        assert main(["audit", *arguments]) == 1
        captured = capsys.readouterr()
        assert captured.err == ""
        return captured.out

    return run


def answer(audited: Callable[..., str], *targets: str) -> Any:
    (cluster,) = json.loads(audited(*targets, "--format", "json"))["clusters"]
    return cluster


def one(found: Any) -> tuple[str, str, str, str]:
    place = found["places"][0]
    return found["code"], found["clause"], " ".join(host[-1] for host in found["hosts"]), f"{place['path']}:{place['line']}"


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_what_was_planted_is_found_and_nothing_else(cluster: str, audited: Callable[..., str]) -> None:
    found = {}
    for finding in answer(audited, f"{FOLDER}/{cluster}")["findings"]:
        found.setdefault(one(finding), []).append(finding["message"])
    missed, left = [], {key: list(messages) for key, messages in found.items()}
    for row in planted(cluster):
        fits = [(key, m) for key, messages in left.items() for m in messages if _fits(row, key, m)]
        if len(fits) < row.times:
            missed.append(row)
        for key, message in fits[: row.times]:
            left[key].remove(message)
    assert (missed, {key: messages for key, messages in left.items() if messages}) == ([], {})


def _fits(row: Defect, key: tuple[str, str, str, str], message: str) -> bool:
    code, clause, hosts, place = key
    placed = place == row.place or (row.times > 1 and place.rpartition(":")[0] == row.place)
    return (code, clause, hosts) == (row.code, row.clause, row.hosts) and placed and row.word in message


def test_the_full_architecture_is_told_resource_by_resource_and_constraint_by_constraint(audited: Callable[..., str]) -> None:
    (host,) = (HERE / FOLDER / "mitaka-full").glob("*full-controller-0*")
    cib = ET.parse(host / FULL_CIB).getroot()
    resources = [(top.get("id") or "", top.find("primitive")) for top in cib.findall("configuration/resources/*")]
    leave = [id for id, _ in resources if not (id.startswith("ip-") or id in STAYS)]
    inside = {id: id if leaf is None else leaf.get("id") for id, leaf in resources}
    constraints = {
        c.get("id"): {c.get("first"), c.get("then"), c.get("rsc"), c.get("with-rsc")} for c in cib.find("configuration/constraints")
    }  # type: ignore[union-attr]
    gone = [id for id, bound in constraints.items() if bound & set(leave)]
    findings = answer(audited, f"{FOLDER}/mitaka-full")["findings"]
    told = {code: [re.split("`", f["message"])[1] for f in findings if f["code"] == code] for code in ("LW101", "LW105")}
    assert (told["LW101"], len(leave), len(resources)) == ([inside[id] for id in leave], 38, 51)
    assert (told["LW105"], len(gone), len(constraints)) == (gone, 66, 79)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_the_table_of_the_answer_fails_where_a_defect_is_and_nowhere_else(cluster: str, audited: Callable[..., str]) -> None:
    hosts = answer(audited, f"{FOLDER}/{cluster}")["hosts"]
    rows = planted(cluster)
    assert {row.clause for row in rows} <= {clause.id for clause in load_clauses()}
    for host in hosts:
        failing = {clause for clause, cell in host["clauses"].items() if cell["outcome"] == "fail"}
        assert failing == {row.clause for row in rows if host["name"][-1] in row.hosts.split()}
        assert {cell["outcome"] for cell in host["clauses"].values()} == {"pass", "fail"}


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_rule_is_not_evaluated_where_its_evidence_is_not_collected_and_nowhere_else(cluster: str, audited: Callable[..., str]) -> None:
    for host in answer(audited, f"{FOLDER}/{cluster}")["hosts"]:
        outcomes = {verdict["code"]: verdict["outcome"] for verdict in host["verdicts"]}
        assert {code for code, outcome in outcomes.items() if outcome == "not evaluated"} == NOT_EVALUATED.get(cluster, set())


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_the_answer_is_the_golden_one(cluster: str, audited: Callable[..., str]) -> None:
    target = f"{FOLDER}/{cluster}"
    assert_golden(without_passes(audited(target)), f"sos/{cluster}.txt")
    assert_golden(without_passes(audited(target, "--format", "json")), f"sos/{cluster}.json")
    assert_golden(without_passes(bare(audited(target, "--format", "html"))), f"sos/{cluster}.html")


def test_a_new_rule_that_a_cluster_passes_changes_only_how_many_rules_of_its_clause_were_evaluated(
    audited: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new-rule", "slow-node", str(tmp_path), "--area", "pacemaker"]) == 0
    capsys.readouterr()
    before, after = (without_passes(audited(f"{FOLDER}/mitaka-light", *more)).splitlines() for more in ((), ("--rules", str(tmp_path))))
    changed = [(old, new) for old, new in zip(before, after) if old != new]
    assert len(before) == len(after)
    assert [re.sub(r"\d+ of \d+", "", new) == re.sub(r"\d+ of \d+", "", old) for old, new in changed] == [True]
    assert changed[0][0].startswith("one-resource-manager ")


def reports(cluster: str) -> dict[str, Files]:
    """Return the reports of a cluster: the name of each, and its files."""
    folders = sorted(path for path in (HERE / FOLDER / cluster).iterdir() if path.is_dir())
    return {folder.name: files_of(folder) for folder in folders}


def without_targets(cluster: Any) -> Any:
    return {**cluster, "hosts": [{**host, "target": ""} for host in cluster["hosts"]]}


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("cluster", CLUSTERS)
def test_an_archive_of_each_host_has_the_answer_of_the_folders(
    cluster: str, packing: str, audited: Callable[..., str], tmp_path: Path
) -> None:
    for name, files in reports(cluster).items():
        (tmp_path / f"{name}.{packing}").write_bytes(PACKERS[packing](tar(files, top=f"{name}/")))
    packed, plain = answer(audited, *map(str, sorted(tmp_path.iterdir()))), answer(audited, f"{FOLDER}/{cluster}")
    assert without_targets(packed) == without_targets(plain)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_collectors_archive_and_a_case_have_the_answer_of_the_folders(cluster: str, audited: Callable[..., str], tmp_path: Path) -> None:
    collected: Files = {"sos_logs/ui.log": "three nodes\n", "sos_reports/manifest.json": "{}\n"}
    for number, (name, files) in enumerate(reports(cluster).items()):
        packing = list(PACKERS)[number]
        collected[f"{name}.{packing}"] = PACKERS[packing](tar(files, top=f"{name}/"))
        collected[f"{name}.{packing}.md5"] = "d41d8cd98f00b204e9800998ecf8427e\n"
    collector = PACKERS["tar.xz"](tar(collected, top="sos-collector-case-2022-10-19-abcde/"))
    case = PACKERS["tar.gz"](tar({"sos-collector-case-2022-10-19-abcde.tar.xz": collector, "notes.txt": "see the reports\n"}))
    plain = without_targets(answer(audited, f"{FOLDER}/{cluster}"))
    for name, data in (("collector.tar.xz", collector), ("case.tar.gz", case)):
        (tmp_path / name).write_bytes(data)
        assert without_targets(answer(audited, str(tmp_path / name))) == plain


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_report_that_sos_cleaned_of_empty_lines_has_the_same_answer(cluster: str, audited: Callable[..., str], tmp_path: Path) -> None:
    """`sos clean` of sos 4.0 and 4.1 takes the empty lines out of each file in which it puts another name in the place of one."""
    for name, files in reports(cluster).items():
        cleaned = {path: re.sub(rb"(?m)^[ \t\r]*\n", b"", data) if isinstance(data, bytes) else data for path, data in files.items()}
        assert cleaned != files
        (tmp_path / f"{name}.tar").write_bytes(tar(cleaned, top=f"{name}/"))
    found, plain = answer(audited, *map(str, sorted(tmp_path.iterdir()))), answer(audited, f"{FOLDER}/{cluster}")
    assert _without_lines(without_targets(found)) == _without_lines(without_targets(plain))


def _without_lines(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_lines(each) for each in value]
    if isinstance(value, str):
        return re.sub(r"(?<=\w):\d+(:\d+)?\b", "", value)
    return {key: _without_lines(each) for key, each in value.items() if key != "line"} if isinstance(value, dict) else value


def test_all_clusters_at_once_are_told_apart(audited: Callable[..., str]) -> None:
    together = json.loads(audited(FOLDER, "--format", "json"))["clusters"]
    single = [answer(audited, f"{FOLDER}/{cluster}") for cluster in CLUSTERS]
    assert [c["findings"] for c in together] == [c["findings"] for c in sorted(single, key=lambda c: str(c["name"]))]
