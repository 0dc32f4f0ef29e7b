"""Facts + rules -> findings and verdicts. A check that raises is `broken`; the rest run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from lwlint.core.check import Unknown
from lwlint.core.costs import Costs
from lwlint.core.facts import Facts
from lwlint.core.finding import BROKEN, FAIL, NOT_EVALUATED, PASS, Command, Finding, Problem, Related, Verdict
from lwlint.core.secret_text import without
from lwlint.core.source import Source, Span
from lwlint.files.cache import sha256
from lwlint.inputs import KINDS
from lwlint.policy.redaction import Redaction
from lwlint.policy.rules import Rule


class Answer(Struct, frozen=True):
    """What one run of the rules came to."""

    findings: tuple[Finding, ...]
    verdicts: tuple[Verdict, ...]
    tracebacks: tuple[str, ...]


def evaluate(facts: Facts, rules: Sequence[Rule], sources: Mapping[str, Source], costs: Costs | None = None) -> Answer:
    """Return what the `rules` say of the `facts`: findings sorted by place, a verdict for every rule.

    A finding in a source that is not judged (read as context only) is left out. What each rule takes is added to `costs`.
    """
    costs = costs or Costs()
    redaction = Redaction(sources)
    findings: list[Finding] = []
    verdicts, tracebacks = [], []
    given = {name for source in sources.values() for name in KINDS.given(source)}
    for rule in rules:
        missing = KINDS.missing(rule.declared.reads.kinds, given)
        if missing:
            verdicts.append(Verdict(rule.id, rule.code, NOT_EVALUATED, missing))
            continue
        try:
            with costs.of("rule", f"{rule.code} {rule.id}"):
                found, verdict = _run(rule, facts, sources, redaction)
        except Exception:
            import traceback

            known = {secret for path in sources for secret in redaction.known(path)}
            trace = without(traceback.format_exc(), known)
            tracebacks.append(f"{rule.code} {rule.id}: {trace}")
            found, verdict = [], Verdict(rule.id, rule.code, BROKEN, trace.strip().splitlines()[-1])
        findings += found
        verdicts.append(verdict)
    findings.sort(key=lambda f: (f.span, f.code, f.message))
    return Answer(tuple(findings), tuple(verdicts), tuple(tracebacks))


def _run(rule: Rule, facts: Facts, sources: Mapping[str, Source], redaction: Redaction) -> tuple[list[Finding], Verdict]:
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
    if not unknown and not any(source.judged for source in sources.values()):
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
    shown = redaction.hider((problem.span.path, *(related.span.path for related in problem.related)))
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
        commands=tuple(Command(shown(line), on) for line, on in problem.commands),
    )


def _without_secrets(text: str, shown: Callable[[str], str]) -> str:
    """Return the text itself if there is no secret in it; else with each as one asterisk, as its length tells something of it too."""
    hidden = shown(text)
    return text if hidden == text else re.sub(r"\*+", "*", hidden)
