"""Sources as they may be shown: by their structure, which tells what scalar is a secret, and then by the look of each line.

The structure is that of the readers: the value of an option with the lines that it goes on in, a scalar, list or mapping of YAML below
the key that holds a secret, the default of a parameter that is hidden, the attribute of a CIB. What no reader takes (a broken file) is left
to the lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from lwlint.core import kinds
from lwlint.core.lazy import pattern
from lwlint.core.secret import Known, hidden_in, is_secret, masked, masked_lines
from lwlint.core.secret_names import AGENTS, OPTIONS_HERE
from lwlint.core.source import Source, Span
from lwlint.inputs.heat import document
from lwlint.inputs.heat.document import HeatFile
from lwlint.inputs.heat.nodes import Mapping as YamlMapping
from lwlint.inputs.heat.nodes import Node, Scalar, Sequence
from lwlint.inputs.oslo import text
from lwlint.inputs.pacemaker.xml import Element, read_xml

_MOST = 4_000_000  # characters of a CIB that is taken apart once more
_GETS = ("get_param", "get_attr", "get_resource", "get_file", "Ref", "Fn::GetAtt")  # what refers to something is no secret
_DESCRIBING = ("type", "description", "label", "hidden", "tags", "constraints", "immutable")
_KEY = pattern(r"^([ \t]+)[\"']?([\w-]{1,200})[\"']?:(?:[ \t]*[\"']?(true|yes|on|1)\b)?", re.IGNORECASE | re.MULTILINE)
_FLOW = pattern(
    r"(?<![\w-])([\w-]{1,200})[\"']?:[ \t]{0,20}\{[^{}\n]{0,500}?\bhidden[\"']?:[ \t]{0,20}[\"']?(?:true|yes|on|1)\b", re.IGNORECASE
)
_SHOWN = "_shown"
_PLAIN_WORD = pattern(r"[a-z_.-]{1,11}|[A-Z]?[a-z]{1,9}|true|false|\d{1,5}")


class Redaction:
    """What may be shown of the sources of one run. Each is taken apart when it is first asked for, and once."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self._names: frozenset[str] | None = None
        self._known: dict[str, frozenset[str]] = {}
        self._hiders: dict[str, Known] = {}

    def text(self, source: Source) -> str:
        """Return the text of a source with every secret as asterisks, and every character that stays in its place."""
        kept: tuple[str, frozenset[str]] | None = source.__dict__.get(_SHOWN)
        if kept is None or kept[1] != self.hidden_names():
            kept = (_shown(source, self.hidden_names()), self.hidden_names())
            object.__setattr__(source, _SHOWN, kept)
        return kept[0]

    def line(self, source: Source, number: int) -> str:
        """Return line `number` (from 1) of a source as it may be shown, without its line break."""
        starts = source.line_starts()
        end = starts[number] if number < len(starts) else len(source.text)
        return self.text(source)[starts[number - 1] : end].rstrip("\r\n").lstrip("\ufeff" if number == 1 else "")

    def message(self, text: str, paths: Iterable[str] = ()) -> str:
        """Return a message without secrets, those too that only the sources at `paths` tell to be ones."""
        for path in dict.fromkeys(paths):
            if path not in self._hiders:
                self._hiders[path] = Known(self.known(path))
            text = self._hiders[path].hidden(text)
        return masked(text)

    def known(self, path: str) -> frozenset[str]:
        """Return the secrets in the source at a path, but for words that stand for other things as well (`guest`, `nova`)."""
        if path not in self._known:
            source = self._sources.get(path)
            found = hidden_in(source.text, self.text(source)) if source is not None and source.text else set()
            self._known[path] = frozenset(one for one in found if not _PLAIN_WORD.fullmatch(one))
        return self._known[path]

    def is_hidden(self, span: Span) -> bool:
        """Return whether a secret, or a part of one, stands at the place."""
        source = self._sources.get(span.path)
        return source is not None and self.text(source)[span.start : span.end] != source.text[span.start : span.end]

    def hidden_names(self) -> frozenset[str]:
        """Return the parameters that a template of the run says are hidden."""
        if self._names is None:
            heats = (source.text for source in self._sources.values() if source.kind == kinds.HEAT and "hidden:" in source.text)
            self._names = frozenset(name for text in heats for name in _hidden_names(text))
        return self._names


