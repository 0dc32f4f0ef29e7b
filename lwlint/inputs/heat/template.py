"""One template: its resources, the settings it makes, and those it takes in from others."""

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Mapping as Lookup
from itertools import product
from types import MappingProxyType
from typing import Optional, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from lwlint.core.lazy import pattern
from lwlint.core.secret import conceal, is_secret, mask_value
from lwlint.inputs.heat.conditions import OR, Conditions, add_conditions, both, is_possible, negate, read_condition
from lwlint.inputs.heat.document import (
    FUNCTIONS,
    LISTED,
    NAMING,
    NULL,
    TEMPLATE,
    WITH_KEYS,
    HeatFile,
    Mapping,
    Node,
    Scalar,
    Sequence,
    call,
    effective,
    is_null,
    literal,
    tag_of,
    walk,
)
from lwlint.inputs.heat.facts import ALL, CONFIG

Values = Optional[tuple[str, ...]]
PART = "\0"  # between a parameter and the keys below it
_MOST = 16  # alternatives of one value that are followed
_MOST_PARTS = 200  # nodes of an input that is followed
_LONGEST = 100_000  # characters of a value that is put together; none that is judged has as many
_DEPTH = 20


class Branch(Struct, frozen=True):
    """A part of a mapping, and the conditions under which it is one: `name=1` where it holds, `name=2` where not (see Clauses).

    `replaced` are the `values` of each `map_replace` around it, the innermost first, and `renamed` its `keys`.
    """

    node: Mapping
    branch: tuple[str, ...]
    replaced: tuple[Node, ...] = ()
    renamed: tuple[Mapping, ...] = ()

    def pairs(self) -> Iterator[tuple[Scalar, Node]]:
        """Yield each key that counts, and its value as it is when `map_replace` has put others in the place of words."""
        for key, value in effective(self.node):
            yield key, put_in(value, self.replaced)


class Reference(Struct, frozen=True):
    """A `get_attr` met on the way: the resource and the rest of its path; without a resource, what only a deployment tells.

    What it is replaced by, and what its keys are called then, are as in a Branch.
    """

    resource: str
    path: tuple[str, ...]
    branch: tuple[str, ...]
    replaced: tuple[Node, ...] = ()
    renamed: tuple[Mapping, ...] = ()


_UNTOLD = frozenset(("get_param", "repeat", "get_file"))  # functions whose mapping is not told by the template


def get_attr(node: Node) -> tuple[str, ...] | None:
    """Return the words of a `get_attr` call, resource first; words that are computed become empty."""
    found = call(node)
    if found is None or found[0] != "get_attr" or not isinstance(found[1], Sequence):
        return None
    return tuple(item.value if isinstance(item, Scalar) else "" for item in found[1].items)


def parts(node: Node, branch: tuple[str, ...] = (), depth: int = _DEPTH) -> Iterator[Branch | Reference]:
    """Yield the literal mappings that a mapping is put together from, and the attributes that are merged in.

    Goes through `map_merge`, `if`, `map_replace`, `yaql` (its data) and lists of these.
    """
    if depth == 0:
        return
    if isinstance(node, Sequence):
        for item in node.items:
            yield from parts(item, branch, depth - 1)
    elif isinstance(node, Mapping):
        found = call(node)
        words = get_attr(node)
        if words:
            yield Reference(words[0], words[1:], branch)
        elif found is not None and found[0] in _UNTOLD:
            yield Reference("", (), branch)
        elif found is None or not isinstance(found[1], (Sequence, Mapping)):
            yield Branch(node, branch)
        else:
            yield from _of_call(found[0], found[1], node, branch, depth)


def _of_call(name: str, argument: Node, node: Mapping, branch: tuple[str, ...], depth: int) -> Iterator[Branch | Reference]:
    items = argument.items if isinstance(argument, Sequence) else []
    if name == "if" and len(items) >= 2:
        for item, one in zip(items[1:3], read_condition(items[0])):
            within = add_conditions(branch, one)
            if within is not None:  # else it is never this one
                yield from parts(item, within, depth - 1)
    elif name == "map_merge":
        yield from parts(argument, branch, depth - 1)
    elif name == "map_replace" and items:
        given = items[1] if len(items) > 1 and isinstance(items[1], Mapping) else None
        values, keys = (given.get("values"), given.get("keys")) if given is not None else (None, None)
        if given is not None and _is_made(keys if keys is not None else given):
            yield Reference("", (), branch)  # any of its keys may be another one
            branch = (*branch, f"map_replace {node.start}=1")
            values = given if _is_made(given) else values
        replaced, renamed = (values,) if values is not None else (), (keys,) if isinstance(keys, Mapping) else ()
        yield from (_replace_in(part, replaced, renamed) for part in parts(items[0], branch, depth - 1))
    elif name == "yaql" and isinstance(argument, Mapping):
        yield from _of_yaql(argument, node, branch, depth)
    elif name in ("list_concat", "list_concat_unique"):
        yield from parts(argument, branch, depth - 1)
    elif name not in ("get_attr", "list_join", "str_replace"):
        yield Branch(node, branch)


# what an expression of yaql merges: data by their names (`$.data.a.mergeWith($.data.b)`), or the items of a list
_MERGE = pattern(r"\$\.data(?:\.\w+)?(?:\.mergeWith\(\$\.data\.\w+\)| ?\+ ?\$\.data\.\w+)*")
_OF_LIST = pattern(
    r"\$\.data(?:\.(\w+))?(?:\.where\(\$ ?!= ?null\))?\.reduce\(\$1 ?(?:\.mergeWith\(\$2\)|\+ ?\$2)(?:, ?(?:\{\}|dict\(\)))?\)"
)
_NAMED = pattern(r"\$\.data(?:\.(\w+))?")


