"""Archives of many clusters: on this machine, on a scheduler with three workers, on S3, and while all of it is being broken.

They are 90 of 30 clusters, and with `LWLINT_FLEET=full` 300 of 100.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lwlint.audit.fleet.run import runs
from lwlint.audit.fleet.store import Store, usable
from tests.audit.fleet.looking import answers, expected_states, need, plain, tables
from tests.audit.fleet.made import audited, fleet
from tests.audit.fleet.surroundings import S3, Dask, refuse, running

need("moto", "s3fs")
pytestmark = pytest.mark.long
CLUSTERS = range(100) if os.environ.get("LWLINT_FLEET") == "full" else range(31, 61)  # either with the bomb
KILLED_AT, KILLS = 30, 12  # archives; workers: a minute of them, so that the run ends on a busy machine too
REFUSED = 10  # seconds
CALM, ROUGH = 240, 400  # seconds at most, on a machine that is very busy


class Calm(NamedTuple):
    """The fleet, what an audit says of each of its clusters, and what a run on this machine wrote."""

    folder: Path
    expected: dict[str, Any]
    run: str
    tables: dict[str, list[dict[str, Any]]]


def ended(process: Any, seconds: float) -> str:
    out, err = process.communicate(timeout=seconds)
    assert process.returncode == 2, (out, err)  # the bomb failed, as it does in an audit
    assert "Traceback" not in err
    assert "c4n4ry" not in out + err
    text: str = out
    return text


def logged(*logs: Path) -> list[dict[str, Any]]:
    """Return what was logged, but for a line that is being written."""
    texts = [log.read_text("utf-8") for log in logs if log.exists()]
    return [json.loads(line) for text in texts for line in text[: text.rfind("\n") + 1].splitlines()]


def waited(*logs: Path) -> bool:
    """Return whether somebody met the store that refused, and waited for it."""
    return any(one["seconds"] > REFUSED / 2 for one in logged(*logs))


def check(store: Store, expected: dict[str, Any], old: str = "", new: str = "") -> str:
    """Check what one run wrote: each cluster has its answer, each archive one state, and no row is there twice."""
    (ran,) = runs(store)
    assert plain(answers(store, ran.run), old, new) == expected
    found = tables(store, ran.run)
    assert Counter(row["state"] for row in found["archives"]) == expected_states(CLUSTERS)
    assert len({row["archive"] for row in found["archives"]}) == 3 * len(CLUSTERS)
    for table, rows in found.items():
        assert len({json.dumps(row, sort_keys=True) for row in rows}) == len(rows) == ran.rows[table]
    assert store.names("staging") == []
    return ran.run


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Calm:
    folder = tmp_path_factory.mktemp("large")
    expected = plain(audited(fleet(folder / "in", CLUSTERS)).values())
    store, log = Store(str(folder / "store")), folder / "log"
    arguments = ["fleet", "run", str(folder / "in"), "--into", str(folder / "store"), "--workers", "2", "--log", str(log)]
    with running(arguments) as process:
        until = time.monotonic() + CALM
        while len(store.names("readings")) < KILLED_AT and time.monotonic() < until:
            time.sleep(0.1)
    assert runs(store) == []  # it was killed, with SIGKILL, in the midst of it
    log.unlink()
    with running(arguments) as process:
        ended(process, CALM)
    assert sum(one["again"] for one in logged(log)) >= KILLED_AT
    run = check(store, expected)
    return Calm(folder, expected, run, tables(store, run))


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with S3() as server:
        before = {name: os.environ.get(name) for name in server.environment}
        os.environ.update(server.environment)
        import s3fs

        s3fs.S3FileSystem(client_kwargs={"endpoint_url": server.environment["AWS_ENDPOINT_URL"]}).mkdir("fleet")
        yield server
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def test_a_run_on_this_machine_that_was_killed_goes_on_and_has_the_answers_of_an_audit(calm: Calm) -> None:
    assert len(calm.expected) == len(CLUSTERS)
    assert sum(len(cluster["findings"]) for cluster in calm.expected.values()) > 3 * len(CLUSTERS)


def test_a_run_on_a_scheduler_with_three_workers_writes_the_same_tables(calm: Calm, tmp_path: Path) -> None:
    with Dask(tmp_path, 3) as dask:
        arguments = ["fleet", "run", str(calm.folder / "in"), "--into", str(tmp_path / "store"), "--on", f"dask://{dask.address}"]
        with running(arguments) as process:
            ended(process, CALM)
    store = Store(str(tmp_path / "store"))
    assert check(store, calm.expected) == calm.run
    assert tables(store, calm.run) == calm.tables


def test_archives_and_store_on_s3_have_the_answers_of_an_audit(calm: Calm, s3: S3) -> None:
    import s3fs

    top = str(calm.folder / "in")
    s3fs.S3FileSystem().put(top, "fleet/in", recursive=True)
    with running(["fleet", "run", "s3://fleet/in/**/*.tar.*", "--into", "s3://fleet/store", "--workers", "2"]) as process:
        ended(process, CALM)
    check(Store("s3://fleet/store"), calm.expected, "s3://fleet/in/", f"{top}/")


def test_nothing_is_lost_and_nothing_is_twice_while_everything_breaks(calm: Calm, tmp_path: Path) -> None:
    """A worker is killed each 5 s, the scheduler once, the store refuses all for 10 s, and two runs go into one store at once."""
    kept = usable(str(tmp_path / "store"))
    with Dask(tmp_path, 3) as dask:
        arguments = ["fleet", "run", str(calm.folder / "in"), "--into", kept.url, "--on", f"dask://{dask.address}", "--log"]
        logs = [tmp_path / "first", tmp_path / "second"]
        with running([*arguments, str(logs[0])]) as first, running([*arguments, str(logs[1])]) as second:
            start = time.monotonic()
            while not (begun := kept.names("readings")) and time.monotonic() < start + ROUGH:
                time.sleep(0.1)
            assert begun
            refusing = threading.Thread(target=refuse, args=(tmp_path / "store", REFUSED))
            refusing.start()
            at, ticks = time.monotonic(), 1
            while any(one.poll() is None for one in (first, second)) and time.monotonic() < start + ROUGH:
                if time.monotonic() >= at + 5 * ticks and dask.killed["worker"] < KILLS and dask.kill_worker():
                    ticks = int((time.monotonic() - at) / 5) + 1
                if not dask.killed["scheduler"] and waited(*logs):
                    dask.kill_scheduler()
                time.sleep(0.1)
            refusing.join()
            for process in (first, second):
                ended(process, 5)
    print(f"{time.monotonic() - start:.0f} s, killed {dask.killed}")
    assert (dask.killed["scheduler"], dask.killed["worker"] >= 2) == (1, True)
    events = [logged(log) for log in logs]
    for some in events:  # each of the two did some of the work, and was told of all of it once
        assert any(not one["again"] for one in some if one["event"] == "read")
        read = [one["name"] for one in some if one["event"] == "read"]
        assert len(read) == len(set(read)) == 3 * len(CLUSTERS)
    assert check(kept, calm.expected) == calm.run
    assert tables(kept, calm.run) == calm.tables
