"""Database retries in the settings of templates: whoever sets a connection must set unlimited retries for the same class.

Retry settings that set nothing are told too: no connection is set for the class that they are of.
"""

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Literal, Optional

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from lwlint.checks.heat import needs_heat, overriding
from lwlint.checks.parameters import HieraName, KnownRelease, Project, Regex, wrong_groups
from lwlint.core.check import Check, Reads, Saw, Unknown, unseen
from lwlint.core.config_reader import Document, Mismatch
from lwlint.core.facts import Facts, Release
from lwlint.core.finding import AddKey, Fix, Problem, Related, Replace
from lwlint.core.lazy import find_needed, fullmatch, pattern
from lwlint.core.source import Span
from lwlint.inputs.heat import BASES
from lwlint.inputs.heat.conditions import always_with, are_possible, conditions
from lwlint.inputs.heat.facts import (
    ALL,
    CONFIG,
    EXTRA_CONFIG,
    SETTINGS,
    Environment,
    GetFile,
    HieraKey,
    RoleData,
    RoleService,
    ServiceMapping,
    SoftwareConfig,
)
from lwlint.inputs.puppet.facts import Manifest, ManifestClass, ManifestDatabase, ManifestOption, ManifestResource, Setting

RESOURCE = "_config/"  # a key of a resource: `nova::config::nova_config/database/max_retries`


def add_retries(connection: HieraKey, name: str, value: str, own: Iterable[HieraKey], around: Iterable[HieraKey]) -> Optional[Fix]:
    """Return the fix that sets `name` beside the connection, if its `own` template does not set it already, under some condition.

    A resource of the class does where the class has no parameter; whether the class is there to make it, a template does not
    tell, and a resource of the same type in any of the settings `around` would take its place.
    """
    if connection.template.endswith(".json"):
        return None  # what is added is YAML
    head, resource, option = name.partition(RESOURCE)
    key = head + RESOURCE[:-1] if resource else name
    if any(other.name == key or other.name.startswith(f"{key}/") for other in (around if resource else own)):
        return None
    written = f"{{'{option}': {{value: {value}}}}}" if resource else value
    return Fix(f"add `{key}: {written}`", (AddKey(connection.span, key, written),), safe=not resource)


def set_retries(retries: HieraKey, value: str) -> Optional[Fix]:
    """Return the fix that gives retries that end another value; none where the value is made by a function."""
    place = retries.value_span
    if retries.values is None or len(retries.values) != 1 or not 0 <= place.end - place.start - len(retries.values[0]) <= 2:
        return None
    if place.path != retries.span.path or place.start < retries.span.end:
        return None  # an alias: the value stands elsewhere, and others may use it
    return Fix(f"set `{retries.name}` to `{value}`", (Replace(place, value),))


_MANIFEST = ".pp"
_CONFIG = "::controllerconfig"  # how the alias ends that leads to the configuration of the controllers
_MODULE = "manifests/profile/"  # of puppet-tripleo: classes that services include
_SERVICES = ("/services/", "/deployment/")
# templates and manifests of the other roles of TripleO, by their names
_OTHER_ROLE = pattern(
    r"(?:^|[_-])(?:compute|ceph-?storage|cinder-storage|swift-storage|block-?storage|object-?storage|object|volume)(?:[_.-]|$)"
)


def is_of_controllers(path: str) -> bool:
    """Return whether a template or manifest may be of the role of the controllers; those of services may be of any."""
    return any(part in f"/{path}" for part in _SERVICES) or _OTHER_ROLE.search(posixpath.basename(path)) is None


class ManifestSettings(Struct):
    """What the manifests that run together on one node set: hiera keys that would do the same, and their settings; None where not set."""

    paths: frozenset[str] = frozenset()
    found: dict[str, list[Setting | None]] = field(default_factory=dict)

    def sets(self, names: Iterable[str]) -> bool | None:
        """Return whether one of the keys `names` is set, whichever branch is taken; None where its value is not known."""
        unknown = False
        for name in names:
            settings = self.found.get(name, [])
            if settings and all(setting is not None for setting in settings):
                known = [setting.value for setting in settings if setting is not None]
                if "undef" in known:
                    continue
                if None not in known:
                    return True
                unknown = True
        return None if unknown else False


def in_manifests(facts: Facts) -> tuple[ManifestSettings, ...]:
    """Return what the manifests of the controllers set, each way in which they may be deployed by itself.

    With environments that were given it is the one of the alias `ControllerConfig`. Else, where some manifests make resources of a cluster,
    the others are for controllers without one, and nothing is asked of them.
    """
    every = {one.span.path for one in facts.of(ManifestClass)} | {one.span.path for one in facts.of(ManifestOption)}
    if not every:
        return ()
    sets: dict[str, set[str]] = {}
    runs = {config.span.path for config in facts.of(SoftwareConfig) if config.group == "puppet"}
    for read in facts.of(GetFile):
        if read.name.endswith(_MANIFEST) and read.name in every and read.span.path in runs and is_of_controllers(read.name):
            sets.setdefault(read.span.path, set()).add(read.name)
    if not sets:
        return tuple(_settings_in(facts, {path}) for path in sorted(every) if is_of_controllers(path) and _MODULE not in path)
    merged = {view.name for view in facts.of(Environment) if view.merged}
    chosen = {
        one.final for one in facts.of(ServiceMapping) if one.in_force and one.environment in merged and one.alias.lower().endswith(_CONFIG)
    }
    if chosen & set(sets):
        return tuple(_settings_in(facts, sets[path]) for path in sorted(chosen & set(sets)))
    clustered = {one.span.path for one in facts.of(ManifestResource)}
    with_cluster = [path for path in sorted(sets) if sets[path] & clustered]
    return tuple(_settings_in(facts, sets[path]) for path in with_cluster or sorted(sets))


