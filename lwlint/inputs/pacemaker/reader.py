"""CIB sources -> facts of Pacemaker clusters.

Constraints have their members found and taken apart into pairs as the scheduler does: after lib/pacemaker/pcmk_sched_constraints.c,
_colocation.c and _ordering.c of Pacemaker 2.1.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Optional, Union

from msgspec import Struct, field
from msgspec.structs import replace

from lwlint.core.catalogue import Catalogue
from lwlint.core.facts import RELEASES, Fact, Release, Unreadable, of_image
from lwlint.core.harmless import whole
from lwlint.core.lazy import pattern
from lwlint.core.source import Source, Text
from lwlint.inputs.pacemaker.crm import is_crm_config, read_crm_config
from lwlint.inputs.pacemaker.facts import (
    BOOTSTRAP,
    BUNDLE,
    CLONE,
    COLOCATION,
    LOCATION,
    OLD_DEFAULTS,
    ORDER,
    PROMOTABLE,
    TICKET,
    Attribute,
    AttributeSet,
    CibFault,
    Cluster,
    ClusterProperty,
    Constraint,
    Expression,
    FencingLevel,
    Member,
    Node,
    Pair,
    Resource,
    ResourceDefault,
    Rule,
    Tag,
    Validation,
    boolean,
    brought,
    resource_pattern,
    score,
)
from lwlint.inputs.pacemaker.pcs import read_pcs_config, read_pcs_json
from lwlint.inputs.pacemaker.resources import (
    INSTANCE,
    META,
    PROPERTIES,
    TODAY,
    UTILIZATION,
    Context,
    Reader,
    Section,
    TooMuch,
    date_holds,
    resources,
)
from lwlint.inputs.pacemaker.xml import Element, faults, read_cib, unknown

_SCHEMA_1 = re.compile(r"pacemaker-[012]\.|transitional-0\.6$")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TYPES = {"rsc_order": ORDER, "rsc_colocation": COLOCATION, "rsc_location": LOCATION, "rsc_ticket": TICKET}
# attribute that names a member -> the attributes of its role, action and instance
_PLACES = {
    ORDER: {"first": ("", "first-action", "first-instance"), "then": ("", "then-action", "then-instance")},
    COLOCATION: {"rsc": ("rsc-role", "", "rsc-instance"), "with-rsc": ("with-rsc-role", "", "with-rsc-instance")},
    LOCATION: {"rsc": ("role", "", "")},
    TICKET: {"rsc": ("rsc-role", "", "")},
}
PAIRS = 10_000  # of one colocation; two sets that are not sequential make as many as the product of their sizes
_ORDERINGS = ("Mandatory", "Optional", "Serialize")
_REPLICA = re.compile(r"(.+?)(?:-(?:docker|podman|rkt))?-\d+$|(.+?)-ip-[0-9a-fA-F.:]+$")


def cib_facts(sources: Sequence[Source], catalogue: Catalogue, schemas: str = "") -> Iterator[Fact]:
    """Yield what each CIB among `sources` configures: its cluster first, then nodes, resources, constraints and the rest.

    A file that is no CIB, or is broken, gives an `Unreadable`. `schemas` is a folder with Pacemaker's schemas, to validate with.
    """
    for source in sources:
        found = read_cib(source)
        if isinstance(found, Unreadable):
            yield found
        else:
            yield from _read_bounded(source, found, catalogue)
            yield from _validation(source, found, schemas)


def _read_bounded(source: Source, root: Element, catalogue: Catalogue) -> list[Fact]:
    """Return what `element_facts` yields, or that what its parts share is too much."""
    try:
        return list(element_facts(source, root, catalogue))
    except TooMuch as error:
        return [Unreadable(source.path, root.span(), str(error), source.host)]


def _validation(source: Source, root: Element, schemas: str) -> Iterator[Fact]:
    schema = root.get("validate-with") if root.tag == "cib" else None
    found, because, by = list(faults(root)), unknown(root) or "", "table"
    if schemas:
        from lwlint.inputs.pacemaker.xml import has_schema, refusal

        if schema is not None and has_schema(schema, schemas):
            because, by = "", schemas
            refused = refusal(root, schema, schemas)
            found = found if refused is None or found else [refused]
        elif schema not in (None, "none"):
            because = because or f"`{schemas}` has no schema `{schema}`"
    yield Validation(source.path, root.span("validate-with"), schema, by, because, source.host)
    for fault in found:
        yield CibFault(fault.subject, fault.span, fault.message, source.host)


def element_facts(source: Source, root: Element, catalogue: Catalogue) -> Iterator[Fact]:
    """Yield what the elements of one CIB configure, wherever they stand."""
    configuration = root if root.tag == "configuration" else root.first("configuration") or root
    reader = Reader(root, _now(root))
    context = Context(reader.now)
    part = {child.tag: child for child in reversed(configuration.children)}
    properties = reader.fill({}, _one(part, "crm_config"), PROPERTIES, context, BOOTSTRAP)
    yield _cluster(source, root, properties, part.get("resources"))
    for name, value in properties.items():
        yield ClusterProperty(name, value.span, value.value, source.host)
    old_defaults = _old_defaults(root, properties)
    for scope, tag in (("resource", "rsc_defaults"), ("operation", "op_defaults")):
        found_here = reader.fill({}, _one(part, tag), META, context)
        for name, value in {**(old_defaults if scope == "resource" else {}), **found_here}.items():
            yield ResourceDefault(name, value.span, value.value, scope, source.host)
    states = _States(list(status.all("node_state")) if (status := root.first("status")) is not None else [])
    nodes = [node for section in _one(part, "nodes") for node in _nodes(source, section, reader, states)]
    yield from nodes
    section_data = Section(
        source,
        reader,
        catalogue,
        maintenance_mode="maintenance-mode" in properties and boolean(properties["maintenance-mode"].value) is True,
        defaults=_one(part, "rsc_defaults"),
        operation_defaults=_one(part, "op_defaults"),
        old_defaults=old_defaults,
    )
    found = [fact for section in _one(part, "resources") for fact in resources(section_data, section)]
    unlisted = [node for node in brought(found) if node.name not in {each.name for each in nodes}]
    told = [node for node in (_with_state(node, reader, states) for node in unlisted) if node.transient is not None]
    yield from told
    nodes += told
    yield from found
    for text in section_data.twice:
        message = f"the id `{text.value}` is there twice among the resources; Pacemaker refuses the CIB"
        yield Unreadable(source.path, text.span, message, source.host, fatal=False)
    tags = [tag for section in _one(part, "tags") for tag in _tags(source, section)]
    names = Names({r.name: r for r in reversed(found)}, _groups(found, tags))
    for section in _one(part, "constraints"):
        for constraint in constraints(source, reader, section, names):
            reader.count(len(nodes) * len(constraint.rules))  # each is judged on each node
            yield constraint
    yield from tags
    for section in _one(part, "fencing-topology"):
        yield from _levels(source, section)
    yield from _attribute_sets(source, part)


_SETS_OF = {"crm_config": PROPERTIES, "rsc_defaults": META, "op_defaults": META, "nodes": INSTANCE, "resources": META}


def _attribute_sets(source: Source, part: Mapping[str, Element]) -> Iterator[AttributeSet]:
    """Yield the sets of properties, of defaults, of nodes' attributes and of meta attributes, as they are written."""
    for section, tag in _SETS_OF.items():
        for element in part[section].walk() if section in part else ():
            holder = section if element is part[section] else element.get("id") or ""
            for place, each in enumerate(element.all(tag)):
                refers = each.get("id-ref") is not None
                name = each.get("id-ref") or each.get("id") or ""
                attributes = () if refers else tuple(_attributes(each))
                if not name and not attributes:
                    continue  # of a text, which heads what is not there
                yield AttributeSet(
                    name=name,
                    span=each.span("id", "id-ref"),
                    holder=holder,
                    place=place,
                    host=source.host,
                    score=each.get("score"),
                    ruled=each.first("rule") is not None,
                    refers=refers,
                    attributes=attributes,
                    shared=tuple(id for pair in _pairs(each) if (id := pair.get("id-ref")) is not None),
                )


