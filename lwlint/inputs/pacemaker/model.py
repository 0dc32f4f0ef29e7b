"""One CIB as a model: its resources, what they are bound to, and where they may run, node by node, as far as it tells.

Location constraints: after lib/pacemaker/pcmk_sched_location.c of Pacemaker 2.1.5 and its scheduler on generated constraints. Of a CIB
whose status tells of a node all of its attributes are known. Elsewhere those that are not among the permanent ones may be set in the
status: what hangs on them is not known. Those that mark the nodes of a service (`haproxy-role`) are permanent, where a CIB has any.

After the same scheduler, looser colocations turn mandatory ones into circles. To place a resource the scheduler first places what the
resource is bound to or near to, and passes over what it is placing already. So of a circle it breaks off the binding by which it comes
back, and which one that is hangs on where it begins: from a cold start it goes by priority, then by the order of the CIB.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice, pairwise
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from lwlint.core.facts import CORE, INFRASTRUCTURE, Facts, Service
from lwlint.core.source import Text
from lwlint.inputs.pacemaker.facts import (
    BUNDLE,
    CLONE,
    COLOCATION,
    GROUP,
    INFINITY,
    LOCATION,
    NODE_ATTRIBUTES,
    ORDER,
    PRIMITIVE,
    PROMOTABLE,
    Cluster,
    ClusterProperty,
    Constraint,
    Expression,
    Member,
    Node,
    Pair,
    Resource,
    Rule,
    Tag,
    boolean,
    brought,
    score,
)

# All of these make a controller: each alone, and two of them, are found in other clusters too (a database of anybody behind HAProxy).
TELLING = ("rabbitmq", "galera", "haproxy")
TRIPLEO = "tripleo_cluster"
Step = tuple[str, bool]  # a resource's id, and whether it is needed as a whole (a group, with all of its members)
N = TypeVar("N", bound=Hashable)
_Names = Mapping[str, Sequence[str]]
_MOST = 100  # resources of one circle that are looked at for one binding; no cluster has so many


# by which TripleO marks the nodes of a service since ocata
MARKS = frozenset(
    f"{name}-role" for name in ("haproxy", "galera", "rabbitmq", "redis", "cinder-volume", "cinder-backup", "manila-share", "ovn-dbs")
)


class Cib(Struct):
    """One CIB: its cluster, and its resources by id."""

    cluster: Cluster
    resources: dict[str, Resource] = field(default_factory=dict)
    constraints: list[Constraint] = field(default_factory=list)
    properties: dict[str, ClusterProperty] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    _binding: dict[str, list[int]] = field(default_factory=dict)  # which constraints bind a resource, by its id
    _running: dict[str, list[Resource]] = field(default_factory=dict)  # the leaves that run a service, by its name
    _inside: dict[str, list[Resource]] = field(default_factory=dict)  # the leaves in a resource, by its id
    _given: dict[tuple[tuple[str, ...], str], set[str]] = field(default_factory=dict)  # the values of a parameter of some agents

    def leaves(self) -> Iterator[Resource]:
        """Yield what runs something: primitives, and bundles that hold none."""
        for resource in self.resources.values():
            if resource.form == PRIMITIVE or (resource.form == BUNDLE and not resource.children):
                yield resource

    def top(self, resource: Resource) -> Resource:
        """Return the outermost resource around `resource`, or itself."""
        return self.resources[resource.top]

    def service(self, leaf: Resource) -> Service | None:
        """Return the service of a primitive, or else of the bundle or clone around it."""
        return leaf.service or self.top(leaf).service

    def running(self, service: str) -> list[Resource]:
        """Return the leaves that run the service with this name of the catalogue."""
        if not self._running:
            for leaf in self.leaves():
                found = self.service(leaf)
                self._running.setdefault(found.name if found is not None else "", []).append(leaf)
        return self._running.get(service, []) if service else []

    def list_given(self, agents: tuple[str, ...], parameter: str) -> set[str]:
        """Return the values that leaves of these agents have for a parameter."""
        if (agents, parameter) not in self._given:
            values = (leaf.attributes.get(parameter) for leaf in self.leaves() if leaf.agent in agents)
            self._given[agents, parameter] = {value.value for value in values if value is not None}
        return self._given[agents, parameter]

    def binding(self, names: Iterable[str]) -> list[Constraint]:
        """Return the constraints that bind a resource with one of these ids, in their order."""
        if not self._binding:
            for i, constraint in enumerate(self.constraints):
                for name in {member.name for member in constraint.members}:
                    self._binding.setdefault(name, []).append(i)
        return [self.constraints[i] for i in sorted({i for name in names for i in self._binding.get(name, ())})]

    def inside(self, name: str) -> list[Resource]:
        """Return the leaves in the resource with the id `name`: itself if it is one."""
        if name not in self._inside:
            resource = self.resources[name]
            if resource.form == PRIMITIVE or not resource.children:
                self._inside[name] = [resource] if resource.form != GROUP else []
            else:
                self._inside[name] = [leaf for child in resource.children for leaf in self.inside(child)]
        return self._inside[name]

    @property
    def services(self) -> dict[str, Service]:
        """The services that it runs, by name."""
        return {service.name: service for leaf in self.leaves() if (service := self.service(leaf)) is not None}

    @property
    def marked(self) -> bool:
        """Whether it says itself that it is one of controllers: by the name that TripleO gives it, or by marks on nodes."""
        return self.cluster.name == TRIPLEO or any(_is_mark(name, value) for node in self.nodes for name, value in node.attributes.items())

    @property
    def openstack(self) -> bool:
        """Whether this is the cluster of OpenStack controllers, and not one for something else."""
        services = self.services
        return self.marked or any(service.openstack for service in services.values()) or all(name in services for name in TELLING)

    @property
    def only_controllers(self) -> bool:
        """Whether this is a cluster of controllers, or runs nothing that a controller would not."""
        return self.stranger is None

    @property
    def stranger(self) -> Resource | None:
        """The first resource that makes this somebody else's cluster: not known, or of a service that anybody has, such as a web server."""
        return None if self.openstack else next((leaf for leaf in self.leaves() if _is_strange(self.service(leaf))), None)


