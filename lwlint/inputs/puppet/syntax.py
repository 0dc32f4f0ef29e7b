"""Reads Puppet manifests: the grammar of Puppet 4 to 8 (`puppet/pops/parser/egrammar.ra`), and goes on after a mistake.

First come the parts of a parsed manifest, whose offsets count the characters of its text; `end` is excluded. A statement that Puppet
would refuse becomes `Broken`; reading goes on at the next line that is indented no deeper than it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from msgspec import Struct

from lwlint.core.kind import Piece
from lwlint.core.source import Source
from lwlint.inputs.puppet.tokens import DEPTH, SIZE, BadToken, Cursor, Mistake, Token, bare, tokens

_BINARY = frozenset({"+", "-", "*", "/", "%", "<<", ">>", "==", "!=", "<", ">", "<=", ">=", "=~", "!~"})
# `funcrvalue` in lib/puppet/parser/grammar.ra of 3.8.7 has none, `fstatement` and the grammar of Puppet 4 have one
_COMMA = "Puppet 3, which deploys releases up to ocata, refuses a comma after the last argument of a function whose value is used"
WORDS = frozenset({"true", "false", "undef", "default"})


class Node(Struct, frozen=True):
    """Any expression or statement."""

    start: int
    end: int


class Word(Node, frozen=True):
    """A bare word, number, `true`, `false`, `default`, or a name of a class or function; `undef` too."""

    value: str


class TypeName(Node, frozen=True):
    """A capitalised name: `Pacemaker::Resource::Service`."""

    value: str


class Quoted(Node, frozen=True):
    """A string that holds no variable; `value` is what it says, escapes undone."""

    value: str


class Variable(Node, frozen=True):
    """`$name`, without the dollar and without leading colons."""

    name: str


class Joined(Node, frozen=True):
    """A double quoted string with variables or expressions in it."""

    parts: tuple[Node, ...]


class Listed(Node, frozen=True):
    """`[a, b]`."""

    items: tuple[Node, ...]


class Hashed(Node, frozen=True):
    """`{a => b}`."""

    pairs: tuple[tuple[Node, Node], ...]


class Accessed(Node, frozen=True):
    """`$x['a']`, and a reference to resources: `Service['a', 'b']`."""

    of: Node
    keys: tuple[Node, ...]


class Block(Node, frozen=True):
    """Statements in braces, with the names of a lambda's parameters where it has any."""

    names: tuple[str, ...]
    statements: tuple[Node, ...]


class Call(Node, frozen=True):
    """`name(args)`, `include a, b`, `$x.name(args) |$y| { }` (what stands in front of the dot is the first argument)."""

    name: Word
    arguments: tuple[Node, ...]
    block: Optional[Block]


class Selector(Node, frozen=True):
    """`subject ? { key => value }`."""

    subject: Node
    options: tuple[tuple[Node, Node], ...]


class Other(Node, frozen=True):
    """An expression of no further interest; its operands may be."""

    operands: tuple[Node, ...]


class Attribute(Node, frozen=True):
    """`name => value` of a resource; `operator` is `=>` or `+>`; the name `*` takes a whole hash."""

    name: Word
    operator: str
    value: Node


class Body(Node, frozen=True):
    """One title of a resource declaration, or several in a list, with its attributes."""

    title: Node
    attributes: tuple[Attribute, ...]


class Resource(Node, frozen=True):
    """`type { title: ... ; title: ... }`; `form` is empty, `@` (virtual) or `@@` (exported)."""

    type: Node
    bodies: tuple[Body, ...]
    form: str


class Changed(Node, frozen=True):
    """Attributes for resources declared elsewhere: a default `Type { }`, an override `Type['x'] { }`, a collector."""

    of: Node
    attributes: tuple[Attribute, ...]


class Collector(Node, frozen=True):
    """`Type <| query |>`."""

    type: Node
    query: Optional[Node]


class Assignment(Node, frozen=True):
    """`$x = value`."""

    variable: Node
    value: Node


class Branches(Node, frozen=True):
    """`if`, `unless` or `case`: what is tested, and the blocks of which one runs, if any."""

    tests: tuple[Node, ...]
    blocks: tuple[Block, ...]


class Parameter(Node, frozen=True):
    """A parameter of a class or defined type."""

    name: str
    type: Optional[Node]
    default: Optional[Node]


