"""Configuration: found upwards, read with places, merged with what it extends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lwlint.cli import main
from lwlint.core.finding import ConfigurationError
from lwlint.files.tree import Memory
from lwlint.policy.location import nearest
from lwlint.policy.settings import PROFILES, RuleSettings, Settings, layer, load, merge, position
from lwlint.policy.shared_files import place
from lwlint.report.explain import render_settings
from lwlint.run import Request, read_facts

FULL = """\
release: newton
select: [LW1, LW4]
ignore: [LW902]
rules:
  LW404: {severity: warning, params: {a: 1}}
paths: {include: ['*.yaml'], exclude: [ci/], gitignore: false}
rule_directories: [policy]
allow:
- {rule: LW404, fact: 'nova*', because: the vendor asks for it, until: 2030-12-31}
- {rule: LW401, path: samples/, because: samples, until: '2031-01-01'}
overrides:
- {paths: [samples/], ignore: [LW4], severity: {LW901: note}}
"""
TOML = """\
[project]
name = "x"
[tool.lwlint]
release = "newton"
select = ["LW1", "LW4"]
ignore = ["LW902"]
rule_directories = ["policy"]
[tool.lwlint.rules.LW404]
severity = "warning"
params = {a = 1}
[tool.lwlint.paths]
include = ["*.yaml"]
exclude = ["ci/"]
gitignore = false
[[tool.lwlint.allow]]
rule = "LW404"
fact = "nova*"
because = "the vendor asks for it"
until = 2030-12-31
[[tool.lwlint.allow]]
rule = "LW401"
path = "samples/"
because = "samples"
until = "2031-01-01"
[[tool.lwlint.overrides]]
paths = ["samples/"]
ignore = ["LW4"]
severity = {LW901 = "note"}
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, "utf-8")


@pytest.mark.parametrize(("said", "meant"), [("'2023.1'", "antelope"), ("'2025.2'", "flamingo"), ("newton", "newton")])
def test_a_release_may_be_told_by_its_number(said: str, meant: str) -> None:
    given = merge([layer(f"release: {said}\n", ".lwlint.yaml")]).release
    files = {"etc/heat/heat.conf": "[database]\nconnection = mysql://h@h/h\n"}
    assert read_facts(Request(("etc",), release=given, tree=Memory(files))).facts.release.name == meant


def complaint(text: str, name: str = ".lwlint.yaml") -> str:
    with pytest.raises(ConfigurationError) as caught:
        layer(text, name)
    return str(caught.value)


