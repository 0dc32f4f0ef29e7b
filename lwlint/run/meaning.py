"""What a document means before and after an edit: as PyYAML loads it, with every alias and merge put in its place.

An edit may change what it was made for, where that stands. What an alias or a merge shares with another place changes there, too, and what
moves the text around it may change anything: neither is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Union

from lwlint.core.finding import Replace
from lwlint.core.source import Source
from lwlint.inputs.heat.document import is_jinja, mask
from lwlint.inputs.heat.yaml_document import compose
from lwlint.run.edits import NoPlace

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
    from lwlint.inputs.oslo.text import read

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
                raise NoPlace("its aliases stand for too much")
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
