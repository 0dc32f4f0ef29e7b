"""Database retries in the settings of templates: whoever sets a connection must set unlimited retries for the same class."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Annotated, Literal, NamedTuple, Optional

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from lwlint.checks.heat import needs_heat, unseen
from lwlint.checks.parameters import KnownRelease, Regex, wrong_groups
from lwlint.core.check import Check, Saw, Unknown, needs
from lwlint.core.config_reader import Document, Mismatch
from lwlint.core.facts import Facts, Release
from lwlint.core.finding import AddKey, Fix, Problem, Related, Replace
from lwlint.core.lazy import pattern
from lwlint.core.source import Span
from lwlint.inputs.heat.facts import HieraKey, RoleData
from lwlint.inputs.puppet.facts import Manifest, ManifestClass, ManifestDatabase, ManifestOption

_RESOURCE = "_config/"  # a key of a resource: `nova::config::nova_config/database/max_retries`


def add_retries(connection: HieraKey, name: str, value: str, own: Iterable[HieraKey], around: Iterable[HieraKey]) -> Optional[Fix]:
    """Return the fix that sets `name` beside the connection, if its `own` template does not set it already, under some condition.

    A resource of the class does where the class has no parameter; whether the class is there to make it, a template does not
    tell, and a resource of the same type in any of the settings `around` would take its place.
    """
    head, resource, option = name.partition(_RESOURCE)
    key = head + _RESOURCE[:-1] if resource else name
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


def rename_key(key: HieraKey, names: Iterable[str], settings: Iterable[HieraKey]) -> Optional[Fix]:
    """Return the fix that moves a key to the class of the connection; none where there are several, or where that key is there."""
    found = {name.rpartition("::")[0] + "::" + key.name.rpartition("::")[2] for name in names if _RESOURCE not in name}
    if len(found) != 1 or found & {other.name for other in settings}:
        return None
    if key.span.end - key.span.start != len(key.name):
        return None
    name = found.pop()
    return Fix(f"call it `{name}`", (Replace(key.span, name),), safe=False)


_UNSET = ("undef",)


class Params(Document, frozen=True):
    """Which settings are judged, and by what: `parameters` of classes and `options` (`section/option`), as globs.

    Their value must be in `one_of`, or a whole number no greater than `at_most`.
    """

    parameters: Annotated[tuple[str, ...], Meta(description="globs of the parameters of classes that are judged")] = ()
    options: Annotated[tuple[str, ...], Meta(description="globs of the options (`section/option`) that are judged")] = ()
    one_of: Annotated[tuple[str, ...], Meta(description="the values that are right")] = ()
    at_most: Annotated[Optional[int], Meta(description="the greatest whole number that is right")] = None


class _Set(NamedTuple):
    name: str
    value: str | None
    written: str
    span: Span
    host: str


def manifest_databases(facts: Facts, concerns: Callable[[str], bool], on_nodes: frozenset[str]) -> Iterator[Problem]:
    """Yield a problem for each database connection in a manifest that sets no retries for it, of those whose hiera key `concerns`.

    A retry that the manifest sets to something else is no problem of this kind: that setting is judged by itself. `on_nodes` are the
    keys of hiera that the nodes have with the right value, whatever the manifest.
    """
    for database in facts.of(ManifestDatabase):
        if database.retry is None and concerns(database.name) and on_nodes.isdisjoint(database.retry_keys):
            key = database.retry_keys[0] if database.retry_keys else f"{database.module}_config database/max_retries"
            message = f"`{database.name}`: `{key}` is not set in this manifest (default `10`); it must be `-1`"
            yield Problem(database.span, message, f"manifest connection {database.name}", host=database.host)


def _settings(facts: Facts, params: Params) -> Iterator[Saw]:
    expected = " or ".join(f"`{value}`" for value in params.one_of) or f"`{params.at_most}` or less"
    for found in _found(facts, params):
        if found.value is None:
            yield Unknown(f"`{found.name}`: only Puppet can tell what `{found.written}` is", found.span)
        elif found.value not in _UNSET and not _fits(found.value, params):
            message = f"`{found.name}` is `{found.value}`; it must be {expected}"
            yield Problem(found.span, message, f"manifest setting {found.name}", host=found.host)


def _found(facts: Facts, params: Params) -> Iterator[_Set]:
    for used in facts.of(ManifestClass):
        for setting in used.settings:
            if _matches(setting.name, params.parameters):
                yield _Set(f"{used.name}::{setting.name}", setting.value, setting.written, setting.span, used.host)
    for option in facts.of(ManifestOption):
        if not option.absent and option.written and _matches(f"{option.section}/{option.option}", params.options):
            yield _Set(option.name, option.value, option.written, option.span, option.host)


def _matches(name: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)


def _fits(value: str, params: Params) -> bool:
    value = value.strip()
    if params.one_of and value in params.one_of:
        return True
    return params.at_most is not None and value.lstrip("-").isdigit() and int(value) <= params.at_most


CHECK = Check("manifest-setting", _settings, needs(Manifest, "no Puppet manifest was given"), Params)


_NODE = "etc/puppet/hieradata/"  # what a node has to look up, from all its files together
_EVERY_ROLE = "extraconfig"


class Pair(Document, frozen=True):
    """A connection (an expression for its whole key) and the keys that set its retries (with `\\1` for its groups).

    The service reads it from the release `since` on and before `before`.
    """

    connection: Annotated[Regex, Meta(description="an expression for the whole key of a connection")]
    retries: Annotated[tuple[str, ...], Meta(description="the keys that set its retries, with `\\1` for the groups of the expression")]
    severity: Annotated[Optional[Literal["error", "warning", "note"]], Meta(description="instead of the rule's severity")] = None
    remedy: Annotated[Optional[str], Meta(description="instead of the rule's remedy")] = None
    since: Annotated[Optional[KnownRelease], Meta(description="the first release that reads it")] = None
    before: Annotated[Optional[KnownRelease], Meta(description="the first release that reads it no more")] = None

    def misfits(self) -> Iterator[Mismatch]:
        """Yield the keys that refer to a group which the expression does not have."""
        for i, name in enumerate(self.retries):
            yield from wrong_groups(self.connection, name, ("retries", i))


class RetryParams(Document, frozen=True):
    """Of the `pairs` the first that fits a key counts. Keys in `no_database` are no database connections, or have no unlimited value.

    `unlimited` are the values that mean unlimited, `default` is what counts where nothing is set. Overrides for roles
    that begin with one of `other_roles` do not reach the services.
    """

    pairs: Annotated[tuple[Pair, ...], Meta(description="connections and their retries; the first that fits a key counts")]
    unlimited: Annotated[tuple[str, ...], Meta(description="the values that mean unlimited; a fix sets the first")] = ("-1",)
    default: Annotated[str, Meta(description="what counts where nothing is set")] = "10"
    no_database: Annotated[tuple[str, ...], Meta(description="keys that are no database connections")] = ()
    other_roles: Annotated[tuple[str, ...], Meta(description="how the roles begin whose overrides do not reach the services")] = ()


class _Settings(Struct):
    """The settings of a run, by template; `overrides` are those of environments, which beat them all."""

    by_template: dict[str, list[HieraKey]] = field(default_factory=dict)
    overrides: list[HieraKey] = field(default_factory=list)
    services: dict[str, list[RoleData]] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: Facts, other_roles: tuple[str, ...]) -> _Settings:
        found = cls()
        for key in facts.of(HieraKey):
            if not key.place.lower().endswith(_EVERY_ROLE):
                found.by_template.setdefault(key.template, []).append(key)
            elif key.in_force and not key.place.startswith(other_roles):
                found.overrides.append(key)
        for service in facts.of(RoleData):
            for template in service.templates:
                found.services.setdefault(template, []).append(service)
        return found

    def closures(self, key: HieraKey) -> list[RoleData]:
        """Return every service that takes in the template of a setting, with all templates that it takes in.

        The files of a node's hieradata count together: each adds to the others.
        """
        folder, node, _ = key.template.partition(_NODE)
        if node:
            beside = tuple(path for path in self.by_template if path.startswith(folder + node))
            return [RoleData(key.template, key.span, beside)]
        return self.services.get(key.template) or [RoleData(key.template, key.span, (key.template,))]

    def named(self, service: RoleData, names: frozenset[str]) -> list[HieraKey]:
        """Return the settings with one of `names` that a service has in the end."""
        keys = (key for template in service.templates for key in self.by_template.get(template, ()))
        return [key for key in keys if key.name in names and key.span not in service.beaten]

    def overriding(self, names: frozenset[str]) -> list[HieraKey]:
        """Return the overrides with one of `names` that count: the last of several environments, and that of a role before that of all."""
        last = {(key.name, key.place.lower()): key for key in self.overrides if key.name in names}
        of_roles = {name for name, place in last if place != _EVERY_ROLE}
        return [key for (name, place), key in last.items() if place != _EVERY_ROLE or name not in of_roles]

    def on_nodes(self, values: frozenset[str]) -> frozenset[str]:
        """Return the names of the settings that hieradata or overrides give to the nodes themselves, with no other than these `values`."""
        written = (key for keys in self.by_template.values() for key in keys if key.place == "hieradata" and not key.branch)
        return frozenset(k.name for k in (*written, *self.overrides) if k.values is not None and values.issuperset(k.values))


class _Pairs:
    """The pairs of a rule, made ready to be asked for many keys."""

    def __init__(self, params: RetryParams, release: Release) -> None:
        pairs = [pair for pair in params.pairs if _is_read(pair, release)]
        self._pairs = [(_front(pair.connection), pattern(pair.connection), pair) for pair in pairs]
        self._no_database = frozenset(params.no_database)
        self._known: dict[str, tuple[Pair, frozenset[str], str] | None] = {}

    def of(self, key: HieraKey) -> tuple[Pair, frozenset[str], str] | None:
        """Return the pair of a connection's key, the keys of its retries, and the first of them; None for other keys."""
        if key.name not in self._known:
            self._known[key.name] = self._find(key.name)
        return self._known[key.name]

    def _find(self, name: str) -> tuple[Pair, frozenset[str], str] | None:
        if name in self._no_database:
            return None
        for front, expression, pair in self._pairs:
            match = expression.fullmatch(name) if name.startswith(front) else None
            if match is not None:
                names = [match.expand(template) for template in pair.retries]
                return pair, frozenset(names), names[0] if names else ""
        return None

    def knows(self, name: str) -> bool:
        """Return whether `name` is the key of a connection that these pairs are about."""
        return name not in self._no_database and any(expression.fullmatch(name) for _, expression, _ in self._pairs)


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


