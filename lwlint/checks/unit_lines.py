"""Lines of unit files that systemd reads and drops."""

from __future__ import annotations

from collections.abc import Iterator

from lwlint.checks.check import Check, Saw
from lwlint.facts import Facts
from lwlint.facts.systemd import IgnoredLine, Unit
from lwlint.finding import Problem
from lwlint.record import dataclass


@dataclass(frozen=True)
class Params:
    """`settings` are the keys whose loss matters, in any section and spelling; another line is a note. `not_keys` are left to other
    rules."""

    settings: tuple[str, ...]
    not_keys: tuple[str, ...] = ()


def _run(facts: Facts, params: Params) -> Iterator[Saw]:
    matter = {key.lower() for key in params.settings}
    for line in facts.of(IgnoredLine):
        if line.service is None or line.name in params.not_keys:
            continue
        key = line.name.rpartition(".")[2]
        shown = f"`{key}={line.value}`" if line.value or line.because.startswith("an empty") else f"`{key}`"
        message = f"{shown} does nothing: {line.because}"
        severity = None if key.lower().replace("_", "") in matter else "note"
        yield Problem(line.span, message, f"line {line.name}", severity=severity, host=line.host)


def _evidence(facts: Facts, _: Params) -> str | None:
    return None if any(not unit.shown for unit in facts.of(Unit)) else "no systemd unit was given"


CHECK = Check("line-without-effect", _run, _evidence, Params)
