"""What lies beside reports in a folder, and what a cluster's own report has that the sosreports lack."""

from __future__ import annotations

import bz2
import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lwlint.cli import main
from tests.audit.audit_cluster import CIB, NODES, Files, host, packed, unpack
from tests.audit.test_audit import answer
from tests.files.archive_builder import PACKERS, tar
from tests.shared import HERE

Capsys = pytest.CaptureFixture[str]


def report(node: str, packing: str = "tar.xz") -> bytes:
    return packed(host("full-pacemaker", node), node, packing)


def cib() -> bytes:
    return (HERE / "fixtures" / "full-pacemaker" / CIB).read_bytes()


def test_archives_are_found_in_folders_whatever_they_are_called(tmp_path: Path, capsys: Capsys) -> None:
    below = tmp_path / "case" / "attached"
    below.mkdir(parents=True)
    (tmp_path / "case" / "sosreport-of-the-first").write_bytes(report(NODES[0]))
    (below / "second").write_bytes(report(NODES[1], "tar"))
    (below / "logs.gz").write_bytes(PACKERS["tar.gz"](b"no archive of reports"))
    unpack(below, host("full-pacemaker", NODES[2]), NODES[2])
    plain = answer([str(tmp_path / "case")], capsys, 1)
    assert [one["name"] for one in plain["clusters"][0]["hosts"]] == list(NODES)
    assert [one["reports"] for one in plain["targets"]] == [1, 1, 1]


def test_a_cib_in_a_folder_is_judged(tmp_path: Path, capsys: Capsys) -> None:
    (tmp_path / "cib-of-monday.xml").write_bytes(cib())
    (tmp_path / "other.xml").write_text("<html/>")
    (cluster,) = answer([str(tmp_path)], capsys, 1)["clusters"]
    assert [one["name"] for one in cluster["hosts"]] == ["cib-of-monday.xml"]


def test_a_zip_in_a_folder_is_named(tmp_path: Path, capsys: Capsys) -> None:
    (tmp_path / "sosreport-a.tar.xz").write_bytes(report(NODES[0]))
    with zipfile.ZipFile(tmp_path / "rest.zip", "w") as file:
        file.writestr("x", "y")
    found = answer([str(tmp_path)], capsys, 2)["targets"]
    assert [(one["reports"], [t.rpartition(": ")[2] for t in one["troubles"]]) for one in found] == [
        (0, ["is a zip archive; it is not opened"]),
        (1, []),
    ]


@pytest.mark.parametrize("hosts", [1, 2])
def test_a_report_in_an_archive_that_cannot_be_opened_is_told_however_many_hosts_there_are(
    hosts: int, tmp_path: Path, capsys: Capsys
) -> None:
    files: Files = {f"{node}.tar.xz": report(node) for node in NODES[:hosts]}
    files |= {"more/c1.ZIP": b"PK\x03\x04", "c2.tar.xz.gpg": b"-----BEGIN PGP MESSAGE-----\n", "readme/x.7z.txt": b"7z"}
    files[f"sosreport-{NODES[0]}/usr/share/doc/x.zip"] = b"PK\x03\x04"  # a host's own file
    (tmp_path / "case.tar").write_bytes(tar(files, top="case/"))
    plain = answer([str(tmp_path / "case.tar")], capsys, 1)
    told = [(f["message"].rpartition("!")[2], f["hosts"]) for f in plain["clusters"][0]["findings"] if f["code"] == "LW901"]
    assert sorted(told) == [
        ("case/c2.tar.xz.gpg: is encrypted with GnuPG (or signed in its format); it is not opened", list(NODES[:hosts])),
        ("case/more/c1.ZIP: is a zip archive by its name; it is not opened", list(NODES[:hosts])),
    ]
    assert len(plain["targets"][0]["troubles"]) == 2


def cluster_report(stamp: str) -> bytes:
    files: Files = {f"{node}/{name}": text for node in NODES for name, text in (("cib.xml", cib()), ("RUNNING", b""))}
    return PACKERS["tar.bz2"](tar(files, top=f"crm_report-{stamp}/"))


