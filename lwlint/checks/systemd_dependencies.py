"""Settings by which a unit waits for the database or the broker, or ends with it: dependencies, and conditions that ask for it."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from msgspec import Meta

from lwlint.checks.containers import lacking_units, strangers, units
from lwlint.checks.parameters import ServiceKind, ServiceName, nothing_in
from lwlint.core.check import Check, Reads, Saw, Unknown
from lwlint.core.config_reader import Document, Mismatch
from lwlint.core.facts import Facts
from lwlint.core.finding import Problem
from lwlint.core.source import Span
from lwlint.inputs.systemd.facts import Setting, Unit

_MOST_HOPS = 4  # over targets and helpers
# what a key does: with the order `After=` (which most units have), and without it
_DOES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Requires": ("does not start while that cannot, and is stopped with it", "is stopped with it"),
        "Requisite": ("does not start unless that runs, and is stopped with it", "does not start unless that runs, and is stopped with it"),
        "BindsTo": ("does not start without it, and is stopped for good when that ends", "is stopped for good when that ends"),
        "PartOf": ("is stopped with it", "is stopped with it"),
        "StopPropagatedFrom": ("is stopped for good when that ends", "is stopped for good when that ends"),
        "PropagatesStopTo": ("is stopped for good when that ends", "is stopped for good when that ends"),
        "Conflicts": ("is stopped for good when that starts", "is stopped for good when that starts"),
    }
)
# words of commands and conditions that are about a database or a broker
ASKS = re.compile(
    r"mysql|mariadb|galera|clustercheck|wsrep|rabbit|postgres|pg_isready|psql|redis|mongo|amqp|epmd|[:\s/=](?:3306|5672|5671|5432|4567)\b",
    re.IGNORECASE,
)
_STATE = re.compile(r"\|?/(run|var)/")  # where a running database leaves its mark; not its programs or configuration

Dependency = Literal[
    "Requires", "Requisite", "Wants", "BindsTo", "PartOf", "Upholds", "Conflicts", "Before", "After", "OnFailure", "OnSuccess",
    "PropagatesReloadTo", "PropagatesStopTo", "ReloadPropagatedFrom", "StopPropagatedFrom", "JoinsNamespaceOf",
]  # fmt: skip


class DependencyParams(Document, frozen=True):
    """`kinds` are the kinds of service that are judged, `keys` the settings of [Unit] that bind, `services` those (by their
    names in the catalogue) that must not be bound to, with `units` that the catalogue does not name."""

    kinds: Annotated[tuple[ServiceKind, ...], Meta(description="the kinds of services that are judged", min_length=1)]
    keys: Annotated[tuple[Dependency, ...], Meta(description="the settings of `[Unit]` that bind", min_length=1)]
    services: Annotated[tuple[ServiceName, ...], Meta(description="the services that must not be bound to")]
    units: Annotated[tuple[str, ...], Meta(description="units that must not be bound to and are not in the catalogue")] = ()

    def misfits(self) -> Iterator[Mismatch]:
        """Yield that nothing would be judged."""
        yield from nothing_in(self, "services", "units")


def _run_dependencies(facts: Facts, params: DependencyParams) -> Iterator[Saw]:
    titles = dict.fromkeys(params.units, "it")
    for service in facts.services:
        if service.name in params.services:
            titles.update(dict.fromkeys(service.units, service.title))
            for owner in ("tripleo_", "edpm_"):
                titles.update(dict.fromkeys((owner + container for container in service.containers), service.title))
    aliases = _aliases(facts, params)
    known = {(unit.host, name): unit for unit in facts.of(Unit) for name in (unit.name, *unit.names)}
    yield from (Unknown(because, unit.span) for because, unit in strangers(facts))
    for unit in units(facts):
        if unit.service is None or unit.service.kind not in params.kinds or unit.service.name in params.services:
            continue
        every = ChainMap(aliases.get(unit.host, {}), titles)
        for key in params.keys:
            for entry in unit.lists.get(f"Unit.{key}", ()):
                yield from _bound(unit, key, entry, every)
                yield from _over_others(unit, key, entry, every, known, params.keys)
        yield from _conditions(unit)
    yield from _from_the_other_side(facts, params)


def _aliases(facts: Facts, params: DependencyParams) -> dict[str, dict[str, str]]:
    """Return the names of each host's units that must not be bound to, aliases of its own among them, with what they run."""
    found: dict[str, dict[str, str]] = {}
    for unit in facts.of(Unit):
        if unit.service is not None and unit.service.name in params.services:
            names = (name[: -len(".service")] for name in unit.names if name.endswith(".service"))
            found.setdefault(unit.host, {}).update(dict.fromkeys(names, unit.service.title))
    return found


def _title(word: str, titles: Mapping[str, str]) -> str | None:
    """Return what the unit called `word` runs, if it is one that must not be bound to."""
    name = word[: -len(".service")] if word.endswith(".service") else word
    base = name.partition("@")[0]
    return titles.get(name) or titles.get(base) or titles.get(re.sub(r"-\d+(\.\d+)?$", "", base))


