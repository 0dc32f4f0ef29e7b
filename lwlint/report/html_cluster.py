"""One cluster of an audit as HTML: its hosts, the matrix of hosts and clauses, and what was used and missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lwlint.audit.answer import NOT_APPLICABLE, Cell, ClusterAnswer, HostAnswer, reasons
from lwlint.finding import FAIL, NOT_EVALUATED, PASS, SEVERITIES
from lwlint.report.html_commands import all_commands
from lwlint.report.html_element import Html, counted, element, join, prose
from lwlint.report.html_findings import every, findings
from lwlint.report.html_graph import graph

_SIGNS = {PASS: "\u2713", FAIL: "\u2717", NOT_EVALUATED: "?", NOT_APPLICABLE: "\u2013"}


def title(cluster: ClusterAnswer) -> str:
    """Return the heading of a cluster."""
    return f"Cluster {cluster.name or '(without a name)'}" if cluster.clustered else "In no cluster"


def section(cluster: ClusterAnswer, titles: Mapping[str, str], key: str) -> Html:
    """Return all of a cluster; `key` is the first part of every id in it."""
    parts = [
        ("matrix", "Hosts and clauses", _matrix(cluster, titles, key)),
        ("hosts", "Hosts", _hosts(cluster)),
        ("findings", "Findings", findings(cluster, titles, key)),
        ("commands", "Commands that mend it", all_commands(cluster, key)),
        ("orders", "Orders between resources", graph(cluster, key)),
        ("missing", "What was missing", _missing(cluster)),
        ("used", "What was used", _used(cluster)),
    ]
    inside = (
        element(
            "section",
            element("h3", name, id=f"{key}-{part}-head"),
            content,
            class_=part,
            id=f"{key}-{part}",
            aria_labelledby=f"{key}-{part}-head",
        )
        for part, name, content in parts
        if content
    )
    head = element("header", element("h2", title(cluster), id=f"{key}-head"), _figures(cluster))
    return element("section", head, inside, class_="cluster", id=key, aria_labelledby=f"{key}-head")


def severities(cluster: ClusterAnswer) -> dict[str, int]:
    """Return how many findings there are of each severity, the worst first; allowed ones apart."""
    counts = {name: sum(f.severity == name and f.allowed is None for f in cluster.found) for name in reversed(SEVERITIES)}
    return {**counts, "allowed": sum(f.allowed is not None for f in cluster.found)}


def _figures(cluster: ClusterAnswer) -> Html:
    releases = list(dict.fromkeys(host.release or "unknown" for host in cluster.hosts))
    without = (
        element("div", element("dt", "No report of"), element("dd", ", ".join(cluster.absent)), class_="bad") if cluster.absent else ""
    )
    rows = (
        element("div", element("dt", _plural(name, number)), element("dd", str(number)), class_=f"n {name}" if number else "n zero")
        for name, number in severities(cluster).items()
        if number or name != "allowed"
    )
    about = ((_plural("host", len(cluster.hosts)), str(len(cluster.hosts))), ("release", ", ".join(releases)))
    return element("dl", rows, (element("div", element("dt", n), element("dd", v)) for n, v in about), without, class_="figures")


def _plural(name: str, number: int) -> str:
    return name if number == 1 or name == "allowed" else f"{name}s"


def table(head: Sequence[str], rows: Iterable[Html], label: str, class_: str = "plain") -> Html:
    """Return a table that scrolls sideways, by keyboard too, where it is wider than the page."""
    columns = element("thead", element("tr", (element("th", name, scope="col") for name in head)))
    inside = element("table", columns, element("tbody", rows), class_=class_)
    return element("div", inside, class_="scroll", tabindex=0, role="region", aria_label=label)


def _hosts(cluster: ClusterAnswer) -> Html:
    rows = (
        element(
            "tr",
            element("th", host.name, scope="row"),
            element("td", host.captured or "unknown"),
            element("td", host.sos or "\u2013"),
            element("td", host.release or "unknown", element("small", prose(host.release_because)) if host.release_because else ""),
            element("td", str(host.judged), class_="number"),
            element("td", element("code", host.target), *(element("small", remark) for remark in host.remarks)),
        )
        for host in cluster.hosts
    )
    notes = [
        element(
            "li",
            name,
            ": ",
            element("code", older),
            f" ({captured or 'of unknown time'}) is of the same host and does not count; ",
            element("code", counting),
            " does",
        )
        for name, older, captured, counting in cluster.older
    ]
    told = table(("Host", "Captured", "sos", "Release", "Files judged", "Report"), rows, "Hosts")
    return join(told, element("ul", notes, class_="notes") if notes else "")


def _matrix(cluster: ClusterAnswer, titles: Mapping[str, str], key: str) -> Html:
    cells = [host.cells() for host in cluster.hosts]
    rows = [
        (number, clause)
        for number, clause in enumerate(titles)
        if any(of_host.get(clause, Cell(NOT_APPLICABLE)).outcome != NOT_APPLICABLE for of_host in cells)
    ]
    found: dict[tuple[str, str], int] = {}
    for one in cluster.found:
        for name in (one.hosts or [host.name for host in cluster.hosts]) if one.allowed is None else ():
            found[(name, one.clause)] = found.get((name, one.clause), 0) + 1
    body = (
        element(
            "tr",
            element("th", titles[clause], element("small", clause), scope="row"),
            (
                _cell(
                    of_host.get(clause, Cell(NOT_APPLICABLE)), found.get((host.name, clause), 0), f"{key}h{i}", f"{key}-k{number}", clause
                )
                for i, (host, of_host) in enumerate(zip(cluster.hosts, cells))
            ),
        )
        for number, clause in rows
    )
    return table(("Clause", *(host.name for host in cluster.hosts)), body, "Hosts and clauses", "matrix")


def _cell(cell: Cell, found: int, host: str, target: str, clause: str) -> Html:
    sign = element("span", _SIGNS.get(cell.outcome, "!"), class_="sign", aria_hidden="true")
    if cell.outcome == NOT_APPLICABLE:
        return element("td", sign, element("span", "not applicable", class_="unseen"), class_="none")
    words: Html = join(sign, " ", element("span", cell.outcome))
    if cell.outcome == PASS and cell.evaluated < cell.rules:
        words = join(words, element("small", f"{cell.evaluated} of {cell.rules} rules"))
    if found:
        words = join(words, element("small", counted(found, "finding")))
        words = element("a", words, href=f"#{target}", data_host=host, data_clause=clause)
    return element("td", words, class_=cell.outcome.replace(" ", "-"))


def _missing(cluster: ClusterAnswer) -> Html:
    looked: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    unevaluated = reasons(cluster.hosts)
    for host in cluster.hosts:
        for kind, paths in host.missing:
            alike = tuple(path.replace(f"/{host.name.split('.')[0]}/", "/HOST/") for path in paths)
            looked.setdefault((kind, alike), []).append(host.name)
    sought = (
        element("tr", element("th", kind, scope="row"), element("td", _which(names, cluster)), element("td", _codes(paths)))
        for (kind, paths), names in looked.items()
    )
    unjudged = (
        element(
            "tr",
            element("th", prose(because), scope="row"),
            element("td", _which([n for names in rules.values() for n in names], cluster)),
            element("td", _codes([f"{code} {rule}" for code, rule in rules])),
        )
        for because, rules in unevaluated.items()
    )
    return join(
        table(("Not in the report", "Of", "Looked for"), sought, "What was not in the reports") if looked else "",
        table(("Not evaluated because", "On", "Rules"), unjudged, "What was not evaluated") if unevaluated else "",
    )


def _which(names: Sequence[str], cluster: ClusterAnswer) -> str:
    some = list(dict.fromkeys(names))
    return every(len(some)) if len(some) == len(cluster.hosts) > 1 else ", ".join(some)


def _codes(words: Sequence[str]) -> Html:
    return join(join(element("code", word), " " if i == len(words) - 1 else element("br")) for i, word in enumerate(words))


def _used(cluster: ClusterAnswer) -> Html:
    return join(_of_host(host) for host in cluster.hosts)


def _of_host(host: HostAnswer) -> Html:
    evidence = (
        element("tr", element("th", kind, scope="row"), element("td", element("code", path), " (weaker evidence)" if weaker else ""))
        for kind, path, weaker in host.evidence
    )
    over = (element("tr", element("th", element("code", path), scope="row"), element("td", because)) for path, because in host.passed_over)
    rules = [
        element(
            "tr",
            element("th", f"{one.code} {one.rule}", scope="row"),
            element("td", one.outcome, class_=one.outcome.replace(" ", "-")),
            element("td", prose(one.because)),
        )
        for one in host.outcomes
        if one.outcome != NOT_APPLICABLE
    ]
    summary = element(
        "summary",
        host.name,
        " ",
        element("span", f"evidence from {counted(len(host.evidence), 'path')}, {counted(len(rules), 'rule')}", class_="count"),
    )
    return element(
        "details",
        summary,
        table(("Evidence", "Path in the report"), evidence, f"Evidence of {host.name}") if host.evidence else "",
        table(("Passed over", "Because"), over, f"What was passed over of {host.name}") if host.passed_over else "",
        table(("Rule", "Outcome", "Because"), rules, f"Rules on {host.name}"),
        class_="used",
    )
