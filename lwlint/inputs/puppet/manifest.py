"""One manifest, statement by statement: each declaration with the scope in which it stands.

Defined types of other modules that make one resource or constraint of the cluster are taken as what they make. Source:
`pacemaker_wrappers::service` (Fuel 6.0 to 8.0), `pacemaker::service` (Fuel 9.0 and 10.0), `pacemaker::wrapper` and
`pacemaker::new::wrapper` (the module that Fuel used last, and puppet-pacemaker from 2016 on), and Fuel's `cluster::virtual_ip`,
`cluster::corosync::cs_service` and `cluster::corosync::cs_with_service` (5.0 to 10.0).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
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
    """The strings that an expression may come to; `complete` tells that there can be no other."""

    strings: tuple[str, ...]
    complete: bool

    @property
    def only(self) -> str | None:
        """The one string that it is, if that is certain."""
        return self.strings[0] if self.complete and len(self.strings) == 1 else None


UNKNOWN = Values((), False)


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
            return _joined([self.of(part, depth + 1) for part in node.parts])
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
        return Values(found.strings, found.complete and bool(nodes) and name not in self.scope.partial)

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
            return _joined([part for item in items for part in (between, item)][1:]) if items else UNKNOWN
        return UNKNOWN


def _union(every: Iterable[Values]) -> Values:
    strings: dict[str, None] = {}
    complete = True
    for one in every:
        strings.update(dict.fromkeys(one.strings))
        complete = complete and one.complete
    return Values(tuple(strings)[:MOST], complete and len(strings) <= MOST)


def _joined(parts: list[Values]) -> Values:
    strings = [""]
    for part in parts:
        strings = [before + after for before in strings for after in part.strings if len(before) + len(after) <= LONGEST][:MOST]
    return Values(tuple(dict.fromkeys(strings)), all(part.complete for part in parts) and 0 < len(strings) < MOST)


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

    `off` tells that it stands under a variable which is `false` as far as the manifest tells.
    """

    type: str
    title: Title
    settings: dict[str, Setting]
    conditional: bool
    off: bool = False


class Used(Struct, frozen=True):
    """A class that is included; `how` as in `facts.puppet.ManifestClass`."""

    title: Title
    how: str
    conditional: bool


Statement = Union[Declared, Used]
_INCLUDES = frozenset({"include", "require", "contain"})
_LISTS = frozenset({"primitives"})  # parameters that are lists of resources
_LOOPS = frozenset({"each", "map", "filter", "slice", "any", "all"})


class _Place(NamedTuple):
    node: tree.Node
    scope: Scope
    conditional: bool
    off: bool = False


class _Changes(Struct):
    """What defaults and overrides of a manifest add to its declarations: attributes by type, and by type and title."""

    defaults: dict[str, tuple[tree.Attribute, ...]] = field(default_factory=dict)
    overrides: dict[tuple[str, str], tuple[tree.Attribute, ...]] = field(default_factory=dict)


def read(source: Source, statements: tuple[tree.Node, ...]) -> Iterator[Statement]:
    """Yield every declaration and inclusion of a manifest, in the order of the text, whatever condition it stands under."""
    yield from _Reading(source, statements).run()


