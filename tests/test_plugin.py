"""Checks and kinds of input of other packages: a real package, built, installed into a virtual environment, and used there."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

PYPROJECT = """\
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"
[project]
name = "lwlint-acme"
version = "1.0"
[project.entry-points."lwlint.checks"]
acme-host-name = "lwlint_acme:HOST_NAME"
acme-raises = "lwlint_acme:RAISES"
acme-no-check = "lwlint_acme:run"
acme-gone = "lwlint_acme:GONE"
acme-no-module = "lwlint_acme_not_there:CHECK"
[project.entry-points."lwlint.inputs"]
acme-inventory = "lwlint_acme:INVENTORY"
[tool.setuptools]
py-modules = ["lwlint_acme"]
"""
MODULE = '''\
"""Nodes of a cluster are named as ACME names hosts."""
import re
from dataclasses import dataclass

from lwlint.plugin import Check, Comments, Kind, Node, Problem, decode_utf8, needs


@dataclass(frozen=True)
class Params:
    prefix: str = "acme-"


def run(facts, params):
    for node in facts.of(Node):
        if not node.name.startswith(params.prefix):
            yield Problem(node.span, f"{node.name}: name is `{node.name}`; it must begin with `{params.prefix}`", f"node {node.name}")


def raises(facts, params):
    yield from run(facts, params)
    raise LookupError("a defect of ACME")


HOST_NAME = Check("acme-host-name", run, needs(Node, "no CIB was given"), Params)
RAISES = Check("acme-raises", raises, needs(Node, "no CIB was given"), Params)


def inventory_facts(material):
    for source in material.of("acme-inventory"):
        for line in re.finditer(r"^host (\\S+)", source.text, re.MULTILINE):
            yield Node(name=line[1], span=source.span(*line.span(1)), id=line[1], type="member", host=source.host)


def ends(path):
    return path.endswith(".acme")


INVENTORY = Kind(
    name="acme-inventory",
    noun="ACME inventory",
    title="ACME inventories",
    missing="no ACME inventory was given",
    limit=1_000_000,
    may_hold=ends,
    recognise=lambda path, head, named: ends(path),
    decode=decode_utf8,
    facts=inventory_facts,
    comments=Comments("#"),
)
'''
CIB = '<cib><configuration><nodes><node id="1" uname="{}"/></nodes></configuration></cib>'
RULE = f"""\
id: odd-host-name
code: ACME101
title: Node with an odd name
severity: error
clause: readable-input
why: Names tell racks.
remedy: Name it so.
check: acme-host-name
params: {{prefix: ctl-}}
examples:
- good: as ACME has them
  files: {{cib.xml: '{CIB.format("ctl-0")}'}}
