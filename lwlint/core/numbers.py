"""Numbers in what others wrote: `int` raises for `²`, which `str.isdigit` takes for a digit, and for more than 4300 digits."""

from __future__ import annotations

LARGEST = 10**30  # stands for all that is larger
_DIGITS = 30


def whole(text: str) -> int | None:
    """Return the whole number that `text` is, with one sign or none; None for all else. One with more digits than 30 is LARGEST."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits.isdecimal():
        return None
    digits = digits.lstrip("0") or "0"
    found = int(digits) if len(digits) <= _DIGITS else LARGEST
    return -found if text[0] == "-" else found
