"""The hosts as they will be: judged with the CIB that a plan ends in, and what is to be fixed on them before anything leaves the cluster.

A unit that Pacemaker runs today needs no `Restart=` of its own; once it is systemd's it does. So today's findings do not tell all.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from lwlint.audit.clusters import Group, Seat
from lwlint.audit.commands import RELOAD, mending
from lwlint.audit.hosts import read_hosts
from lwlint.audit.report_layout import CIB, CLUSTER_STATUS
from lwlint.files.tree import Overlay
from lwlint.operate.plan import override
from lwlint.policy.rules import Rule
from lwlint.run import judge

_CODES = ("LW2", "LW3")  # of units and of retries
_OF_THE_PLAN = ("unit-not-enabled", "cluster-service-enabled-in-systemd", "pacemaker-override-left", "pacemaker-override-beaten")
_FILES = ("mkdir -p ", "crudini ")  # commands that write what is read at the next start, and touch nothing that runs


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
