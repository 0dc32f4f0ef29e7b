"""What tells the release of a cluster where signs contradict each other, or where only a text of it is there."""

from __future__ import annotations

import random

import pytest

from lwlint.audit.report_layout import release_hints
from lwlint.core.facts import of_image
from lwlint.core.source import Source
from lwlint.files.tree import Memory
from lwlint.inputs import KINDS
from lwlint.inputs.heat import _LAYOUT, _layout_of, rest_of_trees

UCA = "deb http://ubuntu-cloud.archive.canonical.com/ubuntu"
GALERA = '<primitive id="galera" class="ocf" provider="heartbeat" type="galera"/>'
KEYSTONE = '<primitive id="k" class="systemd" type="openstack-keystone"/>'


def version(value: str) -> str:
    return f'<nvpair id="v" name="dc-version" value="{value}"/>'


@pytest.mark.parametrize(
    ("text", "kind", "release", "because"),
    [
        (f"<cib>{version('1.1.15-3.4')}{KEYSTONE}</cib>", "cib", "newton", "against openstack-keystone under Pacemaker"),
        (f"<cib>{version('1.1.12-22.el7')}{KEYSTONE}</cib>", "cib", "liberty", "openstack-keystone under Pacemaker"),
        (f"<cib>{version('2.1.2-4.el9')}<podman/>{GALERA}</cib>", "cib", "wallaby", "of el9"),
        (f"<cib>{version('2.0.4-6.el8')}<podman/>{GALERA}</cib>", "cib", "train", "podman"),
        (f"<cib>{version('2.0.2-3.el8')}{GALERA}</cib>", "cib", "stein", "of el8"),
        ('<cib><podman image="quay.io/openstack.kolla/haproxy:2023.1-rocky-9"/></cib>', "cib", "antelope", "image"),
        ('<cib><podman image="quay.io/openstack.kolla/haproxy:master-rocky-9"/></cib>', "cib", "train", "podman"),
        ('<cib><podman image="quay.io/openstack.kolla/haproxy:zed-rocky-9"/></cib>', "cib", "zed", "image"),
        ('<cib><podman image="r.example/rhoso/openstack-haproxy-rhel9@sha256:0"/></cib>', "cib", "antelope", "image"),
        ('<cib><podman image="r.example/rhosp-rhel9/openstack-haproxy:17.1"/></cib>', "cib", "wallaby", "image"),
        ("[Service]\nExecStart=/openstack/venvs/nova-29.1.0/bin/nova-api\n", "unit", "caracal", "OpenStack-Ansible"),
        ('<cib><docker image="x/centos-binary-haproxy:rocky"/></cib>', "cib", "rocky", "image"),
        ("Resources:\n Bundle: b\n  Docker: image=x/rhosp13/openstack-haproxy:1 replicas=3\n", "pcs config", "queens", "image"),
        ("Resources:\n Resource: galera (class=ocf)\n openstack-x\n dc-version: 1.1.16-12.el7\n", "pcs config", "pike", "1.1.16"),
        ("primitive openstack-cinder-volume systemd:openstack-cinder-volume\nproperty dc-version=1.1.18-2b0\n", "pcs config", None, ""),
    ],
)
def test_signs_are_weighed_and_told(text: str, kind: str, release: str | None, because: str) -> None:
    found = KINDS.release([Source("cib", text, kind)])
    assert found.name == release
    assert because in found.because


@pytest.mark.parametrize(
    ("path", "text", "release", "because"),
    [
        ("etc/openstack-release", 'DISTRIB_ID="OSA"\nDISTRIB_RELEASE="29.1.0"\nDISTRIB_CODENAME="Caracal"\n', "caracal", "CODENAME"),
        ("etc/openstack-release", 'DISTRIB_ID="OSA"\nDISTRIB_RELEASE="14.2.3"\n', "newton", "RELEASE"),
        ("etc/openstack-release", 'DISTRIB_RELEASE="29.1.0"\nDISTRIB_CODENAME="Sandcastle"\n', "caracal", "RELEASE"),
        ("etc/openstack-release", 'DISTRIB_RELEASE="99.0.0"\n', None, "RELEASE"),
        ("etc/apt/sources.list.d/cloud-archive.list", f"{UCA} jammy-updates/zed main\n", "zed", "/zed"),
        ("etc/apt/sources.list.d/cloud-archive.list", f"{UCA} xenial-updates/queens main\n", "queens", "/queens"),
        ("etc/apt/sources.list.d/cloud-archive.list", f"{UCA} jammy-updates/other main\n", None, "/other"),
        ("etc/apt/sources.list.d/cloudarchive-zed.list", f"# {UCA} focal-updates/yoga main\n{UCA} jammy-updates/zed main\n", "zed", "/zed"),
        ("etc/apt/sources.list.d/x.sources", f"Types: deb\nURIs: {UCA[4:]}\nSuites: noble-updates/epoxy\n", "epoxy", " Suites: noble-"),
        ("etc/rhosp-release", "Red Hat OpenStack Platform release 13.0.16 (Queens)\n", "queens", "13.0.16"),
        ("installed-debs", "ii  nova-common  3:25.1.1-0ubuntu1  all  x\n", "yoga", "nova-common 25.1.1"),
        ("installed-debs", "ii  neutron-common  2:16.4.2-0ubuntu6  all  x\n", "ussuri", "neutron-common 16.4.2"),
        ("installed-rpms", "openstack-nova-common-14.1.0-3.el7.noarch  x\n", "newton", "openstack-nova-common 14.1.0"),
    ],
)  # fmt: skip
def test_files_of_a_host_tell_the_release_of_its_deployment(path: str, text: str, release: str | None, because: str) -> None:
    (hint,) = release_hints([Source(path, text, "package")])
    assert hint.release == release
    assert because in hint.because


