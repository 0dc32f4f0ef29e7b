"""Facts about units as a running systemd had them, by what `systemctl show` printed into a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from lwlint.facts.service import Service
from lwlint.record import dataclass
from lwlint.source import Span, Text


@dataclass(frozen=True)
class ShownUnit:
    """One unit as `systemctl show` has it; `properties` are those that it prints, by name (`ActiveState`).

    Of a unit that is `listed` only, by `systemctl list-units` or `list-unit-files`, these are the few that such a list tells.
    """

    kind: ClassVar[str] = "shown_unit"
    name: str
    span: Span
    properties: Mapping[str, Text]
    host: str = ""
    service: Service | None = None
    listed: bool = False

    def value(self, name: str) -> str:
        """Return the value of a property; empty if it is not printed."""
        found = self.properties.get(name)
        return found.value if found is not None else ""
