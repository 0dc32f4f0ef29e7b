"""Files that look like ours and belong to other tools, and trees in which there is nothing to judge."""

from __future__ import annotations

from pathlib import Path

import pytest

from lwlint.cli import main
from lwlint.core.kind import Kinds
from lwlint.inputs import KINDS

OTHERS = {
    "nova.conf": [
        "[DEFAULT]\n{% if debug %}\ndebug = true\n{% endif %}\n[database]\nconnection = mysql://{{ user }}@h/nova\n",
        "[database]\n{{#connection}}\nconnection = {{connection}}\n{{/connection}}\n",
        "[database]\n{{- if .Values.conf }}\nmax_retries = 3\n{{- end }}\n",
        "[database]\nmax_retries = {{ retries }}\n",
        "[database]\nmax_retries = <%= @retries %>\n",
        "<% if @database -%>\n[database]\nmax_retries = 3\n<% end -%>\n",
        "[<%= @section %>]\nmax_retries = 3\n",
        "apiVersion: v1\nkind: ConfigMap\ndata:\n  nova.conf: |\n    [database]\n    max_retries = 3\n",
    ],
    "openstack-nova-api.service": ["[Unit]\n{% if x %}\nRequires=mariadb.service\n{% endif %}\n[Service]\nExecStart=/usr/bin/nova-api\n"],
}
OURS = {
    "nova.conf": '[pci]\npassthrough_whitelist = {"devname": "x"}\n[database]\nmax_retries = -1\n',
    "a.service": "[Service]\nExecStart=/usr/bin/docker inspect -f '{{.State}}' x\n",
    "b.yaml": "heat_template_version: rocky\nresources:\n  a: {type: OS::Heat::None}\n",
}


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ('{"resource_registry": {"a": "b.yaml"}}', True),
        ('\ufeff# generated\n---\n{\n  "parameter_defaults": {}\n}\n', True),
        ("{nova::db::database_max_retries: 5}\n", True),
        ('"parameter_defaults":\n  a: b\n', True),
        ("'nova::db::database_max_retries': 5\n", True),
        ('{"a": {"b": "resource_registry"}}', False),
        ('{"apiVersion": "v1", "kind": "List"}', False),
        ("{% if a %}\nb: {c::d: 1}\n{% endif %}\n", False),
    ],
)
def test_yaml_in_braces_or_with_quoted_keys_is_known_by_its_keys_too(text: str, ours: bool) -> None:
    assert (Kinds(KINDS).of("a/b.yaml", text)[0] is not None) is ours


@pytest.mark.parametrize(("path", "text"), [(path, text) for path, texts in OTHERS.items() for text in texts])
def test_what_another_tool_has_yet_to_make_is_skipped_with_a_reason(path: str, text: str) -> None:
    kind, why = Kinds(KINDS).of(path, text, named=True)
    assert kind is None
    assert why.startswith("a ")


@pytest.mark.parametrize(("path", "text"), OURS.items())
def test_braces_in_a_value_make_no_template(path: str, text: str) -> None:
    assert Kinds(KINDS).of(path, text)[0] is not None


def test_a_link_of_a_unit_that_a_checkout_wrote_as_text_is_a_link(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("etc", "usr/lib"):
        (tmp_path / folder / "systemd/system").mkdir(parents=True)
    unit = "usr/lib/systemd/system/openstack-nova-api.service"
    (tmp_path / unit).write_text("[Service]\nExecStart=/usr/bin/nova-api\n")
    (tmp_path / "etc/systemd/system/openstack-nova-api.service").write_text(f"/{unit}")
    main(["check", "--no-config", "--no-cache", "--format", "csv", str(tmp_path)])
    out = capsys.readouterr().out
    assert "LW208" not in out
    assert "LW201" in out


@pytest.mark.parametrize(("words", "code"), [([], 2), (["--allow-empty"], 0), (["--hook"], 0)])
def test_a_tree_with_nothing_to_judge_ends_well_where_that_is_allowed(
    words: list[str], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "chart.yaml").write_text("apiVersion: v2\nname: x\n")
    assert main(["check", "--no-config", "--no-cache", *words, str(tmp_path)]) == code
    assert "nothing to judge" in capsys.readouterr().err


def test_files_of_no_known_program_pass_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".stestr.conf").write_text("[DEFAULT]\ntest_path = ./tests\n")
    main(["check", "--no-config", "--no-cache", "--select", "LW3", "-v", str(tmp_path)])
    assert "0 pass" in capsys.readouterr().out


@pytest.mark.parametrize("file", ["", "chart.yaml"])
def test_no_rule_passes_where_nothing_was_judged(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if file:
        (tmp_path / file).write_text("apiVersion: v2\nname: x\n")
    assert main(["check", "--no-config", "--no-cache", str(tmp_path)]) == 2
    assert any(line.startswith("0 pass, 0 fail, ") for line in capsys.readouterr().out.splitlines())
