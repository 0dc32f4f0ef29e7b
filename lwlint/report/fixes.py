"""What `lwlint fix` did or would do, in lines and as a unified diff; and where the fix of a finding comes to stand."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from lwlint.core.finding import Finding, Replace, Report
from lwlint.core.harmless import count_of, escape_json, is_harmless, safe, tame
from lwlint.core.lazy import pattern
from lwlint.core.source import Source, Span
from lwlint.files.tree import checkout
from lwlint.policy.redaction import Redaction
from lwlint.run.fix import NoPlace, edits

if TYPE_CHECKING:
    from lwlint.run.fix import Outcome


_SURROGATE = pattern("[\ud800-\udfff]")
_BYTES = pattern("[\udc80-\udcff]+")  # as Python has the bytes of a name that the locale does not read
_BREAK = pattern(r"\s*[\r\n]\s*")


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


def order(report: Report) -> list[Finding]:
    """Return the findings by path, offset, code, host and message, whatever order the report has them in."""
    return sorted(report.findings, key=lambda f: (f.span, f.code, f.host, f.message, f.subject))


def say(finding: Finding) -> str:
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
    return escape_json(encodable(json.dumps(plain, indent=1, ensure_ascii=False))) + "\n"


LISTED = "\0listed"  # stands in a document for what `stream` puts there


def stream(document: Any, items: Iterable[Any]) -> Iterator[str]:
    """Yield a JSON document as `as_json` writes it, with the list of the `items` in the place of `LISTED`, one after the other."""
    whole = as_json(document)
    head, mark, tail = whole.partition(json.dumps(LISTED))
    assert mark
    yield head
    indent = "\n" + " " * (len(line := head[head.rindex("\n") + 1 :]) - len(line.lstrip(" ")))
    first = True
    for item in items:
        yield ("[" if first else ",") + indent + " " + as_json(item).rstrip("\n").replace("\n", indent + " ")
        first = False
    yield ("[]" if first else indent + "]") + tail


def encodable(text: str) -> str:
    """Return `text` with U+FFFD for what UTF-8 cannot hold (bytes of a file's name that were not UTF-8)."""
    return _SURROGATE.sub("\ufffd", decode_names(text))


def decode_names(text: str) -> str:
    """Return `text` in which names of files are UTF-8 where their bytes are, also those that the locale could not read."""
    return _BYTES.sub(lambda match: os.fsencode(match.group()).decode("utf-8", "surrogateescape"), text)


_AROUND = 3  # lines around a change
_LINE = pattern(r"[^\n]*\n|[^\n]+")


def tell(outcome: Outcome, *, done: bool) -> str:
    """Return what was fixed (or would be, if not `done`), what was not and why, and one line for it all."""
    lines = []
    for fixed in outcome.fixed:
        found = fixed.finding
        assert found.fix is not None
        lines.append(f"{one_line(found.span.path)}:{fixed.position.line}:{fixed.position.column} {found.code} {one_line(found.fix.what)}")
    for found, because in outcome.left:
        lines.append(f"{spot(found.span, outcome.report)} {found.code} not fixed: {one_line(because)}")
    lines.append(_summary(outcome, done))
    return encodable(tame("".join(f"{line}\n" for line in lines)))


def _summary(outcome: Outcome, done: bool) -> str:
    remaining = Counter(f.severity for f in outcome.report.findings if f.allowed is None)
    parts = [f"{len(outcome.fixed)} fixed in {count_of(len(outcome.files), 'file')}" if done else f"{len(outcome.fixed)} would be fixed"]
    parts.append(f"{sum(remaining.values())} left")
    if outcome.unsafe:
        parts.append(f"{len(outcome.unsafe)} of them fixed by `--unsafe`")
    if outcome.left:
        parts.append(f"{len(outcome.left)} not fixable here")
    return ", ".join(parts)


def diff(outcome: Outcome, *, secrets: bool = False) -> tuple[str, tuple[str, ...]]:
    """Return the changes as a unified diff that `patch -p1` takes, and the paths of those that are not in it.

    A diff has to be true to be applied, so nothing in it is masked. Unless `secrets` are wanted, a file's changes have as many lines around
    them as hold no secret (none at all: `git apply` then takes them with `--unidiff-zero`), and a file in which a changed line
    itself holds one is left out; and so with what would steer a terminal or a CI runner.
    """
    pieces = ""
    left_out: list[str] = []
    named = name_in_diff(outcome.files)
    for path, (before, after) in outcome.files.items():
        if not secrets and not is_harmless(_name(path)):
            left_out.append(path)
            continue
        old, new = [] if before is None else _lines(before), _lines(after)
        hidden = frozenset() if secrets else _secret(path, old, outcome) | _secret(path, new, outcome) | _steering(old) | _steering(new)
        found = write_diff(named[path], before, after, hidden)
        pieces += found
        left_out += [] if found else [path]
    return pieces, tuple(left_out)


def name_in_diff(paths: Iterable[str]) -> dict[str, str]:
    """Return the names of files in a diff: where one lies outside of the current folder, all are told from the top of the checkout.

    Without a checkout they are told from the nearest folder that the current one and all of them lie in: neither `git apply` nor `patch`
    takes a name with `..` in it.
    """
    every = tuple(paths)
    up = max((path.split("/").count("..") for path in every), default=0)
    if not up:
        return {path: path for path in every}
    top = checkout(os.getcwd())
    if top is None or any(os.path.relpath(path, top).startswith("../") for path in every):
        top = os.path.abspath("../" * up)
    return {path: os.path.relpath(path, top) for path in every}


def write_diff(path: str, before: bytes | None, after: bytes, hidden: frozenset[str] = frozenset()) -> str:
    """Return the change of a file (None: it is new) as a unified diff that `git apply` and `patch -p1` take.

    It has as much context as has none of the `hidden` lines, and is empty where a changed line is one.
    """
    old, new = [] if before is None else _lines(before), _lines(after)
    for around in range(_AROUND, -1, -1):
        found = list(difflib.unified_diff(old, new, "/dev/null" if before is None else _name(f"a/{path}"), _name(f"b/{path}"), n=around))
        if not any(line[1:] in hidden for line in found[2:] if not line.startswith("@@")):
            return "".join(piece if piece.endswith("\n") else f"{piece}\n\\ No newline at end of file\n" for piece in found)
    return ""


def _secret(path: str, lines: list[str], outcome: Outcome) -> frozenset[str]:
    """Return the lines of the file that hold a secret, or a part of one."""
    judged = outcome.report.sources.get(path)
    source = Source(path, "".join(lines), judged.kind if judged is not None else "")
    redaction = Redaction({**outcome.report.sources, path: source})
    shown, at = redaction.text(source), 0
    hidden = set()
    for line in lines:
        if shown[at : at + len(line)] != line:
            hidden.add(line)
        at += len(line)
    return frozenset(hidden)


def _steering(lines: list[str]) -> frozenset[str]:
    """Return the lines that would steer the terminal or the CI runner that they are shown on."""
    return frozenset(line for line in lines if not is_harmless(line))


def _name(path: str) -> str:
    """Return a path as git writes it in a diff: in quotes if it holds what would not be read back, with a tab behind one with blanks."""
    data = path.encode("utf-8", "surrogateescape")
    if path.isprintable() and not re.search(r'["\\]', path):
        return f"{path}\t" if " " in path else path
    return '"' + "".join(chr(b) if 31 < b < 127 and b not in b'"\\' else f"\\{b:03o}" for b in data) + '"'


def _lines(data: bytes) -> list[str]:
    return _LINE.findall(data.decode("utf-8", "replace"))


def certain(finding: Finding, report: Report) -> tuple[Replace, ...]:
    """Return the edits of a finding's fix; none if it has no fix, is allowed, or its file does not have the place for one."""
    if finding.fix is None or finding.allowed is not None:
        return ()
    try:
        found = edits(finding.fix, report.sources)
    except NoPlace:
        return ()
    return found if all(_is_judged(report.sources.get(edit.span.path)) for edit in found) else ()


def _is_judged(source: Source | None) -> bool:
    return source is None or source.judged