def _of_yaql(argument: Mapping, node: Mapping, branch: tuple[str, ...], depth: int) -> Iterator[Branch | Reference]:
    """Yield what an expression merges. Of one that may do more than that only a deployment tells what is left of its data."""
    expression, data = argument.get("expression"), argument.get("data")
    if data is None:
        return
    merged = _merge(" ".join(expression.value.split()), data) if isinstance(expression, Scalar) else None
    for value in merged or ():
        yield from parts(value, branch, depth - 1)
    if merged is None:
        yield Reference("", (), branch)
        result = _call_of(_RESULT, Sequence("", [], node.start, node.end))
        for number, value in enumerate(_values(data)):
            for part in parts(value, (*branch, f"yaql {node.start} {number}=1"), depth - 1):  # neither replaces another for certain
                yield replace(part, replaced=(*part.replaced, result)) if isinstance(part, Branch) else part


def _merge(expression: str, data: Node) -> list[Node] | None:
    """Return the data that an expression merges, each before those that replace its settings; None for any other expression."""
    of_list = _OF_LIST.fullmatch(expression)
    if of_list is not None or not _MERGE.fullmatch(expression):
        items = _datum(data, of_list[1]) if of_list is not None else None
        return [items] if items is not None else None
    found = [_datum(data, name) for name in _NAMED.findall(expression)]
    return [value for value in found if value is not None] if None not in found else None


def _datum(data: Node, name: str | None) -> Node | None:
    return data if not name else data.get(name) if isinstance(data, Mapping) else None


def put_in(value: Node, replaced: tuple[Node, ...]) -> Node:
    """Return what a value becomes by several `map_replace`; where one may replace it that only a deployment tells, that one.

    Where it is a function's, it becomes a `map_replace` of that value, which `possible` knows.
    """
    unknown: Node | None = None
    found = value
    for values in replaced:
        made = call(values)
        if made is not None and made[0] == _RESULT:
            return values
        if not isinstance(values, Mapping) or (made is not None and made[0] in FUNCTIONS):
            unknown = unknown or values
        elif isinstance(found, Scalar):
            if tag_of(found) == "str":  # the keys are texts, and no number is one
                found = values.get(found.value) or found
        elif values.content and (made := call(found)) is not None and made[0] in FUNCTIONS:
            found = _call_of(_REPLACE, Sequence("", [found, values], found.start, found.end))
    return unknown if unknown is not None and found is not value else found


def _is_made(node: Node) -> bool:
    """Return whether a mapping is the result of a function."""
    made = call(node)
    return made is not None and made[0] in FUNCTIONS


_REPLACE = "map_replace"
_RESULT = "the result of an expression"  # as a call that nobody has written: any value


def _call_of(name: str, argument: Sequence) -> Mapping:
    """Return a call of a function that nobody has written, in the place of its argument."""
    at, end = argument.start, argument.end
    return Mapping("", [Scalar("", name, at, at, True), argument], at, end, True)


def _replace_in(part: Branch | Reference, replaced: tuple[Node, ...], renamed: tuple[Mapping, ...]) -> Branch | Reference:
    """Return a part of a mapping with what the `map_replace` around it, from the innermost out, put in the place of values and keys."""
    if not replaced and not renamed:
        return part
    return replace(part, replaced=(*part.replaced, *replaced), renamed=(*part.renamed, *renamed))


def _values(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, Mapping):
        for _, value in effective(node):
            yield value


_INTERPOLATED = "%{"  # what hiera puts in the place of `%{...}` is known on a node only


class Scope(Struct, frozen=True):
    """What a value can refer to: the values of parameters, and of the inputs of a deployment; `asked` are those that were asked for.

    `known` are values of inputs that were asked for before, by what they depend on.
    """

    parameters: Callable[[str], Values]
    inputs: Lookup[str, Node]
    conditions: Optional[Conditions] = None
    asked: Lookup[str, Values] = field(default_factory=dict)
    known: dict[tuple[str, int, tuple[str, ...]], Values] = field(default_factory=dict)

    def of_input(self, name: str, depth: int, branch: tuple[str, ...]) -> Values:
        """Return the values of an input, as Heat has them: a `get_input` in one is not resolved (StructuredDeployment.parse)."""
        key = name, depth, branch
        if key not in self.known:
            node = self.inputs[name]
            self.known[key] = possible(node, replace(self, inputs={}), depth, branch) if is_small(node) else None
        return self.known[key]


def is_small(node: Node) -> bool:
    """Return whether a node has no more than _MOST_PARTS below it, those that aliases lead to each time."""
    todo, number = [node], 0
    while todo and number <= _MOST_PARTS:
        one = todo.pop()
        todo += one.items if isinstance(one, Sequence) else one.content if isinstance(one, Mapping) else ()
        number += 1
    return number <= _MOST_PARTS


def possible(node: Node, scope: Scope, depth: int = _DEPTH, branch: tuple[str, ...] = ()) -> Values:
    """Return every value that `node` can have in a `branch`, as text (`null` for none); None where only a deployment tells."""
    if depth == 0:
        return None
    if isinstance(node, Scalar):
        return None if _INTERPOLATED in node.value else (literal(node),)
    found = call(node)
    if found is None:
        return None
    name, argument = found
    if name == "get_param":
        words = argument.items if isinstance(argument, Sequence) else [argument]
        keys = [word.value for word in words if isinstance(word, Scalar)]
        return scope.parameters(PART.join(keys)) if keys and len(keys) == len(words) else None
    if name == "get_input" and isinstance(argument, Scalar) and argument.value in scope.inputs:
        return scope.of_input(argument.value, depth - 1, branch)
    if isinstance(argument, Mapping):
        return _replace(argument, scope, depth, branch) if name == "str_replace" else None
    if isinstance(argument, Scalar):
        return None
    if name == "if":
        return _either(argument.items[:3], scope, depth, branch)
    if name == "list_join" and len(argument.items) == 2:
        return _join(argument, scope, depth, branch)
    if name == _REPLACE and len(argument.items) == 2:
        return _map(argument.items[0], argument.items[1], scope, depth, branch)
    return None


