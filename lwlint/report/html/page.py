"""An audit as one page of HTML: complete in itself, without a network, and readable without its script."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from itertools import groupby

from lwlint import __version__
from lwlint.audit.answer import (
    NOT_APPLICABLE,
    Audit,
    Cell,
    ClusterAnswer,
    Found,
    HostAnswer,
    Place,
    TargetAnswer,
    counts,
    in_order,
    mends,
    reasons,
    together,
    verdict,
)
from lwlint.core.finding import FAIL, NOT_EVALUATED, PASS, SEVERITIES
from lwlint.core.harmless import count_of
from lwlint.policy.rules import Clause
from lwlint.report.audit import WORST, alike, health, lacking, not_started, say_group, summary, where, worst, worst_first
from lwlint.report.html import Content, Html, element, join, prose
from lwlint.report.picture import graph

_NAMED = 3  # hosts that a finding names in its line; more are counted
_PLACEHOLDER = re.compile(r"(?<![\w-])[A-Z]{2,}(?![\w=-])|<[\w-]+>|\.\.\.")  # a word in capitals is yours to fill in: `UNIT`, `ID`
_NO_PLACEHOLDERS = frozenset(("INFINITY",))
_INLINE = re.compile(r"`([^`\n]+)`")
_COMMAND = re.compile(
    r"(?:pcs|pcs0|crm_[a-z]+|cibadmin|systemctl|crudini|openstack-config|podman|docker|journalctl|rm|mv|cp|ln|tee|cat|install|mysql|sudo)\s+\S"
)


def render(audit: Audit, clauses: Sequence[Clause]) -> str:
    """Return the whole answer as an HTML document with a final line break."""
    style, script = _asset("html.css"), _asset("html.js")
    titles = {clause.id: clause.title for clause in clauses}
    names = ", ".join(cluster.name for cluster in audit.clusters if cluster.name)
    title = f"lwlint audit{': ' if names else ''}{names}"
    return document(title, style, script, _skip(), _banner(audit), _main(audit, titles), _foot())


def document(title: str, style: Html, script: Html, *content: Content) -> str:
    """Return a page that is complete in itself and may do nothing but show itself, with a final line break; the script comes last."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", style),
    )
    body = element("body", *content, element("script", script))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _asset(name: str) -> Html:
    return Html(files("lwlint.report.html").joinpath(name).read_text("utf-8"))


def _policy(style: str, script: str) -> str:
    """Return what a page with this style and this script may do: show itself, and nothing else."""
    return f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _skip() -> Html:
    return element("a", "To the content", href="#content", class_="skip")


def _banner(audit: Audit) -> Html:
    parts = [element("h1", "lwlint audit"), element("p", summary(audit), class_="summary")]
    return element("header", parts, class_="banner")


def _main(audit: Audit, titles: Mapping[str, str]) -> Html:
    taken: dict[str, int] = {}
    clusters = (section(cluster, titles, f"c{i}", taken) for i, cluster in enumerate(audit.clusters))
    return element("main", _overview(audit), _controls(audit, titles), clusters, _targets(audit.targets), id="content", tabindex=-1)


def _overview(audit: Audit) -> Html:
    """Return the table of clusters, worst first; the script lets it be sorted by each column."""
    if len(audit.clusters) < 2:
        return Html("")
    places = {id(cluster): f"#c{i}" for i, cluster in enumerate(audit.clusters)}
    rows = (
        element(
            "tr",
            element("th", element("a", cluster.title, href=places[id(cluster)]), scope="row"),
            element("td", str(len(cluster.hosts)), class_="number"),
            (element("td", str(number), class_="number") for number in severities(cluster).values()),
            element("td", verdict(cluster)),
        )
        for cluster in worst_first(audit.clusters)
    )
    names = (*(f"{name.capitalize()}s" for name in reversed(SEVERITIES)), "Allowed")
    head = element("h2", "Overview", id="overview-head")
    told = table(("Cluster", "Hosts", *names, "Verdict"), rows, "Clusters", "plain sortable")
    return element("nav", head, told, class_="overview", aria_labelledby="overview-head")


