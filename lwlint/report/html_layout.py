"""Where the names of a graph stand in a picture: columns from left to right, so that every arrow leads to the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Union

ROW = 26.0  # from one name to the next in a column
_LANE = 9.0  # from one arrow that passes a column to the next
_SWEEPS = 12
Arrow = tuple[str, str]
Bend = tuple[str, str, int]  # where an arrow passes a column
Spot = Union[str, Bend]


@dataclass(frozen=True)
class Layout:
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
        for one, other in zip(chain, chain[1:]):
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
    for one, other in zip(room, room[1:]):
        offsets.append(offsets[-1] + one + other)
    pools: list[tuple[float, int]] = []  # mean, how many
    for want, offset in zip(wanted, offsets):
        pools.append((want - offset, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (mean, count), (last, more) = pools[-2:]
            pools[-2:] = [((mean * count + last * more) / (count + more), count + more)]
    flat = [mean for mean, count in pools for _ in range(count)]
    return [mean + offset for mean, offset in zip(flat, offsets)]
