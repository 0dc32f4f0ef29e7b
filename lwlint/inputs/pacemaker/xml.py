"""Pacemaker CIBs: XML -> elements with the exact place of every tag and every attribute value.

Expat does all of the work: it never fetches anything, tells the byte at which each token starts, and is
asked to stop at the first document type declaration, so that no entity is ever declared, let alone
expanded. The `status` section is read through (a file cut off in it is still broken) but not kept.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, NoReturn, Union

from lwlint.core.facts import Unreadable
from lwlint.core.kind import Piece
from lwlint.core.secret import is_secret
from lwlint.core.secret_names import AGENTS
from lwlint.core.source import Source, Span, Text

DEPTH = 256  # libxml2's own limit, so Pacemaker's
ELEMENTS = 400_000  # kept in memory; the largest CIBs that were met have a hundredth
_CHUNK = 1 << 20
_TOKEN = 8 << 20  # bytes of one tag or comment
_COMMENT = re.compile(rb"<!--(.*?)(-?-->)", re.DOTALL)
_ATTRIBUTE = re.compile(r"""[ \t\r\n]+([^\s=/>"']+)[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*)"|'([^']*)')""")


class Element:
    """One element. `start` is the offset of its `<`; `attributes` are in the order of the file."""

    __slots__ = ("attributes", "children", "source", "start", "tag")

    def __init__(self, tag: str, attributes: dict[str, str], start: int, source: Source) -> None:
        self.tag = tag
        self.attributes = attributes
        self.start = start
        self.source = source
        self.children: list[Element] = []

    def get(self, name: str) -> str | None:
        """Return the value of an attribute, or None."""
        return self.attributes.get(name)

    def text(self, name: str) -> Text | None:
        """Return the value of an attribute with its place (what stands between the quotes), or None."""
        value = self.attributes.get(name)
        if value is None:
            return None
        text, at = self.source.text, self.start + 1 + len(self.tag)
        while True:
            match = _ATTRIBUTE.match(text, at)
            if match is None:
                raise ValueError(f"attribute {name!r} of <{self.tag}> is not where expat saw it")
            at = match.end()
            if match.group(1) == name:
                start, end = match.span(2 if match.group(2) is not None else 3)
                return Text(value, self.source.span(start, end))

    def span(self, *names: str) -> Span:
        """Return the place of the first of the attributes `names` that is there, else of `<tag`."""
        for name in names:
            text = self.text(name)
            if text is not None:
                return text.span
        return self.source.span(self.start, self.start + 1 + len(self.tag))

    def all(self, *tags: str) -> Iterator[Element]:
        """Yield the children with one of `tags`, in the order of the file."""
        for child in self.children:
            if child.tag in tags:
                yield child

    def first(self, tag: str) -> Element | None:
        """Return the first child with `tag`, or None."""
        return next(self.all(tag), None)

    def walk(self) -> Iterator[Element]:
        """Yield this element and all below it, in the order of the file."""
        todo = [self]
        while todo:
            element = todo.pop()
            yield element
            todo.extend(reversed(element.children))


class _Refused(Exception):
    """The reader will not go on; `offset` is in bytes of what expat was given."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class _Builder:
    """Expat's events -> the tree of elements, with `start` still in bytes."""

    def __init__(self, source: Source, data: bytes) -> None:
        from xml.parsers import expat

        self.source = source
        self.data = data
        self.top: list[Element] = []
        self.made: list[Element] = []
        self.open: list[Element] = []
        self.skipping = 0
        # the text is decoded already: whatever the declaration says, these bytes are UTF-8
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = False
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.StartDoctypeDeclHandler = self.refuse_doctype

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        at = self.parser.CurrentByteIndex
        if len(self.open) >= DEPTH:
            raise _Refused(f"elements are nested more than {DEPTH} deep", at)
        if len(self.made) >= ELEMENTS:
            raise _Refused(f"there are more than {ELEMENTS} elements", at)
        element = Element(tag, attributes, at, self.source)
        self.made.append(element)
        if self.open:
            if tag == "status" and self.open[-1].tag == "cib":
                self.skipping = 1
                self.parser.StartElementHandler = self.start_skipped
                self.parser.EndElementHandler = self.end_skipped
            self.open[-1].children.append(element)
        else:
            self.top.append(element)
        self.open.append(element)

    def end(self, _: str) -> None:
        self.open.pop()

    def start_skipped(self, _: str, __: dict[str, str]) -> None:
        self.skipping += 1
        if self.skipping > DEPTH:
            raise _Refused(f"elements are nested more than {DEPTH} deep", self.parser.CurrentByteIndex)

    def end_skipped(self, _: str) -> None:
        self.skipping -= 1
        if not self.skipping:
            self.parser.StartElementHandler = self.start
            self.parser.EndElementHandler = self.end
            self.open.pop()

    def refuse_doctype(self, *_: Any) -> NoReturn:
        # expat tells of it when it has read on to its `[` or `>`
        at = self.data.rfind(b"<!DOCTYPE", 0, self.parser.CurrentByteIndex + 1)
        raise _Refused("it has a document type declaration, which no CIB has; entities are not expanded", max(at, 0))

    def feed(self) -> None:
        for at in range(0, len(self.data), _CHUNK):
            self.parser.Parse(self.data[at : at + _CHUNK], False)
            if at + _CHUNK - self.parser.CurrentByteIndex > _TOKEN:
                raise _Refused(f"one tag of more than {_TOKEN >> 20} MB", self.parser.CurrentByteIndex)
        self.parser.Parse(b"", True)


