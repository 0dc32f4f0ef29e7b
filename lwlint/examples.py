"""The examples of rules, run: they are the rules' tests and their documentation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from lwlint.costs import Costs
from lwlint.finding import BROKEN, Report
from lwlint.rules import Example, Rule
from lwlint.run import AUTO, Request, judge, read_facts
from lwlint.tree import Memory


@dataclass(frozen=True)
class Outcome:
    """What one example came to: `expected` and `found` are lines `path:line:column message`."""

    rule: Rule
    example: Example
    expected: tuple[str, ...]
    found: tuple[str, ...]
    broken: str = ""

    @property
    def passed(self) -> bool:
        """Whether the rule found exactly what the example says."""
        return self.expected == self.found and not self.broken


def run_example(
    rule: Rule,
    example: Example,
    others: tuple[Rule, ...] = (),
    watch: AbstractContextManager[None] | None = None,
    costs: Costs | None = None,
) -> Outcome:
    """Return what `rule` finds in `example`; `others` run with it, as a rule about other rules' findings needs.

    `watch` is entered while the rules run, and left when they have; what they take is added to `costs`.
    """
    request = Request(
        paths=example.paths,
        environments=example.environments,
        release=example.release or AUTO,
        tree=Memory(example.files),
        hosts=True,
        costs=costs or Costs(),
    )
    reading = read_facts(request)
    with watch or nullcontext():
        report = judge(reading, request, (*others, rule))
    broken = "; ".join(v.because for v in report.verdicts if v.outcome == BROKEN)
    return Outcome(rule, example, tuple(sorted(example.finds)), tuple(sorted(_lines(report, rule))), broken)


def _lines(report: Report, rule: Rule) -> Iterator[str]:
    for finding in report.findings:
        if finding.rule == rule.id and finding.allowed is None:
            line, column = report.sources[finding.span.path].position(finding.span.start)
            yield f"{finding.span.path}:{line}:{column} {finding.message}"
