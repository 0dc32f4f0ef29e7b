"""A place in the tokens of a manifest, and the steps that every part of the parser takes from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from lwlint.parse.puppet_tokens import Token

T = TypeVar("T")


class Mistake(Exception):
    """What Puppet would refuse, and the token where it would."""

    def __init__(self, message: str, token: Token) -> None:
        super().__init__(message)
        self.message, self.token = message, token


class Cursor:
    """Reads tokens one after another; the last one is `end`, and stays."""

    def __init__(self, text: str, read: list[Token]) -> None:
        self.text, self.tokens, self.at = text, read, 0

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def sees(self, *values: str) -> bool:
        token = self.tokens[self.at]
        return token.value in values and token.kind in ("operator", "keyword", "open", "close")

    def take(self, value: str | None = None) -> Token:
        token = self.tokens[self.at]
        if value is not None and not self.sees(value):
            raise Mistake(f"{self.shown(token)} stands where `{value}` is expected", token)
        if token.kind != "end":
            self.at += 1
        return token

    def shown(self, token: Token) -> str:
        """Return the text of a token for a message."""
        if token.kind == "end":
            return "the end"
        value = self.text[token.start : token.end].split("\n")[0][:40]
        if value.isprintable():
            return f"`{value}`"
        return {"\ufeff": "a byte order mark", "\0": "a NUL character"}.get(value[:1], "an unprintable character")

    @property
    def last_end(self) -> int:
        return self.tokens[self.at - 1].end if self.at else 0

    def listed(self, close: str, one: Callable[[], T]) -> tuple[T, ...]:
        """Read `one`s separated by commas, the last one optional, and `close`."""
        items: list[T] = []
        while not self.sees(close):
            items.append(one())
            if not self.sees(","):
                break
            self.take()
        self.take(close)
        return tuple(items)

    def name_of(self, token: Token) -> str:
        if token.kind not in ("name", "keyword", "string"):
            raise Mistake(f"{self.shown(token)} stands where a name is expected", token)
        return token.value[2:] if token.value.startswith("::") else token.value


def bare(name: str) -> str:
    """Return the name of a variable, class or type without dollar and leading colons."""
    return name.lstrip("$").removeprefix("::")
