"""The expressions of Puppet. Operators are kept flat: which of them binds tighter is no concern of a policy."""

from __future__ import annotations

from lwlint.parse.puppet_cursor import Cursor, Mistake, bare
from lwlint.parse.puppet_tokens import Token
from lwlint.parse.puppet_tree import (
    Accessed,
    Block,
    Branches,
    Call,
    Collector,
    Hashed,
    Joined,
    Listed,
    Node,
    Other,
    Parameter,
    Quoted,
    Selector,
    TypeName,
    Variable,
    Word,
)  # fmt: skip

_BINARY = frozenset({"+", "-", "*", "/", "%", "<<", ">>", "==", "!=", "<", ">", "<=", ">=", "=~", "!~"})
WORDS = frozenset({"true", "false", "undef", "default"})


class Expressions(Cursor):
    """Expressions; the statements that may stand in them are read by the class that completes this one."""

    def statement(self) -> Node:
        raise NotImplementedError

    def block(self, names: tuple[str, ...]) -> Block:
        raise NotImplementedError

    def expression(self) -> Node:
        first = self.operand()
        operands = [first]
        while (self.next.kind == "operator" and self.next.value in _BINARY) or self.sees("and", "or", "in"):
            self.take()
            operands.append(self.operand())
        return first if len(operands) == 1 else Other(first.start, operands[-1].end, tuple(operands))

    def operand(self) -> Node:
        start, signs = self.next.start, []
        while self.sees("!", "-", "*"):
            signs.append(self.take().value)
        node = self.after(self.primary())
        if signs == ["-"] and isinstance(node, Word) and node.value[:1].isdigit():
            return Word(start, node.end, f"-{node.value}")
        return Other(start, node.end, (node,)) if signs else node

    def after(self, node: Node) -> Node:
        """Read what may follow a value: `[key]`, `.function`, `? { }`, `<| |>`."""
        while self.next.kind == "operator":
            value = self.next.value
            if value == "[" and not self.text[self.next.start - 1 : self.next.start].isspace():
                self.take()
                keys = self.listed("]", self.item)
                if not keys:
                    raise Mistake("`]` stands where a key is expected", self.tokens[self.at - 1])
                node = Accessed(node.start, self.last_end, node, keys)
            elif value == ".":
                self.take()
                name = self.take()
                node = self.call(Word(name.start, name.end, self.name_of(name)), node.start, (node,))
            elif value == "?":
                node = self.selector(node)
            elif value in ("<|", "<<|") and isinstance(node, (TypeName, Word)):
                node = self.collector(node)
            else:
                break
        return node

    def item(self) -> Node:
        """Read one argument, list item or key; `a => b` may stand for a hash of one."""
        node = self.statement()
        if not self.sees("=>"):
            return node
        self.take()
        value = self.statement()
        return Hashed(node.start, value.end, ((node, value),))

    def call(self, name: Word, start: int, first: tuple[Node, ...]) -> Node:
        arguments = first
        if self.sees("("):
            self.take()
            arguments += self.listed(")", self.item)
        block = self.function() if self.sees("|") else None
        return Call(start, self.last_end, name, arguments, block)

    def function(self) -> Block:
        self.take("|")
        names = tuple(parameter.name for parameter in self.listed("|", self.parameter))
        if self.sees(">>"):
            self.take()
            self.operand()
        return self.block(names)

    def selector(self, subject: Node) -> Node:
        self.take("?")
        if self.sees("{"):
            self.take()
            options = self.listed("}", self.pair)
            if not options:
                raise Mistake("`}` stands where an option is expected", self.tokens[self.at - 1])
        else:
            options = (self.pair(),)
        return Selector(subject.start, self.last_end, subject, options)

    def pair(self) -> tuple[Node, Node]:
        key = self.statement()
        self.take("=>")
        return key, self.statement()

    def collector(self, of: Node) -> Node:
        close = "|>" if self.take().value == "<|" else "|>>"
        query = None if self.sees(close) else self.expression()
        self.take(close)
        return Collector(of.start, self.last_end, of, query)

    def primary(self) -> Node:
        token = self.take()
        kind, start, end = token.kind, token.start, token.end
        if kind in ("name", "type"):
            if self.sees("("):
                return self.call(Word(start, end, bare(token.value)), start, ())
            return Word(start, end, token.value) if kind == "name" else TypeName(start, end, bare(token.value))
        if kind == "number":
            return Word(start, end, token.value)
        if kind == "string":
            return Quoted(start, end, token.value)
        if kind == "variable":
            return Variable(start, end, bare(token.value))
        if kind == "quote":
            return self.joined(start)
        if kind in ("regex", "heredoc"):
            return Other(start, end, ())
        if kind == "operator" and token.value == "(":
            node = self.statement()
            self.take(")")
            return node
        if kind == "operator" and token.value == "[":
            items = self.listed("]", self.item)
            return Listed(start, self.last_end, items)
        if kind == "operator" and token.value == "{":
            pairs = self.listed("}", self.pair)
            return Hashed(start, self.last_end, pairs)
        return self.keyword(token)

    def keyword(self, token: Token) -> Node:
        if token.kind == "keyword":
            if self.sees("=>") and token.value not in WORDS:
                return Quoted(token.start, token.end, token.value)
            if token.value in WORDS:
                return Word(token.start, token.end, token.value)
            if token.value in ("if", "unless"):
                return self.condition(token.start)
            if token.value == "case":
                return self.case(token.start)
            if self.sees("("):
                return self.call(Word(token.start, token.end, token.value), token.start, ())
        raise Mistake(f"{self.shown(token)} does not belong here", token)

    def joined(self, start: int) -> Node:
        parts: list[Node] = []
        while self.next.kind != "unquote":
            token = self.take()
            if token.kind == "text":
                parts.append(Quoted(token.start, token.end, token.value))
            elif token.kind == "variable":
                parts.append(Variable(token.start, token.end, bare(token.value)))
            elif token.kind == "open":
                parts.append(self.interpolated())
                self.take("}")
            else:
                raise Mistake("this string is never closed", token)
        end = self.take().end
        if all(isinstance(part, Quoted) for part in parts):
            return Quoted(start, end, "".join(part.value for part in parts if isinstance(part, Quoted)))
        return Joined(start, end, tuple(parts))

    def interpolated(self) -> Node:
        """Read the expression of `${...}`; a bare name at its start is a variable there."""
        token, following = self.next, self.tokens[self.at + 1]
        if token.kind in ("name", "keyword", "number") and following.value in ("[", ".", "}") and following.kind in ("operator", "close"):
            self.tokens[self.at] = Token("variable", token.value, token.start, token.end)
        return self.statement()

    def condition(self, start: int) -> Node:
        tests, blocks = [self.expression()], [self.block(())]
        while self.sees("elsif"):
            self.take()
            tests.append(self.expression())
            blocks.append(self.block(()))
        if self.sees("else"):
            self.take()
            blocks.append(self.block(()))
        return Branches(start, self.last_end, tuple(tests), tuple(blocks))

    def case(self, start: int) -> Node:
        tests, blocks = [self.expression()], []
        self.take("{")
        while not self.sees("}"):
            tests.append(self.expression())
            while self.sees(","):
                self.take()
                tests.append(self.expression())
            self.take(":")
            blocks.append(self.block(()))
        self.take("}")
        return Branches(start, self.last_end, tuple(tests), tuple(blocks))

    def parameter(self) -> Parameter:
        start, kind = self.next.start, None
        while self.next.kind != "variable":
            if self.sees("*"):
                self.take()
            else:
                kind = self.operand()
                if not isinstance(kind, (TypeName, Accessed)):
                    raise Mistake("a parameter stands here without its `$`", self.tokens[self.at - 1])
        name = self.take().value
        default = None
        if self.sees("="):
            self.take()
            default = self.expression()
        return Parameter(start, self.last_end, bare(name), kind, default)
