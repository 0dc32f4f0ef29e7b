"""Aliases of core services that lead away from Pacemaker: told where Pacemaker is on, and not evaluated where nothing tells that."""

from __future__ import annotations

from pathlib import Path

import pytest

import lwlint
from lwlint.files.tree import Memory
from lwlint.inputs.heat import registry
from lwlint.run import Request, check, load_catalogue
from tests.inputs.heat.heat_findings import every_rule, findings

AWAY = "  OS::TripleO::Services::HAproxy: ../puppet/services/haproxy.yaml\n"
ON = "  OS::TripleO::Services::Pacemaker: ../puppet/services/pacemaker.yaml\n"
OFF = "  OS::TripleO::Services::Pacemaker: OS::Heat::None\n"
BASE = f"resource_registry:\n{OFF}  OS::TripleO::Services::HAproxy: puppet/services/haproxy.yaml\n"


@pytest.mark.parametrize(
    ("mappings", "base", "outcome"),
    [
        (AWAY, "", "not evaluated"),
        ("  OS::TripleO::Services::MySQL: ../docker/services/database/mysql.yaml\n", "", "not evaluated"),
        (AWAY + ON, "", "fail"),
        (AWAY + OFF, "", "pass"),
        (AWAY, BASE, "pass"),
        ("  OS::TripleO::Services::HAproxy: ../puppet/services/pacemaker/haproxy.yaml\n", "", "pass"),
        ("  OS::TripleO::Services::HAproxy: OS::Heat::None\n", "", "pass"),
    ],
)
def test_a_core_service_off_pacemaker_is_judged_where_it_is_told_whether_pacemaker_is_on(
    mappings: str, base: str, outcome: str, tmp_path: Path
) -> None:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments/own.yaml").write_text("resource_registry:\n" + mappings)
    if base:
        (tmp_path / "overcloud-resource-registry-puppet.yaml").write_text(base)
        (tmp_path / "puppet/services").mkdir(parents=True)
        (tmp_path / "puppet/services/haproxy.yaml").write_text("heat_template_version: newton\n")
    (verdict,) = lwlint.check([tmp_path], select=["LW402"]).verdicts
    assert verdict.outcome == outcome


TAKEN = [
    (alias, managed, plain)
    for service in load_catalogue().services
    if service.kind == "active_passive"
    for alias in service.aliases[:1]
    for managed in service.pacemaker_templates[:1]
    for plain in [next((one for one in service.templates if one not in service.pacemaker_templates), "")]
    if plain
]


@pytest.mark.parametrize(("alias", "managed", "plain"), TAKEN, ids=[alias for alias, _, _ in TAKEN])
@pytest.mark.parametrize("here", [False, True])
@pytest.mark.parametrize(("order", "back"), [("ab", True), ("ba", False), ("aba", False), ("a", False)])
def test_what_a_later_environment_takes_back_is_told_whether_the_templates_are_here_or_not(
    alias: str, managed: str, plain: str, here: bool, order: str, back: bool
) -> None:
    alias = alias if alias.startswith("OS::") else f"OS::TripleO::Services::{alias}"
    paths = {name: name if name.endswith(".yaml") else f"{name}.yaml" for name in (managed, plain)}
    pacemaker = "  OS::TripleO::Services::Pacemaker: puppet/services/pacemaker.yaml\n"
    files = {
        "a.yaml": f"resource_registry:\n{pacemaker}  {alias}: {paths[managed]}\n",
        "b.yaml": f"resource_registry:\n  {alias}: {paths[plain]}\n",
    }
    if here:
        files |= dict.fromkeys((*paths.values(), "puppet/services/pacemaker.yaml"), "heat_template_version: queens\n")
    given = tuple(f"{name}.yaml" for name in order)
    assert findings(files, "LW402", "LW416", environments=given) == [f"{'LW416' if 'CinderVolume' in alias else 'LW402'} b.yaml:2"] * back


