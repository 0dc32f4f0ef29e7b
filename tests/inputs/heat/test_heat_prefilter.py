"""Files without a telling word are no part of the graph of templates; that takes no finding away."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from lwlint.files.tree import Memory
from lwlint.inputs.heat import tree as heat_tree
from lwlint.run import Request, check, load_rules
from tests.shared import shared

RULES = [rule for rule in load_rules(examples=False) if rule.code.startswith(("LW4", "LW9"))]
TREES = int(os.environ.get("LWLINT_MUTATED_TREES", "6"))


def files(tree: str) -> dict[str, str]:
    top = shared(f"corpus/tht/{tree}")
    return {str(path.relative_to(top)): path.read_text("utf-8") for path in sorted(Path(top).rglob("*.yaml"))}


def mutated(texts: dict[str, str], dice: random.Random) -> dict[str, str]:
    """Texts of which a quarter have a line taken away, doubled, cut short, or moved from another file."""
    found = dict(texts)
    for path in dice.sample(sorted(texts), len(texts) // 4):
        lines = texts[path].splitlines(keepends=True) or ["\n"]
        at = dice.randrange(len(lines))
        other = dice.choice(texts[dice.choice(sorted(texts))].splitlines(keepends=True) or ["\n"])
        deed = dice.randrange(4)
        lines[at : at + 1] = ([], [lines[at]] * 2, [lines[at][: len(lines[at]) // 2]], [lines[at], other])[deed]
        found[path] = "".join(lines)
    return found


def answers(texts: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    found = []
    for words in (heat_tree._WORDS, ("",)):
        monkeypatch.setattr(heat_tree, "_WORDS", words)
        report = check(Request(tree=Memory(texts)), RULES)
        assert report.tracebacks == ()
        found.append((report.findings, [(v.code, v.outcome) for v in report.verdicts]))
        monkeypatch.undo()
    return found


@pytest.mark.parametrize("tree", ["pike", "newton-before", "newton-after"])
def test_the_findings_of_a_tree_are_the_same_without_the_words(tree: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_words, without = answers(files(tree), monkeypatch)
    assert with_words == without
    assert with_words[0]


def test_the_findings_of_mutated_files_are_the_same_without_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(3)
    texts = files("newton-before")
    codes: set[str] = set()
    for _ in range(TREES):
        with_words, without = answers(mutated(texts, dice), monkeypatch)
        assert with_words == without
        codes |= {finding.code for finding in with_words[0]}  # type: ignore[attr-defined]
    assert {"LW404", "LW410", "LW901"} <= codes
