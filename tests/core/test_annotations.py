"""A run on one file with lwlint's own rules has no annotation compiled: of the records and named tuples that it needs, they are types."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.shared import HERE

FILE = "fixtures/lightweight/templates/puppet/services/keystone.yaml"
RUN = """
import builtins, msgspec, os, sys  # which has one of its own compiled by Python 3.10
given, real = [], builtins.compile
builtins.compile = lambda text, file, *rest, **how: given.append((text, file)) or real(text, file, *rest, **how)
os._exit = lambda code: print(code, [text for text, file in given if file == "<string>"], file=sys.stderr)
from lwlint.cli import entry
entry()
"""


def test_a_run_on_one_file_has_no_annotation_compiled(tmp_path: Path) -> None:
    for _ in range(2):  # the first keeps the compiled rules, and Python's own compiled modules
        for kept in (*tmp_path.glob("answer-*"), *tmp_path.glob("outlines-*")):
            kept.unlink()
        command = (sys.executable, "-c", RUN, "check", "--no-config", "--cache-dir", str(tmp_path), FILE)
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "0 []\n")
