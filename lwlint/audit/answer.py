"""What an audit comes to. Every text in it is safe to show: secrets are masked when it is made."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct, field

from lwlint.audit.commands import Mend, Ordering, mending, starts
from lwlint.core.finding import BROKEN, CLUSTER, EACH, FAIL, NOT_EVALUATED, PASS, SEVERITIES, Finding
from lwlint.core.secret import masked
from lwlint.core.source import Source, Span, beginning
from lwlint.inputs import KINDS
from lwlint.inputs.pacemaker.facts import Health
from lwlint.policy.redaction import Redaction
from lwlint.policy.rules import Rule

NOT_APPLICABLE = "not applicable"
ORDERS = "few-constraints"  # the clause of constraints
GOING = {"pacemaker-nothing-else": "resource", ORDERS: "constraint"}  # clauses, and the word in front of the id in what they find


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


_RETRIES = "retries-forever"


def mends(cluster: ClusterAnswer, *, notes: bool = False) -> tuple[list[tuple[Found, Mend]], list[str]]:
    """Return what fixes the cluster, each command with its finding, and the hosts on which nothing is to be started yet.

    These are hosts with a service whose retries have to be fixed by hand first: what was started before that might give up. What fixes
    `notes` is left out unless it is wanted, for a note may be as it should be.
    """
    open_ = [one for one in cluster.found if one.allowed is None and (notes or one.severity != "note")]
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


def folded(seen: Iterable[Seen], sources: Mapping[str, Source], shown: Mapping[str, str]) -> Iterator[Found]:
    """Yield the findings by clause, severity, code and place. `shown` has the path to show for a first part that is no host's name."""
    alike: dict[tuple[object, ...], list[Seen]] = {}
    for one in seen:
        f = one.finding
        message = told(f.message, one.host).replace(f"{one.host}:", "")
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
        message=told(first.message, group[0].host),
        subject=masked(first.subject),
        hosts=tuple(dict.fromkeys(one.host for one in group if one.host)),
        places=tuple(place(span, sources, shown, hosts, redaction) for span in spans),
        related=tuple((place(r.span, sources, shown, hosts, redaction), told(r.message, group[0].host)) for r in first.related),
        remedy=masked(first.remedy),
        allowed=None if first.allowed is None else masked(first.allowed),
        commands=tuple(dict.fromkeys((on, masked(line)) for one in group for on, line in mending(one.finding, one.host, sources))),
    )


def told(message: str, host: str) -> str:
    """Return a message as it is shown: without secrets, and with the host in front of its paths as in `host:path`."""
    message = message[: LONGEST_MESSAGE + _BEFORE]
    return masked(re.sub(rf"(?<![\w./-]){re.escape(host)}/", f"{host}:", message) if host else message)[:LONGEST_MESSAGE]


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
