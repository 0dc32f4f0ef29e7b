"""The hook runs in a real checkout, under the real pre-commit."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from bench import hook
from bench.hook import EDITS, run
from tests.shared import shared

GOOD = "environments/puppet-pacemaker.yaml"
BAD = "puppet/services/glance-api.yaml"
NONE_OF_OURS = "README.yaml"


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Path]:
    """This very project as a repository of hooks, its revision, and the home of pre-commit."""
    pytest.importorskip("pre_commit")
    top = tmp_path_factory.mktemp("precommit")
    (top / "hooks").mkdir()
    return top / "hooks", hook.hooks(top / "hooks"), top / "home"


@pytest.fixture(scope="module")
def checkout(hooks: tuple[Path, str, Path]) -> tuple[Path, Path]:
    """A git checkout of the corpus tree, with both hooks configured, and the home of pre-commit."""
    repository, revision, home = hooks
    tree = home.parent / "tree"
    hook.checkout(shared("corpus/tht/newton-after"), tree, repository, revision, "lwlint", "lwlint-fix")
    (tree / NONE_OF_OURS).write_text("a: list of no interest\n")
    run("git", "add", NONE_OF_OURS, cwd=tree, home=home)
    run("git", "commit", "-qm", "another", "--no-verify", cwd=tree, home=home)
    return tree, home


def test_the_hook_has_nothing_to_say_of_what_no_commit_brings(checkout: tuple[Path, Path]) -> None:
    tree, home = checkout
    command = (sys.executable, "-m", "pre_commit", "run", "lwlint", "--verbose")
    results = [run(*command, "--files", path, cwd=tree, home=home) for path in (GOOD, BAD, NONE_OF_OURS)]
    assert [(r.returncode, "Passed" in r.stdout, "Traceback" in r.stdout) for r in results] == [(0, True, False)] * 3


def test_the_hook_for_all_that_is_there_tells_of_old_findings_too(hooks: tuple[Path, str, Path], tmp_path: Path) -> None:
    repository, revision, home = hooks
    hook.checkout(shared("corpus/tht/newton-after"), tmp_path / "tree", repository, revision, "lwlint-all")
    command = (sys.executable, "-m", "pre_commit", "run", "--hook-stage", "manual", "lwlint-all", "--all-files")
    result = run(*command, cwd=tmp_path / "tree", home=home)
    assert (result.returncode, "LW411" in result.stdout, "glance-api.yaml" in result.stdout) == (1, True, True), result.stdout


def test_a_push_is_judged_by_what_it_brings(checkout: tuple[Path, Path]) -> None:
    tree, home = checkout
    (tree / "new.conf").write_text("[database]\nconnection = mysql://a\nmax_retries = 3\n")
    run("git", "add", "new.conf", cwd=tree, home=home)
    run("git", "commit", "-qm", "new", "--no-verify", cwd=tree, home=home)
    command = (sys.executable, "-m", "pre_commit", "run", "lwlint", "--to-ref", "HEAD", "--from-ref")
    results = [run(*command, revision, cwd=tree, home=home) for revision in ("HEAD~1", "HEAD")]
    assert [(r.returncode, "new.conf" in r.stdout) for r in results] == [(1, True), (0, False)], results
    run("git", "reset", "-q", "--hard", "HEAD~1", cwd=tree, home=home)


def test_the_fixing_hook_mends_the_file_and_fails_once(checkout: tuple[Path, Path]) -> None:
    tree, home = checkout
    path = tree / "etc.conf"
    path.write_text("[database]\nconnection = mysql://a\n")
    run("git", "add", path.name, cwd=tree, home=home)
    command = (sys.executable, "-m", "pre_commit", "run", "lwlint-fix")
    results = [run(*command, cwd=tree, home=home)]
    run("git", "add", path.name, cwd=tree, home=home)
    results.append(run(*command, cwd=tree, home=home))
    assert [(r.returncode, "files were modified" in r.stdout) for r in results] == [(1, True), (0, False)], results[0].stdout
    assert path.read_text() == "[database]\nconnection = mysql://a\nmax_retries = -1\n"
    run("git", "rm", "-qf", path.name, cwd=tree, home=home)


def test_the_fixing_hook_leaves_alone_what_the_commit_did(checkout: tuple[Path, Path]) -> None:
    tree, home = checkout
    path = tree / "nova.conf"
    old = "[database]\nconnection = mysql://a\nmax_retries = 3\n"
    path.write_text(old)
    run("git", "add", path.name, cwd=tree, home=home)
    run("git", "commit", "-qm", "old", "--no-verify", cwd=tree, home=home)
    command = (sys.executable, "-m", "pre_commit", "run", "lwlint-fix")
    texts = []
    for new in (f"# a comment\n{old}", f"{old}[api_database]\nconnection = mysql://b\n"):
        path.write_text(new)
        run("git", "add", path.name, cwd=tree, home=home)
        texts.append((run(*command, cwd=tree, home=home).returncode, path.read_text()))
    assert texts == [(0, f"# a comment\n{old}"), (1, f"{old}[api_database]\nconnection = mysql://b\nmax_retries = -1\n")]
    run("git", "reset", "-q", "--hard", "HEAD~1", cwd=tree, home=home)


BROKEN, MENDED, ALLOWED = EDITS
SAID = """\
lwlint...................................................................Failed
- hook id: lwlint
- exit code: 1

