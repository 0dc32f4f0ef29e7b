"""Functions beside other keys, files that are no Heat templates, and mappings whose templates are not here."""

from __future__ import annotations

from itertools import product

import pytest

from lwlint.files.tree import Memory
from lwlint.inputs import KINDS
from lwlint.inputs.heat import HEAT
from lwlint.run import Request, check
from tests.inputs.heat.heat_findings import every_rule, findings

# each function of Heat with an argument of its form, and one that is none
FUNCTIONS = {
    "get_attr": "[Y, role_data]",
    "get_param": "P",
    "get_resource": "Y",
    "get_file": "x.sh",
    "map_merge": "[{a: 1}]",
    "map_replace": "[{a: 1}, {}]",
    "list_join": "[',', [a]]",
    "list_concat": "[[a], [b]]",
    "if": "[c, 1, 2]",
    "str_replace": "{template: a, params: {a: b}}",
    "yaql": "{expression: a, data: {}}",
    "repeat": "{template: a, for_each: {}}",
}
PLACES = {
    "settings": "outputs: {role_data: {value: {config_settings: {%s}}}}",
    "container": "outputs: {role_data: {value: {docker_config: {step_4: {x: {%s}}}}}}",
    "tasks": "outputs: {role_data: {value: {upgrade_tasks: [{%s}]}}}",
    "property": "resources: {A: {type: OS::Heat::Value, properties: {value: {%s}}}}",
}


@pytest.mark.parametrize(("name", "place"), list(product(FUNCTIONS, PLACES)))
def test_a_function_beside_other_keys_is_none_wherever_it_stands(name: str, place: str) -> None:
    head = "heat_template_version: rocky\n"
    call = f"{name}: {FUNCTIONS[name]}"
    assert findings({"x.sh": "", "a.yaml": head + PLACES[place] % f"{call}, image: i"}, "LW415") == ["LW415 a.yaml:2"]
    assert findings({"x.sh": "", "a.yaml": head + PLACES[place] % call}, "LW415") == []
    assert findings({"x.sh": "", "a.yaml": head + PLACES[place] % f"{name}: {{other: 1}}, image: i"}, "LW415") == []


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("str_replace: restart NAME, params: {NAME: mysqld}", True),
        ("str_replace: null, template: restart NAME, params: {NAME: mysqld}", True),
        ("yaql: $.data.x, data: {x: 1}", True),
        ("repeat: null, for_each: {X: [a]}, template: X", True),
        ("str_replace: restart, image: i", False),
        ("repeat: 3, template: {src: a, dest: b}", False),
        ("repeat: daily, data: x", False),
    ],
)
def test_keys_of_a_function_beside_its_name_are_told(keys: str, told: bool) -> None:
    text = f"heat_template_version: rocky\noutputs: {{a: {{value: {{x: {{{keys}}}}}}}}}\n"
    assert findings({"a.yaml": text}, "LW415") == ["LW415 a.yaml:2"] * told


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("sc.yaml", "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nparameters:\n  pool: p\n", None),
        ("chart.yaml", "apiVersion: v2\nresources:\n  limits: {cpu: 1}\n", None),
        ("kustomization.yaml", "resources:\n- a.yaml\n", None),
        ("deployment.yaml", "{{- if .Values.on }}\nparameters:\n  a: b\n{{- end }}\n", None),
        ("x.yaml", "resources:\n  a: {{ .Release.Name }}\n", None),
        ("t.yaml", "heat_template_version: rocky\nresources:\n  a: '{{ if .Values.x }}'\n", HEAT),
        ("e.yaml", "parameter_defaults:\n  a: 1\napiVersion: 1\n", HEAT),
        ("r.j2.yaml", "resource_registry:\n  a: {{ if x }}\n", HEAT),
        ("p.yaml", "parameters:\n  a: 1\n", HEAT),
        ("hieradata/a.json", '{"nova::db::database_max_retries": -1}', HEAT),
        ("a.json", '{"nova::db::database_max_retries": -1}', None),
    ],
)
def test_yaml_of_others_is_no_heat_template(path: str, text: str, kind: str | None) -> None:
    assert KINDS.of(path, text)[0] == kind
    if kind is None and path.endswith(".yaml"):
        assert KINDS.of(path, text, named=True)[0] is None


