"""The hosts of a cluster against its CIBs: copies that are not the same, and services that run more often than they may."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lwlint.checks.check import Check, NoParams, Saw
from lwlint.facts import Facts
from lwlint.facts.cib import Cib, cibs
from lwlint.facts.containers import HostContainer
from lwlint.facts.hosts import hosts, named, only_one, same_host
from lwlint.facts.pacemaker import BUNDLE, PRIMITIVE, Resource
from lwlint.facts.service import ACTIVE_ACTIVE
from lwlint.facts.status import ClusterStatus, ResourceStatus
from lwlint.facts.systemctl import ShownUnit
from lwlint.finding import Problem, Related


def _run_cibs(facts: Facts, _: NoParams) -> Iterator[Saw]:
    found = [cib for cib in cibs(facts) if cib.cluster.host and cib.cluster.epoch is not None and not cib.cluster.weaker]
    newest = max(found, key=_epoch, default=None)
    for cib in found:
        if newest is None or cib is newest:
            continue
        there = [other.cluster.host for other in found if _epoch(other) == _epoch(newest)]
        related = (Related(newest.cluster.span, f"epoch {_words(newest)}"),)
        if _epoch(cib) != _epoch(newest):
            message = f"CIB: its epoch is `{_words(cib)}`, and `{_words(newest)}` on {named(there)}; it must be the same on all nodes"
            yield Problem(cib.cluster.span, message, "cib epoch", related, host=cib.cluster.host)
        elif _content(cib) != _content(newest):
            message = f"CIB: with the same epoch, `{_words(cib)}`, it holds other resources or constraints than that of {there[0]}"
            yield Problem(cib.cluster.span, f"{message}; it must be the same", "cib content", related, "error", host=cib.cluster.host)


def _epoch(cib: Cib) -> tuple[int, int]:
    return _number(cib.cluster.admin_epoch), _number(cib.cluster.epoch)


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 20 else 0


def _words(cib: Cib) -> str:
    return ".".join(map(str, _epoch(cib)))


def _content(cib: Cib) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = {("resource", r.name, r.agent or "", r.form, r.top) for r in cib.resources.values()}
    found |= {("constraint", c.name, c.type, *(member.name for member in c.members)) for c in cib.constraints}
    return found


def _evidence_cibs(facts: Facts, params: object) -> str | None:
    count = sum(bool(cib.cluster.host) and not cib.cluster.weaker for cib in cibs(facts))
    few = "only one host of the cluster has a CIB" if count else "no host of the cluster has a CIB of its own"
    return only_one(facts, params) or (None if count > 1 else few)


def _run_twice(facts: Facts, params: NoParams) -> Iterator[Saw]:
    active: dict[str, list[ShownUnit]] = {}
    for shown in facts.of(ShownUnit):
        if shown.host and shown.value("ActiveState") == "active":
            active.setdefault(shown.name, []).append(shown)
    once: dict[str, Resource] = {}
    for cib in cibs(facts):
        for leaf in cib.leaves():
            kind, _, name = (leaf.agent or "").partition(":")
            if kind == "systemd" and leaf.form == PRIMITIVE and cib.top(leaf).instances == 1:
                once.setdefault(name.removesuffix(".service") + ".service", leaf)
    for name, units in active.items():
        there = sorted({unit.host for unit in units})
        if name in once and len(there) > 1 and not _in_many(once[name]):
            message = f"{name}: the unit is `active` on {len(there)} hosts, {named(there)}; it must be so on one at a time"
            related = (Related(once[name].span, f"the resource `{once[name].name}`"),)
            yield from (Problem(u.properties["ActiveState"].span, message, f"unit {name}", related, host=u.host) for u in units)
    yield from _replicas_twice(facts)
    yield from _shown_twice(facts, active)


def _shown_twice(facts: Facts, active: Mapping[str, Sequence[ShownUnit]]) -> Iterator[Saw]:
    """Yield what may run once and is on two nodes by a status of the cluster, or on one node while its unit is active elsewhere."""
    once = {leaf.name: leaf for cib in cibs(facts) for leaf in cib.leaves() if cib.top(leaf).instances == 1}
    once.update({r.name: r for cib in cibs(facts) for r in cib.resources.values() if r.form == BUNDLE and r.instances == 1})
    statuses: dict[tuple[str, str], list[ResourceStatus]] = {}
    for shown in facts.of(ResourceStatus):
        if shown.name in once and shown.nodes:
            statuses.setdefault((shown.span.path, shown.name), []).append(shown)
    for (_, name), instances in statuses.items():
        resource = once[name]
        nodes = sorted({node.value for one in instances for node in one.nodes})
        related = (Related(resource.span, f"the {resource.form}"),)
        if len(nodes) > 1:
            message = f"resource `{name}`: the cluster shows it on {len(nodes)} nodes, {named(nodes)}; it must be on one at a time"
            yield Problem(instances[0].span, message, f"resource {name} nodes", related, host=instances[0].host)
            continue
        unit = "" if _in_many(resource) else _unit_of(resource)
        elsewhere = [one for one in active.get(unit, ()) if not same_host(one.host, nodes[0])] if unit else []
        if elsewhere and all(one.settled for one in instances) and len({one.host for one in active[unit]}) == 1:
            message = f"{unit}: the unit is `active` on {elsewhere[0].host}, and the cluster shows `{name}` on {nodes[0]}"
            where = Related(instances[0].span, f"`{name}`, as the cluster shows it")
            place = elsewhere[0].properties["ActiveState"].span
            yield Problem(place, f"{message}; it must be so on one at a time", f"unit {unit}", (where, *related), host=elsewhere[0].host)


def _in_many(resource: Resource) -> bool:
    """Return whether a resource is of a service that may run on every node, which is no harm though it has to leave the cluster (LW101)."""
    return resource.service is not None and resource.service.kind == ACTIVE_ACTIVE


def _unit_of(resource: Resource) -> str:
    """Return the unit that a resource starts; empty for one that starts none."""
    kind, _, name = (resource.agent or "").partition(":")
    return name.removesuffix(".service") + ".service" if kind in ("systemd", "service") else ""


def _replicas_twice(facts: Facts) -> Iterator[Saw]:
    """Yield the running containers of bundles that may have one replica, where they run on several hosts."""
    once = {r.name: r for cib in cibs(facts) for r in cib.resources.values() if r.form == BUNDLE and r.instances == 1}
    running: dict[str, dict[str, HostContainer]] = {}
    for container in facts.of(HostContainer):
        if container.running and container.host and container.bundle in once:
            running.setdefault(container.bundle, {}).setdefault(container.host, container)
    for bundle, there in running.items():
        if len(there) > 1:
            places = f"{len(there)} hosts, {named(sorted(there))}"
            related = (Related(once[bundle].span, f"the bundle `{bundle}`"),)
            for host, container in there.items():
                message = f"container `{container.name}`: a replica of `{bundle}` runs on {places}; it must do so on one at a time"
                yield Problem(container.span, message, f"bundle {bundle}", related, remedy=_REPLICA, host=host)


_REPLICA = "Run `pcs status` to see where the cluster has the bundle, and `podman rm -f NAME` (`docker rm -f NAME`) on the other host."


def _evidence_twice(facts: Facts, params: object) -> str | None:
    if facts.of(ClusterStatus):
        return None if cibs(facts) else "no CIB was given"
    told = {unit.host for unit in facts.of(ShownUnit) if "ActiveState" in unit.properties} | {c.host for c in facts.of(HostContainer)}
    if len(hosts(facts)) > 1 and len(told) < 2:
        return "no output of `systemctl show` was given of two hosts"
    return only_one(facts, params) or (None if cibs(facts) else "no CIB was given")


CHECKS = (Check("cibs-differ", _run_cibs, _evidence_cibs), Check("unit-active-twice", _run_twice, _evidence_twice))
