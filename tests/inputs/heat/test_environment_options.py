"""What `-e` may name: a file, whatever it is called, that is an environment of Heat's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lwlint.cli import main
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
