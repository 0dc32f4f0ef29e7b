"""What is said of units where the evidence does not reach."""

from __future__ import annotations

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
