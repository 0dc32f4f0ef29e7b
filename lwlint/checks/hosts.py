"""The hosts of a cluster against its CIBs: copies that are not the same, and services that run more often than they may."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal, Optional

from msgspec import Meta, field

from lwlint.checks.containers import resource_of
from lwlint.checks.parameters import UnitSetting, nothing_in
from lwlint.core.check import Check, NoParams, Reads, Saw
from lwlint.core.config_reader import Document, Mismatch
from lwlint.core.facts import Facts
from lwlint.core.finding import Problem, Related
from lwlint.core.source import Span
from lwlint.inputs.containers.facts import HostContainer
from lwlint.inputs.oslo.facts import Name, Option, OptionSet, option_sets
from lwlint.inputs.pacemaker.facts import BUNDLE, ClusterStatus, Resource, ResourceStatus, revision
from lwlint.inputs.pacemaker.model import Cib, cibs
from lwlint.inputs.systemd.facts import LOADED, MASKED, ShownUnit, Unit

# of the units that are enabled on either of two hosts, the part that is enabled on both, to be of one role
_ALIKE, _ALIKE_BY_NAME = 0.8, 0.5  # the latter where the names differ in their numbers only: `controller-0`, `controller-1`
_NAMED = 3  # hosts that a message names


def hosts(facts: Facts) -> list[str]:
    """Return the hosts that there are facts of, sorted."""
    return sorted({fact.host for fact in facts if fact.host})


def only_one(facts: Facts, _: object) -> str | None:
    """Return why hosts cannot be compared: there are not two."""
    return None if len(hosts(facts)) > 1 else "only one host of the cluster was given"


def roles(facts: Facts) -> list[list[str]]:
    """Return the hosts by role: those that have nearly the same services enabled are of one, or half of them and one kind of name."""
    enabled: dict[str, set[str]] = {host: set() for host in hosts(facts)}
    for unit in facts.of(Unit):
        if unit.service is not None and unit.enabled == "enabled" and unit.host in enabled:
            enabled[unit.host].add(unit.name)
    found: list[list[str]] = []
    for host, units in enabled.items():
        for role in found:
            other = enabled[role[0]]
            least = _ALIKE_BY_NAME if _stem(host) == _stem(role[0]) else _ALIKE
            if len(units & other) >= least * len(units | other):
                role.append(host)
                break
        else:
            found.append([host])
    return found


def no_role(facts: Facts, params: object) -> str | None:
    """Return why hosts of one role cannot be compared: there are not two hosts, or no two of one role."""
    if only_one(facts, params) or any(len(role) > 1 for role in roles(facts)):
        return only_one(facts, params)
    return "no two hosts are of one role (nearly the same services are enabled on none)"


def _stem(host: str) -> str:
    """Return what the names of the hosts of one role have in common where they are numbered: all but the numbers and the domain."""
    return re.sub(r"\d+", "", host.partition("(")[0].partition(".")[0])


def find_odd(values: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return the value that most hosts have, and the hosts with another one; of two that are as frequent, the first host's counts."""
    counts = Counter(values.values())
    usual = max(values.values(), key=lambda value: counts[value])
    return usual, [host for host, value in values.items() if value != usual]


def join_hosts(found: Sequence[str]) -> str:
    """Return hosts as they stand in a message."""
    return ", ".join(found[:_NAMED]) + (f" and {len(found) - _NAMED} more" if len(found) > _NAMED else "")


def by_host(pairs: Iterable[tuple[str, str]], role: Sequence[str]) -> dict[str, str]:
    """Return the values of the hosts of one role, in its order."""
    found = dict(pairs)
    return {host: found[host] for host in role if host in found}


def same_host(one: str, other: str) -> bool:
    """Return whether two names are one host's: with its domain or without. A second report of a host has a number behind its name."""
    return one.partition("(")[0].partition(".")[0] == other.partition(".")[0]


_NOT_SET = "not set"


