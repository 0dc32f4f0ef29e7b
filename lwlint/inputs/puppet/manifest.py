"""One manifest, statement by statement: each declaration with the scope in which it stands.

Defined types of other modules that make one resource or constraint of the cluster are taken as what they make. Source:
`pacemaker_wrappers::service` (Fuel 6.0 to 8.0), `pacemaker::service` (Fuel 9.0 and 10.0), `pacemaker::wrapper` and
`pacemaker::new::wrapper` (the module that Fuel used last, and puppet-pacemaker from 2016 on), and Fuel's `cluster::virtual_ip`,
`cluster::corosync::cs_service` and `cluster::corosync::cs_with_service` (5.0 to 10.0).
"""

from __future__ import annotations

import re
import shlex
from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate, pairwise
from types import MappingProxyType
from typing import NamedTuple, Optional, Union

from msgspec import Struct, field
from msgspec.structs import replace

from lwlint.core.source import Source, Span
from lwlint.inputs.puppet import syntax as tree
from lwlint.inputs.puppet.facts import Setting, expression

_OPENSTACK = frozenset({
    "aodh", "barbican", "ceilometer", "cinder", "congress", "designate", "ec2api", "glance", "gnocchi", "heat", "ironic", "keystone",
    "magnum", "manila", "mistral", "murano", "nova", "octavia", "panko", "sahara", "swift", "tacker", "trove", "zaqar",
})  # fmt: skip
_ODD = MappingProxyType({
    "apache::params::service_name": "httpd",
    "apache::params::apache_name": "httpd",
    "ceilometer::params::agent_central_service_name": "openstack-ceilometer-central",
    "ceilometer::params::agent_compute_service_name": "openstack-ceilometer-compute",
    "ceilometer::params::agent_notification_service_name": "openstack-ceilometer-notification",
    "ceilometer::params::agent_polling_service_name": "openstack-ceilometer-polling",
    "haproxy::params::service_name": "haproxy",
    "horizon::params::http_service": "httpd",
    "memcached::params::service_name": "memcached",
    "mongodb::params::service_name": "mongod",
    "mysql::params::server_service_name": "mariadb",
    "neutron::params::ovs_agent_service": "neutron-openvswitch-agent",
    "neutron::params::ovs_cleanup_service": "neutron-ovs-cleanup",
    "nova::params::vncproxy_service_name": "openstack-nova-novncproxy",
    "nova::params::spicehtml5proxy_service_name": "openstack-nova-spicehtml5proxy",
    "rabbitmq::params::service_name": "rabbitmq-server",
    "redis::params::service_name": "redis",
    "swift::params::proxy_service_name": "openstack-swift-proxy",
})  # fmt: skip
_REGULAR = re.compile(r"(?P<module>\w+)::params::(?:(?P<part>\w+?)_)?service(?:_name)?")
VIRTUAL_IP = "cluster::virtual_ip"
_PRIMITIVES = MappingProxyType({  # whether the id gets `p_` in front unless the declaration says otherwise, and whose agents they run
    "pacemaker_wrappers::service": (True, "fuel"),
    "pacemaker::service": (True, "fuel"),
    "pacemaker::wrapper": (False, ""),
    "pacemaker::new::wrapper": (False, ""),
})  # fmt: skip
_CS_SERVICE, _CS_WITH_SERVICE = "cluster::corosync::cs_service", "cluster::corosync::cs_with_service"
_INNER = MappingProxyType({"ocf_script": "primitive_type", "csr_complex_type": "complex_type", "csr_ms_metadata": "complex_metadata"})


def unit_name(variable: str) -> str | None:
    """Return the unit that the variable `MODULE::params::...` of a module names; None for any other variable."""
    if variable in _ODD:
        return _ODD[variable]
    match = _REGULAR.fullmatch(variable)
    if match is None:
        return None
    module, part = match["module"], (match["part"] or "").replace("_", "-")
    if module == "neutron":
        return f"neutron-{part}" if part else None
    if module not in _OPENSTACK:
        return None
    return f"openstack-{module}-{part}" if part else f"openstack-{module}"


MOST = 64  # values and nodes that one expression may come to
DEEPEST = 16  # variables in variables
LONGEST = 1000  # characters of a string that is put together
_OF_LISTS = frozenset({"any2array", "concat", "delete_undef_values", "flatten", "union", "unique"})
_WITH_DEFAULT = frozenset({"hiera", "lookup", "hiera_array", "hiera_hash"})


class Values(NamedTuple):
    """The strings that an expression may come to; `complete` tells that there can be no other, `gaps` that of some nothing is told."""

    strings: tuple[str, ...]
    complete: bool
    gaps: bool = False

    @property
    def only(self) -> str | None:
        """The one string that it is, if that is certain."""
        return self.strings[0] if self.complete and len(self.strings) == 1 else None


UNKNOWN = Values((), False, True)