@pytest.mark.parametrize("above", ["../", "", "/usr/share/openstack-tripleo-heat-templates/"])
@pytest.mark.parametrize(
    ("alias", "target", "found"),
    [
        ("NovaApi", "puppet/services/pacemaker/nova-api.yaml", ["LW401"]),
        ("NovaApi", "puppet/services/nova-api.yaml", []),
        ("MySQL", "deployment/database/mysql-container-puppet.yaml", ["LW402"]),
        ("MySQL", "deployment/database/mysql-pacemaker-puppet.yaml", []),
    ],
)
def test_a_template_that_is_not_here_is_judged_by_its_path(above: str, alias: str, target: str, found: list[str]) -> None:
    lines = f"  OS::TripleO::Services::{alias}: {above}{target}\n"
    pacemaker = f"  OS::TripleO::Services::Pacemaker: {above}puppet/services/pacemaker.yaml\n"
    files = {"environments/site.yaml": "resource_registry:\n" + lines + pacemaker}
    assert findings(files, "LW401", "LW402") == [f"{code} environments/site.yaml:2" for code in found]


@pytest.mark.parametrize("target", ["/home/stack/mine.yaml", "../mine.yaml", "OS::TripleO::Services::Mine"])
def test_a_template_that_nobody_knows_is_not_evaluated(target: str) -> None:
    files = {"environments/site.yaml": f"resource_registry:\n  OS::TripleO::Services::NovaApi: {target}\n"}
    (verdict,) = check(Request(tree=Memory(files)), [rule for rule in every_rule() if rule.code == "LW401"]).verdicts
    assert (verdict.outcome, "is not here" in verdict.because) == ("not evaluated", True)


def test_one_finding_is_told_for_all_templates_of_a_file_that_do_not_exist() -> None:
    registry = "resource_registry:\n" + "".join(f"  OS::TripleO::Network::N{n}: nothere/{n}.yaml\n" for n in range(5))
    files = {
        "overcloud-resource-registry-puppet.yaml": "resource_registry: {}\n",
        "environments/a.yaml": registry,
        "environments/b.yaml": registry,
    }
    report = check(Request(tree=Memory(files)), [rule for rule in every_rule() if rule.code == "LW414"])
    assert [(f.span.path, f.severity, f.message.endswith("(4 more in this file)"), len(f.related)) for f in report.findings] == [
        ("environments/a.yaml", "warning", True, 3),
        ("environments/b.yaml", "warning", True, 3),
    ]


def test_what_is_allowed_is_said_once() -> None:
    registry = "resource_registry:\n  OS::TripleO::Services::CinderBackup: ../puppet/services/pacemaker/cinder-backup.yaml\n"
    template = {"puppet/services/pacemaker/cinder-backup.yaml": "heat_template_version: pike\n"}
    files = {f"environments/{n}.yaml": registry for n in range(4)}
    report = check(Request(tree=Memory({**files, **template})), [rule for rule in every_rule() if rule.code == "LW412"])
    assert [(f.span.path, f.message.endswith("(and 3 more mappings)")) for f in report.findings] == [("environments/0.yaml", True)]


@pytest.mark.parametrize(("blank", "broken"), [("", 0), (" ", 0), ("  ", 0)])
def test_puppet_took_a_blank_in_front_of_the_bracket_of_a_reference(blank: str, broken: int) -> None:
    assert len(findings({"a.pp": f"exec {{ 'x': require => Foo::Bar{blank}['y'] }}\n"}, "LW901")) == broken


@pytest.mark.parametrize(
    ("order", "lines"),
    [(("ha", "up", "away"), ["LW402 away.yaml:2"]), (("ha", "away", "up"), []), (("ha", "away"), []), (("up", "away"), [])],
)
def test_a_later_environment_takes_an_active_passive_service_back(order: tuple[str, ...], lines: list[str]) -> None:
    files = {
        "ha.yaml": "resource_registry:\n  OS::TripleO::Services::Pacemaker: puppet/services/pacemaker.yaml\n",
        "up.yaml": "resource_registry:\n  OS::TripleO::Services::ManilaShare: puppet/services/pacemaker/manila-share.yaml\n",
        "away.yaml": "resource_registry:\n  OS::TripleO::Services::ManilaShare: puppet/services/manila-share.yaml\n",
        **dict.fromkeys(
            (f"puppet/services/{name}.yaml" for name in ("pacemaker", "manila-share", "pacemaker/manila-share")),
            "heat_template_version: pike\n",
        ),
    }
    assert findings(files, "LW402", environments=tuple(f"{name}.yaml" for name in order)) == lines
