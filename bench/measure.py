"""CPU time of whole processes, in turn, so that a busy machine slows both sides alike."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def cpu(command: Sequence[str], cwd: Path) -> float:
    """Return the CPU seconds (user and system) of one run of `command`; its output is thrown away."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, env=_environment())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONHASHSEED": "0"}


def medians(commands: Mapping[str, Sequence[str]], rounds: int, cwd: Path) -> dict[str, float]:
    """Return the median CPU seconds of each command over `rounds` rounds, after one that is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            seconds = cpu(command, cwd)
            if number:
                taken[name].append(seconds)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


PYTHON = (sys.executable, "-I")