def _attributes(block: Element) -> Iterator[Attribute]:
    """Yield what a set gives itself; what it refers to is another's."""
    for pair in _pairs(block):
        name, value = pair.get("name"), pair.text("value")
        if name is not None and value is not None:
            yield Attribute(name, value, pair.get("id") or "")


def _pairs(block: Element) -> Iterator[Element]:
    return (block.first("attributes") or block).all("nvpair")


def _one(part: dict[str, Element], tag: str) -> list[Element]:
    return [part[tag]] if tag in part else []


def _old_defaults(root: Element, properties: dict[str, Text]) -> dict[str, Text]:
    """Return the defaults of resources that a CIB of Pacemaker 1.x has among its properties; 2.0 moves them when it upgrades the schema."""
    if not _SCHEMA_1.match(root.get("validate-with") or ""):
        return {}
    written = next((properties[name] for name in OLD_DEFAULTS if name in properties), None)
    return {} if written is None else {"is-managed": written}


def _now(root: Element) -> datetime:
    """Return the time that rules are judged by: the CIB's own, or else a fixed day if that is later than its last change.

    The scheduler itself prefers `execution-date` to the clock.
    """
    stamp = root.get("execution-date") or ""
    seconds = whole(stamp) or 0
    if seconds > 0:
        return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=min(seconds, 10**11))
    words = (root.get("cib-last-written") or "").split()  # Mon Nov 23 02:01:20 2026
    try:
        hour, minute, second = (int(word) for word in words[3].split(":"))
        written = datetime(int(words[4]), _MONTHS.index(words[1]) + 1, int(words[2]), hour, minute, second, tzinfo=timezone.utc)
    except (ValueError, IndexError):
        return TODAY
    return max(written, TODAY)


