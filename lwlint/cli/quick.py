"""The arguments of the usual command lines, read from the same table without argparse, which costs 4 ms to import and to set up.

What is not read at once is left to argparse: short options in one word, beginnings of options, help, and all that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any


class _Table:
    """Takes what the parser of a command is told, and keeps what reading needs."""

    def __init__(self) -> None:
        self.options: dict[str, tuple[str, str, Any]] = {}  # by what is typed: action, destination, choices
        self.values: dict[str, Any] = {}
        self.rest: str | None = None  # the destination of any number of positional arguments
        self.whole = True

    def add_argument(self, *names: str, action: str = "store", default: Any = None, choices: Any = None, **how: Any) -> None:
        """Note one argument; one that reading knows nothing of leaves the table not `whole`."""
        if not names[0].startswith("-"):
            self.whole = self.whole and self.rest is None and how.get("nargs") == "*"
            self.rest = names[0]
            self.values[names[0]] = []
            return
        long = next((name for name in names if name.startswith("--")), names[0])
        into = long.lstrip("-").replace("-", "_")
        self.values[into] = default if action != "store_true" else False
        if action in ("store", "store_true", "append") and not how.keys() - {"help", "metavar"}:
            self.options.update((name, (action, into, choices)) for name in names)
        else:  # argparse is asked where it is given
            self.whole = self.whole and "required" not in how and not isinstance(default, str)


def read(given: Sequence[str], add: Callable[[Any], None]) -> SimpleNamespace | None:
    """Return what argparse would make of the arguments `given`, None where it should be asked; `add` adds those of the command."""
    table = _Table()
    table.add_argument("--debug", action="store_true")
    add(table)
    return _read(given, table) if table.whole else None


def takes_value(word: str, add: Callable[[Any], None]) -> bool:
    """Return whether the argument behind the option `word`, in full or its beginning, is its value; `add` adds the options there are."""
    table = _Table()
    add(table)
    if not word.startswith("--"):
        return any(action != "store_true" for name, (action, _, _) in table.options.items() if name == word)
    found = [action for name, (action, _, _) in table.options.items() if name == word] or [
        action for name, (action, _, _) in table.options.items() if name.startswith(word)
    ]
    return "=" not in word and bool(found) and found[0] != "store_true"


def _read(given: Sequence[str], table: _Table) -> SimpleNamespace | None:
    values, at, rest_ended = table.values, 1, False
    rest: list[str] = []
    while at < len(given):
        word = given[at]
        at += 1
        if word == "--" and table.rest is not None and not rest_ended:
            rest += given[at:]
            break
        if not word.startswith("-") or word == "-":
            if table.rest is None or rest_ended:
                return None
            rest.append(word)
            continue
        rest_ended = bool(rest)
        name, _, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if name not in table.options or (word != name and not value) or value == "--":
            return None
        action, into, choices = table.options[name]
        if action == "store_true":
            if value:
                return None
            values[into] = True
            continue
        if not value:
            if at == len(given) or given[at].startswith("-"):
                return None
            value = given[at]
            at += 1
        if choices is not None and value not in choices:
            return None
        values[into] = [*values[into], value] if action == "append" else value
    if table.rest is not None:
        values[table.rest] = rest
    return SimpleNamespace(command=given[0], **values)
