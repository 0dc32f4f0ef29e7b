"""Dependencies that keep a service from starting, or stop it, when the units of other services are down."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lwlint.checks.check import Check, Saw, needs
from lwlint.facts import Facts
from lwlint.facts.systemd import Setting, Unit
from lwlint.facts.unit_managers import units
from lwlint.finding import Problem
from lwlint.record import dataclass
from lwlint.source import Span


@dataclass(frozen=True)
class Params:
    """`kinds` are the kinds of service that are judged, `keys` the settings of [Unit] that bind, `services` those (by their
    names in the catalogue) that must not be bound to, with `units` that the catalogue does not name."""

    kinds: tuple[str, ...]
    keys: tuple[str, ...]
    services: tuple[str, ...]
    units: tuple[str, ...] = ()


def _run(facts: Facts, params: Params) -> Iterator[Saw]:
    titles = dict.fromkeys(params.units, "it")
    for service in facts.services:
        if service.name in params.services:
            titles.update(dict.fromkeys(service.units, service.title))
            titles.update(dict.fromkeys((f"tripleo_{container}" for container in service.containers), service.title))
    aliases = _aliases(facts, params)
    for unit in units(facts):
        if unit.service is None or unit.service.kind not in params.kinds or unit.service.name in params.services:
            continue
        for key in params.keys:
            for entry in unit.lists.get(f"Unit.{key}", ()):
                yield from _bound(unit, key, entry, {**titles, **aliases.get(unit.host, {})})


def _aliases(facts: Facts, params: Params) -> dict[str, dict[str, str]]:
    """Return the names of each host's units that must not be bound to, aliases of its own among them, with what they run."""
    found: dict[str, dict[str, str]] = {}
    for unit in facts.of(Unit):
        if unit.service is not None and unit.service.name in params.services:
            names = (name[: -len(".service")] for name in unit.names if name.endswith(".service"))
            found.setdefault(unit.host, {}).update(dict.fromkeys(names, unit.service.title))
    return found


def _bound(unit: Unit, key: str, entry: Setting, titles: dict[str, str]) -> Iterator[Problem]:
    for match in re.finditer(r"\S+", entry.value):
        word = match[0]
        name = word[: -len(".service")] if word.endswith(".service") else word
        title = titles.get(name) or titles.get(name.partition("@")[0])
        if title is not None:
            message = f"{unit.name}: `Unit.{key}` names `{word}`; the service must start and run without {title}"
            yield Problem(_place(entry, match), message, f"unit {unit.name} {key} {word}", host=unit.host)


def _place(entry: Setting, word: re.Match[str]) -> Span:
    """Return the span of one word of an entry; of the entry where specifiers (`%i`) or a link stand for the word."""
    if entry.span.end - entry.span.start != len(entry.value):
        return entry.span
    return Span(entry.span.path, entry.span.start + word.start(), entry.span.start + word.end())


CHECK = Check("dependency-on", _run, needs(Unit, "no systemd unit was given"), Params)
