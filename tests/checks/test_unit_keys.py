"""Keys that stop a unit with another one (LW204), and settings with which a `Restart=` cannot act (LW201, LW203): a row for each."""

from __future__ import annotations

from pathlib import Path

import pytest

import lwlint

FOLDER = "usr/lib/systemd/system"
SERVICE = "[Service]\nExecStart=/usr/bin/nova-api\nRestart=always\n"
DATABASE = "[Service]\nExecStart=/usr/sbin/mysqld\n"
OTHERS = {"mariadb.service": "galera", "mysqld.service": "galera", "rabbitmq-server.service": "rabbitmq", "postgresql.service": "it"}
# what a key of the service does, as systemd.unit(5) has it; empty where it leaves the service running
KEYS = {
    "Requires": "so that it is stopped with it",
    "Requisite": "so that it does not start unless that runs, and is stopped with it",
    "BindsTo": "so that it is stopped for good when that ends",
    "PartOf": "so that it is stopped with it",
    "StopPropagatedFrom": "so that it is stopped for good when that ends",
    "Conflicts": "so that it is stopped for good when that starts",
    "Wants": "",
    "After": "",
    "Before": "",
    "Upholds": "",
    "OnFailure": "",
    "OnSuccess": "",
    "PropagatesStopTo": "",
    "PropagatesReloadTo": "",
    "ReloadPropagatedFrom": "",
    "JoinsNamespaceOf": "",
}
# and what one of the other unit does, which names the service
REVERSED = {"Conflicts": "when that starts", "PropagatesStopTo": "when that ends", "Before": "", "Wants": "", "Requires": "", "PartOf": ""}


def found(root: Path, units: dict[str, str], *codes: str) -> list[tuple[str, str, str]]:
    for name, text in units.items():
        (root / FOLDER).mkdir(parents=True, exist_ok=True)
        (root / FOLDER / name).write_text(text)
    return [(f.code, f.severity, f.message) for f in lwlint.check([root], select=codes).findings]


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_stops_the_service_is_told_with_what_it_does(key: str, other: str, tmp_path: Path) -> None:
    message = (
        f"openstack-nova-api.service: `Unit.{key}` names `{other}`, {KEYS[key]}; the service must start and run without {OTHERS[other]}"
    )
    expected = [("LW204", "error", message)] if KEYS[key] else []
    if other == "postgresql.service":
        expected = [(code, severity, message.rpartition(" without ")[0] + " without it") for code, severity, message in expected]
    assert found(tmp_path, {"openstack-nova-api.service": f"[Unit]\n{key}={other}\n{SERVICE}"}, "LW204") == expected


@pytest.mark.parametrize("key", REVERSED)
def test_a_key_of_the_other_unit_that_stops_the_service_is_told_there(key: str, tmp_path: Path) -> None:
    units = {"openstack-nova-api.service": SERVICE, "mariadb.service": f"[Unit]\n{key}=openstack-nova-api.service\n{DATABASE}"}
    messages = [message for _, _, message in found(tmp_path, units, "LW204")]
    assert [REVERSED[key] in message for message in messages] == ([True] if REVERSED[key] else [])


@pytest.mark.parametrize("inner", ["Requires", "BindsTo", "Wants", "After"])
@pytest.mark.parametrize("outer", ["Requires", "BindsTo", "PartOf", "Wants"])
def test_a_target_in_between_hands_on_what_binds_it(outer: str, inner: str, tmp_path: Path) -> None:
    units = {"openstack-nova-api.service": f"[Unit]\n{outer}=db.target\n{SERVICE}", "db.target": f"[Unit]\n{inner}=mariadb.service\n"}
    bound = outer != "Wants" and inner in ("Requires", "BindsTo")
    assert len(found(tmp_path, units, "LW204")) == bound


