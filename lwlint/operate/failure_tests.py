"""The failure tests of one cloud: what to stop, what each service must do then by what was observed, and how to see it.

The clause `failures-tested` asks for failover and recovery to be tried, above all with Galera and RabbitMQ down. What each program does
with its own settings was seen by the lab; here it becomes an expectation that an operator can compare with what they saw.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Optional

from msgspec import Struct

from lwlint.core.config_reader import Document, Mismatch, located, near, read
from lwlint.core.observed import BROKEN, DOES, EXITS, NOT_OBSERVED, THEN, Observed, Seen, nearest
from lwlint.operate.runbook import BROKER, DATABASE, NO, SEE, START, STOP, YES, Run, Runbook

OBSERVED, ASSUMED = "observed", "assumed"
AS_EXPECTED, DIFFERENT, NOT_TRIED = "as expected", "different", "not tried"
_SERVERS: Mapping[str, tuple[str, ...]] = {DATABASE: ("galera",), BROKER: ("rabbitmq",)}
# the settings under which the lab saw a service that tries without end, and one that gives up
_SETTINGS: Mapping[tuple[str, str], tuple[str, ...]] = {
    (DATABASE, YES): ("unlimited",),
    (DATABASE, NO): ("finite", "absent", "two-workers"),
    (BROKER, YES): ("no-broker-limit",),
    (BROKER, NO): ("broker-limit",),
}


class Words(Document, frozen=True):
    """What a service does while the server is away, and once it is back, in the words of the lab; empty where nobody looked."""

    does: str = ""
    then: str = ""


class FailureTest(Document, frozen=True):
    """One test: `prepare`, `fail` and `mend` are commands with the place where they are run, `see` how to look at the service.

    `expect` holds all that may be seen, by what it `stands_on` (`observed` or `assumed`); `saw` is for the operator to fill in.
    """

    id: str
    cluster: str
    service: str
    thing: str
    what: str
    fail: tuple[str, ...]
    mend: tuple[str, ...]
    see: tuple[str, ...]
    expect: tuple[Words, ...]
    stands_on: str
    because: str = ""
    saw: Words = Words()


class Plan(Document, frozen=True):
    """The failure tests of all clusters of a target; `not_planned` names what no test can be made of, and why."""

    tests: tuple[FailureTest, ...]
    not_planned: tuple[str, ...] = ()


class Judgement(Struct, frozen=True):
    """What one test came to: AS_EXPECTED, DIFFERENT or NOT_TRIED, and why it is no good where it is none."""

    test: FailureTest
    outcome: str
    bad: str = ""


def plan(books: Iterable[tuple[Runbook, Optional[str]]], observed: Observed) -> Plan:
    """Return the failure tests of clusters, each given with its release: each service with the database and the broker away."""
    tests: list[FailureTest] = []
    left: list[str] = []
    for book, release in books:
        for about, names in _SERVERS.items():
            server = next((run for run in book.runs if run.service in names), None)
            if server is None:
                left.append(f"{book.name}: nothing in it runs {' or '.join(names)}, so that nothing can be stopped there")
                continue
            for run in book.runs:
                if any(one.about == about for one in run.judged):
                    tests += _of(book, run, server, about, observed, release)
    return Plan(tuple(tests), tuple(left))


def _of(book: Runbook, run: Run, server: Run, about: str, observed: Observed, release: Optional[str]) -> Iterator[FailureTest]:
    answers = {one.answer for one in run.judged if one.about == about}
    answer = NO if NO in answers else YES if answers == {YES} else ""
    says = "; ".join(dict.fromkeys(one.says for one in run.judged if one.about == about and (one.answer == answer or not answer)))
    for when, words in ((f"{about}-killed", "under the running service"), (f"{about}-away-at-start", "before the service is started")):
        runs = _telling(
            observed.services.get(run.service, ()), when, () if when.endswith("-killed") else _SETTINGS.get((about, answer), ()), release
        )
        begin = [action.line for action in run.actions if action.does == STOP] if when.endswith("start") else []
        starts = [action.line for action in run.actions if action.does == START] if when.endswith("start") else []
        yield FailureTest(
            id=f"{book.name}/{when}/{run.thing}",
            cluster=book.name,
            service=run.service,
            thing=run.thing,
            what=f"{server.title} is stopped {words}",
            fail=(*begin, *(action.line for action in server.actions if action.does == STOP), *starts),
            mend=tuple(action.line for action in server.actions if action.does == START),
            see=tuple(action.line for action in run.actions if action.does == SEE),
            expect=tuple(dict.fromkeys(Words(one.does, one.then) for one in runs)) or (Words(then="serves"),),
            stands_on=OBSERVED if runs else ASSUMED,
            because=says,
        )


def _telling(runs: Sequence[Seen], when: str, settings: tuple[str, ...], release: Optional[str]) -> Sequence[Seen]:
    """Return the runs of a timeline that tell something, with one of the settings (any, if none is named), nearest to a release."""
    found = [one for one in runs if one.when == when and (not settings or one.setting in settings) and one.then not in ("", NOT_OBSERVED)]
    found = [one for one in found if not one.only or one.recovers]
    if when.endswith("-start") and not settings:
        return []  # which setting it has is not known, and so not what it does
    return nearest(found, release)


def load_results(text: str, path: str) -> Plan:
    """Return a plan that an operator has filled in; raise ConfigurationError for a word outside the vocabulary, in its place."""
    results = read(text, path, Plan)
    for n, test in enumerate(results.tests):
        for key, word, words in (("does", test.saw.does, DOES), ("then", test.saw.then, THEN)):
            if word and word not in words and not (key == "does" and EXITS.fullmatch(word)):
                known = (*words, *(("exits 0", "exits 1") if key == "does" else ()))
                raise located(Mismatch(("tests", n, "saw", key), f"`{word}`: unknown word{near(word, known)}"), text, path)
    return results


def judge(results: Plan) -> list[Judgement]:
    """Return what each test of a plan came to. One that was not looked at until the server was back is not tried."""
    found = []
    for test in results.tests:
        saw = test.saw
        if not saw.then or saw.then == NOT_OBSERVED:
            found.append(Judgement(test, NOT_TRIED))
            continue
        fits = any(saw.then == one.then and (not saw.does or not one.does or saw.does == one.does) for one in test.expect)
        bad = "it is gone, and must come back by itself" if saw.then == "gone" else ""
        bad = "it stays up and is of no use, and no restart comes" if saw.then in BROKEN else bad
        found.append(Judgement(test, AS_EXPECTED if fits else DIFFERENT, bad))
    return found
