"""`pcs status` and `crm_mon`, the text -> where each resource is.

Formats: Pacemaker 1.1 to 2.1 (`Started: [ a b ]` for clones, `Replica[0]` and one line for each instance in detail, by node with `-n`), as
`crm_mon -1`, `crm_mon -1 -A -n -r -t`, `pcs status` and `pcs status --full` print them; older ones write `ocf::heartbeat:x`, `Masters`,
`Docker container set`, and with `-n` the nodes without a heading.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from lwlint.core.catalogue import Catalogue
from lwlint.core.facts import Fact, Unreadable
from lwlint.core.source import Source, Span, Text
from lwlint.inputs.pacemaker.facts import BUNDLE, PRIMITIVE, ClusterStatus, Health, ResourceStatus
from lwlint.inputs.pacemaker.xml import Element, read_xml

_OPEN = re.compile(r"^\s*(?P<name>[\w.]+)\s*\{\s*$")
_PAIR = re.compile(r"^\s*(?P<key>\w+)\s*:\s*(?P<value>.*?)\s*$")


class Corosync(Struct, frozen=True):
    """What `corosync.conf` tells of the cluster: its name and uuid (empty if it has none), and its nodes' names, with the id of each."""

    name: str = ""
    uuid: str = ""
    nodes: tuple[str, ...] = ()
    ids: Mapping[str, str] = {}


def corosync(text: str) -> Corosync:
    """Return what a `corosync.conf` says; a node without a name goes by its first address."""
    around: list[str] = []
    totem: dict[str, str] = {}
    nodes: list[dict[str, str]] = []
    for line in text.splitlines():
        opened, pair = _OPEN.match(line), _PAIR.match(line)
        if line.lstrip().startswith("#"):
            continue
        if opened:
            around.append(opened["name"])
            if around == ["nodelist", "node"]:
                nodes.append({})
        elif line.strip() == "}":
            del around[-1:]
        elif pair and around == ["totem"]:
            totem[pair["key"]] = pair["value"]
        elif pair and around == ["nodelist", "node"]:
            nodes[-1][pair["key"]] = pair["value"]
    named = [(name, node.get("nodeid", "")) for node in nodes if (name := node.get("name") or node.get("ring0_addr") or "")]
    return Corosync(totem.get("cluster_name", ""), totem.get("cluster_uuid", ""), tuple(name for name, _ in named), dict(named))


_AGENT = r"(?:ocf|systemd|service|lsb|upstart|stonith|heartbeat|nagios):[\w:.@/+\\-]+"
_LINE = re.compile(r"^(?P<indent>[ \t]*)(?P<bullet>\* )?(?P<text>\S[^\r\n]*?)[ \t\r]*$", re.MULTILINE)
_RESOURCE = re.compile(rf"(?P<id>\S+)[ \t]+\((?P<agent>{_AGENT})\)(?P<colon>:?)[ \t]*(?P<rest>.*)$")
_HEAD = re.compile(
    r"(?P<what>Clone Set|Master/Slave Set|Resource Group|(?:Container bundle|[A-Za-z]+ container)(?: set)?): (?P<id>[^\s:]+(?::\d+)?)"
    r"(?: \[(?P<inner>[^\]]*)\])?"
)
MOVING = "Starting|Stopping|Promoting|Demoting|Migrating"
_SUMMARY = re.compile(rf"(?P<role>Started|Stopped|Masters|Slaves|Promoted|Unpromoted|{MOVING})(?: \([^)]*\))?: \[(?P<nodes>[^\]]*)\]")
_SECTION = re.compile(
    r"(?:Full |Active |Inactive )?[Ll]ist of [Rr]esources:|(?:Active|Inactive) [Rr]esources:|Node List:|No (?:in)?active resources"
)
_OTHER_SECTION = re.compile(
    r"(?:Node Attributes|Migration Summary|Operations|Failed |Fencing |Negative |Tickets|PCSD |Daemon |Cluster name|Cluster Summary"
    r"|(?:Pending|Transition|Last|Status of) )"
)
_NODE_HEAD = re.compile(r"(?P<kind>Remote|Guest|)Node (?P<name>[^\s:]+)(?: \(\d+\))?: \S")
_ROLE = re.compile(rf"(?P<role>Started|Stopped|Promoted|Unpromoted|Master|Slave|{MOVING})\b")
ROLES = {"Master": "Promoted", "Masters": "Promoted", "Slave": "Unpromoted", "Slaves": "Unpromoted"}
ENGINES = ("docker", "podman", "rkt")
_CONTAINER = re.compile(r"(.+)-(?:docker|podman|rkt)-\d+$")
_WORD = re.compile(r"[^\s,]+")
_IS_STATUS = re.compile(
    r"\bnodes? configured\b|^(?:Node List:|Online:|Full list of resources:|Active resources:|[ \t]*(?:\* )?Current DC:)",
    re.MULTILINE | re.IGNORECASE,
)


