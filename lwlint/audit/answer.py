"""What an audit comes to: what was found, the commands that fix it, in an order in which they can be run, and what a CIB orders.

Every text in it is safe to show: secrets are masked when it is made. Commands have the paths of the host itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice, pairwise
from types import MappingProxyType
from typing import NamedTuple

from msgspec import Struct, field

from lwlint.core.facts import Facts
from lwlint.core.finding import (
    BROKEN,
    CLUSTER,
    EACH,
    FAIL,
    NOT_EVALUATED,
    PASS,
    SEVERITIES,
    AddOption,
    Change,
    Command,
    DropIn,
    DropLines,
    Finding,
    SetOption,
)
from lwlint.core.harmless import command, count_of
from lwlint.core.secret import mask_secrets
from lwlint.core.source import Source, Span, beginning
from lwlint.inputs import KINDS
from lwlint.inputs.pacemaker.facts import ORDER, Constraint, Health, Member
from lwlint.inputs.pacemaker.model import Cib, cibs
from lwlint.policy.redaction import Redaction
from lwlint.policy.rules import Rule

RELOAD = Command("systemctl daemon-reload")
_HEADER = re.compile(r"^\[([^\]\n]+)\]", re.MULTILINE)
_NAME = re.compile(r"[^\s=:]+")
_FIRST = (
    *("pcs constraint remove ", "pcs property set maintenance-mode="),
    *("crm_attribute --name=maintenance ", "pcs node unmaintenance ", "pcs resource manage ", "cibadmin --modify "),
)
_STARTING = ("systemctl enable --now ", "systemctl start ", "systemctl restart ")
Mend = tuple[str, str]  # where to run it: CLUSTER, EACH or the name of a host; and the line
NOT_APPLICABLE = "not applicable"
ORDERS = "few-constraints"  # the clause of constraints
GOING = {"pacemaker-nothing-else": "resource", ORDERS: "constraint"}  # clauses, and the word in front of the id in what they find


def mending(finding: Finding, host: str, sources: Mapping[str, Source]) -> Iterator[Mend]:
    """Yield the commands of a finding: the check's own, else what `lwlint fix` would do, by commands. None where that is not certain."""
    own = finding.commands
    if not own and finding.fix is not None and finding.fix.safe:
        found = [list(_of(change, sources)) for change in finding.fix.changes]
        own = tuple(line for lines in found for line in lines) if all(found) else ()
    for line, on in own:
        yield (on if on in (CLUSTER, EACH) else host, line)


def _of(change: Change, sources: Mapping[str, Source]) -> Iterator[Command]:
    if isinstance(change, DropIn):
        yield from _drop_in(change)
        return
    place = {SetOption: "key", AddOption: "beside", DropLines: "span"}.get(type(change))
    span: Span | None = getattr(change, place) if place is not None else None
    source = sources.get(span.path) if span is not None else None
    kind = KINDS.get(source.kind) if source is not None else None
    if span is None or source is None or kind is None or kind.language != "ini" or not source.root:
        return
    path = "/" + source.path[len(source.root) :]
    if isinstance(change, AddOption):
        sections = [name for name in _HEADER.findall(source.text) if name.lower() == change.section.lower()]
        yield Command(command("crudini", "--set", path, sections[0] if sections else change.section, change.option, change.value))
        return
    headers = [match[1] for match in _HEADER.finditer(source.text, 0, span.start)]
    name = _NAME.match(source.text, span.start)
    if not headers or name is None or len(re.findall(rf"^{re.escape(name[0])}\s*[=:]", source.text, re.MULTILINE)) > 1:
        return  # crudini keeps one of several, which need not be the one that counts
    if isinstance(change, SetOption):
        yield Command(command("crudini", "--set", path, headers[-1], name[0], change.value))
    else:
        yield Command(command("crudini", "--del", path, headers[-1], name[0]))


def _drop_in(change: DropIn) -> Iterator[Command]:
    at = change.path.find("etc/systemd/system/")
    if at < 0:
        return
    path = "/" + change.path[at:]
    settings = [(*name.rpartition(".")[::2], value) for name, value in change.settings]
    yield Command(command("mkdir", "-p", path.rpartition("/")[0]))
    for section, key, value in settings:
        yield Command(command("crudini", "--set", path, section, key, value))
    yield RELOAD


