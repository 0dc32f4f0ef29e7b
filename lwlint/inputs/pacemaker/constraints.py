"""The constraints of a CIB, with their members found and taken apart into pairs as the scheduler does.

After lib/pacemaker/pcmk_sched_constraints.c, _colocation.c and _ordering.c of Pacemaker 2.1.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Union

from msgspec import Struct, field
from msgspec.structs import replace

from lwlint.core import lazy
from lwlint.core.source import Source, Text
from lwlint.inputs.pacemaker.facts import (
    BUNDLE,
    CLONE,
    COLOCATION,
    LOCATION,
    ORDER,
    PROMOTABLE,
    TICKET,
    Constraint,
    Expression,
    Member,
    Pair,
    Resource,
    Rule,
    boolean,
    score,
)
from lwlint.inputs.pacemaker.resources import Context, Reader, date_holds
from lwlint.inputs.pacemaker.xml import Element

TYPES = {"rsc_order": ORDER, "rsc_colocation": COLOCATION, "rsc_location": LOCATION, "rsc_ticket": TICKET}
# attribute that names a member -> the attributes of its role, action and instance
_PLACES = {
    ORDER: {"first": ("", "first-action", "first-instance"), "then": ("", "then-action", "then-instance")},
    COLOCATION: {"rsc": ("rsc-role", "", "rsc-instance"), "with-rsc": ("with-rsc-role", "", "with-rsc-instance")},
    LOCATION: {"rsc": ("role", "", "")},
    TICKET: {"rsc": ("rsc-role", "", "")},
}
PAIRS = 10_000  # of one colocation; two sets that are not sequential make as many as the product of their sizes
_PATTERN = re.compile(r"!?[\w.*^$|-]{1,100}")  # of what `rsc-pattern` may hold: what means the same in POSIX
_ORDERINGS = ("Mandatory", "Optional", "Serialize")
_REPLICA = re.compile(r"(.+?)(?:-(?:docker|podman|rkt))?-\d+$|(.+?)-ip-[0-9a-fA-F.:]+$")


class Names(Struct, frozen=True):
    """What a name in a constraint may mean: resources by id, and the members of templates and tags."""

    resources: Mapping[str, Resource]
    groups: Mapping[str, tuple[str, ...]]
    _known: dict[str, tuple[tuple[str, ...], bool]] = field(default_factory=dict)

    def found(self, name: str) -> tuple[tuple[str, ...], bool]:
        """Return the resources that `name` stands for, and whether the scheduler will not find it by this name.

        It looks for the instances of a clone or a bundle by names of their own, so not for the resource inside.
        """
        if name not in self._known:
            self._known[name] = self._found(name)
        return self._known[name]

    def matching(self, pattern: str) -> tuple[str, ...]:
        """Return the outermost resources whose ids a location's `rsc-pattern` finds; none for an unusual pattern."""
        if not _PATTERN.fullmatch(pattern):
            return ()
        try:
            found = lazy.compiled(pattern.lstrip("!"))
        except lazy.Refused:
            return ()
        wanted = not pattern.startswith("!")
        return tuple(r.name for r in self.resources.values() if r.parent is None and (found.search(r.name[:200]) is not None) is wanted)

    def _found(self, name: str) -> tuple[tuple[str, ...], bool]:
        if name in self.resources:
            return (name,), self.inner(name)
        if name in self.groups:
            members = tuple(each for each in self.groups[name] if each in self.resources)
            return members, any(self.inner(each) for each in members)
        match = _REPLICA.match(name)
        bundle = self.resources.get((match.group(1) or match.group(2)) if match else "")
        return ((bundle.name,), True) if bundle is not None and bundle.form == BUNDLE else ((), False)

    def inner(self, name: str) -> bool:
        """Return whether the resource lies in a clone or a bundle."""
        top = self.resources[self.resources[name].top]
        return top.name != name and top.form in (CLONE, PROMOTABLE, BUNDLE)


