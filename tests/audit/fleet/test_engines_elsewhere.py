"""`--on`: a package that gives a Dask cluster a name, built and installed, and a class by its module, as those of dask-jobqueue are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lwlint.audit.fleet.run import runs
from lwlint.audit.fleet.store import Store
from tests.audit.fleet.looking import answers, need, plain
from tests.audit.fleet.made import audited, fleet
from tests.audit.fleet.surroundings import running

need("setuptools", "wheel")
pytestmark = pytest.mark.long
SECONDS = 240
PACKAGE = {
    "pyproject.toml": """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "our-clusters"
version = "1"
[project.entry-points."lwlint.fleet"]
ours = "our_clusters:ours"
broken = "our_clusters:broken"
""",
    "our_clusters.py": """
import os
from distributed import LocalCluster


class Cluster(LocalCluster):
    \"\"\"A cluster that begins with no worker, and has as many as it is asked for, as those of dask-jobqueue.\"\"\"

    def __init__(self):
        super().__init__(n_workers=0, threads_per_worker=1, processes=True, dashboard_address=None)

    def scale(self, n):
        open(os.environ["SCALED"], "a").write(f"{n} ")
        return super().scale(n)


def ours():
    return Cluster()


def broken():
    raise RuntimeError("no such queue")
""",
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    for name, text in PACKAGE.items():
        (folder / name).write_text(text)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(folder / "site"), str(folder)], check=True, capture_output=True)
    return folder / "site"


def ended(arguments: list[str], environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    from tests.audit.fleet import surroundings

    monkeypatch.setattr(surroundings, "HERE", f"{surroundings.HERE}:{environment['PYTHONPATH']}")
    with running(arguments, environment) as process:
        out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out + err


@pytest.mark.parametrize("on", ["ours", "our_clusters:Cluster"])
def test_a_cluster_that_a_package_makes_does_the_work(on: str, installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = fleet(tmp_path / "in", range(1, 2))
    environment = {"PYTHONPATH": str(installed), "SCALED": str(tmp_path / "scaled")}
    arguments = ["fleet", "run", str(tmp_path / "in"), "--into", str(tmp_path / "store"), "--on", on, "--workers", "1"]
    code, told = ended(arguments, environment, monkeypatch)
    assert code == 1, told
    assert (tmp_path / "scaled").read_text().split()[0] == "1"
    store = Store(str(tmp_path / "store"))
    (ran,) = runs(store)
    assert plain(answers(store, ran.run)) == plain(audited(paths).values())


@pytest.mark.parametrize(
    ("on", "said"),
    [
        ("broken", "`--on broken`: makes no cluster (RuntimeError: no such queue)"),
        ("our", "did you mean `ours`?"),
    ],
)
def test_a_cluster_that_is_none_is_said(on: str, said: str, installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet(tmp_path / "in", range(1, 2))
    arguments = ["fleet", "run", str(tmp_path / "in"), "--into", str(tmp_path / "store"), "--on", on]
    code, told = ended(arguments, {"PYTHONPATH": str(installed)}, monkeypatch)
    assert code == 2
    assert said in told, told
