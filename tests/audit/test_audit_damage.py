"""Damaged, encrypted, hostile and empty input: told, never a traceback, never `clean`; and what was read before counts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lwlint.audit.clusters import Mounted
from lwlint.audit.report_layout import WANTED, Selected, capture
from lwlint.cli import main
from lwlint.files.tree import Disk
from tests.audit.audit_cluster import CIB, NODES, host, packed, replaced, top, write
from tests.audit.test_audit import answer, cells
from tests.files.archive_builder import member, tar
from tests.shared import HERE

Capsys = pytest.CaptureFixture[str]


def test_a_cut_archive_is_a_finding_and_what_stands_before_counts(tmp_path: Path, capsys: Capsys) -> None:
    conf = "etc/cinder/cinder.conf"
    files = host("lightweight", NODES[0], {conf: replaced("lightweight", conf, "\nmax_retries=-1", "\nmax_retries=5")})
    first = {path: files.pop(path) for path in ("sos_commands/host/hostname", CIB, conf)}
    data = packed({**first, **files}, NODES[0], "tar")
    path = tmp_path / "cut.tar"
    path.write_bytes(data[: len(data) * 2 // 3])
    plain = answer([str(path)], capsys, 1)
    findings = [(f["code"], f["places"][0]["path"]) for f in plain["clusters"][0]["findings"] if f["code"] in ("LW301", "LW901")]
    assert findings == [("LW301", conf), ("LW901", str(path))]
    assert cells(plain)["readable-input"] == "fail"
    assert len(plain["targets"][0]["troubles"]) == 1


@pytest.mark.parametrize("at", range(1, 20))
def test_an_archive_cut_anywhere_ends_with_1_or_2(at: int, tmp_path: Path, capsys: Capsys) -> None:
    data = packed(host("lightweight", NODES[0]), NODES[0], "tar.gz")
    path = tmp_path / "cut.tar.gz"
    path.write_bytes(data[: len(data) * at // 20])
    code = main(["audit", str(path), "--format", "json"])
    out, err = capsys.readouterr()
    plain = json.loads(out)
    told = [f["code"] for c in plain["clusters"] for f in c["findings"]]
    assert (code, "LW901" in told) == (1, True) or (code == 2 and "nothing to judge" in err)
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("name", "data", "word"),
    [
        ("secret.tar.xz.gpg", b"\x85\x02\x0c\x03" + b"\x9f" * 600, "is encrypted with GnuPG"),
        ("secret.tar.xz", b"Salted__" + b"\x9f" * 600, "is encrypted with openssl"),
        ("case.zip", b"PK\x03\x04" + b"\x9f" * 600, "is a zip archive"),
        ("letter.txt", b"Dear Sir or Madam\n" * 40, "archive"),
        ("empty.tar", b"", ""),
    ],
)
def test_what_cannot_be_opened_ends_with_2_and_says_why(name: str, data: bytes, word: str, tmp_path: Path, capsys: Capsys) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert main(["audit", str(path)]) == 2
    out, err = capsys.readouterr()
    assert f"lwlint: `{path}`: nothing to judge in it" in err
    assert word in err
    assert "nothing to judge in it" in out


def test_a_pipe_in_a_folder_is_passed_by_and_a_text_is_told_to_be_no_archive(tmp_path: Path, capsys: Capsys) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "notes.tar").write_text("call back at noon\n")
    assert main(["audit", str(tmp_path)]) == 2
    told = capsys.readouterr()
    assert "ends in the middle of its first header: it is not a tar archive, or only the very beginning of one" in told.out
    assert "defect of lwlint" not in told.err


def test_what_holds_nothing_to_judge_ends_with_2(tmp_path: Path, capsys: Capsys) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "only-logs.tar").write_bytes(tar({top("a") + "sos_commands/x/y": "x", top("a") + "version.txt": "sosreport: 3.6\n"}))
    assert main(["audit", str(tmp_path / "empty")]) == 2
    assert main(["audit", str(tmp_path / "only-logs.tar")]) == 2
    assert "nothing to judge" in capsys.readouterr().err
    assert main(["audit", str(tmp_path / "no-such-file")]) == 2
    assert "no such file or folder" in capsys.readouterr().err
    os.mkfifo(tmp_path / "pipe")
    assert main(["audit", str(tmp_path / "pipe")]) == 2
    assert "is not a regular file" in capsys.readouterr().err
    assert main(["audit"]) == 2
    assert "nothing to audit" in capsys.readouterr().err


def test_what_may_not_be_looked_at_is_told(tmp_path: Path) -> None:
    """Asked as another user, for root may look at everything."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("NEITHER ROOT NOR SETPRIV: nobody cannot be asked")
    folder = Path(tempfile.mkdtemp())
    shutil.copytree(HERE / "lwlint", folder / "lwlint")
    shutil.copytree(HERE / "rules", folder / "lwlint_rules")
    host = folder / "host"
    for name in ("etc/nova/nova.conf", "usr/x"):
        (host / name).parent.mkdir(parents=True)
        (host / name).write_text("[database]\nconnection=mysql://x@y/z\n")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    (host / "etc").chmod(0o700)

    def ask(*words: str) -> tuple[int, str, str]:
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        done = subprocess.run([*user, sys.executable, "-m", "lwlint", *words], cwd=folder, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    try:
        for command in ("check", "audit"):
            denied = "lwlint: `host/etc/nova/nova.conf`: cannot be looked at (Permission denied)\n"
            assert ask(command, "host/etc/nova/nova.conf") == (2, "", denied)
        for words in (["host"], ["--root", "host"], ["."]):
            code, answered, told = ask("audit", *words)
            assert (code, "etc: folder cannot be read (Permission denied)" in answered, "defect" in told) == (2, True, False), words
        (host / "etc").chmod(0o755)
        (host / "etc/nova").chmod(0o744)
        code, answered, told = ask("check", "host")
        assert (code, "host/etc/nova/nova.conf: cannot be looked at (Permission denied)" in answered, told) == (1, True, "")
    finally:
        shutil.rmtree(folder)


def test_a_target_with_nothing_to_judge_beside_a_good_one_still_ends_with_2(tmp_path: Path, capsys: Capsys) -> None:
    (tmp_path / "empty").mkdir()
    paths = write(tmp_path, "lightweight")
    assert main(["audit", *paths, str(tmp_path / "empty")]) == 2
    assert f"`{tmp_path}/empty`: nothing to judge in it" in capsys.readouterr().err


def test_members_that_climb_out_are_told_and_written_nowhere(tmp_path: Path, capsys: Capsys) -> None:
    data = member(b"../../outside/etc/nova/nova.conf", b"[database]\n") + tar(host("lightweight", NODES[0]), top=top(NODES[0]))
    path = tmp_path / "a" / "b" / "climbs.tar"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    plain = answer([str(path)], capsys, 1)
    assert [f["code"] for f in plain["clusters"][0]["findings"]] == ["LW901"]
    assert "climbs out" in plain["clusters"][0]["findings"][0]["message"]
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a", "b", "climbs.tar"]


def test_names_of_hosts_and_files_steer_no_terminal(tmp_path: Path, capsys: Capsys) -> None:
    files = host(
        "lightweight", "bad\x1b[31m", {"etc/nova/\x1b]0;x\x07.conf": "[database]\nconnection=mysql://n@h/n\nmax_retries=\x1b[2J\n"}
    )
    path = tmp_path / "odd.tar"
    path.write_bytes(packed(files, NODES[0], "tar"))
    main(["audit", str(path), "-v"])
    assert "\x1b" not in capsys.readouterr().out
    main(["audit", str(path), "--format", "json"])
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["etc", "..", "a/b", "", "-v", "usr"])
def test_a_host_may_have_any_name(name: str, tmp_path: Path, capsys: Capsys) -> None:
    conf = "etc/cinder/cinder.conf"
    broken = replaced("lightweight", conf, "\nmax_retries=-1", "\nmax_retries=5")
    path = tmp_path / "odd.tar"
    path.write_bytes(packed(host("lightweight", name, {conf: broken}), NODES[0], "tar"))
    plain = answer([str(path)], capsys, 1)
    assert [(f["code"], f["places"][0]["path"]) for f in plain["clusters"][0]["findings"]] == [("LW301", conf)]


