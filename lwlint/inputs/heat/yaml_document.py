"""A YAML document as PyYAML composes it: its own nodes, of which an alias is the same one again."""

from __future__ import annotations

from typing import Any


def compose(text: str) -> Any:
    """Return the root node of the one document in `text`, None for an empty one. Raises ValueError for what PyYAML refuses."""
    import yaml

    try:
        return yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError("PyYAML does not load it") from error
