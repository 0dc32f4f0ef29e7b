"""One file over which a reader raises, whatever it raises, is one finding: the rest is judged, and exit code 2 says which it was."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import lwlint.inputs.heat.reader
import lwlint.inputs.oslo.reader
import lwlint.inputs.pacemaker.reader
import lwlint.inputs.puppet.reader
import lwlint.inputs.systemd.reader
import lwlint.run
from lwlint.cli import main
from lwlint.core.kind import Kinds
from lwlint.inputs import KINDS

FILES = {
    "heat": ("env/{}.yaml", "parameter_defaults: {a: 1, a: 2}\n"),
    "puppet": ("manifests/{}.pp", "class { 'nova::db': database_max_retries => 3 }\n"),
    "unit": ("etc/systemd/system/openstack-{}.service", "[Service]\nExecStart=/x\nA=1\n"),
    "oslo": ("etc/nova/{}.conf", "[database]\nconnection=mysql://db\nmax_retries=5\n"),
    "cib": ("{}/cib.xml", "<cib><configuration><crm_config/><nodes/><resources/><constraints/></configuration></cib>"),
}
SURROGATE = "\ud800".encode("utf-16", "surrogatepass").decode("latin-1")
BOMB = "a: &a [x, x]\n" + "".join(f"{n}: &{n} [*{o}, *{o}, *{o}, *{o}]\n" for o, n in zip("abcdefghijklm", "bcdefghijklmn"))
READERS = {
    "heat": (lwlint.inputs.heat.reader, "heat_facts"),
    "puppet": (lwlint.inputs.puppet.reader, "manifest_facts"),
    "unit": (lwlint.inputs.systemd.reader, "unit_facts"),
    "oslo": (lwlint.inputs.oslo.reader, "option_facts"),
    "cib": (lwlint.inputs.pacemaker.reader, "cib_facts"),
}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path, text in FILES.values():
        for name in ("nova-bad", "nova-good"):
            file = tmp_path / path.format(name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("error", [ValueError("embedded null byte"), RecursionError(), MemoryError(), KeyError("x"), AssertionError()])
@pytest.mark.parametrize("kind", READERS)
def test_a_reader_that_raises_takes_down_its_own_file_only(
    tree: Path, kind: str, error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module, name = READERS[kind]
    real = getattr(module, name)

    def raising(sources: Sequence[Any], *rest: Any) -> Iterator[Any]:
        if any("nova-bad" in source.path for source in sources):
            raise error
        yield from real(sources, *rest)

    assert main(["check", "--no-cache", "."]) == 1
    before = capsys.readouterr().out
    monkeypatch.setattr(module, name, raising)
    assert main(["check", "--no-cache", "."]) == 2
    out, told = capsys.readouterr()
    bad = FILES[kind][0].format("nova-bad")
    assert told == f"lwlint: `{bad}`: cannot be read, by a defect of lwlint; the rest is judged (`--debug` shows where)\n"
    assert f"    {bad}: cannot be read, by a defect of lwlint ({type(error).__name__})\n" in out
    others = [path.format(name) for path, _ in FILES.values() for name in ("nova-good", "nova-bad") if path.format(name) != bad]
    assert [path for path in others if f"{path}\n" in before and f"{path}\n" not in out] == []


@pytest.mark.parametrize("kind", ["unit", "cib"])
def test_a_file_that_tells_no_release_because_that_raises_takes_down_itself_only(
    tree: Path, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module, _ = READERS[kind]

    def raising(sources: Sequence[Any]) -> None:
        if any("nova-bad" in source.path for source in sources if source.kind == kind):
            raise ValueError

    monkeypatch.setattr(module, "release_of", raising)
    assert main(["check", "--no-cache", "."]) == 2
    out, told = capsys.readouterr()
    bad = FILES[kind][0].format("nova-bad")
    assert told == f"lwlint: `{bad}`: cannot be read, by a defect of lwlint; the rest is judged (`--debug` shows where)\n"
    assert "etc/nova/nova-good.conf\n" in out


def test_what_bytes_are_turned_into_text_by_may_raise(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def raising(data: bytes) -> str:
        raise AttributeError

    kinds = Kinds(replace(kind, decode=raising) if kind.name == "cib" else kind for kind in KINDS)
    monkeypatch.setattr(lwlint.run, "KINDS", kinds)
    assert main(["check", "--no-cache", "."]) == 2
    assert [line.split("`")[1] for line in capsys.readouterr().err.splitlines()] == ["nova-bad/cib.xml", "nova-good/cib.xml"]


def test_an_audit_judges_the_other_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    for host in ("one", "two"):
        for path, text in FILES.values():
            file = tmp_path / host / path.format("nova-api")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (tmp_path / host / "etc/hostname").write_text(host)
        shutil.rmtree(tmp_path / host / "manifests")
    module, name = READERS["unit"]
    real = getattr(module, name)

    def raising(sources: Sequence[Any], *rest: Any) -> Iterator[Any]:
        if any(source.path.startswith("one/") for source in sources):
            raise KeyError("x")
        yield from real(sources, *rest)

    monkeypatch.setattr(module, name, raising)
    assert main(["audit", "--root", "one", "--root", "two"]) == 2
    out, told = capsys.readouterr()
    assert "lwlint: `one/etc/systemd/system/openstack-nova-api.service`: cannot be read, by a defect of lwlint" in told
    assert "two:etc/nova/nova-api.conf" in out
    assert "one:etc/nova/nova-api.conf" in out


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (".lwlint.yaml", f"limit: {'1' * 5000}\n", f":1:8: `{'1' * 80}...`: is too long for a number (quote it, if it is text)"),
        (".lwlint.yaml", "ignore: []\n---\nselect: []\n", ":2:1: a second document begins; a file holds one"),
        ("pyproject.toml", f"[tool.lwlint]\nlimit = {'1' * 5000}\n", ": holds a number that is too long"),
        ("pyproject.toml", f"[tool.lwlint]\nlimit = {'[' * 50000}\n", ": is nested too deeply"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_configuration_is_told_in_words_of_lwlint(
    tmp_path: Path, name: str, text: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.yaml").write_text("parameter_defaults: {}\n")
    (tmp_path / name).write_text(text, "utf-8")
    assert main(["check", "--no-cache", "e.yaml"]) == 2
    assert capsys.readouterr().err == f"lwlint: {name}{said}\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".lwlint.yaml", "ignore: !!bool x\n"), (".lwlint.yaml", "ignore: !!timestamp x\n"), (".lwlint.yaml", "ignore: !!int x\n"),
        (".lwlint.yaml", "ignore: !!float x\n"), (".lwlint.yaml", "ignore: !!binary ä\n"), (".lwlint.yaml", "ignore: !x y\n"),
        (".lwlint.yaml", "2001-13-45: x\n"), (".lwlint.yaml", "? !!set {a}\n: x\n"), (".lwlint.yaml", "!!bool x: y\n"),
        (".lwlint.yaml", f"{'1' * 5000}: x\n"), (".lwlint.yaml", f"release: {'1' * 5000}\n"), (".lwlint.yaml", "[" * 5000),
        (".lwlint.yaml", "a: &a [*a, *a]\n"), (".lwlint.yaml", "? &a [*a]\n: b\n"), (".lwlint.yaml", "ignore: !!set {a, b}\n"),
        (".lwlint.yaml", "!!seq x: y\n"), (".lwlint.yaml", "rules: {!!map x: {severity: note}}\n"), (".lwlint.yaml", "? !!omap x\n"),
        (".lwlint.yaml", BOMB),
        (".lwlint.yaml", "\0"), (".lwlint.yaml", SURROGATE), (".lwlint.yaml", "%YAML 9\n"),
        ("pyproject.toml", f"[tool.lwlint]\nx = {'1' * 5000}\n"), ("pyproject.toml", f"[tool.lwlint]\nx = {'[' * 50000}\n"),
        ("pyproject.toml", "[tool.lwlint]\nx = 2001-13-45\n"), ("pyproject.toml", "[tool]\nlwlint = 1\n"),
        ("pyproject.toml", "[tool.lwlint]\nselect = {a = {b = [1, nan, -inf]}}\n"),
    ],
)  # fmt: skip
def test_a_configuration_that_cannot_be_read_is_told_in_one_line(
    tmp_path: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.yaml").write_text("parameter_defaults: {}\n")
    (tmp_path / name).write_text(text, "utf-8")
    assert main(["check", "--no-cache", "e.yaml"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"lwlint: {name}")
    assert (told.count("\n"), "defect" in told, len(told) < 400) == (1, False, True)
