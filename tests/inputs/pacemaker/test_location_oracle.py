"""Resources that location constraints keep from every node, as lwlint and Pacemaker's scheduler have them."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lwlint.core.facts import Facts
from lwlint.core.source import Source
from lwlint.inputs.pacemaker.model import cibs, find_barred
from lwlint.inputs.pacemaker.reader import cib_facts
from lwlint.run import load_catalogue

NODES = ("one", "two", "three")
RESOURCES = {"plain": "plain", "inner": "copies", "first": "bundled-up", "second": "bundled-up"}
WEIGHTS = ("true", "true", "false", "-INFINITY", "-INFINITY", "7")  # of which some are scores
FACTOR = int(os.environ.get("LWLINT_GENERATED", "1"))


def expression(rng: random.Random, at: str, depth: int) -> str:
    if depth and rng.random() < 0.2:
        return rule(rng, at, ' score="0"', depth - 1)
    if rng.random() < 0.15:
        bound = rng.choice(('operation="lt" end', 'operation="lt" end', 'operation="gt" start'))
        return f'<date_expression id="{at}" {bound}="{rng.choice(("2001-01-01", "2199-01-01"))}"/>'
    name = rng.choice(("#uname", "haproxy-role", "redis-role", "absent-role"))
    operation = rng.choice(("eq", "eq", "ne", "defined", "not_defined"))
    value = "" if "defined" in operation else f' value="{rng.choice(NODES) if name == "#uname" else rng.choice(("true", "TRUE", "false"))}"'
    return f'<expression id="{at}" attribute="{name}" operation="{operation}"{value}/>'


def rule(rng: random.Random, at: str, score: str, depth: int = 1) -> str:
    inner = "".join(expression(rng, f"{at}-{number}", depth) for number in range(rng.randint(1, 3)))
    op = rng.choice(("", ' boolean-op="and"', ' boolean-op="or"'))
    return f'<rule id="{at}"{op}{score}>{inner}</rule>'


def location(rng: random.Random, number: int) -> str:
    named = rng.choice(("plain", "copies", "bundled-up", "first", "tagged"))
    only = ' resource-discovery="exclusive"' if rng.random() < 0.4 else ""
    role = ' role="Master"' if named == "copies" and not only and rng.random() < 0.2 else ""
    score = rng.choice(("-INFINITY", "-INFINITY", "0", "100", "INFINITY", "-1000000", "-100"))
    if rng.random() < 0.4:
        return f'<rsc_location id="l{number}" rsc="{named}" node="{rng.choice(NODES)}" score="{score}"{only}{role}/>'
    within = rule(rng, f"l{number}-r", f' score="{score}"' if rng.random() < 0.85 else ' score-attribute="redis-role"')
    return f'<rsc_location id="l{number}" rsc="{named}"{only}>{within}</rsc_location>'


def cluster(rng: random.Random) -> str:
    def node(number: int, name: str) -> str:
        pairs = "".join(
            f'<nvpair id="n{number}-{mark}" name="{mark}-role" value="{rng.choice(words)}"/>'
            for mark, words in (("haproxy", ("true", "true", "false")), ("redis", WEIGHTS))
            if rng.random() < 0.7 or (number, mark) == (1, "redis")
        )
        return f'<node id="{number}" uname="{name}"><instance_attributes id="n{number}">{pairs}</instance_attributes></node>'

    def dummy(name: str) -> str:
        return f'<primitive id="{name}" class="ocf" provider="pacemaker" type="{"Stateful" if name == "inner" else "Dummy"}"/>'

    promotable = '<meta_attributes id="copies-m"><nvpair id="copies-m-1" name="promotable" value="true"/></meta_attributes>'
    return (
        '<cib validate-with="pacemaker-3.2" epoch="1" num_updates="0" admin_epoch="0"><configuration><crm_config>'
        '<cluster_property_set id="o"><nvpair id="o-1" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>'
        f"<nodes>{''.join(node(number, name) for number, name in enumerate(NODES, 1))}</nodes>"
        f'<resources>{dummy("plain")}<clone id="copies">{promotable}{dummy("inner")}</clone>'
        f'<group id="bundled-up">{dummy("first")}{dummy("second")}</group></resources>'
        f"<constraints>{''.join(location(rng, number) for number in range(rng.randint(1, 5)))}</constraints>"
        '<tags><tag id="tagged"><obj_ref id="plain"/><obj_ref id="copies"/></tag></tags></configuration>'
        f"<status>{status(rng) if rng.random() < 0.5 else ''}</status></cib>"
    )


def status(rng: random.Random) -> str:
    """Return the state of all nodes, up, with attributes that go before the permanent ones."""
    found = ""
    for number, name in enumerate(NODES, 1):
        pairs = "".join(
            f'<nvpair id="s{number}-{mark}" name="{mark}-role" value="{rng.choice(("true", "false"))}"/>'
            for mark in ("haproxy", "redis", "absent")
            if rng.random() < 0.4
        )
        set_ = f'<instance_attributes id="s{number}">{pairs}</instance_attributes>' if pairs else ""
        told = f'<transient_attributes id="{number}">{set_}</transient_attributes>' if rng.random() < 0.8 else ""
        up = 'in_ccm="true" crmd="online" join="member" expected="member"'
        found += f'<node_state id="{number}" uname="{name}" {up}>{told}<lrm id="{number}"><lrm_resources/></lrm></node_state>'
    return found


def never_started(xml: str, folder: Path) -> set[str]:
    """Return the outermost resources of which nothing is started when all nodes have come up; a group counts by its first member."""
    file = folder / "cib.xml"
    file.write_text(xml, encoding="utf-8")
    command = ["crm_simulate", "-x", str(file), "-S", "--quorum=1", *(word for name in NODES for word in ("-u", name))]
    said = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, check=False)
    assert "Executing Cluster Transition" in said.stdout, said.stderr + xml
    started = {name.partition(":")[0] for name in re.findall(r"Resource action: (\S+) +start on", said.stdout)}
    return {top for leaf, top in RESOURCES.items() if leaf not in started and leaf != "second"}


@pytest.mark.parametrize("batch", range(4))
def test_what_is_kept_from_every_node_is_started_nowhere(batch: int, tmp_path: Path) -> None:
    if shutil.which("crm_simulate") is None:
        pytest.skip("NOT COMPARED WITH PACEMAKER: crm_simulate is not installed (Debian: pacemaker-cli-utils)")
    rng = random.Random(batch)
    seen = 0
    for _ in range(50 * FACTOR):
        xml = cluster(rng)
        (cib,) = cibs(Facts(cib_facts([Source("cib.xml", xml, "cib")], load_catalogue())))
        ours = {name for name, bans in find_barred(cib).items() if set(NODES) <= set(bans)}
        assert ours == never_started(xml, tmp_path), xml
        seen += bool(ours)
    assert seen > 5


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ('value="p" value-source="param"', False),
        ('value="p" value-source="literal"', True),
        ('value="1.0" type="number"', False),
        ('value="01" type="integer"', False),
        ('value="1.0" type="string"', True),
    ],
)
def test_a_rule_whose_value_is_not_the_text_keeps_nothing_away_for_certain(words: str, kept: bool, tmp_path: Path) -> None:
    """By each the attribute is, or is not, what a resource must not run beside."""
    if shutil.which("crm_simulate") is None:
        pytest.skip("NOT COMPARED WITH PACEMAKER: crm_simulate is not installed (Debian: pacemaker-cli-utils)")
    nodes = "".join(
        f'<node id="{number}" uname="{name}"><instance_attributes id="n{number}"><nvpair id="p{number}" name="x-role" value="1"/>'
        "</instance_attributes></node>"
        for number, name in enumerate(NODES, 1)
    )
    expression = f'<expression id="e" attribute="x-role" operation="ne" {words}/>'
    plain = '<primitive id="plain" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id="a">'
    xml = (
        '<cib validate-with="pacemaker-3.5" epoch="1" num_updates="0" admin_epoch="0"><configuration><crm_config>'
        '<cluster_property_set id="o"><nvpair id="o-1" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>'
        f'<nodes>{nodes}</nodes><resources>{plain}<nvpair id="a1" name="p" value="1"/></instance_attributes></primitive></resources>'
        f'<constraints><rsc_location id="l" rsc="plain"><rule id="r" score="-INFINITY">{expression}</rule></rsc_location></constraints>'
        "</configuration><status/></cib>"
    )
    assert ("plain" in never_started(xml, tmp_path)) is kept
    (cib,) = cibs(Facts(cib_facts([Source("cib.xml", xml, "cib")], load_catalogue())))
    assert (set(NODES) <= set(find_barred(cib).get("plain", {}))) is kept
