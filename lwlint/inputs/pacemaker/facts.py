"""Facts about a Pacemaker cluster, as its CIB configures it, and how Pacemaker reads scores and booleans.

Every fact's `span` lies in the CIB that it is from; `span.path` tells the facts of one CIB from another's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, ClassVar, NamedTuple, Union

from msgspec import Struct, field

from lwlint.core.catalogue import UNIT_CLASSES
from lwlint.core.facts import OneOf, Service
from lwlint.core.lazy import Refused, compile_linear, pattern
from lwlint.core.source import Span, Text


class RunsElsewhere(Struct, frozen=True):
    """Another cluster of the audit, by its name or its first node, and the services that it runs, by their names in the catalogue."""

    kind: ClassVar[str] = "runs_elsewhere"
    name: str
    span: Span
    services: frozenset[str]
    host: str = ""


INFINITY = 1_000_000
BOOTSTRAP = "cib-bootstrap-options"  # this set of cluster properties goes before all others
OLD_DEFAULTS = ("is-managed-default", "is_managed_default")  # properties of Pacemaker 1.x, the first of them first
PRIMITIVE, GROUP, CLONE, PROMOTABLE, BUNDLE = "primitive", "group", "clone", "promotable", "bundle"
ORDER, COLOCATION, LOCATION, TICKET = "order", "colocation", "location", "ticket"
# what an output that stands in for a CIB may leave out
NODE_ATTRIBUTES, BUNDLE_META, TEMPLATES = "node attributes", "meta attributes of bundles", "what a template sets"
RULED_DEFAULTS, SET_ORDER = "when a default with a rule holds", "the order in resource sets"
MORE_SETS, LOCATION_SETS = "a resource's second set of attributes", "resource sets of location constraints"
SETTINGS, CONSTRAINTS, OPERATIONS = "settings of resources", "constraints", "operations"
_TRUE = frozenset(("true", "on", "yes", "y", "1"))
_FALSE = frozenset(("false", "off", "no", "n", "0"))
_NUMBER = pattern(r"[ \t\n\v\f\r]*([+-]?[0-9]+)")


_VERSION = pattern(r"\d{1,4}\.\d{1,4}(?:\.\d{1,4})?")
# the first set of features of each version (CRM_FEATURE_SET of its sources)
_FEATURES = (((3, 0), (1, 1)), ((3, 1), (2, 0)), ((3, 10), (2, 1)), ((3, 20), (3, 0)))


def boolean(value: str | None) -> bool | None:
    """Return `value` as Pacemaker reads a boolean (in any case), None for what is none (crm_str_to_boolean)."""
    word = value.lower() if value is not None else ""
    return True if word in _TRUE else False if word in _FALSE else None


def score(value: str | None) -> int:
    """Return `value` as Pacemaker reads a score, between -INFINITY and INFINITY; 0 for none and for junk (char2score)."""
    if value in ("INFINITY", "+INFINITY"):
        return INFINITY
    if value == "-INFINITY":
        return -INFINITY
    match = _NUMBER.match(value or "")
    return max(-INFINITY, min(INFINITY, int(match.group(1)[:30]))) if match else 0


# of what `rsc-pattern` may hold: what means the same in the extended expressions of POSIX
_ATOM = r"(?:[\w:@.)-]|\\[.^$|()*+?{}\[\]\\]|\[\^?[A-Za-z0-9_.@-]+\])"
_SAME = pattern(rf"!?(?:[(|^$]|{_ATOM}(?:[*+?]|\{{\d{{1,3}}(?:,\d{{0,3}})?\}})?(?![*+?{{]))+")
_LONGEST = 200  # characters of a pattern


def resource_pattern(written: str) -> Callable[[str], bool] | None:
    """Return what tells of an id whether an `rsc-pattern` finds it; None for a pattern that may mean something else to Pacemaker."""
    if len(written) > _LONGEST or not _SAME.fullmatch(written):
        return None
    try:
        found = compile_linear(written.removeprefix("!"))
    except Refused:
        return None
    wanted = not written.startswith("!")
    return lambda name: (found.search(name[:_LONGEST]) is not None) is wanted


class Cluster(Struct, frozen=True):
    """One CIB as a whole. `name` is the cluster's name, empty if it has none; `resources` is the place of that section.

    `weaker` names the output that stands in for the CIB (`pcs config`), empty where it is the CIB itself; `untold` is what that cannot say.
    """

    kind: ClassVar[str] = "cluster"
    name: str
    span: Span
    host: str = ""
    resources: Union[Span, None] = None
    schema: str | None = None
    feature_set: str | None = None
    dc_version: str | None = None
    dc_uuid: str | None = None
    epoch: str | None = None
    admin_epoch: str | None = None
    num_updates: str | None = None
    last_written: str | None = None
    weaker: str = ""
    untold: frozenset[str] = frozenset()

    @property
    def pacemaker(self) -> tuple[int, ...]:
        """The version of Pacemaker that the cluster runs, as far as it tells: by the node that leads it, else by the set of features.

        Empty where neither tells it. A schema says nothing: a cluster keeps the one that it has when it is updated.
        """
        told = _VERSION.match(self.dc_version or "")
        if told is not None:
            return tuple(int(number) for number in told.group().split("."))
        features = _VERSION.match(self.feature_set or "")
        if features is None:
            return ()
        of = tuple(int(number) for number in features.group().split("."))
        return next((version for first, version in reversed(_FEATURES) if of >= first), ())


def revision(cluster: Cluster) -> tuple[int, int]:
    """Return by what Pacemaker tells of two configurations which is the newer one: the administrator's epoch, then the epoch."""
    return _count(cluster.admin_epoch), _count(cluster.epoch)