puppet/services/sahara-base.yaml
  83:9 error LW404 connection-without-retries
    `sahara::database_connection`: `sahara::db::database_max_retries` is `10`; it must be `-1`
    83 |         sahara::database_connection:
       |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^
    puppet/services/sahara-base.yaml:109:9 set here
"""


@pytest.fixture
def pike(hooks: tuple[Path, str, Path], tmp_path: Path) -> tuple[Path, Path]:
    """A git checkout of the pike tree, with the hook configured, and the home of pre-commit."""
    repository, revision, home = hooks
    hook.checkout(shared("corpus/tht/pike"), tmp_path / "pike", repository, revision, "lwlint")
    return tmp_path / "pike", home


def test_of_three_staged_changes_the_one_that_breaks_something_is_told(pike: tuple[Path, Path]) -> None:
    tree, home = pike
    hook.stage(tree, BROKEN, MENDED, ALLOWED)
    result = run(sys.executable, "-m", "pre_commit", "run", cwd=tree, home=home)
    said = result.stdout[result.stdout.index("lwlint...") :]
    assert (result.returncode, said.partition("\nWhat to do\n")[0]) == (1, SAID), result.stdout
    assert re.search(r"\b\d+ pass, 1 fail, 1 allowed$", said.rstrip())  # how many rules there are is no part of it, nor what it did not see
    assert "\n1 error in 1 file" in said
    assert said.rstrip().endswith("1 allowed")


def test_what_a_commit_leaves_alone_does_not_stop_it(checkout: tuple[Path, Path]) -> None:
    tree, home = checkout
    path = tree / "old.conf"
    path.write_text("[database]\nconnection = mysql://a\nmax_retries = 3\n")
    run("git", "add", path.name, cwd=tree, home=home)
    run("git", "commit", "-qm", "old", "--no-verify", cwd=tree, home=home)
    command = (sys.executable, "-m", "pre_commit", "run", "lwlint")
    results = []
    for text in (
        "# a comment\n[database]\nconnection = mysql://a\nmax_retries = 3\n",
        "[database]\nconnection = mysql://a\nmax_retries = 4\n",
    ):
        path.write_text(text)
        run("git", "add", path.name, cwd=tree, home=home)
        path.write_text("[database]\nconnection = mysql://a\nmax_retries = -1\n")  # not staged: pre-commit puts it aside
        results.append(run(*command, cwd=tree, home=home))
    assert [(r.returncode, "LW301" in r.stdout) for r in results] == [(0, False), (1, True)], results
    run("git", "reset", "-q", "--hard", "HEAD~1", cwd=tree, home=home)


def test_the_commit_goes_through_once_what_breaks_is_taken_back(pike: tuple[Path, Path]) -> None:
    tree, home = pike
    run(sys.executable, "-m", "pre_commit", "install", cwd=tree, home=home)
    hook.stage(tree, BROKEN, MENDED, ALLOWED)
    assert run("git", "commit", "-m", "three", cwd=tree, home=home).returncode == 1
    run("git", "restore", "--staged", "--worktree", BROKEN, cwd=tree, home=home)
    done = run("git", "commit", "-m", "two", cwd=tree, home=home)
    assert (done.returncode, "Passed" in done.stdout) == (0, True), done.stdout
    assert run("git", "show", "--name-only", "--format=", cwd=tree, home=home).stdout.split() == sorted([MENDED, ALLOWED])
