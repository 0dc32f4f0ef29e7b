"""One cluster of an audit as HTML: its hosts, the matrix of hosts and clauses, and what was used and missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from lwlint.audit.answer import NOT_APPLICABLE, Cell, ClusterAnswer, Found, HostAnswer, Place, reasons
from lwlint.audit.commands import in_order, together
from lwlint.core.finding import FAIL, NOT_EVALUATED, PASS, SEVERITIES
from lwlint.core.harmless import counted
from lwlint.report.audit import where
from lwlint.report.html import Html, element, join, prose
from lwlint.report.html.graph import graph


def copy(target: str) -> Html:
    """Return the button that copies the text of the element `target`; it is shown where there is JavaScript."""
    return element(
        "button", "Copy", element("span", " what to do", class_="unseen"), type="button", class_="copy", data_copy=target, hidden=True
    )


def commands(mends: Iterable[tuple[str, str]], key: str) -> Html:
    """Return blocks of commands, each after where it is run; `key` is the first part of every id in them."""
    blocks = []
    for i, (places, lines) in enumerate(together(in_order(mends))):
        blocks.append(element("p", where(places), class_="where"))
        pre = element("pre", element("code", "\n".join(lines), id=f"{key}-{i}"))
        blocks.append(element("div", pre, copy(f"{key}-{i}"), class_="command"))
    return join(blocks)


def all_commands(cluster: ClusterAnswer, key: str) -> Html:
    """Return what mends the cluster, without what mends notes, which may be as it should be; empty if there is nothing."""
    mends = [mend for one in cluster.found if one.allowed is None and one.severity != "note" for mend in one.commands]
    if not mends:
        return Html("")
    said = "To be read before they are run. An option counts when its service has been restarted."
    return join([element("p", said), commands(mends, f"{key}-all")])


_NAMED = 3  # hosts that a finding names in its line; more are counted
_INLINE = re.compile(r"`([^`\n]+)`")
_COMMAND = re.compile(
    r"(?:pcs|pcs0|crm_[a-z]+|cibadmin|systemctl|crudini|openstack-config|podman|docker|journalctl|rm|mv|cp|ln|tee|cat|install|mysql|sudo)\s+\S"
)


def findings(cluster: ClusterAnswer, titles: Mapping[str, str], key: str) -> Html:
    """Return the section's content."""
    if not cluster.found:
        return element("p", "Nothing was found.")
    known = [*titles, *sorted({one.clause for one in cluster.found} - set(titles))]
    parts = []
    for number, clause in enumerate(known):
        found = [one for one in cluster.found if one.clause == clause]
        if found:
            parts.append(_clause(found, cluster, clause, titles.get(clause, clause), f"{key}-k{number}"))
    nothing = element("p", "No finding of this cluster passes the filters.", class_="nothing", hidden=True)
    return join(nothing, parts)


def _clause(found: Sequence[Found], cluster: ClusterAnswer, clause: str, title: str, key: str) -> Html:
    order = sorted(found, key=lambda f: (f.code, f.rule, f.remedy))  # stable: severity and place within
    rules = [list(group) for _, group in groupby(order, key=lambda f: (f.code, f.rule, f.remedy))]
    head = element("h4", title, " ", element("span", clause, class_="id"), " ", _count(len(found)))
    inside = join(_rule(group, cluster, f"{key}-r{i}") for i, group in enumerate(rules))
    return element("section", head, inside, class_="clause", id=key, data_clause=clause)


def _count(number: int) -> Html:
    return element("span", counted(number, "finding"), class_="count", data_all=number)


def _rule(found: Sequence[Found], cluster: ClusterAnswer, key: str) -> Html:
    first = found[0]
    head = element("h5", element("span", first.code, class_="code"), " ", first.rule, " ", _count(len(found)))
    items = (_finding(one, cluster, f"{key}-{i}") for i, one in enumerate(found))
    return element("section", head, _remedy(first.remedy, key), element("div", items, class_="list"), class_="rule")


