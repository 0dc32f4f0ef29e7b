"""`crm_mon --output-as=xml` (or `--as-xml`) -> where each resource is. Pacemaker 1.1 to 2.1."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lwlint.facts.input import Unreadable
from lwlint.parse.cib import Element, read_xml
from lwlint.parse.cluster_status import ENGINES, MOVING, ROLES, Shown, without_number
from lwlint.source import Source

_PENDING = re.compile(rf"({MOVING})$")


def read_crm_mon(source: Source) -> Element | Unreadable:
    """Return the root element of the status, or what is wrong with the text."""
    root = read_xml(source)
    if isinstance(root, Element) and root.tag not in ("crm_mon", "pacemaker-result"):
        return Unreadable(source.path, root.span(), f"`crm_mon`: the root is `<{root.tag}>`, so that it is no status", source.host)
    return root


def shown_in_xml(root: Element) -> Iterator[Shown]:
    """Yield each resource of the status; of a bundle, its containers."""
    for section in root.all("resources"):
        for child in section.children:
            yield from _shown(child, child.get("id") or "")


def _shown(element: Element, top: str) -> Iterator[Shown]:
    if element.tag == "bundle":
        image = element.get("image")
        for replica in element.all("replica"):
            for each in replica.all("resource"):
                if (each.get("resource_agent") or "").rpartition(":")[2] in ENGINES:
                    yield from _resource(each, top, top, image)
    elif element.tag in ("clone", "group"):
        for child in element.children:
            yield from _shown(child, top)
    elif element.tag == "resource" and element.get("id"):
        yield from _resource(element, without_number(top), None, None)


def _resource(element: Element, top: str, bundle: str | None, image: str | None) -> Iterator[Shown]:
    name = element.text("id")
    if name is None:
        return
    pending = _PENDING.match(element.get("pending") or "")
    role = pending.group(1) if pending is not None else element.get("role") or "Stopped"
    nodes = tuple(text for node in element.all("node") if (text := node.text("name")) is not None)
    yield Shown(
        name=name._replace(value=bundle or without_number(name.value)),
        top=top,
        role=ROLES.get(role, role),
        nodes=() if role == "Stopped" else nodes,
        agent=(element.get("resource_agent") or "").replace("::", ":") or None,
        failed=element.get("failed") == "true",
        bundle=bundle is not None,
        image=image,
    )
