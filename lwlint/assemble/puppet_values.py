"""What an expression of a manifest may come to, as far as the manifest itself tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lwlint.assemble.puppet_params import unit_name
from lwlint.named import NamedTuple
from lwlint.parse import puppet_tree as tree
from lwlint.record import dataclass, field

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


@dataclass(frozen=True)
class Scope:
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
    return _Reading(scope, {}).of(node, 0)


class _Reading(NamedTuple):
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
