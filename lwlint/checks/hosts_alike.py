"""What the hosts of one role of a cluster must have alike: settings of units, and options."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Optional

from lwlint.checks.check import Check, Saw
from lwlint.facts import Facts
from lwlint.facts.hosts import by_host, named, no_role, odd, roles
from lwlint.facts.oslo import Option
from lwlint.facts.oslo_sets import OptionSet, option_sets
from lwlint.facts.oslo_values import Name
from lwlint.facts.systemd import LOADED, MASKED, Unit
from lwlint.facts.unit_managers import resource_of
from lwlint.finding import Problem, Related
from lwlint.record import dataclass, field
from lwlint.source import Span

_NOT_SET = "not set"


@dataclass(frozen=True)
class UnitParams:
    """`settings` are keys of units' settings with what an absent one means; `states` says that the load state and whether a unit is
    enabled are compared too."""

    settings: dict[str, str] = field(default_factory=dict)
    states: bool = True


def _run_units(facts: Facts, params: UnitParams) -> Iterator[Saw]:
    by_name: dict[str, dict[str, Unit]] = {}
    for unit in facts.of(Unit):
        if unit.service is not None and unit.host and unit.load_state in (LOADED, MASKED):
            by_name.setdefault(unit.name, {})[unit.host] = unit
    for role in roles(facts):
        for name in sorted(by_name):
            units = {host: unit for host, unit in by_name[name].items() if host in role}
            if len(units) > 1 and not any(unit.override or resource_of(facts, unit) for unit in units.values()):
                yield from _compare(units, role, params)


def _compare(units: dict[str, Unit], role: Sequence[str], params: UnitParams) -> Iterator[Problem]:
    if params.states:
        for called, attribute in (("the load state", "load_state"), ("the state of the unit file", "enabled")):
            pairs = [(host, str(getattr(unit, attribute))) for host, unit in units.items()]
            differing = list(_odd_units(units, by_host(((h, v) for h, v in pairs if v != "unknown"), role), called, None))
            yield from differing
            if differing:
                return
    loaded = {host: unit for host, unit in units.items() if unit.load_state == LOADED and unit.enabled != "disabled"}
    for key, default in params.settings.items():
        values = by_host(((h, u.settings[key].value if key in u.settings else default) for h, u in loaded.items()), role)
        yield from _odd_units(loaded, values, f"`{key}`", key)


def _odd_units(units: dict[str, Unit], values: dict[str, str], called: str, key: Optional[str]) -> Iterator[Problem]:
    if len(set(values.values())) < 2:
        return
    usual, hosts = odd(values)
    others = [host for host, value in values.items() if value == usual]
    for host in hosts:
        unit = units[host]
        found = f"`{values[host]}`"
        message = f"{unit.name}: {called} is {found}, and `{usual}` on {named(others)}; it must be the same on all hosts of a role"
        related = (Related(_place(units[others[0]], key), f"`{usual}`"),)
        yield Problem(_place(unit, key), message, f"unit {unit.name} {key or called}", related, host=host)


def _place(unit: Unit, key: Optional[str]) -> Span:
    return unit.settings[key].span if key is not None and key in unit.settings else unit.span


@dataclass(frozen=True)
class OptionParams:
    """`options` are those that are compared, by their names in any section."""

    options: tuple[str, ...]


def _run_options(facts: Facts, params: OptionParams) -> Iterator[Saw]:
    by_program: dict[tuple[str, ...], dict[str, OptionSet]] = {}
    for one in option_sets(facts):
        host = one.files.host
        if host and one.files.read and one.files.refused is None:
            files = tuple(path.partition("/")[2] for path in one.files.files[-1:])
            by_program.setdefault((one.files.project, one.files.program, *files), {})[host] = one
    seen: set[Span] = set()
    for role in roles(facts):
        for found in by_program.values():
            sets = {host: found[host] for host in role if host in found}
            for problem in _compare_options(sets, params.options):
                if problem.span not in seen:  # of several programs that read one file
                    seen.add(problem.span)
                    yield problem


def _compare_options(sets: dict[str, OptionSet], names: Sequence[str]) -> Iterator[Problem]:
    keys = {name for one in sets.values() for name in one.options if name[1] in names}
    for key in sorted(keys):
        values = {host: _value(one, key) for host, one in sets.items()}
        if len(set(values.values())) < 2 or any(set(value) == {"*"} for value in values.values()):
            continue
        usual, hosts = odd(values)
        others = [host for host, value in values.items() if value == usual]
        for host in hosts:
            yield _option_problem(sets[host], sets[others[0]], key, usual, named(others))


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


CHECKS = (
    Check("hosts-differ-in-units", _run_units, no_role, UnitParams),
    Check("hosts-differ-in-options", _run_options, no_role, OptionParams),
)
