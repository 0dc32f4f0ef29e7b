"""No two rules tell one place in one sentence: over the fixtures, and over the real inputs where they are beside the project."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from msgspec.structs import replace

import lwlint
from lwlint.core.finding import Finding
from tests.shared import HERE, shared

FIXTURES = sorted(path.name for path in (HERE / "fixtures").iterdir() if path.is_dir())
BESIDE = ("field/cib", "field/conf", "field/heat", "corpus/cib", "corpus/conf", "corpus/pcs", "corpus/tht", "corpus/units")
TELLING = 5  # words: a shorter piece ("it must be", "is not set") is a turn of speech


def pieces(message: str) -> set[str]:
    """The parts of a message between its signs that tell something of their own, names and values taken away."""
    bare = (" ".join(re.sub(r"`[^`]*`", "", part).split()) for part in re.split(r"[:;,()]", message))
    return {part for part in bare if len(part.split()) >= TELLING}


def said_twice(findings: list[Finding]) -> Iterator[str]:
    """Yield the places of which two rules say the same."""
    places: dict[tuple[str, int], list[Finding]] = defaultdict(list)
    for finding in findings:
        places[finding.span.path, finding.span.start].append(finding)
    for (path, start), there in places.items():
        for one, other in combinations(there, 2):
            if one.code != other.code and (one.message == other.message or pieces(one.message) & pieces(other.message)):
                yield f"{path}:{start} {one.code} `{one.message}` and {other.code} `{other.message}`"


def judged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(folder)
    return list(said_twice(list(lwlint.check(["."]).findings)))


@pytest.mark.parametrize("name", FIXTURES)
def test_no_two_rules_tell_one_place_of_a_fixture_in_one_sentence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(HERE / "fixtures" / name, monkeypatch) == []


@pytest.mark.parametrize("name", BESIDE)
def test_no_two_rules_tell_one_place_of_a_real_input_in_one_sentence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shared(name)
    inputs = [path / "in" if (path / "in").is_dir() else path for path in sorted(folder.iterdir()) if path.is_dir()] or [folder]
    assert [said for path in inputs for said in judged(path, monkeypatch)] == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("`a`: the header does not end in a bracket; it must", "`b`: it is lost (the header does not end in a bracket)", True),
        ("`a` is not set (default `10`); it must be `-1`", "`b` is not set (default `90s`); it must be `0`", False),
        ("unit `a` is masked", "unit `a` is masked", True),
    ],
)
def test_what_counts_as_one_sentence(one: str, other: str, same: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.pp").write_text("pacemaker::resource::service { 'openstack-nova-api': }\n")
    monkeypatch.chdir(tmp_path)
    (finding,) = lwlint.check(["."], select=["LW407"]).findings
    pair = [replace(finding, message=one), replace(finding, message=other, code="LW999")]
    assert bool(list(said_twice(pair))) is same
