"""What is said and mended of units, by where their files lie."""

from __future__ import annotations

from pathlib import Path

import pytest

import lwlint

UNIT = "[Service]\nExecStart=/usr/bin/nova-api\nRestart=always\n"


def write(root: Path, files: dict[str, str | dict[str, str]]) -> Path:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict):
            (root / path).symlink_to(content["link"])
        else:
            (root / path).write_text(content)
    return root


@pytest.mark.parametrize(
    ("path", "content", "commands", "remedy"),
    [
        ("etc/systemd/system", {"link": "/dev/null"}, ["systemctl unmask nova-api.service"], "Run `systemctl unmask UNIT`"),
        ("etc/systemd/system", "", ["systemctl unmask nova-api.service"], "Run `systemctl unmask UNIT`"),
        (
            "run/systemd/system",
            {"link": "/dev/null"},
            ["systemctl unmask --runtime nova-api.service"],
            "Run `systemctl unmask --runtime UNIT`",
        ),
        ("usr/lib/systemd/system", {"link": "/dev/null"}, [], "`systemctl unmask` takes nothing away that a package brought"),
        ("lib/systemd/system", "", [], "`systemctl unmask` takes nothing away that a package brought"),
    ],
)
def test_a_mask_is_taken_away_where_it_lies(
    path: str, content: str | dict[str, str], commands: list[str], remedy: str, tmp_path: Path
) -> None:
    (finding,) = lwlint.check(write(tmp_path, {f"{path}/nova-api.service": content}), select=["LW206"]).findings
    assert [command.line for command in finding.commands] == commands
    assert finding.remedy.startswith(remedy)
    assert "quadlet" not in finding.remedy


def test_the_remedy_of_a_hidden_quadlet_speaks_of_quadlets(tmp_path: Path) -> None:
    files: dict[str, str | dict[str, str]] = {"etc/containers/systemd/nova_api.container": {"link": "/dev/null"}}
    files["usr/share/containers/systemd/nova_api.container"] = "[Container]\nImage=registry.example/nova-api:1\n"
    (finding,) = lwlint.check(write(tmp_path, files), select=["LW206"]).findings
    assert (finding.remedy.startswith("Remove the link"), finding.commands) == (True, ())


@pytest.mark.parametrize(
    ("more", "outcome"),
    [("", "not evaluated"), ("NotifyAccess=main\n", "not evaluated"), ("NotifyAccess=all\n", "fail"), ("TimeoutStartSec=0\n", "pass")],
)
def test_what_a_script_of_debian_starts_may_be_under_uwsgi_unless_the_unit_says_otherwise(more: str, outcome: str, tmp_path: Path) -> None:
    unit = f"[Service]\nType=notify\nExecStart=/etc/init.d/glance-api systemd-start\nRestart=always\n{more}"
    report = lwlint.check(write(tmp_path, {"usr/lib/systemd/system/glance-api.service": unit}), select=["LW210"])
    (verdict,) = report.verdicts
    assert verdict.outcome == outcome
