"""Constraints: those that the lightweight architecture has no place for, those that name nothing, and those that there must be.

Virtual IPs must run where HAProxy runs, and act in order with it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from lwlint.checks.parameters import ServiceKind, ServiceName, nothing_in
from lwlint.core.check import Check, NoParams, Reads, Saw, Unknown, needs
from lwlint.core.config_reader import Document, Mismatch
from lwlint.core.facts import ACTIVE_PASSIVE, CORE, Facts
from lwlint.core.finding import CLUSTER, EACH, Command, Problem, Related
from lwlint.core.harmless import command
from lwlint.inputs.pacemaker.facts import (
    BUNDLE,
    COLOCATION,
    CONSTRAINTS,
    GROUP,
    INFINITY,
    LOCATION,
    LOCATION_SETS,
    ORDER,
    SET_ORDER,
    Cluster,
    ClusterStatus,
    Constraint,
    Expression,
    Member,
    Node,
    Pair,
    Resource,
    ResourceStatus,
    Rule,
    Tag,
    boolean,
    resource_pattern,
    score,
)
from lwlint.inputs.pacemaker.model import (
    MARKS,
    MOST_TARGETS,
    PROMOTED,
    TELLING,
    Anchors,
    Cib,
    Colocations,
    around,
    by_node,
    cibs,
    first_takes,
    mandatory,
    only_remote,
    owners,
    places,
    second_takes,
)

ID = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_WAIT = "--wait=600"  # seconds, as the upgrade waits
# what takes services out of the cluster while they run; command by command each would be stopped, with all that waits for it
PLAN = Command("cibadmin -Q > cib.xml && lwlint plan cib.xml", CLUSTER)


def pcs(*words: str) -> Command:
    """Return a `pcs` command, to be run once in the cluster; an empty one where a name begins with `-`, which pcs takes for an option."""
    return Command("" if any(word.startswith("-") and word != _WAIT for word in words) else command("pcs", *words), CLUSTER)


_ROLE = {"vip": "haproxy-role"}  # the mark of the nodes of a service, where it is not called after it


def mark_of(service: str) -> str:
    """Return the attribute that TripleO marks the nodes of a service with, by its name in the catalogue."""
    return _ROLE.get(service, f"{service.replace('_', '-')}-role")


def without(constraint: Constraint) -> Command:
    """Return what takes a constraint away."""
    return pcs("constraint", "remove", constraint.name)


def has_current_pcs(cib: Cib) -> bool:
    """Return whether the cluster is known to run a Pacemaker whose `pcs` has tags, and several sets of defaults: since 0.10.7."""
    return cib.cluster.pacemaker >= (2, 1)


# the schemas in which roles have their new names
_NEW_ROLES = ("pacemaker-3.7", "pacemaker-3.8", "pacemaker-3.9", "pacemaker-3.10", "pacemaker-4")
_ROLES = {"master": "Promoted", "slave": "Unpromoted"}


def role_of(cib: Cib, role: str) -> str:
    """Return the name by which `pcs` of the cluster takes a role: that of Pacemaker 3 takes no old one, that of 2.0 no new one."""
    return _ROLES.get(role.lower(), role) if cib.cluster.pacemaker >= (3,) else written_role(cib, role)


def written_role(cib: Cib, role: str) -> str:
    """Return the name that `pcs` then writes: it goes by the schema, whatever it is given."""
    is_new = (cib.cluster.schema or "").startswith(_NEW_ROLES)
    new = _ROLES.get(role.lower(), role)
    return new if is_new else next((old.capitalize() for old, name in _ROLES.items() if name == new), role)


def remove(cib: Cib, leaf: Resource) -> tuple[Command, ...]:
    """Return what takes a resource out of the cluster: with the clone or bundle around it, but out of a group alone."""
    top = cib.top(leaf)
    gone = top if top.form != GROUP and len(cib.inside(top.name)) == 1 else leaf
    names = {leaf.name, gone.name}
    tags = [tag for tag in cib.tags if any(member.value in names for member in tag.members)]
    on_it = cib.binding({*names, *(tag.name for tag in tags if not any(_stays(cib, member.value) for member in tag.members))})
    untagged = (each for tag in tags for each in _untag(cib, tag, names))
    return (*map(without, on_it), *untagged, pcs("resource", "disable", gone.name, _WAIT), pcs("resource", "delete", gone.name))


def _untag(cib: Cib, tag: Tag, names: Collection[str]) -> Iterator[Command]:
    """Yield what takes resources out of a tag, as `pcs` deletes none that is in one; a tag of nothing else goes with them.

    Where all else in it may leave the cluster too, by what another finding says, the tag goes with whatever leaves last.
    """
    found = list(dict.fromkeys(member.value for member in tag.members if member.value in names))
    others = {member.value for member in tag.members} - set(names)
    has_tags = has_current_pcs(cib) or not cib.cluster.pacemaker
    if not all(ID.fullmatch(name) for name in (tag.name, *found)):
        yield Command("", CLUSTER)
    elif has_tags and not others:
        yield pcs("tag", "remove", tag.name)
    elif has_tags and any(_stays(cib, name) for name in others):
        yield pcs("tag", "update", tag.name, "remove", *found)
    else:
        here, ours = f'//tag[@id="{tag.name}"]', " or ".join(f'@id="{name}"' for name in found)
        if others:
            yield _delete(f"{here}[obj_ref[not({ours})]]/obj_ref[{ours}]", "--delete-all", "--force")
        if not any(_stays(cib, name) for name in others):
            yield _delete(f"{here}[not(obj_ref[not({ours})])]", "--delete")


def _stays(cib: Cib, name: str) -> bool:
    """Return whether no finding takes away what a tag names: a service of the core, or what is none, or nothing that is known."""
    leaves = cib.inside(name) if name in cib.resources else []
    return not any((service := cib.service(leaf)) is not None and service.kind != CORE for leaf in leaves)


def _delete(path: str, *how: str) -> Command:
    """Return what deletes the elements at an XPath; where there are none, it does nothing, and does not fail."""
    return Command(command("cibadmin", *how, "--xpath", path), CLUSTER)


_NO_UNITS = ("lsb:", "upstart:")  # scripts and jobs, of which systemd need not have a unit


def hand_over(cib: Cib, leaf: Resource) -> tuple[Command, ...]:
    """Return what takes a resource out of the cluster, and has systemd run its unit on every node that is to run it."""
    if not leaf.unit or (leaf.agent or "").startswith(_NO_UNITS):
        return remove(cib, leaf)
    enable = Command(command("systemctl", "enable", "--now", f"{leaf.unit}.service"), EACH)
    return (*remove(cib, leaf), enable)


def leaving(cib: Cib, leaf: Resource) -> tuple[Command, ...]:
    """Return what has a service that systemd can run leave the cluster: the plan; what runs in a bundle has no unit, and is taken out."""
    return remove(cib, leaf) if cib.top(leaf).form == BUNDLE else (PLAN,)


class Astray(NamedTuple):
    """A resource that may run on a `node` which is not of its role, by its outermost id, and the `mark` that nodes of the role have.

    `beside` is a resource that a rule does keep on its nodes.
    """

    top: str
    mark: str
    node: str
    beside: str

    @property
    def command(self) -> Command:
        """Return what keeps it on the nodes of its role, as TripleO does."""
        return pcs("constraint", "location", self.top, "rule", "resource-discovery=exclusive", "score=0", self.mark, "eq", "true")


def find_astray(cib: Cib, kinds: Collection[str]) -> Iterator[Astray | Unknown]:
    """Yield the resources of services of these kinds that nothing keeps on the nodes of their role, where rules keep others so."""
    ruled = _find_ruled(cib)
    tops = {leaf.top: leaf for leaf in cib.leaves() if (service := cib.service(leaf)) is not None and service.kind in kinds}
    kept = [top for top in tops if top in ruled]
    if not any(ruled[top] for top in kept):
        return
    bound = Colocations(cib).reaching([name for name, each in cib.resources.items() if each.top in ruled])
    found = places(cib)
    marks: dict[str, tuple[bool, list[str]]] = {}  # whether any node has a mark, and those that have not
    for top, leaf in tops.items():
        if top in ruled or leaf.name in bound:
            continue
        service = cib.service(leaf)
        mark = mark_of(service.name) if service is not None else ""
        if mark not in marks:
            marks[mark] = any(_has(n, mark) for n in found.nodes), [n.name for n in found.nodes if not _has(n, mark)]
        marked, others = marks[mark]
        if not marked:
            yield Unknown(f"no node is marked with `{mark}`, so where `{top}` belongs is not known", cib.resources[top].span)
            continue
        never = {*found.barred.get(top, {}), *found.left_out.get(top, ())}
        strange = next((name for name in others if name not in never), None)
        if strange is not None:
            yield Astray(top, mark, strange, kept[0])


def _find_ruled(cib: Cib) -> dict[str, str]:
    """Return the outermost resources that a rule places, and the mark of nodes by which it does; empty for none.

    A constraint that names a node is none: it prefers that node, or keeps the resource from it alone.
    """
    found: dict[str, str] = {}
    for constraint in cib.constraints:
        if (
            constraint.type == LOCATION
            and constraint.active
            and constraint.node is None
            and not constraint.name.startswith(("cli-ban-", "cli-prefer-", "cli-standby-"))
        ):
            mark = next((name for rule in constraint.rules for name in _marks(rule)), "")
            for member in constraint.members:
                for name in member.resources:
                    top = cib.resources[name].top
                    found[top] = found.get(top, "") or mark
    return found


def _marks(rule: Rule) -> Iterator[str]:
    for each in rule.expressions:
        if isinstance(each, Rule):
            yield from _marks(each)
        elif isinstance(each, Expression) and each.attribute in MARKS:
            yield each.attribute


def _has(node: Node, mark: str) -> bool:
    value = node.attribute(mark)
    return value is not None and boolean(value.value) is True


class _Placing:
    """What must take the place of a colocation that alone keeps a resource on the nodes of its role, once it is taken away."""

    def __init__(self, cib: Cib) -> None:
        self._cib = cib

    def instead(self, gone: Iterable[Constraint], tops: Collection[str]) -> tuple[Command, ...]:
        """Return what keeps these outermost resources on their nodes without the colocations that are to go."""
        ends = {pair.first for each in gone if each.type == COLOCATION for pair in each.pairs[:_LOOKED_AT] if mandatory(pair, self._cib)}
        held = {top for name in ends if (top := self._cib.resources[name].top) in tops}
        return tuple(self._without_colocations[top] for top in sorted(held) if top in self._without_colocations)

    @cached_property
    def _without_colocations(self) -> dict[str, Command]:
        cib = self._cib
        others = [each for each in cib.constraints if each.type != COLOCATION]
        alone = Cib(cib.cluster, cib.resources, others, cib.properties, cib.nodes, cib.tags)
        found = find_astray(alone, (CORE, ACTIVE_PASSIVE))
        return {each.top: each.command for each in found if isinstance(each, Astray)}


def bind_to(resource: Resource, target: Resource, wrong: Iterable[Constraint]) -> tuple[Command, ...]:
    """Return what binds a resource to where another one runs, in the place of the `wrong` colocations; none if they bind others too."""
    found = list(wrong)
    if any(len(constraint.members) != 2 for constraint in found):
        return ()
    add = pcs("constraint", "colocation", "add", resource.name, "with", target.name, "INFINITY")
    return (*(without(constraint) for constraint in found), add)


def order_after(resource: Resource, target: Resource) -> tuple[Command, ...]:
    """Return what orders a resource before another one, as TripleO does."""
    return (pcs("constraint", "order", "start", resource.name, "then", "start", target.name, "kind=Optional"),)


def find_untold(cib: Cib, *what: str) -> Iterator[Unknown]:
    """Yield one reason for all of `what` that the evidence for the cluster does not tell; none for a CIB, which tells everything."""
    missing = [each for each in what if each in cib.cluster.untold]
    if missing:
        yield Unknown(f"`{cib.cluster.weaker}` stands in for the CIB and does not tell {' or '.join(missing)}", cib.cluster.span)


def unread(cib: Cib) -> Iterator[Unknown]:
    """Yield each location constraint of which it is not known what it names, for its pattern may mean something else to Pacemaker."""
    for constraint in cib.constraints:
        if constraint.pattern is not None and constraint.active and resource_pattern(constraint.pattern.value) is None:
            why = f"which resources `rsc-pattern` of location `{constraint.name}` finds is not known"
            yield Unknown(why, constraint.pattern.span)


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
        yield from find_untold(cib, CONSTRAINTS, LOCATION_SETS)
        if not cib.openstack:
            yield Unknown("there is no OpenStack service in this CIB", cib.cluster.span)
            continue
        yield from unread(cib)
        remote = only_remote(cib)
        placing = _Placing(cib)
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
                yield from _waiting(cib, constraint, params, placing)


def _titles(cib: Cib, member: Member, kinds: tuple[str, ...]) -> list[str]:
    """The titles of the services of these kinds that a member of a constraint runs."""
    found = {}
    for name in member.resources:
        for leaf in cib.inside(name):
            service = cib.service(leaf)
            doubtful = service is not None and service.is_by_pattern and cib.top(leaf).instances == 1
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
        commands=(PLAN,) if any(_is_planned(cib, member) for member in outside.values()) else (without(constraint),),
    )


def _is_planned(cib: Cib, member: Member) -> bool:
    """Whether a member of a constraint runs something that a plan takes out of the cluster, with the constraint or from below it."""
    return any(cib.top(cib.resources[name]).form != BUNDLE for name in member.resources)


def _waiting(cib: Cib, constraint: Constraint, params: Params, placing: _Placing) -> Iterator[Problem]:
    """Yield the problem of the first OpenStack service that the constraint makes wait for the database or the broker."""

    def waits(name: str) -> bool:
        return any(service.openstack for leaf in cib.inside(name) if (service := cib.service(leaf)) is not None)

    def title(name: str) -> str | None:
        found = (service for leaf in cib.inside(name) if (service := cib.service(leaf)) is not None)
        return next((service.title for service in found if service.name in params.waits_for), None)

    found = first_awaited(cib, constraint, waits, title)
    if found is not None:
        late, early, called = found
        tops = {cib.resources[name].top for member in constraint.members for name in member.resources}
        how = "waits for" if constraint.type == ORDER else "runs only with"
        yield Problem(
            span=constraint.span,
            message=f"{constraint.type} `{constraint.name}`: `{late}` {how} `{early}`; it must be able to start without {called}",
            subject=f"constraint {constraint.name}",
            related=(Related(cib.resources[early].span, f"`{early}`"),),
            host=constraint.host,
            commands=(*placing.instead((constraint,), tops), without(constraint)),
        )


def _run_dangling(facts: Facts, _: NoParams) -> Iterator[Saw]:
    for cib in cibs(facts):
        yield from find_untold(cib, CONSTRAINTS, LOCATION_SETS)
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


_SPELLED = {"haproxy": "HAProxy"}  # as a sentence has it
_USUAL = ("haproxy-clone", "haproxy-bundle")  # as the remedy of the rule names them
_LEAVE_IT = (
    "It may stay so: the scheduler takes the address to each node where HAProxy can run, and HAProxy binds to it at once. "
    "Where it must not be up alone, put HAProxy in a clone of its own and bind the group to that."
)
_LOOKED_AT = 100  # constraints on one resource, and pairs and members of one, to find words for what is wrong


class BoundParams(Document, frozen=True):
    """`each` resource of one service must be bound to a resource of the service `to`, or run where one does.

    One that is so bound to a service of `or_to`, or to a promoted resource of a service of `or_to_promoted`, is excused; so is one
    that belongs to another resource, as `lwlint.inputs.pacemaker.model` has it.
    """

    each: Annotated[ServiceName, Meta(description="the service whose resources are judged")]
    to: Annotated[ServiceName, Meta(description="the service that each must be bound to, or run beside")]
    or_to: Annotated[tuple[ServiceName, ...], Meta(description="services of which one will do instead")] = ()
    or_to_promoted: Annotated[tuple[ServiceName, ...], Meta(description="services whose promoted instance will do instead")] = ()


# Where a constraint names each resource: at one of its ends, or by number in its sets. In a sequential set each has a place of its own.
_Places = dict[str, set[tuple[object, int]]]


def _places(constraint: Constraint) -> _Places:
    found: _Places = {}
    known = set()
    for at, member in enumerate(constraint.members):
        block = member.position if member.set < 0 else member.set
        number = at if member.sequential else 0
        if (block, member.name) not in known:
            known.add((block, member.name))
            for inner, name in enumerate(member.resources):
                found.setdefault(name, set()).add((block, number * (len(member.resources) + 1) + inner if member.sequential else 0))
    return found


class _Tie(Struct):
    """A colocation or an order that names a target: its places, those of the targets and of what is around them, and which they are."""

    constraint: Constraint
    places: _Places
    theirs: list[str]
    their_places: set[tuple[object, int]]
    targets: list[int]
    orders_starts: bool  # of an order: whether one start waits for another

    def apart(self, ours: Iterable[str]) -> bool:
        """Whether one of `ours` and a target are named at different places."""
        one = [self.places[name] for name in ours if name in self.places]
        return bool(one and self.their_places) and (len(self.their_places) > 1 or any(each != self.their_places for each in one))


class _Judged:
    """One CIB with what its resources are bound to."""

    def __init__(self, cib: Cib, params: BoundParams) -> None:
        self.cib = cib
        self.targets = cib.running(params.to)
        self.graph = graph = Colocations(cib)
        self.anchors = Anchors(cib, graph)
        self.bound = graph.find_bound(_running(cib, (params.to,)))
        self.excused = find_excused(cib, graph, params)
        self.others = [
            (service, cib.running(service), service in params.or_to_promoted) for service in (*params.or_to, *params.or_to_promoted)
        ]
        self.at: dict[str, list[int]] = {}  # the targets in each resource
        self.tops: dict[str, list[int]] = {}
        for number, leaf in enumerate(self.targets):
            self.tops.setdefault(leaf.top, []).append(number)
            for name in around(cib, leaf):
                self.at.setdefault(name, []).append(number)
        self.theirs = set(self.at)
        self.ties: dict[tuple[str, str], list[_Tie]] = {}  # by type and what they name, in the order of the file
        self.members: dict[str, dict[str, int]] = {}
        self._against: dict[str, list[Constraint]] = {}
        self.placing = _Placing(cib)
        for constraint in sorted((c for c in cib.constraints if c.type in (COLOCATION, ORDER)), key=lambda c: c.span):
            places = _places(constraint)
            theirs = [name for name in places if name in self.theirs]
            if theirs:
                there = {place for name in theirs for place in places[name]}
                targets = sorted(set(islice((number for name in theirs for number in self.at[name]), _LOOKED_AT)))
                tie = _Tie(constraint, places, theirs, there, targets, constraint.type == ORDER and _orders_starts(constraint))
                for name in places:
                    self.ties.setdefault((constraint.type, name), []).append(tie)

    def own(self, resource: Resource) -> list[Resource]:
        """The targets that a colocation, an order or a group ties `resource` to; all of them if none is. No more than can matter."""
        ties = [self.ties.get((type, name), ()) for name in around(self.cib, resource) for type in (COLOCATION, ORDER)]
        tied = {number for each in ties for tie in each[:_LOOKED_AT] for number in tie.targets[: MOST_TARGETS + 1]}
        numbers = sorted(tied.union(self.tops.get(resource.top, ())[: MOST_TARGETS + 1])) or range(len(self.targets))
        return [self.targets[number] for number in numbers[: MOST_TARGETS + 1]]

    def target(self, resource: Resource) -> Resource:
        """The outermost resource that `resource` must be bound to; in a group it is the member that constraints name."""
        own = self.own(resource)
        leaf = next((leaf for leaf in own if leaf.top == resource.top), own[0])
        top = self.cib.top(leaf)
        return leaf if top.form == GROUP else top

    @cached_property
    def _marked(self) -> dict[str, set[str]]:
        """The outermost resources that are kept where nodes have an attribute, by its name."""
        found: dict[str, set[str]] = {}
        for constraint in self.cib.constraints:
            if constraint.type == LOCATION and constraint.active and constraint.resource_discovery == "exclusive":
                expressions = (each for rule in constraint.rules for each in rule.expressions if isinstance(each, Expression))
                marks = {each.attribute for each in expressions if each.operation == "eq" and boolean(each.value) is True}
                tops = {self.cib.resources[name].top for member in constraint.members for name in member.resources}
                for mark in marks:
                    found.setdefault(mark or "", set()).update(tops)
        return found

    def owner(self, address: Resource) -> tuple[Resource, bool] | None:
        """Return another service's resource that an address is meant for, as the CIB tells, and whether its promoted copy; None for none.

        It is kept on the nodes of that service and on no others, or the service has the address as its own (`master_ip`).
        """
        marks = {mark for mark, tops in self._marked.items() if address.top in tops}
        own = address.attributes.get("ip")
        for service, leaves, promoted in self.others:
            given = (leaf.attributes.get("master_ip") for leaf in leaves)
            is_given = own is not None and any(each is not None and each.value.strip("[]") == own.value for each in given)
            if leaves and (marks == {mark_of(service)} or (is_given and not marks)):
                return self.cib.top(leaves[0]), promoted
        return None

    def touching(self, resource: Resource, type: str) -> list[_Tie]:
        """Return the constraints of one type on the resource, or what is around it, and a target, in the order of the file."""
        ties = (tie for name in around(self.cib, resource) for tie in self.ties.get((type, name), ())[:_LOOKED_AT])
        found = {tie.constraint.span: tie for tie in ties}
        return [found[span] for span in sorted(found)[:_LOOKED_AT]]

    def against(self, group: Resource) -> Sequence[Constraint]:
        """Return the colocations of members of a group and a target that do not bind them to it: they stand against its own bond."""
        if group.name not in self._against:
            members = [self.cib.resources[name] for name in group.children[:_LOOKED_AT]]
            ties = {tie.constraint.span: tie.constraint for member in members for tie in self.touching(member, COLOCATION)}
            ours = {group.name, *group.children}
            self._against[group.name] = [each for each in ties.values() if not _binds(self.cib, each, ours, self.theirs)]
        return self._against[group.name]

    def beyond(self, resource: Resource) -> Unknown | None:
        """Return why it is not judged by what was looked at: it is tied by more constraints, or to more targets, than that."""
        ties = (self.ties.get((type, name), ()) for name in around(self.cib, resource) for type in (COLOCATION, ORDER))
        if any(len(each) > _LOOKED_AT for each in ties) or len(self.own(resource)) > MOST_TARGETS:
            most = f"{_LOOKED_AT} constraints, or {MOST_TARGETS} resources of the service beside it"
            return Unknown(f"`{resource.name}` is tied by more than {most}, and no more are looked at", resource.span)
        return None

    def place(self, group: Resource, name: str) -> int:
        """Return where in a group a member stands."""
        if group.name not in self.members:
            self.members[group.name] = {each: number for number, each in enumerate(group.children)}
        return self.members[group.name][name]


def _list_judged(facts: Facts, params: BoundParams) -> Iterator[_Judged | Unknown]:
    for cib in cibs(facts):
        unknown = next(find_untold(cib, CONSTRAINTS, SET_ORDER), None)
        stranger = cib.stranger
        if unknown is not None:
            yield unknown
        elif stranger is not None:
            yield Unknown(f"there is no OpenStack service in this CIB, and `{stranger.name}` is of something else", cib.cluster.span)
        elif not cib.running(params.to):
            yield Unknown(f"there is no {_title(facts, params.to)} in this CIB", cib.cluster.span)
        else:
            yield _Judged(cib, params)


def _run_colocated(facts: Facts, params: BoundParams) -> Iterator[Saw]:
    for judged in _list_judged(facts, params):
        if isinstance(judged, Unknown):
            yield judged
            continue
        for resource in judged.cib.running(params.each):
            if resource.name not in judged.bound and resource.name not in judged.excused:
                yield judged.beyond(resource) or _unbound(judged, resource, _title(facts, params.to))


def _run_ordered(facts: Facts, params: BoundParams) -> Iterator[Saw]:
    for judged in _list_judged(facts, params):
        if isinstance(judged, Unknown):
            yield judged
            continue
        for resource in judged.cib.running(params.each):
            excused = resource.name in judged.excused or (resource.name not in judged.bound and judged.owner(resource) is not None)
            ordered, void = (True, []) if excused else _find_orders(judged, resource)
            if not ordered and (unknown := judged.beyond(resource)) is not None:
                yield unknown
                continue
            target = judged.target(resource).name
            ordering = order_after(_outermost(judged, resource), judged.target(resource))
            if void:
                why = "it is not one of two starts" if all(map(_holds, void)) else "`kind=Serialize`, or its lifetime is over"
                reason = f"the order with `{target}` binds nothing ({why}); there must be one that does"
                related = tuple(Related(constraint.span, "this order") for constraint in void)
                yield _problem(judged.cib, resource, reason, related, ordering, remedy=_ordering_remedy(judged, resource))
            elif not ordered:
                reason = f"no order with `{target}`; there must be one, `{resource.name}` first (`kind=Optional` is enough)"
                yield _problem(judged.cib, resource, reason, (), ordering, remedy=_ordering_remedy(judged, resource))


def _title(facts: Facts, name: str) -> str:
    return next((service.title for service in facts.services if service.name == name), name)


def _running(cib: Cib, services: tuple[str, ...]) -> set[str]:
    """The resources where one of the services runs wherever the resource runs: the leaves, and clones and bundles around them."""
    leaves = [leaf for name in services for leaf in cib.running(name)]
    return {name for leaf in leaves for name in around(cib, leaf) if cib.resources[name].form != GROUP}


def find_excused(cib: Cib, graph: Colocations, params: BoundParams) -> set[str]:
    """Return the resources that the CIB binds to another service, as the parameters allow."""
    found = graph.leading_to(_running(cib, params.or_to))
    found |= graph.leading_to(_running(cib, params.or_to_promoted), PROMOTED)
    return found | owners(cib, params.each, params.to).keys()


def _unbound(judged: _Judged, resource: Resource, title: str) -> Problem:
    """Return the problem of an address that is not bound: less than an error where it is never up away from a target that runs."""
    meant = judged.owner(resource)
    if meant is not None:
        return _unbound_to_owner(judged, resource, *meant)
    reason, related = _why_not_bound(judged, resource)
    commands = _binding(judged, resource)
    if not judged.anchors.never_apart(resource.name, judged.own(resource)):
        return _problem(judged.cib, resource, reason, related, commands, remedy=_remedy(judged, resource))
    alone = f"it stays up by itself if {_SPELLED.get(title, title)} can run nowhere"
    if resource.parent is not None and resource.parent == judged.target(resource).parent:
        reason = f"{reason.partition(';')[0]}, so that {alone}"
        return _problem(judged.cib, resource, reason, related, (), "note", _LEAVE_IT)
    return _problem(judged.cib, resource, f"{reason}, for {alone}", related, commands, "warning", _remedy(judged, resource))


def _unbound_to_owner(judged: _Judged, resource: Resource, owner: Resource, promoted: bool) -> Problem:
    """Return the problem of an address that is meant for another service, and is not bound to that either."""
    role = [role_of(judged.cib, "Master")] if promoted else []
    words = ("constraint", "colocation", "add", resource.name, "with", *role, owner.name, "INFINITY")
    both = [each for each in judged.cib.binding((resource.name,)) if each.type == COLOCATION]
    wrong = [each for each in both if any(name != resource.name for member in each.members for name in member.resources)]
    wrong = [each for each in wrong if any(judged.cib.resources[n].top == owner.name for member in each.members for n in member.resources)]
    commands = () if any(len(each.members) != 2 for each in wrong) else (*map(without, wrong), pcs(*words))
    place = f"the promoted `{owner.name}`" if promoted else f"`{owner.name}`"
    reason = f"no mandatory colocation with {place}, for which the CIB has it; there must be one with score `INFINITY`"
    remedy = f"Bind it: `{' '.join(('pcs', *words))}`."
    return _problem(judged.cib, resource, reason, (Related(owner.span, "what it is for"),), commands, remedy=remedy)


def _remedy(judged: _Judged, resource: Resource) -> str | None:
    """Return the remedy by the names that the CIB has, where the rule's own would mislead."""
    bound, target = _outermost(judged, resource), judged.target(resource)
    if bound is resource and target.name in _USUAL:
        return None
    group = f", the group that `{resource.name}` is in," if bound is not resource else ""
    return f"Bind `{bound.name}`{group} to `{target.name}`: `pcs constraint colocation add {bound.name} with {target.name} INFINITY`."


