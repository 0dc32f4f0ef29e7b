"""The judge of the lab: from events to the closed vocabulary; what a probe cannot tell is not observed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab import evidence
from lab.__main__ import AT_ONCE, agree, batches, compare, groups, kept, observation, schemas, set_up
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
        (seen(probe(9, http="no answer"), AWAY, DONE, END), ("hangs requests", "never", "never: hangs", None)),
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


def test_a_program_whose_schema_could_not_be_made_shows_nothing() -> None:
    run = seen([30, "exits 1"], AWAY, DONE, END, status=1)
    assert judge({**run, "events": run["events"][:-1]}).does == NOT_OBSERVED  # nor one whose timeline broke off
    assert (judge(run).does, judge({**run, "cannot_tell": "its schema could not be made"}).does) == ("exits 1", NOT_OBSERVED)


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


def test_what_does_nothing_to_the_servers_runs_at_once_and_all_else_by_itself() -> None:
    level = read("matrix.yaml")["night"]
    every = list(batches(level, read("trees.yaml")[level["tree"]]))
    together = groups(every)
    assert [batch["name"] for group in together for batch in group] == [batch["name"] for batch in every]
    assert any(len(group) > 1 for group in together)
    for group in together:
        assert len(group) == 1 or sum(len(batch["instances"]) for batch in group) <= AT_ONCE
        if len(group) > 1:
            assert all(step["does"] == "nothing" for batch in group for step in batch["timeline"]["steps"])
            assert not any(batch["timeline"].get("away") or batch["timeline"].get("answers") == "full" for batch in group)


def test_the_night_is_as_wide_as_it_must_be_and_each_timeline_is_run_at_some_level() -> None:
    levels = read("matrix.yaml")
    assert len(levels["night"]["programs"]) >= 25
    assert {cell["timeline"] for level in levels.values() for cell in level["cells"]} == set(read("timelines.yaml")["timelines"])


def test_the_failover_is_tried_with_four_services_and_more_without_end_and_with_ten_attempts() -> None:
    level = read("matrix.yaml")["failover"]
    assert len(level["programs"]) >= 4
    for cell in level["cells"]:
        assert (cell["settings"], cell["timeline"] in WHEN) == (["unlimited", "ten"], True)


def test_a_run_that_was_broken_off_goes_on_where_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells seen with the set-up as it is are passed over, once more with `none`, and with `any` those of any set-up."""
    monkeypatch.setattr(evidence, "FOLDER", tmp_path)
    level = read("matrix.yaml")["ci"]
    tree = read("trees.yaml")[level["tree"]]
    every = [one["cell"] for batch in batches(level, tree) for one in batch["instances"]]
    by, keep = kept("ci", True, "as it is")
    keep.begin({"kind": "source", "by": by, "set_up": set_up()})
    assert not list(tmp_path.iterdir())  # a run that saw nothing leaves nothing
    for n, cell in enumerate(every[:5]):
        mark = "of another" if n == 4 else cell["set_up"]
        keep.add({"kind": "service", **cell, "set_up": mark, "does": "waits" if n else NOT_OBSERVED, "by": by})
    again, on = kept("ci", True, "as it is")
    left = [one["cell"] for batch in batches(level, tree, on.seen) for one in batch["instances"]]
    assert (again, left) == (by, every[4:])
    other, new = kept("ci", True, "none")
    assert (other, new.seen) == (f"{by}b", set())
    _, missing = kept("night", True, "any")
    left = [one["cell"] for batch in batches(level, tree, missing.seen) for one in batch["instances"]]
    assert left == [every[0], *every[5:]]  # what could not be told is tried again
    assert kept("ci", False, "as it is")[1].seen == set()


