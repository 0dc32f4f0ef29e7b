"""A late expression is compiled once, when it is used, and does what a compiled one does."""

from __future__ import annotations

import re

import pytest

from lwlint.core.lazy import pattern


def test_a_late_expression_answers_as_a_compiled_one() -> None:
    for text, flags in ((r"(?P<word>\w+)=(\d*)", 0), ("^ab", re.MULTILINE | re.IGNORECASE)):
        late, compiled = pattern(text, flags), re.compile(text, flags)
        for line in ("a=1 b=2", "x\nAB", ""):
            assert late.findall(line) == compiled.findall(line)
            assert late.sub("-", line) == compiled.sub("-", line)
            assert bool(late.search(line)) == bool(compiled.search(line))
        assert (late.pattern, late.flags, late.groupindex) == (compiled.pattern, compiled.flags, compiled.groupindex)


def test_an_expression_is_compiled_when_it_is_used() -> None:
    wrong = pattern("(")
    with pytest.raises(re.error):
        wrong.search("x")
