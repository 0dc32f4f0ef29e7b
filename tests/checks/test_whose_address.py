"""LW103 and LW104: which HAProxy a virtual IP belongs to, and in whose cluster."""

from __future__ import annotations

import pytest

from lwlint.checks import pacemaker_constraints
from lwlint.checks.pacemaker_constraints import BoundParams
from lwlint.core.check import Unknown
from lwlint.core.facts import Facts
from lwlint.core.finding import Problem
from lwlint.core.source import Source
from lwlint.inputs.pacemaker.reader import pcs_config_facts
from lwlint.run import load_catalogue

CATALOGUE = load_catalogue()
COLOCATED, ORDERED = pacemaker_constraints.CHECKS[2:4]
PARAMS = BoundParams(each="vip", to="haproxy")
VIP = "primitive ip ocf:heartbeat:IPaddr2 params ip=192.0.2.1"
API = "primitive api systemd:openstack-nova-api"
TWO = f"{API}\n{VIP}\nprimitive ha systemd:haproxy\nclone ha-clone ha\nprimitive hb ocf:heartbeat:haproxy\nclone hb-clone hb"


def said(text: str, check: object = COLOCATED) -> list[tuple[str, str]]:
    """Return severity and reason of each problem; `not evaluated` and why for what is not judged."""
    facts = Facts(pcs_config_facts([Source("crm_configure_show", f"node 1: a\n{text}\n", "cib")], CATALOGUE), services=CATALOGUE.services)
    saw = check.run(facts, PARAMS)  # type: ignore[attr-defined]
    return [("not evaluated", each.because) if isinstance(each, Unknown) else _told(each) for each in saw]


def _told(problem: Problem) -> tuple[str, str]:
    return problem.severity or "error", " ".join(command.line for command in problem.commands)


@pytest.mark.parametrize(
    ("ties", "expected"),
    [
        ("colocation c inf: ip hb-clone", []),
        ("colocation c inf: hb-clone ip", [("warning", "remove c")]),
        ("order o Optional: ip hb-clone", [("error", "")]),
    ],
)
def test_of_two_haproxies_an_address_is_bound_to_that_which_it_is_tied_to(ties: str, expected: list[tuple[str, str]]) -> None:
    found = said(f"{TWO}\n{ties}")
    assert [severity for severity, _ in found] == [severity for severity, _ in expected]
    for (_, commands), (_, first) in zip(found, expected):
        assert commands.endswith("pcs constraint colocation add ip with hb-clone INFINITY")
        assert first in commands


def test_of_two_haproxies_the_order_names_that_which_the_address_is_bound_to() -> None:
    expected = "pcs constraint order start ip then start hb-clone kind=Optional"
    assert said(f"{TWO}\ncolocation c inf: ip hb-clone", ORDERED) == [("error", expected)]


def test_a_colocation_on_the_group_that_both_are_in_is_not_what_is_wrong() -> None:
    grouped = f"{API}\n{VIP}\nprimitive ip2 ocf:heartbeat:IPaddr2 params ip=192.0.2.2\nprimitive ha systemd:haproxy\ngroup g ip ha"
    facts = f"{grouped}\ncolocation c inf: ip2 g"
    assert [severity for severity, _ in said(facts)] == ["note"]


@pytest.mark.parametrize("agent", ["ocf:heartbeat:nginx", "ocf:heartbeat:apache", "systemd:memcached", "systemd:zabbix-server"])
def test_what_anybody_has_makes_it_no_cluster_of_controllers_and_is_named(agent: str) -> None:
    expected = [("not evaluated", "there is no OpenStack service in this CIB, and `web` is of something else")]
    assert said(f"{VIP}\nprimitive ha systemd:haproxy\nprimitive web {agent}") == expected


@pytest.mark.parametrize("agent", ["ocf:heartbeat:IPsrcaddr", "ocf:heartbeat:SendArp", "ocf:heartbeat:symlink", "ocf:pacemaker:ping"])
def test_what_goes_with_an_address_silences_nothing(agent: str) -> None:
    told = said(f"{VIP}\nprimitive ha systemd:haproxy\nclone ha-clone ha\nprimitive helper {agent}\ngroup g ip helper")
    assert told == [("error", "pcs constraint colocation add g with ha-clone INFINITY")]


def test_a_group_that_binds_nothing_is_told_and_not_the_order_in_it() -> None:
    grouped = f"{API}\n{VIP}\nprimitive ha systemd:haproxy\ngroup g ip ha meta collocated=false"
    facts = Facts(
        pcs_config_facts([Source("crm_configure_show", f"node 1: a\n{grouped}\n", "cib")], CATALOGUE), services=CATALOGUE.services
    )
    (problem,) = COLOCATED.run(facts, PARAMS)
    assert isinstance(problem, Problem)
    assert problem.message == "virtual IP `ip`: group `g` binds no member to another (`collocated` is `false`); it must"


@pytest.mark.parametrize("check", [COLOCATED, ORDERED])
def test_an_address_that_is_tied_more_often_than_is_looked_at_is_not_judged(check: object) -> None:
    void = "\n".join(f"order o{i} Serialize: ip ha-clone\ncolocation c{i} 0: ip ha-clone" for i in range(101))
    assert {what for what, _ in said(f"{TWO}\n{void}", check)} == {"not evaluated"}
    assert said(f"{TWO}\n{void}\norder z Mandatory: ip ha-clone\ncolocation z2 inf: ip ha-clone", COLOCATED) == []
