"""Hosts of one cluster are judged together: what they have alike is told once, and what one lacks is told of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lwlint.cli import main
from tests.audit.audit_cluster import CIB, NODES, Changes, host, packed, replaced, top, unpack, write
from tests.audit.test_audit import answer, cells, places
from tests.files.archive_builder import PACKERS, Content, tar
from tests.shared import HERE

Capsys = pytest.CaptureFixture[str]


def found(plain: Any, code: str) -> list[tuple[str, list[str]]]:
    """Return the findings of one rule: message and hosts."""
    return [(f["message"], f["hosts"]) for cluster in plain["clusters"] for f in cluster["findings"] if f["code"] == code]


def test_three_controllers_of_the_lightweight_architecture_conform(tmp_path: Path, capsys: Capsys) -> None:
    plain = answer(write(tmp_path, "lightweight"), capsys, 0)
    (cluster,) = plain["clusters"]
    assert ([h["name"] for h in cluster["hosts"]], cluster["findings"]) == (list(NODES), [])
    assert {outcome for i in range(3) for outcome in cells(plain, i).values()} == {"pass"}
    assert list(cells(plain)) == [
        "pacemaker-nothing-else", "pacemaker-core", "vip-with-haproxy", "few-constraints", "active-passive-services", "core-available",
        "one-resource-manager", "systemd-restarts", "starts-without-database-and-broker", "retries-forever", "readable-input",
    ]  # fmt: skip


def test_what_three_copies_of_one_cib_say_is_told_once(tmp_path: Path, capsys: Capsys) -> None:
    plain = answer(write(tmp_path, "full-pacemaker"), capsys, 1)
    (cluster,) = plain["clusters"]
    codes = Counter(f["code"] for f in cluster["findings"])
    assert (codes["LW101"], codes["LW105"]) == (38, 66)
    assert {(tuple(f["hosts"]), len(f["places"])) for f in cluster["findings"] if f["code"] == "LW101"} == {(NODES, 1)}
    assert {(tuple(f["hosts"]), len(f["places"])) for f in cluster["findings"] if f["code"] == "LW301"} == {(NODES, 3)}


def test_a_finding_on_one_host_is_that_host_s_alone(tmp_path: Path, capsys: Capsys) -> None:
    conf = "etc/cinder/cinder.conf"
    broken = replaced("lightweight", conf, "\nmax_retries=-1", "\nmax_retries=5")
    plain = answer(write(tmp_path, "lightweight", {NODES[1]: {conf: broken}}), capsys, 1)
    assert [hosts for _, hosts in found(plain, "LW301")] == [[NODES[1]]]
    assert [cells(plain, i)["retries-forever"] for i in range(3)] == ["pass", "fail", "pass"]


def test_a_host_without_a_cib_is_judged_with_that_of_its_cluster(tmp_path: Path, capsys: Capsys) -> None:
    corosync = (
        "totem {\n  cluster_name: tripleo_cluster\n}\nnodelist {\n" + "".join(f"  node {{\n    name: {n}\n  }}\n" for n in NODES) + "}\n"
    )
    changes = {NODES[2]: {CIB: None, "etc/corosync/corosync.conf": corosync}}
    plain = answer(write(tmp_path, "lightweight", changes), capsys, 0)
    (cluster,) = plain["clusters"]
    assert [h["cib_of"] for h in cluster["hosts"]] == ["", "", NODES[0]]
    assert cells(plain, 2)["vip-with-haproxy"] == "pass"


@pytest.mark.parametrize("newest", [0, 1])
def test_a_host_without_a_cib_is_judged_with_the_newest_of_its_cluster(newest: int, tmp_path: Path, capsys: Capsys) -> None:
    cibs = [replaced("lightweight", CIB, 'epoch="214"', 'epoch="213"'), replaced("lightweight", CIB, 'epoch="214"', 'epoch="1000"')]
    cibs[0] = cibs[0].replace('type="galera"', 'type="apache"')
    first, second = cibs if newest else reversed(cibs)
    changes: dict[str, Changes] = {NODES[0]: {CIB: first}, NODES[1]: {CIB: second}, NODES[2]: {CIB: None}}
    plain = answer(write(tmp_path, "lightweight", changes), capsys, 1)
    (cluster,) = plain["clusters"]
    assert [h["cib_of"] for h in cluster["hosts"]] == ["", "", NODES[newest]]
    assert [hosts for _, hosts in found(plain, "LW102")] == [[NODES[1 - newest]]]
    assert main(["services", str(tmp_path), "galera"]) == 0
    assert "galera-master" in capsys.readouterr().out


def test_a_host_that_is_named_in_a_cib_is_of_that_cluster_and_another_is_of_none(tmp_path: Path, capsys: Capsys) -> None:
    paths = write(tmp_path, "lightweight", {NODES[2]: {CIB: None}})
    compute = tmp_path / "compute.tar"
    compute.write_bytes(packed(host("lightweight", "compute-0", {CIB: None}), "compute-0", "tar"))
    plain = answer([*paths, str(compute)], capsys)
    assert [(c["clustered"], [h["name"] for h in c["hosts"]]) for c in plain["clusters"]] == [(True, list(NODES)), (False, ["compute-0"])]
    verdicts = {v["code"]: v["outcome"] for v in plain["clusters"][1]["hosts"][0]["verdicts"]}
    assert (verdicts["LW101"], verdicts["LW301"]) == ("not evaluated", "pass")
    assert main(["audit", str(compute), "--strict"]) == 1


def test_of_two_reports_of_one_host_the_newer_counts_and_both_are_named(tmp_path: Path, capsys: Capsys) -> None:
    conf = "etc/cinder/cinder.conf"
    older = host("lightweight", NODES[0], {conf: replaced("lightweight", conf, "\nmax_retries=-1", "\nmax_retries=5")}, "2016-10-02")
    newer = tmp_path / "newer.tar"
    newer.write_bytes(packed(host("lightweight", NODES[0]), NODES[0], "tar"))
    path = unpack(tmp_path, older, NODES[0])
    for order in ([path, str(newer)], [str(newer), path]):
        plain = answer(order, capsys, 0)
        (cluster,) = plain["clusters"]
        assert cluster["older_reports"] == [
            {"host": NODES[0], "target": path, "captured": "2016-10-02 04:05:06", "counting": cluster["hosts"][0]["target"]}
        ]
        assert cluster["hosts"][0]["target"].startswith(f"{newer}!")


def test_two_clusters_are_two_answers_though_their_hosts_have_one_name(tmp_path: Path, capsys: Capsys) -> None:
    other = replaced("full-pacemaker", CIB, 'value="tripleo_cluster"', 'value="other"')
    for name, files in (("a", host("lightweight", NODES[0])), ("b", host("full-pacemaker", NODES[0], {CIB: other}))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same.tar").write_bytes(packed(files, NODES[0], "tar"))
    plain = answer([str(tmp_path / "a/same.tar"), str(tmp_path / "b/same.tar")], capsys, 1)
    assert [(c["name"], len(c["findings"]) > 100) for c in plain["clusters"]] == [("other", True), ("tripleo_cluster", False)]
    assert {h["target"] for c in plain["clusters"] for h in c["hosts"]} == {f"{tmp_path}/{n}/same.tar!{top(NODES[0])[:-1]}" for n in "ab"}


def test_an_archive_of_reports_is_read_like_the_reports(tmp_path: Path, capsys: Capsys) -> None:
    inner = {f"case/{n}.tar.xz": packed(host("full-pacemaker", n), n, "tar.xz") for n in NODES}
    (tmp_path / "one").mkdir()
    write(tmp_path / "one", "full-pacemaker")
    expected = answer([str(tmp_path / "one")], capsys, 1)
    path = tmp_path / "case.tar.gz"
    path.write_bytes(PACKERS["tar.gz"](tar(inner)))
    plain = answer([str(path)], capsys, 1)
    assert plain["clusters"][0]["findings"] == expected["clusters"][0]["findings"]
    assert plain["clusters"][0]["hosts"][0]["target"] == f"{path}!case/{NODES[0]}.tar.xz/{top(NODES[0])[:-1]}"


def test_a_root_file_system_and_a_lone_cib_are_judged(tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = answer(["--root", str(HERE / "fixtures/newton")], capsys, 1)
    assert "LW301 newton:etc/nova/nova.conf:6" in places(plain)
    monkeypatch.chdir(HERE / "fixtures/full-pacemaker")
    plain = answer([CIB], capsys, 1)
    assert plain["targets"] == [{"path": CIB, "kind": "CIB", "reports": 1, "troubles": []}]
    assert {(p["host"], p["path"]) for f in plain["clusters"][0]["findings"] for p in f["places"]} == {("", CIB)}
    assert len(found(plain, "LW101")) == 38
    plain = answer(["--root", "."], capsys, 1)
    assert plain["clusters"][0]["name"] == "tripleo_cluster"


def test_a_message_on_a_lone_cib_names_the_file_as_it_was_given(tmp_path: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("in/cib.xml").write_text((HERE / "fixtures/full-pacemaker" / CIB).read_text("utf-8")[:3000])
    plain = answer(["in/cib.xml"], capsys, 1)
    assert [f["message"] for f in plain["clusters"][0]["findings"]] == ["in/cib.xml: XML is cut off: the file ends inside `<operations>`"]
    assert "cib.xml/cib.xml" not in str(plain)
    assert main(["describe", "in/cib.xml", "--no-failures"]) == 0
    said = capsys.readouterr().out
    assert ("cib.xml/cib.xml" in said, "Pacemaker runs nothing that is known.\n" in said) == (False, True)


def test_a_cluster_s_own_report_is_one_host_for_each_node(tmp_path: Path, capsys: Capsys) -> None:
    cib = (HERE / "fixtures/full-pacemaker" / CIB).read_bytes()
    path = tmp_path / "crm_report.tar.bz2"
    path.write_bytes(PACKERS["tar.bz2"](tar({f"crm_report-1/{n}/cib.xml": cib for n in NODES})))
    plain = answer([str(path)], capsys, 1)
    (cluster,) = plain["clusters"]
    assert [h["name"] for h in cluster["hosts"]] == list(NODES)
    assert {tuple(hosts) for _, hosts in found(plain, "LW101")} == {NODES}


def test_links_to_what_was_not_collected_and_older_cibs_are_no_findings(tmp_path: Path, capsys: Capsys) -> None:
    report = "sos_commands/pacemaker/crm_report"
    full = (HERE / "fixtures/full-pacemaker" / CIB).read_text("utf-8")
    light = (HERE / "fixtures/lightweight" / CIB).read_text("utf-8")
    changes = {
        "etc/cinder/api-paste.ini": {"link": "/usr/share/cinder/api-paste.ini"},
        CIB: full,
        f"{report}/{NODES[0]}/cib.xml": light,
        f"{report}/{NODES[1]}/cib.xml": full,
    }
    plain = answer(write(tmp_path, "lightweight", {NODES[0]: changes})[:1], capsys, 0)
    (only,) = plain["clusters"][0]["hosts"]
    assert {p["path"].split(":")[1]: p["because"] for p in only["passed_over"]} == {
        "etc/cinder/api-paste.ini": "a link to what was not collected",
        f"{report}/{NODES[1]}/cib.xml": "a CIB, but there is a better one",
        CIB: "a CIB, but there is a better one",
    }


def test_hosts_are_compared_with_each_other(tmp_path: Path, capsys: Capsys) -> None:
    conf, shown = "etc/cinder/cinder.conf", "sos_commands/systemd/systemctl_show_service_--all"
    active = "Id=openstack-cinder-volume.service\nLoadState=loaded\nActiveState=active\n"
    changes: dict[str, Changes] = {
        NODES[0]: {shown: active, conf: replaced("lightweight", conf, "\nmax_retries=-1", "\nmax_retries=-1\nretry_interval=5")},
        NODES[1]: {shown: active, CIB: replaced("lightweight", CIB, 'epoch="214"', 'epoch="213"')},
        NODES[2]: {"etc/systemd/system/openstack-nova-api.service.d/99-x.conf": "[Service]\nRestart=on-failure\n"},
    }
    plain = answer(write(tmp_path, "lightweight", changes), capsys, 1)
    assert [(f["code"], f["hosts"], len(f["places"])) for f in plain["clusters"][0]["findings"]] == [
        ("LW506", list(NODES[:2]), 2),
        ("LW503", [NODES[2]], 1),
        ("LW504", [NODES[0]], 1),
        ("LW505", [NODES[1]], 1),
    ]
    assert found(plain, "LW505")[0][0] == (
        "CIB: its epoch is `0.213`, and `0.214` on overcloud-controller-0, overcloud-controller-2; it must be the same on all nodes"
    )
    assert [cells(plain, i)["active-passive-services"] for i in range(3)] == ["fail", "fail", "pass"]
    assert [cells(plain, i)["systemd-restarts"] for i in range(3)] == ["pass", "pass", "fail"]


def test_cibs_of_one_epoch_with_other_settings_were_changed_apart(tmp_path: Path, capsys: Capsys) -> None:
    text = (HERE / "fixtures" / "lightweight" / CIB).read_text("utf-8")
    other = text.replace('name="stonith-enabled" value="true"', 'name="stonith-enabled" value="false"')
    other = other if other != text else text.replace('score="INFINITY"', 'score="1000"', 1)
    assert other != text
    ((message, hosts),) = found(answer(write(tmp_path, "lightweight", {NODES[1]: {CIB: other}}), capsys), "LW505")
    assert message == f"CIB: with the same epoch, `0.214`, it holds other settings than that of {NODES[0]}; it must be the same"
    assert hosts == [NODES[1]]


def test_hosts_of_different_roles_are_not_compared(tmp_path: Path, capsys: Capsys) -> None:
    wants = "etc/systemd/system/multi-user.target.wants/"
    files = host("lightweight", NODES[2])
    off: dict[str, Content | None] = {path: None for path in files if path.startswith(wants)}
    off["etc/systemd/system/openstack-nova-api.service.d/99-x.conf"] = "[Service]\nRestart=on-failure\n"
    assert len(off) > 5
    plain = answer(write(tmp_path, "lightweight", {NODES[2]: off}), capsys)
    assert found(plain, "LW503") == []


def test_rules_that_compare_hosts_are_audits_alone(tmp_path: Path, capsys: Capsys) -> None:
    for node, changes in ((NODES[0], {}), (NODES[1], {CIB: replaced("lightweight", CIB, 'epoch="214"', 'epoch="213"')})):
        unpack(tmp_path, host("lightweight", node, changes), node)
    assert main(["check", str(tmp_path), "--format", "json"]) == 0
    assert "LW505" not in capsys.readouterr().out
    assert main(["audit", str(tmp_path)]) == 1
    assert "LW505 cibs-differ" in capsys.readouterr().out


def test_hosts_of_no_cluster_are_not_compared_and_that_is_told(tmp_path: Path, capsys: Capsys) -> None:
    for name, value in (("controller-0", "-1"), ("controller-1", "20")):
        etc = tmp_path / name / "etc"
        (etc / "cinder").mkdir(parents=True)
        (etc / "hostname").write_text(f"{name}\n")
        (etc / "cinder" / "cinder.conf").write_text(f"[database]\nconnection = mysql+pymysql://cinder@db/cinder\nmax_retries = {value}\n")
    (cluster,) = answer([str(tmp_path)], capsys, 1)["clusters"]
    for one in cluster["hosts"]:
        told = {verdict["code"]: (verdict["outcome"], verdict["because"]) for verdict in one["verdicts"]}
        for code in ("LW503", "LW504", "LW505", "LW506"):
            assert told[code] == ("not evaluated", "the host is of no cluster that is known")


def test_the_text_tells_once_what_several_units_and_hosts_have_alike(tmp_path: Path, capsys: Capsys) -> None:
    off = {
        f"etc/systemd/system/openstack-nova-{n}.service.d/99-x.conf": "[Service]\nRestart=no\n" for n in ("api", "conductor", "scheduler")
    }
    assert main(["audit", *write(tmp_path, "lightweight", dict.fromkeys(NODES, off)), "--select", "LW201"]) == 1
    lines = capsys.readouterr().out.splitlines()
    first = lines.index("  LW201 unit-not-restarted")
    assert lines[first + 1 : first + 3] == [
        "    error: openstack-nova-api.service and 2 more: `Service.Restart` is `no`; it must be `always` or `on-failure`",
        f"      on {', '.join(NODES)}",
    ]
    places = [line for line in lines if line.endswith("99-x.conf:2:9  Restart=no")]
    assert [place.split(":")[0].strip() for place in places] == list(NODES) * 3
    assert "systemd-restarts  fail                    fail                    fail" in lines


def test_a_host_goes_by_the_name_that_its_cluster_has_for_it(tmp_path: Path, capsys: Capsys) -> None:
    files = host("newton", NODES[0], {"sos_commands/host/hostname": f"{NODES[0]}.localdomain\n"})
    plain = answer([unpack(tmp_path, files, NODES[0])], capsys, 1)
    assert [one["name"] for one in plain["clusters"][0]["hosts"]] == [NODES[0]]


def test_what_was_used_is_not_told_as_passed_over(tmp_path: Path, capsys: Capsys) -> None:
    changes = {
        "etc/corosync/corosync.conf": "totem {\n    cluster_name: tripleo_cluster\n}\n",
        "etc/redhat-release": "CentOS Linux release 7.3\n",
        "etc/hostname": NODES[0],
    }
    assert main(["audit", unpack(tmp_path, host("newton", NODES[0], changes), NODES[0]), "-v"]) == 1
    assert "passed over" not in capsys.readouterr().out


OVERRIDE = "run/systemd/system/openstack-sahara-api.service.d/50-pacemaker.conf"
SHOW = "sos_commands/systemd/systemctl_show_service_--all"


def _override(plain: Any) -> tuple[str, list[tuple[str, int]], list[str]]:
    (cluster,) = plain["clusters"]
    (verdict,) = (one for one in cluster["hosts"][0]["verdicts"] if one["code"] == "LW202")
    found = [f for f in cluster["findings"] if f["code"] == "LW202"]
    places = [(place["path"], place["line"]) for f in found for place in f["places"]]
    return verdict["outcome"], places, [c["line"] for f in found for c in f["commands"]]


def test_an_override_that_could_not_be_collected_is_not_evaluated(tmp_path: Path, capsys: Capsys) -> None:
    report = unpack(tmp_path, host("newton", NODES[0], {OVERRIDE: None}), NODES[0])
    assert _override(answer([report, "--select", "LW202"], capsys, 0)) == ("not evaluated", [], [])
    assert main(["audit", report, "--select", "LW202"]) == 0
    assert "LW202: `run/systemd/system`, where Pacemaker puts its override, was not collected" in capsys.readouterr().out


def test_an_override_that_could_not_be_collected_is_found_by_what_systemd_shows(tmp_path: Path, capsys: Capsys) -> None:
    shown = f"Restart=no\nId=openstack-sahara-api.service\nDropInPaths=/etc/systemd/system/a.conf /{OVERRIDE}\n\n"
    rightful = "Restart=no\nId=haproxy.service\nDropInPaths=/run/systemd/system/haproxy.service.d/50-pacemaker.conf\n"
    report = unpack(tmp_path, host("newton", NODES[0], {OVERRIDE: None, SHOW: shown + rightful}), NODES[0])
    commands = [f"rm -f /{OVERRIDE}", "systemctl daemon-reload"]
    assert _override(answer([report, "--select", "LW202"], capsys, 1)) == ("fail", [(SHOW, 3)], commands)
    gone = unpack(tmp_path / "gone", host("newton", NODES[0], {OVERRIDE: None, SHOW: rightful}), NODES[0])
    assert _override(answer([gone, "--select", "LW202"], capsys, 0)) == ("pass", [], [])
