"""Heat files that lwlint cannot see through: what a rule says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lwlint.checks.check import Unknown
from lwlint.facts import Facts
from lwlint.facts.input import NotEvaluated


def unseen(facts: Facts) -> Iterator[Unknown]:
    """Yield one unknown for each file whose content is not known before Jinja has been rendered."""
    for file in facts.of(NotEvaluated):
        if file.because == "Jinja":
            yield Unknown(file.because, file.span)


def needs_heat(kind: type, reason: str) -> Callable[[Facts, Any], str | None]:
    """Return an `evidence` function: a fact of type `kind` must be there; where there is none, Jinja may be why."""

    def evidence(facts: Facts, _: Any) -> str | None:
        if facts.of(kind):
            return None
        return next((f"{unknown.because} in `{unknown.span.path}`" for unknown in unseen(facts) if unknown.span), reason)

    return evidence
