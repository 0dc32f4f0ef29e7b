"""Units of a host in an audit: what runs and is gone after the next boot, and the lists of an older sos."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from lwlint.core.source import Source
from lwlint.inputs.systemd.reader import shown_facts
from lwlint.run import load_catalogue
from tests.audit.audit_cluster import CIB, NODES, host, unpack
from tests.audit.test_audit import REPORT, answer
from tests.audit.test_audit_cluster import found
from tests.audit.test_audit_containers import audited, verdict
from tests.files.archive_builder import Content
from tests.shared import shared

Capsys = pytest.CaptureFixture[str]
WANTS = "etc/systemd/system/multi-user.target.wants/"
UNITS = "sos_commands/systemd/systemctl_list-units"
FILES = "sos_commands/systemd/systemctl_list-unit-files"
HEADING = "UNIT LOAD ACTIVE SUB DESCRIPTION\n"


def listed(*names: str, state: str = "active running") -> str:
    """Return what `systemctl list-units` prints of units that are there."""
    return HEADING + "".join(f"{name}.service loaded {state} {name}\n" for name in names)


def lost(tmp_path: Path, capsys: Capsys, changes: dict[str, Content | None], fixture: str = "lightweight") -> list[str]:
    return [message.partition(":")[0] for message, _ in found(audited(tmp_path, capsys, changes, fixture), "LW510")]


def test_a_unit_that_runs_and_is_not_enabled_is_told_once(tmp_path: Path, capsys: Capsys) -> None:
    names = ("openstack-heat-api", "openstack-nova-api")
    gone: dict[str, Content | None] = {f"{WANTS}{name}.service": None for name in names}
    plain = audited(tmp_path, capsys, {**gone, UNITS: listed("openstack-heat-api")}, "lightweight")
    (cluster,) = plain["clusters"]
    told = [(f["code"], f["message"].partition(" ")[0]) for f in cluster["findings"]]
    assert told == [("LW510", "openstack-heat-api.service:"), ("LW205", "openstack-nova-api.service:")]
    assert [f["commands"] for f in cluster["findings"] if f["code"] == "LW510"] != [[]]


def test_a_unit_of_systemd_run_is_gone_after_a_boot(tmp_path: Path, capsys: Capsys) -> None:
    made = "run/systemd/transient/openstack-heat-api.service"
    gone: dict[str, Content | None] = {
        f"{WANTS}openstack-heat-api.service": None,
        "usr/lib/systemd/system/openstack-heat-api.service": None,
        made: "[Service]\nExecStart=/usr/bin/heat-api\nRestart=always\n",
        UNITS: listed("openstack-heat-api"),
    }
    plain = audited(tmp_path, capsys, gone, "lightweight")
    (told,) = (f for f in plain["clusters"][0]["findings"] if f["code"] == "LW510")
    assert "its file is `transient`" in told["message"]
    assert told["commands"] == []  # `systemctl enable` refuses such a unit


@pytest.mark.parametrize(
    ("because", "path", "content"),
    [
        (
            "a unit that is enabled wants it",
            "etc/systemd/system/openstack-heat-engine.service.wants/openstack-heat-api.service",
            {"link": "/x"},
        ),
        ("a timer starts it", "usr/lib/systemd/system/openstack-heat-api.timer", "[Timer]\nOnBootSec=5min\n"),
        ("it runs once", "etc/systemd/system/openstack-heat-api.service.d/x.conf", "[Service]\nType=oneshot\nRestart=no\n"),
    ],
)
def test_what_something_else_starts_is_not_lost(because: str, path: str, content: Content, tmp_path: Path, capsys: Capsys) -> None:
    gone: dict[str, Content | None] = {f"{WANTS}openstack-heat-api.service": None, UNITS: listed("openstack-heat-api")}
    assert lost(tmp_path / "without", capsys, gone) == ["openstack-heat-api.service"]
    assert lost(tmp_path / "with", capsys, {**gone, path: content}) == [], because


def test_without_a_cib_what_pacemaker_may_run_is_not_evaluated(tmp_path: Path, capsys: Capsys) -> None:
    gone: dict[str, Content | None] = {f"{WANTS}openstack-heat-api.service": None, CIB: None}
    plain = audited(tmp_path / "with", capsys, {**gone, UNITS: listed("openstack-heat-api", "pacemaker")}, "lightweight")
    assert (found(plain, "LW510"), verdict(plain, "LW510")[0]) == ([], "not evaluated")
    assert "shows whether Pacemaker runs openstack-heat-api.service" in verdict(plain, "LW510")[1]
    links: dict[str, Content | None] = {f"{WANTS}pacemaker.service": None, "usr/lib/systemd/system/pacemaker.service": None}
    assert lost(tmp_path / "without", capsys, {**gone, **links, UNITS: listed("openstack-heat-api")}) == ["openstack-heat-api.service"]


def test_what_pacemaker_runs_is_not_lost(tmp_path: Path, capsys: Capsys) -> None:
    assert lost(tmp_path, capsys, {UNITS: listed("haproxy", "openstack-cinder-volume")}) == []
    plain = audited(tmp_path / "silent", capsys, {}, "lightweight")
    reason = "no output of `systemctl show` or `systemctl list-units` was given"
    assert verdict(plain, "LW510") == ("not evaluated", reason)


@pytest.mark.parametrize("unit", ["tripleo_mysql", "edpm_mysql", "kolla-mariadb-container", "container-mysql"])
def test_the_unit_of_a_container_that_the_cluster_runs_is_beside_it(unit: str, tmp_path: Path, capsys: Capsys) -> None:
    plain = audited(tmp_path, capsys, {UNITS: listed(unit, "haproxy")}, "lightweight")
    assert [message.partition(":")[0] for message, _ in found(plain, "LW501")] == [f"{unit}.service"]


def test_lists_tell_what_runs_where_an_older_sos_has_no_systemctl_show(tmp_path: Path, capsys: Capsys) -> None:
    beside = audited(tmp_path / "beside", capsys, {UNITS: listed("mariadb", "haproxy")}, "lightweight")
    assert [message.partition(":")[0] for message, _ in found(beside, "LW501")] == ["mariadb.service"]
    assert verdict(beside, "LW502") == ("not evaluated", "no output of `systemctl show` was given")
    running = {UNITS: listed("openstack-cinder-volume"), FILES: "UNIT FILE STATE\nopenstack-cinder-volume.service disabled\n"}
    paths = []
    for node in NODES[:2]:
        files = host("lightweight", node)
        files.update(running)
        paths.append(unpack(tmp_path / node, files, node))
    twice = answer(paths, capsys, 1)
    assert [hosts for _, hosts in found(twice, "LW506")] == [list(NODES[:2])]


def test_a_list_of_unit_files_tells_what_is_enabled_where_no_link_does(tmp_path: Path, capsys: Capsys) -> None:
    files = host("lightweight", NODES[0])
    bare: dict[str, Content | None] = {path: None for path in files if ".wants/" in path}
    states = "UNIT FILE STATE\nopenstack-heat-api.service disabled\nopenstack-nova-api.service enabled\n"
    silent = audited(tmp_path / "silent", capsys, bare, "lightweight")
    assert verdict(silent, "LW205")[0] == "not evaluated"
    told = audited(tmp_path / "told", capsys, {**bare, FILES: states}, "lightweight")
    assert [message.partition(":")[0] for message, _ in found(told, "LW205")] == ["openstack-heat-api.service"]


def test_the_lists_of_a_real_report_tell_what_systemctl_show_tells() -> None:
    texts = {}
    with tarfile.open(shared(REPORT)) as archive:
        for member in archive.getmembers():
            name = member.name.rpartition("/")[2]
            file = archive.extractfile(member) if name.startswith(("systemctl_list-unit", "systemctl_show_service")) else None
            if file is not None:
                texts[name] = Source(member.name.partition("/")[2], file.read().decode("utf-8"), "systemctl", "controller-1")
    catalogue = load_catalogue()
    theirs = {u.name: u for u in shown_facts([texts["systemctl_show_service_--all"]], catalogue)}
    ours = {u.name: u for u in shown_facts([s for name, s in texts.items() if "list-unit" in name], catalogue)}
    states = ("LoadState", "ActiveState", "SubState", "UnitFileState")
    both = [(name, state) for name in ours if name in theirs for state in states if ours[name].value(state) and theirs[name].value(state)]
    differ = [(n, s, ours[n].value(s), theirs[n].value(s)) for n, s in both if ours[n].value(s) != theirs[n].value(s)]
    assert (differ, len(both) > 100, all(unit.listed for unit in ours.values())) == ([], True, True)
