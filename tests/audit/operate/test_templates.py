"""The plan for templates: one more environment, with which `lwlint check` finds no more what the environment says it mends."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from lwlint.audit.operate.templates import as_mapping, plan_for_templates
from lwlint.cli import main
from lwlint.report.plan import environment
from lwlint.run import Request, load_rules
from tests.report.report_sample import assert_golden
from tests.shared import HERE, shared

Capsys = pytest.CaptureFixture[str]
LIGHT = HERE / "fixtures/lightweight/templates"
HA = "environments/puppet-pacemaker.yaml"
TREES = {  # of the corpus, each with the environments of a deployment of full HA
    "newton-before": ((HA,), 47),
    "newton-after": ((HA,), 4),
    "pike": (("environments/docker.yaml", "environments/docker-ha.yaml"), 12),
}
UNDER_PACEMAKER = """heat_template_version: 2016-10-14
outputs:
  role_data:
    value:
      service_name: nova_api
      step_config: |
        include ::tripleo::profile::pacemaker::nova::api
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree that conforms, in the current folder, with a template that puts nova-api under Pacemaker."""
    top = tmp_path / "tree"
    shutil.copytree(LIGHT, top)
    (top / "puppet/services/pacemaker/nova-api.yaml").write_text(UNDER_PACEMAKER)
    monkeypatch.chdir(top)
    return top


def given(environments: tuple[str, ...]) -> list[str]:
    return [word for name in environments for word in ("-e", name)]


def planned(capsys: Capsys, *environments: str, code: int = 1, more: tuple[str, ...] = ()) -> Any:
    assert main(["plan", "--templates", "--format", "json", *more, *given(environments)]) == code
    return json.loads(capsys.readouterr().out)


def found(capsys: Capsys, *environments: str) -> set[tuple[str, str, int, str]]:
    main(["check", ".", "--no-cache", "--format", "json", *given(environments)])
    report = json.loads(capsys.readouterr().out)
    return {(one["code"], one["path"], one["line"], one["message"]) for one in report["findings"] if one["severity"] != "note"}


def key(one: Any) -> tuple[str, str, int, str]:
    return one["code"], one["path"], one["line"], one["message"]


@pytest.mark.parametrize("name", TREES)
def test_a_tree_with_the_environment_as_its_last_is_clean_of_what_it_mends(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capsys
) -> None:
    environments, count = TREES[name]
    monkeypatch.chdir(shared(f"corpus/tht/{name}"))
    out = tmp_path / "out.yaml"
    plan = planned(capsys, *environments, more=("-o", str(out)))
    assert len(plan["lines"]) == count
    before, after = found(capsys, *environments), found(capsys, *environments, str(out))
    mended = {key(one) for line in plan["lines"] for one in line["mends"]}
    assert mended
    assert mended <= before
    assert after == before - mended  # and nothing is new
    assert {key(one) for one in plan["left"]} == after
    assert [one for one in plan["left"] if one["new"]] == []
    again = planned(capsys, *environments, str(out))
    assert again["lines"] == []
    assert {key(one) for one in again["left"]} == after


@pytest.mark.parametrize("name", ["newton-before"])
def test_the_environment_of_a_whole_tree_is_the_golden_one(name: str, monkeypatch: pytest.MonkeyPatch, capsys: Capsys) -> None:
    monkeypatch.chdir(shared(f"corpus/tht/{name}"))
    assert main(["plan", "--templates", *given(TREES[name][0])]) == 1
    assert_golden(re.sub(r"by lwlint [\d.]+", "by lwlint VERSION", capsys.readouterr().out), f"plan/{name}.yaml")


def test_what_is_mended_is_mapped_to_where_it_was_and_set_where_it_is_set_wrongly(tree: Path, capsys: Capsys) -> None:
    Path("full.yaml").write_text(
        "resource_registry:\n"
        "  OS::TripleO::Services::NovaApi: puppet/services/pacemaker/nova-api.yaml\n"
        "  OS::TripleO::Services::MySQL: puppet/services/database/mysql.yaml\n"
        "parameter_defaults:\n"
        '  ControllerExtraConfig: {"keystone::db::database_max_retries": 20, "x::password": sHq7Zk2pX9}\n'
    )
    Path("deep").mkdir()
    assert main(["plan", "--templates", *given((HA, "full.yaml")), "-o", "deep/light.yaml"]) == 1  # the template is to be deleted
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "3 lines fix 3 findings; 1 finding left to fix by hand"
    text = Path("deep/light.yaml").read_text()
    assert "sHq7Zk2pX9" not in out + text
    assert yaml.safe_load(text) == {
        "resource_registry": {
            "OS::TripleO::Services::NovaApi": "../puppet/services/nova-api.yaml",
            "OS::TripleO::Services::MySQL": "../puppet/services/pacemaker/database/mysql.yaml",
        },
        "parameter_defaults": {"ControllerExtraConfig": {"keystone::db::database_max_retries": -1}},
    }
    assert "  # LW402 full.yaml:3\n" in text
    assert re.search(r"^# LW403 .*: Delete the template", text, re.M)
    assert re.search(r"^#   puppet/services/pacemaker/nova-api\.yaml:1:1 ", text, re.M)
    Path("puppet/services/pacemaker/nova-api.yaml").write_text(UNDER_PACEMAKER.replace("pacemaker::nova", "base::nova"))
    assert {code for code, *_ in found(capsys, HA, "full.yaml", "deep/light.yaml")} <= {"LW403"}


def test_what_an_earlier_environment_mapped_comes_before_the_base(tree: Path, capsys: Capsys) -> None:
    shutil.copy("puppet/services/nova-api.yaml", "puppet/services/nova-api-mine.yaml")
    Path("mine.yaml").write_text("resource_registry:\n  OS::TripleO::Services::NovaApi: puppet/services/nova-api-mine.yaml\n")
    Path("full.yaml").write_text("resource_registry:\n  OS::TripleO::Services::NovaApi: puppet/services/pacemaker/nova-api.yaml\n")
    (line,) = planned(capsys, HA, "mine.yaml", "full.yaml")["lines"]
    assert line["value"] == "puppet/services/nova-api-mine.yaml"


def test_keepalived_beside_pacemaker_is_not_deployed(tree: Path, capsys: Capsys) -> None:
    Path("puppet/services/keepalived.yaml").write_text("heat_template_version: 2016-10-14\n")
    Path("full.yaml").write_text("resource_registry:\n  OS::TripleO::Services::Keepalived: puppet/services/keepalived.yaml\n")
    plan = planned(capsys, HA, "full.yaml")
    assert [(line["name"], line["value"]) for line in plan["lines"]] == [("OS::TripleO::Services::Keepalived", "OS::Heat::None")]
    assert {one["code"] for line in plan["lines"] for one in line["mends"]} == {"LW413"}


def test_a_service_without_another_template_is_never_taken_out_of_the_cloud(tree: Path, capsys: Capsys) -> None:
    registry = Path("overcloud-resource-registry-puppet.yaml")
    registry.write_text(re.sub(r"  OS::TripleO::Services::NovaApi:.*\n", "", registry.read_text()))
    Path("puppet/services/nova-api.yaml").unlink()
    Path("full.yaml").write_text("resource_registry:\n  OS::TripleO::Services::NovaApi: puppet/services/pacemaker/nova-api.yaml\n")
    plan = planned(capsys, HA, "full.yaml")
    assert plan["lines"] == []
    (left,) = [one for one in plan["left"] if one["code"] == "LW401"]
    assert (left["path"], left["line"]) == ("full.yaml", 2)
    assert left["remedy"].startswith("Remove the line")


def test_a_hub_without_a_process_ends_with_the_cluster(capsys: Capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE / "fixtures/full-pacemaker/templates")
    plan = planned(capsys, HA)
    assert {(line["name"], line["value"]) for line in plan["lines"]} == {
        ("OS::TripleO::Services::Core", "OS::Heat::None"),
        ("aodh::db::database_max_retries", "-1"),  # of a manifest, which has it from the nodes' hieradata
    }


def test_the_option_of_a_resource_is_not_written_over_others_of_it(tree: Path, capsys: Capsys) -> None:
    base = Path("puppet/services/nova-base.yaml")
    kept = base.read_text()
    bare = re.sub(r" *nova::config::nova_config:\n *api_database/max_retries:[^\n]*\n", "", kept)
    assert bare != kept
    base.write_text(bare)
    lines = [line for line in planned(capsys, HA)["lines"] if line["option"]]
    assert [(line["name"], line["option"]) for line in lines] == [("nova::config::nova_config", "api_database/max_retries")]
    place = re.search(r"^( *)nova::api_database_connection", bare, re.M)
    assert place is not None
    base.write_text(bare.replace(place[0], f"{place[1]}nova::config::nova_config: {{'DEFAULT/x': {{value: 1}}}}\n{place[0]}"))
    plan = planned(capsys, HA)
    assert [line for line in plan["lines"] if line["option"]] == []
    assert "LW405" in {one["code"] for one in plan["left"]}


def test_a_deployment_that_conforms_needs_nothing(capsys: Capsys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(LIGHT)
    assert main(["plan", "--templates", "-e", HA, "-o", str(tmp_path / "out.yaml")]) == 0
    assert capsys.readouterr().out.startswith("Nothing to change: ")
    assert yaml.safe_load((tmp_path / "out.yaml").read_text()) == {"parameter_defaults": {}}


def test_json_is_what_its_schema_says(tree: Path, capsys: Capsys) -> None:
    Path("full.yaml").write_text("resource_registry:\n  OS::TripleO::Services::NovaApi: puppet/services/pacemaker/nova-api.yaml\n")
    plan = planned(capsys, HA, "full.yaml")
    Draft202012Validator(json.loads((HERE / "docs/plan-templates.schema.json").read_text())).validate(plan)
    assert (plan["environments"], plan["path"]) == ([HA, "full.yaml"], "lightweight.yaml")
    assert yaml.safe_load(plan["file"])["resource_registry"] == {line["name"]: line["value"] for line in plan["lines"]}


def test_the_file_says_what_the_lines_say(tree: Path) -> None:
    Path("full.yaml").write_text("resource_registry:\n  OS::TripleO::Services::NovaApi: puppet/services/pacemaker/nova-api.yaml\n")
    request = Request(paths=(".",), environments=(HA, "full.yaml"))
    plan = plan_for_templates(request, "light.yaml", load_rules(examples=False), environment)
    assert yaml.safe_load(environment(plan.lines, plan.environments, plan)) == as_mapping(plan.lines)


@pytest.mark.parametrize("text", ["resource_registry: [\n", "resource_registry: {a: b\n"])
def test_an_environment_that_cannot_be_read_is_left_to_be_mended_and_nothing_is_called_done(text: str, tree: Path, capsys: Capsys) -> None:
    Path("broken.yaml").write_text(text)
    plan = planned(capsys, HA, "broken.yaml")
    assert [(one["code"], one["path"]) for one in plan["left"] if one["code"] != "LW403"] == [("LW901", "broken.yaml")]
    assert main(["plan", "--templates", *given((HA, "broken.yaml"))]) == 1
    assert "Nothing to change" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--templates"], "a plan for templates needs the environments"),
        (["--templates", "-e", "nothing.yaml"], "`nothing.yaml`: no such file"),
        (["--templates", "-e", HA, "-o", "roles_data.yaml"], "is there already, and is not overwritten"),
        (["--templates", "-e", HA, "-o", "no/such/out.yaml"], "no such folder: `no/such`"),
        (["--templates", "-e", HA, "--keep", "x"], "`--keep` goes with a plan for a cluster"),
        (["--templates", "-e", HA, "--format", "sh"], "`--format sh` goes with a plan for a cluster"),
        (["-e", HA, "cib.xml"], "`-e` goes with `--templates`"),
        (["-o", "x", "cib.xml"], "`--output` goes with `--templates`"),
    ],
)
def test_what_does_not_go_together_is_told(arguments: list[str], said: str, tree: Path, capsys: Capsys) -> None:
    assert main(["plan", *arguments]) == 2
    assert said in capsys.readouterr().err
