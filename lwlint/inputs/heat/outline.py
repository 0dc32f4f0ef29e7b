"""One Heat file -> its outline: all that is asked of it by itself, as plain values, so that its nodes and its text can be let go.

An outline depends on the text, on whether Jinja renders it, and on the values of the parameters that the user gave; on no path and
on no other file. It can therefore be kept, shared by equal files, and made in another process.

Facts of the parts of a tree (an environment over its registry, the roles of a file, one template) are made of outlines. A process that
judges a tree again and again makes those of a part anew only if something that was asked for them has another answer than in the run
before. What is asked is of two kinds. That there is a file at some path, or none, is the shape of the tree: with another shape all is made
anew. What a file at a path says is noted, by the word for the question, while the facts of a part are made.
"""

import os
import posixpath
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from collections.abc import Mapping as LookUp
from contextlib import suppress
from typing import Any, Optional, TypeVar

from msgspec import DecodeError, Struct, field, msgpack

from lwlint.core.facts import NotEvaluated
from lwlint.core.secret import conceal, is_secret, mask_value, stars
from lwlint.core.source import Source
from lwlint.files.cache import Cache, describe_files, digest, digest_of
from lwlint.inputs.heat import document
from lwlint.inputs.heat.conditions import Conditions
from lwlint.inputs.heat.document import (
    ENVIRONMENT,
    ROLES,
    TEMPLATE,
    HeatFile,
    Mapping,
    Node,
    Scalar,
    effective,
    is_jinja,
    is_null,
    same,
    walk,
)
from lwlint.inputs.heat.document import Sequence as SequenceNode
from lwlint.inputs.heat.facts import NODE_DATA
from lwlint.inputs.heat.template import (
    PART,
    Key,
    Merged,
    Parts,
    Passed,
    Run,
    Scope,
    Specified,
    Taken,
    Values,
    Whole,
    containers,
    find_passed,
    inputs,
    is_small,
    possible,
    read_parts,
    settings,
    strays,
)

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
Answers = dict[str, dict[str, Any]]  # by path and by the word for the question
Loads = dict[tuple[str, str], Any]  # of files that were not given: by the word and the path
OUTLINE, UNDER, BY_ITSELF, SERVICE, PROFILES = "outline", "under", "by itself", "service", "profiles"
SOURCE, FILE = "source", "file"


class Noted(Struct):
    """What was asked while something was made."""

    asked: Answers = field(default_factory=dict)
    loads: Loads = field(default_factory=dict)

    def add(self, other: "Noted") -> None:
        """Take what was asked for another thing as asked for this one too."""
        for path, answers in other.asked.items():
            self.asked.setdefault(path, {}).update(answers)
        self.loads.update(other.loads)


class Known(Struct):
    """What a run leaves for the next one: its parts, and the tree that they are of."""

    parts: dict[Hashable, tuple[Any, Noted]] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    of: object = None
    there: dict[str, bool] = field(default_factory=dict)  # paths that were not given, and whether there was a file


