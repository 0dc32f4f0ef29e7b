"""A `.gitignore` is for files that git does not know: what git tracks is judged."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lwlint.cli import main

BAD = "parameter_defaults: {a: 1, a: 2}\n"


def git(*arguments: str, at: Path) -> None:
    subprocess.run(["git", "-c", "user.email=a@b", "-c", "user.name=n", *arguments], cwd=at, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    top = tmp_path / "top"
    (top / "env").mkdir(parents=True)
    (top / "env/known.yaml").write_text(BAD)
    git("init", "-q", ".", at=top)
    git("add", "-A", at=top)
    git("commit", "-qm1", at=top)
    (top / ".gitignore").write_text("*.yaml\n")
    (top / "env/new.yaml").write_text(BAD)
    return top


@pytest.mark.parametrize(("here", "named"), [(".", "."), (".", "env"), ("env", "."), ("..", "top"), ("..", "top/env")])
def test_what_git_tracks_is_judged_though_a_gitignore_names_it(
    checkout: Path, here: str, named: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(checkout / here)
    main(["check", "--no-cache", "-v", named])
    out = capsys.readouterr().out
    assert "known.yaml\n" in out
    assert "new.yaml: ignored by git" in out
    assert ", 1 left out" in out or ", 2 left out" in out


def test_without_a_git_that_can_tell_the_patterns_count(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("PATH", str(checkout))
    main(["check", "--no-cache", "-v", "."])
    assert "env/known.yaml: ignored by git" in capsys.readouterr().out


def test_a_configuration_chooses_among_tracked_files_too(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(checkout)
    (checkout / ".lwlint.yaml").write_text("paths: {exclude: [nothing]}\n")
    main(["check", "--no-cache", "."])
    assert "env/known.yaml\n" in capsys.readouterr().out