def _settings_in(facts: Facts, paths: set[str]) -> ManifestSettings:
    result = ManifestSettings(frozenset(paths))
    classes = [one for one in facts.of(ManifestClass) if one.span.path in paths and one.how == "class"]
    parameters = {(one.name, setting.name) for one in classes for setting in one.settings}
    for one in classes:
        own = {setting.name: setting for setting in one.settings}
        for name, parameter in parameters:
            if name == one.name:
                result.found.setdefault(f"{name}::{parameter}", []).append(own.get(parameter))
    for option in facts.of(ManifestOption):
        if option.span.path in paths and not option.absent:
            module, config = _class_of(option.config)
            setting = Setting(option.name, option.value, option.written, option.span, option.span)
            result.found.setdefault(f"{module}::config::{config}/{option.section}/{option.option}", []).append(setting)
    return result


def _class_of(config: str) -> tuple[str, str]:
    """Return the module of a resource type and its parameter of `MODULE::config` (`glance_api_config` -> `glance`, `api_config`)."""
    if config == "ironic_inspector_config":
        return "ironic::inspector", config
    if config == "neutron_config":
        return "neutron", "server_config"
    module, _, rest = config.partition("_")
    return module, config if rest == "config" else rest


def manifest_databases(facts: Facts, on_nodes: frozenset[str]) -> Iterator[ManifestDatabase]:
    """Yield each database connection in a manifest that sets no retries for it.

    A retry that the manifest sets to something else is no problem of this kind: that setting is judged by itself. `on_nodes` are the
    keys of hiera that the nodes have with the right value, whatever the manifest.
    """
    for database in facts.of(ManifestDatabase):
        if database.retry is None and on_nodes.isdisjoint(database.retry_keys):
            yield database


def not_retried(database: ManifestDatabase) -> Problem:
    """Return the problem of a connection in a manifest that sets no retries for it."""
    key = database.retry_keys[0] if database.retry_keys else f"{database.module}_config database/max_retries"
    message = f"`{database.name}`: `{key}` is not set in this manifest (default `10`); it must be `-1`"
    return Problem(database.span, message, f"manifest connection {database.name}", host=database.host)


_NODE = "etc/puppet/hieradata/"  # what a node has to look up, from all its files together
ON_NODE = "hieradata"
_TO_NODES = CONFIG[1:]  # what goes by the name of the service whose nodes it is for, or to all nodes
_ALIAS = "os::tripleo::services::"


class Pair(Document, frozen=True):
    """A connection (an expression for its whole key) and the keys that set its retries (with `\\1` for its groups).

    The service reads it from the release `since` on and before `before`.
    """

    connection: Annotated[Regex, Meta(description="an expression for the whole key of a connection")]
    retries: Annotated[
        tuple[HieraName, ...], Meta(description="the keys that set its retries, with `\\1` for the groups of the expression")
    ]
    severity: Annotated[Optional[Literal["error", "warning", "note"]], Meta(description="instead of the rule's severity")] = None
    remedy: Annotated[Optional[str], Meta(description="instead of the rule's remedy")] = None
    since: Annotated[Optional[KnownRelease], Meta(description="the first release in which the service reads it")] = None
    before: Annotated[Optional[KnownRelease], Meta(description="the first release in which the service does not read it any more")] = None

    def misfits(self) -> Iterator[Mismatch]:
        """Yield the keys that refer to a group which the expression does not have."""
        for i, name in enumerate(self.retries):
            yield from wrong_groups(self.connection, name, ("retries", i))


class RetryParams(Document, frozen=True):
    """Of the `pairs` the first that fits a key counts. Keys in `no_database` are no database connections, or have no unlimited value.

    Services of the modules in `no_unlimited` have no value that means unlimited: nothing can be asked of their settings. Of those in
    `bounded` the first connection is told, as a note, with `bounded_remedy`. Keys in `second` are of databases that another rule speaks
    of where a manifest sets them.
    `unlimited` are the values that mean unlimited, `default` is what counts where nothing is set. Overrides for roles
    that begin with one of `other_roles` do not reach the services.
    """

    pairs: Annotated[tuple[Pair, ...], Meta(description="connections and their retries; the first that fits a key counts", min_length=1)]
    unlimited: Annotated[tuple[str, ...], Meta(description="the values that mean unlimited; a fix sets the first", min_length=1)] = ("-1",)
    default: Annotated[str, Meta(description="what counts where nothing is set")] = "10"
    no_database: Annotated[tuple[HieraName, ...], Meta(description="keys that are no database connections")] = ()
    no_unlimited: Annotated[tuple[Project, ...], Meta(description="modules of services that have no value for retries without end")] = ()
    no_unlimited_since: Annotated[
        Mapping[Project, KnownRelease],
        Meta(description="modules of services that have none, or no database of their own, from a release on"),
    ] = field(default_factory=dict)
    bounded: Annotated[
        tuple[Project, ...],
        Meta(description="modules whose first connection is told, as a note, where their services have no value for retries without end"),
    ] = ()
    bounded_remedy: Annotated[Optional[str], Meta(description="the remedy of that note")] = None
    second: Annotated[
        tuple[HieraName, ...], Meta(description="keys of second connections, of which another rule speaks where a manifest sets them")
    ] = ()
    other_roles: Annotated[tuple[str, ...], Meta(description="how the roles begin whose overrides do not reach the services")] = ()


