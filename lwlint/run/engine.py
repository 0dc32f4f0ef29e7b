"""Facts + rules -> findings and verdicts. A check that raises is `broken`; the rest run.

In a process that judges one folder again and again, as an editor's does, what a rule said is used again as long as all that was asked
for it is answered as it was. Whatever a result follows from is asked for by a question, and the answers are kept with it; so it is told by
construction what an edit can change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from msgspec import Struct

from lwlint.core.check import Unknown
from lwlint.core.facts import F, Fact, Facts
from lwlint.core.finding import BROKEN, FAIL, NOT_EVALUATED, PASS, Command, Finding, Problem, Related, Verdict
from lwlint.core.secret import without
from lwlint.core.source import Source, Span
from lwlint.files.cache import sha256
from lwlint.inputs import KINDS
from lwlint.policy.redaction import Redaction
from lwlint.policy.rules import Rule

T = TypeVar("T")
Ask = Callable[[Hashable], Any]


class Costs:
    """The seconds that each part of a run took by `clock`, by (`reader` or `rule`, name); without a clock nothing is measured."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock
        self.spent: dict[tuple[str, str], float] = {}

    @property
    def measured(self) -> bool:
        """Whether anybody asks for them."""
        return self._clock is not None

    @contextmanager
    def of(self, part: str, name: str) -> Iterator[None]:
        """Add what happens inside to the costs of `name`."""
        if self._clock is None:
            yield
            return
        start = self._clock()
        try:
            yield
        finally:
            self.spent[part, name] = self.spent.get((part, name), 0.0) + self._clock() - start

    def each(self, part: str, name: str, items: Iterable[T]) -> Iterable[T]:
        """Return `items`; what it takes to make them, and not what is done with them, is added to the costs of `name`."""
        return items if self._clock is None else self._each(part, name, iter(items))

    def _each(self, part: str, name: str, items: Iterator[T]) -> Iterator[T]:
        while True:
            with self.of(part, name):
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item


class Kept:
    """Results of the last run and of this one, each with the questions that were asked for it and their answers."""

    def __init__(self) -> None:
        self._before: dict[Hashable, tuple[Any, dict[Hashable, Any]]] = {}
        self._now: dict[Hashable, tuple[Any, dict[Hashable, Any]]] = {}
        self._values: dict[Hashable, Any] = {}

    def begin(self) -> None:
        """Begin a run: what the last one did not use is forgotten."""
        self._before, self._now = self._now, {}

    def result(self, key: Hashable, ask: Ask, make: Callable[[Ask], T]) -> T:
        """Return what `make` makes of the answers that it is given; what the last run made, if `ask` answers as it did then."""
        known = self._before.get(key)
        if known is None or any(not _same(ask(question), answer) for question, answer in known[1].items()):
            answers: dict[Hashable, Any] = {}

            def noted(question: Hashable) -> Any:
                if question not in answers:
                    answers[question] = ask(question)
                return answers[question]

            known = make(noted), answers
        self._now[key] = known
        result: T = known[0]
        return result

    def steady(self, key: Hashable, value: T) -> T:
        """Return the value that was given for the key before, if this one is equal to it."""
        before = self._values.get(key)
        if before is not None and _same(before, value):
            known: T = before
            return known
        self._values[key] = value
        return value


def _same(one: Any, other: Any) -> bool:
    return one is other or bool(one == other)


class Memory:
    """All that is kept between the runs of one process on one folder.

    `taken` is what became of the bytes of a file, `rules` what each rule said.
    """

    def __init__(self) -> None:
        self.taken: dict[Hashable, Any] = {}
        self.rules = Kept()

    def begin(self) -> None:
        """Begin a run."""
        self.rules.begin()


class Answer(Struct, frozen=True):
    """What one run of the rules came to."""

    findings: tuple[Finding, ...]
    verdicts: tuple[Verdict, ...]
    tracebacks: tuple[str, ...]


def evaluate(
    facts: Facts, rules: Sequence[Rule], sources: Mapping[str, Source], costs: Costs | None = None, kept: Kept | None = None
) -> Answer:
    """Return what the `rules` say of the `facts`: findings sorted by place, a verdict for every rule.

    A finding in a source that is not judged (read as context only) is left out. What each rule takes is added to `costs`. With `kept` a
    rule runs only if facts that it asked for, or sources that it spoke of, are other ones than in the run before.
    """
    costs = costs or Costs()
    redaction = Redaction(sources)
    findings: list[Finding] = []
    verdicts, tracebacks = [], []
    given = KINDS.list_given_by(sources.values())
    seen = _Seen(facts, sources, redaction)
    for rule in rules:
        missing = KINDS.missing(rule.declared.reads.kinds, given)
        if missing:
            verdicts.append(Verdict(rule.id, rule.code, NOT_EVALUATED, missing))
            continue
        try:
            with costs.of("rule", f"{rule.code} {rule.id}"):
                found, verdict = seen.by(rule, kept)
        except Exception:
            import traceback

            known = {secret for path in sources for secret in redaction.find_known(path)}
            trace = without(traceback.format_exc(), known)
            tracebacks.append(f"{rule.code} {rule.id}: {trace}")
            found, verdict = [], Verdict(rule.id, rule.code, BROKEN, trace.strip().splitlines()[-1])
        findings += found
        verdicts.append(verdict)
    findings.sort(key=lambda f: (f.span, f.code, f.message))
    return Answer(tuple(findings), tuple(verdicts), tuple(tracebacks))


Said = tuple[Sequence[Finding], Verdict]


