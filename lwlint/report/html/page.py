"""An audit as one page of HTML: complete in itself, without a network, and readable without its script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

from lwlint import __version__
from lwlint.audit.answer import Audit, TargetAnswer
from lwlint.core.finding import SEVERITIES
from lwlint.core.harmless import counted
from lwlint.policy.rules import Clause
from lwlint.report.audit import summary, verdict, worst_first
from lwlint.report.html import Content, Html, element, join
from lwlint.report.html.cluster import section, severities, table


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
    groups = join(_hosts(audit))
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
        element("output", f"{counted(len(found), 'finding')}", id="count", aria_live="polite"),
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


def _hosts(audit: Audit) -> Iterator[Html]:
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
            element("td", counted(target.hosts, "report") if target.hosts else "nothing to judge in it"),
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
