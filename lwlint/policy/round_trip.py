"""YAML that people keep, edited or made: new `finds` for a rule's examples, one more exception for a configuration, an environment.

ruamel.yaml tells where things stand and lays out what is new, with the comments and quotes of what it is put beside. It would lay out
anew some of what it should keep (long lines, mostly), so only the lines in question are replaced; and what comes out is read again: all
but the change must be as it was.
"""

from __future__ import annotations

import difflib
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lwlint.core.config_reader import load
from lwlint.core.finding import ConfigurationError

_NARROW = 100  # the least width at which long text is broken


def with_finds(text: str, path: str, finds: Mapping[int, Sequence[str]]) -> str:
    """Return a rule's YAML with other `finds` for some of its examples, by their number from 0, which have some already.

    Comments, quotes, order and the width of lines are kept. Raises ConfigurationError for what cannot be edited without loss.
    """
    eol = "\r\n" if "\r\n" in text else "\n"
    lines, expected = _lines(text), load(text, path)
    examples = _value(_compose(text, path), "examples")
    for i in sorted(finds, reverse=True):
        example = examples.value[i]
        key, node = next((key, value) for key, value in example.value if key.value == "finds")
        old = expected["examples"][i]["finds"]
        if node.id != "sequence" or node.anchor is not None or not node.value or any(item.id != "scalar" for item in node.value):
            raise _lossy(path, key, "`finds` must be a list of texts")
        first, last = node.start_mark.line, node.end_mark.line if node.flow_style else _last_line(node, lines)
        if node.flow_style:
            _refuse_comments(lines[first : last + 1], path, key, len(node.value))
            head, tail = lines[first][: node.start_mark.column], lines[last][node.end_mark.column :]
            fresh = _flowing(node, _in_order(old, finds[i]), key.start_mark.column, max(len(line.rstrip()) for line in lines))
            lines[first : last + 1] = [head + fresh + tail]
            continue
        if any(lines[item.start_mark.line][: item.start_mark.column].strip() != "-" for item in node.value):
            raise _lossy(path, key, "`finds` must be a list with one item on each line")
        lines[first : last + 1] = [line.rstrip("\r\n") + eol for line in _with_items(lines, node.value, old, finds[i])]
    changed = "".join(lines)
    for i, found in finds.items():
        expected["examples"][i]["finds"] = _in_order(expected["examples"][i]["finds"], found)
    return _verify(changed, path, expected)


def with_exception(text: str, path: str, entry: Mapping[str, Any]) -> str:
    """Return a configuration with one more exception, the last of its `allow`, which is added where there is none.

    Raises ConfigurationError for what cannot be edited without loss.
    """
    expected = load(text, path)
    if expected is None:
        expected = {}
    mark, text = text[: text.startswith("\ufeff")], text.removeprefix("\ufeff")  # columns are counted without it
    eol = "\r\n" if "\r\n" in text else "\n"
    lines = _lines(text)
    top = _compose(text, path)
    is_mapping = top is not None and top.id == "mapping"
    node = _value(top, "allow") if is_mapping else None
    if node is None:  # of a document that begins and holds nothing (`---`) the top is an empty text
        if top is not None and ((is_mapping and top.flow_style) or any(line.startswith("...") for line in lines)):
            raise _lossy(path, top, "the top of the file must be a mapping with one key on each line")
        at, column, head = len(lines), 2, "allow:\n"
    elif node.id == "scalar" and node.value == "" and node.anchor is None:  # `allow:`, whose value stands nowhere
        key = next(key for key, value in top.value if value is node)
        at, column, head = key.start_mark.line + 1, 2, ""
    elif node.anchor is None and not expected["allow"]:  # `allow: []`
        line, at, column, head = lines[node.start_mark.line], node.end_mark.line + 1, 2, ""
        if node.start_mark.line != node.end_mark.line or not line.startswith("allow"):
            raise _lossy(path, node, "`allow` must be a list with one entry after the other, each on its own lines")
        lines[at - 1] = (line[: node.start_mark.column].rstrip() + line[node.end_mark.column :].rstrip("\r\n")).rstrip() + eol
    elif node.id == "sequence" and not node.flow_style and node.anchor is None:
        at, column, head = _last_line(node, lines) + 1, node.start_mark.column, ""
    else:
        raise _lossy(path, node, "`allow` must be a list with one entry after the other, each on its own lines")
    item = _dump([{key: _quote(value) for key, value in entry.items()}], column, max([_NARROW, *(len(line.rstrip()) for line in lines)]))
    if at >= len(lines) and lines and not lines[-1].endswith("\n"):
        lines[-1] += eol
    lines[at:at] = [line.rstrip("\n") + eol for line in (head + item).splitlines(keepends=True)]
    expected["allow"] = [*(expected.get("allow") or ()), dict(entry)]
    return mark + _verify("".join(lines), path, expected)