def _bound(unit: Unit, key: str, entry: Setting, titles: Mapping[str, str]) -> Iterator[Problem]:
    for match in re.finditer(r"\S+", entry.value):
        word = match[0]
        title = _title(word, titles)
        if title is not None:
            does = _does(unit, key, word)
            message = f"{unit.name}: `Unit.{key}` names `{word}`, so that it {does}; the service must start and run without {title}"
            yield Problem(_place(entry, match), message, f"unit {unit.name} {key} {word}", host=unit.host)


def _does(unit: Unit, key: str, word: str) -> str:
    ordered, alone = _DOES.get(key, ("is bound to it", "is bound to it"))
    after = {name for entry in unit.lists.get("Unit.After", ()) for name in entry.value.split()}
    return ordered if unit.shown or word in after else alone


def _over_others(
    unit: Unit, key: str, entry: Setting, titles: Mapping[str, str], known: Mapping[tuple[str, str], Unit], keys: tuple[str, ...]
) -> Iterator[Problem]:
    """Yield the problems of targets and helpers that the unit is bound to and that are bound to a unit that must not be."""
    if key == "Conflicts":
        return
    for match in re.finditer(r"\S+", entry.value):
        if _title(match[0], titles) is not None:
            continue
        found = _through(known.get((unit.host, match[0])), titles, known, keys, {unit.name, match[0]})
        if found is not None:
            inner, other, title = found
            how = f"names `{match[0]}`, which `{inner}={other}` binds: it is stopped with {'it' if title == 'it' else title}"
            message = f"{unit.name}: `Unit.{key}` {how}; the service must start and run without {title}"
            yield Problem(_place(entry, match), message, f"unit {unit.name} {key} {match[0]}", host=unit.host)


def _through(
    other: Unit | None, titles: Mapping[str, str], known: Mapping[tuple[str, str], Unit], keys: tuple[str, ...], seen: set[str]
) -> tuple[str, str, str] | None:
    """Return the key, the unit and the title of what a unit that runs no service of its own is bound to, over others too."""
    if other is None or other.service is not None or len(seen) > _MOST_HOPS + 1:
        return None
    for key in keys:
        if key == "Conflicts":
            continue
        for entry in other.lists.get(f"Unit.{key}", ()):
            for word in entry.value.split():
                title = _title(word, titles)
                if title is not None:
                    return key, word, title
                if word not in seen:
                    found = _through(known.get((other.host, word)), titles, known, keys, {*seen, word})
                    if found is not None:
                        return found
    return None


def _from_the_other_side(facts: Facts, params: DependencyParams) -> Iterator[Problem]:
    """Yield what the units of the database or the broker do to services: `PropagatesStopTo=`, `Conflicts=`."""
    judged = {
        (unit.host, name): unit
        for unit in units(facts)
        if unit.service is not None and unit.service.kind in params.kinds and unit.service.name not in params.services
        for name in (unit.name, *unit.names)
    }
    for other in units(facts):
        is_theirs = other.service is not None and other.service.name in params.services
        if not is_theirs and _title(other.name, dict.fromkeys(params.units, "it")) is None:
            continue
        for key in ("PropagatesStopTo", "Conflicts"):
            for entry in other.lists.get(f"Unit.{key}", ()):
                for match in re.finditer(r"\S+", entry.value):
                    unit = judged.get((other.host, match[0]))
                    if unit is not None:
                        what = f"`Unit.{key}` of {other.name} names it, so that it {_DOES[key][0]}"
                        title = other.service.title if other.service is not None else "it"
                        message = f"{unit.name}: {what}; the service must start and run without {title}"
                        yield Problem(_place(entry, match), message, f"unit {unit.name} {key} {other.name}", host=unit.host)


def _conditions(unit: Unit) -> Iterator[Problem]:
    """Yield the conditions that ask for the database or the broker: a unit that is skipped for one is never tried again."""
    for name, entries in unit.lists.items():
        section, _, key = name.partition(".")
        if name != "Service.ExecCondition" and not (section == "Unit" and key.startswith(("Condition", "Assert"))):
            continue
        for entry in entries:
            if not ASKS.search(entry.value) or (section == "Unit" and not _STATE.match(entry.value)):
                continue
            so = "the start fails" if key.startswith("Assert") else "the unit is skipped"
            message = (
                f"{unit.name}: `{key}={entry.value}` asks for the database or the broker, and where the answer is no, {so} and"
                " `Restart=` never tries again; `ExecStartPre=` is tried again"
            )
            yield Problem(entry.span, message, f"unit {unit.name} {key}", severity="warning", host=unit.host)


def _place(entry: Setting, word: re.Match[str]) -> Span:
    """Return the span of one word of an entry; of the entry where specifiers (`%i`) or a link stand for the word."""
    if entry.span.end - entry.span.start != len(entry.value):
        return entry.span
    return Span(entry.span.path, entry.span.start + word.start(), entry.span.start + word.end())


CHECKS = (
    Check(
        "hard-dependency-on-database-or-broker",
        _run_dependencies,
        lambda facts, params: lacking_units(facts, params.kinds),
        DependencyParams,
        Reads(("unit",)),
    ),
)
