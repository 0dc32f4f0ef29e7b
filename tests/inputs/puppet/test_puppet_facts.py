"""What a manifest makes of the cluster, of connections and of retries: values, scopes, ids, members."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

import pytest

from lwlint.core.facts import Unreadable
from lwlint.core.source import Source
from lwlint.inputs.puppet.facts import ManifestClass, ManifestConstraint, ManifestDatabase, ManifestOption, ManifestResource
from lwlint.inputs.puppet.manifest import unit_name
from lwlint.inputs.puppet.reader import manifest_facts
from lwlint.run import load_catalogue

CATALOGUE = load_catalogue()


def facts(text: str, kind: type) -> list:  # type: ignore[type-arg]
    """Return the facts of one kind; `res::`, `Res::` and `con::` are short for puppet-pacemaker's long names."""
    for short, name in (("res::", "pacemaker::resource::"), ("Res::", "Pacemaker::Resource::"), ("con::", "pacemaker::constraint::")):
        text = text.replace(short, name)
    return [fact for fact in manifest_facts([Source("x.pp", text, "puppet")], CATALOGUE) if isinstance(fact, kind)]


def made(text: str) -> list[tuple[str, Optional[str]]]:
    """Return id and agent of each resource."""
    return [(fact.id, fact.agent) for fact in facts(text, ManifestResource)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("res::service { 'haproxy': clone_params => true }", [("haproxy-clone", "systemd:haproxy")]),
        ("res::service { 'a': service_name => 'b', clone_params => '' }", [("a-clone", "systemd:b")]),
        ("::res::service { '::a': clone_params => undef }", [("a", "systemd:a")]),
        ("res::ocf { 'redis': ocf_agent_name => 'heartbeat:redis', master_params => '' }", [("redis-master", "ocf:heartbeat:redis")]),
        ("res::ocf { 'x': ocf_agent_name => 'ocf:a:b', bundle => 'y', master_params => '' }", [("x", "ocf:a:b")]),
        ("res::ip { 'vip': ip_address => 'fd00::1' }", [("ip-fd00..1", "ocf:heartbeat:IPaddr2")]),
        ("res::ip { 'vip': ip_address => $vip }", [("ip-${vip}", "ocf:heartbeat:IPaddr2")]),
        ("res::filesystem { 'fs': device => 'x', clone_params => '' }", [("fs-clone", "ocf:heartbeat:Filesystem")]),
        ("res::remote { 'r': }", [("r", "ocf:pacemaker:remote")]),
        ("res::lsb { 'l': }", [("l", "lsb:l")]),
        ("res::bundle { 'haproxy-bundle': image => 'x' }", [("haproxy-bundle", None)]),
        ("pcmk_resource { 'x': resource_type => 'systemd:y', clone_params => 'interleave=true' }", [("x-clone", "systemd:y")]),
        ("res::service { $::nova::params::vncproxy_service_name : }", [("openstack-nova-novncproxy", "systemd:openstack-nova-novncproxy")]),
        ("$a = 'x'\n$b = \"${a}-y\"\nres::service { $b: }", [("x-y", "systemd:x-y")]),
        ("if $q { $a = 'x' } else { $a = 'y' }\nres::service { $a: }", [("x", "systemd:x"), ("y", "systemd:y")]),
        ("$a = $q ? { 'b' => 'x', default => 'y' }\nres::service { $a: }", [("x", "systemd:x"), ("y", "systemd:y")]),
        ("res::service { hiera('name', 'x'): }", [("x", "systemd:x")]),
        ("res::service { join(['a', 'b'], '-'): }", [("a-b", "systemd:a-b")]),
        ("$l = ['a', 'b']\nres::service { $l: }", [("a", "systemd:a"), ("b", "systemd:b")]),
        ("each(['a']) |$n| { res::service { \"${n}-x\": } }", [("a-x", "systemd:a-x")]),
        ("{'a' => 1}.each |$k, $v| { res::service { $k: } }", [("a", "systemd:a")]),
        ("res::service { 'a': service_name => hiera('b') }", [("a", None)]),
        ("$h = {'a' => 1}\n$h.each |$k, $v| { res::service { $k: } }", [("a", "systemd:a")]),
        ("define my($s) { res::service { $name: service_name => $s } }\nmy { 'a': s => 'b' }", [("a", "systemd:b")]),
        ("create_resources(res::service, {'a' => {}}, {'clone_params' => true})", [("a-clone", "systemd:a")]),
        ("$d = {clone_params => true}\nres::service { 'a': * => $d }", [("a-clone", "systemd:a")]),
        ("Res::Service { clone_params => true }\nres::service { 'a': }", [("a-clone", "systemd:a")]),
        ("res::service { 'a': }\nRes::Service['a'] { clone_params => true }", [("a-clone", "systemd:a")]),
        ("@res::service { 'a': } -> @@res::service { 'b': }", [("a", "systemd:a"), ("b", "systemd:b")]),
        ('$a = "${b}"\n$b = "${a}"\nres::service { $a: }', [("$a", None)]),
        ("case $x { 'y': { res::service { 'a': } } default: { } }", [("a", "systemd:a")]),
        ("Res::Service <| |> { tries => 1 }", []),
        ("pacemaker::stonith::fence_ipmilan { 'x': }", []),
    ],
)
def test_a_declaration_becomes_the_resource_that_the_cluster_will_have(text: str, expected: list[tuple[str, Optional[str]]]) -> None:
    assert made(text) == expected


