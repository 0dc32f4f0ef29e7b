"""What is read once more after a mistake is bounded: blocks in blocks without an end are read in proportion to their number."""

from __future__ import annotations

import pytest

from lwlint.inputs.puppet import syntax


@pytest.mark.parametrize("depth", [10, 20, 60])
def test_blocks_without_an_end_are_read_in_proportion(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block around a mistake began anew behind its own first line, so that the work doubled with each."""
    text = "if $x {\n" * depth + "!!! => ,\n"
    read = 0
    statement = syntax._Statements.statement

    def counted(self: syntax._Statements) -> syntax.Node:
        nonlocal read
        read += 1
        return statement(self)

    monkeypatch.setattr(syntax._Statements, "statement", counted)
    found = syntax.parse(text)
    assert found.broken
    assert read <= (syntax.AGAIN + 2) * 4 * depth


def test_what_follows_a_block_without_an_end_is_read() -> None:
    text = "if $x {\n  file { 'a': }\nfile { 'b': }\nif $y {\n  !!! => ,\n}\nfile { 'c': }\n"
    found = [node for node in syntax.walk(syntax.parse(text).statements) if isinstance(node, syntax.Resource)]
    assert {text[node.start : node.end] for node in found} >= {"file { 'b': }", "file { 'c': }"}
