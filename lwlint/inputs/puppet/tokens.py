"""Tokens of a Puppet manifest, by the lexical rules of Puppet 4 to 8 (`puppet/pops/parser/lexer2.rb`, `slurp_support.rb`).

Offsets count characters. A double quoted string is a run of tokens: `quote`, then `text` pieces, `variable`s and `open` ..
`close` around an interpolated expression, then `unquote`. Nothing here recurses.

By the tokens alone it is told which strings are secrets: what an attribute, a key or a variable that holds one is given.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import NamedTuple, TypeVar

from lwlint.core.kind import Piece
from lwlint.core.secret import is_secret
from lwlint.core.source import Source

DEPTH = 64  # open brackets and interpolations; manifests of puppet-tripleo reach 13
SIZE = 2_000_000  # characters; the largest manifest of tripleo-heat-templates has 90,000
KEYWORDS = frozenset({
    "and", "attr", "case", "class", "default", "define", "else", "elsif", "false", "function", "if", "in", "inherits", "node", "or",
    "private", "true", "type", "undef", "unless",
})  # fmt: skip
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_GOES_ON = frozenset(("=>", "=", "?", "(", "[", "{", ",", "+", "-", "/", "*", "<<"))


class Token(NamedTuple):
    """`kind`: name, type, keyword, variable, number, string, heredoc, regex, operator; quote, text, open, close, unquote; bad, end."""

    kind: str
    value: str
    start: int
    end: int


class BadToken(Exception):
    """Text that is no token. `start` and `end` are its place; the tokens in front of it are kept by the caller."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message, self.start, self.end = message, start, end


