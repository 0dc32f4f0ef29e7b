"""The command `lwlint fix` on files: what it writes, what it prints, how it ends."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from lwlint.cli import main
from lwlint.core.finding import ConfigurationError, DropIn, Fix, Replace
from lwlint.report.ci import render_sarif as as_sarif
from lwlint.report.json import render as as_json
from lwlint.run import Request, load_rules
from lwlint.run import fix as mend
from lwlint.run.fix import Outcome
from tests.report.report_sample import REPORT, RULES, TEMPLATE, span
from tests.report.test_format_sarif import schema
from tests.shared import HERE

CONF = "[database]\n# the site's\nconnection = mysql://a\n"
MENDED = CONF + "max_retries = -1\n"
__all__ = ["schema"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "heat.conf").write_text(CONF)
    return tmp_path


def fix(*arguments: str) -> int:
    return main(["fix", "--no-config", "--select", "LW301", *arguments])


def test_a_fix_is_written_told_and_ends_with_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fix("heat.conf") == 0
    assert (folder / "heat.conf").read_text() == MENDED
    told = "heat.conf:3:1 LW301 add `max_retries = -1` to `[database]`\n1 fixed in 1 file, 0 left\n"
    assert capsys.readouterr().out == told
    before = os.stat("heat.conf")
    assert (fix("heat.conf"), capsys.readouterr().out) == (0, "0 fixed in 0 files, 0 left\n")
    assert os.stat("heat.conf") == before, "a file that stays is not even replaced"


def test_a_diff_changes_nothing_and_is_what_git_applies(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unit = folder / "usr/lib/systemd/system/openstack-nova-api.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/usr/bin/nova-api\n")
    (folder / "keystone.conf").write_bytes(b"[database]\r\nconnection = mysql://a")
    assert main(["fix", "--no-config", "--diff", "--select", "LW301,LW201", "."]) == 1
    out, err = capsys.readouterr()
    assert err.splitlines()[-1] == "3 would be fixed, 0 left"
    assert (folder / "heat.conf").read_text() == CONF
    subprocess.run(["git", "apply", "-"], input=out.encode(), cwd=folder, check=True)
    assert (folder / "heat.conf").read_text() == MENDED
    assert (folder / "keystone.conf").read_bytes() == b"[database]\r\nconnection = mysql://a\r\nmax_retries = -1"
    drop_in = folder / "etc/systemd/system/openstack-nova-api.service.d/50-lwlint.conf"
    assert drop_in.read_text() == "[Service]\nStartLimitInterval=0\nRestart=always\n"
    assert main(["fix", "--no-config", "--select", "LW301,LW201", "."]) == 0


def test_what_is_left_ends_with_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "heat.conf").write_text("[database]\nmax_retries = 5\nother = $max_retries\n")
    assert fix("heat.conf") == 1
    assert capsys.readouterr().out.splitlines()[-1] == "0 fixed in 0 files, 1 left, 1 of them fixed by `--unsafe`"
    assert fix("--unsafe", "heat.conf") == 0


def test_what_was_not_read_ends_with_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [fix("no-such-file"), fix("-")] == [2, 2]
    (folder / "empty").mkdir()
    assert fix("empty") == 2


def test_mode_and_owner_stay(folder: Path) -> None:
    os.chmod("heat.conf", 0o640)
    owner = (12345, 54321) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    os.chown("heat.conf", *owner)
    assert fix("heat.conf") == 0
    now = os.stat("heat.conf")
    assert (oct(now.st_mode & 0o7777), now.st_uid, now.st_gid) == ("0o640", *owner)
    assert sorted(os.listdir(folder)) == ["heat.conf"]


def outcome() -> Outcome:
    return mend.fix(Request(("heat.conf",)), load_rules(select=["LW301"]))


def test_a_file_that_has_changed_meanwhile_is_not_overwritten(folder: Path) -> None:
    result = outcome()
    (folder / "heat.conf").write_text("# mine\n" + CONF)
    with pytest.raises(ConfigurationError, match="has been changed since it was read"):
        mend.write(result)
    assert (folder / "heat.conf").read_text() == "# mine\n" + CONF


def test_one_file_by_two_names_is_refused(folder: Path) -> None:
    (folder / "there").symlink_to(".")
    result = mend.fix(Request(("heat.conf", "there/heat.conf")), load_rules(select=["LW301"]))
    with pytest.raises(ConfigurationError, match="is the same file as"):
        mend.write(result)
    assert (folder / "heat.conf").read_text() == CONF


def test_a_folder_that_takes_no_file_is_told(folder: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    result = outcome()
    os.chmod(folder, 0o555)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        mend.write(result)


def test_no_folder_is_left_of_files_that_could_not_be_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is one removed that was there before, or that somebody has put something into meanwhile."""
    (folder / "etc").mkdir()
    new = {f"etc/systemd/{name}.service.d/50-lwlint.conf": (None, b"[Service]\n") for name in ("a", "b", "c")}
    put = mend.atomic.replace

    def fail(path: str, data: bytes, **options: bool) -> None:
        if "c.service" in path:
            (folder / "etc/systemd/b.service.d/mine").touch()
            raise OSError(28, "No space left on device")
        put(path, data, **options)

    monkeypatch.setattr(mend.atomic, "replace", fail)
    with pytest.raises(ConfigurationError, match="nothing is written"):
        mend.write(mend.Outcome((), (), (), new, REPORT))
    assert sorted(str(path.relative_to(folder)) for path in (folder / "etc").rglob("*")) == [
        "etc/systemd",
        "etc/systemd/b.service.d",
        "etc/systemd/b.service.d/mine",
    ]


