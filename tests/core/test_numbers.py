"""Whole numbers in what others wrote."""

from __future__ import annotations

import pytest

from lwlint.core.harmless import LARGEST, whole


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0), ("007", 7), ("+5", 5), ("-5", -5), ("-0", 0), ("18446744073709551615", 2**64 - 1), ("\u0663", 3),
        ("9" * 31, LARGEST), ("-" + "9" * 100_000, -LARGEST), ("0" * 100_000 + "1", 1),
        ("", None), ("-", None),
        ("--1", None), ("++1", None), ("\u00b2", None), ("1\u00b2", None), ("1.5", None), ("1_0", None), (" 1", None),
    ],
)  # fmt: skip
def test_a_number_is_read_and_what_is_none_is_told(text: str, number: int | None) -> None:
    assert whole(text) == number
