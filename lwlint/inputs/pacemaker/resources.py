"""The configured resources of a CIB: templates, parents and defaults applied, as the scheduler unpacks them.

After lib/pengine/complex.c, clone.c and bundle.c of Pacemaker 2.1.5.
"""

from __future__ import annotations

import re
from calendar import isleap, monthrange
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta, timezone

from msgspec import Struct, field
from msgspec.structs import replace

from lwlint.core.catalogue import CONTAINER_AGENTS, Catalogue
from lwlint.core.facts import Service
from lwlint.core.source import Source, Text
from lwlint.inputs.pacemaker.facts import BUNDLE, CLONE, GROUP, PRIMITIVE, PROMOTABLE, Container, Operation, Resource, boolean, score
from lwlint.inputs.pacemaker.xml import Element

META, INSTANCE, PROPERTIES, UTILIZATION = "meta_attributes", "instance_attributes", "cluster_property_set", "utilization"
# A CIB that does not tell its own time is judged as of this day, so that the same input gives the same answer.
TODAY = datetime(2026, 1, 1, tzinfo=timezone.utc)
# as sscanf takes it: what stands behind it does not count, nor a fraction of a second; `2026-12` is the twelfth day of the year
_DATE = re.compile(
    r"\s*(?P<year>\d{4})(?:-(?P<month>\d{1,2})-(?P<day>\d{1,2})|(?P<month_>\d\d)(?P<day_>\d{1,2})|-W(?P<week>\d{1,2})-(?P<weekday>\d)"
    r"|-(?P<ordinal>\d{1,3}))(?![\d-]|[T ]\s*[^\s\d])"
    r"(?:[T ]\s*(?P<hour>\d{1,2})(?::?(?P<minute>\d{1,2})(?::?(?P<second>\d{1,2})(?:\.\d*)?)?)?\s*(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_EPOCH = re.compile(r"epoch(?![^/\s])", re.IGNORECASE)
_RULE_DEPTH = 32  # a rule may refer to one that it lies in
# the first that a unit begins with counts, in microseconds; a number without one is seconds
_UNITS_OF_INTERVALS = (("ms", 1000), ("us", 1), ("s", 10**6), ("m", 60 * 10**6), ("h", 3600 * 10**6))
_BLANKS = " \t\n\v\f\r"
_DURATION = re.compile(
    r"P(?:(?P<years>\d{1,9})Y)?(?:(?P<months>\d{1,9})M)?(?:(?P<weeks>\d{1,9})W)?(?:(?P<days>\d{1,9})D)?"
    r"(?:T(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9})S)?)?\s*$",
    re.ASCII,
)
_UNITS = {"weeks": 7 * 86400, "days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}


MOST_APPLIED = 500_000  # attributes, rules and members that the parts of one CIB are made of; with all that is shared counted each time


class TooMuch(Exception):
    """What the parts of a CIB share (sets, defaults, templates, tags, patterns) is more than `MOST_APPLIED`, counted each time."""

    def __str__(self) -> str:
        return f"what its parts share (sets, defaults, rules, tags, patterns) comes to more than {MOST_APPLIED:,} in all: it is not judged"


class Context(Struct, frozen=True):
    """What a rule is judged by: the time, and the agent or the operation that it is asked for."""

    now: datetime = TODAY
    agent: tuple[str | None, str | None, str | None] | None = None
    operation: tuple[str, str] | None = None


class Reader(Struct):
    """Reads the attribute sets of one CIB. `ids` finds the target of an `id-ref`."""

    root: Element
    now: datetime = TODAY
    _ids: dict[tuple[str, str], Element] = field(default_factory=dict)
    _held: dict[tuple[int, int, Context], bool] = field(default_factory=dict)  # of rules that are referred to, by their depth
    _applied: int = 0

    def count(self, more: int) -> None:
        """Count what a part of the CIB is made of. Raises TooMuch beyond the bound."""
        self._applied += more
        if self._applied > MOST_APPLIED:
            raise TooMuch

    def target(self, element: Element) -> Element | None:
        """Return the element that `element` refers to by `id-ref`, itself if it refers to none, None if there is no such element."""
        reference = element.get("id-ref")
        if reference is None:
            return element
        if not self._ids:
            for each in self.root.walk():
                if "id" in each.attributes:
                    self._ids.setdefault((each.tag, each.attributes["id"]), each)
        return self._ids.get((element.tag, reference))

    def fill(self, found: dict[str, Text], parents: Iterable[Element], tag: str, context: Context, first: str = "") -> dict[str, Text]:
        """Add to `found` what the sets `tag` of `parents` (parts of one element) give; a value that is there stays.

        Sets go by score; of equal ones the last in the file comes first, and the set with the id `first` before all.
        """
        sets = []
        for parent in parents:
            for each in parent.all(tag):
                target = self.target(each)
                if target is not None:
                    sets.append(target)
        self.count(len(sets))
        sets.reverse()
        sets.sort(key=lambda each: (each.get("id") != first, -score(each.get("score"))))
        for each in sets:
            if self.in_force(each, context):
                self._fill_from(found, each)
        return found

    def _fill_from(self, found: dict[str, Text], block: Element) -> None:
        inner = block.first("attributes")  # schema 0.6, still read
        for pair in (inner or block).all("nvpair"):
            self.count(1)
            target = self.target(pair)
            name = pair.get("name") or (target.get("name") if target else None)
            value = pair.text("value") or (target.text("value") if target else None)
            if name is None or value is None:
                continue
            if value.value.lower() == "#default":
                found.pop(name, None)
            else:
                found.setdefault(name, value)

    def in_force(self, block: Element, context: Context) -> bool:
        """Return whether one of the rules of `block` holds, or there is none."""
        rules = list(block.all("rule"))
        return not rules or any(self.holds(rule, context) for rule in rules)

    def holds(self, rule: Element, context: Context, depth: int = 0) -> bool:
        """Return whether `rule` holds wherever the resource may run; what hangs on a node, a role or the hour does not."""
        target = self.target(rule)
        if target is None or depth > _RULE_DEPTH:
            return False
        key = (id(target), depth, context)
        if key not in self._held:
            answers = [self._expression_holds(each, context, depth + 1) for each in target.children]
            self._held[key] = any(answers) if (target.get("boolean-op") or "").lower() == "or" else all(answers)
        return self._held[key]

    def _expression_holds(self, expression: Element, context: Context, depth: int) -> bool:
        if expression.tag == "rule":
            return self.holds(expression, context, depth)
        if expression.tag == "date_expression":
            return date_holds(expression, context.now)
        if expression.tag == "rsc_expression" and context.agent is not None:
            wanted = [expression.get(name) for name in ("class", "provider", "type")]
            return all(want is None or want == have for want, have in zip(wanted, context.agent))
        if expression.tag == "op_expression" and context.operation is not None:
            name, interval = context.operation
            asked = expression.get("interval")
            return expression.get("name") == name and (asked is None or milliseconds(asked) == milliseconds(interval))
        return False


def milliseconds(interval: str | None) -> int | None:
    """Return an interval (`10`, `10s`, `200ms`, `2 min`, `PT1M30S`) in milliseconds; None for none and for what is no interval.

    After `crm_parse_interval_spec`: of a word after the number only the beginning counts (`10 seconds`, `1hr`), a fraction is cut off.
    """
    text = interval or ""
    if text.startswith("P"):
        return _duration(text)
    told = text.lstrip(_BLANKS)
    word = told.lstrip("0123456789.").lstrip(_BLANKS).lower()
    whole = told[: len(told) - len(told.lstrip("0123456789"))]
    unit = next((micro for start, micro in _UNITS_OF_INTERVALS if word.startswith(start)), None if word else 10**6)
    return None if unit is None else int(whole[:18] or "0") * unit // 1000


def _duration(text: str) -> int | None:
    """Return an ISO 8601 duration in milliseconds; of whole days and years Pacemaker leaves out the first."""
    match = _DURATION.match(text)
    if match is None:
        return None
    part = {name: int(number or "0") for name, number in match.groupdict().items()}
    days = part["days"] + 7 * part["weeks"] - 1
    total = sum(366 if isleap(year) else 365 for year in range(1, min(part["years"], 200))) + 30 * part["months"] + max(days, 0)
    return 1000 * (total * 86400 + part["hours"] * 3600 + part["minutes"] * 60 + part["seconds"])


def moment(value: str | None) -> datetime | None:
    """Return an ISO 8601 date as Pacemaker reads it; None for none, and for what is no date. Without a zone it is UTC."""
    if value is not None and _EPOCH.match(value):
        return datetime(1970, 1, 1, tzinfo=timezone.utc)
    match = _DATE.match(value or "")
    if match is None:
        return None
    part = {name.rstrip("_"): int(text) for name, text in match.groupdict().items() if text is not None and name != "zone"}
    if part.get("hour") == 24 and part.get("minute", 0) == part.get("second", 0) == 0:
        part["hour"], part["days"] = 0, 1
    try:
        if "week" in part:
            day = datetime.fromisocalendar(part["year"], part["week"], part["weekday"])
        elif "ordinal" in part:
            day = datetime(part["year"], 1, 1) + timedelta(days=part["ordinal"] - 1)
            if day.year != part["year"]:
                return None
        elif part["day"] or part["month"] > 1:
            day = datetime(part["year"], part["month"], part["day"] or 1) - timedelta(days=not part["day"])  # day 0 is the one before
        else:
            return None
        day = day.replace(hour=part.get("hour", 0), minute=part.get("minute", 0), second=part.get("second", 0))
        day += timedelta(days=part.get("days", 0))
    except (ValueError, OverflowError):
        return None
    zone = match.group("zone") or "Z"
    minutes = zone[3:].lstrip(":") or "0"
    offset = timedelta() if zone == "Z" else timedelta(hours=int(zone[1:3]), minutes=int(minutes)) * (-1 if zone[0] == "-" else 1)
    return day.replace(tzinfo=timezone(offset)) if abs(offset) < timedelta(days=1) else None


def date_holds(expression: Element, now: datetime) -> bool:
    """Return whether a `date_expression` holds at the moment `now`; one that holds at some hours only (`date_spec`) does not."""
    operation = (expression.get("operation") or "in_range").lower()
    start, end = moment(expression.get("start")), moment(expression.get("end"))
    duration = expression.first("duration")
    if start is not None and end is None and duration is not None:
        end = _after(start, duration)
    if operation == "in_range":
        return (start or end) is not None and (start is None or now >= start) and (end is None or now <= end)
    if operation == "gt":
        return start is not None and now > start
    if operation == "lt":
        return end is not None and now < end
    return False  # date_spec: only at some hours


def _after(start: datetime, duration: Element) -> datetime | None:
    def number(name: str) -> int:
        text = duration.get(name) or "0"
        return int(text) if re.fullmatch(r"\d{1,6}", text) else 0

    months = start.year * 12 + start.month - 1 + number("months") + 12 * number("years")
    try:
        year, month = months // 12, months % 12 + 1
        moved = start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1]))
        return moved + timedelta(seconds=sum(number(name) * unit for name, unit in _UNITS.items()))
    except (ValueError, OverflowError):
        return None


