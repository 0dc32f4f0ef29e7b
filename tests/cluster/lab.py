"""Nodes of a real cluster on this machine: corosync, Pacemaker, systemd, sshd and HAProxy in namespaces, on a bridge of their own.

Each node is a set of namespaces whose process 1 is systemd, on an overlay of this machine's tree. A process of ours holds the namespaces
that the nodes share: a network with the bridge, from which the APIs are asked, and a mount namespace with the memory that the nodes write
to. All of it ends with that process, which ends with ours. Stand-ins are only the programs of OpenStack, Galera, RabbitMQ and Redis.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

HERE = Path(__file__).resolve().parent
PROGRAMS = {
    "corosync": "corosync", "pacemakerd": "pacemaker", "crm_simulate": "pacemaker-cli-utils", "pcs": "pcs", "haproxy": "haproxy",
    "sshd": "openssh-server", "ssh-keygen": "openssh-client", "unshare": "util-linux", "nsenter": "util-linux", "setpriv": "util-linux",
    "ip": "iproute2", "dbus-daemon": "dbus", "pivot_root": "util-linux",
}  # fmt: skip
PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NETWORKS = ("192.0.2", "198.51.100", "203.0.113")  # of the nodes; for documentation, and here in a network of their own alone
UNITS = """[Unit]
Description=stands in for {name}
After=network.target
StartLimitIntervalSec=0

[Service]
ExecStart={command}
Restart={restart}
TimeoutStopSec=10

[Install]
WantedBy=multi-user.target
"""
ONCE = """[Unit]
Description=stands in for {name}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'echo start {name} >>/var/log/cleanups.log'
ExecStop=/bin/sh -c 'echo stop {name} >>/var/log/cleanups.log'