@pytest.mark.parametrize("inner", ["Requires", "BindsTo", "Wants", "After"])
@pytest.mark.parametrize("outer", ["Requires", "BindsTo", "PartOf", "Wants"])
def test_a_helper_in_between_hands_on_what_binds_it_and_another_service_is_judged_itself(outer: str, inner: str, tmp_path: Path) -> None:
    service = f"[Unit]\n{outer}=ready.service\n{SERVICE}"
    helper = f"[Unit]\n{inner}=mariadb.service\n[Service]\nType=oneshot\nExecStart="
    bound = outer != "Wants" and inner in ("Requires", "BindsTo")
    units = {"openstack-nova-api.service": service, "ready.service": f"{helper}/usr/local/bin/ready\n"}
    assert len(found(tmp_path / "helper", units, "LW204")) == bound
    messages = [
        message for _, _, message in found(tmp_path / "other", {**units, "ready.service": f"{helper}/usr/bin/heat-engine\n"}, "LW204")
    ]
    assert [message.split(":")[0] for message in messages] == ["ready.service"] * (inner in ("Requires", "BindsTo"))


@pytest.mark.parametrize("unit", ["mariadb", "tripleo_mysql", "edpm_mysql", "edpm_rabbitmq", "kolla-mariadb-container", "mysql@bootstrap"])
def test_the_database_and_the_broker_are_known_by_the_units_of_each_deployment(unit: str, tmp_path: Path) -> None:
    assert len(found(tmp_path, {"openstack-nova-api.service": f"[Unit]\nRequires={unit}.service\n{SERVICE}"}, "LW204")) == 1


@pytest.mark.parametrize(
    "line", ["/usr/sbin/mariadbd --basedir=/usr", "/usr/bin/mysqld_safe", "/usr/bin/docker start -a mysql", "/usr/sbin/rabbitmq-server"]
)
def test_the_database_and_the_broker_are_known_by_what_a_unit_starts(line: str, tmp_path: Path) -> None:
    units = {"openstack-nova-api.service": f"[Unit]\nRequires=own.service\n{SERVICE}", "own.service": f"[Service]\nExecStart={line}\n"}
    assert len(found(tmp_path, units, "LW204")) == 1


ASKS = "asks for the database or the broker, and the start limit"


@pytest.mark.parametrize(
    ("line", "limit", "told"),
    [
        ("/usr/bin/mysqladmin -h db ping", "", True),
        ("/bin/nc -z db 3306", "", True),
        ("/bin/sh -c 'nc -z rabbit 5672'", "", True),
        ("/bin/bash -c '</dev/tcp/db/3306'", "", True),
        ("+/usr/sbin/rabbitmqctl status", "", True),
        ("-/bin/nc -z db 3306", "", False),
        ("/bin/sh -c 'until nc -z db 3306; do sleep 1; done'", "", False),
        ("/usr/bin/timeout 60 /bin/nc -z db 3306", "", False),
        ("/bin/mkdir -p /var/lib/mysql", "", False),
        ("/bin/nc -z keystone 5000", "", False),
        ("/bin/nc -z db 3306", "StartLimitIntervalSec=0", False),
        ("/bin/nc -z db 3306", "StartLimitIntervalSec=5\nStartLimitBurst=100", False),
    ],
)
def test_a_question_in_front_of_the_start_uses_the_start_limit_up(line: str, limit: str, told: bool, tmp_path: Path) -> None:
    text = f"[Unit]\n{limit}\n[Service]\nExecStartPre={line}\nExecStart=/usr/bin/nova-api\nRestart=always\n"
    messages = [message for _, _, message in found(tmp_path, {"openstack-nova-api.service": text}, "LW203") if ASKS in message]
    assert len(messages) == told


