"""`lwlint.named` makes what `typing.NamedTuple` makes: every case runs through both."""

from __future__ import annotations

import copy
import pickle
import typing
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from lwlint.core import named


def classes(base: Any) -> SimpleNamespace:
    class Span(base):  # type: ignore[misc]
        """Has a docstring."""

        path: str
        start: int
        end: typing.Optional[int] = None

        @property
        def length(self) -> int:
            return self.end - self.start if self.end is not None else 0

        def shown(self) -> str:
            return f"{self.path}:{self.start}"

    class Loud(base):  # type: ignore[misc]
        only: str = "a"

        def __repr__(self) -> str:
            return "loud"

    class Empty(base):  # type: ignore[misc]
        pass

    return SimpleNamespace(Span=Span, Loud=Loud, Empty=Empty)


ACTIONS: dict[str, Callable[[Any], Any]] = {
    "created": lambda c: (c.Span("a", 1), c.Span("a", 1, 2), c.Span(path="a", start=1), c.Span("b", end=4, start=3), c.Loud(), c.Empty()),
    "again": lambda c: [c.Span("a", n) for n in range(3)],
    "too few": lambda c: c.Span("a"),
    "too many": lambda c: c.Span("a", 1, 2, 3),
    "unknown": lambda c: c.Span("a", 1, other=2),
    "twice": lambda c: c.Span("a", 1, start=2),
    "fields": lambda c: (c.Span("a", 1).path, c.Span("a", 1).end, c.Span("a", 1, 5).length, c.Span("a", 1).shown()),
    "of the class": lambda c: (c.Span._fields, c.Span._field_defaults, c.Span.__doc__, c.Empty._fields),
    "kind": lambda c: (type(c.Span), c.Span.__bases__, c.Span.__slots__, isinstance(c.Span("a", 1), tuple)),
    "set": lambda c: setattr(c.Span("a", 1), "path", "b"),
    "more": lambda c: setattr(c.Loud(), "other", "b"),
    "tuple": lambda c: (*c.Span("a", 1), c.Span("a", 1) == ("a", 1, None), hash(c.Span("a", 1)) == hash(("a", 1, None)), len(c.Empty())),
    "order": lambda c: sorted([c.Span("b", 1), c.Span("a", 2), c.Span("a", 1)]),
    "replaced": lambda c: (c.Span("a", 1)._replace(end=3), c.Span("a", 1)._replace(), type(c.Span("a", 1)._replace(end=3)) is c.Span),
    "dict": lambda c: c.Span("a", 1)._asdict(),
    "made": lambda c: c.Span._make(["a", 1, 2]),
    "repr": lambda c: (repr(c.Loud()), repr(c.Span("a", 1)), str(c.Empty())),
    "name": lambda c: (c.Span.__name__, c.Span.__module__),
    "copied": lambda c: (copy.copy(c.Span("a", 1)), copy.deepcopy(c.Span("a", [1]))),
}


def answer(name: str, base: Any) -> str:
    try:
        return repr(ACTIONS[name](classes(base)))
    except Exception as error:
        return type(error).__name__  # the words differ from version to version


@pytest.mark.parametrize("name", ACTIONS)
def test_it_is_as_the_standard_library_has_it(name: str) -> None:
    assert answer(name, named.NamedTuple) == answer(name, typing.NamedTuple)


class Pickled(named.NamedTuple):
    value: str
    rest: tuple[int, ...] = ()


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_it_goes_through_a_pipe(protocol: int) -> None:
    back = pickle.loads(pickle.dumps(Pickled("a", (1, 2)), protocol))
    assert (back, type(back)) == (Pickled("a", (1, 2)), Pickled)


def test_a_field_without_default_after_one_that_has_one_is_refused() -> None:
    with pytest.raises(TypeError, match="without default"):
        type(named.NamedTuple)("Wrong", (named.NamedTuple,), {"__annotations__": {"a": "int", "b": "int"}, "a": 1})


def test_what_is_not_there_is_not_replaced() -> None:
    with pytest.raises(TypeError, match="unexpected field names"):
        Pickled("a")._replace(**{"more": 1})  # type: ignore[arg-type]


def test_a_match_statement_knows_the_fields() -> None:
    assert Pickled.__match_args__ == ("value", "rest")
