"""One Heat file -> its YAML document, or the reason why there is none."""

from __future__ import annotations

from typing import Union

from lwlint.facts.input import NotEvaluated, Unreadable
from lwlint.parse import heat_yaml
from lwlint.parse.heat_nodes import Duplicate, Mapping, Node, Place, Refused, Scalar
from lwlint.parse.jinja import Masked, is_jinja, mask
from lwlint.record import dataclass
from lwlint.source import Source, Span, Text

TEMPLATE, ENVIRONMENT, ROLES, OTHER = "template", "environment", "roles", "other"
_TEMPLATE_KEYS = ("heat_template_version", "HeatTemplateFormatVersion", "AWSTemplateFormatVersion")
_ENVIRONMENT_KEYS = (
    "resource_registry",
    "parameter_defaults",
    "parameters",
    "parameter_merge_strategies",
    "encrypted_param_names",
    "event_sinks",
)


@dataclass(frozen=True)
class HeatFile:
    """One file as Heat reads it. `form` is `template`, `environment`, `roles` or `other` (hieradata, capabilities)."""

    source: Source
    form: str
    root: Node | None
    duplicates: tuple[Duplicate, ...]
    masked: Masked | None = None

    def span(self, node: Node) -> Span:
        """Return where `node` stands."""
        return Span(self.source.path, node.start, node.end)

    def text(self, scalar: Scalar) -> Text:
        """Return the text of `scalar` with its place."""
        return Text(scalar.value, self.span(scalar))

    def top(self, key: str) -> Node | None:
        """Return the value of a key of the document itself."""
        return self.root.get(key) if isinstance(self.root, Mapping) else None

    def section(self, key: str) -> Mapping:
        """Return the mapping under a key of the document; an empty one if there is none."""
        found = self.top(key)
        return found if isinstance(found, Mapping) else Mapping("", [], Place(0), None, None)


Reading = Union[HeatFile, Unreadable, NotEvaluated]


def read(source: Source) -> Reading:
    """Return the document of `source`, or why it has none: text that PyYAML refuses, Jinja that lwlint cannot see through."""
    masked = mask(source.text) if is_jinja(source.path) else None
    try:
        document = heat_yaml.read(source.text if masked is None else masked.text)
    except Refused as refused:
        span = source.span(refused.start, min(refused.start + 1, len(source.text)))
        if masked is not None and (masked.statements or masked.expressions):
            return NotEvaluated(source.path, span, "Jinja", source.host)
        return Unreadable(source.path, span, refused.message, source.host)
    return HeatFile(source, _form(document.root), document.root, document.duplicates, masked)


def _form(root: Node | None) -> str:
    if isinstance(root, Mapping):
        keys = [key.value for key, _ in root.pairs]
        if any(key in _TEMPLATE_KEYS for key in keys):
            return TEMPLATE
        if any(key in _ENVIRONMENT_KEYS for key in keys) and "resources" not in keys:
            return ENVIRONMENT
        return OTHER
    return OTHER if root is None or isinstance(root, Scalar) else ROLES