VOLUME = """heat_template_version: rocky
parameters: {CinderVolumeCluster: {type: string, default: ''}}
outputs:
  role_data:
    value:
      config_settings:
        tripleo::profile::base::cinder::volume::cinder_volume_cluster: {get_param: CinderVolumeCluster}
"""
PACED = "deployment/cinder/cinder-volume-pacemaker-puppet.yaml"
CLUSTER = "tripleo::profile::base::cinder::volume::cinder_volume_cluster"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("CinderVolumeCluster: one", True),
        ("CinderVolumeCluster: ''", False),
        (f"ControllerExtraConfig: {{{CLUSTER}: one}}", True),
        (f"ComputeExtraConfig: {{{CLUSTER}: one}}", False),  # cinder-volume does not run there
        (f"CinderVolumeCluster: one\n  ControllerExtraConfig: {{{CLUSTER}: ''}}", False),  # what beats the parameter
        (f"ExtraConfig: {{{CLUSTER}: ''}}\n  ControllerExtraConfig: {{{CLUSTER}: one}}", True),
        (f"ControllerExtraConfig: {{{CLUSTER}: ''}}\n  VolumesExtraConfig: {{{CLUSTER}: one}}", False),  # either may be the role
        (f"VolumesExtraConfig: {{{CLUSTER}: one}}\n  ControllerExtraConfig: {{{CLUSTER}: ''}}", False),
        (f"VolumesExtraConfig: {{{CLUSTER}: one}}\n  ControllerExtraConfig: {{{CLUSTER}: two}}", True),
        (f"ControllerExtraConfig: {{{CLUSTER}: one}}\n  controllerExtraConfig: {{{CLUSTER}: ''}}", True),  # the old name is merged first
    ],
)
def test_cinder_volume_is_active_active_by_what_its_nodes_get(lines: str, told: bool) -> None:
    files = {
        "overcloud-resource-registry-puppet.j2.yaml": (f"resource_registry:\n  OS::TripleO::Services::CinderVolume: {PACED}\n"),
        PACED: "heat_template_version: rocky\n",
        "deployment/cinder/cinder-volume-container-puppet.yaml": VOLUME,
        "site.yaml": f"parameter_defaults:\n  {lines}\n",
        "other.yaml": "parameter_defaults: {X: 1}\n",
    }
    assert bool(findings(files, "LW428", environments=("site.yaml",))) == told
    assert findings(files, "LW428", environments=("other.yaml",)) == []


@pytest.mark.parametrize("order", [("Controller", "Volumes"), ("Volumes", "Controller")])
def test_roles_that_differ_leave_open_whether_cinder_volume_is_active_active(order: tuple[str, str]) -> None:
    lines = "".join(f"  {role}ExtraConfig: {{{CLUSTER}: '{'one' if role == 'Volumes' else ''}'}}\n" for role in order)
    files = {
        "overcloud-resource-registry-puppet.yaml": f"resource_registry:\n  OS::TripleO::Services::CinderVolume: {PACED}\n",
        PACED: "heat_template_version: rocky\n",
        "site.yaml": f"parameter_defaults:\n{lines}",
    }
    report = check(Request(environments=("site.yaml",), tree=Memory(files)), [one for one in every_rule() if one.code == "LW428"])
    (verdict,) = report.verdicts
    assert (verdict.outcome, report.findings) == ("not evaluated", ())
    assert f"`{CLUSTER}`" in verdict.because


@pytest.mark.parametrize(
    ("runs", "kind", "under"),
    [
        ("get_attr: [Base, role_data]", "../puppet/services/pacemaker/%s.yaml", True),
        ("step_config: {get_attr: [Base, role_data, step_config]}", "../puppet/services/pacemaker/%s.yaml", True),
        ("map_merge: [{get_attr: [ Base , role_data ]}, {service_name: x}]", "'../puppet/services/pacemaker/%s.yaml'", True),
        ("get_attr: [Base, role_data]", "../puppet/services/%s.yaml", False),
        ("config_settings: {get_attr: [Base, role_data, config_settings]}", "../puppet/services/pacemaker/%s.yaml", False),
        ("get_attr: [Other, role_data]", "../puppet/services/pacemaker/%s.yaml", False),
        ("get_attr: [Base, role_data]", "own.yaml", False),  # itself
        ("a: b  # get_attr: [Base, role_data]", "../puppet/services/pacemaker/%s.yaml", False),
    ],
)
@pytest.mark.parametrize("written", ["  Base:\n    type: %s\n", "  Base: {type: %s}\n", "  Base:\n    type: %s\n    properties: {A: b}\n"])
def test_a_template_that_runs_one_under_pacemaker_is_under_it_too(runs: str, kind: str, under: bool, written: str) -> None:
    def tree(alias: str, name: str) -> dict[str, str]:
        resources = "resources:\n" + written % (kind % name if "%s" in kind else kind)
        own = f"heat_template_version: pike\n{resources}outputs:\n  role_data:\n    value:\n      {runs}\n"
        empty = dict.fromkeys((f"puppet/services/{name}.yaml", f"puppet/services/pacemaker/{name}.yaml"), "heat_template_version: pike\n")
        on = ON.replace("../", "")
        registry = f"resource_registry:\n{on}  OS::TripleO::Services::{alias}: custom/own.yaml\n"
        return {"custom/own.yaml": own, "env.yaml": registry, "puppet/services/pacemaker.yaml": "heat_template_version: pike\n", **empty}

    found = findings(tree("NovaApi", "nova-api"), "LW401", "LW403", environments=("env.yaml",))
    assert [line for line in found if "puppet/" not in line] == (["LW401 env.yaml:3", "LW403 custom/own.yaml:1"] if under else [])
    core = findings(tree("HAproxy", "haproxy"), "LW402", environments=("env.yaml",))
    assert core == ([] if under else ["LW402 env.yaml:3"])