def _either(items: list[Node], scope: Scope, depth: int, branch: tuple[str, ...]) -> Values:
    """Return the values of either branch of an `if` that can be taken: its condition may be one that was asked further out."""
    found: list[str] = []
    choose = scope.conditions.choose if scope.conditions is not None else read_condition
    for item, way in zip((*items[1:], None)[:2], choose(items[0]) if items else ((), ())):
        within = add_conditions(branch, way)
        if within is None:
            continue
        values = possible(item, scope, depth - 1, within) if item is not None else (NULL,)
        if values is None:
            return None
        found += values
    return tuple(dict.fromkeys(found))


def _join(argument: Sequence, scope: Scope, depth: int, branch: tuple[str, ...]) -> Values:
    glue, items = argument.items
    if not isinstance(glue, Scalar) or not isinstance(items, Sequence):
        return None
    between = len(glue.value) * len(items.items)
    return _combine(((item, 1) for item in items.items), between, glue.value.join, scope, depth, branch, null=False)


def _replace(argument: Mapping, scope: Scope, depth: int, branch: tuple[str, ...]) -> Values:
    template, replacements = argument.get("template"), argument.get("params")
    if not isinstance(template, Scalar) or not isinstance(replacements, Mapping):
        return None
    named = [(key.value, value) for key, value in effective(replacements) if key.value]
    if len(named) > _MOST_NAMES:
        return None

    def put(values: tuple[str, ...]) -> str:
        return _put_for(sorted(zip(names, values), key=lambda pair: -len(pair[0])), template.value)

    names = [name for name, _ in named]
    each = ((value, template.value.count(name)) for name, value in named)
    return _combine(each, len(template.value), put, scope, depth, branch)


_MOST_NAMES = 200  # of a `str_replace`, of which each is looked for between those before it


def _put_for(pairs: list[tuple[str, str]], text: str) -> str:
    """Return a text with a value for each name, the first of them first; what is put in is not looked at again."""
    pieces = [text]  # every second one was put in
    for name, value in pairs:
        if name in text:
            pieces = [part for at, piece in enumerate(pieces) for part in ([piece] if at % 2 else _between(piece.split(name), value))]
    return "".join(pieces)


def _between(parts: list[str], value: str) -> list[str]:
    """Return the parts with a value between each two of them."""
    return [each for part in parts for each in (value, part)][1:]


def _map(value: Node, values: Node, scope: Scope, depth: int, branch: tuple[str, ...]) -> Values:
    """Return what the values of a function become where `map_replace` puts others in their place; None for what may be no text."""
    found: list[str] = []
    for one in possible(value, scope, depth - 1, branch) or (None,):
        instead = values.get(one) if isinstance(values, Mapping) and one is not None else None
        known: Values = (one,) if one is not None and instead is None else None
        if instead is not None and tag_of(Scalar("", str(one), 0, 0, True)) == "str":
            known = possible(instead, scope, depth - 1, branch)
        if known is None:
            return None
        found += known
    return tuple(dict.fromkeys(found))


def _combine(
    items: Iterable[tuple[Node, int]],
    more: int,
    make: Callable[[tuple[str, ...]], str],
    scope: Scope,
    depth: int,
    branch: tuple[str, ...],
    *,
    null: bool = True,
) -> Values:
    """Return what is made of each choice of values; None for too many, for unknown ones, and for a text that would be too long.

    Each of `items` comes with how often it is put into the text, which has so many characters `more`. Of a `null` nothing may be made
    where the function refuses one.
    """
    known: list[tuple[str, ...]] = []
    number = 1
    for node, times in items:
        values = possible(node, scope, depth - 1, branch)
        if values is None or (NULL in values and not null):
            return None
        known.append(values)
        number = min(number * len(values), _MOST + 1)
        more += times * max(map(len, values), default=0)
        if more > _LONGEST:
            return None
    return tuple(dict.fromkeys(make(combination) for combination in product(*known))) if number <= _MOST else None


_TO_OTHERS = CONFIG[1]
_TEMPLATES, _TRIPLEO = (".yaml", ".yml", ".template"), "OS::TripleO::"
_VALUE = "OS::Heat::Value"
CONTAINERS = ("docker_config", "container_config")
RUNNING = ("step_config", *CONTAINERS, "deploy_steps_tasks")  # the sections of role data that run something on a node


class Key(Struct, frozen=True):
    """A setting as written; `place` is its section, `branch` the conditions on the way to it.

    `service` is the one whose nodes a part of `service_config_settings` is for.
    """

    name: str
    key: Scalar
    value: Node
    place: str
    branch: tuple[str, ...]
    service: str = ""


class Taken(Struct, frozen=True, array_like=True, order=True):
    """The settings that a template takes in: those of the section `section` of a resource, put into its own section `place`.

    `branch` are the conditions under which it does so. `service` are the nodes that they are for there, where that is a part of
    `service_config_settings`. `*` is any section.
    """

    resource: str
    section: str
    place: str
    service: str = ""
    branch: tuple[str, ...] = ()


class Merged(Struct, frozen=True, array_like=True):
    """Where a template takes in settings: after how many of its own, of which section of a resource, into which of its own, and when."""

    after: int
    resource: str
    section: str
    place: str
    branch: tuple[str, ...] = ()


class Whole(Struct, frozen=True, array_like=True):
    """Where a template merges all of the `role_data` of a resource: behind how many of its own settings, and what it has `taken` by then.

    Each section that the other template has stands instead of what came before it.
    """

    resource: str
    after: int
    taken: tuple[Taken, ...]


class Run(Struct, frozen=True, array_like=True, order=True):
    """What a template runs of another one: the `section` of the role data of a resource, as a part of its own section `into`."""

    resource: str
    section: str
    into: str