def _ordering_remedy(judged: _Judged, resource: Resource) -> str | None:
    first, target = _outermost(judged, resource), judged.target(resource)
    if first is resource and target.name in _USUAL:
        return None
    return f"Order them: `pcs constraint order start {first.name} then start {target.name} kind=Optional`."


def _outermost(judged: _Judged, resource: Resource) -> Resource:
    """Return what a constraint must name for the address: its group, unless the target is in it too."""
    return resource if judged.target(resource).top == resource.top else judged.cib.top(resource)


def _why_not_bound(judged: _Judged, resource: Resource) -> tuple[str, tuple[Related, ...]]:
    """Return what is wrong with the constraint that comes nearest, and where that constraint is."""
    cib, target = judged.cib, judged.target(resource)
    ours, theirs = set(around(cib, resource)), judged.theirs
    for tie in judged.touching(resource, COLOCATION):
        if len({*tie.theirs[:2], *(name for name in ours if name in tie.places)}) < 2:
            continue  # it is on the group that both are in
        constraint = tie.constraint
        place = constraint.score_span or constraint.span
        return f"colocation `{constraint.name}` {_defect(cib, constraint, ours, theirs)}", (Related(place, "this colocation"),)
    if resource.parent is not None and resource.parent == target.parent:
        group = cib.resources[resource.parent]
        value = group.meta.get("collocated")
        if value is not None and boolean(value.value) is False:
            return f"group `{group.name}` binds no member to another (`collocated` is `{value.value}`); it must", (
                Related(value.span, "set here"),
            )
        if judged.place(group, resource.name) < judged.place(group, target.name):
            return f"it comes before `{target.name}` in group `{group.name}`; it must come after it", (Related(group.span, "this group"),)
    return f"no mandatory colocation with `{target.name}`; there must be one with score `INFINITY`", ()