PACED_API = "puppet/services/pacemaker/nova-api.yaml"
RESOURCE = f"resources:\n  Base: {{type: ../{PACED_API}}}\n"
WHOLE = "      get_attr: [Base, role_data]\n"
RUNS_PACEMAKER = """heat_template_version: pike
outputs:
  role_data:
    value:
      service_name: nova_api
      step_config: 'include ::tripleo::profile::pacemaker::nova'
"""


def runs_another(resources: str, value: str, others: dict[str, str], registry: str = "") -> bool:
    """Return whether a template with these resources and role data is said to be under Pacemaker."""
    own = f"heat_template_version: pike\n{resources}outputs:\n  role_data:\n    value:\n{value}"
    base = f"resource_registry:\n{ON.replace('../', '')}{registry}"
    files = {
        "custom/own.yaml": own,
        "overcloud-resource-registry-puppet.yaml": base,
        "environments/env.yaml": "resource_registry:\n  OS::TripleO::Services::NovaApi: ../custom/own.yaml\n",
        "puppet/services/pacemaker.yaml": "heat_template_version: pike\n",
        PACED_API: RUNS_PACEMAKER,
        **others,
    }
    found = findings(files, "LW403")
    return "LW403 custom/own.yaml:1" in found


@pytest.mark.parametrize(
    ("resources", "value"),
    [
        (RESOURCE, "      get_attr:\n        - Base\n        - role_data\n"),
        (RESOURCE, "      get_attr: ['Base', \"role_data\"]\n"),
        (RESOURCE, "      {get_attr: [Base, role_data], }\n"),
        (RESOURCE, "      step_config:\n        list_join: ['', [include x, {get_attr: [Base, role_data, step_config]}]]\n"),
        (RESOURCE, "      docker_config: {step_2: {x: {command: [puppet, apply, -e, {get_attr: [Base, role_data, step_config]}]}}}\n"),
        (RESOURCE, "      if: [a, {get_attr: [Base, role_data]}, {step_config: ''}]\n"),
        (RESOURCE, "      map_merge: [{get_attr: [Base, role_data]}, {if: [a, {step_config: ''}, {}]}]\n"),
        (
            "resources:\n  Base:\n    depends_on: x\n    type: ../puppet/services/pacemaker/nova-api.yaml\n",
            "      get_attr: [Base, role_data]\n",
        ),
        (
            "resources:\n  Base:\n    # see there\n    type: ../puppet/services/pacemaker/nova-api.yaml\n",
            "      get_attr: [Base, role_data]\n",
        ),
        (
            "resources:\n  Base: {properties: {a: b}, type: ../puppet/services/pacemaker/nova-api.yaml}\n",
            "      get_attr: [Base, role_data]\n",
        ),
    ],
)
def test_what_a_template_runs_is_read_however_it_is_written(resources: str, value: str) -> None:
    assert runs_another(resources, value, {})


@pytest.mark.parametrize(
    "value",
    [
        "      step_config: |\n        see get_attr: [Base, role_data, step_config]\n",  # a text
        "      upgrade_tasks: {get_attr: [Base, role_data, step_config]}\n",
        "      puppet_config: {step_config: {get_attr: [Base, role_data, step_config]}}\n",  # which makes files only
        "      docker_config: {get_attr: [Base, role_data, docker_config]}\n",  # it has none
        "      map_merge: [{get_attr: [Base, role_data]}, {step_config: include x}]\n",
        "      map_merge: [{step_config: {get_attr: [Base, role_data, step_config]}}, {step_config: ''}]\n",
    ],
)
def test_a_template_runs_of_another_only_what_it_takes_from_it(value: str) -> None:
    assert not runs_another(RESOURCE, value, {})


