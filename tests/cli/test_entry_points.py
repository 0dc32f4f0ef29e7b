"""Packages beside lwlint that are not whole: what is wrong is told by the name of the entry point, with exit code 2."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared import HERE


def run(folder: Path, points: str, *arguments: str) -> tuple[int, str]:
    """Run lwlint beside a package with these entry points; return its exit code and what it said on standard error."""
    about = folder / "site/acme-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(points)
    (folder / "site/acme.py").write_text("NUMBER = 5\n")
    (folder / "nova-api.service").write_text("[Service]\nExecStart=/usr/bin/nova-api\nRestart=always\n")
    there = os.pathsep.join((str(HERE), str(folder / "site"), os.environ.get("PYTHONPATH", "")))
    done = subprocess.run(
        [sys.executable, "-m", "lwlint", "check", "--no-cache", "--no-config", *arguments, "nova-api.service"],
        cwd=folder, env={**os.environ, "PYTHONPATH": there}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("acme:GONE", "lwlint: `acme-inventory`: entry point `acme:GONE` cannot be loaded (AttributeError: "),
        ("acme_not_there:KIND", "lwlint: `acme-inventory`: entry point `acme_not_there:KIND` cannot be loaded (ModuleNotFoundError: "),
        ("acme:NUMBER", "lwlint: `acme-inventory`: entry point `acme:NUMBER` is no `Kind`"),
    ],
)
def test_an_input_that_a_package_does_not_give_ends_the_run_without_a_traceback(target: str, said: str, tmp_path: Path) -> None:
    code, error = run(tmp_path, f"[lwlint.inputs]\nacme-inventory = {target}\n")
    assert (code, error.startswith(said), "Traceback" in error) == (2, True, False), error