class Parts(Struct):
    """What a template consists of. `types` are the types of its resources, `taken` tells of which it takes in settings, and where to.

    `service_name` is the name of its service, or that of the resource `named_by`; both are empty where it is computed. `merged` tells
    where among its `keys` it takes in those that others may replace. `steps` are the mappings of containers (a
    container's name -> what it is), with the name of their step. `sections` are those that its role data have whatever the conditions,
    `wholes` tells where it merges all the role data of others. `runs` are the sections with something to run that it takes from
    others, `running` those that its own role data have, and `idle` those of them that are empty.
    """

    file: HeatFile
    types: dict[str, Scalar] = field(default_factory=dict)
    giving: list[tuple[str, Mapping]] = field(default_factory=list)  # resources that may give properties to templates, and their types
    taken: set[Taken] = field(default_factory=set)
    merged: list[Merged] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    steps: list[tuple[str, Branch]] = field(default_factory=list)
    role_data: Scalar | None = None
    service_name: str = ""
    named_by: str = ""
    sections: set[str] = field(default_factory=set)
    wholes: list[Whole] = field(default_factory=list)
    untold: set[str] = field(default_factory=set)  # the sections of which only a deployment tells what else is merged in
    runs: set[Run] = field(default_factory=set)
    running: set[str] = field(default_factory=set)
    idle: set[str] = field(default_factory=set)

    @property
    def resources(self) -> Mapping:
        """The section `resources`."""
        return self.file.section("resources")


_OF_HIERADATA = ("mapped_data", "datafiles")


def read_parts(file: HeatFile, conditions: Conditions) -> Parts:
    """Return what the template (or hieradata) `file` consists of, under its `conditions`."""
    found = Parts(file)
    if file.form != TEMPLATE:
        if isinstance(file.root, Mapping):
            found.keys += settings(file.root, "hieradata", ())
        return found
    for name, resource in effective(found.resources):
        kind = resource.get("type") if isinstance(resource, Mapping) else None
        if isinstance(resource, Mapping) and isinstance(kind, Scalar):
            found.types[name.value] = kind
            if kind.value.endswith(_TEMPLATES) or kind.value.startswith(NAMED) or kind.value in _MAKERS:
                found.giving.append((kind.value, resource))
    reader = _Reader(found)
    others: list[tuple[Node, str]] = []
    for name, output in effective(file.section("outputs")):
        value = output.get("value") if isinstance(output, Mapping) else None
        if value is None:
            continue
        if name.value == "role_data":
            found.role_data = name
            reader.role_data(value)
        elif name.value in CONFIG:
            reader.config(value, name.value)
        elif name.value in CONTAINERS:
            reader.containers(value)
        elif name.value != "hieradata" and _may_be_settings(value, found):
            others.append((value, name.value))
    for value, place in others:
        reader.output(value, place)
    if not file.telling.isdisjoint(_OF_HIERADATA):
        reader.hieradata()
    reader.resolve(conditions)
    return found


def _may_be_settings(value: Node, found: Parts) -> bool:
    """Return whether an output with a name of its own may be settings: it has keys of classes, or is made of a value that may have them."""
    text = found.file.source.text[value.start : value.end]
    if "::" in text or "get_attr" not in text:
        return "::" in text
    made_of = [found.types.get(part.resource) for part in parts(value) if isinstance(part, Reference)]
    return any(kind is not None and kind.value == _VALUE for kind in made_of)


def _find_value(found: Parts, part: Reference) -> Node | None:
    """Return what the resource of type OS::Heat::Value that a call names in its own template holds; None for all others."""
    resource = found.resources.get(part.resource) if part.path[:1] == ("value",) else None
    properties = resource.get("properties") if isinstance(resource, Mapping) else None
    return properties.get("value") if isinstance(properties, Mapping) else None


_MOST_VALUES = 4  # such resources that are followed one through another


def _follow(found: Parts, value: Node, branch: tuple[str, ...] = (), depth: int = _MOST_VALUES) -> Iterator[Branch | Reference]:
    """Yield the parts of a value, and in the place of a call for what a resource of the template holds, the parts of that."""
    for part in parts(value, branch):
        held = _find_value(found, part) if isinstance(part, Reference) and depth and len(part.path) == 1 else None
        if held is None or not isinstance(part, Reference):
            yield part
        else:
            yield from (_replace_in(each, part.replaced, part.renamed) for each in _follow(found, held, part.branch, depth - 1))


L = TypeVar("L", Key, Taken, Merged)


