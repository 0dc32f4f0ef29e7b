"""The orders of a cluster as a picture (SVG within the page), and the same as a table."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Union

from msgspec import Struct, field

from lwlint.audit.answer import ORDERS, ClusterAnswer, Managed, Step
from lwlint.core.facts import ACTIVE_ACTIVE
from lwlint.core.finding import FAIL, PASS
from lwlint.core.harmless import counted
from lwlint.report.html import Html, element, join

ROW = 26.0  # from one name to the next in a column
_LANE = 9.0  # from one arrow that passes a column to the next
_SWEEPS = 12
Arrow = tuple[str, str]
Bend = tuple[str, str, int]  # where an arrow passes a column
Spot = Union[str, Bend]


class Layout(Struct, frozen=True):
    """`columns` has the names of each column from top to bottom; `heights` where each name, and each bend of an arrow, stands.

    `back` are the arrows that close a circle, and therefore lead to the left.
    """

    columns: tuple[tuple[str, ...], ...]
    heights: Mapping[Spot, float] = field(default_factory=dict)
    back: frozenset[Arrow] = frozenset()

    @property
    def height(self) -> float:
        """How high the picture is, from the middle of the first row to that of the last."""
        return max(self.heights.values(), default=0.0)

    def column(self, name: str) -> int:
        """Return in which column a name stands."""
        return next(i for i, names in enumerate(self.columns) if name in names)


def layout(arrows: Sequence[Arrow]) -> Layout:
    """Return where the names that the arrows join stand; the same for the same arrows, in whatever order."""
    edges = sorted(set(arrows))
    back = _back(edges)
    forward = [edge for edge in edges if edge not in back]
    column = _columns(sorted({name for edge in edges for name in edge}), forward)
    spots: list[list[Spot]] = [[] for _ in range(max(column.values(), default=-1) + 1)]
    for name in sorted(column):
        spots[column[name]].append(name)
    links: dict[Spot, list[Spot]] = {}
    for first, then in forward:
        chain: list[Spot] = [first, *((first, then, i) for i in range(column[first] + 1, column[then])), then]
        for i, spot in enumerate(chain[1:-1], column[first] + 1):
            spots[i].append(spot)
        for one, other in itertools.pairwise(chain):
            links.setdefault(one, []).append(other)
            links.setdefault(other, []).append(one)
    heights = _heights(spots, links)
    names = tuple(tuple(spot for spot in sorted(each, key=lambda s: heights[s]) if isinstance(spot, str)) for each in spots)
    return Layout(names, heights, back)


def _back(edges: Sequence[Arrow]) -> frozenset[Arrow]:
    """Return arrows without which there is no circle."""
    after: dict[str, list[str]] = {}
    for first, then in edges:
        after.setdefault(first, []).append(then)
    back: set[Arrow] = set()
    done: set[str] = set()
    for start in sorted(after):
        trail = {start}
        stack = [(start, iter(after[start]))]
        while stack and start not in done:
            name, rest = stack[-1]
            then = next(rest, "")
            if not then:
                stack.pop()
                trail.discard(name)
                done.add(name)
            elif then in trail:
                back.add((name, then))
            elif then not in done:
                trail.add(then)
                stack.append((then, iter(after.get(then, ()))))
    return frozenset(back)


def _columns(names: Sequence[str], edges: Sequence[Arrow]) -> dict[str, int]:
    """Return the column of each name: right of all that comes before it, and what comes first beside what it is before."""
    column = dict.fromkeys(names, 0)
    for _ in names:
        late = [(first, then) for first, then in edges if column[then] <= column[first]]
        if not late:
            break
        for first, then in late:
            column[then] = max(column[then], column[first] + 1)
    has_before = {then for _, then in edges}
    for name in names:
        following = [column[then] for first, then in edges if first == name]
        if name not in has_before and following:
            column[name] = min(following) - 1
    return column


def _heights(spots: Sequence[list[Spot]], links: Mapping[Spot, Sequence[Spot]]) -> dict[Spot, float]:
    """Return heights that bring what is linked near to each other, with room between those of one column."""
    heights = {spot: i * ROW for each in spots for i, spot in enumerate(each)}
    column = {spot: i for i, each in enumerate(spots) for spot in each}
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for each in spots if down else reversed(spots):
            wanted = {spot: _wanted(spot, heights, links, column, down and sweep < _SWEEPS - 4, sweep >= _SWEEPS - 4) for spot in each}
            each.sort(key=lambda spot: (wanted[spot], str(spot)))
            heights.update(zip(each, _apart([wanted[spot] for spot in each], [_room(spot) for spot in each])))
    top = min(heights.values(), default=0.0)
    return {spot: round(height - top, 1) for spot, height in heights.items()}


def _wanted(
    spot: Spot, heights: Mapping[Spot, float], links: Mapping[Spot, Sequence[Spot]], column: Mapping[Spot, int], left: bool, both: bool
) -> float:
    near = [other for other in links.get(spot, ()) if both or (column[other] < column[spot]) == left]
    return sum(heights[other] for other in near) / len(near) if near else heights[spot]


def _room(spot: Spot) -> float:
    return ROW / 2 if isinstance(spot, str) else _LANE / 2


def _apart(wanted: Sequence[float], room: Sequence[float]) -> list[float]:
    """Return the heights nearest to those that are wanted (by least squares) that keep the order and leave room around each."""
    offsets = [0.0]
    for one, other in itertools.pairwise(room):
        offsets.append(offsets[-1] + one + other)
    pools: list[tuple[float, int]] = []  # mean, how many
    for want, offset in zip(wanted, offsets):
        pools.append((want - offset, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (mean, count), (last, more) = pools[-2:]
            pools[-2:] = [((mean * count + last * more) / (count + more), count + more)]
    flat = [mean for mean, count in pools for _ in range(count)]
    return [mean + offset for mean, offset in zip(flat, offsets)]


LETTER, PAD, BOX, GAP, MARGIN = 6.7, 8.0, 20.0, 36.0, 12.0
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
    gone = cluster.gone.constraints
    steps = sorted(found.steps, key=lambda s: (s.constraint in gone, s.first, s.then, s.constraint))
    picture = _picture(steps, gone, found.resources, key) if len(steps) <= _MOST else Html("")
    return join(element("p", _words(cluster, gone)), _legend() if picture else "", picture, _table(steps, gone))


def _words(cluster: ClusterAnswer, gone: Collection[str]) -> Html:
    orders = dict.fromkeys(step.constraint for step in cluster.ordering.steps)
    against = [name for name in orders if name in gone]
    ordered = {name for step in cluster.ordering.steps for name in (step.first, step.then)}
    free = [one.name for one in cluster.ordering.resources if one.name not in ordered]
    judged = any(one.clause == ORDERS and one.outcome in (PASS, FAIL) for host in cluster.hosts for one in host.outcomes)
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
    labels = short_names([name for names in placed.columns for name in names])
    widths = [max(len(labels[name]) for name in names) * LETTER + 2 * PAD for names in placed.columns]
    lefts = [MARGIN + sum(widths[:i]) + i * GAP for i in range(len(widths))]
    ends = {name: (lefts[i], lefts[i] + len(labels[name]) * LETTER + 2 * PAD) for i, names in enumerate(placed.columns) for name in names}
    arrows = (
        _arrow(arrow, kinds[arrow], gone, placed, ends, lefts, widths, key) for arrow in sorted(kinds, key=lambda a: _rank(kinds[a], gone))
    )
    known = {one.name: one for one in resources}
    boxes = (_box(name, labels[name], known.get(name, Managed(name)), ends[name], placed.heights[name]) for name in ends)
    content = join(element("title", "Orders between resources, from left to right"), _heads(key), arrows, boxes)
    width, height = lefts[-1] + widths[-1] + MARGIN, placed.height + BOX + 2 * MARGIN
    drawn = _svg(
        content,
        round(width),
        round(height),
        f"graph {key}",
        role="img",
        **{"aria-label": "Orders between resources; the table below has the same"},
    )
    buttons = (
        element("button", label, type="button", data_by=by, aria_label=said, title=said)
        for label, by, said in (
            ("+", "1.25", "larger"),
            ("\u2212", "0.8", "smaller"),
            ("fit", "0", "as wide as the page"),
            ("1:1", "1", "as drawn"),
        )
    )
    frame = element(
        "div",
        drawn,
        class_=f"scroll figure{' wide' if width > _PAPER else ''}",
        tabindex=0,
        role="region",
        aria_label="Picture of the orders",
    )
    return join(element("p", buttons, class_="zoom", hidden=True), frame)


def _heads(key: str) -> Html:
    heads = (
        element("marker", element("path", d="M0 0L7 3.5L0 7z", class_=f"head {name}"), id=f"{key}-{name}", viewBox="0 0 7 7", **HEAD)
        for name in ("kept", "gone")
    )
    return element("defs", heads)


HEAD: Mapping[str, str] = {"refX": "6.5", "refY": "3.5", "markerWidth": "7", "markerHeight": "7", "orient": "auto"}


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
    path = route(arrow, placed, ends, lefts, widths)
    name = "gone" if all(step.constraint in gone for step in steps) else "kept"
    optional = " optional" if all(step.kind != "Mandatory" for step in steps) else ""
    said = "; ".join(f"{step.constraint} ({step.kind}{', has to go' if step.constraint in gone else ''})" for step in steps)
    return element("path", element("title", said), d=path, class_=f"arrow {name}{optional}", marker_end=f"url(#{key}-{name})")


def route(arrow: Arrow, placed: Layout, ends: Mapping[str, tuple[float, float]], lefts: Sequence[float], widths: Sequence[float]) -> str:
    """Return the path of an arrow, as SVG has it: through its bends, between the columns that begin at `lefts` and are `widths` wide.

    `ends` has where each name begins and ends.
    """
    first, then = arrow
    middle = MARGIN + BOX / 2
    points = [(ends[first][1], placed.heights[first] + middle)]
    for i in range(placed.column(first) + 1, placed.column(then)):
        height = placed.heights[(first, then, i)] + middle
        points += [(lefts[i], height), (lefts[i] + widths[i], height)]
    points.append((ends[then][0], placed.heights[then] + middle))
    path = f"M{_at(points[0])}"
    for (x, y), (to_x, to_y) in itertools.pairwise(points):
        bend = (to_x - x) / 2 if to_x > x else 40
        path += (
            f"L{_at((to_x, to_y))}" if y == to_y and to_x > x else f"C{_at((x + bend, y))} {_at((to_x - bend, to_y))} {_at((to_x, to_y))}"
        )
    return path


def _at(point: tuple[float, float]) -> str:
    return f"{round(point[0], 1):g} {round(point[1], 1):g}"


_LOOKS = {"": "unknown", ACTIVE_ACTIVE: "outside"}


def _box(name: str, label: str, resource: Managed, ends: tuple[float, float], height: float) -> Html:
    kind = _LOOKS.get(resource.kind, "inside")
    said = f"{name}: {resource.title}, {resource.kind.replace('_', '/')}" if resource.kind else f"{name}: not in the catalogue"
    top = height + MARGIN
    box = element("rect", x=f"{ends[0]:g}", y=f"{top:g}", width=f"{ends[1] - ends[0]:.1f}", height=f"{BOX:g}", rx=3, class_=f"box {kind}")
    words = element("text", label, x=f"{ends[0] + PAD:g}", y=f"{top + 14:g}", class_="name")
    return element("g", element("title", said), box, words)


def short_names(names: Sequence[str]) -> dict[str, str]:
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