class Settings(Struct):
    """The settings of a run, by template, and their names; `overrides` are those of environments, which beat them all.

    `of_role` are those that the hieradata of the controllers' role gives to every service there. `told` are the places of the retries that
    were judged with a connection, `named_by_manifests` the keys that a finding on a manifest has named.
    """

    by_template: dict[str, list[HieraKey]] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)
    overrides: list[HieraKey] = field(default_factory=list)
    overrides_by_name: dict[str, list[int]] = field(default_factory=dict)
    beside: dict[str, tuple[str, ...]] = field(default_factory=dict)  # the files of a node's hieradata, by their folder
    services: dict[str, list[RoleData]] = field(default_factory=dict)
    of_role: dict[str, list[HieraKey]] = field(default_factory=dict)
    given: dict[str, list[tuple[str, HieraKey, RoleData]]] = field(default_factory=dict)  # for the nodes of whom, by the setting's name
    running: dict[str, bool | None] = field(default_factory=dict)  # whether some role has the service of a template
    manifests: tuple[ManifestSettings, ...] = ()
    told: set[Span] = field(default_factory=set)
    named_by_manifests: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, facts: Facts, other_roles: tuple[str, ...]) -> "Settings":
        """Return the settings of a run, without the overrides for `other_roles`, and with nothing told yet."""
        known, every = facts.derived(cls.of_templates)
        found = replace(known, overrides=[], overrides_by_name={}, told=set(), named_by_manifests=set())
        for key in every:
            if not key.place.startswith(other_roles):
                found.overrides_by_name.setdefault(key.name, []).append(len(found.overrides))
                found.overrides.append(key)
        return found

    @classmethod
    def of_templates(cls, facts: Facts) -> tuple["Settings", list[HieraKey]]:
        """Return the settings of templates and of nodes, and the overrides in force of environments, which are not among them."""
        found, overrides = cls(), []
        for key in facts.of(HieraKey):
            if key.of_one_node:
                continue  # it counts there only, and is judged by itself
            if not key.overrides:
                found.by_template.setdefault(key.template, []).append(key)
                found.names[key.name] = None
            elif key.in_force:
                overrides.append(key)
        for service in facts.of(RoleData):
            for template in service.templates:
                found.services.setdefault(template, []).append(service)
            found._add_given(service)
            if found.is_role(service.name):
                for template in service.templates:
                    for key in found.by_template.get(template, ()):
                        if key.place == ON_NODE:
                            found.of_role.setdefault(key.name, []).append(key)
        if found.given:
            found.running = _running(facts)
        found.manifests = in_manifests(facts)
        return found, overrides

    def _add_given(self, service: RoleData) -> None:
        """Note what the template of a service gives to the nodes of services."""
        places: dict[Span, list[str]] = {}
        for whose, span in service.given:
            places.setdefault(span, []).append(whose)
        for template in {span.path: None for span in places}:
            for key in self.by_template.get(template, ()):
                for whose in places.get(key.span, ()):
                    self.given.setdefault(key.name, []).append((whose, key, service))

    def is_role(self, template: str) -> bool:
        """Return whether a template writes the hieradata of a role of controllers; what hangs on a hook for more is none by itself."""
        on_node = any(key.place == ON_NODE for key in self.by_template.get(template, ()))
        return on_node and _NODE not in template and EXTRA_CONFIG not in template and is_of_controllers(template)

    def closures(self, key: HieraKey) -> list[RoleData]:
        """Return every service that takes in the template of a setting, with all templates that it takes in.

        The files of a node's hieradata count together: each adds to the others.
        """
        folder = self.folder(key)
        if folder:
            if folder not in self.beside:
                self.beside[folder] = tuple(path for path in self.by_template if path.startswith(folder))
            return [RoleData(key.template, key.span, self.beside[folder])]
        alone = [RoleData(key.template, key.span, (key.template,))]
        if key.place in _TO_NODES:
            named = {whose for whose, other, _ in self.given.get(key.name, ()) if other.span == key.span}
            there = [one for one in self._every() if one.service in named]
            if there or len(named) != 1 or ALL in named:
                return there or self.services.get(key.template) or alone
            return [replace(one, service=next(iter(named))) for one in self.services.get(key.template) or alone]  # what it is given is here
        found = [one for one in self.services.get(key.template, ()) if key.span not in one.left]
        return found or ([] if _is_output(key) else alone)

    def _every(self) -> list[RoleData]:
        return list({one.name: one for several in self.services.values() for one in several}.values())

    def folder(self, key: HieraKey) -> str:
        """Return the folder of the node's hieradata that a setting is of; empty for one of a template."""
        before, node, _ = key.template.partition(_NODE)
        return before + node if node else ""

    def find_named(self, service: RoleData, names: frozenset[str]) -> list[HieraKey]:
        """Return the settings with one of `names` that a service has in the end.

        What is given to its nodes is merged last, and of that what is given to them by its name.
        """
        keys = (key for template in service.templates for key in self.by_template.get(template, ()))
        own = [key for key in keys if key.name in names and key.span not in service.beaten and key.span not in service.left]
        found = self._find_given(service, names, surely=True)
        of_name = [key for whose, key in found if whose != ALL]
        beaten = {key.name for key in of_name if not key.branch}
        of_all = [key for whose, key in found if whose == ALL and key.name not in beaten]
        beaten |= {key.name for key in of_all if not key.branch}
        return [*(key for key in own if key.name not in beaten), *of_all, *of_name]

    def perhaps(self, service: RoleData, names: frozenset[str]) -> list[HieraKey]:
        """Return the settings with one of `names` of which nothing here shows whether the nodes of a service are given them."""
        return [key for _, key in self._find_given(service, names, surely=False)]

    def _find_given(self, service: RoleData, names: frozenset[str], *, surely: bool) -> list[tuple[str, HieraKey]]:
        found: dict[Span, tuple[str, HieraKey]] = {}
        for name in names if self.given else ():
            for whose, key, giver in self.given.get(name, ()):
                if whose not in (ALL, service.service) and service.service:
                    continue
                known = bool(service.service) or whose == ALL
                runs = True if giver.name == service.name else self.running.get(giver.name, self.running.get(""))
                if runs is not False and surely == (known and runs is True):
                    found.setdefault(key.span, (whose, key))
        return list(found.values())

    def overriding(self, names: frozenset[str]) -> list[HieraKey]:
        """Return the overrides with one of `names` that count."""
        numbers = sorted(number for name in names for number in self.overrides_by_name.get(name, ()))
        return overriding(self.overrides[number] for number in numbers) if numbers else []

    def of_the_role(self, key: HieraKey, names: frozenset[str]) -> list[HieraKey]:
        """Return the settings with one of `names` that the hieradata of the role gives to the services of its nodes."""
        if key.place == ON_NODE and not self.is_role(key.template):
            return []
        return [setting for name in names for setting in self.of_role.get(name, ()) if not setting.branch]

    def by_manifests(self, key: HieraKey, names: frozenset[str]) -> bool | None:
        """Return whether each manifest that may run on the node sets one of `names`; None where only Puppet can tell.

        What it sets beats hieradata; a value that ends is told where it stands.
        """
        if key.place == ON_NODE and not is_of_controllers(key.template):
            return False
        told = [manifest.sets(names) for manifest in self.manifests]
        return False if not told or False in told else None if None in told else True

    def on_nodes(self, values: frozenset[str]) -> frozenset[str]:
        """Return the names of the settings that hieradata or overrides give to the nodes themselves, with no other than these `values`."""
        written = (key for keys in self.by_template.values() for key in keys if key.place == ON_NODE and not key.branch)
        return frozenset(k.name for k in (*written, *self.overrides) if k.values is not None and values.issuperset(k.values))