def test_many_names_for_one_title_do_not_multiply_without_end() -> None:
    text = "".join(f'$v{n} = "${{v{n + 1}}}${{v{n + 1}}}"\n' for n in range(60)) + "$v60 = 'x'\nres::service { $v0: }"
    assert [fact.decided for fact in facts(text, ManifestResource)] == [False]


def test_what_is_removed_is_known_as_absent() -> None:
    text = """
        res::service { 'a': ensure => absent }
        con::base { 'b': ensure => absent, constraint_type => 'order' }
    """
    assert [fact.absent for fact in facts(text, ManifestResource) + facts(text, ManifestConstraint)] == [True, True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "con::base { 'x': constraint_type => order, first_resource => a, second_resource => b, constraint_params => 'kind=Optional' }",
            ("order", ["a", "b"], None, "Optional"),
        ),
        ("con::order { 'x': first_resource => 'a', second_resource => 'b' }", ("order", ["a", "b"], None, None)),
        ("con::colocation { 'x': source => a, target => b, score => 'INFINITY' }", ("colocation", ["a", "b"], "INFINITY", None)),
        ("con::location { 'x': resource => 'a', location => 'n', score => '-INFINITY' }", ("location", ["a"], "-INFINITY", None)),
        ("con::base { 'x': constraint_type => 'colocation', first_resource => \"ip-${v}\" }", ("colocation", ["ip-${v}"], None, None)),
    ],
)
def test_a_constraint_has_its_type_members_and_score(text: str, expected: tuple[str, list[str], Optional[str], Optional[str]]) -> None:
    assert [(f.type, [m.id for m in f.members], f.score, f.constraint_kind) for f in facts(text, ManifestConstraint)] == [expected]


def test_a_member_is_known_by_the_agent_that_the_manifest_gives_it() -> None:
    text = """
        res::service { 'web': service_name => 'httpd', clone_params => true }
        con::colocation { 'x': source => 'web-clone', target => "ip-${vip}" }
    """
    assert [[m.service and m.service.name for m in f.members] for f in facts(text, ManifestConstraint)] == [["apache", "vip"]]


def test_classes_are_known_however_they_are_used() -> None:
    text = """
        include ::tripleo::profile::pacemaker::haproxy, b
        class { ['::c', 'd']: e => 1 }
        if $x { contain f::g } else { require('h') }
        class i inherits ::j { }
        $l = ['k']
        include $l
        include Class['m']
    """
    used = [(f.name, f.how, f.conditional) for f in facts(text, ManifestClass)]
    assert used == [
        ("tripleo::profile::pacemaker::haproxy", "include", False),
        ("b", "include", False),
        ("c", "class", False),
        ("d", "class", False),
        ("f::g", "contain", True),
        ("h", "require", True),
        ("j", "inherits", False),
        ("k", "include", False),
        ("m", "include", False),
    ]


def test_options_have_section_and_value() -> None:
    text = "nova_config { 'database/max_retries': value => -1; 'DEFAULT/host': value => $fqdn; 'a/b': ensure => absent }"
    found = [(f.config, f.section, f.option, f.value, f.absent) for f in facts(text, ManifestOption)]
    assert found == [
        ("nova_config", "database", "max_retries", "-1", False),
        ("nova_config", "DEFAULT", "host", None, False),
        ("nova_config", "a", "b", None, True),
    ]


