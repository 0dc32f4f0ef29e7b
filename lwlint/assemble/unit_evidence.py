"""Units by their files, with what else a report tells of them: whether they were active, and enabled where no link tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lwlint.assemble.unit_shown import shown_unit
from lwlint.facts import Fact
from lwlint.facts.containers import DOCKER, HostContainer
from lwlint.facts.systemctl import ShownUnit
from lwlint.facts.systemd import NOT_FOUND, Unit
from lwlint.record import replace


def with_evidence(facts: Iterable[Fact], others: Iterable[Fact]) -> Iterator[Fact]:
    """Yield `facts`, of which the units of services have what `others` (shown units, containers) tell of them.

    A unit that runs a container with podman is active where that container runs, if systemd itself does not tell. Units whose files
    are not at hand (or their drop-ins alone) are those that `systemctl show` has.
    """
    facts = list(facts)
    known = {
        (fact.host, name) for fact in facts if isinstance(fact, Unit) and fact.load_state != NOT_FOUND for name in (fact.name, *fact.names)
    }
    others = list(others)
    units = [unit for other in others if isinstance(other, ShownUnit) for unit in shown_unit(other, known)]
    shown = {(unit.host, unit.name) for unit in units}
    facts = [*(fact for fact in facts if not isinstance(fact, Unit) or (fact.host, fact.name) not in shown), *units]
    told: dict[tuple[str, str], tuple[str, str]] = {}
    for other in others:
        if isinstance(other, ShownUnit):
            told[other.host, other.name] = other.value("ActiveState"), other.value("UnitFileState")
    for other in others:
        if isinstance(other, HostContainer) and other.running and other.engine != DOCKER:
            for name in (other.name, other.called):
                key = other.host, f"tripleo_{name}.service"
                active, state = told.get(key, ("", ""))
                told[key] = active or "active", state
    for fact in facts:
        if isinstance(fact, Unit) and fact.service is not None and (fact.host, fact.name) in told:
            active, state = told[fact.host, fact.name]
            # a link may not have been collected, but none is there that does not enable
            counts = fact.enabled == "unknown" or (fact.enabled == "disabled" and state.startswith("enabled"))
            yield replace(fact, active=active, enabled=state if state and counts else fact.enabled)
        else:
            yield fact
