"""The command that edits: `lwlint fix`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from lwlint import fix as mend
from lwlint.cli import NOT_TRUSTED
from lwlint.cli.ask import request, rules, settings
from lwlint.cli.judge import brought_by_commit, exit_code
from lwlint.report.fixes import diff, told

if TYPE_CHECKING:
    import argparse

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
            print(f"lwlint: `{path}`: a line that is changed holds a secret; `--show-secrets` shows it", file=sys.stderr)
        print(told(outcome, done=False), end="", file=sys.stderr)
    else:
        mend.write(outcome)
        print(told(outcome, done=True), end="")
    return FINDINGS if options.diff and outcome.files and code == 0 else code