class Shown(Struct, frozen=True):
    """One resource, or its instances in one role, as a status shows it. `image` is a bundle's."""

    name: Text
    top: str
    role: str
    nodes: tuple[Text, ...] = ()
    agent: str | None = None
    failed: bool = False
    bundle: bool = False
    image: str | None = None
    unclean: bool = False


class _Around(Struct, frozen=True):
    indent: int
    name: Text
    bundle: bool
    top: str
    image: str | None
    inner: str = ""


def without_number(name: str) -> str:
    """Return the name of a resource without the number of its instance: `rabbitmq` for `rabbitmq:1`."""
    return re.sub(r":\d+$", "", name)


def is_status(text: str) -> bool:
    """Return whether a text may be the status of a cluster; where there is none, an error stands in its place."""
    return _IS_STATUS.search(text) is not None


def shown_resources(source: Source) -> Iterator[Shown]:
    """Yield what the text shows of each resource; of a bundle, where its containers are. Orphans are shown too, and count."""
    around: list[_Around] = []
    node: Text | None = None
    inside, guest = True, False
    for match in _LINE.finditer(source.text):
        line, indent = match["text"], len(match["indent"].expandtabs()) + (2 if match["bullet"] else 0)
        if _SECTION.match(line) or (_OTHER_SECTION.match(line) and not match["bullet"] and not indent):
            inside = _SECTION.match(line) is not None
            around, node, guest = [], None, False
            continue
        if not inside and not (_NODE_HEAD.match(line) and not indent and not match["bullet"]):
            continue
        inside = True  # `Node c0: online` stands under no heading in Pacemaker 1.1
        text = _Line(source, match.start("text"), line)
        while around and around[-1].indent >= indent:
            around.pop()
        named, resource, head = _NODE_HEAD.match(line), _RESOURCE.match(line), _HEAD.match(line)
        if named is not None and resource is None:
            node, guest = text.part(*named.span("name")), named["kind"] == "Guest"
        elif head is not None:
            around.append(_head(text, head, indent, around))
        elif resource is not None and not (guest and not around):  # in a container of a bundle, of which its host's node tells
            yield from _resource(text, resource, around, node)
        elif around and (summary := _SUMMARY.match(line)) is not None:
            yield _summary(text, summary, around)


class _Line(Struct, frozen=True):
    source: Source
    start: int
    text: str

    def part(self, start: int, end: int) -> Text:
        return Text(self.text[start:end], Span(self.source.path, self.start + start, self.start + end))


def _head(line: _Line, match: re.Match[str], indent: int, around: list[_Around]) -> _Around:
    name = line.part(*match.span("id"))
    bundle = "container" in match["what"].lower()
    top = around[0].top if around else without_number(name.value)
    return _Around(indent, name, bundle, top, match["inner"] if bundle else None, "" if bundle else match["inner"] or "")


def _summary(line: _Line, match: re.Match[str], around: list[_Around]) -> Shown:
    start = match.start("nodes")
    nodes = tuple(line.part(start + word.start(), start + word.end()) for word in _WORD.finditer(match["nodes"]))
    role = ROLES.get(match["role"], match["role"])
    head = around[-1]
    name = Text(head.inner or head.name.value, head.name.span)
    return Shown(name, head.top, role, () if role == "Stopped" else nodes)


def _resource(line: _Line, match: re.Match[str], around: list[_Around], node: Text | None) -> Iterator[Shown]:
    agent = match["agent"].replace("::", ":")
    name = line.part(*match.span("id"))
    bundle = next((each for each in around if each.bundle), None)
    if bundle is not None and _is_in_detail(around, name.value, agent):
        return
    role, nodes, failed = _state(line, *match.span("rest"))
    unclean = "(UNCLEAN)" in match["rest"]
    if node is not None and role != "Stopped":
        nodes = (node,)  # what follows is the resource's description
    plain = Text(without_number(name.value), name.span)
    container = _CONTAINER.match(name.value) if agent.rpartition(":")[2] in ENGINES else None
    if bundle is None and container is not None:  # listed by node
        yield Shown(Text(container[1], name.span), container[1], role, nodes, agent, failed, bundle=True, unclean=unclean)
        return
    if bundle is None:
        yield Shown(plain, around[0].top if around else plain.value, role, nodes, agent, failed, unclean=unclean)
    else:
        image = bundle.image
        found = Text(bundle.name.value, name.span)
        yield Shown(found, bundle.top, role, nodes, agent, failed, bundle=True, image=image, unclean=unclean)


