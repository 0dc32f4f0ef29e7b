"""The document of a YAML text by the events of PyYAML's parser: whatever is in it, and the place of what PyYAML refuses.

Its nodes come first, with their spans, and the ways to walk them.
"""

import gc
from _thread import allocate_lock
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Union

from msgspec import Struct

from lwlint.core.facts import NotEvaluated, Unreadable
from lwlint.core.kind import Piece
from lwlint.core.lazy import is_alone, late_expressions, pattern
from lwlint.core.source import Source, Span, Text

TAG = "tag:yaml.org,2002:"
_RESOLVED = "yYnNtTfFoO+-.0123456789<=~!&*"  # with what a plain scalar begins that PyYAML may take for anything but a string
_WORDS = {
    written: value
    for word, value in (("yes", True), ("true", True), ("on", True), ("no", False), ("false", False), ("off", False), ("null", None))
    for written in (word, word.capitalize(), word.upper())
}


DEPTH_LIMIT = 200  # levels; the deepest file of tripleo-heat-templates has 24


class Scalar(Struct, eq=False, gc=False):
    """A scalar from `start`, behind its anchor and tag, to `end`; `tag` is empty where none is written, `plain` means without quotes."""

    tag: str
    value: str
    start: int
    end: int
    plain: bool  # so that it may be a number, a truth or null


class Sequence(Struct, eq=False, gc=False):  # no node is inside itself, so that there is no circle to be found
    """A list of nodes, from `start`, its anchor and tag included; it is given its items and its `end` when that is read."""

    tag: str
    items: list["Node"]
    start: int
    end: int


class Mapping(Struct, eq=False, gc=False):
    """A mapping as written, duplicates and merge keys included; `content` are its keys and values in turn, which come as a sequence's do.

    It is `distinct` where it is known that no key is `<<`, and that none stands twice.
    """

    tag: str
    content: list[Any]
    start: int
    end: int
    distinct: bool = False

    @property
    def keys(self) -> list[Scalar]:
        """The keys, in their order."""
        return self.content[::2]

    @property
    def values(self) -> list["Node"]:
        """The values, in the order of their keys."""
        return self.content[1::2]

    @property
    def pairs(self) -> list[tuple[Scalar, "Node"]]:
        """Each key with its value, in their order."""
        content = iter(self.content)
        return list(zip(content, content))

    def get(self, key: str) -> "Node | None":
        """Return the value that Heat sees under `key`: the last one written, else the one merged in."""
        content = self.content
        for at in range(len(content) - 2, -1, -2):
            if content[at].value == key:
                found: Node = content[at + 1]
                return found
        if not self.distinct and any(is_merge(name) for name in self.keys):
            return next((value for name, value in effective(self) if name.value == key), None)
        return None


Node = Union[Scalar, Sequence, Mapping]


class Duplicate(Struct, frozen=True):
    """A key that stands twice in one mapping: PyYAML drops the first value in silence and keeps the last."""

    dropped: tuple[Scalar, Node]
    kept: tuple[Scalar, Node]
    mapping: Mapping


class Document(Struct, frozen=True):
    """One YAML document; `root` is None for an empty one. `mixed` tells whether a function of Heat's stands beside other keys in it.

    `telling` are those of the keys `TELLING` that stand anywhere in it, `files` what its calls of `get_file` name, in their order.
    """

    root: Node | None
    duplicates: tuple[Duplicate, ...]
    mixed: bool
    telling: frozenset[str]
    files: tuple[Scalar, ...]


class Refused(Exception):
    """PyYAML, as Heat uses it, does not read the text: what is wrong, and at which character."""

    def __init__(self, message: str, start: int) -> None:
        super().__init__(message)
        self.message = message
        self.start = start


def is_merge(key: Scalar) -> bool:
    """Return whether `key` is the merge key `<<`."""
    return key.value == "<<" and key.plain


def find_wrong_merge(mapping: Mapping) -> Node | None:
    """Return what is given to a `<<` of `mapping` and is neither a mapping nor a list of mappings: PyYAML refuses it."""
    for key, value in mapping.pairs:
        if not is_merge(key) or isinstance(value, Mapping):
            continue
        if not (isinstance(value, Sequence) and all(isinstance(item, Mapping) for item in value.items)):
            return value
    return None


def find_repeated(mapping: Mapping) -> list[Duplicate]:
    """Return the keys that stand twice in `mapping`: equal ones of one type, but for `<<`."""
    found = []
    last: dict[tuple[str, str], tuple[Scalar, Node]] = {}
    for pair in mapping.pairs:
        name = (pair[0].value, tag_of(pair[0]))
        if name in last and name[1] != "merge":
            found.append(Duplicate(last[name], pair, mapping))
        last[name] = pair
    return found


_Pairs = list[tuple[Scalar, Node]]


