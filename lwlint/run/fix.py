"""Fixes: which of a report's are applied, in which order, and what comes of it. Nothing is written before all of it was linted again.

One rule's fixes are applied at a time, those that move or take away before those that add, and the tree is linted again
behind each step, in memory: so the fix of one rule sees what another one's has left, and one that does not help, or that
brings a finding of its own, is withdrawn and said.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lwlint.core.finding import BROKEN, AddKey, AddOption, ConfigurationError, DropIn, Finding, Replace, Report
from lwlint.core.source import Position, Source, Span
from lwlint.files import atomic, tree
from lwlint.files.discover import is_below, normal
from lwlint.policy.rules import Rule
from lwlint.run import Request, check
from lwlint.run.edits import NoPlace, applied, compare, edits, overlap

_ATTEMPTS = 4  # of one fix; another one undoes it, if it takes more
_Key = tuple[str, str]
_ADDS = (AddKey, AddOption, DropIn)


class Fixed(Struct, frozen=True):
    """A finding that was fixed, and where it was then."""

    finding: Finding
    position: Position


class Outcome(Struct, frozen=True):
    """What the fixes come to: `files` are the bytes before (None: no file) and after by path; `report` judges what is after.

    `left` are findings of `report` whose fix was not applied, and why; `unsafe` are those whose fix was not asked for.
    """

    fixed: tuple[Fixed, ...]
    left: tuple[tuple[Finding, str], ...]
    unsafe: tuple[Finding, ...]
    files: Mapping[str, tuple[bytes | None, bytes]]
    report: Report


def fix(request: Request, rules: Sequence[Rule], *, unsafe: bool = False, brought: Sequence[Finding] | None = None) -> Outcome:
    """Return what the fixes for the findings of `rules` come to, those that are not safe only if `unsafe`; nothing is written.

    Where a change `brought` some of the findings only, the others are not fixed, nor are they in the report that comes back.

    Raises ConfigurationError as `check` does, and for standard input.
    """
    if request.text is not None:
        raise ConfigurationError("`-`: a fix needs a file to write to")
    rounds = _Rounds(request, rules, unsafe, brought)
    while rounds.step():
        pass
    return rounds.outcome()


def write(outcome: Outcome) -> None:
    """Write the files of `outcome`, all of them or none.

    Raises ConfigurationError where that is not possible, or where a file is not any more what was read. Where even what was there before
    cannot be put back, the message names each file that is changed and each that is not.
    """
    taken: dict[str, str] = {}
    for path in outcome.files:
        first = taken.setdefault(os.path.realpath(path), path)
        if first != path:
            raise ConfigurationError(f"`{path}`: is the same file as `{first}`; name it once")
    for path, (before, _) in outcome.files.items():
        if os.path.islink(path):
            raise ConfigurationError(f"`{path}`: is a link by now; nothing is written")
        try:
            if (tree.Disk().read(path) if os.path.lexists(path) else None) != before:
                raise ConfigurationError(f"`{path}`: has been changed since it was read; nothing is written")
        except OSError as error:
            raise ConfigurationError(f"`{path}`: cannot be read again ({error.strerror or error}); nothing is written") from error
    done: list[str] = []
    for path, (before, after) in outcome.files.items():
        try:
            if before is None:
                os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            atomic.replace(path, after, keep_owner=True)
            done.append(path)
        except OSError as error:
            raise ConfigurationError(f"`{path}`: cannot be written ({error.strerror or error}); {_put_back(done, outcome)}") from error


def _put_back(done: Sequence[str], outcome: Outcome) -> str:
    """Put back what was there before in the files that are `done`, and return what has come of it, for a message."""
    kept = []
    for path in done:
        before = outcome.files[path][0]
        try:
            if before is None:
                os.unlink(path)
            else:
                atomic.replace(path, before, keep_owner=True)
        except OSError:
            kept.append(path)
    if not kept:
        return "nothing is written"
    others = [path for path in outcome.files if path not in kept]
    return f"changed: {', '.join(f'`{path}`' for path in kept)}; not changed: {', '.join(f'`{path}`' for path in others)}"


class _Rounds:
    """One run of `fix`: the texts as they are so far, and what is known of each fix."""

    def __init__(self, request: Request, rules: Sequence[Rule], unsafe: bool, brought: Sequence[Finding] | None = None) -> None:
        self._request = request
        self._rules = rules
        self._unsafe = unsafe
        self._texts: dict[str, str] = {}
        self._withdrawn: dict[_Key, str] = {}
        self._attempts: Counter[_Key] = Counter()
        self._fixed: list[Fixed] = []
        self._progress = False  # since a fix was withdrawn: it may help now
        self._most = 0  # fixes in one step; 0: as many as there are
        self._report = check(request, rules)
        self._before = self._report.sources
        others = self._report.findings if brought is not None else ()
        self._spared = frozenset(map(_key, others)) - frozenset(map(_key, brought or ()))

    def step(self) -> bool:
        """Apply the fixes of one rule, as far as they help; return whether there was anything to try."""
        candidates = [f for f in self._report.findings if self._is_wanted(f)]
        if not candidates:
            again = self._progress and bool(self._withdrawn)
            self._progress = False
            if again:
                self._withdrawn.clear()
            return again
        first = min(_order(f) for f in candidates)
        chosen = self._chosen([f for f in candidates if _order(f) == first])
        if not chosen:
            return True  # all of them are withdrawn by now
        edited = self._edited(chosen)
        changed = self._changed_elsewhere(chosen, edited)
        if changed:
            self._retreat(chosen, changed, ())
            return True
        texts = {**self._texts, **edited}
        after = self._linted(texts)
        trouble = _trouble(self._report, after)
        useless = _still_there(chosen, self._report, after)
        if trouble or useless:
            self._retreat(chosen, trouble, useless)
            return True
        self._fixed += (Fixed(f, self._position(f)) for f, _ in chosen)
        self._attempts.update(_key(f) for f, _ in chosen)
        self._texts, self._report, self._most = texts, after, self._most * 2
        self._progress = True
        return True

    def outcome(self) -> Outcome:
        """Return what it has come to."""
        report = replace(self._report, findings=tuple(f for f in self._report.findings if _key(f) not in self._spared))
        open_ = [f for f in report.findings if f.fix is not None and f.allowed is None]
        files = {}
        for path, text in sorted(self._texts.items()):
            before = _bytes(self._before[path].text) if path in self._before else None
            if before != _bytes(text):
                files[path] = (before, _bytes(text))
        return Outcome(
            fixed=tuple(self._fixed),
            left=tuple((f, self._withdrawn[_key(f)]) for f in open_ if _key(f) in self._withdrawn),
            unsafe=tuple(f for f in open_ if f.fix is not None and not f.fix.safe and not self._unsafe),
            files=files,
            report=report,
        )

    def _is_wanted(self, finding: Finding) -> bool:
        if finding.fix is None or finding.allowed is not None or _key(finding) in self._withdrawn or _key(finding) in self._spared:
            return False
        if self._attempts[_key(finding)] >= _ATTEMPTS:
            self._withdrawn[_key(finding)] = "another fix undoes it"
            return False
        return finding.fix.safe or self._unsafe

    def _chosen(self, findings: Iterable[Finding]) -> list[tuple[Finding, tuple[Replace, ...]]]:
        """Return the findings of this step with their edits. One whose edits overlap another's waits for a later step."""
        chosen: list[tuple[Finding, tuple[Replace, ...]]] = []
        for finding in findings:
            assert finding.fix is not None
            try:
                own = edits(finding.fix, self._report.sources)
                for edit in own:
                    _refuse(edit.span.path, self._request, self._report, self._texts)
            except NoPlace as why:
                self._withdrawn[_key(finding)] = str(why)
                continue
            taken = [edit for _, others in chosen for edit in others]
            if not any(overlap(edit, other) for edit in own for other in taken if edit != other):
                chosen.append((finding, own))
        return chosen[: self._most] if self._most else chosen

    def _edited(self, chosen: Iterable[tuple[Finding, tuple[Replace, ...]]]) -> dict[str, str]:
        by_path: dict[str, set[Replace]] = {}
        for _, own in chosen:
            for edit in own:
                by_path.setdefault(edit.span.path, set()).add(edit)
        sources = self._report.sources
        return {
            path: applied(sources[path].text if path in sources else "", tuple(sorted(found, key=lambda e: e.span)))
            for path, found in by_path.items()
        }

    def _changed_elsewhere(self, chosen: Iterable[tuple[Finding, tuple[Replace, ...]]], edited: Mapping[str, str]) -> str:
        """Return what else than what is blamed the edits would change, in words; empty if nothing is."""
        for path, text in edited.items():
            source = self._report.sources.get(path)
            own = sorted({edit for _, every in chosen for edit in every if edit.span.path == path}, key=lambda edit: edit.span)
            try:
                if source is not None:
                    compare(source, Source(path, text, source.kind, source.host, source.root), own)
            except NoPlace as why:
                return str(why)
        return ""

    def _linted(self, texts: Mapping[str, str]) -> Report:
        files = {path: _bytes(text) for path, text in texts.items()}
        return check(replace(self._request, tree=tree.Overlay(self._request.tree, files)), self._rules)

    def _retreat(self, chosen: Sequence[tuple[Finding, object]], trouble: str, useless: Iterable[_Key]) -> None:
        """Withdraw what does not help, or what brings trouble; where it is not clear which one does, take fewer at a time."""
        for key in useless:
            self._withdrawn[key] = "it does not help: the finding stays"
        if useless or not trouble:
            return
        if len(chosen) == 1:
            self._withdrawn[_key(chosen[0][0])] = trouble
            self._most = 0
        else:
            self._most = len(chosen) // 2

    def _position(self, finding: Finding) -> Position:
        source = self._report.sources.get(finding.span.path)
        return source.position(finding.span.start) if source is not None else Position(1, 1)