class _Reader:
    def __init__(self, found: Parts) -> None:
        self._found = found
        self._values: set[str] = set()  # resources of type OS::Heat::Value that are under way
        self._read: set[int] = set()  # where settings stand that are not to be read again, by another alias

    def role_data(self, value: Node) -> None:
        """Read the output `role_data`: a mapping of sections, or a merge with those of another template."""
        for part in parts(value):
            if isinstance(part, Reference):
                if part.path[:1] == ("role_data",):
                    if len(part.path) == 1:
                        self._found.runs |= {Run(part.resource, name, name) for name in RUNNING}
                    if len(part.path) == 1 and not part.branch:
                        self._found.wholes.append(Whole(part.resource, len(self._found.keys), tuple(sorted(self._found.taken))))
                    for name in CONFIG:
                        self._take(part.resource, (name,), name, branch=part.branch)
                    self._found.service_name, self._found.named_by = "", part.resource
                continue
            for key, section in effective(part.node):
                if key.value == "service_name":
                    self._read_name(section)
                elif key.value in CONFIG:
                    for content, branch in when_there(section, part.branch):
                        if not branch:
                            self._drop(key.value)
                            self._found.sections.add(key.value)
                        else:
                            self._leave(key.value, branch)
                        self.config(content, key.value, branch)
                elif key.value in RUNNING:
                    self._run(key.value, section, always=not part.branch)
                    if key.value in CONTAINERS:
                        self.containers(section)

    def _run(self, name: str, section: Node, *, always: bool) -> None:
        """Note what a section runs of others. One that is there in any case stands instead of what came before it."""
        found = self._found
        if always:
            found.runs = {one for one in found.runs if one.into != name}
        empty = isinstance(section, Scalar) and (not section.value or is_null(section))
        (found.idle if empty else found.running).add(name)
        if found.file.source.text.find("role_data", section.start, section.end) < 0:
            return
        for node in walk(section):
            words = get_attr(node) or ()
            if words[1:2] == ("role_data",) and words[2:3] and words[2] in RUNNING:
                found.runs.add(Run(words[0], words[2], name))

    def _read_name(self, value: Node) -> None:
        """Read the name of the service, which may be that of another template."""
        words = get_attr(value) or ()
        self._found.service_name = value.value if isinstance(value, Scalar) else ""
        self._found.named_by = words[0] if words[1:] in (("role_data", "service_name"), ("service_name",)) else ""

    def config(self, value: Node, place: str, branch: tuple[str, ...] = (), service: str = "", around: Reference | None = None) -> None:
        """Read a section of settings; those for the nodes of a `service` are a part of one. What replaces `around` does so in it."""
        for inner in parts(value, branch):
            part = _replace_in(inner, around.replaced, around.renamed) if around is not None else inner
            if isinstance(part, Branch):
                own = settings(part.node, place, part.branch, service, part.replaced, part.renamed)
                self._found.keys += [key for key in own if key.key.start not in self._read] if self._read else own
                self._strays(part, place, service)
                if place == _TO_OTHERS and not service:
                    self._of_services(part)
            elif part.path[:1] in (("role_data",), *((name,) for name in CONFIG)):
                self._take_of(part, place, service)
            else:
                self._attribute(part, place, service)

    def _take_of(self, part: Reference, place: str, service: str) -> None:
        """Note that settings are taken in; what `map_replace` makes of those of another template only a deployment tells."""
        branch = part.branch
        if part.replaced or part.renamed:
            self._found.untold.add(place)
            branch = (*branch, f"map_replace {(*part.replaced, *part.renamed)[0].start}=1")
        self._take(part.resource, part.path, place, service, branch)

    def _drop(self, place: str) -> None:
        """Forget what was read of a section: a later one of the same name replaces all of it, as `map_merge` is not deep."""
        self._found.taken = {one for one in self._found.taken if one.place != place}
        self._keep([key.place != place for key in self._found.keys], place)

    def _leave(self, place: str, branch: tuple[str, ...]) -> None:
        """Note that what was read of a section is only there if a later one of the same name is not, which is so in a `branch`."""
        without = negate(branch) or (f"{'&'.join(branch)}=2".replace(OR, "%7C"),)
        found = self._found

        def left(one: L) -> L:
            return replace(one, branch=both(one.branch, without)) if one.place == place else one

        found.keys = [left(key) for key in found.keys]
        found.taken = {left(one) for one in found.taken}
        found.merged = [left(one) for one in found.merged]
        self._keep([key.place != place or is_possible(frozenset(key.branch)) for key in found.keys], "")

    def _keep(self, kept: list[bool], place: str) -> None:
        """Forget some of the settings, and what is taken into a section."""
        found = self._found
        found.merged = [replace(one, after=sum(kept[: one.after])) for one in found.merged if one.place != place]
        found.wholes = [Whole(w.resource, sum(kept[: w.after]), tuple(one for one in w.taken if one.place != place)) for w in found.wholes]
        found.keys = [key for key, keep in zip(found.keys, kept) if keep]

    def resolve(self, conditions: Conditions) -> None:
        """Put in the place of conditions what they come to, and forget what is never there."""
        found = self._found
        if not any(one.branch for several in (found.keys, found.taken, found.merged) for one in several):
            return

        def within(several: Iterable[L]) -> list[L]:
            ways = [(one, conditions.of(one.branch)) for one in several]
            return [one if one.branch == way else replace(one, branch=way) for one, way in ways if way is not None]

        self._keep([not key.branch or conditions.of(key.branch) is not None for key in found.keys], "")
        found.keys, found.taken, found.merged = within(found.keys), set(within(found.taken)), within(found.merged)
        found.wholes = [Whole(whole.resource, whole.after, tuple(within(whole.taken))) for whole in found.wholes]

    def output(self, value: Node, name: str) -> None:
        """Read an output with a name of its own, which another template may take in by that name."""
        self._read = {key.key.start for key in self._found.keys}
        self.config(value, name)
        self._read = set()

    def _take(self, resource: str, path: tuple[str, ...], place: str, service: str = "", branch: tuple[str, ...] = ()) -> None:
        """Note that settings are taken in; those of a section that is not told may be of any, and for any."""
        section = path[1] if path[:1] == ("role_data",) and len(path) > 1 else path[0]
        if path[0] == "role_data" and section not in CONFIG:
            section = ALL
        if place == _TO_OTHERS and section == place and len(path) > 2 - (path[0] in CONFIG):
            service = service or path[-1]  # a part of them: `[Base, role_data, service_config_settings, nova_api]`
        taken = Taken(resource, section, place, service, branch)
        self._found.taken.add(taken)
        if any(taken in whole.taken for whole in self._found.wholes):  # it is taken in again
            again = self._found.wholes
            self._found.wholes = [Whole(w.resource, w.after, tuple(one for one in w.taken if one != taken)) for w in again]
        if place not in CONFIG[1:]:
            self._found.merged.append(Merged(len(self._found.keys), resource, section, place, branch))

    def _strays(self, part: Branch, place: str, service: str) -> None:
        """Take a `get_attr` beside other keys for what was meant."""
        for key, value in part.node.pairs if len(part.node.content) > 2 else ():
            if key.value == "get_attr" and is_stray(key, value, part.node):
                assert isinstance(value, Sequence)
                words = [item.value if isinstance(item, Scalar) else "" for item in value.items]
                if words and words[0]:
                    section = next((word for word in words if word in CONFIG), ALL)
                    self._found.taken.add(Taken(words[0], section, place, service))

    def _of_services(self, part: Branch) -> None:
        """Each key is a service, its value the settings for the nodes that run it."""
        for key, value in effective(part.node):
            if "::" not in key.value and isinstance(value, Mapping):
                self.config(value, _TO_OTHERS, part.branch, key.value)

    def _attribute(self, part: Reference, place: str, service: str) -> None:
        """Read a resource of type OS::Heat::Value that stands in the same template, or note an output of another one."""
        kind = self._found.types.get(part.resource)
        if (
            kind is not None
            and len(part.path) == 1
            and part.path[0]
            and (kind.value.endswith(_TEMPLATES) or kind.value.startswith(_TRIPLEO))
        ):
            self._take_of(part, place, service)
            return
        if part.resource in self._values:
            return
        value = _find_value(self._found, part)
        if value is None:
            self._found.untold.add(place)
            return
        self._values.add(part.resource)
        self.config(value, place, part.branch, service, part)
        self._values.discard(part.resource)

    def containers(self, value: Node) -> None:
        """Read `docker_config` or `container_config`: steps, each a mapping of containers."""
        for part in _follow(self._found, value):
            if not isinstance(part, Branch):
                continue
            for step, content in effective(part.node):
                for inner in _follow(self._found, content, part.branch):
                    if isinstance(inner, Branch):
                        self._found.steps.append((step.value, inner))

    def hieradata(self) -> None:
        """Read what a resource writes to hieradata on a node: every `mapped_data`, and from pike on each of `datafiles`."""
        for node in walk(self._found.resources):
            if not isinstance(node, Mapping):
                continue
            for key, value in node.pairs:
                if key.value == "mapped_data":
                    self.config(value, "hieradata")
                elif key.value == "datafiles" and isinstance(value, Mapping):
                    for _, content in effective(value):
                        if isinstance(content, Mapping) and content.get("mapped_data") is None and content.get("raw_data") is None:
                            self.config(content, "hieradata")


