"""Whose an address is, and whether it can be up away from HAProxy: lwlint and the scheduler on groups and on bindings either way round."""

from __future__ import annotations

import os
import random
import shutil

import pytest

from lwlint.checks.pacemaker_bound import CHECKS, Params
from lwlint.core.check import Unknown
from lwlint.core.facts import Facts
from lwlint.core.source import Source
from lwlint.inputs.pacemaker.belonging import owners
from lwlint.inputs.pacemaker.model import Colocations, cibs
from lwlint.inputs.pacemaker.reader import cib_facts
from lwlint.run import load_catalogue
from tests.inputs.pacemaker.cib_shapes import VIPS, Colocation, Shape, away, tied

CATALOGUE = load_catalogue()
FACTOR = int(os.environ.get("LWLINT_GENERATED", "1"))  # the gate's number times this
(CHECK,) = (check for check in CHECKS if check.name == "vip-without-haproxy")


@pytest.fixture(scope="module", autouse=True)
def _pacemaker() -> None:
    if shutil.which("crm_simulate") is None:
        pytest.skip("NOT COMPARED WITH PACEMAKER: crm_simulate not installed (Debian: pacemaker-cli-utils)")


def judged(shape: Shape) -> tuple[dict[str, str], dict[str, str], bool]:
    """Return the severity of what is found of each virtual IP, the owner of each that has one, and whether bindings go in a circle."""
    facts = Facts(cib_facts([Source("cib.xml", shape.xml(), "cib")], CATALOGUE), services=CATALOGUE.services)
    (cib,) = cibs(facts)
    graph = Colocations(cib)
    circle = any(needed == name for name in cib.resources for needed in graph.needed(name))
    saw = [each for each in CHECK.run(facts, Params(each="vip", to="haproxy")) if not isinstance(each, Unknown)]
    return {each.subject.rpartition(" ")[2]: each.severity or "error" for each in saw}, owners(cib, "vip", "haproxy"), circle


def compare(shape: Shape) -> str:
    """Return what differs; empty for nothing, and for what says nothing."""
    found, owned, circle = judged(shape)
    answer = away(shape)
    if answer is None or circle:
        return ""
    wrong = [vip for vip in VIPS if vip not in owned and (found.get(vip) == "error") is not answer[vip]]
    wrong += [vip for vip in owned if vip in found]
    return f"{wrong}: lwlint {found}, owned {owned}, scheduler {answer}, {shape}" if wrong else ""


@pytest.mark.parametrize("part", range(4))
def test_an_address_is_an_error_exactly_where_it_can_be_up_while_haproxy_runs_elsewhere(part: int) -> None:
    rng = random.Random(part)
    differences = [words for _ in range(6 * FACTOR) if (words := compare(tied(rng)))]
    assert differences == []


REVERSED = (Colocation("INFINITY", ("haproxy-top", "ip-1")),)


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        (Shape("group", (), ("ip-1", "haproxy")), {"ip-1": "note", "ip-2": "error"}),
        (Shape("group", (), ("ip-1", "ip-2", "haproxy")), {"ip-1": "note", "ip-2": "note"}),
        (Shape("group", (), ("ip-1", "app", "haproxy")), {"ip-1": "note", "ip-2": "error"}),
        (Shape("group", (), ("haproxy", "ip-1")), {"ip-2": "error"}),
        (Shape("clone", REVERSED), {"ip-1": "warning", "ip-2": "error"}),
        (Shape("primitive", REVERSED), {"ip-1": "warning", "ip-2": "error"}),
        (Shape("bundle", (*REVERSED, Colocation("INFINITY", ("ip-2", "ip-1")))), {"ip-1": "warning", "ip-2": "warning"}),
        (Shape("clone", (Colocation("1000", ("ip-1", "haproxy-top")),)), {"ip-1": "error", "ip-2": "error"}),
        (Shape("clone", (), ("ip-1", "app")), {"ip-2": "error"}),
        (Shape("clone", (), ("app", "ip-1")), {"ip-2": "error"}),
        (Shape("clone", (Colocation("INFINITY", ("app", "ip-1")), Colocation("INFINITY", ("ip-2", "ip-1")))), {}),
        (Shape("clone", (Colocation("INFINITY", ("ip-1", "app-clone")),)), {"ip-2": "error"}),
        (Shape("clone", (Colocation("1000", ("ip-1", "app")),)), {"ip-1": "error", "ip-2": "error"}),
    ],
)
def test_an_address_is_judged_by_whose_it_is_and_by_what_the_scheduler_can_do(shape: Shape, found: dict[str, str]) -> None:
    assert judged(shape)[0] == found
    assert compare(shape) == ""
