"""Intervals of operations, copies of clones and defaults of old schemas, as lwlint and Pacemaker's scheduler read them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest

from lwlint.core.facts import Facts
from lwlint.core.source import Source
from lwlint.inputs.pacemaker.facts import Resource
from lwlint.inputs.pacemaker.reader import cib_facts
from lwlint.inputs.pacemaker.resources import milliseconds
from lwlint.run import load_catalogue

_INTERVALS = (
    "0", "0s", "",
    "10", "  10", "10s ", "20 s", "10 seconds", "10seconds", "10S", "10MS", "10sx", "10s5", "10,5", "1.5s", "10.", ".5", "5.9m",
    "10us", "999us", "1000us", "500ms", "1h30m", "1 HR", "2hours", "1month", "1d", "1w", "abc", "-5", "+10", "1e3", "0x10",
    "PT10S", "PT1M30S", "PT0S", "PT10S ", " PT10S", "PT", "P", "PTS", "PT10", "PT1.5S", "P1D", "P1DT1S", "P2W", "P1W", "-PT10S", "pt10s",
)  # fmt: skip
_COPIES = ("1", "2", "+2", "0", "-1", "", "abc", "2x", "1.9", " 2")


def pacemaker(*tools: str) -> None:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"NOT COMPARED WITH PACEMAKER: {', '.join(missing)} not installed (Debian: pacemaker-cli-utils)")


def cib(resources: str, schema: str = "pacemaker-3.2", properties: str = "", defaults: str = "") -> str:
    return (
        f'<cib validate-with="{schema}" epoch="1" num_updates="0" admin_epoch="0"><configuration><crm_config>'
        f'<cluster_property_set id="o"><nvpair id="o-1" name="stonith-enabled" value="false"/>{properties}</cluster_property_set>'
        "</crm_config>"
        '<nodes><node id="1" uname="one"/><node id="2" uname="two"/><node id="3" uname="three"/></nodes>'
        f"<resources>{resources}</resources><constraints/>{defaults}</configuration><status/></cib>"
    )


def started(xml: str, folder: Path) -> str:
    """Return what the scheduler does when all three nodes have come up."""
    file = folder / "cib.xml"
    file.write_text(xml, encoding="utf-8")
    command = ["crm_simulate", "-x", str(file), "-S", "--quorum=1", "-u", "one", "-u", "two", "-u", "three"]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, check=False).stdout


def resources(xml: str) -> Sequence[Resource]:
    return Facts(cib_facts([Source("cib.xml", xml, "cib")], load_catalogue())).of(Resource)


def test_an_interval_recurs_as_it_does_for_pacemaker(tmp_path: Path) -> None:
    pacemaker("crm_simulate")
    primitives = "".join(
        f'<primitive id="r{at}" class="ocf" provider="pacemaker" type="Dummy"><operations>'
        f'<op id="m{at}" name="monitor" interval={quoteattr(interval)}/></operations></primitive>'
        for at, interval in enumerate(_INTERVALS)
    )
    said = dict(re.findall(r"Resource action: r(\d+) +monitor=(\d+) on", started(cib(primitives), tmp_path)))
    assert len(said) > 20
    ours = {interval: milliseconds(interval) or 0 for interval in _INTERVALS}
    assert ours == {interval: int(said.get(str(at), 0)) for at, interval in enumerate(_INTERVALS)}


def test_a_clone_has_the_copies_that_pacemaker_starts(tmp_path: Path) -> None:
    pacemaker("crm_simulate")
    clones = "".join(
        f'<clone id="c{at}"><meta_attributes id="a{at}"><nvpair id="n{at}" name="clone-max" value="{copies}"/></meta_attributes>'
        f'<primitive id="r{at}" class="ocf" provider="pacemaker" type="Dummy"/></clone>'
        for at, copies in enumerate(_COPIES)
    )
    actions = re.findall(r"Resource action: r(\d+)\S* +start on", started(cib(clones), tmp_path))
    assert actions
    found = {each.name: each.instances for each in resources(cib(clones)) if each.name.startswith("c")}
    assert found == {f"c{at}": actions.count(str(at)) for at in range(len(_COPIES))}


@pytest.mark.parametrize("schema", ["pacemaker-1.2", "pacemaker-2.10", "pacemaker-3.0"])
@pytest.mark.parametrize("default", ["", "true"])
def test_the_old_property_for_unmanaged_resources_counts_as_pacemaker_upgrades_it(schema: str, default: str, tmp_path: Path) -> None:
    pacemaker("crm_resource")
    dummies = (
        '<primitive id="plain" class="ocf" provider="pacemaker" type="Dummy"/>'
        '<primitive id="own" class="ocf" provider="pacemaker" type="Dummy">'
        '<meta_attributes id="m"><nvpair id="m-1" name="is-managed" value="true"/></meta_attributes></primitive>'
    )
    old = '<nvpair id="o-2" name="is-managed-default" value="false"/>' if schema != "pacemaker-3.0" else ""
    pairs = f'<nvpair id="d-1" name="is-managed" value="{default}"/>' if default else ""
    defaults = f'<rsc_defaults><meta_attributes id="d">{pairs}</meta_attributes></rsc_defaults>' if default else ""
    xml = cib(dummies, schema, old, defaults)
    file = tmp_path / "cib.xml"
    file.write_text(xml, encoding="utf-8")
    env = {**os.environ, "LC_ALL": "C", "CIB_file": str(file)}
    said = subprocess.run(["crm_resource", "--list-cts"], capture_output=True, text=True, env=env, check=False).stdout
    rows = [line.split() for line in said.splitlines() if line.startswith("Resource: primitive")]
    assert {row[2]: bool(int(row[11], 0) & 2) for row in rows} == {each.name: each.managed for each in resources(xml)}


def test_a_schema_of_pacemaker_2_has_no_property_for_unmanaged_resources() -> None:
    xml = cib(
        '<primitive id="a" class="ocf" provider="pacemaker" type="Dummy"/>',
        "pacemaker-3.9",
        '<nvpair id="x" name="is-managed-default" value="false"/>',
    )
    assert [each.managed for each in resources(xml)] == [True]
