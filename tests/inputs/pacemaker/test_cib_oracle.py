"""CIBs read by lwlint and by Pacemaker's own tools, where they are installed."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from lwlint.checks.pacemaker_constraints import CHECKS, BoundParams, owners
from lwlint.core.check import Unknown
from lwlint.core.facts import Facts
from lwlint.core.source import Source
from lwlint.inputs.pacemaker.facts import Resource
from lwlint.inputs.pacemaker.model import Colocations, cibs
from lwlint.inputs.pacemaker.reader import cib_facts
from lwlint.run import load_catalogue
from tests.inputs.pacemaker.cib_generated import cibs as generated_cibs
from tests.inputs.pacemaker.cib_generated import listed, seen
from tests.inputs.pacemaker.cib_shapes import Block, Colocation, Shape, guaranteed, shapes
from tests.shared import shared

CATALOGUE = load_catalogue()
FACTOR = int(os.environ.get("LWLINT_GENERATED", "1"))  # the gate's numbers times this
HERE = settings(deadline=None, derandomize=FACTOR == 1, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module", autouse=True)
def _pacemaker() -> None:
    missing = [tool for tool in ("crm_resource", "crm_simulate") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"NOT COMPARED WITH PACEMAKER: {', '.join(missing)} not installed (Debian: pacemaker-cli-utils)")


def facts_of(xml: str) -> Facts:
    return Facts(cib_facts([Source("cib.xml", xml, "cib")], CATALOGUE), services=CATALOGUE.services)


@pytest.mark.long
@settings(HERE, max_examples=300 * FACTOR)
@given(generated_cibs())
def test_a_generated_cib_holds_the_resources_that_pacemaker_lists(xml: str) -> None:
    rows = listed(xml)
    assume(rows is not None)
    assert rows is not None
    assert seen(facts_of(xml).of(Resource), rows) == rows


def corpus(version: str) -> list[Path]:
    """Every seventh file, so that a run stays short; LWLINT_GENERATED > 1 takes them all."""
    files = sorted((shared("corpus/cib") / version).glob("*.xml"))
    return files if FACTOR > 1 else files[::7]


def without_status(text: str) -> str:
    """What the configuration alone says: failures of the past make a resource unmanaged in the scheduler's eyes."""
    text = re.sub(r"<status>.*</status>", "<status/>", text, flags=re.DOTALL)
    text = re.sub(r'execution-date="\d+"', "", text)
    return text.replace('validate-with="pacemaker-1.1"', 'validate-with="pacemaker-1.2"')


@pytest.mark.parametrize("version", ["2.1.5", "1.1.24"])
def test_every_cib_without_its_status_is_managed_and_promoted_as_pacemaker_says(version: str) -> None:
    different: dict[str, Any] = {}
    for path in corpus(version):
        text = without_status(path.read_text(encoding="utf-8"))
        rows = listed(text)
        found = seen(facts_of(text).of(Resource), rows or ())
        if rows is not None and found != rows:
            names = {row.name for row in rows}
            different[path.name] = [(a, b) for a, b in zip([f for f in found if f.name in names], rows) if a != b]
    assert {name: pairs for name, pairs in different.items() if pairs} == {}


def bound(shape: Shape) -> tuple[dict[str, bool], bool]:
    """Return for each virtual IP whether lwlint takes it to be bound to HAProxy, and whether bindings go in a circle.

    One that belongs to another resource is left out: it is not to be bound.
    """
    facts = facts_of(shape.xml())
    (cib,) = cibs(facts)
    graph = Colocations(cib)
    circle = any(needed == name for name in cib.resources for needed in graph.find_needed(name))
    (check,) = (check for check in CHECKS if check.name == "vip-without-haproxy")
    saw = list(check.run(facts, BoundParams(each="vip", to="haproxy")))
    assert [each for each in saw if isinstance(each, Unknown)] == []
    blamed = {problem.subject for problem in saw if not isinstance(problem, Unknown)}
    names = [name for name in cib.resources if name.startswith("ip-") and name not in owners(cib, "vip", "haproxy")]
    return {name: f"resource {name}" not in blamed for name in names}, circle


