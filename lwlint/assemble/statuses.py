"""The status of a cluster, as text or XML -> facts of where its resources run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lwlint.catalogue import Catalogue
from lwlint.facts import Fact
from lwlint.facts.input import Unreadable
from lwlint.facts.pacemaker import BUNDLE, PRIMITIVE
from lwlint.facts.status import ClusterStatus, ResourceStatus
from lwlint.parse.cluster_status import Shown, is_status, shown_resources
from lwlint.parse.crm_mon import read_crm_mon, shown_in_xml
from lwlint.source import Source


def is_xml(text: str) -> bool:
    """Return whether a text is XML of `crm_mon`."""
    return "<crm_mon" in text or "<pacemaker-result" in text


def status_facts(sources: Iterable[Source], catalogue: Catalogue) -> Iterator[Fact]:
    """Yield each status, then what it shows of each resource. XML that is broken gives an `Unreadable`; no status gives nothing."""
    for source in sources:
        if is_xml(source.text):
            root = read_crm_mon(source)
            if isinstance(root, Unreadable):
                yield root
                continue
            yield ClusterStatus("crm_mon", root.span(), source.host)
            shown = shown_in_xml(root)
        elif is_status(source.text):
            called = "pcs status" if "pcs_status" in source.path else "crm_mon"
            yield ClusterStatus(called, source.span(0, 0), source.host)
            shown = shown_resources(source)
        else:
            continue
        for one in shown:
            yield _fact(one, source.host, catalogue)


def _fact(one: Shown, host: str, catalogue: Catalogue) -> ResourceStatus:
    if one.bundle:
        service = catalogue.of_resource(None, one.name.value, BUNDLE, one.image)
    else:
        service = catalogue.of_resource(one.agent, one.name.value, PRIMITIVE)
    return ResourceStatus(
        name=one.name.value,
        span=one.name.span,
        top=one.top,
        role=one.role,
        nodes=one.nodes,
        agent=one.agent,
        failed=one.failed,
        host=host,
        service=service,
    )
