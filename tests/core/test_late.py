"""A late expression is compiled once, when it is used, and does what a compiled one does."""

from __future__ import annotations

import random
import re

import pytest

from lwlint.core.lazy import _Late, _Process, compile_linear, fullmatch, is_simple, late_expressions, pattern


def test_a_late_expression_answers_as_a_compiled_one() -> None:
    for text, flags in ((r"(?P<word>\w+)=(\d*)", 0), ("^ab", re.MULTILINE | re.IGNORECASE)):
        late, compiled = pattern(text, flags), re.compile(text, flags)
        for line in ("a=1 b=2", "x\nAB", ""):
            assert late.findall(line) == compiled.findall(line)
            assert late.sub("-", line) == compiled.sub("-", line)
            assert bool(late.search(line)) == bool(compiled.search(line))
        assert (late.pattern, late.flags, late.groupindex) == (compiled.pattern, compiled.flags, compiled.groupindex)


def test_an_expression_is_compiled_when_it_is_used() -> None:
    wrong = pattern("(")
    with pytest.raises(re.error):
        wrong.search("x")


NAMES = (
    "nova::database_connection",
    "a::db::database_connection",
    "database_connectio",
    "ab",
    "",
    "x::db::database_max_retries",
    "abbc",
    "a|b",
)
EXPRESSIONS = (
    r"(\w+)::(?:db::)?database_connection",
    r"(.+::db|.+)::database_(?:db_)?max_retries",
    r"(?P<name>[a-z]+)::(?:db::)?database_connection",
    r"(?i)NOVA::database_connection",
    r"(?i:A)b",
    r"ab|nova::database_connection",
    r"ab*(?:b|c)?c?",
    r"a\|b",
    r"a.b",
    r"(a(b|bb)c?)",
    r"\w*x?",
    r"(?:(?:a)b)+",
    r"nova::data{1}base_connection",
    r"[a]b",
    r"",
)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_text_that_is_seen_not_to_match_does_not_match(expression: str) -> None:
    for name in NAMES:
        found, asked = fullmatch(expression, name), compile_linear(expression).fullmatch(name)
        assert (found is None) == (asked is None), name
        assert found is None or found.groups() == asked.groups()


def test_re2_is_not_asked_about_a_text_without_what_all_matches_have() -> None:
    compile_linear.cache_clear()
    assert fullmatch(EXPRESSIONS[0], "nova::debug") is None
    assert compile_linear.cache_info().currsize == 0


def test_both_engines_find_the_same_where_an_expression_is_simple() -> None:
    chance = random.Random(5)
    atoms = ("a", "b", "::", "ab", "_", r"\w", r"\d", ".", r"\.", "-", "a+", "b*", "a?", r"\w+", ".*", ".+", r"\d*", "|")
    simple = set(filter(is_simple, EXPRESSIONS[:2]))
    while len(simple) < 3_000:
        pieces = [chance.choice((*atoms, "(", "(?:", ")", ")?", ")")) for _ in range(chance.randint(1, 9))]
        simple.update(filter(is_simple, ("".join(pieces), f"({''.join(pieces)})", f"{''.join(pieces)}(?:a|b)?")))
    texts = [
        *NAMES,
        *("".join(chance.choice(("a", "b", "::", "_", "1", ".", "-", " ")) for _ in range(chance.randint(0, 7))) for _ in range(60)),
    ]
    matches = 0
    for expression in sorted(simple):
        for text in texts:
            found, asked = re.compile(expression).fullmatch(text), compile_linear(expression).fullmatch(text)
            assert (found is None) == (asked is None), (expression, text)
            if found is not None and asked is not None:
                matches += 1
                numbers = range(len(found.groups()) + 1)
                assert [found.span(number) for number in numbers] == [asked.span(number) for number in numbers], (expression, text)
                template = "x".join(f"\\{number}" if number else "y" for number in numbers)
                assert found.expand(template) == asked.expand(template), (expression, text)
    assert matches > 2_000


@pytest.mark.parametrize(
    "expression",
    [r"(a+)+b", r"(a|b)?", r"a|b", r"a?b?", r"\w+\w+\w+", r"(a|b)(c|d)(e|f)", r"\s", r"[a]", "^a", "a$", "a{3}", "a++", "a+?", "\u00e9"],
)
def test_an_expression_that_may_mean_something_else_or_take_long_is_not_simple(expression: str) -> None:
    assert not is_simple(expression)


def test_only_the_command_lets_others_compile_late(monkeypatch: pytest.MonkeyPatch) -> None:
    for alone, kind in ((False, re.Pattern), (True, _Late)):
        monkeypatch.setattr(_Process, "alone", alone)
        with late_expressions():
            found = re.compile("a+")
        assert isinstance(found, kind)
        assert found.fullmatch("aa")
        assert isinstance(re.compile("b+"), re.Pattern)
