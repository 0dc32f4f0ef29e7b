"""The parts of a parsed Puppet manifest. Offsets count the characters of its text; `end` is excluded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Optional


@dataclass(frozen=True)
class Node:
    """Any expression or statement."""

    start: int
    end: int


@dataclass(frozen=True)
class Word(Node):
    """A bare word, number, `true`, `false`, `default`, or a name of a class or function; `undef` too."""

    value: str


@dataclass(frozen=True)
class TypeName(Node):
    """A capitalised name: `Pacemaker::Resource::Service`."""

    value: str


@dataclass(frozen=True)
class Quoted(Node):
    """A string that holds no variable; `value` is what it says, escapes undone."""

    value: str


@dataclass(frozen=True)
class Variable(Node):
    """`$name`, without the dollar and without leading colons."""

    name: str


@dataclass(frozen=True)
class Joined(Node):
    """A double quoted string with variables or expressions in it."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Listed(Node):
    """`[a, b]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Hashed(Node):
    """`{a => b}`."""

    pairs: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True)
class Accessed(Node):
    """`$x['a']`, and a reference to resources: `Service['a', 'b']`."""

    of: Node
    keys: tuple[Node, ...]


@dataclass(frozen=True)
class Block(Node):
    """Statements in braces, with the names of a lambda's parameters where it has any."""

    names: tuple[str, ...]
    statements: tuple[Node, ...]


@dataclass(frozen=True)
class Call(Node):
    """`name(args)`, `include a, b`, `$x.name(args) |$y| { }` (what stands in front of the dot is the first argument)."""

    name: Word
    arguments: tuple[Node, ...]
    block: Optional[Block]


@dataclass(frozen=True)
class Selector(Node):
    """`subject ? { key => value }`."""

    subject: Node
    options: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True)
class Other(Node):
    """An expression of no further interest; its operands may be."""

    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Attribute(Node):
    """`name => value` of a resource; `operator` is `=>` or `+>`; the name `*` takes a whole hash."""

    name: Word
    operator: str
    value: Node


@dataclass(frozen=True)
class Body(Node):
    """One title of a resource declaration, or several in a list, with its attributes."""

    title: Node
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True)
class Resource(Node):
    """`type { title: ... ; title: ... }`; `form` is empty, `@` (virtual) or `@@` (exported)."""

    type: Node
    bodies: tuple[Body, ...]
    form: str


@dataclass(frozen=True)
class Changed(Node):
    """Attributes for resources declared elsewhere: a default `Type { }`, an override `Type['x'] { }`, a collector."""

    of: Node
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True)
class Collector(Node):
    """`Type <| query |>`."""

    type: Node
    query: Optional[Node]


@dataclass(frozen=True)
class Assignment(Node):
    """`$x = value`."""

    variable: Node
    value: Node


@dataclass(frozen=True)
class Branches(Node):
    """`if`, `unless` or `case`: what is tested, and the blocks of which one runs, if any."""

    tests: tuple[Node, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Parameter(Node):
    """A parameter of a class or defined type."""

    name: str
    type: Optional[Node]
    default: Optional[Node]


@dataclass(frozen=True)
class Definition(Node):
    """`class`, `define`, `node` or `function`; `name` is empty for a node."""

    keyword: str
    name: str
    parameters: tuple[Parameter, ...]
    parent: Optional[Word]
    block: Block


@dataclass(frozen=True)
class Broken(Node):
    """A statement that Puppet would refuse, and why."""

    message: str


@dataclass(frozen=True)
class Manifest:
    """A whole manifest: its statements, with `Broken` where one could not be read."""

    statements: tuple[Node, ...]
    broken: tuple[Broken, ...]


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes directly under `node`, in the order of their fields."""
    for field in fields(node):
        value = getattr(node, field.name)
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
