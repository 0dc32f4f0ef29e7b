"""Fixes: which of a report's are applied, in which order, and what comes of it. Nothing is written before all of it was linted again.

The changes of a fix become edits of texts first: which characters are replaced by which, in the style of what stands around them.

One rule's fixes are applied at a time, those that move or take away before those that add, and the tree is linted again behind each step,
in memory: so the fix of one rule sees what another one's has left, and one that does not help, or that brings a finding of its own, is
withdrawn and said.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Union

from msgspec import Struct
from msgspec.structs import replace

from lwlint.core.finding import (
    BROKEN,
    AddKey,
    AddOption,
    Change,
    ConfigurationError,
    DropIn,
    DropLines,
    Finding,
    Fix,
    Replace,
    Report,
    SetOption,
)
from lwlint.core.lazy import pattern
from lwlint.core.source import Position, Source, Span
from lwlint.files import atomic, tree
from lwlint.files.discover import is_below, normal
from lwlint.inputs import KINDS
from lwlint.inputs.heat.document import compose, is_jinja, mask
from lwlint.inputs.oslo.facts import normal as normal_option
from lwlint.policy.rules import Rule
from lwlint.run import Request, check

if TYPE_CHECKING:
    from lwlint.inputs.heat.document import Mapping as YamlMapping
    from lwlint.inputs.heat.document import Node


_BREAK = pattern(r"\r\n|\n|\r")
_PLAIN = pattern(r"[A-Za-z_][\w:./-]*$")


class NoPlace(Exception):
    """The text does not have the place that a change needs; the message says why, for a person."""


def edits(fix: Fix, sources: Mapping[str, Source]) -> tuple[Replace, ...]:
    """Return what `fix` comes to, by path and offset; a file that is not among the `sources` is a new one.

    Raises NoPlace where a change cannot be made for certain.
    """
    found: dict[Span, list[Replace]] = {}
    for change in fix.changes:
        for edit in _edits(change, sources):
            here = found.setdefault(edit.span, [])
            if edit not in here:
                here.append(edit)
    joined = [
        [Replace(span, "".join(edit.text for edit in here))] if span.start == span.end else here  # in the order of the changes
        for span, here in found.items()
    ]
    return tuple(sorted((edit for here in joined for edit in here), key=lambda edit: edit.span))


def apply_changes(text: str, changes: tuple[Replace, ...]) -> str:
    """Return `text` with the edits of one file, which are in order and do not overlap."""
    pieces, at = [], 0
    for edit in changes:
        pieces += [text[at : edit.span.start], edit.text]
        at = edit.span.end
    return "".join((*pieces, text[at:]))


def overlap(one: Replace, other: Replace) -> bool:
    """Return whether two edits, which are not the same, want the same characters or the same place between two."""
    if one.span.path != other.span.path:
        return False
    first, last = sorted((one.span, other.span))
    return last.start < first.end or first.start == last.start


def _edits(change: Change, sources: Mapping[str, Source]) -> list[Replace]:
    if isinstance(change, DropIn):
        return [_drop_in(change, sources.get(change.path))]
    if isinstance(change, Replace):
        _refuse_jinja(change.span, sources[change.span.path])
        return [change]
    place = change.beside if isinstance(change, AddOption) else change.span if isinstance(change, DropLines) else change.key
    source = sources[place.path]
    _refuse_jinja(place, source)
    if isinstance(change, AddKey):
        return [_add_key(change, source)]
    if isinstance(change, SetOption):
        return [_set_option(change, source)]
    if isinstance(change, AddOption):
        return [_add_option(change, source)]
    return [_drop_lines(change, source)]


def _is_yaml(source: Source) -> bool:
    kind = KINDS.get(source.kind)
    return kind is not None and kind.language == "yaml"


def _refuse_jinja(span: Span, source: Source) -> None:
    if _is_yaml(source) and re.search(r"\{[{%#]", source.text[span.start : span.end]):
        raise NoPlace("Jinja writes it")


def _line_break(text: str, at: int) -> str:
    """Return the line break at or behind `at`, else the first of the text."""
    match = _BREAK.search(text, at) or _BREAK.search(text)
    return match.group() if match else "\n"


def _line_end(text: str, at: int) -> int:
    match = _BREAK.search(text, at)
    return match.start() if match else len(text)


def _insert(source: Source, at: int, text: str) -> Replace:
    return Replace(source.span(at, at), text)


# --- option files: the reader that judges them says where a setting stands


def _set_option(change: SetOption, source: Source) -> Replace:
    from lwlint.inputs.oslo.reader import read

    for setting in read(source).settings:
        if setting.key_start == change.key.start:
            if setting.start < setting.end:
                return Replace(source.span(setting.start, setting.end), change.value)
            blank = " " if source.text[setting.start - 2 : setting.start - 1] in (" ", "\t") else ""
            return _insert(source, setting.start, blank + change.value)
    raise NoPlace("there is no option there")


def _add_option(change: AddOption, source: Source) -> Replace:
    from lwlint.inputs.oslo.reader import read

    found = read(source)
    line = f"{change.option} = {change.value}"
    for setting in found.settings:
        if setting.key_start == change.beside.start and normal_option(setting.section.value) == normal_option(change.section):
            written = source.text[setting.key_start + len(setting.name) : setting.start]
            equals = written if re.fullmatch(r"[ \t]*[=:][ \t]*", written) and setting.start < setting.end else " = "
            return _below(source, setting.end, f"{change.option}{equals}{change.value}")
    headers = [header for header in found.headers if normal_option(header.value) == normal_option(change.section)]
    if headers:
        return _below(source, headers[-1].span.end, line)
    text = source.text
    end = _line_break(text, 0)
    gap, last = ("", end) if text.endswith(("\r", "\n")) else (end, "")  # a file whose last line has no end stays one
    return _insert(source, len(text), f"{gap}{end}[{change.section}]{end}{line}{last}")


def _below(source: Source, at: int, line: str) -> Replace:
    end = _line_end(source.text, at)
    return _insert(source, end, _line_break(source.text, end) + line)


def _drop_lines(change: DropLines, source: Source) -> Replace:
    if _is_yaml(source):
        return _drop_entry(change, source)
    from lwlint.inputs.oslo.reader import read

    for setting in read(source).settings:
        if change.span.start in (setting.key_start, setting.start):
            return _whole_lines(source, setting.key_start, max(setting.end, setting.start))
    raise NoPlace("there is no option there")


def _whole_lines(source: Source, start: int, end: int) -> Replace:
    starts = source.line_starts()
    first = starts[source.position(start).line - 1] + (1 if source.position(start).line == 1 and source.text[:1] == "\ufeff" else 0)
    match = _BREAK.search(source.text, end)
    return Replace(source.span(first, match.end() if match else len(source.text)), "")


# --- YAML: nodes tell which mapping a key belongs to, and in which style it is written


def _add_key(change: AddKey, source: Source) -> Replace:
    from lwlint.inputs.heat import document

    mapping, value = _entry(change.key, source)
    if not change.inside:
        return _before(source, mapping, change.key.start, change)
    if not isinstance(value, document.Mapping) or value.start < change.key.end or not value.content:
        raise NoPlace("its mapping is written elsewhere")
    if change.having and not any(key.value in change.having for key in value.keys):
        raise NoPlace("a function makes its mapping")
    return _before(source, value, value.content[0].start, change)


def _entry(key: Span, source: Source) -> tuple[YamlMapping, Node]:
    """Return the mapping that has the key at the span, and the key's value."""
    from lwlint.inputs.heat import document

    read = document.read_file(source)
    node = read.root if isinstance(read, document.HeatFile) else None
    while node is not None:
        below = node.items if isinstance(node, document.Sequence) else []
        if isinstance(node, document.Mapping):
            for name, value in node.pairs:
                if name.start == key.start and name.end == key.end:
                    return node, value
            below = node.values
        node = next((one for one in below if one.start <= key.start < one.end), None)  # an alias stands elsewhere
    raise NoPlace("there is no key there")