class AlikeParams(Document, frozen=True):
    """What must be the same on all hosts of a role, by what `each` is: units, by their states and the keys of their settings, with what an
    absent one means; or options, by their names in any section."""

    each: Annotated[Literal["unit", "option"], Meta(description="what is compared")]
    settings: Annotated[
        dict[UnitSetting, str], Meta(description="the settings of units that are compared, with what an absent one means")
    ] = field(default_factory=dict)
    states: Annotated[bool, Meta(description="compare the load state of units, and whether one is enabled, too")] = True
    options: Annotated[tuple[str, ...], Meta(description="the options that are compared, by their names in any section")] = ()

    def misfits(self) -> Iterator[Mismatch]:
        """Yield what is of the other kind of fact, and that nothing would be compared."""
        wrong = "options" if self.each == "unit" else "settings"
        if getattr(self, wrong):
            yield Mismatch((wrong,), f"`{wrong}`: `each: {self.each}` has none")
        if self.each == "option":
            yield from nothing_in(self, "options")


def _run_alike(facts: Facts, params: AlikeParams) -> Iterator[Saw]:
    return _run_units(facts, params) if params.each == "unit" else _run_options(facts, params)


def _run_units(facts: Facts, params: AlikeParams) -> Iterator[Saw]:
    by_name: dict[str, dict[str, Unit]] = {}
    for unit in facts.of(Unit):
        if unit.service is not None and unit.host and unit.load_state in (LOADED, MASKED):
            by_name.setdefault(unit.name, {})[unit.host] = unit
    for role in roles(facts):
        for name in sorted(by_name):
            units = {host: unit for host, unit in by_name[name].items() if host in role}
            if len(units) > 1 and not any(unit.override or resource_of(facts, unit) for unit in units.values()):
                yield from _compare(units, role, params)


def _compare(units: dict[str, Unit], role: Sequence[str], params: AlikeParams) -> Iterator[Problem]:
    if params.states:
        for called, attribute in (("the load state", "load_state"), ("the state of the unit file", "enabled")):
            pairs = [(host, str(getattr(unit, attribute))) for host, unit in units.items()]
            differing = list(_judge_units(units, by_host(((h, v) for h, v in pairs if v != "unknown"), role), called, None))
            yield from differing
            if differing:
                return
    loaded = {host: unit for host, unit in units.items() if unit.load_state == LOADED and unit.enabled != "disabled"}
    for key, default in params.settings.items():
        values = by_host(((h, u.settings[key].value if key in u.settings else default) for h, u in loaded.items()), role)
        yield from _judge_units(loaded, values, f"`{key}`", key)


def _judge_units(units: dict[str, Unit], values: dict[str, str], called: str, key: Optional[str]) -> Iterator[Problem]:
    if len(set(values.values())) < 2:
        return
    usual, hosts = find_odd(values)
    others = [host for host, value in values.items() if value == usual]
    for host in hosts:
        unit = units[host]
        found = f"`{values[host]}`"
        message = f"{unit.name}: {called} is {found}, and `{usual}` on {join_hosts(others)}; it must be the same on all hosts of a role"
        related = (Related(_place(units[others[0]], key), f"`{usual}`"),)
        yield Problem(_place(unit, key), message, f"unit {unit.name} {key or called}", related, host=host)


def _place(unit: Unit, key: Optional[str]) -> Span:
    return unit.settings[key].span if key is not None and key in unit.settings else unit.span


def _run_options(facts: Facts, params: AlikeParams) -> Iterator[Saw]:
    by_program: dict[tuple[str, ...], dict[str, OptionSet]] = {}
    alike: dict[tuple[str, ...], list[OptionSet]] = {}
    for one in option_sets(facts):
        if one.files.host and one.files.read and one.files.refused is None:
            alike.setdefault((one.files.project, one.files.program, _main_file(one)), []).append(one)
    for key, every in alike.items():
        several = len({one.files.host for one in every}) < len(every)  # on one host; those that end with the same file are compared
        for one in every:
            by_program.setdefault((*key, _on_host(one.files.files[-1]) if several else ""), {})[one.files.host] = one
    seen: set[Span] = set()
    for role in roles(facts):
        for found in by_program.values():
            sets = {host: found[host] for host in role if host in found}
            for problem in _compare_options(sets, params.options):
                if problem.span not in seen:  # of several programs that read one file
                    seen.add(problem.span)
                    yield problem


