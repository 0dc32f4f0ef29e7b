"""Every example of every rule holds, and every rule says what it must."""

from __future__ import annotations

import pytest

from lwlint.policy.rules import Example, Rule, load_clauses
from lwlint.run import load_rules
from lwlint.run.examples import run_example

RULES = load_rules()
EXAMPLES = [(rule, example) for rule in RULES for example in rule.examples]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=[f"{r.code}-{e.title}" for r, e in EXAMPLES])
def test_an_example_finds_exactly_what_it_says(rule: Rule, example: Example) -> None:
    others = tuple(r for r in RULES if r.id != rule.id) if rule.check == "allow-without-effect" else ()
    outcome = run_example(rule, example, others)
    assert (outcome.found, outcome.broken) == (outcome.expected, "")


@pytest.mark.parametrize("rule", RULES, ids=[r.id for r in RULES])
def test_a_rule_serves_a_clause_of_the_specification(rule: Rule) -> None:
    assert rule.clause in {clause.id for clause in load_clauses()}


def test_every_clause_has_a_rule_or_says_what_will_serve_it() -> None:
    served = {rule.clause for rule in RULES}
    assert [c.id for c in load_clauses() if c.id not in served and not c.served_by] == []


def test_the_codes_that_the_specification_fixes_are_there() -> None:
    fixed = [f"LW{n}" for n in (*range(101, 106), *range(201, 205), 301, 302, *range(401, 412), 901)]
    assert [code for code in fixed if code not in {rule.code for rule in RULES}] == []
