"""Our parser and Puppet's own, on the same manifests."""

from __future__ import annotations

import functools
import os

from tests.inputs.puppet.puppet_manifests import Writer
from tests.inputs.puppet.puppet_oracle import Answer, Seen, puppet_sees, we_see

COUNT = int(os.environ.get("LWLINT_GENERATED", "1000"))


def test_generated_manifests_are_read_as_puppet_reads_them() -> None:
    texts = [Writer(seed).manifest() for seed in range(COUNT)]
    both = [(text, theirs, we_see(text)) for text, theirs in zip(texts, puppet_sees(texts)) if theirs is not None]
    assert [text for text, theirs, ours in both if theirs.refused or ours != theirs.seen][:3] == []


def test_damaged_manifests_are_read_alike_where_both_accept_them() -> None:
    both = _damaged()
    assert [text for text, theirs, ours in both if theirs.valid and ours is not None and ours != theirs.seen][:3] == []


def test_damaged_manifests_are_refused_where_puppet_refuses_them_but_for_oddities() -> None:
    """Puppet takes a few things that nobody writes (a hash for a key of a reference); no more than one manifest in 200 differs."""
    both = _damaged()
    differing = [text for text, theirs, ours in both if (theirs.refused and ours is not None) or (theirs.valid and ours is None)]
    assert differing[COUNT // 200 :] == []


@functools.cache
def _damaged() -> list[tuple[str, Answer, Seen | None]]:
    texts = [text for text in (Writer(seed).damaged() for seed in range(COUNT)) if '$"' not in text]  # Puppet reads past the quote there
    return [(text, theirs, we_see(text)) for text, theirs in zip(texts, puppet_sees(texts)) if theirs is not None]