@pytest.mark.long
@settings(HERE, max_examples=120 * FACTOR)
@given(shapes())
def test_a_virtual_ip_is_bound_to_haproxy_exactly_when_the_scheduler_never_runs_it_without(shape: Shape) -> None:
    named = [name for each in shape.colocations for name in (*each.ends, *(n for block in each.blocks for n in block.names)) if name]
    assume(all(shape.exists(name) for name in named))
    found, circle = bound(shape)
    assume(not circle)  # it cannot be met: which binding the scheduler gives up is its own affair
    answer = guaranteed(shape)
    assert found == {vip: answer[vip] for vip in answer if vip in found} | {vip: found[vip] for vip in found if vip not in answer}


PAIR = ("ip-1", "haproxy-top")
FIXED = {
    "a role that a clone does not have": Shape("clone", (Colocation("INFINITY", PAIR, (None, "Master")),)),
    "a role that a primitive does not have": Shape("primitive", (Colocation("INFINITY", PAIR, (None, "Master")),)),
    "a role of the virtual IP, promoted": Shape("clone", (Colocation("INFINITY", PAIR, ("Master", None)),)),
    "a role of the virtual IP, unpromoted": Shape("bundle", (Colocation("INFINITY", PAIR, ("Slave", None)),)),
    "an attribute of nodes, with a clone": Shape("clone", (Colocation("INFINITY", PAIR, node_attribute="rack"),)),
    "an attribute of nodes, with a primitive": Shape("primitive", (Colocation("INFINITY", PAIR, node_attribute="rack"),)),
    "each bound to the other": Shape("clone", (Colocation("INFINITY", PAIR), Colocation("INFINITY", PAIR[::-1]))),
    "a group with haproxy first": Shape("group", (), ("haproxy", "ip-1")),
    "a group with haproxy last": Shape("group", (), ("ip-1", "haproxy")),
    "with a group that holds haproxy": Shape("group", (Colocation("INFINITY", ("ip-1", "group")),), ("haproxy", "app")),
    "a group that is bound": Shape("clone", (Colocation("INFINITY", ("group", "haproxy-top")),), ("ip-1", "app")),
    "through a tag": Shape("clone", (Colocation("INFINITY", ("ip-1", "tag-1")),)),
    "two tags": Shape("clone", (Colocation("INFINITY", ("template", "tag-1")),), templated=True),
    "a template": Shape("bundle", (Colocation("INFINITY", ("template", "haproxy-top")),), templated=True),
    "through another clone": Shape(
        "clone", (Colocation("INFINITY", ("ip-1", "app-clone")), Colocation("INFINITY", ("app-clone", "haproxy-top")))
    ),
    "a set with a score of its own": Shape("clone", (Colocation("100", blocks=(Block(("haproxy-top", "ip-1"), score="INFINITY"),)),)),
    "two sets with a score in the set only": Shape(
        "clone", (Colocation("100", blocks=(Block(("ip-1",)), Block(("haproxy-top",), score="INFINITY"))),)
    ),
    "a set that is not sequential before one": Shape(
        "clone", (Colocation("INFINITY", blocks=(Block(("ip-1", "ip-2"), "false"), Block(("haproxy-top",)))),)
    ),
}


@pytest.mark.parametrize("shape", FIXED.values(), ids=FIXED)
def test_a_way_to_bind_a_virtual_ip_is_judged_as_the_scheduler_does(shape: Shape) -> None:
    answer = guaranteed(shape)
    found, _ = bound(shape)
    assert answer
    assert found == {vip: answer[vip] for vip in answer if vip in found} | {vip: found[vip] for vip in found if vip not in answer}
