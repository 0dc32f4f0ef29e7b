"""Where resources may run, by sets, patterns, guest nodes and the ports of bundles; each answer is the scheduler's (crm_simulate 2.1.5)."""

from __future__ import annotations

from pathlib import Path

import pytest

import lwlint
from lwlint.inputs.pacemaker.facts import resource_pattern

NODES = "".join(f'<node id="{number}" uname="c{number}"/>' for number in (1, 2, 3))
GUEST = (
    '<primitive id="vm" class="ocf" provider="heartbeat" type="VirtualDomain">'
    '<meta_attributes id="vm-m"><nvpair id="vm-n" name="remote-node" value="g1"/></meta_attributes></primitive>'
)


def service(name: str, agent: str) -> str:
    return (
        f'<primitive id="{name}" class="ocf" provider="heartbeat" type="{agent}">'
        f'<operations><op id="{name}-o" name="monitor" interval="10s"/></operations></primitive>'
    )


def bundle(name: str, agent: str, port: str = "3122") -> str:
    return (
        f'<bundle id="{name}-bundle"><podman image="x" network="host" replicas="1"/><network control-port="{port}"/>'
        f"{service(name, agent)}</bundle>"
    )


CLONES = f'<clone id="rabbitmq-clone">{service("rabbitmq", "rabbitmq-cluster")}</clone>' + (
    '<clone id="haproxy-clone"><primitive id="haproxy" class="systemd" type="haproxy"><operations>'
    '<op id="h-o" name="monitor" interval="10s"/></operations></primitive></clone>'
    f'<clone id="galera-clone">{service("galera", "galera")}</clone>'
)


def each(form: str) -> str:
    """Return a constraint for each node, from a form with `{n}`."""
    return "".join(form.replace("{n}", str(number)) for number in (1, 2, 3))


def report(tmp_path: Path, resources: str, constraints: str, nodes: str = NODES, properties: str = "") -> lwlint.Report:
    (tmp_path / "cib.xml").write_text(
        f'<cib validate-with="pacemaker-3.2" epoch="1"><configuration><crm_config>{properties}</crm_config><nodes>{nodes}</nodes>'
        f"<resources>{resources}</resources><constraints>{constraints}</constraints></configuration></cib>"
    )
    return lwlint.check([str(tmp_path / "cib.xml")])


def about(found: lwlint.Report, code: str) -> list[str]:
    return [finding.subject for finding in found.findings if finding.code == code]


SET = (
    '<rsc_location id="l{n}" node="c{n}" score="OUTER"><resource_set id="s{n}" INNER><resource_ref id="rabbitmq-clone"/>'
    "</resource_set></rsc_location>"
)


@pytest.mark.parametrize(
    ("outer", "inner", "banned"),
    [
        ("100", 'score="-INFINITY"', True),
        ("-INFINITY", 'score="100"', False),
        ("-INFINITY", "", True),
        ("100", "", False),
    ],
)
def test_the_score_of_a_set_goes_before_that_of_its_location(tmp_path: Path, outer: str, inner: str, banned: bool) -> None:
    constraints = each(SET.replace("OUTER", outer).replace("INNER", inner))
    assert about(report(tmp_path, CLONES, constraints), "LW111") == ["resource rabbitmq-clone"] * banned


def test_a_leftover_ban_by_a_set_with_a_score_is_told(tmp_path: Path) -> None:
    one = SET.replace("{n}", "1").replace('id="l1"', 'id="cli-ban-x"').replace("INNER", 'score="-INFINITY"').replace("OUTER", "0")
    assert about(report(tmp_path, CLONES, one), "LW111") == ["constraint cli-ban-x"]


