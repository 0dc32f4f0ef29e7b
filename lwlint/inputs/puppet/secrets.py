"""The strings of a manifest that are secrets: what an attribute, a key or a variable that holds one is given, however it is written."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from lwlint.core.kind import Piece
from lwlint.core.secret import is_secret
from lwlint.core.source import Source
from lwlint.inputs.puppet.syntax import DEPTH, SIZE
from lwlint.inputs.puppet.tokens import Token, bare, tokens

_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_GOES_ON = frozenset(("=>", "=", "?", "(", "[", "{", ",", "+", "-", "/", "*", "<<"))


def read_secrets(source: Source, names: Collection[str]) -> Iterator[Piece]:
    """Yield the places of the strings that are secrets, also of a selector, a hash, a call or a heredoc over several lines."""
    if len(source.text) > SIZE:
        return
    read, _ = tokens(source.text, DEPTH)
    titled = False  # whether the resource's title is the name of an option that holds a secret, or its body says that it is one
    at = 0
    while at + 2 < len(read):
        name, sign = read[at], read[at + 1].value if read[at + 1].kind == "operator" else ""
        if name.kind == "unquote" and read[at - 1].kind == "text":
            name = read[at - 1]
        if sign == ":" and name.kind in ("string", "text"):
            titled = is_secret(name.value) or _says_secret(read, at + 2)
        elif sign in ("=>", "=") and (
            (name.kind in ("name", "string", "text", "variable") and is_secret(bare(name.value))) or (titled and name.value == "value")
        ):
            end = _end(source.text, read, at + 2, statement=sign == "=")
            yield from _strings(source.text, read[at + 2 : end])
            at = max(end - 1, at + 1)
        at += 1


def _says_secret(read: list[Token], at: int) -> bool:
    """Return whether the body of a resource, which begins here, has `secret => true`, as the types of options take it."""
    depth = 0
    while read[at].kind != "end":
        token = read[at]
        sign = token.value if token.kind == "operator" else ""
        if not depth and sign in (";", ":", "{"):  # its end; what is no body of a resource but the label of a case
            return False
        if not depth and sign == "=>" and read[at - 1].value == "secret":
            return read[at + 1].value.lower() == "true"
        depth += (sign in _OPENING) - (sign in _CLOSING)
        if depth < 0:
            return False
        at += 1
    return False


def _end(text: str, read: list[Token], at: int, *, statement: bool) -> int:
    """Return the index of the token behind a value: its comma or bracket or, of a `statement`, what begins the next one."""
    depth, first = 0, at
    while read[at].kind != "end":
        token = read[at]
        sign = token.value if token.kind == "operator" else ""
        if not depth and (sign in (",", ";") or (statement and at > first and _begins_statement(text, read[at - 1], token))):
            return at
        depth += (sign in _OPENING) - (sign in _CLOSING)
        if depth < 0:
            return at
        at += 1
    return at


def _begins_statement(text: str, before: Token, token: Token) -> bool:
    """Return whether a token on a line of its own begins what follows a statement, for the one before it lets that end."""
    return "\n" in text[before.end : token.start] and before.value not in _GOES_ON


def _strings(text: str, value: list[Token]) -> Iterator[Piece]:
    """Yield the strings of a value, but for the keys of hashes and selectors, and what an index or a lookup names."""
    indexed = 0  # brackets of an index that are open
    for number, token in enumerate(value):
        before = value[number - 1] if number else None
        if token.kind == "operator" and token.value == "[" and (indexed or (before and (before.kind == "variable" or before.value == "]"))):
            indexed += 1
        elif token.kind == "operator" and token.value == "]" and indexed:
            indexed -= 1
        elif indexed or token.kind not in ("string", "text", "heredoc") or (number + 1 < len(value) and value[number + 1].value == "=>"):
            continue
        elif text.startswith("@(", token.start):
            body = text.find(token.value, token.end) if token.value else -1
            if body >= 0:
                yield body, body + len(token.value)
        else:
            inside = int(token.kind == "string")
            yield token.start + inside, token.end - inside
