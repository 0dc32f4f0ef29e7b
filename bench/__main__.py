"""Print what lwlint costs against its limits: start-up, one file, a whole tree."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from bench.measure import PYTHON, medians

HERE = Path(__file__).resolve().parent.parent
COMPOSE = (
    "import sys, yaml, pathlib\n"
    "for path in sorted(pathlib.Path(sys.argv[1]).rglob('*.yaml')):\n"
    "    try:\n        yaml.compose(path.read_text('utf-8'), Loader=yaml.CSafeLoader)\n"
    "    except yaml.YAMLError:\n        pass\n"
)


def main() -> None:
    """Measure and print; a limit that is not met is said, and is no failure of the run."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    lwlint = (*PYTHON, "-m", "lwlint")
    small = medians(
        {
            "bare": (*PYTHON, "-c", "pass"),
            "version": (*lwlint, "--version"),
            "one": (*lwlint, "check", "--no-cache", "fixtures/lightweight/templates/puppet/services/nova-base.yaml"),
        },
        rounds,
        HERE,
    )
    bare = small["bare"]
    row("`lwlint --version`, CPU over a bare interpreter", (small["version"] - bare) * 1000, 60, "ms")
    row("one Heat file, CPU over a bare interpreter", (small["one"] - bare) * 1000, 150, "ms")
    pike = Path(os.environ.get("LWLINT_SHARED", HERE.parent / "shared")) / "corpus" / "tht" / "pike"
    if not pike.is_dir():
        print("SHARED MATERIAL IS MISSING: corpus/tht/pike; the whole tree is not measured")
        return
    tree = medians({"check": (*lwlint, "check", "--no-cache", "-j", "1", "."), "compose": (*PYTHON, "-c", COMPOSE, ".")}, rounds, pike)
    row("pike tree, x the CPU of composing its files with the C parser", tree["check"] / tree["compose"], 3, "x")


def row(what: str, value: float, limit: float, unit: str, *, at_least: bool = False) -> None:
    """Print one figure against its limit: the most that it may be, or the least."""
    met = value >= limit if at_least else value <= limit
    print(f"{what:64} {value:8.2f} {unit:2}  limit {limit:g}  {'met' if met else 'NOT MET'}")


if __name__ == "__main__":
    main()
