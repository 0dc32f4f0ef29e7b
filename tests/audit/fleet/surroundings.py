"""What a fleet runs in, as processes of its own: a scheduler of Dask with workers, and an S3 server on loopback. All of it is ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.shared import HERE


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _end_with_parent() -> None:
    """Let what is started end with the tests, however these end."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


class Dask:
    """A scheduler and workers, each started again when it ends, as a supervisor would; a context."""

    def __init__(self, folder: Path, workers: int, environment: Mapping[str, str] | None = None) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self.killed = {"worker": 0, "scheduler": 0}
        self._folder = folder
        self._environment = {
            **os.environ,
            **(environment or {}),
            "PYTHONPATH": str(HERE),
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
        }
        self._starts: Counter[str] = Counter()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._names = ["scheduler", *(f"worker{i}" for i in range(workers))]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Dask:
        for name in self._names:
            self._start(name)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()

    def _start(self, name: str) -> None:
        host, _, port = self.address.partition(":")
        if name == "scheduler":
            rest = ["scheduler", "--host", host, "--port", port, "--no-dashboard"]
        else:
            rest = ["worker", f"tcp://{self.address}", "--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "60"]
            rest += ["--local-directory", str(self._folder / name)]
        self._starts[name] += 1
        with open(self._folder / f"{name}.log", "ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", "dask", *rest],
                env=self._environment,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                preexec_fn=_end_with_parent,
            )

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            for name, process in list(self._processes.items()):
                if process.poll() is not None and not self._ended.is_set():
                    self._start(name)

    def kill_worker(self) -> bool:
        """Kill a worker that works, as its log tells: a busy machine takes long to start one. Return whether there was one."""
        ready = [name for name in self._names[1:] if self._works(name)]
        if ready:
            self._kill(ready[self.killed["worker"] % len(ready)])
            self.killed["worker"] += 1
        return bool(ready)

    def _works(self, name: str) -> bool:
        told = (self._folder / f"{name}.log").read_text("utf-8", "replace")
        return self._processes[name].poll() is None and told.count("Registered to") >= self._starts[name]

    def kill_scheduler(self) -> None:
        self._kill("scheduler")
        self.killed["scheduler"] += 1

    def _kill(self, name: str) -> None:
        self._processes[name].kill()


class S3:
    """An S3 server on loopback (moto), as a context."""

    def __init__(self) -> None:
        self.environment = {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "c4n4ry-secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def __enter__(self) -> S3:
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log(self, *_: Any) -> None:
                """Say nothing."""

        app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
        url = f"http://127.0.0.1:{self._server.server_port}"
        self.environment |= {"AWS_ENDPOINT_URL": url, "FSSPEC_S3_ENDPOINT_URL": url}
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()


def refuse(store: Path, seconds: float) -> None:
    """Let a store on the disk refuse all for so long: a file is in the place of its folder, so that root is refused, too."""
    away = store.with_name(f"{store.name}.away")
    store.rename(away)
    store.write_bytes(b"")
    time.sleep(seconds)
    store.unlink()
    away.rename(store)


@contextlib.contextmanager
def running(arguments: Iterable[str], environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """Start `lwlint` as a process of its own, which is ended with the context."""
    process = subprocess.Popen(
        [sys.executable, "-m", "lwlint", *arguments],
        env={**os.environ, **(environment or {}), "PYTHONPATH": str(HERE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
