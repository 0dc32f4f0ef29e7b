"""The commands for authors of rules: `lwlint new-rule` and `lwlint test`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lwlint.core.costs import Costs
from lwlint.core.finding import ConfigurationError
from lwlint.core.harmless import line, tame
from lwlint.files.boundary import around
from lwlint.run import load_rules

if TYPE_CHECKING:
    from lwlint.policy.rules import Rule
    from lwlint.report.explain import Reached
    from lwlint.run.examples import Outcome, Tracer


CONFORMS, FINDINGS = 0, 1


def new_rule(options: argparse.Namespace) -> int:
    """`lwlint new-rule`: print a rule with examples, or write it into the folder that is named."""
    from lwlint.policy.rules import load_folder
    from lwlint.report.starters import skeleton

    if options.folder is None:
        sys.stdout.write(skeleton(options.id, options.area))
        return CONFORMS
    folder = _folder(options.folder)
    path = folder / f"{options.id}.yaml"
    if path.exists():
        raise ConfigurationError(f"`{path}`: exists already")
    if options.id in {rule.id for rule in load_rules()}:
        raise ConfigurationError(f"`{options.id}`: is a rule of lwlint's own; name yours otherwise")
    beside = load_folder(folder, options.folder.rstrip("/")) if any(folder.rglob("*.yaml")) else ()
    text = skeleton(options.id, options.area, beside)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigurationError(f"`{path}`: cannot be written ({error.strerror})") from error
    print(f"{path} written; `lwlint test {options.folder}` runs its examples")
    return CONFORMS


def test(options: argparse.Namespace) -> int:
    """`lwlint test`: run the examples of the rules in a folder, and say which do not hold and, if asked, what they reach."""
    from lwlint.policy.rules import load_folder, own_folder

    own = load_rules()
    costs = Costs(time.process_time if options.timing else None)
    outcomes: list[Outcome] = []
    reached: list[Reached] = []
    for rule in (
        own
        if options.folder is None
        else load_folder(_folder(options.folder), options.folder.rstrip("/"), within=around((options.folder,)))
    ):
        others = tuple(r for r in own if r.id != rule.id) if rule.check == "allow-without-effect" else ()
        found, ways = _run(rule, others, options.coverage, costs)
        outcomes += found
        reached += ways
    if options.update:
        outcomes = _update(outcomes, Path(own_folder()) if options.folder is None else _folder(options.folder))
    failed = [outcome for outcome in outcomes if not outcome.passed]
    for outcome in failed:
        _show(outcome)
    if options.coverage:
        from lwlint.report.explain import render_reached

        sys.stdout.write(tame(render_reached(reached)) + "\n")
    if options.timing:
        from lwlint.report.text import render_costs as spent

        sys.stderr.write(tame(spent(costs, time.process_time())))
    print(f"{len(outcomes) - len(failed)} examples hold, {len(failed)} do not")
    return FINDINGS if failed else CONFORMS


def _update(outcomes: list[Outcome], folder: Path) -> list[Outcome]:
    """Write what bad examples find into their rules; return the outcomes, in which these hold now."""
    from lwlint.files import atomic
    from lwlint.policy.round_trip import with_finds

    wrong = [one for one in outcomes if not one.passed and not one.broken and one.example.bad is not None and one.found]
    changed: dict[Path, str] = {}
    paths = {path.stem: path for path in sorted(folder.rglob("*.yaml"))}
    for rule in {one.rule.id: one.rule for one in wrong}.values():
        path = paths[rule.id]
        finds = {i: one.found for i, example in enumerate(rule.examples) for one in wrong if one.example is example}
        changed[path] = with_finds(path.read_bytes().decode("utf-8"), str(path), finds)
    for path, text in changed.items():
        try:
            atomic.replace(os.path.realpath(path), text.encode("utf-8"))
        except OSError as error:
            raise ConfigurationError(f"`{path}`: cannot be written ({error.strerror})") from error
        print(f"{path} updated")
    return [replace(one, expected=one.found) if one in wrong else one for one in outcomes]


def _run(rule: Rule, others: tuple[Rule, ...], coverage: bool, costs: Costs) -> tuple[list[Outcome], list[Reached]]:
    """Return what became of the examples of a rule and, if `coverage` is asked for, what they reach of its check."""
    from lwlint.run.examples import run_example

    if not coverage:
        return [run_example(rule, example, others, costs=costs) for example in rule.examples], []
    from lwlint.report.explain import Reached
    from lwlint.run.examples import Branch, tracer, way

    through = way(rule.bound)
    outcomes, taken = [], []
    for example in rule.examples:
        branches: set[Branch] = set()
        outcomes.append(run_example(rule, example, others, _traced(tracer(through, branches)), costs))
        taken.append((example, branches))
    return outcomes, [Reached(rule, through, tuple(taken))]


@contextmanager
def _traced(trace: Tracer) -> Iterator[None]:
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def _show(outcome: Outcome) -> None:
    print(line(f"{outcome.rule.code} {outcome.rule.id}: {outcome.example.title}"))
    for mark, lines in (("- ", outcome.expected), ("+ ", outcome.found)):
        for each in lines:
            print(f"  {mark}{line(each)}")
    if outcome.broken:
        print(f"  broken: {line(outcome.broken)}")


def _folder(name: str) -> Path:
    if not Path(name).is_dir():
        raise ConfigurationError(f"`{name}`: no such folder")
    return Path(name)
