"""Small CIBs with ways to bind a virtual IP to HAProxy, right and wrong, and what Pacemaker's scheduler makes of them."""

from __future__ import annotations

import itertools
import os
import random
import re
import subprocess
import tempfile
from dataclasses import dataclass
from typing import Optional
from xml.sax.saxutils import quoteattr

from hypothesis import strategies as st

NODES = ("controller-0", "controller-1")
VIPS = ("ip-1", "ip-2")
FORMS = ("clone", "bundle", "promotable", "primitive", "group", "group-clone", "promotable-bundle")
SCORES = ("INFINITY", "+INFINITY", "1000000", "5000000", "1000", "999999", "0", "-INFINITY", "-1000", None)
ROLES = (None, "Started", "Promoted", "Unpromoted", "Master", "Slave", "Stopped")
PAST, FUTURE = "2010-01-01", "2199-01-01"


@dataclass(frozen=True)
class Block:
    """A resource set."""

    names: tuple[str, ...]
    sequential: Optional[str] = None
    role: Optional[str] = None
    score: Optional[str] = None


@dataclass(frozen=True)
class Colocation:
    """A colocation of two names, or of sets."""

    score: Optional[str]
    ends: tuple[str, str] = ("", "")
    roles: tuple[Optional[str], Optional[str]] = (None, None)
    blocks: tuple[Block, ...] = ()
    until: Optional[str] = None
    node_attribute: Optional[str] = None


@dataclass(frozen=True)
class Shape:
    """A cluster of two nodes: how HAProxy runs there, a group, a tag, and the colocations."""

    form: str
    colocations: tuple[Colocation, ...]
    grouped: tuple[str, ...] = ()
    tagged: tuple[str, ...] = ("haproxy-top",)
    templated: bool = False
    priority: str = ""  # of the group

    def xml(self, banned: tuple[str, ...] = (), kept: tuple[tuple[str, str], ...] = ()) -> str:
        """Return the CIB; HAProxy is banned from the nodes `banned`, other resources as `kept` has it (resource and node)."""
        constraints = "".join(_colocation(f"c{n}", each, self) for n, each in enumerate(self.colocations))
        constraints += "".join(f'<rsc_location id="ban-{node}" rsc="{self.top}" node="{node}" score="-INFINITY"/>' for node in banned)
        constraints += "".join(f'<rsc_location id="keep-{who}-{node}" rsc="{who}" node="{node}" score="-INFINITY"/>' for who, node in kept)
        tag = "".join(f'<obj_ref id="{self.real(name)}"/>' for name in self.tagged)
        return (
            '<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0" have-quorum="1">'
            '<configuration><crm_config><cluster_property_set id="o"><nvpair id="o-s" name="stonith-enabled" value="false"/>'
            '<nvpair id="o-q" name="no-quorum-policy" value="ignore"/><nvpair id="o-n" name="cluster-name" value="tripleo_cluster"/>'
            "</cluster_property_set></crm_config><nodes>"
            + "".join(f'<node id="{n}" uname="{node}"/>' for n, node in enumerate(NODES, 1))
            + f"</nodes><resources>{self._resources()}</resources><constraints>{constraints}</constraints>"
            f'<tags><tag id="tag-1">{tag}</tag></tags></configuration><status/></cib>'
        )

    @property
    def top(self) -> str:
        """The id of the outermost resource that runs HAProxy, or of the primitive in a group."""
        return {"primitive": "haproxy", "group": "haproxy", "bundle": "haproxy-bundle", "promotable-bundle": "haproxy-bundle"}.get(
            self.form, "haproxy-clone"
        )

    def real(self, name: str) -> str:
        """Return the id that `name` stands for in this shape."""
        if name == "haproxy-top":
            return self.top
        return {"template": "vip-template", "group": "group-1"}.get(name, name)

    def exists(self, name: str) -> bool:
        """Return whether the CIB has something of this name to bind."""
        return {"template": self.templated, "group": bool(self.members)}.get(name, True)

    @property
    def members(self) -> tuple[str, ...]:
        """The members of the group."""
        return self.grouped if self.form == "group" else tuple(name for name in self.grouped if name != "haproxy")

    def _resources(self) -> str:
        head = '<template id="vip-template" class="ocf" provider="heartbeat" type="IPaddr2"/>' if self.templated else ""
        parts = {vip: _primitive(vip, "IPaddr2", "vip-template" if self.templated else "") for vip in VIPS}
        parts["app"] = _primitive("app", "Dummy")
        haproxy = _primitive("haproxy", "haproxy", system=True)
        if self.form in ("primitive", "group"):
            parts["haproxy"] = haproxy
        nvpair = f'<nvpair id="gm-p" name="priority" value="{self.priority}"/>'
        priority = f'<meta_attributes id="gm">{nvpair}</meta_attributes>' if self.priority else ""
        grouped = "".join(parts.pop(name) for name in self.members)
        body = "".join(parts.values()) + (f'<group id="group-1">{priority}{grouped}</group>' if grouped else "")
        body += f'<clone id="app-clone">{_primitive("app2", "Dummy")}</clone>'
        return head + body + self._haproxy(haproxy)

    def _haproxy(self, primitive: str) -> str:
        if self.form == "clone":
            return f'<clone id="haproxy-clone">{primitive}</clone>'
        if self.form == "group-clone":
            return f'<clone id="haproxy-clone"><group id="haproxy-group">{primitive}{_primitive("app3", "Dummy")}</group></clone>'
        if self.form == "promotable":
            meta = '<meta_attributes id="hm"><nvpair id="hm-p" name="promotable" value="true"/></meta_attributes>'
            return f'<clone id="haproxy-clone">{meta}{_primitive("haproxy", "Stateful")}</clone>'
        if self.form == "bundle":
            return '<bundle id="haproxy-bundle"><podman image="haproxy:pcmklatest" replicas="2" network="host"/></bundle>'
        if self.form == "promotable-bundle":
            inner = _primitive("haproxy", "Stateful")
            return (
                '<bundle id="haproxy-bundle"><podman image="haproxy:pcmklatest" replicas="2" promoted-max="1" network="host"/>'
                f'<network control-port="3125"/>{inner}</bundle>'
            )
        return ""


