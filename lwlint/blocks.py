"""Blocks of a text that begin on one line: the section, the element, the entry or the statement, and where it ends."""

from __future__ import annotations

from collections.abc import Iterator

from lwlint import kinds
from lwlint.source import Source

_Piece = tuple[int, int]  # offsets of the first character and behind the last one


def block_end(source: Source, line: int) -> int:
    """Return the offset behind the longest block that begins on `line` (from 1), or behind the line where none is longer.

    A file that its reader refuses has no blocks. An element of XML goes on to the next one that is not in it.
    """
    starts = source.line_starts()
    first = starts[line - 1]
    behind = starts[line] if line < len(starts) else len(source.text) + 1
    return max((end for start, end in _pieces(source) if first <= start < behind), default=behind)


def comment_may_stand(source: Source, at: int) -> bool:
    """Return whether a `#` at the offset begins a comment of YAML, and is no part of a scalar."""
    from lwlint.parse import heat, heat_nodes

    read = heat.read(source)
    if not isinstance(read, heat.HeatFile):
        return True
    return not any(isinstance(n, heat_nodes.Scalar) and n.start <= at < n.end for n in heat_nodes.walk(read.root))


def _pieces(source: Source) -> Iterator[_Piece]:
    if source.kind == kinds.HEAT:
        return _of_yaml(source)
    if source.kind == kinds.CIB:
        return _of_xml(source)
    if source.kind == kinds.PUPPET:
        return _of_puppet(source)
    if source.kind in (kinds.OSLO, kinds.UNIT):
        return _of_sections(source)
    return iter(())


def _of_yaml(source: Source) -> Iterator[_Piece]:
    from lwlint.parse import heat, heat_nodes

    read = heat.read(source)
    for node in heat_nodes.walk(read.root) if isinstance(read, heat.HeatFile) else ():
        if isinstance(node, heat_nodes.Mapping):
            yield from ((key.start, value.end) for key, value in node.pairs if value.start >= key.end)  # else an alias
        elif isinstance(node, heat_nodes.Sequence):
            yield from ((item.start, item.end) for item in node.items)


def _of_xml(source: Source) -> Iterator[_Piece]:
    from lwlint.parse.cib import Element, read_cib

    read = read_cib(source)
    todo = [(read, len(source.text) + 1)] if isinstance(read, Element) else []
    while todo:
        element, end = todo.pop()
        yield element.start, end
        behind = [*(child.start for child in element.children[1:]), end]
        todo += zip(element.children, behind)


def _of_puppet(source: Source) -> Iterator[_Piece]:
    from lwlint.parse import puppet, puppet_tree

    return ((node.start, node.end) for node in puppet_tree.walk(puppet.parse(source.text).statements))


def _of_sections(source: Source) -> Iterator[_Piece]:
    from lwlint.parse import oslo, unit

    if source.kind == kinds.OSLO:
        options = oslo.read(source)
        heads = [header.span.start for header in options.headers]
        yield from ((setting.key_start, setting.end) for setting in options.settings)
    else:
        settings = unit.read(source)
        heads = [section.span.start for section in settings.sections]
        yield from ((line.key.span.start, line.value.span.end) for line in settings.lines if isinstance(line, unit.Assignment))
    yield from zip(heads, [*heads[1:], len(source.text) + 1])
