"""The command for failures that are tried out: the tests for one cloud, and what was seen of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Optional

from lwlint.core.finding import ConfigurationError
from lwlint.core.harmless import tame

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from lwlint.audit.answer import ClusterAnswer
    from lwlint.audit.hosts import Host
    from lwlint.core.source import Source
    from lwlint.operate.runbook import Runbook

CONFORMS, FINDINGS = 0, 1


def lab(options: argparse.Namespace) -> int:
    """`lwlint lab`: `plan` prints the failure tests for a cloud, `judge` compares what an operator saw."""
    return _plan(options) if options.what == "plan" else _judge(options)


def _plan(options: argparse.Namespace) -> int:
    from lwlint.cli.operate import judged
    from lwlint.operate.failure_tests import plan
    from lwlint.operate.runbook import runbook
    from lwlint.policy.rules import load_observed
    from lwlint.report import failures as report

    books: list[tuple[Runbook, Optional[str]]] = []

    def see(cluster: ClusterAnswer, hosts: Sequence[Host], sources: Mapping[str, Source]) -> None:
        releases = {host.release for host in cluster.hosts}
        books.append((runbook(cluster, hosts, sources), releases.pop() if len(releases) == 1 else None))

    code = judged([options.target], options, see)
    if options.hide is not None:
        books = [(options.hide.hidden_record(book), release) for book, release in books]
    found = plan(books, load_observed())
    if not found.tests:
        raise ConfigurationError(f"`{options.target}`: no failure test can be made of it: {'; '.join(found.not_planned)}")
    sys.stdout.write(report.render_plan_json(found) if options.format == "json" else tame(report.render_plan(found)))
    return code


def _judge(options: argparse.Namespace) -> int:
    from lwlint.files.tree import CONFIGURATION, read_bounded
    from lwlint.operate.failure_tests import AS_EXPECTED, judge, load_results
    from lwlint.report.failures import render_judgement

    try:
        text = read_bounded(options.target, CONFIGURATION).decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"`{options.target}`: is not UTF-8") from None
    except OSError as error:
        raise ConfigurationError(f"`{options.target}`: cannot be read ({error.strerror})") from error
    found = judge(load_results(text, options.target))
    sys.stdout.write(tame(render_judgement(found)))
    return CONFORMS if found and all(one.outcome == AS_EXPECTED and not one.bad for one in found) else FINDINGS
