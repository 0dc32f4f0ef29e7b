"""Heat sources -> facts: templates, environments, settings, containers, the services of roles, and how they hang together."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Optional

from msgspec import Struct

from lwlint.core.catalogue import Catalogue
from lwlint.core.facts import Fact, Release, Service
from lwlint.core.source import Source, Span
from lwlint.inputs.heat.document import ENVIRONMENT, ROLES, TEMPLATE, pause_collector
from lwlint.inputs.heat.facts import NONE, RoleService, Template
from lwlint.inputs.heat.outline import Listed, Noted, Outlines
from lwlint.inputs.heat.registry import PACEMAKER, Given, Graph, Judge, Registries, View, core_beside_keepalived, role_data, view_facts
from lwlint.inputs.heat.tree import (
    HeatTree,
    Read,
    containers,
    dangling,
    duplicates,
    environments_of,
    files,
    hiera_keys,
    roles,
    software_configs,
    strays,
)

_SERVICE = "os::tripleo::services::"
_MERGED_BY_HEAT = "wallaby"  # from this release on tripleoclient gives Heat the environments one by one
_CLUSTER = (f"{_SERVICE}pacemaker", f"{_SERVICE}pacemakerremote")
# the environments of tripleo-heat-templates that put the core under Pacemaker, up to train; later base registries do so themselves
_HIGH_AVAILABILITY = ("environments/docker-ha.yaml", "environments/puppet-pacemaker.yaml")


# whether anything maps the alias of a service, what puts it under Pacemaker and whether that may be left out, and the service
_OfAlias = tuple[Optional[bool], str, bool, Optional[Service]]


class Roles:
    """The registries by which the services of roles are judged: those that were given with `-e`, or all that their tree offers."""

    def __init__(
        self, tree: HeatTree, registries: Registries, chosen: Sequence[Read], given: Sequence[Read], judge: Judge, catalogue: Catalogue
    ) -> None:
        self._tree = tree
        self._registries = registries
        self._chosen = tuple(chosen)
        self._given = [file for file in given if file.form == ENVIRONMENT]
        self._judge = judge
        self._catalogue = catalogue
        self._candidates: dict[str, tuple[list[Read], Noted]] = {}
        self._known: dict[tuple[str, ...], View] = {}
        self._aliases: dict[tuple[object, ...], tuple[object, dict[str, _OfAlias]]] = {}  # by base and views, which are kept with it

    def may_have(self, file: Read) -> bool:
        """Return whether there may be services of roles in a file."""
        return file.form in (ROLES, ENVIRONMENT) and bool(file.outline.roles)

    def services(self, file: Read, registry: Callable[[str], View | None]) -> Iterator[RoleService]:
        """Yield every service in the roles of `file`, be it roles data or an environment; `registry` gives the one in force for a path."""
        if not self.may_have(file):
            return
        if self._chosen and file.form == ENVIRONMENT and file not in self._chosen:
            return  # it is not given, so that its parameters are nobody's
        for own in (file, *self._chosen):
            self._tree.note(own.source.path, own)
        number = max((number for number, other in enumerate(self._chosen) if other is file), default=-1)
        named = {role.name for other in self._chosen for role in other.outline.roles} if file.form == ROLES else set()
        views = list(self._views(file, registry))
        known = self._aliases_of(file, views)
        for role in file.outline.roles:
            if role.name in named or self._tree.is_replaced(number, role.span):
                continue  # the list of an environment stands instead of it
            if any(alias.lower().startswith(_SERVICE) for alias, _ in role.services):
                yield from self._role(file, role, views, known)

    def _aliases_of(self, file: Read, views: list[tuple[View, str]]) -> dict[str, _OfAlias]:
        """Return what is known of aliases in these registries, which most roles data of a tree have in common, to be added to."""
        if self._tree.parts.noting:  # each file that tells is to be noted
            return {}
        base = self._tree.base(file.source.path)
        key = (base.source.path if base is not None else "", *(id(view) for view, _ in views))
        return self._aliases.setdefault(key, (views, {}))[1]

    def _role(self, file: Read, role: Listed, views: list[tuple[View, str]], known: dict[str, _OfAlias]) -> Iterator[RoleService]:
        named = [alias for alias, _ in role.services if alias.lower() in _CLUSTER]
        off = bool(named and self._chosen and views) and all(views[0][0].final(alias) == NONE for alias in named)
        seen: dict[str, Span] = {}
        for alias, place in role.services:
            if alias not in known:
                known[alias] = self._of_alias(file, alias, views)
            mapped, by, optional, service = known[alias]
            span = file.span(place)
            yield RoleService(
                name=alias,
                span=span,
                role=role.name,
                first=seen.get(alias),
                mapped=mapped,
                beside=bool(named) and not off,
                under_pacemaker=by,
                optional=optional,
                whole=bool(views),
                service=service,
                host=file.source.host,
                pacemaker_off=off,
            )
            seen.setdefault(alias, span)

    def _of_alias(self, file: Read, alias: str, views: list[tuple[View, str]]) -> _OfAlias:
        return (self._is_mapped(file, alias, views), *self._under_pacemaker(alias, views), self._catalogue.of_alias(alias))

    def _under_pacemaker(self, alias: str, views: list[tuple[View, str]]) -> tuple[str, bool]:
        """Return what maps the service to a template that puts it under Pacemaker, and whether that may be left out."""
        for view, optional in views:
            entry = view.mapping(alias)
            final = view.resolve(entry).final if entry is not None else ""
            if entry is not None and final and "::" not in final and self._judge.under_pacemaker(final):
                return optional or entry.file.source.path, bool(optional)
        return "", False

    def _views(self, file: Read, registry: Callable[[str], View | None]) -> Iterator[tuple[View, str]]:
        """Yield the registries for the roles of `file`, each with the environment that may or may not be used, if any."""
        path = file.source.path
        if self._chosen:
            merged = registry(path)
            if merged is not None:
                yield merged, ""
            return
        base = self._tree.base(path)
        own = (file,) if file.form == ENVIRONMENT else ()
        if base is None and not any(self._registries.of(one) for one in own):
            return
        yield self._view(base, own), ""
        if any(entry.alias == PACEMAKER for one in own for entry in self._registries.of(one)):
            return  # it says itself whether Pacemaker is on
        for other in self._available(path):
            if other is not file:
                yield self._view(base, (other, *own)), other.source.path

    def _view(self, base: Read | None, own: tuple[Read, ...]) -> View:
        """Return the registry of these environments: one for all roles data that none of them is."""
        key = (base.source.path if base is not None else "", *(file.source.path for file in own))
        if key not in self._known or self._tree.parts.noting:  # each file that it is made of is to be noted
            self._known[key] = View(self._tree, self._registries, base, own)
        return self._known[key]

    def _available(self, path: str) -> list[Read]:
        """Return the environments of the tree that put its core under Pacemaker and name no services of roles themselves."""
        root = self._tree.root(path)
        if root is None:
            return []
        if root not in self._candidates:
            self._candidates[root] = self._tree.parts.make(lambda: self._all_available(root))
        found, noted = self._candidates[root]
        self._tree.parts.add(noted)
        return found

    def _all_available(self, root: str) -> list[Read]:
        known = (self._tree.file(posixpath.join(root, name)) for name in _HIGH_AVAILABILITY)
        near = (file for file in self._given if self._tree.root(file.source.path) == root)
        every = {file.source.path: file for file in (*known, *near) if file is not None}
        return [file for file in every.values() if self._turns_on(file)]

    def _turns_on(self, file: Read) -> bool:
        """Return whether an environment turns Pacemaker on and puts a core service under it, in its own entries."""
        entries = self._registries.by_alias(file)  # which notes the file
        if file.outline.roles or not any(alias.lower() == PACEMAKER.lower() for alias in entries):
            return False
        view = View(self._tree, self._registries, self._tree.base(file.source.path), (file,))
        if view.pacemaker() is None:
            return False
        core = (alias for alias in entries if (service := self._catalogue.of_alias(alias)) is not None and service.is_core)
        return any((final := view.final(alias)) and "::" not in final and self._judge.under_pacemaker(final) for alias in core)

    def _is_mapped(self, file: Read, alias: str, views: list[tuple[View, str]]) -> bool | None:
        """Return whether anything maps the alias; None where not all that may do so was read."""
        if any(view.maps(alias) for view, _ in views):
            return True
        if any(alias in self._registries.by_alias(other) for other in self._given):
            return True
        base = self._tree.base(file.source.path)
        return False if base is not None and base.source.judged else None


def heat_facts(
    sources: Sequence[Source],
    load: Callable[[str], Source | None],
    environments: Sequence[str],
    catalogue: Catalogue,
    outlines: Outlines | None = None,
    jobs: int = 1,
    exists: Callable[[str], bool] | None = None,
    release: Release | None = None,
) -> Iterator[Fact]:
    """Yield all facts of the Heat files in `sources`, and of the files that they refer to, which `load` reads as context.

    `environments` are the paths of the environments that the user gave, in order: their merged result is judged, that of a plan by the
    environments that it names and its own parameters. Without them each
    environment is judged by itself, over the base registry of its tree. `exists` tells whether there is a file, of whatever kind.
    `outlines` are those that are known already; new ones are added, by as many processes as `jobs` says (0: as many as pay). The `release`
    tells by whom the environments are merged.
    """
    by_heat = release is not None and release.at_least(_MERGED_BY_HEAT) is True
    with pause_collector():
        environments = environments_of(environments, sources, load, exists)
        tree = HeatTree(sources, load, environments, outlines or Outlines(), exists, by_heat=by_heat)
        yield from _facts(tree, environments, catalogue, jobs)


def _facts(tree: HeatTree, environments: Sequence[str], catalogue: Catalogue, jobs: int) -> Iterator[Fact]:
    given: list[Read] = []
    for reading in tree.read_given(jobs):
        if isinstance(reading, Read):
            given.append(reading)
        else:
            yield reading
    chosen = [file for path in environments if (file := tree.file(path)) is not None]
    yield from {file.source.path: refused for file in chosen if (refused := tree.refuse_environment(file)) is not None}.values()
    registries = _Views(tree, chosen)
    judge = Judge(tree, catalogue, registries.of)
    graph = Graph(tree, registries.of)
    mapped: set[str] = set()
    deployed: set[str] = set()
    for key, make in registries.views(given):
        for told in tree.parts.of(("view", key), partial(_read_view, make, registries, judge, catalogue)):
            yield from told.facts
            mapped |= told.templates
            deployed |= told.services
            for path in told.settings:
                if (core := tree.file(path)) is not None:
                    graph.add(core)
    for file in given:
        if file.form != ENVIRONMENT:
            graph.add(file)
    yield from role_data(graph, tree, mapped, catalogue)
    in_roles = Roles(tree, registries.all, chosen, given, judge, catalogue)
    for file in tree.files():
        if file.source.judged and in_roles.may_have(file):
            yield from tree.parts.of(("roles", file.source.path), partial(in_roles.services, file, registries.of))
    passed = graph.find_passed(deployed)
    for file in graph.files():
        path = file.source.path
        if file.form == ENVIRONMENT:  # its settings are in no outline that is asked for
            yield from _template_facts(file, tree, judge, graph, ())
        else:
            values = passed.get(path, ())
            yield from tree.parts.of(("template", path, values), partial(_template_facts, file, tree, judge, graph, values))
    for file in tree.files():
        if file.source.judged:
            yield from tree.parts.of(("file", file.source.path), partial(_read_own_facts, file, tree, judge))
        if file.form == ENVIRONMENT and file not in chosen:
            yield from hiera_keys(file, file.outline.overrides, in_force=False)
    for number, file in enumerate(chosen):
        kept, lost = tree.overrides(number, file)
        yield from hiera_keys(file, lost, in_force=False)
        yield from hiera_keys(file, kept)
    tree.parts.keep()


class _Told(Struct, frozen=True):
    """What a view comes to: its facts, and templates.

    These are those that its environments lead to, those of them that are `services`, and those that may turn keepalived off by a setting.
    """

    facts: tuple[Fact, ...]
    templates: frozenset[str]
    services: frozenset[str]
    settings: tuple[str, ...]


def _read_view(make: Callable[[], View], registries: _Views, judge: Judge, catalogue: Catalogue) -> Iterator[_Told]:
    view = make()
    facts = tuple(view_facts(view, judge, catalogue))
    templates, services = registries.templates(view)
    yield _Told(facts, templates, services, tuple(file.source.path for file in core_beside_keepalived(view, catalogue)))


def _read_own_facts(file: Read, tree: HeatTree, judge: Judge) -> Iterator[Fact]:
    """Yield what a file says by itself, or of files that are there or not."""
    tree.note(file.source.path, file)
    yield from duplicates(file)
    yield from files(file, tree)
    yield from dangling(file, tree, file.form == TEMPLATE and judge.under_pacemaker(file.source.path))
    yield from roles(file)


def _template_facts(file: Read, tree: HeatTree, judge: Judge, graph: Graph, given: Given) -> Iterator[Fact]:
    path = file.source.path
    tree.note(path, file)
    under = False
    service = None
    if file.form == TEMPLATE:
        service = judge.service(path)
        under = judge.under_pacemaker(path)
        yield Template(path, file.span(file.outline.first or (0, 0)), service, judge.profiles(path), under, file.source.host)
        yield from software_configs(file)
        yield from strays(file)
    as_given = tree.with_passed(file, given)
    yield from hiera_keys(file, graph.settings(path, as_given if given else None))
    yield from containers(as_given, service, under)


class _Views:
    """The views of a run: one over all chosen environments, or one for each environment."""

    def __init__(self, tree: HeatTree, chosen: Sequence[Read]) -> None:
        self._tree = tree
        self._chosen = tuple(chosen)
        self.all = Registries(tree)
        self._merged = View(tree, self.all, tree.base(chosen[0].source.path), self._chosen, merged=True) if chosen else None
        self._bases: dict[str, View] = {}

    def views(self, given: Sequence[Read]) -> Iterator[tuple[str, Callable[[], View]]]:
        """Yield every view that is to be judged: what it is known by, and what makes it."""
        if self._merged is not None:
            yield "", partial(self._of_chosen, self._merged)
            return
        for file in given:
            if file.form == ENVIRONMENT and file.source.judged:
                yield file.source.path, partial(self._of_one, file)

    def _of_chosen(self, merged: View) -> View:
        for file in self._chosen:
            self._tree.note(file.source.path, file)
        self._tree.base(self._chosen[0].source.path)
        return merged

    def _of_one(self, file: Read) -> View:
        self._tree.note(file.source.path, file)
        base = self._tree.base(file.source.path)
        return View(self._tree, self.all, base if base is not file else None, (file,))

    def templates(self, view: View) -> tuple[frozenset[str], frozenset[str]]:
        """Return the templates that the environments of a view, or the base registry of all, lead to, and those that are of services."""
        wanted = view.in_force.values() if view.merged or view.base is None else [e for file in view.own for e in self.all.of(file)]
        ends = [(entry.alias, view.resolve(entry).final) for entry in wanted]
        found = frozenset([final for _, final in ends if final and "::" not in final])
        return found, found.intersection([final for alias, final in ends if alias.lower().startswith(_SERVICE)])

    def of(self, path: str) -> View | None:
        """Return the registry by which the template at `path` finds its types."""
        if self._merged is not None:
            return self._of_chosen(self._merged)
        base = self._tree.base(path)
        if base is None:
            return None
        if base.source.path not in self._bases:
            self._bases[base.source.path] = View(self._tree, self.all, None, (base,))
        return self._bases[base.source.path]
