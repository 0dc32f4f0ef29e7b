"""LW102 over the clusters of one cloud: what each runs counts for all, be it a cluster of OpenStack's own services or of stores alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lwlint.cli import main

AGENTS = {
    "haproxy": 'class="systemd" type="haproxy"',
    "rabbitmq": 'class="ocf" provider="heartbeat" type="rabbitmq-cluster"',
    "galera": 'class="ocf" provider="heartbeat" type="galera"',
    "redis": 'class="ocf" provider="heartbeat" type="redis"',
    "volume": 'class="systemd" type="openstack-cinder-volume"',
    "vip": 'class="ocf" provider="heartbeat" type="IPaddr2"',
    "zabbix": 'class="systemd" type="zabbix-server"',
}


def missing(folder: Path, clusters: dict[str, str], capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    """Return the services that LW102 finds missing, by cluster; `clusters` have the words for what each runs."""
    for name, words in clusters.items():
        resources = "".join(f'<primitive id="{word}" {AGENTS[word]}/>' for word in words.split())
        property = f'<cluster_property_set id="o"><nvpair id="o-n" name="cluster-name" value="{name}"/></cluster_property_set>'
        cib = (
            f'<cib validate-with="pacemaker-3.2"><configuration><crm_config>{property}</crm_config>'
            f'<nodes><node id="1" uname="{name}1"/></nodes>'
            f"<resources>{resources}</resources></configuration></cib>"
        )
        report = folder / f"sosreport-{name}1-2023-03-01-abcdefg"
        path = report / f"sos_commands/pacemaker/crm_report/{name}1/cib.xml"
        path.parent.mkdir(parents=True)
        path.write_text(cib)
        (report / "etc").mkdir()
        (report / "etc/hostname").write_text(f"{name}1\n")
        (report / "version.txt").write_text("sosreport: 4.0\n")
    main(["audit", "--format", "json", "--select", "LW102", str(folder)])
    answer = json.loads(capsys.readouterr().out)
    found = {c["name"]: [f["subject"].split()[1] for f in c["findings"] if f["severity"] == "error"] for c in answer["clusters"]}
    return {name: services for name, services in found.items() if services}


@pytest.mark.parametrize(
    ("clusters", "expected"),
    [
        ({"data": "galera rabbitmq haproxy vip", "svc": "volume haproxy"}, {"data": ["redis"]}),
        ({"data": "galera rabbitmq haproxy vip", "svc": "volume haproxy", "cache": "redis"}, {}),
        ({"db": "galera", "mq": "rabbitmq", "lb": "haproxy vip", "svc": "volume"}, {"svc": ["redis"]}),
        ({"db": "galera", "mq": "rabbitmq", "lb": "haproxy vip", "cache": "redis", "svc": "volume"}, {}),
        ({"db": "galera", "mq": "rabbitmq", "lb": "haproxy vip", "other": "redis zabbix", "svc": "volume"}, {"svc": ["redis"]}),
        ({"db": "galera", "mq": "rabbitmq", "lb": "haproxy vip"}, {}),
        ({"all": "galera rabbitmq haproxy vip redis volume", "other": "galera zabbix"}, {}),
    ],
)
def test_what_any_cluster_of_the_cloud_runs_is_missing_in_none(
    clusters: dict[str, str], expected: dict[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert missing(tmp_path, clusters, capsys) == expected