def _binding(judged: _Judged, resource: Resource) -> tuple[Command, ...]:
    """Return what binds the resource, or the group around it, to its target; none in the target's own group, whose order binds."""
    target = judged.target(resource)
    if target.top == resource.top:
        return ()
    bound = _outermost(judged, resource)
    own = [tie.constraint for tie in judged.touching(resource, COLOCATION)]
    wrong = {constraint.span: constraint for constraint in (*own, *(judged.against(bound) if bound is not resource else ()))}
    gone = [wrong[span] for span in sorted(wrong)]
    found = bind_to(bound, target, gone)
    return (*judged.placing.instead(gone, (target.top,)), *found) if found else ()


def _binds(cib: Cib, constraint: Constraint, ours: Collection[str], theirs: Collection[str]) -> bool:
    pairs = constraint.pairs[:_LOOKED_AT]
    return constraint.active and any(pair.first in ours and pair.second in theirs and mandatory(pair, cib) for pair in pairs)


def _defect(cib: Cib, constraint: Constraint, ours: set[str], theirs: set[str]) -> str:
    if not constraint.active:
        return "is not in force, by its lifetime; it must hold at all times"
    pairs = constraint.pairs[:_LOOKED_AT]
    for pair in pairs:
        if pair.first in ours and pair.second in theirs:
            return _pair_defect(cib, constraint, pair)
    for pair in pairs:
        if pair.first in theirs and pair.second in ours:
            return f"binds `{pair.first}` to `{pair.second}`; it must be the other way round"
    hidden = next((member.name for member in constraint.members[:_LOOKED_AT] if member.hidden), None)
    if hidden is not None:
        inner = cib.resources.get(hidden)
        where = f", which lies in `{inner.top}`" if inner is not None else ""
        return f"names `{hidden}`{where}, and is ignored; it must name what is outermost"
    if not re.fullmatch(r"[+-]?(INFINITY|\d+)", constraint.score or "0"):
        return f"has score `{constraint.score}`, which is not a score: Pacemaker refuses the CIB; it must be `INFINITY`"
    if score(constraint.score) == 0:
        return f"has {'no score' if constraint.score is None else 'score `0`'}; it must be `INFINITY`"
    return "binds the two in no sequence; they must be two sets, or one that is sequential with the other first"


