"""A plan after the fact: what is, beside what was planned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from lwlint.core.facts import Facts
from lwlint.core.finding import Finding
from lwlint.core.secret import masked
from lwlint.inputs.pacemaker.model import Cib
from lwlint.inputs.systemd.facts import LOADED, Unit

ORPHANS = "stop-orphan-resources"
_STAYS_DOWN = ("stopped", "mount", "nothing")  # what becomes of a resource whose unit the plan does not touch, or has written itself


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
