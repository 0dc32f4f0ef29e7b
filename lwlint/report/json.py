"""Facts as JSON, so that the author of a rule sees what there is to match; values that are secrets as asterisks."""

from __future__ import annotations

import json
import typing
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Union

from msgspec import Meta, Struct

from lwlint import __version__
from lwlint.core.config_reader import description_of, fields_of, required_of
from lwlint.core.facts import Fact, Service
from lwlint.core.finding import BROKEN, FAIL, NOT_EVALUATED, PASS, SEVERITIES, Finding, Report
from lwlint.core.harmless import escaped
from lwlint.core.secret import Known, is_secret, masked_value, stars
from lwlint.core.source import Source, Span, Text
from lwlint.policy.redaction import Redaction
from lwlint.policy.settings import Allowance, File, Override
from lwlint.report.fixes import as_json
from lwlint.report.text import summary
from lwlint.run import Reading


def render(report: Report) -> str:
    """Return the whole report as one JSON document with a final line break."""
    counts = Counter(f.severity for f in report.findings if f.allowed is None)
    return dump(
        {
            "version": __version__,
            "release": {"name": report.release, "because": report.release_because},
            "findings": [_finding(f, report) for f in report.findings],
            "verdicts": [{"rule": v.rule, "code": v.code, "outcome": v.outcome, "because": v.because} for v in report.verdicts],
            "skipped": [{"path": path, "because": because} for path, because in report.skipped],
            "summary": {
                "pass": report.count(PASS),
                "fail": report.count(FAIL),
                "not_evaluated": report.count(NOT_EVALUATED),
                "broken": report.count(BROKEN),
                "allowed": report.allowed,
                "findings": {severity: counts[severity] for severity in reversed(SEVERITIES)},
                "text": summary(report),
            },
        }
    )


def dump(plain: Any) -> str:
    """Return plain values as JSON text; a byte that is no UTF-8 stands as U+FFFD."""
    text = json.dumps(plain, indent=1, ensure_ascii=False) + "\n"
    return escaped(text.encode("utf-8", "replace").decode("utf-8"))


def place(span: Span, report: Report) -> dict[str, Any]:
    """Return a span as path, line, column, end_line and end_column (from 1, end excluded)."""
    source = report.sources.get(span.path)
    start, end = (source.position(span.start), source.position(span.end)) if source is not None else ((1, 1), (1, 1))
    return {"path": span.path, "line": start[0], "column": start[1], "end_line": end[0], "end_column": end[1]}


def _finding(finding: Finding, report: Report) -> dict[str, Any]:
    return {
        "code": finding.code,
        "rule": finding.rule,
        "severity": finding.severity,
        "clause": finding.clause,
        "message": finding.message,
        **place(finding.span, report),
        "host": finding.host,
        "subject": finding.subject,
        "allowed": finding.allowed,
        "related": [{**place(related.span, report), "message": related.message} for related in finding.related],
        "remedy": finding.remedy,
        "fingerprint": finding.fingerprint,
        "fix": _fix(finding, report),
        "commands": [{"on": on, "line": line} for line, on in finding.commands],
    }


def _fix(finding: Finding, report: Report) -> dict[str, Any] | None:
    if finding.fix is None:
        return None
    from lwlint.report.fixes import certain

    edits = [{**place(edit.span, report), "text": edit.text} for edit in certain(finding, report)]
    return {"description": finding.fix.what, "safe": finding.fix.safe, "edits": edits} if edits else None


_NAMES = ("name", "option", "key", "setting", "parameter")  # fields that tell what a record's value is of
_VALUES = ("value", "values", "beaten", "default", "continued", "text", "written", "candidates")
_PLACE = ("path", "line", "column", "span")


def render_facts(reading: Reading) -> str:
    """Return every fact: kind, name, path, line, column, host, and the fields of its own."""
    sources = _Sources(reading.input.sources)
    facts = sorted(reading.facts, key=lambda fact: (fact.span, fact.kind, fact.name))
    release = reading.facts.release
    return dump(
        {
            "release": {"name": release.name, "because": release.because},
            "sources": [{"path": s.path, "kind": s.kind, "host": s.host, "judged": s.judged} for s in sources.values()],
            "facts": [_fact(fact, sources) for fact in facts],
        }
    )


