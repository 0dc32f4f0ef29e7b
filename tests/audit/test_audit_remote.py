"""Targets at URLs: streamed from where the user said, through fsspec, and from nowhere else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lwlint.audit.targets import is_url, show_url
from lwlint.cli import main
from tests.audit.audit_cluster import CIB, NODES, host, packed
from tests.shared import HERE

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: no URL is read")
ARCHIVE = packed(host("newton", NODES[0]), NODES[0])
PLAIN = packed({**host("newton", NODES[0]), "etc/zzz": b"x" * 5_000_000}, NODES[0], "tar")
XML = (HERE / "fixtures" / "newton" / CIB).read_bytes()


class Answers(BaseHTTPRequestHandler):
    """Has an archive, a CIB, an archive that ends too early, and all sorts of refusals."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        status = {"/gone.tar.gz": 404, "/denied.tar.gz": 403, "/broken.tar.gz": 500, "/moved.tar.gz": 302}.get(path, 200)
        body = {"/cib.xml": XML, "/cut.tar": PLAIN}.get(path, ARCHIVE) if status == 200 else b"no\n"
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://elsewhere.invalid/x?token=c4n4ry")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:-100_000] if path == "/cut.tar" else body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


@pytest.fixture
def in_memory() -> Iterator[None]:
    files = fsspec.filesystem("memory")
    with files.open("/case/report.tar.gz", "wb") as file:
        file.write(ARCHIVE)
    yield
    files.rm("/case", recursive=True)


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["audit", *arguments])
    return code, *capsys.readouterr()


def hosts(text: str) -> object:
    found = json.loads(text)
    for cluster in found["clusters"]:
        for one in cluster["hosts"]:
            one["target"] = one["target"].partition("!")[2]
    return found["clusters"]


@pytest.mark.parametrize("where", ["memory", "file", "http"])
def test_an_archive_at_a_url_is_judged_as_the_one_on_the_disk(
    where: str, server: str, in_memory: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.tar.gz").write_bytes(ARCHIVE)
    url = {"memory": "memory://case/report.tar.gz", "file": f"file://{tmp_path}/report.tar.gz", "http": f"http://{server}/report.tar.gz"}[
        where
    ]
    remote = answer(capsys, url, "--format", "json")
    local = answer(capsys, f"{tmp_path}/report.tar.gz", "--format", "json")
    assert remote[0] == local[0] == 1
    assert hosts(remote[1]) == hosts(local[1])
    assert json.loads(remote[1])["targets"] == [{"path": url, "kind": "archive", "reports": 1, "troubles": []}]


def test_a_cib_at_a_url_is_judged(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, f"http://{server}/cib.xml", "--select", "LW101")[:2][0] == 0


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("gone.tar.gz", "was not found"),
        ("denied.tar.gz", "may not be read (no permission)"),
        ("broken.tar.gz", "cannot be read (ClientResponseError: 500"),
        ("moved.tar.gz", "leads elsewhere (302, to `http://elsewhere.invalid/x?***`), and only what was named is opened"),
    ],
)
def test_what_the_server_refuses_is_said(path: str, said: str, server: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = answer(capsys, f"http://user:c4n4ry@{server}/{path}?X-Amz-Signature=c4n4ry&token=c4n4ry")
    assert code == 2
    assert f"http://user:******@{server}/{path}?***" in out
    assert said in err
    assert "c4n4ry" not in out + err
    assert "Traceback" not in err


def test_what_no_server_answers_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = answer(capsys, "http://127.0.0.1:9/x.tar.gz")
    assert code == 2
    assert "cannot be read (ClientConnectorError" in err


def test_an_archive_that_ends_on_the_way_is_damage_and_what_came_counts(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = answer(capsys, f"http://{server}/cut.tar", "--format", "json")
    assert code == 1
    (target,) = json.loads(out)["targets"]
    assert target["reports"] == 1
    assert target["troubles"]


def test_one_that_is_not_there_leaves_the_others_alone(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = answer(capsys, f"http://{server}/gone.tar.gz", f"http://{server}/report.tar.gz")
    assert code == 2
    assert "1 host, 1 cluster" in out


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("simplecache::http://127.0.0.1/x.tar", "URLs within URLs are not opened; name the one of the archive"),
        ("nosuch://host/x.tar", "unknown protocol `nosuch`"),
        ("memory://no/such.tar", "was not found"),
    ],
)
def test_what_cannot_be_opened_is_said(url: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = answer(capsys, url)
    assert code == 2
    assert f"`{url}`" in err
    assert said in err


def test_without_fsspec_the_extra_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    code, out, err = answer(capsys, "s3://bucket/report.tar.xz")
    assert (code, out) == (2, "")
    assert err == "lwlint: `s3://bucket/report.tar.xz`: URLs need `pip install 'lwlint[remote]'`\n"


def test_names_in_a_url_are_anonymous_too(server: str, in_memory: None, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = answer(capsys, "memory://case/report.tar.gz", f"http://{server}/report.tar.gz", "--anonymize", "--format", "json")
    assert code == 1
    assert "127.0.0.1" in out
    assert NODES[0] not in out


def test_a_url_is_told_from_a_path() -> None:
    assert [is_url(path) for path in ("s3://b/k", "https://h/x", "simplecache::s3://b/k", "a/b.tar", "c:/x", "./http:/x")] == [True] * 3 + [
        False
    ] * 3
    assert show_url("ssh://u:pw@h/x?sig=1#y") == "ssh://u:**@h/x?***"


WATCH = """
import sys, tempfile
def hook(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        print("WATCHED", event, arguments[1:] if event == "socket.connect" else arguments, file=sys.stderr)
    elif event == "open" and isinstance(arguments[2], int) and arguments[2] & 3 and "__pycache__" not in str(arguments[0]):
        print("WRITTEN", arguments[0], file=sys.stderr)
    elif event == "import" and arguments[0] == "fsspec":
        print("IMPORTED", file=sys.stderr)
sys.addaudithook(hook)
from lwlint.cli import main
main(sys.argv[1:])
"""


def watched(*arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", WATCH, *arguments], cwd=HERE, capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert "1 host, " in done.stdout
    return [line for line in done.stderr.splitlines() if line.startswith(("WATCHED", "WRITTEN", "IMPORTED"))]


def test_only_the_named_host_is_connected_to_and_nothing_is_stored(server: str) -> None:
    seen = watched("audit", f"http://{server}/report.tar.gz")
    port = int(server.rpartition(":")[2])
    assert [line for line in seen if line.startswith("WRITTEN")] == []
    connections = [line for line in seen if line.startswith("WATCHED socket.connect")]
    assert set(connections) == {f"WATCHED socket.connect (('127.0.0.1', {port}),)"}


def test_another_target_imports_no_fsspec_and_opens_no_connection(tmp_path: Path) -> None:
    (tmp_path / "report.tar.gz").write_bytes(ARCHIVE)
    assert watched("audit", str(tmp_path / "report.tar.gz")) == []
