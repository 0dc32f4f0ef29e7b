"""The JSON schema of the configuration, made from the dataclasses that it is read into."""

from __future__ import annotations

import dataclasses
import datetime
import typing
from collections.abc import Mapping
from typing import Any, Union

from lwlint.report.places import as_json
from lwlint.settings import Allowance, File, Override

_WORDS: Mapping[Any, str] = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
_ONE_OF: Mapping[Any, tuple[str, ...]] = {Allowance: ("fact", "path"), Override: ("ignore", "severity")}  # keys, one of which is needed


def schema() -> str:
    """Return the schema (draft 2020-12) of `.lwlint.yaml`, and of `[tool.lwlint]`, as JSON text."""
    top = _of(File)
    return as_json(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Configuration of lwlint",
            "description": "`.lwlint.yaml`, or the table `tool.lwlint` of pyproject.toml",
            **top,
        }
    )


def _of(kind: Any) -> dict[str, Any]:
    if kind is Any:
        return {}
    if dataclasses.is_dataclass(kind):
        return _of_dataclass(kind)
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin is Union:
        options = [_of(option) for option in inside if option is not type(None) and option is not datetime.date]
        return options[0] if len(options) == 1 else {"anyOf": options}
    if origin is typing.Literal:
        return {"enum": list(inside)}
    if origin is tuple:
        return {"type": "array", "items": _of(inside[0])}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of(inside[1])}
    return {"type": _WORDS[kind]}


def _of_dataclass(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(kind)
    missing = dataclasses.MISSING
    required = [f.name for f in fields if f.default is missing and f.default_factory is missing]
    return {
        "type": "object",
        "additionalProperties": False,
        **({"required": required} if required else {}),
        **({"anyOf": [{"required": [name]} for name in _ONE_OF[kind]]} if kind in _ONE_OF else {}),
        "properties": {field.name: {**_of(hints[field.name]), **field.metadata} for field in fields},
    }
