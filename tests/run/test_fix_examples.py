"""Every example of every rule, fixed: what has a fix, that it helps, and that nothing is done twice."""

from __future__ import annotations

from collections import Counter

import pytest
from msgspec.structs import replace

from lwlint.core.finding import BROKEN, Finding
from lwlint.files.tree import Memory, Overlay
from lwlint.policy.rules import Rule
from lwlint.run import AUTO, Request, check, load_rules
from lwlint.run import fix as mend
from lwlint.run.fix import Outcome

FIXABLE = {"LW201", "LW203", "LW301", "LW302", "LW303", "LW304", "LW306", "LW307", "LW308", "LW401", "LW404", "LW405", "LW406", "LW411"}
RULES = [rule for rule in load_rules() if rule.check != "allow-without-effect"]
INPUTS = [(rule, True) for rule in RULES if not rule.code.startswith("LW1")] + [(rule, False) for rule in RULES if rule.code in FIXABLE]


def requests(rule: Rule) -> list[Request]:
    return [
        Request(example.paths, example.environments, release=example.release or AUTO, tree=Memory(example.files))
        for example in rule.examples
    ]


def after(request: Request, outcome: Outcome) -> Request:
    return replace(request, tree=Overlay(request.tree, {path: new for path, (_, new) in outcome.files.items()}))


def known(findings: tuple[Finding, ...]) -> Counter[tuple[str, str]]:
    return Counter((f.code, f.subject) for f in findings)


@pytest.mark.parametrize(("rule", "unsafe"), INPUTS, ids=lambda value: getattr(value, "code", (value and "unsafe") or "safe"))
def test_a_fix_helps_brings_nothing_new_and_is_not_made_twice(rule: Rule, unsafe: bool) -> None:
    wrong = []
    for request in requests(rule):
        before = check(request, RULES)
        outcome = mend.fix(request, RULES, unsafe=unsafe)
        again = mend.fix(after(request, outcome), RULES, unsafe=unsafe)
        told = Counter((f.finding.code, f.finding.subject) for f in outcome.fixed)
        gone, new = known(before.findings) - known(outcome.report.findings), known(outcome.report.findings) - known(before.findings)
        if told - gone or new:  # more may be gone: what one fix mends another rule may have found too
            wrong.append((request.paths, told - gone, new))
        if again.files or again.fixed or outcome.report.count(BROKEN):
            wrong.append((request.paths, Counter(), Counter({("twice", path): 1 for path in again.files})))
    assert wrong == []


def test_the_rules_with_a_fix_are_these() -> None:
    found = {f.code for rule in RULES for request in requests(rule) for f in check(request, [rule]).findings if f.fix is not None}
    assert found == FIXABLE
