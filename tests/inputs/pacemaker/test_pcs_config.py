"""`pcs config` against the CIB that it is of: the same resources and constraints, from the prints of four versions and from pcs itself."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lwlint.core.facts import Fact, Unreadable
from lwlint.core.source import Source
from lwlint.inputs.pacemaker.facts import (
    BUNDLE_META,
    LOCATION_SETS,
    MORE_SETS,
    NODE_ATTRIBUTES,
    SET_ORDER,
    TEMPLATES,
    Cluster,
    ClusterProperty,
    Constraint,
    Expression,
    FencingLevel,
    Node,
    Resource,
    ResourceDefault,
    Rule,
    Tag,
)
from lwlint.inputs.pacemaker.reader import cib_facts, pcs_config_facts
from lwlint.run import load_catalogue
from tests.shared import HERE, shared

TEXTS = HERE / "tests/texts"  # `many-forms.pcs-VERSION` is what that pcs prints of many-forms.xml
VERSIONS = ("0.9.158", "0.9.169", "0.10.8", "0.11.5")
NAMES = ("unrunnable-2", "remote-recover-all", "complex_enforce_colo", "bundle-order-startup")
# what pcs 0.11 prints of the CIB it upgraded: names that Pacemaker 2.1 brought
_ROLES = {"master": "promoted", "slave": "unpromoted"}
_LEFT_OUT = ("passwd", "password", "promotable")  # starred out in the corpus; an element of its own in older CIBs, and compared by itself
_META = {"master-max": "promoted-max", "master-node-max": "promoted-node-max"}


def of_text(text: str, path: str = "pcs_config") -> list[Fact]:
    return list(pcs_config_facts([Source(path, text, "pcs config")], load_catalogue()))


def of_cib(path: Path) -> list[Fact]:
    return list(cib_facts([Source("cib.xml", path.read_bytes().decode(), "cib")], load_catalogue()))


def role(word: str | None) -> str | None:
    return None if word is None else _ROLES.get(word.lower(), word.lower())


def values(found: Any) -> dict[str, str]:
    """Settings as one can compare them: secrets are starred out in the corpus, blanks are one."""
    return {_META.get(name, name): " ".join(text.value.split()) for name, text in found.items() if name not in _LEFT_OUT}


def resources(facts: list[Fact]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for fact in facts:
        if isinstance(fact, Resource):
            inside = [fact.container] if fact.container is not None else []
            images = [container.image.value for container in inside if container.image is not None]
            found[fact.name] = {
                "agent": fact.agent,
                "form": fact.form,
                "parent": fact.parent,
                "children": fact.children,
                "meta": values(fact.meta),
                "attributes": values(fact.attributes),
                "service": fact.service.name if fact.service is not None else None,
                "instances": fact.instances,
                "managed": fact.managed,
                "promotable": fact.promotable,
                "operations": sorted((o.name, o.interval, role(o.role) or "") for o in fact.operations),
                "container": [(c.engine, c.replicas, c.promoted_max) for c in inside],
                "image": images,
            }
    return found


def expression(one: Expression | Rule) -> tuple[Any, ...]:
    if isinstance(one, Rule):
        return ("rule", one.score, role(one.role), one.boolean_op, *(expression(inner) for inner in one.expressions))
    return (one.type, one.attribute, one.operation, one.value, one.holds)


def constraints(facts: list[Fact], *, ids: bool = True) -> list[tuple[Any, ...]]:
    found = []
    for fact in facts:
        if isinstance(fact, Constraint):
            members = tuple(
                (m.name, m.position, role(m.role), m.action, m.set, m.sequential, m.require_all, m.resources) for m in fact.members
            )
            pairs = tuple((p.first, p.second, p.score, role(p.first_role), role(p.second_role)) for p in fact.pairs)
            node = fact.node.value if fact.node is not None else None
            rules = tuple(expression(one) for one in fact.rules)
            name = re.sub(r"master|promoted", "", fact.name) if ids else ""
            score = fact.score if fact.type != "order" else None
            found.append((fact.type, name, members, score, fact.ordering, fact.symmetrical, node, fact.resource_discovery, rules, pairs))
    return sorted(found, key=repr)


def odd(facts: list[Fact]) -> list[tuple[str, str]]:
    return [(fact.message, fact.span.path) for fact in facts if isinstance(fact, Unreadable)]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", NAMES)
def test_a_text_of_the_corpus_says_what_its_cib_says(name: str, version: str) -> None:
    # 0.11 prints a CIB that it upgraded; the others print the older one
    text = of_text(shared(f"corpus/pcs/{name}.pcs-{version}.txt").read_text("utf-8"))
    cib = of_cib(shared(f"corpus/cib/{'1.1.24' if version.startswith('0.9.') and name != 'complex_enforce_colo' else '2.1.5'}/{name}.xml"))
    assert odd(text) == []
    mine, theirs = resources(text), resources(cib)
    assert {name: mine.get(name) for name in theirs} == theirs
    assert sorted(mine) == sorted(theirs)
    assert constraints(text, ids=version != "0.9.158") == constraints(cib, ids=version != "0.9.158")
    nodes = {fact.name for fact in cib if isinstance(fact, Node) and fact.type == "member"}
    assert {fact.name for fact in text if isinstance(fact, Node)} == nodes
    properties = {fact.name: fact.value for fact in cib if isinstance(fact, ClusterProperty)}
    assert {f.name: f.value for f in text if isinstance(f, ClusterProperty) and f.name in properties} == properties


def rest(facts: list[Fact]) -> list[tuple[Any, ...]]:
    """What a cluster has besides resources and constraints."""
    found: list[tuple[Any, ...]] = [
        (f.kind, f.target, f.index, tuple(d.value for d in f.devices)) for f in facts if isinstance(f, FencingLevel)
    ]
    found += [(f.kind, f.name, tuple(m.value for m in f.members)) for f in facts if isinstance(f, Tag)]
    found += [(f.kind, f.name, f.value, f.scope) for f in facts if isinstance(f, ResourceDefault)]
    found += [(f.kind, f.name, f.value) for f in facts if isinstance(f, ClusterProperty)]
    return sorted(found + [(f.kind, f.name) for f in facts if isinstance(f, (Node, Cluster))])


@pytest.mark.parametrize("version", ["0.11.5", "0.11.8", "0.12.0"])
def test_every_form_that_pcs_prints_says_what_its_cib_says(version: str) -> None:
    """Groups, bundles, sets, rules, dates, patterns, tickets, tags, fencing levels, defaults; since 0.11.6 constraints are sentences."""
    text = of_text((TEXTS / f"many-forms.pcs-{version}").read_text("utf-8"))
    cib = of_cib(TEXTS / "many-forms.xml")
    assert odd(text) == []
    assert resources(text) == resources(cib)
    assert constraints(text) == constraints(cib)
    assert rest(text) == rest(cib)


def test_a_place_in_a_text_is_where_the_value_stands() -> None:
    for path in sorted(TEXTS.glob("*.pcs-*")) + sorted(shared("corpus/pcs").glob("*.txt")):
        text = path.read_text("utf-8")
        for fact in of_text(text):
            if isinstance(fact, (Resource, Constraint, Node)):
                assert text[fact.span.start : fact.span.end] == fact.name, path.name
            settings = [*fact.meta.values(), *fact.attributes.values()] if isinstance(fact, Resource) else []
            for value in (v for v in settings if "\\" not in text[v.span.start : v.span.end]):
                assert text[value.span.start : value.span.end] == value.value, path.name


def test_the_cluster_is_marked_as_known_from_weaker_evidence() -> None:
    (cluster,) = (f for f in of_text((TEXTS / "many-forms.pcs-0.12.0").read_text("utf-8")) if isinstance(f, Cluster))
    untold = frozenset((MORE_SETS, NODE_ATTRIBUTES, SET_ORDER))
    assert (cluster.name, cluster.weaker, cluster.untold) == ("tripleo_cluster", "pcs config", untold)
    (cluster,) = (
        f for f in of_text(shared("corpus/pcs/bundle-order-startup.pcs-0.9.158.txt").read_text("utf-8")) if isinstance(f, Cluster)
    )
    assert cluster.untold == {BUNDLE_META}


OLD = """Cluster Name: tripleo_cluster
Corosync Nodes:
 a b
