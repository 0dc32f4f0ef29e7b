"""What the lab needs of the machine: trees that services come from, and cells, each a root and namespaces of its own.

Nothing of it outlives the process that made it: a cell's first process dies with the lab, and all others with that one; its mounts end with
its mount namespace; what is left of files and control groups is removed here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
CGROUPS = Path("/sys/fs/cgroup")
NAME = "lwlint-lab"


class Missing(Exception):
    """The machine cannot carry the lab; the text says what is missing."""


def read(name: str) -> Any:
    """Return what one of the lab's YAML files holds."""
    return yaml.safe_load((HERE / name).read_text("utf-8"))


def refuse_without_needs(level: str) -> None:
    """Raise Missing if the lab cannot run here: it needs root, namespaces, and the programs that make a tree."""
    if os.geteuid() != 0:
        raise Missing("it needs root, to make namespaces and to install packages into a tree")
    for program in ("unshare", "setpriv", "ip", "chroot", *(() if level == "units" else ("debootstrap", "apt-get"))):
        if shutil.which(program) is None:
            raise Missing(f"`{program}` is not there")
    with folder() as where:
        over = f"lowerdir=/,upperdir={where}/upper,workdir={where}/work"
        script = f"mount -t tmpfs tmpfs {where} && cd {where} && mkdir upper work root && mount -t overlay lab -o {over} root"
        tried = subprocess.run(["unshare", "-mpniu", "--fork", "sh", "-c", script], capture_output=True, text=True)
    if tried.returncode:
        raise Missing(f"namespaces or overlays are refused ({tried.stderr.strip()})")
    _cgroups()
    if not Path("/lib/systemd/systemd").exists():
        raise Missing("systemd is not there")


def _cgroups() -> str:
    """Return which hierarchies of control groups a systemd in a cell can have: `hybrid`, `unified`; raise Missing for none."""
    if (CGROUPS / "cgroup.controllers").exists():
        return "unified"
    if (CGROUPS / "systemd").is_dir() and (CGROUPS / "unified").is_dir():
        return "hybrid"
    raise Missing("no hierarchy of control groups for systemd is mounted")


@contextlib.contextmanager
def folder(where: Path | None = None) -> Iterator[Path]:
    """Yield a folder that is removed at the end."""
    path = Path(tempfile.mkdtemp(prefix=f"{NAME}-", dir=where))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


# what a lab that is killed cannot remove itself: its folder, and control groups, once its processes are gone
_SWEEP = """
read -r _
shopt -s nullglob
for _ in $(seq 100); do
  rm -rf -- "$1"
  groups=("$2/$3"-* "$2"/*/"$3"-*)
  [ "${#groups[@]}" = 0 ] || find "${groups[@]}" -depth -type d -exec rmdir {} ";" 2>/dev/null
  [ -e "$1" ] || [ "${#groups[@]}" != 0 ] || exit 0
  sleep 0.3
done
"""


@contextlib.contextmanager
def swept_folder() -> Iterator[Path]:
    """Yield a folder that is removed at the end, and with the control groups of this process too if it is killed."""
    with folder() as path:
        words = ["bash", "-c", _SWEEP, "lab-sweep", str(path), str(CGROUPS), f"{NAME}-{os.getpid()}"]
        out = subprocess.DEVNULL
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=out, stderr=out, start_new_session=True) as sweeper:
            try:
                yield path
            finally:
                shutil.rmtree(path, ignore_errors=True)
                assert sweeper.stdin is not None  # its end is what the sweeper waits for
                sweeper.stdin.close()


def sources(suite: str) -> tuple[str, str]:
    """Return the address that this machine has a suite of Debian from, and the text of a list of sources with its updates."""
    told = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(CREATED_BY)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"], capture_output=True, text=True
    )
    found: dict[tuple[str, str], None] = {}
    for line in told.stdout.splitlines():
        kind, address, release, component = line.split("|")
        if (kind, component) == ("Packages", "main") and release in (suite, f"{suite}-updates", f"{suite}-security"):
            found[(address.rstrip("/"), release)] = None
    base = next((address for address, release in found if release == suite), None)
    if base is None:
        raise Missing(f"apt of this machine knows no `{suite}` of Debian (is its list of packages there? `apt-get update`)")
    return base, "".join(f"deb {address} {release} main\n" for address, release in found)


def _within() -> dict[str, str]:
    """Return the environment for what runs in another root, where this machine's folder for temporary files is not."""
    return {name: value for name, value in os.environ.items() if name not in ("TMPDIR", "TMP", "TEMP")}


