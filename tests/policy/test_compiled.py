"""The compiled form of lwlint's own rules and catalogue says what the YAML says, and is never believed when it is not of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from lwlint.core import observed
from lwlint.core.catalogue import load
from lwlint.files.cache import Cache, seal, unseal
from lwlint.policy import compiled
from lwlint.policy.rules import load_folder, own_folder
from tests.shared import HERE

FOLDER = Path(own_folder())
FIXTURE = "fixtures/containers"


def entries(folder: Path) -> list[str]:
    return sorted(name.split("-")[0] for name in os.listdir(folder))


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    home = {"PATH": os.environ["PATH"], "PYTHONPATH": str(HERE), **environment}
    return subprocess.run([sys.executable, "-m", "lwlint", *arguments], cwd=HERE, env=home, capture_output=True, text=True, check=False)


def test_rules_and_catalogue_are_the_same_from_either_form(tmp_path: Path) -> None:
    yaml = load_folder(FOLDER, "rules", examples=False)
    seen = observed.load((FOLDER / "observed.yaml").read_text("utf-8"), "observed.yaml")
    for cache in (Cache(), Cache(str(tmp_path)), Cache(str(tmp_path))):
        assert compiled.rules(cache) == yaml
        compiled._catalogues.clear()  # as a new process would
        assert compiled.services(cache).entries == load((FOLDER / "services.yaml").read_text("utf-8"), "services.yaml", seen).entries
    assert entries(tmp_path) == ["rules", "services"]


def test_parameters_are_the_same_from_either_form(tmp_path: Path) -> None:
    yaml = load_folder(FOLDER, "rules", examples=False)
    for cache in (Cache(), Cache(str(tmp_path)), Cache(str(tmp_path))):
        for rule, read in zip(compiled.rules(cache), yaml):
            assert repr(plain(rule.__dict__["restored"]())) == repr(plain(read.parameters))
            assert rule.parameters == read.parameters
            assert rule.with_severity("note").parameters == read.parameters
            assert repr(plain(rule.with_params(rule.params or {}).parameters)) == repr(plain(read.parameters))


def plain(value: Any) -> Any:
    """Return a value with the types of all that is in it."""
    if isinstance(value, Struct):
        return type(value), [plain(getattr(value, name)) for name in value.__struct_fields__]
    if isinstance(value, dict):
        return dict, [(plain(key), plain(item)) for key, item in value.items()]
    return (type(value), [plain(item) for item in value]) if isinstance(value, (list, tuple)) else (type(value), value)


def test_parameters_that_are_kept_run_no_code_but_that_of_checks() -> None:
    for name in (
        "os:system",
        "lwlint.checks.report:import_module",
        "lwlint.core.finding:Problem",
        "lwlint.checks.no:X",
        "tests:X",
        ":",
    ):
        kept = msgspec.Raw(msgspec.msgpack.encode({"": name, "command": "false"}))
        assert compiled._restore(kept) is None
    assert compiled._restore(msgspec.Raw(b"\xc1")) is None
    (rule,) = (rule for rule in compiled.rules(Cache()) if rule.code == "LW201")
    rule.knowing(rule.declared, lambda: compiled._restore(msgspec.Raw(b"\xc1")))
    assert rule.parameters == rule.with_params(rule.params or {}).parameters  # of its YAML


def test_from_the_cache_no_yaml_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom lwlint.files.cache import Cache\nfrom lwlint.run import load_catalogue, load_rules\n"
        "load_rules(examples=False, cache=Cache(sys.argv[1])); load_catalogue(Cache(sys.argv[1])); print('yaml' in sys.modules)"
    )
    told = [
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=HERE, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert told == ["True\n", "False\n"]


@pytest.mark.parametrize("damage", [b"", b"x", "cut", "turned", "other"])
def test_a_damaged_entry_is_made_again(damage: object, tmp_path: Path) -> None:
    cache = Cache(str(tmp_path))
    yaml = compiled.rules(cache)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    changed = {"cut": whole[:-5], "turned": whole[:400] + bytes([whole[400] ^ 1]) + whole[401:], "other": seal(b"no marshal")}
    path.write_bytes(damage if isinstance(damage, bytes) else changed[str(damage)])
    assert compiled.rules(cache) == yaml
    assert path.read_bytes() == whole


def test_changed_rules_are_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules, cache = tmp_path / "rules", Cache(str(tmp_path / "cache"))
    shutil.copytree(FOLDER, rules)
    compiled.write(str(rules))
    monkeypatch.setattr(compiled, "own_folder", lambda: str(rules))
    before = compiled.rules(cache)
    assert not (tmp_path / "cache").exists()  # what was shipped was used
    file = rules / "systemd" / "unit-not-restarted.yaml"
    file.write_text(file.read_text("utf-8").replace("severity: error", "severity: note", 1), "utf-8")
    after = compiled.rules(cache)
    assert [rule.code for old, rule in zip(before, after) if old != rule] == ["LW201"]
    assert entries(tmp_path / "cache") == ["rules"]


def test_a_form_that_nothing_was_touched_after_is_believed_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = _shipped(tmp_path, monkeypatch)
    file = rules / "systemd" / "unit-not-restarted.yaml"
    with monkeypatch.context() as inside:
        inside.setattr(compiled, "_key", lambda *given: pytest.fail("the files are read"))
        before = compiled.rules(Cache())
    monkeypatch.setattr(compiled, "_AT_ONCE", 0)
    time.sleep(0.05)  # file systems count in steps
    file.write_text(file.read_text("utf-8").replace("severity: error", "severity: note ", 1), "utf-8")  # of the same size
    os.utime(file, (0, 0))
    after = compiled.rules(Cache())
    assert [rule.code for old, rule in zip(before, after) if old != rule] == ["LW201"]


def test_a_rule_that_comes_to_lie_beside_a_form_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = _shipped(tmp_path, monkeypatch)
    text = (rules / "systemd" / "unit-not-restarted.yaml").read_text("utf-8")
    (rules / "systemd" / "another.yaml").write_text(
        text.replace("LW201", "LW299").replace("id: unit-not-restarted", "id: another"), "utf-8"
    )
    assert "LW299" in [rule.code for rule in compiled.rules(Cache())]


def test_a_form_of_files_that_were_only_touched_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = _shipped(tmp_path, monkeypatch)
    monkeypatch.setattr(compiled, "_AT_ONCE", 0)
    time.sleep(0.05)
    (rules / "services.yaml").touch()
    monkeypatch.setattr(compiled, "_entries", lambda folder: pytest.fail("the catalogue is made anew"))
    assert compiled.services(Cache()).entries


def test_a_damaged_form_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = _shipped(tmp_path, monkeypatch)
    before, form = compiled.rules(Cache()), rules / "rules.compiled"
    whole = form.read_bytes()
    for damaged in (b"", b"x", whole[:-5], whole[:400] + bytes([whole[400] ^ 1]) + whole[401:]):
        form.write_bytes(damaged)
        assert compiled._read_shipped("rules", str(rules)) is None
    assert compiled.rules(Cache()) == before


def _shipped(top: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the folder of the rules with their forms, as a wheel has them; it is lwlint's own from now on."""
    rules = top / "rules"
    shutil.copytree(FOLDER, rules, ignore=shutil.ignore_patterns("*.compiled"))
    compiled.write(str(rules))
    monkeypatch.setattr(compiled, "own_folder", lambda: str(rules))
    return rules


