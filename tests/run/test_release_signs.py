"""What tells the release of a cluster where signs contradict each other, or where only a text of it is there."""

from __future__ import annotations

import pytest

from lwlint.core.source import Source
from lwlint.inputs import KINDS

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
