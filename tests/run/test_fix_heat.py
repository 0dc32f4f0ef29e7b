"""Fixed templates against PyYAML: the value is the same but for the intended keys, and no other byte is touched."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from lwlint.core.finding import Finding
from lwlint.run import Request, check, load_rules
from lwlint.run import fix as mend
from lwlint.run.fix import Outcome, edits
from tests.shared import shared

RETRIES = re.compile(r"[\w:]+::(?:db::)?(?:api_)?database_max_retries|gnocchi::config::gnocchi_config|(?:nova|zaqar)::config::\w+_config")


def as_pyyaml(text: str) -> Any:
    return yaml.load(text, yaml.CSafeLoader)


def changes(before: Any, after: Any, place: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any, Any]]:
    """Return every place at which two values differ, with what is there."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [*before, *(key for key in after if key not in before)]
        return [c for key in keys for c in changes(before.get(key, "absent"), after.get(key, "absent"), (*place, key))]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [c for i, (one, other) in enumerate(zip(before, after)) for c in changes(one, other, (*place, i))]
    return [] if before == after and type(before) is type(after) else [(place, before, after)]


def is_intended(place: tuple[Any, ...], before: Any, after: Any) -> bool:
    key = place[-1]
    if key == "restart":
        return (before, after) == ("absent", "always")
    if place[0] == "resource_registry":
        return after in (before.replace("pacemaker/", ""), "absent")
    if RETRIES.fullmatch(key) is None:
        return False
    return after in (-1, "absent") or (before == "absent" and str(after).endswith("{'value': -1}}"))


def identities(findings: tuple[Finding, ...]) -> list[tuple[str, str, str]]:
    return sorted((f.code, f.span.path, f.message) for f in findings if f.allowed is None)


@pytest.fixture(params=["newton-before", "pike"])
def tree(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(shared("corpus/tht"))
    return str(request.param)


def fixed(tree: str, unsafe: bool) -> Outcome:
    return mend.fix(Request((tree,)), load_rules(), unsafe=unsafe)


@pytest.mark.parametrize("unsafe", [False, True])
def test_templates_mean_the_same_to_pyyaml_but_for_the_intended_keys(tree: str, unsafe: bool) -> None:
    wrong = []
    outcome = fixed(tree, unsafe)
    for path, (before, after) in outcome.files.items():
        assert before is not None
        differing = changes(as_pyyaml(before.decode()), as_pyyaml(after.decode()))
        wrong += [(path, *change) for change in differing if not is_intended(*change)]
        if not differing:
            wrong.append((path, "changes nothing"))
        lines = difflib.ndiff(before.decode().splitlines(keepends=True), after.decode().splitlines(keepends=True))
        added = [line[2:] for line in lines if line[0] == "+"]
        wrong += [(path, line) for line in added if not re.search(r"max_retries|restart: always|::Services::|^ +\w+::", line)]
    assert wrong == []
    assert len(outcome.files) > 5


def test_what_is_fixed_is_found_no_more_and_nothing_new_is(tree: str) -> None:
    before = identities(check(Request((tree,)), load_rules()).findings)
    outcome = fixed(tree, unsafe=True)
    after = identities(outcome.report.findings)
    gone = sorted((f.finding.code, f.finding.span.path, f.finding.message) for f in outcome.fixed)
    assert sorted([*after, *gone]) == before
    assert (outcome.left, outcome.unsafe) == ((), ())


def test_the_codes_that_are_fixed_leave_nothing_that_is_fixable(tree: str) -> None:
    outcome = fixed(tree, unsafe=True)
    assert {f.finding.code for f in outcome.fixed} == (
        {"LW401", "LW404", "LW405"} if tree == "newton-before" else {"LW404", "LW405", "LW406"}
    )
    assert [f.message for f in outcome.report.findings if f.fix is not None] == []


def copied(tree: str, to: Path) -> None:
    for folder, _, names in os.walk(tree):
        for name in names:
            target = to / folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(Path(folder, name).read_bytes())


def test_a_second_fix_on_disk_changes_no_byte(tree: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied(tree, tmp_path)
    monkeypatch.chdir(tmp_path)
    first = fixed(tree, unsafe=True)
    mend.write(first)
    written = {path: Path(path).read_bytes() for path in first.files}
    assert written == {path: after for path, (_, after) in first.files.items()}
    again = fixed(tree, unsafe=True)
    assert (again.files, again.fixed) == ({}, ())
    assert identities(again.report.findings) == identities(first.report.findings)


def test_every_fix_alone_has_a_place_in_its_file(tree: str) -> None:
    report = check(Request((tree,)), load_rules())
    with_fix = [f for f in report.findings if f.fix is not None]
    assert [f.message for f in with_fix if f.fix is None or edits(f.fix, report.sources) == ()] == []
    assert len(with_fix) > 10