def _cluster(source: Source, root: Element, properties: dict[str, Text], section: Element | None) -> Cluster:
    name, version = properties.get("cluster-name"), properties.get("dc-version")
    return Cluster(
        name=name.value if name is not None else "",
        span=root.span(),
        host=source.host,
        resources=section.span() if section is not None else None,
        schema=root.get("validate-with"),
        feature_set=root.get("crm_feature_set"),
        dc_version=version.value if version is not None else None,
        dc_uuid=root.get("dc-uuid"),
        epoch=root.get("epoch"),
        admin_epoch=root.get("admin_epoch"),
        num_updates=root.get("num_updates"),
        last_written=root.get("cib-last-written"),
    )


class _States:
    """The states of nodes in the status of a CIB."""

    def __init__(self, states: Sequence[Element]) -> None:
        self._by_id = {state.get("id"): state for state in reversed(states)}
        self._by_name = {(state.get("uname") or "").lower(): state for state in reversed(states)}

    def transient(self, node_id: str | None, name: str) -> Element | None:
        """Return the attributes of a node that last until it leaves the cluster; None where they tell of none."""
        state = (self._by_id.get(node_id) if node_id else None) or self._by_name.get(name.lower())
        return state.first("transient_attributes") if state is not None else None


def _with_state(node: Node, reader: Reader, states: _States) -> Node:
    """Return a node that a resource brings in, and that `<nodes>` does not list, with what the status has of it."""
    told = states.transient(None, node.name)
    if told is None:
        return node
    now = reader.fill({}, [told], INSTANCE, Context(reader.now))
    return replace(node, transient=now, standby=_is(now, "standby"), maintenance=_is(now, "maintenance"))


def _nodes(source: Source, section: Element, reader: Reader, states: _States) -> Iterator[Node]:
    for element in section.all("node"):
        name = element.text("uname") or element.text("id")
        if name is None:
            continue
        context = Context(reader.now)
        attributes = reader.fill({}, [element], INSTANCE, context)
        told = states.transient(element.get("id"), name.value)
        transient = reader.fill({}, [told], INSTANCE, context) if told is not None else None
        now = {**attributes, **(transient or {})}
        kind = element.get("type") or "member"
        yield Node(
            name=name.value,
            span=name.span,
            host=source.host,
            id=element.get("id") or "",
            type="member" if kind in ("member", "normal") else kind,
            attributes=attributes,
            standby=_is(now, "standby"),
            maintenance=_is(now, "maintenance"),
            transient=transient,
            utilization=reader.fill({}, [element], UTILIZATION, context),
        )


def _is(attributes: dict[str, Text], name: str) -> bool:
    return name in attributes and boolean(attributes[name].value) is True


def _tags(source: Source, section: Element) -> Iterator[Tag]:
    for element in section.all("tag"):
        name = element.text("id")
        if name is not None:
            members = tuple(text for each in element.all("obj_ref") if (text := each.text("id")) is not None)
            yield Tag(name.value, name.span, members, source.host)


