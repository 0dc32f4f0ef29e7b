"""The parser of Puppet manifests: a table of forms, places, and what is refused."""

from __future__ import annotations

import pytest

from lwlint.inputs.puppet import syntax as tree
from lwlint.inputs.puppet.syntax import DEPTH, SIZE, parse

Declared = tuple[str, str, list[str]]


def declared(text: str) -> list[Declared]:
    """Return type, title and attributes of each declaration, as they are written."""
    found = []
    for node in tree.walk(parse(text).statements):
        if isinstance(node, tree.Resource):
            for body in node.bodies:
                title = text[body.title.start : body.title.end]
                found.append((text[node.type.start : node.type.end], title, [text[a.start : a.end] for a in body.attributes]))
    return found


def mistakes(text: str) -> list[tuple[str, str]]:
    return [(text[b.start : b.end], b.message) for b in parse(text).broken]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a { 'b': }", [("a", "'b'", [])]),
        ("a{$b:c=>1}", [("a", "$b", ["c=>1"])]),
        ("a::b { $::c::d : e => 'f', }", [("a::b", "$::c::d", ["e => 'f'"])]),
        ("a { 'b': c => 1; 'd': e => 2; }", [("a", "'b'", ["c => 1"]), ("a", "'d'", ["e => 2"])]),
        ("a { ['b', \"c-${d}\"]: }", [("a", "['b', \"c-${d}\"]", [])]),
        ("class { '::nova' : }", [("class", "'::nova'", [])]),
        ("class{'nova':} -> class{'heat':}", [("class", "'nova'", []), ("class", "'heat'", [])]),
        ("@@a { 'b': } @c { 'd': }", [("a", "'b'", []), ("c", "'d'", [])]),
        ("a { 'b': * => $c, type => x, if => y }", [("a", "'b'", ["* => $c", "type => x", "if => y"])]),
        ("a { 'b': c => $d ? { /e/ => 1, default => 2 } }", [("a", "'b'", ["c => $d ? { /e/ => 1, default => 2 }"])]),
        ("a { 'b': c => [ { 'd' => 'e' }, ], f => g(1, 2), }", [("a", "'b'", ["c => [ { 'd' => 'e' }, ]", "f => g(1, 2)"])]),
        ("if $x { a { 'b': } } elsif $y { c { 'd': } } else { e { 'f': } }", [("a", "'b'", []), ("c", "'d'", []), ("e", "'f'", [])]),
        ("unless $x { a { 'b': } }", [("a", "'b'", [])]),
        ("case $x { 'y', /z/: { a { 'b': } } default: { c { 'd': } } }", [("a", "'b'", []), ("c", "'d'", [])]),
        ("class x($p = 1, String $q) inherits y { a { 'b': } }", [("a", "'b'", [])]),
        ("define x() { a { $title: } }", [("a", "$title", [])]),
        ("node 'x.example.com' { a { 'b': } }", [("a", "'b'", [])]),
        ("['x'].each |$i, String $x| { a { $x: } }", [("a", "$x", [])]),
        ("each([1]) |$x| { a { $x: } }", [("a", "$x", [])]),
        ("File { '/x': }", [("File", "'/x'", [])]),
        ("a { default: b => 1; 'c': }", [("a", "default", ["b => 1"]), ("a", "'c'", [])]),
        ("$x = $y / 2 / 3\na { 'b': }", [("a", "'b'", [])]),
        ("if $x =~ /a{2}\\/'/ { a { 'b': } }", [("a", "'b'", [])]),
        ('$x = "${y["z"]} ${if $p { \'}\' } else { "{" }}" a { \'b\': }', [("a", "'b'", [])]),
        ("$x = @(END)\n a { 'no': }\n | END\na { 'b': }", [("a", "'b'", [])]),
        ("# a { 'no': }\n/* a { 'no': } */ a { 'b': } # }", [("a", "'b'", [])]),
        ("notify { \"a { 'no': }\": }", [("notify", "\"a { 'no': }\"", [])]),
        ("a { 'b':\r\n  c => 1,\r\n}\r\n", [("a", "'b'", ["c => 1"])]),
    ],
)
def test_each_form_of_a_declaration_is_read(text: str, expected: list[Declared]) -> None:
    assert (declared(text), mistakes(text)) == (expected, [])


def test_places_count_characters_and_not_bytes() -> None:
    text = "# Überschrift – 高可用\nnotify { 'ü': message => 'ä€😀' }\ninclude ::nova"
    calls = [n for n in tree.walk(parse(text).statements) if isinstance(n, tree.Call)]
    assert [text[c.arguments[0].start : c.arguments[0].end] for c in calls] == ["::nova"]
    assert declared(text) == [("notify", "'ü'", ["message => 'ä€😀'"])]


