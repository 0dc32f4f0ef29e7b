"""The baseline: findings that are known and put up with for now, so that a run can tell which ones are new.

One finding a line, sorted, so that version control merges it. A finding is known again by its rule, the file inside its
host or tree, the fact that is blamed, and what is written there; not by lines, columns, the host's name or the layout.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import asdict, replace

from lwlint.core.config_reader import Document, Mismatch, build
from lwlint.core.finding import FAIL, KNOWN, PASS, ConfigurationError, Finding, Report
from lwlint.core.source import Source
from lwlint.files.discover import is_below
from lwlint.files.tree import FOLDER, Tree
from lwlint.inputs import KINDS
from lwlint.policy.redaction import Redaction

_VERSION = 1
_TOKEN = re.compile(r"[\w.:/@+-]+")
_CREDENTIALS = re.compile(r"://[^@/\s]*@")
_MANY = 40  # words: what is longer is a whole section or file, which changes for reasons of its own


class Known(Document, frozen=True, order=True):
    """One line of a baseline. `context` is a digest of what is written at the place; `message` is for its readers only."""

    code: str
    path: str
    subject: str
    context: str
    message: str = ""


class Comparison(Struct, frozen=True):
    """A report against a baseline.

    `gone` are recorded findings that are there no more; `unseen` those that this run cannot tell about: their file was
    not read though it is there, or their rule was not evaluated. Allowed findings are in none of the four.
    """

    new: tuple[Finding, ...]
    known: tuple[Finding, ...]
    gone: tuple[Known, ...]
    unseen: tuple[Known, ...]


def record(report: Report) -> str:
    """Return the baseline, as text, of all findings of the report that are not allowed."""
    redaction = Redaction(report.sources)
    return write(make_record(finding, report, redaction) for finding in report.findings if finding.allowed is None)


def write(entries: Iterable[Known]) -> str:
    """Return the text of a baseline: a header, then one JSON object a line, sorted; the same for the same entries."""
    lines = [json.dumps({"lwlint baseline": _VERSION}), *(json.dumps(asdict(entry), ensure_ascii=False) for entry in sorted(entries))]
    return "".join(f"{line}\n" for line in lines)


def read(text: str, path: str) -> tuple[Known, ...]:
    """Return the entries of the baseline `text`, sorted.

    Raises ConfigurationError with `path:line:column` for what is no baseline, an unknown version or key, and the
    marks of a merge that was not finished.
    """
    head, *lines = text.split("\n")
    if _object(head, f"{path}:1").get("lwlint baseline") != _VERSION:
        raise ConfigurationError(f'{path}:1:1: no baseline of lwlint: begins with `{{"lwlint baseline": {_VERSION}}}`')
    return tuple(sorted(_entry(line, f"{path}:{number}") for number, line in enumerate(lines, 2) if line.strip()))


def _object(line: str, place: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        column = error.colno if isinstance(error, json.JSONDecodeError) else 1
        hint = " (a merge that is not finished)" if line.startswith(("<<<<<<<", "=======", ">>>>>>>")) else ""
        raise ConfigurationError(f"{place}:{column}: not JSON{hint}") from None
    if not isinstance(found, dict):
        raise ConfigurationError(f"{place}:1: must be a JSON object")
    return found


def _entry(line: str, place: str) -> Known:
    try:
        entry: Known = build(_object(line, place), Known)
    except Mismatch as mismatch:
        named = json.dumps(mismatch.path[-1], ensure_ascii=False) if mismatch.path else "{"
        raise ConfigurationError(f"{place}:{max(line.find(named), 0) + 1}: {mismatch}") from None
    return entry


def make_record(finding: Finding, report: Report, redaction: Redaction) -> Known:
    """Return what a baseline records of the finding: of a secret nothing, so that nobody can try passwords against a digest."""
    source = report.sources.get(finding.span.path)
    where = _inside(source) if source is not None else finding.span.path
    subject = finding.subject or re.sub(r"\d+", "0", finding.message)
    written_there = redaction.text(source)[finding.span.start : finding.span.end] if source is not None else ""
    message = _CREDENTIALS.sub("://", " ".join(finding.message.split()))
    return Known(finding.code, _clean(where), _clean(subject), _digest(written_there), _clean(message))


def _inside(source: Source) -> str:
    """Return the path on its host or, for what lies in no host's tree, from where lwlint ran."""
    kind = KINDS.get(source.kind)
    return posixpath.normpath(source.path[len(source.root) :] if kind is None or kind.on_hosts else source.path)


