"""What a runbook asks of the facts of a host, and of what the audit found, for each service: by name, made once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice, takewhile
from typing import TypeVar

from lwlint.audit.answer import Found, Ordering
from lwlint.audit.clusters import Host
from lwlint.checks.containers import BY_SYSTEMD, Starter, starter_of, units_of_hosts
from lwlint.core.facts import Service
from lwlint.core.secret import masked
from lwlint.inputs.containers.facts import HostContainer
from lwlint.inputs.oslo.facts import OptionFiles
from lwlint.inputs.pacemaker.facts import BUNDLE, ORDER, Resource, ResourceStatus
from lwlint.inputs.pacemaker.model import Cib, cibs
from lwlint.inputs.systemd.facts import LOADED, Unit

# the rules whose finding says that something is not brought back, whatever else is right
_NOT_RESTARTED = frozenset((
    "unit-not-restarted", "pacemaker-override-left", "restart-that-gives-up", "unit-masked", "unit-refused", "container-not-brought-back",
    "container-restart-that-gives-up", "core-resource-disabled", "core-resource-unmanaged", "core-resource-unwatched",
))  # fmt: skip
_MOST_AFTER = 100  # resources that stop with one, at which the search for more ends


_T = TypeVar("_T")


class HostFacts:
    """The facts of one host, by what they are asked for."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.label = host.label
        self.facts = host.reading.facts
        self.units = units_of_hosts(self.facts).get(host.label)
        self.cibs = cibs(self.facts)
        self._sets: dict[str, list[OptionFiles]] = {}

    def sets(self, service: Service) -> list[OptionFiles]:
        """Return the sets of option files that the service reads, of those that were read."""
        if service.name not in self._sets:
            self._sets[service.name] = [one for one in self.facts.of(OptionFiles) if service.name in one.services and one.read]
        return self._sets[service.name]

    def loaded(self, unit: str) -> Sequence[Unit]:
        """Return the units of this name (without `.service`) that are loaded."""
        return self._loaded.get(f"{unit}.service", ()) if unit else ()

    def status(self, leaf: Resource, top: Resource) -> list[ResourceStatus]:
        """Return how the status of the cluster shows a resource: by its own name, in a bundle by that too."""
        names = (leaf.name, top.name) if top.form == BUNDLE and top.name != leaf.name else (leaf.name,)
        found = sorted(each for name in names for each in self._status.get(name, ()))
        return [self.facts.of(ResourceStatus)[number] for number in found]

    def replicas(self, top: Resource) -> Sequence[HostContainer]:
        """Return the containers of a bundle."""
        return self._bundled.get(top.name, ()) if top.form == BUNDLE else ()

    def started_by(self, unit: str) -> Sequence[HostContainer]:
        """Return the containers that a unit starts."""
        return self._started.get(unit, ())

    def starter(self, container: HostContainer) -> Starter:
        """Return who brings a container back."""
        return starter_of(container, self.units, self.cibs)

    @cached_property
    def in_cluster(self) -> set[str]:
        """The ids of what runs in the cluster."""
        return {leaf.name for cib in self.cibs for leaf in cib.leaves()}

    @cached_property
    def _loaded(self) -> Mapping[str, list[Unit]]:
        units = (unit for unit in self.facts.of(Unit) if unit.load_state == LOADED)
        return _grouped((name, unit) for unit in units for name in dict.fromkeys((unit.name, *unit.names)))

    @cached_property
    def _status(self) -> Mapping[str, list[int]]:
        return _grouped((one.name, number) for number, one in enumerate(self.facts.of(ResourceStatus)))

    @cached_property
    def _bundled(self) -> Mapping[str, list[HostContainer]]:
        return _grouped((one.bundle, one) for one in self.facts.of(HostContainer) if one.bundle)

    @cached_property
    def _started(self) -> Mapping[str, list[HostContainer]]:
        starters = ((self.starter(one), one) for one in self.facts.of(HostContainer))
        return _grouped((starter.unit, one) for starter, one in starters if starter.who == BY_SYSTEMD)


def _grouped(pairs: Iterable[tuple[str, _T]]) -> dict[str, list[_T]]:
    found: dict[str, list[_T]] = {}
    for name, one in pairs:
        found.setdefault(name, []).append(one)
    return found


class Findings:
    """What the audit found, by the subject that is blamed."""

    def __init__(self, found: Sequence[Found]) -> None:
        self._found = found
        self._not_restarted = _grouped((one.subject, number) for number, one in enumerate(found) if one.rule in _NOT_RESTARTED)
        self._by_rule = _grouped((one.rule, one) for one in found)
        told = [(one.subject, number) for number, one in enumerate(found) if one.allowed is None]
        self._subjects = _grouped(told)
        self._sorted = sorted(self._subjects)

    def of_rule(self, rule: str) -> Sequence[Found]:
        """Return what one rule found."""
        return self._by_rule.get(rule, ())

    def not_restarted(self, subjects: Iterable[str]) -> list[Found]:
        """Return what says of one of the subjects that nothing brings it back."""
        numbers = sorted(number for subject in subjects for number in self._not_restarted.get(subject, ()))
        return [self._found[number] for number in numbers]

    def about(self, subjects: Iterable[str]) -> list[Found]:
        """Return what was found of just these subjects, or of a setting of theirs (`unit a.service`, `unit a.service Restart`)."""
        wanted = {each for subject in subjects for each in (subject, *self._settings_of(subject))}
        return [self._found[number] for number in sorted(number for each in wanted for number in self._subjects.get(each, ()))]

    def _settings_of(self, subject: str) -> Iterator[str]:
        begin = f"{subject} "
        at = bisect_left(self._sorted, begin)
        return takewhile(lambda other: other.startswith(begin), islice(self._sorted, at, None))


class After:
    """What stops when a resource does, by the mandatory orders of a CIB that hold for stops too."""

    def __init__(self, orders: Ordering, cib: Cib) -> None:
        starts_only = {masked(one.name) for one in cib.constraints if one.type == ORDER and not one.symmetrical}
        binding = (step for step in orders.steps if step.is_mandatory and step.constraint not in starts_only)
        self._steps = {first: dict.fromkeys(then) for first, then in _grouped((step.first, step.then) for step in binding).items()}
        self._places = {one.name: number for number, one in enumerate(orders.resources)}

    def of(self, name: str) -> tuple[list[str], bool]:
        """Return what stops with the resource `name`, in the order of the CIB, and whether that is all of it."""
        seen: dict[str, None] = {}
        todo = [name]
        while todo:
            for then in self._steps.get(todo.pop(), ()):
                if then not in seen:
                    if len(seen) == _MOST_AFTER:
                        return self._ordered(seen, name), False
                    seen[then] = None
                    todo.append(then)
        return self._ordered(seen, name), True

    def _ordered(self, seen: Iterable[str], name: str) -> list[str]:
        return sorted((each for each in seen if each in self._places and each != name), key=self._places.__getitem__)
