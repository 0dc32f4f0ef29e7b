"""Facts of the parts of a tree: an environment over its registry, the roles of a file, one template. A process that judges a tree again
and again makes those of a part anew only if something that was asked for them has another answer than in the run before.

What is asked is of two kinds. That there is a file at some path, or none, is the shape of the tree: with another shape all is made anew.
What a file at a path says is noted, by the word for the question, while the facts of a part are made.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, TypeVar

from msgspec import Struct, field

from lwlint.core.source import Source

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
Answers = dict[str, dict[str, Any]]  # by path and by the word for the question
Loads = dict[tuple[str, str], Any]  # of files that were not given: by the word and the path
OUTLINE, UNDER, SERVICE, PROFILES = "outline", "under", "service", "profiles"
SOURCE, FILE = "source", "file"


class Noted(Struct):
    """What was asked while something was made."""

    asked: Answers = field(default_factory=dict)
    loads: Loads = field(default_factory=dict)

    def add(self, other: Noted) -> None:
        """Take what was asked for another thing as asked for this one too."""
        for path, answers in other.asked.items():
            self.asked.setdefault(path, {}).update(answers)
        self.loads.update(other.loads)


class Known(Struct):
    """What a run leaves for the next one: its parts, and the tree that they are of."""

    parts: dict[Hashable, tuple[Any, Noted]] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    of: object = None
    there: dict[str, bool] = field(default_factory=dict)  # paths that were not given, and whether there was a file


class Parts:
    """The parts of one run. Without what is `known` nothing is noted, and all is made."""

    def __init__(self, known: Known | None, sources: Sequence[Source], of: object, exists: Callable[[str], bool] | None) -> None:
        """`sources` are those that were given, `of` is what else all parts depend on; `exists` tells whether there is a file at a path."""
        self.answers: dict[str, Callable[[str], Any]] = {}
        self._known = known
        self._open: list[Noted] = []
        self._before: dict[Hashable, tuple[Any, Noted]] = {}
        self._now: dict[Hashable, tuple[Any, Noted]] = {}
        self._changed: list[str] = []
        self._exists = exists
        self._there: dict[str, bool] = {}
        self._absent: set[str] = set()
        self._loaded = 0  # how often a file was found that was not given: what is kept within a run must not hide one
        if known is None:
            return
        self._sources = {source.path: source for source in sources}
        self._of: object = of, [(source.path, source.kind, source.judged, source.host, source.root) for source in sources]
        if known.of == self._of and exists is not None and all(exists(path) == there for path, there in known.there.items()):
            self._before = known.parts
            self._there = dict(known.there)
            self._changed = [path for path, source in self._sources.items() if source != known.sources[path]]

    @property
    def noting(self) -> bool:
        """Whether what is asked matters to anybody."""
        return bool(self._open)

    def note(self, what: str, path: str, answer: T) -> T:
        """Note what was asked of a file that was given, and return the answer."""
        if self._open:
            self._open[-1].asked.setdefault(path, {})[what] = answer
        return answer

    def note_load(self, what: str, path: str, answer: object) -> None:
        """Note that a file was looked for that was not given."""
        if self._known is not None:
            if answer is None:
                self._absent.add(path)
                return
            self._loaded += 1
            if self._open:
                self._open[-1].loads[what, path] = answer

    def note_there(self, path: str, there: bool) -> bool:
        """Note that it was asked whether there is a file that was not given."""
        if self._known is not None:
            self._there[path] = there
        return there

    def once(self, kept: dict[K, T], key: K, make: Callable[[], T]) -> T:
        """Return what is kept within the run, or what is made and then kept: unless a file was loaded for it, which must be noted again."""
        if key in kept:
            return kept[key]
        loads = self._loaded
        value = make()
        if self._loaded == loads:
            kept[key] = value
        return value

    def made(self, make: Callable[[], T]) -> tuple[T, Noted]:
        """Return what is made, and what was asked for it."""
        self._open.append(Noted())
        try:
            value = make()
        finally:
            noted = self._open.pop()
        return value, noted

    def add(self, noted: Noted) -> None:
        """Note what was asked for something that is used again within the run."""
        if self._open:
            self._open[-1].add(noted)

    def of(self, key: Hashable, make: Callable[[], Iterable[T]]) -> Iterable[T]:
        """Return what `make` makes, or what it made in the run before if all that was asked for it is answered as it was then."""
        if self._known is None:
            return make()
        known = self._before.get(key)
        if known is None or self._is_other(known[1]):
            value, noted = self.made(lambda: tuple(make()))
            known = (known[0] if known is not None and known[0] == value else value), noted
        self._now[key] = known
        found: tuple[T, ...] = known[0]
        return found

    def keep(self) -> None:
        """Leave the parts of this run to the next one."""
        if self._known is None or self._exists is None:
            return
        there = {path: self._exists(path) for path in self._absent}
        if any(there.values()):  # something that is no file of Heat's may be one by then
            self._of = None
        self._known.parts, self._known.sources, self._known.of = self._now, self._sources, self._of
        self._known.there = {**self._there, **there}

    def _is_other(self, noted: Noted) -> bool:
        for path in self._changed:
            for what, answer in noted.asked.get(path, {}).items():
                if self.answers[what](path) != answer:
                    return True
        # last, as it loads the files: what is made anew would come this far, and load them as well
        return any(self.answers[what](path) != answer for (what, path), answer in noted.loads.items())
