"""The nodes that PyYAML's composer makes for lwlint are those that the events of its parser tell of, in all: values, places, aliases."""

from __future__ import annotations

import _thread
import os
import random
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lwlint.inputs.heat import composed as heat_composed
from lwlint.inputs.heat import document
from lwlint.inputs.heat.composed import compose
from lwlint.inputs.heat.document import mask, read
from lwlint.inputs.heat.nodes import Document, Duplicate, Mapping, Node, Refused, Scalar, may_begin
from tests.inputs.heat.test_heat_yaml_oracle import blocks
from tests.inputs.heat.test_libyaml import random_texts
from tests.shared import shared

pytestmark = pytest.mark.skipif(not yaml.__with_libyaml__, reason="THIS PyYAML HAS NO C PARSER: nothing is composed by it")


@pytest.fixture(scope="module", autouse=True)
def alone() -> Iterator[None]:
    """Threads that other tests have left behind, as a library's for its connections, compose nothing and do not count here."""
    others = _thread._count()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heat_composed, "_thread", SimpleNamespace(_count=lambda: _thread._count() - others))
        yield


EXAMPLES = int(os.environ.get("LWLINT_HEAT_EXAMPLES", "3000"))
PIECES = (
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


def by_events(text: str) -> Document | Refused:
    try:
        return document._Builder(text, 0).document()
    except Refused as refused:
        return refused
    except (yaml.YAMLError, UnicodeError) as error:
        return Refused(str(error), 0)


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
        place = (node.tag, node.start, node.end)
        if isinstance(node, Scalar):
            found.append((node.value, node.plain, *place))
        elif isinstance(node, Mapping):
            found.append(("mapping", len(node.pairs), *place))
            todo += [part for pair in reversed(node.pairs) for part in reversed(pair)]
        else:
            found.append(("sequence", len(node.items), *place))
            todo += reversed(node.items)
    return found


def twice(duplicate: Duplicate) -> tuple[list[Any], ...]:
    return tuple(drawn(node) for node in (*duplicate.dropped, *duplicate.kept, duplicate.mapping))


def agree(text: str) -> bool:
    """Return whether `text` was composed; what was composed is asserted to be what the events tell."""
    composed = compose(text)
    if composed is None:
        return False
    told = by_events(text)
    assert isinstance(told, Document), (text, told)
    assert drawn(composed.root) == drawn(told.root), text
    assert [twice(each) for each in composed.duplicates] == [twice(each) for each in told.duplicates], text
    return True


@pytest.mark.parametrize("tree", ["newton-before", "newton-after", "pike"])
def test_every_file_of_the_corpus_is_composed_as_the_events_tell(tree: str) -> None:
    texts = [path.read_bytes().decode("utf-8") for path in sorted(shared(f"corpus/tht/{tree}").rglob("*.yaml"))]
    texts = [mask(text).text if "{%" in text or "{{" in text else text for text in texts]
    composed = [agree(text) for text in texts]
    assert sum(composed) > 0.9 * len(texts)
    assert sum(agree(text) for text in texts if "*" in text and "&" in text) > 0.8 * sum("*" in t and "&" in t for t in texts)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(blocks(), st.sampled_from(["\n", "\r\n"]))
def test_a_generated_document_is_composed_as_the_events_tell(body: str, line_break: str) -> None:
    agree((body + "\n").replace("\n", line_break))


def test_any_text_is_composed_as_the_events_tell_or_left_to_them() -> None:
    chance = random.Random(7)
    texts = ["".join(chance.choice(PIECES) for _ in range(chance.randint(1, 14))) for _ in range(20 * EXAMPLES)]
    composed = [text for text in (*texts, *random_texts()) if agree(text)]
    assert len([text for text in composed if "&a" in text and "*a" in text]) > EXAMPLES // 100
    assert len([text for text in composed if "{" in text or "[" in text]) > EXAMPLES // 10


def test_anchors_aliases_and_tags_begin_only_where_the_text_says_that_they_may() -> None:
    chance = random.Random(8)
    seen = {"&": 0, "*": 0, "!": 0}
    for _ in range(20 * EXAMPLES):
        text = "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 10)))
        may = {mark: set(may_begin(text, mark)) for mark in seen}
        for mark, at in properties(text):
            assert at in may[mark], (text, mark, at)
            seen[mark] += 1
    assert min(seen.values()) > EXAMPLES // 10


def properties(text: str) -> list[tuple[str, int]]:
    """Every anchor, alias and tag of `text` with its place, as PyYAML's scanner finds them before it refuses the rest."""
    found: list[tuple[str, int]] = []
    marks = {yaml.AnchorToken: "&", yaml.AliasToken: "*", yaml.TagToken: "!"}
    try:
        for token in yaml.scan(text, Loader=yaml.CSafeLoader):
            if type(token) in marks:
                found.append((marks[type(token)], token.start_mark.index))
    except (yaml.YAMLError, UnicodeError):
        pass
    return found if text[:1] != "\ufeff" else []


@pytest.mark.parametrize("shape", ["flow", "lists", "mappings", "empty", "aliases"])
def test_what_is_too_deep_is_left_to_the_events(shape: str) -> None:
    def nested(levels: int) -> str:
        if shape == "lists":
            return "- " * levels + "a\n"
        if shape == "mappings":
            return "".join(" " * level + "a:\n" for level in range(levels))
        inside = {"flow": "[a]", "empty": "[]", "aliases": "[*a]"}[shape]
        return "- &a b\n- " + "[" * (levels - 2) + inside + "]" * (levels - 2) + "\n"

    outcome = {levels: (agree(nested(levels)), isinstance(by_events(nested(levels)), Refused)) for levels in (120, 200, 201, 400)}
    assert outcome[120] == (True, False)
    assert (outcome[200][1], outcome[201], outcome[400]) == (False, (False, True), (False, True))
    assert agree(nested(120) + "# " + "\n" * 9000)


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "? " * 100_000, "[\n" * 3000, "{a: \n" * 3000])
def test_what_may_be_too_deep_for_the_stack_is_not_composed(text: str) -> None:
    assert (heat_composed._is_tame(text), compose(text)) == (False, None)


