"""Print what lwlint costs beside yamllint and PyYAML's C parser, and how its time and memory grow with the tree.

All of them are measured as their users have them (`bench.install`).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from bench.install import Installed, install
from bench.measure import COMPOSE, HERE, medians, peak, row

ONE = "puppet/services/keystone.yaml"
TELLING = ("resource_registry:", "connection", "retries", "docker_config", "container_config", "profile::pacemaker")
COMPOSE_TELLING = COMPOSE.replace(
    "    try:\n", f"    if not any(word in path.read_text('utf-8') for word in {TELLING}):\n        continue\n    try:\n"
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
        these, cache = install(Path(folder)), str(Path(folder) / "cache")
        one_file(these, corpus / "newton-after", cache, options.rounds)
        whole_tree(these, corpus / "pike", cache, options.rounds)
        change(these, corpus / "pike", Path(folder), options.rounds)
        growth(these, corpus / "pike", Path(folder), options.copies, max(1, options.rounds // 2))


def forget(cache: str, name: str) -> None:
    """Take what was kept of input out of the cache before a command that is to be cold: what is left is made of lwlint's own rules."""
    if name.startswith("cold"):
        for kept in (*Path(cache).glob("answer-*"), *Path(cache).glob("outlines-*")):
            kept.unlink()


def with_rules(these: Installed, cache: str, name: str) -> None:
    """Forget as `forget` does; and put the compiled rules aside for the command that is to read the rules from YAML."""
    forget(cache, name)
    for kept in ("rules", "services"):
        shown, hidden = these.rules / f"{kept}.compiled", these.rules / f"{kept}.aside"
        source, target = (shown, hidden) if name == "yaml" else (hidden, shown)
        if source.exists():
            source.rename(target)


def one_file(these: Installed, tree: Path, cache: str, rounds: int) -> None:
    """A hook's run on one file, which it has not seen before; the compiled rules are there, but for one command."""
    cached = (*these.lwlint, "check", "--cache-dir", cache, ONE)
    found = medians(
        {
            "bare": these.runs("pass"),
            "version": (*these.lwlint, "--version"),
            "yamllint": (*these.yamllint, ONE),
            "cold": cached,
            "warm": cached,
            "yaml": (*these.lwlint, "check", "--no-cache", ONE),
        },
        rounds,
        tree,
        before=partial(with_rules, these, cache),
    )
    row("`--version`, CPU over a bare interpreter", (found["version"] - found["bare"]) * 1000, 35, "ms")
    row("one Heat file, compiled rules, x yamllint", found["cold"] / found["yamllint"], 0.65, "x")
    row("the same file once more, x yamllint", found["warm"] / found["yamllint"], 0.5, "x")
    row("one Heat file, rules from YAML, x yamllint", found["yaml"] / found["yamllint"], 1.5, "x")


def whole_tree(these: Installed, tree: Path, cache: str, rounds: int) -> None:
    """The pike tree; yamllint takes so long that it runs once."""
    cached = (*these.lwlint, "check", "--cache-dir", cache)
    found = medians(
        {
            "cold": (*cached, "-j", "1", "."),
            "warm": (*cached, "."),
            "compose": (*these.runs(COMPOSE), "."),
            "telling": (*these.runs(COMPOSE_TELLING), "."),
        },
        rounds,
        tree,
        before=partial(forget, cache),
    )
    yamllint = medians({"yamllint": (*these.yamllint, ".")}, 0, tree, least=1)["yamllint"]
    row("pike tree, x composing all its files with the C parser", found["cold"] / found["compose"], 1.8, "x")
    row("pike tree, x composing those of a telling word only", found["cold"] / found["telling"], 1.8, "x")
    row("pike tree, warm x cold", found["warm"] / found["cold"], 0.3, "x")
    row("pike tree, yamllint x lwlint (more is better)", yamllint / found["cold"], 10, "x", at_least=True)


def change(these: Installed, tree: Path, folder: Path, rounds: int) -> None:
    """A commit on the tree with one line changed since: nothing known, and with the commit judged before, as by the last hook."""
    top, cache = folder / "changed", str(folder / "of-changed")
    shutil.copytree(tree, top)
    for command in (("init", "-q"), ("add", "-A"), ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "before")):
        subprocess.run(("git", *command), cwd=top, check=True)
    judged = (*these.lwlint, "check", "-j", "1", "--cache-dir", cache)
    number = iter(range(10_000))

    def edit(name: str) -> None:
        forget(cache, name)
        (top / ONE).write_text(f"{(tree / ONE).read_text('utf-8')}# {next(number)}\n", "utf-8")

    found = medians(
        {"cold run": (*judged, "."), "cold since": (*judged, "--since", "HEAD", "."), "since": (*judged, "--since", "HEAD", ".")},
        rounds,
        top,
        before=edit,
    )
    row("`--since`, nothing known, x a run that knows nothing", found["cold since"] / found["cold run"], 1.4, "x")
    row("`--since`, the commit judged before, x the same", found["since"] / found["cold run"], 1, "x")


def growth(these: Installed, tree: Path, folder: Path, most: int, rounds: int) -> None:
    """1, 2, 4 ... copies of the tree side by side: a line through the seconds, and the peak of memory."""
    sizes = [n for n in (1, 2, 4, 8) if n <= most]
    seconds, peaks = [], []
    for size in sizes:
        top = folder / f"copies{size}"
        for number in range(size):
            shutil.copytree(tree, top / f"tree{number}")
            for path in (top / f"tree{number}").rglob("*.yaml"):  # files of equal text are read once; these are to be none
                path.write_text(f"{path.read_text('utf-8')}\n# tree {number}\n", "utf-8")
        command = (*these.lwlint, "check", "--no-cache", "-j", "1", ".")
        seconds.append(medians({"check": command}, rounds, top)["check"])
        peaks.append(peak(command, top))
    mean_x, mean_y = sum(sizes) / len(sizes), sum(seconds) / len(seconds)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(sizes, seconds)) / max(1e-9, sum((x - mean_x) ** 2 for x in sizes))
    off = max(abs(mean_y + slope * (x - mean_x) - y) / y for x, y in zip(sizes, seconds))
    for size, second, peak_mb in zip(sizes, seconds, peaks):
        print(f"    {size} copies: {second:6.2f} s CPU, {peak_mb:4.0f} MB at the peak")
    row("growth: farthest from a straight line", off * 100, 10, "%")
    row(f"{sizes[-1]} copies: peak of memory", peaks[-1], 150, "MB")


if __name__ == "__main__":
    main()