def effective(mapping: Mapping, _inside: frozenset[int] = frozenset(), _known: dict[int, _Pairs] | None = None) -> _Pairs:
    """Return the pairs of `mapping` that Heat sees: `<<` merged in, of equal keys only the last. What is merged often is looked at once."""
    if mapping.distinct:
        return mapping.pairs
    seen: dict[str, tuple[Scalar, Node]] = {}
    own: list[tuple[Scalar, Node]] = []
    inside = _inside | {id(mapping)}
    merged: dict[int, _Pairs] = {} if _known is None else _known
    for key, value in mapping.pairs:
        if not is_merge(key):
            own.append((key, value))
            continue
        for one in reversed(value.items) if isinstance(value, Sequence) else (value,):
            if isinstance(one, Mapping) and id(one) not in inside:
                if id(one) not in merged:
                    merged[id(one)] = effective(one, inside, merged)
                seen.update((k.value, (k, v)) for k, v in merged[id(one)])
    seen.update((key.value, (key, value)) for key, value in own)
    return list(seen.values())


def walk(node: Node | None) -> Iterator[Node]:
    """Yield `node` and every node below it in the order of the text, lists and mappings once, however many aliases lead to them."""
    if node is None:
        return
    seen: set[int] = set()
    todo = [node]
    while todo:
        node = todo.pop()
        if isinstance(node, Scalar):
            yield node
            continue
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        todo.extend(reversed(node.content if isinstance(node, Mapping) else node.items))


def tag_of(scalar: Scalar) -> str:
    """Return the tag of a scalar, without `tag:yaml.org,2002:`: `int`, `bool`, `null`, `str`, `timestamp`, ..."""
    if scalar.tag:
        return scalar.tag[len(TAG) :] if scalar.tag.startswith(TAG) else scalar.tag
    value = scalar.value
    if not scalar.plain or (value and value[0] not in _RESOLVED):
        return "str"
    if value[:1].isalpha():
        return "str" if value not in _WORDS else "null" if _WORDS[value] is None else "bool"
    if _is_whole(value):
        return "int"
    from yaml.resolver import Resolver

    table = Resolver.yaml_implicit_resolvers
    for tag, expression in table.get(value[:1], ()):
        if expression.match(value):
            return str(tag)[len(TAG) :]
    return "str"


_NULL = ("", "~", "null")


def is_null(scalar: Scalar) -> bool:
    """Return whether a scalar is nothing to PyYAML, by its tag or by its text."""
    return (bool(scalar.tag) or scalar.value.lower() in _NULL) and tag_of(scalar) == "null"


def usual(scalar: Scalar) -> bool | int | None:
    """Return the value of a plain word or whole number without PyYAML, whose constructors take 8 ms to import; None for all else."""
    if scalar.tag or not scalar.plain:
        return None
    return int(scalar.value) if _is_whole(scalar.value) else _WORDS.get(scalar.value)


def _is_whole(value: str) -> bool:
    digits = value[1:] if value[:1] == "-" else value
    return digits.isascii() and digits.isdigit() and (digits[0] != "0" or digits == "0") and len(digits) < 19


_DIGITS = 1000  # characters of a whole number, in whatever base
# what PyYAML's constructors raise, besides its own errors, for `!!bool a`, `!!timestamp a`, `!!int ''` and the like
_FAILURES = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError)


def value_of(scalar: Scalar) -> Any:
    """Return the value of a scalar as PyYAML's safe loader builds it; its text where that fails."""
    tag = tag_of(scalar)
    if tag == "str":
        return scalar.value
    found = usual(scalar)
    if found is not None:
        return found
    if tag == "int" and len(scalar.value) > _DIGITS:  # a number that Python refuses to write out
        return scalar.value
    import yaml

    try:
        return _constructor().construct_object(yaml.ScalarNode(TAG + tag, scalar.value))
    except (yaml.YAMLError, *_FAILURES):
        return scalar.value


NULL = "null"


def literal(scalar: Scalar) -> str:
    """Return the value of a scalar as Puppet gets to see it: `-1` for -1 and `'-1'`, `true` for yes."""
    tag = tag_of(scalar)
    if tag == "null":
        return NULL
    value = value_of(scalar) if tag in ("int", "bool") else scalar.value
    return str(value).lower() if isinstance(value, bool) else str(value)


def plain(node: Node | None) -> Any:
    """Return the values below `node` as PyYAML's safe loader builds them. Raises Refused where that fails."""
    import yaml

    if node is None:
        return None
    try:
        return _merging()().construct_document(_Foreign().node(node))
    except yaml.MarkedYAMLError as error:
        raise Refused(str(error.problem), node.start) from None
    except _FAILURES as error:
        raise Refused(str(error), node.start) from None