def _groups(found: Iterable[Resource], tags: Iterable[Tag]) -> dict[str, tuple[str, ...]]:
    """Return what a constraint may name instead of a resource, with its members: templates, which go first, and tags."""
    members: dict[str, dict[str, None]] = {}
    for resource in found:
        if resource.template is not None and not resource.template_missing:
            members.setdefault(resource.template.value, {})[resource.name] = None
    templates = set(members)
    for tag in tags:
        if tag.name not in templates:
            members.setdefault(tag.name, {}).update((text.value, None) for text in tag.members)
    return {name: tuple(ids) for name, ids in members.items()}


def _levels(source: Source, section: Element) -> Iterator[FencingLevel]:
    for element in section.all("fencing-level"):
        name = element.span("id")
        target = element.get("target") or element.get("target-pattern") or element.get("target-attribute") or ""
        yield FencingLevel(
            name=element.get("id") or "",
            span=name,
            target=target,
            index=whole(element.get("index") or "0") or 0,
            devices=tuple(_devices(element)),
            host=source.host,
        )


def _devices(element: Element) -> Iterator[Text]:
    listed = element.text("devices")
    if listed is None:
        return
    at = 0
    for part in listed.value.split(","):
        start = listed.span.start + at
        yield Text(part.strip(), listed.span._replace(start=start, end=start + len(part)))
        at += len(part) + 1


PCS_CONFIG, CRM_CONFIG = "pcs config", "crm configure show"


def pcs_config_facts(sources: Iterable[Source], catalogue: Catalogue) -> Iterator[Fact]:
    """Yield what each text says, as `cib_facts` does of a CIB; the cluster is marked as known from weaker evidence.

    A text that is cut off gives an `Unreadable`, and so does a line of it that no known version prints.
    """
    for source in sources:
        if source.text.lstrip("\ufeff \t\r\n").startswith("{"):
            found, printed = read_pcs_json(source), PCS_CONFIG
        elif is_crm_config(source.text):
            found, printed = read_crm_config(source), CRM_CONFIG
        else:
            found, printed = read_pcs_config(source), PCS_CONFIG
        if isinstance(found, Unreadable):
            yield found
            continue
        for fact in _read_bounded(source, found.root, catalogue):
            yield replace(fact, weaker=printed, untold=found.untold) if isinstance(fact, Cluster) else fact
        for line in found.odd:
            message = f"`{printed}`: this line is of no form that is known, so that what it says is not judged"
            yield Unreadable(source.path, line.span, message, source.host, fatal=False)


_IMAGE = pattern(r"\bimage=[\"']?([^\"'\s]+)")

# What only some releases wrote into a CIB, most telling first.
_CIB = (
    (
        "mitaka",
        pattern(r"<primitive\b[^>]*\bid=[\"']openstack-core[\"']|^\s*(?:Resource: |primitive )openstack-core\b", re.MULTILINE),
        "the resource `openstack-core` of the full architecture",
    ),
    (
        "liberty",
        pattern(
            r"<primitive\b[^>]*\btype=[\"']openstack-keystone[\"']|\btype=openstack-keystone\)|(?:systemd|service|lsb):openstack-keystone\b"
        ),
        "openstack-keystone under Pacemaker",
    ),
    (
        "train",
        pattern(r"<podman\b|^\s+Podman: |^bundle [^\n]+\\\r?\n\s+podman ", re.MULTILINE),
        "podman bundles, first used in stein and train",
    ),
    ("pike", pattern(r"<bundle\b|^ +Bundle: |^bundle ", re.MULTILINE), "docker bundles, which pike brought"),
    ("ocata", pattern(r"[\"']haproxy-role[\"']|\bhaproxy-role(?:=| eq )true\b"), "location rules on node properties, which ocata brought"),
)
# Pacemaker of the enterprise distribution's minor releases: clusters are updated, so this is weak. It is asked where nothing is in a
# bundle, and templates since stein put everything in bundles: a later Pacemaker then tells nothing.
_PACEMAKER = (
    ((1, 1, 12), "liberty"), ((1, 1, 13), "mitaka"), ((1, 1, 15), "newton"), ((1, 1, 16), "pike"), ((1, 1, 18), "queens"),
    ((1, 1, 19), "rocky"), ((2,), None),
)  # fmt: skip
_VERSIONS = pattern(  # of a CIB, of `pcs config` and of `crm configure show`
    r"<nvpair\b(?=[^>]*\bname=[\"']dc-version[\"'])[^>]*\bvalue=[\"'](\d+\.\d+\.\d+[^\"'\s]*)|^\s*dc-version[:=] ?(\d+\.\d+\.\d+\S*)",
    re.MULTILINE,
)
# The distribution that Pacemaker was built for: the first release that runs there.
_BUILT_FOR = (("el10", "epoxy"), ("el9", "wallaby"), ("el8", "stein"))
_OPENSTACK = pattern(r"openstack-|(?:[\"'=:]|: |^(?:primitive \S+|bundle) )(galera|rabbitmq-cluster|haproxy)\b", re.MULTILINE)


