"""The hook, `--staged`, `--since` and the difference of two full runs say the same of an edit, wherever it shows: 30 edits in four eras.

The trees are of the shape of tripleo-heat-templates in their era: a base template whose settings two others take in, a registry, roles, an
environment, hieradata, a configuration with an exception, and a baseline.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench import hook
from lwlint.run.changed import kept_lines
from tests.shared import HERE


class Era:
    """Where the files of an era are, and what they say."""

    def __init__(self, name: str, version: str, services: str, ending: str, more: Mapping[str, str]) -> None:
        self.name, self.version, self.services, self.ending, self.more = name, version, services, ending, more

    def path(self, service: str) -> str:
        return f"{self.services}/{service}{self.ending}.yaml"

    def files(self) -> dict[str, str]:
        """Return the texts of the tree by path."""
        head = f"heat_template_version: {self.version}\n"
        role = "outputs:\n  role_data:\n    value:\n      service_name: %s\n      config_settings:\n"
        takes = f"resources:\n  NovaBase:\n    type: ./nova-base{self.ending}.yaml\n"
        merge = (
            "        map_merge:\n          - get_attr: [NovaBase, role_data, value, config_settings]\n"
            "          - nova::%s: {get_param: Dsn}\n"
        )
        merge = merge.replace("role_data, value, config", "role_data, config")
        own = "        keystone::database_connection: {get_param: Dsn}\n        keystone::db::database_max_retries: 5\n"
        params = "parameters:\n  Dsn:\n    type: string\n"
        aliases = {"NovaApi": "nova-api", "NovaConductor": "nova-conductor", "Keystone": "keystone"}
        lines = [f"  OS::TripleO::Services::{alias}: {self.path(name)}\n" for alias, name in aliases.items()]
        return {
            "overcloud-resource-registry-puppet.j2.yaml": "resource_registry:\n" + "".join(lines),
            self.path("nova-base"): head
            + role % "nova_base"
            + "        nova::db::database_max_retries: -1\n        nova::db::database_db_max_retries: -1\n",
            self.path("nova-api"): head + params + takes + role % "nova_api" + merge % "database_connection",
            self.path("nova-conductor"): head + params + takes + role % "nova_conductor" + merge % "database_connection",
            self.path("keystone"): head + params + role % "keystone" + own,
            f"{self.services}/pacemaker/nova-api.yaml": head
            + "resources:\n  NovaApiBase:\n    type: OS::Heat::None\noutputs:\n  role_data:\n    value:\n      service_name: nova_api\n"
            + "      step_config: include ::tripleo::profile::pacemaker::nova::api\n",
            "roles_data.yaml": "- name: Controller\n  ServicesDefault:\n"
            + "".join(f"    - OS::TripleO::Services::{alias}\n" for alias in aliases)
            + "- name: Compute\n  ServicesDefault:\n    - OS::TripleO::Services::NovaApi\n",
            "environments/site.yaml": f"resource_registry:\n  OS::TripleO::Services::NovaApi: ../{self.path('nova-api')}\n",
            "environments/puppet-pacemaker.yaml": "resource_registry:\n"
            + f"  OS::TripleO::Services::NovaConductor: ../{self.path('nova-conductor')}\n",
            "environments/lab.yaml": "resource_registry:\n"
            + "  OS::TripleO::Services::NovaConductor: ../gone/nova-conductor.yaml\n"
            + "parameter_defaults:\n  ExtraConfig:\n    a: 1\n",
            "hieradata/common.yaml": "nova::debug: true\n",
            ".lwlint.yaml": "allow:\n  - rule: LW409\n    path: environments/lab.yaml\n    because: the lab brings the template\n",
            "README.rst": "templates\n",
            **self.more,
        }


ERAS = (
    Era("newton", "2016-04-08", "puppet/services", "", {}),
    Era(
        "pike",
        "pike",
        "puppet/services",
        "",
        {
            "docker/services/nova-api.yaml": "heat_template_version: pike\n"
            "resources:\n  Base:\n    type: ../../puppet/services/nova-api.yaml\n"
            "outputs:\n  role_data:\n    value:\n      service_name: nova_api\n      config_settings:\n"
            "        get_attr: [Base, role_data, config_settings]\n      docker_config:\n        step_4:\n          nova_api:\n"
            "            image: i\n            restart: always\n"
        },
    ),
    Era(
        "rocky",
        "rocky",
        "puppet/services",
        "",
        {
            "docker/services/pacemaker/rpc-rabbitmq.yaml": "heat_template_version: rocky\n"
            "outputs:\n  role_data:\n    value: {service_name: a}\n"
        },
    ),
    Era(
        "wallaby",
        "wallaby",
        "deployment/nova",
        "-container-puppet",
        {"deployment/cephadm/ceph-base.yaml": "heat_template_version: wallaby\noutputs:\n  role_data:\n    value: {service_name: a}\n"},
    ),
)
BASELINE = "known.jsonl"
Edit = Callable[[Path, Era], None]


def put(tree: Path, path: str, before: str, after: str) -> None:
    text = (tree / path).read_text("utf-8")
    assert before in text, (path, before)
    (tree / path).write_text(text.replace(before, after, 1), "utf-8")


def finite_retries(tree: Path, era: Era) -> None:
    put(tree, era.path("nova-base"), "nova::db::database_max_retries: -1", "nova::db::database_max_retries: 10")


def retries_taken_away(tree: Path, era: Era) -> None:
    put(tree, era.path("nova-base"), "        nova::db::database_max_retries: -1\n", "")


def template_removed(tree: Path, era: Era) -> None:
    (tree / era.path("nova-conductor")).unlink()


def base_removed(tree: Path, era: Era) -> None:
    (tree / era.path("nova-base")).unlink()


def template_renamed(tree: Path, era: Era) -> None:
    (tree / era.path("nova-api")).rename(tree / era.services / "nova-api-renamed.yaml")


def service_in_no_registry(tree: Path, era: Era) -> None:
    put(tree, "roles_data.yaml", "    - OS::TripleO::Services::NovaConductor\n", "    - OS::TripleO::Services::NovaConductr\n")


def alias_on_pacemaker(tree: Path, era: Era) -> None:
    put(tree, "environments/site.yaml", f"../{era.path('nova-api')}", f"../{era.services}/pacemaker/nova-api.yaml")


def dangling_alias(tree: Path, era: Era) -> None:
    put(tree, "environments/puppet-pacemaker.yaml", "nova-conductor", "nova-conducter")


def hieradata_says_otherwise(tree: Path, era: Era) -> None:
    put(tree, "hieradata/common.yaml", "nova::debug: true\n", "nova::debug: true\nnova::db::database_max_retries: 3\n")


def exception_taken_away(tree: Path, era: Era) -> None:
    (tree / ".lwlint.yaml").write_text("ignore: [LW415]\n")


def exception_added(tree: Path, era: Era) -> None:
    finite_retries(tree, era)
    with (tree / ".lwlint.yaml").open("a") as file:
        file.write(f"  - rule: LW404\n    path: {era.path('nova-api')}\n    because: this cloud has one node\n")


def severity_raised(tree: Path, era: Era) -> None:
    finite_retries(tree, era)
    with (tree / ".lwlint.yaml").open("a") as file:
        file.write("rules:\n  LW404: {severity: warning}\n")


def configuration_removed(tree: Path, era: Era) -> None:
    (tree / ".lwlint.yaml").unlink()


def baseline_shrunk(tree: Path, era: Era) -> None:
    lines = (tree / BASELINE).read_text("utf-8").splitlines(keepends=True)
    assert len(lines) > 1
    (tree / BASELINE).write_text(lines[0], "utf-8")


def lines_moved(tree: Path, era: Era) -> None:
    put(tree, era.path("keystone"), "parameters:", "# a line more\nparameters:")


def nothing_of_ours(tree: Path, era: Era) -> None:
    (tree / "README.rst").write_text("more templates\n")


EDITS: Mapping[str, tuple[Edit, ...]] = {
    "newton": (
        finite_retries,
        template_removed,
        template_renamed,
        service_in_no_registry,
        alias_on_pacemaker,
        hieradata_says_otherwise,
        exception_taken_away,
        baseline_shrunk,
    ),
    "pike": (
        finite_retries,
        base_removed,
        template_renamed,
        dangling_alias,
        exception_added,
        configuration_removed,
        lines_moved,
        nothing_of_ours,
    ),
    "rocky": (
        retries_taken_away,
        template_removed,
        alias_on_pacemaker,
        severity_raised,
        hieradata_says_otherwise,
        baseline_shrunk,
        exception_taken_away,
    ),
    "wallaby": (finite_retries, template_removed, template_renamed, alias_on_pacemaker, base_removed, baseline_shrunk, lines_moved),
}
assert sum(map(len, EDITS.values())) == 30
QUIET = (lines_moved, nothing_of_ours)  # that bring nothing


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Path]:
    """This very project as a repository of hooks, its revision, and the home of pre-commit."""
    pytest.importorskip("pre_commit")
    top = tmp_path_factory.mktemp("hooks")
    (top / "hooks").mkdir()
    return top / "hooks", hook.hooks(top / "hooks"), top / "home"


def lwlint(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """Return the findings of a run in the folder, with the baseline of that state."""
    known = ("--baseline", BASELINE) if (folder / BASELINE).exists() else ()
    done = subprocess.run(
        [sys.executable, "-m", "lwlint", "check", "--format", "json", *known, *arguments],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(HERE)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    findings: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return findings


def told(findings: list[dict[str, Any]]) -> Counter[tuple[object, ...]]:
    return Counter((f["code"], f["path"], f["line"], f["column"], f["message"], f["allowed"] is not None) for f in findings)


def difference(found: list[dict[str, Any]], before: Path, after: Path) -> Counter[tuple[object, ...]]:
    """Return what a full run says after an edit and one before it, which `found` this, did not; lines that the edit moved are the same."""
    old: Counter[tuple[object, ...]] = Counter()
    for f in found:
        line = f["line"]
        texts = [(tree / f["path"]).read_text("utf-8").split("\n") if (tree / f["path"]).exists() else [] for tree in (before, after)]
        kept = kept_lines(*texts).get(line, 0)
        old[f["code"], f["path"], kept, f["column"], f["message"], f["allowed"] is not None] += 1
    return told(lwlint(after)) - old


@pytest.mark.long
@pytest.mark.parametrize("era", ERAS, ids=lambda era: era.name)
def test_the_hook_says_what_the_gate_says_of_every_edit(era: Era, hooks: tuple[Path, str, Path], tmp_path: Path) -> None:
    repository, revision, home = hooks
    source, tree, answer = tmp_path / "source", tmp_path / "tree", tmp_path / "hook.json"
    for path, text in era.files().items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(text, "utf-8")
    made = [sys.executable, "-m", "lwlint", "baseline", "-o", BASELINE]
    subprocess.run(made, cwd=source, env={**os.environ, "PYTHONPATH": str(HERE)}, check=True, capture_output=True)
    hook.checkout(source, tree, repository, revision, "lwlint")
    with (tree / ".pre-commit-config.yaml").open("a") as file:
        file.write(f"    args: [--format, text, --format, 'json={answer}', --baseline, {BASELINE}]\n")
    hook.run("git", "commit", "-qam", "with arguments", cwd=tree, home=home)
    brought, before = {}, lwlint(source)
    for edit in EDITS[era.name]:
        edit(tree, era)
        hook.run("git", "add", "-A", cwd=tree, home=home)
        hook.run("git", "checkout-index", "-a", f"--prefix={tmp_path / edit.__name__}/", cwd=tree, home=home)
        answer.unlink(missing_ok=True)
        done = hook.run(sys.executable, "-m", "pre_commit", "run", cwd=tree, home=home)
        by_hook = json.loads(answer.read_text("utf-8"))["findings"]
        expected = difference(before, source, tmp_path / edit.__name__)
        by_name = {"hook": told(by_hook), "staged": told(lwlint(tree, "--staged")), "since": told(lwlint(tree, "--since", "HEAD"))}
        assert by_name == dict.fromkeys(by_name, expected), (edit.__name__, done.stdout)
        fails = any(f["allowed"] is None and f["severity"] != "note" for f in by_hook)
        assert (done.returncode, "Failed" in done.stdout) == ((1, True) if fails else (0, False)), (edit.__name__, done.stdout)
        brought[edit] = by_hook
        hook.run("git", "reset", "-q", "--hard", cwd=tree, home=home)
    assert [edit.__name__ for edit, found in brought.items() if bool(found) == (edit in QUIET)] == []
    for edit in (finite_retries, retries_taken_away):
        if edit in brought:
            found = [(f["code"], f["path"], f["severity"]) for f in brought[edit]]
            assert found == [("LW404", era.path(name), "error") for name in ("nova-api", "nova-conductor")], edit.__name__
