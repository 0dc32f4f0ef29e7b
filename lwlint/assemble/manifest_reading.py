"""One manifest, statement by statement: each declaration with the scope in which it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional, Union

from lwlint.assemble.puppet_values import MOST, Scope, bindings, hash_of, items_of, scope_of, values
from lwlint.facts.puppet import Setting
from lwlint.named import NamedTuple
from lwlint.parse import puppet_tree as tree
from lwlint.record import dataclass, field
from lwlint.source import Source, Span


class Title(NamedTuple):
    """A title that a declaration may have, or the expression in its place when `decided` is False."""

    value: str
    span: Span
    decided: bool


@dataclass(frozen=True)
class Declared:
    """A resource (or class) with one title, as if written out: loops, lists and `create_resources` undone."""

    type: str
    title: Title
    settings: dict[str, Setting]
    conditional: bool


@dataclass(frozen=True)
class Used:
    """A class that is included; `how` as in `facts.puppet.ManifestClass`."""

    title: Title
    how: str
    conditional: bool


Statement = Union[Declared, Used]
_INCLUDES = frozenset({"include", "require", "contain"})
_LOOPS = frozenset({"each", "map", "filter", "slice", "any", "all"})


class _Place(NamedTuple):
    node: tree.Node
    scope: Scope
    conditional: bool


@dataclass
class _Changes:
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
        node, scope, conditional = place
        if isinstance(node, tree.Branches):
            yield from (_Place(test, scope, conditional) for test in node.tests)
            yield from (_Place(block, scope, True) for block in node.blocks)
        elif isinstance(node, tree.Call) and node.block is not None:
            yield from (_Place(argument, scope, conditional) for argument in node.arguments)
            bound = bindings(node, scope) if node.name.value in _LOOPS else dict.fromkeys(node.block.names, ())
            yield _Place(node.block, scope.within(bound), conditional)
        elif isinstance(node, tree.Definition):
            yield _Place(node.block, self.defined(node), conditional)
        else:
            yield from (_Place(child, scope, conditional) for child in tree.children(node))

    def defined(self, node: tree.Definition) -> Scope:
        """Return the scope inside a class or defined type: its parameters, from the defaults and the uses in this manifest."""
        bound: dict[str, tuple[tree.Node, ...]] = {p.name: () if p.default is None else (p.default,) for p in node.parameters}
        if node.keyword == "define":
            bodies = self.usages.get(node.name, [])
            bound["title"] = bound["name"] = tuple(body.title for body in bodies)[:MOST]
            for body in bodies:
                for attribute in body.attributes:
                    if attribute.name.value in bound:
                        bound[attribute.name.value] = (*bound[attribute.name.value], attribute.value)[:MOST]
        return self.scope.within(bound, partial=bound)

    def statement(self, place: _Place) -> Iterator[Statement]:
        node, scope, conditional = place
        if isinstance(node, tree.Resource):
            for kind in self.types(node.type, scope):
                for body in node.bodies:
                    yield from self.bodies(kind, body.title, body.attributes, scope, conditional)
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
        return Setting(key.value, found.only, written, self.span(value), self.span(key), found.strings)

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
