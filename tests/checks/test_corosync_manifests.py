"""Manifests in the words of puppet-corosync, of puppet-pacemaker and of Fuel's modules: each define, each way round, each score."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import pytest

from lwlint.files.tree import Memory
from lwlint.run import Request, check, load_rules
from tests.inputs.heat.heat_findings import every_rule, findings


class Words(NamedTuple):
    """How a module says it: an address, HAProxy in copies, the id of these, and constraints of a dependent with what it follows."""

    vip: str
    haproxy: str
    clone: str
    colocation: Callable[[str, str, str], str]
    order: Callable[[str, str], str]


def corosync_colocation(one: str, other: str, score: str) -> str:
    return f"cs_colocation {{ 'c': primitives => ['{other}', '{one}'], score => '{score}' }}\n"


def fuel_colocation(one: str, other: str, score: str) -> str:
    return f"cs_rsc_colocation {{ 'c': primitives => ['{one}', '{other}'], score => '{score}' }}\n"


def pcmk_colocation(one: str, other: str, score: str) -> str:
    return f"pcmk_colocation {{ 'c': first => '{other}', second => '{one}', score => '{score}' }}\n"


def pacemaker_colocation(one: str, other: str, score: str) -> str:
    return f"pacemaker::constraint::colocation {{ 'c': source => '{one}', target => '{other}', score => '{score}' }}\n"


def pacemaker_order(first: str, second: str) -> str:
    return f"pacemaker::constraint::order {{ 'o': first_resource => '{first}', second_resource => '{second}' }}\n"


def ordering(kind: str) -> Callable[[str, str], str]:
    return lambda first, second: f"{kind} {{ 'o': first => '{first}', second => '{second}' }}\n"


OF_FUEL = "primitive_class => 'ocf', {} => 'fuel', primitive_type => '{}'"
MODULES = {
    "puppet-corosync": Words(
        "cs_primitive { 'vip': primitive_class => 'ocf', provided_by => 'heartbeat', primitive_type => 'IPaddr2' }\n",
        "cs_primitive { 'haproxy': primitive_class => 'systemd', primitive_type => 'haproxy' } cs_clone { 'cl': primitive => 'haproxy' }\n",
        "cl",
        corosync_colocation,
        ordering("cs_order"),
    ),
    "puppet-corosync, without a class or provider": Words(
        "cs_primitive { 'vip': primitive_type => 'IPaddr2' }\n",
        "cs_primitive { 'haproxy': primitive_type => 'haproxy' } cs_clone { 'haproxy-clone': primitive => 'haproxy' }\n",
        "haproxy-clone",
        corosync_colocation,
        ordering("cs_order"),
    ),
    "puppet-pacemaker": Words(
        "pacemaker::resource::ocf { 'vip': ocf_agent_name => 'heartbeat:IPaddr2' }\n",
        "pacemaker::resource::service { 'haproxy': clone_params => true }\n",
        "haproxy-clone",
        pacemaker_colocation,
        pacemaker_order,
    ),
    "Fuel up to 5": Words(
        f"cs_resource {{ 'vip': {OF_FUEL.format('provided_by', 'ns_IPaddr2')} }}\n",
        f"cs_resource {{ 'p_haproxy': {OF_FUEL.format('provided_by', 'ns_haproxy')}, complex_type => 'clone' }}\n",
        "clone_p_haproxy",
        lambda one, other, score: corosync_colocation(other, one, score),
        ordering("cs_order"),
    ),
    "Fuel 6 to 8": Words(
        f"cs_resource {{ 'vip': {OF_FUEL.format('provided_by', 'ns_IPaddr2')} }}\n",
        f"cs_resource {{ 'p_haproxy': {OF_FUEL.format('provided_by', 'ns_haproxy')}, complex_type => 'clone' }}\n",
        "clone_p_haproxy",
        fuel_colocation,
        ordering("cs_rsc_order"),
    ),
    "Fuel 9": Words(
        f"pcmk_resource {{ 'vip': {OF_FUEL.format('primitive_provider', 'ns_IPaddr2')} }}\n",
        f"pcmk_resource {{ 'p_haproxy': {OF_FUEL.format('primitive_provider', 'ns_haproxy')}, complex_type => 'clone' }}\n",
        "clone_p_haproxy",
        pcmk_colocation,
        ordering("pcmk_order"),
    ),
    "Fuel's own wrapper": Words(
        "pacemaker_wrappers::service { 'vip': prefix => false, primitive_class => 'ocf', primitive_type => 'ns_IPaddr2' }\n",
        "pacemaker_wrappers::service { 'haproxy': primitive_class => 'ocf', primitive_type => 'ns_haproxy', complex_type => 'clone' }\n",
        "clone_p_haproxy",
        fuel_colocation,
        ordering("cs_rsc_order"),
    ),
    "the wrapper of the module of Fuel 9": Words(
        "pacemaker::service { 'vip': prefix => false, primitive_class => 'ocf', primitive_type => 'ns_IPaddr2' }\n",
        "pacemaker::service { 'p_haproxy': prefix => false, primitive_class => 'ocf', primitive_type => 'ns_haproxy',"
        " complex_type => 'clone' }\n",
        "clone_p_haproxy",
        pcmk_colocation,
        ordering("pcmk_order"),
    ),
    "the wrapper of puppet-pacemaker": Words(
        "pacemaker::new::wrapper { 'address': service => 'vip', primitive_class => 'ocf', primitive_type => 'IPaddr2' }\n",
        "pacemaker::new::wrapper { 'haproxy': primitive_class => 'ocf', primitive_type => 'haproxy', complex_type => 'clone' }\n",
        "clone_haproxy",
        lambda one, other, score: pcmk_colocation(one, other, score).replace("pcmk_", "pacemaker_"),
        ordering("pacemaker_order"),
    ),
    "the types that it wraps": Words(
        "pacemaker_resource { 'vip': primitive_class => 'ocf', primitive_type => 'IPaddr2' }\n",
        "pacemaker_resource { 'haproxy': primitive_class => 'ocf', primitive_type => 'haproxy', complex_type => 'clone' }\n",
        "clone_haproxy",
        lambda one, other, score: pcmk_colocation(one, other, score).replace("pcmk_", "pacemaker_"),
        ordering("pacemaker_order"),
    ),
}


def severities(text: str, code: str) -> list[tuple[int, str]]:
    report = check(Request(tree=Memory({"a.pp": text})), [rule for rule in load_rules() if rule.code == code])
    return [(report.sources["a.pp"].position(f.span.start).line, f.severity) for f in report.findings]


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize(
    ("turned", "score", "found"),
    [
        (False, "INFINITY", None),
        (False, "inf", None),
        (False, "1000", "error"),
        (False, "-INFINITY", "error"),
        (True, "INFINITY", "warning"),
        (True, "100", "error"),
        (None, "", "error"),
    ],
)
def test_the_colocation_of_an_address_is_known_in_each_module(module: str, turned: bool | None, score: str, found: str | None) -> None:
    words = MODULES[module]
    pair = (words.clone, "vip") if turned else ("vip", words.clone)
    text = words.vip + words.haproxy + ("" if turned is None else words.colocation(*pair, score))
    assert severities(text, "LW423") == ([(1, found)] if found else [])


@pytest.mark.parametrize(("module", "turned"), list(product(MODULES, (False, True, None))))
def test_the_order_of_an_address_is_known_in_each_module(module: str, turned: bool | None) -> None:
    words = MODULES[module]
    action = ":start" if words.vip.startswith("cs_") else ""
    pair = (words.clone, f"vip{action}") if turned else ("vip", f"{words.clone}{action}")
    text = words.vip + words.haproxy + ("" if turned is None else words.order(*pair))
    assert severities(text, "LW425") == {False: [], True: [(3, "warning")], None: [(1, "warning")]}[turned]


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("apart", [False, True])
def test_what_constraints_name_is_known_by_each_of_its_ids_in_any_manifest(module: str, apart: bool) -> None:
    words = MODULES[module]
    named = [words.clone, "vip", "nothing"]
    constraints = "".join(words.order("vip", id).replace("'o'", f"'o{number}'") for number, id in enumerate(named))
    made = words.vip + words.haproxy
    files = {"a.pp": made, "b.pp": constraints + words.vip.replace("'vip'", "'w'")} if apart else {"a.pp": made + constraints}
    assert findings(files, "LW424") == ([] if apart else ["LW424 a.pp:5"])  # apart it may be made by one more


@pytest.mark.parametrize("module", MODULES)
def test_of_two_manifests_one_binds_what_the_other_makes(module: str) -> None:
    words = MODULES[module]
    files = {"vip.pp": f"class vip {{\n{words.vip}}}\n", "lb.pp": f"class lb {{\n{words.haproxy}}}\n"}
    bound = words.colocation("vip", words.clone, "INFINITY") + words.order("vip", words.clone)
    bound += "# Cs_resource['vip'] -> Cs_colocation['c']\n" if module == "Fuel up to 5" else ""
    assert findings({**files, "c.pp": bound}, "LW423", "LW425") == []
    unbound = findings(files, "LW423", "LW425")
    assert unbound == (["LW423 vip.pp:2", "LW425 vip.pp:2"] if words.vip.startswith("cs_") else [])


@pytest.mark.parametrize("module", MODULES)
def test_a_service_outside_the_core_is_told_in_each_module(module: str) -> None:
    words = MODULES[module]
    unit = words.haproxy.partition("}")[0] + "}\n"
    for there in ("'haproxy'", "'p_haproxy'", "'ns_haproxy'"):
        unit = unit.replace(there, "'openstack-nova-api'")
    unit = (
        unit.replace("'ocf'", "'lsb'")
        if "primitive_class" in unit
        else unit.replace("primitive_type", "primitive_class => 'lsb', primitive_type")
    )
    assert severities(unit + words.order("vip", "openstack-nova-api"), "LW407") == [(1, "error")]
    assert severities(unit + words.order("vip", "openstack-nova-api"), "LW408") == [(2, "error")]


IPS = (
    "cs_primitive { ['a', 'b']: primitive_type => 'IPaddr2' }\n"
    "cs_primitive { 'lb': primitive_class => 'systemd', primitive_type => 'haproxy' }\n"
)


@pytest.mark.parametrize(
    ("rest", "found"),
    [
        ("cs_group { 'g': primitives => ['lb', 'a', 'b'] }\n", []),
        ("cs_group { 'g': primitives => ['a', 'b', 'lb'] }\n", [(1, "note"), (1, "note")]),
        ("cs_group { 'g': primitives => ['a', 'b'] }\ncs_colocation { 'c': primitives => ['lb', 'g'] }\n", []),
        (
            "cs_group { 'g': primitives => ['a', 'b'] }\ncs_colocation { 'c': primitives => ['g', 'lb'] }\n",
            [(1, "warning"), (1, "warning")],
        ),
        ("cs_group { 'g': primitives => ['a', 'b'] }\n", [(1, "error"), (1, "error")]),
        ("cs_primitive { 'db': primitive_type => 'mysql' }\ncs_group { 'g': primitives => ['a', 'b', 'db'] }\n", []),
        ("cs_colocation { 'c': primitives => ['lb', 'a', 'b'] }\n", []),
        ("cs_colocation { 'c': primitives => ['a', 'lb', 'b'] }\n", [(1, "warning")]),
    ],
)
def test_groups_and_longer_lists_bind_each_to_what_stands_before_it(rest: str, found: list[tuple[int, str]]) -> None:
    assert severities(IPS + rest, "LW423") == found


@pytest.mark.parametrize("listed", ["[['lb'], ['a', 'b']]", "$all", "[['lb', {'role' => 'Started'}], ['a']]"])
def test_sets_of_resources_and_lists_that_only_puppet_knows_are_not_evaluated(listed: str) -> None:
    text = IPS + f"cs_colocation {{ 'c': primitives => {listed} }}\n"
    (verdict,) = check(Request(tree=Memory({"a.pp": text})), [rule for rule in every_rule() if rule.code == "LW423"]).verdicts
    assert "only Puppet can tell whether a colocation names" in verdict.because


def test_a_location_for_single_nodes_is_no_rule_of_a_role() -> None:
    text = IPS + "cs_location { 'l': primitive => 'lb', node_name => 'ctl0' }\n"
    assert severities(text, "LW427") == []


@pytest.mark.parametrize(
    ("inside", "found"),
    [("class lb {{ {} }}", []), ("define lb {{ {} }}", []), ("{}", ["LW424 a.pp:1"])],
)
def test_what_a_class_names_of_a_service_that_no_class_here_makes_may_be_made_elsewhere(inside: str, found: list[str]) -> None:
    vip = "pacemaker::resource::ip { 'v': ip_address => '192.0.2.10' }"
    pair = "pacemaker::constraint::colocation { 'c': source => 'ip-192.0.2.10', target => 'haproxy-clone', score => 'INFINITY' }"
    assert findings({"a.pp": inside.format(f"{vip} {pair}") + "\n"}, "LW424") == found
    typo = findings({"a.pp": inside.format(f"{vip} {pair.replace('haproxy-clone', 'haprxy-clone')}") + "\n"}, "LW424")
    assert typo == ["LW424 a.pp:1"]
