"""Facts about the input itself."""

from __future__ import annotations

from typing import ClassVar

from lwlint.record import dataclass
from lwlint.source import Span


@dataclass(frozen=True)
class Unreadable:
    """An input, or a part of one, that could not be read as the real program reads it.

    `name` is the source's path, `message` says what is wrong in one line. `fatal` tells that the
    real program refuses the whole file, so that nothing else is known of it.
    """

    kind: ClassVar[str] = "unreadable"
    name: str
    span: Span
    message: str
    host: str = ""
    fatal: bool = True


@dataclass(frozen=True)
class NotEvaluated:
    """A source whose content lwlint cannot know (Jinja that does not parse, say), and why."""

    kind: ClassVar[str] = "not_evaluated"
    name: str
    span: Span
    because: str
    host: str = ""


@dataclass(frozen=True)
class NotCollected:
    """A folder of a host that its report does not hold, though the host may have it: what is in it is not known. `name` is its path."""

    kind: ClassVar[str] = "not_collected"
    name: str
    span: Span
    host: str = ""


@dataclass(frozen=True)
class UnusedAllow:
    """An `allow` comment that suppresses nothing, and why not. `name` is what it names."""

    kind: ClassVar[str] = "unused_allow"
    name: str
    span: Span
    because: str
    host: str = ""