def _controls(audit: Audit, titles: Mapping[str, str]) -> Html:
    """Return the filters; they are hidden until the script shows them."""
    found = [one for cluster in audit.clusters for one in cluster.found]
    if not found:
        return Html("")
    there = [name for name in reversed(SEVERITIES) if any(one.severity == name and one.allowed is None for one in found)]
    there += ["allowed"] if any(one.allowed is not None for one in found) else []
    boxes = (
        element("label", element("input", type="checkbox", name="severity", value=name, checked=True), " ", name, class_=f"check {name}")
        for name in there
    )
    clauses = list(dict.fromkeys(one.clause for one in found))
    known = [clause for clause in titles if clause in clauses] + [clause for clause in clauses if clause not in titles]
    groups = join(_hosts_of_all(audit))
    return element(
        "div",
        element(
            "label",
            element("span", "Search", class_="unseen"),
            element("input", type="search", id="search", autocomplete="off", spellcheck="false", placeholder="words   ( / )"),
        ),
        element(
            "div",
            _button("before", "\u2039", "The hit before (Shift+Enter)"),
            element("span", id="hit", class_="hits", aria_live="polite"),
            _button("next", "\u203a", "The next hit (Enter)"),
            class_="moves",
        ),
        element("output", f"{count_of(len(found), 'finding')}", id="count", aria_live="polite"),
        element("label", element("span", "Host"), element("select", element("option", "all", value=""), groups, id="host")),
        element(
            "label",
            element("span", "Clause"),
            element(
                "select", element("option", "all", value=""), (element("option", titles.get(c, c), value=c) for c in known), id="clause"
            ),
        ),
        element("fieldset", element("legend", "Severity", class_="unseen"), boxes),
        element(
            "div",
            _button("open", "Open", "Open all"),
            _button("close", "Close", "Close all"),
            _button("clear", "Clear", "Clear the filters"),
            class_="buttons",
        ),
        class_="controls",
        role="search",
        aria_label="Filter the findings",
        hidden=True,
    )


def _button(name: str, label: str, said: str | None = None) -> Html:
    return element("button", label, type="button", id=name, aria_label=said, title=said)


def _hosts_of_all(audit: Audit) -> Iterator[Html]:
    for i, cluster in enumerate(audit.clusters):
        options = join(element("option", host.name, value=f"c{i}h{j}") for j, host in enumerate(cluster.hosts))
        yield element("optgroup", options, label=cluster.title) if len(audit.clusters) > 1 else options


def _targets(targets: Sequence[TargetAnswer]) -> Html:
    """Return what was wrong with targets; a target without trouble is not named, as its hosts are."""
    told = [target for target in targets if target.troubles or not target.hosts]
    if not told:
        return Html("")
    rows = (
        element(
            "tr",
            element("th", element("code", target.path), scope="row"),
            element("td", target.kind),
            element("td", count_of(target.hosts, "report") if target.hosts else "nothing to judge in it"),
            element("td", element("ul", (element("li", trouble) for trouble in target.troubles), class_="bare")),
        )
        for target in told
    )
    head = element("h2", "Troubles with what was given", id="targets-head")
    return element(
        "section", head, table(("Target", "Kind", "Reports", "Troubles"), rows, "Troubles"), id="targets", aria_labelledby="targets-head"
    )


def _foot() -> Html:
    words = "Secrets are shown as asterisks. Not evaluated means that the evidence was not in the report; it does not mean passed."
    return element("footer", element("p", f"Made by lwlint {__version__}. {words}"), element("p", id="said", role="status", class_="said"))


def copy(target: str) -> Html:
    """Return the button that copies the text of the element `target`; it is shown where there is JavaScript."""
    return element(
        "button", "Copy", element("span", " what to do", class_="unseen"), type="button", class_="copy", data_copy=target, hidden=True
    )


