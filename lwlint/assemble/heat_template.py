"""One template: its resources, the settings it makes, and those it takes in from others."""

from __future__ import annotations

from collections.abc import Iterator

from lwlint.assemble.heat_functions import Branch, Reference, call, parts
from lwlint.parse.heat import TEMPLATE, HeatFile
from lwlint.parse.heat_nodes import Mapping, Node, Scalar, Sequence, effective, walk
from lwlint.record import dataclass, field

CONFIG = ("config_settings", "service_config_settings", "global_config_settings")
CONTAINERS = ("docker_config", "container_config")
_MERGING = ("get_attr", "map_merge", "if")  # functions whose settings are lost where they stand beside other keys


@dataclass(frozen=True)
class Key:
    """A setting as written; `place` is its section, `branch` the conditions on the way to it."""

    name: str
    key: Scalar
    value: Node
    place: str
    branch: tuple[str, ...]


@dataclass
class Parts:
    """What a template consists of. `types` are the types of its resources, `taken` those whose settings it takes in.

    `merged` tells where it takes them in: after how many of its own `keys`, and which resource. `stray` are functions that stand beside
    other keys: Heat takes them for keys. `steps` are the mappings of containers (a container's name -> what it is), with the name of
    their step.
    """

    file: HeatFile
    types: dict[str, Scalar] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    merged: list[tuple[int, str]] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    steps: list[tuple[str, Mapping]] = field(default_factory=list)
    role_data: Scalar | None = None
    stray: list[Scalar] = field(default_factory=list)

    @property
    def resources(self) -> Mapping:
        """The section `resources`."""
        return self.file.section("resources")


def read_parts(file: HeatFile) -> Parts:
    """Return what the template (or hieradata) `file` consists of."""
    found = Parts(file)
    if file.form != TEMPLATE:
        if isinstance(file.root, Mapping):
            found.keys += settings(file.root, "hieradata", ())
        return found
    for name, resource in effective(found.resources):
        kind = resource.get("type") if isinstance(resource, Mapping) else None
        if isinstance(kind, Scalar):
            found.types[name.value] = kind
    reader = _Reader(found)
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
    if "mapped_data" in file.source.text:
        reader.hieradata()
    return found


class _Reader:
    def __init__(self, found: Parts) -> None:
        self._found = found
        self._values: set[str] = set()  # resources of type OS::Heat::Value that are under way

    def role_data(self, value: Node) -> None:
        """Read the output `role_data`: a mapping of sections, or a merge with those of another template."""
        for part in parts(value):
            if isinstance(part, Reference):
                if part.path[:1] == ("role_data",):
                    self._take(part.resource, CONFIG[0])
                continue
            for key, section in effective(part.node):
                if key.value in CONFIG:
                    self.config(section, key.value, part.branch)
                elif key.value in CONTAINERS:
                    self.containers(section)

    def config(self, value: Node, place: str, branch: tuple[str, ...] = ()) -> None:
        """Read a section of settings."""
        for part in parts(value, branch):
            if isinstance(part, Branch):
                self._found.keys += settings(part.node, place, part.branch)
                self._strays(part)
                if place == "service_config_settings":
                    self._of_services(part)
            elif part.path[:1] in (("role_data",), *((name,) for name in CONFIG)):
                self._take(part.resource, place)
            else:
                self._attribute(part, place)

    def _take(self, resource: str, place: str) -> None:
        self._found.taken.add(resource)
        if place == CONFIG[0]:
            self._found.merged.append((len(self._found.keys), resource))

    def _strays(self, part: Branch) -> None:
        """Keep functions beside other keys to be told; a `get_attr` is taken for what was meant."""
        for key, value in part.node.pairs:
            if key.value not in _MERGING or not isinstance(value, Sequence) or all(k.value == key.value for k, _ in part.node.pairs):
                continue
            self._found.stray.append(key)
            if key.value == "get_attr" and value.items and isinstance(value.items[0], Scalar):
                self._found.taken.add(value.items[0].value)

    def _of_services(self, part: Branch) -> None:
        """Each key is a service, its value the settings for the nodes that run it."""
        for key, value in effective(part.node):
            if "::" not in key.value and isinstance(value, Mapping):
                self.config(value, "service_config_settings.", part.branch)

    def _attribute(self, part: Reference, place: str) -> None:
        """Read a resource of type OS::Heat::Value that stands in the same template."""
        resource = self._found.resources.get(part.resource)
        if part.resource in self._values or not isinstance(resource, Mapping) or part.path[:1] != ("value",):
            return
        self._values.add(part.resource)
        properties = resource.get("properties")
        value = properties.get("value") if isinstance(properties, Mapping) else None
        if value is not None:
            self.config(value, place, part.branch)
        self._values.discard(part.resource)

    def containers(self, value: Node) -> None:
        """Read `docker_config` or `container_config`: steps, each a mapping of containers."""
        for part in parts(value):
            if not isinstance(part, Branch):
                continue
            for step, content in effective(part.node):
                for inner in parts(content):
                    if isinstance(inner, Branch):
                        self._found.steps.append((step.value, inner.node))

    def hieradata(self) -> None:
        """Read what a resource writes to hieradata on a node: every `mapped_data`, and the sections of `datafiles` or `hieradata`."""
        for node in walk(self._found.resources):
            if not isinstance(node, Mapping):
                continue
            for key, value in node.pairs:
                if key.value == "mapped_data":
                    self.config(value, "hieradata")