class PartsOfTree:
    """The parts of one run. Without what is `known` nothing is noted, and all is made."""

    def __init__(self, known: Known | None, sources: Sequence[Source], of: object, exists: Callable[[str], bool] | None) -> None:
        """`sources` are those that were given, `of` is what else all parts depend on; `exists` tells whether there is a file at a path."""
        self.answers: dict[str, Callable[[str], Any]] = {}
        self._known = known
        self.noting: list[Noted] = []  # what is asked, innermost part last; empty where it matters to nobody
        self._before: dict[Hashable, tuple[Any, Noted]] = {}
        self._now: dict[Hashable, tuple[Any, Noted]] = {}
        self._changed: list[str] = []
        self._exists = exists
        self._there: dict[str, bool] = {}
        self._absent: set[str] = set()
        self._loaded = 0  # how often a file was found that was not given: what is kept within a run must not hide one
        if known is None:
            return
        self._sources = {source.path: source for source in sources}
        self._of: object = of, [(source.path, source.kind, source.judged, source.host, source.root) for source in sources]
        if known.of == self._of and exists is not None and all(exists(path) == there for path, there in known.there.items()):
            self._before = known.parts
            self._there = dict(known.there)
            self._changed = [path for path, source in self._sources.items() if source != known.sources[path]]

    def note(self, what: str, path: str, answer: T) -> T:
        """Note what was asked of a file that was given, and return the answer."""
        if self.noting:
            self.noting[-1].asked.setdefault(path, {})[what] = answer
        return answer

    def note_load(self, what: str, path: str, answer: object) -> None:
        """Note that a file was looked for that was not given."""
        if self._known is not None:
            if answer is None:
                self._absent.add(path)
                return
            self._loaded += 1
            if self.noting:
                self.noting[-1].loads[what, path] = answer

    def note_there(self, path: str, there: bool) -> bool:
        """Note that it was asked whether there is a file that was not given."""
        if self._known is not None:
            self._there[path] = there
        return there

    def make_once(self, kept: dict[K, T], key: K, make: Callable[[], T]) -> T:
        """Return what is kept within the run, or what is made and then kept: unless a file was loaded for it, which must be noted again."""
        if key in kept:
            return kept[key]
        loads = self._loaded
        value = make()
        if self._loaded == loads:
            kept[key] = value
        return value

    def make(self, make: Callable[[], T]) -> tuple[T, Noted]:
        """Return what is made, and what was asked for it."""
        self.noting.append(Noted())
        try:
            value = make()
        finally:
            noted = self.noting.pop()
        return value, noted

    def add(self, noted: Noted) -> None:
        """Note what was asked for something that is used again within the run."""
        if self.noting:
            self.noting[-1].add(noted)

    def of(self, key: Hashable, make: Callable[[], Iterable[T]]) -> Iterable[T]:
        """Return what `make` makes, or what it made in the run before if all that was asked for it is answered as it was then."""
        if self._known is None:
            return make()
        known = self._before.get(key)
        if known is None or self._is_other(known[1]):
            value, noted = self.make(lambda: tuple(make()))
            known = (known[0] if known is not None and known[0] == value else value), noted
        self._now[key] = known
        found: tuple[T, ...] = known[0]
        return found

    def keep(self) -> None:
        """Leave the parts of this run to the next one."""
        if self._known is None or self._exists is None:
            return
        there = {path: self._exists(path) for path in self._absent}
        if any(there.values()):  # something that is no file of Heat's may be one by then
            self._of = None
        self._known.parts, self._known.sources, self._known.of = self._now, self._sources, self._of
        self._known.there = {**self._there, **there}

    def _is_other(self, noted: Noted) -> bool:
        for path in self._changed:
            for what, answer in noted.asked.get(path, {}).items():
                if self.answers[what](path) != answer:
                    return True
        # last, as it loads the files: what is made anew would come this far, and load them as well
        return any(self.answers[what](path) != answer for (what, path), answer in noted.loads.items())


_EMPTY = Scope(lambda _: None, {})
_SECTIONS = ("parameter_defaults", "parameters")
_STRATEGIES, _OVERWRITE = "parameter_merge_strategies", "overwrite"
_EXTRA, _SERVICES = "extraconfig", "Services"
Place = tuple[int, int]


