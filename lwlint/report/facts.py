"""Facts as JSON, so that the author of a rule sees what there is to match; values that are secrets as asterisks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from lwlint.facts import Fact
from lwlint.facts.service import Service
from lwlint.report.json import dump
from lwlint.run import Reading
from lwlint.secret import is_secret, masked_value, stars
from lwlint.source import Source, Span, Text

_NAMES = ("name", "option", "key", "setting", "parameter")  # fields that tell what a record's value is of
_VALUES = ("value", "values", "beaten", "default", "continued", "text", "written", "candidates")
_PLACE = ("path", "line", "column", "span")


def render(reading: Reading) -> str:
    """Return every fact: kind, name, path, line, column, host, and the fields of its own."""
    sources = reading.input.sources
    facts = sorted(reading.facts, key=lambda fact: (fact.span, fact.kind, fact.name))
    release = reading.facts.release
    return dump(
        {
            "release": {"name": release.name, "because": release.because},
            "sources": [{"path": s.path, "kind": s.kind, "host": s.host, "judged": s.judged} for s in sources.values()],
            "facts": [_fact(fact, sources) for fact in facts],
        }
    )


def _fact(fact: Fact, sources: Mapping[str, Source]) -> dict[str, Any]:
    head = {"kind": fact.kind, "name": fact.name, **_place(fact.span, sources), "host": fact.host}
    return {**_fields(fact, sources), **head}


def _fields(record: Any, sources: Mapping[str, Source]) -> dict[str, Any]:
    named = [getattr(record, name, None) for name in _NAMES]
    secret = any(isinstance(name, str) and is_secret(name) for name in named)
    text = getattr(record, "value", None)
    in_part = isinstance(text, str) and masked_value(text) != text  # in which of the lines it goes on in, the value as a whole tells
    fields = {}
    for field in dataclasses.fields(record):
        if field.name != "span":
            value = _plain(getattr(record, field.name), sources)
            fields[field.name] = _hidden(value) if (secret and field.name in _VALUES) or (in_part and field.name == "continued") else value
    return fields


def _hidden(value: Any) -> Any:
    """Return a value with every text in it as asterisks, but for the places."""
    if isinstance(value, str):
        return stars(value)
    if isinstance(value, dict):
        return {key: item if key in _PLACE else _hidden(item) for key, item in value.items()}
    return [_hidden(item) for item in value] if isinstance(value, list) else value


def _plain(value: Any, sources: Mapping[str, Source]) -> Any:
    if value is None or isinstance(value, (int, float)):
        return value
    if isinstance(value, str):
        return masked_value(value)
    if isinstance(value, Text):
        return masked_value(value.value)
    if isinstance(value, Span):
        return _place(value, sources)
    if isinstance(value, Service):
        return value.name
    if isinstance(value, Mapping):
        plain = ((str(key), _plain(item, sources)) for key, item in value.items())
        return {key: _hidden(item) if is_secret(key) else item for key, item in plain}
    if dataclasses.is_dataclass(value):
        span = getattr(value, "span", None)
        return {**_fields(value, sources), **(_place(span, sources) if isinstance(span, Span) else {})}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {key: _plain(item, sources) for key, item in value._asdict().items()}
    return [_plain(item, sources) for item in value]


def _place(span: Span, sources: Mapping[str, Source]) -> dict[str, Any]:
    source = sources.get(span.path)
    line, column = source.position(span.start) if source is not None else (1, 1)
    return {"path": span.path, "line": line, "column": column}
