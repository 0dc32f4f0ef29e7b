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
