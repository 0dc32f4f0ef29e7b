"""Move one real cluster from full HA to lightweight in two ways, and print what each costs: seconds, failed requests, processes ended.

The plan's script goes first and is taken back by its undo; then the order of upstream's own scripts for the same upgrade: constraints
away in maintenance mode, each service disabled and deleted, and its unit started by systemd. As root: `python -m bench.cluster`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

from tests.cluster.cloud import CORE, LEAVING, NODES, Cloud, full_ha
from tests.cluster.lab import asked, failures, lacking, probing

LWLINT = f"{sys.executable} -m lwlint"
SECONDS = 1800.0  # that one way may take
TOGETHER = 1.0  # seconds between two failures of one API that belong to one outage


def main() -> int:
    """Run both ways; return 1 where this machine cannot hold the cluster, or a way does not end."""
    missing = lacking()
    if missing:
        print(f"NOT RUN ON A REAL CLUSTER: {'; '.join(missing)}")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        cloud = Cloud(Path(folder), full_ha({*CORE, *LEAVING}))
        with cloud.lab:
            cloud.up()
            print(f"{len(NODES)} nodes, {len(cloud.primitives)} resources, {len(cloud.leaving_units)} units leave\n")
            print("| way | seconds | failed requests | one API away for | processes ended |\n|---|---|---|---|---|")
            row(cloud, "`lwlint plan`, its script", by_plan)
            row(cloud, "and back (`--undo`)", back)
            row(cloud, "upstream's order", by_upstream)
    return 0


def row(cloud: Cloud, name: str, way: Callable[[Cloud], None]) -> None:
    """Go one way while the APIs are asked, and print what it cost."""
    cloud.rests()
    processes = cloud.processes()
    begun = time.monotonic()
    with probing(cloud.lab, cloud.targets) as said:
        way(cloud)
        seconds = time.monotonic() - begun
    now = cloud.processes()
    ended = sum(now.get(key) != one for key, one in processes.items())
    failed = failures(said)
    print(f"| {name} | {seconds:.0f} | {len(failed):,} of {asked(said):,} | {away(failed)} | {ended} of {len(processes)} |", flush=True)
    why = Counter(" ".join(line.split()[3:]) for line in failed)
    for reason, count in why.most_common(5):
        print(f"  {count:,} failed: {reason}", file=sys.stderr)


def away(failed: Sequence[str]) -> str:
    """Return for how long an API did not answer at a stretch: the shortest and the longest of the APIs, each by its longest outage."""
    longest = []
    by_name = sorted((line.split()[2], float(line.split()[1])) for line in failed)
    for _, times in groupby(by_name, key=lambda one: one[0]):
        begun = last = 0.0
        most = 0.0
        for _, at in times:
            if at - last > TOGETHER:
                begun = at
            last = at
            most = max(most, last - begun)
        longest.append(most)
    return f"{min(longest):.0f} to {max(longest):.0f} s" if longest else "0 s"


def by_plan(cloud: Cloud) -> None:
    """Run the script of the plan that the controller makes."""
    cloud.lab.asked(NODES[0], f"cd /root && {LWLINT} plan --live --run --format sh >plan.sh && bash plan.sh", SECONDS)


def back(cloud: Cloud) -> None:
    """Take it back."""
    cloud.lab.asked(NODES[0], "cd /root && bash plan.sh --undo", SECONDS)


def by_upstream(cloud: Cloud) -> None:
    """Do it in the order of upstream's scripts."""
    constraints = cloud.cib_now().find("configuration/constraints")
    assert constraints is not None
    bonds = [one for one in constraints if one.tag == "rsc_colocation" and one.get("rsc", "").startswith("ip-")]
    gone = [one.get("id") for one in constraints if one not in bonds]
    leave = [one.get("id", "") for one in cloud.primitives if one.get("id") not in cloud.core]
    lines = [
        "pcs property set maintenance-mode=true",
        *(f"pcs constraint remove {name}" for name in gone),
        "pcs property set maintenance-mode=false",
    ]
    for name in leave:
        lines += [f"pcs resource disable {name}-clone --wait=600", f"pcs resource delete --force {name}-clone"]
    lines += ["pcs resource cleanup", "crm_resource --wait --timeout 600"]
    cloud.lab.asked(NODES[0], "\n".join(["set -e", *lines]), SECONDS)
    starts = "\n".join(f"systemctl start {unit}; systemctl enable {unit}" for unit in cloud.leaving_units)
    for node in NODES:
        cloud.lab.asked(node, f"set -e\n{starts}", SECONDS)


if __name__ == "__main__":
    sys.exit(main())