def test_yaml_and_toml_say_the_same() -> None:
    assert layer(FULL, ".lwlint.yaml").plain == layer(TOML, "pyproject.toml").plain
    assert layer(FULL, ".lwlint.yaml").file == layer(TOML, "pyproject.toml").file


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}\n"])
def test_a_configuration_that_says_nothing_changes_nothing(text: str) -> None:
    settings = merge([layer(text, ".lwlint.yaml")])
    assert settings == Settings(layers=settings.layers)
    assert render_settings(settings).count("\n") == 5  # the file and the defaults


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x: 2030-13-01\n", ".lwlint.yaml:1:4: `2030-13-01`: month must be in 1..12"),
        ("x: !!int y\n", ".lwlint.yaml:1:4: `y`: invalid literal for int()"),
        ("relaese: newton\n", ".lwlint.yaml:1:1: `relaese`: unknown key; did you mean `release`?"),
        ("release: pike\n1: x\n", ".lwlint.yaml:2:1: `1`: unknown key"),
        ("release: pike\ntrue: x\n", ".lwlint.yaml:1:1: `True`: unknown key"),
        ("rules: {1: {severity: {a: b}}}\n", ".lwlint.yaml:1:8: `1`: must be text (quote it)"),
        ("extends:\n- a\n- {1: b}\n", ".lwlint.yaml:3:3: a mapping: must be text"),
        ("release: newtown\n", ".lwlint.yaml:1:10: `newtown`: unknown release; did you mean `newton`?"),
        ("rules:\n  LW404: {severty: note}\n", ".lwlint.yaml:2:11: `severty`: unknown key; did you mean `severity`?"),
        ("rules:\n  LW404: {severity: fatal}\n", ".lwlint.yaml:2:21: `fatal`: must be one of `error`, `warning`, `note`"),
        ("select: LW1\n", ".lwlint.yaml:1:9: `LW1`: must be a list"),
        ("paths: {gitignore: maybe}\n", ".lwlint.yaml:1:20: `maybe`: must be `true` or `false`"),
        ("allow:\n- {rule: LW1, path: x}\n", ".lwlint.yaml:2:3: `because` is missing"),
        ("allow:\n- {rule: LW1, path: x, because: ' '}\n", ".lwlint.yaml:2:33: an exception needs a reason"),
        ("allow:\n- {rule: LW1, because: x, until: soon, fact: y}\n", ".lwlint.yaml:2:34: `soon`: must be a date, as `2030-12-31`"),
        ("allow:\n- {rule: LW1, because: x, until: 2030-12-31 10:00:00, fact: y}\n", ".lwlint.yaml:2:34: `2030-12-31 10:00:00`: must be a"),
        ("allow:\n- {rule: LW1, because: x}\n", ".lwlint.yaml:2:3: an exception needs a `fact` or a `path`"),
        ("overrides:\n- {paths: [], ignore: [LW1]}\n", ".lwlint.yaml:2:11: names no path"),
        ("overrides:\n- {paths: [a]}\n", ".lwlint.yaml:2:3: changes nothing"),
        ("paths: {exclude: [a, ./b]}\n", ".lwlint.yaml:1:22: `./b`: matches nothing: a pattern counts from the folder of its file"),
        ("paths: {include: ['']}\n", ".lwlint.yaml:1:19: ``: is empty, and matches nothing"),
        ("overrides:\n- {paths: ['../a'], ignore: [LW1]}\n", ".lwlint.yaml:2:12: `../a`: matches nothing: a pattern counts from"),
        ("allow:\n- {rule: LW1, path: '[a', because: x}\n", ".lwlint.yaml:2:21: `[a`: matches nothing: no character fits its `[`"),
        ("allow:\n- {rule: LW1, path: '#a', because: x}\n", ".lwlint.yaml:2:21: `#a`: is a comment to git, and matches nothing; write"),
        ("allow:\n- {rule: LW1, path: '!a', because: x}\n", ".lwlint.yaml:2:21: `!a`: takes back what a pattern before it covers"),
        ("[a]\n", ".lwlint.yaml:1:1: a list: must be a mapping"),
        ("ignore: [LW1\n", ".lwlint.yaml:2:1: did not find expected"),
        ("ignore: []\nignore: []\n", ".lwlint.yaml:2:1: key `ignore` is set twice"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(text: str, said: str) -> None:
    assert complaint(text).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.lwlint]\nrelaese = 'newton'\n", "pyproject.toml:2:1: `relaese`: unknown key; did you mean `release`?"),
        ("[tool.lwlint.rules]\n  LW1.severity = 'x'\n", "pyproject.toml:2:3: `x`: must be one of `error`, `warning`, `note`"),
        ("[tool.lwlint]\nx = \n", "pyproject.toml:2:5: Invalid value"),
        ("[tool]\nlwlint = 1\n", "pyproject.toml: `tool.lwlint`: must be a table"),
        (
            "[[tool.lwlint.allow]]\nrule = 'a'\nbecause = 'b'\npath = 'c'\n[[tool.lwlint.allow]]\nrule = 1\nbecause = 'd'\n",
            "pyproject.toml:6:1: `1`: must be text",
        ),
        ("[tool.lwlint]\nallow = [{rule = 'a'}]\n", "pyproject.toml:2:10: `because` is missing"),
        ('x = """\n[tool.lwlint]\nrelaese = 1\n"""\n[tool.lwlint]\nrelaese = 2 # x\n', "pyproject.toml:6:1: `relaese`: unknown key"),
        ("[tool]\nlwlint = {select = ['LW1', # x\n 'LW2'], relaese.x = 1}\n", "pyproject.toml:3:10: `relaese`: unknown key"),
        ("[tool]\r\nlwlint . paths . include = [\r\n  'a]',\r\n\t5,\r\n]\r\n", "pyproject.toml:4:2: `5`: must be text"),
        (
            "[[tool.lwlint.allow]]\n[[tool.lwlint.overrides]]\npaths=['x']\n[tool.lwlint.overrides.severity]\nLW1='x'\n",
            "pyproject.toml:1:3:",
        ),
        ("[[tool.lwlint.overrides]]\npaths=['x']\n[tool.lwlint.overrides.severity]\nLW1='x'\n", "pyproject.toml:4:1: `x`: must be one"),
        ("[tool.lwlint]\nrules.LW1.params.a.b = 1\n'rules'.\"LW2\".severty = 'x'\n", "pyproject.toml:3:1: `severty`: unknown key"),
    ],
)
def test_what_does_not_fit_in_toml_is_refused_with_its_line(text: str, said: str) -> None:
    assert complaint(text, "pyproject.toml").startswith(said)


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (("release",), (4, 1)),
        (("rules", "LW404"), (8, 2)),
        (("rules", "LW404", "severity"), (9, 1)),
        (("paths", "exclude", 0), (13, 12)),
        (("allow", 0, "rule"), (16, 1)),
        (("allow", 1, "because"), (23, 1)),
        (("overrides", 0, "severity", "LW901"), (28, 13)),
        (("nothing",), (3, 2)),
    ],
)
def test_a_value_of_toml_has_the_line_of_its_key(key: tuple[str, ...], found: tuple[int, int]) -> None:
    assert place(TOML, "pyproject.toml", key) == found