def commands(lines_of: Iterable[tuple[str, str]], key: str) -> Html:
    """Return the commands of one finding in blocks, each after where it is run; `key` is the first part of every id in them."""
    blocks = []
    for i, (places, lines) in enumerate(together(in_order(lines_of))):
        blocks.append(element("p", where(places), class_="where"))
        blocks.append(_show_commands("\n".join(lines), f"{key}-{i}"))
    return join(blocks)


def _show_commands(lines: str, key: str) -> Html:
    """Return lines for a shell; with a button that copies them, unless there is something in them that is yours to fill in."""
    pre = element("pre", element("code", lines, id=key))
    return element("div", pre, "" if _has_placeholder(lines) else copy(key), class_="command")


def _has_placeholder(lines: str) -> bool:
    return any(word not in _NO_PLACEHOLDERS for word in _PLACEHOLDER.findall(lines))


def all_commands(cluster: ClusterAnswer, groups: Mapping[str, Sequence[Found]]) -> Html:
    """Return what fixes the cluster, without what fixes notes, which may be as it should be; empty if there is nothing.

    `groups` are the findings by the ids of the elements that they stand in: a line is shown as long as one of its findings is. There is
    no button to copy it all: it is to be read, and run host by host.
    """
    told, held = mends(cluster)
    if not told and not held:
        return Html("")
    keys_of = {id(one): key for key, group in groups.items() for one in group}
    of: dict[str, dict[str, None]] = {}
    for one, (_, line) in told:
        of.setdefault(line, {}).setdefault(keys_of[id(one)])
    names = [host.name for host in cluster.hosts]
    blocks = [element("p", "To be read before they are run, host by host. An option counts when its service has been restarted.")]
    for places, lines in together(in_order(mend for _, mend in told)):
        hosts = [place for place in places if place in names] or names
        rows = (element("span", line, "\n", class_="line", data_of=" ".join(of[line])) for line in lines)
        pre = element("pre", element("code", rows))
        keys = " ".join(f"{next(iter(groups)).split('-')[0]}h{names.index(host)}" for host in hosts)
        blocks.append(
            element(
                "div", element("p", where(places), class_="where"), element("div", pre, class_="command"), class_="run", data_hosts=keys
            )
        )
    if held:
        said = not_started(held)
        blocks.append(element("p", f"{said[:1].upper()}{said[1:]}.", class_="where"))
    return join(blocks)


def groups_of(cluster: ClusterAnswer, titles: Mapping[str, str], key: str) -> dict[str, list[Found]]:
    """Return the findings as they stand together, by the id of their element: by clause and rule, then those that say the same."""
    groups = {}
    known = [*titles, *sorted({one.clause for one in cluster.found} - set(titles))]
    for number, clause in enumerate(known):
        for i, found in enumerate(_rules([one for one in cluster.found if one.clause == clause])):
            for j, group in enumerate(alike(found)):
                groups[f"{key}-k{number}-r{i}-{j}"] = group
    return groups


def _rules(found: Sequence[Found]) -> list[list[Found]]:
    order = sorted(found, key=lambda f: (f.code, f.rule, f.remedy))  # stable: severity and place within
    return [list(group) for _, group in groupby(order, key=lambda f: (f.code, f.rule, f.remedy))]


def findings(
    cluster: ClusterAnswer, titles: Mapping[str, str], key: str, groups: Mapping[str, Sequence[Found]], taken: dict[str, int]
) -> Html:
    """Return the section's content."""
    if not cluster.found:
        return element("p", "Nothing was found.")
    known = [*titles, *sorted({one.clause for one in cluster.found} - set(titles))]
    links = _permalinks(cluster, groups, taken)
    parts = []
    for number, clause in enumerate(known):
        inside = {name: group for name, group in groups.items() if name.startswith(f"{key}-k{number}-")}
        if inside:
            parts.append(_clause(inside, cluster, clause, titles.get(clause, clause), f"{key}-k{number}", links))
    nothing = element("p", "No finding of this cluster passes the filters.", class_="nothing", hidden=True)
    return join(nothing, parts)