@pytest.mark.parametrize("stamp", ["x", "2030-01-02"])
def test_the_cib_of_a_clusters_own_report_counts_where_no_sosreport_has_one(stamp: str, tmp_path: Path, capsys: Capsys) -> None:
    for node in NODES[:2]:
        changes = {CIB: None, "etc/corosync/corosync.conf": "totem {\n cluster_name: tripleo_cluster\n}\n"}
        (tmp_path / f"sosreport-{node}.tar").write_bytes(packed(host("full-pacemaker", node, changes), node, "tar"))
    (tmp_path / "crm_report.tar.bz2").write_bytes(cluster_report(stamp))
    (cluster,) = answer([str(tmp_path)], capsys, 1)["clusters"]
    first, second, third = cluster["hosts"]
    assert [one["target"].rpartition("!")[2].partition("/")[0][:9] for one in (first, second)] == ["sosreport"] * 2
    assert (third["name"], third["cib_of"]) == (NODES[2], "")
    assert (first["cib_of"], second["cib_of"]) == (NODES[2], NODES[2])
    outcomes = {one["code"]: one["outcome"] for one in first["verdicts"]}
    assert (outcomes["LW101"], outcomes["LW201"]) == ("fail", "pass")


def test_the_cib_of_a_report_that_does_not_count_is_used_where_no_other_has_one(tmp_path: Path, capsys: Capsys) -> None:
    changes = {CIB: None, "etc/corosync/corosync.conf": "totem {\n cluster_name: tripleo_cluster\n}\n"}
    (tmp_path / "new.tar").write_bytes(packed(host("full-pacemaker", NODES[0], changes, "2016-11-24"), NODES[0], "tar", "2016-11-24"))
    (tmp_path / "old.tar").write_bytes(report(NODES[0], "tar"))
    (cluster,) = answer([str(tmp_path)], capsys, 1)["clusters"]
    (one,) = cluster["hosts"]
    assert (one["captured"], one["cib_of"]) == ("2016-11-24 04:05:06", f"{NODES[0]}-older")
    places = {place["host"] for found in cluster["findings"] if found["code"] == "LW101" for place in found["places"]}
    assert places == {f"{NODES[0]}-older"}


def test_reports_beside_a_folder_with_a_cib_count(tmp_path: Path, capsys: Capsys) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "cib.xml").write_bytes(cib())
    unpack(tmp_path / "deeper", host("full-pacemaker", NODES[0]), NODES[0])
    (cluster,) = answer([str(tmp_path)], capsys, 1)["clusters"]
    assert [one["name"] for one in cluster["hosts"]] == ["notes", NODES[0]]


def test_what_was_not_evaluated_is_told_once_of_all_hosts_and_hieradata_make_no_undercloud(tmp_path: Path, capsys: Capsys) -> None:
    changes = {"etc/heat/heat.conf": "[database]\nno sign\n", "etc/puppet/hieradata/all.yaml": "nova::db::database_max_retries: -1\n"}
    for node in NODES[:2]:
        (tmp_path / f"{node}.tar").write_bytes(packed(host("full-pacemaker", node, changes), node, "tar"))
    main(["audit", str(tmp_path)])
    text = capsys.readouterr().out
    (line,) = (line for line in text.splitlines() if "oslo.config refuses" in line)
    assert line.startswith(f"  not evaluated ({NODES[0]}, {NODES[1]}): LW")
    assert line.endswith(":1: oslo.config refuses `etc/heat/heat.conf`, so that nothing is known of `heat-api-cfn`")
    assert [line for line in text.splitlines() if "Heat" in line or "LW401" in line] == []