def _pair_defect(cib: Cib, constraint: Constraint, pair: Pair) -> str:
    if pair.score <= -INFINITY:
        return f"keeps it away from `{pair.second}` (score `{constraint.score}`); it must bind it there with `INFINITY`"
    if pair.score < INFINITY:
        return f"has score `{pair.score}`; it must be `INFINITY`"
    if not first_takes(pair, cib):
        return f"holds only in role `{pair.first_role}`, which `{pair.first}` never has; it must be for any role"
    if not second_takes(pair, cib):
        return f"holds only with role `{pair.second_role}`, which `{pair.second}` never has; it must be for any role"
    if not by_node(constraint, pair, cib):
        return f"is by node attribute `{constraint.node_attribute}`; it must be by node"
    return f"goes round in a circle, in which `{pair.first}` is not bound to `{pair.second}`; one direction must go"


def _find_orders(judged: _Judged, resource: Resource) -> tuple[bool, list[Constraint]]:
    """Return whether the resource is ordered with a target, and if not the orders of the two that are void."""
    cib, ours = judged.cib, around(judged.cib, resource)
    for name in ours:
        group = cib.resources[name]
        if name not in judged.theirs:
            continue
        value = group.meta.get("ordered")
        if group.form == GROUP and (value is None or boolean(value.value) is not False):
            return True, []
    void = []
    for tie in judged.touching(resource, ORDER):
        if tie.apart(ours):
            if _holds(tie.constraint) and tie.orders_starts:
                return True, []
            void.append(tie.constraint)
    return False, void


