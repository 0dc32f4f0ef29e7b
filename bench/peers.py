"""Print what lwlint costs beside yamllint and PyYAML's C parser, and how its time and memory grow with the tree."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.__main__ import COMPOSE, HERE, row
from bench.measure import PYTHON, medians

LWLINT = (*PYTHON, "-m", "lwlint")
YAMLLINT = (*PYTHON, "-m", "yamllint")
ONE = "puppet/services/keystone.yaml"
PEAK = (
    "import resource, subprocess, sys\n"
    "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)\n"
)


def main() -> None:
    """Measure and print; a limit that is not met is said, and is no failure of the run."""
    parser = argparse.ArgumentParser(prog="bench.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--copies", type=int, default=8, help="the most copies of the tree for the growth (1, 2, 4 ...)")
    options = parser.parse_args()
    corpus = Path(os.environ.get("LWLINT_SHARED", HERE.parent / "shared")) / "corpus" / "tht"
    if not corpus.is_dir():
        print("SHARED MATERIAL IS MISSING: corpus/tht; nothing is measured")
        return
    with tempfile.TemporaryDirectory() as folder:
        one_file(corpus / "newton-after", folder, options.rounds)
        whole_tree(corpus / "pike", folder, options.rounds)
        growth(corpus / "pike", Path(folder), options.copies, max(1, options.rounds // 2))


def one_file(tree: Path, cache: str, rounds: int) -> None:
    """A hook's run on one file; warm is with the compiled rules in the cache, as after any first run or in a wheel."""
    warm = (*LWLINT, "check", "--cache-dir", cache, ONE)
    found = medians(
        {
            "bare": (*PYTHON, "-c", "pass"),
            "version": (*LWLINT, "--version"),
            "yamllint": (*YAMLLINT, ONE),
            "warm": warm,
            "cold": (*LWLINT, "check", "--no-cache", ONE),
        },
        rounds,
        tree,
    )
    row("`--version`, CPU over a bare interpreter", (found["version"] - found["bare"]) * 1000, 30, "ms")
    row("one Heat file, compiled rules, x yamllint", found["warm"] / found["yamllint"], 0.5, "x")
    row("one Heat file, rules from YAML, x yamllint", found["cold"] / found["yamllint"], 1.5, "x")


def whole_tree(tree: Path, cache: str, rounds: int) -> None:
    """The pike tree; yamllint takes so long that it runs once."""
    found = medians(
        {"check": (*LWLINT, "check", "--cache-dir", cache, "."), "compose": (*PYTHON, "-c", COMPOSE, ".")},
        rounds,
        tree,
    )
    yamllint = medians({"yamllint": (*YAMLLINT, ".")}, 0, tree, least=1)["yamllint"]
    row("pike tree, x the CPU of composing all its files with the C parser", found["check"] / found["compose"], 1.5, "x")
    row("pike tree, yamllint x lwlint (more is better)", yamllint / found["check"], 10, "x", at_least=True)


def growth(tree: Path, folder: Path, most: int, rounds: int) -> None:
    """1, 2, 4 ... copies of the tree side by side: a line through the seconds, and the peak of memory."""
    sizes = [n for n in (1, 2, 4, 8) if n <= most]
    seconds, peaks = [], []
    for size in sizes:
        top = folder / f"copies{size}"
        for number in range(size):
            shutil.copytree(tree, top / f"tree{number}")
        command = (*LWLINT, "check", "--cache-dir", str(folder), ".")
        seconds.append(medians({"check": command}, rounds, top)["check"])
        peak = subprocess.run((sys.executable, "-c", PEAK, *command), cwd=top, capture_output=True, text=True, check=True)
        peaks.append(int(peak.stdout))
    mean_x, mean_y = sum(sizes) / len(sizes), sum(seconds) / len(seconds)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(sizes, seconds)) / max(1e-9, sum((x - mean_x) ** 2 for x in sizes))
    off = max(abs(mean_y + slope * (x - mean_x) - y) / y for x, y in zip(sizes, seconds))
    for size, second, peak_mb in zip(sizes, seconds, peaks):
        print(f"    {size} copies: {second:6.2f} s CPU, {peak_mb:4d} MB at the peak")
    row("growth: farthest from a straight line", off * 100, 10, "%")
    row(f"{sizes[-1]} copies: peak of memory", peaks[-1], 150, "MB")


if __name__ == "__main__":
    main()
