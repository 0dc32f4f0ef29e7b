"""The report for a person: grouped by file, each finding with its line, the remedies once, the summary last."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from msgspec import Struct

from lwlint.core.finding import BROKEN, FAIL, KNOWN, NOT_EVALUATED, PASS, SEVERITIES, Finding, Report
from lwlint.core.harmless import count_of, safe
from lwlint.core.harmless import line as harmless
from lwlint.core.lazy import pattern
from lwlint.core.secret import mask_secrets
from lwlint.core.source import Source, Span, beginning
from lwlint.policy.redaction import Redaction
from lwlint.run.engine import Costs


def render_costs(costs: Costs, whole: float) -> str:
    """Return a line for each reader and each rule, dearest first, with its share of the `whole` (seconds), and what is left."""
    lines = [f"{'ms':>9}  {'share':>6}  part"]
    for part in ("reader", "rule"):
        spent = sorted(((seconds, name) for (of, name), seconds in costs.spent.items() if of == part), reverse=True)
        lines += [_line(seconds, whole, f"{part} {name}") for seconds, name in spent]
    rest = whole - sum(costs.spent.values())
    return "\n".join([*lines, _line(rest, whole, "all else: loading lwlint and its rules, the report"), _line(whole, whole, "the run"), ""])


def _line(seconds: float, whole: float, what: str) -> str:
    return f"{seconds * 1000:9.1f}  {seconds / whole if whole else 0:6.1%}  {what}"


def summary(report: Report) -> str:
    """Return `12 pass, 1 fail, 3 not evaluated (no CIB was given), 2 allowed, 4 left out`, counted in rules, findings and files.

    What is left out (a file that is no input, a folder that holds none) is counted where there is any; `-v` tells why.
    """
    reasons = Counter(v.because for v in report.verdicts if v.outcome == NOT_EVALUATED)
    return _outcomes(report, "; ".join(reason for reason, _ in reasons.most_common()[:3]) + ("; ..." if len(reasons) > 3 else ""))


def verdicts(report: Report, *, hook: bool = False) -> str:
    """Return what the rules came to, as `summary` does, with the number of rules behind each of a few reasons for not evaluating them.

    A `hook` sees a part of what there is each time: there nothing is said of what was not evaluated.
    """
    return _outcomes(report, None if hook else _group([v.because for v in report.verdicts if v.outcome == NOT_EVALUATED]))


def _outcomes(report: Report, blind: str | None) -> str:
    """Return the counts of a report; `blind` says why rules were not evaluated, None that neither this nor what is left out is told."""
    parts = [f"{report.count(PASS)} pass", f"{report.count(FAIL)} fail"]
    if blind is not None:
        parts.append(f"{report.count(NOT_EVALUATED)} not evaluated" + (f" ({blind})" if blind else ""))
    if report.count(BROKEN):
        parts.append(f"{report.count(BROKEN)} BROKEN ({', '.join(v.rule for v in report.verdicts if v.outcome == BROKEN)})")
    parts.append(f"{report.allowed} allowed")
    if report.skipped and blind is not None:
        parts.append(f"{len(report.skipped)} left out")
    return ", ".join(parts)


def total(report: Report, fixable: int = 0) -> str:
    """Return `182 errors, 1 warning in 41 files; 43 can be fixed (lwlint fix)`: findings that are not allowed, and the files of them."""
    found = [finding for finding in report.findings if finding.allowed is None]
    if not found:
        return f"no findings in {count_of(sum(source.judged for source in report.sources.values()), 'file')}"
    counts = Counter(finding.severity for finding in found)
    for (_, severity), count in report.unlisted.items():
        counts[severity] += count
    said = ", ".join(count_of(counts[severity], severity) for severity in reversed(SEVERITIES) if counts[severity])
    fixes = f"; {fixable} can be fixed (lwlint fix)" if fixable else ""
    return f"{said} in {count_of(len({finding.span.path for finding in found}), 'file')}{fixes}"


def _group(reasons: Sequence[str]) -> str:
    """Return the reasons in one line: a few with the number of rules that each is for, and how many rules have others."""
    counts = Counter(reasons)
    if len(counts) == 1:
        return reasons[0]
    if len(counts) <= _REASONS:
        return "; ".join(f"{reason}: {count}" if count > 1 else reason for reason, count in counts.most_common())
    common = [(reason, count) for reason, count in counts.most_common()[:_REASONS] if count > 1]
    rest = len(reasons) - sum(count for _, count in common)
    said = [f"{reason}: {count}" for reason, count in common]
    if rest:
        said.append(f"{'other reasons' if common else 'each for its own reason'}: {rest}, `-v` tells")
    return "; ".join(said)


Line = list[tuple[str, str]]  # pieces of one line: text, and the style of it (empty for plain)
_STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}
_NOTES = 5  # of one rule that are shown, and allowed findings of one
_RELATED = 5  # places that are shown of one finding
_WIDTH = 140  # of a source line as it is shown; a longer one is cut around the span
_REASONS = 3  # for not evaluating rules that are told
_FINDINGS = 50  # that are listed on a terminal
_COMMANDS = 3  # that are shown of one finding
_NARROW = 40  # cells; no line is fit into less
# the form of messages: *subject: place is actual; it must be expected*
_MUST_BE = pattern(r"`([^`\s]+)` is (?:not set|`[^`]*`)(?: [^;]*)?; (?:it|they) must be (`[^`\s]+`(?: or `[^`\s]+`)*)")


def render(report: Report, **how: Any) -> str:
    """Return the report as text with a final line break, in one piece; `how` is what `pieces` takes."""
    return "".join(pieces(report, **how))


def pieces(
    report: Report,
    *,
    colour: bool = False,
    verbose: bool = False,
    width: int = 0,
    limit: int | None = None,
    every: bool = False,
    hook: bool = False,
    fixable: Collection[tuple[str, Span]] = (),
) -> Iterable[str]:
    """Return the report as text, with a final line break, in pieces; `verbose` adds verdicts, skipped paths and the release.

    Of the findings the first `limit` are listed, severest first; on a terminal, which has lines of `width` cells, some if there is no
    limit, and `every` one if that is asked for. `fixable` are those that `lwlint fix` can fix, by fingerprint and place; `hook` tells that
    a hook asked.
    """
    if every:
        limit = None
    elif limit is None and width:
        limit = _FINDINGS
    view = _View(report, verbose, every or verbose, limit, max(width, _NARROW) if width else 0, hook, fixable)
    lines = (piece for line in view.lines() for piece in _fit(line, view.width)) if view.width else view.lines()
    return [_colour(list(lines))] if colour else (harmless("".join(text for text, _ in line).rstrip()) + "\n" for line in lines)


def _colour(lines: list[Line]) -> str:
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


def _fit(line: Line, width: int) -> Iterator[Line]:
    """Yield the line in as many as it takes for each to have no more cells than `width`, broken at blanks where that is possible."""
    pieces = [(safe(text), style) for text, style in line]
    whole = "".join(text for text, _ in pieces)
    if _cells(whole) <= width:
        yield line
        return
    indent = " " * min(len(whole) - len(whole.lstrip()) + 2, width // 2)
    at, room = 0, width
    row: Line = []
    for text, style in pieces:
        for word in _WORD.findall(text):
            if at + _cells(word.rstrip()) > room and at > (len(indent) if row and row[0][0] == indent else 0):
                yield [*row[:-1], (row[-1][0].rstrip(), row[-1][1])]
                row, at = [(indent, "")], len(indent)
            while at + _cells(word.rstrip()) > room:
                end = next(n for n in range(len(word), 0, -1) if at + _cells(word[:n]) <= room or n == 1)
                yield [*row, (word[:end], style)]
                word, row, at = word[end:], [(indent, "")], len(indent)
            row.append((word, style))
            at += _cells(word)
    yield [*row[:-1], (row[-1][0].rstrip(), row[-1][1])]


_WORD = pattern(r"\s*\S+\s*|\s+")


class _View(Struct, frozen=True):
    """How much of a report is shown: `notes` tells that all of one rule are, `width` is that of a terminal or 0."""

    report: Report
    verbose: bool
    notes: bool
    limit: int | None
    width: int
    hook: bool
    fixable: Collection[tuple[str, Span]]

    def lines(self) -> Iterator[Line]:
        """Yield the report line by line."""
        report = self.report
        redaction = Redaction(report.sources)
        found, left_out = _choose(report, self.verbose, self.notes)
        shown = found if self.limit is None else found[: self.limit]
        hosts: dict[str, str] = {}
        for each in report.findings:
            hosts.setdefault(each.span.path, each.host)
        for path, findings in groupby(shown, key=lambda f: f.span.path):
            yield [(safe(path), "bold"), (f"  ({safe(hosts[path])})" if hosts[path] else "", "dim")]
            for finding in findings:
                yield from _finding(finding, report, len(finding.related) if self.verbose else _RELATED, redaction, self.width)
            yield []
        if len(shown) < len(found):
            yield [(f"and {len(found) - len(shown) + sum(left_out.values())} more (`--all` shows them)", "bold")]
        else:
            for (code, rule), count in sorted(left_out.items()):
                yield [(f"{count} more notes of {code} {rule} (`-v` shows them)", "dim")]
        yield from [[]] if left_out or len(shown) < len(found) else []
        yield from _remedies(self, shown)
        yield from _verdicts(report) if self.verbose else _list_allowed(report)
        fixable = sum(_key(finding) in self.fixable for finding in report.findings)
        yield [(safe(total(report, fixable)), "bold")]
        yield [(safe(verdicts(report, hook=self.hook)), "bold")]


def _key(finding: Finding) -> tuple[str, Span]:
    return finding.fingerprint, finding.span


def _choose(report: Report, verbose: bool, notes: bool) -> tuple[list[Finding], Counter[tuple[str, str]]]:
    """Return the findings to show, severest first, and how many notes of each rule are left out: a hundred alike would hide the rest.

    Those that are allowed are among them if it is `verbose`, and every note if `notes`.
    """
    shown: list[Finding] = []
    seen: Counter[tuple[str, str]] = Counter()
    left_out: Counter[tuple[str, str]] = Counter()
    for finding in report.findings:
        rule = (finding.code, finding.rule)
        if finding.allowed is not None and not verbose:
            continue
        seen[rule] += finding.severity == "note"
        if finding.severity == "note" and seen[rule] > _NOTES and not notes:
            left_out[rule] += 1
        else:
            shown.append(finding)
    for rule in left_out:
        left_out[rule] += report.unlisted.get((rule[0], "note"), 0)
    shown.sort(key=lambda finding: -SEVERITIES.index(finding.severity))  # within one severity they stay in the order of their places
    return shown, left_out


def _finding(finding: Finding, report: Report, most: int, redaction: Redaction, width: int) -> Iterator[Line]:
    source = report.sources.get(finding.span.path)
    line, column = beginning(finding.span, report.sources)
    allowed = f" (allowed: {safe(finding.allowed)})" if finding.allowed is not None else ""
    yield [
        (f"  {line}:{column} ", ""),
        (finding.severity, _STYLES[finding.severity]),
        (f" {finding.code} {finding.rule}", "bold"),
        (allowed, "dim"),
    ]
    yield [(f"    {safe(finding.message)}", "")]
    if source is not None:
        yield from _excerpt(finding.span, source, redaction, width)
    for related in finding.related[:most]:
        yield [(f"    {_place(related.span, report)} {safe(related.message)}", "dim")]
    if len(finding.related) > most:
        yield [(f"    and {len(finding.related) - most} more (`-v` shows them)", "dim")]


def _place(span: Span, report: Report) -> str:
    line, column = beginning(span, report.sources)
    return f"{safe(span.path)}:{line}:{column}"


def _excerpt(span: Span, source: Source, redaction: Redaction, width: int = 0) -> Iterator[Line]:
    """Yield the line on which the span starts, cut to `width` (0: as is usual), and one that underlines it; nothing for an empty file."""
    number, column = source.position(span.start)
    text = redaction.line(source, number)
    if not text.strip():
        return
    start = column - 1
    length = max(1, min(span.end - span.start, len(text) - start))
    label = str(number)
    room = max(1, min(_WIDTH, width - len(f"    {label} | "))) if width else _WIDTH
    if len(text) > room:
        first = max(0, min(start - min(20, room // 4), len(text) - room))
        text, start = text[first : first + room], start - first
    while width and len(text) > 1 and _cells(safe(text)) > room:  # characters of two cells, and tabs
        first = 1 if start > room // 4 else 0
        text, start = (text[1:], start - 1) if first else (text[:-1], start)
    before, marked = safe(text[:start]), safe(text[start : start + length])
    yield [(f"    {label} | ", "dim"), (safe(text), "")]
    yield [(f"    {' ' * len(label)} | ", "dim"), (" " * _cells(before), ""), ("^" * max(1, _cells(marked)), "bold red")]


def _cells(text: str) -> int:
    """Return how many cells of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    import unicodedata

    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(1 for c in text if unicodedata.combining(c))