def _holds(order: Constraint) -> bool:
    return order.active and order.ordering != "Serialize"


def _orders_starts(order: Constraint) -> bool:
    """Return whether an order has one start wait for another: of stops alone it does so as its inverse, if it has one."""
    action = next((member.action for member in order.members if member.position == "first"), None)
    actions = [member.action or (member.position == "then" and action) or "start" for member in order.members]
    starts = sum(each in _STARTS for each in actions)
    return starts > 1 or (order.symmetrical and len(actions) - starts > 1)


def _problem(
    cib: Cib,
    resource: Resource,
    reason: str,
    related: tuple[Related, ...],
    commands: tuple[Command, ...],
    severity: str | None = None,
    remedy: str | None = None,
) -> Problem:
    return Problem(
        span=resource.span,
        message=f"virtual IP `{resource.name}`: {reason}",
        subject=f"resource {resource.name}",
        related=related,
        severity=severity,
        host=cib.cluster.host,
        commands=commands,
        remedy=remedy,
    )


def _run(facts: Facts, params: BoundParams) -> Iterator[Saw]:
    shown: dict[str, list[ResourceStatus]] = {}
    for one in facts.of(ResourceStatus):
        shown.setdefault(one.span.path, []).append(one)
    for status in facts.of(ClusterStatus):
        yield from _judge_status(facts, params, status, shown.get(status.span.path, []))