def test_two_runs_are_compared_cell_by_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(evidence, "FOLDER", tmp_path)
    cell = {"kind": "service", "service": "x", "release": "zed", "when": "w", "setting": "s", "does": "waits", "then": "serves"}
    for by, does in (("ci-1", "waits"), ("ci-2", "exits 0")):
        lines = [{"kind": "source", "by": by}, *({**cell, "program": f"p{n}", "by": by} for n in range(20))]
        if by == "ci-2":
            lines[1]["does"] = does
            lines.append({**cell, "program": "new", "by": by})
        (tmp_path / f"{by}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert agree("ci-1", "ci-2") == 0
    out = capsys.readouterr().out
    assert "lab: 19 of 20 cells as before (95.0 %), 1 differ, 0 not observed; 1 seen for the first time" in out
    assert "differs: p0//zed/w/s/: ('exits 0'" in out
    (tmp_path / "ci-2.jsonl").write_text((tmp_path / "ci-2.jsonl").read_text().replace('"waits"', '"serves"', 2))
    assert agree("ci-1", "ci-2") == 1
    (tmp_path / "ci-1.jsonl").write_text((tmp_path / "ci-1.jsonl").read_text().replace('"waits"', '"not observed"'))
    assert agree("ci-1", "ci-2") == 1
    assert "lab: 0 of 0 cells as before" in capsys.readouterr().out  # what was not observed agrees with nothing
    assert agree("ci-1", "ci-3") == 2
    assert "`ci-3` is no run or day of one; there are ci-1, ci-2" in capsys.readouterr().err


def test_all_runs_of_two_days_are_compared_and_what_one_did_not_see_agrees_with_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evidence, "FOLDER", tmp_path)
    cell = {"kind": "service", "service": "x", "release": "zed", "when": "w", "setting": "s", "does": "waits", "ready": "before"}
    runs = {
        "ci-1": ("2026-01-01", {"a": "serves", "b": "not observed", "c": "gone", "d": "serves"}),
        "night-1": ("2026-01-01", {"d": "never: hangs", "e": "serves"}),
        "ci-2": ("2026-01-02", {"a": "serves", "b": "serves", "c": "not observed", "d": "never: hangs", "e": "gone"}),
    }
    for by, (date, cells) in runs.items():
        lines = [
            {"kind": "source", "by": by, "date": date},
            *({**cell, "program": one, "then": then, "by": by} for one, then in cells.items()),
        ]
        (tmp_path / f"{by}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert agree("2026-01-01", "2026-01-02") == 1
    out = capsys.readouterr().out
    assert "lab: 2 of 5 cells as before (40.0 %), 1 differ, 2 not observed; 0 seen for the first time" in out
    assert [line.split(": ")[1:3] for line in out.splitlines()[:-1]] == [
        ["not observed, or not to its end", "b//zed/w/s/"],
        ["not observed, or not to its end", "c//zed/w/s/"],
        ["differs", "e//zed/w/s/"],
    ]


def test_a_failover_is_told_by_what_is_seen_until_the_last_server_is_back() -> None:
    moved = [
        [30, "== vip-kill"],
        [31, "== done"],
        probe(40, http="no answer"),
        [50, "== vip-up"],
        [51, "== done"],
        probe(58, http="200"),
        END,
    ]
    assert judge(seen(probe(9, http="200"), *moved)) == Words("hangs requests", "", "serves", 8)
    on = [[30, "== galera-kill"], [31, "== done"], probe(35, queue="listens", beat="fresh"), [90, "== galera-up"], [95, "== done"], END]
    assert judge(seen(probe(9, queue="listens", beat="fresh"), *on)) == Words("serves", "", "serves", None)
    unseen = seen(probe(9, queue="listens", beat="fresh"), *on[:2], *on[3:])
    assert judge(unseen).does == NOT_OBSERVED  # nobody looked in between
    cut = [[20, "== proxies-up"], [21, "== done"], [40, "== rabbits-up"], [60, "== done"], [180, "== galeras-up"], [200, "== done"]]
    assert judge(seen(*cut[:4], [110, "exits 1"], *cut[4:], END, status=1)) == Words("exits 1", "never", "gone", None)
    late = judge(seen(probe(9, queue="listens"), *cut, [200.4, "exits 0"], END, status=0))
    assert (late.does, late.then) == ("exits 0", "gone")  # while Galera came up, and noted once it was there
    assert judge(seen(probe(9, http="no answer"), *cut, END)).then == "never: hangs"
    assert judge(seen(probe(9, queue="no broker"), *cut, probe(204, queue="listens"), END, ready=203)).then == "serves"


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


def test_what_was_never_seen_to_serve_is_not_told_to_be_broken_for_good() -> None:
    line = {"kind": "service", "service": "x", "program": "x", "release": "zed", "when": "w", "setting": "s", "by": "ci"}
    broken = {**line, "does": "answers 500", "then": "never: 500"}
    assert evidence.merged([broken])[0] == {}
    assert [run["then"] for run in evidence.merged([broken, {**line, "setting": "t", "does": "waits", "then": "serves"}])[0]["x"]] == [
        "never: 500",
        "serves",
    ]


def test_an_observation_has_versions_and_no_empty_words(capsys: pytest.CaptureFixture[str]) -> None:
    cell = {"service": "heat_engine", "program": "heat-engine", "under": "", "release": "zed", "only": "", "package": "python3-heat"}
    cell |= {"when": "database-away-at-start", "setting": "finite"}
    run = {**seen([30, "exits 0"], AWAY, DONE, END, status=0, ready=5), "cell": cell, "life": 3.4}
    found = observation(run, {"python3-heat": "19.0.0-3"}, "ci")
    assert (found["version"], found["life"], "under" in found, "after" in found) == ("19.0.0", 3.4, False, False)
    assert compare([{**found, "does": NOT_OBSERVED}]) == 1
    assert "not observed" in capsys.readouterr().out


def test_an_experiment_with_units_in_which_two_runs_differ_is_named() -> None:
    pair = {"kind": "pair", "name": "bindsto", "killed": "dies", "comes_back": "dies", "by": "units-1"}
    unit = {"kind": "unit", "name": "always", "does": "goes on", "restarts": 3, "by": "units-1"}
    again = [{**pair, "comes_back": "restarted along", "by": "units-2"}, {**unit, "restarts": 4, "by": "units-2"}]
    told = [{**unit, "does": "gives up", "by": "reported"}]
    assert "varies:\n  - pair/bindsto\nservices:" in evidence.text([pair, unit, *again, *told])
    assert "varies:" not in evidence.text([pair, unit, *again[1:], *told])
