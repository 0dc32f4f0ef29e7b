"""Defined types of Fuel that make resources and constraints in their turn, and those that are not here."""

from __future__ import annotations

import pytest

from lwlint.core.finding import Verdict
from lwlint.files.tree import Memory
from lwlint.run import Request, check, load_rules

SERVICE = "pacemaker_wrappers::service { %s }\n"
HAPROXY = (
    "$name_of_it = hiera('name')\n" + SERVICE % "$name_of_it: prefix => false, primitive_type => 'ns_haproxy', complex_type => 'clone'"
)
VIP = "cluster::virtual_ip { 'public': vip => hiera('vip') }\n"
BOUND = "cs_rsc_colocation { 'c': primitives => ['vip__public', \"clone_${name_of_it}\"], score => 'INFINITY' }\n"
ORDERED = "cs_rsc_order { 'o': first => 'vip__public', second => \"clone_${name_of_it}\" }\n"


def judged(text: str, code: str) -> Verdict:
    """Return the verdict of one rule on a manifest."""
    (verdict,) = check(Request(tree=Memory({"a.pp": text})), [rule for rule in load_rules() if rule.code == code]).verdicts
    return verdict


def because(text: str, code: str) -> str:
    """Return why a rule says nothing of a manifest; `pass` or `fail` where it does."""
    verdict = judged(text, code)
    return verdict.because if verdict.outcome == "not evaluated" else verdict.outcome


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (SERVICE % "'heat-engine': primitive_type => 'heat-engine'", "fail"),
        (SERVICE % "'x': primitive_class => 'systemd', primitive_type => 'openstack-nova-api'", "fail"),
        (SERVICE % "'heat-engine': primitive_type => 'heat-engine', create_primitive => false", "pass"),
        (SERVICE % "'heat-engine': primitive_type => 'heat-engine', ensure => absent", "pass"),
        (SERVICE % "'mysqld': primitive_type => 'mysql-wss', complex_type => 'clone'", "pass"),
        ("pacemaker::new::wrapper { 'a': service => 'b', primitive_class => 'lsb', primitive_type => 'heat-api' }\n", "fail"),
        ("cluster::corosync::cs_service { 'l3': ocf_script => 'neutron-l3-agent', service_name => 'neutron-l3' }\n", "fail"),
        ("pcmk_resource_default { 'neutron-l3-agent': value => '1' }\n", "pass"),
    ],
)
def test_what_a_wrapper_makes_is_judged(text: str, outcome: str) -> None:
    assert because(text, "LW407") == outcome


def test_a_colocation_of_fuels_wrapper_touches_what_it_names() -> None:
    text = "cluster::corosync::cs_with_service { 'x': first => 'clone_p_neutron-openvswitch-agent', second => 'p_neutron-dhcp-agent' }\n"
    assert because(text, "LW408") == "fail"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("include ::cluster::haproxy_ocf\n", "cluster::haproxy_ocf"),
        ("class { 'cluster::neutron::dhcp': primary => true }\n", "cluster::neutron::dhcp"),
        ("somebodys::wrapper { 'nova-api': }\n", "somebodys::wrapper"),
        (SERVICE % "'nova-api': ", "pacemaker_wrappers::service"),
    ],
)
def test_a_wrapper_that_is_not_here_is_no_pass(text: str, named: str) -> None:
    assert because(text, "LW407") == f"a.pp:1: `{named}`, which is not here, may create resources of the cluster"


@pytest.mark.parametrize(
    "text", ["include ::nova\n", "include ::nova::api\n", "concat::fragment { 'x': }\n", "class here::too { }\ninclude here::too\n"]
)
def test_modules_of_one_program_and_classes_that_are_here_hide_nothing(text: str) -> None:
    assert because(text, "LW407") == "pass"


@pytest.mark.parametrize(
    ("text", "bound", "ordered"),
    [
        (VIP + HAPROXY + BOUND + ORDERED, "pass", "pass"),
        (VIP + HAPROXY + BOUND, "pass", "fail"),
        (VIP + HAPROXY, "network namespace", "network namespace"),
        (VIP + BOUND, "only Puppet can tell what `clone_${name_of_it}` is", "only Puppet can tell what `clone_${name_of_it}` is"),
        (VIP + HAPROXY + BOUND.replace("clone_${name_of_it}", "p_dns"), "pass", "pass"),
    ],
)
def test_an_address_of_fuel_is_bound_by_what_its_colocation_names(text: str, bound: str, ordered: str) -> None:
    assert bound in because(text, "LW423")
    assert ordered in because(text, "LW425")


@pytest.mark.parametrize("values", ["'haproxy-clone', 'p_dns'", ""])
def test_an_address_that_is_bound_to_what_may_be_anything_is_not_evaluated(values: str) -> None:
    options = "".join(f"if $a == {value} {{ $to = {value} }}\n" for value in values.split(", ") if value)
    text = (
        options + "pacemaker::resource::ip { 'v': ip_address => '192.0.2.10' }\n"
        "pacemaker::constraint::colocation { 'c': source => 'ip-192.0.2.10', target => $to, score => 'INFINITY' }\n"
    )
    assert "only Puppet can tell what `$to` is" in because(text, "LW423")
    assert "only Puppet can tell what `$to` is" in because(text, "LW425")


HIERA = "create_resources('pacemaker::resource::service', %s)\n"


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (HIERA % "hiera_hash('ha')", "a.pp:1: only Puppet can tell which resource `hiera_hash('ha')` is"),
        ("class a ($of = {}) {\n" + HIERA % "$of" + "}\n", "a.pp:2: only Puppet can tell which resource `$of` is"),
        (
            HIERA % "merge({ 'haproxy' => {} }, hiera('y'))",
            "a.pp:1: only Puppet can tell which resource `merge({ 'haproxy' => {} }, hiera('y'))` is",
        ),
        ("$of = { 'haproxy' => {} }\n" + HIERA % "merge($of, {})", "pass"),
        (HIERA % "merge({ 'openstack-nova-api' => {} }, hiera('y'))", "fail"),
        ("create_resources('nova_config', hiera('y'))\ncreate_resources('class', $y)\n", "pass"),
    ],
)
def test_a_hash_of_resources_that_only_hiera_knows_is_no_pass(text: str, outcome: str) -> None:
    assert because(text, "LW407") == outcome


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("pacemaker::resource::ocf { 'x': ocf_agent_name => hiera('agent') }\n", "a.pp:1: only Puppet can tell what `x` runs"),
        ("cs_primitive { 'x': primitive_type => $agent }\n", "a.pp:1: only Puppet can tell what `x` runs"),
        (SERVICE % "'x': primitive_type => $agent", "a.pp:1: only Puppet can tell what `p_x` runs"),
        (SERVICE % "'neutron-l3-agent': primitive_type => $agent", "fail"),
        ("pcmk_remote { 'x': }\npacemaker::resource::bundle { 'x': image => $x }\n", "pass"),
    ],
)
def test_a_resource_whose_agent_only_puppet_knows_is_no_pass(text: str, outcome: str) -> None:
    assert because(text, "LW407") == outcome


def test_a_define_that_is_used_with_a_list_of_titles_makes_each() -> None:
    text = "define ha { pacemaker::resource::service { \"neutron-${name}\": } }\nha { ['l3-agent', 'server']: }\n"
    found = check(Request(tree=Memory({"a.pp": text})), [rule for rule in load_rules() if rule.code == "LW407"]).findings
    assert [finding.subject for finding in found] == ["manifest resource neutron-l3-agent", "manifest resource neutron-server"]
