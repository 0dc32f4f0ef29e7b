"""Puppet manifests into facts: resources and constraints of the cluster, classes, options, database connections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lwlint.assemble import manifest_pacemaker as pacemaker
from lwlint.assemble.manifest_databases import databases
from lwlint.assemble.manifest_reading import Declared, Used, read
from lwlint.catalogue import Catalogue
from lwlint.facts import Fact
from lwlint.facts.input import Unreadable
from lwlint.facts.puppet import Manifest, ManifestClass, ManifestConstraint, ManifestOption, ManifestResource
from lwlint.parse.puppet import parse
from lwlint.source import Source


def manifest_facts(sources: Sequence[Source], catalogue: Catalogue) -> Iterator[Fact]:
    """Yield the facts of Puppet manifests, each manifest by itself; what Puppet would refuse is an `Unreadable` at its place."""
    for source in sources:
        yield from _manifest(source, catalogue)


def _manifest(source: Source, catalogue: Catalogue) -> Iterator[Fact]:
    parsed = parse(source.text)
    for broken in parsed.broken:
        yield Unreadable(source.path, source.span(broken.start, broken.end), broken.message, source.host)
    resources: list[ManifestResource] = []
    constraints: list[ManifestConstraint] = []
    classes: list[ManifestClass] = []
    options: list[ManifestOption] = []
    for statement in read(source, parsed.statements):
        if isinstance(statement, Used):
            classes.append(_class(statement, catalogue, source.host))
        elif statement.type == "class":
            classes.append(_declared_class(statement, catalogue, source.host))
        elif pacemaker.makes_resource(statement.type):
            resources.append(pacemaker.resource(statement, catalogue, source.host))
        elif pacemaker.makes_constraint(statement.type):
            constraints.append(pacemaker.constraint(statement, catalogue, source.host))
        elif statement.type.endswith("_config"):
            options.append(_option(statement, source.host))
    yield Manifest(source.path, source.span(0, 0), source.host, len(classes))
    yield from resources
    yield from (pacemaker.joined(constraint, resources) for constraint in constraints)
    yield from classes
    yield from options
    yield from databases(classes, options, catalogue)


def _class(used: Used, catalogue: Catalogue, host: str) -> ManifestClass:
    title = used.title
    return ManifestClass(title.value, title.span, used.how, host, used.conditional, (), catalogue.of_profile(title.value))


def _declared_class(declared: Declared, catalogue: Catalogue, host: str) -> ManifestClass:
    title, settings = declared.title, tuple(declared.settings.values())
    return ManifestClass(title.value, title.span, "class", host, declared.conditional, settings, catalogue.of_profile(title.value))


def _option(declared: Declared, host: str) -> ManifestOption:
    title, value = declared.title, declared.settings.get("value")
    section, _, option = title.value.rpartition("/")
    ensure = declared.settings.get("ensure")
    return ManifestOption(
        name=f"{declared.type} {title.value}",
        span=title.span if value is None else value.span,
        config=declared.type,
        section=section or "DEFAULT",
        option=option,
        value=None if value is None else value.value,
        written="" if value is None else value.written,
        host=host,
        absent=ensure is not None and ensure.value == "absent",
    )
