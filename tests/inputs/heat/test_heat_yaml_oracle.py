"""The YAML reader against PyYAML, which is what Heat reads with."""

from __future__ import annotations

import math
import os
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lwlint.inputs.heat import document
from lwlint.inputs.heat.document import Refused, Scalar, plain, read, value_of, walk
from tests.shared import shared

EXAMPLES = int(os.environ.get("LWLINT_HEAT_EXAMPLES", "3000"))


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """PyYAML as Heat reads with it in every release of OpenStack so far, that is before 6.0.4.

    That one takes keys that are the same object in memory for one (letters are, words are not), and of a list that is merged the last
    mapping instead of the first.
    """

    def flatten_mapping(self, node: Any) -> None:
        """Put what `<<` names in front of the pairs of the mapping, in the order in which one takes the place of the other."""
        merged, own = [], []
        for key, value in node.value:
            if key.tag != "tag:yaml.org,2002:merge":
                key.tag = "tag:yaml.org,2002:str" if key.tag == "tag:yaml.org,2002:value" else key.tag
                own.append((key, value))
                continue
            for one in reversed(value.value) if isinstance(value, yaml.SequenceNode) else (value,):
                if not isinstance(one, yaml.MappingNode):
                    raise yaml.constructor.ConstructorError(None, None, "no mapping", one.start_mark)
                self.flatten_mapping(one)
                merged += one.value
        node.value = merged + own


class _Last(yaml.SafeLoader):
    """What Heat tries where libyaml refuses a text."""

    flatten_mapping = _Loader.flatten_mapping


LOADER: Any = _Loader


def oracle(text: str) -> Any:
    """What Heat reads in `text`, or `refused`; lwlint refuses a circle, which PyYAML ties and Heat then falls over."""
    try:
        return "refused" if in_a_circle(yaml.compose(text, Loader=LOADER)) else yaml.load(text, Loader=LOADER)
    except yaml.MarkedYAMLError:
        return oracle_of(text, _Last)
    except Exception:  # PyYAML fails in many ways: KeyError for `!!bool a`, AttributeError for `!!timestamp a`
        return "refused"


def oracle_of(text: str, loader: Any) -> Any:
    """What one loader makes of `text`, or `refused`."""
    try:
        return "refused" if in_a_circle(yaml.compose(text, Loader=loader)) else yaml.load(text, Loader=loader)
    except Exception:
        return "refused"


def in_a_circle(node: Any, above: tuple[int, ...] = ()) -> bool:
    """Return whether a composed node stands inside itself."""
    inside = getattr(node, "value", ())
    if not isinstance(inside, list):
        return False
    items = [part for item in inside for part in (item if isinstance(item, tuple) else (item,))]
    return id(node) in above or any(in_a_circle(item, (*above, id(node))) for item in items)


def ours(text: str) -> Any:
    try:
        return plain(read(text).root)
    except Refused:
        return "refused"


def shape(value: Any, depth: int = 40) -> Any:
    """A value that can be compared: NaN equals itself, a circle ends, 1 is not True."""
    if depth == 0:
        return "..."
    if isinstance(value, dict):
        return ("dict", [(shape(k, depth - 1), shape(v, depth - 1)) for k, v in value.items()])
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [shape(item, depth - 1) for item in value])
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    return (type(value).__name__, value)


@pytest.mark.parametrize("tree", ["newton-before", "newton-after", "pike"])
def test_every_file_of_the_corpus_has_the_values_that_pyyaml_gives_it(tree: str) -> None:
    differ = []
    for path in sorted(shared(f"corpus/tht/{tree}").rglob("*.yaml")):
        text = path.read_bytes().decode("utf-8")
        expected = oracle(text)
        if ours(text) != expected:
            differ.append(str(path))
    assert differ == []


def test_the_span_of_every_scalar_of_the_corpus_is_its_text() -> None:
    wrong = []
    for path in sorted(shared("corpus/tht/newton-after").rglob("*.yaml")):
        text = path.read_bytes().decode("utf-8")
        try:
            root = read(text).root
        except Refused:
            continue
        for node in walk(root):
            if (
                isinstance(node, Scalar)
                and node.plain
                and "\n" not in text[node.start : node.end]
                and text[node.start : node.end] != node.value
            ):
                wrong.append(f"{path.name}: {node.value!r} is {text[node.start : node.end]!r}")
    assert wrong == []


