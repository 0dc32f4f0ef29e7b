"""`lwlint audit --anonymize`: no form of the answer holds a host's name or an address, and one thing has one name in all of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lwlint.cli import main
from tests.audit.audit_cluster import CIB, NODES, host, packed, replaced
from tests.shared import HERE

REAL = HERE.parent / "shared" / "corpus" / "sos"
NAMES = ("c4nctl-0", "c4nctl-1", "c4nctl-2")
DOMAIN = "c4ndomain.net"
# every spelling of the same two addresses and of one MAC, and names in every place where one can stand
CINDER = """\
[DEFAULT]
transport_url = rabbit://guest:pw@C4NCTL-1:5672,guest:pw@c4nctl-2.c4ndomain.net:5672/
my_ip = 10.66.77.88
host = c4nctl-0
[database]
connection = mysql+pymysql://cinder:pw@c4ndb7/cinder?bind_address=10.66.77.88
connection = mysql+pymysql://cinder:pw@c4nzeus/cinder
max_retries = a [fd00:c4a:0::0017]:3306 FD00:0C4A:0:0:0:0:0:17 fd00:c4a::17 fd00%3Ac4a%3A%3A17 ::ffff:10.66.77.88 ip-10-66-77-88 \
b 52:54:00:c4:a0:01 52-54-00-C4-A0-01 5254.00c4.a001 enx525400c4a001 c c4nctl-1 C4NCTL-1 c4nctl_1 c4nctl-1.c4ndomain.net c4nctl-2 c4ndb7 \
keystone.c4ndomain.net c4ndomain.net fe80::5054:ff:fec4:a001%eth0 127.0.0.1 0.0.0.0 255.255.255.0 ::1
"""
FORBIDDEN = re.compile(r"c4n|10.66.77|c4a(?!n)|fd00|fec4|52.?54.?00|a001|tripleo_cluster", re.IGNORECASE)
RESOURCES = """\
<primitive id="ip-10.66.77.88" class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="i1">
<nvpair id="n1" name="ip" value="10.66.77.88"/></instance_attributes></primitive>
<primitive id="ip-fd00.c4a..17" class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="i2">
<nvpair id="n2" name="ip" value="fd00:c4a::17"/></instance_attributes></primitive>
<primitive id="vip-for-c4nctl-0" class="ocf" provider="heartbeat" type="IPaddr2"/>
<primitive id="fence_c4nctl_1" class="systemd" type="openstack-nova-api"/>
"""


def write(folder: Path, count: int) -> list[str]:
    """Write an archive for each of the first `count` hosts, and return their paths as a user types them."""
    cib = replaced("full-pacemaker", CIB, "<resources>", f"<resources>{RESOURCES}").replace(
        "<constraints>", '<constraints><rsc_order id="order-c4nctl-2-ip-10.66.77.88" first="ip-10.66.77.88" then="fence_c4nctl_1"/>'
    )
    paths = []
    for old, new in zip(NODES, NAMES):
        cib = cib.replace(old, new)
    for number, (name, epoch) in enumerate(list(zip(NAMES, (1, 2, 3)))[:count]):
        changes = {
            "etc/cinder/cinder.conf": CINDER,
            CIB: re.sub(r' epoch="\d+"', f' epoch="{epoch}"', cib, count=1),
            "sos_commands/host/hostname": f"{name}.{DOMAIN}\n" if number == 1 else f"{name}\n",
        }
        path = folder / f"sosreport-{name}-01234567-2016-11-23-abcdefg.tar.gz"
        path.write_bytes(packed(host("full-pacemaker", NODES[0], changes), name))
        paths.append(path.name)
    return paths


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    main(["audit", "--anonymize", *arguments])
    return "".join((*capsys.readouterr(), *(path.read_text("utf-8") for path in sorted(Path().glob("answer/*")))))


FORMS = ((), ("-v",), ("--debug",), ("--format", "json"), ("--format", "html"), ("--output", "answer", "-v"))


@pytest.mark.parametrize("hosts", [1, 2, 3])
@pytest.mark.parametrize("form", FORMS)
def test_no_form_holds_a_name_or_an_address(
    form: tuple[str, ...], hosts: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    output = said(capsys, *write(tmp_path, hosts), *form)
    assert "cinder.conf" in output
    assert "host-1" in output
    assert [line for line in output.splitlines() if FORBIDDEN.search(line)] == []


def test_what_is_replaced_would_be_there(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    main(["audit", "--format", "json", *write(tmp_path, 3)])
    output = capsys.readouterr().out
    shown = (
        "C4NCTL-1 ",
        "c4ndb7",
        "c4nctl_1",
        "FD00:0C4A:0:0:0:0:0:17",
        "ip-fd00.c4a..17",
        "52-54-00-C4-A0-01",
        "fence_c4nctl_1",
        "c4nctl-1.c4ndomain.net",
    )
    assert [text for text in shown if text not in output] == []


def test_one_thing_has_one_name_in_all_of_the_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = json.loads(said(capsys, "--format", "json", *write(tmp_path, 3)))
    (cluster,) = answer["clusters"]
    assert cluster["name"] == "cluster-1"
    assert [one["name"] for one in cluster["hosts"]] == ["host-1", "host-2", "host-3"]
    assert cluster["nodes"] == ["host-1", "host-2", "host-3"]
    assert [target["path"] for target in answer["targets"]] == [f"sosreport-host-{n}-01234567-2016-11-23-abcdefg.tar.gz" for n in (1, 2, 3)]
    text = json.dumps(cluster)
    (vip,) = set(re.findall(r"`ip-([\d.]+)`", text))
    (said_,) = {found[1] for found in re.finditer(r"max_retries` is `a ([^`]+)`", text)}
    addresses, macs, names = re.split(" [bc] ", said_)
    assert addresses.split() == [
        "[2001:db8::1]:3306",
        *["2001:db8::1"] * 2,
        "2001%3Adb8%3A%3A1",
        f"::ffff:{vip}",
        f"ip-{vip.replace('.', '-')}",
    ]
    assert macs.split() == ["00:00:5e:00:53:00", "00-00-5e-00-53-00", "0000.5e00.5300", "enx00005e005300"]
    one, upper, flat, full, other, database, keystone, domain, link_local, *stay = names.split()
    assert (one, upper, flat, full, other) == ("host-2", "host-2", "host-2", "host-2.domain-1.example", "host-3")
    assert (keystone.partition(".")[2], domain) == ("domain-1.example", "domain-1.example")
    assert len({one, other, database, keystone.partition(".")[0]}) == 4
    assert link_local == "2001:db8::2%eth0"
    assert stay == ["127.0.0.1", "0.0.0.0", "255.255.255.0", "::1"]
    assert f"order-host-3-ip-{vip}" in text
    assert "fence_host-2" in text
    assert "`ip-2001.db8..1`" in text


def test_a_name_that_a_long_line_is_cut_in_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line = "max_retries = ".ljust(188, "x") + " 10.66.77.88\n"
    changes = {"etc/cinder/cinder.conf": f"[database]\nconnection = mysql://c@db/c\n{line}"}
    Path("sosreport-a.tar").write_bytes(packed(host("full-pacemaker", NODES[0], changes), NODES[0], "tar"))
    output = said(capsys, "sosreport-a.tar")
    assert "max_retries = xxx" in output
    assert "10.66" not in output


def test_numbers_paths_and_lwlints_own_words_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = write(tmp_path, 3)
    main(["audit", "--format", "json", *paths])
    plain = json.loads(capsys.readouterr().out)
    hidden = json.loads(said(capsys, "--format", "json", *paths))
    for key in ("version", "clauses", "summary"):
        assert hidden[key] == plain[key]
    for before, after in zip(plain["clusters"][0]["findings"], hidden["clusters"][0]["findings"]):
        assert {key: before[key] for key in ("code", "rule", "severity", "clause", "remedy")} == {
            key: after[key] for key in ("code", "rule", "severity", "clause", "remedy")
        }
        assert [(place["line"], place["column"]) for place in before["places"]] == [(p["line"], p["column"]) for p in after["places"]]


def test_users_schemes_and_services_are_no_hosts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = """\
[DEFAULT]
url = http://trove:9311 http://nova-api:8774 tcp://gcomm
transport_url = rabbit://trove:pw@c4nctl-1:5672,trove:pw@c4nctl-2:5672/
[database]
connection = mysql+pymysql://trove:pw@trove/nova
[api_database]
connection = a gcomm://c4nctl-0,c4nctl-1 trove@c4nctl-2
max_retries = b mysql://trove:pw@c4nctl-0/x http://trove:1 openstack-nova-api nova_api gcomm://gcomm
"""
    changes = {"etc/nova/nova.conf": options}
    Path("sosreport-a.tar").write_bytes(packed(host("full-pacemaker", NODES[0], changes), NODES[0], "tar"))
    (found,) = {one.group(1) for one in re.finditer(r"max_retries` is `b ([^`]+)`", said(capsys, "sosreport-a.tar"))}
    user, service, unit, container, scheme = found.split()
    assert re.fullmatch(r"mysql://trove:\*\*@host-\d+/x", user)
    assert re.fullmatch(r"http://host-\d+:1", service)
    assert (unit, container) == ("openstack-nova-api", "nova_api")
    assert re.fullmatch(r"gcomm://host-\d+", scheme)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real sosreport is not at hand")
@pytest.mark.parametrize("form", FORMS)
def test_a_real_sosreport(
    form: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (archive,) = REAL.glob("*.tar.xz")
    local = tmp_path / archive.name
    local.write_bytes(archive.read_bytes())
    output = said(capsys, local.name, *form)
    assert "host-1" in output
    assert [
        line for line in output.splitlines() if re.search(r"controller-\d|198\.51\.100\.100|203\.0\.113\.100|tripleo_cluster", line)
    ] == []
