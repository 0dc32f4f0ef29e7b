"""Where bundles and the core may run: ports that two want on one node, and services that no rule keeps on the nodes of their role."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated

from msgspec import Meta

from lwlint.checks.pacemaker_fixes import pcs, untold
from lwlint.checks.parameters import KnownRelease, ServiceKind
from lwlint.core.check import Check, NoParams, Saw, Unknown, needs
from lwlint.core.config_reader import Document
from lwlint.core.facts import Facts
from lwlint.core.finding import Problem, Related
from lwlint.inputs.pacemaker.facts import (
    BUNDLE,
    CONSTRAINTS,
    LOCATION,
    LOCATION_SETS,
    TEMPLATES,
    Cluster,
    Expression,
    Node,
    Resource,
    Rule,
    boolean,
)
from lwlint.inputs.pacemaker.model import MARKS, Cib, Colocations, barred, cibs, running_nodes

_PORT = "3121"  # pacemaker_remote's, in a bundle and on a remote node, where nothing else is said
_ROLE = {"vip": "haproxy-role"}  # the mark of the nodes of a service, where it is not called after it
_HOST = ("host", "--net=host", "--network=host")


def _run_ports(facts: Facts, _: NoParams) -> Iterator[Saw]:
    for cib in cibs(facts):
        ports: dict[str, list[Resource]] = {}
        for bundle in cib.resources.values():
            port = _control_port(bundle)
            if port:
                ports.setdefault(port, []).append(bundle)
        away = barred(cib) if ports else {}
        for port, bundles in ports.items():
            for first, other in pairwise(bundles):
                message = f"bundle `{other.name}`: its control port is {port}, as that of `{first.name}`; both cannot run on one node"
                yield _problem(other, f"{message}, and each must have one of its own", Related(first.span, "the other bundle"))
        remotes = [leaf for leaf in cib.leaves() if leaf.agent == "ocf:pacemaker:remote"]
        for bundle in ports.get(_PORT, ()):
            there = next((remote for remote in remotes if remote.name not in away.get(bundle.name, {})), None)
            if there is not None:
                message = f"bundle `{bundle.name}`: its control port is {_PORT}, on which pacemaker_remote listens on `{there.name}`"
                yield _problem(bundle, f"{message}; it must have one of its own", Related(there.span, "the remote node"))


def _control_port(bundle: Resource) -> str:
    """Return the port by which Pacemaker reaches into a bundle; empty for one that holds no resource, or has a network of its own."""
    box = bundle.container
    if bundle.form != BUNDLE or box is None or not bundle.children or "ip-range-start" in box.network:
        return ""
    words = [text.value for name in ("network", "options") if (text := box.settings.get(name)) is not None]
    on_host = any(word in _HOST for value in words for word in value.split())
    given = box.network.get("control-port")
    return (given.value if given is not None else _PORT) if on_host else ""


def _problem(bundle: Resource, message: str, related: Related) -> Problem:
    box = bundle.container
    given = box.network.get("control-port") if box is not None else None
    span = given.span if given is not None else bundle.span
    return Problem(span, message, f"resource {bundle.name}", (related,), host=bundle.host)


class Params(Document, frozen=True):
    """Of the services of these kinds each must be kept on the nodes of its role, where the cluster keeps others so, `since` a release.

    That it is not is a defect only where a node that runs resources is not of its role.
    """

    kinds: Annotated[tuple[ServiceKind, ...], Meta(description="the kinds of services that are judged")]
    since: Annotated[KnownRelease, Meta(description="the first release of which it is asked; empty: of all")] = ""


def _run_anywhere(facts: Facts, params: Params) -> Iterator[Saw]:
    for cib in cibs(facts):
        unknown = next(untold(cib, CONSTRAINTS, LOCATION_SETS, TEMPLATES), None)
        if unknown is not None:
            yield unknown
            continue
        if facts.release.name is not None and params.since and not facts.release.at_least(params.since):
            continue
        ruled = _ruled(cib)
        tops = {leaf.top: leaf for leaf in cib.leaves() if (service := cib.service(leaf)) is not None and service.kind in params.kinds}
        kept = [top for top in tops if top in ruled]
        if not kept or not any(ruled[top] for top in kept):
            continue
        graph = Colocations(cib)
        for top, leaf in tops.items():
            if top in ruled or any(cib.resources[name].top in ruled for name in graph.needed(leaf.name)):
                continue
            service = cib.service(leaf)
            mark = _ROLE.get(service.name, f"{service.name.replace('_', '-')}-role") if service is not None else ""
            marked = [node.name for node in running_nodes(cib) if _has(node, mark)]
            if not marked:
                yield Unknown(f"no node is marked with `{mark}`, so where `{top}` belongs is not known", cib.resources[top].span)
                continue
            strange = next((node.name for node in running_nodes(cib) if node.name not in marked), None)
            if strange is not None:
                yield _anywhere(cib, top, mark, strange, kept[0])


def _ruled(cib: Cib) -> dict[str, str]:
    """Return the outermost resources on which there is any location constraint, and the mark of nodes by which it is; empty for none."""
    found: dict[str, str] = {}
    for constraint in cib.constraints:
        if (
            constraint.type == LOCATION
            and constraint.active
            and not constraint.name.startswith(("cli-ban-", "cli-prefer-", "cli-standby-"))
        ):
            mark = next((name for rule in constraint.rules for name in _marks(rule)), "")
            for member in constraint.members:
                for name in member.resources:
                    top = cib.resources[name].top
                    found[top] = found.get(top, "") or mark
    return found


def _marks(rule: Rule) -> Iterator[str]:
    for each in rule.expressions:
        if isinstance(each, Rule):
            yield from _marks(each)
        elif isinstance(each, Expression) and each.attribute in MARKS:
            yield each.attribute


def _has(node: Node, mark: str) -> bool:
    value = node.attributes.get(mark)
    return value is not None and boolean(value.value) is True


def _anywhere(cib: Cib, top: str, mark: str, strange: str, other: str) -> Problem:
    resource = cib.resources[top]
    message = f"resource `{top}`: it may run on `{strange}`, which is not of its role (`{mark}`), for no location constraint keeps it away"
    return Problem(
        span=resource.span,
        message=f"{message}; there must be one, as for `{other}`",
        subject=f"resource {top}",
        related=(Related(cib.resources[other].span, "is kept on its nodes"),),
        host=resource.host,
        commands=(pcs("constraint", "location", top, "rule", "resource-discovery=exclusive", "score=0", mark, "eq", "true"),),
    )


CHECKS = (
    Check("cluster-ports", _run_ports, needs(Cluster, "no CIB was given"), NoParams),
    Check("cluster-anywhere", _run_anywhere, needs(Cluster, "no CIB was given"), Params),
)