class _Seen:
    """What rules are given to see: facts, and the sources that they are of."""

    def __init__(self, facts: Facts, sources: Mapping[str, Source], redaction: Redaction) -> None:
        self._facts = facts
        self._sources = sources
        self._redaction = redaction
        self._judged = any(source.judged for source in sources.values())

    def by(self, rule: Rule, kept: Kept | None) -> Said:
        """Return what a rule says, or what it said when it was asked the same before."""
        if kept is None:
            return _run(rule, self._facts, self._sources, self._redaction, self._judged)

        def ask(question: Any) -> Any:
            what, of = question
            if what == "source":
                return self._sources.get(of)
            if what == "run":
                return rule, self._facts.release, self._facts.services, self._judged, self._redaction.find_hidden_names()
            found = list(self._facts) if what == "all" else self._facts.of(of) if what == "of" else self._facts.called(of)
            return kept.steady(question, found)

        def make(noted: Ask) -> Said:
            noted(("run", None))
            return _run(rule, _Asked(self._facts, noted), _Told(self._sources, noted), self._redaction, self._judged)

        return kept.result(rule.id, ask, make)


class _Asked(Facts):
    """The facts of a run, of which it is noted what is asked for."""

    def __init__(self, facts: Facts, ask: Ask) -> None:
        super().__init__(release=facts.release, services=facts.services)
        self._ask = ask

    def of(self, kind: type[F]) -> list[F]:
        found: list[F] = self._ask(("of", kind))
        return found

    def called(self, kind: str) -> list[Fact]:
        found: list[Fact] = self._ask(("called", kind))
        return found

    def __iter__(self) -> Iterator[Fact]:
        return iter(self._ask(("all", None)))


class _Told(Mapping[str, Source]):
    """The sources of a run, of which it is noted what is asked for. What is said of several shows nothing that depends on any other."""

    def __init__(self, sources: Mapping[str, Source], ask: Ask) -> None:
        self._sources = sources
        self._ask = ask

    def __getitem__(self, path: str) -> Source:
        found: Source | None = self._ask(("source", path))
        if found is None:
            raise KeyError(path)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


def _run(rule: Rule, facts: Facts, sources: Mapping[str, Source], redaction: Redaction, judged: bool) -> Said:
    missing = rule.bound.evidence(facts, rule.parameters)
    if missing is not None:
        return [], Verdict(rule.id, rule.code, NOT_EVALUATED, missing)
    seen: set[tuple[Span, str]] = set()
    findings: list[Finding] = []
    texts: dict[str, str] = {}
    unknown: list[Unknown] = []
    for saw in rule.bound.run(facts, rule.parameters):
        if isinstance(saw, Unknown):
            unknown.append(saw)
        elif saw.span.path not in sources or sources[saw.span.path].judged:
            message = texts.setdefault(saw.message, saw.message)
            if (saw.span, message) not in seen:
                seen.add((saw.span, message))
                findings.append(finding(rule, saw, sources, redaction, texts))
    because = _because(unknown, sources, redaction)
    if findings:
        return findings, Verdict(rule.id, rule.code, FAIL, because)
    if not unknown and not judged:
        return [], Verdict(rule.id, rule.code, NOT_EVALUATED, "there is nothing to judge")
    return [], Verdict(rule.id, rule.code, NOT_EVALUATED if unknown else PASS, because)


def _because(unknown: Sequence[Unknown], sources: Mapping[str, Source], redaction: Redaction) -> str:
    """Return one line for all that could not be judged: the first reason with its place, and how many more there are."""
    seen: dict[str, None] = {}
    for item in unknown:
        place = ""
        if item.span is not None and item.span.path in sources:
            place = f"{item.span.path}:{sources[item.span.path].position(item.span.start).line}: "
        seen[f"{place}{item.because}"] = None
    reasons = list(seen)
    paths = [item.span.path for item in unknown if item.span is not None]
    return redaction.message(reasons[0], paths[:1]) + (f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else "") if reasons else ""


def finding(rule: Rule, problem: Problem, sources: Mapping[str, Source], redaction: Redaction, texts: dict[str, str]) -> Finding:
    """Return `problem` as a finding of `rule`, without secrets; the fingerprint is of what is there, but for these.

    Of equal `texts` one is kept: a file may have very many findings that say the same.
    """

    def kept(text: str) -> str:
        return texts.setdefault(text, text)

    source = sources.get(problem.span.path)
    below = problem.span.path[len(source.root) :] if source is not None else problem.span.path
    telling = [path for path in (problem.span.path, *(related.span.path for related in problem.related)) if path in sources]
    shown = redaction.hider(telling)
    identity = "\0".join((rule.code, below, _without_secrets(problem.subject or re.sub(r"\d+", "0", problem.message), shown)))
    return Finding(
        code=rule.code,
        rule=rule.id,
        severity=problem.severity or rule.severity,
        clause=rule.clause,
        span=problem.span,
        message=kept(shown(problem.message)),
        remedy=kept(shown(problem.remedy) if problem.remedy else rule.remedy.strip()),
        fingerprint=kept(sha256(identity.encode("utf-8", "surrogatepass"))[:20]),
        subject=kept(shown(problem.subject)),
        related=tuple(Related(related.span, kept(shown(related.message))) for related in problem.related),
        host=problem.host or (source.host if source is not None else ""),
        fix=problem.fix,
        commands=tuple(Command(shown(line), on) for line, on in problem.commands) if all(line for line, _ in problem.commands) else (),
    )


def _without_secrets(text: str, shown: Callable[[str], str]) -> str:
    """Return the text itself if there is no secret in it; else with each as one asterisk, as its length tells something of it too."""
    hidden = shown(text)
    return text if hidden == text else re.sub(r"\*+", "*", hidden)
