"""Resource registries: environments in order over the base registry, and where an alias leads to in the end."""

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import pairwise

from msgspec import Struct, field
from msgspec.structs import replace

from lwlint.core.catalogue import Catalogue
from lwlint.core.facts import INFRASTRUCTURE, Service
from lwlint.core.lazy import pattern
from lwlint.core.source import Source, Span, Text
from lwlint.inputs.heat.conditions import always, always_with, conditions
from lwlint.inputs.heat.document import NULL, TEMPLATE
from lwlint.inputs.heat.facts import ALL, CONFIG, NONE, Environment, RoleData, ServiceMapping
from lwlint.inputs.heat.outline import BY_ITSELF, LOADED, PROFILES, SERVICE, SUFFIXES, UNDER, Line, Noted, Outline, Setting
from lwlint.inputs.heat.template import NAMED, PART, Run, Taken, Values
from lwlint.inputs.heat.tree import HeatTree, Read

PACEMAKER = "OS::TripleO::Services::Pacemaker"
KEEPALIVED = "OS::TripleO::Services::Keepalived"
_PROFILE = pattern(r"(?<![\w:])(?:::)?(tripleo::profile::pacemaker::[a-z0-9_]+(?:::[a-z0-9_]+)*)")
# what stands before the name of a class that is included, perhaps as one of several, or declared
_INCLUDES = pattern(r"\b(?:(?:include|contain|require)[ (]\s*(?:['\"]?[\w:]+['\"]?\s*,\s*)*|class\s*\{\s*)\\?['\"]?$")
# what a template makes in the cluster itself, by a resource of puppet-pacemaker in its `step_config` or by a command of its tasks
_MAKERS = ("pacemaker::resource::", "resource create")
_DECLARED = pattern(r"pacemaker::resource::(service|systemd|ocf|bundle)\s{0,9}\{\s{0,200}\\?['\"]?([\w.-]+)")
_CREATED = pattern(r"\bpcs\b[^\n|;&]{0,80}\bresource create[ ]{1,9}(?:--\S{1,80}[ ]{1,9}){0,5}([\w.-]+)[ ]{1,9}([\w-]+:[\w.:-]+)")
_LIST = 500  # characters of such a list that are looked at
_COMMENT = pattern(r"(?:^|(?<=\s))#", re.MULTILINE)
_PROFILES = "tripleo::profile::pacemaker::"
# profiles that only configure a node for the cluster, and create no resource
_NO_RESOURCE = frozenset(
    f"tripleo::profile::pacemaker::{name}" for name in ("clustercheck", "compute_instanceha", "database::mongodbvalidator", "nova")
)


class Entry(Struct, frozen=True):
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


class Resolution(Struct, frozen=True):
    """Where an alias leads: `final` is a path, a resource type or `OS::Heat::None`, empty if there is no such file, which is `missing`."""

    final: str
    chain: tuple[str, ...]
    missing: str = ""


def _of_file(tree: HeatTree, path: str, chain: tuple[str, ...]) -> Resolution:
    found = tree.find(path)
    return Resolution(found or "", chain, "" if found is not None else path)


class Registries:
    """The registry of each environment, read once."""

    def __init__(self, tree: HeatTree) -> None:
        self._tree = tree
        self._entries: dict[str, list[Entry]] = {}
        self._by_alias: dict[str, dict[str, Entry]] = {}
        self._wild: dict[str, list[str]] = {}
        self._resolutions: dict[int, Resolution] = {}
        self._makes: dict[tuple[int, str, str], Entry] = {}

    def make_entry(self, entry: Entry, alias: str, target: str) -> Entry:
        """Return what an entry with a wildcard is for one alias: kept, as what it leads to is known by the object."""
        key = id(entry), alias, target
        if key not in self._makes:
            self._makes[key] = replace(entry, line=replace(entry.line, alias=alias, target=target))
        return self._makes[key]

    def of(self, file: Read) -> list[Entry]:
        """Return the entries of the registry of `file`."""
        path = file.source.path
        self._tree.note(path, file)
        if path not in self._entries:
            self._entries[path] = [Entry(line, file) for line in file.outline.registry]
        return self._entries[path]

    def by_alias(self, file: Read) -> dict[str, Entry]:
        """Return the entries that hold for the whole stack, by alias."""
        path = file.source.path
        self._tree.note(path, file)
        if path not in self._by_alias:
            self._by_alias[path] = {entry.alias: entry for entry in self.of(file) if not entry.line.scope}
        return self._by_alias[path]

    def wild(self, file: Read) -> list[str]:
        """Return the aliases among them that are for all types that begin alike."""
        path = file.source.path
        if path not in self._wild:
            self._wild[path] = [alias for alias in self.by_alias(file) if alias[-1:] == "*"]
        return self._wild[path]

    def resolution(self, entry: Entry) -> Resolution | None:
        """Return where an entry leads that names a file, which is the same in every view; None for one that names an alias."""
        found = self._resolutions.get(id(entry))  # which are kept
        if found is None and (path := self._tree.resolve(entry.file.source.path, entry.target, of_registry=True)) is not None:
            found = self._resolutions[id(entry)] = _of_file(self._tree, path, ())
        return found


