"""The traps of tripleo-heat-templates about containers (23 to 25 of the list of traps)."""

from __future__ import annotations

import pytest

from lwlint.inputs.heat.facts import Container
from tests.inputs.heat.heat_findings import facts, findings

HEAD = "heat_template_version: queens\n"


def started(containers: str, step: str = "step_2") -> str:
    """A template that starts these containers (lines without indentation)."""
    body = "".join(f"          {line}\n" for line in containers.splitlines())
    return f"{HEAD}outputs:\n  role_data:\n    value:\n      docker_config:\n        {step}:\n{body}"


@pytest.mark.parametrize(
    "ends",
    [
        "detach: false",
        "action: exec",
        "environment: [KOLLA_CONFIG_STRATEGY=COPY_ALWAYS, KOLLA_BOOTSTRAP=True]",
        "environment: {KOLLA_CONFIG_STRATEGY: COPY_ALWAYS, KOLLA_BOOTSTRAP: true}",
        "environment: {list_concat: [[KOLLA_BOOTSTRAP=True], {get_attr: [X, environment]}]}",
        "command: ['/bin/bash', '-c', 'mkdir -p /var/log/x && chown -R x:x /var/log/x']",
    ],
)
def test_23_a_container_that_ends_by_itself_needs_no_policy(ends: str) -> None:
    assert findings({"a.yaml": started(f"x_init: {{image: i, {ends}}}")}, "LW406") == []


@pytest.mark.parametrize(
    "stays",
    ["detach: true", "environment: [KOLLA_CONFIG_STRATEGY=COPY_ALWAYS]", "command: ['/bin/bash', '-c', 'chown x /x; exec x-api']"],
)
def test_23_what_only_resembles_such_a_container_needs_one(stays: str) -> None:
    assert findings({"a.yaml": started(f"x_api: {{image: i, {stays}}}")}, "LW406") == ["LW406 a.yaml:7"]


def test_24_containers_are_found_behind_functions_and_merge_keys() -> None:
    containers = """map_merge:
  - {get_attr: [Logging, docker_config, step_2]}
  - a: {image: i}
  - if:
      - enabled
      - b: {image: i}
      - c: {map_merge: [{image: i}, {net: host}]}
  - d:
      <<: {image: i}
"""
    assert findings({"a.yaml": started(containers)}, "LW406") == [f"LW406 a.yaml:{line}" for line in (9, 12, 13, 14)]


def test_24_a_side_car_in_a_logging_template_is_one_of_the_containers() -> None:
    logging = f"{HEAD}outputs:\n  docker_config:\n    value:\n      step_4:\n        x_logs: {{image: i, command: tail -F /x}}\n"
    user = f"{HEAD}resources:\n  Logging:\n    type: ./logging/stdout/x.yaml\n"
    user += started("x_api: {image: i, restart: always}")[len(HEAD) :].replace("docker_config:", "docker_config:", 1)
    files = {"docker/services/x.yaml": user, "docker/services/logging/stdout/x.yaml": logging}
    assert findings(files, "LW406") == ["LW406 docker/services/logging/stdout/x.yaml:6"]


BUNDLE = """redis_init_bundle:
  image: i
  detach: false
  command: ['/docker_puppet_apply.sh', '2', 'file', 'include ::tripleo::profile::pacemaker::database::redis_bundle']
redis_restart_bundle: {image: i, detach: false, command: restart}
redis_image_tag: {image: i, detach: false, command: ['/bin/bash', '-c', 'docker tag a b']}
redis_tls_proxy: {image: i, restart: always}
"""


def test_25_a_bundle_has_no_container_of_its_own_and_a_proxy_beside_it_is_legal() -> None:
    path = "docker/services/pacemaker/database/redis.yaml"
    files = {path: started(BUNDLE), "docker/services/pacemaker/clustercheck.yaml": started("clustercheck: {image: i, restart: always}")}
    assert findings(files) == []
    assert [(fact.name, getattr(fact, "under_pacemaker", None)) for fact in facts(files, "container")][:1] == [("clustercheck", False)]


@pytest.mark.parametrize(
    ("described", "policies"),
    [
        ("map_merge: [{image: x}, {if: [a, {restart: always}, {}]}]", ("always", "null")),
        ("map_merge: [{image: x, restart: 'no'}, {if: [a, {restart: always}, {}]}]", ("always", "no")),
        ("map_merge: [{image: x, restart: always}, {if: [a, {restart: 'no'}, {}]}]", ("no", "always")),
        ("map_merge: [{image: x, restart: 'no'}, {if: [a, {restart: always}, {restart: unless-stopped}]}]", ("unless-stopped", "always")),
        ("map_merge: [{image: x, restart: 'no'}, {restart: always}]", ("always",)),
        ("map_merge: [{if: [a, {restart: 'no'}, {}]}, {image: x, restart: always}]", ("always",)),
        ("if: [a, {image: x, restart: always}, {}]", ("always",)),
        ("if: [a, {image: x, restart: always}, {image: y}]", ("always", "null")),
        ("if: [a, {image: x, restart: always}, {image: y, restart: 'no'}]", ("no", "always")),
        ("map_merge: [{if: [a, {image: x}, {}]}, {if: [{not: a}, {restart: 'no'}, {restart: always}]}]", ("always",)),
        ("map_merge: [{image: x}, {if: [a, {detach: false}, {restart: always}]}]", ("always",)),
        ("map_merge: [{image: x}, {if: [a, {detach: false}, {}]}]", ("null",)),
        ("map_merge: [{image: x}, {if: [a, {detach: {get_param: P}}, {restart: always}]}]", None),
        ("map_merge: [{image: x, environment: [KOLLA_BOOTSTRAP=True]}, {if: [a, {restart: always}, {}]}]", ("always",)),
        ("if: [a, {image: x, action: exec}, {image: x, restart: {if: [a, 'no', always]}}]", ("always",)),
        ("if: [a, {image: x}, {image: x, detach: false, restart: {get_param: P}}]", None),
    ],
)
def test_a_policy_under_a_condition_is_one_where_that_holds(described: str, policies: tuple[str, ...] | None) -> None:
    files = {"a.yaml": started(f"x_api: {{{described}}}")}
    assert [fact.policies for fact in facts(files, "container") if isinstance(fact, Container)] == [policies]
    bad = policies is not None and not {"always", "unless-stopped"}.issuperset(policies)
    assert bool(findings(files, "LW406")) == bad


VALUE = "resources:\n  Own:\n    type: OS::Heat::Value\n    properties: {value: {image: x, net: host%s}}\n"


@pytest.mark.parametrize(("more", "lines"), [("", ["LW406 a.yaml:11"]), (", restart: always", []), (", detach: false", [])])
def test_a_container_that_a_resource_of_the_template_holds_is_one(more: str, lines: list[str]) -> None:
    text = started("x_api: {get_attr: [Own, value]}")
    head, _, tail = text.partition("outputs:")
    assert findings({"a.yaml": f"{head}{VALUE % more}outputs:{tail}"}, "LW406") == lines


def test_a_container_is_started_under_the_conditions_of_its_step() -> None:
    choice = "{if: [{not: a}, {x_api: {if: [a, {image: x}, {image: x, restart: always}]}}, {}]}"
    text = "heat_template_version: pike\noutputs:\n  role_data:\n    value:\n      docker_config:\n        step_4: "
    assert findings({"a.yaml": f"{text}{choice}\n"}, "LW406") == []
    assert findings({"a.yaml": f"{text}{choice.replace('{not: a}', 'a')}\n"}, "LW406") == ["LW406 a.yaml:6"]
