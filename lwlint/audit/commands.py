"""The commands that fix what was found, with the paths of the host itself, and in an order in which they can be run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice, pairwise

from msgspec import Struct

from lwlint.core.facts import Facts
from lwlint.core.finding import CLUSTER, EACH, AddOption, Change, Command, DropIn, DropLines, Finding, SetOption
from lwlint.core.secret import masked
from lwlint.core.shell import command
from lwlint.core.source import Source, Span
from lwlint.inputs import KINDS
from lwlint.inputs.pacemaker.facts import ORDER, Constraint, Member
from lwlint.inputs.pacemaker.model import Cib, cibs

RELOAD = Command("systemctl daemon-reload")
_HEADER = re.compile(r"^\[([^\]\n]+)\]", re.MULTILINE)
_NAME = re.compile(r"[^\s=:]+")
_FIRST = ("pcs constraint remove ", "pcs property set maintenance-mode=", "pcs node unmaintenance ", "pcs resource manage ")
_STARTING = ("systemctl enable --now ", "systemctl start ", "systemctl restart ")
Mend = tuple[str, str]  # where to run it: CLUSTER, EACH or the name of a host; and the line


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
    return Ordering(tuple(_managed(cib)), tuple(dict.fromkeys(islice(steps, _MOST))))


def _managed(cib: Cib) -> Iterator[Managed]:
    for resource in cib.resources.values():
        if resource.parent is None:
            service = next((s for leaf in (*cib.inside(resource.name), resource) if (s := cib.service(leaf)) is not None), None)
            kind, title = (service.kind, service.title) if service is not None else ("", "")
            yield Managed(masked(resource.name), kind, title)


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
                yield Step(masked(constraint.name), masked(first), masked(then), constraint.ordering or "Mandatory")


def _tops(cib: Cib, members: Sequence[Member]) -> list[str]:
    names = (cib.top(cib.resources[id]).name for member in members for id in member.resources if id in cib.resources)
    return list(dict.fromkeys(names))
