"""The shape of a check: a named, pure function from facts and parameters to problems."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar, Union

from msgspec import Struct

from lwlint.core.config_reader import Document
from lwlint.core.facts import Facts
from lwlint.core.finding import Problem
from lwlint.core.source import Span

P = TypeVar("P")


class NoParams(Document, frozen=True):
    """The parameters of a check that takes none."""


class Unknown(Struct, frozen=True):
    """Something that a check met and could not judge, and why; `span` is where it is, if anywhere."""

    because: str
    span: Span | None = None


Saw = Union[Problem, Unknown]


class Check(Struct, Generic[P], frozen=True):
    """A check, by the name under which rules bind it.

    `run` yields a `Problem` for each defect and an `Unknown` for each thing it cannot judge. `evidence`
    returns None when the facts hold what `run` needs, else what is missing, as a reason (`no CIB was given`):
    the rule is then `not evaluated`. `params` is a `Document`; a rule's YAML is read into it.
    """

    name: str
    run: Callable[[Facts, P], Iterator[Saw]]
    evidence: Callable[[Facts, P], str | None]
    params: type[P] = NoParams  # type: ignore[assignment]


AnyCheck = Check[Any]


def needs(kind: type, reason: str) -> Callable[[Facts, Any], str | None]:
    """Return an `evidence` function: at least one fact of type `kind` must be there."""

    def evidence(facts: Facts, _: Any) -> str | None:
        return None if facts.of(kind) else reason

    return evidence
