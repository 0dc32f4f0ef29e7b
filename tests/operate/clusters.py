"""Small clusters for the tests of the operator's tools: a CIB written by hand, and the same after a cold start by Pacemaker itself."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import pytest

NODES = ("one", "two", "three")


def pacemaker_is_here() -> None:
    """Skip the test, saying so, where Pacemaker's programs are not installed."""
    missing = [tool for tool in ("crm_simulate", "crm_diff", "crm_verify", "cibadmin") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"NOT COMPARED WITH PACEMAKER: {', '.join(missing)} not installed (Debian: pacemaker-cli-utils)")


def nvpairs(owner: str, tag: str, values: dict[str, str]) -> str:
    """Return an element `tag` of `owner` with these pairs; empty without any."""
    pairs = "".join(f'<nvpair id="{owner}-{tag}-{name}" name="{name}" value="{value}"/>' for name, value in values.items())
    return f'<{tag} id="{owner}-{tag}">{pairs}</{tag}>' if pairs else ""


def service(name: str, type: str = "", **meta: str) -> str:
    """Return a primitive that systemd's unit `type` (or `name`) is started by."""
    monitor = f'<operations><op id="{name}-monitor" name="monitor" interval="60"/></operations>'
    return f'<primitive id="{name}" class="systemd" type="{type or name}">{nvpairs(name, "meta_attributes", meta)}{monitor}</primitive>'


def clone(inner: str, name: str = "", **meta: str) -> str:
    """Return a clone of the primitive or group `inner`."""
    inner_id = inner.split('id="', 1)[1].split('"', 1)[0]
    name = name or f"{inner_id}-clone"
    return f'<clone id="{name}">{nvpairs(name, "meta_attributes", meta)}{inner}</clone>'


def address(ip: str) -> str:
    """Return a virtual IP."""
    return (
        f'<primitive id="ip-{ip}" class="ocf" provider="heartbeat" type="IPaddr2">{nvpairs(f"ip-{ip}", "instance_attributes", {"ip": ip})}'
        f'<operations><op id="ip-{ip}-monitor" name="monitor" interval="10"/></operations></primitive>'
    )


def order(first: str, then: str, kind: str = "Mandatory", **more: str) -> str:
    """Return an order of two resources."""
    words = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<rsc_order id="order-{first}-{then}" first="{first}" then="{then}" kind="{kind}"{words}/>'


def together(rsc: str, other: str, score: str = "INFINITY") -> str:
    """Return a colocation of a resource with another."""
    return f'<rsc_colocation id="colocation-{rsc}-{other}" rsc="{rsc}" with-rsc="{other}" score="{score}"/>'


def cib(
    resources: Sequence[str],
    constraints: Sequence[str] = (),
    *,
    nodes: Sequence[str] = NODES,
    properties: dict[str, str] | None = None,
    defaults: dict[str, str] | None = None,
    more: str = "",
) -> str:
    """Return a CIB without a status; fencing is off, and resource-stickiness INFINITY, unless these say otherwise."""
    found = {"stonith-enabled": "false", "cluster-name": "cloud", **(properties or {})}
    default = {"resource-stickiness": "INFINITY"} if defaults is None else defaults
    members = "".join(f'<node id="{number}" uname="{name}"/>' for number, name in enumerate(nodes, 1))
    return (
        '<cib crm_feature_set="3.0.10" validate-with="pacemaker-2.3" epoch="5" num_updates="0" admin_epoch="0" have-quorum="1">'
        f"<configuration><crm_config>{nvpairs('cib-bootstrap', 'cluster_property_set', found)}</crm_config><nodes>{members}</nodes>"
        f"<resources>{''.join(resources)}</resources><constraints>{''.join(constraints)}</constraints>"
        + (f"<rsc_defaults>{nvpairs('rsc', 'meta_attributes', default)}</rsc_defaults>" if default else "")
        + f"{more}</configuration><status/></cib>"
    )