_REPLACING = ("template", "params")
# the keys of functions, as far as they are nobody else's beside that name
_KEYS = {"str_replace": _REPLACING, "str_replace_strict": _REPLACING, "yaql": ("expression", "data"), "repeat": ("for_each",)}


def is_stray(key: Scalar, value: Node, mapping: Mapping) -> bool:
    """Return whether a key of `mapping` is a function of Heat, by its name and the form of its argument, beside other keys."""
    name = key.value
    if name not in FUNCTIONS or all(other.value == name for other in mapping.keys):
        return False
    if isinstance(value, Sequence):
        return name in LISTED or name in NAMING or (name == "if" and 2 <= len(value.items) <= 3)
    if isinstance(value, Mapping):
        return name in WITH_KEYS and value.get(WITH_KEYS[name]) is not None
    if name in WITH_KEYS:  # its keys stand beside it, not below
        return any(other.value in _KEYS[name] for other in mapping.keys)
    return name in NAMING and name != "get_attr"


def strays(file: HeatFile) -> Iterator[Scalar]:
    """Yield the functions that stand beside other keys anywhere in the resources and outputs of a template, in the order of the text."""
    if not file.mixed:
        return
    seen: set[int] = set()
    todo: list[Node] = [section for name in ("outputs", "resources") if (section := file.top(name)) is not None]
    found: list[Scalar] = []
    while todo:
        node = todo.pop()
        if isinstance(node, Scalar) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Sequence):
            todo += [item for item in node.items if item.__class__ is not Scalar]
            continue
        if len(node.content) > 2 and not FUNCTIONS.isdisjoint([key.value for key in node.keys]):
            found += [
                key for key, value in node.pairs if key.value in FUNCTIONS and is_stray(key, value, node) and not _is_chosen(file, node)
            ]
        todo += [value for value in node.values if value.__class__ is not Scalar]
    yield from sorted(found, key=lambda key: key.start)


def _is_chosen(file: HeatFile, node: Mapping) -> bool:
    """Return whether Jinja decides which of the keys of a mapping there are."""
    masked = file.masked
    return masked is not None and masked.is_decided_between(node.content[0].start, node.content[-2].start)


def settings(
    node: Mapping,
    place: str,
    branch: tuple[str, ...],
    service: str = "",
    replaced: tuple[Node, ...] = (),
    renamed: tuple[Mapping, ...] = (),
) -> Iterator[Key]:
    """Yield the settings in a literal mapping, and those of the `*_config` resources that are written there."""
    for key, given in effective(node):
        name = _rename(key.value, renamed) if renamed else key.value
        for written, there in ((given, branch),) if given.__class__ is Scalar else when_there(given, branch):
            value = put_in(written, replaced) if replaced else written
            yield Key(name, key, value, place, there, service)
            if name.endswith("_config") and "::" in name:
                yield from _of_config(name, value, place, there, service)


_Cases = list[tuple[Node, tuple[str, ...]]]
_MOST_CASES = 64  # of one value that are told apart


def when_there(value: Node, branch: tuple[str, ...] = ()) -> _Cases:
    """Return a value with the conditions under which its key is there: where an `if` has nothing for a case, Heat leaves out the key."""
    cases, _ = _cases(value, branch, _DEPTH)
    return cases if len(cases) <= _MOST_CASES else [(value, branch)]


def _cases(value: Node, branch: tuple[str, ...], depth: int) -> tuple[_Cases, bool]:
    """Return the cases of a choice, one if it has a value for each of them, and whether it has none for some."""
    found = call(value) if depth else None
    items = found[1].items if found is not None and found[0] == "if" and isinstance(found[1], Sequence) else []
    if not 2 <= len(items) <= 3:
        return [(value, branch)], False
    taken, left = read_condition(items[0])
    cases: _Cases = []
    lacks = len(items) == 2 and add_conditions(branch, left) is not None
    for item, way in zip(items[1:], (taken, left)):
        within = add_conditions(branch, way)
        if within is not None:
            more, lacks_more = _cases(item, within, depth - 1)
            cases += more
            lacks = lacks or lacks_more
    return (cases, True) if lacks else ([(value, branch)], False)


