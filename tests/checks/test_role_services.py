"""Roles and the services that they name: with which registries, and with which environments."""

from __future__ import annotations

import json
from itertools import product

import pytest

from lwlint.inputs.heat.facts import Role
from tests.inputs.heat.heat_findings import facts, findings

EMPTY = "heat_template_version: rocky\n"
PACEMAKER, REDIS = "OS::TripleO::Services::Pacemaker", "OS::TripleO::Services::Redis"
BASE = "overcloud-resource-registry-puppet.j2.yaml"
# a core or active/passive service: its templates without Pacemaker and with it
SERVICES = {
    "Redis": ("database/redis-container-puppet.yaml", "database/redis-pacemaker-puppet.yaml"),
    "CinderVolume": ("cinder/cinder-volume-container-puppet.yaml", "cinder/cinder-volume-pacemaker-puppet.yaml"),
    "HAproxy": ("haproxy/haproxy-container-puppet.yaml", "haproxy/haproxy-pacemaker-puppet.yaml"),
}
COMPANIONS = {"none": [], "Pacemaker": [PACEMAKER], "PacemakerRemote": ["OS::TripleO::Services::PacemakerRemote"]}


def registry(above: str, **aliases: str) -> str:
    lines = (f"  OS::TripleO::Services::{alias}: {above}{target}\n" for alias, target in aliases.items())
    return "resource_registry:\n" + "".join(lines)


def roles(*services: str) -> str:
    return "- name: Storage\n  ServicesDefault:\n" + "".join(f"    - {service}\n" for service in services)


def parameter(*services: str) -> str:
    return "parameter_defaults:\n  StorageServices:\n" + "".join(f"    - {service}\n" for service in services)


@pytest.mark.parametrize(("name", "companion", "listed"), list(product(SERVICES, COMPANIONS, (roles, parameter))))
@pytest.mark.parametrize("where", ["base", "environment", "nowhere"])
def test_a_role_with_a_service_under_pacemaker_has_pacemaker(name: str, companion: str, listed: object, where: str) -> None:
    assert callable(listed)
    plain, managed = (f"deployment/{path}" for path in SERVICES[name])
    files = {
        BASE: registry(
            "", **{name: managed if where == "base" else plain, "Pacemaker": "deployment/pacemaker/pacemaker-baremetal-puppet.yaml"}
        ),
        "deployment/pacemaker/pacemaker-baremetal-puppet.yaml": EMPTY,
        plain: EMPTY,
        managed: EMPTY,
        "x/list.yaml": listed(f"OS::TripleO::Services::{name}", *COMPANIONS[companion]),
    }
    if where == "environment":
        away = {
            name: managed,
            "Redis": f"deployment/{SERVICES['Redis'][1]}",
            "Pacemaker": "deployment/pacemaker/pacemaker-baremetal-puppet.yaml",
        }
        files |= {"environments/docker-ha.yaml": registry("../", **away), f"deployment/{SERVICES['Redis'][1]}": EMPTY}
    expected = ["LW417 x/list.yaml:3"] * (companion == "none" and where != "nowhere")
    assert findings(files, "LW417") == expected


