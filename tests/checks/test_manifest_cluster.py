"""What manifests make of the cluster: every form of a virtual IP's constraints, bundles' ports, constraints that name nothing."""

from __future__ import annotations

from itertools import product

import pytest

from lwlint.files.tree import Memory
from lwlint.run import Request, check, load_rules
from tests.inputs.heat.heat_findings import every_rule, findings

HAPROXY = "pacemaker::resource::service { 'haproxy': clone_params => true }\n"
# how an address is written: the parameter, its id in a constraint, what stands in front of it
ADDRESSES = {
    "literal": ("'192.0.2.10'", "'ip-192.0.2.10'", ""),
    "version 6": ("'2001:db8::10'", "'ip-2001.db8..10'", ""),
    "variable": ("$vip", '"ip-${vip}"', "$vip = hiera('public_virtual_ip')\n"),
    "no braces": ("$vip", '"ip-$vip"', "$vip = hiera('public_virtual_ip')\n"),
}
TARGETS = {
    "clone": ("'haproxy-clone'", ""),
    "bundle": ("'haproxy-bundle'", ""),
    "either": ("$target", "$target = $docker ? { true => 'haproxy-bundle', default => 'haproxy-clone' }\n"),
}


def colocation(source: str, target: str, score: str) -> str:
    return f"pacemaker::constraint::colocation {{ 'c': source => {source}, target => {target}, score => '{score}' }}\n"


def order(first: str, second: str, form: str) -> str:
    members = f"first_resource => {first}, second_resource => {second}, first_action => 'start', second_action => 'start'"
    kind = "constraint_type => 'order', " if form == "base" else ""
    return f"pacemaker::constraint::{form} {{ 'o': {kind}{members}, constraint_params => 'kind=Optional' }}\n"


@pytest.mark.parametrize(("address", "target"), list(product(ADDRESSES, TARGETS)))
@pytest.mark.parametrize(
    ("turned", "score", "found"),
    [(False, "INFINITY", False), (False, "+INFINITY", False), (False, "1000000", False), (False, "1000", True), (True, "INFINITY", True)],
)
def test_an_address_is_bound_by_a_mandatory_colocation_with_haproxy_only(
    address: str, target: str, turned: bool, score: str, found: bool
) -> None:
    value, id, before = ADDRESSES[address]
    to, more = TARGETS[target]
    vip = f"pacemaker::resource::ip {{ 'vip': ip_address => {value} }}\n"
    pair = (to, id) if turned else (id, to)
    text = before + more + HAPROXY + vip + colocation(*pair, score)
    line = (before + more + HAPROXY).count("\n") + 1
    assert findings({"a.pp": text}, "LW423") == [f"LW423 a.pp:{line}"] * found


@pytest.mark.parametrize(("address", "form", "turned"), list(product(ADDRESSES, ("base", "order"), (False, True))))
def test_an_address_comes_before_haproxy(address: str, form: str, turned: bool) -> None:
    value, id, before = ADDRESSES[address]
    pair = ("'haproxy-clone'", id) if turned else (id, "'haproxy-clone'")
    text = before + HAPROXY + f"pacemaker::resource::ip {{ 'vip': ip_address => {value} }}\n" + order(*pair, form)
    assert findings({"a.pp": text}, "LW425") == [f"LW425 a.pp:{text.count(chr(10))}"] * turned
    alone = before + HAPROXY + f"pacemaker::resource::ip {{ 'vip': ip_address => {value} }}\n"
    assert findings({"a.pp": alone}, "LW425") == [f"LW425 a.pp:{alone.count(chr(10))}"]


@pytest.mark.parametrize("other", ["'galera-master'", "'ovn-dbs-bundle'", "'ceph-nfs'", "'rabbitmq-clone'"])
@pytest.mark.parametrize("turned", [False, True])
def test_an_address_that_is_tied_to_another_service_is_that_service_s(other: str, turned: bool) -> None:
    pair = (other, "'ip-192.0.2.10'") if turned else ("'ip-192.0.2.10'", other)
    text = HAPROXY + "pacemaker::resource::ip { 'vip': ip_address => '192.0.2.10' }\n" + colocation(*pair, "INFINITY")
    assert findings({"a.pp": text}, "LW423", "LW425") == []


@pytest.mark.parametrize(
    ("text", "code", "reason"),
    [
        ("pacemaker::resource::ip { 'vip': ip_address => '192.0.2.10' }\n", "LW423", "makes no HAProxy"),
        ("file { '/a': }\n", "LW423", "no manifest makes a virtual IP"),
        ("file { '/a': }\n", "LW424", "no manifest makes a constraint"),
        ("file { '/a': }\n", "LW426", "no manifest makes a bundle"),
        ("file { '/a': }\n", "LW427", "no manifest makes a core resource"),
        (colocation("'ip-192.0.2.10'", "'haproxy-clone'", "INFINITY"), "LW424", "may be made by a manifest that is not here"),
        ("pacemaker::resource::bundle { 'b': network => \"control-port=${port}\" }\n", "LW426", "only Puppet can tell"),
    ],
)
def test_what_a_manifest_alone_cannot_tell_is_not_evaluated(text: str, code: str, reason: str) -> None:
    (verdict,) = check(Request(tree=Memory({"a.pp": text})), [rule for rule in every_rule() if rule.code == code]).verdicts
    assert (verdict.outcome, reason in verdict.because) == ("not evaluated", True)