class Scope(Struct, frozen=True):
    """Variables by name, with the expressions that may be their value; those of an inner block hide outer ones."""

    assigned: Mapping[str, tuple[tree.Node, ...]] = field(default_factory=dict)
    partial: frozenset[str] = frozenset()

    def within(self, bound: Mapping[str, tuple[tree.Node, ...]], partial: Iterable[str] = ()) -> Scope:
        """Return the scope of a block in which the names of `bound` stand for other expressions, those in `partial` not only for these."""
        return Scope({**self.assigned, **bound}, (self.partial - frozenset(bound)) | frozenset(partial))


def scope_of(statements: tuple[tree.Node, ...]) -> Scope:
    """Return the variables that are assigned anywhere in `statements`, whichever branch that is in."""
    assigned: dict[str, tuple[tree.Node, ...]] = {}
    for node in tree.walk(statements):
        if isinstance(node, tree.Assignment) and isinstance(node.variable, tree.Variable):
            known = assigned.get(node.variable.name, ())
            if len(known) < MOST:
                assigned[node.variable.name] = (*known, node.value)
    return Scope(assigned)


def values(node: tree.Node, scope: Scope) -> Values:
    """Return the strings that `node` may come to in `scope`."""
    return _Values(scope, {}).of(node, 0)


class _Values(NamedTuple):
    """One question; `known` keeps the answers for variables, so that each is asked for once."""

    scope: Scope
    known: dict[str, Values]

    def of(self, node: tree.Node, depth: int) -> Values:
        if isinstance(node, (tree.Quoted, tree.Word)):
            return Values((node.value,), True)
        if depth > DEEPEST:
            return UNKNOWN
        if isinstance(node, tree.Variable):
            if node.name not in self.known:
                self.known[node.name] = UNKNOWN  # a variable that needs itself has no value
                self.known[node.name] = self.variable(node.name, depth)
            return self.known[node.name]
        if isinstance(node, tree.Joined):
            return _join([self.of(part, depth + 1) for part in node.parts])
        if isinstance(node, tree.Selector):
            return _union(self.of(value, depth + 1) for _, value in node.options)
        if isinstance(node, tree.Call):
            return self.call(node, depth)
        return UNKNOWN

    def variable(self, name: str, depth: int) -> Values:
        nodes = self.scope.assigned.get(name)
        if nodes is None:
            unit = unit_name(name)
            return UNKNOWN if unit is None else Values((unit,), True)
        found = _union(self.of(node, depth + 1) for node in nodes)
        return found._replace(complete=found.complete and bool(nodes) and name not in self.scope.partial)

    def call(self, node: tree.Call, depth: int) -> Values:
        name, arguments = node.name.value, node.arguments
        if name in _WITH_DEFAULT and len(arguments) >= 2:
            return Values(self.of(arguments[-1], depth + 1).strings, False)
        if name == "pick" and arguments:
            return Values(_union(self.of(argument, depth + 1) for argument in arguments).strings, False)
        if name in ("downcase", "upcase") and len(arguments) == 1:
            inner = self.of(arguments[0], depth + 1)
            return Values(tuple(s.lower() if name == "downcase" else s.upper() for s in inner.strings), inner.complete)
        if name == "join" and arguments:
            between = self.of(arguments[1], depth + 1) if len(arguments) > 1 else Values(("",), True)
            items = [self.of(item, depth + 1) for item in items_of(arguments[0], self.scope)]
            return _join([part for item in items for part in (between, item)][1:]) if items else UNKNOWN
        return UNKNOWN


def _union(every: Iterable[Values]) -> Values:
    strings: dict[str, None] = {}
    complete, gaps = True, False
    for one in every:
        strings.update(dict.fromkeys(one.strings))
        complete, gaps = complete and one.complete, gaps or one.gaps
    return Values(tuple(strings)[:MOST], complete and len(strings) <= MOST, gaps)


def _join(parts: list[Values]) -> Values:
    strings = [""]
    for part in parts:
        strings = [before + after for before in strings for after in part.strings if len(before) + len(after) <= LONGEST][:MOST]
    complete = all(part.complete for part in parts) and 0 < len(strings) < MOST
    return Values(tuple(dict.fromkeys(strings)), complete, any(part.gaps for part in parts))


def beginnings(node: tree.Node, scope: Scope) -> tuple[str, ...]:
    """Return how each string begins that `node` may come to; none where nothing tells that of one of them."""
    found: dict[str, None] = {}
    todo, seen = [node], set()
    while todo:
        node = todo.pop()
        if isinstance(node, tree.Joined) and node.parts:
            todo.append(node.parts[0])
        elif isinstance(node, tree.Selector):
            todo += [value for _, value in node.options]
        elif isinstance(node, tree.Variable) and node.name in scope.assigned and node.name not in scope.partial:
            if node.name not in seen:
                seen.add(node.name)
                todo += scope.assigned[node.name]
        elif isinstance(node, (tree.Quoted, tree.Word)) and node.value:
            found[node.value] = None
        else:
            return ()
    return tuple(found)