def test_a_rule_has_its_own_score_whatever_the_set_has(tmp_path: Path) -> None:
    constraint = (
        '<rsc_location id="l"><resource_set id="s" score="100"><resource_ref id="rabbitmq-clone"/></resource_set>'
        '<rule id="r" score="-INFINITY"><expression id="e" attribute="#uname" operation="defined"/></rule></rsc_location>'
    )
    assert about(report(tmp_path, CLONES, constraint), "LW111") == ["resource rabbitmq-clone"]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("^(galera|rabbitmq)-clone$", ["galera-clone", "rabbitmq-clone"]),
        ("^[gr][a-z]+-clone$", ["galera-clone", "rabbitmq-clone"]),
        ("!^(haproxy|r.*)", ["galera-clone"]),
        ("^rabbitmq(-clone)?$", ["rabbitmq-clone"]),
        ("[[:alpha:]]+-clone", None),
        ("^(?:galera)", None),
        ("a*+", None),
        (r"galera\-\w+", None),
    ],
)
def test_a_pattern_bans_what_it_finds_and_leaves_it_open_if_not_known(tmp_path: Path, written: str, found: list[str] | None) -> None:
    told = report(tmp_path, CLONES, each(f'<rsc_location id="l{{n}}" rsc-pattern="{written}" node="c{{n}}" score="-INFINITY"/>'))
    assert sorted(about(told, "LW111")) == [f"resource {name}" for name in found or ()]
    verdicts = {verdict.code: verdict for verdict in told.verdicts}
    for code in ("LW105", "LW111", "LW115"):
        assert (verdicts[code].outcome == "not evaluated") is (found is None)
        assert "`rsc-pattern` of location `l1`" in verdicts[code].because or found is not None
    assert (resource_pattern(written) is None) is (found is None)


BANS = each('<rsc_location id="l{n}" rsc="rabbitmq-clone" node="c{n}" score="-INFINITY"/>')


@pytest.mark.parametrize(
    ("constraints", "banned"),
    [
        (BANS, False),
        (BANS + '<rsc_location id="l" rsc="rabbitmq-clone" node="g1" score="-INFINITY"/>', True),
        (
            '<rsc_location id="l" rsc="rabbitmq-clone"><rule id="r" score="-INFINITY">'
            '<expression id="e" attribute="#kind" operation="ne" value="container"/></rule></rsc_location>',
            False,
        ),
    ],
)
def test_a_guest_node_is_a_place_to_run(tmp_path: Path, constraints: str, banned: bool) -> None:
    assert about(report(tmp_path, CLONES + GUEST, constraints), "LW111") == ["resource rabbitmq-clone"] * banned
    assert about(report(tmp_path, CLONES, constraints), "LW111") == ["resource rabbitmq-clone"]


def test_a_guest_node_is_one_on_which_the_core_does_not_belong(tmp_path: Path) -> None:
    marks = "".join(f'<nvpair id="n{{n}}-{mark}" name="{mark}-role" value="true"/>' for mark in ("haproxy", "galera", "rabbitmq"))
    nodes = each(f'<node id="{{n}}" uname="c{{n}}"><instance_attributes id="a{{n}}">{marks}</instance_attributes></node>')
    rule = (
        '<rsc_location id="l-{0}" rsc="{0}-clone" resource-discovery="exclusive"><rule id="r-{0}" score="0">'
        '<expression id="e-{0}" attribute="{0}-role" operation="eq" value="true"/></rule></rsc_location>'
    )
    constraints = rule.format("galera") + rule.format("haproxy")
    assert about(report(tmp_path, CLONES + GUEST, constraints, nodes), "LW115") == ["resource rabbitmq-clone"]
    assert about(report(tmp_path, CLONES, constraints, nodes), "LW115") == []


@pytest.mark.parametrize(
    ("away", "colliding"),
    [
        ({}, ["rabbitmq", "redis"]),
        ({"galera": "12", "rabbitmq": "3"}, ["redis"]),
        ({"galera": "12", "rabbitmq": "3", "redis": "12"}, ["redis"]),  # with that of galera, which is not next to it
        ({"galera": "12", "rabbitmq": "13", "redis": "23"}, []),
    ],
)
def test_bundles_that_never_meet_may_have_one_control_port(tmp_path: Path, away: dict[str, str], colliding: list[str]) -> None:
    bundles = bundle("galera", "galera") + bundle("rabbitmq", "rabbitmq-cluster") + bundle("redis", "redis")
    constraints = "".join(
        f'<rsc_location id="l-{name}-{node}" rsc="{name}-bundle" node="c{node}" score="-INFINITY"/>'
        for name, nodes in away.items()
        for node in nodes
    )
    assert about(report(tmp_path, bundles, constraints), "LW114") == [f"resource {name}-bundle" for name in colliding]
    assert about(report(tmp_path, bundles, constraints, nodes=""), "LW114") == ["resource rabbitmq-bundle", "resource redis-bundle"]


