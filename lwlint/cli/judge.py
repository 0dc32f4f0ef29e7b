"""The commands that judge: `lwlint check` and `lwlint baseline`."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lwlint.cli import NOT_TRUSTED, RULE_BROKEN
from lwlint.cli.arguments import complete, request, rules, settings, shows_colour, terminal_width, today
from lwlint.core.finding import BROKEN, NOT_EVALUATED, ConfigurationError, Report
from lwlint.core.harmless import count_of, safe, tame
from lwlint.report import How, Output, deliver, outputs
from lwlint.run import check as run
from lwlint.run import settle
from lwlint.run.engine import Costs

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lwlint.core.source import Span
    from lwlint.files.git import Blob, Change
    from lwlint.policy.baseline import Comparison, Known
    from lwlint.policy.rules import Rule
    from lwlint.policy.settings import Settings
    from lwlint.run import Request


CONFORMS, FINDINGS = 0, 1


def check(options: argparse.Namespace) -> int:
    """`lwlint check`: judge, report in every format that is asked for, and return the exit code."""
    if options.all and options.limit is not None:
        raise ConfigurationError("`--all` and `--limit` exclude each other")
    outputs(options.format)
    found = settings(options)
    complete(options, found)
    asked = outputs(options.format)
    known = _read_baseline(options.baseline, trusted=options.trust) if options.baseline else None
    chosen = rules(options, found)
    costs = Costs(time.process_time if options.timing else None)
    asked_for = replace(request(options, found), costs=costs)
    report, is_marked = _judge(asked_for, chosen, options)
    if known is not None and not is_marked:
        report = _compare(report, known, asked_for, options)
    code = exit_code(report, options)
    how = How(
        colour=options.color == "always" or (options.color == "auto" and shows_colour(sys.stdout)),
        verbose=options.verbose,
        fail_on=options.fail_on,
        exit_code=code,
        width=terminal_width() if sys.stdout.isatty() else 0,
        limit=options.limit,
        every=options.all,
        hook=options.hook,
        fixable=_fixable(asked_for, report) if any(output.format == "text" for output in asked) else frozenset(),
    )
    deliver(asked, report, chosen, how, list_policy_files(asked_for, options), out=sys.stdout)
    if not _tells_all(asked):
        from lwlint.report.text import total, verdicts

        print(safe(total(report)), safe(verdicts(report, hook=options.hook)), sep="\n", file=sys.stderr)
    if options.timing:
        from lwlint.report.text import render_costs

        sys.stderr.write(render_costs(costs, time.process_time()))
    return code


def _fixable(asked: Request, report: Report) -> frozenset[tuple[str, Span]]:
    """Return the findings that `lwlint fix` can fix, by fingerprint and place."""
    if not any(finding.fix is not None for finding in report.findings):
        return frozenset()
    from lwlint.run.fix import fixable

    return fixable(asked, report)


def _judge(asked: Request, chosen: Sequence[Rule], options: argparse.Namespace) -> tuple[Report, bool]:
    """Return the report on all that is asked for, or on what a change brought, and whether what the baseline knows is marked in it."""
    if options.hook and (options.since or options.all):
        raise ConfigurationError("`--hook` chooses by itself what is reported; it goes without `--since` and `--all`")
    if options.since and options.staged:
        raise ConfigurationError("`--since` and `--staged` exclude each other")
    if not (options.since or options.staged or options.hook):
        return run(asked, chosen), False
    from lwlint.files import git

    if options.hook:
        change = change_of_hook(asked, options)
        if change is None:
            return run(asked, chosen), False
        if not concerns(change, asked, options):
            return Report((), ()), True
        asked = replace(asked, paths=(".",))  # it shows wherever it shows
    else:
        change = git.since(options.since) if options.since else git.read_staged()
    if options.all:
        return run(replace(asked, tree=git.trees(asked.tree, change)[1]), chosen), False
    return brought(asked, chosen, change, options)


def change_of_hook(asked: Request, options: argparse.Namespace) -> Change | None:
    """Return the change that a hook is run for: what is staged or, as pre-commit says, what a push brings.

    None outside of a checkout, and where files are named that are not all staged.
    """
    from lwlint.files import git

    if options.paths:
        return git.commit_of(asked.paths)
    pushed = os.environ.get("PRE_COMMIT_FROM_REF")
    try:
        return git.since(f"{pushed}...") if pushed else git.read_staged()
    except ConfigurationError as error:
        if str(error).endswith("not in a git checkout"):
            return None
        raise


def concerns(change: Change, asked: Request, options: argparse.Namespace) -> bool:
    """Return whether a change can bring a finding: to a file that may be input, to what lwlint goes by, or by one that is gone."""
    from lwlint.inputs import KINDS

    if options.kind:  # then any file is input
        return bool(change.before)
    others = _policy_files(asked, options)
    for path, before in change.before.items():
        blob = change.after.get(path)
        gone = before is not None and (blob is None if path in change.after else not os.path.lexists(path))
        name = os.path.basename(path)
        if (
            gone
            or KINDS.may_hold(path)
            or path in others
            or name in _NAMES
            or path.startswith(tuple(f"{folder}/" for folder in asked.rule_folders))
        ):
            return True
    return False


_NAMES = (".lwlint.yaml", "pyproject.toml", "tox.ini", "setup.cfg", ".gitignore")  # of what lwlint goes by, in any folder


def _policy_files(asked: Request, options: argparse.Namespace) -> set[str]:
    """Return the files besides the input that a run goes by, as they are shown."""
    layers = [layer.name for layer in asked.settings.layers] if asked.settings is not None else []
    named = [path for path in (options.config, getattr(options, "baseline", None)) if path]
    return {os.path.relpath(path).replace(os.sep, "/") for path in (*layers, *named)}


def brought(asked: Request, chosen: Sequence[Rule], change: Change, options: argparse.Namespace) -> tuple[Report, bool]:
    """Return the report on what a change brings, and whether what the baseline knows is marked in it.

    Where the change is one of the configuration or of the baseline too, each state is judged by its own.
    """
    from lwlint.run.changed import Policy, check_changed

    others = _policy_files(asked, options)
    changed = {path for path in change.before if path in others or os.path.basename(path) in _NAMES[:-1]}
    if not changed:
        return check_changed(asked, chosen, change), False

    def policy(state: Mapping[str, Blob | None]) -> Policy:
        texts = {path: blob.data if blob is not None else None for path, blob in state.items()}
        found = settings(options, texts)
        environments = asked.environments if options.environment or found is None else found.environments
        return Policy(rules(options, found), found, _marking(options, found, texts), environments)

    now = policy(change.after)
    try:
        earlier = policy(change.before)
    except ConfigurationError:  # what could not be read before is fixed now
        earlier = now
    return check_changed(replace(asked, today=today()), chosen, change, earlier, now), True


def _marking(options: argparse.Namespace, found: Settings | None, texts: Mapping[str, bytes | None]) -> Callable[[Report], Report]:
    """Return what marks the findings that the baseline of a state knows, whose text may be among `texts`."""
    path = getattr(options, "baseline", None)
    if not getattr(options, "baseline_is_named", False):
        path = found.baseline if found is not None and hasattr(options, "baseline") else None
    if not path:
        return lambda report: report
    from lwlint.policy.baseline import compare, mark_known, read

    name = os.path.relpath(path).replace(os.sep, "/")
    data = texts.get(name)
    if name in texts:
        known = read(data.decode("utf-8", "replace"), path) if data is not None else ()
    else:
        known = _read_baseline(path, trusted=options.trust)

    def mark(report: Report) -> Report:
        done = mark_known(report, compare(report, known))
        return replace(done, verdicts=tuple(settle(done.verdicts, done.findings)))

    return mark


def baseline(options: argparse.Namespace) -> int:
    """`lwlint baseline`: write what is found today, or take what is gone out of what was written."""
    from lwlint.policy.baseline import absent, compare, prune, record, summarize
    from lwlint.report import write

    known = _read_baseline(options.output, trusted=options.trust) if options.prune else ()
    found = settings(options)
    asked = request(options, found)
    report = run(asked, rules(options, found))
    if report.count(BROKEN) or not any(source.judged for source in report.sources.values()):
        options.fail_on, options.strict = "error", False
        return exit_code(report, options)
    comparison = compare(report, known, absent=absent(report, asked.paths, asked.tree))
    text = prune(known, comparison) if options.prune else record(report)
    if os.path.lexists(options.output) and not options.prune:
        _refuse_other(options.output)
    write(options.output, text, (*report.sources, *list_policy_files(asked, options)))
    sys.stdout.write("".join(f"{line}\n" for line in _list_gone(comparison)))
    print(
        summarize(comparison) if options.prune else f"{count_of(len(text.splitlines()) - 1, 'finding')} recorded in {safe(options.output)}"
    )
    return CONFORMS


def list_policy_files(asked: Request, options: argparse.Namespace) -> Iterator[str]:
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
        raise ConfigurationError(f"`{path}`: exists and is not a baseline of lwlint; it is not overwritten")


def _read_baseline(path: str, *, trusted: bool) -> tuple[Known, ...]:
    from lwlint.files.tree import BASELINE, around, read_bounded
    from lwlint.policy.baseline import read

    try:
        return read(read_bounded(path, BASELINE, None if trusted else around((path,))).decode("utf-8"), path)
    except OSError as error:
        raise ConfigurationError(f"`{path}`: baseline cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"`{path}`: baseline is not UTF-8") from error


def _compare(report: Report, known: Sequence[Known], asked: Request, options: argparse.Namespace) -> Report:
    """Return the report with what is known allowed; say on standard error what is gone, if the run was one on all that is there."""
    from lwlint.policy.baseline import absent, compare, mark_known, summarize

    comparison = compare(report, known, absent=absent(report, asked.paths, asked.tree))
    if (options.since or options.staged or options.hook) and not options.all:
        comparison = replace(comparison, gone=(), unseen=(*comparison.gone, *comparison.unseen))
    sys.stderr.write("".join(f"lwlint: {line}\n" for line in (*_list_gone(comparison), summarize(comparison))))
    report = mark_known(report, comparison)
    return replace(report, verdicts=tuple(settle(report.verdicts, report.findings)))


def _list_gone(comparison: Comparison) -> Iterator[str]:
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
        print(RULE_BROKEN, file=sys.stderr)
        return NOT_TRUSTED
    if report.unread:
        for text in report.tracebacks if options.debug else ():
            print(tame(text), file=sys.stderr)
        return NOT_TRUSTED
    if not any(source.judged for source in report.sources.values()):
        if getattr(options, "hook", False) and not report.sources and not report.skipped:
            return CONFORMS
        others = f"{count_of(len(report.skipped), 'file')} skipped (`-v` says why)" if report.skipped else "there is no file"
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


def fix(options: argparse.Namespace) -> int:
    """`lwlint fix`: apply what can be fixed for certain, or show it as a diff; say what is left, and return the exit code."""
    from lwlint.report.fixes import diff, tell
    from lwlint.run import fix as mend

    found = settings(options)
    complete(options, found)
    asked, chosen = request(options, found), rules(options, found)
    change = change_of_hook(asked, options) if options.hook else None
    if change is not None and not concerns(change, asked, options):
        print("nothing to fix in what is staged")
        return CONFORMS
    if change is not None:
        asked = replace(asked, paths=(".",))
    only = brought(asked, chosen, change, options)[0].findings if change is not None else None
    outcome = mend.fix(asked, chosen, unsafe=options.unsafe, brought=only)
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
        print(tell(outcome, done=False), end="", file=sys.stderr)
    else:
        mend.write(outcome)
        print(tell(outcome, done=True), end="")
    return FINDINGS if options.diff and outcome.files and code == 0 else code
