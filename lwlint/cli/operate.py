"""The operator's commands: who runs what, what happens on a failure, the pictures of a cluster, failures that are tried out, and the plan.

`lwlint plan` is for a CIB, the reports of a cluster's hosts, or Heat templates.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

from msgspec.structs import replace

from lwlint.audit.clusters import Group, Host, cib_of, groups, read_hosts, seats
from lwlint.audit.operate.plan import Settings, judge_cib, make_plan, mends, outcome
from lwlint.audit.operate.simulation import Pacemaker, Refused, serialize
from lwlint.audit.operate.steps import with_mends
from lwlint.audit.targets import ask, targets
from lwlint.cli.arguments import schemas_of, split
from lwlint.cli.audit import ERASED, bar, draws, may_run, nothing_in, roots_of
from lwlint.core.config_reader import near
from lwlint.core.facts import Unreadable
from lwlint.core.finding import ConfigurationError
from lwlint.core.harmless import tame
from lwlint.inputs.pacemaker import CIB
from lwlint.inputs.pacemaker.facts import Cluster
from lwlint.run import AUTO, load_catalogue, load_rules, read_release

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping, Sequence

    from lwlint.audit import Watcher
    from lwlint.audit.answer import ClusterAnswer
    from lwlint.audit.operate.runbook import Runbook
    from lwlint.core.source import Source
    from lwlint.report.picture import Picture


CONFORMS, FINDINGS, NOT_TRUSTED = 0, 1, 2


def services(options: argparse.Namespace) -> int:
    """`lwlint services`: the catalogue, or one service of it; with a target, who runs what there."""
    target, name = options.target, options.name
    if name is None and (target is None or not _is_target(target)):
        return _catalogue(options, target)
    from lwlint.audit.operate.runbook import find, names_of
    from lwlint.report import operate as report

    code, books = runbooks([target], options)
    if name is not None:
        aliases = names_of(load_catalogue().services)
        chosen = [_only(book, find(book.runs, name, aliases)) for book in books]
        if not any(book.runs for book in chosen):
            raise ConfigurationError(f"`{name}`: nothing in `{target}` runs it{near(name, report.known_names(books))}")
        books = [book for book in chosen if book.runs]
    if options.format == "json":
        sys.stdout.write(report.render_runbook_json(books))
    else:
        sys.stdout.write(report.render_runbook(books, whole=name is not None or options.verbose))
    return code


def _is_target(word: str) -> bool:
    """Return whether the only argument is a target and not the name of a service, which a file may have too; no service has a `/`."""
    from lwlint.audit.targets import is_url
    from lwlint.cli.show import service_named

    return service_named(word) is None and ("/" in word or os.path.exists(word) or is_url(word))


def _catalogue(options: argparse.Namespace, name: str | None) -> int:
    from lwlint.cli.show import catalogue

    for given, said in ((options.format != "text", "--format"), (options.release, "--release"), (options.anonymize, "--anonymize")):
        if given:
            raise ConfigurationError(f"`{said}` goes with a target")
    return catalogue(name)


def _only(book: Runbook, runs: Sequence[object]) -> Runbook:
    return replace(book, runs=tuple(runs))


def run_audit(targets: Sequence[str], options: argparse.Namespace, watch: Watcher) -> int:
    """Audit the targets by all rules, `watch` being shown each cluster, and return the exit code: NOT_TRUSTED where anything is lacking.

    Raises ConfigurationError where there is nothing to judge.
    """
    from lwlint.audit import audit
    from lwlint.audit.anonymous import Anonymous
    from lwlint.audit.targets import targets as opened
    from lwlint.cli.audit import Progress, is_whole

    release = read_release(options.release or AUTO)
    rules = load_rules([], [], [], examples=False)
    options.hide = anonymous = Anonymous(rules) if options.anonymize else None
    with Progress(sys.stderr) as progress:
        found = opened(targets, [], progress.tell, None, None, trusted=options.trust)
        answer = audit(found, rules, release, anonymous, schemas_of(options), watch)
    for target in answer.targets:
        if not target.hosts:
            raise ConfigurationError(nothing_in(target.path, target.troubles))
    if not answer.judged:
        raise ConfigurationError("nothing to judge: there is no CIB, systemd unit or option file in what was given")
    return CONFORMS if is_whole(answer, debug=options.debug) else NOT_TRUSTED


def runbooks(targets: Sequence[str], options: argparse.Namespace) -> tuple[int, list[Runbook]]:
    """Return the exit code, and the runbook of each cluster, without names and addresses if that is asked for."""
    from lwlint.audit.operate.runbook import runbook

    books: list[Runbook] = []
    code = run_audit(targets, options, lambda cluster, hosts, sources: books.append(runbook(cluster, hosts, sources)))
    return code, [options.hide.hide_record(book) for book in books] if options.hide is not None else books


def what_if(options: argparse.Namespace) -> int:
    """`lwlint what-if`: what happens on each failure, by the scheduler of the installed Pacemaker."""
    from lwlint.audit.operate.failures import Study, study
    from lwlint.audit.operate.runbook import runbook
    from lwlint.report import operate as report

    studies: list[Study] = []
    books: list[Runbook] = []
    unread: list[str] = []
    with Pacemaker() as pacemaker, _Counter(sys.stderr) as counter:

        def ask(cluster: ClusterAnswer, hosts: Sequence[Host], sources: Mapping[str, Source]) -> None:
            found = cib_of(hosts)
            if found is None:
                unread.append(_unread_cib(hosts))
                return
            try:
                wanted = options.fail or ["all"]
                studies.append(study(found.text, found.facts, pacemaker, wanted, twice=options.twice, tell=counter.tell))
            except Refused as refused:
                raise ConfigurationError(f"`{found.path}`: Pacemaker {pacemaker.version} refuses it: {refused}") from None
            books.append(runbook(cluster, hosts, sources))

        code = run_audit([options.target], options, ask)
    if not studies:
        raise _without_cib(f"`{options.target}`: no CIB is in it; without one nobody can say what a failure comes to", unread, options)
    if options.hide is not None:
        studies = [options.hide.hide_record(one) for one in studies]
        books = [options.hide.hide_record(book) for book in books]
    if options.format == "json":
        sys.stdout.write(report.render_failures_json(studies, books))
    elif options.format == "testplan":
        sys.stdout.write(report.render_testplan(studies))
    elif options.format == "html":
        sys.stdout.write(report.render_failures_html(studies, books))
    else:
        sys.stdout.write(report.render_failures(studies, books))
    return code


def pictures(target: str, options: argparse.Namespace) -> tuple[int, list[Picture]]:
    """Return the exit code, and the graph of each cluster that has a CIB."""
    from lwlint.report.picture import picture

    found: list[Picture] = []
    unread: list[str] = []

    def draw(cluster: ClusterAnswer, hosts: Sequence[Host], sources: Mapping[str, Source]) -> None:
        known = cib_of(hosts)
        if known is None:
            unread.append(_unread_cib(hosts))
        elif known.cib.resources:
            found.append(picture(cluster, known.cib))

    code = run_audit([target], options, draw)
    if not found:
        raise _without_cib(f"`{target}`: no CIB with a resource is in it, and so nothing to draw", unread, options)
    return code, [options.hide.hide_record(one) for one in found] if options.hide is not None else found


def graph(options: argparse.Namespace) -> int:
    """`lwlint graph`: the orders and colocations of a cluster as a picture."""
    from lwlint.report import picture as report

    code, found = pictures(options.target, options)
    if options.format == "html":
        sys.stdout.write(report.render_html(found, both=options.before_after))
        return code
    render = {"svg": report.render_svg, "dot": report.render_dot, "mermaid": report.render_mermaid}[options.format]
    if len(found) > 1 or (options.before_after and options.format == "svg"):
        raise ConfigurationError(
            f"`--format {options.format}` holds one picture; `--format html` holds several, and `--after` is the other one"
        )
    chosen = [*found, *([found[0].after] if options.before_after else [])] if not options.after else [found[0].after]
    sys.stdout.write("".join(render(one) for one in chosen))
    return code


def describe(options: argparse.Namespace) -> int:
    """`lwlint describe`: the page on a cloud that its operators keep."""
    from lwlint.audit.operate.failures import study
    from lwlint.audit.operate.runbook import runbook
    from lwlint.policy.rules import load_clauses
    from lwlint.report import operate as report
    from lwlint.report.picture import picture

    clouds: list[report.Cloud] = []

    def see(cluster: ClusterAnswer, hosts: Sequence[Host], sources: Mapping[str, Source]) -> None:
        cloud = report.Cloud(cluster, runbook(cluster, hosts, sources), because="it was not asked for (`--no-failures`)")
        found = cib_of(hosts)
        if found is None:
            unread = _unread_cib(hosts)
            clouds.append(replace(cloud, because=f"the CIB cannot be read: {unread}" if unread else "no CIB was given"))
            return
        cloud = replace(cloud, picture=picture(cluster, found.cib))
        if options.failures:
            try:
                with Pacemaker() as pacemaker, _Counter(sys.stderr) as counter:
                    cloud = replace(cloud, failures=study(found.text, found.facts, pacemaker, tell=counter.tell))
            except (ConfigurationError, Refused) as error:
                cloud = replace(cloud, because=str(error))
        clouds.append(cloud)

    code = run_audit(options.target, options, see)
    if options.hide is not None:
        clouds = [options.hide.hide_record(cloud) for cloud in clouds]
    render = report.render_cloud_html if options.format == "html" else report.render_cloud
    sys.stdout.write(render(clouds, load_clauses()))
    return code


class _Counter:
    """Shows on a terminal how many of how many failures are done; as a context it takes that away at its end."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._shows = draws(out)

    def __enter__(self) -> _Counter:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shows:
            self._out.write(ERASED)
            self._out.flush()

    def tell(self, done: int, of: int) -> None:
        if self._shows:
            self._out.write(f"{ERASED}{bar(done / max(of, 1), 30)} {done} of {of} failures")
            self._out.flush()