def _permalinks(cluster: ClusterAnswer, groups: Mapping[str, Sequence[Found]], taken: dict[str, int]) -> dict[int, str]:
    """Return an id for each finding (by Python's own of it) that stays the same in other answers, whatever else is found there."""
    links: dict[int, str] = {}
    for one in (one for group in groups.values() for one in group):
        words = "\0".join((cluster.name, one.code, one.subject, one.message, *sorted(one.hosts)))
        link = f"{one.code}-{hashlib.blake2s(words.encode('utf-8', 'replace'), digest_size=4).hexdigest()}"
        taken[link] = taken.get(link, 0) + 1
        links[id(one)] = link if taken[link] == 1 else f"{link}-{taken[link]}"
    return links


def _clause(
    groups: Mapping[str, Sequence[Found]], cluster: ClusterAnswer, clause: str, title: str, key: str, links: Mapping[int, str]
) -> Html:
    rules = groupby(groups.items(), key=lambda item: item[0].rpartition("-")[0])
    head = element("h4", title, " ", element("span", clause, class_="id"), " ", _count(sum(map(len, groups.values()))))
    inside = join(_rule(dict(items), cluster, name, links) for name, items in rules)
    return element("section", head, inside, class_="clause", id=key, data_clause=clause)


def _count(number: int) -> Html:
    return element("span", count_of(number, "finding"), class_="count", data_all=number)


def _rule(groups: Mapping[str, Sequence[Found]], cluster: ClusterAnswer, key: str, links: Mapping[int, str]) -> Html:
    first = next(iter(groups.values()))[0]
    head = element("h5", element("span", first.code, class_="code"), " ", first.rule, " ", _count(sum(map(len, groups.values()))))
    folded = {name: group for name, group in groups.items() if group[0].severity == "note" or group[0].allowed is not None}
    shown = (_finding(group, cluster, name, links) for name, group in groups.items() if name not in folded)
    parts = [element("div", shown, class_="list")] if len(folded) < len(groups) else []
    if folded:
        inside = element("div", (_finding(group, cluster, name, links) for name, group in folded.items()), class_="list")
        parts.append(element("details", element("summary", _say_folded(folded.values())), inside, class_="folded"))
    return element("section", head, _remedy(first.remedy, key), parts, class_="rule")


def _say_folded(groups: Iterable[Sequence[Found]]) -> str:
    """Return what is folded away: how many notes, and how many findings that are allowed."""
    allowed = notes = 0
    for group in groups:
        if group[0].allowed is not None:
            allowed += len(group)
        else:
            notes += len(group)
    return ", ".join([*([count_of(notes, "note")] if notes else []), *([f"{allowed} allowed"] if allowed else [])])


def _remedy(remedy: str, key: str) -> Html:
    """Return the remedy: prose, and below it what can be pasted into a shell, each with a button that copies it.

    The text to copy stands hidden beside the prose, as it was written. Where a word is yours to fill in, nothing is copied.
    """
    if not remedy.strip():
        return Html("")
    said, blocks = parts_of(remedy)
    button = Html("") if re.search(r"<[\w-]+>", remedy) or any(map(_has_placeholder, blocks)) else copy(f"{key}-m")
    whole = element("p", element("b", "What to do"), " ", prose(said), button, class_="what")
    hidden = element("span", remedy.strip(), id=f"{key}-m", hidden=True)
    return element("div", whole, hidden, (_show_commands(block, f"{key}-m{i}") for i, block in enumerate(blocks)), class_="remedy")


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
    return " ".join(said), [_dedent(block) for block in dict.fromkeys(blocks)]


def _dedent(block: str) -> str:
    lines = block.splitlines()
    least = min(len(line) - len(line.lstrip()) for line in lines)
    return "\n".join(line[least:] for line in lines)


