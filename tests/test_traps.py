"""The table of the traps names what is there."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
ROWS = [line for line in (HERE / "docs/traps.md").read_text("utf-8").splitlines() if re.match(r"\| \d", line)]


def test_each_of_the_thirty_traps_has_a_test_or_an_example() -> None:
    assert [int(row.split()[1]) for row in ROWS] == list(range(1, 31))
    assert [row for row in ROWS if "`test_" not in row and not re.search(r"`\w+/[\w-]+`", row)] == []


def test_every_test_and_rule_in_the_table_exists() -> None:
    named = [match for row in ROWS for match in re.finditer(r"`(test_\w+)(?:::(test_\w+))?`", row)]
    tests = {name: next((HERE / "tests").rglob(f"{name}.py")).read_text("utf-8") for name in {match[1] for match in named}}
    assert [match[0] for match in named if match[2] and f"def {match[2]}" not in tests[match[1]]] == []
    rules = [match[1] for row in ROWS for match in re.finditer(r"`(\w+/[\w-]+)`", row)]
    assert [name for name in rules if not (HERE / f"rules/{name}.yaml").exists()] == []
