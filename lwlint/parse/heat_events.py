"""The document of a YAML text by the events of PyYAML's parser: whatever is in it, and the place of what PyYAML refuses."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from lwlint.parse.heat_anchors import EXPANDED_LIMIT, PROPERTIES
from lwlint.parse.heat_nodes import (
    DEPTH_LIMIT,
    Document,
    Duplicate,
    Mapping,
    Node,
    Place,
    Refused,
    Scalar,
    Sequence,
    merged_wrongly,
    repeated,
)

_TOO_DEEP = f"nested deeper than {DEPTH_LIMIT} levels"


def by_events(text: str) -> Document:
    """Return the one document in `text`. Raises Refused for what PyYAML's safe loader would refuse, and for what is nested too deep."""
    import yaml

    shift = 1 if text[:1] == "\ufeff" and hasattr(_parser(), "raw_parse") else 0  # libyaml does not count a byte order mark
    try:
        return _Builder(text, shift).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(str(part) for part in (error.context, error.problem) if part)
        if "maximum nesting depth" in message:  # libyaml from PyYAML 6.0.4 on has a limit of its own, and looks ahead of its events
            message = _TOO_DEEP
        raise Refused(message.replace("\n", " "), min((mark.index if mark else 0) + shift, len(text))) from None
    except yaml.reader.ReaderError as error:
        at = _character(text, error)
        what = f"character {ord(text[at]):#04x}: " if at < len(text) else ""
        raise Refused(what + str(error.reason), at) from None
    except UnicodeEncodeError as error:
        raise Refused("a half of a surrogate pair is no character", error.start) from None


class _Builder:
    """The parser's events -> one document."""

    def __init__(self, text: str, shift: int) -> None:
        import yaml

        self._events = yaml.events
        self._parser = _parser()(text)
        self._shift = shift
        self._text = text
        self._duplicates: list[Duplicate] = []

    def document(self) -> Document:
        events, shift = self._events, self._shift
        next_event = self._parser.get_event
        scalar, alias, documents = events.ScalarEvent, events.AliasEvent, 0
        into: list[Any] = []  # where the next node goes: a flat list of keys and values, or of items
        root, stack, anchors = into, [], {}  # type: ignore[var-annotated]
        sizes: dict[str, int] = {}  # of what an anchor names, with every alias in it written out
        size = 0
        node: Node
        while (event := next_event()) is not None:
            kind = event.__class__
            size += 1
            if kind is scalar:
                tag = self._known(event.tag, event) if event.tag is not None else ""
                start, end = event.start_mark, event.end_mark
                if event.tag is not None or event.anchor is not None:
                    start = Place(PROPERTIES.match(self._text, start.index + shift).end() - shift)  # type: ignore[union-attr]
                if shift:
                    start, end = Place(start.index + shift), Place(end.index + shift)
                node = Scalar(tag, event.value, start, end, "" if event.implicit[0] and not tag else None)
            elif kind is events.MappingStartEvent or kind is events.SequenceStartEvent:
                tag = self._known(event.tag, event) if event.tag is not None else ""
                start = Place(event.start_mark.index + shift) if shift else event.start_mark
                content: list[Any] = []
                node = (Mapping if kind is events.MappingStartEvent else Sequence)(tag, content, start, None, None)
                stack.append((into, node, event.anchor, size))
                if len(stack) > DEPTH_LIMIT:
                    raise Refused(_TOO_DEEP, node.start)
                into.append(node)
                into = content
                if event.anchor is not None:
                    self._anchor(anchors, event, node)
                continue
            elif kind is events.MappingEndEvent or kind is events.SequenceEndEvent:
                content = into
                into, node, anchor, before = stack.pop()
                if anchor is not None:
                    sizes[anchor] = size - before
                node.end_mark = Place(event.end_mark.index + shift) if shift else event.end_mark
                if isinstance(node, Mapping):
                    self._fill(node, content)
                continue
            elif kind is alias:
                if event.anchor not in anchors:
                    raise Refused(f"alias `*{event.anchor}` has no anchor", event.start_mark.index + shift)
                if event.anchor not in sizes and anchors[event.anchor].__class__ is not Scalar:
                    raise Refused(f"alias `*{event.anchor}` stands inside what it names", event.start_mark.index + shift)
                size += sizes.get(event.anchor, 0)
                if size > EXPANDED_LIMIT:
                    raise Refused(f"aliases stand for more than {EXPANDED_LIMIT} nodes", event.start_mark.index + shift)
                into.append(anchors[event.anchor])
                continue
            else:
                documents += kind is events.DocumentStartEvent
                if documents > 1:
                    raise Refused("a second document begins here; Heat reads files of one", event.start_mark.index + shift)
                continue
            into.append(node)
            if event.anchor is not None:
                self._anchor(anchors, event, node)
        return Document(root[0] if root else None, tuple(self._duplicates))

    def _anchor(self, anchors: dict[str, Node], event: Any, node: Node) -> None:
        if event.anchor in anchors:
            raise Refused(f"anchor `&{event.anchor}` stands twice", event.start_mark.index + self._shift)
        anchors[event.anchor] = node

    def _known(self, tag: str, event: Any) -> str:
        if tag == "!":
            return ""  # PyYAML goes by the text then, as if there were no tag
        if tag not in _constructed():
            raise Refused(f"tag `{tag}` is not known to Heat", event.start_mark.index + self._shift)
        return tag

    def _fill(self, mapping: Mapping, content: list[Node]) -> None:
        keys, values = content[::2], content[1::2]
        mapping.pairs = list(zip(keys, values))  # type: ignore[arg-type]
        names = set()
        for key in keys:
            if key.__class__ is not Scalar:
                raise Refused("a key that is a list or a mapping", key.start)
            names.add(key.value)
        if len(names) != len(keys):
            self._duplicates += repeated(mapping)
        if "<<" in names:
            wrong = merged_wrongly(mapping)
            if wrong is not None:
                raise Refused("`<<` must be given a mapping or a list of mappings", wrong.start)


@lru_cache(maxsize=1)
def _parser() -> Any:
    import yaml

    if getattr(yaml, "__with_libyaml__", False):
        from yaml._yaml import CParser

        return CParser
    return yaml.SafeLoader


@lru_cache(maxsize=1)
def _constructed() -> frozenset[str]:
    import yaml

    return frozenset(tag for tag in yaml.SafeLoader.yaml_constructors if tag is not None)


def _character(text: str, error: Any) -> int:
    """Return at which character of `text` PyYAML's reader stopped: the C one counts bytes of UTF-8."""
    if getattr(error, "encoding", None) != "?":
        return min(int(error.position), len(text))
    return min(len(text.encode("utf-8")[: error.position].decode("utf-8", "ignore")), len(text))
