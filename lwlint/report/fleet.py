"""A run over a fleet as one page of HTML: complete in itself, without a network.

What every cluster has found is in the page, packed in pieces; a piece is unpacked when one of its clusters is opened, so that thousands
of clusters cost a browser no more than their list.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from msgspec.json import encode

from lwlint import __version__
from lwlint.audit.fleet.run import Clause, Ran, release_of
from lwlint.audit.fleet.tables import ArchiveRow, ClusterRow, FindingRow, HostRow
from lwlint.core.finding import SEVERITIES
from lwlint.core.harmless import count_of, safe
from lwlint.policy.rules import Rule
from lwlint.report.html import Content, Html, element
from lwlint.report.html.page import document, table

_CHUNK = 50  # clusters of one piece
_RUNS, _WORST, _FAILED = 24, 20, 200
_PLACES = 6
_BAR = 160
_COLUMNS = (
    ("Cluster", 1), ("Release", 2), ("Hosts", 3), ("Absent", 4), ("Errors", 5), ("Warnings", 6), ("Notes", 7),
    ("Not evaluated", 8), ("Verdict", 9),
)  # fmt: skip


def render(
    runs: Sequence[Ran],
    archives: Sequence[ArchiveRow],
    clusters: Sequence[ClusterRow],
    hosts: Sequence[HostRow],
    findings: Sequence[FindingRow],
    clauses: Sequence[Clause],
    rules: Sequence[Rule],
) -> str:
    """Return the last of the runs as an HTML document with a final line break; the others are its trend."""
    style, script = _style(), Html(files("lwlint.report.html").joinpath("fleet.js").read_text("utf-8"))
    ran = runs[-1]
    index, chunks = _data(clusters, hosts, findings, rules)
    return document(
        f"lwlint fleet: {ran.run_date}",
        style,
        script,
        element("header", element("h1", "lwlint fleet"), element("p", f"{ran.run} of {ran.run_date}", class_="summary"), class_="banner"),
        element(
            "main",
            _totals(ran),
            _trend(runs),
            _clauses(clauses),
            _clusters(clusters, clauses),
            _detail(),
            _archives(archives),
            id="content",
        ),
        element(
            "footer", element("p", f"Made by lwlint {__version__}. Secrets are shown as asterisks. Not evaluated does not mean passed.")
        ),
        element("script", Html(index), type="application/json", id="index"),
        (element("script", Html(chunk), type="text/plain", id=f"chunk{i}") for i, chunk in enumerate(chunks)),
    )


def _style() -> Html:
    own = files("lwlint.report.html").joinpath("fleet.css").read_text("utf-8")
    return Html(files("lwlint.report.html").joinpath("html.css").read_text("utf-8") + own)


def _totals(ran: Ran) -> Html:
    figures = (
        ("clusters", ran.clusters),
        ("hosts", ran.hosts),
        ("errors", ran.errors),
        ("warnings", ran.warnings),
        ("notes", ran.notes),
        ("rules not evaluated", ran.not_evaluated),
        ("archives judged", ran.judged),
        ("damaged", ran.damaged),
        ("failed", ran.failed),
    )
    return element("dl", (element("div", element("dt", name), element("dd", f"{value:,}")) for name, value in figures), class_="total")


def _trend(runs: Sequence[Ran]) -> Html:
    some = runs[-_RUNS:]
    most = max((ran.errors for ran in some), default=0) or 1
    rows = (
        element(
            "tr",
            element("th", ran.run_date, " ", element("small", ran.run), scope="row"),
            (_number(value) for value in (ran.clusters, ran.hosts, ran.archives, ran.failed, ran.warnings, ran.errors)),
            element("td", _bar(ran.errors / most)),
        )
        for ran in reversed(some)
    )
    names = ("Run", "Clusters", "Hosts", "Archives", "Failed", "Warnings", "Errors", "")
    return _section("trend", "Trend", table(names, rows, "Runs, the last one first"))


def _bar(share: float) -> Html:
    return element(
        "svg",
        element("rect", class_="behind", width=_BAR, height=10),
        element("rect", width=round(_BAR * share), height=10),
        class_="bar",
        width=_BAR,
        height=10,
        aria_hidden="true",
    )


def _clauses(clauses: Sequence[Clause]) -> Html:
    releases = sorted({one.release for one in clauses})
    by_cell = {(one.clause, one.release): one for one in clauses}
    rows = (
        element("tr", element("th", clause, scope="row"), (_cell(by_cell.get((clause, release))) for release in releases))
        for clause in sorted({one.clause for one in clauses})
    )
    found = table(("Clause", *releases), rows, "Clusters in which a clause fails, of those in which it was evaluated")
    return _section("clauses", "Clauses and releases", found)


def _cell(one: Clause | None) -> Html:
    if one is None:
        return element("td", "-", class_="number")
    return element("td", f"{one.failing} of {one.evaluated}", class_="number some" if one.failing else "number")


def _clusters(clusters: Sequence[ClusterRow], clauses: Sequence[Clause]) -> Html:
    """Return the list of the clusters: the worst of them, until the script has it all."""
    worst = sorted(clusters, key=lambda one: (-one.errors, -one.warnings, one.cluster))[:_WORST]
    rows = (
        element(
            "tr",
            element("th", one.name or "(without a name)", element("small", one.cluster), scope="row"),
            element("td", release_of(one)),
            (_number(value) for value in (one.hosts, len(one.absent), one.errors, one.warnings, one.notes, one.not_evaluated)),
            element("td", one.verdict),
        )
        for one in worst
    )
    head = (
        element("th", element("button", name, type="button", value=str(i)), scope="col", class_="number" if 3 <= i <= 8 else None)
        for name, i in _COLUMNS
    )
    controls = element(
        "div",
        element("label", element("span", "Search"), element("input", type="search", id="search", autocomplete="off", spellcheck="false")),
        _select("release", "Release", sorted({release_of(one) for one in clusters})),
        _select("clause", "Clause", sorted({one.clause for one in clauses})),
        element("output", count_of(len(clusters), "cluster"), id="count", aria_live="polite"),
        class_="controls",
        role="search",
        id="controls",
        hidden=True,
    )
    found = element("table", element("thead", element("tr", head)), element("tbody", rows, id="rows"), class_="plain")
    more = element("button", "Show more", type="button", id="more", hidden=True)
    return _section("clusters", "Clusters, the worst first", controls, element("div", found, class_="scroll"), more)


def _select(name: str, label: str, values: Sequence[str]) -> Html:
    options = (element("option", value, value=value) for value in values)
    return element("label", element("span", label), element("select", element("option", "all", value=""), options, id=name))


def _detail() -> Html:
    return element("section", id="cluster", hidden=True, tabindex=-1, aria_label="One cluster")


def _archives(archives: Sequence[ArchiveRow]) -> Html:
    bad = [one for one in archives if one.why]
    if not bad:
        return Html("")
    rows = (
        element("tr", element("th", element("code", one.archive), scope="row"), element("td", one.state), element("td", one.why))
        for one in bad[:_FAILED]
    )
    more = element("p", f"{len(bad) - _FAILED} more are in the table `archives`.") if len(bad) > _FAILED else Html("")
    return _section("archives", "Archives that are damaged or failed", table(("Archive", "State", "Why"), rows, "Archives"), more)


def _section(name: str, title: str, *content: Content) -> Html:
    return element("section", element("h2", title), *content, id=name)


def _number(value: int) -> Html:
    return element("td", f"{value:,}", class_="number")


def _data(
    clusters: Sequence[ClusterRow], hosts: Sequence[HostRow], findings: Sequence[FindingRow], rules: Sequence[Rule]
) -> tuple[str, list[str]]:
    """Return the list of the clusters as JSON, and what was found in them, packed, in pieces."""
    remedies = {rule.id: rule.remedy for rule in rules}
    number: dict[tuple[str, str, str], int] = {}
    for one in findings:
        number.setdefault((one.code, one.rule, one.clause), len(number))
    by_host, by_finding = _group(hosts), _group(findings)
    listed: list[list[Any]] = []
    chunks: list[str] = []
    chunk: list[dict[str, Any]] = []
    for cluster in clusters:
        own, found = by_host.get(cluster.cluster, []), by_finding.get(cluster.cluster, [])
        open_ = {number[one.code, one.rule, one.clause] for one in found if one.allowed is None}
        listed.append(
            [
                cluster.cluster, safe(cluster.name), release_of(cluster), cluster.hosts, len(cluster.absent), cluster.errors,
                cluster.warnings, cluster.notes, cluster.not_evaluated, safe(cluster.verdict), len(chunks), len(chunk), sorted(open_),
                safe(" ".join(host.host for host in own)),
            ]
        )  # fmt: skip
        chunk.append(_show_cluster(cluster, own, found, number))
        if len(chunk) == _CHUNK:
            chunks.append(_pack(chunk))
            chunk = []
    chunks += [_pack(chunk)] if chunk else []
    named = [[code, rule, clause, safe(" ".join(remedies.get(rule, "").split()))] for code, rule, clause in number]
    index = encode({"clusters": listed, "rules": named}).decode()
    return index.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"), chunks


def _group(rows: Sequence[Any]) -> Mapping[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for one in rows:
        found.setdefault(one.cluster, []).append(one)
    return found


def _show_cluster(
    cluster: ClusterRow, hosts: Sequence[HostRow], found: Sequence[FindingRow], number: Mapping[tuple[str, str, str], int]
) -> dict[str, Any]:
    at = {host.host: i for i, host in enumerate(hosts)}
    return {
        "absent": [safe(name) for name in cluster.absent],
        "hosts": [list(_host(host)) for host in hosts],
        "findings": [
            [
                one.severity, number[one.code, one.rule, one.clause], safe(one.message), [at[name] for name in one.hosts if name in at],
                [safe(place) for place in one.places[:_PLACES]], safe(one.text), [safe(line) for line in one.commands],
                None if one.allowed is None else safe(one.allowed),
            ]
            for one in sorted(found, key=lambda one: (-SEVERITIES.index(one.severity), one.code, one.message))
        ],
    }  # fmt: skip


def _host(host: HostRow) -> Iterator[Any]:
    yield from map(safe, (host.host, host.release or "unknown", host.captured, host.report, ", ".join(host.missing)))
    yield from (host.failed, host.not_evaluated)


def _pack(chunk: Sequence[Any]) -> str:
    return base64.b64encode(gzip.compress(encode(chunk), mtime=0)).decode("ascii")
