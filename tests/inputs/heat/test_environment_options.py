"""What `-e` may name: a file, whatever it is called, that is an environment of Heat's."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path
from urllib.parse import urljoin

import pytest

from lwlint.cli import main
from lwlint.core.source import Source
from lwlint.inputs.heat.outline import Outline, Parameters, outline
from tests.inputs.heat.heat_findings import findings, template

MAPPING = "OS::TripleO::Services::NovaApi: x.yaml"
ENVIRONMENT = f"resource_registry:\n  {MAPPING}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of a test, with an environment in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "env.yaml").write_text(ENVIRONMENT)
    return tmp_path


def test_an_environment_that_is_no_file_ends_with_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("nowhere")
    said = {
        "gone.yaml": "`gone.yaml`: no such file or folder",
        "folder": "`folder`: is a folder, no file",
        "pipe": "`pipe`: is not a regular file (a pipe, socket or device); it is not opened",
        "link": "`link`: link leads nowhere",
    }
    for name, message in said.items():
        for command in (["check"], ["facts"], ["plan", "--templates"]):
            assert main([*command, "env.yaml", "-e", "env.yaml", "-e", name]) == 2, (command, name)
            assert f"lwlint: {message}" in capsys.readouterr().err


def test_an_environment_is_found_however_its_path_is_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for written in ("env.yaml", "./env.yaml", ".//env.yaml", f"../{folder.name}/env.yaml", str(folder / "env.yaml")):
        assert main(["check", "--no-cache", "env.yaml", "-e", written, "--select", "LW901,LW414"]) == 0, written
        assert "defect" not in capsys.readouterr().err


def test_an_environment_that_the_configuration_leaves_out_still_counts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / ".lwlint.yaml").write_text("paths: {exclude: [env.yaml]}\n")
    (folder / "other.yaml").write_text("resource_registry: {}\n")
    assert main(["check", "--no-cache", "other.yaml", "-e", "env.yaml", "--select", "LW901"]) == 0
    assert "defect" not in capsys.readouterr().err


def test_what_an_option_names_as_an_environment_is_one_whatever_it_is_called() -> None:
    service = template("a: b") + "      step_config: |\n        include ::tripleo::profile::pacemaker::nova::api\n"
    for name in ("env.yaml", "env", "env.txt", "site.conf"):
        assert findings({name: ENVIRONMENT, "x.yaml": service}, "LW401", environments=(name,)) == [f"LW401 {name}:2"]


def test_an_environment_that_cannot_be_read_is_told_in_its_place(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bytes").write_bytes(b"parameters:\n  a: \xff\n")
    assert main(["check", "--no-cache", "env.yaml", "-e", "bytes", "--select", "LW901"]) == 1
    assert "bytes: byte 0xff is no UTF-8" in capsys.readouterr().out


def test_what_heat_refuses_as_an_environment_is_told() -> None:
    refused = {
        "a.yaml": "heat_template_version: pike\nresources: {}\n",
        "b.yaml": "# no section\nnovalue: 1\n",
        "c.yaml": "- name: Controller\n  ServicesDefault: []\n",
        "d.yaml": "text\n",
    }
    lines = {"a.yaml": 1, "b.yaml": 2, "c.yaml": 1, "d.yaml": 1}
    for name, text in refused.items():
        assert findings({name: text}, "LW901", environments=(name,)) == [f"LW901 {name}:{lines[name]}"]
        assert findings({name: text, "e.yaml": "parameters: {}\n"}, "LW901", environments=("e.yaml",)) == []  # it is not given as one


def test_an_empty_file_is_an_environment_without_anything() -> None:
    for text in ("", "---\n", "# nothing\n", "{}\n"):
        assert findings({"e.yaml": text}, "LW901", environments=("e.yaml",)) == []


def test_a_folder_for_the_cache_that_is_a_file_ends_with_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "env.yaml", "--cache-dir", "env.yaml"]) == 2
    assert "`--cache-dir env.yaml`: is no folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("parameter_defaults: {A: 1}\n", []),
        ("parameter_defaults: {A: 1}\nparameter_default: {B: 1}\n", ["LW901 e.yaml:2"]),
        ("event_sinks: []\nencrypted_param_names: []\nparameter_merge_strategies: {}\nparameters: {}\nresource_registry: {}\n", []),
        ("<<: {parameters: {A: 1}, name: x}\nparameter_defaults: {}\n", ["LW901 e.yaml:1"]),
    ],
)
def test_a_section_that_heat_does_not_know_is_refused(text: str, found: list[str]) -> None:
    assert findings({"e.yaml": text}, "LW901", environments=("e.yaml",)) == found
    assert findings({"e.yaml": text}, "LW901") == []  # by itself it may be something else


RETRIES = "cinder::db::database_max_retries"
PLAN = "version: 1.0\nname: overcloud\ntemplate: overcloud.yaml\nenvironments:\n%s"


def overriding(value: int) -> str:
    return f"parameter_defaults:\n  ControllerExtraConfig:\n    {RETRIES}: {value}\n"


def of_plan(named: str, own: str = "", *more: str) -> list[str]:
    """What is found on cinder's retries with a plan, which names environments by letters, in its tree."""
    entries = "".join(f"  - path: {name}.yaml\n" for name in named)
    files = {
        "tree/overcloud-resource-registry-puppet.j2.yaml": "resource_registry: {}\n",
        "tree/plans/plan-environment.yaml": PLAN % entries + own,
        "tree/cinder-api.yaml": template("cinder::database_connection: mysql://x"),
        "tree/u.yaml": overriding(-1),
        "tree/f.j2.yaml": overriding(10),
    }
    return findings(files, "LW404", environments=("tree/plans/plan-environment.yaml", *more), paths=("tree/cinder-api.yaml",))