MARKED = (
    "".join(
        f'<node id="{number}" uname="c{number}"><instance_attributes id="a{number}">'
        f'<nvpair id="h{number}" name="haproxy-role" value="true"/><nvpair id="r{number}" name="rabbitmq-role" value="true"/>'
        f'<nvpair id="g{number}" name="galera-role" value="true"/></instance_attributes></node>'
        for number in (1, 2)
    )
    + '<node id="3" uname="c3"/>'
)
BY_MARK = (
    '<rsc_location id="by-{name}" rsc="{name}-clone" resource-discovery="exclusive"><rule id="b-{name}" score="0">'
    '<expression id="e-{name}" attribute="{name}-role" operation="eq" value="true"/></rule></rsc_location>'
)


@pytest.mark.parametrize(
    ("constraint", "strange"),
    [
        ('<rsc_location id="l" rsc="rabbitmq-clone" node="c1" score="100"/>', True),
        ('<rsc_location id="l" rsc="rabbitmq-clone" node="c1" score="INFINITY"/>', True),
        ('<rsc_location id="l" rsc="rabbitmq-clone" node="c2" score="-INFINITY"/>', True),
        ('<rsc_location id="l" rsc="rabbitmq-clone" node="c3" score="-INFINITY"/>', False),
        ('<rsc_location id="l" rsc="rabbitmq-clone" node="c1" score="0" resource-discovery="exclusive"/>', False),
        (BY_MARK.replace("{name}", "rabbitmq"), False),
    ],
)
def test_a_preference_keeps_nothing_on_its_nodes(tmp_path: Path, constraint: str, strange: bool) -> None:
    """LW115 tells of a resource of the core that may run on a node that is not of its role; one that is preferred elsewhere may, too."""
    ruled = BY_MARK.replace("{name}", "haproxy") + BY_MARK.replace("{name}", "galera")
    assert about(report(tmp_path, CLONES, ruled + constraint, MARKED), "LW115") == ["resource rabbitmq-clone"] * strange


def verdict(found: lwlint.Report, code: str) -> tuple[str, str]:
    (one,) = (each for each in found.verdicts if each.code == code)
    return one.outcome, one.because.partition(": ")[2]


OF_THE_ROLE = '<rsc_location id="l{n}" rsc="galera-clone" node="c{n}" score="-INFINITY" role="ROLE"/>'
BY_RULE = (
    '<rsc_location id="l{n}" rsc="galera-clone"><rule id="r{n}" role="ROLE" score="-INFINITY"><expression id="e{n}" attribute="#uname" '
)
BY_RULE += 'operation="eq" value="c{n}"/></rule></rsc_location>'


@pytest.mark.parametrize("role", ["Master", "Slave"])
@pytest.mark.parametrize("form", [OF_THE_ROLE, BY_RULE])
def test_what_is_kept_from_every_node_in_a_role_is_not_passed(form: str, role: str, tmp_path: Path) -> None:
    """Nothing is promoted then, or nothing runs at all; of one node the others take its place."""
    every = each(form.replace("ROLE", role))
    said = "`galera-clone` is kept from every node in a role, and what runs then is not known"
    assert verdict(report(tmp_path, CLONES, every), "LW111") == ("not evaluated", said)
    one = form.replace("ROLE", role).replace("{n}", "1")
    assert verdict(report(tmp_path, CLONES, one), "LW111")[0] == "pass"


def test_what_depends_on_a_ticket_is_not_passed(tmp_path: Path) -> None:
    held = '<rsc_ticket id="t" rsc="haproxy-clone" ticket="a" loss-policy="stop"/>'
    said = "`haproxy-clone` runs only while the cluster has the ticket of `t`, which the CIB does not tell"
    assert verdict(report(tmp_path, CLONES, held), "LW111") == ("not evaluated", said)


