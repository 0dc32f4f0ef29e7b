"""What the examples of rules reach of their checks, for `lwlint test --coverage`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from lwlint.checks.reach import Branch, Way
from lwlint.rules import Example, Rule


@dataclass(frozen=True)
class Reached:
    """The branches that each example of one rule takes through its check, in the order of the examples."""

    rule: Rule
    way: Way
    taken: tuple[tuple[Example, AbstractSet[Branch]], ...]


def render(reached: Sequence[Reached]) -> str:
    """Return, for each rule, its examples with what they reach and what none does; then each check over all rules."""
    return "".join(f"{line}\n" for line in (*_by_rule(reached), *_by_check(reached)))


def _by_rule(reached: Sequence[Reached]) -> Iterator[str]:
    for one in reached:
        every = len(one.way.branches)
        taken = [branches for _, branches in one.taken]
        yield f"{one.rule.code} {one.rule.id}: {len(_all(taken))} of {every} branches of `{one.rule.check}` ({one.way.shown})"
        for i, (example, branches) in enumerate(one.taken):
            alone = len(branches - _all(taken[:i] + taken[i + 1 :]))
            more = f", {alone} by no other example" if alone else ""
            yield f"  {'good' if example.good else 'bad'}: {example.title}: {len(branches)}{more}"
        yield from _never(one.way, _all(taken))
        yield ""


def _by_check(reached: Sequence[Reached]) -> Iterator[str]:
    checks: dict[str, list[Reached]] = {}
    for one in reached:
        checks.setdefault(one.rule.check, []).append(one)
    yield "Over all rules"
    for name, rules in sorted(checks.items()):
        taken = _all([branches for one in rules for _, branches in one.taken])
        yield f"  {name}: {len(taken)} of {len(rules[0].way.branches)} ({', '.join(one.rule.code for one in rules)})"
        if len(rules) > 1:
            yield from (f"  {line}" for line in _never(rules[0].way, taken))


def _never(way: Way, taken: AbstractSet[Branch]) -> Iterator[str]:
    for branch in way.branches:
        if branch not in taken:
            yield f"  never: {way.shown}:{branch.line} {branch.outcome}: {branch.text}"


def _all(taken: Sequence[AbstractSet[Branch]]) -> set[Branch]:
    return set().union(*taken)