def test_clouds_whose_hosts_are_called_alike_are_told_apart_by_their_domains(tmp_path: Path, capsys: Capsys) -> None:
    for domain in ("prod.example.com", "stage.example.com"):
        for node in NODES[:2]:
            changes = {"sos_commands/host/hostname": f"{node}.{domain}\n"}
            (tmp_path / f"{node}.{domain}.tar").write_bytes(packed(host("full-pacemaker", node, changes), node, "tar"))
    first, second = answer([str(tmp_path)], capsys, 1)["clusters"]
    assert [(one["name"], one["older_reports"], [h["name"] for h in one["hosts"]]) for one in (first, second)] == [
        ("tripleo_cluster", [], list(NODES[:2]))
    ] * 2
    assert ["stage" in one["hosts"][0]["target"] for one in (first, second)] == [False, True]


def test_links_that_were_named_or_lie_in_a_trusted_folder_are_followed(tmp_path: Path, capsys: Capsys) -> None:
    elsewhere = tmp_path / "elsewhere"
    one = unpack(elsewhere, host("full-pacemaker", NODES[0]), NODES[0])
    (tmp_path / "one").symlink_to(one)
    (tmp_path / "all").symlink_to(elsewhere)
    case = tmp_path / "case"
    case.mkdir()
    (case / "first").symlink_to("../one")
    (case / "sosreport-b.tar").write_bytes(report(NODES[1], "tar"))
    for name, target in (("up", ".."), ("self", "."), ("gone", "nowhere"), ("other", "/dev")):
        (case / name).symlink_to(target)
    for target, names in (("one", NODES[:1]), ("all", NODES[:1]), ("case", NODES[:2])):
        (cluster,) = answer([str(tmp_path / target), "--trust"], capsys, 1)["clusters"]
        assert [h["name"] for h in cluster["hosts"]] == list(names)
    untrusted = answer([str(case)], capsys, 2)
    assert [h["name"] for h in untrusted["clusters"][0]["hosts"]] == [NODES[1]]
    assert {target["path"].rpartition("/")[2] for target in untrusted["targets"] if target["troubles"]} == {"first", "other"}
    (cluster,) = answer(["--root", str(tmp_path / "one")], capsys, 1)["clusters"]
    assert [h["name"] for h in cluster["hosts"]] == [NODES[0]]


def test_a_remote_node_is_of_the_cluster_and_is_not_missed(tmp_path: Path, capsys: Capsys) -> None:
    remote = '<node id="compute-0" type="remote" uname="compute-0"/><node id="compute-1" type="remote" uname="compute-1"/></nodes>'
    changes = {CIB: cib().decode().replace("</nodes>", remote)}
    (tmp_path / "a.tar").write_bytes(packed(host("full-pacemaker", NODES[0], changes), NODES[0], "tar"))
    away = {CIB: None, "sos_commands/host/hostname": "compute-0.localdomain\n"}
    (tmp_path / "b.tar").write_bytes(packed(host("full-pacemaker", NODES[1], away), NODES[1], "tar"))
    (cluster,) = answer([str(tmp_path)], capsys, 1)["clusters"]
    assert [(one["name"], one["cib_of"]) for one in cluster["hosts"]] == [("compute-0", NODES[0]), (NODES[0], "")]
    assert [name for name in cluster["without_report"] if name.startswith("compute")] == []


@pytest.mark.parametrize(("name", "pack"), [("pe-input-7.bz2", bz2.compress), ("cib.xml.gz", gzip.compress)])
def test_a_packed_cib_is_judged(name: str, pack: Callable[[bytes], bytes], tmp_path: Path, capsys: Capsys) -> None:
    (tmp_path / name).write_bytes(pack(cib()))
    (tmp_path / "plain.xml").write_bytes(cib())
    found = [answer([str(tmp_path / one)], capsys, 1)["clusters"][0]["findings"] for one in (name, "plain.xml")]
    codes = [[(f["code"], f["subject"]) for f in each] for each in found]
    assert codes[0] == codes[1] != []
    (tmp_path / name).write_bytes(pack(cib())[:-200])
    (target,) = answer([str(tmp_path / name)], capsys, 2)["targets"]
    assert (target["reports"], len(target["troubles"])) == (0, 1)


