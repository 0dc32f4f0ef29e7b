"""What Pacemaker refuses in a CIB, as the schema that it names has it."""

from __future__ import annotations

from collections.abc import Iterator

from lwlint.core.check import Check, NoParams, Saw, Unknown, needs
from lwlint.core.facts import Facts
from lwlint.core.finding import Problem
from lwlint.inputs.pacemaker.facts import CibFault, Validation


def _run(facts: Facts, _: NoParams) -> Iterator[Saw]:
    for fault in facts.of(CibFault):
        yield Problem(fault.span, fault.message, f"invalid {fault.name}", host=fault.host)
    for one in facts.of(Validation):
        if one.because:
            yield Unknown(one.because, one.span)


CHECK = Check("cib-not-valid", _run, needs(Validation, "no CIB was given"))