class Parameters:
    """The values of parameters: those of the chosen environments (the last one counts), else the template's own default.

    A value of the section `parameters` is for the template that is deployed; the templates of services, which are nested, have those
    of `parameter_defaults`. Where Heat merges the environments (`by_heat`), a later mapping stands instead of an earlier one, unless a
    strategy says otherwise, and `null` changes nothing. Where its client does, mappings are merged, and `null` takes a value away.
    """

    def __init__(self, chosen: Sequence[HeatFile] = (), *, by_heat: bool = False) -> None:
        self.given: dict[str, Values] = {}  # of `parameter_defaults`
        self.chosen = self.given  # those of them that the user gave, and by which conditions are decided
        self.own: dict[str, Values] = {}  # of `parameters`
        self.below: tuple[_Below, _Below] = {}, {}  # of both: the values below parameters
        self.replaced: frozenset[tuple[int, Place]] = frozenset()  # overrides and lists that do not count: number of the environment, place
        if not chosen:
            return
        # of overrides and lists of services, by section and parameter: those that are left
        lists: dict[tuple[str, str], list[tuple[int, Place]]] = {}
        every: list[tuple[int, Place]] = []
        strategies: dict[str, str] = {}
        for number, file in enumerate(chosen):
            told = {key.value: value.value for key, value in effective(file.section(_STRATEGIES)) if isinstance(value, Scalar)}
            for section, values, below in zip(_SECTIONS, (self.given, self.own), self.below):
                for key, value in effective(file.section(section)):
                    name = key.value
                    if isinstance(value, Scalar) and is_null(value):
                        if not by_heat:
                            values.pop(name, None)
                            below.pop(name, None)
                        continue
                    replaces = by_heat and strategies.setdefault(name, told.get(name, told.get("default", _OVERWRITE))) == _OVERWRITE
                    merges = by_heat and not replaces and name in values
                    is_open = merges or file.is_open(key, value)
                    told_before = by_heat or name not in values or name in below
                    is_told = told_before and not is_open and not _is_override(name) and is_small(value)
                    if by_heat or not is_told or not isinstance(value, Mapping):
                        below.pop(name, None)
                    values[name] = None if is_open else possible(value, _EMPTY)
                    if is_told and isinstance(value, Mapping):
                        below.setdefault(name, {}).update(_read_below("", value))
                    if _is_override(name) or (name.endswith(_SERVICES) and isinstance(value, SequenceNode)):
                        one = number, (min(key.start, value.start), max(key.end, value.end))
                        every.append(one)
                        replaces = replaces or (not by_heat and isinstance(value, SequenceNode))
                        lists[section, name] = [*([] if replaces else lists.get((section, name), [])), one]
        counts = [of for (section, name), of in lists.items() if section == _SECTIONS[1] or (_SECTIONS[1], name) not in lists]
        kept = {one for of in counts for one in of}
        self.replaced = frozenset(one for one in every if one not in kept)

    def is_replaced(self, number: int, place: Place) -> bool:
        """Return whether what stands at a place in the environment of this number is of an override or a list that others replace."""
        return any(one == number and start <= place[0] < end for one, (start, end) in self.replaced)

    def with_passed(self, values: Iterable[tuple[str, Values]]) -> "Parameters":
        """Return the values of parameters in a template that is given others as properties, which come before those of environments."""
        found, instead = Parameters(), dict(values)
        found.given = {**self.given, **instead}
        given, own = ({name: parts for name, parts in below.items() if name not in instead} for below in self.below)
        found.below = given, own
        found.chosen = {name: value for name, value in self.chosen.items() if name not in instead}
        found.own = {name: value for name, value in self.own.items() if name not in instead}
        return found

    def digest(self) -> bytes:
        """Return what tells these values from others."""
        told = self.given, self.own, *self.below
        return repr([sorted(values.items()) for values in told]).encode("utf-8", "surrogatepass") if any(told) else b""

    def scope(self, parts: Parts, conditions: Conditions | None = None) -> Scope:
        """Return what the values in a template can refer to."""
        declared = parts.file.section("parameters")
        is_nested = parts.role_data is not None or not self.own
        given = self.given if is_nested else {**self.given, **self.own}
        known: dict[str, Values] = {}

        def parameter(name: str) -> Values:
            if name not in known:
                whole = name.partition(PART)[0]
                if whole not in known:  # it is asked for, too
                    known[whole] = values_of(whole)
                if whole != name:
                    known[name] = values_of(name)
            return known[name]

        def values_of(name: str) -> Values:
            whole, *path = name.split(PART)
            schema = declared.get(whole)
            node = schema.get("default") if isinstance(schema, Mapping) else None
            masked = parts.file.masked
            if node is not None and masked is not None and masked.is_open(node.start, node.end):
                node = None
            if path:
                below = self.below[0 if is_nested or whole not in self.own else 1]
                told = _find_given(path, below.get(whole, {})) if whole in given else _find_below(node, path)
                values = None if whole in _MADE else told
            else:
                values = given[name] if name in given else possible(node, _EMPTY) if node is not None else None
            hidden = bool(values) and (_is_hidden(whole, schema) or is_secret(name.rpartition(PART)[2]))
            return values if not values or not hidden else tuple(map(conceal, values))

        return Scope(parameter, inputs(parts), conditions, known)


