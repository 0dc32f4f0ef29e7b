"""Whether a core resource that dies is brought back, as lwlint (LW109, LW110, LW112) and Pacemaker's scheduler have it."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest

import lwlint
from lwlint.audit.operate.simulation import Event, Pacemaker, Refused, primitive_of, read_cib
from tests.audit.operate.clusters import pacemaker_is_here

FACTOR = int(os.environ.get("LWLINT_GENERATED", "1"))  # the gate's number times this
CODES = ("LW109", "LW110", "LW112")
FORMS = ("clone", "primitive", "group", "clone of a group", "master", "promotable clone")
ON_FAIL = ("ignore", "block", "stop", "restart", "demote")
META = (
    ("is-managed", "false"), ("is-managed", "true"), ("is-managed", "default"), ("target-role", "Stopped"), ("target-role", "Started"),
    ("target-role", "Slave"), ("target-role", "Master"), ("maintenance", "true"), ("maintenance", "false"), ("clone-max", "0"),
    ("clone-max", "3"),
)  # fmt: skip


def pairs(owner: str, *values: tuple[str, str]) -> str:
    return "".join(f'<nvpair id="{owner}-{number}" name="{name}" value="{value}"/>' for number, (name, value) in enumerate(values))


def block(owner: str, *values: tuple[str, str], rule: str = "") -> str:
    return f'<meta_attributes id="{owner}">{rule}{pairs(owner, *values)}</meta_attributes>' if values else ""


def rule(rng: random.Random, owner: str, *expressions: str) -> str:
    chosen = rng.choice(("", *expressions))
    return (
        f'<rule id="{owner}-r" score="INFINITY"><{chosen.replace(" ", f" id={chr(34)}{owner}-x{chr(34)} ", 1)}/></rule>' if chosen else ""
    )


def monitor(rng: random.Random, number: int, promotable: bool) -> str:
    words = [f'id="o{number}" name="monitor" interval="{rng.choice(["0", "10s", "10", "20s", "PT13S"])}"']
    if promotable or rng.random() < 0.15:
        words.append(rng.choice(["", 'role="Master"', 'role="Slave"', 'role="Started"', 'role="Stopped"']))
    if rng.random() < 0.15:
        words.append(rng.choice(['enabled="false"', 'enabled="true"']))
    inner = ""
    chance = rng.random()
    if chance < 0.3:
        words.append(f'on-fail="{rng.choice(ON_FAIL)}"')
    elif chance < 0.45:
        inner = block(f"om{number}", rng.choice([("on-fail", rng.choice(ON_FAIL)), ("enabled", "false")]))
    return f"<op {' '.join(words)}>{inner}</op>"


def cluster(rng: random.Random) -> tuple[str, bool, str]:
    """Return the id of a resource of the core, whether it is promotable, and a CIB of one node with it."""
    form = rng.choice(FORMS)
    promotable = form in ("master", "promotable clone")
    name, agent = (
        ("redis", 'class="ocf" provider="heartbeat" type="redis"') if promotable else ("haproxy", 'class="systemd" type="haproxy"')
    )
    operations = "".join(monitor(rng, number, promotable) for number in range(rng.choice([0, 1, 1, 2, 2])))
    own, outer, default = (block(owner, *([rng.choice(META)] if rng.random() < 0.2 else [])) for owner in ("m1", "m2", "m3"))
    inner = own + (f"<operations>{operations}</operations>" if operations else "")
    template, here = "", f'<primitive id="{name}" {agent}>{inner}</primitive>'
    if rng.random() < 0.2:
        template, here = f'<template id="T" {agent}>{inner}</template>', f'<primitive id="{name}" template="T"/>'
    if form == "promotable clone":
        outer += block("m4", ("promotable", "true"))
    box = {
        "primitive": here,
        "group": f'<group id="g">{outer}{here}</group>',
        "clone of a group": f'<clone id="c"><group id="g">{outer}{here}</group></clone>',
        "master": f'<master id="c">{outer}{here}</master>',
    }.get(form, f'<clone id="c">{outer}{here}</clone>')
    dates = ('date_expression operation="lt" end="2019-01-01"', 'date_expression operation="gt" start="2019-01-01"')
    if default:
        default = default.replace(">", ">" + rule(rng, "m3", f"rsc_expression {agent}", 'rsc_expression class="lsb"', *dates), 1)
    of_operations = ""
    if rng.random() < 0.3:
        words = ('"monitor"', '"start"', '"monitor" interval="10s"', '"monitor" interval="13s"')
        asked = ("op_expression name=" + word for word in words)
        asked = (*asked, f"rsc_expression {agent}", 'rsc_expression type="haproxy"', 'rsc_expression class="lsb"')
        of_all = (("enabled", "false"), ("interval", "15s"), ("role", "Stopped"))
        value = rng.choice([*(("on-fail", word) for word in ON_FAIL), *of_all])
        of_operations = f"<op_defaults>{block('od', value, rule=rule(rng, 'od', *asked, *dates))}</op_defaults>"
    properties = [("stonith-enabled", "false"), ("cluster-name", "tripleo_cluster")]
    if rng.random() < 0.1:
        properties.append((rng.choice(["maintenance-mode", "stop-all-resources"]), rng.choice(["true", "false"])))
    return (
        name,
        promotable,
        '<cib validate-with="pacemaker-3.7" crm_feature_set="3.16.0" admin_epoch="0" epoch="1" num_updates="0"'
        ' have-quorum="1"><configuration><crm_config>'
        f'<cluster_property_set id="p">{pairs("p", *properties)}</cluster_property_set></crm_config>'
        '<nodes><node id="1" uname="one"/></nodes>'
        f"<resources>{template}{box}</resources><constraints/>"
        + (f"<rsc_defaults>{default}</rsc_defaults>" if default else "")
        + f"{of_operations}</configuration><status/></cib>",
    )


def is_brought_back(pacemaker: Pacemaker, xml: str, name: str, promotable: bool) -> bool:
    """Return whether the scheduler starts the resource, promoted if it can be, and starts it again after a monitor saw that it is gone."""
    from lxml import etree

    settled = pacemaker.settle(read_cib(xml), Event("node-up", "one"))
    transitions, cib = list(settled.transitions), settled.cib
    if name in settled.after.resources and promotable:
        state = next(cib.iter("node_state"))
        shown = state.find("transient_attributes")
        shown = shown if shown is not None else etree.SubElement(state, "transient_attributes", id="1")
        held = shown.find("instance_attributes")
        held = held if held is not None else etree.SubElement(shown, "instance_attributes", id="t")
        etree.SubElement(held, "nvpair", id="t-m", name=f"master-{name}", value="100")
        settled = pacemaker.settle(cib)
        cib = settled.cib
        gone = {str(action.interval) for action in settled.transitions[0].actions if action.task == "cancel"}
        for operation in list(cib.iter("lrm_rsc_op")):  # which crm_simulate leaves in the history
            if operation.get("interval") in gone:
                operation.getparent().remove(operation)
        after = pacemaker.simulate(cib)
        transitions, cib = [*transitions, *settled.transitions, after], after.cib
    places = settled.after.resources.get(name, ())
    if not places or (promotable and places[0].role not in ("Promoted", "Master")):
        return False
    return any(_starts_again(pacemaker, cib, name, interval, promotable) for interval in _watching(transitions, name))


def _watching(transitions: list[Any], name: str) -> set[str]:
    """Return the intervals of the monitors that run after these transitions."""
    found: set[str] = set()
    for transition in transitions:
        for action in transition.actions:
            if action.resource == name and action.interval:
                (found.add if action.task == "monitor" else found.discard)(str(action.interval))
    return found


def _starts_again(pacemaker: Pacemaker, cib: Any, name: str, interval: str, promotable: bool) -> bool:
    instance = next(each.get("id") for each in cib.iter("lrm_resource") if primitive_of(each.get("id")) == name)
    settled = pacemaker.settle(cib, Event("op-inject", f"{instance}_monitor_{interval}@one=7"))
    places = settled.after.resources.get(name, ())
    started = any(action.task == "start" and action.resource == name for action in settled.changes)
    return started and bool(places) and (not promotable or places[0].role in ("Promoted", "Master"))


@pytest.mark.parametrize("batch", range(4))
def test_a_resource_is_brought_back_exactly_where_nothing_is_found(batch: int, tmp_path: Path) -> None:
    pacemaker_is_here()
    pytest.importorskip("lxml")
    path = tmp_path / "cib.xml"
    compared = 0
    with Pacemaker() as pacemaker:
        for number in range(10 * FACTOR):
            name, promotable, xml = cluster(random.Random(f"{batch} {number}"))
            try:
                is_back = is_brought_back(pacemaker, xml, name, promotable)
            except Refused:
                continue
            path.write_text(xml, encoding="utf-8")
            found = [f"{one.code} {one.message}" for one in lwlint.check([path]).findings if one.code in CODES]
            assert is_back is not bool(found), (found, xml)
            compared += 1
    assert compared > 6 * FACTOR


@pytest.mark.parametrize(("agent", "codes"), [("haproxy", ["LW112"]), ("memcached", [])])
def test_a_default_of_operations_for_one_agent_counts_for_it(agent: str, codes: list[str], tmp_path: Path) -> None:
    asked = f'<rule id="r" score="INFINITY"><rsc_expression id="e" type="{agent}"/><op_expression id="o" name="monitor"/></rule>'
    xml = (
        '<cib validate-with="pacemaker-3.7" crm_feature_set="3.16.0" admin_epoch="0" epoch="1" num_updates="0" have-quorum="1">'
        '<configuration><crm_config><cluster_property_set id="p">'
        f"{pairs('p', ('stonith-enabled', 'false'), ('cluster-name', 'tripleo_cluster'))}"
        '</cluster_property_set></crm_config><nodes><node id="1" uname="one"/></nodes><resources>'
        '<primitive id="haproxy" class="systemd" type="haproxy"><operations><op id="m" name="monitor" interval="10s"/></operations>'
        "</primitive>"
        f"</resources><constraints/><op_defaults>{block('od', ('on-fail', 'block'), rule=asked)}</op_defaults></configuration>"
        "<status/></cib>"
    )
    (tmp_path / "cib.xml").write_text(xml)
    assert [one.code for one in lwlint.check([tmp_path / "cib.xml"]).findings if one.code in CODES] == codes
    pacemaker_is_here()
    with Pacemaker() as pacemaker:
        assert is_brought_back(pacemaker, xml, "haproxy", False) is not bool(codes)
