"""CPU time of whole processes, in turn, so that a busy machine slows both sides alike."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def cpu(command: Sequence[str], cwd: Path) -> float:
    """Return the CPU seconds (user and system) of one run of `command`; its output is thrown away.

    Raises RuntimeError for a command that did not do its work: an exit code of 2 or more, as of lwlint and yamllint.
    """
    return taken(command, cwd)[0]


def taken(command: Sequence[str], cwd: Path) -> tuple[float, float]:
    """Return the CPU seconds and the seconds by the clock of one run, as `cpu` does."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, env=_environment())
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr.decode(errors='replace')[-300:]}")
    clock = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, clock


def peak(command: Sequence[str], cwd: Path) -> float:
    """Return the most memory in MB (resident) that one process of a run of `command` takes; its output is thrown away.

    Raises RuntimeError as `cpu` does.
    """
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "kilobytes"
        taken((*PEAK, str(told), *command), cwd)
        return int(told.read_text("utf-8")) / 1024


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONHASHSEED": "0"}


def medians(
    commands: Mapping[str, Sequence[str]],
    rounds: int,
    cwd: Path,
    *,
    least: int = 0,
    clock: bool = False,
    before: Callable[[str], object] = lambda name: None,
) -> dict[str, float]:
    """Return the median CPU seconds (by the `clock`: seconds) of each command over `rounds` rounds, after one that is not counted.

    That one counts if `least` is 1. `before` is told each time which command comes next.
    """
    figures: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            before(name)
            seconds = taken(command, cwd)[clock]
            if number or least:
                figures[name].append(seconds)
    return {name: statistics.median(seconds) for name, seconds in figures.items()}


def row(what: str, value: float, limit: float, unit: str, *, at_least: bool = False) -> bool:
    """Print one figure against its limit: the most that it may be, or the least. Return whether it is met."""
    met = value >= limit if at_least else value <= limit
    print(f"{what:64} {value:8.2f} {unit:2}  limit {limit:g}  {'met' if met else 'NOT MET'}", flush=True)
    return met


HERE = Path(__file__).resolve().parent.parent
PYTHON = (sys.executable, "-I")
COMPOSE = (
    "import sys, yaml, pathlib\n"
    "for path in sorted(pathlib.Path(sys.argv[1]).rglob('*.yaml')):\n"
    "    try:\n        yaml.compose(path.read_text('utf-8'), Loader=yaml.CSafeLoader)\n"
    "    except yaml.YAMLError:\n        pass\n"
)
# Runs a command and writes its peak, kilobytes, to a file. A process starts with the peak of the one that started it (getrusage(2),
# exec(2)), so that only a small one between can tell what the command took.
PEAK = (
    *PYTHON,
    "-c",
    "import resource, subprocess, sys\n"
    "done = subprocess.run(sys.argv[2:])\n"
    "with open(sys.argv[1], 'w') as told:\n"
    "    told.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))\n"
    "sys.exit(done.returncode)\n",
)
