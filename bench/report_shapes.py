"""The shapes of what else a report or a tree holds (texts of pcs and crmsh, status, hieradata, quadlets), and of the operator's tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.shape import GALERA, PRIMITIVE, REPORT, TOP, Member, Shape, archive, cib, each, file, lines, many, report_with


def _cloud(*more: Callable[[int], Iterator[Member]], tool: str = "audit") -> Callable[[Path, int], list[str]]:
    """Return what writes a report of many units and resources, or other things, and has a tool read it."""

    def members(size: int) -> Iterator[Member]:
        yield from REPORT
        for kind in more:
            yield from kind(size)

    make = archive(members)
    return lambda folder, size: [tool, *make(folder, size)[1:]]


def _units(size: int) -> Iterator[Member]:
    yield from ((f"{TOP}etc/systemd/system/openstack-nova-api{i}.service", "[Service]\nExecStart=/x\n", False) for i in range(size))


def _resources(size: int) -> Iterator[Member]:
    text = cib(GALERA + each('<primitive id="r@" class="systemd" type="openstack-nova-api@"/>', size))
    yield f"{TOP}var/lib/pacemaker/cib/cib.xml", text, False


def _containers(size: int) -> Iterator[Member]:
    made = ({"Name": f"nova_api{i}", "Config": {"Cmd": ["x"], "Image": "nova-api"}, "State": {"Running": True}} for i in range(size))
    yield f"{TOP}sos_commands/podman/podman_inspect_nova_api", json.dumps(list(made)), False


def _listed(size: int) -> Iterator[Member]:
    text = each("openstack-nova-api@.service loaded active running x\n", size)
    yield f"{TOP}sos_commands/systemd/systemctl_list-units", f"UNIT LOAD ACTIVE SUB DESCRIPTION\n{text}", False


def _shown(size: int) -> Iterator[Member]:
    yield f"{TOP}sos_commands/pacemaker/pcs_status", _STATUS + each(" r@\t(systemd:openstack-nova-api@):\tStarted c0\n", size), False


def _options(size: int) -> Iterator[Member]:
    yield from ((f"{TOP}etc/nova/nova.conf.d/{i}.conf", f"[database]\nmax_retries = {i}\n", False) for i in range(size))


def _tool(command: str, *options: str, constraint: str = "") -> Callable[[Path, int], list[str]]:
    """Return what has a tool read one CIB with as many resources, each in a constraint."""
    make = file("cib.xml", lambda n: cib(GALERA + each(PRIMITIVE, n), each(constraint, n)))

    def asked(folder: Path, size: int) -> list[str]:
        make(folder, size)
        return [command, *options, "cib.xml"]

    return asked


def _baseline(folder: Path, size: int) -> list[str]:
    many("openstack-s@.service", "[Service]\nExecStart=/x\n")(folder, 1)
    entry = {"code": "LW201", "path": "a.service", "context": "", "message": "a"}
    recorded = [{"lwlint baseline": 1}, *({**entry, "subject": f"unit {i}"} for i in range(size))]
    (folder / "baseline.txt").write_text("".join(json.dumps(each) + "\n" for each in recorded), "utf-8")
    return ["check", "--no-cache", "--baseline", "baseline.txt", "."]


_PCS = "Cluster Name: c\nCorosync Nodes:\n c0\nPacemaker Nodes:\n c0\n\nResources:\n"
_PCS_RESOURCE = (
    " Resource: openstack-r@ (class=systemd type=openstack-nova-api)\n"
    "  Operations: monitor interval=60s (openstack-r@-monitor-interval-60s)\n"
)
_PCS_END = "\nStonith Devices:\nFencing Levels:\n\nLocation Constraints:\nOrdering Constraints:\n"
_STATUS = (
    "Cluster name: c\nStack: corosync\nCurrent DC: c0 (version 1.1.15) - partition with quorum\n\n"
    "Online: [ c0 ]\n\nFull list of resources:\n\n"
)
_CRM = "node 1: c0\nprimitive galera galera\n"
_ORDER = '<rsc_order id="o@" first="openstack-r@" then="galera"/>'
_ROLES = "- name: Controller\n  CountDefault: 1\n  ServicesDefault:\n"

SHAPES = (
    Shape("pcs text: resources", 8_000, report_with("sos_commands/pacemaker/pcs_config", lines(_PCS, _PCS_RESOURCE, _PCS_END))),
    Shape(
        "pcs text: orders",
        8_000,
        report_with(
            "sos_commands/pacemaker/pcs_config",
            lambda n: _PCS + _PCS_RESOURCE + _PCS_END + each("  start openstack-r@ then start galera (kind:Mandatory)\n", n),
        ),
    ),
    Shape(
        "pcs text: one line", 400_000, report_with("sos_commands/pacemaker/pcs_config", lambda n: _PCS + " Resource: " + "a (" * (n // 3))
    ),
    Shape(
        "crm text: primitives",
        8_000,
        report_with("sos_commands/pacemaker/crm_configure_show", lines(_CRM, "primitive r@ systemd:openstack-nova-api\n")),
    ),
    Shape(
        "crm text: orders",
        8_000,
        report_with(
            "sos_commands/pacemaker/crm_configure_show", lines(_CRM + "primitive r systemd:openstack-nova-api\n", "order o@ r galera\n")
        ),
    ),
    Shape(
        "crm text: one line that goes on",
        40_000,
        report_with(
            "sos_commands/pacemaker/crm_configure_show", lines(_CRM + "primitive r systemd:openstack-nova-api params", " \\\n a@=1", "\n")
        ),
    ),
    Shape(
        "status: resources",
        8_000,
        report_with("sos_commands/pacemaker/pcs_status", lines(_STATUS, " openstack-r@\t(systemd:openstack-nova-api):\tStarted c0\n")),
    ),
    Shape(
        "status: nodes",
        40_000,
        report_with(
            "sos_commands/pacemaker/pcs_status", lambda n: _STATUS + " Clone Set: h-clone [h]\n     Started: [" + each(" c@", n) + " ]\n"
        ),
    ),
    Shape("hieradata: YAML", 20_000, report_with("etc/puppet/hieradata/a.yaml", lines("", "nova::a@: 1\n"))),
    Shape(
        "hieradata: JSON", 20_000, report_with("etc/puppet/hieradata/a.json", lambda n: json.dumps({f"nova::a{i}": i for i in range(n)}))
    ),
    Shape("hieradata: depth", 40_000, report_with("etc/puppet/hieradata/a.json", lambda n: '{"a": ' + "[" * n + "]" * n + "}")),
    Shape("packages", 20_000, report_with("installed-rpms", lines("", "openstack-a@-13.0.0-1.el7.noarch   Tue Mar  5 10:22:51 2019\n"))),
    Shape(
        "systemctl show: units",
        8_000,
        report_with(
            "sos_commands/systemd/systemctl_show_service_--all", lines("", "Id=openstack-a@.service\nRestart=no\nActiveState=active\n\n")
        ),
    ),
    Shape("quadlets", 2_000, many("etc/containers/systemd/nova_api@.container", "[Container]\nImage=nova-api\n[Service]\nRestart=no\n")),
    Shape(
        "quadlet: settings",
        40_000,
        file("etc/containers/systemd/nova_api.container", lines("[Container]\nImage=nova-api\n", "Environment=A@=1\n")),
    ),
    Shape("roles: services of one", 20_000, file("roles_data.yaml", lines(_ROLES, "    - OS::TripleO::Services::S@\n"))),
    Shape(
        "roles",
        4_000,
        file("roles_data.yaml", lambda n: each(_ROLES.replace("Controller", "Role@") + "    - OS::TripleO::Services::NovaApi\n", n)),
    ),
    Shape("baseline: entries", 20_000, _baseline),
    Shape("report: units and resources", 2_000, _cloud(_units, _resources, _listed)),
    Shape("report: containers and resources", 2_000, _cloud(_containers, _resources)),
    Shape("report: containers and units", 2_000, _cloud(_containers, _units)),
    Shape("report: resources and their status", 2_000, _cloud(_resources, _shown)),
    Shape("report: units and option files", 1_000, _cloud(_units, _options)),
    Shape("services: units and resources", 2_000, _cloud(_units, _resources, _listed, _shown, tool="services")),
    Shape("services: units and containers", 2_000, _cloud(_units, _containers, tool="services")),
    Shape("services: units and option files", 1_000, _cloud(_units, _options, tool="services")),
    Shape("plan: resources", 500, _tool("plan")),
    Shape("plan: resources with orders, script", 500, _tool("plan", "--format", "sh", constraint=_ORDER)),
    Shape("services: resources", 4_000, _tool("services")),
    Shape("describe: resources with orders", 1_000, _tool("describe", constraint=_ORDER)),
    Shape("graph: resources with orders", 1_000, _tool("graph", constraint=_ORDER)),
    Shape("graph: resources with orders, Mermaid", 4_000, _tool("graph", "--format", "mermaid", constraint=_ORDER)),
    Shape("audit, HTML: resources with orders", 1_000, _tool("audit", "--format", "html", constraint=_ORDER)),
)
