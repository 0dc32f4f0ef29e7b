"""Audits: reports of many hosts, judged host by host and cluster by cluster, with one answer for each cluster."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lwlint import list_texts
from lwlint.audit.anonymous import Anonymous
from lwlint.audit.answer import (
    NOT_APPLICABLE,
    Audit,
    ClusterAnswer,
    Found,
    HostAnswer,
    Ordering,
    Outcome,
    Seen,
    TargetAnswer,
    fold,
    ordering,
    show_message,
)
from lwlint.audit.clusters import Group, Host, groups, read_configuration, read_hosts, seats
from lwlint.audit.targets import LONE_CIB, Target
from lwlint.audit.targets import targets as read_targets
from lwlint.core.facts import Facts
from lwlint.core.finding import FAIL, NOT_EVALUATED, PASS, SEVERITIES, Report, Verdict
from lwlint.core.kind import LINK, UNREADABLE
from lwlint.core.source import Source, Span
from lwlint.inputs import KINDS
from lwlint.inputs.pacemaker import STATUS
from lwlint.inputs.pacemaker.facts import Cluster, ClusterProperty, Health, RunsElsewhere, boolean
from lwlint.inputs.pacemaker.model import cibs
from lwlint.inputs.pacemaker.status import read_health
from lwlint.policy.rules import Rule
from lwlint.run import AUTO, Reading, judge, load_catalogue, load_rules, read_release
from lwlint.run.engine import Answer, evaluate

if TYPE_CHECKING:
    from lwlint import AnyPath

Watcher = Callable[[ClusterAnswer, Sequence[Host], Mapping[str, Source]], None]


def audit_reports(
    paths: AnyPath | Iterable[AnyPath] = (),
    *,
    roots: AnyPath | Iterable[AnyPath] = (),
    release: str = AUTO,
    rules: AnyPath | Iterable[AnyPath] = (),
    select: str | Iterable[str] = (),
    ignore: str | Iterable[str] = (),
    anonymize: bool = False,
) -> Audit:
    """Return what lwlint's rules, and those in the folders `rules`, say of hosts, with one answer for all hosts of a cluster.

    `paths` are sosreports and other reports, packed or not, folders with several of them, and CIBs; `roots` are file systems of hosts.
    The other arguments are those of `lwlint.check`. With `anonymize` the answer has no name of a host, a domain or a cluster, and no
    address. A report that cannot be read is told in the answer; raises `lwlint.ConfigurationError` for arguments or rules that are wrong.
    """
    chosen = load_rules(list_texts(rules), list_texts(select), list_texts(ignore), examples=False)
    found = read_targets(list_texts(paths), list_texts(roots))
    return audit(found, chosen, read_release(release), Anonymous(chosen) if anonymize else None)


def audit(
    targets: Iterable[Target],
    rules: Sequence[Rule],
    release: str = AUTO,
    anonymous: Anonymous | None = None,
    schemas: str = "",
    watch: Watcher | None = None,
) -> Audit:
    """Return what the `rules` say of the targets: of each host by itself, and of the hosts of each cluster together.

    CIBs are validated with Pacemaker's schemas in the folder `schemas`, if one is given. With `anonymous` no name of a host, domain or
    cluster is in it, and no address. `watch` is shown each cluster's answer as it was before that, with its hosts and all sources.
    """
    opened = list(targets)
    return audit_groups(opened, groups(seats(opened)), rules, release, anonymous, schemas, watch)


def audit_groups(
    opened: Sequence[Target],
    found: Sequence[Group],
    rules: Sequence[Rule],
    release: str = AUTO,
    anonymous: Anonymous | None = None,
    schemas: str = "",
    watch: Watcher | None = None,
) -> Audit:
    """Return what `audit` returns, of clusters that were `found` in the targets before."""
    clusters: list[ClusterAnswer] = []
    unread = [target.path for target in opened if target.trace]
    traces = [target.trace for target in opened if target.trace]
    running = [_running(group) for group in found] if sum(group.clustered for group in found) > 1 else []
    for number, group in enumerate(found):
        others = [one for one in (*running[:number], *running[number + 1 :]) if one.services] if group.clustered else []
        cluster, tracebacks, lost = _cluster(group, rules, release, anonymous, schemas, others, watch)
        clusters.append(cluster)
        traces += tracebacks
        unread += lost
    answers = tuple(
        TargetAnswer(t.path, t.kind, len(t.captures), tuple(show_message(f"{t.show(u.span.path)}: {u.message}", "") for u in t.troubles))
        for t in opened
    )
    answer = Audit(answers, tuple(clusters), tuple(rules), tuple(traces), tuple(unread))
    return answer if anonymous is None else anonymous.hide(answer)


def _running(group: Group) -> RunsElsewhere:
    """Return what a cluster runs, by the first of its CIBs that can be read; no services without one, or if it is of something else."""
    name = group.identity.name or next(iter(sorted(group.identity.nodes)), "")
    for cib in cibs(Facts(read_configuration(group, load_catalogue()))):
        return RunsElsewhere(name, cib.cluster.span, frozenset(cib.services) if cib.only_controllers else frozenset())
    return RunsElsewhere(name, Span("", 0, 0), frozenset())


def _cluster(
    group: Group,
    rules: Sequence[Rule],
    release: str,
    anonymous: Anonymous | None,
    schemas: str,
    others: Sequence[RunsElsewhere],
    watch: Watcher | None,
) -> tuple[ClusterAnswer, tuple[str, ...], tuple[str, ...]]:
    hosts = read_hosts(group, release, schemas)
    if others:
        hosts = [_add_facts(host, others) for host in hosts]
    own = [rule for rule in rules if rule.declared.reads.of != "hosts"]
    reports = [judge(host.reading, host.request, own) for host in hosts]
    sources = {path: source for report in reports for path, source in report.sources.items()}
    if anonymous is not None:
        anonymous.names.services(hosts[0].reading.facts.services)
        _introduce(group, sources, anonymous)
    comparing = [rule for rule in rules if rule.declared.reads.of == "hosts"]
    across = _across(hosts, comparing, sources) if group.clustered else _not_compared(comparing)
    seen = [Seen(_owner(host), finding) for host, report in zip(hosts, reports) for finding in report.findings]
    labels = {host.label for host in hosts}
    seen += [Seen(_first(finding.span.path, labels), finding) for finding in across.findings]
    shown = {label: path for host in hosts for label, path in _map_paths(host).items()}
    found = tuple(fold(seen, sources, shown))
    by_id = {rule.id: rule for rule in rules}
    answers = tuple(_host(host, report, across, found, by_id) for host, report in zip(hosts, reports))
    older = tuple((seat.capture.host, seat.shown, seat.capture.captured, _counting(seat.node, group)) for seat in group.older)
    identity = group.identity
    orders = next((one for host in hosts if (one := ordering(host.reading.facts)).resources), Ordering())
    cluster = ClusterAnswer(
        identity.name,
        group.clustered,
        tuple(sorted(identity.nodes)),
        group.absent,
        answers,
        found,
        older,
        _health(sources) if group.clustered else Health(),
        _fencing(hosts) if group.clustered else None,
        orders,
    )
    if watch is not None:
        watch(cluster, hosts, sources)
    traces = (*(trace for report in reports for trace in report.tracebacks), *across.tracebacks)
    return cluster, traces, tuple(path for report in reports for path in report.unread)


def _health(sources: Mapping[str, Source]) -> Health:
    """Return the health that the statuses tell: no quorum, nodes offline and failed actions that any of them saw."""
    told = [read_health(source.text) for source in sources.values() if KINDS.get(source.kind) is STATUS]
    quorums = [one.quorum for one in told if one.quorum is not None]
    failed = [one.failed for one in told if one.failed is not None]
    offline = tuple(dict.fromkeys(name for one in told for name in one.offline))
    return Health(all(quorums) if quorums else None, offline, max(failed) if failed else None)


def _fencing(hosts: Sequence[Host]) -> bool | None:
    """Return whether the CIB has fencing on; None without one."""
    for host in hosts:
        for cluster in host.reading.facts.of(Cluster):
            own = [one for one in host.reading.facts.of(ClusterProperty) if one.span.path == cluster.span.path]
            said = next((one.value for one in own if one.name in ("stonith-enabled", "stonith_enabled")), None)
            return boolean(said) is not False
    return None


def _add_facts(host: Host, others: Sequence[RunsElsewhere]) -> Host:
    known = host.reading.facts
    facts = Facts([*known, *others], release=known.release, services=known.services)
    return replace(host, reading=Reading(facts, host.reading.input))


def _introduce(group: Group, sources: Mapping[str, Source], anonymous: Anonymous) -> None:
    """Tell `anonymous` of the group's hosts, in their order, and of all that stands in their files."""
    for seat in (*group.seats, *group.older):
        if seat.capture.form != LONE_CIB:
            anonymous.names.host(seat.capture.host)
    for source in sources.values():
        anonymous.learn(source.text)


