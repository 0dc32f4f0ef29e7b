"""Work done in processes of their own, a piece of it in each, several at a time: one that dies takes only its own piece down.

Processes are forked, so nothing is imported twice, and each ends with its piece, so that its memory is given back. None outlives
the process that forked it, however that one ends: each waits for the end of a pipe that nobody writes to.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar, Union

from lwlint.core.named import NamedTuple

MEMORY = 1 << 30  # bytes of address space that a worker may ask for beyond those that it begins with
_MESSAGE = 17  # bytes: a letter and two numbers
_PROGRESS, _RESULT = b"P", b"R"
_EVERY = 0.05  # seconds between two words of progress

Told = Callable[[int, int], None]
Work = Callable[[int, Told], Any]


class Lost(NamedTuple):
    """A piece of work whose process died; `because` says of what, as a clause (`the process that ... was ended by SIGKILL`)."""

    because: str


class _Worker(NamedTuple):
    number: int
    process: int
    pipe: int


def possible() -> bool:
    """Return whether this platform has what workers need."""
    return hasattr(os, "fork") and hasattr(os, "waitpid")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def room() -> int:
    """Return how many workers the memory has room for that is free now, at half of their bound; many where that is not told."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            free = next(int(line.split()[1]) for line in file if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return 1 << 16
    return max(1, free * 1024 // (MEMORY // 2))


def results(work: Work, count: int, workers: int, told: Callable[[int, int, int], None]) -> Iterator[Union[Any, Lost]]:
    """Yield what `work` returns for 0, 1, ... `count` - 1, in this order, done by up to `workers` processes at a time.

    `told` is told the number of a piece and the two numbers that its work told. A worker still at work when the iterator is closed
    is ended.
    """
    life = os.pipe()
    running: dict[int, _Worker] = {}
    done: dict[int, Any] = {}
    started = 0
    try:
        for wanted in range(count):
            while wanted not in done:
                while started < count and len(running) < workers:
                    worker = _start_worker(work, started, life, tuple(running))
                    running[worker.pipe] = worker
                    started += 1
                for number, result in _heard(running, told):
                    done[number] = result
            yield done.pop(wanted)
    finally:
        for worker in running.values():
            os.kill(worker.process, 9)
            os.waitpid(worker.process, 0)
            os.close(worker.pipe)
        for end in life:
            os.close(end)


def _heard(running: dict[int, _Worker], told: Callable[[int, int, int], None]) -> Iterator[tuple[int, Any]]:
    """Wait for a word of the workers, pass on what is progress, and yield what is a result."""
    import select

    for pipe in select.select(list(running), [], [])[0]:
        worker = running[pipe]
        message = os.read(pipe, _MESSAGE)
        if message[:1] == _PROGRESS and len(message) == _MESSAGE:
            told(worker.number, int.from_bytes(message[1:9], "big"), int.from_bytes(message[9:], "big"))
            continue
        result = _result(pipe) if message[:1] == _RESULT else None
        del running[pipe]  # first: whoever is interrupted from here on has no worker to end, for this one ends by itself
        status = os.waitpid(worker.process, 0)[1]
        os.close(pipe)
        yield worker.number, Lost(_end(status)) if result is None else result[0]


def _result(pipe: int) -> tuple[Any] | None:
    """Return the result that comes through the pipe; None where the worker died over it."""
    import pickle  # nosec B403 -- of a process that this one forked

    with os.fdopen(pipe, "rb", closefd=False) as file:
        try:
            return (pickle.load(file),)  # nosec B301 -- of a process that this one forked
        except (EOFError, pickle.UnpicklingError):
            return None


def _end(status: int) -> str:
    import signal

    if not os.WIFSIGNALED(status):
        return f"the process that read it ended with exit code {os.WEXITSTATUS(status)}"
    number = os.WTERMSIG(status)
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    short = ", as the kernel does when memory is short" if name == "SIGKILL" else ""
    return f"the process that read it was ended by {name}{short}"


def _start_worker(work: Work, number: int, life: tuple[int, int], others: tuple[int, ...]) -> _Worker:
    pipe, sink = os.pipe()
    process = os.fork()
    if not process:
        code = 1
        try:
            for end in (pipe, life[1], *others):
                os.close(end)
            _work(work, number, sink, life[0])
            code = 0
        finally:
            os._exit(code)
    os.close(sink)
    return _Worker(number, process, pipe)


def _work(work: Work, number: int, sink: int, life: int) -> None:
    """Do one piece of work in a process of its own, and send what comes of it."""
    import _thread
    import pickle  # nosec B403 -- for the process that forked this one
    import signal
    import time

    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as for what runs in the background of a shell
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    _thread.start_new_thread(_end_with, (life,))
    _limit()
    last = 0.0

    def told(first: int, second: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _EVERY:
            last = now
            os.write(sink, _PROGRESS + first.to_bytes(8, "big") + second.to_bytes(8, "big"))

    result = work(number, told)
    with os.fdopen(sink, "wb") as file:
        file.write(_RESULT + bytes(_MESSAGE - 1))
        pickle.dump(result, file, protocol=5)


def _end_with(life: int) -> None:
    """End this process when the one that forked it has ended: nobody else holds the other end of the pipe."""
    os.read(life, 1)
    os._exit(1)


def _limit() -> None:
    """Let this process ask for MEMORY more bytes and no more, where the platform can hold it to that."""
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        bounds = [bound for bound in (soft, hard) if bound != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_AS, (min([now + MEMORY, *bounds]), hard))
    except (ImportError, OSError, ValueError):
        return


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
        return marshal.loads(data)  # nosec B302 -- of a process that this one forked
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
