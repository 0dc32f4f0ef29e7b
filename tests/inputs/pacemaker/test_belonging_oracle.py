"""Whose an address is, and whether it can be up away from HAProxy: lwlint and the scheduler on groups and on bindings either way round."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable

import pytest

from lwlint.checks.pacemaker_constraints import CHECKS, BoundParams
from lwlint.core.check import Unknown
from lwlint.core.facts import Facts
from lwlint.core.source import Source
from lwlint.inputs.pacemaker.model import Colocations, cibs, owners
from lwlint.inputs.pacemaker.reader import cib_facts
from lwlint.run import load_catalogue
from tests.inputs.pacemaker.cib_shapes import VIPS, Colocation, Shape, away, looped, tied

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
    circle = any(needed == name for name in cib.resources for needed in graph.find_needed(name))
    saw = [each for each in CHECK.run(facts, BoundParams(each="vip", to="haproxy")) if not isinstance(each, Unknown)]
    return {each.subject.rpartition(" ")[2]: each.severity or "error" for each in saw}, owners(cib, "vip", "haproxy"), circle


def compare(shape: Shape) -> str:
    """Return what differs; empty for nothing, and for what says nothing. What differs by the quick question is asked by the long one."""
    found, owned, circle = judged(shape)
    if circle:
        return ""
    for every in (False, True):
        answer = away(shape, every)
        if answer is None:
            return ""
        wrong = [vip for vip in VIPS if vip not in owned and (found.get(vip) == "error") is not answer[vip]]
        wrong += [vip for vip in owned if vip in found]
        if not wrong:
            return ""
    return f"{wrong}: lwlint {found}, owned {owned}, scheduler {answer}, {shape}"


@pytest.mark.parametrize("generate", [tied, looped])
@pytest.mark.parametrize("part", range(4))
def test_an_address_is_an_error_exactly_where_it_can_be_up_while_haproxy_runs_elsewhere(
    part: int, generate: Callable[[random.Random], Shape]
) -> None:
    rng = random.Random(part)
    number = (6 if generate is tied else 3) * FACTOR
    differences = [words for _ in range(number) if (words := compare(generate(rng)))]
    assert differences == []


def near(*pairs: tuple[str, str, str], grouped: tuple[str, ...] = VIPS, priority: str = "") -> Shape:
    """Return a cluster with HAProxy bound to a group, and other bindings by score."""
    others = (Colocation(score, (first, second)) for first, second, score in pairs)
    return Shape("clone", (*others, Colocation("INFINITY", ("haproxy-top", "group"))), grouped, priority=priority)


REVERSED = (Colocation("INFINITY", ("haproxy-top", "ip-1")),)


def both(bound: tuple[str, str], loose: tuple[str, str]) -> Shape:
    """Return a cluster in which one resource is bound to another, and near to it the other way round."""
    return Shape("primitive", (Colocation("INFINITY", bound), Colocation("10", loose)))


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
        # the scheduler comes to `ip-2` by what `ip-1` leads to, and places it first; what stands before the group it places before
        (near(("ip-1", "app-clone", "INFINITY"), ("app-clone", "ip-2", "1000")), {"ip-1": "error", "ip-2": "warning"}),
        (near(("ip-1", "app-clone", "-1000"), ("app-clone", "ip-2", "1000")), {"ip-1": "error", "ip-2": "warning"}),
        (near(("ip-1", "ip-2", "1000")), {"ip-1": "error", "ip-2": "warning"}),
        (near(("group", "app-clone", "1000"), ("app-clone", "ip-2", "1000")), {"ip-1": "error", "ip-2": "warning"}),
        (near(("ip-1", "app-clone", "INFINITY"), ("app-clone", "group", "1000")), {"ip-1": "warning", "ip-2": "warning"}),
        (near(("ip-1", "app", "1000"), ("app", "ip-2", "1000")), {"ip-1": "warning", "ip-2": "warning"}),
        (near(("ip-1", "app", "1000"), ("app", "ip-2", "1000"), priority="10"), {"ip-1": "error", "ip-2": "warning"}),
        (near(("ip-1", "app", "1000"), ("app", "ip-2", "1000"), priority="-10"), {"ip-1": "warning", "ip-2": "warning"}),
        # of two resources that are bound and near to each other, the scheduler breaks off what binds the one that it comes to second
        (both(("ip-1", "haproxy-top"), ("haproxy-top", "ip-1")), {"ip-2": "error"}),
        (both(("haproxy-top", "ip-1"), ("ip-1", "haproxy-top")), {"ip-1": "error", "ip-2": "error"}),
        (near(("app", "app-clone", "1000"), ("app-clone", "ip-1", "1000"), grouped=("app", *VIPS)), {"ip-1": "warning", "ip-2": "warning"}),
    ],
)
def test_an_address_is_judged_by_whose_it_is_and_by_what_the_scheduler_can_do(shape: Shape, found: dict[str, str]) -> None:
    assert judged(shape)[0] == found
    assert compare(shape) == ""
