"""The service catalogue knows what the corpus holds."""

from __future__ import annotations

import json
import re

import pytest

from lwlint.core.catalogue import Catalogue, load
from tests.shared import HERE, shared


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load((HERE / "rules/services.yaml").read_text("utf-8"), "rules/services.yaml")


def name(service: object) -> str | None:
    return getattr(service, "name", None)


def test_the_full_architecture_of_mitaka_is_eleven_in_place_thirty_eight_to_move_and_two_that_run_once(catalogue: Catalogue) -> None:
    stay = [
        "systemd:haproxy",
        "ocf:heartbeat:rabbitmq-cluster",
        "ocf:heartbeat:galera",
        "ocf:heartbeat:redis",
        "systemd:openstack-cinder-volume",
    ]
    core = [catalogue.of_resource("ocf:heartbeat:IPaddr2", f"ip-192.0.2.{n}") for n in range(6)] + [
        catalogue.of_resource(a, "x") for a in stay
    ]
    assert {s.kind for s in core if s} == {"core", "active_passive"}
    assert [s.in_spec for s in core if s] == [True] * 11
    systemd = re.findall(
        r"\S+",
        """httpd memcached mongod openstack-cinder-api openstack-cinder-scheduler openstack-sahara-api openstack-sahara-engine
        openstack-glance-registry openstack-glance-api neutron-server neutron-l3-agent neutron-dhcp-agent neutron-openvswitch-agent
        neutron-metadata-agent tomcat openstack-nova-api openstack-nova-conductor openstack-nova-consoleauth openstack-nova-novncproxy
        openstack-nova-scheduler openstack-ceilometer-central openstack-ceilometer-collector openstack-ceilometer-api
        openstack-ceilometer-notification openstack-aodh-evaluator openstack-aodh-notifier openstack-aodh-listener openstack-gnocchi-metricd
        openstack-gnocchi-statsd openstack-heat-api openstack-heat-api-cloudwatch openstack-heat-api-cfn openstack-heat-engine""",
    )
    others = {
        "openstack-core": "ocf:heartbeat:Dummy", "delay": "ocf:heartbeat:Delay", "glance-fs": "ocf:heartbeat:Filesystem",
        "neutron-ovs-cleanup": "ocf:neutron:OVSCleanup", "neutron-netns-cleanup": "ocf:neutron:NetnsCleanup",
    }  # fmt: skip
    move = [catalogue.of_resource(f"systemd:{u}", u) for u in systemd] + [catalogue.of_resource(a, i) for i, a in others.items()]
    assert [s.kind if s else None for s in move] == ["active_active"] * 38
    once = [catalogue.of_resource("ocf:heartbeat:VirtualDomain", name) for name in ("vsm-p", "vsm-s")]
    assert [s.kind if s else None for s in once] == ["active_passive"] * 2


@pytest.mark.parametrize(("folder", "file", "count"), [("1.1.24", "unrunnable-2", 41), ("2.1.5", "complex_enforce_colo", 58)])
def test_every_resource_of_the_full_architectures_of_the_corpus_is_known(catalogue: Catalogue, folder: str, file: str, count: int) -> None:
    resources = json.loads(shared(f"corpus/cib/expected-{folder}.json").read_text())[f"{file}.xml"]["resources"]
    primitives = {i: r for i, r in resources.items() if r["kind"] == "primitive" and r["configured"]}
    found = {i: catalogue.of_resource(":".join(filter(None, (r["class"], r["provider"], r["type"]))), i) for i, r in primitives.items()}
    assert [i for i, service in found.items() if service is None] == []
    assert len(primitives) == count


def test_every_openstack_resource_of_the_corpus_is_known(catalogue: Catalogue) -> None:
    unknown = set()
    for era in ("1.1.24", "2.1.5"):
        for answer in json.loads(shared(f"corpus/cib/expected-{era}.json").read_text()).values():
            for id, r in answer["resources"].items():
                agent = ":".join(filter(None, (r["class"], r["provider"], r["type"])))
                if (
                    r["kind"] == "primitive"
                    and re.match(r"systemd:|ocf:(neutron|ovn|openstack):", agent)
                    and not catalogue.of_resource(agent, id)
                ):
                    unknown.add(agent)
    assert unknown == {"systemd:dlm"}


def test_every_unit_of_rdo_in_the_corpus_belongs_to_a_named_service(catalogue: Catalogue) -> None:
    units = {answer["unit"] for answer in json.loads(shared("corpus/units/rdo/expected.json").read_text()).values()}
    assert sorted(unit for unit in units if name(catalogue.of_unit(unit)) in (None, "openstack_other")) == []


def test_units_of_debian_in_the_corpus_that_are_no_service_of_ours(catalogue: Catalogue) -> None:
    units = {answer["unit"] for answer in json.loads(shared("corpus/units/debian/expected.json").read_text()).values()}
    assert sorted(unit for unit in units if catalogue.of_unit(unit) is None) == [
        "apache-htcacheclean.service", "apache-htcacheclean@1.service", "ovs-record-hostname.service",
    ]  # fmt: skip


# Named in the roles and registries of the trees, but nothing that a node runs.
NO_SERVICE = {"OS::TripleO::Services::Logging", "OS::TripleO::Services::Kubernetes", "OS::TripleO::Services::OpenShift"}


@pytest.mark.parametrize("tree", ["newton-before", "newton-after", "pike"])
def test_every_service_alias_of_the_corpus_is_known(catalogue: Catalogue, tree: str) -> None:
    found = set()
    for file in shared(f"corpus/tht/{tree}").rglob("*.yaml"):
        found |= set(re.findall(r"OS::Triple[oO]::Services::\w+", file.read_text("utf-8", "replace")))
    assert sorted(alias for alias in found - NO_SERVICE if catalogue.of_alias(alias) is None) == []


@pytest.mark.parametrize("tree", ["newton-before", "newton-after", "pike"])
def test_every_pacemaker_template_of_the_corpus_is_known_for_one(catalogue: Catalogue, tree: str) -> None:
    folder = shared(f"corpus/tht/{tree}")
    paths = [
        p.relative_to(folder).as_posix()
        for p in folder.rglob("*.yaml")
        if p.parts[-2:-1] == ("pacemaker",) or "pacemaker/database" in str(p)
    ]
    templates = [p for p in paths if "/services/" in p]
    others = sorted(p for p in templates if not catalogue.puts_under_pacemaker(p))
    assert others == (["docker/services/pacemaker/clustercheck.yaml"] if tree == "pike" else [])


def test_newton_keeps_thirty_seven_pacemaker_templates_of_active_active_services(catalogue: Catalogue) -> None:
    folder = shared("corpus/tht/newton-after")
    kinds = [
        service.kind
        for path in sorted((folder / "puppet/services/pacemaker").rglob("*.yaml"))
        for service in [catalogue.of_template(path.relative_to(folder).as_posix())]
        if service is not None
    ]
    assert {kind: kinds.count(kind) for kind in sorted(set(kinds))} == {"active_active": 37, "active_passive": 2, "core": 4}
