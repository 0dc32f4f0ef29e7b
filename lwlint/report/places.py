"""What every format needs of a report: findings in their order, places in lines and columns, text that is safe to print."""

from __future__ import annotations

import json
import re
from typing import Any

from lwlint.finding import Finding, Report
from lwlint.named import NamedTuple
from lwlint.report.text import safe
from lwlint.source import Span

_SURROGATE = re.compile("[\ud800-\udfff]")
_BREAK = re.compile(r"\s*[\r\n]\s*")


class Region(NamedTuple):
    """A span as line and column of its start and of its end (from 1, in characters, end excluded)."""

    line: int
    column: int
    end_line: int
    end_column: int


def region(span: Span, report: Report) -> Region | None:
    """Return where the span is in its source, or None where the report does not hold that source."""
    source = report.sources.get(span.path)
    return None if source is None else Region(*source.position(span.start), *source.position(span.end))


def spot(span: Span, report: Report) -> str:
    """Return `path:line:column`, or the path alone where there is no line."""
    found = region(span, report)
    return one_line(span.path) if found is None else f"{one_line(span.path)}:{found.line}:{found.column}"


def ordered(report: Report) -> list[Finding]:
    """Return the findings by path, offset, code, host and message, whatever order the report has them in."""
    return sorted(report.findings, key=lambda f: (f.span, f.code, f.host, f.message, f.subject))


def said(finding: Finding) -> str:
    """Return the message in one line, with the reason where it is allowed."""
    because = f" (allowed: {one_line(finding.allowed)})" if finding.allowed is not None else ""
    return one_line(finding.message) + because


def one_line(text: str) -> str:
    """Return `text` in one line, without characters that would steer a terminal or a log."""
    return safe(_BREAK.sub(" ", text.strip()))


def lines(text: str) -> list[str]:
    """Return the lines of `text`, a remedy for one, as safe as `one_line` makes them."""
    return [safe(line.rstrip()) for line in text.strip().splitlines()]


def as_json(plain: Any) -> str:
    """Return plain values as a JSON document with a final line break."""
    return encodable(json.dumps(plain, indent=1, ensure_ascii=False)) + "\n"


def encodable(text: str) -> str:
    """Return `text` with U+FFFD for what UTF-8 cannot hold (bytes of a file's name that were not UTF-8)."""
    return _SURROGATE.sub("\ufffd", text)
