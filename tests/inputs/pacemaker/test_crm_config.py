"""`crm configure show`, the text, against the CIB that it is of."""

from __future__ import annotations

import pytest

from lwlint.core.facts import Fact, Unreadable
from lwlint.core.source import Source
from lwlint.inputs import pacemaker
from lwlint.inputs.pacemaker.facts import Cluster, ClusterProperty, Constraint, FencingLevel, Node, Resource, ResourceDefault
from lwlint.inputs.pacemaker.reader import cib_facts, pcs_config_facts
from lwlint.run import load_catalogue

CATALOGUE = load_catalogue()
TEXT = """node 1: one \\
\tattributes standby=off haproxy-role=true
node two
primitive haproxy systemd:haproxy \\
\top monitor interval=10s timeout=20s \\
\tmeta target-role=Started
primitive vip IPaddr2 \\
\tparams ip=192.0.2.10 cidr_netmask=24
primitive vip2 ocf:heartbeat:IPaddr2 \\
\tparams ip=192.0.2.11 lvs_ipv6_addrlabel="a b"
primitive db ocf:heartbeat:galera \\
\top monitor interval=10s role=Master
primitive fence stonith:external/ipmi
group addresses vip vip2
clone cl_haproxy haproxy \\
\tmeta interleave=true
ms ms_db db \\
\tmeta master-max=3
colocation together inf: addresses cl_haproxy
colocation apart -inf: fence ms_db:Master
order first Optional: addresses cl_haproxy
order sets Mandatory: ( vip vip2 ) cl_haproxy:start
colocation pair inf: _rsc_set_ cl_haproxy ms_db
order pair-too Optional: _rsc_set_ cl_haproxy ms_db
location here cl_haproxy 100: one
location marked ms_db resource-discovery=exclusive \\
\trule 0: haproxy-role eq true and defined haproxy-role
location dated cl_haproxy \\
\trule haproxy-role eq true \\
\trule -inf: date in start=2020-01-01 end=2021-01-01 \\
\trule -inf: date in start=2020-01-01 years=1 \\
\trule 10: date spec hours=9-16
location all { cl_haproxy ms_db } 5: two
property cib-bootstrap-options: \\
\tcluster-name=debian \\
\tstonith-enabled=false
rsc_defaults rsc-options: \\
\tresource-stickiness=100
"""
XML = """<cib><configuration><crm_config><cluster_property_set id="cib-bootstrap-options">
<nvpair id="a" name="cluster-name" value="debian"/><nvpair id="b" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="one"><instance_attributes id="n"><nvpair id="n1" name="standby" value="off"/>
<nvpair id="n2" name="haproxy-role" value="true"/></instance_attributes></node><node id="two" uname="two"/></nodes>
<resources><primitive id="fence" class="stonith" type="external/ipmi"/><group id="addresses">
<primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="v">
<nvpair id="v1" name="ip" value="192.0.2.10"/>
<nvpair id="v2" name="cidr_netmask" value="24"/></instance_attributes></primitive>
<primitive id="vip2" class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="w">
<nvpair id="w1" name="ip" value="192.0.2.11"/>
<nvpair id="w2" name="lvs_ipv6_addrlabel" value="a b"/></instance_attributes></primitive></group>
<clone id="cl_haproxy"><meta_attributes id="c"><nvpair id="c1" name="interleave" value="true"/></meta_attributes>
<primitive id="haproxy" class="systemd" type="haproxy"><meta_attributes id="h"><nvpair id="h1" name="target-role" value="Started"/>
</meta_attributes>
<operations><op id="o" name="monitor" interval="10s" timeout="20s"/></operations></primitive></clone>
<master id="ms_db"><meta_attributes id="m"><nvpair id="m1" name="master-max" value="3"/></meta_attributes>
<primitive id="db" class="ocf" provider="heartbeat" type="galera"><operations><op id="p" name="monitor" interval="10s" role="Master"/>
</operations>
</primitive></master></resources>
<constraints><rsc_colocation id="together" score="INFINITY" rsc="addresses" with-rsc="cl_haproxy"/>
<rsc_colocation id="apart" score="-INFINITY" rsc="fence" with-rsc="ms_db" with-rsc-role="Master"/>
<rsc_order id="first" kind="Optional" first="addresses" then="cl_haproxy"/>
<rsc_order id="sets" kind="Mandatory"><resource_set id="s1" sequential="false"><resource_ref id="vip"/><resource_ref id="vip2"/>
</resource_set>
<resource_set id="s2" action="start"><resource_ref id="cl_haproxy"/></resource_set></rsc_order>
<rsc_colocation id="pair" score="INFINITY"><resource_set id="p1"><resource_ref id="cl_haproxy"/><resource_ref id="ms_db"/></resource_set>
</rsc_colocation><rsc_order id="pair-too" kind="Optional"><resource_set id="p2"><resource_ref id="cl_haproxy"/><resource_ref id="ms_db"/>
</resource_set></rsc_order>
<rsc_location id="here" rsc="cl_haproxy" node="one" score="100"/>
<rsc_location id="marked" rsc="ms_db" resource-discovery="exclusive"><rule id="r" score="0" boolean-op="and">
<expression id="e1" attribute="haproxy-role" operation="eq" value="true"/>
<expression id="e2" attribute="haproxy-role" operation="defined"/></rule>
</rsc_location>
<rsc_location id="dated" rsc="cl_haproxy">
<rule id="d1" score="INFINITY"><expression id="e3" attribute="haproxy-role" operation="eq" value="true"/>
</rule>
<rule id="d2" score="-INFINITY"><date_expression id="e4" operation="in_range" start="2020-01-01" end="2021-01-01"/></rule>
<rule id="d3" score="-INFINITY">
<date_expression id="e5" operation="in_range" start="2020-01-01"><duration id="e6" years="1"/></date_expression>
</rule><rule id="d4" score="10"><date_expression id="e7" operation="date_spec"><date_spec id="e8" hours="9-16"/></date_expression></rule>
</rsc_location>
<rsc_location id="all" score="5" node="two"><resource_set id="a1"><resource_ref id="cl_haproxy"/><resource_ref id="ms_db"/></resource_set>
</rsc_location></constraints>
<rsc_defaults><meta_attributes id="rsc-options"><nvpair id="d" name="resource-stickiness" value="100"/></meta_attributes></rsc_defaults>
</configuration></cib>"""