@lru_cache(maxsize=1)
def _merging() -> Any:
    """Return PyYAML's constructor as the releases of OpenStack have it, which is before 6.0.4: of a list that is merged the first counts.

    6.0.4 takes the last, and keys that are the same object in memory (letters are, words are not) for one.
    """
    import yaml

    class Merging(yaml.constructor.SafeConstructor):
        def flatten_mapping(self, node: Any) -> None:
            merged, own = [], []
            for key, value in node.value:
                if key.tag != "tag:yaml.org,2002:merge":
                    key.tag = "tag:yaml.org,2002:str" if key.tag == "tag:yaml.org,2002:value" else key.tag
                    own.append((key, value))
                    continue
                several = isinstance(value, yaml.SequenceNode)
                for one in reversed(value.value) if several else (value,):
                    if not isinstance(one, yaml.MappingNode):
                        wanted = "a mapping" if several else "a mapping or list of mappings"
                        problem = f"expected {wanted} for merging, but found {one.id}"
                        raise yaml.constructor.ConstructorError("while constructing a mapping", node.start_mark, problem, one.start_mark)
                    self.flatten_mapping(one)
                    merged += one.value
            node.value = merged + own

    return Merging


def same(one: Node, other: Node, depth: int = DEPTH_LIMIT) -> bool:
    """Return whether two nodes mean the same: equal values, whatever their style; lists in order, mappings not."""
    if one is other:
        return True
    if depth == 0 or one.__class__ is not other.__class__:
        return False
    if isinstance(one, Scalar) and isinstance(other, Scalar):
        return tag_of(one) == tag_of(other) and value_of(one) == value_of(other)
    if isinstance(one, Sequence) and isinstance(other, Sequence):
        return len(one.items) == len(other.items) and all(same(a, b, depth - 1) for a, b in zip(one.items, other.items))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        left = {key.value: value for key, value in effective(one)}
        right = {key.value: value for key, value in effective(other)}
        return left.keys() == right.keys() and all(same(value, right[key], depth - 1) for key, value in left.items())
    return False


@lru_cache(maxsize=1)
def _constructor() -> Any:
    import yaml

    return yaml.constructor.SafeConstructor()


class _Foreign:
    """Our nodes -> PyYAML's, each once, so that aliases and circles stay what they are."""

    def __init__(self) -> None:
        self._done: dict[int, Any] = {}

    def node(self, node: Node) -> Any:
        """Return the node of PyYAML that stands for `node`."""
        import yaml

        if id(node) in self._done:
            return self._done[id(node)]
        made: Any
        if isinstance(node, Scalar):
            tag = tag_of(node)
            made = yaml.ScalarNode(tag if ":" in tag else TAG + tag, node.value)
        elif isinstance(node, Sequence):
            made = yaml.SequenceNode(node.tag or TAG + "seq", [])
        else:
            made = yaml.MappingNode(node.tag or TAG + "map", [])
        self._done[id(node)] = made
        if isinstance(node, Sequence):
            made.value.extend(self.node(item) for item in node.items)
        elif isinstance(node, Mapping):
            made.value.extend((self.node(key), self.node(value)) for key, value in node.pairs)
        return made


def call(node: Node) -> tuple[str, Node] | None:
    """Return the function and its argument if `node` is a call (a mapping of one key), else None."""
    if isinstance(node, Mapping) and len(node.content) == 2:
        key, argument = node.content
        return key.value, argument
    return None


EXPANDED_LIMIT = 1_000_000  # nodes with every alias written out; the largest file of tripleo-heat-templates has 27,000
_PROPERTIES = pattern(r"(?:[&!]\S*(?:\s+(?:#[^\n\r\x85\u2028\u2029]*(?:\s+|$))*|$))*")  # anchor, tag and comments in front of a node
_TOO_MANY = f"more than {EXPANDED_LIMIT} nodes, with every alias written out"
_OUTSIDE = 5  # events that are in no list or mapping: where the stream and the document begin and end, and the root
_TOO_DEEP = f"nested deeper than {DEPTH_LIMIT} levels"
# Heat's functions: those of a list, those of a mapping with one key that each needs, and those that name something
LISTED = frozenset(("get_attr", "map_merge", "map_replace", "list_join", "list_concat", "list_concat_unique"))
WITH_KEYS = MappingProxyType({"str_replace": "template", "str_replace_strict": "template", "yaql": "expression", "repeat": "template"})
NAMING = frozenset(("get_param", "get_resource", "get_file", "get_attr"))
FUNCTIONS = frozenset(("if", *LISTED, *WITH_KEYS, *NAMING))
TELLING = FUNCTIONS | {"input_values", "mapped_data", "datafiles"}  # a document without such a key need not be searched for it


def by_events(text: str) -> Document:
    """Return the one document in `text`. Raises Refused for what PyYAML's safe loader would refuse, and for what is nested too deep."""
    try:
        return _by_events(text, _parser())
    except Refused as refused:
        if refused.message.endswith(_TAKEN_BY_OTHERS) and len(text) <= _MOST_AGAIN:
            with suppress(Refused):
                return _by_events(text, _yaml().SafeLoader)
        raise