def connections(facts: Facts, params: RetryParams) -> Iterator[Saw]:
    """Yield a problem for each connection for which some service that takes it in has no unlimited retries, or whose manifest sets none."""
    yield from unseen(facts)
    settings = _Settings.of(facts, params.other_roles)
    pairs = _Pairs(params, facts.release)
    firsts: dict[object, HieraKey] = {}  # connections of one mapping with the same retries have the same fix, at the first of them
    for keys in settings.by_template.values():
        for key in keys:
            found = pairs.of(key)
            if found is not None:
                beside = firsts.setdefault((key.template, key.place, key.branch, found[2]), key)
                yield from _judge(key, *found, beside, settings, params)
    yield from manifest_databases(facts, pairs.knows, settings.on_nodes(frozenset(params.unlimited)))


def _judge(
    key: HieraKey, pair: Pair, names: frozenset[str], first: str, beside: HieraKey, settings: _Settings, params: RetryParams
) -> Iterator[Saw]:
    over = settings.overriding(names)
    finite: HieraKey | None = None
    lacking, unknown = [], []
    services = settings.closures(key)
    for service in services:
        retries = over or _covering(key, settings.named(service, names))
        bad = next((r for r in retries if r.values is not None and not set(r.values) <= set(params.unlimited)), None)
        if bad is not None and _NODE in key.template and any(r.template != bad.template for r in retries):
            yield Unknown(f"`{bad.name}` is set in several files of hieradata, of which `hiera.yaml` picks one", bad.span)
        elif bad is not None or not retries:
            lacking.append(service.name)
            finite = finite or bad
        else:
            unknown += [r for r in retries if r.values is None]
    if lacking:
        problem = _problem(key, pair, first, finite, lacking[0] if len(lacking) < len(services) else "", params)
        yield replace(problem, fix=_fix(beside, first, finite, settings, params.unlimited[0]))
    elif unknown:
        yield Unknown(f"`{unknown[0].name}` has a value that only a deployment tells", unknown[0].span)


