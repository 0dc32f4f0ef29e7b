"""lwlint, and the programs that it is measured against, as their users have them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from bench.measure import HERE

_OF_A_WHEEL = ("lwlint", "rules", "pyproject.toml", "setup.py", "README.md", "LICENSE")


class Installed(NamedTuple):
    """The commands of one environment; all of them run by the same interpreter, without the user's own settings of Python."""

    python: tuple[str, ...]  # a bare interpreter
    lwlint: tuple[str, ...]  # as the script runs it that pip writes for a command
    yamllint: tuple[str, ...]  # the same
    rules: Path  # the folder of lwlint's rules, and of their compiled forms

    def runs(self, code: str) -> tuple[str, ...]:
        """Return the command that runs this code."""
        return (*self.python, "-c", code)


def install(top: Path) -> Installed:
    """Make an environment in a folder below `top`, with a wheel of this tree, and its rules compiled; return its commands.

    Of the packages of the environment that runs this it has those that lwlint's wheel and yamllint need, as links. What a developer's
    editable packages do when Python starts (7 to 10 ms here), and looking through the two hundred others for plugins of lwlint (4 ms), no
    user of a wheel pays.
    """
    venv.create(top / "environment", symlinks=True, with_pip=False)
    python = top / "environment" / "bin" / "python"
    told = subprocess.run((python, "-I", "-c", "import site; print(site.getsitepackages()[0])"), check=True, capture_output=True, text=True)
    packages = Path(told.stdout.strip())
    for there in _needed(*(metadata.requires("lwlint") or ()), "yamllint"):
        if not (packages / there.name).exists():
            (packages / there.name).symlink_to(there)
    _install_wheel(top / "source", packages)
    bare = (str(python), "-I")
    return Installed(
        bare,
        (*bare, "-c", "from lwlint.cli import entry; entry()"),
        (*bare, "-c", "import sys; from yamllint.cli import run; sys.exit(run())"),
        packages / "lwlint_rules",
    )


def _needed(*requirements: str) -> Iterator[Path]:
    """Yield the files and folders of the distributions that meet these requirements, and of what they need in turn, but for extras."""
    todo, seen = list(requirements), set[str]()
    while todo:
        name, _, marker = todo.pop().partition(";")
        found = re.match(r"[\w.-]+", name)
        if found is None or found[0] in seen or "extra" in marker:
            continue
        seen.add(found[0])
        try:
            distribution = metadata.distribution(found[0])
        except metadata.PackageNotFoundError:  # of another version of Python
            continue
        tops = {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}
        yield from (Path(str(distribution.locate_file(top))) for top in sorted(tops))
        todo += distribution.requires or ()


def _install_wheel(source: Path, packages: Path) -> None:
    names = subprocess.run(("git", "ls-files"), cwd=HERE, check=True, capture_output=True, text=True).stdout.splitlines()
    for name in names:
        if (HERE / name).exists() and name.split("/")[0] in _OF_A_WHEEL:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / name, source / name)
    pip = (sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(packages))
    subprocess.run((*pip, str(source)), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if not list((packages / "lwlint_rules").glob("*.compiled")):
        raise RuntimeError("the wheel has no compiled rules: is PyYAML there where it is built?")