class _Reading:
    def __init__(self, source: Source, statements: tuple[tree.Node, ...]) -> None:
        self.source, self.statements = source, statements
        self.scope = scope_of(statements)
        self.changes = _changes(statements, self.scope)
        self.usages = _usages(statements)

    def run(self) -> Iterator[Statement]:
        waiting = [_Place(node, self.scope, False) for node in reversed(self.statements)]
        while waiting:
            place = waiting.pop()
            yield from self.statement(place)
            waiting.extend(reversed(list(self.inside(place))))

    def inside(self, place: _Place) -> Iterator[_Place]:
        """Yield what stands under a node, each with its scope."""
        node, scope, conditional, off = place
        if isinstance(node, tree.Branches):
            yield from (_Place(test, scope, conditional, off) for test in node.tests)
            first = off or self.is_false(node, scope)
            yield from (_Place(block, scope, True, first if number == 0 else off) for number, block in enumerate(node.blocks))
        elif isinstance(node, tree.Call) and node.block is not None:
            yield from (_Place(argument, scope, conditional, off) for argument in node.arguments)
            bound = bindings(node, scope) if node.name.value in _LOOPS else dict.fromkeys(node.block.names, ())
            yield _Place(node.block, scope.within(bound), conditional, off)
        elif isinstance(node, tree.Definition):
            yield _Place(node.block, self.defined(node), conditional, off)
        else:
            yield from (_Place(child, scope, conditional, off) for child in tree.children(node))

    def is_false(self, node: tree.Branches, scope: Scope) -> bool:
        """Return whether what an `if` tests is a variable that is `false` as far as the manifest tells."""
        test = node.tests[0] if node.tests else None
        plain = isinstance(test, tree.Variable) and self.source.text.startswith("if", node.start)
        return plain and test is not None and values(test, scope).strings == ("false",)

    def defined(self, node: tree.Definition) -> Scope:
        """Return the scope inside a class or defined type: its parameters, from the defaults and the uses in this manifest."""
        bound: dict[str, tuple[tree.Node, ...]] = {p.name: () if p.default is None else (p.default,) for p in node.parameters}
        if node.keyword == "define":
            bodies = self.usages.get(node.name, [])
            bound["title"] = bound["name"] = tuple(item for body in bodies for item in items_of(body.title, self.scope))[:MOST]
            for body in bodies:
                for attribute in body.attributes:
                    if attribute.name.value in bound:
                        bound[attribute.name.value] = (*bound[attribute.name.value], attribute.value)[:MOST]
        return self.scope.within(bound, partial=bound)

    def statement(self, place: _Place) -> Iterator[Statement]:
        node, scope, conditional, off = place
        if isinstance(node, tree.Resource):
            for kind in self.types(node.type, scope):
                for body in node.bodies:
                    for declared in self.bodies(kind, body.title, body.attributes, scope, conditional):
                        yield replace(declared, off=True) if off else declared
        elif isinstance(node, tree.Call):
            yield from self.call(node, scope, conditional)
        elif isinstance(node, tree.Definition) and node.parent is not None:
            yield Used(Title(node.parent.value, self.span(node.parent), True), "inherits", conditional)

    def types(self, node: tree.Node, scope: Scope) -> tuple[str, ...]:
        if isinstance(node, tree.TypeName):
            return (_plain(node.value),)
        return tuple(_plain(value) for value in values(node, scope).strings)

    def call(self, node: tree.Call, scope: Scope, conditional: bool) -> Iterator[Statement]:
        name, arguments = node.name.value, node.arguments
        if name in _INCLUDES:
            for argument in arguments:
                if isinstance(argument, tree.Accessed):  # include Class['x']
                    argument = tree.Listed(argument.start, argument.end, argument.keys)
                yield from (Used(title, name, conditional) for title in self.titles(argument, scope))
        elif name == "create_resources" and len(arguments) >= 2:
            defaults = _attributes(arguments[2], scope) if len(arguments) > 2 else ()
            for kind in self.types(arguments[0], scope):
                for title, body in hash_of(arguments[1], scope):
                    yield from self.bodies(kind, title, (*defaults, *_attributes(body, scope)), scope, conditional)
                if has_unknown_pairs(arguments[1], scope):
                    yield from self.bodies(kind, arguments[1], defaults, scope, conditional)
        elif name in ("ensure_resource", "ensure_resources") and len(arguments) >= 2:
            attributes = _attributes(arguments[2], scope) if len(arguments) > 2 else ()
            titles = [key for key, _ in hash_of(arguments[1], scope)] or [arguments[1]]
            for kind in self.types(arguments[0], scope):
                for title in titles:
                    yield from self.bodies(kind, title, attributes, scope, conditional)

    def bodies(
        self, kind: str, title: tree.Node, attributes: tuple[tree.Attribute, ...], scope: Scope, conditional: bool
    ) -> Iterator[Declared]:
        """Yield one declaration for each title that `title` stands for."""
        if isinstance(title, tree.Word) and title.value == "default":
            return
        for one in self.titles(title, scope):
            settings = {}
            extra = self.changes.overrides.get((kind, one.value), ())
            for attribute in (*self.changes.defaults.get(kind, ()), *_expanded(attributes, scope), *extra):
                settings[attribute.name.value] = self.setting(attribute, scope)
            yield Declared(kind, one, settings, conditional)

    def titles(self, node: tree.Node, scope: Scope) -> Iterator[Title]:
        for item in items_of(node, scope):
            found = values(item, scope)
            for string in found.strings:
                yield Title(_plain(string) if string.startswith("::") else string, self.span(item), True)
            if not found.strings:
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


def _usages(statements: tuple[tree.Node, ...]) -> dict[str, list[tree.Body]]:
    """Return the declarations of each type whose type is plainly written."""
    found: dict[str, list[tree.Body]] = {}
    for node in tree.walk(statements):
        if isinstance(node, tree.Resource) and isinstance(node.type, tree.Word):
            found.setdefault(_plain(node.type.value), []).extend(node.bodies)
    return found