def _digest(text: str) -> str:
    """Return a digest of the words of `text`, in any order, without quotes, marks, blanks and passwords; "" for many."""
    words = [word.rstrip(":") for word in _TOKEN.findall(_CREDENTIALS.sub("://", text))]
    words = sorted(word for word in words if re.search(r"\w", word))
    if not words or len(words) > _MANY:
        return ""
    return hashlib.sha256(" ".join(words).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _clean(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def absent(report: Report, paths: Sequence[str], tree: Tree) -> Callable[[str], bool]:
    """Return what tells of a path in a baseline that it is that of no file any more, where the run would have met one.

    That is so if only folders were named (`paths`), the file would be in one of them, and no host of the report has it, nor
    the tree around the current folder.
    """
    folders = [posixpath.normpath(path) for path in paths]
    if not folders or any(tree.real_kind(folder) != FOLDER for folder in folders):
        return lambda path: False
    roots = sorted({source.root for source in report.sources.values() if source.judged} | {""})

    def is_absent(path: str) -> bool:
        places = [posixpath.normpath(root + path) for root in roots]
        looked = any(is_below(place, folder) for place in places for folder in folders)
        return looked and all(tree.kind(place) is None for place in places)

    return is_absent


def compare(report: Report, baseline: Sequence[Known], *, absent: Callable[[str], bool] = lambda path: False) -> Comparison:
    """Return what of the report is new, and what of the baseline is left.

    A file that was moved keeps its known findings if its name stayed and nothing is at the old path any more. What is recorded of a
    file that is `absent` is gone, if a file of the baseline was met where it says: else the run was begun in another folder.
    """
    looked = {_clean(_inside(source)) for source in report.sources.values() if source.judged}
    new, left = _match([f for f in report.findings if f.allowed is None], sorted(baseline), report, _identity)
    moved = [entry for entry in left if entry.path not in looked]
    new, left_of_moved = _match(new, moved, report, _identity_of_moved)
    left = sorted([*(entry for entry in left if entry.path in looked), *left_of_moved])
    judged = {verdict.code for verdict in report.verdicts if verdict.outcome in (PASS, FAIL)}
    here = any(entry.path in looked for entry in baseline)
    gone = [entry for entry in left if entry.code in judged and (entry.path in looked or (here and absent(entry.path)))]
    lost, fresh = set(gone), {id(finding) for finding in new}
    return Comparison(
        new=tuple(new),
        known=tuple(f for f in report.findings if f.allowed is None and id(f) not in fresh),
        gone=tuple(gone),
        unseen=tuple(entry for entry in left if entry not in lost),
    )


def _match(
    findings: Sequence[Finding], entries: Sequence[Known], report: Report, identity: Callable[[Known], tuple[str, ...]]
) -> tuple[list[Finding], list[Known]]:
    """Return the findings without an entry and the entries without a finding; each entry stands for one finding."""
    redaction = Redaction(report.sources)
    waiting: dict[tuple[str, ...], list[Known]] = defaultdict(list)
    for entry in entries:
        waiting[identity(entry)].append(entry)
    new = []
    for finding in findings:
        same = waiting[identity(make_record(finding, report, redaction))]
        if same:
            same.pop()
        else:
            new.append(finding)
    return new, [entry for rest in waiting.values() for entry in rest]


def _identity(entry: Known) -> tuple[str, ...]:
    return (entry.code, entry.path, entry.subject, entry.context)


def _identity_of_moved(entry: Known) -> tuple[str, ...]:
    return (entry.code, posixpath.basename(entry.path), entry.subject, entry.context)


def mark_known(report: Report, comparison: Comparison) -> Report:
    """Return the report with its known findings allowed, because of the baseline."""
    old = {id(finding) for finding in comparison.known}
    return replace(report, findings=tuple(replace(f, allowed=KNOWN, elsewhere=True) if id(f) in old else f for f in report.findings))


def prune(baseline: Sequence[Known], comparison: Comparison) -> str:
    """Return the text of the baseline without what is gone; nothing is added."""
    left = list(baseline)
    for entry in comparison.gone:
        left.remove(entry)
    return write(left)


def summarize(comparison: Comparison) -> str:
    """Return one line for the end of a report: `3 new, 12 known, 2 gone, 1 not looked at`."""
    parts = [f"{len(comparison.new)} new", f"{len(comparison.known)} known", f"{len(comparison.gone)} gone"]
    return ", ".join([*parts, *([f"{len(comparison.unseen)} not looked at"] if comparison.unseen else [])])
