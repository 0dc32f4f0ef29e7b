"""No expression of the package takes more than time in proportion to the text that it is given."""

from __future__ import annotations

import ast
import builtins
import importlib
import random
import re
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import lwlint

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    try:
        from re import _parser as sre  # type: ignore[attr-defined]
    except ImportError:
        import sre_parse as sre  # type: ignore[no-redef]

_PACKAGE = Path(lwlint.__file__).parent
_METHODS = ("match", "fullmatch", "search", "sub", "split", "findall", "finditer")
_LENGTH = 100_000


class Expression(NamedTuple):
    """One expression: where it stands, its text and flags, and how it is used."""

    place: str
    text: str | bytes
    flags: int
    methods: frozenset[str]


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(_PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(_PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        if name != "lwlint.__main__":
            yield name, ast.parse(path.read_text("utf-8"))


def _is_compiled(call: ast.Call) -> bool:
    called = call.func
    if isinstance(called, ast.Name):
        return called.id == "pattern" and bool(call.args)
    return isinstance(called, ast.Attribute) and called.attr == "compile" and isinstance(called.value, ast.Name) and called.value.id == "re"


def _direct(call: ast.Call) -> str:
    called = call.func
    is_re = isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "re"
    return called.attr if isinstance(called, ast.Attribute) and is_re and called.attr in _METHODS else ""


class _Stands(dict):  # type: ignore[type-arg]
    """The names of a module; a local one, which is a word of input or program, stands for itself."""

    def __init__(self, module: Any) -> None:
        super().__init__(vars(module))

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name):
            return getattr(builtins, name)
        return _Word("word")


class _Word(str):
    def __getattr__(self, name: str) -> Any:
        return _Word("word")

    def __getitem__(self, key: Any) -> Any:
        return _Word("word")

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return _Word("word")


def expressions() -> list[Expression]:
    """Return every expression that is compiled in the package, at module level or in a function."""
    found = []
    for name, tree in _modules():
        module = importlib.import_module(name)
        used: dict[str, set[str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in _METHODS and isinstance(node.value, ast.Name):
                used.setdefault(node.value.id, set()).add(node.attr)
        names = {
            id(node.value): node.targets[0].id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        at_once = {id(node.value): node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in _METHODS}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            direct = _direct(node)
            if not (direct or _is_compiled(node)) or any(isinstance(argument, ast.Starred) for argument in node.args):
                continue
            where = f"{name}:{node.lineno}"
            given = [
                eval(compile(ast.Expression(argument), where, "eval"), {}, _Stands(module))
                for argument in (node.args[:1] if direct else node.args)
            ]
            flags = next(
                (eval(compile(ast.Expression(k.value), where, "eval"), {}, _Stands(module)) for k in node.keywords if k.arg == "flags"), 0
            )
            if (
                direct
                and isinstance(node.args[-1], ast.Attribute)
                and isinstance(node.args[-1].value, ast.Name)
                and node.args[-1].value.id == "re"
            ):
                flags = getattr(re, node.args[-1].attr)
            methods = {direct or at_once[id(node)]} if direct or id(node) in at_once else used.get(names.get(id(node), ""), set())
            methods = methods or {"match", "search"}
            if isinstance(given[0], (str, bytes)):
                found.append(
                    Expression(
                        where,
                        str(given[0]) if isinstance(given[0], str) else given[0],
                        int(given[1]) if len(given) > 1 else int(flags),
                        frozenset(methods),
                    )
                )
    return found


def _shortest(parsed: Any) -> str:
    """Return a text that the parsed expression matches, or nearly."""
    return "".join(_shortest_of(op, value) for op, value in parsed)


def _shortest_of(op: Any, value: Any) -> str:
    name = str(op)
    if name == "LITERAL":
        return chr(value)
    if name == "NOT_LITERAL":
        return "a" if value != ord("a") else "b"
    if name == "ANY":
        return "a"
    if name == "IN":
        return _member(value)
    if name == "BRANCH":
        return min((_shortest(branch) for branch in value[1]), key=len)
    if name == "SUBPATTERN":
        return _shortest(value[-1])
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return _shortest(value[2]) * min(value[0], 200)
    if name == "ATOMIC_GROUP":
        return _shortest(value)
    return ""


_CANDIDATES = "a1 =:-_.,/\"'`<>()[]{}#;\t\n\r%$@*|\\&?!+^~AZ0x\xe9"


def _in(items: Any, char: str) -> bool:
    negated, hit = False, False
    for op, value in items:
        name = str(op)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            hit |= value == ord(char)
        elif name == "RANGE":
            hit |= value[0] <= ord(char) <= value[1]
        elif name == "CATEGORY":
            kind = str(value).rsplit("_", 1)[1]
            found = {"DIGIT": char.isdigit(), "SPACE": char.isspace(), "WORD": char.isalnum() or char == "_"}[kind]
            hit |= found != ("_NOT_" in str(value))
    return hit != negated


def _members(items: Any) -> str:
    return "".join(c for c in _CANDIDATES if _in(items, c)) or next(
        (chr(v if str(o) == "LITERAL" else v[0]) for o, v in items if str(o) in ("LITERAL", "RANGE")), "a"
    )


def _member(items: Any) -> str:
    return _members(items)[0]


def _pumps(parsed: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """Yield texts that lead to each part that repeats, and what it may repeat."""
    for op, value in parsed:
        name = str(op)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            inside = value[2]
            if value[1] > 50:
                if len(inside) == 1 and str(inside[0][0]) == "IN":
                    yield from ((before, char) for char in _members(inside[0][1]))
                elif len(inside) == 1 and str(inside[0][0]) in ("ANY", "NOT_LITERAL"):
                    yield from ((before, char) for char in _CANDIDATES)
                else:
                    yield before, _shortest(inside)
                    if str(inside[0][0]) == "BRANCH":
                        yield from ((before, _shortest(branch)) for branch in inside[0][1][1])
            yield from _pumps(inside, before)
        elif name == "SUBPATTERN":
            yield from _pumps(value[-1], before)
        elif name == "BRANCH":
            for branch in value[1]:
                yield from _pumps(branch, before)
        elif name == "ATOMIC_GROUP":
            yield from _pumps(value, before)
        elif name in ("ASSERT", "ASSERT_NOT"):
            yield from _pumps(value[1], before)
        before += _shortest_of(op, value)


def _texts(parsed: Any) -> Iterator[tuple[str, str, str]]:
    """Yield what may be fed: a beginning, what is repeated, and an end that spoils it."""
    seen = set()
    whole = _shortest(parsed)
    heads = [whole[:end] for end in range(1, min(len(whole), 40) + 1)]
    alphabet = {char for _, pump in _pumps(parsed) for char in pump}
    for before, pump in [
        *_pumps(parsed),
        *((head, char) for head in ("", whole) for char in sorted(alphabet)),
        *(("", head) for head in heads),
    ]:
        for end in ("\0", "!\n"):
            if pump and (before, pump, end) not in seen:
                seen.add((before, pump, end))
                yield before, pump, end


def _seconds(compiled: re.Pattern[Any], method: str, text: Any) -> float:
    used = getattr(compiled, method)
    start = time.process_time()
    if method == "sub":
        used(type(text)(), text)
    elif method == "finditer":
        for _ in used(text):
            pass
    else:
        used(text)
    return time.process_time() - start


_FIRST, _SHORT, _LONG = 1_000, 4_000, 16_000
_TELLING_FIRST = 0.0003  # CPU seconds of the first look: one that is quadratic takes more
_TELLING = 0.02  # CPU seconds; what takes less tells nothing
_BUDGET = 1.0  # CPU seconds for one expression and method
_MOST = 9  # times as long for four times the text: a search in proportion takes 4 times, one that is quadratic 16


def slow(expression: Expression) -> list[str]:
    """Return the texts over which the time grows faster than they do."""
    compiled = re.compile(expression.text, expression.flags)
    plain = expression.text if isinstance(expression.text, str) else expression.text.decode("latin-1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parsed = sre.parse(plain, expression.flags)
    found = []
    texts = list(_texts(parsed))
    random.Random(expression.place).shuffle(texts)  # of an expression with thousands of them, as many as there is time for
    for method in sorted(expression.methods):
        worst: tuple[float, tuple[str, str, str]] = 0.0, ("", "a", "")
        start = time.process_time()
        for parts in texts:
            if time.process_time() - start > _BUDGET:
                break
            short = _seconds(compiled, method, _text(parts, _FIRST, expression))
            worst = max(worst, (short, parts))
            if short > _TELLING_FIRST and _grows(compiled, method, parts, expression):
                found.append(f"{method} {parts}")
                break
        if not found:
            _seconds(compiled, method, _text(worst[1], _LENGTH, expression))
    return found


def _grows(compiled: re.Pattern[Any], method: str, parts: tuple[str, str, str], expression: Expression) -> bool:
    """Return whether four times the text takes much more than four times as long, in each of three tries."""
    for _ in range(3):
        short = _seconds(compiled, method, _text(parts, _SHORT, expression))
        long = _seconds(compiled, method, _text(parts, _LONG, expression))
        if long < _TELLING or long < _MOST * short:
            return False
    return True


def _text(parts: tuple[str, str, str], length: int, expression: Expression) -> Any:
    before, pump, end = parts
    text = before + pump * (length // len(pump)) + end
    return text.encode("latin-1", "replace") if isinstance(expression.text, bytes) else text


@pytest.mark.night
@pytest.mark.parametrize("expression", expressions(), ids=lambda expression: expression.place)
def test_an_expression_reads_what_it_may_take_in_proportion(expression: Expression) -> None:
    assert not slow(expression)
