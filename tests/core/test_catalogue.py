"""The service catalogue: what it finds, what it refuses, and that it knows the corpus."""

from __future__ import annotations

import pytest

from lwlint.core.catalogue import Catalogue, load
from lwlint.core.facts import RELEASES
from tests.shared import HERE


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load((HERE / "rules/services.yaml").read_text("utf-8"), "rules/services.yaml")


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
        ("ocf:openstack:nova-compute-wait", "nova-compute", "instance_ha_compute"),
        ("systemd:libvirtd", "libvirtd-compute", "nova_libvirt"),
        ("lsb:quantum-server", "p_quantum-server", "neutron_server"),
        ("lsb:openstack-quantum-l3-agent", "x", "neutron_l3_agent"),
        ("upstart:quantum-metadata-agent", "x", "neutron_metadata_agent"),
        ("ocf:openstack:quantum-agent-dhcp", "p_quantum-agent-dhcp", "neutron_dhcp_agent"),
        ("ocf:mirantis:quantum-agent-ovs", "p_quantum-openvswitch-agent", "neutron_ovs_agent"),
        ("ocf:pacemaker:quantum-agent-l3", "p_quantum-l3-agent", "neutron_l3_agent"),
        ("systemd:quantumleap", "x", None),
        ("systemd:tomcat", "tomcat", "midonet"),
        ("systemd:httpd", "horizon", "apache"),
        ("systemd:mongod", "mongodb", "mongodb"),
        ("systemd:openstack-magnum-api", "x", "magnum"),
        ("systemd:openstack-adjutant-api", "x", "openstack_other"),
        ("systemd:dlm", "dlm", None),
        ("systemd:something", "galera", None),
        ("ocf:site:galera-wrapper", "galera", None),
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
        ("any", "registry.example/rhosp-rhel9/openstack-unbound:17.1", "unbound"),
        ("any", "registry.example/rhosp-rhel9/openstack-nova-frob:17.1", None),
        ("any", "registry.example/rhosp-rhel9/openstack-neutron-frob:17.1", "openstack_other"),
        ("any", "registry.example/rhosp-rhel9/openstack-frob:17.1", None),  # as each image of the distribution begins
    ],
)
def test_a_bundle_is_known_by_its_image_or_its_id(catalogue: Catalogue, id: str, image: str | None, expected: str | None) -> None:
    assert name(catalogue.of_resource(None, id, "bundle", image)) == expected


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


# Aliases and templates


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


def test_the_aliases_templates_and_containers_of_wallaby_and_zed_are_known(catalogue: Catalogue) -> None:
    aliases = """CephIngress CinderBackendNfs DesignateBind GlanceApiInternal HeatEphemeral ManilaBackendFlashBlade ManilaBackendPowerMax
        NovaLibvirtLegacy OVNBgpAgent TimeMaster Unbound"""
    assert [a for a in aliases.split() if catalogue.of_alias(f"OS::TripleO::Services::{a}") is None] == []
    templates = """apache/apache-baremetal-ansible.j2 auditd/auditd-baremetal-ansible cephadm/ceph-ingress deprecated/etcd-container-puppet
        designate/designate-bind-container etcd/etcd-container-ansible glance/glance-api-internal-container-puppet
        heat/heat-ephemeral-container-ansible metrics/collectd-container-ansible metrics/qdr-container-ansible
        nova/nova-modular-libvirt-container-puppet ovn/ovn-bgp-agent-container-ansible ovn/ovn-dbs-cluster-ansible
        timemaster/timemaster-baremetal-ansible unbound/unbound-container-ansible"""
    assert [t for t in templates.split() if catalogue.puts_under_pacemaker(f"deployment/{t}.yaml") is not False] == []
    containers = """glance_api_cron glance_api_internal manila_api_cron nova_virtlogd_wrapper nova_virtnodedevd nova_virtproxyd
        nova_virtqemud nova_virtsecretd nova_virtstoraged ovn_bgp_agent ovn_cluster_north_db_server ovn_cluster_northd
        ovn_cluster_south_db_server swift_recon_cron unbound"""
    assert [c for c in containers.split() if catalogue.of_container(c) is None] == []


def test_services_that_may_leave_pacemaker_to_run_on_several_nodes(catalogue: Catalogue) -> None:
    first = {s.name: s.outside[0] for s in catalogue.services if s.outside}
    assert first == {"cinder_volume": "stein", "cinder_backup": "wallaby", "ovn_dbs": "wallaby"}
    templates = [t for s in catalogue.services for t in s.outside_templates]
    assert templates == ["deployment/cinder/cinder-backup-container-puppet.yaml", "deployment/ovn/ovn-dbs-cluster-ansible.yaml"]


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ("zun_cni_daemon", "zun"),
        ("mariadb", "galera"),
        ("ovn_sb_db_relay", "ovn_dbs"),
        ("neutron_vpnaas_agent", "neutron_other_agents"),
        ("openvswitch_vswitchd", "opendaylight_ovs"),
        ("ironic_dnsmasq", "ironic_inspector"),
        ("glance_tls_proxy", "glance_api"),
    ],
)
def test_a_container_is_known_by_the_name_that_kolla_gives_it(catalogue: Catalogue, container: str, expected: str) -> None:
    assert name(catalogue.of_container(container)) == expected
    assert name(catalogue.of_unit(f"kolla-{container}-container.service")) == expected


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