def items_of(node: tree.Node, scope: Scope) -> list[tree.Node]:
    """Return the single expressions that `node` stands for, lists and variables that hold lists taken apart."""
    found: list[tree.Node] = []
    waiting = [(node, 0)]
    while waiting and len(found) < MOST:
        node, level = waiting.pop()
        if level > DEEPEST:
            continue
        inner: tuple[tree.Node, ...] = ()
        if isinstance(node, tree.Listed):
            inner = node.items
        elif isinstance(node, tree.Variable):
            known = scope.assigned.get(node.name, ())
            inner = known if any(isinstance(n, (tree.Listed, tree.Variable)) for n in known) else ()
        elif isinstance(node, tree.Call) and node.name.value in _OF_LISTS:
            inner = node.arguments
        if inner:
            waiting.extend((each, level + 1) for each in reversed(inner))
        else:
            found.append(node)
    return found


def hash_of(node: tree.Node, scope: Scope) -> Iterator[tuple[tree.Node, tree.Node]]:
    """Yield the keys and values of the hash that `node` is, or of those that a variable in its place may hold."""
    waiting: list[tuple[tree.Node, int]] = [(node, 0)]
    while waiting:
        each, level = waiting.pop()
        if isinstance(each, tree.Hashed):
            yield from each.pairs
        elif isinstance(each, tree.Variable) and level <= DEEPEST:
            waiting.extend((known, level + 1) for known in reversed(scope.assigned.get(each.name, ())))
        elif isinstance(each, tree.Call) and each.name.value == "merge":
            waiting.extend((argument, level + 1) for argument in reversed(each.arguments) if level <= DEEPEST)


def has_unknown_pairs(node: tree.Node, scope: Scope) -> bool:
    """Return whether only Puppet can tell all of the pairs of the hash that `node` is."""
    waiting: list[tuple[tree.Node, int]] = [(node, 0)]
    while waiting:
        each, level = waiting.pop()
        if isinstance(each, tree.Variable):
            known = scope.assigned.get(each.name, ())
            if not known or each.name in scope.partial or level > DEEPEST:
                return True
            waiting.extend((one, level + 1) for one in known)
        elif isinstance(each, tree.Call) and each.name.value == "merge" and level <= DEEPEST:
            waiting.extend((argument, level + 1) for argument in each.arguments)
        elif not isinstance(each, tree.Hashed):
            return True
    return False


def bindings(call: tree.Call, scope: Scope) -> dict[str, tuple[tree.Node, ...]]:
    """Return what the parameters of the block of `each` and its like stand for: the items or keys and values of what it runs over."""
    if call.block is None or not call.arguments:
        return {}
    names = call.block.names
    pairs = list(hash_of(call.arguments[0], scope))
    if pairs:
        both = (tuple(key for key, _ in pairs)[:MOST], tuple(value for _, value in pairs)[:MOST])
        return dict(zip(names, both)) if len(names) > 1 else {names[0]: ()} if names else {}
    items = tuple(items_of(call.arguments[0], scope))
    if len(names) > 1:
        return {names[0]: (), names[1]: items}
    return {names[0]: items} if names else {}


class Title(NamedTuple):
    """A title that a declaration may have, or the expression in its place when `decided` is False."""

    value: str
    span: Span
    decided: bool


class Declared(Struct, frozen=True):
    """A resource (or class) with one title, as if written out: loops, lists and `create_resources` undone.

    `off` tells that it stands under a variable which is `false` as far as the manifest tells, `unrealized` that it is virtual and that
    nothing in the manifest realizes it.
    """

    type: str
    title: Title
    settings: dict[str, Setting]
    conditional: bool
    off: bool = False
    unrealized: bool = False


class Used(Struct, frozen=True):
    """A class that is included; `how` as in `facts.puppet.ManifestClass`."""

    title: Title
    how: str
    conditional: bool


Statement = Union[Declared, Used]
_INCLUDES = frozenset({"include", "require", "contain"})
_LISTS = frozenset({"primitives"})  # parameters that are lists of resources
_LOOPS = frozenset({"each", "map", "filter", "slice", "any", "all"})


class _Around(NamedTuple):
    """What a statement stands in: the class, defined type or node (where that starts; -1 for none), and the blocks of conditions."""

    definition: int = -1
    blocks: frozenset[int] = frozenset()


class _Place(NamedTuple):
    node: tree.Node
    scope: Scope
    conditional: bool
    off: bool = False
    around: _Around = _Around()


class _Change(NamedTuple):
    """Attributes that a manifest gives to resources which are declared elsewhere.

    `titles` are those that it is for, every one if there are none, without those in `but`; `open` tells that it may be for fewer.
    """

    attributes: tuple[tree.Attribute, ...]
    place: _Place
    titles: frozenset[str] = frozenset()
    but: frozenset[str] = frozenset()
    open: bool = False

    def reaches(self, title: Title) -> bool | None:
        """Return whether it is for the resource with this title; None where only Puppet can tell."""
        if not title.decided:
            return None if self.titles or self.but or self.open else True
        if title.value in self.but or (self.titles and title.value not in self.titles):
            return False
        return None if self.open else True


