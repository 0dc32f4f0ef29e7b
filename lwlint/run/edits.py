"""The changes of a fix -> edits of texts: which characters are replaced by which, in the style of what stands around them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from lwlint.core.finding import AddKey, AddOption, Change, DropIn, DropLines, Fix, Replace, SetOption
from lwlint.core.lazy import pattern
from lwlint.core.source import Source, Span
from lwlint.inputs import KINDS
from lwlint.inputs.heat.document import compose, is_jinja, mask
from lwlint.inputs.oslo.facts import normal

if TYPE_CHECKING:
    from lwlint.inputs.heat.nodes import Mapping as YamlMapping
    from lwlint.inputs.heat.nodes import Node


_BREAK = pattern(r"\r\n|\n|\r")
_PLAIN = pattern(r"[A-Za-z_][\w:./-]*$")


class NoPlace(Exception):
    """The text does not have the place that a change needs; the message says why, for a person."""


def edits(fix: Fix, sources: Mapping[str, Source]) -> tuple[Replace, ...]:
    """Return what `fix` comes to, by path and offset; a file that is not among the `sources` is a new one.

    Raises NoPlace where a change cannot be made for certain.
    """
    found = {edit for change in fix.changes for edit in _edits(change, sources)}
    return tuple(sorted(found, key=lambda edit: edit.span))


def applied(text: str, changes: tuple[Replace, ...]) -> str:
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
        if setting.key_start == change.beside.start and normal(setting.section.value) == normal(change.section):
            written = source.text[setting.key_start + len(setting.name) : setting.start]
            equals = written if re.fullmatch(r"[ \t]*[=:][ \t]*", written) and setting.start < setting.end else " = "
            return _below(source, setting.end, f"{change.option}{equals}{change.value}")
    headers = [header for header in found.headers if normal(header.value) == normal(change.section)]
    if headers:
        return _below(source, headers[-1].span.end, line)
    text = source.text
    end = _line_break(text, 0)
    gap = "" if text.endswith(("\r", "\n")) else end
    return _insert(source, len(text), f"{gap}{end}[{change.section}]{end}{line}{end}")


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
    from lwlint.inputs.heat import nodes

    mapping, value = _entry(change.key, source)
    if not change.inside:
        return _before(source, mapping, change.key.start, change)
    if not isinstance(value, nodes.Mapping) or value.start < change.key.end or not value.pairs:
        raise NoPlace("its mapping is written elsewhere")
    if change.having and not any(key.value in change.having for key, _ in value.pairs):
        raise NoPlace("a function makes its mapping")
    return _before(source, value, value.pairs[0][0].start, change)


def _entry(key: Span, source: Source) -> tuple[YamlMapping, Node]:
    """Return the mapping that has the key at the span, and the key's value."""
    from lwlint.inputs.heat import document, nodes

    read = document.read_file(source)
    if isinstance(read, document.HeatFile):
        for node in nodes.walk(read.root):
            if isinstance(node, nodes.Mapping):
                for name, value in node.pairs:
                    if name.start == key.start and name.end == key.end:
                        return node, value
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
    if source.text[mapping.start] == "{" or lead.strip() or len(mapping.pairs) < 2 or not re.fullmatch(r"[ \t]*(?:#.*)?", rest):
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
    if source.text.rstrip("\n").endswith("\\"):
        raise NoPlace("the last line of the drop-in goes on")
    gap = "" if not source.text else "\n" if source.text.endswith("\n") else "\n\n"
    return _insert(source, len(source.text), gap + text)


_MOST = 500_000  # values of one document, those of aliases counted each time
_MERGE = "tag:yaml.org,2002:merge"
Path = tuple[Union[str, int], ...]
Range = tuple[int, int]


class _Leaf(NamedTuple):
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
                raise NoPlace(f"an alias or a merge shares it: {_shown(path)} would change too")
        places = [(was.get(path), removed), (is_.get(path), added)]
        if not any(leaf is not None and _touches(leaf, ranges) for leaf, ranges in places):
            raise NoPlace(f"{_shown(path)} would change too")


def _value(leaf: _Leaf | None) -> tuple[str, str] | None:
    return None if leaf is None else leaf.value


def _shown(path: Path) -> str:
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