def told(facts: list[Fact]) -> dict[str, object]:
    """What the facts say, without places."""
    found: dict[str, object] = {}
    for fact in facts:
        if isinstance(fact, Resource):
            settings = {name: text.value for kind in (fact.meta, fact.attributes) for name, text in kind.items()}
            operations = [(o.name, o.interval, o.role) for o in fact.operations]
            service = fact.service.name if fact.service is not None else None
            found[fact.name] = (fact.agent, fact.form, fact.parent, fact.children, settings, operations, fact.instances, service)
        elif isinstance(fact, Constraint):
            members = [(m.name, m.position, m.role, m.action, m.set, m.sequential) for m in fact.members]
            rules = [(r.score, r.boolean_op, [(e.attribute, e.operation, e.value) for e in r.expressions]) for r in fact.rules]  # type: ignore[union-attr]
            node = fact.node.value if fact.node is not None else None
            found[fact.name] = (fact.type, members, fact.score, fact.ordering, node, fact.resource_discovery, rules, fact.pairs)
        elif isinstance(fact, Node):
            found[fact.name] = (fact.id, fact.type, {name: text.value for name, text in fact.attributes.items()}, fact.standby)
        elif isinstance(fact, (ClusterProperty, ResourceDefault)):
            found[f"{fact.kind} {fact.name}"] = fact.value
        elif isinstance(fact, Cluster):
            found["cluster"] = fact.name
    return found


def of_text(text: str) -> list[Fact]:
    return list(pcs_config_facts([Source("crm_configure_show", text, "pcs config")], load_catalogue()))


def test_the_text_says_what_the_cib_says() -> None:
    facts = of_text(TEXT)
    assert [fact for fact in facts if isinstance(fact, Unreadable)] == []
    assert told(facts) == told(list(cib_facts([Source("cib.xml", XML, "cib")], load_catalogue())))


def test_each_fact_stands_where_its_words_do() -> None:
    (vip,) = [fact for fact in of_text(TEXT) if isinstance(fact, Resource) and fact.name == "vip2"]
    assert TEXT[vip.span.start : vip.span.end] == "vip2"
    assert TEXT[vip.attributes["ip"].span.start : vip.attributes["ip"].span.end] == "192.0.2.11"


def test_a_line_of_no_known_form_is_told() -> None:
    facts = of_text(TEXT + "location odd cl_haproxy rule 0: moon is full\n")
    (odd,) = [fact for fact in facts if isinstance(fact, Unreadable)]
    assert odd.message.startswith("`crm configure show`: this line is of no form that is known")
    assert (TEXT + "location odd")[odd.span.start :].startswith("location odd")


