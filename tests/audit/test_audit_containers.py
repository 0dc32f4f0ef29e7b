"""Containers of a host in an audit: what each sos version keeps of them, who brings them back, and what is not known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lwlint.checks.containers import HostUnits, name_unit
from tests.audit.audit_cluster import CIB, NODES, host, unpack
from tests.audit.test_audit import answer
from tests.audit.test_audit_cluster import found
from tests.files.archive_builder import Content

Capsys = pytest.CaptureFixture[str]
NODE = NODES[0]
DOCKER_UNITS = {f"etc/systemd/system/tripleo_{name}.service": None for name in ("nova_api", "heat_api", "keystone")}
CANARY = "c4n4ry"


def inspect(name: str, policy: str | None, engine: str = "podman", running: bool = True, env: tuple[str, ...] = (), **labels: str) -> str:
    """Return what `inspect` prints of one container; podman 1.0 prints no policy (None)."""
    plain: dict[str, Any] = {
        "ID" if policy is None else "Id": "66db151828e9",
        "State": {"Status": "running" if running else "exited", "Running": running, "ExitCode": 0},
        "Name": f"/{name}" if engine == "docker" else name,
        "Config": {"Env": ["PATH=/usr/bin", *env], "Labels": {"container_name": name, **labels}},
        "HostConfig": {"NetworkMode": "host"},
    }
    if policy is not None:
        word, _, count = policy.partition(":")
        plain["HostConfig"]["RestartPolicy"] = {"Name": word, "MaximumRetryCount": int(count or 0)}
    return json.dumps([plain], indent=4)


def verdict(plain: Any, code: str) -> tuple[str, str]:
    """Return the outcome of a rule, and why; an answer leaves out what is not applicable."""
    found = [v for v in plain["clusters"][0]["hosts"][0]["verdicts"] if v["code"] == code]
    return (found[0]["outcome"], found[0]["because"]) if found else ("not applicable", "")


def audited(tmp_path: Path, capsys: Capsys, changes: dict[str, Content | None], fixture: str = "containers") -> Any:
    files = host(fixture, NODE)
    for path, content in changes.items():
        if content is None:
            files.pop(path, None)
        else:
            files[path] = content
    return answer([unpack(tmp_path, files, NODE)], capsys)


def lost(plain: Any) -> list[str]:
    return [message.split("`")[1] for message, _ in found(plain, "LW508")]


@pytest.mark.parametrize(
    ("folder", "engine", "policy"),
    [
        ("sos_commands/docker/docker_inspect_66db151828e9", "docker", "no"),  # sos 3.3 to 3.7: by the container's id
        ("sos_commands/docker/containers/docker_inspect_heat_api", "docker", "no"),  # from 3.8
        ("sos_commands/podman/podman_inspect_66db151828e9", "podman", None),  # podman 1.0 tells no policy
        ("sos_commands/podman/containers/podman_inspect_heat_api", "podman", ""),
        ("sos_commands/podman/podman_container_inspect_heat_api", "podman", "always"),
    ],
)
def test_a_container_that_nothing_brings_back_is_found_wherever_sos_keeps_it(
    folder: str, engine: str, policy: str | None, tmp_path: Path, capsys: Capsys
) -> None:
    plain = audited(tmp_path, capsys, {**DOCKER_UNITS, folder: inspect("heat_api", policy, engine)})
    assert (lost(plain), verdict(plain, "LW508")[0]) == (["heat_api"], "fail")


@pytest.mark.parametrize("policy", ["always", "unless-stopped", "on-failure"])
def test_docker_brings_its_containers_back_and_podman_does_not(policy: str, tmp_path: Path, capsys: Capsys) -> None:
    docker = audited(
        tmp_path / "d", capsys, {**DOCKER_UNITS, "sos_commands/docker/docker_inspect_1": inspect("heat_api", policy, "docker")}
    )
    assert (lost(docker), verdict(docker, "LW508")[0], verdict(docker, "LW509")[0]) == ([], "pass", "pass")
    podman = audited(tmp_path / "p", capsys, {**DOCKER_UNITS, "sos_commands/podman/podman_inspect_1": inspect("heat_api", policy)})
    assert (lost(podman), verdict(podman, "LW509")) == (
        ["heat_api"],
        ("not applicable", ""),
    )


def test_what_podman_starts_at_boot_by_its_own_unit_is_brought_back(tmp_path: Path, capsys: Capsys) -> None:
    link = "etc/systemd/system/default.target.wants/podman-restart.service"
    once: dict[str, Content | None] = {link: {"link": "/usr/lib/systemd/system/podman-restart.service"}}
    unit = "[Service]\nType=oneshot\nExecStart=/usr/bin/podman start --all\n[Install]\nWantedBy=default.target\n"
    once["usr/lib/systemd/system/podman-restart.service"] = unit
    for policy, expected in (("always", []), ("on-failure", ["heat_api"])):
        changes = {**DOCKER_UNITS, **once, "sos_commands/podman/podman_inspect_1": inspect("heat_api", policy)}
        assert lost(audited(tmp_path / policy, capsys, changes)) == expected


def test_a_running_container_of_a_project_that_is_not_known_is_not_evaluated(tmp_path: Path, capsys: Capsys) -> None:
    said = "container `karbor_api` looks like a service of OpenStack, and which one is not known"
    for name, engine, policy, running, expected in (
        ("karbor_api", "podman", "", True, ("not evaluated", said)),
        ("karbor_api", "docker", "no", True, ("not evaluated", said)),
        ("karbor_api", "docker", "always", True, ("pass", "")),
        ("karbor_db_sync", "podman", "", False, ("pass", "")),  # it may have ended as it should
        ("neutron-dnsmasq-qdhcp-1f2e", "podman", "", True, ("pass", "")),
        ("neutron-haproxy-ovnmeta-1f2e", "podman", "", True, ("pass", "")),
        ("shop_api", "podman", "", True, ("pass", "")),
    ):
        path = f"sos_commands/{engine}/{engine}_inspect_1"
        plain = audited(tmp_path / f"{name}{policy}{running}", capsys, {**DOCKER_UNITS, path: inspect(name, policy, engine, running)})
        outcome, because = verdict(plain, "LW508")
        assert (outcome, because.partition(": ")[2]) == expected, (name, policy)


def test_a_unit_of_any_name_that_starts_the_container_will_do(tmp_path: Path, capsys: Capsys) -> None:
    unit = "[Service]\nExecStart=/usr/bin/podman start -a heat_api\nRestart=always\n"
    changes: dict[str, Content | None] = {
        **DOCKER_UNITS,
        "etc/systemd/system/heat.service": unit,
        "sos_commands/podman/podman_inspect_1": inspect("heat_api", ""),
        "sos_commands/podman/podman_inspect_2": inspect(
            "nova_api-x1y2z3w4", "", container_name="nova_api", PODMAN_SYSTEMD_UNIT="my.service"
        ),
        "etc/systemd/system/my.service": "[Service]\nExecStart=/usr/local/bin/start\nRestart=always\n",
    }
    assert lost(audited(tmp_path, capsys, changes)) == []


@pytest.mark.parametrize("unit", ["edpm_heat_api", "kolla-heat_api-container", "container-heat_api", "tripleo_heat_api"])
@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_a_unit_that_a_deployer_named_after_the_container_starts_it(unit: str, engine: str, tmp_path: Path, capsys: Capsys) -> None:
    files = host("containers", NODE)
    bare: dict[str, Content | None] = {path: None for path in files if path.startswith(("etc/systemd", "usr/lib/systemd"))}
    bare[f"sos_commands/{engine}/{engine}_inspect_1"] = inspect("heat_api", "no" if engine == "docker" else "", engine)
    bare["sos_commands/systemd/systemctl_list-unit-files"] = f"UNIT FILE  STATE  VENDOR PRESET\n{unit}.service enabled disabled\n"
    assert lost(audited(tmp_path / "listed", capsys, bare)) == []
    outside = f"UNIT LOAD ACTIVE SUB DESCRIPTION\n{unit}.service loaded failed failed heat_api container\n"
    bare["sos_commands/systemd/systemctl_list-units"] = outside
    plain = audited(tmp_path / "outside", capsys, bare)
    assert [f"it runs outside its unit `{unit}.service`" in message for message, _ in found(plain, "LW508")] == [True]
    bare["sos_commands/systemd/systemctl_list-units"] = outside + "edpm_heat_api.service loaded active running heat_api container\n"
    assert lost(audited(tmp_path / "moved", capsys, bare)) == (["heat_api"] if unit == "edpm_heat_api" else [])


@pytest.mark.parametrize("script", ["/usr/libexec/tripleo-start-podman-container", "/var/local/libexec/edpm-start-podman-container"])
def test_a_script_that_waits_for_other_containers_starts_one(script: str, tmp_path: Path, capsys: Capsys) -> None:
    changes: dict[str, Content | None] = {
        **DOCKER_UNITS,
        "etc/systemd/system/heat.service": f"[Service]\nType=forking\nExecStart={script} heat_api\nRestart=always\n",
        "sos_commands/podman/podman_inspect_1": inspect("heat_api", ""),
    }
    assert lost(audited(tmp_path, capsys, changes)) == []


def test_the_list_of_unit_files_tells_of_a_unit_where_the_files_are_missing(tmp_path: Path, capsys: Capsys) -> None:
    files = host("containers", NODE)
    bare: dict[str, Content | None] = {path: None for path in files if path.startswith(("etc/systemd", "usr/lib/systemd"))}
    bare["sos_commands/podman/podman_inspect_1"] = inspect("heat_api", "")
    bare["sos_commands/podman/podman_inspect_2"] = inspect("nova_api", "")
    plain = audited(tmp_path / "none", capsys, bare)
    reason = "the units of the host were not given, one of which may start container heat_api"
    assert (lost(plain), verdict(plain, "LW508")[0]) == ([], "not evaluated")
    assert reason in verdict(plain, "LW508")[1]
    bare["sos_commands/systemd/systemctl_list-unit-files"] = "UNIT FILE  STATE  VENDOR PRESET\ntripleo_heat_api.service enabled disabled\n"
    assert lost(audited(tmp_path / "list", capsys, bare)) == ["nova_api"]


def test_what_ends_by_itself_and_what_was_replaced_is_not_missed(tmp_path: Path, capsys: Capsys) -> None:
    configuration = json.dumps({"image": "i", "detach": False})
    changes: dict[str, Content | None] = {
        **DOCKER_UNITS,
        "sos_commands/docker/docker_inspect_1": inspect("nova_api", "no", "docker", running=False),  # before podman took over
        "sos_commands/podman/podman_inspect_1": inspect("nova_api", "always"),
        "etc/systemd/system/tripleo_nova_api.service": "[Service]\nExecStart=/usr/bin/podman start nova_api\nRestart=always\n",
        "sos_commands/podman/podman_inspect_2": inspect("heat_api", "", env=("KOLLA_BOOTSTRAP=True",)),
        "sos_commands/podman/podman_inspect_3": inspect("keystone", "", config_data=configuration),
        "sos_commands/podman/podman_inspect_4": inspect("keystone_db_sync", ""),
        "sos_commands/podman/podman_inspect_5": inspect("neutron-haproxy-qrouter-5a1e", ""),
        "sos_commands/podman/podman_inspect_6": inspect("glance_api", "", running=False),
        "etc/systemd/system/tripleo_glance_api.service": None,
    }
    plain = audited(tmp_path, capsys, changes)
    assert [message for message, _ in found(plain, "LW508")] == [
        "container `glance_api`: neither a systemd unit nor the cluster starts it, and it is not running (`exited`);"
        " a unit `tripleo_NAME.service` must"
    ]


def test_start_configurations_count_where_no_engine_tells(tmp_path: Path, capsys: Capsys) -> None:
    step = json.dumps(
        {"heat_api": {"image": "i", "restart": "always"}, "mysql_bootstrap": {"image": "i", "detach": False}, "nova_api": {"image": "i"}}
    )
    docker = {**DOCKER_UNITS, "var/lib/tripleo-config/docker-container-startup-config-step_4.json": step}
    assert lost(audited(tmp_path / "docker", capsys, docker)) == ["nova_api"]
    one = json.dumps({"image": "i", "restart": "always"})
    ansible = {"var/lib/tripleo-config/container-startup-config/step_4/heat_api.json": one}
    assert verdict(audited(tmp_path / "there", capsys, ansible), "LW508")[0] == "pass"
    told = {**ansible, "sos_commands/podman/podman_ps_-a": "CONTAINER ID  IMAGE  COMMAND  CREATED  STATUS  PORTS  NAMES\n", **DOCKER_UNITS}
    assert verdict(audited(tmp_path / "gone", capsys, told), "LW508")[0] != "pass"


def test_a_host_without_containers_is_not_judged_and_one_of_whose_nothing_tells_is_not_evaluated(tmp_path: Path, capsys: Capsys) -> None:
    bare = audited(tmp_path / "bare", capsys, {}, "lightweight")
    assert [verdict(bare, code)[0] for code in ("LW508", "LW509")] == ["not applicable"] * 2
    silent = audited(tmp_path / "silent", capsys, {})
    reason = "no output of `podman inspect` or `docker inspect` was given"
    assert [verdict(silent, code) for code in ("LW508", "LW509")] == [("not evaluated", reason)] * 2


def test_what_a_command_complained_of_is_passed_over_and_what_is_cut_is_a_finding(tmp_path: Path, capsys: Capsys) -> None:
    cut = inspect("heat_api", "")[:120]
    base = "sos_commands/podman/containers/podman_inspect_"
    plain = audited(
        tmp_path,
        capsys,
        {
            f"{base}gone": "Error: no such object: gone\n",
            f"{base}lost": "[]\nError: No such object: lost\n",
            f"{base}heat_api": cut,
            f"{base}nova_api": inspect("nova_api", ""),
        },
    )
    (cluster,) = plain["clusters"]
    assert [p["path"] for f in cluster["findings"] if f["code"] == "LW901" for p in f["places"]] == [f"{base}heat_api"]
    passed = {p["path"]: p["because"] for p in cluster["hosts"][0]["passed_over"]}
    assert [passed[f"{NODE}:{base}{name}"] for name in ("gone", "lost")] == ["no container in it, only what a command complained of"] * 2


def test_a_container_on_one_long_line_shows_none_of_its_environment(tmp_path: Path, capsys: Capsys) -> None:
    secret = tuple(f"{word}={CANARY}{i}" for i, word in enumerate(("OS_PASSWORD", "TOKEN", "BOARD", "DB")))
    one_line = json.dumps(json.loads(inspect("heat_api", "no", "docker", env=(*secret, "x" * 200))))
    changes = {**DOCKER_UNITS, "sos_commands/docker/docker_inspect_1": one_line}
    plain = audited(tmp_path, capsys, changes)
    assert lost(plain) == ["heat_api"]
    assert CANARY not in json.dumps(plain)


def test_the_cib_of_another_form_does_not_own_a_replica(tmp_path: Path, capsys: Capsys) -> None:
    replica = {"sos_commands/podman/podman_inspect_1": inspect("galera-bundle-podman-0", "no")}
    assert lost(audited(tmp_path / "there", capsys, replica)) == []
    assert lost(audited(tmp_path / "unknown", capsys, {**replica, CIB: None})) == []


@pytest.mark.parametrize(
    ("command", "starts"),
    [
        ("/usr/bin/podman start heat_api", True),
        ("/usr/bin/podman container start -a heat_api", True),
        ("/bin/bash -c '/usr/bin/podman run --name=heat_api image'", True),
        ("-/usr/bin/docker-current --log-level debug restart heat_api", True),
        ("/usr/bin/podman exec --user root heat_api /openstack/healthcheck 8004", False),
        ("/usr/bin/podman start heat_api_cfn", False),
        ("/usr/bin/cat heat_api start podman", False),
    ],
)
def test_a_unit_starts_the_container_that_its_command_names(command: str, starts: bool, tmp_path: Path, capsys: Capsys) -> None:
    unit = f"[Service]\nExecStart={command}\nRestart=always\n"
    changes = {**DOCKER_UNITS, "etc/systemd/system/x.service": unit, "sos_commands/podman/podman_inspect_1": inspect("heat_api", "")}
    assert lost(audited(tmp_path, capsys, changes)) == ([] if starts else ["heat_api"])


def test_a_helper_beside_the_cluster_s_own_needs_a_unit_too(tmp_path: Path, capsys: Capsys) -> None:
    helper = {"sos_commands/podman/podman_inspect_1": inspect("redis_tls_proxy", "")}
    plain = audited(tmp_path, capsys, helper)
    assert (lost(plain), found(plain, "LW501")) == (["redis_tls_proxy"], [])


def test_a_start_configuration_is_of_podman_where_units_run_containers(tmp_path: Path, capsys: Capsys) -> None:
    one = json.dumps({"image": "i", "restart": "always"})
    base = "var/lib/tripleo-config/container-startup-config/step_4/"
    plain = audited(
        tmp_path, capsys, {f"{base}heat_api.json": one, f"{base}glance_api.json": one, "etc/systemd/system/tripleo_heat_api.service": None}
    )
    assert lost(plain) == ["heat_api"]


@pytest.mark.parametrize(
    ("name", "running", "expected"),
    [
        (
            "keepalived",
            True,
            ["container `keepalived`: it is running, and Pacemaker runs on the same host; there must be one resource manager only"],
        ),
        ("keepalived", False, []),
        ("neutron-keepalived-qrouter-0a1b2c3d", True, []),  # of neutron's own agent
    ],
)
def test_keepalived_in_a_container_is_a_second_resource_manager(
    name: str, running: bool, expected: list[str], tmp_path: Path, capsys: Capsys
) -> None:
    printed = {f"sos_commands/podman/containers/podman_inspect_{name}": inspect(name, "always", running=running)}
    assert [message for message, _ in found(audited(tmp_path, capsys, {**printed}), "LW113")] == expected


@pytest.mark.parametrize(
    ("there", "unit"),
    [
        (["edpm_ovn_controller.service"], "edpm_nova_api.service"),
        (["kolla-heat_api-container.service"], "kolla-nova_api-container.service"),
        (["tripleo_heat_api.service"], "tripleo_nova_api.service"),
        (["edpm_ovn_controller.service", "tripleo_heat_api.service"], "tripleo_nova_api.service"),  # in the middle of an adoption
        (["sshd.service", "kolla-toolbox.service"], "tripleo_nova_api.service"),
    ],
)
def test_the_unit_of_a_container_is_named_as_those_of_its_host(there: list[str], unit: str) -> None:
    assert name_unit(HostUnits(names=dict.fromkeys(there, True)), "nova_api") == unit


def test_a_host_without_units_is_taken_for_one_of_tripleo() -> None:
    assert name_unit(None) == "tripleo_NAME.service"
