"""The findings of all hosts of a cluster, as one list: what several hosts have alike is told once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from lwlint.audit.answer import Found, Place
from lwlint.audit.commands import mending
from lwlint.finding import SEVERITIES, Finding
from lwlint.kinds import CIB, CONTAINER
from lwlint.named import NamedTuple
from lwlint.secret import masked, masked_at
from lwlint.source import Source, Span

LONGEST, LONGEST_MESSAGE = 200, 2000  # characters of a line, and of a message, that are shown
_BEFORE = 4000  # more characters that are looked at for secrets


class Seen(NamedTuple):
    """A finding, and the host that it was found on."""

    host: str
    finding: Finding


def folded(seen: Iterable[Seen], sources: Mapping[str, Source], shown: Mapping[str, str]) -> Iterator[Found]:
    """Yield the findings by clause, severity, code and place. `shown` has the path to show for a first part that is no host's name."""
    alike: dict[tuple[object, ...], list[Seen]] = {}
    for one in seen:
        f = one.finding
        message = told(f.message, one.host).replace(f"{one.host}:", "")
        alike.setdefault((f.code, f.severity, message, f.subject, f.allowed is None), []).append(one)
    hosts = frozenset(one.host for group in alike.values() for one in group)
    found = [_one(group, sources, shown, hosts) for group in alike.values()]
    yield from sorted(found, key=lambda f: (-SEVERITIES.index(f.severity), f.code, f.places[0].path, f.places[0].line, f.message))


def _one(group: list[Seen], sources: Mapping[str, Source], shown: Mapping[str, str], hosts: Collection[str]) -> Found:
    first = group[0].finding
    spans = list(dict.fromkeys(one.finding.span for one in group))
    source = sources.get(first.span.path)
    if source is not None and source.kind == CIB:
        spans = spans[:1]  # the others are copies of one CIB
    return Found(
        code=first.code,
        rule=first.rule,
        severity=first.severity,
        clause=first.clause,
        message=told(first.message, group[0].host),
        subject=masked(first.subject),
        hosts=tuple(dict.fromkeys(one.host for one in group if one.host)),
        places=tuple(place(span, sources, shown, hosts) for span in spans),
        related=tuple((place(r.span, sources, shown, hosts), told(r.message, group[0].host)) for r in first.related),
        remedy=masked(first.remedy),
        allowed=None if first.allowed is None else masked(first.allowed),
        commands=tuple(dict.fromkeys((on, masked(line)) for one in group for on, line in mending(one.finding, one.host, sources))),
    )


def told(message: str, host: str) -> str:
    """Return a message as it is shown: without secrets, and with the host in front of its paths as in `host:path`."""
    message = message[: LONGEST_MESSAGE + _BEFORE]
    return masked(re.sub(rf"(?<![\w./-]){re.escape(host)}/", f"{host}:", message) if host else message)[:LONGEST_MESSAGE]


def _line(source: Source, line: int, span: Span) -> str:
    """Return a line as it is shown; of one that holds all of a container, its environment too, only what is meant."""
    whole = source.line(line)
    if source.kind == CONTAINER and len(whole) > LONGEST:
        return masked(source.text[span.start : span.end])[:LONGEST]
    return masked_at(lambda n: source.line(n)[: LONGEST + _BEFORE], line).strip()[:LONGEST]


def place(span: Span, sources: Mapping[str, Source], shown: Mapping[str, str], hosts: Collection[str] = ()) -> Place:
    """Return a span as a place to show. A template has no root of its own, but one of the `hosts` is the first of its path."""
    source = sources.get(span.path)
    line, column = source.position(span.start) if source is not None else (1, 1)
    text = _line(source, line, span) if source is not None else ""
    host, slash, below = span.path.partition("/")
    if host in shown:
        return Place("", shown[host], line, column, text)
    own = source is not None and (source.root.startswith(f"{host}/") or (not source.root and host in hosts))
    if not slash or not own:
        return Place("", span.path, line, column, text)
    return Place(host, below, line, column, text)
