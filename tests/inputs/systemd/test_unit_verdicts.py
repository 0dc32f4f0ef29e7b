"""What is said of units where the evidence does not reach."""

from __future__ import annotations

import pytest

from lwlint.files.tree import Memory
from lwlint.run import Request, check, load_rules

SHARE = "usr/lib/systemd/system/openstack-manila-share.service"
WITHOUT_RESTART = "[Service]\nExecStart=/usr/bin/manila-share\n"


def outcome(rule: str, files: dict[str, str]) -> tuple[str, str]:
    report = check(Request(tuple(files), tree=Memory(files)), [one for one in load_rules() if one.id == rule])
    (verdict,) = report.verdicts
    return verdict.outcome, verdict.because


def test_who_restarts_an_active_passive_service_is_not_known_without_a_cib() -> None:
    because = f"{SHARE}:1: no CIB was given that shows whether Pacemaker runs openstack-manila-share.service"
    assert outcome("unit-not-restarted", {SHARE: WITHOUT_RESTART}) == ("not evaluated", because)


def test_one_that_restarts_passes_whoever_runs_it() -> None:
    assert outcome("unit-not-restarted", {SHARE: WITHOUT_RESTART + "Restart=always\n"}) == ("pass", "")


@pytest.mark.parametrize(("name", "timer", "found"), [("openstack-heat-purge", True, False), ("openstack-heat-purge", False, True)])
def test_what_is_known_by_a_pattern_and_started_by_a_timer_is_not_taken_for_a_service(name: str, timer: bool, found: bool) -> None:
    files = {f"usr/lib/systemd/system/{name}.service": "[Service]\nExecStart=/usr/bin/heat-manage purge_deleted\n"}
    if timer:
        files[f"usr/lib/systemd/system/{name}.timer"] = "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n"
    assert outcome("unit-not-restarted", files)[0] == ("fail" if found else "not evaluated")


def test_a_service_that_is_known_is_judged_with_a_timer_too() -> None:
    files = {"usr/lib/systemd/system/openstack-heat-engine.service": "[Service]\nExecStart=/usr/bin/heat-engine\n"}
    files["usr/lib/systemd/system/openstack-heat-engine.timer"] = "[Timer]\nOnCalendar=daily\n"
    assert outcome("unit-not-restarted", files)[0] == "fail"


NOVA = "usr/lib/systemd/system/openstack-nova-api.service"
ALONE = "[Service]\nExecStart=/usr/bin/nova-api\n"
ONCE = {"usr/lib/systemd/system/neutron-ovs-cleanup.service": "[Service]\nType=oneshot\nExecStart=/bin/a\nRestart=on-failure\n"}
OF_TYPE = {NOVA: ALONE, "etc/systemd/system/service.d/a.conf": "[Service]\nRestart=always\n"}
OF_PREFIX = {NOVA: ALONE, "etc/systemd/system/openstack-.service.d/a.conf": "[Service]\nRestart=always\n"}
LIMIT = {NOVA: f"[Unit]\nStartLimitIntervalSec=0\n{ALONE}Restart=always\n"}
STEPS = {NOVA: f"{ALONE}Restart=always\nRestartSec=1\nRestartSteps=3\nRestartMaxDelaySec=8\n"}
ENDLESS = {
    "usr/lib/systemd/system/openstack-nova-scheduler.service": (
        "[Service]\nType=notify\nExecStart=/usr/bin/nova-scheduler\nRestart=always\nTimeoutStartSec=infinity\n"
    )
}
CENTOS, RHEL, DEBIAN, FEDORA = 'ID="centos"\nVERSION_ID="{}"\n', 'ID="rhel"\nVERSION_ID="{}"\n', "ID=debian\nVERSION_ID={}\n", "ID=fedora\n"
ASKED = "not evaluated"


@pytest.mark.parametrize(
    ("rule", "files", "verdicts"),
    [
        ("unit-refused", ONCE, ("fail", ASKED, "fail", "pass", ASKED, ASKED, "pass")),
        ("unit-not-restarted", OF_TYPE, ("fail", ASKED, "fail", "pass", ASKED, ASKED, "pass")),
        ("setting-without-effect", OF_TYPE, ("fail", ASKED, "fail", "pass", ASKED, ASKED, "pass")),
        ("unit-not-restarted", OF_PREFIX, ("fail", "pass", "pass", "pass", "pass", ASKED, "pass")),
        ("restart-that-gives-up", LIMIT, ("fail", "pass", "pass", "pass", "pass", ASKED, "pass")),
        ("restart-that-gives-up", STEPS, ("fail", "fail", "fail", "fail", "fail", ASKED, "fail")),
        ("start-timeout-ends-first-connection", ENDLESS, ("fail", "pass", "pass", "pass", "pass", ASKED, "pass")),
        ("unit-refused", {NOVA: "[Service]\nExecStart=nova-api\n"}, ("fail", "pass", "pass", "pass", "pass", ASKED, "pass")),
        ("unit-refused", {NOVA: "[Service]\nExecStart=:/usr/bin/nova-api\n"}, ("fail", "fail", "fail", "fail", ASKED, ASKED, "pass")),
        ("unit-not-restarted", {NOVA: ALONE}, ("fail",) * 7),
        ("unit-not-restarted", {NOVA: f"{ALONE}Restart=always\n"}, ("pass",) * 7),
    ],
)
def test_what_depends_on_the_systemd_of_the_host_is_judged_where_that_is_known(
    rule: str, files: dict[str, str], verdicts: tuple[str, ...]
) -> None:
    """The last is of no host; CentOS 8 and Debian 10 have one of several, and nothing is known of what Fedora has."""
    systems = (CENTOS.format(7), CENTOS.format(8), RHEL.format("8.4"), RHEL.format("8.10"), DEBIAN.format(10), FEDORA, "")
    found = tuple(outcome(rule, {**files, **({"etc/os-release": system} if system else {})})[0] for system in systems)
    assert found == verdicts


def test_why_it_is_not_known_is_told() -> None:
    why = outcome("unit-refused", {**ONCE, "etc/os-release": CENTOS.format(8)})[1]
    assert why.endswith(
        "neutron-ovs-cleanup.service is judged otherwise by systemd 239 without restarts of oneshot units, and nothing tells which systemd"
        " the host has"
    )
    why = outcome("setting-without-effect", {**LIMIT, "etc/os-release": FEDORA})[1]
    assert why.endswith("`StartLimitIntervalSec=0`: systemd before 230 does not read it, and nothing tells whether the host has one")


def test_a_problem_by_every_systemd_of_the_host_is_one() -> None:
    """What depends on the version is another line of the same host."""
    files = {**LIMIT, NOVA.replace("api", "conductor"): "[Service]\nExecStart=/usr/bin/nova-conductor\n", "etc/os-release": FEDORA}
    assert outcome("unit-not-restarted", files)[0] == "fail"


@pytest.mark.parametrize(("start", "found"), [("uwsgi --ini /etc/nova/nova-frobnicator.ini", ASKED), ("nova-frobnicator", "pass")])
def test_whether_a_worker_that_is_not_known_answers_500_for_good_is_not_known_under_uwsgi(start: str, found: str) -> None:
    files = {"etc/systemd/system/nova-frobnicator.service": f"[Service]\nExecStart=/usr/bin/{start}\nRestart=always\n"}
    assert outcome("worker-that-answers-500", files)[0] == found
