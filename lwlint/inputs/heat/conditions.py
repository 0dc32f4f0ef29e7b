"""Conditions of Heat: what they come to where a template defines them, and whether several hold at once, or one of them always."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod

from lwlint.inputs.heat.document import HeatFile, Mapping, Node, Scalar, Sequence, call, effective, literal, tag_of, value_of

# Conditions under which something is there are clauses that all hold. A clause is a condition that holds (`a=1`) or does not (`a=2`), or
# several such with a bar between them, of which one does. Of conditions on the value of a parameter (`NAME == VALUE`) one holds at most.
Clauses = tuple[str, ...]
OR, IS = "|", " == "
_NEVER: Clauses = ("",)  # a clause of nothing


def opposite(branch: str) -> str:
    """Return the branch of a condition that is taken where `branch` is not."""
    return branch[:-1] + ("2" if branch[-1] == "1" else "1")


def _is_plain(branch: Iterable[str]) -> bool:
    """Return whether no clause has several conditions, or one on the value of a parameter."""
    return not any([OR in one or IS in one for one in branch])  # noqa: C419


def _holds(told: str, given: str) -> bool | None:
    """Return whether a condition is as it is told where the `given` one is so; None where that does not tell."""
    if told[:-1] == given[:-1]:
        return told == given
    if IS in told and given[-1] == "1" and told.partition(IS)[0] == given.partition(IS)[0]:
        return told[-1] == "2"  # another value
    return None


def _assume(branch: frozenset[str], given: str) -> frozenset[str] | None:
    """Return the clauses that are left where a condition is as `given`; None where one of them does not hold then."""
    left: list[str] = []
    for clause in branch:
        known = [(one, _holds(one, given)) for one in clause.split(OR)]
        if any(holds for _, holds in known):
            continue
        rest = [one for one, holds in known if holds is None]
        if not rest:
            return None
        left.append(OR.join(rest))
    return frozenset(left)


_MOST_CONDITIONS = 12
_MOST_SPLIT = 8  # conditions that are looked at one by one where clauses have several
_MOST_CLAUSES = 32  # of one condition
_MOST_LITERALS = 64  # of one condition, and
_MOST_TOGETHER = 256  # of all that are compared


def _count(branch: Iterable[str]) -> int:
    """Return how many conditions there are in all clauses."""
    return sum([one.count(OR) + 1 for one in branch])


def is_few(clauses: Clauses) -> bool:
    """Return whether a condition has no more clauses than are told apart."""
    return len(clauses) <= _MOST_CLAUSES and _count(clauses) <= _MOST_LITERALS


def is_possible(branch: frozenset[str], most: int = _MOST_CONDITIONS) -> bool:
    """Return whether all clauses may hold at once; so where there are too many to tell."""
    if "" in branch:
        return False
    if not branch or most == 0 or _is_plain(branch):
        return not any(opposite(one) in branch for one in branch)
    one = min(branch).partition(OR)[0]
    ways = (_assume(branch, way) for way in (one, opposite(one)))
    most = min(most, _MOST_SPLIT) if any(OR in clause for clause in branch) else most
    return any(left is not None and is_possible(left, most - 1) for left in ways)


def both(*several: Clauses) -> Clauses:
    """Return the clauses that hold where all of several conditions do."""
    found = dict.fromkeys(clause for one in several for clause in one)
    return _NEVER if "" in found else tuple(found)


def either(*several: Clauses) -> Clauses | None:
    """Return the clauses that hold where one of several conditions does; None for too many."""
    found: Clauses = _NEVER
    for one in several:
        if len(found) * len(one) > _MOST_CLAUSES**2:
            return None
        joined = [{*first.split(OR), *second.split(OR)} - {""} for first in found for second in one]
        found = tuple(dict.fromkeys(OR.join(sorted(of)) for of in joined if not any(opposite(way) in of for way in of)))
        if not is_few(found):
            return None
    return found


def negate(clauses: Clauses) -> Clauses | None:
    """Return the clauses that hold where not all of these do; None for too many."""
    return either(*(tuple(opposite(one) for one in clause.split(OR)) if clause else () for clause in clauses))


def always(branches: Iterable[frozenset[str]], most: int = _MOST_CONDITIONS) -> bool:
    """Return whether one of several branches is taken whatever the conditions; not so where there are too many to tell."""
    found = list(branches)
    plain = all(map(_is_plain, found))
    if not plain and sum(map(_count, found)) > _MOST_TOGETHER:
        found, plain = [one for one in found if _is_plain(one)], True
    elif any(OR in clause for one in found for clause in one):
        most = min(most, _MOST_SPLIT)
    return _is_always(found, most, plain)


def _is_always(found: list[frozenset[str]], most: int, plain: bool) -> bool:
    if frozenset() in found:
        return True
    if not found or most == 0:
        return False
    first = found[0] if plain else min(found, key=len)
    one = min(first).partition(OR)[0]
    for way, other in ((one, opposite(one)), (opposite(one), one)):
        if plain:
            left = [branch - {way} for branch in found if other not in branch]
        else:
            left = [rest for branch in found if (rest := _assume(branch, way)) is not None]
        if not _is_always(left, most - 1, plain):
            return False
    return True


def conditions(path: str, branch: Iterable[str]) -> frozenset[str]:
    """Return the conditions of a setting in the template at `path`; those of two may mean different things, whatever their names."""
    at = path.replace(OR, "%7C") + " "
    return frozenset([at + one.replace(OR, OR + at) for one in branch])


def are_possible(own: frozenset[str], others: frozenset[str]) -> bool:
    """Return whether two sets of conditions may hold at once."""
    if any(opposite(one) in others for one in own if OR not in one):
        return False
    return (_is_plain(own) and _is_plain(others)) or is_possible(own | others)


def always_with(own: frozenset[str], branches: Iterable[frozenset[str]]) -> bool:
    """Return whether, wherever the conditions `own` hold, one of several branches is taken."""
    found = list(branches)
    if _is_plain(own) and all(map(_is_plain, found)):
        return always([one - own for one in found if are_possible(one, own)])
    several = [one for one in own if OR in one]
    if several and prod(one.count(OR) + 1 for one in several) > _MOST_LITERALS:
        return always_with(own.difference(several), found)
    if several:
        clause = min(several)
        ways = (own - {clause} | {one} for one in clause.split(OR))
        return all(always_with(way, found) for way in ways if is_possible(way))
    for given in own:
        found = [left for one in found if (left := _assume(one, given)) is not None]
    return always(found)


def _condition(node: Node) -> str:
    """Return the name of a condition; of one that is written out, what it says, so that equal ones have one name."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return f"[{', '.join(map(_condition, node.items))}]"
    return f"{{{', '.join(f'{key.value}: {_condition(value)}' for key, value in node.pairs)}}}"


