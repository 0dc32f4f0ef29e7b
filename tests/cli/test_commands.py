"""The commands that an audit gives are run, by the real programs: what they were given for is then no longer found, and nothing new is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwlint.audit.answer import in_order, together
from lwlint.audit.operate.plan import make_plan
from lwlint.audit.operate.simulation import Pacemaker, serialize
from lwlint.checks.pacemaker_constraints import PLAN
from lwlint.cli import main
from lwlint.core.finding import CLUSTER, EACH
from lwlint.core.harmless import command, quote
from lwlint.run import load_rules
from tests.audit.operate.clusters import pacemaker_is_here
from tests.audit.test_audit import answer
from tests.shared import shared

Capsys = pytest.CaptureFixture[str]
UNIT = "[Service]\nExecStart=/usr/bin/{0}\n[Install]\nWantedBy=multi-user.target\n"


def findings(plain: Any) -> list[Any]:
    return [one for cluster in plain["clusters"] for one in cluster["findings"]]


def lines(plain: Any, on: str) -> list[str]:
    """The commands for one place, as an audit prints them: each once, in order."""
    mends = [(c["on"], c["line"]) for f in findings(plain) if f["severity"] != "note" for c in f["commands"]]
    return list(dict(in_order(mends)).get(on, ()))


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run_below(folder: Path, commands: Sequence[str]) -> list[str]:
    """Run commands with their paths below `folder`, all but systemctl's; return those."""
    bin = str(Path(sys.executable).parent)
    for line in commands:
        if not line.startswith("systemctl "):
            moved = line.replace(" /etc/", f" {folder}/etc/").replace(" /run/", f" {folder}/run/")
            subprocess.run(["sh", "-c", moved], check=True, env={"PATH": f"{bin}:/usr/sbin:/usr/bin:/sbin:/bin"})
    return [line for line in commands if line.startswith("systemctl ")]


def test_units_and_options_of_a_host_are_mended_by_what_is_to_be_run(tmp_path: Path, capsys: Capsys) -> None:
    assert shutil.which("crudini") or (Path(sys.executable).parent / "crudini").exists(), "crudini is in the test extra"
    host = tmp_path / "node"
    write(
        host,
        {
            "etc/hostname": "node\n",
            "usr/lib/systemd/system/openstack-nova-api.service": UNIT.format("nova-api"),
            "etc/systemd/system/openstack-nova-api.service.d/50-lwlint.conf": "[Service]\nTimeoutStartSec=0\n",
            "usr/lib/systemd/system/openstack-heat-api.service": UNIT.format("heat-api").replace(
                "[Install]", "Restart=on-failure\n[Install]"
            ),
            "run/systemd/system/openstack-heat-api.service.d/50-pacemaker.conf": "[Service]\nRestart=no\n",
            "etc/systemd/system/openstack-glance-api.service": "",
            "etc/nova/nova.conf": "[DATABASE]\nconnection = mysql://x@y/nova\nmax_retries = 10 \n[api_database]\nconnection=mysql://x@y/api\n",
        },
    )
    plain = answer(["--root", str(host)], capsys, 1)
    todo = lines(plain, "node")
    assert todo == [
        "mkdir -p /etc/systemd/system/openstack-nova-api.service.d",
        "crudini --set /etc/systemd/system/openstack-nova-api.service.d/50-lwlint.conf Service StartLimitInterval 0",
        "crudini --set /etc/systemd/system/openstack-nova-api.service.d/50-lwlint.conf Service Restart always",
        "rm -f /run/systemd/system/openstack-heat-api.service.d/50-pacemaker.conf",
        "crudini --set /etc/nova/nova.conf DATABASE max_retries -1",
        "crudini --set /etc/nova/nova.conf api_database max_retries -1",
        "systemctl unmask openstack-glance-api.service",
        "systemctl daemon-reload",
    ]
    assert run_below(host, todo) == ["systemctl unmask openstack-glance-api.service", "systemctl daemon-reload"]
    left = [(f["code"], f["severity"]) for f in findings(answer(["--root", str(host)], capsys)) if f["severity"] != "note"]
    assert left == [("LW206", "warning")]
    drop_in = (host / "etc/systemd/system/openstack-nova-api.service.d/50-lwlint.conf").read_text()
    assert "TimeoutStartSec=0" in drop_in