def _remedies(view: _View, shown: Sequence[Finding]) -> Iterator[Line]:
    """Yield the remedies of the findings that are shown, each once, with what is to be done at their places."""
    said: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in shown:
        if finding.allowed is None:
            said.setdefault((finding.code, finding.rule, finding.remedy), []).append(finding)
    if said:
        yield [("What to do", "bold")]
    for (code, rule, remedy), findings in sorted(said.items(), key=lambda item: item[0]):
        first, *rest = remedy.splitlines() or [""]
        fixed = _say_fixable(findings, view.fixable)
        end = "" if first.endswith((".", "`")) else "."
        yield [(f"  {code} {rule}: ", "bold"), (first, ""), (f"{end} {fixed}" if fixed and not rest else "", "")]
        yield from ([(f"    {line}", "")] for line in rest)
        if fixed and rest:
            yield [(f"    {fixed}", "")]
        yield from _deeds(view, findings, remedy)
    if said:
        yield []


def _say_fixable(findings: Sequence[Finding], fixable: Collection[tuple[str, Span]]) -> str:
    """Return a sentence that says where `lwlint fix` does what a remedy asks for; empty if it does nowhere."""
    safely = sum(_key(finding) in fixable for finding in findings)
    both = safely + sum(finding.fix is not None and not finding.fix.safe for finding in findings)
    if not both:
        return ""
    command, count = ("`lwlint fix`", safely) if safely else ("`lwlint fix --unsafe`", both)
    part = f" at {count} of {len(findings)} places" if count < len(findings) else ""
    return f"{command} does it{part}" + (f", with `--unsafe` at {both}" if count < both else "") + "."


