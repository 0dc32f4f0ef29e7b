"""Where a simulation begins: a cluster whose nodes have all just come up, and the scores by which agents have their copies promoted.

A CIB without status tells nothing of them, for agents set them when they run: as many copies are given a high score as may be promoted.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lwlint.inputs.pacemaker.facts import BUNDLE, Resource
from lwlint.inputs.pacemaker.model import Cib
from lwlint.operate.simulation import Pacemaker, Settled, primitive_of, whole_number

if TYPE_CHECKING:
    from lxml.etree import _Element as Element
else:
    Element = Any

REPLICA = re.compile(r"(?P<bundle>.+)-(?:docker|podman|rkt)-(?P<number>\d+)")  # the container of a bundle's copy
RUNNING = ("0", "8")  # return codes: running, and running promoted
LASTS = 1_000_000  # failures, that is, for good


def cold_start(pacemaker: Pacemaker, document: Element, cib: Cib) -> tuple[Settled, int]:
    """Return the cluster when all of its nodes have come up, and how many transitions that took.

    `cib` is the model of the `document`. Raises Refused where Pacemaker refuses it.
    """
    settled = pacemaker.settle(cold(document, cib, bundles=True))
    return pacemaker.settle(settled.cib), len(settled.transitions)


def cold(document: Element, cib: Cib, *, bundles: bool = False) -> Element:
    """Return a copy of a CIB in which all nodes are up and nothing runs; promotables have the scores by which something is promoted.

    Those in `bundles` have them only if that is asked for, and only where they are the hosts' own.
    """
    from lxml import etree

    made = copy.deepcopy(document)
    for status in made.findall("status"):
        made.remove(status)
    made.set("have-quorum", "1")
    status = etree.SubElement(made, "status")
    members = members_of(cib)
    ids = {node.name: node.id or node.name for node in cib.nodes}
    for uname in members:
        up = {"id": ids.get(uname, uname), "uname": uname, "in_ccm": "true", "crmd": "online", "join": "member", "expected": "member"}
        state = etree.SubElement(status, "node_state", up)
        etree.SubElement(etree.SubElement(state, "lrm", id=ids.get(uname, uname)), "lrm_resources")
    for leaf, most in promotables(cib):
        if cib.top(leaf).form != BUNDLE or (bundles and _on_host(leaf)):
            score(made, leaf.name, sorted(members), most)
    return made


def members_of(cib: Cib) -> list[str]:
    """Return the names of the full members of a cluster."""
    return [node.name for node in cib.nodes if node.type in ("member", "normal")]


def promotables(cib: Cib) -> Iterator[tuple[Resource, int]]:
    """Yield what can be promoted, and how many copies of it may be."""
    for leaf in cib.leaves():
        top = cib.top(leaf)
        if leaf.form != BUNDLE and (leaf.promotable or top.promotable or (top.container is not None and top.container.promoted_max)):
            most = top.container.promoted_max if top.container is not None else 1
            told = [
                text.value for name in ("promoted-max", "master-max") if (text := leaf.meta.get(name) or top.meta.get(name)) is not None
            ]
            yield leaf, max([most, *(whole_number(value, 0) for value in told)])


def score(document: Element, resource: str, unames: Sequence[str], most: int) -> None:
    """Note the scores that a promotable's agent would set: high where it is to be promoted."""
    for number, uname in enumerate(unames):
        set_attribute(document, uname, f"master-{resource}", "100" if number < most else "5")


def with_scores(
    document: Element, cib: Cib, runs: Mapping[str, Collection[str]], promoted: Mapping[str, Collection[str]]
) -> Element | None:
    """Return a copy in which each promotable that runs, and of which nothing is promoted, has scores; None where there is no such one.

    `runs` and `promoted` have the nodes by the id of the primitive, or of the bundle around it.
    """
    made: Element | None = None
    for leaf, most in promotables(cib):
        thing = cib.top(leaf).name if cib.top(leaf).form == BUNDLE else leaf.name
        if runs.get(thing) and not promoted.get(thing) and not _has_scores(document, leaf.name):
            made = copy.deepcopy(document) if made is None else made
            hosts = guests(document) if _on_host(leaf) else {}
            ran = (
                state.get("uname") or ""
                for state in made.iterfind("status/node_state")
                if any(primitive_of(one.get("id", "")) == leaf.name and is_up(one) for one in state.iter("lrm_resource"))
            )
            score(made, leaf.name, sorted(hosts.get(uname, uname) for uname in ran), most)
    return made


def _on_host(leaf: Resource) -> bool:
    """Return whether the scores of a bundle's copies are those of the hosts, and not of the containers."""
    target = leaf.meta.get("container-attribute-target")
    return target is not None and target.value == "host"


def _has_scores(document: Element, resource: str) -> bool:
    names = (f"master-{resource}", f"promotion-{resource}")
    return any(pair.get("name") in names for pair in document.iterfind("status/node_state/transient_attributes/instance_attributes/nvpair"))


def guests(document: Element) -> dict[str, str]:
    """Return the node on which the container of each guest node of a bundle runs, by the status."""
    found = {}
    for state in document.iterfind("status/node_state"):
        for resource in state.iter("lrm_resource"):
            match = REPLICA.fullmatch(resource.get("id", ""))
            if match is not None and is_up(resource):
                found[f"{match['bundle']}-{match['number']}"] = state.get("uname") or ""
    return found


def is_up(resource: Element) -> bool:
    """Return whether the last operation of a resource's history left it running."""
    operations = sorted(resource.iterfind("lrm_rsc_op"), key=lambda op: whole_number(op.get("call-id"), 0))
    last = next((op for op in reversed(operations) if op.get("operation") in ("start", "stop", "promote", "demote", "monitor")), None)
    return last is not None and last.get("operation") != "stop" and last.get("rc-code") in RUNNING


def set_attribute(document: Element, uname: str, name: str, value: str, *, add: int = 0) -> None:
    """Set a transient attribute of a node in the status; without a `value`, to what it was and `add` more."""
    from lxml import etree

    state = next((one for one in document.iterfind("status/node_state") if one.get("uname") == uname), None)
    if state is None:
        status = document.find("status")
        assert status is not None, "it has been simulated"
        state = etree.SubElement(status, "node_state", id=uname, uname=uname, remote_node="true", in_ccm="true")
    elif state.get("crmd") is None:  # a guest node as crm_simulate writes it, whose attributes Pacemaker only looks at with this
        state.set("remote_node", "true")
        state.set("in_ccm", "true")
    id = state.get("id") or uname
    transient = state.find("transient_attributes")
    if transient is None:
        transient = etree.SubElement(state, "transient_attributes", id=id)
    group = transient.find("instance_attributes")
    if group is None:
        group = etree.SubElement(transient, "instance_attributes", id=f"status-{id}")
    pair = next((one for one in group.iterfind("nvpair") if one.get("name") == name), None)
    if pair is None:
        pair = etree.SubElement(group, "nvpair", id=f"status-{id}-{re.sub(r'[^A-Za-z0-9_.-]', '-', name)}", name=name)
    old = pair.get("value") or "0"
    pair.set("value", value or str(whole_number(old, LASTS) + add))