_MOST_STEPS = 100  # over aliases that are all told
_MOST_WILD = 100  # wildcards of a registry that count
_MOST_TRIES = 100_000  # types that are followed, before each entry counts as one that leads to something


class View(Struct):
    """A merged registry. `own` are the environments that it is judged for, `base` the registry below them."""

    tree: HeatTree
    registries: Registries
    base: Read | None
    own: tuple[Read, ...]
    merged: bool = False
    in_force: dict[str, Entry] = field(default_factory=dict)
    _in_any_case: dict[str, Entry] = field(default_factory=dict)
    _resolutions: dict[int, Resolution] = field(default_factory=dict)
    _ends: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    _wild: list[Entry] = field(default_factory=list)  # entries for all types that begin alike, in the order in which Heat tries them
    _tries: int = 0

    def __post_init__(self) -> None:
        wild: set[str] = set()
        for file in (*((self.base,) if self.base is not None else ()), *self.own):
            self.in_force.update(self.registries.by_alias(file))
            wild.update(self.registries.wild(file))
        if wild:
            entries = (self.in_force[name] for name in sorted(wild))
            self._wild = [entry for entry in entries if not entry.target.endswith(LOADED)][:_MOST_WILD]
            chosen = {name: self._choose(name, ()) for name in self.in_force}
            self.in_force.update((name, entry) for name, entry in chosen.items() if entry is not None)

    def _candidates(self, name: str) -> list[Entry]:
        """Return the entries by which Heat may find a type, in the order of their names: most of those with a wildcard come first."""
        own = self.in_force.get(name)
        found = [(name, own)] if own is not None else []
        for entry in self._wild:
            prefix, target = entry.alias[:-1], entry.target
            if name.startswith(prefix) and name not in (target, entry.alias):
                instead = target[:-1] + name[len(prefix) :] if target[-1:] == "*" else target
                found.append((entry.alias, self.registries.make_entry(entry, name, instead)))
        return [entry for _, entry in sorted(found, key=lambda one: one[0])]

    def _choose(self, name: str, above: tuple[str, ...]) -> Entry | None:
        """Return the first of the entries for a type that leads to something, as Heat passes over the others."""
        self._tries += 1
        enough = len(above) > _MOST_STEPS or self._tries > _MOST_TRIES
        for entry in self._candidates(name):
            target = entry.target
            known = enough or target.endswith(SUFFIXES) or not target.lower().startswith("os::tripleo::")
            if known or (target not in (*above, name) and self._choose(target, (*above, name)) is not None):
                return entry
        return None

    def _entry(self, name: str) -> Entry | None:
        """Return the entry in force for a type."""
        found = self.in_force.get(name)
        return self._choose(name, ()) if found is None and self._wild else found

    def resolve(self, entry: Entry) -> Resolution:
        """Follow an entry, over aliases of aliases, to its end; of a very long chain the first steps and the last are told."""
        if self.tree.parts.noting:  # each file on the way is to be noted
            return self._resolve(entry)
        found = self._resolutions.get(id(entry))  # which the registries keep
        if found is None:
            found = self._resolutions[id(entry)] = self.registries.resolution(entry) or self._resolve(entry)
        return found

    def _resolve(self, entry: Entry) -> Resolution:
        chain: list[str] = []
        while True:
            target = entry.target
            path = self.tree.resolve(entry.file.source.path, target, of_registry=True)
            if path is not None:
                return _of_file(self.tree, path, tuple(chain))
            following = self._entry(target)
            if following is None or target in chain:
                return Resolution(target, tuple(chain))
            chain.append(target)
            entry = following
            if len(chain) == _MOST_STEPS:
                final, missing, last = self._end(target)
                return Resolution(final, (*chain, last) if last != target else tuple(chain), missing)

    def _end(self, alias: str) -> tuple[str, str, str]:
        """Return what the entry in force for an alias leads to, what is missing, and the last alias on the way; each is looked for once."""
        if self.tree.parts.noting:
            self._ends.clear()
        way: dict[str, None] = {}
        while alias not in self._ends:
            way[alias] = None
            entry = self.in_force[alias]
            path = self.tree.resolve(entry.file.source.path, entry.target, of_registry=True)
            if path is not None:
                found = self.tree.find(path)
                self._ends[alias] = found or "", "" if found is not None else path, alias
            elif entry.target not in self.in_force or entry.target in way:
                self._ends[alias] = entry.target, "", alias
            else:
                alias = entry.target
        self._ends.update(dict.fromkeys(way, self._ends[alias]))
        return self._ends[alias]

    def of_type(self, path: str, name: str) -> str | None:
        """Return the path of the template that a resource type, written in the file at `path`, stands for."""
        direct = self.tree.resolve(path, name)
        if direct is not None:
            return self.tree.find(direct)
        entry = self._entry(name)
        if entry is None:
            return None
        final = self.resolve(entry).final
        return final if final and self.tree.source(final) is not None else None

    def maps(self, alias: str) -> bool:
        """Return whether Heat knows an alias as a type: in these letters, small and capital."""
        return self._entry(alias) is not None

    def mapping(self, alias: str) -> Entry | None:
        """Return the entry in force for an alias, in any case."""
        found = self._entry(alias)
        if found is None and not self._in_any_case:
            for name, entry in self.in_force.items():
                self._in_any_case.setdefault(name.lower(), entry)
        return found or self._in_any_case.get(alias.lower())

    def pacemaker(self) -> Entry | None:
        """Return the entry that turns Pacemaker on; None where it is off."""
        entry = self.mapping(PACEMAKER)
        if entry is None or entry.line.target is None or self.resolve(entry).final == NONE:
            return None
        return entry

    def final(self, alias: str) -> str | None:
        """Return where an alias leads to in the end (see Resolution); None where nothing maps it."""
        entry = self.mapping(alias)
        return None if entry is None else self.resolve(entry).final


