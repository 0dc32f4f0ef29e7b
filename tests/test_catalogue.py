"""The service catalogue: what it finds, what it refuses, and that it knows the corpus."""

from __future__ import annotations

import json
import re

import pytest

from lwlint.catalogue import Catalogue, load
from lwlint.facts.service import RELEASES
from lwlint.finding import ConfigurationError
from tests.shared import HERE, shared

TEXT = (HERE / "rules/services.yaml").read_text("utf-8")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load(TEXT, "rules/services.yaml")


def name(service: object) -> str | None:
    return getattr(service, "name", None)


# What a resource is


@pytest.mark.parametrize(
    ("agent", "id", "expected"),
    [
        ("systemd:openstack-nova-api", "openstack-nova-api", "nova_api"),
        ("systemd:openstack-nova-api", "haproxy", "nova_api"),
        ("systemd:openstack-nova-api.service", "x", "nova_api"),
        ("service:nova-api", "x", "nova_api"),
        ("lsb:openstack-cinder-volume", "x", "cinder_volume"),
        ("ocf:openstack:cinder-volume", "x", "cinder_volume"),
        ("ocf::heartbeat:galera", "db", "galera"),
        ("ocf:heartbeat:rabbitmq-cluster", "rabbitmq-server", "rabbitmq"),
        ("ocf:rabbitmq:rabbitmq-server-ha", "rabbitmq", "rabbitmq"),
        ("ocf:heartbeat:redis", "redis", "redis"),
        ("systemd:haproxy", "lb-haproxy", "haproxy"),
        ("ocf:heartbeat:IPaddr2", "ip-192.0.2.1", "vip"),
        ("ocf:heartbeat:IPaddr2", "vip-redis", "vip"),
        ("systemd:ceph-nfs@pacemaker", "ceph-nfs", "ceph_nfs"),
        ("systemd:ceph-rbd-mirror@openstack", "ceph-rbd-mirror_openstack", "ceph_rbd_mirror"),
        ("ocf:ovn:ovndb-servers", "ovndb_servers", "ovn_dbs"),
        ("ocf:pacemaker:remote", "galera-0", "pacemaker_remote"),
        ("stonith:fence_ipmilan", "stonith-fence_ipmilan-525400000001", "stonith"),
        ("stonith:fence_compute", "stonith-fence_compute-fence-nova", "instance_ha"),
        ("ocf:openstack:NovaEvacuate", "nova-evacuate", "instance_ha"),
        ("ocf:pacemaker:Dummy", "compute-unfence-trigger", "instance_ha"),
        ("ocf:heartbeat:Dummy", "openstack-core", "openstack_core"),
        ("ocf:heartbeat:Dummy", "dummy", None),
        ("ocf:heartbeat:Delay", "ceilometer-delay", "delay"),
        ("ocf:heartbeat:Filesystem", "glance-fs", "glance_fs"),
        ("ocf:heartbeat:Filesystem", "www", None),
        ("ocf:heartbeat:VirtualDomain", "vsm-p", "cisco_n1kv_vsm"),
        ("ocf:heartbeat:VirtualDomain", "vm1", None),
        ("ocf:neutron:OVSCleanup", "neutron-ovs-cleanup", "neutron_cleanup"),
        ("ocf:openstack:nova-compute-wait", "nova-compute", "nova_compute"),
        ("systemd:libvirtd", "libvirtd-compute", "nova_libvirt"),
        ("systemd:tomcat", "tomcat", "midonet"),
        ("systemd:httpd", "horizon", "apache"),
        ("systemd:mongod", "mongodb", "mongodb"),
        ("systemd:openstack-magnum-api", "x", "openstack_other"),
        ("systemd:dlm", "dlm", None),
        ("systemd:something", "galera", None),
        ("ocf:site:galera-wrapper", "galera", "galera"),
        ("ocf:site:wrapper", "ip-192.0.2.1", None),
    ],
)
def test_a_resource_is_known_by_its_agent_first_and_by_its_id_last(catalogue: Catalogue, agent: str, id: str, expected: str | None) -> None:
    assert name(catalogue.of_resource(agent, id)) == expected


