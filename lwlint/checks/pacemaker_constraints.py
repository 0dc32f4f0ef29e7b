"""Constraints that the lightweight architecture has no place for, and constraints that name nothing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated

from msgspec import Meta

from lwlint.checks.parameters import ServiceKind, ServiceName, nothing_in
from lwlint.core.check import Check, NoParams, Reads, Saw, Unknown, needs
from lwlint.core.config_reader import Document, Mismatch
from lwlint.core.facts import Facts
from lwlint.core.finding import CLUSTER, EACH, Command, Problem, Related
from lwlint.core.shell import command
from lwlint.inputs.pacemaker.facts import (
    BUNDLE,
    COLOCATION,
    CONSTRAINTS,
    GROUP,
    LOCATION_SETS,
    ORDER,
    Cluster,
    Constraint,
    Member,
    Resource,
    Tag,
)
from lwlint.inputs.pacemaker.model import Cib, cibs, is_by_pattern, mandatory, only_remote

_WAIT = "--wait=600"  # seconds, as the upgrade waits
# what takes services out of the cluster while they run; command by command each would be stopped, with all that waits for it
PLAN = Command("cibadmin -Q > cib.xml && lwlint plan cib.xml", CLUSTER)


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
    on_it = cib.binding(names)
    return (*map(without, on_it), pcs("resource", "disable", gone.name, _WAIT), pcs("resource", "delete", gone.name))


def handed_over(cib: Cib, leaf: Resource) -> tuple[Command, ...]:
    """Return what takes a resource out of the cluster, and has systemd run its unit on every node that is to run it."""
    kind, _, unit = (leaf.agent or "").partition(":")
    if kind != "systemd" or not unit:
        return removed(cib, leaf)
    enable = Command(command("systemctl", "enable", "--now", unit.removesuffix(".service") + ".service"), EACH)
    return (*removed(cib, leaf), enable)


def leaving(cib: Cib, leaf: Resource) -> tuple[Command, ...]:
    """Return what has a service that systemd can run leave the cluster: the plan; what runs in a bundle has no unit, and is taken out."""
    return removed(cib, leaf) if cib.top(leaf).form == BUNDLE else (PLAN,)


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


_REFUSED = "Pacemaker refuses the CIB under schemas 1.2 and later"
_STARTS = ("start", "promote")


def first_awaited(
    cib: Cib, constraint: Constraint, waits: Callable[[str], bool], title: Callable[[str], str | None]
) -> tuple[str, str, str] | None:
    """Return the first resource of those that `waits` tells which waits for one that has a title: both, and the title.

    After the scheduler of Pacemaker 2.1.5: an order of stops does not hold back a start, though it is symmetrical; optional and
    serialized orders make nothing wait for what does not start, and a finite score keeps nothing down. Of an order each member is
    looked at once: its pairs are as many as the square of its members.
    """
    if not constraint.active:
        return None
    if constraint.type == COLOCATION:
        pairs = ((pair.first, pair.second) for pair in constraint.pairs if mandatory(pair, cib))
        return next(((late, early, called) for late, early in pairs if waits(late) and (called := title(early)) is not None), None)
    if constraint.type != ORDER or constraint.ordering != "Mandatory":
        return None
    # `first` and `then`, which are in no set, stand like a set of two in a sequence
    members = [member for member in constraint.members if member.set >= 0] or sorted(constraint.members, key=lambda each: each.position)
    behind = {action: _waiting_behind(cib, members, action, waits) for action in _STARTS}
    for at, first in enumerate(members):
        before = first.action or "start"
        early = next(((name, called) for name in first.resources if (called := title(name)) is not None), None)
        if early is not None and before in _STARTS:
            after = at + 1 if first.sequential or first.set < 0 else _end_of(members, at)
            late = behind[before][after]
            if late is not None:
                return (late, *early)
    return None


def _waiting_behind(cib: Cib, members: Sequence[Member], before: str, waits: Callable[[str], bool]) -> list[str | None]:
    """Return for each place among the members the first resource there, or behind it, that waits for a start or promotion in front."""
    found: list[str | None] = [None]
    for member in reversed(members):
        after = member.action or before
        late = (name for name in member.resources if after == "start" or (after == "promote" and cib.resources[name].promotable))
        found.append(next((name for name in late if waits(name)), found[-1]))
    return found[::-1]


def _end_of(members: Sequence[Member], at: int) -> int:
    """Return the place behind the set of the member at a place; sets stand in their order."""
    return bisect_right(members, members[at].set, key=lambda member: member.set)


class Params(Document, frozen=True):
    """No constraint may name a resource of a service of these kinds, be it there or left from the full architecture.

    And none may make another OpenStack service wait for one of the services `waits_for`. Of Instance HA's own services `on_remotes`
    a constraint is told where they run on remote nodes only.
    """

    kinds: Annotated[tuple[ServiceKind, ...], Meta(description="the kinds of services that no constraint may name")]
    waits_for: Annotated[tuple[ServiceName, ...], Meta(description="the services that no other OpenStack service may wait for")] = ()
    on_remotes: Annotated[
        tuple[ServiceName, ...],
        Meta(description="services of Instance HA, told only where they run on remote nodes"),
    ] = ()

    def misfits(self) -> Iterator[Mismatch]:
        """Yield that nothing would be judged."""
        yield from nothing_in(self, "kinds", "waits_for")


def _run_outside(facts: Facts, params: Params) -> Iterator[Saw]:
    gone = {id: service.title for service in facts.services if service.kind in params.kinds for id in service.resource_ids}
    for cib in cibs(facts):
        yield from untold(cib, CONSTRAINTS, LOCATION_SETS)
        if not cib.openstack:
            yield Unknown("there is no OpenStack service in this CIB", cib.cluster.span)
            continue
        remote = only_remote(cib)
        titles: dict[str, list[str]] = {}
        tags = {tag.name for tag in cib.tags}
        for constraint in cib.constraints:
            outside = {}
            for member in constraint.members:
                if member.name not in titles:
                    titles[member.name] = _titles(cib, member, params.kinds) or _titles_gone(cib, member, gone, tags)
                if titles[member.name]:
                    outside[member.name] = member
            if outside:
                yield _outside(cib, constraint, outside, titles, params, remote)
            elif any(cib.resources[name].top in remote for member in constraint.members for name in member.resources):
                yield from _of_remotes(cib, constraint, params, remote)
            elif params.waits_for:
                yield from _waiting(cib, constraint, params)


def _titles(cib: Cib, member: Member, kinds: tuple[str, ...]) -> list[str]:
    """The titles of the services of these kinds that a member of a constraint runs."""
    found = {}
    for name in member.resources:
        for leaf in cib.inside(name):
            service = cib.service(leaf)
            doubtful = service is not None and is_by_pattern(service) and cib.top(leaf).instances == 1
            if service is not None and service.kind in kinds and not doubtful:
                found[service.name] = service.title
    return list(found.values())


def _titles_gone(cib: Cib, member: Member, gone: Mapping[str, str], tags: Collection[str]) -> list[str]:
    """The title of the service that ran under the id of a resource which is not there any more."""
    there = member.resources or member.name in cib.resources or member.name in tags
    return [gone[member.name]] if member.name in gone and not there else []


def _of_remotes(cib: Cib, constraint: Constraint, params: Params, remote: set[str]) -> Iterator[Problem]:
    """Yield a note on a constraint of Instance HA's own services of compute nodes."""
    found = {
        top: None
        for member in constraint.members
        for name in member.resources
        if (top := cib.resources[name].top) in remote
        and any(service.name in params.on_remotes for leaf in cib.inside(top) if (service := cib.service(leaf)) is not None)
    }
    if found:
        yield _note(cib, constraint, found, "on remote nodes only, as Instance HA before queens has it")