# libyaml refuses `{get_attr:[A, b]}`, and a tab behind the spaces in front of a text, where PyYAML's own parser does not; from mitaka on
# Heat and its client try that one where the other refuses
_TAKEN_BY_OTHERS = ("found unexpected ':'", "found a tab character where an indentation space is expected")
_MOST_AGAIN = 300_000  # characters that are read once more, which takes some seconds


def _by_events(text: str, parser: Any) -> Document:
    yaml = _yaml()
    shift = 1 if text[:1] == "\ufeff" and hasattr(parser, "raw_parse") else 0  # libyaml does not count a byte order mark
    try:
        if parser is _parser() and _loan.is_taken():
            with _loan:
                document = _Builder(text, shift, parser, _kinds_while_lent()).document()
        else:
            document = _Builder(text, shift, parser, _own_kinds()).document()
    except Refused as refused:
        raise Refused(refused.message, refused.start + shift) from None
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
        raise Refused("half of a surrogate pair is not a character", error.start) from None
    for node in {id(node): node for node in walk(document.root)}.values() if shift else ():  # a scalar comes by each alias of it
        node.start += shift
        node.end += shift
    return document


class _Builder:
    """A parser's events -> one document; places count from behind the first `shift` characters of the text."""

    def __init__(self, text: str, shift: int, parser: Any, kinds: tuple[type, ...]) -> None:
        """`kinds` are the classes of the parser's events, in the order of `_NAMES`."""
        self._parser = parser(text)
        self._kinds = kinds
        self._parser_of = parser
        self._whole = text
        self._text = text[shift:]
        self._duplicates: list[Duplicate] = []
        self._anchors: dict[str, Node] = {}
        self._mixed = False
        self._telling: set[str] = set()
        self._files: list[Scalar] = []

    def document(self) -> Document:
        ScalarEvent, MappingStartEvent, SequenceStartEvent, MappingEndEvent, SequenceEndEvent, AliasEvent, DocumentStartEvent = self._kinds
        anchors, next_event, kind_of, all_telling = self._anchors, self._parser.get_event, type, TELLING
        into: list[Any] = []  # where the next node goes: a flat list of keys and values, or of items
        root = into
        stack: list[tuple[list[Any], str, int, Any, str | None, int]] = []  # what has begun, made where it ends if no alias may name it
        node: Any
        sizes: dict[str, int] = {}  # of what an anchor names, with every alias in it written out
        size, documents = _OUTSIDE, 0  # of events, but for those in what has not ended
        while True:
            event = next_event()
            kind = kind_of(event)
            if kind is ScalarEvent:
                if event.tag is None is event.anchor:
                    into.append(Scalar("", event.value, event.start_mark.index, event.end_mark.index, event.implicit[0]))
                else:
                    into.append(self._scalar(event))
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                start = event.start_mark.index
                if event.tag is None is event.anchor:
                    stack.append((into, "", start, None, None, size))
                else:
                    tag = self._read_tag(event) if event.tag is not None else ""
                    node = None
                    if event.anchor is not None:
                        node = Mapping(tag, [], start, start) if kind is MappingStartEvent else Sequence(tag, [], start, start)
                        self._anchor(event, node)
                    stack.append((into, tag, start, node, event.anchor, size))
                if len(stack) > DEPTH_LIMIT:
                    raise Refused(_TOO_DEEP, start)
                into = []
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                content = into
                length = len(content)
                size += length + 1
                if size > EXPANDED_LIMIT:
                    raise self._too_many()
                into, tag, start, node, anchor, before = stack.pop()
                end = event.end_mark.index
                if anchor is not None:
                    sizes[anchor] = size - before
                    node.end = end
                if kind is SequenceEndEvent:
                    if node is None:
                        node = Sequence(tag, content, start, end)
                    else:
                        node.items = content
                elif length == 2 and kind_of(content[0]) is Scalar and (name := content[0].value) != "<<":  # as most are
                    if name in all_telling:
                        self._telling.add(name)
                        if name == "get_file" and kind_of(content[1]) is Scalar:
                            self._files.append(content[1])
                    if node is None:
                        node = Mapping(tag, content, start, end, True)
                    else:
                        node.content, node.distinct = content, True
                else:
                    if node is None:
                        node = Mapping(tag, content, start, end)
                    else:
                        node.content = content
                    self._look_at(node)
                into.append(node)
            elif kind is AliasEvent:
                named = anchors.get(event.anchor)
                if named is None:
                    raise Refused(f"alias `*{event.anchor}` has no anchor", event.start_mark.index)
                if event.anchor not in sizes and named.__class__ is not Scalar:
                    raise Refused(f"alias `*{event.anchor}` is inside what it names", event.start_mark.index)
                size += sizes.get(event.anchor, 0)
                if size > EXPANDED_LIMIT:
                    raise self._too_many()
                into.append(named)
            elif event is None:
                break
            elif kind is DocumentStartEvent:
                documents += 1
                if documents > 1:
                    raise Refused("a second document begins here; Heat reads files of one", event.start_mark.index)
        duplicates, files = tuple(self._duplicates), tuple(self._files)
        return Document(root[0] if root else None, duplicates, self._mixed, frozenset(self._telling), files)

    def _too_many(self) -> Refused:
        """Return the refusal of the first event that is one too many, which is only known to be there where a list or a mapping ends."""
        _, *starts, mapping_end, sequence_end, alias, _ = self._kinds
        next_event = self._parser_of(self._whole).get_event
        size, stack, sizes = 0, [], dict[object, int]()
        while True:
            event = next_event()
            kind = type(event)
            name = getattr(event, "anchor", None)
            size += 1 + (sizes.get(name, 0) if kind is alias else 0)
            if size > EXPANDED_LIMIT:
                return Refused(_TOO_MANY, event.start_mark.index)
            if kind in starts:
                stack.append((name, size))
            elif kind in (mapping_end, sequence_end):
                anchor, before = stack.pop()
                if anchor is not None:
                    sizes[anchor] = size - before

    def _scalar(self, event: Any) -> Scalar:
        """Return the scalar of an event with an anchor or a tag."""
        tag, end = self._read_tag(event), event.end_mark.index
        behind: Any = _PROPERTIES.match(self._text, event.start_mark.index)
        start = min(behind.end(), end)  # an empty one ends in front of what follows
        node = Scalar(tag, event.value, start, end, event.implicit[0] and not tag)
        self._anchor(event, node)
        return node

    def _anchor(self, event: Any, node: Node) -> None:
        if event.anchor is None:
            return
        if event.anchor in self._anchors:
            raise Refused(f"anchor `&{event.anchor}` stands twice", event.start_mark.index)
        self._anchors[event.anchor] = node

    def _read_tag(self, event: Any) -> str:
        tag: str | None = event.tag
        if tag is None or tag == "!":
            return ""  # PyYAML goes by the text then, as if there were no tag
        if tag not in _list_tags():
            raise Refused(f"tag `{tag}` is not known to Heat", event.start_mark.index)
        return tag

    def _look_at(self, mapping: Mapping) -> None:
        """Look at the keys of a mapping: what they are, whether they are distinct, and what they say to Heat."""
        keys = mapping.keys
        names = set()
        try:
            for key in keys:
                names.add(key.value)
        except AttributeError:
            raise Refused("a key that is a list or a mapping", next(key.start for key in keys if key.__class__ is not Scalar)) from None
        mapping.distinct = len(names) == len(keys)
        if not mapping.distinct:
            self._duplicates += find_repeated(mapping)
        if "<<" in names:
            mapping.distinct = False
            wrong = find_wrong_merge(mapping)
            if wrong is not None:
                raise Refused("`<<` must be given a mapping or a list of mappings", wrong.start)
        if not TELLING.isdisjoint(names):
            self._telling |= TELLING & names
            self._mixed = self._mixed or (len(names) > 1 and not FUNCTIONS.isdisjoint(names))


