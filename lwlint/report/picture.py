"""The orders and colocations of a cluster as pictures: what there is, what the specification takes away, and what it leaves.

Within the page of an audit the orders alone are drawn (`graph`), with a table of the same. The picture of both is drawn as SVG and as a
page, today's and what is left beside each other, and exported to DOT and mermaid.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Union

from msgspec import Struct, field
from msgspec.structs import replace

from lwlint.audit.answer import GOING, ORDERS, ClusterAnswer, Managed, Step, open_findings
from lwlint.core.facts import ACTIVE_ACTIVE, ACTIVE_PASSIVE, CORE, INFRASTRUCTURE
from lwlint.core.finding import FAIL, PASS
from lwlint.core.harmless import count_of, safe
from lwlint.core.secret import mask_secrets
from lwlint.inputs.pacemaker.facts import COLOCATION
from lwlint.inputs.pacemaker.model import Cib
from lwlint.report.html import Html, element, join, prose

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
            wanted = {spot: _weigh(spot, heights, links, column, down and sweep < _SWEEPS - 4, sweep >= _SWEEPS - 4) for spot in each}
            each.sort(key=lambda spot: (wanted[spot], str(spot)))
            heights.update(zip(each, _apart([wanted[spot] for spot in each], [_room(spot) for spot in each])))
    top = min(heights.values(), default=0.0)
    return {spot: round(height - top, 1) for spot, height in heights.items()}


def _weigh(
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
        return element("p", f"The CIB orders nothing: {count_of(len(found.resources), 'resource')} start in any order.")
    gone = cluster.gone.constraints
    steps = sorted(found.steps, key=lambda s: (s.constraint in gone, s.first, s.then, s.constraint))
    picture = _picture(steps, gone, found.resources, key) if len(steps) <= _MOST else Html("")
    return join(element("p", _words(cluster, gone)), _order_legend() if picture else "", picture, _table(steps, gone))


def _words(cluster: ClusterAnswer, gone: Collection[str]) -> Html:
    orders = dict.fromkeys(step.constraint for step in cluster.ordering.steps)
    against = [name for name in orders if name in gone]
    ordered = {name for step in cluster.ordering.steps for name in (step.first, step.then)}
    free = [one.name for one in cluster.ordering.resources if one.name not in ordered]
    judged = any(one.clause == ORDERS and one.outcome in (PASS, FAIL) for host in cluster.hosts for one in host.outcomes)
    said = f"{count_of(len(orders), 'order')}: the specification leaves {len(orders) - len(against)} and removes {len(against)}."
    parts = [said if judged else f"{count_of(len(orders), 'order')}, not judged."]
    if free:
        parts.append(f" Without an order: {', '.join(free)}.")
    return join(parts)


def _order_legend() -> Html:
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
    boxes = (_order_box(name, labels[name], known.get(name, Managed(name)), ends[name], placed.heights[name]) for name in ends)
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


def _order_box(name: str, label: str, resource: Managed, ends: tuple[float, float], height: float) -> Html:
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
    return element("details", element("summary", f"The {count_of(len(steps), 'step')} as a table"), scroll)


_COLOURS = {CORE: "#1f6f3f", ACTIVE_PASSIVE: "#1c5a99", ACTIVE_ACTIVE: "#b02a1a", INFRASTRUCTURE: "#5b5b66", "": "#8a6d1f"}
_KINDS = {
    CORE: "core", ACTIVE_PASSIVE: "active/passive", ACTIVE_ACTIVE: "active/active", INFRASTRUCTURE: "infrastructure",
    "": "not in the catalogue",
}  # fmt: skip
_MERMAID = {'"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "#": "#35;", "%": "#37;", "`": "#96;", "\\": "#92;"}
_STYLE = (
    "svg.picture{font:11px ui-monospace,'DejaVu Sans Mono',monospace;background:#fff}"
    ".picture .box{fill:#fff;stroke-width:1.4}.picture .leaves .box{stroke-dasharray:3 2}.picture text{fill:#1a1a1a}"
    ".picture .edge{fill:none;stroke:#1f6f3f;stroke-width:1.4}.picture .edge.gone{stroke:#b02a1a;stroke-opacity:.7}"
    ".picture .edge.optional{stroke-dasharray:5 3}.picture .tie{fill:none;stroke:#1c5a99;stroke-width:1.3;stroke-dasharray:1.5 3}"
    ".picture .tie.gone{stroke:#b02a1a;stroke-opacity:.6}.picture .edge:hover,.picture .edge:focus,.picture .tie:hover,.picture .tie:focus,"
    ".picture .near{stroke-width:3.5;stroke-opacity:1;outline:none}.picture .far{opacity:.12}"
    ".picture g:hover .box,.picture g:focus .box{stroke-width:3}.picture g:focus{outline:none}"
    + "".join(f".picture .{kind or 'unknown'} .box{{stroke:{colour}}}" for kind, colour in _COLOURS.items())
)
_PAGE_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:1.5rem;color:#1a1a1a}h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}"
    ".frame{overflow:auto;border:1px solid #ddd;max-height:85vh}.legend{display:flex;"
    "flex-wrap:wrap;gap:.3rem 1.2rem;padding:0;list-style:none}"
    ".legend span{display:inline-block;width:1.6em;border-top:3px solid}"
    "td,th{padding:.2rem .6rem;text-align:left;border-bottom:1px solid #ddd}"
    "table{border-collapse:collapse}button{font:inherit;min-width:2rem}code{font-size:.92em}"
)
_SCRIPT = """
for (const svg of document.querySelectorAll('.frame svg')) {
  const frame = svg.parentElement, wide = svg.getAttribute('width') * 1, high = svg.getAttribute('height') * 1;
  let zoom = 1;
  const scale = (by) => { zoom = by ? Math.min(4, Math.max(0.25, zoom * by)) : Math.min(1, frame.clientWidth / wide);
    svg.setAttribute('width', wide * zoom); svg.setAttribute('height', high * zoom); };
  for (const button of frame.previousElementSibling.querySelectorAll('button'))
    button.addEventListener('click', () => scale(button.dataset.by * 1));
  const lines = svg.querySelectorAll('.edge, .tie');
  const show = (name) => lines.forEach((line) => { const near = line.dataset.first === name || line.dataset.then === name;
    line.classList.toggle('near', !!name && near); line.classList.toggle('far', !!name && !near); });
  for (const box of svg.querySelectorAll('g[data-name]')) {
    for (const event of ['mouseenter', 'focus']) box.addEventListener(event, () => show(box.dataset.name));
    for (const event of ['mouseleave', 'blur']) box.addEventListener(event, () => show(''));
  }
  if (wide > frame.clientWidth) scale(0);
}
"""


class Tie(Struct, frozen=True):
    """`first` runs where `second` runs, because of a colocation with this score; both are outermost resources."""

    constraint: str
    first: str
    second: str
    score: int


class Picture(Struct, frozen=True):
    """A cluster to draw. `leaving` are the resources, and `gone` the constraints, that the specification has no place for.

    `said` are what was found, by the id of the resource or constraint.
    """

    name: str
    resources: tuple[Managed, ...]
    steps: tuple[Step, ...]
    ties: tuple[Tie, ...]
    leaving: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    said: tuple[tuple[str, str], ...] = ()

    @property
    def after(self) -> Picture:
        """What the specification leaves of it."""
        kept = {one.name for one in self.resources} - self.leaving
        return replace(
            self,
            resources=tuple(one for one in self.resources if one.name in kept),
            steps=tuple(one for one in self.steps if one.constraint not in self.gone and {one.first, one.then} <= kept),
            ties=tuple(one for one in self.ties if one.constraint not in self.gone and {one.first, one.second} <= kept),
            leaving=frozenset(),
            gone=frozenset(),
            said=(),
        )


def picture(cluster: ClusterAnswer, cib: Cib) -> Picture:
    """Return the graph of a CIB, with what the audit found of its resources and constraints."""
    tops = {mask_secrets(name): mask_secrets(cib.top(resource).name) for name, resource in cib.resources.items()}
    found = [(one, *one.subject.partition(" ")[::2]) for one in open_findings(cluster) if one.severity != "note"]
    said = [(tops.get(id, id), f"{one.code}: {one.message}") for one, noun, id in found if noun in GOING.values()]
    ordering = cluster.ordering
    return Picture(
        cluster.name,
        ordering.resources,
        ordering.steps,
        tuple(dict.fromkeys(_ties(cib))),
        frozenset(tops[name] for name in cluster.gone.resources if name in tops),
        cluster.gone.constraints,
        tuple(dict.fromkeys(said)),
    )


def _ties(cib: Cib) -> Iterator[Tie]:
    for constraint in cib.constraints:
        if constraint.type == COLOCATION and constraint.active:
            for pair in constraint.pairs:
                first, second = (cib.top(cib.resources[id]).name for id in (pair.first, pair.second))
                if first != second:
                    yield Tie(mask_secrets(constraint.name), mask_secrets(first), mask_secrets(second), pair.score)


def find_bound(ties: Iterable[Tie]) -> dict[frozenset[str], list[Tie]]:
    """Return the ties between each two resources."""
    found: dict[frozenset[str], list[Tie]] = {}
    for tie in ties:
        found.setdefault(frozenset((tie.first, tie.second)), []).append(tie)
    return found


def render_svg(picture: Picture, key: str = "g") -> str:
    """Return the picture as a document of its own."""
    return drawing(picture, key, alone=True) + "\n"


def drawing(picture: Picture, key: str, *, alone: bool = False) -> Html:
    """Return the picture: columns from what starts first to what starts last, and below them what no order or colocation holds."""
    arrows: dict[Arrow, list[str]] = {}
    for step in picture.steps:
        said = f"{step.constraint} ({step.kind}{', has to go' if step.constraint in picture.gone else ''})"
        arrows.setdefault((step.first, step.then), []).append(said)
    ties = find_bound(picture.ties)
    joined = {frozenset(arrow) for arrow in arrows}
    more = [
        (tie.second, tie.first) for pair, found in ties.items() if pair not in joined for tie in found[:1]
    ]  # what it hangs on comes first
    placed = layout([*arrows, *more])
    names = [name for column in placed.columns for name in column]
    free = [one.name for one in picture.resources if one.name not in names]
    labels = short_names([*names, *free])
    widths = [max(len(labels[name]) for name in column) * LETTER + 2 * PAD for column in placed.columns]
    lefts = [MARGIN + sum(widths[:i]) + i * GAP for i in range(len(widths))]
    ends = {n: (lefts[i], lefts[i] + len(labels[n]) * LETTER + 2 * PAD) for i, column in enumerate(placed.columns) for n in column}
    width = lefts[-1] + widths[-1] + MARGIN if lefts else 600.0
    heights = {name: placed.heights[name] for name in names}
    bottom = _below(free, labels, width, placed.height + ROW * 1.5 if names else 0.0, ends, heights)
    lines = (_edge(arrow, said, picture, route(arrow, placed, ends, lefts, widths), key) for arrow, said in sorted(arrows.items()))
    dotted = (_tie(found, picture, ends, heights, joined) for _, found in sorted(ties.items(), key=lambda one: sorted(one[0])))
    kinds = {one.name: one for one in picture.resources}
    told = dict(picture.said)
    boxes = (
        _box(
            name,
            labels[name],
            *(kinds[name].kind, kinds[name].title) if name in kinds else ("", ""),
            told.get(name, ""),
            picture,
            ends,
            heights,
        )
        for name in (*names, *free)
    )
    heads = (
        element("marker", element("path", d="M0 0L7 3.5L0 7z", fill=colour), id=f"{key}-{name}", viewBox="0 0 7 7", **HEAD)
        for name, colour in (("kept", "#1f6f3f"), ("gone", "#b02a1a"))
    )
    title = f"Orders (arrows) and colocations (dotted) of {picture.name or 'the cluster'}"
    size = {"width": f"{width:.0f}", "height": f"{bottom + BOX + 2 * MARGIN:.0f}"}
    own = {"xmlns": "http://www.w3.org/2000/svg"} if alone else {}
    style = [element("style", Html(_STYLE))] if alone else []
    inside = join(element("title", title), *style, element("defs", heads), dotted, lines, boxes)
    box = f"0 0 {size['width']} {size['height']}"
    return element("svg", inside, viewBox=box, class_="picture", role="img", aria_label=title, **size, **own)


def _below(
    free: Sequence[str],
    labels: Mapping[str, str],
    width: float,
    top: float,
    ends: dict[str, tuple[float, float]],
    heights: dict[str, float],
) -> float:
    """Place in rows what hangs on nothing, and return how high the picture is down to its last row."""
    x, y = MARGIN, top
    for name in free:
        long = len(labels[name]) * LETTER + 2 * PAD
        if x > MARGIN and x + long > width - MARGIN:
            x, y = MARGIN, y + ROW
        ends[name], heights[name] = (x, x + long), y
        x += long + PAD
    return max([*heights.values(), 0.0])


def _edge(arrow: Arrow, said: Sequence[str], picture: Picture, path: str, key: str) -> Html:
    steps = [step for step in picture.steps if (step.first, step.then) == arrow]
    gone = all(step.constraint in picture.gone for step in steps)
    optional = " optional" if all(step.kind != "Mandatory" for step in steps) else ""
    words = element("title", f"{arrow[0]} before {arrow[1]}: {'; '.join(said)}")
    name = "gone" if gone else "kept"
    return element(
        "path", words, d=path, class_=f"edge {name}{optional}", marker_end=f"url(#{key}-{name})",
        tabindex=0, data_first=arrow[0], data_then=arrow[1],
    )  # fmt: skip


def _tie(
    found: Sequence[Tie],
    picture: Picture,
    ends: Mapping[str, tuple[float, float]],
    heights: Mapping[str, float],
    joined: set[frozenset[str]],
) -> Html:
    """Return a colocation: a bow from box to box, beside the arrow where there is one."""
    first, second = found[0].first, found[0].second
    if first not in ends or second not in ends:
        return Html("")
    left, right = (first, second) if ends[first][0] <= ends[second][0] else (second, first)
    x, y = ends[left][1], heights[left] + MARGIN + BOX * 0.75
    to_x, to_y = ends[right][0], heights[right] + MARGIN + BOX * 0.75
    if to_x <= x:  # in one column
        x = to_x = min(ends[left][1], ends[right][1])
        path = f"M{x:.1f} {y:.1f}C{x + 22:.1f} {y:.1f} {x + 22:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
    else:
        bend = min(60.0, (to_x - x) / 2)
        path = f"M{x:.1f} {y:.1f}C{x + bend:.1f} {y:.1f} {to_x - bend:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
    gone = all(tie.constraint in picture.gone for tie in found)
    said = "; ".join(f"{t.first} with {t.second}: {t.constraint}{' (has to go)' if t.constraint in picture.gone else ''}" for t in found)
    return element(
        "path", element("title", said), d=path, class_=f"tie{' gone' if gone else ''}", tabindex=0, data_first=first, data_then=second
    )


def _box(
    name: str,
    label: str,
    kind: str,
    title: str,
    said: str,
    picture: Picture,
    ends: Mapping[str, tuple[float, float]],
    heights: Mapping[str, float],
) -> Html:
    x, to_x = ends[name]
    y = heights[name] + MARGIN
    words = element("title", f"{name}: {title + ', ' if title else ''}{_KINDS[kind]}" + (f"; {said}" if said else ""))
    box = element("rect", x=f"{x:.1f}", y=f"{y:.1f}", width=f"{to_x - x:.1f}", height=f"{BOX:g}", rx=3, class_="box")
    text = element("text", label, x=f"{x + PAD:.1f}", y=f"{y + 14:.1f}")
    leaves = " leaves" if name in picture.leaving else ""
    return element("g", words, box, text, class_=f"{kind or 'unknown'}{leaves}", tabindex=0, data_name=name)


def render_html(pictures: Sequence[Picture], *, both: bool) -> str:
    """Return a page with the picture of each cluster, what was found of it, and what the specification leaves, if `both` are wanted."""
    parts: list[Html] = []
    for number, picture in enumerate(pictures):
        parts.append(element("h1", picture.name or "Cluster without a name"))
        parts.append(element("p", _sums(picture)))
        parts.append(_legend())
        parts += _frame("Today", picture, f"p{number}")
        if both:
            parts += _frame("What the specification leaves", picture.after, f"q{number}")
        if picture.said:
            rows = (element("tr", element("th", name, scope="row"), element("td", prose(said))) for name, said in picture.said)
            parts.append(element("details", element("summary", f"What was found ({len(picture.said)})"), element("table", rows)))
    return page("Orders and colocations", parts)


def page(title: str, parts: Sequence[Html]) -> str:
    """Return a page with the style and the script of the pictures."""
    head = join(
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width"),
        element("title", title),
        element("style", Html(_STYLE + _PAGE_STYLE)),
    )
    body = element("body", *parts, element("script", Html(_SCRIPT)))
    return f"<!DOCTYPE html>\n{element('html', element('head', head), body, lang='en')}\n"


def _frame(title: str, picture: Picture, key: str) -> Iterator[Html]:
    buttons = (
        (label, by, said)
        for label, by, said in (("+", 1.25, "larger"), ("\N{MINUS SIGN}", 0.8, "smaller"), ("fit", 0, "as wide as the page"))
    )
    yield element("h2", f"{title}: {_sums(picture)}")
    yield element("p", (element("button", label, type="button", data_by=str(by), aria_label=said) for label, by, said in buttons))
    yield element("div", drawing(picture, key), class_="frame", tabindex=0)


def _sums(picture: Picture) -> str:
    orders, ties = len({one.constraint for one in picture.steps}), len({one.constraint for one in picture.ties})
    said = f"{count_of(len(picture.resources), 'resource')}, {count_of(orders, 'order')}, {count_of(ties, 'colocation')}"
    leave = f"; {count_of(len(picture.leaving), 'resource')} and {count_of(len(picture.gone), 'constraint')} have to go"
    return said + (leave if picture.leaving or picture.gone else "")


def _legend() -> Html:
    items = [element("li", element("span", style=f"border-color:{colour}"), f" {_KINDS[kind]}") for kind, colour in _COLOURS.items()]
    lines = (
        ("solid", "#1f6f3f", "order"),
        ("dashed", "#1f6f3f", "optional order"),
        ("dotted", "#1c5a99", "colocation"),
        ("solid", "#b02a1a", "has to go"),
    )
    items += [element("li", element("span", style=f"border-top:3px {style} {colour}"), f" {what}") for style, colour, what in lines]
    return element("ul", *items, class_="legend")


def render_dot(picture: Picture) -> str:
    """Return the picture for Graphviz."""
    lines = [f"digraph {_quote(picture.name or 'cluster')} {{", "  rankdir=LR; nodesep=0.12; ranksep=0.5;"]
    lines += ['  node [shape=box, fontname="DejaVu Sans", fontsize=10, height=0.25, margin="0.08,0.03"];', "  edge [arrowsize=0.6];"]
    for one in picture.resources:
        style = "dashed" if one.name in picture.leaving else "solid"
        lines.append(f"  {_quote(one.name)} [color={_quote(_COLOURS[one.kind])}, style={style}];")
    for step in picture.steps:
        style = "dashed" if step.kind != "Mandatory" else "solid"
        more = f'color="{_edge_colour(step.constraint, picture)}", style={style}, tooltip={_quote(step.constraint)}'
        lines.append(f"  {_quote(step.first)} -> {_quote(step.then)} [{more}];")
    for tie in picture.ties:
        more = (
            f'color="{_edge_colour(tie.constraint, picture)}", style=dotted, dir=none, constraint=false, tooltip={_quote(tie.constraint)}'
        )
        lines.append(f"  {_quote(tie.second)} -> {_quote(tie.first)} [{more}];")
    return "\n".join([*lines, "}"]) + "\n"


def _edge_colour(constraint: str, picture: Picture) -> str:
    return "#b02a1a" if constraint in picture.gone else "#1f6f3f"


def _quote(name: str) -> str:
    return '"' + safe(name).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _label(name: str) -> str:
    """Return a name as a label of mermaid in which nothing is HTML, Markdown, an entity or a directive (`%%{init: ...}%%`)."""
    return "".join(_MERMAID.get(c, c) for c in safe(name))


def render_mermaid(picture: Picture) -> str:
    """Return the picture for mermaid, as Markdown pages have it."""
    ids = {one.name: f"r{i}" for i, one in enumerate(picture.resources)}
    labels = short_names(list(ids))
    lines = ["flowchart LR"]
    for one in picture.resources:
        lines.append(
            f'  {ids[one.name]}["{_label(labels[one.name])}"]:::{one.kind or "unknown"}{"_leaves" if one.name in picture.leaving else ""}'
        )
    for step in dict.fromkeys((step.first, step.then, step.kind != "Mandatory") for step in picture.steps):
        if step[0] in ids and step[1] in ids:
            lines.append(f"  {ids[step[0]]} {'-.->' if step[2] else '-->'} {ids[step[1]]}")
    ordered = {frozenset((step.first, step.then)) for step in picture.steps}
    for pair in find_bound(picture.ties):
        if pair not in ordered and pair <= ids.keys():
            first, second = sorted(ids[name] for name in pair)
            lines.append(f"  {first} -.- {second}")
    used = dict.fromkeys((one.kind, one.name in picture.leaving) for one in picture.resources)
    for kind, leaves in used:
        more = ",stroke-dasharray:3" if leaves else ""
        lines.append(f"  classDef {kind or 'unknown'}{'_leaves' if leaves else ''} stroke:{_COLOURS[kind]}{more}")
    return "\n".join(lines) + "\n"