class Definition(Node, frozen=True):
    """`class`, `define`, `node` or `function`; `name` is empty for a node."""

    keyword: str
    name: str
    parameters: tuple[Parameter, ...]
    parent: Optional[Word]
    block: Block


class Broken(Node, frozen=True):
    """A statement that Puppet would refuse, and why."""

    message: str


class Manifest(Struct, frozen=True):
    """A whole manifest: its statements, with `Broken` where one could not be read; `old_broken` is what Puppet 3 alone would refuse."""

    statements: tuple[Node, ...]
    broken: tuple[Broken, ...]
    old_broken: tuple[Broken, ...] = ()


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes directly under `node`, in the order of their fields."""
    for name in node.__struct_fields__:
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            for item in value:
                if isinstance(item, Node):
                    yield item
                elif isinstance(item, tuple):
                    yield from item


def walk(statements: tuple[Node, ...]) -> Iterator[Node]:
    """Yield every node of `statements`, each before those under it, in the order of the text. Does not recurse."""
    waiting = list(reversed(statements))
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(list(children(node))))


class Expressions(Cursor):
    """Expressions; the statements that may stand in them are read by the class that completes this one."""

    def __init__(self, text: str, read: list[Token]) -> None:
        super().__init__(text, read)
        self.commas: dict[int, Token] = {}  # behind the last argument of a call, by where the call starts

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
            # Puppet 3 took a blank in front of the bracket of a reference, `Foo::Bar ["y"]`
            if value == "[" and (isinstance(node, TypeName) or not self.text[self.next.start - 1 : self.next.start].isspace()):
                self.take()
                keys = self.read_list("]", self.item)
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
            arguments += self.read_list(")", self.item)
            comma = self.tokens[self.at - 2]
            if comma.kind == "operator" and comma.value == ",":
                self.commas[start] = comma
        block = self.function() if self.sees("|") else None
        return Call(start, self.last_end, name, arguments, block)

    def function(self) -> Block:
        self.take("|")
        names = tuple(parameter.name for parameter in self.read_list("|", self.parameter))
        if self.sees(">>"):
            self.take()
            self.operand()
        return self.block(names)

    def selector(self, subject: Node) -> Node:
        self.take("?")
        if self.sees("{"):
            self.take()
            options = self.read_list("}", self.pair)
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
            return self.join(start)
        if kind in ("regex", "heredoc"):
            return Other(start, end, ())
        if kind == "operator" and token.value == "(":
            node = self.statement()
            self.take(")")
            return node
        if kind == "operator" and token.value == "[":
            items = self.read_list("]", self.item)
            return Listed(start, self.last_end, items)
        if kind == "operator" and token.value == "{":
            pairs = self.read_list("}", self.pair)
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
        raise Mistake(f"{self.show(token)} does not belong here", token)

    def join(self, start: int) -> Node:
        parts: list[Node] = []
        while self.next.kind != "unquote":
            token = self.take()
            if token.kind == "text":
                parts.append(Quoted(token.start, token.end, token.value))
            elif token.kind == "variable":
                parts.append(Variable(token.start, token.end, bare(token.value)))
            elif token.kind == "open":
                parts.append(self.read_interpolated())
                self.take("}")
            else:
                raise Mistake("this string is never closed", token)
        end = self.take().end
        if all(isinstance(part, Quoted) for part in parts):
            return Quoted(start, end, "".join(part.value for part in parts if isinstance(part, Quoted)))
        return Joined(start, end, tuple(parts))

    def read_interpolated(self) -> Node:
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


MISTAKES = 10  # that are told of one manifest
AGAIN = 8  # times the tokens of a manifest that are read once more because of mistakes

STATEMENT_FUNCTIONS = frozenset({
    "alert", "break", "contain", "crit", "debug", "emerg", "err", "fail", "import", "include", "info", "next", "notice",
    "realize", "require", "return", "tag", "warning",
})  # fmt: skip
_STARTS = frozenset({"name", "type", "variable", "number", "string", "heredoc", "regex", "quote"})


class _Statements(Expressions):
    def __init__(self, text: str, read: list[Token]) -> None:
        super().__init__(text, read)
        self.broken: list[Broken] = []
        self.again = AGAIN * len(read)  # tokens that may still be read once more, in front of a mistake

    def several(self, inside: bool) -> tuple[Node, ...]:
        found: list[Node] = []
        while self.next.kind != "end":
            if self.sees("}") and inside:
                break
            begin = self.at
            try:
                if self.sees(";"):
                    self.take()
                    continue
                if self.sees("{") and found:
                    raise Mistake("`{` does not belong here", self.next)
                found.append(self.statement())
                if isinstance(found[-1], Call):
                    self.commas.pop(found[-1].start, None)  # Puppet 3 takes it where the call is a statement
            except Mistake as mistake:
                broken = Broken(mistake.token.start, mistake.token.end, mistake.message)
                self.broken.append(broken)
                self.recover(begin)
        return tuple(found)

    def recover(self, begin: int) -> None:
        """Go to where the next statement may start: a line indented no deeper than the one with token `begin`."""
        if self.tokens[begin].kind == "bad":
            self.at = begin + 1
            return
        depth = self.column(self.tokens[begin])
        for at in range(begin + 1, min(self.at, len(self.tokens) - 2) + 1):
            if self.begins_line(at, depth) and self.looks_declared(at):  # the mistake is a missing end further up
                if self.again < self.at - at:
                    break  # each block around this one would be read twice as often as the one in it
                self.again -= self.at - at
                self.at = at
                return
        if self.at == begin and self.next.kind != "end":
            self.at += 1
        while self.next.kind != "end":
            token = self.next
            if self.begins_line(self.at, depth) and token.kind != "bad":
                if token.value not in ("}", ")", "]") or self.column(token) < depth:
                    return
                self.at += 1
                return
            self.at += 1

    def begins_line(self, at: int, depth: int) -> bool:
        """Tell whether a token is the first of its line, and indented no deeper than `depth`."""
        token = self.tokens[at]
        return "\n" in self.text[self.tokens[at - 1].end : token.start] and self.column(token) <= depth

    def looks_declared(self, at: int) -> bool:
        """Tell whether a token looks like the start of a declaration or of a call without parentheses."""
        token = self.tokens[at]
        if token.kind == "name":
            return token.value in STATEMENT_FUNCTIONS or self.tokens[at + 1].value == "{"
        return token.kind == "keyword" and token.value in ("case", "class", "define", "if", "node", "unless")

    def column(self, token: Token) -> int:
        line = self.text.rfind("\n", 0, token.start) + 1
        return len(self.text[line : token.start]) - len(self.text[line : token.start].lstrip()) if token.start - line < 200 else 200

    def statement(self) -> Node:
        """Read an assignment, or what may stand on its right side; both are right associative."""
        links = [self.chain()]
        while self.sees("=", "+=", "-="):
            self.take()
            links.append(self.chain())
        node = links.pop()
        while links:
            variable = links.pop()
            node = Assignment(variable.start, node.end, variable, node)
        return node

    def chain(self) -> Node:
        """Read a statement, or several with arrows between them."""
        first = self.declaration()
        if not self.sees("->", "~>", "<-", "<~"):
            return first
        linked = [first]
        while self.sees("->", "~>", "<-", "<~"):
            self.take()
            linked.append(self.declaration())
        return Other(first.start, linked[-1].end, tuple(linked))

    def declaration(self) -> Node:
        token = self.next
        if token.kind == "operator" and token.value in ("@", "@@"):
            self.take()
            of = self.primary()
            return self.resource(of, token.start, token.value)
        if token.kind == "keyword":
            if token.value == "class" and self.tokens[self.at + 1].value == "{":
                self.take()
                return self.resource(Word(token.start, token.end, "class"), token.start, "")
            if token.value in ("class", "define", "function", "node"):
                return self.definition()
            if token.value == "type" and self.tokens[self.at + 1].kind == "type":
                return self.alias()
        node = self.expression()
        if isinstance(node, Word) and node.value in STATEMENT_FUNCTIONS and self.starts_value():
            return self.bare_call(node)
        if self.sees("{") and token.value not in WORDS:
            if isinstance(node, (Word, Variable, Quoted)):
                return self.resource(node, node.start, "")
            if isinstance(node, (TypeName, Accessed, Collector)):
                return self.read_change(node) if self.sees_attributes() else self.resource(node, node.start, "")
        return node

    def starts_value(self) -> bool:
        return self.next.kind in _STARTS or self.sees("[", "!", "-", *WORDS)

    def sees_attributes(self) -> bool:
        """Tell `Type { name => value }` from the rare `Type { title: }`."""
        first, second = self.tokens[self.at + 1], self.tokens[min(self.at + 2, len(self.tokens) - 1)]
        return first.value == "}" or second.value in ("=>", "+>")

    def bare_call(self, name: Word) -> Node:
        """Read the arguments of `include a, b`, which has no parentheses."""
        arguments = [self.statement()]
        while self.sees(","):
            self.take()
            arguments.append(self.statement())
        return Call(name.start, self.last_end, name, tuple(arguments), None)

    def resource(self, of: Node, start: int, form: str) -> Node:
        brace = self.take("{").start
        bodies: list[Body] = []
        while not self.sees("}"):
            title = self.expression()
            self.take(":")
            bodies.append(Body(title.start, self.last_end, title, self.attributes()))
            if not self.sees(";"):
                break
            self.take()
        self.take("}")
        if not bodies and (form or not isinstance(of, Word) or "-" in of.value):
            raise Mistake("`{` does not belong here", self.tokens[self.at - 2])
        if not bodies:  # to Puppet a value and an empty hash
            return Other(start, self.last_end, (of, Hashed(brace, self.last_end, ())))
        return Resource(start, self.last_end, of, tuple(bodies), form)

    def read_change(self, of: Node) -> Node:
        self.take("{")
        attributes = self.attributes()
        if self.sees(";"):
            self.take()
        self.take("}")
        return Changed(of.start, self.last_end, of, attributes)

    def attributes(self) -> tuple[Attribute, ...]:
        found: list[Attribute] = []
        if self.sees(","):  # the grammar lets the first one be left out
            self.take()
        while not self.sees("}", ";"):
            name = self.take()
            if name.kind not in ("name", "keyword") and name.value != "*":
                raise Mistake(f"{self.show(name)} stands where an attribute is expected", name)
            if not self.sees("=>", "+>"):
                raise Mistake(f"{self.show(self.next)} stands where `=>` is expected", self.next)
            operator = self.take().value
            value = self.expression()
            found.append(Attribute(name.start, value.end, Word(name.start, name.end, name.value), operator, value))
            if not self.sees(","):
                break
            self.take()
        return tuple(found)

    def definition(self) -> Node:
        keyword = self.take()
        name, parent = "", None
        parameters: tuple[Parameter, ...] = ()
        if keyword.value == "node":
            while self.next.kind != "end" and not self.sees("{"):
                self.take()
        else:
            name = self.name_of(self.take())
            if self.sees("("):
                self.take()
                parameters = self.read_list(")", self.parameter)
            if self.sees("inherits"):
                self.take()
                token = self.take()
                parent = Word(token.start, token.end, self.name_of(token))
            if self.sees(">>"):
                self.take()
                self.operand()
        block = self.block(())
        return Definition(keyword.start, self.last_end, keyword.value, name, parameters, parent, block)

    def alias(self) -> Node:
        start = self.take().start
        self.operand()
        self.take("=")
        return Other(start, self.last_end, (self.expression(),))

    def block(self, names: tuple[str, ...]) -> Block:
        start = self.take("{").start
        statements = self.several(inside=True)
        self.take("}")
        return Block(start, self.last_end, names, statements)


def parse(text: str) -> Manifest:
    """Return what `text` declares; where Puppet would refuse it, the statements that could be read all the same."""
    if len(text) > SIZE:
        return Manifest((), (Broken(0, 0, f"this manifest has more than {SIZE:,} characters"),))
    read, bad = tokens(text, DEPTH)
    parser = _Statements(text, read)
    statements: tuple[Node, ...] = ()
    while parser.next.kind != "end":
        statements += parser.several(inside=False)
    commas = [Broken(comma.start, comma.end, _COMMA) for comma in parser.commas.values()]
    return Manifest(statements, _mistakes(parser.broken, bad, len(text)), tuple(commas[:MISTAKES]))


def _mistakes(broken: list[Broken], bad: BadToken | None, size: int) -> tuple[Broken, ...]:
    """Return the first mistakes. Where the tokens end too early, the statement that lacks its end is not told of too."""
    if bad is None:
        return tuple(broken[:MISTAKES])
    told = [mistake for mistake in broken if mistake.start < size][: MISTAKES - 1]
    return (*told, Broken(bad.start, bad.end, bad.message))


def read_blocks(source: Source) -> Iterator[Piece]:
    """Yield the statements and expressions of a manifest."""
    return ((node.start, node.end) for node in walk(parse(source.text).statements))
