"""Inside a cell: three controllers, each a network namespace with Galera, RabbitMQ and HAProxy of its own, and one address before them.

Real servers of Debian's packages; the address is moved by the resource agent IPaddr2 that Pacemaker runs. The services stand in the
cell's own namespace and reach the database by the address, and the three brokers by their names.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import threading
import time

import pymysql
from pymysql.constants import ER

from lab.servers import BROKERS, DATA, DATABASES, ORDINARY, PATH, Work, definitions, killed, may_log_in, sql, started, wait_for, write_json

NODES = ("c1", "c2", "c3")
HOSTS = {name: f"198.18.0.{11 + n}" for n, name in enumerate(NODES)}
VIP = "198.18.0.100"
HERE = "/var/lib/lab/controllers"
GALERA, RABBIT, PROXY, CHECK = "galera", "rabbit", "haproxy", "check"
FEW = 10  # connections, which is the least that MariaDB takes
HAPROXY = """\
global
  maxconn 4000
defaults
  mode tcp
  retries 3
  timeout connect 10s
  timeout client 90m
  timeout server 90m
  timeout check 5s
listen galera
  bind {vip}:3306 transparent
  option tcpka
  option httpchk
  stick-table type ip size 1000
  stick on dst
"""


def ran(*command: str, **more: str) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env={"PATH": PATH, **more})
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")


class Controllers:
    """The three of them, in the place of `servers.Servers`."""

    def __init__(self, vhosts: list[str], out: str) -> None:
        self.out, self.vhosts = out, vhosts
        self._running: dict[tuple[str, str], subprocess.Popen] = {}
        self.holder = NODES[0]
        self.room = 1000
        self._held: list[pymysql.Connection] = []
        os.makedirs(HERE)
        DATABASES[:] = reversed(HOSTS.values())  # the first is that which dies
        BROKERS[:] = DATABASES

    # the network

    def lay(self) -> None:
        """Make a bridge in the cell's namespace, and the three namespaces with a leg each."""
        commands = ["link add controllers type bridge", "link set controllers up", "addr add 198.18.0.1/24 dev controllers"]
        for name, address in HOSTS.items():
            commands += [
                f"netns add {name}", f"link add leg-{name} type veth peer name eth0 netns {name}",
                f"link set leg-{name} master controllers up", f"-n {name} link set lo up", f"-n {name} link set eth0 up",
                f"-n {name} addr add {address}/24 dev eth0",
            ]  # fmt: skip
        for command in commands:
            ran("ip", *command.split())
        for name in NODES:
            ran("nsenter", f"--net=/run/netns/{name}", "sysctl", "-qw", "net.ipv4.ip_nonlocal_bind=1")
        with open("/etc/hosts", "a") as file:
            file.writelines(f"{address} {name}\n" for name, address in HOSTS.items())

    def address(self, name: str, action: str) -> None:
        """Have the agent start or stop the address on a node."""
        agent = "/usr/lib/ocf/resource.d/heartbeat/IPaddr2"
        settings = {"ip": VIP, "cidr_netmask": "24", "nic": "eth0", "arp_bg": "false", "arp_interval": "100"}
        environment = {f"OCF_RESKEY_{key}": value for key, value in settings.items()}
        environment |= {"OCF_ROOT": "/usr/lib/ocf", "OCF_RESOURCE_INSTANCE": "vip", "HA_RSCTMP": "/run/resource-agents"}
        ran("nsenter", f"--net=/run/netns/{name}", agent, action, **environment)

    # the servers of a node

    def _start(self, name: str, what: str, command: list[str], more: dict[str, str] | None = None) -> None:
        inside = ["nsenter", f"--net=/run/netns/{name}", *command]
        self._running[name, what] = started(inside, f"{self.out}/{what}-{name}.log", more)

    def kill(self, name: str, what: str) -> None:
        """Kill a server of a node with all its processes."""
        process = self._running.pop((name, what), None)
        if process is not None:
            killed(process)

    def galera(self, name: str, *more: str) -> list[str]:
        address = HOSTS[name]
        return [
            "/usr/sbin/mariadbd", "--no-defaults", "--user=mysql", f"--datadir={HERE}/{name}/mysql", f"--socket={HERE}/{name}/mysql.sock",
            f"--pid-file={HERE}/{name}/mysql.pid", f"--bind-address={address}", "--skip-name-resolve", "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M", "--wsrep-on=ON",
            f"--max-connections={self.room}", "--wsrep-provider=/usr/lib/galera/libgalera_smm.so", "--wsrep-cluster-name=lab",
            f"--wsrep-cluster-address=gcomm://{','.join(HOSTS.values())}", f"--wsrep-node-address={address}", f"--wsrep-node-name={name}",
            "--wsrep-sst-method=rsync", "--wsrep-provider-options=gcache.size=64M", *more,
        ]  # fmt: skip

    def state(self, name: str) -> str:
        """Return what a node says of itself as a member: `Synced`."""
        with contextlib.suppress(Exception):
            return str(sql("show status like 'wsrep_local_state_comment'", "root", socket=f"{HERE}/{name}/mysql.sock")[0][1])
        return ""

    def start_galera(self, name: str, *more: str) -> None:
        self._start(name, GALERA, self.galera(name, *more))
        wait_for(lambda: self.state(name) == "Synced", 240, f"Galera on {name}")

    def bootstrap(self) -> None:
        """Bring a cluster up of which all nodes are down, as its agent does: the node that has seen most begins, the others join."""
        positions = {}
        for name in NODES:
            log = f"{HERE}/{name}/recovered"
            with open(log, "wb") as file:
                command = ["nsenter", f"--net=/run/netns/{name}", *self.galera(name, "--wsrep-recover")]
                subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env={"PATH": PATH})
            with open(log, errors="replace") as file:
                found = re.findall(r"Recovered position: \S+?:(-?\d+)", file.read())
            positions[name] = int(found[-1]) if found else -2
        first = max(NODES, key=lambda name: positions[name])
        state = f"{HERE}/{first}/mysql/grastate.dat"
        if os.path.exists(state):
            with open(state) as file:
                text = file.read()
            with open(state, "w") as file:
                file.write(text.replace("safe_to_bootstrap: 0", "safe_to_bootstrap: 1"))
        self.start_galera(first, "--wsrep-new-cluster")
        joining = [Work(target=self.start_galera, args=(name,)) for name in NODES if name != first]
        for thread in joining:
            thread.start()
        for thread in joining:
            thread.join()

    def start_rabbit(self, name: str) -> None:
        environment = {
            "RABBITMQ_NODENAME": f"rabbit@{name}", "RABBITMQ_CONFIG_FILE": f"{HERE}/{name}/rabbitmq", "HOME": "/var/lib/rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{HERE}/plugins", "RABBITMQ_MNESIA_BASE": f"{HERE}/{name}/mnesia",
            "RABBITMQ_LOG_BASE": f"{HERE}/{name}/log", "RABBITMQ_PID_FILE": f"{HERE}/{name}/rabbit.pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +S 2:2 -kernel net_ticktime 15",
        }  # fmt: skip
        self._start(name, RABBIT, ["/usr/sbin/rabbitmq-server"], environment)

    def start_rabbits(self) -> None:
        for name in NODES:
            self.start_rabbit(name)
        wait_for(lambda: all(may_log_in(self.vhosts[-1], HOSTS[name]) for name in NODES), 480, "RabbitMQ")

    def start_proxy(self, name: str) -> None:
        self._start(name, CHECK, ["/usr/bin/python3", "-m", "lab.member", HOSTS[name]], {"PYTHONPATH": "/run/lab/project"})
        self._start(name, PROXY, ["/usr/sbin/haproxy", "-db", "-f", f"{HERE}/haproxy.cfg"])

    # all of it

    def up(self) -> None:
        """Bring all up for the first time, over the files of a database that holds the schemas."""
        self.lay()
        for name in NODES:
            for folder in ("mnesia", "log"):
                os.makedirs(f"{HERE}/{name}/{folder}")
        with open(f"{HERE}/haproxy.cfg", "w") as file:
            file.write(HAPROXY.format(vip=VIP))
            for name, address in HOSTS.items():
                file.write(
                    f"  server {name} {address}:3306 backup check port 9200 inter 1s fall 5 rise 2 on-marked-down shutdown-sessions\n"
                )
        broker = Work(target=self._first_rabbits)
        broker.start()
        shutil.move(DATA, f"{HERE}/{NODES[0]}/mysql")
        for name in NODES[1:]:
            os.makedirs(f"{HERE}/{name}/mysql")
        ran("chown", "-R", "mysql:", *(f"{HERE}/{name}" for name in NODES))
        ran("chown", "-R", "rabbitmq:", *(f"{HERE}/{name}/{folder}" for name in NODES for folder in ("mnesia", "log")))
        self.bootstrap()
        sql(ORDINARY, "root", socket=f"{HERE}/{NODES[0]}/mysql.sock")
        user = "create user if not exists 'check'@'%' identified by 'check'"
        sql(user, "root", socket=f"{HERE}/{NODES[0]}/mysql.sock")
        self._proxies()
        broker.join()
        wait_for(self.whole, 60, "the address")

    def _first_rabbits(self) -> None:
        what = definitions(self.vhosts)
        what["policies"] = [
            {
                "vhost": one,
                "name": "ha-all",
                "pattern": r"^(?!amq\.).*",
                "apply-to": "queues",
                "priority": 0,
                "definition": {"ha-mode": "all"},
            }
            for one in self.vhosts
        ]
        write_json(f"{HERE}/definitions.json", what)
        nodes = "".join(f"cluster_formation.classic_config.nodes.{n + 1} = rabbit@{name}\n" for n, name in enumerate(NODES))
        load = f"load_definitions = {HERE}/definitions.json\n"
        for name, address in HOSTS.items():
            with open(f"{HERE}/{name}/rabbitmq.conf", "w") as file:
                file.write(f"listeners.tcp.1 = {address}:5672\ndisk_free_limit.absolute = 50MB\nloopback_users = none\n")
                file.write("cluster_partition_handling = pause_minority\ncluster_formation.peer_discovery_backend = classic_config\n")
                file.write(nodes + (load if name == NODES[0] else ""))
        ran("chown", "-R", "rabbitmq:", *(f"{HERE}/{name}/{folder}" for name in NODES for folder in ("mnesia", "log")))
        self.start_rabbits()

    def whole(self) -> bool:
        """Whether the database answers by the address."""
        with contextlib.suppress(Exception):
            return bool(sql("select 1", host=VIP))
        return False

    def do(self, step: str) -> None:
        """Do what a step of a timeline says."""
        {
            "nothing": lambda: None,
            "vip-kill": lambda: self.address(self.holder, "stop"),
            "vip-up": self._take_over,
            "galera-kill": lambda: self.kill(self.used(), GALERA),
            "galera-up": self._rejoin,
            "controller-kill": lambda: self._cut(self.holder),
            "rabbit-kill": lambda: self.kill(NODES[0], RABBIT),
            "rabbit-up": lambda: self.start_rabbits_that_are_away(),
            "proxies-up": self._proxies,
            "rabbits-up": self.start_rabbits,
            "galeras-up": self.bootstrap,
            "galeras-full-up": self._full,
            "room-up": lambda: self._room(1000),
        }[step]()

    def used(self) -> str:
        """Return the node that HAProxy sends to: the one that has the connections of the services."""
        held = {}
        for name in NODES:
            with contextlib.suppress(Exception):
                socket = f"{HERE}/{name}/mysql.sock"
                held[name] = len(sql("select 1 from information_schema.processlist where db is not null", "root", socket=socket))
        return max(held, key=lambda name: held[name])

    def _take_over(self) -> None:
        """Have the next node take the address."""
        self.holder = NODES[(NODES.index(self.holder) + 1) % len(NODES)]
        self.address(self.holder, "start")

    def _rejoin(self) -> None:
        for name in NODES:
            if (name, GALERA) not in self._running:
                self.start_galera(name)

    def _cut(self, name: str) -> None:
        """Cut the power of a node: it says nothing more, to nobody."""
        ran("ip", "link", "set", f"leg-{name}", "down")
        for what in (PROXY, CHECK, GALERA, RABBIT):
            self.kill(name, what)
        ran("ip", "-n", name, "addr", "flush", "dev", "eth0")

    def _plug(self, name: str) -> None:
        ran("ip", "-n", name, "addr", "replace", f"{HOSTS[name]}/24", "dev", "eth0")
        ran("ip", "link", "set", f"leg-{name}", "up")

    def cut_all(self) -> None:
        """Cut the power of all three, and plug them in again: their network is there, and nothing runs."""
        for name in NODES:
            self._cut(name)
        for name in NODES:
            self._plug(name)

    def _proxies(self) -> None:
        for name in NODES:
            self.start_proxy(name)
        self.address(self.holder, "start")

    def _full(self) -> None:
        """Bring the cluster up with few connections, and hold them all, as the services of three controllers would that came first."""
        self.room, done = FEW, threading.Event()

        def hold(address: str) -> None:
            while not done.is_set():
                try:
                    self._held.append(pymysql.connect(host=address, user="lab", password="lab", connect_timeout=1))
                except (pymysql.err.MySQLError, OSError) as error:
                    # who is refused takes, as long as that lasts, the one place that is kept for root, by which the node's state is asked
                    done.wait(0.5 if error.args[0] == ER.CON_COUNT_ERROR else 0.01)

        holding = [threading.Thread(target=hold, args=(address,), daemon=True) for address in HOSTS.values()]
        for one in holding:
            one.start()
        try:
            self.bootstrap()
            time.sleep(3)
        finally:
            done.set()
            for one in holding:
                one.join()

    def _room(self, number: int) -> None:
        self.room = number
        while self._held:
            with contextlib.suppress(Exception):
                self._held.pop().close()
        for name in NODES:
            with contextlib.suppress(Exception):
                sql(f"set global max_connections = {number}", "root", socket=f"{HERE}/{name}/mysql.sock")

    def start_rabbits_that_are_away(self) -> None:
        for name in NODES:
            if (name, RABBIT) not in self._running:
                self.start_rabbit(name)
        wait_for(lambda: all(may_log_in(self.vhosts[-1], HOSTS[name]) for name in NODES), 480, "RabbitMQ")

    def take_away(self, name: str) -> None:
        """Take away what a timeline begins without: `power`."""
        if name == "power":
            self.cut_all()

    def restore(self) -> None:
        """Bring all back, for the next timeline."""
        self._room(1000)
        for name in NODES:
            self._plug(name)
        if not any((name, GALERA) in self._running for name in NODES):
            self.bootstrap()
        self._rejoin()
        for name in NODES:
            if (name, PROXY) not in self._running:
                self.start_proxy(name)
        self.start_rabbits_that_are_away()
        self.address(self.holder, "stop")
        self.holder = NODES[0]
        self.address(self.holder, "start")
        wait_for(self.whole, 60, "the address")
        time.sleep(5)
