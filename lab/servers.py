"""Inside a cell: the real MariaDB, RabbitMQ and redis, how they are asked, and the processes that belong to a process."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket as sockets
import subprocess
import threading
import time

import amqp
import pymysql

DATABASE, BROKER, REDIS = 3306, 5672, 6379
PORTS = {"database": DATABASE, "broker": BROKER, "redis": REDIS}
DATA = "/var/lib/mysql"
DATABASES, BROKERS = ["127.0.0.1"], ["127.0.0.1"]  # where the lab itself asks, in this order
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


# the services' user is granted all, as to make the schemas; MariaDB lets one who has these in beyond `max_connections`
ORDINARY = "revoke super, connection admin on *.* from lab@'%'"


def wait_for(true, seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"{what} did not come in {seconds} s")
        time.sleep(0.2)


def listens(port: int) -> bool:
    with sockets.socket() as tried:
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
        """Bring a server up that is not."""
        if not listens(PORTS[name]):
            self._up(name)

    def _up(self, name: str) -> None:
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
            self.up(name)

    def _start(self, name: str, command: list[str], more: dict[str, str] | None = None) -> None:
        self._running[name] = started(command, f"{self.out}/{name}.log", more)

    def kill(self, name: str) -> None:
        """Kill a server with all its processes, as a power cut would, and wait until nothing listens."""
        process = self._running.pop(name, None)
        if process is None:
            return
        killed(process)
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


def started(command: list[str], log: str, more: dict[str, str] | None = None) -> subprocess.Popen:
    """Start a server, whose output goes to a log."""
    with open(log, "ab") as out:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd="/",
            env={"PATH": PATH, "LANG": "C.UTF-8", **(more or {})},
            start_new_session=True,
        )


def killed(process: subprocess.Popen) -> None:
    """Kill a process with all that it started, as a power cut would."""
    for pid in [*descendants(children(), process.pid), process.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


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