def _judge_status(facts: Facts, params: BoundParams, status: ClusterStatus, shown: list[ResourceStatus]) -> Iterator[Saw]:
    known = cibs(facts)
    if not (any(cib.only_controllers for cib in known) if known else _controllers(shown)):
        yield Unknown("there is no OpenStack service in this cluster", status.span)
        return
    title = next((service.title for service in facts.services if service.name == params.to), params.to)
    targets = [one for one in shown if _is(one, params.to, known)]
    if not targets:
        yield Unknown(f"`{status.name}` shows no {title}", status.span)
        return
    if not any(_is(one, params.each, known) for one in shown):
        each = next((service.title for service in facts.services if service.name == params.each), params.each)
        yield Unknown(f"`{status.name}` shows no {each}", status.span)
        return
    runs = {node.value for one in targets if one.runs for node in one.nodes}
    elsewhere = {name for cib in known for name in find_excused(cib, Colocations(cib), params)}
    moving = any(not other.settled for other in targets)
    there: dict[str, ResourceStatus] = {}
    for other in targets:
        for place in other.nodes:
            there.setdefault(place.value, other)
    following = _Following(params, known, shown)
    for one in shown:
        if not _is(one, params.each, known) or elsewhere & {one.name, one.top}:
            continue
        if not one.nodes:
            yield Unknown(f"`{status.name}` shows `{one.name}` as stopped", one.span)
            continue
        if one.unclean:
            yield Unknown(f"`{status.name}` shows `{one.name}` on a node that is lost (unclean)", one.span)
            continue
        if not one.settled or moving:
            yield Unknown(f"`{status.name}` shows `{one.name}` or {title} on the move", one.span)
            continue
        away = [node.value for node in one.nodes if node.value not in runs]
        if away and following.may(one):
            yield Unknown(f"`{one.name}` may follow another service, and no CIB shows that it does not", one.span)
            continue
        if one.failed and not away:
            yield Unknown(f"`{status.name}` shows `{one.name}` as failed", one.span)
        for node in away:
            yield _status_problem(one, node, title, there.get(node))


