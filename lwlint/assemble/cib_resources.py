"""The configured resources of a CIB: templates, parents and defaults applied, as the scheduler unpacks them.

After lib/pengine/complex.c, clone.c and bundle.c of Pacemaker 2.1.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lwlint.assemble.cib_attributes import INSTANCE, META, Context, Reader, milliseconds
from lwlint.catalogue import Catalogue
from lwlint.facts.pacemaker import BUNDLE, CLONE, GROUP, PRIMITIVE, PROMOTABLE, Container, Operation, Resource, boolean
from lwlint.facts.service import Service
from lwlint.parse.cib import Element
from lwlint.record import dataclass, field, replace
from lwlint.source import Source, Text

FORMS = {"primitive": PRIMITIVE, "group": GROUP, "clone": CLONE, "master": PROMOTABLE, "bundle": BUNDLE}
ENGINES = ("docker", "podman", "rkt")
_UNPROMOTED = (None, "started", "slave", "unpromoted")


@dataclass
class Section:
    """What the resources of one CIB share.

    `old_defaults` are defaults that an old schema has among the cluster's properties; `twice` are the ids of those that are left
    out, since another has the same.
    """

    source: Source
    reader: Reader
    catalogue: Catalogue
    maintenance_mode: bool = False
    defaults: list[Element] = field(default_factory=list)
    operation_defaults: list[Element] = field(default_factory=list)
    old_defaults: dict[str, Text] = field(default_factory=dict)
    templates: dict[str, Element] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    twice: list[Text] = field(default_factory=list)


@dataclass
class _Seen:
    """A resource with what its children inherit: its meta attributes by origin, and all its attributes."""

    fact: Resource
    own_meta: dict[str, Text]
    own_attributes: dict[str, Text]
    master: bool


def resources(section: Section, element: Element) -> Iterator[Resource]:
    """Yield the resources in the `resources` element, each before those inside it."""
    for template in element.all("template"):
        section.templates.setdefault(template.get("id") or "", template)
    for child in element.all(*FORMS):
        yield from _resource(section, child, ())


def _resource(section: Section, element: Element, parents: tuple[_Seen, ...]) -> Iterator[Resource]:
    name = element.text("id")
    if name is None:
        return
    if name.value in section.seen:
        section.twice.append(name)
        return
    section.seen.add(name.value)
    seen = _unpack(section, element, name, parents)
    below: list[Resource] = []
    for child in element.all(*FORMS):
        below.extend(_resource(section, child, (*parents, seen)))
    children = tuple(r.name for r in below if r.parent == name.value)
    service = _service(section.catalogue, seen.fact, below)
    yield replace(seen.fact, children=children, service=service)
    yield from below


def _unpack(section: Section, element: Element, name: Text, parents: tuple[_Seen, ...]) -> _Seen:
    wanted = element.text("template")
    template = section.templates.get(wanted.value) if wanted is not None and wanted.value != name.value else None
    parts = [element] if template is None else [template, element]
    head = parts[0] if wanted is None or template is not None else None
    context = Context(section.reader.now, (head.get("class"), head.get("provider"), head.get("type")) if head else None)
    own_meta = section.reader.fill({}, parts, META, context)
    meta = _inherited(own_meta, [p.own_meta for p in parents])
    section.reader.fill(meta, section.defaults, META, context)
    meta = {**section.old_defaults, **meta}
    own_attributes = section.reader.fill({}, parts, INSTANCE, context)
    attributes = _inherited(own_attributes, [p.own_attributes for p in parents])
    section.reader.fill(attributes, section.defaults, INSTANCE, context)
    form = FORMS[element.tag]
    container = _container(element) if form == BUNDLE else None
    promotable = _promotable(form, own_meta, meta, parents)
    if form == CLONE and promotable:
        form = PROMOTABLE
    maintenance = section.maintenance_mode or _is(meta, "maintenance")
    fact = Resource(
        name=name.value,
        span=name.span,
        agent=_agent(head) if form == PRIMITIVE and head is not None else None,
        form=form,
        host=section.source.host,
        parent=parents[-1].fact.name if parents else None,
        top=parents[0].fact.name if parents else name.value,
        template=wanted,
        template_missing=wanted is not None and template is None,
        meta=meta,
        attributes=attributes,
        operations=tuple(_operations(section, parts)) if form == PRIMITIVE else (),
        container=container,
        instances=_instances(form, meta, container),
        managed=_managed(meta) and not maintenance,
        maintenance=maintenance,
        promotable=promotable,
    )
    return _Seen(fact, own_meta, own_attributes, element.tag == "master")


def _promotable(form: str, own: dict[str, Text], meta: dict[str, Text], parents: tuple[_Seen, ...]) -> bool:
    """Whether a resource can be promoted: what is set on it goes before what the elements around it imply."""
    top = parents[0].fact if parents else None
    if form == PROMOTABLE:
        return True
    if top is None:
        return form == CLONE and _is(meta, "promotable")
    if top.form not in (CLONE, PROMOTABLE, BUNDLE):
        return False
    if top.container is not None and top.container.promoted_max and "promotable" not in own:
        return True
    implied = "promotable" not in meta and any(parent.master for parent in parents)
    return implied or _is(meta, "promotable")


def _inherited(own: dict[str, Text], above: list[dict[str, Text]]) -> dict[str, Text]:
    found = dict(own)
    for each in reversed(above):
        for name, value in each.items():
            found.setdefault(name, value)
    return found


def _is(attributes: dict[str, Text], name: str) -> bool:
    return name in attributes and boolean(attributes[name].value) is True


def _managed(meta: dict[str, Text]) -> bool:
    """Whether `is-managed` leaves the resource to the cluster; any word but the ones for true takes it away."""
    value = meta.get("is-managed")
    return value is None or value.value.lower() == "default" or boolean(value.value) is True


def _agent(element: Element) -> str | None:
    parts = [element.get("class"), element.get("provider"), element.get("type")]
    return ":".join(part for part in parts if part) or None


def _number(text: str | None, default: int) -> int:
    digits = (text or "").strip()
    return int(digits[:9]) if digits.isdecimal() else default


def _copies(text: str) -> int:
    """Return `clone-max` as Pacemaker reads it: the whole number that it begins with, no copies for anything else."""
    match = re.match(r"[ \t\n\v\f\r]*\+?(\d{1,9})", text, re.ASCII)
    return int(match.group(1)) if match else 0


def _instances(form: str, meta: dict[str, Text], container: Container | None) -> int | None:
    if container is not None:
        return container.replicas
    if form not in (CLONE, PROMOTABLE):
        return 1
    most = meta.get("clone-max")
    return _copies(most.value) if most is not None else None


def _container(element: Element) -> Container | None:
    inner = next(element.all(*ENGINES), None)
    if inner is None:
        return None
    settings = {name: text for name in inner.attributes if (text := inner.text(name)) is not None}
    promoted = _number(inner.get("promoted-max") or inner.get("masters"), 0)
    network = element.first("network")
    return Container(
        engine=inner.tag,
        span=inner.span(),
        image=settings.get("image"),
        replicas=_number(inner.get("replicas"), 0) or promoted or 1,
        promoted_max=promoted,
        settings=settings,
        network={n: text for n in network.attributes if (text := network.text(n)) is not None} if network is not None else {},
    )


def _operations(section: Section, parts: list[Element]) -> Iterator[Operation]:
    """Yield a resource's own operations, then those of its template that it does not replace (same name and role)."""
    blocks = []
    for part in reversed(parts):
        block = part.first("operations")
        target = section.reader.target(block) if block is not None else None
        blocks.append([] if target is None else list(target.all("op")))
    own = {_operation_key(op) for op in blocks[0]}
    for op in blocks[0] + [op for block in blocks[1:] for op in block if _operation_key(op) not in own]:
        name, interval = op.get("name") or "", op.get("interval") or "0"
        context = Context(section.reader.now, operation=(name, interval))
        settings = {key: text for key in op.attributes if key not in ("id", "name", "role") and (text := op.text(key)) is not None}
        for tag in (META, INSTANCE):
            section.reader.fill(settings, [op], tag, context)
        section.reader.fill(settings, section.operation_defaults, META, context)
        yield Operation(name, op.span("id", "name"), interval, bool(milliseconds(interval)), op.get("role"), settings)