def constraints(source: Source, reader: Reader, element: Element, names: Names) -> Iterator[Constraint]:
    """Yield the constraints in the `constraints` element."""
    for child in element.all(*TYPES):
        name = child.text("id")
        if name is None:
            continue
        kind = TYPES[child.tag]
        lifetime = child.first("lifetime")
        limits = [child] if lifetime is None else [child, lifetime]
        number = child.text("score")
        ordering = _ordering(child) if kind == ORDER else None
        fact = Constraint(
            name=name.value,
            span=name.span,
            type=kind,
            host=source.host,
            members=tuple(_counted(_members(child, kind, reader, names), reader)),
            score=number.value if number is not None else None,
            score_span=number.span if number is not None else None,
            ordering=ordering,
            symmetrical=ordering != "Serialize" and boolean(child.get("symmetrical")) is not False,
            node_attribute=child.get("node-attribute"),
            node=child.text("node"),
            pattern=child.text("rsc-pattern"),
            resource_discovery=child.get("resource-discovery"),
            ticket=child.get("ticket"),
            rules=tuple(_rule(rule, reader, 0) for part in limits for rule in part.all("rule")) if kind == LOCATION else (),
            active=lifetime is None or reader.in_force(lifetime, Context(reader.now)),
        )
        if kind == COLOCATION:
            fact = replace(fact, pairs=tuple(islice(_Colocations(fact, names).pairs(list(_sets(child, reader))), PAIRS)))
            reader.count(len(fact.pairs))
        yield fact


def _counted(members: Iterator[Member], reader: Reader) -> Iterator[Member]:
    for member in members:
        reader.count(1 + len(member.resources))
        yield member


def _members(element: Element, kind: str, reader: Reader, names: Names) -> Iterator[Member]:
    for place, (role, action, instance) in _PLACES[kind].items():
        text = element.text(place)
        if text is not None:
            member = _member(text, place, element.get(role), element.get(action), names)
            yield replace(member, instance=element.get(instance))
    pattern = element.text("rsc-pattern")
    if pattern is not None:
        reader.count(len(names.resources))
        found = names.matching(pattern.value)
        if found:
            yield Member(pattern.value, pattern.span, "rsc-pattern", element.get("role"), resources=found)
    for count, block in enumerate(_sets(element, reader)):
        for reference in block.all("resource_ref"):
            text = reference.text("id")
            if text is not None:
                member = _member(text, "set", block.get("role"), block.get("action"), names)
                sequential, require_all = boolean(block.get("sequential")), boolean(block.get("require-all"))
                yield replace(member, set=count, sequential=sequential is not False, require_all=require_all is not False)


def _member(text: Text, place: str, role: str | None, action: str | None, names: Names) -> Member:
    found, hidden = names.found(text.value)
    return Member(text.value, text.span, place, role, action, resources=found, hidden=hidden)


def _sets(element: Element, reader: Reader) -> Iterator[Element]:
    for block in element.all("resource_set"):
        target = reader.target(block)
        if target is not None:
            yield target


def _ordering(element: Element) -> str:
    written = element.get("kind")
    if written is not None:
        return next((each for each in _ORDERINGS if each.lower() == written.lower()), "Mandatory")
    number = element.get("score")
    return "Optional" if number is not None and score(number) == 0 else "Mandatory"


def _rule(element: Element, reader: Reader, depth: int) -> Rule:
    target = reader.target(element) or element
    reader.count(1 + len(target.children))
    return Rule(
        name=target.get("id") or "",
        span=element.span("id", "id-ref"),
        score=target.get("score"),
        score_attribute=target.get("score-attribute"),
        role=target.get("role"),
        boolean_op=(target.get("boolean-op") or "and").lower(),
        expressions=tuple(_expression(child, reader, depth + 1) for child in target.children) if depth < 32 else (),
    )