def test_the_list_of_an_environment_that_was_given_stands_instead_of_that_of_the_role() -> None:
    files = {
        BASE: registry("", Redis=f"deployment/{SERVICES['Redis'][1]}"),
        f"deployment/{SERVICES['Redis'][1]}": EMPTY,
        "roles_data.yaml": roles("OS::TripleO::Services::Redis"),
        "given.yaml": parameter("OS::TripleO::Services::Redis", PACEMAKER),
        "other.yaml": parameter("OS::TripleO::Services::Redis"),
    }
    assert findings(files, "LW417") == ["LW417 other.yaml:3", "LW417 roles_data.yaml:3"]
    assert findings(files, "LW417", environments=("given.yaml",)) == []
    assert findings(files, "LW417", environments=("other.yaml",)) == ["LW417 other.yaml:3"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (("bad.yaml", "good.yaml"), []),
        (("good.yaml", "bad.yaml"), ["LW417 bad.yaml:3"]),
        (("bad.yaml", "good.yaml", "bad.yaml"), ["LW417 bad.yaml:3"]),
        (("bad.yaml", "other.yaml"), ["LW417 bad.yaml:3"]),
        (("own.yaml", "bad.yaml"), []),  # what stands under `parameters` counts before all under `parameter_defaults`
        (("bad.yaml", "own.yaml"), []),
    ],
)
def test_of_the_lists_of_several_environments_the_last_counts(given: tuple[str, ...], found: list[str]) -> None:
    files = {
        BASE: registry("", Redis=f"deployment/{SERVICES['Redis'][1]}"),
        f"deployment/{SERVICES['Redis'][1]}": EMPTY,
        "bad.yaml": parameter(REDIS),
        "good.yaml": parameter(REDIS, PACEMAKER),
        "other.yaml": parameter(REDIS, PACEMAKER).replace("Storage", "Another"),
        "own.yaml": parameter(REDIS, PACEMAKER).replace("parameter_defaults", "parameters"),
    }
    assert findings(files, "LW417", environments=given) == found


@pytest.mark.parametrize("services", [[REDIS], [REDIS, PACEMAKER]])
def test_an_environment_in_json_names_services_as_one_in_yaml_does(services: list[str]) -> None:
    base = registry("", Redis=f"deployment/{SERVICES['Redis'][1]}")
    files = {BASE: base, f"deployment/{SERVICES['Redis'][1]}": EMPTY, "e.json": json.dumps({"parameter_defaults": {"AServices": services}})}
    assert findings(files, "LW417", environments=("e.json",)) == ["LW417 e.json:1"] * (PACEMAKER not in services)


@pytest.mark.parametrize("name", ["Undercloud", "Standalone"])
def test_roles_of_hosts_without_a_cluster_have_environments_of_their_own(name: str) -> None:
    files = {
        BASE: registry("", Redis=f"deployment/{SERVICES['Redis'][1]}"),
        f"deployment/{SERVICES['Redis'][1]}": EMPTY,
        "roles_data.yaml": roles("OS::TripleO::Services::Redis").replace("Storage", name),
    }
    assert findings(files, "LW417") == []


def test_a_service_is_known_by_the_base_registry_or_by_any_environment_of_the_tree() -> None:
    listed = roles("OS::TripleO::Services::A", "OS::TripleO::Services::B", "OS::TripleO::Services::C", "OS::TripleO::Services::A")
    files = {BASE: registry("", A="x.yaml"), "environments/b.yaml": registry("", B="y.yaml"), "roles/r.yaml": listed}
    assert findings(files, "LW418", "LW419") == ["LW418 roles/r.yaml:5", "LW419 roles/r.yaml:6"]
    assert findings({"roles/r.yaml": listed}, "LW418") == []


def test_heat_knows_an_alias_in_the_letters_of_the_registry_only() -> None:
    listed = roles("OS::TripleO::Services::NeutronBgpvpnApi", "OS::Tripleo::Services::NeutronBgpVpnApi")
    files = {BASE: registry("", NeutronBgpVpnApi="x.yaml"), "roles/r.yaml": listed}
    assert findings(files, "LW418") == ["LW418 roles/r.yaml:3", "LW418 roles/r.yaml:4"]


@pytest.mark.parametrize(
    "text",
    [
        "- name: A\n  ServicesDefault: [%s]\n",
        "- &a\n  name: A\n  ServicesDefault: [%s]\n",
        "-\n  name: A\n  ServicesDefault: [%s]\n",
        "- ServicesDefault: [%s]\n  name: A\n",
        "- description: x\n  name: A\n  ServicesDefault:\n    - %s\n",
        "# roles\n---\n-   CountDefault: 1\n    name: A\n    ServicesDefault:\n    - %s\n",
    ],
)
def test_roles_data_is_known_whatever_key_a_role_begins_with(text: str) -> None:
    (role,) = [one for one in facts({"roles_data.yaml": text % "OS::TripleO::Services::Keystone"}, "role") if isinstance(one, Role)]
    assert (role.name, role.services) == ("A", ("OS::TripleO::Services::Keystone",))
