"""The parameters of a check for a reader: the type, the default and the meaning of each."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple, Union

import msgspec

from lwlint.checks.parameters import FactPath, Places, Shape, Word
from lwlint.core.config_reader import description_of, fields_of, required_of

_WORDS: Mapping[Any, str] = types.MappingProxyType(
    {str: "text", int: "whole number", float: "number", bool: "`true` or `false`", Any: "anything"}
)


class Parameter(NamedTuple):
    """One parameter: its name (`limits[].option` for one of the records in a list), type, default (empty: required) and meaning."""

    name: str
    type: str
    default: str
    meaning: str


def parameters(kind: Any, above: str = "") -> Iterator[Parameter]:
    """Yield the parameters of a record in the order of its fields, those of the records in it after the one that holds them."""
    required = required_of(kind)
    for name, (key, hint) in (fields_of(kind) or {}).items():
        default = "" if key in required else _default(kind, name)
        yield Parameter(above + key, type_in_words(hint), default, description_of(hint))
        inner, way = _record(hint)
        if inner is not None:
            yield from parameters(inner, f"{above}{key}{way}.")


def type_in_words(hint: Any) -> str:
    """Return what a value of this type is."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if hint == FactPath:
        return "attribute of a fact"
    if origin is Annotated:
        named = next((note for note in inside[1:] if isinstance(note, (Word, Shape, Places))), None)
        if isinstance(named, Places):
            return "message with " + ", ".join(f"`{{{name}}}`" for name in named.names)
        return named.what if named is not None else type_in_words(inside[0])
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inside)
    if origin is tuple:
        return f"list: {type_in_words(inside[0])}"
    if origin is Union or isinstance(hint, types.UnionType):
        return " or ".join(dict.fromkeys(type_in_words(each) for each in inside if each is not type(None)))
    if origin is not None:
        return f"mapping: {type_in_words(inside[0])} to {type_in_words(inside[1])}"
    return "record" if fields_of(hint) is not None else _WORDS.get(hint, "value")


def _record(hint: Any) -> tuple[Any, str]:
    """Return the record that values of this type are or hold, and the way from the one to the other."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _record(inside[0])
    if origin is tuple:
        inner, way = _record(inside[0])
        return inner, f"[]{way}"
    return (hint, "") if origin is None and fields_of(hint) is not None else (None, "")


def _default(kind: Any, name: str) -> str:
    if not issubclass(kind, msgspec.Struct):
        value = getattr(kind, name, None)
        return "none" if value in (None, "", (), {}) else f"`{_yaml(value)}`"
    field = next(field for field in msgspec.structs.fields(kind) if field.name == name)
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return "none" if value in (None, "", (), {}) else f"`{_yaml(value)}`"


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(map(_yaml, value))}]" if isinstance(value, tuple) else str(value)


def parameter_table(kind: Any) -> list[str]:
    """Return the parameters as the lines of a table in Markdown; none where there are none."""
    found = list(parameters(kind))
    lines = ["| parameter | type | default | meaning |", "|---|---|---|---|"]
    return [*lines, *(f"| `{p.name}` | {p.type} | {p.default or 'required'} | {p.meaning} |" for p in found)] if found else []


def parameter_lines(kind: Any) -> list[str]:
    """Return the parameters as lines for a terminal: name, type and default, and the meaning below."""
    lines: list[str] = []
    for p in parameters(kind):
        lines += [f"  {p.name} ({p.type}; {f'default {p.default}' if p.default else 'required'})", f"      {p.meaning}"]
    return lines or ["  none"]
