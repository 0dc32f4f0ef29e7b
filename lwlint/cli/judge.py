"""The commands that judge: `lwlint check` and `lwlint baseline`."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lwlint.cli import NOT_TRUSTED
from lwlint.cli.arguments import request, rules, settings
from lwlint.core.costs import Costs
from lwlint.core.finding import BROKEN, NOT_EVALUATED, ConfigurationError, Report
from lwlint.core.harmless import safe, tame
from lwlint.report import How, Output, deliver, outputs
from lwlint.report.fixes import diff, told
from lwlint.run import check as run
from lwlint.run import fix as mend
from lwlint.run import settled

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from lwlint.policy.baseline import Comparison, Known
    from lwlint.policy.rules import Rule
    from lwlint.run import Request


CONFORMS, FINDINGS = 0, 1


def check(options: argparse.Namespace) -> int:
    """`lwlint check`: judge, report in every format that is asked for, and return the exit code."""
    asked = outputs(options.format)
    known = _known(options.baseline, trusted=options.trust) if options.baseline else None
    found = settings(options)
    chosen = rules(options, found)
    costs = Costs(time.process_time if options.timing else None)
    asked_for = replace(request(options, found), costs=costs)
    report = _judged(asked_for, chosen, options)
    if known is not None:
        report = _compared(report, known, asked_for, options)
    code = exit_code(report, options)
    colour = options.color == "always" or (options.color == "auto" and sys.stdout.isatty())
    how = How(colour, options.verbose, options.fail_on, code)
    deliver(asked, report, chosen, how, kept(asked_for, options), out=sys.stdout)
    if not _tells_all(asked):
        from lwlint.report.text import summary

        print(safe(summary(report)), file=sys.stderr)
    if options.timing:
        from lwlint.report.text import render_costs

        sys.stderr.write(render_costs(costs, time.process_time()))
    return code


def _judged(asked: Request, chosen: Sequence[Rule], options: argparse.Namespace) -> Report:
    """Return the report on all that is asked for, or on what a change to it brought."""
    if options.hook:
        if options.since or options.staged or options.all:
            raise ConfigurationError("`--hook` chooses by itself what is reported; it goes without `--since`, `--staged` and `--all`")
        return _of_commit(asked, chosen)
    if not (options.since or options.staged):
        if options.all:
            raise ConfigurationError("`--all` goes with `--since` or `--staged`")
        return run(asked, chosen)
    if options.since and options.staged:
        raise ConfigurationError("`--since` and `--staged` exclude each other")
    from lwlint.files import git
    from lwlint.run.changed import check_changed

    change = git.since(options.since) if options.since else git.staged()
    if options.all:
        return run(replace(asked, tree=git.trees(asked.tree, change)[1]), chosen)
    return check_changed(asked, chosen, change)


def _of_commit(asked: Request, chosen: Sequence[Rule]) -> Report:
    """Return the report on the files that a hook was given; where they fail, only on what the commit brings, if all of them are in it."""
    report = run(asked, chosen)
    passes = all(finding.allowed is not None for finding in report.findings)
    return report if passes else brought_by_commit(asked, chosen) or report


def brought_by_commit(asked: Request, chosen: Sequence[Rule]) -> Report | None:
    """Return the report on what the next commit brings, if all files that are named are in it; None if they are not."""
    from lwlint.files import git
    from lwlint.run.changed import check_changed

    change = git.commit_of(asked.paths)
    return None if change is None else check_changed(asked, chosen, change)


def baseline(options: argparse.Namespace) -> int:
    """`lwlint baseline`: write what is found today, or take what is gone out of what was written."""
    from lwlint.policy.baseline import absent, compare, pruned, record, told
    from lwlint.report import write

    known = _known(options.output, trusted=options.trust) if options.prune else ()
    found = settings(options)
    asked = request(options, found)
    report = run(asked, rules(options, found))
    if report.count(BROKEN) or not any(source.judged for source in report.sources.values()):
        options.fail_on, options.strict = "error", False
        return exit_code(report, options)
    comparison = compare(report, known, absent=absent(report, asked.paths, asked.tree))
    text = pruned(known, comparison) if options.prune else record(report)
    if os.path.lexists(options.output) and not options.prune:
        _refuse_other(options.output)
    write(options.output, text, (*report.sources, *kept(asked, options)))
    sys.stdout.write("".join(f"{line}\n" for line in _gone(comparison)))
    print(told(comparison) if options.prune else f"{len(text.splitlines()) - 1} findings recorded in {options.output}")
    return CONFORMS


def kept(asked: Request, options: argparse.Namespace) -> Iterator[str]:
    """Yield the files, besides its sources, that a run was made by: configuration, baseline, rules, what git ignores."""
    from lwlint.files.tree import checkout

    yield from asked.environments
    yield from (path for path in asked.paths if os.path.isfile(path))
    if asked.settings is not None:
        yield from (layer.name for layer in asked.settings.layers)
    if getattr(options, "baseline", None):
        yield options.baseline
    for folder in asked.rule_folders:
        yield from (os.path.join(above, name) for above, _, names in os.walk(folder) for name in names if name.endswith(".yaml"))
    for folder in {checkout(os.path.abspath(path)) or path for path in asked.paths}:
        yield from (os.path.join(folder, name) for name in (".gitignore", ".lwlint.yaml", "pyproject.toml", ".pre-commit-config.yaml"))


def _refuse_other(path: str) -> None:
    """Raise ConfigurationError if there is something at `path` that is neither a baseline nor empty."""
    from lwlint.files.tree import read_regular

    try:
        head = read_regular(path, 64)
    except OSError:
        return  # who writes it says so
    if head.strip() and not head.startswith(b'{"lwlint baseline"'):
        raise ConfigurationError(f"`{path}`: is there, and is no baseline of lwlint; it is not overwritten")


def _known(path: str, *, trusted: bool) -> tuple[Known, ...]:
    from lwlint.files.tree import BASELINE, around, read_bounded
    from lwlint.policy.baseline import read

    try:
        return read(read_bounded(path, BASELINE, None if trusted else around((path,))).decode("utf-8"), path)
    except OSError as error:
        raise ConfigurationError(f"`{path}`: baseline cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"`{path}`: baseline is not UTF-8") from error


def _compared(report: Report, known: Sequence[Known], asked: Request, options: argparse.Namespace) -> Report:
    """Return the report with what is known allowed; say on standard error what is gone, if the run was one on all that is there."""
    from lwlint.policy.baseline import absent, compare, marked, told

    comparison = compare(report, known, absent=absent(report, asked.paths, asked.tree))
    if (options.since or options.staged or options.hook) and not options.all:
        comparison = replace(comparison, gone=(), unseen=(*comparison.gone, *comparison.unseen))
    sys.stderr.write("".join(f"lwlint: {line}\n" for line in (*_gone(comparison), told(comparison))))
    report = marked(report, comparison)
    return replace(report, verdicts=tuple(settled(report.verdicts, report.findings)))


def _gone(comparison: Comparison) -> Iterator[str]:
    """Yield a line for each recorded finding that is gone."""
    from lwlint.report.fixes import one_line

    for entry in comparison.gone:
        yield f"gone: {entry.code} {one_line(entry.path)}: {one_line(entry.message or entry.subject)}"


def _tells_all(asked: Sequence[Output]) -> bool:
    return any(output.path is None and output.format in ("text", "json") for output in asked)


def exit_code(report: Report, options: argparse.Namespace) -> int:
    """Return the exit code for a report, and say on standard error why it is not to be trusted."""
    for path in report.unread:
        print(safe(f"lwlint: `{path}`: cannot be read, by a defect of lwlint; the rest is judged (`--debug` shows where)"), file=sys.stderr)
    if report.count(BROKEN):
        for text in report.tracebacks if options.debug else ():
            print(tame(text), file=sys.stderr)
        print("lwlint: a rule is broken, which is a defect of lwlint; the answer is not complete", file=sys.stderr)
        return NOT_TRUSTED
    if report.unread:
        for text in report.tracebacks if options.debug else ():
            print(tame(text), file=sys.stderr)
        return NOT_TRUSTED
    if not any(source.judged for source in report.sources.values()):
        others = f"{len(report.skipped)} files are none of lwlint's (`-v` says why)" if report.skipped else "there is no file"
        print(f"lwlint: nothing to judge: {others}", file=sys.stderr)
        if getattr(options, "allow_empty", False) or getattr(options, "hook", False):
            return CONFORMS
        folders = not options.paths or any(os.path.isdir(path) for path in options.paths)
        if folders:
            print("lwlint: `--allow-empty` lets such a folder pass", file=sys.stderr)
        return NOT_TRUSTED if folders else CONFORMS
    if report.failing(options.fail_on) or (options.strict and report.count(NOT_EVALUATED)):
        return FINDINGS
    return CONFORMS


FINDINGS = 1


def fix(options: argparse.Namespace) -> int:
    """`lwlint fix`: apply what can be mended for certain, or show it as a diff; say what is left, and return the exit code."""
    found = settings(options)
    asked, chosen = request(options, found), rules(options, found)
    brought = brought_by_commit(asked, chosen) if options.hook else None
    outcome = mend.fix(asked, chosen, unsafe=options.unsafe, brought=None if brought is None else brought.findings)
    code = exit_code(outcome.report, options)
    if code == NOT_TRUSTED:
        return code
    if options.diff:
        text, left_out = diff(outcome, secrets=options.show_secrets)
        sys.stdout.write(text)
        for path in left_out:
            print(
                safe(f"lwlint: `{path}`: a line that is changed holds a secret, or steers a terminal; `--show-secrets` shows it"),
                file=sys.stderr,
            )
        print(told(outcome, done=False), end="", file=sys.stderr)
    else:
        mend.write(outcome)
        print(told(outcome, done=True), end="")
    return FINDINGS if options.diff and outcome.files and code == 0 else code