[Install]
WantedBy=multi-user.target
"""
MASKED = (
    "systemd-sysctl.service", "systemd-modules-load.service", "systemd-udevd.service", "systemd-udev-trigger.service", "getty.target",
    "systemd-logind.service", "systemd-binfmt.service", "systemd-random-seed.service", "systemd-update-utmp.service",
    "systemd-journald-audit.socket", "systemd-timesyncd.service", "systemd-tmpfiles-clean.timer", "systemd-firstboot.service",
    "systemd-udevd-kernel.socket", "systemd-udevd-control.socket", "systemd-journal-flush.service", "sys-kernel-config.mount",
    "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "dev-hugepages.mount", "dev-mqueue.mount", "systemd-remount-fs.service",
    "proc-sys-fs-binfmt_misc.automount", "sys-fs-fuse-connections.mount", "systemd-sysusers.service", "systemd-pcrphase.service",
    "systemd-pcrphase-sysinit.service", "kmod-static-nodes.service", "systemd-tmpfiles-setup-dev.service",
    "systemd-update-utmp-runlevel.service", "time-sync.target",
)  # fmt: skip


def lacking() -> list[str]:
    """Return what this machine lacks for a lab, in words; empty where it can hold one."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return ["it needs root on Linux"]
    found = [f"`{name}` (Debian: {package})" for name, package in PROGRAMS.items() if shutil.which(name, path=PATHS) is None]
    if not os.access("/lib/systemd/systemd", os.X_OK):
        found.append("systemd")
    if not Path("/usr/lib/ocf/resource.d/heartbeat/IPaddr2").exists():
        found.append("agents (Debian: resource-agents)")
    if not found:
        tried = subprocess.run(
            ["unshare", "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--fork", "sh", "-c", "mount -t tmpfs tmpfs /mnt"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if tried.returncode:
            found.append(f"namespaces ({tried.stderr.strip()})")
    return found


class Lab:
    """A cluster, up while the `with` block runs; `folder` is where its files are made first.

    `nodes` are the names of its nodes, `apis` the ports of the units that answer HTTP, `units` the others that are only there, `once` those
    that run once; `agents` are OCF agents (`provider/type`) that are stood in for.
    """

    def __init__(
        self, folder: Path, nodes: Sequence[str], apis: Mapping[str, int], units: Sequence[str], once: Sequence[str], agents: Sequence[str]
    ) -> None:
        self.folder, self.nodes, self.apis = folder, tuple(nodes), dict(apis)
        self.units, self.once, self.agents = tuple(units), tuple(once), tuple(agents)
        self.lab = folder / "lab"
        self.group = ""  # the control group of the lab, as this machine sees it
        self._holder: subprocess.Popen[bytes] | None = None
        self._nodes: dict[str, tuple[subprocess.Popen[bytes], int]] = {}

    def __enter__(self) -> Lab:
        try:
            self._hold()
            self._seed()
            for name in self.nodes:
                self.boot(name)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    # what the nodes share

    def _hold(self) -> None:
        """Start the process that holds the bridge, the memory and the control group."""
        self.lab.mkdir(parents=True)
        groups = self.folder / "groups"
        groups.mkdir()
        script = (
            f"mount -t tmpfs -o mode=755 tmpfs {self.lab} && mount -t cgroup2 cgroup2 {groups} && ip link set lo up && "
            "ip link add br0 type bridge && "
            + "".join(f"ip address add {network}.1/24 dev br0 && " for network in NETWORKS)
            + f"ip link set br0 up && mkdir -p {groups}/lwlint-{os.getpid()} && touch {self.lab}/ready && exec sleep infinity"
        )
        self._holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", script],
            stdin=subprocess.DEVNULL,
        )
        self.group = f"{groups}/lwlint-{os.getpid()}"
        wait(lambda: self.held("test", "-e", f"{self.lab}/ready").returncode == 0, 20, "the namespaces of the lab")
        for left in self.held("ls", str(groups)).stdout.split():  # of a run that was killed
            number = left.removeprefix("lwlint-")
            if number != left and not Path(f"/proc/{number}").exists():
                self._sweep(f"{groups}/{left}")

    def _sweep(self, group: str) -> None:
        """End what runs in a control group, and take it away."""
        ends = 'echo 1 >"$1/cgroup.kill"; for _ in 1 2 3 4 5; do sleep 0.2; find "$1" -depth -type d -delete 2>/dev/null && break; done'
        self.held("sh", "-c", f'[ ! -d "$1" ] || {{ {ends}; }}', "sh", group)

    def held(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command where the bridge and the memory are."""
        assert self._holder is not None
        return subprocess.run(
            ["nsenter", f"--target={self._holder.pid}", "--mount", "--net", *command],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def _seed(self) -> None:
        """Make the files that each node has besides this machine's own."""
        seed = self.folder / "seed"
        system = seed / "etc/systemd/system"
        system.mkdir(parents=True)
        (system / "multi-user.target.wants").mkdir()
        (system / "default.target").symlink_to("/lib/systemd/system/multi-user.target")
        for name in MASKED:
            (system / name).symlink_to("/dev/null")
        for name in ("corosync", "pacemaker", "ssh"):
            (system / f"multi-user.target.wants/{name}.service").symlink_to(f"/lib/systemd/system/{name}.service")
        library = seed / "usr/lib/systemd/system"
        library.mkdir(parents=True)
        programs = seed / "usr/local/bin"
        programs.mkdir(parents=True)
        shutil.copy(HERE / "api.py", programs / "api.py")
        for name in (*self.apis, *self.units):
            answers = f"/usr/bin/python3 -S /usr/local/bin/api.py {name} {self.apis[name]}" if name in self.apis else "/bin/sleep infinity"
            (library / f"{name}.service").write_text(UNITS.format(name=name, command=answers, restart="always"))
        for name in self.once:
            (library / f"{name}.service").write_text(ONCE.format(name=name))
        for agent in self.agents:
            path = seed / "usr/lib/ocf/resource.d" / agent
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / "agent.sh", path)
            path.chmod(0o755)
        self._configure(seed / "etc")
        subprocess.run(["chown", "-R", "0:0", str(seed)], check=True)
        copied = self.held("cp", "-a", str(seed), f"{self.lab}/seed")
        assert copied.returncode == 0, copied.stderr

    def _configure(self, etc: Path) -> None:
        addresses = {name: f"{NETWORKS[0]}.{11 + number}" for number, name in enumerate(self.nodes)}
        (etc / "hosts").write_text("127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for name, address in addresses.items()))
        (etc / "corosync").mkdir()
        members = "".join(
            f"  node {{\n    ring0_addr: {address}\n    name: {name}\n    nodeid: {number}\n  }}\n"
            for number, (name, address) in enumerate(addresses.items(), 1)
        )
        (etc / "corosync/corosync.conf").write_text(
            "totem {\n  version: 2\n  cluster_name: cloud\n  transport: knet\n  token: 10000\n"
            "  crypto_cipher: none\n  crypto_hash: none\n}\n"
            f"nodelist {{\n{members}}}\nquorum {{\n  provider: corosync_votequorum\n}}\n"
            "logging {\n  to_syslog: no\n  to_logfile: yes\n  logfile: /var/log/corosync/corosync.log\n}\n"
        )
        (etc / "haproxy").mkdir()
        balanced = "".join(
            f"listen {name}\n  bind *:{10000 + port}\n"
            + "".join(f"  server {node} {address}:{port} check inter 2s rise 2 fall 3\n" for node, address in addresses.items())
            for name, port in self.apis.items()
        )
        (etc / "haproxy/haproxy.cfg").write_text(
            "global\n  maxconn 2000\ndefaults\n  mode http\n  timeout connect 2s\n  timeout client 30s\n  timeout server 30s\n"
            f"  option redispatch\n  retries 2\n{balanced}"
        )
        (etc / "ssh").mkdir()
        keys = etc.parent / "root/.ssh"
        keys.mkdir(parents=True, mode=0o700)
        for path in (etc / "ssh/ssh_host_ed25519_key", keys / "id_ed25519"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
        shutil.copy(keys / "id_ed25519.pub", keys / "authorized_keys")
        (etc / "ssh/sshd_config").write_text("PermitRootLogin yes\nUsePAM no\nUseDNS no\nMaxStartups 100\n")
        host = (etc / "ssh/ssh_host_ed25519_key.pub").read_text().split()
        (keys / "known_hosts").write_text("".join(f"{name},{address} {host[0]} {host[1]}\n" for name, address in addresses.items()))

    # one node

    def boot(self, name: str) -> None:
        """Have a node come up; it has what it wrote before it was killed."""
        assert self._holder is not None
        number = self.nodes.index(name)
        group = f"{self.group}/{name}"
        inside = [
            "setpriv", "--pdeathsig", "KILL",
            "unshare", "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--fork", "--kill-child",
            "bash", str(HERE / "node.sh"), name, str(self.lab), *(f"{network}.{11 + number}/24" for network in NETWORKS),
        ]  # fmt: skip
        self.held("mkdir", "-p", group)
        enters = f'echo $$ >{group}/cgroup.procs && exec "$@"'  # nothing but what this becomes has a child
        seen = ":".join(dict.fromkeys((str(HERE.parent.parent), sys.prefix, sys.base_prefix)))
        console = open(self.folder / f"{name}.console", "ab")  # noqa: SIM115
        with console:
            process = subprocess.Popen(
                ["nsenter", f"--target={self._holder.pid}", "--mount", "--net", "sh", "-c", enters, "sh", *inside],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, env={**os.environ, "SEEN": seen},
            )  # fmt: skip
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        wait(lambda: process.poll() is not None or children.read_text().strip() != "", 20, f"the first process of {name}")
        assert process.poll() is None, (self.folder / f"{name}.console").read_text()
        first = int(children.read_text().split()[0])
        self._nodes[name] = (process, first)
        wait(lambda: os.readlink(f"/proc/{first}/ns/net") != os.readlink(f"/proc/{self._holder.pid}/ns/net"), 10, f"the network of {name}")  # type: ignore[union-attr]
        for line in (
            f"ip link add v{number} type veth peer name eth0 netns {first}",
            f"ip link set v{number} master br0",
            f"ip link set v{number} up",
        ):
            plugged = self.held(*line.split())
            assert plugged.returncode == 0, plugged.stderr

    def kill(self, name: str) -> None:
        """End a node as a loss of power does."""
        process, first = self._nodes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.kill(first, signal.SIGKILL)
        process.wait(30)

    def start(self, name: str, command: str, **more: object) -> subprocess.Popen[str]:
        """Start a command of bash on a node, as root."""
        _, first = self._nodes[name]
        return subprocess.Popen(
            ["nsenter", f"--target={first}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd",
             "env", "-i", f"PATH={PATHS}", "HOME=/root", "LANG=C.UTF-8", "bash", "-c", command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def run(self, name: str, command: str, seconds: float = 60) -> tuple[int, str]:
        """Run a command of bash on a node, as root; return its exit code and what it printed."""
        process = self.start(name, command)
        try:
            out, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return process.returncode, out

    def asked(self, name: str, command: str, seconds: float = 60) -> str:
        """Return what a command prints on a node; it must not fail."""
        code, out = self.run(name, command, seconds)
        assert code == 0, f"{name}: {command}: {code}: {out}"
        return out

    def write(self, name: str, path: str, text: str) -> None:
        """Write a file on a node."""
        made = self.folder / "written"
        made.write_text(text)
        _, first = self._nodes[name]
        with open(made, "rb") as file:
            subprocess.run(
                ["nsenter", f"--target={first}", "--mount", "--root", "sh", "-c", 'cat >"$1"', "sh", path], stdin=file, check=True
            )

    def _end(self) -> None:
        for name in list(self._nodes):
            self.kill(name)
        if self._holder is None:
            return
        self._sweep(self.group)
        self._holder.kill()
        self._holder.wait(10)


@contextlib.contextmanager
def probing(lab: Lab, targets: Mapping[str, str]) -> Iterator[list[str]]:
    """Ask the APIs all the while; the list has, when the block ends, what the probe printed."""
    assert lab._holder is not None
    said: list[str] = []
    out = lab.folder / "probe.out"
    with open(out, "w") as file:
        process = subprocess.Popen(
            ["nsenter", f"--target={lab._holder.pid}", "--net", "setpriv", "--pdeathsig", "KILL", sys.executable, str(HERE / "probe.py"),
             *(f"{name}={where}" for name, where in targets.items())],
            stdin=subprocess.DEVNULL, stdout=file, stderr=file,
        )  # fmt: skip
    try:
        wait(lambda: "begun" in out.read_text(), 20, "the probe")
        yield said
        time.sleep(1)
    finally:
        process.terminate()
        process.wait(30)
        said += out.read_text().splitlines()


def failures(said: Sequence[str]) -> list[str]:
    """Return the lines of the requests that failed, each with the time and the API."""
    return [line for line in said if line.startswith("failed ")]


def asked(said: Sequence[str]) -> int:
    """Return how many requests were made; the probe must have worked to its end."""
    assert said[-1] == "done", said[-5:]
    return int(said[-2].removeprefix("asked "))


def wait(holds: object, seconds: float, what: str) -> None:
    """Wait until a condition holds; it must do so within the seconds."""
    assert callable(holds)
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, f"{what}: not there after {seconds:g} s"
        time.sleep(0.2)