def test_fencing_tickets_alerts_rights_bundles_and_elements_are_read() -> None:
    text = """node 1: one
node 2: two
primitive f1 stonith:external/ipmi
primitive f2 stonith:external/ssh
primitive web systemd:haproxy
primitive vip IPaddr2 params ip=192.0.2.10
bundle box \\
\tpodman image="r.example/haproxy:1" replicas=2 \\
\tnetwork control-port=3125 \\
\tport-mapping id=p port=80 \\
\tprimitive web \\
\tmeta target-role=Started
xml <group id="g"><primitive id="inner" class="systemd" type="rabbitmq-server"/></group>
xml <rsc_order id="o" first="box" then="g"/>
monitor vip:Started 60s:30s
rsc_ticket t1 ticketA: vip
alert mail "/usr/bin/mail"
user hacluster read xpath:/cib
role monitor read xpath:/cib
fencing_topology one: f1,f2 f1 two: f2
property cluster-name=c
"""
    facts = of_text(text)
    assert [fact.message for fact in facts if isinstance(fact, Unreadable)] == []
    found = {fact.name: fact for fact in facts if isinstance(fact, Resource)}
    assert (found["web"].parent, found["inner"].parent) == ("box", "g")
    assert [(o.name, o.interval, o.role) for o in found["vip"].operations] == [("monitor", "60s", "Started")]
    assert [fact.name for fact in facts if isinstance(fact, Constraint) and fact.type == "order"] == ["o"]
    levels = [(level.target, level.index, [d.value for d in level.devices]) for level in facts if isinstance(level, FencingLevel)]
    assert [(getattr(t, "value", t), index, devices) for t, index, devices in levels] == [
        ("one", 1, ["f1", "f2"]),
        ("one", 2, ["f1"]),
        ("two", 1, ["f2"]),
    ]


@pytest.mark.parametrize(
    "element",
    [
        '<alert id="a" path="/x"> \\\n  <recipient id="r" value="192.0.2.9"/> \\\n</alert>',
        '<acl_target id="t"><role id="r"/></acl_target>',
        '<acl_role id="r"><acl_permission id="p" kind="read" xpath="/cib"/></acl_role>',
        '<rsc_ticket id="k" ticket="a"><resource_set id="s"><resource_ref id="haproxy"/></resource_set></rsc_ticket>',
        '<template id="m" class="ocf" provider="heartbeat" type="IPaddr2"/>',
        '<fencing-level id="l" target="one" index="1" devices="fence"/>',
        '<tag id="g"><obj_ref id="haproxy"/></tag>',
        '<rsc_location id="n" rsc="haproxy" score="5" node="one"/>',
    ],
)
def test_an_element_that_crm_has_no_words_for_is_read(element: str) -> None:
    assert [fact for fact in of_text(f"{TEXT}xml {element}\n") if isinstance(fact, Unreadable)] == []


@pytest.mark.parametrize(
    "line", ["fencing_topology pattern:o.* f1", "monitor nothing 60s", "rsc_ticket t1", "bundle b lxc image=x", "xml <odd", "user", "role"]
)
def test_what_is_not_read_is_told(line: str) -> None:
    (odd,) = [fact for fact in of_text(f"{TEXT}{line}\n") if isinstance(fact, Unreadable)]
    assert f"{TEXT}{line}"[odd.span.start :].startswith(line)


@pytest.mark.parametrize(
    ("before", "node", "is_loose"),
    [
        ("", "node 1: one", True),
        ("", 'node $id="1000" one', True),
        ("WARNING: (unpack_config) not fencing unseen nodes\n", "node one", True),
        ("", "primitive ha lsb:haproxy", True),
        ("root@one:~# crm configure show\n", "node 1: one", True),
        ("[admin@one ~]$ sudo crm configure show\n", "node 1: one", True),
        ("# crm status\n# of monday\n", "node 1: one", True),
        ("some words\n", "node 1: one", False),
        ("", "node 'one' {", False),
        ("Cluster Name: x\n", "node 1: one", False),
    ],
)
def test_a_loose_file_is_known_by_how_it_begins(before: str, node: str, is_loose: bool) -> None:
    assert bool(pacemaker.PCS_CONFIG.guess(f"{before}{node}\nprimitive vip IPaddr2\n")) is is_loose


def test_what_holds_others_may_stand_before_them() -> None:
    turned = "node one\nclone cl ha\ngroup g vip\nprimitive ha lsb:haproxy\nprimitive vip IPaddr2\nproperty x: a=b\n"
    facts = list(pcs_config_facts([Source("crm_configure_show", turned, "cib")], CATALOGUE))
    assert [fact for fact in facts if isinstance(fact, Unreadable)] == []
    assert {fact.name: fact.top for fact in facts if isinstance(fact, Resource)} == {"ha": "cl", "cl": "cl", "g": "g", "vip": "g"}
