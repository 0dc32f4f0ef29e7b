"""What could not be read, and suppressions without effect, as those who met them told it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lwlint.checks.check import Check, NoParams
from lwlint.facts import Facts
from lwlint.facts.input import Unreadable, UnusedAllow
from lwlint.finding import Problem


def _run(facts: Facts, _: NoParams) -> Iterator[Problem]:
    for fact in facts.of(Unreadable):
        yield Problem(fact.span, f"{fact.name}: {fact.message}", f"unreadable {fact.message}", host=fact.host)


def _evidence(_: Facts, __: Any) -> str | None:
    return None


def _run_allows(facts: Facts, _: NoParams) -> Iterator[Problem]:
    for fact in facts.of(UnusedAllow):
        yield Problem(fact.span, f"`allow {fact.name}`: {fact.because}", f"allow {fact.name}", host=fact.host)


CHECKS = (
    Check("unreadable-input", _run, _evidence),
    Check("allow-without-effect", _run_allows, _evidence),
)
