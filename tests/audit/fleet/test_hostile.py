"""What goes wrong around a fleet costs what is wrong, and no more: damaged archives, stores that refuse or rot, listings that end early."""

from __future__ import annotations

import bz2
import ctypes
import gzip
import json
import lzma
import os
import random
import sys
import threading
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lwlint.audit import audit
from lwlint.audit.targets import targets
from lwlint.cli import main
from lwlint.core.finding import ConfigurationError
from lwlint.run import load_rules
from tests.audit.audit_cluster import NODES, host, top
from tests.audit.fleet.looking import Here, answers, need, plain, tables
from tests.audit.fleet.made import audited, bomb, fleet, report
from tests.audit.fleet.made_store import NEW, made
from tests.files.archive_builder import header, tar

need()

from lwlint.audit.fleet.archives import Entry, Head, Listed, Settings, answer_of, lines, list_archives  # noqa: E402  # noqa: E402
from lwlint.audit.fleet.run import Event, Outcome, Watch, run  # noqa: E402
from lwlint.audit.fleet.store import Refused, Store, head_of, split_parts, unpack, usable  # noqa: E402
from lwlint.audit.fleet.tables import ClusterRow  # noqa: E402
from lwlint.audit.fleet.work import Bounds  # noqa: E402

DAY = "2030-01-31"
GOOD = report(1, 0)
PLAIN = gzip.decompress(GOOD)
Capsys = pytest.CaptureFixture[str]


def judged(archives: Sequence[Listed], store: Store, settings: Settings | None = None, events: list[Event] | None = None) -> Outcome:
    watch = Watch(event=events.append) if events is not None else Watch()
    return run(archives, store, Here(), settings or Settings(), Bounds(), watch, DAY)  # type: ignore[arg-type]