def _is_strange(service: Service | None) -> bool:
    return service is None or (service.is_active_active and not service.openstack)


def _is_mark(name: str, value: Text) -> bool:
    return name in MARKS and boolean(value.value) is True


def cibs(facts: Facts) -> list[Cib]:
    """Return every CIB among the facts."""
    return list(facts.derived(_cibs))


def _cibs(facts: Facts) -> list[Cib]:
    found = {cluster.span.path: Cib(cluster) for cluster in facts.of(Cluster)}
    for resource in facts.of(Resource):
        found[resource.span.path].resources.setdefault(resource.name, resource)
    for constraint in facts.of(Constraint):
        found[constraint.span.path].constraints.append(constraint)
    for prop in facts.of(ClusterProperty):
        found[prop.span.path].properties[prop.name] = prop
    for node in facts.of(Node):
        found[node.span.path].nodes.append(node)
    for tag in facts.of(Tag):
        found[tag.span.path].tags.append(tag)
    return list(found.values())


PROMOTED = ("master", "promoted")
_STARTED = (None, "started")
_MANY = (CLONE, PROMOTABLE, BUNDLE)


def role(written: str | None) -> str | None:
    """Return a role in lower case, None for one that every running resource has."""
    word = written.lower() if written is not None else None
    return None if word in _STARTED else word


def _walk(starts: Iterable[Step], after: Callable[[Step], Iterable[Step]]) -> Iterator[Step]:
    """Yield each step that is reached from the `starts`, these too, once."""
    todo = list(starts)
    seen: set[Step] = set()
    while todo:
        step = todo.pop()
        if step not in seen:
            seen.add(step)
            yield step
            todo += after(step)


class Colocations:
    """The mandatory colocations of one CIB."""

    def __init__(self, cib: Cib) -> None:
        self._cib = cib
        self._edges: dict[str, list[tuple[str, str | None]]] = {}
        self._loose: dict[str, list[str]] = {}  # what each is near to or away from, if it can be
        self._before: dict[str, str] = {}
        for constraint in cib.constraints:
            if constraint.type == COLOCATION and constraint.active:
                for pair in constraint.pairs:
                    if mandatory(pair, cib) and by_node(constraint, pair, cib):
                        self._edges.setdefault(pair.first, []).append((pair.second, role(pair.second_role)))
                    elif pair.score:
                        self._loose.setdefault(pair.first, []).append(pair.second)
        for group in cib.resources.values():
            if group.form == GROUP and is_collocated(group):
                self._before.update(zip(group.children[1:], group.children))

    def find_needed(self, start: str) -> Iterator[str]:
        """Yield each resource without which `start` runs nowhere; itself too, if bindings go round in a circle."""
        yield from (name for name, whole in _walk([(start, False)], self._after) if whole)

    def reaching(self, ends: Collection[str]) -> set[str]:
        """Return each resource without one of `ends` that runs nowhere: what `find_needed` tells of each, asked once for all."""
        return {name for name, whole in _walk([(end, True) for end in ends], lambda step: self._backwards.get(step, ())) if not whole}

    def find_held(self, start: str) -> Iterator[str]:
        """Yield each resource that `start` never runs without, even where looser bindings turn mandatory ones into circles."""
        yield from (name for name, whole in _walk([(start, False)], lambda step: self._holding.get(step, ())) if whole)

    def holding(self, ends: Collection[str]) -> set[str]:
        """Return each resource that never runs without one of `ends`: what `find_held` tells of each, asked once for all."""
        backwards: dict[Step, list[Step]] = {}
        for step, after in self._holding.items():
            for each in after:
                backwards.setdefault(each, []).append(step)
        return {name for name, whole in _walk([(end, True) for end in ends], lambda step: backwards.get(step, ())) if not whole}

    def list_held(self) -> Mapping[Step, Sequence[Step]]:
        """Return for each step those without which it never runs, as `find_held` has it."""
        return self._holding

    @cached_property
    def _backwards(self) -> dict[Step, list[Step]]:
        found: dict[Step, list[Step]] = {}
        for step in self._steps:
            for after in self._after(step):
                found.setdefault(after, []).append(step)
        return found

    @property
    def _steps(self) -> Iterator[Step]:
        return ((name, whole) for name in self._cib.resources for whole in (False, True))

    @cached_property
    def _holding(self) -> dict[Step, list[Step]]:
        """What each step needs, without the bindings that the scheduler breaks off in circles of looser ones."""
        if not self._loose:
            return {step: self._after(step) for step in self._steps}
        bindings = {first: [second for second, _ in edges] for first, edges in self._edges.items()}
        circles = Circles(self._cib.resources, bindings, self._loose, self._before, {step: self._after(step) for step in self._steps})
        return {step: [each for each in self._after(step) if not circles.part(step[0], each)] for step in self._steps}

    def find_bound(self, targets: set[str]) -> set[str]:
        """Return what runs only where one of `targets` runs. In a circle the scheduler keeps to direct bindings only."""
        circle = {name for name, whole in _walk([(target, False) for target in targets], self._after) if whole}
        direct = {name for name in circle if any(step[1] and step[0] in targets for step, _ in self._next((name, False)))}
        return self.leading_to(targets) - (circle - direct)

    def leading_to(self, targets: set[str], roles: tuple[str, ...] = ()) -> set[str]:
        """Return what runs only where one of `targets` runs, in one of `roles` if there are any."""
        backwards: dict[Step, list[Step]] = {}
        todo: list[Step] = []
        for name in self._cib.resources:
            for step in ((name, False), (name, True)):
                for after, wanted in self._next(step):
                    backwards.setdefault(after, []).append(step)
                    if after[1] and after[0] in targets and (not roles or wanted in roles):
                        todo.append(step)
        return {name for name, whole in _walk(todo, lambda step: backwards.get(step, ())) if not whole}

    def _after(self, step: Step) -> list[Step]:
        return [after for after, _ in self._next(step)]

    def _next(self, step: Step) -> list[tuple[Step, str | None]]:
        """What a resource needs: its own colocations, its group's, the member before it; a whole group its last member."""
        name, whole = step
        resource = self._cib.resources[name]
        found: list[tuple[Step, str | None]] = [((other, True), wanted) for other, wanted in self._edges.get(name, ())]
        if resource.parent is not None:
            found.append(((resource.parent, False), None))
        if name in self._before:
            found.append(((self._before[name], True), None))
        if whole and resource.form == GROUP and resource.children:
            found.append(((resource.children[-1], True), None))
        return found