FIXES = (
    Fix("put `y`", (Replace(span(TEMPLATE, "'OS::x'"), "y"),)),
    Fix("in two files", (Replace(span(TEMPLATE, "end"), "fin"), Replace(span(TEMPLATE, "resources"), "outputs")), safe=False),
    Fix("a new file", (DropIn("etc/systemd/system/x.service.d/50-lwlint.conf", (("Service.Restart", "always"),)),)),
)


def test_the_reports_hold_the_fixes_and_keep_to_their_schemas(schema: object) -> None:
    from msgspec.structs import replace

    findings = [replace(f, fix=fix, fingerprint="0" * 20) for f, fix in zip((f for f in REPORT.findings if f.allowed is None), FIXES)]
    report = replace(REPORT, findings=tuple(findings))
    said = json.loads(as_json(report))
    own = json.loads((HERE / "docs" / "report.schema.json").read_text("utf-8"))
    assert [e.message for e in Draft202012Validator(own).iter_errors(said)] == []
    assert [f["fix"] and (f["fix"]["safe"], [e["text"] for e in f["fix"]["edits"]]) for f in said["findings"]] == [
        (True, ["y"]),
        (False, ["outputs", "fin"]),
        (True, ["[Service]\nRestart=always\n"]),
    ]
    sarif = json.loads(as_sarif(report, RULES))
    assert [e.message for e in schema.iter_errors(sarif)] == []  # type: ignore[attr-defined]
    results = sarif["runs"][0]["results"]
    fixes = sorted((r["fixes"][0] for r in results if "fixes" in r), key=lambda fix: len(fix["artifactChanges"][0]["replacements"]))
    assert [(f["description"]["text"], len(f["artifactChanges"][0]["replacements"])) for f in fixes] == [
        ("put `y`", 1),
        ("in two files (unsafe)", 2),
    ]
    (replacement,) = fixes[0]["artifactChanges"][0]["replacements"]
    assert replacement == {
        "deletedRegion": {"startLine": 2, "startColumn": 13, "endLine": 2, "endColumn": 20},
        "insertedContent": {"text": "y"},
    }


def test_a_diff_names_a_file_so_that_git_finds_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("a b", "é", "n\nl", 'q"\\', "e\x1b[31m", "\udce9")
    for name in names:
        (folder / name).mkdir()
        (folder / name / "heat.conf").write_text(CONF)
    assert fix("--diff", *names) == 1
    subprocess.run(["git", "apply", "-"], input=capsys.readouterr().out.encode(), cwd=folder, check=True)
    assert [(folder / name / "heat.conf").read_text() for name in names] == [MENDED] * len(names)


def test_a_diff_names_a_file_with_a_blank_so_that_patch_finds_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which("patch") is None:
        pytest.skip("patch is missing")
    (folder / "a b.conf").write_text(CONF)
    assert fix("--diff", "a b.conf") == 1
    subprocess.run(["patch", "-p1"], input=capsys.readouterr().out.encode(), cwd=folder, check=True, stdout=subprocess.DEVNULL)
    assert (folder / "a b.conf").read_text() == MENDED


@pytest.mark.parametrize("program", [["git", "apply"], ["patch", "-p1", "-s"]])
@pytest.mark.parametrize("is_checkout", [False, True])
@pytest.mark.parametrize(
    ("start", "asked", "top"), [("a/b", ("../../heat.conf", "."), "."), ("a/b", ("..",), "a"), ("a", ("../heat.conf",), ".")]
)
def test_a_diff_of_files_elsewhere_is_told_from_a_folder_that_has_them_all(
    program: list[str], is_checkout: bool, start: str, asked: tuple[str, ...], top: str,
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    if shutil.which(program[0]) is None:
        pytest.skip(f"`{program[0]}` IS NOT INSTALLED")
    files = [folder / "a" / "b" / "heat.conf", folder / "a" / "heat.conf", folder / "heat.conf"]
    files[0].parent.mkdir(parents=True)
    for file in files:
        file.write_text(CONF)
    if is_checkout:
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    monkeypatch.chdir(folder / start)
    assert fix("--diff", *asked) == 1
    shown = capsys.readouterr().out
    subprocess.run(program, input=shown.encode(), cwd=folder if is_checkout else folder / top, check=True)
    applied = [file.read_text() for file in files]
    assert MENDED in applied
    for file in files:
        file.write_text(CONF)
    assert fix(*asked) == 0
    assert [file.read_text() for file in files] == applied


def test_a_file_with_two_names_keeps_them_and_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.link(folder / "heat.conf", folder / "copy")
    assert fix("heat.conf") == 1
    said = "heat.conf:3:1 LW301 not fixed: `heat.conf` has another name, which would keep what is there now (a hard link)"
    assert capsys.readouterr().out.splitlines()[0] == said
    assert (folder / "copy").samefile(folder / "heat.conf")
    (folder / "copy").unlink()
    assert fix("heat.conf") == 0


def test_a_link_to_a_folder_is_followed_where_it_is_named(folder: Path) -> None:
    (folder / "real").mkdir()
    (folder / "heat.conf").rename(folder / "real" / "heat.conf")
    (folder / "link").symlink_to("real")
    assert (fix("."), fix("link")) == (0, 0)
    (folder / "real" / "heat.conf").write_text(CONF)
    assert (fix("link"), (folder / "real" / "heat.conf").read_text()) == (0, MENDED)