@pytest.mark.parametrize(
    ("id", "found"),
    [("haproxy-clone", False), ("haproxy", False), ("galera-master", False), ("redis-bundle", False), ("ip-192.0.2.10", False)]
    + [(id, True) for id in ("redis-master-x", "ip-192.0.2.1", "openstack-core-clone", "rabbitmq-bundle")],
)
def test_a_constraint_names_what_some_manifest_makes(id: str, found: bool) -> None:
    files = {
        "a.pp": HAPROXY + colocation(f"'{id}'", "'haproxy-clone'", "10"),
        "b.pp": "pacemaker::resource::ocf { 'galera': ocf_agent_name => 'heartbeat:galera', master_params => '' }\n"
        "pacemaker::resource::bundle { 'redis-bundle': }\npacemaker::resource::ip { 'v': ip_address => '192.0.2.10' }\n",
    }
    assert findings(files, "LW424") == ["LW424 a.pp:2"] * found


@pytest.mark.parametrize(("first", "second", "lines"), [(3122, 3123, []), (3123, 3123, [2]), (3121, 3123, [1]), (3121, 3121, [1, 2])])
@pytest.mark.parametrize("form", ["'control-port={}'", '"control-port=${{port}}"'])
def test_control_ports_are_one_for_each_bundle_and_none_is_the_host_s(first: int, second: int, lines: list[int], form: str) -> None:
    def bundle(name: str, port: int) -> str:
        return (
            f"class {name}($port = hiera('p', '{port}')) {{ pacemaker::resource::bundle {{ '{name}': network => {form.format(port)} }} }}\n"
        )

    assert findings({"a.pp": bundle("a", first) + bundle("b", second)}, "LW426") == [f"LW426 a.pp:{line}" for line in lines]


def test_what_is_virtual_is_judged_once_something_realizes_it() -> None:
    bound = ("'ip-192.0.2.11'", "'haproxy-clone'")
    text = (
        f"{HAPROXY}@pacemaker::resource::ip {{ 'vip': ip_address => '192.0.2.10' }}\n"
        "pacemaker::resource::ip { 'other': ip_address => '192.0.2.11' }\n"
        f"@{colocation(*bound, 'INFINITY')}@{order(*bound, 'order')}"
        "@pacemaker::resource::service { 'openstack-nova-api': }\n"
    )
    realizing = (
        "realize Pacemaker::Resource::Ip['vip']\nPacemaker::Constraint::Colocation <| |>\nPacemaker::Constraint::Order <| title == 'o' |>\n"
        "Pacemaker::Resource::Service <| title == 'openstack-nova-api' |>\n"
    )
    codes = {"LW407", "LW408", "LW423", "LW424", "LW425"}

    def judged(files: dict[str, str]) -> tuple[list[tuple[str, int]], set[str]]:
        report = check(Request((".",), tree=Memory(files)), load_rules(select=sorted(codes)))
        found = [(f.code, report.sources[f.span.path].position(f.span.start).line) for f in report.findings if f.code in codes]
        return sorted(found), {v.code for v in report.verdicts if v.code in codes and v.outcome == "not evaluated"}

    assert judged({"a.pp": text}) == ([], codes)
    assert judged({"a.pp": text, "b.pp": realizing}) == ([("LW407", 6), ("LW423", 2), ("LW425", 2)], set())


def test_a_default_of_an_option_left_alone_and_a_collector_that_sets_it() -> None:
    text = "cinder_config { 'database/max_retries': value => '<SERVICE DEFAULT>' }\n"
    assert findings({"a.pp": text}, "LW421") == []
    text = "cinder_config { 'database/max_retries': value => -1 }\nCinder_config <| title == 'database/max_retries' |> { value => 5 }\n"
    assert findings({"a.pp": text}, "LW421") == ["LW421 a.pp:2"]


@pytest.mark.parametrize(
    ("target", "more", "found"),
    [
        ("puppet/services/pacemaker/database/redis.yaml", "", False),
        ("puppet/services/database/redis.yaml", "", True),
        ("OS::Heat::None", "", True),
        ("puppet/services/pacemaker/database/redis.yaml", "class tripleo::profile::pacemaker::database::redis { }\n", True),
    ],
)
def test_what_the_class_of_a_template_makes_that_is_not_here_is_no_missing_resource(target: str, more: str, found: bool) -> None:
    step = "outputs:\n  role_data:\n    value:\n      step_config: |\n        include ::tripleo::profile::%s::database::redis\n"
    files = {
        "overcloud-resource-registry-puppet.yaml": f"resource_registry:\n  OS::TripleO::Services::Redis: {target}\n",
        "puppet/services/pacemaker/database/redis.yaml": "heat_template_version: 2016-04-08\n" + step % "pacemaker",
        "puppet/services/database/redis.yaml": "heat_template_version: 2016-04-08\n" + step % "base",
        "puppet/manifests/overcloud_controller_pacemaker.pp": HAPROXY + order("'redis-master'", "'haproxy-clone'", "base"),
        **({"redis.pp": more} if more else {}),
    }
    assert bool(findings(files, "LW424")) is found