def test_the_nearest_configuration_upwards_counts() -> None:
    write(".lwlint.yaml", "release: newton\n")
    write("a/pyproject.toml", "[tool.other]\n")
    write("a/b/c/x", "")
    os.chdir("a/b/c")
    assert (load().release, load().layers[0].name, load().layers[0].folder) == ("newton", "../../../.lwlint.yaml", "../../..")
    write("../../pyproject.toml", "[tool.lwlint]\nrelease = 'pike'\n")
    assert (load().release, load().layers[0].name) == ("pike", "../../pyproject.toml")


def test_without_a_configuration_the_defaults_hold() -> None:
    assert load() == Settings()


def test_two_configurations_in_one_folder_are_refused() -> None:
    write(".lwlint.yaml", "")
    write("pyproject.toml", "[tool.lwlint]\n")
    with pytest.raises(ConfigurationError, match="has settings of lwlint too"):
        nearest()


@pytest.mark.parametrize("name", [".lwlint.yml", "lwlint.yaml", ".lwlint.toml", "lwlint.toml", ".lwlint.json"])
def test_a_file_that_is_almost_a_configuration_is_not_passed_over_in_silence(name: str) -> None:
    write(name, "release: newton\n")
    with pytest.raises(ConfigurationError, match=f"`{name}`: is not read; name it `.lwlint.yaml`"):
        load()


@pytest.mark.parametrize(("data", "said"), [(b"\xff", "is not UTF-8"), (None, "cannot be read")])
def test_a_configuration_that_cannot_be_read_is_refused(data: bytes | None, said: str) -> None:
    if data is not None:
        Path("c.yaml").write_bytes(data)
    with pytest.raises(ConfigurationError, match=said):
        load("c.yaml")


