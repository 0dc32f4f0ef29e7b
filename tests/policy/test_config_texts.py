"""The schema of the configuration, and what `lwlint init` writes."""

from __future__ import annotations

import configparser
import itertools
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from lwlint.cli import main
from lwlint.core.finding import ConfigurationError
from lwlint.inputs import KINDS
from lwlint.policy.settings import PROFILES, Settings, configure, layer, merge
from lwlint.report import FORMATS
from lwlint.report.json import schema
from lwlint.report.starters import SNIPPETS, Origin, snippet, starter
from lwlint.run import load_rules
from tests.policy.test_config import FULL
from tests.shared import HERE

SCHEMA = json.loads(schema())
ORIGIN = Origin("https://git.example.org/lwlint", "1f2e3d4")


class _Texts(yaml.SafeLoader):
    """YAML as JSON has it: a date is text."""


_Texts.yaml_implicit_resolvers = {
    first: [resolver for resolver in resolvers if "timestamp" not in resolver[0]]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def fits_the_schema(text: str) -> bool:
    return Draft202012Validator(SCHEMA).is_valid(yaml.load(text, _Texts))


def loads(text: str) -> bool:
    try:
        layer(text, ".lwlint.yaml")
    except ConfigurationError:
        return False
    return True


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


NOT_SAID = (
    "release: null",
    "paths: null",
    "rules: {LW1: {severity: null}}",
    "allow: [{rule: a, because: b, path: c, fact: null, until: null}]",
    "overrides: [{paths: [a], ignore: [b], severity: {}}]",
)


@pytest.mark.parametrize(
    "text", [FULL, "{}", "extends: a", "extends: [a, b]", "rules: {LW1: {params: {a: [1, {b: c}]}}}", *PROFILES.values(), *NOT_SAID]
)
def test_what_loads_fits_the_schema(text: str) -> None:
    assert (loads(text), fits_the_schema(text)) == (True, True)


@pytest.mark.parametrize(
    "text",
    [
        *("relaese: newton", "release: newtown", "release: [newton]", "select: LW1", "select: [1]", "extends: {a: b}", "paths: {a: b}"),
        *(
            "paths: {gitignore: 'true'}",
            "rules: {LW1: {severity: fatal}}",
            "rules: {LW1: error}",
            "rules: [LW1]",
            "allow: [{rule: a, path: b}]",
        ),
        *("allow: [{rule: a, path: b, because: ''}]", "allow: [{rule: a, path: b, because: c, untill: 2030-01-01}]", "allow: {}"),
        *("allow: [{rule: a, because: c}]", "overrides: [{paths: [a]}]"),
        *("allow: [{rule: a, because: c, path: null}]", "overrides: [{paths: [a], ignore: [], severity: {}}]"),
        *("overrides: [{paths: [], ignore: [a]}]", "overrides: [{ignore: [a]}]", "overrides: [{paths: [a], severity: {b: c}}]", "- a"),
    ],
)
def test_what_does_not_load_does_not_fit_the_schema(text: str) -> None:
    assert (loads(text), fits_the_schema(text)) == (False, False)


def test_every_key_of_the_schema_is_described() -> None:
    bare = []

    def look(part: dict[str, Any], trail: str) -> None:
        for name, below in part.get("properties", {}).items():
            if not below.get("description"):
                bare.append(f"{trail}.{name}")
            look(below, f"{trail}.{name}")
            for inside in (below.get("items"), below.get("additionalProperties")):
                if isinstance(inside, dict):
                    look(inside, f"{trail}.{name}")

    look(SCHEMA, "")
    for name, part in SCHEMA["$defs"].items():
        look(part, name)
    assert bare == []


def test_the_starter_sets_nothing_and_loads_with_all_its_examples() -> None:
    as_written = merge([layer(starter(), ".lwlint.yaml")])
    assert as_written == Settings(layers=as_written.layers)
    tried = layer("\n".join(line.removeprefix("#:") for line in starter().splitlines()), ".lwlint.yaml")
    assert set(tried.plain) == set(SCHEMA["properties"])
    rules = load_rules()
    assert configure(rules, merge([tried])) != rules


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_snippet_is_well_formed_and_names_formats_that_there_are(name: str) -> None:
    text = snippet(name, ORIGIN)
    if name == "tox":
        parsed = configparser.ConfigParser()
        parsed.read_string(text)
        assert parsed.sections() == ["testenv:lwlint"]
    else:
        assert yaml.safe_load(text)
    words = text.replace("=", " ").split()
    assert [b for a, b in itertools.pairwise(words) if a == "--format" and b not in FORMATS] == []


def test_the_hook_of_the_snippet_is_one_of_the_project() -> None:
    hooks = [hook["id"] for hook in yaml.safe_load((HERE / ".pre-commit-hooks.yaml").read_text("utf-8"))]
    assert [hook["id"] for hook in yaml.safe_load(snippet("pre-commit", ORIGIN))["repos"][0]["hooks"] if hook["id"] not in hooks] == []


def test_the_schema_in_the_documentation_is_current() -> None:
    assert (HERE / "docs" / "config.schema.json").read_text("utf-8") == schema()


def test_a_file_of_comments_alone_keeps_to_the_schema() -> None:
    assert [fits_the_schema(text) for text in (starter(), "", "[]\n", "x\n")] == [True, True, False, False]


def test_the_example_of_the_documentation_loads_and_its_rules_exist() -> None:
    text = (HERE / "docs" / "configuration.md").read_text("utf-8").partition("```yaml\n")[2].partition("```")[0]
    one = layer(text, ".lwlint.yaml")
    assert set(one.plain) == set(SCHEMA["properties"])
    assert configure(load_rules(), merge([one])) != []


HOOKS = yaml.safe_load((HERE / ".pre-commit-hooks.yaml").read_text("utf-8"))


def test_the_hooks_are_given_no_names_and_always_run() -> None:
    told = [(hook["pass_filenames"], hook["always_run"], set(hook) & {"files", "types", "types_or", "exclude"}) for hook in HOOKS]
    assert told == [(False, True, set())] * 3, "a template that is removed is given to no hook by its name"


def test_no_file_of_any_kind_is_kept_from_the_hooks() -> None:
    chance = random.Random(8)
    folders = (
        "",
        "etc/systemd/system/",
        "usr/lib/systemd/system/a.service.d/",
        "service.d/",
        "conf.d/",
        "etc/nova/nova.conf.d/",
        "a b/",
        "cib/",
    )
    names = ("a", "nova", "cib", "my-cib", "cib.xml", "keystone", "system", "a@", "x.y")
    suffixes = (
        "",
        ".ini",
        ".conf",
        ".timer",
        ".socket",
        ".service",
        ".template",
        ".env",
        ".yaml",
        ".yml",
        ".pp",
        ".xml",
        ".xml.live",
        ".path",
    )
    suffixes += (".mount", ".target", ".j2.yaml", ".txt", ".md", ".py", ".d", ".confx", ".yamlx", ".slice", ".swap", ".scope", ".automount")
    paths = {f"{chance.choice(folders)}{chance.choice(names)}{chance.choice(suffixes)}" for _ in range(3000)}
    passed = {path for path in paths if re.search(KINDS.hook, path)}
    assert {path for path in paths if KINDS.may_hold(path)} == passed
    assert len(passed) > 200 < len(paths - passed)


def test_a_hook_passes_over_what_only_naming_it_would_make_an_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pytest.ini").write_text("no section\n")
    (tmp_path / "nova.ini").write_text("[database]\nconnection = mysql://a\nmax_retries = 3\n")
    assert main(["check", "--no-config", "--no-cache", "--hook", "pytest.ini"]) == 0
    assert "nothing to judge: 1 file skipped" in capsys.readouterr().err
    assert main(["check", "--no-config", "--no-cache", "--hook", "pytest.ini", "nova.ini"]) == 1
    assert main(["check", "--no-config", "--no-cache", "pytest.ini"]) == 1