def _rename(name: str, renamed: tuple[Mapping, ...]) -> str:
    """Return what a key is called when several `map_replace` have put others in its place."""
    for keys in renamed:
        other = keys.get(name)
        name = other.value if isinstance(other, Scalar) else name
    return name


def _of_config(name: str, value: Node, place: str, branch: tuple[str, ...], service: str) -> Iterator[Key]:
    for part in parts(value, branch):
        if not isinstance(part, Branch):
            continue
        for key, inner in effective(part.node):
            setting = inner.get("value") if isinstance(inner, Mapping) else None
            if setting is not None:
                yield Key(f"{name}/{key.value}", key, setting, place, part.branch, service)


def inputs(found: Parts) -> dict[str, Node]:
    """Return the `input_values` of the deployments in a template, by name."""
    values: dict[str, Node] = {}
    if "input_values" not in found.file.telling:
        return values
    for _, resource in effective(found.resources):
        properties = resource.get("properties") if isinstance(resource, Mapping) else None
        given = properties.get("input_values") if isinstance(properties, Mapping) else None
        if given is not None:
            for part in parts(given):
                if isinstance(part, Branch):
                    values.update((key.value, value) for key, value in effective(part.node) if not found.file.is_open(key, value))
    return values


NAMED = "OS::Trip"  # of TripleO, in whatever letters
# the resources that make others: the property that says of what type, and the one with the properties of these
_MAKERS = MappingProxyType(
    {
        "OS::Heat::ResourceGroup": ("resource_def", "properties"),
        "OS::Heat::AutoScalingGroup": ("resource", "properties"),
        "OS::Heat::ResourceChain": ("resources", "resource_properties"),
    }
)


class Passed(Struct, frozen=True, array_like=True):
    """The properties that a resource gives to the template of its type: each is what a parameter is there, instead of its default.

    There are no `values` where only a deployment tells which properties there are.
    """

    type: str
    values: Optional[tuple[tuple[str, Values], ...]]


def find_passed(found: Parts, scope: Scope) -> Iterator[Passed]:
    """Yield what the resources of a template, and of groups and chains in it, give to other templates."""
    declared = {key.value: schema for key, schema in effective(found.file.section("parameters"))} if found.giving else {}
    for kind, resource in found.giving:
        for of_type, given in _users(kind, resource.get("properties")):
            yield Passed(of_type, _find_given(found.file, given, scope, declared))


def _find_given(
    file: HeatFile, properties: Node | None, scope: Scope, declared: Lookup[str, Node]
) -> tuple[tuple[str, Values], ...] | None:
    if properties is None or (isinstance(properties, Scalar) and is_null(properties)):
        return ()
    found = call(properties)
    if not isinstance(properties, Mapping) or (found is not None and found[0] in FUNCTIONS):
        return None
    told = [(key, value) for key, value in effective(properties) if not _hands_on(key.value, value, declared)]
    return tuple([(k.value, None if file.is_open(k, v) else _hide_values(k.value, possible(v, scope))) for k, v in told])


def _hands_on(name: str, value: Node, declared: Lookup[str, Node]) -> bool:
    """Return whether a property hands on a mapping by its name (`EndpointMap: {get_param: EndpointMap}`), as most do: it is no value."""
    found = call(value)
    if found is None or found[0] != "get_param" or not isinstance(found[1], Scalar) or found[1].value != name:
        return False
    schema = declared.get(name)
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    return isinstance(kind, Scalar) and kind.value == "json"


def _users(kind: str, properties: Node | None) -> Iterator[tuple[str, Node | None]]:
    """Yield the type of each thing that a resource makes, and the properties that it gives it."""
    if kind not in _MAKERS:
        yield kind, properties
        return
    what, given = _MAKERS[kind]
    made = properties.get(what) if isinstance(properties, Mapping) else None
    if isinstance(made, Sequence) and isinstance(properties, Mapping):
        yield from ((item.value, properties.get(given)) for item in made.items if isinstance(item, Scalar))
    elif isinstance(made, Mapping):
        of_type = made.get("type")
        if isinstance(of_type, Scalar):
            yield of_type.value, made.get(given)


def _hide_values(name: str, values: Values) -> Values:
    """Return the values of a property as they may be kept on the disk."""
    if values is None:
        return None
    return tuple(map(conceal, values)) if is_secret(name) else tuple(map(mask_value, values))


def strings(node: Node) -> Iterator[str]:
    """Yield the text of every scalar below `node`, keys included."""
    for below in walk(node):
        if isinstance(below, Scalar):
            yield below.value


# what an init container does: it prepares files for another one, and ends
_PREPARES = pattern(r"^\s*(?:(?:/usr)?/s?bin/)?(?:chown|chmod|mkdir|setfacl|cp|rm|mv|touch|ln|install|chcon|find)\b")
_NEXT = pattern(r"&&|;|\|\||\n")
_SHELL = pattern(r"^(/usr)?(/bin/)?(ba)?sh$")
_BOOTSTRAP = "KOLLA_BOOTSTRAP"
_UNKNOWN = "?"
_ENDING = ("detach", "action", "command")  # which tell whether it ends by itself
_GIVEN = "get_attr"  # a part of what describes the container is an attribute of another resource
_DESCRIBES = frozenset(("image", "command", "restart", "action", "detach", "net", "volumes", "environment"))


class Specified(Struct, frozen=True, array_like=True):
    """A container as its template describes it; `restart` is its policy and the place of it, the rest is as in the fact of that name."""

    name: str
    span: tuple[int, int]
    step: str
    restart: Optional[tuple[str, int, int]]
    policies: Values
    one_shot: str
    command: str