def _primitive(name: str, agent: str, template: str = "", system: bool = False) -> str:
    if template:
        return f'<primitive id="{name}" template="{template}"/>'
    if system:
        return f'<primitive id="{name}" class="systemd" type="{agent}"/>'
    provider = "pacemaker" if agent == "Stateful" else "heartbeat"
    return f'<primitive id="{name}" class="ocf" provider="{provider}" type="{agent}"/>'


def _attributes(**values: Optional[str]) -> str:
    return "".join(f" {name.replace('_', '-')}={quoteattr(value)}" for name, value in values.items() if value is not None)


def _colocation(name: str, each: Colocation, shape: Shape) -> str:
    lifetime = ""
    if each.until:
        date = f'<date_expression id="{name}-d" operation="lt" end="{each.until}"/>'
        lifetime = f'<lifetime><rule id="{name}-r" score="INFINITY">{date}</rule></lifetime>'
    head = f"<rsc_colocation{_attributes(id=name, score=each.score)}"
    if each.blocks:
        sets = "".join(
            f"<resource_set{_attributes(id=f'{name}-{n}', sequential=b.sequential, role=b.role, score=b.score)}>"
            + "".join(f'<resource_ref id="{shape.real(each)}"/>' for each in b.names)
            + "</resource_set>"
            for n, b in enumerate(each.blocks)
        )
        return f"{head}>{lifetime}{sets}</rsc_colocation>"
    ends = _attributes(rsc=shape.real(each.ends[0]), with_rsc=shape.real(each.ends[1]), rsc_role=each.roles[0], with_rsc_role=each.roles[1])
    return f"{head}{ends}{_attributes(node_attribute=each.node_attribute)}>{lifetime}</rsc_colocation>"