WORDS = st.sampled_from(
    [
        "a",
        "b",
        "key",
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "~",
        "null",
        "NULL",
        "true",
        "False",
        "0",
        "-1",
        "0644",
        "0o17",
        "0x1F",
        "1_000",
        "1:30",
        "1:30:59",
        "190:20:30",
        "1e3",
        "1.5",
        ".5",
        "-.inf",
        ".NaN",
        "12e03",
        "6.8523015e+5",
        "2016-07-29",
        "2001-12-14t21:59:43.10-05:00",
        "=",
        "<<",
        "!",
        "%x",
        "-",
        "--",
        "?",
        "é",
        "😀",
        "10.0.0.1",
        "OS::Heat::None",
        "x::y::z",
        "''",
        "08",
        "+12",
        "0b101",
        "1.",
        "685_230.15",
    ]
)
SCALARS = st.one_of(
    WORDS,
    WORDS.map(lambda w: f'"{w}"'),
    WORDS.map(lambda w: "'" + w.replace("'", "''") + "'"),
    st.tuples(
        st.sampled_from(["!!str", "!!int", "!!bool", "!!float", "!!null", "!", "!!binary", "!!timestamp", "!x", "&a", "&b"]), WORDS
    ).map(" ".join),
    st.sampled_from(
        [
            "*a",
            "*b",
            "[]",
            "{}",
            '"\\u00e9\\n"',
            "[a, *a]",
            "{a: 1, a: 2}",
            "{<<: *a, b: 1}",
            "{<<: [*a, *b]}",
            "&a {x: 1}",
            "&b {x: 2, y: on}",
            "[[a], {b: c}]",
        ]
    ),
)


@st.composite
def blocks(draw: st.DrawFn, indent: int = 0, depth: int = 3) -> str:
    """Lines of a block collection, well-formed more often than not."""
    lines = []
    pad = " " * indent
    sequence = draw(st.booleans())
    for _ in range(draw(st.integers(1, 4))):
        head = "-" if sequence else draw(st.one_of(WORDS, st.sampled_from(["a", "a", "b", "<<", "? a\n" + pad + ""]))) + ":"
        choice = draw(st.integers(0, 9))
        if choice < 5 or depth == 0:
            lines.append(f"{pad}{head} {draw(SCALARS)}")
        elif choice < 8:
            anchor = draw(st.sampled_from(["", "", " &a", " &b", " !!map", " !!omap", " !!set"]))
            lines.append(f"{pad}{head}{anchor}\n" + draw(blocks(indent + draw(st.sampled_from([1, 2, 4])), depth - 1)))
        elif choice == 8:
            style = draw(st.sampled_from(["|", ">", "|-", ">+", "|2"]))
            lines.append(f"{pad}{head} {style}\n{pad}   text: {draw(WORDS)}\n{pad}   more")
        else:
            lines.append(f"{pad}# comment\n{pad}{head} {draw(SCALARS)}  # {draw(WORDS)}")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<<:\n a: a\n a:\n  <<: a", "refused"),
        ("<<: {ab: 1, ab: {<<: b}}", "refused"),
        ("<<: [{ab: 1}, {ab: 2}]", {"ab": 1}),
        ("<<: [{a: 1}, {a: 2}]", {"a": 1}),
        ("<<: {a: 1}\n<<: {a: 2}", {"a": 2}),
        ("<<: {a: 1, a: 2}", {"a": 2}),
    ],
)
def test_what_is_merged_is_what_pyyaml_before_6_0_4_merges(text: str, value: Any) -> None:
    assert shape(ours(text)) == shape(oracle(text)) == shape(value)


@pytest.mark.long
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(blocks(), st.sampled_from(["", "\ufeff"]), st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(["", "---\n", "%YAML 1.1\n---\n"]))
def test_a_generated_document_has_the_values_that_pyyaml_gives_it(body: str, mark: str, line_break: str, head: str) -> None:
    text = mark + (head + body + "\n").replace("\n", line_break)
    expected = oracle(text)
    assert shape(ours(text)) == shape(expected)
    if expected != "refused":
        for node in walk(read(text).root):
            if isinstance(node, Scalar) and node.plain and node.value and "\n" not in node.value:
                assert text[node.start : node.end] == node.value


