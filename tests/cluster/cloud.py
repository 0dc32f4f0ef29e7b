"""The full HA of the fixture as a running cluster: its CIB made to fit the lab, loaded, and looked at."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from lxml import etree

from tests.cluster.lab import Lab, wait
from tests.shared import HERE

FIXTURE = HERE / "fixtures/full-pacemaker/var/lib/pacemaker/cib/cib.xml"
CORE = (
    "haproxy", "rabbitmq", "galera", "redis", "openstack-cinder-volume",
    "ip-192.0.2.251", "ip-203.0.113.10",
)  # fmt: skip
ONCE = ("vsm-p", "vsm-s")  # virtual machines that may run only once: they stay too, and are not in the gate's cluster
# what leaves in the gate: the hub, three APIs with what hangs on them, what is run once, and a service that all wait for
LEAVING = (
    "openstack-core", "httpd", "memcached", "neutron-netns-cleanup", "openstack-nova-api",
    "openstack-nova-conductor", "openstack-cinder-api", "openstack-cinder-scheduler",
)  # fmt: skip
PORTS = {
    "httpd": 5000, "openstack-nova-api": 8774, "neutron-server": 9696, "openstack-glance-api": 9292, "openstack-cinder-api": 8776,
    "openstack-heat-api": 8004,
}  # fmt: skip
NODES = ("overcloud-controller-0", "overcloud-controller-1", "overcloud-controller-2")
_REAL = ("IPaddr2", "Dummy")  # agents that need no program that is not here


def full_ha(kept: Collection[str] | None = None) -> etree._Element:
    """Return the fixture's CIB with addresses of the lab and clones as TripleO makes them; of the resources those in `kept` (None: all)."""
    text = re.sub(r"\b172\.16\.(\d)\.(\d+)\b", lambda found: f"198.51.100.{int(found[1]) * 50 + int(found[2])}", FIXTURE.read_text("utf-8"))
    cib = etree.fromstring(text.encode(), etree.XMLParser(remove_blank_text=True))
    resources, constraints = cib.find("configuration/resources"), cib.find("configuration/constraints")
    assert resources is not None
    assert constraints is not None
    gone = set()
    for outer in list(resources):
        inner = next(outer.iter("primitive"))
        if kept is not None and inner.get("id") not in kept:
            gone.add(outer.get("id"))
            resources.remove(outer)
        elif outer.tag == "clone" and outer.find("meta_attributes") is None:
            meta = etree.Element("meta_attributes", id=f"{outer.get('id')}-meta")
            etree.SubElement(meta, "nvpair", id=f"{outer.get('id')}-interleave", name="interleave", value="true")
            outer.insert(0, meta)
    for one in list(constraints):
        if gone & set(one.attrib.values()):
            constraints.remove(one)
    return cib


