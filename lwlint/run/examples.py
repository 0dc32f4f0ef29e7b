"""Which branches a check has, and which of them are taken while it runs.

A branch is an outcome of an `if`, a loop or an `except` that has a line of its own, or a function that is called. Conditions inside an
expression (`x if y else z`, `and`, a comprehension) have no line of their own and are not seen.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import FrameType
from typing import Any, NamedTuple, Optional, Union

from msgspec import Struct

from lwlint.core.check import AnyCheck
from lwlint.core.finding import BROKEN, Report
from lwlint.files.tree import Memory
from lwlint.policy.rules import Example, Rule
from lwlint.run import AUTO, Request, judge, read_facts
from lwlint.run.engine import Costs

Tracer = Callable[[FrameType, str, Any], Optional[Callable[..., Any]]]
_Function = Union[ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda]
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Branch(NamedTuple):
    """One way through a check: the line, what happens there (`true`, `false`, `entered`, `caught`, `called`), and the line's text."""

    line: int
    outcome: str
    text: str


class _Fork(Struct, frozen=True):
    """A place where the way divides: the lines of its test, those of its body, and the two outcomes ("" is no branch)."""

    test: tuple[int, int]
    body: tuple[int, int]
    then: str
    other: str

    def outcome(self, line: int | None) -> str:
        """Return which way was taken if `line` (None: the function's end) comes after the test; "" while still in the test."""
        if line is not None and self.body[0] <= line <= self.body[1]:
            return self.then
        return "" if line is not None and self.test[0] <= line <= self.test[1] else self.other


class Way(Struct, frozen=True):
    """The code of one check: its file, how to name it, its branches."""

    file: str
    shown: str
    branches: tuple[Branch, ...]
    forks: Mapping[int, _Fork]
    functions: Mapping[int, Branch]


def way(check: AnyCheck) -> Way:
    """Return the way through a check: its function and what that calls in the same file.

    Raises OSError if the source of the check is not there.
    """
    run: Any = check.run
    while hasattr(run, "func"):  # functools.partial
        run = run.func
    run = inspect.unwrap(run)
    code = (run if hasattr(run, "__code__") else type(run).__call__).__code__
    lines, _ = inspect.findsource(code)
    tree = ast.parse("".join(lines))
    functions = [node for node in ast.walk(tree) if isinstance(node, _FUNCTIONS)]
    start = [node for node in functions if _first_line(node) == code.co_firstlineno]
    reached = _reachable(tree, start)
    found: dict[int, Branch] = {}
    forks: dict[int, _Fork] = {}
    branches: set[Branch] = set()
    for function in reached:
        if not isinstance(function, ast.Lambda):
            found[_first_line(function)] = Branch(function.lineno, "called", lines[function.lineno - 1].strip())
        for fork in _forks(function):
            forks.update((line, fork) for line in range(fork.test[0], fork.test[1] + 1))
            text = lines[fork.test[0] - 1].strip()
            branches |= {Branch(fork.test[0], outcome, text) for outcome in (fork.then, fork.other) if outcome}
    shown = run.__module__.replace(".", "/") + ".py"
    return Way(code.co_filename, shown, tuple(sorted((*branches, *found.values()))), forks, found)


def _reachable(tree: ast.Module, start: Iterable[_Function]) -> list[_Function]:
    """Return the functions of the file that those in `start` lead to, by the names that they use."""
    named: dict[str, list[ast.AST]] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            named.setdefault(node.name, []).append(node)
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name):
                named.setdefault(target.id, []).append(statement)
    pending: list[ast.AST] = list(start)
    seen: dict[ast.AST, None] = {}
    while pending:
        node = pending.pop()
        if node not in seen:
            seen[node] = None
            for name in _names(node):
                pending += named.get(name, ())
    inner = {below for node in seen for below in ast.walk(node) if isinstance(below, _FUNCTIONS)}
    return sorted(inner, key=lambda node: (node.lineno, node.col_offset))


def _names(node: ast.AST) -> Iterator[str]:
    for below in ast.walk(node):
        if isinstance(below, ast.Name):
            yield below.id
        elif isinstance(below, ast.Attribute):
            yield below.attr


def _first_line(node: _Function) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _forks(function: _Function) -> Iterator[_Fork]:
    for node in ast.walk(function):
        if isinstance(node, ast.If):
            yield _Fork(_code_lines(node.test), _code_lines(*node.body), "true", "false")
        elif isinstance(node, ast.While) and not isinstance(node.test, ast.Constant):
            yield _Fork(_code_lines(node.test), _code_lines(*node.body), "entered", "")
        elif isinstance(node, ast.For):
            yield _Fork((node.lineno, node.iter.end_lineno or node.lineno), _code_lines(*node.body), "entered", "")
        elif isinstance(node, ast.ExceptHandler):
            last = node.type.end_lineno if node.type is not None else None
            yield _Fork((node.lineno, last or node.lineno), _code_lines(*node.body), "caught", "")


def _code_lines(*nodes: ast.expr | ast.stmt) -> tuple[int, int]:
    return nodes[0].lineno, nodes[-1].end_lineno or nodes[-1].lineno


def tracer(through: Way, taken: set[Branch]) -> Tracer:
    """Return a function for `sys.settrace` that adds the branches of `through` that are taken to `taken`."""
    texts = {(branch.line, branch.outcome): branch for branch in through.branches}

    def note(before: int | None, line: int | None) -> None:
        fork = through.forks.get(before) if before is not None else None
        branch = texts.get((fork.test[0], fork.outcome(line))) if fork is not None else None
        if branch is not None:
            taken.add(branch)

    def start(frame: FrameType, event: str, _: Any) -> Callable[..., Any] | None:
        if frame.f_code.co_filename != through.file:
            return None
        called = through.functions.get(frame.f_code.co_firstlineno)
        if called is not None and called.text.partition("(")[0].endswith(frame.f_code.co_name):
            taken.add(called)
        before: int | None = None

        def follow(frame: FrameType, event: str, _: Any) -> Callable[..., Any]:
            nonlocal before
            if event == "line":
                note(before, frame.f_lineno)
                before = frame.f_lineno
            elif event == "return":
                note(before, None)
            elif event == "exception":
                before = None
            return follow

        return follow

    return start


class Outcome(Struct, frozen=True):
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