def _deeds(view: _View, findings: Sequence[Finding], remedy: str) -> Iterator[Line]:
    """Yield what is to be done at each place, equal deeds once with the first place, where the remedy does not say it in these words."""
    places: dict[str, list[Finding]] = {}
    for finding in findings:
        deed = _say_deed(finding, view)
        if deed and deed.lower() not in remedy.lower():
            places.setdefault(deed, []).append(finding)
    for number, (deed, there) in enumerate(places.items()):
        if number == _NOTES and not view.verbose:
            yield [(f"    and {len(places) - number} more (`-v` shows them)", "dim")]
            return
        more = f" and {count_of(len(there) - 1, 'more place')}" if len(there) > 1 else ""
        yield [(f"    {_place(there[0].span, view.report)}{more}: ", "dim"), (safe(deed), "")]


def _say_deed(finding: Finding, view: _View) -> str:
    """Return what is to be done about one finding: the line to put back, the edit, the commands, the key; empty where that is not known."""
    lost = view.report.removed.get(_key(finding))
    if lost is not None:
        return f"put back `{lost.text}`, which the change took away ({lost.path}:{lost.line})"
    if finding.fix is not None and (_key(finding) in view.fixable or not finding.fix.safe):
        return mask_secrets(finding.fix.what)
    if finding.commands:
        lines = [f"`{command.line}`" for command in finding.commands[:_COMMANDS]]
        more = len(finding.commands) - len(lines)
        return ", ".join(lines) + (f" and {count_of(more, 'more command')}" if more else "")
    must = _MUST_BE.search(finding.message) if "` is " in finding.message else None
    return f"set `{must[1]}` to {must[2]}" if must is not None else ""


def _list_allowed(report: Report) -> Iterator[Line]:
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
    for (code, rule), listed in sorted(seen.items()):
        count = listed + report.unlisted.get((code, "allowed"), 0)
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
