"""The edits of a plan are those that real pcs makes: each step's commands, run by each pcs that there is, leave the very same CIB.

The system's own pcs is asked. Others are programs `pcs-0.9`, `pcs-0.10` and so on in the folder that `LWLINT_PCS` names; they work on
files (`-f`), so that a source tree of pcs with lxml beside it is enough.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lwlint.audit.operate.plan import Settings
from lwlint.audit.operate.simulation import read_cib, serialize
from lwlint.audit.operate.steps import CLUSTER, DEFAULTS, apply_edits, assign, is_in_reach, value_of
from tests.audit.operate.clusters import canonical, clone, full_ha, odd_full_ha, pacemaker_is_here, running
from tests.audit.operate.test_plan import GROUP, SHAPES, planned
from tests.shared import HERE

VERSIONS = ("0.9", "0.10", "0.11", "0.12")
FIXTURE = HERE / "fixtures/full-pacemaker/var/lib/pacemaker/cib/cib.xml"
MADE: dict[str, Callable[[], str]] = {
    "odd": odd_full_ha,  # no stickiness, a virtual IP unbound, a set that mixes, a file system
    "a cloned group": lambda: full_ha([clone(GROUP)]),
    "a tag": SHAPES["a tag"][0],
    "a template": SHAPES["a template"][0],
    "a location rule": SHAPES["a location rule"][0],
    "the fixture": lambda: FIXTURE.read_text("utf-8"),
}


def pcs(version: str) -> str:
    """Return the program of a version; skip the test, saying so, where there is none."""
    given = Path(os.environ.get("LWLINT_PCS", "/nonexistent")) / f"pcs-{version}"
    own = shutil.which("pcs")
    for program in (str(given), own):
        if program is not None and os.access(program, os.X_OK):
            said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
            if said.startswith(f"{version}."):
                return program
    pytest.skip(f"NOT COMPARED WITH PCS {version}: it is not installed, and `LWLINT_PCS` names no folder with `pcs-{version}`")


@pytest.mark.parametrize("shape", [pytest.param(name, marks=pytest.mark.long if name == "odd" else pytest.mark.night) for name in MADE])
@pytest.mark.parametrize("version", VERSIONS)
def test_the_edits_of_each_step_are_those_of_pcs(version: str, shape: str, tmp_path: Path) -> None:
    pacemaker_is_here()
    program = pcs(version)
    text = MADE[shape]()
    if version in ("0.11", "0.12"):  # which a Pacemaker of today has beside it
        text = re.sub(
            'crm_feature_set="[^"]*"', 'crm_feature_set="3.16.1"', re.sub('name="dc-version" value="[^"]*"', 'name="x" value="x"', text)
        )
    plan = planned(text if shape == "the fixture" else running(text), Settings(at_once=True))
    assert plan.refusals == ()
    path, now = tmp_path / "cib.xml", plan.before
    path.write_bytes(serialize(now))
    for step in plan.steps:
        if step.where != CLUSTER:
            continue
        lines = [line for line in step.commands if "$C" in line]
        assert [line for line in lines if line.startswith("pcs ")]
        script = "\n".join(["set -e", *(re.sub(r"^pcs ", f"{program} ", line) for line in lines)])
        ran = subprocess.run(["bash", "-c", script], env={**os.environ, "C": str(path)}, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        now = apply_edits(now, (*step.untie, *step.edits))
        assert plain(path.read_text()) == plain(serialize(now).decode()), step.title


SETS = {
    "one": '<meta_attributes id="d1"><nvpair id="d1a" name="resource-stickiness" value="0"/></meta_attributes>',
    "two": '<meta_attributes id="d1"/><meta_attributes id="d2"><nvpair id="d2a" name="resource-stickiness" value="0"/></meta_attributes>',
    "both": '<meta_attributes id="d1"><nvpair id="d1a" name="resource-stickiness" value="100"/></meta_attributes>'
    '<meta_attributes id="d2"><nvpair id="d2a" name="resource-stickiness" value="0"/></meta_attributes>',
    "neither": '<meta_attributes id="d1"/><meta_attributes id="d2"/>',
    "a rule": '<meta_attributes id="d1"><rule id="d1r" boolean-op="and" score="INFINITY"><date_expression id="d1e" operation="lt" '
    'end="2020-01-01"/></rule><nvpair id="d1a" name="resource-stickiness" value="100"/></meta_attributes>',
}


@pytest.mark.parametrize("sets", SETS)
def test_a_default_among_several_sets_is_set_where_it_counts(sets: str, tmp_path: Path) -> None:
    pacemaker_is_here()
    program = pcs("0.11")
    cib = read_cib(running(odd_full_ha()).replace("</configuration>", f"<rsc_defaults>{SETS[sets]}</rsc_defaults></configuration>"))
    edits = assign(cib, DEFAULTS, "resource-stickiness", "INFINITY")
    in_reach = is_in_reach(cib, DEFAULTS, "resource-stickiness")
    assert in_reach == (sets == "one")
    lines = ["pcs -f $C resource defaults resource-stickiness=INFINITY"] if in_reach else [edit.command() for edit in edits]
    path = tmp_path / "cib.xml"
    path.write_bytes(serialize(cib))
    script = "\n".join(["set -e", *(re.sub(r"^pcs ", f"{program} ", line) for line in lines)])
    ran = subprocess.run(["bash", "-c", script], env={**os.environ, "C": str(path)}, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    now = read_cib(path.read_text())
    assert plain(path.read_text()) == plain(serialize(apply_edits(cib, edits)).decode())
    assert value_of(now, DEFAULTS, "resource-stickiness") == "INFINITY"


def plain(text: str) -> str:
    """Return the configuration as `canonical` has it, without the ids that each pcs makes up for a property or default."""
    cib = read_cib(text)
    for one in cib.xpath("configuration/crm_config//nvpair | configuration/rsc_defaults//*"):
        del one.attrib["id"]
    return canonical(cib)