@settings(max_examples=EXAMPLES // 3, deadline=None)
@given(st.text(alphabet="ab:-?[]{},&*!|>'\"%#@ \n\t\\~<=0\x00\x07é\u2028\ud800", max_size=30))
def test_any_text_is_read_or_refused_as_by_pyyaml(text: str) -> None:
    assert shape(ours(text)) == shape(oracle(text))


@pytest.mark.parametrize(("text", "at"), [("a: &x {b: *x, c: [*x, *x]}\n", 10), ("- &a [x, [*a]]\n", 10)])
def test_a_circle_of_aliases_is_refused_at_the_alias(text: str, at: int) -> None:
    with pytest.raises(Refused) as caught:
        read(text)
    assert caught.value.start == at


MOVED = (
    "a: &x 1\nb: [*x, *x]\n",
    "&m {a: !!str &y b}\n",
    "a: {b: 1}\nc: &z [d]\ne: *z\n",
    "a: &x 1\nb: &x 2\n",
    "a: *q\n",
    "a: !q 1\n",
    "a: [\n",
)


@pytest.mark.parametrize("text", MOVED)
def test_a_byte_order_mark_moves_every_place_by_one(text: str) -> None:
    def places(text: str) -> list[tuple[int, int]]:
        try:
            return [(node.start, node.end) for node in walk(read(text).root)]
        except Refused as refused:
            return [(refused.start, refused.start)]

    assert places("\ufeff" + text) == [(start + 1, end + 1) for start, end in places(text)]


def test_without_the_c_extension_the_result_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\ufeffa: &x {b: [1, 0644, yes], 'é': \"😀\"}\r\n<<: *x\r\nc: |\r\n  text\r\n"

    def seen() -> list[tuple[object, ...]]:
        return [(node.value, node.start, node.end) for node in walk(read(text).root) if isinstance(node, Scalar) and "\n" not in node.value]

    with_it = seen()
    document._parser.cache_clear()
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    try:
        assert document._parser() is yaml.SafeLoader
        assert (seen(), ours(text), ours("é: \x07"), ours("a: [")) == (with_it, oracle(text), "refused", "refused")
    finally:
        document._parser.cache_clear()


PLAIN_WORDS = (
    "yes",
    "No",
    "TRUE",
    "fAlse",
    "on",
    "off",
    "null",
    "Null",
    "y",
    "n",
    "none",
    "nullx",
    "~",
    "",
    "=",
    "<<",
    "!",
    "&a",
    "*a",
    "-",
    "+",
)
PLAIN_NUMBERS = (
    "0",
    "-0",
    "00",
    "-1",
    "+1",
    "10",
    "1_000",
    "0x1f",
    "0b1",
    "0o7",
    "017",
    "1:30",
    "1.5",
    ".5",
    "-.inf",
    "1e3",
    "1.e+3",
    "--1",
    "-",
    "9" * 30,
)


def test_a_plain_scalar_has_the_type_and_value_that_pyyaml_gives_it() -> None:
    table = yaml.SafeLoader.yaml_implicit_resolvers
    assert {first for first in table if first} <= set(document._RESOLVED)
    assert table.get(None, []) == []
    resolver = yaml.SafeLoader("")
    firsts = [*map(chr, range(0x250)), "\u0661", "\uff11", "\u00b2"]
    for value in (*PLAIN_WORDS, *PLAIN_NUMBERS, *firsts, *(f"{first}{rest}" for first in firsts for rest in ("1", "es", "0"))):
        tag = resolver.resolve(yaml.ScalarNode, value, (True, False))
        scalar = Scalar("", value, 0, len(value), True)
        assert document.tag_of(scalar) == tag.rpartition(":")[2], value
        if tag.endswith((":int", ":bool", ":null", ":str")):
            try:
                expected = yaml.constructor.SafeConstructor().construct_object(yaml.ScalarNode(tag, value))
            except ValueError:  # more digits than Python takes
                expected = value
            assert (value_of(scalar), type(value_of(scalar))) == (expected, type(expected)), value
