"""The orders of a cluster as a picture (SVG within the page), and the same as a table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from lwlint.audit.answer import ClusterAnswer
from lwlint.audit.orders import Managed, Step
from lwlint.facts.service import ACTIVE_ACTIVE
from lwlint.finding import FAIL, PASS
from lwlint.report.html_element import Html, counted, element, join
from lwlint.report.html_layout import Arrow, Layout, layout

CLAUSE = "few-constraints"
_SUBJECT = "constraint "  # in front of the constraint's id, in the subject of a finding
_LETTER, _PAD, _BOX, _GAP, _MARGIN = 6.7, 8.0, 20.0, 36.0, 12.0
_PAPER = 1000.0  # a wider picture is printed on paper that lies
_MOST = 400  # steps that a picture can show
_FRONT = "openstack-"
_ENDS = ("-clone", "-master", "-bundle")


def graph(cluster: ClusterAnswer, key: str) -> Html:
    """Return the section's content: the picture, what it says in words, and the table of its steps; empty without a CIB."""
    found = cluster.ordering
    if not found.resources:
        return Html("")
    if not found.steps:
        return element("p", f"The CIB orders nothing: {counted(len(found.resources), 'resource')} start in any order.")
    gone = removed(cluster)
    steps = sorted(found.steps, key=lambda s: (s.constraint in gone, s.first, s.then, s.constraint))
    picture = _picture(steps, gone, found.resources, key) if len(steps) <= _MOST else Html("")
    return join(element("p", _words(cluster, gone)), _legend() if picture else "", picture, _table(steps, gone))


def removed(cluster: ClusterAnswer) -> frozenset[str]:
    """Return the ids of the constraints that the specification leaves no place for."""
    return frozenset(
        one.subject[len(_SUBJECT) :] for one in cluster.found if one.clause == CLAUSE and one.subject.startswith(_SUBJECT)
    )  # fmt: skip


def _words(cluster: ClusterAnswer, gone: Collection[str]) -> Html:
    orders = dict.fromkeys(step.constraint for step in cluster.ordering.steps)
    against = [name for name in orders if name in gone]
    ordered = {name for step in cluster.ordering.steps for name in (step.first, step.then)}
    free = [one.name for one in cluster.ordering.resources if one.name not in ordered]
    judged = any(one.clause == CLAUSE and one.outcome in (PASS, FAIL) for host in cluster.hosts for one in host.outcomes)
    said = f"{counted(len(orders), 'order')}: the specification leaves {len(orders) - len(against)} and removes {len(against)}."
    parts = [said if judged else f"{counted(len(orders), 'order')}, not judged."]
    if free:
        parts.append(f" Without an order: {', '.join(free)}.")
    return join(parts)


def _legend() -> Html:
    keys = (("kept", "stays"), ("gone", "has to go"), ("optional", "optional (dashed)"))
    lines = (
        element("li", _svg(element("path", d="M1 6H30", class_=f"arrow {name}"), 32, 12, "key"), element("span", what))
        for name, what in keys
    )
    boxes = (
        element(
            "li", _svg(element("rect", x=1, y=1, width=18, height=10, rx=2, class_=f"box {name}"), 20, 12, "key"), element("span", what)
        )
        for name, what in (
            ("inside", "may be under Pacemaker"),
            ("outside", "has to leave it (dotted)"),
            ("unknown", "not in the catalogue"),
        )
    )
    return element("ul", lines, boxes, class_="legend")


def _svg(content: Html, width: float, height: float, class_: str, **more: str) -> Html:
    hidden = {} if more else {"aria-hidden": "true"}
    given = {"viewBox": f"0 0 {width:g} {height:g}", "width": f"{width:g}", "height": f"{height:g}", "class_": class_, **hidden, **more}
    return element("svg", content, **given)


def _picture(steps: Sequence[Step], gone: Collection[str], resources: Sequence[Managed], key: str) -> Html:
    kinds: dict[Arrow, list[Step]] = {}
    for step in steps:
        kinds.setdefault((step.first, step.then), []).append(step)
    placed = layout(list(kinds))
    labels = _labels([name for names in placed.columns for name in names])
    widths = [max(len(labels[name]) for name in names) * _LETTER + 2 * _PAD for names in placed.columns]
    lefts = [_MARGIN + sum(widths[:i]) + i * _GAP for i in range(len(widths))]
    ends = {name: (lefts[i], lefts[i] + len(labels[name]) * _LETTER + 2 * _PAD) for i, names in enumerate(placed.columns) for name in names}
    arrows = (
        _arrow(arrow, kinds[arrow], gone, placed, ends, lefts, widths, key) for arrow in sorted(kinds, key=lambda a: _rank(kinds[a], gone))
    )
    known = {one.name: one for one in resources}
    boxes = (_box(name, labels[name], known.get(name, Managed(name)), ends[name], placed.heights[name]) for name in ends)
    content = join(element("title", "Orders between resources, from left to right"), _heads(key), arrows, boxes)
    width, height = lefts[-1] + widths[-1] + _MARGIN, placed.height + _BOX + 2 * _MARGIN
    drawn = _svg(
        content,
        round(width),
        round(height),
        f"graph {key}",
        role="img",
        **{"aria-label": "Orders between resources; the table below has the same"},
    )
    return element(
        "div",
        drawn,
        class_=f"scroll figure{' wide' if width > _PAPER else ''}",
        tabindex=0,
        role="region",
        aria_label="Picture of the orders",
    )