FORMS = {"primitive": PRIMITIVE, "group": GROUP, "clone": CLONE, "master": PROMOTABLE, "bundle": BUNDLE}
ENGINES = ("docker", "podman", "rkt")
_UNPROMOTED = (None, "started", "slave", "unpromoted")


class Section(Struct):
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


class _Seen(Struct):
    """A resource with what its children inherit: its meta attributes by origin, and all its attributes.

    `ruled` are its elements where some of their meta attributes hang on a rule, which may hold for a child and not for itself.
    """

    fact: Resource
    own_meta: dict[str, Text]
    own_attributes: dict[str, Text]
    master: bool
    ruled: list[Element] = field(default_factory=list)


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
    instances = 0 if _has_no_room(seen.fact, below) else seen.fact.instances
    yield replace(seen.fact, children=children, service=service, instances=instances)
    yield from below


def _unpack(section: Section, element: Element, name: Text, parents: tuple[_Seen, ...]) -> _Seen:
    wanted = element.text("template")
    template = section.templates.get(wanted.value) if wanted is not None and wanted.value != name.value else None
    parts = [element] if template is None else [template, element]
    head = parts[0] if wanted is None or template is not None else None
    context = Context(section.reader.now, (head.get("class"), head.get("provider"), head.get("type")) if head else None)
    own_meta = section.reader.fill({}, parts, META, context)
    section.reader.count(sum(len(each.own_meta) + len(each.own_attributes) + 1 for each in parents))
    above = [section.reader.fill({}, p.ruled, META, context) if p.ruled else p.own_meta for p in parents]  # rules are asked of the child
    meta = _inherit(own_meta, above)
    section.reader.fill(meta, section.defaults, META, context)
    meta = {**section.old_defaults, **meta}
    whoever = Context(section.reader.now)  # of parameters no rule on agents holds
    own_attributes = section.reader.fill({}, parts, INSTANCE, whoever)
    attributes = _inherit(own_attributes, [p.own_attributes for p in parents])
    section.reader.fill(attributes, section.defaults, INSTANCE, whoever)
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
        operations=tuple(_operations(section, parts, context)) if form == PRIMITIVE else (),
        container=container,
        instances=_instances(form, meta, container),
        managed=_is_managed(meta) and not maintenance,
        maintenance=maintenance,
        promotable=promotable,
        utilization=section.reader.fill({}, parts, UTILIZATION, whoever),
    )
    targets = (section.reader.target(each) for part in parts for each in part.all(META))
    ruled = any(each is not None and each.first("rule") is not None for each in targets)
    return _Seen(fact, own_meta, own_attributes, element.tag == "master", parts if ruled else [])


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


