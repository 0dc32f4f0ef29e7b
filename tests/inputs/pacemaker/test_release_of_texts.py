"""The release that a cluster tells is the same in its CIB, in `pcs config` and in `crm configure show`."""

from __future__ import annotations

import pytest

from lwlint.core.source import Source
from lwlint.inputs.pacemaker.reader import release_of

# a resource, or another sign, as the CIB, pcs and crm have it
HAPROXY = (
    '<primitive id="haproxy" class="systemd" type="haproxy"/>',
    "  Resource: haproxy (class=systemd type=haproxy)",
    "primitive haproxy systemd:haproxy",
)
GALERA = (
    '<primitive id="db" class="ocf" provider="heartbeat" type="galera"/>',
    "  Resource: db (class=ocf provider=heartbeat type=galera)",
    "primitive db galera",
)
KEYSTONE = (
    '<primitive id="k" class="systemd" type="openstack-keystone"/>',
    "  Resource: k (class=systemd type=openstack-keystone)",
    "primitive k systemd:openstack-keystone",
)
CORE = (
    '<primitive id="openstack-core" class="ocf" provider="heartbeat" type="Dummy"/>',
    "  Resource: openstack-core (class=ocf provider=heartbeat type=Dummy)",
    "primitive openstack-core Dummy",
)
DOCKER = (
    '<bundle id="haproxy-bundle"><docker image="x"/></bundle>',
    "  Bundle: haproxy-bundle\n    Docker: image=x",
    "bundle haproxy-bundle \\\n\tdocker image=x",
)
PODMAN = (
    '<bundle id="haproxy-bundle"><podman image="x"/></bundle>',
    "  Bundle: haproxy-bundle\n    Podman: image=x",
    "bundle haproxy-bundle \\\n\tpodman image=x",
)
MARK = (
    '<expression attribute="haproxy-role" operation="eq" value="true"/>',
    "      Expression: haproxy-role eq true",
    "\trule haproxy-role eq true",
)
VERSION = ('<nvpair name="dc-version" value="{0}"/>', "  dc-version={0}", "property a: \\\n\tdc-version={0} \\\n\tcluster-name=x")


@pytest.mark.parametrize("form", [0, 1, 2], ids=["cib", "pcs", "crm"])
@pytest.mark.parametrize(
    ("sign", "version", "release"),
    [
        (HAPROXY, "1.1.15-11.el7", "newton"),
        (GALERA, "1.1.19-8.el7", "rocky"),
        (HAPROXY, "2.0.3-5.el8", "stein"),
        (GALERA, "2.1.2-4.el9", "wallaby"),
        (HAPROXY, "3.0.0-5.el10", "epoxy"),
        (KEYSTONE, "", "liberty"),
        (KEYSTONE, "1.1.15-11.el7", "newton"),
        (CORE, "", "mitaka"),
        (DOCKER, "", "pike"),
        (PODMAN, "", "train"),
        (PODMAN, "3.0.0-5.el10", "epoxy"),
        (MARK, "", "ocata"),
        (HAPROXY, "2.1.5-a3f44794f94", None),
    ],
)
def test_a_sign_is_one_in_every_form(sign: tuple[str, ...], version: str, release: str | None, form: int) -> None:
    text = "\n".join([sign[form], VERSION[form].format(version) if version else ""]) + "\n"
    found = release_of([Source("x", text, "pcs config" if form else "cib")])
    assert (found.name if found is not None else None) == release


def test_a_version_alone_is_of_anybodys_cluster() -> None:
    for form, kind in ((0, "cib"), (1, "pcs config"), (2, "pcs config")):
        assert release_of([Source("x", VERSION[form].format("2.1.2-4.el9") + "\n", kind)]) is None
