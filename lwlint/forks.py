"""Work spread over processes: by fork, which costs a few milliseconds; where there is none, all is done here.

What comes back is plain values by `marshal`, through a pipe of this process's own. A worker that fails, for whatever reason, leaves
its work to be done here, so that an answer never depends on it.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")
LEAST = 300  # items in all from which on a second process pays: forking, and what comes back, cost as much as reading 80 files
_MARSHAL = 2


def workers(jobs: int, items: int) -> int:
    """Return how many processes to use for so many items; `jobs` is how many the user wants, 0 for as many as pay."""
    if not hasattr(os, "fork"):
        return 1
    if jobs:
        return max(1, min(jobs, items))
    return max(1, min(_idle(), items * 2 // LEAST)) if items >= LEAST else 1


def spread(work: Callable[[T], Any], items: Sequence[T], number: int) -> list[Any]:
    """Return what `work` makes of each item, in their order; `number` processes do it, this one being the first."""
    if number < 2:
        return [work(item) for item in items]
    started = [_start(work, items[at::number]) for at in range(1, number)]
    done: list[Any] = [None] * len(items)
    try:
        done[::number] = [work(item) for item in items[::number]]
    finally:
        answers = [_answer(*one) for one in started]
    for at, answer in enumerate(answers, 1):
        own = items[at::number]
        done[at::number] = answer if isinstance(answer, list) and len(answer) == len(own) else [work(item) for item in own]
    return done


def _start(work: Callable[[T], Any], items: Sequence[T]) -> tuple[int, int]:
    """Fork a process that does its share; return its number, and where its answer can be read."""
    readable, writable = os.pipe()
    process = os.fork()
    if process:
        os.close(writable)
        return process, readable
    try:
        os.close(readable)
        with open(writable, "wb") as pipe:
            pipe.write(marshal.dumps([work(item) for item in items], _MARSHAL))
    finally:
        os._exit(0)  # not cleanly: everything here belongs to the process that was forked


def _answer(process: int, readable: int) -> Any:
    with open(readable, "rb") as pipe:
        data = pipe.read()
    os.waitpid(process, 0)
    with suppress(ValueError, EOFError, TypeError):
        return marshal.loads(data)
    return None


def _idle() -> int:
    """Return how many processors this process may use that others leave to it, going by the load of the last minute; one at least."""
    every = os.cpu_count() or 1
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else every
    try:
        load = os.getloadavg()[0]
    except OSError:
        load = 0.0
    return max(1, own - int(load * own / every))