def in_order(mends: Iterable[Mend]) -> list[tuple[str, tuple[str, ...]]]:
    """Return all commands by where they are run: host by host, then once in the cluster, then on each host, each once.

    Hosts come first, so that retries and restarts are right before anything leaves the cluster or is started. Constraints go before
    resources, so that nothing is stopped with another, and maintenance ends in between, since nothing is stopped in it; systemd is
    told of drop-ins when all are written, and what starts something comes last.
    """
    by_place: dict[str, dict[str, None]] = {}
    for where, line in mends:
        by_place.setdefault(where, {}).setdefault(line)
    order = sorted(by_place, key=lambda where: {CLUSTER: 1, EACH: 2}.get(where, 0))
    return [(where, tuple(sorted(by_place[where], key=_rank))) for where in order]


def starts(line: str) -> bool:
    """Return whether a command starts a service outside Pacemaker."""
    return line.startswith(_STARTING)


def _rank(line: str) -> int:
    for rank, start in enumerate(_FIRST):
        if line.startswith(start):
            return rank
    if starts(line):
        return len(_FIRST) + 2
    return len(_FIRST) + (line == RELOAD.line or line.startswith("pcs constraint "))


def together(mends: Sequence[tuple[str, tuple[str, ...]]]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield the commands of `in_order` with the hosts that have the same ones as one."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for where, lines in mends:
        alike.setdefault(lines, []).append(where)
    yield from ((tuple(places), lines) for lines, places in alike.items())


_MOST = 2000  # steps; sets of resources multiply


class Managed(Struct, frozen=True):
    """An outermost resource of the CIB; `kind` is its service's in the catalogue, empty where that does not know it."""

    name: str
    kind: str = ""
    title: str = ""


_MANDATORY = ("Mandatory",)


class Step(Struct, frozen=True):
    """`first` comes before `then`, because of the order `constraint`; `kind` is Mandatory, Optional or Serialize."""

    constraint: str
    first: str
    then: str
    kind: str

    @property
    def is_mandatory(self) -> bool:
        """Whether `then` never runs without `first`."""
        return self.kind in _MANDATORY


class Ordering(Struct, frozen=True):
    """What a CIB has to order: its resources, and the steps between them; both empty without a CIB."""

    resources: tuple[Managed, ...] = ()
    steps: tuple[Step, ...] = ()


def ordering(facts: Facts) -> Ordering:
    """Return the orders of the first CIB among the facts; one whose lifetime is over orders nothing."""
    found = cibs(facts)
    return ordering_of(found[0]) if found else Ordering()


def ordering_of(cib: Cib) -> Ordering:
    """Return the orders of a CIB."""
    steps = (step for constraint in cib.constraints if constraint.type == ORDER and constraint.active for step in _steps(cib, constraint))
    return Ordering(tuple(_list_managed(cib)), tuple(dict.fromkeys(islice(steps, _MOST))))


def _list_managed(cib: Cib) -> Iterator[Managed]:
    for resource in cib.resources.values():
        if resource.parent is None:
            service = next((s for leaf in (*cib.inside(resource.name), resource) if (s := cib.service(leaf)) is not None), None)
            kind, title = (service.kind, service.title) if service is not None else ("", "")
            yield Managed(mask_secrets(resource.name), kind, title)


def _steps(cib: Cib, constraint: Constraint) -> Iterator[Step]:
    blocks = list(_blocks(constraint.members))
    for members in blocks:
        if members[0].set >= 0 and members[0].sequential:
            for one, other in pairwise(members):
                yield from _between(cib, constraint, (one,), (other,))
    for before, after in pairwise(blocks):
        last = before[-1:] if before[0].set >= 0 and before[0].sequential else before
        first = after[:1] if after[0].set >= 0 and after[0].sequential else after
        yield from _between(cib, constraint, last, first)


def _blocks(members: Sequence[Member]) -> Iterator[tuple[Member, ...]]:
    """Yield what is ordered one after the other: the two ends of a plain order, or the sets of resources."""
    for _, block in groupby(members, key=lambda m: m.position if m.set < 0 else m.set):
        yield tuple(block)


def _between(cib: Cib, constraint: Constraint, before: Sequence[Member], after: Sequence[Member]) -> Iterator[Step]:
    for first in _tops(cib, before):
        for then in _tops(cib, after):
            if first != then:
                yield Step(mask_secrets(constraint.name), mask_secrets(first), mask_secrets(then), constraint.ordering or "Mandatory")


def _tops(cib: Cib, members: Sequence[Member]) -> list[str]:
    names = (cib.top(cib.resources[id]).name for member in members for id in member.resources if id in cib.resources)
    return list(dict.fromkeys(names))


class Place(Struct, frozen=True):
    """A place of evidence: on which host, in which of its files (`path`, below the report's folder), and the line as it is there.

    `host` is empty for what is of no host: the archive itself, and the CIB that was given alone.
    """

    host: str
    path: str
    line: int
    column: int
    text: str = ""

    @property
    def shown(self) -> str:
        """`host:path:line:column`."""
        return f"{self.host}:{self.path}:{self.line}:{self.column}" if self.host else f"{self.path}:{self.line}:{self.column}"


class Found(Struct, frozen=True):
    """One defect, on one host or on several: `places` has one for each host, or one for all where it is in the cluster's CIB.

    `commands` are where each is run (CLUSTER, EACH or the name of a host) and the line.
    """

    code: str
    rule: str
    severity: str
    clause: str
    message: str
    subject: str
    hosts: tuple[str, ...]
    places: tuple[Place, ...]
    related: tuple[tuple[Place, str], ...] = ()
    remedy: str = ""
    allowed: str | None = None
    commands: tuple[tuple[str, str], ...] = ()


class Cell(Struct, frozen=True):
    """What the rules of one clause came to on one host: `outcome`, and how many of the rules that apply were evaluated.

    `noted` tells that it passes, with notes.
    """

    outcome: str
    evaluated: int = 0
    rules: int = 0
    noted: bool = False


class Outcome(Struct, frozen=True):
    """What one rule came to on one host. `noted` tells that all it found there are notes, which fail no clause."""

    rule: str
    code: str
    clause: str
    outcome: str
    because: str = ""
    noted: bool = False


class HostAnswer(Struct, frozen=True):
    """One host: where its report lies, what was used of it and what was missing, and what each rule came to.

    `cib_of` is the host whose CIB is used, `stands_in` the output that had to do for a CIB (`pcs config`); empty where there was no need.
    """

    name: str
    target: str
    captured: str = ""
    sos: str = ""
    release: str | None = None
    release_because: str = ""
    outcomes: tuple[Outcome, ...] = ()
    evidence: tuple[tuple[str, str, bool], ...] = ()
    missing: tuple[tuple[str, tuple[str, ...]], ...] = ()
    passed_over: tuple[tuple[str, str], ...] = ()
    judged: int = 0
    cib_of: str = ""
    stands_in: str = ""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader has to know of the evidence for the cluster's configuration."""
        lent = (f"holds no CIB; that of {self.cib_of} is used",) if self.cib_of else ()
        return (*lent, f"judged by `{self.stands_in}`, which is weaker evidence than the CIB") if self.stands_in else lent

    def cells(self) -> Mapping[str, Cell]:
        """Return the cell of each clause; NOT_APPLICABLE where no rule of it is for such input."""
        by_clause: dict[str, list[Outcome]] = {}
        for one in self.outcomes:
            by_clause.setdefault(one.clause, []).append(one)
        return {clause: cell(outcomes) for clause, outcomes in by_clause.items()}


def cell(outcomes: Iterable[Outcome]) -> Cell:
    """Return what the outcomes of a clause's rules come to together."""
    real = [one for one in outcomes if one.outcome != NOT_APPLICABLE]
    evaluated = sum(one.outcome in (PASS, FAIL) for one in real)
    words = {PASS if one.noted else one.outcome for one in real}
    for outcome in (BROKEN, FAIL, PASS):
        if outcome in words:
            return Cell(outcome, evaluated, len(real), outcome == PASS and any(one.noted for one in real))
    return Cell(NOT_EVALUATED if real else NOT_APPLICABLE, 0, len(real))


class Gone(NamedTuple):
    """Resources and constraints that have to go, by their ids."""

    resources: frozenset[str]
    constraints: frozenset[str]


def title_of(name: str, *, clustered: bool = True) -> str:
    """Return what a cluster, or what is in none, is called in a heading."""
    return f"Cluster {name or '(without a name)'}" if clustered else "In no cluster"


class ClusterAnswer(Struct, frozen=True):
    """One cluster, or (`clustered` false) the hosts that are of none. `ordering` is what its CIB says of orders.

    `health` is what a status says of it as a whole, `fencing` whether its CIB has it on; None where neither is known.
    """

    name: str
    clustered: bool
    nodes: tuple[str, ...]
    absent: tuple[str, ...]
    hosts: tuple[HostAnswer, ...]
    found: tuple[Found, ...]
    older: tuple[tuple[str, str, str, str], ...] = ()
    health: Health = Health()
    fencing: bool | None = None
    ordering: Ordering = field(default_factory=Ordering)

    @property
    def title(self) -> str:
        """What it is called in a heading."""
        return title_of(self.name, clustered=self.clustered)

    @property
    def gone(self) -> Gone:
        """What has to go: the specification has no place for it, and nobody allowed it."""
        subjects = [(one.clause, *one.subject.split(" ", 1)) for one in self.found if one.allowed is None and one.severity != SEVERITIES[0]]
        return Gone(*(frozenset(name for *found, name in subjects if found == [clause, noun]) for clause, noun in GOING.items()))


def verdict(cluster: ClusterAnswer) -> str:
    """Return in one line what a cluster comes to: `NOT lightweight: 40 resources and 67 constraints too many; judged as mitaka`."""
    errors, warnings, _ = counts(cluster)
    outside = [count_of(len(ids), noun) for ids, noun in zip(cluster.gone, GOING.values()) if ids]
    if outside:
        said = f"NOT lightweight: {' and '.join(outside)} too many"
    elif errors:
        said = f"NOT as it should be: {count_of(errors, 'error')}"
    elif warnings:
        said = f"no error; {count_of(warnings, 'warning')}"
    elif any(one.outcome == PASS for host in cluster.hosts for one in host.outcomes):
        said = "nothing wrong in what was seen"
    else:
        said = "not evaluated: nothing was seen that shows it"
    releases = list(dict.fromkeys(host.release or "any release" for host in cluster.hosts))
    return f"{said}; judged as {' and '.join(releases)}"


def counts(cluster: ClusterAnswer) -> tuple[int, int, int]:
    """Return how many errors, warnings and notes of a cluster are not allowed."""
    found = [one.severity for one in open_findings(cluster)]
    return found.count("error"), found.count("warning"), found.count("note")


def open_findings(cluster: ClusterAnswer) -> list[Found]:
    """Return the findings of a cluster that nobody allowed."""
    return [one for one in cluster.found if one.allowed is None]


_RETRIES = "retries-forever"


def mends(cluster: ClusterAnswer, *, notes: bool = False) -> tuple[list[tuple[Found, Mend]], list[str]]:
    """Return what fixes the cluster, each command with its finding, and the hosts on which nothing is to be started yet.

    These are hosts with a service whose retries have to be fixed by hand first: what was started before that might give up. What fixes
    `notes` is left out unless it is wanted, for a note may be as it should be.
    """
    open_ = [one for one in open_findings(cluster) if notes or one.severity != "note"]
    waiting = {host for one in open_ if one.clause == _RETRIES and one.severity != "note" and not one.commands for host in one.hosts}
    told: list[tuple[Found, Mend]] = []
    held: dict[str, None] = {}
    for one in open_:
        for where, line in one.commands:
            on = waiting & ({where} if where not in (CLUSTER, EACH) else {host.name for host in cluster.hosts})
            if on and starts(line):
                held.update(dict.fromkeys(sorted(on)))
            else:
                told.append((one, (where, line)))
    return told, list(held)


def reasons(hosts: Iterable[HostAnswer]) -> Mapping[str, Mapping[tuple[str, str], Sequence[str]]]:
    """Return why rules were not evaluated -> each such rule by code and id -> the hosts; a reason of several hosts names no one's path."""
    found: dict[str, dict[tuple[str, str], list[str]]] = {}
    said: dict[str, set[str]] = {}
    for host in hosts:
        for one in host.outcomes:
            if one.outcome == NOT_EVALUATED:
                because = one.because.replace(f"{host.name}:", "")
                said.setdefault(because, set()).add(one.because)
                found.setdefault(because, {}).setdefault((one.code, one.rule), []).append(host.name)
    return {said[because].pop() if len(said[because]) == 1 else because: rules for because, rules in found.items()}


class TargetAnswer(Struct, frozen=True):
    """One target: how many hosts are in it, and what was wrong with it."""

    path: str
    kind: str
    hosts: int
    troubles: tuple[str, ...] = ()


class Audit(Struct, frozen=True):
    """The whole answer, clusters by name. `unread` are files and hosts that a defect of lwlint kept from being read."""

    targets: tuple[TargetAnswer, ...]
    clusters: tuple[ClusterAnswer, ...]
    rules: tuple[Rule, ...] = field(default=())
    tracebacks: tuple[str, ...] = field(default=())
    unread: tuple[str, ...] = ()

    @property
    def empty(self) -> tuple[str, ...]:
        """The targets with nothing to judge."""
        return tuple(target.path for target in self.targets if not target.hosts)

    @property
    def judged(self) -> int:
        """How many files were judged."""
        return sum(host.judged for cluster in self.clusters for host in cluster.hosts)

    def count(self, outcome: str) -> int:
        """Return how many rules came to `outcome`, counted on each host."""
        return sum(one.outcome == outcome for cluster in self.clusters for host in cluster.hosts for one in host.outcomes)

    def failing(self, fail_on: str) -> bool:
        """Return whether a finding that is not allowed is as severe as `fail_on`, or worse."""
        least = SEVERITIES.index(fail_on)
        found = (one for cluster in self.clusters for one in cluster.found)
        return any(one.allowed is None and SEVERITIES.index(one.severity) >= least for one in found)


LONGEST, LONGEST_MESSAGE = 200, 2000  # characters of a line, and of a message, that are shown
_BEFORE = 4000  # more characters that are looked at for secrets


class Seen(NamedTuple):
    """A finding, and the host that it was found on."""

    host: str
    finding: Finding


def fold(seen: Iterable[Seen], sources: Mapping[str, Source], shown: Mapping[str, str]) -> Iterator[Found]:
    """Yield the findings by clause, severity, code and place. `shown` has the path to show for a first part that is no host's name."""
    alike: dict[tuple[object, ...], list[Seen]] = {}
    for one in seen:
        f = one.finding
        message = show_message(f.message, one.host, shown).replace(f"{one.host}:", "")
        alike.setdefault((f.code, f.severity, message, f.subject, f.allowed is None), []).append(one)
    hosts = frozenset(one.host for group in alike.values() for one in group)
    redaction = Redaction(sources)
    found = [_one(group, sources, shown, hosts, redaction) for group in alike.values()]
    yield from sorted(found, key=lambda f: (-SEVERITIES.index(f.severity), f.code, f.places[0].path, f.places[0].line, f.message))


def _one(group: list[Seen], sources: Mapping[str, Source], shown: Mapping[str, str], hosts: Collection[str], redaction: Redaction) -> Found:
    first = group[0].finding
    spans = list(dict.fromkeys(one.finding.span for one in group))
    source = sources.get(first.span.path)
    kind = KINDS.get(source.kind) if source is not None else None
    if kind is not None and kind.copied:
        spans = spans[:1]
    return Found(
        code=first.code,
        rule=first.rule,
        severity=first.severity,
        clause=first.clause,
        message=show_message(first.message, group[0].host, shown),
        subject=mask_secrets(first.subject),
        hosts=tuple(dict.fromkeys(one.host for one in group if one.host)),
        places=tuple(place(span, sources, shown, hosts, redaction) for span in spans),
        related=tuple(
            (place(r.span, sources, shown, hosts, redaction), show_message(r.message, group[0].host, shown)) for r in first.related
        ),
        remedy=mask_secrets(first.remedy),
        allowed=None if first.allowed is None else mask_secrets(first.allowed),
        commands=tuple(dict.fromkeys((on, mask_secrets(line)) for one in group for on, line in mending(one.finding, one.host, sources))),
    )


def show_message(message: str, host: str, shown: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return a message as it is shown: without secrets, and with the host in front of its paths as in `host:path`.

    `shown` has the path to show for a first part that is no host's name, and for all that is below it.
    """
    message = message[: LONGEST_MESSAGE + _BEFORE]
    for first, path in shown.items():
        message = re.sub(rf"(?<![\w./-]){re.escape(first)}/[^\s:`]+", lambda _, path=path: path, message)  # type: ignore[misc]
    return mask_secrets(re.sub(rf"(?<![\w./-]){re.escape(host)}/", f"{host}:", message) if host else message)[:LONGEST_MESSAGE]


def _line(source: Source, line: int, span: Span, redaction: Redaction) -> str:
    """Return a line as it is shown; of one of JSON that holds all of a container, its environment too, only what is meant."""
    whole, kind = source.line(line), KINDS.get(source.kind)
    if kind is not None and kind.language == "json" and len(whole) > LONGEST:
        return redaction.text(source)[span.start : span.end][:LONGEST]
    return redaction.line(source, line).strip()[:LONGEST]


def place(
    span: Span, sources: Mapping[str, Source], shown: Mapping[str, str], hosts: Collection[str] = (), redaction: Redaction | None = None
) -> Place:
    """Return a span as a place to show. A template has no root of its own, but one of the `hosts` is the first of its path."""
    source = sources.get(span.path)
    line, column = beginning(span, sources)
    text = _line(source, line, span, redaction or Redaction(sources)) if source is not None else ""
    host, slash, below = span.path.partition("/")
    if host in shown:
        return Place("", shown[host], line, column, text)
    own = source is not None and (source.root.startswith(f"{host}/") or (not source.root and host in hosts))
    if not slash or not own:
        return Place("", span.path, line, column, text)
    return Place(host, below, line, column, text)