def _is_helper(cib: Cib, member: Member) -> bool:
    """Whether all that a member runs must run once and is no service of OpenStack's own, as SUSE's neutron-ha-tool."""
    services = [cib.service(leaf) for name in member.resources for leaf in cib.inside(name)]
    return bool(services) and all(each is not None and each.is_active_passive and not each.openstack for each in services)


def _note(cib: Cib, constraint: Constraint, names: Iterable[str], where: str) -> Problem:
    shown = [f"`{name}`" for name in names]
    verb = "is" if len(shown) == 1 else "are"
    return Problem(
        span=constraint.span,
        message=f"{constraint.type} `{constraint.name}`: {', '.join(shown)} {verb} {where}; the constraint goes with what it is on",
        subject=f"constraint {constraint.name}",
        severity="note",
        remedy="Nothing need be done: it goes when the resource does.",
        host=constraint.host,
    )


def _outside(
    cib: Cib, constraint: Constraint, outside: dict[str, Member], titles: dict[str, list[str]], params: Params, remote: set[str]
) -> Problem:
    tops = {member.name: {cib.resources[name].top for name in member.resources} for member in outside.values()}
    if all(each and each <= remote for each in tops.values()):
        return _note(cib, constraint, outside, "on remote nodes only, as Instance HA before queens has it")
    last = max((member.set for member in constraint.members), default=-1)
    late = [member for member in constraint.members if (member.position == "then" if last < 0 else member.set == last)]
    if constraint.type == ORDER and late and all(_is_helper(cib, member) for member in late):
        return _note(cib, constraint, (member.name for member in late), "active/passive, and it starts after what is outside the core")
    names = ", ".join(f"`{name}`" for name in outside)
    verb, them = ("is", "it") if len(outside) == 1 else ("are", "them")
    related = tuple(
        Related(cib.resources[name].span, f"`{name}` runs {', '.join(titles[member.name])}")
        for member in outside.values()
        for name in member.resources[:1]
    )
    return Problem(
        span=constraint.span,
        message=f"{constraint.type} `{constraint.name}`: {names} {verb} outside the core; there must be no constraint on {them}",
        subject=f"constraint {constraint.name}",
        related=related,
        host=constraint.host,
        commands=(PLAN,) if any(_planned(cib, member) for member in outside.values()) else (without(constraint),),
    )