@pytest.mark.parametrize(
    ("unit", "service", "code", "words"),
    [
        ("", "ExecStart=-/usr/bin/nova-api\nRestart=on-failure", "LW203", "`ExecStart=-` makes a success of every exit"),
        ("", "ExecStart=-/usr/bin/nova-api\nRestart=always", "", ""),
        ("", "Type=forking\nGuessMainPID=no\nExecStart=/usr/bin/nova-api\nRestart=on-failure", "LW203", "without a main process"),
        ("", "Type=forking\nGuessMainPID=no\nPIDFile=/run/x\nExecStart=/usr/bin/nova-api\nRestart=on-failure", "", ""),
        ("", "Type=oneshot\nExecStart=/usr/bin/nova-api\nRestart=on-failure", "LW201", "so that nothing watches the service"),
        ("", "Type=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/nova-api", "LW201", "so that nothing watches the service"),
        ("", "ExecStart=/usr/bin/nova-api\nRestart=on-failure\nSuccessExitStatus=1", "LW203", "exit status `1` (`SuccessExitStatus`)"),
        ("", "ExecStart=/usr/bin/nova-api\nRestart=on-failure\nSuccessExitStatus=SIGKILL", "LW203", "after signal `SIGKILL`"),
        ("", "ExecStart=/usr/bin/nova-api\nRestart=always\nSuccessExitStatus=1", "", ""),
        ("", "ExecStart=/usr/bin/nova-api\nRestart=always\nRestartPreventExitStatus=1", "LW203", "(`RestartPreventExitStatus`)"),
        ("", "ExecStart=/usr/bin/nova-api\nRestart=always\nExecCondition=/bin/nc -z db 3306", "LW204", "asks for the database"),
        ("ConditionPathExists=/run/mariadb.pid", "ExecStart=/usr/bin/nova-api\nRestart=always", "LW204", "the unit is skipped"),
        ("AssertPathExists=/var/lib/rabbitmq/x", "ExecStart=/usr/bin/nova-api\nRestart=always", "LW204", "the start fails"),
        ("ConditionPathExists=/etc/nova/nova.conf", "ExecStart=/usr/bin/nova-api\nRestart=always", "", ""),
        ("", "ExecStart=/usr/bin/heat-engine\nRestart=on-failure", "LW201", "it must be `always`"),
        ("", "ExecStart=/usr/bin/heat-engine\nRestart=always", "", ""),
    ],
)
def test_a_setting_with_which_restart_cannot_act_is_told(unit: str, service: str, code: str, words: str, tmp_path: Path) -> None:
    name = "openstack-heat-engine.service" if "heat-engine" in service else "openstack-nova-api.service"
    text = f"[Unit]\nStartLimitIntervalSec=0\n{unit}\n[Service]\nStartLimitInterval=0\n{service}\n"
    saw = [(each, message) for each, _, message in found(tmp_path, {name: text}, "LW201", "LW203", "LW204")]
    assert [each for each, _ in saw] == ([code] if code else [])
    assert all(words in message for _, message in saw)


ALONE = "[Service]\nExecStart=/usr/bin/nova-api\n"
HOLDS = "[Unit]\nUpholds=openstack-nova-api.service\n"