@pytest.mark.parametrize(
    "text",
    [
        "? [a]\n: b\n",
        "{[]: b}\n",
        "<<: a\n",
        "<<: [{}, a]\n",
        "a: !x b\n",
        "! 'a'\n",
        "&a [*a]\n",
        "- &a {b: &c [*a]}\n",
        "- &a b\n- &a c\n",
        "- *a\n",
        "a: b\n---\nc: d\n",
        "a: [\n",
        "a: \x07\n",
        "a: \ud800\n",
        "\ufeffa: b\n",
        "- &a {}\n- {*a : *a}\n",
        "a: 1\na: 2\n? []\n: b\n",
        "- &a [" + "x, " * 99 + "]\n- &b [" + "*a, " * 99 + "]\n- [" + "*b, " * 99 + "]\n",
    ],
)
def test_what_only_the_events_tell_is_left_to_them(text: str) -> None:
    assert compose(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# &a\n",
        "a",
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
def test_these_are_composed(text: str) -> None:
    assert agree(text)


def test_pyyaml_makes_its_own_nodes_before_and_after() -> None:
    for text in ("a: [b, {c: d}]\n", "a: [\n", "a: b\n---\nc: d\n", "*a\n"):
        agree(text)
        root = yaml.compose("a: [b, {c: 1}]", Loader=yaml.CSafeLoader)
        assert type(root) is yaml.MappingNode
        assert [type(part) for part in root.value[0]] == [yaml.ScalarNode, yaml.SequenceNode]
        assert yaml.load("a: [b, {c: 1}]", Loader=yaml.CSafeLoader) == {"a": ["b", {"c": 1}]}


def test_nodes_that_are_not_made_of_the_classes_of_lwlint_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    composer, names, errors = heat_composed._composer() or pytest.fail("there is a C parser")
    monkeypatch.setattr(heat_composed, "_composer", lambda: (composer, dict(names), errors))
    assert [compose(text) for text in ("a: b\n", "- a\n", "a\n")] == [None] * 3


def test_beside_another_thread_nothing_is_composed_and_the_document_is_the_same() -> None:
    text = "a: &x [b, {c: 1}]\nd: *x\n"
    alone = drawn(read(text).root)
    assert compose(text) is not None
    end = threading.Event()
    other = threading.Thread(target=end.wait)
    other.start()
    try:
        assert compose(text) is None
        assert drawn(read(text).root) == alone
    finally:
        end.set()
        other.join()
