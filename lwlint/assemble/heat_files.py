"""What can be said of one Heat file by itself: what it reads, what it repeats, what it misses, what it sets."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from lwlint.assemble.heat_outline import Setting
from lwlint.assemble.heat_tree import HeatTree, Read
from lwlint.facts.heat import Container, DanglingReference, DuplicateKey, GetFile, HieraKey, Role, SoftwareConfig, StrayFunction
from lwlint.facts.service import Service
from lwlint.source import Span, Text


def files(file: Read, tree: HeatTree) -> Iterator[GetFile]:
    """Yield the files that a template reads with `get_file`."""
    own = file.source.path
    for target, place in file.outline.gets:
        path = tree.installed(own, target) or posixpath.normpath(posixpath.join(posixpath.dirname(own), target))
        yield GetFile(path, file.span(place), target, file.source.host)


def software_configs(file: Read) -> Iterator[SoftwareConfig]:
    """Yield the software configurations among the resources of a template."""
    for name, place, kind, group in file.outline.configs:
        yield SoftwareConfig(name, file.span(place), kind, group, file.source.host)


def strays(file: Read) -> Iterator[StrayFunction]:
    """Yield the functions of a template that stand beside other keys."""
    for name, place in file.outline.stray:
        yield StrayFunction(name, file.span(place), file.source.host)


def duplicates(file: Read) -> Iterator[DuplicateKey]:
    """Yield the keys that stand twice in one mapping."""
    for one in file.outline.repeated:
        yield DuplicateKey(one.name, file.span(one.span), file.span(one.dropped), one.differs, one.schema, file.source.host)


def dangling(file: Read, tree: HeatTree) -> Iterator[DanglingReference]:
    """Yield the references of a registry, or of the types of resources, to templates that do not exist."""
    missing = []
    found = False
    for name, target, place in file.outline.references:
        path = tree.resolve(file.source.path, target)
        if path is None:
            continue
        if tree.find(path) is not None:
            found = True
            if tree.installed(file.source.path, target) is not None:
                yield DanglingReference(target, file.span(place), name, path, False, True, file.source.host)
        elif not tree.is_generated(path):
            missing.append((name, target, place, path))
    lone = bool(missing) and not found and tree.root(file.source.path) is None
    for name, target, place, path in missing:
        yield DanglingReference(target, file.span(place), name, path, lone, False, file.source.host)


def roles(file: Read) -> Iterator[Role]:
    """Yield the roles of a roles data file."""
    for name, place, services in file.outline.roles:
        yield Role(name, file.span(place), services, file.source.host)


def hiera_keys(file: Read, settings: tuple[Setting, ...], *, in_force: bool = True) -> Iterator[HieraKey]:
    """Yield the settings of a template, of hieradata, or of an environment's overrides."""
    path, host = file.source.path, file.source.host
    for name, span, place, branch, values, at in settings:
        yield HieraKey(name, Span(path, *span), path, values, Span(path, *at), place, branch, in_force, host)


def containers(file: Read, service: Service | None, under_pacemaker: bool) -> Iterator[Container]:
    """Yield the containers that a template starts."""
    for name, span, step, restart, policies, one_shot, command in file.outline.containers:
        text = Text(restart[0], file.span(restart[1:])) if restart is not None else None
        yield Container(name, file.span(span), step, text, policies, one_shot, command, service, under_pacemaker, file.source.host)
