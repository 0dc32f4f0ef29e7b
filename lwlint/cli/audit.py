"""`lwlint audit`: reports of hosts, archives of them, and file systems, judged cluster by cluster."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lwlint.audit.answer import Audit
from lwlint.audit.judge import audit as run
from lwlint.audit.live import ask
from lwlint.audit.targets import targets
from lwlint.cli import NOT_TRUSTED
from lwlint.cli.ask import split
from lwlint.cli.progress import Progress
from lwlint.facts.service import RELEASES
from lwlint.finding import BROKEN, NOT_EVALUATED, ConfigurationError
from lwlint.read import near
from lwlint.report import audit_json, audit_text
from lwlint.report.formats import write_folder
from lwlint.rules import Clause, Rule, load_clauses
from lwlint.run import AUTO, load_rules

if TYPE_CHECKING:
    import argparse

    from lwlint.audit.anonymous import Anonymous

CONFORMS, FINDINGS = 0, 1


def audit(options: argparse.Namespace) -> int:
    """Judge the targets, print the answer, and return the exit code."""
    release = options.release or AUTO
    if release not in (AUTO, *RELEASES):
        raise ConfigurationError(f"`{release}`: unknown release{near(release, RELEASES)}")
    roots = [*options.root, *(["/"] if options.live else [])]
    if not options.targets and not roots:
        raise ConfigurationError("nothing to audit: name a report, an archive, a folder or a CIB, or `--live`")
    if options.jobs is not None and options.jobs < 1:
        raise ConfigurationError(f"`-j {options.jobs}`: must be 1 or more")
    if options.output and os.path.exists(options.output) and not os.path.isdir(options.output):
        raise ConfigurationError(f"`--output {options.output}`: is no folder")
    rules = load_rules(options.rules, split(options.select), split(options.ignore), examples=False)
    anonymous = _anonymous(rules) if options.anonymize else None
    asked = ask() if _may_run(options) else None
    with Progress(sys.stderr) as progress:
        answer = run(targets(options.targets, roots, progress.tell, options.jobs, asked), rules, release, anonymous)
    _deliver(answer, options)
    return _exit_code(answer, options)


def _may_run(options: argparse.Namespace) -> bool:
    """Return whether commands may be run: only of the machine that lwlint runs on, and only where that is asked for."""
    if options.run and (options.targets or options.root or not options.live):
        raise ConfigurationError("`--run` goes with `--live`, and with no other target")
    return bool(options.run)


def _anonymous(rules: Sequence[Rule]) -> Anonymous:
    from lwlint.audit.anonymous import Anonymous

    return Anonymous(rules)


def _deliver(answer: Audit, options: argparse.Namespace) -> None:
    clauses = load_clauses()
    if options.output:
        texts = {
            "audit.txt": audit_text.render(answer, clauses, verbose=options.verbose),
            "audit.json": audit_json.render(answer, clauses),
            "audit.html": _page(answer, clauses),
        }
        write_folder(options.output, texts)
        print(audit_text.summary(answer))
    elif options.format == "json":
        sys.stdout.write(audit_json.render(answer, clauses))
    elif options.format == "html":
        sys.stdout.write(_page(answer, clauses))
    else:
        sys.stdout.write(audit_text.render(answer, clauses, verbose=options.verbose))


def _page(answer: Audit, clauses: Sequence[Clause]) -> str:
    from lwlint.report import html

    return html.render(answer, clauses)


def _exit_code(answer: Audit, options: argparse.Namespace) -> int:
    for text in answer.tracebacks if options.debug else ():
        print(text, file=sys.stderr)
    if answer.count(BROKEN):
        print("lwlint: a rule is broken, which is a defect of lwlint; the answer is not complete", file=sys.stderr)
        return NOT_TRUSTED
    for target in answer.targets:
        if not target.hosts:
            because = f": {target.troubles[0]}" if target.troubles else ""
            print(f"lwlint: `{target.path}`: nothing to judge in it{because}", file=sys.stderr)
    if answer.empty:
        return NOT_TRUSTED
    if not answer.judged:
        print("lwlint: nothing to judge: there is no CIB, systemd unit or option file in what was given", file=sys.stderr)
        return NOT_TRUSTED
    if answer.failing(options.fail_on) or (options.strict and answer.count(NOT_EVALUATED)):
        return FINDINGS
    return CONFORMS
