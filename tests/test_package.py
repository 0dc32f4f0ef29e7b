"""What is published: the sources and the wheel, as `python -m build` makes them in the release workflow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from lwlint import __version__
from tests.shared import HERE

COPIED = (
    "lwlint",
    "rules",
    "pyproject.toml",
    "setup.py",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sources, and the wheel that was made of these."""
    for name in ("build.__main__", "setuptools", "wheel"):  # a folder `build`, as pip leaves it, is no such package
        pytest.importorskip(name, reason=f"{name.partition('.')[0].upper()} IS MISSING: no package is made")
    source = tmp_path_factory.mktemp("source")
    for name in COPIED:
        if (HERE / name).is_dir():
            shutil.copytree(HERE / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(HERE / name, source)
    done = subprocess.run([sys.executable, "-m", "build", "--no-isolation"], cwd=source, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert sorted(path.name for path in (source / "dist").iterdir()) == [
        f"lwlint-{__version__}-py3-none-any.whl",
        f"lwlint-{__version__}.tar.gz",
    ]
    return source / "dist"


def test_twine_accepts_both(dist: Path) -> None:
    pytest.importorskip("twine", reason="TWINE IS MISSING: nothing looks over the package")
    done = subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *map(str, dist.iterdir())], text=True, capture_output=True)
    assert (done.returncode, done.stdout.count("PASSED")) == (0, 2), done.stdout + done.stderr


def test_the_sources_hold_what_the_wheel_is_made_of_and_no_piece_of_the_tests(dist: Path) -> None:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"LICENSE", "SECURITY.md", "CHANGELOG.md", "setup.py", "rules/services.yaml", "lwlint/report/html/html.js"}
    assert (wanted - names, [name for name in names if name.startswith(("tests", "docs", ".github"))]) == (set(), [])


def test_the_wheel_runs_by_itself(dist: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "there")
        names = wheel.namelist()
    every = {path.relative_to(HERE).as_posix() for path in (HERE / "lwlint").rglob("*") if path.suffix in (".css", ".js", ".sh", ".typed")}
    assert every - set(names) == set()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "there"), "XDG_CACHE_HOME": str(tmp_path)}
    runs = {}
    for arguments in (["--version"], ["explain", "LW103"], ["audit", str(HERE / "fixtures/sos/newton"), "--format", "html"]):
        done = subprocess.run([sys.executable, "-m", "lwlint", *arguments], cwd=tmp_path, env=environment, text=True, capture_output=True)
        runs[arguments[0]] = (done.returncode, done.stderr)
        assert "Traceback" not in done.stdout
    assert runs == {"--version": (0, ""), "explain": (0, ""), "audit": (1, "")}
