"""Archives read for an audit, in this process or in workers; one that could not be read says why and leaves the others alone."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Union, cast

from lwlint.assemble.sos_paths import WANTED
from lwlint.audit import workers
from lwlint.audit.workers import Lost
from lwlint.named import NamedTuple
from lwlint.parse.archive import Archive, read_archive

Told = Callable[[str, int, int, int], None]
"""Is told of a file, how many bytes of it were read, how many it has, and how many members were seen."""


class Unread(NamedTuple):
    """An archive of which nothing was read; `because` says why, as a predicate. `trace` is that of a defect of lwlint."""

    because: str
    trace: str = ""


def read_archives(paths: Sequence[str], told: Told, jobs: int | None = 1) -> Iterator[Union[Archive, Unread]]:
    """Yield what is in each archive, in the order of `paths`, or why it was not read.

    `jobs` is how many are read at a time, each in a process of its own; None: as many as there are cores, and memory is free for.
    One by itself is then read in this process.
    """
    sizes = [_size(path) for path in paths]
    for path, size in zip(paths, sizes):
        told(path, 0, size, 0)
    at_once = min(len(paths), workers.cores(), workers.room()) if jobs is None else min(len(paths), jobs)
    threads = workers.cores() >= 2 * max(1, at_once)  # a core that nothing else is for
    if (jobs or at_once) < 2 or not paths or not workers.possible():
        for path, size in zip(paths, sizes):
            yield _read(path, lambda read, seen, path=path, size=size: told(path, read, size, seen), threads)  # type: ignore[misc]
            told(path, size, size, 0)
        return

    order = sorted(range(len(paths)), key=lambda i: -sizes[i])  # the longest first, so that none is left alone at the end

    def tell(number: int, read: int, seen: int) -> None:
        told(paths[order[number]], read, sizes[order[number]], seen)

    found = workers.results(lambda number, tell_: _read(paths[order[number]], tell_, threads), len(paths), at_once, tell)
    done: dict[int, Union[Archive, Unread]] = {}
    for i, one in zip(order, found):
        done[i] = Unread(f"was not read: {one.because}") if isinstance(one, Lost) else one
        told(paths[i], sizes[i], sizes[i], 0)
    yield from (done[i] for i in range(len(paths)))


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _read(path: str, told: Callable[[int, int], None], threads: bool) -> Union[Archive, Unread]:
    try:
        return read_archive(lambda: _opened(path), path, WANTED, told=told, threads=threads)
    except OSError as error:
        return Unread(f"file cannot be read ({error.strerror or error})")
    except MemoryError:
        return Unread("was not read: there was not enough memory for it")
    except Exception as error:  # the other archives are judged all the same
        return Unread(f"was not read, by a defect of lwlint: {type(error).__name__}: {error}", traceback.format_exc())


def _opened(path: str) -> BinaryIO:
    return cast("BinaryIO", open(path, "rb", buffering=0))