_Below = dict[str, dict[str, Values]]  # a parameter, and the values below it by the keys that lead to them, with PART before each
_NOTHING: Values = ("",)  # what Heat puts in the place of a key that a mapping does not have
# what a deployment makes for each role or for all services, whatever the default of a template
_MADE = frozenset(("RoleParameters", "EndpointMap", "ServiceNetMap", "ServiceData", "DefaultPasswords"))


def _read_below(at: str, value: Mapping) -> Iterator[tuple[str, Values]]:
    """Yield the values in a mapping by the keys that lead to them; of each mapping, by an empty key, that all of it is told."""
    yield at + PART, ()
    for key, inner in effective(value):
        yield at + PART + key.value, possible(inner, _EMPTY)
        if isinstance(inner, Mapping):
            yield from _read_below(at + PART + key.value, inner)


def _find_given(path: Sequence[str], below: LookUp[str, Values]) -> Values:
    """Return a value in a parameter that was given; None where that is no mapping, or where not all of it is told."""
    at = ""
    for key in path:
        if below.get(at + PART) is None:  # no mapping, or one of which not all is told
            return _NOTHING if at and below.get(at) is not None and not key.isdigit() else None
        at += PART + key
        if at not in below:
            return _NOTHING
    return below[at]


def _find_below(node: Node | None, path: Sequence[str]) -> Values:
    """Return a value in the default of a parameter; None where that is no mapping."""
    if not isinstance(node, Mapping):
        return None
    found: Node | None = node
    for key in path:
        if not isinstance(found, Mapping):
            return None if isinstance(found, SequenceNode) or key.isdigit() else _NOTHING
        found = found.get(key)
        if found is None:
            return _NOTHING
    return possible(found, _EMPTY) if isinstance(found, Scalar) else None


def _is_hidden(name: str, schema: Node | None) -> bool:
    """Return whether Heat does not show the value of a parameter, by its declaration, or by its name if that is not here."""
    hidden = schema.get("hidden") if isinstance(schema, Mapping) else None
    return is_secret(name) or (isinstance(hidden, Scalar) and hidden.value.lower() in ("true", "yes", "on", "1"))


Named = tuple[str, Place]

SUFFIXES = (".yaml", ".yml", ".template")
LOADED = (".yaml", ".template")  # what Heat takes for a template
FILE_URL = "file://"  # before the absolute path of a file
IN_PLAN = "environments"  # in the place of an alias: a file that a plan names, by its path in the tree of the plan
_CONFIGS = ("OS::Heat::SoftwareConfig", "OS::Heat::StructuredConfig")
_DESCRIBING = ("type", "description", "label", "hidden", "tags", "constraints", "immutable")


class Setting(Struct, frozen=True, array_like=True):
    """A setting; `values` are all that it can have (None: only a deployment tells), `at` is the place of its value.

    `service` is the one whose nodes it is for, where it stands in `service_config_settings`.
    """

    name: str
    span: Place
    place: str
    branch: tuple[str, ...]
    values: Values
    at: Place
    service: str = ""


class Line(Struct, frozen=True, array_like=True):
    """One line of a registry; `scope` is the resource that it is for, where it stands below `resources`. No `target`: it is no text.

    With a `base_url` in the registry the `target` is the template below that.

    Of one that is `made` Jinja writes the target.
    """

    alias: str
    span: Place
    target: Optional[str]
    at: Place
    scope: str
    made: bool = False


class Repeated(Struct, frozen=True, array_like=True):
    """A key that stands twice in one mapping."""

    name: str
    span: Place
    dropped: Place
    differs: bool
    schema: bool


class Listed(Struct, frozen=True, array_like=True):
    """The services of one role, by alias: its entry of roles data, or a parameter such as `ControllerServices`."""

    name: str
    span: Place
    services: tuple[Named, ...]