def _planned(cib: Cib, member: Member) -> bool:
    """Whether a member of a constraint runs something that a plan takes out of the cluster, with the constraint or from below it."""
    return any(cib.top(cib.resources[name]).form != BUNDLE for name in member.resources)


def _waiting(cib: Cib, constraint: Constraint, params: Params) -> Iterator[Problem]:
    """Yield the problem of the first OpenStack service that the constraint makes wait for the database or the broker."""

    def waits(name: str) -> bool:
        return any(service.openstack for leaf in cib.inside(name) if (service := cib.service(leaf)) is not None)

    def title(name: str) -> str | None:
        found = (service for leaf in cib.inside(name) if (service := cib.service(leaf)) is not None)
        return next((service.title for service in found if service.name in params.waits_for), None)

    found = first_awaited(cib, constraint, waits, title)
    if found is not None:
        late, early, called = found
        how = "waits for" if constraint.type == ORDER else "runs only with"
        yield Problem(
            span=constraint.span,
            message=f"{constraint.type} `{constraint.name}`: `{late}` {how} `{early}`; it must be able to start without {called}",
            subject=f"constraint {constraint.name}",
            related=(Related(cib.resources[early].span, f"`{early}`"),),
            host=constraint.host,
            commands=(without(constraint),),
        )


def _run_dangling(facts: Facts, _: NoParams) -> Iterator[Saw]:
    for cib in cibs(facts):
        yield from untold(cib, CONSTRAINTS, LOCATION_SETS)
        tags = {tag.name: tag for tag in reversed(cib.tags)}
        for constraint in cib.constraints:
            for member in {m.name: m for m in constraint.members}.values():
                reason, related = _dangling(cib, tags, member)
                if reason:
                    yield Problem(
                        span=member.span,
                        message=f"{constraint.type} `{constraint.name}`: {reason}",
                        subject=f"constraint {constraint.name} {member.name}",
                        related=related,
                        host=constraint.host,
                    )
        for resource in cib.resources.values():
            if resource.template is not None and resource.template_missing:
                name = resource.template.value
                outcome = f"{_REFUSED}; not validated, it leaves the resource out"
                yield Problem(
                    span=resource.template.span,
                    message=f"resource `{resource.name}`: there is no template `{name}`: {outcome}",
                    subject=f"resource {resource.name}",
                    host=resource.host,
                )


def _dangling(cib: Cib, tags: Mapping[str, Tag], member: Member) -> tuple[str, tuple[Related, ...]]:
    if not member.resources:
        tag = tags.get(member.name)
        if tag is not None:
            return f"tag `{member.name}` holds no resource", (Related(tag.span, "this tag"),)
        return (
            f"there is no resource `{member.name}`: {_REFUSED}; not validated, it ignores the constraint",
            (),
        )
    resource = cib.resources.get(member.name)
    if member.hidden and resource is not None:
        top = cib.top(resource)
        reason = f"`{member.name}` lies in {top.form} `{top.name}`, so Pacemaker may ignore the constraint; it must name `{top.name}`"
        return reason, (Related(top.span, f"the {top.form}"),)
    return "", ()


_EVIDENCE = needs(Cluster, "no CIB was given")


_READS = Reads(("cib",))
CHECKS = (
    Check("constraint-outside-the-core", _run_outside, _EVIDENCE, Params, _READS),
    Check("constraint-dangling", _run_dangling, _EVIDENCE, NoParams, _READS),
)