def find_awaited(cib: Cib, starts: Iterable[str]) -> set[str]:
    """Return the resources without which one of those that `starts` names runs nowhere, or is not started; these too.

    It goes by mandatory colocations and groups, and by mandatory orders of two starts: of a set that does not `require-all` it says
    nothing. Each block of an order, one member or a whole parallel set, waits for the one in front of it, and so for all of them.
    """
    needed: dict[Step, list[Step]] = {}
    held = Colocations(cib).list_held()
    for constraint in cib.constraints:
        if constraint.type == ORDER and constraint.active and constraint.ordering == "Mandatory":
            _add_order(needed, constraint, cib)
    for group in cib.resources.values():
        if group.form == GROUP and _is_ordered(group):
            for late, early in zip(group.children[1:], group.children):
                needed.setdefault((late, False), []).append((early, True))

    def before(step: Step) -> list[Step]:
        resource = cib.resources.get(step[0])
        if resource is None:
            return needed.get(step, [])
        return [each for name in around(cib, resource) for each in needed.get((name, False), ())]

    def after(step: Step) -> list[Step]:
        name, whole = step
        resource = cib.resources[name]
        if not whole:
            return [*held.get(step, ())]
        if resource.form == GROUP and not is_collocated(resource):
            return [(name, False)]  # it has a place whichever of its members run
        first = _find_first(cib, resource) if resource.form in _MANY else ()
        return [*held.get(step, ()), (name, False), *((child, False) for child in first)]

    # what waits by an order has its place all the same, and what is bound to it is started there
    started = [step for step in _walk([(name, True) for name in starts], before) if step[0] in cib.resources]
    return {name for name, _ in _walk(started, after)}


def _find_first(cib: Cib, top: Resource) -> Iterator[str]:
    """Yield what is in a clone or bundle, of a group the first member: without it no copy runs."""
    for child in top.children[:1]:
        inner = cib.resources[child]
        yield from inner.children[:1] if inner.form == GROUP and (is_collocated(inner) or _is_ordered(inner)) else (child,)


def _is_ordered(group: Resource) -> bool:
    value = group.meta.get("ordered")
    return value is None or boolean(value.value) is not False


def _add_order(needed: dict[Step, list[Step]], order: Constraint, cib: Cib) -> None:
    """Note what an order makes wait, each block of members behind a step of its own."""
    ends = [member for member in order.members if member.set >= 0] or sorted(order.members, key=lambda each: each.position)
    blocks: list[list[Member]] = []
    for member in ends:
        last = blocks[-1][-1] if blocks else None
        if last is not None and member.set >= 0 and last.set == member.set and not member.sequential:
            blocks[-1].append(member)
        else:
            blocks.append([member])
    for number, (early, late) in enumerate(pairwise(blocks)):
        before = early[0].action or "start"
        after = late[0].action or before
        names = [name for member in early for name in member.resources]
        if before not in _STARTS or after not in _STARTS or (len(names) > 1 and not all(member.require_all for member in early)):
            continue
        between = (f"{order.name}/{number}", True)  # no id has a slash
        names = [name for name in names if before == "start" or cib.resources[name].promotable]
        needed[between] = [(each, True) for name in names for each in (name, *(leaf.name for leaf in cib.inside(name)))]
        for name in (name for member in late for name in member.resources):
            if after == "start" or cib.resources[name].promotable:
                needed.setdefault((name, False), []).append(between)


_STARTS = ("start", "promote")


def by_node(constraint: Constraint, pair: Pair, cib: Cib) -> bool:
    """Whether `pair` is bound node by node; with a resource of many copies the scheduler does not look at `node-attribute`."""
    return constraint.node_attribute in (None, "#uname") or cib.resources[pair.second].form in _MANY


