"""Regular expressions that are compiled when they are first used: a run meets input of one or two kinds, and needs few of all."""

from __future__ import annotations

import re
from typing import Any, cast


class _Late:
    """Stands for a compiled expression until someone asks it for anything."""

    def __init__(self, text: str, flags: int) -> None:
        self._given = text, flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(*self.__dict__["_given"]), name)
        self.__dict__[name] = found
        return found


def pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """Return what `re.compile` returns, or what does the same and costs nothing before its first use."""
    return cast("re.Pattern[str]", _Late(text, flags))
