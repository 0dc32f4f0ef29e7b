"""What is made at its first use: expressions, functions and classes of modules; and the regular expressions of rules.

Those RE2 runs: in a time in proportion to the text, whatever the expression. Simple ones Python runs, for short texts (`is_simple`).
A rule may come from a repository that a stranger has written, and Python's own engine goes back and tries again: `(a+)+b` never ends
with it. An expression must be one to Python as well, so that it means here what those who write rules know; what needs going back
(references to groups, looking around, possessive repetition) RE2 does not have.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, AnyStr, cast

_compile = re.compile


class _Late:
    """Stands for a compiled expression until someone asks it for anything."""

    def __init__(self, text: str | bytes, flags: int) -> None:
        self._given = text, flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(_compile(*self.__dict__["_given"]), name)
        self.__dict__[name] = found
        return found


def pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what `re.compile` returns, or what does the same and costs nothing before its first use."""
    return cast("re.Pattern[AnyStr]", _Late(text, flags))


class _Process:
    alone = False  # whether this is the command, so that no other thread compiles an expression meanwhile


def be_alone() -> None:
    """Say that the process is the command."""
    _Process.alone = True


def is_alone() -> bool:
    """Return whether the process is the command."""
    return _Process.alone


@contextmanager
def late_expressions() -> Iterator[None]:
    """Let packages that are imported meanwhile compile their expressions when they use them, if the process is the command.

    PyYAML compiles ten, of which its C parser uses none; that takes a sixth of a run on one file (docs/adr/0014-retired-tricks.md).
    """
    if _Process.alone:
        re.compile = pattern  # type: ignore[assignment]
    try:
        yield
    finally:
        re.compile = _compile


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

    Raises Refused, but for a text that cannot match, which is seen without RE2: it takes as long to start as many runs have to judge.
    """
    return _match("fullmatch", expression, text)


def begins(expression: str, text: str) -> bool:
    """Return whether a text begins as the expression says. Raises Refused as `fullmatch` does."""
    return _match("match", expression, text) is not None


def _match(how: str, expression: str, text: str) -> Any:
    if find_needed(expression) not in text:
        return None
    if len(text) <= _SHORT and text.isascii() and text.isprintable() and is_simple(expression):
        return getattr(re.compile(expression), how)(text)
    find = getattr(compile_linear(expression), how)
    try:
        return find(text)
    except UnicodeEncodeError:  # bytes of a file's name that are no text
        return find(text.encode("utf-8", "replace").decode("utf-8"))


_SHORT = 100  # characters of a text
_PLAIN_SIGNS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:/ .-+")
_ONE_SIGN = str.maketrans("*?", "++")


@functools.lru_cache(maxsize=256)
def is_simple(expression: str) -> bool:
    """Return whether Python and RE2 find the same in a short text of printable ASCII, and Python cannot take long for it either.

    It may try as many places as there are characters for each of two repetitions, and with each of these 12 ways through branches and
    what may be left out: 120,000 steps at most. RE2 takes longer to start than a run on one file has to judge.
    """
    bars, groups = expression.count("|"), expression.count("(")
    left_out = expression.count("?") - expression.count("(?:")
    repeated = expression.count("+") + expression.count("*")
    is_short = len(expression) <= _LONGEST and repeated <= 2 and left_out <= 1 and bars <= 3 and groups <= 2
    return is_short and _is_of_atoms(expression)


def _is_of_atoms(expression: str) -> bool:
    """Return whether an expression is nothing but signs, `\\w`, `\\d`, repetitions of these, and groups of branches of the same."""
    outside, opened, rest = expression.partition("(")
    while True:
        if outside and not _are_atoms(outside):
            return False
        if not opened:
            return expression != ""
        inside, closed, rest = rest.partition(")")
        branches = inside.removeprefix("?:")
        if not closed or not all(map(_are_atoms, branches.split("|"))):
            return False
        rest = rest if branches == inside else rest.removeprefix("?")
        outside, opened, rest = rest.partition("(")


def _are_atoms(text: str) -> bool:
    plain = text.replace(r"\w", "a").replace(r"\d", "a").replace(r"\.", "a").translate(_ONE_SIGN)
    return plain[:1] not in ("", "+") and "++" not in plain and _PLAIN_SIGNS.issuperset(plain)


_PLAIN = pattern(r"(?:[A-Za-z0-9_:/ .^$+*?|)]|\\[wdsS.+]|\((?:\?(?:P<\w+>|:)|(?!\?)))*")  # what `find_needed` sees through: no flags
_GROUP = pattern(r"\([^()]*\)[+*?]?")


@functools.lru_cache(maxsize=256)
def find_needed(expression: str) -> str:
    """Return the longest plain text that is in all that the expression matches; empty where it is not plain to see."""
    if not _PLAIN.fullmatch(expression):
        return ""
    outside, nested = expression, 1
    while nested:
        outside, nested = _GROUP.subn(".", outside)
    if "|" in outside:
        return ""
    return max(re.split(r"[A-Za-z0-9_:/ ][*?]|\\.|[^A-Za-z0-9_:/ ]", outside), key=len)


@functools.lru_cache(maxsize=256)
def compile_linear(expression: str) -> Any:
    """Return the expression as RE2 has it (like `re.Pattern`). Raises Refused for what is no expression, and for what RE2 does not run."""
    import warnings

    if len(expression) > _LONGEST:
        raise Refused(f"has more than {_LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # what Python reads differently some day, RE2 reads differently today
            re.compile(expression)
    except re.error as error:
        place = "" if error.pos is None else f" at character {error.pos + 1}"
        raise Refused(f"is not a regular expression: {error.msg}{place}") from None
    except FutureWarning as error:
        raise Refused(f"is not a regular expression that always means the same: {error}") from None
    except (RecursionError, OverflowError) as error:
        raise Refused(f"is not a regular expression: {error}") from None

    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(expression, options)
    except re2.error as error:
        said = error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else str(error)
        raise Refused(f"is not a regular expression that RE2 runs: {said}") from None
    except UnicodeEncodeError:
        raise Refused("is not a regular expression: half a character") from None


@functools.lru_cache(maxsize=256)
def linear(expression: str) -> re.Pattern[str]:
    """Return an expression that lwlint made of somebody's pattern (a line of `.gitignore`) as RE2 has it; a dot is any character."""
    import re2

    options = re2.Options()
    options.dot_nl = True
    options.never_capture = True
    options.max_mem = 64 << 20
    options.log_errors = False
    return cast("re.Pattern[str]", re2.compile(expression, options))
