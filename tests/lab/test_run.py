"""The ci level of the lab, whole: it sees what was seen before, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
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


def left() -> list[str]:
    """What of a lab is there: processes (those whose mounts are a cell's), mounts, files, control groups, links and names of networks."""
    found = [str(path) for path in Path(tempfile.gettempdir()).glob(f"{host.NAME}-*")]
    found += [
        str(path) for top in (host.CGROUPS, host.CGROUPS / "systemd", host.CGROUPS / "unified") for path in top.glob(f"{host.NAME}-*")
    ]
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout
    found += [link for link in re.findall(r"^\d+: ([^:@]+)", links, re.M) if link.startswith(("controllers", "leg-c", "blind"))]
    found += [f"network {name}" for name in ("c1", "c2", "c3") if Path("/run/netns", name).exists()]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"/{host.NAME}-" in (process / "mountinfo").read_text("utf-8", "replace"):
                found.append(f"process {process.name}: {(process / 'cmdline').read_bytes()[:800]!r}")
        except OSError:
            continue
    return found


def command(*words: str) -> list[str]:
    tree = os.environ.get("LWLINT_LAB_TREE")  # one that is kept saves the time to make it
    return [sys.executable, "-m", "lab", "run", *words, *(["--tree", tree] if tree and "units" not in words else [])]


def test_the_ci_level_sees_what_was_seen_before_and_leaves_nothing() -> None:
    needs("ci")
    before = left()
    begin = time.monotonic()
    done = subprocess.run(command("--level", "ci"), cwd=HERE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=MOST)
    print(f"\n{done.stdout}lab: {time.monotonic() - begin:.0f} s")
    assert done.returncode == 0
    assert [one for one in left() if one not in before] == []


def test_a_lab_that_is_ended_clears_all_away() -> None:
    needs("units")
    before = set(left())
    running = subprocess.Popen(
        command("--only", "units"), cwd=HERE, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + 60
    while not any(one.startswith("process") for one in set(left()) - before) and time.monotonic() < end:
        time.sleep(0.3)
    assert any(one.startswith("process") for one in set(left()) - before)
    running.terminate()
    assert running.wait(timeout=60) == 143
    assert set(left()) - before == set()


def test_a_lab_that_is_killed_leaves_no_process_and_no_mount() -> None:
    needs("units")
    before = set(left())
    running = subprocess.Popen(command("--only", "units"), cwd=HERE, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while not any(one.startswith("process") for one in set(left()) - before) and time.monotonic() < end:
            time.sleep(0.3)
        assert any(one.startswith("process") for one in set(left()) - before)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    end = time.monotonic() + 20
    while any(one.startswith("process") for one in set(left()) - before) and time.monotonic() < end:
        time.sleep(0.3)
    rest = set(left()) - before
    for one in rest:  # files and empty control groups are what a killed lab cannot remove itself
        assert not one.startswith("process"), one
        subprocess.run(["find", one, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"] if "cgroup" in one else ["rm", "-rf", one])


def test_three_controllers_that_are_killed_in_the_middle_leave_no_process_no_mount_and_no_network() -> None:
    """With a tree that is kept (`LWLINT_LAB_TREE`) only: to make one takes longer than all the rest."""
    needs("failover")
    if "LWLINT_LAB_TREE" not in os.environ:
        pytest.skip("THE LAB'S THREE CONTROLLERS DID NOT RUN: no tree is kept (LWLINT_LAB_TREE)")
    before = set(left())
    running = subprocess.Popen(command("--level", "failover"), cwd=HERE, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 600
        while not any("mariadbd" in one and "wsrep" in one for one in set(left()) - before) and time.monotonic() < end:
            time.sleep(0.3)
        assert any("mariadbd" in one for one in set(left()) - before)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    end = time.monotonic() + 30
    while any(one.startswith("process") for one in set(left()) - before) and time.monotonic() < end:
        time.sleep(0.3)
    rest = set(left()) - before
    for one in rest:
        assert one.startswith("/"), one  # files, which a killed lab cannot remove itself
        subprocess.run(["rm", "-rf", one])
    assert set(left()) - before == set()


def test_without_root_it_says_that_it_did_not_run() -> None:
    if os.geteuid() != 0:
        pytest.skip("THE FAILURE LAB DID NOT RUN: a test of what it says without root needs root to give it up")
    words = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", sys.executable, "-m", "lab", "run"]
    done = subprocess.run(words, cwd=HERE, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (77, "")
    assert done.stderr.startswith("LAB: NOT RUN: it needs root")
