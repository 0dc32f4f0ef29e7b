"""Heat sources -> facts: templates, environments, settings, containers, and how they hang together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from msgspec import Struct

from lwlint.core.catalogue import Catalogue
from lwlint.core.facts import Fact
from lwlint.core.source import Source
from lwlint.inputs.heat.document import ENVIRONMENT, TEMPLATE, uncollected
from lwlint.inputs.heat.facts import Template
from lwlint.inputs.heat.outline import Outlines
from lwlint.inputs.heat.registry import Graph, Judge, Registries, View, core_beside_keepalived, role_data, view_facts
from lwlint.inputs.heat.roles import Roles
from lwlint.inputs.heat.tree import HeatTree, Read, containers, dangling, duplicates, files, hiera_keys, roles, software_configs, strays


def heat_facts(
    sources: Sequence[Source],
    load: Callable[[str], Source | None],
    environments: Sequence[str],
    catalogue: Catalogue,
    outlines: Outlines | None = None,
    jobs: int = 1,
    exists: Callable[[str], bool] | None = None,
) -> Iterator[Fact]:
    """Yield all facts of the Heat files in `sources`, and of the files that they refer to, which `load` reads as context.

    `environments` are the paths of the environments that the user gave, in order: their merged result is judged. Without them each
    environment is judged by itself, over the base registry of its tree. `exists` tells whether there is a file, of whatever kind.
    `outlines` are those that are known already; new ones are added, by as many processes as `jobs` says (0: as many as pay).
    """
    with uncollected():
        tree = HeatTree(sources, load, environments, outlines or Outlines(), exists)
        yield from _facts(tree, environments, catalogue, jobs)


def _facts(tree: HeatTree, environments: Sequence[str], catalogue: Catalogue, jobs: int) -> Iterator[Fact]:
    given: list[Read] = []
    for reading in tree.given(jobs):
        if isinstance(reading, Read):
            given.append(reading)
        else:
            yield reading
    chosen = [file for path in environments if (file := tree.file(path)) is not None]
    judge = Judge(tree, catalogue)
    registries = _Views(tree, chosen)
    graph = Graph(tree, registries.of)
    mapped: set[str] = set()
    for key, make in registries.views(given):
        for told in tree.parts.of(("view", key), partial(_told, make, registries, judge, catalogue)):
            yield from told.facts
            mapped |= told.templates
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
    for file in graph.files():
        if file.form == ENVIRONMENT:  # its settings are in no outline that is asked for
            yield from _template_facts(file, tree, judge)
        else:
            yield from tree.parts.of(("template", file.source.path), partial(_template_facts, file, tree, judge))
    for file in tree.files():
        if file.source.judged:
            yield from tree.parts.of(("file", file.source.path), partial(_own_facts, file, tree, judge))
        if file.form == ENVIRONMENT and file not in chosen:
            yield from hiera_keys(file, file.outline.overrides, in_force=False)
    for file in chosen:
        yield from hiera_keys(file, file.outline.overrides)
    tree.parts.keep()


class _Told(Struct, frozen=True):
    """What a view comes to: its facts, the templates that its environments lead to, and those that may turn keepalived off by a setting."""

    facts: tuple[Fact, ...]
    templates: frozenset[str]
    settings: tuple[str, ...]


def _told(make: Callable[[], View], registries: _Views, judge: Judge, catalogue: Catalogue) -> Iterator[_Told]:
    view = make()
    facts = tuple(view_facts(view, judge, catalogue))
    templates = frozenset(registries.templates(view))
    yield _Told(facts, templates, tuple(file.source.path for file in core_beside_keepalived(view, catalogue)))


def _own_facts(file: Read, tree: HeatTree, judge: Judge) -> Iterator[Fact]:
    """Yield what a file says by itself, or of files that are there or not."""
    tree.note(file.source.path, file)
    yield from duplicates(file)
    yield from files(file, tree)
    yield from dangling(file, tree, file.form == TEMPLATE and judge.under_pacemaker(file.source.path))
    yield from roles(file)


def _template_facts(file: Read, tree: HeatTree, judge: Judge) -> Iterator[Fact]:
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
    yield from hiera_keys(file, file.outline.settings)
    yield from containers(file, service, under)


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

    def templates(self, view: View) -> set[str]:
        """Return the templates that the environments of a view, or the base registry of all, lead to."""
        wanted = view.in_force.values() if view.merged or view.base is None else [e for file in view.own for e in self.all.of(file)]
        finals = {view.resolve(entry).final for entry in wanted}
        return {final for final in finals if final and "::" not in final}

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