def _changes(statements: tuple[tree.Node, ...], scope: Scope) -> _Changes:
    changes = _Changes()
    for node in tree.walk(statements):
        if not isinstance(node, tree.Changed):
            continue
        if isinstance(node.of, tree.TypeName):
            kind = _plain(node.of.value)
            changes.defaults[kind] = (*changes.defaults.get(kind, ()), *node.attributes)
        elif isinstance(node.of, tree.Accessed) and isinstance(node.of.of, tree.TypeName):
            kind = _plain(node.of.of.value)
            for key in node.of.keys:
                title = values(key, scope).only
                if title is not None:
                    changes.overrides[kind, title] = (*changes.overrides.get((kind, title), ()), *node.attributes)
    return changes


def _attributes(node: tree.Node, scope: Scope) -> tuple[tree.Attribute, ...]:
    """Return the pairs of a hash as attributes."""
    found = []
    for key, value in hash_of(node, scope):
        name: Optional[str] = values(key, scope).only
        if name is not None:
            found.append(tree.Attribute(key.start, value.end, tree.Word(key.start, key.end, name), "=>", value))
    return tuple(found)


def _expanded(attributes: tuple[tree.Attribute, ...], scope: Scope) -> Iterator[tree.Attribute]:
    for attribute in attributes:
        if attribute.name.value == "*":
            yield from _attributes(attribute.value, scope)
        else:
            yield attribute


def unwrapped(declared: Declared) -> Declared:
    """Return what a wrapper declares in the cluster: a `pcmk_resource` or `pcmk_colocation`; any other declaration as it is.

    A wrapper that makes no primitive and one without a type of agent are left as they are.
    """
    settings = declared.settings
    if declared.type in _PRIMITIVES and "primitive_type" in settings and not makes_nothing(declared):
        prefixed, provider = _PRIMITIVES[declared.type]
        named = settings.get("service") if declared.type.endswith("wrapper") else None
        prefix = _value(settings, "prefix") if "prefix" in settings else str(prefixed).lower()
        before = "p_" if prefix == "true" else ""
        return _resource(declared, named, before, {**_provided(declared, provider), **settings}, prefix is not None)
    if declared.type == _CS_SERVICE and "ocf_script" in settings:
        inner = {_INNER.get(name, name): replace(setting, name=_INNER.get(name, name)) for name, setting in settings.items()}
        return _resource(declared, settings.get("service_name"), "p_", {**_provided(declared, "fuel"), **inner})
    if declared.type == VIRTUAL_IP:
        inner = {**_provided(declared, "fuel"), **_given(declared, "primitive_type", "ns_IPaddr2"), **settings}
        return _resource(declared, settings.get("key"), "vip__", inner)
    if declared.type == _CS_WITH_SERVICE:
        score = _given(declared, "score", "INFINITY")
        return replace(declared, type="pcmk_colocation", settings={**score, **settings})
    return declared


_BEFORE = frozenset({"sudo", "env", "exec", "nohup", "nice", "timeout", "if", "then", "else", "elif", "do", "while", "!", "(", "{"})
_ASSIGNED = re.compile(r"\w+=.*|\d+[smh]?")  # what may stand between these words and the command: a variable, the time of `timeout`
_FORMS = MappingProxyType({"clone": "clone_params", "master": "master_params", "promotable": "master_params", "bundle": "bundle"})


def commanded(declared: Declared) -> Iterator[Declared]:
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
    for name, agent, form in (found for text in texts for found in _created(text)):
        own = Title(name, span, "$" not in name)
        known = {"resource_type": agent if "$" not in agent else "", form: "true"}
        settings = {word: setting for word, value in known.items() if word and value for setting in _given(declared, word, value).values()}
        yield replace(declared, type="pcmk_resource", title=own, settings=settings)


def _created(text: str, depth: int = 2) -> Iterator[tuple[str, str, str]]:
    """Yield name, agent and the parameter of `pcmk_resource` for the form of each resource that a command line creates."""
    for words in _commands(text) if "create" in text or "primitive" in text else ():
        while words and (words[0].rpartition("/")[2] in _BEFORE or _ASSIGNED.fullmatch(words[0])):
            words = words[1:]
        if depth and "-c" in words[:-1]:
            yield from _created(words[words.index("-c") + 1], depth - 1)
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


def _provided(declared: Declared, provider: str) -> dict[str, Setting]:
    return _given(declared, "primitive_provider", provider) if provider else {}


def _given(declared: Declared, name: str, value: str) -> dict[str, Setting]:
    """Return a setting that the wrapper itself gives, at the place of the title."""
    return {name: Setting(name, value, value, declared.title.span, declared.title.span, (value,))}


def _value(settings: dict[str, Setting], name: str) -> str | None:
    return settings[name].value if name in settings else None
