"""What is made at its first use: expressions, functions and classes of modules; and the regular expressions of rules.

Those RE2 runs: in a time in proportion to the text, whatever the expression.
A rule may come from a repository that a stranger has written, and Python's own engine goes back and tries again: `(a+)+b` never ends
with it. An expression must be one to Python as well, so that it means here what those who write rules know; what needs going back
(references to groups, looking around, possessive repetition) RE2 does not have.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from importlib import import_module
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


def function(target: str) -> Callable[..., Any]:
    """Return a function that calls `MODULE:NAME`, and imports the module when it is called first."""
    module, _, name = target.partition(":")

    def call(*arguments: Any) -> Any:
        return getattr(import_module(module), name)(*arguments)

    return call


def classes(module: str, *names: str) -> Callable[[], tuple[type[Any], ...]]:
    """Return a function that returns these classes of a module, and imports it when it is called first."""
    return lambda: tuple(getattr(import_module(module), name) for name in names)


_LONGEST = 1_000  # characters of an expression


class Refused(ValueError):
    """The expression is none that is run; the message says why, as a predicate."""


def fullmatch(expression: str, text: str) -> Any:
    """Return the match (as `re.Match`, with `group` and `expand`) where all of `text` is what the expression says, else None.

    Raises Refused.
    """
    try:
        return compiled(expression).fullmatch(text)
    except UnicodeEncodeError:  # bytes of a file's name that are no text
        return compiled(expression).fullmatch(text.encode("utf-8", "replace").decode("utf-8"))


@functools.lru_cache(maxsize=256)
def compiled(expression: str) -> Any:
    """Return the expression as RE2 has it (like `re.Pattern`). Raises Refused for what is no expression, and for what RE2 does not run."""
    import re
    import warnings

    if len(expression) > _LONGEST:
        raise Refused(f"has more than {_LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # what Python reads differently some day, RE2 reads differently today
            re.compile(expression)
    except re.error as error:
        place = "" if error.pos is None else f" at character {error.pos + 1}"
        raise Refused(f"is no regular expression: {error.msg}{place}") from None
    except FutureWarning as error:
        raise Refused(f"is no regular expression that always means the same: {error}") from None
    except (RecursionError, OverflowError) as error:
        raise Refused(f"is no regular expression: {error}") from None

    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(expression, options)
    except re2.error as error:
        said = error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else str(error)
        raise Refused(f"is no regular expression that RE2 runs: {said}") from None
    except UnicodeEncodeError:
        raise Refused("is no regular expression: half a character") from None