_MOST_NESTED = 8  # conditions in one another


def read_condition(node: Node, depth: int = _MOST_NESTED) -> tuple[Clauses, Clauses]:
    """Return the clauses that hold where a condition does, and those that hold where it does not."""
    if isinstance(node, Scalar):
        if tag_of(node) == "bool":
            return _decide(bool(value_of(node)))
        return _read_name(node.value)
    found = call(node) if depth else None
    name, argument = found if found is not None else ("", node)
    items = argument.items if isinstance(argument, Sequence) else []
    if name == "not":
        return read_condition(argument, depth - 1)[::-1]
    if name in ("and", "or") and len(items) > 1:
        each = [read_condition(item, depth - 1) for item in items]
        holds, fails = [one for one, _ in each], [other for _, other in each]
        taken, left = (both(*holds), either(*fails)) if name == "and" else (either(*holds), both(*fails))
        if taken is not None and left is not None and is_few(taken) and is_few(left):
            return taken, left
    if name == "equals" and len(items) == 2:
        return _compare(items[0], items[1]) or _read_name(_condition(node))
    return _read_name(_condition(node))


def _read_name(name: str) -> tuple[Clauses, Clauses]:
    name = name.replace(OR, "%7C")
    return (f"{name}=1",), (f"{name}=2",)


def _decide(holds: bool) -> tuple[Clauses, Clauses]:
    """Return the clauses of a condition that always holds, or never."""
    return ((), ("",)) if holds else (("",), ())


def _compare(one: Node, other: Node) -> tuple[Clauses, Clauses] | None:
    """Return the clauses of a comparison of a parameter with a value, or of two values; None for any other."""
    if isinstance(one, Scalar):
        if isinstance(other, Scalar):
            return _decide(_write_value(one) == _write_value(other)) if tag_of(one) == tag_of(other) else None
        one, other = other, one
    found = call(one)
    if found is None or found[0] != "get_param" or not isinstance(found[1], Scalar) or not isinstance(other, Scalar):
        return None
    return _read_name(f"{found[1].value}{IS}{_write_value(other)}")


def _write_value(scalar: Scalar) -> str:
    """Return a value so that a text is told from a number."""
    return repr(scalar.value) if tag_of(scalar) == "str" else literal(scalar)


def add_conditions(branch: Clauses, more: Clauses) -> Clauses | None:
    """Return the conditions of what is there under `more` within a branch; None where that is never there."""
    new = [one for one in more if one not in branch]
    if not new:
        return branch
    found = (*branch, *new)
    return found if is_possible(frozenset(found)) else None


