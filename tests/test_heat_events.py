"""The nodes that are made of the parser's events are those of PyYAML's own composer, in all: values, places, aliases, order."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lwlint.inputs.heat.document import TELLING, Mapping, Node, Refused, Scalar, mask, read, walk
from lwlint.inputs.heat.template import call
from tests.inputs.heat.test_heat_yaml_oracle import LOADER, blocks
from tests.shared import shared

EXAMPLES = int(os.environ.get("LWLINT_HEAT_EXAMPLES", "3000"))
PIECES: tuple[str, ...] = (
    "a",
    "b: ",
    "- ",
    "? ",
    ": ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "&a ",
    "&b ",
    "&a\n",
    "*a",
    "*b ",
    "! ",
    "!!str ",
    "!x",
    "&& ",
    "2>&1",
    "'q'",
    '"d"',
)
PIECES += (
    "|\n ",
    ">-\n  ",
    "\n",
    "\n  ",
    "\n    ",
    "# &a *b !c\n",
    "<<: ",
    "--- ",
    "... ",
    "%",
    "\t",
    "\r\n",
    "\x85",
    "\u2028",
    "\ufeff",
    "é",
    "😀",
    "!= ",
    "~",
)


def drawn(root: Node | None) -> list[Any]:
    """All that is known of a tree of nodes; an alias is the number of the node that it stands for."""
    numbers: dict[int, int] = {}
    found: list[Any] = []
    todo: list[Any] = [root] if root is not None else []
    while todo:
        node = todo.pop()
        if id(node) in numbers:
            found.append(numbers[id(node)])
            continue
        numbers[id(node)] = len(numbers)
        if isinstance(node, Scalar):
            found.append((node.value, node.start, node.end))
        elif isinstance(node, Mapping):
            found.append(("mapping", len(node.keys), node.start, node.end))
            todo += reversed(node.content)
        else:
            found.append(("sequence", len(node.items), node.start, node.end))
            todo += reversed(node.items)
    return found


def composed(text: str) -> list[Any]:
    """The same of what PyYAML composes as Heat has it; it lets a scalar begin at its anchor and tag, which lwlint passes over."""
    numbers: dict[int, int] = {}
    found: list[Any] = []
    try:
        root = yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError:  # Heat asks the other parser then
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    todo: list[Any] = [root] if root is not None else []
    while todo:
        node = todo.pop()
        if id(node) in numbers:
            found.append(numbers[id(node)])
            continue
        numbers[id(node)] = len(numbers)
        start, end = node.start_mark.index, node.end_mark.index
        if isinstance(node, yaml.ScalarNode):
            found.append((node.value, min(behind_properties(text, start), end), end))
        elif isinstance(node, yaml.MappingNode):
            found.append(("mapping", len(node.value), start, end))
            todo += [part for pair in reversed(node.value) for part in reversed(pair)]
        else:
            found.append(("sequence", len(node.value), start, end))
            todo += reversed(node.value)
    return found


def behind_properties(text: str, start: int) -> int:
    """Return where the text of a node begins whose anchor and tag begin at `start`: behind them, blanks and comments."""
    while text[start : start + 1] in ("&", "!"):
        while text[start : start + 1].strip():
            start += 1
        while text[start : start + 1] and (not text[start].strip() or text[start] == "#"):
            start = start + 1 if text[start] != "#" else min(at for at in (text.find("\n", start), len(text)) if at >= 0)
    return start


def agree(text: str) -> bool:
    """Return whether `text` was read; what was read is asserted to be what PyYAML composes."""
    try:
        root = read(text).root
    except Refused:
        return False
    assert drawn(root) == composed(text), text
    return True


@pytest.mark.parametrize("tree", ["newton-before", "newton-after", "pike"])
def test_every_file_of_the_corpus_is_read_as_pyyaml_composes_it(tree: str) -> None:
    texts = [path.read_bytes().decode("utf-8") for path in sorted(shared(f"corpus/tht/{tree}").rglob("*.yaml"))]
    texts = [mask(text).text if "{%" in text or "{{" in text else text for text in texts]
    assert sum(map(agree, texts)) > 0.9 * len(texts)


@pytest.mark.long
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(blocks(), st.sampled_from(["\n", "\r\n"]))
def test_a_generated_document_is_read_as_pyyaml_composes_it(body: str, line_break: str) -> None:
    agree((body + "\n").replace("\n", line_break))


def test_any_text_is_read_as_pyyaml_composes_it_or_refused() -> None:
    chance = random.Random(7)
    texts = ["".join(chance.choice(PIECES) for _ in range(chance.randint(1, 14))) for _ in range(20 * EXAMPLES)]
    seen = [text for text in texts if text[:1] != "\ufeff" and agree(text)]
    assert len([text for text in seen if "&a" in text and "*a" in text]) > EXAMPLES // 100
    assert len([text for text in seen if "{" in text or "[" in text]) > EXAMPLES // 10


CALLS = (
    "{get_file: a.sh}",
    "&q {get_file: b}",
    "*q",
    "{get_file: &s x}",
    "{get_file: *s}",
    "{get_file: [a]}",
    "{get_file: a, b: c}",
    "{get_file: {get_file: deep}}",
    "{<<: {get_file: m}}",
    "{mapped_data: {a: b}, datafiles: c}",
    "{get_param: d}",
)


def nested(chance: random.Random, depth: int = 0) -> str:
    if depth > 3 or chance.random() < 0.4:
        return chance.choice(CALLS)
    inside = [nested(chance, depth + 1) for _ in range(chance.randint(1, 4))]
    return f"[{', '.join(inside)}]" if chance.random() < 0.5 else f"{{{', '.join(f'k{n}: {one}' for n, one in enumerate(inside))}}}"


def test_what_a_document_tells_of_its_keys_is_what_a_walk_finds() -> None:
    chance = random.Random(7)
    seen = 0
    for _ in range(3000):
        try:
            document = read(f"a: {nested(chance)}")
        except Refused:
            continue
        mappings = [node for node in walk(document.root) if isinstance(node, Mapping)]
        calls = [found for node in mappings if (found := call(node)) is not None and found[0] == "get_file"]
        assert [id(one) for one in document.files] == [id(one) for _, one in calls if isinstance(one, Scalar)]
        assert document.telling == {key.value for node in mappings for key in node.keys} & TELLING
        seen += len(document.files)
    assert seen > 1000


@pytest.mark.parametrize("shape", ["flow", "lists", "mappings", "empty", "aliases"])
def test_200_levels_are_read_and_one_more_is_not(shape: str) -> None:
    def nested(levels: int) -> str:
        if shape == "lists":
            return "- " * levels + "a\n"
        if shape == "mappings":
            return "".join(" " * level + "a:\n" for level in range(levels))
        inside = {"flow": "[a]", "empty": "[]", "aliases": "[*a]"}[shape]
        return "- &a b\n- " + "[" * (levels - 2) + inside + "]" * (levels - 2) + "\n"

    assert [agree(nested(levels)) for levels in (120, 200, 201, 400)] == [True, True, False, False]


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "? " * 100_000, "[\n" * 3000, "{a: \n" * 3000])
def test_what_is_too_deep_for_the_stack_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="nested deeper than 200 levels"):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        "? [a]\n: b\n",
        "{[]: b}\n",
        "<<: a\n",
        "<<: [{}, a]\n",
        "a: !x b\n",
        "&a [*a]\n",
        "- &a {b: &c [*a]}\n",
        "- &a b\n- &a c\n",
        "- *a\n",
        "a: b\n---\nc: d\n",
        "a: [\n",
        "a: \x07\n",
        "a: \ud800\n",
        "a: 1\na: 2\n? []\n: b\n",
    ],
)
def test_these_are_refused(text: str) -> None:
    assert not agree(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# &a\n",
        "a",
        "! 'a'\n",
        "- &a {}\n- {*a : *a}\n",
        "--- |\n  if ! true && echo 2>&1; then\n",
        "x: y\n&a b: &c\n  d\n*c : *a\n",
        "x: \n&a b: c\n? \n&c d: *a\n",
        "- &a\n- &b []\n- &c {}\n- [*a, *b, *c]\n",
        "- &a {b: c}\n- <<: *a\n  b: d\n- <<: [*a, {}]\n",
        "&a b\n",
        "a: 1\na: {b: 1, b: {c: 1, c: 2}, '1': 2, 1: 2, 1: 3}\nd: [{e: 1, e: 2}]\na: 3\n",
        "- &a b\n- {*a : *a, *a : *a}\n- <<: {}\n  <<: {}\n",
        "a: 'rc != 0'\nb: rc != 0\n",
    ],
)
def test_these_are_read(text: str) -> None:
    assert agree(text) != ("{*a" in text and "&a {}" in text)


def test_the_keys_that_stand_twice_come_as_their_mappings_end() -> None:
    found = read("a: 1\na: {b: 1, b: {c: 1, c: 2}}\nd: [{e: 1, e: 2}]\na: 3\n").duplicates
    assert [(each.dropped[0].value, each.dropped[1].start, each.kept[1].start) for each in found] == [
        ("c", 22, 28),
        ("b", 12, 18),
        ("e", 40, 46),
        ("a", 3, 8),
        ("a", 8, 53),
    ]