class _Reaching(Struct):
    """The changes of one type by the titles that they are for, so that each resource meets few of them."""

    titled: dict[str, list[_Change]] = field(default_factory=dict)
    others: list[_Change] = field(default_factory=list)

    def add(self, change: _Change) -> None:
        for title in change.titles:
            self.titled.setdefault(title, []).append(change)
        if not change.titles:
            self.others.append(change)

    def of(self, title: Title) -> list[_Change]:
        """Return the changes that reach a resource, or may, in the order of the text; of very many the first."""
        if title.decided:
            named = self.titled.get(title.value, [])[:MOST]
        else:
            named = [change for _, changes in zip(range(MOST), self.titled.values()) for change in changes[:1]]
        found = [*self.others[:MOST], *named]
        return sorted(found, key=_start) if named and self.others else found


def _start(change: _Change) -> int:
    return change.place.node.start


class _Changes(Struct):
    """What defaults, overrides and collectors of a manifest add to its declarations, by type; and what it realizes."""

    defaults: dict[str, _Reaching] = field(default_factory=dict)
    overrides: dict[str, _Reaching] = field(default_factory=dict)
    collected: dict[str, _Reaching] = field(default_factory=dict)
    realized: dict[str, _Reaching] = field(default_factory=dict)

    def realizes(self, kind: str, title: Title) -> bool:
        """Return whether something realizes the virtual resource for certain, if it is evaluated at all."""
        return any(change.reaches(title) for change in _reaching(self.realized, kind, title))


def _reaching(changes: Mapping[str, _Reaching], kind: str, title: Title) -> list[_Change]:
    return changes[kind].of(title) if kind in changes else []


def read(source: Source, statements: tuple[tree.Node, ...]) -> Iterator[Statement]:
    """Yield every declaration and inclusion of a manifest, in the order of the text, whatever condition it stands under."""
    yield from Reading(source, statements).run()


