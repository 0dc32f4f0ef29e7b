"""What a plan is made of: its steps, what becomes of each resource that leaves, and why there is no plan."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lwlint.core.finding import Finding
from lwlint.core.harmless import counted
from lwlint.operate.edits import Edit

CLUSTER, EACH = "cluster", "each"
NONE, STARTS, MANUAL = "none", "starts", "manual"  # what a step does to what runs; one that stops or moves anything is refused
_NODE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")  # a name that ssh takes for a host, and for no option


class Refusal(Struct, frozen=True):
    """Why there is no plan, or none as yet: what it is about, and what to do first."""

    about: str
    because: str
    first: str


class Handed(Struct, frozen=True):
    """One primitive that leaves, and what becomes of it.

    `how` is `systemd` (its unit goes on by itself), `once` (a unit that runs at boot alone: enabled and nothing else), `stopped` (disabled
    by somebody: its unit is left alone), `down` (it runs nowhere: its unit is enabled and not started), `mount`, or `nothing` (a helper
    without a process). `unit` is its unit; `lines` are those of a unit that is to be written, for a mount.
    """

    name: str
    top: str
    project: str
    how: str
    unit: str = ""
    lines: tuple[str, ...] = ()


class Step(Struct, frozen=True):
    """One step. `where` is CLUSTER (once, on any node), EACH (one node after another) or a node; `effect` what it does to what runs.

    In the cluster, `untie` and `edits` are made to a copy of the CIB in this order, as one change; then the history of `forget` is cleaned,
    one after the other. On the nodes, `units` are taken over by systemd, `enabled` only enabled, `files` written (path and lines).
    `commands`, `checks` and `undo` say the same as a person would run it. `starts` is what the scheduler was seen to start,
    `disturbs` what it would stop, demote or move: a step that has any is no step to take.
    """

    id: str
    phase: str
    title: str
    where: str
    effect: str
    why: str
    subjects: tuple[str, ...] = ()
    untie: tuple[Edit, ...] = ()
    edits: tuple[Edit, ...] = ()
    forget: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()
    files: tuple[tuple[str, tuple[str, ...]], ...] = ()
    commands: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    disturbs: tuple[str, ...] = ()

    @property
    def node(self) -> str:
        """The one node whose findings this step fixes, whatever it is called; empty for a step in the cluster or on each node."""
        return self.where if self.effect == MANUAL else ""


class Plan(Struct, frozen=True):
    """The whole way: from the CIB `before` to `after` by the steps.

    `core` are the primitives that stay, `nodes` those that take part. `proved_on` says what the simulation began with, `pacemaker` whose
    scheduler was asked. `left` are findings that the rules have of the CIB at the end, `new` those of them that it did not have before.
    With a refusal nobody is to take any step.
    """

    source: str
    pacemaker: str
    proved_on: str
    nodes: tuple[str, ...]
    core: tuple[str, ...]
    handed: tuple[Handed, ...]
    steps: tuple[Step, ...]
    refusals: tuple[Refusal, ...]
    notes: tuple[str, ...]
    left: tuple[Finding, ...]
    new: tuple[Finding, ...]
    before: Any
    after: Any


def with_mends(plan: Plan, node: str, commands: Sequence[str], messages: Sequence[str], left: Sequence[str]) -> Plan:
    """Return the plan with a step in front in which these commands are run on a node; what is `left` is told in its notes."""
    notes = (*plan.notes, *(f"on {node}, before the first step, by hand: {message}" for message in left))
    if not commands:
        return replace(plan, notes=notes)
    refused = no_host(node)
    if refused is not None:
        return replace(plan, notes=notes, refusals=tuple(dict.fromkeys((*plan.refusals, refused))))
    why = "Retries and restarts come first. An option counts when its service has been restarted, one node after the other, when it suits."
    step = Step("", "fix first", f"{counted(len(messages), 'finding')} on {node}", node, MANUAL, why, tuple(messages))
    first = sum(one.phase == "fix first" for one in plan.steps)
    steps = [*plan.steps[:first], replace(step, commands=tuple(commands)), *plan.steps[first:]]
    return replace(plan, notes=notes, steps=tuple(replace(one, id=f"{number:02}") for number, one in enumerate(steps, 1)))


def no_host(node: str) -> Refusal | None:
    """Return why a node cannot be told anything; None where its name is one of a host."""
    if _NODE.fullmatch(node):
        return None
    return Refusal(f"node {node}", "its name is none of a host, so that nothing there could be told", "look at where the CIB comes from")
