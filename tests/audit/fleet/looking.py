"""What a store holds, as its tests look at it."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lwlint.audit.answer import ClusterAnswer
from lwlint.report.audit import _cluster
from lwlint.report.json import write

LACKING = [name for name in ("distributed", "fsspec", "pyarrow") if importlib.util.find_spec(name) is None]


def need(*more: str) -> None:
    """Skip, saying so, without the extra."""
    lacking = [*LACKING, *(name for name in more if importlib.util.find_spec(name) is None)]
    if lacking:
        pytest.skip(f"THE EXTRA `fleet` IS MISSING ({', '.join(lacking)}): no fleet is judged", allow_module_level=True)


class Here:
    """An engine that does each piece of work in this process, one by one; what reads and judges is a process beside it, as ever."""

    dashboard = ""

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to end."""

    def each(self, terms: Any, jobs: Iterable[Any], number: int, done: Callable[[int, Any], None], most: int = 1) -> None:
        from lwlint.audit.fleet.work import Result, Work, perform

        for place, job in enumerate(jobs):
            (result,) = msgspec.msgpack.decode(perform(Work(terms, [job])), type=list[Result])
            if result.refused:
                raise OSError(5, result.refused)
            done(place, result)


def rows(store: Any, table: str, run: str) -> list[dict[str, Any]]:
    """Return the rows of a table that are of one run, sorted."""
    import io

    import pyarrow.parquet as pq

    found: list[dict[str, Any]] = []
    for name in store.names(table):
        if name.rpartition("/")[2].startswith(run):
            found += pq.ParquetFile(io.BytesIO(store.read(name))).read().to_pylist()
    return sorted(found, key=repr)


def answers(store: Any, run: str) -> list[ClusterAnswer]:
    """Return the whole answers of a run's clusters."""
    from lwlint.audit.fleet.archives import answer_of
    from lwlint.audit.fleet.work import answer

    keys = {row["answer"] for row in rows(store, "clusters", run)}
    return [cluster for key in sorted(keys) for cluster in answer_of(store.read(answer(key))).clusters]


def plain(clusters: Iterable[ClusterAnswer], old: str = "", new: str = "") -> dict[str, Any]:
    """Return clusters as `lwlint audit --format json` prints them, by name; `old` is replaced where archives lay elsewhere."""
    found = {one.name: json.loads(write(_cluster(one)).replace(old, new) if old else write(_cluster(one))) for one in clusters}
    return dict(sorted(found.items()))


def expected_states(numbers: Iterable[int]) -> dict[str, int]:
    """Return how many archives of made-up clusters end how."""
    from tests.audit.fleet.made import BOMB, CUT

    numbers = list(numbers)
    damaged, failed = sum(number % 10 == CUT for number in numbers), int(BOMB in numbers)
    return {"judged": 3 * len(numbers) - damaged - failed, "damaged": damaged, "failed": failed}


def tables(store: Any, run: str) -> dict[str, list[dict[str, Any]]]:
    return {table: rows(store, table, run) for table in ("archives", "clusters", "findings", "hosts", "verdicts")}


def written_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