def _is_output(key: HieraKey) -> bool:
    """Return whether a setting is of an output with a name of its own, which is nobody's unless another template takes it in."""
    return key.place not in ("config_settings", *_TO_NODES, ON_NODE) and not key.overrides


def _running(facts: Facts) -> dict[str, bool | None]:
    """Return whether some role has the service of each template, by its path; what holds for all others has no path.

    That is so where the registry in force maps an alias to it, and a role lists that alias. None: nothing here shows it.
    """
    views = [view for view in facts.of(Environment) if view.merged] or [view for view in facts.of(Environment) if not view.base]
    names = {view.name for view in views if view.merged or posixpath.basename(view.name) in BASES}
    if not names:
        return {"": None}
    listed = {one.name.lower() for one in facts.of(RoleService)}
    found: dict[str, bool | None] = {"": False}
    merged = any(view.merged for view in views)
    for mapping in facts.of(ServiceMapping):
        if not mapping.alias.lower().startswith(_ALIAS) or not mapping.final or "::" in mapping.final:
            continue
        if mapping.environment in names and mapping.in_force:
            mine = None if not listed else mapping.alias.lower() in listed
        elif merged:
            continue
        else:
            mine = None  # it may be given or not
        known = found.get(mapping.final, False)
        found[mapping.final] = True if True in (mine, known) else None if None in (mine, known) else False
    return found