def lab(options: argparse.Namespace) -> int:
    """`lwlint lab`: `plan` prints the failure tests for a cloud, `judge` compares what an operator saw."""
    return _plan_tests(options) if options.what == "plan" else _judge_tests(options)


def _plan_tests(options: argparse.Namespace) -> int:
    from lwlint.audit.operate.failures import Cloud, plan_tests
    from lwlint.audit.operate.runbook import runbook_and_ways
    from lwlint.policy.rules import load_observed
    from lwlint.report import operate as report

    clouds: list[Cloud] = []

    def see(cluster: ClusterAnswer, hosts: Sequence[Host], sources: Mapping[str, Source]) -> None:
        releases = {host.release for host in cluster.hosts}
        book, ways = runbook_and_ways(cluster, hosts, sources)
        clouds.append(Cloud(book, releases.pop() if len(releases) == 1 else None, ways))

    code = run_audit([options.target], options, see)
    if options.hide is not None:
        hidden = options.hide.hidden_record
        clouds = [
            replace(cloud, book=hidden(cloud.book), ways=tuple(replace(hidden(way), under=way.under) for way in cloud.ways))
            for cloud in clouds
        ]
    found = plan_tests(clouds, load_observed())
    if not found.tests:
        raise ConfigurationError(f"`{options.target}`: no failure test can be made of it: {'; '.join(found.not_planned)}")
    sys.stdout.write(report.render_plan_json(found) if options.format == "json" else tame(report.render_plan(found)))
    return code


