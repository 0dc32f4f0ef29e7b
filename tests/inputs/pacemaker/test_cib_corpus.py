"""Every CIB of the corpus, against what Pacemaker 2.1.5 was recorded to say of it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lwlint.core.facts import Facts, Unreadable
from lwlint.core.finding import BROKEN, Report
from lwlint.core.source import Source
from lwlint.files.tree import Memory
from lwlint.inputs.pacemaker.facts import COLOCATION, Cluster, Constraint, Resource, Validation
from lwlint.inputs.pacemaker.reader import cib_facts
from lwlint.policy.rules import Rule
from lwlint.run import Request, check, load_catalogue, load_rules
from tests.shared import shared

FORMS = {
    "primitive": ("primitive",),
    "group": ("group",),
    "bundle": ("bundle",),
    "clone": ("clone", "promotable"),
    "master": ("promotable",),
}
CATALOGUE = load_catalogue()
HERE = Path(__file__).resolve().parents[3]


def expected(name: str) -> dict[str, Any]:
    answers: dict[str, Any] = json.loads((shared("corpus/cib") / name).read_text(encoding="utf-8"))
    return answers


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    return [rule for rule in load_rules() if rule.code.startswith("LW1")]


def facts_of(path: Path) -> Facts:
    return Facts(cib_facts([Source(path.name, path.read_bytes().decode(), "cib")], CATALOGUE), services=CATALOGUE.services)


def differences(facts: Facts, answer: dict[str, Any]) -> list[str]:
    """What the recorded answer of Pacemaker says otherwise than lwlint, in words."""
    mine = {r.name: r for r in facts.of(Resource)}
    listed = {name: r for name, r in answer["resources"].items() if r["configured"]}
    wrong = [f"{name}: only one of the two has it" for name in set(mine) ^ {*listed, *answer["not_listed"]}]
    for name, theirs in listed.items():
        r = mine.get(name)
        if r is None:
            continue
        parent = theirs["parent"]
        if parent in (f"{r.parent}-clone", f"{r.parent}-master"):  # the clone that a bundle implies
            parent = r.parent
        agent = ":".join(word for word in (theirs["class"], theirs["provider"], theirs["type"]) if word) or None
        if (r.parent, r.agent, r.promotable, r.maintenance) != (parent, agent, theirs["promotable"], theirs["maintenance"]):
            wrong.append(f"{name}: {(r.parent, r.agent, r.promotable, r.maintenance)} is not {theirs}")
        if r.form not in FORMS[theirs["kind"]]:
            wrong.append(f"{name}: {r.form} is not {theirs['kind']}")
    for name, bundle in (answer["bundles"] or {}).items():
        found = mine[name].container
        if found is None or (found.engine, found.image and found.image.value, found.replicas) != tuple(
            bundle[key] for key in ("container", "image", "replicas")
        ):
            wrong.append(f"{name}: {found} is not {bundle}")
    return wrong + colocations(facts, answer)


def colocations(facts: Facts, answer: dict[str, Any]) -> list[str]:
    """Pacemaker prints them as written: the two names, the score, the roles (of sets the score only)."""
    mine: Counter[tuple[Any, ...]] = Counter()
    for constraint in facts.of(Constraint):
        if constraint.type == COLOCATION:
            ends = {m.position: m for m in constraint.members}
            both = [ends.get("rsc"), ends.get("with-rsc")]
            names = [end.name if end is not None else None for end in both]
            mine[(constraint.name, *names, constraint.score, *(end.role if end is not None else None for end in both))] += 1
    theirs = Counter(tuple(row) for row in answer["colocations"])
    return [f"colocation {row}" for row in (mine - theirs) + (theirs - mine)]


@pytest.mark.parametrize("version", ["2.1.5", "1.1.24"])
def test_every_cib_holds_the_resources_constraints_and_bundles_that_pacemaker_sees(version: str) -> None:
    folder = shared("corpus/cib") / version
    answers = expected(f"expected-{version}.json")
    wrong = {name: differences(facts_of(folder / name), answer) for name, answer in answers.items() if "resources" in answer}
    assert {name: words for name, words in wrong.items() if words} == {}
    assert len(wrong) == len(list(folder.glob("*.xml")))


def report(path: Path, rules: list[Rule]) -> Report:
    found = check(Request(paths=("cib.xml",), tree=Memory({"cib.xml": path.read_bytes()})), rules)
    assert [v for v in found.verdicts if v.outcome == BROKEN] == []
    return found


def found_by(report: Report, code: str) -> list[str]:
    return [finding.subject.rpartition(" ")[2] for finding in report.findings if finding.code == code]


@pytest.mark.parametrize("name", ["expected-vips.json", "whatif/expected.json"])
def test_a_virtual_ip_is_found_to_run_without_haproxy_where_the_scheduler_runs_it_so(name: str, rules: list[Rule]) -> None:
    folder = shared("corpus/cib")
    wrong = {}
    for file, answer in expected(name).items():
        path = folder / (f"whatif/{file}" if name.startswith("whatif") else file if "/" in file else f"2.1.5/{file}")
        if "vips" in answer and path.exists():
            theirs = sorted(vip for vip, of in answer["vips"].items() if not of["guaranteed"])
            mine = sorted(found_by(report(path, rules), "LW103"))
            if mine != theirs:
                wrong[file] = (mine, theirs)
    assert wrong == {}


@pytest.mark.parametrize("shape", ["bundle", "clone"])
@pytest.mark.parametrize("fault", ["garbage-score", "lower-case-infinity"])
def test_a_score_for_which_pacemaker_refuses_the_cib_is_found(shape: str, fault: str, rules: list[Rule]) -> None:
    path = shared("corpus/cib/whatif") / f"{shape}-{fault}.xml"
    assert found_by(report(path, rules), "LW103") == ["ip-192.0.2.10"]


# Clusters of real deployments that conform.
LIGHT = (
    "remote-recover-all", "remote-recover-no-resources", "bundle-order-partial-start", "bundle-order-startup",
    "bundle-order-stop-on-remote", "route-remote-notify", "notifs-for-unrunnable",
)  # fmt: skip


@pytest.mark.parametrize("name", LIGHT)
@pytest.mark.parametrize("version", ["2.1.5", "1.1.24"])
def test_a_real_light_cluster_has_no_finding(name: str, version: str, rules: list[Rule]) -> None:
    path = shared("corpus/cib") / version / f"{name}.xml"
    if not path.exists():
        pytest.skip(f"{path.name} is kept for acceptance")
    assert [finding.message for finding in report(path, rules).findings] == []


@pytest.mark.parametrize("name", ["cib.xml", "cib.disk.xml"])
def test_the_lab_cluster_has_no_finding(name: str, rules: list[Rule]) -> None:
    found = report(shared("corpus/cib/lab/light-clone") / name, rules).findings
    assert [f.message for f in found if f.code not in ("LW112", "LW116")] == []
    assert [f.severity for f in found if f.code == "LW116"] == ["note"], "no stickiness is set there, which is true"


def test_a_cluster_of_mitaka_with_everything_in_pacemaker_has_every_finding(rules: list[Rule]) -> None:
    path = shared("corpus/cib/2.1.5") / "unrunnable-2.xml"
    found = report(path, rules)
    core = {"ip-192.0.2.12", "ip-192.0.2.11", "haproxy", "galera", "rabbitmq", "redis", "openstack-cinder-volume"}
    primitives = {r.name for r in facts_of(path).of(Resource) if r.agent is not None}
    assert set(found_by(found, "LW101")) == primitives - core
    kept = {c.name for c in facts_of(path).of(Constraint)} - set(found_by(found, "LW105"))
    assert kept == {
        f"{kind}-ip-192.0.2.{n}-haproxy-clone-{how}" for n in (11, 12) for kind, how in (("order", "Optional"), ("colocation", "INFINITY"))
    }
    assert Counter(f.code for f in found.findings) == {"LW101": 34, "LW105": 57}


def test_what_is_left_in_the_status_section_is_no_resource() -> None:
    assert facts_of(shared("corpus/cib/2.1.5") / "remote-recover-all.xml").of(Resource)
    facts = list(cib_facts([Source("c", "<cib><configuration/><status><lrm_resource id='nova'/></status></cib>", "cib")], CATALOGUE))
    assert [type(fact) for fact in facts] == [Cluster, Validation]


# --- the project's own fixtures -----------------------------------------------------------------------------------------------------

SERVICES = """
aodh-evaluator aodh-listener aodh-notifier ceilometer-api ceilometer-central ceilometer-collector ceilometer-notification cinder-api
cinder-scheduler core glance-api glance-registry gnocchi-metricd gnocchi-statsd heat-api heat-api-cfn heat-api-cloudwatch heat-engine
nova-api nova-conductor nova-consoleauth nova-novncproxy nova-scheduler sahara-api sahara-engine
"""
OTHERS = """
delay glance-fs httpd memcached mongod neutron-dhcp-agent neutron-l3-agent neutron-metadata-agent neutron-netns-cleanup
neutron-openvswitch-agent neutron-ovs-cleanup neutron-server tomcat
"""


def fixture(name: str) -> Path:
    return HERE / "fixtures" / name / "var/lib/pacemaker/cib/cib.xml"


def test_the_full_architecture_of_mitaka_has_38_resources_too_many(rules: list[Rule]) -> None:
    found = report(fixture("full-pacemaker"), rules)
    assert sorted(found_by(found, "LW101")) == sorted([f"openstack-{name}" for name in SERVICES.split()] + OTHERS.split())


def test_the_full_architecture_of_mitaka_keeps_six_orders_and_seven_colocations_only(rules: list[Rule]) -> None:
    path = fixture("full-pacemaker")
    kept = [c for c in facts_of(path).of(Constraint) if c.name not in found_by(report(path, rules), "LW105")]
    of_vips = {("order", "haproxy-clone"): 6, ("colocation", "haproxy-clone"): 6}
    assert Counter((c.type, c.members[1].name) for c in kept) == {**of_vips, ("colocation", "vsm-s"): 1}  # Cisco's two machines, apart


@pytest.mark.parametrize("name", ["lightweight", "containers"])
def test_a_light_fixture_has_no_finding(name: str, rules: list[Rule]) -> None:
    assert [finding.message for finding in report(fixture(name), rules).findings] == []


# --- what no real cluster has ---------------------------------------------------------------------------------------------------------


def test_an_id_that_stands_twice_is_told_and_its_second_resource_left_out() -> None:
    text = '<cib><configuration><resources><group id="a"><primitive id="a" class="lsb" type="b"/></group></resources></configuration></cib>'
    facts = Facts(cib_facts([Source("cib.xml", text, "cib")], CATALOGUE))
    assert [(r.name, r.children) for r in facts.of(Resource)] == [("a", ())]
    assert [(u.message, u.span.start) for u in facts.of(Unreadable)] == [
        ("the id `a` is there twice among the resources; Pacemaker refuses the CIB", text.index('"a" class') + 1)
    ]


def test_sets_of_thousands_do_not_make_millions_of_pairs() -> None:
    names = [f"ip-{n}" for n in range(3000)]
    primitives = "".join(f'<primitive id="{name}" class="ocf" provider="heartbeat" type="IPaddr2"/>' for name in names)
    refs = "".join(f'<resource_ref id="{name}"/>' for name in names)
    one = f'<resource_set id="{{}}" sequential="false">{refs}</resource_set>'
    text = (
        f'<cib><configuration><resources>{primitives}<primitive id="haproxy" class="systemd" type="haproxy"/></resources><constraints>'
        f'<rsc_colocation id="c" score="INFINITY">{one.format("c1")}{one.format("c2")}</rsc_colocation>'
        f'<rsc_order id="o">{one.format("o1")}{one.format("o2")}</rsc_order></constraints></configuration></cib>'
    )
    pairs = {c.name: len(c.pairs) for c in cib_facts([Source("cib.xml", text, "cib")], CATALOGUE) if isinstance(c, Constraint)}
    assert pairs == {"c": 10_000, "o": 0}


def test_a_rule_that_refers_to_itself_comes_to_an_end() -> None:
    text = (
        '<cib><configuration><resources><primitive id="a" class="lsb" type="b"><meta_attributes id="m">'
        '<rule id="r"><rule id-ref="r"/></rule>'
        '<nvpair id="n" name="is-managed" value="false"/></meta_attributes></primitive></resources><constraints>'
        '<rsc_location id="l" rsc="a"><rule id="s" score="1"><rule id-ref="s"/></rule></rsc_location></constraints></configuration></cib>'
    )
    facts = Facts(cib_facts([Source("cib.xml", text, "cib")], CATALOGUE))
    assert [(r.name, r.managed) for r in facts.of(Resource)] == [("a", True)]


def test_a_location_by_pattern_names_the_outermost_resources_that_match() -> None:
    text = (
        '<cib><configuration><resources><clone id="nova-clone"><primitive id="nova" class="systemd" type="openstack-nova-api"/></clone>'
        '<primitive id="ip-1" class="ocf" provider="heartbeat" type="IPaddr2"/></resources><constraints>'
        '<rsc_location id="l" rsc-pattern="^nova.*" node="n" score="5"/><rsc_location id="m" rsc-pattern="(a+)+$" node="n" score="5"/>'
        "</constraints></configuration></cib>"
    )
    facts = Facts(cib_facts([Source("cib.xml", text, "cib")], CATALOGUE))
    assert [(c.name, [m.resources for m in c.members]) for c in facts.of(Constraint)] == [("l", [("nova-clone",)]), ("m", [])]
