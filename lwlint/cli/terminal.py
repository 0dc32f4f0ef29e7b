"""What is drawn on a terminal while something goes on, and taken away again."""

from __future__ import annotations

import os
from typing import TextIO

ERASED = "\r\033[K"  # the line that was drawn is empty again


def draws(out: TextIO) -> bool:
    """Return whether a picture can be drawn there and be taken away again."""
    return out.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def duration(seconds: float) -> str:
    """Return some seconds as a person says them: `12 s`, `3 min 4 s`."""
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


def bar(share: float, width: int) -> str:
    """Return a bar of so many cells of which a share (0 to 1) is filled, in brackets."""
    return f"[{'#' * round(width * share):<{width}}]"
