"""What LW507 says of virtual IPs that do not serve though a status shows them somewhere; beside what `crm_mon` prints of such clusters."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lwlint.checks.pacemaker_constraints import CHECKS, BoundParams
from lwlint.core.check import Unknown
from lwlint.core.facts import Facts
from lwlint.core.source import Source
from lwlint.inputs.pacemaker.facts import ResourceStatus
from lwlint.inputs.pacemaker.status import status_facts
from lwlint.run import load_catalogue
from tests.audit.operate.clusters import address, cib, clone, ocf, pacemaker_is_here, running, service, together

VIP = "ip-192.0.2.1"
CATALOGUE = load_catalogue()


def printed(text: str, folder: Path, *options: str, events: tuple[str, ...] = ()) -> str:
    """Return what `crm_mon` prints of a cluster after the events."""
    before, after = folder / "before.xml", folder / "after.xml"
    before.write_text(text)
    subprocess.run(
        ["crm_simulate", f"--xml-file={before}", "--simulate", f"--save-output={after}", *events], capture_output=True, check=False
    )
    environment = {**os.environ, "CIB_file": str(after), "LC_ALL": "C"}
    return subprocess.run(["crm_mon", "-1", "-r", *options], capture_output=True, text=True, env=environment, check=True).stdout


def judged(text: str) -> list[str]:
    """Return what LW507 says of a status: problems, and after a `?` what is not known."""
    (check,) = (one for one in CHECKS if one.name == "vip-away-from-haproxy")
    facts = Facts(status_facts([Source("crm_mon", text, "status")], CATALOGUE), services=CATALOGUE.services)
    assert any(one.name == VIP for one in facts.of(ResourceStatus))
    found = check.run(facts, BoundParams(each="vip", to="haproxy"))
    return [f"? {one.because}" if isinstance(one, Unknown) else one.message for one in found]


def cluster(vip: str = "", **properties: str) -> str:
    """Return a cluster that runs; `vip` is what else is set on the monitor of its address."""
    resources = (
        address("192.0.2.1"),
        clone(service("haproxy")),
        clone(ocf("rabbitmq", "rabbitmq-cluster")),
        clone(ocf("galera", "galera")),
    )
    text = running(cib(resources, (together(VIP, "haproxy-clone"),)))
    for name, value in properties.items():
        old = f'name="{name.replace("_", "-")}" value="false"'
        assert old in text
        text = text.replace(old, old.replace("false", value))
    return text.replace('name="monitor" interval="10"', f'name="monitor" interval="10" {vip}')


DEAD = f"--op-inject={VIP}_monitor_10000@{{}}=7"


@pytest.mark.parametrize("form", ["text", "xml"])
@pytest.mark.parametrize(
    ("text", "event", "said"),
    [
        ({}, "--quorum=1", ""),
        ({"vip": 'on-fail="block"'}, DEAD, f"? `crm_mon` shows `{VIP}` as failed"),
        ({"vip": 'on-fail="ignore"'}, DEAD, f"? `crm_mon` shows `{VIP}` as failed"),
        ({"vip": 'on-fail="stop"'}, DEAD, f"? `crm_mon` shows `{VIP}` as stopped"),
        ({"stonith_enabled": "true"}, "--node-fail={}", f"? `crm_mon` shows `{VIP}` on a node that is lost (unclean)"),
    ],
)
def test_an_address_that_does_not_serve_is_not_passed(text: dict[str, str], event: str, said: str, form: str, tmp_path: Path) -> None:
    pacemaker_is_here()
    known = cluster(**text)
    node = next(line.split()[-1] for line in printed(known, tmp_path).splitlines() if VIP in line)
    shown = printed(known, tmp_path, *(["--output-as=xml"] if form == "xml" else []), events=(event.format(node),))
    assert judged(shown) == ([said] if said else [])


def test_haproxy_whose_failure_is_ignored_serves_nobody(tmp_path: Path) -> None:
    """As text a status does not tell it: there the copies of a clone are one line, and an action that failed may have been of long ago."""
    pacemaker_is_here()
    known = cluster().replace('name="monitor" interval="60"', 'name="monitor" interval="60" on-fail="ignore"')
    node = next(line.split()[-1] for line in printed(known, tmp_path).splitlines() if VIP in line)
    shown = printed(known, tmp_path, "--output-as=xml", events=(f"--op-inject=haproxy_monitor_60000@{node}=7",))
    (message,) = judged(shown)
    assert message.startswith(f"virtual IP `{VIP}`: it is on `{node}`, and haproxy has failed there")
