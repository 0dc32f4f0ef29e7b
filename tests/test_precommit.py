"""The hook runs in a real checkout, under the real pre-commit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared import HERE, shared

GOOD = "environments/puppet-pacemaker.yaml"
BAD = "puppet/services/glance-api.yaml"
NONE_OF_OURS = "README.yaml"


def run(*command: str, cwd: Path, home: Path) -> subprocess.CompletedProcess[str]:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    return subprocess.run(
        command,
        cwd=cwd,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **who, "PRE_COMMIT_HOME": str(home)},
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A git checkout of the corpus tree, with the hook of this very project configured, and the home of pre-commit."""
    pytest.importorskip("pre_commit")
    top = tmp_path_factory.mktemp("precommit")
    tree, hooks, home = top / "tree", top / "hooks", top / "home"
    shutil.copytree(shared("corpus/tht/newton-after"), tree)
    (tree / NONE_OF_OURS).write_text("a: list of no interest\n")
    hooks.mkdir()
    for name in run("git", "ls-files", cwd=HERE, home=home).stdout.splitlines():
        if (HERE / name).exists() and name.split("/")[0] in ("lwlint", "rules", "pyproject.toml", "README.md", ".pre-commit-hooks.yaml"):
            (hooks / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / name, hooks / name)
    for folder in (hooks, tree):
        for command in (["git", "init", "-q"], ["git", "add", "-A"], ["git", "commit", "-q", "-m", "all"]):
            assert run(*command, cwd=folder, home=home).returncode == 0
    revision = run("git", "rev-parse", "HEAD", cwd=hooks, home=home).stdout.strip()
    chosen = "  hooks:\n  - id: lwlint\n  - id: lwlint-fix\n"
    (tree / ".pre-commit-config.yaml").write_text(f"repos:\n- repo: {hooks}\n  rev: {revision}\n{chosen}")
    return tree, home


@pytest.mark.parametrize(
    ("paths", "code", "said"),
    [([GOOD], 0, "Passed"), ([BAD], 1, "LW411"), ([NONE_OF_OURS], 0, "Passed"), ([GOOD, BAD], 1, "glance-api.yaml")],
)
def test_the_hook_judges_the_files_that_it_is_given(paths: list[str], code: int, said: str, checkout: tuple[Path, Path]) -> None:
    tree, home = checkout
    result = run(sys.executable, "-m", "pre_commit", "run", "lwlint", "--files", *paths, cwd=tree, home=home)
    assert (result.returncode, said in result.stdout) == (code, True), result.stdout
    assert "Traceback" not in result.stdout


def test_the_fixing_hook_mends_the_file_and_fails_once(checkout: tuple[Path, Path]) -> None:
    tree, home = checkout
    path = tree / "etc.conf"
    path.write_text("[database]\nconnection = mysql://a\n")
    run("git", "add", path.name, cwd=tree, home=home)
    command = (sys.executable, "-m", "pre_commit", "run", "lwlint-fix", "--files", path.name)
    results = [run(*command, cwd=tree, home=home) for _ in range(2)]
    assert [(r.returncode, "files were modified" in r.stdout) for r in results] == [(1, True), (0, False)], results[0].stdout
    assert path.read_text() == "[database]\nconnection = mysql://a\nmax_retries = -1\n"
    run("git", "rm", "-qf", path.name, cwd=tree, home=home)
