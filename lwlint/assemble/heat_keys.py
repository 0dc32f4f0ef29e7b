"""What the parameters of templates can be."""

from __future__ import annotations

from collections.abc import Sequence

from lwlint.assemble.heat_functions import Scope, Values, possible
from lwlint.assemble.heat_template import Parts, inputs
from lwlint.parse.heat import HeatFile
from lwlint.parse.heat_nodes import Mapping

_EMPTY = Scope(lambda _: None, {})


class Parameters:
    """The values of parameters: those of the chosen environments (the last one counts), else the template's own default."""

    def __init__(self, chosen: Sequence[HeatFile] = ()) -> None:
        self.given: dict[str, Values] = {}
        for section in ("parameter_defaults", "parameters"):
            for file in chosen:
                self.given.update((key.value, possible(value, _EMPTY)) for key, value in file.section(section).pairs)

    def digest(self) -> bytes:
        """Return what tells these values from others."""
        return repr(sorted(self.given.items())).encode("utf-8", "surrogatepass") if self.given else b""

    def scope(self, parts: Parts) -> Scope:
        """Return what the values in a template can refer to."""
        declared = parts.file.section("parameters")

        def parameter(name: str) -> Values:
            if name in self.given:
                return self.given[name]
            schema = declared.get(name)
            node = schema.get("default") if isinstance(schema, Mapping) else None
            return possible(node, _EMPTY) if node is not None else None

        return Scope(parameter, inputs(parts))
