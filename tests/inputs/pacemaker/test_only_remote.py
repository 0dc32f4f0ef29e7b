"""What is kept on remote nodes, whichever way a CIB says so: it is Instance HA's, and no controller's."""

from __future__ import annotations

import pytest

from lwlint.core.facts import Facts
from lwlint.core.source import Source
from lwlint.inputs.pacemaker.model import cibs, only_remote
from lwlint.inputs.pacemaker.reader import pcs_config_facts
from lwlint.run import load_catalogue

CLUSTER = """node 1: a \\
\tattributes osprole=controller
node 2: b \\
\tattributes osprole=controller
node r:remote \\
\tattributes osprole=compute
primitive r ocf:pacemaker:remote
primitive agent systemd:neutron-openvswitch-agent
clone agents agent
primitive libvirtd systemd:libvirtd
clone libvirtds libvirtd
"""
BANS = "location l1 agents -inf: a\nlocation l2 agents -inf: b"


@pytest.mark.parametrize(
    ("ties", "found"),
    [
        ("location l agents resource-discovery=exclusive rule 0: osprole eq compute", {"agents"}),
        ("location l agents rule -inf: osprole ne compute", {"agents"}),
        ("location l agents resource-discovery=exclusive rule 0: #kind eq remote", {"agents"}),
        ("location l agents rule -inf: #kind eq cluster", {"agents"}),
        ("location l agents rule -inf: #kind ne remote", {"agents"}),
        ("location l agents resource-discovery=exclusive 0: r", {"agents"}),
        (BANS, {"agents"}),
        (f"{BANS}\ncolocation c inf: libvirtds agents", {"agents", "libvirtds"}),
        ("property o: symmetric-cluster=false\nlocation l agents 0: r", {"agents"}),
        (f"{BANS}\nlocation l3 agents -inf: r", set()),
        ("location l1 agents -inf: a", set()),
        ("location l agents rule -inf: #kind eq remote", set()),
        (f"{BANS}\ncolocation c 100: libvirtds agents", {"agents"}),
        ("", set()),
    ],
)
def test_what_no_member_may_run_and_a_remote_node_may_is_on_remote_nodes_only(ties: str, found: set[str]) -> None:
    (cib,) = cibs(Facts(pcs_config_facts([Source("crm_configure_show", CLUSTER + ties + "\n", "cib")], load_catalogue())))
    assert only_remote(cib) - {"r"} == found