class Cloud:
    """What a CIB asks for, on the nodes of a lab."""

    def __init__(self, folder: Path, cib: etree._Element) -> None:
        self.cib = cib
        self.primitives = primitives = list(cib.iter("primitive"))
        self.patience = 120 + 15 * len(primitives)  # seconds that all of it may take to start, on a crowded machine
        self.vips = [one.get("id", "").removeprefix("ip-") for one in primitives if one.get("type") == "IPaddr2"]
        self.units = [one.get("type", "") for one in primitives if one.get("class") == "systemd"]
        stand_ins = [unit for unit in self.units if unit != "haproxy"]
        self.apis = {unit: PORTS[unit] for unit in stand_ins if unit in PORTS}
        others = [one for one in primitives if one.get("class") == "ocf" and one.get("type") not in _REAL]
        agents = {f"{one.get('provider')}/{one.get('type')}" for one in others}
        once = [one.get("id", "") for one in primitives if one.get("id", "").endswith("-cleanup")]
        self.lab = Lab(folder, NODES, self.apis, [unit for unit in stand_ins if unit not in PORTS], once, sorted(agents))

    @property
    def core(self) -> set[str]:
        """The resources that stay."""
        return {name for one in self.primitives if (name := one.get("id", "")).startswith("ip-") or name in (*CORE, *ONCE)}

    @property
    def leaving_units(self) -> list[str]:
        """The units that systemd is to have."""
        return [unit for unit in self.units if unit not in CORE]

    @property
    def targets(self) -> dict[str, str]:
        """Each API with an address and a port at which it is asked, the virtual IPs in turn."""
        return {
            name: f"{self.vips[number % len(self.vips)]}:{10000 + port}" for number, (name, port) in enumerate(sorted(self.apis.items()))
        }

    def up(self) -> None:
        """Wait until all nodes take part, load the CIB, and wait until everything that it asks for runs."""
        self.joined()
        first = NODES[0]
        for name in ("resources", "constraints"):
            self.lab.write(first, f"/root/{name}.xml", etree.tostring(self.cib.find(f"configuration/{name}")).decode())
        self.lab.asked(
            first,
            "set -e; crm_attribute --type crm_config --name stonith-enabled --update false\n"
            "cibadmin --replace --scope resources --xml-file /root/resources.xml\n"
            "cibadmin --replace --scope constraints --xml-file /root/constraints.xml\n"
            f"crm_resource --wait --timeout {self.patience}",
            self.patience + 60,
        )

    def joined(self) -> None:
        """Wait until all nodes take part."""
        words = " ".join(sorted(NODES))
        wait(lambda: f"Online: [ {words} ]" in self.lab.run(NODES[0], "crm_mon --one-shot")[1], 120, "a cluster of all nodes")

    def rests(self) -> None:
        """Wait until the cluster has nothing to do."""
        self.lab.asked(NODES[0], f"crm_resource --wait --timeout {self.patience}", self.patience + 60)

    def query(self) -> str:
        """Return the CIB as it is."""
        return self.lab.asked(NODES[0], "cibadmin --query")

    def cib_now(self) -> etree._Element:
        """Return it as an element."""
        return etree.fromstring(self.query().encode())

    def processes(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Return, for each node and each unit or agent of it that runs, the process and the time at which it was started."""
        line = (
            'show() { [ -n "$2" ] && [ "$2" != 0 ] && echo "$1 $2 $(sed \'s/.*) //\' /proc/$2/stat | cut -d\' \' -f20)"; }\n'
            f"for unit in {' '.join(self.units)}; do show $unit $(systemctl show --property MainPID --value $unit); done\n"
            "for file in /run/stand-in/*.pid; do [ ! -e $file ] || show $(basename $file .pid) $(cat $file); done; true"
        )
        return {
            (node, name): (process, started)
            for node in NODES
            for name, process, started in (each.split() for each in self.lab.asked(node, line).splitlines())
        }

    def places(self) -> dict[str, list[str]]:
        """Return, for each node, the virtual IPs on it and the agents that are promoted there."""
        line = (
            "ip -oneline address show dev eth0 | grep -o 'inet [0-9.]*/32' | cut -d' ' -f2; ls /run/stand-in/*.promoted 2>/dev/null; true"
        )
        return {node: sorted(self.lab.asked(node, line).split()) for node in NODES}

    def actions(self) -> list[str]:
        """Return what the agents that stand in for others have done, and the cleanups."""
        line = "cat /var/log/agents.log /var/log/cleanups.log 2>/dev/null; true"
        return [f"{node}: {each}" for node in NODES for each in self.lab.asked(node, line).splitlines()]

    def story(self) -> str:
        """Return how the cluster is, and what happened, for the message of a test that fails; Pacemaker's logs are kept in the folder."""
        for node in NODES:
            (self.lab.folder / f"{node}.log").write_text(self.lab.run(node, "cat /var/log/pacemaker/pacemaker.log")[1])
        steps = self.lab.run(NODES[0], "crm_mon --one-shot --inactive --failcounts; tail -n 5 /root/lwlint-plan/*.log")[1]
        return "\n".join([steps, *self.actions(), f"Pacemaker's logs are in {self.lab.folder}"])

    def states(self, units: Sequence[str]) -> Iterator[tuple[str, str, str, str, str]]:
        """Yield for each node and unit whether it is active and enabled, and its Restart=."""
        line = f"systemctl show --property Id,ActiveState,UnitFileState,Restart {' '.join(units)}"
        for node in NODES:
            for block in self.lab.asked(node, line).strip().split("\n\n"):
                told = dict(each.split("=", 1) for each in block.splitlines())
                yield node, told["Id"], told["ActiveState"], told["UnitFileState"], told["Restart"]
