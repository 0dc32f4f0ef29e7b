"""The installed Pacemaker answers as data, is left alone by the user's environment, and its absence is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lwlint.audit.operate.simulation import Action, Event, Pacemaker, Place, Refused, primitive_of, read_cib, serialize
from lwlint.core.finding import ConfigurationError
from tests.audit.operate.clusters import NODES, address, cib, clone, order, pacemaker_is_here, service, together

FRONT = cib(
    [address("192.0.2.10"), clone(service("haproxy")), clone(service("httpd"))],
    [
        together("ip-192.0.2.10", "haproxy-clone"),
        order("ip-192.0.2.10", "haproxy-clone", "Optional"),
        order("haproxy-clone", "httpd-clone"),
    ],
)
UP = [Event("node-up", node) for node in NODES]


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_cold_start_is_told_action_by_action() -> None:
    pacemaker_is_here()
    with Pacemaker() as pacemaker:
        settled = pacemaker.settle(read_cib(FRONT), *UP)
        assert settled.quiet
        assert settled.before.resources == {}
        assert settled.after.nodes("haproxy") == settled.after.nodes("httpd") == tuple(sorted(NODES))
        assert settled.after.online == tuple(sorted(NODES))
        (place,) = settled.after.resources["ip-192.0.2.10"]
        assert place.role == "Started"
        starts = [action for action in settled.changes if action.task == "start"]
        assert len(starts) == len(settled.changes) == 7
        first = [action.resource for action in starts]
        assert first.index("haproxy") < first.index("httpd")
        watched = {(action.resource, action.interval) for action in settled.transitions[0].actions if action.task == "monitor"}
        assert ("haproxy", 60000) in watched


def test_the_death_of_a_node_moves_its_address() -> None:
    pacemaker_is_here()
    with Pacemaker() as pacemaker:
        running = pacemaker.settle(read_cib(FRONT), *UP).cib
        at = pacemaker.simulate(running).before.nodes("ip-192.0.2.10")[0]
        transition = pacemaker.simulate(running, Event("node-down", at))
        assert [action for action in transition.changes if action.resource == "ip-192.0.2.10"] == [
            Action("start", "ip-192.0.2.10", transition.after.nodes("ip-192.0.2.10")[0])
        ]
        assert at not in transition.after.online
        assert len(transition.after.nodes("haproxy")) == 2


def test_a_failed_monitor_restarts_what_waits_for_it() -> None:
    pacemaker_is_here()
    with Pacemaker() as pacemaker:
        running = pacemaker.settle(read_cib(FRONT), *UP).cib
        transition = pacemaker.simulate(running, Event("op-inject", "haproxy_monitor_60000@one=7"))
        assert transition.before.failed == ()
        assert Action("stop", "httpd", "one") in transition.changes
        assert Action("start", "haproxy", "one") in transition.changes
        assert [one.task for one in transition.wanted if one.resource == "haproxy" and one.source == "one"] in (["recover"], [])
        assert any(one.resource == "haproxy" for one in transition.wanted)


def test_fencing_is_an_action_and_what_it_stops_is_too() -> None:
    pacemaker_is_here()
    device = '<primitive id="fence" class="stonith" type="fence_ipmilan"/>'
    text = cib([device, clone(service("haproxy"))], properties={"stonith-enabled": "true"})
    with Pacemaker() as pacemaker:
        running = pacemaker.settle(read_cib(text), *UP).cib
        transition = pacemaker.simulate(running, Event("node-fail", "one"))
        assert Action("fence", "", "one") in transition.changes
        assert [action for action in transition.changes if action.task == "stop" and action.resource == "haproxy"] == [
            Action("stop", "haproxy", "", pseudo=True)
        ]


def test_roles_and_blocked_actions_are_told() -> None:
    pacemaker_is_here()
    galera = '<primitive id="galera" class="ocf" provider="heartbeat" type="galera"/>'
    master = f'<master id="galera-master">{galera}</master>'
    core = clone(service("openstack-core", "core"), **{"target-role": "Stopped"})
    text = cib([master, core, clone(service("httpd"))], [order("openstack-core-clone", "httpd-clone")])
    with Pacemaker() as pacemaker:
        settled = pacemaker.settle(read_cib(text), *UP)
        assert {place.role for place in settled.after.resources["galera"]} == {"Unpromoted"}
        assert settled.after.resources["galera"][0] == Place("one", "Unpromoted")
        assert {one.task for one in settled.transitions[0].wanted if one.resource == "httpd" and one.blocked} == {"start"}
        assert settled.after.nodes("httpd") == ()


def test_a_cib_that_pacemaker_refuses_is_refused_in_its_words() -> None:
    pacemaker_is_here()
    strange = read_cib(FRONT.replace("<resources>", "<resources><thing/>"))
    unknown = read_cib(FRONT.replace('first="haproxy-clone"', 'first="nothing"'))
    newer = read_cib(FRONT.replace("pacemaker-2.3", "pacemaker-9.9"))
    with Pacemaker() as pacemaker:
        assert pacemaker.refusal(read_cib(FRONT)) == ""
        assert "element thing" in pacemaker.refusal(strange)
        assert 'unknown ID "nothing"' in pacemaker.refusal(unknown)
        for bad, reason in ((strange, "element thing"), (unknown, 'unknown ID "nothing"'), (newer, "its schema `pacemaker-9.9`")):
            with pytest.raises(Refused, match=reason):
                pacemaker.simulate(bad)


def test_a_cib_of_a_newer_pacemaker_is_refused_for_that() -> None:
    pacemaker_is_here()
    newer = read_cib(FRONT.replace('crm_feature_set="3.0.10"', 'crm_feature_set="99.1.0"'))
    with Pacemaker() as pacemaker, pytest.raises(Refused, match=r"^its feature set 99\.1\.0 is newer than 3\.[\d.]+, which Pacemaker"):
        pacemaker.simulate(newer, *UP)


def test_a_transition_that_cannot_be_carried_out_is_told() -> None:
    pacemaker_is_here()
    history = '<lrm_resource id="haproxy" type="haproxy" class="systemd"/>'
    lrm = f'<lrm id="1"><lrm_resources>{history}</lrm_resources></lrm>'
    state = f'<node_state id="1" uname="one" in_ccm="true" crmd="online" join="member" expected="member">{lrm}</node_state>'
    text = FRONT.replace("<status/>", f"<status>{state}</status>")  # of the other two nodes it tells nothing
    with Pacemaker() as pacemaker:
        settled = pacemaker.settle(read_cib(text))
        assert settled.transitions[-1].trouble == "" or not settled.quiet
        assert settled.after.online == ("one",)


def test_its_versions_are_told() -> None:
    pacemaker_is_here()
    with Pacemaker() as pacemaker:
        assert tuple(map(int, pacemaker.version.split(".")[:2])) >= (2, 1)
        assert pacemaker.schema.startswith("pacemaker-")
        assert tuple(map(int, pacemaker.feature_set.split("."))) > (3, 0, 10)


def test_nothing_of_the_environment_reaches_the_programs_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pacemaker_is_here()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("CIB_file", str(tmp_path / "nowhere.xml"))
    monkeypatch.setenv("PCMK_schema_directory", str(tmp_path))
    with Pacemaker() as pacemaker:
        assert pacemaker.refusal(read_cib(FRONT)) == ""
        assert pacemaker.simulate(read_cib(FRONT), *UP).changes
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_is_not_installed_is_told_with_its_package(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^`crm_simulate`: not found in .*`pacemaker-cli-utils` \(Debian\) or `pacemaker-cli` \(RPM\)"
    ):
        Pacemaker([str(tmp_path)]).__enter__()


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo Pacemaker 1.1.24-1.el7", r"Pacemaker 1\.1\.24-1\.el7 is installed; 2\.1 or later is needed"),
        ("echo nothing", "does not tell a version"),
        ("sleep 5", r"did not end within 0\.3 seconds"),
    ],
)
def test_an_old_a_mute_or_a_hanging_program_is_told(tmp_path: Path, script: str, expected: str) -> None:
    for name in ("crm_simulate", "crm_verify", "cibadmin"):
        program(tmp_path, name, f"PATH=/usr/bin:/bin\n{script}")
    with pytest.raises(ConfigurationError, match=expected):
        Pacemaker([str(tmp_path)], seconds=0.3).__enter__()


def test_what_is_no_cib_is_refused_by_the_reader() -> None:
    with pytest.raises(Refused, match="it is no XML"):
        read_cib("<cib")
    with pytest.raises(Refused, match="no `cib` element"):
        read_cib("<html/>")
    inside = read_cib(f'<?xml version="1.0"?><log><answer>{FRONT}</answer></log>')
    assert (inside.tag, inside.getparent()) == ("cib", None)
    assert serialize(inside) == serialize(read_cib(FRONT))


def test_an_entity_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    text = f'<!DOCTYPE cib [<!ENTITY file SYSTEM "{secret}">]><cib>&file;</cib>'
    assert b"secret" not in serialize(read_cib(text)).replace(os.fsencode(secret), b"")


def test_the_number_of_an_instance_is_no_part_of_its_name() -> None:
    assert [primitive_of(name) for name in ("galera:1", "galera:12", "haproxy", "a:b")] == ["galera", "galera", "haproxy", "a:b"]


def test_a_disk_without_room_is_no_fault_of_the_cib(tmp_path: Path) -> None:
    pacemaker_is_here()
    for name in ("crm_verify", "cibadmin"):
        program(tmp_path, name, f'exec $(PATH=/usr/sbin:/usr/bin command -v {name}) "$@"')
    script = "echo \"crm_simulate: Could not create 'after.xml': No space left on device\" >&2; exit 1"
    program(tmp_path, "crm_simulate", f'case "$1" in --version) echo Pacemaker 2.1.5;; *) {script};; esac')
    said = r"^`/\S+/lwlint-\w+`: cannot be written \(No space left on device\); `TMPDIR` says where temporary folders are made$"
    with Pacemaker([str(tmp_path)]) as pacemaker:
        with pytest.raises(ConfigurationError, match=said):
            pacemaker.simulate(read_cib(FRONT))
        for path in Path(pacemaker._folder).iterdir():
            path.unlink()
            path.mkdir()  # in whose place nothing can be written
        with pytest.raises(ConfigurationError, match=r"cannot be written \(Is a directory\)"):
            pacemaker.simulate(read_cib(FRONT))
