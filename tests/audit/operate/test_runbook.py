"""`lwlint services TARGET`: who runs what on each of the clusters in `fixtures/sos/`, and the commands for it there."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lwlint.cli import main
from tests.report.report_sample import assert_golden
from tests.shared import HERE

CLUSTERS = ("mitaka-full", "mitaka-light", "newton", "queens-docker", "wallaby-podman")
ASKED = ("heat-engine", "haproxy-bundle", "cinder-volume", "neutron")

Ask = Callable[..., str]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return what `lwlint services` prints."""
    monkeypatch.chdir(HERE)

    def run(*arguments: str, code: int = 0) -> str:
        assert main(["services", *arguments]) == code
        captured = capsys.readouterr()
        assert bool(captured.err) is (code != 0)
        return captured.err if code else captured.out

    return run


def runs(ask: Ask, cluster: str, *name: str) -> list[Any]:
    (book,) = json.loads(ask(f"fixtures/sos/{cluster}", *name, "--format", "json"))["clusters"]
    found: list[Any] = book["runs"]
    return found


def commands(run: Any, does: str) -> list[str]:
    return [action["line"] for action in run["actions"] if action["does"] == does]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_the_answers_on_four_services_are_as_they_were_read(cluster: str, ask: Ask) -> None:
    assert_golden("".join(ask(f"fixtures/sos/{cluster}", name) for name in ASKED), f"services/{cluster}.txt")


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_the_table_of_all_services_is_as_it_was_read(cluster: str, ask: Ask) -> None:
    assert_golden(ask(f"fixtures/sos/{cluster}"), f"services/{cluster}.table.txt")


@pytest.mark.parametrize(
    ("cluster", "name", "things"),
    [
        ("wallaby-podman", "nova-api", ["tripleo_nova_api.service"]),
        ("wallaby-podman", "tripleo_nova_api", ["tripleo_nova_api.service"]),
        ("wallaby-podman", "tripleo_nova_api.service", ["tripleo_nova_api.service"]),
        ("wallaby-podman", "openstack-nova-api", ["tripleo_nova_api.service"]),
        ("wallaby-podman", "nova", ["tripleo_nova_api.service", "tripleo_nova_conductor.service"]),
        ("wallaby-podman", "haproxy-bundle-podman-0", ["haproxy-bundle"]),
        ("wallaby-podman", "mysql", ["galera-bundle"]),
        ("queens-docker", "nova-api", ["nova_api"]),
        ("queens-docker", "nova", ["nova_api", "nova_conductor"]),
        ("queens-docker", "heat-engine", ["heat_engine"]),
        ("queens-docker", "haproxy-bundle", ["haproxy-bundle"]),
        ("queens-docker", "192.0.2.251", ["ip-192.0.2.251"]),
        ("newton", "heat-engine", ["openstack-heat-engine.service"]),
        ("newton", "cinder-volume", ["openstack-cinder-volume"]),
        ("newton", "haproxy-bundle", ["haproxy-clone"]),
        ("newton", "keystone", ["httpd.service"]),
        ("mitaka-full", "nova-api", ["openstack-nova-api-clone"]),
        ("mitaka-full", "NovaApi", ["openstack-nova-api-clone"]),
        ("mitaka-full", "tripleo_nova_api", ["openstack-nova-api-clone"]),
        ("mitaka-full", "keystone", ["httpd-clone"]),
    ],
)
def test_the_names_that_people_type_are_found(cluster: str, name: str, things: list[str], ask: Ask) -> None:
    assert [run["thing"] for run in runs(ask, cluster, name)] == things


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_each_command_is_one_of_this_cloud_and_can_be_pasted(cluster: str, ask: Ask) -> None:
    programs = {"mitaka-full": set(), "mitaka-light": set(), "newton": set(), "queens-docker": {"docker"}, "wallaby-podman": {"podman"}}
    used = {shlex.split(action["line"])[0] for run in runs(ask, cluster) for action in run["actions"]}
    assert used == {"pcs", "crm_resource", "systemctl", "journalctl"} | programs[cluster]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_cleanup_that_runs_once_is_never_stopped_or_restarted(cluster: str, ask: Ask) -> None:
    cleanups = [run for run in runs(ask, cluster) if "cleanup" in run["thing"]]
    assert bool(cleanups) is (cluster in ("mitaka-full", "mitaka-light", "newton"))
    for run in cleanups:
        assert {action["does"] for action in run["actions"]} == {"see", "log"}
        assert not any(word in action["line"].split() for action in run["actions"] for word in ("stop", "restart", "disable", "start"))