class Pairs:
    """The pairs of a rule, made ready to be asked for many keys."""

    def __init__(self, params: RetryParams, release: Release) -> None:
        pairs = [pair for pair in params.pairs if _is_read(pair, release)]
        self._pairs = [(_front(pair.connection), pair.connection, pair) for pair in pairs]
        fronts = {"", *(front for front, _, _ in self._pairs)}
        self._by_front = {front: [(text, pair) for other, text, pair in self._pairs if other in (front, "")] for front in fronts}
        words = {find_needed(text) for _, text, _ in self._pairs}
        self._needed = [word for word in words if not any(other != word and other in word for other in words)]
        self._retries = [(pattern(_any_group(retry)), pair) for pair in pairs for retry in pair.retries]
        self._no_database = frozenset(params.no_database)
        self._second = frozenset(params.second)
        self._bounded = frozenset(params.bounded)
        self._no_unlimited = frozenset(params.no_unlimited)
        self._no_unlimited |= {name for name, since in params.no_unlimited_since.items() if release.at_least(since)}

    def among(self, names: Collection[str]) -> dict[str, tuple[Pair, frozenset[str], str]]:
        """Return, for each of the `names` that is a connection's key: its pair, the keys of its retries, and the first of them."""
        whole = "\n".join(names)
        in_lines = whole.count("\n") < len(names)  # else one has a line break itself
        found = {}
        for name in {name for word in self._needed for name in _lines_with(word, whole)} if in_lines else names:
            known = self._find(name)
            if known is not None:
                found[name] = known
        return found

    def _find(self, name: str) -> tuple[Pair, frozenset[str], str] | None:
        if name in self._no_database or self._is_bounded(name):
            return None
        head, sign, _ = name.partition("::")
        for expression, pair in self._by_front.get(head + sign, self._by_front[""]):
            match = fullmatch(expression, name)
            if match is not None:
                names = [match.expand(template) for template in pair.retries]
                return pair, frozenset(names), names[0] if names else ""
        return None

    def knows(self, name: str) -> Pair | None:
        """Return the pair that is about the connection which `name` is the key of in a manifest; None where these pairs are not."""
        if name in self._no_database or name in self._second or self._is_bounded(name):
            return None
        return next((pair for _, expression, pair in self._pairs if fullmatch(expression, name)), None)

    def sets_retries(self, name: str) -> Pair | None:
        """Return the pair whose retries the key `name` sets; None for other keys."""
        if not name.endswith("max_retries") or self._is_bounded(name):
            return None
        return next((pair for expression, pair in self._retries if expression.fullmatch(name)), None)

    def find_bounded(self, key: HieraKey) -> str:
        """Return the module of a connection whose attempts end whatever is set; empty for other keys."""
        module = key.name.partition("::")[0] if self._bounded else ""
        if module not in self._bounded or module not in self._no_unlimited or key.name in self._no_database:
            return ""
        return module if any(key.name.startswith(front) and fullmatch(expression, key.name) for front, expression, _ in self._pairs) else ""

    def _is_bounded(self, name: str) -> bool:
        return name.partition("::")[0] in self._no_unlimited


def _lines_with(word: str, text: str) -> Iterator[str]:
    """Yield the lines of a text that have the word in them; all, for an empty one."""
    end = 0
    while (at := text.find(word, end)) >= 0:
        start = text.rfind("\n", 0, at) + 1
        end = text.find("\n", at)
        if end < 0:
            end = len(text)
        yield text[start:end]
        end += 1


def retry_keys(connection: str, params: RetryParams, release: Release) -> tuple[str, ...]:
    """Return the keys that set the retries of a connection, each by itself, the plainest first; none where there are none."""
    pair = next((pair for pair in params.pairs if _is_read(pair, release) and fullmatch(pair.connection, connection)), None)
    match = fullmatch(pair.connection, connection) if pair is not None else None
    return tuple(match.expand(retry) for retry in pair.retries) if pair is not None and match is not None else ()


def _any_group(retry: str) -> str:
    """Return an expression for the keys that retries with groups (`\\1::db::database_max_retries`) may be."""
    first, *more = map(re.escape, retry.split("\\1"))
    return first + "".join(f"{'(?P<g>[a-z0-9_]+)' if number == 0 else '(?P=g)'}{part}" for number, part in enumerate(more))


def _is_read(pair: Pair, release: Release) -> bool:
    """Return whether a service of the release opens the connection; one that is not known may be any."""
    return not (pair.since and release.at_least(pair.since) is False) and not (pair.before and release.at_least(pair.before))


def _front(expression: str) -> str:
    """Return the module's name with which all begins that `expression` matches; empty where that is not plain to see."""
    head, sign, rest = expression.partition("::")
    if rest[:1] in ("?", "*", "{"):  # what repeats the colon, or leaves it out
        return ""
    depth = 0
    for letter in expression:
        depth += (letter == "(") - (letter == ")")
        if letter in "\\[" or (letter == "|" and depth == 0):
            return ""
    return head + sign if sign and head.isidentifier() else ""


def _is_file(key: HieraKey) -> bool:
    """Return whether a connection certainly leads to a file, for which nothing waits."""
    return bool(key.values) and all(value.startswith("sqlite") for value in key.values or ())


def connections(facts: Facts, params: RetryParams) -> Iterator[Saw]:
    """Yield a problem for each connection for which some service that takes it in has no unlimited retries, or whose manifest sets none."""
    yield from unseen(facts, *SETTINGS)
    settings = Settings.of(facts, params.other_roles)
    pairs = Pairs(params, facts.release)
    known = pairs.among(settings.names)
    bounded: dict[str, HieraKey] = {}  # the first connection of each module whose services end whatever is set
    firsts: dict[object, HieraKey] = {}  # connections of one mapping with the same retries have the same fix, at the first of them
    for keys in settings.by_template.values():
        for key in keys:
            found = known.get(key.name)
            if found is not None and not _is_file(key):
                beside = firsts.setdefault((key.template, key.place, key.branch, found[2]), key)
                if _applies(found[0], facts.release):
                    yield from _judge(key, *found, beside, settings, params)
            elif module := pairs.find_bounded(key):
                first = bounded.setdefault(module, key)
                bounded[module] = min(first, key, key=lambda one: one.span)
    for module, key in bounded.items():
        what = f"{module} ends its attempts whatever is set, for it has no unlimited value; the unit or container must bring it back"
        remedy, subject = params.bounded_remedy, f"connection {key.name}"
        yield Problem(key.span, f"`{key.name}`: {what}", subject, severity="note", remedy=remedy, host=key.host)
    on_nodes = settings.on_nodes(frozenset(params.unlimited))
    for database in manifest_databases(facts, on_nodes):
        pair = pairs.knows(database.name)
        around = [manifest for manifest in settings.manifests if database.span.path in manifest.paths]
        if pair is not None and _applies(pair, facts.release) and not any(manifest.sets(database.retry_keys) for manifest in around):
            settings.named_by_manifests.update(database.retry_keys)
            yield not_retried(database)
    yield from _alone(facts, settings, pairs, params)


