"""`pcs ... config --output-format=json` against the CIB that it is of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lwlint.core.facts import Unreadable
from lwlint.core.source import Source
from lwlint.inputs import KINDS
from lwlint.inputs.pacemaker.facts import CONSTRAINTS, Cluster, Resource
from lwlint.inputs.pacemaker.reader import cib_facts, pcs_config_facts
from lwlint.run import load_catalogue
from tests.inputs.pacemaker.test_crm_config import told


def pairs(name: str, **values: str) -> list[dict[str, Any]]:
    found = [{"id": f"{name}-{key}", "name": key, "value": value} for key, value in values.items()]
    return [{"id": name, "options": {}, "rule": None, "nvpairs": found}]


def primitive(name: str, standard: str, provider: str | None, type_: str, **attributes: str) -> dict[str, Any]:
    agent = {"standard": standard, "provider": provider, "type": type_}
    operation = {"id": f"{name}-o", "name": "monitor", "interval": "10s", "timeout": None, "role": None, "enabled": None}
    operation |= {"meta_attributes": [], "instance_attributes": []}
    sets = {"meta_attributes": [], "utilization": [], "instance_attributes": pairs(f"{name}-a", **attributes) if attributes else []}
    return {"id": name, "agent_name": agent, "description": None, "operations": [operation], **sets}


RESOURCES = {
    "primitives": [
        primitive("vip", "ocf", "heartbeat", "IPaddr2", ip="192.0.2.10"),
        primitive("haproxy", "systemd", None, "haproxy"),
        primitive("rabbit", "ocf", "heartbeat", "rabbitmq-cluster"),
        primitive("vip2", "ocf", "heartbeat", "IPaddr2", ip="192.0.2.11"),
    ],
    "clones": [{"id": "haproxy-clone", "member_id": "haproxy",
                "meta_attributes": pairs("m", interleave="true"), "instance_attributes": []}],
    "groups": [{"id": "addresses", "member_ids": ["vip"], "meta_attributes": [], "instance_attributes": []}],
    "bundles": [
        {
            "id": "box", "member_id": "rabbit", "container_type": "podman", "container_options": {"image": "rabbit:1", "replicas": 3},
            "network": {"control_port": 3122}, "port_mappings": [], "storage_mappings": [],
            "meta_attributes": [], "instance_attributes": [],
        }
    ],
}  # fmt: skip
BOUND = {"constraint_id": "bound", "score": "INFINITY", "influence": None, "lifetime": []}
FIRST = {"constraint_id": "first", "symmetrical": None, "require_all": None, "score": None, "kind": "Optional"}
RULE = {"id": "r", "type": "RULE", "options": {"score": "0"}, "date_spec": None, "duration": None, "as_string": ""}
SAYS = {"id": "e", "type": "EXPRESSION", "options": {"attribute": "haproxy-role", "operation": "eq", "value": "true"}, "expressions": []}
CONSTRAINED = {
    "location": [
        {
            "resource_id": "haproxy-clone", "resource_pattern": None, "role": None,
            "attributes": {"constraint_id": "here", "score": None, "node": None, "rules": [{**RULE, "expressions": [SAYS]}],
                           "lifetime": []},
        }
    ],
    "location_set": [],
    "colocation": [{"resource_id": "addresses", "with_resource_id": "haproxy-clone", "node_attribute": None, "attributes": BOUND}],
    "colocation_set": [],
    "order": [],
    "order_set": [
        {
            "resource_sets": [{"set_id": "s", "sequential": False, "resources_ids": ["vip", "vip2"]}],
            "attributes": FIRST,
        }
    ],
    "ticket": [], "ticket_set": [],
}  # fmt: skip
XML = """<cib><configuration><resources>
<primitive id="vip2" class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="x">
<nvpair id="x1" name="ip" value="192.0.2.11"/>
</instance_attributes><operations><op id="vip2-o" name="monitor" interval="10s"/></operations></primitive>
<group id="addresses"><primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="v">
<nvpair id="v1" name="ip" value="192.0.2.10"/></instance_attributes><operations><op id="vip-o" name="monitor" interval="10s"/></operations>
</primitive></group>
<clone id="haproxy-clone"><meta_attributes id="m"><nvpair id="m1" name="interleave" value="true"/></meta_attributes>

<primitive id="haproxy" class="systemd" type="haproxy"><operations>
<op id="h-o" name="monitor" interval="10s"/></operations></primitive></clone>
<bundle id="box"><podman image="rabbit:1" replicas="3"/><network control-port="3122"/>
<primitive id="rabbit" class="ocf" provider="heartbeat" type="rabbitmq-cluster"><operations><op id="r-o" name="monitor" interval="10s"/>
</operations></primitive></bundle></resources><constraints>
<rsc_location id="here" rsc="haproxy-clone"><rule id="r" score="0"><expression id="e" attribute="haproxy-role" operation="eq" value="true"/>
</rule></rsc_location><rsc_colocation id="bound" rsc="addresses" with-rsc="haproxy-clone" score="INFINITY"/>
<rsc_order id="first" kind="Optional">
<resource_set id="s" sequential="false"><resource_ref id="vip"/><resource_ref id="vip2"/></resource_set>
</rsc_order></constraints></configuration></cib>"""


def of_text(*documents: object) -> list[Any]:
    text = "\n".join(json.dumps(each, indent=2) for each in documents)
    return list(pcs_config_facts([Source("r.json", text, "pcs config")], load_catalogue()))


def test_the_documents_say_what_the_cib_says() -> None:
    facts = of_text(RESOURCES, CONSTRAINED)
    assert [fact for fact in facts if isinstance(fact, Unreadable)] == []
    assert told(facts) == told(list(cib_facts([Source("cib.xml", XML, "cib")], load_catalogue())))


def test_resources_alone_tell_nothing_of_constraints() -> None:
    (cluster,) = [fact for fact in of_text(RESOURCES) if isinstance(fact, Cluster)]
    assert CONSTRAINTS in cluster.untold


@pytest.mark.parametrize("documents", [(CONSTRAINED,), ({"primitives": [{"id": "x"}]},)])
def test_what_tells_no_resource_is_told(documents: tuple[object, ...]) -> None:
    (only,) = of_text(*documents)
    assert isinstance(only, Unreadable)


def test_a_fact_stands_where_its_words_do() -> None:
    text = json.dumps(RESOURCES)
    facts = pcs_config_facts([Source("r.json", text, "pcs config")], load_catalogue())
    (vip,) = [fact for fact in facts if isinstance(fact, Resource) and fact.name == "vip2"]
    assert text[vip.span.start : vip.span.end] == "vip2"


def test_a_document_that_the_user_names_is_known_by_its_beginning() -> None:
    kind, _ = KINDS.of("r.json", json.dumps(RESOURCES, indent=2), named=True)
    assert kind is not None
    assert kind.name == "pcs config"