def _owner(host: Host) -> str:
    return "" if host.seat.capture.form == LONE_CIB else host.label


def _map_paths(host: Host) -> dict[str, str]:
    """Return the path to show for what is below the name of a host that is none but a file: a CIB that was given by itself."""
    return {host.label: host.seat.target.path} if host.seat.capture.form == LONE_CIB else {}


def _first(path: str, labels: Iterable[str]) -> str:
    first = path.partition("/")[0]
    return first if first in labels else ""


def _counting(node: str, group: Group) -> str:
    return next(seat.shown for seat in group.seats if seat.node.lower() == node.lower())


def _across(hosts: Sequence[Host], rules: Sequence[Rule], sources: Mapping[str, Source]) -> Answer:
    """Return what the rules that compare hosts say; a CIB that was lent counts once."""
    labels = {host.label for host in hosts}
    facts = [fact for host in hosts for fact in host.reading.facts if fact.span.path.partition("/")[0] == host.label]
    facts += [fact for fact in hosts[0].reading.facts if hosts[0].lent not in ("", *labels) and _first(fact.span.path, [hosts[0].lent])]
    release = next((host.release for host in hosts if host.release.name is not None), hosts[0].release)
    return evaluate(Facts(facts, release=release, services=hosts[0].reading.facts.services), rules, sources)