def mandatory(pair: Pair, cib: Cib) -> bool:
    """Whether the scheduler holds `pair` to be mandatory; a role that one of the two never has can make it void."""
    return pair.score >= INFINITY and first_takes(pair, cib) and second_takes(pair, cib)


def first_takes(pair: Pair, cib: Cib) -> bool:
    """Whether the role in which the first is bound leaves the binding in force: beside one copy of the other only if it is none."""
    wanted = role(pair.first_role)
    return wanted is None or (cib.resources[pair.second].form in _MANY and wanted not in PROMOTED)


def second_takes(pair: Pair, cib: Cib) -> bool:
    """Whether the role of the second leaves the binding in force; the role of a plain clone is not looked at."""
    first, second = cib.resources[pair.first], cib.resources[pair.second]
    if role(pair.second_role) is None:
        return True
    if second.container is not None and not second.container.promoted_max and role(pair.second_role) in PROMOTED:
        return False  # what is in it is never promoted: the first runs nowhere
    return second.form in _MANY and not (first.form in _MANY and second.form == BUNDLE)


def is_collocated(group: Resource) -> bool:
    """Return whether a group keeps its members together, so that none runs without those in front of it."""
    value = group.meta.get("collocated")
    return value is None or boolean(value.value) is not False


_MARKS = "-role"
_UNPROMOTED = ("slave", "unpromoted")


class Places(Struct):
    """Where the outermost resources of a CIB may not run: `barred` by which constraint, by resource and node; and what is not known.

    `left_out` are the nodes that an opt-in cluster (`symmetric-cluster=false`) has no location constraint for; `doubtful` are resources
    that some rule allows on nodes by an attribute that may be set in the status. `in_a_role` are those that are kept from every node, but
    from some only in a role. `perhaps` are the nodes from which a rule keeps a resource or does not, by what is not known.
    """

    nodes: list[Node]
    barred: dict[str, dict[str, Constraint]] = field(default_factory=dict)
    left_out: dict[str, set[str]] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    in_a_role: set[str] = field(default_factory=set)
    perhaps: dict[str, set[str]] = field(default_factory=dict)


def running_nodes(cib: Cib) -> list[Node]:
    """Return the nodes that run resources: members, and remote and guest nodes, which resources bring in, listed or not."""
    listed = {node.name: node for node in cib.nodes}
    others = {node.name: node for node in brought(cib.resources.values())}
    found = [node for node in cib.nodes if node.type == "member" and node.name not in others]
    for name, node in others.items():  # old texts of pcs list them among the members
        found.append(replace(listed.get(name) or node, type=node.type))
    return found


def find_barred(cib: Cib) -> dict[str, dict[str, Constraint]]:
    """Return the outermost resources that constraints keep from nodes, and for each of these nodes which constraint does."""
    return places(cib).barred


def places(cib: Cib) -> Places:
    """Return where the outermost resources may not run, as far as the CIB tells."""
    found = Places(running_nodes(cib))
    nodes = found.nodes
    told = NODE_ATTRIBUTES not in cib.cluster.untold and any(name.endswith(_MARKS) for node in nodes for name in node.attributes)
    scored: dict[tuple[str, str], list[tuple[int | None, Constraint]]] = {}
    only: dict[str, Constraint] = {}
    allowed: dict[str, set[str]] = {}
    certain: dict[str, set[str]] = {}
    in_a_role: dict[str, set[str]] = {}
    for constraint in cib.constraints:
        if constraint.type != LOCATION or not constraint.active:
            continue
        for top, node in _find_kept_in_a_role(cib, constraint, nodes, told):
            in_a_role.setdefault(top, set()).add(node)
        by_score: dict[str | None, set[str]] = {}
        for member in constraint.members:
            if not _in_a_role(member.role):
                by_score.setdefault(constraint.score_of(member), set()).update(member.resources)
        for written, names in by_score.items():
            here = [(node.name, number) for node in nodes for number in _scores(constraint, written, node, told)]
            open_ = {node for node, number in here if number is None} if _may_keep_away(constraint) else set()
            for top in {cib.resources[name].top for name in names}:
                found.perhaps.setdefault(top, set()).update(open_)
                for node, number in here:
                    scored.setdefault((top, node), []).append((number, constraint))
                if constraint.resource_discovery == "exclusive":
                    allowed.setdefault(top, set()).update(node for node, _ in here)
                    certain.setdefault(top, set()).update(node for node, number in here if number is not None)
                    if top in names:  # of a group's member alone it means nothing
                        only.setdefault(top, constraint)
    for (top, node), scores in scored.items():
        keeps = _keeps_away(scores)
        if keeps is not None:
            found.barred.setdefault(top, {})[node] = keeps
    for top, constraint in only.items():
        bars = found.barred.setdefault(top, {})
        bars.update((each.name, constraint) for each in nodes if each.name not in allowed[top] and each.name not in bars)
        if allowed[top] and not certain[top]:
            found.doubtful.add(top)
    everywhere = {node.name for node in nodes}
    found.in_a_role = {top for top, kept in in_a_role.items() if kept and everywhere <= kept | found.barred.get(top, {}).keys()}
    symmetric = cib.properties.get("symmetric-cluster")
    if symmetric is not None and boolean(symmetric.value) is False:
        for top in {resource.top for resource in cib.resources.values()}:
            found.left_out[top] = {node.name for node in nodes if (top, node.name) not in scored}
    return found