def _applies(pair: Pair, release: Release) -> bool:
    """Return whether the service reads the connection of a pair in this release; where that is not known, it may."""
    return not (pair.since and release.at_least(pair.since) is False) and not (pair.before and release.at_least(pair.before))


def _alone(facts: Facts, settings: Settings, pairs: Pairs, params: RetryParams) -> Iterator[Saw]:
    """Yield a problem for each value that ends, in hieradata or an environment, of a connection that stands elsewhere.

    That of a single node is a warning: the node may be of any role.
    """
    modules = {module for service in facts.services for module in service.modules}
    given = any(view.merged for view in facts.of(Environment))
    for key in facts.of(HieraKey):
        override = key.overrides
        if (
            key.span in settings.told
            or key.name in settings.named_by_manifests
            or (key.place != ON_NODE and not override and not key.of_one_node)
            or key.name.partition("::")[0] not in modules
        ):
            continue
        pair = pairs.sets_retries(key.name)
        if pair is None or not _applies(pair, facts.release) or not is_of_controllers(key.template):
            continue
        if override and (key.place.startswith(params.other_roles) or not _counts(key, facts, settings, given)):
            continue
        if key.of_one_node and given and not key.in_force:
            continue
        bad = next((value for value in key.values or () if value not in params.unlimited), None)
        others = [k for k in settings.closures(key)[0].templates if k != key.template] if key.place == ON_NODE else []
        if key.values is None:
            yield Unknown(f"`{key.name}` has a value that is known only in a deployment", key.span)
        elif bad is not None and any(
            k.name == key.name and k.values != key.values for t in others for k in settings.by_template.get(t, ())
        ):
            yield Unknown(f"`{key.name}` is set in several files of hieradata, of which `hiera.yaml` picks one", key.span)
        elif bad is not None:
            message = f"`{key.name}` {_is(key)} `{bad}`; it must be `{params.unlimited[0]}`"
            fix = set_retries(key, params.unlimited[0])
            severity = pair.severity or ("warning" if key.of_one_node else None)
            yield Problem(key.span, message, f"retries {key.name}", severity=severity, host=key.host, fix=fix)


def _counts(key: HieraKey, facts: Facts, settings: Settings, given: bool) -> bool:
    """Return whether an override is one that counts: the last of those given with `-e`, else the one of the role in its own file."""
    if given or key.in_force:
        return key in settings.overriding(frozenset((key.name,)))
    return key.place.lower() != EXTRA_CONFIG or (key.template, key.name) not in facts.derived(_of_controllers)


def _of_controllers(facts: Facts) -> set[tuple[str, str]]:
    """Return file and name of each setting that an environment gives to the controllers alone."""
    return {(key.template, key.name) for key in facts.of(HieraKey) if key.place.lower() == f"controller{EXTRA_CONFIG}"}


def _judge(
    key: HieraKey, pair: Pair, names: frozenset[str], first: str, beside: HieraKey, settings: Settings, params: RetryParams
) -> Iterator[Saw]:
    over = settings.overriding(names)
    finite: HieraKey | None = None
    partly: HieraKey | None = None
    lacking, unknown = [], []
    services = settings.closures(key)
    for service in services:
        named = _find_taken_in(settings.find_named(service, names), key, service)
        own = _covering(key, named, service)
        retries = over or own or settings.of_the_role(key, names)
        perhaps = [] if over else settings.perhaps(service, names)
        settings.told.update(retry.span for retry in (*retries, *own, *perhaps))
        bad = next((r for r in sorted(retries, key=lambda one: bool(one.branch)) if _ends(r, params)), None)
        if over and bad is None and (left := _find_left(over, own, params)) is not None:
            yield Unknown(f"`{over[0].name}` and `{left.name}` set the same option, and nothing here shows which counts", left.span)
            continue
        if bad is not None and _NODE in key.template and any(r.template != bad.template for r in retries):
            yield Unknown(f"`{bad.name}` is set in several files of hieradata, of which `hiera.yaml` picks one", bad.span)
        elif bad is not None or not retries:
            by_manifest = settings.by_manifests(key, names) if bad is None and not over else False
            if by_manifest is None:
                yield Unknown(f"only Puppet can tell whether a manifest sets `{first or key.name}`", key.span)
            elif bad is None and not by_manifest and perhaps:
                yield _maybe_given(perhaps[0], key)
            elif bad is None and not by_manifest and service.open:
                yield Unknown(f"only a deployment can show all that is merged with `{key.name}`", key.span)
            elif not by_manifest:
                lacking.append(service.name)
                finite = finite or bad
                partly = partly or (None if bad is not None else next(iter(named), None))
        else:
            unknown += [r for r in retries if r.values is None]
            worse = [one for one in perhaps if one.values is None or _ends(one, params)]
            yield from (_maybe_given(one, key) for one in worse[:1])
    if lacking:
        problem = _problem(key, pair, first, finite or partly, lacking[0] if len(lacking) < len(services) else "", params)
        yield replace(problem, fix=_fix(beside, first, finite, settings, params.unlimited[0]))
    elif unknown:
        yield Unknown(f"`{unknown[0].name}` has a value that is known only in a deployment", unknown[0].span)