@pytest.mark.parametrize(
    ("id", "image", "expected"),
    [
        ("haproxy-bundle", None, "haproxy"),
        ("galera-bundle", "192.168.24.1:8787/tripleoupstream/centos-binary-mariadb:latest", "galera"),
        ("any", "192.168.24.1:8787/rhosp12/openstack-redis-docker:pcmklatest", "redis"),
        ("openstack-cinder-volume", "cluster.common.tag/centos-binary-cinder-volume:pcmklatest", "cinder_volume"),
        ("openstack-cinder-volume", None, "cinder_volume"),
        ("ovn-dbs-bundle", None, "ovn_dbs"),
        ("openstack-manila-share", "localhost/openstack-manila-share@sha256:00", "manila_share"),
        ("openstack-nova-api", None, "nova_api"),
        ("scale1-bundle", "beekhof:remote", None),
    ],
)
def test_a_bundle_is_known_by_its_image_or_its_id(catalogue: Catalogue, id: str, image: str | None, expected: str | None) -> None:
    assert name(catalogue.of_resource(None, id, "bundle", image)) == expected


def test_the_full_architecture_of_mitaka_is_eleven_in_place_and_forty_to_move(catalogue: Catalogue) -> None:
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
        "vsm-p": "ocf:heartbeat:VirtualDomain", "vsm-s": "ocf:heartbeat:VirtualDomain",
    }  # fmt: skip
    move = [catalogue.of_resource(f"systemd:{u}", u) for u in systemd] + [catalogue.of_resource(a, i) for i, a in others.items()]
    assert [s.kind if s else None for s in move] == ["active_active"] * 40


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


# What a unit is


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("openstack-nova-api.service", "nova_api"),
        ("nova-api.service", "nova_api"),
        ("tripleo_nova_api.service", "nova_api"),
        ("tripleo_neutron_dhcp.service", "neutron_dhcp_agent"),
        ("tripleo_nova_api_healthcheck.service", None),
        ("mariadb.service", "galera"),
        ("mariadb@1.service", "galera"),
        ("mysqld.service", "galera"),
        ("redis-server@a.service", "redis"),
        ("rabbitmq-server", "rabbitmq"),
        ("apache2.service", "apache"),
        ("httpd.service", "apache"),
        ("openstack-cinder-volume@backend.service", "cinder_volume"),
        ("neutron-ovs-cleanup.service", "neutron_cleanup"),
        ("keystone.service", "keystone"),
        ("openstack-zaqar@1.service", "zaqar"),
        ("openstack-nova-api.socket", None),
        ("sshd.service", "sshd"),
        ("user@1000.service", None),
    ],
)
def test_a_unit_is_known_by_the_names_of_rdo_debian_and_containers(catalogue: Catalogue, unit: str, expected: str | None) -> None:
    assert name(catalogue.of_unit(unit)) == expected


def test_every_unit_of_rdo_in_the_corpus_belongs_to_a_named_service(catalogue: Catalogue) -> None:
    units = {answer["unit"] for answer in json.loads(shared("corpus/units/rdo/expected.json").read_text()).values()}
    assert sorted(unit for unit in units if name(catalogue.of_unit(unit)) in (None, "openstack_other")) == []


def test_units_of_debian_in_the_corpus_that_are_no_service_of_ours(catalogue: Catalogue) -> None:
    units = {answer["unit"] for answer in json.loads(shared("corpus/units/debian/expected.json").read_text()).values()}
    assert sorted(unit for unit in units if catalogue.of_unit(unit) is None) == [
        "apache-htcacheclean.service", "apache-htcacheclean@1.service", "ovs-record-hostname.service",
    ]  # fmt: skip


# Aliases and templates

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