def test_the_catalogue_never_tells_to_restart_a_cleanup_either(ask: Ask) -> None:
    said = ask("neutron cleanup")
    assert "pcs resource" not in said
    assert "systemctl" not in said
    assert "never stopped or restarted" in said


def test_a_restart_is_judged_host_by_host_with_the_line_that_says_so(ask: Ask) -> None:
    (run,) = runs(ask, "wallaby-podman", "heat-engine")
    told = {(one["answer"], tuple(one["hosts"])): one for one in run["judged"] if one["about"] == "restarts"}
    assert set(told) == {("yes", ("wallaby-controller-0", "wallaby-controller-1")), ("no", ("wallaby-controller-2",))}
    (place,) = told["no", ("wallaby-controller-2",)]["places"]
    assert (place["path"], place["line"]) == ("etc/systemd/system/tripleo_heat_engine.service.d/debug.conf", 3)


def test_a_masked_unit_is_not_brought_back_on_its_host(ask: Ask) -> None:
    (run,) = runs(ask, "mitaka-light", "nova-conductor")
    assert [one["hosts"] for one in run["judged"] if one["about"] == "restarts" and one["answer"] == "no"] == [["light-controller-1"]]


def test_retries_are_judged_by_the_option_files_of_the_service(ask: Ask) -> None:
    (run,) = runs(ask, "mitaka-light", "heat-engine")
    answers = [(one["answer"], one["hosts"]) for one in run["judged"] if one["about"] == "database"]
    assert answers == [("yes", ["light-controller-0", "light-controller-2"]), ("no", ["light-controller-1"])]


def test_a_disabled_resource_is_not_brought_back(ask: Ask) -> None:
    (run,) = runs(ask, "wallaby-podman", "cinder-volume")
    assert (run["judged"][0]["about"], run["judged"][0]["answer"]) == ("restarts", "no")


def test_what_stops_with_a_resource_is_told(ask: Ask) -> None:
    (run,) = runs(ask, "mitaka-light", "haproxy")
    assert not [note for note in run["notes"] if "ordered after" in note]
    (run,) = runs(ask, "mitaka-full", "rabbitmq")
    (note,) = [note for note in run["notes"] if "ordered after" in note]
    assert "openstack-core-clone" in note
    assert "more" in note


def test_a_cluster_with_crmsh_is_handled_by_crm(tmp_path: Path, ask: Ask) -> None:
    report = tmp_path / "sosreport-node-1-2020-01-01-abcdefg"
    cib = report / "sos_commands/pacemaker/crm_report/node-1/cib.xml"
    cib.parent.mkdir(parents=True)
    (report / "hostname").write_text("node-1\n")
    (report / "installed-rpms").write_text("crmsh-4.2.0-1.noarch   Mon Jan 1 2020\npacemaker-2.0.5-1.x86_64   Mon Jan 1 2020\n")
    cib.write_text(
        '<cib validate-with="pacemaker-3.2" epoch="1"><configuration><crm_config/><nodes><node id="1" uname="node-1"/></nodes><resources>'
        '<clone id="cl-haproxy"><primitive id="haproxy" class="systemd" type="haproxy"/></clone></resources><constraints/>'
        "</configuration></cib>"
    )
    (book,) = json.loads(ask(str(report), "haproxy", "--format", "json"))["clusters"]
    assert (book["tool"], commands(book["runs"][0], "restart")) == ("crm", ["crm resource restart cl-haproxy"])
    assert commands(book["runs"][0], "stop") == ["crm resource stop cl-haproxy"]


def test_what_nothing_runs_is_said_with_a_near_name(ask: Ask) -> None:
    assert "nothing in `fixtures/sos/newton` runs it; did you mean `neutron-server`?" in ask("fixtures/sos/newton", "neutron-sever", code=2)


def test_a_name_without_a_target_is_the_catalogues_and_options_of_a_target_are_refused(ask: Ask) -> None:
    assert ask("nova_api").startswith("openstack-nova-api\n")
    assert "`--format` goes with a target" in ask("nova_api", "--format", "json", code=2)


def test_names_and_addresses_are_replaced_if_that_is_asked_for(ask: Ask) -> None:
    text = ask("fixtures/sos/wallaby-podman", "--anonymize", "-v")
    assert "wallaby-controller" not in text
    assert "192.0.2.251" not in text
    assert "host-1" in text


def test_no_secret_is_shown(ask: Ask) -> None:
    for line in ask("fixtures/sos/mitaka-full", "-v").splitlines():
        assert "://" not in line or "***" in line