def test_a_later_layer_wins_and_lists_of_exceptions_add_up() -> None:
    for folder in ("base/policy", "own"):
        Path(folder).mkdir(parents=True)
    write("base/b.yaml", FULL + "extends: [templates]\n")
    write(
        ".lwlint.yaml",
        "extends: base/b.yaml\nselect: [LW2]\nignore: [LW203]\nrules: {LW404: {params: {b: 2}}}\n"
        "rule_directories: [own]\nallow: [{rule: LW1, path: y, because: z}]\n",
    )
    settings = load()
    assert [one.name for one in settings.layers] == ["profile templates", "base/b.yaml", ".lwlint.yaml"]
    assert (settings.release, settings.select, settings.ignore) == ("newton", ("LW2",), ("LW902", "LW203"))
    assert settings.rules == {"LW404": RuleSettings("warning", {"a": 1, "b": 2})}
    assert settings.rule_directories == ("base/policy", "own")
    assert (settings.gitignore, [entry.value for entry in settings.exclude]) == (False, ["ci/"])
    assert [(entry.layer.name, entry.key, entry.value.rule) for entry in settings.allow] == [
        ("base/b.yaml", ("allow", 0), "LW404"),
        ("base/b.yaml", ("allow", 1), "LW401"),
        (".lwlint.yaml", ("allow", 0), "LW1"),
    ]


def test_extending_nothing_and_extending_oneself_are_refused() -> None:
    write("a.yaml", "release: pike\nextends: [template]\n")
    write("b.yaml", "extends: c.yaml\n")
    write("c.yaml", "extends: b.yaml\n")
    write("d.yaml", "extends: e/d.yaml\n")
    write("e/d.yaml", "rule_directories:\n- .\n- ../f\n")
    write("f.yaml", 'extends: ""\n')
    for path, said in (
        ("a.yaml", "a.yaml:2:11: `template`: no such file, and no profile; did you mean `templates`?"),
        ("d.yaml", "e/d.yaml:3:3: `../f`: no such folder"),
        ("b.yaml", "`b.yaml`: extends itself, through `b.yaml`, `c.yaml`"),
        ("f.yaml", "f.yaml:1:10: ``: no such file, and no profile"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            load(path)
        assert str(caught.value) == said


def test_every_profile_is_a_configuration() -> None:
    assert {name: layer(text, name).file.select for name, text in PROFILES.items()} == {
        "templates": ("LW4", "LW9"),
        "controllers": ("LW1", "LW2", "LW3", "LW9"),
    }


def test_every_value_is_shown_with_the_place_that_it_comes_from() -> None:
    write("b.yaml", "release: newton\nignore: [LW1]\nrules: {LW404: {severity: note, params: {a: 1}}}\n")
    write(".lwlint.yaml", "extends: b.yaml\nrelease: pike\nignore:\n- LW2\nrules:\n  LW404: {severity: error}\nallow: []\n")
    assert [tuple(part.strip() for part in line.split("  # ")) for line in render_settings(load()).splitlines()] == [
        ("configuration: b.yaml", "paths count from ."),
        ("configuration: .lwlint.yaml", "paths count from ."),
        ("select: all rules", "default"),
        ("paths.include: all files that are lwlint's", "default"),
        ("paths.gitignore: true", "default"),
        ("allow: (empty)", ".lwlint.yaml:7:8"),
        ("extends: b.yaml", ".lwlint.yaml:1:10"),
        ("ignore[0]: LW1", "b.yaml:2:10"),
        ("ignore[0]: LW2", ".lwlint.yaml:4:3"),
        ("release: pike", ".lwlint.yaml:2:10"),
        ("rules.LW404.params.a: 1", "b.yaml:3:45"),
        ("rules.LW404.severity: error", ".lwlint.yaml:6:21"),
    ]


def test_a_position_is_that_of_the_value() -> None:
    one = layer(FULL, ".lwlint.yaml")
    assert [position(one, key) for key in (("ignore", 0), ("allow", 1), ("rules", "LW404", "params", "a"))] == [(3, 10), (10, 3), (5, 42)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "rules:\n  LW201: {severity: error}\n  unit-not-restarted: {severity: note}\n",
            ".lwlint.yaml:3:3: `unit-not-restarted`: is the rule `LW201`, of which `severity` is set already; write its settings together",
        ),
        ("rules:\n  <<: {LW201: {severity: note}}\n", ".lwlint.yaml:2:3: `<<`: keys are not merged here; write them out"),
    ],
)
def test_settings_of_which_some_would_be_lost_are_refused(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".lwlint.yaml").write_text(text)
    assert main(["check", "."]) == 2
    assert said in capsys.readouterr().err