def _not_compared(rules: Iterable[Rule]) -> Answer:
    """Return what the rules that compare hosts say of hosts of no cluster: these may be of several clouds."""
    return Answer((), tuple(Verdict(rule.id, rule.code, NOT_EVALUATED, "the host is of no cluster that is known") for rule in rules), ())


def _host(host: Host, report: Report, across: Answer, found: Sequence[Found], rules: Mapping[str, Rule]) -> HostAnswer:
    capture = host.seat.capture
    here = [one for one in found if one.allowed is None and (host.label in one.hosts or not one.hosts)]
    failing = {one.rule for one in here}
    noted = failing - {one.rule for one in here if one.severity != SEVERITIES[0]}
    verdicts = [*report.verdicts, *_of_host(across.verdicts, failing)]
    passed_over = {**dict(report.skipped), **host.passed_over}
    return HostAnswer(
        name=host.label,
        target=host.seat.shown,
        captured=capture.captured,
        sos=".".join(map(str, capture.version)),
        release=host.release.name,
        release_because=show_message(host.release.because, host.label),
        outcomes=tuple(_outcome(verdict, rules[verdict.rule], host, noted) for verdict in sorted(verdicts, key=lambda v: v.code)),
        evidence=tuple((one.kind, one.path[len(capture.root) :], one.weaker) for one in capture.evidence),
        missing=tuple((one.kind, one.looked_for) for one in capture.missing),
        passed_over=tuple(_list_unjudged(passed_over, host)),
        judged=sum(s.judged and s.kind not in (UNREADABLE, LINK) for s in report.sources.values()),
        cib_of=host.lent,
        stands_in=next((cluster.weaker for cluster in host.reading.facts.of(Cluster)), ""),
    )


def _list_unjudged(found: Mapping[str, str], host: Host) -> Iterator[tuple[str, str]]:
    """Yield the files that were not judged, and why; what was used otherwise, or only tells whose report it is, is none of them."""
    capture = host.seat.capture
    used = {one.path[len(capture.root) :] for one in capture.evidence}
    for path, because in sorted(found.items()):
        below = path[len(host.label) + 1 :]
        if below in used or below == "etc/hostname":
            continue
        printed = below.startswith("sos_commands/") and not below.startswith(("sos_commands/podman/", "sos_commands/docker/"))
        if path in host.passed_over or ("/" in below and not printed):
            yield show_message(path, host.label), because


def _of_host(verdicts: Iterable[Verdict], failing: set[str]) -> Iterator[Verdict]:
    """Yield the verdicts of rules that compare hosts, for one host: it fails where it is blamed."""
    for verdict in verdicts:
        fine = verdict.outcome == FAIL and verdict.rule not in failing
        yield Verdict(verdict.rule, verdict.code, PASS if fine else verdict.outcome, verdict.because)


def _outcome(verdict: Verdict, rule: Rule, host: Host, noted: Collection[str]) -> Outcome:
    needless = (*rule.declared.reads.not_of_hosts, *(kind.missing for kind in KINDS if not kind.on_hosts))
    not_applicable = verdict.outcome == NOT_EVALUATED and verdict.because in needless
    outcome = NOT_APPLICABLE if not_applicable else verdict.outcome
    is_noted = outcome == FAIL and verdict.rule in noted
    return Outcome(verdict.rule, verdict.code, rule.clause, outcome, show_message(verdict.because, host.label, _map_paths(host)), is_noted)