def _find_kept_in_a_role(cib: Cib, constraint: Constraint, nodes: Sequence[Node], told: bool) -> Iterator[tuple[str, str]]:
    """Yield the outermost resources that a constraint keeps from a node in one role only, each with the node."""
    for member in constraint.members:
        wanted = [rule for rule in constraint.rules if _in_a_role(rule.role) or _in_a_role(member.role)]
        for node in nodes:
            by_rule = (_score_of(rule, node, told) for rule in wanted if _holds(rule, node, told))
            by_name = _scores(constraint, constraint.score_of(member), node, told) if _in_a_role(member.role) else []
            if any(number is not None and number <= -INFINITY for number in (*by_rule, *by_name)):
                yield from ((cib.resources[name].top, node.name) for name in member.resources)


def only_remote(cib: Cib) -> set[str]:
    """Return the outermost resources that constraints keep from every member node, while there are remote nodes for them.

    So Instance HA before queens, and SUSE's, keeps the services of compute nodes there: they are no controller's. An attribute that no
    node has, or only other nodes have, is taken for permanent where any node has it: a rule by it tells the nodes apart.
    """
    told = {name for node in cib.nodes for name in node.attributes}
    nodes = running_nodes(cib)
    members = [node for node in nodes if node.type == "member"]
    if not members or len(members) == len(nodes):
        return set()
    wanted: dict[str, bool] = {}
    for constraint in cib.constraints:
        if constraint.type != LOCATION or not constraint.active or not constraint.rules:
            continue
        named = {name for rule in constraint.rules for name in _attributes(rule)}
        if not named or not named <= told:
            continue
        away = all(_is_away(constraint, node) for node in members)
        for member in constraint.members:
            for name in member.resources:
                top = cib.resources[name].top
                wanted[top] = wanted.get(top, False) or away
    found = {top for top, away in wanted.items() if away} | _find_barred_from(cib, {node.name for node in members}, nodes)
    if NODE_ATTRIBUTES in cib.cluster.untold:
        found |= _with_nova_compute(cib)
    bound = Colocations(cib).reaching([name for name, each in cib.resources.items() if each.top in found]) if found else set()
    return found | {leaf.top for leaf in cib.leaves() if leaf.name in bound}


_OF_COMPUTE_NODES = ("instance_ha_compute", "nova_compute")


def _with_nova_compute(cib: Cib) -> set[str]:
    """Return the outermost resources that a rule keeps where it keeps nova-compute and no service of the core, where nodes are not told."""
    kept: dict[tuple[str, str], set[str]] = {}
    for constraint in cib.constraints:
        if constraint.type == LOCATION and constraint.active:
            tops = {cib.resources[name].top for member in constraint.members for name in member.resources}
            for rule in constraint.rules:
                for each in rule.expressions:
                    if isinstance(each, Expression) and each.operation == ("ne" if score(rule.score) < 0 else "eq"):
                        kept.setdefault((each.attribute or "", each.value or ""), set()).update(tops)
    found = set()
    for tops in kept.values():
        services = [service for top in tops for leaf in cib.inside(top) if (service := cib.service(leaf)) is not None]
        if any(service.name in _OF_COMPUTE_NODES for service in services) and not any(service.kind == CORE for service in services):
            found |= tops
    return found


def _find_barred_from(cib: Cib, members: set[str], nodes: list[Node]) -> set[str]:
    """Return the outermost resources that constraints keep from all `members`, and not from all remote nodes."""
    known = places(cib)
    found = set()
    for top in {*known.barred, *known.left_out} - known.doubtful:
        never = {*known.barred.get(top, {}), *known.left_out.get(top, set())}
        if members <= never and any(node.name not in never for node in nodes):
            found.add(top)
    return found


def _attributes(rule: Rule) -> list[str]:
    found = []
    for each in rule.expressions:
        found += _attributes(each) if isinstance(each, Rule) else [each.attribute or ""]
    return found


def _is_away(constraint: Constraint, node: Node) -> bool:
    """Whether a constraint keeps its resources from a node, by attributes of which those that the node has not are not set."""
    scores = []
    for rule in constraint.rules:
        answer = _holds(rule, node, True, every=True)
        if answer is None:
            return False
        if answer:
            scores.append(score(rule.score))
    if any(number <= -INFINITY for number in scores):
        return True
    return constraint.resource_discovery == "exclusive" and not scores


def _keeps_away(scores: list[tuple[int | None, Constraint]]) -> Constraint | None:
    """Return the constraint that keeps a resource from a node: one of -INFINITY, or the worst where they add up to less than 0."""
    known = [(number, constraint) for number, constraint in scores if number is not None]
    worst = min(known, key=lambda each: each[0], default=None)
    if worst is None or (worst[0] > -INFINITY and (len(known) < len(scores) or sum(number for number, _ in known) >= 0)):
        return None
    return worst[1]


def _may_keep_away(constraint: Constraint) -> bool:
    """Return whether it hangs on a rule of a constraint if a resource may run on a node."""
    return constraint.resource_discovery == "exclusive" or any(rule.score is None or score(rule.score) < 0 for rule in constraint.rules)


def _in_a_role(written: str | None) -> bool:
    return role(written) in (*PROMOTED, *_UNPROMOTED)


