"""What was found in a cluster: by clause, then by rule with its remedy once, each finding to be opened down to its evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from lwlint.audit.answer import ClusterAnswer, Found, Place
from lwlint.report.html_commands import commands, copy
from lwlint.report.html_element import Html, counted, element, join, prose

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
