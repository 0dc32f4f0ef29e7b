"""`lwlint fleet report`, `diff` and `export`: what a store tells, in every form."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import re
from pathlib import Path

import pytest

from lwlint.audit.fleet.run import _metric, changes, clauses, latest, rows
from lwlint.audit.fleet.store import Store
from lwlint.audit.fleet.tables import TABLES, ArchiveRow, ClusterRow, columns, parquet
from lwlint.cli import main
from tests.audit.fleet.looking import need
from tests.audit.fleet.made_store import CANARY, NEW, OLD, made

need()
Capsys = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return made(str(tmp_path_factory.mktemp("store")), 12)


def told(store: Store, capsys: Capsys, *arguments: str, code: int = 0) -> str:
    assert main(["fleet", arguments[0], store.url, *arguments[1:]]) == code
    return capsys.readouterr().out


def test_what_changed_is_told_by_cluster_the_worse_ones_first(store: Store, capsys: Capsys) -> None:
    out = told(store, capsys, "diff", "--since", OLD, code=1).splitlines()
    assert out[0] == f"rnew of {NEW}, against rold of {OLD}"
    assert out[1] == "cloud1 (0000000000000001): worse: 3 errors, 2 warnings, 0 notes; before: 1 error, 0 warnings, 0 notes; 4 new, 0 gone"
    assert out[2].startswith("  new: error LW201 ") or out[2].startswith("  new: error LW301 ")
    assert "cloud2 (0000000000000002): better: 0 errors, 0 warnings, 0 notes; before: 1 error, 1 warning, 0 notes; 0 new, 2 gone" in out
    assert "cloud3 (0000000000000003): is not in the newer run; 2 errors, 1 warning, 0 notes" in out
    assert "cloud11 (000000000000000b): was not in the older run; 2 errors, 2 warnings, 0 notes" in out
    assert out[-1] == "1 worse, 1 better, 0 changed, 1 new, 1 gone, 8 the same"
    assert "\u202e" not in "\n".join(out)


def test_a_diff_needs_two_runs(store: Store, capsys: Capsys) -> None:
    for day, said in ((NEW, "there is no later run"), ("2000-01-01", "no run of 2000-01-01 or before it"), ("monday", "name a day")):
        assert main(["fleet", "diff", store.url, "--since", day]) == 2
        assert said in capsys.readouterr().err


@pytest.mark.parametrize("table", sorted(TABLES))
def test_a_table_is_exported_whole(table: str, store: Store, capsys: Capsys) -> None:
    lines = [json.loads(line) for line in told(store, capsys, "export", "--json", "--table", table).splitlines()]
    cells = list(csv.reader(io.StringIO(told(store, capsys, "export", "--csv", "--table", table))))
    names = ["run_date", *(name for name, *_ in columns(TABLES[table]))]
    assert cells[0] == names == list(lines[0])
    assert len(lines) == len(cells) - 1 == {"archives": 35, "clusters": 11, "hosts": 33, "findings": 30, "verdicts": 99}[table]
    assert {line["run_date"] for line in lines} == {NEW}


def test_figures_are_what_prometheus_reads(store: Store, capsys: Capsys) -> None:
    out = told(store, capsys, "export", "--prometheus")
    assert re.sub(r'^(#.*|lwlint_fleet_[a-z_]+(\{([a-z_]+="([^"\\]|\\.)*",?)+\})? \d+)\n', "", out, flags=re.M) == ""
    assert 'lwlint_fleet_archives{state="failed"} 1\n' in out
    assert 'lwlint_fleet_cluster_findings{cluster="0000000000000001",name="cloud1",severity="error"} 3\n' in out
    assert 'lwlint_fleet_clause_clusters_evaluated{clause="retries-forever",release="newton"} 3\n' in out
    types = re.findall(r"^# TYPE (\S+)", out, re.M)
    assert len(types) == len(set(types))


def test_the_parser_of_prometheus_reads_every_figure(store: Store, capsys: Capsys) -> None:
    parser = pytest.importorskip("prometheus_client.parser", reason="prometheus-client is not installed: its parser is not asked")
    out = told(store, capsys, "export", "--prometheus")
    found = {family.name: family for family in parser.text_string_to_metric_families(out)}
    assert sum(len(family.samples) for family in found.values()) == sum(not line.startswith("#") for line in out.splitlines())
    assert all(family.type == "gauge" and family.documentation.endswith(".") for family in found.values())
    assert {one.labels["state"]: one.value for one in found["lwlint_fleet_archives"].samples} == {"judged": 33, "damaged": 1, "failed": 1}
    for family in found.values():
        assert len({tuple(sorted(one.labels.items())) for one in family.samples}) == len(family.samples), family.name


def test_a_name_with_marks_is_one_label() -> None:
    parser = pytest.importorskip("prometheus_client.parser", reason="prometheus-client is not installed: its parser is not asked")
    for name in ('a"b', "a\\", "a\\n", '\\"', "{}, x=1"):
        (family,) = parser.text_string_to_metric_families("".join(_metric("x", "X.", [({"name": name}, 1)])))
        assert family.samples[0].labels["name"] == name


def test_clauses_are_counted_by_release(store: Store) -> None:
    ran = latest(store)
    found = {(one.clause, one.release): (one.failing, one.evaluated) for one in clauses(store, ran, rows(store, ran, ClusterRow))}
    assert found["pacemaker-nothing-else", "mitaka"] == (2, 3)  # of 0, 4 and 8 the first has no fault
    assert found["retries-forever", "newton"] == (2, 3)  # of 1, 5 and 9 the last has two faults only
    assert sum(evaluated for _, evaluated in found.values()) == 33


def test_the_page_is_complete_in_itself_and_holds_every_finding(store: Store, tmp_path: Path) -> None:
    assert main(["fleet", "report", store.url, "-o", str(tmp_path / "report.html")]) == 0
    text = (tmp_path / "report.html").read_text("utf-8")
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", text)
    assert CANARY not in text
    index = json.loads(re.search(r'id="index">(.*?)</script>', text, re.S)[1])  # type: ignore[index]
    assert len(index["clusters"]) == 11
    packed = re.findall(r'id="chunk\d+">(.*?)</script>', text, re.S)
    found = [one for chunk in packed for one in json.loads(gzip.decompress(base64.b64decode(chunk)))]
    assert sum(len(one["findings"]) for one in found) == 30
    assert [len(one["findings"]) for one in found][1] == 5
    for words in ("2 of 3", "rold</small>", "nothing to judge in it", "cloud1<small>"):
        assert words in text, words


def test_changes_between_a_run_and_itself_are_none(store: Store) -> None:
    ran = latest(store)
    assert {one.state for one in changes(store, ran, ran)} == {"the same"}


def test_a_store_without_a_run_says_so(tmp_path: Path, capsys: Capsys) -> None:
    from lwlint.audit.fleet.store import usable

    usable(str(tmp_path))
    for what in (["report"], ["export", "--csv"], ["report", "--cluster", "x"]):
        assert main(["fleet", what[0], str(tmp_path), *what[1:]]) == 2
        assert "no run has ended in it" in capsys.readouterr().err
    assert main(["fleet", "export", str(tmp_path)]) == 2
    assert "say in which form" in capsys.readouterr().err


def test_a_name_that_is_no_utf_8_is_written_as_one_that_is_not_known() -> None:
    import pyarrow.parquet as pq

    row = ArchiveRow("r", "a\udcffb", "failed", "", 1, 0, 0, 0)
    (found,) = pq.ParquetFile(io.BytesIO(parquet(ArchiveRow, [row]))).read().to_pylist()
    assert found["archive"] == "a\ufffdb"
    assert pq.ParquetFile(io.BytesIO(parquet(ArchiveRow, []))).read().num_rows == 0