def _before(source: Source, mapping: YamlMapping, at: int, change: AddKey) -> Replace:
    text = source.text
    name = change.name
    quote = text[at] if text[at] in "\"'" else "" if _PLAIN.match(name) else "'"
    entry = f"{quote}{name}{quote}: {change.value}"
    if text[mapping.start] == "{":
        return _insert(source, at, f"{entry}, ")
    line = source.position(at).line
    lead = text[source.line_starts()[line - 1] : at]
    if not re.fullmatch(r"\ufeff?[ ]*(?:-[ ]+)*", lead):
        raise NoPlace("there is something before it on its line")
    above = max((value.end for key, value in mapping.pairs if key.start < at), default=0)
    at = _above_comments(source, line, lead, above) + len(lead)
    return _insert(source, at, entry + _line_break(text, at) + " " * len(lead.lstrip("\ufeff")))


def _above_comments(source: Source, line: int, lead: str, above: int) -> int:
    """Return where the line begins or, if comments of its own indentation stand right over it, the first of them: they speak of it."""
    starts = source.line_starts()
    while not lead.strip(" ") and line > 1 and starts[line - 2] >= above and re.match(rf"{lead}#", source.line(line - 1)):
        line -= 1
    return starts[line - 1]


def _drop_entry(change: DropLines, source: Source) -> Replace:
    mapping, value = _entry(change.span, source)
    lead = source.text[source.line_starts()[source.position(change.span.start).line - 1] : change.span.start]
    rest = source.text[value.end : _line_end(source.text, value.end)]
    if source.text[mapping.start] == "{" or lead.strip() or len(mapping.content) < 4 or not re.fullmatch(r"[ \t]*(?:#.*)?", rest):
        raise NoPlace("it does not have lines of its own")
    return _whole_lines(source, change.span.start, value.end)


