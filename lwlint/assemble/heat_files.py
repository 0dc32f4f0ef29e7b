"""What can be said of one Heat file by itself: what it reads, what it repeats, what it misses, what it overrides."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from lwlint.assemble.heat_keys import Parameters, hiera_key
from lwlint.assemble.heat_registry import read_entries
from lwlint.assemble.heat_template import Parts, get_files, settings
from lwlint.assemble.heat_tree import HeatTree
from lwlint.facts.heat import DanglingReference, DuplicateKey, GetFile, HieraKey, Role, SoftwareConfig
from lwlint.parse.heat import ENVIRONMENT, ROLES, TEMPLATE, HeatFile
from lwlint.parse.heat_nodes import Mapping, Scalar, Sequence, effective, walk
from lwlint.parse.heat_values import same

_CONFIGS = ("OS::Heat::SoftwareConfig", "OS::Heat::StructuredConfig")
_DESCRIBING = ("type", "description", "label", "hidden", "tags", "constraints", "immutable")


def files(file: HeatFile, tree: HeatTree) -> Iterator[GetFile]:
    """Yield the files that a template reads with `get_file`."""
    for scalar in get_files(file):
        target = scalar.value
        if "://" in target or (file.masked is not None and file.masked.is_generated(scalar.start, scalar.end)):
            continue
        path = tree.installed(file.source.path, target) or posixpath.normpath(posixpath.join(posixpath.dirname(file.source.path), target))
        yield GetFile(path, file.span(scalar), target, file.source.host)


def software_configs(parts: Parts) -> Iterator[SoftwareConfig]:
    """Yield the software configurations among the resources of a template."""
    for name, resource in effective(parts.resources) if any(kind.value in _CONFIGS for kind in parts.types.values()) else ():
        kind = parts.types.get(name.value)
        if kind is None or kind.value not in _CONFIGS or not isinstance(resource, Mapping):
            continue
        properties = resource.get("properties")
        group = properties.get("group") if isinstance(properties, Mapping) else None
        shown = group.value if isinstance(group, Scalar) else ""
        yield SoftwareConfig(name.value, parts.file.span(name), kind.value, shown, parts.file.source.host)


def duplicates(file: HeatFile) -> Iterator[DuplicateKey]:
    """Yield the keys that stand twice in one mapping; of Jinja only where no statement may leave one of them out."""
    schemas: set[int] | None = None
    for duplicate in file.duplicates:
        (first, lost), (key, value) = duplicate.dropped, duplicate.kept
        masked = file.masked
        if masked is not None and (masked.decided_between(first.start, key.start) or masked.is_generated(key.start, key.end)):
            continue
        if schemas is None:
            schemas = {id(schema) for _, schema in file.section("parameters").pairs} if file.form == TEMPLATE else set()
        yield DuplicateKey(
            name=key.value,
            span=file.span(key),
            dropped=file.span(first),
            differs=not same(lost, value),
            schema=id(duplicate.mapping) in schemas and key.value in _DESCRIBING,
            host=file.source.host,
        )


def dangling(file: HeatFile, tree: HeatTree) -> Iterator[DanglingReference]:
    """Yield the references of a registry, or of the types of resources, to templates that do not exist."""
    references = list(_references(file))
    missing = []
    found = False
    for name, target in references:
        path = tree.resolve(file.source.path, target.value)
        if path is None or (file.masked is not None and file.masked.is_generated(target.start, target.end)):
            continue
        if tree.find(path) is not None:
            found = True
            if tree.installed(file.source.path, target.value) is not None:
                yield DanglingReference(target.value, file.span(target), name.value, path, False, True, file.source.host)
        elif not tree.is_generated(path):
            missing.append((name, target, path))
    lone = bool(missing) and not found and tree.root(file.source.path) is None
    for name, target, path in missing:
        yield DanglingReference(target.value, file.span(target), name.value, path, lone, False, file.source.host)


def _references(file: HeatFile) -> Iterator[tuple[Scalar, Scalar]]:
    if file.form == ENVIRONMENT:
        for entry in read_entries(file):
            if isinstance(entry.target, Scalar):
                yield entry.alias, entry.target
    elif file.form == TEMPLATE:
        for name, resource in effective(file.section("resources")):
            kind = resource.get("type") if isinstance(resource, Mapping) else None
            if isinstance(kind, Scalar):
                yield name, kind
    elif file.top("topics") is not None:
        for node in walk(file.top("topics")):
            for key, value in node.pairs if isinstance(node, Mapping) else ():
                if key.value == "file" and isinstance(value, Scalar):
                    yield key, value


def roles(file: HeatFile) -> Iterator[Role]:
    """Yield the roles of a roles data file."""
    for item in file.root.items if file.form == ROLES and isinstance(file.root, Sequence) else ():
        name, services = (item.get("name"), item.get("ServicesDefault")) if isinstance(item, Mapping) else (None, None)
        if isinstance(name, Scalar) and isinstance(services, Sequence):
            aliases = tuple(alias.value for alias in services.items if isinstance(alias, Scalar))
            yield Role(name.value, file.span(name), aliases, file.source.host)


def overrides(file: HeatFile, parameters: Parameters, *, in_force: bool) -> Iterator[HieraKey]:
    """Yield the settings that an environment puts over those of all templates (`ExtraConfig`, `ControllerExtraConfig`)."""
    scope = parameters.scope(Parts(file))
    for section in ("parameter_defaults", "parameters"):
        for name, value in effective(file.section(section)):
            if name.value.lower().endswith("extraconfig") and isinstance(value, Mapping):
                for key in settings(value, name.value, ()):
                    yield hiera_key(file, key, scope, in_force)
