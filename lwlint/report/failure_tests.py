"""The failure tests of a cloud, and what an operator saw of them, as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lwlint.operate.failure_tests import AS_EXPECTED, ASSUMED, DIFFERENT, NOT_TRIED, FailureTest, Judgement, Plan, Words
from lwlint.report.json import dump


def render_plan(plan: Plan) -> str:
    """Return the tests for a reader, those with the same commands together."""
    lines: list[str] = []
    for test in plan.tests:
        lines += [
            test.id,
            f"  what      {test.what}",
            *_commands("do", test.fail),
            *_commands("look", test.see),
            *_commands("mend", test.mend),
        ]
        lines.append(f"  expect    {' or '.join(map(_words, test.expect))} ({test.stands_on}{_because(test)})")
        lines.append("")
    lines += [f"not planned: {text}" for text in plan.not_planned]
    lines.append(f"{len(plan.tests)} failure tests; `--format json` writes them with a `saw` to be filled in, for `lwlint lab judge`")
    return "\n".join(lines) + "\n"


def _commands(name: str, commands: Sequence[str]) -> list[str]:
    return [f"  {name if n == 0 else '':9} {line}" for n, line in enumerate(commands)]


def _words(words: Words) -> str:
    return ", then ".join(word for word in (words.does, words.then) if word) or "not known"


def _because(test: FailureTest) -> str:
    told = f"; {test.because}" if test.because else ""
    return f": nobody saw it{told}" if test.stands_on == ASSUMED else told


def render_plan_json(plan: Plan) -> str:
    """Return the tests as JSON, for an operator to fill in `saw` of each."""
    return dump(msgspec.to_builtins(plan))


def render_judgement(found: Sequence[Judgement]) -> str:
    """Return what the tests came to: what differs and what is bad first, then the numbers."""
    lines = []
    for one in found:
        if one.outcome == DIFFERENT or one.bad:
            expected = " or ".join(map(_words, one.test.expect))
            lines.append(f"{one.test.id}: {one.outcome}: {_words(one.test.saw)}; expected {expected} ({one.test.stands_on})")
            lines += [f"  {one.bad}"] if one.bad else []
    lines += [f"{one.test.id}: not tried" for one in found if one.outcome == NOT_TRIED]
    number = {outcome: sum(one.outcome == outcome for one in found) for outcome in (AS_EXPECTED, DIFFERENT, NOT_TRIED)}
    lines.append(", ".join(f"{count} {outcome}" for outcome, count in number.items()))
    return "\n".join(lines) + "\n"