def test_a_packed_cib_that_is_corrupt_is_said(tmp_path: Path, capsys: Capsys) -> None:
    for name, data in (("cib.xml.gz", gzip.compress(cib())), ("cib.xml.bz2", bz2.compress(cib()))):
        (tmp_path / name).write_bytes(data[:60] + b"\0\xff" * 20 + data[100:])
        (target,) = answer([str(tmp_path / name)], capsys, 2)["targets"]
        assert (target["reports"], len(target["troubles"])) == (0, 1)


def test_nodes_are_hosts_however_they_are_spelled_and_addresses_are_not_missed(tmp_path: Path, capsys: Capsys) -> None:
    ring = "totem {\n cluster_name: tripleo_cluster\n}\nnodelist {\n node {\n  ring0_addr: 192.0.2.7\n }\n}\n"
    for node in NODES[:2]:
        changes = {"sos_commands/host/hostname": f"{node.upper()}.Example.com\n", "etc/corosync/corosync.conf": ring}
        (tmp_path / f"{node}.tar").write_bytes(packed(host("full-pacemaker", node, changes), node, "tar"))
    (cluster,) = answer([str(tmp_path)], capsys, 1)["clusters"]
    assert [one["name"] for one in cluster["hosts"]] == list(NODES[:2])
    assert (cluster["nodes"], cluster["without_report"]) == (list(NODES), [NODES[2]])


STATUS = """Node List:
  * Online: [ one two ]

Full List of Resources:
  * ip-192.0.2.1\t(ocf:heartbeat:IPaddr2):\t Started two
  * Clone Set: haproxy-clone [haproxy]:
    * Started: [ one ]
  * Clone Set: rabbitmq-clone [rabbitmq]:
    * Started: [ one two ]
  * galera\t(ocf:heartbeat:galera):\t Started one
"""
LIGHT = (
    '<cib validate-with="pacemaker-3.0" epoch="1" num_updates="0" admin_epoch="0"><configuration><crm_config/><nodes>'
    '<node id="1" uname="one"/><node id="2" uname="two"/></nodes><resources>'
    '<primitive id="ip-192.0.2.1" class="ocf" provider="heartbeat" type="IPaddr2"/>'
    '<clone id="haproxy-clone"><primitive id="haproxy" class="systemd" type="haproxy"/></clone>'
    '<clone id="rabbitmq-clone"><primitive id="rabbitmq" class="ocf" provider="heartbeat" type="rabbitmq-cluster"/></clone>'
    '<primitive id="galera" class="ocf" provider="heartbeat" type="galera"/></resources><constraints/></configuration><status/></cib>'
)


@pytest.mark.parametrize("packing", ["", "tar.bz2"])
@pytest.mark.parametrize("has_cib", [True, False])
def test_a_node_of_which_a_clusters_report_has_the_status_alone_counts(has_cib: bool, packing: str, tmp_path: Path, capsys: Capsys) -> None:
    """As of a node that crm_report reached by its agent only; what the nodes have in common lies beside their folders."""
    files: Files = {"one/cib.xml" if has_cib else "one/crm_mon.txt": LIGHT.encode() if has_cib else STATUS.encode()}
    files |= {"two/crm_mon.txt": STATUS.encode(), "two/RUNNING": b"", "crm_mon.txt": STATUS.encode(), "description.txt": b"x"}
    path = tmp_path / f"report.{packing}" if packing else tmp_path
    if packing:
        path.write_bytes(PACKERS[packing](tar(files, top="hb_report-1/")))
    for name, data in {} if packing else files.items():
        (tmp_path / "hb_report-1" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "hb_report-1" / name).write_bytes(data)
    (cluster,) = answer([str(path)], capsys, 1)["clusters"]
    assert [one["name"] for one in cluster["hosts"]] == ["one", "two"]
    found = [one["message"] for one in cluster["findings"] if one["code"] == "LW507"]
    assert found == ["virtual IP `ip-192.0.2.1`: it is on `two`, and no haproxy runs there; a virtual IP must be where haproxy runs"]
    verdicts = {one["code"]: (one["outcome"], one["because"]) for one in cluster["hosts"][1]["verdicts"]}
    assert verdicts["LW103"][0] == ("fail" if has_cib else "not evaluated")