DAMAGED = {
    "empty": b"",
    "text": b"this is no archive\n" * 40,
    "noise": random.Random(1).randbytes(20_000),
    "zip": b"PK\x03\x04" + bytes(2000),
    "no-header": bytes(2048),
    "gzip-in-gzip": gzip.compress(GOOD),
    "out-of-it": gzip.compress(tar({"../../etc/passwd": "root\n", "/etc/shadow": "x\n"})),
    "bomb": bomb(),
    "claims-much": gzip.compress(header(b"sosreport-x/etc/nova/nova.conf", 1 << 40)),
    "gzip-half": GOOD[: len(GOOD) // 2],
    "gzip-changed": GOOD[: len(GOOD) // 2] + b"\xff" * 40 + GOOD[len(GOOD) // 2 + 40 :],
    "tar-half": PLAIN[: len(PLAIN) * 2 // 3],
    "xz-half": lzma.compress(PLAIN)[:3000],
    "bzip2-half": bz2.compress(PLAIN)[:3000],
    "checksum": PLAIN[:100] + b"\x01" + PLAIN[101:],
}
NOT_READ = {"empty", "text", "noise", "zip", "no-header", "gzip-in-gzip", "out-of-it", "bomb", "claims-much"}


def test_damaged_archives_of_all_kinds_cost_themselves_only(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    paths = fleet(folder, range(11, 12))
    for name, data in DAMAGED.items():
        (folder / f"sosreport-{name}.tar").write_bytes(data)
    (folder / "folder.tar").mkdir()
    (folder / "gone.tar").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.tar")
    store = usable(str(tmp_path / "store"))
    done = judged(list_archives([str(folder)]), store)
    states = {os.path.basename(row["archive"])[10:-4]: (row["state"], row["why"]) for row in tables(store, done.ran.run)["archives"]}
    assert len(states) == done.ran.archives == 3 + len(DAMAGED) + 1
    assert {name for name in DAMAGED if states[name][0] == "failed"} >= NOT_READ
    assert {states[name][0] for name in set(DAMAGED) - NOT_READ} <= {"damaged", "failed"}
    assert all(why for state, why in states.values() if state != "judged")
    assert not any("defect" in why for _, why in states.values()), states
    assert done.tracebacks == ()
    (name,) = (why for url, why in done.failed if url.endswith("gone.tar"))
    assert name == "cannot be looked at (No such file or directory)"
    good = audited(paths)
    assert {name: one for name, one in plain(answers(store, done.ran.run)).items() if name in good} == plain(good.values())


def both(folder: Path, store: Store) -> None:
    """Check that all in a folder, judged as one fleet, has the answers of one audit of it."""
    archives = list_archives([str(folder)])
    done = judged(archives, store)
    found = audit(targets([one.url for one in archives], []), load_rules(examples=False)).clusters
    told = sorted(json.dumps(plain([one]), sort_keys=True) for one in answers(store, done.ran.run))
    assert told == sorted(json.dumps(plain([one]), sort_keys=True) for one in found)
    ids = [row["cluster"] for row in tables(store, done.ran.run)["clusters"]]
    assert len(set(ids)) == len(ids)


def test_doubles_renamed_hosts_and_clusters_of_one_name_are_as_in_an_audit(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    fleet(folder, range(1, 2))
    (folder / "the-same-again.tar.gz").write_bytes(GOOD)
    (folder / "case-001" / "later.tar.gz").write_bytes(report(1, 0, "2099-12-31"))  # a clock in the future
    other = {path: content for path, content in host("newton", NODES[0]).items() if isinstance(content, (str, bytes))}
    named = {path: _bytes(content).replace(b"overcloud-controller", b"c777-controller") for path, content in other.items()}
    again = {path: content.replace(b"tripleo_cluster", b"cloud001") for path, content in named.items()}
    (folder / "other").mkdir()
    (folder / "other" / "sosreport-one.tar").write_bytes(tar(again, top=top("c777-controller-0")))
    both(folder, usable(str(tmp_path / "store")))
    moved = {
        path: content.replace(b"c777-controller-0", b"renamed-0") if "hostname" in path else content for path, content in again.items()
    }
    (folder / "other" / "sosreport-two.tar").write_bytes(tar(moved, top=top("renamed-0")))
    both(folder, usable(str(tmp_path / "store")))


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode()


def test_an_archive_that_changed_is_read_anew_and_its_cluster_judged_anew(tmp_path: Path) -> None:
    paths = [path for some in fleet(tmp_path / "in", range(1, 3)).values() for path in some]
    store = usable(str(tmp_path / "store"))
    first = judged(list_archives(paths), store)
    Path(paths[0]).write_bytes(report(1, 0, "2016-12-24"))
    events: list[Event] = []
    second = judged(list_archives(paths), store, events=events)
    assert Counter(one.event for one in events if not one.again) == {"read": 1, "judge": 1, "write": 1}
    assert first.ran.run != second.ran.run
    captured = {row["name"]: row["captured"][:10] for row in tables(store, second.ran.run)["clusters"]}
    assert captured == {"cloud001": "2016-12-24", "cloud002": "2016-11-23"}


def test_an_archive_that_goes_after_it_was_listed_fails_and_is_tried_again(tmp_path: Path) -> None:
    paths = fleet(tmp_path / "in", range(1, 2))[1]
    archives, data = list_archives(paths), Path(paths[2]).read_bytes()
    Path(paths[2]).unlink()
    store = usable(str(tmp_path / "store"))
    done = judged(archives, store)
    assert done.failed == ((paths[2], "no such file or folder"),)
    (tmp_path / "list").write_text("\n".join(paths))
    assert judged(list_archives([], lines((tmp_path / "list").read_text())), store).failed[0][0] == paths[2]
    Path(paths[2]).write_bytes(data)
    assert judged(list_archives(paths), store).ran.judged == 3


def test_what_rots_in_the_store_is_read_and_judged_anew(tmp_path: Path) -> None:
    paths = fleet(tmp_path / "in", range(1, 2))[1]
    store = usable(str(tmp_path / "store"))
    first = judged(list_archives(paths), store)
    before = tables(store, first.ran.run)
    (answer_,) = store.names("answers")
    data = store.read(answer_) or b""
    for rotten in (data[:-1], data[:-9] + bytes([data[-9] ^ 1]) + data[-8:], b"", data[:3]):
        store.write(answer_, rotten)
        events: list[Event] = []
        assert judged(list_archives(paths), store, events=events).ran.run == first.ran.run
        assert [one.again for one in events if one.event == "judge"] == [False]
        assert tables(store, first.ran.run) == before
    store.remove(answer_)
    one = store.names("readings")[0]
    data = store.read(one) or b""
    store.write(one, data[:-50] + bytes(49))
    lost = judged(list_archives(paths), store)
    assert lost.ran.failed == 3
    assert {why for _, why in lost.failed} == {"was not judged: what was read of it is damaged in the store; the next run reads it anew"}
    assert judged(list_archives(paths), store).ran.run == first.ran.run
    store.write(one, b"\0\0")
    assert judged(list_archives(paths), store).ran.run == first.ran.run


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small disk, as root")
def test_on_a_full_disk_nothing_appears_and_what_was_there_stays(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ctypes.CDLL(None, use_errno=True)
    if mount.mount(b"lwlint", str(disk).encode(), b"tmpfs", 0, b"size=256k"):
        pytest.skip("nothing can be mounted here")
    try:
        store = Store(str(disk), patience=0.2)
        store.write("a/kept", b"kept")
        with pytest.raises(Refused) as refused:
            store.write("a/large", bytes(1 << 20))
        assert refused.value.strerror == f"{disk}: `a/large` cannot be written (No space left on device)"
        with pytest.raises(Refused):
            store.write("a/kept", bytes(1 << 20))
        assert store.names("a") == ["a/kept"]
        assert store.read("a/kept") == b"kept"
        assert mount.mount(b"lwlint", str(disk).encode(), b"tmpfs", 32 | 1, b"") == 0  # MS_REMOUNT | MS_RDONLY
        with pytest.raises(ConfigurationError, match=r"cannot be written .*Read-only file system"):
            usable(str(disk))
        assert store.read("a/kept") == b"kept"
    finally:
        mount.umount2(str(disk).encode(), 2)


@pytest.fixture
def old(tmp_path: Path) -> Store:
    return made(str(tmp_path / "old"), 8)


def refused(store: Store, capsys: Capsys, *arguments: str) -> str:
    assert main(["fleet", arguments[0], store.url, *arguments[1:]]) == 2
    err = capsys.readouterr().err
    assert "defect" not in err
    return err


def test_records_and_tables_of_another_version_are_named(old: Store, capsys: Capsys) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (name,) = (name for name in old.names("clusters") if "rnew" in name)
    found = pq.read_table(f"{old.url}/{name}", partitioning=None)
    sink = pa.BufferOutputStream()
    pq.write_table(found.append_column("later", pa.array([1] * len(found))), sink)
    old.write(name, sink.getvalue().to_pybytes())
    assert main(["fleet", "export", old.url, "--prometheus"]) == 0  # one more is one that is not asked for
    capsys.readouterr()
    sink = pa.BufferOutputStream()
    pq.write_table(found.drop_columns(["fencing"]), sink)
    old.write(name, sink.getvalue().to_pybytes())
    for what in (["report"], ["export", "--prometheus"], ["diff", "--since", "2030-01-31"], ["export", "--csv", "--table", "clusters"]):
        assert "lwlint 0.1.0 has written it without the column `fencing`" in refused(old, capsys, *what)
    old.write(name, b"PAR1 and no more")
    assert f"`{name}` is damaged (ArrowInvalid)" in refused(old, capsys, "report")
    old.write("runs/rnew.json", b'{"run": "rnew"}')
    assert "`runs/rnew.json` is not the record of a run" in refused(old, capsys, "export", "--json")


def test_two_that_ask_at_once_get_the_same(old: Store, tmp_path: Path) -> None:
    from lwlint.audit.fleet.run import changes, latest, rows

    def ask(found: list[Any]) -> None:
        store = Store(old.url)
        found.append((changes(store, latest(store, "2030-01-31"), latest(store)), rows(store, latest(store), ClusterRow)))

    found: list[Any] = []
    threads = [threading.Thread(target=ask, args=(found,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(one == found[0] for one in found)
    assert latest(old).run_date == NEW


def test_a_listing_that_ends_in_the_midst_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec
    from fsspec.implementations.local import LocalFileSystem

    class Breaking(LocalFileSystem):  # type: ignore[misc]
        protocol = "breaking"

        def ls(self, path: str, detail: bool = False, **more: Any) -> Any:
            if str(path).endswith("elsewhere"):
                raise OSError(5, "Input/output error")
            return super().ls(path, detail=detail, **more)

    fsspec.register_implementation("breaking", Breaking, clobber=True)
    fleet(tmp_path, range(1, 2))
    assert len(list_archives([f"breaking://{tmp_path}/case-001/"])) == 2
    for target in (f"breaking://{tmp_path}/", f"breaking://{tmp_path}/**/*.tar.gz"):
        with pytest.raises(ConfigurationError, match="cannot be listed"):
            list_archives([target])
    scan = os.scandir

    def breaking(path: Any) -> Any:
        if str(path).endswith("elsewhere"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", breaking)
    with pytest.raises(ConfigurationError, match="elsewhere`: cannot be listed"):
        list_archives([str(tmp_path)])


def test_a_list_of_very_many_names_costs_little_memory_for_each() -> None:
    number = 50_000
    text = "\n".join(f"s3://cases/{i:07}/sosreport-controller-{i % 3}-2030-01-31-abcdefg.tar.xz" for i in range(number))
    tracemalloc.start()
    found = list_archives([], lines(text))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == number
    assert most < 700 * number


def test_a_line_of_a_list_is_a_name_whatever_its_characters() -> None:
    assert lines("# no\n a\u2028b.tar \r\n\nc\x0bd.tar\n") == ["a\u2028b.tar", "c\x0bd.tar"]


SECRETS = ("c4n4ry-user", "c4n4ry-query", "c4n4ry-sql", "c4n4ry-key")


@pytest.fixture
def server() -> Iterator[str]:
    """Serve an archive with passwords in it to whoever has a password, and refuse another one."""
    files = {path: content for path, content in host("newton", NODES[0]).items() if isinstance(content, (str, bytes))}
    secrets = "\n[database]\nconnection = mysql://nova:c4n4ry-sql@db/nova\nmax_retries = 3\n[keystone_authtoken]\npassword = c4n4ry-key\n"
    files["etc/nova/nova.conf"] = _bytes(files["etc/nova/nova.conf"]).decode() + secrets
    data = gzip.compress(tar(files, top=top(NODES[0])))

    class Answers(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            body = b"" if "gone" in self.path else data
            self.send_response(404 if "gone" in self.path else 200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", '"one"')
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


@pytest.mark.parametrize("more", [(), ("--anonymize",)])
def test_no_credential_and_no_password_is_printed_or_in_a_table(
    more: tuple[str, ...], server: str, tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("aiohttp")
    monkeypatch.setattr("lwlint.audit.fleet.work.Engine", lambda *_: Here())
    urls = [f"http://someone:c4n4ry-user@{server}/{name}.tar.gz?X-Amz-Signature=c4n4ry-query" for name in ("sosreport-a", "gone")]
    (tmp_path / "list").write_text("\n".join(urls))
    store, log = Store(str(tmp_path / "store")), tmp_path / "log"
    arguments = ["--list", str(tmp_path / "list"), "--into", store.url, "--log", str(log), "--debug", *more]
    assert main(["fleet", "run", *arguments]) == 2
    out, err = capsys.readouterr()
    assert "1 judged, 0 damaged, 1 failed" in out
    for what in (["export", "--json"], ["export", "--prometheus"], ["report"], ["report", "--cluster", _name(store)]):
        assert main(["fleet", what[0], store.url, *what[1:]]) == 0
        out += capsys.readouterr().out
    (ran,) = (name[5:-5] for name in store.names("runs"))
    told = (
        out
        + err
        + log.read_text()
        + json.dumps(tables(store, ran))
        + repr(store.names(""))
        + (store.read(f"runs/{ran}.json") or b"").decode()
    )
    held = b""
    for name in store.names("answers"):
        held += packed_plainly(answer_of(store.read(name) or b""))
    for name in store.names("readings"):
        head, body = split_parts(store.read(name) or b"")
        assert head == head_of(store.read(name) or b"")
        held += packed_plainly(unpack(head, Head))
        members = b"".join(data for *_, data in unpack(body, list[Entry]))
        assert (b"c4n4ry-sql" in members, b"c4n4ry-user" in members, b"c4n4ry-query" in members) == (True, False, False)
    for secret in SECRETS:
        assert secret not in told
        assert secret.encode() not in held
    assert "max_retries" in told or "max_retries" in held.decode("utf-8", "replace")
    if more:
        assert server not in json.dumps(tables(store, ran))


def _name(store: Store) -> str:
    from lwlint.audit.fleet.run import latest, rows

    return rows(store, latest(store), ClusterRow)[0].cluster


def packed_plainly(record: Any) -> bytes:
    from msgspec.json import encode

    return encode(record)
