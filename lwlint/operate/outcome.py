"""The hosts beside a plan: what is to be fixed on them before anything leaves the cluster, and what is not as planned afterwards.

A unit that Pacemaker runs today needs no `Restart=` of its own; once it is systemd's it does. So today's findings do not tell all, and
the hosts are judged with the CIB that the plan ends in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lwlint.audit.answer import RELOAD, mending
from lwlint.audit.clusters import Group, Seat, read_hosts
from lwlint.audit.report_layout import CIB, CLUSTER_STATUS
from lwlint.core.facts import Facts
from lwlint.core.finding import Finding
from lwlint.core.secret import masked
from lwlint.files.tree import Overlay
from lwlint.inputs.pacemaker.model import Cib
from lwlint.inputs.systemd.facts import LOADED, Unit
from lwlint.operate.steps import ORPHANS, override
from lwlint.policy.rules import Rule
from lwlint.run import judge

_STAYS_DOWN = ("stopped", "mount", "nothing")  # what becomes of a resource whose unit the plan does not touch, or has written itself
_CODES = ("LW2", "LW3")  # of units and of retries
_OF_THE_PLAN = ("unit-not-enabled", "cluster-service-enabled-in-systemd", "pacemaker-override-left", "pacemaker-override-beaten")
_FILES = ("mkdir -p ", "crudini ")  # commands that write what is read at the next start, and touch nothing that runs


class Promise(Struct, frozen=True):
    """What a plan ends in: the nodes, the resources that stay, those that leave with what becomes of each (`how`, `unit`), and more.

    `orphans` is the value of `stop-orphan-resources` at the end, None where the plan does not touch it. `left` are the rules and
    subjects, or messages, that were to be found at the end.
    """

    nodes: tuple[str, ...]
    core: tuple[str, ...]
    leaving: tuple[tuple[str, str, str], ...]
    orphans: str | None
    left: frozenset[tuple[str, str]]


class Outcome(Struct, frozen=True):
    """What is not as it was planned, and what cannot be seen in what was given."""

    wrong: tuple[str, ...]
    unseen: tuple[str, ...]


def outcome(promise: Promise, cib: Cib, hosts: Mapping[str, Facts], findings: Iterable[Finding]) -> Outcome:
    """Return how the CIB and the hosts, by node, differ from what was planned; `findings` are those of the rules on the CIB."""
    units = {node: found for node, facts in hosts.items() if (found := facts.of(Unit))}
    wrong = [*_of_cib(promise, cib, findings), *_of_units(promise, units)]
    unseen = [f"{node}: no unit of it is in what was given" for node in promise.nodes if node not in units]
    unseen += [f"{unit} on {node}: it is not in what was given" for node, found in units.items() for unit in _absent(promise, found)]
    return Outcome(tuple(wrong), tuple(unseen))


def _of_cib(promise: Promise, cib: Cib, findings: Iterable[Finding]) -> Iterator[str]:
    there = {leaf.name for leaf in cib.leaves()}
    yield from (f"`{name}` is still in the CIB" for name, _, _ in promise.leaving if name in there)
    yield from (f"`{name}` was to stay, and is not in the CIB" for name in promise.core if name not in there)
    members = {node.name for node in cib.nodes if node.type == "member"}
    yield from (f"node {name} was in the plan, and is not in the cluster" for name in promise.nodes if name not in members)
    yield from (f"node {name} was not in the plan, and is in the cluster" for name in sorted(members - set(promise.nodes)))
    if promise.orphans is not None:
        found = cib.properties.get(ORPHANS)
        value = found.value if found is not None else ""
        if value != promise.orphans:
            wanted = f"`{promise.orphans}`" if promise.orphans else "not set"
            yield f"`{ORPHANS}` is {f'`{value}`' if value else 'not set'}, and was to be {wanted}: the last step was not taken"
    for finding in findings:
        if finding.severity != "note" and finding.allowed is None and (finding.code, masked(finding.message)) not in promise.left:
            yield f"{finding.code} {finding.message}: it was not to be found at the end"


def _absent(promise: Promise, units: Iterable[Unit]) -> Iterator[str]:
    """Yield the units that are to be seen on a host, and of which nothing was given."""
    names = {name for unit in units for name in (unit.name, *unit.names)}
    yield from (unit for _, how, unit in promise.leaving if how not in _STAYS_DOWN and unit and unit not in names)


def _of_units(promise: Promise, units: Mapping[str, Sequence[Unit]]) -> Iterator[str]:
    for host, found in units.items():
        known = {name: unit for unit in found for name in (unit.name, *unit.names)}
        for name, how, unit_name in promise.leaving:
            if how in _STAYS_DOWN or not unit_name:
                continue
            unit = known.get(unit_name)
            if unit is None:
                continue
            if unit.load_state != LOADED:
                yield f"{unit_name} on {host}: it is {unit.load_state}, and `{name}` was to become it"
            if unit.overridden:
                yield f"{unit_name} on {host}: Pacemaker's `Restart=no` is still in force (`{unit.override}`)"
            if unit.enabled == "disabled":
                yield f"{unit_name} on {host}: it is not enabled, and is gone after the next boot"
            if how == "systemd" and unit.active not in ("", "active"):
                yield f"{unit_name} on {host}: it is {unit.active}, and was to run"


class Mends(Struct, frozen=True):
    """What is to be fixed on one node: the commands in their order, what they fix, and what is left for a person to fix."""

    node: str
    commands: tuple[str, ...]
    messages: tuple[str, ...]
    left: tuple[str, ...]


def mends(group: Group, cib: str, units: Sequence[str], rules: Sequence[Rule], release: str) -> list[Mends]:
    """Return what is wrong on each host of the group, where anything is, once the cluster has this CIB and systemd runs the `units`."""
    future = replace(group, seats=tuple(_later(seat, cib, units) for seat in group.seats), older=())
    own = [rule for rule in rules if rule.code.startswith(_CODES) and rule.id not in _OF_THE_PLAN]
    found = []
    for host in read_hosts(future, release):
        report = judge(host.reading, host.request, own)
        lines: dict[str, None] = {}
        messages, left = [], []
        for finding in report.findings:
            if finding.allowed is not None or finding.severity == "note":
                continue
            commands = [line for _, line in mending(finding, host.label, report.sources) if line != RELOAD.line]
            if commands and all(line.startswith(_FILES) for line in commands):
                lines.update(dict.fromkeys(commands))
                messages.append(finding.message)
            else:
                left.append(f"{finding.code} {finding.message}")
        if lines or left:
            ordered = (*lines, *([RELOAD.line] if any(line.startswith("mkdir") for line in lines) else []))
            found.append(Mends(host.label, ordered, tuple(dict.fromkeys(messages)), tuple(dict.fromkeys(left))))
    return found


def _later(seat: Seat, cib: str, units: Sequence[str]) -> Seat:
    """Return the report of a host as it would be: with the CIB, without the cluster's status, and without Pacemaker's overrides."""
    root = seat.capture.root
    files = {one.path: cib.encode() for one in seat.capture.of(CIB) if not one.weaker}
    files.update({one.path: b"" for one in seat.capture.of(CLUSTER_STATUS)})
    for unit in units:
        path = root + override(unit).lstrip("/") if root != "/" else override(unit)
        if seat.target.tree.kind(path) is not None:
            files[path] = b""
    return replace(seat, target=replace(seat.target, tree=Overlay(seat.target.tree, files)))