@pytest.mark.parametrize(
    ("named", "own", "more", "lacks"),
    [
        ("u", "", (), False),
        ("f", "", (), True),
        ("fu", "", (), False),
        ("uf", "", (), True),
        ("uf", overriding(-1), (), False),  # its own parameters come last
        ("fu", overriding(20), (), True),
        ("u", "", ("tree/f.j2.yaml",), True),
        ("", overriding(-1), (), False),
    ],
)
def test_the_environments_of_a_plan_count_in_their_order(named: str, own: str, more: tuple[str, ...], lacks: bool) -> None:
    assert of_plan(named, own, *more) == ["LW404 tree/cinder-api.yaml:6"] * lacks


def test_a_plan_is_read_again_when_an_environment_of_it_changes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "cinder-api.yaml").write_text(template("cinder::database_connection: mysql://x"))
    (folder / "overcloud-resource-registry-puppet.yaml").write_text("resource_registry: {}\n")
    (folder / "plan.yaml").write_text(PLAN % "  - path: u.yaml\n")
    for value, code in ((-1, 0), (10, 1), (-1, 0), (10, 1)):
        (folder / "u.yaml").write_text(overriding(value))
        arguments = ["check", "cinder-api.yaml", "-e", "plan.yaml", "--select", "LW404", "--cache-dir", str(folder / "kept")]
        assert main(arguments) == code, value
        capsys.readouterr()


BASES = ("file:///a/b", "file:///a/b/", "file:///", "http://h/x", "http://h/x/", "https://h")
TARGETS = (
    "c.yaml",
    "./c.yaml",
    "../c.yaml",
    "../../../c.yaml",
    "/z/c.yaml",
    "d/../c.yaml",
    "OS::Heat::None",
    "http://o/c.yaml",
    "d/e/c.yaml",
)


@pytest.mark.parametrize(("base", "target"), list(product(BASES, TARGETS)))
def test_templates_are_below_the_base_of_their_registry(base: str, target: str) -> None:
    """As heatclient joins them, which takes the base for a folder in any case."""
    joined = target if "::" in target else urljoin(base if base.endswith("/") else f"{base}/", target)
    expected = joined.removeprefix("file://")
    document = (
        f"resource_registry:\n  base_url: {base}\n  OS::TripleO::A: '{target}'\n  resources:\n    one:\n      OS::TripleO::A: '{target}'\n"
    )
    found = outline(Source("e.yaml", document, "heat"), Parameters())
    assert isinstance(found, Outline)
    assert [line.target for line in found.registry] == [expected, expected]


def test_a_resource_has_a_base_of_its_own() -> None:
    one = "{base_url: file:///b, 'OS::TripleO::A': c.yaml, hooks: pre-create}"
    text = f"resource_registry:\n  base_url: file:///a\n  resources:\n    one: {one}\n"
    found = outline(Source("e.yaml", text, "heat"), Parameters())
    assert isinstance(found, Outline)
    assert [line.target for line in found.registry] == ["/b/c.yaml"]


@pytest.mark.parametrize(
    ("base", "found"),
    [
        ("http://templates.example.com/", []),
        ("''", ["LW409 e/env.yaml:3"]),
        ("file:///usr/share/openstack-tripleo-heat-templates/", ["LW409 e/env.yaml:3"]),
    ],
)
def test_what_is_below_a_base_elsewhere_is_not_looked_for_beside_the_environment(base: str, found: list[str]) -> None:
    files = {
        "overcloud-resource-registry-puppet.yaml": "resource_registry: {}\n",
        "e/env.yaml": f"resource_registry:\n  base_url: {base}\n  {MAPPING}\n",
    }
    assert findings(files, "LW409") == found
