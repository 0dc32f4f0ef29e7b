"""Which files a run takes: the settings' patterns, and git's own answer as the oracle for what it ignores."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lwlint.policy.settings import Selection, Settings, layer, matches, merge


def selection(text: str, folder: str = ".") -> Selection:
    return Selection(merge([layer(text, ".lwlint.yaml", folder)]))


def test_what_is_excluded_says_by_which_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = selection("paths:\n  exclude: [ci/, '*.bak']\n")
    assert [chosen.refusal(path, ".") for path in ("ci/a.yaml", "b/ci/a.yaml", "x.bak", "ci.yaml")] == [
        "excluded by `ci/` (.lwlint.yaml:2:13)",
        "excluded by `ci/` (.lwlint.yaml:2:13)",
        "excluded by `*.bak` (.lwlint.yaml:2:18)",
        None,
    ]
    assert chosen.refusal("ci/a.yaml") == "excluded by `ci/` (.lwlint.yaml:2:13)"


def test_of_the_patterns_that_speak_of_a_file_the_last_one_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = selection("paths: {exclude: ['*.conf', '!keep.conf', ci/, '!ci/keep.conf', last.conf], include: ['*.conf', '!no.conf']}\n")
    paths = ("a/x.conf", "a/keep.conf", "ci/keep.conf", "last.conf", "no.conf", "a/keep.yaml")
    assert [(chosen.refusal(path, ".") or "taken").partition(" (")[0] for path in paths] == [
        "excluded by `*.conf`",
        "taken",
        "excluded by `ci/`",
        "excluded by `last.conf`",
        "excluded by `*.conf`",
        "matches nothing of `paths.include`",
    ]
    assert selection("paths: {include: ['*.conf', '!no.conf']}\n").refusal("no.conf", ".") == "matches nothing of `paths.include`"
    below = layer("paths: {exclude: ['*.conf', '/sub/x']}\n", "base.yaml", "..")
    both = Selection(merge([below, layer("paths: {exclude: ['!keep.conf']}\n", ".lwlint.yaml")]))
    assert [both.refusal(path) is None for path in ("a/keep.conf", "a/b.conf", "../keep.conf", "../sub/x/y")] == [True, False, False, False]


def test_what_is_not_included_is_left_out_unless_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = selection("paths: {include: [/templates/]}\n")
    assert [chosen.refusal("templates/a", "."), chosen.refusal("b/templates/a", "."), chosen.refusal("b")] == [
        None,
        "matches nothing of `paths.include`",
        None,
    ]


def test_a_pattern_counts_from_the_folder_of_its_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert [matches(("/a/b/c",), "c", "../.."), matches(("/c",), "c", "../.."), matches(("*",), "../c", ".")] == [True, False, False]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if shutil.which("git") is None:
        pytest.skip("THE ORACLE IS MISSING: git")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ignored_by_git(folder: Path, paths: list[str]) -> list[str]:
    command = ["git", "-C", str(folder), "check-ignore", "--no-index", "-z", "--stdin"]
    run = subprocess.run(command, input="\0".join(paths), capture_output=True, text=True, check=False)
    assert run.returncode in (0, 1), run.stderr
    return [path for path in run.stdout.split("\0") if path]


def test_what_git_ignores_is_left_out_and_the_file_that_says_so_is_named(repository: Path) -> None:
    (repository / ".gitignore").write_text("build/\n*.log\n!keep.log\n")
    (repository / "sub").mkdir()
    (repository / "sub" / ".gitignore").write_text("!b.log\n/only\n")
    chosen = Selection(Settings())
    assert {path: chosen.refusal(path, ".") for path in ("build/x", "a.log", "keep.log", "sub/b.log", "sub/only", "only")} == {
        "build/x": "ignored by git (.gitignore)",
        "a.log": "ignored by git (.gitignore)",
        "keep.log": None,
        "sub/b.log": None,
        "sub/only": "ignored by git (sub/.gitignore)",
        "only": None,
    }


def test_from_a_folder_outside_of_the_checkout_the_answer_is_the_same(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / ".gitignore").write_text("*.log\n/a/x\n")
    for folder, top in ((repository.parent, repository.name), (repository.parent / "elsewhere", f"../{repository.name}")):
        folder.mkdir(exist_ok=True)
        monkeypatch.chdir(folder)
        chosen = selection("")
        asked = ((f"{top}/a/b.log", top), (f"{top}/a/x/y", f"{top}/a"), (f"{top}/a/x/y", f"{top}/a/x"), (f"{top}/b", top))
        assert [chosen.refusal(*each) for each in asked] == ["ignored by git (.gitignore)"] * 2 + [None] * 2


def test_the_command_leaves_out_what_git_ignores_without_a_configuration_too(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lwlint.cli import main

    (repository / ".gitignore").write_text("build/\n")
    for folder in ("build", "etc"):
        (repository / folder).mkdir()
        (repository / folder / "nova.conf").write_text("[database]\nconnection = mysql://a\nmax_retries = 3\n")
    for arguments, paths in (
        (["."], ["etc/nova.conf"]),
        (["--no-config"], ["etc/nova.conf"]),
        (["build"], ["build/nova.conf"]),
        (["build/nova.conf"], ["build/nova.conf"]),
    ):
        main(["check", "--format", "csv", *arguments])
        assert [row.split(",")[4] for row in capsys.readouterr().out.splitlines()[1:]] == paths


def test_what_is_named_is_read_though_git_ignores_it(repository: Path) -> None:
    (repository / ".gitignore").write_text("build/\n*.log\n")
    chosen = Selection(Settings())
    answers = [chosen.refusal("build/x", "build"), chosen.refusal("a.log"), chosen.refusal("build/y.log", "build")]
    assert answers == [None, None, "ignored by git (.gitignore)"]


def test_from_a_folder_below_the_top_the_answer_is_the_same(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / ".gitignore").write_text("/sub/x\n")
    (repository / "sub").mkdir()
    monkeypatch.chdir(repository / "sub")
    assert Selection(Settings()).refusal("x", ".") == "ignored by git (.gitignore)"
    assert Selection(Settings(gitignore=False)).refusal("x", ".") is None


PATHS = ["a", "b", "a.x", "d/a", "d/b", "d/a.x", "d/e/a", "d/e/b.x", "b/d/a", "a/b/d/e", "d/[ab]", "c d", "d/!a"]
PATHS += ["ad/e", "a/d/e/b", "dab/ea/b", "d/ab", "ab", "d/e/a/b/d", "*/a", "d/**/b", "a\\b"]
PIECES = ["a", "b", "d", "e", "*", "**", "***", "/", "/", "?", "[ab]", "[!/]", "\\", "\\/", "\\*", ".x", "a**", "**/", "/**"]
GLOBS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "", "/", "!", "!/"]),
    st.lists(st.sampled_from(PIECES), max_size=6).map("".join),
    st.sampled_from(["", "", "/", "/**"]),
)
LINES = st.one_of(
    st.sampled_from(
        [
            "a",
            "b",
            "/a",
            "d/",
            "!a",
            "!b",
            "*.x",
            "!*.x",
            "d/*",
            "!d/e",
            "!d/e/",
            "**/e",
            "d/**",
            "/d/e/*",
            "!/d/e/a",
            "#",
            "a/",
            "[ab]",
            "[!a]",
            "?",
            "d/**/a",
            "a/**/e",
            "[z-a]",
            "/",
            "!",
            "**",
        ]
    ),
    st.sampled_from(["# c", "", "\\!a", "c\\ d", "c d  ", "\\[ab\\]", "[[:alpha:]]", "[]a]", "\\a", "d//a", "***/a", "c\\ "]),
    st.text("abdex*?/![]^-\\", max_size=7),
    GLOBS,
    GLOBS,
)


@pytest.mark.parametrize(
    "line", ["/**", "a**/c", "**", "a/**/**", "**\\/c", "/a**", "x/**b/c", "a**b/c", "a/b**/c", "/**/c", "a/**/", "a**"]
)
def test_two_stars_reach_as_far_as_git_has_them(line: str, repository: Path) -> None:
    paths = ["a", "c", "ac", "a/c", "ab/c", "a/b/c", "abx/y/c", "x/b/c", "x/bb/c", "x/y/bb/c", "aXb/c", "aX/Yb/c", "a/bX/Y/c", "d/a/c"]
    for lines in (f"{line}\n", f"*\n!*/\n!{line}\n"):
        (repository / ".gitignore").write_text(lines)
        chosen = Selection(Settings())
        assert [path for path in paths if chosen.refusal(path, ".")] == ignored_by_git(repository, paths)


MANY = int(os.environ.get("LWLINT_GIT_EXAMPLES", "200"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=MANY, deadline=None)
@given(st.dictionaries(st.sampled_from(["", "d", "d/e"]), st.lists(LINES, max_size=5), min_size=1))
def test_the_answer_is_gits(repository: Path, files: dict[str, list[str]]) -> None:
    for folder in ("", "d", "d/e"):
        (repository / folder).mkdir(exist_ok=True)
        (repository / folder / ".gitignore").write_text("".join(f"{line}\n" for line in files.get(folder, [])))
    chosen = Selection(Settings())
    assert [path for path in PATHS if chosen.refusal(path, ".")] == ignored_by_git(repository, PATHS)