@pytest.mark.parametrize(
    ("alias", "expected"),
    [
        ("OS::TripleO::Services::NovaApi", "nova_api"),
        ("OS::Tripleo::Services::ManilaShare", "manila_share"),
        ("OS::TripleO::Services::NovaVncproxy", "nova_novncproxy"),
        ("OS::TripleO::Services::NovaVncProxy", "nova_novncproxy"),
        ("OS::TripleO::Services::NeutronServer", "neutron_server"),
        ("OS::TripleO::Services::OsloMessagingRpc", "rabbitmq"),
        ("OS::TripleO::Services::OVNDBs", "ovn_dbs"),
        ("OS::TripleO::Services::Logging::HAProxy", "logging"),
        ("OS::TripleO::Services::HAProxyPublicTLS", "tls_and_certs"),
        ("OS::TripleO::Services::MySQLClient", "mysql_client"),
        ("OS::TripleO::Services::CinderBackendNetApp", "cinder_backends"),
        ("OS::TripleO::ControllerConfig", None),
        ("OS::TripleO::Tasks::ControllerPostConfig", None),
    ],
)
def test_an_alias_is_known_in_any_case_and_never_by_its_end(catalogue: Catalogue, alias: str, expected: str | None) -> None:
    assert name(catalogue.of_alias(alias)) == expected


def test_aliases_that_run_outside_pacemaker_by_design(catalogue: Catalogue) -> None:
    names = [
        "BlockStorageCinderVolume",
        "CinderVolumeEdge",
        "UndercloudCinderVolume",
        "HAproxyEdge",
        "UndercloudHAProxy",
        "UndercloudRedis",
    ]
    assert [catalogue.outside_alias(f"OS::TripleO::Services::{n}") for n in names] == [True] * 6
    assert [catalogue.outside_alias(f"OS::TripleO::Services::{n}") for n in ("CinderVolume", "HAproxy", "Redis", "NovaApi")] == [False] * 4


@pytest.mark.parametrize(
    ("path", "expected", "under"),
    [
        ("puppet/services/nova-api.yaml", "nova_api", False),
        ("../puppet/services/pacemaker/nova-api.yaml", "nova_api", True),
        ("/usr/share/openstack-tripleo-heat-templates/docker/services/pacemaker/haproxy.yaml", "haproxy", True),
        ("tree/deployment/haproxy/haproxy-pacemaker-puppet.yaml", "haproxy", True),
        ("tree/deployment/haproxy/haproxy-container-puppet.yaml", "haproxy", False),
        ("deployment/deprecated/panko/panko-api-container-puppet.yaml", "panko_api", False),
        ("deployment/cephadm/ceph-nfs.yaml", "ceph_nfs", True),
        ("docker/services/pacemaker/clustercheck.yaml", "clustercheck", False),
        ("puppet/services/pacemaker.yaml", "pacemaker", False),
        ("puppet/services/pacemaker_remote.yaml", "pacemaker_remote", False),
        ("puppet/services/pacemaker/compute-instanceha.yaml", "instance_ha", False),
        ("docker/services/messaging/rpc-qdrouterd.yaml", "qdrouterd", False),
        ("puppet/services/pacemaker/neutron-plugin-ml2.yaml", "neutron_plugins", True),
        ("extraconfig/tasks/major_upgrade_pacemaker.yaml", None, None),
        ("environments/services/haproxy.yaml", None, None),
    ],
)
def test_a_template_is_known_by_the_end_of_its_path(catalogue: Catalogue, path: str, expected: str | None, under: bool | None) -> None:
    assert (name(catalogue.of_template(path)), catalogue.puts_under_pacemaker(path)) == (expected, under)


def test_a_profile_class_tells_the_service_that_it_puts_under_pacemaker(catalogue: Catalogue) -> None:
    names = [
        "::tripleo::profile::pacemaker::database::mysql_bundle",
        "tripleo::profile::pacemaker::nova::api",
        "tripleo::profile::base::pacemaker",
    ]
    assert [name(catalogue.of_profile(n)) for n in names] == ["galera", "nova_api", None]


# Option files and modules


def test_an_option_file_tells_its_readers(catalogue: Catalogue) -> None:
    keystone = ["keystone"]
    paths = ["/etc/keystone/keystone.conf", "keystone.conf", "host/etc/keystone/keystone.conf", "/usr/share/keystone/keystone-dist.conf"]
    assert [[s.name for s in catalogue.of_config_file(path)] for path in paths] == [keystone] * 4
    assert [s.name for s in catalogue.of_config_file("x/puppet-generated/nova_metadata/etc/nova/nova.conf")] == ["nova_metadata"]
    assert [s.name for s in catalogue.of_config_file("/etc/other.conf")] == []


