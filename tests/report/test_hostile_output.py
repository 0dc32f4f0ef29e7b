"""Names, lines and texts that others chose steer nothing where they land, and a report is written over nothing."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path

import pytest

from lwlint.cli import main
from lwlint.core.harmless import cell, escape_json, line, safe, tame, write_references
from lwlint.files.cache import Cache

Capsys = pytest.CaptureFixture[str]
EVIL = [
    "::error title=x::y",
    "##vso[task.setvariable variable=PATH]x",
    "##[set-output name=a]b",
    "##teamcity[x]",
    "--- x",
    "+++ x",
    "~~~ x",
    "^^^ +++",
    "travis_fold:start:x",
    "section_start:0:x",
    "\x1b]0;x\x07",
    "\u202egpj",
    "\x9b31m",
]
RULE = """id: evil-rule
code: ZZ101
title: "{evil} title"
severity: error
clause: systemd-restarts
why: "why\\n{evil}"
remedy: "first\\n{evil}"
check: require
params: {{each: unit, setting: Service.ExecStart, must_be: {{one_of: ["/y"], says: "{evil}"}}}}
examples:
- good: "{evil}"
  files: {{etc/systemd/system/nova-api.service: "[Service]\\nExecStart=/y\\n"}}
- bad: "{evil}"
  files: {{etc/systemd/system/nova-api.service: "[Service]\\nExecStart=/x\\n"}}
  finds: ["{evil}"]
