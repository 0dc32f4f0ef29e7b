"""What is passed over in C holds nothing: the answers are those of a look at each line, on generated texts and on the corpora."""

from __future__ import annotations

import bisect
import itertools
import random
import re
from collections.abc import Iterator

import pytest

from lwlint.core import secret, secret_names, secret_signs
from tests.core.secret_lines import GIVEN, SHOWN
from tests.core.test_secret import PIECES
from tests.core.test_secret_commands import SECRET, written
from tests.shared import shared

NAMES = sorted(
    {*secret._DECLARED, *secret_names.OPTIONS, *secret_names.PARAMETERS, *secret_names.AGENTS, *secret_names.SERVERS}
    | {*secret_names.STRONG, *secret_names.WEAK, *secret_names.KEYS, *secret_names.ABOUT, *secret_names.NONE}
)
BETWEEN = ("_", "-", "::", ".", "/", ":", "", "__", "_key_", "2", " ")
SIGNS = (": ", ":", "=", "=>", " = ", " => ", ":=", "::", ":\n", ": |\n", '": ', "': ", "\t:\t")
VALUES = (
    "x1y2z3", "{get_param: Foo}", "'q w'", '"q w', "${x}", "%{hiera('foo_password','zz11')}", "[a, b]", "{a: b}", "http://h:80",
    "http://u:pw12", "echo abcd | passwd --stdin x", "printf abcd |x -p ", "h=a,p=zzzz", "-setcookie abcd", "pwd%3Dabcd%26",
    "{name: x_key, value: abcd}", "value: abcd, name: 'a_token'", "lookup( \"x_token\", 'yyyy')", "-> x", "$(mysql -pabcd)",
    "/p:abcd", "a,", "a\\", "=>", "<x ", "/>", "` is `", "`db_password` is `abcd`", "-----BEGIN X KEY-----", "-----END X KEY-----",
    "rabbit://u:pw12@h:5672", "u:pw12@tcp(h:1)/d", "mysql://u:pw12", "http://h/,\nu:pw12@k", "http://h/=\nu:pw12@k", "-a_token abcd",
    "printf nova:abcd | chpasswd", "name='x_token' value='abcd'", "<nvpair name='passwd' value='x'/>",
)  # fmt: skip
BREAKS = (
    " ",
    " ",
    " ",
    "  ",
    "\t",
    "\n",
    "\n",
    "\n  ",
    "\n- ",
    "\n# ",
    "\r\n",
    "\r",
    "\\\n",
    ",\n",
    "=>\n",
    "; ",
    " | ",
    "",
    "(",
    ")",
    "'",
    "`",
)


def name(chance: random.Random) -> str:
    """Return a name that is declared, or is made of several, or of words that names are made of."""
    made = "".join(chance.choice(NAMES) + chance.choice(BETWEEN) for _ in range(chance.randint(1, 3)))
    made = chance.choice((made, chance.choice(NAMES), chance.choice(NAMES)))
    return chance.choice((made, made, made, made.upper(), made.title().replace("_", "")))


def piece(chance: random.Random) -> str:
    """Return a pair, a command, a part of one, or a value."""
    command = chance.choice(sorted(secret_names.COMMANDS))
    option = chance.choice(sorted(secret_names.COMMANDS[command]))
    return chance.choice(
        (
            name(chance) + chance.choice(SIGNS) + chance.choice(VALUES),
            f"{command.replace('*', chance.choice(('', 'x')))} {option}{chance.choice(('', ' ', '='))}{chance.choice(VALUES)}",
            chance.choice((*GIVEN, *SHOWN)).replace("%", SECRET),
            chance.choice(VALUES),
            chance.choice(PIECES),
        )
    )


def texts(number: int, most: int, seed: int) -> Iterator[str]:
    chance = random.Random(seed)
    for _ in range(number):
        yield "".join(piece(chance) + chance.choice(BREAKS) for _ in range(chance.randint(1, most)))


def test_every_name_of_a_secret_has_a_sign_in_front_of_its_value() -> None:
    chance = random.Random(1)
    names = [*NAMES, *(name(chance) for _ in range(20_000))]
    names = [each for each in names if secret.is_secret(each)]
    for form in ("{}: x", "{} = x", "{}=x", "'{}' => x", '"{}":"x"', "`{}` is `x`", "`x {}` has `x`", "hiera('{}', 'x')", "  - {} :x"):
        held = [line for line in map(form.format, names) if any(end > start for start, end in secret._find(line, ()))]
        assert len(held) > 5_000
        assert [line for line in held if not secret_signs.may_hold(line)] == []


