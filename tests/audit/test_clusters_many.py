"""Hosts are put together as by comparing each with each, in a time in proportion to their number."""

from __future__ import annotations

import time

from hypothesis import example, given
from hypothesis import strategies as st

from lwlint.audit.clusters import Identity, Seat, _clouds, _group, _is_one, groups
from lwlint.audit.report_layout import SOS, Capture
from lwlint.audit.targets import ARCHIVE, Target
from lwlint.files.tree import Memory

SOME = st.frozensets(st.sampled_from(["a-0", "a-1", "b-0", "B-1"]), max_size=2)
IDENTITIES = st.builds(
    Identity,
    st.sampled_from(["", "one", "two", "tripleo_cluster"]),
    st.sampled_from(["", "", "", "u1", "u2"]),
    SOME,
    SOME,
    st.frozensets(st.sampled_from(["10.0.0.1", "10.0.0.2"]), max_size=1),
)
HOSTS = st.sampled_from(["a-0", "a-1.x.example", "a-1.y.example", "B-0", "b-1", "c-0"])


def seat(number: int, host: str, identity: Identity) -> Seat:
    capture = Capture(f"r{number}/", SOS, host)
    return Seat(Target(f"{number}.tar", ARCHIVE, Memory({}), (capture,)), capture, identity)


def each_with_each(found: list[Seat]) -> list[object]:
    """The clusters by the definition: every host is compared with every other."""
    together: list[list[Seat]] = []
    for one in sorted(found, key=lambda one: not one.identity.nodes):
        if one.identity == Identity():
            continue
        fitting = [group for group in together if any(_is_one(one, other) for other in group)]
        if len(fitting) > 1 and not one.identity.nodes:
            fitting = [group for group in fitting if any(other.identity.spell(one.node) for other in group)] or fitting[:1]
        together = [group for group in together if group not in fitting] + [[*(one for group in fitting for one in group), one]]
    lone: list[Seat] = []
    for one in (one for one in found if one.identity == Identity()):
        homes = [group for group in together if any(other.identity.spell(one.node) for other in group)]
        (homes[0] if len(homes) == 1 else lone).append(one)
    clouds = [cloud for group in together for cloud in _clouds(group)]
    clusters = sorted((_group(cloud) for cloud in clouds), key=lambda g: (g.identity.name, sorted(g.identity.nodes)))
    return [*clusters, *([_group(lone)] if lone else [])]


NOTHING = Identity("", "", frozenset(), frozenset(), frozenset())
KNOWN = Identity("", "", frozenset(("a-0", "a-1")), frozenset(), frozenset())


@given(st.lists(st.tuples(HOSTS, IDENTITIES), max_size=12))
@example([("a-0", NOTHING), ("a-0", NOTHING), ("a-0", KNOWN), ("a-1.x.example", NOTHING), ("a-1.y.example", NOTHING)])
def test_hosts_are_put_together_as_by_comparing_each_with_each(made: list[tuple[str, Identity]]) -> None:
    found = [seat(number, host, identity) for number, (host, identity) in enumerate(made)]
    assert groups(found) == each_with_each(found)


def test_ten_times_the_hosts_take_ten_times_the_time() -> None:
    taken = []
    for clusters in (400, 4000):
        nodes = [frozenset(f"controller-{i}" for i in range(3))] * clusters  # all clouds call them so; the clusters' names differ
        made = [seat(n * 3 + i, f"controller-{i}", Identity(f"cloud{n}", "", nodes[n])) for n in range(clusters) for i in range(3)]
        start = time.process_time()
        assert len(groups(made)) == clusters
        taken.append(time.process_time() - start)
    assert taken[1] < taken[0] * 25
