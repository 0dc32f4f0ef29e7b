"""Which templates take in whose settings, in both directions."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator

from lwlint.assemble.heat_outline import Setting
from lwlint.assemble.heat_registry import View
from lwlint.assemble.heat_template import CONFIG
from lwlint.assemble.heat_tree import HeatTree, Read
from lwlint.catalogue import Catalogue
from lwlint.facts.heat import RoleData
from lwlint.parse.heat import TEMPLATE
from lwlint.source import Span

Placed = tuple[Read, Setting]


class Graph:
    """The templates of a run, and the edges `takes in the settings of` between them."""

    def __init__(self, tree: HeatTree, registry: Callable[[str], View | None]) -> None:
        self._tree = tree
        self._registry = registry
        self._files: dict[str, Read] = {}
        self._edges: dict[str, tuple[str, ...]] = {}
        self._orders: dict[str, list[Placed]] = {}

    def add(self, file: Read) -> Read:
        """Return `file`, with its settings, as one of the graph."""
        path = file.source.path
        if path not in self._files:
            self._files[path] = self._tree.with_settings(file)
        return self._files[path]

    def files(self) -> list[Read]:
        """Return all that has been added so far."""
        return list(self._files.values())

    def settings(self, path: str) -> tuple[Setting, ...]:
        """Return the settings in the template at `path` itself."""
        found = self._files.get(path)
        return found.outline.settings if found is not None else ()

    def edges(self, path: str) -> tuple[str, ...]:
        """Return the templates whose settings the one at `path` takes in itself."""
        if path in self._edges:
            return self._edges[path]
        file = self._tree.file(path)
        if file is None:
            return ()
        outline = self.add(file).outline
        on_node = any(setting.place == "hieradata" for setting in outline.settings)
        found: dict[str, None] = {}
        for name, kind in outline.types:
            if (on_node or name in outline.taken) and (target := self.of_type(path, kind)) is not None:
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
        left = {(file.source.path, id(setting)) for several in standing.values() for file, setting in several}
        return tuple(dict.fromkeys(file.span(setting.span) for file, setting in in_order if (file.source.path, id(setting)) not in left))

    def _in_order(self, path: str, above: tuple[str, ...]) -> list[Placed]:
        """Return the `config_settings` at and below `path` in the order in which they are merged: the last one counts."""
        file = self._files.get(path)
        if file is None or path in above:
            return []
        if path not in self._orders:
            found: list[Placed] = []
            types, own = dict(file.outline.types), file.outline.settings
            at = 0
            for number, resource in (*file.outline.merged, (len(own), "")):
                found += [(file, setting) for setting in own[at:number] if setting.place == CONFIG[0]]
                at = number
                target = self.of_type(path, types[resource]) if resource in types else None
                if target is not None:
                    found += self._in_order(target, (*above, path))
            self._orders[path] = found
        return self._orders[path]


def role_data(graph: Graph, tree: HeatTree, mapped: set[str], catalogue: Catalogue) -> Iterator[RoleData]:
    """Yield the settings of every service as it is deployed.

    That is every template with settings that an alias leads to (`mapped`) or that no other one takes in. Where the tree was
    not given as a whole, the users of a base template are looked for among the templates of the catalogue.
    """
    for file in [file for file in graph.files() if _tells(file)]:
        _add_users(file, graph, tree, catalogue)
    taken = {target for file in graph.files() if _tells(file) for target in graph.edges(file.source.path)}
    for file in graph.files():
        path = file.source.path
        if _tells(file) and (path in mapped or path not in taken):
            place = file.span(file.outline.role_data or (0, 0))
            yield RoleData(path, place, graph.below(path), graph.beaten(path), file.source.host)


def _tells(file: Read) -> bool:
    return bool(file.outline.settings or file.outline.taken)


def _add_users(file: Read, graph: Graph, tree: HeatTree, catalogue: Catalogue) -> None:
    """Load the templates that may take in the settings of a base template, when only that one was given."""
    source = file.source
    path = source.path
    if not source.judged or file.form != TEMPLATE or catalogue.of_template(path) is not None:
        return
    base = tree.base(path)
    connects, retries = _connects(graph, path), _retries(graph, path)
    if (base is not None and base.source.judged) or connects == retries:
        return  # nobody else can change what is known of it, for better or worse
    name = posixpath.basename(path)
    for candidate in _candidates(path, catalogue):
        other = tree.source(candidate)
        if other is not None and name in other.text and (user := tree.file(candidate)) is not None:
            graph.add(user)
            if retries and _connects(graph, candidate):
                return


def _connects(graph: Graph, path: str) -> bool:
    return any(key.name.endswith(("connection", "::uri")) for below in graph.below(path) for key in graph.settings(below))


def _retries(graph: Graph, path: str) -> bool:
    return any(key.name.endswith("max_retries") for below in graph.below(path) for key in graph.settings(below))


def _candidates(path: str, catalogue: Catalogue) -> Iterator[str]:
    """Yield where the templates of the same project would lie beside the one at `path`."""
    folder, name = posixpath.split(path)
    project = name.split("-")[0]
    for service in catalogue.services:
        for template in service.templates:
            where, its_name = posixpath.split(template)
            if its_name.split("-")[0].split(".")[0] == project and (folder == where or folder.endswith("/" + where)):
                yield posixpath.join(folder, its_name)