def _main_file(one: OptionSet) -> str:
    """Return the first file of a set that is not the distribution's, as its host has it: further ones may be on one host only."""
    files = [_on_host(path) for path in one.files.files]
    return next((path for path in files if not path.startswith("usr/")), files[-1])


def _on_host(path: str) -> str:
    """Return the path of a file on its host, whose name stands in front of it."""
    return path.partition("/")[2]


def _compare_options(sets: dict[str, OptionSet], names: Sequence[str]) -> Iterator[Problem]:
    keys = {name for one in sets.values() for name in one.options if name[1] in names}
    for key in sorted(keys):
        below = any(_is_of_distribution(one.options.get(key)) for one in sets.values())
        seen = {host: one for host, one in sets.items() if one.files.complete or key in one.options or not below}
        values = {host: _value(one, key) for host, one in seen.items()}
        if len(set(values.values())) < 2 or any(set(value) == {"*"} for value in values.values()):
            continue
        usual, hosts = find_odd(values)
        others = [host for host, value in values.items() if value == usual]
        for host in hosts:
            yield _option_problem(sets[host], sets[others[0]], key, usual, join_hosts(others))


def _is_of_distribution(option: Optional[Option]) -> bool:
    """Return whether an option is from a file below `/usr/share`, which another host's report may just not hold."""
    return option is not None and "/usr/share/" in option.file


def _value(one: OptionSet, key: Name) -> str:
    option = one.options.get(key)
    return option.value if option is not None else _NOT_SET


def _option_problem(one: OptionSet, other: OptionSet, key: Name, usual: str, others: str) -> Problem:
    option, theirs = one.options.get(key), other.options.get(key)
    place = _span(one, option)
    said = [f"`{value}`" if value != _NOT_SET else value for value in (_value(one, key), usual)]
    name = place.path.rpartition("/")[2]
    message = f"{name}: `{'.'.join(key)}` is {said[0]}, and {said[1]} on {others}; it must be the same on all hosts of a role"
    return Problem(place, message, f"option {'.'.join(key)}", (Related(_span(other, theirs), said[1]),), host=one.files.host)


def _span(one: OptionSet, option: Optional[Option]) -> Span:
    return option.span if option is not None else one.files.span


def _run_cibs(facts: Facts, _: NoParams) -> Iterator[Saw]:
    found = [cib for cib in cibs(facts) if cib.cluster.host and cib.cluster.epoch is not None and not cib.cluster.weaker]
    newest = max(found, key=_epoch, default=None)
    for cib in found:
        if newest is None or cib is newest:
            continue
        there = [other.cluster.host for other in found if _epoch(other) == _epoch(newest)]
        related = (Related(newest.cluster.span, f"epoch {_words(newest)}"),)
        if _epoch(cib) != _epoch(newest):
            message = f"CIB: its epoch is `{_words(cib)}`, and `{_words(newest)}` on {join_hosts(there)}; it must be the same on all nodes"
            yield Problem(cib.cluster.span, message, "cib epoch", related, host=cib.cluster.host)
            continue
        other = (
            "resources or constraints" if _content(cib) != _content(newest) else "settings" if _settings(cib) != _settings(newest) else ""
        )
        if other:
            message = f"CIB: with the same epoch, `{_words(cib)}`, it holds other {other} than that of {there[0]}"
            yield Problem(cib.cluster.span, f"{message}; it must be the same", "cib content", related, "error", host=cib.cluster.host)


def _epoch(cib: Cib) -> tuple[int, int]:
    return revision(cib.cluster)


def _words(cib: Cib) -> str:
    return ".".join(map(str, _epoch(cib)))


def _content(cib: Cib) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = {("resource", r.name, r.agent or "", r.form, r.top) for r in cib.resources.values()}
    found |= {("constraint", c.name, c.type, *(member.name for member in c.members)) for c in cib.constraints}
    return found