# --- systemd: a file of our own


def _drop_in(change: DropIn, source: Source | None) -> Replace:
    sections: dict[str, list[str]] = {}
    for name, value in change.settings:
        section, _, key = name.partition(".")
        sections.setdefault(section, []).append(f"{key}={value}\n")
    text = "\n".join(f"[{section}]\n{''.join(lines)}" for section, lines in sections.items())
    if source is None:
        return Replace(Span(change.path, 0, 0), text)
    if source.text.rstrip("\r\n").endswith("\\"):
        raise NoPlace("the last line of the drop-in goes on")
    gap = "" if not source.text else "\n" if source.text.endswith("\n") else "\n\n"
    return _insert(source, len(source.text), (gap + text).replace("\n", _line_break(source.text, 0)))


_MOST = 500_000  # values of one document, those of aliases counted each time
_MERGE = "tag:yaml.org,2002:merge"
Path = tuple[Union[str, int], ...]
Range = tuple[int, int]


class _Leaf(Struct, frozen=True):
    """A value that holds no other: its tag and text, where its key and it stand, and whether it is written here and nowhere else."""

    value: tuple[str, str]
    places: tuple[Range, ...]
    own: bool


def compare(before: Source, after: Source, edits: Sequence[Replace]) -> None:
    """Raise NoPlace if `after`, which the `edits` made of `before`, differs from it in anything else than what they are made for."""
    compared = {"heat": _yaml, "oslo": _options}.get(before.kind)
    if compared is None:
        return
    old, new = list(compared(before)), list(compared(after))
    was, is_ = dict(old), dict(new)
    removed, added = _ranges(edits)
    for path in (path for path, leaf in (*old, *new) if _value(was.get(path)) != _value(is_.get(path))):
        for leaf in (was.get(path), is_.get(path)):
            if leaf is not None and not leaf.own:
                raise NoPlace(f"an alias or a merge shares it: {_show(path)} would change too")
        places = [(was.get(path), removed), (is_.get(path), added)]
        if not any(leaf is not None and _touches(leaf, ranges) for leaf, ranges in places):
            raise NoPlace(f"{_show(path)} would change too")


def _value(leaf: _Leaf | None) -> tuple[str, str] | None:
    return None if leaf is None else leaf.value


def _show(path: Path) -> str:
    return f"`{'.'.join(map(str, path))}`"


def _ranges(edits: Sequence[Replace]) -> tuple[list[Range], list[Range]]:
    """Return where the edits of one file, in their order, take away and where they put something, each in its own text."""
    removed, added, moved = [], [], 0
    for edit in edits:
        removed.append((edit.span.start, edit.span.end))
        added.append((edit.span.start + moved, edit.span.start + moved + len(edit.text)))
        moved += len(edit.text) - (edit.span.end - edit.span.start)
    return removed, added


def _touches(leaf: _Leaf, ranges: Sequence[Range]) -> bool:
    """Return whether the leaf stands where something was taken away or put: what is beside that does not count."""
    return any(start < end and first < end and start < max(last, first + 1) for first, last in leaf.places for start, end in ranges)


def _options(source: Source) -> Iterator[tuple[Path, _Leaf]]:
    from lwlint.inputs.oslo.reader import read

    seen: dict[tuple[str, str], int] = {}
    for setting in read(source).settings:
        key = (setting.section.value, setting.name)
        seen[key] = seen.get(key, 0) + 1
        text = source.text[setting.start : setting.end]
        yield (*key, seen[key]), _Leaf(("option", text), ((setting.key_start, max(setting.end, setting.start)),), own=True)


def _yaml(source: Source) -> Iterator[tuple[Path, _Leaf]]:
    text = mask(source.text).text if is_jinja(source.path) else source.text
    try:
        root = compose(text)
    except ValueError as error:
        raise NoPlace("PyYAML does not load what would come of it") from error
    if root is not None:
        yield from _Walk(Source(source.path, text, source.kind)).leaves(root)


