"""The report for a person: grouped by file, each finding with its line, the remedies once, the summary last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from lwlint.core.costs import Costs
from lwlint.core.finding import BROKEN, FAIL, KNOWN, NOT_EVALUATED, PASS, Finding, Report
from lwlint.core.harmless import line as harmless
from lwlint.core.harmless import safe
from lwlint.core.source import Source, Span
from lwlint.policy.redaction import Redaction


def render_costs(costs: Costs, whole: float) -> str:
    """Return a line for each reader and each rule, dearest first, with its share of the `whole` (seconds), and what is left."""
    lines = [f"{'ms':>9}  {'share':>6}  part"]
    for part in ("reader", "rule"):
        spent = sorted(((seconds, name) for (kind, name), seconds in costs.spent.items() if kind == part), reverse=True)
        lines += [_line(seconds, whole, f"{part} {name}") for seconds, name in spent]
    rest = whole - sum(costs.spent.values())
    return "\n".join([*lines, _line(rest, whole, "all else: loading lwlint and its rules, the report"), _line(whole, whole, "the run"), ""])


def _line(seconds: float, whole: float, what: str) -> str:
    return f"{seconds * 1000:9.1f}  {seconds / whole if whole else 0:6.1%}  {what}"


def summary(report: Report) -> str:
    """Return `12 pass, 1 fail, 3 not evaluated (no CIB was given), 2 allowed, 4 left out`, counted in rules, findings and files.

    What is left out (a file that is no input, a folder that holds none) is counted where there is any; `-v` tells why.
    """
    parts = [f"{report.count(PASS)} pass", f"{report.count(FAIL)} fail"]
    reasons = Counter(v.because for v in report.verdicts if v.outcome == NOT_EVALUATED)
    said = "; ".join(reason for reason, _ in reasons.most_common()[:3]) + ("; ..." if len(reasons) > 3 else "")
    parts.append(f"{report.count(NOT_EVALUATED)} not evaluated" + (f" ({said})" if said else ""))
    if report.count(BROKEN):
        parts.append(f"{report.count(BROKEN)} BROKEN ({', '.join(v.rule for v in report.verdicts if v.outcome == BROKEN)})")
    parts.append(f"{report.allowed} allowed")
    if report.skipped:
        parts.append(f"{len(report.skipped)} left out")
    return ", ".join(parts)


Line = list[tuple[str, str]]  # pieces of one line: text, and the style of it (empty for plain)
_STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}
_NOTES = 5  # of one rule that are shown, and allowed findings of one
_RELATED = 5  # places that are shown of one finding
_WIDTH = 140  # of a source line as it is shown; a longer one is cut around the span


def render(report: Report, *, colour: bool = False, verbose: bool = False) -> str:
    """Return the report as text with a final line break; `verbose` adds verdicts, skipped paths and the release."""
    return _coloured(list(_lines(report, verbose))) if colour else "".join(pieces(report, verbose=verbose))


def pieces(report: Report, *, verbose: bool = False) -> Iterator[str]:
    """Yield the report without colours line by line."""
    return (harmless("".join(text for text, _ in line).rstrip()) + "\n" for line in _lines(report, verbose))


def _coloured(lines: list[Line]) -> str:
    import io

    from rich.console import Console
    from rich.text import Text

    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system="standard", highlight=False, soft_wrap=True, legacy_windows=False)
    for line in lines:
        pieces = [(safe(text), style) for text, style in line]
        whole = "".join(text for text, _ in pieces)
        console.print(Text.assemble(*([("\ufffd", "")] if harmless(whole) != whole else []), *pieces))
    return out.getvalue()


def _lines(report: Report, verbose: bool) -> Iterator[Line]:
    redaction = Redaction(report.sources)
    shown, left_out = _chosen(report, verbose)
    hosts: dict[str, str] = {}
    for each in report.findings:
        hosts.setdefault(each.span.path, each.host)
    for path, findings in groupby(shown, key=lambda f: f.span.path):
        yield [(safe(path), "bold"), (f"  ({safe(hosts[path])})" if hosts[path] else "", "dim")]
        for finding in findings:
            yield from _finding(finding, report, len(finding.related) if verbose else _RELATED, redaction)
        yield []
    for (code, rule), count in sorted(left_out.items()):
        yield [(f"{count} more notes of {code} {rule} (`-v` shows them)", "dim")]
    yield from [[]] if left_out else []
    yield from _remedies(report)
    yield from _verdicts(report) if verbose else _allowed(report)
    yield [(safe(summary(report)), "bold")]


def _chosen(report: Report, verbose: bool) -> tuple[list[Finding], Counter[tuple[str, str]]]:
    """Return the findings to show, and how many notes of each rule are left out: a hundred alike would hide the rest."""
    shown: list[Finding] = []
    seen: Counter[tuple[str, str]] = Counter()
    left_out: Counter[tuple[str, str]] = Counter()
    for finding in report.findings:
        rule = (finding.code, finding.rule)
        if finding.allowed is not None and not verbose:
            continue
        seen[rule] += finding.severity == "note"
        if finding.severity == "note" and seen[rule] > _NOTES and not verbose:
            left_out[rule] += 1
        else:
            shown.append(finding)
    return shown, left_out


def _finding(finding: Finding, report: Report, most: int, redaction: Redaction) -> Iterator[Line]:
    source = report.sources.get(finding.span.path)
    line, column = source.position(finding.span.start) if source is not None else (1, 1)
    allowed = f" (allowed: {safe(finding.allowed)})" if finding.allowed is not None else ""
    yield [
        (f"  {line}:{column} ", ""),
        (finding.severity, _STYLES[finding.severity]),
        (f" {finding.code} {finding.rule}", "bold"),
        (allowed, "dim"),
    ]
    yield [(f"    {safe(finding.message)}", "")]
    if source is not None:
        yield from _excerpt(finding.span, source, redaction)
    for related in finding.related[:most]:
        yield [(f"    {_place(related.span, report)} {safe(related.message)}", "dim")]
    if len(finding.related) > most:
        yield [(f"    and {len(finding.related) - most} more (`-v` shows them)", "dim")]


def _place(span: Span, report: Report) -> str:
    source = report.sources.get(span.path)
    line, column = source.position(span.start) if source is not None else (1, 1)
    return f"{safe(span.path)}:{line}:{column}"


def _excerpt(span: Span, source: Source, redaction: Redaction) -> Iterator[Line]:
    """Yield the line on which the span starts, and a line that underlines it; nothing for an empty file."""
    number, column = source.position(span.start)
    text = redaction.line(source, number)
    if not text.strip():
        return
    start = column - 1
    length = max(1, min(span.end - span.start, len(text) - start))
    if len(text) > _WIDTH:
        first = max(0, min(start - 20, len(text) - _WIDTH))
        text, start = text[first : first + _WIDTH], start - first
    before, marked = safe(text[:start]), safe(text[start : start + length])
    label = str(number)
    yield [(f"    {label} | ", "dim"), (safe(text), "")]
    yield [(f"    {' ' * len(label)} | ", "dim"), (" " * _cells(before), ""), ("^" * max(1, _cells(marked)), "bold red")]


def _cells(text: str) -> int:
    """Return how many cells of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    import unicodedata

    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(1 for c in text if unicodedata.combining(c))