def test_a_score_that_nodes_have_keeps_a_resource_away(tmp_path: Path) -> None:
    weighed = (
        '<rsc_location id="l" rsc="galera-clone"><rule id="r" score-attribute="w"><expression id="e" attribute="w" operation="defined"/>'
    )
    nodes = "".join(
        f'<node id="{n}" uname="c{n}"><instance_attributes id="n{n}"><nvpair id="n{n}-w" name="w" value="-INFINITY"/></instance_attributes>'
        "</node>"
        for n in (1, 2, 3)
    )
    assert about(report(tmp_path, CLONES, f"{weighed}</rule></rsc_location>", nodes), "LW111") == ["resource galera-clone"]


@pytest.mark.parametrize(("promoted", "codes"), [("", ["LW103"]), ('promoted-max="1" ', [])])
def test_an_address_bound_to_promoted_copies_that_never_are_is_not_bound(promoted: str, codes: list[str], tmp_path: Path) -> None:
    """By the scheduler it runs nowhere, in a bundle of which nothing is promoted."""
    haproxy = f'<bundle id="haproxy-bundle"><podman image="haproxy" {promoted}network="host" replicas="3"/></bundle>'
    vip = service("ip-192.0.2.1", "IPaddr2")
    bond = '<rsc_colocation id="c" rsc="ip-192.0.2.1" with-rsc="haproxy-bundle" with-rsc-role="Master" score="INFINITY"/>'
    others = CLONES.replace("haproxy", "memcached")
    found = report(tmp_path, vip + haproxy + others, bond)
    assert [finding.code for finding in found.findings if finding.code == "LW103"] == codes


PLACED = "".join(
    f'<rsc_location id="at-{name}" rsc="{name}-bundle" resource-discovery="exclusive"><rule id="at-{name}-r" score="0">'
    f'<expression id="at-{name}-e" attribute="{name}-role" operation="eq" value="true"/></rule></rsc_location>'
    for name in ("galera", "rabbitmq")
)
REMOTE = '<primitive id="compute-0" class="ocf" provider="pacemaker" type="remote"/>'


def marked(*names: str) -> str:
    """Return three nodes that are marked for services."""
    pairs = "".join(f'<nvpair id="c{{n}}-{name}" name="{name}-role" value="true"/>' for name in names)
    return each(f'<node id="{{n}}" uname="c{{n}}"><instance_attributes id="c{{n}}-a">{pairs}</instance_attributes></node>')


@pytest.mark.parametrize(
    ("nodes", "ports", "outcome", "found"),
    [
        (NODES, ("3122", "3122"), "not evaluated", []),
        (NODES, ("3122", "3121"), "not evaluated", []),
        (marked("galera", "rabbitmq"), ("3122", "3122"), "fail", ["resource rabbitmq-bundle"]),
        (marked("galera"), ("3122", "3122"), "pass", []),
        (marked("galera", "rabbitmq"), ("3122", "3121"), "pass", []),
    ],
)
def test_whether_one_port_collides_hangs_on_the_marks_of_nodes(
    tmp_path: Path, nodes: str, ports: tuple[str, str], outcome: str, found: list[str]
) -> None:
    resources = bundle("galera", "galera", ports[0]) + bundle("rabbitmq", "rabbitmq-cluster", ports[1]) + REMOTE
    told = report(tmp_path, resources, PLACED, nodes)
    assert about(told, "LW114") == found
    verdict = next(verdict for verdict in told.verdicts if verdict.code == "LW114")
    assert verdict.outcome == outcome
    assert "hangs on node attributes" in verdict.because or outcome != "not evaluated"


def test_a_preference_by_an_attribute_keeps_no_bundle_off_a_port(tmp_path: Path) -> None:
    resources = bundle("galera", "galera") + bundle("rabbitmq", "rabbitmq-cluster")
    preferred = PLACED.replace(' resource-discovery="exclusive"', "").replace('score="0"', 'score="100"')
    assert about(report(tmp_path, resources, preferred), "LW114") == ["resource rabbitmq-bundle"]


