"""YAML that people keep: only what is asked for changes, byte for byte."""

from __future__ import annotations

import datetime
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lwlint.cli import main
from lwlint.core.config_reader import load
from lwlint.core.finding import ConfigurationError
from lwlint.policy.round_trip import with_exception, with_finds
from lwlint.policy.rules import load_rule
from tests.shared import HERE

ENTRY = {"rule": "LW101", "path": "a/", "because": "a lab"}
RULE = """\
id: slow-restart   # the name
code: MY201
title: "Service that systemd restarts only after a failure"
severity: warning
clause: systemd-restarts
why: >-
  A long line, which is folded here and is longer than what some tools would write in one line of a file, and stays as it is, all of it,
  as it is.
remedy: 'Set it.'
check: require
params: {each: unit, where: &where {load_state: loaded}, setting: Service.Restart, default: "no", must_be: {one_of: [always]}}
examples:
- good: restarted always
  files: {a.service: "[Service]\\nExecStart=/a\\nRestart=always\\n"}
# what is bad
- bad: restarted after a failure only
  files:
    a.service: |
      [Service]
      ExecStart=/a
      Restart=on-failure
    b.service: "[Service]\\nExecStart=/b\\nRestart=on-abort\\n"
    c.service: "[Service]\\nExecStart=/c\\n"
  finds:
  # of the first
  - 'a.service:3:9 a.service: `Service.Restart` is `on-failure`; it must be `always`'   # stays
  # gone
  - 'b.service:3:9 b.service: it was otherwise'

  # at the end
"""