def _inherit(own: dict[str, Text], above: list[dict[str, Text]]) -> dict[str, Text]:
    found = dict(own)
    for each in reversed(above):
        for name, value in each.items():
            found.setdefault(name, value)
    return found


def _is(attributes: Mapping[str, Text], name: str) -> bool:
    return name in attributes and boolean(attributes[name].value) is True


def _is_managed(meta: dict[str, Text]) -> bool:
    """Whether `is-managed` leaves the resource to the cluster; any word but the ones for true takes it away."""
    value = meta.get("is-managed")
    return value is None or value.value.lower() == "default" or boolean(value.value) is True


def _agent(element: Element) -> str | None:
    parts = [element.get("class"), element.get("provider"), element.get("type")]
    return ":".join(part for part in parts if part) or None


def _number(text: str | None, default: int) -> int:
    digits = (text or "").strip()
    return int(digits[:9]) if digits.isdecimal() else default


def copies(text: str) -> int:
    """Return `clone-max` as Pacemaker reads it: the whole number that it begins with, no copies for anything else."""
    match = re.match(r"[ \t\n\v\f\r]*\+?(\d{1,9})", text, re.ASCII)
    return int(match.group(1)) if match else 0


def _instances(form: str, meta: dict[str, Text], container: Container | None) -> int | None:
    if container is not None:
        return container.replicas
    if form not in (CLONE, PROMOTABLE):
        return 1
    most = meta.get("clone-max")
    return copies(most.value) if most is not None else None


