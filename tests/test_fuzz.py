"""What the fuzz once found stays mended, and a short run of it finds nothing (`python -m tests.fuzz --minutes 5` is a long one)."""

from __future__ import annotations

import os
import random
import time

import pytest

from lwlint.run import load_rules
from tests.fuzz import TRIES, changed, inputs, main, tried

RULES = load_rules(examples=False)
INPUTS = inputs()


@pytest.mark.parametrize("kind", TRIES)
def test_seeds_and_what_they_become_end_in_findings(kind: str) -> None:
    chance = random.Random(7)
    for name, data in INPUTS[kind] if kind != "files" else [*INPUTS[kind][:40], *INPUTS[kind][-40:]]:
        assert tried(kind, name, data, RULES) == ""
    for _ in range(60):
        name, data = chance.choice(INPUTS[kind])
        data = changed(data, INPUTS[kind], chance)
        assert tried(kind, name, data, RULES) == "", data


@pytest.mark.fuzz
def test_minutes_of_changed_inputs_end_in_findings() -> None:
    minutes = float(os.environ.get("LWLINT_FUZZ_MINUTES", "4"))  # of one seed; `python -m tests.fuzz --seed N` tries others
    start = time.monotonic()
    assert main(minutes=minutes, seed=2026) == 0
    assert time.monotonic() - start < 60 * minutes + 60
