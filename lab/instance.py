"""Inside a cell: one program with one setting, as it is configured, started and looked at."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

import amqp

from lab.servers import BROKERS, PATH, broker, descendants, killed, sql

QUIET = 8  # seconds in which a service that waits uses next to no processor time
FORKED = re.compile(r"Started child \d+|Child \d+ (?:exited|killed)|died, restarting", re.I)


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
        self.step, self._noted = 0, -1
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

    def look(self) -> None:
        """Probe it, and note what changed, and what is seen first after each step; a probe in which a step fell tells nothing."""
        step = self.step
        found = self.probe()
        if step == self.step and (found != self.last or step != self._noted):
            self.last, self._noted = found, step
            self.note("probe " + json.dumps(found, sort_keys=True))

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
            "Content-Type": "application/json", "X-Project-Id": "lab", "X-Roles": "admin",
        }  # fmt: skip
        if self.job["project"] == "placement":  # to the others it is a version of no API of theirs
            headers["OpenStack-API-Version"] = "placement latest"
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
            killed(self.process)
            self._log.close()