def test_the_databases_of_nova_glance_and_gnocchi(catalogue: Catalogue) -> None:
    services = [catalogue.by_name(n) for n in ("nova_api", "glance_api", "gnocchi_api", "nova_compute")]
    assert [[(d.section, d.option, d.retry_section, d.retry_keys) for d in s.databases] for s in services if s] == [
        [
            ("database", "connection", "", ("nova::db::database_max_retries",)),
            ("api_database", "connection", "", ("nova::db::api_database_max_retries",)),
        ],
        [("database", "connection", "", ("glance::api::db::database_max_retries",))],
        [("indexer", "url", "database", ())],
        [],
    ]


def test_a_module_configures_all_services_of_its_project(catalogue: Catalogue) -> None:
    assert [s.name for s in catalogue.module("manila")] == ["manila_share", "manila_api", "manila_scheduler", "manila_data"]


# What the catalogue says


def test_releases_in_which_pacemaker_may_run_a_service(catalogue: Catalogue) -> None:
    under = {s.name: (s.under_pacemaker[0], s.under_pacemaker[-1]) for s in catalogue.services if s.under_pacemaker}
    last = RELEASES[-1]
    assert under == {
        "haproxy": ("liberty", last), "vip": ("liberty", last), "rabbitmq": ("liberty", last), "galera": ("liberty", last),
        "redis": ("liberty", last), "cinder_volume": ("liberty", last), "cinder_backup": ("newton", last), "manila_share": ("newton", last),
        "ovn_dbs": ("pike", last), "ceph_nfs": ("queens", last), "ceph_rbd_mirror": ("ocata", "queens"),
        "pacemaker_remote": ("ocata", last), "instance_ha": ("queens", last), "stonith": ("liberty", last),
    }  # fmt: skip


def test_the_services_that_the_specification_names(catalogue: Catalogue) -> None:
    assert [s.name for s in catalogue.services if s.in_spec] == ["haproxy", "vip", "rabbitmq", "galera", "redis", "cinder_volume"]


def test_titles_are_unique_so_that_each_can_be_asked_for(catalogue: Catalogue) -> None:
    titles = [s.title for s in catalogue.services]
    assert sorted(t for t in set(titles) if titles.count(t) > 1) == []


# What the loader refuses


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("core: {a: {unit: x}}\n", "s.yaml:1:12: `unit`: unknown key; did you mean `units`?"),
        ("cores: {}\n", "s.yaml:1:1: `cores`: unknown key; did you mean `core`?"),
        ("core:\n  a:\n    units: [x]\n", "s.yaml:3:12: `units` must be words with blanks between"),
        ("core:\n  a: {releases: mitaak..}\n", "s.yaml:2:17: `mitaak`: unknown release; did you mean `mitaka`?"),
        ("core:\n  a: {in_spec: maybe}\n", "s.yaml:2:16: `in_spec` must be `true` or `false`"),
        ("core:\n  a: {databases: nova}\n", "s.yaml:2:18: `nova`: unknown database"),
        ("core:\n  a: {units: x}\n  b: {units: y x}\n", "s.yaml:3:14: `x` belongs to `a` already"),
        ("core:\n  a: {aliases: Nova}\n  b: {aliases: NOVA}\n", "s.yaml:3:16: `os::tripleo::services::nova` belongs to `a` already"),
        (
            "core:\n  a: {pacemaker: {agents: 'ocf:x:y'}}\n  b:\n    pacemaker: {agents: 'ocf:x:y'}\n",
            "s.yaml:4:25: `ocf:x:y` belongs to `a` already",
        ),
        ("core: {a: {}}\nactive_active: {a: {}}\n", "s.yaml:2:17: `a` stands under two kinds"),
        ("core: {a: {units: x, units: y}}\n", "s.yaml:1:22: key `units` stands twice"),
        ("core: {a: {pacemaker: {agents_with_id: 'ocf:x:y'}}}\n", "s.yaml:1:40: `ocf:x:y` must be `AGENT=ID`"),
        ("databases: {a: {connection: x}}\n", "s.yaml:1:16: `section` is missing"),
    ],
)
def test_a_mistake_in_the_catalogue_is_refused_at_its_place(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(text, "s.yaml")
    assert str(refused.value) == complaint
