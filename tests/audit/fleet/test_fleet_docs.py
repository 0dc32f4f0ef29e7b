"""The ten questions of docs/fleet.md are answered by DuckDB as its SQL stands there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.audit.fleet.looking import need
from tests.audit.fleet.made_store import NEW, OLD, made
from tests.shared import HERE

need("duckdb")
TEXT = (HERE / "docs/fleet.md").read_text("utf-8")
VIEWS, *QUESTIONS = re.findall(r"```sql\n(.*?)```", TEXT, re.S)
FIRST: dict[int, Callable[[list[Any]], bool]] = {
    1: lambda rows: rows[0] == (["mitaka"], 2, ["cloud11", "cloud4"]) or rows[0][1] == 2,
    2: lambda rows: rows[0][:2] == ("LW101", "service-outside-the-core"),
    3: lambda rows: rows == [("0000000000000001", "cloud1", 3, 1)],
    4: lambda rows: [row[0] for row in rows] == ["cloud0", "cloud10", "cloud5"],
    5: lambda rows: "cloud1" in [row[0] for row in rows] and "cloud2" not in [row[0] for row in rows],
    6: lambda rows: ("retries-forever", ["newton"], 3, 2, 67.0) in rows,
    7: lambda rows: rows == [("CIB", 33)],
    8: lambda rows: [row[0] for row in rows] == ["damaged", "failed"],
    9: lambda rows: [row[0] for row in rows] == ["0000000000000001"] * 4,
    10: lambda rows: [(str(row[0]), row[1], row[2]) for row in rows] == [(OLD, "rold", 11), (NEW, "rnew", 11)],
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Any:
    import duckdb

    folder = tmp_path_factory.mktemp("docs")
    made(str(folder / "store"), 12)
    found = duckdb.connect()
    found.execute(VIEWS.replace("'store/", f"'{folder}/store/"))
    return found


@pytest.mark.parametrize("number", range(1, 11))
def test_a_question_of_the_page_is_answered(number: int, database: Any) -> None:
    rows = database.execute(QUESTIONS[number - 1]).fetchall()
    assert rows
    assert FIRST[number](rows), rows


def test_there_are_ten_questions_and_each_has_its_sql() -> None:
    assert (len(QUESTIONS), re.findall(r"^\*\*(\d+)\. .*\?\*\*$", TEXT, re.M)) == (10, [str(number) for number in range(1, 11)])


def test_other_programs_read_the_tables_with_their_descriptions(tmp_path: Path) -> None:
    import pyarrow.dataset as ds

    from lwlint.audit.fleet.tables import TABLES, columns

    store = made(str(tmp_path / "store"), 4)
    for name, kind in TABLES.items():
        found = ds.dataset(f"{store.url}/{name}", partitioning="hive")
        told = {field.name: (field.metadata or {}).get(b"description", b"").decode() for field in found.schema if field.name != "run_date"}
        assert told == {column: said for column, _, _, said in columns(kind)}
        assert set(found.to_table().column("run_date").to_pylist()) == {OLD, NEW}
