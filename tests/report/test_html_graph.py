"""The picture of a cluster's orders: the steps that a CIB asks for, where their names stand, and which have to go."""

from __future__ import annotations

import itertools
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from lwlint.audit.answer import Ordering, Step, ordering
from lwlint.core.catalogue import Catalogue
from lwlint.core.facts import Facts
from lwlint.core.source import Source
from lwlint.inputs.pacemaker import CIB
from lwlint.inputs.pacemaker.reader import cib_facts
from lwlint.report.picture import ROW, graph, layout
from lwlint.run import Request, read_facts
from tests.report.html_sample import AUDIT
from tests.shared import HERE


def steps(constraints: str) -> list[tuple[str, str, str]]:
    primitives = "".join(f'<primitive id="{name}" class="ocf" provider="heartbeat" type="Dummy"/>' for name in "abcde")
    clone = '<clone id="f-clone"><primitive id="f" class="ocf" provider="heartbeat" type="Dummy"/></clone>'
    cib = f"<cib><configuration><resources>{primitives}{clone}</resources><constraints>{constraints}</constraints></configuration></cib>"
    found = ordering(Facts(cib_facts([Source("cib.xml", cib, CIB.name)], Catalogue(()))))
    return [(step.first, step.then, step.kind) for step in found.steps]


def test_an_order_is_a_step_between_the_outermost_resources() -> None:
    assert steps('<rsc_order id="o" first="a" then="f" kind="Optional"/>') == [("a", "f-clone", "Optional")]
    assert steps('<rsc_order id="o" first="a" then="nobody"/>') == []
    assert steps('<rsc_colocation id="o" rsc="a" with-rsc="b" score="INFINITY"/>') == []


def test_sets_are_ordered_inside_where_they_are_sequential_and_among_each_other() -> None:
    inner = '<resource_ref id="a"/><resource_ref id="b"/>'
    outer = '<resource_set id="t"><resource_ref id="c"/><resource_ref id="d"/></resource_set>'
    sequential = f'<rsc_order id="o"><resource_set id="s">{inner}</resource_set>{outer}</rsc_order>'
    assert steps(sequential) == [(a, b, "Mandatory") for a, b in ("ab", "cd", "bc")]
    parallel = sequential.replace('id="s"', 'id="s" sequential="false"')
    assert steps(parallel) == [(a, b, "Mandatory") for a, b in ("cd", "ac", "bc")]


def test_the_orders_of_the_full_architecture_are_all_there() -> None:
    found = ordering(read_facts(Request(paths=(str(HERE / "fixtures/full-pacemaker"),))).facts)
    assert len({step.constraint for step in found.steps}) == 50
    assert Step("order-haproxy-clone-openstack-core-clone-Mandatory", "haproxy-clone", "openstack-core-clone", "Mandatory") in [
        Step(f"order-{s.first}-{s.then}-Mandatory", s.first, s.then, s.kind) for s in found.steps
    ]
    assert [one.kind for one in found.resources if one.name in ("haproxy-clone", "openstack-core-clone")] == ["core", "active_active"]


def test_without_a_cib_there_is_nothing_to_order() -> None:
    assert ordering(Facts([])) == Ordering()
    assert graph(AUDIT.clusters[1], "c1") == ""


def test_a_constraint_that_a_finding_blames_has_to_go() -> None:
    cluster = AUDIT.clusters[0]
    assert cluster.gone.constraints == {"order-core-api"}
    picture = graph(cluster, "c0")
    assert "2 orders: the specification leaves 1 and removes 1. Without an order: own." in picture
    assert re.findall(r'class="(arrow [^"]*)" marker-end', picture) == ["arrow gone", "arrow kept optional"]
    assert re.findall(r'class="box (\w+)"/?></rect><text[^>]*>([^<]*)<', picture) == [
        ("inside", "ip-192.0.2.1"),
        ("inside", "haproxy"),
        ("outside", "nova-api"),
    ]


def test_arrows_lead_to_the_right_and_first_steps_stand_beside_what_they_lead_to() -> None:
    placed = layout([("a", "b"), ("b", "c"), ("x", "c")])
    assert [placed.column(name) for name in "abcx"] == [0, 1, 2, 1]


def test_a_circle_has_one_arrow_that_leads_back() -> None:
    placed = layout([("a", "b"), ("b", "c"), ("c", "a")])
    assert placed.back == {("c", "a")}
    assert [placed.column(name) for name in "abc"] == [0, 1, 2]


NAMES = st.sampled_from([f"n{i}" for i in range(12)])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES).filter(lambda pair: pair[0] != pair[1]), min_size=1, max_size=40))
def test_names_of_a_column_do_not_overlap_whatever_the_arrows(arrows: list[tuple[str, str]]) -> None:
    placed = layout(arrows)
    assert placed == layout(list(reversed(arrows)))
    assert sorted(name for names in placed.columns for name in names) == sorted({name for pair in arrows for name in pair})
    wrong = [(a, b) for a, b in arrows if (a, b) not in placed.back and placed.column(a) >= placed.column(b)]
    assert wrong == []
    close = [
        (one, other)
        for names in placed.columns
        for one, other in itertools.pairwise(names)
        if placed.heights[other] - placed.heights[one] < ROW - 0.2
    ]
    assert close == []