class Judge:
    """What a template does for Pacemaker, by what it includes and by its path. Answers are kept."""

    def __init__(self, tree: HeatTree, catalogue: Catalogue, registry: Callable[[str], View | None]) -> None:
        """`registry` gives the one by which the template at a path finds its types."""
        self._tree = tree
        self._catalogue = catalogue
        self._registry = registry
        self._answers: dict[str, bool | None] = {}
        self._included: dict[str, tuple[Text, ...]] = {}
        self._ways: dict[str, tuple[str | None, Noted]] = {}
        self._parts = tree.parts
        self._parts.answers.update({UNDER: self._is_under, BY_ITSELF: self._by_itself, SERVICE: self._service, PROFILES: self._profiles})

    def profiles(self, path: str) -> tuple[Text, ...]:
        """Return the classes below `tripleo::profile::pacemaker` that the template at `path` includes, comments left out."""
        return self._parts.note(PROFILES, path, self._profiles(path))

    def under_pacemaker(self, path: str) -> bool:
        """Return whether the template at `path` puts its service under Pacemaker."""
        return self._parts.note(UNDER, path, self._is_under(path))

    def service(self, path: str) -> Service | None:
        """Return the service of the template at `path`: a known one, or that which an unknown one puts under Pacemaker."""
        return self._parts.note(SERVICE, path, self._service(path))

    def _profiles(self, path: str) -> tuple[Text, ...]:
        source = self._tree.source(path)
        if source is None:
            return ()
        found = self._included.get(path)
        if found is None:
            found = self._included[path] = self._read_profiles(source)
        return found

    def _read_profiles(self, source: Source) -> tuple[Text, ...]:
        text, found, end = source.text, [], 0
        while (at := text.find(_PROFILES, end)) >= 0:
            start = text.rfind("\n", 0, at) + 1
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            comment = _COMMENT.search(text, start, end)
            for match in _PROFILE.finditer(text, max(start, at - 2), comment.end() if comment is not None else end):
                before = max(start, match.start() - _LIST)
                if _INCLUDES.search(text, before, match.start()):
                    found.append(Text(match.group(1), source.span(*match.span(1))))
        return tuple(found)

    def _is_under(self, path: str) -> bool:
        known = self._by_itself(path)
        return known if known is not None else self._runs(path) is not None

    def _by_itself(self, path: str) -> bool | None:
        """Return whether a template puts its service under Pacemaker by what it includes or by its path; None where neither tells."""
        known = self._answers.get(path)
        return known if known is not None else self._parts.make_once(self._answers, path, lambda: self._judge(path))

    def _judge(self, path: str) -> bool | None:
        if any(profile.value not in _NO_RESOURCE for profile in self._profiles(path)):
            return True
        known = self._catalogue.puts_under_pacemaker(path)
        made = self._find_made(path) if not known else None
        if made is not None and (known is None or made == self._catalogue.of_template(path)):
            return True
        return True if known is None and self._find_beside(path) is not None else known

    def _find_made(self, path: str) -> Service | None:
        """Return the service of a resource that the template at `path` makes in the cluster itself; None for none that is known."""
        source = self._tree.source(path)
        text = source.text if source is not None else ""
        if not any(word in text for word in _MAKERS):
            return None
        found = [
            (one.start(), f"systemd:{one[2]}" if one[1] in ("service", "systemd") else None, one[2]) for one in _DECLARED.finditer(text)
        ]
        found += [(one.start(), one[2], one[1]) for one in _CREATED.finditer(text)]
        for at, agent, name in sorted(found):
            service = self._catalogue.of_resource(agent, name, "primitive" if agent else "bundle")
            if service is not None and service.kind != INFRASTRUCTURE and _COMMENT.search(text, text.rfind("\n", 0, at) + 1, at) is None:
                return service
        return None

    def _runs(self, path: str) -> str | None:
        """Return the template under Pacemaker of which the one at `path` runs a part, by itself or through others; None for none."""
        if path not in self._ways:
            self._ways[path] = self._parts.make(lambda: self._way(path))
        found, noted = self._ways[path]
        self._parts.add(noted)
        return found

    def _way(self, path: str) -> str | None:
        todo: list[tuple[str, str]] = [(path, ALL)]
        seen = set(todo)
        for at, section in todo:
            for target, run in self._run_by(at):
                if section not in (ALL, run.into) or (target, run.section) in seen or not self._has(target, run.section, frozenset()):
                    continue
                known = self._parts.note(BY_ITSELF, target, self._by_itself(target))
                if known:
                    return target
                seen.add((target, run.section))
                if known is None:
                    todo.append((target, run.section))
        return None

    def _run_by(self, path: str) -> Iterator[tuple[str, Run]]:
        """Yield the templates of which the one at `path` runs a part, each with what that is."""
        file = self._tree.file(path)
        if file is None or not file.outline.runs:
            return
        types = dict(file.outline.types)
        view = self._registry(path)
        for run in file.outline.runs:
            kind = types.get(run.resource, "")
            direct = self._tree.resolve(path, kind)
            target = self._tree.find(direct) if direct is not None else view.of_type(path, kind) if view is not None else None
            if target is not None:
                yield target, run

    def _has(self, path: str, section: str, above: frozenset[str]) -> bool:
        """Return whether the role data of a template have something to run in a section, as far as that is known."""
        file = self._tree.file(path) if path not in above else None
        if file is None or not (file.outline.running or file.outline.runs):
            return path not in above
        if section in file.outline.running:
            return True
        whole = [target for target, run in self._run_by(path) if run.into == run.section == section]
        return any(self._has(target, section, above | {path}) for target in whole)

    def _service(self, path: str) -> Service | None:
        service = self._catalogue.of_template(path)
        if service is not None or not self._is_under(path):
            return service
        by_profile = (found for profile in self._profiles(path) if (found := self._catalogue.of_profile(profile.value)) is not None)
        known = next(by_profile, None) or self._find_made(path) or self._find_beside(path)
        target = self._runs(path) if known is None else None
        return self.service(target) if target is not None else known

    def _find_beside(self, path: str) -> Service | None:
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
    deployed = tuple(alias for file in view.own for role in file.outline.roles for alias, _ in role.services)
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
            if view.merged or (service is not None and service.is_core) or entry.alias == KEEPALIVED:
                yield _fact(view, entry, judge, catalogue, name, on is not None, True, inherited=True)


