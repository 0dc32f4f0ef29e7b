"""What is kept of Heat files between runs changes no answer: not what is stale, damaged, foreign, or written by several at once."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from lwlint.core.finding import Report
from lwlint.files.cache import Cache, describe_files, seal
from lwlint.files.tree import Memory
from lwlint.inputs.heat.outline import Outlines
from lwlint.run import Request, check, load_rules
from tests.inputs.heat.heat_findings import findings, template
from tests.shared import HERE, shared

RULES = load_rules(examples=False)


@pytest.fixture(autouse=True)
def _no_answer_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lwlint.run.answers.Answers.find", lambda self: None)


def answer(**request: object) -> Report:
    return check(replace(Request(), **request), RULES)  # type: ignore[arg-type]


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("outlines-*"))


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small tree of templates, to be changed."""
    top = tmp_path / "tree"
    for name in ("puppet/services", "environments"):
        shutil.copytree(shared("corpus/tht/newton-before") / name, top / name)
    shutil.copy(next(shared("corpus/tht/newton-before").glob("overcloud-resource-registry-puppet*")), top)
    monkeypatch.chdir(top)
    return top


@pytest.mark.parametrize("name", ["pike", "newton-before", "newton-after"])
def test_a_warm_run_says_what_a_cold_one_says(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shared(f"corpus/tht/{name}"))
    cache = Cache(str(tmp_path))
    cold, first, warm = answer(), answer(cache=cache), answer(cache=cache)
    assert cold == first == warm
    assert len(kept(tmp_path)) == 1
    assert oct(kept(tmp_path)[0].stat().st_mode)[-3:] == "600"


def test_after_any_edit_a_warm_run_says_what_a_cold_one_says(tree: Path, tmp_path: Path) -> None:
    dice = random.Random(11)
    cache = Cache(str(tmp_path / "cache"))
    files = sorted(tree.rglob("*.yaml"))
    for _ in range(25):
        path = dice.choice(files)
        lines = path.read_text("utf-8").splitlines(keepends=True)
        at = dice.randrange(len(lines))
        dice.choice((lambda: lines.pop(at), lambda: lines.insert(at, lines[at]), lambda: lines.insert(at, "  a: [\n")))()  # type: ignore[operator, return-value] # noqa: B023
        path.write_text("".join(lines), "utf-8")
        assert answer(cache=cache) == answer()


@pytest.mark.parametrize("damage", ["empty", "cut", "turned", "other", "writable"])
def test_what_is_not_as_it_was_written_is_made_again(damage: str, tree: Path, tmp_path: Path) -> None:
    cache = Cache(str(tmp_path / "cache"))
    cold = answer(cache=cache)
    (entry,) = kept(tmp_path / "cache")
    whole = entry.read_bytes()
    entry.write_bytes({"empty": b"", "cut": whole[:-9], "turned": whole[:999] + bytes([whole[999] ^ 4]) + whole[1000:]}.get(damage, whole))
    if damage == "other":
        entry.write_bytes(seal(b"no marshal"))
    if damage == "writable":
        entry.chmod(0o666)
    assert answer(cache=cache) == cold
    assert len(entry.read_bytes()) == len(whole)
    assert oct(entry.stat().st_mode)[-3:] == "600"


def test_equal_texts_with_other_parameters_are_read_apart(tmp_path: Path) -> None:
    text = "parameters:\n  Retries: {default: -1}\n"
    service = template("nova::database_connection: mysql://x\nnova::db::database_max_retries: {get_param: Retries}", text)
    files = {"a.yaml": service, "given.yaml": "parameter_defaults: {Retries: 5}\n"}
    assert findings(files, "LW404") == []
    assert findings(files, "LW404", environments=("given.yaml",)) == ["LW404 a.yaml:8"]
    cache = Cache(str(tmp_path))
    codes = [
        [f.code for f in answer(tree=Memory(files), environments=given, cache=cache).findings if f.code == "LW404"]
        for given in ((), ("given.yaml",), (), ("given.yaml",))
    ]
    assert codes == [[], ["LW404"], [], ["LW404"]]


def test_jinja_by_name_is_read_apart(tmp_path: Path) -> None:
    text = "resources: {% if x %}\n  a: {}\n{% endif %}\n"
    outlines = Outlines()
    for name, unreadable in (("a.yaml", 1), ("a.j2.yaml", 0), ("b.yaml", 1)):
        report = answer(tree=Memory({name: text}), outlines=outlines)
        assert [f.code for f in report.findings].count("LW901") == unreadable


def test_a_key_that_stands_twice_is_told_of_any_file() -> None:
    assert findings({"a.yaml": "parameters:\n  A: 1\n  A: 2\n"}, "LW410") == ["LW410 a.yaml:3"]


def test_runs_at_once_share_the_outlines(tree: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lwlint", "check", "--cache-dir", str(tmp_path / "cache"), "."]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    for _ in range(2):
        started = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(4)]
        assert len({process.communicate()[0] for process in started}) == 1
        assert {process.returncode for process in started} == {1}
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lwlint"] * 4


def test_a_warm_run_imports_no_yaml(tree: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom lwlint.files.cache import Cache\nfrom lwlint.run import Request, check, load_rules\ncache = Cache(sys.argv[1])\n"
        "check(Request(cache=cache), load_rules(examples=False, cache=cache)); print('yaml' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    told = [subprocess.run([sys.executable, "-c", code, str(tmp_path / "cache")], env=environment, capture_output=True, text=True,
                           check=True).stdout for _ in range(2)]  # fmt: skip
    assert told == ["True\n", "False\n"]


def test_a_reader_of_equal_size_and_age_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "reader.py"
    told = []
    for text in ("a = 1\n", "a = 2\n"):
        path.write_text(text)
        os.utime(path, (1, 1))  # as a package has it that is built to be the same bytes each time
        told.append(describe_files([str(tmp_path)]))
    assert told[0] != told[1]