def outcomes(root: Path, files: dict[str, str], release: str = "auto") -> dict[str, tuple[str, str]]:
    for path, text in {f"{FOLDER}/openstack-nova-api.service": ALONE, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return {told.code: (told.outcome, told.because) for told in lwlint.check([root], select=["LW201", "LW203"], release=release).verdicts}


@pytest.mark.parametrize(
    ("files", "outcome"),
    [
        ({"etc/systemd/system/multi-user.target.d/a.conf": HOLDS}, "pass"),
        ({f"{FOLDER}/multi-user.target": HOLDS}, "pass"),
        ({f"{FOLDER}/multi-user.target": HOLDS, "etc/systemd/system/multi-user.target": "[Unit]\n"}, "fail"),
        ({f"{FOLDER}/cloud.target": HOLDS}, "not evaluated"),
        ({f"{FOLDER}/watch.service": HOLDS + "[Service]\nExecStart=/usr/bin/watch\nRestart=always\n"}, "not evaluated"),
        ({f"{FOLDER}/watch@.service": HOLDS + "[Service]\nExecStart=/usr/bin/watch\nRestart=always\n"}, "fail"),
        ({f"{FOLDER}/watch.service": HOLDS + "[Service]\nType=dbus\nExecStart=/usr/bin/watch\n"}, "fail"),  # which systemd refuses
        ({f"{FOLDER}/multi-user.target": "[Unit]\nUpholds=openstack-nova-api\n"}, "fail"),
        ({f"{FOLDER}/multi-user.target": "[Unit]\nWants=openstack-nova-api.service\n"}, "fail"),
    ],
)
def test_a_unit_that_is_upheld_by_one_that_is_always_active_needs_no_restart(files: dict[str, str], outcome: str, tmp_path: Path) -> None:
    """Watched on systemd 252: a unit without `Restart=` that such a one upholds was started again for as long as anybody looked."""
    assert outcomes(tmp_path, files)["LW201"][0] == outcome


@pytest.mark.parametrize(("release", "outcome"), [("queens", "fail"), ("victoria", "fail"), ("wallaby", "pass"), ("auto", "pass")])
def test_a_release_whose_systemd_upholds_nothing_needs_a_restart(release: str, outcome: str, tmp_path: Path) -> None:
    files = {"etc/systemd/system/multi-user.target.d/a.conf": HOLDS}
    assert outcomes(tmp_path, files, release)["LW201"][0] == outcome


@pytest.mark.parametrize(
    ("restart", "limit", "outcome"), [("Restart=always\nRestartSec=1\n", "", "pass"), ("Restart=always\n", "infinity", "fail")]
)
def test_the_start_limit_does_not_end_what_is_upheld_unless_it_never_ends_itself(
    restart: str, limit: str, outcome: str, tmp_path: Path
) -> None:
    unit = "[Unit]\nStartLimitIntervalSec=infinity\n" if limit == "infinity" else ""
    files = {"etc/systemd/system/multi-user.target.d/a.conf": HOLDS, f"{FOLDER}/openstack-nova-api.service": unit + ALONE + restart}
    assert outcomes(tmp_path, files)["LW203"][0] == outcome


def test_a_link_in_a_folder_of_what_is_upheld_counts_from_systemd_254_on(tmp_path: Path) -> None:
    (tmp_path / "etc/systemd/system/multi-user.target.upholds").mkdir(parents=True)
    link = tmp_path / "etc/systemd/system/multi-user.target.upholds/openstack-nova-api.service"
    link.symlink_to("/usr/lib/systemd/system/openstack-nova-api.service")
    outcome, why = outcomes(tmp_path, {})["LW201"]
    assert outcome == "not evaluated"
    assert "only systemd 254 and later reads `multi-user.target.upholds`" in why


@pytest.mark.parametrize(("number", "outcome"), [("20.04", "fail"), ("22.04", "fail"), ("24.04", "pass")])
def test_the_systemd_of_the_host_tells_whether_it_reads_a_folder_of_what_is_upheld(number: str, outcome: str, tmp_path: Path) -> None:
    (tmp_path / "etc/systemd/system/multi-user.target.upholds").mkdir(parents=True)
    link = tmp_path / "etc/systemd/system/multi-user.target.upholds/openstack-nova-api.service"
    link.symlink_to("/usr/lib/systemd/system/openstack-nova-api.service")
    files = {"etc/os-release": f'ID=ubuntu\nVERSION_ID="{number}"\n'}
    assert outcomes(tmp_path, files)["LW201"][0] == outcome


@pytest.mark.parametrize(
    ("system", "outcome"), [("", "not evaluated"), ('ID="rhel"\nVERSION_ID="8.4"\n', "fail"), ('ID="rhel"\nVERSION_ID="9.2"\n', "pass")]
)
def test_units_of_containers_may_be_of_any_later_release(system: str, outcome: str, tmp_path: Path) -> None:
    """They came with stein, of which no host had systemd 249; wallaby runs on EL 9 too."""
    files = {
        "etc/systemd/system/multi-user.target.d/a.conf": "[Unit]\nUpholds=tripleo_nova_api.service\n",
        "etc/systemd/system/tripleo_nova_api.service": "[Service]\nType=forking\nExecStart=/usr/bin/podman start nova_api\n",
        f"{FOLDER}/openstack-nova-api.service": ALONE + "Restart=always\n",
        "etc/os-release": system,
    }
    assert outcomes(tmp_path, files)["LW201"][0] == outcome


@pytest.mark.parametrize(("number", "notes"), [("22.04", 1), ("24.04", 0)])
def test_pauses_that_grow_count_where_the_systemd_of_the_host_knows_them(number: str, notes: int, tmp_path: Path) -> None:
    text = ALONE + "Restart=always\nRestartSec=1\nRestartSteps=3\nRestartMaxDelaySec=8\n"
    files = {"etc/os-release": f'ID=ubuntu\nVERSION_ID="{number}"\n', f"{FOLDER}/openstack-nova-api.service": text}
    outcomes(tmp_path, files)
    assert len(lwlint.check([tmp_path], select=["LW203"]).findings) == notes
