"""A kept answer is given only where everything that it followed from is as it was."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from lwlint.core.finding import Report
from lwlint.core.source import Source
from lwlint.files.cache import Cache
from lwlint.policy.redaction import Redaction, remember_lines
from lwlint.policy.rules import Rule
from lwlint.report.text import render
from lwlint.run import Request, answers, check, load_rules
from lwlint.run.engine import Costs
from tests.inputs.heat.heat_findings import template
from tests.shared import HERE, shared

RULES = load_rules(examples=False)
CONNECTED = template(
    "map_merge: [{get_attr: [Base, role_data, config_settings]}]\nnova::database_connection: mysql://x".replace("map_merge: ", "x: "),
    "resources:\n  Base: {type: base.yaml}\n",
)
UNIT = "[Service]\nExecStart=/bin/true\nRestart=no\n"


def answer(cache: Cache, rules: list[Rule] = RULES, **request: object) -> Report:
    return check(replace(Request(cache=cache), **request), rules)  # type: ignore[arg-type]


def kept(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("answer-*")}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each run found its answer."""
    told: list[bool] = []
    find = answers.Answers.find

    def watched(self: answers.Answers) -> answers.Known | None:
        found = find(self)
        told.append(found is not None)
        return found

    monkeypatch.setattr(answers.Answers, "find", watched)
    return told


@pytest.mark.parametrize("folder", ["fixtures", "corpus/tht/pike", "corpus/units", "corpus/conf", "corpus/cib", "corpus/pcs"])
def test_a_kept_answer_is_the_one_of_a_run(folder: str, counted: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE / folder if folder == "fixtures" else shared(folder))
    fresh = check(Request(), RULES)
    assert [answer(Cache(str(tmp_path))) == fresh for _ in range(3)] == [True] * 3
    assert counted == [False, True, True]
    assert list(answer(Cache(str(tmp_path))).sources) == list(fresh.sources)


def test_whatever_the_change_the_answer_is_that_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(HERE / "fixtures" / "lightweight", tmp_path / "tree", symlinks=True)
    monkeypatch.chdir(tmp_path / "tree")
    dice = random.Random(5)
    cache = Cache(str(tmp_path / "cache"))
    files = sorted(path for path in Path(".").rglob("*") if path.is_file() and not path.is_symlink())
    for _ in range(20):
        path = dice.choice(files)
        if not path.exists():
            path.write_bytes(b"")
        data = path.read_bytes()
        at = dice.randrange(len(data) + 1)
        deeds: tuple[Callable[[], object], ...] = (
            lambda p=path, d=data, a=at: p.write_bytes(d[:a] + d[a + 9 :]),  # type: ignore[misc]
            lambda p=path, d=data, a=at: p.write_bytes(d[:a] + b"\nx" + d[a:]),  # type: ignore[misc]
            path.unlink,
        )
        dice.choice(deeds)()
        assert answer(cache) == check(Request(), RULES)