MAINTAINED = (
    '<node id="compute-0" uname="compute-0" type="remote"><instance_attributes id="m-a">'
    '<nvpair id="m-m" name="maintenance" value="true"/></instance_attributes></node>'
)
KEPT_OFF = '<rsc_location id="l-{name}" rsc="{name}" node="compute-0" score="-INFINITY" resource-discovery="never"/>'


@pytest.mark.parametrize(
    ("kept_off", "told"),
    [(("rabbitmq-clone", "haproxy-clone", "galera-clone"), False), (("rabbitmq-clone", "haproxy-clone"), True), ((), True)],
)
def test_maintenance_of_a_node_that_holds_nothing_of_the_core_leaves_nothing_of_it_alone(
    tmp_path: Path, kept_off: tuple[str, ...], told: bool
) -> None:
    constraints = "".join(KEPT_OFF.replace("{name}", name) for name in kept_off)
    assert about(report(tmp_path, CLONES + REMOTE, constraints, NODES + MAINTAINED), "LW110") == ["node compute-0"] * told


GROUP = (
    '<group id="lb"><meta_attributes id="lb-m">SET</meta_attributes>FRONT'
    '<primitive id="haproxy" class="systemd" type="haproxy"><operations><op id="h-o" name="monitor" interval="10s"/></operations>'
    "</primitive>BEHIND</group>"
)
DISABLED = (
    '<primitive id="exporter" class="systemd" type="haproxy-exporter"><meta_attributes id="e-m">'
    '<nvpair id="e-t" name="target-role" value="Stopped"/></meta_attributes></primitive>'
)


@pytest.mark.parametrize(
    ("place", "setting", "told"),
    [
        ("FRONT", "", True),
        ("FRONT", '<nvpair id="lb-o" name="ordered" value="false"/>', True),
        ("FRONT", '<nvpair id="lb-c" name="collocated" value="false"/>', True),
        ("FRONT", '<nvpair id="lb-c" name="collocated" value="false"/><nvpair id="lb-o" name="ordered" value="false"/>', False),
        ("BEHIND", "", False),
    ],
)
def test_what_is_disabled_in_front_of_haproxy_in_its_group_keeps_it_down(tmp_path: Path, place: str, setting: str, told: bool) -> None:
    """After crm_simulate 2.1.5: only a group that is neither collocated nor ordered starts what stands behind a stopped member."""
    group = GROUP.replace(place, DISABLED).replace("FRONT", "").replace("BEHIND", "").replace("SET", setting)
    found = report(tmp_path, f'{group}<clone id="r-clone">{service("r", "rabbitmq-cluster")}</clone>{service("g", "galera")}', "")
    assert about(found, "LW109") == ["resource lb"] * told
    assert [c.line for f in found.findings if f.code == "LW109" for c in f.commands] == ["pcs resource enable exporter"] * told


AGENT = (
    '<clone id="agent-clone"><meta_attributes id="a-s">SET</meta_attributes><primitive id="agent" class="systemd" type="somebody-agent"/>'
    "</clone>"
)
STOPPED = '<nvpair id="a-t" name="target-role" value="Stopped"/>'
IN_SETS = (
    '<rsc_order id="o"><resource_set id="s"{more}>{first}</resource_set>'
    '<resource_set id="t"><resource_ref id="v"/></resource_set></rsc_order>'
)
BEHIND_RABBITMQ = '<rsc_colocation id="c" rsc="v" with-rsc="r-clone" score="INFINITY"/>'
TWO = '<resource_ref id="agent-clone"/><resource_ref id="r-clone"/>'


