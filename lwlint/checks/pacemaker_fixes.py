"""What mends a CIB, as `pcs` commands: the CIB is Pacemaker's, and is never edited.

The order of a removal is that of TripleO's own upgrade to newton (`migrate_full_to_ng_ha`): first the constraints, so that nothing else is
stopped with the resource; then disable and wait, so that Pacemaker stops the service and takes its override away; then delete.
pcs 0.9 to 0.12 know these commands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lwlint.core.check import Unknown
from lwlint.core.finding import CLUSTER, EACH, Command
from lwlint.core.secret import command
from lwlint.inputs.pacemaker.facts import GROUP, Constraint, Resource
from lwlint.inputs.pacemaker.model import Cib

_WAIT = "--wait=600"  # seconds, as the upgrade waits


def pcs(*words: str) -> Command:
    """Return a `pcs` command, to be run once in the cluster."""
    return Command(command("pcs", *words), CLUSTER)


def without(constraint: Constraint) -> Command:
    """Return what takes a constraint away."""
    return pcs("constraint", "remove", constraint.name)


def removed(cib: Cib, leaf: Resource) -> tuple[Command, ...]:
    """Return what takes a resource out of the cluster: with the clone or bundle around it, but out of a group alone."""
    top = cib.top(leaf)
    gone = top if top.form != GROUP and len(cib.inside(top.name)) == 1 else leaf
    names = {leaf.name, gone.name}
    on_it = (constraint for constraint in cib.constraints if any(member.name in names for member in constraint.members))
    return (*map(without, on_it), pcs("resource", "disable", gone.name, _WAIT), pcs("resource", "delete", gone.name))


def handed_over(cib: Cib, leaf: Resource) -> tuple[Command, ...]:
    """Return what takes a resource out of the cluster, and has systemd run its unit on every node that is to run it."""
    kind, _, unit = (leaf.agent or "").partition(":")
    if kind != "systemd" or not unit:
        return removed(cib, leaf)
    enable = Command(command("systemctl", "enable", "--now", unit.removesuffix(".service") + ".service"), EACH)
    return (*removed(cib, leaf), enable)


def bound(resource: Resource, target: Resource, wrong: Iterable[Constraint]) -> tuple[Command, ...]:
    """Return what binds a resource to where another one runs, in the place of the `wrong` colocations; none if they bind others too."""
    found = list(wrong)
    if any(len(constraint.members) != 2 for constraint in found):
        return ()
    add = pcs("constraint", "colocation", "add", resource.name, "with", target.name, "INFINITY")
    return (*(without(constraint) for constraint in found), add)


def ordered(resource: Resource, target: Resource) -> tuple[Command, ...]:
    """Return what orders a resource before another one, as TripleO does."""
    return (pcs("constraint", "order", "start", resource.name, "then", "start", target.name, "kind=Optional"),)


def untold(cib: Cib, *what: str) -> Iterator[Unknown]:
    """Yield one reason for all of `what` that the evidence for the cluster does not tell; none for a CIB, which tells everything."""
    missing = [each for each in what if each in cib.cluster.untold]
    if missing:
        yield Unknown(f"`{cib.cluster.weaker}` stands in for the CIB and does not tell {' or '.join(missing)}", cib.cluster.span)