class _Walk:
    """One walk through a composed document, which meets a node again wherever an alias or a merge has it."""

    def __init__(self, source: Source) -> None:
        self._lines = source.line_starts()
        self._met: set[int] = set()
        self._left = _MOST

    def leaves(self, root: Any) -> Iterator[tuple[Path, _Leaf]]:
        todo: list[tuple[Path, Any, tuple[Range, ...], bool]] = [((), root, (), True)]
        while todo:
            path, node, places, own = todo.pop()
            self._left -= 1
            if self._left < 0 or len(path) > 200:
                raise NoPlace("its aliases expand to too much")
            own = own and id(node) not in self._met
            self._met.add(id(node))
            places = (*places, self._range(node))
            if node.id == "mapping" and node.value:
                todo.extend(reversed([((*path, key), value, (at,), own and mine) for key, value, at, mine in self._entries(node)]))
            elif node.id == "sequence" and node.value:
                todo.extend(reversed([((*path, i), value, (), own) for i, value in enumerate(node.value)]))
            else:
                yield path, _Leaf((node.tag, str(node.value)), places, own)

    def _entries(self, mapping: Any) -> list[tuple[str, Any, Range, bool]]:
        """Return key, value, place and whether it is the mapping's own: of what is merged the first counts, own keys more."""
        merged: dict[str, tuple[str, Any, Range, bool]] = {}
        own: dict[str, tuple[str, Any, Range, bool]] = {}
        for key, value in mapping.value:
            if key.tag == _MERGE:
                several = value.value if value.id == "sequence" else [value]
                for one in several:
                    if one.id == "mapping":
                        for name, inside, at, _ in self._entries(one):
                            merged.setdefault(name, (name, inside, at, False))
                continue
            self._met.add(id(key))
            name = f"{key.tag}:{key.value}" if key.id == "scalar" and key.tag != "tag:yaml.org,2002:str" else str(key.value)
            own[name] = (name, value, self._range(key), True)
        return [*own.values(), *(entry for name, entry in merged.items() if name not in own)]

    def _range(self, node: Any) -> Range:
        return self._place(node.start_mark), self._place(node.end_mark)

    def _place(self, mark: Any) -> int:
        return (self._lines[mark.line] if mark.line < len(self._lines) else self._lines[-1]) + int(mark.column)


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
            if not atomic.is_as_read(path, before):
                raise ConfigurationError(f"`{path}`: has been changed since it was read; nothing is written")
        except OSError as error:
            raise ConfigurationError(f"`{path}`: cannot be read again ({error.strerror or error}); nothing is written") from error
    done: list[str] = []
    folders: list[str] = []
    for path, (before, after) in outcome.files.items():
        try:
            if before is None:
                folders += _find_missing(os.path.dirname(path))
                os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            atomic.replace(path, after, keep_owner=True)
            done.append(path)
        except OSError as error:
            came_of_it = _put_back(done, outcome)
            for folder in reversed(folders):
                with suppress(OSError):  # it was not made, or something is in it
                    os.rmdir(folder)
            raise ConfigurationError(f"`{path}`: cannot be written ({error.strerror or error}); {came_of_it}") from error


def _find_missing(folder: str) -> list[str]:
    """Return the folders that are made with a folder, the outermost first."""
    missing: list[str] = []
    while folder and not os.path.lexists(folder):
        missing.insert(0, folder)
        folder = os.path.dirname(folder)
    return missing


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
        chosen = self._choose([f for f in candidates if _order(f) == first])
        if not chosen:
            return True  # all of them are withdrawn by now
        edited = self._edit(chosen)
        changed = self._find_changed_elsewhere(chosen, edited)
        if changed:
            self._retreat(chosen, changed, ())
            return True
        texts = {**self._texts, **edited}
        after = self._lint(texts)
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

    def _choose(self, findings: Iterable[Finding]) -> list[tuple[Finding, tuple[Replace, ...]]]:
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

    def _edit(self, chosen: Iterable[tuple[Finding, tuple[Replace, ...]]]) -> dict[str, str]:
        by_path: dict[str, set[Replace]] = {}
        for _, own in chosen:
            for edit in own:
                by_path.setdefault(edit.span.path, set()).add(edit)
        sources = self._report.sources
        return {
            path: apply_changes(sources[path].text if path in sources else "", tuple(sorted(found, key=lambda e: e.span)))
            for path, found in by_path.items()
        }

    def _find_changed_elsewhere(self, chosen: Iterable[tuple[Finding, tuple[Replace, ...]]], edited: Mapping[str, str]) -> str:
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

    def _lint(self, texts: Mapping[str, str]) -> Report:
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