@lru_cache(maxsize=1)
def _yaml() -> Any:
    with late_expressions():
        import yaml
    return yaml


@lru_cache(maxsize=1)
def _parser() -> Any:
    yaml = _yaml()
    if getattr(yaml, "__with_libyaml__", False):
        from yaml._yaml import CParser

        return CParser
    return yaml.SafeLoader


class _ScalarEvent(Struct, eq=False, gc=False):
    anchor: Any
    tag: Any
    implicit: Any
    value: Any
    start_mark: Any
    end_mark: Any
    style: Any


class _MappingStartEvent(Struct, eq=False, gc=False):
    anchor: Any
    tag: Any
    implicit: Any
    start_mark: Any
    end_mark: Any
    flow_style: Any


class _SequenceStartEvent(_MappingStartEvent, eq=False, gc=False):
    pass


class _MappingEndEvent(Struct, eq=False, gc=False):
    start_mark: Any
    end_mark: Any


class _SequenceEndEvent(_MappingEndEvent, eq=False, gc=False):
    pass


_LENT = (_ScalarEvent, _MappingStartEvent, _SequenceStartEvent, _MappingEndEvent, _SequenceEndEvent)
_NAMES = (*(kind.__name__[1:] for kind in _LENT), "AliasEvent", "DocumentStartEvent")


@lru_cache(maxsize=1)
def _own_kinds() -> tuple[type, ...]:
    """Return the classes of PyYAML's events, in the order of their names."""
    return tuple(getattr(_yaml().events, name) for name in _NAMES)


@lru_cache(maxsize=1)
def _kinds_while_lent() -> tuple[type, ...]:
    return (*_LENT, *_own_kinds()[len(_LENT) :])


