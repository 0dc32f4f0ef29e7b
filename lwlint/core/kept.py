"""What the runs of one process have in common: a result is used again as long as all that was asked for it is answered as it was.

It is for a process that judges one folder again and again, as an editor's does. Whatever a result follows from is asked for by a
question, and the answers are kept with it; so it is told by construction what an edit can change.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")
Ask = Callable[[Hashable], Any]


class Kept:
    """Results of the last run and of this one, each with the questions that were asked for it and their answers."""

    def __init__(self) -> None:
        self._before: dict[Hashable, tuple[Any, dict[Hashable, Any]]] = {}
        self._now: dict[Hashable, tuple[Any, dict[Hashable, Any]]] = {}
        self._values: dict[Hashable, Any] = {}

    def begin(self) -> None:
        """Begin a run: what the last one did not use is forgotten."""
        self._before, self._now = self._now, {}

    def forget(self) -> None:
        """Forget all results."""
        self._before, self._now = {}, {}

    def result(self, key: Hashable, ask: Ask, make: Callable[[Ask], T], *, changes: Callable[[Hashable], bool] | None = None) -> T:
        """Return what `make` makes of the answers that it is given; what the last run made, if `ask` answers as it did then.

        `changes` tells of a question whether its answer may be another one; without it any may.
        """
        known = self._before.get(key)
        if known is None or any(
            not _same(ask(question), answer) for question, answer in known[1].items() if changes is None or changes(question)
        ):
            answers: dict[Hashable, Any] = {}

            def noted(question: Hashable) -> Any:
                if question not in answers:
                    answers[question] = ask(question)
                return answers[question]

            known = make(noted), answers
        self._now[key] = known
        result: T = known[0]
        return result

    def steady(self, key: Hashable, value: T) -> T:
        """Return the value that was given for the key before, if this one is equal to it."""
        before = self._values.get(key)
        if before is not None and _same(before, value):
            known: T = before
            return known
        self._values[key] = value
        return value


def _same(one: Any, other: Any) -> bool:
    return one is other or bool(one == other)


class Memory:
    """All that is kept between the runs of one process on one folder.

    `taken` is what became of the bytes of a file, `rules` what each rule said.
    """

    def __init__(self) -> None:
        self.taken: dict[Hashable, Any] = {}
        self.rules = Kept()

    def begin(self) -> None:
        """Begin a run."""
        self.rules.begin()
