"""`corosync.conf`: which cluster a host is in, and with which other nodes (corosync.conf(5))."""

from __future__ import annotations

import re

from msgspec import Struct

_OPEN = re.compile(r"^\s*(?P<name>[\w.]+)\s*\{\s*$")
_PAIR = re.compile(r"^\s*(?P<key>\w+)\s*:\s*(?P<value>.*?)\s*$")


class Corosync(Struct, frozen=True):
    """What `corosync.conf` tells of the cluster: its name and uuid (empty if it has none), and the names of its nodes."""

    name: str = ""
    uuid: str = ""
    nodes: tuple[str, ...] = ()


def corosync(text: str) -> Corosync:
    """Return what a `corosync.conf` says; a node without a name goes by its first address."""
    around: list[str] = []
    totem: dict[str, str] = {}
    nodes: list[dict[str, str]] = []
    for line in text.splitlines():
        opened, pair = _OPEN.match(line), _PAIR.match(line)
        if line.lstrip().startswith("#"):
            continue
        if opened:
            around.append(opened["name"])
            if around == ["nodelist", "node"]:
                nodes.append({})
        elif line.strip() == "}":
            del around[-1:]
        elif pair and around == ["totem"]:
            totem[pair["key"]] = pair["value"]
        elif pair and around == ["nodelist", "node"]:
            nodes[-1][pair["key"]] = pair["value"]
    names = (node.get("name") or node.get("ring0_addr") or "" for node in nodes)
    return Corosync(totem.get("cluster_name", ""), totem.get("cluster_uuid", ""), tuple(name for name in names if name))