class Reading:
    """One reading of a manifest: its statements one by one, and what it realizes of the virtual resources of this and other manifests."""

    def __init__(self, source: Source, statements: tuple[tree.Node, ...]) -> None:
        self.source, self.statements = source, statements
        self.scope = scope_of(statements)
        self.changes = _Changes()
        self.definitions = {node.start: node for node in tree.walk(statements) if isinstance(node, tree.Definition) and node.name}
        self.starts = sorted(self.definitions)
        self.ends = list(accumulate((self.definitions[start].end for start in self.starts), max))  # the last of those that begin so far
        self.assigned: dict[int, Mapping[str, tuple[tree.Node, ...]]] = {}
        self.usages, changes = _usages(statements)
        if changes:
            self.find_changes()

    def run(self) -> Iterator[Statement]:
        """Yield every declaration and inclusion, in the order of the text, whatever condition it stands under."""
        for place in self.places():
            yield from self.statement(place)

    def realizes(self) -> Iterator[tuple[str, str]]:
        """Yield the types and titles of what is realized for certain; an empty title stands for any."""
        for kind, changes in self.changes.realized.items():
            if any(not change.open and not change.but for change in changes.others):
                yield kind, ""
            yield from ((kind, title) for title in changes.titled)

    def places(self) -> Iterator[_Place]:
        waiting = [_Place(node, self.scope, False) for node in reversed(self.statements)]
        while waiting:
            place = waiting.pop()
            yield place
            waiting.extend(reversed(list(self.inside(place))))

    def find_changes(self) -> None:
        """Find the defaults, overrides and collectors, and what is realized, each with the place where it stands."""
        for place in self.places():
            node = place.node
            if isinstance(node, tree.Changed):
                self.find_change(node, place)
            elif isinstance(node, tree.Collector):
                for kind in self.types(node.type, place.scope):
                    self.changes.realized.setdefault(kind, _Reaching()).add(self.queried((), node, place))
            elif isinstance(node, tree.Call) and node.name.value == "realize":
                for argument in node.arguments:
                    for item in items_of(argument, place.scope):
                        for kind, change in self.referred((), item, place):
                            self.changes.realized.setdefault(kind, _Reaching()).add(change)

    def find_change(self, node: tree.Changed, place: _Place) -> None:
        if isinstance(node.of, tree.TypeName):
            self.changes.defaults.setdefault(_plain(node.of.value), _Reaching()).add(_Change(node.attributes, place))
        elif isinstance(node.of, tree.Collector):
            for kind in self.types(node.of.type, place.scope):
                self.changes.collected.setdefault(kind, _Reaching()).add(self.queried(node.attributes, node.of, place))
        else:
            for kind, change in self.referred(node.attributes, node.of, place):
                self.changes.overrides.setdefault(kind, _Reaching()).add(change)

    def referred(self, attributes: tuple[tree.Attribute, ...], node: tree.Node, place: _Place) -> Iterator[tuple[str, _Change]]:
        """Yield the types that a reference is of (`Service['a', 'b']`), each with the change of what it names."""
        if isinstance(node, tree.Accessed) and isinstance(node.of, tree.TypeName):
            titles: list[str] = []
            is_open = False
            for key in node.keys:
                for item in items_of(key, place.scope):
                    found = values(item, place.scope)
                    titles += found.strings
                    is_open = is_open or found.only is None
            yield _plain(node.of.value), _Change(attributes, place, frozenset(() if is_open else titles), open=is_open)

    def queried(self, attributes: tuple[tree.Attribute, ...], node: tree.Collector, place: _Place) -> _Change:
        """Return the change of what a collector finds: of a query that compares titles only it is told which."""
        query = node.query
        if query is None:
            return _Change(attributes, place)
        operands = query.operands if isinstance(query, tree.Other) else ()
        words = [self.source.text[one.end : other.start].strip() for one, other in pairwise(operands)]
        names = [isinstance(one, tree.Word) and one.value == "title" for one in operands[::2]]
        titles = [values(one, place.scope).only for one in operands[1::2]]
        plain = frozenset(title for title in titles if title is not None)
        if plain and all(names) and None not in titles and len(titles) == len(names):
            if set(words[::2]) == {"=="} and set(words[1::2]) <= {"or"}:
                return _Change(attributes, place, plain)
            if set(words[::2]) == {"!="} and set(words[1::2]) <= {"and"}:
                return _Change(attributes, place, but=plain)
        return _Change(attributes, place, open=True)

    def inside(self, place: _Place) -> Iterator[_Place]:
        """Yield what stands under a node, each with its scope."""
        node, scope, conditional, off, around = place
        if isinstance(node, tree.Branches):
            yield from (_Place(test, scope, conditional, off, around) for test in node.tests)
            first = off or self.is_false(node, scope)
            for number, block in enumerate(node.blocks):
                under = _Around(around.definition, around.blocks | {block.start})
                yield _Place(block, scope, True, first if number == 0 else off, under)
        elif isinstance(node, tree.Call) and node.block is not None:
            yield from (_Place(argument, scope, conditional, off, around) for argument in node.arguments)
            bound = bindings(node, scope) if node.name.value in _LOOPS else dict.fromkeys(node.block.names, ())
            yield _Place(node.block, scope.within(bound), conditional, off, around)
        elif isinstance(node, tree.Definition):
            yield _Place(node.block, self.defined(node), conditional, off, _Around(node.start, around.blocks))
        else:
            yield from (_Place(child, scope, conditional, off, around) for child in tree.children(node))

    def is_false(self, node: tree.Branches, scope: Scope) -> bool:
        """Return whether what an `if` tests is a variable that is `false` as far as the manifest tells."""
        test = node.tests[0] if node.tests else None
        plain = isinstance(test, tree.Variable) and self.source.text.startswith("if", node.start)
        return plain and test is not None and values(test, scope).strings == ("false",)

    def defined(self, node: tree.Definition) -> Scope:
        """Return the scope inside a class or defined type: its parameters, from the defaults and the uses in this manifest."""
        own = self.find_own(node)  # which hide those of the same name in other classes
        bound: dict[str, tuple[tree.Node, ...]] = {p.name: () if p.default is None else (p.default,) for p in node.parameters}
        if node.keyword in ("define", "class"):
            of_class = node.keyword == "class"
            bodies = self.usages.get(f"class {node.name}" if of_class else node.name, [])
            named = (tree.Quoted(node.start, node.start, node.name),)
            bound["title"] = bound["name"] = named if of_class else self.find_titles(bodies)
            for parameter in node.parameters:
                given = [[one.value for one in body.attributes if one.name.value == parameter.name] for body in bodies]
                lacking = [body for body, every in zip(bodies, given) if not every]
                values_given = tuple(each for every in given for value in every for each in self.resolve(value))
                if values_given and not lacking and f"include {node.name}" not in self.usages:
                    bound[parameter.name] = values_given[:MOST]
                    continue
                if isinstance(parameter.default, tree.Variable) and parameter.default.name in ("title", "name") and not of_class:
                    bound[parameter.name] = self.find_titles(lacking)
                bound[parameter.name] = (*bound[parameter.name], *values_given)[:MOST]
        return self.scope.within({**own, **bound}, partial=bound)

    def find_titles(self, bodies: Iterable[tree.Body]) -> tuple[tree.Node, ...]:
        """Return the titles of some declarations."""
        titles = (item for body in bodies for item in items_of(body.title, self.scope))
        return tuple(each for item in titles for each in self.resolve(item))[:MOST]

    def resolve(self, value: tree.Node) -> tuple[tree.Node, ...]:
        """Return what a definition is given: what its user has in a variable, which one of its own of the same name would hide."""
        if not isinstance(value, tree.Variable):
            return (value,)
        around = self.find_around(value)
        own = self.find_own(around).get(value.name) if around is not None else None
        every = self.scope.assigned.get(value.name, ())
        return own or tuple(node for node in every if self.find_around(node) is None) or every or (value,)

    def find_around(self, node: tree.Node) -> tree.Definition | None:
        """Return the innermost class or defined type in which a node stands; None at the top."""
        at = bisect(self.starts, node.start) - 1
        while at >= 0 and self.ends[at] > node.start:
            one = self.definitions[self.starts[at]]
            if node.start < one.end:
                return one
            at -= 1
        return None

    def find_own(self, node: tree.Definition) -> Mapping[str, tuple[tree.Node, ...]]:
        """Return the variables that a class or defined type assigns itself."""
        if node.start not in self.assigned:
            self.assigned[node.start] = scope_of((node.block,)).assigned
        return self.assigned[node.start]

    def statement(self, place: _Place) -> Iterator[Statement]:
        node = place.node
        if isinstance(node, tree.Resource):
            shared = tuple(one for body in node.bodies if _is_default(body.title) for one in body.attributes)
            for kind in self.types(node.type, place.scope):
                for body in node.bodies:
                    if not _is_default(body.title):
                        for declared in self.bodies(kind, body.title, body.attributes, place, shared, node.form == "@"):
                            yield replace(declared, off=True) if place.off else declared
        elif isinstance(node, tree.Call):
            yield from self.call(node, place)
        elif isinstance(node, tree.Definition) and node.parent is not None:
            yield Used(Title(node.parent.value, self.span(node.parent), True), "inherits", place.conditional)

    def types(self, node: tree.Node, scope: Scope) -> tuple[str, ...]:
        if isinstance(node, tree.TypeName):
            return (_plain(node.value),)
        if isinstance(node, tree.Accessed) and isinstance(node.of, tree.TypeName) and _plain(node.of.value) == "resource":
            node = node.keys[0]  # Resource['service'], Resource[Service]
            if isinstance(node, tree.TypeName):
                return (_plain(node.value),)
        return tuple(_plain(value) for value in values(node, scope).strings)

    def call(self, node: tree.Call, place: _Place) -> Iterator[Statement]:
        name, arguments, scope, conditional = node.name.value, node.arguments, place.scope, place.conditional
        if name in _INCLUDES:
            for argument in arguments:
                if isinstance(argument, tree.Accessed):  # include Class['x']
                    argument = tree.Listed(argument.start, argument.end, argument.keys)
                yield from (Used(title, name, conditional) for title in self.titles(argument, scope))
        elif name == "create_resources" and len(arguments) >= 2:
            defaults = _attributes(arguments[2], scope) if len(arguments) > 2 else ()
            for kind, virtual in map(_without_form, self.types(arguments[0], scope)):
                for title, body in hash_of(arguments[1], scope):
                    yield from self.bodies(kind, title, _attributes(body, scope), place, defaults, virtual)
                if has_unknown_pairs(arguments[1], scope):
                    yield from self.bodies(kind, arguments[1], (), place, defaults, virtual)
        elif name in ("ensure_resource", "ensure_resources") and len(arguments) >= 2:
            attributes = _attributes(arguments[2], scope) if len(arguments) > 2 else ()
            titles = [key for key, _ in hash_of(arguments[1], scope)] or [arguments[1]]
            for kind, virtual in map(_without_form, self.types(arguments[0], scope)):
                for title in titles:
                    yield from self.bodies(kind, title, attributes, place, (), virtual)

    def bodies(
        self,
        kind: str,
        title: tree.Node,
        attributes: tuple[tree.Attribute, ...],
        place: _Place,
        shared: tuple[tree.Attribute, ...] = (),
        virtual: bool = False,
    ) -> Iterator[Declared]:
        """Yield one declaration for each title that `title` stands for; `shared` are the attributes of the body called `default`."""
        changes = self.changes
        for one in self.titles(title, place.scope):
            settings: dict[str, Setting] = {}
            for change in _reaching(changes.defaults, kind, one):
                self.change(settings, change, one, title, place)
            for attribute in (*_expand(shared, place.scope), *_expand(attributes, place.scope)):
                settings[attribute.name.value] = self.setting(attribute, place.scope)
            for change in (*_reaching(changes.overrides, kind, one), *_reaching(changes.collected, kind, one)):
                self.change(settings, change, one, title, place)
            unrealized = virtual and not changes.realizes(kind, one)
            yield Declared(kind, one, settings, place.conditional, unrealized=unrealized)

    def change(self, settings: dict[str, Setting], change: _Change, title: Title, node: tree.Node, place: _Place) -> None:
        """Give a declaration at `place` the attributes of a change that reaches it; what only Puppet can tell is one value of several."""
        reaches, other = change.reaches(title), change.place.around
        of_all = not (change.titles or change.but or change.open)  # a default, or a collector of all
        if reaches is False or (of_all and other.definition not in (-1, place.around.definition) and not self.collects(change)):
            return
        certain = reaches and other.definition in (-1, place.around.definition) and other.blocks <= place.around.blocks
        if of_all and not self.collects(change):
            certain = certain and change.place.node.start < node.start  # Puppet 3 has no order, and Puppet 4 one
        for attribute in _expand(change.attributes, change.place.scope):
            name = attribute.name.value
            was, new = settings.get(name), self.setting(attribute, change.place.scope)
            if attribute.operator == "+>" and was is not None:
                settings[name] = replace(was, value=None, candidates=(), begins=())
            elif certain:
                settings[name] = new
            elif was is not None:
                settings[name] = replace(was, value=None, candidates=tuple(dict.fromkeys((*was.candidates, *new.candidates))), begins=())
            else:
                settings[name] = replace(new, value=None, begins=())

    def collects(self, change: _Change) -> bool:
        """Return whether a change is that of a collector, which finds resources wherever they are declared."""
        return isinstance(change.place.node, tree.Changed) and isinstance(change.place.node.of, tree.Collector)

    def titles(self, node: tree.Node, scope: Scope) -> Iterator[Title]:
        for item in items_of(node, scope):
            found = values(item, scope)
            for string in found.strings:
                yield Title(_plain(string) if string.startswith("::") else string, self.span(item), True)
            if found.gaps or not found.strings:
                yield Title(self.source.text[item.start : item.end], self.span(item), False)

    def setting(self, attribute: tree.Attribute, scope: Scope) -> Setting:
        value, key = attribute.value, attribute.name
        written = self.source.text[value.start : value.end]
        found = values(value, scope)
        hashed = next(hash_of(value, scope), None) is not None
        items, nested = self.items(attribute, scope) if key.value in _LISTS else ((), False)
        begins = () if found.only is not None else beginnings(value, scope)
        return Setting(key.value, found.only, written, self.span(value), self.span(key), found.strings, hashed, items, nested, begins)

    def items(self, attribute: tree.Attribute, scope: Scope) -> tuple[tuple[Setting, ...], bool]:
        """Return the strings of a list, each as a setting of its own, and whether the list holds lists or hashes."""
        key, found = attribute.name, []
        node = attribute.value
        if isinstance(node, tree.Variable):
            known = scope.assigned.get(node.name, ())
            node = known[0] if len(known) == 1 else node
        nested = isinstance(node, tree.Listed) and any(isinstance(item, (tree.Listed, tree.Hashed)) for item in node.items)
        for item in items_of(attribute.value, scope):
            value = values(item, scope)
            written = self.source.text[item.start : item.end]
            if not isinstance(item, tree.Hashed):
                found.append(Setting(key.value, value.only, written, self.span(item), self.span(key), value.strings))
        return tuple(found), nested

    def span(self, node: tree.Node) -> Span:
        return self.source.span(node.start, node.end)