def test_only_the_finds_of_what_does_not_hold_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "slow-restart.yaml"
    path.write_text(RULE, "utf-8")
    assert main(["test", str(tmp_path)]) == 1
    assert main(["test", str(tmp_path), "--update"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [f"{path} updated", "2 examples hold, 0 do not"]
    fresh = (
        "  - 'b.service:3:9 b.service: `Service.Restart` is `on-abort`; it must be `always`'\n"
        "  - 'c.service:1:1 c.service: `Service.Restart` is not set (default `no`); it must be `always`'\n"
    )
    gone = "  - 'b.service:3:9 b.service: it was otherwise'\n"
    assert path.read_text("utf-8") == RULE.replace(gone, fresh)
    assert main(["test", str(tmp_path), "--update"]) == 0
    assert "updated" not in capsys.readouterr().out


def test_what_an_update_cannot_mend_is_left_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        RULE.replace("Restart=always", "Restart=no")
        .replace("on-failure\n", "always\n")
        .replace("on-abort", "always")
        .replace("/c", "/c\\nRestart=always")
    )
    (tmp_path / "slow-restart.yaml").write_text(text, "utf-8")
    assert main(["test", str(tmp_path), "--update"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "0 examples hold, 2 do not"
    assert (tmp_path / "slow-restart.yaml").read_text("utf-8") == text


def test_every_rule_of_lwlints_own_keeps_all_but_its_finds() -> None:
    """Each list of finds is put in anew, in another order and with one more line: what is taken out again leaves the file as it was."""
    for path in sorted(HERE.glob("rules/*/*.yaml")):
        text = path.read_bytes().decode("utf-8")
        rule = load_rule(text, path.name)
        finds = {i: example.finds for i, example in enumerate(rule.examples) if example.finds}
        assert with_finds(text, path.name, {i: tuple(reversed(found)) for i, found in finds.items()}) == text
        more = with_finds(text, path.name, {i: (*found, f"zz:1:1 {'long ' * 60}end") for i, found in finds.items()})
        assert with_finds(more, path.name, finds) == text, path


def test_windows_line_ends_stay(tmp_path: Path) -> None:
    path = tmp_path / "slow-restart.yaml"
    path.write_bytes(RULE.replace("\n", "\r\n").encode())
    assert main(["test", str(tmp_path), "--update"]) == 0
    assert path.read_bytes().count(b"\r\n") == path.read_bytes().count(b"\n") == RULE.count("\n") + 1


ITEMS = [
    ("- 'a.service:1:1 x'  # why", "- 'a.service:1:1 y'  # why"),
    ("- 'a.service:1:1 # x'  # why # so", "- 'a.service:1:1 y'  # why # so"),
    ("- a.service:1:1#x # why", "- a.service:1:1 y # why"),
    ("- a.service:1:1 # 漢", "- a.service:1:1 y # 漢"),
    ('- "a.service:1:1\n    x" # why', '- "a.service:1:1 y" # why'),
    ("- a.service:1:1\n    x   #why", "- a.service:1:1 y   #why"),
    ("- >-  # why\n    a.service:1:1\n    x", "- a.service:1:1 y  # why"),
    ("- |-\n    a.service:1:1 # x", "- a.service:1:1 y"),
    ("- 'a.service:1:1 x'  # one\n  - 'b.service:1:1 x'  # two", "- 'a.service:1:1 y'  # one\n  # two"),
    ("- 'a.service:1:1 y'  # one\n  - 'b.service:1:1 x'  # two", "- 'a.service:1:1 y'  # one\n  # two"),
    ("- 'a.service:0:1 x'  # one\n  - 'a.service:1:1 y'  # two", "# one\n  - 'a.service:1:1 y'  # two"),
]  # fmt: skip


@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize(("before", "after"), ITEMS)
def test_the_comment_behind_an_item_that_is_replaced_stays(before: str, after: str, end: str) -> None:
    head = RULE[: RULE.index("finds:")] + "finds:\n  "
    assert with_finds(head + before + end, "r.yaml", {1: ("a.service:1:1 y",)}) == head + after + "\n"


@pytest.mark.parametrize("finds", ["finds:\n  -\n    a.service:1:1 x", "finds:\n  - # why\n    'a-1.service:1:1 x'"])
def test_an_item_that_begins_below_its_dash_is_not_edited(finds: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^r.yaml:24:3: cannot be edited without loss; .* one item on each line"):
        with_finds(RULE[: RULE.index("finds:")] + finds + "\n", "r.yaml", {1: ("a.service:1:1 y",)})


@pytest.mark.parametrize("finds", ["finds: ['a.service:1:1 x',  # why\n    'b.service:1:1 x']", "finds: &x\n  - 'a.service:1:1 x'"])
def test_finds_that_cannot_be_edited_without_loss_are_refused_with_their_place(finds: str, tmp_path: Path) -> None:
    start = RULE.index("finds:")
    text = RULE[:start] + finds + "\n"
    with pytest.raises(ConfigurationError, match=r"^r.yaml:24:3: cannot be edited without loss; "):
        with_finds(text, "r.yaml", {1: ("a.service:1:1 y",)})


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("", "allow:\n  - rule: LW101\n    path: a/\n    because: a lab\n"),
        ("# nothing yet\n", "# nothing yet\nallow:\n  - rule: LW101\n    path: a/\n    because: a lab\n"),
        ("release: newton", "release: newton\nallow:\n  - rule: LW101\n    path: a/\n    because: a lab\n"),
        (
            "allow:   # these\n- {rule: LW1, path: b, because: c}   # first\n\n# the rest\nrelease:   newton\n",
            "allow:   # these\n- {rule: LW1, path: b, because: c}   # first\n- rule: LW101\n  path: a/\n  because: a lab\n"
            "\n# the rest\nrelease:   newton\n",
        ),
        (
            "allow:\n    -   rule: LW1\n        path: b\n        because: >\n            long\n            text\n\nignore: [LW2]\n",
            "allow:\n    -   rule: LW1\n        path: b\n        because: >\n            long\n            text\n"
            "    - rule: LW101\n      path: a/\n      because: a lab\n\nignore: [LW2]\n",
        ),
        ("allow: []  # none\nignore: [LW2]\n", "allow:  # none\n  - rule: LW101\n    path: a/\n    because: a lab\nignore: [LW2]\n"),
        ("allow:\nignore: [LW2]\n", "allow:\n  - rule: LW101\n    path: a/\n    because: a lab\nignore: [LW2]\n"),
        (
            "allow:\n- {rule: LW1, path: b, because: c}\nlimit: 3",
            "allow:\n- {rule: LW1, path: b, because: c}\n- rule: LW101\n  path: a/\n  because: a lab\nlimit: 3",
        ),
        ("allow: []", "allow:\n  - rule: LW101\n    path: a/\n    because: a lab\n"),
        ("---\n", "---\nallow:\n  - rule: LW101\n    path: a/\n    because: a lab\n"),
        ("---  # none\n# yet", "---  # none\n# yet\nallow:\n  - rule: LW101\n    path: a/\n    because: a lab\n"),
        ("\ufeffallow: []  # none\n", "\ufeffallow:  # none\n  - rule: LW101\n    path: a/\n    because: a lab\n"),
        ("\ufeff", "\ufeffallow:\n  - rule: LW101\n    path: a/\n    because: a lab\n"),
        ("ignore: [LW2]\r\n", "ignore: [LW2]\r\nallow:\r\n  - rule: LW101\r\n    path: a/\r\n    because: a lab\r\n"),
    ],
)
def test_an_exception_is_added_and_nothing_else_changes(text: str, changed: str) -> None:
    assert with_exception(text, ".lwlint.yaml", ENTRY) == changed


@pytest.mark.parametrize(
    "because", ["a: b", "# no comment", "it's", 'say "no"', "- x", "ü 漢", "two\nlines", "yes", "x " * 120, "{a}", "*a", "1"]
)
def test_every_reason_is_read_as_it_was_given(because: str) -> None:
    until = datetime.date(2030, 12, 31)
    text = with_exception("release: newton\n", "x", {**ENTRY, "because": because, "until": until})
    assert load(text, "x") == {"release": "newton", "allow": [{**ENTRY, "because": because, "until": until}]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("allow: [{rule: LW1, path: b, because: c}]\n", ".lwlint.yaml:1:8: cannot be edited without loss; `allow` must be a list"),
        ("{release: newton}\n", ".lwlint.yaml:1:1: cannot be edited without loss; the top of the file must be a mapping"),
        ("---\n...\n", ".lwlint.yaml:2:1: cannot be edited without loss; the top of the file must be a mapping"),
        ("--- null\n", "`.lwlint.yaml`: cannot be edited without loss"),
        ("release: newton\n...\n", ".lwlint.yaml:1:1: cannot be edited without loss; the top of the file must be a mapping"),
    ],
)
def test_a_configuration_that_cannot_be_edited_without_loss_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        with_exception(text, ".lwlint.yaml", ENTRY)
    assert str(caught.value).startswith(said)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "etc" / "nova").mkdir(parents=True)
    (tmp_path / "etc" / "nova" / "nova.conf").write_text("[database]\nconnection = mysql://a\nmax_retries = 3\n", "utf-8")
    return tmp_path


