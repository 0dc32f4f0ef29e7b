"""What the output that stands in for a CIB cannot tell, so that a rule is not evaluated by it."""

from __future__ import annotations

from collections.abc import Iterator

from lwlint.checks.check import Unknown
from lwlint.facts.cib import Cib


def untold(cib: Cib, *what: str) -> Iterator[Unknown]:
    """Yield one reason for all of `what` that the evidence for the cluster does not tell; none for a CIB, which tells everything."""
    missing = [each for each in what if each in cib.cluster.untold]
    if missing:
        yield Unknown(f"`{cib.cluster.weaker}` stands in for the CIB and does not tell {' or '.join(missing)}", cib.cluster.span)