def _plain(name: str) -> str:
    name = name[2:] if name.startswith("::") else name
    return name.lower()


def _is_default(title: tree.Node) -> bool:
    return isinstance(title, tree.Word) and title.value == "default"


def _without_form(kind: str) -> tuple[str, bool]:
    """Return a type as `create_resources` takes it without `@` and `@@`, and whether it is virtual: what is exported is collected."""
    bare = kind.lstrip("@")
    return _plain(bare), kind == f"@{bare}"


def _usages(statements: tuple[tree.Node, ...]) -> tuple[dict[str, list[tree.Body]], bool]:
    """Return the declarations of each type whose type is plainly written, and whether anything changes or realizes resources."""
    found: dict[str, list[tree.Body]] = {}
    changes = False
    for node in tree.walk(statements):
        if isinstance(node, tree.Resource):
            if isinstance(node.type, tree.Word):
                kind = _plain(node.type.value)
                for body in node.bodies:
                    key = f"class {_plain(body.title.value)}" if kind == "class" and isinstance(body.title, tree.Quoted) else kind
                    found.setdefault(key, []).append(body)
        elif isinstance(node, tree.Call) and node.name.value in _INCLUDES:
            for argument in node.arguments:
                found.setdefault(f"include {_plain(argument.value)}" if isinstance(argument, (tree.Quoted, tree.Word)) else "", [])
        elif isinstance(node, (tree.Changed, tree.Collector)) or (isinstance(node, tree.Call) and node.name.value == "realize"):
            changes = True
    return found, changes