def core_beside_keepalived(view: View, catalogue: Catalogue) -> Iterator[Read]:
    """Yield the templates of the core services of a view in which both Pacemaker and keepalived are deployed."""
    keepalived = view.mapping(KEEPALIVED)
    if keepalived is None or view.resolve(keepalived).final in ("", NONE) or view.pacemaker() is None:
        return
    for entry in view.in_force.values():
        service = catalogue.of_alias(entry.alias)
        file = view.tree.file(view.resolve(entry).final) if service is not None and service.is_core else None
        if file is not None:
            yield file


def _find_taken_from(view: View, entry: Entry, judge: Judge) -> str:
    """Return the environment, given earlier, that maps the alias of `entry` to a template under Pacemaker; empty where none does."""
    found = ""
    for file in view.own:
        if file is entry.file:
            return found
        other = view.registries.by_alias(file).get(entry.alias)
        if other is not None:
            resolution = view.resolve(other)
            final = resolution.final or resolution.missing
            found = file.source.path if final and "::" not in final and judge.under_pacemaker(final) else ""
    return ""


def _fact(
    view: View, entry: Entry, judge: Judge, catalogue: Catalogue, name: str, on: bool, in_force: bool, *, inherited: bool
) -> ServiceMapping:
    alias, written = entry.alias, entry.target
    path = view.tree.resolve(entry.file.source.path, written, of_registry=True)
    resolution = view.resolve(entry)
    is_file = bool(resolution.final) and "::" not in resolution.final
    missing = resolution.missing if not resolution.final and view.tree.root(entry.file.source.path) is None else ""
    template = resolution.final if is_file else missing
    of_template = catalogue.of_template(template) if template else None
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
        under_pacemaker=bool(template) and judge.under_pacemaker(template),
        pacemaker=on,
        outside=catalogue.outside_alias(alias),
        host=entry.file.source.host,
        missing=missing,
        taken_from=_find_taken_from(view, entry, judge) if in_force and view.merged else "",
        made=entry.line.made,
    )


