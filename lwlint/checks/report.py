"""The general check `report`: facts of a kind are told of, by what their attributes are; and what general checks have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from operator import attrgetter
from typing import Annotated, Any, Literal, Optional, Union

from msgspec import Meta, field
from msgspec.structs import replace

from lwlint.checks.parameters import (
    FactKind,
    FactMessage,
    FactPath,
    HeatWord,
    fact_classes,
    parts_of,
    wrong_place,
    wrong_placeholders,
    wrong_wanted,
)
from lwlint.core.check import Check, Reads, Saw, Unknown, unseen
from lwlint.core.config_reader import Document, Mismatch
from lwlint.core.facts import ANY_INPUT, Fact, Facts, UnusedAllow
from lwlint.core.finding import Problem, Related
from lwlint.core.source import Span, Text
from lwlint.inputs import KINDS

Wanted = Mapping[FactPath, Union[str, bool, tuple[str, ...]]]


def fits(fact: Fact, wanted: Wanted) -> bool:
    """Return whether all attributes of a fact are what is `wanted`."""
    return fitting(wanted)(fact)


def fitting(wanted: Wanted) -> Callable[[Fact], bool]:
    """Return a function that tells whether all attributes of a fact are what is `wanted`, made ready to be asked for many facts."""
    tests = [(attrgetter(path), values if isinstance(values, tuple) else (values,)) for path, values in wanted.items()]

    def fits(fact: Any) -> bool:
        for look_up, values in tests:
            try:
                found = look_up(fact)
            except AttributeError:  # something on the way to it is not there
                found = None
            if found not in values:
                return False
        return True

    return fits


def attribute_of(fact: Any, path: str) -> Any:
    """Return an attribute of a fact (`service.kind`); None where something on the way to it is not there."""
    for name in path.split("."):
        fact = getattr(fact, name, None)
    return fact


NAMES = {"unit": "systemd unit", "resource": "CIB", "cluster": "CIB", "option": "option file", "service_mapping": "Heat environment"}


class Pointer(Document, frozen=True):
    """Another place that a problem shows: an attribute of the fact that is one, or several."""

    at: Annotated[FactPath, Meta(description="the attribute of the fact that is the place")]
    says: Annotated[FactMessage, Meta(description="what is said of the place")]


class Case(Document, frozen=True):
    """What is said of facts that fit `where`. Of several cases the first that fits a fact counts; one that says nothing passes it over."""

    says: Annotated[FactMessage, Meta(description="the message, with attributes of the fact in it (`{name}`); empty: nothing is said")] = ""
    where: Annotated[Wanted, Meta(description="attributes of facts, and what they are; all must fit")] = field(default_factory=dict)
    severity: Annotated[Optional[Literal["error", "warning", "note"]], Meta(description="instead of the rule's severity")] = None
    related: Annotated[tuple[Pointer, ...], Meta(description="other places that are shown with it")] = ()
    unknown: Annotated[bool, Meta(description="it is no problem: it says why such a fact is not judged")] = False


class Doubt(Document, frozen=True):
    """Facts of another kind, for each of which something is not known: those that fit `where`."""

    each: Annotated[FactKind, Meta(description="the kind of fact")]
    where: Annotated[Wanted, Meta(description="attributes of facts, and what they are; all must fit")]
    says: Annotated[FactMessage, Meta(description="why nothing is known, with attributes of the fact in it")]


class Fold(Document, frozen=True):
    """One problem of all in a file that are alike, at the first of them; the others are counted, and some of them shown."""

    related: Annotated[FactMessage, Meta(description="what is said of each other one, with attributes of the fact in it")]
    by: Annotated[tuple[FactPath, ...], Meta(description="attributes in which they are alike, besides file and severity")] = ()


class ReportParams(Document, frozen=True):
    """`each` names the kind of fact; `cases` are what is said of one. `subject` tells what the finding is about, whatever else it says.

    `unless` leaves out facts by their attributes, `unless_like` by globs of them, in any case. One of the kinds that `needs` names (`each`
    itself, if it is empty) must be there, else nothing can be said, as it is `missing`. `unseen` are words of a file whose content is not
    known before Jinja has been rendered: one that has any of them may hold such facts (any file may, if there are none).
    """

    each: Annotated[FactKind, Meta(description="the kind of fact that is told of")]
    cases: Annotated[tuple[Case, ...], Meta(description="what is said of a fact; the first that fits counts", min_length=1)]
    subject: Annotated[
        FactMessage, Meta(description="what a finding is about, with attributes of the fact in it: its fingerprint is made of it")
    ]
    unless: Annotated[Wanted, Meta(description="attributes, and what they are for a fact to be left out; one is enough")] = field(
        default_factory=dict
    )
    unless_like: Annotated[
        Mapping[FactPath, tuple[str, ...]], Meta(description="attributes, and globs of what they are for a fact not to be judged")
    ] = field(default_factory=dict)
    needs: Annotated[tuple[FactKind, ...], Meta(description="kinds of facts, of which one must be there; `each`, if empty")] = ()
    missing: Annotated[str, Meta(description="why nothing can be said where there is none")] = ""
    unseen: Annotated[Optional[tuple[HeatWord, ...]], Meta(description="words of a template with Jinja that may hold such facts")] = None
    doubts: Annotated[tuple[Doubt, ...], Meta(description="facts of other kinds that tell that something is not known")] = ()
    fold: Annotated[Optional[Fold], Meta(description="make one problem of all in a file that are alike")] = None

    def misfits(self) -> Iterator[Mismatch]:
        """Yield attributes that the kind of fact never has, values that they never have, and placeholders for no attribute."""
        known = fact_classes()
        kind = known.get(self.each)
        if kind is None:
            return  # told by the type
        yield from wrong_placeholders(kind, self.subject, ("subject",))
        yield from wrong_wanted(kind, self.unless, ("unless",), empty=True)
        for path in self.unless_like:
            for wrong in wrong_place(kind, path, ("unless_like", path), any_type=True):
                yield Mismatch(wrong.path, str(wrong), key=True)
        if not any(case.says for case in self.cases):
            yield Mismatch(("cases",), "no case has anything in `says`: nothing would be told")
        for i, case in enumerate(self.cases):
            if i and not self.cases[i - 1].where:
                yield Mismatch(("cases", i), "is never reached: every fact fits the case before it, which has no `where`")
            yield from wrong_wanted(kind, case.where, ("cases", i, "where"))
            yield from wrong_placeholders(kind, case.says, ("cases", i, "says"))
            for j, pointer in enumerate(case.related):
                yield from wrong_place(kind, pointer.at, ("cases", i, "related", j, "at"))
                yield from wrong_placeholders(kind, pointer.says, ("cases", i, "related", j, "says"))
        for i, doubt in enumerate(self.doubts):
            if doubt.each in known:
                yield from wrong_wanted(known[doubt.each], doubt.where, ("doubts", i, "where"))
                yield from wrong_placeholders(known[doubt.each], doubt.says, ("doubts", i, "says"))
        if self.fold is not None:
            for i, path in enumerate(self.fold.by):
                yield from wrong_place(kind, path, ("fold", "by", i), any_type=True)
            yield from wrong_placeholders(kind, self.fold.related, ("fold", "related"))


_MOST_RELATED = 3  # other places that are shown with the first of many


def _run_report(facts: Facts, params: ReportParams) -> Iterator[Saw]:
    if params.unseen is not None:
        yield from unseen(facts, *params.unseen)
    folded: dict[tuple[object, ...], list[tuple[Fact, Problem]]] = {}
    cases = [(fitting(case.where), case) for case in params.cases]
    left_out = [fitting({path: value}) for path, value in params.unless.items()]
    for fact in facts.called(params.each):
        case = _first(cases, fact)
        if case is None or not case.says or any(fits_it(fact) for fits_it in left_out) or _is_like(fact, params.unless_like):
            continue
        said = _fill(case.says, fact)
        if case.unknown:
            yield Unknown(said, fact.span)
            continue
        related = tuple(Related(span, _fill(pointer.says, fact)) for pointer in case.related for span in _spans(fact, pointer.at))
        problem = Problem(fact.span, said, _fill(params.subject, fact), related, case.severity, host=fact.host)
        if params.fold is None:
            yield problem
            continue
        key = (fact.span.path, case.severity, *(attribute_of(fact, path) for path in params.fold.by))
        folded.setdefault(key, []).append((fact, problem))
    for alike in folded.values():
        yield _fold(alike, params.fold)
    for doubt in params.doubts:
        yield from (Unknown(_fill(doubt.says, fact), fact.span) for fact in facts.called(doubt.each) if fits(fact, doubt.where))


def _first(cases: list[tuple[Callable[[Fact], bool], Case]], fact: Fact) -> Case | None:
    for fits_case, case in cases:
        if fits_case(fact):
            return case
    return None


def _is_like(fact: Fact, globs: Mapping[str, tuple[str, ...]]) -> bool:
    return any(fnmatchcase(str(attribute_of(fact, path)).lower(), glob.lower()) for path, each in globs.items() for glob in each)


def _fill(template: str, fact: Fact) -> str:
    """Return a message with the attributes of the fact in the place of its placeholders."""
    return "".join(text + (str(attribute_of(fact, name)) if name else "") for text, name in parts_of(template))


def _spans(fact: Fact, path: str) -> list[Span]:
    """Return the places that an attribute of a fact is: none, one, or several."""
    found = attribute_of(fact, path)
    if found is None or isinstance(found, (Span, Text)):
        found = () if found is None else (found,)
    return [one if isinstance(one, Span) else one.span for one in found]


def _fold(alike: list[tuple[Fact, Problem]], fold: Fold | None) -> Problem:
    (_, first), *more = sorted(alike, key=lambda pair: pair[1].span)
    said = fold.related if fold is not None else ""
    related = tuple(Related(fact.span, _fill(said, fact)) for fact, _ in more[:_MOST_RELATED])
    count = f" ({len(more)} more in this file)" if more else ""
    return replace(first, message=first.message + count, related=(*first.related, *related))


def _report_evidence(facts: Facts, params: ReportParams) -> str | None:
    wanted = params.needs or (() if params.each in _OF_ANY else (params.each,))
    if not wanted or any(facts.called(each) for each in {*wanted, params.each}):
        return None
    if params.unseen is not None:
        hidden = next((unknown for unknown in unseen(facts) if unknown.span is not None), None)
        if hidden is not None and hidden.span is not None:
            return f"{hidden.because} in `{hidden.span.path}`"
    return params.missing or f"no {NAMES.get(wanted[0], wanted[0].replace('_', ' '))} was given"


_OF_ANY = tuple(each.kind for each in ANY_INPUT)


def reads_of(each: str) -> Reads:
    """Return what a check reads that is about the facts called so."""
    kind = KINDS.that_gives(each)
    return Reads((kind.name,)) if kind is not None else Reads(of="allows" if each in _ALLOWS else "run")


_ALLOWS = (UnusedAllow.kind,)


def _reads_report(params: ReportParams) -> Reads:
    found = reads_of(params.each)
    on_hosts = all(KINDS[name].on_hosts for name in found.kinds)
    return Reads(found.kinds, found.of, () if on_hosts or not params.missing else (params.missing,))


CHECKS = (Check("report", _run_report, _report_evidence, ReportParams, _reads_report),)
