"""In the command PyYAML's C parser is lent classes for its events: what is read is the same, and what was lent comes back."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from lwlint.core import lazy
from lwlint.inputs.heat import document
from lwlint.inputs.heat.document import Mapping, Node, Refused, Scalar, by_events, walk
from tests.inputs.heat.test_heat_yaml_oracle import blocks
from tests.shared import HERE, shared

ODD = (
    "a: 1\n",
    "",
    "- &x {a: [b, *x]}\n",
    "a: &x [1, 2]\nb: *x\nc: {<<: {d: 1}, d: 2}\n",
    "a: 1\na: 2\n",
    "? [a]\n: b\n",
    "a: [\n",
    "a: !!int 1\nb: ! c\nd: !unknown e\n",
    "a: b\n---\nc: d\n",
    "a: {get_file: x.sh}\nb: {if: [c, 1, 2], d: 3}\n",
    "\ufeffa: 1\n",
    "a: {get_attr:[A, b]}\n",
    "[" * 201 + "]" * 201,
    "a: \x07\n",
    "a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" + "".join(f"{b}: &{b} [*{a}" + f", *{a}" * 8 + "]\n" for a, b in zip("abcdefg", "bcdefgh")),
)
SMALL = "a: [b]\n"
OF_SMALL = (
    [("Mapping", "", 0, 7, True, 2), ("", "a", 0, 1, True), ("Sequence", "", 3, 6, None, 1), ("", "b", 4, 5, True)],
    [],
    False,
    frozenset(),
    [],
)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is the command."""
    if not yaml.__with_libyaml__:
        pytest.skip("PyYAML is here without its C parser")
    monkeypatch.setattr(lazy._Process, "alone", True)
    monkeypatch.setattr(document, "_loan", document._Loan())


def told(text: str) -> Any:
    """All that is read in a text, with its places; or why it is refused, and where."""
    try:
        found = by_events(text)
    except Refused as refused:
        return refused.message, refused.start

    def shape(node: Node) -> tuple[object, ...]:
        if isinstance(node, Scalar):
            return node.tag, node.value, node.start, node.end, node.plain
        distinct = node.distinct if isinstance(node, Mapping) else None
        return type(node).__name__, node.tag, node.start, node.end, distinct, len(node.content if isinstance(node, Mapping) else node.items)

    twice = [(one.dropped[0].start, one.kept[0].start, one.mapping.start) for one in found.duplicates]
    return [shape(node) for node in walk(found.root)], twice, found.mixed, found.telling, [scalar.start for scalar in found.files]


def told_without_loan(text: str) -> Any:
    """The same, by the classes of PyYAML."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lazy._Process, "alone", False)
        patch.setattr(document, "_loan", document._Loan())
        return told(text)


def assert_all_came_back() -> None:
    """Nothing is lent any more."""
    assert all(getattr(yaml._yaml, name) is getattr(yaml.events, name) for name in document._NAMES)


@pytest.mark.parametrize("text", ODD)
@pytest.mark.usefixtures("command")
def test_an_odd_text_is_read_or_refused_alike(text: str) -> None:
    assert document._loan.is_taken()
    assert told(text) == told_without_loan(text)
    assert_all_came_back()


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=blocks())
@pytest.mark.usefixtures("command")
def test_a_generated_text_is_read_or_refused_alike(text: str) -> None:
    assert told(text) == told_without_loan(text)
    assert_all_came_back()


@pytest.mark.usefixtures("command")
def test_every_file_of_the_corpus_is_read_alike() -> None:
    texts = [path.read_bytes().decode("utf-8") for path in sorted(shared("corpus/tht/newton-after").rglob("*.yaml"))]
    assert texts
    assert [told(text) for text in texts] == [told_without_loan(text) for text in texts]
    assert_all_came_back()


@pytest.mark.usefixtures("command")
def test_the_classes_stay_until_the_last_text_was_read() -> None:
    assert document._loan.is_taken()
    with document._loan:
        assert told(SMALL) == OF_SMALL
        assert vars(yaml._yaml)["ScalarEvent"] is document._ScalarEvent
    assert_all_came_back()


@pytest.mark.usefixtures("command")
def test_several_threads_may_read_at_once() -> None:
    text = "".join(f"key_{number}: [a, {{b: c}}]\n" for number in range(300))
    expected = told_without_loan(text)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    wrong: list[object] = []
    try:
        threads = [threading.Thread(target=lambda: wrong.extend(1 for _ in range(20) if told(text) != expected)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not wrong
    assert_all_came_back()


@pytest.mark.usefixtures("command")
def test_a_parser_that_takes_no_loan_is_read_by_its_own_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document._Loan, "_put", lambda self, kinds: None)
    assert not document._loan.is_taken()
    assert told(SMALL) == OF_SMALL


@pytest.mark.usefixtures("command")
def test_a_parser_that_gives_its_classes_something_else_is_read_by_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object, *values: object, **more: object) -> None:
        raise TypeError

    lent = tuple(type(kind.__name__, (), {"__init__": refuse}) for kind in document._LENT)
    monkeypatch.setattr(document, "_LENT", lent)
    assert not document._loan.is_taken()
    assert_all_came_back()
    assert told(SMALL) == OF_SMALL


def test_a_library_lends_nothing() -> None:
    code = (
        "import yaml\n"
        "from lwlint.inputs.heat import document\n"
        "put = document._Loan._put\n"
        "document._Loan._put = lambda *given: 1 / 0\n"
        "assert document.read('a: [b]').root is not None\n"
    )
    assert subprocess.run((sys.executable, "-c", code), cwd=HERE, check=False).returncode == 0