class Outline(Struct, frozen=True, array_like=True):
    """What a file holds, by itself. `first` is the place of the first key of a template.

    `references` are the templates that it names, with what they are mapped to; `gets` the files that it reads; `roles` the roles with
    their services, in roles data and where an environment's parameter names them; `overrides` the settings that it puts over those of
    templates. `types` are the types of those resources whose settings it takes in (`taken`); `merged` tells after how many of its own
    settings. `service_name` is the name of its service, or that of the resource `named_by`; both are empty where
    that is not known. `sections` and `wholes` are as in the parts of a template. `passed` are the properties that its resources give to
    other templates, `used` the parameters by which its settings, containers and these are told, with the values that they have; `untold`
    the sections of which only a deployment tells all that is merged in. `runs` is what it runs of others, `running` are the sections
    of its own role data that run something, or the empty ones where all are.
    """

    form: str
    first: Optional[Place] = None
    registry: tuple[Line, ...] = ()
    references: tuple[tuple[str, str, Place], ...] = ()
    gets: tuple[Named, ...] = ()
    repeated: tuple[Repeated, ...] = ()
    roles: tuple[Listed, ...] = ()
    overrides: tuple[Setting, ...] = ()
    types: tuple[tuple[str, str], ...] = ()
    taken: tuple[Taken, ...] = ()
    merged: tuple[Merged, ...] = ()
    settings: tuple[Setting, ...] = ()
    role_data: Optional[Place] = None
    containers: tuple[Specified, ...] = ()
    configs: tuple[tuple[str, Place, str, str], ...] = ()
    stray: tuple[Named, ...] = ()
    service_name: str = ""
    named_by: str = ""
    sections: tuple[str, ...] = ()
    wholes: tuple[Whole, ...] = ()
    passed: tuple[Passed, ...] = ()
    used: tuple[tuple[str, Values], ...] = ()
    untold: tuple[str, ...] = ()
    runs: tuple[Run, ...] = ()
    running: tuple[str, ...] = ()


class Refusal(Struct, frozen=True, array_like=True):
    """Why there is no outline, and where; `jinja` tells that it may be one when Jinja has been rendered."""

    message: str
    span: Place
    jinja: bool


def outline(source: Source, parameters: Parameters, *, of_environment: bool = False) -> Outline | Refusal:
    """Return the outline of `source`. An environment is read for the settings of a template only if `of_environment` asks for it."""
    file = document.read_file(source)
    if not isinstance(file, HeatFile):
        place = (file.span.start, file.span.end)
        return Refusal("", place, True) if isinstance(file, NotEvaluated) else Refusal(file.message, place, False)
    is_environment = file.form == ENVIRONMENT
    lines = tuple(_lines(file)) if is_environment else ()
    scope = parameters.scope(Parts(file)) if is_environment else _EMPTY
    return Outline(
        form=file.form,
        registry=lines,
        references=tuple(_references(file, lines)),
        gets=tuple((s.value, _place(s)) for s in file.files if "://" not in s.value and not _is_generated(file, s)),
        repeated=tuple(_find_repeated(file)),
        roles=tuple(_find_deployed(file) if is_environment else _roles(file)),
        overrides=tuple(_setting(file, k, scope) for k in _overrides(file)) if is_environment else (),
        **({} if is_environment and not of_environment else _of_parts(file, parameters)),
    )


def _of_parts(file: HeatFile, parameters: Parameters) -> dict[str, Any]:
    """Return the fields of an outline that tell what a template, or hieradata, consists of."""
    conditions = Conditions(file, parameters.chosen.get)
    parts = read_parts(file, conditions)
    scope = parameters.scope(parts, conditions)
    form = file.form
    first = parts.file.root.content[0] if isinstance(parts.file.root, Mapping) and parts.file.root.content else None
    everywhere = any(key.place == "hieradata" for key in parts.keys)
    wanted = {one.resource for one in parts.taken} | {one.resource for one in parts.merged} | {parts.named_by}
    wanted |= {one.resource for one in parts.runs}
    return {
        "first": _place(first) if first is not None and form == TEMPLATE else None,
        "types": tuple((name, kind.value) for name, kind in parts.types.items() if everywhere or name in wanted),
        "taken": tuple(sorted(parts.taken)),
        "merged": tuple(parts.merged),
        "settings": tuple(_setting(parts.file, key, scope) for key in parts.keys),
        "role_data": _place(parts.role_data) if parts.role_data is not None else None,
        "containers": tuple(containers(parts, scope)),
        "configs": tuple(_configs(parts)) if form == TEMPLATE else (),
        "stray": tuple((key.value, _place(key)) for key in strays(parts.file)) if form == TEMPLATE else (),
        "service_name": parts.service_name,
        "named_by": parts.named_by,
        "sections": tuple(sorted(parts.sections)),
        "wholes": tuple(parts.wholes),
        "passed": tuple(find_passed(parts, scope)) if form == TEMPLATE else (),
        "used": tuple(scope.asked.items()),
        "untold": tuple(sorted(parts.untold)),
        "runs": tuple(sorted(parts.runs)),
        "running": tuple(sorted(parts.running or parts.idle)),
    }