def _heads(key: str) -> Html:
    heads = (
        element("marker", element("path", d="M0 0L7 3.5L0 7z", class_=f"head {name}"), id=f"{key}-{name}", viewBox="0 0 7 7", **_HEAD)
        for name in ("kept", "gone")
    )
    return element("defs", heads)


_HEAD: Mapping[str, str] = {"refX": "6.5", "refY": "3.5", "markerWidth": "7", "markerHeight": "7", "orient": "auto"}


def _rank(steps: Sequence[Step], gone: Collection[str]) -> tuple[bool, str, str]:
    return (all(step.constraint not in gone for step in steps), steps[0].first, steps[0].then)


def _arrow(
    arrow: Arrow,
    steps: Sequence[Step],
    gone: Collection[str],
    placed: Layout,
    ends: Mapping[str, tuple[float, float]],
    lefts: Sequence[float],
    widths: Sequence[float],
    key: str,
) -> Html:
    first, then = arrow
    middle = _MARGIN + _BOX / 2
    points = [(ends[first][1], placed.heights[first] + middle)]
    for i in range(placed.column(first) + 1, placed.column(then)):
        height = placed.heights[(first, then, i)] + middle
        points += [(lefts[i], height), (lefts[i] + widths[i], height)]
    points.append((ends[then][0], placed.heights[then] + middle))
    path = f"M{_at(points[0])}"
    for (x, y), (to_x, to_y) in zip(points, points[1:]):
        bend = (to_x - x) / 2 if to_x > x else 40
        path += (
            f"L{_at((to_x, to_y))}" if y == to_y and to_x > x else f"C{_at((x + bend, y))} {_at((to_x - bend, to_y))} {_at((to_x, to_y))}"
        )
    name = "gone" if all(step.constraint in gone for step in steps) else "kept"
    optional = " optional" if all(step.kind != "Mandatory" for step in steps) else ""
    said = "; ".join(f"{step.constraint} ({step.kind}{', has to go' if step.constraint in gone else ''})" for step in steps)
    return element("path", element("title", said), d=path, class_=f"arrow {name}{optional}", marker_end=f"url(#{key}-{name})")


def _at(point: tuple[float, float]) -> str:
    return f"{round(point[0], 1):g} {round(point[1], 1):g}"


def _box(name: str, label: str, resource: Managed, ends: tuple[float, float], height: float) -> Html:
    kind = "unknown" if not resource.kind else "outside" if resource.kind == ACTIVE_ACTIVE else "inside"
    said = f"{name}: {resource.title}, {resource.kind.replace('_', '/')}" if resource.kind else f"{name}: not in the catalogue"
    top = height + _MARGIN
    box = element("rect", x=f"{ends[0]:g}", y=f"{top:g}", width=f"{ends[1] - ends[0]:.1f}", height=f"{_BOX:g}", rx=3, class_=f"box {kind}")
    words = element("text", label, x=f"{ends[0] + _PAD:g}", y=f"{top + 14:g}", class_="name")
    return element("g", element("title", said), box, words)


def _labels(names: Sequence[str]) -> dict[str, str]:
    """Return names short enough for a picture, without the parts that most have; whole where two would look alike."""
    short = {}
    for name in names:
        end = next((end for end in _ENDS if name.endswith(end)), "")
        short[name] = name[len(_FRONT) if name.startswith(_FRONT) else 0 : len(name) - len(end)] or name
    alike = list(short.values())
    return {name: label if alike.count(label) == 1 else name for name, label in short.items()}


def _table(steps: Sequence[Step], gone: Collection[str]) -> Html:
    head = element("tr", (element("th", title, scope="col") for title in ("First", "Then", "Kind", "Constraint", "By the specification")))
    rows: Iterator[Html] = (
        element(
            "tr",
            element("th", step.first, scope="row"),
            element("td", step.then),
            element("td", step.kind),
            element("td", element("code", step.constraint)),
            element("td", "has to go" if step.constraint in gone else "stays", class_="bad" if step.constraint in gone else None),
        )
        for step in steps
    )
    table = element("table", element("thead", head), element("tbody", rows), class_="plain")
    scroll = element("div", table, class_="scroll", tabindex=0, role="region", aria_label="Table of the orders")
    return element("details", element("summary", f"The {counted(len(steps), 'step')} as a table"), scroll)