def _attributes(node: tree.Node, scope: Scope) -> tuple[tree.Attribute, ...]:
    """Return the pairs of a hash as attributes."""
    found = []
    for key, value in hash_of(node, scope):
        name: Optional[str] = values(key, scope).only
        if name is not None:
            found.append(tree.Attribute(key.start, value.end, tree.Word(key.start, key.end, name), "=>", value))
    return tuple(found)


def _expand(attributes: tuple[tree.Attribute, ...], scope: Scope) -> Iterator[tree.Attribute]:
    for attribute in attributes:
        if attribute.name.value == "*":
            yield from _attributes(attribute.value, scope)
        else:
            yield attribute


def unwrap(declared: Declared) -> Declared:
    """Return what a wrapper declares in the cluster: a `pcmk_resource` or `pcmk_colocation`; any other declaration as it is.

    A wrapper that makes no primitive and one without a type of agent are left as they are.
    """
    settings = declared.settings
    if declared.type in _PRIMITIVES and "primitive_type" in settings and not makes_nothing(declared):
        prefixed, provider = _PRIMITIVES[declared.type]
        named = settings.get("service") if declared.type.endswith("wrapper") else None
        prefix = _value(settings, "prefix") if "prefix" in settings else str(prefixed).lower()
        before = "p_" if prefix == "true" else ""
        return _resource(declared, named, before, {**_give_provider(declared, provider), **settings}, prefix is not None)
    if declared.type == _CS_SERVICE and "ocf_script" in settings:
        inner = {_INNER.get(name, name): replace(setting, name=_INNER.get(name, name)) for name, setting in settings.items()}
        return _resource(declared, settings.get("service_name"), "p_", {**_give_provider(declared, "fuel"), **inner})
    if declared.type == VIRTUAL_IP:
        inner = {**_give_provider(declared, "fuel"), **_give(declared, "primitive_type", "ns_IPaddr2"), **settings}
        return _resource(declared, settings.get("key"), "vip__", inner)
    if declared.type == _CS_WITH_SERVICE:
        score = _give(declared, "score", "INFINITY")
        return replace(declared, type="pcmk_colocation", settings={**score, **settings})
    return declared