def shapes() -> st.SearchStrategy[Shape]:
    """Return a strategy of shapes: mostly a direct binding with something odd about it, sometimes anything at all."""
    names = st.sampled_from(("ip-1", "ip-2", "haproxy-top", "haproxy-top", "haproxy", "app", "app-clone", "tag-1", "template", "group"))
    score = st.one_of(st.just("INFINITY"), st.sampled_from(SCORES))
    none = st.none()
    until = st.one_of(none, none, none, st.sampled_from((PAST, FUTURE)))
    roles = st.one_of(none, none, st.sampled_from(ROLES))
    simple = st.builds(
        Colocation,
        score=score,
        ends=st.one_of(st.tuples(st.sampled_from(VIPS), st.just("haproxy-top")), st.tuples(names, names)),
        roles=st.tuples(roles, roles),
        until=until,
        node_attribute=st.sampled_from((None, None, None, "#uname")),
    )
    block = st.builds(
        Block,
        names=st.lists(names, min_size=1, max_size=3, unique=True).map(tuple),
        sequential=st.one_of(none, st.sampled_from(("true", "false"))),
        role=roles,
        score=st.one_of(none, none, none, score),
    )
    sets = st.builds(Colocation, score=score, blocks=st.lists(block, min_size=1, max_size=2).map(tuple), until=until)
    return st.builds(
        Shape,
        form=st.sampled_from(FORMS),
        colocations=st.lists(st.one_of(simple, simple, sets), max_size=3).map(tuple),
        grouped=st.one_of(st.just(()), st.permutations(("ip-1", "haproxy", "app")).map(lambda p: tuple(p[:2]))),
        tagged=st.lists(st.sampled_from(("haproxy-top", "ip-2", "app", "app-clone")), min_size=1, max_size=2, unique=True).map(tuple),
        templated=st.booleans(),
    )


def where(xml: str) -> Optional[dict[str, set[str]]]:
    """Return on which nodes each resource of a CIB ends up from a cold start; None if Pacemaker refuses the CIB."""
    import xml.etree.ElementTree as ET

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "cib.xml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(xml)
        nodes = [word for node in NODES for word in ("--node-up", node)]
        command = ["crm_simulate", "--xml-file", path, "--simulate", "--output-as=xml", *nodes]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "LC_ALL": "C"})
    try:
        final = ET.fromstring(answer.stdout).find(".//revised_cluster_status")
    except ET.ParseError:
        return None
    if final is None:
        return None
    found: dict[str, set[str]] = {}
    for element in final.iter("resource"):
        found.setdefault(element.get("id", ""), set()).update(node.get("name", "") for node in element.findall("node"))
    return found


def guaranteed(shape: Shape) -> dict[str, bool]:
    """Return whether each virtual IP that runs at all never runs where HAProxy does not; nothing for a refused CIB."""
    pattern = re.compile(r"haproxy-bundle-podman-\d+$|haproxy(:\d+)?$")
    sets = [banned for n in range(len(NODES) + 1) for banned in itertools.combinations(NODES, n)]
    apart: set[str] = set()
    running: set[str] = set()
    for banned in sets:
        found = where(shape.xml(banned))
        if found is None:
            return {}
        there = set().union(*(nodes for name, nodes in found.items() if pattern.match(name)))
        for vip in VIPS:
            if found.get(vip):
                running.add(vip)
            if found.get(vip, set()) - there:
                apart.add(vip)
    return {vip: vip not in apart for vip in VIPS if vip in running}


