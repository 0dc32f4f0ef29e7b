"""Print what the pre-commit hook takes in a checkout of the pike tree with three staged changes: by the clock, as its user waits for it."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bench.measure import HERE, row

# A change that breaks a template, one that fixes one, and one that says why it is as it is: path -> what is replaced by what.
EDITS: Mapping[str, tuple[str, str]] = {
    "puppet/services/sahara-base.yaml": ("sahara::db::database_max_retries: -1\n", "sahara::db::database_max_retries: 10\n"),
    "puppet/services/aodh-base.yaml": (
        "        aodh::db::database_connection:\n",
        "        aodh::db::database_max_retries: -1\n        aodh::db::database_connection:\n",
    ),
    "puppet/services/glance-api.yaml": (
        "          - glance::api::database_connection:\n",
        "          # lwlint: allow LW404 -- this cloud has its images elsewhere\n          - glance::api::database_connection:\n",
    ),
}
_OF_THE_HOOK = ("lwlint", "rules", "pyproject.toml", "setup.py", "README.md", ".pre-commit-hooks.yaml")


def run(*command: str, cwd: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody whose pre-commit has its environments in `home`; both outputs are in `stdout`."""
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    return subprocess.run(
        command,
        cwd=cwd,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **who, "PRE_COMMIT_HOME": str(home)},
    )


def hooks(folder: Path) -> str:
    """Copy this very project to `folder` as a repository of hooks, and return its revision."""
    for name in run("git", "ls-files", cwd=HERE, home=folder).stdout.splitlines():
        if (HERE / name).exists() and name.split("/")[0] in _OF_THE_HOOK:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / name, folder / name)
    return commit(folder)


def checkout(source: Path, folder: Path, repository: Path, revision: str, *ids: str) -> None:
    """Make `folder` a git checkout of the files of `source`, with these hooks of `repository` configured."""
    shutil.copytree(source, folder)
    chosen = "".join(f"  - id: {name}\n" for name in ids)
    (folder / ".pre-commit-config.yaml").write_text(f"repos:\n- repo: {repository}\n  rev: {revision}\n  hooks:\n{chosen}")
    commit(folder)


def commit(folder: Path) -> str:
    """Commit all that is in `folder` to a new repository, and return the revision."""
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "all")):
        done = run("git", *command, cwd=folder, home=folder)
        if done.returncode:
            raise RuntimeError(done.stdout)
    return run("git", "rev-parse", "HEAD", cwd=folder, home=folder).stdout.strip()


def stage(folder: Path, *paths: str) -> None:
    """Make the edits of these paths, and stage them."""
    for path in paths:
        text = (folder / path).read_text("utf-8")
        before, after = EDITS[path]
        if text.count(before) != 1:
            raise RuntimeError(f"{path}: `{before.strip()}` does not stand there once")
        (folder / path).write_text(text.replace(before, after), "utf-8")
        run("git", "add", path, cwd=folder, home=folder)


def main() -> None:
    """Measure and print; a limit that is not met is said, and is no failure of the run."""
    parser = argparse.ArgumentParser(prog="bench.hook", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    pike = Path(os.environ.get("LWLINT_SHARED", HERE.parent / "shared")) / "corpus" / "tht" / "pike"
    if not pike.is_dir():
        print("SHARED MATERIAL IS MISSING: corpus/tht/pike; nothing is measured")
        return
    with tempfile.TemporaryDirectory() as top:
        home, repository, tree = Path(top, "home"), Path(top, "hooks"), Path(top, "tree")
        repository.mkdir()
        checkout(pike, tree, repository, hooks(repository), "lwlint")
        stage(tree, *EDITS)
        command = (sys.executable, "-m", "pre_commit", "run", "--verbose")
        told, whole = [], []
        for number in range(rounds + 1):  # the first one builds the hook's environment
            began = time.perf_counter()
            done = run(*command, cwd=tree, home=home)
            duration = re.search(r"^- duration: ([\d.]+)s$", done.stdout, re.MULTILINE)
            if done.returncode != 1 or duration is None:
                raise RuntimeError(done.stdout)
            if number:
                told.append(float(duration.group(1)))
                whole.append(time.perf_counter() - began)
    row("hook in the pike tree, three staged files, by the clock", statistics.median(told), 1, "s")
    print(f"    with pre-commit itself: {statistics.median(whole):.2f} s")


if __name__ == "__main__":
    main()
