"""Inside a cell, under the systemd that booted there: experiments with units. Writes what `systemctl show` says of them; judges nothing.

`python -m lab.under_systemd JOB OUT`; only the standard library. All units are written before the first is started, and all run at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

FOLDER = "/run/systemd/system"
SHOWN = "ActiveState,SubState,Result,NRestarts,ExecMainStatus,MainPID"
SERVICE = "ExecStart=/bin/sleep 1000\nRestart=always\nRestartSec=200ms"
RUNS = "ExecStart=/bin/sleep 1000"
# what the unit of the database is in each scenario
DATABASES = {
    "cannot_start": "Type=notify\nExecStart=/bin/false", "killed": RUNS, "stopped": RUNS,
    "comes_back": f"{RUNS}\nRestart=always\nRestartSec=1", "activating": "Type=notify\nExecStart=/bin/sleep 1000\nTimeoutStartSec=0",
}  # fmt: skip


def systemctl(*words: str) -> str:
    return subprocess.run(["systemctl", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


def show(name: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in systemctl("show", f"{name}.service", "-p", SHOWN).split())


def write(name: str, text: str) -> None:
    os.makedirs(os.path.dirname(f"{FOLDER}/{name}"), exist_ok=True)
    with open(f"{FOLDER}/{name}", "w") as file:
        file.write(text)


def write_units(job: dict) -> None:
    # no unit of the machine is wanted beside the experiments
    write("service.d/10-lab.conf", "[Unit]\nDefaultDependencies=no\n[Service]\nStandardOutput=null\nStandardError=null\n")
    for id, unit in job["units"].items():
        write(f"x-{id}.service", f"[Unit]\n{unit.get('unit', '')}\n[Service]\n{unit['service']}\n")
        for file, text in unit.get("drop_ins", {}).items():
            write(f"x-{id}.service.d/{file}", text)
    for id, pair in job["pairs"].items():
        for scenario, database in DATABASES.items():
            name = f"p-{id}-{scenario}"
            texts = {f"{name}.service": f"[Unit]\nStartLimitIntervalSec=0\n{pair.get('unit', '')}\n[Service]\n{SERVICE}\n"}
            texts[f"{name}-db.service"] = f"[Unit]\n{pair.get('database', '')}\n[Service]\n{database}\n"
            if pair.get("target"):
                texts[f"{name}-db.target"] = "[Unit]\nBindsTo=%N-db.service\nAfter=%N-db.service\n"
            for file, text in texts.items():
                write(file, text.replace("%N-db", f"{name}-db").replace("%N", name))


def pair(id: str, scenario: str, seen: dict) -> None:
    """Play one scenario with one pair, and note whether the service runs, and by which process."""
    name, database = f"p-{id}-{scenario}", f"p-{id}-{scenario}-db"

    def note(what: str) -> None:
        shown = show(name)
        seen.setdefault(id, {})[what] = {"runs": shown["ActiveState"] == "active", "pid": shown["MainPID"]}

    if scenario == "cannot_start":
        systemctl("start", name)
        time.sleep(6)
        return note(scenario)
    if scenario == "activating":
        systemctl("start", "--no-block", database, name)
        time.sleep(6)
        return note(scenario)
    systemctl("start", database)
    systemctl("start", name)
    time.sleep(3)
    note(f"before {scenario}")
    if scenario == "stopped":
        systemctl("stop", database)
        time.sleep(5)
        note(scenario)
        systemctl("start", database)
        time.sleep(5)
        return note("started")
    systemctl("kill", "-s", "KILL", database)
    time.sleep(12)
    return note(scenario)


def at_once(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main(job_path: str, out: str) -> None:
    with open(job_path) as file:
        job = json.load(file)
    write_units(job)
    systemctl("daemon-reload")
    systemctl("start", "--no-block", *(f"x-{id}.service" for id in job["units"]))
    begin = time.monotonic()
    pairs: dict = {}
    at_once([lambda id=id, scenario=scenario: pair(id, scenario, pairs) for id in job["pairs"] for scenario in DATABASES])
    time.sleep(max(0, job["seconds"] - (time.monotonic() - begin)))
    then = {id: show(f"x-{id}") for id in job["units"]}
    time.sleep(8)
    now = {id: show(f"x-{id}") for id in job["units"]}
    version = systemctl("--version").split()[1]
    with open(f"{out}/units.json.new", "w") as file:
        json.dump({"systemd": int(version), "units": {id: [then[id], now[id]] for id in now}, "pairs": pairs}, file)
    os.rename(f"{out}/units.json.new", f"{out}/units.json")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