def _place(node: Node) -> Place:
    return (node.start, node.end)


def _is_generated(file: HeatFile, scalar: Scalar) -> bool:
    return file.masked is not None and file.masked.is_generated(scalar.start, scalar.end)


def _setting(file: HeatFile, key: Key, scope: Scope) -> Setting:
    values = None if file.is_open(key.key, key.value) else possible(key.value, scope, branch=key.branch)
    if values is not None:  # an outline may be kept on the disk, and what is a secret in a value no rule asks for
        secret = is_secret(key.name)
        values = tuple([stars(value) if secret else mask_value(value) for value in values])
    return Setting(key.name, _place(key.key), key.place, key.branch, values, _place(key.value), key.service)


def _lines(file: HeatFile) -> Iterator[Line]:
    """Yield the entries of the resource registry of an environment; of a key that stands twice, the last."""
    registry = file.section("resource_registry")
    base = _base_of(registry, "")
    for key, value in effective(registry):
        if key.value == "resources" and isinstance(value, Mapping):
            for scope, inner in effective(value):
                if isinstance(inner, Mapping):
                    own = _base_of(inner, base)
                    for alias, target in effective(inner):
                        if alias.value not in _NO_TYPES:
                            yield _line(file, alias, target, scope.value, own)
        elif isinstance(value, Scalar) and key.value not in _NO_TYPES:
            yield _line(file, key, value, "", base)


_BASE_URL = "base_url"
_NO_TYPES = ("hooks", "restricted_actions", _BASE_URL)  # keys of a registry


def _base_of(registry: Mapping, base: str) -> str:
    """Return what the templates of a registry are below, instead of the folder of its file; empty where that is the folder."""
    given = registry.get(_BASE_URL)
    return given.value if isinstance(given, Scalar) and not is_null(given) else base


def _below(base: str, target: str) -> str:
    """Return the template `target` below the base of its registry, as Heat's client joins them: a path where the base is one of files."""
    if not base or "::" in target or "://" in target:
        return target
    scheme, sign, rest = base.rpartition("://")
    server, _, folder = rest.partition("/") if sign else ("", "", rest)
    path = posixpath.normpath(posixpath.join(f"/{folder}" if sign else folder, target))
    return path if scheme in ("", "file") else f"{scheme}{sign}{server}{path}"


def _line(file: HeatFile, alias: Scalar, target: Node, scope: str, base: str) -> Line:
    text = _below(base, target.value) if isinstance(target, Scalar) and not is_null(target) else None  # `null` maps the alias to nothing
    made = file.masked is not None and file.masked.is_open(target.start, target.end, within=alias.start)
    return Line(alias.value, _place(alias), text, _place(target), scope, made)


def _references(file: HeatFile, lines: tuple[Line, ...]) -> Iterator[tuple[str, str, Place]]:
    for name, target, place in _find_named(file, lines):
        generated = file.masked is not None and file.masked.is_generated(*place)
        if is_path(target, of_registry=file.form == ENVIRONMENT) and not generated:
            yield name, target, place


def is_path(target: str, *, of_registry: bool = False) -> bool:
    """Return whether a target is the path of a file, as all targets `of_registry` are to Heat's client that have no `::` in them."""
    if not target.endswith(SUFFIXES) and ("::" in target or not of_registry or not target):
        return False
    return "://" not in target or "://" not in target.removeprefix(FILE_URL)


def _find_named(file: HeatFile, lines: tuple[Line, ...]) -> Iterator[tuple[str, str, Place]]:
    if file.form == ENVIRONMENT:
        yield from ((line.alias, line.target, line.at) for line in lines if line.target is not None)
        yield from _of_plan(file)
    elif file.form == TEMPLATE:
        for name, resource in effective(file.section("resources")):
            kind = resource.get("type") if isinstance(resource, Mapping) else None
            if isinstance(kind, Scalar):
                yield name.value, kind.value, _place(kind)
    elif file.top("topics") is not None:
        for node in walk(file.top("topics")):
            for key, value in node.pairs if isinstance(node, Mapping) else ():
                if key.value == "file" and isinstance(value, Scalar):
                    yield key.value, value.value, _place(value)
    else:
        yield from _of_plan(file)