def test_lines_and_values_of_any_length_are_shown_in_no_time(tmp_path: Path, capsys: Capsys) -> None:
    long = "[database]\nconnection=mysql://n:" + ",b:c" * 200_000 + "\nmax_retries=" + "password=,:" * 100_000 + "\n"
    path = tmp_path / "long.tar"
    path.write_bytes(packed(host("lightweight", NODES[0], {"etc/cinder/cinder.conf": long}), NODES[0], "tar"))
    plain = answer([str(path)], capsys, 1)
    assert {len(f["message"]) <= 2000 for f in plain["clusters"][0]["findings"]} == {True}


def test_the_whole_file_system_is_a_host_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    tree = Selected(Disk(), "/", WANTED)
    assert "etc" in tree.names("/")
    mounted = Mounted(tree, capture(tree, "/"), "here")
    assert "etc" in mounted.names("here")
    assert "tmp" not in mounted.names("here")
    assert mounted.kind("here/etc") == "folder"


def test_a_killed_audit_leaves_nothing_behind(tmp_path: Path) -> None:
    paths = write(tmp_path, "full-pacemaker", packing="tar.xz")
    before = sorted(p.name for p in tmp_path.iterdir())
    for wait in (0.05, 0.3, 0.6):
        command = [sys.executable, "-m", "lwlint", "audit", *paths, "--output", str(tmp_path / "answer")]
        process = subprocess.Popen(
            command, cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(tmp_path)}
        )
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        there = sorted(p.name for p in tmp_path.iterdir())
        if there != before:  # it was fast enough: then the answer is whole
            assert there == sorted([*before, "answer"])
            assert sorted(p.name for p in (tmp_path / "answer").iterdir())[-1] == "audit.txt"
            break


@pytest.mark.parametrize("place", ["var/tmp", "var/tmp/sosreport-b", "tmp", "home/me/tree", "opt/x", "srv", "var/lib/machines/b"])
def test_another_tree_on_the_disk_of_a_host_is_none_of_its_own(place: str, tmp_path: Path, capsys: Capsys) -> None:
    files = {
        "etc/hostname": "a\n",
        "usr/lib/systemd/system/openstack-nova-api.service": "[Service]\nExecStart=/usr/bin/nova-api\nRestart=no\n",
        f"{place}/usr/lib/systemd/system/openstack-heat-engine.service": "[Service]\nExecStart=/usr/bin/heat-engine\nRestart=no\n",
        f"{place}/etc/nova/nova.conf": "[database]\nconnection = mysql://x\nmax_retries = 3\n",
        f"{place}/run/systemd/system/openstack-nova-api.service.d/50-pacemaker.conf": "[Service]\nRestart=no\n",
    }
    for name, text in files.items():
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_text(text)
    main(["audit", "--root", str(tmp_path / "root"), "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    told = json.dumps(found)
    assert "openstack-nova-api" in told
    assert [word for word in ("heat-engine", "50-pacemaker.conf", "nova.conf", f"root/{place}/") if word in told] == []