def write_commented(value: Mapping[str, Any], comments: Mapping[tuple[str, ...], str]) -> str:
    """Return mappings within each other as YAML, with a comment in front of those keys that have one, by the way that leads to them."""
    from ruamel.yaml.comments import CommentedMap

    def made(within: Mapping[str, Any], way: tuple[str, ...]) -> Any:
        found = CommentedMap()
        for key, one in within.items():
            found[key] = made(one, (*way, key)) if isinstance(one, Mapping) and one else one
            if (comment := comments.get((*way, key))) is not None:
                found.yaml_set_comment_before_after_key(key, before=comment, indent=2 * len(way))
        return found

    out = io.StringIO()
    _yaml().dump(made(value, ()), out)
    return out.getvalue()


def _compose(text: str, path: str) -> Any:
    """Return the document as ruamel.yaml's nodes, which tell where they stand; None for an empty one."""
    from ruamel.yaml.error import YAMLError

    try:
        return _yaml().compose(io.StringIO(text))
    except YAMLError as error:
        raise ConfigurationError(f"`{path}`: cannot be edited without loss ({' '.join(str(error).split())})") from error


def _yaml(width: int = 1 << 20) -> Any:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = width
    return yaml


def _value(mapping: Any, name: str) -> Any:
    return next((value for key, value in mapping.value if key.value == name), None)


def _last_line(node: Any, lines: Sequence[str]) -> int:
    """Return the number of the last line of a node, from 0, without blank lines and comments behind it."""
    while node.id != "scalar" and node.value and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end: int = node.end_mark.line
    if end > node.start_mark.line and (end == len(lines) or not lines[end][: node.end_mark.column].strip()):
        end -= 1  # it ends where the next line begins, as block text does
    while end > node.start_mark.line and not lines[end].strip():
        end -= 1
    return end


def _with_items(lines: Sequence[str], items: Sequence[Any], old: Sequence[str], found: Sequence[str]) -> list[str]:
    """Return the lines of a list from its first item to its last, with other items; what stays keeps its lines, and all comments stay.

    The comment behind an item that is replaced stands behind what replaces it, and that of one that goes on a line of its own.
    """
    column = items[0].start_mark.column
    dash = lines[items[0].start_mark.line].index("-")
    quoted = _style(items[0])
    width = max(_NARROW, *(len(line.rstrip()) for line in lines))
    result: list[str] = []
    at = items[0].start_mark.line
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(a=old, b=_in_order(old, found), autojunk=False).get_opcodes():
        behind = []
        for item in items[i1:i2]:
            first, last = item.start_mark.line, _last_line(item, lines)
            result += lines[at:first]  # comments in front of it
            result += lines[first : last + 1] if tag == "equal" else []
            behind.append(_comment_behind(item, lines))
            at = last + 1
        if tag == "equal":
            continue
        fresh = [_dump([quoted(line)], dash, width, column - dash) for line in _in_order(old, found)[j1:j2]]
        for number, comment in enumerate(behind):
            if comment and number < len(fresh):
                fresh[number] = fresh[number].rstrip("\n") + comment + "\n"
            elif comment:
                fresh.append(" " * dash + comment.lstrip() + "\n")
        result += [line for one in fresh for line in one.splitlines(keepends=True)]
    return result