def read_cib(source: Source) -> Union[Element, Unreadable]:
    """Return the `cib` element of `source` (or a bare `configuration`), or what is wrong with the file and where.

    `cib` may be the root or lie in other elements, as in the answers of `cibadmin` and in message logs.
    """
    root = read_xml(source)
    return root if isinstance(root, Unreadable) else _cib_of(source, root)


def read_xml(source: Source) -> Union[Element, Unreadable]:
    """Return the root element of any XML, or what is wrong with it and where; the `status` of a `cib` is read through but not kept."""
    from xml.parsers import expat

    text = source.text
    skipped = len(text) - len(text.lstrip("\ufeff \t\r\n"))
    data = text[skipped:].encode("utf-8", "surrogatepass")
    if b"<!--" in data:  # Pacemaker reads on where a comment has `--` in it, unless it ends with `--->`; expat refuses both
        data = _COMMENT.sub(lambda match: b"<!--" + match[1].replace(b"-", b"=") + match[2], data)
    if not data:
        return _unreadable(source, 0, "is empty")
    builder = _Builder(source, data)
    try:
        builder.feed()
    except _Refused as refused:
        return _unreadable(source, _characters(data, refused.offset) + skipped, str(refused))
    except expat.ExpatError:
        at = _characters(data, max(builder.parser.ErrorByteIndex, 0)) + skipped
        return _unreadable(source, at, _complaint(builder))
    finally:
        # expat holds the handlers, which hold expat: let go of what was built at once
        builder.parser.StartElementHandler = builder.parser.EndElementHandler = builder.parser.StartDoctypeDeclHandler = None
    _to_characters(builder.made, data, skipped)
    return builder.top[0]


def _complaint(builder: _Builder) -> str:
    from xml.parsers import expat

    code = builder.parser.ErrorCode
    cut_off = (
        expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
        expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
        expat.errors.codes[expat.errors.XML_ERROR_PARTIAL_CHAR],
    )
    if code in cut_off:
        if not builder.open:
            return "is no XML" if builder.parser.ErrorByteIndex == 0 and not builder.made else "XML is cut off: the file ends too early"
        return f"XML is cut off: the file ends inside `<{builder.open[-1].tag}>`"
    inside = f" inside `<{builder.open[-1].tag}>`" if builder.open else ""
    return f"XML is broken{inside}: {expat.ErrorString(code)}"


def _unreadable(source: Source, at: int, message: str) -> Unreadable:
    at = min(at, len(source.text))
    return Unreadable(source.path, source.span(at, min(at + 1, len(source.text))), message, source.host)


def _characters(data: bytes, offset: int) -> int:
    return len(data[:offset].decode("utf-8", "replace"))


def _to_characters(elements: list[Element], data: bytes, skipped: int) -> None:
    """Turn the start of each element (in document order) from bytes of `data` into characters of the source."""
    if data.isascii():
        if skipped:
            for element in elements:
                element.start += skipped
        return
    at_byte, at_character = 0, skipped
    for element in elements:
        at_character += len(data[at_byte : element.start].decode("utf-8", "surrogatepass"))
        at_byte = element.start
        element.start = at_character


def _cib_of(source: Source, root: Element) -> Union[Element, Unreadable]:
    for element in root.walk():
        if element.tag == "cib" and (element.first("configuration") is not None or element.first("status") is not None):
            if element.first("configuration") is None:
                return _unreadable(source, element.start, "`<cib>` has no `<configuration>`")
            return element
    if root.tag == "configuration":
        return root
    for element in root.walk():
        if element.tag == "cib":
            return _unreadable(source, element.start, "`<cib>` has no `<configuration>`")
    return _unreadable(source, root.start, f"there is no `<cib>` in it; the root is `<{root.tag}>`")


def read_blocks(source: Source) -> Iterator[Piece]:
    """Yield the elements of a CIB; each goes on to the next one that is not in it."""
    read = read_cib(source)
    todo = [(read, len(source.text) + 1)] if isinstance(read, Element) else []
    while todo:
        element, end = todo.pop()
        yield element.start, end
        behind = [*(child.start for child in element.children[1:]), end]
        todo += zip(element.children, behind)


_MOST = 4_000_000  # characters of a CIB that is taken apart once more


def read_secrets(source: Source, names: Collection[str]) -> Iterator[Piece]:
    """Yield the places of the values of attributes that are secrets."""
    root = read_xml(source) if len(source.text) < _MOST else None
    if isinstance(root, Element):
        yield from _in_cib(root)


def _in_cib(root: Element) -> Iterator[tuple[int, int]]:
    for element in root.walk():
        name = element.attributes.get("name")
        if name is not None and "value" in element.attributes and (name.lower().replace("-", "_") in AGENTS or is_secret(name)):
            value = element.text("value")
            if value is not None:
                yield value.span.start, value.span.end