Pacemaker Nodes:
 a b

Resources:
 Resource: ip-1 (template=vips)
 Clone: haproxy-clone
  Meta Attrs: interleave=true clone-max=2 note=two words
  Resource: haproxy (class=systemd type=haproxy)
   Operations: start interval=0s timeout=200s (haproxy-start)
               monitor interval=60s (haproxy-monitor)

Stonith Devices:
Fencing Levels:
 Target: a
   Level 1 - f1,f2

Location Constraints:
  Resource: ip-1
    Enabled on: a (score:100) (role: Started) (id:loc)
Ordering Constraints:
  start ip-1 then start haproxy-clone (score:0) (id:o)
Colocation Constraints:
  haproxy-clone with ip-1 (score:) (id:c)
Ticket Constraints:

Resources Defaults:
 migration-threshold: 5
Operations Defaults:
 No defaults set

Cluster Properties:
 stonith-enabled: false
Node Attributes:
 a: haproxy-role=true standby=on
"""


def test_what_an_old_pcs_prints_otherwise() -> None:
    facts = of_text(OLD)
    assert odd(facts) == []
    found = {fact.name: fact for fact in facts if isinstance(fact, Resource)}
    assert (found["ip-1"].template_missing, found["ip-1"].agent) == (False, None)
    assert values(found["haproxy"].meta) == {"interleave": "true", "clone-max": "2", "note": "two words", "migration-threshold": "5"}
    assert [(o.name, o.interval) for o in found["haproxy"].operations] == [("start", "0s"), ("monitor", "60s")]
    order, colocation, location = (next(c for c in facts if isinstance(c, Constraint) and c.name == name) for name in ("o", "c", "loc"))
    assert (order.ordering, colocation.score, location.score) == ("Optional", None, "100")
    assert {n.name: (n.standby, values(n.attributes)) for n in facts if isinstance(n, Node)} == {
        "a": (True, {"haproxy-role": "true", "standby": "on"}),
        "b": (False, {}),
    }
    assert [(f.target, f.index, [d.value for d in f.devices]) for f in facts if isinstance(f, FencingLevel)] == [("a", 1, ["f1", "f2"])]
    assert next(f for f in facts if isinstance(f, Cluster)).untold == {TEMPLATES}


def test_a_text_that_is_cut_off_is_not_judged_and_an_odd_line_is_told() -> None:
    cut = OLD[: OLD.index("Colocation")]
    message = "`pcs config`: the text ends before the cluster properties, so that parts of it are missing; it is not judged"
    assert [(type(f), getattr(f, "message", "")) for f in of_text(cut)] == [(Unreadable, message)]
    strange = OLD.replace("  haproxy-clone with ip-1 (score:) (id:c)", "  haproxy-clone beside ip-1")
    (told,) = (f for f in of_text(strange) if isinstance(f, Unreadable))
    assert (strange[told.span.start : told.span.end], told.fatal) == ("haproxy-clone beside ip-1", False)


@pytest.mark.parametrize(
    "text", ["", "Error: unable to get cib\n", "\n\n", "Cluster Properties:\n", "Resources:\n  : x\nCluster Properties:\n x"]
)
def test_nothing_but_a_refusal_comes_of_what_is_no_such_text(text: str) -> None:
    assert {type(f) for f in of_text(text)} <= {Unreadable, Cluster}


def in_set(fact: Fact) -> bool:
    return isinstance(fact, Constraint) and fact.type == "location" and (not fact.members or fact.members[0].set >= 0)


@pytest.mark.long
def test_pcs_of_the_machine_prints_what_the_reader_reads(tmp_path: Path) -> None:
    """Against Debian's pcs, on CIBs that have constraints, bundles, groups and rules; sampled, as each print takes a second or two."""
    if shutil.which("pcs") is None:
        pytest.skip("there is no `pcs` on this machine: install the package pcs")
    folder = shared("corpus/cib/2.1.5")
    two_sets = {"enforce-colo1.xml"}  # of which it prints the first (`MORE_SETS`)
    words = ("<bundle", "resource_set", "rsc_ticket", "<rule", "<group", "promotable", "rsc_colocation")
    by_word = {
        word: [path for path in sorted(folder.glob("*.xml")) if word in path.read_text("utf-8") and path.name not in two_sets]
        for word in words
    }
    sample = sorted({path for paths in by_word.values() for path in paths[5 :: max(1, len(paths) // 3)]})[:20]
    differing, printed = [], 0
    for path in sample:
        copy = tmp_path / path.name
        shutil.copyfile(path, copy)
        done = subprocess.run(["pcs", "-f", str(copy), "config"], capture_output=True, timeout=60, check=False)
        if done.returncode:
            continue  # it cannot print templates, for one
        printed += 1
        text, cib = of_text(done.stdout.decode()), of_cib(path)
        sets = any(isinstance(f, Cluster) and LOCATION_SETS in f.untold for f in text)
        mine, theirs = (constraints([f for f in facts if not (sets and in_set(f))]) for facts in (text, cib))
        if odd(text) or resources(text) != resources(cib) or mine != theirs:
            differing.append(path.name)
    assert (differing, printed > 10) == ([], True)
