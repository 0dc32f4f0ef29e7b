"""Regular expressions that take a time in proportion to the text: all their states are followed at once, and nothing is tried twice.

A rule may come from a repository that a stranger has written, and Python's own engine goes back and tries again: `(a+)+b` never ends
with it. Python's parser reads the expression, so that it means here what it means there; what needs going back (references to
groups, looking around, possessive repetition) is refused.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, Union

_MOST_STATES = 5_000
_LONGEST = 1_000  # characters of an expression
_KEYS = ("matches",)
_SINGLE = ("LITERAL", "NOT_LITERAL", "ANY", "IN", "CATEGORY", "RANGE")
Path = tuple[Union[str, int], ...]


class Refused(Exception):
    """The expression is none that is run; the message says why, as a predicate."""


def expressions(params: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield the expressions in the parameters of a rule, as YAML has them, each with its path."""
    if isinstance(params, Mapping):
        for key, value in params.items():
            if key in _KEYS and isinstance(value, str):
                yield (*path, key), value
            else:
                yield from expressions(value, (*path, key))
    elif isinstance(params, (list, tuple)):
        for i, value in enumerate(params):
            yield from expressions(value, (*path, i))


def fullmatch(expression: str, text: str) -> bool:
    """Return whether all of `text` is what the expression says, as `re.fullmatch` would have it. Raises Refused."""
    return compiled(expression).fullmatch(text)


@functools.lru_cache(maxsize=256)
def compiled(expression: str) -> Machine:
    """Return the expression as a machine. Raises Refused for what is no expression, and for one that is not run."""
    if len(expression) > _LONGEST:
        raise Refused(f"has more than {_LONGEST} characters")
    parser = import_module("re._parser" if hasattr(re, "_parser") else "sre_parse")
    try:
        re.compile(expression)
        parsed = parser.parse(expression)
        return Machine(parsed, parser)
    except (re.error, OverflowError) as error:
        raise Refused(f"is no regular expression ({error})") from None
    except RecursionError:
        raise Refused("has too many groups in groups") from None


class Machine:
    """The states of one expression. A state takes one character, holds at a place, or goes on to others without either."""

    def __init__(self, parsed: Any, parser: Any) -> None:
        self._parser = parser
        self._next: list[tuple[int, ...]] = []
        self._takes: list[Callable[[str], bool] | None] = []
        self._holds: list[Callable[[str, int], bool] | None] = []
        self._end = self._state()
        self._start = self._sequence(parsed, parsed.state.flags, self._end)

    def fullmatch(self, text: str) -> bool:
        """Return whether all of `text` leads from the first state to the last."""
        states = self._closure((self._start,), text, 0)
        for at, character in enumerate(text):
            taken = [state for state in states if (takes := self._takes[state]) is not None and takes(character)]
            states = self._closure([self._next[state][0] for state in taken], text, at + 1)
            if not states:
                return False
        return self._end in states

    def _closure(self, states: Iterable[int], text: str, at: int) -> dict[int, None]:
        found: dict[int, None] = {}
        todo = list(states)
        while todo:
            state = todo.pop()
            if state in found:
                continue
            holds = self._holds[state]
            if holds is not None and not holds(text, at):
                continue
            found[state] = None
            if self._takes[state] is None:
                todo.extend(self._next[state])
        return found

    def _state(
        self, then: tuple[int, ...] = (), takes: Callable[[str], bool] | None = None, holds: Callable[[str, int], bool] | None = None
    ) -> int:
        if len(self._next) >= _MOST_STATES:
            raise Refused("repeats too much, too often")
        self._next.append(then)
        self._takes.append(takes)
        self._holds.append(holds)
        return len(self._next) - 1

    def _sequence(self, parsed: Any, flags: int, then: int) -> int:
        """Return the state in which the sequence begins; at its end is the state `then`."""
        for item in reversed(list(parsed)):
            then = self._item(item, flags, then)
        return then

    def _item(self, item: tuple[Any, Any], flags: int, then: int) -> int:
        name, argument = str(item[0]), item[1]
        if name in _SINGLE:
            return self._state((then,), takes=self._single(item, flags))
        if name == "AT":
            return self._state((then,), holds=self._place(item, flags))
        if name == "SUBPATTERN":
            _, added, removed, inside = argument
            return self._sequence(inside, (flags | added) & ~removed, then)
        if name == "BRANCH":
            return self._state(tuple(self._sequence(inside, flags, then) for inside in argument[1]))
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            low, high, inside = argument
            return self._repeat(low, high, inside, flags, then)
        raise Refused("refers back, looks around or takes for itself (`(?=`, `\\1`, `++`), which is not run here")

    def _repeat(self, low: int, high: int, inside: Any, flags: int, then: int) -> int:
        if high == self._parser.MAXREPEAT:
            again = self._state()
            self._next[again] = (self._sequence(inside, flags, again), then)
            then = again
        else:
            end = then
            for _ in range(min(high - low, _MOST_STATES + 1)):
                then = self._state((self._sequence(inside, flags, then), end))
        for _ in range(min(low, _MOST_STATES + 1)):
            then = self._sequence(inside, flags, then)
            self._state()  # counts, so that a thousand times nothing ends
        return then

    def _compiled(self, item: tuple[Any, Any], flags: int) -> re.Pattern[str]:
        """Return Python's own expression of one item: what it takes is Python's to say."""
        state = self._parser.State()
        state.flags = flags
        compiler = import_module("re._compiler" if hasattr(re, "_compiler") else "sre_compile")
        found: re.Pattern[str] = compiler.compile(self._parser.SubPattern(state, [item]), flags)
        return found

    def _single(self, item: tuple[Any, Any], flags: int) -> Callable[[str], bool]:
        expression = self._compiled(item, flags)
        known: dict[str, bool] = {}

        def takes(character: str) -> bool:
            if character not in known:
                known[character] = expression.match(character) is not None
            return known[character]

        return takes

    def _place(self, item: tuple[Any, Any], flags: int) -> Callable[[str, int], bool]:
        expression = self._compiled(item, flags)
        return lambda text, at: expression.match(text, at) is not None