class _Loan:
    """PyYAML's C parser makes its events of classes that are lent to it, from the first text that is being read to the end of the last.

    Those of PyYAML are filled by functions in Python, which takes a third of the time of parsing (docs/adr/0014-retired-tricks.md). As
    the loan is seen by everybody who asks that parser for events, it is made in the process of the command only.
    """

    def __init__(self) -> None:
        self._changing = allocate_lock()
        self._readers = 0
        self._is_taken: bool | None = None

    def __enter__(self) -> None:
        with self._changing:
            self._readers += 1
            if self._readers == 1:
                self._put(_LENT)

    def __exit__(self, *_: object) -> None:
        with self._changing:
            self._readers -= 1
            if not self._readers:
                self._put(_own_kinds())

    def is_taken(self) -> bool:
        """Return whether this is the command, and PyYAML's C parser one that takes what is lent to it, which is tried out once."""
        if self._is_taken is None:
            with self._changing:
                if self._is_taken is None:  # else another thread has tried it
                    self._is_taken = is_alone() and self._try_out()
        return self._is_taken

    def _try_out(self) -> bool:
        if [getattr(getattr(_yaml(), "_yaml", None), name, None) for name in _NAMES] != [*_own_kinds()]:
            return False
        self._put(_LENT)
        try:
            told = [type(event) for event in iter(_parser()("a: [b]").get_event, None)]
        except TypeError:  # a class is given something else
            return False
        finally:
            self._put(_own_kinds())
        scalar, mapping, sequence, mapping_end, sequence_end, _, begin = _kinds_while_lent()
        return told[1:-2] == [begin, mapping, scalar, sequence, scalar, sequence_end, mapping_end]

    def _put(self, kinds: Iterable[type]) -> None:
        vars(_yaml()._yaml).update(zip(_NAMES, kinds))


_loan = _Loan()


@lru_cache(maxsize=1)
def _list_tags() -> frozenset[str]:
    import yaml

    return frozenset(tag for tag in yaml.SafeLoader.yaml_constructors if tag is not None)


def _character(text: str, error: Any) -> int:
    """Return at which character of `text` PyYAML's reader stopped: the C one counts bytes of UTF-8."""
    if getattr(error, "encoding", None) != "?":
        return min(int(error.position), len(text))
    return min(len(text.encode("utf-8")[: error.position].decode("utf-8", "ignore")), len(text))


def read(text: str) -> Document:
    """Return the one document in `text`. Raises Refused for what PyYAML's safe loader would refuse, and for what is nested too deep."""
    if not gc.isenabled():
        return by_events(text)
    with pause_collector():
        return by_events(text)


@contextmanager
def pause_collector() -> Iterator[None]:
    """Let nodes be made, hundreds of thousands and none of them in a circle, without the garbage collector looking for circles.

    What there is at the end counts as old, so that the collector does not look at all of it as soon as it runs again.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            if not gc.get_freeze_count():  # else somebody has frozen objects for good
                gc.freeze()
                gc.unfreeze()
            gc.enable()


_TAG = pattern(r"\{[%{#]")
_ENDS = {"%": "%}", "{": "}}", "#": "#}"}
_RAW = pattern(r"\{%-?\s*raw\s*-?%\}")
_RAW_END = pattern(r"\{%-?\s*endraw\s*-?%\}")
_VISIBLE = pattern(r"[^\r\n]")
FILLER = "x"  # what an expression becomes


_IF = pattern(r"\{%[-+]?\s*(if|endif)\b")


class Masked(Struct, frozen=True):
    """Text without Jinja; `statements` are the ranges of `{% %}`, `expressions` those of `{{ }}`.

    `choices` are the ranges from an `{% if %}` to its `{% endif %}`, those within another left out. Each of the three is in the order
    of the text, and no range of it reaches into the next.
    """

    text: str
    statements: tuple[tuple[int, int], ...]
    expressions: tuple[tuple[int, int], ...]
    choices: tuple[tuple[int, int], ...] = ()

    def is_decided_between(self, start: int, end: int) -> bool:
        """Return whether a statement, which may leave out a part, stands between two places."""
        at = bisect_left(self.statements, (start,))
        return at < len(self.statements) and self.statements[at][0] < end

    def is_generated(self, start: int, end: int) -> bool:
        """Return whether an expression writes a part of the text between two places."""
        at = bisect_left(self.expressions, (end,))
        return at > 0 and start < self.expressions[at - 1][1]

    def is_open(self, start: int, end: int, within: int = 0) -> bool:
        """Return whether Jinja decides what stands between two places, or whether anything does (a choice that begins behind `within`)."""
        at = bisect_left(self.choices, (start + 1,))
        chosen = at > 0 and within <= self.choices[at - 1][0] and start < self.choices[at - 1][1]
        return chosen or self.is_generated(start, end) or self.is_decided_between(start, end)


def is_jinja(path: str) -> bool:
    """Return whether the file at `path` is rendered before Heat sees it: only the name tells."""
    return path.endswith((".j2.yaml", ".j2.yml", ".j2"))


def mask(text: str) -> Masked:
    """Return `text` with statements and comments blanked and expressions turned into letters, line breaks kept.

    What stands between `{% raw %}` and `{% endraw %}` is left alone.
    """
    statements: list[tuple[int, int]] = []
    expressions: list[tuple[int, int]] = []
    pieces: list[str] = []
    at = 0
    for raw, behind in (*_raw(text), ((len(text), len(text)), (len(text), len(text)))):
        for start, end in _tags(text, at, raw[0]):
            pieces.append(text[at:start])
            shown = text[start + 1] == "{"
            if text[start + 1] != "#":
                (expressions if shown else statements).append((start, end))
            pieces.append(_VISIBLE.sub(FILLER if shown else " ", text[start:end]))
            at = end
        pieces.append(text[at : raw[0]])
        pieces += (_VISIBLE.sub(" ", text[raw[0] : raw[1]]), text[raw[1] : behind[0]], _VISIBLE.sub(" ", text[behind[0] : behind[1]]))
        at = behind[1]
    return Masked("".join(pieces), tuple(statements), tuple(expressions), tuple(_choices(text, statements)))


def _choices(text: str, statements: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the range from each `{% if %}` to its `{% endif %}`; one without goes on to the end of the text."""
    depth = begin = 0
    for start, end in statements:
        word = _IF.match(text, start, end)
        if word is None:
            continue
        if word.group(1) == "if":
            begin = begin if depth else start
            depth += 1
        elif depth:
            depth -= 1
            if not depth:
                yield begin, end
    if depth:
        yield begin, len(text)