def _count(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 20 else 0


class ClusterProperty(Struct, frozen=True):
    """One cluster property in force (`stonith-enabled`); `span` is its value's."""

    kind: ClassVar[str] = "cluster_property"
    name: str
    span: Span
    value: str
    host: str = ""


class ResourceDefault(Struct, frozen=True):
    """One default of all resources, or of all operations (`scope` "resource" or "operation"), that no rule limits."""

    kind: ClassVar[str] = "resource_default"
    name: str
    span: Span
    value: str
    scope: str = "resource"
    host: str = ""


class Attribute(NamedTuple):
    """What a set gives to one attribute: its name, its value, and the id of the `nvpair`, empty where the evidence does not tell it."""

    name: str
    value: Text
    id: str


class AttributeSet(Struct, frozen=True):
    """One set of attributes as it is written, whether it is in force or not. `name` is its id, empty where the evidence does not tell it.

    `holder` is the id of what it is on (a resource, a template, an operation, a node), or the section (`crm_config`, `rsc_defaults`,
    `op_defaults`); `place` counts the sets of a holder from 0. One that `refers` to another set has that one's id, and no attributes.
    `ruled` tells that a rule limits it; `shared` are the ids of what it takes over from other sets, one by one.
    """

    kind: ClassVar[str] = "attribute_set"
    name: str
    span: Span
    holder: str
    place: int
    host: str = ""
    score: str | None = None
    ruled: bool = False
    refers: bool = False
    attributes: tuple[Attribute, ...] = ()
    shared: tuple[str, ...] = ()


class Node(Struct, frozen=True):
    """A node of the cluster, by the name that constraints use, with its permanent attributes.

    `transient` are those in the status of a CIB, which last until the node leaves the cluster and go before the permanent ones; None
    where the status tells of none. `standby` and `maintenance` are by both. `utilization` is the room that the node has, by what it is of.
    """

    kind: ClassVar[str] = "node"
    name: str
    span: Span
    host: str = ""
    id: str = ""
    type: str = "member"
    attributes: Mapping[str, Text] = field(default_factory=dict)
    standby: bool = False
    maintenance: bool = False
    transient: Union[Mapping[str, Text], None] = None
    utilization: Mapping[str, Text] = field(default_factory=dict)

    def attribute(self, name: str) -> Text | None:
        """Return the value that the scheduler goes by: the transient one, else the permanent one; None for neither."""
        own = self.transient.get(name) if self.transient is not None else None
        return own if own is not None else self.attributes.get(name)


class Operation(Struct, frozen=True):
    """An operation of a resource with what is set on it, the defaults of operations included.

    `recurring` tells that it is repeated at `interval`; one without an interval only says how to start, stop and so on. `id` is its own,
    empty where the evidence does not tell it; `holder` is the resource or the template among whose operations it is written, empty where
    these refer to somebody else's.
    """

    name: str
    span: Span
    interval: str
    recurring: bool = False
    role: str | None = None
    settings: Mapping[str, Text] = field(default_factory=dict)
    id: str = ""
    holder: str = ""

    @property
    def enabled(self) -> bool:
        """Whether it is run: the scheduler passes over one whose `enabled` is false, and takes junk for true."""
        value = self.settings.get("enabled")
        return value is None or boolean(value.value) is not False

    @property
    def watches(self) -> bool:
        """Whether it looks again and again for failures of the resource, in whatever role that is."""
        return self.name == "monitor" and self.recurring and self.enabled


class Container(Struct, frozen=True):
    """What a bundle runs: `engine` is docker, podman or rkt."""

    engine: str
    span: Span
    image: Text | None
    replicas: int
    promoted_max: int
    settings: Mapping[str, Text] = field(default_factory=dict)
    network: Mapping[str, Text] = field(default_factory=dict)


class Resource(Struct, frozen=True):
    """A configured resource. `span` is its id's.

    `agent` is `class:provider:type` or `class:type`, with the template's where it has one; `form` is
    primitive, group, clone, promotable or bundle. `meta` and `attributes` are the effective ones: of the
    resource, its template, its parents and the defaults. `top` is the outermost resource around it, or itself.
    `instances` is how many copies may run, None for one on every node. `utilization` is the room that it takes of a node.
    """

    kind: ClassVar[str] = "resource"
    name: str
    span: Span
    agent: str | None
    form: Annotated[str, OneOf("primitive", "group", "clone", "promotable", "bundle")]
    host: str = ""
    parent: str | None = None
    top: str = ""
    children: tuple[str, ...] = ()
    template: Text | None = None
    template_missing: bool = False
    meta: Mapping[str, Text] = field(default_factory=dict)
    attributes: Mapping[str, Text] = field(default_factory=dict)
    operations: tuple[Operation, ...] = ()
    container: Container | None = None
    instances: int | None = 1
    managed: bool = True
    maintenance: bool = False
    promotable: bool = False
    service: Service | None = None
    utilization: Mapping[str, Text] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """Return the unit that it starts, without `.service`, whichever class names it; empty where its agent starts none."""
        kind, _, name = (self.agent or "").partition(":")
        return name.removesuffix(".service") if kind in UNIT_CLASSES else ""


def brought(resources: Iterable[Resource]) -> Iterator[Node]:
    """Yield the nodes that resources bring in, remote ones and then guests, each once, as if the CIB did not list them."""
    names = set()
    guests = []
    for leaf in resources:
        guest = leaf.meta.get("remote-node") if leaf.form == PRIMITIVE else None
        if leaf.agent == "ocf:pacemaker:remote":
            names.add(leaf.name)
            yield Node(leaf.name, leaf.span, leaf.host, leaf.name, "remote")
        if guest is not None:
            guests.append((guest.value, leaf))
    for name, leaf in guests:
        if name not in names:
            names.add(name)
            yield Node(name, leaf.span, leaf.host, name, "guest")


class Member(Struct, frozen=True):
    """A name in a constraint, as written, and the ids of the resources that it stands for (a tag's, a template's).

    `resources` is empty if there is no such resource. `set` counts the constraint's resource sets from 0; -1 if
    the member stands in none. `sequential` tells that the set's members are bound to each other in turn. `score` is that of a set of a
    location constraint, which goes before the constraint's own.
    """

    name: str
    span: Span
    position: str = ""
    role: str | None = None
    action: str | None = None
    instance: str | None = None
    set: int = -1
    sequential: bool = True
    require_all: bool = True
    resources: tuple[str, ...] = ()
    hidden: bool = False
    score: str | None = None


class Expression(Struct, frozen=True):
    """One expression of a rule: on a node attribute, a date, an operation or a resource.

    `holds` is what a date comes to at the time by which the CIB is judged; None for what depends on a node or the hour. `operation` is
    None, too, where the text in `value` is not what is compared: a parameter's name (`value-source`), a number or a version (`type`).
    """

    type: str
    span: Span
    attribute: str | None = None
    operation: str | None = None
    value: str | None = None
    holds: bool | None = None


class Rule(Struct, frozen=True):
    """A location rule. `score` is as written, or the name of the node attribute that holds it."""

    name: str
    span: Span
    score: str | None = None
    score_attribute: str | None = None
    role: str | None = None
    boolean_op: str = "and"
    expressions: tuple[Union[Expression, Rule], ...] = ()


class Pair(Struct, frozen=True):
    """Two resources that a colocation binds, as the scheduler takes it apart: `first` runs where `second` runs."""

    first: str
    second: str
    score: int = 0
    first_role: str | None = None
    second_role: str | None = None


class Constraint(Struct, frozen=True):
    """A constraint; `span` is its id's. `type` is order, colocation, location or ticket.

    `ordering` is the `kind` of an order (Mandatory, Optional, Serialize), from its score if it has no kind; one that
    serializes is never symmetrical.
    `active` is False when its lifetime is over or not yet come. `pairs` is what the scheduler makes of a colocation.
    """

    kind: ClassVar[str] = "constraint"
    name: str
    span: Span
    type: str
    host: str = ""
    members: tuple[Member, ...] = ()
    score: str | None = None
    score_span: Span | None = None
    ordering: str | None = None
    symmetrical: bool = True
    node_attribute: str | None = None
    node: Text | None = None
    pattern: Text | None = None
    resource_discovery: str | None = None
    ticket: str | None = None
    rules: tuple[Rule, ...] = ()
    active: bool = True
    pairs: tuple[Pair, ...] = ()

    def score_of(self, member: Member) -> str | None:
        """Return the score, as written, that a location constraint has for one of its members: that of its set goes before its own."""
        return member.score if member.score is not None else self.score


class FencingLevel(Struct, frozen=True):
    """One level of the fencing topology of `target` (a node's name, pattern or attribute)."""

    kind: ClassVar[str] = "fencing_level"
    name: str
    span: Span
    target: str
    index: int
    devices: tuple[Text, ...]
    host: str = ""


class Tag(Struct, frozen=True):
    """A name for several objects, which a constraint may use."""

    kind: ClassVar[str] = "tag"
    name: str
    span: Span
    members: tuple[Text, ...]
    host: str = ""


class ClusterStatus(Struct, frozen=True):
    """One status of a whole cluster. `name` is what showed it (`pcs status`, `crm_mon`, `CIB`); `span` its beginning."""

    kind: ClassVar[str] = "cluster_status"
    name: str
    span: Span
    host: str = ""


class Health(Struct, frozen=True):
    """What a status says of the cluster as a whole; None where it does not say it.

    `quorum` tells that the partition has it, `offline` are the nodes that are not online, `failed` is the number of failed actions listed.
    """

    quorum: bool | None = None
    offline: tuple[str, ...] = ()
    failed: int | None = None


class ResourceStatus(Struct, frozen=True):
    """Where instances of one resource are. `name` is the resource's id without the number of the instance; of a bundle's, the bundle's.

    `top` is the outermost resource around it, or itself. `role` is Started, Promoted, Unpromoted, Stopped or what the cluster is doing
    (Starting, ...); `nodes` are those where it is, none where it is stopped. `failed` tells that the cluster shows it as failed there, be
    it that it ignores the failure, `unclean` that a node is lost, so that nobody knows whether it still runs there.
    """

    kind: ClassVar[str] = "resource_status"
    name: str
    span: Span
    top: str
    role: str
    nodes: tuple[Text, ...] = ()
    agent: str | None = None
    failed: bool = False
    host: str = ""
    service: Service | None = None
    unclean: bool = False

    @property
    def runs(self) -> bool:
        """Whether it runs where it is, as far as the cluster knows."""
        return self.role in ("Started", "Promoted", "Unpromoted") and not self.failed and not self.unclean

    @property
    def settled(self) -> bool:
        """Whether the cluster is not about to change it."""
        return self.role in ("Started", "Promoted", "Unpromoted", "Stopped")


class CibFault(Struct, frozen=True):
    """What Pacemaker refuses in a CIB, or passes over. `name` is what it is about (`primitive galera in resources`)."""

    kind: ClassVar[str] = "cib_fault"
    name: str
    span: Span
    message: str
    host: str = ""


class Validation(Struct, frozen=True):
    """How a CIB was compared with the schema that it names. `name` is the source's path.

    `schema` is what stands in `validate-with`; `by` is `table` (names and required attributes) or the folder with the schemas;
    `because` says why nothing is known, empty where something is.
    """

    kind: ClassVar[str] = "validation"
    name: str
    span: Span
    schema: str | None
    by: str
    because: str = ""
    host: str = ""

    @property
    def known(self) -> bool:
        """Whether something is known of how it fits."""
        return self.because == ""
