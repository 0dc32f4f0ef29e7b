"""Constraints by which a resource waits for another one, as lwlint and Pacemaker's scheduler have them."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lwlint.checks.pacemaker_constraints import first_awaited
from lwlint.core.facts import Facts
from lwlint.core.source import Source
from lwlint.inputs.pacemaker.facts import Constraint
from lwlint.inputs.pacemaker.model import Cib, cibs
from lwlint.inputs.pacemaker.reader import cib_facts
from lwlint.run import load_catalogue

NODES = ("one", "two", "three")
BASE, LATE = "base-clone", "late"


def ordered(first: str, then: str, kind: str, first_action: str, then_action: str) -> str:
    actions = (f' first-action="{first_action}"' if first_action else "") + (f' then-action="{then_action}"' if then_action else "")
    return f'<rsc_order id="c" first="{first}" then="{then}"{kind}{actions}/>'


def in_sets(*sets: tuple[tuple[str, ...], str]) -> str:
    def one(number: int, names: tuple[str, ...], attributes: str) -> str:
        inner = "".join(f'<resource_ref id="{name}"/>' for name in names)
        return f'<resource_set id="s{number}"{attributes}>{inner}</resource_set>'

    return f'<rsc_order id="c">{"".join(one(number, *each) for number, each in enumerate(sets))}</rsc_order>'


_KINDS = ("", ' kind="Optional"', ' kind="Serialize"', ' score="0"', ' score="INFINITY"', ' score="-5"')
_ORDERS = [
    ordered(*names, kind, before, after)
    for names, kind, before, after in itertools.product(
        ((BASE, LATE), (LATE, BASE)), _KINDS, ("", "start", "stop", "promote", "demote"), ("", "start", "stop")
    )
]
_ORDERS += [ordered(BASE, LATE, ' symmetrical="false"', before, "") for before in ("", "start", "stop", "promote")]
_SETS = [
    in_sets(((BASE, LATE), "")),
    in_sets(((LATE, BASE), "")),
    in_sets(((BASE, LATE), ' sequential="false"')),
    in_sets(((BASE,), ""), ((LATE,), "")),
    in_sets(((LATE,), ""), ((BASE,), "")),
    in_sets(((BASE,), ' require-all="false" sequential="false"'), ((LATE,), "")),
    in_sets(((BASE,), ' action="stop"'), ((LATE,), ' action="stop"')),
    in_sets(((LATE,), ' action="stop"'), ((BASE,), ' action="stop"')),
    in_sets(((BASE, "idle"), ' sequential="false"'), (("idle-2", LATE), "")),
    in_sets((("idle", LATE), ' sequential="false"'), (("idle-2",), ""), ((BASE,), "")),
    in_sets(((BASE,), ' action="promote"'), (("idle", LATE), ' action="start" sequential="false"')),
]
_COLOCATIONS = [
    f'<rsc_colocation id="c" rsc="{one}" with-rsc="{other}" score="{score}"/>'
    for one, other in ((LATE, BASE), (BASE, LATE))
    for score in ("INFINITY", "1000", "-1000")
]


def cib(constraint: str, promotable: bool) -> str:
    def dummy(name: str, agent: str = "Dummy") -> str:
        return f'<primitive id="{name}" class="ocf" provider="pacemaker" type="{agent}"/>'

    meta = f'<meta_attributes id="m"><nvpair id="m-1" name="promotable" value="{"true" if promotable else "false"}"/></meta_attributes>'
    nodes = "".join(f'<node id="{number}" uname="{name}"/>' for number, name in enumerate(NODES, 1))
    bans = "".join(f'<rsc_location id="ban-{node}" rsc="{BASE}" node="{node}" score="-INFINITY"/>' for node in NODES)
    return (
        '<cib validate-with="pacemaker-3.2" epoch="1" num_updates="0" admin_epoch="0"><configuration><crm_config>'
        '<cluster_property_set id="o"><nvpair id="o-1" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>'
        f"<nodes>{nodes}</nodes>"
        f'<resources><clone id="{BASE}">{meta}{dummy("base", "Stateful")}</clone>{dummy(LATE)}{dummy("idle")}{dummy("idle-2")}</resources>'
        f"<constraints>{constraint}{bans}</constraints></configuration><status/></cib>"
    )


def starts(xml: str, folder: Path) -> bool:
    """Return whether the scheduler starts the one that may wait, while no node may run the other."""
    file = folder / "cib.xml"
    file.write_text(xml, encoding="utf-8")
    command = ["crm_simulate", "-x", str(file), "-S", "--quorum=1", *(word for name in NODES for word in ("-u", name))]
    said = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, check=False).stdout
    assert "Executing Cluster Transition" in said, xml
    return any(f"Resource action: {LATE} " in line and "start on" in line for line in said.splitlines())


def waits_for_the_other(found: Cib, constraint: Constraint) -> bool:
    return first_awaited(found, constraint, LATE.__eq__, lambda name: "the other" if name == BASE else None) is not None


@pytest.mark.long
@pytest.mark.parametrize("promotable", [False, True])
def test_what_waits_is_not_started_while_the_other_is_down(promotable: bool, tmp_path: Path) -> None:
    if shutil.which("crm_simulate") is None:
        pytest.skip("NOT COMPARED WITH PACEMAKER: crm_simulate is not installed (Debian: pacemaker-cli-utils)")
    catalogue = load_catalogue()
    ours: dict[str, bool] = {}
    theirs: dict[str, bool] = {}
    for constraint in (*_ORDERS, *_SETS, *_COLOCATIONS):
        xml = cib(constraint, promotable)
        (found,) = cibs(Facts(cib_facts([Source("cib.xml", xml, "cib")], catalogue)))
        ours[constraint] = any(waits_for_the_other(found, each) for each in found.constraints)
        theirs[constraint] = not starts(xml, tmp_path)
    assert ours == theirs
    assert sum(theirs.values()) > 10
