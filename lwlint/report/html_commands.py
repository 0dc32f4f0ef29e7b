"""Commands as HTML, by where they are run, each block with a button that copies it."""

from __future__ import annotations

from collections.abc import Iterable

from lwlint.audit.answer import ClusterAnswer
from lwlint.audit.commands import in_order, together
from lwlint.report.audit_text import where
from lwlint.report.html_element import Html, element, join


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