def _fix(beside: HieraKey, first: str, finite: HieraKey | None, settings: _Settings, value: str) -> Fix | None:
    if finite is not None:
        return set_retries(finite, value)
    if not first:
        return None
    own = settings.by_template[beside.template]
    around = [k for service in settings.closures(beside) for t in service.templates for k in settings.by_template.get(t, ())]
    return add_retries(beside, first, value, own, around)


def _covering(key: HieraKey, retries: list[HieraKey]) -> list[HieraKey]:
    """Return the retries that are set whenever the connection is: under no condition, or under its own, or under both outcomes of one."""
    branches = {branch for retry in retries for branch in retry.branch}
    either = {branch for branch in branches if branch[:-1] + ("2" if branch[-1] == "1" else "1") in branches}
    return [r for r in retries if all(branch in either or (branch in key.branch and r.template == key.template) for branch in r.branch)]


def _problem(key: HieraKey, pair: Pair, first: str, finite: HieraKey | None, where: str, params: RetryParams) -> Problem:
    place = f" where `{where}` takes it in" if where else ""
    if finite is not None:
        value = next(v for v in finite.values or () if v not in params.unlimited)
        what = f"`{finite.name}` is `{value}`{place}; it must be `{params.unlimited[0]}`"
    elif first:
        what = f"`{first}` is not set{place} (default `{params.default}`); it must be `{params.unlimited[0]}`"
    else:
        what = f"its retries are not set{place} (default `{params.default}`); they must be `{params.unlimited[0]}`"
    return Problem(
        span=key.span,
        message=f"`{key.name}`: {what}",
        subject=f"connection {key.name}",
        related=(Related(finite.span, "set here"),) if finite is not None else (),
        severity=pair.severity,
        remedy=pair.remedy,
        host=key.host,
    )


