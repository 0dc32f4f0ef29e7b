"""Rules as `pcs config` prints them -> the elements of the CIB that they are of.

Sources: pcs 0.9.158 to 0.11.5, `pcs/rule.py` (`ExportDetailed`); since 0.11.6 `pcs/cli/rule.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lwlint.parse.pcs_lines import Block, Written, pairs
from lwlint.source import Source, Text

RULE = re.compile(r"Rule(?: \((?:expired|not yet in effect)\))?:")
_ID = re.compile(r"\(id: ?(?P<id>[^()\s]+)\)$")
_UNARY = re.compile(r"(?P<operation>defined|not_defined) (?P<attribute>\S+)$")
_DATE = re.compile(
    r"date (?:(?P<operation>gt|lt) (?P<moment>\S+)"
    r"|(?P<range>in_range)(?: (?P<start>(?!to\b|duration\b)\S+))?(?: to)?(?: (?P<end>(?!duration\b)\S+))?(?: duration)?)$"
)
_BINARY = re.compile(
    r"(?P<attribute>\S+) (?P<operation>eq|ne|lt|gt|lte|gte)(?: (?P<type>string|integer|number|version))? (?P<value>\"[^\"]*\"|.+)$"
)
_OF_OBJECT = re.compile(r"(?P<what>resource|op) (?P<rest>.+)$")


def rule(source: Source, block: Block) -> Written:
    """Return the rule whose line `block` is (`Rule: score=0 (id:x)`), with what is below it."""
    head = RULE.match(block.value)
    found: dict[str, Text | None] = dict(pairs(block, head.end() if head is not None else 0))
    found["id"] = _id(block)
    return Written("rule", source, block.words.span, found).has(_inside(source, block))


def _inside(source: Source, block: Block) -> Iterator[Written]:
    for child in block.below:
        if RULE.match(child.value):
            yield rule(source, child)
        elif child.value.startswith("Expression:"):
            yield _expression(source, child)


def _id(block: Block) -> Text | None:
    match = _ID.search(block.value)
    return block.group(match, "id") if match is not None else None


def _expression(source: Source, block: Block) -> Written:
    marked = _ID.search(block.value)
    words = block.value[len("Expression:") : marked.start() if marked is not None else None]
    start = len("Expression:") + len(words) - len(words.lstrip())
    inner = Block(block.part(start, start + len(words.strip())), block.indent)
    known: dict[str, Text | None] = {"id": _id(block)}
    if any(child.value.startswith("Date Spec:") for child in block.below):
        known["operation"] = Text("date_spec", block.words.span)
        return Written("date_expression", source, block.words.span, known)
    date = _DATE.match(inner.value)
    if date is not None:
        return _date(source, block, inner, date, known)
    unary = _UNARY.match(inner.value)
    if unary is not None:
        known.update({name: inner.group(unary, name) for name in ("operation", "attribute")})
        return Written("expression", source, block.words.span, known)
    binary = _BINARY.match(inner.value)
    if binary is not None:
        known.update({name: inner.group(binary, name) for name in ("attribute", "operation", "type", "value")})
        value = known["value"]
        if value is not None and value.value[:1] == value.value[-1:] == '"':
            known["value"] = inner.part(binary.start("value") + 1, binary.end("value") - 1)
        return Written("expression", source, block.words.span, known)
    # an expression on a resource's agent or an operation: what it comes to is not known here, so it does not hold
    tag = "op_expression" if _OF_OBJECT.match(inner.value) and inner.value.startswith("op ") else "rsc_expression"
    return Written(tag, source, block.words.span, known)


def _date(source: Source, block: Block, inner: Block, date: re.Match[str], known: dict[str, Text | None]) -> Written:
    if date["range"] is None:
        known["operation"] = inner.group(date, "operation")
        known["start" if date["operation"] == "gt" else "end"] = inner.group(date, "moment")
    else:
        known.update({"operation": inner.group(date, "range"), "start": inner.group(date, "start"), "end": inner.group(date, "end")})
    found = Written("date_expression", source, block.words.span, known)
    spans = [child for child in block.below if child.value.startswith("Duration:")]
    return found.has(Written("duration", source, child.words.span, pairs(child, len("Duration:"))) for child in spans)