def settings(node: Mapping, place: str, branch: tuple[str, ...]) -> Iterator[Key]:
    """Yield the settings in a literal mapping, and those of the `*_config` resources that are written there."""
    for key, value in effective(node):
        yield Key(key.value, key, value, place.rstrip("."), branch)
        if key.value.endswith("_config") and "::" in key.value:
            yield from _of_config(key.value, value, place.rstrip("."), branch)


def _of_config(name: str, value: Node, place: str, branch: tuple[str, ...]) -> Iterator[Key]:
    for part in parts(value, branch):
        if not isinstance(part, Branch):
            continue
        for key, inner in effective(part.node):
            setting = inner.get("value") if isinstance(inner, Mapping) else None
            if setting is not None:
                yield Key(f"{name}/{key.value}", key, setting, place, part.branch)


def inputs(found: Parts) -> dict[str, Node]:
    """Return the `input_values` of the deployments in a template, by name."""
    values: dict[str, Node] = {}
    if "input_values" not in found.file.source.text:
        return values
    for _, resource in effective(found.resources):
        properties = resource.get("properties") if isinstance(resource, Mapping) else None
        given = properties.get("input_values") if isinstance(properties, Mapping) else None
        if given is not None:
            for part in parts(given):
                if isinstance(part, Branch):
                    values.update((key.value, value) for key, value in effective(part.node))
    return values


def get_files(file: HeatFile) -> Iterator[Scalar]:
    """Yield the argument of every `get_file`, in the order of the text."""
    if "get_file" not in file.source.text:
        return
    seen: set[int] = set()
    todo = [file.root]
    while todo:
        node = todo.pop()
        if id(node) in seen:  # by an alias
            continue
        seen.add(id(node))
        if isinstance(node, Mapping):
            found = call(node)
            if found is not None and found[0] == "get_file" and isinstance(found[1], Scalar):
                yield found[1]
            todo += [value for _, value in reversed(node.pairs) if value.__class__ is not Scalar]
        elif isinstance(node, Sequence):
            todo += [item for item in reversed(node.items) if item.__class__ is not Scalar]


def strings(node: Node) -> Iterator[str]:
    """Yield the text of every scalar below `node`, keys included."""
    for below in walk(node):
        if isinstance(below, Scalar):
            yield below.value
