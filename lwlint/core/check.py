"""The shape of a check: a named, pure function from facts and parameters to problems."""

# Annotations are types here and not texts, which msgspec would compile one by one whenever the compiled rules are read.
from collections.abc import Callable, Iterator
from typing import Any, Generic, Literal, TypeVar, Union

from msgspec import Struct

from lwlint.core.config_reader import Document
from lwlint.core.facts import Facts, NotEvaluated
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


class Reads(Struct, frozen=True):
    """What a check reads, so that it is not even imported where there is nothing of it.

    `kinds` are the kinds of input of which one must be there; where none is, the first one's `missing` is the reason. Without any the check
    itself tells. `of` is `audit` for what only an audit reads, or knows to be of one cluster, `hosts` for what compares the hosts of a
    cluster, and `allows` for what is left of the suppressions when all other rules have run. `not_of_hosts` are those reasons of
    `evidence` that say no more than that a host has no such thing and need not.
    """

    kinds: tuple[str, ...] = ()
    of: Literal["run", "audit", "hosts", "allows"] = "run"
    not_of_hosts: tuple[str, ...] = ()


class Check(Struct, Generic[P], frozen=True):
    """A check, by the name under which rules bind it.

    `run` yields a `Problem` for each defect and an `Unknown` for each thing it cannot judge. `evidence`
    returns None when the facts hold what `run` needs, else what is missing, as a reason (`no CIB was given`):
    the rule is then `not evaluated`. `params` is a `Document`; a rule's YAML is read into it. `reads` is what it reads, or tells it by the
    parameters.
    """

    name: str
    run: Callable[[Facts, P], Iterator[Saw]]
    evidence: Callable[[Facts, P], str | None]
    params: type[P] = NoParams  # type: ignore[assignment]
    reads: Union[Reads, Callable[[P], Reads]] = Reads()


AnyCheck = Check[Any]


def needs(kind: type, reason: str) -> Callable[[Facts, Any], str | None]:
    """Return an `evidence` function: at least one fact of type `kind` must be there."""

    def evidence(facts: Facts, _: Any) -> str | None:
        return None if facts.of(kind) else reason

    return evidence


def unseen(facts: Facts, *words: str) -> Iterator[Unknown]:
    """Yield one unknown for each file whose content is not known before Jinja has been rendered, and that may be about one of `words`.

    Without `words` each file matters.
    """
    for file in facts.of(NotEvaluated):
        if file.because == "Jinja" and (not words or file.about is None or any(word in file.about for word in words)):
            yield Unknown(file.because, file.span)