def fixable(request: Request, report: Report) -> frozenset[tuple[str, Span]]:
    """Return the findings that `fix` fixes, those that are not safe aside, by fingerprint and place.

    It is asked for by who only tells how many there are: each edit is looked at by itself, and nothing is linted again.
    """
    found = set()
    for finding in report.findings:
        if finding.fix is None or finding.allowed is not None or not finding.fix.safe:
            continue
        try:
            own = edits(finding.fix, report.sources)
            for edit in own:
                _refuse(edit.span.path, request, report)
                _refuse_lost(edit, request, report)
        except (NoPlace, OSError):
            continue
        found.add((finding.fingerprint, finding.span))
    return frozenset(found)


def _refuse_lost(edit: Replace, request: Request, report: Report) -> None:
    """Raise NoPlace for an edit that would name a template that is not there."""
    if edit.text.endswith(".yaml") and "/" in edit.text and not any(c.isspace() for c in edit.text):
        path = normal(os.path.join(os.path.dirname(edit.span.path), edit.text))
        if path not in report.sources and request.tree.real_kind(path) != tree.FILE:
            raise NoPlace(f"`{path}` is not there")


def _refuse(path: str, request: Request, report: Report, edited: Collection[str] = ()) -> None:
    """Raise NoPlace for a file that is not for us to write; the `edited` ones are written already."""
    source = report.sources.get(path)
    if source is not None:
        if not source.judged:
            raise NoPlace(f"`{path}` was read for another file's sake only; name it too")
        if path not in edited and request.tree.kind(path) != tree.FILE:
            raise NoPlace(f"`{path}` is a link; name the file that it leads to")
        if path not in edited and isinstance(request.tree, tree.Disk) and os.stat(path).st_nlink > 1:
            raise NoPlace(f"`{path}` has another name, which would keep what is there now (a hard link)")
        return
    if request.tree.kind(path) is not None:
        raise NoPlace(f"`{path}` is there and was not read; name it too")
    if not any(is_below(path, named) and request.tree.real_kind(named) == tree.FOLDER for named in request.paths):
        raise NoPlace(f"`{path}` would be outside the folders that were named")
    parent = os.path.dirname(path)
    while parent:
        if request.tree.kind(parent) == tree.LINK:
            raise NoPlace(f"`{parent}` is a link")
        parent = os.path.dirname(parent) if parent != os.path.dirname(parent) else ""


def _order(finding: Finding) -> tuple[bool, str, str]:
    assert finding.fix is not None
    return all(isinstance(change, _ADDS) for change in finding.fix.changes), finding.code, finding.rule


def _key(finding: Finding) -> _Key:
    return finding.fingerprint, finding.span.path


def _trouble(before: Report, after: Report) -> str:
    """Return what is worse after than before, in words; empty if nothing is. A finding that has moved to another place is no new one."""

    def known(report: Report) -> Counter[tuple[object, ...]]:
        return Counter((f.code, f.subject, f.host, f.allowed) for f in report.findings)

    if after.count(BROKEN) > before.count(BROKEN):
        return "a rule breaks on the result"
    more = known(after) - known(before)
    for finding in after.findings:
        if (finding.code, finding.subject, finding.host, finding.allowed) in more:
            return f"it would bring {finding.code} to `{finding.span.path}`: {finding.message}"
    return ""


def _still_there(chosen: Iterable[tuple[Finding, object]], before: Report, after: Report) -> set[_Key]:
    was, is_ = Counter(map(_key, before.findings)), Counter(map(_key, after.findings))
    return {_key(finding) for finding, _ in chosen if is_[_key(finding)] >= was[_key(finding)]}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
