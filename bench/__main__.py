"""Print what lwlint costs against its limits, all of them ratios of one run; a limit that is not met fails it.

All of it is measured as its users have it: lwlint as a wheel of this tree, with its rules compiled, in an environment of its own, and
yamllint and the bare interpreter in the same one (`bench.install`).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench import archives
from bench.install import Installed, install
from bench.measure import COMPOSE, HERE, medians, row
from bench.peers import forget

VERSION, ONE_FILE, COLD, WARM = 35, 0.65, 1.8, 0.3  # ms over a bare interpreter, x yamllint, x composing, x cold
EDIT, EDIT_OF_ALL = 100, 0.2  # ms of an edit in an editor, x judging the tree anew
FILE = "puppet/services/keystone.yaml"


def main() -> int:
    """Measure and print; return 1 if a limit is not met, or if something that is measured against is missing."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    corpus = Path(os.environ.get("LWLINT_SHARED", HERE.parent / "shared")) / "corpus" / "tht"
    if not corpus.is_dir():
        print("SHARED MATERIAL IS MISSING: corpus/tht; nothing is measured")
        return 1
    with tempfile.TemporaryDirectory() as top:
        these = install(Path(top))
        small = corpus / "newton-after"
        print(f"modules of lwlint that a run on one file imports: {modules(these.lwlint, small)}")
        met = [*start(these, small, rounds), *tree(these, corpus / "pike", top, rounds)]
        met += [*edit(these, corpus / "pike", rounds), *packings(Path(top), max(1, rounds // 3))]
    return 0 if all(met) else 1


def modules(command: tuple[str, ...], small: Path) -> int:
    """Return how many modules of lwlint a run on one file imports."""
    python, *rest = command
    run = (python, "-X", "importtime", *rest, "check", "--no-cache", FILE)
    told = subprocess.run(run, cwd=small, capture_output=True, text=True, check=False).stderr
    return sum(line.rpartition("|")[2].strip().split(".")[0] == "lwlint" for line in told.splitlines())


def start(these: Installed, small: Path, rounds: int) -> Iterator[bool]:
    """Measure what a start costs, and one Heat file."""
    found = medians(
        {
            "bare": these.runs("pass"),
            "version": (*these.lwlint, "--version"),
            "one": (*these.lwlint, "check", "--no-cache", FILE),
            "yamllint": (*these.yamllint, FILE),
        },
        rounds,
        small,
    )
    yield row("`lwlint --version`, CPU over a bare interpreter", (found["version"] - found["bare"]) * 1000, VERSION, "ms")
    yield row("one Heat file, x yamllint", found["one"] / found["yamllint"], ONE_FILE, "x")


def tree(these: Installed, pike: Path, top: str, rounds: int) -> Iterator[bool]:
    """Measure a whole tree, of which nothing is known, and once more."""
    cache = os.path.join(top, "cache")
    check = (*these.lwlint, "check", "--cache-dir", cache, "-j", "1", ".")
    found = medians({"cold": check, "warm": check, "compose": (*these.runs(COMPOSE), ".")}, rounds, pike, before=partial(forget, cache))
    yield row("pike tree, x composing all its files with the C parser", found["cold"] / found["compose"], COLD, "x")
    apart = {"cold": (*these.lwlint, "check", "--cache-dir", cache, "."), "compose": (*these.runs(COMPOSE), ".")}
    clock = medians(apart, rounds, pike, clock=True, before=partial(forget, cache))
    yield row("the same by the clock, with as many processes as pay", clock["cold"] / clock["compose"], COLD, "x")
    yield row("pike tree, warm x cold", found["warm"] / found["cold"], WARM, "x")


def edit(these: Installed, pike: Path, rounds: int) -> Iterator[bool]:
    """Measure what a text that is not saved costs in an editor that has the whole tree open."""
    run = these.runs(f"import sys; sys.path.append({str(HERE)!r}); from bench.editor import main; main()")
    told = subprocess.run((*run, str(rounds)), cwd=pike, capture_output=True, text=True, check=True).stdout
    median, dearest, whole = map(float, told.split())
    yield row("an edit of the pike tree in an editor, the median of six files", median, EDIT, "ms")
    yield row("the same, the dearest of these files", dearest, EDIT, "ms")
    yield row("the same, x judging the tree anew", dearest / whole, EDIT_OF_ALL, "x")


def packings(top: Path, rounds: int) -> Iterator[bool]:
    """Measure the reading of archives of 200 MB and more."""
    plain = top / "report.tar"
    archives.build(plain, 200, 3000)
    for suffix in archives.LIMITS:
        yield bool(archives.reading(plain, suffix, archives.COPIES.get(suffix, (1,))[0], rounds))


if __name__ == "__main__":
    sys.exit(main())
