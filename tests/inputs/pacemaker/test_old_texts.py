"""Texts of programs before those that print ids: pcs 0.9.115 to 0.9.152, and `crm_mon -n` of Pacemaker 1.1."""

from __future__ import annotations

import pytest

from lwlint.core.facts import Unreadable
from lwlint.core.source import Source
from lwlint.inputs.pacemaker.facts import Constraint, Expression, FencingLevel, ResourceStatus
from lwlint.inputs.pacemaker.reader import pcs_config_facts
from lwlint.inputs.pacemaker.status import status_facts
from lwlint.run import load_catalogue

HEAD = """Cluster Name: c
Pacemaker Nodes:
 a b

Resources:
 Resource: vip (class=ocf provider=heartbeat type=IPaddr2)
 Resource: haproxy (class=systemd type=haproxy)

Stonith Devices:
Fencing Levels:
"""
TAIL = "\nCluster Properties:\n cluster-infrastructure: corosync\n"


def read(text: str) -> list[object]:
    return list(pcs_config_facts([Source("pcs_config", HEAD + text + TAIL, "pcs config")], load_catalogue()))


@pytest.mark.parametrize(
    ("line", "score"),
    [
        ("vip with haproxy", "INFINITY"),
        ("vip with haproxy (INFINITY)", "INFINITY"),
        ("vip with haproxy (-INFINITY)", "-INFINITY"),
        ("vip with haproxy (500)", "500"),
        ("vip with haproxy (score:INFINITY)", "INFINITY"),
        ("vip with haproxy (score:)", None),
        ("vip with haproxy (score:200) (id:x)", "200"),
        ("vip with haproxy (500) (with-rsc-role:Master) (id:x)", "500"),
    ],
)
def test_a_colocation_of_any_pcs_has_its_score(line: str, score: str | None) -> None:
    facts = read(f"Colocation Constraints:\n  {line}\n")
    (found,) = [fact for fact in facts if isinstance(fact, Constraint)]
    assert ([member.name for member in found.members], found.score) == (["vip", "haproxy"], score)
    assert [fact for fact in facts if isinstance(fact, Unreadable)] == []


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("start vip then start haproxy", "Mandatory"),
        ("start vip then start haproxy (Optional)", "Optional"),
        ("start vip then start haproxy (kind:Optional) (id:x)", "Optional"),
        ("start vip then start haproxy (Serialize) (non-symmetrical)", "Serialize"),
    ],
)
def test_an_order_of_any_pcs_has_its_kind(line: str, kind: str) -> None:
    (found,) = [fact for fact in read(f"Ordering Constraints:\n  {line}\n") if isinstance(fact, Constraint)]
    assert found.ordering == kind


@pytest.mark.parametrize(
    ("line", "score"),
    [
        ("Enabled on: a", "INFINITY"),
        ("Disabled on: a", "-INFINITY"),
        ("Enabled on: a (score:50)", "50"),
        ("Disabled on: a (score:-5) (id:x)", "-5"),
    ],
)
def test_a_location_of_any_pcs_has_its_score(line: str, score: str) -> None:
    (found,) = [fact for fact in read(f"Location Constraints:\n  Resource: vip\n    {line}\n") if isinstance(fact, Constraint)]
    assert (found.node is not None and found.node.value, found.score) == ("a", score)


def test_a_bracket_of_no_known_form_is_told() -> None:
    facts = read("Colocation Constraints:\n  vip with haproxy (sometimes)\n")
    assert [fact.message for fact in facts if isinstance(fact, Unreadable)] == [
        "`pcs config`: this line is of no form that is known, so that what it says is not judged"
    ]


def test_levels_of_fencing_stand_below_their_node() -> None:
    (level,) = [fact for fact in read(" Node: a\n  Level 1 - ipmi,pdu\n") if isinstance(fact, FencingLevel)]
    assert (level.target, level.index, [device.value for device in level.devices]) == ("a", 1, ["ipmi", "pdu"])


@pytest.mark.parametrize(("moment", "holds"), [("2037-12-01 10:00:00Z", True), ("2017-10-01 10:00:00Z", False), ("2037-12-01", True)])
def test_a_date_may_have_a_blank_in_it(moment: str, holds: bool) -> None:
    text = f"""Location Constraints:
  Resource: vip
    Constraint: cli-ban-vip-on-a
      Rule: boolean-op=and score=-INFINITY (id:r)
        Expression: #uname eq a (id:e)
        Expression: date lt {moment} (id:d)
"""
    (found,) = [fact for fact in read(text) if isinstance(fact, Constraint)]
    dates = [each for rule in found.rules for each in rule.expressions if isinstance(each, Expression) and each.type == "date_expression"]
    assert [each.holds for each in dates] == [holds]


def test_the_nodes_of_pacemaker_1_1_stand_without_a_heading() -> None:
    text = (
        "Stack: corosync\nLast updated: Mon Nov  6 10:00:00 2017\n\n2 nodes configured\n3 resources configured\n\n"
        "Node a: online\n\thaproxy\t(systemd:haproxy):\tStarted \nNode b: online\n\tvip\t(ocf::heartbeat:IPaddr2):\tStarted \n\n"
        "Inactive resources:\n\n Clone Set: haproxy-clone [haproxy]\n     Started: [ a ]\n     Stopped: [ b ]\n\n"
        "Node Attributes:\n* Node a:\n    + haproxy-role : true\n"
    )
    facts = status_facts([Source("sos_commands/pacemaker/crm_mon_-1", text, "cluster status")], load_catalogue())
    shown = [(one.name, [node.value for node in one.nodes]) for one in facts if isinstance(one, ResourceStatus)]
    assert shown == [("haproxy", ["a"]), ("vip", ["b"]), ("haproxy", ["a"]), ("haproxy", [])]