@pytest.mark.parametrize(
    ("path", "release"),
    [
        ("etc/systemd/system/edpm_nova_compute.service", "antelope"),
        ("etc/systemd/system/tripleo_nova_api.service", "stein"),
        ("etc/systemd/system/kolla-nova_api-container.service", None),
        ("usr/lib/systemd/system/openstack-nova-api.service", None),
    ],
)
def test_units_tell_the_first_release_that_has_their_like(path: str, release: str | None) -> None:
    assert KINDS.release([Source(path, "[Service]\nExecStart=/usr/bin/podman start x\n", "unit")]).name == release


@pytest.mark.parametrize(
    ("image", "release"),
    [
        ("quay.io/tripleovictoriacentos9/openstack-haproxy:current-tripleo", "victoria"),
        ("quay.io/tripleomastercentos9/openstack-haproxy:current-tripleo", None),
        ("docker.io/tripleotraincentos8/centos-binary-haproxy:x", "train"),
        ("satellite.example.com:5000/org-osp13_containers-haproxy:13.0", "queens"),
        ("satellite.example.com:5000/org-osp130_containers-haproxy:1", None),
        ("docker.io/kolla/centos-binary-haproxy:wallaby-rocky-8", "wallaby"),
        ("docker.io/kolla/haproxy:2023.1-rocky-9", "antelope"),
        ("docker.io/kolla/haproxy:master-rocky-9", None),
    ],
)
def test_an_image_tells_its_release(image: str, release: str | None) -> None:
    assert of_image(image) == release


def test_what_is_looked_for_in_all_paths_at_once_finds_what_each_expression_does() -> None:
    telling = (
        "deployment/cephadm/x", "deployment/tls/undercloud-remove-novajoin.yaml", "deployment/nova/nova-db-client-puppet.yaml",
        "deployment/nova/nova-apidb-client-puppet.yaml", "common/hiera-steps-tasks.yaml", "deployment/placement/x.yaml",
        "deployment/x/y-ansible.j2.yaml", "docker/services/messaging/rpc-rabbitmq.yaml", "docker/services/logging/x",
        "a/docker/services/x-api.yaml",
        "puppet/services/x.yaml", "puppet/manifests/overcloud_controller_pacemaker.pp",
    )  # fmt: skip
    others = ("xdeployment/frr/x", "common/hiera.yaml", "deployment", "puppet/services", "/rpc-rabbitmq", "x.yaml", "deployment/x.yaml", "")
    chance = random.Random(0)
    for _ in range(2000):
        paths = [chance.choice(("", "t/")) + path for path in chance.choices(telling, k=chance.randint(0, 3)) + chance.choices(others, k=3)]
        chance.shuffle(paths)
        assert _layout_of(paths) == next(((name, path) for name, _, known in _LAYOUT for path in paths if known.search(path)), None)


def test_a_part_of_a_tree_has_every_path_looked_for_that_tells_its_release() -> None:
    files = {
        "overcloud-resource-registry-puppet.j2.yaml": "resource_registry: {}\n",
        "overcloud.yaml": "heat_template_version: newton\n",
        "environments/a.yaml": "parameter_defaults: {A: 1}\n",
    }
    telling = (
        "deployment/cephadm/ceph-ingress.yaml", "deployment/etcd/etcd-container-ansible.yaml", "deployment/frr/x.yaml",
        "deployment/cinder/cinder-backend-nfs-puppet.yaml", "deployment/tls/undercloud-remove-novajoin.yaml",
        "deployment/deprecated/mistral/mistral-base.yaml", "deployment/nova/nova-api-db-client-puppet.yaml",
        "deployment/nova/nova-apidb-client-puppet.yaml", "common/hiera-steps-tasks.yaml", "deployment/placement/x.yaml",
        "deployment/certs/x.yaml", "deployment/x/y-ansible.j2.yaml", "docker/services/messaging/rpc-rabbitmq.yaml",
        "docker/services/pacemaker/rpc-rabbitmq.yaml", "puppet/services/messaging/rpc-rabbitmq.yaml",
        "puppet/services/pacemaker/rpc-rabbitmq.yaml", "docker/services/ceph-ansible/ceph-nfs.yaml", "docker/services/logging/x.yaml",
        "docker/services/containers-common.yaml", "docker/services/pacemaker/x.yaml", "docker/services/database/x.yaml",
        "docker/services/x-api.yaml", "puppet/services/x.yaml", "puppet/manifests/overcloud_controller_pacemaker.pp",
    )  # fmt: skip
    assert {name for name, _, known in _LAYOUT if not any(known.search(path) for path in telling)} == set()
    for top in ("", "tht/"):
        for path in telling:
            tree = Memory({top + name: text for name, text in {**files, path: ""}.items()})
            rest = [source.path for source in rest_of_trees([f"{top}environments/a.yaml"], tree, lambda path, root: None)]
            assert f"{top}{path}" in rest
            assert _layout_of(rest) == _layout_of([top + path])
            assert f"{top}environments/a.yaml" not in rest, "what tells nothing is not looked for"
