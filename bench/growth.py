"""Print how the CPU time of a run grows with its input, for each shape that a stranger may send, and how much memory it takes.

Each shape is run at three sizes, one twice the last. The exponent is that of the CPU time beyond that of a run on nothing: 1 is in
proportion.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.shape import UNIT, Shape, file
from bench.shapes import SHAPES

MOST_EXPONENT = 1.2
MOST_MEMORY = 500  # MB
_ENOUGH = 0.6  # CPU seconds beyond a run on nothing, from which on an exponent can be told
_SHORT = 1.5  # CPU seconds of a run below which it is done once more
_ROUNDS = 3
_LONGEST = 60  # CPU seconds of one run
_LWLINT = (sys.executable, "-I", "-m", "lwlint")


class Figure(NamedTuple):
    """What was measured of one shape: its sizes, the CPU seconds beyond a run on nothing, the exponent and the most memory in MB.

    The exponent is None where even the largest run takes too little to tell.
    """

    sizes: tuple[int, ...]
    seconds: tuple[float, ...]
    exponent: float | None
    memory: float

    @property
    def met(self) -> bool:
        """Whether the shape is within the bounds."""
        return (self.exponent is None or self.exponent <= MOST_EXPONENT) and self.memory <= MOST_MEMORY


def measure(shape: Shape) -> Figure:
    """Return the figure of one shape, run at a quarter, a half and the whole of its size."""
    nothing = _nothing()
    sizes = tuple(max(1, shape.size // part) for part in (4, 2, 1))
    seconds: list[float] = []
    memory = 0.0
    for size in sizes:
        took, peak = _run(shape, size)
        if took < _SHORT:  # what else the machine does then weighs much: the least of some runs is the nearest
            took = min(took, *(_run(shape, size)[0] for _ in range(_ROUNDS - 1)))
        if took >= _LONGEST - 1:
            return Figure(sizes, (*seconds, took), math.inf, max(memory, peak))
        seconds.append(max(took - nothing, 0.001))
        memory = max(memory, peak)
    exponent = _exponent(sizes, seconds) if seconds[-1] >= _ENOUGH else None
    return Figure(sizes, tuple(seconds), exponent, memory)


def _exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Return the exponent over all sizes, or over the last two if that is less: what grows faster than its size does in both."""
    return min(math.log(seconds[-1] / seconds[i], sizes[-1] / sizes[i]) for i in (0, -2))


@functools.cache
def _nothing() -> float:
    """Return the CPU seconds of a run on next to nothing."""
    shape = Shape("nothing", 1, file(UNIT, lambda n: "[Service]\nExecStart=/x\n"))
    return min(_run(shape, 1)[0] for _ in range(_ROUNDS))


def _run(shape: Shape, size: int) -> tuple[float, float]:
    """Return the CPU seconds (user and system) and the most memory in MB of one run. Raises RuntimeError where lwlint failed."""
    folder = Path(tempfile.mkdtemp())
    try:
        with _within(folder):
            arguments = shape.make(folder, size)
        with open(folder.parent / f"{folder.name}.peak", "w+") as told:
            small = "import os, resource, sys\n"
            small += "pid = os.fork()\n"
            small += f"if not pid: resource.setrlimit(resource.RLIMIT_CPU, ({_LONGEST}, {_LONGEST})); os.execv(sys.argv[2], sys.argv[2:])\n"
            small += "_, status, used = os.wait4(pid, 0)\n"
            small += "open(sys.argv[1], 'w').write(f'{used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024} {status}')\n"
            command = (sys.executable, "-I", "-c", small, told.name, *_LWLINT, *arguments)
            done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
            seconds, memory, status = told.read().split()
        os.unlink(told.name)
        fits = int(status) in ((512, 9) if shape.refused else (0, 256, 9)) and b"Traceback" not in done.stderr
        if not fits:
            raise RuntimeError(f"{shape.name}: status {status}: {done.stderr.decode(errors='replace')[-300:]}")
        return float(seconds), float(memory)
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _within(folder: Path) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def row(shape: Shape, figure: Figure) -> str:
    """Return the row of one shape in the table."""
    seconds = " ".join(f"{each:.2f}" for each in figure.seconds)
    exponent = "too little" if figure.exponent is None else f"{figure.exponent:.2f}"
    return f"| {shape.name} | {figure.sizes[-1]:,} | {seconds} | {exponent} | {figure.memory:.0f} |"


HEAD = "| shape | how many | CPU seconds at a quarter, a half, all | exponent | memory, MB |\n|---|---|---|---|---|"


def main() -> int:
    """Print the table; fail for an exponent above 1.2, and for more than 500 MB."""
    parser = argparse.ArgumentParser(prog="bench.growth", description=__doc__)
    parser.add_argument("words", nargs="*", help="only shapes whose name has one of these in it")
    words = parser.parse_args().words
    print(HEAD)
    missed = []
    for shape in SHAPES:
        if words and not any(word in shape.name for word in words):
            continue
        try:
            figure = measure(shape)
        except RuntimeError as error:
            print(f"| {shape.name} | FAILED: {error} |", flush=True)
            missed.append(shape.name)
            continue
        print(row(shape, figure), flush=True)
        missed += [] if figure.met else [shape.name]
    print(f"\n{len(missed)} beyond the bounds" + "".join(f"\n- {name}" for name in missed))
    return 1 if missed else 0


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