def _expression(element: Element, reader: Reader, depth: int) -> Union[Expression, Rule]:
    if element.tag == "rule":
        return _rule(element, reader, depth)
    place = element.span("attribute", "operation", "id")
    cron = element.tag != "date_expression" or element.get("operation") == "date_spec"
    holds = None if cron else date_holds(element, reader.now)
    return Expression(element.tag, place, element.get("attribute"), element.get("operation"), element.get("value"), holds)


class _Dropped(Exception):
    """The scheduler leaves a set there, since it cannot find the resource that comes next."""


class _Block(Struct, frozen=True):
    """A resource set with its tags and templates expanded."""

    ids: tuple[str, ...]
    sequential: bool = True
    role: str | None = None
    score: str | None = None
    ordering: str = "group"


class _Colocations:
    """Takes one colocation apart."""

    def __init__(self, fact: Constraint, names: Names) -> None:
        self.fact = fact
        self.names = names
        self.score = score(fact.score)

    def pairs(self, sets: Sequence[Element]) -> Iterator[Pair]:
        """Yield the pairs; in each set, and between two, until one of them cannot be made."""
        blocks = self._of_sets(sets) if sets else self._of_ends()
        for before, block in zip([None, *blocks], blocks):
            yield from self._until_dropped(self._within(block))
            if before is not None:
                yield from self._until_dropped(self._between(before, block))

    def _of_sets(self, sets: Sequence[Element]) -> list[_Block]:
        refs = [[text for each in element.all("resource_ref") if (text := each.get("id")) is not None] for element in sets]
        known = all(self._known(name) for ids in refs for name in ids)  # if not, tags and templates stay as they are
        return [
            _Block(
                ids=self._expanded(ids) if known else tuple(ids),
                sequential=boolean(element.get("sequential")) is not False,
                role=element.get("role"),
                score=element.get("score"),
                ordering=(element.get("ordering") or "group").lower(),
            )
            for element, ids in zip(sets, refs)
        ]

    def _of_ends(self) -> list[_Block]:
        """Return `rsc` and `with-rsc` as two sets; a tag or template is one that is not sequential."""
        ends = {member.position: member for member in self.fact.members}
        both = [ends[place] for place in ("rsc", "with-rsc") if place in ends]
        plain = [member.name in self.names.resources for member in both]
        # a colocation of one instance binds no other; "two templates or tags cannot be colocated"
        if len(both) < 2 or not any(plain) or any(member.instance is not None or not self._known(member.name) for member in both):
            return []
        return [_Block(self._expanded([member.name]), sequential=one, role=member.role) for member, one in zip(both, plain)]

    def _known(self, name: str) -> bool:
        return name in self.names.groups or (name in self.names.resources and not self.names.inner(name))

    def _expanded(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Return `ids` with the members of tags and templates in their place."""
        found = (each for name in ids for each in ((name,) if name in self.names.resources else self.names.groups[name]))
        return tuple(islice(found, PAIRS))

    def _until_dropped(self, pairs: Iterator[Pair]) -> Iterator[Pair]:
        try:
            yield from pairs
        except _Dropped:
            return

    def _findable(self, name: str) -> str:
        if name not in self.names.resources or self.names.inner(name):
            raise _Dropped
        return name

    def _within(self, block: _Block) -> Iterator[Pair]:
        number = score(block.score) if block.score is not None else self.score
        if number == 0 or not block.sequential:
            return
        ids: list[str] = []
        for name in block.ids:
            ids.append(self._findable(name))
            for before in ids[:-1] if number < 0 else ids[-2:-1]:
                first, second = (before, name) if number > 0 and block.ordering != "group" else (name, before)
                yield Pair(first, second, number, block.role, block.role)

    def _between(self, one: _Block, other: _Block) -> Iterator[Pair]:
        if self.score == 0:
            return
        for first in one.ids[:1] if one.sequential else one.ids:
            for second in other.ids[-1:] if other.sequential else other.ids:
                yield Pair(self._findable(first), self._findable(second), self.score, one.role, other.role)
