"""Resource registries: environments in order over the base registry, and where an alias leads to in the end."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lwlint.assemble.heat_outline import Line
from lwlint.assemble.heat_tree import HeatTree, Read
from lwlint.catalogue import Catalogue
from lwlint.facts.heat import NONE, Environment, ServiceMapping
from lwlint.facts.service import CORE, Service
from lwlint.late import pattern
from lwlint.named import NamedTuple
from lwlint.record import dataclass, field
from lwlint.source import Text

PACEMAKER = "OS::TripleO::Services::Pacemaker"
KEEPALIVED = "OS::TripleO::Services::Keepalived"
_PROFILE = pattern(r"\b(?:include|class *\{ *['\"]?) *(?:::)?(tripleo::profile::pacemaker::[a-z0-9_]+(?:::[a-z0-9_]+)*)")
# profiles that only configure a node for the cluster, and create no resource
_NO_RESOURCE = ("tripleo::profile::pacemaker::clustercheck", "tripleo::profile::pacemaker::compute_instanceha")


class Entry(NamedTuple):
    """One line of a registry, and the file that it stands in."""

    line: Line
    file: Read

    @property
    def alias(self) -> str:
        """What is mapped."""
        return self.line.alias

    @property
    def target(self) -> str:
        """Where it is mapped to; empty where that is no text."""
        return self.line.target or ""


class Registries:
    """The registry of each environment, read once."""

    def __init__(self) -> None:
        self._entries: dict[str, list[Entry]] = {}
        self._by_alias: dict[str, dict[str, Entry]] = {}

    def of(self, file: Read) -> list[Entry]:
        """Return the entries of the registry of `file`."""
        path = file.source.path
        if path not in self._entries:
            self._entries[path] = [Entry(line, file) for line in file.outline.registry]
        return self._entries[path]

    def by_alias(self, file: Read) -> dict[str, Entry]:
        """Return the entries that hold for the whole stack, by alias."""
        path = file.source.path
        if path not in self._by_alias:
            self._by_alias[path] = {entry.alias: entry for entry in self.of(file) if not entry.line.scope}
        return self._by_alias[path]


class Resolution(NamedTuple):
    """Where an alias leads: `final` is a path, a resource type or `OS::Heat::None`, empty if there is no such file."""

    final: str
    chain: tuple[str, ...]


@dataclass
class View:
    """A merged registry. `own` are the environments that it is judged for, `base` the registry below them."""

    tree: HeatTree
    registries: Registries
    base: Read | None
    own: tuple[Read, ...]
    merged: bool = False
    in_force: dict[str, Entry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for file in (*((self.base,) if self.base is not None else ()), *self.own):
            self.in_force.update(self.registries.by_alias(file))

    def resolve(self, entry: Entry) -> Resolution:
        """Follow an entry, over aliases of aliases, to its end."""
        chain: list[str] = []
        while True:
            target = entry.target
            path = self.tree.resolve(entry.file.source.path, target)
            if path is not None:
                return Resolution(self.tree.find(path) or "", tuple(chain))
            following = self.in_force.get(target)
            if following is None or target in chain:
                return Resolution(target, tuple(chain))
            chain.append(target)
            entry = following

    def of_type(self, path: str, name: str) -> str | None:
        """Return the path of the template that a resource type, written in the file at `path`, stands for."""
        direct = self.tree.resolve(path, name)
        if direct is not None:
            return self.tree.find(direct)
        entry = self.in_force.get(name)
        if entry is None:
            return None
        final = self.resolve(entry).final
        return final if final and self.tree.source(final) is not None else None

    def mapping(self, alias: str) -> Entry | None:
        """Return the entry in force for an alias, in any case."""
        found = self.in_force.get(alias)
        return found or next((entry for name, entry in self.in_force.items() if name.lower() == alias.lower()), None)

    def pacemaker(self) -> Entry | None:
        """Return the entry that turns Pacemaker on; None where it is off."""
        entry = self.mapping(PACEMAKER)
        if entry is None or entry.line.target is None or self.resolve(entry).final == NONE:
            return None
        return entry


class Judge:
    """What a template does for Pacemaker, by what it includes and by its path. Answers are kept."""

    def __init__(self, tree: HeatTree, catalogue: Catalogue) -> None:
        self._tree = tree
        self._catalogue = catalogue
        self._answers: dict[str, bool] = {}

    def profiles(self, path: str) -> tuple[Text, ...]:
        """Return the classes below `tripleo::profile::pacemaker` that the template at `path` includes, comments left out."""
        source = self._tree.source(path)
        if source is None or "profile::pacemaker::" not in source.text:
            return ()
        found = []
        for match in _PROFILE.finditer(source.text):
            before = source.text[source.text.rfind("\n", 0, match.start()) + 1 : match.start()]
            if not re.search(r"(^|\s)#", before):
                found.append(Text(match.group(1), source.span(*match.span(1))))
        return tuple(found)

    def under_pacemaker(self, path: str) -> bool:
        """Return whether the template at `path` puts its service under Pacemaker."""
        if path not in self._answers:
            self._answers[path] = self._judged(path)
        return self._answers[path]

    def _judged(self, path: str) -> bool:
        if any(profile.value not in _NO_RESOURCE for profile in self.profiles(path)):
            return True
        known = self._catalogue.puts_under_pacemaker(path)
        if known is not None:
            return known
        return self._beside(path) is not None

    def service(self, path: str) -> Service | None:
        """Return the service of the template at `path`: a known one, or that which an unknown one puts under Pacemaker."""
        service = self._catalogue.of_template(path)
        if service is not None or not self.under_pacemaker(path):
            return service
        by_profile = (found for profile in self.profiles(path) if (found := self._catalogue.of_profile(profile.value)) is not None)
        return next(by_profile, None) or self._beside(path)

    def _beside(self, path: str) -> Service | None:
        """Return the service that an unknown template stands beside: `pacemaker/X.yaml`, `X-pacemaker-puppet.yaml`."""
        for sibling in (path.replace("/pacemaker/", "/"), path.replace("-pacemaker-", "-container-")):
            if sibling != path and (service := self._catalogue.of_template(sibling)) is not None:
                return service
        return None


def view_facts(view: View, judge: Judge, catalogue: Catalogue) -> Iterator[Environment | ServiceMapping]:
    """Yield the environment and its mappings: those written in it, and of the base those that concern the cluster."""
    last = view.own[-1]
    name = last.source.path
    on = view.pacemaker()
    shown = on or view.mapping(PACEMAKER)
    place = shown.file.span(shown.line.span) if shown is not None else last.source.span(0, 0)
    base = view.base.source.path if view.base is not None else ""
    own = tuple(file.source.path for file in view.own)
    deployed = tuple(alias for file in view.own for alias in file.outline.deployed)
    yield Environment(
        name,
        place,
        own,
        base,
        on is not None,
        view.merged,
        deployed,
        last.source.host,
    )
    for file in view.own:
        for entry in view.registries.of(file):
            current = view.in_force.get(entry.alias)
            in_force = bool(entry.line.scope) or current is entry
            yield _fact(view, entry, judge, catalogue, name, on is not None, in_force, inherited=False)
    if view.base is None or (on is None and not view.merged):
        return
    for entry in view.in_force.values():
        if entry.file is view.base and not any(entry.file is file for file in view.own):
            service = catalogue.of_alias(entry.alias)
            if view.merged or (service is not None and service.kind == CORE) or entry.alias == KEEPALIVED:
                yield _fact(view, entry, judge, catalogue, name, on is not None, True, inherited=True)


def core_beside_keepalived(view: View, catalogue: Catalogue) -> Iterator[Read]:
    """Yield the templates of the core services of a view in which both Pacemaker and keepalived are deployed."""
    keepalived = view.mapping(KEEPALIVED)
    if keepalived is None or view.resolve(keepalived).final in ("", NONE) or view.pacemaker() is None:
        return
    for entry in view.in_force.values():
        service = catalogue.of_alias(entry.alias)
        file = view.tree.file(view.resolve(entry).final) if service is not None and service.kind == CORE else None
        if file is not None:
            yield file


def _fact(
    view: View, entry: Entry, judge: Judge, catalogue: Catalogue, name: str, on: bool, in_force: bool, *, inherited: bool
) -> ServiceMapping:
    alias, written = entry.alias, entry.target
    path = view.tree.resolve(entry.file.source.path, written)
    resolution = view.resolve(entry)
    is_file = bool(resolution.final) and "::" not in resolution.final
    of_template = catalogue.of_template(resolution.final) if is_file else None
    return ServiceMapping(
        name=alias,
        span=entry.file.span(entry.line.span),
        alias=alias,
        template=written,
        target=entry.file.span(entry.line.at),
        environment=name,
        resolved=path or "",
        final=resolution.final,
        chain=resolution.chain,
        service=catalogue.of_alias(alias),
        template_service=of_template,
        inherited=inherited,
        in_force=in_force,
        under_pacemaker=is_file and judge.under_pacemaker(resolution.final),
        pacemaker=on,
        outside=catalogue.outside_alias(alias),
        host=entry.file.source.host,
    )