def release_of(sources: Sequence[Source]) -> Optional[Release]:
    """Return the release that CIBs tell, else that what `pcs config` printed does."""
    for kind in ("cib", "pcs config"):
        found = _release_of([source for source in sources if source.kind == kind])
        if found is not None:
            return found
    return None


def _release_of(sources: Sequence[Source]) -> Optional[Release]:
    for source in sources:
        for image in _IMAGE.findall(source.text):
            found = of_image(image)
            if found is not None:
                return Release(found, f"the container image `{image}`")
    versions = [
        version
        for source in sources
        if _OPENSTACK.search(source.text)
        for pair in _VERSIONS.findall(source.text)
        for version in pair
        if version
    ]
    bare = next((one for version in versions if (one := _of_pacemaker(version)) is not None), None)
    for name, sign, words in _CIB:
        if any(sign.search(source.text) for source in sources):
            return _weigh(Release(name, words), bare, versions)
    return bare


def _weigh(found: Release, bare: Optional[Release], versions: Sequence[str]) -> Release:
    """Return what a sign speaks for, or what contradicts it: a release that the cluster's own software is too new for.

    Keystone under Pacemaker is of liberty in TripleO, and of any release elsewhere; a podman bundle is of stein or later. Clusters are
    updated, so that the version of Pacemaker alone outweighs only the first.
    """
    built = next((_find_built_for(version) for version in versions if _find_built_for(version) is not None), None)
    other = built or (bare if found.name == "liberty" else None)
    if other is None or other.name is None or found.name is None or RELEASES.index(other.name) <= RELEASES.index(found.name):
        return found
    return Release(other.name, f"{other.because}, against {found.because}, which speaks for {found.name}")


def _find_built_for(version: str) -> Optional[Release]:
    for system, name in _BUILT_FOR:
        if f".{system}" in version:
            return Release(name, f"Pacemaker {version.partition('-')[0]} of {system}, where {name} is the first release")
    return None


def _of_pacemaker(version: str) -> Optional[Release]:
    built = _find_built_for(version)
    if built is not None:
        return built
    version = version.partition("-")[0].partition("+")[0]
    numbers = tuple(whole(each) or 0 for each in re.split(r"[^\d.]", version, maxsplit=1)[0].split(".")[:3])
    name = next((name for least, name in reversed(_PACEMAKER) if least <= numbers), None)
    return Release(name, f"Pacemaker {version}, which is weak evidence") if name else None


class Names(Struct, frozen=True):
    """What a name in a constraint may mean: resources by id, and the members of templates and tags."""

    resources: Mapping[str, Resource]
    groups: Mapping[str, tuple[str, ...]]
    _known: dict[str, tuple[tuple[str, ...], bool]] = field(default_factory=dict)

    def find(self, name: str) -> tuple[tuple[str, ...], bool]:
        """Return the resources that `name` stands for, and whether the scheduler will not find it by this name.

        It looks for the instances of a clone or a bundle by names of their own, so not for the resource inside.
        """
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def matching(self, pattern: str) -> tuple[str, ...]:
        """Return the outermost resources whose ids a location's `rsc-pattern` finds; none for an unusual pattern."""
        fits = resource_pattern(pattern)
        return tuple(r.name for r in self.resources.values() if r.parent is None and fits(r.name)) if fits is not None else ()

    def _find(self, name: str) -> tuple[tuple[str, ...], bool]:
        if name in self.resources:
            return (name,), self.inner(name)
        if name in self.groups:
            members = tuple(each for each in self.groups[name] if each in self.resources)
            return members, any(self.inner(each) for each in members)
        match = _REPLICA.match(name)
        bundle = self.resources.get((match.group(1) or match.group(2)) if match else "")
        return ((bundle.name,), True) if bundle is not None and bundle.form == BUNDLE else ((), False)

    def inner(self, name: str) -> bool:
        """Return whether the resource lies in a clone or a bundle."""
        top = self.resources[self.resources[name].top]
        return top.name != name and top.form in (CLONE, PROMOTABLE, BUNDLE)