- bad: odd
  files: {{cib.xml: '{CIB.format("node0")}'}}
  finds: ["cib.xml:1:48 node0: name is `node0`; it must begin with `ctl-`"]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `venv` (this lwlint and the package in it), `rules`, and a CIB."""
    top = tmp_path_factory.mktemp("plugin")
    package, own = top / "package", top / "venv"
    package.mkdir()
    (package / "pyproject.toml").write_text(PYPROJECT)
    (package / "lwlint_acme.py").write_text(MODULE)
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", str(top), str(package)], check=True, capture_output=True)
    venv.create(own)
    wheel = top / "lwlint_acme-1.0-py3-none-any.whl"
    subprocess.run([*pip, "--python", str(own / "bin/python"), "install", "--no-deps", str(wheel)], check=True, capture_output=True)
    folder = next((own / "lib").glob("python3*/site-packages"))
    (folder / "lwlint-here.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    (top / "rules").mkdir()
    (top / "rules/odd-host-name.yaml").write_text(RULE)
    (top / "cib.xml").write_text(CIB.format("node0"))
    return top


def lwlint(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(place / "venv/bin/python"), "-m", "lwlint", *arguments], cwd=place, text=True, capture_output=True)


def test_a_check_of_an_installed_package_serves_rules(place: Path) -> None:
    tested = lwlint(place, "test", "rules", "--coverage")
    assert (tested.returncode, tested.stdout.splitlines()[-1], tested.stderr) == (0, "2 examples hold, 0 do not", "")
    assert "ACME101 odd-host-name: 4 of 4 branches of `acme-host-name` (lwlint_acme.py)" in tested.stdout
    checked = lwlint(place, "check", "cib.xml", "--rules", "rules", "--select", "ACME101", "--format", "json")
    report = json.loads(checked.stdout)
    assert [(f["code"], f["line"], f["column"], f["message"]) for f in report["findings"]] == [
        ("ACME101", 1, 48, "node0: name is `node0`; it must begin with `ctl-`")
    ]
    assert (checked.returncode, checked.stderr) == (1, "")


def test_a_check_that_raises_is_broken_and_named_and_the_rest_run(place: Path) -> None:
    folder = place / "broken"
    folder.mkdir()
    broken = RULE.replace("odd-host-name", "raising").replace("ACME101", "ACME102").replace("acme-host-name", "acme-raises")
    (folder / "raising.yaml").write_text(broken)
    checked = lwlint(place, "check", "cib.xml", "--rules", "rules", "--rules", "broken", "--select", "ACME", "--format", "json")
    report = json.loads(checked.stdout)
    assert (checked.returncode, [f["code"] for f in report["findings"]]) == (2, ["ACME101"])
    assert [(v["code"], v["outcome"], v["because"]) for v in report["verdicts"]] == [
        ("ACME101", "fail", ""),
        ("ACME102", "broken", "LookupError: a defect of ACME"),
    ]
    assert "a rule is broken" in checked.stderr
    assert "Traceback" not in checked.stderr
    debug = lwlint(place, "check", "cib.xml", "--rules", "broken", "--select", "ACME102", "--debug")
    assert (debug.returncode, "ACME102 raising: Traceback" in debug.stderr, "1 BROKEN (raising)" in debug.stdout) == (2, True, True)
    tested = lwlint(place, "test", "broken")
    assert (tested.returncode, tested.stdout.count("  broken: LookupError: a defect of ACME")) == (1, 2)


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("acme-no-check", "`acme-no-check`: entry point `lwlint_acme:run` is no `Check`"),
        ("acme-gone", "`acme-gone`: entry point `lwlint_acme:GONE` cannot be loaded (AttributeError: "),
        ("acme-no-module", "`acme-no-module`: entry point `lwlint_acme_not_there:CHECK` cannot be loaded (ModuleNotFoundError: No module"),
        ("acme-host-nam", "wrong.yaml:8:8: `acme-host-nam`: unknown check; did you mean `acme-host-name`?"),
    ],
)
def test_what_is_no_check_stops_the_run(place: Path, check: str, said: str) -> None:
    folder = place / check
    folder.mkdir()
    wrong = RULE.replace("id: odd-host-name", "id: wrong").replace("check: acme-host-name", f"check: {check}")
    (folder / "wrong.yaml").write_text(wrong)
    checked = lwlint(place, "check", "cib.xml", "--rules", check)
    assert (checked.returncode, checked.stdout) == (2, "")
    assert said in checked.stderr


def test_a_kind_of_input_of_an_installed_package_is_read_and_judged_and_its_comments_count(place: Path) -> None:
    folder = place / "tree"
    folder.mkdir()
    (folder / "rack.acme").write_text("host ctl-1\nhost stray\n# lwlint: allow ACME101 -- because it is on loan\nhost guest\n")
    (folder / "other.txt").write_text("host nobody\n")
    arguments = ("--rules", "rules", "--select", "ACME101,LW902", "--format", "json")
    checked = lwlint(place, "check", "tree", *arguments)
    found = {(f["path"], f["line"], f["allowed"]) for f in json.loads(checked.stdout)["findings"]}
    assert found == {("tree/rack.acme", 2, None), ("tree/rack.acme", 4, "it is on loan")}
    as_one = lwlint(place, "check", "tree/other.txt", "--kind", "acme-inventory", *arguments)
    assert [(f["line"], f["code"]) for f in json.loads(as_one.stdout)["findings"]] == [(1, "ACME101")]
    seen = lwlint(place, "facts", "tree", "--kind", "acme-inventori")
    assert (seen.returncode, "did you mean `acme-inventory`?" in seen.stderr) == (2, True)