def _maybe_given(setting: HieraKey, key: HieraKey) -> Unknown:
    what = f"`{setting.name}` is given to the nodes of a service"
    return Unknown(f"{what}, and nothing here shows whether they are those of `{key.name}`", setting.span)


def _fix(beside: HieraKey, first: str, finite: HieraKey | None, settings: Settings, value: str) -> Fix | None:
    if finite is not None:
        return set_retries(finite, value)
    if not first:
        return None
    own = settings.by_template[beside.template]
    around = [k for service in settings.closures(beside) for t in service.templates for k in settings.by_template.get(t, ())]
    return add_retries(beside, first, value, own, around)


def _covering(key: HieraKey, retries: list[HieraKey], service: RoleData) -> list[HieraKey]:
    """Return the retries that may be there with the connection, if some of them are whatever the other conditions; else none."""
    if not service.merged and not any(retry.branch for retry in retries):
        return retries
    in_order: dict[Span, list[_Way]] = {}
    for number, (span, of) in enumerate(service.merged):
        in_order.setdefault(span, []).append((number, frozenset(of)))
    # the only one of its name, or one that is given to the nodes, which comes last
    last = len(service.merged)
    every = [(retry, *way) for retry in retries for way in in_order.get(retry.span) or [(last, conditions(retry.template, retry.branch))]]
    found: dict[Span, HieraKey] = {}
    for _, own in in_order.get(key.span) or [(last, conditions(key.template, key.branch))]:
        there = [one for one in every if are_possible(one[2], own)]
        few = len(there) <= _MOST_WAYS
        left = [one for one in there if not (few and always_with(own | one[2], _replacing(one, there)))]
        if not always_with(own, [of for _, _, of in left]):
            return []
        found.update((retry.span, retry) for retry, _, _ in left)
    return list(found.values())


_Way = tuple[int, frozenset[str]]  # the place of a setting in the order in which those of a service are merged, and its conditions there
_MOST_WAYS = 200  # of the retries of one connection, each of which is compared with the others


def _replacing(one: tuple[HieraKey, int, frozenset[str]], others: list[tuple[HieraKey, int, frozenset[str]]]) -> list[frozenset[str]]:
    """Return the conditions of those of the `others` that are of the same name and merged later."""
    return [of for other, number, of in others if other.name == one[0].name and number > one[1]]


def _find_taken_in(named: list[HieraKey], key: HieraKey, service: RoleData) -> list[HieraKey]:
    """Return retries of a service with the condition that is on those which it takes in under one, unless the connection is among these."""
    if not service.partly or key.span in service.partly:
        return named
    return [replace(one, branch=(*one.branch, "taken in=1")) if one.span in service.partly else one for one in named]


def _ends(retries: HieraKey, params: RetryParams) -> bool:
    """Return whether retries have a value that is known to end."""
    return retries.values is not None and not set(retries.values) <= set(params.unlimited)


def _find_left(over: list[HieraKey], own: list[HieraKey], params: RetryParams) -> HieraKey | None:
    """Return retries of a template that end and that no override of the same name replaces; those of another name are still there."""
    names = {key.name for key in over}
    return next((key for key in own if key.name not in names and (key.values is None or _ends(key, params))), None)


def _is(key: HieraKey) -> str:
    """Return how a message says what a setting is: under a condition, or of several values, it only may be one."""
    return "may be" if key.branch or len(key.values or ()) > 1 else "is"


def _problem(key: HieraKey, pair: Pair, first: str, found: HieraKey | None, where: str, params: RetryParams) -> Problem:
    """Return the problem of a connection whose retries end by the setting `found`, or are set by it under a condition only."""
    place = f" where `{where}` takes it in" if where else ""
    finite = found if found is not None and not set(found.values or ()) <= set(params.unlimited) else None
    if finite is not None:
        value = next(v for v in finite.values or () if v not in params.unlimited)
        what = f"`{finite.name}` {_is(finite)} `{value}`{place}; it must be `{params.unlimited[0]}`"
    elif found is not None:
        what = (
            f"`{found.name}` is set under a condition only{place} (default `{params.default}`); it must always be `{params.unlimited[0]}`"
        )
    elif first:
        what = f"`{first}` is not set{place} (default `{params.default}`); it must be `{params.unlimited[0]}`"
    else:
        what = f"its retries are not set{place} (default `{params.default}`); they must be `{params.unlimited[0]}`"
    return Problem(
        span=key.span,
        message=f"`{key.name}`: {what}",
        subject=f"connection {key.name}",
        related=(Related(found.span, "set here"),) if found is not None else (),
        severity=pair.severity,
        remedy=pair.remedy,
        host=key.host,
    )


ANY_KEY = needs_heat(HieraKey, "no template with settings of Puppet classes was given")


def _key_or_manifest(facts: Facts, params: RetryParams) -> str | None:
    lacking = ANY_KEY(facts, params)
    if lacking is None or facts.of(ManifestDatabase):
        return None
    return "no template or manifest sets a database connection" if facts.of(Manifest) else lacking


