"""No output of an audit holds a secret, wherever in a report it stands and whatever is said of its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from lwlint.cli import main
from tests.audit.audit_cluster import CIB, NODES, host, packed, replaced

CANARY = "c4n4ry"
CINDER = f"""\
[DEFAULT]
transport_url = rabbit://guest:{CANARY}1@a:5672,guest:{CANARY}2@b:5672/
rabbit_password = {CANARY}3
# admin_password={CANARY}4
sql_connection = mysql://cinder:{CANARY}5@db/cinder
max_retries = -1
[database]
connection = mysql+pymysql://cinder:{CANARY}6@db/cinder?max_retries=10&password={CANARY}7
connection = mysql+pymysql://cinder:{CANARY}8%40x@{CANARY}/,{CANARY}@[fd00::1]:3306/cinder
slave_connection = mysql+pymysql://cinder:{CANARY}9@db/cinder
max_retries = 10
max_retries = password={CANARY}10
[oslo_messaging_notifications]
transport_url = rabbit://guest:{CANARY}11@a/
[keystone_authtoken]
password = {CANARY}12,{CANARY},"{CANARY}"{CANARY} {CANARY}`{CANARY}
memcache_secret_key = {CANARY}13
admin_token: {CANARY}14
[oslo_messaging_rabbit]
rabbit_max_retries = 5
rabbit_password={CANARY}15
"""
UNIT = f"""\
[Unit]
Requires=mariadb.service
[Service]
Environment=OS_PASSWORD={CANARY}16 "OS_DATABASE__CONNECTION=mysql://n:{CANARY}17@db/n"
ExecStart=/usr/bin/nova-api --password={CANARY}18 --db mysql://nova:{CANARY}19@db/nova
Restart=no password={CANARY}20
"""
_SECRETS = "".join(
    f'<nvpair id="s{i}" name="{name}" value="{CANARY}2{i}"/><nvpair value="{CANARY}3{i}" id="t{i}" name="{name}"/>'
    for i, name in enumerate(("passwd", "password", "login_token", "secret_key"))
)


@pytest.mark.parametrize("arguments", [(), ("-v",), ("--format", "json"), ("--format", "json", "-v"), ("--output", "answer", "-v")])
def test_no_output_holds_a_secret(
    arguments: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cib = replaced(
        "full-pacemaker", CIB, "<resources>", f'<resources><primitive id="fence" class="stonith" type="x"><instance_attributes id="fa">'
        f'{_SECRETS}</instance_attributes></primitive>',
    )  # fmt: skip
    one_line = cib.replace("\n", " ")  # all secrets in every line that is shown
    monkeypatch.chdir(tmp_path)
    for node, text in zip(NODES, (cib, one_line, cib)):
        changes = {
            "etc/cinder/cinder.conf": CINDER,
            "etc/nova/nova.conf": CINDER.replace("cinder", "nova"),
            "usr/lib/systemd/system/openstack-nova-api.service": UNIT,
            "usr/lib/systemd/system/openstack-nova-conductor.service": UNIT,
            CIB: text,
        }
        (tmp_path / f"{node}.tar").write_bytes(packed(host("full-pacemaker", node, changes), node, "tar"))
    assert main(["audit", *(f"{node}.tar" for node in NODES), *arguments]) == 1
    output = "".join((*capsys.readouterr(), *(path.read_text("utf-8") for path in sorted(Path().glob("answer/*")))))
    assert "cinder.conf" in output
    assert [line for line in output.splitlines() if CANARY in line] == []


def test_a_value_that_sos_scrubbed_is_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conf = replaced("lightweight", "etc/cinder/cinder.conf", "\nmax_retries=-1", "\nmax_retries=*********")
    path = tmp_path / "scrubbed.tar"
    path.write_bytes(packed(host("lightweight", NODES[0], {"etc/cinder/cinder.conf": conf}), NODES[0], "tar"))
    assert main(["audit", str(path)]) == 0
    out = capsys.readouterr().out
    assert "not evaluated (overcloud-controller-0): LW301: overcloud-controller-0:etc/cinder/cinder.conf:" in out
    assert "was scrubbed from the report" in out
