"""What an editor shows of a report: what is wrong at a place, what is configured there, where it leads, and what fixes it.

Places are offsets of characters in a source; what an editor counts in is for its protocol (`lwlint server`).
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from lwlint.core.facts import Fact, Service
from lwlint.core.finding import SEVERITIES, Finding, Replace, Report
from lwlint.core.harmless import counted
from lwlint.core.lazy import pattern
from lwlint.core.source import Source, Span, Text
from lwlint.inputs import KINDS
from lwlint.inputs.heat.facts import GetFile
from lwlint.policy.rules import Rule
from lwlint.report.ci import code, prose
from lwlint.report.fixes import one_line
from lwlint.report.json import Shown
from lwlint.run import Reading

_WORD = pattern(r"[\w.:/@%-]+")
_MOST = 12  # facts that are told of one place


class Symbol(NamedTuple):
    """Something that is configured: its name, the word for what it is, and the place of its name."""

    name: str
    kind: str
    span: Span


def findings_at(report: Report, path: str, start: int, end: int) -> list[Finding]:
    """Return the findings, those that are not allowed, whose place touches the characters from `start` to `end`."""
    return [
        found
        for found in report.findings
        if found.allowed is None and found.span.path == path and found.span.start <= end and start <= max(found.span.end, found.span.start)
    ]


def hover(report: Report, reading: Reading, rules: Sequence[Rule], path: str, at: int) -> str:
    """Return as Markdown what is wrong at a place and what is in effect there; empty where there is neither."""
    named = {rule.id: rule for rule in rules}
    parts = [_told(found, named.get(found.rule)) for found in findings_at(report, path, at, at)]
    shown = Shown(reading.input.sources)
    parts += [_fact(fact, shown) for fact in facts_at(reading, path, at)]
    return "\n\n---\n\n".join(dict.fromkeys(parts))


def _told(found: Finding, rule: Rule | None) -> str:
    why = f"\n\n{prose(rule.why)}" if rule is not None and rule.why else ""
    remedy = "<br>".join(prose(line) for line in found.remedy.strip().splitlines())
    return f"**{found.severity} {found.code}** {code(found.rule)}\n\n{prose(found.message)}{why}\n\n{remedy}"


def facts_at(reading: Reading, path: str, at: int) -> list[Fact]:
    """Return the facts that are told at a place, those of the shortest text first."""
    found: list[tuple[int, Fact]] = []
    for fact in reading.facts:
        lengths = [span.end - span.start for span in _spans(fact) if span.path == path and span.start <= at <= span.end]
        if lengths:
            found.append((min(lengths), fact))
    found.sort(key=lambda pair: pair[0])
    return [fact for _, fact in found[:_MOST]]


def _spans(value: Any) -> Iterator[Span]:
    """Yield the places in a fact."""
    if isinstance(value, Span):
        yield value
    elif isinstance(value, Text):
        yield value.span
    elif isinstance(value, Service):
        return
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from _spans(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _spans(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from _spans(item)


def _fact(fact: Fact, shown: Shown) -> str:
    plain = shown.fact(fact)
    lines = [f"{prose(str(plain.get('kind', '')).replace('_', ' '))} {code(str(plain.get('name', '')))}"]
    for name, value in plain.items():
        if name in ("kind", "name", "path", "line", "column", "host") or value in (None, "", [], {}, False):
            continue
        lines.append(f"- {prose(name.replace('_', ' '))}: {_value(value)}")
    place = f"{plain['path']}:{plain['line']}"
    lines.append(f"- from {code(place)}")
    return "\n".join(lines)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        if "value" in value:
            place = f" ({one_line(str(value['path']))}:{value['line']})" if "path" in value and "line" in value else ""
            return f"{code(str(value['value']))}{prose(place)}"
        if {"path", "line"} <= set(value):
            return code(f"{value['path']}:{value['line']}")
        return ", ".join(f"{prose(str(key))} = {_value(item)}" for key, item in list(value.items())[:_MOST])
    if isinstance(value, list):
        return ", ".join(_value(item) for item in value[:_MOST]) + (" ..." if len(value) > _MOST else "")
    return code(str(value))


def symbols(reading: Reading, path: str) -> list[Symbol]:
    """Return what is configured in a file, in the order of the text."""
    found = {(fact.span, fact.kind): Symbol(one_line(fact.name), fact.kind, fact.span) for fact in reading.facts if fact.span.path == path}
    return sorted(found.values(), key=lambda symbol: symbol.span)


def definitions(report: Report, reading: Reading, path: str, at: int, exists: Callable[[str], bool]) -> list[Span]:
    """Return what a place leads to: the file that is named there, what has the name that stands there, and what a drop-in is of."""
    source = reading.input.sources.get(path)
    if source is None:
        return []
    word = _word(source, at)
    found: list[Span] = []
    for fact in facts_at(reading, path, at):
        for name in ("resolved", "final", "template", "fragment"):
            target = getattr(fact, name, None)
            if isinstance(target, str) and target and target != path and exists(target):
                found.append(Span(target, 0, 0))
        if isinstance(fact, GetFile) and exists(fact.name):
            found.append(Span(fact.name, 0, 0))
    if word:
        below = posixpath.normpath(posixpath.join(posixpath.dirname(path), word))
        if below != path and ("/" in word or "." in word) and exists(below):
            found.append(Span(below, 0, 0))
        found += [fact.span for fact in reading.facts if fact.name == word and not _holds(fact.span, path, at) and _defines(fact)]
    found += [related.span for finding in findings_at(report, path, at, at) for related in finding.related]
    found += _unit_of(reading, path)
    return list(dict.fromkeys(found))


def _defines(fact: Fact) -> bool:
    return fact.kind in ("resource", "unit", "role", "node", "environment", "template")


def _holds(span: Span, path: str, at: int) -> bool:
    return span.path == path and span.start <= at <= span.end


def _unit_of(reading: Reading, path: str) -> Iterator[Span]:
    """Yield the file of the unit that a drop-in belongs to."""
    for fact in reading.facts:
        fragment = getattr(fact, "fragment", "")
        if path in getattr(fact, "drop_ins", ()) and fragment in reading.input.sources:
            yield Span(fragment, 0, 0)


def _word(source: Source, at: int) -> str:
    """Return the word around an offset: a name, a path, an alias."""
    line = source.position(at).line
    start = source.line_starts()[line - 1]
    text = source.line(line)
    return next((match[0] for match in _WORD.finditer(text) if start + match.start() <= at <= start + match.end()), "")


def exception_for(found: Finding, report: Report) -> Replace | None:
    """Return the edit that allows a finding in its file: a comment above its line, whose reason is yet to be written.

    None where files of its kind have no comments, or where a comment would stand inside a value.
    """
    source = report.sources.get(found.span.path)
    kind = KINDS.get(source.kind) if source is not None else None
    if source is None or kind is None or kind.comments is None or not source.text:
        return None
    line = source.position(found.span.start).line
    start = source.line_starts()[line - 1] + (1 if line == 1 and source.text[:1] == "\ufeff" else 0)
    text = source.line(line)
    blank = text[: len(text) - len(text.lstrip())] if kind.comments.indented else ""
    mark = kind.comments.marks[:1]
    words = f"lwlint: allow {found.code}"
    comment = f"{blank}<!-- {words} because: -->\n" if mark == "<" else f"{blank}{mark} {words} -- because:\n"
    return Replace(Span(source.path, start, start), comment)


def counts(report: Report, path: str) -> str:
    """Return how many findings a file has, by severity, worst first; empty where it has none."""
    own = [found.severity for found in report.findings if found.span.path == path and found.allowed is None]
    told = [(own.count(severity), severity) for severity in reversed(SEVERITIES)]
    return ", ".join(counted(number, word) for number, word in told if number)