def test_defined_types_of_puppet_oslo_write_options() -> None:
    text = (
        "oslo::db { 'cinder_config': connection => 'mysql://a', max_retries => 5, db_max_retries => undef, retry_interval => 1 }\n"
        "::oslo::db { 'placement_config': config_group => 'placement_database', max_retries => $::os_service_default }\n"
        "oslo::messaging::rabbit { 'nova_config': rabbit_max_retries => 3 }\n"
        "oslo::messaging::default { 'nova_config': transport_url => 'rabbit://' }\n"
        "oslo::db { 'api_database': config_group => 'api_database', max_retries => 5 }"
    )
    found = [(f.name, f.config, f.section, f.option, f.value) for f in facts(text, ManifestOption)]
    assert found == [
        ("cinder_config database/connection", "cinder_config", "database", "connection", "mysql://a"),
        ("cinder_config database/max_retries", "cinder_config", "database", "max_retries", "5"),
        ("nova_config oslo_messaging_rabbit/rabbit_max_retries", "nova_config", "oslo_messaging_rabbit", "rabbit_max_retries", "3"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("class { 'aodh': database_connection => $x }", [("aodh::database_connection", None)]),
        ("class { 'nova': api_database_connection => $x }", [("nova::api_database_connection", None)]),
        (
            "class { 'manila': sql_connection => $x }\nclass { 'manila::db': database_max_retries => -1 }",
            [("manila::sql_connection", "-1")],
        ),
        (
            "class { 'aodh': database_connection => $x }\naodh_config { 'database/max_retries': value => 5 }",
            [("aodh::database_connection", "5")],
        ),
        (
            "class { 'glance::api': database_connection => $x }\nclass { 'glance::registry::db': database_max_retries => -1 }",
            [("glance::api::database_connection", None)],
        ),
        ("class { 'cinder::db': database_connection => $x, database_max_retries => undef }", [("cinder::db::database_connection", None)]),
        (
            "class { 'cinder::db': database_connection => $x, database_max_retries => $facts['os_service_default'] }",
            [("cinder::db::database_connection", None)],
        ),
        ("cinder_config { 'database/connection': value => 'mysql://h' }", [("cinder::database_connection", None)]),
        ("cinder_config { 'database/connection': value => \"mysql://c:${secret}@h/c\" }", [("cinder::database_connection", None)]),
        (
            "cinder_config { 'database/connection': value => 'mysql://h'; 'database/max_retries': value => -1 }",
            [("cinder::database_connection", "-1")],
        ),
        (
            "class { 'cinder::db': database_max_retries => 5 }\ncinder_config { 'database/connection': value => 'mysql://h' }",
            [("cinder::database_connection", "5")],
        ),
        ("oslo::db { 'heat_config': connection => 'mysql://h', max_retries => -1 }", [("heat::database_connection", "-1")]),
        (
            "nova_config { 'api_database/connection': value => 'mysql://h'; 'database/max_retries': value => -1 }",
            [("nova::api_database_connection", None)],
        ),
        (
            "glance_api_config { 'database/connection': value => 'mysql://h' }\n"
            "glance_registry_config { 'database/max_retries': value => -1 }",
            [("glance::api::database_connection", None)],
        ),
        ("cinder_config { 'database/connection': value => $x }", []),  # of a module, which hands it on
        ("cinder_config { 'database/connection': value => 'sqlite:///x'; 'database/slave_connection': value => 'mysql://h' }", []),
        ("my_config { 'database/connection': value => 'mysql://h' }", []),
        ("class { 'aodh': database_connection => 'mongodb://x' }", []),
        ("class { 'aodh': database_connection => \"mongodb://${h}/x\" }", []),
        ("if $m { $c = \"mongodb://${h}/x\" } class { 'aodh': database_connection => $c }", []),
        (
            "if $m { $c = \"mongodb://${h}/x\" } else { $c = hiera('x') } class { 'aodh': database_connection => $c }",
            [("aodh::database_connection", None)],
        ),
        (
            '$c = $m ? { true => "mongodb://${h}", default => "mysql://${h}" } class { \'aodh\': database_connection => $c }',
            [("aodh::database_connection", None)],
        ),
        ("$c = \"${c}x\" class { 'aodh': database_connection => $c }", [("aodh::database_connection", None)]),
        ("class { 'aodh::db::mysql': host => 'x' }", []),
        ("class { 'my::own': database_connection => $x }", []),
        ("class { 'collectd::plugin::virt': connection => 'qemu:///system' }", []),
    ],
)
def test_connections_know_the_retries_beside_them(text: str, expected: list[tuple[str, Optional[str]]]) -> None:
    assert [(f.name, f.retry and f.retry.value) for f in facts(text, ManifestDatabase)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("exec { 'pcs resource create a systemd:b': path => '/sbin' }", [("a", "systemd:b")]),
        ("exec { 'x': command => '/usr/sbin/pcs resource create a systemd:b --clone' }", [("a-clone", "systemd:b")]),
        ("exec { 'x': command => 'pcs -f c --force resource create a ocf:x:y op monitor timeout=9 master' }", [("a-master", "ocf:x:y")]),
        ("exec { 'x': command => 'pcs resource create a Dummy promotable' }", [("a-master", "ocf:heartbeat:Dummy")]),
        ("exec { 'x': command => ['/usr/sbin/pcs', 'resource', 'create', 'a', 'systemd:b', 'clone'] }", [("a-clone", "systemd:b")]),
        ("exec { 'x': command => 'LANG=C timeout 5m /sbin/pcs resource create a systemd:b' }", [("a", "systemd:b")]),
        ("exec { 'x': command => \"bash -c \\\"pcs resource create a systemd:b && pcs resource create c systemd:d\\\"\" }",
         [("a", "systemd:b"), ("c", "systemd:d")]),
        ("exec { 'x': command => \"pcs status\\npcs resource create a systemd:b\" }", [("a", "systemd:b")]),
        ("exec { 'x': command => 'crm configure primitive a systemd:b op monitor interval=9s' }", [("a", "systemd:b")]),
        ("$n = 'b' exec { 'x': command => \"pcs resource create a systemd:${n}\" }", [("a", "systemd:b")]),
        ("exec { 'x': command => \"pcs resource create a systemd:${n}\" }", [("a", None)]),
        ("exec { 'x': command => \"pcs resource create 'a systemd:b\" }", [("'a", "systemd:b")]),
        ("exec { 'x': command => 'pcs resource delete a' }", []),
        ("exec { 'x': command => 'echo pcs resource create a systemd:b' }", []),
        ("exec { 'x': command => '/sbin/pcs resource create' }", []),
        ("exec { 'x': command => '/sbin/puppet resource create a systemd:b', unless => 'pcs resource create a systemd:b' }", []),
        ("exec { $command: path => '/sbin' }", []),
        ("notify { 'pcs resource create a systemd:b': }", []),
    ],
)  # fmt: skip
def test_commands_of_the_cluster_create_resources(text: str, expected: list[tuple[str, Optional[str]]]) -> None:
    assert made(text) == expected


