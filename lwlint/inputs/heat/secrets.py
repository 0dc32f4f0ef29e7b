"""What is a secret in a Heat file, by its structure: all below a key that holds one, and what hidden parameters have by default."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from lwlint.core.kind import Piece
from lwlint.core.lazy import pattern
from lwlint.core.secret import is_secret
from lwlint.core.source import Source
from lwlint.inputs.heat.document import HeatFile, read_file
from lwlint.inputs.heat.nodes import Mapping as YamlMapping
from lwlint.inputs.heat.nodes import Node, Scalar, Sequence

_GETS = ("get_param", "get_attr", "get_resource", "get_file", "Ref", "Fn::GetAtt")  # what refers to something is no secret
_DESCRIBING = ("type", "description", "label", "hidden", "tags", "constraints", "immutable")
_KEY = pattern(r"^([ \t]+)[\"']?([\w-]{1,200})[\"']?:(?:[ \t]*[\"']?(true|yes|on|1)\b)?", re.IGNORECASE | re.MULTILINE)
_FLOW = pattern(
    r"(?<![\w-])([\w-]{1,200})[\"']?:[ \t]{0,20}\{[^{}\n]{0,500}?\bhidden[\"']?:[ \t]{0,20}[\"']?(?:true|yes|on|1)\b", re.IGNORECASE
)


def hidden_names(text: str) -> Iterator[str]:
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


def is_broken(source: Source) -> bool:
    """Return whether the file has no structure to go by."""
    return not isinstance(read_file(source), HeatFile)


def read_secrets(source: Source, names: Collection[str]) -> Iterator[Piece]:
    """Yield the places of the scalars that are secrets; `names` are the parameters that some template says are hidden."""
    file = read_file(source)
    if isinstance(file, HeatFile):
        yield from _in_yaml(file, names)


def _in_yaml(file: HeatFile, names: Collection[str]) -> Iterator[tuple[int, int]]:
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


def _below(node: YamlMapping, secret: bool, names: Collection[str]) -> Iterator[tuple[Node, bool]]:
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