_READS = Reads(("heat", "puppet"))


def rename_key(key: HieraKey, names: Iterable[str], there: Collection[str]) -> Optional[Fix]:
    """Return the fix that moves a key to the class of the connection; none where there are several, or where that key is `there`."""
    found = {name.rpartition("::")[0] + "::" + key.name.rpartition("::")[2] for name in names if RESOURCE not in name}
    if key.template.endswith(".json") or len(found) != 1 or any(name in there for name in found):
        return None
    if key.span.end - key.span.start != len(key.name):
        return None
    name = found.pop()
    return Fix(f"call it `{name}`", (Replace(key.span, name),), safe=False)


class UnusedParams(Document, frozen=True):
    """`retry` is an expression for the whole key of a retry setting, `as_if` what it is replaced by to find its connection in `pairs`."""

    retry: Annotated[Regex, Meta(description="an expression for the whole key of a retry setting")]
    as_if: Annotated[str, Meta(description="what it is replaced by to find its connection")]
    pairs: Annotated[tuple[Pair, ...], Meta(description="connections and their retries; the first that fits a key counts", min_length=1)]

    def misfits(self) -> Iterator[Mismatch]:
        """Yield an `as_if` that refers to a group which the expression does not have."""
        yield from wrong_groups(self.retry, self.as_if, ("as_if",))


def find_unused(facts: Facts, params: UnusedParams) -> Iterator[Saw]:
    """Yield a problem for each retry setting of a class of which no service that takes it in sets the connection."""
    yield from unseen(facts, *SETTINGS)
    settings = Settings.of(facts, ())
    pairs = Pairs(RetryParams(params.pairs), facts.release)
    by_manifests = {name for database in facts.of(ManifestDatabase) for name in database.retry_keys}
    connected = _Connected(settings, pairs)
    matches = {name: match for name in settings.names if (match := fullmatch(params.retry, name)) is not None}
    for keys in settings.by_template.values():
        for key in keys:
            match = matches.get(key.name)
            if match is None or key.name in by_manifests:
                continue
            paired, names, firsts, there = connected.with_(key)
            if paired is not None and match.expand(params.as_if) not in names:
                yield _say_unused(key, match.group(1), paired, rename_key(key, firsts, there))


class _With(Struct):
    """The first of some connections, the names of the retries of all of them, and the first such name of each; no connection is None."""

    first: HieraKey | None = None
    names: set[str] = field(default_factory=set)
    firsts: set[str] = field(default_factory=set)

    def add(self, key: HieraKey, names: frozenset[str], first: str) -> None:
        """Take in a connection."""
        self.first = self.first or key
        self.names |= names
        self.firsts.add(first)


class _Connected:
    """The connections that a retry setting may belong to: those of the services that take in its template, or of a whole node."""

    def __init__(self, settings: Settings, pairs: Pairs) -> None:
        self._settings = settings
        known = pairs.among(settings.names)
        self._of = {t: [(k, *known[k.name][1:]) for k in keys if k.name in known] for t, keys in settings.by_template.items()}
        self._beside: dict[str | tuple[str, ...], tuple[list[tuple[HieraKey, frozenset[str], str]], set[str]]] = {}
        self._of_module: dict[str, _With] = {}
        for found in self._of.values():
            for each in found:
                self._of_module.setdefault(_module(each[0]), _With()).add(*each)
        self._all = {key.name for keys in settings.by_template.values() for key in keys}

    def with_(self, key: HieraKey) -> tuple[HieraKey | None, set[str], set[str], set[str]]:
        """Return the first connection, the names of the retries of all, the first such name of each, and the settings beside the key.

        A setting of a node may be of any service there; a connection of another module has nothing to do with it.
        """
        found, there = self._find_own(key)
        if key.place != ON_NODE and key.place not in _TO_NODES:
            own = _With()
            for each in found:
                own.add(*each)
            return own.first, own.names, own.firsts, there
        module = self._of_module.get(_module(key), _With())
        first = next((each[0] for each in found if _module(each[0]) == _module(key)), module.first)
        return first, module.names, module.firsts, self._all

    def _find_own(self, key: HieraKey) -> tuple[list[tuple[HieraKey, frozenset[str], str]], set[str]]:
        whose = self._settings.folder(key) or tuple(service.name for service in self._settings.closures(key))
        if whose not in self._beside:
            templates = list(dict.fromkeys(t for service in self._settings.closures(key) for t in service.templates))
            names = {one.name for template in templates for one in self._settings.by_template.get(template, ())}
            self._beside[whose] = [each for template in templates for each in self._of.get(template, ())], names
        return self._beside[whose]


def _module(key: HieraKey) -> str:
    return key.name.partition("::")[0]


def _say_unused(key: HieraKey, its_class: str, other: HieraKey, fix: Fix | None) -> Problem:
    return Problem(
        span=key.span,
        message=f"`{key.name}`: class `{its_class}` has no connection here, so it sets nothing; it must be of the class of `{other.name}`",
        subject=f"retries {key.name}",
        related=(Related(other.span, "the connection that is set"),),
        host=key.host,
        fix=fix,
    )


CHECKS = (
    Check("retries-of-connection", connections, _key_or_manifest, RetryParams, _READS),
    Check("retries-on-wrong-class", find_unused, ANY_KEY, UnusedParams, Reads(("heat", "puppet"))),
)