def make_tree(path: Path, suite: str, packages: Sequence[str], log: Path) -> None:
    """Bring a tree of Debian to hold packages; one that holds them is left as it is. Raise Missing with the last lines if apt fails."""
    mark = path / "etc" / NAME
    held = set(mark.read_text("utf-8").split()) if mark.exists() else set()
    if set(packages) <= held:
        return
    address, lists = sources(suite)
    with log.open("ab") as out:

        def ran(*command: str, **more: str) -> None:
            environment = {**_within(), "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", **more}
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment)
            if done.returncode:
                lines = log.read_text("utf-8", "replace").splitlines()[-4:]
                raise Missing(f"`{command[-1] if len(command) < 4 else ' '.join(command[:4])}` failed: {' / '.join(lines)}")

        if not mark.exists():
            shutil.rmtree(path, ignore_errors=True)
            ran("debootstrap", "--variant=minbase", "--include=ca-certificates", suite, str(path), address)
            (path / "etc/apt/sources.list").write_text(lists)
            for name in sorted(Path("/etc/apt/apt.conf.d").glob("*")):
                if name.suffix in ("", ".conf") and not name.name.startswith(("20", "50", "docker")):
                    shutil.copy(name, path / "etc/apt/apt.conf.d")
            (path / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
            (path / "usr/sbin/policy-rc.d").chmod(0o755)
            unwanted = "".join(f"path-exclude=/usr/share/{name}/*\n" for name in ("doc", "man", "locale"))
            (path / "etc/dpkg/dpkg.cfg.d/lab").write_text(f"force-unsafe-io\n{unwanted}")
        script = (
            'mount --make-rprivate / && mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" && chroot "$0" apt-get update -qq'
            ' && exec chroot "$0" apt-get install -y -qq --no-install-recommends "$@"'
        )
        ran("setpriv", "--pdeathsig", "KILL", "unshare", "-mp", "--fork", "--kill-child", "bash", "-c", script, str(path), *packages)
    mark.write_text("\n".join(sorted(held | set(packages))) + "\n")


class Cell:
    """A command as the first process of namespaces of its own, over a root that is thrown away. A context: at its end all of it is gone."""

    def __init__(self, lower: Path, command: Sequence[str], *, systemd: bool = False, where: Path | None = None) -> None:
        self._lower, self._command, self._where = lower, command, where
        self._hierarchy = _cgroups() if systemd else ""
        self._groups: list[Path] = []
        self._ends = contextlib.ExitStack()
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Cell:
        self.out = self._ends.enter_context(folder(self._where))
        work = self._ends.enter_context(folder(self._where))
        name = f"{NAME}-{os.getpid()}-{self.out.name[-8:]}"
        if self._hierarchy:
            tops = [CGROUPS / "systemd", CGROUPS / "unified"] if self._hierarchy == "hybrid" else [CGROUPS]
            self._groups = [top / name for top in tops]
        for group in self._groups:
            group.mkdir()
        joins = "".join(f'echo $$ >"{group}/cgroup.procs"; ' for group in self._groups)
        kinds = "-mpniuC" if self._groups else "-mpniu"
        inner = [str(HERE / "cell.sh"), str(self._lower), str(work), str(HERE.parent), str(self.out), *self._command]
        RUNNING.add(self)
        self.console = (self.out / "console").open("wb")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "bash", "-c", f'{joins}exec unshare {kinds} --fork --kill-child=KILL "$@"', "lab", *inner],
            stdin=subprocess.DEVNULL,
            stdout=self.console,
            stderr=self.console,
            env={**_within(), "LAB_CGROUPS": self._hierarchy},
            start_new_session=True,
        )
        return self

    def wait(self, seconds: float, until: str | None = None, look: Callable[[], None] | None = None) -> None:
        """Wait for the command's end, or for the file `until` in `out`; raise Missing with the console's last lines if neither comes.

        `look` is called time and again meanwhile.
        """
        end, status = time.monotonic() + seconds, None
        while time.monotonic() < end:
            if until is not None and (self.out / until).exists():
                return
            if look is not None:
                look()
            status = self.process.poll() if self.process is not None else None
            if status is not None:
                if until is None and status == 0:
                    return
                break
            time.sleep(0.2)
        lines = (self.out / "console").read_text("utf-8", "replace").splitlines()[-12:]
        raise Missing(f"the cell came to no end (status {status}): {' / '.join(lines)}")

    def end(self) -> None:
        """End the command, and with it all that it started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def __exit__(self, *_: object) -> None:
        self.end()
        if self.process is not None:
            self.process.wait()
        RUNNING.discard(self)
        self.console.close()
        for group in self._groups:
            _remove_group(group)
        self._ends.close()


RUNNING: set[Cell] = set()


def _remove_group(group: Path) -> None:
    """Remove a control group and those in it, once the last of its processes is gone."""
    end = time.monotonic() + 20
    while group.exists() and time.monotonic() < end:
        for path, _, _ in os.walk(group, topdown=False):  # which passes over what goes meanwhile
            with contextlib.suppress(OSError):
                os.rmdir(path)
        if group.exists():
            time.sleep(0.1)


def made_schemas(projects: Iterable[Mapping[str, Any]], known: Mapping[str, str]) -> str:
    """Return where in a tree the files of a database lie that holds the schemas of these projects; a hash tells their versions."""
    what = json.dumps(sorted((one["project"], known.get(one["cell"]["package"], ""), *one["sync"]) for one in projects))
    return f"/var/cache/{NAME}/schemas-{hashlib.sha256(what.encode()).hexdigest()[:16]}.tar"


def keep_schemas(tree: Path, made: str, archive: Path) -> None:
    """Keep the files of a database with schemas in a tree, for the next cell over it."""
    path = tree / made.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(archive, path)


def versions(tree: Path, packages: Sequence[str]) -> Mapping[str, str]:
    """Return the upstream versions of packages that a tree holds."""
    told = subprocess.run(
        ["chroot", str(tree), "dpkg-query", "-W", "-f", "${Package} ${Version}\n", *packages], capture_output=True, text=True
    )
    found = dict(line.split() for line in told.stdout.splitlines() if len(line.split()) == 2)
    return {name: version.partition(":")[2] or version for name, version in found.items()}
