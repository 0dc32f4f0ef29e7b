"""`lwlint fleet run` on a few clusters: the answers of `lwlint audit`, each archive in one state, and nothing done twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from lwlint.audit.fleet.archives import FOLDER, Head, Listed, Settings, cases, list_archives, read
from lwlint.audit.fleet.run import Event, Outcome, Watch, run, runs
from lwlint.audit.fleet.store import Store, pack, unpack, usable
from lwlint.audit.fleet.work import Bounds, Engine
from lwlint.cli import main
from lwlint.core.finding import ConfigurationError
from tests.audit.audit_cluster import NODES, host, top
from tests.audit.fleet.looking import answers, expected_states, need, plain, tables
from tests.audit.fleet.made import audited, fleet
from tests.files.archive_builder import tar

need()
NUMBERS = (0, 1, 3, 5, 7, 50)
DAY = "2030-01-31"


class Done(NamedTuple):
    """A fleet that was judged, and then once more."""

    folder: Path
    paths: dict[int, list[str]]
    store: Store
    first: Outcome
    again: Outcome
    events: list[Event]
    engine: Engine


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    folder = tmp_path_factory.mktemp("fleet")
    paths = {number: some for number in NUMBERS for some in fleet(folder / "in", range(number, number + 1)).values()}
    store = usable(str(folder / "store"))
    events: list[Event] = []
    archives = list_archives([str(folder / "in")])
    with Engine(workers=1) as engine:
        first = run(archives, store, engine, Settings(), Bounds(), today=DAY)
        again = run(archives, store, engine, Settings(), Bounds(), Watch(event=events.append), today=DAY)
        yield Done(folder, paths, store, first, again, events, engine)


def test_each_cluster_has_the_answer_of_an_audit(done: Done) -> None:
    assert plain(answers(done.store, done.first.ran.run)) == plain(audited(done.paths).values())


def test_each_archive_is_in_one_state_and_the_numbers_add_up(done: Done) -> None:
    found = tables(done.store, done.first.ran.run)
    states = Counter(row["state"] for row in found["archives"])
    assert states == expected_states(NUMBERS)
    ran = done.first.ran
    assert (ran.judged, ran.damaged, ran.failed, ran.archives) == (states["judged"], states["damaged"], states["failed"], 3 * len(NUMBERS))
    (why,) = [row["why"] for row in found["archives"] if row["state"] == "failed"]
    assert why.startswith("nothing to judge in it; is a bomb: 128 MiB")
    for table, rows in found.items():
        assert len(rows) == ran.rows[table] == len({json.dumps(row, sort_keys=True) for row in rows}), table
    assert {row["run"] for rows in found.values() for row in rows} == {ran.run}
    assert sum(row["errors"] for row in found["clusters"]) == ran.errors == sum(row["severity"] == "error" for row in found["findings"])
    assert {row["archive"] for row in found["hosts"]} <= {row["archive"] for row in found["archives"]}


def test_nothing_is_done_twice_and_the_second_run_has_no_row_of_its_own(done: Done) -> None:
    assert done.again.ran.run == done.first.ran.run
    assert [(one.event, one.again) for one in done.events if one.event != "write" and not one.again] == []
    assert [one.run for one in runs(done.store)] == [done.first.ran.run]
    assert [name for name in done.store.names("") if name.startswith("staging/")] == []


def test_an_archive_that_comes_later_changes_its_own_cluster_only(done: Done) -> None:
    name = done.paths[3][2].replace("controller-2", "controller-2-late")
    node = "c003-controller-2"
    files = {path: _renamed(text, node) for path, text in host("newton", NODES[2]).items() if isinstance(text, (str, bytes))}
    Path(name).write_bytes(tar(files, top=top(node)))
    events: list[Event] = []
    later = run(
        list_archives([str(done.folder / "in")]), done.store, done.engine, Settings(), Bounds(), Watch(event=events.append), today=DAY
    )
    Path(name).unlink()
    assert Counter((one.event, one.again) for one in events if one.event != "write" and not one.again) == {
        ("read", False): 1,
        ("judge", False): 1,
    }
    assert later.ran.run != done.first.ran.run
    assert [row["absent"] for row in tables(done.store, later.ran.run)["clusters"] if row["name"] == "cloud003"] == [[]]


def _renamed(text: str | bytes, node: str) -> bytes:
    data = text if isinstance(text, bytes) else text.encode()
    return data.replace(b"overcloud-controller", node[:-2].encode()).replace(b"tripleo_cluster", b"cloud003")


def test_a_run_that_was_killed_while_its_tables_were_made_seen_is_finished_by_the_next(done: Done) -> None:
    name = done.first.ran.parts[0]
    before = done.store.read(name)
    done.store.move(name, f"staging/{done.first.ran.run}/{name}")
    assert done.store.read(name) is None
    run(list_archives([done.paths[1][0]]), done.store, done.engine, Settings(), Bounds(), today="2030-01-30")
    assert done.store.read(name) == before


def test_an_archive_that_takes_too_long_or_too_much_memory_costs_itself_only(done: Done, tmp_path: Path) -> None:
    paths = fleet(tmp_path, range(11, 12))[11]
    store = usable(str(tmp_path / "store"))
    slow = run(list_archives(paths), store, done.engine, Settings(), Bounds(seconds=0.0001), today=DAY)
    assert {why for _, why in slow.failed} == {"took more than 0.0001 seconds"}
    small = run(list_archives(paths), store, done.engine, Settings(), Bounds(memory=1 << 12), today=DAY)
    assert small.ran.failed == 3
    assert [why for _, why in small.failed if "memory" not in why and "ended" not in why] == []
    fine = run(list_archives(paths), store, done.engine, Settings(), Bounds(), today=DAY)
    assert (fine.ran.judged, fine.ran.failed) == (3, 0)


def test_names_are_nowhere_in_the_tables_of_an_anonymous_run(done: Done) -> None:
    found = run(list_archives(done.paths[5] + done.paths[50]), done.store, done.engine, Settings(salt="s4lt"), Bounds(), today=DAY)
    told = json.dumps(tables(done.store, found.ran.run))
    assert not any(name in told for name in ("c005-", "cloud0", "c050-", "controller-0", str(done.folder)))
    assert "host-1" in told
    clusters = {row["cluster"]: row["name"] for row in tables(done.store, found.ran.run)["clusters"]}
    assert all(name == f"cluster-{key}" for key, name in clusters.items())
    assert len(clusters) == 2


def heads(*paths: str) -> list[Head]:
    return [unpack(pack(read(one)[0]), Head) for one in list_archives(paths)]


def test_what_lies_in_one_folder_is_judged_together_if_that_is_asked_for(done: Done) -> None:
    some = heads(*done.paths[0], *done.paths[1])
    assert [len(case.archives) for case in cases(some, Settings())] == [3, 3]
    folders = cases(some, Settings(together=FOLDER))
    assert sorted(len(case.archives) for case in folders) == [2, 2, 2]
    assert [sorted(cluster.identity.name for cluster in case.clusters) for case in folders if len(case.clusters) > 1] == [
        ["cloud000", "cloud001"]
    ]


def test_hosts_of_no_cluster_are_judged_folder_by_folder(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        files = {"etc/hostname": "compute-0\n", "version.txt": "sosreport: 3.6\n", "etc/nova/nova.conf": "[DEFAULT]\n"}
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "sosreport-compute-0.tar").write_bytes(tar(files, top=top("compute-0")))
    found = cases(heads(str(tmp_path)), Settings())
    assert [(len(case.archives), case.clusters[0].older) for case in found] == [(1, ()), (1, ())]
    assert found[0].clusters[0].id != found[1].clusters[0].id


def test_names_that_are_no_utf_8_are_kept(tmp_path: Path) -> None:
    head = Head(url="a\udcff\U0010fc00b", folder="", size=1, because="\udc80")
    assert unpack(pack(head), Head).url[:2] == "a\udcff"
    assert unpack(pack(head), Head).because == "\udc80"


def test_targets_are_folders_patterns_lists_and_urls(done: Done, tmp_path: Path) -> None:
    top_ = done.folder / "in"
    every = [one.url for one in list_archives([str(top_)])]
    assert len(every) == 3 * len(NUMBERS)
    assert [one.url for one in list_archives([f"{top_}/**/*.tar.*"], [every[0]])] == every
    urls = list_archives([f"file://{top_}/"])
    assert [one.url.removeprefix("file://") for one in urls] == every
    assert all(one.size and one.token for one in urls)
    assert list_archives([f"file://{every[0]}"]) == [Listed(f"file://{every[0]}")]
    (tmp_path / "empty").mkdir()
    for wrong in (
        str(tmp_path / "empty"),
        str(tmp_path / "*.tar"),
        str(tmp_path / "nothing.tar"),
        "nosuch://x/*",
        "simplecache::file:///x/*",
    ):
        with pytest.raises(ConfigurationError):
            list_archives([wrong])


def test_the_command_says_what_came_of_it_and_ends_as_an_audit_does(
    done: Done, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lwlint.audit.fleet.work.Engine", lambda *_: _Lent(done.engine))
    (tmp_path / "list").write_text("# those of one cluster\n" + "\n".join(done.paths[1]) + "\n")
    log = tmp_path / "log"
    assert main(["fleet", "run", "--list", str(tmp_path / "list"), "--into", str(tmp_path / "store"), "--log", str(log)]) == 1
    out, err = capsys.readouterr()
    assert "3 archives: 3 judged, 0 damaged, 0 failed\n1 cluster, 3 hosts: " in out
    assert err == "lwlint: read: 3 archives\nlwlint: judge: 1 case\nlwlint: write: 1 part\n"
    told = [json.loads(line) for line in log.read_text().splitlines()]
    assert Counter(one["event"] for one in told) == {"read": 3, "judge": 1, "write": 1}
    assert main(["fleet", "run", *done.paths[50], "--into", str(tmp_path / "store")]) == 2
    assert "nothing to judge in it; is a bomb" in capsys.readouterr().err
    assert main(["fleet", "run", *done.paths[1], "--into", str(tmp_path / "store"), "--select", "LW101"]) == 0


class _Lent:
    """An engine that is not closed."""

    dashboard = ""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __enter__(self) -> Engine:
        return self._engine

    def __exit__(self, *_: object) -> None:
        """Leave it open."""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "x.tar"], "name the store with `--into`"),
        (["run", "--into", "{}/s"], "nothing to judge"),
        (["run", "{}/nothing.tar", "--into", "{}/s"], "cannot be looked at"),
        (["run", "{}/a.tar", "--into", "{}/a.tar/s"], "cannot be written"),
        (["run", "{}/a.tar", "--into", "{}/s", "--on", "nowhere"], "`--on nowhere`: neither `local`"),
        (["run", "{}/a.tar", "--into", "{}/s", "--on", "os:nothing"], "makes no cluster"),
        (["run", "{}/a.tar", "--into", "{}/s", "--workers", "0"], "must be more than 0"),
        (["run", "{}/a.tar", "--into", "{}/s", "--seconds", "nan"], "must be more than 0"),
        (["run", "{}/a.tar", "--into", "{}/s", "--seconds", "inf"], "must be more than 0"),
        (["run", "{}/a.tar", "--into", "{}/s", "--select", "LW999"], "LW999"),
        (["report", "{}"], "is not a store"),
        (["export", "a", "b", "--csv"], "name one store"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.tar").write_bytes(b"x")
    assert main(["fleet", *(word.replace("{}", str(tmp_path)) for word in arguments)]) == 2
    assert said in capsys.readouterr().err


def test_credentials_are_neither_kept_nor_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from lwlint.audit.fleet.work import ReadArchive, Terms, Work

    one = Listed("http://user:c4n4ry@127.0.0.1:9/a.tar?token=c4n4ry", 1, "t")
    assert "c4n4ry" not in repr(Work(Terms("s3://user:c4n4ry@x"), [ReadArchive(one)]))
    head, _ = read(one)
    assert head.state == "failed"
    assert "c4n4ry" not in repr(head)


def test_a_connection_that_breaks_is_read_anew_by_the_next_run() -> None:
    head, _ = read(Listed("http://127.0.0.1:9/a.tar", 1, "t"))
    assert (head.key, head.state) == ("", "failed")
