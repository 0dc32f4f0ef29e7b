"""By what reports are told to be of one cluster: names of nodes first, addresses of corosync.conf where nothing names them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lwlint.audit.clusters import Identity, _labels

RINGS = frozenset(("10.0.0.1", "10.0.0.2"))


def of(name: str = "", nodes: tuple[str, ...] = (), rings: frozenset[str] = frozenset()) -> Identity:
    return Identity(name, nodes=frozenset(nodes), rings=rings)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (of("debian", ("east-0", "east-1"), RINGS), of("debian", ("west-0", "west-1"), RINGS), False),
        (of("debian", ("east-0", "east-1"), RINGS), of("debian", ("east-1",), RINGS), True),
        (of("debian", (), RINGS), of("debian", ("east-1",), RINGS), True),
        (of("debian", (), RINGS), of("debian", (), frozenset(("10.9.0.1",))), False),
        (of("tripleo_cluster", ("a",)), of("tripleo_cluster"), False),
        (of("my_cloud", ("a",)), of("my_cloud"), True),
        (of("one", ("a",)), of("other", ("a",)), False),
    ],
)
def test_two_reports_are_of_one_cluster(one: Identity, other: Identity, same: bool) -> None:
    assert one.is_same(other) is other.is_same(one) is same


@pytest.mark.parametrize("name", ["cluster", "etc", "sos_commands"])
def test_a_host_is_not_called_like_a_folder_or_like_where_a_command_is_run(name: str) -> None:
    seats = [SimpleNamespace(node=node, capture=SimpleNamespace(host=node)) for node in (name, "one")]
    group: Any = SimpleNamespace(seats=seats, identity=SimpleNamespace(spell=str))
    assert list(_labels(group)) == [f"host-{name}", "one"]
