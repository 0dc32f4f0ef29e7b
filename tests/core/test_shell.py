"""Completion and the manual page, in the shells and with the readers of manuals that are there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lwlint.cli import main
from lwlint.cli.arguments import parser
from lwlint.cli.show import commands


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name.upper()} IS MISSING: what lwlint makes for it is not tried")
    return found


@pytest.fixture
def script(tmp_path: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Path:
    """The completion for the shell that the test names, as a file; the test is in a folder with a file and a folder."""
    shell = request.param
    program(shell)
    assert main(["completion", shell]) == 0
    path = tmp_path / "_lwlint"
    path.write_text(capsys.readouterr().out)
    (tmp_path / "here/templates").mkdir(parents=True)
    (tmp_path / "here/nova.conf").touch()
    return path


ASKED = [
    ("", {"check", "explain", "new-rule", "completion"}, {"--version"}),
    ("ch", {"check"}, {"explain"}),
    ("check --fo", {"--format"}, {"--fail-on"}),
    ("check --fail-on ", {"note", "warning", "error"}, {"nova.conf"}),
    ("check --release mi", {"mitaka"}, {"newton"}),
    ("check --format sa", {"sarif"}, {"text"}),
    ("check --select LW40", {"LW401", "LW404"}, {"LW101"}),
    ("check no", {"nova.conf"}, {"note"}),
    ("explain vip-", {"vip-without-haproxy", "vip-with-haproxy"}, {"LW101"}),
    ("new-rule slow --area sys", {"systemd"}, {"heat"}),
    ("completion ", {"bash", "zsh", "fish"}, set()),
]


@pytest.mark.parametrize("script", ["bash"], indirect=True)
@pytest.mark.parametrize(("typed", "offered", "not_offered"), ASKED)
def test_bash_offers_what_may_follow(script: Path, typed: str, offered: set[str], not_offered: set[str]) -> None:
    words = " ".join(f"'{word}'" for word in ["lwlint", *typed.split(" ")])
    ask = f'source {script}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); _lwlint; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "--norc", "-c", ask], cwd=script.parent / "here", text=True, capture_output=True)
    assert (done.stderr, offered - set(done.stdout.split()), not_offered & set(done.stdout.split())) == ("", set(), set())


@pytest.mark.parametrize("script", ["bash"], indirect=True)
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["check", "--fail-on", "=", "wa"], ["warning"]),  # bash parts words at `=`
        (["check", "--fail-on", "="], ["note", "warning", "error"]),
        (["check", "--config", "=", "no"], ["nova.conf"]),
        (["check", "two"], ["two words.conf"]),
        (["audit", "--root", "te"], ["templates"]),
    ],
)
def test_bash_offers_values_behind_an_equals_sign_and_names_with_blanks(script: Path, words: list[str], offered: list[str]) -> None:
    (script.parent / "here/two words.conf").touch()
    typed = " ".join(f"'{word}'" for word in ["lwlint", *words])
    ask = f'source {script}; COMP_WORDS=({typed}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); _lwlint; printf "%s\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "--norc", "-c", ask], cwd=script.parent / "here", text=True, capture_output=True)
    assert (done.stderr, done.stdout.splitlines()) == ("", offered)


@pytest.mark.parametrize("script", ["fish"], indirect=True)
@pytest.mark.parametrize(("typed", "offered", "not_offered"), ASKED)
def test_fish_offers_what_may_follow(script: Path, typed: str, offered: set[str], not_offered: set[str]) -> None:
    ask = f"source {script}; complete -C 'lwlint {typed}'"
    done = subprocess.run(["fish", "--no-config", "-c", ask], cwd=script.parent / "here", text=True, capture_output=True)
    found = {line.split("\t")[0] for line in done.stdout.splitlines()}
    assert (done.stderr, offered - found, not_offered & found) == ("", set(), set())


@pytest.mark.parametrize("script", ["zsh"], indirect=True)
def test_zsh_loads_the_completion_and_gives_it_to_lwlint(script: Path) -> None:
    (script.parent / "f").mkdir()
    shutil.copy(script, script.parent / "f/_lwlint")
    for ask in ("source ../_lwlint", "true"):
        load = f"fpath=({script.parent}/f $fpath); autoload -Uz compinit; compinit -u -d {script.parent}/dump; {ask}"
        done = subprocess.run(["zsh", "-fc", f"{load}; print $_comps[lwlint]"], cwd=script.parent / "here", text=True, capture_output=True)
        assert (done.stdout, done.stderr) == ("_lwlint\n", "")
    assert subprocess.run(["zsh", "-n", str(script)]).returncode == 0


@pytest.mark.parametrize("script", ["zsh"], indirect=True)
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("ch", "check"),
        ("check --fo", "--format"),
        ("check --release mi", "mitaka"),
        ("check --release=mi", "--release=mitaka"),
        ("check -j 2 --fail-on wa", "warning"),
    ],
)
def test_zsh_completes_what_is_typed(script: Path, typed: str, offered: str) -> None:
    talk = f"""
    zmodload zsh/zpty; zpty z zsh -fi
    zpty -w z 'PS1=; autoload -Uz compinit; compinit -u -D; source {script}; bindkey "^I" complete-word; echo rea''dy'
    zpty -r -m z line '*ready*'
    zpty -n -w z $'lwlint {typed}\\t\\C-aecho \\C-e; echo do\\'\\'ne\\n'
    zpty -r -m z line $'*\\ndone*'; print -r -- $line; zpty -d z
    """
    done = subprocess.run(["zsh", "-fc", talk], cwd=script.parent / "here", text=True, capture_output=True, timeout=60)
    words = typed.split(" ")[:-1]
    assert " ".join(["lwlint", *words, offered]) in done.stdout, done.stdout


def test_the_manual_page_has_every_command_and_option_and_no_complaint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manual"]) == 0
    page = tmp_path / "lwlint.1"
    page.write_text(capsys.readouterr().out)
    text = page.read_text().replace("\\-", "-").replace("\\fB", "").replace("\\fR", "")
    found = commands(parser(), {})
    names = {name for command in found for option in command.options for name in option.names}
    assert [name for name in names if not re.search(rf"(^|, ){re.escape(name)}\b", text, re.M)] == []
    assert [command.name for command in found if f".SS lwlint {command.name}" not in text and command.name] == []
    lint = subprocess.run([program("mandoc"), "-T", "lint", "-W", "error", str(page)], text=True, capture_output=True)
    assert (lint.returncode, lint.stdout) == (0, "")
    shown = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=200", str(page)], text=True, capture_output=True).stdout
    shown = re.sub(".\b", "", shown)
    assert "--environment FILE" in shown
    assert "`mitaka` ... `hibiscus`" in shown
