"""Texts of `pcs config` -> the facts of the cluster, where there is no CIB to read them from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lwlint.assemble.cibs import element_facts
from lwlint.catalogue import Catalogue
from lwlint.facts import Fact
from lwlint.facts.input import Unreadable
from lwlint.facts.pacemaker import Cluster
from lwlint.parse.pcs_config import read_pcs_config
from lwlint.record import replace
from lwlint.source import Source

PCS_CONFIG = "pcs config"


def pcs_config_facts(sources: Iterable[Source], catalogue: Catalogue) -> Iterator[Fact]:
    """Yield what each text says, as `cib_facts` does of a CIB; the cluster is marked as known from weaker evidence.

    A text that is cut off gives an `Unreadable`, and so does a line of it that no known version prints.
    """
    for source in sources:
        found = read_pcs_config(source)
        if isinstance(found, Unreadable):
            yield found
            continue
        for fact in element_facts(source, found.root, catalogue):
            yield replace(fact, weaker=PCS_CONFIG, untold=found.untold) if isinstance(fact, Cluster) else fact
        for line in found.odd:
            message = "`pcs config`: this line is of no form that is known, so that what it says is not judged"
            yield Unreadable(source.path, line.span, message, source.host, fatal=False)