class _Sources(dict[str, Source]):
    """The sources, and what may be shown of them."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        super().__init__(sources)
        self.redaction = Redaction(self)
        self._known = Known(secret for path in self for secret in self.redaction.known(path))

    def shown(self, value: str) -> str:
        """Return a value without the secrets in it, those too that only another place tells to be ones."""
        return masked_value(self._known.hidden(value))


def _fact(fact: Fact, sources: _Sources) -> dict[str, Any]:
    head = {"kind": fact.kind, "name": fact.name, **_place(fact.span, sources), "host": fact.host}
    return {**_fields(fact, sources), **head}


def _fields(record: Any, sources: _Sources) -> dict[str, Any]:
    named = [getattr(record, name, None) for name in _NAMES]
    secret = any(isinstance(name, str) and is_secret(name) for name in named)
    text = getattr(record, "value", None)
    in_part = isinstance(text, str) and masked_value(text) != text  # in which of the lines it goes on in, the value as a whole tells
    fields = {}
    for name in record.__struct_fields__:
        if name != "span":
            value = _plain(getattr(record, name), sources)
            fields[name] = _hidden(value) if (secret and name in _VALUES) or (in_part and name == "continued") else value
    return fields


def _hidden(value: Any) -> Any:
    """Return a value with every text in it as asterisks, but for the places."""
    if isinstance(value, str):
        return stars(value)
    if isinstance(value, dict):
        return {key: item if key in _PLACE else _hidden(item) for key, item in value.items()}
    return [_hidden(item) for item in value] if isinstance(value, list) else value


def _plain(value: Any, sources: _Sources) -> Any:
    if value is None or isinstance(value, (int, float)):
        return value
    if isinstance(value, str):
        return sources.shown(value)
    if isinstance(value, Text):
        shown = sources.shown(value.value)
        return stars(shown) if shown == value.value and value.value and sources.redaction.is_hidden(value.span) else shown
    if isinstance(value, Span):
        return _place(value, sources)
    if isinstance(value, Service):
        return value.name
    if isinstance(value, Mapping):
        plain = ((str(key), _plain(item, sources)) for key, item in value.items())
        return {key: _hidden(item) if is_secret(key) else item for key, item in plain}
    if isinstance(value, Struct):
        span = getattr(value, "span", None)
        return {**_fields(value, sources), **(_place(span, sources) if isinstance(span, Span) else {})}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {key: _plain(item, sources) for key, item in value._asdict().items()}
    return [_plain(item, sources) for item in value]


def _place(span: Span, sources: Mapping[str, Source]) -> dict[str, Any]:
    source = sources.get(span.path)
    line, column = source.position(span.start) if source is not None else (1, 1)
    return {"path": span.path, "line": line, "column": column}


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
    if fields_of(kind) is not None:
        return _of_record(kind)
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        notes = [note for note in inside[1:] if isinstance(note, Meta)]
        more = dict(notes[0].extra_json_schema or {}) if notes else {}
        kind_of_value = {"type": more.pop("type")} if "type" in more else _of(inside[0])
        return {**kind_of_value, "description": description_of(kind), **more}
    if origin is Union:
        options = [_of(option) for option in inside if option is not type(None)]
        return options[0] if len(options) == 1 else {"anyOf": options}
    if origin is typing.Literal:
        return {"enum": list(inside)}
    if origin is tuple:
        return {"type": "array", "items": _of(inside[0])}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of(inside[1])}
    return {"type": _WORDS[kind]}


def _of_record(kind: Any) -> dict[str, Any]:
    required = list(required_of(kind))
    return {
        "type": "object",
        "additionalProperties": False,
        **({"required": required} if required else {}),
        **({"anyOf": [{"required": [name]} for name in _ONE_OF[kind]]} if kind in _ONE_OF else {}),
        "properties": {name: _of(hint) for name, (_, hint) in (fields_of(kind) or {}).items()},
    }