Placed = tuple[Read, Setting, frozenset[str]]  # the conditions under which it is taken in
_State = tuple[str, str, str, bool]  # a section of a template, for the nodes of whom it is taken in, and whether in any case
Given = tuple[tuple[str, Values], ...]  # parameters, and the values that a template is given for them
_MOST_HANDS = 20  # templates through which a value is handed on
_Where = tuple[str, tuple[int, int]]  # the path of a template, and a place in it


class Graph:
    """The templates of a run, and the edges `takes in the settings of` between them."""

    def __init__(self, tree: HeatTree, registry: Callable[[str], View | None]) -> None:
        self._tree = tree
        self._registry = registry
        self._files: dict[str, Read] = {}
        self._edges: dict[str, tuple[str, ...]] = {}
        self._orders: dict[tuple[str, str], list[Placed]] = {}
        self._on_nodes: dict[str, bool] = {}
        self._open: dict[str, bool] = {}

    def add(self, file: Read) -> Read:
        """Return `file`, with its settings, as one of the graph."""
        path = file.source.path
        if path not in self._files:
            self._files[path] = self._tree.with_settings(file)
        return self._files[path]

    def files(self) -> list[Read]:
        """Return all that has been added so far."""
        return list(self._files.values())

    def settings(self, path: str, file: Read | None = None) -> tuple[Setting, ...]:
        """Return the settings in the template at `path` itself, or as it is in `file`, without those of a section replaced whole."""
        found = file or self._files.get(path)
        if found is None or not found.outline.wholes:
            return found.outline.settings if found is not None else ()
        behind = {section: self._find_replaced(path, section)[0] for section in CONFIG}
        return tuple(one for number, one in enumerate(found.outline.settings) if number >= behind.get(one.place, 0))

    def _find_replaced(self, path: str, section: str) -> tuple[int, tuple[Taken, ...]]:
        """Return how many of the first settings of a template, and what of that it takes in, are lost if they are of a section.

        That is what stands before all the role data of another template that has the section: a merge is not deep.
        """
        file = self._tree.file(path)
        outline = self.add(file).outline if file is not None else None
        for whole in reversed(outline.wholes) if outline is not None else ():
            kind = dict(outline.types).get(whole.resource) if outline is not None else None
            target = self.of_type(path, kind) if kind is not None else None
            if target is not None and self._has_section(target, section, (path,)):
                return whole.after, whole.taken
        return 0, ()

    def _has_section(self, path: str, section: str, above: tuple[str, ...]) -> bool:
        """Return whether the role data of a template certainly have a section."""
        file = self._tree.file(path) if path not in above else None
        if file is None:
            return False
        outline = self.add(file).outline
        types = dict(outline.types)
        targets = (self.of_type(path, types.get(whole.resource, "")) for whole in outline.wholes)
        return section in outline.sections or any(self._has_section(one, section, (*above, path)) for one in targets if one is not None)

    def edges(self, path: str) -> tuple[str, ...]:
        """Return the templates whose settings the one at `path` takes in itself."""
        if path in self._edges:
            return self._edges[path]
        file = self._tree.file(path)
        if file is None:
            return ()
        outline = self.add(file).outline
        on_node = self._is_on_node(path, outline)
        taken = {one.resource for one in outline.taken}
        found: dict[str, None] = {}
        for name, kind in outline.types:
            if (on_node or name in taken) and (target := self.of_type(path, kind)) is not None:
                found[target] = None
        self._edges[path] = tuple(found)
        return self._edges[path]

    def of_type(self, path: str, name: str) -> str | None:
        """Return the path of the template that a type names in the template at `path`; None for Heat's own types."""
        direct = self._tree.resolve(path, name)
        if direct is not None:
            return self._tree.find(direct)
        if not name.startswith(NAMED):
            return None
        view = self._registry(path)
        return view.of_type(path, name) if view is not None else None

    def _is_on_node(self, path: str, outline: Outline) -> bool:
        """Return whether the template at `path` writes hieradata to a node itself."""
        known = self._on_nodes.get(path)
        if known is None:
            known = self._on_nodes[path] = any([setting.place == "hieradata" for setting in outline.settings])  # noqa: C419
        return known

    def find_passed(self, deployed: Collection[str]) -> dict[str, Given]:
        """Return the values of parameters that each template, by its path, is given by those that have it as the type of a resource.

        Of several users each value counts, and the template's own where one gives none, as where it is `deployed` by itself. Only
        what differs from its own is told.
        """
        files = {file.source.path: file for file in self.files() if file.form == TEMPLATE}
        uses = {path: found for path, file in files.items() if file.outline.passed and (found := self._uses(file, files))}
        given: dict[str, Given] = {}
        for _ in range(_MOST_HANDS if uses else 0):
            users: dict[str, list[Given | None]] = {}
            for target, values in (use for several in uses.values() for use in several):
                users.setdefault(target, []).append(values)
            told = {path: tuple(_find_given(files[path].outline.used, several, path in deployed)) for path, several in users.items()}
            now = {path: values for path, values in told.items() if values}
            changed = [path for path in {**given, **now} if given.get(path) != now.get(path)]
            given = now
            for path in changed:
                if path in uses:
                    uses[path] = self._uses(self._tree.with_passed(files[path], given.get(path, ())), files)
            if not changed:
                break
        return given

    def _uses(self, file: Read, files: Mapping[str, Read]) -> list[tuple[str, Given | None]]:
        """Return the templates with parameters that are types of a template's resources, each with what it is given."""
        path = file.source.path
        of_types = ((self.of_type(path, one.type), one.values) for one in file.outline.passed)
        return [(target, values) for target, values in of_types if target is not None and target in files and files[target].outline.used]

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

    def service_name(self, path: str) -> str:
        """Return the name of the service of the template at `path`, which may be that of another one; empty where it is not known."""
        seen: set[str] = set()
        while path not in seen and (file := self._tree.file(path)) is not None:
            seen.add(path)
            outline = self.add(file).outline
            if outline.service_name or not outline.named_by:
                return outline.service_name
            kind = dict(outline.types).get(outline.named_by)
            path = (self.of_type(path, kind) if kind is not None else None) or path
        return ""

    def find_handed(self, path: str) -> tuple[tuple[Span, ...], tuple[tuple[str, Span], ...], tuple[Span, ...]]:
        """Return which settings at and below `path` are of no section that is taken in, and which are given to the nodes of whom.

        The last are those that are taken in under a condition only.
        """
        reached: set[_State] = set()
        todo: list[_State] = [(path, section, "", True) for section in CONFIG]
        while todo:
            state = todo.pop()
            if state in reached or (file := self._tree.file(state[0])) is None:
                continue
            reached.add(state)
            at, section, service, sure = state
            outline = self.add(file).outline
            on_node = self._is_on_node(at, outline)
            if not (on_node or outline.taken):
                continue
            types = dict(outline.types)
            if on_node:
                targets = [
                    (target, each, service, sure) for kind in types.values() if (target := self.of_type(at, kind)) for each in CONFIG
                ]
            else:
                lost = self._find_replaced(at, section)[1] if outline.wholes else ()
                targets = [
                    (target, each, one.service or service, sure and (not one.branch or _is_always(one, outline)))
                    for one in outline.taken
                    if one.place == section and one not in lost and (target := self.of_type(at, types.get(one.resource, ""))) is not None
                    for each in (CONFIG if one.section == ALL else (one.section,))
                ]
            todo += targets
        return self._apart(path, reached)

    def _apart(self, path: str, reached: set[_State]) -> tuple[tuple[Span, ...], tuple[tuple[str, Span], ...], tuple[Span, ...]]:
        # the services for whose nodes a section of a template is taken in (empty: its own), and whether that is so in any case
        sections: dict[tuple[str, str], dict[str, bool]] = {}
        for at, section, service, sure in reached:
            services = sections.setdefault((at, section), {})
            services[service] = sure or services.get(service, False)
        own: set[_Where] = set()
        partly: dict[_Where, None] = {}
        left: dict[_Where, None] = {}
        given: dict[tuple[str, _Where], None] = {}
        for below in self.below(path):
            for setting in self.settings(below):
                if "::" not in setting.name or setting.place == "hieradata":
                    continue
                services = sections.get((below, setting.place), {})
                where = below, setting.span
                if "" in services and setting.place not in CONFIG[1:]:
                    own.add(where)
                    if not services[""]:
                        partly[where] = None
                    if len(services) == 1 and not setting.service:  # as most are: given to nobody else
                        continue
                else:
                    left[where] = None
                for service in sorted(services):
                    whose = service or setting.service or (ALL if setting.place == CONFIG[2] else "")
                    if whose and service in ("", setting.service or service):
                        given[whose, where] = None
        apart = tuple(Span(at, *span) for at, span in left if (at, span) not in own)
        return apart, tuple((whose, Span(at, *span)) for whose, (at, span) in given), tuple(Span(at, *span) for at, span in partly)

    def is_open(self, path: str) -> bool:
        """Return whether not all that the template at `path` merges into its settings is known: a deployment tells, or it is not here."""
        if path not in self._open:
            file = self._files.get(path)
            self._open[path] = file is not None and self._takes_untold(path, file.outline)
        return self._open[path]

    def _takes_untold(self, path: str, outline: Outline) -> bool:
        types = dict(outline.types)
        taken = {one.resource for one in outline.taken if one.place == CONFIG[0]}
        return CONFIG[0] in outline.untold or any(name not in types or self._is_missing(path, types[name]) for name in taken)

    def _is_missing(self, path: str, kind: str) -> bool:
        """Return whether a type stands for a template that is not here, as far as the registry tells."""
        direct = self._tree.resolve(path, kind)
        if direct is not None:
            return self._tree.find(direct) is None
        if not kind.startswith(NAMED):
            return False
        view = self._registry(path)
        return view is None or view.mapping(kind) is None

    def find_order(self, path: str) -> tuple[tuple[Span, ...], tuple[tuple[Span, tuple[str, ...]], ...]]:
        """Return the places of the settings, at or below `path`, that later ones of the same name replace whatever the conditions.

        Then, in the order in which they are merged, what is set several times or taken in under a condition, each with its conditions.
        """
        in_order = self._in_order(path, CONFIG[0], ())
        standing: dict[str, list[Placed]] = {}
        for placed in in_order:
            if placed[1].branch or placed[2]:
                standing.setdefault(placed[1].name, []).append(placed)
            else:
                standing[placed[1].name] = [placed]
        if len(standing) == len(in_order):
            return (), tuple(_with_conditions(placed) for placed in in_order if placed[2])
        for name, several in standing.items():
            if len(several) > 1:
                every = list(map(_conditions, several))
                standing[name] = [one for number, one in enumerate(several) if not always_with(every[number], every[number + 1 :])]
        left = {(file.source.path, id(setting)) for several in standing.values() for file, setting, _ in several}
        # one may be taken in twice, by an alias
        there = {file.span(setting.span) for several in standing.values() for file, setting, _ in several}
        gone = (file.span(setting.span) for file, setting, _ in in_order if (file.source.path, id(setting)) not in left)
        merged = (placed for several in standing.values() for placed in several if placed[2] or len(several) > 1)
        return tuple(place for place in dict.fromkeys(gone) if place not in there), tuple(map(_with_conditions, merged))

    def _in_order(self, path: str, section: str, above: tuple[str, ...]) -> list[Placed]:
        """Return the settings of a section at and below `path` in the order in which they are merged: the last one counts."""
        file = self._files.get(path)
        if file is None or path in above:
            return []
        if (path, section) not in self._orders:
            found: list[Placed] = []
            types, own = dict(file.outline.types), file.outline.settings
            at, lost = self._find_replaced(path, section) if file.outline.wholes else (0, ())
            for one in file.outline.merged:
                if one.place == section and Taken(one.resource, one.section, section, "", one.branch) not in lost:
                    found += [(file, setting, frozenset()) for setting in own[at : one.after] if setting.place == section]
                    at = max(at, one.after)
                    target = self.of_type(path, types[one.resource]) if one.resource in types else None
                    if target is not None:
                        below = self._in_order(target, section if one.section == ALL else one.section, (*above, path))
                        taken_in = conditions(path, one.branch)
                        found += [(other, setting, taken_in | more) for other, setting, more in below] if taken_in else below
            self._orders[path, section] = [*found, *((file, setting, frozenset()) for setting in own[at:] if setting.place == section)]
        return self._orders[path, section]