def _judge_tests(options: argparse.Namespace) -> int:
    from lwlint.audit.operate.failures import AS_EXPECTED, judge, load_results
    from lwlint.files.tree import CONFIGURATION, read_bounded
    from lwlint.report.operate import render_judgement

    try:
        text = read_bounded(options.target, CONFIGURATION).decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"`{options.target}`: is not UTF-8") from None
    except OSError as error:
        raise ConfigurationError(f"`{options.target}`: cannot be read ({error.strerror})") from error
    found = judge(load_results(text, options.target))
    sys.stdout.write(tame(render_judgement(found)))
    return CONFORMS if found and all(one.outcome == AS_EXPECTED and not one.bad for one in found) else FINDINGS


PLANNED, REFUSED, DIFFERS, LEFT = 0, 1, 1, 1


def plan(options: argparse.Namespace) -> int:
    """Print the plan, and return the exit code: 0 for a plan, 1 for one that is refused.

    With `--check` print what is not as it was planned; 1 where anything is not.
    """
    from lwlint.report import plan as report

    if options.templates:
        return _templates(options)
    for given, said in ((options.environment, "-e"), (options.output, "--output")):
        if given:
            raise ConfigurationError(f"`{said}` goes with `--templates`")
    if options.check is not None:
        for given, said in ((options.format != "text", "--format"), (options.keep, "--keep"), (options.at_once, "--at-once")):
            if given:
                raise ConfigurationError(f"`{said}` goes with a plan that is made, not with `--check`")
        promise = report.read_promise(options.check)
    release = read_release(options.release or AUTO)
    roots = roots_of(options, "nothing to plan for: name a CIB, a report, an archive or a folder, or `--live`")
    runs = may_run(options)
    group, hosts = _hosts(options, release, roots, runs)
    found = cib_of(hosts)
    if found is None or found.cib.cluster.weaker:
        weaker = found.cib.cluster.weaker if found is not None else "nothing"
        raise ConfigurationError(f"`{weaker}` stands in for the CIB but does not show all of it; a plan needs `cibadmin -Q`")
    path = found.path if found.host.seat.node else found.host.seat.target.path
    rules = load_rules(examples=False)
    if options.check is not None:
        known = {host.seat.node: host.reading.facts for host in hosts if host.seat.node}
        differs = outcome(promise, found.cib, known, judge_cib(found.text, path, rules, release)[1].findings)
        sys.stdout.write(report.render_outcome(differs, promise))
        return DIFFERS if differs.wrong else PLANNED
    with Pacemaker() as pacemaker:
        settings = Settings(tuple(split(options.keep)), options.at_once, release)
        made = make_plan(found.text, path, rules, pacemaker, settings, [host.reading.facts for host in hosts])
    if made.steps and any(host.seat.node for host in hosts):
        units = [one.unit for one in made.handed if one.unit]
        for one in mends(group, serialize(made.after).decode(), units, rules, release):
            made = with_mends(made, one.node, one.commands, one.messages, one.left)
    render = {"json": report.render_json, "sh": report.render_sh, "html": report.render_html, "ansible": report.render_ansible}.get(
        options.format, report.render_text
    )
    sys.stdout.write(render(made))
    return REFUSED if made.refusals else PLANNED