def _of_plan(file: HeatFile) -> Iterator[tuple[str, str, Place]]:
    """Yield the environments that a plan (`plan-environment.yaml`) names."""
    named = file.top("environments")
    for item in named.items if isinstance(named, SequenceNode) and file.top("template") is not None else ():
        path = item.get("path") if isinstance(item, Mapping) else None
        if isinstance(path, Scalar):
            yield IN_PLAN, path.value, _place(path)


def _find_repeated(file: HeatFile) -> Iterator[Repeated]:
    """Yield the keys that stand twice in one mapping; of Jinja only where no statement may leave one of them out."""
    schemas: set[int] | None = None
    for twice in file.duplicates:
        (first, lost), (key, value) = twice.dropped, twice.kept
        masked = file.masked
        if masked is not None and (masked.is_decided_between(first.start, key.start) or masked.is_generated(key.start, key.end)):
            continue
        if schemas is None:
            schemas = {id(schema) for schema in file.section("parameters").values} if file.form == TEMPLATE else set()
        schema = id(twice.mapping) in schemas and key.value in _DESCRIBING
        yield Repeated(key.value, _place(key), _place(first), not same(lost, value), schema)


def _roles(file: HeatFile) -> Iterator[Listed]:
    for item in file.root.items if file.form == ROLES and isinstance(file.root, SequenceNode) else ():
        name, services = (item.get("name"), item.get("ServicesDefault")) if isinstance(item, Mapping) else (None, None)
        if isinstance(name, Scalar) and isinstance(services, SequenceNode):
            yield _list_services(file, name, name.value, services)


def _find_deployed(file: HeatFile) -> Iterator[Listed]:
    """Yield the services that the parameters of an environment name for a role (`ControllerServices`)."""
    for section in _SECTIONS:
        for key, value in effective(file.section(section)):
            if key.value.endswith(_SERVICES) and isinstance(value, SequenceNode):
                yield _list_services(file, key, key.value[: -len(_SERVICES)], value)


def _list_services(file: HeatFile, key: Scalar, name: str, services: SequenceNode) -> Listed:
    known = (item for item in services.items if isinstance(item, Scalar) and not _is_generated(file, item))
    return Listed(name, _place(key), tuple((item.value, _place(item)) for item in known))


def _overrides(file: HeatFile) -> Iterator[Key]:
    """Yield the settings that an environment puts over those of templates (`ControllerExtraConfig`, `NodeDataLookup`)."""
    for section in _SECTIONS:
        for name, value in effective(file.section(section)):
            if not (_is_override(name.value) and (given := _as_mapping(value)) is not None):
                continue
            nodes = [given] if name.value != NODE_DATA else [node for node in given.values if isinstance(node, Mapping)]
            for of_node in nodes:
                yield from settings(of_node, name.value, ())


def _is_override(parameter: str) -> bool:
    return parameter.lower().endswith(_EXTRA) or parameter == NODE_DATA


def _as_mapping(value: Node) -> Mapping | None:
    """Return the mapping that a parameter of type `json` is given; the parts of one that is a text of JSON stand where the text does."""
    if not isinstance(value, Scalar) or not value.value.lstrip().startswith("{"):
        return value if isinstance(value, Mapping) else None
    try:
        root = document.read(value.value).root
    except document.Refused:
        return None
    for node in walk(root):
        node.start, node.end = value.start, value.end
    return root if isinstance(root, Mapping) else None


def _configs(parts: Parts) -> Iterator[tuple[str, Place, str, str]]:
    """Yield the software configurations among the resources of a template: name, place, type and group."""
    for name, resource in effective(parts.resources) if any(kind.value in _CONFIGS for kind in parts.types.values()) else ():
        kind = parts.types.get(name.value)
        if kind is None or kind.value not in _CONFIGS or not isinstance(resource, Mapping):
            continue
        properties = resource.get("properties")
        group = properties.get("group") if isinstance(properties, Mapping) else None
        yield name.value, _place(name), kind.value, group.value if isinstance(group, Scalar) else ""