def _settings(cib: Cib) -> set[tuple[str, ...]]:
    """Return what is set in a CIB and no collector of reports masks: properties but for its name, meta attributes, scores and kinds."""
    found: set[tuple[str, ...]] = {("property", name, each.value) for name, each in cib.properties.items() if name != "cluster-name"}
    found |= {("meta", r.name, name, text.value) for r in cib.resources.values() for name, text in r.meta.items()}
    return found | {("constraint", c.name, c.score or "", c.ordering or "") for c in cib.constraints}


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
            if leaf.unit and cib.top(leaf).instances == 1:
                once.setdefault(f"{leaf.unit}.service", leaf)
    for name, units in active.items():
        there = sorted({unit.host for unit in units})
        if name in once and len(there) > 1 and not _in_many(once[name]):
            message = f"{name}: the unit is `active` on {len(there)} hosts, {join_hosts(there)}; it must be so on one at a time"
            related = (Related(once[name].span, f"the resource `{once[name].name}`"),)
            yield from (Problem(u.properties["ActiveState"].span, message, f"unit {name}", related, host=u.host) for u in units)
    yield from _replicas_twice(facts)
    yield from _judge_shown_twice(facts, active)


def _judge_shown_twice(facts: Facts, active: Mapping[str, Sequence[ShownUnit]]) -> Iterator[Saw]:
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
            message = f"resource `{name}`: the cluster shows it on {len(nodes)} nodes, {join_hosts(nodes)}; it must be on one at a time"
            yield Problem(instances[0].span, message, f"resource {name} nodes", related, host=instances[0].host)
            continue
        unit = f"{resource.unit}.service" if resource.unit and not _in_many(resource) else ""
        elsewhere = [one for one in active.get(unit, ()) if not same_host(one.host, nodes[0])] if unit else []
        if elsewhere and all(one.settled for one in instances) and len({one.host for one in active[unit]}) == 1:
            message = f"{unit}: the unit is `active` on {elsewhere[0].host}, and the cluster shows `{name}` on {nodes[0]}"
            where = Related(instances[0].span, f"`{name}`, as the cluster shows it")
            place = elsewhere[0].properties["ActiveState"].span
            yield Problem(place, f"{message}; it must be so on one at a time", f"unit {unit}", (where, *related), host=elsewhere[0].host)


def _in_many(resource: Resource) -> bool:
    """Return whether a resource is of a service that may run on every node, which is no harm though it has to leave the cluster (LW101)."""
    return resource.service is not None and resource.service.is_active_active


def _replicas_twice(facts: Facts) -> Iterator[Saw]:
    """Yield the running containers of bundles that may have one replica, where they run on several hosts."""
    once = {r.name: r for cib in cibs(facts) for r in cib.resources.values() if r.form == BUNDLE and r.instances == 1}
    running: dict[str, dict[str, HostContainer]] = {}
    for container in facts.of(HostContainer):
        if container.running and container.host and container.bundle in once:
            running.setdefault(container.bundle, {}).setdefault(container.host, container)
    for bundle, there in running.items():
        if len(there) > 1:
            places = f"{len(there)} hosts, {join_hosts(sorted(there))}"
            related = (Related(once[bundle].span, f"the bundle `{bundle}`"),)
            for host, container in there.items():
                message = f"container `{container.name}`: a replica of `{bundle}` runs on {places}; it must do so on one at a time"
                yield Problem(container.span, message, f"bundle {bundle}", related, remedy=_REPLICA, host=host)


_REPLICA = "Run `pcs status` to see where the cluster has the bundle, and `podman rm -f NAME` (`docker rm -f NAME`) on the other host."


def _evidence_twice(facts: Facts, params: object) -> str | None:
    if facts.of(ResourceStatus):
        return None if cibs(facts) else "no CIB was given"
    told = {unit.host for unit in facts.of(ShownUnit) if "ActiveState" in unit.properties} | {c.host for c in facts.of(HostContainer)}
    if len(hosts(facts)) > 1 and len(told) < 2:
        return "no output of `systemctl show` was given of two hosts"
    if facts.of(ClusterStatus) and not told:
        return "the status of the cluster shows no resource"
    return only_one(facts, params) or (None if cibs(facts) else "no CIB was given")


_READS = Reads(of="hosts")
CHECKS = (
    Check("same-on-all-hosts", _run_alike, no_role, AlikeParams, _READS),
    Check("cibs-differ", _run_cibs, _evidence_cibs, NoParams, _READS),
    Check("service-active-twice", _run_twice, _evidence_twice, NoParams, _READS),
)