def _scores(constraint: Constraint, written: str | None, node: Node, told: bool) -> list[int | None]:
    """Return the scores that a constraint gives a node; None for one that may be any, or may not apply.

    `written` is the score that it has for a resource on a node by name; rules have their own.
    """
    if constraint.node is not None:
        return [score(written)] if constraint.node.value.lower() == node.name.lower() else []
    found: list[int | None] = []
    for rule in constraint.rules:
        answer = _holds(rule, node, told)
        if answer is None or (answer and _in_a_role(rule.role)):
            found.append(None)
        elif answer:
            found.append(_score_of(rule, node, told))
    return found


def _score_of(rule: Rule, node: Node, told: bool) -> int | None:
    """Return the score of a rule on a node; of one by an attribute the node's, and -INFINITY where the node has none."""
    if rule.score is not None or rule.score_attribute is None:
        return score(rule.score) if rule.score is not None else None
    value = node.attribute(rule.score_attribute)
    if value is None:
        return -INFINITY if node.transient is not None or (told and rule.score_attribute.endswith(_MARKS)) else None
    return score(value.value)


def _holds(rule: Rule, node: Node, told: bool, every: bool = False) -> bool | None:
    answers = [
        _holds(each, node, told, every) if isinstance(each, Rule) else _expression_holds(each, node, told, every)
        for each in rule.expressions
    ]
    decisive = rule.boolean_op == "or"
    if decisive in answers:
        return decisive
    return None if None in answers else not decisive


_KINDS = {"member": "cluster", "remote": "remote", "guest": "container"}  # as rules have it in `#kind`


def _expression_holds(expression: Expression, node: Node, told: bool, every: bool = False) -> bool | None:
    if expression.type == "date_expression":
        return expression.holds
    name = expression.attribute or ""
    if expression.type != "expression" or (name.startswith("#") and name not in ("#uname", "#id", "#kind")):
        return None
    own = {"#uname": node.name, "#id": node.id, "#kind": _KINDS.get(node.type)}
    value = node.attribute(name)
    text = own.get(name) or (value.value if value is not None else None)
    if text is None and node.transient is None and not (told and (every or name.endswith(_MARKS))):
        return None
    if expression.operation in ("defined", "not_defined"):
        return (text is not None) is (expression.operation == "defined")
    if expression.operation not in ("eq", "ne"):
        return None
    equal = text is not None and text.lower() == (expression.value or "").lower()
    return equal is (expression.operation == "eq")


class Circles:
    """The circles of one CIB: `bindings` are mandatory, `loose` ones are not, `before` tells for each member of a group the one in front.

    `needed` is what each step needs by the bindings and the groups.
    """

    def __init__(
        self,
        resources: Mapping[str, Resource],
        bindings: _Names,
        loose: _Names,
        before: Mapping[str, str],
        needed: Mapping[Step, Sequence[Step]],
    ) -> None:
        self._resources, self._bindings, self._loose, self._before = resources, bindings, loose, before
        # a whole resource needs itself too, so that what leads to it leads to it however it is needed
        tight = {(name, whole): [*after, (name, False)] if whole else [*after] for (name, whole), after in needed.items()}
        self._tight = number_nodes(tight)
        self._all = number_nodes({step: [*after, *((name, True) for name in loose.get(step[0], ()))] for step, after in tight.items()})

    def part(self, name: str, needed: Step) -> bool:
        """Return whether the scheduler may break off that the resource `name` is where one is that it needs."""
        mine = (name, False)
        if self._all[mine] != self._all[needed] or self._tight[mine] == self._tight[needed]:
            return False
        if needed[0] == self._before.get(name):
            return name in self._overtaking
        return needed[0] in self._bindings.get(name, ()) and self._is_first(needed[0], name)

    @cached_property
    def _turns(self) -> dict[str, tuple[int, int]]:
        """When the scheduler comes to each resource: with the outermost one around it."""
        places = {name: number for number, name in enumerate(self._resources)}
        tops = ((name, self._resources[resource.top]) for name, resource in self._resources.items())
        return {name: (-_priority(top.meta.get("priority")), places[top.name]) for name, top in tops}

    @cached_property
    def _leading(self) -> dict[str, list[str]]:
        """What leads to each resource of its circle: what is bound to it or near to it, what lies in that, and the next of its group."""
        found: dict[str, list[str]] = {}
        for name, resource in self._resources.items():
            inner = (each for each in (resource.parent, self._before.get(name)) if each is not None)
            for other in (*self._bindings.get(name, ()), *self._loose.get(name, ()), *inner):
                if self._all[name, False] == self._all[other, False]:
                    found.setdefault(other, []).append(name)
        return found

    def _is_first(self, needed: str, name: str) -> bool:
        """Return whether the scheduler comes to what is needed before the resource: by something in front that leads there another way."""
        seen = {name}
        todo = [needed]
        while todo and len(seen) <= _MOST:
            each = todo.pop()
            if each not in seen:
                if self._turns[each] < self._turns[name]:
                    return True
                seen.add(each)
                todo += self._leading.get(each, ())
        return len(seen) > _MOST

    @cached_property
    def _overtaking(self) -> set[str]:
        """The members of groups that the scheduler may place before the one in front of them, and then without it.

        It does so where that one (or the group, if it is the first) is bound, or near, to something behind the group which leads to a
        later member by name. What stands before the group is placed before it, with all that it leads to.
        """
        found: set[str] = set()
        for group in self._resources.values():
            if group.form == GROUP and any(name in self._before for name in group.children[1:2]):
                found.update(group.children[at] for at in self._find_parted(group.name, group.children))
        return found

    def _find_parted(self, group: str, children: Sequence[str]) -> Iterable[int]:
        """Return the places of the members of a group that may come to stand apart from the one in front; all where too many lead there."""
        places = {group: 0, **{name: number for number, name in enumerate(children)}}  # what binds the group is of its first member
        behind: set[str] = set()
        found: set[int] = set()
        for last, name in reversed(list(enumerate(children))):
            todo = list(self._leading.get(name, ()))
            while todo and len(behind) <= _MOST:
                each = todo.pop()
                if places.get(each, last) < last:
                    found.add(places[each] + 1)
                elif each not in places and each not in behind and self._turns[each] > self._turns[group]:
                    behind.add(each)
                    todo += self._leading.get(each, ())
        return found if len(behind) <= _MOST else range(1, len(children))