def _controllers(shown: list[ResourceStatus]) -> bool:
    """Return whether these are the resources of OpenStack controllers, by the services that are known of them."""
    services = {one.service.name: one.service for one in shown if one.service is not None}
    return any(service.openstack for service in services.values()) or all(name in services for name in TELLING)


class _Following:
    """What tells of each shown resource whether it may be bound to another service by a constraint that is not known."""

    def __init__(self, params: BoundParams, known: list[Cib], shown: list[ResourceStatus]) -> None:
        self._all_told = bool(known) and not any(CONSTRAINTS in cib.cluster.untold for cib in known)
        ours, others = (params.each, params.to), (*params.or_to, *params.or_to_promoted)
        self._of_others = [one for one in shown if one.service is not None and one.service.name in others][:2]
        self._strange: dict[str, list[ResourceStatus]] = {}  # by what they lie in, the first two of no such service
        for one in shown:
            if one.service is None or one.service.name not in ours:
                found = self._strange.setdefault(one.top, [])
                found += [one] if len(found) < 2 else []

    def may(self, one: ResourceStatus) -> bool:
        """Return whether `one` may be so bound, or is in a group of somebody else's."""
        if self._all_told:
            return False
        grouped = self._strange.get(one.top, ()) if one.top != one.name else ()
        return any(other is not one for other in (*grouped, *self._of_others))


