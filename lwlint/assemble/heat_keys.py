"""Settings of Puppet classes, with the values that parameters and inputs can give them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lwlint.assemble.heat_functions import Scope, Values, possible
from lwlint.assemble.heat_template import Key, Parts, inputs
from lwlint.facts.heat import HieraKey
from lwlint.parse.heat import HeatFile
from lwlint.parse.heat_nodes import Mapping, Node


class Parameters:
    """The values of parameters: those of the chosen environments (the last one counts), else the template's own default."""

    def __init__(self, chosen: Sequence[HeatFile]) -> None:
        self._given: dict[str, Node] = {}
        for section in ("parameter_defaults", "parameters"):
            for file in chosen:
                self._given.update((key.value, value) for key, value in file.section(section).pairs)

    def scope(self, parts: Parts) -> Scope:
        """Return what the values in a template can refer to."""
        declared = parts.file.section("parameters")
        empty = Scope(lambda _: None, {})

        def parameter(name: str) -> Values:
            node = self._given.get(name)
            if node is None:
                schema = declared.get(name)
                node = schema.get("default") if isinstance(schema, Mapping) else None
            return possible(node, empty) if node is not None else None

        return Scope(parameter, inputs(parts))


def hiera_keys(parts: Parts, parameters: Parameters, *, in_force: bool = True) -> Iterator[HieraKey]:
    """Yield the settings of a template, of hieradata, or of an environment's overrides."""
    scope = parameters.scope(parts)
    for key in parts.keys:
        yield hiera_key(parts.file, key, scope, in_force)


def hiera_key(file: HeatFile, key: Key, scope: Scope, in_force: bool) -> HieraKey:
    """Return the fact of one setting."""
    path = file.source.path
    return HieraKey(
        name=key.name,
        span=file.span(key.key),
        template=path,
        values=possible(key.value, scope),
        value_span=file.span(key.value),
        place=key.place,
        branch=key.branch,
        in_force=in_force,
        host=file.source.host,
    )
