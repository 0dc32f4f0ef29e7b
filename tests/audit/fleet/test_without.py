"""Without the extra `lwlint fleet` says what to install, and nothing else of lwlint imports any of it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from tests.audit.audit_cluster import CIB
from tests.shared import HERE

FLEET = ("dask", "distributed", "fsspec", "pyarrow", "tornado", "lwlint.audit.fleet")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=HERE, text=True, capture_output=True, check=False)


@pytest.mark.parametrize("lacking", ["distributed", "fsspec", "pyarrow"])
def test_without_the_extra_it_is_said_what_to_install(lacking: str) -> None:
    code = (
        "import importlib.util, sys; find = importlib.util.find_spec\n"
        f"importlib.util.find_spec = lambda name, *rest: None if name == {lacking!r} else find(name, *rest)\n"
        "from lwlint.cli import main\nsys.exit(main(['fleet', 'run', 'x.tar', '--into', 'y']))"
    )
    absent = [name for name in ("distributed", "fsspec", "pyarrow") if name == lacking or importlib.util.find_spec(name) is None]
    done = python(code)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"lwlint: `lwlint fleet` needs `pip install 'lwlint[fleet]'` (not there: {', '.join(absent)})\n"


@pytest.mark.parametrize("command", [["audit", f"fixtures/newton/{CIB}"], ["check", "fixtures/newton"], ["--help"], ["fleet", "--help"]])
def test_no_other_command_imports_any_of_it(command: list[str]) -> None:
    code = (
        "import sys\nfrom lwlint.cli import main\n"
        f"try:\n    main({command!r})\nexcept SystemExit:\n    pass\n"
        f"print(sorted(name for name in {FLEET!r} if name in sys.modules), file=sys.stderr)"
    )
    assert python(code).stderr.splitlines()[-1] == "[]"