class UnusedParams(Document, frozen=True):
    """`retry` is an expression for the whole key of a retry setting, `as_if` what it is replaced by to find its connection in `pairs`."""

    retry: Annotated[Regex, Meta(description="an expression for the whole key of a retry setting")]
    as_if: Annotated[str, Meta(description="what it is replaced by to find its connection")]
    pairs: Annotated[tuple[Pair, ...], Meta(description="connections and their retries; the first that fits a key counts")]

    def misfits(self) -> Iterator[Mismatch]:
        """Yield an `as_if` that refers to a group which the expression does not have."""
        yield from wrong_groups(self.retry, self.as_if, ("as_if",))


def unused(facts: Facts, params: UnusedParams) -> Iterator[Saw]:
    """Yield a problem for each retry setting of a class of which no service that takes it in sets the connection."""
    expression = pattern(params.retry)
    yield from unseen(facts)
    settings = _Settings.of(facts, ())
    pairs = _Pairs(RetryParams(params.pairs), facts.release)
    connected = {t: [(k, p[1], p[2]) for k in keys if (p := pairs.of(k)) is not None] for t, keys in settings.by_template.items()}
    for keys in settings.by_template.values():
        for key in keys:
            match = expression.fullmatch(key.name)
            if match is None:
                continue
            templates = [template for service in settings.closures(key) for template in service.templates]
            paired = [found for template in templates for found in connected.get(template, ())]
            if paired and not any(match.expand(params.as_if) in names for _, names, _ in paired):
                around = (k for template in templates for k in settings.by_template.get(template, ()))
                fix = rename_key(key, {first for _, _, first in paired}, around)
                yield _unused(key, match.group(1), paired[0][0], fix)


def _unused(key: HieraKey, its_class: str, other: HieraKey, fix: Fix | None) -> Problem:
    return Problem(
        span=key.span,
        message=f"`{key.name}`: class `{its_class}` has no connection here, so it sets nothing; it must be of the class of `{other.name}`",
        subject=f"retries {key.name}",
        related=(Related(other.span, "the connection that is set"),),
        host=key.host,
        fix=fix,
    )


_ANY_KEY = needs_heat(HieraKey, "no template with settings of Puppet classes was given")


def _key_or_manifest(facts: Facts, params: RetryParams) -> str | None:
    return None if facts.of(Manifest) else _ANY_KEY(facts, params)


CHECKS = (
    Check(name="retries-of-connection", run=connections, evidence=_key_or_manifest, params=RetryParams),
    Check(name="retries-without-connection", run=unused, evidence=_ANY_KEY, params=UnusedParams),
)
