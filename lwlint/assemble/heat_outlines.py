"""The outlines of a run, by what they are made of: equal files share one, and a cache keeps them for the next run.

An entry of the cache holds all outlines of one run, for the same paths in the same folder. Its name is the hash of these and of
the readers, each outline's that of the text: nothing in it can be stale, and what is damaged is not found and made again.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from lwlint.assemble.heat_keys import Parameters
from lwlint.assemble.heat_outline import Outline, Refusal, as_plain, from_plain, outline
from lwlint.cache import Cache, described, digest
from lwlint.forks import spread, workers
from lwlint.parse.jinja import is_jinja
from lwlint.record import dataclass, field
from lwlint.source import Source

_MARSHAL = 2  # as old as Python 3: every version reads it
_FEW = 4  # files whose outlines are made as fast as they are kept
_READERS = ("", "assemble", "parse")  # the folders with all that an outline is made by


@dataclass(frozen=True)
class Kept:
    """Where outlines are kept between runs: the cache, and what the run is of (its folder and paths)."""

    cache: Cache = Cache()
    of: tuple[str, ...] = ()


@dataclass
class Outlines:
    """Outlines by the hash of what they are made of; those of `made` are plain values and come from the cache or for it."""

    kept: Kept = field(default_factory=Kept)
    found: dict[bytes, Outline | Refusal] = field(default_factory=dict)
    made: dict[bytes, Any] | None = None
    name: str = ""
    fresh: int = 0

    def of(self, source: Source, parameters: Parameters) -> Outline | Refusal:
        """Return the outline of `source`."""
        key = _key(source, parameters)
        if key not in self.found:
            made = self._made()
            plain = made.get(key)
            if plain is None:
                self.found[key] = outline(source, parameters)
                self.fresh += 1
            else:
                self.found[key] = from_plain(plain)
        return self.found[key]

    def prepare(self, sources: Sequence[Source], parameters: Parameters, jobs: int) -> None:
        """Make the outlines of `sources` that are not known yet, in several processes if there are enough of them."""
        if workers(jobs, len(sources)) == 1:
            return
        made = self._made()
        missing = {key: source for source in sources if (key := _key(source, parameters)) not in self.found and key not in made}
        number = workers(jobs, len(missing))
        if number > 1:
            plain = spread(lambda source: as_plain(outline(source, parameters)), list(missing.values()), number)
            self.found.update(zip(missing, map(from_plain, plain)))
            self.fresh += len(missing)

    def keep(self) -> None:
        """Keep the outlines of this run for the next, if there are any that the last one has not kept."""
        if not self.fresh or len(self.found) < _FEW or self.kept.cache.folder is None:
            return
        made = self._made()
        plain = {key: made[key] if key in made else as_plain(found) for key, found in self.found.items()}
        self.kept.cache.put(self._name(), marshal.dumps(plain, _MARSHAL))
        self.made, self.fresh = plain, 0

    def _made(self) -> dict[bytes, Any]:
        if self.made is None:
            self.made = {}
            data = self.kept.cache.get(self._name()) if self.kept.cache.folder is not None else None
            if data is not None:
                with suppress(ValueError, EOFError, TypeError):
                    self.made = marshal.loads(data)
        return self.made

    def _name(self) -> str:
        if not self.name:
            self.name = self._named()
        return self.name

    def _named(self) -> str:
        here = os.path.dirname(os.path.dirname(__file__))
        told = described([os.path.join(here, name) for name in _READERS], ("yaml",))
        return f"outlines-{digest(repr((told, os.getcwd(), self.kept.of)).encode('utf-8', 'surrogateescape')).hex()}"


def _key(source: Source, parameters: Parameters) -> bytes:
    head = b"%d %s\n" % (is_jinja(source.path), parameters.digest())
    return digest(head + source.text.encode("utf-8", "surrogatepass"))
