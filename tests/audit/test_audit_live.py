"""`lwlint audit --live` runs nothing; with `--run` it runs two commands that only read, and their output is evidence."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from lwlint.audit import targets
from lwlint.cli import main
from tests.shared import HERE

CIB = (HERE / "fixtures" / "full-pacemaker" / "var/lib/pacemaker/cib/cib.xml").read_text("utf-8")
SHOWN = "Id=openstack-nova-api.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nRestart=no\nType=notify\n"


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of those of the system; each program there notes how it was called."""
    for name, output in (("cibadmin", CIB), ("systemctl", SHOWN)):
        (tmp_path / f"{name}.out").write_text(output)
        program(tmp_path, name, f'echo "{name} $*" >>{tmp_path}/calls; env >>{tmp_path}/environment; cat {tmp_path}/{name}.out')
    monkeypatch.setattr("lwlint.cli.audit.ask", functools.partial(targets.ask, (str(tmp_path),), 5.0))
    return tmp_path


def test_both_commands_are_run_as_they_are_documented(fakes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIB_file", "/tmp/another.xml")
    asked = targets.ask((str(fakes),))
    assert (fakes / "calls").read_text() == "cibadmin -Q\nsystemctl show --all --no-pager -- *.service\n"
    assert asked.files == {
        "/sos_commands/pacemaker/cibadmin_-Q": CIB.encode(),
        "/sos_commands/systemd/systemctl_show_service_--all": SHOWN.encode(),
    }
    assert asked.missing == ()
    assert "CIB_file" not in (fakes / "environment").read_text()


def test_what_they_print_is_evidence(fakes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["audit", "--live", "--run", "--format", "json", "--select", "LW101,LW501"])
    (cluster,) = json.loads(capsys.readouterr().out)["clusters"]
    assert cluster["name"] == "tripleo_cluster"
    (host,) = cluster["hosts"]
    assert {"kind": "CIB", "path": "sos_commands/pacemaker/cibadmin_-Q", "weaker": False} in host["evidence"]
    assert {"kind": "unit settings in force", "path": "sos_commands/systemd/systemctl_show_service_--all", "weaker": False} in host[
        "evidence"
    ]
    assert [one["outcome"] for one in host["verdicts"] if one["code"] == "LW101"] == ["fail"]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo 'no cluster here' >&2; exit 102", "exit code 0, but it was 102 (no cluster here)"),
        ("sleep 60", "an end within 0.3 seconds"),
        ("exec >&- 2>&-; sleep 60", "an end, but it only closed its output"),
        ("exec cat /dev/zero", "no more than 10000 bytes"),
        ("exit 0", "a word of it"),
    ],
)
def test_a_command_that_fails_is_missing_evidence(script: str, expected: str, tmp_path: Path) -> None:
    program(tmp_path, "cibadmin", script)
    program(tmp_path, "systemctl", "echo Id=a.service")
    asked = targets.ask((str(tmp_path),), seconds=0.3, most=10_000)
    assert [(one.kind, one.looked_for) for one in asked.missing] == [("output of `cibadmin -Q`", (expected,))]
    assert list(asked.files) == ["/sos_commands/systemd/systemctl_show_service_--all"]


def test_a_program_that_is_not_there_is_missing_with_its_places(tmp_path: Path) -> None:
    asked = targets.ask((str(tmp_path), "/nowhere"))
    assert [one.looked_for for one in asked.missing] == [
        (f"{tmp_path}/cibadmin", "/nowhere/cibadmin"),
        (f"{tmp_path}/systemctl", "/nowhere/systemctl"),
    ]


def test_a_failure_is_said_in_what_was_missing(fakes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(fakes, "cibadmin", "exit 102")
    main(["audit", "--live", "--run"])
    assert "output of `cibadmin -Q` (" in (out := capsys.readouterr().out)
    assert "looked for exit code 0, but it was 102" in out


@pytest.mark.parametrize(
    "arguments", [("--run", "."), ("--run",), ("--run", "--live", "."), ("--run", "--root", "/"), ("--run", "--live", "--root", "x")]
)
def test_nothing_is_run_for_another_target(arguments: tuple[str, ...], fakes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", *arguments]) == 2
    assert capsys.readouterr().err.startswith("lwlint: ")
    assert not (fakes / "calls").exists()


def test_without_run_nothing_is_executed_and_no_connection_is_opened(tmp_path: Path) -> None:
    watch = """
import sys
BAD = ("subprocess.", "os.exec", "os.spawn", "os.posix_spawn", "os.system", "os.startfile", "pty.spawn", "socket.", "ssl.", "urllib.")
def hook(event, arguments):
    if event.startswith(BAD):
        print("WATCHED", event, arguments, file=sys.stderr)
sys.addaudithook(hook)
from lwlint.cli import main
for arguments in ("audit --live -v", "audit fixtures/newton --anonymize --format html", "check --no-cache fixtures/newton"):
    assert main(arguments.split()) in (0, 1), arguments
"""
    done = subprocess.run([sys.executable, "-c", watch], cwd=HERE, capture_output=True, text=True, check=True)
    assert "1 host, " in done.stdout
    assert "<!doctype html>" in done.stdout
    assert "WATCHED" not in done.stderr
