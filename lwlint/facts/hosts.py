"""The hosts of one cluster side by side: who has what, and who is of one role."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from lwlint.facts import Facts
from lwlint.facts.systemd import Unit

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


def odd(values: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return the value that most hosts have, and the hosts with another one; of two that are as frequent, the first host's counts."""
    counts = Counter(values.values())
    usual = max(values.values(), key=lambda value: counts[value])
    return usual, [host for host, value in values.items() if value != usual]


def named(found: Sequence[str]) -> str:
    """Return hosts as they stand in a message."""
    return ", ".join(found[:_NAMED]) + (f" and {len(found) - _NAMED} more" if len(found) > _NAMED else "")


def by_host(pairs: Iterable[tuple[str, str]], role: Sequence[str]) -> dict[str, str]:
    """Return the values of the hosts of one role, in its order."""
    found = dict(pairs)
    return {host: found[host] for host in role if host in found}


def same_host(one: str, other: str) -> bool:
    """Return whether two names are one host's: with its domain or without. A second report of a host has a number behind its name."""
    return one.partition("(")[0].partition(".")[0] == other.partition(".")[0]