def _comment_behind(item: Any, lines: Sequence[str]) -> str:
    """Return the comment behind an item of a list, with the blanks in front of it; empty if there is none."""
    if item.style in ("|", ">"):  # behind the sign, above the text
        match = re.search(r"[|>][-+0-9]*([ \t]+#.*)$", lines[item.start_mark.line][item.start_mark.column :].rstrip())
    else:
        match = re.match(r"([ \t]+#.*)$", lines[item.end_mark.line][item.end_mark.column :].rstrip())
    return match[1] if match else ""


def _refuse_comments(lines: Sequence[str], path: str, key: Any, items: int) -> None:
    """Refuse a list in brackets over several lines that may have comments in it."""
    if len(lines) > 1 and any("#" in line for line in lines):
        raise _lossy(path, key, f"`finds` must be a list with one item on each line, not {items} in brackets with a comment")


def _flowing(node: Any, found: Sequence[str], column: int, width: int) -> str:
    """Return a list in brackets; lines after the first are indented as those below `column` are."""
    from ruamel.yaml.comments import CommentedSeq

    fresh = CommentedSeq([_style(node.value[0])(line) for line in found])
    fresh.fa.set_flow_style()
    out = io.StringIO()
    _yaml(width - column).dump({"finds": fresh}, out)
    return out.getvalue().rstrip("\n").removeprefix("finds:").lstrip().replace("\n", "\n" + " " * column)


def _style(item: Any) -> Any:
    """Return the kind of text that has the quotes of an item."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString, SingleQuotedScalarString

    return {'"': DoubleQuotedScalarString, "'": SingleQuotedScalarString}.get(item.style, str)


def _in_order(old: Sequence[str], found: Sequence[str]) -> list[str]:
    """Return what is found: what was there in the order that it had, the rest by its place among that."""
    left = list(found)
    kept = []
    for item in old:
        if item in left:
            left.remove(item)
            kept.append(item)
    for item in sorted(left, key=_place):
        at = next((i for i, one in enumerate(kept) if _place(one) > _place(item)), len(kept))
        kept.insert(at, item)
    return kept


def _place(line: str) -> tuple[str, int, int, str]:
    match = re.match(r"(.*?):(\d+):(\d+) ", line)
    return (match[1], int(match[2]), int(match[3]), line) if match else (line, 0, 0, line)


def _quote(value: Any) -> Any:
    """Return text that YAML 1.1, as lwlint reads it, takes for something else (`yes`, `1_000`) with quotes; ruamel.yaml goes by 1.2."""
    from ruamel.yaml.scalarstring import SingleQuotedScalarString

    if not isinstance(value, str):
        return value
    try:
        return value if isinstance(load(value, ""), (str, list, dict)) else SingleQuotedScalarString(value)
    except ConfigurationError:
        return value


def _lines(text: str) -> list[str]:
    """Return the lines with their ends, as YAML counts them."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _dump(value: Any, column: int, width: int, indent: int = 2) -> str:
    """Return a list as YAML, each dash at `column`, and what it is in front of `indent` columns on."""
    yaml = _yaml(width - column)
    yaml.indent(mapping=2, sequence=indent, offset=0)
    out = io.StringIO()
    yaml.dump(value, out)
    return "".join(" " * column + line for line in out.getvalue().splitlines(keepends=True))


def _lossy(path: str, node: Any, why: str) -> ConfigurationError:
    mark = node.start_mark
    return ConfigurationError(f"{path}:{mark.line + 1}:{mark.column + 1}: cannot be edited without loss; {why}")


def _verify(text: str, path: str, expected: Any) -> str:
    """Return the text if it says what is expected, and raise ConfigurationError if not."""
    try:
        found = load(text, path)
    except ConfigurationError as error:
        raise ConfigurationError(f"`{path}`: cannot be edited without loss ({error})") from error
    if found != expected:
        raise ConfigurationError(f"`{path}`: cannot be edited without loss; write the change by hand")
    return text
