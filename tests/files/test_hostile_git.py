"""A repository that a stranger made: nothing that git would run for it is run, wherever it is planted."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lwlint.cli import main
from lwlint.files import git
from tests.run.test_changed import run_git

ENV = "env.yaml"
NAMES = ["x", "a=b", "a b", 'q"uote', "dots.in.it", "schön", "back\\slash", "tab\there", "required=false", "x.clean"]


def script(folder: Path, trap: Path) -> str:
    path = folder / "planted.sh"
    path.write_text(f"#!/bin/sh\ntouch '{trap}'\ncat\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    top = tmp_path / "top"
    top.mkdir()
    run_git(top, "init", "-q")
    (top / ENV).write_text("resource_registry: {} \n")
    run_git(top, "add", "-A")
    run_git(top, "commit", "-q", "-m", "state")
    monkeypatch.chdir(top)
    return top


def racy(top: Path) -> None:
    """Leave a file of the size and times that the index has, and other content: git has to look into it."""
    run_git(top, "config", "core.trustctime", "false")
    run_git(top, "config", "core.checkStat", "minimal")
    status = (top / ENV).stat()
    (top / ENV).write_text("resource_registry: { }\n")
    for path in (ENV, ".git/index"):
        os.utime(top / path, ns=(status.st_atime_ns, status.st_mtime_ns))


def plant_filters(top: Path, run: str) -> None:
    for name in NAMES:
        for kind in ("clean", "smudge", "process"):
            run_git(top, "config", f"filter.{name}.{kind}", run)
        run_git(top, "config", f"filter.{name}.required", "true")


def in_attributes(place: str) -> Callable[[Path, str], None]:
    def plant(top: Path, run: str) -> None:
        plant_filters(top, run)
        lines = "".join(f'"{ENV}" filter={name}\n' for name in NAMES if not set(name) & set(' \t"\\'))
        path = top / place
        path.parent.mkdir(exist_ok=True)
        path.write_text(lines)
        run_git(top, "config", "core.attributesFile", str(path))

    return plant


def in_include(top: Path, run: str) -> None:
    more = top / "more.cfg"
    more.write_text(f'[filter "a=b"]\nclean = {run}\n[core]\nfsmonitor = {run}\n')
    run_git(top, "config", "include.path", str(more))
    run_git(top, "config", f"includeIf.gitdir:{top}/.path", str(more))
    (top / ".gitattributes").write_text("* filter=a=b\n")


def in_worktree_configuration(top: Path, run: str) -> None:
    run_git(top, "config", "extensions.worktreeConfig", "true")
    run_git(top, "config", "--worktree", "filter.a=b.clean", run)
    (top / ".gitattributes").write_text("* filter=a=b\n")


def in_settings(top: Path, run: str) -> None:
    for key in (
        *("core.fsmonitor", "core.pager", "pager.diff-index", "core.sshCommand", "core.editor", "core.askPass", "core.gitProxy"),
        *("diff.external", "diff.x.textconv", "diff.x.command", "alias.diff-index", "alias.rev-parse", "credential.helper"),
        *("core.alternateRefsCommand", "gpg.program", "interactive.diffFilter", "merge.x.driver", "uploadpack.packObjectsHook"),
    ):
        run_git(top, "config", key, f"!{run}" if key.startswith("alias") else run)
    (top / ".git/info/attributes").write_text("* diff=x merge=x\n")


def in_hooks(top: Path, run: str) -> None:
    hooks = top / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "fsmonitor-watchman", "reference-transaction", "post-checkout", "pre-commit", "query-watchman"):
        for folder in (hooks, top / ".git/hooks"):
            folder.mkdir(exist_ok=True)
            (folder / name).write_text(f"#!/bin/sh\n{run}\n")
            (folder / name).chmod(0o755)
    run_git(top, "config", "core.hooksPath", str(hooks))


def in_a_promisor(top: Path, run: str) -> None:
    run_git(top, "config", "core.repositoryformatversion", "1")
    run_git(top, "config", "extensions.partialClone", "far")
    run_git(top, "config", "remote.far.url", f"ext::{run}")
    run_git(top, "config", "remote.far.promisor", "true")
    run_git(top, "config", "remote.far.uploadpack", run)
    run_git(top, "config", "protocol.ext.allow", "always")
    blob = run_git(top, "rev-parse", f"HEAD:{ENV}").strip()
    (top / ".git/objects" / blob[:2] / blob[2:]).unlink()


def in_a_submodule(top: Path, run: str) -> None:
    inner = top / "inner"
    inner.mkdir()
    run_git(inner, "init", "-q")
    run_git(inner, "commit", "-q", "--allow-empty", "-m", "inner")
    run_git(top, "add", "inner")
    run_git(inner, "config", "core.fsmonitor", run)
    (inner / "new.yaml").write_text("a: 1\n")


PLACES = [
    in_attributes(".gitattributes"), in_attributes(".git/info/attributes"), in_attributes("elsewhere"),
    in_include, in_worktree_configuration, in_settings, in_hooks, in_a_promisor, in_a_submodule,
]  # fmt: skip


@pytest.mark.parametrize("plant", PLACES, ids=range(len(PLACES)))
@pytest.mark.parametrize("ask", [["--since", "HEAD"], ["--staged"], ["--hook"]])
def test_nothing_of_a_repository_is_run(
    repository: Path, tmp_path: Path, plant: Callable[[Path, str], None], ask: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    trap = tmp_path / "sprung"
    plant(repository, script(tmp_path, trap))
    if plant is not in_a_promisor:
        racy(repository)
    trap.unlink(missing_ok=True)  # what planting it has run
    paths = [ENV] if ask == ["--hook"] else ["."]
    assert main(["check", "--no-cache", *ask, *paths]) in (0, 1, 2)
    assert not trap.exists()


def test_the_planted_filter_is_one_that_git_runs(repository: Path, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    run_git(repository, "config", "filter.a=b.clean", script(tmp_path, trap))
    (repository / ".gitattributes").write_text("* filter=a=b\n")
    racy(repository)
    trap.unlink(missing_ok=True)
    subprocess.run(["git", "diff-index", "HEAD"], cwd=repository, check=False, capture_output=True)
    assert trap.exists()


def test_a_work_tree_elsewhere_is_not_looked_at(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "private.yaml").write_text("a: 1\n")
    run_git(repository, "config", "core.worktree", str(tmp_path))
    assert set(git.since("HEAD").before) == set()


@pytest.mark.parametrize("name", ["sha256", "linked", "split", "unborn"])
def test_repositories_of_every_form_are_read(repository: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    top = repository
    if name in ("sha256", "unborn"):
        top = tmp_path / name
        top.mkdir()
        run_git(top, "init", "-q", *(["--object-format=sha256"] if name == "sha256" else []))
        (top / ENV).write_text("resource_registry: {}\n")
        run_git(top, "add", "-A")
        if name == "sha256":
            run_git(top, "commit", "-q", "-m", "state")
    if name == "linked":
        top = tmp_path / "linked"
        run_git(repository, "worktree", "add", "-q", str(top))
    if name == "split":
        run_git(top, "update-index", "--split-index")
    monkeypatch.chdir(top)
    (top / ENV).write_text("resource_registry: {a: b}\n")
    (top / "new.yaml").write_text("a: 1\n")
    assert set(git.read_staged().before) == {ENV, "new.yaml"}
    if name != "unborn":
        assert set(git.since("HEAD").before) == {ENV, "new.yaml"}


@pytest.mark.parametrize("name", ["HEAD", "config", "packed-refs", "commondir"])
@pytest.mark.parametrize("option", ["--staged", "--since=HEAD"])
def test_a_pipe_that_git_would_wait_for_is_told(
    name: str, option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], check=True)
    Path(".git", name).unlink(missing_ok=True)
    os.mkfifo(f".git/{name}")
    assert main(["check", "--no-cache", option, "."]) == 2
    assert f"its `{name}` is not a regular file" in capsys.readouterr().err