def _remedy(remedy: str, key: str) -> Html:
    """Return the remedy: prose, and below it what can be pasted into a shell, each with a button that copies it.

    The text to copy stands hidden beside the prose, as it was written.
    """
    if not remedy.strip():
        return Html("")
    said, blocks = parts_of(remedy)
    whole = element("p", element("b", "What to do"), " ", prose(said), copy(f"{key}-m"), class_="what")
    hidden = element("span", remedy.strip(), id=f"{key}-m", hidden=True)
    pasted = (
        element("div", element("pre", element("code", block, id=f"{key}-m{i}")), copy(f"{key}-m{i}"), class_="command")
        for i, block in enumerate(blocks)
    )
    return element("div", whole, hidden, pasted, class_="remedy")


def parts_of(remedy: str) -> tuple[str, list[str]]:
    """Return the prose of a remedy, and the commands in it: those in backticks, and lines that are indented or begin like one."""
    said: list[str] = []
    blocks: list[str] = []
    last = False
    for line in remedy.strip("\n").splitlines():
        is_block = bool(line.strip()) and (line[:1] in " \t" or _COMMAND.match(line) is not None)
        if is_block and last:
            blocks[-1] += "\n" + line.rstrip()
        elif is_block:
            blocks.append(line.rstrip())
        elif line.strip():
            said.append(line.strip())
            blocks += [command for command in _INLINE.findall(line) if _COMMAND.match(command)]
        last = is_block
    return " ".join(said), [_dedented(block) for block in dict.fromkeys(blocks)]


def _dedented(block: str) -> str:
    lines = block.splitlines()
    least = min(len(line) - len(line.lstrip()) for line in lines)
    return "\n".join(line[least:] for line in lines)


def _finding(found: Found, cluster: ClusterAnswer, key: str) -> Html:
    names = [host.name for host in cluster.hosts]
    allowed = found.allowed is not None
    badge = element("span", "allowed" if allowed else found.severity, class_=f"badge {'allowed' if allowed else found.severity}")
    on = element("span", _on(found, len(names)), class_="on") if len(names) > 1 and found.hosts else Html("")
    line = element("summary", badge, " ", element("span", prose(found.message), class_="message"), " ", on)
    hosts = found.hosts or names  # what is of no host is of the whole cluster
    cluster_key = key.split("-")[0]
    keys = " ".join(f"{cluster_key}h{names.index(host)}" for host in hosts if host in names)
    return element(
        "details",
        line,
        element("div", _body(found, cluster, key), class_="body"),
        class_="finding",
        id=key,
        data_severity="allowed" if allowed else found.severity,
        data_hosts=keys,
    )


def every(hosts: int) -> str:
    """Return what to say for all hosts of a cluster with several."""
    return "both hosts" if hosts == 2 else f"all {hosts} hosts"


def _on(found: Found, hosts: int) -> str:
    if len(found.hosts) == hosts:
        return every(hosts)
    return ", ".join(found.hosts) if len(found.hosts) <= _NAMED else f"{len(found.hosts)} of {hosts} hosts"


def _body(found: Found, cluster: ClusterAnswer, key: str) -> Iterator[Html]:
    if found.allowed is not None:
        yield element("p", f"Allowed ({found.severity}): ", found.allowed)
    if _NAMED < len(found.hosts) < len(cluster.hosts):
        yield element("p", "On ", ", ".join(found.hosts), class_="hosts")
    yield element("ul", _places(found.places), class_="evidence")
    if found.commands:
        yield element("p", "Commands", class_="label")
        yield commands(found.commands, f"{key}-c")
    if found.related:
        rows = (
            element("li", element("span", prose(message), class_="why"), " ", element("code", place.shown, class_="place"), _line(place))
            for place, message in found.related
        )
        yield element("p", "See also", class_="label")
        yield element("ul", rows, class_="evidence")


def _places(places: Sequence[Place]) -> Iterator[Html]:
    """Yield the places, those next to each other that have one line together with it."""
    for _, group in groupby(places, key=lambda p: (p.path, p.line, p.text)):
        alike = list(group)
        yield element("li", (element("code", place.shown, class_="place") for place in alike), _line(alike[0]))


def _line(place: Place) -> Html:
    if not place.text:
        return Html("")
    return element("pre", element("span", str(place.line), class_="number"), " ", element("code", place.text), class_="source")


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