class Conditions:
    """What the conditions of a template come to, by its own definitions of them and of its parameters."""

    def __init__(self, file: HeatFile, given: Callable[[str], tuple[str, ...] | None] = lambda _: None) -> None:
        """`given` are the values that the user gave to parameters."""
        self._file = file
        self._given = given
        self._sections: dict[str, dict[str, Node]] = {}
        self._known: dict[Clauses, Clauses | None] = {}
        self._meanings: dict[str, tuple[Clauses, Clauses]] = {}

    def of(self, branch: Clauses) -> Clauses | None:
        """Return what the conditions on the way to something come to; None where they never hold at once."""
        if not branch:
            return branch
        if branch not in self._known:
            found = both(*map(self._of_clause, branch))
            found = found if is_few(found) else branch
            self._known[branch] = found if is_possible(frozenset(found)) else None
        return self._known[branch]

    def choose(self, condition: Node) -> tuple[Clauses, Clauses]:
        """Return the clauses that hold where a condition does, and those that hold where it does not."""
        holds, fails = read_condition(condition)
        return both(*map(self._of_clause, holds)), both(*map(self._of_clause, fails))

    def _of_clause(self, clause: str) -> Clauses:
        if not clause:
            return (clause,)
        meant = [self._find_meaning(one[:-2])[one[-1] == "2"] for one in clause.split(OR)]
        found = meant[0] if len(meant) == 1 else either(*meant)
        return (clause,) if found is None else found

    def _find_meaning(self, name: str) -> tuple[Clauses, Clauses]:
        if name not in self._meanings:
            self._meanings[name] = _read_name(name)  # what is defined by itself is told by nothing else
            node = self._find_told("conditions", name)
            if node is not None:
                meant = self.choose(node)
                if all(map(is_few, meant)):
                    self._meanings[name] = meant
            elif IS in name or name.startswith(_OF_PARAMETER):
                self._meanings[name] = self._compare_parameter(name)
        return self._meanings[name]

    def _compare_parameter(self, name: str) -> tuple[Clauses, Clauses]:
        """Return what a comparison of a parameter comes to, by the values that it can have."""
        parameter, sign, value = name.partition(IS) if IS in name else (name[len(_OF_PARAMETER) : -1], IS, "true")
        told = self._find_told("parameters", parameter)
        schema = told if isinstance(told, Mapping) else None
        kind = schema.get("type") if schema is not None else None
        kind_name = kind.value if isinstance(kind, Scalar) else ""
        given = self._given(parameter) if schema is not None else None
        if kind_name == "boolean":
            if value not in ("true", "false"):
                return _decide(False)  # a text is no truth
            known = _TRUTHS.get(given[0].lower()) if given is not None and len(given) == 1 else None
            holds = _read_name(f"{_OF_PARAMETER}{parameter}}}") if known is None else _decide(known)
            return holds if value == "true" else holds[::-1]
        if kind_name != "string" or value[:1] not in "'\"":
            return _read_name(name)
        if given is not None and len(given) == 1:
            return _decide(repr(given[0]) == value)
        allowed = self._find_allowed(schema)
        if allowed and value not in allowed:
            return _decide(False)
        if allowed and value == allowed[-1]:
            others = [_read_name(f"{parameter}{sign}{other}".replace(OR, "%7C")) for other in allowed[:-1]]
            return both(*(fails for _, fails in others)), either(*(holds for holds, _ in others)) or _read_name(name)[1]
        return _read_name(name)

    def _find_told(self, section: str, name: str) -> Node | None:
        """Return what a section of the template tells of a name; None where it does not, or where Jinja decides that."""
        if section not in self._sections:
            pairs = effective(self._file.section(section))
            self._sections[section] = {key.value: value for key, value in pairs if not self._file.is_open(key, value)}
        return self._sections[section].get(name)

    @staticmethod
    def _find_allowed(schema: Mapping | None) -> list[str]:
        """Return the values that a parameter is allowed to have; none where all are."""
        constraints = schema.get("constraints") if schema is not None else None
        for one in constraints.items if isinstance(constraints, Sequence) else ():
            allowed = one.get("allowed_values") if isinstance(one, Mapping) else None
            if isinstance(allowed, Sequence) and all(isinstance(value, Scalar) for value in allowed.items):
                return [_write_value(value) for value in allowed.items if isinstance(value, Scalar)]
        return []


_OF_PARAMETER = "{get_param: "
_TRUTHS = {**dict.fromkeys(("t", "true", "on", "y", "yes", "1"), True), **dict.fromkeys(("f", "false", "off", "n", "no", "0"), False)}
