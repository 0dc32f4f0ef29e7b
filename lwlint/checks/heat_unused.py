"""Retry settings that set nothing: no connection is set for the class that they are of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Annotated, Optional

from msgspec import Meta, Struct, field

from lwlint.checks.heat_retries import ANY_KEY, ON_NODE, RESOURCE, Pair, Pairs, RetryParams, Settings
from lwlint.checks.parameters import Regex, wrong_groups
from lwlint.core.check import Check, Reads, Saw, unseen
from lwlint.core.config_reader import Document, Mismatch
from lwlint.core.facts import Facts
from lwlint.core.finding import Fix, Problem, Related, Replace
from lwlint.core.lazy import fullmatch
from lwlint.inputs.heat.facts import SETTINGS, HieraKey
from lwlint.inputs.puppet.facts import ManifestDatabase


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


def unused(facts: Facts, params: UnusedParams) -> Iterator[Saw]:
    """Yield a problem for each retry setting of a class of which no service that takes it in sets the connection."""
    yield from unseen(facts, *SETTINGS)
    settings = Settings.of(facts, ())
    pairs = Pairs(RetryParams(params.pairs), facts.release)
    by_manifests = {name for database in facts.of(ManifestDatabase) for name in database.retry_keys}
    connected = _Connected(settings, pairs)
    for keys in settings.by_template.values():
        for key in keys:
            match = fullmatch(params.retry, key.name)
            if match is None or key.name in by_manifests:
                continue
            paired, names, firsts, there = connected.with_(key)
            if paired is not None and match.expand(params.as_if) not in names:
                yield _unused(key, match.group(1), paired, rename_key(key, firsts, there))


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
        self._of = {t: [(k, p[1], p[2]) for k in keys if (p := pairs.of(k)) is not None] for t, keys in settings.by_template.items()}
        self._beside: dict[str, tuple[list[tuple[HieraKey, frozenset[str], str]], set[str]]] = {}
        self._of_module: dict[str, _With] = {}
        for found in self._of.values():
            for each in found:
                self._of_module.setdefault(_module(each[0]), _With()).add(*each)
        self._all = {key.name for keys in settings.by_template.values() for key in keys}

    def with_(self, key: HieraKey) -> tuple[HieraKey | None, set[str], set[str], set[str]]:
        """Return the first connection, the names of the retries of all, the first such name of each, and the settings beside the key.

        A setting of a node may be of any service there; a connection of another module has nothing to do with it.
        """
        found, there = self._own(key)
        if key.place != ON_NODE:
            own = _With()
            for each in found:
                own.add(*each)
            return own.first, own.names, own.firsts, there
        module = self._of_module.get(_module(key), _With())
        first = next((each[0] for each in found if _module(each[0]) == _module(key)), module.first)
        return first, module.names, module.firsts, self._all

    def _own(self, key: HieraKey) -> tuple[list[tuple[HieraKey, frozenset[str], str]], set[str]]:
        whose = self._settings.folder(key) or key.template
        if whose not in self._beside:
            templates = list(dict.fromkeys(t for service in self._settings.closures(key) for t in service.templates))
            names = {one.name for template in templates for one in self._settings.by_template.get(template, ())}
            self._beside[whose] = [each for template in templates for each in self._of.get(template, ())], names
        return self._beside[whose]


def _module(key: HieraKey) -> str:
    return key.name.partition("::")[0]


def _unused(key: HieraKey, its_class: str, other: HieraKey, fix: Fix | None) -> Problem:
    return Problem(
        span=key.span,
        message=f"`{key.name}`: class `{its_class}` has no connection here, so it sets nothing; it must be of the class of `{other.name}`",
        subject=f"retries {key.name}",
        related=(Related(other.span, "the connection that is set"),),
        host=key.host,
        fix=fix,
    )


CHECKS = (Check("retries-on-wrong-class", unused, ANY_KEY, UnusedParams, Reads(("heat", "puppet"))),)