def tied(rng: random.Random) -> Shape:
    """Return a cluster with groups, and with bindings of the virtual IPs to HAProxy, to each other and to strangers, either way round."""
    ends = (*VIPS, *VIPS, "haproxy-top", "haproxy-top", "app", "app-clone", "group")
    form = rng.choice(("clone", "clone", "bundle", "promotable", "primitive", "primitive", "group", "group"))
    inside = ["ip-1", "ip-2", "app"] + (["haproxy", "haproxy"] if form == "group" else [])
    grouped = tuple(dict.fromkeys(rng.choice(inside) for _ in range(rng.randint(2, 4)))) if form == "group" or rng.random() < 0.4 else ()
    found = []
    for _ in range(rng.randint(0, 3)):
        pair = (rng.choice(ends), rng.choice(ends))
        among = [("haproxy" if name == "haproxy-top" and form == "group" else name) in (*grouped, "group") for name in pair]
        if pair[0] != pair[1] and not all(among) and ("group" not in pair or grouped):
            found.append(Colocation(rng.choice(("INFINITY", "INFINITY", "INFINITY", "1000")), pair))
    return Shape(form, tuple(found), grouped)


def looped(rng: random.Random) -> Shape:
    """Return a cluster in which HAProxy is bound to a group or to an address, and other bindings and nearnesses may go round in circles."""
    names = [*VIPS, "app"]
    rng.shuffle(names)
    grouped = tuple(names[: rng.randint(2, 3)])
    ends = (*VIPS, "app", "app-clone", "app-clone", "group")
    found = [Colocation("INFINITY", ("haproxy-top", rng.choice(("group", "group", *VIPS))))]
    while len(found) < 3 or rng.random() < 0.2:
        pair = (rng.choice(ends), rng.choice(ends))
        if pair[0] != pair[1] and not all(name in (*grouped, "group") for name in pair):
            found.append(Colocation(rng.choice(("INFINITY", "1000", "1000", "-1000")), pair))
    rng.shuffle(found)
    return Shape(rng.choice(("clone", "bundle", "primitive")), tuple(found), grouped)


def away(shape: Shape, every: bool = False) -> Optional[dict[str, bool]]:
    """Return for each virtual IP whether bans can have it up without HAProxy while HAProxy runs elsewhere; None for a refused CIB.

    Each is banned from each node in turn: those that the shape ties to each other in all combinations, others at the same time; then the
    same with the group around it, as it is where another member fails. With `every`, all combinations are asked, those with bans of the
    stranger `app` too. Whether Pacemaker refuses the CIB is asked of the first, for a ban cannot change it.
    """
    pattern = re.compile(r"haproxy-bundle-podman-\d+$|haproxy(:\d+)?$")
    some = ((), (NODES[0],), (NODES[1],))
    found = dict.fromkeys(VIPS, False)
    together = tuple(itertools.product(some, some) if every or _is_tied(shape, *VIPS) else ((nodes, nodes) for nodes in some))
    named: list[tuple[str, ...]] = [VIPS]
    if shape.form != "group" and not set(VIPS).isdisjoint(shape.members):
        named.append(tuple("group-1" if vip in shape.members else vip for vip in VIPS))
    if every:
        together = tuple(itertools.product(some, some, some))
        named = [(*names, "app") for names in named]
    for number, (names, kept, banned) in enumerate(itertools.product(named, together, some)):
        xml = shape.xml(banned, tuple({(name, node): None for name, nodes in zip(names, kept) for node in nodes}))
        places = where(re.sub(r'validate-with="[^"]*"', 'validate-with="none"', xml) if number else xml)
        if places is None:
            return None
        there = set().union(*(nodes for name, nodes in places.items() if pattern.match(name)))
        for vip in VIPS:
            found[vip] |= bool(there and places.get(vip, set()) - there)
        if all(found.values()):
            break
    return found


def _is_tied(shape: Shape, first: str, second: str) -> bool:
    """Return whether a chain of bindings and groups leads from one resource to the other."""
    ties = [{shape.real(name) for name in each.ends} for each in shape.colocations]
    ties += [{"group-1", *shape.members}] if shape.members else []
    near = {first}
    while any(near & tie and not tie <= near for tie in ties):
        near = near.union(*(tie for tie in ties if near & tie))
    return second in near
