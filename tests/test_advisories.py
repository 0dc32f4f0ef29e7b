"""What the gate asks in the place of OSV where there is no network: a checkout of PyPA's advisory database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared import HERE

SCRIPT = HERE / ".ci/advisories.py"
ADVISORY = """\
id: PYSEC-2001-1
modified: 2001-02-03T04:05:06Z
affected:
- package: {ecosystem: PyPI, name: some-package}
  ranges:
  - type: ECOSYSTEM
    events:
    - introduced: "1.5"
    - fixed: "2.0"
    - introduced: "3"
    - last_affected: "3.1"
  versions: ["1.5", "0.9.dev1"]
"""
ASK = """
import json, os, urllib.request
question = json.dumps({"package": {"name": "Some_Package", "ecosystem": "PyPI"}, "version": "%s"}).encode()
print(urllib.request.urlopen(os.environ["OSV_URL"], question).read().decode())
"""


@pytest.mark.parametrize(
    ("version", "affected"),
    [("1.4", False), ("1.5", True), ("1.10", True), ("2.0", False), ("3.1", True), ("3.1.1", False), ("0.9.dev1", True)],
)
@pytest.mark.parametrize("withdrawn", [False, True])
def test_a_version_is_judged_by_the_advisory_of_its_package(version: str, affected: bool, withdrawn: bool, tmp_path: Path) -> None:
    folder = tmp_path / "vulns/some-package"
    folder.mkdir(parents=True)
    (folder / "PYSEC-2001-1.yaml").write_text(ADVISORY + ("withdrawn: 2002-01-01T00:00:00Z\n" if withdrawn else ""), encoding="utf-8")
    command = [sys.executable, str(SCRIPT), str(tmp_path), sys.executable, "-c", ASK % version]
    ran = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "no_proxy": "*"}, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ("PYSEC-2001-1" in ran.stdout) is (affected and not withdrawn)


def test_a_folder_that_is_no_database_is_told(tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, str(SCRIPT), str(tmp_path), "true"], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert f"{tmp_path}: there is no folder `vulns` here" in ran.stderr