_BEFORE = frozenset({"sudo", "env", "exec", "nohup", "nice", "timeout", "if", "then", "else", "elif", "do", "while", "!", "(", "{"})
_ASSIGNED = re.compile(r"\w+=.*|\d+[smh]?")  # what may stand between these words and the command: a variable, the time of `timeout`
_FORMS = MappingProxyType({"clone": "clone_params", "master": "master_params", "promotable": "master_params", "bundle": "bundle"})


def find_commanded(declared: Declared) -> Iterator[Declared]:
    """Yield the resources that the command of an `exec` creates, each as the `pcmk_resource` that would make it.

    That is `pcs resource create NAME AGENT ...` (pcs(8)) and `crm configure primitive NAME AGENT ...` of crmsh, by themselves, among other
    commands, and as what a shell is given with `-c`.
    """
    if declared.type != "exec":
        return
    command = declared.settings.get("command")
    title = declared.title
    texts: tuple[str, ...] = (title.value,) if title.decided else ()
    span = title.span
    if command is not None:
        texts, span = command.candidates or (command.written,), command.span
    for name, agent, form in (found for text in texts for found in _find_created(text)):
        own = Title(name, span, "$" not in name)
        known = {"resource_type": agent if "$" not in agent else "", form: "true"}
        settings = {word: setting for word, value in known.items() if word and value for setting in _give(declared, word, value).values()}
        yield replace(declared, type="pcmk_resource", title=own, settings=settings)


def _find_created(text: str, depth: int = 2) -> Iterator[tuple[str, str, str]]:
    """Yield name, agent and the parameter of `pcmk_resource` for the form of each resource that a command line creates."""
    for words in _commands(text) if "create" in text or "primitive" in text else ():
        while words and (words[0].rpartition("/")[2] in _BEFORE or _ASSIGNED.fullmatch(words[0])):
            words = words[1:]
        if depth and "-c" in words[:-1]:
            yield from _find_created(words[words.index("-c") + 1], depth - 1)
        program = words[0].rpartition("/")[2] if words else ""
        if program == "pcs" and "-f" in words[:-1]:  # into a file, which is pushed later
            words = [*words[: words.index("-f")], *words[words.index("-f") + 2 :]]
        named = [word for word in words[1:] if not word.startswith("-")]
        if len(named) > 2 and (program, *named[:2]) in (("pcs", "resource", "create"), ("crm", "configure", "primitive")):
            agent = named[3] if len(named) > 3 and "=" not in named[3] else ""
            given = {word.lstrip("-") for word in words[3:] if word not in named[2:4]} if program == "pcs" else ()
            form = next((parameter for word, parameter in _FORMS.items() if word in given), "")
            yield named[2], agent if ":" in agent or not agent else f"ocf:heartbeat:{agent}", form


def _commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each simple command of a command line, or of a list of words as a manifest writes it."""
    if text.startswith("["):
        yield re.sub(r"[\[\],'\"]", " ", text).split()
        return
    if text[:1] == '"' and text[-1:] == '"':
        text = text[1:-1].replace('\\"', '"')
    found: list[str] = []
    for line in text.replace("\\\n", " ").splitlines():
        reading = shlex.shlex(line, posix=True, punctuation_chars=True)
        reading.whitespace_split = True
        try:
            words = list(reading)
        except ValueError:  # a quotation that does not end
            words = line.split()
        for word in (*words, ";"):
            if word and not word.strip(";&|"):
                yield found
                found = []
            else:
                found.append(word)


def makes_nothing(declared: Declared) -> bool:
    """Return whether a wrapper is told to make no primitive (`create_primitive => false`)."""
    return declared.type in _PRIMITIVES and _value(declared.settings, "create_primitive") == "false"


def _resource(declared: Declared, named: Setting | None, before: str, settings: dict[str, Setting], is_certain: bool = True) -> Declared:
    """Return the resource that a wrapper makes, called `before` and what the setting `named` holds, or else its title."""
    title = declared.title
    text, decided = (title.value, title.decided) if named is None else (named.value or named.written, named.value is not None)
    text = text if decided else expression(text)
    return replace(
        declared, type="pcmk_resource", title=title._replace(value=before + text, decided=decided and is_certain), settings=settings
    )


def _give_provider(declared: Declared, provider: str) -> dict[str, Setting]:
    return _give(declared, "primitive_provider", provider) if provider else {}


def _give(declared: Declared, name: str, value: str) -> dict[str, Setting]:
    """Return a setting that the wrapper itself gives, at the place of the title."""
    return {name: Setting(name, value, value, declared.title.span, declared.title.span, (value,))}


def _value(settings: dict[str, Setting], name: str) -> str | None:
    return settings[name].value if name in settings else None