def _is_in_detail(around: list[_Around], name: str, agent: str) -> bool:
    """Return whether a line below a bundle is of something besides its container: its address, its remote connection, what is inside it.

    In short a status has one line for each replica, named BUNDLE-0 or BUNDLE-docker-0.
    """
    bundle = next(each.name.value for each in around if each.bundle)
    if agent.rpartition(":")[2] in ENGINES:
        return False
    return not re.fullmatch(re.escape(bundle) + r"-\d+", name) or agent == "ocf:pacemaker:remote"


def _state(line: _Line, start: int, end: int) -> tuple[str, tuple[Text, ...], bool]:
    """Return role, nodes and whether it failed, of `FAILED Promoted node (blocked)`, `Started [ a b ]`, `Stopped (disabled)` and so on."""
    words = line.text[start:end]
    failed = re.match(r"(?:ORPHANED\s+)?FAILED\b|.*\([^)]*failure ignored", words) is not None
    bare = re.sub(r"\([^)]*\)|\b(?:ORPHANED|FAILED)\b", lambda found: " " * len(found.group()), words)
    role = _ROLE.search(bare)
    if role is not None:
        bare = bare[: role.start()] + " " * (role.end() - role.start()) + bare[role.end() :]
    nodes = tuple(line.part(start + w.start(), start + w.end()) for w in _WORD.finditer(bare) if w.group() not in ("[", "]"))
    pending = re.search(rf"\(({MOVING})\)", words)
    named = pending.group(1) if pending is not None else role["role"] if role is not None else "Started"
    named = ROLES.get(named, named)
    return named, () if named == "Stopped" else nodes, failed


_PENDING = re.compile(rf"({MOVING})$")


def read_crm_mon(source: Source) -> Element | Unreadable:
    """Return the root element of the status, or what is wrong with the text."""
    root = read_xml(source)
    if isinstance(root, Element) and root.tag not in ("crm_mon", "pacemaker-result"):
        return Unreadable(source.path, root.span(), f"`crm_mon`: the root is `<{root.tag}>`, so it is not a status", source.host)
    return root


def shown_in_xml(root: Element) -> Iterator[Shown]:
    """Yield each resource of the status; of a bundle, its containers. With `crm_mon -n` what runs stands under its node."""
    lost = frozenset(
        node.get("name") or "" for section in root.all("nodes") for node in section.all("node") if node.get("unclean") == "true"
    )
    for one in _all_in_xml(root):
        yield replace(one, unclean=True) if lost and any(node.value in lost for node in one.nodes) else one


def _all_in_xml(root: Element) -> Iterator[Shown]:
    for section in root.all("nodes"):
        nodes = [node for node in section.all("node") if node.get("type") != "guest"]  # a guest's node tells of its container
        under = [child for node in nodes for child in node.children]
        bundles = {match[1] for child in under if (match := _CONTAINER.match(child.get("id") or "")) is not None}
        for child in under:
            yield from _read_by_node(child, bundles)
    for section in root.all("resources"):
        for child in section.children:
            yield from _read_shown(child, child.get("id") or "")


def _read_by_node(element: Element, bundles: set[str]) -> Iterator[Shown]:
    """Yield what stands under a node; of a bundle its container there, and not the connection to what is inside."""
    name, agent = element.get("id") or "", element.get("resource_agent") or ""
    container = _CONTAINER.match(name) if agent.rpartition(":")[2] in ENGINES else None
    if element.tag == "resource" and container is not None:
        yield from _xml_resource(element, container[1], container[1], None)
    elif agent.replace("::", ":") != "ocf:pacemaker:remote" or name.rpartition("-")[0] not in bundles:
        yield from _read_shown(element, name)