"""
FORMATS = ["text", "json", "sarif", "junit", "gitlab", "checkstyle", "markdown", "csv", "github-summary", "github-review", "gerrit"]


def steers(text: str) -> list[str]:
    """What of a text on a terminal, or in the log of a CI runner, is a command."""
    commands = (
        r"^\s*::.*",
        r"^(?:---|\+\+\+|~~~|\^\^\^) (?!\"?[ab]/).*",
        r"^(?:travis_fold|section_start):.*",
        r"##[\w.-]*\[.*",
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069].*",
    )
    return re.findall("|".join(commands), text, re.MULTILINE)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_names_of_files_and_lines_of_sources_are_no_commands(tree: Path, capsys: Capsys) -> None:
    for number, evil in enumerate(EVIL):
        (tree / f"{evil}.yaml").write_text("parameter_defaults:\n  a: 1\n  a: 2\n")
        (tree / f"{number}").mkdir()
        (tree / f"{number}/nova.conf").write_text(f"[database]\nconnection=mysql://db\nmax_retries=5 {evil}\n{evil}\n")
    checks = [["check", "--no-cache", "--format", name, *more, "."] for name in FORMATS for more in ([], ["-v"])]
    checks.append(["check", "--no-cache", "--color", "always", "."])
    fixes = [["fix", "--no-cache", "."], ["fix", "--no-cache", "--diff", "."]]
    for command in [*checks, ["facts", "."], *fixes, ["audit", "."], *(["check", "--no-cache", f"{evil}.no"] for evil in EVIL)]:
        main(command)
        out, err = capsys.readouterr()
        assert out + err, command
        assert steers((re.sub(r"\x1b\[[\d;]*m", "", out) if "--color" in command else out) + err) == [], command


def test_texts_of_rules_are_no_commands(tree: Path, capsys: Capsys) -> None:
    (tree / "rules").mkdir()
    ids = [f"ZZ1{number:02}" for number in range(len(EVIL))]
    for code, evil in zip(ids, EVIL, strict=True):
        text = RULE.format(evil=json.dumps(evil)[1:-1]).replace("ZZ101", code).replace("evil-rule", f"evil-rule-{code.lower()}")
        (tree / f"rules/evil-rule-{code.lower()}.yaml").write_text(text, "utf-8")
    unit = tree / "etc/systemd/system/openstack-nova-api.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/x\n")
    (tree / ".lwlint.yaml").write_text("rule_directories: [rules]\n")
    selected = ["--no-cache", "--select", ",".join(ids)]
    commands = [["rules"], ["rules", "--format", "json"], ["test", "rules"], ["config"]]
    commands += [["explain", code, "--rules", "rules"] for code in ids]
    commands += [["check", *selected, "--format", name, "etc"] for name in FORMATS]
    for command in commands:
        main(command)
        out, err = capsys.readouterr()
        assert out, command
        assert steers(out + err) == [], command
    main(["check", *selected, "--format", "github", "etc"])
    lines = capsys.readouterr().out.splitlines()
    assert sum(text.startswith("::error ") for text in lines) == len(EVIL)
    assert [text for text in lines if not text.startswith(("::error ", "::notice "))] == []
    assert steers("".join(text[2:] for text in lines)) == []


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\uff1d1", ";=1+1", "a;=1", "a;@x", "x\t+1", "; =1"])
def test_a_cell_is_no_formula_whatever_ends_cells(start: str) -> None:
    (row,) = csv.reader(io.StringIO(f'"{cell(start)}"'))
    for separator in ";\t":
        assert [part for part in row[0].split(separator) if part.lstrip().startswith(("=", "+", "-", "@", "\uff1d"))] == []


@pytest.mark.parametrize("evil", EVIL)
def test_documents_say_the_same_when_they_are_escaped(evil: str) -> None:
    assert json.loads(escape_json(json.dumps([evil], ensure_ascii=False))) == [evil]
    assert steers(escape_json(json.dumps([evil], ensure_ascii=False))) == []
    assert steers(write_references(evil.replace("\x1b", "").replace("\x07", ""))) == []
    assert steers(tame(f"a\n  {evil}\n")) == steers(line(evil)) == []
    assert safe("plain ## text :: here") == "plain ## text :: here"


@pytest.mark.parametrize(
    "what", ["itself", "a link", "behind a link", "a hard link", "the configuration", "the baseline", "a rule", "extended"]
)
def test_a_report_is_written_over_nothing_that_was_read(tree: Path, what: str, capsys: Capsys) -> None:
    (tree / "d").mkdir()
    judged = tree / "d/nova.conf"
    judged.write_text("[database]\nconnection=mysql://db\nmax_retries=5\n")
    (tree / "link").symlink_to("d/nova.conf")
    (tree / "e").symlink_to("d")
    os.link(judged, tree / "hard")
    (tree / "base.yaml").write_text("ignore: [LW410]\n")
    (tree / "rules").mkdir()
    (tree / ".lwlint.yaml").write_text("extends: base.yaml\n")
    assert main(["baseline", "--no-cache", "d", "-o", "known"]) == 0
    place = {
        "itself": "d/nova.conf", "a link": "link", "behind a link": "e/new", "a hard link": "hard", "the configuration": ".lwlint.yaml",
        "the baseline": "known", "a rule": "rules/evil-rule.yaml", "extended": "base.yaml",
    }[what]  # fmt: skip
    options: list[str] = []
    if what == "a rule":
        (tree / place).write_text(RULE.format(evil="x"))
        options = ["--rules", "rules"]
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    for form in ("text", "sarif"):
        assert main(["check", "--no-cache", "--baseline", "known", *options, "--format", f"{form}={place}", "d"]) == 2
    if what != "the baseline":
        assert main(["baseline", "--no-cache", *options, "-o", place, "d"]) == 2
    assert {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before


def test_an_audit_writes_through_no_link(tree: Path, capsys: Capsys) -> None:
    (tree / "h/etc/nova").mkdir(parents=True)
    (tree / "h/etc/nova/nova.conf").write_text("[database]\nconnection=mysql://db\nmax_retries=5\n")
    (tree / "out").mkdir()
    (tree / "own").write_text("mine\n")
    (tree / "out/audit.txt").symlink_to("../own")
    (tree / "to").symlink_to("out")
    for folder in ("out", "to"):
        assert main(["audit", "--root", "h", "-o", folder]) == 2
    assert (tree / "own").read_text() == "mine\n"
    assert os.listdir(tree / "out") == ["audit.txt"]


def test_the_cache_removes_only_what_it_has_made(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lwlint.files.cache.LIMIT", 1000)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tree.parent / "xdg"))
    folder = tree / "kept"
    folder.mkdir(0o700)
    names = [".lwlint.yaml", "case.lwlint.tar", "x.lwlint.sarif", "case.lwlint", "answer-0123456789abcdef.lwlint"]
    for name in names:
        (folder / name).write_bytes(b"x" * 5000)
    for number in range(40):
        Cache(str(folder)).put(f"answer-{number:031}0", b"x" * 200)
    assert set(names) <= set(os.listdir(folder))
    assert len(os.listdir(folder)) < len(names) + 10


def test_the_cache_lies_in_a_folder_of_its_own(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tree.parent / "xdg"))
    tree.chmod(0o755)
    Cache(str(tree)).put("answer-00", b"x")
    assert [(path.name, path.stat().st_mode & 0o777) for path in tree.iterdir()] == [(".lwlint-cache", 0o700)]
    assert Cache(str(tree)).get("answer-00") == b"x"
    (tree / "link").symlink_to(tree / ".lwlint-cache")
    assert Cache(str(tree / "link")).get("answer-00") is None


def test_an_entry_is_bound_to_its_name_and_in_a_tree_to_this_user(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tree.parent / "xdg"))
    cache = Cache(str(tree / "kept"))
    cache.put("answer-00", b"x")
    (tree / "kept/answer-00.lwlint").rename(tree / "kept/answer-01.lwlint")
    assert cache.get("answer-01") is None
    cache.put("answer-02", b"y")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tree.parent / "another"))
    Cache(str(tree / "kept")).put("answer-03", b"z")
    assert (cache.get("answer-02"), cache.get("answer-03")) == (None, b"z")


def test_what_is_left_out_is_told_and_counted(tree: Path, capsys: Capsys) -> None:
    for folder in (".venv", "node_modules", ".tox", "__pycache__", ".hg", ".svn", ".git"):
        (tree / folder).mkdir()
        (tree / folder / "a.yaml").write_text("parameter_defaults: {a: 1, a: 2}\n")
    (tree / "other.yaml").write_text("x: 1\n")
    (tree / "long.yaml").write_text(f"# {'x' * 70_000}\nparameter_defaults: {{a: 1, a: 2}}\n")
    assert main(["check", "--no-cache", "-v", "."]) == 1
    out = capsys.readouterr().out
    assert re.findall(r"skipped (\S+):", out) == [".hg", ".svn", ".tox", ".venv", "__pycache__", "node_modules", "other.yaml"]
    assert out.endswith("0 allowed, 7 left out\n")
    assert "long.yaml\n" in out


@pytest.mark.parametrize("command", ["check", "fix"])
def test_a_file_given_to_a_hook_is_no_option(tree: Path, command: str, capsys: Capsys) -> None:
    (tree / "--format=text=out").mkdir()
    (tree / "--format=text=out/evil.yaml").write_text("parameter_defaults: {a: 1, a: 2}\n")
    (tree / "out").mkdir()
    (tree / "e.yaml").write_text("parameter_defaults: {}\n")
    evil = "--format=text=out/evil.yaml"
    with pytest.raises(SystemExit) as ended:
        main([command, "--hook", evil, "e.yaml"])
    assert ended.value.code == 2
    assert "is an option, and a file has that name" in capsys.readouterr().err
    for before in (["--hook", "--"], ["--hook", "e.yaml"], ["--no-cache", "--hook", "--fail-on", "error", "--"]):
        assert main([command, *before, evil]) in (0, 1)
        assert "--format=text=out/evil.yaml" in capsys.readouterr().out or command == "fix"
    with pytest.raises(SystemExit):
        main(["--debug", command, "--hook", evil])
    assert os.listdir(tree / "out") == []


def test_a_file_called_as_the_standard_input_is_a_file_to_a_hook(tree: Path, capsys: Capsys) -> None:
    (tree / "-").write_text("x\n")
    (tree / "e.yaml").write_text("parameter_defaults:\n  a: 1\n  a: 2\n")
    assert main(["check", "--no-cache", "--no-config", "--hook", "--", "-", "e.yaml"]) == 1
    assert "LW410" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["a\n::error::x", "a\n--- x", "a\nsection_start:1:x", "a\r\n##[error]x"])
@pytest.mark.parametrize(
    "command",
    [
        ("graph", "--format", "svg"),
        ("graph", "--format", "html"),
        ("describe", "--no-failures", "--format", "html"),
        ("plan", "--format", "html"),
        ("audit", "--format", "html"),
    ],
)
def test_a_name_with_a_line_break_begins_no_line_of_a_page(
    command: tuple[str, ...], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    known = name.replace("\r", "&#13;").replace("\n", "&#10;")
    Path("cib.xml").write_text(
        f'<cib validate-with="pacemaker-3.0"><configuration><crm_config><cluster_property_set id="c"><nvpair id="n" name="cluster-name"'
        f' value="{known}"/></cluster_property_set></crm_config><nodes><node id="1" uname="{known}"/></nodes><resources>'
        f'<primitive id="{known}" class="systemd" type="openstack-nova-api"/>'
        '<primitive id="galera" class="ocf" provider="heartbeat" type="galera"/></resources></configuration></cib>'
    )
    assert main([command[0], "cib.xml", *command[1:]]) in (0, 1)
    page = capsys.readouterr().out
    assert not [line for line in page.splitlines() if line.lstrip().startswith(("::error", "--- ", "section_start:", "##["))]
