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

from lab import host
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
        assert "lwlint/py.typed" in names
    every = {path.relative_to(HERE).as_posix() for path in (HERE / "lwlint").rglob("*") if path.suffix in (".css", ".js", ".sh")}
    assert every - set(names) == set()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "there"), "XDG_CACHE_HOME": str(tmp_path)}
    runs = {}
    for arguments in (["--version"], ["explain", "LW103"], ["audit", str(HERE / "fixtures/sos/newton"), "--format", "html"]):
        done = subprocess.run([sys.executable, "-m", "lwlint", *arguments], cwd=tmp_path, env=environment, text=True, capture_output=True)
        runs[arguments[0]] = (done.returncode, done.stderr)
        assert "Traceback" not in done.stdout
    assert runs == {"--version": (0, ""), "explain": (0, ""), "audit": (1, "")}


IN_THE_TREE = """mount --make-rprivate / && mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" && exec chroot "$0" sh -euc '
command -v pipx >/dev/null
if command -v cc || command -v gcc || command -v c++; then exit 3; fi
pipx install --pip-args="--only-binary :all:" /there/*.whl
/root/.local/bin/lwlint --version
cd /there && /root/.local/bin/lwlint check --no-config --no-cache etc
'"""


def of_pip() -> dict[str, str]:
    """What pip is told on this machine of where packages are, as variables; without what lies on its own disk."""
    told = subprocess.run([sys.executable, "-m", "pip", "config", "list"], text=True, capture_output=True).stdout
    found = {}
    for line in told.splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.partition(".")
        words = [word for word in value.strip("'").split() if not word.startswith(("/", "file:"))]
        if section in ("global", "install") and key in ("index-url", "extra-index-url", "trusted-host", "timeout", "proxy") and words:
            found[f"PIP_{key.upper().replace('-', '_')}"] = " ".join(words)
    return found


@pytest.mark.long
def test_pipx_installs_the_wheel_where_there_is_no_compiler(dist: Path, tmp_path: Path) -> None:
    """A Debian of its own in namespaces (`unshare` and `chroot`, no engine for containers): wheels only, and a finding at the end."""
    tree = tmp_path / "tree"
    for program in ("debootstrap", "apt-get", "unshare", "chroot", "setpriv"):
        if os.geteuid() != 0 or shutil.which(program) is None:
            pytest.skip(f"PIPX DID NOT RUN: it needs root and `{program}`, to make a Debian without a compiler")
    try:
        host.make_tree(tree, "bookworm", ["pipx"], tmp_path / "log")
    except host.Missing as error:
        pytest.skip(f"PIPX DID NOT RUN: {error}")
    (tree / "there/etc/keystone").mkdir(parents=True)
    shutil.copy(next(dist.glob("*.whl")), tree / "there")
    (tree / "there/etc/keystone/keystone.conf").write_text("[database]\nconnection = mysql://k@db/k\nmax_retries = 3\n")
    for path in ("/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt"):
        if Path(path).exists():
            shutil.copy(path, tree / path.lstrip("/"))
    known = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    environment = {name: os.environ[name] for name in known if name in os.environ} | of_pip()
    environment["PIP_CERT"] = "/etc/ssl/certs/ca-certificates.crt"
    environment |= {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", "-mp", "--fork", "--kill-child", "sh", "-c", IN_THE_TREE, str(tree)]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, text=True, capture_output=True)
    if "Could not find a version that satisfies" in done.stderr and "(from versions: none)" in done.stderr:
        pytest.skip("PIPX DID NOT RUN: there is no index of packages to be had in the tree")
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]
    assert f"lwlint {__version__}" in done.stdout
    assert "etc/keystone/keystone.conf:3:" in done.stdout
    assert "LW301" in done.stdout
