"""`[lwlint]` in tox.ini and setup.cfg: the same settings as in the other forms, each with its place; and tox.ini, added to."""

from __future__ import annotations

import configparser
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lwlint.cli import main
from lwlint.core.finding import ConfigurationError
from lwlint.policy.location import nearest
from lwlint.policy.settings import layer, load, merge, position
from lwlint.report.explain import render_settings
from lwlint.report.starters import Origin, snippet, with_environment
from tests.policy.test_config import FULL

SOURCE = "https://git.example.org/lwlint@1f2e3d4"
TOX = snippet("tox", Origin(*SOURCE.split("@")))

INI = """\
[tox]
envlist = py3

[lwlint]
release = newton
select = LW1,
  LW4
ignore : LW902
# a comment
rules.LW404.severity=warning
rules.LW404.params.a = 1
paths.include = *.yaml
paths.exclude =
    ci/
paths.gitignore = false
rule_directories = policy

[lwlint:allow:nova]
rule = LW404
fact = nova*
because = the vendor
    ; no, another comment
    asks for it
until = 2030-12-31
[lwlint:allow:samples]
rule = LW401
path = samples/
because = samples
until = 2031-01-01
[testenv]
select = nothing of lwlint's
[lwlint:overrides:samples]
paths = samples/
ignore = LW4
severity.LW901 = note
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", ["tox.ini", "setup.cfg"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_ini_and_yaml_say_the_same(name: str, end: str) -> None:
    ini, yaml = layer(INI.replace("\n", end), name), layer(FULL, ".lwlint.yaml")
    assert merge([ini]).rules == merge([yaml]).rules
    for key in ("release", "select", "ignore", "paths", "rule_directories", "overrides"):
        assert getattr(ini.file, key) == getattr(yaml.file, key), key
    for mine, theirs in zip(ini.file.allow or (), yaml.file.allow or ()):
        assert (mine.rule, mine.because, mine.fact, mine.path, str(mine.until)) == (
            theirs.rule, theirs.because, theirs.fact, theirs.path, str(theirs.until),
        )  # fmt: skip
    assert len(ini.file.allow or ()) == 2


def test_the_sections_and_keys_are_those_of_pythons_own_reader() -> None:
    parser = configparser.RawConfigParser(delimiters=("=", ":"))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(INI)
    keys = {section: list(parser[section]) for section in parser.sections() if section.startswith("lwlint")}
    assert keys["lwlint"][:3] == ["release", "select", "ignore"]
    assert parser["lwlint:allow:nova"]["because"].split("\n") == ["the vendor", "asks for it"]
    assert sum(map(len, keys.values())) == len({line for line in INI.splitlines() if "=" in line or " : " in line}) - 2


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (("release",), (5, 1)),
        (("select", 1), (7, 3)),
        (("paths", "exclude", 0), (14, 5)),
        (("rules", "LW404"), (10, 1)),
        (("rules", "LW404", "params", "a"), (11, 1)),
        (("allow", 1), (25, 2)),
        (("allow", 1, "path"), (27, 1)),
        (("allow", 0, "nothing"), (18, 2)),
        (("overrides", 0, "severity", "LW901"), (35, 1)),
    ],
)
def test_a_position_is_that_of_the_key_or_the_item(key: tuple[str | int, ...], found: tuple[int, int]) -> None:
    assert position(layer(INI, "tox.ini"), key) == found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("release =", "relase =", "tox.ini:5:1: `relase`: unknown key; did you mean `release`?"),
        ("= newton", "= newtn", "tox.ini:5:1: `newtn`: unknown release; did you mean `newton`?"),
        ("ignore : LW902", "ignore LW902", "tox.ini:8:1: `ignore LW902`: must be `key = value`"),
        ("ignore : LW902", "release = mitaka", "tox.ini:8:1: key `release` is set twice"),
        ("gitignore = false", "gitignore = maybe", "tox.ini:15:1: `maybe`: must be `true` or `false`"),
        ("params.a = 1", "params.a = [1", "tox.ini:11:24: `[1`: "),
        ("params.a = 1", "severity.x = 1", "tox.ini:11:1: `rules.LW404.severity`: has a value already"),
        ("rule_directories = policy", "allow = LW1", "tox.ini:16:1: `allow`: each is a section of its own, `[lwlint:allow:NAME]`"),
        ("= 2030-12-31", "= 2030-13-31", "tox.ini:24:1: `2030-13-31`: must be a date, as `2030-12-31`"),
        ("rule = LW401\n", "", "tox.ini:25:2: `rule` is missing"),
        ("[lwlint:overrides:", "[lwlint:overide:", "tox.ini:32:2: section `lwlint:overide:samples`: unknown section; did you mean"),
        ("[testenv]", "[lwlint]", "tox.ini:30:2: section `lwlint` appears twice"),
        ("[lwlint]", "[tool:lwlint]", "tox.ini:4:2: section `tool:lwlint`: is not read; name it `lwlint`"),
        ("    ci/", "    #ci", ""),
        ("    ci/", "    \\#ci, !", "tox.ini:14:11: `!`: is empty, and matches nothing"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_place(old: str, new: str, said: str) -> None:
    assert INI.count(old) == 1
    text = INI.replace(old, new)
    if not said:
        assert layer(text, "tox.ini").plain["paths"]["exclude"] == []
        return
    with pytest.raises(ConfigurationError) as caught:
        layer(text, "tox.ini")
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("name", ["tox.ini", "setup.cfg"])
def test_the_nearest_folder_counts_and_other_sections_are_none_of_lwlints(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / name).write_text("[lwlint]\nrelease = newton\n", "utf-8")
    (tmp_path / "below" / name).write_bytes(b"[testenv:lwlint]\ncommands = lwlint check\n# \xff\n")
    monkeypatch.chdir(tmp_path / "below")
    assert nearest() == str(tmp_path / name)
    assert load().release == "newton"
    assert f"../{name}:2:1" in render_settings(load())


@pytest.mark.parametrize("other", [".lwlint.yaml", "pyproject.toml", "setup.cfg"])
def test_two_configurations_in_one_folder_are_refused(other: str) -> None:
    Path("tox.ini").write_text("[lwlint]\n", "utf-8")
    Path(other).write_text("[tool.lwlint]\n" if other == "pyproject.toml" else "[lwlint]\n" if other == "setup.cfg" else "", "utf-8")
    with pytest.raises(ConfigurationError, match="has settings of lwlint too; keep one of them"):
        nearest()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[tox]\nenvlist =   py3  \n\n\n# end",
        "[tox]\nenvlist:\n  a\n  b\n[testenv]\ncommands =\n    x {posargs}\n    # no comment for tox\n    y\n",
        "; head\r\n[tox]\r\nskipsdist=True\r\n",
        "[testenv:lwlint2]\nx = %(y)s %%\n",
    ],
)
def test_the_environment_is_added_and_every_other_byte_kept(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("tox.ini").write_bytes(text.encode())
    assert main(["init", "tox", "--write", "--source", SOURCE]) == 0
    written = Path("tox.ini").read_bytes().decode()
    assert written.startswith(text)
    parser = configparser.RawConfigParser()
    parser.read_file(io.StringIO(written))
    assert parser["testenv:lwlint"]["commands"] == "lwlint check {posargs}"
    assert ("\r\n" in text) == ("\r\n" in written)
    assert main(["init", "tox", "--write", "--source", SOURCE]) == 2
    assert "`testenv:lwlint` is there already" in capsys.readouterr().err
    assert Path("tox.ini").read_bytes().decode() == written


_LINES = st.sampled_from(
    (
        *("[tox]", "[testenv]", "[testenv:py]", "[DEFAULT]", "[ testenv:lwlint ]", "[TESTENV:LWLINT]", "[testenv]  # c"),
        *("a = 1", "b: 2", "k =   ", "x = [y]", "x = 1 ; y", "é = ü", "%(b)s = %%"),
        *("    cont", "\tcont", "    # no comment for tox", "# c", "; c", "", "   ", "\x0c", "\x85", "\u2028"),
    )
)
_ENDS = st.sampled_from(["\n", "\n", "\r\n", "\r", "\n\n", ""])


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(_LINES, _ENDS), max_size=8), st.sampled_from(["[tox]\n", "[tox]\r\n", "", "\ufeff[tox]\n"]))
def test_whatever_is_in_a_tox_ini_is_there_as_it_was_or_the_file_is_refused(lines: list[tuple[str, str]], head: str) -> None:
    def parts(text: str) -> dict[str, dict[str, str]]:
        parser = configparser.RawConfigParser()  # as tox has it
        parser.optionxform = str  # type: ignore[assignment, method-assign]
        parser.read_file(io.StringIO(text, newline=None))
        return {name: dict(parser[name]) for name in (*parser.sections(), "DEFAULT")}

    text = head + "".join(line + end for line, end in lines)
    try:
        written = with_environment(text, "tox.ini", TOX)
        before = parts(text)
    except (ConfigurationError, configparser.Error):  # no INI for one of them, and so for tox
        return
    after = parts(written)
    assert written.startswith(text)
    assert after.pop("testenv:lwlint")["commands"] == "lwlint check {posargs}"
    assert after == before


def test_a_tox_ini_is_made_where_there_is_none_and_nothing_else_is_written() -> None:
    assert main(["init", "tox", "--write", "--source", SOURCE]) == 0
    assert Path("tox.ini").read_text("utf-8") == TOX.partition("\n")[2]
    assert main(["init", "zuul", "--write"]) == 2
    assert [path.name for path in Path().iterdir()] == ["tox.ini"]


@pytest.mark.parametrize("text", ["junk\n", "[tox]\njunk\n"])
def test_a_file_that_is_no_ini_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^`tox.ini`: cannot be read"):
        with_environment(text, "tox.ini", TOX)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("[LWLINT]", "tox.ini:1:2: section `LWLINT`: is not read; name it `lwlint`"),
        ("[ lwlint ]", "tox.ini:1:2: section ` lwlint `: is not read; name it `lwlint`"),
        ("[tool.lwlint]", "tox.ini:1:2: section `tool.lwlint`: is not read; name it `lwlint`"),
        ("[Lwlint:allow:x]", "tox.ini:1:2: section `Lwlint:allow:x`: is not read; name it `lwlint:allow:x`"),
        ("[lwlint:]", "tox.ini:1:2: section `lwlint:`: is not read; name it `lwlint`"),
        ("\ufeff[lwlint]", "tox.ini:2:8: `LW9999`: unknown rule"),
    ],
)
def test_a_section_that_is_meant_for_lwlint_is_never_passed_over(header: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("tox.ini").write_text(f"{header}\nselect=LW9999\n", "utf-8")
    assert main(["check", "."]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", ["lwlint", "tool.Lwlint", "LWLINT"])
def test_a_table_that_is_meant_for_lwlint_is_never_passed_over(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("pyproject.toml").write_text(f"[project]\nname = 'a'\n[{name}]\nselect=['LW9999']\n", "utf-8")
    assert main(["check", "."]) == 2
    assert f"pyproject.toml:3:1: table `{name}`: is not read; name it `tool.lwlint`" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["[testenv:lwlint]\ncommands=x\n", "[lwlint.other]\na=b\n", "[lwlinter]\na=b\n", "[tool:lwlinter]\na=b\n"])
def test_a_section_of_another_program_is_not_lwlints(text: str) -> None:
    Path("tox.ini").write_text(text, "utf-8")
    assert nearest() is None
