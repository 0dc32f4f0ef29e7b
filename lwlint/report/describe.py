"""The page that describes one cloud: what runs where and why, what happens on a failure, the commands, the picture, the deviations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from lwlint.audit.answer import ClusterAnswer, title_of
from lwlint.core.facts import ACTIVE_ACTIVE, ACTIVE_PASSIVE, CORE, INFRASTRUCTURE
from lwlint.core.harmless import line as harmless
from lwlint.operate.failures import Study
from lwlint.operate.runbook import LOG, ONCE, PACEMAKER, RESTART, SEE, Run, Runbook
from lwlint.policy.rules import Clause
from lwlint.report.ci import prose as prose_of
from lwlint.report.failures import bearing, table_of, wrong
from lwlint.report.html import Html, element, grid, prose
from lwlint.report.picture import Picture, drawing, page, render_mermaid
from lwlint.report.runbook import on, where

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
    yield _table(cloud.book)
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
    said.append(f"Pacemaker runs {', '.join(inside) or 'nothing that is known'}. Of {len(book.runs)} services, {counts}.")
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
        bad = list(dict.fromkeys(line for result in study.results for line in wrong(result)))
        if bad:
            yield Section("What is wrong about that", tuple(f"- {line}" for line in bad))
    rows = [(one.service, one.brought_back, one.waits_for_database, one.waits_for_broker) for one in bearing(cloud.book)]
    if rows:
        head = ("Service outside Pacemaker", "Brought back", "Waits for the database", "Waits for the broker")
        yield Section("How the other services bear it", (), head, tuple(rows))


def _table(book: Runbook) -> Section:
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


def render_markdown(clouds: Sequence[Cloud], clauses: Sequence[Clause]) -> str:
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
                lines += [_row(section.head), _row(["---"] * len(section.head)), *(_row(map(_cell, row)) for row in section.rows), ""]
            if section.picture is not None:
                lines += ["```mermaid", *render_mermaid(section.picture).splitlines(), "```", ""]
    return "".join(harmless(line.rstrip()) + "\n" for line in lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(said: str) -> str:
    """Return what a cell says as Markdown: nothing of it is markup but the code in it and our own mark."""
    if said.startswith(_DEVIATES):
        return _DEVIATES + prose_of(said[len(_DEVIATES) :])
    return prose_of(said) if said != _NOTHING else said


def render_html(clouds: Sequence[Cloud], clauses: Sequence[Clause]) -> str:
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
