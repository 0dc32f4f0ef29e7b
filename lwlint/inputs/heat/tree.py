"""The files of a tree of templates: read once each, found by relative and absolute references."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from lwlint.core.facts import NotEvaluated, Service, Unreadable
from lwlint.core.source import Source, Span, Text
from lwlint.inputs.heat import BASES, document
from lwlint.inputs.heat.document import ENVIRONMENT, ROLES, SECTIONS, TEMPLATE, HeatFile, Mapping, Scalar, effective, is_null
from lwlint.inputs.heat.facts import (
    ABOUT,
    GET_FILE,
    Container,
    DanglingReference,
    DuplicateKey,
    GetFile,
    HieraKey,
    Role,
    SoftwareConfig,
    StrayFunction,
)
from lwlint.inputs.heat.outline import (
    FILE,
    FILE_URL,
    IN_PLAN,
    LOADED,
    OUTLINE,
    SOURCE,
    SUFFIXES,
    Outline,
    Outlines,
    Parameters,
    PartsOfTree,
    Refusal,
    Setting,
    is_path,
    outline,
)
from lwlint.inputs.heat.template import Values

INSTALLED = "/usr/share/openstack-tripleo-heat-templates/"
# a file without any of these words that is no template has nothing for others: no settings, no registry
_WORDS = (
    "resource_registry", "parameter_defaults", "::", "role_data", "docker_config", "container_config", "get_file", "mapped_data",
    "config_settings", "hieradata", "resources:", "environment_groups",
)  # fmt: skip
_WORD = re.compile(r"[^-_]+")


class Read(Struct, frozen=True):
    """A file that was read: its source, and the outline of it."""

    source: Source
    outline: Outline

    @property
    def form(self) -> str:
        """What it is: template, environment, roles, other."""
        return self.outline.form

    def span(self, place: tuple[int, int]) -> Span:
        """Return the span of a place in this file."""
        return Span(self.source.path, *place)


class HeatTree:
    """All Heat files of one run: those that were given, and those that they refer to, loaded when they are wanted."""

    def __init__(
        self,
        sources: Sequence[Source],
        load: Callable[[str], Source | None],
        environments: Sequence[str],
        outlines: Outlines,
        exists: Callable[[str], bool] | None = None,
        *,
        by_heat: bool = False,
    ) -> None:
        """`environments` are the paths of those whose parameters count for all templates, in their order; `exists` knows other files.

        `by_heat` tells that Heat merges them itself, not its client.
        """
        self._exists = exists
        self._outlines = outlines
        self._load = load
        self._sources: dict[str, Source | None] = {source.path: source for source in sources}
        self._given = list(sources)
        self._read: dict[str, Read | Unreadable | NotEvaluated] = {}
        self._resolved: dict[tuple[str, str], str] = {}
        self._bases: dict[str, Read | None] = {}
        self._roots: dict[str, str | None] = {}
        self._known = frozenset(self._sources)
        chosen = [file for path in environments if (file := self._parse(path)) is not None]
        self._parameters = Parameters(chosen, by_heat=by_heat)
        of = tuple(environments), self._parameters.digest(), sorted(self._parameters.replaced)
        self.parts = PartsOfTree(outlines.parts, self._given, of, self._is_there)
        self.parts.answers.update({OUTLINE: self._outline, SOURCE: self.source, FILE: self.file})

    def read_given(self, jobs: int = 1) -> Iterator[Read | Unreadable | NotEvaluated]:
        """Yield what became of each given source that can matter to others or cannot be read; `jobs` processes may read them."""
        self._outlines.prepare([source for source in self._given if source.kind == "heat"], self._parameters, jobs)
        for source in self._given:
            if source.kind != "heat":
                continue
            reading = self._reading(source)
            matters = isinstance(reading, Read) and reading.form == TEMPLATE
            if matters or isinstance(reading, Unreadable) or any(word in source.text for word in _WORDS):
                yield reading

    def files(self) -> list[Read]:
        """Return every file that has been read so far, context included."""
        return [reading for reading in self._read.values() if isinstance(reading, Read)]

    def source(self, path: str) -> Source | None:
        """Return the source at `path`, given or loaded; None where there is no file."""
        if path not in self._sources:
            self._sources[path] = self._load(path)
        found = self._sources[path]
        if path not in self._known:
            self.parts.note_load(SOURCE, path, found)
        return found

    def file(self, path: str) -> Read | None:
        """Return the file at `path`, read; None where there is none or it cannot be read."""
        source = self.source(path)
        if source is None or source.kind != "heat":
            return None
        reading = self._reading(source)
        found = reading if isinstance(reading, Read) else None
        self.note(path, found)
        return found

    def note(self, path: str, file: Read | None) -> None:
        """Note that it matters to a part of the tree what the file at a path says."""
        if path not in self._known:
            self.parts.note_load(FILE, path, file)
        elif self.parts.noting:
            self.parts.note(OUTLINE, path, file.outline if file is not None else None)

    def _outline(self, path: str) -> Outline | None:
        file = self.file(path)
        return file.outline if file is not None else None

    def _is_there(self, path: str) -> bool:
        return self._exists is not None and self._exists(path)

    def find(self, path: str) -> str | None:
        """Return the path of the file that is `path` when Jinja has been rendered; None where there is none."""
        if self.source(path) is not None:
            return path
        stem, dot, suffix = path.rpartition(".")
        rendered = f"{stem}.j2.{suffix}" if dot else path
        return rendered if dot and self.source(rendered) is not None else None

    def has(self, path: str) -> bool:
        """Return whether there is a file at `path` when Jinja has been rendered, of whatever kind."""
        if self._exists is None:
            return self.find(path) is not None
        return self.parts.note_there(path, self._exists(path)) or self.find(path) is not None

    def is_generated(self, path: str) -> bool:
        """Return whether Jinja may make the file at `path`, for a role or a network of its own data."""
        return any(self.source(maker) is not None for maker in _makers(path))

    def base(self, path: str) -> Read | None:
        """Return the base registry of the tree that the file at `path` belongs to: the nearest one above it."""
        folder = posixpath.dirname(path)
        if folder not in self._bases or self.parts.noting:  # each file that decides on it is to be noted
            found = next((file for name in BASES if (file := self.file(posixpath.join(folder, name))) is not None), None)
            outside = folder in ("", "/") or folder == ".." or folder.endswith("/..")
            self._bases[folder] = found if found is not None or outside else self.base(folder)
        return self._bases[folder]

    def root(self, path: str) -> str | None:
        """Return the folder of the tree that the file at `path` belongs to: the nearest one with a base registry, readable or not."""
        folder = posixpath.dirname(path)
        if folder not in self._roots or self.parts.noting:  # each file that is looked for is to be noted
            self._roots[folder] = self._root(folder)
        return self._roots[folder]

    def _root(self, folder: str) -> str | None:
        while not any(self.source(posixpath.join(folder, name)) is not None for name in BASES):
            if folder in ("", "/") or folder == ".." or folder.endswith("/.."):
                return None
            folder = posixpath.dirname(folder)
        return folder

    def resolve(self, path: str, target: str, *, of_registry: bool = False) -> str | None:
        """Return the path of the template that `target`, written in the file at `path`, names; None if it names no file."""
        if not is_path(target, of_registry=of_registry):
            return None
        known = (path, target)
        found = self._resolved.get(known)
        return found if found is not None else self.parts.make_once(self._resolved, known, lambda: self._path(path, target))

    def _path(self, path: str, target: str) -> str:
        found = self.find_installed(path, target)
        return found or posixpath.normpath(posixpath.join(posixpath.dirname(path), target.removeprefix(FILE_URL)))

    def of_plan(self, path: str, target: str) -> str | None:
        """Return the path of a file that the plan at `path` names: in the tree that it belongs to, or None where that is not here."""
        root = self.root(path)
        return None if root is None or target.startswith("/") else posixpath.normpath(posixpath.join(root, target))

    def find_installed(self, path: str, target: str) -> str | None:
        """Return the path in the tree of `path` that an absolute target below the place of installation means; None for others."""
        inside = target.removeprefix(FILE_URL)
        if not inside.startswith(INSTALLED):
            return None
        return posixpath.normpath(posixpath.join(self.root(path) or "", inside[len(INSTALLED) :]))

    def with_settings(self, file: Read) -> Read:
        """Return `file` with the settings that a template takes in from it, should it be an environment."""
        if file.form != ENVIRONMENT:
            return file
        found = outline(file.source, self._parameters, of_environment=True)
        return Read(file.source, found) if isinstance(found, Outline) else file

    def with_passed(self, file: Read, values: tuple[tuple[str, Values], ...]) -> Read:
        """Return `file` as it is where other templates give it these values of parameters, as properties."""
        found = outline(file.source, self._parameters.with_passed(values)) if values else None
        return Read(file.source, found) if isinstance(found, Outline) else file

    def is_replaced(self, number: int, place: tuple[int, int]) -> bool:
        """Return whether a list of services in the chosen environment of this number is one that another stands instead of."""
        return self._parameters.is_replaced(number, place)

    def overrides(self, number: int, file: Read) -> tuple[tuple[Setting, ...], tuple[Setting, ...]]:
        """Return the overrides of the chosen environment of this number that count, and those that others stand instead of."""
        lost = tuple(one for one in file.outline.overrides if self._parameters.is_replaced(number, one.span))
        return (tuple(one for one in file.outline.overrides if one not in lost) if lost else file.outline.overrides), lost

    def refuse_environment(self, file: Read) -> Unreadable | None:
        """Return why Heat refuses a file as an environment: a template, a list, a section that it does not know; None for all others."""
        if _find_named_by(file):
            return None  # a plan, which is read as one
        found = self._parse(file.source.path)
        root = found.root if found is not None else None
        if found is None or root is None or (found.masked is not None and found.masked.statements):
            return None
        if isinstance(root, Scalar) and is_null(root):
            return None
        if isinstance(root, Mapping):
            key = next((key for key, _ in effective(root) if key.value not in SECTIONS), None)
            if key is None:
                return None
            return Unreadable(file.source.path, found.span(key), f"`{key.value}` is no section of a Heat environment", file.source.host)
        place = file.source.span(root.start, min(root.start + 1, len(file.source.text)))
        return Unreadable(file.source.path, place, "is no mapping, as a Heat environment must be", file.source.host)

    def _parse(self, path: str) -> HeatFile | None:
        if path not in self._sources:
            self._sources[path] = self._load(path)
        source = self._sources[path]  # not noted: there are no parts before there are parameters
        found = document.read_file(source) if source is not None and source.kind == "heat" else None
        return found if isinstance(found, HeatFile) else None

    def _reading(self, source: Source) -> Read | Unreadable | NotEvaluated:
        if source.path not in self._read:
            self._read[source.path] = _make_reading(source, self._outlines.of(source, self._parameters))
        return self._read[source.path]


def environments_of(
    given: Sequence[str], sources: Sequence[Source], load: Callable[[str], Source | None], exists: Callable[[str], bool] | None
) -> tuple[str, ...]:
    """Return the environments that were given, each plan among them (`plan-environment.yaml`) behind those that it names."""
    if not given:
        return ()
    tree: HeatTree | None = None
    found: list[str] = []
    known = {source.path: source for source in sources}
    for path in given:
        source = known.get(path) or load(path)
        if source is not None and f"{IN_PLAN}:" in source.text:
            tree = tree or HeatTree(sources, load, (), Outlines(), exists)
            file = tree.file(path)
            for target in _find_named_by(file) if file is not None else ():
                inside = tree.of_plan(path, target) or posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
                found.append(tree.find(inside) or inside)
        found.append(path)
    return tuple(found)


def _find_named_by(plan: Read) -> list[str]:
    """Return the environments that a plan names, in their order; none for what is no plan."""
    return [target for name, target, _ in plan.outline.references if name == IN_PLAN]


def _makers(path: str) -> Iterator[str]:
    """Yield the templates of which Jinja makes the file at a path, for whatever role or network.

    As TripleO names what it makes: the name of a role stands in front, or for all of the name in `network/config`; that of a network stands
    where the template has `port` or `network`.
    """
    folder, name = posixpath.split(path)
    stem, dot, suffix = name.rpartition(".")
    if not dot or suffix != "yaml":
        return
    if "network/config" in folder:
        yield posixpath.join(folder, "role.role.j2.yaml")
    words = list(_WORD.finditer(stem))
    for word in words[1:]:
        if stem[word.start() - 1] == "-":
            yield posixpath.join(folder, f"{stem[word.start() :]}.role.j2.yaml")
    network = "port" if folder.endswith("ports") else "network"
    for number, first in enumerate(words):
        for last in words[number:]:
            yield posixpath.join(folder, f"{stem[: first.start()]}{network}{stem[last.end() :]}.network.j2.yaml")


def _make_reading(source: Source, found: Outline | Refusal) -> Read | Unreadable | NotEvaluated:
    if isinstance(found, Outline):
        return Read(source, found)
    span = source.span(*found.span)
    if not found.jinja:
        return Unreadable(source.path, span, found.message, source.host)
    about = tuple(word for word in ABOUT if word in source.text or word in source.path)
    # a base registry that cannot be read decides on whatever stands in its tree
    return NotEvaluated(source.path, span, "Jinja", source.host, None if posixpath.basename(source.path) in BASES else about)


def files(file: Read, tree: HeatTree) -> Iterator[GetFile]:
    """Yield the files that a template reads with `get_file`."""
    own = file.source.path
    for target, place in file.outline.gets:
        path = tree.find_installed(own, target) or posixpath.normpath(posixpath.join(posixpath.dirname(own), target))
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


def dangling(file: Read, tree: HeatTree, under_pacemaker: bool) -> Iterator[DanglingReference]:
    """Yield the references of a registry, of the types of resources and of `get_file` to what does not exist."""
    missing = []
    found = False
    own, host = file.source.path, file.source.host
    hangs = "cluster" if under_pacemaker else "deployment" if file.form == ENVIRONMENT else ""
    for target, place in file.outline.gets:
        installed = tree.find_installed(own, target)
        looked_for = installed or posixpath.normpath(posixpath.join(posixpath.dirname(own), target))
        if tree.has(looked_for):
            found = True
            if installed is not None:
                yield DanglingReference(target, file.span(place), GET_FILE, looked_for, False, True, host, hangs)
        elif target.startswith("/") and installed is None:
            yield DanglingReference(target, file.span(place), GET_FILE, looked_for, True, False, host, hangs)
        else:
            missing.append((GET_FILE, target, place, looked_for))
    for name, target, place in file.outline.references:
        path = tree.of_plan(own, target) if name == IN_PLAN else tree.resolve(own, target, of_registry=file.form == ENVIRONMENT)
        if path is None:
            continue
        if (tree.find if target.endswith(SUFFIXES) else tree.has)(path):
            found = True
            if tree.find_installed(own, target) is not None:
                yield DanglingReference(target, file.span(place), name, path, False, True, host, hangs)
            elif not target.endswith(LOADED) and name not in (IN_PLAN, "file"):
                yield DanglingReference(target, file.span(place), name, path, False, False, host, hangs, True)
        elif not tree.is_generated(path):
            missing.append((name, target, place, path))
    lone = bool(missing) and not found and tree.root(file.source.path) is None
    for name, target, place, path in missing:
        yield DanglingReference(target, file.span(place), name, path, lone, False, host, "deployment" if name == IN_PLAN else hangs)


def roles(file: Read) -> Iterator[Role]:
    """Yield the roles of a roles data file."""
    for role in file.outline.roles if file.form == ROLES else ():
        yield Role(role.name, file.span(role.span), tuple(alias for alias, _ in role.services), file.source.host)


def hiera_keys(file: Read, settings: tuple[Setting, ...], *, in_force: bool = True) -> Iterator[HieraKey]:
    """Yield the settings of a template, of hieradata, or of an environment's overrides."""
    path, host = file.source.path, file.source.host
    for one in settings:
        place = Span(path, *one.at)
        yield HieraKey(one.name, Span(path, *one.span), path, one.values, place, one.place, one.branch, in_force, host, one.service)


def containers(file: Read, service: Service | None, under_pacemaker: bool) -> Iterator[Container]:
    """Yield the containers that a template starts."""
    for one in file.outline.containers:
        text = Text(one.restart[0], file.span(one.restart[1:])) if one.restart is not None else None
        span, host = file.span(one.span), file.source.host
        yield Container(one.name, span, one.step, text, one.policies, one.one_shot, one.command, service, under_pacemaker, host)
