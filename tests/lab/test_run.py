"""The ci level of the lab, whole: it sees what was seen before, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab import host
from tests.shared import HERE

pytestmark = pytest.mark.lab
MOST = 1200  # seconds; ten minutes on two cores that have nothing else to do are the aim


def needs(level: str) -> None:
    try:
        host.refuse_without_needs(level)
    except host.Missing as missing:
        pytest.skip(f"THE FAILURE LAB DID NOT RUN: {missing}")


def left(where: Path, pid: int) -> list[str]:
    """What of the lab `pid` is there, whose files are in `where`: processes (those whose mounts are a cell's), mounts, files, control
    groups, links and names of networks. Another lab may run beside it."""
    found = [str(path) for path in where.glob("*")]
    for top in (host.CGROUPS, host.CGROUPS / "systemd", host.CGROUPS / "unified"):
        found += [str(path) for path in top.glob(f"{host.NAME}-{pid}-*")]
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout
    found += [link for link in re.findall(r"^\d+: ([^:@]+)", links, re.M) if link.startswith(("controllers", "leg-c", "blind"))]
    found += [f"network {name}" for name in ("c1", "c2", "c3") if Path("/run/netns", name).exists()]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"{where}/{host.NAME}-" in (process / "mountinfo").read_text("utf-8", "replace"):
                found.append(f"process {process.name}: {(process / 'cmdline').read_bytes()[:800]!r}")
        except OSError:
            continue
    return found


def begin(where: Path, *words: str) -> subprocess.Popen[str]:
    tree = os.environ.get("LWLINT_LAB_TREE")  # one that is kept saves the time to make it
    command = [sys.executable, "-m", "lab", "run", *words, *(["--tree", tree] if tree and "units" not in words else [])]
    out = subprocess.PIPE if words == ("--level", "ci") else subprocess.DEVNULL
    environment = {**os.environ, "TMPDIR": str(where)}
    return subprocess.Popen(command, cwd=HERE, stdin=subprocess.DEVNULL, stdout=out, text=True, env=environment)


def until_one_runs(where: Path, pid: int, word: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not any(one.startswith("process") and word in one for one in left(where, pid)):
        assert time.monotonic() < end, "it did not come so far"
        time.sleep(0.3)


def nothing_is_left(where: Path, pid: int) -> None:
    """After a kill: the sweeper needs a moment."""
    end = time.monotonic() + 60
    while left(where, pid) and time.monotonic() < end:
        time.sleep(0.3)
    assert left(where, pid) == []


def test_the_ci_level_sees_what_was_seen_before_and_leaves_nothing(tmp_path: Path) -> None:
    needs("ci")
    since = time.monotonic()
    running = begin(tmp_path, "--level", "ci")
    out, _ = running.communicate(timeout=MOST)
    print(f"\n{out}lab: {time.monotonic() - since:.0f} s")
    assert running.returncode == 0
    assert left(tmp_path, running.pid) == []


def test_a_lab_that_is_ended_clears_all_away(tmp_path: Path) -> None:
    needs("units")
    running = begin(tmp_path, "--only", "units")
    until_one_runs(tmp_path, running.pid, "systemd", 60)
    running.terminate()
    assert running.wait(timeout=60) == 143
    assert left(tmp_path, running.pid) == []


def test_a_lab_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    needs("units")
    running = begin(tmp_path, "--only", "units")
    try:
        until_one_runs(tmp_path, running.pid, "systemd", 60)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    nothing_is_left(tmp_path, running.pid)


def test_three_controllers_that_are_killed_in_the_middle_leave_nothing(tmp_path: Path) -> None:
    """With a tree that is kept (`LWLINT_LAB_TREE`) only: to make one takes longer than all the rest."""
    needs("failover")
    if "LWLINT_LAB_TREE" not in os.environ:
        pytest.skip("THE LAB'S THREE CONTROLLERS DID NOT RUN: no tree is kept (LWLINT_LAB_TREE)")
    running = begin(tmp_path, "--level", "failover")
    try:
        until_one_runs(tmp_path, running.pid, "wsrep", 600)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    nothing_is_left(tmp_path, running.pid)


def test_without_root_it_says_that_it_did_not_run() -> None:
    if os.geteuid() != 0:
        pytest.skip("THE FAILURE LAB DID NOT RUN: a test of what it says without root needs root to give it up")
    words = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", sys.executable, "-m", "lab", "run"]
    done = subprocess.run(words, cwd=HERE, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (77, "")
    assert done.stderr.startswith("LAB: NOT RUN: it needs root")
