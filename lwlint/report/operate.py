"""What the operator's tools say: who runs what, what happens when something fails, and the page that describes one cloud.

Who runs what is for a person and as JSON: one service after the other, or a table of them all. What happens on a failure is a table of
failures and services, JSON, and a plan of tests; then the failure tests that are tried in a cloud, and what an operator saw of them. The
page has it all: what runs where and why, what happens on a failure, the commands, the picture, the deviations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from lwlint.audit.answer import ClusterAnswer, Place, title_of
from lwlint.audit.operate.failures import (
    AS_EXPECTED,
    ASSUMED,
    AWAY,
    DEAD,
    DIFFERENT,
    DOWN,
    FEWER,
    MOVES,
    NODE,
    NOT_TRIED,
    PROMOTES,
    RESTARTS,
    WAITS,
    Effect,
    Failure,
    FailureTest,
    Judgement,
    Plan,
    Result,
    Study,
    Words,
)
from lwlint.audit.operate.runbook import (
    BROKER,
    DATABASE,
    LOG,
    NO,
    ONCE,
    PACEMAKER,
    RESTART,
    SEE,
    START,
    STOP,
    UNKNOWN,
    Action,
    Judged,
    Run,
    Runbook,
)
from lwlint.audit.operate.runbook import RESTARTS as BROUGHT_BACK
from lwlint.core.facts import ACTIVE_ACTIVE, ACTIVE_PASSIVE, CORE, INFRASTRUCTURE
from lwlint.core.finding import CLUSTER, EACH
from lwlint.core.harmless import command, count_of
from lwlint.core.harmless import line as harmless
from lwlint.policy.rules import Clause
from lwlint.report.ci import prose as prose_of
from lwlint.report.html import Html, element, grid, prose
from lwlint.report.json import Output, dump, write
from lwlint.report.picture import Picture, drawing, page, render_mermaid

_ABOUT = {BROUGHT_BACK: "brought back", DATABASE: "retries the database", BROKER: "retries the broker"}
_DOES = {SEE: "see", RESTART: "restart", STOP: "stop", START: "start", LOG: "log"}
_WIDTH = 22
_PLACES = 6


class RunbooksOutput(Output, frozen=True):
    """Who runs what on each cluster."""

    version: int
    clusters: tuple[Runbook, ...]


def render_runbook_json(books: Sequence[Runbook]) -> str:
    """Return the runbooks as JSON text."""
    return write(RunbooksOutput(1, tuple(books)))


def render_runbook(books: Sequence[Runbook], *, whole: bool) -> str:
    """Return the runbooks as text: each service `whole`, or one line for each."""
    lines = (line for book in books for line in (_whole(book) if whole else _runbook_table(book)))
    return "".join(harmless(line.rstrip()) + "\n" for line in lines)


def _heading(book: Runbook) -> Iterator[str]:
    title = f"{title_of(book.name, clustered=book.clustered)}: {', '.join(book.hosts) or 'no report of a host'}"
    yield title
    yield "=" * len(title)
    if book.absent:
        yield f"No report of: {', '.join(book.absent)}"
    if any(run.manager == PACEMAKER for run in book.runs):
        yield f"Resources by {book.tool}: {book.tool_because or 'nothing shows whether it is installed'}"
    yield ""


def _runbook_table(book: Runbook) -> Iterator[str]:
    yield from _heading(book)
    rows = [("service", "run by", "as", "where", "brought back", "restart")]
    rows += [(run.title, run.manager, run.thing, where(run), answer(run, BROUGHT_BACK), restart(run)) for run in book.runs]
    yield from align(rows)
    yield ""


def align(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the rows of a table as lines, their columns two blanks apart."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ("  ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in rows)


def where(run: Run) -> str:
    """Return where a service runs, in a few words: the hosts by state, or its form where no state is known."""
    by_state: dict[str, list[str]] = {}
    for at in run.at:
        by_state.setdefault(at.state, []).append(at.host)
    return "; ".join(f"{state}: {', '.join(filter(None, hosts))}".rstrip(": ") for state, hosts in by_state.items()) or run.form


def answer(run: Run, about: str) -> str:
    """Return the answers on one question, each once."""
    return ", ".join(dict.fromkeys(one.answer for one in run.judged if one.about == about)) or "-"


def restart(run: Run) -> str:
    """Return the command that restarts a service; `never` where none must."""
    return next((action.line for action in run.actions if action.does == RESTART), "never")


def _whole(book: Runbook) -> Iterator[str]:
    yield from _heading(book)
    for run in book.runs:
        yield from _run(run, len(book.hosts))
        yield ""


def _run(run: Run, hosts: int) -> Iterator[str]:
    yield f"{run.title}: {run.manager} runs `{run.thing}`, {run.form}" if run.form else f"{run.title}: {run.manager} runs `{run.thing}`"
    for i, at in enumerate(run.at):
        yield _row("where" if not i else "", f"{at.host}: {at.state}" if at.host else at.state)
    for does in (SEE, RESTART, STOP, START, LOG):
        for i, action in enumerate(one for one in run.actions if one.does == does):
            yield _row(_DOES[does] if not i else "", f"{action.line:58} {on(action)}".rstrip())
    for judged in run.judged:
        yield _row(_ABOUT[judged.about], f"{judged.answer}: {judged.says}{_hosts(judged, hosts)}")
        yield from _evidence(judged.places)
    for i, path in enumerate(run.options):
        yield _row("option files" if not i else "", f"{path.host}:{path.path}" if path.host else path.path)
    for i, (code, message) in enumerate(run.findings):
        yield _row("found" if not i else "", f"{code}: {message}")
    for i, note in enumerate(run.notes):
        yield _row("to know" if not i else "", note)
    for i, one in enumerate(run.evidence):
        yield _row("configured in" if not i else "", f"{one.host}:{one.path}:{one.line}" if one.host else f"{one.path}:{one.line}")


def _row(name: str, value: str) -> str:
    return f"  {name:{_WIDTH}} {value}"


def _evidence(places: Sequence[Place]) -> Iterator[str]:
    for one in places[:_PLACES]:
        yield _row("", f"  {one.host}:{one.path}:{one.line}  {one.text}" if one.host else f"  {one.path}:{one.line}  {one.text}")
    if len(places) > _PLACES:
        yield _row("", f"  and {len(places) - _PLACES} more")


def _hosts(judged: Judged, hosts: int) -> str:
    return f" (on {', '.join(judged.hosts)})" if judged.hosts and len(judged.hosts) < hosts else ""


def on(action: Action) -> str:
    """Return where a command is run, in words."""
    return {CLUSTER: "once, on any node", EACH: "on each of its hosts"}.get(action.on, f"on {action.on}")


def known_names(books: Iterable[Runbook]) -> list[str]:
    """Return the names that can be asked for, for a near match."""
    return sorted({word for book in books for run in book.runs for word in (run.service, run.title, run.thing, run.project) if word})


_WORST = (DOWN, AWAY, MOVES, PROMOTES, WAITS, RESTARTS, FEWER)
WRONG = "What is wrong"
_REST = "others"
_NAMED = 4


class StudiesOutput(Output, frozen=True):
    """What each failure comes to, cluster by cluster, and how what runs outside Pacemaker bears it."""

    version: int
    clusters: tuple[Study, ...]
    outside: tuple[tuple[BearingOutput, ...], ...]


class BearingOutput(Output, frozen=True):
    """A service that Pacemaker does not run: whether it is brought back, and whether it waits for the database and the broker."""

    service: str
    thing: str
    brought_back: str
    waits_for_database: str
    waits_for_broker: str


def render_failures_json(studies: Sequence[Study], books: Sequence[Runbook]) -> str:
    """Return the answers as JSON text."""
    return write(StudiesOutput(1, tuple(studies), tuple(tuple(bearing(book)) for book in books)))


def bearing(book: Runbook) -> Iterator[BearingOutput]:
    """Yield how the services that Pacemaker does not run bear a failure."""
    for run in book.runs:
        if run.manager != PACEMAKER and run.project:
            yield BearingOutput(run.title, run.thing, answer(run, BROUGHT_BACK), answer(run, DATABASE), answer(run, BROKER))


def render_failures(studies: Sequence[Study], books: Sequence[Runbook]) -> str:
    """Return the answers as text: the table, what is wrong, and how what runs outside Pacemaker bears it."""
    lines = (
        line for study, book in zip(studies, books) for line in (*_head(study), *_failure_table(study), *_say_wrong(study), *_outside(book))
    )
    return "".join(harmless(line.rstrip()) + "\n" for line in lines)


def _head(study: Study) -> Iterator[str]:
    title = _title(study)
    yield title
    yield "=" * len(title)
    yield from _about(study)
    yield ""


def _title(study: Study) -> str:
    return f"{title_of(study.name)}: {', '.join(study.nodes)}"


def _about(study: Study) -> Iterator[str]:
    yield f"By the scheduler of Pacemaker {study.pacemaker}; {study.start}."
    if study.newer:
        yield f"The CIB is newer than this Pacemaker ({study.newer}): what is new in it may count otherwise."
    yield f"Fencing: {study.fencing}."
    if not study.vips:
        yield "No resource of this cluster is a virtual IP."
    elif not study.haproxy:
        yield "No resource of this cluster is HAProxy: whether a virtual IP is where one runs is not known."
    if study.remotes:
        more = f" and {len(study.remotes) - _NAMED} more" if len(study.remotes) > _NAMED else ""
        yield f"Not asked: what the death of remote or guest nodes comes to ({', '.join(study.remotes[:_NAMED])}{more})."


def _rows(study: Study) -> Iterator[tuple[str, ...]]:
    """Yield the head and the rows of the table of failures and services; failures that come to the same on several nodes are one row."""
    every = [one for result in study.results for _, one in _with_seconds(result)]
    titles = {title: kind for _, title, kind in study.things if any(_effects(one, title) for one in every)}
    core = [title for title, kind in titles.items() if kind in (CORE, ACTIVE_PASSIVE)]
    columns = [*core, *([_REST] if len(core) < len(titles) else [])]
    rows: dict[tuple[str, ...], list[str]] = {}
    for result in study.results:
        for words, one in _with_seconds(result):
            cells = [cell(_effects(one, title)) for title in core] + ([_rest(one, core)] if _REST in columns else [])
            key = (words, *cells, _vip(one), one.quorum, _say_fencing(one))
            rows.setdefault(key, []).append(one.failure.node)
    yield ("failure", *columns, "VIP with HAProxy", "quorum", "fencing")
    for (words, *cells), nodes in rows.items():
        yield (f"{words} on {_nodes(nodes, study)}" if words[-1] != ":" else f"{words[:-1]} {_nodes(nodes, study)}", *cells)


_BOUNDS = (
    "Seconds are bounds: the timeouts of the operations in turn, `+` what may go by until the failure is seen (monitor and",
    "its timeout). After a node dies corosync's own time to see that comes first.",
)


def _failure_table(study: Study) -> Iterator[str]:
    yield from align(list(_rows(study)))
    yield from ("", *_BOUNDS, "")


def _with_seconds(result: Result) -> Iterator[tuple[str, Result]]:
    yield _words(result.failure), result
    for then in result.then:
        yield f"{result.failure.words}, then {_words(then.failure)}", then


def _words(failure: Failure) -> str:
    """Return a failure without its node; that follows on `on`, or after a colon instead."""
    if failure.what == NODE:
        return "death of node:"
    return f"{failure.thing} {'found dead' if failure.what == DEAD else 'cannot run'}"


def _nodes(nodes: Sequence[str], study: Study) -> str:
    return f"any of {len(nodes)} nodes" if len(nodes) == len(study.nodes) > 1 else ", ".join(nodes)


def _effects(result: Result, title: str) -> list[Effect]:
    return [effect for effect in result.effects if effect.title == title]


def cell(effects: Sequence[Effect]) -> str:
    """Return what becomes of a service, in a few words: the worst of its resources, and for how long nothing answers at most."""
    if not effects:
        return "-"
    worst = min(effects, key=lambda effect: (_WORST.index(effect.outcome), -(effect.silent or 0)))
    count = sum(effect.outcome == worst.outcome for effect in effects)
    words = f"{count} {worst.outcome}" if count > 1 else worst.outcome
    if worst.outcome == FEWER:
        words = f"{len(worst.after)} of {len(worst.before)} left"
    return words + _say_bound(worst)


def _say_bound(effect: Effect) -> str:
    if effect.silent is None:
        return ""
    return f" {effect.silent:g} s" + (f" + {effect.detected:g} s" if effect.detected is not None else "")


def _rest(result: Result, core: Sequence[str]) -> str:
    others = [effect for effect in result.effects if effect.title not in core]
    down = sum(effect.outcome == DOWN for effect in others)
    disturbed = sum(effect.outcome not in (DOWN, FEWER) for effect in others)
    fewer = len(others) - down - disturbed
    parts = [f"{count} {word}" for count, word in ((down, "down"), (disturbed, "disturbed"), (fewer, "fewer")) if count]
    return ", ".join(parts) or "-"


def _vip(result: Result) -> str:
    if result.away:
        return f"NO: {', '.join(one.vip for one in result.away)}"
    if result.unserved:
        return f"{len(result.unserved)} down"
    return result.with_haproxy or "-"


def _say_fencing(result: Result) -> str:
    return "needed" if result.fencing else "-"


def _say_wrong(study: Study) -> Iterator[str]:
    """Yield what is wrong about the answers, in sentences."""
    said = _all_wrong(study)
    if said:
        yield WRONG
        yield from (f"  {line}" for line in said)
        yield ""


def _all_wrong(study: Study) -> list[str]:
    return list(dict.fromkeys(line for result in study.results for line in _say_wrong_of(result)))


def _say_wrong_of(result: Result) -> Iterator[str]:
    yield from say_wrong(result)
    for then in result.then:
        yield from say_wrong(then, f"{result.failure.words}, then ")


def say_wrong(result: Result, before: str = "") -> Iterator[str]:
    """Yield what an operator should not accept of one failure; `before` is what happened first."""
    what = before + result.failure.words
    for one in result.away:
        yield f"{what}: {one.vip} is on {one.node}, where no HAProxy runs"
    down = [effect.thing for effect in result.effects if effect.outcome == DOWN and effect.thing not in result.unserved]
    if result.unserved:
        yield f"{what}: {', '.join(result.unserved)} {'is' if len(result.unserved) == 1 else 'are'} down"
    if down:
        more = f" and {len(down) - _NAMED} more" if len(down) > _NAMED else ""
        yield f"{what}: {', '.join(down[:_NAMED])}{more} {'is' if len(down) == 1 else 'are'} down"
    if result.quorum == NO:
        yield f"{what}: the nodes that are left have no quorum"
    if result.quorum == UNKNOWN and result.failure.what == NODE:
        yield f"{what}: whether one of two nodes has quorum is not known (`two_node` in corosync.conf)"
    if result.fencing:
        yield f"{what}: fencing is {result.fencing}" if result.fencing.startswith("needed") else f"{what}: {result.fencing}"
    if result.trouble:
        yield f"{what}: {result.trouble}"


_OUTSIDE = ("service outside Pacemaker", "brought back", "waits for the database", "waits for the broker")


def _borne(book: Runbook) -> list[tuple[str, ...]]:
    return [(one.service, one.brought_back, one.waits_for_database, one.waits_for_broker) for one in bearing(book)]


def _outside(book: Runbook) -> Iterator[str]:
    rows = _borne(book)
    if rows:
        yield from align([_OUTSIDE, *rows])
        yield ""


def render_failures_html(studies: Sequence[Study], books: Sequence[Runbook]) -> str:
    """Return the answers as a page: the table of failures and services, what is wrong, and how the rest bears it."""
    parts: list[Html] = []
    for study, book in zip(studies, books):
        head, *rows = _rows(study)
        parts += [element("h1", _title(study)), *(element("p", prose(line)) for line in _about(study)), grid(head, rows)]
        parts.append(element("p", prose(" ".join(_BOUNDS))))
        said, borne = _all_wrong(study), _borne(book)
        if said:
            parts += [element("h2", WRONG), element("ul", (element("li", prose(line)) for line in said))]
        if borne:
            parts += [element("h2", "What Pacemaker does not run"), grid(_OUTSIDE, borne)]
    return page("What happens when ...", parts)


def render_testplan(studies: Sequence[Study]) -> str:
    """Return a plan of tests as Markdown: for each failure how to bring it about, what to expect, and how to end it."""
    lines = (line for study in studies for line in _plan(study))
    return "".join(harmless(line.rstrip()) + "\n" for line in lines)


def _plan(study: Study) -> Iterator[str]:
    yield f"# Failure tests of {prose_of(study.name or 'the cluster')}"
    yield ""
    yield prose_of(f"Expected is what the scheduler of Pacemaker {study.pacemaker} answers; {study.start}. Fencing: {study.fencing}.")
    yield ""
    yield "Before each test all resources run and no failure is left: `pcs status --full`. While it runs, ask each API through its"
    yield "virtual IP once a second and note from when to when nothing answers."
    for number, result in enumerate(study.results, 1):
        yield ""
        yield f"## {number}. {prose_of(result.failure.words)}"
        yield ""
        yield from (f"- do: {prose_of(line)}" for line in _do(result.failure))
        yield from (f"- expect: {prose_of(line)}" for line in say_expected(result))
        yield from (f"- **do not accept**: {prose_of(line)}" for line in say_wrong(result))
        yield from (f"- end: {prose_of(line)}" for line in _end(result.failure))


def _do(failure: Failure) -> Iterator[str]:
    if failure.what == NODE:
        yield f"on {failure.node}: `echo b > /proc/sysrq-trigger` (the node is reset at once, without a shutdown)"
        return
    words = ("--resource", failure.thing, "--node", failure.node)
    if failure.copy:  # `--fail` takes no bundle
        resource, node = failure.copy
        line = command("crm_resource", "--fail", "--resource", resource, "--node", node)
        yield f"on any node: `{line}` (`crm_mon -1` shows the number of the copy on {failure.node}), or kill its process there"
    elif failure.what == DEAD:
        yield f"on any node: `{command('crm_resource', '--fail', *words)}`, or kill its process there"
    else:
        yield f"on any node: `{command('crm_resource', '--ban', *words)}`"


def _end(failure: Failure) -> Iterator[str]:
    if failure.what == NODE:
        yield f"start {failure.node} and its cluster services, and wait until `crm_mon -1` shows it online"
    elif failure.what == DEAD:
        yield f"`{command('crm_resource', '--cleanup', '--resource', failure.thing)}`"
    else:
        yield f"`{command('crm_resource', '--clear', '--resource', failure.thing)}`"


def say_expected(result: Result) -> Iterator[str]:
    """Yield what becomes of each resource, in sentences."""
    for effect in result.effects:
        yield f"{effect.thing} {_became(effect)}"
    if not result.effects:
        yield "nothing that runs is disturbed"


def _became(effect: Effect) -> str:
    before, after = ", ".join(effect.before), ", ".join(effect.after)
    bound = f"; nothing answers for at most {effect.silent:g} s" if effect.silent is not None else ""
    seen = f" after the failure is seen, which may take {effect.detected:g} s" if bound and effect.detected is not None else ""
    return (
        {
            MOVES: f"moves from {before} to {after}",
            PROMOTES: f"is promoted on {after} instead of {before}",
            FEWER: f"runs on {after} only",
            DOWN: "is down",
            WAITS: f"stays on {after}, and answers when HAProxy is back there",
            AWAY: f"stays on {after}, without HAProxy",
            RESTARTS: f"is restarted on {after}" if len(effect.after) == 1 else f"is restarted; afterwards it runs on {after}",
        }[effect.outcome]
        + bound
        + seen
    )


_BECOMES = {
    MOVES: "on another node",
    PROMOTES: "promoted elsewhere",
    FEWER: "a copy less",
    DOWN: "down",
    WAITS: "waits for HAProxy",
    AWAY: "without HAProxy",
    RESTARTS: "restarted",
}


def _count(titles: dict[str, int]) -> str:
    return ", ".join(title if count == 1 else f"{title} ({count})" for title, count in titles.items())


def table_of(results: Iterable[Result]) -> list[tuple[str, str]]:
    """Return each failure with what it comes to in one sentence, those that differ in the node only once."""
    found: dict[tuple[str, str], list[str]] = {}
    for result in results:
        by_outcome: dict[str, dict[str, int]] = {}
        for effect in result.effects:
            titles = by_outcome.setdefault(_BECOMES[effect.outcome], {})
            titles[effect.title] = titles.get(effect.title, 0) + 1
        silent = max((effect.silent + (effect.detected or 0) for effect in result.effects if effect.silent is not None), default=None)
        words = "; ".join(f"{outcome}: {_count(titles)}" for outcome, titles in by_outcome.items()) or "nothing is disturbed"
        words += f"; nothing answers for at most {silent:g} s" if silent is not None else ""
        words += (
            f"; {'; '.join(line.partition(': ')[2] for line in say_wrong(result))}"
            if result.away or result.unserved or result.trouble
            else ""
        )
        found.setdefault((_words(result.failure).rstrip(":"), words), []).append(result.failure.node)
    return [(f"{what} ({', '.join(nodes)})", words) for (what, words), nodes in found.items()]


def render_plan(plan: Plan) -> str:
    """Return the tests for a reader, those with the same commands together."""
    lines: list[str] = []
    for test in plan.tests:
        lines += [
            test.id,
            f"  what      {test.what}",
            *_commands("do", test.fail),
            *_commands("look", test.see),
            *_commands("mend", test.mend),
        ]
        lines.append(f"  expect    {' or '.join(map(_in_words, test.expect))} ({test.stands_on}{_because(test)})")
        lines.append("")
    lines += [f"not planned: {text}" for text in plan.not_planned]
    lines.append(f"{len(plan.tests)} failure tests; `--format json` writes them with a `saw` to be filled in, for `lwlint lab judge`")
    return "\n".join(lines) + "\n"


def _commands(name: str, commands: Sequence[str]) -> list[str]:
    return [f"  {name if n == 0 else '':9} {line}" for n, line in enumerate(commands)]


def _in_words(words: Words) -> str:
    return ", then ".join(word for word in (words.does, words.then) if word) or "not known"


def _because(test: FailureTest) -> str:
    told = f"; {test.because}" if test.because else ""
    if test.stands_on == ASSUMED:
        return f": nobody saw it{told}"
    return f" in {test.release}{told}" if test.release else told


def render_plan_json(plan: Plan) -> str:
    """Return the tests as JSON, for an operator to fill in `saw` of each."""
    return dump(msgspec.to_builtins(plan))


def render_judgement(found: Sequence[Judgement]) -> str:
    """Return what the tests came to: what differs and what is bad first, then the numbers."""
    lines = []
    for one in found:
        if one.outcome == DIFFERENT or one.bad:
            expected = " or ".join(map(_in_words, one.test.expect))
            lines.append(f"{one.test.id}: {one.outcome}: {_in_words(one.test.saw)}; expected {expected} ({one.test.stands_on})")
            lines += [f"  {one.bad}"] if one.bad else []
    lines += [f"{one.test.id}: not tried" for one in found if one.outcome == NOT_TRIED]
    number = {outcome: sum(one.outcome == outcome for one in found) for outcome in (AS_EXPECTED, DIFFERENT, NOT_TRIED)}
    lines.append(", ".join(f"{count} {outcome}" for outcome, count in number.items()))
    return "\n".join(lines) + "\n"


_DEVIATES, _NOTHING = "**deviation**", "-"
_WHY = {
    (CORE, True): "core: Pacemaker starts it, watches it and moves it, as the specification has it",
    (ACTIVE_PASSIVE, True): "it can run only once, so Pacemaker decides where",
    (ACTIVE_ACTIVE, True): "**deviation**: it runs on every node at a time, and the specification leaves it to systemd",
    (INFRASTRUCTURE, True): "part of the cluster itself",
    (CORE, False): "**deviation**: a core service outside Pacemaker",
    (ACTIVE_PASSIVE, False): "it is run outside Pacemaker here, and must run only once",
    (ACTIVE_ACTIVE, False): "it runs on every node at a time; what runs it there brings it back",
    (INFRASTRUCTURE, False): "part of the cluster itself",
}


class Cloud(Struct, frozen=True):
    """All that the page tells of one cluster. `failures` is None where they were not asked for, and `because` says why."""

    cluster: ClusterAnswer
    book: Runbook
    picture: Picture | None = None
    failures: Study | None = None
    because: str = ""


class Section(Struct, frozen=True):
    """A part of the page: paragraphs, then a table (its head and rows), then a picture."""

    title: str
    said: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    picture: Picture | None = None


def sections(cloud: Cloud, clauses: Sequence[Clause]) -> Iterator[Section]:
    """Yield the parts of the page, in their order; code stands in backticks."""
    yield _overview(cloud)
    yield _services(cloud.book)
    yield from _failures(cloud)
    yield _operators_table(cloud.book)
    if cloud.picture is not None:
        yield Section(
            "Orders and colocations",
            ("Arrows are orders, dotted lines colocations; dashed boxes have to leave Pacemaker.",),
            picture=cloud.picture,
        )
        if cloud.picture.leaving or cloud.picture.gone:
            yield Section("What the specification leaves of them", picture=cloud.picture.after)
    yield _deviations(cloud.cluster, clauses)


def _overview(cloud: Cloud) -> Section:
    cluster, book = cloud.cluster, cloud.book
    inside = sorted({run.title for run in book.runs if run.manager == PACEMAKER})
    outside = {manager: sum(run.manager == manager for run in book.runs) for manager in dict.fromkeys(run.manager for run in book.runs)}
    counts = ", ".join(f"{count} by {manager}" for manager, count in outside.items())
    said = [f"Hosts: {', '.join(book.hosts) or 'none was given'}." + (f" No report of: {', '.join(book.absent)}." if book.absent else "")]
    said += [f"{host.name}: release {host.release or 'unknown'}{f', {host.captured}' if host.captured else ''}." for host in cluster.hosts]
    of = f" Of {count_of(len(book.runs), 'service')}, {counts}." if book.runs else ""
    said.append(f"Pacemaker runs {', '.join(inside) or 'nothing that is known'}.{of}")
    return Section("Overview", tuple(said))


def _why(run: Run) -> str:
    inside = run.manager == PACEMAKER
    if any(one.answer == ONCE for one in run.judged):
        return "**deviation**: it runs once at boot, which systemd does" if inside else "it runs once at boot, and is never stopped"
    if (run.kind, inside) == (ACTIVE_ACTIVE, True) and run.form.startswith("on one node"):
        return "**deviation**: the specification leaves it to systemd, though it runs on one node here"
    return _WHY.get((run.kind, inside), "")


def _services(book: Runbook) -> Section:
    rows = [(run.title, run.manager, f"`{run.thing}`", where(run) or run.form, _why(run)) for run in book.runs]
    return Section("What runs where, and why", (), ("Service", "Run by", "As", "Where", "Why"), tuple(rows))


def _failures(cloud: Cloud) -> Iterator[Section]:
    title = "What happens on a failure"
    if cloud.failures is None:
        yield Section(title, (f"Not asked: {cloud.because}.",))
    else:
        study = cloud.failures
        said = f"By the scheduler of Pacemaker {study.pacemaker}; {study.start}. Fencing: {study.fencing}."
        bounds = "Times are bounds: the timeouts of the operations, and the time until the failure is seen."
        yield Section(title, (said, bounds), ("What fails", "What it comes to"), tuple(table_of(study.results)))
        bad = list(dict.fromkeys(line for result in study.results for line in say_wrong(result)))
        if bad:
            yield Section("What is wrong about that", tuple(f"- {line}" for line in bad))
    rows = [(one.service, one.brought_back, one.waits_for_database, one.waits_for_broker) for one in bearing(cloud.book)]
    if rows:
        head = ("Service outside Pacemaker", "Brought back", "Waits for the database", "Waits for the broker")
        yield Section("How the other services bear it", (), head, tuple(rows))


def _operators_table(book: Runbook) -> Section:
    rows = [(run.title, *(_command(run, does) for does in (SEE, RESTART, LOG))) for run in book.runs]
    return Section(
        "The operator's table", ("`lwlint services TARGET NAME` tells more about each.",), ("Service", "See", "Restart", "Log"), tuple(rows)
    )


def _command(run: Run, does: str) -> str:
    action = next((one for one in run.actions if one.does == does), None)
    if action is None:
        return "never" if does == RESTART else "-"
    return f"`{action.line}` {on(action)}"


def _deviations(cluster: ClusterAnswer, clauses: Sequence[Clause]) -> Section:
    titles: Mapping[str, str] = {clause.id: clause.title for clause in clauses}
    found = [one for one in cluster.found if one.severity != "note"]
    rows = tuple(
        (titles.get(one.clause, one.clause), one.code, one.message, ", ".join(one.hosts) or "-", one.allowed or "") for one in found
    )
    if not rows:
        return Section("Deviations from the specification", ("None was found.",))
    head = ("Requirement", "Rule", "What was found", "On", "Allowed because")
    return Section("Deviations from the specification", (), head, rows)


def render_cloud(clouds: Sequence[Cloud], clauses: Sequence[Clause]) -> str:
    """Return the page as Markdown."""
    lines: list[str] = []
    for cloud in clouds:
        lines += [f"# {prose_of(title_of(cloud.book.name, clustered=cloud.book.clustered))}", ""]
        for section in sections(cloud, clauses):
            lines += [f"## {section.title}", ""]
            for one in section.said:
                lines += [f"- {prose_of(one[2:])}"] if one.startswith("- ") else [prose_of(one), ""]
            if section.said and section.said[-1].startswith("- "):
                lines.append("")
            if section.rows:
                lines += [
                    _cloud_row(section.head),
                    _cloud_row(["---"] * len(section.head)),
                    *(_cloud_row(map(_cell, row)) for row in section.rows),
                    "",
                ]
            if section.picture is not None:
                lines += ["```mermaid", *render_mermaid(section.picture).splitlines(), "```", ""]
    return "".join(harmless(line.rstrip()) + "\n" for line in lines)


def _cloud_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(said: str) -> str:
    """Return what a cell says as Markdown: nothing of it is markup but the code in it and our own mark."""
    if said.startswith(_DEVIATES):
        return _DEVIATES + prose_of(said[len(_DEVIATES) :])
    return prose_of(said) if said != _NOTHING else said


def render_cloud_html(clouds: Sequence[Cloud], clauses: Sequence[Clause]) -> str:
    """Return the page as HTML, in one file."""
    parts: list[Html] = []
    for number, cloud in enumerate(clouds):
        parts.append(element("h1", title_of(cloud.book.name, clustered=cloud.book.clustered)))
        for i, section in enumerate(sections(cloud, clauses)):
            parts.append(element("h2", section.title))
            points = [one[2:] for one in section.said if one.startswith("- ")]
            parts += [element("p", prose(one)) for one in section.said if not one.startswith("- ")]
            if points:
                parts.append(element("ul", (element("li", prose(point)) for point in points)))
            if section.rows:
                parts.append(grid(section.head, ([cell.replace("**", "") for cell in row] for row in section.rows)))
            if section.picture is not None:
                parts.append(element("div", drawing(section.picture, f"c{number}s{i}"), class_="frame", tabindex=0))
    return page("How it runs", parts)