@pytest.mark.parametrize("release", ["newton", "auto", "caracal"])
@pytest.mark.parametrize("section", ["DEFAULT", "database"])
def test_an_old_name_with_a_limit_is_not_moved_over_what_another_command_sets(
    section: str, release: str, tmp_path: Path, capsys: Capsys
) -> None:
    connection = "[database]\nconnection = mysql://x@y/heat\n"
    write(tmp_path, {"etc/hostname": "node\n", "etc/heat/heat.conf": f"{connection}[{section}]\nsql_max_retries = 10\n"})
    asked = ["--root", str(tmp_path), "--release", release]
    for _ in range(2):  # what is then right under an old name is moved by the next one
        run_below(tmp_path, lines(json.loads(output(asked, capsys)), "node"))
    assert [f for f in findings(json.loads(output(asked, capsys))) if f["code"] == "LW301"] == []


def output(arguments: Sequence[str], capsys: Capsys) -> str:
    main(["audit", "--format", "json", *arguments])
    return capsys.readouterr().out


def test_a_restart_that_a_later_drop_in_takes_away_is_given_back_by_one_later_still(tmp_path: Path, capsys: Capsys) -> None:
    folder = "etc/systemd/system/openstack-nova-api.service.d"
    write(
        tmp_path,
        {
            "etc/hostname": "node\n",
            "usr/lib/systemd/system/openstack-nova-api.service": UNIT.format("nova-api"),
            f"{folder}/10-x.conf": "[Service]\nRestart=always\n",
            f"{folder}/99-x.conf": "[Service]\nRestart=no\n",
            f"{folder}/zz.conf": "[Service]\nNice=1\n",
        },
    )
    todo = lines(answer(["--root", str(tmp_path)], capsys, 1), "node")
    assert todo[0] == f"mkdir -p /{folder}"
    assert f"crudini --set /{folder}/99-x.lwlint.conf Service Restart always" in todo
    assert [line for line in todo if ">>" in line] == []
    run_below(tmp_path, todo)
    assert [f["code"] for f in findings(answer(["--root", str(tmp_path)], capsys))] == []


def test_a_service_that_has_to_leave_the_cluster_is_not_disabled_in_systemd(tmp_path: Path, capsys: Capsys) -> None:
    unit = "openstack-nova-api.service"
    resources = "".join(
        f'<primitive id="{name}" class="systemd" type="{name}"/>' for name in ("openstack-nova-api", "openstack-cinder-volume")
    )
    write(
        tmp_path,
        {
            "etc/hostname": "node\n",
            f"usr/lib/systemd/system/{unit}": UNIT.format("nova-api"),
            "usr/lib/systemd/system/openstack-cinder-volume.service": UNIT.format("cinder-volume"),
            "var/lib/pacemaker/cib/cib.xml": '<cib validate-with="pacemaker-2.5"><configuration><crm_config/><nodes/><resources>'
            f"{resources}</resources><constraints/></configuration></cib>",
        },
    )
    wants = tmp_path / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True)
    for name in (unit, "openstack-cinder-volume.service"):
        (wants / name).symlink_to(f"/usr/lib/systemd/system/{name}")
    plain = answer(["--root", str(tmp_path)], capsys, 1)
    assert [f["subject"] for f in findings(plain) if f["code"] == "LW207"] == ["unit openstack-cinder-volume.service", f"unit {unit}"]
    assert (lines(plain, CLUSTER), lines(plain, EACH)) == ([PLAN.line], [])
    assert [line for line in lines(plain, "node") if "disable" in line] == ["systemctl disable openstack-cinder-volume.service"]


