"""Inside a cell: real services beside real servers, of which one goes and comes back. Writes what was seen; judges nothing.

`python3 -m lab.inside JOB OUT`, with the Python of the tree: only the standard library, PyMySQL and amqp. It is the first process of the
cell, so that all that it starts ends with it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

import pymysql

from lab.controllers import Controllers
from lab.instance import Instance
from lab.servers import DATA, DATABASE, ORDINARY, PATH, Servers, Work, children, sql

UNMADE: set[str] = set()  # projects that have no schema, of whose programs nothing can be told


def lay_blind_alleys() -> None:
    """Make addresses to which packets vanish (198.51.100.2) or that no host has (198.51.100.3)."""
    commands = (
        "link add blind0 type veth peer name blind1", "link set blind0 up", "link set blind1 up", "addr add 198.51.100.1/24 dev blind0",
        "neigh add 198.51.100.2 lladdr 02:00:00:00:00:02 dev blind0 nud permanent",
    )  # fmt: skip
    for command in commands:
        subprocess.run(["ip", *command.split()], check=True)


def answer_oddly(how: str) -> None:
    """Stand in for a database that accepts and never answers (127.0.0.2), or accepts and closes (127.0.0.3)."""
    server = socket.create_server(("127.0.0.2" if how == "hangs" else "127.0.0.3", DATABASE), backlog=200)
    kept = []

    def accept() -> None:
        while True:
            connection, _ = server.accept()
            if how == "hangs":
                kept.append(connection)
            else:
                connection.close()

    threading.Thread(target=accept, daemon=True).start()


def hold_all_connections(room: int = 10) -> list[pymysql.Connection]:
    """Hold the database's connections, so that it answers with error 1040: all of them, also those of services that were there before."""
    sql(f"set global max_connections = {room}", "root")
    held, end = [], time.monotonic() + 60
    while len(held) < room:
        try:
            held.append(pymysql.connect(host="127.0.0.1", user="lab", password="lab"))
        except pymysql.err.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
    return held


def run(timeline: dict, instances: list[Instance], servers: Servers) -> None:
    """Run one timeline for its instances, and leave both servers up."""
    held: list[pymysql.Connection] = []
    for name in timeline.get("before", ()):
        servers.up(name)
    for name in timeline.get("away", ()):
        servers.take_away(name)
    if timeline.get("answers") == "full":
        held = hold_all_connections()
    elif timeline.get("answers"):
        answer_oddly(timeline["answers"])
    begin = time.monotonic()
    for instance in instances:
        instance.start(begin)
    done = threading.Event()

    def look(mine: list[Instance]) -> None:
        while not done.is_set():
            for instance in mine:
                if instance.alive and not done.is_set():
                    instance.look()
            done.wait(1.5)

    lookers = [threading.Thread(target=look, args=(instances[n::6],), daemon=True) for n in range(6)]
    for looker in lookers:
        looker.start()

    def pause(least: float, most: float, enough) -> None:
        since = time.monotonic()
        while time.monotonic() - since < most:
            tree = children()
            for instance in instances:
                instance.sample(tree)
            if time.monotonic() - since >= least and all(map(enough, instances)):
                return
            time.sleep(0.4)

    for step in timeline["steps"]:
        first = timeline.get("running") and step is timeline["steps"][0]
        pause(
            step["least"], step["most"], (lambda one: not one.alive or one.serves() or not one.last) if first else (lambda one: one.quiet)
        )
        if step["does"] != "nothing":
            for instance in instances:
                instance.note(f"== {step['does']}")
            servers.do(step["does"])
            for instance in instances:
                instance.note("== done")
                instance.step += 1
    if timeline["steps"][-1]["does"] != "nothing":
        pause(6, timeline.get("after", 90), lambda one: not one.alive or one.serves() or (not one.last and one.quiet))
    done.set()
    tree = children()
    for instance in instances:
        instance.sample(tree)
        instance.note("end")
    for looker in lookers:
        looker.join(12)
    for instance in instances:
        instance.stop()
    for connection in held:
        connection.close()
    if held:
        sql("set global max_connections = 1000", "root")
    if timeline.get("away") or timeline.get("running"):
        servers.restore()


