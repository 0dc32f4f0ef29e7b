"""An audit of reports that hold no CIB: what `pcs config` says is judged in its place, as weaker evidence, and no more than it tells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lwlint.cli import main
from tests.audit.audit_cluster import CIB, NODES, Changes, write
from tests.audit.test_audit import answer
from tests.shared import HERE

Capsys = pytest.CaptureFixture[str]
CONFIG = "sos_commands/pacemaker/pcs_config"
LIGHT = (HERE / "tests/texts/lightweight.pcs-0.11.5").read_text("utf-8")


def outcomes(plain: Any, host: int = 0) -> dict[str, tuple[str, str]]:
    verdicts = plain["clusters"][0]["hosts"][host]["verdicts"]
    return {one["code"]: (one["outcome"], one.get("because", "")) for one in verdicts}


def with_config(text: str, *hosts: str) -> dict[str, Changes]:
    return {node: {CIB: None, CONFIG: text} if node in (hosts or NODES) else {} for node in NODES}


def test_a_report_without_a_cib_is_judged_by_what_pcs_config_says(tmp_path: Path, capsys: Capsys) -> None:
    plain = answer(write(tmp_path, "lightweight", with_config(LIGHT)), capsys, 0)
    (cluster,) = plain["clusters"]
    assert (cluster["name"], [h["stands_in"] for h in cluster["hosts"]]) == ("tripleo_cluster", ["pcs config"] * 3)
    assert [(e["path"], e["weaker"]) for e in cluster["hosts"][0]["evidence"] if e["kind"] == "CIB"] == [(CONFIG, True)]
    found = outcomes(plain)
    assert {code: found[code][0] for code in ("LW101", "LW103", "LW104", "LW105", "LW106", "LW107", "LW111", "LW112")} == dict.fromkeys(
        ("LW101", "LW103", "LW104", "LW105", "LW106", "LW107", "LW111", "LW112"), "pass"
    )
    why = f"{NODES[0]}:{CONFIG}:1: `pcs config` stands in for the CIB and does not tell a resource's second set of attributes"
    assert found["LW109"] == ("not evaluated", why)
    assert found["LW110"] == ("not evaluated", f"{why} or node attributes")


@pytest.mark.parametrize("version", ["0.11.5", "0.11.8"])
def test_what_pcs_config_shows_to_be_wrong_is_found_with_its_line(version: str, tmp_path: Path, capsys: Capsys) -> None:
    text = (HERE / f"tests/texts/lightweight.pcs-{version}").read_text("utf-8")
    lines = text.splitlines(keepends=True)
    (at,) = (i for i, line in enumerate(lines) if "ip-172.16.1.20" in line and " with " in line)
    broken = "".join(lines[:at] + lines[at + (1 if version == "0.11.5" else 2) :])
    plain = answer(write(tmp_path, "lightweight", with_config(broken)), capsys, 1)
    (finding,) = (found for found in plain["clusters"][0]["findings"] if found["code"] != "LW305")  # of aodh.conf
    line = next(i for i, words in enumerate(broken.splitlines(), 1) if words.startswith("  Resource: ip-172.16.1.20 "))
    place = finding["places"][0]
    assert (finding["code"], place["path"], place["line"], place["column"]) == ("LW103", CONFIG, line, 13)


def test_the_text_answer_says_that_the_evidence_is_weaker(tmp_path: Path, capsys: Capsys) -> None:
    paths = write(tmp_path, "lightweight", with_config(LIGHT))
    for form in ("text", "html"):
        assert main(["audit", *paths, "--format", form]) == 0
        assert "judged by `pcs config`, which is weaker evidence than the CIB" in capsys.readouterr().out.replace("<code>", "`").replace(
            "</code>", "`"
        )


def test_a_cib_goes_before_pcs_config_on_the_host_and_in_its_cluster(tmp_path: Path, capsys: Capsys) -> None:
    wrong = LIGHT.replace("score:INFINITY", "score:100")
    changes: dict[str, Changes] = {NODES[0]: {CONFIG: wrong}, NODES[1]: {CIB: None, CONFIG: wrong}, NODES[2]: {}}
    plain = answer(write(tmp_path, "lightweight", changes), capsys, 0)
    (cluster,) = plain["clusters"]
    assert [(h["stands_in"], h["cib_of"]) for h in cluster["hosts"]] == [("", ""), ("", NODES[0]), ("", "")]
    assert {"path": f"{NODES[0]}:{CONFIG}", "because": "the print of `pcs config`, but there is a CIB"} in cluster["hosts"][0][
        "passed_over"
    ]


def test_what_pcs_says_where_it_fails_is_no_evidence(tmp_path: Path, capsys: Capsys) -> None:
    plain = answer(write(tmp_path, "lightweight", with_config("Error: unable to get cib\n")), capsys, 0)
    (cluster,) = plain["clusters"]
    assert [(h["stands_in"], "CIB" in [m["kind"] for m in h["missing"]]) for h in cluster["hosts"]] == [("", True)] * 3
    assert outcomes(plain)["LW103"] == ("not evaluated", "no CIB was given")


def test_a_failed_dump_does_not_hide_the_cib_of_the_disk_and_a_warning_before_a_dump_is_passed_over(tmp_path: Path, capsys: Capsys) -> None:
    cib = (HERE / "fixtures/lightweight" / CIB).read_text("utf-8")
    dump = "sos_commands/pacemaker/pcs_cluster_cib"
    changes: dict[str, Changes] = {
        NODES[0]: {dump: "Error: unable to get cib\n"},
        NODES[1]: {CIB: None, dump: "Warning: Unable to read the known-hosts file\n" + cib},
        NODES[2]: {CIB: None, "sos_commands/pacemaker/cibadmin_-Q": cib},
    }
    plain = answer(write(tmp_path, "lightweight", changes), capsys, 0)
    (cluster,) = plain["clusters"]
    used = [[e["path"] for e in h["evidence"] if e["kind"] == "CIB"] for h in cluster["hosts"]]
    assert used == [[CIB], [dump], ["sos_commands/pacemaker/cibadmin_-Q"]]
    assert [h["cib_of"] for h in cluster["hosts"]] == ["", "", ""]
    assert [outcomes(plain, i)["LW103"][0] for i in range(3)] == ["pass"] * 3


STATUS = "sos_commands/pacemaker/pcs_status_--full"


def status(*, haproxy: Sequence[str], vip: str) -> str:
    lines = [f"    * haproxy\t(systemd:haproxy):\t Started {node}" for node in haproxy]
    return "\n".join(
        [
            "Cluster name: tripleo_cluster",
            "Cluster Summary:",
            f"  * Current DC: {NODES[0]} (1) (version 2.1.5) - partition with quorum",
            "Full List of Resources:",
            "  * Clone Set: haproxy-clone [haproxy]:",
            *lines,
            f"  * ip-192.0.2.251\t(ocf:heartbeat:IPaddr2):\t Started {vip}",
            "",
        ]
    )


def test_a_virtual_ip_away_from_haproxy_is_found_by_the_status(tmp_path: Path, capsys: Capsys) -> None:
    away = status(haproxy=NODES[1:], vip=NODES[0])
    plain = answer(write(tmp_path, "lightweight", {NODES[0]: {STATUS: away}, NODES[1]: {STATUS: away}}), capsys, 1)
    (finding,) = plain["clusters"][0]["findings"]
    assert (finding["code"], finding["hosts"], len(finding["places"])) == ("LW507", [NODES[0], NODES[1]], 2)
    assert finding["message"] == (
        f"virtual IP `ip-192.0.2.251`: it is on `{NODES[0]}`, and no haproxy runs there; a virtual IP must be where haproxy runs"
    )
    assert [outcomes(plain, i)["LW507"][0] for i in range(3)] == ["fail", "fail", "not evaluated"]
    assert outcomes(plain, 2)["LW507"][1] == "no status of the cluster was given"


def test_of_two_statuses_the_xml_counts_and_a_failed_command_is_none(tmp_path: Path, capsys: Capsys) -> None:
    xml = (
        '<crm_mon version="1.1.16"><resources><clone id="haproxy-clone">'
        '<resource id="haproxy" resource_agent="systemd:haproxy" role="Started" failed="false"><node name="a"/></resource></clone>'
        '<resource id="ip-192.0.2.251" resource_agent="ocf::heartbeat:IPaddr2" role="Started" failed="false"><node name="a"/></resource>'
        "</resources></crm_mon>\n"
    )
    changes: dict[str, Changes] = {
        NODES[0]: {STATUS: status(haproxy=NODES[1:], vip=NODES[0]), "sos_commands/pacemaker/crm_mon_--output-as_xml": xml},
        NODES[1]: {STATUS: "Error: cluster is not currently running on this node\n"},
        NODES[2]: {STATUS: status(haproxy=NODES, vip=NODES[2])},
    }
    plain = answer(write(tmp_path, "lightweight", changes), capsys, 0)
    assert [outcomes(plain, i)["LW507"][0] for i in range(3)] == ["pass", "not evaluated", "pass"]
    passed_over = {one["because"] for one in plain["clusters"][0]["hosts"][0]["passed_over"]}
    assert "a status of the cluster, but there is a better one" in passed_over


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("Resources:\n Resource: openstack-cinder-volume (class=systemd type=openstack-cinder-volume)\n", None),
        (
            "Resources:\n Resource: openstack-cinder-volume (class=systemd type=openstack-cinder-volume)\n\nCluster Properties:\n"
            " dc-version: 1.1.13-10.el7-44eb2dd\n",
            "mitaka",
        ),
        ("primitive v systemd:openstack-cinder-volume\nproperty cib-bootstrap-options: \\\n\tdc-version=1.1.16-12.el7\n", "pike"),
    ],
)
def test_a_text_of_the_configuration_tells_the_release_of_its_host(text: str, release: str | None, tmp_path: Path, capsys: Capsys) -> None:
    (tmp_path / "mine.txt").write_text(text)
    main(["audit", "--format", "json", str(tmp_path / "mine.txt")])
    (host,) = json.loads(capsys.readouterr().out)["clusters"][0]["hosts"]
    assert host["release"]["name"] == release
