"""`lwlint plan` from end to end: what it is given, what it prints, and with which exit code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from lwlint.cli import main
from tests.audit.operate.clusters import cib as cib_of
from tests.audit.operate.clusters import full_ha, ocf, pacemaker_is_here
from tests.shared import HERE

Capsys = pytest.CaptureFixture[str]
MITAKA = HERE / "fixtures/sos/mitaka-full"
UNIT = "[Service]\nExecStart=/usr/bin/x\nRestart=always\nStartLimitInterval=0\n[Install]\nWantedBy=multi-user.target\n"


def foreign() -> str:
    """A cluster in which no service of OpenStack is known."""
    return cib_of((ocf("database", "pgsql"),))


def planned(capsys: Capsys, *arguments: str, code: int = 0) -> Any:
    assert main(["plan", "--at-once", "--format", "json", *arguments]) == code
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def cib(tmp_path: Path) -> Path:
    pacemaker_is_here()
    path = tmp_path / "cib.xml"
    path.write_text(full_ha())
    return path


@pytest.mark.parametrize("form", ["text", "html"])
def test_a_plan_that_is_read_says_what_its_commands_on_a_copy_are_for(form: str, cib: Path, capsys: Capsys) -> None:
    assert main(["plan", "--at-once", "--format", form, str(cib)]) == 0
    shown = re.sub("<[^>]*>", "", capsys.readouterr().out)
    assert shown.count("change a copy of the CIB; a step pushes all of them as one change") == 1
    cib.write_text(full_ha(properties={"maintenance-mode": "true"}))
    assert main(["plan", "--at-once", "--format", form, str(cib)]) == 1
    assert "change a copy" not in capsys.readouterr().out


def test_json_is_what_its_schema_says(cib: Path, capsys: Capsys) -> None:
    plain = planned(capsys, str(cib))
    Draft202012Validator(json.loads((HERE / "docs/plan.schema.json").read_text())).validate(plain)
    assert (plain["refusals"], len(plain["leaving"]), plain["nodes"]) == ([], 10, ["one", "two", "three"])
    assert {step["effect"] for step in plain["steps"]} == {"none"}


def test_text_says_what_each_step_is_and_what_it_comes_to(cib: Path, capsys: Capsys) -> None:
    assert main(["plan", "--at-once", str(cib)]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^02 all services: 10 resources, 16 constraints\n   once in the cluster; effect: none$", out, re.M)
    assert out.splitlines()[-1] == "4 steps, 10 resources leave Pacemaker, 7 stay; nothing is stopped, demoted or moved"


def test_a_page_holds_every_step_and_loads_nothing(cib: Path, capsys: Capsys) -> None:
    named = cib.rename(cib.with_name("<b>.xml"))
    assert main(["plan", "--at-once", "--format", "html", str(named)]) == 0
    page = capsys.readouterr().out
    assert "<h2>02 all services: " in page
    assert "&lt;b&gt;.xml" in page
    assert "<b>" not in page
    assert not re.search(r"""(?:src|href)=|@import|url\(""", page)


class Unsafe(yaml.SafeLoader):
    """YAML with Ansible's tag for text that is no template."""


Unsafe.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


@pytest.mark.parametrize("how", ["--at-once", "--by-service"])
def test_a_playbook_holds_the_very_script_and_ansible_lint_accepts_it(how: str, cib: Path, tmp_path: Path, capsys: Capsys) -> None:
    assert main(["plan", how, "--format", "sh", str(cib)]) == 0
    script = capsys.readouterr().out
    assert main(["plan", how, "--format", "ansible", str(cib)]) == 0
    playbook = tmp_path / "playbook" / "plan.yaml"
    playbook.parent.mkdir()
    playbook.write_text(capsys.readouterr().out)
    (play,) = yaml.load(playbook.read_text(), Loader=Unsafe)
    assert play["vars"]["lwlint_script"] == script
    assert play["hosts"] == "{{ lwlint_node | default('one') }}"
    program = Path(sys.executable).with_name("ansible-lint")
    if not program.exists():
        pytest.skip("NOT CHECKED BY ANSIBLE-LINT: it is not installed (pip: ansible-lint)")
    environment = {**os.environ, "HOME": str(tmp_path), "PATH": f"{program.parent}:{os.environ['PATH']}"}
    command = [str(program), "--offline", "--nocolor", "--profile", "production", playbook.name]
    ran = subprocess.run(command, cwd=playbook.parent, capture_output=True, text=True, env=environment, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_what_is_refused_exits_with_1_in_every_form(cib: Path, capsys: Capsys) -> None:
    cib.write_text(full_ha(properties={"maintenance-mode": "true"}))
    assert main(["plan", "--at-once", str(cib)]) == 1
    assert "refused (1), no step to take" in capsys.readouterr().out
    assert main(["plan", "--at-once", str(cib), "--format", "sh"]) == 1
    assert "exit 1" in capsys.readouterr().out
    assert main(["plan", "--at-once", str(cib), "--format", "ansible"]) == 1
    assert re.fullmatch(r"---\n(# refused: .*\n)+\[\]\n", capsys.readouterr().out)
    assert [one["first"] for one in planned(capsys, str(cib), code=1)["refusals"]] == ["pcs property set maintenance-mode=false"]


def test_a_cib_in_which_nothing_can_be_judged_is_refused_and_not_called_done(cib: Path, capsys: Capsys) -> None:
    cib.write_text(foreign())
    assert main(["plan", str(cib)]) == 1
    out = capsys.readouterr().out
    assert "is not evaluated" in out
    assert "Nothing is to be done" not in out


def test_a_target_with_nothing_in_it_is_told(cib: Path, tmp_path: Path, capsys: Capsys) -> None:
    junk = tmp_path / "junk.tar.gz"
    junk.write_bytes(b"no archive")
    assert main(["plan", str(cib), str(junk)]) == 2
    assert f"`{junk}`: nothing to judge in it" in capsys.readouterr().err.replace("../", "")


def test_a_secret_of_the_cib_is_in_no_form(cib: Path, capsys: Capsys) -> None:
    secret = "sHq7Zk2pX9"
    attributes = f'<instance_attributes id="a"><nvpair id="a-1" name="password" value="{secret}"/></instance_attributes>'
    text = full_ha().replace('<primitive id="openstack-core" ', '<primitive id="openstack-core" ')
    cib.write_text(re.sub(r'(<primitive id="openstack-core"[^>]*>)', rf"\1{attributes}", text))
    assert secret in cib.read_text()
    for form in ("text", "json", "sh"):
        assert main(["plan", "--at-once", str(cib), "--format", form]) == 0
        assert secret not in capsys.readouterr().out


def test_retries_and_restarts_of_the_hosts_come_first_as_they_will_be_needed(capsys: Capsys) -> None:
    """Units that Pacemaker runs today need their own restart when they are systemd's."""
    pacemaker_is_here()
    steps = planned(capsys, str(MITAKA))["steps"]
    assert [step["where"] for step in steps] == [*(f"full-controller-{n}" for n in range(3)), "cluster", "cluster", "each", "cluster"]
    first = steps[0]["commands"]
    assert "crudini --set /etc/nova/nova.conf api_database max_retries -1" in first
    assert "crudini --set /etc/systemd/system/neutron-server.service.d/50-lwlint.conf Service Restart always" in first
    assert first[-1] == "systemctl daemon-reload"
    assert not any(word in line for line in first for word in (">>", " start ", " restart ", " enable "))


def test_a_unit_that_a_host_does_not_have_refuses_the_plan(tmp_path: Path, cib: Path, capsys: Capsys) -> None:
    unit = tmp_path / "root/etc/systemd/system/openstack-nova-api.service"
    unit.parent.mkdir(parents=True)
    unit.symlink_to("/dev/null")
    for path, text in (("etc/hostname", "one\n"), ("var/lib/pacemaker/cib/cib.xml", cib.read_text())):
        (tmp_path / "root" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / path).write_text(text)
    refusals = planned(capsys, "--root", str(tmp_path / "root"), code=1)["refusals"]
    assert [(one["about"], one["first"]) for one in refusals] == [
        ("openstack-nova-api.service on one", "systemctl unmask openstack-nova-api.service")
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to plan for"),
        (["--keep", "nova", "{cib}"], "`--keep nova`: there is no such resource"),
        (["--run", "{cib}"], "`--run` goes with `--live`"),
        (["{folder}"], "no CIB is in what was given"),
        (["{cut}"], "the CIB cannot be read: `cut.xml:cib.xml`: XML is cut off: the file ends inside `<configuration>`\n"),
        (["--release", "mitakka", "{cib}"], "`mitakka`: unknown release; did you mean `mitaka`?"),
    ],
)
def test_what_cannot_be_planned_from_is_told(arguments: list[str], said: str, tmp_path: Path, cib: Path, capsys: Capsys) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    cut = tmp_path / "cut.xml"
    cut.write_text("<cib><configuration>", "utf-8")
    assert main(["plan", *(each.format(cib=cib, folder=folder, cut=cut) for each in arguments)]) == 2
    assert said in capsys.readouterr().err


def test_two_clusters_have_no_plan_together(capsys: Capsys) -> None:
    pacemaker_is_here()
    assert main(["plan", str(HERE / "fixtures/sos")]) == 2
    assert "5 clusters are in what was given" in capsys.readouterr().err


def test_without_pacemaker_its_package_is_named(cib: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lwlint.audit.operate.simulation.Pacemaker.__init__.__defaults__", ((str(cib.parent),), 1.0))
    assert main(["plan", str(cib)]) == 2
    assert "the package `pacemaker-cli-utils` (Debian) or `pacemaker-cli` (RPM) has it" in capsys.readouterr().err