_BRANCH = pattern(r"\{%[-+]?\s*(if|elif|else|endif)\b")
_EMPTY_VALUES = ("[]", "{}", "''", '""', "~", "null")


def without_empty(text: str, masked: Masked) -> Masked:
    """Return masked `text` without those branches of a choice that are an empty value and nothing else (`{% else %} [] {% endif %}`).

    YAML refuses such a value behind the items of the other branch, of which just one is left when Jinja has been rendered.
    """
    words = [match[1] if (match := _BRANCH.match(text, start, end)) else "" for start, end in masked.statements]
    shown, at = masked.text, 0
    pieces: list[str] = []
    for number, following in enumerate(words[1:]):
        word, begin, end = words[number], masked.statements[number][1], masked.statements[number + 1][0]
        of_choice = word in ("elif", "else") or (word == "if" and following in ("elif", "else"))
        if of_choice and following in ("elif", "else", "endif") and shown[begin:end].strip() in _EMPTY_VALUES:
            pieces += (shown[at:begin], _VISIBLE.sub(" ", shown[begin:end]))
            at = end
    return Masked("".join((*pieces, shown[at:])), masked.statements, masked.expressions, masked.choices) if pieces else masked


def _raw(text: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield where each `{% raw %}` and the `{% endraw %}` behind it stand; one without is none."""
    raw = _RAW.search(text)
    while raw is not None:
        behind = _RAW_END.search(text, raw.end())
        if behind is None:
            return
        yield raw.span(), behind.span()
        raw = _RAW.search(text, behind.end())


def _tags(text: str, at: int, limit: int) -> Iterator[tuple[int, int]]:
    """Yield where statements, expressions and comments stand between two places; one that does not end is none."""
    open_ended: set[str] = set()
    while (tag := _TAG.search(text, at, limit)) is not None:
        mark = tag.group()[1]
        end = text.find(_ENDS[mark], tag.end(), limit) if mark not in open_ended else -1
        if end < 0:
            open_ended.add(mark)
            at = tag.start() + 1
        else:
            at = end + 2
            yield tag.start(), at


TEMPLATE, ENVIRONMENT, ROLES, OTHER = "template", "environment", "roles", "other"
_TEMPLATE_KEYS = ("heat_template_version", "HeatTemplateFormatVersion", "AWSTemplateFormatVersion")
SECTIONS = (
    "resource_registry",
    "parameter_defaults",
    "parameters",
    "parameter_merge_strategies",
    "encrypted_param_names",
    "event_sinks",
)


class HeatFile(Struct, frozen=True):
    """One file as Heat reads it. `form` is `template`, `environment`, `roles` or `other` (hieradata, capabilities).

    `mixed`, `telling` and `files` are as in the document, `tops` are what Heat sees under the keys of the document itself.
    """

    source: Source
    form: str
    root: Node | None
    duplicates: tuple[Duplicate, ...]
    masked: Masked | None
    mixed: bool
    telling: frozenset[str]
    files: tuple[Scalar, ...]
    tops: dict[str, Node]

    def span(self, node: Node) -> Span:
        """Return where `node` stands."""
        return Span(self.source.path, node.start, node.end)

    def text(self, scalar: Scalar) -> Text:
        """Return the text of `scalar` with its place."""
        return Text(scalar.value, self.span(scalar))

    def is_open(self, key: Scalar, value: Node) -> bool:
        """Return whether only Jinja decides what the value of a key is, or whether there is one."""
        masked = self.masked
        if masked is None:
            return False
        places = ((key.start, key.start + 1), (key.end, value.end), (value.start, value.end))  # an alias stands elsewhere
        return any(masked.is_open(start, end) for start, end in places)

    def top(self, key: str) -> Node | None:
        """Return the value of a key of the document itself."""
        return self.tops.get(key)

    def section(self, key: str) -> Mapping:
        """Return the mapping under a key of the document; an empty one if there is none."""
        found = self.top(key)
        return found if isinstance(found, Mapping) else Mapping("", [], 0, 0)


Reading = Union[HeatFile, Unreadable, NotEvaluated]


class Documents:
    """The documents of small files, kept for those who ask for them again soon: who judges a file, and who then looks for its secrets."""

    def __init__(self, room: int) -> None:
        """`room` is how many characters the files may have whose documents are kept."""
        self._room = room
        self._kept: deque[Source] = deque()
        self._characters = 0

    def read(self, source: Source) -> Reading:
        """Return what `read_file` returns."""
        kept: Reading | None = source.__dict__.get(_READING)
        if kept is None:
            kept = _read_file(source)
            if len(source.text) <= _SMALL:
                source.__dict__[_READING] = kept
                self._kept.append(source)
                self._characters += len(source.text)
                self._let_go()
        return kept

    def _let_go(self) -> None:
        while self._characters > self._room:
            oldest = self._kept.popleft()
            oldest.__dict__.pop(_READING, None)
            self._characters -= len(oldest.text)


_READING = "_reading"
_SMALL = 64_000  # characters of a source whose document is kept; that of a long one takes much memory
_documents = Documents(room=4_000_000)  # the documents of as much text take some 200 MB at most


def read_file(source: Source) -> Reading:
    """Return the document of `source`, or why it has none: text that PyYAML refuses, Jinja that lwlint cannot see through."""
    return _documents.read(source)


def _read_file(source: Source) -> Reading:
    masked = mask(source.text) if is_jinja(source.path) else None
    text = source.text if masked is None else masked.text
    if source.path.endswith(".json"):
        text = text.replace("\t", " ")  # YAML refuses tabs that JSON allows; within a string JSON has none
    try:
        document, masked = _read_masked(source.text, text, masked)
    except Refused as refused:
        span = source.span(refused.start, min(refused.start + 1, len(source.text)))
        if masked is not None and (masked.statements or masked.expressions):
            return NotEvaluated(source.path, span, "Jinja", source.host)
        return Unreadable(source.path, span, refused.message, source.host)
    root = document.root
    tops = {key.value: value for key, value in effective(root)} if isinstance(root, Mapping) else {}
    told = document.duplicates, masked, document.mixed, document.telling, document.files
    return HeatFile(source, _form(root), root, *told, tops)


def _read_masked(whole: str, text: str, masked: Masked | None) -> tuple[Document, Masked | None]:
    """Return the document of `text`, and what is masked in it, if need be empty branches of choices too. Raises Refused."""
    try:
        return read(text), masked
    except Refused:
        again = without_empty(whole, masked) if masked is not None else None
        if again is None or again is masked:
            raise
        return read(again.text), again


def _form(root: Node | None) -> str:
    if isinstance(root, Mapping):
        keys = {key.value for key in root.keys}
        if keys.isdisjoint(_TEMPLATE_KEYS):
            return OTHER if keys.isdisjoint(SECTIONS) or "resources" in keys else ENVIRONMENT
        return TEMPLATE
    return OTHER if root is None or isinstance(root, Scalar) else ROLES


def comment_may_stand(source: Source, at: int) -> bool:
    """Return whether a `#` at the offset begins a comment of YAML, and is no part of a scalar."""
    if at and not (source.text[at - 1].isspace() or source.text[at - 1] == "\ufeff"):
        return False
    scalars = _scalars(source)
    i = bisect_right(scalars, (at, len(source.text) + 1)) - 1
    return i < 0 or at >= scalars[i][1]


def _scalars(source: Source) -> list[Piece]:
    """Return where the scalars of a file stand, in their order; none for a file that is not read. They are kept with the source."""
    found: list[Piece] | None = source.__dict__.get("_scalars")
    if found is None:
        read = read_file(source)
        nodes = walk(read.root) if isinstance(read, HeatFile) else ()
        found = sorted({(node.start, node.end) for node in nodes if isinstance(node, Scalar)})
        source.__dict__["_scalars"] = found
    return found


def read_blocks(source: Source) -> Iterator[Piece]:
    """Yield the blocks of a file: the entries of mappings and of sequences."""
    read = read_file(source)
    for node in walk(read.root) if isinstance(read, HeatFile) else ():
        if isinstance(node, Mapping):
            yield from ((key.start, value.end) for key, value in node.pairs if value.start >= key.end)  # else an alias
        elif isinstance(node, Sequence):
            yield from ((item.start, item.end) for item in node.items)


def compose(text: str) -> Any:
    """Return the root node of the one document in `text`, None for an empty one. Raises ValueError for what PyYAML refuses."""
    import yaml

    try:
        return yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError("PyYAML does not load it") from error
