"""The judge of the lab: from events to the closed vocabulary; what a probe cannot tell is not observed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab import evidence
from lab.__main__ import batches, compare, observation, schemas
from lab.host import read
from lab.judge import Words, judge, judge_pair, judge_unit
from lwlint.core import observed
from lwlint.core.observed import DOES, NOT_OBSERVED, READY, THEN, WHEN, WITH

AWAY = [40.0, "== database-up"]


def seen(
    *events: Any, status: int | None = None, ready: float | None = None, forks: int = 0, ok: tuple[int, ...] = (200,)
) -> dict[str, Any]:
    return {"events": [[0, "start"], *map(list, events)], "status": status, "ready": ready, "forks": forks, "ok": list(ok)}


def probe(at: float, **found: str) -> list[Any]:
    return [at, "probe " + json.dumps(found)]


END = [100.0, "end"]
DONE = [42.0, "== done"]


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (seen([30, "exits 0"], AWAY, DONE, END, status=0, ready=5), ("exits 0", "before", "gone", None)),
        (seen([30, "exits 1"], AWAY, DONE, END, status=1), ("exits 1", "never", "gone", None)),
        (seen([30, "exits -9"], AWAY, DONE, END, status=-9), (NOT_OBSERVED, "never", "gone", None)),
        (seen(probe(9, queue="none"), AWAY, DONE, probe(50, queue="listens"), END, ready=49), ("waits", "after", "serves", 10)),
        (
            seen(probe(9, queue="listens", beat="no database"), AWAY, DONE, probe(46, queue="listens", beat="fresh"), END),
            ("serves", "never", "serves", 6),
        ),
        (
            seen(probe(9, queue="listens", beat="no database"), AWAY, DONE, probe(46, queue="listens", beat="stale"), END),
            ("serves", "never", NOT_OBSERVED, None),
        ),
        (seen(probe(9, http="500"), AWAY, DONE, END, ready=1), ("answers 500", "before", "never: 500", None)),
        (seen(probe(9, http="500"), AWAY, DONE, probe(47, http="200"), END), ("answers 500", "never", "serves", 7)),
        (seen(probe(9, http="no answer"), AWAY, DONE, probe(47, http="200"), END), ("hangs requests", "never", "serves", 7)),
        (seen(probe(9, http="refused"), AWAY, DONE, probe(47, http="200"), END), ("waits", "never", "serves", 7)),
        (seen(probe(9, http="404"), AWAY, DONE, END), (NOT_OBSERVED, "never", NOT_OBSERVED, None)),
        (seen(probe(9, http="401"), AWAY, DONE, END, ok=(401,)), ("serves", "never", "serves", None)),
        (seen(probe(9, queue="none"), AWAY, DONE, END), ("waits", "never", "never: deaf", None)),
        (seen(probe(9, queue="none"), AWAY, DONE, END, forks=12), ("forks again", "never", "never: deaf", None)),
        (seen([9, "probe {}"], AWAY, DONE, END, ready=3), ("waits", "before", NOT_OBSERVED, None)),
        (seen(AWAY, DONE, END), (NOT_OBSERVED, "never", NOT_OBSERVED, None)),
        (seen([30, "exits 0"], END, status=0, ready=5), ("exits 0", "before", "gone", None)),
        (seen(probe(9, queue="none"), END), ("waits", "", NOT_OBSERVED, None)),
    ],
)
def test_events_become_words(run: dict[str, Any], words: tuple[Any, ...]) -> None:
    assert judge(run) == Words(*words)
    assert words[0] in (*DOES, NOT_OBSERVED) or observed.EXITS.fullmatch(words[0])
    assert words[1] in ("", *READY)
    assert words[2] in THEN


def test_a_server_that_is_killed_under_a_service_that_did_not_serve_shows_nothing() -> None:
    events = [
        [30, "== database-kill"],
        [31, "== done"],
        probe(40, http="500"),
        [60, "== database-up"],
        [61, "== done"],
        probe(66, http="200"),
        END,
    ]
    assert judge(seen(probe(9, http="200"), *events)) == Words("answers 500", "", "serves", 6)
    assert judge(seen(probe(9, http="500"), *events)).does == NOT_OBSERVED
    assert judge(seen([20, "exits 1"], *events, status=1)).does == NOT_OBSERVED


@pytest.mark.parametrize(
    ("then", "now", "word"),
    [
        (("activating", "auto-restart", 30), ("activating", "auto-restart", 35), "goes on"),
        (("failed", "failed", 5), ("failed", "failed", 5), "gives up"),
        (("inactive", "dead", 0), ("inactive", "dead", 0), "left dead"),
        (("failed", "failed", 0), ("failed", "failed", 0), "left dead"),
        (("active", "exited", 0), ("active", "exited", 0), "left dead"),
        (("activating", "auto-restart", 0), ("activating", "auto-restart", 0), "left dead"),
        (("activating", "start", 0), ("activating", "start", 0), "starts for ever"),
        (("active", "running", 0), ("active", "running", 0), "stays up"),
        (("active", "running", 7), ("active", "running", 7), "goes on"),
    ],
)
def test_a_unit_gets_one_word(then: tuple[str, str, int], now: tuple[str, str, int], word: str) -> None:
    shown = [{"ActiveState": state, "SubState": sub, "NRestarts": str(restarts)} for state, sub, restarts in (then, now)]
    assert judge_unit(*shown) == word
    assert word in observed.UNIT_DOES


def test_a_pair_is_told_scenario_by_scenario() -> None:
    runs, dead, other = ({"runs": True, "pid": "1"}, {"runs": False, "pid": "0"}, {"runs": True, "pid": "2"})
    scenes = {f"before {name}": runs for name in ("killed", "stopped", "comes_back")}
    scenes |= {"cannot_start": dead, "killed": runs, "stopped": dead, "started": dead, "comes_back": other, "activating": runs}
    words = judge_pair(scenes)
    told = {"killed": "stays", "stopped": "dies", "started": "stays", "comes_back": "restarted along"}
    assert words == {"cannot_start": False, "activating": True, **told}
    assert judge_pair({**scenes, "stopped": runs})["started"] == "dies"


def test_the_words_of_the_lab_are_those_that_the_reader_knows() -> None:
    timelines = read("timelines.yaml")
    assert set(timelines["timelines"]) <= set(WHEN)
    assert set(timelines["settings"]) <= set(WITH)
    programs = read("services.yaml")["programs"]
    for level in read("matrix.yaml").values():
        tree = read("trees.yaml")[level["tree"]]
        found = list(batches(level, tree))
        assert len({one["id"] for batch in found for one in batch["instances"]}) == sum(len(batch["instances"]) for batch in found)
        assert {one["project"] for batch in found for one in batch["instances"]} == {one["project"] for one in schemas(level, tree)}
        for batch in found:
            for one in batch["instances"]:
                assert one["cell"]["program"] in {program.get("program", name) for name, program in programs.items()}


def test_the_ci_level_is_as_wide_as_it_must_be() -> None:
    level = read("matrix.yaml")["ci"]
    assert len(level["programs"]) >= 6
    assert {cell["timeline"]: len(cell["settings"]) for cell in level["cells"]} == {"database-away-at-start": 2, "broker-away-at-start": 2}
    assert len(read("units.yaml")["units"]) > 50


def test_the_evidence_is_what_the_observations_come_to() -> None:
    """`python -m lab evidence` was run."""
    assert evidence.text(evidence.read_lines()) == evidence.TARGET.read_text("utf-8")


def test_runs_alike_are_one_and_those_that_differ_are_named() -> None:
    line = {
        "kind": "service",
        "service": "x",
        "program": "x",
        "release": "zed",
        "when": "w",
        "setting": "s",
        "does": "exits 0",
        "life": 3.0,
        "by": "ci",
    }
    services, varies = evidence.merged([line, {**line, "life": 2.0}, {**line, "does": "exits 1", "by": "reported"}])
    assert (services["x"], varies) == ([{**line, "life": 2.0, "times": 2}], [])
    services, varies = evidence.merged([line, {**line, "does": "exits 1"}, {**line, "does": NOT_OBSERVED}])
    assert ([run["does"] for run in services["x"]], varies) == (["exits 0", "exits 1"], ["x/zed/w/s"])


def test_an_observation_has_versions_and_no_empty_words(capsys: pytest.CaptureFixture[str]) -> None:
    cell = {"service": "heat_engine", "program": "heat-engine", "under": "", "release": "zed", "only": "", "package": "python3-heat"}
    cell |= {"when": "database-away-at-start", "setting": "finite"}
    run = {**seen([30, "exits 0"], AWAY, DONE, END, status=0, ready=5), "cell": cell, "life": 3.4}
    found = observation(run, {"python3-heat": "19.0.0-3"}, "ci")
    assert (found["version"], found["life"], "under" in found, "after" in found) == ("19.0.0", 3.4, False, False)
    assert compare([{**found, "does": NOT_OBSERVED}]) == 1
    assert "not observed" in capsys.readouterr().out