def test_the_answer_is_the_same_with_any_cache(tmp_path: Path) -> None:
    told = {
        (result.returncode, result.stdout, result.stderr)
        for options in (("--no-cache",), ("--cache-dir", str(tmp_path)), ("--cache-dir", str(tmp_path)))
        if (result := run("check", FIXTURE, "--format", "json", *options))
    }
    assert len(told) == 1
    assert entries(tmp_path) == ["answer", "rules", "services"]


@pytest.mark.parametrize(
    ("options", "environment", "kept"),
    [
        (["--no-cache"], {"XDG_CACHE_HOME": "{}"}, []),
        ([], {"XDG_CACHE_HOME": "{}"}, ["lwlint"]),
        ([], {"HOME": "{}"}, [".cache"]),
        ([], {"HOME": "{}", "XDG_CACHE_HOME": "relative"}, [".cache"]),
        (["--cache-dir", "{}/own"], {"HOME": "{}"}, ["own"]),
        (["--cache-dir", "{}/file/below"], {"HOME": "{}"}, []),
    ],
)
def test_only_the_cache_directory_is_written(
    options: tuple[str, ...], environment: dict[str, str], kept: list[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    environment = {name: value.format(tmp_path) for name, value in environment.items()}
    result = run("check", "--select", "LW2", FIXTURE, *(option.format(tmp_path) for option in options), **environment)
    assert (result.returncode, result.stderr) == (0, "")
    assert sorted(os.listdir(tmp_path)) == sorted(["file", *kept])
    assert not (HERE / "relative").exists()


def test_two_cache_options_exclude_each_other() -> None:
    result = run("check", "--no-cache", "--cache-dir", "x", FIXTURE)
    assert (result.returncode, result.stderr) == (2, "lwlint: `--cache-dir` and `--no-cache` exclude each other\n")


def test_the_cache_stays_within_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lwlint.files.cache.LIMIT", 1000)
    cache = Cache(str(tmp_path))
    (tmp_path / "of-somebody-else").write_bytes(b"x" * 5000)
    for number in range(6):
        cache.put(f"entry{number}0", b"x" * 200)
        os.utime(tmp_path / f"entry{number}0.lwlint", (number, number))
    assert sorted(os.listdir(tmp_path)) == ["entry30.lwlint", "entry40.lwlint", "entry50.lwlint", "of-somebody-else"]
    assert [cache.get(f"entry{number}0") for number in (0, 5)] == [None, b"x" * 200]


def test_the_whole_cache_is_looked_at_for_one_entry_in_sixteen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    monkeypatch.setattr("lwlint.files.cache.os.scandir", lambda folder: looks.append(folder) or contextlib.nullcontext(()))
    for digit in "0123456789abcdef":
        Cache(str(tmp_path)).put(f"entry-{digit}", b"x")
    assert looks == [str(tmp_path)]


def test_runs_at_once_share_a_cache(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lwlint", "check", "--select", "LW2", "--cache-dir", str(tmp_path), FIXTURE]
    started = [subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(4)]
    told = {process.communicate()[0] for process in started}
    assert (len(told), {process.returncode for process in started}) == (1, {0})
    assert entries(tmp_path) == ["answer", "rules", "services"]


def test_only_what_was_sealed_is_unsealed() -> None:
    assert unseal(seal(b"abc")) == b"abc"
    assert [unseal(data) for data in (b"", b"abc", seal(b"abc")[:-1], seal(b"abc") + b"d")] == [None] * 4


def test_a_wheel_carries_the_compiled_form(tmp_path: Path) -> None:
    pytest.importorskip("wheel")
    source = tmp_path / "source"
    for name in ("lwlint", "rules"):
        shutil.copytree(HERE / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.compiled"))
    for name in ("pyproject.toml", "setup.py", "README.md"):
        shutil.copy(HERE / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps", "-w", str(tmp_path), str(source)]
    assert subprocess.run(command, capture_output=True, text=True, check=False).returncode == 0
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = "import sys, lwlint.run as r; r.load_rules(examples=False); r.load_catalogue(); print('yaml' in sys.modules, r.__file__)"
    told = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "site", capture_output=True, text=True, check=True).stdout
    assert told == f"False {tmp_path}/site/lwlint/run/__init__.py\n"