@pytest.mark.parametrize(
    ("constraint", "told"),
    [
        ('<rsc_colocation id="c" rsc="v" with-rsc="agent-clone" score="INFINITY"/>', True),
        ('<rsc_colocation id="c" rsc="v" with-rsc="agent-clone" score="1000"/>', False),
        ('<rsc_colocation id="c" rsc="agent-clone" with-rsc="v" score="INFINITY"/>', False),
        ('<rsc_order id="o" first="agent-clone" then="v"/>', True),
        ('<rsc_order id="o" first="agent-clone" then="v" symmetrical="false"/>', True),
        ('<rsc_order id="o" first="agent-clone" then="v" kind="Optional"/>', False),
        ('<rsc_order id="o" first="agent-clone" first-action="stop" then="v" then-action="start"/>', False),
        ('<rsc_order id="o" first="v" then="agent-clone"/>', False),
        (IN_SETS.format(more="", first='<resource_ref id="agent-clone"/>'), True),
        (IN_SETS.format(more=' sequential="false"', first=TWO), True),
        (IN_SETS.format(more=' sequential="false" require-all="false"', first=TWO), False),
        (
            '<rsc_order id="o" first="agent-clone" then="r-clone"/><rsc_colocation id="c" rsc="v" with-rsc="r-clone" score="INFINITY"/>',
            True,
        ),
    ],
)
def test_what_the_core_waits_for_is_not_to_be_disabled(tmp_path: Path, constraint: str, told: bool) -> None:
    """After crm_simulate 2.1.5: the address `v` runs nowhere, or is not started, while the clone is stopped.

    What itself waits for the clone by an order has a place all the same, and the address is started there.
    """
    resources = (
        f'{AGENT.replace("SET", STOPPED)}<clone id="r-clone">{service("r", "rabbitmq-cluster")}</clone>{service("g", "galera")}'
        f'<clone id="haproxy-clone">{service("haproxy", "haproxy")}</clone>'
        '<primitive id="v" class="ocf" provider="heartbeat" type="IPaddr2"/>'
    )
    found = report(tmp_path, resources, constraint)
    assert about(found, "LW109") == ["resource agent-clone"] * told
    assert [c.line for f in found.findings if f.code == "LW109" for c in f.commands] == ["pcs resource enable agent-clone"] * told


ROOM = '<utilization id="{id}-u"><nvpair id="{id}-m" name="memory" value="{amount}"/></utilization>'
TAKES = (
    '<primitive id="openstack-cinder-volume" class="systemd" type="openstack-cinder-volume">{room}'
    '<operations><op id="cv-o" name="monitor" interval="10s"/></operations></primitive>'
)


@pytest.mark.parametrize(
    ("strategy", "nodes", "agent", "outcome"),
    [
        ("balanced", "", "", "fail"),
        ("minimal", "4095", "", "fail"),
        ("utilization", "4096", "", "pass"),
        ("default", "", "", "pass"),
        ("balanced", "", service("room", "NodeUtilization"), "not evaluated"),
    ],
)
@pytest.mark.parametrize("form", ["{}", '<group id="volumes">{}</group>', '<clone id="volume-clone">{}</clone>'])
def test_what_takes_more_room_than_any_node_has_runs_nowhere(
    tmp_path: Path, form: str, strategy: str, nodes: str, agent: str, outcome: str
) -> None:
    """After crm_simulate 2.1.5: a node that says nothing of what a resource takes has none of it."""
    takes = form.replace("{}", TAKES.replace("{room}", ROOM.format(id="cv", amount=4096)))
    has = "".join(f'<node id="{n}" uname="c{n}">{ROOM.format(id=f"n{n}", amount=nodes) if nodes else ""}</node>' for n in (1, 2))
    properties = f'<cluster_property_set id="p"><nvpair id="p-s" name="placement-strategy" value="{strategy}"/></cluster_property_set>'
    (tmp_path / "cib.xml").write_text(
        f'<cib validate-with="pacemaker-3.2" epoch="1"><configuration><crm_config>{properties}</crm_config><nodes>{has}</nodes>'
        f"<resources>{CLONES}{takes}{agent}</resources><constraints/></configuration></cib>"
    )
    found = lwlint.check([str(tmp_path / "cib.xml")])
    assert about(found, "LW111") == ["resource openstack-cinder-volume"] * (outcome == "fail")
    assert next(verdict.outcome for verdict in found.verdicts if verdict.code == "LW111") == outcome


ADDRESS = '<primitive id="{0}" class="ocf" provider="heartbeat" type="IPaddr2">{1}</primitive>'

APART = '<nvpair id="gc" name="collocated" value="false"/>'