def test_a_name_without_a_word_of_a_secret_holds_none(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(7)
    odd = ("\u212aey", "pa\u017fs", "api_key\u00e9", "api_key 2", "x.y_key-", "'b_key'", "key", "a:key", "AdminEMail", "hash$path!prefix")
    names = {*NAMES, *odd, *(name(chance) + chance.choice(("", "1", "-", ":", "\u00e9", "'")) for _ in range(50_000))}
    asked = sorted(each for each in names if not secret_signs.may_name(each))
    assert 1_000 < len(asked) < len(names) / 2
    monkeypatch.setattr(secret, "may_name", lambda name: True)
    assert [each for each in asked if secret.is_secret.__wrapped__(each)] == []


def test_every_command_with_a_secret_has_a_sign() -> None:
    lines = list(GIVEN)
    for program, told in secret_names.COMMANDS.items():
        for each in (program.replace("*", ""), f"/usr/bin/{program.replace('*', 'x')}"):
            lines += [f"{each} {form}" for option, how in told.items() for form in written(option, how)]
    held = [line.replace("%", SECRET) for line in lines if secret.mask_secrets(line.replace("%", SECRET)) != line]
    assert len(held) > 400
    assert [line for line in held if not secret_signs.may_hold(line)] == []


def test_a_line_without_a_sign_holds_nothing() -> None:
    passed = 0
    for text in texts(20_000, 3, seed=2):
        for line in text.split("\n"):
            if not secret_signs.may_hold(line):
                passed += 1
                assert list(secret._find(line, ())) == [], line
    assert passed > 5_000


def test_what_has_a_sign_has_the_words_that_little_text_is_looked_through_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_signs, "_is_little", lambda text: False)
    signs = passed = 0
    odd = ("\x0b", "\x1c", "\x1f", "\t", "-", ">", "=", ":", "`", "<", "|", ",", "\\", "\x00")
    chance = random.Random(11)
    for text in texts(40_000, 3, seed=11):
        at = chance.randrange(len(text) + 1)
        for line in re.split(r"[\r\n]", text[:at] + chance.choice(("", "", *odd)) + text[at:]):
            if line.isascii():
                has = secret_signs.may_hold(line)
                signs += has
                passed += not secret_signs.may_have(line.lower())
                assert secret_signs.may_have(line.lower()) or not has, line
    assert signs > 10_000
    assert passed > 3_000


@pytest.mark.parametrize("most", [1, 2, 12])
def test_little_text_has_all_the_places_of_signs(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in texts(2_000, most, seed=20 + most):
        lines = re.split(r"(?<=[\r\n])", text)
        starts = [0, *itertools.accumulate(map(len, lines))]
        found = []
        for little in (True, False):
            monkeypatch.setattr(secret_signs, "_is_little", lambda text, little=little: little)
            found.append({bisect.bisect_right(starts, at) - 1 for at in secret_signs.places(text)})
        few, by_signs = found
        assert {number for number in by_signs - few if lines[number].isascii()} == set(), text


@pytest.fixture
def looks_at_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each line be looked at, whatever is in it."""
    monkeypatch.setattr(secret, "may_hold", lambda line: True)
    monkeypatch.setattr(secret, "_suspects", lambda lines, text, also: range(len(lines)))


@pytest.mark.parametrize("little", [False, True])
@pytest.mark.parametrize("most", [1, 2, 12, 20])
def test_a_text_is_masked_as_by_a_look_at_each_line(
    most: int, little: bool, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_signs, "_is_little", lambda text: little)
    chance = random.Random(most)
    asked = [
        (text, chance.choice(((), ("foo", "HashSuffix"), frozenset(chance.choices(NAMES, k=80)))), chance.random() < 0.5)
        for text in texts(2_000, most, seed=most)
    ]
    found = [secret.mask_lines(text, also, broken=broken) for text, also, broken in asked]
    assert sum(text != each for (text, *_), each in zip(asked, found)) > 500
    request.getfixturevalue("looks_at_each")
    for (text, also, broken), each in zip(asked, found):
        assert secret.mask_lines(text, also, broken=broken) == each, text


def test_every_text_of_the_corpora_is_masked_as_by_a_look_at_each_line(request: pytest.FixtureRequest) -> None:
    files = sorted(path for path in shared("corpus").rglob("*") if path.is_file() and path.stat().st_size < 60_000)
    known: dict[str, str] = {}
    for path in files:
        text = path.read_bytes().decode("utf-8", "replace")
        shown = secret.mask_lines(text)
        if shown == text:  # its lines say nothing, each by itself
            known.update((line, line) for line in text.splitlines(keepends=True))
        else:
            known[text] = shown
    assert len(known) > 10_000
    request.getfixturevalue("looks_at_each")
    for text in random.Random(3).sample(sorted(known), 10_000):
        assert secret.mask_lines(text) == known[text], text