def test_a_container_beside_the_cluster_is_stopped_by_its_unit(tmp_path: Path, capsys: Capsys) -> None:
    inspected = '[{"Name": "cinder_volume", "State": {"Running": true}, "HostConfig": {"RestartPolicy": {"Name": ""}}}]'
    write(
        tmp_path,
        {
            "etc/hostname": "node\n",
            "etc/systemd/system/tripleo_cinder_volume.service": "[Service]\nExecStart=/usr/bin/podman start cinder_volume\n",
            "sos_commands/podman/containers/podman_inspect_cinder_volume": inspected,
            "var/lib/pacemaker/cib/cib.xml": '<cib validate-with="pacemaker-3.0"><configuration><crm_config/><nodes/><resources>'
            '<bundle id="openstack-cinder-volume"><podman image="registry/cinder-volume:1" replicas="1"/></bundle>'
            "</resources><constraints/></configuration></cib>",
        },
    )
    (found,) = [f for f in findings(answer([str(tmp_path)], capsys, 1)) if f["code"] == "LW501"]
    assert [one["line"] for one in found["commands"]] == [
        "systemctl disable --now tripleo_cinder_volume.service",
        "pcs resource cleanup openstack-cinder-volume",
    ]


def test_options_that_stand_twice_are_left_to_a_person(tmp_path: Path, capsys: Capsys) -> None:
    write(
        tmp_path, {"etc/hostname": "node\n", "etc/heat/heat.conf": "[database]\nconnection=mysql://x@y/z\nmax_retries=-1\nmax_retries=10\n"}
    )
    (found,) = [f for f in findings(answer(["--root", str(tmp_path)], capsys, 1)) if f["code"] == "LW301"]
    assert found["commands"] == []


def test_nothing_is_started_on_a_host_whose_retries_are_for_a_person_to_mend(tmp_path: Path, capsys: Capsys) -> None:
    inspected = '[{"Name": "%s", "State": {"Running": true}, "HostConfig": {"RestartPolicy": {"Name": ""}}}]'
    host = {
        "etc/hostname": "node\n",
        "etc/systemd/system/tripleo_heat_engine.service": "[Service]\nRestart=always\nExecStart=/usr/bin/podman start heat_engine\n",
        "sos_commands/podman/containers/podman_inspect_heat_engine": inspected % "heat_engine",
        "sos_commands/systemd/systemctl_list-units_--all": "UNIT LOAD ACTIVE SUB DESCRIPTION\n"
        "tripleo_heat_engine.service loaded inactive dead heat_engine container\n",
    }
    retries = {"once": "max_retries=10\n", "twice": "max_retries=-1\nmax_retries=10\n"}
    said = {}
    for name, lines_of in retries.items():
        write(tmp_path / name, {**host, "etc/heat/heat.conf": f"[database]\nconnection=mysql://x@y/z\n{lines_of}"})
        main(["audit", str(tmp_path / name)])
        said[name] = capsys.readouterr().out.partition("\nCommands that fix it")[2].partition("\n\n")[0]
        main(["audit", str(tmp_path / name), "--format", "html"])
        page = capsys.readouterr().out
        assert ("Left out: what starts services on node, until" in page) is (name == "twice")
    assert "systemctl restart tripleo_heat_engine.service" in said["once"]
    assert said["once"].index("crudini --set /etc/heat/heat.conf") < said["once"].index("systemctl restart")
    assert "systemctl restart" not in said["twice"]
    assert "left out: what starts services on node, until the retries there are corrected by hand" in said["twice"]


