"""Which templates take in whose settings, in both directions."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator

from lwlint.assemble.heat_registry import View
from lwlint.assemble.heat_template import CONFIG, Key, Parts, read_parts
from lwlint.assemble.heat_tree import HeatTree
from lwlint.catalogue import Catalogue
from lwlint.facts.heat import RoleData
from lwlint.parse.heat import TEMPLATE, HeatFile
from lwlint.source import Span

Placed = tuple[Parts, Key]


class Graph:
    """The templates of a run, and the edges `takes in the settings of` between them."""

    def __init__(self, tree: HeatTree, registry: Callable[[str], View | None]) -> None:
        self._tree = tree
        self._registry = registry
        self._parts: dict[str, Parts] = {}
        self._edges: dict[str, tuple[str, ...]] = {}
        self._orders: dict[str, list[Placed]] = {}

    def add(self, file: HeatFile) -> Parts:
        """Return the parts of `file`, read once."""
        path = file.source.path
        if path not in self._parts:
            self._parts[path] = read_parts(file)
        return self._parts[path]

    def parts(self) -> list[Parts]:
        """Return all that has been read so far."""
        return list(self._parts.values())

    def keys(self, path: str) -> list[Key]:
        """Return the settings in the template at `path` itself."""
        found = self._parts.get(path)
        return found.keys if found is not None else []

    def edges(self, path: str) -> tuple[str, ...]:
        """Return the templates whose settings the one at `path` takes in itself."""
        if path in self._edges:
            return self._edges[path]
        file = self._tree.file(path)
        if file is None:
            return ()
        parts = self.add(file)
        on_node = any(key.place == "hieradata" for key in parts.keys)
        found: dict[str, None] = {}
        for name, kind in parts.types.items():
            if (name in parts.taken or on_node) and (target := self.of_type(path, kind.value)) is not None:
                found[target] = None
        self._edges[path] = tuple(found)
        return self._edges[path]

    def of_type(self, path: str, name: str) -> str | None:
        """Return the path of the template that a type names in the template at `path`; None for Heat's own types."""
        direct = self._tree.resolve(path, name)
        if direct is not None:
            return self._tree.find(direct)
        if not name.startswith("OS::Trip"):
            return None
        view = self._registry(path)
        return view.of_type(path, name) if view is not None else None

    def below(self, path: str) -> tuple[str, ...]:
        """Return `path` and every template whose settings it takes in, itself or through others."""
        found = {path: None}
        todo = [path]
        while todo:
            for target in self.edges(todo.pop()):
                if target not in found:
                    found[target] = None
                    todo.append(target)
        return tuple(found)

    def beaten(self, path: str) -> tuple[Span, ...]:
        """Return the places of the settings, at or below `path`, that a later one of the same name replaces whatever the conditions."""
        in_order = self._in_order(path, ())
        standing: dict[str, list[Placed]] = {}
        for placed in in_order:
            if placed[1].branch:
                standing.setdefault(placed[1].name, []).append(placed)
            else:
                standing[placed[1].name] = [placed]
        if len(standing) == len(in_order):
            return ()
        left = {id(placed[1]) for several in standing.values() for placed in several}
        return tuple(dict.fromkeys(parts.file.span(key.key) for parts, key in in_order if id(key) not in left))

    def _in_order(self, path: str, above: tuple[str, ...]) -> list[Placed]:
        """Return the `config_settings` at and below `path` in the order in which they are merged: the last one counts."""
        parts = self._parts.get(path)
        if parts is None or path in above:
            return []
        if path not in self._orders:
            found: list[Placed] = []
            at = 0
            for number, resource in (*parts.merged, (len(parts.keys), "")):
                found += [(parts, key) for key in parts.keys[at:number] if key.place == CONFIG[0]]
                at = number
                target = self.of_type(path, parts.types[resource].value) if resource in parts.types else None
                if target is not None:
                    found += self._in_order(target, (*above, path))
            self._orders[path] = found
        return self._orders[path]


def role_data(graph: Graph, tree: HeatTree, mapped: set[str], catalogue: Catalogue) -> Iterator[RoleData]:
    """Yield the settings of every service as it is deployed.

    That is every template with settings that an alias leads to (`mapped`) or that no other one takes in. Where the tree was
    not given as a whole, the users of a base template are looked for among the templates of the catalogue.
    """
    given = [parts for parts in graph.parts() if parts.keys or parts.taken]
    for parts in given:
        _add_users(parts, graph, tree, catalogue)
    every = [parts for parts in graph.parts() if parts.keys or parts.taken]
    taken = {target for parts in every for target in graph.edges(parts.file.source.path)}
    for parts in graph.parts():
        path = parts.file.source.path
        if (parts.keys or parts.taken) and (path in mapped or path not in taken):
            place = parts.file.span(parts.role_data) if parts.role_data is not None else parts.file.source.span(0, 0)
            yield RoleData(path, place, graph.below(path), graph.beaten(path), parts.file.source.host)


def _add_users(parts: Parts, graph: Graph, tree: HeatTree, catalogue: Catalogue) -> None:
    """Load the templates that may take in the settings of a base template, when only that one was given."""
    source = parts.file.source
    path = source.path
    if not source.judged or parts.file.form != TEMPLATE or catalogue.of_template(path) is not None:
        return
    base = tree.base(path)
    connects, retries = _connects(graph, path), _retries(graph, path)
    if (base is not None and base.source.judged) or connects == retries:
        return  # nobody else can change what is known of it, for better or worse
    name = posixpath.basename(path)
    for candidate in _candidates(path, catalogue):
        other = tree.source(candidate)
        if other is not None and name in other.text and (file := tree.file(candidate)) is not None:
            graph.add(file)
            if retries and _connects(graph, candidate):
                return


def _connects(graph: Graph, path: str) -> bool:
    return any(key.name.endswith(("connection", "::uri")) for below in graph.below(path) for key in graph.keys(below))


def _retries(graph: Graph, path: str) -> bool:
    return any(key.name.endswith("max_retries") for below in graph.below(path) for key in graph.keys(below))


def _candidates(path: str, catalogue: Catalogue) -> Iterator[str]:
    """Yield where the templates of the same project would lie beside the one at `path`."""
    folder, name = posixpath.split(path)
    project = name.split("-")[0]
    for service in catalogue.services:
        for template in service.templates:
            where, its_name = posixpath.split(template)
            if its_name.split("-")[0].split(".")[0] == project and (folder == where or folder.endswith("/" + where)):
                yield posixpath.join(folder, its_name)
