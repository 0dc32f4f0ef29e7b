"""Command lines are read without argparse only where argparse would have made the same of them."""

from __future__ import annotations

import contextlib
import io
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from lwlint.cli.arguments import _COMMANDS, parser
from lwlint.cli.quick import read


class _Names:
    """Takes what the parser of a command is told, and keeps the names of its options."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def add_argument(self, *names: str, **how: Any) -> None:
        self.names |= {name for name in names if name.startswith("-")}


def options() -> list[str]:
    found = _Names()
    for _, add in _COMMANDS.values():
        add(found)  # type: ignore[arg-type]
    return sorted(found.names | {"--debug", "--version", "--help", "-h"})


NAMES = options()
VALUES = (
    "a.yaml",
    "b",
    "text",
    "json",
    "error",
    "warning",
    "auto",
    "never",
    "-",
    "--",
    "",
    "-1",
    "-x",
    "--x y",
    "a=b",
    "=",
    "check",
    "fix",
)
WORDS = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(VALUES),
    st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)).map("=".join),
    st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)).map("".join),
    st.tuples(st.sampled_from(NAMES), st.integers(3, 9)).map(lambda cut: cut[0][: cut[1]]),
)


def by_argparse(arguments: list[str]) -> dict[str, Any] | None:
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            return vars(parser(arguments[0]).parse_args(arguments))
    except SystemExit:
        return None


def quickly(arguments: list[str]) -> dict[str, Any] | None:
    found = read(arguments, _COMMANDS[arguments[0]][1])
    return None if found is None else vars(found)


@given(st.sampled_from(sorted(_COMMANDS)), st.lists(WORDS, max_size=6))
@example("check", ["a", "--strict", "b"])
@example("check", ["--strict", "a", "b"])
@example("check", ["--format="])
@example("check", ["--format", "-"])
@example("check", ["--config", "--strict"])
@example("check", ["-"])
@example("check", ["--", "a"])
@example("check", ["--debug", "a", "-e", "x", "-e", "y", "--fail-on=error"])
@example("baseline", ["a"])
@settings(max_examples=3000, deadline=None)
def test_what_is_read_at_once_is_what_argparse_reads(command: str, words: list[str]) -> None:
    found = quickly([command, *words])
    if found is not None:
        assert found == by_argparse([command, *words])


def test_the_usual_command_lines_are_read_at_once() -> None:
    usual = (
        ["check"],
        ["check", "a.yaml", "b/c.yaml"],
        ["check", "--format", "sarif=out.sarif", "--format=text", "-v", "--since", "main", "."],
        ["check", "a.yaml", "--strict", "--fail-on", "error", "--select", "LW1,LW2"],
        ["check", "-e", "one.yaml", "-e", "two.yaml", "--no-cache", "--staged", "a"],
        ["fix", "--diff", "a.yaml"],
        ["audit", "--root", "x", "--output", "answer"],
        ["rules", "--format", "json"],
    )
    assert [quickly(line) for line in usual] == [by_argparse(line) for line in usual]
    assert None not in map(quickly, usual)


def test_values_of_one_line_are_not_those_of_the_next() -> None:
    assert quickly(["check", "-e", "x"])["environment"] == ["x"]  # type: ignore[index]
    assert quickly(["check"])["environment"] == []  # type: ignore[index]