def _find_given(used: Given, users: Iterable[Given | None], deployed: bool) -> Iterator[tuple[str, Values]]:
    """Yield what the `used` parameters of a template are, where that is not what they are by themselves."""
    by_name = [dict(values) if values is not None else None for values in users]
    names = {name for values in by_name for name in values or ()}
    in_order = sorted(name for name, _ in used)
    have_parts = {name for name, after in pairwise(in_order) if after.startswith(name + PART)}  # no other name stands between these
    for name, own in used if None in by_name else [one for one in used if one[0] in names]:
        every = [_as_given(name, own, values) for values in by_name]
        known = [values for values in every if values is not None]
        told = tuple(dict.fromkeys(value for values in [*known, *([own] if deployed and own else [])] for value in values))
        found = told if len(known) == len(every) and not (deployed and own is None) else None
        if found != own or (found is None and name in have_parts):
            yield name, found


def _as_given(name: str, own: Values, given: Mapping[str, Values] | None) -> Values:
    """Return what a parameter is where a template is given these: its own value for no value, and for `null`."""
    if given is None:
        return None
    values = given.get(name, own)
    if values is None or NULL not in values:
        return values
    return None if own is None else tuple(dict.fromkeys([v for value in values for v in (own if value == NULL else (value,))]))


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
            left, given, partly = graph.find_handed(path)
            name = graph.service_name(path)
            below = graph.below(path)
            beaten, merged = graph.find_order(path)
            of_host, is_open = file.source.host, any(map(graph.is_open, below))
            yield RoleData(path, place, below, beaten, of_host, left, name, given, partly, is_open, merged)


def _with_conditions(placed: Placed) -> tuple[Span, tuple[str, ...]]:
    return placed[0].span(placed[1].span), tuple(sorted(_conditions(placed)))


def _conditions(placed: Placed) -> frozenset[str]:
    file, setting, taken_in = placed
    return conditions(file.source.path, setting.branch) | taken_in


def _is_always(taken: Taken, outline: Outline) -> bool:
    """Return whether a template takes in the same whatever the conditions: by this one, or by another way."""
    ways = (
        one
        for one in outline.taken
        if (one.resource, one.section, one.place, one.service) == (taken.resource, taken.section, taken.place, taken.service)
    )
    return always([frozenset(one.branch) for one in ways])


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