def test_what_an_audit_gives_does_no_harm_when_it_is_run_again(tmp_path: Path, capsys: Capsys) -> None:
    write(
        tmp_path,
        {
            "etc/hostname": "node\n",
            "usr/lib/systemd/system/openstack-nova-api.service": UNIT.format("nova-api"),
            "usr/lib/systemd/system/openstack-heat-api.service": UNIT.format("heat-api"),
            "run/systemd/system/openstack-heat-api.service.d/50-pacemaker.conf": "[Service]\nRestart=no\n",
            "etc/nova/nova.conf": "[database]\nconnection = mysql://x@y/nova\n",
        },
    )
    todo = lines(answer(["--root", str(tmp_path)], capsys, 1), "node")
    run_below(tmp_path, todo)
    once = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    run_below(tmp_path, todo)
    assert {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == once


def cluster_commands(cib: Path, capsys: Capsys) -> list[str]:
    return lines(answer([str(cib)], capsys), CLUSTER)


def run_pcs(cib: Path, commands: Sequence[str]) -> None:
    if shutil.which("pcs") is None:
        pytest.skip("PCS IS MISSING: its commands are not run")
    for line in commands:
        words = line.replace(" --wait=600", "").split()  # pcs waits for a live cluster only
        done = subprocess.run(["pcs", "-f", str(cib), *words[1:]], capture_output=True, text=True)
        assert done.returncode == 0, (line, done.stderr)


FULL = """<cib crm_feature_set="3.0.10" validate-with="pacemaker-2.3" epoch="1" num_updates="0" admin_epoch="0"><configuration>
<crm_config><cluster_property_set id="o"><nvpair id="o-n" name="cluster-name" value="tripleo_cluster"/>
<nvpair id="o-m" name="maintenance-mode" value="true"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="a"/></nodes><resources>
<primitive id="ip-192.0.2.1" class="ocf" provider="heartbeat" type="IPaddr2">
<operations><op id="i1-m" name="monitor" interval="10s"/></operations></primitive>
<clone id="haproxy-clone"><primitive id="haproxy" class="systemd" type="haproxy">
<operations><op id="h-m" name="monitor" interval="60s"/></operations></primitive></clone>
<clone id="openstack-nova-api-clone"><primitive id="openstack-nova-api" class="systemd" type="openstack-nova-api"/></clone>
<clone id="openstack-core-clone"><primitive id="openstack-core" class="ocf" provider="heartbeat" type="Dummy"/></clone>
<group id="heat"><primitive id="openstack-heat-api" class="systemd" type="openstack-heat-api"/>
<primitive id="openstack-heat-engine" class="systemd" type="openstack-heat-engine.service"/></group>
<primitive id="openstack-cinder-volume" class="systemd" type="openstack-cinder-volume">
<meta_attributes id="cv"><nvpair id="cv-r" name="target-role" value="Stopped"/></meta_attributes>
<operations><op id="cv-m" name="monitor" interval="60s"/></operations></primitive>
</resources><constraints>
<rsc_order id="order-core-nova" first="openstack-core-clone" then="openstack-nova-api-clone"/>
<rsc_order id="order-haproxy-core" first="haproxy-clone" then="openstack-core-clone"/>
<rsc_colocation id="colocation-nova-core" rsc="openstack-nova-api-clone" with-rsc="openstack-core-clone" score="INFINITY"/>
<rsc_order id="order-heat" first="openstack-heat-api" then="openstack-cinder-volume"/>
<rsc_colocation id="turned" rsc="haproxy-clone" with-rsc="ip-192.0.2.1" score="INFINITY"/>
</constraints></configuration><status/></cib>
"""


def test_a_full_cluster_becomes_a_light_one_by_what_is_to_be_run(tmp_path: Path, capsys: Capsys) -> None:
    cib = tmp_path / "cib.xml"
    cib.write_text(FULL)
    plain = answer([str(cib)], capsys, 1)
    todo = lines(plain, CLUSTER)
    assert todo[:2] == ["pcs constraint remove turned", "pcs property set maintenance-mode=false"]
    assert todo.count(PLAN.line) == 1
    assert todo[-2:] == [
        "pcs constraint colocation add ip-192.0.2.1 with haproxy-clone INFINITY",
        "pcs constraint order start ip-192.0.2.1 then start haproxy-clone kind=Optional",
    ]
    assert [line for line in todo if line.startswith("pcs resource d")] == []
    assert "pcs resource enable openstack-cinder-volume" in todo
    assert lines(plain, EACH) == []
    run_pcs(cib, [line for line in todo if line != PLAN.line])
    pacemaker_is_here()
    with Pacemaker() as pacemaker:
        plan = make_plan(cib.read_text(), "cib.xml", load_rules(examples=False), pacemaker)
    assert plan.refusals == ()
    cib.write_bytes(serialize(plan.after))
    left = {f["code"]: f["message"] for f in findings(answer([str(cib)], capsys)) if f["commands"]}
    assert left == {}


@pytest.mark.parametrize(
    "name", ["clone-reversed", "clone-anti", "clone-zero", "bundle-finite", "bundle-no-score", "bundle-lower-case-infinity"]
)
def test_a_virtual_ip_is_bound_by_what_is_to_be_run(name: str, tmp_path: Path, capsys: Capsys) -> None:
    cib = tmp_path / "cib.xml"
    cib.write_bytes(shared(f"corpus/cib/whatif/{name}.xml").read_bytes())
    if name == "bundle-lower-case-infinity":  # Pacemaker refuses it, and pcs so cannot read it: an editor has to come first
        assert [f["commands"] != [] for f in findings(answer([str(cib)], capsys, 1)) if f["code"] == "LW103"] == [True]
        return
    todo = [line for line in cluster_commands(cib, capsys) if line.startswith("pcs constraint")]
    assert any("colocation add" in line for line in todo)
    run_pcs(cib, todo)
    assert [f["message"] for f in findings(answer([str(cib)], capsys)) if f["code"] in ("LW103", "LW104")] == []


@pytest.mark.parametrize("role", ["", "Master", "Promoted"])
def test_a_monitor_that_is_disabled_is_enabled_with_all_that_is_set_on_it(role: str, tmp_path: Path, capsys: Capsys) -> None:
    """`pcs resource op add`, as the rule has it elsewhere, refuses a second monitor; `update` forgets what it is not given."""
    monitor = '<op id="x-m" name="monitor" interval="10s" timeout="33s" on-fail="restart" enabled="0"'
    resource = '<primitive id="ip-192.0.2.1" class="ocf" provider="heartbeat" type="IPaddr2">{}</primitive>'.format(
        '<instance_attributes id="ip-i"><nvpair id="ip-i-1" name="ip" value="192.0.2.1"/></instance_attributes>'
        f"<operations>{monitor}/></operations>"
    )
    if role:
        resource = f"""<master id="redis-master"><primitive id="redis" class="ocf" provider="heartbeat" type="redis"><operations>
<op id="r-m" name="monitor" interval="20s"/>{monitor} role="{role}"/></operations></primitive></master>"""
    cib = tmp_path / "cib.xml"
    schema = "pacemaker-3.7" if role == "Promoted" else "pacemaker-2.3"
    cib.write_text(
        f"""<cib validate-with="{schema}" crm_feature_set="3.0.10" epoch="1" num_updates="0" admin_epoch="0"><configuration><crm_config>
<cluster_property_set id="o"><nvpair id="o-n" name="cluster-name" value="tripleo_cluster"/></cluster_property_set></crm_config><nodes/>
<resources>{resource}</resources><constraints/></configuration><status/></cib>"""
    )
    (found,) = [f for f in findings(answer([str(cib)], capsys)) if f["code"] == "LW112"]
    assert "its `monitor` is disabled (`enabled` is `0`)" in found["message"]
    run_pcs(cib, [one["line"] for one in found["commands"]])
    assert [f["message"] for f in findings(answer([str(cib)], capsys)) if f["code"] == "LW112"] == []
    assert 'on-fail="restart"' in cib.read_text()
    assert 'timeout="33s"' in cib.read_text()


@given(st.lists(st.text(max_size=12), min_size=1, max_size=4))
def test_words_reach_the_program_as_they_are(words: list[str]) -> None:
    shown = [w for w in words if all(c.isprintable() for c in w)]
    if not shown:
        return
    code = "import json, os, sys; print(json.dumps([os.fsencode(w).decode('utf-8') for w in sys.argv[1:]]))"
    line = command(sys.executable, "-c", code, *shown)
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == shown


def test_a_word_never_breaks_its_line_nor_becomes_a_command() -> None:
    assert (quote("a\nb"), quote("$(reboot)"), quote("it's"), quote("")) == ("'a?b'", "'$(reboot)'", "'it'\\''s'", "''")


def test_hosts_go_first_constraints_before_resources_a_reload_last_and_hosts_with_the_same_commands_stand_together() -> None:
    mends = [
        ("b", "systemctl daemon-reload"), ("b", "rm /x"), ("a", "rm /x"), ("a", "systemctl daemon-reload"),
        (CLUSTER, "pcs resource disable x --wait=600"), (CLUSTER, "pcs constraint remove y"), (EACH, "systemctl enable --now x"),
    ]  # fmt: skip
    assert list(together(in_order(mends))) == [
        (("b", "a"), ("rm /x", "systemctl daemon-reload")),
        ((CLUSTER,), ("pcs constraint remove y", "pcs resource disable x --wait=600")),
        ((EACH,), ("systemctl enable --now x",)),
    ]


def test_no_command_stops_or_restarts_what_runs_at_boot_alone(tmp_path: Path, capsys: Capsys) -> None:
    inner = '<primitive id="neutron-netns-cleanup" class="ocf" provider="neutron" type="NetnsCleanup"/>'
    cleanup = f'<clone id="neutron-netns-cleanup-clone">{inner}</clone>'
    haproxy = '<clone id="haproxy-clone"><primitive id="haproxy" class="systemd" type="haproxy"/></clone>'
    cib = tmp_path / "cib.xml"
    cib.write_text(
        '<cib validate-with="pacemaker-2.3"><configuration><crm_config><cluster_property_set id="p"><nvpair id="p-2" name="cluster-name" '
        f'value="tripleo_cluster"/></cluster_property_set></crm_config><nodes/><resources>{haproxy}{cleanup}</resources><constraints/>'
        "</configuration></cib>"
    )
    (found,) = [f for f in findings(answer([str(cib)], capsys, 1)) if f["code"] == "LW101"]
    assert [one["line"] for one in found["commands"]] == [PLAN.line]
    assert not any(word in found["remedy"] for word in ("systemctl restart", "pcs resource disable"))


def test_a_virtual_ip_keeps_its_bond_with_haproxy_when_a_service_is_in_its_group(tmp_path: Path, capsys: Capsys) -> None:
    front = (
        '<group id="front"><primitive id="ip-192.0.2.10" class="ocf" provider="heartbeat" type="IPaddr2"/>'
        '<primitive id="openstack-nova-novncproxy" class="systemd" type="openstack-nova-novncproxy"/></group>'
    )
    bond = '<rsc_colocation id="colocation-front" rsc="front" with-rsc="haproxy-clone" score="INFINITY"/>'
    cib = tmp_path / "cib.xml"
    cib.write_text(FULL.replace("<group id=", front + "<group id=", 1).replace("</constraints>", bond + "</constraints>"))
    commands = {c["line"] for f in findings(answer([str(cib)], capsys, 1)) if f["code"] == "LW105" for c in f["commands"]}
    assert PLAN.line in commands
    assert "pcs constraint remove colocation-front" not in commands
    pacemaker_is_here()
    with Pacemaker() as pacemaker:
        plan = make_plan(
            cib.read_text().replace('name="maintenance-mode" value="true"', 'name="maintenance-mode" value="false"'),
            "cib.xml",
            load_rules(examples=False),
            pacemaker,
        )
    assert "colocation-front" in plan.after.xpath("configuration/constraints/*/@id")
    assert plan.after.xpath("//group[@id='front']/primitive/@id") == ["ip-192.0.2.10"]