def number_nodes(graph: Mapping[N, Collection[N]]) -> dict[N, int]:
    """Return a number for each node of a graph, the same for two that are reached from each other (after Tarjan, without recursion)."""
    order: dict[N, int] = {}
    low: dict[N, int] = {}
    found: dict[N, int] = {}
    open_: list[N] = []
    for start in graph:
        todo = [] if start in order else [(start, iter(graph[start]))]
        while todo:
            step, after = todo[-1]
            if step not in order:
                order[step] = low[step] = len(order)
                open_.append(step)
            new = next((each for each in after if each not in order or _lower(low, step, order[each], each in found)), None)
            if new is not None:
                todo.append((new, iter(graph.get(new, ()))))
                continue
            todo.pop()
            if todo:
                low[todo[-1][0]] = min(low[todo[-1][0]], low[step])
            while low[step] == order[step] and step not in found:
                found[open_.pop()] = order[step]
    return found


def _lower(low: dict[N, int], step: N, number: int, is_over: bool) -> bool:
    """Note that `step` leads to a step with this number, unless that one's circle is over; always False."""
    if not is_over:
        low[step] = min(low[step], number)
    return False


def _priority(value: Text | None) -> int:
    """Return the priority of a resource; the scheduler takes what is none for 0."""
    return score(value.value) if value is not None else 0


MOST_TARGETS = 50  # resources of one service that are asked one by one; no cluster has so many
_MOST_AROUND = 100  # resources in one another; Pacemaker knows three


def owners(cib: Cib, each: str, to: str) -> dict[str, str]:
    """Return the resources of service `each` (virtual IPs) that belong to another resource than those of `to` (HAProxy), and to which.

    An address that is bound to another address is of the same owner.
    """
    addresses = cib.running(each)
    if not addresses:
        return {}
    there = {_namespace(leaf) for leaf in cib.running(to)}
    asked = [_Asked(cib, leaf, bool(there) and _namespace(leaf) not in there) for leaf in addresses]
    tied = _Tied(cib, to)
    return _Owners(cib, (each, to), [one for one in asked if one.apart or not tied.holds(one)]).find()


def around(cib: Cib, resource: Resource) -> list[str]:
    """Return the ids of the resource and of all around it, from the inside out."""
    found = [resource.name]
    while resource.parent is not None:
        resource = cib.resources[resource.parent]
        found.append(resource.name)
    return found


class _Asked:
    """One address. `apart` tells that no HAProxy is in its network namespace (`ns`, an attribute of Fuel's agents)."""

    def __init__(self, cib: Cib, leaf: Resource, apart: bool) -> None:
        self.name, self.apart = leaf.name, apart
        self.around = around(cib, leaf)
        parent = cib.resources.get(leaf.parent or "")
        self.group = parent.name if parent is not None and parent.form == GROUP else ""


class _Tied:
    """What is tied to a resource of one service: in a group with it, by a colocation of any strength, or by an order."""

    def __init__(self, cib: Cib, to: str) -> None:
        self._cib = cib
        self._running: set[str] = set()  # the resources that have one inside
        for leaf in cib.running(to):
            for name in around(cib, leaf):
                if name != leaf.name and cib.resources[name].form == PRIMITIVE:
                    break
                self._running.add(name)
        self._named: dict[tuple[str, str], set[str]] = {}  # by type and resource: those of them that constraints name with it
        self._groups: dict[str, list[str]] = {}
        for constraint in cib.constraints:
            if constraint.type in (COLOCATION, ORDER):
                names = {name for member in constraint.members for name in member.resources}
                running = names & self._running
                for name in names if running else ():
                    known = self._named.setdefault((constraint.type, name), set())
                    known.update(islice(running, max(0, _MOST_AROUND - len(known))))

    def holds(self, one: _Asked) -> bool:
        """Return whether an address is tied; an order counts only where it names the address itself."""
        named = [self._named.get((COLOCATION, name), ()) for name in one.around]
        if any(other not in one.around for others in (*named, self._named.get((ORDER, one.name), ())) for other in others):
            return True
        if one.group not in self._groups:
            members = self._cib.resources[one.group].children if one.group else ()
            self._groups[one.group] = list(islice((name for name in members if name in self._running), 2))
        return any(other != one.name for other in self._groups[one.group])


class _Members(Struct):
    """Resources in their order: the first that has an owner, with its place, and the places of all."""

    first: tuple[int, str] | None = None
    places: dict[str, int] = field(default_factory=dict)