def allowed(capsys: pytest.CaptureFixture[str]) -> int:
    capsys.readouterr()
    return main(["check", ".", "--select", "LW301,LW902", "--no-cache"])


@pytest.mark.parametrize(
    ("place", "entry"),
    [
        ("etc/nova/nova.conf", {"path": "etc/nova/nova.conf"}),
        ("./etc/nova/nova.conf:3", {"path": "etc/nova/nova.conf", "fact": "option database.max_retries"}),
        ("etc/nova/nova.conf:3:15", {"path": "etc/nova/nova.conf", "fact": "option database.max_retries"}),
        ("etc", {"path": "/etc/"}),
        (".", {"path": "*"}),
        ("*.conf", {"path": "*.conf"}),
        ("etc/**/no*.conf", {"path": "etc/**/no*.conf"}),
    ],
)
def test_an_exception_for_a_place_is_written_and_holds(
    place: str, entry: dict[str, str], lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert allowed(capsys) == 1
    assert main(["allow", "LW301", place, "--because", "a lab", "--until", "2999-12-31"]) == 0
    (written,) = load((lab / ".lwlint.yaml").read_text("utf-8"), "x")["allow"]
    assert written == {"rule": "LW301", **entry, "because": "a lab", "until": datetime.date(2999, 12, 31)}
    assert allowed(capsys) == 0


def test_places_count_from_the_folder_of_the_nearest_configuration(
    lab: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (lab / ".lwlint.yaml").write_text("# ours\n", "utf-8")
    monkeypatch.chdir(lab / "etc")
    for place in ("nova/*.conf", "n*.conf", "nova"):
        assert main(["allow", "finite-database-retries", place, "--because", "a lab"]) == 0
    text = (lab / ".lwlint.yaml").read_text("utf-8")
    assert text.startswith("# ours\nallow:\n")
    assert [one["path"] for one in load(text, "x")["allow"]] == ["etc/nova/*.conf", "etc/**/n*.conf", "etc/nova/"]
    monkeypatch.chdir(lab)
    assert allowed(capsys) == 1  # the second and third match nothing more, which LW902 tells
    assert "LW301" in capsys.readouterr().out


def test_a_path_with_characters_of_patterns_stands_for_itself(lab: Path) -> None:
    (lab / "a[1]*.conf").write_text("[database]\nconnection = mysql://a\nmax_retries = 3\n", "utf-8")
    assert main(["allow", "LW301", "a[1]*.conf", "--because", "a lab"]) == 0
    assert load((lab / ".lwlint.yaml").read_text("utf-8"), "x")["allow"][0]["path"] == r"/a\[1]\*.conf"
    assert main(["check", "a[1]*.conf", "--select", "LW301", "--no-cache"]) == 0


def test_a_diff_shows_and_writes_nothing(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["allow", "LW301", "etc", "--because", "a lab", "--diff"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[:3] == ["--- /dev/null", "+++ b/.lwlint.yaml", "@@ -0,0 +1,4 @@"]
    assert not (lab / ".lwlint.yaml").exists()


@pytest.mark.parametrize("program", [["git", "apply"], ["patch", "-p1", "-s"]])
@pytest.mark.parametrize("there", ["", "# ours\nallow:\n- rule: LW302\n  path: caf\xe9/  # note\n  because: b", "fail_on: note\r\n"])
def test_a_diff_is_taken_by_git_and_patch(
    program: list[str], there: str, lab: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which(program[0]) is None:
        pytest.skip(f"`{program[0]}` IS NOT INSTALLED")
    subprocess.run(["git", "init", "-q"], cwd=lab, check=True)
    configuration = lab / ".lwlint.yaml"
    if there:
        configuration.write_bytes(there.encode("utf-8"))
    monkeypatch.chdir(lab / "etc")
    arguments = ["allow", "LW301", "nova", "--because", "a lab"]
    assert main([*arguments, "--diff"]) == 0
    shown = capsys.readouterr().out
    assert main(arguments) == 0
    wanted = (lab / "etc" / ".lwlint.yaml" if not there else configuration).read_bytes()
    folder = lab if there else lab / "etc"
    (folder / ".lwlint.yaml").unlink()
    if there:
        configuration.write_bytes(there.encode("utf-8"))
    subprocess.run(program, input=shown.encode("utf-8"), cwd=folder, check=True)
    assert (folder / ".lwlint.yaml").read_bytes() == wanted


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["LW3001", "etc", "--because", "x"], "`LW3001`: unknown rule; did you mean `LW301`?"),
        (["LW301", "etc/cinder", "--because", "x"], "`etc/cinder`: no such file or folder; a pattern has one of"),
        (["LW301", "etc/nova/nova.conf:2", "--because", "x"], "`etc/nova/nova.conf:2`: LW301 finds nothing there"),
        (["LW301", "etc/nova/nova.conf:3:2", "--because", "x"], "`etc/nova/nova.conf:3:2`: LW301 finds nothing there; it finds"),
        (["LW301", "etc/nova/nova.conf:3:15:1", "--because", "x"], "`etc/nova/nova.conf:3:15:1`: no such file or folder"),
        (["LW301", "..", "--because", "x"], "`..`: lies outside `.`, the folder of the configuration"),
        (["LW301", "!*.conf", "--because", "x"], "`!*.conf`: takes back what a pattern before it covers, and there is none"),
        (["LW301", "etc", "--because", " "], "`--because`: an exception needs a reason"),
        (["LW301", "etc", "--because", "a\udcff"], "`a\ufffd`: is not UTF-8, as a configuration is; in a pattern `?` stands for any"),
        (["LW301", "\udce9*.conf", "--because", "a"], "`\ufffd*.conf`: is not UTF-8, as a configuration is"),
        (["LW301", "etc", "--because", "x", "--until", "2030-13-01"], "`--until`: `2030-13-01`: must be a date, as `2030-12-31`"),
        (["LW301", "etc", "--because", "x", "--until", "2001-01-01"], "`--until`: `2001-01-01` is past"),
        (["LW302", "known", "--because", "x"], ".lwlint.yaml:2:5: this exception is there already, until 2999-01-01; change"),
        (["finite-broker-retries", "known/a.conf", "--because", "x"], ".lwlint.yaml:2:5: this exception is there already"),
        (["LW301", "etc", "--because", "x", "--config", "none.yaml"], "`none.yaml`: no such file"),
        (["LW301", "etc", "--because", "x", "--config", "tox.ini"], "`tox.ini`: holds the configuration, and only YAML is edited"),
    ],
)  # fmt: skip
def test_what_cannot_be_allowed_is_refused_and_nothing_is_written(
    arguments: list[str], said: str, lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "allow:\n  - {rule: LW302, path: /known/, because: x, until: 2999-01-01}\n"
    (lab / ".lwlint.yaml").write_text(text, "utf-8")
    (lab / "known").mkdir()
    (lab / "known" / "a.conf").touch()
    assert main(["allow", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"lwlint: {said}")
    assert (lab / ".lwlint.yaml").read_text("utf-8") == text


def test_a_link_stays_a_link_and_the_mode_is_kept(lab: Path) -> None:
    (lab / "real.yaml").write_text("release: newton\n", "utf-8")
    (lab / "real.yaml").chmod(0o600)
    (lab / ".lwlint.yaml").symlink_to("real.yaml")
    assert main(["allow", "LW301", "etc", "--because", "a lab"]) == 0
    assert ((lab / ".lwlint.yaml").is_symlink(), oct((lab / "real.yaml").stat().st_mode & 0o777)) == (True, "0o600")
    assert sorted(os.listdir(lab)) == [".lwlint.yaml", "etc", "real.yaml"]