_NEW = "lightweight.yaml"  # the environment that is made, where no name is given


def _templates(options: argparse.Namespace) -> int:
    """Print or write the environment, and return the exit code: 1 where something is left that no environment fixes."""
    from lwlint.audit.operate.templates import plan_for_templates
    from lwlint.cli.arguments import request, rules, settings
    from lwlint.cli.judge import list_policy_files
    from lwlint.report import plan as report
    from lwlint.report import write

    for given, said in (
        (options.live, "--live"), (options.run, "--run"), (options.root, "--root"), (options.keep, "--keep"),
        (options.at_once, "--at-once"), (options.check is not None, "--check"),
        (options.format not in ("text", "json"), f"--format {options.format}"),
    ):  # fmt: skip
        if given:
            raise ConfigurationError(f"`{said}` goes with a plan for a cluster, not with `--templates`")
    options.paths = options.targets or ["."]
    found = settings(options)
    asked = request(options, found)
    path = os.path.relpath(options.output or _NEW).replace(os.sep, "/")
    if options.output is None:  # it is printed, and is to lie in this folder
        while os.path.lexists(path):
            path = f"{path.removesuffix('.yaml')}-.yaml"
    elif os.path.lexists(path):
        raise ConfigurationError(f"`--output {options.output}`: is there already, and is not overwritten")
    elif not os.path.isdir(os.path.dirname(path) or "."):
        raise ConfigurationError(f"`--output {options.output}`: no such folder: `{os.path.dirname(path)}`")
    chosen = rules(options, found)
    options.environment = [*options.environment, path]  # so that it lies within what was named
    around = request(options, found)
    made = plan_for_templates(replace(asked, boundary=around.boundary, tree=around.tree), path, chosen, report.environment)
    if options.output is not None:
        write(path, report.render_environment(made), list_policy_files(asked, options))
    if options.format == "json":
        sys.stdout.write(report.render_templates_json(made))
    else:
        sys.stdout.write(report.render_templates_text(made) if options.output is not None else report.render_environment(made))
    return LEFT if made.left else PLANNED


def _hosts(options: argparse.Namespace, release: str, roots: list[str], runs: bool) -> tuple[Group, list[Host]]:
    """Return the group and the hosts of the cluster that is named; raise ConfigurationError where there is none, or more than one."""
    found = targets(options.targets, roots, asked=ask() if runs else None, trusted=options.trust)
    for target in found:
        if not target.captures and (target.troubles or any(other.captures for other in found)):
            raise ConfigurationError(nothing_in(target.path, [trouble.message for trouble in target.troubles]))
    every = groups(seats(found))
    clusters = [group for group in every if group.clustered]
    if len(clusters) > 1:
        names = ", ".join(f"`{group.identity.name or group.seats[0].shown}`" for group in clusters)
        raise ConfigurationError(f"{len(clusters)} clusters are in what was given ({names}); a plan is for one")
    for group in clusters:
        hosts = read_hosts(group, release)
        if any(host.reading.facts.of(Cluster) for host in hosts):
            return group, hosts
    unread = [_unread_cib(read_hosts(group, release)) for group in every]
    raise _without_cib("no CIB is in what was given (`cibadmin -Q` prints it)", unread)


def _without_cib(said: str, unread: Iterable[str], options: argparse.Namespace | None = None) -> ConfigurationError:
    """Return the error that there is no CIB: what is wrong with the one that cannot be read, if there is one, else what is `said`."""
    why = next(filter(None, unread), "") if options is None or options.hide is None else ""
    return ConfigurationError(f"the CIB cannot be read: {why}" if why else said)


def _unread_cib(hosts: Iterable[Host]) -> str:
    """Return what is wrong with the first CIB that cannot be read, with its place; empty where there is none."""
    for host in hosts:
        cibs = {source.path for source in host.reading.input.of(CIB.name)}
        for one in host.reading.facts.of(Unreadable):
            if one.fatal and one.name in cibs:
                return f"`{host.label}:{one.name.removeprefix(f'{host.label}/')}`: {one.message}"
    return ""