def _is(one: ResourceStatus, service: str, known: list[Cib]) -> bool:
    """Return whether a resource runs a service: the CIB knows what lies in a clone of a group, of which a status shows the group only."""
    if one.service is not None:
        return one.service.name == service
    for cib in known:
        for name in (one.name, one.top):
            if name in cib.resources:
                return any((found := cib.service(leaf)) is not None and found.name == service for leaf in cib.inside(name))
    return False


def _status_problem(one: ResourceStatus, node: str, title: str, there: ResourceStatus | None) -> Problem:
    state = f"{title} has failed there" if there is not None else f"no {title} runs there"
    related = (Related(there.span, f"{title}, as the cluster shows it"),) if there is not None else ()
    message = f"virtual IP `{one.name}`: it is on `{node}`, and {state}; a virtual IP must be where {title} runs"
    return Problem(one.span, message, f"resource {one.name}", related, host=one.host)


CHECKS = (
    Check("constraint-outside-the-core", _run_outside, _EVIDENCE, Params, _READS),
    Check("constraint-dangling", _run_dangling, _EVIDENCE, NoParams, _READS),
    Check("vip-without-haproxy", _run_colocated, _EVIDENCE, BoundParams, Reads(("cib",))),
    Check("vip-not-ordered-with-haproxy", _run_ordered, _EVIDENCE, BoundParams, Reads(("cib",))),
    Check("vip-away-from-haproxy", _run, needs(ClusterStatus, "no status of the cluster was given"), BoundParams, Reads(of="audit")),
)