def _has_no_room(clone: Resource, below: list[Resource]) -> bool:
    """Whether no node takes a copy (`clone-node-max` is 0, or junk); what can only be anonymous and is to be unique gets one for each."""
    most = clone.meta.get("clone-node-max") if clone.form in (CLONE, PROMOTABLE) else None
    if most is None or copies(most.value):
        return False
    return not (_is(clone.meta, "globally-unique") and any(not (each.agent or "ocf:").startswith("ocf:") for each in below))


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


def _operations(section: Section, parts: list[Element], of: Context) -> Iterator[Operation]:
    """Yield a resource's own operations, then those of its template that it does not replace (same name and role)."""
    blocks = []
    for part in reversed(parts):
        block = part.first("operations")
        target = section.reader.target(block) if block is not None else None
        holder = part.get("id") or "" if target is block else ""
        blocks.append([] if target is None else [(op, holder) for op in target.all("op")])
    section.reader.count(sum(map(len, blocks)))
    own = {_operation_key(op) for op, _ in blocks[0]}
    for op, holder in blocks[0] + [each for block in blocks[1:] for each in block if _operation_key(each[0]) not in own]:
        name, interval = op.get("name") or "", op.get("interval") or "0"
        context = replace(of, operation=(name, interval))
        settings = {key: text for key in op.attributes if key not in ("id", "name", "role") and (text := op.text(key)) is not None}
        for tag in (META, INSTANCE):
            section.reader.fill(settings, [op], tag, context)
        section.reader.fill(settings, section.operation_defaults, META, context)
        if op.get("enabled") is None:
            settings.pop("enabled", None)  # the scheduler looks for it on the operation itself only
        recurs = bool(milliseconds(interval))
        yield Operation(name, op.span("id", "name"), interval, recurs, op.get("role"), settings, op.get("id") or "", holder)


def _operation_key(op: Element) -> tuple[str | None, str | None]:
    role = (op.get("role") or "").lower() or None
    return op.get("name"), None if role in _UNPROMOTED else role


def _service(catalogue: Catalogue, fact: Resource, below: list[Resource]) -> Service | None:
    """The service that a resource runs: by its agent, its container's image, at last its id; a clone's is its child's."""
    inner = [r for r in below if r.form == PRIMITIVE]
    if fact.form == BUNDLE:
        image = fact.container.image if fact.container is not None else None
        agent = inner[0].agent if inner else None
        return catalogue.of_resource(agent, fact.name, fact.form, image.value if image is not None else None)
    if fact.form in (CLONE, PROMOTABLE, GROUP):
        services = {r.service.name: r.service for r in inner if r.service is not None}
        return next(iter(services.values())) if len(services) == 1 and len(inner) == 1 else None
    image = fact.attributes.get("image") if fact.agent in CONTAINER_AGENTS else None
    return catalogue.of_resource(fact.agent, fact.name, fact.form, image.value if image is not None else None)