class _Owners:
    """Passes owners on from address to address.

    As if in rounds: in each, those that have none are asked in their order, and go by what is known then.
    """

    def __init__(self, cib: Cib, services: Sequence[str], asked: Sequence[_Asked]) -> None:
        self._cib, self._services, self._asked = cib, services, asked
        self._owned: dict[str, str] = {}
        self._beside: dict[str, _Members] = {}  # by group
        self._inside: dict[str, _Members] = {}  # by what is bound to something
        self._bound: dict[str, dict[str, int]] = {}  # to what each resource is bound, and by which pair, counted
        self._known: dict[str, list[tuple[int, str]]] = {}  # of these, by pair, those that have an owner inside
        self._waiting: dict[str, list[int]] = {}  # the addresses in each resource
        self._grouped: dict[str, list[int]] = {}

    def find(self) -> dict[str, str]:
        """Return the owner of each address that has one."""
        self._bind()
        for number, one in enumerate(self._asked):
            for name in one.around:
                self._waiting.setdefault(name, []).append(number)
            if one.group:
                self._grouped.setdefault(one.group, []).append(number)
                if one.group not in self._beside:
                    self._beside[one.group] = self._members([self._cib.resources[n] for n in self._cib.resources[one.group].children])
        todo = [(0, number) for number in range(len(self._asked))]
        while todo:
            turn, number = heapq.heappop(todo)
            one = self._asked[number]
            owner = self._owner(one) if one.name not in self._owned else None
            if owner is not None:
                self._owned[one.name] = owner
                for other in self._find_owned(one, owner):
                    heapq.heappush(todo, (turn if other > number else turn + 1, other))
        return self._owned

    def _bind(self) -> None:
        """Note the pairs that bind two resources; OVN's promoted copy follows its address, so that either end is bound to the other."""
        number = 0
        for constraint in self._cib.constraints:
            for pair in constraint.pairs if constraint.type == COLOCATION and constraint.active else ():
                if pair.score >= INFINITY and pair.first != pair.second:
                    for name, other in ((pair.first, pair.second), (pair.second, pair.first)):
                        self._bound.setdefault(name, {}).setdefault(other, number)
                    number += 1
        for name, bound in self._bound.items():
            self._inside[name] = self._members(self._cib.inside(name))
            if self._inside[name].first is not None:
                for other, number in bound.items():
                    self._known.setdefault(other, []).append((number, name))
        for known in self._known.values():
            known.sort()

    def _members(self, resources: Sequence[Resource]) -> _Members:
        strange = next(((i, each.top) for i, each in enumerate(resources) if self._is_owner(each)), None)
        return _Members(strange, {each.name: i for i, each in enumerate(resources)})

    def _is_owner(self, resource: Resource) -> bool:
        service = self._cib.service(resource)
        return service is None or not (service.name in self._services or _is_behind_or_beside(service))

    def _owner(self, one: _Asked) -> str | None:
        """Return what an address belongs to, as far as it is known: what is in its group goes before what it is bound to."""
        if one.apart:
            return "ns"
        beside = self._beside.get(one.group)
        if beside is not None and beside.first is not None:
            return beside.first[1]
        known = (next((each for each in self._known.get(name, ()) if each[1] not in one.around), None) for name in one.around)
        _, name = min((each for each in known if each is not None), default=(0, ""))
        first = self._inside[name].first if name else None
        return first[1] if first is not None else None

    def _find_owned(self, one: _Asked, owner: str) -> list[int]:
        """Return the addresses that may have an owner now that this one has."""
        found: list[int] = []
        if one.group and self._is_first(self._beside[one.group], one.name, owner):
            found += self._grouped.pop(one.group)
        for name in one.around:
            if name in self._inside and self._is_first(self._inside[name], one.name, owner):
                for other, number in self._bound[name].items():
                    insort(self._known.setdefault(other, []), (number, name))
                    waiting = self._waiting.get(other, ())
                    found += [each for each in waiting if name not in self._asked[each].around]
                    self._waiting[other] = [each for each in waiting if name in self._asked[each].around]
        return found

    def _is_first(self, members: _Members, name: str, owner: str) -> bool:
        """Note an owner among the members; return whether there was none before."""
        place = members.places.get(name)
        if place is None:
            return False
        was, members.first = members.first, min(members.first or (place, owner), (place, owner))
        return was is None


def _namespace(leaf: Resource) -> str:
    value = leaf.attributes.get("ns")
    return value.value if value is not None else ""


def _is_behind_or_beside(service: Service) -> bool:
    """Whether a service owns no address: it stands behind HAProxy (OpenStack's APIs), or is of the cluster itself."""
    return service.kind == INFRASTRUCTURE or (service.openstack and service.is_active_active)


class Anchors:
    """What keeps addresses where others run: a resource that runs once in the cluster, and where each of the two runs if it does."""

    def __init__(self, cib: Cib, graph: Colocations) -> None:
        self._cib, self._graph = cib, graph
        self._held: dict[str, set[str]] = {}

    def never_apart(self, address: str, others: Sequence[Resource]) -> bool:
        """Return whether the address is never up away from one of `others` (HAProxy) that runs.

        So it is where they all run only where it runs, or where they and it run only where a third one does that runs once. Of more
        than `MOST_TARGETS` others it is not asked, and the answer is no.
        """
        return 0 < len(others) <= MOST_TARGETS and all(address in self._with(other.name) for other in others)

    def _with(self, name: str) -> set[str]:
        """Return what is held by one of the anchors of the resource, these too."""
        if name not in self._held:
            if len(self._held) >= MOST_TARGETS:
                return set()
            once = {each for each in (name, *self._graph.find_held(name)) if self._cib.top(self._cib.resources[each]).instances == 1}
            self._held[name] = once | self._graph.holding(once)
        return self._held[name]