def sync(projects: list[dict]) -> set[str]:
    """Make the schemas, two projects at a time; return the projects of which that failed."""
    sql("create user if not exists lab@'%' identified by 'lab'", "root")
    sql("grant all on *.* to lab@'%'", "root")
    todo = list(projects)
    failed: dict[str, str] = {}

    def work() -> None:
        while todo:
            project = todo.pop(0)
            instance = Instance(project, 5000 + len(todo))
            for name in project["schemas"]:
                sql(f"create database if not exists {name} character set utf8")
            for line in project["sync"]:
                environment = {"PATH": PATH, "HOME": instance.state, "LANG": "C.UTF-8"}
                environment |= dict.fromkeys(project.get("folders", ()), instance.state)
                command = instance._filled(line).split()
                done = subprocess.run(
                    command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=instance.state, timeout=500, env=environment
                )
                if done.returncode:
                    failed[project["project"]] = f"{line}: {(done.stdout + done.stderr)[-600:]}"

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for project, text in failed.items():
        print(f"schema of {project}:", text, flush=True)
    return set(failed)


def main(job_path: str, out: str) -> None:
    with open(job_path) as file:
        job = json.load(file)
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:.0f} s: {what}", flush=True)

    batches = [(n, batch) for n, group in enumerate(job["groups"]) for batch in group]
    instances = [[Instance(one, 100 * k + m) for m, one in enumerate(batch["instances"])] for k, (_, batch) in enumerate(batches)]
    servers = bring_up(job, list(dict.fromkeys(one.vhost for mine in instances for one in mine)), out)
    say("servers are up, schemas are made")
    for n in range(len(job["groups"])):
        at_once = [(batch, mine) for (group, batch), mine in zip(batches, instances) if group == n]
        threads = [Work(target=run, args=(batch["timeline"], mine, servers)) for batch, mine in at_once]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for batch, mine in at_once:
            write(mine, out)
            say(f"{batch['name']} is done")


def bring_up(job: dict, vhosts: list[str], out: str) -> Servers:
    """Bring the servers of a level up, over a database that holds the schemas; make it, if the tree does not hold it."""
    single = Servers(vhosts, out)
    lay_blind_alleys()
    broker = Work(target=single.broker_up)
    if not job["controllers"]:
        broker.start()
    if os.path.exists(job["made"]):
        shutil.rmtree(DATA)
        subprocess.run(["tar", "-xf", job["made"], "-C", os.path.dirname(DATA)], check=True)
    else:
        single.database_up()
        UNMADE.update(sync(job["schemas"]))
        single.close_database()
        if not UNMADE:
            subprocess.run(["tar", "-cf", f"{out}/schemas.new", "-C", os.path.dirname(DATA), os.path.basename(DATA)], check=True)
            os.rename(f"{out}/schemas.new", f"{out}/schemas.tar")
    if job["controllers"]:
        three = Controllers(vhosts, out)
        three.up()
        return three
    single.database_up()
    sql(ORDINARY, "root")
    broker.join()
    return single


def write(instances: list[Instance], out: str) -> None:
    """Write what was seen of the instances of one timeline."""
    with open(f"{out}/seen.jsonl", "a") as file:
        for one in instances:
            seen = {"events": one.events, "status": one.status, "ready": one.ready, "life": round(one.life, 2), "forks": one.forks}
            if one.job["project"] in UNMADE:
                seen["cannot_tell"] = "its schema could not be made"
            with open(f"{one.state}/log", errors="replace") as log:
                seen["log"] = log.read()[-1500:]
            file.write(json.dumps({"id": one.id, "cell": one.job["cell"], "ok": one.job.get("ok", []), **seen}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
