"""Work done in processes of their own, several at a time: one that dies takes only its own piece of the work down.

Processes are forked, so nothing is imported twice, and each ends with its piece, so that its memory is given back. None outlives
the process that forked it, however that one ends: each waits for the end of a pipe that nobody writes to. Where there is no fork
all is done in the process that asks.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar, Union

from msgspec import Struct

from lwlint.core.finding import ConfigurationError

T = TypeVar("T")
LEAST = 300  # items in all from which on a second process pays: forking, and what comes back, cost as much as reading 80 files
MEMORY = 1 << 30  # bytes of address space that a worker may ask for beyond those that it begins with
_MESSAGE = 17  # bytes: a letter and two numbers
_PROGRESS, _RESULT = b"P", b"R"
_EVERY = 0.05  # seconds between two words of progress

Told = Callable[[int, int], None]
Work = Callable[[int, Told], Any]


class Lost(Struct, frozen=True):
    """A piece of work whose process died; `because` says of what, as a clause (`the process that ... was ended by SIGKILL`)."""

    because: str


class _Worker(Struct, frozen=True):
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


def workers(jobs: int, items: int) -> int:
    """Return how many processes to use for so many small items; `jobs` is how many the user wants, 0 for as many as pay."""
    if not possible():
        return 1
    if jobs:
        return max(1, min(jobs, items))
    return max(1, min(_idle(), items * 2 // LEAST)) if items >= LEAST else 1


@contextmanager
def hold_signals() -> Iterator[Collection[int]]:
    """Let the signals that end a process wait while the `with` block runs, where the platform can; yield those that waited before.

    Python raises KeyboardInterrupt between any two lines. In what it runs by itself, as after a fork, it can only print it and forget
    it: the run would go on, with a traceback on the screen.

    Any thread may take a signal, and the first one then calls the handler in Python: so where that one asks, the signal is noted, and
    comes again behind the block, also where it has no handler and just ends the process (SIGTERM).
    """
    import signal

    if not hasattr(signal, "pthread_sigmask"):
        yield ()
        return
    noted: list[int] = []
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    heeded = {one: handler for one in _ending() if callable(handler := signal.getsignal(one)) or handler is signal.SIG_DFL}
    try:  # from here on: a signal that came just before is raised by the first call that changes something
        _heed(dict.fromkeys(heeded, lambda number, frame: noted.append(number)))
        signal.pthread_sigmask(signal.SIG_BLOCK, _ending())
        yield before
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        _heed(heeded)
        _come_again(noted)


def _ending() -> Collection[int]:
    """Return the signals by which a user ends a process; that of Ctrl-C comes last."""
    import signal

    return tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name))


def _heed(handlers: Mapping[int, Any]) -> None:
    """Have signals handled so. Only the first thread can say that, as it alone handles them; from another one nothing is done."""
    import signal

    with suppress(ValueError):
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _come_again(noted: Collection[int]) -> None:
    """Send this process the signals that were noted, for the handlers that it has now."""
    import signal

    for number in _ending():
        if number in noted:
            signal.raise_signal(number)


_FOLDERS: list[Callable[[], None]] = []  # what takes away each temporary folder that is there


@contextmanager
def temporary_folder() -> Iterator[str]:
    """Make a folder that only this user may look into, yield its path, and take it away with all that is in it.

    It is taken away even when Ctrl-C, SIGTERM or SIGHUP ends the process, at whatever moment; only SIGKILL leaves it. So SIGTERM, which
    would end the process at once, leaves the `with` block as Ctrl-C does, and ends the process after it. KeyboardInterrupt may also
    come when Python is about to leave the block, and has called nothing yet: `take_away_folders` is for that. Raises ConfigurationError.
    """
    import signal
    import tempfile

    made: tempfile.TemporaryDirectory[str] | None = None
    waiting, noted = True, list[int]()
    before = {one: handler for one in _ending() if callable(handler := signal.getsignal(one)) or handler is signal.SIG_DFL}

    def come(number: int, frame: Any) -> None:
        handler = before[number]
        if waiting or not callable(handler):
            noted.append(number)
        if not waiting:
            (handler if callable(handler) else signal.default_int_handler)(number, frame)

    def take_away() -> None:
        nonlocal waiting
        waiting = True
        if take_away in _FOLDERS:
            try:
                if made is not None:
                    made.cleanup()
            finally:
                _FOLDERS.remove(take_away)
                _heed(before)
                _come_again(noted)

    _FOLDERS.append(take_away)
    try:
        _heed(dict.fromkeys(before, come))
        try:
            made = tempfile.TemporaryDirectory(prefix="lwlint-")
        except OSError as error:
            raise ConfigurationError(f"no temporary folder can be made ({error.strerror}); `TMPDIR` says where") from None
        waiting = False
        if noted:
            raise KeyboardInterrupt
        yield made.name
    finally:
        waiting = True  # first of all: up to here Python has not looked for signals
        take_away()


def unwritable(folder: str, why: str | None) -> ConfigurationError:
    """Return the error that says that a temporary folder cannot be written."""
    return ConfigurationError(f"`{folder}`: cannot be written ({why}); `TMPDIR` says where temporary folders are made")


def take_away_folders() -> None:
    """Take away the temporary folders that are still there, for a process that is about to end."""
    while _FOLDERS:
        _FOLDERS[-1]()


def spread(work: Callable[[T], Any], items: Sequence[T], number: int) -> list[Any]:
    """Return what `work` makes of each item, in their order; `number` processes do it, this one being the first.

    What a worker that died should have done is done here, so that an answer never depends on it.
    """
    if number < 2:
        return [work(item) for item in items]
    done: list[Any] = [None] * len(items)
    with Pool(lambda at, told: [work(item) for item in items[at + 1 :: number]], number - 1, number - 1) as pool:
        done[::number] = [work(item) for item in items[::number]]
        for at, answer in enumerate(pool, 1):
            done[at::number] = [work(item) for item in items[at::number]] if isinstance(answer, Lost) else answer
    return done


def _nobody(number: int, first: int, second: int) -> None:
    """Hear of progress, and say nothing."""


class Pool:
    """What `work` returns for 0, 1, ... `count` - 1, in this order, done by up to `workers` processes at a time.

    The first of them begin with the `with` block; another one begins when a result is waited for and one has ended, so that no more
    results wait than were asked for. `told` is told the number of a piece and the two numbers that its work told. A worker still at
    work at the end of the block is ended.
    """

    def __init__(self, work: Work, count: int, workers: int, told: Callable[[int, int, int], None] = _nobody) -> None:
        self._work = work
        self._count = count
        self._workers = workers
        self._told = told
        self._life: tuple[int, int] = (-1, -1)
        self._running: dict[int, _Worker] = {}  # by the pipe that its words come through
        self._done: dict[int, Any] = {}
        self._started = 0

    def __enter__(self) -> "Pool":
        self._life = os.pipe()
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._running.values():
            os.kill(worker.process, 9)
            os.waitpid(worker.process, 0)
            os.close(worker.pipe)
        for end in self._life:
            os.close(end)

    def __iter__(self) -> Iterator[Union[Any, Lost]]:
        """Yield each result, or why there is none."""
        for wanted in range(self._count):
            while wanted not in self._done:
                self._start()
                if self._running:
                    self._hear()
            yield self._done.pop(wanted)

    def _start(self) -> None:
        """Start workers until there are as many as there may be."""
        while self._started < self._count and len(self._running) < self._workers:
            try:
                with hold_signals() as waiting:
                    worker = _fork(self._work, self._started, self._life, tuple(self._running), waiting)
                    self._running[worker.pipe] = worker
                    self._started += 1
            except OSError as error:  # as many processes as there may be, or no memory for one more
                if self._running:
                    return
                self._done[self._started] = Lost(f"no process could be started for it ({error.strerror})")
                self._started += 1

    def _hear(self) -> None:
        """Wait for a word of the workers; pass on what is progress, and keep what is a result."""
        import select

        for pipe in select.select(list(self._running), [], [])[0]:
            worker = self._running[pipe]
            message = os.read(pipe, _MESSAGE)
            if message[:1] == _PROGRESS and len(message) == _MESSAGE:
                self._told(worker.number, int.from_bytes(message[1:9], "big"), int.from_bytes(message[9:], "big"))
                continue
            result = _result(pipe) if message[:1] == _RESULT else None
            del self._running[pipe]  # first: whoever is interrupted from here on has no worker to end, for this one ends by itself
            status = os.waitpid(worker.process, 0)[1]
            os.close(pipe)
            self._done[worker.number] = Lost(_end(status)) if result is None else result[0]


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


def _fork(work: Work, number: int, life: tuple[int, int], others: tuple[int, ...], waiting: Collection[int]) -> _Worker:
    """Return a worker. The signals that the caller has let wait end it when it begins to work, but for those in `waiting`."""
    pipe, sink = os.pipe()
    try:
        process = os.fork()
    except OSError:
        os.close(pipe)
        os.close(sink)
        raise
    if not process:
        code = 1
        try:
            for end in (pipe, life[1], *others):
                os.close(end)
            _work(work, number, sink, life[0], waiting)
            code = 0
        finally:
            os._exit(code)
    os.close(sink)
    return _Worker(number, process, pipe)


def _work(work: Work, number: int, sink: int, life: int, waiting: Collection[int]) -> None:
    """Do one piece of work in a process of its own, and send what comes of it."""
    import _thread
    import pickle  # nosec B403 -- for the process that forked this one
    import signal
    import time

    for one in _ending():
        if one == signal.SIGTERM or signal.getsignal(one) is not signal.SIG_IGN:  # as for what runs in the background of a shell
            signal.signal(one, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):  # only now: by what the parent does with a signal, this one would print a traceback
        signal.pthread_sigmask(signal.SIG_SETMASK, waiting)
    _thread.start_new_thread(end_with, (life,))
    limit_memory()
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


def end_with(life: int) -> None:
    """End this process when the one that forked it has ended: nobody else holds the other end of the pipe."""
    os.read(life, 1)
    os._exit(1)


def limit_memory(more: int = MEMORY) -> None:
    """Let this process ask for so many `more` bytes and no more, where the platform can hold it to that."""
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        bounds = [bound for bound in (soft, hard) if bound != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_AS, (min([now + more, *bounds]), hard))
    except (ImportError, OSError, ValueError):
        return


def _idle() -> int:
    """Return how many processors this process may use that others leave to it, going by the load of the last minute; one at least."""
    every = os.cpu_count() or 1
    own = cores()
    try:
        load = os.getloadavg()[0]
    except OSError:
        load = 0.0
    return max(1, own - int(load * own / every))
