"""A report that the real program makes here and now is audited, and what it does not hold is said with the path that was looked for.

The program is the package `sosreport` of Debian; a program `sos` of a virtual environment is another one.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import socket
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from lwlint.audit.clusters import groups, read_hosts, seats
from lwlint.audit.targets import targets
from lwlint.cli import main
from lwlint.inputs.systemd.facts import Unit
from tests.audit.audit_cluster import files_of
from tests.shared import HERE

SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NEWTON = "fixtures/sos/newton"


def made(folder: Path, *arguments: str) -> Path:
    """Return the archive that the program makes; skip without the program, or without the rights that it wants."""
    program = shutil.which("sos", path=SYSTEM) or shutil.which("sosreport", path=SYSTEM)
    if program is None:
        pytest.skip("THE PROGRAM sosreport IS MISSING: no real report is audited (Debian's package `sosreport`)")
    if os.geteuid() != 0:
        pytest.skip("sosreport WANTS TO BE RUN AS root: no real report is audited")
    command = [program, *(["report"] if program.endswith("/sos") else []), "--batch", "--quiet", "--tmp-dir", str(folder), *arguments]
    done = subprocess.run(command, text=True, capture_output=True, timeout=300, env={**os.environ, "PATH": SYSTEM})
    archives = [path for path in folder.glob("sosreport-*.tar*") if path.suffix not in (".md5", ".sha256")]
    assert (done.returncode, len(archives)) == (0, 1), done.stdout + done.stderr
    return archives[0]


def audited(archive: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    code = main(["audit", str(archive), "--format", "json"])
    captured = capsys.readouterr()
    assert (code in (0, 1), captured.err) == (True, "")
    return json.loads(captured.out)


def names(archive: Path) -> set[str]:
    """Return the paths of the files and links in the archive, below its top folder."""
    with tarfile.open(archive) as opened:
        return {member.name.partition("/")[2] for member in opened if not member.isdir()}


def outcomes(host: Any) -> dict[str, str]:
    return {rule["code"]: rule["outcome"] for rule in host["verdicts"]}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a report of this machine, of what Pacemaker, corosync, HAProxy and systemd have on it."""
    lately = (datetime.datetime.now() - datetime.timedelta(minutes=1)).strftime("%Y-%m-%d %H:%M:%S")
    plugins = "pacemaker,corosync,haproxy,systemd,openstack_nova,openstack_heat,dpkg,host,date"
    return made(tmp_path_factory.mktemp("machine"), "-o", plugins, "-k", f"pacemaker.crm_from={lately}")


def test_a_report_of_this_machine_is_read(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = audited(machine, capsys)
    (host,) = (host for cluster in answer["clusters"] for host in cluster["hosts"])
    version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "sosreport"], text=True, capture_output=True).stdout
    assert host["name"].split(".")[0] == socket.gethostname().split(".")[0]
    assert re.match(rf"{re.escape(host['sos'])}(?![.\d])", version)
    assert host["captured"][:10] in {str(datetime.date.today() - datetime.timedelta(days=day)) for day in (0, 1)}
    there, used = names(machine), {(one["kind"], one["path"]) for one in host["evidence"]}
    assert {("unit files", "usr/lib/systemd/system"), ("unit file states", "sos_commands/systemd/systemctl_list-unit-files")} <= used
    assert ("packages", "sos_commands/dpkg/dpkg_-l") in used
    assert [path for _, path in used if path not in there and not any(name.startswith(f"{path}/") for name in there)] == []
    units = {name.rpartition("/")[2] for name in there if re.fullmatch(r"usr/lib/systemd/system/[^/]+\.service", name)}
    (group,) = groups(seats(targets([str(machine)], [])))
    read = {name for one in read_hosts(group) for unit in one.reading.facts.of(Unit) for name in (unit.name, *unit.names)}
    assert (units - read, len(units) > 20) == (set(), True)
    assert {outcomes(host)[code] for code in ("LW201", "LW203", "LW206", "LW208")} <= {"pass", "fail"}


def test_what_a_report_of_this_machine_does_not_hold_is_said(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = audited(machine, capsys)
    (host,) = (host for cluster in answer["clusters"] for host in cluster["hosts"])
    missing, there = {one["kind"]: one["looked_for"] for one in host["missing"]}, names(machine)
    literal = [path for paths in missing.values() for path in paths if not re.search(r"[*,]|HOST", path)]
    assert [path for path in literal if path in there] == []
    # crm_report searches the whole disk for a `cib.xml` where Pacemaker has none in its place
    cibs = [name for name in there if re.fullmatch(r"sos_commands/pacemaker/crm_report/[^/]+/cib\.xml(\.live)?", name)]
    if cibs:
        assert next(one["path"] for one in host["evidence"] if one["kind"] == "CIB") in cibs
    else:
        assert {"sos_commands/pacemaker/crm_report/*/cib.xml", "var/lib/pacemaker/cib/cib.xml"} <= set(missing["CIB"])
        assert outcomes(host)["LW101"] == "not evaluated"
    if not Path("/etc/nova").exists() and not Path("/etc/heat").exists():
        assert "etc/nova" in missing["option files"]
        assert outcomes(host)["LW301"] == "not evaluated"
    if not Path("/run/systemd/system").exists():
        show = "sos_commands/systemd/systemctl_show_service_--all"
        assert "run/systemd/system" in missing["runtime unit files"]
        assert show not in there or missing["unit settings in force"][0].startswith(f"{show}, which says only")
        assert outcomes(host)["LW502"] == "not evaluated"
    main(["audit", str(machine)])
    shown = capsys.readouterr().out
    assert [kind for kind, paths in missing.items() if f"  {kind} ({host['name']}): looked for {paths[0]}" not in shown] == []


def test_the_program_makes_of_our_newton_what_we_made_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (fixture,) = (HERE / NEWTON).glob("*newton-controller-1*")
    root = shutil.copytree(fixture, tmp_path / "root", symlinks=True)
    (tmp_path / "made").mkdir()
    projects = ",".join(f"openstack_{project}" for project in ("nova", "neutron", "cinder", "heat", "glance", "keystone"))
    archive = made(tmp_path / "made", "--sysroot", str(root), "-c", "never", "-o", f"systemd,corosync,{projects}")
    taken = {name for name in files_of(fixture) if re.match(r"(?:etc/(?!hostname|redhat)|run/systemd|usr/lib/systemd|lib$)", name)}
    assert taken - names(archive) == set()
    (mine,) = audited(archive, capsys)["clusters"]
    (whole,) = audited(fixture, capsys)["clusters"]
    assert _of_files(mine) == _of_files(whole)
    assert [code for code, *_ in _of_files(mine)] == ["LW202", "LW301", "LW301"]


def _of_files(cluster: Any) -> list[tuple[str, str, int]]:
    """Return the findings that a host's own files bear out, each with its place."""
    places = ((f["code"], f["places"][0]["path"], f["places"][0]["line"]) for f in cluster["findings"])
    return sorted(place for place in places if not place[1].startswith("sos_commands/"))