class _Plain(Struct, frozen=True, array_like=True):
    outline: Optional[Outline] = None
    refusal: Optional[Refusal] = None


def as_plain(found: Outline | Refusal) -> bytes:
    """Return an outline as bytes, to be kept or sent; none where it holds text that is no Unicode."""
    plain = _Plain(refusal=found) if isinstance(found, Refusal) else _Plain(outline=found)
    try:
        return msgpack.encode(plain)
    except UnicodeEncodeError:
        return b""


def from_plain(plain: bytes) -> Outline | Refusal | None:
    """Return the outline that `as_plain` made bytes of; None for what is none."""
    try:
        found = msgpack.decode(plain, type=_Plain)
    except DecodeError:
        return None
    return found.outline or found.refusal


_FEW = 4  # files whose outlines are made as fast as they are kept
_READERS = ("core", "files", "inputs/heat")  # the folders with all that an outline is made by


class Kept(Struct, frozen=True):
    """Where outlines are kept between runs: the cache, and what the run is of (its folder and paths)."""

    cache: Cache = Cache()
    of: tuple[str, ...] = ()


class Outlines(Struct):
    """Outlines by the hash of what they are made of; those of `made` are bytes and come from the cache or for it.

    `parts` is what is known of the parts of the tree, in a process that judges it again and again.
    """

    kept: Kept = field(default_factory=Kept)
    found: dict[bytes, Outline | Refusal] = field(default_factory=dict)
    made: dict[bytes, bytes] | None = None
    name: str = ""
    fresh: int = 0
    parts: Known | None = None

    def of(self, source: Source, parameters: Parameters) -> Outline | Refusal:
        """Return the outline of `source`."""
        key = _key(source, parameters)
        if key not in self.found:
            made = self._read_made()
            known = from_plain(made[key]) if key in made else None
            if known is None:
                known = outline(source, parameters)
                self.fresh += 1
            self.found[key] = known
        return self.found[key]

    def prepare(self, sources: Sequence[Source], parameters: Parameters, jobs: int) -> None:
        """Make the outlines of `sources` that are not known yet, in several processes if there are enough of them."""
        if len(sources) == 1:
            return
        from lwlint.files.processes import spread, workers

        if workers(jobs, len(sources)) == 1:
            return
        made = self._read_made()
        missing = {key: source for source in sources if (key := _key(source, parameters)) not in self.found and key not in made}
        number = workers(jobs, len(missing))
        if number > 1:
            plain = spread(lambda source: as_plain(outline(source, parameters)), list(missing.values()), number)
            self.found.update((key, known) for key, known in zip(missing, map(from_plain, plain)) if known is not None)
            self.fresh += len(missing)

    def keep(self) -> None:
        """Keep the outlines of this run for the next, if there are any that the last one has not kept."""
        if not self.fresh or len(self.found) < _FEW or self.kept.cache.folder is None:
            return
        made = self._read_made()
        plain = {key: made[key] if key in made else as_plain(found) for key, found in self.found.items()}
        self.kept.cache.put(self._name(), msgpack.encode(list(plain.items())))
        self.made, self.fresh = plain, 0

    def _read_made(self) -> dict[bytes, bytes]:
        if self.made is None:
            self.made = {}
            data = self.kept.cache.get(self._name()) if self.kept.cache.folder is not None else None
            if data is not None:
                with suppress(DecodeError):
                    self.made = dict(msgpack.decode(data, type=list[tuple[bytes, bytes]]))
        return self.made

    def _name(self) -> str:
        if not self.name:
            self.name = self._make_name()
        return self.name

    def _make_name(self) -> str:
        here = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
        told = describe_files([os.path.join(here, name) for name in _READERS], ("yaml",))
        return f"outlines-{digest(repr((told, os.getcwd(), self.kept.of)).encode('utf-8', 'surrogateescape')).hex()}"


def _key(source: Source, parameters: Parameters) -> bytes:
    given = parameters.digest()
    head = b"%d %d " % (is_jinja(source.path), source.path.endswith(".json"))
    return head + digest_of(source) + (digest(given) if given else b"")