def _read_shown(element: Element, top: str) -> Iterator[Shown]:
    if element.tag == "bundle":
        image = element.get("image")
        for replica in element.all("replica"):
            for each in replica.all("resource"):
                if (each.get("resource_agent") or "").rpartition(":")[2] in ENGINES:
                    yield from _xml_resource(each, top, top, image)
    elif element.tag in ("clone", "group"):
        for child in element.children:
            yield from _read_shown(child, top)
    elif element.tag == "resource" and element.get("id"):
        yield from _xml_resource(element, without_number(top), None, None)


def _xml_resource(element: Element, top: str, bundle: str | None, image: str | None) -> Iterator[Shown]:
    name = element.text("id")
    if name is None:
        return
    pending = _PENDING.match(element.get("pending") or "")
    role = pending.group(1) if pending is not None else element.get("role") or "Stopped"
    nodes = tuple(text for node in element.all("node") if (text := node.text("name")) is not None)
    yield Shown(
        name=name._replace(value=bundle or without_number(name.value)),
        top=top,
        role=ROLES.get(role, role),
        nodes=() if role == "Stopped" else nodes,
        agent=(element.get("resource_agent") or "").replace("::", ":") or None,
        failed="true" in (element.get("failed"), element.get("failure_ignored")),
        bundle=bundle is not None,
        image=image,
    )


def is_xml(text: str) -> bool:
    """Return whether a text is XML of `crm_mon`."""
    return "<crm_mon" in text or "<pacemaker-result" in text


def status_facts(sources: Iterable[Source], catalogue: Catalogue) -> Iterator[Fact]:
    """Yield each status, then what it shows of each resource. XML that is broken gives an `Unreadable`; no status gives nothing."""
    for source in sources:
        if is_xml(source.text):
            root = read_crm_mon(source)
            if isinstance(root, Unreadable):
                yield root
                continue
            yield ClusterStatus("crm_mon", root.span(), source.host)
            shown = shown_in_xml(root)
        elif is_status(source.text):
            called = "pcs status" if "pcs_status" in source.path else "crm_mon"
            yield ClusterStatus(called, source.span(0, 0), source.host)
            shown = shown_resources(source)
        else:
            continue
        for one in shown:
            yield _fact(one, source.host, catalogue)


def _fact(one: Shown, host: str, catalogue: Catalogue) -> ResourceStatus:
    if one.bundle:
        service = catalogue.of_resource(None, one.name.value, BUNDLE, one.image)
    else:
        service = catalogue.of_resource(one.agent, one.name.value, PRIMITIVE)
    return ResourceStatus(
        name=one.name.value,
        span=one.name.span,
        top=one.top,
        role=one.role,
        nodes=one.nodes,
        agent=one.agent,
        failed=one.failed,
        unclean=one.unclean,
        host=host,
        service=service,
    )


_QUORUM = re.compile(r"Current DC:[^\n]*partition (?P<has>with(?:out)?) quorum", re.IGNORECASE)
_OFFLINE = re.compile(r"^[ \t]*(?:\* )?(?:OFFLINE|RemoteOFFLINE|GuestOFFLINE): \[(?P<nodes>[^\]\n]*)\]", re.MULTILINE)
_NODE_OFFLINE = re.compile(
    r"^[ \t]*(?:\* )?(?:Remote|Guest|)Node (?:List: )?(?P<name>[^\s:]+)(?: \(\d+\))?: (?:UNCLEAN \(offline\)|OFFLINE|pending)", re.MULTILINE
)
_FAILED = re.compile(
    r"^Failed (?:Resource )?Actions:[ \t]*\n(?P<lines>(?:[ \t]*(?:\*|[\w.:-]+ on )[^\n]*\n?|[ \t]{4,}[^\n]*\n?)*)", re.MULTILINE
)
_ACTION = re.compile(r"^[ \t]*(?:\* )?\S+ on \S|^[ \t]*\* \S", re.MULTILINE)


def read_health(text: str) -> Health:
    """Return what `crm_mon` or `pcs status` says of the cluster as a whole, in any of the forms that `status_facts` reads but XML."""
    quorum = _QUORUM.search(text)
    offline = [name for found in _OFFLINE.finditer(text) for name in found["nodes"].split()]
    offline += [found["name"] for found in _NODE_OFFLINE.finditer(text)]
    failed = _FAILED.search(text)
    is_whole = quorum is not None and _IS_STATUS.search(text) is not None
    return Health(
        quorum["has"].lower() == "with" if quorum is not None else None,
        tuple(dict.fromkeys(offline)),
        len(_ACTION.findall(failed["lines"])) if failed is not None else (0 if is_whole else None),
    )
