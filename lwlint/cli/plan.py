"""`lwlint plan`: the way from the full to the lightweight architecture, for a CIB, the reports of a cluster's hosts, or Heat templates."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lwlint.audit.clusters import Group, Host, cib_of, groups, read_hosts, seats
from lwlint.audit.targets import ask, targets
from lwlint.cli.arguments import split
from lwlint.cli.audit import may_run, nothing_in, roots_of
from lwlint.core.finding import ConfigurationError
from lwlint.inputs.pacemaker.facts import Cluster
from lwlint.operate.plan import Settings, judged, make_plan, mends, outcome
from lwlint.operate.simulation import Pacemaker, written
from lwlint.operate.steps import with_mends
from lwlint.run import AUTO, known_release, load_rules

if TYPE_CHECKING:
    import argparse

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
    release = known_release(options.release or AUTO)
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
        differs = outcome(promise, found.cib, known, judged(found.text, path, rules, release)[1].findings)
        sys.stdout.write(report.render_outcome(differs, promise))
        return DIFFERS if differs.wrong else PLANNED
    with Pacemaker() as pacemaker:
        settings = Settings(tuple(split(options.keep)), options.at_once, release)
        made = make_plan(found.text, path, rules, pacemaker, settings, [host.reading.facts for host in hosts])
    if made.steps and any(host.seat.node for host in hosts):
        units = [one.unit for one in made.handed if one.unit]
        for one in mends(group, written(made.after).decode(), units, rules, release):
            made = with_mends(made, one.node, one.commands, one.messages, one.left)
    render = {"json": report.render_json, "sh": report.render_sh, "html": report.render_html, "ansible": report.render_ansible}.get(
        options.format, report.render_text
    )
    sys.stdout.write(render(made))
    return REFUSED if made.refusals else PLANNED


_NEW = "lightweight.yaml"  # the environment that is made, where no name is given


def _templates(options: argparse.Namespace) -> int:
    """Print or write the environment, and return the exit code: 1 where something is left that no environment fixes."""
    from lwlint.cli.arguments import request, rules, settings
    from lwlint.cli.judge import kept
    from lwlint.operate.templates import plan_for_templates
    from lwlint.report import plan_templates as report
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
        write(path, report.render_environment(made), kept(asked, options))
    if options.format == "json":
        sys.stdout.write(report.render_json(made))
    else:
        sys.stdout.write(report.render_text(made) if options.output is not None else report.render_environment(made))
    return LEFT if made.left else PLANNED


def _hosts(options: argparse.Namespace, release: str, roots: list[str], runs: bool) -> tuple[Group, list[Host]]:
    """Return the group and the hosts of the cluster that is named; raise ConfigurationError where there is none, or more than one."""
    found = targets(options.targets, roots, asked=ask() if runs else None, trusted=options.trust)
    for target in found:
        if not target.captures and (target.troubles or any(other.captures for other in found)):
            raise ConfigurationError(nothing_in(target.path, [trouble.message for trouble in target.troubles]))
    clusters = [group for group in groups(seats(found)) if group.clustered]
    if len(clusters) > 1:
        names = ", ".join(f"`{group.identity.name or group.seats[0].shown}`" for group in clusters)
        raise ConfigurationError(f"{len(clusters)} clusters are in what was given ({names}); a plan is for one")
    for group in clusters:
        hosts = read_hosts(group, release)
        if any(host.reading.facts.of(Cluster) for host in hosts):
            return group, hosts
    raise ConfigurationError("no CIB is in what was given (`cibadmin -Q` prints it)")