def test_defaults_overrides_and_collectors_declare_nothing() -> None:
    text = "A::B { c => 1 } A::B['d'] { e => 2 } A::B <| title == 'f' |> { g => 3 } A <<| |>>"
    changed = [n for n in tree.walk(parse(text).statements) if isinstance(n, tree.Changed)]
    assert (declared(text), [type(n.of).__name__ for n in changed], mistakes(text)) == ([], ["TypeName", "Accessed", "Collector"], [])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"'a\'b\\c\n'", "a'b\\c\\n"),
        (r'"a\tb\s\$c\"\u0041\u{1F600}\q"', 'a\tb $c"A😀\\q'),
        ('"a\\\nb"', "ab"),
        ('"costs 5$ or $$"', "costs 5$ or $$"),
    ],
)
def test_escapes_are_undone_as_puppet_does(text: str, value: str) -> None:
    assert [n.value for n in tree.walk(parse(f"$x = {text}").statements) if isinstance(n, tree.Quoted)] == [value]


@pytest.mark.parametrize(
    ("text", "expected", "left"),
    [
        ("a { 'b' c => 1 }\nd { 'e': }", [("c", "`c` stands where `:` is expected")], [("d", "'e'", [])]),
        ("a { 'b': c = 1 }\nd { 'e': }", [("=", "`=` stands where `=>` is expected")], [("d", "'e'", [])]),
        ("if $x {\n  a { 'b':: }\n  d { 'e': }\n}", [(":", "`:` stands where an attribute is expected")], [("d", "'e'", [])]),
        ("a { 'b':\n  c => 1,\n\nd { 'e': }", [("{", "`{` stands where `=>` is expected")], [("d", "'e'", [])]),
        ("a { 'b': }\n}\nd { 'e': }", [("}", "`}` does not belong here")], [("a", "'b'", []), ("d", "'e'", [])]),
        ("a { 'b': }\nd { 'e': ", [("", "the end stands where an attribute is expected")], [("a", "'b'", [])]),
        ("a { 'b': }\n$x = 'c\n", [("'", "this string is never closed")], [("a", "'b'", [])]),
        ("a { 'b': }\n$x = \"c${d\n", [("${", "this expression in a string is never closed")], [("a", "'b'", [])]),
        ("\ufeffa { 'b': }", [("\ufeff", "a byte order mark does not belong here")], [("a", "'b'", [])]),
        ("a { 'b': }\n\0\0\0c { 'd': }", [("\0\0\0", "a NUL character does not belong here")], [("a", "'b'", []), ("c", "'d'", [])]),
        ("\ufffd\na { 'b': }", [("\ufffd", "`\ufffd` does not belong here")], [("a", "'b'", [])]),
        ("$x = @(END)\n text\na { 'b': }", [("@(END)", "the text up to `END` is never closed")], []),
    ],
)
def test_a_mistake_is_told_at_its_place_and_the_rest_is_read(text: str, expected: list[tuple[str, str]], left: list[Declared]) -> None:
    assert (mistakes(text), declared(text)) == (expected, left)


@pytest.mark.parametrize(
    "pair",
    [("{", "}"), ("[", "]"), ("(", ")"), ('"${', '}"'), ("if $x {", "}"), ("f(", ")"), ("{ 1 => ", "}"), ("a { 'b': c => [", "] }")],
)
def test_nesting_is_limited_before_anything_recurses(pair: tuple[str, str]) -> None:
    text = "include ::nova\n$x = " + pair[0] * 100_000 + pair[1] * 100_000
    assert [m[1] for m in mistakes(text)] == [f"nested more than {DEPTH} levels deep"]
    inside = "$x = " + pair[0] * (DEPTH // 2) + "1" + pair[1] * (DEPTH // 2)
    assert [m for m in mistakes(inside) if "nested" in m[1]] == []


def test_a_manifest_beyond_the_limit_is_not_read() -> None:
    assert [b.message for b in parse("#" * (SIZE + 1)).broken] == ["this manifest has more than 2,000,000 characters"]


@pytest.mark.parametrize(
    "text",
    [
        "\0" * 300_000, "!" * 300_000, "$x = " + "-" * 300_000, "$a = " * 60_000, "a -> " * 60_000, "x { y: " * 50_000, "a-" * 99_999,
        "1 + " * 99_999, "a { 'b' }\n" * 30_000, "} " * 99_999, "@(E)\n" * 30_000, "/" * 99_999, "$x = 'a" * 39_999,
    ],
)  # fmt: skip
def test_long_runs_of_one_thing_do_not_hang(text: str) -> None:
    assert len(parse(text).broken) in range(1, 11)
