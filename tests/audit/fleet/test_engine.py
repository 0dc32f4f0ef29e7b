"""Works as Dask is given them: many small pieces in one, none left alone at the end, and each piece done whatever becomes of a work."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec.msgpack import encode

from lwlint.audit.fleet.work import MOST_PIECES, Engine, ReadArchive, Result, Terms, Work
from lwlint.core.finding import ConfigurationError
from tests.audit.fleet.looking import need

need()

from distributed import KilledWorker  # noqa: E402

from lwlint.audit.fleet.archives import Listed  # noqa: E402


class Future:
    """A work that has come to its end."""

    def __init__(self, key: str, status: str, value: Any) -> None:
        self.key, self.status, self._value = key, status, value

    def add_done_callback(self, told: Callable[[Any], None]) -> None:
        if self.status != "cancelled":
            told(self)

    def result(self, timeout: float) -> Any:
        if isinstance(self._value, Exception):
            raise self._value
        return self._value

    def exception(self, timeout: float) -> Any:
        return self._value


class Client:
    """A scheduler with two threads, which does with the n-th work what `does` says."""

    status = "running"

    def __init__(self, does: Callable[[int, list[str]], tuple[str, Any]]) -> None:
        self._does = does
        self.sent: list[list[str]] = []

    def nthreads(self) -> dict[str, int]:
        return {"one": 1, "two": 1}

    def submit(self, function: Any, work: Work, key: str, pure: bool) -> Future:
        _, jobs = work.parts
        urls = [job.archive.url for job in jobs if isinstance(job, ReadArchive)]
        self.sent.append(urls)
        return Future(key, *self._does(len(self.sent), urls))


def finished(urls: Sequence[str]) -> tuple[str, bytes]:
    return "finished", encode([Result(because=url) for url in urls])


def run(does: Callable[[int, list[str]], tuple[str, Any]], number: int, most: int = MOST_PIECES) -> tuple[Client, Counter[str]]:
    """Return what was sent, and how often each piece was told to be done."""
    engine, client = Engine("fake"), Client(does)
    engine._client = client
    told: Counter[str] = Counter()

    def done(number: int, result: Result) -> None:
        assert result.because in (str(number), "was not read: the workers that it was given to died")
        told[str(number)] += 1

    engine.each(Terms("store"), (ReadArchive(Listed(str(i))) for i in range(number)), number, done, most)
    return client, told


@pytest.mark.parametrize("number", [0, 1, 7, 1000])
def test_each_piece_is_done_once_and_works_are_smaller_towards_the_end(number: int) -> None:
    client, told = run(lambda n, urls: finished(urls), number)
    assert told == Counter({str(i): 1 for i in range(number)})
    sizes = [len(urls) for urls in client.sent]
    assert max(sizes, default=0) <= MOST_PIECES
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-7:] == [1] * min(number, 7)
    if number == 1000:
        assert sizes[0] == MOST_PIECES


def test_what_a_worker_had_no_time_for_is_sent_anew() -> None:
    client, told = run(lambda n, urls: finished(urls[:1]), 50)
    assert told == Counter({str(i): 1 for i in range(50)})
    assert len(client.sent) == 50


def test_a_work_that_was_lost_is_sent_anew_whole() -> None:
    def does(n: int, urls: list[str]) -> tuple[str, Any]:
        if n in (1, 3):
            return "cancelled", None
        return ("finished", OSError("its worker went")) if n == 5 else finished(urls)

    client, told = run(does, 300)
    assert told == Counter({str(i): 1 for i in range(300)})
    assert sum(map(len, client.sent)) == 300 + sum(len(client.sent[n - 1]) for n in (1, 3, 5))


def test_a_piece_that_kills_its_workers_is_found_and_costs_itself_only() -> None:
    def does(n: int, urls: list[str]) -> tuple[str, Any]:
        return ("error", KilledWorker("lwlint", None, 4)) if "17" in urls else finished(urls)

    client, told = run(does, 200)
    assert told == Counter({str(i): 1 for i in range(200)})
    alone = [urls for urls in client.sent if urls == ["17"]]
    assert len(alone) == 10


def test_workers_of_another_version_and_workers_without_lwlint_are_named() -> None:
    with pytest.raises(ConfigurationError, match=r"a worker has lwlint 0\.0\.0"):
        run(lambda n, urls: ("finished", encode([Result(version="0.0.0")])), 3)
    with pytest.raises(ConfigurationError, match=r"is `lwlint\[fleet\]` installed there"):
        run(lambda n, urls: ("error", ModuleNotFoundError("No module named 'lwlint'")), 3)


def test_a_store_that_refuses_ends_the_run() -> None:
    with pytest.raises(OSError, match="refused"):
        run(lambda n, urls: ("finished", encode([Result(refused="the store refused")])), 3)


LOGS = """
import logging
from lwlint.core.finding import ConfigurationError
from lwlint.audit.fleet.work import Engine
try:
    with Engine("no:such"):
        pass
except ConfigurationError:
    import distributed
for name in ("distributed.batched", "distributed.client", "distributed.core", "tornado.application", "asyncio"):
    logging.getLogger(name).error("a loss: %s", name)
print(*[logging.getLevelName(logging.getLogger(name).level) for name in ("distributed", "distributed.client")])
"""


def test_dask_logs_no_loss_though_its_import_gives_its_loggers_levels() -> None:
    """Whoever imports Dask first sets the levels last."""
    ran = subprocess.run([sys.executable, "-c", LOGS], capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stdout.split(), ran.stderr) == (0, ["CRITICAL", "CRITICAL"], "")