def _finding(group: Sequence[Found], cluster: ClusterAnswer, key: str, links: Mapping[int, str]) -> Html:
    """Return findings that say the same as one element that opens: each of them is an item in it."""
    found = group[0]
    names = [host.name for host in cluster.hosts]
    severity = "allowed" if found.allowed is not None else found.severity
    badge = element("span", severity, class_=f"badge {severity}")
    on = element("span", _on(found, len(names)), class_="on") if len(names) > 1 and found.hosts else Html("")
    line = element("summary", badge, " ", element("span", prose(say_group(group)), class_="message"), " ", on)
    hosts = found.hosts or names  # what is of no host is of the whole cluster
    cluster_key = key.split("-")[0]
    keys = " ".join(f"{cluster_key}h{names.index(host)}" for host in hosts if host in names)
    items = (
        element(
            "div",
            element("a", "#", href=f"#{links[id(one)]}", class_="link", title="Link to this finding", aria_label="Link to this finding"),
            element("p", prose(one.message), class_="message") if len(group) > 1 else "",
            _body(one, cluster, f"{key}-{i}"),
            class_="item",
            id=links[id(one)],
        )
        for i, one in enumerate(group)
    )
    return element("details", line, element("div", items, class_="body"), class_="finding", id=key, data_severity=severity, data_hosts=keys)


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


def section(cluster: ClusterAnswer, titles: Mapping[str, str], key: str, taken: dict[str, int]) -> Html:
    """Return all of a cluster; `key` is the first part of every id in it but for the links to findings, of which some are `taken`."""
    groups = groups_of(cluster, titles, key)
    parts = [
        ("matrix", "Hosts and clauses", _matrix(cluster, titles, key)),
        ("hosts", "Hosts", _hosts(cluster)),
        ("findings", "Findings", findings(cluster, titles, key, groups, taken)),
        ("commands", "Commands that fix it", all_commands(cluster, groups)),
        ("orders", "Orders between resources", graph(cluster, key)),
        ("missing", "What was missing", _missing(cluster)),
        ("used", "What was used", _list_hosts(cluster)),
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
    told = [element("p", verdict(cluster), class_=f"verdict{' bad' if counts(cluster)[0] else ''}")]
    lines = [f"Worst: {line}" for line, _ in worst(cluster)[:WORST]]
    lines += [f"Health: {health(cluster)}"] if health(cluster) else []
    lines += [f"Missing: {lacking(cluster)}"] if lacking(cluster) else []
    told += [element("ul", (element("li", line) for line in lines), class_="first bare")] if lines else []
    head = element("header", element("h2", cluster.title, id=f"{key}-head"), told, _figures(cluster))
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
            element("th", titles[clause], element("small", clause), scope="row", data_clause=clause),
            (
                _cell(
                    of_host.get(clause, Cell(NOT_APPLICABLE)), found.get((host.name, clause), 0), f"{key}h{i}", f"{key}-k{number}", clause
                )
                for i, (host, of_host) in enumerate(zip(cluster.hosts, cells))
            ),
        )
        for number, clause in rows
    )
    heads = ("Clause", *(element("span", host.name, data_host=f"{key}h{i}") for i, host in enumerate(cluster.hosts)))
    return table(heads, body, "Hosts and clauses", "matrix")


def _cell(cell: Cell, found: int, host: str, target: str, clause: str) -> Html:
    sign = element("span", _SIGNS.get(cell.outcome, "!"), class_="sign", aria_hidden="true")
    if cell.outcome == NOT_APPLICABLE:
        return element("td", sign, element("span", "not applicable", class_="unseen"), class_="none")
    words: Html = join(sign, " ", element("span", cell.outcome))
    if cell.outcome == PASS and cell.evaluated < cell.rules:
        words = join(words, element("small", f"{cell.evaluated} of {cell.rules} rules"))
    if found:
        words = join(words, element("small", count_of(found, "finding"), data_all=found))
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


def _list_hosts(cluster: ClusterAnswer) -> Html:
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
        element("span", f"evidence from {count_of(len(host.evidence), 'path')}, {count_of(len(rules), 'rule')}", class_="count"),
    )
    return element(
        "details",
        summary,
        table(("Evidence", "Path in the report"), evidence, f"Evidence of {host.name}") if host.evidence else "",
        table(("Passed over", "Because"), over, f"What was passed over of {host.name}") if host.passed_over else "",
        table(("Rule", "Outcome", "Because"), rules, f"Rules on {host.name}"),
        class_="used",
    )
