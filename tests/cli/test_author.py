"""What authors of rules have: a rule to begin with, and what its examples reach of its check."""

from __future__ import annotations

import contextlib
import errno
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lwlint.checks import find, modules
from lwlint.cli import main
from lwlint.core.check import Check, NoParams, Saw, Unknown
from lwlint.core.facts import Facts
from lwlint.report.starters import AREAS
from lwlint.run.engine import Costs
from lwlint.run.examples import Branch, tracer, way
from tests.shared import HERE


@pytest.mark.parametrize("area", AREAS)
def test_a_new_rule_of_each_area_loads_and_its_examples_hold(area: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new-rule", f"our-{area}", str(tmp_path), "--area", area]) == 0
    assert main(["test", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 examples hold, 0 do not"


def test_a_new_rule_is_printed_without_a_folder_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new-rule", "slow-restart"]) == 0
    assert capsys.readouterr().out.startswith("id: slow-restart\ncode: MY201\ntitle: ")
    assert list(tmp_path.iterdir()) == []


def test_a_new_rule_takes_the_next_code_of_its_area_and_the_letters_of_its_neighbours(tmp_path: Path) -> None:
    for name, area in (("one", "heat"), ("two", "systemd"), ("three", "heat")):
        assert main(["new-rule", name, str(tmp_path), "--area", area]) == 0
        path = tmp_path / f"{name}.yaml"
        path.write_text(path.read_text("utf-8").replace("code: MY", "code: ACME"), "utf-8")
    codes = {path.stem: path.read_text("utf-8").splitlines()[1] for path in tmp_path.iterdir()}
    assert codes == {"one": "code: ACME401", "two": "code: ACME201", "three": "code: ACME402"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["new-rule", "Slow Restart"], "`Slow Restart`: a rule is named by its defect in small letters and hyphens"),
        (["new-rule", "../slow"], "`../slow`: a rule is named by its defect"),
        (["new-rule", "slow", "no-such-folder"], "`no-such-folder`: no such folder"),
        (["new-rule", "slow", "."], "`slow.yaml`: exists already"),
    ],
)
def test_a_new_rule_never_lands_elsewhere_or_on_a_file(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slow.yaml").write_text("kept\n")
    assert main(arguments) == 2
    assert said in capsys.readouterr().err
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("slow.yaml", "kept\n")]


def _sample(_: Facts, params: NoParams) -> Iterator[Saw]:
    for word in _words():
        if word == "a":
            continue
        elif (
            word == "b"
            or word == "c"
        ):  # fmt: skip
            yield Unknown(_number(word))
    if params is None:
        yield Unknown(_unused())


def _words() -> list[str]:
    return ["a", "b"]


def _number(word: str) -> str:
    try:
        return str(int(word))
    except (ValueError, TypeError):
        return "no number"


def _unused() -> str:
    return "by nobody"


def _stranger() -> str:
    return "not of the check"


def test_branches_are_those_of_the_check_and_of_what_it_calls() -> None:
    through = way(Check("sample", _sample, lambda facts, params: None))
    taken: set[Branch] = set()
    before = sys.gettrace()
    sys.settrace(tracer(through, taken))
    try:
        assert [saw.because for saw in _sample(Facts(), NoParams()) if isinstance(saw, Unknown)] == ["no number"]
    finally:
        sys.settrace(before)
    first = _sample.__code__.co_firstlineno
    assert [(b.line - first, b.outcome, b in taken) for b in through.branches if b.line - first < 12] == [
        (0, "called", True),
        (1, "entered", True),
        (2, "false", True),
        (2, "true", True),
        (5, "false", False),
        (5, "true", True),
        (9, "false", True),
        (9, "true", False),
    ]
    rest = {b.text.partition("(")[0]: b in taken for b in through.branches if b.line - first >= 12}
    assert rest == {"def _words": True, "def _number": True, "except ": True, "def _unused": False}
    assert through.shown == "tests/cli/test_author.py"


def test_every_check_has_a_way_with_branches() -> None:
    assert [name for name in modules() if not way(find(name)).branches] == []


def test_coverage_shows_each_example_and_what_none_reaches(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["new-rule", "one", str(tmp_path)])
    main(["new-rule", "two", str(tmp_path), "--area", "retry"])
    capsys.readouterr()
    assert main(["test", str(tmp_path), "--coverage"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("MY201 one: ")
    assert lines[0].endswith(" branches of `require` (lwlint/checks/require.py)")
    assert lines[1].startswith("  good: restarted always: ")
    assert lines[2].startswith("  bad: restarted after a failure only: ")
    assert lines[2].endswith(" by no other example")
    number = [i for i, line in enumerate(lines) if line.endswith("called: def _number(value: str) -> float:")]
    assert [i < lines.index("") for i in number] == [True], "the other rule and both together reach it"
    assert lines[lines.index("Over all rules") + 1].startswith("  require: ")
    assert lines[-1] == "4 examples hold, 0 do not"
    assert sys.gettrace() is None or "coverage" in repr(sys.gettrace())


def test_timing_shows_what_readers_and_rules_cost_and_changes_no_report(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["check", str(HERE / "fixtures/newton"), "--select", "LW101,LW201,LW401"]
    assert main(arguments) == main([*arguments, "--timing"]) == 1
    plain, timed = capsys.readouterr().out, ""
    main([*arguments, "--timing"])
    timed, told = capsys.readouterr()
    assert plain == timed * 2
    parts = [line.split("  ")[-1] for line in told.splitlines()]
    assert (parts[0], parts[-1]) == ("part", "the run")
    assert sorted(part for part in parts if part.startswith(("reader", "rule"))) == [
        *("reader cib", "reader files", "reader oslo", "reader unit"),
        *("rule LW101 service-outside-the-core", "rule LW201 unit-not-restarted"),
    ]
    assert [line for line in told.splitlines() if "  " not in line] == []


def test_costs_are_those_of_making_items_and_not_of_using_them() -> None:
    now = [0.0]

    def made() -> Iterator[int]:
        for item in (1, 2):
            now[0] += 10
            yield item

    costs = Costs(lambda: now[0])
    for _ in costs.each("reader", "x", made()):
        now[0] += 1000
    with contextlib.suppress(LookupError), costs.of("rule", "y"):
        now[0] += 3
        raise LookupError
    assert costs.spent == {("reader", "x"): 20, ("rule", "y"): 3}


def test_timing_of_examples_and_lwlints_own_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "--timing", str(HERE / "rules/host")]) == 0
    out, err = capsys.readouterr()
    assert out.endswith(" examples hold, 0 do not\n")
    assert {"reader unit", "rule LW505 cibs-differ", "the run"} <= {line[19:] for line in err.splitlines()}


def test_a_name_that_is_taken_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new-rule", "finite-database-retries", str(tmp_path)]) == 2
    assert "is a rule of lwlint's own" in capsys.readouterr().err
    main(["new-rule", "mine", str(tmp_path)])
    (tmp_path / "mine.yaml").write_text((tmp_path / "mine.yaml").read_text().replace("MY201", "LW301"))
    assert main(["check", "--rules", str(tmp_path), str(HERE / "fixtures/newton")]) == 2
    assert f"`{tmp_path}`: a rule is named `LW301`, as one of lwlint's own" in capsys.readouterr().err


def test_on_a_full_disk_no_rule_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(path: str, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("lwlint.files.atomic.replace", full)
    assert main(["new-rule", "slow", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"lwlint: `{tmp_path / 'slow.yaml'}`: cannot be written (No space left on device)\n"
    assert list(tmp_path.iterdir()) == []