def test_a_name_that_only_puppet_can_tell_is_not_decided() -> None:
    found = facts('exec { "x": command => "pcs resource create ${name} systemd:${unit}" }', ManifestResource)
    assert [(one.name, one.decided, one.agent, one.type) for one in found] == [("${name}", False, None, "exec")]


def test_a_broken_manifest_is_told_and_the_rest_of_it_counts() -> None:
    text = "res::service { 'a' }\nres::service { 'b': }\n"
    place = len("pacemaker::resource::service { 'a' ")
    assert [(f.span.start, f.message) for f in facts(text, Unreadable)] == [(place, "`}` stands where `:` is expected")]
    assert made(text) == [("b", "systemd:b")]


@pytest.mark.parametrize(
    ("variable", "unit"),
    [
        ("aodh::params::evaluator_service_name", "openstack-aodh-evaluator"),
        ("cinder::params::volume_service", "openstack-cinder-volume"),
        ("neutron::params::l3_agent_service", "neutron-l3-agent"),
        ("neutron::params::ovs_agent_service", "neutron-openvswitch-agent"),
        ("heat::params::api_cfn_service_name", "openstack-heat-api-cfn"),
        ("keystone::params::service_name", "openstack-keystone"),
        ("apache::params::service_name", "httpd"),
        ("nova::params::package_name", None),
        ("mine::params::service_name", None),
        ("service_name", None),
    ],
)
def test_params_of_modules_name_units(variable: str, unit: Optional[str]) -> None:
    assert unit_name(variable) == unit


def _tree(name: str) -> Path:
    folder = os.environ.get("LWLINT_THT_TREES", "")
    if not folder or not Path(folder, name).exists():
        pytest.skip("MANIFESTS ARE MISSING: set LWLINT_THT_TREES to a folder of checkouts by release")
    return Path(folder, name)


def test_mitaka_has_51_resources_50_orders_and_29_colocations() -> None:
    text = (_tree("mitaka") / "puppet/manifests/overcloud_controller_pacemaker.pp").read_text("utf-8")
    resources, constraints = facts(text, ManifestResource), facts(text, ManifestConstraint)
    by_kind = {f.id: f.service.kind for f in resources}
    assert (len(by_kind), sorted(by_kind.values()).count("active_active")) == (51, 40)
    assert [[f.type for f in constraints].count(kind) for kind in ("order", "colocation")] == [50, 29]
    assert facts(text, Unreadable) == []


@pytest.mark.parametrize("tree", ["newton-before", "newton-after"])
def test_newton_keeps_three_services_of_aodh_in_its_manifest(tree: str) -> None:
    source = Source("x.pp", (_tree(tree) / "puppet/manifests/overcloud_controller_pacemaker.pp").read_text("utf-8"), "puppet")
    found = [f for f in manifest_facts([source], CATALOGUE) if isinstance(f, (ManifestResource, ManifestConstraint, ManifestDatabase))]
    lines = sorted((source.position(f.span.start).line, f.kind) for f in found)
    assert lines == [
        (48, "manifest_database"), (85, "manifest_constraint"), (96, "manifest_resource"), (99, "manifest_resource"),
        (102, "manifest_resource"), (105, "manifest_constraint"), (114, "manifest_constraint"), (121, "manifest_constraint"),
        (130, "manifest_constraint"),
    ]  # fmt: skip
