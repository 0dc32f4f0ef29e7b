"""Inside a cell: real services beside a real MariaDB and RabbitMQ, of which one goes and comes back. Writes what was seen; judges nothing.

`python3 -m lab.inside JOB OUT`, with the Python of the tree: only the standard library, PyMySQL and amqp. It is the first process of the
cell, so that all that it starts ends with it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import amqp
import pymysql

DATABASE, BROKER, REDIS = 3306, 5672, 6379
PORTS = {"database": DATABASE, "broker": BROKER, "redis": REDIS}
DATA = "/var/lib/mysql"
DATABASES, BROKERS = ["127.0.0.1"], ["127.0.0.1"]  # where the lab itself asks, in this order
QUIET = 8  # seconds in which a service that waits uses next to no processor time
FORKED = re.compile(r"Started child \d+|Child \d+ (?:exited|killed)|died, restarting", re.I)
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class Work(threading.Thread):
    """A thread whose failure is that of whoever joins it."""

    failed: BaseException | None = None

    def run(self) -> None:
        try:
            super().run()
        except BaseException as failed:
            self.failed = failed

    def join(self, timeout: float | None = None) -> None:
        super().join(timeout)
        if self.failed is not None:
            raise self.failed


def wait_for(true, seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"{what} did not come in {seconds} s")
        time.sleep(0.2)


def listens(port: int) -> bool:
    with socket.socket() as tried:
        tried.settimeout(1)
        return tried.connect_ex(("127.0.0.1", port)) == 0


def write_json(path: str, what: object) -> None:
    with open(path, "w") as file:
        json.dump(what, file)


def definitions(vhosts: list[str]) -> dict:
    """Return what RabbitMQ begins with: one user, who may do all in each virtual host."""
    salt = os.urandom(4)
    hashed = base64.b64encode(salt + hashlib.sha256(salt + b"lab").digest()).decode()
    rights = {"user": "lab", "configure": ".*", "write": ".*", "read": ".*"}
    user = {"name": "lab", "password_hash": hashed, "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": "administrator"}
    return {"users": [user], "vhosts": [{"name": v} for v in vhosts], "permissions": [{"vhost": v, **rights} for v in vhosts]}


class Servers:
    """The real MariaDB and RabbitMQ of the cell."""

    def __init__(self, vhosts: list[str], out: str) -> None:
        self.out, self.vhost = out, vhosts[0]
        self._running: dict[str, subprocess.Popen] = {}
        os.makedirs("/var/lib/lab", exist_ok=True)
        write_json("/var/lib/lab/definitions.json", definitions(vhosts))
        with open("/var/lib/lab/rabbitmq.conf", "w") as file:
            file.write("listeners.tcp.1 = 127.0.0.1:5672\ndisk_free_limit.absolute = 50MB\nloopback_users = none\n")
            file.write("load_definitions = /var/lib/lab/definitions.json\n")

    def database_up(self) -> None:
        os.makedirs("/run/mysqld", exist_ok=True)
        shutil.chown("/run/mysqld", "mysql", "mysql")
        options = [
            "--user=mysql",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=0",
            "--max-connections=1000",
        ]
        self._start("database", ["/usr/sbin/mariadbd", *options, "--pid-file=/run/mysqld/lab.pid"])
        wait_for(lambda: listens(DATABASE), 90, "MariaDB")

    def broker_up(self) -> None:
        environment = {
            "RABBITMQ_NODENAME": "rabbit@localhost", "RABBITMQ_CONFIG_FILE": "/var/lib/lab/rabbitmq", "HOME": "/var/lib/rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": "/var/lib/lab/plugins", "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +S 2:2",
        }  # fmt: skip
        self._start("broker", ["/usr/sbin/rabbitmq-server"], environment)
        wait_for(lambda: may_log_in(self.vhost), 240, "RabbitMQ")

    def redis_up(self) -> None:
        self._start("redis", ["/usr/bin/redis-server", "--bind", "127.0.0.1", "--save", "", "--dir", "/tmp"])
        wait_for(lambda: listens(REDIS), 30, "redis")

    def close_database(self) -> None:
        """End the database in peace, so that its files can be copied."""
        process = self._running.pop("database")
        process.terminate()
        process.wait()

    def up(self, name: str) -> None:
        {"database": self.database_up, "broker": self.broker_up, "redis": self.redis_up}[name]()

    def take_away(self, name: str) -> None:
        """Take away what a timeline begins without."""
        self.kill(name)

    def do(self, step: str) -> None:
        """Do what a step of a timeline says: `database-kill`, `broker-up`, `nothing`."""
        name, _, does = step.partition("-")
        if does == "up":
            self.up(name)
        elif does == "kill":
            self.kill(name)

    def restore(self) -> None:
        """Bring back what is away."""
        for name in ("database", "broker"):
            if not listens(PORTS[name]):
                self.up(name)

    def _start(self, name: str, command: list[str], more: dict[str, str] | None = None) -> None:
        log = open(f"{self.out}/{name}.log", "ab")  # noqa: SIM115
        self._running[name] = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={"PATH": PATH, "LANG": "C.UTF-8", **(more or {})},
            start_new_session=True,
        )

    def kill(self, name: str) -> None:
        """Kill a server with all its processes, as a power cut would, and wait until nothing listens."""
        process = self._running.pop(name, None)
        if process is None:
            return
        for pid in [*descendants(children(), process.pid), process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        wait_for(lambda: not listens(PORTS[name]), 20, f"the end of the {name}")


def broker(vhost: str, host: str) -> amqp.Connection:
    """Return a connection to a broker."""
    connection = amqp.Connection(f"{host}:{BROKER}", userid="lab", password="lab", virtual_host=vhost, connect_timeout=2, read_timeout=3)
    connection.connect()
    return connection


def may_log_in(vhost: str, host: str = "127.0.0.1") -> bool:
    try:
        broker(vhost, host).close()
    except Exception:
        return False
    return True


def sql(query: str, user: str = "lab", host: str | None = None, socket: str = "/run/mysqld/mysqld.sock") -> list[tuple]:
    """Return the rows of a query: of the host that is named, else of the first that answers; as root by the socket."""
    ways = (
        [{"unix_socket": socket}]
        if user == "root"
        else [{"host": one, "password": "lab"} for one in ([host] if host is not None else DATABASES)]
    )
    for n, how in enumerate(ways):
        try:
            connection = pymysql.connect(user=user, connect_timeout=2, read_timeout=4, autocommit=True, **how)
            try:
                with connection.cursor() as cursor:
                    cursor.execute(query)
                    return list(cursor.fetchall())
            finally:
                connection.close()
        except pymysql.err.MySQLError:
            if n + 1 == len(ways):
                raise
    return []


def children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError):
                with open(f"/proc/{name}/stat") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
                found.setdefault(parent, []).append(int(name))
    return found


def descendants(tree: dict[int, list[int]], pid: int) -> set[int]:
    found, todo = set(), [pid]
    while todo:
        for child in tree.get(todo.pop(), ()):
            found.add(child)
            todo.append(child)
    return found


def processor_time(pid: int) -> float:
    with contextlib.suppress(OSError, ValueError):
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


class Instance:
    """One program with one setting: its files, its process, and what is seen of it."""

    def __init__(self, job: dict, n: int) -> None:
        self.job, self.id = job, job["id"]
        self.vhost = job.get("vhost", self.id)
        self.state = f"/var/lib/lab/{self.id}"
        self.port = 20000 + n
        self.events: list = []
        self.process: subprocess.Popen | None = None
        self.status: int | None = None
        self.ready: float | None = None
        self.life = 0.0
        self.kids: set[int] = set()
        self.forks = 0
        self.used, self.quiet_since, self._log_at = 0.0, 0.0, 0
        self.last: dict | None = None
        os.makedirs(self.state, exist_ok=True)
        self.values = {
            **job["values"],
            "i": self.id,
            "state": self.state,
            "port": self.port,
            "vhost": self.vhost,
            "conf": f"{self.state}/{job['project']}.conf",
        }
        with open(self.values["conf"], "w") as file:
            for section, options in job["options"].items():
                file.write(f"[{section}]\n" + "".join(f"{name} = {self._filled(value)}\n" for name, value in options.items()))
        with open(f"{self.state}/policy.json", "w") as file:
            file.write("{}")
        for path in job.get("copies", ()):
            shutil.copy(path, self.state)

    def _filled(self, text: object) -> str:
        return re.sub(r"\{(\w+)\}", lambda match: str(self.values[match[1]]), str(text))

    def command(self) -> list[str]:
        if self.job.get("uwsgi"):
            return [
                "/usr/bin/uwsgi_python3", "--plugins", "python3", "--http-socket", f"127.0.0.1:{self.port}", "--master", "--lazy-apps",
                "--enable-threads", "--processes", "1", "--threads", "2", "--die-on-term", "--rem-header", "Content-Length",
                "--buffer-size", "65535", "--wsgi-file", self.job["uwsgi"], "--pyargv", f"--config-file={self.values['conf']}",
            ]  # fmt: skip
        if self.job.get("mod_wsgi"):
            self._write_apache()
            return ["/usr/sbin/apache2", "-DFOREGROUND", "-f", f"{self.state}/apache.conf"]
        return self._filled(self.job.get("command") or f"{self.job['program']} --config-file {{conf}}").split()

    def _write_apache(self) -> None:
        modules = {"mpm_event": "mod_mpm_event", "authz_core": "mod_authz_core", "wsgi": "mod_wsgi"}
        lines = [f"LoadModule {name}_module /usr/lib/apache2/modules/{file}.so" for name, file in modules.items()]
        lines += [
            "ServerName lab", f"ServerRoot {self.state}", f"PidFile {self.state}/apache.pid", f"Listen 127.0.0.1:{self.port}",
            "User www-data", "Group www-data", "ErrorLog /dev/stderr", f"WSGISocketPrefix {self.state}/wsgi",
            "WSGIDaemonProcess lab processes=1 threads=2", "WSGIProcessGroup lab", "WSGIApplicationGroup %{GLOBAL}",
            f"WSGIScriptAlias / {self.job['mod_wsgi']}", "<Directory /usr/bin>", "Require all granted", "</Directory>",
        ]  # fmt: skip
        with open(f"{self.state}/apache.conf", "w") as file:
            file.write("\n".join(lines) + "\n")
        subprocess.run(["chown", "-R", "www-data", self.state], check=True)

    def start(self, begin: float) -> None:
        self.begin = self.quiet_since = begin
        path = f"/run/lab/notify-{self.port}"
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(path)
        self._notify.setblocking(False)
        environment = {"PATH": PATH, "HOME": self.state, "NOTIFY_SOCKET": path, "PYTHONUNBUFFERED": "1", "LANG": "C.UTF-8"}
        environment |= {name: self._filled(value) for name, value in self.job.get("environment", {}).items()}
        self._log = open(f"{self.state}/log", "wb")  # noqa: SIM115
        self.process = subprocess.Popen(
            self.command(),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env=environment,
            cwd=self.state,
            start_new_session=True,
        )
        self.note("start")

    def note(self, what: str) -> None:
        self.events.append([round(time.monotonic() - self.begin, 1), what])

    def sample(self, tree: dict[int, list[int]]) -> None:
        if self.process is None:
            return
        with contextlib.suppress(BlockingIOError):
            while True:
                if b"READY=1" in self._notify.recv(4096) and self.ready is None:
                    self.ready = time.monotonic() - self.begin
                    self.note("ready")
        if self.status is None:
            self.life = max(self.life, processor_time(self.process.pid))
            self.status = self.process.poll()
            if self.status is not None:
                self.note(f"exits {self.status}")
        kids = descendants(tree, self.process.pid)
        self.kids = kids
        used = self.life + sum(map(processor_time, kids))
        if abs(used - self.used) > 0.25:
            self.used, self.quiet_since = used, time.monotonic()
        with open(f"{self.state}/log", "rb") as file:
            file.seek(self._log_at)
            text = file.read().decode(errors="replace")
            self._log_at = file.tell()
        self.forks += len(FORKED.findall(text))

    @property
    def alive(self) -> bool:
        return self.process is not None and self.status is None

    @property
    def quiet(self) -> bool:
        return not self.alive or self.forks > 6 or time.monotonic() - self.quiet_since > QUIET

    def probe(self) -> dict:
        """Return what it does for others now."""
        found: dict = {}
        if "queue" in self.job:
            found["queue"] = self._listens()
        if "beat" in self.job:
            try:
                found["beat"] = "fresh" if sql(self._filled(self.job["beat"]))[0][0] else "stale"
            except Exception:
                found["beat"] = "no database"
        if "http" in self.job:
            found["http"] = self._answers()
        return found

    def _listens(self) -> str:
        for host in BROKERS:
            try:
                connection = broker(self.vhost, host)
            except Exception:
                continue
            try:
                declared = connection.channel().queue_declare(self._filled(self.job["queue"]), passive=True)
                return "listens" if declared.consumer_count else "nobody"
            except amqp.exceptions.NotFound:
                return "none"
            except Exception:
                continue
            finally:
                with contextlib.suppress(Exception):
                    connection.close()
        return "no broker"

    def _answers(self) -> str:
        body = json.dumps(self.job["body"]).encode() if "body" in self.job else None
        headers = {
            "Content-Type": "application/json", "X-Project-Id": "lab", "X-Roles": "admin", "OpenStack-API-Version": "placement latest",
        }  # fmt: skip
        if body is None:
            headers["X-Auth-Token"] = "admin:lab"
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{self.job['http']}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return str(answer.status)
        except urllib.error.HTTPError as error:
            return str(error.code)
        except Exception as error:
            text = str(getattr(error, "reason", error))
            return "refused" if "refused" in text else "no answer" if "timed out" in text else "dropped"

    def serves(self) -> bool:
        """Whether it does all that is looked for; False where nothing can be looked for."""
        last = self.last or {}
        good = [last.get("queue", "listens") == "listens", last.get("beat", "fresh") == "fresh"]
        return bool(last) and all(good) and ("http" not in last or last["http"] in map(str, self.job["ok"]))

    def stop(self) -> None:
        if self.process is not None:
            for pid in [*descendants(children(), self.process.pid), self.process.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()
            self._log.close()


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


def run(timeline: dict, instances: list[Instance], servers: Servers) -> None:
    """Run one timeline for its instances, and leave both servers up."""
    held = []
    for name in timeline.get("before", ()):
        servers.up(name)
    for name in timeline.get("away", ()):
        servers.take_away(name)
    if timeline.get("answers") == "full":
        sql("set global max_connections = 10", "root")
        for _ in range(40):
            with contextlib.suppress(pymysql.err.OperationalError):
                held.append(pymysql.connect(host="127.0.0.1", user="lab", password="lab"))
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
                    found = instance.probe()
                    if found != instance.last:
                        instance.last = found
                        instance.note("probe " + json.dumps(found, sort_keys=True))
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
    if timeline["steps"][-1]["does"] != "nothing":
        pause(6, timeline.get("after", 45), lambda one: not one.alive or one.serves() or (not one.last and one.quiet))
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


def sync(projects: list[dict]) -> None:
    """Make the schemas, two projects at a time."""
    sql("create user if not exists lab@'%' identified by 'lab'", "root")
    sql("grant all on *.* to lab@'%'", "root")
    todo = list(projects)
    failed = []

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
                    failed.append(f"{line}: {(done.stdout + done.stderr)[-600:]}")

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for text in failed:
        print("schema:", text, flush=True)


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
        sync(job["schemas"])
        single.close_database()
        subprocess.run(["tar", "-cf", f"{out}/schemas.new", "-C", os.path.dirname(DATA), os.path.basename(DATA)], check=True)
        os.rename(f"{out}/schemas.new", f"{out}/schemas.tar")
    if job["controllers"]:
        from lab.controllers import Controllers

        three = Controllers(vhosts, out)
        three.up()
        return three
    single.database_up()
    broker.join()
    return single


def write(instances: list[Instance], out: str) -> None:
    """Write what was seen of the instances of one timeline."""
    with open(f"{out}/seen.jsonl", "a") as file:
        for one in instances:
            seen = {"events": one.events, "status": one.status, "ready": one.ready, "life": round(one.life, 2), "forks": one.forks}
            with open(f"{one.state}/log", errors="replace") as log:
                seen["log"] = log.read()[-1500:]
            file.write(json.dumps({"id": one.id, "cell": one.job["cell"], "ok": one.job.get("ok", []), **seen}) + "\n")


if __name__ == "__main__":
    from lab import inside  # the module that controllers.py knows, not this one

    inside.main(sys.argv[1], sys.argv[2])