def _operation_key(op: Element) -> tuple[str | None, str | None]:
    role = (op.get("role") or "").lower() or None
    return op.get("name"), None if role in _UNPROMOTED else role


def _service(catalogue: Catalogue, fact: Resource, below: list[Resource]) -> Service | None:
    """The service that a resource runs: by its agent, its container's image, at last its id; a clone's is its child's."""
    inner = [r for r in below if r.form == PRIMITIVE]
    if fact.form == BUNDLE:
        image = fact.container.image if fact.container is not None else None
        agent = inner[0].agent if inner else None
        known = catalogue.of_resource(agent, fact.name, fact.form, image.value if image is not None else None)
        return known or (_of_image(catalogue, image.value) if image is not None and agent is None else None)
    if fact.form in (CLONE, PROMOTABLE, GROUP):
        services = {r.service.name: r.service for r in inner if r.service is not None}
        return next(iter(services.values())) if len(services) == 1 and len(inner) == 1 else None
    return catalogue.of_resource(fact.agent, fact.name, fact.form)


def _of_image(catalogue: Catalogue, image: str) -> Service | None:
    """The service that an image is named after: its base name is that of a unit or of a container (`centos-binary-nova-api:tag`)."""
    name = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    parts = name.split("-")
    for start in range(min(len(parts), 4)):
        base = "-".join(parts[start:])
        found = catalogue.of_container(base.replace("-", "_")) or catalogue.of_unit(base)
        if found is not None:
            return found
    return None
