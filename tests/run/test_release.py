"""The release of an input, by what it shows."""

from __future__ import annotations

import pytest

from lwlint.core.facts import Release
from lwlint.core.source import Source
from lwlint.files.tree import Memory
from lwlint.inputs import KINDS
from lwlint.run import Request, check, load_rules
from tests.shared import shared


def tree(name: str) -> list[Source]:
    folder = shared(f"corpus/tht/{name}")
    files = sorted(folder.rglob("*.yaml"))
    return [Source(f.relative_to(folder).as_posix(), f.read_text("utf-8", "replace"), "heat") for f in files]


@pytest.mark.parametrize(("name", "release"), [("newton-before", "newton"), ("newton-after", "newton"), ("pike", "pike")])
def test_a_tree_of_templates_tells_its_release(name: str, release: str) -> None:
    assert KINDS.release(tree(name)).name == release


@pytest.mark.parametrize(
    ("path", "text", "release"),
    [
        ("a.yaml", "heat_template_version: queens\n", "queens"),
        ("a.yaml", "# x\nheat_template_version: 'rocky'\n", "rocky"),
        ("a.yaml", "heat_template_version: 2016-04-08\n", None),
        ("puppet/services/keystone.yaml", "heat_template_version: 2016-04-08\n", "newton"),
        ("puppet/services/keystone.yaml", "heat_template_version: ocata\n", "ocata"),
        ("puppet/services/keystone.yaml", "heat_template_version: pike\n", "pike"),
        ("docker/services/services.yaml", "heat_template_version: 2016-10-14\n", None),
        ("docker/services/nova-api.yaml", "heat_template_version: pike\n", "pike"),
        ("docker/services/nova-api.yaml", "heat_template_version: queens\n", "queens"),
        ("t/docker/services/pacemaker/rpc-rabbitmq.yaml", "heat_template_version: rocky\n", "rocky"),
        ("deployment/keystone/keystone-container-puppet.yaml", "heat_template_version: rocky\n", "stein"),
        ("deployment/placement/placement-api-container-puppet.yaml", "heat_template_version: rocky\n", "train"),
        ("deployment/cephadm/ceph-nfs.yaml", "heat_template_version: rocky\n", "wallaby"),
        ("deployment/cephadm/ceph-ingress.yaml", "heat_template_version: wallaby\n", "zed"),
        ("environments/a.yaml", "parameter_defaults: {}\n", None),
    ],
)
def test_the_place_and_version_of_one_template_tell_its_release(path: str, text: str, release: str | None) -> None:
    assert KINDS.release([Source(path, text, "heat")]).name == release


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ('<cib><docker image="10.0.0.1:8787/rhosp12/openstack-haproxy:pcmklatest"/></cib>', "pike"),
        ('<cib><podman image="registry.example/rhosp-rhel8/openstack-mariadb:16.1"/></cib>', "train"),
        ('<cib><docker image="docker.io/tripleoqueens/centos-binary-redis:current"/></cib>', "queens"),
        ('<cib><docker image="x/centos-binary-redis:latest"/><bundle id="b"/></cib>', "pike"),
        ('<cib><bundle id="b"><podman image="x/centos-binary-redis:latest"/></bundle></cib>', "train"),
        ('<cib><primitive class="ocf" id="openstack-core" type="Dummy"/></cib>', "mitaka"),
        ('<cib><primitive id="keystone" class="systemd" type="openstack-keystone"/></cib>', "liberty"),
        ('<cib><primitive type="galera"/><expression attribute="haproxy-role"/></cib>', "ocata"),
        ('<cib><nvpair id="v" name="dc-version" value="1.1.15-11.el7_3.4-e174ec8"/><primitive type="galera"/></cib>', "newton"),
        ('<cib><nvpair id="v" name="dc-version" value="1.1.15-11.el7_3.4-e174ec8"/><primitive type="Dummy"/></cib>', None),
        ('<cib><nvpair id="v" name="dc-version" value="2.0.2-3.el8"/><primitive type="galera"/></cib>', "stein"),  # not in a bundle
        ("<cib/>", None),
    ],
)
def test_a_cib_tells_the_release_by_images_then_resources_then_the_version(text: str, release: str | None) -> None:
    assert KINDS.release([Source("cib.xml", text, "cib")]).name == release


def test_the_version_of_pacemaker_is_called_weak_evidence() -> None:
    text = '<cib><nvpair name="dc-version" value="1.1.19-8.el7"/><primitive type="galera"/></cib>'
    assert KINDS.release([Source("cib.xml", text, "cib")]) == Release("rocky", "Pacemaker 1.1.19, which is weak evidence")


def test_templates_count_more_than_a_cib_and_context_counts_nothing() -> None:
    cib = Source("cib.xml", '<cib><bundle id="b"/></cib>', "cib")
    template = Source("a.yaml", "heat_template_version: queens\n", "heat")
    context = Source("b.yaml", "heat_template_version: queens\n", "heat", judged=False)
    assert [KINDS.release(sources).name for sources in ([cib, template], [cib, context], [context])] == ["queens", "pike", None]


def test_container_units_came_with_stein() -> None:
    assert KINDS.release([Source("etc/systemd/system/tripleo_nova_api.service", "[Service]\n", "unit")]).name == "stein"


def test_nothing_given_is_no_release() -> None:
    assert KINDS.release([]) == Release(None, "nothing that was given shows the release")


CINDER = "resource_registry:\n  OS::TripleO::Services::Pacemaker: ../deployment/pacemaker/a-puppet.yaml\n"
CINDER += "  OS::TripleO::Services::CinderVolume: ../deployment/cinder/cinder-volume-container-puppet.yaml\n"


@pytest.mark.parametrize("paths", [(".",), ("environments",), ("environments/a.yaml",), ("deployment/cinder",)])
def test_a_part_of_a_tree_is_judged_by_the_release_of_the_tree(paths: tuple[str, ...]) -> None:
    template = "heat_template_version: rocky\n"
    files = {
        "overcloud-resource-registry-puppet.j2.yaml": "resource_registry:\n  OS::TripleO::Services::NovaApi: deployment/a.yaml\n",
        "environments/a.yaml": CINDER,
        "deployment/pacemaker/a-puppet.yaml": template,
        "deployment/cinder/cinder-volume-container-puppet.yaml": template,
        "deployment/placement/placement-api-container-puppet.yaml": template,
    }
    report = check(Request(paths=paths, tree=Memory(files)), load_rules(select=["LW416"], examples=False))
    assert (report.release, report.findings) == ("train", ())
    loose = {path: text for path, text in files.items() if not path.startswith("overcloud") and "placement" not in path}
    alone = check(Request(paths=("environments/a.yaml",), tree=Memory(loose)), load_rules(select=["LW416"], examples=False))
    assert alone.release is None, "there is no tree to ask"
