"""Facts: typed, frozen records of what is configured, for every check to read.

Every fact has `kind` (a word, of the class), `name`, `span` and `host`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Protocol, TypeVar

from lwlint.facts.service import Release, Service
from lwlint.source import Span


class Fact(Protocol):
    """What all facts share. `kind` is the word by which rules and `lwlint facts` know the type."""

    kind: ClassVar[str]

    @property
    def name(self) -> str: ...

    @property
    def span(self) -> Span: ...

    @property
    def host(self) -> str: ...


F = TypeVar("F", bound=Fact)


class Facts:
    """All facts of one run, by type, with the release and the services of the catalogue."""

    def __init__(self, facts: Iterable[Fact] = (), *, release: Release | None = None, services: Iterable[Service] = ()) -> None:
        self._by_type: dict[type, list[Fact]] = {}
        for fact in facts:
            self._by_type.setdefault(type(fact), []).append(fact)
        self.release = release or Release(None)
        self.services = tuple(services)

    def of(self, kind: type[F]) -> list[F]:
        """Return the facts of one type, in the order of their sources."""
        return self._by_type.get(kind, [])  # type: ignore[return-value]

    def __iter__(self) -> Iterator[Fact]:
        for facts in self._by_type.values():
            yield from facts
