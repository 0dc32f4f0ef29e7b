"""What `lwlint check` has arguments for, in each form of the configuration; and what a terminal shows."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from lwlint.cli import main
from lwlint.policy.settings import FormatName, load
from lwlint.report import FORMATS
from tests.shared import HERE

CONF = "[database]\nconnection = mysql://a\nmax_retries = {}\n"
REGISTRY = "resource_registry:\n  OS::TripleO::Services::NovaApi: puppet/services/nova-api.yaml\n"
KEYS = ("fail_on", "strict", "baseline", "environments", "format", "limit")
FORMS = {
    ".lwlint.yaml": "fail_on: error\nstrict: true\nbaseline: known\nenvironments: [a.yaml, b.yaml]\nformat: json\nlimit: 3\n",
    "pyproject.toml": '[tool.lwlint]\nfail_on = "error"\nstrict = true\nbaseline = "known"\nenvironments = ["a.yaml", "b.yaml"]\n'
    'format = "json"\nlimit = 3\n',
    "tox.ini": "[lwlint]\nfail_on = error\nstrict = true\nbaseline = known\nenvironments =\n    a.yaml\n    b.yaml\nformat = json\n"
    "limit = 3\n",
    "setup.cfg": "[lwlint]\nfail_on = error\nstrict = true\nbaseline = known\nenvironments = a.yaml, b.yaml\nformat = json\nlimit = 3\n",
}


@pytest.fixture(autouse=True)
def _in_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = tmp_path / "tree"
    (tree / "etc/nova").mkdir(parents=True)
    (tree / "etc/nova/nova.conf").write_text(CONF.format(3))
    for name in ("known", "a.yaml", "b.yaml"):
        (tree / name).write_text("")
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    monkeypatch.chdir(tree)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["check", "--select", "LW301", *arguments])
    return (code, *capsys.readouterr())


@pytest.mark.parametrize("name", FORMS)
def test_every_form_has_every_key_and_a_part_of_the_tree_has_the_paths_from_there(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(name).write_text(FORMS[name])
    found = load()
    assert [getattr(found, key) for key in KEYS] == ["error", True, "known", ("a.yaml", "b.yaml"), "json", 3]
    monkeypatch.chdir("etc/nova")
    assert (load().baseline, load().environments) == ("../../known", ("../../a.yaml", "../../b.yaml"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fail_on: eror\n", ":1:10: `eror`: must be one of `error`, `warning`, `note`; did you mean `error`?"),
        ("strict: 'yes'\n", ":1:9: `yes`: must be `true` or `false`"),
        ("limit: ten\n", ":1:8: `ten`: must be a whole number"),
        ("limit: -1\n", ":1:8: `-1`: must be 0 or more"),
        ("limit: true\n", ":1:8: `True`: must be a whole number"),
        ("format: sarfi\n", "; did you mean `sarif`?"),
        ("format: json=out.json\n", ":1:9: `json=out.json`: must be one of `text`, "),
        ("baseline: knwon\n", ":1:11: `knwon`: no such file; did you mean `known`?"),
        ("environments: [a.yaml, c/d.yaml]\n", ":1:24: `c/d.yaml`: no such file"),
        ("environments: a.yaml\n", ":1:15: `a.yaml`: must be a list"),
        ("fial_on: error\n", ":1:1: `fial_on`: unknown key; did you mean `fail_on`?"),
        ("fail-on: error\n", ":1:1: `fail-on`: unknown key; did you mean `fail_on`?"),
        ("colour: always\n", ":1:1: `colour`: unknown key\n"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(".lwlint.yaml").write_text(text)
    code, _, err = check(capsys)
    assert (code, said in err, err.startswith("lwlint: .lwlint.yaml:1:")) == (2, True, True), err


@pytest.mark.parametrize("name", ["tox.ini", "setup.cfg", "pyproject.toml"])
def test_a_number_that_is_none_is_told_in_the_other_forms_too(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(name).write_text('[tool.lwlint]\nlimit = "many"\n' if name.endswith("toml") else "[lwlint]\nlimit = many\n")
    assert check(capsys)[::2] == (2, f"lwlint: {name}:2:1: `many`: must be a whole number\n")


@pytest.mark.parametrize("key", ["baseline", "environments"])
def test_a_strangers_configuration_names_nothing_outside_of_its_checkout(
    key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "outside").write_text("")
    for path in ("../outside", str(tmp_path / "outside"), "link"):
        Path("link").unlink(missing_ok=True)
        Path("link").symlink_to(tmp_path / "outside")
        Path(".lwlint.yaml").write_text(f"{key}: {path}\n" if key == "baseline" else f"{key}: [{path}]\n")
        code, _, err = check(capsys)
        assert (code, "lies outside of the checkout" in err) == (2, True), err


def test_the_formats_of_a_configuration_are_those_that_there_are() -> None:
    assert set(get_args(FormatName)) == set(FORMATS)


def test_the_command_line_wins(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baseline", "--select", "LW301", "-o", "known"]) == 0
    capsys.readouterr()
    assert main(["baseline", "--select", "LW101", "-o", "none"]) == 0
    capsys.readouterr()
    assert check(capsys)[0] == 1
    Path(".lwlint.yaml").write_text("baseline: known\nformat: json\n")
    code, out, _ = check(capsys)
    assert (code, [f["allowed"] for f in json.loads(out)["findings"]]) == (0, ["recorded in the baseline"])
    assert check(capsys, "--baseline", "none", "--format", "csv")[:2] == (1, check(capsys, "--no-config", "--format", "csv")[1])
    Path(".lwlint.yaml").write_text("fail_on: error\nstrict: true\nrules: {LW301: {severity: warning}}\n")
    assert [check(capsys, *words)[0] for words in ([], ["--fail-on", "warning"])] == [0, 1]
    code = main(["check", "--select", "LW101"])
    assert (code, main(["check", "--select", "LW101", "--no-strict"])) == (1, 0)
    capsys.readouterr()


def test_the_limit_of_a_configuration_holds_wherever_text_goes_and_all_lifts_it(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".lwlint.yaml").write_text("limit: 0\n")
    assert "and 1 more (`--all` shows them)" in check(capsys)[1]
    assert [len(re.findall("error LW301", check(capsys, *words)[1])) for words in (["--limit", "1"], ["--all"])] == [1, 1]
    assert len(json.loads(check(capsys, "--format", "json")[1])["findings"]) == 1, "a format for machines has them all"


def test_environments_of_a_configuration_are_judged_together_as_after_e(capsys: pytest.CaptureFixture[str]) -> None:
    Path("overcloud-resource-registry-puppet.yaml").write_text(REGISTRY)
    Path("puppet/services/pacemaker").mkdir(parents=True)
    Path("puppet/services/pacemaker/nova-api.yaml").write_text("heat_template_version: pike\n")
    Path("puppet/services/nova-api.yaml").write_text("heat_template_version: pike\n")
    Path("a.yaml").write_text("resource_registry:\n  OS::TripleO::Services::NovaApi: puppet/services/pacemaker/nova-api.yaml\n")
    Path("b.yaml").write_text(REGISTRY)
    asked = ("--select", "LW401", "--format", "csv", "--no-cache")
    named = [main(["check", *asked, *words, "."]) for words in (["-e", "a.yaml", "-e", "b.yaml"], ["-e", "b.yaml", "-e", "a.yaml"])]
    capsys.readouterr()
    configured = []
    for order in ("[a.yaml, b.yaml]", "[b.yaml, a.yaml]"):
        Path(".lwlint.yaml").write_text(f"environments: {order}\n")
        configured.append(main(["check", *asked, "."]))
    capsys.readouterr()
    assert configured == named == [0, 1]


def on_a_terminal(*arguments: str, columns: int) -> list[str]:
    """Return the lines that a run writes to a terminal of so many columns."""
    return re.sub(r"\x1b\[[0-9;]*m", "", written_to_a_terminal(*arguments, COLUMNS=str(columns))).splitlines()


def written_to_a_terminal(*arguments: str, **environment: str) -> str:
    ours, theirs = pty.openpty()
    env = {**os.environ, "PYTHONPATH": str(HERE), "TERM": "xterm", "NO_COLOR": "", **environment}
    with subprocess.Popen([sys.executable, "-m", "lwlint", *arguments], stdout=theirs, env=env) as process:
        os.close(theirs)
        pieces = []
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            pieces.append(piece)
        process.wait()
    os.close(ours)
    return b"".join(pieces).decode()


@pytest.mark.parametrize(
    ("arguments", "environment", "is_coloured"),
    [
        ([], {}, True),
        ([], {"NO_COLOR": "1"}, False),
        ([], {"TERM": "dumb"}, False),
        (["--color", "always"], {"NO_COLOR": "1", "TERM": "dumb"}, True),
        (["--color", "never"], {}, False),
    ],
)
def test_a_terminal_gets_colours_unless_it_has_none_or_none_are_asked_for(
    arguments: list[str], environment: dict[str, str], is_coloured: bool, tmp_path: Path
) -> None:
    path = tmp_path / "nova.conf"
    path.write_text("[database]\nconnection = mysql://a\nmax_retries = 3\n")
    shown = written_to_a_terminal("check", "--no-config", "--select", "LW301", *arguments, str(path), **environment)
    assert ("LW301" in shown, "\x1b" in shown) == (True, is_coloured)


def test_a_terminal_gets_fifty_findings_in_lines_that_fit() -> None:
    folder = str(HERE / "fixtures/full-pacemaker")
    shown = on_a_terminal("check", "--no-config", folder, columns=70)
    assert (max(map(len, shown)) <= 70, sum(bool(re.match(r"  \d+:\d+ error ", line)) for line in shown)) == (True, 50)
    assert [line for line in shown if re.match(r"and \d+ more", line)] != []
    whole = on_a_terminal("check", "--no-config", "--all", folder, columns=70)
    assert sum(bool(re.match(r"  \d+:\d+ error ", line)) for line in whole) > 150
