"""What parts of a run cost: measured only for those who ask, with the clock that they bring."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class Costs:
    """The seconds that each part of a run took by `clock`, by (`reader` or `rule`, name); without a clock nothing is measured."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock
        self.spent: dict[tuple[str, str], float] = {}

    @property
    def measured(self) -> bool:
        """Whether anybody asks for them."""
        return self._clock is not None

    @contextmanager
    def of(self, part: str, name: str) -> Iterator[None]:
        """Add what happens inside to the costs of `name`."""
        if self._clock is None:
            yield
            return
        start = self._clock()
        try:
            yield
        finally:
            self.spent[part, name] = self.spent.get((part, name), 0.0) + self._clock() - start

    def each(self, part: str, name: str, items: Iterable[T]) -> Iterable[T]:
        """Return `items`; what it takes to make them, and not what is done with them, is added to the costs of `name`."""
        return items if self._clock is None else self._each(part, name, iter(items))

    def _each(self, part: str, name: str, items: Iterator[T]) -> Iterator[T]:
        while True:
            with self.of(part, name):
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item
