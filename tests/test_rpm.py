"""The RPM is built from the spec by the real rpmbuild, and looked over by rpmlint.

Not exercised: whether a distribution has the packages that it requires (`--nodeps`), and installing it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from lwlint import __version__
from tests.shared import HERE

SPEC = HERE / "packaging/lwlint.spec"
# of Debian's rpmlint: what only a build service adds, what old distributions wanted, and its list of licences that knows no SPDX
ACCEPTED = {
    *("no-signature", "no-packager-tag", "no-group-tag", "no-buildroot-tag", "invalid-url", "invalid-license"),
    *("manpage-not-compressed", "no-manual-page-for-binary", "invalid-changelog-email", "no-binary"),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built package."""
    if shutil.which("rpmbuild") is None:
        pytest.skip("RPMBUILD IS MISSING: the package is not built")
    pytest.importorskip("setuptools")
    top = tmp_path_factory.mktemp("rpm")
    (top / "SOURCES").mkdir()
    with tarfile.open(top / f"SOURCES/lwlint-{__version__}.tar.gz", "w:gz") as archive:
        for name in ("lwlint", "rules", "fixtures", "pyproject.toml", "setup.py", "README.md", "CHANGELOG.md", "LICENSE"):
            archive.add(HERE / name, f"lwlint-{__version__}/{name}", filter=lambda info: None if "__pycache__" in info.name else info)
    command = ["rpmbuild", "-bb", "--nodeps", "--define", f"_topdir {top}", "--define", f"python3 {sys.executable}", str(SPEC)]
    done = subprocess.run(command, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return next(top.glob("RPMS/noarch/*.rpm"))


def test_the_package_holds_the_command_rules_manual_and_completions(built: Path) -> None:
    listed = subprocess.run(["rpm", "-qlp", str(built)], text=True, capture_output=True, check=True).stdout.splitlines()
    wanted = ["/usr/bin/lwlint", "/lwlint/cli/__init__.py", "/lwlint_rules/services.yaml", "/man1/lwlint.1", "/completions/lwlint"]
    wanted += [
        "/lwlint_rules/rules.compiled",
        "/site-functions/_lwlint",
        "/vendor_completions.d/lwlint.fish",
        "/lwlint_rules/heat/duplicate-key.yaml",
    ]
    assert [name for name in wanted if not any(path.removesuffix(".gz").endswith(name) for path in listed)] == []
    assert [path for path in listed if "__pycache__" in path or "direct_url" in path or "/tests/" in path] == []


def test_the_package_names_its_version_and_what_it_requires(built: Path) -> None:
    query = ["rpm", "-qp", "--qf", "%{name} %{version} %{arch}\\n[%{requirename}\\n]", str(built)]
    first, *requires = subprocess.run(query, text=True, capture_output=True, check=True).stdout.splitlines()
    assert first == f"lwlint {__version__} noarch"
    libraries = {name for name in requires if name.startswith(("python3-", "(python3-"))}
    plain = {
        "python3-google-re2",
        "python3-iniparse",
        "python3-msgspec",
        "python3-pyyaml",
        "python3-rich",
        "python3-ruamel-yaml",
    }  # as pyproject.toml has them
    assert libraries == {*plain, "(python3-tomli >= 2 if python3 < 3.11)"}


def test_rpmlint_complains_of_nothing_new(built: Path) -> None:
    if shutil.which("rpmlint") is None:
        pytest.skip("RPMLINT IS MISSING: the package is not looked over")
    said = subprocess.run(["rpmlint", str(SPEC), str(built)], text=True, capture_output=True).stdout
    # `plan.sh` is the text of a script that `lwlint plan` prints, and is none itself
    complaints = [line for line in said.splitlines() if (": E: " in line or ": W: " in line) and "report/plan.sh" not in line]
    assert [line for line in complaints if line.split(": ")[2].split()[0] not in ACCEPTED] == []