def _hidden_names(text: str) -> Iterator[str]:
    """Yield the keys below which, one step further in, a line says `hidden: true`."""
    for flow in _FLOW.finditer(text):
        yield flow[1]
    above: list[tuple[int, str]] = []
    for key in _KEY.finditer(text):
        while above and above[-1][0] >= len(key[1]):
            above.pop()
        if key[2] == "hidden" and key[3] and above:
            yield above[-1][1]
        above.append((len(key[1]), key[2]))


def _shown(source: Source, names: frozenset[str]) -> str:
    file = document.read_file(source) if source.kind == kinds.HEAT else None
    spans = sorted({(start, end) for start, end in _spans(source, file, names) if start < end})
    also = names if source.kind == kinds.HEAT else OPTIONS_HERE if source.kind == kinds.OSLO else ()
    shown = masked_lines(source.text, also, broken=source.kind in (kinds.HEAT, "unreadable") and not isinstance(file, HeatFile))
    pieces, at = [], 0
    for start, end in spans:
        start = max(start, at)
        if start < end:
            pieces += [shown[at:start], re.sub(r"[^\s]", "*", source.text[start:end])]
            at = end
    return "".join((*pieces, shown[at:])) if pieces else shown


def _spans(source: Source, file: document.Reading | None, names: frozenset[str]) -> Iterator[tuple[int, int]]:
    if isinstance(file, HeatFile):
        yield from _in_yaml(file, names)
    elif source.kind == kinds.CIB and len(source.text) < _MOST:
        root = read_xml(source)
        if isinstance(root, Element):
            yield from _in_cib(root)
    elif source.kind == kinds.OSLO:
        for setting in text.read(source).settings:
            if setting.name.lower().replace("-", "_") in OPTIONS_HERE or is_secret(setting.name):
                yield setting.start, setting.end


def _in_yaml(file: HeatFile, names: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Yield the scalars of a document that are secrets: all below a key that holds one, and what hidden parameters have by default."""
    todo: list[tuple[Node, bool]] = [(file.root, False)] if file.root is not None else []
    seen: set[tuple[int, bool]] = set()
    while todo:
        node, secret = todo.pop()
        if isinstance(node, Scalar):
            if secret and node.value.strip() and not _is_no_value(node):
                yield _inside(node, file.source.text)
        elif (id(node), secret) not in seen:
            seen.add((id(node), secret))
            if isinstance(node, Sequence):
                todo += [(item, secret) for item in node.items]
            else:
                todo += _below(node, secret, names)


def _below(node: YamlMapping, secret: bool, names: frozenset[str]) -> Iterator[tuple[Node, bool]]:
    """Yield the values of a mapping, and whether each is secret."""
    scalars = [(key.value, value.value) for key, value in node.pairs if isinstance(key, Scalar) and isinstance(value, Scalar)]
    hidden = any(key == "hidden" and value.lower() in ("true", "yes", "on", "1") for key, value in scalars)
    named = any(key == "name" and is_secret(value) for key, value in scalars)
    for key, value in node.pairs:
        if isinstance(key, Scalar) and key.value not in _GETS and not (secret and key.value in _DESCRIBING):
            yield (
                value,
                secret
                or (is_secret(key.value) and key.value not in ("key", "community"))
                or key.value in names
                or (hidden and key.value == "default")
                or (named and key.value == "value"),
            )
        elif isinstance(key, Scalar) and key.value == "constraints":
            yield value, False


def _is_no_value(node: Scalar) -> bool:
    return node.plain and node.value.lower() in ("true", "false", "null", "~", "yes", "no", "on", "off")


def _inside(node: Scalar, text: str) -> tuple[int, int]:
    """Return the place of a scalar without its quotes, or without the head of a block."""
    start, end = node.start, node.end
    if text[start : start + 1] in ("'", '"'):
        return start + 1, end - 1
    if text[start : start + 1] in ("|", ">"):
        line = text.find("\n", start, end)
        return (line if line >= 0 else end), end
    return start, end


def _in_cib(root: Element) -> Iterator[tuple[int, int]]:
    for element in root.walk():
        name = element.attributes.get("name")
        if name is not None and "value" in element.attributes and (name.lower().replace("-", "_") in AGENTS or is_secret(name)):
            value = element.text("value")
            if value is not None:
                yield value.span.start, value.span.end