_CODE = re.compile(
    r"""
    (?P<blank>[ \t\r\n\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+|\#[^\n]*|/\*.*?\*/)
  | (?P<variable>\$(?:::)?(?:\w+::)*\w+)
  | (?P<number>0[xX][0-9A-Fa-f]+|\d+(?:\.\d+)?(?:[eE]-?\d+)?)(?!\w)
  | (?P<type>(?:::)?[A-Z]\w*(?:::[A-Z]\w*)*)
  | (?P<name>(?:::)?[a-z_](?:[\w-]*\w)?(?:::[a-z_](?:[\w-]*\w)?)*)
  | (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<quote>")
  | (?P<heredoc>@\([ \t]*(?P<tag>"[^":/\r\n]+"|[^":/\r\n)]+?)[ \t]*(?::[^/\r\n)]*)?(?P<escapes>/[\w$]*)?[ \t]*\))
  | (?P<operator><<\||\|>>|=>|\+>|->|~>|<-|<~|==|!=|=~|!~|<=|>=|<\||\|>|<<|>>|\+=|-=|@@|[-{}\[\]():;,.?=<>+*/%!|@])
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_REGEX = re.compile(r"/(?:[^/\\]|\\.)*/", re.DOTALL)
_TEXT = re.compile(r'(?:[^"\\$]|\\.|\$(?![:\w{])|\$:(?!:\w))+', re.DOTALL | re.ASCII)
_PLAIN_VARIABLE = re.compile(r"\$(?:::)?(?:\w+::)*\w+", re.ASCII)
_SINGLE_ESCAPE = re.compile(r"\\([\\'])")
_DOUBLE_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|(\r?\n)|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "s": " ", "$": "$", '"': '"', "'": "'", "\\": "\\"}
# After these a `/` divides; elsewhere it opens a regular expression (lexer2.rb, regexp_acceptable?).
_OPERANDS = frozenset({"name", "type", "variable", "number", "string", "unquote", "regex"})
_CLOSERS = frozenset({")", "]", "|>", "|>>"})


def _double_quoted(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        braced, fixed, line_break, other = match.groups()
        if braced or fixed:
            code = int(braced or fixed, 16)
            return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else match[0]
        return "" if line_break else _ESCAPES.get(other, match[0])

    return _DOUBLE_ESCAPE.sub(plain, text) if "\\" in text else text


class _Lexer:
    """One pass over `text`; `nested` is the depth of brackets and of interpolations that are open."""

    def __init__(self, text: str, depth: int) -> None:
        self.text, self.depth = text, depth
        self.tokens: list[Token] = []
        self.braces: list[int] = []  # per open interpolation: braces that are open inside it
        self.nested = 0
        self.heredocs: list[tuple[int, re.Match[str]]] = []
        self.texts: list[Piece] = []  # where the bodies of heredocs stand

    def run(self) -> None:
        position, size = 0, len(self.text)
        while position < size:
            position = self.code(position)
        if self.braces:
            opened = next(t for t in reversed(self.tokens) if t.kind == "open")
            raise BadToken("this expression in a string is never closed", opened.start, opened.end)

    def add(self, kind: str, value: str, start: int, end: int) -> None:
        self.tokens.append(Token(kind, value, start, end))

    def deeper(self, start: int) -> None:
        self.nested += 1
        if self.nested > self.depth:
            raise BadToken(f"nested more than {self.depth} levels deep", start, start + 1)

    def code(self, position: int) -> int:
        """Read one token of code at `position`; return where the next one starts."""
        text = self.text
        match = _CODE.match(text, position)
        if match is None:
            if text[position] == "'":
                raise BadToken("this string is never closed", position, position + 1)
            return self.bad(position)
        kind, value, end = match.lastgroup or "", match[0], match.end()
        if kind == "blank":
            return self.blank(value, position, end)
        if match["heredoc"] is not None:
            return self.heredoc(match)
        if kind == "operator":
            return self.operator(value, position, end)
        if kind == "quote":
            self.add("quote", value, position, end)
            return self.string(end)
        if kind == "string":
            value = _SINGLE_ESCAPE.sub(r"\1", value[1:-1])
        elif kind == "name" and value in KEYWORDS:
            kind = "keyword"
        self.add(kind, value, position, end)
        if kind in ("type", "name") and text.startswith("::", end):
            return self.bad(end + 1)
        return end

    def bad(self, position: int) -> int:
        """Keep a character that is no part of the language; neighbours of its kind join it."""
        last = self.tokens[-1] if self.tokens else None
        if last is not None and last.kind == "bad" and last.end == position:
            self.tokens[-1] = Token("bad", last.value, last.start, position + 1)
        else:
            self.add("bad", self.text[position], position, position + 1)
        return position + 1

    def blank(self, value: str, start: int, end: int) -> int:
        """Skip white space and comments, and with the end of its line the body of a heredoc."""
        if self.heredocs and value[0] != "#":
            line_break = self.text.find("\n", start, end)
            if line_break >= 0:
                return self.bodies(line_break + 1)
        return end

    def operator(self, value: str, start: int, end: int) -> int:
        if self.text.startswith("/*", start):
            raise BadToken("this comment is never closed", start, start + 2)
        if value == "/" and not self.tokens_end_operand():
            regex = _REGEX.match(self.text, start)
            if regex:
                self.add("regex", regex[0], start, regex.end())
                return regex.end()
        if value in "{[(":
            self.deeper(start)
        elif value in "}])":
            self.nested = max(self.nested - 1, 0)
        if self.braces and value == "{":
            self.braces[-1] += 1
        elif self.braces and value == "}":
            if self.braces[-1] == 0:
                self.braces.pop()
                self.add("close", value, start, end)
                return self.string(end)
            self.braces[-1] -= 1
        self.add("operator", value, start, end)
        return end

    def tokens_end_operand(self) -> bool:
        last = self.tokens[-1] if self.tokens else None
        return last is not None and (last.kind in _OPERANDS or last.value in (_CLOSERS if last.kind == "operator" else ("true", "false")))

    def string(self, position: int) -> int:
        """Read the text of a double quoted string from `position` up to its end, or to an expression in it."""
        text, size = self.text, len(self.text)
        while position < size:
            match = _TEXT.match(text, position)
            variable = None if match else _PLAIN_VARIABLE.match(text, position)
            if match:
                self.add("text", _double_quoted(match[0]), position, match.end())
                position = match.end()
            elif variable:
                self.add("variable", variable[0], position, variable.end())
                position = variable.end()
            elif text[position] == '"':
                self.add("unquote", '"', position, position + 1)
                return position + 1
            elif text.startswith("${", position):
                self.deeper(position)
                self.add("open", "${", position, position + 2)
                self.braces.append(0)
                return position + 2
            else:
                self.add("text", text[position], position, position + 1)
                position += 1
        opened = next(t for t in reversed(self.tokens) if t.kind in ("quote", "close"))
        raise BadToken("this string is never closed", opened.start, opened.end)

    def heredoc(self, match: re.Match[str]) -> int:
        """Keep the mark `@(TAG)` as an empty string; its body, from the next line on, is skipped when that line comes."""
        self.heredocs.append((len(self.tokens), match))
        self.add("string", "", match.start(), match.end())
        return match.end()

    def bodies(self, position: int) -> int:
        """Read the bodies of the heredocs of the line that ends here; return where the line after them starts."""
        for index, match in self.heredocs:
            tag = match["tag"].strip('"').strip()
            closing = re.compile(rf"^[ \t]*(?:\|[ \t]*)?(?:-[ \t]*)?{re.escape(tag)}[ \t]*(?:\r?$|\Z)", re.MULTILINE)
            end = closing.search(self.text, position)
            if end is None:
                raise BadToken(f"the text up to `{tag}` is never closed", match.start(), match.end())
            body = self.text[position : end.start()]
            kind = "heredoc" if "$" in body and match["tag"][0] == '"' else "string"
            self.tokens[index] = Token(kind, body, match.start(), match.end())
            self.texts.append((position, end.end()))
            position = min(end.end() + 1, len(self.text))
        self.heredocs.clear()
        return position


def tokens(text: str, depth: int) -> tuple[list[Token], BadToken | None]:
    """Return the tokens of `text` with an `end` token last, and what stopped the reading, if anything did.

    No more than `depth` brackets and interpolations may be open at once.
    """
    lexer = _Lexer(text, depth)
    bad = None
    try:
        lexer.run()
    except BadToken as stop:
        bad = stop
    size = len(text)
    return [*lexer.tokens, Token("end", "", size, size)], bad


def comment_may_stand(source: Source, at: int) -> bool:
    """Return whether a `#` at the offset may begin a comment: it is in no string, no heredoc and no regular expression."""
    texts: list[Piece] | None = source.__dict__.get("_puppet_texts")
    if texts is None:
        lexer = _Lexer(source.text, DEPTH)
        if len(source.text) <= SIZE:
            with suppress(BadToken):  # what is behind it, nothing is found of
                lexer.run()
        pieces = ((one.start, one.end) for one in lexer.tokens if one.kind in ("string", "text", "regex"))
        texts = source.__dict__["_puppet_texts"] = sorted([*pieces, *lexer.texts])
    i = bisect_right(texts, (at, len(source.text) + 1)) - 1
    return i < 0 or at >= texts[i][1]


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
            raise Mistake(f"{self.show(token)} stands where `{value}` is expected", token)
        if token.kind != "end":
            self.at += 1
        return token

    def show(self, token: Token) -> str:
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

    def read_list(self, close: str, one: Callable[[], T]) -> tuple[T, ...]:
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
            raise Mistake(f"{self.show(token)} stands where a name is expected", token)
        return token.value[2:] if token.value.startswith("::") else token.value


def bare(name: str) -> str:
    """Return the name of a variable, class or type without dollar and leading colons."""
    return name.lstrip("$").removeprefix("::")


def read_secrets(source: Source, names: Collection[str]) -> Iterator[Piece]:
    """Yield the places of the strings that are secrets, however they are written: in a selector, a hash, a call or a heredoc, too."""
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