def containers(found: Parts, scope: Scope) -> Iterator[Specified]:
    """Yield the containers of a template, those under `map_merge`, `if` and `<<` included."""
    seen: set[int] = set()
    for step, part in found.steps:
        for name, value in effective(part.node):
            if id(value) in seen:
                continue
            seen.add(id(value))
            pieces = list(_pieces(found, value, part.branch, scope))
            specification = {key: node for piece in pieces for key, node in piece.described.items()}
            if not isinstance(value, Mapping) or specification.keys().isdisjoint(_DESCRIBES):
                continue
            restart = specification.get("restart")
            command = specification.get("command")
            open_ended = {key for key, node in specification.items() if _is_open(found.file, name, node)}
            policies, one_shot = _judge_cases(pieces, scope, open_ended)
            yield Specified(
                name=name.value,
                span=(name.start, name.end),
                step=step,
                restart=(_policy((policies or ("",))[0]), restart.start, restart.end) if restart is not None else None,
                policies=None if policies is None else tuple(_policy(policy) for policy in policies),
                one_shot=one_shot,
                command=mask_value(" ".join(strings(command))) if command is not None else "",
            )


def _is_open(file: HeatFile, name: Scalar, node: Node) -> bool:
    """Return whether only Jinja decides a part of what describes a container; a choice around the whole container is none."""
    return file.masked is not None and file.masked.is_open(node.start, node.end, within=name.start)


def _policy(value: str) -> str:
    """Return the policy as the container engine gets it: unquoted `no` is a truth to YAML."""
    return "no" if value == "false" else value


class _Piece(Struct, frozen=True):
    """A part of what describes a container, by key, and the conditions under which it is one; that of another resource is not told."""

    branch: frozenset[str]
    described: dict[str, Node]


def _pieces(found: Parts, value: Node, branch: tuple[str, ...], scope: Scope) -> Iterator[_Piece]:
    for part in _follow(found, value, branch):
        when = scope.conditions.of(part.branch) if scope.conditions is not None else part.branch
        if when is not None:
            described = {key.value: inner for key, inner in part.pairs()} if isinstance(part, Branch) else {_GIVEN: value}
            yield _Piece(frozenset(when), described)


_MOST_DECIDING = 8  # conditions of one container of which each case is looked at


def _judge_cases(pieces: list[_Piece], scope: Scope, open_ended: set[str]) -> tuple[Values, str]:
    """Return every restart policy that a container can have, and why it ends by itself if it does so in each case.

    A policy is `null` where it may have none and does not end by itself; there are none where it never has one. All is None where only a
    deployment tells of some case. Where the container has no image, it is none.
    """
    names = sorted({way[:-1] for piece in pieces for clause in piece.branch for way in clause.split(OR)})
    has_image = any("image" in piece.described for piece in pieces)
    if len(names) > _MOST_DECIDING:
        return None, ""
    policies: dict[str, None] = {}
    endings: list[str] = []
    for ways in product("12", repeat=len(names)):
        branch = tuple(map(str.__add__, names, ways))
        there: dict[str, Node] = {}
        given = frozenset(branch)
        if not is_possible(given, len(branch)):
            continue
        for piece in pieces:
            if all(not given.isdisjoint(clause.split(OR)) for clause in piece.branch):
                there.update(piece.described)
        if not there or (has_image and "image" not in there):
            continue
        values = possible(there["restart"], scope, branch=branch) if "restart" in there else ()
        ending = _one_shot(there, scope, open_ended) if "restart" not in there else ""
        if values is None or ending == _UNKNOWN or "restart" in open_ended or (not values and not ending and _GIVEN in there):
            return None, ""
        policies.update(dict.fromkeys(values or (() if ending else (NULL,))))
        endings += [ending] if ending else []
    written = [piece.described["restart"] for piece in reversed(pieces) if "restart" in piece.described]
    in_order = [value for node in written for value in possible(node, scope) or ()]
    if not written and not endings:
        return (), ""
    if not policies and endings:
        return (), endings[0]
    return tuple(sorted(policies, key=lambda one: in_order.index(one) if one in in_order else len(in_order))), ""


def _one_shot(specification: dict[str, Node], scope: Scope, open_ended: set[str]) -> str:
    """Return why the container ends by itself; an empty string if it does not, `_UNKNOWN` if only a deployment tells."""
    if not open_ended.isdisjoint(_ENDING):
        return _UNKNOWN
    detach, action = specification.get("detach"), specification.get("action")
    values = possible(detach, scope) if detach is not None else ("true",)
    if values is not None and all(value.lower() in ("false", "no") for value in values):
        return "`detach` is `false`"
    if isinstance(action, Scalar) and action.value == "exec":
        return "`action` is `exec`"
    environment = specification.get("environment")
    if environment is not None and any(word.partition("=")[0] == _BOOTSTRAP for word in strings(environment)):
        return f"`{_BOOTSTRAP}` is set"  # kolla asks whether it is there, not what it is
    return _preparing(specification.get("command")) or ("" if values is not None else _UNKNOWN)


def _preparing(command: Node | None) -> str:
    """Return what a command of an init container does: `['/bin/bash', '-c', 'chown ...']`, with any functions around."""
    if command is None:
        return ""
    words = [word for word in strings(command) if not _is_function(word)]
    while words and (_SHELL.match(words[0]) or words[0].startswith("-")):
        words = words[1:]
    steps = [step for step in _NEXT.split(" ".join(words).strip()) if step.strip()]
    if not steps or not all(_PREPARES.match(step) for step in steps):
        return ""
    return f"its command only prepares files (`{steps[0].split()[0]}`)"


def _is_function(word: str) -> bool:
    return word in ("list_concat", "list_join", "str_replace", "template", "params", "get_param", "get_attr", "if")
