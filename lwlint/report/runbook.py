"""Who runs what, for a person and as JSON: one service after the other, or a table of them all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lwlint.audit.answer import Place, title_of
from lwlint.core.finding import CLUSTER, EACH
from lwlint.core.harmless import line as harmless
from lwlint.operate.runbook import BROKER, DATABASE, LOG, PACEMAKER, RESTART, RESTARTS, SEE, START, STOP, Action, Judged, Run, Runbook
from lwlint.report.json import Output, written

_ABOUT = {RESTARTS: "brought back", DATABASE: "retries the database", BROKER: "retries the broker"}
_DOES = {SEE: "see", RESTART: "restart", STOP: "stop", START: "start", LOG: "log"}
_WIDTH = 22
_PLACES = 6


class RunbooksOutput(Output, frozen=True):
    """Who runs what on each cluster."""

    version: int
    clusters: tuple[Runbook, ...]


def render_json(books: Sequence[Runbook]) -> str:
    """Return the runbooks as JSON text."""
    return written(RunbooksOutput(1, tuple(books)))


def render_text(books: Sequence[Runbook], *, whole: bool) -> str:
    """Return the runbooks as text: each service `whole`, or one line for each."""
    lines = (line for book in books for line in (_whole(book) if whole else _table(book)))
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


def _table(book: Runbook) -> Iterator[str]:
    yield from _heading(book)
    rows = [("service", "run by", "as", "where", "brought back", "restart")]
    rows += [(run.title, run.manager, run.thing, where(run), answer(run, RESTARTS), restart(run)) for run in book.runs]
    yield from aligned(rows)
    yield ""


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
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