def constraints(source: Source, reader: Reader, element: Element, names: Names) -> Iterator[Constraint]:
    """Yield the constraints in the `constraints` element."""
    for child in element.all(*TYPES):
        name = child.text("id")
        if name is None:
            continue
        kind = TYPES[child.tag]
        lifetime = child.first("lifetime")
        limits = [child] if lifetime is None else [child, lifetime]
        number = child.text("score")
        ordering = _ordering(child) if kind == ORDER else None
        fact = Constraint(
            name=name.value,
            span=name.span,
            type=kind,
            host=source.host,
            members=tuple(_count(_members(child, kind, reader, names), reader)),
            score=number.value if number is not None else None,
            score_span=number.span if number is not None else None,
            ordering=ordering,
            symmetrical=ordering != "Serialize" and boolean(child.get("symmetrical")) is not False,
            node_attribute=child.get("node-attribute"),
            node=child.text("node"),
            pattern=child.text("rsc-pattern"),
            resource_discovery=child.get("resource-discovery"),
            ticket=child.get("ticket"),
            rules=tuple(_rule(rule, reader, 0) for part in limits for rule in part.all("rule")) if kind == LOCATION else (),
            active=lifetime is None or reader.in_force(lifetime, Context(reader.now)),
        )
        if kind == COLOCATION:
            fact = replace(fact, pairs=tuple(islice(_Colocations(fact, names).pairs(list(_sets(child, reader))), PAIRS)))
            reader.count(len(fact.pairs))
        yield fact


def _count(members: Iterator[Member], reader: Reader) -> Iterator[Member]:
    for member in members:
        reader.count(1 + len(member.resources))
        yield member


def _members(element: Element, kind: str, reader: Reader, names: Names) -> Iterator[Member]:
    for place, (role, action, instance) in _PLACES[kind].items():
        text = element.text(place)
        if text is not None:
            member = _member(text, place, element.get(role), element.get(action), names)
            yield replace(member, instance=element.get(instance))
    pattern = element.text("rsc-pattern")
    if pattern is not None:
        reader.count(len(names.resources))
        found = names.matching(pattern.value)
        if found:
            yield Member(pattern.value, pattern.span, "rsc-pattern", element.get("role"), resources=found)
    for count, block in enumerate(_sets(element, reader)):
        for reference in block.all("resource_ref"):
            text = reference.text("id")
            if text is not None:
                member = _member(text, "set", block.get("role"), block.get("action"), names)
                sequential, require_all = boolean(block.get("sequential")), boolean(block.get("require-all"))
                member = replace(member, set=count, sequential=sequential is not False, require_all=require_all is not False)
                yield replace(member, score=block.get("score")) if kind == LOCATION else member


def _member(text: Text, place: str, role: str | None, action: str | None, names: Names) -> Member:
    found, hidden = names.find(text.value)
    return Member(text.value, text.span, place, role, action, resources=found, hidden=hidden)


def _sets(element: Element, reader: Reader) -> Iterator[Element]:
    for block in element.all("resource_set"):
        target = reader.target(block)
        if target is not None:
            yield target


def _ordering(element: Element) -> str:
    written = element.get("kind")
    if written is not None:
        return next((each for each in _ORDERINGS if each.lower() == written.lower()), "Mandatory")
    number = element.get("score")
    return "Optional" if number is not None and score(number) == 0 else "Mandatory"


def _rule(element: Element, reader: Reader, depth: int) -> Rule:
    target = reader.target(element) or element
    reader.count(1 + len(target.children))
    return Rule(
        name=target.get("id") or "",
        span=element.span("id", "id-ref"),
        score=target.get("score"),
        score_attribute=target.get("score-attribute"),
        role=target.get("role"),
        boolean_op=(target.get("boolean-op") or "and").lower(),
        expressions=tuple(_expression(child, reader, depth + 1) for child in target.children) if depth < 32 else (),
    )