@pytest.mark.parametrize(
    ("around", "constraint", "has", "told"),
    [
        ('<group id="g">{}</group>', "", 100, True),
        ('<group id="g">{}</group>', "", 120, False),
        (f'<group id="g"><meta_attributes id="gm">{APART}</meta_attributes>{{}}</group>', "", 100, False),
        ("{}", '<rsc_colocation id="k" rsc="v2" with-rsc="v1" score="INFINITY"/>', 100, True),
        ("{}", '<rsc_colocation id="k" rsc="v2" with-rsc="v1" score="1000"/>', 100, False),
        ("{}", "", 100, False),
    ],
)
def test_what_must_run_on_one_node_is_to_have_room_there_together(
    tmp_path: Path, around: str, constraint: str, has: int, told: bool
) -> None:
    """After crm_simulate 2.1.5: of two that take 60 each, the second is not started."""
    both = "".join(ADDRESS.format(name, ROOM.format(id=name, amount=60)) for name in ("v1", "v2"))
    resources = f'<clone id="r-clone">{service("r", "rabbitmq-cluster")}</clone>{service("g1", "galera")}{around.format(both)}'
    resources += f'<clone id="haproxy-clone">{service("haproxy", "haproxy")}</clone>'
    node = f'<node id="1" uname="one">{ROOM.format(id="one", amount=has)}</node>'
    strategy = '<cluster_property_set id="p"><nvpair id="p-s" name="placement-strategy" value="utilization"/></cluster_property_set>'
    found = report(tmp_path, resources, constraint, node, strategy)
    assert about(found, "LW111") == ["resource v2"] * told


TWIN = (
    '<primitive id="{0}" class="systemd" type="openstack-cinder-volume">'
    '<operations><op id="{0}-o" name="monitor" interval="10s"/></operations></primitive>'
)
DELETED = ["pcs resource disable twin --wait=600", "pcs resource delete twin"]
OF_THREE = (
    '<rsc_order id="o"><resource_set id="s"><resource_ref id="r-clone"/><resource_ref id="g1"/><resource_ref id="twin"/>'
    "</resource_set></rsc_order>"
)


def test_what_is_to_leave_the_cluster_need_not_be_enabled_first(tmp_path: Path) -> None:
    scheduler = AGENT.replace("SET", STOPPED).replace("somebody-agent", "openstack-cinder-scheduler")
    resources = f'{scheduler}<clone id="r-clone">{service("r", "rabbitmq-cluster")}</clone>{service("g", "galera")}{TWIN.format("cv")}'
    found = report(tmp_path, resources, '<rsc_order id="o" first="agent-clone" then="cv"/>')
    assert [about(found, code) for code in ("LW101", "LW105", "LW109")] == [["resource agent"], ["constraint o"], []]


@pytest.mark.parametrize(
    ("twin", "constraint", "commands"),
    [
        ("{}", "", DELETED),
        ('<group id="g"><primitive id="a" class="ocf" provider="pacemaker" type="Dummy"/>{}</group>', "", DELETED),
        ('<clone id="c"><meta_attributes id="cm"><nvpair id="cx" name="clone-max" value="1"/></meta_attributes>{}</clone>', "",
         [line.replace("twin", "c") for line in DELETED]),
        ("{}", '<rsc_colocation id="k" rsc="twin" with-rsc="r-clone" score="1"/>', ["pcs constraint remove k", *DELETED]),
        ("{}", OF_THREE, []),
    ],
)  # fmt: skip
def test_the_second_resource_of_one_unit_is_deleted_with_what_is_on_it_alone(
    tmp_path: Path, twin: str, constraint: str, commands: list[str]
) -> None:
    resources = f'<clone id="r-clone">{service("r", "rabbitmq-cluster")}</clone>{service("g1", "galera")}{TWIN.format("first")}'
    found = report(tmp_path, resources + twin.replace("{}", TWIN.format("twin")), constraint)
    (twins,) = (each for each in found.findings if each.code == "LW107")
    assert [each.line for each in twins.commands] == commands
    assert twins.remedy == "Keep one of `first` and `twin`, the one with the right constraints, and delete the other."