@pytest.fixture
def one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A template that is judged alone, and takes in what may lie beside it."""
    (tmp_path / "tree").mkdir()
    monkeypatch.chdir(tmp_path / "tree")
    Path("a.yaml").write_text(CONNECTED)
    return Path("a.yaml")


def codes(report: Report) -> list[str]:
    return sorted({finding.code for finding in report.findings})


def test_context_that_came_or_went_counts(one: Path, counted: list[bool], tmp_path: Path) -> None:
    cache = Cache(str(tmp_path / "cache"))
    found = []
    for text in (None, None, "heat_template_version: pike\n", "heat_template_version: pike\n", "heat_template_version: pike\n# x\n", None):
        Path("base.yaml").unlink(missing_ok=True)
        if text is not None:
            Path("base.yaml").write_text(text)
        report = answer(cache, paths=(str(one),))
        assert report == check(Request(paths=(str(one),)), RULES)
        found.append(list(report.sources))
    assert found == [["a.yaml"], ["a.yaml"], *[["a.yaml", "base.yaml"]] * 3, ["a.yaml"]]
    assert counted == [False, True, False, True, False, False]
    assert len(kept(tmp_path / "cache")) == 1


def test_what_the_run_is_asked_counts(tmp_path: Path, counted: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    unit = tmp_path / "host/etc/systemd/system/openstack-nova-api.service"
    (tmp_path / "host").mkdir()
    monkeypatch.chdir(tmp_path / "host")
    unit.parent.mkdir(parents=True)
    unit.write_text(UNIT)
    cache = Cache(str(tmp_path / "cache"))
    severe = [replace(rule, severity="note") for rule in RULES]
    for rules, request in (
        (RULES, {}),
        (RULES[1:], {}),
        (severe, {}),
        (RULES, {"release": "pike"}),
        (RULES, {"paths": ("etc/systemd/system/openstack-nova-api.service",)}),
    ):
        for _ in range(2):
            assert answer(cache, rules, **request) == check(replace(Request(), **request), rules)  # type: ignore[arg-type]
    assert counted == [False, True] * 4 + [True, True]  # the last reads the same source as the first
    assert codes(answer(cache)) == ["LW201"]


def test_nothing_is_kept_where_anything_else_could_matter(one: Path, counted: list[bool], tmp_path: Path) -> None:
    foreign = [replace(RULES[0], check="of-somebody-else")]
    answer(Cache(str(tmp_path / "cache")), foreign)  # it is broken, and told so
    answer(Cache(str(tmp_path / "cache")), costs=Costs(lambda: 0.0))
    answer(Cache(str(tmp_path / "cache")), hosts=True)
    answer(Cache())
    assert (counted, kept(tmp_path / "cache")) == ([False], set())


@pytest.mark.parametrize("damage", ["cut", "turned"])
def test_a_damaged_answer_is_made_again(damage: str, one: Path, counted: list[bool], tmp_path: Path) -> None:
    cache = Cache(str(tmp_path / "cache"))
    fresh = answer(cache)
    (entry,) = (tmp_path / "cache").glob("answer-*")
    whole = entry.read_bytes()
    entry.write_bytes(whole[:-3] if damage == "cut" else whole[:99] + bytes([whole[99] ^ 1]) + whole[100:])
    assert answer(cache) == fresh == answer(cache)
    assert counted == [False, False, True]
    assert entry.read_bytes() == whole


def test_another_version_of_the_readers_is_another_answer(
    one: Path, counted: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(str(tmp_path / "cache"))
    describe_files = answers.describe_files
    for told in ((), (), (("x.py", 1, 2),), (("x.py", 1, 3),)):
        monkeypatch.setattr(answers, "describe_files", lambda *of, more=told: [*describe_files(*of), *more])
        answer(cache)
    assert counted == [False, True, False, False]
    assert os.listdir(tmp_path / "cache")


SECRET = "Hu4n5Rq8"


def test_the_lines_of_findings_are_shown_as_before_and_no_secret_of_them_is_kept(
    one: Path, counted: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = "parameters:\n  Word: {type: string, hidden: true, default: " + SECRET + "}\n"
    told = "sahara::db::database_connection: mysql://sahara:" + SECRET + "@h/s"
    Path("sahara.yaml").write_text(template(told, hidden))
    Path("other.yaml").write_text(template("heat::Word: " + SECRET + "\n    heat::database_connection: mysql://h/n"))
    cache = Cache(str(tmp_path / "kept"))
    first, again = (render(answer(cache)) for _ in range(2))
    assert counted == [False, True]
    assert again == first
    assert first.count("database_connection: mysql://") == 3  # the lines are there
    assert SECRET not in first
    assert not [path.name for path in (tmp_path / "kept").iterdir() if SECRET.encode() in path.read_bytes()]


def test_lines_that_were_kept_are_not_shown_where_more_is_hidden(tmp_path: Path) -> None:
    source = Source("a.yaml", "a: 1\nword: b\n", "heat")
    remember_lines({source.path: source}, frozenset(), [(source.path, 2, "word: b")])
    hides = Source("b.yaml", "parameters:\n  word:\n    hidden: true\n", "heat")
    assert Redaction({source.path: source}).line(source, 2) == "word: b"
    assert Redaction({source.path: source, hides.path: hides}).line(source, 2) == "word: *"
