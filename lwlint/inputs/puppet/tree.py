"""The parts of a parsed Puppet manifest. Offsets count the characters of its text; `end` is excluded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from msgspec import Struct


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