def test_what_a_template_runs_is_found_by_an_alias_and_through_others() -> None:
    alias = "resources:\n  Base: {type: OS::TripleO::Services::Mine}\n"
    value = "      step_config: {get_attr: [Base, role_data, step_config]}\n"
    middle = f"heat_template_version: pike\nresources:\n  Low: {{type: ../{PACED_API}}}\noutputs:\n  role_data:\n    value:\n      %s\n"
    mine = "  OS::TripleO::Services::Mine: custom/middle.yaml\n"

    def found(line: str) -> bool:
        return runs_another(alias, value, {"custom/middle.yaml": middle % line}, mine)

    assert found("get_attr: [Low, role_data]")
    assert found("step_config: {get_attr: [Low, role_data, step_config]}")
    assert not found("docker_config: {x: {get_attr: [Low, role_data, step_config]}}")  # this is not what is taken from it
    assert not runs_another(alias, value, {"custom/middle.yaml": middle % "get_attr: [Low, role_data]"})  # nothing maps the alias


def test_templates_that_run_each_other_are_under_pacemaker_if_one_of_them_is() -> None:
    other = RESOURCE.replace("../puppet/services/pacemaker/nova-api.yaml", "../custom/own.yaml")
    circle = f"heat_template_version: pike\n{other}outputs:\n  role_data:\n    value: {{get_attr: [Base, role_data]}}\n"
    both = "resources:\n  Other: {type: other.yaml}\n" + RESOURCE.partition("\n")[2]
    value = "      map_merge: [{get_attr: [Other, role_data]}, {get_attr: [Base, role_data]}]\n"
    assert runs_another(both, value, {"custom/other.yaml": circle})
    assert not runs_another(
        "resources:\n  Other: {type: other.yaml}\n", "      get_attr: [Other, role_data]\n", {"custom/other.yaml": circle}
    )


@pytest.mark.parametrize(
    ("text", "under"),
    [
        ("include ::tripleo::profile::pacemaker::keystone", True),
        ("include tripleo::profile::base::haproxy, ::tripleo::profile::pacemaker::keystone", True),
        ("include('tripleo::profile::pacemaker::keystone')", True),
        ("contain tripleo::profile::pacemaker::keystone", True),
        ('class { \\"::tripleo::profile::pacemaker::keystone\\": }', True),
        ("include ::tripleo::profile::base::haproxy  # not ::tripleo::profile::pacemaker::keystone", False),
        ("include ::tripleo::profile::base::haproxy  # include ::tripleo::profile::pacemaker::keystone", False),
        ("$x = hiera('tripleo::profile::pacemaker::keystone::step')", False),
    ],
)
def test_a_profile_for_pacemaker_is_known_however_it_is_included(text: str, under: bool) -> None:
    value = f'      step_config: "{text}"\n'
    assert runs_another("", value, {}) == under


PACED_KEYSTONE = f"{ON}  OS::TripleO::Services::Keystone: puppet/services/pacemaker/keystone.yaml\n"


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("", True),
        ("  OS::TripleO::Services::Key*: OS::Heat::None\n", False),  # a wildcard comes before the exact name, in whatever environment
        ("  OS::TripleO::Services::Nova*: OS::Heat::None\n", True),
        ("  OS::TripleO::Services::Keystone*: OS::Heat::None\n", True),  # but not if it begins with all of that
        ("  OS::TripleO::Services::K*: OS::TripleO::Services::Nobodys\n", True),  # it leads nowhere, so that Heat passes over it
        ("  OS::TripleO::Services::K*: ../a.yaml\n", True),  # a template makes it a name like others
    ],
)
@pytest.mark.parametrize("environments", [("wild.yaml", "env.yaml"), ("env.yaml", "wild.yaml")])
def test_a_wildcard_of_a_registry_works_as_in_heat(more: str, found: bool, environments: tuple[str, ...]) -> None:
    template = "heat_template_version: pike\n"
    files = {
        "env.yaml": f"resource_registry:\n{PACED_KEYSTONE}",
        "wild.yaml": f"resource_registry:\n  OS::TripleO::Services::Other: OS::Heat::None\n{more}",
        **dict.fromkeys(("puppet/services/pacemaker/keystone.yaml", "puppet/services/pacemaker.yaml", "a.yaml"), template),
    }
    assert bool(findings(files, "LW401", environments=environments)) == found


