"""Output of `systemctl show` -> facts of units as the running systemd had them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lwlint.catalogue import Catalogue
from lwlint.facts.systemctl import ShownUnit
from lwlint.parse.systemctl import shown_units
from lwlint.source import Source


def shown_facts(sources: Iterable[Source], catalogue: Catalogue) -> Iterator[ShownUnit]:
    """Yield every unit that is shown."""
    for source in sources:
        for unit in shown_units(source):
            service = catalogue.of_unit(unit.name.value)
            yield ShownUnit(unit.name.value, unit.name.span, unit.properties, source.host, service)
