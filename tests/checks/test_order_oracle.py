"""Whether the starts of a virtual IP and HAProxy are ordered, as lwlint (LW104) and Pacemaker's scheduler have it."""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

import lwlint
from tests.audit.operate.clusters import pacemaker_is_here

ACTIONS = ("", "start", "stop")
SYMMETRICAL = ("", "true", "false")
CIB = """<cib validate-with="pacemaker-3.2" epoch="9" num_updates="0" admin_epoch="0" crm_feature_set="3.2" have-quorum="1">
  <configuration>
    <crm_config>
      <cluster_property_set id="o"><nvpair id="o-s" name="stonith-enabled" value="false"/></cluster_property_set>
    </crm_config>
    <nodes><node id="1" uname="n1"/></nodes>
    <resources>
      <primitive id="haproxy" class="systemd" type="haproxy"/>
      <primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2"/>
    </resources>
    <constraints>{order}</constraints>
  </configuration>
  <status>
    <node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member">
      <lrm id="1"><lrm_resources/></lrm>
    </node_state>
  </status>
</cib>
"""


def attribute(name: str, value: str) -> str:
    return f' {name}="{value}"' if value else ""


def orders() -> list[str]:
    """Return the forms of an order of the two; of `Serialize` Pacemaker promises no order, whatever its scheduler makes of it."""
    found = []
    for kind, symmetrical in itertools.product(("Optional", "Mandatory"), SYMMETRICAL):
        more = f' kind="{kind}"{attribute("symmetrical", symmetrical)}'
        for first, then in itertools.product(ACTIONS, ACTIONS):
            actions = attribute("first-action", first) + attribute("then-action", then)
            found += [f'<rsc_order id="o1" first="{a}" then="{b}"{actions}{more}/>' for a, b in (("vip", "haproxy"), ("haproxy", "vip"))]
            sets = "".join(
                f'<resource_set id="s-{name}"{attribute("action", action)}><resource_ref id="{name}"/></resource_set>'
                for name, action in (("vip", first), ("haproxy", then))
            )
            found.append(f'<rsc_order id="o1"{more}>{sets}</rsc_order>')
    return found


def is_ordered(cib: Path) -> bool:
    """Return whether one start waits for the other in the transition that starts both."""
    graph = cib.with_suffix(".dot")
    done = subprocess.run(("crm_simulate", "-x", cib, "-S", "-D", graph), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    arrows = [line for line in graph.read_text().splitlines() if "->" in line]
    return any("vip_start_0" in line and "haproxy_start_0" in line for line in arrows)


def test_an_address_is_ordered_exactly_where_one_start_waits_for_the_other(tmp_path: Path) -> None:
    pacemaker_is_here()
    wrong, seen = [], set()
    for order in orders():
        cib = tmp_path / "cib.xml"
        cib.write_text(CIB.format(order=order))
        told = [found.message for found in lwlint.check(cib).findings if found.code == "LW104"]
        ordered = is_ordered(cib)
        seen.add(ordered)
        if ordered == bool(told):
            wrong.append((order, ordered, told))
    assert wrong == []
    assert seen == {True, False}