@pytest.mark.parametrize(
    "entries",
    [
        ["Z*: OS::TripleO::A0", *(f"A{at}: OS::TripleO::A{at + 1}" for at in range(3_000))],
        [
            *(
                f"{wild}: OS::TripleO::L{at + 1:02}{more}*"
                for at in range(40)
                for wild, more in ((f"L{at:02}*", "x"), (f"L{at:02}x*", "y"))
            ),
            *(f"Services::W{at}: OS::TripleO::L00x" for at in range(100)),
        ],
    ],
)
def test_a_registry_of_very_long_ways_is_judged(entries: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    candidates = registry.View._candidates
    monkeypatch.setattr(registry.View, "_candidates", lambda view, name: (asked.append(name), candidates(view, name))[1])
    base = "resource_registry:\n" + "".join(f"  OS::TripleO::{entry}\n" for entry in entries)
    report = check(Request(tree=Memory({"overcloud-resource-registry-puppet.yaml": base})), every_rule())
    assert {finding.code for finding in report.findings} <= {"LW402"}
    assert len(asked) < 400_000


def making(section: str) -> str:
    """A template of a service with a section of role data that may make a resource in the cluster."""
    return f"heat_template_version: rocky\noutputs:\n  role_data:\n    value:\n      service_name: own\n      {section}\n"


DECLARED = (
    "step_config: |\n        include ::tripleo::profile::base::nova::api\n        %spacemaker::resource::%s { '%s': clone_params => true }"
)
CREATED = "deploy_steps_tasks:\n        - shell: %s\n          when: step|int == 2"
NOVA_API = "nova-api systemd:openstack-nova-api"


@pytest.mark.parametrize(
    ("section", "found"),
    [
        (DECLARED % ("", "service", "openstack-nova-api"), True),
        (DECLARED % ("::", "service", "openstack-nova-api"), True),
        (DECLARED % ("# ", "service", "openstack-nova-api"), False),
        (DECLARED % ("", "bundle", "unknown"), False),
        (CREATED % f"pcs resource create {NOVA_API} --clone", True),
        (CREATED % f"pcs -f cib resource create --force {NOVA_API}", True),
        (CREATED % f">-\n            pcs resource create {NOVA_API}", True),
        (CREATED % f"echo resource create {NOVA_API}", False),
        (CREATED % f"'true'  # pcs resource create {NOVA_API}", False),
        (CREATED % "pcs resource create fence stonith:fence_ipmilan", False),
        (CREATED % "pcs resource create redis ocf:heartbeat:redis", False),
        (CREATED % "pcs resource delete nova-api", False),
    ],
)
def test_a_template_that_makes_a_resource_itself_puts_its_service_under_pacemaker(section: str, found: bool) -> None:
    """Whether its path is known, which says that it does not, or not."""
    known = {"puppet/services/nova-api.yaml": making(section)}
    assert findings(known, "LW403") == ["LW403 puppet/services/nova-api.yaml:1"] * found
    own = {"own.yaml": making(section), "e.yaml": "resource_registry:\n  OS::TripleO::Services::NovaApi: own.yaml\n"}
    if "redis" not in section:
        assert findings(own, "LW401", "LW403") == ["LW401 e.yaml:2", "LW403 own.yaml:1"] * found


def test_a_core_service_whose_template_makes_its_resource_is_under_pacemaker() -> None:
    mapped = "resource_registry:\n" + ON.replace("../", "") + "  OS::TripleO::Services::Redis: own.yaml\n"
    for agent, found in (("ocf:heartbeat:redis", []), ("ocf:heartbeat:unknown", ["LW402 e.yaml:3"])):
        files = {
            "own.yaml": making(CREATED % f"pcs resource create redis {agent}"),
            "e.yaml": mapped,
            "puppet/services/pacemaker.yaml": making(""),
        }
        assert findings(files, "LW402") == found


def test_a_line_of_very_many_resources_is_judged_in_a_moment() -> None:
    words = "pcs resource create a ocf:b:c pacemaker::resource::service { 'x': }; " * 20_000
    assert findings({"own.yaml": making(CREATED % repr(words.replace("'", "")))}, "LW403") == []


@pytest.mark.parametrize(
    ("alias", "profile", "outcome"),
    [
        ("Frob", "tripleo::profile::pacemaker::frob_bundle", "not evaluated"),
        ("Frob", "tripleo::profile::base::frob", "pass"),
        ("NovaApi", "tripleo::profile::pacemaker::nova::api", "fail"),
    ],
)
def test_an_alias_of_nobody_that_leads_to_pacemaker_is_not_passed(alias: str, profile: str, outcome: str, tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments/own.yaml").write_text(
        f"resource_registry:\n{ON}  OS::TripleO::Services::{alias}: ../puppet/services/own.yaml\n"
    )
    (tmp_path / "puppet/services").mkdir(parents=True)
    (tmp_path / "puppet/services/pacemaker.yaml").write_text("heat_template_version: newton\n")
    (tmp_path / "puppet/services/own.yaml").write_text(
        f"heat_template_version: newton\noutputs:\n  role_data:\n    value:\n      step_config: |\n        include ::{profile}\n"
    )
    (verdict,) = lwlint.check([tmp_path], select=["LW401"]).verdicts
    assert verdict.outcome == outcome


NEWTON = "heat_template_version: newton\n"
SMALL_TREE = {
    "overcloud-resource-registry-puppet.yaml": "resource_registry:\n  OS::TripleO::Services::Pacemaker: OS::Heat::None\n",
    "puppet/services/pacemaker.yaml": NEWTON,
    "puppet/services/pacemaker/nova-api.yaml": NEWTON,
    "puppet/services/pacemaker/database/mysql.yaml": NEWTON,
}


@pytest.mark.parametrize(
    ("alias", "target", "found"),
    [
        # what has no `::` is a file to Heat's client, whatever its name, and no template to Heat unless the name says so
        ("Services::NovaApi", "../puppet/services/pacemaker/nova-api", ["LW409"]),
        ("Services::MySQL", "../puppet/services/pacemaker/database/mysql", ["LW409"]),
        ("Services::Foo", "foo.YAML", ["LW409"]),
        ("Services::Foo", "../README", ["LW409"]),
        ("NodeExtraConfig", "extra.j2", ["LW414"]),
        ("Services::NovaApi", "OS::Nova::Server", []),
        ("Services::Foo", "Foo::Bar", []),
        ("Services::Foo", "'{{foo}}'", ["LW409"]),
        # the same file by a URL
        (
            "Services::NovaApi",
            "file:///usr/share/openstack-tripleo-heat-templates/puppet/services/pacemaker/nova-api.yaml",
            ["LW401", "LW409"],
        ),
        ("Services::NovaApi", "file:///usr/share/openstack-tripleo-heat-templates/puppet/services/nova-api.yaml", ["LW409"]),
    ],
)
def test_a_target_without_a_namespace_is_a_file(alias: str, target: str, found: list[str]) -> None:
    files = {**SMALL_TREE, "environments/e.yaml": f"resource_registry:\n{ON}  OS::TripleO::{alias}: {target}\n", "README": "read me\n"}
    codes = ("LW401", "LW402", "LW409", "LW414")
    assert [line.split()[0] for line in findings(files, *codes) if "environments" in line] == found


def test_what_else_a_registry_holds_is_no_target() -> None:
    registry = "  hooks: pre-create\n  restricted_actions: update\n  resources: {Server: {hooks: [pre-create]}}\n  OS::TripleO::X:\n"
    assert findings({**SMALL_TREE, "environments/e.yaml": f"resource_registry:\n{ON}{registry}"}, "LW401", "LW409", "LW414") == []


@pytest.mark.parametrize(
    ("alias", "target", "outcome"),
    [
        ("Keystone", "https://example.org/keystone.yaml", "not evaluated"),
        ("Keystone", "https://example.org/puppet/services/keystone.yaml", "pass"),
        ("Keystone", "file:///srv/custom.yaml", "not evaluated"),
        ("Keystone", "custom", "not evaluated"),
        ("Own", "https://example.org/own.yaml", "not evaluated"),
        ("Own", "../own.yaml", "not evaluated"),
        ("Own", "OS::Heat::None", "pass"),
        ("Own", "OS::Heat::Value", "pass"),
        ("Own", "here.yaml", "pass"),
    ],
)
def test_a_template_that_is_not_here_is_not_passed(alias: str, target: str, outcome: str) -> None:
    mapping = f"resource_registry:\n  OS::TripleO::Services::{alias}: {target}\n"
    files = {"environments/e.yaml": mapping, "environments/here.yaml": NEWTON}
    report = check(Request(tree=Memory(files)), [rule for rule in every_rule() if rule.code == "LW401"])
    assert [verdict.outcome for verdict in report.verdicts] == [outcome]