def _remedies(report: Report) -> Iterator[Line]:
    said: dict[tuple[str, str, str], None] = {}
    for finding in report.findings:
        if finding.allowed is None:
            said.setdefault((finding.code, finding.rule, finding.remedy), None)
    if said:
        yield [("What to do", "bold")]
    for code, rule, remedy in sorted(said):
        first, *rest = remedy.splitlines() or [""]
        yield [(f"  {code} {rule}: ", "bold"), (first, "")]
        yield from ([(f"    {line}", "")] for line in rest)
    if said:
        yield []


def _allowed(report: Report) -> Iterator[Line]:
    """Yield a line for each allowed finding, not those of a baseline, which are but counted; of one rule no more than some."""
    found = [finding for finding in report.findings if finding.allowed not in (None, KNOWN)]
    if not found:
        return
    yield [("Allowed", "bold")]
    seen: Counter[tuple[str, str]] = Counter()
    for finding in found:
        seen[finding.code, finding.rule] += 1
        if seen[finding.code, finding.rule] <= _NOTES:
            place = _place(finding.span, report)
            yield [(f"  {place} {finding.code} {finding.rule}: ", ""), (safe(finding.allowed or ""), "dim")]
    for (code, rule), count in sorted(seen.items()):
        if count > _NOTES:
            yield [(f"  {count - _NOTES} more of {code} {rule} (`-v` shows them)", "dim")]
    yield []


def _verdicts(report: Report) -> Iterator[Line]:
    for path, because in report.skipped:
        yield [(f"skipped {safe(path)}: {safe(because)}", "dim")]
    yield [(f"release: {report.release or 'unknown'}" + (f" ({safe(report.release_because)})" if report.release_because else ""), "")]
    for verdict in report.verdicts:
        style = "bold red" if verdict.outcome == BROKEN else ""
        yield [
            (f"{verdict.code} {verdict.rule}: {verdict.outcome}", style),
            (f" ({safe(verdict.because)})" if verdict.because else "", "dim"),
        ]
