"""Output of `systemctl` -> facts of units as the running systemd had them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lwlint.catalogue import Catalogue
from lwlint.facts.systemctl import ShownUnit
from lwlint.parse.systemctl import listed_units, shown_units, unit_file_states
from lwlint.source import Source, Text

_STATES = "systemctl_list-unit-files"
_LIST = "systemctl_list-unit"


def shown_facts(sources: Iterable[Source], catalogue: Catalogue) -> Iterator[ShownUnit]:
    """Yield every unit that is shown, and those that are only in the lists of units and of unit files, with what these tell.

    A unit that `systemctl show` has keeps its properties; the lists add those that it lacks.
    """
    every = list(sources)
    listed = _listed(source for source in every if _LIST in source.path)
    for source in every:
        if _LIST in source.path:
            continue
        for unit in shown_units(source):
            more = listed.pop((source.host, unit.name.value), {})
            properties = {**more, **{name: text for name, text in unit.properties.items() if text.value or name not in more}}
            yield ShownUnit(unit.name.value, unit.name.span, properties, source.host, catalogue.of_unit(unit.name.value))
    for (host, name), properties in listed.items():
        first = min(text.span for text in properties.values())
        yield ShownUnit(name, first, properties, host, catalogue.of_unit(name), listed=True)


def _listed(sources: Iterable[Source]) -> dict[tuple[str, str], dict[str, Text]]:
    """Return the properties of units in lists, by host and unit; the first list that tells of one counts."""
    found: dict[tuple[str, str], dict[str, Text]] = {}
    for source in sorted(sources, key=lambda source: source.path):
        if _STATES in source.path:
            for state in unit_file_states(source):
                found.setdefault((source.host, state.name.value), {}).setdefault("UnitFileState", state.state)
            continue
        for unit in listed_units(source):
            own = found.setdefault((source.host, unit.name.value), {})
            for name, text in (("LoadState", unit.load), ("ActiveState", unit.active), ("SubState", unit.sub)):
                own.setdefault(name, text)
    return found