def _expression(element: Element, reader: Reader, depth: int) -> Union[Expression, Rule]:
    if element.tag == "rule":
        return _rule(element, reader, depth)
    place = element.span("attribute", "operation", "id")
    cron = element.tag != "date_expression" or element.get("operation") == "date_spec"
    holds = None if cron else date_holds(element, reader.now)
    operation = element.get("operation")
    if element.get("value-source") in _OF_RESOURCES or element.get("type") in _NUMBERS:
        operation = operation if operation in ("defined", "not_defined") else None  # the text in `value` does not tell
    return Expression(element.tag, place, element.get("attribute"), operation, element.get("value"), holds)


_OF_RESOURCES = ("param", "meta")  # where the value is the one that the resource has under the name in `value`
_NUMBERS = ("integer", "number", "version")


class _Dropped(Exception):
    """The scheduler leaves a set there, since it cannot find the resource that comes next."""


class _Block(Struct, frozen=True):
    """A resource set with its tags and templates expanded."""

    ids: tuple[str, ...]
    sequential: bool = True
    role: str | None = None
    score: str | None = None
    ordering: str = "group"


class _Colocations:
    """Takes one colocation apart."""

    def __init__(self, fact: Constraint, names: Names) -> None:
        self.fact = fact
        self.names = names
        self.score = score(fact.score)

    def pairs(self, sets: Sequence[Element]) -> Iterator[Pair]:
        """Yield the pairs; in each set, and between two, until one of them cannot be made."""
        blocks = self._of_sets(sets) if sets else self._of_ends()
        for before, block in zip([None, *blocks], blocks):
            yield from self._until_dropped(self._within(block))
            if before is not None:
                yield from self._until_dropped(self._between(before, block))

    def _of_sets(self, sets: Sequence[Element]) -> list[_Block]:
        refs = [[text for each in element.all("resource_ref") if (text := each.get("id")) is not None] for element in sets]
        known = all(self._known(name) for ids in refs for name in ids)  # if not, tags and templates stay as they are
        return [
            _Block(
                ids=self._expand(ids) if known else tuple(ids),
                sequential=boolean(element.get("sequential")) is not False,
                role=element.get("role"),
                score=element.get("score"),
                ordering=(element.get("ordering") or "group").lower(),
            )
            for element, ids in zip(sets, refs)
        ]

    def _of_ends(self) -> list[_Block]:
        """Return `rsc` and `with-rsc` as two sets; a tag or template is one that is not sequential."""
        ends = {member.position: member for member in self.fact.members}
        both = [ends[place] for place in ("rsc", "with-rsc") if place in ends]
        plain = [member.name in self.names.resources for member in both]
        # a colocation of one instance binds no other; "two templates or tags cannot be colocated"
        if len(both) < 2 or not any(plain) or any(member.instance is not None or not self._known(member.name) for member in both):
            return []
        return [_Block(self._expand([member.name]), sequential=one, role=member.role) for member, one in zip(both, plain)]

    def _known(self, name: str) -> bool:
        return name in self.names.groups or (name in self.names.resources and not self.names.inner(name))

    def _expand(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Return `ids` with the members of tags and templates in their place."""
        found = (each for name in ids for each in ((name,) if name in self.names.resources else self.names.groups[name]))
        return tuple(islice(found, PAIRS))

    def _until_dropped(self, pairs: Iterator[Pair]) -> Iterator[Pair]:
        try:
            yield from pairs
        except _Dropped:
            return

    def _findable(self, name: str) -> str:
        if name not in self.names.resources or self.names.inner(name):
            raise _Dropped
        return name

    def _within(self, block: _Block) -> Iterator[Pair]:
        number = score(block.score) if block.score is not None else self.score
        if number == 0 or not block.sequential:
            return
        ids: list[str] = []
        for name in block.ids:
            ids.append(self._findable(name))
            for before in ids[:-1] if number < 0 else ids[-2:-1]:
                first, second = (before, name) if number > 0 and block.ordering != "group" else (name, before)
                yield Pair(first, second, number, block.role, block.role)

    def _between(self, one: _Block, other: _Block) -> Iterator[Pair]:
        if self.score == 0:
            return
        for first in one.ids[:1] if one.sequential else one.ids:
            for second in other.ids[-1:] if other.sequential else other.ids:
                yield Pair(self._findable(first), self._findable(second), self.score, one.role, other.role)
