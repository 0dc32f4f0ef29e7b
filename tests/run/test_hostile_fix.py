"""`fix` changes what it names, there, and nothing else; several files are all changed, or none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from lwlint.cli import main
from lwlint.core.finding import Replace
from lwlint.core.source import Source, Span
from lwlint.files import atomic
from lwlint.run.fix import NoPlace, compare

Capsys = pytest.CaptureFixture[str]
HEAD = "heat_template_version: pike\noutputs:\n  role_data:\n    value:\n"
SETTINGS = "      config_settings:\n        nova::db::database_connection: mysql://db\n"
RETRIES = "        nova::db::database_max_retries: "
ANCHORED = SETTINGS.replace("settings:", "settings: &s")
OPTIONS = "[database]\nconnection=mysql://db\nmax_retries=5\n"
SHARED = {
    "a value": f"{SETTINGS}{RETRIES}&n 10\n        apache::mod::prefork::startservers: *n\n",
    "an alias": f"      other: &n 10\n{SETTINGS}{RETRIES}*n\n",
    "a mapping": f"{ANCHORED}{RETRIES}10\n      again: *s\n",
    "a merge": f"{ANCHORED}{RETRIES}10\n      again: {{<<: *s, a: 1}}\n",
    "merges": f"{ANCHORED}{RETRIES}10\n      again: {{<<: [*s, {{b: 1}}]}}\n",
    "above": f"{SETTINGS}{RETRIES}10\n      list: [&k {{a: 1}}, *k]\n",
    "a container": "      docker_config:\n        step_4:\n          nova_api: &c\n            image: x\n            net: host\n"
    "          nova_db_sync:\n            <<: *c\n            detach: false\n            command: x\n",
}


def loaded(path: Path) -> object:
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize("what", SHARED)
def test_what_an_alias_or_a_merge_shares_is_left_alone(tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch, capsys: Capsys) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "t.yaml"
    path.write_text(HEAD + SHARED[what])
    before = loaded(path)
    main(["fix", "--no-cache", "."])
    said = capsys.readouterr().out
    if what == "above":  # nothing of what is changed is shared
        assert loaded(path) != before
        assert "1 fixed in 1 file" in said
    else:
        assert loaded(path) == before
        assert "0 fixed" in said


def test_a_value_with_an_anchor_that_nothing_else_has_is_fixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.yaml").write_text(f"{HEAD}{SETTINGS}        nova::db::database_max_retries: &n 10\n")
    main(["fix", "--no-cache", "."])
    assert "1 fixed" in capsys.readouterr().out
    assert "nova::db::database_max_retries: &n -1\n" in (tmp_path / "t.yaml").read_text()


@pytest.mark.parametrize(
    ("text", "put", "at", "end"),
    [
        ("a: &x 1\nb: *x\n", "2", 6, 7),
        ("&k a: 1\nb: *k\n", "c", 3, 4),
        ("a: 1\nb: 2\n", "k:\n ", 5, 5),
        ("a:\n  b: 1\n  c: 2\n", "k:\n   ", 5, 5),
        ("a: 1\nb: 2\n", "'", 3, 4),
    ],
)
def test_an_edit_that_changes_more_is_refused(text: str, put: str, at: int, end: int) -> None:
    edit = Replace(Span("t.yaml", at, end), put)
    after = text[:at] + put + text[end:]
    with pytest.raises(NoPlace):
        compare(Source("t.yaml", text, "heat"), Source("t.yaml", after, "heat"), [edit])


def test_a_bomb_of_aliases_is_refused() -> None:
    text = "a: &a [x, x]\n" + "".join(f"{n}: &{n} [{', '.join([f'*{o}'] * 9)}]\n" for o, n in zip("abcdefghij", "bcdefghijk"))
    with pytest.raises(NoPlace, match="expand to too much"):
        compare(Source("t.yaml", text, "heat"), Source("t.yaml", text, "heat"), [])


@pytest.mark.parametrize("puts_back", [True, False])
def test_several_files_are_fixed_all_or_none(tmp_path: Path, puts_back: bool, monkeypatch: pytest.MonkeyPatch, capsys: Capsys) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("cinder.conf", "heat.conf", "nova.conf"):
        (tmp_path / name).write_text(OPTIONS)
    real, calls = atomic.replace, []

    def failing(path: str, data: bytes, *, keep_owner: bool = False) -> None:
        calls.append(path)
        if path == "heat.conf" or (calls.count(path) > 1 and not puts_back):
            raise OSError(28, os.strerror(28), path)
        real(path, data, keep_owner=keep_owner)

    monkeypatch.setattr(atomic, "replace", failing)
    assert main(["fix", "--no-cache", "."]) == 2
    said = capsys.readouterr().err
    changed = [name for name in ("cinder.conf", "heat.conf", "nova.conf") if (tmp_path / name).read_text() != OPTIONS]
    if puts_back:
        assert (changed, said) == ([], "lwlint: `heat.conf`: cannot be written (No space left on device); nothing is written\n")
    else:
        assert changed == ["cinder.conf"]
        assert said.endswith("changed: `cinder.conf`; not changed: `heat.conf`, `nova.conf`\n")
